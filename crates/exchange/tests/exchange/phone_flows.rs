//! SIP telephones over connections: reached by the one that they made, as long as it stands (RFC 3261 section 18, RFC 5626).

use std::net::SocketAddr;

use strowger_exchange::{CallPhase, Cause, Forward, Input, ServiceState, Setting, SipStream, SipTransport};
use strowger_sip::auth::{Challenge, Known, Secret, Subject};
use strowger_sip::message::{Message, Name, Status};
use strowger_sip::{Limits, Transport, text};

use crate::sip_peer::{self, FLOWS, SipPeer, over_tcp, with_phones};
use crate::world::{World, town};

/// 2007 has registered over TCP.
fn world() -> World {
    let mut world = World::new(over_tcp(with_phones(town(), &["Gwen"])));
    world.pass(5);
    world.phones.push(SipPeer::phone_by(world.now, "2007", 41, Transport::Tcp));
    world.pass(2);
    assert_eq!(world.line("2007").service, ServiceState::InService);
    // One that has stood for a while is made again at once.
    world.pass(600);
    world.forget();
    world
}

impl World {
    /// The connection of a telephone ends, and both sides see it.
    fn cuts(&mut self, number: &str) {
        self.loses_connection(number);
        let now = self.now;
        self.phone(number).disconnected(now);
    }

    /// The connection of a telephone ends, and the exchange alone sees it: somebody has pulled the plug.
    fn loses_connection(&mut self, number: &str) {
        let from = sip_peer::way(self.phone(number).place);
        self.exchange.handle_sip_stream(self.now, SipStream::Ended { from, unsent: &[] });
    }
}

