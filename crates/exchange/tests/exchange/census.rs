//! What gateways say of their endpoints is compared with the inventory, and what they can do is all that they are asked for.

use strowger_exchange::{EndpointsView, Event, LineAccess, LineCondition, LineEntry, ServiceState};
use strowger_mgcp::message::{RestartMethod, Verb};

use crate::gateway::Endpoint;
use crate::world::{World, town};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A town whose first gateway tells this of its endpoints.
fn town_that_tells(packages: &'static str, abilities: &'static str) -> World {
    let mut world = World::new(town());
    world.gateways[0].tells = Some((packages, abilities));
    world.pass(5);
    world
}

fn told(world: &World) -> Vec<&EndpointsView> {
    let events = world.events.iter();
    events
        .filter_map(|event| match event {
            Event::EndpointsListed { gateway, endpoints } if gateway == "gw1" => Some(endpoints),
            _ => None,
        })
        .collect()
}

#[test]
fn endpoints_are_compared_with_the_inventory() {
    let mut world = World::new(town());
    world.gateways[0].tells = Some(("L:0, D:0, G:0", "a:PCMU, m:sendrecv"));
    world.gateways[0].endpoints.remove("aaln/3");
    world.gateways[0].endpoints.insert("aaln/9".to_owned(), Endpoint::default());
    world.pass(5);
    let expected = EndpointsView { listed: 3, missing: names(&["aaln/3"]), unlisted: names(&["aaln/9"]) };
    assert_eq!(told(&world), [&expected]);
    let view = |world: &World, place: usize| world.exchange.snapshot().gateways[place].endpoints.clone();
    assert_eq!(view(&world, 0), Some(expected));
    assert_eq!(view(&world, 1), None, "it tells nothing");
    // One that was mended is asked again when it says that it restarted.
    let endpoint = world.gateways[0].endpoints.remove("aaln/9").unwrap();
    world.gateways[0].endpoints.insert("aaln/3".to_owned(), endpoint);
    let now = world.now;
    world.gateways[0].restart(now, "*", RestartMethod::Restart, None);
    world.pass(5);
    assert_eq!(view(&world, 0), Some(EndpointsView { listed: 3, ..EndpointsView::default() }));
    world.connect("2003", "2004");
    world.end();
}

#[test]
fn signals_of_packages_that_a_gateway_has_not_are_not_asked_for() {
    let mut world = town_that_tells("L:1, D:0", "a:PCMU, m:sendrecv");
    world.ring("2001", "2004");
    assert_eq!(world.hears("2001"), "", "ringback is in a package that it has not");
    world.ring("2005", "2002");
    assert_eq!(world.hears("2005"), "G/rt");
    let refused = |event: &Event| matches!(event, Event::OrderRefused { .. });
    assert!(!world.events.iter().any(refused));
    assert!(world.endpoint("2001").heard.iter().all(|signal| !signal.starts_with("G/")));
    world.end();
}

#[test]
fn what_a_gateway_can_do_is_known_after_its_restart_as_well() {
    let mut world = town_that_tells("L:1, D:0", "a:PCMU, m:sendrecv");
    world.gateways[0].refuse(Verb::Auep, "*", 504, 99);
    let now = world.now;
    world.gateways[0].restart(now, "*", RestartMethod::Restart, None);
    world.pass(5);
    world.ring("2001", "2004");
    assert_eq!(world.hears("2001"), "");
    world.end();
}

#[test]
fn codecs_are_offered_that_the_gateway_has() {
    let mut world = town_that_tells("L:1, D:0, G:1", "a:PCMA;G729, m:sendrecv");
    world.connect("2001", "2004");
    let offered = |number: &str| world.endpoint(number).connections.values().next().unwrap().options.clone();
    assert_eq!(offered("2001"), "p:20, a:PCMA");
    assert_eq!(offered("2004"), "p:20, a:PCMU;PCMA");
    world.end();
}

#[test]
fn a_gateway_that_cannot_name_all_its_endpoints_at_once_is_asked_what_they_can_do() {
    let mut world = World::new(town());
    world.gateways[0].tells = Some(("L:1, D:0", "a:PCMU, m:sendrecv"));
    world.gateways[0].refuse(Verb::Auep, "*", 533, 99);
    // Nor does it understand ranges.
    world.gateways[0].refuse(Verb::Auep, "aaln/[", 500, 1);
    world.pass(5);
    assert_eq!(told(&world), [] as [&EndpointsView; 0]);
    world.ring("2001", "2004");
    assert_eq!(world.hears("2001"), "");
    world.end();
}

