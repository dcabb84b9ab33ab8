//! Received commands are executed once and answered every time (RFC 3435 sections 3.5.1 and 3.5.2).

use std::time::Duration;

use proptest::prelude::*;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Command, Message, TransactionId};
use strowger_mgcp::text::decode;
use strowger_mgcp::transaction::{
    Pacing, PeerConfig, ProtocolTimers, Received, TransactionLimits, Transactions,
};
use strowger_sansio::{Epoch, NodeId, Rng, Time};

use crate::pair::{Pair, Service, Weather, address};

const SECOND: Duration = Duration::from_secs(1);

fn audit(id: u32) -> Vec<u8> {
    format!("AUEP {id} aaln/1@gw1.town MGCP 1.0\r\n").into_bytes()
}

#[test]
fn a_duplicate_command_is_answered_from_memory() {
    let mut pair = Pair::new(1);
    pair.inject(address(1), 1, &audit(77));
    pair.run(29 * SECOND);
    // Leading zeros do not make another number.
    pair.inject(address(1), 1, b"AUEP 000000077 aaln/1@gw1.town MGCP 1.0\r\n");
    let answers: Vec<_> = pair.sent_by(1).iter().map(|sent| sent.text().to_owned()).collect();
    assert_eq!(answers, ["200 77 OK\r\n", "200 77 OK\r\n"]);
    assert_eq!(pair.sides[1].executed.values().sum::<u32>(), 1);
    assert_eq!(pair.sides[1].transactions.counters().replayed, 1);
}

#[test]
fn after_t_hist_the_same_number_is_a_new_command_and_nothing_is_kept() {
    let mut pair = Pair::new(1);
    pair.inject(address(1), 1, &audit(77));
    assert_eq!(pair.sides[1].transactions.remembered(), 1);
    pair.run(32 * SECOND);
    assert_eq!(pair.sides[1].transactions.remembered(), 0);
    pair.inject(address(1), 1, &audit(77));
    assert_eq!(pair.sides[1].executed.values().sum::<u32>(), 2);
}

#[test]
fn a_confirmed_response_is_dropped_but_its_duplicate_is_still_recognised() {
    let mut pair = Pair::new(1);
    pair.inject(address(1), 1, &audit(77));
    pair.inject(address(1), 1, b"AUEP 78 aaln/1@gw1.town MGCP 1.0\r\nK: 60-70, 77\r\n");
    pair.inject(address(1), 1, &audit(77));
    assert_eq!(pair.sent_by(1).len(), 2, "the duplicate of a confirmed command is not answered");
    assert_eq!(pair.sides[1].executed.values().sum::<u32>(), 2);
    assert_eq!(pair.sides[1].transactions.counters().confirmed_duplicates, 1);
    // That a range was confirmed says nothing of commands in it that never came.
    pair.inject(address(1), 1, &audit(65));
    assert_eq!(pair.sent_by(1).last().unwrap().text(), "200 65 OK\r\n");
    pair.run(32 * SECOND);
    assert_eq!(pair.sides[1].transactions.remembered(), 0);
}

#[test]
fn confirmations_of_several_messages_add_up() {
    let mut pair = Pair::new(1);
    for id in 1..=4 {
        pair.inject(address(1), 1, &audit(id));
    }
    pair.inject(address(1), 1, b"AUEP 78 aaln/1@gw1.town MGCP 1.0\r\nK: 3\r\n");
    pair.inject(address(1), 1, b"AUEP 77 aaln/1@gw1.town MGCP 1.0\r\nK: 1\r\n");
    let before = pair.sent_by(1).len();
    for id in 1..=4 {
        pair.inject(address(1), 1, &audit(id));
    }
    let repeated: Vec<_> = pair.sent_by(1)[before..].iter().map(|sent| sent.text().to_owned()).collect();
    assert_eq!(repeated, ["200 2 OK\r\n", "200 4 OK\r\n"], "those that nobody confirmed");
    assert_eq!(pair.sides[1].executed.values().sum::<u32>(), 6);
}

