//! Calls to and from a SIP trunk.

use strowger_exchange::{Cause, Event, Forward, ReleasedBy, RouteTarget, Setting, TrunkEntry};
use strowger_sansio::Duration;
use strowger_sip::agent;
use strowger_sip::message::Name;

use crate::sip_peer::{SipPeer, address, audio, input, with_trunk};
use crate::world::{World, all, town};

pub(crate) fn world(inventory: strowger_exchange::Inventory) -> World {
    let mut world = World::running(with_trunk(inventory));
    world.peer = Some(SipPeer::new(world.now));
    world
}

impl World {
    pub(crate) fn sip(&mut self) -> &mut SipPeer {
        self.peer.as_mut().unwrap()
    }

    pub(crate) fn peer_calls(&mut self, number: &str) -> agent::SessionId {
        let now = self.now;
        let session = self.sip().call(now, number);
        self.settle();
        session
    }

    pub(crate) fn peer_rings(&mut self) {
        let now = self.now;
        self.sip().ring(now);
        self.settle();
    }

    pub(crate) fn peer_answers(&mut self) {
        let now = self.now;
        self.sip().answer(now);
        self.settle();
    }

    pub(crate) fn peer_ends(&mut self, session: agent::SessionId, cause: u8) {
        let now = self.now;
        self.sip().agent.end(now, session, cause);
        self.settle();
    }

    /// Whether a line and the peer hear each other.
    pub(crate) fn talks_abroad(&mut self, number: &str, port: u16) -> bool {
        let stream = self.endpoint(number).connections.values().next().cloned().unwrap();
        let own = format!("m=audio {} ", stream.port);
        stream.mode == "sendrecv" && stream.remote == Some(port) && self.sip().described().contains(&own)
    }

    pub(crate) fn end_of_trunk(mut self) -> Self {
        self.pass(40);
        assert_eq!(self.sip().agent.sessions(), 0, "the peer has sessions");
        let world = self.end();
        assert_eq!(world.exchange.snapshot().trunks[0].taken, 0, "channels are taken");
        world
    }
}

#[test]
fn a_line_calls_a_number_of_the_trunk_and_talks() {
    let mut world = world(town());
    world.lift("2001");
    world.dial("2001", "95550102");
    assert_eq!(world.sip().words(), ["INVITE"]);
    let invite = world.sip().heard[0].clone();
    assert_eq!(invite.uri().unwrap().to_string(), "sip:5550102@127.0.0.30");
    assert_eq!(
        invite.header.get(&Name::From).unwrap().split(';').next(),
        Some("\"Alice\" <sip:2001@127.0.0.1>")
    );
    assert_eq!(world.hears("2001"), "", "nothing rings yet");
    world.peer_rings();
    assert_eq!(world.hears("2001"), "G/rt");
    world.pass(5);
    world.peer_answers();
    assert!(world.talks_abroad("2001", 7000));
    assert_eq!(world.hears("2001"), "");
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 1);
    world.pass(60);
    world.hang_up("2001");
    assert_eq!(world.sip().words(), ["INVITE", "ACK", "BYE"]);
    let world = world.end_of_trunk();
    let record = world.record_of("2001", "95550102");
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    let called = record.called.as_ref().unwrap();
    assert_eq!((called.number.as_str(), called.gateway.as_str()), ("5550102", "carrier"));
    assert_eq!(record.media.len(), 2);
}

#[test]
fn the_peer_calls_a_line_and_hangs_up() {
    let mut world = world(town());
    let session = world.peer_calls("2004");
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",\"5550102\",\"Far Away\")");
    assert_eq!(world.sip().words(), ["180"]);
    world.lift("2004");
    assert!(world.talks_abroad("2004", 7000));
    world.pass(30);
    world.peer_ends(session, 16);
    assert_eq!(world.hears("2004"), "L/ro");
    world.hang_up("2004");
    let world = world.end_of_trunk();
    let record = world.record_of("5550102", "2004");
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    assert_eq!(record.calling.gateway, "carrier");
}

#[test]
fn a_called_line_that_hangs_up_ends_the_peers_call_with_bye() {
    let mut world = world(town());
    world.peer_calls("2004");
    world.lift("2004");
    world.hang_up("2004");
    world.pass(30);
    assert_eq!(world.sip().words().last().unwrap(), "BYE");
    world.end_of_trunk();
}

#[test]
fn refusals_have_the_status_of_their_cause_and_causes_that_of_their_status() {
    let mut world = world(town());
    world.lift("2002");
    for (number, status) in [("2002", "486"), ("2999", "404"), ("20", "484"), ("95550102", "403")] {
        world.peer_calls(number);
        assert_eq!(world.sip().words().last().unwrap(), status, "{number}");
    }
    world.hang_up("2002");
    for (cause, tone, expected) in [(17, "L/bz", Cause::USER_BUSY), (1, "sit(", Cause::UNALLOCATED_NUMBER)] {
        world.lift("2001");
        world.dial("2001", "95550102");
        let session = world.sip().incoming();
        world.peer_ends(session, cause);
        let heard = world.hears("2001");
        assert!(heard.contains(tone), "{cause}: {heard}");
        world.hang_up("2001");
        assert_eq!(world.ended.last().unwrap().cause, expected);
    }
    world.end_of_trunk();
}