#[test]
fn the_endpoints_of_a_gateway_that_has_too_many_are_named_by_ranges() {
    let mut inventory = town();
    let third = inventory.lines[2].clone();
    for line in 4..=70 {
        let (number, endpoint) = (format!("22{line:02}"), format!("aaln/{line}"));
        inventory.lines.push(LineEntry {
            number,
            access: LineAccess::endpoint(third.gateway(), endpoint),
            ..third.clone()
        });
    }
    let mut world = World::new(inventory);
    world.gateways[0].endpoints.remove("aaln/69");
    world.gateways[0].tells = Some(("L:1, D:0", "a:PCMU, m:sendrecv"));
    world.gateways[0].refuse(Verb::Auep, "*", 533, 99);
    world.pass(20);
    let asked: Vec<_> = world.gateways[0].executed.iter().filter(|line| line.contains('[')).collect();
    assert_eq!(asked, ["AUEP aaln/[1-32]", "AUEP aaln/[33-64]", "AUEP aaln/[65-70]"]);
    let missing = vec!["aaln/69".to_owned()];
    assert_eq!(told(&world), [&EndpointsView { listed: 69, missing, unlisted: Vec::new() }]);
    world.connect("2001", "2004");
}

#[test]
fn digits_are_not_asked_of_a_gateway_that_detects_none() {
    let mut world = town_that_tells("L:1, G:1", "a:PCMU, m:sendrecv");
    world.lift("2001");
    let endpoint = world.endpoint("2001");
    assert_eq!(endpoint.events, ["l/hu", "l/oc"]);
    assert!(endpoint.map.is_none(), "nor is it told a map");
    let refused = |event: &Event| matches!(event, Event::OrderRefused { .. });
    assert!(!world.events.iter().any(refused));
    world.end();
}

/// A town whose first gateway has twelve lines, and says that it has these packages.
fn town_of_many(packages: &'static str) -> World {
    let mut inventory = town();
    let third = inventory.lines[2].clone();
    for line in 4..=12 {
        let (number, endpoint) = (format!("21{line:02}"), format!("aaln/{line}"));
        inventory.lines.push(LineEntry {
            number,
            access: LineAccess::endpoint(third.gateway(), endpoint),
            ..third.clone()
        });
    }
    let mut world = World::new(inventory);
    world.gateways[0].tells = Some((packages, "a:PCMU, m:sendrecv"));
    world.pass(10);
    for line in world.exchange.snapshot().lines {
        assert_eq!(line.service, ServiceState::InService, "{line:?}");
    }
    world
}

/// The lines of the first gateway that were audited one by one since then.
fn audited(world: &World, since: usize) -> Vec<&str> {
    let lines = world.gateways[0].executed[since..].iter().filter_map(|line| line.strip_prefix("AUEP aaln/"));
    // What the endpoints can do is asked for once.
    let mut lines: Vec<_> = lines.filter(|line| *line != "*").collect();
    let asked = lines.iter().position(|line| *line == "1").unwrap();
    lines.remove(asked);
    lines
}

#[test]
fn the_lines_of_a_gateway_with_bulk_audits_are_asked_together() {
    let mut world = town_of_many("L:1, D:0, G:1, BA:0");
    world.connect("2001", "2004");
    world.ring("2002", "2005");
    world.crash();
    world.pass(1);
    let stray = world.gateways[0].endpoints["aaln/2"].connections.values().next().unwrap().clone();
    world.gateways[0].endpoints.get_mut("aaln/7").unwrap().connections.insert("C7".to_owned(), stray);
    let before = world.gateways[0].executed.len();
    world.start_again();
    world.pass(10);
    assert_eq!(audited(&world, before), ["1", "2", "7"], "those that have connections");
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.gateways[0].connections().count(), 1);
    for line in world.exchange.snapshot().lines {
        assert_eq!(line.service, ServiceState::InService, "{line:?}");
    }
    world.connect("2112", "2006");
}

#[test]
fn who_is_off_the_hook_when_lines_are_asked_together_has_dial_tone() {
    let mut world = town_of_many("L:1, D:0, G:1, BA:0");
    world.gateways[0].checks_hook = false;
    world.crash();
    world.pass(1);
    world.gateways[0].endpoints.get_mut("aaln/7").unwrap().off_hook = true;
    let before = world.gateways[0].executed.len();
    world.start_again();
    world.pass(10);
    assert_eq!(audited(&world, before), [] as [&str; 0], "nobody has a connection");
    let hears: Vec<_> = world.gateways[0].endpoints["aaln/7"].signals.clone();
    assert_eq!(hears, ["L/dl"]);
    let off =
        world.exchange.snapshot().lines.into_iter().filter(|line| line.condition != LineCondition::Idle);
    assert_eq!(off.map(|line| line.number).collect::<Vec<_>>(), ["2107"]);
}

#[test]
fn the_lines_of_a_gateway_without_bulk_audits_are_asked_one_by_one() {
    let refused = |world: &mut World| world.gateways[0].refuse(Verb::Auep, "aaln/*", 518, 9);
    for (packages, bulk) in [("L:1, D:0, G:1", false), ("L:1, D:0, G:1, BA:0", true)] {
        let mut world = town_of_many(packages);
        world.crash();
        world.pass(1);
        let before = world.gateways[0].executed.len();
        if bulk {
            refused(&mut world);
        }
        world.start_again();
        world.pass(10);
        assert_eq!(audited(&world, before).len(), 12);
        for line in world.exchange.snapshot().lines {
            assert_eq!(line.service, ServiceState::InService, "{line:?}");
        }
        world.end();
    }
}
