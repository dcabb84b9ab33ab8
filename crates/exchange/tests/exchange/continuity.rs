//! Tests of continuity on circuits of MGCP gateways: package T of RFC 3660 section 2.5.

use strowger_exchange::{
    CallingParty, Cic, CircuitEvent, CircuitFault, CircuitOrder, Continuity, ContinuityResult, Event, TrunkId,
};
use strowger_mgcp::message::Verb;

use crate::circuits::{circuit, orders_of, say, with_circuits, world_of};
use crate::world::{World, town};

const PLACE: &str = "ds/1/1";

fn world() -> World {
    world_of(with_circuits(town(), false))
}

fn tell(world: &mut World, events: &[&str]) {
    let now = world.now;
    world.gateways[1].tell(now, PLACE, events);
    world.settle();
}

fn asked(world: &World) -> (String, String) {
    let endpoint = &world.gateways[1].endpoints[PLACE];
    (endpoint.signals.join(","), endpoint.events.join(","))
}

fn results(world: &World) -> Vec<(String, Cic, ContinuityResult)> {
    let of = |event: &Event| match event {
        Event::CircuitTested { trunk, circuit, result } => Some((trunk.clone(), *circuit, result.clone())),
        _ => None,
    };
    world.events.iter().filter_map(of).collect()
}

#[test]
fn the_answer_of_a_loop_or_of_a_transponder_passes_a_test_and_silence_fails_it() {
    for (kind, event, result) in [
        (Continuity::Loopback, "T/co1", ContinuityResult::Passed),
        (Continuity::Transponder, "T/co2", ContinuityResult::Passed),
        (Continuity::Loopback, "T/oc(T/co1)", ContinuityResult::NoAnswer),
        (Continuity::Transponder, "T/of(T/co1)", ContinuityResult::BrokenOff),
    ] {
        let mut world = world();
        say(&mut world, 1, CircuitEvent::Test(kind));
        let answer = if kind == Continuity::Loopback { "t/co1" } else { "t/co2" };
        assert_eq!(asked(&world), ("T/co1".to_owned(), format!("{answer},t/oc,t/of")));
        tell(&mut world, &[event]);
        let passed = result.passed();
        assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Tested { passed }], "{event}");
        assert_eq!(results(&world), [("carrier".to_owned(), Cic(1), result)]);
        assert_eq!(asked(&world), (String::new(), String::new()));
        world.end();
    }
}

#[test]
fn nobody_calls_by_a_circuit_that_is_tested_and_a_gateway_that_says_nothing_fails_it() {
    let mut world = world();
    say(&mut world, 1, CircuitEvent::Test(Continuity::Loopback));
    world.lift("2001");
    world.dial("2001", "92600");
    assert!(matches!(orders_of(&mut world, 2)[..], [CircuitOrder::Setup { .. }]));
    let now = world.now;
    for event in [
        CircuitEvent::Test(Continuity::Loopback),
        CircuitEvent::Respond(Some(Continuity::Loopback)),
        CircuitEvent::Setup { called: "2004".to_owned(), calling: CallingParty::default() },
    ] {
        assert_eq!(world.exchange.handle_circuit(now, circuit(1), event), Err(CircuitFault::Unexpected));
    }
    // Nor is a circuit tested that has a call.
    let busy = world.exchange.handle_circuit(now, circuit(2), CircuitEvent::Test(Continuity::Loopback));
    assert_eq!(busy, Err(CircuitFault::Unexpected));
    world.pass(16);
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Tested { passed: false }]);
    world.hang_up("2001");
    say(&mut world, 2, CircuitEvent::Cleared);
    world.end();
}

#[test]
fn a_test_that_the_gateway_refuses_or_that_is_lost_with_it_has_failed() {
    let mut world = world();
    world.gateways[1].refuse(Verb::Rqnt, PLACE, 518, 1);
    say(&mut world, 1, CircuitEvent::Test(Continuity::Transponder));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Tested { passed: false }]);
    say(&mut world, 1, CircuitEvent::Test(Continuity::Transponder));
    let now = world.now;
    world.gateways[1].power_cycle();
    world.gateways[1].restart(now, "*", strowger_mgcp::message::RestartMethod::Restart, None);
    world.pass(5);
    assert_eq!(results(&world).len(), 2);
    assert_eq!(results(&world)[1], ("carrier".to_owned(), Cic(1), ContinuityResult::BearerLost));
    while world.exchange.poll_circuit().is_some() {}
    world.end();
}

