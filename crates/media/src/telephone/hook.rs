//! The hook switch and what the line makes of it: off-hook, on-hook, the flash between, or a digit of a dial.
//!
//! A flash is a break of the loop too short to be the end of a call. How short differs: North America counts up to a second, much of Europe uses a timed break (the
//! recall key) of about a tenth. So an on-hook is known only when the longest flash is over, as RFC 3660 (L/hu) expects.
//!
//! A dial breaks the loop as often as its digit says, ten times a second, each time for some 60 ms. Where a flash may be as short as that, a single such break is
//! one or the other ([`LineEvent::Break`]): who knows whether a number is expected decides.

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

/// The break of a dial pulse: dials of 8 to 12 pulses a second, of which a half to two thirds are break.
const PULSE: std::ops::RangeInclusive<Duration> = Duration::from_millis(30)..=Duration::from_millis(85);
/// When the loop has been closed for this long, the digit is complete: longer than between its pulses, and shorter than between digits.
const DIGIT_OVER: Duration = Duration::from_millis(180);
/// The most pulses of a digit: those of zero.
const MOST_PULSES: u32 = 10;

/// What the line supervision sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineEvent {
    /// The loop was closed.
    OffHook,
    /// The loop was opened, for longer than a flash.
    OnHook,
    /// The loop was opened for the time of a flash.
    Flash,
    /// A digit, `0` to `9`, was dialled by pulses.
    Dialled(char),
    /// The loop was opened once, for the time of a flash and of a pulse: a flash, or the digit 1.
    Break,
}

/// Supervises one loop.
#[derive(Clone, Debug)]
pub struct HookSupervision {
    timing: HookTiming,
    /// Whether the line counts as off-hook.
    off_hook: bool,
    /// Since when the loop is open although the line counts as off-hook.
    open_since: Option<Time>,
    /// Pulses of the digit that is being dialled, whether the last of them could be a flash, and when the digit is over unless another one comes.
    pulses: u32,
    like_a_flash: bool,
    digit_over: Option<Time>,
    events: BoundedQueue<LineEvent>,
}

impl HookSupervision {
    /// Of a line that is on-hook.
    #[must_use]
    pub fn new(timing: HookTiming) -> Self {
        Self {
            timing,
            off_hook: false,
            open_since: None,
            pulses: 0,
            like_a_flash: false,
            digit_over: None,
            events: BoundedQueue::new(Limits::DEFAULT.events),
        }
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
                if let Some(since) = self.open_since.take() {
                    self.broken(now, now.since(since));
                }
            }
            (false, true) => {
                self.open_since.get_or_insert(now);
                self.digit_over = None;
            }
            (false, false) => {}
        }
    }

    /// The loop was open for this long.
    fn broken(&mut self, now: Time, span: Duration) {
        if PULSE.contains(&span) {
            self.pulses += 1;
            self.like_a_flash = span >= self.timing.shortest;
        } else if span >= self.timing.shortest {
            self.pulses = 0;
            return self.report(LineEvent::Flash);
        }
        // A fault of the line is no part of a digit, and does not end it.
        self.digit_over = (self.pulses > 0).then(|| now + DIGIT_OVER);
    }

    /// The loop has been open for longer than a flash, or closed for longer than between the pulses of a digit.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.on_hook_at().is_some_and(|due| due <= now) {
            self.open_since = None;
            self.off_hook = false;
            self.pulses = 0;
            self.report(LineEvent::OnHook);
        }
        if self.digit_over.is_some_and(|due| due <= now) {
            self.digit_over = None;
            match std::mem::take(&mut self.pulses) {
                1 if self.like_a_flash => self.report(LineEvent::Break),
                pulses if pulses <= MOST_PULSES => {
                    let digit = char::from_digit(pulses % MOST_PULSES, MOST_PULSES);
                    digit.into_iter().for_each(|digit| self.report(LineEvent::Dialled(digit)));
                }
                // That was no dial.
                _ => {}
            }
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<LineEvent> {
        self.events.pop()
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.on_hook_at().or(self.digit_over)
    }

    fn on_hook_at(&self) -> Option<Time> {
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
        line.handle_timeout(back + Duration::from_secs(1));
        std::iter::from_fn(|| line.poll_event()).collect()
    }

    #[test]
    fn a_break_is_a_fault_a_flash_or_the_end_by_its_length() {
        use LineEvent::{Flash, OffHook, OnHook};
        for (country, lengths) in
            [("us", [100, 199, 200, 500, 1000, 1001]), ("de", [10, 29, 86, 100, 200, 201])]
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

    /// The events of a dial of this speed in pulses a second and this share of break, with a digit each second and a half.
    fn dialled(timing: HookTiming, digits: &[u32], speed: f64, share: f64) -> Vec<LineEvent> {
        let mut line = HookSupervision::new(timing);
        let mut events = Vec::new();
        line.handle_input(Time::from_secs(1), true);
        let mut edge = |at: Time, closed: Option<bool>| {
            while let Some(due) = line.poll_timeout().filter(|due| *due <= at) {
                line.handle_timeout(due);
            }
            closed.into_iter().for_each(|closed| line.handle_input(at, closed));
            events.extend(std::iter::from_fn(|| line.poll_event()));
        };
        for (place, pulses) in digits.iter().enumerate() {
            let start = Time::from_secs(2) + Duration::from_millis(1500) * u32::try_from(place).unwrap();
            for pulse in 0..*pulses {
                let at = start + Duration::from_secs_f64(f64::from(pulse) / speed);
                edge(at, Some(false));
                edge(at + Duration::from_secs_f64(share / speed), Some(true));
            }
        }
        edge(Time::from_secs(100), None);
        assert_eq!(events.remove(0), LineEvent::OffHook);
        events
    }

    #[test]
    fn a_dial_is_counted_at_every_speed_that_dials_have() {
        use LineEvent::{Break, Dialled};
        for country in ["us", "fr", "de"] {
            let timing = HookTiming::of(country).unwrap();
            for (speed, share) in
                [(8.0, 0.5), (8.0, 0.67), (10.0, 0.6), (10.0, 0.67), (12.0, 0.5), (12.0, 0.67)]
            {
                let all: Vec<u32> = (2..=10).collect();
                let expected: Vec<_> = "234567890".chars().map(Dialled).collect();
                assert_eq!(dialled(timing, &all, speed, share), expected, "{country} {speed} {share}");
                let one = if country == "de" && share / speed >= 0.045 { Break } else { Dialled('1') };
                assert_eq!(dialled(timing, &[1], speed, share), [one], "{country} {speed} {share}");
            }
        }
        let timing = HookTiming::default();
        assert_eq!(dialled(timing, &[11, 12], 10.0, 0.6), [], "no dial has so many");
        assert_eq!(dialled(timing, &[3, 2], 60.0, 0.6), [], "the line crackles");
    }

    #[test]
    fn who_hangs_up_while_the_dial_returns_has_dialled_nothing() {
        let mut line = HookSupervision::new(HookTiming::default());
        line.handle_input(Time::from_secs(1), true);
        let millis = |millis| Time::from_secs(2) + Duration::from_millis(millis);
        for (at, closed) in [(0, false), (60, true), (100, false), (160, true), (200, false)] {
            line.handle_input(millis(at), closed);
        }
        line.handle_timeout(Time::from_secs(9));
        let events: Vec<_> = std::iter::from_fn(|| line.poll_event()).collect();
        assert_eq!(events, [LineEvent::OffHook, LineEvent::OnHook]);
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
