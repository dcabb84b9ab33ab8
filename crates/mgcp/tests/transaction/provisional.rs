//! Provisional responses, LONGTRAN and the acknowledgement of final responses (RFC 3435 section 3.5.6).

use std::time::Duration;

use strowger_mgcp::message::TransactionRange;
use strowger_mgcp::transaction::{ProtocolTimers, TimerConflict};

use crate::pair::{Pair, Service, Weather, address};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn texts(pair: &Pair, side: usize) -> Vec<String> {
    pair.sent_by(side).iter().map(|sent| sent.text().to_owned()).collect()
}

#[test]
fn a_duplicate_of_an_executing_command_is_answered_with_100() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Slow(SECOND);
    let id = pair.command(0, 1);
    pair.run(10 * SECOND);
    let answers = texts(&pair, 1);
    assert!(answers[0].starts_with(&format!("100 {id}")), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.starts_with(&format!("200 {id} OK\r\nK:"))), "{answers:?}");
    assert_eq!(pair.sides[1].executed.get(&id), Some(&1));
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
}

#[test]
fn an_announced_command_is_repeated_slowly_and_its_final_response_is_acknowledged() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Announced(7 * SECOND);
    let id = pair.command(0, 1);
    pair.run(60 * SECOND);
    assert_eq!(pair.sides[0].provisional.get(&1), Some(&2));
    let commands = pair.sent_by(0);
    assert_eq!(commands.len(), 3, "the command, one repetition after LONGTRAN, and the acknowledgement");
    assert_eq!(commands[1].at - commands[0].at, 5 * SECOND + 20 * MS);
    assert!(commands[2].text().starts_with(&format!("000 {id}")));
    let answers = texts(&pair, 1);
    assert_eq!(answers[0], format!("100 {id} Wait\r\nI: abc\r\n"));
    assert_eq!(answers[1], answers[0], "the duplicate gets the same provisional response");
    assert_eq!(answers[2..], [format!("200 {id} OK\r\nK:\r\n")]);
}

#[test]
fn a_lost_final_response_is_repeated_by_its_sender_without_being_asked() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Announced(SECOND);
    pair.command(0, 1);
    pair.run(900 * MS);
    pair.weather = Weather::DEAD;
    pair.run(200 * MS);
    pair.weather = Weather::CALM;
    pair.run(SECOND);
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    assert!(pair.sides[1].transactions.counters().final_retransmissions >= 1);
    assert_eq!(pair.sent_by(0).len(), 2, "the command and the acknowledgement");
}

#[test]
fn a_repeated_final_response_is_acknowledged_again_when_the_first_acknowledgement_was_lost() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Announced(SECOND);
    pair.command(0, 1);
    pair.run(1015 * MS);
    assert!(pair.sides[0].completed.is_empty());
    pair.weather = Weather { loss: 1.0, ..pair.weather };
    pair.run(10 * MS);
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    pair.weather = Weather::CALM;
    pair.run(10 * SECOND);
    assert_eq!(texts(&pair, 0).iter().filter(|text| text.starts_with("000")).count(), 2);
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    assert_eq!(pair.sides[1].transactions.counters().confirmations, 1);
}

#[test]
fn a_peer_that_never_acknowledges_is_neither_pestered_for_ever_nor_disconnected() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Announced(SECOND);
    pair.inject(address(1), 1, b"AUEP 5 aaln/1@gw1.town MGCP 1.0\r\n");
    pair.weather = Weather::DEAD;
    pair.run(100 * SECOND);
    let finals = texts(&pair, 1).iter().filter(|text| text.starts_with("200")).count();
    assert!((6..=12).contains(&finals), "{finals}");
    let sent = pair.sent_by(1);
    assert!(sent.last().unwrap().at - sent[1].at <= 20 * SECOND);
    assert_eq!(pair.sides[1].disconnections, 0);
    assert_eq!(pair.sides[1].transactions.poll_timeout(), None);
}

#[test]
fn an_acknowledgement_is_never_answered_and_of_nothing_does_nothing() {
    let mut pair = Pair::new(1);
    pair.inject(address(1), 1, b"000 5\r\n");
    pair.inject(address(1), 1, b"000 5\r\nK:\r\n");
    assert!(pair.log.is_empty());
    assert_eq!(pair.sides[1].strays, 2);
}

