//! Signals: how long they last, what replaces what, lists, and what is told of their end (RFC 3525 section 7.1.11, Annex E.1.2).

use strowger_megaco::gateway::{Item, LineIndex, MediaEvent, Port};
use strowger_sansio::Duration;

use crate::support::World;

const RING: Item = Item::new(9, 2);
const DIAL_TONE: Item = Item::new(7, 0x30);
const RINGBACK: Item = Item::new(7, 0x31);
const BUSY: Item = Item::new(7, 0x32);

#[test]
fn a_time_out_ends_a_signal_and_is_told_when_asked() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{g/sc},SG{cg/dt{SY=TO,DR=300,NC={TO}}}}}");
    world.run(Duration::from_millis(2_990));
    assert_eq!(world.sounds(1), [DIAL_TONE]);
    world.run(Duration::from_millis(20));
    assert!(world.sounds(1).is_empty());
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{g/sc{SigID=\"cg/dt\",Meth=TO}}}}"]);
    // Without NotifyCompletion nothing is told, and without g/sc in the events neither.
    world.command("C=-{MF=aaln/1{SG{cg/dt{DR=10}}}}");
    world.command("C=-{MF=aaln/2{E=2{al/of},SG{cg/dt{DR=10,NC={TO}}}}}");
    world.run(Duration::from_secs(1));
    assert!(world.told().is_empty());
}

#[test]
fn an_event_and_another_descriptor_are_told_as_what_they_are() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{g/sc,al/of},SG{cg/bt{NC={IBE,IBS}}}}}");
    world.command("C=-{MF=aaln/1{SG{al/ri{NC={IBE,IBS}}}}}");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{g/sc{SigID=\"cg/bt\",Meth=SD}}}}"]);
    assert_eq!(world.sounds(1), [RING]);
    world.off_hook(1);
    let told = world.told().concat();
    assert!(told.contains("al/of") && told.contains("g/sc{SigID=\"al/ri\",Meth=EV}"), "{told}");
}

#[test]
fn a_new_descriptor_stops_what_is_not_in_it_and_keeps_what_it_says() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{SG{cg/rt,al/ri}}}");
    let before: Vec<_> = world.plane.signals.keys().copied().collect();
    assert_eq!(before.len(), 2);
    world.command("C=-{MF=aaln/1{SG{al/ri{KA},cg/bt{KA}}}}");
    // Busy tone was not on, so that keeping it begins nothing.
    assert_eq!(world.sounds(1), [RING]);
    let after: Vec<_> = world.plane.signals.keys().copied().collect();
    assert!(before.contains(&after[0]), "ringing has not been begun anew");
    world.command("C=-{MF=aaln/1{SG{al/ri}}}");
    assert!(!world.plane.signals.contains_key(&after[0]), "without KeepActive it is");
    world.command("C=-{MF=aaln/1{SG{}}}");
    assert!(world.sounds(1).is_empty());
}

#[test]
fn a_list_plays_one_after_another_and_goes_on_under_its_number() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{g/sc},SG{SL=5{cg/dt{DR=100},cg/rt{DR=100,NC={TO}}}}}}");
    assert_eq!(world.sounds(1), [DIAL_TONE]);
    world.command("C=-{MF=aaln/1{SG{SL=5{cg/bt{DR=100}}}}}");
    assert_eq!(world.sounds(1), [DIAL_TONE], "the list goes on undisturbed");
    world.run(Duration::from_millis(1_010));
    assert_eq!(world.sounds(1), [RINGBACK]);
    world.run(Duration::from_secs(1));
    assert!(world.sounds(1).is_empty());
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{g/sc{SigID=\"cg/rt\",Meth=TO,SLID=5}}}}"]);
}

#[test]
fn an_on_off_signal_lasts_and_a_brief_one_ends_by_itself() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{SG{cg/bt{SY=OO,DR=10}}}}");
    world.run(Duration::from_secs(1_000));
    assert_eq!(world.sounds(1), [BUSY], "the duration of an on/off signal is ignored");
    world.command("C=-{MF=aaln/1{E=1{g/sc},SG{dg/d5{NC={TO}}}}}");
    let handle = *world.plane.signals.keys().next().unwrap();
    world.happen(MediaEvent::SignalEnded(handle));
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{g/sc{SigID=\"dg/d5\",Meth=TO}}}}"]);
    assert!(world.sounds(1).is_empty());
}

