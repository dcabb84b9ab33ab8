//! Lines on the two protocols call one another; and the stories that are each protocol's own.

use strowger_exchange::{CallPhase, Cause, Event, GatewayEntry, ReleasedBy, ServiceState, StreamRole};
use strowger_sansio::Duration;

use crate::world::{World, all, consult, town};

/// A town whose first gateway speaks MGCP, and the second one Megaco.
fn mixed() -> strowger_exchange::Inventory {
    let mut town = town();
    let GatewayEntry { id, address, domain, .. } = town.gateways[0].clone();
    town.gateways[0] = GatewayEntry::mgcp(&id, address, &domain);
    town
}

#[test]
fn a_megaco_line_calls_a_megaco_line() {
    let mut world = World::running(town());
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/dl");
    world.dial("2001", "200");
    assert_eq!(world.hears("2001"), "", "the first digit ends the dial tone");
    world.dial("2001", "4");
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",\"2001\",\"Alice\")");
    assert_eq!(world.hears("2001"), "G/rt");
    assert_eq!((world.modes("2001"), world.modes("2004")), (vec!["recvonly"], vec!["recvonly"]));
    world.pass(6);
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), String::new()));
    world.pass(120);
    world.hang_up("2001");
    assert_eq!(world.hears("2004"), "L/ro");
    world.hang_up("2004");
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    let talked = record.end - record.answer.unwrap();
    assert!((Duration::from_secs(120)..Duration::from_secs(121)).contains(&talked), "{talked:?}");
    let media: Vec<_> = record.media.iter().map(|m| (m.role, m.statistics.unwrap().packets_sent)).collect();
    assert_eq!(media, [(StreamRole::Calling, 100), (StreamRole::Called, 100)]);
}

#[test]
fn a_three_way_call_is_taken_over_untouched() {
    let mut world = World::running(all());
    consult(&mut world);
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2004") && world.hear_each_other("2001", "2005"));
    let before: Vec<_> = world.gateways.iter().map(|gateway| gateway.count("MDCX")).collect();
    world.crash();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(10);
    let after: Vec<_> = world.gateways.iter().map(|gateway| gateway.count("MDCX")).collect();
    assert_eq!(after, before, "nothing was modified");
    assert!(world.hear_each_other("2001", "2004") && world.hear_each_other("2001", "2005"));
    assert!(world.line("2001").calls.mixed);
    world.hang_up("2001");
    world.end();
}

#[test]
fn lines_of_both_protocols_call_one_another_and_either_side_ends() {
    for (one, other) in [("2001", "2004"), ("2004", "2001")] {
        for first in [one, other] {
            let mut world = World::running(mixed());
            world.connect(one, other);
            world.pass(10);
            world.hang_up(first);
            let left = if first == one { other } else { one };
            assert_eq!(world.hears(left), "L/ro");
            world.hang_up(left);
            let record = world.end_with_record();
            assert_eq!(record.cause, Cause::NORMAL_CLEARING);
            assert_eq!(record.media.len(), 2);
            assert!(record.media.iter().all(|media| media.statistics.unwrap().packets_sent == 100));
        }
    }
}

#[test]
fn calls_between_the_protocols_find_a_busy_line_and_one_that_nobody_answers_and_are_abandoned() {
    for (one, other, third) in [("2001", "2004", "2005"), ("2004", "2001", "2002")] {
        let mut world = World::running(mixed());
        world.connect(other, third);
        world.lift(one);
        world.dial(one, other);
        assert_eq!(world.hears(one), "L/bz");
        world.hang_up(one);
        world.hang_up(other);
        world.hang_up(third);
        world.ring(one, other);
        world.hang_up(one);
        assert_eq!(world.hears(other), "");
        world.ring(one, other);
        world.pass(181);
        assert_eq!(world.hears(other), "");
        world.end();
    }
}

#[test]
fn calls_survive_a_network_that_loses_every_third_message() {
    let mut world = World::running(town());
    let mut count = 0;
    world.loses = Box::new(move |_| {
        count += 1;
        count % 3 == 0
    });
    for _ in 0..5 {
        world.hook("2001", true);
        world.pass(10);
        world.dial("2001", "2004");
        world.pass(20);
        assert!(world.hears("2004").starts_with("L/rg"));
        world.hook("2004", true);
        world.pass(20);
        assert!(world.talk("2001", "2004"));
        world.hook("2001", false);
        world.pass(10);
        world.hook("2004", false);
        world.pass(20);
    }
    let world = world.end();
    assert_eq!(world.ended.len(), 5);
    assert_eq!(world.gateways[0].count("CRCX"), 5, "each order is executed once");
}

#[test]
fn a_package_that_a_gateway_does_not_name_is_not_asked_for() {
    let mut world = World::new(town());
    world.gateways[0]
        .packages
        .retain(|package| ["g", "root", "al", "cg", "dd", "nt", "rtp"].contains(package));
    world.pass(5);
    world.ring("2004", "2001");
    assert_eq!(world.hears("2001"), "L/rg", "without the caller's number");
    let refused = world.events.iter().any(|event| matches!(event, Event::OrderFailed { .. }));
    assert!(!refused, "{:?}", world.events);
    world.end();
}

#[test]
fn what_root_has_itself_says_nothing_of_the_packages_of_lines() {
    let mut world = World::new(town());
    for gateway in &mut world.gateways {
        gateway.root_names_its_own = true;
    }
    world.pass(5);
    world.ring("2001", "2004");
    assert_eq!(world.hears("2001"), "G/rt");
    world.end();
}

#[test]
fn what_a_gateway_refuses_is_told_in_its_words() {
    let mut world = World::running(town());
    world.gateway_of("2004").refuse(strowger_mgcp::message::Verb::Rqnt, "aaln/1", 518, 1);
    world.ring("2001", "2004");
    assert_eq!(world.hears("2004"), "L/rg");
    let told = world.events.iter().find_map(|event| match event {
        Event::OrderFailed { order, reason, .. } => Some((*order, reason.as_str())),
        _ => None,
    });
    assert_eq!(told, Some(("Modify", "Megaco 440 Unsupported or unknown package")));
    world.end();
}

#[test]
fn what_a_gateway_kept_while_it_was_lost_is_found_and_taken_down() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.gateways[1].dead = true;
    world.pass(100);
    assert_eq!(world.hears("2001"), "L/ro", "its call is over");
    assert_eq!(world.gateways[1].connections().count(), 1);
    world.gateways[1].dead = false;
    world.pass(100);
    assert_eq!(world.line("2004").service, ServiceState::InService);
    assert_eq!(world.gateways[1].connections().count(), 0);
    world.end();
}

#[test]
fn an_exchange_that_starts_again_takes_its_calls_over() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.pass(10);
    world.crash();
    world.pass(5);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    world.hang_up("2004");
    assert_eq!(world.hears("2001"), "L/ro");
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Called));
}
