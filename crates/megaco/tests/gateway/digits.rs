//! Dial strings: maps by value and by name, how they end, timers, what is told of single digits (RFC 3525 section 7.1.14).

use strowger_megaco::gateway::{Item, LineIndex, MediaEvent, Port};
use strowger_sansio::Duration;

use crate::support::World;

const DIAL_TONE: Item = Item::new(7, 0x30);

#[test]
fn a_number_is_collected_and_the_tone_ends_with_its_first_digit() {
    let mut world = World::new();
    world.off_hook(1);
    let reply = world.command("C=-{MF=aaln/1{E=4{dd/ce{DM={(0|[2-5]xxx)}},al/on},SG{cg/dt}}}");
    assert_eq!(reply, "C=-{MF=aaln/1}");
    assert_eq!(world.sounds(1), [DIAL_TONE]);
    world.dial(1, "2");
    assert!(world.sounds(1).is_empty(), "the digit stops the tone");
    assert!(world.told().is_empty(), "and is not told by itself");
    world.dial(1, "001");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=4{dd/ce{ds=\"2001\",Meth=UM}}}}"]);
    // The map is over; what is dialled now has not been asked for.
    world.dial(1, "5");
    assert!(world.told().is_empty());
}

#[test]
fn timers_end_a_dial_string_by_what_was_dialled() {
    let dial = |digits: &str, wait: u64| {
        let mut world = World::new();
        world.command("C=-{MF=aaln/1{E=1{dd/ce{DM={T:10,S:2,L:6,(0|00|[2-5]xxx)}}}}}");
        world.dial(1, digits);
        world.run(Duration::from_millis(wait));
        let early = world.told();
        world.run(Duration::from_secs(20));
        (early.len(), world.told().concat())
    };
    let ce = |string: &str, method: &str| {
        format!("C=-{{N=aaln/1{{OE=1{{dd/ce{{ds=\"{string}\",Meth={method}}}}}}}}}")
    };
    assert_eq!(dial("0", 1_700), (0, ce("0", "FM")));
    assert_eq!(dial("23", 5_600), (0, ce("23", "PM")));
    assert_eq!(dial("", 9_900), (0, ce("", "PM")));
}

#[test]
fn a_digit_that_fits_nothing_is_no_part_of_the_string_and_is_told_by_itself_if_asked() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{dd/ce{DM={(0|00)}},dd/d5}}}");
    world.dial(1, "05");
    let told = world.told();
    assert_eq!(told, ["C=-{N=aaln/1{OE=1{dd/ce{ds=\"0\",Meth=FM}}}}", "C=-{N=aaln/1{OE=1{dd/d5}}}",]);
}

#[test]
fn a_package_with_a_map_reports_each_digit_and_the_string() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{dd/*{DM={(E1)}}}}}");
    world.dial(1, "*1");
    assert_eq!(
        world.told().concat(),
        "C=-{N=aaln/1{OE=1{dd/ds}}}C=-{N=aaln/1{OE=1{dd/d1,dd/ce{ds=\"E1\",Meth=UM}}}}"
    );
}

#[test]
fn a_named_map_is_made_changed_and_taken_away() {
    let mut world = World::new();
    let using = "E=1{dd/ce{DM=plan}}";
    assert!(world.command(&format!("C=-{{MF=aaln/1{{{using}}}}}")).contains("ER=520"));
    // It can be used in the command that makes it, in any order.
    assert_eq!(world.command(&format!("C=-{{MF=aaln/1{{{using},DM=plan{{(1)}}}}}}")), "C=-{MF=aaln/1}");
    // What is in use stays as it was.
    assert_eq!(world.command("C=-{MF=aaln/1{DM=plan{(2)}}}"), "C=-{MF=aaln/1}");
    world.dial(1, "1");
    assert!(world.told().concat().contains("ds=\"1\""));
    assert_eq!(world.command(&format!("C=-{{MF=aaln/1{{{using}}}}}")), "C=-{MF=aaln/1}");
    world.dial(1, "2");
    assert!(world.told().concat().contains("ds=\"2\""));
    // A map of the root is everybody's.
    assert_eq!(world.command("C=-{MF=ROOT{DM=town{(3)}}}"), "C=-{MF=ROOT}");
    assert_eq!(world.command("C=-{MF=aaln/2{E=7{dd/ce{DM=town}}}}"), "C=-{MF=aaln/2}");
    assert_eq!(world.command("C=-{AV=aaln/1{AT{DM}}}"), "C=-{AV=aaln/1{DM=plan{(2)}}}");
}

#[test]
fn a_long_digit_is_told_from_a_short_one() {
    for (lasts, string) in [(900, "1"), (1_100, "Z1")] {
        let mut world = World::of_version(2);
        world.command("C=-{MF=aaln/1{E=1{dd/ce{DM={Z:10,(Z1|1x)}}}}}");
        let port = Port::Line(LineIndex(0));
        world.happen(MediaEvent::Digit(port, '1'));
        world.run(Duration::from_millis(lasts));
        assert!(world.told().is_empty());
        world.happen(MediaEvent::DigitEnded(port, '1', Duration::from_millis(lasts)));
        world.run(Duration::from_secs(20));
        assert!(world.told().concat().contains(&format!("ds=\"{string}\"")), "{lasts}");
    }
}

#[test]
fn an_audit_shows_the_string_so_far_without_a_method() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=9{dd/ce{DM={([2-5]xxx)}}}}}");
    world.dial(1, "23");
    assert_eq!(world.command("C=-{AV=aaln/1{AT{OE}}}"), "C=-{AV=aaln/1{OE=9{dd/ce{ds=\"23\"}}}}");
}
