//! Events: what is told, what is not, embedding, lock step, the state of the hook (RFC 3525 sections 7.1.9, 7.1.10, Annex E.9).

use strowger_megaco::gateway::Item;
use strowger_sansio::Duration;

use crate::support::{RTP, World};

const RING: Item = Item::new(9, 2);
const DIAL_TONE: Item = Item::new(7, 0x30);
const BUSY: Item = Item::new(7, 0x32);

#[test]
fn what_is_asked_for_is_told_and_nothing_else() {
    let mut world = World::new();
    world.off_hook(1);
    assert!(world.told().is_empty());
    world.command("C=-{MF=aaln/1{E=2222{al/on}}}");
    world.on_hook(1);
    world.off_hook(1);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=2222{al/on{init=off}}}}"]);
    // The descriptor stays until there is another one.
    world.on_hook(1);
    assert_eq!(world.told().len(), 1);
    // An empty one ends detection.
    world.command("C=-{MF=aaln/1{E}}");
    world.off_hook(1);
    world.on_hook(1);
    assert!(world.told().is_empty());
}

#[test]
fn an_event_carries_the_time_of_day() {
    let mut world = World::new();
    world.gateway.set_clock(world.now, Duration::from_millis(1_078_012_800_250));
    world.command("C=-{MF=aaln/1{E=1{al/of}}}");
    world.off_hook(1);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{20040229T00000025:al/of{init=off}}}}"]);
}

#[test]
fn a_hook_that_is_already_so_counts_or_fails_or_does_not() {
    let mut world = World::new();
    world.off_hook(1);
    assert_eq!(world.command("C=-{MF=aaln/1{E=1{al/of{strict=exact}}}}"), "C=-{MF=aaln/1}");
    assert!(world.told().is_empty());
    let reply = world.command("C=-{MF=aaln/1{E=2{al/of{strict=failWrong}}}}");
    assert_eq!(reply, "C=-{MF=aaln/1{ER=540{\"Unexpected initial hook state\"}}}");
    assert_eq!(world.command("C=-{AV=aaln/1{AT{E}}}"), "C=-{AV=aaln/1{E=1{al/of{strict=exact}}}}");
    assert_eq!(world.command("C=-{MF=aaln/1{E=3{al/of{strict=state}}}}"), "C=-{MF=aaln/1}");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=3{al/of{init=on}}}}"]);
    assert_eq!(world.command("C=-{MF=aaln/1{E=4{al/on{strict=failWrong}}}}"), "C=-{MF=aaln/1}");
}

#[test]
fn an_event_stops_signals_unless_it_keeps_them() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{al/of},SG{al/ri}}}");
    assert_eq!(world.sounds(1), [RING]);
    world.off_hook(1);
    assert!(world.sounds(1).is_empty());
    world.command("C=-{MF=aaln/1{E=2{al/on{KA}},SG{cg/bt}}}");
    world.on_hook(1);
    assert_eq!(world.sounds(1), [BUSY]);
}

#[test]
fn an_off_hook_brings_dial_tone_and_the_digits_that_are_wanted_then() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{al/of{EM{SG{cg/dt},E=2{al/on,dd/ce{DM={(2xxx)}}}}}}}}");
    world.off_hook(1);
    assert_eq!(world.sounds(1), [DIAL_TONE]);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{al/of{init=off}}}}"]);
    world.dial(1, "2001");
    assert!(world.sounds(1).is_empty());
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=2{dd/ce{ds=\"2001\",Meth=UM}}}}"]);
    world.on_hook(1);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=2{al/on{init=off}}}}"]);
}

