//! Trunk circuits: the bearers are endpoints of the town's gateways, the signalling is the story's own.

use strowger_exchange::{
    CallingParty, Cause, Cic, CircuitEntry, CircuitEvent, CircuitFault, CircuitId, CircuitOrder,
    CircuitSignalling, CircuitTrunkEntry, GroupPlace, Inventory, ReleasedBy, RouteEntry, RouteTarget,
    ServiceState, StreamRole, TrunkId,
};
use strowger_sansio::Duration;

use crate::gateway::Connection;
use crate::world::{World, town};

/// The circuits of the trunk: the first two on the second gateway, the third on the first one.
const PLACES: [(u16, &str, &str); 3] = [(1, "gw2", "ds/1/1"), (2, "gw2", "ds/1/2"), (7, "gw1", "ds/1/1")];

pub(crate) const fn circuit(cic: u16) -> CircuitId {
    CircuitId { trunk: TrunkId(0), cic: Cic(cic) }
}

pub(crate) fn with_circuits(mut town: Inventory, transit: bool) -> Inventory {
    let entry = |(cic, gateway, endpoint): (u16, &str, &str)| CircuitEntry {
        cic: Cic(cic),
        gateway: gateway.to_owned(),
        endpoint: endpoint.to_owned(),
    };
    let circuits = PLACES.map(entry).to_vec();
    town.circuit_trunks.push(CircuitTrunkEntry {
        id: "carrier".to_owned(),
        circuits,
        signalling: CircuitSignalling::Outside,
        place: GroupPlace::default(),
        transit,
    });
    town.routes.push(RouteEntry {
        prefix: "9".to_owned(),
        strip: 1,
        add: String::new(),
        length: Some(5..=5),
        to: vec![RouteTarget::Trunk("carrier".to_owned())],
    });
    assert_eq!(town.check(), []);
    town
}

pub(crate) fn world_of(town: Inventory) -> World {
    let mut world = World::new(town);
    for (_, gateway, endpoint) in PLACES {
        let place = if gateway == "gw1" { 0 } else { 1 };
        world.gateways[place].endpoints.entry(endpoint.to_owned()).or_default();
    }
    world.pass(5);
    let mut told = orders(&mut world);
    told.sort_by_key(|(circuit, _)| *circuit);
    let serves = |(cic, ..): (u16, &str, &str)| (circuit(cic), CircuitOrder::Bearer { serves: true });
    assert_eq!(told, PLACES.map(serves));
    world
}

fn world() -> World {
    world_of(with_circuits(town(), false))
}

fn orders(world: &mut World) -> Vec<(CircuitId, CircuitOrder)> {
    std::iter::from_fn(|| world.exchange.poll_circuit()).collect()
}

/// What one circuit is told, and nobody else is.
pub(crate) fn orders_of(world: &mut World, cic: u16) -> Vec<CircuitOrder> {
    let all = orders(world);
    assert!(all.iter().all(|(own, _)| *own == circuit(cic)), "{all:?}");
    all.into_iter().map(|(_, order)| order).collect()
}

pub(crate) fn say(world: &mut World, cic: u16, event: CircuitEvent) {
    let now = world.now;
    world.exchange.handle_circuit(now, circuit(cic), event).unwrap();
    world.settle();
}

fn setup(number: &str) -> CircuitEvent {
    let calling = CallingParty { number: Some("2500".to_owned()), ..CallingParty::default() };
    CircuitEvent::Setup { called: number.to_owned(), calling }
}

/// The stream of a circuit's bearer.
fn stream(world: &World, cic: u16) -> Option<Connection> {
    let (_, gateway, endpoint) = PLACES.into_iter().find(|(own, ..)| *own == cic).unwrap();
    let place = if gateway == "gw1" { 0 } else { 1 };
    world.gateways[place].endpoints[endpoint].connections.values().next().cloned()
}