#[test]
fn a_command_that_executes_too_long_is_answered_with_406() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Slow(1000 * SECOND);
    let id = pair.command(0, 1);
    pair.run(15 * SECOND);
    assert!(texts(&pair, 1).iter().any(|text| text.starts_with(&format!("406 {id}"))));
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    assert_eq!(pair.sides[1].transactions.counters().execution_timeouts, 1);
    // The answer that comes in the end has nowhere to go.
    let before = pair.sent_by(1).len();
    pair.run(1100 * SECOND);
    assert_eq!(pair.sent_by(1).len(), before);
}

#[test]
fn silence_after_a_provisional_response_ends_after_twice_t_hist() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Announced(8 * SECOND);
    pair.command(0, 1);
    pair.run(SECOND);
    pair.weather = Weather::DEAD;
    pair.run(58 * SECOND);
    assert!(pair.sides[0].timed_out.is_empty() && pair.sides[0].exhausted.is_empty());
    let sent = pair.sent_by(0);
    assert!(sent.last().unwrap().at - sent[0].at <= 20 * SECOND, "T-MAX holds here too");
    pair.run(2 * SECOND);
    assert_eq!(pair.sides[0].timed_out.get(&1), Some(&1));
    assert_eq!(pair.sides[0].disconnections, 1);
}

#[test]
fn a_flood_of_provisional_responses_holds_a_command_no_longer_than_silence_does() {
    let mut pair = Pair::new(12);
    pair.weather = Weather::DEAD;
    let id = pair.command(0, 1);
    let start = pair.now;
    while pair.sides[0].timed_out.is_empty() {
        for _ in 0..100 {
            pair.inject(address(2), 0, format!("100 {id} PENDING\r\n").as_bytes());
        }
        pair.run(500 * MS);
        assert!(pair.now - start <= 61 * SECOND, "twice T-HIST, and not for ever");
    }
    let sent = pair.sent_by(0);
    assert!(sent.len() <= 2, "what is announced is repeated when nothing more is heard: {}", sent.len());
    assert_eq!(pair.sides[0].timed_out.get(&1), Some(&1));
    pair.inject(address(2), 0, format!("100 {id} PENDING\r\n").as_bytes());
    assert!(!pair.sides[0].transactions.is_outstanding(id));
}

#[test]
fn a_provisional_response_is_not_confirmed() {
    let mut pair = Pair::new(1);
    pair.sides[1].service = Service::Announced(7 * SECOND);
    pair.command(0, 1);
    pair.run(SECOND);
    assert_eq!(pair.sides[0].provisional.get(&1), Some(&1));
    let (now, peer) = (pair.now, pair.sides[0].peer);
    assert!(pair.sides[0].transactions.confirmations(now, peer, 4).is_empty());
    pair.sides[1].service = Service::Immediate;
    let answered = pair.command(0, 2);
    pair.run(SECOND);
    let confirmed = pair.sides[0].transactions.confirmations(pair.now, peer, 4);
    assert_eq!(confirmed, [TransactionRange { first: answered, last: answered }], "the final one is");
}

#[test]
fn timers_that_contradict_each_other_are_named() {
    use TimerConflict::*;
    let timers = ProtocolTimers::default;
    let good = timers();
    assert_eq!(good.check(), Ok(()));
    for (bad, conflict) in [
        (ProtocolTimers { longtran: good.t_hist, ..timers() }, LongTransactionAboveHistory),
        (ProtocolTimers { execution: good.t_hist + SECOND, ..timers() }, ExecutionAboveHistory),
        (ProtocolTimers { t_hist: good.t_max, ..timers() }, HistoryBelowMaximum),
        (ProtocolTimers { max1: good.max2, ..timers() }, SuspicionAboveDisconnection),
        (ProtocolTimers { tdinit: good.tdmax + SECOND, ..timers() }, DisconnectedOutOfBounds),
    ] {
        assert_eq!(bad.check(), Err(conflict));
    }
}