#[test]
fn in_lock_step_what_is_buffered_waits_for_the_next_descriptor() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{M{TS{BF=SP}},E=1{al/of},EB{al/on,al/of}}}");
    world.off_hook(1);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{al/of{init=off}}}}"]);
    world.on_hook(1);
    world.off_hook(1);
    assert!(world.told().is_empty());
    let reply = world.command("C=-{AV=aaln/1{AT{OE}}}");
    assert_eq!(reply, "C=-{AV=aaln/1{OE=1{al/on{init=off},al/of{init=off}}}}");
    // The first in the queue that is listed is acted on, those before it are dropped.
    world.command("C=-{MF=aaln/1{E=2{al/of}}}");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=2{al/of{init=off}}}}"]);
    world.on_hook(1);
    world.command("C=-{MF=aaln/1{E=3{al/on}}}");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=3{al/on{init=off}}}}"]);
    // Off drops what waits.
    world.off_hook(1);
    world.command("C=-{MF=aaln/1{M{TS{BF=OFF}},E=4{al/of}}}");
    assert!(world.told().is_empty());
}

#[test]
fn a_full_buffer_is_told_once() {
    let mut world = World::shaped(1, |config| config.limits.queued_events = 2);
    world.command("C=-{MF=aaln/1{M{TS{BF=SP}},E=1{al/of},EB{al/on,al/of}}}");
    world.off_hook(1);
    world.told();
    world.on_hook(1);
    world.off_hook(1);
    world.on_hook(1);
    world.command("C=-{MF=aaln/1{E=2{al/on}}}");
    let told = world.told().concat();
    assert!(told.contains("OE=2{al/on{init=off}}") && told.contains("ER=518"), "{told}");
    world.command("C=-{MF=aaln/1{E=3{al/of}}}");
    assert!(!world.told().concat().contains("518"));
}

#[test]
fn one_notify_of_a_termination_is_on_its_way_at_a_time() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{al/on,al/of}},MF=aaln/2{E=1{al/of}}}");
    world.off_hook(1);
    world.on_hook(1);
    world.off_hook(1);
    world.off_hook(2);
    let first: Vec<_> = world.sent.iter().map(|(_, text)| text.contains("aaln/1")).collect();
    assert_eq!(first, [true, false]);
    let told = world.told();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[2], "C=-{N=aaln/1{OE=1{al/on{init=off},al/of{init=off}}}}");
}

#[test]
fn a_flash_is_told_in_the_context_of_the_line() {
    let mut world = World::new();
    world.off_hook(1);
    world.command("C=${A=aaln/1{M{O{MO=SR}},E=5{al/fl,al/on}}}");
    world.happen(strowger_megaco::gateway::MediaEvent::HookFlash(strowger_megaco::gateway::LineIndex(0)));
    assert_eq!(world.told(), ["C=1{N=aaln/1{OE=5{al/fl}}}"]);
}

#[test]
fn a_stream_that_loses_more_than_its_threshold_is_told_once_until_it_was_better() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    for alert in ["nt/qualert", "rtp/qualert"] {
        world.command(&format!("C=1{{MF=rtp/1{{E=4{{{alert}{{th=10}}}}}}}}"));
        let mut lose = |lost: u64, received: u64| {
            world.plane.losses.0 += lost;
            world.plane.losses.1 += received;
            world.run(Duration::from_secs(5));
            world.told()
        };
        assert!(lose(10, 90).is_empty(), "ten per cent are not above ten");
        let told = format!("C=1{{N=rtp/1{{OE=4{{{alert}{{th=20}}}}}}}}");
        assert_eq!(lose(20, 80), [told]);
        assert!(lose(50, 50).is_empty(), "it is still so");
        assert!(lose(0, 0).is_empty() && lose(0, 100).is_empty());
        assert_eq!(lose(500, 0), [format!("C=1{{N=rtp/1{{OE=4{{{alert}{{th=99}}}}}}}}")]);
    }
    world.command("C=1{MF=rtp/1{E}}");
    world.plane.losses.0 += 500;
    world.run(Duration::from_secs(60));
    assert!(world.told().is_empty());
    world.command("C=1{S=*{AT{}}}");
    world.run(Duration::from_secs(60));
}