fn tones(world: &World, cic: u16) -> String {
    let (_, gateway, endpoint) = PLACES.into_iter().find(|(own, ..)| *own == cic).unwrap();
    let place = if gateway == "gw1" { 0 } else { 1 };
    world.gateways[place].endpoints[endpoint].signals.join(",")
}

/// Whether a line and a circuit talk: each sends to where the other one receives.
fn talk(world: &World, number: &str, cic: u16) -> bool {
    let line = world.endpoint(number).connections.values().next().cloned();
    let (Some(line), Some(bearer)) = (line, stream(world, cic)) else { return false };
    line.mode == "sendrecv"
        && bearer.mode == "sendrecv"
        && line.remote == Some(bearer.port)
        && bearer.remote == Some(line.port)
}

fn call_out(world: &mut World, number: &str) {
    world.lift(number);
    world.dial(number, "92600");
}

#[test]
fn a_line_calls_by_a_circuit_when_its_bearer_is_there() {
    let mut world = world();
    call_out(&mut world, "2001");
    let told = orders_of(&mut world, 1);
    let [CircuitOrder::Setup { number, caller, diversions }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((number.as_str(), caller.number.as_deref(), diversions.len()), ("2600", Some("2001"), 0));
    assert_eq!(stream(&world, 1).unwrap().mode, "sendonly", "the far end is heard, and hears nobody");
    say(&mut world, 1, CircuitEvent::Alerting);
    assert_eq!(world.hears("2001"), "G/rt");
    say(&mut world, 1, CircuitEvent::Answered);
    assert!(talk(&world, "2001", 1));
    assert_eq!(world.hears("2001"), "");
    world.pass(60);
    world.hang_up("2001");
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Release { cause: Cause::NORMAL_CLEARING }]);
    assert_eq!(stream(&world, 1).map(|stream| stream.mode), None);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 1, "the far end has not cleared");
    say(&mut world, 1, CircuitEvent::Cleared);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    assert_eq!(record.called.unwrap().gateway, "carrier");
    let media: Vec<_> =
        record.media.iter().map(|own| (own.role, own.termination.endpoint.as_str())).collect();
    assert_eq!(media, [(StreamRole::Calling, "aaln/1"), (StreamRole::Called, "ds/1/1")]);
}

#[test]
fn a_call_that_comes_by_a_circuit_rings_a_line_and_is_answered() {
    let mut world = world();
    say(&mut world, 7, setup("2004"));
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    assert_eq!(orders_of(&mut world, 7), [CircuitOrder::Alerting]);
    assert!(tones(&world, 7).starts_with("G/rt"), "who calls hears it ring: {}", tones(&world, 7));
    world.lift("2004");
    assert_eq!(orders_of(&mut world, 7), [CircuitOrder::Answered]);
    assert_eq!(tones(&world, 7), "");
    assert!(talk(&world, "2004", 7));
    say(&mut world, 7, CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!(world.hears("2004"), "L/ro");
    assert_eq!(orders_of(&mut world, 7), [CircuitOrder::Cleared], "the bearer is free");
    assert!(stream(&world, 7).is_none());
    let record = world.end_with_record();
    assert_eq!((record.calling.number.as_str(), record.released_by), ("2500", ReleasedBy::Calling));
}

#[test]
fn what_the_far_end_plays_is_heard_before_it_answers() {
    let mut world = world();
    call_out(&mut world, "2001");
    orders(&mut world);
    say(&mut world, 1, CircuitEvent::Progress);
    let line = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((line.remote, line.mode.as_str()), (Some(stream(&world, 1).unwrap().port), "recvonly"));
    assert_eq!(world.hears("2001"), "", "in the place of a tone");
    say(&mut world, 1, CircuitEvent::Released { cause: Cause::USER_BUSY });
    assert_eq!(world.hears("2001"), "L/bz");
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Cleared]);
    world.end();
}

