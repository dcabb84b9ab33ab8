//! Stories that cannot be told of gateways that speak Megaco as they are told here: of commands, codes and moments of MGCP.

use strowger_exchange::{CallPhase, Cause, Event, LineAccess, LineCondition, ReleasedBy, ServiceState};
use strowger_mgcp::message::{RestartMethod, Verb};

use crate::gateway::Connection;
use crate::resuming::{orders, revive, transfer_to_the_ringing};
use crate::world::{World, all, consult, town};

use ServiceState::{InService, OutOfService, Unreachable};

/// A connection of a call that nobody knows.
fn stray(call: &str) -> Connection {
    Connection {
        call: call.to_owned(),
        mode: "sendrecv".to_owned(),
        options: String::new(),
        port: 30_000,
        remote: None,
    }
}

#[test]
fn a_listed_gateway_speaks_for_its_own_lines_only() {
    let mut world = World::running(town());
    let unlisted = strowger_mgcp::message::EndpointNameBuf::from_parts("aaln/9", "gw1.town").unwrap();
    let now = world.now;
    world.gateways[0].notify_as(now, unlisted.as_name());
    world.settle();
    let event = Event::UnlistedEndpoint { gateway: "gw1".to_owned(), endpoint: "aaln/9".to_owned() };
    assert!(world.events.contains(&event), "{:?}", world.events);
    let foreign = strowger_mgcp::message::EndpointNameBuf::from_parts("aaln/1", "gw2.town").unwrap();
    let now = world.now;
    world.gateways[0].notify_as(now, foreign.as_name());
    world.settle();
    assert_eq!(world.exchange.snapshot().calls, []);
    world.end();
}

#[test]
fn the_codec_of_the_country_is_asked_for_first() {
    for (country, options) in [("us", "p:20, a:PCMU;PCMA"), ("de", "p:20, a:PCMA;PCMU")] {
        let mut inventory = town();
        inventory.country = country.parse().unwrap();
        let mut world = World::running(inventory);
        world.connect("2001", "2004");
        let connection = world.endpoint("2001").connections.values().next().unwrap();
        assert_eq!(connection.options, options);
        world.end();
    }
}

#[test]
fn a_connection_that_its_gateway_drops_ends_the_call() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    let now = world.now;
    world.gateways[0].drop_connection(now, "aaln/1");
    world.settle();
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/ro".to_owned(), "L/ro".to_owned()));
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::TEMPORARY_FAILURE, ReleasedBy::Exchange));
}

#[test]
fn a_description_that_cannot_be_read_is_refused_and_its_connection_deleted() {
    let mut world = World::running(town());
    world.gateways[1].media_host = "not an address".to_owned();
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    let failed = |event: &Event| matches!(event, Event::OrderFailed { order: "CRCX", endpoint, .. } if endpoint == "aaln/1");
    assert!(world.events.iter().any(failed), "{:?}", world.events);
    assert_eq!(world.gateways[1].count("CRCX"), 1);
    assert_eq!(world.gateways[1].connections().count(), 0);
    world.end();
}

#[test]
fn a_refused_connection_of_the_called_line_frees_the_callers() {
    for (code, cause) in [(403, Cause::NO_CIRCUIT_AVAILABLE), (505, Cause::INCOMPATIBLE_DESTINATION)] {
        let mut world = World::running(town());
        world.lift("2001");
        world.gateways[1].refuse(Verb::Crcx, "aaln/1", code, 1);
        world.dial("2001", "2004");
        assert_eq!(world.hears("2001"), "L/ro");
        assert_eq!(world.gateways[0].connections().count(), 0);
        assert_eq!(world.end_with_record().cause, cause);
    }
}

#[test]
fn a_refused_answer_ends_the_call_on_both_sides() {
    for (gateway, code) in [(0, 403), (1, 403), (0, 509), (1, 515)] {
        let mut world = World::running(town());
        world.ring("2001", "2004");
        world.gateways[gateway].refuse(Verb::Mdcx, "aaln/1", code, 1);
        world.lift("2004");
        assert_eq!((world.hears("2001"), world.hears("2004")), ("L/ro".to_owned(), "L/ro".to_owned()));
        if code == 515 {
            // The refusal was a lie: this connection is really there, and the exchange cannot know.
            world.gateways[gateway].power_cycle();
        }
        assert_eq!(world.gateways[0].connections().count() + world.gateways[1].connections().count(), 0);
        let record = world.end_with_record();
        assert!(record.answer.is_some());
        assert_eq!(record.released_by, ReleasedBy::Exchange);
    }
}

