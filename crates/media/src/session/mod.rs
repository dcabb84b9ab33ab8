//! One connection's stream, both ways, with its RTCP: RFC 3550 and 3551, with the events of RFC 4733.
//!
//! A session checks where packets come from, keeps the statistics, plays out what it received as frames of 10 ms, and makes packets of the frames that it is given.
//! Its host calls:
//!
//! - [`RtpSession::receive`] and [`RtpSession::receive_control`] with datagrams;
//! - [`RtpSession::send_frame`] or [`RtpSession::skip_frame`], and [`RtpSession::play_frame`] when somebody listens, every 10 ms;
//! - [`RtpSession::handle_timeout`] when [`RtpSession::poll_timeout`] is due, and then
//!   [`RtpSession::poll_transmit`] and [`RtpSession::poll_event`] until they give nothing.
//!
//! Its rooms: `activity` (whether somebody talks), `config` (what signalling decides), `source` (whom to believe), `sender` (the packetiser), `control` (RTCP),
//! `digits` (telephone events and tones), `metrics` (the quality of what is received, in RFC 3611's terms), `playout` (the play-out buffer, where there is one), `relay`
//! (packets passed on as they are), `statistics`.
//!
//! A gateway holds thousands of sessions, and a packet is to touch little memory: what not every packet needs is kept apart from a session and, if not every session needs
//! it, made when it is first used.

mod activity;
mod config;
mod control;
mod digits;
mod metrics;
mod playout;
mod relay;
mod sender;
mod source;
mod statistics;

use std::net::SocketAddr;
use std::time::Duration;

use strowger_sansio::{BoundedQueue, Rng, SocketId, Time, Transmit};

use crate::comfort_noise::NoiseLevel;
use crate::dtmf::{Digit, DtmfTiming};
use crate::frame::{Frame, SILENCE, samples_in, time_of};
use crate::jitter::Insertion;
use crate::limits::Limits;
use crate::rtcp::Compound;
use crate::rtp::{RtpError, RtpHeader, RtpPacket};
use crate::telephone_event::EventChange;

pub use config::{
    EventPlayout, ExtendedReports, PacketTime, Payload, PayloadFormat, SessionConfig, SilenceSuppression,
    SourcePolicy,
};
pub use control::RemoteReport;
pub use digits::{DigitChange, DigitOrigin};
pub use relay::{Relayed, relay};
pub use statistics::SessionStatistics;

use config::{PayloadTable, canonical};
use control::{Control, Heard};
use digits::{Digits, EVENT_VOLUME};
use playout::SessionPlayout;
use sender::{Carries, Sender};
use source::{Arrival, Gate, Path, Sources};

/// RTP clock of all formats here, in Hz.
pub(crate) const CLOCK_RATE: u32 = 8_000;

/// When no frame was played for this long, what waits is stale.
const UNHEARD: Duration = Duration::from_millis(250);

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Sound, queued for play-out.
    Audio,
    /// A telephone event.
    TelephoneEvent,
    /// The level of silence that is not sent.
    ComfortNoise,
    /// Media in a format that is only relayed.
    Opaque,
    /// Thrown away.
    Discarded(Discard),
}

/// Why a datagram was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// It came from an address that is not the far end's.
    WrongSource,
    /// It is no RTP packet.
    Malformed(RtpError),
    /// Its payload type was not agreed.
    UnknownPayload,
    /// A new source, or a jump in the sequence, that one packet does not prove.
    Unproven,
    /// It carries this end's own identifier: a loop, or a collision that was resolved just now.
    Looped,
}

/// How the far end packs its speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechFormat {
    /// The payload type that it uses.
    pub payload_type: u8,
    /// The time that a packet covers.
    pub packet_time: Duration,
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// The first address that sent media is now the far end.
    Latched(SocketAddr),
    /// The far end sends as another source now.
    SourceChanged {
        /// The new identifier.
        ssrc: u32,
    },
    /// The far end chose this end's identifier, or loops its packets; this end took another one.
    Collision {
        /// The new identifier of this end.
        ssrc: u32,
    },
    /// A digit or another telephone event.
    Digit(DigitChange),
    /// The far end said goodbye in RTCP. Signalling decides what that means for the call.
    Goodbye,
}

