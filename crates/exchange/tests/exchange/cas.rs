//! Circuits whose gateway signals on them itself: RFC 3064, packages MS and DT.

use strowger_exchange::{
    Cause, Cic, CircuitEntry, CircuitFault, CircuitSignalling, CircuitTrunkEntry, Continuity,
    ContinuityResult, Event, GroupPlace, Inventory, InventoryFault, MegacoEntry, ReleasedBy, RouteEntry,
    RouteTarget, TrunkEntry, TrunkGroupEntry,
};
use strowger_mgcp::message::{RestartMethod, Verb};

use crate::gateway::Connection;
use crate::world::{World, town};

const FIRST: &str = "ds/1/1";
const SECOND: &str = "ds/1/2";

fn trunk(signalling: CircuitSignalling) -> CircuitTrunkEntry {
    let entry = |(cic, endpoint): (u16, &str)| CircuitEntry {
        cic: Cic(cic),
        gateway: "gw2".to_owned(),
        endpoint: endpoint.to_owned(),
    };
    let circuits = [(1, FIRST), (2, SECOND)].map(entry).to_vec();
    CircuitTrunkEntry {
        id: "pbx".to_owned(),
        circuits,
        signalling,
        place: GroupPlace::default(),
        transit: false,
    }
}

fn with_circuits(signalling: CircuitSignalling) -> Inventory {
    let mut town = town();
    town.circuit_trunks.push(trunk(signalling));
    town.routes.push(RouteEntry {
        prefix: "9".to_owned(),
        strip: 1,
        add: String::new(),
        length: Some(5..=5),
        to: vec![RouteTarget::Trunk("pbx".to_owned())],
    });
    assert_eq!(town.check(), []);
    town
}

/// A town whose circuits are found, told to let go, and have said that they are idle.
fn world(signalling: CircuitSignalling) -> World {
    let mut world = World::new(with_circuits(signalling));
    for endpoint in [FIRST, SECOND] {
        world.gateways[1].endpoints.entry(endpoint.to_owned()).or_default();
    }
    world.pass(5);
    let package = if signalling == CircuitSignalling::Mf { "MS" } else { "DT" };
    for endpoint in [FIRST, SECOND] {
        assert_eq!(signals(&world, endpoint), format!("{package}/rel"), "nobody knows what was there before");
        tell(&mut world, endpoint, &[&format!("{package}/rlc")]);
    }
    world
}

fn tell(world: &mut World, endpoint: &str, events: &[&str]) {
    let now = world.now;
    world.gateways[1].tell(now, endpoint, events);
    world.settle();
}

/// What the last request to a circuit asked it to signal.
fn signals(world: &World, endpoint: &str) -> String {
    world.gateways[1].endpoints[endpoint].signals.join(",")
}

fn events(world: &World, endpoint: &str) -> String {
    world.gateways[1].endpoints[endpoint].events.join(",")
}

fn stream(world: &World, endpoint: &str) -> Option<Connection> {
    world.gateways[1].endpoints[endpoint].connections.values().next().cloned()
}

fn talk(world: &World, number: &str, endpoint: &str) -> bool {
    let line = world.endpoint(number).connections.values().next().cloned();
    let (Some(line), Some(bearer)) = (line, stream(world, endpoint)) else { return false };
    (line.mode.as_str(), bearer.mode.as_str()) == ("sendrecv", "sendrecv")
        && line.remote == Some(bearer.port)
        && bearer.remote == Some(line.port)
}

fn call_out(world: &mut World, number: &str) {
    world.lift(number);
    world.dial(number, "92600");
}

#[test]
fn a_line_calls_by_mf_digits_is_answered_and_hangs_up() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    assert_eq!(signals(&world, FIRST), "MS/sup(addr(K0,2,6,0,0,S0))");
    assert_eq!(events(&world, FIRST), "ms/oc,ms/ans,ms/rel");
    tell(&mut world, FIRST, &["MS/oc(MS/sup)"]);
    let line = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!(line.mode, "recvonly", "what the far end gives to hear is heard");
    tell(&mut world, FIRST, &["MS/ans"]);
    assert!(talk(&world, "2001", FIRST));
    assert_eq!(events(&world, FIRST), "ms/ans,ms/sus,ms/rel");
    world.pass(60);
    world.hang_up("2001");
    assert_eq!(signals(&world, FIRST), "MS/rel");
    assert!(stream(&world, FIRST).is_none());
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 1, "the far end has not let go");
    tell(&mut world, FIRST, &["MS/rlc"]);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    assert_eq!(events(&world, FIRST), "ms/sup,ms/inf,ms/rel");
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    assert_eq!(record.called.unwrap().number, "2600");
}

