//! What one peer says of its transactions is nothing of another's, and the bounds of what is kept (RFC 3525 section 8, Annex D.1).

use strowger_megaco::message::{Caseless, Mid, ReplyResult};
use strowger_megaco::transaction::{PeerConfig, Route, Transport};
use strowger_sansio::Duration;

use super::support::{self, CONTROLLER, GATEWAY, Habit, World, notify};

const SECOND: Duration = Duration::from_secs(1);

fn third() -> Route {
    Route::udp("192.0.2.3:2944".parse().unwrap())
}

/// A side knows a third entity as well.
fn introduce(world: &mut World, side: usize) {
    let mid = Mid::Domain(Caseless::new("other"), None).into();
    world.sides[side].layer.add_peer(PeerConfig { mid: Some(mid), ..PeerConfig::at(third()) });
}

fn request(id: u32) -> String {
    format!("!/1 <gw1.town>\nT={id}{{C=-{{N=aaln/1{{OE=1{{20260101T12000000:al/of}}}}}}}}")
}

#[test]
fn a_reply_or_a_pending_of_another_peer_is_nothing() {
    let mut world = World::plain(Transport::Udp);
    introduce(&mut world, GATEWAY);
    world.weather.loss = 1.0;
    let id = world.request(GATEWAY, "aaln/1", 7);
    for text in [
        format!("!/1 <other>\nP={id}{{C=-{{N=aaln/1}}}}"),
        format!("!/1 <other>\nP={id}{{ER=500{{}}}}"),
        format!("!/1 <other>\nPN={id}{{}}"),
    ] {
        world.deliver_from(GATEWAY, third(), text.as_bytes());
        let own = &world.sides[GATEWAY];
        assert!(own.replies.is_empty() && own.log.is_empty(), "{text}: {:?}", own.log);
        assert_eq!(own.layer.outstanding(), 1);
    }
    world.deliver(GATEWAY, format!("!/1 <town>\nP={id}{{C=-{{N=aaln/1}}}}").as_bytes());
    assert_eq!(world.sides[GATEWAY].replies, [(7, 1)].into());
}

#[test]
fn an_acknowledgement_of_another_peer_takes_no_reply_out_of_the_memory() {
    let mut world = World::plain(Transport::Udp);
    introduce(&mut world, CONTROLLER);
    world.deliver(CONTROLLER, request(9).as_bytes());
    world.deliver_from(CONTROLLER, third(), b"!/1 <other>\nK{9}");
    world.deliver(CONTROLLER, request(9).as_bytes());
    assert_eq!(world.sides[CONTROLLER].sent.len(), 2, "its duplicate is answered as before");
    world.deliver(CONTROLLER, b"!/1 <gw1.town>\nK{9}");
    world.deliver(CONTROLLER, request(9).as_bytes());
    assert_eq!(world.sides[CONTROLLER].sent.len(), 2);
    assert_eq!(world.sides[CONTROLLER].executed["aaln/1"], 1);
}

#[test]
fn both_sides_may_use_the_same_number_and_so_may_two_peers() {
    let mut world = World::plain(Transport::Udp);
    introduce(&mut world, CONTROLLER);
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.deliver(CONTROLLER, request(9).as_bytes());
    let of_other = request(9).replace("gw1.town", "other");
    world.deliver_from(CONTROLLER, third(), of_other.as_bytes());
    assert_eq!(world.sides[CONTROLLER].executed["aaln/1"], 2);
    assert_eq!(world.sides[CONTROLLER].kept.len(), 2);
}

#[test]
fn an_acknowledgement_of_everything_costs_no_more_than_its_allowance() {
    let mut world = World::new(1, Transport::Udp, |side, _, limits| {
        if side == CONTROLLER {
            limits.confirmed = 10;
        }
    });
    for id in 1..=20 {
        world.deliver(CONTROLLER, request(id).as_bytes());
    }
    world.deliver(CONTROLLER, b"!/1 <gw1.town>\nK{1-4294967294}");
    let before = world.sides[CONTROLLER].sent.len();
    for id in 1..=20 {
        world.deliver(CONTROLLER, request(id).as_bytes());
    }
    assert_eq!(world.sides[CONTROLLER].sent.len() - before, 10, "those that it did not reach");
    assert_eq!(world.sides[CONTROLLER].executed["aaln/1"], 20);
}

