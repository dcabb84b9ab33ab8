//! What only a responder does (WTP 9, responder): takes invocations, asks whether they are new (WTP 7.9), confirms and answers them.

use std::net::SocketAddr;

use strowger_sansio::{Time, Transmit};

use super::engine::Wtp;
use super::pdu::{AbortReason, Class, DIRECTION, Packet, Tid, Trailer};
use super::transaction::{Record, State, Transaction, WtpError};
use super::transfer::{Incoming, Kind, Outgoing};

impl Wtp {
    /// Answers a transaction of class 2.
    ///
    /// # Errors
    /// [`WtpError`] when it does not wait for a result, or the result is too long.
    pub fn respond(&mut self, now: Time, transaction: Transaction, data: Vec<u8>) -> Result<(), WtpError> {
        let (timing, limits) = (&self.timing, &self.limits);
        let record = self.records.get_mut(&transaction).ok_or(WtpError::NoTransaction)?;
        if transaction.ours
            || record.class != Class::WithResult
            || !matches!(record.state, State::Waiting { .. })
        {
            return Err(WtpError::NoTransaction);
        }
        if data.len() > limits.message {
            return Err(WtpError::TooLong);
        }
        let tid = transaction.tid | DIRECTION;
        let outgoing =
            Outgoing::new(Kind::Result, tid, data, timing.packet, timing.group).ok_or(WtpError::TooLong)?;
        let packets = outgoing.group(false);
        record.state = State::Sending { outgoing, again: 0 };
        self.timers.set(transaction, now + self.timing.retransmission);
        self.send_all(transaction.peer, packets);
        Ok(())
    }

    /// Confirms a transaction of class 1 whose initiator wants the user to.
    ///
    /// # Errors
    /// [`WtpError::NoTransaction`] when it does not wait for that.
    pub fn confirm(&mut self, now: Time, transaction: Transaction) -> Result<(), WtpError> {
        let record = self.records.get(&transaction).ok_or(WtpError::NoTransaction)?;
        if transaction.ours
            || record.class != Class::Reliable
            || !matches!(record.state, State::Waiting { .. })
        {
            return Err(WtpError::NoTransaction);
        }
        let ack =
            Packet::Ack { verify: false, again: false, tid: transaction.tid | DIRECTION, sequence: None };
        self.finish(now, transaction, &ack);
        Ok(())
    }

    /// A peer begins a transaction, or begins it again.
    pub(super) fn invoked(&mut self, now: Time, transaction: Transaction, begin: Begin<'_>) {
        let peer = transaction.peer;
        if let Some(record) = self.records.get(&transaction) {
            match &record.state {
                State::Over { last } => {
                    let last = last.clone();
                    self.transmits.push_back(Transmit::new(peer, last));
                }
                State::Verifying { .. } => self.ask(transaction, true),
                State::Receiving(_) => self.received(now, transaction, 0, begin.trailer, begin.data),
                State::Waiting { .. } => self.hold_on(transaction),
                // The result is on its way.
                State::Sending { .. } => {}
            }
            return;
        }
        let known = self.last.get(&peer).copied();
        let is_new = known.is_some_and(|last| is_after(transaction.tid, last)) && !begin.new;
        if begin.class == Class::Unreliable {
            // Nobody answers: what may have come before is not taken twice (WTP 6.1), and nothing is remembered but the number.
            if (is_new || known.is_none() || begin.new) && begin.trailer == Trailer::WHOLE {
                self.remember(peer, transaction.tid);
                self.tell(transaction, Class::Unreliable, false, begin.data.to_vec());
            }
            return;
        }
        let began = self
            .records
            .range(first_of(peer)..)
            .take_while(|(key, _)| key.peer == peer)
            .filter(|(key, _)| !key.ours);
        if self.records.len() >= self.limits.transactions
            || began.count() >= self.limits.per_peer
            || self.events.len() >= self.limits.events
        {
            self.send(
                peer,
                &Packet::Abort { reason: AbortReason::CAPACITY, tid: transaction.tid | DIRECTION },
            );
            return;
        }
        let record = |state| Record { class: begin.class, user_ack: begin.user_ack, state };
        if is_new {
            self.remember(peer, transaction.tid);
            self.records.insert(transaction, record(State::Receiving(Incoming::default())));
            self.timers.set(transaction, now + self.timing.patience);
            self.received(now, transaction, 0, begin.trailer, begin.data);
            return;
        }
        // Not known to be new: the peer is asked (WTP 7.9), and its data are kept until it answers.
        if self.octets + begin.data.len() > self.limits.octets {
            self.send(
                peer,
                &Packet::Abort { reason: AbortReason::CAPACITY, tid: transaction.tid | DIRECTION },
            );
            return;
        }
        self.octets += begin.data.len();
        let state = State::Verifying {
            invoke: begin.data.to_vec(),
            user_ack: begin.user_ack,
            trailer: begin.trailer,
        };
        self.records.insert(transaction, record(state));
        self.timers.set(transaction, now + self.timing.wait);
        self.ask(transaction, false);
    }

