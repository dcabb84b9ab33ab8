//! SIP telephones: lines whose telephones register, call and are called. What they do beyond that is in `phone_features`.

use strowger_exchange::{CallPhase, Cause, Forward, Inventory, ReleasedBy, ServiceState, Setting};
use strowger_sdp::Direction;
use strowger_sip::agent;
use strowger_sip::message::{Name, Status};

use crate::sip_peer::{SipPeer, audio, with_phones, with_trunk};
use crate::world::{World, town};

/// A world in which the telephones of these lines are registered.
pub(crate) fn world(inventory: Inventory) -> World {
    let mut world = nowhere(inventory);
    let numbers: Vec<_> = world.inventory.lines.iter().filter(|line| line.phone().is_some()).collect();
    let numbers: Vec<_> = numbers.iter().map(|line| line.number.clone()).collect();
    for (number, host) in numbers.iter().zip(41..) {
        world.phones.push(SipPeer::phone(world.now, number, host));
    }
    world.pass(2);
    for number in numbers {
        assert_eq!(world.line(&number).service, ServiceState::InService, "{number}");
    }
    world.forget();
    world
}

/// The same before anybody has registered.
fn nowhere(inventory: Inventory) -> World {
    let mut world = World::new(inventory);
    world.pass(5);
    world.service.clear();
    world
}

impl World {
    pub(crate) fn phone(&mut self, number: &str) -> &mut SipPeer {
        let user = format!("desk-{number}");
        let is_its = |phone: &&mut SipPeer| {
            phone.agent.config().peers[0].credentials.as_ref().is_some_and(|known| known.user == user)
        };
        self.phones.iter_mut().find(is_its).unwrap()
    }

    /// What telephones have heard so far is of no interest.
    pub(crate) fn forget(&mut self) {
        for phone in &mut self.phones {
            phone.heard.clear();
            phone.events.clear();
        }
        self.service.clear();
    }

    pub(crate) fn phone_calls(&mut self, number: &str, called: &str) -> agent::SessionId {
        let now = self.now;
        let session = self.phone(number).call(now, called);
        self.settle();
        session
    }

    pub(crate) fn phone_rings(&mut self, number: &str) {
        let now = self.now;
        self.phone(number).ring(now);
        self.settle();
    }

    pub(crate) fn phone_answers(&mut self, number: &str) {
        let now = self.now;
        self.phone(number).answer(now);
        self.settle();
    }

    pub(crate) fn phone_ends(&mut self, number: &str, session: agent::SessionId, cause: u8) {
        let now = self.now;
        self.phone(number).agent.end(now, session, cause);
        self.settle();
    }

    /// The telephone describes its stream anew.
    pub(crate) fn phone_turns(&mut self, number: &str, session: agent::SessionId, direction: Direction) {
        let now = self.now;
        let phone = self.phone(number);
        let audio = phone.audio(7000);
        assert!(phone.agent.offer(now, session, &audio, direction));
        self.settle();
    }

    /// The telephone accepts what it is offered in its call.
    pub(crate) fn phone_accepts(&mut self, number: &str) {
        let now = self.now;
        let phone = self.phone(number);
        let offered = phone.events.iter().rev().find_map(|event| match event {
            agent::Event::Offered { session, .. } => Some(*session),
            _ => None,
        });
        let audio = phone.audio(7000);
        phone.agent.answer_offer(now, offered.unwrap(), &audio, Direction::SendRecv).unwrap();
        self.settle();
    }

    /// Whether a line on a gateway and a telephone hear each other.
    pub(crate) fn talks_with_phone(&mut self, number: &str, phone: &str) -> bool {
        let stream = self.endpoint(number).connections.values().next().cloned().unwrap();
        let own = format!("m=audio {} ", stream.port);
        stream.mode == "sendrecv"
            && stream.remote == Some(7000)
            && self.phone(phone).described().contains(&own)
    }

    /// What a telephone heard last.
    pub(crate) fn last(&mut self, number: &str) -> String {
        self.phone(number).words().last().cloned().unwrap_or_default()
    }

    pub(crate) fn end_of_phones(mut self) -> World {
        self.pass(40);
        for phone in &self.phones {
            assert_eq!(phone.agent.sessions(), 0, "{} has sessions", phone.address);
        }
        self.end()
    }
}