#[test]
fn the_called_party_behind_a_circuit_hangs_up() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    tell(&mut world, FIRST, &["MS/oc(MS/sup)"]);
    tell(&mut world, FIRST, &["MS/ans"]);
    tell(&mut world, FIRST, &["MS/sus"]);
    assert_eq!(signals(&world, FIRST), "MS/rel", "this side ends the call that it began");
    call_out(&mut world, "2002");
    assert!(signals(&world, SECOND).starts_with("MS/sup"), "the first is not idle yet");
    tell(&mut world, FIRST, &["MS/rlc"]);
    world.hang_up("2001");
    world.hang_up("2002");
    tell(&mut world, SECOND, &["MS/rlc"]);
    let world = world.end();
    assert_eq!(world.record_of("2001", "92600").released_by, ReleasedBy::Called);
}

#[test]
fn a_call_that_comes_by_mf_digits_rings_is_answered_and_ends_from_either_side() {
    let mut world = world(CircuitSignalling::Mf);
    tell(&mut world, FIRST, &["MS/sup"]);
    tell(&mut world, FIRST, &["MS/inf(K0,2,0,0,4,S0)"]);
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    assert_eq!(signals(&world, FIRST), "MS/rt", "who calls hears it ring");
    world.lift("2004");
    assert_eq!(signals(&world, FIRST), "MS/ans");
    assert!(talk(&world, "2004", FIRST));
    tell(&mut world, FIRST, &["MS/rel(0)"]);
    assert_eq!((world.hears("2004"), signals(&world, FIRST)), ("L/ro".to_owned(), "MS/rlc".to_owned()));
    assert!(stream(&world, FIRST).is_none());
    world.hang_up("2004");
    // The same, and the called line hangs up first.
    tell(&mut world, FIRST, &["MS/sup"]);
    tell(&mut world, FIRST, &["MS/inf(k0,2,0,0,5,s0)"]);
    world.lift("2005");
    world.hang_up("2005");
    assert_eq!(signals(&world, FIRST), "MS/rel");
    tell(&mut world, FIRST, &["MS/rlc"]);
    let world = world.end();
    let by: Vec<_> = world.ended.iter().map(|ended| ended.released_by).collect();
    assert_eq!(by, [ReleasedBy::Calling, ReleasedBy::Called]);
}

#[test]
fn dtmf_digits_are_collected_by_the_plan_and_sent_as_they_are() {
    let mut world = world(CircuitSignalling::Dtmf);
    assert_eq!(events(&world, FIRST), "dt/sup,dt/rel,d/[0-9*#t]");
    tell(&mut world, FIRST, &["DT/sup"]);
    let now = world.now;
    world.gateways[1].dial(now, FIRST, "2004");
    world.settle();
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    tell(&mut world, FIRST, &["DT/rel(0)"]);
    assert_eq!((world.hears("2004"), signals(&world, FIRST)), (String::new(), "DT/rlc".to_owned()));
    call_out(&mut world, "2001");
    assert_eq!(signals(&world, SECOND), "DT/sup(addr(2,6,0,0))", "the one that has been free for longest");
    world.hang_up("2001");
    tell(&mut world, SECOND, &["DT/rlc"]);
    world.end();
}

#[test]
fn who_calls_a_busy_line_by_a_circuit_hears_so_until_he_lets_go() {
    let mut world = world(CircuitSignalling::Mf);
    world.connect("2001", "2002");
    tell(&mut world, FIRST, &["MS/sup"]);
    tell(&mut world, FIRST, &["MS/inf(K0,2,0,0,2,S0)"]);
    assert_eq!((signals(&world, FIRST), events(&world, FIRST)), ("MS/bz".into(), "ms/rel,ms/oc".into()));
    tell(&mut world, FIRST, &["MS/rel(0)"]);
    assert_eq!(signals(&world, FIRST), "MS/rlc");
    // Nobody has that number, and the tone ends before he lets go.
    tell(&mut world, FIRST, &["MS/sup"]);
    tell(&mut world, FIRST, &["MS/inf(K0,2,9,9,9,S0)"]);
    assert_eq!(signals(&world, FIRST), "MS/ro");
    tell(&mut world, FIRST, &["MS/oc(MS/ro)"]);
    assert_eq!(signals(&world, FIRST), "MS/rel");
    tell(&mut world, FIRST, &["MS/rlc"]);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    world.hang_up("2001");
    world.end();
}

