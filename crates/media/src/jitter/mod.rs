//! The play-out buffer: puts packets back in order and gives a steady stream of frames, at a delay that follows the
//! network (RFC 3550 section 6.4.4 leaves the method to the receiver; RFC 3551 section 4.1 names the talkspurt as the place to adapt).
//!
//! The buffer has a play-out clock in timestamp units, which advances by one frame each time a frame is taken. A packet's *margin* is how far
//! ahead of that clock it arrives. A packet that is too late to be heard makes the delay grow at once, by what was
//! missing; when no packet of a whole window needed the delay, it shrinks by
//! half of what was spare, frame by frame, cross-faded. Both stay
//! between the bounds of [`PlayoutConfig`], and so does the memory, whatever a peer sends.
//!
//! Limits: payloads with an octet for a tick of the clock, which G.711 and G.722 are; loss concealment is repetition with a fade, not the waveform method of G.711 Appendix I.

mod conceal;

use std::collections::VecDeque;
use std::time::Duration;

use crate::coding::{Coding, Decoder};
use crate::comfort_noise::{NoiseGenerator, NoiseLevel};
use crate::frame::{FRAME_SAMPLES, Frame, SILENCE, samples_in};
use conceal::Concealment;

const FRAME: i64 = FRAME_SAMPLES as i64;

/// Bounds of the play-out delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayoutConfig {
    /// The least delay: one frame absorbs the grain of the play-out clock.
    pub min: Duration,
    /// The delay at the start of a stream: two packets of the usual 20 ms.
    pub initial: Duration,
    /// The most delay: beyond 200 ms a conversation suffers more from delay than from loss (ITU-T G.114).
    pub max: Duration,
}

impl Default for PlayoutConfig {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(10),
            initial: Duration::from_millis(40),
            max: Duration::from_millis(200),
        }
    }
}

/// Frames between two looks at whether the delay is still needed: 2 s.
const WINDOW_FRAMES: u32 = 200;
/// Frames between two that are left out.
const DROP_SPACING: u32 = 10;
/// Frames without a packet after which the next one starts a new stream: 0.5 s.
const STARVED_FRAMES: u32 = 50;
/// Late packets in a row that show that the sender's timestamps have moved back.
const LATE_IN_A_ROW: u32 = 3;
/// Packets that are remembered, so that one that comes again is not taken for a late one.
const MEMORY: usize = 32;
/// The least delay of a stream of data: modems do not mind it, and every late packet costs them a page.
const DATA_DELAY: i64 = 10 * FRAME;
/// The largest payload in samples: RFC 3551 section 4.2 asks for 200 ms.
const MAX_PAYLOAD: usize = 1600;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It waits for its time.
    Queued,
    /// Its time had passed.
    Late,
    /// It was there already.
    Duplicate,
    /// It was too early to be held: what was held made room, and play-out goes on from it.
    Overrun,
    /// It was empty, or longer than 200 ms.
    Unusable,
}

/// What a frame is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playout {
    /// Sound that was received, all or in part.
    Sound,
    /// A stand-in for what did not arrive.
    Concealed,
    /// The noise of a silence that is not sent.
    Comfort,
    /// Nothing: no stream, or the concealment has faded away.
    Silence,
}

/// Counters of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PlayoutCounters {
    /// Packets that came after their time.
    pub late: u64,
    /// Packets that were there already.
    pub duplicate: u64,
    /// Packets thrown away because more was held than the bound.
    pub overrun: u64,
    /// Frames concealed.
    pub concealed: u64,
    /// Frames left out to shorten the delay.
    pub shortened: u64,
    /// Frames inserted to lengthen the delay.
    pub lengthened: u64,
}

#[derive(Clone, Debug)]
struct Chunk {
    start: i64,
    coding: Coding,
    octets: Vec<u8>,
}

impl Chunk {
    fn end(&self) -> i64 {
        self.start + i64::try_from(self.octets.len()).unwrap_or(0)
    }
}

