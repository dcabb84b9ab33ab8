//! The sending half: frames, events and relayed packets become one stream, with sequence, timestamp and marker as RFC 3550
//! section 5.1 and RFC 3551 section 4.1 ask.

use std::time::Duration;

use strowger_sansio::{Rng, Time};

use super::CLOCK_RATE;
use super::activity::Activity;
use super::config::{PacketTime, PayloadFormat, PayloadTable, SessionConfig, SilenceSuppression};
use super::relay::Passage;
use crate::coding::{Coding, Encoder};
use crate::frame::{FRAME_SAMPLES, FRAME_TIME, Frame, samples_in, time_of};
use crate::rtp::{HEADER_LEN, RtpHeader};
use crate::telephone_event::EventSender;

/// A pause of the host longer than this is a pause of the stream; a shorter one is made up by frames that come in a burst.
const PAUSE: Duration = Duration::from_millis(250);

/// What the sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    Speech,
    Data,
}

#[derive(Clone, Debug)]
pub(super) struct Sender {
    payloads: PayloadTable,
    /// What data of modems is sent as, when that was agreed.
    data: Option<(u8, Coding)>,
    packet_time: PacketTime,
    silence: SilenceSuppression,
    encoder: Encoder,
    ssrc: u32,
    /// The sequence number of the next packet.
    sequence: u16,
    /// Timestamp of the next frame, and when that frame is due; none before the first.
    timestamp: u32,
    due: Option<Time>,
    /// The packet being filled: room for its header, then payload.
    packet: Vec<u8>,
    frames: u32,
    activity: Activity,
    /// Whether modems talk.
    carries_data: bool,
    /// Whether the next packet starts a talkspurt.
    talkspurt: bool,
    /// None before the first event.
    events: Option<Box<EventSender>>,
    passage: Option<Passage>,
    packets: u64,
    octets: u64,
    /// What had been sent under identifiers before the present one.
    before: (u64, u64),
}

impl Sender {
    pub(super) fn new(config: &SessionConfig, rng: &mut Rng) -> Self {
        Self {
            payloads: PayloadTable::new(&config.sends),
            data: data(config),
            packet_time: config.packet_time,
            silence: config.silence,
            encoder: Encoder::default(),
            ssrc: rng.next_u32(),
            sequence: rng.next_u32() as u16,
            timestamp: rng.next_u32(),
            due: None,
            packet: Vec::new(),
            frames: 0,
            activity: Activity::default(),
            carries_data: false,
            talkspurt: true,
            events: None,
            passage: None,
            packets: 0,
            octets: 0,
            before: (0, 0),
        }
    }

    pub(super) fn reconfigure(&mut self, config: &SessionConfig) {
        let payloads = PayloadTable::new(&config.sends);
        if payloads.voice() != self.payloads.voice() || config.packet_time != self.packet_time {
            self.drop_partial();
        }
        if self.carries_data && data(config) != self.data {
            self.drop_partial();
        }
        self.payloads = payloads;
        self.data = data(config);
        self.packet_time = config.packet_time;
        self.silence = config.silence;
    }

    /// Takes a frame; says whether a packet is full, which is then in `out`.
    pub(super) fn frame(&mut self, now: Time, frame: &Frame, out: &mut Vec<u8>) -> bool {
        let voice = if self.carries_data { self.waveform() } else { None };
        let Some((number, coding)) = voice.or(self.payloads.voice()) else { return self.skip(now, out) };
        if self.sends_events() {
            return self.skip(now, out);
        }
        if self.is_suppressed(frame) {
            return self.silence(now, out);
        }
        self.activity.speak();
        self.follow(now);
        if self.packet.is_empty() {
            self.packet.resize(HEADER_LEN, 0);
        }
        self.encoder.encode_into(coding, frame, &mut self.packet);
        self.frames += 1;
        self.advance();
        if self.frames < self.packet_time.frames() {
            return false;
        }
        let samples = self.packet.len().saturating_sub(HEADER_LEN);
        let marker = std::mem::take(&mut self.talkspurt);
        let header = self.header(marker, number, self.timestamp.wrapping_sub(samples as u32));
        if let Some(head) = self.packet.first_chunk_mut::<HEADER_LEN>() {
            *head = header.to_bytes();
        }
        out.clear();
        std::mem::swap(&mut self.packet, out);
        self.frames = 0;
        self.count(samples);
        true
    }

    /// Lets a frame's time pass in which nothing can be sent.
    pub(super) fn idle(&mut self, now: Time) {
        self.follow(now);
        self.drop_partial();
        self.advance();
    }

    /// Lets a frame's time pass without sound; says whether an event report is due, which is then in `out`.
    pub(super) fn skip(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        self.follow(now);
        let timestamp = self.timestamp;
        self.idle(now);
        let Some(events) = self.events.as_mut().filter(|events| events.is_busy()) else { return false };
        let Some(number) = self.payloads.events() else { return false };
        let Some(outgoing) = events.tick(timestamp, self.packet_time.frames()) else { return false };
        let payload = outgoing.report.to_bytes();
        out.clear();
        self.header(outgoing.marker, number, outgoing.timestamp).encode(out);
        out.extend_from_slice(&payload);
        self.count(payload.len());
        true
    }

