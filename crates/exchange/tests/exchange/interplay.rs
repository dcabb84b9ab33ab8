//! Features that meet each other, each story over the two gateways of the town.

use strowger_exchange::{
    Cause, ControllerLeaves, Event, Forward, GroupEntry, HotLine, Inventory, LineCondition, ReleasedBy, Ring,
    ServiceClass, Setting, Subscription,
};
use strowger_sansio::Duration;

use crate::forwarding::{line, town_with_codes};
use crate::world::{World, with_every_feature};

/// The town with the codes of its country, whose subscribers have every feature.
fn all() -> Inventory {
    with_every_feature(town_with_codes())
}

/// From the moment itself to well after everything has come to rest, in steps that fall between the arrivals.
fn moments() -> impl Iterator<Item = Duration> {
    (0..40).map(|step| Duration::from_micros(step * 1300))
}

/// A class of service that bars a number.
fn bars(inventory: &mut Inventory, number: &str, barred: &str) {
    let mut class = ServiceClass::new(&format!("not-{barred}"));
    class.barred = vec![barred.to_owned()];
    line(inventory, number).class = Some(class.id.clone());
    inventory.classes.push(class);
}

#[test]
fn a_call_that_waits_too_long_is_forwarded_as_one_that_nobody_answers() {
    let mut inventory = all();
    line(&mut inventory, "2001").forward_no_answer = Some("2006".to_owned());
    line(&mut inventory, "2001").no_answer = Duration::from_secs(10);
    let mut world = World::running(inventory);
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    assert!(world.hears("2001").starts_with("L/wt"));
    world.pass(11);
    assert_eq!(world.hears("2001"), "", "nobody waits any more");
    assert!(world.hears("2006").starts_with("L/rg"));
    world.lift("2006");
    assert!(world.talk("2005", "2006") && world.talk("2001", "2004"));
    world.flash("2001");
    assert_eq!(world.hears("2001"), "L/sl", "there is nothing to take");
    let world = world.end();
    assert_eq!(world.record_of("2005", "2001").diversions[0].reason, Forward::NoAnswer);
}

#[test]
fn a_call_that_waits_is_taken_or_forwarded_at_every_moment_of_its_end() {
    let mut outcomes = [0, 0];
    for delay in moments() {
        let mut inventory = all();
        line(&mut inventory, "2001").forward_no_answer = Some("2006".to_owned());
        line(&mut inventory, "2001").no_answer = Duration::from_secs(10);
        let mut world = World::running(inventory);
        world.connect("2001", "2004");
        world.lift("2005");
        world.dial("2005", "2001");
        world.pass_time(Duration::from_millis(9_815) + delay);
        world.press("2001");
        world.pass(2);
        if world.hear_each_other("2001", "2005") {
            outcomes[0] += 1;
            assert_eq!(world.hears("2006"), "", "after {delay:?}");
        } else {
            outcomes[1] += 1;
            assert!(world.hears("2006").starts_with("L/rg"), "after {delay:?}");
            assert_eq!(world.hears("2001"), "L/sl", "after {delay:?}");
        }
        world.end();
    }
    assert!(outcomes.iter().all(|count| *count > 3), "{outcomes:?}");
}

#[test]
fn call_waiting_gives_way_to_do_not_disturb_and_to_forwarding_of_all_calls() {
    for setting in [Setting::DoNotDisturb(true), Setting::Forward(Forward::Always, Some("2006".to_owned()))] {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        let now = world.now;
        world.exchange.set(now, "2001", &setting).unwrap();
        world.lift("2005");
        world.dial("2005", "2001");
        assert_eq!(world.hears("2001"), "", "nobody waits");
        match setting {
            Setting::DoNotDisturb(_) => assert_eq!(world.hears("2005"), "L/bz"),
            _ => assert!(world.hears("2006").starts_with("L/rg")),
        }
        world.end();
    }
}

#[test]
fn a_hot_line_that_is_not_to_be_disturbed_calls_all_the_same() {
    let mut inventory = all();
    let hot = HotLine { number: "2004".to_owned(), after: Duration::ZERO };
    (line(&mut inventory, "2001").hot_line, line(&mut inventory, "2001").do_not_disturb) = (Some(hot), true);
    let mut world = World::running(inventory);
    world.lift("2005");
    world.dial("2005", "2001");
    assert_eq!(world.hears("2005"), "L/bz");
    world.hang_up("2005");
    world.lift("2001");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    // It can hold and consult like any other: a flash is no new seizure.
    world.flash("2001");
    assert_eq!(world.hears("2001"), "L/sl");
    world.end();
}

