//! Terminations: what each is, has and does (RFC 3525 sections 6.2, 7.1.4 to 7.1.8).

use std::collections::BTreeMap;
use std::sync::Arc;

use strowger_sansio::Time;

use super::detection::Watch;
use super::digit_map::DigitMap;
use super::media::{FlashTiming, LineIndex, Port, StreamHandle, StreamSpec, StreamStatistics};
use super::owned::Quality;
use super::quality::Loss;
use super::report::{ControlReport, MediaReport, StateReport, StreamReport};
use super::signal::Playing;
use crate::message::{BufferControl, ServiceState, StreamId, StreamMode};
use crate::package::{self, Package};

/// A termination of the gateway's table. [`Key::ROOT`] is the gateway as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u32);

impl Key {
    pub(super) const ROOT: Self = Self(0);
}

/// What a physical termination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminationKind {
    /// An analogue line: hook, ringing, digits, tones.
    AnalogueLine,
    /// A circuit of a trunk: tones, continuity.
    Circuit,
}

/// What a termination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    Physical(TerminationKind, LineIndex),
    /// Streams of RTP; it exists while it is in a context.
    Ephemeral,
}

/// The packages that each kind of termination realises, in the order of their identifiers.
const ROOT: &[u16] = &[1, 2, 0x45, 0x51];
const LINE: &[u16] = &[1, 5, 6, 7, 9, 0xd, 0x1d, 0x3c];
const CIRCUIT: &[u16] = &[1, 5, 6, 7, 8, 0xa, 0xd, 0x1d];
const RTP: &[u16] = &[1, 7, 0xb, 0xc, 0x1d];

impl Kind {
    pub(super) const fn packages(self) -> &'static [u16] {
        match self {
            Self::Root => ROOT,
            Self::Physical(TerminationKind::AnalogueLine, _) => LINE,
            Self::Physical(TerminationKind::Circuit, _) => CIRCUIT,
            Self::Ephemeral => RTP,
        }
    }

    /// The package, when this kind realises it.
    pub(super) fn package(self, id: u16) -> Option<&'static Package> {
        if self.packages().contains(&id) { package::package(id) } else { None }
    }
}

/// One stream of a termination.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamState {
    pub(super) mode: Option<StreamMode>,
    pub(super) reserve_value: Option<bool>,
    pub(super) reserve_group: Option<bool>,
    pub(super) qualities: Vec<Quality>,
    /// Session descriptions as they are in force; empty when there is none.
    pub(super) local: Option<Vec<u8>>,
    pub(super) remote: Option<Vec<u8>>,
    /// The packets below, while resources are reserved.
    pub(super) open: Option<(StreamHandle, StreamSpec, std::net::SocketAddr)>,
    /// What was carried by streams that were released since.
    pub(super) carried: StreamStatistics,
}

impl StreamState {
    pub(super) fn mode(&self) -> StreamMode {
        self.mode.unwrap_or(StreamMode::Inactive)
    }

    pub(super) fn report(&self) -> StreamReport {
        let control = ControlReport {
            mode: Some(self.mode()),
            reserve_value: self.reserve_value,
            reserve_group: self.reserve_group,
            qualities: self.qualities.clone(),
        };
        StreamReport { control: Some(control), local: self.local.clone(), remote: self.remote.clone() }
    }
}

/// A termination.
#[derive(Clone, Debug)]
pub(super) struct Termination {
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    /// The context; 0 is the null context.
    pub(super) context: u32,
    pub(super) service: ServiceState,
    /// It leaves service when its context lets it go, or at a time.
    pub(super) is_leaving: bool,
    pub(super) buffer: BufferControl,
    pub(super) qualities: Vec<Quality>,
    pub(super) streams: BTreeMap<u16, StreamState>,
    /// What streams have carried that have ended since it came into its context.
    pub(super) carried: StreamStatistics,
    pub(super) watch: Watch,
    pub(super) playing: Vec<Playing>,
    pub(super) digit_maps: BTreeMap<Box<str>, Arc<DigitMap>>,
    /// How long a flash is, as it was said last.
    pub(super) flash: FlashTiming,
    /// What its streams had lost when it was looked at last.
    pub(super) loss: Loss,
    /// When it came into its context.
    pub(super) since: Time,
}

impl Termination {
    pub(super) fn new(now: Time, name: &str, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            context: 0,
            service: ServiceState::InService,
            is_leaving: false,
            buffer: BufferControl::Off,
            qualities: Vec::new(),
            streams: BTreeMap::new(),
            carried: StreamStatistics::default(),
            watch: Watch::default(),
            playing: Vec::new(),
            digit_maps: BTreeMap::new(),
            flash: FlashTiming::default(),
            loss: Loss::default(),
            since: now,
        }
    }

    /// Where media of a stream enter and leave: a line has one pair of wires for all.
    pub(super) fn port(&self, stream: u16) -> Option<Port> {
        match self.kind {
            Kind::Root => None,
            Kind::Physical(_, line) => Some(Port::Line(line)),
            Kind::Ephemeral => {
                self.streams.get(&stream)?.open.as_ref().map(|(handle, ..)| Port::Stream(*handle))
            }
        }
    }

    /// Where signals are given that are for no stream in particular.
    pub(super) fn any_port(&self) -> Option<Port> {
        match self.kind {
            Kind::Ephemeral => self.streams.keys().find_map(|stream| self.port(*stream)),
            _ => self.port(1),
        }
    }

    /// All properties go back to their defaults (section 7.2.3). Digit maps stay, as does what the whole termination is.
    pub(super) fn revert(&mut self) {
        self.context = 0;
        self.buffer = BufferControl::Off;
        self.qualities.clear();
        self.streams.clear();
        self.watch = Watch::default();
    }

    /// The media descriptor as it is in force.
    pub(super) fn media(&self) -> MediaReport {
        let is_root = self.kind == Kind::Root;
        let state = StateReport {
            service: (!is_root).then_some(self.service),
            buffer: (!is_root).then_some(self.buffer),
            qualities: self.qualities.clone(),
        };
        let streams = self.streams.iter().map(|(id, stream)| (StreamId(*id), stream.report())).collect();
        MediaReport { state: Some(state), streams }
    }
}
