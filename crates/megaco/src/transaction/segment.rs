//! Replies in segments (H.248.1 version 3; from its syntax and its error codes, the procedures are inferred).
//!
//! A reply that is longer than a message may be is parted between commands. Each segment is a message of its own with the
//! transaction's number, its own from 1 on, and the mark `/END` on the last; each is acknowledged by its numbers, and repeated until it
//! is. The other side hands the reply up when all segments are there. What is still missing a while after the latest one came is given
//! up, and the sender is told with 459. A reply that cannot be parted, or whose asker has no segments in its version, is replaced by 533.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use strowger_sansio::{Backoff, Time};

use super::dialect::Dialect;
use super::event::{Accepted, Assembled, Event, Failure};
use super::memory::{Key, Stored};
use super::outbox::Kind;
use super::{PeerId, Route, Timer, Transactions};
use crate::error::ErrorCode;
use crate::message::{
    ActionReply, Body, ErrorDescriptor, List, Message, Reply, ReplyResult, Segment, Transaction,
    TransactionId,
};

/// A reply that is being put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Reassembly {
    /// The messages that the segments came in, by the segments' numbers.
    parts: BTreeMap<u16, Box<[u8]>>,
    /// The number of the last segment, once it came.
    last: Option<u16>,
    octets: usize,
}

impl Reassembly {
    fn is_complete(&self) -> bool {
        self.last.is_some_and(|last| self.parts.len() == usize::from(last))
    }

    /// The numbers that are missing, as far as is known.
    fn missing(&self) -> impl Iterator<Item = u16> {
        let known = self.parts.last_key_value().map_or(0, |(number, _)| *number);
        let end = self.last.unwrap_or(known.saturating_add(1));
        (1..=end).filter(|number| !self.parts.contains_key(number))
    }
}

/// Segments that await their acknowledgements.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    peer: PeerId,
    route: Route,
    first_sent: Time,
    unacknowledged: BTreeSet<u16>,
    repetitions: u32,
    backoff: Backoff,
}

impl Sending {
    /// The asker speaks from elsewhere now; says how long to wait for acknowledgements from there.
    pub(super) fn redirect(&mut self, route: Route) -> std::time::Duration {
        self.route = route;
        self.backoff.rto()
    }
}

/// Stored replies in segments begin with this, which begins no transaction; each segment stands behind its length.
const SEGMENTED: u8 = 0xff;

/// The transactions of a stored reply, with the numbers of their segments.
pub(super) fn parts(stored: &Stored) -> Parts<'_> {
    match &*stored.octets {
        [SEGMENTED, rest @ ..] => Parts { rest, number: 0, is_whole: false },
        whole => Parts { rest: whole, number: 0, is_whole: true },
    }
}

pub(super) struct Parts<'s> {
    rest: &'s [u8],
    number: u16,
    is_whole: bool,
}

impl<'s> Iterator for Parts<'s> {
    type Item = (u16, &'s [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_whole {
            let whole = std::mem::take(&mut self.rest);
            return (!whole.is_empty()).then_some((0, whole));
        }
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        self.rest = rest;
        self.number += 1;
        Some((self.number, part))
    }
}

