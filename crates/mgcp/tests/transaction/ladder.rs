//! The addresses of a peer are tried one after the other, and the name service is asked for more (RFC 3435 section 4.3).

use std::net::SocketAddr;
use std::time::Duration;

use strowger_mgcp::transaction::{NameQueries, PeerConfig, ProtocolTimers, TransactionLimits};

use crate::pair::{Pair, Weather, address};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const NAME: &str = "ca.town:2727";

/// Where side 0 sent its commands to.
fn targets(pair: &Pair) -> Vec<SocketAddr> {
    pair.sent_by(0).iter().map(|sent| sent.to).collect()
}

fn named(seed: u64, queries: NameQueries) -> Pair {
    let timers = ProtocolTimers { queries, ..ProtocolTimers::default() };
    let mut pair = Pair::with(seed, &timers, &TransactionLimits::default());
    pair.configure(|config| config.name = Some(NAME.to_owned()));
    pair
}

#[test]
fn after_max1_repetitions_the_next_address_is_tried_and_its_answer_counts() {
    let mut pair = Pair::new(1);
    pair.configure(|config| {
        config.address = Some(address(8));
        config.others = vec![address(2)];
    });
    let id = pair.command(0, 1);
    pair.run(60 * SECOND);
    let mut expected = vec![address(8); 6];
    expected.push(address(2));
    assert_eq!(targets(&pair), expected, "the command, five repetitions, and once to the other address");
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    assert_eq!(pair.sides[1].executed.get(&id), Some(&1));
    // What answered is where the next command goes first.
    pair.command(0, 2);
    pair.run(SECOND);
    assert_eq!(pair.sent_by(0).last().unwrap().to, address(2));
    assert_eq!(pair.sides[0].completed.get(&2), Some(&1));
}

#[test]
fn the_timer_starts_anew_with_an_address_and_nothing_is_sent_after_t_max() {
    let mut pair = Pair::new(2);
    pair.weather = Weather::DEAD;
    pair.configure(|config| config.others = vec![address(7), address(8)]);
    pair.command(0, 1);
    pair.run(59 * SECOND);
    let sent = pair.sent_by(0);
    let first_to = |host| sent.iter().position(|sent| sent.to == address(host)).unwrap();
    let (second, third) = (first_to(7), first_to(8));
    assert_eq!((second, third), (6, 12), "Max1 repetitions to each but the last");
    assert_eq!(sent[second + 1].at - sent[second].at, 200 * MS);
    assert!(sent.last().unwrap().at - sent[0].at <= 20 * SECOND);
    assert_eq!(pair.sides[0].exhausted, [1]);
    pair.run(2 * SECOND);
    assert_eq!((pair.sides[0].timed_out.get(&1), pair.sides[0].disconnections), (Some(&1), 1));
}

#[test]
fn a_host_listed_with_any_port_is_listened_to_and_not_tried() {
    let mut pair = Pair::new(2);
    pair.weather = Weather::DEAD;
    pair.configure(|config| config.others = vec![SocketAddr::new(address(8).ip(), 0)]);
    pair.command(0, 1);
    pair.run(30 * SECOND);
    assert_eq!(targets(&pair), vec![address(2); 8]);
}

#[test]
fn the_name_is_asked_for_after_max1_and_after_max2_repetitions_and_then_nothing_is_left() {
    let mut pair = named(3, NameQueries::Both);
    pair.weather = Weather::DEAD;
    pair.command(0, 1);
    while pair.sides[0].questions.is_empty() {
        pair.run(10 * MS);
    }
    assert_eq!(targets(&pair).len(), 7, "the timer of the fifth repetition ran out: the sixth follows");
    pair.resolved(&[address(2)]);
    pair.run(30 * SECOND);
    let questions = &pair.sides[0].questions;
    assert_eq!(questions.len(), 2);
    assert!(questions.iter().all(|(_, name)| name == NAME));
    assert!(pair.sides[0].exhausted == [1], "the question was never answered, and T-MAX is over");
    assert_eq!(targets(&pair), vec![address(2); 8]);
    pair.run(40 * SECOND);
    assert_eq!(pair.sides[0].disconnections, 1);
}

#[test]
fn each_question_can_be_switched_off() {
    for (queries, number) in [
        (NameQueries::Both, 2),
        (NameQueries::AtMax1, 1),
        (NameQueries::AtMax2, 1),
        (NameQueries::Neither, 0),
    ] {
        let mut pair = named(3, queries);
        pair.weather = Weather::DEAD;
        pair.command(0, 1);
        let mut answered = 0;
        for _ in 0..600 {
            pair.run(100 * MS);
            if pair.sides[0].questions.len() > answered {
                answered += 1;
                pair.resolved(&[]);
            }
        }
        let times: Vec<_> = pair.sides[0].questions.iter().map(|(at, _)| *at).collect();
        assert_eq!(times.len(), number, "{queries:?}");
        assert_eq!(targets(&pair).len(), 8, "{queries:?}");
        if queries == NameQueries::AtMax2 {
            assert!(times[0] > pair.sent_by(0).last().unwrap().at);
        }
    }
}

#[test]
fn a_name_that_was_resolved_lately_is_not_asked_for_again() {
    let timers = ProtocolTimers { rto_max: 500 * MS, ..ProtocolTimers::default() };
    let mut pair = Pair::with(4, &timers, &TransactionLimits::default());
    pair.configure(|config| config.name = Some(NAME.to_owned()));
    pair.weather = Weather::DEAD;
    pair.resolved(&[address(2)]);
    pair.command(0, 1);
    pair.run(30 * SECOND);
    assert!(pair.sides[0].questions.is_empty(), "all repetitions took less than five seconds");
    assert_eq!(pair.sides[0].exhausted, [1]);
    pair.command(0, 2);
    pair.run(30 * SECOND);
    assert_eq!(pair.sides[0].questions.len(), 1, "not twice while the answer is awaited");
}

