//! Transfers that come to nothing: the party returns to who transferred it.

use strowger_exchange::{
    CallPhase, Cause, Event, Features, Forward, Inventory, LineCondition, ReleasedBy, ServiceClass,
    StreamRole, Subscription,
};
use strowger_sansio::Duration;

use crate::world::{World, all, relayed_town};

/// 2001 talks with 2004 and sends it to 2005 without waiting.
fn transfer_blindly(world: &mut World) {
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "*98");
    world.dial("2001", "2005");
}

/// As that, but waits for the ringing and hangs up then.
fn transfer_to_the_ringing(world: &mut World) {
    world.connect("2001", "2004");
    world.flash("2001");
    world.dial("2001", "2005");
    world.hang_up("2001");
}

fn in_vain(world: &World) -> usize {
    let is = |event: &&Event| matches!(event, Event::TransferFailed { by, .. } if by == "2001");
    world.events.iter().filter(is).count()
}

#[test]
fn a_blind_transfer_to_a_busy_line_leaves_the_party_on_hold_with_who_has_not_hung_up() {
    let mut world = World::running(all());
    world.lift("2005");
    transfer_blindly(&mut world);
    world.settle();
    assert_eq!((world.hears("2001"), world.hears("2004")), ("L/ro".to_owned(), "L/ht".to_owned()));
    world.flash("2001");
    assert!(world.talk("2001", "2004"), "{}", world.hears("2001"));
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), String::new()));
    assert_eq!(in_vain(&world), 1);
    let busy = world.record_of("2001", "2005");
    assert_eq!((busy.cause, busy.answer, busy.transfers.len()), (Cause::USER_BUSY, None, 0));
    assert_eq!(busy.called.as_ref().unwrap().number, "2005");
    world.pass(200);
    assert!(world.talk("2001", "2004"), "no timer is left");
    world.hang_up("2004");
    let world = world.end();
    let record = world.record_of("2001", "2004");
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Called));
    assert!(record.end - record.answer.unwrap() > Duration::from_secs(200));
    assert_eq!(record.transfers, []);
    let roles: Vec<_> = record.media.iter().map(|stream| stream.role).collect();
    assert_eq!(roles, [StreamRole::Calling, StreamRole::Called, StreamRole::Left]);
}

#[test]
fn a_transfer_that_nobody_answers_rings_who_transferred() {
    for blind in [true, false] {
        let mut world = World::running(all());
        if blind {
            transfer_blindly(&mut world);
            world.hang_up("2001");
        } else {
            transfer_to_the_ringing(&mut world);
        }
        world.pass(55);
        assert!(world.hears("2005").starts_with("L/rg"));
        assert_eq!(world.line("2001").condition, LineCondition::Idle);
        world.pass(6);
        assert_eq!(world.hears("2005"), "");
        assert_eq!(world.hears("2001"), "L/r4,L/ci(\"\",\"2004\",\"Dave\")");
        assert_eq!(world.hears("2004"), "G/rt");
        world.lift("2001");
        assert!(world.talk("2001", "2004"));
        assert_eq!(world.record_of("2001", "2005").cause, Cause::NO_ANSWER);
        // And once more, this time to somebody who is there.
        world.flash("2001");
        world.dial("2001", "2002");
        world.lift("2002");
        world.hang_up("2001");
        assert!(world.talk("2004", "2002"));
        world.hang_up("2002");
        let world = world.end();
        assert_eq!(world.record_of("2001", "2004").transfers.len(), 1);
        assert_eq!(world.record_of("2001", "2002").transfers.len(), 1);
    }
}

#[test]
fn a_party_that_comes_back_to_nobody_is_cleared() {
    let mut world = World::running(all());
    transfer_to_the_ringing(&mut world);
    world.pass(61);
    assert!(world.hears("2001").starts_with("L/r4"));
    world.pass(180);
    assert_eq!((world.hears("2001"), world.hears("2004")), (String::new(), "L/ro".to_owned()));
    assert_eq!(world.gateways.iter().map(|gateway| gateway.connections().count()).sum::<usize>(), 0);
    let world = world.end();
    assert_eq!(world.record_of("2001", "2004").cause, Cause::NO_ANSWER);
    assert_eq!(world.stable.len(), 1, "answered once");
}

