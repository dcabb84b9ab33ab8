//! Streams: what a command says of them, what of it is reserved, and what goes back (RFC 3525 sections 7.1.6 to 7.1.8).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use strowger_sansio::Time;

use super::Gateway;
use super::check::Checker;
use super::context::{receives, sends};
use super::description::{self, Alternative};
use super::media::{MediaCapabilities, MediaFault, MediaPlane, StreamHandle, StreamSpec, StreamStatistics};
use super::owned::{Item, Quality};
use super::report::{ControlReport, Fault, MediaReport, StreamReport};
use super::termination::{Key, Kind, StreamState, Termination};
use crate::error::ErrorCode;
use crate::message::{LocalControl, StreamId, StreamMode, StreamParameters};
use crate::package::Place;

/// The jitter buffer of `nt`, and of `rtp`, which extends it.
const JITTER: [Item; 2] = [Item::new(0xb, 7), Item::new(0xc, 7)];

/// A local control as it was given: it takes the place of the one before as a whole.
#[derive(Clone, Debug)]
struct Control {
    mode: Option<StreamMode>,
    reserve_value: Option<bool>,
    reserve_group: Option<bool>,
    qualities: Vec<Quality>,
    is_open: bool,
}

/// What a command says of a stream.
#[derive(Clone, Debug)]
pub(super) struct StreamChange {
    control: Option<Control>,
    /// Alternatives, the preferred one first; none release what was reserved.
    local: Option<Vec<Alternative>>,
    remote: Option<Vec<Alternative>>,
}

/// Carried together.
fn sum(a: StreamStatistics, b: StreamStatistics) -> StreamStatistics {
    if b == StreamStatistics::default() {
        return a;
    }
    StreamStatistics {
        packets_sent: a.packets_sent + b.packets_sent,
        packets_received: a.packets_received + b.packets_received,
        octets_sent: a.octets_sent + b.octets_sent,
        octets_received: a.octets_received + b.octets_received,
        packets_lost: a.packets_lost + b.packets_lost,
        jitter_ms: b.jitter_ms,
        latency_ms: b.latency_ms,
    }
}