#[test]
fn a_telephone_that_registers_is_in_service_until_its_time_is_over() {
    let mut world = nowhere(with_phones(town(), &["Gwen"]));
    let line = world.line("2007");
    assert_eq!((line.service, line.contacts), (ServiceState::Unreachable, Some(Vec::new())));
    world.phones.push(SipPeer::phone(world.now, "2007", 41));
    world.pass(1);
    assert_eq!(world.phones[0].words(), ["401", "200"]);
    let line = world.line("2007");
    assert_eq!(line.service, ServiceState::InService);
    let contacts = line.contacts.unwrap();
    assert_eq!((contacts.len(), contacts[0].uri.as_str()), (1, "sip:desk-2007@127.0.0.41:5060"));
    assert_eq!(contacts[0].address, "127.0.0.41:5060".parse().unwrap());
    assert_eq!(world.registrations.last().unwrap().contacts, contacts);
    assert_eq!(world.states("2007"), [ServiceState::InService]);
    // It refreshes, and that is kept too.
    world.pass(3600);
    assert_eq!(world.line("2007").service, ServiceState::InService);
    assert!(world.registrations.last().unwrap().contacts[0].expires > contacts[0].expires);
    world.phones.clear();
    world.pass(3601);
    assert_eq!(world.states("2007"), [ServiceState::InService, ServiceState::Unreachable]);
    assert_eq!(world.registrations.last().unwrap().contacts, []);
}

#[test]
fn a_line_calls_a_telephone_which_shows_who_calls_and_talks() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.phone("2007").words(), ["INVITE"]);
    let invite = world.phone("2007").heard[0].clone();
    assert_eq!(invite.uri().unwrap().to_string(), "sip:desk-2007@127.0.0.41:5060");
    assert_eq!(
        invite.header.get(&Name::From).unwrap().split(';').next(),
        Some("\"Alice\" <sip:2001@127.0.0.1>")
    );
    assert!(invite.header.get(&Name::To).unwrap().contains("sip:2007@127.0.0.1"));
    assert_eq!(world.hears("2001"), "", "nothing rings yet");
    world.phone_rings("2007");
    assert_eq!(world.hears("2001"), "G/rt");
    world.pass(5);
    world.phone_answers("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    assert_eq!(world.hears("2001"), "");
    world.pass(60);
    world.hang_up("2001");
    assert_eq!(world.phone("2007").words(), ["INVITE", "ACK", "BYE"]);
    let world = world.end_of_phones();
    let record = world.record_of("2001", "2007");
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    let called = record.called.as_ref().unwrap();
    assert_eq!((called.number.as_str(), called.gateway.as_str()), ("2007", "sip"));
    assert_eq!((called.endpoint.as_str(), called.name.as_deref()), ("desk-2007", Some("Gwen")));
    assert_eq!(record.media.len(), 2);
}

#[test]
fn a_telephone_calls_a_line_when_it_has_proven_who_it_is_and_is_shown_as_its_line() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    let session = world.phone_calls("2007", "2004");
    // What it says of itself is not what the called party sees.
    assert_eq!(world.hears("2004"), "L/rg,L/ci(\"\",\"2007\",\"Gwen\")");
    assert_eq!(world.phone("2007").words(), ["180"], "it proved itself with what it was asked before");
    world.lift("2004");
    assert!(world.talks_with_phone("2004", "2007"));
    world.pass(30);
    world.phone_ends("2007", session, 16);
    assert_eq!(world.hears("2004"), "L/ro");
    world.hang_up("2004");
    // When that is too old it is asked again.
    world.pass(400);
    world.forget();
    let session = world.phone_calls("2007", "2004");
    assert_eq!(world.phone("2007").words(), ["401", "180"]);
    world.phone_ends("2007", session, 16);
    let world = world.end_of_phones();
    let record = world.record_of("2007", "2004");
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    assert_eq!((record.calling.gateway.as_str(), record.calling.endpoint.as_str()), ("sip", "desk-2007"));
}

