//! Packets as events: RFC 4733 section 2.5.2.
//!
//! An event is reported once when it begins and once when it ends, by the first report that shows either. Reports that come again,
//! late, or after the event was given up are passed over: the timestamp says which event they belong to.

use std::time::Duration;

use strowger_sansio::Time;

use super::MAX_DURATION;
use super::payload::EventReport;
use crate::frame::time_of;

/// An event is given up when nothing was heard of it for this many times the spacing of its reports (section 2.5.2.2).
const PATIENCE: u32 = 3;
/// The spacing that is assumed before it is seen, which is the recommended one.
const SPACING: Duration = Duration::from_millis(50);
const SPACING_LEAST: Duration = Duration::from_millis(20);
const SPACING_MOST: Duration = Duration::from_millis(100);

/// The beginning or end of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventChange {
    /// An event has begun.
    Began {
        /// Its code.
        event: u8,
        /// Its level in -dBm0; zero from senders that do not say.
        volume: u8,
        /// How long it has lasted already.
        elapsed: Duration,
    },
    /// An event has ended.
    Ended {
        /// Its code.
        event: u8,
        /// How long it lasted, as far as was heard.
        duration: Duration,
    },
}

#[derive(Clone, Copy, Debug)]
struct Current {
    event: u8,
    segment_start: u32,
    duration: u32,
    /// Samples of the segments before.
    before: u32,
    heard: Time,
    spacing: Duration,
}

impl Current {
    fn lasted(&self) -> Duration {
        time_of(u64::from(self.before) + u64::from(self.duration))
    }
}

/// The receiving half.
#[derive(Clone, Debug, Default)]
pub struct EventReceiver {
    current: Option<Current>,
    /// The start of the newest event or segment that is over: older reports are not new.
    over: Option<u32>,
}

impl EventReceiver {
    /// One that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the payload of a packet and hands on what it changes.
    pub fn receive(
        &mut self,
        now: Time,
        timestamp: u32,
        payload: &[u8],
        mut change: impl FnMut(EventChange),
    ) {
        let mut start = timestamp;
        for report in EventReport::decode(payload) {
            self.report(now, start, report, &mut change);
            start = start.wrapping_add(u32::from(report.duration));
        }
    }

