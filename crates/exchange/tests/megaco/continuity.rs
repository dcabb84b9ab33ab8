//! Tests of continuity on circuits of Megaco gateways (RFC 3525 Annex E.10), and what contexts are told of their calls.

use strowger_exchange::{
    Cic, CircuitEvent, CircuitOrder, Continuity, ContinuityResult, Event, ServiceClass, Subscription,
};

use crate::circuits::{orders_of, say, with_circuits, world_of};
use crate::world::{World, all, town};

const PLACE: &str = "ds/1/1";

fn world() -> World {
    let mut world = world_of(with_circuits(town(), false));
    world.gateways[1].packages.push("ct");
    world
}

fn asked(world: &World) -> (String, String) {
    let endpoint = &world.gateways[1].endpoints[PLACE];
    (endpoint.signals.join(","), endpoint.events.join(","))
}

#[test]
fn a_circuit_is_tested_and_its_result_is_told() {
    for (result, passed) in [(1, true), (0, false)] {
        let mut world = world();
        say(&mut world, 1, CircuitEvent::Test(Continuity::Loopback));
        assert_eq!(asked(&world), ("ct/ct".to_owned(), "ct/cmp".to_owned()));
        let now = world.now;
        world.gateways[1].tested(now, PLACE, result);
        world.settle();
        assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Tested { passed }]);
        let tested = |event: &Event| matches!(event, Event::CircuitTested { circuit: Cic(1), result, .. } if result.passed() == passed);
        assert_eq!(world.events.iter().filter(|event| tested(event)).count(), 1);
        assert_eq!(asked(&world).0, "");
        // The circuit carries calls again.
        world.lift("2001");
        world.dial("2001", "92600");
        world.hang_up("2001");
    }
}

#[test]
fn the_far_ends_test_is_answered_as_the_gateway_is_provisioned() {
    let mut world = world();
    say(&mut world, 1, CircuitEvent::Respond(Some(Continuity::Transponder)));
    assert_eq!(asked(&world).0, "ct/rsp");
    say(&mut world, 1, CircuitEvent::Respond(None));
    assert_eq!(asked(&world).0, "");
    world.end();
}

#[test]
fn a_gateway_without_the_package_fails_the_test() {
    let mut world = world_of(with_circuits(town(), false));
    say(&mut world, 1, CircuitEvent::Test(Continuity::Loopback));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Tested { passed: false }]);
    world.end();
}

#[test]
fn an_operator_has_a_circuit_tested_and_reads_why_it_has_not_passed() {
    let result = |world: &World| {
        let of = |event: &Event| match event {
            Event::CircuitTested { result, .. } => Some(result.clone()),
            _ => None,
        };
        world.events.iter().rev().find_map(of)
    };
    let mut world = world();
    let now = world.now;
    assert_eq!(world.exchange.test_circuit(now, ("carrier", Cic(1)), Continuity::Loopback), Ok(()));
    world.settle();
    assert_eq!(asked(&world), ("ct/ct".to_owned(), "ct/cmp".to_owned()));
    world.gateways[1].tested(now, PLACE, 0);
    world.settle();
    assert_eq!(result(&world), Some(ContinuityResult::NoAnswer));
    let mut world = world_of(with_circuits(town(), false));
    let now = world.now;
    assert_eq!(world.exchange.test_circuit(now, ("carrier", Cic(1)), Continuity::Loopback), Ok(()));
    world.settle();
    let Some(ContinuityResult::Refused(words)) = result(&world) else { panic!("{:?}", result(&world)) };
    assert!(words.starts_with("Megaco 440"), "{words}");
}

#[test]
fn contexts_are_told_of_calls_for_help_and_of_those_with_priority() {
    let mut town = all();
    town.emergency.push("2004".to_owned());
    town.classes.push(ServiceClass { priority: true, ..ServiceClass::new("vip") });
    let vip = Subscription { class: Some("vip".to_owned()), ..Subscription::default() };
    town.subscriptions.insert("2002".to_owned(), vip);
    assert_eq!(town.check(), []);
    let mut world = World::running(town);
    let told = |world: &mut World| {
        let all: Vec<_> =
            world.gateways.iter_mut().map(|gateway| std::mem::take(&mut gateway.attributes)).collect();
        (all[0].clone(), all[1].clone())
    };
    world.connect("2001", "2005");
    assert_eq!(told(&mut world), (vec![], vec![]), "anybody's call");
    world.hang_up("2001");
    world.hang_up("2005");
    world.connect("2001", "2004");
    let help = (Some(15), Some(true));
    assert_eq!(told(&mut world), (vec![help], vec![help]));
    world.hang_up("2001");
    world.hang_up("2004");
    world.connect("2002", "2005");
    assert_eq!(told(&mut world), (vec![(Some(8), None)], vec![(Some(8), None)]));
    world.end();
}
