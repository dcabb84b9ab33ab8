//! Transfers that telephones ask for, and calls that another picks up: REFER (RFC 3515) and INVITE with `Replaces` (RFC 3891).

use strowger_exchange::{Cause, Event, Inventory};
use strowger_sip::agent::{self, SessionId};
use strowger_sip::message::{Message, Uri};
use strowger_sip::{Limits, text};

use crate::phones;
use crate::sip_peer::{SipPeer, input, with_phones, with_trunk};
use crate::world::{World, all};

/// Gwen has the telephone 2007, and Hank 2008.
fn world(town: Inventory) -> World {
    phones::world(with_phones(town, &["Gwen", "Hank"]))
}

impl World {
    fn phone_refers(&mut self, number: &str, session: SessionId, to: &'static str, other: Option<SessionId>) {
        let now = self.now;
        let uri = Uri::parse(to).unwrap();
        assert!(self.phone(number).agent.refer(now, session, &uri, other));
        self.settle();
    }

    /// What a telephone has heard of its transfers.
    fn told_of_transfers(&mut self, number: &str) -> Vec<u16> {
        let status = |event: &agent::Event| match event {
            agent::Event::Transferring { status, .. } => Some(status.code()),
            _ => None,
        };
        self.phone(number).events.iter().filter_map(status).collect()
    }

    /// A telephone, or the peer of the trunk, says something that the story has changed on its way.
    fn say_changed(&mut self, by: impl Fn(&mut World) -> &mut SipPeer, change: impl Fn(String) -> String) {
        let said: Vec<_> = {
            let speaker = by(self);
            std::iter::from_fn(|| speaker.transmit()).collect()
        };
        for (from, bytes) in said {
            let changed = change(String::from_utf8(bytes).unwrap());
            self.exchange.handle_input(self.now, input(from, changed.as_bytes()));
        }
        self.settle();
    }
}

/// `Replaces` of the dialog that an INVITE and what answered it made, as who has sent the INVITE sees it.
fn replaces(invite: &Message<'_>, to_tag: &str) -> String {
    let from = invite.header.from().unwrap().tag().unwrap().to_owned();
    format!("Replaces: {};to-tag={from};from-tag={to_tag}\r\n", invite.header.call_id().unwrap())
}

/// Somebody rings, and says so: the tag of its answer.
fn tag_of_ringing(world: &mut World, by: impl Fn(&mut World) -> &mut SipPeer) -> String {
    let now = world.now;
    by(world).ring(now);
    let (from, bytes) = by(world).transmit().unwrap();
    let ringing = text::decode(&bytes, &Limits::default()).unwrap().into_owned();
    world.exchange.handle_input(world.now, input(from, &bytes));
    world.settle();
    ringing.header.to().unwrap().tag().unwrap().to_owned()
}

#[test]
fn a_telephone_sends_its_party_to_a_number_and_hears_how_that_goes() {
    let mut world = world(all());
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.phone_refers("2007", session, "sip:2004@127.0.0.1", None);
    assert_eq!(world.told_of_transfers("2007"), [100, 180]);
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.lift("2004");
    world.pass(2);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.told_of_transfers("2007"), [100, 180, 200]);
    assert_eq!(world.last("2007"), "BYE");
    world.hang_up("2001");
    world.hang_up("2004");
    world.end_of_phones();
}

#[test]
fn a_telephone_joins_the_parties_of_its_two_calls() {
    let mut world = world(all());
    let first = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.phone_turns("2007", first, strowger_sdp::Direction::Inactive);
    let second = world.phone_calls("2007", "2004");
    world.lift("2004");
    world.phone_refers("2007", first, "sip:127.0.0.1", Some(second));
    world.pass(2);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.told_of_transfers("2007"), [100, 200]);
    assert_eq!(world.phone("2007").agent.sessions(), 0);
    world.hang_up("2001");
    world.hang_up("2004");
    world.end_of_phones();
}

