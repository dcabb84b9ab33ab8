//! Two things at once: the exchange asks for something that a hook has just made wrong.

use strowger_exchange::{CallPhase, Cause, LineCondition, ReleasedBy, ServiceState};
use strowger_mgcp::message::Verb;
use strowger_sansio::Duration;

use crate::world::{World, town};

const MOMENT: Duration = Duration::from_millis(1);

#[test]
fn lifting_while_the_telephone_rings_answers() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn answering_before_the_ringing_was_confirmed_answers_all_the_same() {
    let mut world = World::running(town());
    world.lift("2001");
    world.gateways[1].swallowed = vec![Verb::Rqnt];
    world.dial("2001", "2004");
    assert!(world.hears("2004").starts_with("L/rg"), "executed, but the answer is lost");
    world.gateways[1].swallowed.clear();
    world.lift("2004");
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    world.hang_up("2001");
    let record = world.end_with_record();
    assert!(record.answer.is_some());
}

#[test]
fn a_call_that_meets_a_seizure_finds_the_line_busy_at_every_moment() {
    // 2004 is lifted at each millisecond between the last digit and the ringing.
    let mut outcomes = [0, 0];
    for delay in 0..40 {
        let mut world = World::running(town());
        world.lift("2001");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2004");
        world.pass_time(Duration::from_millis(delay));
        world.hook("2004", true);
        world.pass(2);
        if world.hears("2004").starts_with("L/dl") {
            outcomes[0] += 1;
            assert_eq!(world.hears("2001"), "L/bz", "after {delay} ms");
            let record = world.ended.iter().find(|record| record.calling.number == "2001").unwrap();
            assert_eq!((record.cause, record.released_by), (Cause::USER_BUSY, ReleasedBy::Called));
            world.hang_up("2001");
            world.dial("2004", "2001");
            assert!(world.hears("2001").starts_with("L/rg"), "after {delay} ms");
        } else {
            outcomes[1] += 1;
            assert!(world.talk("2001", "2004"), "after {delay} ms");
        }
        world.end();
    }
    assert!(outcomes.iter().all(|count| *count > 3), "{outcomes:?}");
}

#[test]
fn two_lines_that_call_each_other_at_once_are_both_busy() {
    let mut world = World::running(town());
    world.lift("2001");
    world.lift("2004");
    world.dial("2001", "2004");
    world.dial("2004", "2001");
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/bz".to_owned(), "L/bz".to_owned()));
    world.end();
}

#[test]
fn two_callers_for_one_line_cannot_both_ring_it() {
    let mut world = World::running(town());
    world.lift("2001");
    world.lift("2002");
    for number in ["2001", "2002"] {
        let (gateway, endpoint) = world.place(number);
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2004");
    }
    world.pass(1);
    let mut heard = [world.hears("2001"), world.hears("2002")];
    heard.sort();
    assert_eq!(heard, ["G/rt", "L/bz"]);
    world.end();
}

#[test]
fn a_receiver_is_lifted_and_put_back_at_every_moment_of_the_way() {
    for delay in (0..60).map(|step| Duration::from_micros(step * 700)) {
        let mut world = World::running(town());
        world.hook("2001", true);
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(2);
        assert_eq!(world.line("2001").condition, LineCondition::Idle, "after {delay:?}");
        world.lift("2001");
        assert_eq!(world.hears("2001"), "L/dl", "after {delay:?}");
        world.end();
    }
}

#[test]
fn a_caller_hangs_up_at_every_moment_of_the_set_up() {
    for delay in (0..80).map(|step| Duration::from_micros(step * 1300)) {
        let mut world = World::running(town());
        world.lift("2001");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2004");
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(2);
        assert_eq!(world.hears("2004"), "", "after {delay:?}");
        assert_eq!(world.line("2004").condition, LineCondition::Idle);
        let record = world.end_with_record();
        assert_eq!((record.cause, record.answer), (Cause::NORMAL_CLEARING, None), "after {delay:?}");
    }
}

#[test]
fn both_parties_hang_up_at_every_moment_of_the_answer() {
    for delay in (0..60).map(|step| Duration::from_micros(step * 700)) {
        for first in ["2001", "2004"] {
            let mut world = World::running(town());
            world.ring("2001", "2004");
            world.hook("2004", true);
            world.pass_time(delay);
            world.hook(first, false);
            world.pass_time(MOMENT);
            let other = if first == "2001" { "2004" } else { "2001" };
            world.hook(other, false);
            world.pass(2);
            let record = world.end_with_record();
            assert_eq!(record.cause, Cause::NORMAL_CLEARING);
        }
    }
}

#[test]
fn a_hook_that_was_missed_is_learnt_from_the_refusal() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.hang_up("2001");
    // The end of the call reaches 2004 while its gateway has just lost the notification of its hanging up.
    world.gateways[1].endpoints.get_mut("aaln/1").unwrap().off_hook = false;
    world.pass(40);
    assert_eq!(world.line("2004").condition, LineCondition::Idle);
    world.end();
}

#[test]
fn a_receiver_that_is_off_the_hook_when_its_line_comes_up_gets_dial_tone() {
    let mut world = World::new(town());
    world.gateways[0].endpoints.get_mut("aaln/1").unwrap().off_hook = true;
    world.pass(5);
    assert_eq!(world.hears("2001"), "L/dl");
    assert_eq!(world.line("2001").service, ServiceState::InService);
    world.dial("2001", "2004");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.end();
}

#[test]
fn a_gateway_whose_hook_is_off_and_on_at_once_is_not_asked_for_ever() {
    let mut world = World::running(town());
    world.gateways[0].refuse(Verb::Rqnt, "aaln/1", 401, 1000);
    world.lift("2001");
    world.pass(60);
    let asked = world.gateways[0].executed.iter().filter(|line| *line == "RQNT aaln/1").count();
    assert!(asked < 100, "asked {asked} times in a minute");
    assert_eq!(world.phase(), None, "a line that cannot be watched does not hold a call");
    world.gateways[0].stop_refusing();
    world.pass(60);
    world.end();
}
