//! When the next report is due: RFC 3550 sections 6.2 and 6.3, Appendix A.7.
//!
//! The interval grows with the number of members, is drawn at random so that members do not fall into step, and is reconsidered when its time
//! comes. Limits: a telephone session has two members, so the caller counts them and no table is kept here.

use std::time::Duration;

use strowger_sansio::{Rng, Time};

/// The least interval (section 6.2).
const MINIMUM: Duration = Duration::from_secs(5);
/// The part of the bandwidth for senders.
const SENDER_SHARE: f64 = 0.25;
/// Makes up for reconsideration, which converges below the intended mean: e - 3/2.
const COMPENSATION: f64 = std::f64::consts::E - 1.5;
/// Octets of IP and UDP headers, which count as bandwidth (section 6.2).
const LOWER_LAYERS: f64 = 28.0;
/// The probable size of the first compound packet.
const FIRST_SIZE: f64 = 100.0;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Members, this end included.
    pub members: u32,
    /// Members that send, this end included.
    pub senders: u32,
    /// Whether this end sends.
    pub we_sent: bool,
}

/// The transmission timer of one session.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Octets a second for all members' RTCP.
    bandwidth: f64,
    average_size: f64,
    initial: bool,
    /// When the last report was sent (tp), and when the next is due (tn).
    last: Time,
    next: Time,
    members_before: u32,
}

impl Schedule {
    /// A timer that starts now, for a session of `session_bandwidth` bits a second; RTCP gets 5 % of it.
    #[must_use]
    pub fn new(now: Time, session_bandwidth: u32, rng: &mut Rng) -> Self {
        let mut schedule = Self {
            bandwidth: f64::from(session_bandwidth.max(1)) / 8.0 * 0.05,
            average_size: FIRST_SIZE + LOWER_LAYERS,
            initial: true,
            last: now,
            next: now,
            members_before: 1,
        };
        let alone = Membership { members: 1, senders: 0, we_sent: false };
        schedule.next = now + schedule.interval(alone, rng);
        schedule
    }

    /// When the timer expires.
    #[must_use]
    pub const fn next(&self) -> Time {
        self.next
    }

    /// The deterministic interval (section 6.3.1, steps 1 to 3).
    #[must_use]
    pub fn deterministic(&self, membership: Membership) -> Duration {
        let (members, senders) = (f64::from(membership.members), f64::from(membership.senders));
        let (count, bandwidth) = if senders > members * SENDER_SHARE {
            (members, self.bandwidth)
        } else if membership.we_sent {
            (senders, self.bandwidth * SENDER_SHARE)
        } else {
            (members - senders, self.bandwidth * (1.0 - SENDER_SHARE))
        };
        let minimum = if self.initial { MINIMUM / 2 } else { MINIMUM };
        // A day is as good as never, and fits.
        let seconds = (self.average_size * count / bandwidth).clamp(0.0, 86_400.0);
        Duration::from_secs_f64(seconds).max(minimum)
    }

    /// The interval (section 6.3.1): from 0.5 to 1.5 times the deterministic one, less the compensation.
    fn interval(&self, membership: Membership, rng: &mut Rng) -> Duration {
        let deterministic = self.deterministic(membership);
        let drawn = rng.duration(deterministic / 2, deterministic * 3 / 2);
        drawn.div_f64(COMPENSATION)
    }

    /// The timer has expired (section 6.3.6): whether a report is to be sent now. If not, it was reconsidered.
    pub fn expired(&mut self, now: Time, membership: Membership, rng: &mut Rng) -> bool {
        let due = self.last + self.interval(membership, rng);
        self.members_before = membership.members;
        if due > now {
            self.next = due;
            return false;
        }
        true
    }

    /// A report of `size` octets was sent.
    pub fn sent(&mut self, now: Time, size: usize, membership: Membership, rng: &mut Rng) {
        self.count(size);
        self.last = now;
        self.next = now + self.interval(membership, rng);
        self.initial = false;
    }

    /// A compound packet of `size` octets was received (section 6.3.3).
    pub fn received(&mut self, size: usize) {
        self.count(size);
    }

    /// Members have left (section 6.3.4): the next report comes sooner, in proportion.
    pub fn members_left(&mut self, now: Time, members: u32) {
        if members >= self.members_before {
            return;
        }
        let part = f64::from(members) / f64::from(self.members_before);
        self.next = now + (self.next - now).mul_f64(part);
        self.last = now - (now - self.last).mul_f64(part);
        self.members_before = members;
    }

    fn count(&mut self, size: usize) {
        let size = size as f64 + LOWER_LAYERS;
        self.average_size += (size - self.average_size) / 16.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALK: Membership = Membership { members: 2, senders: 2, we_sent: true };

    /// Runs until the next report, and says when it was.
    fn next_report(schedule: &mut Schedule, rng: &mut Rng) -> Time {
        loop {
            let now = schedule.next();
            if schedule.expired(now, TALK, rng) {
                schedule.sent(now, 100, TALK, rng);
                return now;
            }
        }
    }

    #[test]
    fn reports_come_every_five_seconds_on_average_and_never_in_step() {
        let mut rng = Rng::from_number(3);
        let mut schedule = Schedule::new(Time::ZERO, 80_000, &mut rng);
        let times: Vec<_> = (0..2000).map(|_| next_report(&mut schedule, &mut rng)).collect();
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let least = gaps.iter().copied().fold(f64::MAX, f64::min);
        let most = gaps.iter().copied().fold(0.0, f64::max);
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        // 0.5 and 1.5 times five seconds, divided by e - 1.5.
        assert!(least >= 2.05 && most <= 6.16, "{least} to {most}");
        assert!((4.5..5.5).contains(&mean), "{mean}");
    }

    #[test]
    fn the_first_report_comes_after_half_the_time() {
        for seed in 0..50 {
            let mut rng = Rng::from_number(seed);
            let mut schedule = Schedule::new(Time::from_secs(9), 80_000, &mut rng);
            let first = next_report(&mut schedule, &mut rng) - Time::from_secs(9);
            assert!((1.02..=3.08).contains(&first.as_secs_f64()), "{first:?}");
        }
    }

    #[test]
    fn many_members_report_less_often() {
        let mut rng = Rng::from_number(1);
        let mut schedule = Schedule::new(Time::ZERO, 64_000, &mut rng);
        schedule.sent(Time::ZERO, 100, TALK, &mut rng);
        let crowd = Membership { members: 1000, senders: 10, we_sent: false };
        // 990 receivers share 75 % of 400 octets a second: 128 octets each.
        let interval = schedule.deterministic(crowd).as_secs_f64();
        assert!((interval - 990.0 * 128.0 / 300.0).abs() < 1.0, "{interval}");
        let sender = schedule.deterministic(Membership { we_sent: true, ..crowd }).as_secs_f64();
        assert!((sender - 10.0 * 128.0 / 100.0).abs() < 0.1, "{sender}");
    }

    #[test]
    fn when_members_leave_the_next_report_comes_sooner() {
        let mut rng = Rng::from_number(2);
        let mut schedule = Schedule::new(Time::ZERO, 64_000, &mut rng);
        let crowd = Membership { members: 1000, senders: 0, we_sent: false };
        schedule.sent(Time::ZERO, 100, crowd, &mut rng);
        schedule.expired(Time::ZERO, crowd, &mut rng);
        let before = schedule.next();
        let now = Time::from_secs(10);
        schedule.members_left(now, 100);
        let left = (schedule.next() - now).as_secs_f64() / (before - now).as_secs_f64();
        assert!((left - 0.1).abs() < 1e-6, "{left}");
    }
}