#[test]
fn a_telephone_over_tcp_calls_and_is_called_by_the_connection_that_it_made() {
    let mut world = world();
    let contact = world.line("2007").contacts.unwrap().remove(0);
    assert_eq!(contact.uri, "sip:desk-2007@127.0.0.41:5060;transport=tcp");
    assert_eq!((contact.transport, contact.address.port()), (SipTransport::Tcp, FLOWS));
    world.lift("2001");
    world.dial("2001", "2007");
    // To the port of its connection, which is not that of its contact.
    assert_eq!(world.phone("2007").words(), ["INVITE"]);
    let invite = world.phone("2007").heard[0].clone();
    assert_eq!(invite.uri().unwrap().to_string(), contact.uri);
    assert!(invite.header.get(&Name::Via).unwrap().starts_with("SIP/2.0/TCP 127.0.0.1:5060;"));
    assert_eq!(invite.header.get(&Name::Contact), Some("<sip:127.0.0.1:5060;transport=tcp>"));
    world.phone_rings("2007");
    assert_eq!(world.hears("2001"), "G/rt");
    world.phone_answers("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    world.hang_up("2001");
    assert_eq!(world.phone("2007").words(), ["INVITE", "ACK", "BYE"]);
    let session = world.phone_calls("2007", "2001");
    assert!(world.hears("2001").starts_with("L/rg"));
    world.lift("2001");
    assert!(world.talks_with_phone("2001", "2007"));
    world.phone_ends("2007", session, 16);
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_telephone_whose_connection_has_ended_is_nowhere_until_it_makes_another() {
    let mut world = world();
    world.loses_connection("2007");
    world.settle();
    let line = world.line("2007");
    assert_eq!((line.service, line.contacts), (ServiceState::Unreachable, Some(Vec::new())));
    assert_eq!(world.registrations.last().unwrap().contacts, [], "and so it is kept");
    assert_eq!(world.states("2007"), [ServiceState::Unreachable]);
    // Who calls it hears so at once.
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.hears("2001"), "L/ro");
    world.hang_up("2001");
    assert_eq!(world.ended[0].cause, Cause::SUBSCRIBER_ABSENT);
    assert_eq!(world.phone("2007").words(), [] as [&str; 0]);
    let now = world.now;
    world.phone("2007").disconnected(now);
    world.pass(2);
    assert_eq!(world.states("2007"), [ServiceState::Unreachable, ServiceState::InService]);
    assert_eq!(world.line("2007").contacts.unwrap()[0].address.port(), FLOWS + 1);
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.last("2007"), "INVITE");
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_connection_that_is_found_to_have_ended_late_takes_nothing_away_from_the_next_one() {
    let mut world = world();
    let old = sip_peer::way(world.phone("2007").place);
    let now = world.now;
    world.phone("2007").disconnected(now);
    world.pass(2);
    world.exchange.handle_sip_stream(world.now, SipStream::Ended { from: old, unsent: &[] });
    world.settle();
    assert_eq!(world.line("2007").service, ServiceState::InService);
    assert_eq!(world.line("2007").contacts.unwrap()[0].address.port(), FLOWS + 1);
}

#[test]
fn a_call_whose_connection_ends_before_anybody_has_said_anything_goes_on_at_once() {
    let mut world = world();
    let forward = Setting::Forward(Forward::NoAnswer, Some("2004".to_owned()));
    world.exchange.set(world.now, "2007", &forward).unwrap();
    // The plug was pulled, and the exchange finds that out when it calls.
    world.phones[0].place.set_port(FLOWS + 100);
    world.lift("2001");
    world.dial("2001", "2007");
    assert!(world.hears("2004").starts_with("L/rg"), "{}", world.hears("2004"));
    world.hang_up("2001");
    // With another telephone of the same user that is there, that one rings.
    let mut world = self::world();
    world.phones.push(SipPeer::phone(world.now, "2007", 51));
    world.pass(2);
    world.forget();
    let gone = sip_peer::way(world.phones[0].place);
    world.exchange.handle_sip_stream(world.now, SipStream::Ended { from: gone, unsent: &[] });
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!((world.phones[0].heard.len(), world.phones[1].words()), (0, vec!["INVITE".to_owned()]));
    world.hang_up("2001");
}

#[test]
fn a_call_goes_on_by_the_connection_that_its_telephone_comes_back_by() {
    let mut world = world();
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_answers("2007");
    world.cuts("2007");
    world.pass(5);
    assert!(world.talks_with_phone("2001", "2007"));
    world.hang_up("2001");
    assert_eq!(world.last("2007"), "BYE", "by the other connection");
    // When the other party hangs up before it is back, it hears so when it is.
    world.pass(600);
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.forget();
    world.cuts("2007");
    world.hang_up("2001");
    world.settle();
    assert_eq!(world.phone("2007").words(), [] as [&str; 0]);
    world.pass(5);
    assert_eq!(world.last("2007"), "BYE");
    assert!(world.phone("2007").events.iter().any(
        |event| matches!(event, strowger_sip::agent::Event::Ended { session: own, .. } if *own == session)
    ));
    world.end_of_phones();
}

#[test]
fn a_telephone_that_speaks_by_another_connection_in_its_call_is_answered_and_reached_by_that() {
    let mut world = world();
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    // It makes a connection for the call alone, and has not registered by it.
    let now = world.now;
    world.loses_connection("2007");
    let phone = world.phone("2007");
    phone.place.set_port(FLOWS + 7);
    let audio = phone.audio(7000);
    assert!(phone.agent.offer(now, session, &audio, strowger_sdp::Direction::SendOnly));
    world.settle();
    assert_eq!(world.last("2007"), "200");
    world.forget();
    world.hang_up("2001");
    world.pass(60);
    assert_eq!(world.last("2007"), "BYE");
}

#[test]
fn a_telephone_that_does_not_come_back_is_given_up_when_something_is_to_be_said_to_it() {
    let mut world = world();
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_answers("2007");
    world.loses_connection("2007");
    world.phones.clear();
    // It may be silent in its call as long as it likes.
    world.pass(200);
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    world.hang_up("2001");
    let world = world.end();
    assert_eq!(world.record_of("2001", "2007").cause, Cause::NORMAL_CLEARING);
}

#[test]
fn a_call_of_a_telephone_over_tcp_outlives_its_exchange_if_the_telephone_comes_back() {
    let mut world = world();
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_answers("2007");
    world.pass(30);
    world.crash();
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.settle();
    // Its registration has ended with its connection.
    assert_eq!(world.line("2007").service, ServiceState::Unreachable);
    assert_eq!(world.phase(), Some(CallPhase::Answered), "nobody knows yet whether it still has the call");
    world.forget();
    world.patiently(|world| world.phones[0].words().iter().any(|word| word == "INVITE"));
    world.phone_accepts("2007");
    assert_eq!(world.phase(), Some(CallPhase::Talking));
    assert_eq!(world.line("2007").service, ServiceState::InService);
    assert!(world.talks_with_phone("2001", "2007"));
    world.hang_up("2001");
    assert_eq!(world.last("2007"), "BYE");
    world.end_of_phones();
}

#[test]
fn a_call_of_a_telephone_that_does_not_come_back_ended_with_its_exchange() {
    let mut world = world();
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_answers("2007");
    world.pass(30);
    world.crash();
    let died = world.now;
    world.phones.clear();
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(70);
    assert_eq!(world.ended.len(), 1);
    assert_eq!((world.ended[0].cause, world.ended[0].end), (Cause::DESTINATION_OUT_OF_ORDER, died));
    world.hang_up("2001");
}

/// A REGISTER of 2007 for a flow, by its connection; what is answered by that.
fn registers(world: &mut World, port: u16, number: u32, login: &str) -> Message<'static> {
    let request = format!(
        "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.41:5060;branch=z9hG4bKf{port}{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:desk-2007@127.0.0.1>;tag=f\r\nTo: <sip:desk-2007@127.0.0.1>\r\nCall-ID: f{port}\r\nCSeq: {number} REGISTER\r\n\
         Contact: <sip:desk-2007@127.0.0.41;transport=tcp>;+sip.instance=\"<urn:uuid:1>\";reg-id={port}\r\n\
         Supported: outbound\r\n{login}Content-Length: 0\r\n\r\n"
    );
    let from = sip_peer::way(SocketAddr::from(([127, 0, 0, 41], port)));
    world.exchange.handle_input(world.now, Input::Sip { from, bytes: request.as_bytes() });
    let mut sent = std::iter::from_fn(|| world.exchange.poll_transmit());
    let answer = sent.find(|one| one.to == from.address).unwrap();
    text::decode(&answer.payload, &Limits::default()).unwrap().into_owned()
}

