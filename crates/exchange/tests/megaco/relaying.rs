//! Calls whose media go through two streams in one context of a Megaco gateway.

use strowger_exchange::{Cause, GatewayEntry, RelayEntry, ServiceState, StreamRole};
use strowger_megaco::message::{Method, TerminationId};
use strowger_mgcp::message::Verb;
use strowger_sansio::Duration;

use crate::gateway::Connection;
use crate::relay::joined;
use crate::world::{World, relayed_town};

fn inventory() -> strowger_exchange::Inventory {
    let (mut inventory, _) = relayed_town(0);
    let GatewayEntry { id, address, domain, .. } = inventory.gateways[2].clone();
    let mut megaco = inventory.gateways[0].megaco.clone();
    megaco.mid = Some(format!("<{domain}>"));
    let relay = Some(RelayEntry { endpoint: "rtp/$".to_owned() });
    inventory.gateways[2] = GatewayEntry { relay, ..GatewayEntry::megaco(&id, address, &domain, megaco) };
    assert_eq!(inventory.check(), []);
    inventory
}

fn with_relay(relays: usize) -> World {
    let mut world = World::new(inventory());
    world.gateways[2].base.relays = relays;
    world.pass(5);
    world
}

fn left(world: &World) -> usize {
    world.gateways.iter().map(|gateway| gateway.connections().count()).sum()
}

#[test]
fn two_streams_in_one_context_stand_between_the_parties() {
    let mut world = with_relay(4);
    world.ring("2001", "2004");
    world.ring("2002", "2005");
    world.lift("2004");
    world.lift("2005");
    assert!(joined(&world, "2001", "2004") && joined(&world, "2002", "2005"));
    world.hang_up("2002");
    assert!(joined(&world, "2001", "2004"));
    world.hang_up("2001");
    assert_eq!(left(&world), 0);
    assert!(world.gateways[2].mouth.as_ref().unwrap().contexts.is_empty());
    // Places of contexts are used again.
    for _ in 0..5 {
        world.hang_up("2004");
        world.ring("2001", "2004");
        world.lift("2004");
        assert!(joined(&world, "2001", "2004"));
        world.hang_up("2001");
    }
    let world = world.end();
    use StreamRole::{Called, Calling, RelayCalled, RelayCalling};
    for record in &world.ended {
        let roles: Vec<_> = record.media.iter().map(|stream| stream.role).collect();
        assert_eq!(roles, [Calling, RelayCalling, RelayCalled, Called]);
        assert!(record.media.iter().all(|stream| stream.statistics.is_some()));
        let [one, other] = [1, 2].map(|place| &record.media[place].termination);
        assert_eq!((one.gateway.as_str(), &one.endpoint), ("relay", &other.endpoint));
        assert!(one.endpoint.starts_with("context/") && one.connection != other.connection, "{one:?}");
    }
}

#[test]
fn many_calls_begin_at_once_and_none_waits_for_another() {
    let mut world = with_relay(4);
    for number in ["2001", "2002", "2003"] {
        world.hook(number, true);
    }
    world.settle();
    for (number, called) in [("2001", "2004"), ("2002", "2005"), ("2003", "2006")] {
        let (gateway, endpoint) = world.place(number);
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, called);
    }
    world.settle();
    for (number, called) in [("2001", "2004"), ("2002", "2005"), ("2003", "2006")] {
        world.lift(called);
        assert!(joined(&world, number, called), "{number}");
    }
    world.end();
}

#[test]
fn a_relay_without_room_gives_congestion() {
    let mut world = with_relay(1);
    world.ring("2001", "2004");
    world.lift("2002");
    world.dial("2002", "2005");
    assert_eq!(world.hears("2002"), "L/ro");
    assert_eq!(world.ended[0].cause, Cause::NO_CIRCUIT_AVAILABLE);
    world.end();
}

#[test]
fn every_step_of_the_relay_may_fail_without_leaving_anything() {
    for (verb, endpoint) in [(Verb::Crcx, "relay/$"), (Verb::Crcx, "relay/1"), (Verb::Mdcx, "relay/1")] {
        let mut world = with_relay(2);
        world.lift("2001");
        world.gateways[2].refuse(verb, endpoint, 403, 1);
        world.dial("2001", "2004");
        assert_eq!(world.hears("2001"), "L/ro", "{verb:?} {endpoint}");
        assert_eq!(world.hears("2004"), "");
        assert_eq!(left(&world), 0, "{verb:?} {endpoint}");
        assert_eq!(world.end_with_record().cause, Cause::NO_CIRCUIT_AVAILABLE);
    }
}

#[test]
fn a_caller_hangs_up_at_every_moment_of_a_relayed_set_up() {
    for delay in (0..80).map(|step| Duration::from_micros(step * 1700)) {
        let mut world = with_relay(1);
        world.lift("2001");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2004");
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(2);
        assert_eq!(left(&world), 0, "after {delay:?}");
        world.end();
    }
}

