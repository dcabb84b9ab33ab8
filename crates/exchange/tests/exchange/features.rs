//! What subscribers set and use beside forwarding and hunting, over the two gateways of the town.

use std::time::Duration;

use strowger_exchange::{Cause, Forward, HotLine, Ring, ServiceClass, SetBy, Setting};
use strowger_mgcp::message::RestartMethod;

use crate::forwarding::{line, town_with_codes};
use crate::world::{World, town};

fn set_by_code(world: &mut World, number: &str, keys: &[&str]) {
    world.lift(number);
    keys.iter().for_each(|keys| world.dial(number, keys));
    assert_eq!(world.hears(number), "G/cf", "confirmed");
    world.hang_up(number);
}

/// Lifts and dials; says what the caller hears.
fn call(world: &mut World, number: &str, keys: &[&str]) -> String {
    world.lift(number);
    keys.iter().for_each(|keys| world.dial(number, keys));
    world.hears(number)
}

#[test]
fn one_who_is_not_to_be_disturbed_is_busy_until_he_says_otherwise() {
    let mut world = World::running(town_with_codes());
    set_by_code(&mut world, "2004", &["*78"]);
    assert_eq!(call(&mut world, "2001", &["2004"]), "L/bz");
    world.hang_up("2001");
    set_by_code(&mut world, "2004", &["*79"]);
    world.ring("2001", "2004");
    world.end();
}

#[test]
fn one_who_is_not_to_be_disturbed_forwards_as_if_he_were_busy() {
    let mut town = town();
    line(&mut town, "2004").do_not_disturb = true;
    line(&mut town, "2004").forward_busy = Some("2002".to_owned());
    let mut world = World::running(town);
    call(&mut world, "2001", &["2004"]);
    assert!(world.hears("2002").starts_with("L/rg"));
    world.hang_up("2001");
    assert_eq!(world.ended[0].diversions[0].reason, Forward::Busy);
    world.end();
}

#[test]
fn a_number_is_withheld_for_one_call_and_shown_for_one() {
    let mut town = town_with_codes();
    line(&mut town, "2002").withhold_number = true;
    let mut world = World::running(town);
    assert_eq!(call(&mut world, "2001", &["*67"]), "L/sl");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",P,P)");
    world.hang_up("2001");
    world.ring("2001", "2004");
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",\"2001\",\"Alice\")", "for one call only");
    world.hang_up("2001");
    world.ring("2002", "2004");
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",P,P)", "by default");
    world.hang_up("2002");
    call(&mut world, "2002", &["*82", "2004"]);
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",\"2002\",\"Bob\")");
    let world = world.end();
    assert_eq!(world.ended[0].calling.number, "2001", "the record knows him");
    assert_eq!(world.ended[0].dialled, "*672004");
}

#[test]
fn anonymous_callers_are_refused_and_others_are_not() {
    let mut world = World::running(town_with_codes());
    set_by_code(&mut world, "2004", &["*77"]);
    assert_eq!(call(&mut world, "2001", &["*67", "2004"]), "L/ro");
    assert_eq!(world.ended[1].cause, Cause::CALL_REJECTED);
    world.hang_up("2001");
    world.ring("2001", "2004");
    world.hang_up("2001");
    set_by_code(&mut world, "2004", &["*87"]);
    call(&mut world, "2001", &["*67", "2004"]);
    assert!(world.hears("2004").starts_with("L/rg"));
    world.end();
}

#[test]
fn the_last_caller_is_called_back_unless_he_withheld_his_number() {
    let mut world = World::running(town_with_codes());
    assert_eq!(call(&mut world, "2004", &["*69"]), "L/ro", "nobody has called");
    world.hang_up("2004");
    world.ring("2001", "2004");
    world.hang_up("2001");
    call(&mut world, "2004", &["*69"]);
    assert!(world.hears("2001").starts_with("L/rg"));
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    assert_eq!(call(&mut world, "2002", &["2004"]), "L/bz");
    for number in ["2001", "2004", "2002"] {
        world.hang_up(number);
    }
    call(&mut world, "2004", &["*69"]);
    assert!(world.hears("2002").starts_with("L/rg"), "one who found the line busy counts too");
    world.hang_up("2004");
    call(&mut world, "2001", &["*67", "2004"]);
    world.hang_up("2001");
    assert_eq!(call(&mut world, "2004", &["*69"]), "L/ro");
    world.end();
}