#[test]
fn what_was_received_is_acknowledged_while_the_peer_remembers_it_and_in_ranges() {
    let mut world = World::plain(Transport::Udp);
    world.request(GATEWAY, "aaln/1", 1);
    world.run(29 * SECOND);
    world.request(GATEWAY, "aaln/1", 2);
    assert!(world.text(GATEWAY, 1).contains("K{"), "{}", world.text(GATEWAY, 1));
    world.run(31 * SECOND);
    world.request(GATEWAY, "aaln/1", 3);
    assert!(!world.text(GATEWAY, 2).contains("K{"), "LONG-TIMER is over: {}", world.text(GATEWAY, 2));
    // What is acknowledged once is not acknowledged again.
    world.run(SECOND);
    world.request(GATEWAY, "aaln/1", 4);
    let (third, fourth) = (world.text(GATEWAY, 2), world.text(GATEWAY, 3));
    let number = third.split("T=").nth(1).unwrap().split('{').next().unwrap();
    assert!(fourth.contains(&format!("K{{{number}}}")), "{fourth}");
}

#[test]
fn a_reply_whose_acknowledgement_does_not_come_is_repeated_until_t_max_and_does_no_harm() {
    let mut world = World::plain(Transport::Udp);
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.deliver(CONTROLLER, request(9).as_bytes());
    let token = world.sides[CONTROLLER].kept.pop().unwrap();
    let now = world.now;
    world.sides[CONTROLLER].layer.defer(now, &token);
    world.weather.loss = 1.0;
    let result = ReplyResult::Actions(support::accept_all(&notify("aaln/1")).into());
    world.sides[CONTROLLER].layer.respond(now, token, result).unwrap();
    world.flush(CONTROLLER);
    world.run(20 * SECOND);
    let until_t_max = world.sides[CONTROLLER].sent.len();
    assert!(until_t_max >= 5, "{until_t_max}");
    world.run(60 * SECOND);
    assert!(world.sides[CONTROLLER].sent.len() <= until_t_max + 1);
    let own = &world.sides[CONTROLLER];
    assert!(own.log.is_empty() && own.failures.is_empty(), "{:?}", own.log);
    // One that is acknowledged is not repeated at all.
    let mut world = World::plain(Transport::Udp);
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.deliver(CONTROLLER, request(9).as_bytes());
    let token = world.sides[CONTROLLER].kept.pop().unwrap();
    let now = world.now;
    world.sides[CONTROLLER].layer.defer(now, &token);
    let result = ReplyResult::Actions(support::accept_all(&notify("aaln/1")).into());
    world.sides[CONTROLLER].layer.respond(now, token, result).unwrap();
    world.flush(CONTROLLER);
    world.deliver(CONTROLLER, b"!/1 <gw1.town>\nK{9}");
    let before = world.sides[CONTROLLER].sent.len();
    world.run(60 * SECOND);
    assert_eq!(world.sides[CONTROLLER].sent.len(), before);
    assert_eq!(world.sides[CONTROLLER].log, ["acknowledged"]);
}

#[test]
fn so_many_replies_await_their_acknowledgement_and_no_more() {
    let mut world = World::new(1, Transport::Udp, |side, _, limits| {
        if side == CONTROLLER {
            limits.awaiting_acknowledgement = 1;
        }
    });
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.weather.loss = 1.0;
    for id in [9, 10] {
        world.deliver(CONTROLLER, request(id).as_bytes());
        let token = world.sides[CONTROLLER].kept.pop().unwrap();
        let now = world.now;
        world.sides[CONTROLLER].layer.defer(now, &token);
        let result = ReplyResult::Actions(support::accept_all(&notify("aaln/1")).into());
        world.sides[CONTROLLER].layer.respond(now, token, result).unwrap();
        world.flush(CONTROLLER);
    }
    world.run(15 * SECOND);
    let texts: Vec<_> =
        (0..world.sides[CONTROLLER].sent.len()).map(|at| world.text(CONTROLLER, at)).collect();
    let of = |start: &str| texts.iter().filter(|text| text.contains(start)).count();
    assert!(of("P=9{") > 3 && of("P=10{") == 1, "{texts:?}");
}
