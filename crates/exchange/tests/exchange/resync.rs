//! An exchange dies in the middle of calls and another one starts from its records: what still stands stays, what is over
//! is cleared, and what belongs to nobody is deleted.

use strowger_exchange::{CallPhase, Cause, Event, LineAccess, ReleasedBy, ServiceState};
use strowger_mgcp::message::{RestartMethod, Verb};
use strowger_sansio::{Duration, Time};

use crate::world::{World, town};

/// How often gateways were told to create, modify and delete.
fn orders(world: &World) -> [usize; 3] {
    ["CRCX", "MDCX", "DLCX"].map(|verb| world.gateways.iter().map(|gateway| gateway.count(verb)).sum())
}

#[test]
fn a_talked_call_survives_the_death_of_its_exchange() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    let answered = world.now;
    let before = orders(&world);
    world.pass(20);
    world.crash();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    assert_eq!(world.phase(), Some(CallPhase::Answered), "not confirmed yet");
    world.pass(10);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    assert_eq!(orders(&world), before, "nothing was touched");
    for number in ["2001", "2002", "2004", "2005"] {
        assert_eq!(world.line(number).service, ServiceState::InService);
    }
    world.connect("2002", "2005");
    world.hang_up("2002");
    world.hang_up("2005");
    world.hang_up("2004");
    let hung_up = world.now;
    assert_eq!(world.hears("2001"), "L/ro");
    let world = world.end();
    assert_eq!(world.ended.len(), 2);
    let record = &world.ended[1];
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Called));
    assert!(record.alerting.is_some_and(|at| record.start < at && at < record.answer.unwrap()));
    let talked = record.end.since(record.answer.unwrap());
    let expected = hung_up.since(answered);
    assert!(talked.abs_diff(expected) < Duration::from_secs(1), "{talked:?} of {expected:?}");
    assert!(record.media.iter().all(|stream| stream.statistics.is_some()));
}

#[test]
fn a_wall_clock_that_was_set_between_two_starts_leaves_the_times_of_a_call_in_order() {
    // As the records would be read by a clock that was set back, or forward, by an hour.
    for back in [true, false] {
        let mut world = World::running(town());
        world.pass(4000);
        world.connect("2001", "2004");
        world.pass(20);
        world.crash();
        world.pass(3);
        let set = |time: Time| {
            let hour = Duration::from_secs(3600);
            if back { time + hour } else { Time::ZERO + time.since(Time::ZERO).saturating_sub(hour) }
        };
        for stable in &mut world.stable {
            (stable.start, stable.answer) = (set(stable.start), set(stable.answer));
            stable.alerting = stable.alerting.map(set);
        }
        world.died = world.died.map(set);
        assert_eq!(world.start_again(), []);
        let started = world.now;
        world.pass(10);
        assert!(world.talk("2001", "2004"));
        world.hang_up("2001");
        let ended = world.now;
        let record = world.end_with_record();
        let times = [Some(record.start), record.alerting, record.answer, Some(record.end)];
        assert!(times.into_iter().flatten().is_sorted(), "{times:?}");
        assert!(record.end > started && record.end <= ended, "the end is by this exchange's own clock");
        if back {
            assert_eq!(record.answer, Some(started), "it cannot have begun later than it was taken over");
        }
    }
}

#[test]
fn a_call_survives_one_death_after_another() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    for pause in [1, 30, 7] {
        world.crash();
        world.pass(pause);
        assert_eq!(world.start_again(), []);
        // Also one that dies before it has asked anybody.
        world.crash();
        assert_eq!(world.start_again(), []);
        world.pass(40);
        assert!(world.talk("2001", "2004"));
    }
    world.hang_up("2001");
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
}

#[test]
fn a_party_that_hung_up_meanwhile_ends_the_call_when_its_exchange_died() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.pass(20);
    world.crash();
    let died = world.now;
    world.pass(1);
    world.hang_up("2004");
    world.pass(1);
    world.start_again();
    world.pass(10);
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.gateways.iter().map(|gateway| gateway.connections().count()).sum::<usize>(), 0);
    let record = world.end_with_record();
    assert_eq!((record.end, record.released_by), (died, ReleasedBy::Called), "nobody pays for silence");
}

#[test]
fn a_gateway_that_restarted_meanwhile_has_lost_its_side_of_the_call() {
    for announced in [true, false] {
        let mut world = World::running(town());
        world.connect("2001", "2004");
        world.connect("2002", "2003");
        world.crash();
        world.pass(1);
        world.gateways[1].power_cycle();
        if announced {
            let now = world.now;
            world.gateways[1].restart(now, "*", RestartMethod::Restart, None);
        }
        world.start_again();
        world.pass(20);
        assert!(world.talk("2002", "2003"), "the other gateway's own call stands");
        assert_eq!(world.ended.len(), 1);
        assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
        assert_eq!(world.hears("2001"), "L/ro");
        assert_eq!(world.gateways[0].connections().count(), 2, "those of 2002 and 2003");
        world.end();
    }
}

