//! What parties do in the middle of their calls, over two gateways: hold and consultation, transfer, three-way call,
//! call waiting.

use strowger_exchange::{
    Cause, ControllerLeaves, Event, Features, LineCalls, ReleasedBy, ServiceState, StreamRole,
};
use strowger_mgcp::message::Verb;
use strowger_sansio::Duration;

use crate::world::{World, all, consult, relayed_town};

fn calls(world: &World, number: &str) -> LineCalls {
    world.line(number).calls
}

#[test]
fn a_flash_holds_the_call_and_gives_recall_dial_tone() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/sl".to_owned(), "L/ht".to_owned()));
    assert_eq!(world.modes("2001"), ["inactive"]);
    assert!(!world.hear_each_other("2001", "2004"));
    world.dial("2001", "2005");
    assert!(world.hears("2005").starts_with("L/rg"));
    assert_eq!(world.hears("2001"), "G/rt");
    world.lift("2005");
    assert!(world.hear_each_other("2001", "2005"));
    assert_eq!(world.hears("2004"), "L/ht", "the party on hold waits on");
    let LineCalls { active, held, waiting, mixed } = calls(&world, "2001");
    assert!(active.is_some() && held.is_some() && active != held && waiting.is_none() && !mixed);
    world.end();
}

#[test]
fn the_tone_on_hold_is_turned_off_when_the_call_goes_on_and_when_it_ends() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    assert_eq!(world.hears("2004"), "L/ht");
    world.flash("2001");
    assert_eq!(world.hears("2004"), "", "an on-off signal stays until it is turned off");
    world.flash("2001");
    assert_eq!(world.hears("2004"), "L/ht");
    world.hang_up("2004");
    assert_eq!(world.hears("2004"), "");
    world.end();
}

#[test]
fn the_tone_on_hold_of_a_gateway_that_was_cut_off_is_turned_off_when_it_is_back() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    assert_eq!(world.hears("2004"), "L/ht");
    world.gateway_of("2004").dead = true;
    world.pass(300);
    assert_ne!(world.line("2004").service, ServiceState::InService, "it is believed to be lost");
    world.end();
}

#[test]
fn a_flash_back_returns_at_every_stage_of_the_consultation() {
    for stage in 0..4 {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        if stage == 2 {
            world.lift("2005");
        }
        world.flash("2001");
        match stage {
            // At recall dial tone, after some digits, at busy tone, at ringing.
            0 => {}
            1 => world.dial("2001", "20"),
            _ => world.dial("2001", "2005"),
        }
        assert!(!world.hear_each_other("2001", "2004"), "stage {stage}");
        world.flash("2001");
        assert!(world.hear_each_other("2001", "2004"), "stage {stage}");
        assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), String::new()));
        assert_eq!(world.modes("2001"), ["sendrecv"], "stage {stage}");
        assert!(!world.hears("2005").starts_with("L/rg"), "stage {stage}");
        world.end();
    }
}

#[test]
fn a_wrong_number_in_a_consultation_costs_nothing_but_the_tone() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "9");
    assert_eq!(world.hears("2001"), "L/sit(6)");
    world.pass(20);
    assert_eq!(world.hears("2001"), "L/ro");
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2004"));
    world.pass(100);
    assert!(world.hear_each_other("2001", "2004"), "the howler is not for a party that returned");
    world.hang_up("2004");
    let world = world.end();
    assert_eq!(world.record_of("2001", "9").cause, Cause::UNALLOCATED_NUMBER);
    assert_eq!(world.record_of("2001", "2004").released_by, ReleasedBy::Called);
}

#[test]
fn the_consulted_party_may_hang_up_and_the_first_call_is_still_there() {
    let mut world = World::running(all());
    consult(&mut world);
    world.hang_up("2005");
    assert_eq!(world.hears("2001"), "L/ro");
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2004"));
    world.end();
}

#[test]
fn the_held_party_may_hang_up_and_the_consultation_goes_on() {
    let mut world = World::running(all());
    consult(&mut world);
    world.hang_up("2004");
    assert!(world.talk("2001", "2005"));
    assert_eq!(calls(&world, "2001").held, None);
    world.flash("2001");
    assert_eq!(world.hears("2001"), "L/sl", "there is room for another call on hold");
    world.end();
}

