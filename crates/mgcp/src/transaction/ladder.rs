//! The walk of a command over the addresses of its peer (RFC 3435 section 4.3).
//!
//! A command is repeated up to Max1 times to one address, then to the next one that has not been tried, and up to Max2 times to
//! the last. After Max1 repetitions to the first address, and after Max2 to the last, the name service is asked whether the peer
//! has others. The layer does no look-ups: it emits [`Event::Resolve`] and takes the answer by [`Transactions::handle_resolved`].
//!
//! The timer starts anew with each address, since what one interface does not answer says nothing about the road to another;
//! T-MAX bounds the whole walk. The address that answered is where the next commands go first.
//!
//! A report that an address is unreachable moves a command one address further, and does no more: whoever can forge such a
//! report can hasten the walk, but neither end it nor a command, nor make more transmissions than the peer has addresses.

use std::net::SocketAddr;

use strowger_sansio::Time;

use super::event::Event;
use super::peer::{Peer, PeerId};
use super::{Timer, Transactions};
use crate::message::TransactionId;

/// Where a command goes.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// The first address; none while the peer has none.
    first: Option<SocketAddr>,
    /// The others that were tried, the present one last.
    more: Vec<SocketAddr>,
    /// Retransmissions to the present address: N of RFC 3435 section 4.3.
    pub(super) repetitions: u32,
    /// Whether there is nothing more to try before the name service answers.
    pub(super) held: bool,
}

impl Walk {
    /// A walk that begins at the peer's first address.
    pub(super) fn new(peer: &Peer) -> Self {
        Self { first: peer.targets().next(), more: Vec::new(), repetitions: 0, held: false }
    }

    /// The present address.
    pub(super) fn to(&self) -> Option<SocketAddr> {
        self.more.last().copied().or(self.first)
    }

    /// The first address of the peer that has not been tried.
    fn untried(&self, peer: &Peer) -> Option<SocketAddr> {
        peer.targets().find(|target| self.first != Some(*target) && !self.more.contains(target))
    }

    /// Turns to another address.
    fn go(&mut self, to: SocketAddr) {
        if self.first.is_none() {
            self.first = Some(to);
        } else {
            self.more.push(to);
        }
        self.repetitions = 0;
        self.held = false;
    }
}

/// What to do with a command whose timer ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send it again where it went.
    Repeat,
    /// Send it to another address.
    Move(SocketAddr),
    /// Wait for the name service.
    Hold,
    /// Nothing is left to try.
    Stop,
}

/// The identifier in the first line of a command, of which perhaps not more is there.
fn quoted_identifier(quoted: &[u8]) -> Option<TransactionId> {
    let mut words = quoted.splitn(3, |octet| *octet == b' ');
    let identifier = words.nth(1)?;
    // It is whole if something follows it.
    words.next()?;
    TransactionId::new(std::str::from_utf8(identifier).ok()?.parse().ok()?)
}