impl Gateway {
    pub(super) fn check_stream(
        termination: &Termination,
        checker: &Checker<'_>,
        parameters: &StreamParameters<'_>,
        able: &MediaCapabilities,
    ) -> Result<StreamChange, Fault> {
        if parameters.statistics.is_some() {
            return Err(ErrorCode::STATISTIC_STREAM.into());
        }
        let control = parameters.control.as_ref().map(|control: &LocalControl<'_>| {
            Ok::<_, Fault>(Control {
                mode: control.mode,
                reserve_value: control.reserve_value,
                reserve_group: control.reserve_group,
                qualities: checker.properties(&control.properties, Place::LocalControl)?,
                is_open: control.properties.iter().any(|property| super::check::is_open(&property.setting)),
            })
        });
        let describe = |description: &Option<crate::message::Description<'_>>| {
            let Some(description) = description else { return Ok(None) };
            if termination.kind != Kind::Ephemeral && !description.is_empty() {
                // A line has its wires: there is nothing to describe.
                return Err(Fault::from(ErrorCode::UNKNOWN_DESCRIPTOR));
            }
            description::read(description, able).map(Some)
        };
        Ok(StreamChange {
            control: control.transpose()?,
            local: describe(&parameters.local)?,
            remote: describe(&parameters.remote)?,
        })
    }

    /// Does what a command says of streams, all of it or nothing, and tells what the reply must say.
    pub(super) fn change_streams(
        &mut self,
        now: Time,
        key: Key,
        changes: &BTreeMap<StreamId, StreamChange>,
        media: &mut dyn MediaPlane,
    ) -> Result<MediaReport, Fault> {
        let mut report = MediaReport::default();
        let Some(termination) = self.terminations.get(&key) else { return Ok(report) };
        let before = termination.streams.clone();
        let kind = termination.kind;
        for (id, change) in changes {
            let mut state = before.get(&id.0).cloned().unwrap_or_default();
            let done = self.change_stream(now, kind, &mut state, change, media);
            match done {
                Ok(said) => {
                    if said != StreamReport::default() {
                        report.streams.push((*id, said));
                    }
                    if let Some(termination) = self.terminations.get_mut(&key) {
                        termination.streams.insert(id.0, state);
                    }
                }
                Err(fault) => {
                    self.undo(now, key, before, media);
                    return Err(fault);
                }
            }
        }
        // A stream whose both descriptions were released, with nothing reserved, has ended (section 7.1.6).
        if let Some(termination) = self.terminations.get_mut(&key)
            && kind == Kind::Ephemeral
        {
            let is_over = |(id, state): (&u16, &StreamState)| {
                let is_released = changes.get(&StreamId(*id)).is_some_and(|change| {
                    let is_empty = |side: &Option<Vec<Alternative>>| side.as_ref().is_some_and(Vec::is_empty);
                    is_empty(&change.local) && is_empty(&change.remote)
                });
                let is_reserved = state.reserve_group == Some(true) || state.reserve_value == Some(true);
                (is_released && !is_reserved && state.open.is_none()).then_some(*id)
            };
            let over: Vec<_> = termination.streams.iter().filter_map(is_over).collect();
            for id in over {
                let ended = termination.streams.remove(&id).unwrap_or_default();
                termination.carried = sum(termination.carried, ended.carried);
            }
        }
        Ok(report)
    }

    /// Puts streams back to what they were before a command that failed.
    fn undo(&mut self, now: Time, key: Key, before: BTreeMap<u16, StreamState>, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let after = std::mem::replace(&mut termination.streams, before);
        for (id, state) in after {
            let old = termination.streams.get(&id).and_then(|state| state.open.as_ref());
            match (state.open, old) {
                // What was released is gone.
                (None, Some(_)) => {
                    if let Some(old) = termination.streams.get_mut(&id) {
                        old.open = None;
                        old.carried = state.carried;
                    }
                }
                (Some((handle, ..)), None) => {
                    media.close(now, handle);
                }
                (Some((handle, spec, _)), Some((_, old, _))) if spec != *old => {
                    // It was so a moment ago.
                    let _ = media.modify(now, handle, old);
                }
                _ => {}
            }
        }
    }

    fn change_stream(
        &mut self,
        now: Time,
        kind: Kind,
        state: &mut StreamState,
        change: &StreamChange,
        media: &mut dyn MediaPlane,
    ) -> Result<StreamReport, Fault> {
        let mut report = StreamReport::default();
        if let Some(control) = &change.control {
            state.mode = control.mode;
            state.reserve_value = control.reserve_value;
            state.reserve_group = control.reserve_group;
            state.qualities.clone_from(&control.qualities);
            if control.is_open {
                let qualities = control.qualities.clone();
                report.control = Some(ControlReport { qualities, ..ControlReport::default() });
            }
        }
        if kind != Kind::Ephemeral {
            return Ok(report);
        }
        let able = media.capabilities().clone();
        let (local, remote) = Self::resolve(state, change, &able)?;
        if local.is_empty() && remote.is_empty() {
            if let Some((handle, ..)) = state.open.take() {
                state.carried = sum(state.carried, media.close(now, handle));
            }
            let describe = |side: &Option<Vec<Alternative>>| side.as_ref().map(|_| Vec::new());
            (state.local, state.remote) = (None, None);
            (report.local, report.remote) = (describe(&change.local), describe(&change.remote));
            return Ok(report);
        }
        let spec = spec_of(state, &local, &remote, &able);
        let address = self.reserve(now, state, spec, &local, media)?;
        let write = |side: &[Alternative], address: Option<SocketAddr>| {
            side.iter().flat_map(|alternative| alternative.write(address)).collect::<Vec<u8>>()
        };
        if change.local.is_some() {
            let text = write(&local, Some(address));
            state.local = (!text.is_empty()).then(|| text.clone());
            report.local = Some(text);
        }
        if change.remote.is_some() {
            let text = write(&remote, None);
            state.remote = (!text.is_empty()).then(|| text.clone());
            report.remote = Some(text);
        }
        Ok(report)
    }

    /// Opens the stream or changes it, and says where it receives.
    fn reserve(
        &mut self,
        now: Time,
        state: &mut StreamState,
        spec: StreamSpec,
        local: &[Alternative],
        media: &mut dyn MediaPlane,
    ) -> Result<SocketAddr, Fault> {
        let (handle, address, is_new) = match &state.open {
            Some((handle, old, address)) => {
                if *old != spec {
                    media.modify(now, *handle, &spec).map_err(MediaFault::code)?;
                }
                (*handle, *address, false)
            }
            None => {
                let handle = StreamHandle(self.next_handle);
                self.next_handle += 1;
                let address = media.open(now, handle, &spec).map_err(MediaFault::code)?;
                (handle, address, true)
            }
        };
        // Who names an address and port must have been told them: there is no choice of them.
        if !local.iter().all(|alternative| description::is_at(alternative, address)) {
            match &state.open {
                _ if is_new => {
                    media.close(now, handle);
                }
                Some((_, old, _)) if *old != spec => {
                    let _ = media.modify(now, handle, old);
                }
                _ => {}
            }
            let why = "A local address or port that is not the gateway's choice";
            return Err(Fault::new(ErrorCode::INSUFFICIENT_RESOURCES, why));
        }
        state.open = Some((handle, spec, address));
        Ok(address)
    }

    /// Which alternatives of both sides are taken (section 7.1.8).
    fn resolve(
        state: &StreamState,
        change: &StreamChange,
        able: &MediaCapabilities,
    ) -> Result<(Vec<Alternative>, Vec<Alternative>), Fault> {
        let stored = |text: &Option<Vec<u8>>| {
            text.as_ref().map(|text| description::read_stored(text, able)).unwrap_or_default()
        };
        let asked_local = change.local.as_ref().filter(|list| !list.is_empty());
        let asked_remote = change.remote.as_ref().filter(|list| !list.is_empty());
        let all_local = change.local.clone().unwrap_or_else(|| stored(&state.local));
        let all_remote = change.remote.clone().unwrap_or_else(|| stored(&state.remote));
        let supported = |list: Vec<Alternative>| -> Vec<Alternative> {
            list.into_iter().filter(Alternative::is_supported).collect()
        };
        let (local, remote) = (supported(all_local), supported(all_remote));
        let by_group = state.reserve_group == Some(true);
        let by_value = state.reserve_value == Some(true);
        if by_group || by_value {
            // All that can be had; that nothing can is said by an empty descriptor.
            let keep = |list: Vec<Alternative>, other: &[Alternative], was_asked: bool| -> Vec<Alternative> {
                let most = if by_group || !was_asked { usize::MAX } else { 1 };
                let narrow = |alternative: Alternative| {
                    if by_value || !was_asked { alternative } else { alternative.narrowed(other.first()) }
                };
                list.into_iter().take(most).map(narrow).collect()
            };
            let kept = keep(local, &remote, asked_local.is_some());
            let remote = keep(remote, &kept, asked_remote.is_some());
            return Ok((kept, remote));
        }
        let none = || Fault::from(ErrorCode::INSUFFICIENT_RESOURCES);
        if (asked_local.is_some() && local.is_empty()) || (asked_remote.is_some() && remote.is_empty()) {
            return Err(none());
        }
        // The first of Local that goes with one of Remote: with a common format, if there is such a pair.
        let pair = local.iter().find_map(|here| {
            let there = remote.iter().find(|there| here.agrees(there))?;
            Some((here.clone(), there.clone()))
        });
        let (here, there) = match pair {
            Some((here, there)) => (Some(here), Some(there)),
            None => (local.into_iter().next(), remote.into_iter().next()),
        };
        let here = match asked_local {
            Some(_) => here.map(|here| here.narrowed(there.as_ref())),
            None => here,
        };
        let there = match asked_remote {
            Some(_) => there.map(|there| there.narrowed(here.as_ref())),
            None => there,
        };
        Ok((here.into_iter().collect(), there.into_iter().collect()))
    }

    /// Ends all streams of a termination.
    pub(super) fn close_streams(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        for state in termination.streams.values_mut() {
            if let Some((handle, ..)) = state.open.take() {
                media.close(now, handle);
            }
        }
        termination.carried = StreamStatistics::default();
    }

    /// What all streams of a termination have carried so far.
    pub(super) fn carried(&self, now: Time, key: Key, media: &dyn MediaPlane) -> StreamStatistics {
        let Some(termination) = self.terminations.get(&key) else { return StreamStatistics::default() };
        termination.streams.values().fold(termination.carried, |total, state| {
            let so_far = state.open.as_ref().map(|(handle, ..)| media.statistics(now, *handle));
            sum(total, sum(state.carried, so_far.unwrap_or_default()))
        })
    }
}