#[test]
fn hanging_up_with_a_call_on_hold_rings_back() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.hang_up("2001");
    assert_eq!(world.hears("2001"), "L/r4,L/ci(\"\",\"2004\",\"Dave\")");
    assert_eq!(world.hears("2004"), "G/rt");
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.hears("2004"), "");
    world.pass(600);
    assert!(world.talk("2001", "2004"), "no timer of the ringing is left");
    world.hang_up("2001");
    let world = world.end();
    assert_eq!(world.record_of("2001", "2004").cause, Cause::NORMAL_CLEARING);
}

#[test]
fn a_recall_that_nobody_answers_ends_the_call() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.hang_up("2001");
    world.pass(179);
    assert!(world.hears("2001").starts_with("L/r4"));
    world.pass(1);
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), "L/ro".to_owned()));
    let world = world.end();
    assert_eq!(world.record_of("2001", "2004").cause, Cause::NO_ANSWER);
}

#[test]
fn the_held_party_may_hang_up_while_the_other_is_rung_back() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.hang_up("2001");
    world.hang_up("2004");
    assert_eq!(world.hears("2001"), "");
    world.ring("2006", "2001");
    world.end();
}

#[test]
fn a_flash_on_a_line_without_features_does_nothing() {
    let mut inventory = all();
    inventory.lines[0].features = Features::NONE;
    let mut world = World::running(inventory);
    world.connect("2001", "2004");
    let asked = world.gateways[0].executed.len();
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.gateways[0].executed.len(), asked, "nothing was even reported");
    world.end();
}

#[test]
fn a_transfer_joins_the_others_and_both_calls_are_paid_by_who_began_them() {
    let mut world = World::running(all());
    consult(&mut world);
    world.pass(10);
    world.hang_up("2001");
    assert!(world.talk("2004", "2005"));
    assert_eq!((world.hears("2004"), world.hears("2005")), (String::new(), String::new()));
    assert_eq!(world.gateways[0].connections().count(), 0, "who transferred has nothing left");
    assert_eq!(world.ended.len(), 0, "both calls go on");
    world.ring("2006", "2001");
    world.hang_up("2006");
    world.pass(60);
    world.hang_up("2004");
    assert_eq!(world.hears("2005"), "L/ro");
    let world = world.end();
    let (first, second) = (world.record_of("2001", "2004"), world.record_of("2001", "2005"));
    for record in [first, second] {
        assert_eq!(record.cause, Cause::NORMAL_CLEARING);
        assert!(
            record.end - record.answer.unwrap() > Duration::from_secs(70),
            "to the end, at 2001's expense"
        );
        assert_eq!(record.transfers.len(), 1);
        assert_eq!(record.transfers[0].by, "2001");
    }
    assert_eq!(first.end, second.end);
    assert_eq!((first.transfers[0].with, second.transfers[0].with), (second.call, first.call));
    // 2004 was called in the first call, and stands for the caller in the second.
    assert_eq!((first.released_by, second.released_by), (ReleasedBy::Called, ReleasedBy::Calling));
    assert_eq!(first.called.as_ref().unwrap().number, "2004");
    let roles: Vec<_> = second.media.iter().map(|stream| stream.role).collect();
    assert_eq!(roles, [StreamRole::Calling, StreamRole::Called, StreamRole::Left]);
    assert!(second.media.iter().all(|stream| stream.statistics.is_some()));
    assert_eq!(second.media[0].termination.gateway, "gw2", "the stream of who came in");
}

#[test]
fn a_called_party_can_transfer_too() {
    let mut world = World::running(all());
    world.connect("2004", "2001");
    world.flash("2001");
    world.dial("2001", "2002");
    world.lift("2002");
    world.hang_up("2001");
    assert!(world.talk("2004", "2002"));
    world.hang_up("2002");
    let world = world.end();
    let (first, second) = (world.record_of("2004", "2001"), world.record_of("2001", "2002"));
    assert_eq!((first.released_by, second.released_by), (ReleasedBy::Called, ReleasedBy::Called));
}

#[test]
fn a_transfer_to_a_ringing_telephone_is_answered_by_who_it_rings_at() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "2005");
    world.hang_up("2001");
    assert_eq!(world.hears("2004"), "G/rt");
    assert_eq!(world.modes("2004"), ["inactive"], "nothing is sent to where nobody is any more");
    assert!(world.hears("2005").starts_with("L/rg"));
    world.pass(5);
    world.lift("2005");
    assert!(world.talk("2004", "2005"));
    assert_eq!((world.hears("2004"), world.hears("2005")), (String::new(), String::new()));
    assert_eq!(world.stable.len(), 2);
    world.hang_up("2005");
    let world = world.end();
    assert_eq!(world.record_of("2001", "2005").calling.number, "2001");
}