#[test]
fn a_confirmation_of_everything_costs_no_more_than_its_allowance() {
    let limits = TransactionLimits { confirmed: 10, ..TransactionLimits::default() };
    let mut pair = Pair::with(1, &ProtocolTimers::default(), &limits);
    for id in 1..=20 {
        pair.inject(address(1), 1, &audit(id));
    }
    pair.inject(address(1), 1, b"AUEP 99 aaln/1@gw1.town MGCP 1.0\r\nK: 1-999999999\r\n");
    assert_eq!(pair.sides[1].transactions.counters().confirmations, 10);
}

fn notify(id: u32) -> Vec<u8> {
    format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n").into_bytes()
}

#[test]
fn a_full_memory_refuses_new_commands_and_still_replays_old_ones() {
    // Room for three commands with their answers.
    let limits = TransactionLimits { memory: 300, pool: 0, ..TransactionLimits::default() };
    let mut pair = Pair::with(1, &ProtocolTimers::default(), &limits);
    for id in 1..=4 {
        pair.inject(address(1), 1, &notify(id));
    }
    pair.inject(address(1), 1, &notify(2));
    let answers: Vec<_> = pair.sent_by(1).iter().map(|sent| sent.text()[..5].to_owned()).collect();
    assert_eq!(answers, ["200 1", "200 2", "200 3", "409 4", "200 2"]);
    assert_eq!(pair.sides[1].transactions.counters().refused, 1);
    // What was refused was not remembered: once there is room, the retransmission is carried out.
    pair.run(32 * SECOND);
    pair.inject(address(1), 1, &notify(4));
    assert!(pair.log.last().unwrap().text().starts_with("200 4"));
}

#[test]
fn audits_are_answered_when_the_memory_is_full_and_leave_nothing_in_it() {
    // Room for three commands with their answers.
    let limits = TransactionLimits { memory: 300, pool: 0, ..TransactionLimits::default() };
    let mut pair = Pair::with(1, &ProtocolTimers::default(), &limits);
    for id in 1..=3 {
        pair.inject(address(1), 1, &notify(id));
    }
    for id in 100..200 {
        pair.inject(address(1), 1, &audit(id));
        assert!(pair.log.last().unwrap().text().starts_with(&format!("200 {id}")));
    }
    assert_eq!(pair.sides[1].transactions.remembered(), 3);
}

#[test]
fn stored_bytes_are_bounded_and_freed_by_confirmation() {
    let limits = TransactionLimits { memory: 210, pool: 0, ..TransactionLimits::default() };
    let mut pair = Pair::with(1, &ProtocolTimers::default(), &limits);
    for id in 1..=4 {
        pair.inject(address(1), 1, &notify(id));
    }
    assert_eq!(pair.sides[1].transactions.counters().refused, 2);
    pair.inject(address(1), 1, b"NTFY 5 aaln/1@gw1.town MGCP 1.0\r\nK: 1-2\r\nX: 1\r\nO: L/hd\r\n");
    assert!(pair.log.last().unwrap().text().starts_with("200 5"));
}

#[test]
fn a_stranger_gets_no_byte_and_leaves_nothing_behind() {
    let mut pair = Pair::new(1);
    pair.inject(address(9), 1, &audit(77));
    pair.inject(address(9), 1, b"AUEP 78 nonsense\r\n");
    pair.inject(address(9), 1, b"200 79 OK\r\n");
    assert!(pair.log.is_empty());
    assert_eq!(pair.sides[1].transactions.counters().unlisted, 3);
    assert_eq!(pair.sides[1].transactions.remembered(), 0);
}

