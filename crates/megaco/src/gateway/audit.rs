//! AuditValue, and the audit descriptor of other commands: what is set and known (RFC 3525 sections 7.1.12, 7.2.5).

use std::sync::Arc;

use super::Gateway;
use super::check::{COMPLETION, name_of_map};
use super::detection::Occurrence;
use super::execute::{Outcome, Scene};
use super::media::MediaPlane;
use super::owned::{Argument, Choice, Given, Item, Quality};
use super::report::{CommandReport, Fault, Found, MediaReport, StateReport, StreamReport, Verb};
use super::target::is_all;
use super::termination::{Key, Kind, StreamState, Termination};
use crate::error::ErrorCode;
use crate::message::{
    AuditDescriptor, AuditItem, AuditItems, ContextId, IndividualAudit, IndividualControl, IndividualMedia,
    IndividualSignals, IndividualStream, IndividualStreams, Name, RequestId, TerminationId,
};
use crate::package::{self, Kind as Table};

/// The package of the root's properties.
const ROOT: u16 = 2;
/// The dial string of `ce`.
const DIALLED: u16 = 1;

impl Gateway {
    /// AuditValue on what an identifier means.
    pub(super) fn audit_value(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        audit: &AuditDescriptor<'_>,
        is_union: bool,
        media: &mut dyn MediaPlane,
    ) -> Outcome {
        self.audit_each((scene, Verb::AuditValue, is_union), id, audit, |gateway, key| {
            gateway.found(scene, key, audit, media)
        })
    }

    /// What both audits do alike: `one` says what is told of a termination.
    pub(super) fn audit_each(
        &mut self,
        (scene, verb, is_union): (Scene, Verb, bool),
        id: &TerminationId<'_>,
        audit: &AuditDescriptor<'_>,
        one: impl FnMut(&mut Self, Key) -> Result<Vec<Found>, Fault>,
    ) -> Outcome {
        if let Some(outcome) = self.audit_root(scene, id, verb) {
            return outcome;
        }
        let keys = match self.audited(scene, id) {
            Ok(keys) => keys,
            Err(fault) => return Outcome::failed(verb, id, fault),
        };
        if let Some(outcome) = self.names(scene, verb, id, audit, &keys, is_union) {
            return outcome;
        }
        let outcome = self.on_each(verb, &keys, one);
        self.by_context(scene, outcome, &keys)
    }

    /// ROOT in all contexts asks for the list of them (the table of section 7.2.5).
    fn audit_root(&self, scene: Scene, id: &TerminationId<'_>, verb: Verb) -> Option<Outcome> {
        if *id != TerminationId::Root || scene.context != ContextId::ALL {
            return None;
        }
        let report = || CommandReport::Termination(verb, TerminationId::Root, Vec::new());
        let elsewhere: Vec<_> = self.contexts.keys().map(|id| (*id, report())).collect();
        let reports = if elsewhere.is_empty() { vec![report()] } else { Vec::new() };
        Some(Outcome { reports, elsewhere, ..Outcome::default() })
    }

    fn audited(&self, scene: Scene, id: &TerminationId<'_>) -> Result<Vec<Key>, Fault> {
        match id {
            TerminationId::Root if scene.context == ContextId::NULL => Ok(vec![Key::ROOT]),
            _ => self.targets(scene.context, id),
        }
    }

    /// An empty audit asks for names alone, of which a wildcard has a short form.
    fn names(
        &self,
        scene: Scene,
        verb: Verb,
        id: &TerminationId<'_>,
        audit: &AuditDescriptor<'_>,
        keys: &[Key],
        is_union: bool,
    ) -> Option<Outcome> {
        if !audit.items.is_empty() || !audit.individual.is_empty() || !is_all(id) {
            return None;
        }
        if scene.context != ContextId::ALL || is_union {
            let names = keys.iter().map(|key| self.id_of(*key)).collect();
            return Some(Outcome { reports: vec![CommandReport::Names(verb, names)], ..Outcome::default() });
        }
        let mut elsewhere: Vec<(u32, CommandReport)> = Vec::new();
        for key in keys {
            let at = self.context_of(*key);
            match elsewhere.iter_mut().find(|(context, _)| *context == at) {
                Some((_, CommandReport::Names(_, names))) => names.push(self.id_of(*key)),
                _ => elsewhere.push((at, CommandReport::Names(verb, vec![self.id_of(*key)]))),
            }
        }
        Some(Outcome { elsewhere, ..Outcome::default() })
    }