/// The play-out buffer of one stream.
#[derive(Clone, Debug)]
pub struct JitterBuffer {
    min: i64,
    max: i64,
    target: i64,
    chunks: VecDeque<Chunk>,
    spare: Vec<Vec<u8>>,
    /// The next timestamp to be played, unwrapped; none before the first packet.
    clock: Option<i64>,
    /// Frames to be inserted, frames to be left out, and frames until the next of those.
    hold_frames: i64,
    drop_frames: i64,
    drop_wait: u32,
    window_frames: u32,
    /// The least and the most margin of the window.
    window_margin: Option<(i64, i64)>,
    newest_margin: i64,
    /// The delay that the fastest packets have: what the bound holds for.
    delay: i64,
    starved_frames: u32,
    late_in_a_row: u32,
    /// Timestamps of the packets taken last.
    recent: VecDeque<u32>,
    decoder: Decoder,
    /// Where the silence begins that the far end told of; nothing is missing from there on until sound comes.
    silence: Option<i64>,
    noise: NoiseGenerator,
    /// Whether the delay is to stay as it is.
    is_fixed: bool,
    concealment: Concealment,
    counters: PlayoutCounters,
}

impl JitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new(config: PlayoutConfig) -> Self {
        let samples = |span| i64::try_from(samples_in(span)).unwrap_or(i64::MAX).min(1 << 24);
        let min = samples(config.min).max(FRAME);
        let max = samples(config.max).max(min);
        Self {
            min,
            max,
            target: samples(config.initial).clamp(min, max),
            chunks: VecDeque::new(),
            spare: Vec::new(),
            clock: None,
            hold_frames: 0,
            drop_frames: 0,
            drop_wait: 0,
            window_frames: 0,
            window_margin: None,
            newest_margin: 0,
            delay: 0,
            starved_frames: 0,
            late_in_a_row: 0,
            recent: VecDeque::new(),
            decoder: Decoder::default(),
            silence: None,
            noise: NoiseGenerator::default(),
            is_fixed: false,
            concealment: Concealment::default(),
            counters: PlayoutCounters::default(),
        }
    }

    /// Puts a packet in its place. `talkspurt` is the marker bit.
    pub fn insert(
        &mut self,
        timestamp: u32,
        talkspurt: bool,
        coding: impl Into<Coding>,
        payload: &[u8],
    ) -> Insertion {
        if payload.is_empty() || payload.len() > MAX_PAYLOAD {
            return Insertion::Unusable;
        }
        if self.recent.contains(&timestamp) {
            self.counters.duplicate += 1;
            return Insertion::Duplicate;
        }
        let length = i64::try_from(payload.len()).unwrap_or(0);
        let mut start = self.unwrap(timestamp);
        let fresh = talkspurt && self.chunks.is_empty() && self.late_in_a_row == 0;
        let mut clock = match self.clock {
            Some(clock) if !fresh && (start - clock).abs() < 1 << 24 => clock,
            _ => {
                self.flush();
                start = i64::from(timestamp);
                start - self.target
            }
        };
        if start + length <= clock {
            self.counters.late += 1;
            self.late_in_a_row += 1;
            // More than any delay allowed: if it lasts, the sender's timestamps have moved back.
            let far = clock - start > self.max;
            if self.late_in_a_row < LATE_IN_A_ROW || !far && !self.chunks.is_empty() {
                if !far {
                    self.lengthen(clock - start);
                }
                return Insertion::Late;
            }
            self.flush();
            clock = start - self.target;
        }
        self.late_in_a_row = 0;
        self.clock = Some(clock);
        let outcome = self.make_room(start + length);
        let at = self.chunks.partition_point(|chunk| chunk.start < start);
        let before = at.checked_sub(1).and_then(|i| self.chunks.get(i)).is_some_and(|c| c.end() > start);
        let after = self.chunks.get(at).is_some_and(|c| c.start < start + length);
        if before || after {
            self.counters.duplicate += 1;
            return Insertion::Duplicate;
        }
        let mut octets = self.spare.pop().unwrap_or_default();
        octets.clear();
        octets.extend_from_slice(payload);
        self.chunks.insert(at, Chunk { start, coding: coding.into(), octets });
        if self.recent.len() >= MEMORY {
            self.recent.pop_front();
        }
        self.recent.push_back(timestamp);
        self.starved_frames = 0;
        let margin = start - self.clock.unwrap_or(start);
        self.window_margin = Some(match self.window_margin {
            Some((least, most)) => (least.min(margin), most.max(margin)),
            None => (margin, margin),
        });
        self.newest_margin = margin;
        self.delay = self.delay.max(margin);
        if margin < 0 {
            self.lengthen(-margin);
        }
        outcome
    }

    /// From this timestamp on, nothing is sent until sound comes again, and this is the level of what is not.
    pub fn insert_silence(&mut self, timestamp: u32, level: NoiseLevel) {
        let start = self.unwrap(timestamp);
        // One that comes late, behind sound that is newer, says nothing any more.
        let newest = self.chunks.back().map_or(i64::MIN, Chunk::end);
        let is_known = self.clock.is_some();
        if !is_known || start >= newest {
            self.noise.aim(level);
            self.silence.get_or_insert(if is_known { start } else { i64::MIN });
        }
    }

    /// Keeps the delay from now on, at a length that modems like: what adapts to speech breaks their carrier.
    pub fn fix(&mut self) {
        if self.is_fixed {
            return;
        }
        self.drop_frames = 0;
        let wanted = DATA_DELAY.clamp(self.min, self.max);
        if self.clock.is_some() && self.delay < wanted {
            self.lengthen(wanted - self.delay);
        }
        self.target = self.target.max(wanted);
        self.is_fixed = true;
    }

    /// Lets the delay adapt to speech again.
    pub fn release(&mut self) {
        self.is_fixed = false;
    }

    /// Whether the delay stays as it is.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// The next frame.
    pub fn play(&mut self, frame: &mut Frame) -> Playout {
        *frame = SILENCE;
        let Some(clock) = self.clock else {
            return self.conceal(i64::MAX, frame, 0);
        };
        if self.hold_frames > 0 {
            self.hold_frames -= 1;
            self.counters.lengthened += 1;
            return self.conceal(clock, frame, 0);
        }
        self.review_delay();
        let start = clock;
        let filled = self.take(start, frame);
        let mut clock = start + FRAME;
        self.drop_wait = self.drop_wait.saturating_sub(1);
        let may_drop = self.drop_frames > 0 && self.drop_wait == 0 && filled == FRAME_SAMPLES;
        if may_drop && self.holds_frame(clock) {
            let mut next = SILENCE;
            self.take(clock, &mut next);
            cross_fade(frame, &next);
            self.drop_frames -= 1;
            self.drop_wait = DROP_SPACING;
            self.counters.shortened += 1;
            clock += FRAME;
        }
        self.clock = Some(clock);
        self.discard_before(clock);
        if filled == 0 && self.chunks.is_empty() {
            self.starved_frames += 1;
            if self.starved_frames >= STARVED_FRAMES {
                self.flush();
            }
        }
        if filled > 0 && self.silence.is_some_and(|silence| silence <= start) {
            self.silence = None;
            self.noise.rest();
        }
        if filled == FRAME_SAMPLES {
            self.concealment.heard(frame);
            return Playout::Sound;
        }
        let playout = self.conceal(start, frame, filled);
        if filled > 0 { Playout::Sound } else { playout }
    }

    /// Drops what is held; the next packet starts anew.
    pub fn flush(&mut self) {
        while let Some(chunk) = self.chunks.pop_front() {
            self.recycle(chunk);
        }
        // A silence that was told of lasts over the pause that it explains.
        self.silence = self.silence.map(|_| i64::MIN);
        self.clock = None;
        self.hold_frames = 0;
        self.drop_frames = 0;
        self.window_frames = 0;
        self.window_margin = None;
        self.starved_frames = 0;
        self.late_in_a_row = 0;
        self.delay = 0;
        self.recent.clear();
    }

    /// As [`Self::flush`], for a stream that has nothing to do with the one before: its decoder starts anew, too.
    pub fn restart(&mut self) {
        self.flush();
        self.silence = None;
        self.noise.rest();
        self.decoder.reset();
    }

    /// How long the newest packet waits, or waited, until it is heard.
    #[must_use]
    pub fn delay(&self) -> Duration {
        crate::frame::time_of(u64::try_from(self.newest_margin).unwrap_or(0))
    }

    /// The delay with which a new stream starts.
    #[must_use]
    pub fn target(&self) -> Duration {
        crate::frame::time_of(u64::try_from(self.target).unwrap_or(0))
    }

    /// The sound held, from the next frame to the newest sample.
    #[must_use]
    pub fn depth(&self) -> Duration {
        let held = match (self.clock, self.chunks.back()) {
            (Some(clock), Some(newest)) => newest.end() - clock,
            _ => 0,
        };
        crate::frame::time_of(u64::try_from(held).unwrap_or(0))
    }

    /// The counters.
    #[must_use]
    pub const fn counters(&self) -> PlayoutCounters {
        self.counters
    }

    /// The unwrapped form of a timestamp: the one nearest to the play-out clock.
    fn unwrap(&self, timestamp: u32) -> i64 {
        let Some(clock) = self.clock else { return i64::from(timestamp) };
        // The low 32 bits of the clock: a cast that cuts is what is wanted.
        let ahead = timestamp.wrapping_sub(clock as u32).cast_signed();
        clock + i64::from(ahead)
    }

    /// Moves the clock forward when a packet that ends at `end` lies further ahead than the bound.
    fn make_room(&mut self, end: i64) -> Insertion {
        let Some(clock) = self.clock else { return Insertion::Queued };
        let bound = self.max + i64::try_from(MAX_PAYLOAD).unwrap_or(0);
        if end - clock <= bound {
            return Insertion::Queued;
        }
        let restart = end - self.target.max(FRAME);
        let before = self.chunks.len();
        self.clock = Some(restart);
        self.discard_before(restart);
        self.counters.overrun += (before - self.chunks.len()) as u64;
        Insertion::Overrun
    }

    /// Whether all of `start..start + 80` is held.
    fn holds_frame(&self, start: i64) -> bool {
        let within = |chunk: &Chunk| chunk.end().min(start + FRAME) - chunk.start.max(start);
        self.chunks.iter().map(|chunk| within(chunk).max(0)).sum::<i64>() == FRAME
    }

    /// Decodes what is held of `start..start + 80`; says how many samples there were. Each is to be taken once and in order: a
    /// decoder may have a memory.
    fn take(&mut self, start: i64, frame: &mut Frame) -> usize {
        let mut filled = 0;
        for chunk in &self.chunks {
            if chunk.start >= start + FRAME {
                break;
            }
            let skip = usize::try_from(start - chunk.start).unwrap_or(0);
            let at = usize::try_from(chunk.start - start).unwrap_or(0);
            if let (Some(octets), Some(room)) = (chunk.octets.get(skip..), frame.get_mut(at..)) {
                filled += self.decoder.decode_into(chunk.coding, octets, room);
            }
        }
        filled
    }

    fn discard_before(&mut self, clock: i64) {
        while self.chunks.front().is_some_and(|chunk| chunk.end() <= clock) {
            if let Some(chunk) = self.chunks.pop_front() {
                self.recycle(chunk);
            }
        }
    }

    fn recycle(&mut self, chunk: Chunk) {
        if self.spare.len() < 16 {
            self.spare.push(chunk.octets);
        }
    }

    /// Fills a frame for which there is no sound: with noise where the far end told of silence, else with a stand-in.
    fn conceal(&mut self, start: i64, frame: &mut Frame, from: usize) -> Playout {
        let missing = start.saturating_add(i64::try_from(from).unwrap_or(0));
        if self.silence.is_some_and(|silence| silence <= missing) {
            self.noise.fill(frame, from);
            return Playout::Comfort;
        }
        if self.concealment.fill(frame, from) {
            self.counters.concealed += 1;
            return Playout::Concealed;
        }
        Playout::Silence
    }

    /// A packet came `missing` samples too late: the delay grows by that, in whole frames, within the bound.
    fn lengthen(&mut self, missing: i64) {
        if self.is_fixed {
            return;
        }
        let frames = (missing + FRAME - 1) / FRAME;
        let room = (self.max - self.delay) / FRAME;
        // Frames already being held will make up for this packet as well.
        let grow = (frames - self.hold_frames).clamp(0, room.max(0));
        self.hold_frames += grow;
        self.delay += grow * FRAME;
        self.target = self.delay.clamp(self.min, self.max);
        self.drop_frames = 0;
        self.window_frames = 0;
        self.window_margin = None;
    }

    /// Once a window: if even the latest packet came with more than a frame to spare, the delay shrinks by half of that.
    fn review_delay(&mut self) {
        if self.is_fixed {
            return;
        }
        self.window_frames += 1;
        if self.window_frames < WINDOW_FRAMES {
            return;
        }
        self.window_frames = 0;
        let Some((least, most)) = self.window_margin.take() else { return };
        self.delay = most;
        let spare = (least - self.min) / FRAME;
        if spare >= 2 {
            self.drop_frames = spare / 2;
            self.delay -= self.drop_frames * FRAME;
        }
        self.target = self.delay.clamp(self.min, self.max);
    }
}

/// Fades from `frame` to `next`, so that a frame is left out without a click.
fn cross_fade(frame: &mut Frame, next: &Frame) {
    for (weight, (sample, after)) in (0..).zip(frame.iter_mut().zip(next)) {
        let mixed = i32::from(*sample) * (80 - weight) + i32::from(*after) * weight;
        *sample = i16::try_from(mixed / 80).unwrap_or(0);
    }
}