/// One connection's stream both ways.
#[derive(Debug)]
pub struct RtpSession {
    receives: PayloadTable,
    gate: Gate,
    sources: Sources,
    playout: SessionPlayout,
    played: Option<Time>,
    event_playout: EventPlayout,
    /// None before the first digit, either way.
    digits: Option<Box<Digits>>,
    sender: Sender,
    control: Box<Control>,
    remote: Option<SocketAddr>,
    rtcp_socket: SocketId,
    speech: Option<SpeechFormat>,
    counters: statistics::Counters,
    events: BoundedQueue<SessionEvent>,
    transmits: BoundedQueue<Transmit>,
    rng: Rng,
}

impl RtpSession {
    /// A session that starts now. Its identifier, and its first sequence number and timestamp, are drawn from `rng`.
    #[must_use]
    pub fn new(now: Time, config: &SessionConfig, mut rng: Rng) -> Self {
        Self {
            receives: PayloadTable::new(&config.receives),
            gate: Gate::new(config.source),
            sources: Sources::default(),
            playout: SessionPlayout::new(config.playout),
            played: None,
            event_playout: config.event_playout,
            digits: None,
            sender: Sender::new(config, &mut rng),
            control: Box::new(Control::new(now, config, &mut rng)),
            remote: config.remote.map(canonical),
            rtcp_socket: config.rtcp_socket,
            speech: None,
            counters: statistics::Counters::default(),
            events: BoundedQueue::new(Limits::DEFAULT.events),
            transmits: BoundedQueue::new(Limits::DEFAULT.events),
            rng,
        }
    }

    /// Signalling changed something: formats, packet time, addresses. Identifier, sequence and statistics go on; the bounds of
    /// the play-out delay stay as they were.
    pub fn reconfigure(&mut self, _now: Time, config: &SessionConfig) {
        self.receives = PayloadTable::new(&config.receives);
        if self.gate.reconfigure(config.source) {
            self.sources.expect_another();
        }
        self.event_playout = config.event_playout;
        self.sender.reconfigure(config);
        self.control.reconfigure(config);
        self.remote = config.remote.map(canonical);
        self.rtcp_socket = config.rtcp_socket;
    }

    /// Takes a datagram from the RTP socket.
    pub fn receive(&mut self, now: Time, from: SocketAddr, datagram: &[u8]) -> Received {
        let (packet, format) = match self.check(now, from, datagram) {
            Ok(checked) => checked,
            Err(why) => return Received::Discarded(why),
        };
        if let Some(coding) = format.coding() {
            self.note_speech(packet.payload_type, packet.payload.len());
            let playout = self.playout.buffer();
            let insertion = playout.insert(packet.timestamp, packet.marker, coding, packet.payload);
            if matches!(insertion, Insertion::Late | Insertion::Overrun) {
                self.sources.discarded();
            }
            return Received::Audio;
        }
        match format {
            PayloadFormat::TelephoneEvent => {
                self.receive_event(now, &packet);
                Received::TelephoneEvent
            }
            PayloadFormat::ComfortNoise => {
                if let Some(level) = NoiseLevel::of_payload(packet.payload) {
                    self.playout.buffer().insert_silence(packet.timestamp, level);
                }
                Received::ComfortNoise
            }
            _ => Received::Opaque,
        }
    }

    /// Takes a datagram from the RTCP socket; says whether it was a report of the far end.
    pub fn receive_control(&mut self, now: Time, from: SocketAddr, datagram: &[u8]) -> bool {
        let from = canonical(from);
        let compound = Compound::decode(datagram).ok();
        let Some(compound) = compound.filter(|_| self.control.gate.may_pass(from, &self.gate)) else {
            self.counters.reports_refused += 1;
            return false;
        };
        let heard =
            self.control.receive(now, &compound, datagram.len(), self.sender.ssrc(), self.sources.ssrc());
        match heard {
            Heard::Report => {}
            Heard::Goodbye => self.report(SessionEvent::Goodbye),
            Heard::OwnIdentifier => self.collide(now, from, Path::Control),
        }
        heard != Heard::OwnIdentifier
    }

