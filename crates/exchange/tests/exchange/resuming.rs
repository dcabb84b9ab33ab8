//! An exchange dies while parties hold, consult, confer, or after a transfer: its successor finds them as they were.

use strowger_exchange::{CallPhase, Cause, Event, Features, LineAccess, ReleasedBy};
use strowger_sansio::Duration;

use crate::world::{World, all, consult, relayed_town};

/// The exchange dies, and another one starts from its records.
pub(crate) fn revive(world: &mut World) {
    world.pass(20);
    world.crash();
    world.pass(3);
    assert_eq!(world.start_again(), []);
    world.pass(10);
}

/// How often gateways were told to create, modify and delete.
pub(crate) fn orders(world: &World) -> [usize; 3] {
    ["CRCX", "MDCX", "DLCX"].map(|verb| world.gateways.iter().map(|gateway| gateway.count(verb)).sum())
}

#[test]
fn a_transferred_call_survives_between_the_two_who_are_left() {
    let mut world = World::running(all());
    consult(&mut world);
    world.hang_up("2001");
    assert!(world.talk("2004", "2005"));
    let before = orders(&world);
    revive(&mut world);
    assert!(world.talk("2004", "2005"));
    assert_eq!(orders(&world), before, "nothing was touched");
    let phases: Vec<_> = world.exchange.snapshot().calls.iter().map(|call| call.phase).collect();
    assert!(phases.contains(&CallPhase::Talking), "{phases:?}");
    world.connect("2001", "2002");
    world.hang_up("2001");
    world.hang_up("2002");
    world.pass(60);
    world.hang_up("2004");
    assert_eq!(world.hears("2005"), "L/ro");
    let world = world.end();
    assert_eq!(world.ended.len(), 3);
    let (first, second) = (world.record_of("2001", "2004"), world.record_of("2001", "2005"));
    assert_eq!(first.end, second.end);
    assert_eq!((first.transfers[0].with, second.transfers[0].with), (second.call, first.call));
    // 2004 was called in the first call, and stands for the caller in the second.
    assert_eq!((first.released_by, second.released_by), (ReleasedBy::Called, ReleasedBy::Calling));
    for record in [first, second] {
        assert!(record.end - record.answer.unwrap() > Duration::from_secs(80), "to the end, and no death");
        assert_eq!(record.cause, Cause::NORMAL_CLEARING);
    }
    assert!(second.media.iter().all(|stream| stream.statistics.is_some()), "{:?}", second.media);
}

#[test]
fn a_chain_of_transfers_survives_one_death_after_another() {
    let mut world = World::running(all());
    consult(&mut world);
    world.hang_up("2001");
    for (by, to) in [("2005", "2006"), ("2006", "2002"), ("2002", "2003")] {
        revive(&mut world);
        world.flash(by);
        world.dial(by, to);
        world.lift(to);
        world.hang_up(by);
        assert!(world.talk("2004", to), "to {to}");
    }
    revive(&mut world);
    assert!(world.talk("2004", "2003"));
    assert_eq!(world.ended.len(), 0);
    world.hang_up("2003");
    let world = world.end();
    assert_eq!(world.ended.len(), 5);
    let end = world.ended[0].end;
    assert!(world.ended.iter().all(|record| record.end == end && record.cause == Cause::NORMAL_CLEARING));
}

#[test]
fn a_transferred_call_that_is_over_ended_when_its_exchange_died_in_all_its_records() {
    let mut world = World::running(all());
    consult(&mut world);
    world.hang_up("2001");
    world.pass(20);
    world.crash();
    let died = world.now;
    world.pass(1);
    world.hang_up("2005");
    world.pass(1);
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert_eq!(world.hears("2004"), "L/ro");
    let world = world.end();
    assert_eq!(world.ended.len(), 2);
    assert!(world.ended.iter().all(|record| record.end == died), "nobody pays for silence");
}

#[test]
fn a_call_on_hold_is_still_on_hold_and_comes_back_by_a_flash() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    let before = orders(&world);
    revive(&mut world);
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/ro".to_owned(), "L/ht".to_owned()));
    assert_eq!(orders(&world), before, "nothing was touched");
    assert!(world.line("2001").calls.held.is_some());
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), String::new()));
    world.pass(120);
    assert!(world.talk("2001", "2004"), "no timer of the tone is left");
    world.hang_up("2004");
    // The consultation that nobody had answered has no record of its end.
    assert_eq!(world.record_of("2001", "2004").cause, Cause::NORMAL_CLEARING);
    world.hang_up("2001");
}

#[test]
fn who_hung_up_with_a_call_on_hold_meanwhile_is_rung_for_it() {
    for rung_before in [true, false] {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.flash("2001");
        if rung_before {
            world.hang_up("2001");
            assert!(world.hears("2001").starts_with("L/r4"));
        }
        world.pass(5);
        world.crash();
        world.pass(1);
        if !rung_before {
            world.hang_up("2001");
        }
        assert_eq!(world.start_again(), []);
        world.pass(10);
        assert!(world.hears("2001").starts_with("L/r4"), "{}", world.hears("2001"));
        assert_eq!(world.hears("2004"), "G/rt");
        world.lift("2001");
        assert!(world.talk("2001", "2004"));
        world.hang_up("2001");
        world.hang_up("2004");
    }
}

#[test]
fn a_held_party_that_hung_up_meanwhile_is_gone() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.pass(5);
    world.crash();
    world.pass(1);
    world.hang_up("2004");
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert_eq!(world.gateways.iter().map(|gateway| gateway.connections().count()).sum::<usize>(), 0);
    assert_eq!(world.record_of("2001", "2004").released_by, ReleasedBy::Called);
    assert!(world.line("2001").calls.held.is_none());
    world.hang_up("2001");
    world.connect("2001", "2004");
}

