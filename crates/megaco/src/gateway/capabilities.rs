//! AuditCapabilities: what could be set (RFC 3525 section 7.2.6), from the tables of the packages.

use std::sync::Arc;

use strowger_sansio::Time;

use super::Gateway;
use super::detection::{Buffered, Detection, Occurrence, Reporting, Wanted};
use super::execute::{Outcome, Scene};
use super::media::MediaPlane;
use super::owned::{Choice, Given, Item, Quality};
use super::report::{ControlReport, Fault, Found, MediaReport, StateReport, StreamReport, Verb};
use super::signal::{Play, Sound};
use super::termination::{Key, Kind, Termination};
use crate::error::ErrorCode;
use crate::message::{
    AuditDescriptor, AuditItem, AuditItems, BufferControl, RequestId, ServiceState, StreamMode, TerminationId,
};
use crate::package::{self, Access, ItemRow, Kind as Table, Package, Type};

/// A package, those that it extends last.
fn rows(package: &'static Package, table: Table) -> Vec<&'static ItemRow> {
    let (mut list, mut next) = (Vec::new(), Some(package));
    while let Some(package) = next {
        list.extend(package.own(table));
        next = package.extends;
    }
    list
}

fn items(kind: Kind, table: Table) -> Vec<Item> {
    let packages = kind.packages().iter().filter_map(|id| kind.package(*id));
    packages
        .flat_map(|package| rows(package, table).into_iter().map(|row| Item::new(package.id, row.id)))
        .collect()
}

impl Gateway {
    /// AuditCapabilities on what an identifier means.
    pub(super) fn audit_capabilities(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        audit: &AuditDescriptor<'_>,
        is_union: bool,
        media: &mut dyn MediaPlane,
    ) -> Outcome {
        let verb = Verb::AuditCapabilities;
        if audit.items.has(AuditItem::DigitMap) || audit.items.has(AuditItem::Packages) {
            return Outcome::failed(verb, id, ErrorCode::DESCRIPTOR_ILLEGAL.into());
        }
        self.audit_each((scene, verb, is_union), id, audit, |gateway, key| {
            gateway.able(scene.now, key, audit, media)
        })
    }

    fn able(
        &self,
        now: Time,
        key: Key,
        audit: &AuditDescriptor<'_>,
        media: &dyn MediaPlane,
    ) -> Result<Vec<Found>, Fault> {
        let Some(termination) = self.terminations.get(&key) else {
            return Err(ErrorCode::UNKNOWN_TERMINATION.into());
        };
        let (mut found, mut empty) = (Vec::new(), AuditItems::NONE);
        for item in audit.items.iter() {
            let list = capability(now, termination, item, media);
            if list.is_empty() {
                empty = empty.with(item);
            }
            found.extend(list);
        }
        if !empty.is_empty() {
            found.push(Found::Empty(empty));
        }
        Ok(found)
    }
}

fn capability(now: Time, termination: &Termination, item: AuditItem, media: &dyn MediaPlane) -> Vec<Found> {
    let kind = termination.kind;
    let can_detect = |item: &Item| termination.any_port().is_none_or(|port| media.can_detect(port, *item));
    match item {
        AuditItem::Mux | AuditItem::Modem | AuditItem::DigitMap | AuditItem::Packages => Vec::new(),
        AuditItem::Media => media_capability(kind),
        AuditItem::Events => {
            let events = items(kind, Table::Event).into_iter().filter(can_detect).map(wanted).collect();
            vec![Found::Events(Arc::new(Detection { request: Some(RequestId::ALL), events }))]
        }
        AuditItem::EventBuffer => {
            let one = |item: Item| Buffered {
                package: item.package,
                item: Some(item.item),
                stream: None,
                arguments: Vec::new(),
            };
            vec![Found::EventBuffer(
                items(kind, Table::Event).into_iter().filter(can_detect).map(one).collect(),
            )]
        }
        AuditItem::ObservedEvents => {
            // The events that are active on the termination.
            let active = &termination.watch.active;
            let names = active.events.iter().filter_map(|wanted| {
                let item = Item::new(wanted.package, wanted.item?);
                Some(Occurrence { at: now, stamp: None, item, stream: wanted.stream, arguments: Vec::new() })
            });
            let names: Vec<_> = names.collect();
            let request = active.request.unwrap_or(RequestId::new(0));
            if names.is_empty() { Vec::new() } else { vec![Found::Observed(request, names)] }
        }
        AuditItem::Signals => {
            let plays: Vec<_> = items(kind, Table::Signal).into_iter().map(sound).collect();
            let can = |play: &Play| {
                let order = play.sounds().first().map(Sound::order);
                let port = termination.any_port();
                port.zip(order).is_none_or(|(port, order)| media.can_signal(port, &order))
            };
            let plays: Vec<_> = plays.into_iter().filter(can).collect();
            if plays.is_empty() { Vec::new() } else { vec![Found::Signals(plays)] }
        }
        AuditItem::Statistics => {
            let list: Vec<_> = match kind {
                Kind::Ephemeral => {
                    let rtp = |item: &Item| item.package != 0xc || item.item > 3;
                    items(kind, Table::Statistic).into_iter().filter(rtp).map(|item| (item, None)).collect()
                }
                _ => items(kind, Table::Statistic).into_iter().map(|item| (item, None)).collect(),
            };
            if list.is_empty() { Vec::new() } else { vec![Found::Statistics(list)] }
        }
    }
}

/// Values that stand in several descriptors are alternatives.
fn media_capability(kind: Kind) -> Vec<Found> {
    if kind == Kind::Root {
        return vec![Found::Media(Box::new(root_capability()))];
    }
    let modes = [
        StreamMode::SendOnly,
        StreamMode::ReceiveOnly,
        StreamMode::SendReceive,
        StreamMode::Inactive,
        StreamMode::Loopback,
    ];
    let states = [ServiceState::Test, ServiceState::OutOfService, ServiceState::InService];
    let buffers = [BufferControl::Off, BufferControl::LockStep];
    let descriptor = |(place, mode): (usize, &StreamMode)| {
        let control = ControlReport { mode: Some(*mode), ..ControlReport::default() };
        let stream = StreamReport { control: Some(control), ..StreamReport::default() };
        let state = StateReport {
            service: states.get(place).copied(),
            buffer: buffers.get(place).copied(),
            qualities: Vec::new(),
        };
        let has_state = state.service.is_some() || state.buffer.is_some();
        Found::Media(Box::new(MediaReport {
            state: has_state.then_some(state),
            streams: vec![(super::check::FIRST, stream)],
        }))
    };
    modes.iter().enumerate().map(descriptor).collect()
}

/// The properties of the root, with what they can be set to (section 6.2.5).
fn root_capability() -> MediaReport {
    let properties = items(Kind::Root, Table::Property).into_iter().filter_map(|item| {
        let row = package::item(Table::Property, item.name())?;
        let Type::Integer(_, last) = row.kind else { return None };
        let choice = Choice::Range(Given::Integer(0), Given::Integer(last));
        (row.access == Access::ReadWrite).then_some(Quality { item, choice })
    });
    let state = StateReport { service: None, buffer: None, qualities: properties.collect() };
    MediaReport { state: Some(state), streams: Vec::new() }
}

fn wanted(item: Item) -> Wanted {
    Wanted {
        package: item.package,
        item: Some(item.item),
        stream: None,
        arguments: Vec::new(),
        is_keep_active: false,
        plan: None,
        signals: None,
        events: None,
        reporting: Reporting::Usual,
        instead: None,
        is_reset: false,
    }
}

fn sound(item: Item) -> Play {
    Play::One(Sound {
        item,
        stream: None,
        kind: None,
        duration: None,
        completion: None,
        is_keep_active: false,
        arguments: Vec::new(),
        direction: None,
        request: None,
        delay: None,
    })
}