    /// Lets a frame's time pass in silence; says whether the far end is to be told its level, which is then in `out`.
    fn silence(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        let number = self.payloads.number_of(PayloadFormat::ComfortNoise);
        let told = number.and_then(|number| Some((number, self.activity.tell()?)));
        let Some((number, level)) = told else { return self.skip(now, out) };
        self.follow(now);
        let timestamp = self.timestamp;
        self.idle(now);
        let payload = level.to_payload();
        out.clear();
        self.header(false, number, timestamp).encode(out);
        out.extend_from_slice(&payload);
        self.count(payload.len());
        true
    }

    /// What is sent is data from now on, or speech again.
    pub(super) fn carry_data(&mut self, carries: Carries) {
        let carries_data = carries == Carries::Data;
        if self.carries_data != carries_data && self.waveform() != self.payloads.voice() {
            self.drop_partial();
        }
        self.carries_data = carries_data;
    }

    /// What data of modems is sent in.
    fn waveform(&self) -> Option<(u8, Coding)> {
        self.data.or(self.payloads.waveform())
    }

    /// The header under which a packet of another stream goes out on this one; none when it has to be dropped. See
    /// [`Passage`]. `samples` is how much of the timeline the packet covers: none for telephone events, which lie beside it.
    #[inline]
    pub(super) fn pass(
        &mut self,
        now: Time,
        origin: (u32, u32),
        packet: &RtpHeader,
        octets: usize,
        samples: Option<u32>,
    ) -> Option<RtpHeader> {
        let passage = match self.passage {
            Some(passage) if passage.joins(origin, self.sequence) => passage,
            _ => {
                self.follow(now);
                self.drop_partial();
                *self.passage.insert(Passage::new(origin, packet, self.sequence, self.timestamp))
            }
        };
        let (sequence, timestamp, starts) = passage.place(packet)?;
        // The stream goes on behind the newest packet.
        if sequence.wrapping_sub(self.sequence).cast_signed() >= 0 {
            self.sequence = sequence.wrapping_add(1);
            if let Some(samples) = samples {
                self.timestamp = timestamp.wrapping_add(samples);
                self.due = Some(now + time_of(u64::from(samples)));
            }
            self.talkspurt = true;
        }
        self.passage = Some(passage.at(self.sequence));
        self.packets += 1;
        self.octets += octets as u64;
        let marker = packet.marker || starts && samples.is_some();
        Some(RtpHeader { marker, payload_type: packet.payload_type, sequence, timestamp, ssrc: self.ssrc })
    }

    /// The number under which a format is sent.
    #[inline]
    pub(super) fn number_of(&self, format: PayloadFormat) -> Option<u8> {
        self.payloads.number_of(format)
    }

    /// A new identifier, after a collision (RFC 3550 section 8.2).
    pub(super) fn renew_ssrc(&mut self, rng: &mut Rng) {
        let old = self.ssrc;
        while self.ssrc == old {
            self.ssrc = rng.next_u32();
        }
        self.before = (self.packets, self.octets);
    }

    /// The timestamp that a frame taken at `now` would have.
    pub(super) fn timestamp_at(&self, now: Time) -> u32 {
        let Some(due) = self.due else { return self.timestamp };
        let ahead = samples_in(now.since(due)) as u32;
        let behind = samples_in(due.since(now)) as u32;
        self.timestamp.wrapping_add(ahead).wrapping_sub(behind)
    }

    pub(super) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    pub(super) const fn octets(&self) -> u64 {
        self.octets
    }

    /// Packets sent under the present identifier.
    pub(super) const fn packets_of_source(&self) -> u64 {
        self.packets - self.before.0
    }

    /// Octets sent under the present identifier.
    pub(super) const fn octets_of_source(&self) -> u64 {
        self.octets - self.before.1
    }

    /// Whether events can be sent.
    pub(super) const fn has_events(&self) -> bool {
        self.payloads.events().is_some()
    }

    /// What sends events.
    pub(super) fn events(&mut self) -> &mut EventSender {
        self.events.get_or_insert_default()
    }

    /// Ends the event that was started.
    pub(super) fn stop_event(&mut self) {
        if let Some(events) = &mut self.events {
            events.stop();
        }
    }

    /// Whether an event is being sent, or waits.
    pub(super) fn sends_events(&self) -> bool {
        self.events.as_ref().is_some_and(|events| events.is_busy())
    }

    fn header(&self, marker: bool, payload_type: u8, timestamp: u32) -> RtpHeader {
        RtpHeader { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc }
    }

    fn count(&mut self, octets: usize) {
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += octets as u64;
    }

    fn is_suppressed(&mut self, frame: &Frame) -> bool {
        if self.silence == SilenceSuppression::Off || self.carries_data {
            return false;
        }
        // A packet that has been begun is filled.
        self.activity.is_over(frame) && self.frames == 0
    }

    /// Keeps the stream's clock with the host's over a pause.
    fn follow(&mut self, now: Time) {
        let due = *self.due.get_or_insert(now);
        let pause = now.since(due);
        if pause >= PAUSE {
            let samples = samples_in(pause) / FRAME_SAMPLES as u64 * FRAME_SAMPLES as u64;
            self.drop_partial();
            self.timestamp = self.timestamp.wrapping_add(samples as u32);
            self.due = Some(due + time_of(samples));
        }
    }

    fn advance(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(CLOCK_RATE / 100);
        self.due = self.due.map(|due| due + FRAME_TIME);
    }

    /// Gives up a packet that will not be filled: the next one starts a talkspurt.
    fn drop_partial(&mut self) {
        self.packet.clear();
        self.frames = 0;
        self.talkspurt = true;
    }
}

fn data(config: &SessionConfig) -> Option<(u8, Coding)> {
    let payload = config.data?;
    Some((payload.number, payload.format.coding()?))
}
