//! Transactions between two engines in virtual time, over a network that loses, doubles and reorders.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use strowger_mms::wtp::{
    AbortReason, Class, Event, Packet, Timing, Trailer, Transaction, Wtp, WtpError, WtpLimits,
};
use strowger_sansio::{Duration, Rng, Time};

const ONE: &str = "127.0.0.1:9201";
const TWO: &str = "127.0.0.2:9209";

/// Two engines and what is between them.
struct Pair {
    now: Time,
    one: Wtp,
    two: Wtp,
    rng: Rng,
    /// How many of a hundred datagrams are lost, doubled or held back.
    trouble: u64,
    held: Vec<(bool, Vec<u8>)>,
    sent: usize,
    events: [Vec<Event>; 2],
}

impl Pair {
    fn new(seed: u64, trouble: u64) -> Self {
        let mut rng = Rng::from_number(seed);
        let timing = Timing { packet: 100, group: 3, ..Timing::default() };
        let one = Wtp::new(timing.clone(), WtpLimits::default(), &mut rng);
        let two = Wtp::new(timing, WtpLimits::default(), &mut rng);
        Self {
            now: Time::ZERO,
            one,
            two,
            rng,
            trouble,
            held: Vec::new(),
            sent: 0,
            events: [Vec::new(), Vec::new()],
        }
    }

    fn peer(of_one: bool) -> SocketAddr {
        if of_one { TWO } else { ONE }.parse().unwrap()
    }

    fn side(&mut self, of_one: bool) -> &mut Wtp {
        if of_one { &mut self.one } else { &mut self.two }
    }

    /// Carries datagrams until nothing moves.
    fn carry(&mut self) {
        loop {
            let mut moved = false;
            for from_one in [true, false] {
                while let Some(transmit) = self.side(from_one).poll_transmit() {
                    assert_eq!(transmit.to, Self::peer(from_one));
                    assert!(transmit.payload.len() <= 105);
                    self.sent += 1;
                    let drawn = self.rng.below(100);
                    if drawn < self.trouble / 3 {
                        continue;
                    }
                    if drawn < self.trouble * 2 / 3 {
                        self.held.push((from_one, transmit.payload.clone()));
                    }
                    if drawn < self.trouble && drawn >= self.trouble * 2 / 3 {
                        self.held.push((from_one, transmit.payload));
                        continue;
                    }
                    self.deliver(from_one, &transmit.payload);
                    moved = true;
                }
            }
            if !moved {
                let held = std::mem::take(&mut self.held);
                if held.is_empty() {
                    return;
                }
                for (from_one, payload) in held {
                    self.deliver(from_one, &payload);
                }
            }
        }
    }

    fn deliver(&mut self, from_one: bool, payload: &[u8]) {
        let (now, from) = (self.now, Self::peer(!from_one));
        self.side(!from_one).handle_input(now, from, payload);
        for (side, events) in [&mut self.one, &mut self.two].into_iter().zip(&mut self.events) {
            events.extend(std::iter::from_fn(|| side.poll_event()));
        }
    }

    /// Lets time pass to the next thing that is due; whether there was one.
    fn pass(&mut self) -> bool {
        self.carry();
        let due = [self.one.poll_timeout(), self.two.poll_timeout()].into_iter().flatten().min();
        let Some(due) = due else { return false };
        self.now = self.now.max(due);
        let now = self.now;
        self.one.handle_timeout(now);
        self.two.handle_timeout(now);
        for (side, events) in [&mut self.one, &mut self.two].into_iter().zip(&mut self.events) {
            events.extend(std::iter::from_fn(|| side.poll_event()));
        }
        self.carry();
        true
    }

    fn invoke(&mut self, class: Class, user_ack: bool, data: &[u8]) -> Transaction {
        let transaction =
            self.one.invoke(self.now, TWO.parse().unwrap(), class, user_ack, data.to_vec()).unwrap();
        self.carry();
        transaction
    }

    fn theirs(transaction: Transaction) -> Transaction {
        Transaction { peer: ONE.parse().unwrap(), ours: false, ..transaction }
    }
}

#[test]
fn a_message_of_class_0_arrives_and_leaves_nothing_behind() {
    let mut pair = Pair::new(1, 0);
    let transaction = pair.invoke(Class::Unreliable, false, b"hello");
    let expected = Event::Invoked {
        transaction: Pair::theirs(transaction),
        class: Class::Unreliable,
        user_ack: false,
        data: b"hello".to_vec(),
    };
    assert_eq!(pair.events[1], [expected]);
    assert_eq!((pair.one.transactions(), pair.two.transactions(), pair.sent), (0, 0, 1));
}

