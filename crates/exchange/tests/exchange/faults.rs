//! Gateways that refuse, do not answer, lie, or lose what they had.

use strowger_exchange::{Cause, Event, ServiceState};
use strowger_mgcp::message::{RestartMethod, Verb};

use crate::world::{World, town};

#[test]
fn a_line_that_cannot_be_rung_is_given_back() {
    let mut world = World::running(town());
    world.lift("2001");
    world.gateways[1].refuse(Verb::Rqnt, "aaln/1", 529, 1);
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.states("2004"), [ServiceState::OutOfService]);
    assert_eq!(world.ended[0].cause, Cause::DESTINATION_OUT_OF_ORDER);
    world.pass(61);
    assert_eq!(
        world.states("2004"),
        [ServiceState::OutOfService, ServiceState::InService],
        "it is tried again"
    );
    world.end();
}

#[test]
fn a_description_of_a_foreign_host_is_refused_and_its_connection_deleted() {
    for host in ["127.0.0.99", "203.0.113.5", "224.0.0.1", "0.0.0.0"] {
        let mut world = World::running(town());
        world.gateways[0].media_host = host.to_owned();
        world.lift("2001");
        world.dial("2001", "2004");
        assert_eq!(world.hears("2001"), "L/ro", "{host}");
        let refused = |event: &Event| matches!(event, Event::DescriptionRefused { gateway, endpoint, .. } if gateway == "gw1" && endpoint == "aaln/1");
        assert!(world.events.iter().any(refused), "{host}: {:?}", world.events);
        assert_eq!(world.gateways[1].count("CRCX"), 0);
        assert_eq!(world.end_with_record().cause, Cause::PROTOCOL_ERROR);
    }
}

#[test]
fn a_listed_media_address_is_accepted() {
    let mut inventory = town();
    inventory.gateways[0].media = vec!["127.0.0.99".parse().unwrap()];
    let mut world = World::running(inventory);
    world.gateways[0].media_host = "127.0.0.99".to_owned();
    world.connect("2001", "2004");
    world.end();
}

#[test]
fn a_connection_whose_answer_is_lost_for_good_is_deleted_by_its_call() {
    let mut world = World::running(town());
    world.lift("2001");
    world.gateways[1].swallowed = vec![Verb::Crcx];
    world.dial("2001", "2004");
    world.pass(90);
    assert!(world.hears("2001").starts_with("L/"), "the caller hears that it failed");
    assert_eq!(world.gateways[1].count("CRCX"), 1);
    world.gateways[1].swallowed.clear();
    world.pass(60);
    assert_eq!(world.gateways[1].connections().count(), 0, "deleted, although its name was never learnt");
    assert_eq!(world.ended.len(), 1);
    world.end();
}

#[test]
fn a_deletion_that_fails_for_the_moment_is_tried_again() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.gateways[0].refuse(Verb::Dlcx, "aaln/1", 400, 1);
    world.hang_up("2001");
    assert_eq!(world.gateways[0].connections().count(), 1);
    assert_eq!(world.ended.len(), 0);
    world.pass(6);
    assert_eq!(world.gateways[0].connections().count(), 0);
    let record = world.end_with_record();
    assert!(record.media.iter().all(|stream| stream.statistics.is_some()), "the statistics came late");
}

#[test]
fn a_deletion_that_was_done_before_its_answer_was_lost_is_no_refusal() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.gateways[0].refuse(Verb::Dlcx, "aaln/1", 400, 1);
    world.hang_up("2001");
    let under_way = world.exchange.snapshot().connections_in_transition;
    assert_eq!(under_way, 1, "a deletion that will be tried again is under way");
    world.gateways[0].endpoints.get_mut("aaln/1").unwrap().connections.clear();
    world.pass(6);
    let refused: Vec<_> =
        world.events.iter().filter(|event| matches!(event, Event::OrderRefused { .. })).collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(world.exchange.snapshot().connections_in_transition, 0);
    assert_eq!(world.end_with_record().cause, Cause::NORMAL_CLEARING);
}

#[test]
fn the_record_does_not_wait_for_ever_for_a_deletion() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.gateways[0].refuse(Verb::Dlcx, "aaln/1", 400, 3);
    world.hang_up("2001");
    world.pass(9);
    assert_eq!(world.ended.len(), 0);
    world.pass(1);
    let record = world.end_with_record();
    let statistics: Vec<_> = record.media.iter().map(|stream| stream.statistics.is_some()).collect();
    assert_eq!(statistics, [false, true]);
}

#[test]
fn dial_tone_that_cannot_be_given_ends_the_call() {
    let mut world = World::running(town());
    world.gateways[0].refuse(Verb::Rqnt, "aaln/1", 403, 1);
    world.lift("2001");
    world.pass(6);
    assert_eq!(world.hears("2001"), "L/ro", "after the pause it hears that it failed");
    assert_eq!(world.ended[0].cause, Cause::NO_CIRCUIT_AVAILABLE);
    world.end();
}

#[test]
fn too_many_calls_hear_congestion() {
    let mut inventory = town();
    inventory.limits.calls = 1;
    let mut world = World::running(inventory);
    world.lift("2001");
    world.lift("2004");
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/dl".to_owned(), "L/ro".to_owned()));
    world.hang_up("2001");
    world.hang_up("2004");
    world.lift("2004");
    assert_eq!(world.hears("2004"), "L/dl");
    world.end();
}

#[test]
fn a_line_that_fails_by_a_fault_is_out_of_hunting_until_it_is_announced_or_found_in_service() {
    for announced in [true, false] {
        let mut world = World::running(town());
        world.lift("2001");
        world.gateways[1].refuse(Verb::Crcx, "aaln/1", 529, 1);
        world.dial("2001", "2004");
        assert_eq!(world.ended[0].cause, Cause::DESTINATION_OUT_OF_ORDER);
        assert_eq!(world.states("2004"), [ServiceState::OutOfService]);
        world.hang_up("2001");
        world.lift("2001");
        world.dial("2001", "2004");
        assert_eq!(world.gateways[1].count("CRCX"), 1, "it is not tried again");
        world.hang_up("2001");
        if announced {
            let now = world.now;
            world.gateways[1].restart(now, "aaln/1", RestartMethod::Restart, None);
            world.settle();
        } else {
            world.pass(65);
        }
        assert_eq!(world.states("2004"), [ServiceState::OutOfService, ServiceState::InService]);
        world.connect("2001", "2004");
        world.end();
    }
}

#[test]
fn a_line_whose_connection_its_gateway_does_not_know_is_looked_at_when_it_is_free() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.gateways[1].refuse(Verb::Mdcx, "aaln/1", 515, 1);
    world.lift("2004");
    assert_eq!(world.gateways[1].connections().count(), 1, "the refusal was a lie");
    world.hang_up("2004");
    world.hang_up("2001");
    world.pass(12);
    assert_eq!(world.gateways[1].connections().count(), 0, "found and deleted");
    assert_eq!(world.line("2004").service, ServiceState::InService);
    world.connect("2001", "2004");
    world.end();
}

#[test]
fn an_exchange_that_drains_takes_no_new_call_and_lets_the_others_go_on() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.exchange.drain(world.now);
    world.lift("2002");
    assert_eq!(world.hears("2002"), "L/ro");
    world.hang_up("2002");
    world.pass(60);
    assert!(world.talk("2001", "2004"));
    world.hang_up("2001");
    assert_eq!(world.end_with_record().cause, Cause::NORMAL_CLEARING);
}