#[test]
fn a_telephone_whose_party_nobody_takes_is_called_for_it() {
    let mut world = world(all());
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.lift("2004");
    world.phone_refers("2007", session, "sip:2004@127.0.0.1", None);
    world.pass(2);
    assert_eq!(world.told_of_transfers("2007"), [100, 486]);
    assert!(world.events.iter().any(|event| matches!(event, Event::TransferFailed { .. })));
    assert!(world.phone("2007").words().contains(&"INVITE".to_owned()), "{:?}", world.phone("2007").words());
    world.phone_answers("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    world.hang_up("2004");
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_telephone_that_may_not_transfer_or_names_nobody_is_told_so() {
    for (may, to, status) in [(false, "sip:2004@127.0.0.1", 501), (true, "sip:2999@127.0.0.1", 404)] {
        let mut town = with_phones(all(), &["Gwen"]);
        town.lines.last_mut().unwrap().features.transfer = may;
        let mut world = phones::world(town);
        let session = world.phone_calls("2007", "2001");
        world.lift("2001");
        world.phone_refers("2007", session, to, None);
        let told = world.told_of_transfers("2007");
        assert!(told == [status] || !may && told.len() == 1 && told[0] >= 400, "{to}: {told:?}");
        assert!(world.talks_with_phone("2001", "2007"), "they talk on");
        world.phone_ends("2007", session, 16);
        world.hang_up("2001");
        world.end_of_phones();
    }
}

#[test]
fn a_telephone_picks_up_what_rings_at_another() {
    let mut world = world(all());
    world.lift("2001");
    world.dial("2001", "2008");
    let tag = tag_of_ringing(&mut world, |world| world.phone("2008"));
    assert_eq!(world.hears("2001"), "G/rt");
    let header = replaces(&world.phone("2008").heard[0].clone(), &tag);
    let now = world.now;
    world.phone("2007").call(now, "2008");
    world.say_changed(
        |world| world.phone("2007"),
        |said| said.replacen("Content-Type:", &format!("{header}Content-Type:"), 1),
    );
    world.pass(1);
    assert!(world.talks_with_phone("2001", "2007"), "{:?}", world.phone("2007").words());
    assert!(world.phone("2008").words().contains(&"CANCEL".to_owned()), "{:?}", world.phone("2008").words());
    world.hang_up("2001");
    let world = world.end_of_phones();
    let record = world.record_of("2001", "2008");
    assert_eq!(record.called.as_ref().unwrap().number, "2007", "who took it");
    assert_eq!(record.cause, Cause::NORMAL_CLEARING);
}

#[test]
fn a_telephone_takes_the_place_of_another_in_a_talk() {
    let mut world = world(all());
    world.lift("2001");
    world.dial("2001", "2008");
    world.phone_rings("2008");
    world.phone_answers("2008");
    assert!(world.talks_with_phone("2001", "2008"));
    let session = world.phone("2008").incoming();
    let kept = world.phone("2008").agent.standing(session).unwrap();
    let header = format!(
        "Replaces: {};to-tag={};from-tag={}\r\n",
        kept.dialog.call_id, kept.dialog.remote_tag, kept.dialog.local_tag
    );
    let now = world.now;
    world.phone("2007").call(now, "2008");
    world.say_changed(
        |world| world.phone("2007"),
        |said| said.replacen("Content-Type:", &format!("{header}Content-Type:"), 1),
    );
    world.pass(1);
    assert!(world.talks_with_phone("2001", "2007"), "{:?}", world.phone("2007").words());
    assert_eq!(world.last("2008"), "BYE");
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_peer_picks_up_elsewhere_what_rings_at_one_of_its_users() {
    let mut world = phones::world(with_phones(with_trunk(all()), &["Gwen"]));
    world.peer = Some(SipPeer::new(world.now));
    world.lift("2001");
    world.dial("2001", "95550102");
    let tag = tag_of_ringing(&mut world, |world| world.peer.as_mut().unwrap());
    let header = replaces(&world.peer.as_ref().unwrap().heard[0].clone(), &tag);
    let now = world.now;
    world.peer.as_mut().unwrap().call(now, "2001");
    world.say_changed(
        |world| world.peer.as_mut().unwrap(),
        |said| said.replacen("Content-Type:", &format!("{header}Content-Type:"), 1),
    );
    world.pass(1);
    let peer = world.peer.as_ref().unwrap();
    assert!(peer.words().contains(&"CANCEL".to_owned()), "{:?}", peer.words());
    assert_eq!(peer.agent.sessions(), 1);
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7000)));
    assert_eq!(world.stable.len(), 1, "it is answered once");
    world.hang_up("2001");
    world.pass(40);
    assert_eq!(world.peer.as_ref().unwrap().agent.sessions(), 0);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    world.end_of_phones();
}