/// What the plane is to do.
fn spec_of(
    state: &StreamState,
    local: &[Alternative],
    remote: &[Alternative],
    able: &MediaCapabilities,
) -> StreamSpec {
    let mut receive = Vec::new();
    for entry in local.iter().flat_map(|alternative| &alternative.codecs) {
        if !receive.contains(entry) {
            receive.push(entry.clone());
        }
    }
    let there = remote.first();
    let send = there.and_then(Alternative::speech).cloned();
    let wanted = there.and_then(|there| there.packet);
    let wanted = wanted.or_else(|| local.first().and_then(|here| here.packet));
    let wanted = wanted.unwrap_or(Duration::from_millis(20));
    let nearest = able.packetization.iter().min_by_key(|period| period.abs_diff(wanted)).copied();
    let jitter = state.qualities.iter().find(|quality| JITTER.contains(&quality.item));
    let jitter =
        jitter.and_then(|quality| quality.choice.number()).and_then(|millis| u64::try_from(millis).ok());
    StreamSpec {
        receive,
        send,
        telephone_event: there.and_then(Alternative::telephone_event),
        packetization: nearest.unwrap_or(wanted),
        remote: there.and_then(Alternative::destination),
        remote_rtcp: None,
        sends: sends(state.mode()),
        receives: receives(state.mode()),
        jitter: jitter.map(Duration::from_millis),
    }
}