#[test]
fn a_telephone_with_two_flows_is_called_by_one_and_by_the_other_when_that_has_failed() {
    let mut world = World::new(over_tcp(with_phones(town(), &["Gwen"])));
    world.pass(5);
    // It has its first connection still; where its second began nobody takes one any more.
    let mut phone = SipPeer::silent_phone(world.now, 41);
    phone.place.set_port(FLOWS);
    world.phones.push(phone);
    for port in [FLOWS, FLOWS + 1] {
        let asked = registers(&mut world, port, 1, "");
        let challenge = Challenge::strongest(&asked.header, &Name::WwwAuthenticate).unwrap();
        let mut known = Known { challenge, field: Name::Authorization, count: 0 };
        let secret = Secret { user: "desk-2007", password: "secret" };
        let login = known.answer(secret, Subject { method: "REGISTER", uri: "sip:127.0.0.1" }, "c");
        let answer = registers(&mut world, port, 2, &format!("Authorization: {login}\r\n"));
        assert_eq!(answer.status(), Some(Status::OK));
        world.pass(1);
    }
    assert_eq!(world.line("2007").contacts.unwrap().len(), 2);
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.phones[0].words(), ["INVITE"]);
    let left = world.line("2007").contacts.unwrap();
    assert_eq!(left.iter().map(|contact| contact.address.port()).collect::<Vec<_>>(), [FLOWS]);
    world.hang_up("2001");
}
