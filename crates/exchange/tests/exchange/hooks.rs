//! Where receivers are when their lines come into service: what an audit tells (RFC 3435 section 2.3.10, `F: ES`), and what a refusal
//! does.

use strowger_exchange::{CallPhase, Cause, LineCondition, ReleasedBy, ServiceState};
use strowger_mgcp::message::RestartMethod;
use strowger_sansio::Duration;

use crate::world::{World, town};

/// A town whose gateways accept what does not fit the hook.
fn easy_going() -> World {
    let mut world = World::new(town());
    world.gateways.iter_mut().for_each(|gateway| gateway.checks_hook = false);
    world
}

fn off(world: &mut World, number: &str, off: bool) {
    let (gateway, endpoint) = world.place(number);
    world.gateways[gateway].endpoints.get_mut(&endpoint).unwrap().off_hook = off;
}

#[test]
fn who_is_off_the_hook_when_the_line_comes_up_has_dial_tone_and_is_not_rung() {
    let mut world = easy_going();
    off(&mut world, "2004", true);
    world.pass(5);
    assert_eq!(world.hears("2004"), "L/dl");
    assert_eq!(world.line("2004").service, ServiceState::InService);
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/bz");
    assert!(!world.endpoint("2004").heard.iter().any(|signal| signal.starts_with("L/rg")));
    world.end();
}

#[test]
fn who_has_hung_up_while_the_exchange_was_away_ends_the_call() {
    let mut world = easy_going();
    world.pass(5);
    world.connect("2001", "2004");
    world.pass(2);
    world.crash();
    off(&mut world, "2004", false);
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(20);
    assert_eq!(world.line("2004").condition, LineCondition::Idle);
    let record = world.ended.first().unwrap();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Called));
    world.end();
}

#[test]
fn a_call_goes_on_whose_parties_are_both_off_the_hook_when_the_exchange_returns() {
    let mut world = easy_going();
    world.pass(5);
    world.connect("2001", "2004");
    world.pass(2);
    world.crash();
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(20);
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    assert!(world.talk("2001", "2004"));
    world.hang_up("2001");
    world.end_with_record();
}

#[test]
fn a_receiver_is_moved_at_every_moment_of_the_return() {
    let moments = (0..12).flat_map(|step| [(true, step * 3), (false, step * 3)]);
    let moments = moments.flat_map(|(before, delay)| [true, false].map(|checks| (before, delay, checks)));
    for (before, delay, checks) in moments {
        let delay = Duration::from_millis(delay);
        let mut world = World::running(town());
        world.gateways[1].checks_hook = checks;
        world.gateways[1].dead = true;
        world.pass(300);
        off(&mut world, "2004", before);
        world.gateways[1].dead = false;
        // Until the audit is under way.
        let audits = world.gateways[1].count("AUEP aaln/1");
        for _ in 0..60_000 {
            if world.gateways[1].count("AUEP aaln/1") > audits {
                break;
            }
            world.pass_time(Duration::from_millis(1));
        }
        world.pass_time(delay);
        world.hook("2004", !before);
        world.pass(5);
        let expected = if before { LineCondition::Idle } else { LineCondition::InCall };
        assert_eq!(world.line("2004").condition, expected, "{before} after {delay:?}, {checks}");
        assert_eq!(
            world.hears("2004"),
            if before { "" } else { "L/dl" },
            "{before} after {delay:?}, {checks}"
        );
        world.end();
    }
}

/// A receiver that is moved while its exchange does not hear, on a gateway that accepts what does not fit it.
fn moved_unheard(world: &mut World, number: &str, is_off: bool) {
    off(world, number, is_off);
    world.pass(1);
}

#[test]
fn who_lifted_the_receiver_before_a_restart_has_dial_tone_after_it() {
    for endpoints in ["*", "aaln/1"] {
        let mut world = easy_going();
        world.pass(5);
        moved_unheard(&mut world, "2004", true);
        let now = world.now;
        world.gateways[1].restart(now, endpoints, RestartMethod::Restart, None);
        world.settle();
        assert_eq!(world.hears("2004"), "L/dl");
        assert_eq!(world.line("2005").condition, LineCondition::Idle);
        world.lift("2001");
        world.dial("2001", "2004");
        assert_eq!(world.hears("2001"), "L/bz");
        world.end();
    }
}

