//! Overload of a gateway: its controller asks it for fewer calls (H.248.11).
//!
//! The gateway says with each Add that it has too much to do. From then on a leaky bucket lets calls through at a rate that follows what the
//! gateway says: while it complains about more than a small share of what it is asked for, the rate goes down, else up. The control ends when
//! nothing has been complained about and nothing held back for a while. A call of priority has room of its own in the bucket,
//! and an emergency call always goes through; both fill it.
//!
//! There is one restrictor for each gateway, and it has no timer: it catches up whenever it is asked.

use std::time::Duration;

use strowger_sansio::Time;

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// Anybody's.
    Ordinary,
    /// One of priority.
    Priority,
    /// An emergency call.
    Emergency,
}

/// Whether a call may be set up now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Admitted,
    /// It is to be refused for congestion: the gateway has too much to do.
    HeldBack,
}

/// How calls are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestrictorLimits {
    /// How often the rate is adapted.
    pub interval: Duration,
    /// Complaints of a hundred calls that are suitably few.
    pub goal: u64,
    /// The lowest rate, in calls a second.
    pub lowest: u64,
    /// Ordinary calls that go through at once.
    pub burst: u64,
    /// Calls of priority that go through beside them.
    pub reserve: u64,
    /// How long there is no complaint and nobody held back before the control ends.
    pub release: Duration,
}

impl Default for RestrictorLimits {
    /// A second, a tenth of the calls, one call a second, four calls at once and four of priority, half a minute.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            goal: 10,
            lowest: 1,
            burst: 4,
            reserve: 4,
            release: Duration::from_secs(30),
        }
    }
}

/// Thousandths of a call: what the bucket holds and loses.
const CALL: u64 = 1000;
/// Nanoseconds of one.
const SECOND: u128 = 1_000_000_000;

/// The control, while it is on.
#[derive(Clone, Copy, Debug)]
struct Control {
    /// Thousandths of calls a second.
    rate: u64,
    /// What is in the bucket, and since when it has leaked.
    level: u64,
    leaked: Time,
    /// The last time that anybody complained or was held back.
    trouble: Time,
}

/// What holds back the calls of one gateway.
#[derive(Clone, Debug)]
pub struct Restrictor {
    limits: RestrictorLimits,
    control: Option<Control>,
    /// The interval that is counted, with its calls and complaints, and the calls of the one before.
    since: Time,
    calls: u64,
    complaints: u64,
    before: u64,
}

impl Restrictor {
    /// For a gateway that has not complained.
    #[must_use]
    pub fn new(now: Time, limits: RestrictorLimits) -> Self {
        Self { limits, control: None, since: now, calls: 0, complaints: 0, before: 0 }
    }

    /// The gateway complains.
    pub fn handle_overload(&mut self, now: Time) {
        self.advance(now);
        self.complaints += 1;
        let offered = self.calls.max(self.before).saturating_mul(CALL);
        let floor = self.floor();
        match &mut self.control {
            Some(control) => control.trouble = now,
            // What it was asked for was too much, whatever it was.
            None => {
                let rate = (per_second(offered, self.limits.interval) / 2).max(floor);
                self.control = Some(Control { rate, level: 0, leaked: now, trouble: now });
            }
        }
    }

    /// Whether a call may be set up; it counts as one when it may.
    pub fn admit(&mut self, now: Time, precedence: Precedence) -> Verdict {
        self.advance(now);
        if let Some(control) = &mut self.control {
            let room = match precedence {
                Precedence::Ordinary => self.limits.burst,
                Precedence::Priority => self.limits.burst.saturating_add(self.limits.reserve),
                Precedence::Emergency => u64::MAX / CALL,
            };
            if control.level.saturating_add(CALL) > room.saturating_mul(CALL) {
                control.trouble = now;
                return Verdict::HeldBack;
            }
            control.level += CALL;
        }
        self.calls += 1;
        Verdict::Admitted
    }

