//! Sent commands are repeated with back-off, and given up in the end (RFC 3435 sections 3.5.3 and 4.3).

use std::time::Duration;

use strowger_mgcp::message::TransactionRange;
use strowger_mgcp::transaction::{ProtocolTimers, TransactionLimits};

use crate::pair::{Pair, Weather, address};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The times between the transmissions of side 0.
fn gaps(pair: &Pair) -> Vec<Duration> {
    pair.sent_by(0).windows(2).map(|pair| pair[1].at - pair[0].at).collect()
}

#[test]
fn an_unanswered_command_is_repeated_seven_times_with_growing_pauses_and_unchanged_bytes() {
    let mut pair = Pair::new(3);
    pair.weather = Weather::DEAD;
    pair.command(0, 1);
    pair.run(59 * SECOND);
    let sent = pair.sent_by(0);
    assert_eq!(sent.len(), 8);
    assert!(sent.iter().all(|copy| copy.bytes == sent[0].bytes));
    let mut delay = 200 * MS;
    let gaps = gaps(&pair);
    assert_eq!(gaps[0], delay);
    for gap in &gaps[1..] {
        delay *= 2;
        assert!(*gap >= (delay / 2).min(4 * SECOND) && *gap <= delay.min(4 * SECOND), "{gap:?} of {delay:?}");
    }
    assert!(pair.sent_by(0).last().unwrap().at - sent[0].at <= 20 * SECOND);
    assert_eq!((pair.sides[0].suspicions, pair.sides[0].exhausted.as_slice()), (1, &[1][..]));
    assert_eq!(pair.sides[0].disconnections, 0, "a final response may come until twice T-HIST");
    pair.run(2 * SECOND);
    assert_eq!(pair.sides[0].timed_out.get(&1), Some(&1));
    assert_eq!(pair.sides[0].disconnections, 1);
}

#[test]
fn nothing_is_repeated_after_t_max() {
    let timers = ProtocolTimers { max1: 50, max2: 60, ..ProtocolTimers::default() };
    let mut pair = Pair::with(3, &timers, &TransactionLimits::default());
    pair.weather = Weather::DEAD;
    pair.command(0, 1);
    pair.run(61 * SECOND);
    let sent = pair.sent_by(0);
    assert!(sent.last().unwrap().at - sent[0].at <= timers.t_max);
    assert!(sent.last().unwrap().at - sent[0].at > timers.t_max - timers.rto_max);
    assert_eq!(pair.sides[0].timed_out.get(&1), Some(&1));
}

#[test]
fn a_late_answer_ends_the_command_although_nothing_is_repeated_any_more() {
    let mut pair = Pair::new(3);
    pair.weather = Weather::DEAD;
    let id = pair.command(0, 1);
    pair.run(40 * SECOND);
    pair.inject(address(2), 0, format!("200 {id} OK\r\n").as_bytes());
    pair.run(60 * SECOND);
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    assert!(pair.sides[0].timed_out.is_empty());
    pair.inject(address(2), 0, format!("200 {id} OK\r\n").as_bytes());
    assert_eq!((pair.sides[0].completed.get(&1), pair.sides[0].strays), (Some(&1), 1));
}

#[test]
fn the_timer_adapts_to_a_distant_peer_and_only_to_answers_that_prove_something() {
    let mut pair = Pair::new(4);
    pair.weather.delay = (400 * MS, 400 * MS);
    pair.command(0, 0);
    pair.run(5 * SECOND);
    assert_eq!(pair.sides[0].transactions.counters().retransmissions, 2);
    let peer = pair.sides[0].peer;
    assert_eq!(pair.sides[0].transactions.answering_time(peer), None, "Karn's rule");
    // The next command inherits the timer of the retransmission that was answered, and now measures.
    for tag in 1..20 {
        pair.command(0, tag);
        pair.run(5 * SECOND);
    }
    assert_eq!(pair.sides[0].transactions.answering_time(peer), Some(800 * MS));
    assert!(pair.sides[0].transactions.counters().retransmissions < 6);
    let before = pair.sent_by(0).len();
    pair.command(0, 99);
    pair.run(5 * SECOND);
    assert_eq!(pair.sent_by(0).len(), before + 1);
}

#[test]
fn the_random_part_separates_peers_that_were_disturbed_together() {
    let gaps: Vec<_> = (0..20)
        .map(|seed| {
            let mut pair = Pair::new(seed);
            pair.weather = Weather::DEAD;
            pair.command(0, 1);
            pair.run(SECOND);
            gaps(&pair)[1]
        })
        .collect();
    let distinct: std::collections::BTreeSet<_> = gaps.iter().collect();
    assert_eq!(distinct.len(), gaps.len());
}

