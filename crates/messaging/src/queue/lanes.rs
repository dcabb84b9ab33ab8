//! Which message goes next: one lane for each destination, in order, without a clock or a disk.
//!
//! A lane has at most one message under way. When it fails for now, its lane waits, longer each time, and the lanes of others do not
//! notice. When it fails for good, it ends and the next has its turn, so that no message blocks those behind it for longer than its
//! own time. A message that may not go yet waits outside its lane.
//!
//! Lanes with something to do stand in line for their bearer; the host takes from a bearer's line what the bearer has room for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use strowger_sansio::{Duration, Time, Timers};

use super::message::{Gone, Message, Priority, Seq, State};

/// A way to recipients: the place of the UDP socket or of a message centre in its owner's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bearer(pub usize);

/// Pressing messages that go before one that is not.
const PRESSING: usize = 16;

/// Why a message that was to replace another is not sent.
const LEFT: &str = "what it was to replace had left";

/// How failures are dealt with.
#[derive(Clone, Copy, Debug)]
pub struct LanesConfig {
    /// The pause after the first failure; it doubles.
    pub retry_first: Duration,
    /// The longest such pause.
    pub retry_longest: Duration,
    /// The pause when a bearer has too much to do: no failure of the message.
    pub crowded: Duration,
    /// Messages a second to one destination.
    pub rate: u32,
    /// How long the confirmation of a message may take, beyond its time.
    pub confirmation: Duration,
}

impl Default for LanesConfig {
    fn default() -> Self {
        Self {
            retry_first: Duration::from_secs(5),
            retry_longest: Duration::from_secs(600),
            crowded: Duration::from_millis(200),
            rate: 1000,
            confirmation: Duration::from_secs(3600),
        }
    }
}