    /// The rate at which calls go through, in thousandths of calls a second, while they are held back.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        self.control.map(|control| control.rate)
    }

    fn floor(&self) -> u64 {
        self.limits.lowest.max(1).saturating_mul(CALL)
    }

    /// Lets the bucket leak, adapts the rate at the end of each interval, and ends the control.
    fn advance(&mut self, now: Time) {
        let (floor, release) = (self.floor(), self.limits.release);
        let interval = self.limits.interval.max(Duration::from_millis(1));
        if let Some(control) = &mut self.control {
            let elapsed = now.since(control.leaked).as_nanos();
            let leaked = u128::from(control.rate) * elapsed / SECOND;
            control.level = control.level.saturating_sub(u64::try_from(leaked).unwrap_or(u64::MAX));
            // What did not leak for being less than a thousandth of a call leaks the next time.
            let taken = leaked * SECOND / u128::from(control.rate.max(1));
            control.leaked += Duration::from_nanos(u64::try_from(taken).unwrap_or(u64::MAX));
        }
        while now.since(self.since) >= interval {
            let is_much = self.complaints.saturating_mul(100) > self.calls.saturating_mul(self.limits.goal);
            if let Some(control) = &mut self.control {
                let step = (control.rate / 8).max(CALL / 4);
                control.rate = match is_much {
                    true => control.rate.saturating_sub(step).max(floor),
                    false => control.rate.saturating_add(step),
                };
            }
            self.before = std::mem::take(&mut self.calls);
            self.complaints = 0;
            let idle = now.since(self.since);
            // A long time without a call is one interval.
            self.since = if idle > interval * 60 { now } else { self.since + interval };
        }
        if self.control.is_some_and(|control| now.since(control.trouble) >= release) {
            self.control = None;
        }
    }
}

fn per_second(thousandths: u64, interval: Duration) -> u64 {
    let millis = interval.as_millis().max(1);
    u64::try_from(u128::from(thousandths) * 1000 / millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gateway that can do so many calls a second, and is offered more.
    fn run(capacity: u64, offered: u64, seconds: u64) -> (Restrictor, Vec<u64>) {
        let mut now = Time::from_secs(1);
        let mut restrictor = Restrictor::new(now, RestrictorLimits::default());
        let mut admitted = Vec::new();
        for _ in 0..seconds {
            let mut count = 0;
            for _ in 0..offered {
                now += Duration::from_micros(1_000_000 / offered);
                if restrictor.admit(now, Precedence::Ordinary) == Verdict::Admitted {
                    count += 1;
                    if count > capacity {
                        restrictor.handle_overload(now);
                    }
                }
            }
            admitted.push(count);
        }
        (restrictor, admitted)
    }

    #[test]
    fn a_gateway_that_does_not_complain_gets_all_calls() {
        let (restrictor, admitted) = run(100, 90, 20);
        assert_eq!((restrictor.rate(), admitted), (None, vec![90; 20]));
    }

    #[test]
    fn calls_are_held_back_until_the_complaints_are_few_and_the_gateway_is_still_busy() {
        for (capacity, offered) in [(20, 200), (50, 75), (5, 500)] {
            let (restrictor, admitted) = run(capacity, offered, 120);
            assert!(restrictor.rate().is_some());
            let late = &admitted[60..];
            let (sum, count) = (late.iter().sum::<u64>(), late.len() as u64);
            assert!(sum <= capacity * count * 13 / 10, "{capacity} of {offered}: {late:?}");
            assert!(sum >= capacity * count * 7 / 10, "{capacity} of {offered}: {late:?}");
        }
    }

    #[test]
    fn the_control_ends_when_nobody_complains_and_nobody_is_held_back() {
        let mut now = Time::from_secs(1);
        let mut restrictor = Restrictor::new(now, RestrictorLimits::default());
        restrictor.handle_overload(now);
        assert_eq!(restrictor.rate(), Some(1000));
        for _ in 0..29 {
            now += Duration::from_secs(1);
            assert_eq!(restrictor.admit(now, Precedence::Ordinary), Verdict::Admitted);
            assert!(restrictor.rate().is_some());
        }
        now += Duration::from_secs(1);
        restrictor.admit(now, Precedence::Ordinary);
        assert_eq!(restrictor.rate(), None);
    }

    #[test]
    fn emergency_calls_go_through_and_priority_has_room_of_its_own() {
        let now = Time::from_secs(1);
        let mut restrictor = Restrictor::new(now, RestrictorLimits::default());
        restrictor.handle_overload(now);
        let mut many =
            |precedence| (0..20).filter(|_| restrictor.admit(now, precedence) == Verdict::Admitted).count();
        assert_eq!(many(Precedence::Ordinary), 4);
        assert_eq!(many(Precedence::Priority), 4);
        assert_eq!(many(Precedence::Emergency), 20);
        assert_eq!(many(Precedence::Priority), 0, "emergency calls fill the bucket as others do");
    }
}
