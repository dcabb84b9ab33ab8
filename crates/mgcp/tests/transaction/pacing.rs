//! Loaded peers say so, and are spared (RFC 3435 section 4.4.8).

use std::time::Duration;

use strowger_mgcp::message::TransactionId;
use strowger_mgcp::transaction::{Pacing, ProtocolTimers, TransactionLimits};

use crate::pair::{Pair, Service, Weather, address};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn notify(id: u32) -> Vec<u8> {
    format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n").into_bytes()
}

fn codes(pair: &Pair, side: usize) -> Vec<String> {
    pair.sent_by(side).iter().map(|sent| sent.text()[..3].to_owned()).collect()
}

/// Side 1 is silent, and side 0 has sent `count` commands.
fn commands(pair: &mut Pair, count: u32) -> Vec<TransactionId> {
    pair.weather = Weather::DEAD;
    (0..count).map(|tag| pair.command(0, tag)).collect()
}

fn answer(pair: &mut Pair, id: TransactionId, code: u32) {
    pair.inject(address(2), 0, format!("{code} {id} So it is\r\n").as_bytes());
}

fn window(pair: &Pair) -> Option<u32> {
    pair.sides[0].transactions.window(pair.sides[0].peer)
}

fn waiting(pair: &Pair) -> usize {
    pair.sides[0].transactions.waiting(pair.sides[0].peer)
}

#[test]
fn commands_are_told_that_they_queue_from_the_high_water_mark_down_to_the_low_one() {
    let limits =
        TransactionLimits { high_water: 3, low_water: 1, executing: 5, ..TransactionLimits::default() };
    let mut pair = Pair::with(1, &ProtocolTimers::default(), &limits);
    pair.sides[1].service = Service::Slow(2 * SECOND);
    for id in 1..=3 {
        pair.inject(address(1), 1, &notify(id));
    }
    pair.inject(address(1), 1, &notify(3));
    assert_eq!(codes(&pair, 1), ["100"], "a repetition, and no queue yet");
    pair.run(SECOND);
    for id in [4, 5, 4, 6] {
        pair.inject(address(1), 1, &notify(id));
    }
    assert_eq!(
        codes(&pair, 1)[1..],
        ["101", "101", "101", "409"],
        "new, new, repeated, and more than can be queued"
    );
    // The first three end: two are left, which is more than the low mark.
    pair.run(1500 * MS);
    let before = pair.sent_by(1).len();
    pair.inject(address(1), 1, &notify(7));
    assert_eq!(codes(&pair, 1)[before..], ["101"]);
    pair.run(10 * SECOND);
    let before = pair.sent_by(1).len();
    pair.inject(address(1), 1, &notify(8));
    assert_eq!(pair.sent_by(1).len(), before, "the queue is short again");
    assert_eq!(pair.sides[1].transactions.counters().queued, 3);
    // What was told to queue is acknowledged in three steps; what was not, is not.
    let finals = |id: u32| {
        let start = format!("200 {id} OK\r\n");
        pair.sent_by(1).iter().find(|sent| sent.text().starts_with(&start)).unwrap().text().to_owned()
    };
    assert!(finals(4).starts_with("200 4 OK\r\nK:") && !finals(1).starts_with("200 1 OK\r\nK:"));
}

#[test]
fn a_peer_that_queues_or_refuses_gets_half_as_many_commands_and_then_slowly_more() {
    for code in [101, 409] {
        let mut pair = Pair::new(2);
        let ids = commands(&mut pair, 8);
        assert_eq!((window(&pair), pair.sent_by(0).len()), (None, 8), "no load, no bound");
        answer(&mut pair, ids[0], code);
        assert_eq!(window(&pair), Some(4));
        answer(&mut pair, ids[1], code);
        assert_eq!(window(&pair), Some(4), "one crowd counts once");
        let sent = pair.sent_by(0).len();
        let late = [pair.command(0, 100), pair.command(0, 101)];
        assert_eq!((pair.sent_by(0).len(), waiting(&pair)), (sent, 2));
        // Four answers bring those that wait, and one more.
        for id in &ids[2..8] {
            answer(&mut pair, *id, 200);
        }
        assert_eq!((window(&pair), waiting(&pair)), (Some(5), 0));
        let again: Vec<_> = late.into_iter().chain((200..230).map(|tag| pair.command(0, tag))).collect();
        for id in again {
            answer(&mut pair, id, 200);
        }
        assert_eq!(window(&pair), None, "as many as before the load: the bound is gone");
    }
}