impl<T: Clone> Transactions<T> {
    /// A segment of the reply to a request of ours.
    pub(super) fn receive_segment<'m>(
        &mut self,
        now: Time,
        accepted: &Accepted<'m>,
        id: TransactionId,
        segment: Segment,
    ) -> Option<Event<'m, T>> {
        let peer = accepted.peer;
        let is_own = self.own(peer, id).is_some();
        if is_own || self.ids.contains(id) {
            self.send(peer, accepted.route, &Transaction::Segment(id, segment));
        }
        let (most, limit) = (self.limits.segments, self.limits.segment_bytes);
        let (count, room) = (self.reassemblies, self.limits.segmented);
        let Some(request) = self.own(peer, id) else {
            self.counters.stray += 1;
            return None;
        };
        let is_first = request.reassembly.is_none();
        let reassembly = request.reassembly.get_or_insert_default();
        if reassembly.last.is_some_and(|last| segment.number > last) {
            return None;
        }
        if segment.is_last {
            reassembly.last = Some(segment.number);
        }
        let is_new = !reassembly.parts.contains_key(&segment.number);
        if is_new {
            reassembly.octets += accepted.bytes.len();
            reassembly.parts.insert(segment.number, accepted.bytes.into());
        }
        let is_over = segment.number > most || reassembly.octets > limit || is_first && count >= room;
        let is_complete = reassembly.is_complete();
        self.reassemblies += usize::from(is_first);
        if is_over {
            self.fail(id, Failure::ReplyTooLong);
            return None;
        }
        if !is_complete {
            // The same ones over and over are no progress.
            if is_new {
                self.renew(now, id);
            }
            return None;
        }
        let request = self.own(peer, id)?;
        let messages =
            request.reassembly.as_mut().map(|all| std::mem::take(&mut all.parts)).unwrap_or_default();
        let (tag, elapsed) = self.complete(now, id)?;
        let coding = accepted.coding.clone();
        let reply = Assembled { coding, messages: messages.into_iter().collect(), transaction: id };
        Some(Event::Assembled { peer, transaction: id, tag, reply, elapsed })
    }

    /// The time for the missing segments is over.
    pub(super) fn segments_missing(&mut self, id: TransactionId) {
        let Some(request) = self.requests.get(&id) else { return };
        let peer = request.peer;
        let mut text = String::from("Segments not received:");
        if let Some(reassembly) = &request.reassembly {
            for number in reassembly.missing().take(16) {
                // Writing to memory cannot fail.
                let _ = write!(text, " {id}/{number}");
            }
        }
        self.send_error(peer, ErrorDescriptor { code: ErrorCode::SEGMENTS_MISSING, text: Some(&text) });
        self.fail(id, Failure::SegmentsMissing);
    }

    /// A message-level error to where the peer takes requests.
    fn send_error(&mut self, peer: PeerId, error: ErrorDescriptor<'_>) {
        if let Some(route) = self.peers.get(peer).route {
            self.send_message_error(peer, route, error);
        }
    }

    /// Queues a message that is an error and nothing else.
    pub(super) fn send_message_error(&mut self, peer: PeerId, route: Route, error: ErrorDescriptor<'_>) {
        let mid = self.mid.as_mid();
        let known = self.peers.get_mut(peer);
        let (version, form) = (known.dialect.version, known.dialect.form);
        let mut message = Message { authentication: None, version, mid, body: Body::Error(error) };
        if let Some(guard) = &mut known.guard {
            // A peer that knows us by the header alone would not believe it without.
            let mut octets = Vec::new();
            let is_written = form.encode(&known.coding, &message, &mut octets).is_ok();
            let opening = is_written.then(|| known.coding.decode_opening(&octets).ok()).flatten();
            message.authentication = opening.and_then(|opening| guard.seal(route.address, &[opening.body]));
        }
        let known = self.peers.get(peer);
        let coding = &known.coding;
        // An error that cannot be written is not sent: its sender will repeat what it asked for.
        let _ = self
            .outbox
            .push(peer, route, (Kind::Message, known.dialect), |out| form.encode(coding, &message, out));
    }

    /// Parts a reply that is too long. Nothing when it cannot be parted.
    pub(super) fn part(
        &self,
        peer: PeerId,
        dialect: Dialect,
        reply: Reply<'_>,
        limit: usize,
    ) -> Option<Box<[u8]>> {
        let coding = &self.peers.get(peer).coding;
        let Reply { id, is_ack_required, result: ReplyResult::Actions(actions), .. } = reply else {
            return None;
        };
        let mut groups: Vec<Vec<ActionReply<'_>>> = Vec::new();
        let mut room = 0;
        let mut octets = Vec::new();
        for unit in actions.into_iter().flat_map(units) {
            octets.clear();
            let result = ReplyResult::Actions(List::one(unit));
            let whole = Reply { id, is_ack_required: false, segment: None, result };
            let transaction = Transaction::Reply(whole);
            dialect.encode(coding, &transaction, &mut octets).ok()?;
            let length = octets.len() + SEGMENT_MARK;
            if length > limit {
                return None;
            }
            let Transaction::Reply(Reply { result: ReplyResult::Actions(unit), .. }) = transaction else {
                return None;
            };
            if length > room {
                groups.push(Vec::new());
                room = limit;
            }
            room -= length;
            groups.last_mut()?.extend(unit);
        }
        let last = u16::try_from(groups.len()).ok().filter(|last| *last <= self.limits.segments)?;
        let mut stored = vec![SEGMENTED];
        for (number, group) in (1..).zip(groups) {
            let segment = Some(Segment { number, is_last: number == last });
            let mut joined: List<ActionReply<'_>> = List::new();
            group.into_iter().for_each(|action| super::event::join(&mut joined, action));
            let result = ReplyResult::Actions(joined);
            let reply = Transaction::Reply(Reply { id, is_ack_required, segment, result });
            octets.clear();
            dialect.encode(coding, &reply, &mut octets).ok()?;
            stored.extend_from_slice(&u32::try_from(octets.len()).ok()?.to_be_bytes());
            stored.extend_from_slice(&octets);
        }
        Some(stored.into())
    }

    /// Sends all segments of a stored reply, and waits for their acknowledgements.
    pub(super) fn send_segments(&mut self, now: Time, peer: PeerId, route: Route, key: Key, stored: &Stored) {
        let mut unacknowledged = BTreeSet::new();
        for (number, octets) in parts(stored) {
            self.outbox.push_octets(peer, route, stored.dialect, octets);
            unacknowledged.insert(number);
        }
        self.counters.segmented += 1;
        if self.sending.len() >= self.limits.segmented {
            return;
        }
        let backoff = self.peers.get(peer).times.backoff(&self.timers.rto());
        self.deadlines.set(Timer::Segments(key), now + backoff.rto());
        let sending = Sending { peer, route, first_sent: now, unacknowledged, repetitions: 0, backoff };
        self.sending.insert(key, sending);
    }

    /// The peer has a segment of a reply of ours.
    pub(super) fn receive_segment_acknowledgement(
        &mut self,
        peer: PeerId,
        id: TransactionId,
        segment: Segment,
    ) {
        let key = self.key(peer, id);
        let Some(sending) = self.sending.get_mut(&key) else {
            self.counters.stray += 1;
            return;
        };
        sending.unacknowledged.remove(&segment.number);
        if sending.unacknowledged.is_empty() {
            self.sending.remove(&key);
            self.deadlines.cancel(&Timer::Segments(key));
        }
    }

    /// Sends the segments again that are not acknowledged.
    pub(super) fn segments_due(&mut self, now: Time, key: Key) {
        let Some(sending) = self.sending.get_mut(&key) else { return };
        let is_over =
            now.since(sending.first_sent) >= self.timers.t_max || sending.repetitions >= self.timers.max2;
        let super::memory::Known::Answered(stored) = self.memory.find(key) else {
            self.sending.remove(&key);
            return;
        };
        if is_over {
            self.sending.remove(&key);
            return;
        }
        sending.repetitions += 1;
        for (number, octets) in parts(stored) {
            if sending.unacknowledged.contains(&number) {
                self.counters.segments_repeated += 1;
                self.outbox.push_octets(sending.peer, sending.route, stored.dialect, octets);
            }
        }
        let times = &self.peers.get(sending.peer).times;
        let wait = sending.backoff.next(&mut self.rng, times, &self.timers.rto());
        self.deadlines.set(Timer::Segments(key), now + wait);
    }
}

/// What a segment's number and its mark add to a reply at most.
const SEGMENT_MARK: usize = 16;

/// An action's parts that need not be in one segment: what the context is, each command, and the error.
fn units(action: ActionReply<'_>) -> Vec<ActionReply<'_>> {
    let ActionReply { context, properties, commands, error } = action;
    let bare = ActionReply { context, properties: None, commands: List::new(), error: None };
    let mut units = Vec::new();
    if properties.is_some() || commands.is_empty() && error.is_none() {
        units.push(ActionReply { properties, ..bare.clone() });
    }
    let alone = |command| ActionReply { commands: List::one(command), ..bare.clone() };
    units.extend(commands.into_iter().map(alone));
    if error.is_some() {
        units.push(ActionReply { error, ..bare });
    }
    units
}