#[test]
fn a_forged_answer_does_not_end_a_command() {
    let mut pair = Pair::new(5);
    pair.weather = Weather::DEAD;
    let id = pair.command(0, 1);
    let right = format!("200 {id} OK\r\n");
    pair.inject(address(9), 0, right.as_bytes());
    assert!(pair.sides[0].completed.is_empty(), "a stranger with the right number");
    let wrong = format!("200 {} OK\r\n", id.get() % 999_999_999 + 1);
    pair.inject(address(2), 0, wrong.as_bytes());
    assert!(pair.sides[0].completed.is_empty(), "the peer with a wrong number");
    pair.inject(address(2), 0, right.as_bytes());
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
}

#[test]
fn another_peers_answer_does_not_end_a_command() {
    use strowger_mgcp::transaction::PeerConfig;
    let mut pair = Pair::new(5);
    pair.weather = Weather::DEAD;
    let config = PeerConfig::at(address(7));
    pair.sides[0].transactions.add_peer(config);
    let id = pair.command(0, 1);
    pair.inject(address(7), 0, format!("200 {id} OK\r\n").as_bytes());
    assert!(pair.sides[0].completed.is_empty());
    assert_eq!(pair.sides[0].transactions.counters().wrong_peer, 1);
    assert!(pair.sides[0].transactions.is_outstanding(id));
}

#[test]
fn an_answer_from_another_address_of_the_peer_counts() {
    let mut pair = Pair::new(5);
    pair.weather = Weather::DEAD;
    let peer = pair.sides[0].peer;
    let mut config = pair.sides[0].transactions.peer(peer).clone();
    config.others.push(address(8));
    pair.sides[0].transactions.configure_peer(peer, config);
    let id = pair.command(0, 1);
    pair.inject(address(8), 0, format!("200 {id} OK\r\n").as_bytes());
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
}

#[test]
fn a_withdrawn_command_is_not_repeated_and_its_answer_is_a_stray() {
    let mut pair = Pair::new(6);
    pair.weather = Weather::DEAD;
    let id = pair.command(0, 1);
    let now = pair.now;
    assert_eq!(pair.sides[0].transactions.abort(now, id), Some(1));
    pair.run(100 * SECOND);
    assert_eq!(pair.sent_by(0).len(), 1);
    pair.inject(address(2), 0, format!("200 {id} OK\r\n").as_bytes());
    assert!(pair.sides[0].completed.is_empty() && pair.sides[0].timed_out.is_empty());
    assert_eq!(pair.sides[0].strays, 1);
}

#[test]
fn confirmations_name_each_answered_command_once_and_only_while_it_is_remembered() {
    let mut pair = Pair::new(7);
    let first = pair.command(0, 1);
    pair.run(SECOND);
    let (now, peer) = (pair.now, pair.sides[0].peer);
    let transactions = &mut pair.sides[0].transactions;
    assert_eq!(transactions.confirmations(now, peer, 4), [TransactionRange { first, last: first }]);
    assert!(transactions.confirmations(now, peer, 4).is_empty());
    pair.command(0, 2);
    pair.run(31 * SECOND);
    let now = pair.now;
    assert!(pair.sides[0].transactions.confirmations(now, peer, 4).is_empty());
}

#[test]
fn confirmations_go_to_the_peer_whose_response_they_name() {
    use strowger_mgcp::transaction::PeerConfig;
    let mut pair = Pair::new(7);
    let other = pair.sides[0].transactions.add_peer(PeerConfig::at(address(7)));
    let answered = pair.command(0, 1);
    pair.run(SECOND);
    let (now, peer) = (pair.now, pair.sides[0].peer);
    let transactions = &mut pair.sides[0].transactions;
    assert!(transactions.confirmations(now, other, 4).is_empty());
    assert_eq!(
        transactions.confirmations(now, peer, 4),
        [TransactionRange { first: answered, last: answered }]
    );
}

#[test]
fn an_identifier_rests_three_minutes_at_twenty_thousand_commands_a_second() {
    use strowger_sansio::{Epoch, IdSpace, NodeId, Rng};
    let mut ids = IdSpace::new(1, 999_999_999, NodeId(3), Epoch(5), &mut Rng::from_number(1));
    let mut drawn: Vec<_> = (0..20_000 * 180).map(|_| ids.draw()).collect();
    let count = drawn.len();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), count);
}
