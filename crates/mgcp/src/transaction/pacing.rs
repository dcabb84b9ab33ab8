//! New commands are slowed towards a peer that is loaded (RFC 3435 section 4.4.8).
//!
//! The RFC leaves the rule open and demands that it can be configured. Ours is the one of TCP: a peer has no bound until it shows load,
//! by 101, by 409, or by a smoothed answering time above [`Pacing::slow`]. Then the number of commands that may be unanswered
//! drops to a share of those that are, and grows by one with each such number of answers, until it is where it was
//! before. One crowd of signals counts once. What may not be sent yet waits in order, but never longer than [`Pacing::longest_wait`]:
//! a slow peer is spared, not starved.

use std::collections::VecDeque;
use std::time::Duration;

use strowger_sansio::Time;

use super::peer::PeerId;
use super::requester::Phase;
use super::{Timer, Transactions};
use crate::message::TransactionId;

/// How new commands are slowed towards a loaded peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// A smoothed answering time above this is a sign of load. Two seconds are ten times what a distant peer needs, and half of
    /// RTO-MAX.
    pub slow: Duration,
    /// What is left of the unanswered commands at a sign of load, in hundredths; 50 as in TCP.
    pub remainder: u32,
    /// Commands that may be unanswered however loaded the peer is.
    pub least: u32,
    /// Signs of load within this time, or within the peer's answering time if that is longer, count once.
    pub pause: Duration,
    /// A command that has waited this long is sent.
    pub longest_wait: Duration,
    /// Commands that may wait for one peer; more are sent at once.
    pub queue: usize,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            slow: Duration::from_secs(2),
            remainder: 50,
            least: 1,
            pause: Duration::from_millis(200),
            longest_wait: Duration::from_secs(4),
            queue: 4096,
        }
    }
}

/// The commands towards one peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// How many may be unanswered; none while the peer shows no load.
    size: Option<u32>,
    /// How many were unanswered at the first sign of load.
    before: u32,
    /// Answers since the window grew.
    answers: u32,
    unanswered: u32,
    /// The smoothed time from the first transmission of a command to the first response. Other than the estimate that sets the
    /// retransmission timer it counts commands that were repeated: a peer that slows down suddenly answers no others. It begins at
    /// zero, and no delay counts more than RTO-MAX: one answer after an outage is no load.
    answering: Duration,
    /// Commands that are not sent yet, the oldest first; those that were withdrawn or sent meanwhile are passed over.
    queue: VecDeque<TransactionId>,
    /// Signs of load before this count no more.
    deaf_until: Option<Time>,
}

impl Window {
    fn is_full(&self) -> bool {
        self.size.is_some_and(|size| self.unanswered >= size)
    }

    pub(super) fn sent(&mut self) {
        self.unanswered += 1;
    }

    pub(super) fn ended(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// A command got its first response.
    pub(super) fn observe(&mut self, delay: Duration, most: Duration) {
        self.answering = (self.answering * 7 + delay.min(most)) / 8;
    }

    fn shrink(&mut self, now: Time, pacing: &Pacing) {
        if self.deaf_until.is_some_and(|until| now < until) {
            return;
        }
        self.deaf_until = Some(now + self.answering.max(pacing.pause));
        if self.size.is_none() {
            self.before = self.unanswered;
        }
        let held = self.size.map_or(self.unanswered, |size| size.min(self.unanswered));
        let left = u64::from(held) * u64::from(pacing.remainder.min(100)) / 100;
        self.size = Some(u32::try_from(left).unwrap_or(u32::MAX).max(pacing.least).max(1));
        self.answers = 0;
    }

    fn grow(&mut self) {
        let Some(size) = self.size else { return };
        self.answers += 1;
        if self.answers >= size {
            self.answers = 0;
            self.size = Some(size + 1).filter(|size| *size <= self.before);
        }
    }
}

impl<T: Clone> Transactions<T> {
    /// How many commands to a peer may be unanswered now; none while it shows no load.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    #[must_use]
    pub fn window(&self, peer: PeerId) -> Option<u32> {
        self.peers.get(peer).window.size
    }

    /// Commands to a peer that wait until it has answered others.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    #[must_use]
    pub fn waiting(&self, peer: PeerId) -> usize {
        self.peers.get(peer).window.queue.iter().filter(|id| self.waits(peer, **id)).count()
    }

    /// Sends a new command, or lets it wait.
    pub(super) fn admit(&mut self, now: Time, peer: PeerId, id: TransactionId) {
        let (pacing, window) = (&self.limits.pacing, &mut self.peers.get_mut(peer).window);
        let must_wait = window.is_full() || !window.queue.is_empty();
        if must_wait && window.queue.len() < pacing.queue {
            window.queue.push_back(id);
            self.counters.delayed += 1;
            self.deadlines.set(Timer::Request(id), now + pacing.longest_wait);
        } else {
            self.dispatch(now, id);
        }
    }

    /// Sends what waits for a peer and may go now.
    pub(super) fn release(&mut self, now: Time, peer: PeerId) {
        loop {
            let window = &mut self.peers.get_mut(peer).window;
            if window.is_full() {
                return;
            }
            let Some(id) = window.queue.pop_front() else { return };
            if self.waits(peer, id) {
                self.dispatch(now, id);
            }
        }
    }

    fn waits(&self, peer: PeerId, id: TransactionId) -> bool {
        self.requests.get(&id).is_some_and(|request| request.peer == peer && request.phase == Phase::Waiting)
    }

    /// A peer says that it is loaded.
    pub(super) fn note_load(&mut self, now: Time, peer: PeerId) {
        self.peers.get_mut(peer).window.shrink(now, &self.limits.pacing);
        self.counters.loads += 1;
    }

    /// A peer has given a final answer that says nothing of load.
    pub(super) fn note_ease(&mut self, now: Time, peer: PeerId) {
        let window = &mut self.peers.get_mut(peer).window;
        if window.answering > self.limits.pacing.slow {
            self.note_load(now, peer);
        } else {
            window.grow();
        }
    }
}
