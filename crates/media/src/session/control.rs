//! The session's RTCP: reports out, reports in, and the round-trip time between (RFC 3550 section 6).

use std::sync::Arc;
use std::time::Duration;

use strowger_sansio::{Rng, Time};

use super::config::{ExtendedReports, SessionConfig};
use super::sender::Sender;
use super::source::{ControlGate, Sources};
use crate::rtcp::{
    Compound, CompoundBuilder, EXTENDED_REPORT, ExtendedBlock, Membership, NtpTime, ReportBlock, RtcpPacket,
    Schedule, SenderInfo, VoipMetrics, span, units,
};

/// The bandwidth of a G.711 call with its headers at 20 ms, in bits a second.
const SESSION_BANDWIDTH: u32 = 80_000;
/// The far end counts as a member, or as a sender, as long as it was heard within this time: five of its least intervals,
/// and two (sections 6.3.5 and 6.3.8).
const MEMBER_TIMEOUT: Duration = Duration::from_secs(25);
const SENDER_TIMEOUT: Duration = Duration::from_secs(10);
/// A round trip longer than this is an error of the far end's arithmetic.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(60);

/// What the far end last said about the stream that it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RemoteReport {
    /// The fraction lost between its last two reports, in 256ths.
    pub fraction_lost: u8,
    /// The packets lost in all.
    pub cumulative_lost: i32,
    /// The interarrival jitter.
    pub jitter: Duration,
}

/// What a received compound packet changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A report.
    Report,
    /// The far end said goodbye.
    Goodbye,
    /// The reporter uses this end's identifier.
    OwnIdentifier,
}

#[derive(Clone, Debug)]
pub(super) struct Control {
    pub(super) gate: ControlGate,
    schedule: Schedule,
    cname: Arc<str>,
    ntp_origin: NtpTime,
    /// The reporter of the last sender report, the middle of its wall clock, and when it came.
    last_sr: Option<(u32, u32, Time)>,
    round_trip_sum: Duration,
    round_trips: u32,
    remote: Option<RemoteReport>,
    extended: ExtendedReports,
    /// As `last_sr`, of the last receiver reference time.
    last_reference: Option<(u32, u32, Time)>,
    remote_metrics: Option<VoipMetrics>,
    heard: Option<Time>,
    /// Packets received and sent when the last report was made, and the one before.
    received_before: u64,
    sent_before: [u64; 2],
    pub(super) reports_sent: u64,
    pub(super) reports_received: u64,
}

impl Control {
    pub(super) fn new(now: Time, config: &SessionConfig, rng: &mut Rng) -> Self {
        Self {
            gate: ControlGate::new(config.remote_rtcp),
            schedule: Schedule::new(now, SESSION_BANDWIDTH, rng),
            cname: config.cname.clone(),
            ntp_origin: NtpTime(config.ntp_origin),
            last_sr: None,
            round_trip_sum: Duration::ZERO,
            round_trips: 0,
            remote: None,
            extended: config.extended_reports,
            last_reference: None,
            remote_metrics: None,
            heard: None,
            received_before: 0,
            sent_before: [0; 2],
            reports_sent: 0,
            reports_received: 0,
        }
    }

    pub(super) fn reconfigure(&mut self, config: &SessionConfig) {
        self.gate.reconfigure(config.remote_rtcp);
        self.cname.clone_from(&config.cname);
        self.ntp_origin = NtpTime(config.ntp_origin);
        self.extended = config.extended_reports;
    }

    /// When the next report may be due.
    pub(super) const fn poll_timeout(&self) -> Time {
        self.schedule.next()
    }

    /// Whether a report may be due for which the metrics of the stream are wanted.
    pub(super) fn wants_metrics(&self, now: Time) -> bool {
        self.extended.voip_metrics && self.schedule.next() <= now
    }