#[test]
fn a_malformed_command_gets_its_return_code_and_a_malformed_response_gets_nothing() {
    let mut pair = Pair::new(1);
    pair.inject(address(1), 1, b"AUEP 78 aaln/1 MGCP 1.0\r\n");
    assert!(pair.log[0].text().starts_with("5"), "{}", pair.log[0].text());
    assert!(pair.log[0].text()[3..].starts_with(" 78"));
    let sent = pair.log.len();
    pair.inject(address(1), 1, b"200 78 OK\r\nI: not hexadecimal\r\n");
    pair.inject(address(1), 1, b"AUEP 0 aaln/1@gw1.town MGCP 1.0\r\n");
    pair.inject(address(1), 1, b"\0\0\0\0");
    assert_eq!(pair.log.len(), sent);
    assert_eq!(pair.sides[1].transactions.remembered(), 0);
}

#[test]
fn a_duplicate_from_another_address_of_the_peer_is_answered_there() {
    let mut pair = Pair::new(1);
    let spare = address(8);
    let peer = pair.sides[1].peer;
    let mut config = pair.sides[1].transactions.peer(peer).clone();
    config.others.push(spare);
    pair.sides[1].transactions.configure_peer(peer, config);
    pair.inject(address(1), 1, &audit(77));
    pair.inject(spare, 1, &audit(77));
    let targets: Vec<_> = pair.sent_by(1).iter().map(|sent| sent.to).collect();
    assert_eq!(targets, [address(1), spare]);
    assert_eq!(pair.sides[1].executed.values().sum::<u32>(), 1);
}

#[test]
fn both_ends_may_use_the_same_number_at_the_same_time() {
    let mut pair = Pair::new(1);
    let id = pair.command(0, 1);
    pair.inject(address(2), 0, &audit(id.get()));
    pair.run(SECOND);
    assert_eq!(pair.sides[0].executed.get(&id), Some(&1));
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
}

#[test]
fn a_busy_peer_uses_the_pool_and_never_the_share_of_another() {
    let limits = TransactionLimits { memory: 300, pool: 300, ..TransactionLimits::default() };
    let mut pair = Pair::with(1, &ProtocolTimers::default(), &limits);
    pair.sides[1].transactions.add_peer(PeerConfig::at(address(7)));
    for id in 1..=10 {
        pair.inject(address(1), 1, &notify(id));
    }
    assert_eq!(pair.sides[1].transactions.counters().refused, 4);
    for id in 1..=4 {
        pair.inject(address(7), 1, &notify(id));
    }
    assert_eq!(pair.sides[1].transactions.counters().refused, 5, "the other has its three, and no pool");
    pair.run(32 * SECOND);
    for id in 11..=16 {
        pair.inject(address(7), 1, &notify(id));
    }
    assert_eq!(pair.sides[1].transactions.counters().refused, 5, "what expires goes back to the pool");
}

#[test]
fn twenty_thousand_commands_a_second_from_one_peer_are_all_served() {
    let answer = [b"250 1 OK\r\n".as_slice(), &[b'v'; 240]].concat();
    let mut layer = Transactions::<()>::new(
        ProtocolTimers::default(),
        TransactionLimits::default(),
        NodeId(0),
        Epoch(0),
        Rng::from_number(1),
    );
    layer.add_peer(PeerConfig::at(address(1)));
    let bytes = notify(1);
    let Ok(Message::Command(template)) = decode(&bytes, &Limits::default()) else { panic!("a command") };
    let mut now = Time::from_secs(1);
    let mut most = 0;
    for number in 0..20_000 * 35_u32 {
        now += Duration::from_micros(50);
        let id = TransactionId::new(number.wrapping_mul(1_431) % 999_999_999 + 1).unwrap();
        let command = Message::Command(Command { transaction_id: id, ..template });
        let Received::Execute(token) = layer.receive(now, address(1), &command) else {
            panic!("refused after {number}");
        };
        layer.respond(now, token, answer.clone());
        while layer.poll_transmit().is_some() {}
        most = most.max(layer.remembered());
    }
    assert!((600_000..=600_001).contains(&most), "T-HIST and no more: {most}");
    layer.handle_timeout(now + 40 * SECOND);
    assert_eq!(layer.remembered(), 0);
}

