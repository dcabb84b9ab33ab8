//! Two things at once in the middle of a call: flashes that cross, hang-ups in a transfer, a call that comes with a flash,
//! gateways that fail meanwhile. Each story is told at every moment between the two.

use strowger_exchange::{Cause, Features, LineCondition};
use strowger_mgcp::message::{RestartMethod, Verb};
use strowger_sansio::Duration;

use crate::world::{World, all, consult, relayed_town};

/// From the moment itself to well after everything has come to rest, in steps that fall between the arrivals.
fn moments() -> impl Iterator<Item = Duration> {
    (0..50).map(|step| Duration::from_micros(step * 1300))
}

#[test]
fn both_parties_flash_at_every_moment() {
    for delay in moments() {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.press("2001");
        world.pass_time(delay);
        world.press("2004");
        world.pass(1);
        assert_eq!(
            (world.hears("2001"), world.hears("2004")),
            ("L/sl".into(), "L/sl".into()),
            "after {delay:?}"
        );
        // Each holds the other: who returns first hears that.
        world.flash("2001");
        assert_eq!((world.hears("2001"), world.hears("2004")), ("L/ht".into(), "L/sl".into()));
        assert!(!world.hear_each_other("2001", "2004"));
        world.flash("2004");
        assert!(world.talk("2001", "2004"), "after {delay:?}");
        assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), String::new()));
        world.end();
    }
}

#[test]
fn a_party_that_holds_may_be_transferred_meanwhile() {
    let mut world = World::running(all());
    consult(&mut world);
    world.flash("2004");
    assert_eq!(world.hears("2004"), "L/sl");
    world.hang_up("2001");
    assert_eq!(
        world.hears("2005"),
        "L/ht",
        "the other one is on hold with the party that it was joined with"
    );
    assert_eq!(world.hears("2004"), "L/sl");
    assert!(!world.hear_each_other("2004", "2005"));
    world.flash("2004");
    assert!(world.talk("2004", "2005"));
    world.end();
}

#[test]
fn a_flash_and_a_hang_up_behind_it_at_every_moment() {
    for delay in moments() {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.press("2001");
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(1);
        assert!(
            world.hears("2001").starts_with("L/r4"),
            "rung back after {delay:?}: {}",
            world.hears("2001")
        );
        world.lift("2001");
        assert!(world.talk("2001", "2004"), "after {delay:?}");
        world.end();
    }
}

#[test]
fn a_receiver_that_is_lifted_at_any_moment_of_the_recall_returns() {
    for delay in moments() {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.flash("2001");
        world.hook("2001", false);
        world.pass_time(delay);
        world.hook("2001", true);
        world.pass(1);
        assert!(world.talk("2001", "2004"), "after {delay:?}");
        assert_eq!(world.hears("2001"), "", "after {delay:?}");
        world.end();
    }
}

#[test]
fn any_party_hangs_up_at_every_moment_of_a_transfer() {
    for leaves in ["2004", "2005"] {
        for delay in moments() {
            let mut world = World::running(all());
            consult(&mut world);
            world.hook("2001", false);
            world.pass_time(delay);
            world.hook(leaves, false);
            world.pass(1);
            let stays = if leaves == "2004" { "2005" } else { "2004" };
            assert_eq!(world.line(leaves).condition, LineCondition::Idle, "after {delay:?}");
            assert_eq!(world.gateways[0].connections().count(), 0, "after {delay:?}");
            assert_eq!(world.hears(stays), "L/ro", "after {delay:?}");
            let world = world.end();
            assert!(
                world.ended.iter().all(|record| record.cause == Cause::NORMAL_CLEARING),
                "after {delay:?}"
            );
        }
    }
}

#[test]
fn the_held_party_hangs_up_just_before_the_transfer_at_every_moment() {
    for delay in moments() {
        let mut world = World::running(all());
        consult(&mut world);
        world.hook("2004", false);
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(1);
        assert_eq!(world.line("2001").condition, LineCondition::Idle, "after {delay:?}");
        assert_eq!(world.hears("2001"), "", "nobody is there to be rung for");
        assert_eq!(world.hears("2005"), "L/ro", "after {delay:?}");
        world.end();
    }
}

#[test]
fn the_consulted_telephone_is_answered_at_every_moment_of_the_transfer() {
    for relayed in [false, true] {
        for delay in moments() {
            let (mut inventory, relays) = if relayed { relayed_town(4) } else { (all(), 0) };
            inventory.lines.iter_mut().for_each(|line| line.features = Features::ALL);
            let mut world = World::new(inventory);
            if let Some(relay) = world.gateways.get_mut(2) {
                relay.relays = relays;
            }
            world.pass(5);
            world.ring("2001", "2004");
            world.lift("2004");
            world.flash("2001");
            world.dial("2001", "2005");
            world.hook("2001", false);
            world.pass_time(delay);
            world.hook("2005", true);
            world.pass(1);
            let joined = if relayed { world.relayed("2004", "2005") } else { world.talk("2004", "2005") };
            assert!(joined, "after {delay:?}");
            assert_eq!((world.hears("2004"), world.hears("2005")), (String::new(), String::new()));
            world.end();
        }
    }
}