#[test]
fn a_party_may_hang_up_at_every_step_of_its_way_back() {
    for delay in (0..60).map(|step| Duration::from_micros(step * 1100)) {
        for on_hook in [true, false] {
            let mut world = World::running(all());
            world.lift("2005");
            world.connect("2001", "2004");
            world.flash("2001");
            world.dial("2001", "*98");
            let (gateway, endpoint) = world.place("2001");
            let now = world.now;
            world.gateways[gateway].dial(now, &endpoint, "2005");
            if on_hook {
                world.pass_time(Duration::from_millis(8));
                world.hook("2001", false);
            }
            world.pass_time(delay);
            world.hook("2004", false);
            world.pass(2);
            assert_eq!(world.line("2004").condition, LineCondition::Idle, "after {delay:?}");
            assert!(!world.hears("2001").starts_with("L/r4"), "after {delay:?}");
            world.end();
        }
    }
}

#[test]
fn who_transferred_may_hang_up_at_every_moment_of_a_transfer_in_vain() {
    for delay in (0..80).map(|step| Duration::from_micros(step * 1100)) {
        let mut world = World::running(all());
        world.lift("2005");
        world.connect("2001", "2004");
        world.flash("2001");
        world.dial("2001", "*98");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2005");
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(2);
        assert!(world.hears("2001").starts_with("L/r4"), "after {delay:?}: {}", world.hears("2001"));
        assert_eq!(world.hears("2004"), "G/rt");
        world.lift("2001");
        assert!(world.talk("2001", "2004"), "after {delay:?}");
        world.end();
    }
}

/// 2001 has transferred 2004 to the ringing 2005, and talks with 2002, no call waiting, when nobody answers there.
fn come_back_to_who_is_busy(inventory: Inventory) -> World {
    let mut world = World::running(without_call_waiting(inventory));
    transfer_to_the_ringing(&mut world);
    world.connect("2001", "2002");
    world.pass(61);
    assert!(world.talk("2001", "2002"));
    world
}

fn without_call_waiting(mut inventory: Inventory) -> Inventory {
    inventory.lines[0].features.call_waiting = false;
    inventory
}

#[test]
fn who_is_in_another_call_by_then_hears_that_the_party_waits() {
    let mut world = World::running(all());
    transfer_to_the_ringing(&mut world);
    world.connect("2001", "2002");
    world.pass(61);
    assert!(world.hears("2001").starts_with("L/wt"), "{}", world.hears("2001"));
    assert_eq!(world.hears("2004"), "G/rt");
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2004"));
    world.end();
}

#[test]
fn who_is_in_a_call_behind_which_none_can_wait_is_rung_when_it_is_over() {
    for leaves in ["2001", "2002"] {
        let mut world = come_back_to_who_is_busy(all());
        assert_eq!(world.hears("2004"), "L/ht", "it waits, and nobody is rung yet");
        world.pass(30);
        world.hang_up(leaves);
        if leaves == "2002" {
            // Off the hook without a call: the party is on hold.
            assert_eq!((world.hears("2001"), world.hears("2004")), ("L/ro".to_owned(), "L/ht".to_owned()));
            world.hang_up("2001");
        }
        assert_eq!(world.hears("2001"), "L/r4,L/ci(\"\",\"2004\",\"Dave\")");
        assert_eq!(world.hears("2004"), "G/rt");
        world.lift("2001");
        assert!(world.talk("2001", "2004"));
        world.pass(200);
        assert!(world.talk("2001", "2004"), "no timer is left");
        let world = world.end();
        assert_eq!(world.record_of("2001", "2004").cause, Cause::NORMAL_CLEARING);
    }
}

