//! A connection of the plane: an RTP session on a pair of ports from the pool.

use std::sync::Arc;

use strowger_media::rtcp::VoipMetrics;
use strowger_media::session::{PacketTime, SilenceSuppression};
use strowger_media::tone::TonePlan;
use strowger_media::{
    ExtendedReports, Frame, MediaPort, Payload, PayloadFormat, RtpSession, SessionConfig, SourcePolicy,
    StreamMode,
};
use strowger_mgcp::gateway::{
    ConnectionHandle, EndpointIndex, FaxHandling, MachineSign, MediaEvent, MediaMode, MediaSpec, WantedEvent,
};
use strowger_mgcp::message::{ConnectionStatistics, SignalBuf};
use strowger_sansio::{Duration, Rng, Time};
use strowger_sdp::CodecEntry;
use strowger_sdp::audio::Codec;

use super::PlaneConfig;
use super::continuity::{ContinuityTest, Tone, Transponder};
use super::image::{Carried, ImagePort};
use super::machines::{FormatLaws, PacketEar};
use super::stream_watch::{Goes, QualityLimits, Refusals, StreamWatch};

/// How long the far end's data may go on after the end of the machines here: both ends wait for the same silence.
const LAG: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) handle: ConnectionHandle,
    pub(super) endpoint: EndpointIndex,
    pub(super) port: MediaPort,
    pub(super) mode: MediaMode,
    pub(super) session: RtpSession,
    /// Where T.38 goes and comes from, while the connection carries that instead of audio.
    pub(super) image: Option<ImagePort>,
    /// What it carried of T.38.
    pub(super) carried: Carried,
    /// No sound passes: a fax changes to T.38.
    muted: bool,
    /// Whether the call agent controls the change of a fax to T.38.
    has_t38: bool,
    /// The payload type under which the far end sends the sound of modems (ITU-T V.152), and whether it does.
    data_type: Option<u8>,
    is_switched: bool,
    /// When the machines at this end were over last.
    returned: Option<Time>,
    /// Which of its payload types can be listened to.
    pub(super) laws: FormatLaws,
    /// What listens for faxes to what a relay passes, where somebody wants to know.
    pub(super) ear: Option<Box<PacketEar>>,
    /// Its continuity tests: `R/co1` and `R/co2`.
    tests: Vec<(SignalBuf, ContinuityTest)>,
    /// The transponder of the mode `netwtest`.
    pub(super) transponder: Option<Transponder>,
    /// Whether what comes in goes out on another connection of the endpoint, packet by packet.
    pub(super) is_relayed: bool,
    /// What is looked for on its stream.
    pub(super) watches: Vec<StreamWatch>,
    /// What the network has said of its packets.
    pub(super) refusals: Refusals,
}

impl Connection {
    pub(super) fn open(
        now: Time,
        (handle, endpoint): (ConnectionHandle, EndpointIndex),
        port: MediaPort,
        spec: &MediaSpec,
        config: &PlaneConfig,
        is_relayed: bool,
        rng: Rng,
    ) -> Self {
        let session = RtpSession::new(now, &session_config(&port, spec, &config.cname), rng);
        let transponder = transponder(spec.mode, config.tones);
        let (image, carried) = (ImagePort::of(spec), Carried::default());
        let mut connection = Self {
            handle,
            endpoint,
            port,
            mode: spec.mode,
            session,
            image,
            carried,
            muted: spec.muted,
            has_t38: spec.fax == FaxHandling::T38,
            data_type: data_type(spec),
            is_switched: false,
            returned: None,
            laws: FormatLaws::of(spec),
            ear: None,
            tests: Vec::new(),
            transponder,
            is_relayed,
            watches: Vec::new(),
            refusals: Refusals::default(),
        };
        connection.listen_for_faxes(false);
        connection
    }

    pub(super) fn modify(&mut self, now: Time, spec: &MediaSpec, config: &PlaneConfig) {
        if self.mode != spec.mode {
            self.transponder = transponder(spec.mode, config.tones);
        }
        self.mode = spec.mode;
        self.image = ImagePort::of(spec);
        self.muted = spec.muted;
        self.has_t38 = spec.fax == FaxHandling::T38;
        self.data_type = data_type(spec);
        self.laws = FormatLaws::of(spec);
        self.session.reconfigure(now, &session_config(&self.port, spec, &config.cname));
    }

    /// Listens for faxes among the packets of a relay, or does not.
    pub(super) fn listen_for_faxes(&mut self, wanted: bool) {
        if !self.is_relayed || !(wanted || self.has_t38) {
            self.ear = None;
        } else if self.ear.is_none() {
            self.ear = Some(Box::default());
        }
    }

