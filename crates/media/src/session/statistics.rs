//! What a session counts: enough for the connection parameters of RFC 3435 section 3.2.2.7 and for metrics.

use std::time::Duration;

use super::Discard;
use super::control::{Control, RemoteReport};
use super::playout::SessionPlayout;
use super::sender::Sender;
use super::source::Sources;
use crate::frame::time_of;
use crate::jitter::PlayoutCounters;
use crate::rtcp::VoipMetrics;

/// The sums of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SessionStatistics {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Payload octets sent, without headers and padding.
    pub octets_sent: u64,
    /// RTP packets received, of all sources.
    pub packets_received: u64,
    /// Payload octets received, without headers and padding.
    pub octets_received: u64,
    /// Packets expected less packets received (RFC 3550 A.3), of all sources; negative when duplicates outweigh losses.
    pub packets_lost: i64,
    /// Runs of packets that did not come in time, of all sources.
    pub loss_runs: u64,
    /// The interarrival jitter (RFC 3550 A.8) of the present source.
    pub jitter: Duration,
    /// Half of the round-trip time, averaged over all RTCP reports; none before the first.
    pub latency: Option<Duration>,
    /// Packets thrown away because they came from elsewhere than the far end.
    pub wrong_source: u64,
    /// Datagrams thrown away because they were no RTP packet.
    pub malformed: u64,
    /// Packets thrown away because their payload type was not agreed.
    pub unknown_payload: u64,
    /// Packets thrown away because they were a new source's first, or jumped in sequence.
    pub unproven: u64,
    /// Packets thrown away because they were this end's own.
    pub looped: u64,
    /// What the play-out buffer counted.
    pub playout: PlayoutCounters,
    /// Compound RTCP packets sent.
    pub reports_sent: u64,
    /// Compound RTCP packets received from the far end.
    pub reports_received: u64,
    /// RTCP datagrams thrown away: from elsewhere, or no compound packet.
    pub reports_refused: u64,
    /// What the far end last said about the stream that it receives.
    pub remote: Option<RemoteReport>,
    /// What the far end last said of its quality, if it sends extended reports.
    pub remote_metrics: Option<VoipMetrics>,
}

/// What the session itself counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    packets_received: u64,
    octets_received: u64,
    wrong_source: u64,
    malformed: u64,
    unknown_payload: u64,
    unproven: u64,
    looped: u64,
    pub(super) reports_refused: u64,
}

impl Counters {
    #[inline]
    pub(super) const fn received(&mut self, octets: usize) {
        self.packets_received += 1;
        self.octets_received += octets as u64;
    }

    /// The mean payload, in octets and so in samples; none before the first packet.
    pub(super) fn mean_octets(&self) -> u64 {
        self.octets_received / self.packets_received.max(1)
    }

    pub(super) const fn discarded(&mut self, why: Discard) {
        match why {
            Discard::WrongSource => self.wrong_source += 1,
            Discard::Malformed(_) => self.malformed += 1,
            Discard::UnknownPayload => self.unknown_payload += 1,
            Discard::Unproven => self.unproven += 1,
            Discard::Looped => self.looped += 1,
        }
    }
}

impl SessionStatistics {
    pub(super) fn collect(
        counters: &Counters,
        sender: &Sender,
        sources: &Sources,
        playout: &SessionPlayout,
        control: &Control,
    ) -> Self {
        Self {
            packets_sent: sender.packets(),
            octets_sent: sender.octets(),
            packets_received: counters.packets_received,
            octets_received: counters.octets_received,
            packets_lost: sources.lost(),
            loss_runs: sources.loss_runs(),
            jitter: time_of(u64::from(sources.jitter())),
            latency: control.latency(),
            wrong_source: counters.wrong_source,
            malformed: counters.malformed,
            unknown_payload: counters.unknown_payload,
            unproven: counters.unproven,
            looped: counters.looped,
            playout: playout.counters(),
            reports_sent: control.reports_sent,
            reports_received: control.reports_received,
            reports_refused: counters.reports_refused,
            remote: control.remote(),
            remote_metrics: control.remote_metrics(),
        }
    }
}
