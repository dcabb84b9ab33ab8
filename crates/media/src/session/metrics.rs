//! The quality of what is received, as VoIP metrics (RFC 3611 section 4.7).

use std::time::Duration;

use super::RtpSession;
use crate::frame::time_of;
use crate::jitter::PlayoutConfig;
use crate::quality::{Impairment, Path, burst_ratio};
use crate::rtcp::{UNKNOWN, VoipMetrics};
use crate::rtp::GAP_THRESHOLD;

/// Lost packets are replaced by a repetition ("standard" concealment, 11), and the play-out adapts (11); its rate is not told.
const ADAPTIVE: u8 = 0b1111_0000;
/// As before, and the play-out stays (10).
const FIXED: u8 = 0b1110_0000;

impl RtpSession {
    /// The quality of the present source; none before anything came.
    #[must_use]
    pub fn voip_metrics(&self) -> Option<VoipMetrics> {
        let reception = self.sources.current()?;
        let counters = self.playout.counters();
        let (expected, lost) = (reception.expected(), u64::try_from(reception.lost()).unwrap_or(0));
        let discarded = counters.late + counters.overrun;
        let summary = reception.bursts().summary();
        let packet = time_of(self.counters.mean_octets());
        let last = |packets: u64| millis(packet * u32::try_from(packets).unwrap_or(u32::MAX));
        let delay = self.playout.target();
        let latency = self.control.latency().unwrap_or_default();
        let loss = (lost + discarded) as f64 / expected.max(1) as f64;
        let path = Path {
            loss: loss.min(1.0),
            burst_ratio: burst_ratio(lost, reception.loss_runs(), expected),
            delay: latency + delay + packet,
        };
        // What is played here is G.711, or loses nothing that G.711 would have kept.
        let conversation = path.rate(Impairment::G711);
        let listening = Path { delay: Duration::ZERO, ..path }.rate(Impairment::G711);
        let tenths = |opinion: f64| (opinion * 10.0).round() as u8;
        let bounds = PlayoutConfig::default();
        Some(VoipMetrics {
            ssrc: reception.ssrc(),
            loss_rate: rate(lost, expected),
            discard_rate: rate(discarded, expected),
            burst_density: summary.burst_density,
            gap_density: summary.gap_density,
            burst_duration: last(summary.burst_packets),
            gap_duration: last(summary.gap_packets),
            round_trip: millis(latency * 2),
            end_system_delay: millis(delay + packet),
            signal_level: UNKNOWN.cast_signed(),
            noise_level: UNKNOWN.cast_signed(),
            residual_echo_return_loss: UNKNOWN,
            gap_threshold: GAP_THRESHOLD,
            r_factor: conversation.factor().round() as u8,
            external_r_factor: UNKNOWN,
            mos_listening: tenths(listening.opinion()),
            mos_conversation: tenths(conversation.opinion()),
            receiver_configuration: if self.playout.is_fixed() { FIXED } else { ADAPTIVE },
            playout: [millis(delay), millis(delay), millis(bounds.max)],
        })
    }
}

/// A share in 256ths.
fn rate(part: u64, whole: u64) -> u8 {
    u8::try_from(part.saturating_mul(256) / whole.max(1)).unwrap_or(u8::MAX)
}

fn millis(span: Duration) -> u16 {
    u16::try_from(span.as_millis()).unwrap_or(u16::MAX)
}
