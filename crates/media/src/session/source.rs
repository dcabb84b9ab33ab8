//! Whom a session hears: the address check, latching, and the change of synchronisation source (RFC 3550 section 8.2).

use std::net::SocketAddr;

use strowger_sansio::Time;

use super::config::{SourcePolicy, canonical};
use crate::rtp::{Reception, RtpPacket, SequenceCheck};

/// Time without a packet of the known source after which a new one is believed at once.
const SOURCE_SILENT: std::time::Duration = std::time::Duration::from_millis(200);

/// Which of the two kinds of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// RTP.
    Data,
    /// RTCP.
    Control,
}

/// The address check.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    policy: SourcePolicy,
    latched: Option<SocketAddr>,
    announced: bool,
    /// A source that may become the latched one: its address, identifier and next sequence number.
    candidate: Option<(SocketAddr, u32, u16)>,
    /// The addresses whose data and control packets carried this end's identifier (section 8.2: two short lists, here of
    /// one each); none while nobody has.
    conflicting: Option<Box<[Option<SocketAddr>; 2]>>,
}

impl Gate {
    pub(super) fn new(policy: SourcePolicy) -> Self {
        let mut gate = Self {
            policy: SourcePolicy::Closed,
            latched: None,
            announced: false,
            candidate: None,
            conflicting: None,
        };
        let _ = gate.reconfigure(policy);
        gate
    }

    /// A new policy; says whether it is another one. A latch holds as long as the policy stays the same.
    pub(super) fn reconfigure(&mut self, policy: SourcePolicy) -> bool {
        let policy = match policy {
            SourcePolicy::Signalled(address) => SourcePolicy::Signalled(canonical(address)),
            SourcePolicy::LatchPort(address) => SourcePolicy::LatchPort(address.to_canonical()),
            other => other,
        };
        let another = policy != self.policy;
        if another {
            self.policy = policy;
            self.latched = None;
            self.candidate = None;
        }
        another
    }

    /// Lets nothing pass any more.
    pub(super) fn close(&mut self) {
        self.policy = SourcePolicy::Closed;
        self.latched = None;
    }

    /// Whether a packet from `from` may be looked at. Addresses are canonical.
    #[inline]
    pub(super) fn may_pass(&self, from: SocketAddr) -> bool {
        match (self.latched, self.policy) {
            (Some(latched), _) => latched == from,
            (None, SourcePolicy::Closed) => false,
            (None, SourcePolicy::Signalled(address)) => address == from,
            (None, SourcePolicy::LatchOnce) => true,
            (None, SourcePolicy::LatchPort(host)) => host == from.ip(),
        }
    }

    /// Whether a packet that passed belongs to the far end, which two packets in sequence become.
    #[inline]
    pub(super) fn latch(&mut self, from: SocketAddr, packet: &RtpPacket<'_>) -> bool {
        if self.latched.is_some() || matches!(self.policy, SourcePolicy::Signalled(_)) {
            return true;
        }
        if self.candidate == Some((from, packet.ssrc, packet.sequence)) {
            self.latched = Some(from);
            self.candidate = None;
            self.announced = false;
            return true;
        }
        self.candidate = Some((from, packet.ssrc, packet.sequence.wrapping_add(1)));
        false
    }

    /// The latched address, once, for the event.
    #[inline]
    pub(super) fn newly_latched(&mut self) -> Option<SocketAddr> {
        let latched = self.latched.filter(|_| !self.announced)?;
        self.announced = true;
        Some(latched)
    }

    /// The latched address.
    pub(super) const fn latched(&self) -> Option<SocketAddr> {
        self.latched
    }

    /// Whether this is the first packet with this end's identifier from `from`: a collision, not yet a loop.
    pub(super) fn first_conflict(&mut self, from: SocketAddr, path: Path) -> bool {
        let [data, control] = self.conflicting.get_or_insert_default().as_mut();
        let known = match path {
            Path::Data => data,
            Path::Control => control,
        };
        known.replace(from) != Some(from)
    }
}

/// The address check of RTCP: the port above RTP's, unless signalling gave another (RFC 3605); beside a latched RTP source, the
/// first port of the same host.
#[derive(Clone, Debug)]
pub(super) struct ControlGate {
    signalled: Option<SocketAddr>,
    latched: Option<SocketAddr>,
}

impl ControlGate {
    pub(super) fn new(signalled: Option<SocketAddr>) -> Self {
        Self { signalled: signalled.map(canonical), latched: None }
    }

    pub(super) fn reconfigure(&mut self, signalled: Option<SocketAddr>) {
        let signalled = signalled.map(canonical);
        if signalled != self.signalled {
            *self = Self { signalled, latched: None };
        }
    }

    /// Where reports go, when RTP goes to `remote`.
    pub(super) fn remote(&self, remote: Option<SocketAddr>) -> Option<SocketAddr> {
        self.latched.or(self.signalled).or_else(|| {
            let remote = remote?;
            Some(SocketAddr::new(remote.ip(), remote.port().checked_add(1)?))
        })
    }