#[test]
fn what_fails_is_told_without_being_asked() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{g/sc},SG{cg/rt}}}");
    let handle = *world.plane.signals.keys().next().unwrap();
    world.happen(MediaEvent::SignalFailed(handle));
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{g/sc{SigID=\"cg/rt\",Meth=NC}}}}"]);
}

#[test]
fn the_end_of_a_signal_names_the_request_that_asked_for_it() {
    let mut world = World::of_version(3);
    world.command("C=-{MF=aaln/1{E=1{g/sc},SG{cg/dt{SY=TO,DR=100,NC={TO},SPARQ=77}}}}");
    world.run(Duration::from_millis(1_001));
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{g/sc{SigID=\"cg/dt\",Meth=TO,RID=77}}}}"]);
}

/// The terminations at which signals are given, lines by their numbers.
fn given(world: &World) -> String {
    let mut names: Vec<_> = world
        .plane
        .signals
        .values()
        .map(|(port, _)| match port {
            Port::Line(LineIndex(line)) => (line + 1).to_string(),
            Port::Stream(_) => "?".to_owned(),
        })
        .collect();
    names.sort();
    names.join(" ")
}

#[test]
fn a_signal_is_played_into_the_context_or_out_of_it_or_both_ways() {
    let mut world = World::of_version(3);
    world.command("C=${A=aaln/1{M{O{MO=SR}}},A=aaln/2{M{O{MO=SR}}},A=aaln/3{M{O{MO=RC}}}}");
    for (direction, places) in [
        ("", "1"),
        ("{SPADI=EX}", "1"),
        ("{SPADI=IT}", "2"),
        ("{SPADI=B}", "1 2"),
        ("{DR=100,SPADI=IT}", "2"),
    ] {
        world.command(&format!("C=1{{MF=aaln/1{{SG{{cg/rt{direction}}}}}}}"));
        assert_eq!(given(&world), places, "{direction}");
    }
    // One end is the end of all.
    world.command("C=1{MF=aaln/1{E=1{g/sc},SG{cg/rt{SPADI=B,DR=50,NC={TO}}}}}");
    world.run(Duration::from_millis(501));
    assert_eq!(given(&world), "");
    assert_eq!(world.told().len(), 1);
    world.command("C=1{MF=aaln/1{SG{dg/d1{SPADI=B}}}}");
    let handle = *world.plane.signals.keys().last().unwrap();
    world.happen(MediaEvent::SignalEnded(handle));
    assert_eq!(given(&world), "");
}

#[test]
fn a_signal_into_the_context_follows_who_is_there_and_who_hears_whom() {
    let mut world = World::of_version(3);
    // Alone it is heard by nobody, and goes on.
    world.command("C=${A=aaln/1{M{O{MO=SR}},SG{cg/rt{SPADI=IT}}}}");
    assert_eq!(given(&world), "");
    assert!(world.command("C=1{AV=aaln/1{AT{SG}}}").contains("cg/rt{SPADI=IT}"));
    world.command("C=1{A=aaln/2{M{O{MO=SR}}},A=aaln/3{M{O{MO=SR}}}}");
    assert_eq!(given(&world), "2 3");
    let kept = *world.plane.signals.keys().last().unwrap();
    world.command("C=1{TP{aaln/1,aaln/2,IS}}");
    assert_eq!(given(&world), "3");
    assert!(world.plane.signals.contains_key(&kept), "who hears it hears it without a break");
    world.command("C=1{TP{aaln/1,aaln/2,OW},MF=aaln/3{M{O{MO=RC}}}}");
    assert_eq!(given(&world), "2");
    world.command("C=1{S=aaln/2}");
    assert_eq!(given(&world), "");
    world.command("C=1{MF=aaln/3{M{O{MO=SR}}}}");
    assert_eq!(given(&world), "3");
    world.command("C=1{S=aaln/1}");
    assert_eq!(given(&world), "");
}

#[test]
fn an_announcement_says_where_it_is_played() {
    let mut world = World::new();
    world.command("C=${A=aaln/1{M{O{MO=SR}}},A=aaln/2{M{O{MO=SR}}}}");
    for (direction, places) in [("ext", "1"), ("int", "2"), ("both", "1 2")] {
        world.command(&format!("C=1{{MF=aaln/1{{SG{{an/apf{{an=39,di={direction}}}}}}}}}"));
        assert_eq!(given(&world), places, "{direction}");
    }
}