#[test]
fn either_side_hangs_up_in_any_state() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    // The caller while it rings.
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_rings("2007");
    world.hang_up("2001");
    assert_eq!(world.phone("2007").words(), ["INVITE", "CANCEL", "ACK"]);
    // The telephone while it calls.
    let session = world.phone_calls("2007", "2001");
    assert!(world.hears("2001").starts_with("L/rg"));
    world.phone_ends("2007", session, 16);
    assert_eq!(world.hears("2001"), "");
    // The called telephone, when it talks.
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_answers("2007");
    let session = world.phone("2007").incoming();
    world.phone_ends("2007", session, 16);
    assert_eq!(world.ended.last().unwrap().released_by, ReleasedBy::Called);
    world.hang_up("2001");
    // The called line, when it talks.
    world.phone_calls("2007", "2001");
    world.lift("2001");
    world.hang_up("2001");
    world.pass(30);
    assert_eq!(world.last("2007"), "BYE");
    world.end_of_phones();
}

#[test]
fn telephones_call_each_other_and_trunks() {
    let mut world = world(with_phones(with_trunk(town()), &["Gwen", "Hugh"]));
    world.peer = Some(SipPeer::new(world.now));
    let session = world.phone_calls("2007", "2008");
    world.phone_rings("2008");
    world.phone_answers("2008");
    assert!(world.phone("2008").described().contains("c=IN IP4 127.0.0.41"));
    assert!(world.phone("2007").described().contains("c=IN IP4 127.0.0.42"));
    world.phone_ends("2007", session, 16);
    // To the trunk, and from it.
    let session = world.phone_calls("2007", "95550102");
    let now = world.now;
    let peer = world.peer.as_mut().unwrap();
    let from = peer.heard[0].header.get(&Name::From).unwrap();
    assert!(from.starts_with("\"Gwen\" <sip:2007@127.0.0.1>"), "{from}");
    peer.answer(now);
    world.settle();
    assert!(world.phone("2007").described().contains("c=IN IP4 127.0.0.30"));
    world.phone_ends("2007", session, 16);
    let now = world.now;
    let session = world.peer.as_mut().unwrap().call(now, "2008");
    world.settle();
    world.phone_answers("2008");
    assert!(world.phone("2008").described().contains("c=IN IP4 127.0.0.30"));
    let now = world.now;
    world.peer.as_mut().unwrap().agent.end(now, session, 16);
    world.settle();
    assert_eq!(world.last("2008"), "BYE");
    let world = world.end_of_phones();
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
}

#[test]
fn a_telephone_that_is_registered_nowhere_cannot_be_had() {
    let mut world = nowhere(with_phones(with_trunk(town()), &["Gwen", "Hugh"]));
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.hears("2001"), "L/ro");
    world.hang_up("2001");
    assert_eq!(world.ended[0].cause, Cause::SUBSCRIBER_ABSENT);
    world.peer = Some(SipPeer::new(world.now));
    let now = world.now;
    world.peer.as_mut().unwrap().call(now, "2007");
    world.settle();
    let peer = world.peer.as_mut().unwrap();
    assert_eq!(peer.words(), ["480"]);
    assert_eq!(peer.heard[0].header.get(&Name::Reason), Some("Q.850;cause=20"));
    // Where its calls are forwarded, they are.
    let forward = Setting::Forward(Forward::NoAnswer, Some("2004".to_owned()));
    world.exchange.set(world.now, "2007", &forward).unwrap();
    world.lift("2001");
    world.dial("2001", "2007");
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn the_words_of_a_telephone_are_what_its_callers_hear() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    for (cause, tone) in [(17, "L/bz"), (21, "L/ro"), (1, "sit(")] {
        world.lift("2001");
        world.dial("2001", "2007");
        let session = world.phone("2007").incoming();
        world.phone_ends("2007", session, cause);
        assert!(world.hears("2001").contains(tone), "{cause}: {}", world.hears("2001"));
        world.hang_up("2001");
        assert_eq!(world.ended.last().unwrap().cause.value(), cause);
    }
    // And the words of the exchange what a telephone shows.
    world.lift("2002");
    for (number, status) in
        [("2002", "486"), ("2999", "404"), ("20", "484"), ("alice", "404"), ("2007", "486")]
    {
        world.phone_calls("2007", number);
        assert_eq!(world.last("2007"), status, "{number}");
    }
    world.hang_up("2002");
    world.end_of_phones();
}