#[test]
fn what_the_peer_says_before_it_answers_is_heard_in_the_place_of_ringing() {
    let mut world = world(town());
    world.lift("2001");
    world.dial("2001", "95550102");
    world.peer_rings();
    assert_eq!(world.hears("2001"), "G/rt");
    let (now, session) = (world.now, world.sip().incoming());
    let status = strowger_sip::message::Status::SESSION_PROGRESS;
    world.sip().agent.progress(now, session, status, Some(&audio(7000))).unwrap();
    world.settle();
    assert_eq!(world.hears("2001"), "");
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("recvonly", Some(7000)));
    assert!(world.stable.is_empty(), "nobody has answered");
    world.peer_answers();
    assert!(world.talks_abroad("2001", 7000));
    world.hang_up("2001");
    assert_eq!(world.sip().words(), ["INVITE", "PRACK", "ACK", "BYE"]);
    world.end_of_trunk();
}

#[test]
fn a_peer_that_offers_nothing_is_offered_the_lines_stream() {
    let mut world = world(town());
    let (now, from) = (world.now, address());
    let request = |method: &str, to: &str, body: &str| {
        format!(
            "{method} sip:2001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.30;branch=z9hG4bK{method}\r\n\
             From: <sip:5550102@127.0.0.30>;tag=f\r\nTo: <sip:2001@127.0.0.1>{to}\r\nCall-ID: late\r\n\
             CSeq: 1 {method}\r\nContact: <sip:127.0.0.30>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    world.exchange.handle_input(now, input(from, request("INVITE", "", "").as_bytes()));
    world.settle();
    assert!(world.hears("2001").starts_with("L/rg"));
    world.lift("2001");
    let accepted =
        world.sip().heard.iter().find(|message| message.status().is_some_and(|status| status.code() == 200));
    let tag = accepted.unwrap().header.to().unwrap().tag().unwrap().to_owned();
    let body = String::from_utf8(audio(7000)).unwrap();
    let ack = request("ACK", &format!(";tag={tag}"), &body);
    world.exchange.handle_input(world.now, input(from, ack.as_bytes()));
    world.settle();
    assert!(world.talks_abroad("2001", 7000));
    world.hang_up("2001");
    world.pass(60);
    world.sip().heard.clear();
    world.end_of_trunk();
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_abroad_cancels() {
    let mut world = world(town());
    world.lift("2001");
    world.dial("2001", "95550102");
    world.peer_rings();
    world.hang_up("2001");
    assert_eq!(world.sip().words(), ["INVITE", "CANCEL", "ACK"]);
    world.end_of_trunk();
}

#[test]
fn a_peer_that_cancels_stops_the_ringing() {
    let mut world = world(town());
    let session = world.peer_calls("2001");
    assert!(world.hears("2001").starts_with("L/rg"));
    world.peer_ends(session, 16);
    assert_eq!(world.hears("2001"), "");
    assert_eq!(world.ended[0].cause, Cause::NORMAL_CLEARING);
    world.end_of_trunk();
}

#[test]
fn a_line_puts_the_peer_on_hold_and_returns() {
    let mut world = world(all());
    world.peer_calls("2001");
    world.lift("2001");
    world.flash("2001");
    assert!(world.sip().described().contains("a=sendonly"), "{}", world.sip().described());
    let session = world.sip().events.iter().rev().find_map(|event| match event {
        agent::Event::Offered { session, .. } => Some(*session),
        _ => None,
    });
    let now = world.now;
    let (session, both) = (session.unwrap(), strowger_sdp::Direction::SendRecv);
    world.sip().agent.answer_offer(now, session, &audio(7000), both).unwrap();
    world.settle();
    world.flash("2001");
    assert!(!world.sip().described().contains("a=sendonly"));
    let now = world.now;
    world.sip().agent.answer_offer(now, session, &audio(7000), both).unwrap();
    world.settle();
    assert!(world.talks_abroad("2001", 7000));
    world.hang_up("2001");
    world.end_of_trunk();
}

#[test]
fn a_peer_that_moves_its_stream_is_followed() {
    let mut world = world(town());
    let session = world.peer_calls("2001");
    world.lift("2001");
    let now = world.now;
    assert!(world.sip().agent.offer(now, session, &audio(7100), strowger_sdp::Direction::SendRecv));
    world.settle();
    assert!(world.talks_abroad("2001", 7100));
    world.hang_up("2001");
    world.end_of_trunk();
}

#[test]
fn a_line_that_forwards_its_calls_abroad_says_so() {
    let mut world = world(town());
    let forward = Setting::Forward(Forward::Always, Some("95550102".to_owned()));
    world.exchange.set(world.now, "2004", &forward).unwrap();
    world.lift("2001");
    world.dial("2001", "2004");
    let invite = world.sip().heard[0].clone();
    assert_eq!(invite.header.get(&Name::Diversion), Some("<sip:2004@127.0.0.1>;reason=unconditional"));
    world.peer_answers();
    assert!(world.talks_abroad("2001", 7000));
    world.hang_up("2001");
    world.end_of_trunk();
}

#[test]
fn a_call_that_was_sent_on_often_enough_is_not_sent_on_here() {
    for (before, rings) in [(0, true), (30, false)] {
        let mut world = world(town());
        let forward = Setting::Forward(Forward::Always, Some("2001".to_owned()));
        world.exchange.set(world.now, "2004", &forward).unwrap();
        let diversions = "Diversion: <sip:5550199@127.0.0.30>;reason=unconditional\r\n".repeat(before);
        let invite = format!(
            "INVITE sip:2004@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.30;branch=z9hG4bKd\r\n\
             From: <sip:5550102@127.0.0.30>;tag=f\r\nTo: <sip:2004@127.0.0.1>\r\nCall-ID: often\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:127.0.0.30>\r\n{diversions}Content-Length: 0\r\n\r\n"
        );
        world.exchange.handle_input(world.now, input(address(), invite.as_bytes()));
        world.settle();
        assert_eq!(world.hears("2001").starts_with("L/rg"), rings, "{before}");
        let refused = world.ended.first().map(|call| call.cause);
        assert_eq!(refused, (!rings).then_some(Cause::EXCHANGE_ROUTING_ERROR), "{before}");
    }
}

#[test]
fn a_trunk_whose_peer_is_gone_is_passed_over() {
    let mut town = with_trunk(town());
    town.trunks[0].probe = Some(Duration::from_secs(30));
    town.trunks.push(TrunkEntry::sip("other", "127.0.0.31:5060".parse().unwrap()));
    town.routes[0].to.push(RouteTarget::Line("2004".to_owned()));
    let mut world = World::running(town);
    world.pass(60);
    world.lift("2001");
    world.dial("2001", "95550102");
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn a_trunk_has_as_many_calls_as_channels() {
    let mut town = with_trunk(town());
    town.trunks[0].channels = 1;
    let mut world = World::running(town);
    world.peer = Some(SipPeer::new(world.now));
    world.peer_calls("2001");
    world.peer_calls("2002");
    assert_eq!(world.sip().words(), ["180", "503"]);
    world.lift("2001");
    world.hang_up("2001");
    world.pass(40);
    world.peer_calls("2002");
    assert_eq!(world.sip().words().last().unwrap(), "180");
    let session = agent::SessionId(3);
    world.peer_ends(session, 16);
    world.end_of_trunk();
}

#[test]
fn strangers_hear_nothing_from_the_exchange() {
    let mut world = world(town());
    let stranger = "127.0.0.99:5060".parse().unwrap();
    let options = "OPTIONS sip:2001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.99;branch=z9hG4bK1\r\nFrom: <sip:x@y>;tag=1\r\n\
                   To: <sip:2001@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
    world.exchange.handle_input(world.now, input(stranger, options.as_bytes()));
    assert_eq!(world.exchange.poll_transmit(), None);
    world.settle();
    assert!(world.events.contains(&Event::UnlistedSource { from: stranger }));
    world.exchange.handle_input(world.now, input(address(), b"rubbish\r\n\r\n"));
    world.settle();
    let told = |event: &Event| matches!(event, Event::MalformedSip { trunk, .. } if trunk == "carrier");
    assert!(world.events.iter().any(told));
}

#[test]
fn whatever_is_lost_once_a_call_stands_and_ends() {
    for lost in 0..30 {
        let mut world = world(town());
        let mut number = 0;
        world.loses = Box::new(move |bytes| {
            let is_sip = bytes.windows(7).any(|part| part == b"SIP/2.0");
            number += u32::from(is_sip);
            is_sip && number == lost + 1
        });
        world.lift("2001");
        world.dial("2001", "95550102");
        world.pass(2);
        world.peer_rings();
        world.pass(2);
        world.peer_answers();
        world.pass(10);
        assert!(world.talks_abroad("2001", 7000), "{lost}");
        world.hang_up("2001");
        world.pass(40);
        let session = world.peer_calls("2001");
        world.pass(5);
        world.lift("2001");
        world.pass(10);
        assert!(world.talks_abroad("2001", 7000), "{lost}");
        world.peer_ends(session, 16);
        world.pass(40);
        world.end_of_trunk();
    }
}
