//! Tones by lists (RFC 3525 Annex E.4, as dd has it).

use strowger_megaco::gateway::{LineIndex, MediaEvent, Port};
use strowger_sansio::Duration;

use crate::support::World;

fn world(events: &str) -> World {
    let mut world = World::new();
    world.plane.hears_tones = true;
    assert_eq!(world.command(&format!("C=-{{MF=aaln/1{{E=1{{{events}}}}}}}")), "C=-{MF=aaln/1}");
    world
}

const LINE: Port = Port::Line(LineIndex(0));

fn begin(world: &mut World, key: char) {
    world.happen(MediaEvent::Digit(LINE, key));
}

fn end(world: &mut World, key: char, millis: u64) {
    world.happen(MediaEvent::DigitEnded(LINE, key, Duration::from_millis(millis)));
}

#[test]
fn the_start_of_a_tone_of_the_list_is_told_and_of_others_it_is_not() {
    let mut world = world("dd/std{tl=[d5,ds]}");
    begin(&mut world, '4');
    end(&mut world, '4', 80);
    assert!(world.told().is_empty());
    begin(&mut world, '5');
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{dd/std{tid=d5}}}}"]);
    end(&mut world, '5', 80);
    begin(&mut world, '*');
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{dd/std{tid=ds}}}}"]);
}

#[test]
fn the_end_of_a_tone_is_told_with_how_long_it_lasted() {
    let mut world = world("dd/etd{tl=*}");
    begin(&mut world, '#');
    assert!(world.told().is_empty());
    end(&mut world, '#', 240);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{dd/etd{tid=do,dur=240}}}}"]);
    // One that did not begin does not end.
    end(&mut world, '7', 80);
    assert!(world.told().is_empty());
}

#[test]
fn a_tone_that_lasts_for_long_is_told_once_while_it_lasts() {
    let mut world = world("dd/ltd{tl=*,dur=2000},dd/d1");
    begin(&mut world, '1');
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{dd/d1}}}"]);
    world.run(Duration::from_millis(1_999));
    assert!(world.told().is_empty());
    world.run(Duration::from_millis(1));
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{dd/ltd{tid=d1}}}}"]);
    world.run(Duration::from_secs(60));
    assert!(world.told().is_empty());
    end(&mut world, '1', 62_000);
    begin(&mut world, '2');
    world.run(Duration::from_millis(500));
    end(&mut world, '2', 500);
    world.run(Duration::from_secs(10));
    assert!(world.told().is_empty(), "it was short");
}

#[test]
fn another_descriptor_asks_for_no_list() {
    let mut world = world("dd/ltd{tl=*,dur=2000}");
    begin(&mut world, '1');
    assert_eq!(world.command("C=-{MF=aaln/1{E=2{dd/d3}}}"), "C=-{MF=aaln/1}");
    world.told();
    world.run(Duration::from_secs(10));
    end(&mut world, '1', 10_000);
    assert_eq!(world.told(), Vec::<String>::new());
    begin(&mut world, '3');
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=2{dd/d3}}}"]);
}
