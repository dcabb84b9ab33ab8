//! Hunt groups, over the two gateways of the town.

use std::time::Duration;

use strowger_exchange::{Cause, Forward, GroupEntry, HuntOrder, Inventory};

use crate::forwarding::line;
use crate::world::{World, relayed_town, town};

/// The town with the group 2100: 2002, 2004 and 2005, rung for 10 s each.
fn town_with_group(order: HuntOrder) -> Inventory {
    let mut town = town();
    let mut group = GroupEntry::new("2100", &["2002", "2004", "2005"]);
    group.order = order;
    group.ring = Duration::from_secs(10);
    town.groups.push(group);
    assert_eq!(town.check(), []);
    town
}

/// Which of the members rings.
fn rings(world: &World) -> Option<&'static str> {
    ["2002", "2004", "2005"].into_iter().find(|number| world.hears(number).starts_with("L/r"))
}

/// 2001 calls the group; who rings answers, and both hang up.
fn serve(world: &mut World) -> &'static str {
    world.lift("2001");
    world.dial("2001", "2100");
    let member = rings(world).unwrap();
    world.lift(member);
    assert!(world.talk("2001", member));
    world.hang_up("2001");
    world.hang_up(member);
    member
}

#[test]
fn a_linear_group_begins_with_its_first_member() {
    let mut world = World::running(town_with_group(HuntOrder::Linear));
    assert_eq!([serve(&mut world), serve(&mut world)], ["2002", "2002"]);
    let record = &world.ended[0];
    assert_eq!((record.dialled.as_str(), record.called.as_ref().unwrap().number.as_str()), ("2100", "2002"));
    world.end();
}

#[test]
fn a_circular_group_goes_round() {
    let mut world = World::running(town_with_group(HuntOrder::Circular));
    let served: Vec<_> = (0..4).map(|_| serve(&mut world)).collect();
    assert_eq!(served, ["2002", "2004", "2005", "2002"]);
    world.end();
}

#[test]
fn the_member_who_has_served_least_is_rung_first() {
    let mut world = World::running(town_with_group(HuntOrder::LeastUsed));
    world.connect("2003", "2002");
    let served: Vec<_> = (0..3).map(|_| serve(&mut world)).collect();
    assert_eq!(served, ["2004", "2005", "2004"], "2002 is busy");
    world.hang_up("2003");
    world.hang_up("2002");
    assert_eq!([serve(&mut world), serve(&mut world)], ["2002", "2005"]);
    world.end();
}

#[test]
fn busy_members_and_those_who_do_not_answer_are_passed_over() {
    let mut world = World::running(town_with_group(HuntOrder::Linear));
    world.connect("2003", "2002");
    world.lift("2001");
    world.dial("2001", "2100");
    assert_eq!(rings(&world), Some("2004"));
    world.pass(10);
    assert_eq!(rings(&world), Some("2005"), "the next, and only he");
    assert_eq!(world.hears("2004"), "");
    assert_eq!(world.hears("2001"), "G/rt");
    world.pass(60);
    assert_eq!(rings(&world), Some("2005"), "the last is rung on");
    world.lift("2005");
    assert!(world.talk("2001", "2005"));
    world.end();
}

#[test]
fn members_who_are_not_to_be_disturbed_are_passed_over_and_forwarding_is_their_own_affair() {
    let mut town = town_with_group(HuntOrder::Linear);
    line(&mut town, "2002").do_not_disturb = true;
    line(&mut town, "2004").forward_always = Some("2006".to_owned());
    let mut world = World::running(town);
    world.lift("2001");
    world.dial("2001", "2100");
    assert_eq!(rings(&world), Some("2004"));
    assert_eq!(world.hears("2006"), "");
    world.end();
}

#[test]
fn a_group_without_a_free_member_is_busy() {
    let mut town = town_with_group(HuntOrder::Circular);
    for number in ["2002", "2004"] {
        line(&mut town, number).do_not_disturb = true;
    }
    let mut world = World::running(town);
    world.connect("2005", "2006");
    world.lift("2001");
    world.dial("2001", "2100");
    assert_eq!(world.hears("2001"), "L/bz");
    assert_eq!(world.ended[0].cause, Cause::USER_BUSY);
    world.end();
}

