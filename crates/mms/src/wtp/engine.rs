//! The engine of WTP for any number of peers: transactions of ours (WTP 9, initiator), what both roles have in common, time. What only a
//! responder does is in `responder`.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Rng, Time, Timers, Transmit};

use super::config::{Timing, WtpLimits};
use super::pdu::{AbortReason, Class, DIRECTION, Packet, Tid, Trailer};
use super::responder::Begin;
use super::transaction::{Event, Record, State, Transaction, WtpError};
use super::transfer::{Incoming, Kind, Outgoing, Progress, Received};

/// The engine.
#[derive(Clone, Debug)]
pub struct Wtp {
    pub(super) timing: Timing,
    pub(super) limits: WtpLimits,
    pub(super) next: Tid,
    pub(super) records: BTreeMap<Transaction, Record>,
    /// The last transaction that each peer began.
    pub(super) last: BTreeMap<SocketAddr, Tid>,
    /// The peers that this side has begun transactions with.
    pub(super) met: BTreeMap<SocketAddr, ()>,
    pub(super) order: VecDeque<SocketAddr>,
    pub(super) timers: Timers<Transaction>,
    pub(super) octets: usize,
    pub(super) transmits: VecDeque<Transmit>,
    pub(super) events: VecDeque<Event>,
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

    /// A packet of a message or a result.
    pub(super) fn received(
        &mut self,
        now: Time,
        transaction: Transaction,
        sequence: u8,
        trailer: Trailer,
        data: &[u8],
    ) {
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

    pub(super) fn tell(&mut self, transaction: Transaction, class: Class, user_ack: bool, data: Vec<u8>) {
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
    pub(super) fn finish(&mut self, now: Time, transaction: Transaction, last: &Packet<'_>) {
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

    pub(super) fn send(&mut self, peer: SocketAddr, packet: &Packet<'_>) {
        let mut octets = Vec::new();
        packet.write(&mut octets);
        self.transmits.push_back(Transmit::new(peer, octets));
    }

    pub(super) fn send_all(&mut self, peer: SocketAddr, packets: Vec<Vec<u8>>) {
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
