//! Gateways and lines that come and go.

use strowger_exchange::{Cause, Event, GatewayEntry, ReleasedBy, ServiceState, Subject};
use strowger_mgcp::message::{RestartMethod, Verb};

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
fn a_gateway_that_dies_in_a_call_ends_it_and_its_return_is_clean() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.gateways[1].dead = true;
    // Nobody notices before something is asked of it: here the sign of life.
    world.pass(90);
    assert_eq!(world.hears("2001"), "L/ot", "the tone is over");
    assert_eq!(world.states("2004"), [Unreachable]);
    let record = &world.ended[0];
    assert_eq!((record.cause, record.released_by), (Cause::NETWORK_OUT_OF_ORDER, ReleasedBy::Exchange));
    let statistics: Vec<_> = record.media.iter().map(|stream| stream.statistics.is_some()).collect();
    assert_eq!(statistics, [true, false]);
    assert_eq!(world.gateways[1].connections().count(), 1, "it lives on, and still has its connection");
    world.gateways[1].dead = false;
    world.pass(30);
    assert_eq!(world.states("2004"), [Unreachable, InService]);
    assert_eq!(world.gateways[1].connections().count(), 0);
    let stray = Event::StrayConnections { gateway: "gw2".to_owned(), endpoint: "aaln/1".to_owned() };
    assert!(world.events.contains(&stray));
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
fn a_line_in_lockstep_is_asked_again() {
    let mut world = World::running(town());
    // It has reported something, and the request that followed was lost for good.
    world.gateways[0].endpoints.get_mut("aaln/1").unwrap().stepped = true;
    world.lift("2001");
    assert_eq!(world.hears("2001"), "", "it notices nothing");
    let now = world.now;
    let method = RestartMethod::Package { package: "LCK", method: "lockstep" };
    world.gateways[0].restart(now, "aaln/1", method, None);
    world.settle();
    assert_eq!(
        world.hears("2001"),
        "L/dl",
        "the refusal of the request says that the receiver is off the hook"
    );
    assert_eq!(world.states("2001"), []);
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
fn a_graceful_withdrawal_lets_the_call_end() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    let now = world.now;
    world.gateways[1].restart(now, "aaln/1", RestartMethod::Graceful, Some(0));
    world.settle();
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.states("2004"), [OutOfService]);
    world.hang_up("2001");
    world.hang_up("2004");
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.ended[1].cause, Cause::DESTINATION_OUT_OF_ORDER);
    world.hang_up("2001");
    let now = world.now;
    world.gateways[1].restart(now, "aaln/1", RestartMethod::CancelGraceful, None);
    world.settle();
    world.connect("2001", "2004");
    let now = world.now;
    world.gateways[1].restart(now, "aaln/1", RestartMethod::Graceful, Some(0));
    world.settle();
    let now = world.now;
    world.gateways[1].restart(now, "aaln/1", RestartMethod::CancelGraceful, None);
    world.settle();
    assert!(world.talk("2001", "2004"), "withdrawn and reinstated under a call");
    assert_eq!(world.line("2004").service, InService);
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
fn an_endpoint_that_its_gateway_does_not_know_is_out_of_service() {
    let mut inventory = town();
    inventory.lines[2].endpoint = "aaln/7".to_owned();
    let mut world = World::new(inventory);
    world.pass(5);
    assert_eq!((world.line("2001").service, world.line("2003").service), (InService, OutOfService));
    let alarm = |event: &&Event| matches!(event, Event::OrderRefused { endpoint, code: 500, order: "AUEP", .. } if endpoint == "aaln/7");
    assert_eq!(world.events.iter().filter(alarm).count(), 1);
    world.lift("2001");
    world.dial("2001", "2003");
    assert_eq!(world.hears("2001"), "L/ro");
    world.hang_up("2001");
    world.pass(600);
    let alarms = world.events.iter().filter(alarm).count();
    assert!((5..=15).contains(&alarms), "asked again, but not without pause: {alarms}");
    assert_eq!(world.states("2003").len(), 1, "one state, one record");
}

#[test]
fn connections_of_another_time_are_deleted_before_a_line_serves() {
    let mut world = World::new(town());
    let stray = crate::gateway::Connection {
        call: "AB".to_owned(),
        mode: "sendrecv".to_owned(),
        options: String::new(),
        port: 30_000,
        remote: None,
    };
    world.gateways[0].endpoints.get_mut("aaln/2").unwrap().connections.insert("CD".to_owned(), stray);
    world.pass(5);
    assert_eq!(world.gateways[0].connections().count(), 0);
    assert_eq!(world.gateways[0].count("DLCX"), 1, "and only where there was something");
    world.connect("2002", "2004");
    world.end();
}

#[test]
fn a_tone_of_another_time_that_does_not_end_by_itself_is_turned_off() {
    let mut world = World::new(town());
    world.gateways[0].endpoints.get_mut("aaln/2").unwrap().steady.push("L/ht".to_owned());
    world.pass(5);
    assert_eq!(world.hears("2002"), "");
    world.end();
}

#[test]
fn a_gateway_that_cannot_be_audited_is_swept_unseen() {
    let mut world = World::new(town());
    world.gateways[0].refuse(Verb::Auep, "aaln/", 504, 3);
    world.pass(5);
    assert_eq!(world.gateways[0].count("DLCX"), 3);
    assert_eq!(world.line("2001").service, InService);
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