#[test]
fn the_far_ends_test_is_answered_until_it_is_over() {
    let mut world = world();
    for (kind, on, off) in [
        (Continuity::Loopback, "T/lb(+)", "T/lb(-)"),
        (Continuity::Transponder, "T/ct(in=co1,out=co2,+)", "T/ct(in=co1,out=co2,-)"),
    ] {
        say(&mut world, 1, CircuitEvent::Respond(Some(kind)));
        assert_eq!(asked(&world).0, on);
        say(&mut world, 1, CircuitEvent::Respond(None));
        assert_eq!(asked(&world).0, off);
    }
    let now = world.now;
    let over = world.exchange.handle_circuit(now, circuit(1), CircuitEvent::Respond(None));
    assert_eq!(over, Err(CircuitFault::Unexpected));
    // Then the call comes.
    say(&mut world, 1, CircuitEvent::Setup { called: "2004".to_owned(), calling: CallingParty::default() });
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Alerting]);
    assert_eq!(circuit(1).trunk, TrunkId(0));
    say(&mut world, 1, CircuitEvent::Released { cause: strowger_exchange::Cause::NORMAL_CLEARING });
    world.end();
}

fn ask(world: &mut World, trunk: &str, cic: u16, kind: Continuity) -> Result<(), CircuitFault> {
    let now = world.now;
    let asked = world.exchange.test_circuit(now, (trunk, Cic(cic)), kind);
    world.settle();
    asked
}

#[test]
fn an_operator_has_a_circuit_tested_and_is_told_what_came_of_it_or_why_it_cannot_be() {
    let mut world = world();
    for (trunk, cic) in [("carrier", 3), ("other", 1)] {
        assert_eq!(ask(&mut world, trunk, cic, Continuity::Loopback), Err(CircuitFault::Unknown));
    }
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Loopback), Ok(()));
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Loopback), Err(CircuitFault::Taken));
    tell(&mut world, &["T/co1"]);
    assert_eq!(results(&world), [("carrier".to_owned(), Cic(1), ContinuityResult::Passed)]);
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Loopback), Ok(()));
    world.pass(16);
    assert_eq!(results(&world)[1].2, ContinuityResult::NoResult);
    world.gateways[1].refuse(Verb::Rqnt, PLACE, 518, 1);
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Loopback), Ok(()));
    let ContinuityResult::Refused(words) = &results(&world)[2].2 else { panic!("{:?}", results(&world)) };
    assert!(words.starts_with("518 "), "{words}");
    world.gateways[1].power_cycle();
    let now = world.now;
    world.gateways[1].restart(now, "*", strowger_mgcp::message::RestartMethod::Forced, None);
    world.settle();
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Loopback), Err(CircuitFault::OutOfService));
    while world.exchange.poll_circuit().is_some() {}
}

#[test]
fn circuits_on_which_nobody_signals_are_tested_and_carry_no_call() {
    let mut town = with_circuits(town(), false);
    town.circuit_trunks[0].signalling = strowger_exchange::CircuitSignalling::Nobody;
    assert_eq!(town.check(), []);
    let mut world = World::new(town);
    world.gateways[1].endpoints.entry(PLACE.to_owned()).or_default();
    world.pass(5);
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Transponder), Ok(()));
    assert_eq!(asked(&world), ("T/co1".to_owned(), "t/co2,t/oc,t/of".to_owned()));
    tell(&mut world, &["T/co2"]);
    assert_eq!(results(&world), [("carrier".to_owned(), Cic(1), ContinuityResult::Passed)]);
    world.lift("2001");
    world.dial("2001", "92600");
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    assert_eq!(world.exchange.poll_circuit(), None, "there is nobody to be told anything");
    world.hang_up("2001");
    world.end();
}

fn answer(world: &mut World, kind: Option<Continuity>) -> Result<(), CircuitFault> {
    let now = world.now;
    let asked = world.exchange.answer_circuit_tests(now, ("carrier", Cic(1)), kind);
    world.settle();
    asked
}

#[test]
fn an_operator_has_a_circuit_answer_tests_until_he_says_so_or_it_cannot() {
    let mut world = world();
    assert_eq!(answer(&mut world, None), Err(CircuitFault::Unexpected));
    assert_eq!(answer(&mut world, Some(Continuity::Loopback)), Ok(()));
    assert_eq!(asked(&world).0, "T/lb(+)");
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Loopback), Err(CircuitFault::Taken));
    assert_eq!(answer(&mut world, None), Ok(()));
    assert_eq!(asked(&world).0, "T/lb(-)");
    // One that is refused answers nothing, and neither does one whose gateway was gone.
    world.gateways[1].refuse(Verb::Rqnt, PLACE, 518, 1);
    assert_eq!(answer(&mut world, Some(Continuity::Loopback)), Ok(()));
    assert_eq!(answer(&mut world, None), Err(CircuitFault::Unexpected));
    assert_eq!(answer(&mut world, Some(Continuity::Transponder)), Ok(()));
    let now = world.now;
    world.gateways[1].power_cycle();
    world.gateways[1].restart(now, "*", strowger_mgcp::message::RestartMethod::Restart, None);
    world.pass(5);
    assert_eq!(answer(&mut world, None), Err(CircuitFault::Unexpected));
    assert_eq!(ask(&mut world, "carrier", 1, Continuity::Loopback), Ok(()));
    tell(&mut world, &["T/co1"]);
    assert_eq!(results(&world).last().unwrap().2, ContinuityResult::Passed);
    while world.exchange.poll_circuit().is_some() {}
    world.end();
}