#[test]
fn a_seizure_without_a_number_ends_and_nobody_calls_by_the_circuit_meanwhile() {
    let mut world = world(CircuitSignalling::Mf);
    tell(&mut world, FIRST, &["MS/sup"]);
    call_out(&mut world, "2001");
    assert!(signals(&world, SECOND).starts_with("MS/sup"), "the first is the far end's");
    tell(&mut world, SECOND, &["MS/rel(44)"]);
    tell(&mut world, FIRST, &["MS/inf(K0,2,0,0)"]);
    assert_eq!(signals(&world, FIRST), "MS/ro", "no end came behind the digits");
    tell(&mut world, FIRST, &["MS/rel(0)"]);
    tell(&mut world, SECOND, &["MS/rlc"]);
    world.hang_up("2001");
    // It says nothing at all.
    tell(&mut world, FIRST, &["MS/sup"]);
    world.pass(31);
    assert_eq!(signals(&world, FIRST), "MS/ro");
    world.pass(31);
    assert_eq!(signals(&world, FIRST), "MS/rel");
    tell(&mut world, FIRST, &["MS/rlc"]);
    // It changes its mind.
    tell(&mut world, FIRST, &["MS/sup"]);
    tell(&mut world, FIRST, &["MS/rel(0)"]);
    assert_eq!(signals(&world, FIRST), "MS/rlc");
    world.end();
}

#[test]
fn both_ends_seize_at_once_and_the_circuit_is_used_again_when_it_says_that_it_is_idle() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    tell(&mut world, FIRST, &["MS/rel(44)"]);
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(signals(&world, FIRST), "MS/rlc");
    world.hang_up("2001");
    call_out(&mut world, "2002");
    assert!(signals(&world, SECOND).starts_with("MS/sup"));
    call_out(&mut world, "2003");
    assert_eq!(world.hears("2003"), "L/ro", "the first is not idle");
    world.hang_up("2003");
    tell(&mut world, FIRST, &["MS/rlc"]);
    call_out(&mut world, "2003");
    assert!(signals(&world, FIRST).starts_with("MS/sup"));
    for (number, endpoint) in [("2002", SECOND), ("2003", FIRST)] {
        world.hang_up(number);
        tell(&mut world, endpoint, &["MS/rlc"]);
    }
    let world = world.end();
    assert_eq!(world.record_of("2001", "92600").cause, Cause::REQUESTED_CIRCUIT_NOT_AVAILABLE);
}

#[test]
fn a_gateway_that_refuses_the_seizure_ends_the_call_and_one_that_refuses_to_watch_is_asked_again() {
    let mut world = world(CircuitSignalling::Mf);
    world.gateways[1].refuse(Verb::Rqnt, FIRST, 403, 1);
    call_out(&mut world, "2001");
    assert_eq!((world.hears("2001"), signals(&world, FIRST)), ("L/ro".into(), "MS/rel".into()));
    world.hang_up("2001");
    world.gateways[1].refuse(Verb::Rqnt, FIRST, 400, 1);
    tell(&mut world, FIRST, &["MS/rlc"]);
    world.pass(6);
    assert_eq!(events(&world, FIRST), "ms/sup,ms/inf,ms/rel");
    world.end();
}

#[test]
fn a_far_end_that_does_not_let_go_keeps_its_circuit_and_not_the_call() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    world.hang_up("2001");
    let count =
        |world: &World| world.gateways[1].endpoints[FIRST].heard.iter().filter(|s| *s == "MS/rel").count();
    let before = count(&world);
    world.pass(61);
    assert!(count(&world) > before, "it is told again");
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    call_out(&mut world, "2001");
    call_out(&mut world, "2002");
    assert_eq!(world.hears("2002"), "L/ro", "one circuit is left");
    for number in ["2001", "2002"] {
        world.hang_up(number);
    }
    for endpoint in [FIRST, SECOND] {
        tell(&mut world, endpoint, &["MS/rlc"]);
    }
    world.end();
}

#[test]
fn circuits_of_a_gateway_that_restarts_are_let_go_and_serve_again() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    tell(&mut world, FIRST, &["MS/oc(MS/sup)"]);
    tell(&mut world, FIRST, &["MS/ans"]);
    let now = world.now;
    world.gateways[1].power_cycle();
    world.gateways[1].restart(now, "*", RestartMethod::Restart, None);
    world.pass(5);
    assert_ne!(world.hears("2001"), "");
    world.hang_up("2001");
    for endpoint in [FIRST, SECOND] {
        assert_eq!(signals(&world, endpoint), "MS/rel");
        tell(&mut world, endpoint, &["MS/rlc"]);
    }
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    call_out(&mut world, "2001");
    assert!(signals(&world, SECOND).starts_with("MS/sup") || signals(&world, FIRST).starts_with("MS/sup"));
    world.hang_up("2001");
    for endpoint in [FIRST, SECOND] {
        tell(&mut world, endpoint, &["MS/rlc"]);
    }
    world.end();
}

