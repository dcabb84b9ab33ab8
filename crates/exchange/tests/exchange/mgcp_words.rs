//! What a line does without where its gateway lacks a signal or an event of the MGCP packages.

use strowger_exchange::{Event, Ring, Subscription};
use strowger_mgcp::message::Verb;

use crate::world::{World, town};

#[test]
fn a_gateway_without_a_tone_is_asked_for_the_next_best() {
    for (lacking, heard) in [(1, "L/ro"), (2, "G/cg"), (3, "L/bz")] {
        let mut world = World::running(town());
        world.lift("2001");
        world.gateway_of("2001").refuse(Verb::Rqnt, "aaln/1", 513, lacking);
        world.dial("2001", "2007");
        assert_eq!(world.hears("2001"), heard);
        let alarms =
            world.events.iter().filter(|event| matches!(event, Event::OrderRefused { code: 513, .. }));
        assert_eq!(alarms.count(), usize::try_from(lacking).unwrap());
        // What it lacks is remembered.
        world.hang_up("2001");
        world.lift("2001");
        world.dial("2001", "2007");
        assert_eq!(world.hears("2001"), heard);
        assert_eq!(world.ended.len(), 2);
        world.end();
    }
}

#[test]
fn a_gateway_that_cannot_tell_the_end_of_dial_tone_is_not_asked_to() {
    let mut world = World::running(town());
    world.gateway_of("2001").refuse(Verb::Rqnt, "aaln/1", 522, 1);
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/dl");
    world.dial("2001", "2004");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.hang_up("2001");
    // Nobody tells of the end of the tone now: the exchange's own patience ends.
    world.lift("2001");
    world.pass(121);
    assert_eq!(world.hears("2001"), "L/ro");
    world.end();
}

#[test]
fn a_gateway_without_distinctive_ringing_rings_as_usual() {
    let mut town = town();
    let rings = vec![("2".to_owned(), Ring::Pattern(3))];
    town.subscriptions.insert("2004".to_owned(), Subscription { rings, ..Subscription::default() });
    let mut world = World::running(town);
    world.gateway_of("2004").refuse(Verb::Rqnt, "aaln/1", 513, 2);
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2004"), "L/rg");
    world.end();
}
