//! Forwarding, over the two gateways of the town.

use strowger_exchange::{
    Cause, Codes, Country, Forward, Inventory, ReleasedBy, SetBy, Setting, Subscription,
};

use crate::world::{World, town};

/// The town with the feature codes of its country.
pub(crate) fn town_with_codes() -> Inventory {
    let mut town = town();
    town.codes = Codes::of(Country::default());
    town
}

/// What a line of the town has.
pub(crate) fn line<'t>(town: &'t mut Inventory, number: &str) -> &'t mut Subscription {
    town.subscriptions.entry(number.to_owned()).or_default()
}

/// Lifts, dials, and hangs up when it was confirmed.
fn set_by_code(world: &mut World, number: &str, keys: &[&str]) {
    world.lift(number);
    for keys in keys {
        world.dial(number, keys);
    }
    assert_eq!(world.hears(number), "G/cf", "confirmed");
    world.hang_up(number);
}

fn chain(record: &strowger_exchange::CallEnded) -> Vec<(&str, Forward, &str)> {
    record.diversions.iter().map(|step| (step.by.as_str(), step.reason, step.to.as_str())).collect()
}

#[test]
fn calls_are_forwarded_by_code_with_a_reminder_and_no_more_by_another() {
    let mut world = World::running(town_with_codes());
    world.lift("2001");
    world.dial("2001", "*72");
    assert_eq!(world.hears("2001"), "L/sl", "the code is understood: the number, please");
    world.dial("2001", "2005");
    assert_eq!(world.hears("2001"), "G/cf");
    world.hang_up("2001");
    let change = &world.settings[0];
    assert_eq!((change.line.as_str(), change.by), ("2001", SetBy::Subscriber));
    assert_eq!(change.setting, Setting::Forward(Forward::Always, Some("2005".to_owned())));

    world.lift("2002");
    world.dial("2002", "2001");
    assert_eq!(world.hears("2005"), "L/rg,L/ci(\"\",\"2002\",\"Bob\")");
    assert!(world.endpoint("2001").heard.contains(&"L/rs".to_owned()), "the reminder");
    let reminders =
        |world: &World| world.endpoint("2001").heard.iter().filter(|signal| *signal == "L/rs").count();
    assert_eq!(reminders(&world), 1);
    world.lift("2005");
    assert!(world.talk("2002", "2005"));
    world.pass(10);
    world.hang_up("2002");
    world.hang_up("2005");
    let record = world.ended.last().unwrap();
    assert_eq!((record.dialled.as_str(), record.called.as_ref().unwrap().number.as_str()), ("2001", "2005"));
    assert_eq!(chain(record), [("2001", Forward::Always, "2005")]);
    assert_eq!(world.stable[0].diversions, record.diversions);
    assert_eq!(reminders(&world), 1, "once for each call");

    set_by_code(&mut world, "2001", &["*73"]);
    world.ring("2002", "2001");
    let world = world.end();
    assert_eq!(world.settings.len(), 2);
    let codes: Vec<_> = world.ended.iter().map(|record| record.dialled.as_str()).collect();
    assert_eq!(codes, ["*722005", "2001", "*73", "2001"]);
    assert_eq!(world.ended[0].cause, Cause::NORMAL_CLEARING);
    assert_eq!(world.ended[0].called, None);
}

#[test]
fn codes_of_another_country_are_dialled_in_one_go() {
    let mut town = town();
    town.country = "de".parse().unwrap();
    town.codes = Codes::of(town.country);
    let mut world = World::running(town);
    set_by_code(&mut world, "2001", &["*21*2005#"]);
    world.lift("2002");
    world.dial("2002", "2001");
    assert!(world.hears("2005").starts_with("L/rg"));
    world.hang_up("2002");
    set_by_code(&mut world, "2001", &["#21#"]);
    world.ring("2002", "2001");
    world.end();
}

#[test]
fn a_busy_line_forwards_to_another_gateway() {
    let mut town = town();
    line(&mut town, "2001").forward_busy = Some("2006".to_owned());
    let mut world = World::running(town);
    world.connect("2001", "2004");
    world.lift("2002");
    world.dial("2002", "2001");
    assert!(world.hears("2006").starts_with("L/rg"));
    assert!(!world.endpoint("2001").heard.contains(&"L/rs".to_owned()), "he knows that he is busy");
    world.lift("2006");
    assert!(world.talk("2002", "2006") && world.talk("2001", "2004"));
    world.hang_up("2002");
    assert_eq!(chain(&world.ended[0]), [("2001", Forward::Busy, "2006")]);
    world.end();
}

#[test]
fn a_call_that_nobody_answers_rings_elsewhere() {
    let mut town = town_with_codes();
    line(&mut town, "2004").no_answer = std::time::Duration::from_secs(10);
    let mut world = World::running(town);
    set_by_code(&mut world, "2004", &["*92", "2003"]);
    world.ring("2001", "2004");
    world.pass(9);
    assert!(world.hears("2004").starts_with("L/rg"));
    world.pass(2);
    assert_eq!(world.hears("2004"), "", "it stops ringing");
    assert!(world.hears("2003").starts_with("L/rg"));
    assert_eq!(world.hears("2001"), "G/rt", "the caller waits on");
    world.lift("2003");
    assert!(world.talk("2001", "2003"));
    world.hang_up("2003");
    assert_eq!(chain(&world.ended[1]), [("2004", Forward::NoAnswer, "2003")]);
    world.end();
}

