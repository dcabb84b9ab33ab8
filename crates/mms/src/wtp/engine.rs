//! The engine of WTP: initiator and responder (WTP 9, state tables) for any number of peers.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Rng, Time, Timers, Transmit};

use super::config::{Timing, WtpLimits};
use super::pdu::{AbortReason, Class, DIRECTION, Packet, Tid, Trailer};
use super::transfer::{Incoming, Kind, Outgoing, Progress, Received};

/// A transaction: the peer, the identifier as this side writes it without direction, and who began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transaction {
    /// The other side.
    pub peer: SocketAddr,
    /// The identifier, without the bit of direction.
    pub tid: Tid,
    /// Whether this side began it.
    pub ours: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A peer began a transaction. One of class 2 is answered by [`Wtp::respond`], one of class 1 that wants it by
    /// [`Wtp::confirm`].
    Invoked {
        /// The transaction.
        transaction: Transaction,
        /// Its class.
        class: Class,
        /// Whether the user is to confirm.
        user_ack: bool,
        /// The data.
        data: Vec<u8>,
    },
    /// The result of a transaction of ours.
    Result {
        /// The transaction.
        transaction: Transaction,
        /// The data.
        data: Vec<u8>,
    },
    /// The peer has what this side sent: an invocation of class 1, or a result.
    Delivered {
        /// The transaction.
        transaction: Transaction,
    },
    /// A transaction ended before its end.
    Aborted {
        /// The transaction.
        transaction: Transaction,
        /// Why.
        reason: AbortReason,
    },
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WtpError {
    /// There is no such transaction, or it does not wait for this.
    NoTransaction,
    /// The message does not fit into 256 packets.
    TooLong,
    /// There are as many transactions as there may be.
    Busy,
}

impl std::fmt::Display for WtpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoTransaction => "there is no such transaction, or it does not wait for this",
            Self::TooLong => "the message does not fit into 256 packets",
            Self::Busy => "there are as many transactions as there may be",
        })
    }
}

impl std::error::Error for WtpError {}

#[derive(Clone, Debug)]
enum State {
    /// Sent, and not acknowledged.
    Sending { outgoing: Outgoing, again: u32 },
    /// Ours: acknowledged for now, the result is due. Theirs: the user is to answer; whether the peer was told to wait.
    Waiting { held: bool },
    /// Parts of the message, or of the result, are due.
    Receiving(Incoming),
    /// Theirs: the peer is asked whether it began the transaction.
    Verifying { invoke: Vec<u8>, user_ack: bool, trailer: Trailer },
    /// Over: what was said last is said again to those who missed it.
    Over { last: Vec<u8> },
}

#[derive(Clone, Debug)]
struct Record {
    class: Class,
    user_ack: bool,
    state: State,
}

