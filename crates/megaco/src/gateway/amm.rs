//! Add, Move and Modify on one termination: the descriptors are checked, then all of them take effect, or none.

use std::collections::BTreeMap;
use std::sync::Arc;

use strowger_sansio::Time;

use super::Gateway;
use super::check::{self, Checker, DigitMaps};
use super::detection::{Buffered, Detection};
use super::digit_map::DigitMap;
use super::execute::Scene;
use super::media::{Hook, MediaPlane};
use super::owned::{Quality, argument};
use super::report::{Fault, Found, MediaReport, StateReport};
use super::signal::Play;
use super::streams::StreamChange;
use super::termination::{Key, Kind, Termination};
use crate::error::ErrorCode;
use crate::message::{AmmDescriptor, AmmRequest, BufferControl, Media, ServiceState, StreamId, Streams};
use crate::package::Place;

/// `al`, and its hook events.
const AL: u16 = 9;
pub(super) const ON_HOOK: u16 = 4;
pub(super) const OFF_HOOK: u16 = 5;
/// `an`.
const ANNOUNCEMENTS: u16 = 0x1d;
/// `strict` of the hook events.
pub(super) const STRICT: u16 = 1;

/// The termination state of a descriptor.
#[derive(Debug, Default)]
struct StateChange {
    service: Option<ServiceState>,
    buffer: Option<BufferControl>,
    qualities: Option<Vec<Quality>>,
    /// Something was left to the gateway.
    is_open: bool,
}

/// What a command will do to a termination.
#[derive(Debug, Default)]
struct Change {
    state: StateChange,
    streams: BTreeMap<StreamId, StreamChange>,
    events: Option<Detection>,
    buffer: Option<Vec<Buffered>>,
    signals: Option<Vec<Play>>,
    /// A digit map, or that one is taken away.
    maps: Vec<(Box<str>, Option<Arc<DigitMap>>)>,
}

impl Gateway {
    /// Whether a termination may come into a context.
    pub(super) fn may_join(&self, key: Key, context: u32) -> Result<(), Fault> {
        let Some(termination) = self.terminations.get(&key) else {
            return Err(ErrorCode::UNKNOWN_TERMINATION.into());
        };
        if termination.service == ServiceState::OutOfService {
            return Err(Fault::new(ErrorCode::SERVICE_UNAVAILABLE, "The termination is out of service"));
        }
        if termination.is_leaving && termination.context == 0 {
            return Err(ErrorCode::SERVICE_CHANGING.into());
        }
        let members = self.contexts.get(&context).map_or(0, |context| context.members.len());
        if members >= self.config.limits.terminations as usize {
            return Err(ErrorCode::CONTEXT_FULL.into());
        }
        Ok(())
    }

    /// A new ephemeral termination, which is in no context yet.
    pub(super) fn make_ephemeral(&mut self, now: Time) -> Result<Key, Fault> {
        if self.ephemerals >= self.config.limits.ephemerals {
            return Err(ErrorCode::NO_TERMINATION_ID.into());
        }
        let name = format!("{}/{}", self.config.ephemeral, self.next_ephemeral);
        self.next_ephemeral += 1;
        let key = Key(self.next_key);
        self.next_key = self.next_key.wrapping_add(1);
        if self.terminations.contains_key(&key) || self.names.contains_key(name.to_ascii_lowercase().as_str())
        {
            return Err(ErrorCode::NO_TERMINATION_ID.into());
        }
        self.ephemerals += 1;
        self.names.insert(name.to_ascii_lowercase().into(), key);
        self.terminations.insert(key, Termination::new(now, &name, Kind::Ephemeral));
        Ok(key)
    }

    /// Takes an ephemeral termination away again that did not come into its context.
    pub(super) fn unmake(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let is_stray = self
            .terminations
            .get(&key)
            .is_some_and(|termination| termination.kind == Kind::Ephemeral && termination.context == 0);
        if is_stray {
            self.remove(now, key, media);
        }
    }