    /// What an audit descriptor asks for of a termination.
    pub(super) fn found(
        &self,
        scene: Scene,
        key: Key,
        audit: &AuditDescriptor<'_>,
        media: &dyn MediaPlane,
    ) -> Result<Vec<Found>, Fault> {
        let Some(termination) = self.terminations.get(&key) else {
            return Err(ErrorCode::UNKNOWN_TERMINATION.into());
        };
        let (mut found, mut empty) = (Vec::new(), AuditItems::NONE);
        for item in audit.items.iter() {
            let value = self.item(scene, key, termination, item, media);
            if value.is_empty() {
                empty = empty.with(item);
            }
            found.extend(value);
        }
        for part in &audit.individual {
            found.push(self.part(scene, key, termination, part, media)?);
        }
        if !empty.is_empty() {
            found.push(Found::Empty(empty));
        }
        Ok(found)
    }

    fn item(
        &self,
        scene: Scene,
        key: Key,
        termination: &Termination,
        item: AuditItem,
        media: &dyn MediaPlane,
    ) -> Vec<Found> {
        let watch = &termination.watch;
        let some = |found: Found, is_empty: bool| if is_empty { Vec::new() } else { vec![found] };
        match item {
            AuditItem::Mux | AuditItem::Modem => Vec::new(),
            AuditItem::Media => vec![Found::Media(Box::new(self.media_of(termination)))],
            AuditItem::Events => some(Found::Events(watch.active.clone()), watch.active.events.is_empty()),
            AuditItem::Signals => {
                let plays: Vec<_> = termination.playing.iter().map(|playing| playing.play.clone()).collect();
                let is_empty = plays.is_empty();
                some(Found::Signals(plays), is_empty)
            }
            AuditItem::DigitMap => {
                let maps = termination.digit_maps.iter();
                maps.map(|(name, map)| Found::DigitMap(Some(name.clone()), Some(map.clone()))).collect()
            }
            AuditItem::Statistics => {
                let list = self.statistics(scene.now, key, media);
                let is_empty = list.is_empty();
                some(Found::Statistics(list), is_empty)
            }
            AuditItem::ObservedEvents => {
                let mut events: Vec<_> = watch.queue.iter().cloned().collect();
                if let Some(dialling) = &watch.dialling {
                    let dialled = Given::Text(dialling.collection.dialled().into());
                    events.push(Occurrence {
                        at: scene.now,
                        stamp: self.clock.stamp(scene.now),
                        item: COMPLETION,
                        stream: None,
                        arguments: vec![Argument::new(DIALLED, dialled)],
                    });
                }
                let request = watch.active.request.unwrap_or(RequestId::new(0));
                let is_empty = events.is_empty();
                some(Found::Observed(request, events), is_empty)
            }
            AuditItem::Packages => vec![Found::Packages(packages(termination.kind))],
            AuditItem::EventBuffer => {
                some(Found::EventBuffer(watch.buffered.clone()), watch.buffered.is_empty())
            }
        }
    }

    /// The media descriptor as it is in force; of the root with its limits, which are properties that nobody sets (Annex E.2).
    fn media_of(&self, termination: &Termination) -> MediaReport {
        let mut report = termination.media();
        if let Some(state) = report.state.as_mut().filter(|_| termination.kind == Kind::Root) {
            state.qualities.splice(..0, self.root_limits());
        }
        report
    }

    fn root_limits(&self) -> [Quality; 2] {
        let limits = &self.config.limits;
        let limit = |item, most: u32| Quality {
            item: Item::new(ROOT, item),
            choice: Choice::One(Given::Integer(most.into())),
        };
        [limit(1, limits.contexts), limit(2, limits.terminations)]
    }

