//! Keys that are pressed in a talk with who has them by INFO: the peer of a trunk, and telephones.

use strowger_exchange::{Inventory, LineAccess, SipKeys};
use strowger_mgcp::message::Verb;
use strowger_sip::agent::SessionId;

use crate::phones;
use crate::sip_peer::{SipPeer, with_phones, with_trunk};
use crate::world::{World, all};

/// A town with a trunk and the telephone 2007, both of which have their keys by INFO.
pub(crate) fn by_info() -> Inventory {
    let mut town = with_phones(with_trunk(all()), &["Gwen"]);
    town.trunks[0].keys = SipKeys::Info;
    for line in &mut town.lines {
        if let LineAccess::Sip(phone) = &mut line.access {
            phone.keys = SipKeys::Info;
        }
    }
    town
}

pub(crate) fn world(town: Inventory) -> World {
    let mut world = phones::world(town);
    world.peer = Some(SipPeer::new(world.now));
    world
}

impl World {
    fn abroad(&mut self) -> &mut SipPeer {
        self.peer.as_mut().unwrap()
    }

    /// A line calls the peer, which answers.
    fn reaches_abroad(&mut self, number: &str) -> SessionId {
        self.lift(number);
        self.dial(number, "95550102");
        let now = self.now;
        self.abroad().answer(now);
        self.settle();
        self.abroad().incoming()
    }

    /// The peer presses keys.
    fn presses_abroad(&mut self, session: SessionId, keys: &str) {
        let now = self.now;
        for key in keys.chars() {
            assert!(self.abroad().agent.press(now, session, key));
        }
        self.pass(4);
    }

    /// Whether the gateway of a line is asked for its keys.
    fn is_asked_for_keys(&self, number: &str) -> bool {
        self.endpoint(number).events.iter().any(|event| event == "d/[0-9*#]" || event == "dd/d0")
    }

    fn hangs_up_abroad(mut self, number: &str) {
        self.hang_up(number);
        self.pass(40);
        assert_eq!(self.abroad().agent.sessions(), 0, "the peer has sessions");
        self.end_of_phones();
    }
}

#[test]
fn the_keys_of_a_line_go_to_a_trunk_by_info_and_those_of_its_peer_are_played() {
    let mut world = world(by_info());
    let session = world.reaches_abroad("2001");
    world.press_keys("2001", "1");
    world.press_keys("2001", "2*90#");
    world.pass(4);
    assert_eq!(world.abroad().keys(), "12*90#");
    assert_eq!(world.keys_heard("2001"), "", "nobody hears his own");
    world.presses_abroad(session, "5*#AD");
    assert_eq!(world.keys_heard("2001"), "5*#AD");
    // And again from the line, whose gateway was asked to play meanwhile.
    world.press_keys("2001", "7");
    assert_eq!(world.abroad().keys(), "12*90#7");
    world.hangs_up_abroad("2001");
}

#[test]
fn the_keys_of_a_line_that_is_called_from_a_trunk_go_there_too() {
    let mut world = world(by_info());
    let now = world.now;
    let session = world.abroad().call(now, "2004");
    world.settle();
    world.lift("2004");
    world.press_keys("2004", "42");
    world.presses_abroad(session, "24");
    assert_eq!((world.abroad().keys(), world.keys_heard("2004")), ("42".into(), "24".into()));
    world.hangs_up_abroad("2004");
}