#[test]
fn a_confirmed_push_is_verified_once_and_acknowledged() {
    let mut pair = Pair::new(1, 0);
    let first = pair.invoke(Class::Reliable, false, b"push");
    assert_eq!(pair.events[0], [Event::Delivered { transaction: first }]);
    assert_eq!(pair.sent, 4, "invoke, is it yours, it is, acknowledgement");
    let second = pair.invoke(Class::Reliable, false, b"push");
    assert_eq!(pair.events[0][1], Event::Delivered { transaction: second });
    assert_eq!(pair.sent, 6, "the next number is known to be new");
    assert_eq!(pair.events[1].len(), 2);
}

#[test]
fn a_push_that_the_user_must_confirm_waits_for_the_user() {
    let mut pair = Pair::new(1, 0);
    let transaction = pair.invoke(Class::Reliable, true, b"push");
    assert_eq!(pair.events[0], []);
    let theirs = Pair::theirs(transaction);
    assert_eq!(pair.one.confirm(pair.now, transaction), Err(WtpError::NoTransaction));
    pair.two.confirm(pair.now, theirs).unwrap();
    pair.carry();
    assert_eq!(pair.events[0], [Event::Delivered { transaction }]);
    assert_eq!(pair.two.confirm(pair.now, theirs), Err(WtpError::NoTransaction));
}

#[test]
fn a_request_gets_its_result() {
    let mut pair = Pair::new(1, 0);
    let transaction = pair.invoke(Class::WithResult, false, b"get");
    let theirs = Pair::theirs(transaction);
    pair.two.respond(pair.now, theirs, b"reply".to_vec()).unwrap();
    pair.carry();
    assert_eq!(pair.events[0], [Event::Result { transaction, data: b"reply".to_vec() }]);
    assert_eq!(pair.events[1][1], Event::Delivered { transaction: theirs });
    while pair.pass() {}
    assert_eq!((pair.one.transactions(), pair.two.transactions()), (0, 0), "in time all is forgotten");
}

#[test]
fn a_slow_user_is_waited_for() {
    let mut pair = Pair::new(1, 0);
    let transaction = pair.invoke(Class::WithResult, false, b"get");
    pair.pass();
    assert_eq!(pair.now, Time::from_secs(2));
    assert_eq!(pair.events[0], [], "the initiator was told to wait");
    pair.now = Time::from_secs(60);
    pair.two.respond(pair.now, Pair::theirs(transaction), b"reply".to_vec()).unwrap();
    pair.carry();
    assert_eq!(pair.events[0], [Event::Result { transaction, data: b"reply".to_vec() }]);
}

#[test]
fn messages_of_many_packets_come_whole_over_a_bad_network_and_only_once() {
    for seed in 0..200 {
        let mut pair = Pair::new(seed, 30);
        let size = pair.rng.below(5_000) as usize;
        let (data, reply): (Vec<u8>, Vec<u8>) = (
            (0..size).map(|place| place as u8).collect(),
            (0..size / 2).map(|place| place as u8 ^ 0xff).collect(),
        );
        let transaction = pair.invoke(Class::WithResult, false, &data);
        let theirs = Pair::theirs(transaction);
        let mut answered = false;
        while pair.pass() {
            if !answered && !pair.events[1].is_empty() {
                answered = true;
                pair.two.respond(pair.now, theirs, reply.clone()).unwrap();
                pair.carry();
            }
        }
        let invoked: Vec<_> = pair.events[1]
            .iter()
            .filter_map(|event| if let Event::Invoked { data, .. } = event { Some(data) } else { None })
            .collect();
        assert!(invoked == [&data], "seed {seed}: {} times, {:?}", invoked.len(), pair.events[0]);
        assert!(pair.events[0] == [Event::Result { transaction, data: reply }], "seed {seed}");
        assert_eq!((pair.one.transactions(), pair.two.transactions()), (0, 0), "seed {seed}");
        assert_eq!((pair.one.octets(), pair.two.octets()), (0, 0), "seed {seed}");
    }
}

#[test]
fn a_peer_that_is_gone_ends_the_transaction_after_its_retransmissions() {
    let mut pair = Pair::new(1, 300);
    let transaction = pair.invoke(Class::Reliable, false, b"push");
    while pair.pass() {}
    assert_eq!(pair.events[0], [Event::Aborted { transaction, reason: AbortReason::NO_RESPONSE }]);
    assert_eq!(pair.sent, 1 + 8 + 1, "once, eight times again, and an abort");
    assert_eq!(pair.one.transactions(), 0);
}

#[test]
fn either_side_may_end_a_transaction() {
    let mut pair = Pair::new(1, 0);
    let transaction = pair.invoke(Class::WithResult, false, b"get");
    pair.two.abort(pair.now, Pair::theirs(transaction), 0xe9).unwrap();
    pair.carry();
    assert_eq!(pair.events[0], [Event::Aborted { transaction, reason: AbortReason::User(0xe9) }]);
    assert_eq!(pair.one.abort(pair.now, transaction, 0), Err(WtpError::NoTransaction));
}

