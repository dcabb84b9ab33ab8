//! Telephones whose recall key is followed by a digit, and codes that ask: what differs from North America.

use strowger_exchange::{
    Cause, Codes, Country, Event, FeaturePlan, Features, FlashControl, Inventory, LineCondition, ReleasedBy,
    Setting,
};
use strowger_sansio::Duration;

use crate::world::{World, consult, town};

/// A European town whose subscribers have every feature.
fn europe() -> Inventory {
    let mut town = town();
    let country: Country = "de".parse().unwrap();
    town.country = country;
    town.features = FeaturePlan::of(country);
    town.codes = Codes::of(country);
    town.lines.iter_mut().for_each(|line| line.features = Features::ALL);
    town
}

/// 2001 talks with 2004, and 2005 waits.
fn wait(world: &mut World) {
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    assert!(world.hears("2001").starts_with("L/wt"), "{}", world.hears("2001"));
}

/// Presses the recall key and a digit.
fn recall(world: &mut World, number: &str, digit: &str) {
    world.flash(number);
    assert_eq!(world.hears(number), "L/sl", "recall dial tone");
    world.dial(number, digit);
}

#[test]
fn countries_differ_in_what_a_flash_does() {
    let flash = |code: &str| code.parse::<Country>().unwrap().flash();
    assert_eq!((flash("us"), flash("de")), (FlashControl::Hook, FlashControl::Digit));
    assert_eq!(FeaturePlan::of(Country::default()).flash, FlashControl::Hook);
}

#[test]
fn with_one_call_a_flash_holds_it_everywhere() {
    let mut world = World::running(europe());
    world.connect("2001", "2004");
    world.flash("2001");
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/sl".to_owned(), "L/ht".to_owned()));
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn the_digit_after_a_recall_says_what_becomes_of_two_calls() {
    for digit in ["0", "1", "2", "3", "4"] {
        let mut world = World::running(europe());
        consult(&mut world);
        recall(&mut world, "2001", digit);
        match digit {
            "0" => {
                assert!(world.talk("2001", "2005"));
                assert_eq!(world.hears("2004"), "L/bz");
                assert_eq!(world.record_of("2001", "2004").released_by, ReleasedBy::Calling);
            }
            "1" => {
                assert!(world.talk("2001", "2004"));
                assert_eq!(world.hears("2005"), "L/bz");
                assert_eq!(world.record_of("2001", "2005").released_by, ReleasedBy::Calling);
            }
            "2" => {
                assert!(world.hear_each_other("2001", "2004") && !world.hear_each_other("2001", "2005"));
                assert_eq!(world.hears("2005"), "L/ht");
                recall(&mut world, "2001", "2");
                assert!(world.hear_each_other("2001", "2005") && !world.hear_each_other("2001", "2004"));
            }
            "3" => {
                assert!(world.hear_each_other("2001", "2004") && world.hear_each_other("2001", "2005"));
                recall(&mut world, "2001", "2");
                assert!(world.hear_each_other("2001", "2004") && !world.hear_each_other("2001", "2005"));
                assert!(!world.line("2001").calls.mixed);
                recall(&mut world, "2001", "3");
                recall(&mut world, "2001", "1");
                assert!(world.talk("2001", "2005"), "who came last is dropped");
            }
            _ => {
                assert!(world.talk("2004", "2005"));
                assert!(world.events.iter().any(|event| matches!(event, Event::Transferred { .. })));
            }
        }
        world.end();
    }
}

#[test]
fn the_digit_after_a_recall_says_what_becomes_of_a_call_that_waits() {
    for digit in ["0", "1", "2"] {
        let mut world = World::running(europe());
        wait(&mut world);
        recall(&mut world, "2001", digit);
        match digit {
            "0" => {
                assert!(world.talk("2001", "2004"));
                assert_eq!((world.hears("2001"), world.hears("2005")), (String::new(), "L/bz".to_owned()));
                assert_eq!(world.record_of("2005", "2001").cause, Cause::USER_BUSY);
            }
            "1" => {
                assert!(world.talk("2001", "2005"));
                assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), "L/bz".to_owned()));
            }
            _ => {
                assert!(world.hear_each_other("2001", "2005"));
                assert_eq!(world.hears("2004"), "L/ht");
                recall(&mut world, "2001", "2");
                assert!(world.hear_each_other("2001", "2004"));
            }
        }
        world.end();
    }
}

#[test]
fn a_recall_that_chooses_nothing_changes_nothing() {
    for way in 0..4 {
        let mut world = World::running(europe());
        consult(&mut world);
        world.flash("2001");
        match way {
            0 => world.flash("2001"),
            1 => world.dial("2001", "7"),
            2 => world.signal_ends("2001"),
            // There and back.
            _ => {
                world.dial("2001", "2");
                world.flash("2001");
                world.dial("2001", "2");
            }
        }
        assert!(world.hear_each_other("2001", "2005"), "way {way}");
        assert_eq!(
            (world.hears("2001"), world.hears("2004")),
            (String::new(), "L/ht".to_owned()),
            "way {way}"
        );
        world.end();
    }
}