#[test]
fn a_telephone_in_a_call_is_busy_and_forwards_as_any_line() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    let session = world.phone_calls("2007", "2004");
    world.lift("2004");
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.hears("2001"), "L/bz");
    world.hang_up("2001");
    for (when, to) in [(Forward::Busy, "2002"), (Forward::Always, "2003")] {
        world.exchange.set(world.now, "2007", &Setting::Forward(when, Some(to.to_owned()))).unwrap();
        world.lift("2001");
        world.dial("2001", "2007");
        assert!(world.hears(to).starts_with("L/rg"), "{to}");
        world.hang_up("2001");
    }
    world.phone_ends("2007", session, 16);
    world.exchange.set(world.now, "2007", &Setting::Forward(Forward::Always, None)).unwrap();
    world.exchange.set(world.now, "2007", &Setting::DoNotDisturb(true)).unwrap();
    world.forget();
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.phone("2007").words(), [] as [&str; 0], "nobody disturbs it");
    assert!(world.hears("2002").starts_with("L/rg"), "as busy");
    world.end_of_phones();
}

#[test]
fn a_telephone_that_does_not_answer_is_given_up_and_its_call_goes_on() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    let forward = Setting::Forward(Forward::NoAnswer, Some("2004".to_owned()));
    world.exchange.set(world.now, "2007", &forward).unwrap();
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_rings("2007");
    world.patiently(|world| world.hears("2004").starts_with("L/rg"));
    assert_eq!(world.phone("2007").words(), ["INVITE", "CANCEL", "ACK"]);
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    world.hang_up("2001");
    world.hang_up("2004");
    // One that has been unplugged says nothing at all.
    world.phones.clear();
    world.lift("2001");
    world.dial("2001", "2007");
    world.patiently(|world| world.hears("2004").starts_with("L/rg"));
    world.end_of_phones();
}

#[test]
fn all_telephones_of_a_user_ring_and_the_first_that_answers_has_the_call() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    world.phones.push(SipPeer::phone(world.now, "2007", 51));
    world.pass(2);
    assert_eq!(world.line("2007").contacts.unwrap().len(), 2);
    world.forget();
    world.lift("2001");
    world.dial("2001", "2007");
    let now = world.now;
    for phone in &mut world.phones {
        assert_eq!(phone.words(), ["INVITE"]);
        phone.ring(now);
    }
    world.settle();
    assert_eq!(world.hears("2001"), "G/rt");
    let now = world.now;
    world.phones[1].answer(now);
    world.settle();
    assert_eq!(world.phones[1].words(), ["INVITE", "ACK"]);
    assert_eq!(world.phones[0].words(), ["INVITE", "CANCEL", "ACK"]);
    let cancel = &world.phones[0].heard[1];
    let reasons: Vec<_> = cancel.header.list(&Name::Reason).collect();
    assert!(reasons.iter().any(|reason| reason.starts_with("SIP;cause=200")), "{reasons:?}");
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7000)));
    assert!(world.phones[1].described().contains(&format!("m=audio {} ", stream.port)));
    world.hang_up("2001");
    assert_eq!(world.phones[1].words(), ["INVITE", "ACK", "BYE"]);
    // One is busy, and the other rings on; when both are, the caller hears that.
    for (number, hears) in [(0, "G/rt"), (1, "L/bz")] {
        if number == 0 {
            world.lift("2001");
            world.dial("2001", "2007");
            let now = world.now;
            for phone in &mut world.phones {
                phone.ring(now);
            }
            world.settle();
        }
        let (now, session) = (world.now, world.phones[number].incoming());
        world.phones[number].agent.end(now, session, 17);
        world.settle();
        assert_eq!(world.hears("2001"), hears);
    }
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn one_who_declines_declines_for_all_his_telephones() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    world.phones.push(SipPeer::phone(world.now, "2007", 51));
    world.pass(2);
    world.forget();
    world.lift("2001");
    world.dial("2001", "2007");
    let now = world.now;
    for phone in &mut world.phones {
        phone.ring(now);
    }
    world.settle();
    // The agent of these telephones has no word for 603.
    let invite = world.phones[0].heard[0].clone();
    let decline = decline(&invite);
    let from = world.phones[0].address;
    world.exchange.handle_input(world.now, crate::sip_peer::input(from, &decline));
    world.settle();
    assert_eq!(world.ended[0].cause, Cause::CALL_REJECTED);
    assert_eq!(world.phones[1].words(), ["INVITE", "CANCEL", "ACK"]);
    world.hang_up("2001");
    world.phones[0].heard.clear();
    let (now, session) = (world.now, world.phones[0].incoming());
    world.phones[0].agent.end(now, session, 16);
    world.end_of_phones();
}