#[test]
fn a_busy_line_a_number_that_nobody_has_and_a_caller_who_gives_up_leave_circuits_idle() {
    let mut world = world();
    world.connect("2001", "2004");
    say(&mut world, 1, setup("2004"));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Release { cause: Cause::USER_BUSY }]);
    say(&mut world, 1, CircuitEvent::Cleared);
    say(&mut world, 1, setup("2999"));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Release { cause: Cause::UNALLOCATED_NUMBER }]);
    say(&mut world, 1, CircuitEvent::Cleared);
    say(&mut world, 1, setup("2005"));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Alerting]);
    say(&mut world, 1, CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!((world.hears("2005"), tones(&world, 1)), (String::new(), String::new()));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Cleared]);
    world.hang_up("2001");
    world.end();
}

#[test]
fn both_sides_release_at_once_and_each_hears_that_the_other_is_done() {
    let mut world = world();
    call_out(&mut world, "2001");
    orders(&mut world);
    say(&mut world, 1, CircuitEvent::Answered);
    world.hook("2001", false);
    // The release is under way to the switch when the far end says the same.
    world.pass_time(Duration::from_millis(7));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Release { cause: Cause::NORMAL_CLEARING }]);
    say(&mut world, 1, CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Cleared]);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    let now = world.now;
    let late = world.exchange.handle_circuit(now, circuit(1), CircuitEvent::Cleared);
    assert_eq!(late, Err(CircuitFault::Unexpected));
    world.end();
}

#[test]
fn circuits_are_taken_one_after_the_other_and_none_is_taken_twice() {
    let mut world = world();
    for (number, cic) in [("2001", 1), ("2002", 2), ("2003", 7)] {
        call_out(&mut world, number);
        assert!(matches!(orders_of(&mut world, cic)[..], [CircuitOrder::Setup { .. }]));
    }
    call_out(&mut world, "2005");
    assert_eq!((world.hears("2005"), orders(&mut world).len()), ("L/ro".to_owned(), 0));
    assert_eq!(world.ended[0].cause, Cause::NO_CIRCUIT_AVAILABLE);
    world.hang_up("2005");
    world.hang_up("2002");
    orders(&mut world);
    call_out(&mut world, "2005");
    assert_eq!(world.hears("2005"), "L/ro", "the second circuit is not clear yet");
    world.hang_up("2005");
    say(&mut world, 2, CircuitEvent::Cleared);
    call_out(&mut world, "2005");
    assert!(matches!(orders_of(&mut world, 2)[..], [CircuitOrder::Setup { .. }]));
    for (number, cic) in [("2001", 1), ("2003", 7), ("2005", 2)] {
        world.hang_up(number);
        say(&mut world, cic, CircuitEvent::Cleared);
    }
    world.end();
}

#[test]
fn a_circuit_that_its_signalling_has_closed_takes_no_calls_but_may_bring_them() {
    let mut world = world();
    for cic in [1, 2] {
        say(&mut world, cic, CircuitEvent::Open(false));
    }
    call_out(&mut world, "2001");
    assert!(matches!(orders_of(&mut world, 7)[..], [CircuitOrder::Setup { .. }]));
    say(&mut world, 1, setup("2004"));
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Alerting]);
    say(&mut world, 1, CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
    say(&mut world, 1, CircuitEvent::Open(true));
    world.hang_up("2001");
    say(&mut world, 7, CircuitEvent::Cleared);
    orders(&mut world);
    say(&mut world, 7, CircuitEvent::Open(false));
    call_out(&mut world, "2001");
    assert!(matches!(orders_of(&mut world, 1)[..], [CircuitOrder::Setup { .. }]));
    world.hang_up("2001");
    say(&mut world, 1, CircuitEvent::Cleared);
    world.end();
}

