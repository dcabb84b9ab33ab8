//! Transfers that the peer of a trunk asks for: by REFER (RFC 3515) and by INVITE with `Replaces` (RFC 3891).

use strowger_exchange::{Inventory, Referrals};
use strowger_sip::agent::{self, SessionId};
use strowger_sip::message::{Status, Uri};

use crate::sip_peer::{SipPeer, address, audio, input, with_trunk};
use crate::world::{World, town};

fn world(inventory: Inventory) -> World {
    let mut world = World::running(with_trunk(inventory));
    world.peer = Some(SipPeer::new(world.now));
    world
}

impl World {
    fn distant(&mut self) -> &mut SipPeer {
        self.peer.as_mut().unwrap()
    }

    /// The peer calls a line, which answers.
    fn talks_to(&mut self, number: &str) -> SessionId {
        let now = self.now;
        let session = self.distant().call(now, number);
        self.settle();
        self.lift(number);
        self.pass(2);
        session
    }

    fn refers(&mut self, session: SessionId, to: &'static str, replaces: Option<SessionId>) {
        let now = self.now;
        let uri = Uri::parse(to).unwrap();
        assert!(self.distant().agent.refer(now, session, &uri, replaces));
        self.settle();
    }

    /// What the peer has heard of its transfers.
    fn told(&mut self) -> Vec<u16> {
        let status = |event: &agent::Event| match event {
            agent::Event::Transferring { status, .. } => Some(status.code()),
            _ => None,
        };
        self.distant().events.iter().filter_map(status).collect()
    }

    fn are_apart(mut self) {
        self.pass(40);
        assert_eq!(self.distant().agent.sessions(), 0, "the peer has sessions");
        assert_eq!(self.exchange.snapshot().trunks[0].taken, 0, "channels are taken");
        self.end();
    }
}

#[test]
fn a_peer_sends_its_party_to_a_line() {
    let mut world = world(town());
    let session = world.talks_to("2001");
    world.refers(session, "sip:2004@127.0.0.1", None);
    assert_eq!(world.told(), [100, 180]);
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    assert_eq!(world.hears("2001"), "G/rt", "the party hears that it rings");
    world.lift("2004");
    world.pass(2);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.told(), [100, 180, 200]);
    assert_eq!(world.distant().words().last().unwrap(), "BYE", "{:?}", world.distant().words());
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
    world.pass(30);
    world.hang_up("2001");
    world.hang_up("2004");
    world.pass(5);
    let by = |call: &strowger_exchange::CallEnded| call.transfers.first().map(|one| one.by.clone());
    assert!(world.ended.iter().all(|call| by(call).as_deref() == Some("5550102")), "{:#?}", world.ended);
    world.are_apart();
}

#[test]
fn a_peer_whose_party_nobody_takes_has_it_back() {
    let mut world = world(town());
    let session = world.talks_to("2001");
    world.lift("2004");
    world.refers(session, "sip:2004@127.0.0.1", None);
    world.pass(3);
    assert_eq!(world.told(), [100, 486]);
    assert!(!world.distant().words().contains(&"BYE".to_owned()), "{:?}", world.distant().words());
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7000)), "they talk on");
    world.hang_up("2004");
    world.pass(10);
    let now = world.now;
    world.distant().agent.end(now, session, 16);
    world.settle();
    world.hang_up("2001");
    world.are_apart();
}

#[test]
fn a_peer_that_hangs_up_when_it_has_sent_its_party_away_is_not_given_it_back() {
    let mut world = world(town());
    let session = world.talks_to("2001");
    world.refers(session, "sip:2004@127.0.0.1", None);
    let now = world.now;
    world.distant().agent.end(now, session, 16);
    world.settle();
    // Nobody answers.
    world.pass(400);
    assert_eq!(world.hears("2004"), "");
    world.hang_up("2001");
    world.are_apart();
}

#[test]
fn a_peer_joins_the_parties_of_its_two_calls() {
    let mut world = world(town());
    let first = world.talks_to("2001");
    let second = world.talks_to("2004");
    world.refers(first, "sip:127.0.0.1", Some(second));
    world.pass(2);
    assert!(world.talk("2001", "2004"));
    assert_eq!(world.told(), [100, 200]);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0, "both of its channels are free");
    world.hang_up("2001");
    world.hang_up("2004");
    world.are_apart();
}