    /// Gives 10 ms of sound to be sent; a packet comes back when one is full. It leaves the RTP socket for [`Self::remote`].
    ///
    /// While a digit is being sent, the digit takes the place of the sound.
    pub fn send_frame(&mut self, now: Time, frame: &Frame) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.send_frame_into(now, frame, &mut out).then_some(out)
    }

    /// As [`Self::send_frame`], into a buffer that is used again; says whether it holds a packet now.
    pub fn send_frame_into(&mut self, now: Time, frame: &Frame, out: &mut Vec<u8>) -> bool {
        if self.remote().is_none() {
            self.sender.idle(now);
            return false;
        }
        let digit = self.digit_frame();
        self.sender.frame(now, digit.as_ref().unwrap_or(frame), out)
    }

    /// Lets 10 ms pass without sound: the clock of the stream goes on, and the next packet starts a talkspurt. Digits are still sent.
    pub fn skip_frame(&mut self, now: Time) -> Option<Vec<u8>> {
        if self.remote().is_none() {
            self.sender.idle(now);
            return None;
        }
        let mut out = Vec::new();
        let sent = match self.digit_frame() {
            Some(digit) => self.sender.frame(now, &digit, &mut out),
            None => self.sender.skip(now, &mut out),
        };
        sent.then_some(out)
    }

    /// The next 10 ms of received sound.
    pub fn play_frame(&mut self, now: Time) -> Frame {
        let mut frame = SILENCE;
        if let Some(playout) = self.playout.begun() {
            if self.played.is_some_and(|played| now.since(played) >= UNHEARD) {
                playout.flush();
            }
            playout.play(&mut frame);
        }
        self.played = Some(now);
        let Some(digits) = &mut self.digits else { return frame };
        if let Some(digit) = digits.renderer.frame(now) {
            return if self.event_playout == EventPlayout::Tones { digit } else { SILENCE };
        }
        for found in digits.listener.listen(now, &frame).into_iter().flatten() {
            self.report(SessionEvent::Digit(found.into()));
        }
        frame
    }

    /// Carries the data of modems and fax machines from now on (voiceband data): nothing is suppressed, the play-out delay stays where
    /// it is, and what is sent keeps the waveform if the far end lets it.
    pub fn carry_data(&mut self) {
        self.sender.carry_data(Carries::Data);
        self.playout.buffer().fix();
    }

    /// Carries speech again: silence is suppressed and the play-out delay adapts, as signalling has it.
    pub fn carry_speech(&mut self) {
        self.sender.carry_data(Carries::Speech);
        if let Some(playout) = self.playout.begun() {
            playout.release();
        }
    }

    /// Whether it carries data.
    #[must_use]
    pub fn carries_data(&self) -> bool {
        self.playout.is_fixed()
    }

    /// Finds digits in the received sound too, or no longer. It costs time, and only play-out feeds it.
    pub fn listen_in_band(&mut self, on: bool) {
        if on || self.digits.is_some() {
            self.digits().listener.enable(on);
        }
    }

    /// Sends a digit of a given length after those that wait: as telephone events where the far end takes them, as sound where not.
    /// Says whether there was room.
    pub fn send_digit(&mut self, digit: Digit, timing: DtmfTiming) -> bool {
        if self.sender.has_events() {
            let samples = u32::try_from(samples_in(timing.on())).unwrap_or(u32::MAX);
            return self.sender.events().send(digit.event(), EVENT_VOLUME, samples);
        }
        self.digits().in_band.dial(digit, timing)
    }

    /// Starts a digit that lasts until [`Self::release_digit`]; says whether there was room.
    pub fn press_digit(&mut self, digit: Digit) -> bool {
        if self.sender.has_events() {
            return self.sender.events().start(digit.event(), EVENT_VOLUME);
        }
        self.digits().in_band.press(digit)
    }

    /// Ends the digit that was started; it lasts 50 ms at least.
    pub fn release_digit(&mut self) {
        self.sender.stop_event();
        if let Some(digits) = &mut self.digits {
            digits.in_band.release();
        }
    }

    /// Sends a telephone event that is no digit; says whether the far end takes events and there was room.
    pub fn send_event(&mut self, event: u8, duration: Duration) -> bool {
        let samples = u32::try_from(samples_in(duration)).unwrap_or(u32::MAX);
        self.sender.has_events() && self.sender.events().send(event, 0, samples)
    }

    /// Whether a digit is being sent, or waits.
    #[must_use]
    pub fn is_sending_digits(&self) -> bool {
        self.sender.sends_events() || self.digits.as_ref().is_some_and(|digits| digits.in_band.is_busy())
    }

    /// Ends the session: the far end is told in RTCP, and nothing is received any more.
    pub fn close(&mut self, now: Time, reason: &str) {
        self.say_goodbye(now, reason);
        self.gate.close();
    }

    /// Sends the report that is due, and gives up events of which nothing more is heard.
    pub fn handle_timeout(&mut self, now: Time) {
        let over = self.digits.as_mut().and_then(|digits| digits.event_receiver.handle_timeout(now));
        if let Some(change) = over {
            self.event_changed(now, change);
        }
        if self.remote_control().is_none() {
            return;
        }
        let metrics = (self.control.wants_metrics(now)).then(|| self.voip_metrics()).flatten();
        let report = self.control.report(now, &self.sender, &mut self.sources, metrics, &mut self.rng);
        if let Some(report) = report {
            self.transmit_control(report);
        }
    }

    /// The next datagram to be sent besides the packets of frames: RTCP.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop()
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let report = self.remote_control().map(|_| self.control.poll_timeout());
        let event = self.digits.as_ref().and_then(|digits| digits.event_receiver.poll_timeout());
        report.into_iter().chain(event).min()
    }

    /// Where packets go: the latched source, or the address that signalling gave.
    #[must_use]
    #[inline]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.gate.latched().or(self.remote)
    }

    /// Where RTCP goes.
    #[must_use]
    pub fn remote_control(&self) -> Option<SocketAddr> {
        self.control.gate.remote(self.remote())
    }

    /// This end's identifier.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.sender.ssrc()
    }

    /// The far end's identifier, once it has been heard.
    #[must_use]
    pub fn remote_ssrc(&self) -> Option<u32> {
        self.sources.ssrc()
    }

    /// When the last packet of the far end came: what a watch for dead streams asks.
    #[must_use]
    pub fn last_received(&self) -> Option<Time> {
        self.sources.last_packet()
    }

    /// How the last packet of speech was packed; none before the first.
    #[must_use]
    pub const fn speech(&self) -> Option<SpeechFormat> {
        self.speech
    }

    /// The delay that play-out aims at.
    #[must_use]
    pub fn playout_delay(&self) -> Duration {
        self.playout.target()
    }

    /// What has been sent, received and lost until now.
    #[must_use]
    pub fn statistics(&self, _now: Time) -> SessionStatistics {
        SessionStatistics::collect(&self.counters, &self.sender, &self.sources, &self.playout, &self.control)
    }

    /// Checks and counts a packet that is to be passed on.
    #[inline]
    fn admit(
        &mut self,
        now: Time,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Result<(RtpHeader, PayloadFormat, usize), Discard> {
        let (packet, format) = self.check(now, from, datagram)?;
        if format == PayloadFormat::TelephoneEvent {
            self.receive_event(now, &packet);
        } else if format.coding().is_some() {
            self.note_speech(packet.payload_type, packet.payload.len());
        }
        let header = RtpHeader {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
        };
        Ok((header, format, packet.payload.len()))
    }

    /// A packet of speech came. All codings here have 8 octets a millisecond.
    #[inline]
    fn note_speech(&mut self, payload_type: u8, octets: usize) {
        let packet_time = time_of(octets as u64);
        self.speech = Some(SpeechFormat { payload_type, packet_time });
    }

    #[inline]
    fn check<'a>(
        &mut self,
        now: Time,
        from: SocketAddr,
        datagram: &'a [u8],
    ) -> Result<(RtpPacket<'a>, PayloadFormat), Discard> {
        self.examine(now, from, datagram).inspect_err(|why| self.counters.discarded(*why))
    }

    #[inline]
    fn examine<'a>(
        &mut self,
        now: Time,
        from: SocketAddr,
        datagram: &'a [u8],
    ) -> Result<(RtpPacket<'a>, PayloadFormat), Discard> {
        let from = canonical(from);
        if !self.gate.may_pass(from) {
            return Err(Discard::WrongSource);
        }
        let packet = RtpPacket::decode(datagram).map_err(Discard::Malformed)?;
        let Some(format) = self.receives.format(packet.payload_type) else {
            self.sources.pass_over(&packet);
            return Err(Discard::UnknownPayload);
        };
        if packet.ssrc == self.sender.ssrc() {
            self.collide(now, from, Path::Data);
            return Err(Discard::Looped);
        }
        if !self.gate.latch(from, &packet) {
            return Err(Discard::Unproven);
        }
        if let Some(address) = self.gate.newly_latched() {
            self.report(SessionEvent::Latched(address));
        }
        match self.sources.count(now, &packet) {
            Arrival::Counted => {}
            Arrival::NewSource => self.source_changed(now, packet.ssrc),
            Arrival::Unproven => return Err(Discard::Unproven),
        }
        self.counters.received(packet.payload.len());
        Ok((packet, format))
    }

    fn source_changed(&mut self, now: Time, ssrc: u32) {
        if let Some(playout) = self.playout.begun() {
            playout.restart();
        }
        if let Some(change) = self.digits.as_mut().and_then(|digits| digits.event_receiver.reset()) {
            self.event_changed(now, change);
        }
        self.report(SessionEvent::SourceChanged { ssrc });
    }

    fn receive_event(&mut self, now: Time, packet: &RtpPacket<'_>) {
        // A packet changes little, and mostly nothing; a payload full of events is cut.
        let mut changes = [None::<EventChange>; 16];
        let mut free = changes.iter_mut();
        self.digits().event_receiver.receive(now, packet.timestamp, packet.payload, |change| {
            if let Some(slot) = free.next() {
                *slot = Some(change);
            }
        });
        for change in changes.into_iter().flatten() {
            self.event_changed(now, change);
        }
    }

    fn event_changed(&mut self, now: Time, change: EventChange) {
        let delay = self.playout.target();
        let digits = self.digits();
        digits.listener.event_heard(now);
        digits.renderer.change(now, change, delay);
        self.report(SessionEvent::Digit(change.into()));
    }

    fn digits(&mut self) -> &mut Digits {
        self.digits.get_or_insert_default()
    }

    /// The frame of a digit that takes the place of the sound to be sent.
    fn digit_frame(&mut self) -> Option<Frame> {
        self.digits.as_mut().and_then(|digits| digits.in_band.frame())
    }

    /// Another uses this end's identifier, or sends its packets back (RFC 3550 section 8.2): this end takes a new one, once for
    /// each address that does so.
    fn collide(&mut self, now: Time, from: SocketAddr, path: Path) {
        if !self.gate.first_conflict(from, path) {
            return;
        }
        self.say_goodbye(now, "");
        self.sender.renew_ssrc(&mut self.rng);
        self.report(SessionEvent::Collision { ssrc: self.sender.ssrc() });
    }

    fn say_goodbye(&mut self, now: Time, reason: &str) {
        if let Some(packet) = self.control.goodbye(now, &self.sender, reason) {
            self.transmit_control(packet);
        }
    }

    fn transmit_control(&mut self, payload: Vec<u8>) {
        if let Some(to) = self.remote_control() {
            // A host that does not drain loses reports, which the next ones make good.
            let _ = self.transmits.push(Transmit { socket: self.rtcp_socket, to, payload });
        }
    }

    fn report(&mut self, event: SessionEvent) {
        // A host that does not drain loses the newest; the bound keeps a far end from filling memory.
        let _ = self.events.push(event);
    }
}