#[test]
fn a_gateway_that_is_lost_ends_its_calls_and_closes_its_circuits_until_it_is_back_and_they_are_clear() {
    let mut world = world();
    call_out(&mut world, "2001");
    orders(&mut world);
    say(&mut world, 1, CircuitEvent::Answered);
    world.gateways[1].dead = true;
    world.pass(120);
    let told = orders(&mut world);
    let out = Cause::NETWORK_OUT_OF_ORDER;
    for expected in [
        (circuit(1), CircuitOrder::Bearer { serves: false }),
        (circuit(2), CircuitOrder::Bearer { serves: false }),
        (circuit(1), CircuitOrder::Release { cause: out }),
    ] {
        assert!(told.contains(&expected), "{told:?}");
    }
    assert_ne!(world.hears("2001"), "");
    say(&mut world, 1, CircuitEvent::Cleared);
    say(&mut world, 2, setup("2001"));
    assert_eq!(orders_of(&mut world, 2), [CircuitOrder::Release { cause: out }]);
    say(&mut world, 2, CircuitEvent::Cleared);
    world.hang_up("2001");
    call_out(&mut world, "2001");
    assert!(matches!(orders_of(&mut world, 7)[..], [CircuitOrder::Setup { .. }]), "by another gateway");
    world.hang_up("2001");
    say(&mut world, 7, CircuitEvent::Cleared);
    orders(&mut world);
    assert!(stream(&world, 1).is_some(), "it has kept it");
    world.gateways[1].dead = false;
    world.pass(120);
    let mut told = orders(&mut world);
    told.sort_by_key(|(circuit, _)| *circuit);
    assert_eq!(told, [1, 2].map(|cic| (circuit(cic), CircuitOrder::Bearer { serves: true })));
    assert!(stream(&world, 1).is_none());
    assert_eq!(world.exchange.snapshot().trunks[0].service, ServiceState::InService);
    world.end();
}

#[test]
fn a_bearer_that_fails_ends_the_call_on_both_sides() {
    let mut world = world();
    world.gateway_of("2004").refuse(strowger_mgcp::message::Verb::Crcx, "ds/1/1", 403, 1);
    call_out(&mut world, "2001");
    assert_eq!(
        (world.hears("2001"), orders(&mut world).len()),
        ("L/ro".to_owned(), 0),
        "nobody was told of it"
    );
    world.hang_up("2001");
    world.gateway_of("2004").refuse(strowger_mgcp::message::Verb::Crcx, "ds/1/2", 403, 1);
    say(&mut world, 2, setup("2001"));
    assert_eq!(orders_of(&mut world, 2), [CircuitOrder::Release { cause: Cause::NO_CIRCUIT_AVAILABLE }]);
    say(&mut world, 2, CircuitEvent::Cleared);
    assert_eq!(world.hears("2001"), "");
    world.end();
}