    /// Looks for these from now on, as far as they are for this connection.
    pub(super) fn watch(&mut self, now: Time, wanted: &[WantedEvent], limits: QualityLimits) {
        self.listen_for_faxes(wants_faxes(wanted));
        let meant = |wanted: &&WantedEvent| wanted.connection.is_none_or(|handle| handle == self.handle);
        let (session, refusals) = (&self.session, self.refusals);
        let watch = |wanted| StreamWatch::new(now, wanted, session, refusals, limits);
        self.watches = wanted.iter().filter(meant).filter_map(watch).collect();
    }

    /// What has happened to its stream of what is looked for.
    pub(super) fn look(&mut self, now: Time) -> Vec<MediaEvent> {
        let mut events = Vec::new();
        let Self { session, watches, handle, refusals, .. } = self;
        watches.retain_mut(|watch| {
            let (happened, goes) = watch.look(now, session, *refusals);
            events.extend(happened.map(|(event, parameter)| MediaEvent::Detected {
                package: "R".to_owned(),
                event: event.to_owned(),
                connection: Some(*handle),
                parameters: Some(parameter).filter(|text| !text.is_empty()).into_iter().collect(),
            }));
            goes == Goes::On
        });
        events
    }

    /// Goes with the far end, which has changed to the payload type of modems or back.
    pub(super) fn follow(&mut self, now: Time) -> Option<MediaEvent> {
        let number = self.session.speech().map(|speech| speech.payload_type);
        let lags = self.returned.is_some_and(|returned| now.since(returned) < LAG);
        let switched = self.data_type.is_some() && number == self.data_type && !lags;
        if switched == std::mem::replace(&mut self.is_switched, switched) {
            return None;
        }
        Some(MediaEvent::Machine(if switched {
            self.session.carry_data();
            MachineSign::Switched
        } else {
            self.session.carry_speech();
            MachineSign::SwitchedBack
        }))
    }

    /// The machines are over: speech again, whatever the far end does yet.
    pub(super) fn return_to_speech(&mut self, now: Time) {
        self.session.carry_speech();
        self.is_switched = false;
        self.returned = Some(now);
    }

    /// Begins a continuity test with one of the two tones (RFC 3660 section 2.10); none for another signal.
    pub(super) fn start_test(&mut self, plan: &TonePlan, signal: &SignalBuf) -> Option<()> {
        let go = Tone::named(signal.name().event())?;
        self.tests.push((signal.clone(), ContinuityTest::new(plan, go)));
        Some(())
    }

    pub(super) fn stop_test(&mut self, signal: &SignalBuf) {
        self.tests.retain(|(known, _)| known != signal);
    }

    /// The next 10 ms of the tones that its tests send, while they do.
    pub(super) fn test_frame(&mut self) -> Option<Frame> {
        self.tests.iter_mut().find_map(|(_, test)| test.frame())
    }

    /// The next 10 ms that come in, as they are to be mixed. A continuity test that has passed is told of.
    pub(super) fn input(&mut self, now: Time, events: &mut Vec<MediaEvent>) -> Frame {
        let heard = self.session.play_frame(now);
        for (_, test) in &mut self.tests {
            events.extend(test.listen(&heard).map(|tone| MediaEvent::Detected {
                package: "R".to_owned(),
                event: tone.symbol().to_owned(),
                connection: Some(self.handle),
                parameters: Vec::new(),
            }));
        }
        match &mut self.transponder {
            Some(transponder) => transponder.answer(&heard),
            None => heard,
        }
    }

    /// The row of RFC 3435 Appendix D that the mode is; the modes that act on the circuit side are not in that table.
    pub(super) fn stream_mode(&self) -> StreamMode {
        match self.mode {
            _ if self.muted => StreamMode::Inactive,
            MediaMode::SendOnly => StreamMode::SendOnly,
            MediaMode::RecvOnly => StreamMode::ReceiveOnly,
            MediaMode::SendRecv => StreamMode::SendReceive,
            MediaMode::Conference => StreamMode::Conference,
            MediaMode::NetworkLoopback => StreamMode::NetworkLoop,
            MediaMode::NetworkContinuityTest => StreamMode::NetworkTest,
            MediaMode::Inactive | MediaMode::Loopback | MediaMode::ContinuityTest => StreamMode::Inactive,
        }
    }