#[test]
fn a_call_that_comes_with_a_flash_waits_or_finds_the_line_busy() {
    let mut outcomes = [0, 0, 0];
    for delay in moments() {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.lift("2005");
        let (gateway, endpoint) = world.place("2005");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2001");
        world.pass_time(delay);
        world.press("2001");
        world.pass(1);
        match (world.hears("2005").as_str(), world.hears("2001").as_str()) {
            ("L/bz", "L/sl") => outcomes[0] += 1,
            ("", "") if world.hear_each_other("2001", "2005") => outcomes[1] += 1,
            // The gateway had shown the caller, and waits for another request when the flash comes.
            ("G/rt", "L/wt") => outcomes[2] += 1,
            other => panic!("after {delay:?}: {other:?}"),
        }
        world.end();
    }
    assert!(outcomes[0] > 3 && outcomes[1] > 3, "{outcomes:?}");
}

#[test]
fn who_waits_gives_up_at_every_moment_of_being_taken() {
    for delay in moments() {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.lift("2005");
        world.dial("2005", "2001");
        world.press("2001");
        world.pass_time(delay);
        world.hook("2005", false);
        world.pass(1);
        if !world.talk("2001", "2004") {
            world.flash("2001");
        }
        assert!(world.talk("2001", "2004") || world.hears("2001") == "L/sl", "after {delay:?}");
        world.end();
    }
}

#[test]
fn the_talking_party_hangs_up_at_every_moment_of_a_swap() {
    for delay in moments() {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.lift("2005");
        world.dial("2005", "2001");
        world.flash("2001");
        world.press("2001");
        world.pass_time(delay);
        world.hook("2004", false);
        world.pass(1);
        world.flash("2001");
        assert!(world.talk("2001", "2005"), "after {delay:?}");
        world.end();
    }
}

#[test]
fn a_gateway_that_cannot_mix_loses_that_call_and_keeps_the_other() {
    let mut world = World::running(all());
    consult(&mut world);
    world.gateways[0].refuse(Verb::Mdcx, "aaln/1", 403, 1);
    world.flash("2001");
    let (first, second) = (world.hear_each_other("2001", "2004"), world.hear_each_other("2001", "2005"));
    assert!(first ^ second, "one of them: {first} {second}");
    assert_eq!(world.modes("2001"), ["sendrecv"]);
    assert_eq!(world.ended.len(), 1);
    world.end();
}

#[test]
fn a_refused_hold_or_return_ends_that_call_alone() {
    for returning in [false, true] {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        if returning {
            world.flash("2001");
        }
        world.gateways[0].refuse(Verb::Mdcx, "aaln/1", 400, 1);
        world.flash("2001");
        assert_eq!(world.hears("2004"), "L/ro", "returning: {returning}");
        assert_eq!(world.ended.len(), if returning { 2 } else { 1 });
        if !returning {
            world.dial("2001", "2005");
            world.lift("2005");
            assert!(world.talk("2001", "2005"), "the consultation is a plain call now");
        }
        world.end();
    }
}

#[test]
fn a_gateway_that_restarts_loses_its_own_calls_and_no_others() {
    for stage in ["held", "three-way", "waiting", "transferred"] {
        let mut world = World::running(all());
        if stage == "waiting" {
            world.connect("2001", "2004");
            world.lift("2005");
            world.dial("2005", "2001");
        } else {
            consult(&mut world);
        }
        match stage {
            "three-way" => world.flash("2001"),
            "transferred" => world.hang_up("2001"),
            _ => {}
        }
        let now = world.now;
        world.gateways[0].power_cycle();
        world.gateways[0].restart(now, "*", RestartMethod::Restart, None);
        world.settle();
        if stage == "transferred" {
            assert!(world.talk("2004", "2005"));
            assert_eq!(world.ended.len(), 0);
        } else {
            assert_eq!((world.hears("2004"), world.hears("2005")), ("L/ro".into(), "L/ro".into()), "{stage}");
            assert_eq!(world.ended.len(), 2, "{stage}");
        }
        world.end();
    }
}

#[test]
fn a_network_that_loses_a_sixth_delays_and_breaks_nothing() {
    // Of a third, one command in two hundred would be lost for good: eight times itself or its answer.
    for seed in 0..20 {
        let mut world = World::running(all());
        let mut fate = strowger_sansio::Rng::from_number(seed);
        world.connect("2001", "2004");
        world.loses = Box::new(move |_| fate.chance(1.0 / 6.0));
        world.press("2001");
        world.patiently(|world| world.hears("2001") == "L/sl");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2005");
        world.patiently(|world| world.hears("2005").starts_with("L/rg"));
        world.hook("2005", true);
        world.patiently(|world| world.hear_each_other("2001", "2005"));
        world.hook("2001", false);
        world.patiently(|world| world.talk("2004", "2005"));
        world.end();
    }
}