#[test]
fn a_call_goes_from_circuit_to_circuit_only_where_it_may() {
    let mut world = world();
    say(&mut world, 7, setup("92600"));
    assert_eq!(orders_of(&mut world, 7), [CircuitOrder::Release { cause: Cause::BEARER_NOT_AUTHORIZED }]);
    say(&mut world, 7, CircuitEvent::Cleared);
    world.end();
    let mut world = world_of(with_circuits(town(), true));
    say(&mut world, 7, setup("92600"));
    assert!(matches!(orders_of(&mut world, 1)[..], [CircuitOrder::Setup { .. }]));
    say(&mut world, 1, CircuitEvent::Progress);
    assert_eq!(orders_of(&mut world, 7), [CircuitOrder::Progress]);
    say(&mut world, 1, CircuitEvent::Answered);
    assert_eq!(orders_of(&mut world, 7), [CircuitOrder::Answered]);
    let (one, other) = (stream(&world, 7).unwrap(), stream(&world, 1).unwrap());
    assert_eq!((one.remote, other.remote), (Some(other.port), Some(one.port)));
    assert_eq!((one.mode.as_str(), other.mode.as_str()), ("sendrecv", "sendrecv"));
    say(&mut world, 7, CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
    let told = orders(&mut world);
    assert!(
        told.contains(&(circuit(1), CircuitOrder::Release { cause: Cause::NORMAL_CLEARING })),
        "{told:?}"
    );
    assert!(told.contains(&(circuit(7), CircuitOrder::Cleared)), "{told:?}");
    say(&mut world, 1, CircuitEvent::Cleared);
    world.end();
}

#[test]
fn a_talked_call_outlives_its_exchange_and_who_signals_is_told_of_it() {
    let mut world = world();
    call_out(&mut world, "2001");
    say(&mut world, 1, CircuitEvent::Answered);
    say(&mut world, 7, setup("2004"));
    world.lift("2004");
    assert!(talk(&world, "2001", 1) && talk(&world, "2004", 7));
    orders(&mut world);
    let ports = [1, 7].map(|cic| stream(&world, cic).unwrap().port);
    world.crash();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    let told = orders(&mut world);
    for expected in [
        (circuit(1), CircuitOrder::Standing { is_incoming: false }),
        (circuit(7), CircuitOrder::Standing { is_incoming: true }),
        (circuit(1), CircuitOrder::Bearer { serves: true }),
        (circuit(2), CircuitOrder::Bearer { serves: true }),
        (circuit(7), CircuitOrder::Bearer { serves: true }),
    ] {
        assert!(told.contains(&expected), "{told:?}");
    }
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!([1, 7].map(|cic| stream(&world, cic).unwrap().port), ports, "nothing was touched");
    assert!(talk(&world, "2001", 1) && talk(&world, "2004", 7));
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 2);
    world.hang_up("2001");
    assert_eq!(orders_of(&mut world, 1), [CircuitOrder::Release { cause: Cause::NORMAL_CLEARING }]);
    say(&mut world, 1, CircuitEvent::Cleared);
    say(&mut world, 7, CircuitEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!(orders_of(&mut world, 7), [CircuitOrder::Cleared]);
    assert!(stream(&world, 1).is_none() && stream(&world, 7).is_none());
    let world = world.end();
    assert_eq!(world.record_of("2500", "2004").released_by, ReleasedBy::Calling);
}

#[test]
fn a_call_whose_stream_is_gone_after_a_crash_ends_on_both_sides() {
    let mut world = world();
    call_out(&mut world, "2001");
    say(&mut world, 1, CircuitEvent::Answered);
    orders(&mut world);
    world.crash();
    world.gateways[1].endpoints.get_mut("ds/1/1").unwrap().connections.clear();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    let told = orders(&mut world);
    assert!(
        told.contains(&(circuit(1), CircuitOrder::Release { cause: Cause::NETWORK_OUT_OF_ORDER })),
        "{told:?}"
    );
    say(&mut world, 1, CircuitEvent::Cleared);
    world.hang_up("2001");
    call_out(&mut world, "2002");
    assert!(matches!(orders_of(&mut world, 2)[..], [CircuitOrder::Setup { .. }]));
    world.hang_up("2002");
    say(&mut world, 2, CircuitEvent::Cleared);
    world.end();
}

#[test]
fn what_cannot_happen_on_a_circuit_changes_nothing() {
    let mut world = world();
    let now = world.now;
    let cause = Cause::NORMAL_CLEARING;
    let unknown = world.exchange.handle_circuit(now, circuit(3), setup("2001"));
    assert_eq!(unknown, Err(CircuitFault::Unknown));
    use CircuitEvent::{Alerting, Answered, Cleared, Progress, Released};
    for event in [Alerting, Progress, Answered, Released { cause }, Cleared] {
        assert_eq!(world.exchange.handle_circuit(now, circuit(1), event), Err(CircuitFault::Unexpected));
    }
    say(&mut world, 1, setup("2004"));
    let told = orders(&mut world);
    assert_eq!(told.len(), 1);
    for event in [Alerting, Progress, Answered, Cleared, setup("2005")] {
        assert_eq!(world.exchange.handle_circuit(now, circuit(1), event), Err(CircuitFault::Unexpected));
    }
    world.settle();
    assert!(world.hears("2004").starts_with("L/rg") && world.hears("2005").is_empty());
    assert_eq!(orders(&mut world), []);
    say(&mut world, 1, Released { cause });
    world.end();
}