#[test]
fn the_last_number_is_dialled_again() {
    let mut world = World::running(town_with_codes());
    assert_eq!(call(&mut world, "2001", &["*66"]), "L/ro");
    world.hang_up("2001");
    world.ring("2001", "2005");
    world.hang_up("2001");
    call(&mut world, "2001", &["*66"]);
    assert!(world.hears("2005").starts_with("L/rg"));
    world.end();
}

#[test]
fn short_numbers_of_one_and_two_digits_are_set_and_dialled() {
    let mut world = World::running(town_with_codes());
    world.lift("2001");
    world.dial("2001", "*74");
    assert_eq!(world.hears("2001"), "L/sl");
    world.dial("2001", "32005#");
    assert_eq!(world.hears("2001"), "G/cf");
    world.hang_up("2001");
    set_by_code(&mut world, "2001", &["*75", "202006T"]);
    call(&mut world, "2001", &["3#"]);
    assert!(world.hears("2005").starts_with("L/rg"));
    world.hang_up("2001");
    call(&mut world, "2001", &["20#"]);
    assert!(world.hears("2006").starts_with("L/rg"));
    world.hang_up("2001");
    assert_eq!(call(&mut world, "2001", &["4#"]), "L/sit(6)", "an empty slot");
    world.hang_up("2001");
    assert_eq!(call(&mut world, "2002", &["3#"]), "L/sit(6)", "each line has its own");
    let world = world.end();
    assert_eq!(world.settings[0].setting, Setting::SpeedDial("3".to_owned(), Some("2005".to_owned())));
    assert_eq!(world.ended[2].dialled, "3#");
}

#[test]
fn each_number_of_a_line_and_each_caller_has_a_ringing() {
    let mut town = town();
    let features = line(&mut town, "2004");
    features.numbers = vec![("2014".to_owned(), Ring::Pattern(2))];
    features.rings = vec![("20".to_owned(), Ring::Pattern(1)), ("2002".to_owned(), Ring::Pattern(4))];
    assert_eq!(town.check(), []);
    let mut world = World::running(town);
    for (caller, called, rings) in
        [("2001", "2014", "L/r2,"), ("2001", "2004", "L/r1,"), ("2002", "2004", "L/r4,")]
    {
        call(&mut world, caller, &[called]);
        assert!(world.hears("2004").starts_with(rings), "{} for {called}", world.hears("2004"));
        world.hang_up(caller);
    }
    assert_eq!(world.ended[0].called.as_ref().unwrap().number, "2004");
    world.end();
}

#[test]
fn a_class_of_service_screens_what_a_line_calls() {
    let mut town = town_with_codes();
    town.emergency.push("2006".to_owned());
    town.classes.push(ServiceClass {
        allowed: vec!["200".to_owned()],
        barred: vec!["2005".to_owned(), "2006".to_owned()],
        ..ServiceClass::new("local")
    });
    line(&mut town, "2001").class = Some("local".to_owned());
    assert_eq!(town.check(), []);
    let mut world = World::running(town);
    world.ring("2001", "2004");
    world.hang_up("2001");
    assert_eq!(call(&mut world, "2001", &["2005"]), "L/ro");
    assert_eq!(world.ended[1].cause, Cause::BEARER_NOT_AUTHORIZED);
    world.hang_up("2001");
    world.ring("2001", "2006");
    world.hang_up("2001");
    assert_eq!(call(&mut world, "2001", &["*72", "2005"]), "L/ro", "no way round by forwarding");
    assert_eq!(world.settings, []);
    world.hang_up("2001");
    let forward = Setting::Forward(Forward::Always, Some("2005".to_owned()));
    assert!(world.exchange.set(world.now, "2001", &forward).is_err());
    world.end();
}