/// 603 to an INVITE.
fn decline(invite: &strowger_sip::message::Message<'_>) -> Vec<u8> {
    let field = |name: &Name<'_>| invite.header.get(name).unwrap_or_default().to_owned();
    format!(
        "SIP/2.0 603 Decline\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=no\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
        field(&Name::Via),
        field(&Name::From),
        field(&Name::To),
        field(&Name::CallId),
        field(&Name::CSeq)
    )
    .into_bytes()
}

#[test]
fn a_telephone_is_heard_before_it_answers() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    world.lift("2001");
    world.dial("2001", "2007");
    let (now, session) = (world.now, world.phone("2007").incoming());
    let audio = world.phone("2007").audio(7000);
    let early = Status::SESSION_PROGRESS;
    world.phone("2007").agent.progress(now, session, early, Some(&audio)).unwrap();
    world.settle();
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("recvonly", Some(7000)));
    world.phone_answers("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_description_without_a_common_codec_or_of_a_third_host_is_refused() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    let now = world.now;
    let mut invitation = agent::Invitation {
        peer: agent::PeerId(0),
        called: "2004".to_owned(),
        caller: agent::Caller::default(),
        offer: audio(7000),
        history: None,
        diversions: Vec::new(),
        ring: None,
    };
    // The host of the trunk's peer is not the telephone's.
    world.phone("2007").agent.invite(now, &invitation).unwrap();
    world.settle();
    assert_eq!(world.last("2007"), "488");
    let phone = world.phone("2007");
    let opus = String::from_utf8(phone.audio(7000)).unwrap();
    let opus = opus
        .replace("RTP/AVP 0 8", "RTP/AVP 96")
        .replace("a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000", "a=rtpmap:96 opus/48000/2");
    invitation.offer = opus.into_bytes();
    assert!(world.ended.is_empty(), "no call has begun");
    // What the gateway does not speak is known when it has described itself.
    let now = world.now;
    world.phone("2007").agent.invite(now, &invitation).unwrap();
    world.settle();
    world.lift("2004");
    assert_eq!(world.last("2007"), "488");
    assert_eq!(world.ended[0].cause, Cause::BEARER_NOT_IMPLEMENTED);
    world.end_of_phones();
}

#[test]
fn telephones_are_where_they_were_when_the_exchange_has_started_again() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    world.pass(1000);
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    assert!(world.talks_with_phone("2001", "2007"));
    world.crash();
    world.pass(2);
    assert_eq!(world.start_again(), [], "its call is taken over");
    world.pass(5);
    assert_eq!(world.line("2007").service, ServiceState::InService);
    assert_eq!(world.last("2007"), "INVITE", "it is asked whether it still has the call");
    world.phone_accepts("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    world.phone_ends("2007", session, 16);
    world.hang_up("2001");
    assert_eq!(world.record_of("2007", "2001").cause, Cause::NORMAL_CLEARING);
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.last("2007"), "INVITE");
    world.hang_up("2001");
    // Its time goes on as if nothing had been.
    world.phones.clear();
    world.pass(2700);
    assert_eq!(world.line("2007").service, ServiceState::Unreachable);
}

#[test]
fn whatever_is_lost_once_a_call_of_a_telephone_stands_and_ends() {
    for lost in 0..30 {
        let mut world = world(with_phones(town(), &["Gwen"]));
        let mut number = 0;
        world.loses = Box::new(move |bytes| {
            let is_sip = bytes.windows(7).any(|part| part == b"SIP/2.0");
            number += u32::from(is_sip);
            is_sip && number == lost + 1
        });
        world.lift("2001");
        world.dial("2001", "2007");
        world.pass(2);
        world.phone_rings("2007");
        world.pass(2);
        world.phone_answers("2007");
        world.pass(10);
        assert!(world.talks_with_phone("2001", "2007"), "{lost}");
        world.hang_up("2001");
        world.pass(40);
        let session = world.phone_calls("2007", "2001");
        world.pass(5);
        world.lift("2001");
        world.pass(10);
        assert!(world.talks_with_phone("2001", "2007"), "{lost}");
        world.phone_ends("2007", session, 16);
        world.pass(40);
        world.hang_up("2001");
        world.end_of_phones();
    }
}
