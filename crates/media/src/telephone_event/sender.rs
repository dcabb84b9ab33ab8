//! Events as packets: RFC 4733 section 2.5.1.
//!
//! The sender is clocked by frames of the stream that it speaks in, since events share its timestamps. While it is busy, sound
//! is not sent: a receiver is to play one of the two (section 2.5.2.2).

use std::collections::VecDeque;

use super::MAX_DURATION;
use super::payload::EventReport;
use crate::frame::FRAME_SAMPLES;
use crate::limits::Limits;

const FRAME: u32 = FRAME_SAMPLES as u32;
/// How often the final report is sent (section 2.5.1.4).
const FINAL_REPORTS: u8 = 3;
/// Frames from the last of an event to the first of the next: a pause of 50 ms (section 3.1, after V.18).
const PAUSE_FRAMES: u32 = 6;
/// The least length of an event: 50 ms.
const SHORTEST: u32 = 400;

/// A report to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingReport {
    /// The report.
    pub report: EventReport,
    /// The timestamp of the packet: the start of the event, or of its segment.
    pub timestamp: u32,
    /// The marker bit: the first packet of an event.
    pub marker: bool,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    event: u8,
    volume: u8,
    /// In samples; none until it is stopped.
    length: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    event: u8,
    volume: u8,
    length: Option<u32>,
    /// All samples until now.
    total: u32,
    segment_start: u32,
    segment_duration: u32,
    reported: bool,
}

impl Active {
    fn report(&self, end: bool, duration: u32) -> EventReport {
        let duration = u16::try_from(duration).unwrap_or(MAX_DURATION);
        EventReport { event: self.event, end, volume: self.volume, duration }
    }
}

/// Repetitions of a final report.
#[derive(Clone, Copy, Debug)]
struct Repeat {
    outgoing: OutgoingReport,
    left: u8,
    /// Frames until the next.
    wait: u32,
}

/// The sending half.
#[derive(Clone, Debug, Default)]
pub struct EventSender {
    queue: VecDeque<Queued>,
    active: Option<Active>,
    repeats: VecDeque<Repeat>,
    /// Frames since the last update.
    since_update: u32,
    pause: u32,
}

impl EventSender {
    /// One with nothing to send.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends an event of `samples` length, after those that wait; says whether there was room. It lasts 50 ms at least.
    pub fn send(&mut self, event: u8, volume: u8, samples: u32) -> bool {
        self.push(Queued { event, volume, length: Some(samples.max(SHORTEST)) })
    }

    /// Starts an event, after those that wait, that lasts until [`Self::stop`]; says whether there was room.
    pub fn start(&mut self, event: u8, volume: u8) -> bool {
        self.push(Queued { event, volume, length: None })
    }

    /// Ends the event that was started; it lasts 50 ms at least.
    pub fn stop(&mut self) {
        if let Some(active) = &mut self.active
            && active.length.is_none()
        {
            active.length = Some(active.total.max(SHORTEST));
        }
        for queued in &mut self.queue {
            queued.length.get_or_insert(SHORTEST);
        }
    }