#[test]
fn a_peer_whose_answers_become_slow_is_spared() {
    let pacing = Pacing { slow: 500 * MS, ..Pacing::default() };
    let limits = TransactionLimits { pacing, ..TransactionLimits::default() };
    let timers = ProtocolTimers { rto_initial: 3 * SECOND, ..ProtocolTimers::default() };
    let mut pair = Pair::with(3, &timers, &limits);
    for round in 0..4 {
        for tag in 0..8 {
            pair.command(0, round * 8 + tag);
        }
        pair.run(SECOND);
    }
    assert_eq!((window(&pair), pair.sides[0].completed.len()), (None, 32));
    pair.weather.delay = (400 * MS, 400 * MS);
    for tag in 32..64 {
        pair.command(0, tag);
    }
    pair.run(20 * SECOND);
    assert!(pair.sides[0].transactions.counters().loads > 0);
    assert!(window(&pair).is_some_and(|size| size < 32), "{:?}", window(&pair));
    assert_eq!(pair.sides[0].completed.len(), 64);
}

#[test]
fn a_late_answer_after_an_outage_is_no_sign_of_load() {
    let mut pair = Pair::new(3);
    for id in commands(&mut pair, 3) {
        pair.run(8 * SECOND);
        answer(&mut pair, id, 200);
    }
    assert_eq!(window(&pair), None);
    let sent = pair.sent_by(0).len();
    pair.command(0, 10);
    pair.command(0, 11);
    assert_eq!(pair.sent_by(0).len(), sent + 2);
}

#[test]
fn no_command_waits_longer_than_it_may_nor_overtakes_one_that_waits() {
    let mut pair = Pair::new(4);
    let ids = commands(&mut pair, 2);
    answer(&mut pair, ids[0], 409);
    assert_eq!(window(&pair), Some(1));
    let first = pair.command(0, 10);
    pair.run(SECOND);
    let second = pair.command(0, 11);
    pair.run(10 * SECOND);
    let at = |id: TransactionId| {
        let start = format!("AUEP {id} ");
        pair.sent_by(0).iter().find(|sent| sent.text().starts_with(&start)).unwrap().at
    };
    assert_eq!(at(second) - at(first), SECOND);
    assert_eq!(pair.sides[0].transactions.counters().delayed, 2);
    pair.run(60 * SECOND);
    assert_eq!(pair.sides[0].timed_out.len(), 3, "the time of a command begins when it is sent");
}

#[test]
fn a_command_that_waits_can_be_withdrawn_and_is_never_sent() {
    let mut pair = Pair::new(5);
    let ids = commands(&mut pair, 2);
    answer(&mut pair, ids[0], 409);
    let late = pair.command(0, 10);
    let now = pair.now;
    assert_eq!(pair.sides[0].transactions.abort(now, late), Some(10));
    assert_eq!(waiting(&pair), 0);
    answer(&mut pair, ids[1], 200);
    pair.run(60 * SECOND);
    assert!(!pair.log.iter().any(|sent| sent.text().contains(&format!(" {late} "))));
}

#[test]
fn the_patience_with_a_lost_acknowledgement_is_that_with_a_lost_answer() {
    let timers = ProtocolTimers { rto_max: 300 * MS, ..ProtocolTimers::default() };
    let mut pair = Pair::with(6, &timers, &TransactionLimits::default());
    pair.sides[1].service = Service::Announced(SECOND);
    pair.inject(address(1), 1, &notify(5));
    pair.weather = Weather::DEAD;
    pair.run(20 * SECOND);
    assert_eq!(codes(&pair, 1).iter().filter(|code| *code == "200").count(), 8, "Max2 repetitions");
    pair.inject(address(1), 1, b"000 5\r\n");
    assert_eq!(pair.sides[1].transactions.counters().confirmations, 1, "it may come late");
}