    /// Whether a report from `from` is to be believed.
    pub(super) fn may_pass(&mut self, from: SocketAddr, gate: &Gate) -> bool {
        let expected = match gate.policy {
            SourcePolicy::Closed => return false,
            SourcePolicy::Signalled(address) => return self.remote(Some(address)) == Some(from),
            SourcePolicy::LatchOnce | SourcePolicy::LatchPort(_) => gate.latched,
        };
        match (self.latched, expected) {
            (Some(latched), Some(_)) => latched == from,
            (None, Some(rtp)) if rtp.ip() == from.ip() => {
                self.latched = Some(from);
                true
            }
            _ => false,
        }
    }
}

/// How a packet fits what is known of the far end's sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A packet of the known source.
    Counted,
    /// The first packet of a new one.
    NewSource,
    /// A packet of another source, or a jump in the sequence, that the next packet may prove.
    Unproven,
}

/// The far end's synchronisation source, and the sums of those before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    current: Option<Reception>,
    last_packet: Time,
    candidate: Option<(u32, u16)>,
    lost_before: i64,
    runs_before: u64,
    /// Whether the next source is believed at once.
    expecting: bool,
    /// How often the source, or its numbering, has changed.
    generation: u32,
}

impl Sources {
    #[inline]
    pub(super) fn count(&mut self, now: Time, packet: &RtpPacket<'_>) -> Arrival {
        let Some(current) = self.current.as_mut().filter(|current| current.ssrc() == packet.ssrc) else {
            return self.consider(now, packet);
        };
        let (lost, runs) = (current.lost(), current.loss_runs());
        match current.count(packet.sequence) {
            SequenceCheck::Jump => return Arrival::Unproven,
            SequenceCheck::Restarted => {
                self.lost_before += lost;
                self.runs_before += runs;
                self.generation = self.generation.wrapping_add(1);
            }
            SequenceCheck::Newest | SequenceCheck::Late => {}
        }
        current.measure_jitter(now, packet.timestamp);
        self.last_packet = now;
        self.candidate = None;
        self.expecting = false;
        Arrival::Counted
    }

    /// Notes a packet that is not understood, such as comfort noise that nobody agreed on: it is ignored (RFC 3550 section 5.1), but was not
    /// lost.
    pub(super) fn pass_over(&mut self, packet: &RtpPacket<'_>) {
        if let Some(current) = self.current.as_mut().filter(|current| current.ssrc() == packet.ssrc) {
            current.count(packet.sequence);
        }
    }

    fn consider(&mut self, now: Time, packet: &RtpPacket<'_>) -> Arrival {
        let silent = self.expecting || self.current.is_none() || now.since(self.last_packet) >= SOURCE_SILENT;
        self.expecting = false;
        if !silent && self.candidate != Some((packet.ssrc, packet.sequence)) {
            self.candidate = Some((packet.ssrc, packet.sequence.wrapping_add(1)));
            return Arrival::Unproven;
        }
        let first = self.current.is_none();
        self.lost_before += self.current.as_ref().map_or(0, Reception::lost);
        self.runs_before += self.current.as_ref().map_or(0, Reception::loss_runs);
        let mut reception = Reception::new(packet.ssrc, packet.sequence);
        reception.count(packet.sequence);
        reception.measure_jitter(now, packet.timestamp);
        self.current = Some(reception);
        self.generation = self.generation.wrapping_add(1);
        self.last_packet = now;
        self.candidate = None;
        if first { Arrival::Counted } else { Arrival::NewSource }
    }

    /// Another far end is to be heard: its source is believed at once.
    pub(super) fn expect_another(&mut self) {
        self.expecting = true;
    }

    /// The record of the present source.
    pub(super) const fn current_mut(&mut self) -> Option<&mut Reception> {
        self.current.as_mut()
    }

    /// The present source.
    pub(super) fn ssrc(&self) -> Option<u32> {
        self.current.as_ref().map(Reception::ssrc)
    }

    /// When the present source was last heard.
    pub(super) fn last_packet(&self) -> Option<Time> {
        self.current.as_ref().map(|_| self.last_packet)
    }

    /// The packet that came last was not played.
    pub(super) fn discarded(&mut self) {
        self.current.iter_mut().for_each(Reception::discarded);
    }

    /// The record of the present source.
    pub(super) const fn current(&self) -> Option<&Reception> {
        self.current.as_ref()
    }

    /// A number that changes with the source and with its numbering.
    #[inline]
    pub(super) const fn generation(&self) -> u32 {
        self.generation
    }

    /// Packets lost, of all sources.
    pub(super) fn lost(&self) -> i64 {
        self.lost_before + self.current.as_ref().map_or(0, Reception::lost)
    }

    /// Runs of lost packets, of all sources.
    pub(super) fn loss_runs(&self) -> u64 {
        self.runs_before + self.current.as_ref().map_or(0, Reception::loss_runs)
    }

    /// The interarrival jitter of the present source, in timestamp units.
    pub(super) fn jitter(&self) -> u32 {
        self.current.as_ref().map_or(0, Reception::jitter)
    }
}