#[test]
fn hanging_up_before_the_consulted_telephone_rings_is_no_transfer() {
    let mut inventory = all();
    inventory.lines[0].features.transfer = false;
    for (inventory, dialled) in [(all(), ""), (all(), "20"), (inventory, "2005")] {
        let mut world = World::running(inventory);
        world.connect("2001", "2004");
        world.flash("2001");
        world.dial("2001", dialled);
        world.hang_up("2001");
        assert!(world.hears("2001").starts_with("L/r4"), "{dialled:?}");
        assert_eq!(world.hears("2005"), "");
        world.lift("2001");
        assert!(world.talk("2001", "2004"), "{dialled:?}");
        world.end();
    }
}

#[test]
fn a_party_is_not_joined_with_itself() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    // The call waits at the party that is on hold.
    world.dial("2001", "2004");
    assert_eq!(world.hears("2001"), "G/rt");
    world.hang_up("2001");
    assert!(world.hears("2001").starts_with("L/r4"), "no transfer, but a recall");
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn a_blind_transfer_sends_the_held_party_to_a_number() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "*98");
    assert_eq!(world.hears("2001"), "L/sl");
    world.dial("2001", "2005");
    assert!(world.hears("2005").starts_with("L/rg,L/ci(\"\",\"2004\""), "{}", world.hears("2005"));
    assert_eq!(world.hears("2004"), "G/rt");
    assert_eq!(world.gateways[0].connections().count(), 0);
    world.hang_up("2001");
    world.lift("2005");
    assert!(world.talk("2004", "2005"));
    world.hang_up("2004");
    let world = world.end();
    assert_eq!(world.record_of("2001", "2005").transfers[0].by, "2001");
}

#[test]
fn a_blind_transfer_to_a_wrong_number_leaves_the_call_on_hold() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "*98");
    world.dial("2001", "9");
    assert_eq!(world.hears("2001"), "L/sit(6)");
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn the_code_of_a_transfer_means_nothing_without_a_call_on_hold() {
    let mut world = World::running(all());
    world.lift("2001");
    world.dial("2001", "*98");
    assert_eq!(world.hears("2001"), "L/sit(6)");
    world.end();
}

#[test]
fn a_chain_of_transfers_keeps_every_record_to_the_end() {
    let mut world = World::running(all());
    consult(&mut world);
    world.hang_up("2001");
    for (by, to) in [("2005", "2006"), ("2006", "2002"), ("2002", "2003")] {
        world.flash(by);
        world.dial(by, to);
        world.lift(to);
        world.hang_up(by);
        assert!(world.talk("2004", to), "to {to}");
    }
    assert_eq!(world.ended.len(), 0);
    world.hang_up("2003");
    let world = world.end();
    assert_eq!(world.ended.len(), 5);
    let end = world.ended[0].end;
    assert!(world.ended.iter().all(|record| record.end == end && record.cause == Cause::NORMAL_CLEARING));
    assert_eq!(world.record_of("2005", "2006").transfers.len(), 2);
}

#[test]
fn a_flash_in_the_consultation_makes_a_three_way_call() {
    let mut world = World::running(all());
    consult(&mut world);
    world.flash("2001");
    assert_eq!(world.modes("2001"), ["confrnce", "confrnce"]);
    assert!(world.hear_each_other("2001", "2004") && world.hear_each_other("2001", "2005"));
    for number in ["2001", "2004", "2005"] {
        assert_eq!(world.hears(number), "", "{number}");
    }
    assert!(calls(&world, "2001").mixed);
    assert!(world.events.iter().any(|event| matches!(event, Event::ThreeWay { by, .. } if by == "2001")));
    world.end();
}

#[test]
fn another_flash_drops_the_party_that_came_last() {
    let mut world = World::running(all());
    consult(&mut world);
    world.flash("2001");
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    assert_eq!((world.hears("2005"), world.hears("2001")), ("L/ro".to_owned(), String::new()));
    let record = world.record_of("2001", "2005");
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    world.end();
}