#[test]
fn a_talked_call_by_a_circuit_outlives_its_exchange_in_both_directions() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    tell(&mut world, FIRST, &["MS/oc(MS/sup)"]);
    tell(&mut world, FIRST, &["MS/ans"]);
    tell(&mut world, SECOND, &["MS/sup"]);
    tell(&mut world, SECOND, &["MS/inf(K0,2,0,0,5,S0)"]);
    world.lift("2005");
    assert!(talk(&world, "2001", FIRST) && talk(&world, "2005", SECOND));
    let before = [stream(&world, FIRST).unwrap().port, stream(&world, SECOND).unwrap().port];
    world.crash();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    assert_eq!([stream(&world, FIRST).unwrap().port, stream(&world, SECOND).unwrap().port], before);
    assert!(talk(&world, "2001", FIRST) && talk(&world, "2005", SECOND));
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 2);
    let restored = world.events.iter().filter(|event| matches!(event, Event::Restored { .. })).count();
    assert_eq!(restored, 2);
    // Each ends as it would have: the called one of the first, who calls in the second.
    tell(&mut world, FIRST, &["MS/sus"]);
    assert_eq!(signals(&world, FIRST), "MS/rel");
    tell(&mut world, FIRST, &["MS/rlc"]);
    tell(&mut world, SECOND, &["MS/rel(0)"]);
    assert_eq!(signals(&world, SECOND), "MS/rlc");
    assert!(stream(&world, FIRST).is_none() && stream(&world, SECOND).is_none());
    world.end();
}

#[test]
fn a_call_by_a_circuit_that_ended_while_no_exchange_was_there_is_over() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    tell(&mut world, FIRST, &["MS/oc(MS/sup)"]);
    tell(&mut world, FIRST, &["MS/ans"]);
    world.crash();
    world.gateways[1].endpoints.get_mut(FIRST).unwrap().states = vec!["MS/rlc"];
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    assert_ne!(world.hears("2001"), "");
    assert!(stream(&world, FIRST).is_none());
    assert_eq!(signals(&world, FIRST), "MS/rel");
    tell(&mut world, FIRST, &["MS/rlc"]);
    tell(&mut world, SECOND, &["MS/rlc"]);
    world.end();
}

#[test]
fn a_call_whose_stream_is_gone_after_a_crash_is_over_and_its_circuit_serves_again() {
    let mut world = world(CircuitSignalling::Mf);
    call_out(&mut world, "2001");
    tell(&mut world, FIRST, &["MS/oc(MS/sup)"]);
    tell(&mut world, FIRST, &["MS/ans"]);
    world.crash();
    world.gateways[1].endpoints.get_mut(FIRST).unwrap().connections.clear();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    assert_ne!(world.hears("2001"), "");
    for endpoint in [FIRST, SECOND] {
        assert_eq!(signals(&world, endpoint), "MS/rel");
        tell(&mut world, endpoint, &["MS/rlc"]);
    }
    world.hang_up("2001");
    for (number, endpoint) in [("2002", SECOND), ("2003", FIRST)] {
        call_out(&mut world, number);
        assert!(signals(&world, endpoint).starts_with("MS/sup"));
    }
    for (number, endpoint) in [("2002", SECOND), ("2003", FIRST)] {
        world.hang_up(number);
        tell(&mut world, endpoint, &["MS/rlc"]);
    }
    world.end();
}

#[test]
fn a_group_tries_circuits_and_sip_trunks_by_their_places() {
    let mut town = with_circuits(CircuitSignalling::Mf);
    town.trunk_groups.push(TrunkGroupEntry { id: "all".to_owned(), channels: None });
    let sip = TrunkEntry::sip("sip", "127.0.0.99:5060".parse().unwrap());
    town.sip.push(strowger_exchange::SipSocket {
        transport: sip.transport,
        address: "127.0.0.1:5060".parse().unwrap(),
    });
    town.trunks.push(TrunkEntry { group: Some("all".to_owned()), priority: 2, ..sip });
    town.circuit_trunks[0].place = GroupPlace { group: Some("all".to_owned()), ..GroupPlace::default() };
    town.routes[0].to = vec![RouteTarget::TrunkGroup("all".to_owned())];
    assert_eq!(town.check(), []);
    let mut world = World::new(town);
    for endpoint in [FIRST, SECOND] {
        world.gateways[1].endpoints.entry(endpoint.to_owned()).or_default();
    }
    world.pass(5);
    tell(&mut world, FIRST, &["MS/rlc"]);
    call_out(&mut world, "2001");
    assert!(signals(&world, FIRST).starts_with("MS/sup"), "it comes first in the group");
}