#[test]
fn two_hot_lines_that_are_lifted_at_any_moment_meet_or_are_busy() {
    for delay in moments() {
        let mut inventory = all();
        for (number, to) in [("2001", "2004"), ("2004", "2001")] {
            let hot = HotLine { number: to.to_owned(), after: Duration::ZERO };
            line(&mut inventory, number).hot_line = Some(hot);
        }
        let mut world = World::running(inventory);
        world.hook("2001", true);
        world.pass_time(delay);
        world.hook("2004", true);
        world.pass(2);
        let busy = world.hears("2001") == "L/bz" && world.hears("2004") == "L/bz";
        assert!(busy || world.talk("2001", "2004"), "after {delay:?}: {}", world.hears("2001"));
        world.end();
    }
}

#[test]
fn a_code_at_recall_dial_tone_sets_what_it_says_and_the_call_on_hold_stays() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "*72");
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/sl".to_owned(), "L/ht".to_owned()));
    world.dial("2001", "2005");
    assert_eq!(world.hears("2001"), "G/cf");
    assert_eq!(world.settings[0].setting, Setting::Forward(Forward::Always, Some("2005".to_owned())));
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    // And one that calls: the last number that was called is the one on hold, who is busy unless a call waits.
    world.flash("2001");
    world.dial("2001", "*66");
    assert_eq!(world.hears("2001"), "G/rt", "2004 hears that a call waits");
    assert!(world.hears("2004").contains("L/wt"), "{}", world.hears("2004"));
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn a_loop_over_both_gateways_ends_after_each_line_was_asked_once() {
    let mut inventory = all();
    for (by, to) in [("2004", "2002"), ("2002", "2005"), ("2005", "2003"), ("2003", "2004")] {
        line(&mut inventory, by).forward_always = Some(to.to_owned());
    }
    let mut world = World::running(inventory);
    world.lift("2001");
    world.dial("2001", "2004");
    assert!(world.hears("2001").starts_with("L/ro"), "{}", world.hears("2001"));
    let record = &world.ended[0];
    assert_eq!((record.cause, record.diversions.len()), (Cause::EXCHANGE_ROUTING_ERROR, 4));
    assert_eq!(record.released_by, ReleasedBy::Exchange);
    world.end();
}

#[test]
fn a_loop_of_no_answers_rings_each_telephone_once() {
    let mut inventory = all();
    for (by, to) in [("2004", "2002"), ("2002", "2004")] {
        line(&mut inventory, by).forward_no_answer = Some(to.to_owned());
        line(&mut inventory, by).no_answer = Duration::from_secs(5);
    }
    let mut world = World::running(inventory);
    world.lift("2001");
    world.dial("2001", "2004");
    world.pass(6);
    assert!(world.hears("2002").starts_with("L/rg") && world.hears("2004").is_empty());
    world.pass(6);
    assert_eq!((world.hears("2002"), world.hears("2004")), (String::new(), String::new()));
    assert_eq!(world.ended[0].cause, Cause::EXCHANGE_ROUTING_ERROR);
    world.end();
}

#[test]
fn a_group_passes_by_members_who_do_not_want_an_anonymous_call() {
    let mut inventory = all();
    inventory.groups.push(GroupEntry::new("2900", &["2002", "2004", "2005"]));
    line(&mut inventory, "2002").do_not_disturb = true;
    line(&mut inventory, "2004").reject_anonymous = true;
    let mut world = World::running(inventory);
    for (keys, rings) in [(["2900"].as_slice(), "2004"), (&["*67", "2900"], "2005")] {
        world.lift("2001");
        keys.iter().for_each(|keys| world.dial("2001", keys));
        assert!(world.hears(rings).starts_with("L/rg"), "{rings} with {keys:?}");
        world.hang_up("2001");
    }
    // What it cannot answer it cannot call back: the last caller of 2005 is nobody.
    world.lift("2005");
    world.dial("2005", "*69");
    assert_eq!(world.hears("2005"), "L/ro");
    world.end();
}