    /// When the present event is given up if nothing more is heard.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.current.map(|current| current.heard + current.spacing * PATIENCE)
    }

    /// Gives up an event of which nothing has been heard.
    pub fn handle_timeout(&mut self, now: Time) -> Option<EventChange> {
        self.poll_timeout().filter(|due| *due <= now)?;
        self.end()
    }

    /// The source is another one now: timestamps say nothing about those before.
    pub fn reset(&mut self) -> Option<EventChange> {
        let ended = self.end();
        self.over = None;
        ended
    }

    /// Whether an event is going on.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.current.is_some()
    }

    fn report(&mut self, now: Time, start: u32, report: EventReport, change: &mut impl FnMut(EventChange)) {
        // Zero stands for a state without end, and none of the events here is a state (section 2.3.5).
        if report.duration == 0 {
            return;
        }
        if let Some(current) = &mut self.current {
            let ahead = start.wrapping_sub(current.segment_start);
            let same = current.event == report.event;
            let next_segment =
                same && ahead > 0 && ahead.is_multiple_of(u32::from(MAX_DURATION)) && ahead < 1 << 31;
            if ahead == 0 && same || next_segment {
                if next_segment {
                    current.before = current.before.saturating_add(ahead);
                    current.segment_start = start;
                    current.duration = 0;
                }
                current.spacing =
                    (now - current.heard).clamp(SPACING_LEAST, SPACING_MOST).max(current.spacing);
                current.heard = now;
                current.duration = current.duration.max(u32::from(report.duration));
                if report.end
                    && let Some(ended) = self.end()
                {
                    change(ended);
                }
                return;
            }
            if ahead.cast_signed() <= 0 {
                return;
            }
            if let Some(ended) = self.end() {
                change(ended);
            }
        }
        if self.over.is_some_and(|over| start.wrapping_sub(over).cast_signed() <= 0) {
            return;
        }
        let duration = u32::from(report.duration);
        change(EventChange::Began {
            event: report.event,
            volume: report.volume,
            elapsed: time_of(u64::from(duration)),
        });
        self.current = Some(Current {
            event: report.event,
            segment_start: start,
            duration,
            before: 0,
            heard: now,
            spacing: SPACING,
        });
        if report.end
            && let Some(ended) = self.end()
        {
            change(ended);
        }
    }

    fn end(&mut self) -> Option<EventChange> {
        let current = self.current.take()?;
        self.over = Some(current.segment_start);
        Some(EventChange::Ended { event: current.event, duration: current.lasted() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephone_event::{EventSender, OutgoingReport};

    fn receive(receiver: &mut EventReceiver, now: Time, out: &OutgoingReport) -> Vec<EventChange> {
        let mut changes = Vec::new();
        receiver.receive(now, out.timestamp, &out.report.to_bytes(), |change| changes.push(change));
        changes
    }

    /// The packets of two digits, with the times at which they arrive.
    fn two_digits() -> Vec<(Time, OutgoingReport)> {
        let mut sender = EventSender::new();
        sender.send(1, 10, 800);
        sender.send(2, 10, 1200);
        (0..80_u32)
            .filter_map(|n| {
                let sent = sender.tick((u32::MAX - 1000).wrapping_add(n * 80), 2)?;
                Some((Time::from_millis(u64::from(n) * 10), sent))
            })
            .collect()
    }

    fn began(event: u8) -> impl Fn(&EventChange) -> bool {
        move |change| matches!(change, EventChange::Began { event: e, .. } if *e == event)
    }

    fn ended(event: u8, millis: u64) -> EventChange {
        EventChange::Ended { event, duration: Duration::from_millis(millis) }
    }

    #[test]
    fn each_event_begins_once_and_ends_once_across_the_wrap_of_timestamps() {
        let mut receiver = EventReceiver::new();
        let changes: Vec<_> =
            two_digits().iter().flat_map(|(at, out)| receive(&mut receiver, *at, out)).collect();
        assert_eq!(changes.len(), 4, "{changes:?}");
        assert!(began(1)(&changes[0]) && began(2)(&changes[2]));
        assert_eq!([changes[1], changes[3]], [ended(1, 100), ended(2, 150)]);
    }

    #[test]
    fn any_single_packet_may_be_lost() {
        let packets = two_digits();
        for lost in 0..packets.len() {
            let mut receiver = EventReceiver::new();
            let arrive = packets.iter().enumerate().filter(|(n, _)| *n != lost);
            let changes: Vec<_> =
                arrive.flat_map(|(_, (at, out))| receive(&mut receiver, *at, out)).collect();
            assert_eq!(changes.len(), 4, "without packet {lost}: {changes:?}");
            assert_eq!([changes[1], changes[3]], [ended(1, 100), ended(2, 150)]);
        }
    }

    #[test]
    fn repeated_and_swapped_packets_change_nothing() {
        let mut packets = two_digits();
        for n in (0..packets.len() - 1).step_by(2) {
            packets.swap(n, n + 1);
        }
        let mut receiver = EventReceiver::new();
        let mut changes = Vec::new();
        for (at, out) in &packets {
            changes.extend(receive(&mut receiver, *at, out));
            changes.extend(receive(&mut receiver, *at, out));
        }
        let starts = changes.iter().filter(|c| matches!(c, EventChange::Began { .. })).count();
        assert_eq!((starts, changes.len()), (2, 4), "{changes:?}");
    }

    #[test]
    fn when_the_end_is_lost_the_event_is_given_up_and_stays_so() {
        let packets = two_digits();
        let first: Vec<_> = packets.iter().filter(|(_, out)| out.report.event == 1).collect();
        let (updates, finals): (Vec<_>, Vec<_>) = first.into_iter().partition(|(_, out)| !out.report.end);
        let mut receiver = EventReceiver::new();
        for (at, out) in &updates {
            receive(&mut receiver, *at, out);
        }
        let due = receiver.poll_timeout().unwrap();
        let last = updates.last().unwrap();
        assert_eq!(due - last.0, Duration::from_millis(150));
        assert_eq!(receiver.handle_timeout(due - Duration::from_millis(1)), None);
        let heard = u64::from(last.1.report.duration) / 8;
        assert_eq!(receiver.handle_timeout(due), Some(ended(1, heard)));
        // The ends come late, and are not a new digit.
        for (_, out) in &finals {
            assert_eq!(receive(&mut receiver, due, out), []);
        }
        assert_eq!(receiver.poll_timeout(), None);
    }

    #[test]
    fn the_segments_of_a_long_event_are_one_event() {
        let mut sender = EventSender::new();
        let mut receiver = EventReceiver::new();
        sender.send(3, 10, 150_000);
        let mut changes = Vec::new();
        for n in 0..2000_u32 {
            // Every third packet is lost.
            if let Some(out) = sender.tick(n * 80, 2)
                && n % 3 != 0
            {
                changes.extend(receive(&mut receiver, Time::from_millis(u64::from(n) * 10), &out));
            }
        }
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[1], ended(3, 18_750));
    }

    #[test]
    fn events_packed_into_one_packet_are_all_seen() {
        let report = |event, duration| EventReport { event, end: true, volume: 0, duration }.to_bytes();
        let payload = [report(1, 400), report(2, 400)].concat();
        let mut receiver = EventReceiver::new();
        let mut changes = Vec::new();
        for _ in 0..3 {
            receiver.receive(Time::ZERO, 5000, &payload, |change| changes.push(change));
        }
        assert_eq!(changes.len(), 4, "{changes:?}");
        assert!(began(2)(&changes[2]));
    }

    #[test]
    fn a_report_without_duration_is_ignored() {
        let report = EventReport { event: 1, end: false, volume: 0, duration: 0 };
        let mut receiver = EventReceiver::new();
        receiver.receive(Time::ZERO, 0, &report.to_bytes(), |change| panic!("{change:?}"));
        assert!(!receiver.is_active());
    }
}