#[test]
fn a_consultation_survives_with_the_call_on_hold_beside_it() {
    let mut world = World::running(all());
    consult(&mut world);
    let before = orders(&world);
    revive(&mut world);
    assert!(world.hear_each_other("2001", "2005"));
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), "L/ht".to_owned()));
    assert_eq!(orders(&world), before, "nothing was touched");
    // It is a consultation still: hanging up joins the others.
    world.hang_up("2001");
    assert!(world.talk("2004", "2005"));
    world.hang_up("2004");
    let world = world.end();
    assert_eq!(world.ended.len(), 2);
}

#[test]
fn a_call_that_had_waited_is_no_consultation_afterwards() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2005"));
    revive(&mut world);
    assert!(world.hear_each_other("2001", "2005"));
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2004") && !world.hear_each_other("2001", "2005"));
    world.hang_up("2001");
    assert!(world.hears("2001").starts_with("L/r4"), "not joined, but rung for the other");
    world.end();
}

#[test]
fn half_a_three_way_call_is_a_call() {
    let mut world = World::running(all());
    consult(&mut world);
    world.flash("2001");
    world.pass(5);
    world.crash();
    world.inventory.lines[4].access = LineAccess::endpoint("gw2", "aaln/9");
    let second = world.stable.iter().find(|stable| stable.called.number == "2005").unwrap().call;
    assert_eq!(world.start_again(), [second]);
    world.pass(10);
    assert!(world.hear_each_other("2001", "2004"));
    assert!(!world.line("2001").calls.mixed);
    world.flash("2001");
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/sl".to_owned(), "L/ht".to_owned()));
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
}

/// 2001 has transferred 2004 to 2005, where it rings.
pub(crate) fn transfer_to_the_ringing(world: &mut World) {
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "2005");
    world.hang_up("2001");
    assert!(world.hears("2005").starts_with("L/rg"));
}

#[test]
fn a_transfer_to_a_telephone_that_rings_is_in_vain_and_rings_who_transferred() {
    let mut world = World::running(all());
    transfer_to_the_ringing(&mut world);
    revive(&mut world);
    assert_eq!(world.hears("2005"), "", "it was in no record");
    assert_eq!(world.hears("2001"), "L/r4,L/ci(\"\",\"2004\",\"Dave\")");
    assert_eq!(world.hears("2004"), "G/rt");
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    revive(&mut world);
    assert!(world.talk("2001", "2004"));
    world.pass(200);
    assert!(world.talk("2001", "2004"), "no timer is left");
    world.hang_up("2001");
    assert_eq!(world.hears("2004"), "L/ro");
    world.hang_up("2004");
    // The call that nobody had answered has no record of its end.
    let record = world.record_of("2001", "2004");
    assert_eq!((record.cause, record.transfers.len()), (Cause::NORMAL_CLEARING, 0));
    assert!(world.events.iter().any(|event| matches!(event, Event::TransferFailed { .. })));
}

#[test]
fn a_party_that_waits_for_who_transferred_it_waits_on() {
    let mut inventory = all();
    inventory.lines[0].features.call_waiting = false;
    let mut world = World::running(inventory);
    transfer_to_the_ringing(&mut world);
    world.connect("2001", "2002");
    world.pass(61);
    assert_eq!(world.hears("2004"), "L/ht");
    revive(&mut world);
    assert!(world.talk("2001", "2002"));
    assert_eq!((world.hears("2004"), world.hears("2001")), ("L/ht".to_owned(), String::new()));
    world.hang_up("2001");
    assert_eq!(world.hears("2001"), "L/r4,L/ci(\"\",\"2004\",\"Dave\")");
    revive(&mut world);
    assert_eq!(world.hears("2001"), "L/r4,L/ci(\"\",\"2004\",\"Dave\")", "it is rung again");
    assert_eq!(world.hears("2004"), "G/rt");
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    world.hang_up("2004");
    let world = world.end();
    assert_eq!(world.record_of("2001", "2004").cause, Cause::NORMAL_CLEARING);
}

#[test]
fn a_party_that_hung_up_while_it_waited_is_gone() {
    let mut world = World::running(all());
    transfer_to_the_ringing(&mut world);
    world.pass(20);
    world.crash();
    let died = world.now;
    world.pass(1);
    world.hang_up("2004");
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), String::new()));
    assert_eq!(world.record_of("2001", "2004").end, died, "nobody pays for silence");
}

#[test]
fn all_of_it_survives_through_a_relay() {
    let (mut inventory, relays) = relayed_town(4);
    inventory.lines.iter_mut().for_each(|line| line.features = Features::ALL);
    let mut world = World::new(inventory);
    world.gateways[2].relays = relays;
    world.pass(5);
    world.ring("2001", "2004");
    world.lift("2004");
    world.flash("2001");
    world.dial("2001", "2005");
    world.lift("2005");
    revive(&mut world);
    assert!(world.relayed("2001", "2005") && !world.relayed("2001", "2004"));
    world.flash("2001");
    revive(&mut world);
    assert!(world.relayed("2001", "2005") && world.relayed("2001", "2004"));
    world.flash("2001");
    assert!(world.relayed("2001", "2004"));
    world.flash("2001");
    world.dial("2001", "2006");
    world.lift("2006");
    world.hang_up("2001");
    assert!(world.relayed("2004", "2006"));
    revive(&mut world);
    assert!(world.relayed("2004", "2006"));
    world.hang_up("2006");
    let world = world.end();
    assert!(world.events.iter().any(|event| matches!(event, Event::Transferred { .. })));
}