    /// Whether an event, its repetitions or the pause after it occupy the stream, or an event waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.active.is_some() || !self.repeats.is_empty() || self.pause > 0 || !self.queue.is_empty()
    }

    /// Lets a frame pass that starts at `timestamp`; gives the report that is due at its end. `interval` is the time
    /// between updates in frames, naturally that between the packets of the stream (section 2.5.1.2).
    pub fn tick(&mut self, timestamp: u32, interval: u32) -> Option<OutgoingReport> {
        if self.active.is_none() && self.pause > 0 {
            self.pause -= 1;
        }
        if self.active.is_none() && self.pause == 0 && self.repeats.is_empty() {
            self.begin(timestamp);
        }
        let update = self.advance(interval);
        if update.is_some() {
            return update;
        }
        self.repeat(interval)
    }

    fn push(&mut self, queued: Queued) -> bool {
        let room = self.queue.len() < Limits::DEFAULT.digits;
        if room {
            self.queue.push_back(queued);
        }
        room
    }

    fn begin(&mut self, timestamp: u32) {
        let Some(next) = self.queue.pop_front() else { return };
        self.since_update = 0;
        self.active = Some(Active {
            event: next.event,
            volume: next.volume.min(63),
            length: next.length,
            total: 0,
            segment_start: timestamp,
            segment_duration: 0,
            reported: false,
        });
    }

    /// Makes the event last one frame longer, and reports it when it is time.
    fn advance(&mut self, interval: u32) -> Option<OutgoingReport> {
        let active = self.active.as_mut()?;
        let step = active.length.map_or(FRAME, |length| (length - active.total).min(FRAME));
        active.total = active.total.saturating_add(step);
        active.segment_duration += step;
        self.since_update += 1;
        let marker = !active.reported;
        let limit = u32::from(MAX_DURATION);
        if active.length.is_some_and(|length| active.total >= length) && active.segment_duration <= limit {
            let report = active.report(true, active.segment_duration);
            let outgoing = OutgoingReport { report, timestamp: active.segment_start, marker };
            self.active = None;
            self.pause = PAUSE_FRAMES;
            self.repeat_final(outgoing, interval);
            return Some(outgoing);
        }
        if active.segment_duration > limit {
            let outgoing = OutgoingReport {
                report: active.report(false, limit),
                timestamp: active.segment_start,
                marker,
            };
            active.segment_start = active.segment_start.wrapping_add(limit);
            active.segment_duration -= limit;
            active.reported = true;
            self.since_update = 0;
            self.repeat_final(outgoing, interval);
            return Some(outgoing);
        }
        if self.since_update < interval {
            return None;
        }
        self.since_update = 0;
        active.reported = true;
        let report = active.report(false, active.segment_duration);
        Some(OutgoingReport { report, timestamp: active.segment_start, marker })
    }

    fn repeat_final(&mut self, outgoing: OutgoingReport, interval: u32) {
        let outgoing = OutgoingReport { marker: false, ..outgoing };
        self.repeats.push_back(Repeat { outgoing, left: FINAL_REPORTS - 1, wait: interval });
    }

    /// The repetition that is due. One that falls together with an update waits a frame.
    fn repeat(&mut self, interval: u32) -> Option<OutgoingReport> {
        for repeat in &mut self.repeats {
            repeat.wait = repeat.wait.saturating_sub(1);
        }
        let due = self.repeats.iter().position(|repeat| repeat.wait == 0)?;
        let repeat = self.repeats.get_mut(due)?;
        repeat.left -= 1;
        repeat.wait = interval;
        let (outgoing, done) = (repeat.outgoing, repeat.left == 0);
        if done {
            self.repeats.remove(due);
        }
        Some(outgoing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of the stream with what was sent at their ends.
    fn run(sender: &mut EventSender, frames: u32, interval: u32) -> Vec<(u32, OutgoingReport)> {
        (0..frames).filter_map(|n| Some((n, sender.tick(n * FRAME, interval)?))).collect()
    }

    #[test]
    fn an_event_is_updated_and_its_end_reported_three_times() {
        let mut sender = EventSender::new();
        // The first digit of RFC 4733 table 5: "9" for 200 ms, an update every 50 ms.
        assert!(sender.send(9, 10, 1600));
        let sent = run(&mut sender, 40, 5);
        let shown: Vec<_> = sent
            .iter()
            .map(|(n, out)| ((n + 1) * 10, out.marker, out.timestamp, out.report.duration, out.report.end))
            .collect();
        assert_eq!(
            shown,
            [
                (50, true, 0, 400, false),
                (100, false, 0, 800, false),
                (150, false, 0, 1200, false),
                (200, false, 0, 1600, true),
                (250, false, 0, 1600, true),
                (300, false, 0, 1600, true),
            ]
        );
        assert!(sent.iter().all(|(_, out)| out.report.event == 9 && out.report.volume == 10));
        assert!(!sender.is_busy());
    }

    #[test]
    fn a_short_event_has_one_update_and_a_marked_start() {
        let mut sender = EventSender::new();
        sender.send(1, 10, 1);
        let sent = run(&mut sender, 20, 6);
        assert_eq!(sent.len(), 3, "50 ms are over before the first update of 60 ms");
        assert!(sent[0].1.marker && sent[0].1.report.end && sent[0].1.report.duration == 400);
        assert!(!sent[1].1.marker && !sent[2].1.marker);
    }

    #[test]
    fn events_in_a_row_keep_a_pause() {
        let mut sender = EventSender::new();
        sender.send(1, 10, 800);
        sender.send(1, 10, 800);
        let starts: Vec<_> =
            run(&mut sender, 60, 2).iter().filter(|(_, o)| o.marker).map(|(_, o)| o.timestamp).collect();
        assert_eq!(starts.len(), 2);
        assert!(starts[1] - (starts[0] + 800) >= 360, "a pause of 45 ms at least: {starts:?}");
        assert!(!sender.is_busy());
    }

    #[test]
    fn a_long_event_is_cut_into_segments_that_touch() {
        let mut sender = EventSender::new();
        sender.start(5, 10);
        let mut sent = Vec::new();
        for n in 0..3000_u32 {
            if n == 2000 {
                sender.stop();
            }
            sent.extend(sender.tick(1000 + n * FRAME, 2));
        }
        assert_eq!(sent.iter().filter(|out| out.marker).count(), 1, "only the first segment is marked");
        let mut segments: Vec<_> = sent.iter().map(|out| out.timestamp).collect();
        segments.dedup();
        segments.sort_unstable();
        segments.dedup();
        assert_eq!(segments, [1000, 1000 + 65_535, 1000 + 2 * 65_535]);
        for start in &segments[..2] {
            let full = sent.iter().filter(|o| o.timestamp == *start && o.report.duration == MAX_DURATION);
            assert_eq!(full.clone().count(), 3, "a segment's final report is sent three times");
            assert!(full.clone().all(|o| !o.report.end));
        }
        let last: Vec<_> = sent.iter().filter(|o| o.report.end).collect();
        assert_eq!(last.len(), 3);
        assert_eq!(u32::from(last[0].report.duration) + 2 * 65_535, 2000 * FRAME);
    }

    #[test]
    fn more_events_than_fit_are_refused() {
        let mut sender = EventSender::new();
        assert_eq!((0..100).filter(|_| sender.send(1, 10, 800)).count(), Limits::DEFAULT.digits);
    }
}
