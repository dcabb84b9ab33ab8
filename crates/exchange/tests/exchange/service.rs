//! Gateways and lines that come and go.

use strowger_exchange::{Cause, Event, GatewayEntry, ReleasedBy, ServiceState, Subject};
use strowger_mgcp::message::RestartMethod;

use crate::world::{World, town};

use ServiceState::{InService, OutOfService, Unreachable};

#[test]
fn lines_come_into_service_one_by_one_as_their_gateways_answer() {
    let mut world = World::new(town());
    world.gateways[1].dead = true;
    world.pass(30);
    assert_eq!((world.line("2001").service, world.line("2004").service), (InService, Unreachable));
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.ended[0].cause, Cause::DESTINATION_OUT_OF_ORDER);
    world.gateways[1].dead = false;
    world.pass(30);
    assert_eq!(world.line("2004").service, InService);
    let gateway: Vec<_> = world
        .service
        .iter()
        .filter(|change| change.subject == Subject::Gateway("gw2".to_owned()))
        .map(|change| change.to)
        .collect();
    assert_eq!(gateway, [Unreachable, InService]);
    world.end();
}

#[test]
fn a_gateway_that_announces_itself_is_served_at_once() {
    let mut world = World::new(town());
    let now = world.now;
    world.gateways[0].restart(now, "*", RestartMethod::Restart, None);
    world.settle();
    assert_eq!(world.line("2001").service, InService);
    assert_eq!(world.gateways[0].count("AUEP aaln"), 0, "after a restart there is nothing to look for");
    world.end();
}

#[test]
fn a_gateway_that_is_switched_off_and_on_loses_its_calls() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.gateways[1].power_cycle();
    let now = world.now;
    world.gateways[1].restart(now, "*", RestartMethod::Restart, None);
    world.settle();
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.hears("2004"), "L/dl", "its receiver is still off the hook");
    assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
    world.end();
}

#[test]
fn a_restart_of_one_line_leaves_the_others_alone() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.connect("2002", "2005");
    let now = world.now;
    world.gateways[0].restart(now, "aaln/3", RestartMethod::Restart, None);
    world.settle();
    assert!(world.talk("2001", "2004") && world.talk("2002", "2005"));
    world.gateways[1].endpoints.get_mut("aaln/1").unwrap().connections.clear();
    let now = world.now;
    world.gateways[1].restart(now, "aaln/1", RestartMethod::Restart, None);
    world.settle();
    assert!(!world.talk("2001", "2004") && world.talk("2002", "2005"));
    world.end();
}

#[test]
fn a_line_that_is_forced_out_of_service_comes_back_with_a_restart() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.gateways[1].endpoints.get_mut("aaln/1").unwrap().connections.clear();
    let now = world.now;
    world.gateways[1].restart(now, "aaln/1", RestartMethod::Forced, None);
    world.settle();
    assert_eq!(world.ended[0].cause, Cause::DESTINATION_OUT_OF_ORDER);
    assert_eq!(world.states("2004"), [OutOfService]);
    world.hang_up("2001");
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    let now = world.now;
    world.gateways[1].restart(now, "aaln/1", RestartMethod::Restart, None);
    world.settle();
    assert_eq!(world.states("2004"), [OutOfService, InService]);
    world.hang_up("2001");
    world.connect("2001", "2004");
    world.end();
}

#[test]
fn a_gateway_that_was_cut_off_tells_what_its_subscribers_did_meanwhile() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    // 2004 hangs up, and the notification is given up: the gateway is disconnected.
    world.gateways[1].endpoints.get_mut("aaln/1").unwrap().off_hook = false;
    world.pass(10);
    assert!(world.talk("2001", "2004"), "nobody knows yet");
    let now = world.now;
    world.gateways[1].restart(now, "*", RestartMethod::Disconnected, Some(10));
    world.settle();
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.ended[0].released_by, ReleasedBy::Called);
    world.end();
}

#[test]
fn a_restart_with_a_delay_is_waited_for() {
    let mut world = World::running(town());
    let now = world.now;
    world.gateways[0].restart(now, "aaln/1", RestartMethod::Restart, Some(20));
    world.settle();
    assert_eq!(world.states("2001"), [OutOfService]);
    world.pass(19);
    assert_eq!(world.states("2001"), [OutOfService]);
    // The announcement of its return is lost: it is asked.
    world.pass(10);
    assert_eq!(world.states("2001"), [OutOfService, InService]);
    world.end();
}

#[test]
fn a_caller_whose_gateway_dies_while_he_dials_leaves_nothing() {
    let mut world = World::running(town());
    world.lift("2001");
    world.gateways[0].dead = true;
    world.pass(120);
    assert_eq!(world.ended.len(), 1);
    assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
    world.end();
}

#[test]
fn a_called_gateway_that_dies_before_it_rings_gives_the_caller_up() {
    let mut world = World::running(town());
    world.lift("2001");
    world.gateways[1].dead = true;
    world.dial("2001", "2004");
    world.pass(30);
    assert_ne!(world.hears("2001"), "");
    let record = &world.ended[0];
    assert_eq!((record.cause, record.released_by), (Cause::DESTINATION_OUT_OF_ORDER, ReleasedBy::Exchange));
    world.end();
}

#[test]
fn a_gateway_is_found_by_the_name_of_its_host_wherever_that_is() {
    let mut inventory = town();
    inventory.gateways[1] = GatewayEntry::mgcp_named("gw2", "gw2.example:2427", "gw2.town");
    assert_eq!(inventory.check(), []);
    let mut world = World::new(inventory);
    let is_at = |world: &mut World, host: &str| {
        world.gateways[1].address = format!("{host}:2427").parse().unwrap();
        world.gateways[1].media_host = host.to_owned();
    };
    let asked = |world: &mut World| {
        let asks = Event::Resolve { gateway: "gw2".to_owned(), name: "gw2.example:2427".to_owned() };
        let before = world.events.len();
        world.events.retain(|event| *event != asks);
        world.events.len() < before
    };
    for host in ["127.0.0.30", "127.0.0.31"] {
        is_at(&mut world, host);
        world.pass(60);
        assert!(asked(&mut world), "{host}");
        assert_ne!(world.line("2004").service, InService);
        let (now, address) = (world.now, world.gateways[1].address);
        world.exchange.handle_resolved(now, "gw2", &[address]);
        world.patiently(|world| world.line("2004").service == InService);
        // Its session descriptions name its new address too.
        world.connect("2001", "2004");
        world.hang_up("2001");
        world.hang_up("2004");
    }
    world.end();
}