    /// The report that is due, if it is.
    pub(super) fn report(
        &mut self,
        now: Time,
        sender: &Sender,
        sources: &mut Sources,
        metrics: Option<VoipMetrics>,
        rng: &mut Rng,
    ) -> Option<Vec<u8>> {
        if self.schedule.next() > now {
            return None;
        }
        let membership = self.membership(now, sender, sources);
        if !self.schedule.expired(now, membership, rng) {
            return None;
        }
        let packet = self.compound(now, sender, sources, metrics).build();
        self.schedule.sent(now, packet.len(), membership, rng);
        self.reports_sent += 1;
        Some(packet)
    }

    /// The last words (section 6.3.7); none from an end that never sent anything.
    pub(super) fn goodbye(&self, now: Time, sender: &Sender, reason: &str) -> Option<Vec<u8>> {
        let known = sender.packets() > 0 || self.reports_sent > 0;
        let info = self.sender_info(now, sender);
        let report = || CompoundBuilder::report(sender.ssrc(), info.as_ref(), &[]).description(&self.cname);
        known.then(|| report().goodbye(reason).build())
    }

    /// Takes a compound packet that has passed all checks and came from the far end.
    pub(super) fn receive(
        &mut self,
        now: Time,
        compound: &Compound<'_>,
        size: usize,
        own: u32,
        source: Option<u32>,
    ) -> Heard {
        let mut heard = Heard::Report;
        for packet in compound.packets() {
            match packet {
                RtcpPacket::SenderReport { ssrc, .. } | RtcpPacket::ReceiverReport { ssrc, .. }
                    if ssrc == own =>
                {
                    return Heard::OwnIdentifier;
                }
                RtcpPacket::SenderReport { ssrc, ntp, reports, .. } => {
                    if source.is_none_or(|source| source == ssrc) {
                        self.last_sr = Some((ssrc, ntp.middle(), now));
                    }
                    reports
                        .iter()
                        .filter(|block| block.ssrc == own)
                        .for_each(|block| self.block(now, &block));
                }
                RtcpPacket::ReceiverReport { reports, .. } => {
                    reports
                        .iter()
                        .filter(|block| block.ssrc == own)
                        .for_each(|block| self.block(now, &block));
                }
                RtcpPacket::Goodbye { sources, .. } => {
                    if sources.iter().any(|ssrc| source.is_none_or(|known| known == ssrc)) {
                        heard = Heard::Goodbye;
                    }
                }
                RtcpPacket::Other { packet_type: EXTENDED_REPORT, body } => {
                    self.receive_extended(now, body, own, source);
                }
                RtcpPacket::SourceDescription(_) | RtcpPacket::Other { .. } => {}
            }
        }
        self.reports_received += 1;
        self.schedule.received(size);
        if heard == Heard::Goodbye {
            self.heard = None;
            self.schedule.members_left(now, 1);
        } else {
            self.heard = Some(now);
        }
        heard
    }

    /// Half of the mean round trip.
    pub(super) fn latency(&self) -> Option<Duration> {
        self.round_trip_sum.checked_div(self.round_trips.checked_mul(2)?)
    }

    /// What the far end last said.
    pub(super) const fn remote(&self) -> Option<RemoteReport> {
        self.remote
    }

    /// What the far end last said of its quality.
    pub(super) const fn remote_metrics(&self) -> Option<VoipMetrics> {
        self.remote_metrics
    }

    /// An extended report of the far end, if it is its own.
    fn receive_extended(&mut self, now: Time, body: &[u8], own: u32, source: Option<u32>) {
        let Some((reporter, blocks)) = body.split_first_chunk::<4>() else { return };
        let reporter = u32::from_be_bytes(*reporter);
        if reporter == own || source.is_some_and(|source| source != reporter) {
            return;
        }
        for block in ExtendedBlock::decode_all(blocks) {
            match block {
                ExtendedBlock::ReceiverTime(time) => {
                    self.last_reference = Some((reporter, time.middle(), now));
                }
                ExtendedBlock::DelaySince { ssrc, last, delay } if ssrc == own => {
                    self.round_trip(now, last, delay);
                }
                ExtendedBlock::VoipMetrics(metrics) if metrics.ssrc == own => {
                    self.remote_metrics = Some(metrics);
                }
                ExtendedBlock::DelaySince { .. } | ExtendedBlock::VoipMetrics(_) => {}
            }
        }
    }