#[test]
fn circuits_that_a_gateway_of_megaco_is_to_signal_on_are_a_fault() {
    let mut town = with_circuits(CircuitSignalling::Mf);
    let entry = MegacoEntry { mid: Some("<gw3.town>".to_owned()), ..MegacoEntry::default() };
    town.gateways.push(strowger_exchange::GatewayEntry::megaco(
        "gw3",
        "127.0.0.11:2944".parse().unwrap(),
        "gw3.town",
        entry,
    ));
    town.circuit_trunks[0].circuits[0].gateway = "gw3".to_owned();
    assert_eq!(town.check(), [InventoryFault::NoSignalling("gw3".to_owned())]);
    town.circuit_trunks[0].signalling = CircuitSignalling::Outside;
    assert_eq!(town.check(), []);
}

#[test]
fn an_idle_circuit_is_tested_and_a_call_that_comes_meanwhile_is_taken() {
    for (signalling, package) in [(CircuitSignalling::Mf, "MS"), (CircuitSignalling::Dtmf, "DT")] {
        let mut world = world(signalling);
        let ask = |world: &mut World| {
            let now = world.now;
            let asked = world.exchange.test_circuit(now, ("pbx", Cic(1)), Continuity::Loopback);
            world.settle();
            asked
        };
        let results = |world: &World| -> Vec<ContinuityResult> {
            let of = |event: &Event| match event {
                Event::CircuitTested { result, .. } => Some(result.clone()),
                _ => None,
            };
            world.events.iter().filter_map(of).collect()
        };
        let idle = events(&world, FIRST);
        assert_eq!(ask(&mut world), Ok(()));
        assert_eq!(signals(&world, FIRST), "T/co1");
        assert_eq!(events(&world, FIRST), format!("{idle},t/co1,t/oc,t/of"), "the far end may still call");
        // Nobody is sent that way, and time does not end it before its result.
        call_out(&mut world, "2001");
        assert!(signals(&world, SECOND).contains("/sup("), "{}", signals(&world, SECOND));
        world.hang_up("2001");
        tell(&mut world, FIRST, &["T/co1"]);
        assert_eq!(results(&world), [ContinuityResult::Passed]);
        assert_eq!((signals(&world, FIRST), events(&world, FIRST)), (String::new(), idle.clone()));
        // A gateway without the package refuses, and the circuit is watched as before.
        world.gateways[1].refuse(Verb::Rqnt, FIRST, 518, 1);
        assert_eq!(ask(&mut world), Ok(()));
        assert!(matches!(&results(&world)[1], ContinuityResult::Refused(words) if words.starts_with("518")));
        assert_eq!(events(&world, FIRST), idle);
        // It answers tests until a call comes, and is no loop for that.
        let now = world.now;
        let loops = Some(Continuity::Loopback);
        assert_eq!(world.exchange.answer_circuit_tests(now, ("pbx", Cic(1)), loops), Ok(()));
        world.settle();
        assert_eq!((signals(&world, FIRST).as_str(), events(&world, FIRST)), ("T/lb(+)", idle.clone()));
        tell(&mut world, FIRST, &[&format!("{package}/sup")]);
        assert_eq!((signals(&world, FIRST).as_str(), events(&world, FIRST)), ("T/lb(-)", idle.clone()));
        tell(&mut world, FIRST, &[&format!("{package}/rel")]);
        assert_eq!(signals(&world, FIRST), format!("{package}/rlc"));
        // The far end seizes it during a test.
        assert_eq!(ask(&mut world), Ok(()));
        tell(&mut world, FIRST, &[&format!("{package}/sup")]);
        assert_eq!(results(&world)[2], ContinuityResult::Seized);
        assert_eq!(ask(&mut world), Err(CircuitFault::Taken));
        match signalling {
            CircuitSignalling::Mf => tell(&mut world, FIRST, &["MS/inf(K0,2,0,0,4,S0)"]),
            _ => tell(&mut world, FIRST, &["D/2", "D/0", "D/0", "D/4"]),
        }
        assert_eq!(events(&world, FIRST), format!("{}/rel", package.to_lowercase()));
        assert_eq!(world.exchange.snapshot().trunks[0].taken, 2);
    }
}