#[test]
fn who_forwards_may_not_send_calls_where_it_may_not_call_whoever_calls() {
    let mut inventory = all();
    bars(&mut inventory, "2004", "2006");
    line(&mut inventory, "2004").forward_busy = Some("2006".to_owned());
    line(&mut inventory, "2005").forward_always = Some("2006".to_owned());
    bars(&mut inventory, "2002", "2006");
    let mut world = World::running(inventory);
    // 2001 may call 2006, but not by way of 2004, who may not.
    world.lift("2004");
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.record_of("2001", "2004").cause, Cause::BEARER_NOT_AUTHORIZED);
    // 2002 may not call 2006, but 2005 may, and it is 2005 who sends the call there; 2002 pays for what it dialled.
    world.lift("2002");
    world.dial("2002", "2006");
    assert_eq!(world.hears("2002"), "L/ro");
    world.hang_up("2002");
    world.lift("2002");
    world.dial("2002", "2005");
    world.lift("2006");
    assert!(world.talk("2002", "2006"));
    let world = world.end();
    let record = world.record_of("2002", "2005");
    assert_eq!((record.calling.number.as_str(), record.diversions[0].by.as_str()), ("2002", "2005"));
}

#[test]
fn who_transfers_must_be_allowed_to_call_and_pays() {
    let mut inventory = all();
    bars(&mut inventory, "2001", "2005");
    bars(&mut inventory, "2004", "2006");
    let mut world = World::running(inventory);
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "*98");
    world.dial("2001", "2005");
    assert_eq!((world.hears("2001"), world.hears("2005")), ("L/ro".to_owned(), String::new()));
    world.flash("2001");
    assert!(world.talk("2001", "2004"), "the call on hold is still there");
    // 2004 may not call 2006; that 2001 sends it there is 2001's call.
    world.flash("2001");
    world.dial("2001", "*98");
    world.dial("2001", "2006");
    world.hang_up("2001");
    world.lift("2006");
    assert!(world.talk("2004", "2006"));
    world.hang_up("2006");
    let world = world.end();
    let record = world.record_of("2001", "2006");
    assert_eq!((record.calling.number.as_str(), record.answer.is_some()), ("2001", true));
}

#[test]
fn a_controller_who_joins_the_others_may_hang_up_with_any_of_them_at_any_moment() {
    for (first, second) in [("2001", "2004"), ("2001", "2005"), ("2004", "2001"), ("2005", "2001")] {
        for delay in moments() {
            let mut inventory = all();
            inventory.features.controller_leaves = ControllerLeaves::JoinsTheOthers;
            let mut world = World::running(inventory);
            world.connect("2001", "2004");
            world.flash("2001");
            world.dial("2001", "2005");
            world.lift("2005");
            world.flash("2001");
            assert!(world.line("2001").calls.mixed);
            world.hook(first, false);
            world.pass_time(delay);
            world.hook(second, false);
            world.pass(2);
            for number in [first, second] {
                assert_eq!(world.line(number).condition, LineCondition::Idle, "{first} {second} {delay:?}");
            }
            let world = world.end();
            assert_eq!(world.ended.len(), 2, "{first} {second} {delay:?}");
        }
    }
}

#[test]
fn both_parties_flash_for_a_three_way_call_with_each_other_at_any_moment() {
    for delay in moments() {
        let mut world = World::running(all());
        // 2001 holds 2002 and talks with 2004, who holds 2005.
        world.connect("2004", "2005");
        world.connect("2001", "2002");
        world.flash("2001");
        world.dial("2001", "2004");
        world.flash("2004");
        assert!(world.hear_each_other("2001", "2004"), "{}", world.hears("2001"));
        world.press("2001");
        world.pass_time(delay);
        world.press("2004");
        world.pass(2);
        // 2001 has consulted and confers; 2004 has taken a call that waited and changes back.
        assert!(world.hear_each_other("2004", "2005"), "after {delay:?}");
        assert!(world.hear_each_other("2001", "2002"), "after {delay:?}");
        assert!(!world.hear_each_other("2001", "2004"), "after {delay:?}");
        let conferred = world.events.iter().filter(|event| matches!(event, Event::ThreeWay { .. })).count();
        assert_eq!(conferred, 1, "after {delay:?}");
        world.end();
    }
}

#[test]
fn a_call_that_waited_rings_as_it_would_have_and_one_on_hold_as_configured() {
    let mut inventory = all();
    let rings = [("2005".to_owned(), Ring::Pattern(2))].into();
    inventory.subscriptions.insert("2001".to_owned(), Subscription { rings, ..Subscription::default() });
    inventory.features.recall_ring = Ring::Pattern(6);
    let mut world = World::running(inventory);
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    world.hang_up("2001");
    assert!(world.hears("2001").starts_with("L/r2,"), "{}", world.hears("2001"));
    world.lift("2001");
    assert!(world.talk("2001", "2005"));
    world.flash("2001");
    world.hang_up("2001");
    assert!(world.hears("2001").starts_with("L/r6,"), "{}", world.hears("2001"));
    world.end();
}