/// The engine.
#[derive(Clone, Debug)]
pub struct Wtp {
    timing: Timing,
    limits: WtpLimits,
    next: Tid,
    records: BTreeMap<Transaction, Record>,
    /// The last transaction that each peer began.
    last: BTreeMap<SocketAddr, Tid>,
    /// The peers that this side has begun transactions with.
    met: BTreeMap<SocketAddr, ()>,
    order: VecDeque<SocketAddr>,
    timers: Timers<Transaction>,
    octets: usize,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Wtp {
    /// An engine; its first transaction is drawn.
    #[must_use]
    pub fn new(timing: Timing, limits: WtpLimits, rng: &mut Rng) -> Self {
        Self {
            timing,
            limits,
            next: (rng.next_u32() as Tid) & !DIRECTION,
            records: BTreeMap::new(),
            last: BTreeMap::new(),
            met: BTreeMap::new(),
            order: VecDeque::new(),
            timers: Timers::new(),
            octets: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`WtpError`] when the message is too long, or there is no room.
    pub fn invoke(
        &mut self,
        now: Time,
        peer: SocketAddr,
        class: Class,
        user_ack: bool,
        data: Vec<u8>,
    ) -> Result<Transaction, WtpError> {
        if self.records.len() >= self.limits.transactions {
            return Err(WtpError::Busy);
        }
        let transaction = self.draw(peer).ok_or(WtpError::Busy)?;
        // The first number that a peer hears of is after all before it.
        let new = !self.met.contains_key(&peer);
        let kind = Kind::Invoke { class, user_ack, new };
        let outgoing = Outgoing::new(kind, transaction.tid, data, self.timing.packet, self.timing.group)
            .ok_or(WtpError::TooLong)?;
        if self.met.len() < self.limits.peers {
            self.met.insert(peer, ());
        }
        self.send_all(peer, outgoing.group(false));
        if class == Class::Unreliable {
            return Ok(transaction);
        }
        let state = State::Sending { outgoing, again: 0 };
        self.records.insert(transaction, Record { class, user_ack, state });
        self.timers.set(transaction, now + self.timing.retransmission);
        Ok(transaction)
    }

    fn draw(&mut self, peer: SocketAddr) -> Option<Transaction> {
        // A number that is still in use for this peer is passed over.
        for _ in 0..=self.limits.transactions {
            let tid = self.next;
            self.next = self.next.wrapping_add(1) & !DIRECTION;
            let transaction = Transaction { peer, tid, ours: true };
            if !self.records.contains_key(&transaction) {
                return Some(transaction);
            }
        }
        None
    }

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

    /// Ends a transaction before its end, with a reason of the layer above.
    ///
    /// # Errors
    /// [`WtpError::NoTransaction`] when it is over.
    pub fn abort(&mut self, now: Time, transaction: Transaction, reason: u8) -> Result<(), WtpError> {
        match self.records.get(&transaction) {
            Some(record) if !matches!(record.state, State::Over { .. }) => {
                let tid = transaction.tid | if transaction.ours { 0 } else { DIRECTION };
                self.finish(now, transaction, &Packet::Abort { reason: AbortReason::User(reason), tid });
                Ok(())
            }
            _ => Err(WtpError::NoTransaction),
        }
    }

    /// Takes a datagram. What cannot be read is dropped, or aborted where it names a transaction that it would begin.
    pub fn handle_input(&mut self, now: Time, from: SocketAddr, datagram: &[u8]) {
        for packet in Packet::datagram(datagram) {
            match packet {
                Ok(packet) => self.packet(now, from, packet),
                // An invocation of a class or version that is not known is told so (WTP 7.13); nothing else is answered.
                Err(error) => self.unreadable(from, datagram, error.rule),
            }
        }
    }

    fn unreadable(&mut self, from: SocketAddr, datagram: &[u8], rule: crate::Rule) {
        let reason = match rule {
            crate::Rule::WtpVersion => AbortReason::VERSION,
            crate::Rule::WtpClass => AbortReason::NOT_IMPLEMENTED_CLASS,
            _ => return,
        };
        if let [first, high, low, ..] = datagram
            && *first != 0
        {
            let tid = Tid::from_be_bytes([*high, *low]) ^ DIRECTION;
            self.send(from, &Packet::Abort { reason, tid });
        }
    }

    fn packet(&mut self, now: Time, peer: SocketAddr, packet: Packet<'_>) {
        // What a responder sends has the bit of direction: it belongs to a transaction of ours.
        let tid = packet.tid();
        let transaction = Transaction { peer, tid: tid & !DIRECTION, ours: tid & DIRECTION != 0 };
        match packet {
            Packet::Invoke { trailer, new, user_ack, class, data, .. } if !transaction.ours => {
                self.invoked(now, transaction, Begin { trailer, new, user_ack, class, data });
            }
            Packet::Result { trailer, data, .. } if transaction.ours => {
                self.received(now, transaction, 0, trailer, data);
            }
            Packet::Segment { of_result, trailer, sequence, data, .. } if of_result == transaction.ours => {
                self.received(now, transaction, sequence, trailer, data);
            }
            Packet::Ack { verify, sequence, .. } => self.acknowledged(now, transaction, verify, sequence),
            Packet::Missing { sequences, .. } => self.missing(now, transaction, sequences),
            Packet::Abort { reason, .. } => {
                if let Some(record) = self.records.get(&transaction)
                    && !matches!(record.state, State::Over { .. })
                {
                    let told = !matches!(record.state, State::Verifying { .. });
                    self.forget(transaction);
                    if told {
                        self.events.push_back(Event::Aborted { transaction, reason });
                    }
                }
            }
            Packet::Invoke { .. } | Packet::Result { .. } | Packet::Segment { .. } => {}
        }
    }

    /// A peer begins a transaction, or begins it again.
    fn invoked(&mut self, now: Time, transaction: Transaction, begin: Begin<'_>) {
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
    fn hold_on(&mut self, transaction: Transaction) {
        let tid = transaction.tid | DIRECTION;
        self.send(transaction.peer, &Packet::Ack { verify: false, again: true, tid, sequence: None });
    }

    /// A packet of a message or a result.
    fn received(&mut self, now: Time, transaction: Transaction, sequence: u8, trailer: Trailer, data: &[u8]) {
        let largest = self.limits.message;
        let room = self.limits.octets.saturating_sub(self.octets);
        let direction = if transaction.ours { 0 } else { DIRECTION };
        let tid = transaction.tid | direction;
        let Some(record) = self.records.get_mut(&transaction) else {
            // A result for nobody: whoever sent it can stop (WTP 9, null state).
            if transaction.ours && sequence == 0 {
                self.send(transaction.peer, &Packet::Abort { reason: AbortReason::UNKNOWN, tid });
            }
            return;
        };
        // A result acknowledges the invocation.
        if transaction.ours
            && matches!(record.state, State::Sending { .. } | State::Waiting { .. })
            && record.class == Class::WithResult
        {
            record.state = State::Receiving(Incoming::default());
        }
        let State::Receiving(incoming) = &mut record.state else {
            if let State::Over { last } = &record.state {
                let last = last.clone();
                self.transmits.push_back(Transmit::new(transaction.peer, last));
            }
            return;
        };
        let before = incoming.octets();
        let mut received = incoming.take(sequence, trailer, data, largest.min(before + room));
        if received == Received::Waits
            && let Some(whole) = incoming.completed()
        {
            received = whole;
        }
        self.octets += incoming.octets() - before;
        match received {
            Received::Waits => self.timers.set(transaction, now + self.timing.patience),
            Received::Group(last) => {
                self.timers.set(transaction, now + self.timing.patience);
                self.send(
                    transaction.peer,
                    &Packet::Ack { verify: false, again: false, tid, sequence: Some(last) },
                );
            }
            Received::Missing(sequences) => {
                self.timers.set(transaction, now + self.timing.patience);
                self.send(transaction.peer, &Packet::Missing { again: false, tid, sequences: &sequences });
            }
            Received::TooLarge => {
                self.finish(now, transaction, &Packet::Abort { reason: AbortReason::TOO_LARGE, tid });
                self.events.push_back(Event::Aborted { transaction, reason: AbortReason::TOO_LARGE });
            }
            Received::Whole(octets, last) => self.whole(now, transaction, octets, last),
        }
    }

    /// A message is whole.
    fn whole(&mut self, now: Time, transaction: Transaction, octets: Vec<u8>, last: Option<u8>) {
        let Some(record) = self.records.get_mut(&transaction) else { return };
        self.octets = self.octets.saturating_sub(octets.len());
        let (class, user_ack) = (record.class, record.user_ack);
        record.state = State::Waiting { held: false };
        let direction = if transaction.ours { 0 } else { DIRECTION };
        let ack =
            Packet::Ack { verify: false, again: false, tid: transaction.tid | direction, sequence: last };
        if transaction.ours {
            self.finish(now, transaction, &ack);
            self.events.push_back(Event::Result { transaction, data: octets });
            return;
        }
        match class {
            Class::Reliable if !user_ack => self.finish(now, transaction, &ack),
            _ => {
                // The initiator of a message in packets needs to know that the last one came.
                if last.is_some() {
                    self.send(transaction.peer, &ack);
                }
                self.timers.set(transaction, now + self.timing.acknowledgement);
            }
        }
        self.tell(transaction, class, user_ack, octets);
    }

    fn tell(&mut self, transaction: Transaction, class: Class, user_ack: bool, data: Vec<u8>) {
        if self.events.len() < self.limits.events {
            self.events.push_back(Event::Invoked { transaction, class, user_ack, data });
        }
    }

    fn acknowledged(&mut self, now: Time, transaction: Transaction, verify: bool, sequence: Option<u8>) {
        let Some(record) = self.records.get_mut(&transaction) else {
            // Asked about a transaction that is not ours: it is void (WTP 7.9).
            if verify && transaction.ours {
                self.send(
                    transaction.peer,
                    &Packet::Abort { reason: AbortReason::INVALID_TID, tid: transaction.tid },
                );
            }
            return;
        };
        if verify {
            return self.verified(now, transaction);
        }
        let State::Sending { outgoing, again } = &mut record.state else { return };
        match outgoing.acknowledged(sequence) {
            Progress::Nothing => {}
            Progress::NextGroup => {
                *again = 0;
                let packets = outgoing.group(false);
                self.timers.set(transaction, now + self.timing.retransmission);
                self.send_all(transaction.peer, packets);
            }
            Progress::Whole if transaction.ours && record.class == Class::WithResult => {
                record.state = State::Waiting { held: true };
                self.timers.set(transaction, now + self.timing.patience);
            }
            Progress::Whole => {
                self.forget(transaction);
                self.events.push_back(Event::Delivered { transaction });
            }
        }
    }

    /// An acknowledgement with the mark of verification: a question to an initiator, or its answer to a responder.
    fn verified(&mut self, now: Time, transaction: Transaction) {
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

    fn missing(&mut self, now: Time, transaction: Transaction, sequences: &[u8]) {
        if let Some(Record { state: State::Sending { outgoing, .. }, .. }) = self.records.get(&transaction) {
            let packets = outgoing.missing(sequences);
            self.timers.set(transaction, now + self.timing.retransmission);
            self.send_all(transaction.peer, packets);
        }
    }

    /// Sends again, tells peers to wait, forgets.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(transaction) = self.timers.pop_due(now) {
            self.due(now, transaction);
        }
    }

    fn due(&mut self, now: Time, transaction: Transaction) {
        let most = self.timing.retransmissions;
        let Some(record) = self.records.get_mut(&transaction) else { return };
        match &mut record.state {
            State::Sending { outgoing, again } if *again < most => {
                *again += 1;
                let packets = outgoing.group(true);
                self.timers.set(transaction, now + self.timing.retransmission);
                self.send_all(transaction.peer, packets);
            }
            State::Sending { .. } => self.give_up(now, transaction, AbortReason::NO_RESPONSE),
            State::Waiting { held } if !*held => {
                // First the initiator is told to wait; then the user's patience counts.
                *held = true;
                self.hold_on(transaction);
                self.timers.set(transaction, now + self.timing.patience);
            }
            State::Waiting { .. } => self.give_up(now, transaction, AbortReason::NO_RESPONSE),
            State::Receiving(_) => self.give_up(now, transaction, AbortReason::NO_RESPONSE),
            State::Verifying { .. } | State::Over { .. } => self.forget(transaction),
        }
    }

    fn give_up(&mut self, now: Time, transaction: Transaction, reason: AbortReason) {
        let tid = transaction.tid | if transaction.ours { 0 } else { DIRECTION };
        self.finish(now, transaction, &Packet::Abort { reason, tid });
        self.events.push_back(Event::Aborted { transaction, reason });
    }

    /// Says the last word of a transaction, and remembers it for those who miss it.
    fn finish(&mut self, now: Time, transaction: Transaction, last: &Packet<'_>) {
        let mut octets = Vec::new();
        last.write(&mut octets);
        self.transmits.push_back(Transmit::new(transaction.peer, octets.clone()));
        if let Some(record) = self.records.get_mut(&transaction) {
            let old = std::mem::replace(&mut record.state, State::Over { last: octets });
            self.release(&old);
            self.timers.set(transaction, now + self.timing.wait);
        }
    }

    fn forget(&mut self, transaction: Transaction) {
        self.timers.cancel(&transaction);
        if let Some(record) = self.records.remove(&transaction) {
            self.release(&record.state);
        }
    }

    fn release(&mut self, state: &State) {
        let kept = match state {
            State::Receiving(incoming) => incoming.octets(),
            State::Verifying { invoke, .. } => invoke.len(),
            State::Sending { .. } | State::Waiting { .. } | State::Over { .. } => 0,
        };
        self.octets = self.octets.saturating_sub(kept);
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

    fn send(&mut self, peer: SocketAddr, packet: &Packet<'_>) {
        let mut octets = Vec::new();
        packet.write(&mut octets);
        self.transmits.push_back(Transmit::new(peer, octets));
    }

    fn send_all(&mut self, peer: SocketAddr, packets: Vec<Vec<u8>>) {
        self.transmits.extend(packets.into_iter().map(|octets| Transmit::new(peer, octets)));
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When something is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Transactions that are remembered, those that are over included.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.records.len()
    }

    /// Octets of messages that are not whole.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }
}

/// How a transaction begins.
#[derive(Clone, Copy)]
struct Begin<'a> {
    trailer: Trailer,
    new: bool,
    user_ack: bool,
    class: Class,
    data: &'a [u8],
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