#[test]
fn a_gateway_that_does_not_return_ends_the_call_when_its_exchange_died() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.pass(20);
    world.crash();
    let died = world.now;
    world.pass(5);
    world.gateways[1].dead = true;
    world.start_again();
    world.pass(60);
    assert_eq!(world.states("2004"), [ServiceState::Unreachable]);
    assert_eq!((world.ended[0].end, world.ended[0].cause), (died, Cause::NETWORK_OUT_OF_ORDER));
    assert!(world.hears("2001").starts_with("L/"));
    world.end();
}

#[test]
fn a_call_that_had_not_been_answered_is_cleared() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.crash();
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert_eq!(world.gateways.iter().map(|gateway| gateway.connections().count()).sum::<usize>(), 0);
    assert_eq!((world.hears("2001").as_str(), world.hears("2004").as_str()), ("L/dl", ""));
    assert_eq!(world.line("2004").service, ServiceState::InService);
    world.hang_up("2001");
    world.connect("2001", "2004");
}

#[test]
fn a_relayed_call_survives_as_well() {
    let mut world = World::with_relay(4);
    world.ring("2001", "2004");
    world.lift("2004");
    world.pass(5);
    let relayed = |world: &World| {
        let connections = world.gateways[2].connections();
        connections.filter(|connection| connection.mode == "sendrecv").count()
    };
    assert_eq!(relayed(&world), 2);
    let before = orders(&world);
    world.crash();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert_eq!((relayed(&world), world.phase()), (2, Some(CallPhase::Talking)));
    assert_eq!(orders(&world), before);
    world.hang_up("2001");
    assert_eq!(relayed(&world), 0);
    assert_eq!(world.end_with_record().media.len(), 4);
}

/// A call stands and another one rings when the exchange dies.
fn a_relay_with_a_call_that_stands_and_one_that_does_not() -> World {
    let mut world = World::with_relay(6);
    world.ring("2001", "2004");
    world.lift("2004");
    world.ring("2002", "2005");
    world.pass(5);
    assert_eq!(world.gateways[2].connections().count(), 4);
    world.crash();
    world.pass(2);
    world
}

#[test]
fn what_unanswered_calls_left_on_a_relay_is_deleted_beside_a_call_that_stands() {
    // A relay with more endpoints than an answer has room for is asked for them by their numbers.
    for listed in [true, false] {
        let mut world = a_relay_with_a_call_that_stands_and_one_that_does_not();
        if !listed {
            world.gateways[2].refuse(Verb::Auep, "relay/*", 533, 9);
        }
        assert_eq!(world.start_again(), []);
        world.pass(10);
        assert!(world.relayed("2001", "2004"), "listed: {listed}");
        assert_eq!(world.gateways[2].connections().count(), 2, "listed: {listed}");
        let stray =
            |event: &&Event| matches!(event, Event::StrayConnections { gateway, .. } if gateway == "relay");
        assert_eq!(world.events.iter().filter(stray).count(), 1);
        world.hang_up("2002");
        world.ring("2002", "2005");
        world.lift("2005");
        assert!(world.relayed("2002", "2005"));
        world.hang_up("2001");
        world.hang_up("2002");
        assert_eq!(world.gateways[2].connections().count(), 0);
    }
}

#[test]
fn a_call_that_begins_while_a_relay_is_looked_through_is_spared() {
    let mut begun = 0;
    for delay in (0..40).map(|step| Duration::from_millis(step * 2)) {
        let mut world = a_relay_with_a_call_that_stands_and_one_that_does_not();
        // The relay is heard last, when somebody is about to call.
        world.gateways[2].dead = true;
        world.start_again();
        world.pass(5);
        world.lift("2003");
        world.gateways[2].dead = false;
        let now = world.now;
        world.gateways[2].restart(now, "*", RestartMethod::Disconnected, Some(4));
        world.pass_time(delay);
        world.dial("2003", "2006");
        if world.hears("2006").starts_with("L/rg") {
            begun += 1;
            world.lift("2006");
            world.pass(5);
            assert!(world.relayed("2003", "2006"), "after {delay:?}");
        }
        world.pass(5);
        assert!(world.relayed("2001", "2004"), "after {delay:?}");
        for number in ["2001", "2002", "2003"] {
            world.hang_up(number);
        }
        world.pass(5);
        assert_eq!(world.gateways[2].connections().count(), 0, "after {delay:?}");
    }
    assert!(begun > 20, "{begun}");
}

#[test]
fn a_relay_that_lost_its_connections_ends_the_call() {
    let mut world = World::with_relay(4);
    world.ring("2001", "2004");
    world.lift("2004");
    world.crash();
    world.gateways[2].power_cycle();
    world.start_again();
    world.pass(10);
    assert_eq!(world.ended.len(), 1);
    world.end_with_record();
}

#[test]
fn a_call_of_a_line_that_is_not_there_any_more_is_not_taken_over() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.crash();
    world.inventory.lines[3].access = LineAccess::endpoint("gw2", "aaln/9");
    let call = world.stable[0].call;
    assert_eq!(world.start_again(), [call]);
    world.pass(10);
    assert_eq!(world.gateways[0].connections().count(), 0, "nobody's connection now");
    assert!(world.exchange.snapshot().calls.iter().all(|open| open.call != call));
}