#[test]
fn either_party_may_leave_a_three_way_call() {
    for (leaves, stays) in [("2004", "2005"), ("2005", "2004")] {
        let mut world = World::running(all());
        consult(&mut world);
        world.flash("2001");
        world.hang_up(leaves);
        assert!(world.talk("2001", stays), "{stays} stays");
        assert_eq!((world.hears("2001"), world.hears(stays)), (String::new(), String::new()));
        world.flash("2001");
        assert_eq!(world.hears("2001"), "L/sl", "a plain call again");
        world.end();
    }
}

#[test]
fn a_three_way_call_ends_with_its_controller() {
    let mut world = World::running(all());
    consult(&mut world);
    world.flash("2001");
    world.hang_up("2001");
    assert_eq!((world.hears("2004"), world.hears("2005")), ("L/ro".to_owned(), "L/ro".to_owned()));
    assert_eq!(world.hears("2001"), "");
    let world = world.end();
    assert!(world.ended.iter().all(|record| record.released_by == ReleasedBy::Calling));
}

#[test]
fn a_three_way_call_goes_on_without_its_controller_where_that_is_so() {
    let mut inventory = all();
    inventory.features.controller_leaves = ControllerLeaves::JoinsTheOthers;
    let mut world = World::running(inventory.clone());
    consult(&mut world);
    world.flash("2001");
    world.hang_up("2001");
    assert!(world.talk("2004", "2005"));
    world.end();
    inventory.lines[0].features.transfer = false;
    let mut world = World::running(inventory);
    consult(&mut world);
    world.flash("2001");
    world.hang_up("2001");
    assert_eq!((world.hears("2004"), world.hears("2005")), ("L/ro".to_owned(), "L/ro".to_owned()));
    world.end();
}

#[test]
fn without_three_way_calls_a_flash_changes_between_the_parties() {
    let mut inventory = all();
    inventory.lines[0].features.three_way = false;
    let mut world = World::running(inventory);
    consult(&mut world);
    for (talks, waits) in [("2004", "2005"), ("2005", "2004"), ("2004", "2005")] {
        world.flash("2001");
        assert!(world.hear_each_other("2001", talks) && !world.hear_each_other("2001", waits));
        assert_eq!((world.hears(talks), world.hears(waits)), (String::new(), "L/ht".to_owned()));
    }
    // The first party is in hand and the consulted one on hold: hanging up joins them all the same.
    world.hang_up("2001");
    assert!(world.talk("2004", "2005"));
    world.hang_up("2004");
    world.end();
}

#[test]
fn a_call_waits_with_its_tone_and_its_caller_and_is_taken_by_a_flash() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    assert_eq!(world.hears("2005"), "G/rt");
    assert_eq!(world.hears("2001"), "L/wt,L/ci(\"\",\"2005\",\"Erin\")");
    assert!(world.hear_each_other("2001", "2004"), "the call goes on");
    assert_eq!(world.modes("2001"), ["sendrecv", "inactive"], "who waits hears nothing");
    assert!(calls(&world, "2001").waiting.is_some());
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2005"));
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), "L/ht".to_owned()));
    assert_eq!(world.modes("2001"), ["inactive", "sendrecv"]);
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2004") && !world.hear_each_other("2001", "2005"));
    assert_eq!(world.hears("2005"), "L/ht");
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2005"));
    // Two calls of others are not joined: hanging up returns to the one on hold.
    world.hang_up("2001");
    assert!(world.hears("2001").starts_with("L/r4"));
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    let world = world.end();
    assert!(world.record_of("2005", "2001").answer.is_some());
}

#[test]
fn hanging_up_rings_for_the_call_that_waits() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    world.hang_up("2001");
    assert_eq!(world.hears("2001"), "L/rg,L/ci(\"\",\"2005\",\"Erin\")");
    assert_eq!((world.hears("2005"), world.hears("2004")), ("G/rt".to_owned(), "L/ro".to_owned()));
    world.lift("2001");
    assert!(world.talk("2001", "2005"));
    world.end();
}

#[test]
fn the_other_party_may_hang_up_while_a_call_waits() {
    for flashes in [true, false] {
        let mut world = World::running(all());
        world.connect("2001", "2004");
        world.lift("2005");
        world.dial("2005", "2001");
        world.hang_up("2004");
        assert_eq!(world.hears("2001"), "L/ro");
        if flashes {
            world.flash("2001");
        } else {
            world.hang_up("2001");
            world.lift("2001");
        }
        assert!(world.talk("2001", "2005"));
        world.end();
    }
}