#[test]
fn an_address_that_the_name_service_finds_takes_over_and_may_answer() {
    for answered_at in [NameQueries::AtMax1, NameQueries::AtMax2] {
        let mut pair = named(5, answered_at);
        pair.configure(|config| config.address = Some(address(8)));
        pair.command(0, 1);
        while pair.sides[0].questions.is_empty() {
            pair.run(10 * MS);
        }
        let before = pair.sent_by(0).len();
        pair.inject(address(2), 0, b"NTFY 5 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n");
        assert_eq!(pair.sides[0].transactions.counters().unlisted, 1, "not listed yet");
        pair.run(300 * MS);
        pair.resolved(&[address(2)]);
        pair.run(30 * SECOND);
        assert_eq!(pair.sent_by(0)[before..].last().unwrap().to, address(2));
        assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
        assert!(pair.sides[0].exhausted.is_empty());
    }
}

#[test]
fn a_peer_that_is_known_by_name_alone_is_sent_to_as_soon_as_the_name_is_resolved() {
    let mut pair = named(6, NameQueries::Neither);
    pair.configure(|config| config.address = None);
    pair.command(0, 1);
    assert!(pair.log.is_empty());
    assert_eq!(pair.sides[0].questions.len(), 1);
    pair.resolved(&[]);
    pair.run(6 * SECOND);
    assert_eq!(pair.sides[0].questions.len(), 2, "asked again when the answer is stale");
    pair.resolved(&[address(2)]);
    pair.run(SECOND);
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    assert_eq!(targets(&pair), [address(2)]);
}

#[test]
fn a_peer_whose_name_is_never_resolved_is_given_up() {
    let mut pair = named(6, NameQueries::Both);
    pair.configure(|config| config.address = None);
    pair.command(0, 1);
    for _ in 0..30 {
        pair.resolved(&[]);
        pair.run(SECOND);
    }
    assert_eq!(pair.sides[0].exhausted, [1]);
    pair.run(31 * SECOND);
    assert_eq!(pair.sides[0].timed_out.get(&1), Some(&1));
    assert!(pair.log.is_empty());
}

#[test]
fn an_unreachable_address_is_left_at_once_and_the_last_one_is_not() {
    let mut pair = Pair::new(7);
    pair.weather = Weather::DEAD;
    pair.configure(|config| config.others = vec![address(8)]);
    let id = pair.command(0, 1);
    let now = pair.now;
    for host in [2, 2, 8, 8, 9] {
        pair.sides[0].transactions.handle_unreachable(now, address(host));
        pair.flush();
    }
    assert_eq!(targets(&pair), [address(2), address(8)], "one step, however many reports are forged");
    assert!(pair.sides[0].transactions.is_outstanding(id));
    pair.run(30 * SECOND);
    assert_eq!(targets(&pair).iter().filter(|to| **to == address(8)).count(), 8);
    pair.inject(address(2), 0, format!("200 {id} OK\r\n").as_bytes());
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1), "the address that was left may still answer");
}

#[test]
fn a_report_is_believed_that_quotes_a_command_without_an_answer() {
    let mut pair = Pair::new(7);
    pair.weather = Weather::DEAD;
    pair.configure(|config| config.others = vec![address(8)]);
    let id = pair.command(0, 1);
    let sent = pair.sent_by(0)[0].bytes.clone();
    let (now, number) = (pair.now, id.get());
    let tells = |pair: &mut Pair, host, quoted: &[u8]| {
        let is_believed = pair.sides[0].transactions.handle_undelivered(now, address(host), quoted);
        pair.flush();
        is_believed
    };
    let other = if number == 1 { 2 } else { number - 1 };
    for quoted in [
        &b""[..],
        b"RQNT",
        b"RQNT 1",
        b"200 1 OK\r\n",
        format!("RQNT {other} aaln/1").as_bytes(),
        format!("XXXX {number} ").as_bytes(),
        &sent[..sent.iter().position(|octet| *octet == b' ').unwrap() + 2],
    ] {
        assert!(!tells(&mut pair, 2, quoted), "{}", String::from_utf8_lossy(quoted));
    }
    assert!(!tells(&mut pair, 8, &sent), "it did not go there");
    assert!(!tells(&mut pair, 9, &sent), "nobody is there");
    assert_eq!(targets(&pair), [address(2)]);
    assert!(tells(&mut pair, 2, &sent[..24.min(sent.len())]));
    assert_eq!(targets(&pair), [address(2), address(8)], "the next address is tried at once");
    assert!(!tells(&mut pair, 2, &sent), "it is not on its way there any more");
    pair.inject(address(8), 0, format!("200 {id} OK\r\n").as_bytes());
    assert!(!tells(&mut pair, 8, &sent), "it is answered");
}

#[test]
fn a_command_is_not_directed_to_a_new_peer_after_t_max() {
    let mut pair = Pair::new(8);
    pair.weather = Weather::DEAD;
    let other = pair.sides[0].transactions.add_peer(PeerConfig::at(address(7)));
    let id = pair.command(0, 1);
    pair.run(21 * SECOND);
    let sent = pair.sent_by(0).len();
    let now = pair.now;
    pair.sides[0].transactions.redirect(now, id, other);
    pair.run(20 * SECOND);
    assert_eq!(pair.sent_by(0).len(), sent, "retransmissions cease after T-MAX");
    pair.inject(address(7), 0, format!("200 {id} OK\r\n").as_bytes());
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
}