    fn ask(&mut self, transaction: Transaction, again: bool) {
        let tid = transaction.tid | DIRECTION;
        self.send(transaction.peer, &Packet::Ack { verify: true, again, tid, sequence: None });
    }

    /// Tells the initiator that its message is here and that the answer takes time.
    pub(super) fn hold_on(&mut self, transaction: Transaction) {
        let tid = transaction.tid | DIRECTION;
        self.send(transaction.peer, &Packet::Ack { verify: false, again: true, tid, sequence: None });
    }

    /// An acknowledgement with the mark of verification: a question to an initiator, or its answer to a responder.
    pub(super) fn verified(&mut self, now: Time, transaction: Transaction) {
        let Some(record) = self.records.get_mut(&transaction) else { return };
        if transaction.ours {
            if !matches!(record.state, State::Over { .. }) {
                let answer = Packet::Ack { verify: true, again: false, tid: transaction.tid, sequence: None };
                self.send(transaction.peer, &answer);
            }
            return;
        }
        let State::Verifying { invoke, user_ack, trailer } = &mut record.state else { return };
        let (invoke, user_ack, trailer) = (std::mem::take(invoke), *user_ack, *trailer);
        record.user_ack = user_ack;
        record.state = State::Receiving(Incoming::default());
        self.octets = self.octets.saturating_sub(invoke.len());
        self.remember(transaction.peer, transaction.tid);
        self.timers.set(transaction, now + self.timing.patience);
        self.received(now, transaction, 0, trailer, &invoke);
    }

    /// Remembers the last transaction that a peer began; of too many peers, the one met first is forgotten, and asked again.
    fn remember(&mut self, peer: SocketAddr, tid: Tid) {
        if self.last.insert(peer, tid).is_none() {
            self.order.push_back(peer);
            while self.last.len() > self.limits.peers.max(1) {
                let Some(oldest) = self.order.pop_front() else { break };
                self.last.remove(&oldest);
            }
        }
    }
}

/// How a transaction begins.
#[derive(Clone, Copy)]
pub(super) struct Begin<'a> {
    pub(super) trailer: Trailer,
    pub(super) new: bool,
    pub(super) user_ack: bool,
    pub(super) class: Class,
    pub(super) data: &'a [u8],
}

/// Whether a number comes after another, in a window of half of all numbers (WTP 8.2).
fn is_after(tid: Tid, last: Tid) -> bool {
    let ahead = tid.wrapping_sub(last) & !DIRECTION;
    ahead != 0 && ahead < 1 << 14
}

/// The least transaction of a peer.
const fn first_of(peer: SocketAddr) -> Transaction {
    Transaction { peer, tid: 0, ours: false }
}