#[test]
fn who_waits_may_give_up() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    world.hang_up("2005");
    assert_eq!(world.hears("2001"), "");
    assert!(world.talk("2001", "2004"));
    world.flash("2001");
    assert_eq!(world.hears("2001"), "L/sl", "a flash consults again");
    world.end();
}

#[test]
fn a_waiting_call_that_nobody_takes_is_not_answered() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    world.pass(180);
    assert_eq!((world.hears("2005"), world.hears("2001")), ("L/ro".to_owned(), String::new()));
    assert!(world.talk("2001", "2004"));
    let world = world.end();
    assert_eq!(world.record_of("2005", "2001").cause, Cause::NO_ANSWER);
}

#[test]
fn a_line_is_busy_for_a_second_waiting_call_and_beside_a_held_one() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    world.lift("2006");
    world.dial("2006", "2001");
    assert_eq!(world.hears("2006"), "L/bz");
    world.hang_up("2006");
    world.flash("2001");
    world.lift("2006");
    world.dial("2006", "2001");
    assert_eq!(world.hears("2006"), "L/bz");
    world.end();
}

#[test]
fn a_line_that_dials_rings_or_has_no_call_waiting_is_busy() {
    let mut inventory = all();
    inventory.lines[1].features.call_waiting = false;
    let mut world = World::running(inventory);
    world.lift("2001");
    world.connect("2002", "2005");
    for (caller, called) in [("2004", "2001"), ("2006", "2002")] {
        world.lift(caller);
        world.dial(caller, called);
        assert_eq!(world.hears(caller), "L/bz", "{called}");
    }
    world.dial("2001", "2003");
    world.hang_up("2004");
    world.lift("2004");
    world.dial("2004", "2001");
    assert_eq!(world.hears("2004"), "L/bz", "2001 hears ringing");
    world.end();
}

#[test]
fn call_waiting_is_cancelled_for_one_call() {
    let mut world = World::running(all());
    world.lift("2001");
    world.dial("2001", "*70");
    assert_eq!(world.hears("2001"), "L/sl");
    world.dial("2001", "2004");
    world.lift("2004");
    world.lift("2005");
    world.dial("2005", "2001");
    assert_eq!(world.hears("2005"), "L/bz");
    world.hang_up("2005");
    world.hang_up("2004");
    world.hang_up("2001");
    world.connect("2001", "2004");
    world.lift("2005");
    world.dial("2005", "2001");
    assert!(world.hears("2001").starts_with("L/wt"), "the next call is as before");
    world.end();
}

#[test]
fn a_gateway_without_a_call_waiting_tone_makes_the_line_busy() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.gateway_of("2001").refuse(Verb::Rqnt, "aaln/1", 513, 3);
    world.lift("2005");
    world.dial("2005", "2001");
    assert_eq!(world.hears("2005"), "L/bz");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn a_gateway_without_a_tone_on_hold_keeps_the_party_in_silence() {
    let mut world = World::running(all());
    world.connect("2001", "2004");
    world.gateway_of("2004").refuse(Verb::Rqnt, "aaln/1", 513, 2);
    world.flash("2001");
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/sl".to_owned(), String::new()));
    world.flash("2001");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn all_of_it_goes_through_a_relay() {
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
    assert!(world.relayed("2001", "2005") && !world.relayed("2001", "2004"));
    world.flash("2001");
    assert!(world.relayed("2001", "2005") && world.relayed("2001", "2004"));
    world.flash("2001");
    assert!(world.relayed("2001", "2004"));
    world.flash("2001");
    world.dial("2001", "2006");
    world.lift("2006");
    world.hang_up("2001");
    assert!(world.relayed("2004", "2006"));
    world.flash("2004");
    world.dial("2004", "2002");
    world.hang_up("2004");
    world.lift("2002");
    assert!(world.relayed("2006", "2002"));
    world.flash("2002");
    world.dial("2002", "*98");
    world.dial("2002", "2003");
    world.hang_up("2002");
    world.lift("2003");
    assert!(world.relayed("2006", "2003"));
    assert_eq!(world.gateways[2].connections().count(), 2, "one context is left");
    world.end();
}