#[test]
fn a_party_does_not_wait_for_ever_for_who_transferred_it() {
    let mut world = come_back_to_who_is_busy(all());
    world.pass(118);
    assert_eq!(world.hears("2004"), "L/ht");
    world.pass(3);
    assert_eq!(world.hears("2004"), "L/bz");
    assert!(world.talk("2001", "2002"));
    let record = world.record_of("2001", "2004");
    assert_eq!((record.cause, record.released_by), (Cause::USER_BUSY, ReleasedBy::Calling));
    assert!(record.answer.is_some());
    world.hang_up("2001");
    assert_eq!(world.hears("2001"), "", "nobody waits any more");
    world.end();
}

#[test]
fn a_party_that_waits_to_be_taken_back_may_hang_up() {
    let mut world = come_back_to_who_is_busy(all());
    world.hang_up("2004");
    let record = world.record_of("2001", "2004");
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Called));
    world.hang_up("2001");
    assert_eq!(world.hears("2001"), "");
    world.end();
}

#[test]
fn who_begins_a_new_call_in_time_is_waited_for_again() {
    let mut world = come_back_to_who_is_busy(all());
    // As fast as a finger.
    world.hook("2001", false);
    world.pass_time(Duration::from_millis(1));
    world.hook("2001", true);
    world.settle();
    world.dial("2001", "2003");
    world.lift("2003");
    assert!(world.hear_each_other("2001", "2003"), "{}", world.hears("2001"));
    assert_eq!(world.hears("2004"), "L/ht");
    world.hang_up("2001");
    assert!(world.hears("2001").starts_with("L/r4"), "{}", world.hears("2001"));
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn who_is_dialling_by_then_hears_that_the_party_waits_once_it_talks() {
    let mut world = World::running(all());
    transfer_to_the_ringing(&mut world);
    world.pass(50);
    world.ring("2001", "2002");
    world.pass(11);
    assert_eq!((world.hears("2001"), world.hears("2004")), ("G/rt".to_owned(), "L/ht".to_owned()));
    world.lift("2002");
    assert!(world.hears("2001").starts_with("L/wt"), "{}", world.hears("2001"));
    assert_eq!(world.hears("2004"), "G/rt");
    world.flash("2001");
    assert!(world.hear_each_other("2001", "2004"));
    world.end();
}

/// The party that comes back has the call on hold itself: who hangs up then has not transferred it, and is not rung for it.
#[test]
fn a_party_that_has_what_returns_on_hold_may_hang_up() {
    for waits in [true, false] {
        let mut world = World::running(without_call_waiting(all()));
        world.connect("2001", "2004");
        world.flash("2004");
        world.dial("2004", "2006");
        world.lift("2006");
        world.flash("2001");
        world.dial("2001", "2005");
        world.hang_up("2001");
        if waits {
            world.connect("2001", "2002");
        }
        world.pass(61);
        assert_eq!(world.hears("2001").starts_with("L/r4"), !waits, "{}", world.hears("2001"));
        world.hang_up("2004");
        assert_eq!(world.record_of("2001", "2004").cause, Cause::NORMAL_CLEARING, "waits: {waits}");
        assert_eq!(world.hears("2001"), "");
        assert_eq!(world.modes("2004"), [""; 0]);
        world.end();
    }
}

#[test]
fn parties_that_wait_for_one_are_given_back_one_by_one() {
    let mut world = World::running(without_call_waiting(all()));
    for (party, to) in [("2004", "2005"), ("2003", "2006")] {
        world.connect("2001", party);
        world.flash("2001");
        world.dial("2001", to);
        world.hang_up("2001");
    }
    world.connect("2001", "2002");
    world.pass(61);
    assert_eq!((world.hears("2003"), world.hears("2004")), ("L/ht".to_owned(), "L/ht".to_owned()));
    for party in ["2004", "2003"] {
        world.hang_up("2001");
        assert!(world.hears("2001").starts_with("L/r4") && world.hears("2001").contains(party));
        world.lift("2001");
        assert!(world.talk("2001", party), "{party}");
    }
    world.end();
}

#[test]
fn who_is_waited_for_may_hang_up_at_every_moment() {
    for delay in (0..60).map(|step| Duration::from_micros(step * 1100)) {
        let mut world = World::running(without_call_waiting(all()));
        transfer_to_the_ringing(&mut world);
        world.connect("2001", "2002");
        world.pass_time(Duration::from_millis(59_400));
        while world.hears("2005").starts_with("L/rg") {
            world.pass_time(Duration::from_millis(1));
        }
        world.pass_time(delay);
        world.hook("2001", false);
        world.pass(2);
        assert!(world.hears("2001").starts_with("L/r4"), "after {delay:?}: {}", world.hears("2001"));
        world.lift("2001");
        assert!(world.talk("2001", "2004"), "after {delay:?}");
        world.end();
    }
}

#[test]
fn a_transfer_to_where_a_number_leads_nowhere_in_the_end_is_in_vain_too() {
    // 2005 forwards to a number that it may not call, and to a loop.
    let mut barred = all();
    let mut class = ServiceClass::new("internal");
    class.barred = vec!["2006".to_owned()];
    barred.classes.push(class);
    let forwards = |to: &str| {
        let (to, class) = (Some(to.to_owned()), None);
        Subscription { forward_always: to, class, ..Subscription::default() }
    };
    let inner = Subscription { class: Some("internal".to_owned()), ..forwards("2006") };
    barred.subscriptions.insert("2005".to_owned(), inner);
    let mut looped = all();
    looped.subscriptions.insert("2005".to_owned(), forwards("2006"));
    looped.subscriptions.insert("2006".to_owned(), forwards("2005"));
    for (inventory, cause) in
        [(barred, Cause::BEARER_NOT_AUTHORIZED), (looped, Cause::EXCHANGE_ROUTING_ERROR)]
    {
        let mut world = World::running(inventory);
        transfer_blindly(&mut world);
        world.settle();
        world.flash("2001");
        assert!(world.talk("2001", "2004"), "{cause:?}");
        let record = world.record_of("2001", "2005");
        assert_eq!(record.cause, cause);
        assert_eq!(record.diversions[0].reason, Forward::Always);
        world.end();
    }
}

#[test]
fn a_called_party_that_transfers_in_vain_is_rung_as_well() {
    let mut world = World::running(all());
    world.connect("2004", "2001");
    world.flash("2001");
    world.dial("2001", "2002");
    world.hang_up("2001");
    world.pass(61);
    assert_eq!(world.hears("2001"), "L/r4,L/ci(\"\",\"2004\",\"Dave\")");
    world.lift("2001");
    assert!(world.talk("2004", "2001"));
    world.hang_up("2001");
    let world = world.end();
    let record = world.record_of("2004", "2001");
    assert_eq!((record.calling.number.as_str(), record.released_by), ("2004", ReleasedBy::Called));
}

#[test]
fn a_transfer_in_vain_through_a_relay_gets_another_context() {
    let (mut inventory, relays) = relayed_town(4);
    inventory.lines.iter_mut().for_each(|line| line.features = Features::ALL);
    let mut world = World::new(inventory);
    world.gateways[2].relays = relays;
    world.pass(5);
    for (calling, called) in [("2001", "2004"), ("2004", "2001")] {
        world.ring(calling, called);
        world.lift(called);
        world.flash("2001");
        world.dial("2001", "2005");
        world.hang_up("2001");
        world.pass(61);
        assert!(world.hears("2001").starts_with("L/r4"));
        world.lift("2001");
        assert!(world.relayed("2001", "2004"));
        assert_eq!(world.phase(), Some(CallPhase::Talking));
        assert_eq!(world.gateways[2].connections().count(), 2);
        world.lift("2005");
        world.flash("2001");
        world.dial("2001", "*98");
        world.dial("2001", "2005");
        world.settle();
        world.flash("2001");
        assert!(world.relayed("2001", "2004"), "and who has not hung up has it on hold");
        assert_eq!(world.gateways[2].connections().count(), 2);
        for number in ["2005", "2004", "2001"] {
            world.hang_up(number);
        }
    }
    world.end();
}

#[test]
fn a_party_that_came_back_outlives_its_exchange() {
    let mut world = World::running(all());
    transfer_to_the_ringing(&mut world);
    world.pass(61);
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    world.crash();
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert!(world.talk("2001", "2004"));
    world.hang_up("2001");
    assert_eq!(world.hears("2004"), "L/ro");
    world.end();
}

#[test]
fn who_transferred_may_flash_at_every_moment_of_a_transfer_in_vain() {
    let mut back = 0;
    for delay in (0..80).map(|step| Duration::from_micros(step * 1100)) {
        let mut world = World::running(all());
        world.lift("2005");
        world.connect("2001", "2004");
        world.flash("2001");
        world.dial("2001", "*98");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2005");
        world.pass_time(delay);
        world.press("2001");
        world.pass(2);
        // A flash that the gateway did not watch for yet is none.
        if world.talk("2001", "2004") {
            back += 1;
        } else {
            assert_eq!(world.hears("2004"), "L/ht", "after {delay:?}");
            world.flash("2001");
            assert!(world.talk("2001", "2004"), "after {delay:?}");
        }
        world.end();
    }
    assert!(back > 40, "{back}");
}

/// 2001 and 2004 have each other on hold; 2004 hangs up and is rung for it, and 2001 sends it so to 2005, which rings.
fn transfer_who_is_rung_for_its_own_call(world: &mut World) {
    world.connect("2001", "2004");
    world.flash("2004");
    world.flash("2001");
    world.dial("2001", "2005");
    world.hang_up("2004");
    assert!(world.hears("2004").starts_with("L/r4"), "{}", world.hears("2004"));
    world.hang_up("2001");
    assert!(world.hears("2005").starts_with("L/rg"), "{}", world.hears("2005"));
}

#[test]
fn who_is_transferred_while_it_is_rung_for_its_own_call_talks_when_it_comes() {
    let mut world = World::running(all());
    transfer_who_is_rung_for_its_own_call(&mut world);
    world.lift("2004");
    assert_eq!(world.hears("2004"), "G/rt");
    assert!(world.hears("2005").starts_with("L/rg"), "it is still rung: {}", world.hears("2005"));
    world.lift("2005");
    assert!(world.talk("2004", "2005"));
    world.pass(200);
    assert!(world.talk("2004", "2005"), "no timer is left");
    world.hang_up("2005");
    world.end();
}

#[test]
fn who_answers_one_that_is_rung_hears_it_ringing_until_it_comes() {
    let mut world = World::running(all());
    transfer_who_is_rung_for_its_own_call(&mut world);
    world.lift("2005");
    assert_eq!(world.hears("2005"), "G/rt");
    world.pass(20);
    world.lift("2004");
    assert!(world.talk("2004", "2005"));
    assert_eq!((world.hears("2004"), world.hears("2005")), (String::new(), String::new()));
    world.end();
}

#[test]
fn who_answers_one_that_is_rung_is_released_when_it_does_not_come() {
    let mut world = World::running(all());
    transfer_who_is_rung_for_its_own_call(&mut world);
    world.lift("2005");
    world.pass(178);
    assert!(world.hears("2004").starts_with("L/r4"));
    world.pass(3);
    assert_eq!(world.hears("2004"), "");
    assert_eq!(world.record_of("2001", "2005").cause, Cause::NO_ANSWER);
    world.end();
}

#[test]
fn who_was_rung_for_its_own_call_and_transferred_in_vain_talks_with_who_transferred() {
    let mut world = World::running(all());
    transfer_who_is_rung_for_its_own_call(&mut world);
    world.lift("2004");
    world.pass(61);
    assert_eq!(world.hears("2005"), "");
    assert!(world.hears("2001").starts_with("L/r4"), "{}", world.hears("2001"));
    world.lift("2001");
    assert!(world.talk("2001", "2004"));
    world.end();
}
