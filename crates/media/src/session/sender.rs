//! The sending half: frames become packets, with sequence, timestamp and marker as RFC 3550 section 5.1 and RFC 3551 section 4.1 ask.

use std::time::Duration;

use strowger_sansio::{Rng, Time};

use super::config::{PacketTime, PayloadTable, SessionConfig};
use crate::frame::{FRAME_SAMPLES, FRAME_TIME, Frame, samples_in};
use crate::rtp::{HEADER_LEN, RtpHeader};

/// A pause of the host longer than this is a pause of the stream; a shorter one is made up by frames that come in a burst.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub(super) struct Sender {
    payloads: PayloadTable,
    packet_time: PacketTime,
    ssrc: u32,
    sequence: u16,
    /// Timestamp of the next frame.
    timestamp: u32,
    /// When the next frame is due; none before the first.
    due: Option<Time>,
    /// The packet being filled: room for its header, then payload.
    packet: Vec<u8>,
    frames: u32,
    /// Whether the next packet starts a talkspurt.
    talkspurt: bool,
    packets: u64,
    octets: u64,
}

impl Sender {
    pub(super) fn new(config: &SessionConfig, rng: &mut Rng) -> Self {
        Self {
            payloads: PayloadTable::new(&config.sends),
            packet_time: config.packet_time,
            ssrc: rng.next_u32(),
            sequence: rng.next_u32() as u16,
            timestamp: rng.next_u32(),
            due: None,
            packet: Vec::new(),
            frames: 0,
            talkspurt: true,
            packets: 0,
            octets: 0,
        }
    }

    pub(super) fn reconfigure(&mut self, config: &SessionConfig) {
        let payloads = PayloadTable::new(&config.sends);
        if payloads.voice() != self.payloads.voice() || config.packet_time != self.packet_time {
            self.drop_partial();
        }
        self.payloads = payloads;
        self.packet_time = config.packet_time;
    }

    /// Takes a frame; gives a packet when it is full.
    pub(super) fn frame(&mut self, now: Time, frame: &Frame) -> Option<Vec<u8>> {
        let Some((number, law)) = self.payloads.voice() else {
            self.skip(now);
            return None;
        };
        self.follow(now);
        if self.packet.is_empty() {
            self.packet.reserve(HEADER_LEN + FRAME_SAMPLES * 6);
            self.packet.resize(HEADER_LEN, 0);
        }
        law.encode_into(frame, &mut self.packet);
        self.frames += 1;
        self.advance();
        if self.frames < self.packet_time.frames() {
            return None;
        }
        let samples = self.packet.len().saturating_sub(HEADER_LEN);
        let header = RtpHeader {
            marker: std::mem::take(&mut self.talkspurt),
            payload_type: number,
            sequence: self.sequence,
            timestamp: self.timestamp.wrapping_sub(samples as u32),
            ssrc: self.ssrc,
        };
        let mut packet = std::mem::take(&mut self.packet);
        if let Some(head) = packet.first_chunk_mut::<HEADER_LEN>() {
            *head = header.to_bytes();
        }
        self.frames = 0;
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += samples as u64;
        Some(packet)
    }

    /// Lets a frame's time pass.
    pub(super) fn skip(&mut self, now: Time) {
        self.follow(now);
        self.drop_partial();
        self.advance();
    }

    /// A new identifier, after a collision (RFC 3550 section 8.2).
    pub(super) fn renew_ssrc(&mut self, rng: &mut Rng) {
        let old = self.ssrc;
        while self.ssrc == old {
            self.ssrc = rng.next_u32();
        }
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

    /// Keeps the stream's clock with the host's over a pause.
    fn follow(&mut self, now: Time) {
        let due = *self.due.get_or_insert(now);
        let pause = now.since(due);
        if pause >= PAUSE {
            let samples = samples_in(pause) / FRAME_SAMPLES as u64 * FRAME_SAMPLES as u64;
            self.drop_partial();
            self.timestamp = self.timestamp.wrapping_add(samples as u32);
            self.due = Some(due + crate::frame::time_of(samples));
        }
    }

    fn advance(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        self.due = self.due.map(|due| due + FRAME_TIME);
    }

    /// Gives up a packet that will not be filled: the next one starts a talkspurt.
    fn drop_partial(&mut self) {
        self.packet.clear();
        self.frames = 0;
        self.talkspurt = true;
    }
}