#[test]
fn what_is_picked_up_is_cancelled_at_all_telephones_that_ring_for_it() {
    let mut world = world(all());
    // Hank has a second telephone.
    world.phones.push(SipPeer::phone(world.now, "2008", 52));
    world.pass(2);
    world.forget();
    world.lift("2001");
    world.dial("2001", "2008");
    let tag = tag_of_ringing(&mut world, |world| world.phone("2008"));
    let header = replaces(&world.phone("2008").heard[0].clone(), &tag);
    let now = world.now;
    world.phones.last_mut().unwrap().ring(now);
    world.settle();
    world.phone("2007").call(now, "2008");
    world.say_changed(
        |world| world.phone("2007"),
        |said| said.replacen("Content-Type:", &format!("{header}Content-Type:"), 1),
    );
    world.pass(1);
    for phone in &world.phones[1..] {
        assert!(phone.words().contains(&"CANCEL".to_owned()), "{:?}", phone.words());
    }
    assert!(world.talks_with_phone("2001", "2007"));
    world.hang_up("2001");
    world.end_of_phones();
}

/// An exchange starts again, and takes over what was answered; what rang has died with the one before, without a record.
fn begin_again(world: &mut World) {
    let kept: Vec<_> = world.stable.iter().map(|stable| stable.call).collect();
    world.events.retain(|event| !matches!(event, Event::CallStarted { call, .. } if !kept.contains(call)));
    assert_eq!(world.start_again(), []);
}

#[test]
fn a_party_that_waits_for_a_telephone_is_given_back_to_it_by_the_next_exchange() {
    let mut world = world(all());
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.pass(5);
    world.phone_refers("2007", session, "sip:2004@127.0.0.1", None);
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.crash();
    world.pass(2);
    begin_again(&mut world);
    world.forget();
    world.pass(10);
    assert_eq!(world.hears("2004"), "", "nobody is rung any more");
    assert!(world.phone("2007").words().contains(&"INVITE".to_owned()), "{:?}", world.phone("2007").words());
    world.phone_answers("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    world.phone_ends("2007", session, 16);
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_party_that_waits_for_a_peer_whose_session_died_with_the_exchange_is_released() {
    let mut world = World::running(with_trunk(all()));
    world.peer = Some(SipPeer::new(world.now));
    let (now, peer) = (world.now, world.peer.as_mut().unwrap());
    let session = peer.call(now, "2001");
    world.settle();
    world.lift("2001");
    world.pass(5);
    let (now, uri) = (world.now, Uri::parse("sip:2004@127.0.0.1").unwrap());
    assert!(world.peer.as_mut().unwrap().agent.refer(now, session, &uri, None));
    world.settle();
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.crash();
    world.pass(2);
    begin_again(&mut world);
    world.pass(130);
    assert_ne!(world.hears("2001"), "L/ht", "it does not wait for ever");
    assert_eq!(world.exchange.snapshot().calls.len(), 0);
    let now = world.now;
    world.peer.as_mut().unwrap().agent.end(now, session, 16);
    world.pass(40);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    world.end();
}