#[test]
fn a_group_overflows_when_nobody_answers() {
    let mut town = town_with_group(HuntOrder::Linear);
    town.groups[0].overflow = Some("2006".to_owned());
    let mut world = World::running(town);
    world.lift("2001");
    world.dial("2001", "2100");
    world.pass(30);
    assert_eq!(rings(&world), None);
    assert!(world.hears("2006").starts_with("L/rg"));
    world.lift("2006");
    assert!(world.talk("2001", "2006"));
    world.hang_up("2001");
    let diversion = &world.ended[0].diversions[0];
    assert_eq!(
        (diversion.by.as_str(), diversion.reason, diversion.to.as_str()),
        ("2100", Forward::NoAnswer, "2006")
    );
    world.end();
}

#[test]
fn a_call_that_is_forwarded_to_a_busy_group_overflows_from_there() {
    let mut town = town_with_group(HuntOrder::Linear);
    town.groups[0].members = vec!["2002".to_owned()];
    town.groups[0].overflow = Some("2005".to_owned());
    line(&mut town, "2004").forward_busy = Some("2100".to_owned());
    line(&mut town, "2004").do_not_disturb = true;
    let mut world = World::running(town);
    world.connect("2003", "2002");
    world.lift("2001");
    world.dial("2001", "2004");
    assert!(world.hears("2005").starts_with("L/rg"));
    world.hang_up("2001");
    let steps: Vec<_> =
        world.ended[0].diversions.iter().map(|step| (step.by.as_str(), step.reason)).collect();
    assert_eq!(steps, [("2004", Forward::Busy), ("2100", Forward::Busy)]);
    world.end();
}

#[test]
fn groups_that_overflow_into_each_other_end_the_call() {
    let mut town = town();
    for (pilot, member, overflow) in [("2100", "2002", "2101"), ("2101", "2004", "2100")] {
        let mut group = GroupEntry::new(pilot, &[member]);
        group.overflow = Some(overflow.to_owned());
        town.groups.push(group);
        line(&mut town, member).do_not_disturb = true;
    }
    let mut world = World::running(town);
    world.lift("2001");
    world.dial("2001", "2100");
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.end_with_record().cause, Cause::EXCHANGE_ROUTING_ERROR);
}

#[test]
fn a_member_whose_gateway_dies_while_he_is_rung_gives_the_call_to_the_next() {
    let mut world = World::running(town_with_group(HuntOrder::Linear));
    world.lift("2001");
    world.dial("2001", "2100");
    assert_eq!(rings(&world), Some("2002"));
    let now = world.now;
    let lost = world.gateway_of("2002").endpoints.get_mut("aaln/2").unwrap();
    (lost.connections, lost.signals) = Default::default();
    world.gateway_of("2002").restart(now, "aaln/2", strowger_mgcp::message::RestartMethod::Forced, None);
    world.settle();
    assert!(world.hears("2004").starts_with("L/rg"));
    world.end();
}

/// The second stream of the relay is on its way when the member that it is meant for turns out to be busy: the next member has it.
#[test]
fn a_member_lifts_at_every_moment_of_a_relayed_set_up() {
    for delay in (0..60).map(|step| Duration::from_micros(step * 1_700)) {
        let (mut town, relays) = relayed_town(1);
        town.groups.push(GroupEntry::new("2100", &["2002", "2004", "2005"]));
        let mut world = World::new(town);
        world.gateways[2].relays = relays;
        world.pass(5);
        world.lift("2001");
        let (gateway, endpoint) = world.place("2001");
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, "2100");
        world.pass_time(delay);
        world.lift("2002");
        let next = rings(&world);
        next.into_iter().for_each(|member| world.lift(member));
        assert_eq!(world.gateways[2].connections().count(), 2, "after {delay:?}");
        let created = world.gateways[2].count("CRCX");
        assert_eq!(created, 2, "after {delay:?}");
        for number in ["2001", "2002"].into_iter().chain(next) {
            world.hang_up(number);
        }
        assert_eq!(world.gateways[2].connections().count(), 0, "after {delay:?}");
        world.end();
    }
}
