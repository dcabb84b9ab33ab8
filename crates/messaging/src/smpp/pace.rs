//! How fast a link may go: the part of its window that is open, and pauses.

use strowger_sansio::{Duration, Time};

use super::client::ClientConfig;
use super::status::{Class, Status};

/// How busy a centre may be (version 5.0 section 4.8.4.18), in percent: up to 79 there is room, from 80 to 89 it works best, from 90 it
/// comes to its end.
const OPTIMAL: u8 = 80;
const BUSY: u8 = 90;
const CONGESTED: u8 = 100;

/// The pace of one link.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    window: usize,
    first: Duration,
    longest: Duration,
    /// Operations that may be outstanding now.
    allowed: usize,
    /// Good answers since `allowed` grew.
    good: usize,
    /// Answers of a busy centre since `allowed` shrank.
    busy: usize,
    /// Zero when there is no pause.
    until: Time,
    pause: Duration,
}

impl Pace {
    pub(super) const fn new(config: &ClientConfig) -> Self {
        Self {
            window: config.window,
            first: config.throttle_first,
            longest: config.throttle_longest,
            allowed: config.window,
            good: 0,
            busy: 0,
            until: Time::ZERO,
            pause: config.throttle_first,
        }
    }

    /// As at the start.
    pub(super) fn reset(&mut self) {
        self.allowed = self.window;
        self.good = 0;
        self.busy = 0;
        self.until = Time::ZERO;
        self.pause = self.first;
    }

    /// How many may be outstanding now.
    pub(super) fn allowed(&self, now: Time) -> usize {
        if now < self.until { 0 } else { self.allowed }
    }

    /// Takes an answer into account; `outstanding` counts it as well. `congestion` is in percent.
    pub(super) fn answered(&mut self, now: Time, status: Status, congestion: Option<u8>, outstanding: usize) {
        match (status.class(), congestion) {
            (Class::Slower, _) | (_, Some(CONGESTED..)) => self.slow_down(now, outstanding),
            (_, Some(BUSY..)) => self.ease_off(),
            (_, Some(OPTIMAL..)) => {}
            _ => self.speed_up(),
        }
    }

    /// Ends a pause whose time is over.
    pub(super) fn handle_timeout(&mut self, now: Time) {
        if self.until <= now {
            self.until = Time::ZERO;
        }
    }

    /// When the pause ends.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        (self.until != Time::ZERO).then_some(self.until)
    }

    /// The answers of one window are one sign: only the first that comes outside a pause makes it longer.
    fn slow_down(&mut self, now: Time, outstanding: usize) {
        if now < self.until {
            return;
        }
        self.until = now + self.pause;
        self.pause = (self.pause * 2).min(self.longest);
        self.allowed = (outstanding / 2).max(1);
        self.good = 0;
        self.busy = 0;
    }

    /// A centre that comes to its end gets one place less for each window of such answers.
    fn ease_off(&mut self) {
        self.good = 0;
        self.busy += 1;
        if self.busy >= self.allowed {
            self.busy = 0;
            self.allowed = (self.allowed - 1).max(1);
        }
    }

    /// One place more for each window of good answers.
    fn speed_up(&mut self) {
        if self.allowed >= self.window {
            return;
        }
        self.good += 1;
        if self.good >= self.allowed {
            self.good = 0;
            self.allowed += 1;
            self.pause = self.first;
        }
    }
}