    /// A report on this end's stream.
    fn block(&mut self, now: Time, block: &ReportBlock) {
        self.remote = Some(RemoteReport {
            fraction_lost: block.fraction_lost,
            cumulative_lost: block.cumulative_lost,
            jitter: crate::frame::time_of(u64::from(block.jitter)),
        });
        self.round_trip(now, block.last_sr, block.delay_since_last_sr);
    }

    /// The far end has seen this end's clock at `last`, and kept it for `delay`.
    fn round_trip(&mut self, now: Time, last: u32, delay: u32) {
        if last == 0 {
            return;
        }
        let arrival = NtpTime::at(self.ntp_origin, now).middle();
        let trip = span(arrival.wrapping_sub(last).wrapping_sub(delay));
        // Below zero wraps to hours.
        if trip <= LONGEST_ROUND_TRIP {
            self.round_trip_sum += trip;
            self.round_trips = self.round_trips.saturating_add(1);
        }
    }

    fn membership(&self, now: Time, sender: &Sender, sources: &Sources) -> Membership {
        let recently = |at: Option<Time>, within| at.is_some_and(|at| now.since(at) < within);
        let remote_sends = recently(sources.last_packet(), SENDER_TIMEOUT);
        let remote = remote_sends || recently(self.heard, MEMBER_TIMEOUT);
        let we_sent = self.we_sent(sender);
        Membership {
            members: 1 + u32::from(remote),
            senders: u32::from(we_sent) + u32::from(remote_sends),
            we_sent,
        }
    }

    /// Whether anything was sent since the report before the last.
    const fn we_sent(&self, sender: &Sender) -> bool {
        sender.packets() > self.sent_before[1]
    }

    fn compound(
        &mut self,
        now: Time,
        sender: &Sender,
        sources: &mut Sources,
        metrics: Option<VoipMetrics>,
    ) -> CompoundBuilder {
        let info = self.sender_info(now, sender);
        self.sent_before = [sender.packets(), self.sent_before[0]];
        let block = self.own_block(now, sources);
        let mut extended: Vec<_> = metrics.map(ExtendedBlock::VoipMetrics).into_iter().collect();
        if self.extended.round_trip {
            // A sender's clock is in its report already.
            if info.is_none() {
                extended.push(ExtendedBlock::ReceiverTime(NtpTime::at(self.ntp_origin, now)));
            }
            extended.extend(self.last_reference.map(|(ssrc, last, at)| ExtendedBlock::DelaySince {
                ssrc,
                last,
                delay: units(now.since(at)),
            }));
        }
        let report = CompoundBuilder::report(sender.ssrc(), info.as_ref(), block.as_slice());
        report.description(&self.cname).extended(&extended)
    }

    /// What this end tells of its sending, if it has sent lately.
    fn sender_info(&self, now: Time, sender: &Sender) -> Option<SenderInfo> {
        self.we_sent(sender).then(|| SenderInfo {
            ntp: NtpTime::at(self.ntp_origin, now),
            rtp_timestamp: sender.timestamp_at(now),
            // Counters of 32 bits wrap (section 6.4.1).
            packets: sender.packets_of_source() as u32,
            octets: sender.octets_of_source() as u32,
        })
    }

    /// The report on the far end's stream; none when nothing came since the last one.
    fn own_block(&mut self, now: Time, sources: &mut Sources) -> Option<ReportBlock> {
        let reception = sources.current_mut()?;
        if std::mem::replace(&mut self.received_before, reception.received()) == reception.received() {
            return None;
        }
        let ssrc = reception.ssrc();
        let loss = reception.report();
        let last = self.last_sr.filter(|(reporter, ..)| *reporter == ssrc);
        Some(ReportBlock {
            ssrc,
            fraction_lost: loss.fraction,
            cumulative_lost: loss.cumulative,
            extended_highest: loss.extended_highest,
            jitter: reception.jitter(),
            last_sr: last.map_or(0, |(_, middle, _)| middle),
            delay_since_last_sr: last.map_or(0, |(_, _, at)| units(now.since(at))),
        })
    }
}