    /// The connection parameters of RFC 3435 section 3.2.2.7, and where the packets are played, what the play-out adds: packets
    /// discarded as too late or too early, its delay, and the runs of loss. What the far end has said of the stream that goes there (RFC 3611 section 4.7) is told as
    /// well, by a relay too: loss and discards in 256ths, delay in milliseconds, R factor, opinion of the conversation in tenths.
    pub(super) fn statistics(&self, now: Time) -> ConnectionStatistics {
        let sums = self.session.statistics(now);
        let saturating = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let mut extensions = Vec::new();
        if !self.is_relayed && sums.packets_received > 0 {
            let delay = self.session.playout_delay().as_millis();
            extensions = vec![
                ("X-DI".to_owned(), saturating(sums.playout.late + sums.playout.overrun)),
                ("X-PO".to_owned(), saturating(u64::try_from(delay).unwrap_or(u64::MAX))),
                ("X-LR".to_owned(), saturating(sums.loss_runs)),
            ];
        }
        if let Some(metrics) = sums.remote_metrics.filter(VoipMetrics::is_rated) {
            let loss = metrics.loss_rate.saturating_add(metrics.discard_rate);
            let delay = u32::from(metrics.round_trip / 2) + u32::from(metrics.end_system_delay);
            extensions.extend([
                ("X-RL".to_owned(), loss.into()),
                ("X-RD".to_owned(), delay),
                ("X-RF".to_owned(), metrics.r_factor.into()),
                ("X-RM".to_owned(), metrics.mos_conversation.into()),
            ]);
        }
        ConnectionStatistics {
            packets_sent: saturating(sums.packets_sent + self.carried.packets_sent),
            octets_sent: saturating(sums.octets_sent + self.carried.octets_sent),
            packets_received: saturating(sums.packets_received + self.carried.packets_received),
            octets_received: saturating(sums.octets_received + self.carried.octets_received),
            packets_lost: saturating(u64::try_from(sums.packets_lost).unwrap_or(0)),
            jitter_ms: saturating(u64::try_from(sums.jitter.as_millis()).unwrap_or(u64::MAX)),
            latency_ms: saturating(
                u64::try_from(sums.latency.unwrap_or_default().as_millis()).unwrap_or(u64::MAX),
            ),
            extensions,
        }
    }
}

fn data_type(spec: &MediaSpec) -> Option<u8> {
    spec.codecs.iter().find(|entry| entry.is_for_data()).map(|entry| entry.payload_type)
}

/// Whether faxes are to be told of.
pub(super) fn wants_faxes(wanted: &[WantedEvent]) -> bool {
    wanted.iter().any(|wanted| wanted.package == "FXR")
}

fn transponder(mode: MediaMode, plan: &TonePlan) -> Option<Transponder> {
    (mode == MediaMode::NetworkContinuityTest).then(|| Transponder::new(plan))
}

/// A description without a far end closes the session: nobody's packets are taken.
fn session_config(port: &MediaPort, spec: &MediaSpec, cname: &Arc<str>) -> SessionConfig {
    let payload = |(place, entry): (usize, &CodecEntry)| Payload {
        number: entry.payload_type,
        format: format(&entry.codec, place),
    };
    let of_speech = spec.codecs.iter().enumerate().filter(|(_, entry)| !entry.is_for_data());
    let mut payloads: Vec<_> = of_speech.map(payload).collect();
    payloads.extend(spec.telephone_event.map(Payload::telephone_event));
    // What the far end prefers, or alone understands, need not be what comes first here.
    let send = Payload { number: spec.send.payload_type, format: format(&spec.send.codec, 0) };
    let first = Some(send).filter(|send| send.format.coding().is_some());
    let others = payloads.iter().filter(|payload| first.is_none_or(|first| payload.format != first.format));
    let mut sends = Vec::with_capacity(payloads.len() + 1);
    sends.extend(first);
    sends.extend(others.copied());
    // In data nobody speaks.
    payloads.extend(spec.codecs.iter().enumerate().filter(|(_, entry)| entry.is_for_data()).map(payload));
    let mut config = SessionConfig::of(payloads, sends, Arc::clone(cname));
    config.data = spec.data.as_ref().map(|data| payload((0, data)));
    config.packet_time = PacketTime::nearest(u32::try_from(spec.packetization.as_millis()).unwrap_or(20));
    // While the port carries T.38, nobody sends RTP to it, and RTCP has nobody to go to.
    let remote = spec.remote.filter(|_| spec.image.is_none());
    config.source = remote.map_or(SourcePolicy::Closed, SourcePolicy::Signalled);
    config.remote = remote;
    config.remote_rtcp = spec.remote_rtcp;
    config.extended_reports = ExtendedReports {
        voip_metrics: spec.extended_reports.voip_metrics,
        round_trip: spec.extended_reports.round_trip,
    };
    config.rtp_socket = port.rtp_socket;
    config.rtcp_socket = port.rtcp_socket;
    if spec.silence_suppression {
        config.silence = SilenceSuppression::On;
    }
    config
}

fn format(codec: &Codec, place: usize) -> PayloadFormat {
    match codec {
        Codec::Pcmu => PayloadFormat::PCMU,
        Codec::Pcma => PayloadFormat::PCMA,
        Codec::G722 => PayloadFormat::G722,
        Codec::ComfortNoise => PayloadFormat::ComfortNoise,
        // The plane offers nothing else, so the gateway role negotiates nothing else; were it otherwise, formats that stand
        // at one place of both lists would be relayed as equal.
        _ => PayloadFormat::Opaque(u8::try_from(place).unwrap_or(u8::MAX)),
    }
}
