//! Calls of SIP peers that are sent on, here and before they came.

use strowger_exchange::{EarlierDiversion, Forward, Setting};
use strowger_sip::message::{Message, Method, Name};

use crate::sip::world;
use crate::sip_peer::{SipPeer, with_phones, with_trunk};
use crate::world::{World, town};

impl World {
    fn forwards(&mut self, number: &str, when: Forward, to: &str) {
        let forward = Setting::Forward(when, Some(to.to_owned()));
        self.exchange.set(self.now, number, &forward).unwrap();
    }

    /// A call of the peer's for a number, which these have sent on.
    fn peer_sends_on(&mut self, number: &str, by: &[(&str, &'static str)]) -> strowger_sip::agent::SessionId {
        let now = self.now;
        let session = self.sip().call_by(now, number, by);
        self.settle();
        session
    }
}

fn list(invite: &Message<'_>, name: &Name<'_>) -> Vec<String> {
    invite.header.list(name).map(str::to_owned).collect()
}

fn earlier(told: &[(&str, &str)]) -> Vec<EarlierDiversion> {
    let one = |(by, reason): &(&str, &str)| EarlierDiversion { by: (*by).into(), reason: (*reason).into() };
    told.iter().map(one).collect()
}

#[test]
fn who_sent_a_call_on_before_it_came_is_in_its_record_and_told_to_the_next() {
    let mut world = world(town());
    world.forwards("2004", Forward::Always, "95550103");
    let session = world.peer_sends_on("2004", &[("5550199", "no-answer")]);
    let mut invites = world.sip().heard.iter().filter(|message| message.method() == Some(&Method::Invite));
    let invite = invites.next_back().unwrap().clone();
    assert_eq!(
        list(&invite, &Name::Diversion),
        ["<sip:2004@127.0.0.1>;reason=unconditional", "<sip:5550199@127.0.0.30>;reason=no-answer"]
    );
    assert_eq!(
        list(&invite, &Name::HistoryInfo),
        [
            "<sip:5550199@127.0.0.30?Reason=SIP%3Bcause%3D408>;index=1",
            "<sip:2004@127.0.0.30?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1",
            "<sip:5550103@127.0.0.1>;index=1.1.1;mp=1.1",
        ]
    );
    world.peer_answers();
    world.pass(10);
    assert_eq!(world.stable[0].earlier, earlier(&[("5550199", "no-answer")]));
    world.peer_ends(session, 16);
    let world = world.end_of_trunk();
    let record = world.record_of("5550102", "2004");
    assert_eq!(record.earlier, earlier(&[("5550199", "no-answer")]));
    // What the exchange itself has done stands apart.
    assert_eq!((record.diversions.len(), record.diversions[0].by.as_str()), (1, "2004"));
}

#[test]
fn a_call_that_ends_where_it_was_sent_has_its_history_in_the_record() {
    let mut world = world(town());
    let session = world.peer_sends_on("2001", &[("5550198", "user-busy"), ("5550197", "unconditional")]);
    world.lift("2001");
    world.peer_ends(session, 16);
    world.hang_up("2001");
    let world = world.end_of_trunk();
    let record = world.record_of("5550102", "2001");
    assert_eq!(record.earlier, earlier(&[("5550197", "unconditional"), ("5550198", "user-busy")]));
    assert_eq!(record.diversions, []);
}

#[test]
fn a_telephone_is_told_who_sent_a_call_on_before_it_came() {
    let mut world = World::new(with_phones(with_trunk(town()), &["Gwen"]));
    world.pass(5);
    world.peer = Some(SipPeer::new(world.now));
    world.phones.push(SipPeer::phone(world.now, "2007", 41));
    world.pass(2);
    let session = world.peer_sends_on("2007", &[("5550199", "no-answer")]);
    let heard = &world.phone("2007").heard;
    let invite = heard.iter().find(|message| message.method() == Some(&Method::Invite)).unwrap();
    assert_eq!(list(invite, &Name::Diversion), ["<sip:5550199@127.0.0.30>;reason=no-answer"]);
    world.peer_ends(session, 16);
    world.pass(40);
    assert_eq!(world.record_of("5550102", "2007").earlier, earlier(&[("5550199", "no-answer")]));
}

#[test]
fn a_peer_whose_call_is_sent_on_is_told_so_once_and_before_the_next_ringing() {
    // Whoever is tried in between without being rung is nobody that its user must hear of.
    let mut world = world(town());
    world.forwards("2004", Forward::Always, "2005");
    world.forwards("2005", Forward::Always, "2002");
    let session = world.peer_calls("2004");
    assert_eq!(world.sip().words(), ["181", "180"]);
    world.peer_ends(session, 16);
    world.end_of_trunk();
}

#[test]
fn a_peer_hears_that_its_call_leaves_a_line_that_is_busy() {
    let mut world = world(town());
    world.forwards("2004", Forward::Busy, "2001");
    world.lift("2004");
    let session = world.peer_calls("2004");
    assert_eq!(world.sip().words(), ["181", "180"]);
    world.peer_ends(session, 16);
    world.hang_up("2004");
    world.end_of_trunk();
}

#[test]
fn a_peer_hears_between_two_lines_that_ring_that_its_call_has_left_the_first() {
    let mut world = world(town());
    world.forwards("2004", Forward::NoAnswer, "2005");
    world.forwards("2005", Forward::NoAnswer, "2001");
    let session = world.peer_calls("2004");
    assert_eq!(world.sip().words(), ["180"]);
    world.pass(25);
    assert_eq!(world.sip().words(), ["180", "181", "180"]);
    world.pass(25);
    assert_eq!(world.sip().words(), ["180", "181", "180", "181", "180"]);
    world.lift("2001");
    assert!(world.talks_abroad("2001", 7000));
    world.peer_ends(session, 16);
    world.hang_up("2001");
    world.end_of_trunk();
}

#[test]
fn a_call_that_must_not_be_sent_on_is_refused_without_a_word_of_it() {
    let mut world = world(town());
    world.forwards("2004", Forward::Always, "2005");
    world.forwards("2005", Forward::Always, "2004");
    world.peer_calls("2004");
    let words = world.sip().words();
    assert_eq!(words.iter().filter(|word| *word == "181").count(), 1, "{words:?}");
    assert!(words.last().unwrap().as_str() >= "400", "{words:?}");
    world.end_of_trunk();
}