/// Whether 2001's partner is on hold: nothing flows, and it hears the tone on hold.
fn is_on_hold(world: &World, number: &str) -> bool {
    !world.hear_each_other("2001", number) && world.hears(number) == "L/ht"
}

#[test]
fn whoever_one_talks_to_is_on_hold_until_the_digit_is_chosen() {
    for way in ["none", "flash", "wrong", "0", "2"] {
        let mut world = World::running(europe());
        consult(&mut world);
        world.flash("2001");
        assert!(is_on_hold(&world, "2005") && is_on_hold(&world, "2004"), "{way}");
        match way {
            "none" => world.signal_ends("2001"),
            "flash" => world.flash("2001"),
            "wrong" => world.dial("2001", "7"),
            digit => world.dial("2001", digit),
        }
        if way == "2" {
            assert!(world.hear_each_other("2001", "2004") && is_on_hold(&world, "2005"));
        } else {
            assert!(world.hear_each_other("2001", "2005"), "{way}");
            assert_eq!(world.hears("2005"), "", "{way}");
        }
        world.end();
    }
}

#[test]
fn who_talks_while_another_waits_is_on_hold_too() {
    for digit in ["0", "7"] {
        let mut world = World::running(europe());
        wait(&mut world);
        world.flash("2001");
        assert!(is_on_hold(&world, "2004"));
        world.dial("2001", digit);
        assert!(world.hear_each_other("2001", "2004"));
        assert_eq!(world.hears("2004"), "");
        world.end();
    }
}

#[test]
fn a_party_that_comes_back_and_waits_may_be_refused_as_any_other() {
    let mut world = World::running(europe());
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "2005");
    world.hang_up("2001");
    world.connect("2001", "2002");
    world.pass(61);
    assert!(world.hears("2001").starts_with("L/wt"), "{}", world.hears("2001"));
    recall(&mut world, "2001", "0");
    assert!(world.talk("2001", "2002"));
    assert_eq!(world.hears("2004"), "L/bz");
    assert_eq!(world.record_of("2001", "2004").cause, Cause::USER_BUSY);
    world.hang_up("2001");
    assert_eq!(world.hears("2001"), "", "nobody waits any more");
    world.end();
}

#[test]
fn both_others_of_a_three_way_call_are_on_hold_until_the_digit_is_chosen() {
    for (digit, who_leaves) in
        [("7", None), ("7", Some("2004")), ("7", Some("2005")), ("1", None), ("2", None)]
    {
        let mut world = World::running(europe());
        consult(&mut world);
        recall(&mut world, "2001", "3");
        world.flash("2001");
        assert!(is_on_hold(&world, "2004") && is_on_hold(&world, "2005"));
        if let Some(who) = who_leaves {
            world.hang_up(who);
            let left = if who == "2004" { "2005" } else { "2004" };
            assert!(world.talk("2001", left), "nothing is left to choose between");
            assert_eq!((world.hears("2001"), world.hears(left)), (String::new(), String::new()));
            world.end();
            continue;
        }
        world.dial("2001", digit);
        let hears = |other: &str| world.hear_each_other("2001", other);
        match digit {
            "1" => assert!(world.talk("2001", "2004")),
            "2" => assert!(hears("2004") && is_on_hold(&world, "2005")),
            _ => {
                assert!(hears("2004") && hears("2005") && world.line("2001").calls.mixed);
                assert_eq!((world.hears("2004"), world.hears("2005")), (String::new(), String::new()));
            }
        }
        world.end();
    }
}

#[test]
fn a_choice_that_an_exchange_does_not_live_to_see_is_none() {
    for mixed in [false, true] {
        let mut world = World::running(europe());
        consult(&mut world);
        if mixed {
            recall(&mut world, "2001", "3");
        }
        world.flash("2001");
        world.crash();
        world.pass(2);
        assert_eq!(world.start_again(), []);
        world.pass(10);
        assert!(world.hear_each_other("2001", "2005"), "as before the flash");
        assert_eq!(world.hear_each_other("2001", "2004"), mixed);
        assert_eq!(world.hears("2005"), "");
        world.end();
    }
}

#[test]
fn a_recall_without_a_digit_changes_nothing_whatever_the_other_side_does_meanwhile() {
    // The partner puts the call on hold, and takes it again.
    let mut world = World::running(europe());
    consult(&mut world);
    world.flash("2001");
    world.flash("2005");
    world.flash("2005");
    assert!(is_on_hold(&world, "2005"), "{}", world.hears("2005"));
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2005"));
    world.end();
}