fn weather() -> impl Strategy<Value = Weather> {
    (0.0..0.6_f64, 0.0..0.6_f64, 0_u64..50, 0_u64..2000).prop_map(|(loss, duplication, least, more)| {
        Weather {
            loss,
            duplication,
            delay: (Duration::from_millis(least), Duration::from_millis(least + more)),
        }
    })
}

fn service() -> impl Strategy<Value = Service> {
    prop_oneof![
        Just(Service::Immediate),
        (0_u64..9000).prop_map(|ms| Service::Slow(Duration::from_millis(ms))),
        (0_u64..9000).prop_map(|ms| Service::Announced(Duration::from_millis(ms))),
    ]
}

/// Water marks and pacing that a few commands reach.
fn narrow() -> TransactionLimits {
    let pacing = Pacing { slow: Duration::from_millis(500), queue: 3, ..Pacing::default() };
    TransactionLimits { executing: 6, high_water: 2, low_water: 1, pacing, ..TransactionLimits::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Under any loss, duplication and reordering no command is executed twice, and each ends exactly once.
    #[test]
    fn each_command_is_executed_at_most_once_and_ends_exactly_once(
        seed in any::<u64>(),
        weather in weather(),
        services in (service(), service()),
        gaps in proptest::collection::vec(0_u64..3000, 1..25),
    ) {
        let mut pair = Pair::new(seed);
        pair.weather = weather;
        pair.sides[0].service = services.0;
        pair.sides[1].service = services.1;
        for (tag, gap) in gaps.iter().enumerate() {
            pair.command(tag % 2, tag as u32);
            pair.run(Duration::from_millis(*gap));
        }
        pair.run(Duration::from_secs(200));
        for (tag, _) in gaps.iter().enumerate() {
            let side = &pair.sides[tag % 2];
            let tag = tag as u32;
            let completed = side.completed.get(&tag).copied().unwrap_or(0);
            let timed_out = side.timed_out.get(&tag).copied().unwrap_or(0);
            prop_assert_eq!(completed + timed_out, 1, "command {}", tag);
        }
        for side in &pair.sides {
            prop_assert!(side.executed.values().all(|times| *times == 1));
            prop_assert_eq!(side.transactions.outstanding(), 0);
            prop_assert_eq!(side.transactions.remembered(), 0);
            prop_assert_eq!(side.transactions.poll_timeout(), None);
        }
    }

    /// The same with peers that queue, refuse and are spared, with handshakes in commands, and with a spare address.
    #[test]
    fn loaded_peers_execute_each_command_at_most_once_too(
        seed in any::<u64>(),
        weather in weather(),
        services in (service(), service()),
        gaps in proptest::collection::vec(0_u64..300, 1..40),
    ) {
        let mut pair = Pair::with(seed, &ProtocolTimers::default(), &narrow());
        pair.weather = weather;
        pair.confirms = true;
        pair.sides[0].service = services.0;
        pair.sides[1].service = services.1;
        pair.configure(|config| config.others = vec![address(8)]);
        for (tag, gap) in gaps.iter().enumerate() {
            pair.command(tag % 2, tag as u32);
            pair.run(Duration::from_millis(*gap));
        }
        pair.run(Duration::from_secs(300));
        for (tag, _) in gaps.iter().enumerate() {
            let side = &pair.sides[tag % 2];
            let tag = tag as u32;
            let completed = side.completed.get(&tag).copied().unwrap_or(0);
            let timed_out = side.timed_out.get(&tag).copied().unwrap_or(0);
            prop_assert_eq!(completed + timed_out, 1, "command {}", tag);
        }
        for side in &pair.sides {
            prop_assert!(side.executed.values().all(|times| *times == 1));
            prop_assert_eq!(side.transactions.outstanding(), 0);
            prop_assert_eq!(side.transactions.waiting(side.peer), 0);
            prop_assert_eq!(side.transactions.remembered(), 0);
            prop_assert_eq!(side.transactions.poll_timeout(), None);
        }
    }
}
