//! Calls that go well.

use strowger_exchange::{CallPhase, Cause, Event, ReleasedBy, StreamRole, WallClock};
use strowger_sansio::Duration;

use crate::world::{World, town};

#[test]
fn a_call_between_two_gateways_is_dialled_rung_answered_talked_and_recorded() {
    let mut world = World::running(town());
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/dl");
    assert_eq!(world.phase(), Some(CallPhase::Dialling));
    world.dial("2001", "200");
    assert_eq!(world.hears("2001"), "", "the first digit ends the dial tone");
    world.dial("2001", "4");
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",\"2001\",\"Alice\")");
    assert_eq!(world.hears("2001"), "G/rt");
    assert_eq!(world.phase(), Some(CallPhase::Ringing));
    let modes = |world: &World, number: &str| {
        world.endpoint(number).connections.values().next().unwrap().mode.clone()
    };
    assert_eq!(
        (modes(&world, "2001"), modes(&world, "2004")),
        ("recvonly".to_owned(), "recvonly".to_owned())
    );
    world.pass(6);
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), String::new()));
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    assert_eq!(world.stable.len(), 1);
    world.pass(120);
    world.hang_up("2001");
    assert_eq!(world.hears("2004"), "L/ro");
    world.hang_up("2004");
    assert_eq!(world.ended.len(), 1, "the record does not wait for anybody");

    let record = world.end_with_record();
    assert_eq!((record.calling.number.as_str(), record.dialled.as_str()), ("2001", "2004"));
    let called = record.called.unwrap();
    assert_eq!(
        (called.number.as_str(), called.gateway.as_str(), called.endpoint.as_str()),
        ("2004", "gw2", "aaln/1")
    );
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    let talked = record.end - record.answer.unwrap();
    assert!((Duration::from_secs(120)..Duration::from_secs(121)).contains(&talked), "{talked:?}");
    assert!(record.start < record.alerting.unwrap() && record.alerting < record.answer);
    let media: Vec<_> = record.media.iter().map(|m| (m.role, m.statistics.unwrap().packets_sent)).collect();
    assert_eq!(media, [(StreamRole::Calling, 100), (StreamRole::Called, 100)]);
    assert_eq!(record.media[0].termination.gateway, "gw1");
}

#[test]
fn a_call_within_one_gateway_goes_the_same_way() {
    let mut world = World::running(town());
    world.connect("2002", "2003");
    world.hang_up("2003");
    assert_eq!(world.hears("2002"), "L/ro");
    assert_eq!(world.end_with_record().released_by, ReleasedBy::Called);
}

#[test]
fn the_called_party_is_shown_the_local_time_of_the_call() {
    let mut world = World::running(town());
    // 2024-02-29T12:00:00Z.
    let wall = WallClock { unix: Duration::from_secs(1_709_208_000), utc_offset: 3600 };
    world.exchange.set_wall_clock(world.now, wall);
    world.ring("2001", "2004");
    assert_eq!(world.hears("2004"), "L/rg,L/ci(02/29/13/00,\"2001\",\"Alice\")");
    world.end();
}

#[test]
fn many_calls_run_beside_one_another() {
    let mut world = World::running(town());
    for (one, other) in [("2001", "2004"), ("2005", "2002"), ("2003", "2006")] {
        world.connect(one, other);
    }
    assert!(world.talk("2001", "2004") && world.talk("2005", "2002") && world.talk("2003", "2006"));
    assert_eq!(world.exchange.snapshot().calls.len(), 3);
    world.hang_up("2002");
    assert!(world.talk("2001", "2004") && world.talk("2003", "2006"));
    let world = world.end();
    assert_eq!(world.ended.len(), 3);
}

#[test]
fn a_line_that_was_called_can_call_at_once() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.hang_up("2004");
    world.hang_up("2001");
    world.connect("2004", "2001");
    let world = world.end();
    assert_eq!(world.ended.len(), 2);
}

#[test]
fn a_gateway_that_moves_its_stream_is_followed() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.gateways[1].moves_port = true;
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    world.end();
}

#[test]
fn calls_survive_a_network_that_loses_every_third_datagram() {
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
fn an_unlisted_source_gets_no_byte_back() {
    let mut world = World::running(town());
    let from = "127.0.0.77:2427".parse().unwrap();
    for _ in 0..1000 {
        let bytes = b"RSIP 1 *@gw1.town MGCP 1.0\r\nRM: restart\r\n";
        world.exchange.handle_input(world.now, strowger_exchange::Input::Mgcp { from, bytes });
        assert_eq!(world.exchange.poll_transmit(), None);
    }
    world.settle();
    let told = world.events.iter().filter(|event| **event == Event::UnlistedSource { from }).count();
    assert_eq!(told, 5, "a flood is told of, and is not repeated to the log");
    assert_eq!(world.exchange.agent_counters().unlisted, 1000);
    world.end();
}