impl<T: Clone> Transactions<T> {
    /// The answer to [`Event::Resolve`]: the addresses that the name of `peer` stands for, none when they could not be found out.
    ///
    /// Found addresses replace those that the name brought before; those that were configured stay. An address that is another
    /// peer's is not taken.
    ///
    /// # Panics
    /// When `peer` was not given out by this engine.
    pub fn handle_resolved(&mut self, now: Time, peer: PeerId, addresses: &[SocketAddr]) {
        let known = self.peers.get_mut(peer);
        known.asked_at = None;
        known.resolved_at = Some(now);
        if !addresses.is_empty() {
            self.peers.learn(peer, addresses);
        }
        let known = self.peers.get(peer);
        let waiting: Vec<_> = self
            .requests
            .iter()
            .filter(|(_, request)| request.peer == peer && request.is_awaiting())
            .filter(|(_, request)| {
                let walk = &request.walk;
                let worn = walk.repetitions >= self.timers.max1 || walk.to().is_none();
                walk.held || worn && walk.untried(known).is_some()
            })
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            self.request_due(now, id);
        }
    }

    /// The network reports that a datagram to `address` was not delivered. It is a hint (RFC 3435 section 4.3: "with due
    /// consideration to possible security issues"): commands on their way there try the peer's next address, if there is one.
    pub fn handle_unreachable(&mut self, now: Time, address: SocketAddr) {
        let Some(peer) = self.peers.of(address) else { return };
        self.counters.unreachable += 1;
        let known = self.peers.get(peer);
        let moves: Vec<_> = self
            .requests
            .iter()
            .filter(|(_, request)| request.peer == peer && request.is_awaiting())
            .filter(|(_, request)| request.walk.to() == Some(address))
            .filter(|(_, request)| now.since(request.first_sent) <= self.timers.t_max)
            .filter_map(|(id, request)| Some((*id, request.walk.untried(known)?)))
            .collect();
        for (id, to) in moves {
            self.readdress(now, id, to);
        }
    }

    /// As [`Self::handle_unreachable`], for a report that quotes the beginning of what was not delivered; says whether it is believed. It is if that
    /// begins a command that went to `address` and has no answer: who is not on its way does not know its identifier.
    pub fn handle_undelivered(&mut self, now: Time, address: SocketAddr, quoted: &[u8]) -> bool {
        let Some(peer) = self.peers.of(address) else { return false };
        let request = quoted_identifier(quoted).and_then(|id| self.requests.get(&id));
        let is_true = request.is_some_and(|request| {
            request.peer == peer && request.walk.to() == Some(address) && request.begins_with(quoted)
        });
        if is_true {
            self.handle_unreachable(now, address);
        }
        is_true
    }

    /// The figure of RFC 3435 section 4.3, for a command whose timer has run out before T-MAX.
    pub(super) fn step(&mut self, now: Time, id: TransactionId) -> Step {
        let Some(request) = self.requests.get(&id) else { return Step::Stop };
        let (peer, walk) = (request.peer, &request.walk);
        let (count, is_first) = (walk.repetitions, walk.more.is_empty());
        let next = walk.untried(self.peers.get(peer));
        let has_address = walk.to().is_some();
        if has_address && count < self.timers.max1 {
            return Step::Repeat;
        }
        if is_first && count == self.timers.max1 && self.timers.queries.at_max1() {
            self.query(now, peer);
        }
        if let Some(next) = next {
            return Step::Move(next);
        }
        if has_address && count < self.timers.max2 {
            return Step::Repeat;
        }
        if !has_address || self.timers.queries.at_max2() {
            self.query(now, peer);
        }
        // Without an address the question is put again when the last answer is stale.
        if self.is_asking(now, peer) || !has_address && self.peers.get(peer).config.name.is_some() {
            Step::Hold
        } else {
            Step::Stop
        }
    }

    /// Asks the name service, unless it was asked lately.
    pub(super) fn query(&mut self, now: Time, peer: PeerId) {
        let asking = self.is_asking(now, peer);
        let fresh = self.timers.fresh;
        let known = self.peers.get_mut(peer);
        let Some(name) = known.config.name.clone() else { return };
        if asking || known.resolved_at.is_some_and(|at| now.since(at) < fresh) {
            return;
        }
        known.asked_at = Some(now);
        self.counters.name_queries += 1;
        self.events.push_back(Event::Resolve { peer, name });
    }

    /// A question that is not answered within T-HIST is taken as lost.
    fn is_asking(&self, now: Time, peer: PeerId) -> bool {
        self.peers.get(peer).asked_at.is_some_and(|at| now.since(at) < self.timers.t_hist)
    }

    /// Sends a command to another address of its peer.
    pub(super) fn readdress(&mut self, now: Time, id: TransactionId, to: SocketAddr) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let backoff = self.peers.get(request.peer).estimator.backoff(&self.timers.rto());
        let end = request.first_sent + self.timers.give_up();
        self.deadlines.set(Timer::Request(id), (now + backoff.rto()).min(end));
        request.walk.go(to);
        request.backoff = backoff;
        request.resent = true;
        self.counters.readdressed += 1;
        self.counters.retransmissions += 1;
        self.transmit_request(now, id);
    }
}
