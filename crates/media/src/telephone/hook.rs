//! The hook switch and what the line makes of it: off-hook, on-hook, or the flash between.
//!
//! A flash is a break of the loop too short to be the end of a call. How short differs: North America counts up to a second, much of Europe uses a timed break (the
//! recall key) of about a tenth. So an on-hook is known only when the longest flash is over, as RFC 3660 (L/hu) expects.
//! Limits: dial pulses are not counted.

use std::time::Duration;

use strowger_sansio::{BoundedQueue, Time};

use crate::limits::Limits;

/// How long a flash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookTiming {
    /// How long the set breaks the loop for a flash.
    pub sent: Duration,
    /// A shorter break is a fault of the line, and ignored.
    pub shortest: Duration,
    /// A longer break is the end of the call.
    pub longest: Duration,
}

const fn timing(sent: u64, shortest: u64, longest: u64) -> HookTiming {
    HookTiming {
        sent: Duration::from_millis(sent),
        shortest: Duration::from_millis(shortest),
        longest: Duration::from_millis(longest),
    }
}

/// By country. Sure: North America (GR-506 section 12). The others are what sets and adapters are delivered with; they vary by
/// operator, and the limits are wide for that.
const TIMINGS: [(&str, HookTiming); 14] = [
    ("us", timing(500, 200, 1000)),
    ("gb", timing(90, 45, 200)),
    ("de", timing(100, 45, 200)),
    ("fr", timing(270, 150, 400)),
    ("it", timing(100, 45, 200)),
    ("es", timing(100, 45, 200)),
    ("nl", timing(100, 45, 200)),
    ("se", timing(100, 45, 200)),
    ("ch", timing(100, 45, 200)),
    ("at", timing(100, 45, 200)),
    ("au", timing(100, 45, 200)),
    ("jp", timing(500, 200, 1000)),
    ("in", timing(500, 200, 1000)),
    ("br", timing(300, 100, 800)),
];

impl HookTiming {
    /// The timing of a country by its ISO 3166 code, in any case.
    #[must_use]
    pub fn of(country: &str) -> Option<Self> {
        TIMINGS.iter().find(|(code, _)| code.eq_ignore_ascii_case(country)).map(|(_, timing)| *timing)
    }
}

impl Default for HookTiming {
    /// That of North America.
    fn default() -> Self {
        timing(500, 200, 1000)
    }
}

/// What the line supervision sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineEvent {
    /// The loop was closed.
    OffHook,
    /// The loop was opened, for longer than a flash.
    OnHook,
    /// The loop was opened for the time of a flash.
    Flash,
}

/// Supervises one loop.
#[derive(Clone, Debug)]
pub struct HookSupervision {
    timing: HookTiming,
    /// Whether the line counts as off-hook.
    off_hook: bool,
    /// Since when the loop is open although the line counts as off-hook.
    open_since: Option<Time>,
    events: BoundedQueue<LineEvent>,
}

impl HookSupervision {
    /// Of a line that is on-hook.
    #[must_use]
    pub fn new(timing: HookTiming) -> Self {
        Self { timing, off_hook: false, open_since: None, events: BoundedQueue::new(Limits::DEFAULT.events) }
    }

    /// Sets how long a flash is, from the next break on.
    pub fn set_timing(&mut self, timing: HookTiming) {
        self.timing = timing;
    }

    /// The loop has been closed or opened.
    pub fn handle_input(&mut self, now: Time, closed: bool) {
        self.handle_timeout(now);
        match (closed, self.off_hook) {
            (true, false) => {
                self.off_hook = true;
                self.report(LineEvent::OffHook);
            }
            (true, true) => {
                let broken = self.open_since.take().map(|since| now.since(since));
                if broken.is_some_and(|broken| broken >= self.timing.shortest) {
                    self.report(LineEvent::Flash);
                }
            }
            (false, true) => {
                self.open_since.get_or_insert(now);
            }
            (false, false) => {}
        }
    }

    /// The loop has been open for longer than a flash.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.open_since = None;
            self.off_hook = false;
            self.report(LineEvent::OnHook);
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<LineEvent> {
        self.events.pop()
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        // Up to and including the longest flash, it may still be one.
        self.open_since.map(|since| since + self.timing.longest + Duration::from_nanos(1))
    }

    /// Whether the line counts as off-hook.
    #[must_use]
    pub const fn is_off_hook(&self) -> bool {
        self.off_hook
    }

    fn report(&mut self, event: LineEvent) {
        // A host that never drains learns the newest state from `is_off_hook`.
        let _ = self.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a loop that is closed, broken for this long, and closed again.
    fn broken_for(timing: HookTiming, millis: u64) -> Vec<LineEvent> {
        let mut line = HookSupervision::new(timing);
        let start = Time::from_secs(1);
        line.handle_input(start, true);
        line.handle_input(start + Duration::from_secs(1), false);
        let back = start + Duration::from_secs(1) + Duration::from_millis(millis);
        if let Some(due) = line.poll_timeout().filter(|due| *due <= back) {
            line.handle_timeout(due);
        }
        line.handle_input(back, true);
        std::iter::from_fn(|| line.poll_event()).collect()
    }

    #[test]
    fn a_break_is_a_fault_a_flash_or_the_end_by_its_length() {
        use LineEvent::{Flash, OffHook, OnHook};
        for (country, lengths) in
            [("us", [100, 199, 200, 500, 1000, 1001]), ("de", [10, 44, 45, 100, 200, 201])]
        {
            let timing = HookTiming::of(country).unwrap();
            let events = lengths.map(|millis| broken_for(timing, millis));
            let expected: [&[LineEvent]; 6] = [
                &[OffHook],
                &[OffHook],
                &[OffHook, Flash],
                &[OffHook, Flash],
                &[OffHook, Flash],
                &[OffHook, OnHook, OffHook],
            ];
            assert_eq!(events.each_ref().map(Vec::as_slice), expected, "{country}");
        }
    }

    #[test]
    fn what_a_set_sends_is_a_flash_in_every_country() {
        for (country, timing) in TIMINGS {
            let sent = u64::try_from(timing.sent.as_millis()).unwrap();
            assert_eq!(broken_for(timing, sent), [LineEvent::OffHook, LineEvent::Flash], "{country}");
        }
    }

    #[test]
    fn every_country_with_tones_has_a_flash() {
        for plan in crate::tone::TonePlan::all() {
            assert!(HookTiming::of(plan.country()).is_some(), "{}", plan.country());
        }
    }
}