#[test]
fn an_old_invocation_that_comes_again_is_not_taken_again() {
    let mut pair = Pair::new(1, 0);
    let transaction = pair.invoke(Class::Reliable, false, b"push");
    let mut again = Vec::new();
    Packet::Invoke {
        trailer: Trailer::WHOLE,
        again: true,
        tid: transaction.tid,
        new: false,
        user_ack: false,
        class: Class::Reliable,
        data: b"push",
    }
    .write(&mut again);
    // At once: the acknowledgement is said again. After the memory has faded: the peer is asked, and knows of nothing.
    pair.deliver(true, &again);
    pair.carry();
    assert_eq!(pair.events[1].len(), 1);
    while pair.pass() {}
    pair.deliver(true, &again);
    while pair.pass() {}
    assert_eq!(pair.events[1].len(), 1);
    assert_eq!(pair.two.transactions(), 0);
}

#[test]
fn floods_of_invocations_and_of_parts_are_bounded() {
    let limits =
        WtpLimits { transactions: 100, per_peer: 4, octets: 10_000, peers: 50, events: 20, message: 5_000 };
    let mut engine = Wtp::new(Timing::default(), limits.clone(), &mut Rng::from_number(1));
    let mut aborted = 0;
    for number in 0..50_000_u32 {
        let from = SocketAddr::from(([10, 0, (number >> 8) as u8, number as u8], 9200));
        let now = Time::from_millis(u64::from(number));
        let mut datagram = Vec::new();
        let trailer = if number % 2 == 0 { Trailer::MIDDLE } else { Trailer::WHOLE };
        let (tid, class) =
            ((number % 1_000) as u16, if number % 3 == 0 { Class::WithResult } else { Class::Unreliable });
        Packet::Invoke {
            trailer,
            again: false,
            tid,
            new: number % 7 == 0,
            user_ack: false,
            class,
            data: &[1; 300],
        }
        .write(&mut datagram);
        engine.handle_input(now, from, &datagram);
        let mut yes = Vec::new();
        Packet::Ack { verify: true, again: false, tid, sequence: None }.write(&mut yes);
        engine.handle_input(now, from, &yes);
        aborted += std::iter::from_fn(|| engine.poll_transmit())
            .filter(|transmit| matches!(Packet::decode(&transmit.payload), Ok(Packet::Abort { .. })))
            .count();
        assert!(engine.transactions() <= limits.transactions && engine.octets() <= limits.octets);
    }
    assert!(aborted > 1_000, "{aborted}");
    engine.handle_timeout(Time::from_secs(10_000));
    engine.handle_timeout(Time::from_secs(20_000));
    engine.handle_timeout(Time::from_secs(30_000));
    assert_eq!((engine.transactions(), engine.octets()), (0, 0));
    assert_eq!(engine.poll_timeout(), None);
}

#[test]
fn a_message_too_large_or_of_too_many_packets_is_refused() {
    let mut pair = Pair::new(1, 0);
    let too_long = pair.one.invoke(pair.now, TWO.parse().unwrap(), Class::Reliable, false, vec![0; 25_601]);
    assert_eq!(too_long, Err(WtpError::TooLong));
    let limits = WtpLimits { message: 250, ..WtpLimits::default() };
    pair.two = Wtp::new(Timing::default(), limits, &mut Rng::from_number(2));
    let transaction = pair.invoke(Class::Reliable, false, &[0; 300]);
    while pair.pass() {}
    assert_eq!(pair.events[0], [Event::Aborted { transaction, reason: AbortReason::TOO_LARGE }]);
    assert_eq!(pair.two.octets(), 0);
}

#[test]
fn any_octets_leave_an_engine_as_it_should_be() {
    let mut rng = Rng::from_number(7);
    let mut engine = Wtp::new(Timing::default(), WtpLimits::default(), &mut rng);
    let peer: SocketAddr = ONE.parse().unwrap();
    for number in 0..100_000_u64 {
        let mut datagram = vec![0; rng.below(40) as usize];
        rng.fill(&mut datagram);
        // Few transactions, so that packets meet each other.
        if let [_, high, low, ..] = &mut datagram[..] {
            (*high, *low) = (*high & 0x80, *low & 3);
        }
        engine.handle_input(Time::from_millis(number), peer, &datagram);
        let _ = engine.poll_event();
        while engine.poll_transmit().is_some() {}
        if engine.poll_timeout().is_some_and(|due| due <= Time::from_millis(number)) {
            engine.handle_timeout(Time::from_millis(number));
        }
    }
    engine.handle_timeout(Time::ZERO + Duration::from_secs(100_000));
    engine.handle_timeout(Time::ZERO + Duration::from_secs(200_000));
    engine.handle_timeout(Time::ZERO + Duration::from_secs(300_000));
    assert_eq!((engine.transactions(), engine.octets()), (0, 0));
}