#[test]
fn a_line_that_is_barred_calls_for_help_only_and_is_not_called() {
    let mut town = town();
    town.emergency.push("2006".to_owned());
    town.classes.push(ServiceClass { outgoing: false, incoming: false, ..ServiceClass::new("lift") });
    line(&mut town, "2001").class = Some("lift".to_owned());
    let mut world = World::running(town);
    assert_eq!(call(&mut world, "2001", &["2004"]), "L/ro");
    world.hang_up("2001");
    world.ring("2001", "2006");
    world.hang_up("2001");
    assert_eq!(call(&mut world, "2004", &["2001"]), "L/ro");
    assert_eq!(world.hears("2001"), "");
    world.end();
}

#[test]
fn a_hot_line_calls_at_once() {
    let mut town = town();
    line(&mut town, "2001").hot_line = Some(HotLine { number: "2004".to_owned(), after: Duration::ZERO });
    let mut world = World::running(town);
    world.lift("2001");
    assert!(!world.endpoint("2001").heard.contains(&"L/dl".to_owned()), "no dial tone");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn a_warm_line_calls_when_nothing_is_dialled() {
    let mut town = town();
    let after = Duration::from_secs(5);
    line(&mut town, "2001").hot_line = Some(HotLine { number: "2004".to_owned(), after });
    let mut world = World::running(town);
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/dl(to=5000)");
    world.signal_ends("2001");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.hang_up("2001");
    call(&mut world, "2001", &["2005"]);
    assert!(world.hears("2005").starts_with("L/rg"), "one who dials calls whom he dials");
    world.end();
}

#[test]
fn waiting_messages_light_the_lamp_and_change_the_dial_tone() {
    let mut world = World::running(town());
    world.exchange.set(world.now, "2001", &Setting::MessageWaiting(true)).unwrap();
    world.settle();
    assert_eq!(world.hears("2001"), "L/vmwi(+)");
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/mwi");
    world.hang_up("2001");
    assert_eq!(world.hears("2001"), "L/vmwi(+)");
    assert_eq!(world.settings[0].by, SetBy::Operator);
    world.exchange.set(world.now, "2001", &Setting::MessageWaiting(false)).unwrap();
    world.settle();
    assert_eq!(world.hears("2001"), "L/vmwi(-)");
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/dl");
    world.end();
}

#[test]
fn the_lamp_is_lit_again_after_a_restart_of_the_gateway_or_the_exchange() {
    let mut world = World::running(town());
    world.exchange.set(world.now, "2001", &Setting::MessageWaiting(true)).unwrap();
    world.settle();
    let now = world.now;
    world.gateways[0].power_cycle();
    world.gateways[0].restart(now, "*", RestartMethod::Restart, Some(0));
    world.pass(5);
    assert_eq!(world.hears("2001"), "L/vmwi(+)");
    assert_eq!(world.hears("2002"), "", "nobody else is told of a lamp");
    world.end();
    let mut town = town();
    line(&mut town, "2001").message_waiting = true;
    let world = World::running(town);
    assert_eq!(world.hears("2001"), "L/vmwi(+)");
    world.end();
}

#[test]
fn a_telephone_without_a_lamp_still_has_its_dial_tone() {
    let mut town = town();
    line(&mut town, "2001").message_waiting = true;
    let mut world = World::new(town);
    world.gateways[0].refuse(strowger_mgcp::message::Verb::Rqnt, "aaln/1", 513, 1);
    world.pass(5);
    assert_eq!(world.hears("2001"), "");
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/mwi");
    world.end();
}

#[test]
fn a_setting_of_an_operator_is_checked_as_a_subscribers_is() {
    let mut world = World::running(town());
    let forward = |to: &str| Setting::Forward(Forward::Busy, Some(to.to_owned()));
    for (line, setting) in
        [("2009", Setting::DoNotDisturb(true)), ("2001", forward("2001")), ("2001", forward("9999"))]
    {
        assert!(world.exchange.set(world.now, line, &setting).is_err(), "{line} {setting:?}");
    }
    assert!(world.exchange.settings("2009").is_none());
    world.exchange.set(world.now, "2001", &forward("2004")).unwrap();
    assert!(world.exchange.settings("2001").unwrap().contains(&forward("2004")));
    world.end();
}