#[test]
fn a_line_serves_before_it_is_asked_where_its_receiver_is() {
    let mut world = World::new(town());
    let now = world.now;
    world.gateways[0].restart(now, "*", RestartMethod::Restart, None);
    world.settle();
    let done = world.gateways[0].executed.iter().filter(|line| line.ends_with("aaln/1"));
    assert_eq!(done.collect::<Vec<_>>(), ["RQNT aaln/1", "AUEP ES aaln/1"]);
}

#[test]
fn who_lifted_the_receiver_while_the_gateway_was_cut_off_has_dial_tone_when_it_is_back() {
    let mut world = easy_going();
    world.pass(5);
    moved_unheard(&mut world, "2004", true);
    let now = world.now;
    world.gateways[1].restart(now, "*", RestartMethod::Disconnected, Some(10));
    world.settle();
    assert_eq!(world.hears("2004"), "L/dl");
    world.hang_up("2004");
    world.ring("2001", "2004");
    world.end();
}

#[test]
fn who_has_hung_up_while_the_gateway_was_cut_off_ends_the_call_when_it_is_back() {
    let mut world = easy_going();
    world.pass(5);
    world.connect("2001", "2004");
    moved_unheard(&mut world, "2004", false);
    assert!(world.talk("2001", "2004"), "nobody knows yet");
    let now = world.now;
    world.gateways[1].restart(now, "*", RestartMethod::Disconnected, Some(10));
    world.settle();
    let record = world.ended.first().unwrap();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Called));
    world.end();
}

#[test]
fn a_receiver_is_moved_at_every_moment_of_the_question_where_it_is() {
    let methods = [(RestartMethod::Restart, None), (RestartMethod::Disconnected, Some(10))];
    for (method, delay) in methods {
        for (before, moment) in (0..14).flat_map(|step| [(true, step * 3), (false, step * 3)]) {
            let mut world = easy_going();
            world.pass(5);
            moved_unheard(&mut world, "2004", before);
            let now = world.now;
            world.gateways[1].restart(now, "*", method, delay);
            world.pass_time(Duration::from_millis(moment));
            world.hook("2004", !before);
            world.pass(5);
            let (condition, hears) =
                if before { (LineCondition::Idle, "") } else { (LineCondition::InCall, "L/dl") };
            assert_eq!(world.line("2004").condition, condition, "{method:?}: {before} after {moment} ms");
            assert_eq!(world.hears("2004"), hears, "{method:?}: {before} after {moment} ms");
            world.end();
        }
    }
}

#[test]
fn a_gateway_that_refuses_what_does_not_fit_a_hook_is_not_asked_where_it_is() {
    let mut world = World::running(town());
    let restart = |world: &mut World| {
        let now = world.now;
        world.gateways[1].restart(now, "*", RestartMethod::Restart, None);
        world.settle();
        world.gateways[1].count("AUEP ES")
    };
    let before = world.gateways[1].count("AUEP ES");
    assert_eq!(restart(&mut world), before + 3);
    off(&mut world, "2004", true);
    // Two go on with what they were asked: that the third was refused is not known before.
    let after = restart(&mut world);
    assert_eq!(world.hears("2004"), "L/dl");
    assert_eq!(restart(&mut world), after);
    assert_eq!(world.hears("2004"), "L/dl");
    world.end();
}

#[test]
fn a_gateway_that_does_not_tell_hooks_is_asked_for_the_rest() {
    let mut world = World::new(town());
    world.gateways.iter_mut().for_each(|gateway| gateway.tells_hook = false);
    off(&mut world, "2004", true);
    world.pass(5);
    let asked = |world: &World| world.gateways[1].count("AUEP aaln/1");
    assert_eq!(asked(&world), 2);
    assert_eq!(world.gateways[1].count("DLCX"), 0, "nothing is deleted unseen");
    assert_eq!(world.hears("2004"), "L/dl", "the refusal of the request tells it");
    // It is known from then on.
    world.gateways[1].dead = true;
    world.pass(300);
    world.gateways[1].dead = false;
    let before = asked(&world);
    world.pass(60);
    assert_eq!(asked(&world) - before, 1);
    world.end();
}