#[test]
fn where_a_peer_may_not_send_anybody_it_is_told_so() {
    for (to, told) in [
        // No such number; one that goes on; another exchange's user.
        ("sip:2999@127.0.0.1", vec![404]),
        ("sip:20@127.0.0.1", vec![484]),
        ("sip:2004@elsewhere.example", vec![403]),
        // A trunk's own calls do not leave by a trunk.
        ("sip:95550199@127.0.0.1", vec![100, 403]),
        // A session that is not there any more.
        ("sip:127.0.0.1?Replaces=gone%3Bto-tag%3Da%3Bfrom-tag%3Db", vec![100, 481]),
    ] {
        let mut world = world(town());
        let session = world.talks_to("2001");
        world.refers(session, "sip:2999@127.0.0.1", None);
        assert_eq!(world.told(), [404]);
        world.distant().events.clear();
        if to.contains("Replaces") {
            let kept = world.distant().agent.standing(session).unwrap();
            let refer = format!(
                "REFER {} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.30;branch=z9hG4bKr\r\nFrom: {};tag={}\r\nTo: {};tag={}\r\n\
                 Call-ID: {}\r\nCSeq: {} REFER\r\nContact: <sip:127.0.0.30>\r\nRefer-To: <{to}>\r\n\r\n",
                kept.dialog.target,
                kept.dialog.local,
                kept.dialog.local_tag,
                kept.dialog.remote,
                kept.dialog.remote_tag,
                kept.dialog.call_id,
                kept.dialog.local_seq + 9
            );
            world.exchange.handle_input(world.now, input(address(), refer.as_bytes()));
            world.settle();
            assert!(world.distant().words().contains(&"202".to_owned()));
            let heard = &world.distant().heard;
            let last = heard.iter().rev().find(|message| !message.body.is_empty()).unwrap();
            assert_eq!(&*last.body, b"SIP/2.0 481 Call/Transaction Does Not Exist\r\n");
        } else {
            world.refers(session, to, None);
            world.pass(2);
            assert_eq!(world.told(), told, "{to}");
        }
        let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
        assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7000)), "{to}: they talk on");
        let now = world.now;
        world.distant().agent.end(now, session, 16);
        world.settle();
        world.hang_up("2001");
        world.are_apart();
    }
}

#[test]
fn a_trunk_that_may_not_transfer_is_declined() {
    let mut inventory = with_trunk(town());
    inventory.trunks[0].transfers = Referrals::Refused;
    let mut world = World::running(inventory);
    world.peer = Some(SipPeer::new(world.now));
    let session = world.talks_to("2001");
    world.refers(session, "sip:2004@127.0.0.1", None);
    assert_eq!(world.told(), [603]);
    world.hang_up("2001");
    world.are_apart();
}

#[test]
fn a_call_of_a_peer_takes_the_place_of_another_of_its() {
    let mut world = world(town());
    let session = world.talks_to("2001");
    let kept = world.distant().agent.standing(session).unwrap();
    let body = String::from_utf8(audio(7200)).unwrap();
    let request = |method: &str, cseq: u32, more: &str, to: &str, body: &str| {
        format!(
            "{method} sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.30;branch=z9hG4bK{method}x\r\n\
             From: <sip:5550103@127.0.0.30>;tag=n\r\nTo: <sip:2001@127.0.0.1>{to}\r\nCall-ID: new\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:127.0.0.30>\r\n{more}Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    // As the exchange sees the dialog: its tag is the one that the peer calls remote.
    let replaces = format!(
        "Replaces: {};to-tag={};from-tag={}\r\n",
        kept.dialog.call_id, kept.dialog.remote_tag, kept.dialog.local_tag
    );
    world.distant().heard.clear();
    let invite = request("INVITE", 1, &replaces, "", &body);
    world.exchange.handle_input(world.now, input(address(), invite.as_bytes()));
    world.settle();
    let heard = world.distant().heard.clone();
    let accepted = heard
        .iter()
        .find(|message| message.status() == Some(Status::OK) && message.header.call_id() == Some("new"));
    let tag = accepted.expect("no answer").header.to().unwrap().tag().unwrap().to_owned();
    let to = format!(";tag={tag}");
    let ack = request("ACK", 1, "", &to, "");
    world.exchange.handle_input(world.now, input(address(), ack.as_bytes()));
    world.settle();
    world.pass(2);
    assert!(world.distant().words().contains(&"BYE".to_owned()), "the old session is over");
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7200)));
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 1);
    let bye = request("BYE", 2, "", &to, "");
    world.exchange.handle_input(world.now, input(address(), bye.as_bytes()));
    world.settle();
    world.hang_up("2001");
    world.pass(5);
    let record = world.record_of("5550102", "2001");
    assert!(record.answer.is_some());
    world.are_apart();
}