/// What a bearer made of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is gone, and nobody will say more about it.
    Delivered,
    /// It is gone, and each of its parts will be reported on.
    Submitted {
        /// How many.
        parts: usize,
    },
    /// Not now; so many of its parts are gone.
    Failed {
        /// How many.
        parts: usize,
        /// Why.
        detail: String,
    },
    /// The bearer has too much to do; so many of its parts are gone.
    Crowded {
        /// How many.
        parts: usize,
    },
    /// Never.
    Refused {
        /// Why.
        detail: String,
    },
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneEvent {
    /// It ended.
    Ended {
        /// The message.
        message: Arc<Message>,
        /// How.
        state: State,
        /// Why.
        detail: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before its time.
    Held,
    /// In its lane.
    Queued,
    /// With its bearer.
    UnderWay,
    /// Gone; so many parts have not been reported on.
    Submitted(usize),
}

#[derive(Debug)]
struct Entry {
    message: Arc<Message>,
    /// Its destination, which is the name of its lane.
    to: Arc<str>,
    bearer: Bearer,
    stage: Stage,
    /// Failures until now.
    failures: u32,
    parts: usize,
    detail: String,
    /// Taken back while it was under way.
    cancelled: bool,
    /// The message that is dropped when this one, which is under way, has left.
    rival: Option<Seq>,
}

impl Entry {
    const fn new(message: Arc<Message>, to: Arc<str>, bearer: Bearer, stage: Stage) -> Self {
        let detail = String::new();
        Self { message, to, bearer, stage, failures: 0, parts: 0, detail, cancelled: false, rival: None }
    }
}

/// Lanes in line for a bearer.
#[derive(Debug, Default)]
struct Line {
    /// Those whose first message presses more than others.
    pressing: VecDeque<Arc<str>>,
    others: VecDeque<Arc<str>>,
    /// Pressing lanes that had their turn since another had.
    passed: usize,
}

impl Line {
    /// The next lane: a pressing one, but now and then another, which would wait for ever otherwise.
    fn pop(&mut self) -> Option<Arc<str>> {
        if (self.passed < PRESSING || self.others.is_empty())
            && let Some(lane) = self.pressing.pop_front()
        {
            self.passed += 1;
            return Some(lane);
        }
        self.passed = 0;
        self.others.pop_front()
    }
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Seq>,
    bearer: Bearer,
    /// In line for its bearer, under way, or waiting for its timer.
    engaged: bool,
    /// When the next message may leave by the rate.
    next: Time,
    /// When the first message may be tried again.
    resume: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Lane(Arc<str>),
    Hold(Seq),
    Expiry(Seq),
}

/// All messages that have not ended.
#[derive(Debug)]
pub struct Lanes {
    config: LanesConfig,
    entries: BTreeMap<Seq, Entry>,
    lanes: BTreeMap<Arc<str>, Lane>,
    lines: BTreeMap<Bearer, Line>,
    timers: Timers<Timer>,
    events: VecDeque<LaneEvent>,
}

fn millis(time: u64) -> Time {
    Time::from_millis(time)
}

impl Lanes {
    /// Nothing waits.
    #[must_use]
    pub fn new(config: LanesConfig) -> Self {
        Self {
            config,
            entries: BTreeMap::new(),
            lanes: BTreeMap::new(),
            lines: BTreeMap::new(),
            timers: Timers::new(),
            events: VecDeque::new(),
        }
    }

    /// How many messages have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether all messages have ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The message at this place, unless it has ended.
    #[must_use]
    pub fn message(&self, seq: Seq) -> Option<&Arc<Message>> {
        self.entries.get(&seq).map(|entry| &entry.message)
    }

    /// Whether a message is gone, and will be reported on.
    #[must_use]
    pub fn is_submitted(&self, seq: Seq) -> bool {
        self.entries.get(&seq).is_some_and(|entry| matches!(entry.stage, Stage::Submitted(_)))
    }

    /// How many parts of a message are gone.
    #[must_use]
    pub fn parts(&self, seq: Seq) -> usize {
        self.entries.get(&seq).map_or(0, |entry| entry.parts)
    }

    /// A message was accepted, or found on disk. It takes the place of the message that it replaces.
    pub fn handle_accepted(&mut self, now: Time, message: Arc<Message>, bearer: Bearer) {
        let seq = message.seq;
        if let Some(replaced) = message.replaces
            && !self.handle_cancel(now, replaced.seq)
            && replaced.gone == Gone::Drop
        {
            match self.entries.get_mut(&replaced.seq).filter(|old| old.stage == Stage::UnderWay) {
                // Which of both goes is told when the old one has left, or has not.
                Some(old) => old.rival = Some(seq),
                None => {
                    let (state, detail) = (State::Cancelled, LEFT.to_owned());
                    self.events.push_back(LaneEvent::Ended { message, state, detail });
                    return;
                }
            }
        }
        let held = millis(message.not_before) > now;
        self.timers.set(Timer::Expiry(seq), millis(message.expires));
        if held {
            self.timers.set(Timer::Hold(seq), millis(message.not_before));
        }
        let stage = if held { Stage::Held } else { Stage::Queued };
        let to = self.name_of_lane(&message.to);
        self.entries.insert(seq, Entry::new(message, Arc::clone(&to), bearer, stage));
        if !held {
            self.enqueue(now, &to, seq, bearer);
        }
    }

    /// A message was found on disk that is gone, with parts that have not been reported on.
    pub fn handle_submitted(&mut self, message: Arc<Message>, bearer: Bearer, parts: usize) {
        let seq = message.seq;
        self.timers.set(Timer::Expiry(seq), millis(message.expires) + self.config.confirmation);
        let to = self.name_of_lane(&message.to);
        self.entries.insert(seq, Entry::new(message, to, bearer, Stage::Submitted(parts)));
    }

    /// A bearer says what became of the message that it took.
    pub fn handle_verdict(&mut self, now: Time, seq: Seq, verdict: Verdict) {
        let Some(entry) = self.entries.get_mut(&seq).filter(|entry| entry.stage == Stage::UnderWay) else {
            return;
        };
        let to = Arc::clone(&entry.to);
        if let Some(rival) = entry.rival.take()
            && matches!(verdict, Verdict::Delivered | Verdict::Submitted { .. })
        {
            if let Some(rival) = self.entries.get_mut(&rival) {
                rival.detail = LEFT.to_owned();
            }
            self.handle_cancel(now, rival);
        }
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        let gave_up = entry.cancelled.then_some(State::Cancelled);
        let expired = (millis(entry.message.expires) <= now).then_some(State::Expired);
        match verdict {
            Verdict::Delivered => self.leave(now, &to, seq, State::Delivered, String::new()),
            Verdict::Refused { detail } => self.leave(now, &to, seq, State::Undeliverable, detail),
            Verdict::Submitted { parts } => {
                entry.stage = Stage::Submitted(parts);
                let end = millis(entry.message.expires) + self.config.confirmation;
                self.timers.set(Timer::Expiry(seq), end);
                self.advance(now, &to);
            }
            Verdict::Failed { parts, detail } => {
                entry.parts = parts;
                match gave_up.or(expired) {
                    Some(state) => self.leave(now, &to, seq, state, detail),
                    None => {
                        entry.stage = Stage::Queued;
                        entry.detail = detail;
                        entry.failures += 1;
                        let doublings = (entry.failures - 1).min(20);
                        let pause = self.config.retry_first * 2_u32.pow(doublings);
                        self.pause(&to, now + pause.min(self.config.retry_longest));
                    }
                }
            }
            Verdict::Crowded { parts } => {
                entry.parts = parts;
                match gave_up.or(expired) {
                    Some(state) => self.leave(now, &to, seq, state, String::new()),
                    None => {
                        entry.stage = Stage::Queued;
                        self.pause(&to, now + self.config.crowded);
                    }
                }
            }
        }
    }

    /// A part of a message was reported on.
    pub fn handle_report(&mut self, seq: Seq, state: State, detail: String) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        let Stage::Submitted(parts) = &mut entry.stage else { return };
        *parts = parts.saturating_sub(1);
        if *parts == 0 || state != State::Delivered {
            self.end(seq, state, detail);
        }
    }

    /// Takes a message back. False when it has left, or is leaving and may not be stopped any more.
    pub fn handle_cancel(&mut self, now: Time, seq: Seq) -> bool {
        let Some(entry) = self.entries.get_mut(&seq) else { return false };
        let to = Arc::clone(&entry.to);
        match entry.stage {
            Stage::Submitted(_) => false,
            Stage::UnderWay => {
                // If it fails now it does not go again.
                entry.cancelled = true;
                false
            }
            Stage::Held => {
                let detail = std::mem::take(&mut entry.detail);
                self.end(seq, State::Cancelled, detail);
                true
            }
            Stage::Queued => {
                self.remove(now, &to, seq, State::Cancelled);
                true
            }
        }
    }

    /// A destination that a message did not reach can be reached again: its lane waits no longer.
    pub fn handle_reachable(&mut self, now: Time, to: &str) {
        let Some(lane) = self.lanes.get_mut(to).filter(|lane| lane.resume > now) else { return };
        lane.resume = Time::ZERO;
        let to: Arc<str> = to.into();
        if self.timers.cancel(&Timer::Lane(Arc::clone(&to))) {
            self.line_up(now, &to);
        }
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Lane(to) => self.line_up(now, &to),
                Timer::Hold(seq) => {
                    let Some(entry) = self.entries.get_mut(&seq) else { continue };
                    entry.stage = Stage::Queued;
                    let (to, bearer) = (Arc::clone(&entry.to), entry.bearer);
                    self.enqueue(now, &to, seq, bearer);
                }
                Timer::Expiry(seq) => self.expire(now, seq),
            }
        }
    }

    /// The next message for a bearer that has room for one.
    pub fn poll_dispatch(&mut self, bearer: Bearer) -> Option<Arc<Message>> {
        let line = self.lines.get_mut(&bearer)?;
        while let Some(to) = line.pop() {
            let Some(lane) = self.lanes.get(&to) else { continue };
            let Some(entry) = lane.queue.front().and_then(|seq| self.entries.get_mut(seq)) else {
                // All its messages were taken back or ran out of time while it stood in line.
                self.lanes.remove(&to);
                continue;
            };
            entry.stage = Stage::UnderWay;
            return Some(Arc::clone(&entry.message));
        }
        None
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<LaneEvent> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// The name that a lane has, or is to have.
    fn name_of_lane(&self, to: &str) -> Arc<str> {
        self.lanes.get_key_value(to).map_or_else(|| to.into(), |(name, _)| Arc::clone(name))
    }

    fn enqueue(&mut self, now: Time, to: &Arc<str>, seq: Seq, bearer: Bearer) {
        let lane = self.lanes.entry(Arc::clone(to)).or_default();
        lane.bearer = bearer;
        lane.queue.push_back(seq);
        if !lane.engaged {
            self.line_up(now, to);
        }
    }

    /// The lane stands in line, or waits until it may.
    fn line_up(&mut self, now: Time, to: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(to) else { return };
        let at = lane.next.max(lane.resume);
        if at > now {
            lane.engaged = true;
            self.timers.set(Timer::Lane(Arc::clone(to)), at);
        } else if lane.queue.is_empty() {
            self.lanes.remove(to);
        } else {
            lane.engaged = true;
            let first = lane.queue.front().and_then(|seq| self.entries.get(seq));
            let pressing = first.is_some_and(|entry| entry.message.priority == Priority::High);
            let line = self.lines.entry(lane.bearer).or_default();
            let place = if pressing { &mut line.pressing } else { &mut line.others };
            place.push_back(Arc::clone(to));
        }
    }

    /// The first message of a lane has left it.
    fn advance(&mut self, now: Time, to: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(to) else { return };
        lane.queue.pop_front();
        lane.engaged = false;
        // A burst of a tenth of a second passes at once; from then on each message has its interval.
        let interval = Duration::from_secs(1) / self.config.rate.max(1);
        lane.next = lane.next.max(now - Duration::from_millis(100)) + interval;
        self.line_up(now, to);
    }

    fn pause(&mut self, to: &Arc<str>, until: Time) {
        let Some(lane) = self.lanes.get_mut(to) else { return };
        lane.engaged = true;
        lane.resume = until;
        self.timers.set(Timer::Lane(Arc::clone(to)), lane.next.max(until));
    }

    fn leave(&mut self, now: Time, to: &Arc<str>, seq: Seq, state: State, detail: String) {
        self.end(seq, state, detail);
        self.advance(now, to);
    }

    /// Takes a message out of its lane, wherever it stands there. The first of a lane in line is replaced by the second.
    fn remove(&mut self, now: Time, to: &Arc<str>, seq: Seq, state: State) {
        let detail = self.entries.get_mut(&seq).map(|entry| std::mem::take(&mut entry.detail));
        self.end(seq, state, detail.unwrap_or_default());
        let Some(lane) = self.lanes.get_mut(to) else { return };
        let first = lane.queue.front() == Some(&seq);
        lane.queue.retain(|queued| *queued != seq);
        // The pause was the failed message's own.
        if first && self.timers.cancel(&Timer::Lane(Arc::clone(to))) {
            lane.engaged = false;
            lane.resume = Time::ZERO;
            self.line_up(now, to);
        }
    }

    fn expire(&mut self, now: Time, seq: Seq) {
        let Some(entry) = self.entries.get(&seq) else { return };
        let to = Arc::clone(&entry.to);
        match entry.stage {
            // The verdict comes, and then it is looked at again.
            Stage::UnderWay => {}
            Stage::Held => self.end(seq, State::Expired, String::new()),
            Stage::Queued => self.remove(now, &to, seq, State::Expired),
            Stage::Submitted(_) => {
                self.end(seq, State::Timeout, "no word from the message centre".to_owned());
            }
        }
    }

    fn end(&mut self, seq: Seq, state: State, detail: String) {
        let Some(entry) = self.entries.remove(&seq) else { return };
        self.timers.cancel(&Timer::Expiry(seq));
        self.timers.cancel(&Timer::Hold(seq));
        self.events.push_back(LaneEvent::Ended { message: entry.message, state, detail });
    }
}
