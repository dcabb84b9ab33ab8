//! Terminations in and out of service (RFC 3525 sections 7.1.5, 7.2.8).

use strowger_megaco::gateway::Order;
use strowger_sansio::Duration;

use crate::support::World;

fn state(world: &mut World, context: &str) -> String {
    let reply = world.command(&format!("C={context}{{AV=aaln/1{{AT{{M}}}}}}"));
    let place = reply.find("SI=").unwrap();
    reply[place + 3..place + 5].to_owned()
}

#[test]
fn an_operator_takes_a_line_out_and_brings_it_back() {
    let mut world = World::new();
    assert_eq!(world.gateway.handle_order(world.now, "aaln/1", Order::Forced, &mut world.plane), 1);
    world.run(Duration::ZERO);
    world.hear(2944, "town", "K{1}");
    assert_eq!(world.told(), ["C=-{SC=aaln/1{SV{MT=FO,RE=\"905 Termination Taken Out Of Service\"}}}"]);
    assert_eq!(state(&mut world, "-"), "OS");
    assert!(world.command("C=${A=aaln/1}").contains("ER=503"));
    world.gateway.handle_order(
        world.now,
        "aaln/1",
        Order::InService(Duration::from_secs(5)),
        &mut world.plane,
    );
    world.hear(2944, "town", "K{1}");
    assert_eq!(world.told(), ["C=-{SC=aaln/1{SV{MT=RS,RE=\"900 Service Restored\",DL=5}}}"]);
    assert_eq!(state(&mut world, "-"), "OS");
    world.run(Duration::from_secs(5));
    assert_eq!(state(&mut world, "-"), "IV");
}

#[test]
fn a_graceful_end_waits_for_the_context_or_for_the_delay() {
    let mut world = World::new();
    world.command("C=${A=aaln/1{M{O{MO=SR}}}}");
    assert_eq!(world.command("C=1{SC=aaln/1{SV{MT=GR,RE=\"905 Out\"}}}"), "C=1{SC=aaln/1}");
    world.run(Duration::from_secs(100));
    assert_eq!(state(&mut world, "1"), "IV");
    world.command("C=1{S=aaln/1{AT{}}}");
    assert_eq!(state(&mut world, "-"), "OS");
    world.command("C=-{SC=aaln/1{SV{MT=RS,RE=\"900 Back\"}}}");
    assert_eq!(state(&mut world, "-"), "IV");
    world.command("C=${A=aaln/1}");
    world.command("C=2{SC=aaln/1{SV{MT=GR,RE=\"905 Out\",DL=10}}}");
    world.run(Duration::from_millis(9_900));
    assert_eq!(state(&mut world, "2"), "IV");
    world.run(Duration::from_secs(1));
    assert_eq!(state(&mut world, "2"), "OS");
}

#[test]
fn a_gateway_that_goes_says_so_and_leaves_nothing_open() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1,{}}}", crate::support::RTP));
    world.gateway.shut_down(world.now, &mut world.plane);
    world.hear(2944, "town", "K{1}");
    assert_eq!(world.told(), ["C=-{SC=ROOT{SV{MT=FO,RE=\"908 MG Impending Failure\"}}}"]);
    assert!(world.plane.streams.is_empty() && world.plane.flows.is_empty());
}