    /// Add and Move: the descriptors take effect in the new context.
    pub(super) fn join(
        &mut self,
        scene: Scene,
        key: Key,
        request: &AmmRequest<'_>,
        media: &mut dyn MediaPlane,
    ) -> Result<Vec<Found>, Fault> {
        let change = self.check(key, request, media)?;
        let opened = self.change_streams(scene.now, key, &change.streams, media)?;
        self.enter(scene.now, key, scene.context.get());
        // A line that joins a context has one stream, whether it was named or not.
        if let Some(termination) = self.terminations.get_mut(&key)
            && matches!(termination.kind, Kind::Physical(..))
            && termination.streams.is_empty()
        {
            termination.streams.insert(check::FIRST.0, super::termination::StreamState::default());
        }
        self.finish(scene, key, change, opened, request, media)
    }

    /// Modify.
    pub(super) fn change(
        &mut self,
        scene: Scene,
        key: Key,
        request: &AmmRequest<'_>,
        media: &mut dyn MediaPlane,
    ) -> Result<Vec<Found>, Fault> {
        let change = self.check(key, request, media)?;
        let opened = self.change_streams(scene.now, key, &change.streams, media)?;
        let context = self.context_of(key);
        if !change.streams.is_empty() && context != 0 {
            self.unsettled.insert(context);
        }
        self.finish(scene, key, change, opened, request, media)
    }

    fn finish(
        &mut self,
        scene: Scene,
        key: Key,
        change: Change,
        mut media_report: MediaReport,
        request: &AmmRequest<'_>,
        media: &mut dyn MediaPlane,
    ) -> Result<Vec<Found>, Fault> {
        let is_open = change.state.is_open;
        self.set_state(key, change.state);
        let Some(termination) = self.terminations.get_mut(&key) else { return Ok(Vec::new()) };
        for (name, map) in change.maps {
            match map {
                Some(map) => termination.digit_maps.insert(name, map),
                None => termination.digit_maps.remove(&name),
            };
        }
        if let Some(buffered) = change.buffer {
            if buffered.is_empty() {
                termination.watch.queue.clear();
            }
            termination.watch.buffered = buffered;
        }
        if is_open {
            let qualities = termination.qualities.clone();
            media_report.state = Some(StateReport { service: None, buffer: None, qualities });
        }
        // Who hears whom is settled before anything is heard.
        self.settle_contexts(scene.now, media);
        if let Some(signals) = change.signals {
            self.play(scene.now, key, signals, media);
        }
        if let Some(events) = change.events {
            self.activate(scene.now, key, &Arc::new(events), media);
        }
        let mut found = Vec::new();
        if media_report != MediaReport::default() {
            found.push(Found::Media(Box::new(media_report)));
        }
        if let Some(audit) = &request.audit {
            found.extend(self.found(scene, key, audit, media)?);
        }
        Ok(found)
    }