#[test]
fn a_relay_that_dies_in_a_call_ends_it_and_what_it_kept_is_taken_down_when_it_returns() {
    let mut world = with_relay(2);
    world.ring("2001", "2004");
    world.lift("2004");
    world.gateways[2].dead = true;
    world.pass(100);
    assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
    assert_eq!(world.gateways[2].connections().count(), 2);
    world.hang_up("2001");
    world.hang_up("2004");
    world.gateways[2].dead = false;
    world.pass(100);
    assert_eq!(world.gateways[2].connections().count(), 0);
    world.ring("2001", "2004");
    world.lift("2004");
    assert!(joined(&world, "2001", "2004"));
    world.end();
}

#[test]
fn a_relay_that_restarts_has_lost_its_streams_and_takes_new_calls_at_once() {
    let mut world = with_relay(2);
    world.ring("2001", "2004");
    world.lift("2004");
    world.gateways[2].power_cycle();
    let now = world.now;
    world.gateways[2].change(now, TerminationId::Root, Method::Restart, None);
    world.pass(1);
    assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
    world.ring("2002", "2005");
    world.lift("2005");
    assert!(joined(&world, "2002", "2005"));
    world.pass(60);
    assert!(joined(&world, "2002", "2005"));
    world.end();
}

#[test]
fn a_stream_that_goes_out_of_service_by_itself_ends_its_call() {
    let mut world = with_relay(2);
    world.ring("2001", "2004");
    world.lift("2004");
    let id = world.gateways[2].endpoints["relay/1"].connections.keys().next().unwrap().to_ascii_lowercase();
    let (now, name) = (world.now, TerminationId::new(format!("RTP/{id}")).unwrap());
    world.gateways[2].change(now, name, Method::Forced, None);
    world.pass(1);
    assert_eq!(world.ended[0].cause, Cause::TEMPORARY_FAILURE);
    assert_eq!(left(&world), 0);
    world.end();
}

#[test]
fn relayed_calls_outlive_their_exchange_and_what_stands_beside_them_is_taken_down() {
    let mut world = with_relay(4);
    world.ring("2001", "2004");
    world.lift("2004");
    world.ring("2002", "2005");
    world.crash();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(30);
    assert!(joined(&world, "2001", "2004"));
    assert_eq!(world.gateways[2].connections().count(), 2, "the call that nobody had answered is gone");
    assert_eq!(
        world.exchange.snapshot().lines.iter().filter(|l| l.service != ServiceState::InService).count(),
        0
    );
    world.hang_up("2001");
    assert_eq!(world.gateways[2].connections().count(), 0);
    for number in ["2002", "2004"] {
        world.hang_up(number);
    }
    world.pass(60);
    assert!(world.exchange.snapshot().is_idle());
}

#[test]
fn a_context_whose_creation_has_not_been_answered_is_nobodys_stray() {
    let mut world = with_relay(4);
    world.lift("2001");
    world.gateways[2].swallowed = vec![Verb::Crcx];
    let (gateway, endpoint) = world.place("2001");
    let now = world.now;
    world.gateways[gateway].dial(now, &endpoint, "2004");
    world.pass_time(Duration::from_millis(40));
    // It comes back with its contexts while the answer is on its way.
    let now = world.now;
    world.gateways[2].change(now, TerminationId::Root, Method::Disconnected, None);
    world.pass_time(Duration::from_millis(40));
    world.gateways[2].swallowed.clear();
    world.pass(2);
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.lift("2004");
    assert!(joined(&world, "2001", "2004"));
    world.end();
}

#[test]
fn a_stray_beside_relays_is_found_though_calls_begin() {
    let mut world = with_relay(4);
    world.gateways[2].mouth.as_mut().unwrap().contexts.insert("relay/4".to_owned(), 99);
    let stray = Connection {
        call: "99".to_owned(),
        mode: "sendrecv".to_owned(),
        options: String::new(),
        port: 0x4e20,
        remote: None,
    };
    world.gateways[2]
        .base
        .endpoints
        .entry("relay/4".to_owned())
        .or_default()
        .connections
        .insert("4E20".to_owned(), stray);
    let (gateway, endpoint) = world.place("2001");
    world.lift("2001");
    let now = world.now;
    world.gateways[gateway].dial(now, &endpoint, "2004");
    world.pass_time(Duration::from_millis(36));
    let now = world.now;
    world.gateways[2].change(now, TerminationId::Root, Method::Disconnected, None);
    world.pass(2);
    assert!(world.gateways[2].endpoints["relay/4"].connections.is_empty());
    world.lift("2004");
    assert!(joined(&world, "2001", "2004"));
    world.end();
}
