//! Several messages in one datagram (RFC 3435 section 3.5.5).

use std::time::Duration;

use strowger_mgcp::message::TransactionId;
use strowger_mgcp::transaction::ChainId;

use crate::pair::{Pair, Weather, address};

const SECOND: Duration = Duration::from_secs(1);

fn notify(pair: &mut Pair, tag: u32) -> TransactionId {
    let now = pair.now;
    let side = &mut pair.sides[0];
    let build = |id: TransactionId| {
        format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\nX: {tag}\r\nO: D/{tag}\r\n").into_bytes()
    };
    let id = side.transactions.send_in_order(now, side.peer, ChainId(1), build, tag);
    pair.flush();
    id
}

/// The identifiers of the messages in a datagram.
fn ids(text: &str) -> Vec<String> {
    let message = |message: &str| message.split(' ').nth(1).unwrap_or_default().trim().to_owned();
    text.split(".\r\n").map(message).collect()
}

#[test]
fn each_message_of_a_datagram_is_executed_in_order_and_answered_although_one_is_broken() {
    let mut pair = Pair::new(1);
    let datagram = b"AUEP 1 aaln/1@gw1.town MGCP 1.0\r\n.\r\nAUEP 2 aaln/1 MGCP 1.0\r\n.\r\nAUEP 3 aaln/1@gw1.town MGCP 1.0\r\n";
    pair.inject(address(1), 1, datagram);
    assert_eq!(pair.sides[1].executed.len(), 2);
    assert_eq!(pair.log.len(), 1, "the answers share a datagram as well");
    assert_eq!(ids(pair.log[0].text()), ["1", "2", "3"]);
}

#[test]
fn a_chained_command_travels_behind_those_that_are_outstanding_in_every_transmission() {
    let mut pair = Pair::new(1);
    pair.weather = Weather::DEAD;
    let chain: Vec<_> = (1..=3).map(|tag| notify(&mut pair, tag).to_string()).collect();
    pair.run(3 * SECOND);
    let sent: Vec<_> = pair.sent_by(0).iter().map(|sent| ids(sent.text())).collect();
    assert_eq!(sent[0], chain[..1]);
    assert_eq!(sent[1], chain[..2]);
    assert!(sent.len() > 3 && sent[2..].iter().all(|ids| *ids == chain), "{sent:?}");
    // Each has its own end.
    pair.inject(address(2), 0, format!("200 {} OK\r\n", chain[0]).as_bytes());
    let before = pair.sent_by(0).len();
    pair.run(5 * SECOND);
    assert!(pair.sent_by(0)[before..].iter().all(|sent| ids(sent.text()) == chain[1..]));
    pair.run(100 * SECOND);
    assert_eq!(pair.sides[0].completed.len(), 1);
    assert_eq!(pair.sides[0].timed_out.len(), 2);
}

#[test]
fn the_delay_of_a_command_that_was_sent_again_behind_another_is_not_measured() {
    let mut pair = Pair::new(1);
    pair.weather.delay = (Duration::from_millis(80), Duration::from_millis(80));
    notify(&mut pair, 1);
    pair.run(Duration::from_millis(100));
    notify(&mut pair, 2);
    pair.run(Duration::from_millis(80));
    let peer = pair.sides[0].peer;
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    assert_eq!(pair.sides[0].transactions.answering_time(peer), None, "the first went out twice");
    pair.run(SECOND);
    assert_eq!(pair.sides[0].transactions.answering_time(peer), Some(Duration::from_millis(160)));
}

#[test]
fn chained_commands_arrive_in_order_through_loss_and_reordering() {
    for seed in 0..50 {
        let mut pair = Pair::new(seed);
        pair.weather =
            Weather { loss: 0.4, duplication: 0.3, delay: (Duration::ZERO, Duration::from_millis(600)) };
        for tag in 1..=6 {
            notify(&mut pair, tag);
            pair.run(Duration::from_millis(50));
        }
        pair.run(200 * SECOND);
        let order = &pair.sides[1].order;
        assert!(order.is_sorted(), "seed {seed}: {order:?}");
        assert_eq!(order.len(), 6, "seed {seed}");
    }
}