#[test]
fn a_call_rings_elsewhere_through_the_relay_too() {
    let mut world = World::with_relay(4);
    let setting = Setting::Forward(Forward::NoAnswer, Some("2003".to_owned()));
    world.exchange.set(world.now, "2004", &setting).unwrap();
    world.ring("2001", "2004");
    world.pass(21);
    assert!(world.hears("2003").starts_with("L/rg"));
    world.lift("2003");
    assert_eq!(world.phase(), Some(strowger_exchange::CallPhase::Talking));
    let relay = world.gateways[2].connections().cloned().collect::<Vec<_>>();
    let port = |world: &World, number: &str| world.endpoint(number).connections.values().next().unwrap().port;
    let mut facing: Vec<_> = relay.iter().map(|connection| connection.remote.unwrap()).collect();
    facing.sort_unstable();
    let mut ports = [port(&world, "2001"), port(&world, "2003")];
    ports.sort_unstable();
    assert_eq!(facing, ports, "the relay faces the two who talk");
    world.end();
}

#[test]
fn the_one_who_was_rung_first_may_lift_at_every_moment_of_the_change() {
    for delay in (9_900..10_150).step_by(5) {
        let mut town = town();
        line(&mut town, "2004").no_answer = std::time::Duration::from_secs(10);
        line(&mut town, "2004").forward_no_answer = Some("2005".to_owned());
        let mut world = World::running(town);
        world.ring("2001", "2004");
        world.pass_time(std::time::Duration::from_millis(delay));
        world.hook("2004", true);
        world.settle();
        if world.talk("2001", "2004") {
            assert_eq!(world.hears("2005"), "", "{delay}");
        } else {
            assert_eq!(world.hears("2004"), "L/dl", "{delay}: he finds himself calling");
            assert!(world.hears("2005").starts_with("L/rg"), "{delay}");
        }
        world.end();
    }
}

#[test]
fn lines_that_forward_to_each_other_end_the_call() {
    let mut town = town();
    line(&mut town, "2004").forward_always = Some("2005".to_owned());
    line(&mut town, "2005").forward_always = Some("2004".to_owned());
    let mut world = World::running(town);
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::EXCHANGE_ROUTING_ERROR, ReleasedBy::Exchange));
    assert_eq!(record.diversions.len(), 2);
}

#[test]
fn a_call_is_forwarded_so_many_times_and_no_more() {
    for (most, talks) in [(4, true), (3, false)] {
        let mut town = town();
        town.limits.diversions = most;
        for (from, to) in [("2002", "2003"), ("2003", "2004"), ("2004", "2005"), ("2005", "2006")] {
            line(&mut town, from).forward_always = Some(to.to_owned());
        }
        let mut world = World::running(town);
        world.lift("2001");
        world.dial("2001", "2002");
        assert_eq!(world.hears("2006").starts_with("L/rg"), talks, "{most}");
        let record = world.end_with_record();
        assert_eq!(record.diversions.len(), most);
        assert_eq!(record.cause == Cause::EXCHANGE_ROUTING_ERROR, !talks);
    }
}

#[test]
fn a_line_cannot_be_forwarded_to_itself_or_to_nowhere() {
    let mut world = World::running(town_with_codes());
    for (number, hears) in [("2001", "L/ro"), ("3", "L/sit(6)")] {
        world.lift("2001");
        world.dial("2001", "*90");
        world.dial("2001", number);
        assert_eq!(world.hears("2001"), hears);
        world.hang_up("2001");
    }
    assert_eq!(world.settings, []);
    world.ring("2002", "2001");
    world.end();
}

#[test]
fn one_who_calls_a_line_that_forwards_to_him_finds_himself_busy() {
    let mut town = town();
    line(&mut town, "2004").forward_always = Some("2001".to_owned());
    let mut world = World::running(town);
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/bz");
    world.end();
}

#[test]
fn settings_outlive_the_exchange() {
    let mut world = World::running(town_with_codes());
    set_by_code(&mut world, "2001", &["*72", "2005"]);
    set_by_code(&mut world, "2001", &["*78"]);
    let mut town = town_with_codes();
    town.settings =
        world.settings.iter().map(|change| (change.line.clone(), change.setting.clone())).collect();
    world.end();
    let mut world = World::running(town);
    let settings = world.exchange.settings("2001").unwrap();
    assert!(settings.contains(&Setting::DoNotDisturb(true)));
    world.lift("2002");
    world.dial("2002", "2001");
    assert!(world.hears("2005").starts_with("L/rg"));
    world.end();
}

#[test]
fn a_code_that_nobody_knows_is_told_by_special_information() {
    let mut world = World::running(town_with_codes());
    world.lift("2001");
    world.dial("2001", "*71");
    assert_eq!(world.hears("2001"), "L/sit(6)");
    world.end();
}

#[test]
fn one_who_does_not_hang_up_after_the_confirmation_is_made_to() {
    let mut world = World::running(town_with_codes());
    world.lift("2001");
    world.dial("2001", "*78");
    assert_eq!(world.hears("2001"), "G/cf");
    world.pass(17);
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.ended[0].cause, Cause::NORMAL_CLEARING);
    world.end();
}

#[test]
fn one_who_hangs_up_behind_a_code_has_set_nothing() {
    let mut world = World::running(town_with_codes());
    world.lift("2001");
    world.dial("2001", "*72");
    world.dial("2001", "20");
    world.hang_up("2001");
    assert_eq!(world.settings, []);
    world.end();
}
