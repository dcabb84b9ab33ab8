//! Calls that come to nothing, and subscribers who do not hang up.

use strowger_exchange::{Cause, LineCondition, ReleasedBy, ServiceState};
use strowger_mgcp::message::Verb;
use strowger_sansio::Duration;

use crate::world::{World, town};

/// The caller's receiver stays off the hook: tone, then howler, then silence; putting it back ends all that.
fn parts(world: &mut World, number: &str, tones: &[(&str, u64)]) {
    for (tone, seconds) in tones {
        assert_eq!(world.hears(number), *tone);
        world.pass_time(Duration::from_secs(*seconds));
    }
    assert_eq!(world.hears(number), "", "locked out");
    assert_eq!(world.line(number).condition, LineCondition::OffHook);
    assert_eq!(world.states(number), [ServiceState::Lockout]);
    world.pass(3600);
    assert_eq!(world.hears(number), "");
    world.hang_up(number);
    assert_eq!(world.states(number), [ServiceState::Lockout, ServiceState::InService]);
    world.lift(number);
    assert_eq!(world.hears(number), "L/dl", "the line serves again");
}

#[test]
fn a_busy_line_gives_busy_tone_and_nothing_is_created() {
    let mut world = World::running(town());
    world.lift("2004");
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/bz");
    assert_eq!(world.gateways[0].count("CRCX") + world.gateways[1].count("CRCX"), 0);
    world.hang_up("2004");
    let record = &world.ended[0];
    assert_eq!((record.cause, record.released_by), (Cause::USER_BUSY, ReleasedBy::Called));
    let world = world.end();
    assert_eq!(world.ended.len(), 2, "the seizure of 2004 is a call of its own");
}

#[test]
fn a_caller_who_dials_his_own_number_finds_it_busy() {
    let mut world = World::running(town());
    world.lift("2001");
    world.dial("2001", "2001");
    assert_eq!(world.hears("2001"), "L/bz");
    assert_eq!(world.end_with_record().cause, Cause::USER_BUSY);
}

#[test]
fn a_busy_caller_who_does_not_hang_up_is_howled_at_and_locked_out() {
    let mut world = World::running(town());
    world.lift("2001");
    world.dial("2001", "2001");
    parts(&mut world, "2001", &[("L/bz", 30), ("L/ot", 60)]);
    world.end();
}

#[test]
fn an_unallocated_number_gives_the_tone_of_the_country() {
    for (country, tone) in [("us", "L/sit(6)"), ("de", "L/sit(1)"), ("gb", "SST/nu")] {
        let mut inventory = town();
        inventory.country = country.parse().unwrap();
        let mut world = World::running(inventory);
        world.lift("2001");
        world.dial("2001", "2007");
        assert_eq!(world.hears("2001"), crate::gateway::as_heard(tone));
        let record = world.end_with_record();
        assert_eq!((record.cause, record.dialled.as_str()), (Cause::UNALLOCATED_NUMBER, "2007"));
    }
}

#[test]
fn special_information_is_followed_by_congestion_and_howler() {
    let mut world = World::running(town());
    world.lift("2001");
    world.dial("2001", "9");
    parts(&mut world, "2001", &[("L/sit(6)", 2), ("L/ro", 30), ("L/ot", 60)]);
    let world = world.end();
    assert_eq!(world.ended[0].dialled, "9", "the first wrong digit is enough");
}

#[test]
fn a_caller_who_stops_dialling_hears_congestion() {
    let mut world = World::running(town());
    world.lift("2001");
    world.dial("2001", "200");
    world.pass(16);
    world.dial("2001", "T");
    assert_eq!(world.hears("2001"), "L/ro");
    let record = world.end_with_record();
    assert_eq!((record.cause, record.dialled.as_str()), (Cause::INVALID_NUMBER_FORMAT, "200"));
    assert_eq!(record.called, None);
}

#[test]
fn a_receiver_off_the_hook_without_dialling_is_howled_at_and_locked_out() {
    let mut world = World::running(town());
    world.lift("2001");
    world.pass(16);
    world.signal_ends("2001");
    parts(&mut world, "2001", &[("L/ro", 30), ("L/ot", 60)]);
    let world = world.end();
    assert_eq!((world.ended[0].cause, world.ended[0].dialled.as_str()), (Cause::INVALID_NUMBER_FORMAT, ""));
    assert_eq!(world.ended.len(), 2);
}

#[test]
fn a_locked_out_line_is_out_of_order_for_callers() {
    let mut world = World::running(town());
    world.lift("2004");
    world.signal_ends("2004");
    world.pass(100);
    assert_eq!(world.line("2004").service, ServiceState::Lockout);
    world.lift("2001");
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.ended[1].cause, Cause::DESTINATION_OUT_OF_ORDER);
    world.end();
}

#[test]
fn an_abandoned_dialling_leaves_nothing() {
    let mut world = World::running(town());
    world.lift("2001");
    world.dial("2001", "20");
    world.hang_up("2001");
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    assert_eq!(record.media, []);
}

#[test]
fn an_abandoned_call_stops_the_ringing() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.pass(3);
    world.hang_up("2001");
    assert_eq!(world.hears("2004"), "");
    assert_eq!(world.line("2004").condition, LineCondition::Idle);
    let record = world.end_with_record();
    assert_eq!((record.cause, record.answer), (Cause::NORMAL_CLEARING, None));
    assert_eq!(record.media.len(), 2);
}

#[test]
fn nobody_answers() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.pass(179);
    assert!(world.hears("2004").starts_with("L/rg"));
    world.pass(1);
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/ro".to_owned(), String::new()));
    let record = world.end_with_record();
    assert_eq!((record.cause, record.released_by), (Cause::NO_ANSWER, ReleasedBy::Exchange));
}

#[test]
fn the_party_who_is_left_hears_what_the_country_lets_hear() {
    for (country, tone) in [("us", "L/ro"), ("de", "L/bz")] {
        let mut inventory = town();
        inventory.country = country.parse().unwrap();
        let mut world = World::running(inventory);
        world.connect("2001", "2004");
        world.hang_up("2001");
        parts(&mut world, "2004", &[(tone, 30), ("L/ot", 60)]);
        world.end();
    }
}

#[test]
fn the_party_who_is_left_can_call_after_hanging_up_for_a_moment() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    world.hang_up("2001");
    world.hook("2004", false);
    world.pass_time(Duration::from_millis(1));
    world.hook("2004", true);
    world.settle();
    assert_eq!(world.hears("2004"), "L/dl");
    world.end();
}

#[test]
fn a_gateway_without_caller_identification_rings_without_it() {
    let mut world = World::running(town());
    world.gateway_of("2004").refuse(Verb::Rqnt, "aaln/1", 518, 1);
    world.ring("2001", "2004");
    assert_eq!(world.hears("2004"), "L/rg");
    world.end();
}