#[test]
fn a_feature_that_the_line_may_not_use_is_not_chosen() {
    let mut inventory = europe();
    inventory.lines[0].features.three_way = false;
    inventory.lines[0].features.transfer = false;
    let mut world = World::running(inventory);
    consult(&mut world);
    for digit in ["3", "4"] {
        recall(&mut world, "2001", digit);
        assert!(world.hear_each_other("2001", "2005") && !world.hear_each_other("2001", "2004"));
    }
    world.end();
}

#[test]
fn a_party_may_hang_up_while_the_digit_is_waited_for() {
    for (who, waits) in [("2004", false), ("2005", false), ("2001", false), ("2004", true), ("2005", true)] {
        let mut world = World::running(europe());
        if waits {
            wait(&mut world);
        } else {
            consult(&mut world);
        }
        world.flash("2001");
        world.hang_up(who);
        match (who, waits) {
            // The one on hold.
            ("2004", false) => {
                world.dial("2001", "1");
                assert!(world.talk("2001", "2005"), "there is nothing to return to");
            }
            ("2001", _) => assert!(world.talk("2004", "2005"), "hanging up transfers"),
            // The one in hand: a flash returns, or takes the one that waits.
            ("2005", false) => {
                assert_eq!(world.hears("2001"), "L/bz");
                world.flash("2001");
                assert!(world.talk("2001", "2004"));
            }
            ("2004", true) => {
                world.flash("2001");
                assert!(world.talk("2001", "2005"));
            }
            _ => {
                world.dial("2001", "2");
                assert!(world.talk("2001", "2004"), "nobody waits any more");
            }
        }
        world.end();
    }
}

#[test]
fn the_far_party_may_hang_up_at_every_moment_of_a_choice() {
    for digit in ["0", "1", "2", "3", "4"] {
        for who in ["2004", "2005"] {
            for delay in (0..24).map(|step| Duration::from_micros(step * 1700)) {
                let mut world = World::running(europe());
                consult(&mut world);
                world.flash("2001");
                let (gateway, endpoint) = world.place("2001");
                let now = world.now;
                world.gateways[gateway].dial(now, &endpoint, digit);
                world.pass_time(delay);
                world.hook(who, false);
                world.pass(2);
                assert_eq!(world.line(who).condition, LineCondition::Idle, "{digit} {who} after {delay:?}");
                let world = world.end();
                assert_eq!(world.ended.len(), 2, "{digit} {who} after {delay:?}");
            }
        }
    }
}

#[test]
fn a_code_that_asks_is_answered_by_what_is_set() {
    let mut world = World::running(europe());
    let ask = |world: &mut World, code: &str| {
        world.lift("2001");
        world.dial("2001", code);
        let heard = world.hears("2001");
        world.hang_up("2001");
        heard
    };
    for (query, set, unset) in [
        ("*#21#", "*21*2005#", "#21#"),
        ("*#67#", "*67*2005#", "#67#"),
        ("*#61#", "*61*2005#", "#61#"),
        ("*#26#", "*26#", "#26#"),
        ("*#77#", "*77#", "#77#"),
    ] {
        assert_eq!(ask(&mut world, query), "L/ro", "{query} before it is set");
        assert_eq!(ask(&mut world, set), "G/cf", "{set}");
        assert_eq!(ask(&mut world, query), "G/cf", "{query}");
        assert_eq!(ask(&mut world, unset), "G/cf", "{unset}");
        assert_eq!(ask(&mut world, query), "L/ro", "{query} behind {unset}");
    }
    assert_eq!(world.settings.len(), 10, "asking sets nothing");
    world.end();
}

#[test]
fn call_waiting_is_switched_off_and_on_by_code() {
    let mut inventory = europe();
    inventory.lines[1].features.call_waiting = false;
    let mut world = World::running(inventory);
    for (code, heard) in [("#43#", "G/cf"), ("*#43#", "L/ro")] {
        world.lift("2001");
        world.dial("2001", code);
        assert_eq!(world.hears("2001"), heard, "{code}");
        world.hang_up("2001");
    }
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    assert_eq!(world.hears("2005"), "L/bz");
    world.hang_up("2005");
    world.hang_up("2001");
    world.hang_up("2004");
    for code in ["*43#", "*#43#"] {
        world.lift("2001");
        world.dial("2001", code);
        assert_eq!(world.hears("2001"), "G/cf", "{code}");
        world.hang_up("2001");
    }
    wait(&mut world);
    let made: Vec<_> = world.settings.iter().map(|change| change.setting.clone()).collect();
    assert_eq!(made, [Setting::CallWaiting(false), Setting::CallWaiting(true)]);
    // A line whose class of service has no call waiting has none to switch on.
    for code in ["*43#", "*#43#"] {
        world.lift("2002");
        world.dial("2002", code);
        assert_eq!(world.hears("2002"), "L/ro", "{code}");
        world.hang_up("2002");
    }
    world.end();
}

#[test]
fn north_america_has_no_codes_that_ask() {
    let mut world = World::running(town());
    world.lift("2001");
    world.dial("2001", "*#21#");
    assert_eq!(world.hears("2001"), "L/sit(6)");
    world.end();
}