#[test]
fn keys_go_between_a_line_and_a_telephone_by_info() {
    let mut world = world(by_info());
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.press_keys("2001", "81");
    world.pass(2);
    assert_eq!(world.phone("2007").keys(), "81");
    let now = world.now;
    assert!(world.phone("2007").agent.press(now, session, '6'));
    world.settle();
    assert_eq!(world.keys_heard("2001"), "6");
    world.phone_ends("2007", session, 16);
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn keys_go_between_a_telephone_and_a_trunk_by_info_where_both_have_them_so() {
    for both in [true, false] {
        let mut town = by_info();
        town.trunks[0].keys = if both { SipKeys::Info } else { SipKeys::Stream };
        let mut world = world(town);
        let session = world.phone_calls("2007", "95550102");
        let now = world.now;
        world.abroad().answer(now);
        world.settle();
        let now = world.now;
        assert!(world.phone("2007").agent.press(now, session, '3'));
        world.settle();
        assert_eq!(world.abroad().keys(), if both { "3" } else { "" });
        world.phone_ends("2007", session, 16);
        world.pass(40);
        world.end_of_phones();
    }
}

#[test]
fn nobody_is_asked_for_keys_but_in_a_talk_with_who_has_them_by_info() {
    let mut world = world(by_info());
    world.connect("2001", "2004");
    assert!(!world.is_asked_for_keys("2001"), "a plain call");
    world.hang_up("2001");
    world.hang_up("2004");
    world.lift("2001");
    world.dial("2001", "95550102");
    let now = world.now;
    world.abroad().ring(now);
    world.settle();
    assert!(!world.is_asked_for_keys("2001"), "nobody has answered");
    let now = world.now;
    world.abroad().answer(now);
    world.settle();
    assert!(world.is_asked_for_keys("2001"));
    world.flash("2001");
    assert!(!world.is_asked_for_keys("2001"), "the peer is on hold");
    world.dial("2001", "2004");
    world.lift("2004");
    assert!(!world.is_asked_for_keys("2001"), "it talks with a neighbour");
    world.hang_up("2004");
    world.flash("2001");
    assert!(world.is_asked_for_keys("2001"));
    world.hangs_up_abroad("2001");
}

#[test]
fn without_dtmf_info_nobody_is_asked_and_nothing_is_played() {
    let mut world = world(with_phones(with_trunk(all()), &["Gwen"]));
    let session = world.reaches_abroad("2001");
    assert!(!world.is_asked_for_keys("2001"));
    world.presses_abroad(session, "5");
    assert_eq!(world.keys_heard("2001"), "", "it comes in the stream, or would come twice");
    world.hangs_up_abroad("2001");
}

#[test]
fn a_party_that_is_transferred_to_a_trunk_takes_its_keys_along() {
    let mut world = world(by_info());
    world.reaches_abroad("2001");
    world.flash("2001");
    world.dial("2001", "2004");
    world.lift("2004");
    world.hang_up("2001");
    world.pass(1);
    assert!(world.is_asked_for_keys("2004"));
    world.press_keys("2004", "9");
    assert_eq!(world.abroad().keys(), "9");
    world.hangs_up_abroad("2004");
}

#[test]
fn keys_are_heard_while_another_call_waits_and_its_tone_is_not_given_again_for_each() {
    let mut town = by_info();
    town.lines[0].features.call_waiting = true;
    let mut world = world(town);
    world.reaches_abroad("2001");
    world.lift("2005");
    world.dial("2005", "2001");
    let tones = |world: &World| {
        world.endpoint("2001").heard.iter().filter(|signal| signal.starts_with("L/wt")).count()
    };
    assert_eq!(tones(&world), 1, "{:?}", world.endpoint("2001").heard);
    world.press_keys("2001", "16");
    world.pass(2);
    assert_eq!((world.abroad().keys().as_str(), tones(&world)), ("16", 1));
    world.hang_up("2005");
    world.hangs_up_abroad("2001");
}

#[test]
fn a_gateway_that_cannot_hear_or_play_keys_serves_on_without() {
    // What cannot be detected is not asked for again, and what cannot be played is not played; the other goes on.
    for (code, asked, heard) in [(512, false, "8"), (513, true, "")] {
        let mut world = world(by_info());
        let (_, place) = world.place("2001");
        let session = world.reaches_abroad("2001");
        world.gateway_of("2001").refuse(Verb::Rqnt, &place, code, 1);
        world.presses_abroad(session, "58");
        assert_eq!(world.keys_heard("2001"), heard, "{code}");
        assert_eq!(world.is_asked_for_keys("2001"), asked, "{code}");
        assert!(world.endpoint("2001").off_hook && !world.endpoint("2001").events.is_empty());
        // A flash means something still.
        world.flash("2001");
        assert_eq!(world.hears("2001"), "L/sl", "{code}");
        world.flash("2001");
        world.hang_up("2001");
        // And the line dials as it did.
        world.ring("2001", "2004");
        world.hangs_up_abroad("2001");
    }
}

#[test]
fn keys_go_on_by_info_when_the_exchange_has_died_and_started_again() {
    let mut world = world(by_info());
    let session = world.reaches_abroad("2001");
    world.crash();
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    assert!(world.is_asked_for_keys("2001"));
    world.press_keys("2001", "31");
    world.pass(2);
    assert_eq!(world.abroad().keys(), "31");
    world.presses_abroad(session, "13");
    assert_eq!(world.keys_heard("2001"), "13");
    world.hangs_up_abroad("2001");
}
