//! Calls whose media go through a packet relay.

use strowger_exchange::{Cause, DialectChoice, LineCondition, RelayEntry, StreamRole};
use strowger_mgcp::message::Verb;
use strowger_sansio::Duration;

use crate::world::{World, relayed_town};

/// Whether the relay joins two lines: each side sends where the relay receives, and the relay sends where
/// they receive.
pub(crate) fn joined(world: &World, one: &str, other: &str) -> bool {
    let stream = |number: &str| world.endpoint(number).connections.values().next().unwrap().clone();
    let (one, other) = (stream(one), stream(other));
    let relays = world.gateways[2].endpoints.values();
    let mut relay =
        relays.filter(|relay| relay.connections.values().any(|side| Some(side.port) == one.remote));
    let Some(relay) = relay.next() else { return false };
    let sides: Vec<_> = relay.connections.values().collect();
    sides.len() == 2
        && [&one, &other].into_iter().chain(sides.iter().copied()).all(|stream| stream.mode == "sendrecv")
        && sides.iter().any(|side| one.remote == Some(side.port) && side.remote == Some(one.port))
        && sides.iter().any(|side| other.remote == Some(side.port) && side.remote == Some(other.port))
}

#[test]
fn the_relay_stands_between_the_parties() {
    let mut world = World::with_relay(4);
    world.ring("2001", "2004");
    world.lift("2004");
    assert!(joined(&world, "2001", "2004"));
    world.ring("2002", "2005");
    world.lift("2005");
    assert!(joined(&world, "2001", "2004") && joined(&world, "2002", "2005"));
    world.hang_up("2002");
    assert!(joined(&world, "2001", "2004"));
    world.hang_up("2001");
    assert_eq!(world.gateways[2].connections().count(), 0);
    let world = world.end();
    use StreamRole::{Called, Calling, RelayCalled, RelayCalling};
    for record in &world.ended {
        let roles: Vec<_> = record.media.iter().map(|stream| stream.role).collect();
        assert_eq!(roles, [Calling, RelayCalling, RelayCalled, Called]);
        assert!(record.media.iter().all(|stream| stream.statistics.is_some()));
        assert_eq!(record.media[1].termination.gateway, "relay");
    }
}

#[test]
fn a_relay_without_a_free_endpoint_gives_congestion() {
    let mut world = World::with_relay(1);
    world.ring("2001", "2004");
    world.lift("2002");
    world.dial("2002", "2005");
    assert_eq!(world.hears("2002"), "L/ro");
    assert_eq!(world.line("2005").condition, LineCondition::Idle);
    assert_eq!(world.ended[0].cause, Cause::NO_CIRCUIT_AVAILABLE);
    world.end();
}

#[test]
fn every_step_of_the_relay_may_fail_without_leaving_anything() {
    for (verb, after) in [(Verb::Crcx, 0), (Verb::Crcx, 1), (Verb::Mdcx, 0)] {
        let mut world = World::with_relay(2);
        world.lift("2001");
        let endpoint = if after == 0 && verb == Verb::Crcx { "relay/$" } else { "relay/1" };
        world.gateways[2].refuse(verb, endpoint, 403, 1);
        world.dial("2001", "2004");
        assert_eq!(world.hears("2001"), "L/ro", "{verb:?} {after}");
        assert_eq!(world.hears("2004"), "");
        let left: usize = world.gateways.iter().map(|gateway| gateway.connections().count()).sum();
        assert_eq!(left, 0, "{verb:?} {after}");
        assert_eq!(world.end_with_record().cause, Cause::NO_CIRCUIT_AVAILABLE);
    }
}

#[test]
fn a_relay_that_is_not_there_fails_calls_and_nothing_else() {
    let mut world = World::with_relay(2);
    world.gateways[2].dead = true;
    world.pass(90);
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
    world.hang_up("2001");
    world.gateways[2].dead = false;
    world.pass(30);
    world.ring("2001", "2004");
    world.end();
}

#[test]
fn a_relay_that_dies_in_a_call_ends_it_and_is_swept_when_it_returns() {
    let mut world = World::with_relay(2);
    world.ring("2001", "2004");
    world.lift("2004");
    world.gateways[2].dead = true;
    world.pass(90);
    assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
    assert_eq!(world.gateways[2].connections().count(), 2);
    world.gateways[2].dead = false;
    world.pass(30);
    assert_eq!(world.gateways[2].connections().count(), 0);
    world.end();
}

#[test]
fn a_creation_on_any_relay_whose_answer_is_lost_is_deleted_by_its_call() {
    let mut world = World::with_relay(2);
    world.lift("2001");
    world.gateways[2].swallowed = vec![Verb::Crcx];
    world.dial("2001", "2004");
    world.pass(100);
    assert_eq!(world.gateways[2].count("CRCX"), 1);
    assert_eq!(world.ended.len(), 1);
    world.gateways[2].swallowed.clear();
    world.pass(60);
    assert_eq!(world.gateways[2].connections().count(), 0);
    world.end();
}

#[test]
fn a_caller_hangs_up_at_every_moment_of_a_relayed_set_up() {
    for delay in (0..80).map(|step| Duration::from_micros(step * 1700)) {
        let mut world = World::with_relay(1);
        world.lift("2001");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2004");
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(2);
        let left: usize = world.gateways.iter().map(|gateway| gateway.connections().count()).sum();
        assert_eq!(left, 0, "after {delay:?}");
        world.end();
    }
}

#[test]
fn an_osmo_gateway_is_spoken_to_as_it_likes_it() {
    let (mut inventory, _) = relayed_town(0);
    inventory.gateways[2].relay = Some(RelayEntry { endpoint: "rtpbridge/*".to_owned() });
    inventory.gateways[2].dialect = DialectChoice::Osmo;
    let mut world = World::new(inventory);
    (world.gateways[2].osmo, world.gateways[2].relays) = (true, 2);
    world.pass(5);
    world.ring("2001", "2004");
    world.lift("2004");
    assert!(joined(&world, "2001", "2004"));
    assert!(world.gateways[2].connections().all(|connection| connection.options == "p:20, a:PCMU"));
    assert!(world.gateways[2].endpoints.contains_key("rtpbridge/1"));
    // It cannot be swept, but what was there when it was lost is remembered.
    world.gateways[2].dead = true;
    world.pass(90);
    assert_eq!(world.gateways[2].connections().count(), 2);
    world.gateways[2].dead = false;
    world.pass(30);
    assert_eq!(world.gateways[2].connections().count(), 0);
    world.end();
}
