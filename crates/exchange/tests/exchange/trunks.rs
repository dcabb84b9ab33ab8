//! Trunks as ways that calls are spread over: groups, their order and their room, and peers that take no calls.

use strowger_exchange::{Inventory, RouteEntry, RouteTarget, TrunkEntry, TrunkGroupEntry};
use strowger_sansio::Duration;
use strowger_sip::agent;

use crate::sip_peer::{SipPeer, with_trunk};
use crate::world::{World, town};

/// A town whose numbers with a 9 go to a group of the peer's trunk and one to where nobody is, and then to 2004.
fn grouped(channels: Option<u32>, first: &str) -> Inventory {
    let mut town = with_trunk(town());
    town.trunk_groups.push(TrunkGroupEntry { id: "carriers".to_owned(), channels });
    town.trunks.push(TrunkEntry::sip("other", "127.0.0.31:5060".parse().unwrap()));
    for trunk in &mut town.trunks {
        trunk.group = Some("carriers".to_owned());
        trunk.priority = if trunk.id == first { 1 } else { 2 };
    }
    town.routes[0].to =
        vec![RouteTarget::TrunkGroup("carriers".to_owned()), RouteTarget::Line("2004".to_owned())];
    assert_eq!(town.check(), []);
    town
}

fn world(inventory: Inventory) -> World {
    let mut world = World::running(inventory);
    world.peer = Some(SipPeer::new(world.now));
    world
}

fn calls(world: &mut World) -> usize {
    world.peer.as_ref().unwrap().words().iter().filter(|word| *word == "INVITE").count()
}

/// The peer refuses the call that came last, with a status that may say when it takes calls again.
fn refuse(world: &mut World, cause: u8) {
    let now = world.now;
    let peer = world.peer.as_mut().unwrap();
    let session = peer.incoming();
    peer.agent.end(now, session, cause);
    world.settle();
}

#[test]
fn a_trunk_that_says_nothing_is_given_up_when_the_exchange_has_waited_long_enough() {
    let mut world = world(grouped(None, "other"));
    world.lift("2001");
    world.dial("2001", "95550102");
    world.pass(28);
    assert_eq!(calls(&mut world), 0, "it may answer still");
    // Before the transaction gives up by itself, in 32 s.
    world.pass(3);
    assert_eq!(calls(&mut world), 1);
    let now = world.now;
    world.peer.as_mut().unwrap().answer(now);
    world.settle();
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7000)));
    world.hang_up("2001");
    world.pass(60);
    world.end();
}

#[test]
fn the_trunk_with_the_lower_number_is_tried_first_and_the_next_when_it_takes_no_call() {
    let mut world = world(grouped(None, "carrier"));
    world.lift("2001");
    world.dial("2001", "95550102");
    assert_eq!(calls(&mut world), 1);
    // 503: its own way has no room.
    refuse(&mut world, 34);
    assert_eq!(world.hears("2004"), "", "the other trunk is tried first");
    // There nobody answers at all.
    world.pass(40);
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    world.hang_up("2001");
    world.hang_up("2004");
    world.pass(40);
    world.end();
}

#[test]
fn a_party_that_is_busy_is_sought_by_no_other_trunk() {
    let mut world = world(grouped(None, "carrier"));
    world.lift("2001");
    world.dial("2001", "95550102");
    refuse(&mut world, 17);
    assert!(world.hears("2001").contains("L/bz"), "{}", world.hears("2001"));
    assert_eq!(world.hears("2004"), "");
    world.hang_up("2001");
    world.pass(40);
    world.end();
}

#[test]
fn a_trunk_whose_peer_is_gone_is_not_tried_at_all() {
    let mut inventory = grouped(None, "other");
    inventory.trunks[1].probe = Some(Duration::from_secs(30));
    let mut world = world(inventory);
    world.pass(40);
    world.lift("2001");
    world.dial("2001", "95550102");
    assert_eq!(calls(&mut world), 1, "at once");
    world.hang_up("2001");
    world.pass(40);
    world.end();
}

#[test]
fn the_trunks_of_a_group_have_no_more_calls_than_the_group() {
    let mut world = world(grouped(Some(1), "carrier"));
    world.lift("2001");
    world.dial("2001", "95550102");
    assert_eq!(calls(&mut world), 1);
    world.lift("2002");
    world.dial("2002", "95550103");
    assert_eq!(calls(&mut world), 1, "there is no room for a second");
    assert!(world.hears("2004").starts_with("L/rg"));
    // Nor for one that comes.
    let now = world.now;
    let peer = world.peer.as_mut().unwrap();
    peer.call(now, "2003");
    world.settle();
    assert_eq!(world.peer.as_ref().unwrap().words().last().unwrap(), "503");
    for line in ["2001", "2002"] {
        world.hang_up(line);
    }
    world.pass(40);
    world.end();
}

#[test]
fn a_group_of_which_no_trunk_is_there_is_passed_over() {
    let mut inventory = grouped(None, "carrier");
    inventory.trunks[0].group = None;
    inventory.trunks[1].group = None;
    inventory.routes.push(RouteEntry { prefix: "8".to_owned(), ..inventory.routes[0].clone() });
    let mut world = world(inventory);
    world.lift("2001");
    world.dial("2001", "85550102");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.hang_up("2001");
    world.end();
}

#[test]
fn a_peer_that_names_a_time_for_its_next_call_has_none_before() {
    let mut inventory = grouped(None, "carrier");
    inventory.limits.calls = 100;
    let mut world = world(inventory);
    // The peer takes no session at all.
    let now = world.now;
    let mut config = world.peer.as_ref().unwrap().agent.config().clone();
    config.sessions = 0;
    world.peer.as_mut().unwrap().agent =
        agent::UserAgent::new(now, config, strowger_sansio::Rng::from_number(9));
    world.lift("2001");
    world.dial("2001", "95550102");
    assert_eq!(world.peer.as_ref().unwrap().words(), ["INVITE", "ACK"]);
    world.hang_up("2001");
    world.lift("2001");
    world.dial("2001", "95550102");
    assert_eq!(calls(&mut world), 1, "it has said that it takes calls in 5 s");
    world.hang_up("2001");
    world.pass(6);
    world.lift("2001");
    world.dial("2001", "95550102");
    assert_eq!(calls(&mut world), 2);
    world.hang_up("2001");
    world.pass(40);
    world.end();
}