    /// A part of a descriptor (version 2): what there is not is refused with 532.
    fn part(
        &self,
        scene: Scene,
        key: Key,
        termination: &Termination,
        part: &IndividualAudit<'_>,
        media: &dyn MediaPlane,
    ) -> Result<Found, Fault> {
        let missing = || Fault::from(ErrorCode::AUDITED_MISSING);
        let watch = &termination.watch;
        match part {
            IndividualAudit::Media(media) => {
                let limits = (termination.kind == Kind::Root).then(|| self.root_limits());
                media_part(termination, limits.as_ref().map_or(&[], |own| own.as_slice()), media)
            }
            IndividualAudit::Events(part) => {
                let item = Item::of(part.name).ok_or_else(missing)?;
                let mut detection = (*watch.active).clone();
                detection
                    .events
                    .retain(|wanted| wanted.package == item.package && wanted.item == Some(item.item));
                let is_request = part.request.is_none_or(|request| detection.request == Some(request));
                if detection.events.is_empty() || !is_request {
                    return Err(missing());
                }
                Ok(Found::Events(Arc::new(detection)))
            }
            IndividualAudit::EventBuffer(name, _) => {
                let item = Item::of(*name).ok_or_else(missing)?;
                let list = watch.buffered.iter();
                let list: Vec<_> = list
                    .filter(|known| known.package == item.package && known.item == Some(item.item))
                    .cloned()
                    .collect();
                if list.is_empty() { Err(missing()) } else { Ok(Found::EventBuffer(list)) }
            }
            IndividualAudit::Signals(part) => {
                let is_it = |play: &super::signal::Play| match part {
                    IndividualSignals::Signal(signal) => {
                        matches!(play, super::signal::Play::One(sound) if Some(sound.item) == Item::of(signal.name))
                    }
                    IndividualSignals::List(id, _) => {
                        matches!(play, super::signal::Play::List(known, _) if known == id)
                    }
                };
                let plays = termination.playing.iter().map(|playing| &playing.play);
                let plays: Vec<_> = plays.filter(|play| is_it(play)).cloned().collect();
                if plays.is_empty() { Err(missing()) } else { Ok(Found::Signals(plays)) }
            }
            IndividualAudit::DigitMap(name) => {
                let name = name_of_map(name);
                let map = termination.digit_maps.get(&name).cloned().ok_or_else(missing)?;
                Ok(Found::DigitMap(Some(name), Some(map)))
            }
            IndividualAudit::Statistics(name) => {
                let item = Item::of(*name).ok_or_else(missing)?;
                let list = self.statistics(scene.now, key, media).into_iter();
                let list: Vec<_> = list.filter(|(known, _)| *known == item).collect();
                if list.is_empty() { Err(missing()) } else { Ok(Found::Statistics(list)) }
            }
            IndividualAudit::Packages(part) => {
                let Name::Id(id) = part.package else { return Err(missing()) };
                let list = packages(termination.kind).into_iter();
                let list: Vec<_> = list.filter(|(known, _)| *known == id).collect();
                if list.is_empty() { Err(missing()) } else { Ok(Found::Packages(list)) }
            }
        }
    }
}

/// The packages of a kind of termination with their versions.
pub(super) fn packages(kind: Kind) -> Vec<(u16, u8)> {
    let known = kind.packages().iter().filter_map(|id| package::package(*id));
    known.map(|package| (package.id, package.version)).collect()
}

fn media_part(
    termination: &Termination,
    limits: &[Quality],
    part: &IndividualMedia<'_>,
) -> Result<Found, Fault> {
    let mut report = MediaReport::default();
    if let Some(state) = &part.state {
        let mut qualities = Vec::new();
        for asked in &state.properties {
            let item = Item::of(asked.name).ok_or(ErrorCode::AUDITED_MISSING)?;
            let known = termination.qualities.iter().chain(limits).find(|known| known.item == item);
            let is_row = termination
                .kind
                .package(item.package)
                .is_some_and(|package| package.item(Table::Property, item.item).is_some());
            match known {
                Some(known) => qualities.push(known.clone()),
                None if is_row => {}
                None => return Err(ErrorCode::AUDITED_MISSING.into()),
            }
        }
        report.state = Some(StateReport {
            service: state.service.map(|_| termination.service),
            buffer: state.is_buffer.then_some(termination.buffer),
            qualities,
        });
    }
    let streams = match &part.streams {
        IndividualStreams::None => Vec::new(),
        IndividualStreams::One(stream) => vec![(super::check::FIRST, stream)],
        IndividualStreams::Many(list) => list.iter().map(|(id, stream)| (*id, stream)).collect(),
    };
    for (id, stream) in streams {
        let state = termination.streams.get(&id.0).ok_or(ErrorCode::AUDITED_MISSING)?;
        report.streams.push((id, stream_part(state, stream)?));
    }
    Ok(Found::Media(Box::new(report)))
}

fn stream_part(state: &StreamState, part: &IndividualStream<'_>) -> Result<StreamReport, Fault> {
    let whole = state.report();
    let mut report = StreamReport {
        local: whole.local.filter(|_| part.local.is_some()),
        remote: whole.remote.filter(|_| part.remote.is_some()),
        control: None,
    };
    if let Some(IndividualControl { mode, is_reserve_value, is_reserve_group, properties }) = &part.control {
        let mut control = whole.control.unwrap_or_default();
        control.mode = control.mode.filter(|_| mode.is_some());
        control.reserve_value = is_reserve_value.then(|| control.reserve_value.unwrap_or(false));
        control.reserve_group = is_reserve_group.then(|| control.reserve_group.unwrap_or(false));
        control
            .qualities
            .retain(|known| properties.iter().any(|asked| Item::of(asked.name) == Some(known.item)));
        report.control = Some(control);
    }
    Ok(report)
}