    fn set_state(&mut self, key: Key, change: StateChange) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        if let Some(service) = change.service
            && service != termination.service
        {
            termination.service = service;
            let name = termination.name.to_string();
            self.events.push_back(super::GatewayEvent::ServiceChanged { termination: name, service });
        }
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        // What a descriptor leaves out goes back to its default (section 6.2.4). The service state, which is not the controller's alone, stays.
        if let Some(qualities) = change.qualities {
            termination.buffer = change.buffer.unwrap_or(BufferControl::Off);
            if termination.buffer == BufferControl::Off {
                termination.watch.queue.clear();
                termination.watch.is_suspended = false;
            }
            termination.qualities = qualities;
            if key == Key::ROOT {
                self.obey_root();
            }
        }
    }

    fn check(&self, key: Key, request: &AmmRequest<'_>, media: &dyn MediaPlane) -> Result<Change, Fault> {
        let Some(termination) = self.terminations.get(&key) else {
            return Err(ErrorCode::UNKNOWN_TERMINATION.into());
        };
        let mut change = Change::default();
        // A map of this command can be used in its events, wherever it stands.
        let mut maps: DigitMaps = termination.digit_maps.clone();
        for descriptor in &request.descriptors {
            if let AmmDescriptor::DigitMap(map) = descriptor {
                let (name, map) = self.check_map(&maps, map)?;
                match &map {
                    Some(map) => maps.insert(name.clone(), map.clone()),
                    None => maps.remove(&name),
                };
                change.maps.push((name, map));
            }
        }
        let none = DigitMaps::new();
        let root = self.terminations.get(&Key::ROOT).map_or(&none, |root| &root.digit_maps);
        let checker = Checker {
            kind: termination.kind,
            own_maps: &maps,
            root_maps: root,
            most_signals: self.config.limits.signals,
        };
        for descriptor in &request.descriptors {
            match descriptor {
                AmmDescriptor::DigitMap(_) => {}
                AmmDescriptor::Media(described) => {
                    self.check_media(termination, &checker, described, &mut change, media)?;
                }
                AmmDescriptor::Events(events) => change.events = Some(checker.events(events)?),
                AmmDescriptor::EventBuffer(events) => change.buffer = Some(checker.buffer(events)?),
                AmmDescriptor::Signals(signals) => change.signals = Some(checker.signals(signals)?),
                AmmDescriptor::Statistics(_) => return Err(ErrorCode::STATISTIC_STREAM.into()),
                AmmDescriptor::Modem(_) | AmmDescriptor::Mux(_) => {
                    return Err(ErrorCode::UNKNOWN_DESCRIPTOR.into());
                }
            }
        }
        // What a stream that is made only now can give is seen when it is there.
        let will_be = termination.kind == Kind::Ephemeral && !change.streams.is_empty();
        let can_signal =
            |plays: &[Play]| if will_be { Ok(()) } else { can_signal(termination, plays, media) };
        if let Some(signals) = &change.signals {
            can_signal(signals)?;
        }
        if let Some(events) = &change.events {
            Self::check_detection(termination, events, media)?;
            // What is embedded can be given and detected as well, or the descriptor is refused (section 8.2.2).
            for wanted in &events.events {
                let instead = wanted.instead.as_deref();
                let signals =
                    wanted.signals.iter().chain(instead.and_then(|instead| instead.signals.as_ref()));
                signals.into_iter().try_for_each(|plays| can_signal(plays))?;
                let seconds = wanted.events.iter().chain(instead.and_then(|instead| instead.events.as_ref()));
                for second in seconds {
                    can_detect(
                        termination,
                        second.events.iter().map(|wanted| (wanted.package, wanted.item)),
                        media,
                    )?;
                    let signals = second.events.iter().filter_map(|wanted| wanted.signals.as_ref());
                    signals.into_iter().try_for_each(|plays| can_signal(plays))?;
                }
            }
        }
        if let Some(buffer) = &change.buffer {
            can_detect(termination, buffer.iter().map(|known| (known.package, known.item)), media)?;
        }
        Ok(change)
    }

    fn check_map(
        &self,
        known: &DigitMaps,
        map: &crate::message::DigitMap<'_>,
    ) -> Result<(Box<str>, Option<Arc<DigitMap>>), Fault> {
        let Some(name) = &map.name else {
            return Err(Fault::new(ErrorCode::SYNTAX_COMMAND, "A digit map without a name"));
        };
        let name = check::name_of_map(name);
        match &map.value {
            Some(value) if value.body.trim().is_empty() => Ok((name, None)),
            Some(value) => {
                if !known.contains_key(&name) && known.len() >= self.config.limits.digit_maps {
                    return Err(ErrorCode::NO_DIGIT_MAP_SPACE.into());
                }
                Ok((name, Some(check::map_of(value)?)))
            }
            // A new map must have a value (section 7.1.14.1).
            None => {
                known.get(&name).cloned().map(|map| (name, Some(map))).ok_or(ErrorCode::NO_DIGIT_MAP.into())
            }
        }
    }

    fn check_media(
        &self,
        termination: &Termination,
        checker: &Checker<'_>,
        described: &Media<'_>,
        change: &mut Change,
        media: &dyn MediaPlane,
    ) -> Result<(), Fault> {
        if let Some(state) = &described.state {
            let is_root = termination.kind == Kind::Root;
            if is_root && (state.service.is_some() || state.buffer.is_some()) {
                return Err(ErrorCode::PROPERTY_ILLEGAL.into());
            }
            let qualities = checker.properties(&state.properties, Place::TerminationState)?;
            change.state = StateChange {
                service: state.service,
                buffer: state.buffer,
                qualities: Some(qualities),
                is_open: state.properties.iter().any(|property| check::is_open(&property.setting)),
            };
        }
        let streams = match &described.streams {
            Streams::None => return Ok(()),
            Streams::One(parameters) => vec![(check::FIRST, &**parameters)],
            Streams::Many(list) => list.iter().map(|stream| (stream.id, &stream.parameters)).collect(),
        };
        if termination.kind == Kind::Root {
            return Err(ErrorCode::DESCRIPTOR_ILLEGAL.into());
        }
        for (id, parameters) in streams {
            let described = Self::check_stream(termination, checker, parameters, media.capabilities())?;
            if change.streams.insert(id, described).is_some() {
                return Err(ErrorCode::DESCRIPTOR_TWICE.into());
            }
        }
        Ok(())
    }

    /// Whether the plane can find what is asked for, and a hook is not yet what an event waits for (Annex E.9.5).
    fn check_detection(
        termination: &Termination,
        events: &Detection,
        media: &dyn MediaPlane,
    ) -> Result<(), Fault> {
        const FAIL_WRONG: i64 = 2;
        can_detect(termination, events.events.iter().map(|wanted| (wanted.package, wanted.item)), media)?;
        for wanted in &events.events {
            let strict = argument(&wanted.arguments, STRICT).and_then(super::Choice::number);
            let Kind::Physical(_, line) = termination.kind else { continue };
            if wanted.package == AL && strict == Some(FAIL_WRONG) {
                let is_so = match wanted.item {
                    Some(ON_HOOK) => media.hook(line) == Hook::On,
                    Some(OFF_HOOK) => media.hook(line) == Hook::Off,
                    _ => false,
                };
                if is_so {
                    return Err(ErrorCode::HOOK_STATE.into());
                }
            }
        }
        Ok(())
    }

    /// What the root properties say of transactions (Annex E.2).
    fn obey_root(&mut self) {
        const ROOT: u16 = 2;
        const MGC_LIMIT: u16 = 7;
        const MG_LIMIT: u16 = 8;
        let Some(root) = self.terminations.get(&Key::ROOT) else { return };
        let value = |item: u16| {
            let found = root.qualities.iter().find(|quality| quality.item == super::Item::new(ROOT, item))?;
            found.choice.number().and_then(|number| u32::try_from(number).ok())
        };
        let (ours, theirs) = (value(MG_LIMIT), value(MGC_LIMIT));
        for peer in &self.controllers {
            self.transactions.set_pending_limits(*peer, ours, theirs);
        }
    }
}

/// Whether the plane can give signals on a termination.
fn can_signal(termination: &Termination, plays: &[Play], media: &dyn MediaPlane) -> Result<(), Fault> {
    let mut sounds = plays.iter().flat_map(Play::sounds);
    let can = |sound: &&super::signal::Sound| {
        termination.any_port().is_some_and(|port| media.can_signal(port, &sound.order()))
    };
    match sounds.find(|sound| !can(sound)) {
        Some(sound) if sound.item.package == ANNOUNCEMENTS => Err(ErrorCode::NO_ANNOUNCEMENT.into()),
        Some(_) => Err(ErrorCode::NO_SIGNAL_EQUIPMENT.into()),
        None => Ok(()),
    }
}

/// Whether the plane can find events on a termination; of all of a package, it finds what it can.
fn can_detect(
    termination: &Termination,
    events: impl Iterator<Item = (u16, Option<u16>)>,
    media: &dyn MediaPlane,
) -> Result<(), Fault> {
    for (package, item) in events {
        if let (Some(item), Some(port)) = (item, termination.any_port())
            && !media.can_detect(port, super::Item::new(package, item))
        {
            return Err(ErrorCode::NO_EVENT_EQUIPMENT.into());
        }
    }
    Ok(())
}