#[test]
fn a_refused_connection_of_the_caller_ends_the_call_with_the_cause_of_its_category() {
    for (code, cause) in [
        (400, Cause::TEMPORARY_FAILURE),
        (403, Cause::NO_CIRCUIT_AVAILABLE),
        (404, Cause::NO_CIRCUIT_AVAILABLE),
        (409, Cause::SWITCHING_EQUIPMENT_CONGESTION),
        (501, Cause::DESTINATION_OUT_OF_ORDER),
        (540, Cause::NO_CIRCUIT_AVAILABLE),
    ] {
        let mut world = World::running(town());
        world.lift("2001");
        world.gateways[0].refuse(Verb::Crcx, "aaln/1", code, 1);
        world.dial("2001", "2004");
        // One that is overloaded (409) gets a pause first.
        world.pass(2);
        assert_eq!(world.hears("2001"), "L/ro", "{code}");
        assert_eq!(world.line("2004").condition, LineCondition::Idle);
        let record = world.end_with_record();
        assert_eq!((record.cause, record.released_by), (cause, ReleasedBy::Exchange), "{code}");
    }
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
fn a_gateway_that_cannot_be_audited_is_swept_unseen() {
    let mut world = World::new(town());
    world.gateways[0].refuse(Verb::Auep, "aaln/", 504, 3);
    world.pass(5);
    assert_eq!(world.gateways[0].count("DLCX"), 3);
    assert_eq!(world.line("2001").service, InService);
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
fn a_tone_of_another_time_that_does_not_end_by_itself_is_turned_off() {
    let mut world = World::new(town());
    world.gateways[0].endpoints.get_mut("aaln/2").unwrap().steady.push("L/ht".to_owned());
    world.pass(5);
    assert_eq!(world.hears("2002"), "");
    world.end();
}

#[test]
fn an_endpoint_that_its_gateway_does_not_know_is_out_of_service() {
    let mut inventory = town();
    inventory.lines[2].access = LineAccess::endpoint("gw1", "aaln/7");
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
    let stray = Connection {
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
fn a_call_whose_streams_were_not_joined_yet_is_joined() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.loses = Box::new(|bytes| bytes.starts_with(b"MDCX"));
    world.lift("2004");
    assert_eq!(world.stable.len(), 1);
    assert!(!world.talk("2001", "2004"));
    world.crash();
    world.loses = Box::new(|_| false);
    world.start_again();
    world.pass(10);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    world.end_with_record();
}

#[test]
fn what_belongs_to_no_call_is_deleted_and_what_belongs_to_one_stays() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.crash();
    let endpoint = |world: &mut World, name: &str, id: &str| {
        let endpoints = &mut world.gateways[0].endpoints;
        endpoints.get_mut(name).unwrap().connections.insert(id.to_owned(), stray("AB"));
    };
    endpoint(&mut world, "aaln/1", "C1");
    endpoint(&mut world, "aaln/1", "C2");
    endpoint(&mut world, "aaln/2", "C3");
    world.start_again();
    world.pass(10);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.gateways[0].connections().count(), 1);
    let told: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StrayConnections { endpoint, .. } => Some(endpoint.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["aaln/1", "aaln/2"]);
    world.end();
}

#[test]
fn a_three_way_call_survives() {
    let mut world = World::running(all());
    consult(&mut world);
    world.flash("2001");
    let before = orders(&world);
    revive(&mut world);
    assert!(world.hear_each_other("2001", "2004") && world.hear_each_other("2001", "2005"));
    assert_eq!(world.modes("2001"), ["confrnce", "confrnce"]);
    assert_eq!(orders(&world), before, "nothing was touched");
    assert!(world.line("2001").calls.mixed);
    world.flash("2001");
    assert!(world.talk("2001", "2004"), "the one that came last is dropped");
    world.end();
}

#[test]
fn what_was_asked_and_not_done_when_the_exchange_died_is_done() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.loses = Box::new(|bytes| bytes.windows(4).any(|word| word == b"MDCX"));
    world.flash("2001");
    assert_eq!(world.modes("2001"), ["sendrecv"], "the order to rest was lost");
    world.crash();
    world.loses = Box::new(|_| false);
    world.pass(1);
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert_eq!(world.modes("2001"), ["inactive"]);
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    world.hang_up("2001");
}

#[test]
fn a_party_that_waits_hears_that_nobody_comes() {
    let mut world = World::running(all());
    transfer_to_the_ringing(&mut world);
    world.pass(20);
    world.crash();
    world.pass(1);
    // The gateway of who transferred is gone.
    world.loses = Box::new(|bytes| bytes.windows(12).any(|word| word == b"aaln/1@gw1.t"));
    assert_eq!(world.start_again(), []);
    world.pass(100);
    assert_eq!(world.hears("2004"), "L/ht");
    world.pass(30);
    assert_eq!(world.hears("2004"), "L/ro");
    world.hang_up("2004");
    world.loses = Box::new(|_| false);
    assert_eq!(world.record_of("2001", "2004").cause, Cause::TEMPORARY_FAILURE);
}

#[test]
fn a_connection_made_behind_a_restart_that_was_announced_late_is_deleted() {
    let mut world = World::running(town());
    // The gateway restarts, and nobody hears of it for a while.
    world.loses = Box::new(|bytes| bytes.starts_with(b"RSIP"));
    let now = world.now;
    world.gateways[0].power_cycle();
    world.gateways[0].restart(now, "*", RestartMethod::Restart, None);
    // It is asked for the connection of a call, and its answer does not come either: it is taken for lost.
    world.gateways[0].swallowed = vec![Verb::Crcx, Verb::Auep];
    world.lift("2004");
    world.dial("2004", "2001");
    world.pass(40);
    assert_eq!(world.gateways[0].connections().count(), 1);
    assert_eq!(world.line("2001").service, ServiceState::Unreachable);
    world.hang_up("2004");
    // What is heard at last says that it has restarted, and so would have nothing.
    world.gateways[0].swallowed.clear();
    world.loses = Box::new(|_| false);
    world.pass(20);
    assert_eq!(world.gateways[0].connections().count(), 0);
    assert_eq!(world.line("2001").service, ServiceState::InService);
    world.end();
}
