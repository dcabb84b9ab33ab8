//! Sessions between a client and a server in virtual time.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use strowger_mms::wsp::pdu::{Capabilities, CapabilitiesBuf, Get, Reply};
use strowger_mms::wsp::session::{Event, Role, SessionError, SessionId, Sessions, reason};
use strowger_mms::wsp::{ContentType, Headers, HeadersBuf, MediaType, Pdu, Push, decode};
use strowger_mms::wtp::{AbortReason, Class, Packet, Timing, Trailer, WtpLimits};
use strowger_mms::{Limits, Text};
use strowger_sansio::{Rng, Time};

const CLIENT: &str = "127.0.0.2:9209";
const SERVER: &str = "127.0.0.1:9201";

struct Pair {
    now: Time,
    client: Sessions,
    server: Sessions,
    lost: bool,
}

impl Pair {
    fn new() -> Self {
        let engine =
            |role, seed| Sessions::new(role, Timing::default(), WtpLimits::default(), Rng::from_number(seed));
        Self {
            now: Time::ZERO,
            client: engine(Role::Client, 1),
            server: engine(Role::Server, 2),
            lost: false,
        }
    }

    fn carry(&mut self) {
        let (client, server): (SocketAddr, SocketAddr) = (CLIENT.parse().unwrap(), SERVER.parse().unwrap());
        loop {
            let mut moved = false;
            while let Some(transmit) = self.client.poll_transmit() {
                assert_eq!(transmit.to, server);
                moved = true;
                if !self.lost {
                    self.server.handle_input(self.now, client, &transmit.payload);
                }
            }
            while let Some(transmit) = self.server.poll_transmit() {
                assert_eq!(transmit.to, client);
                moved = true;
                if !self.lost {
                    self.client.handle_input(self.now, server, &transmit.payload);
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn pass(&mut self) -> bool {
        self.carry();
        let due = [self.client.poll_timeout(), self.server.poll_timeout()].into_iter().flatten().min();
        let Some(due) = due else { return false };
        self.now = self.now.max(due);
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        self.carry();
        true
    }

    /// A session, as the client and as the server see it.
    fn connected(capabilities: Capabilities<'_>) -> (Self, SessionId, SessionId) {
        let mut pair = Self::new();
        let headers = HeadersBuf::new().text("User-Agent", "handset");
        pair.client.connect(pair.now, SERVER.parse().unwrap(), capabilities, headers.as_headers()).unwrap();
        pair.carry();
        let (Some(Event::Connected { session: ours, pdu }), Some(Event::Connected { session: theirs, .. })) =
            (pair.server.poll_event(), pair.client.poll_event())
        else {
            panic!("not connected");
        };
        let Ok(Pdu::Connect(connect)) = decode(&pdu, &Limits::DEFAULT) else { panic!() };
        assert_eq!(connect.headers.find("User-Agent").unwrap().value_text(), "handset");
        assert_eq!((ours.number, ours.peer.to_string().as_str()), (theirs.number, CLIENT));
        (pair, theirs, ours)
    }
}

fn push(data: &[u8]) -> Push<'_> {
    Push { content_type: ContentType::new(MediaType::MMS), headers: Headers::NONE, data }
}

#[test]
fn a_confirmed_push_reaches_the_client_and_its_confirmation_the_server() {
    let (mut pair, _, session) = Pair::connected(Capabilities::NONE);
    let sent = pair.server.push(pair.now, session, push(b"message"), true).unwrap();
    pair.carry();
    let Some(Event::Pushed { confirm: Some(received), pdu, .. }) = pair.client.poll_event() else { panic!() };
    let Ok(Pdu::ConfirmedPush(read)) = decode(&pdu, &Limits::DEFAULT) else { panic!() };
    assert_eq!(read, push(b"message"));
    assert_eq!(pair.server.poll_event(), None, "the user has not confirmed yet");
    let more = pair.server.push(pair.now, session, push(b"more"), true);
    assert_eq!(more, Err(SessionError::Outstanding), "one at a time, as nothing else was agreed");
    pair.client.confirm(pair.now, received).unwrap();
    pair.carry();
    assert_eq!(pair.server.poll_event(), Some(Event::Confirmed { push: sent }));
    assert!(pair.server.push(pair.now, session, push(b"more"), true).is_ok());
}

#[test]
fn pushes_outstanding_are_as_many_as_were_agreed() {
    let capabilities = CapabilitiesBuf::new().with(4, &[3]);
    let (mut pair, _, session) = Pair::connected(capabilities.as_capabilities());
    for _ in 0..3 {
        pair.server.push(pair.now, session, push(b"x"), true).unwrap();
    }
    assert_eq!(pair.server.push(pair.now, session, push(b"x"), true), Err(SessionError::Outstanding));
    assert!(
        pair.server.push(pair.now, session, push(b"x"), false).is_ok(),
        "one that nobody confirms is not counted"
    );
}

#[test]
fn a_push_that_the_client_refuses_or_never_gets_has_failed() {
    let (mut pair, _, session) = Pair::connected(Capabilities::NONE);
    let refused = pair.server.push(pair.now, session, push(b"x"), true).unwrap();
    pair.carry();
    let Some(Event::Pushed { confirm: Some(received), .. }) = pair.client.poll_event() else { panic!() };
    pair.client.reject(pair.now, received, reason::USERREJ).unwrap();
    pair.carry();
    let failed = Event::Failed { push: refused, reason: AbortReason::User(reason::USERREJ) };
    assert_eq!(pair.server.poll_event(), Some(failed));
    let lost = pair.server.push(pair.now, session, push(b"x"), true).unwrap();
    pair.lost = true;
    while pair.pass() {}
    let failed = Event::Failed { push: lost, reason: AbortReason::NO_RESPONSE };
    assert_eq!(pair.server.poll_event(), Some(failed));
}

#[test]
fn an_unconfirmed_push_within_a_session_is_told_of() {
    let (mut pair, _, session) = Pair::connected(Capabilities::NONE);
    pair.server.push(pair.now, session, push(b"x"), false).unwrap();
    pair.carry();
    assert!(matches!(pair.client.poll_event(), Some(Event::Pushed { confirm: None, .. })));
}

#[test]
fn a_session_that_is_put_aside_gets_no_push_until_it_is_taken_up_again() {
    let (mut pair, theirs, ours) = Pair::connected(Capabilities::NONE);
    pair.client.suspend(pair.now, theirs).unwrap();
    pair.carry();
    assert_eq!(pair.server.poll_event(), Some(Event::Suspended { session: ours, resumed: false }));
    assert_eq!(pair.server.push(pair.now, ours, push(b"x"), true), Err(SessionError::NoSession));
    pair.client.resume(pair.now, theirs).unwrap();
    pair.carry();
    assert_eq!(pair.server.poll_event(), Some(Event::Suspended { session: ours, resumed: true }));
    assert_eq!(pair.client.poll_event(), Some(Event::Suspended { session: theirs, resumed: true }));
    assert!(pair.server.push(pair.now, ours, push(b"x"), true).is_ok());
}

#[test]
fn a_session_ends_for_both_sides() {
    let (mut pair, theirs, ours) = Pair::connected(Capabilities::NONE);
    pair.client.disconnect(pair.now, theirs).unwrap();
    pair.carry();
    assert_eq!(pair.server.poll_event(), Some(Event::Disconnected { session: ours }));
    assert_eq!(pair.server.push(pair.now, ours, push(b"x"), true), Err(SessionError::NoSession));
    assert_eq!(pair.client.disconnect(pair.now, theirs), Err(SessionError::NoSession));
    // To take up what is gone is refused.
    let (mut pair, theirs, ours) = Pair::connected(Capabilities::NONE);
    pair.server.disconnect(pair.now, ours).unwrap();
    pair.lost = true;
    pair.carry();
    pair.lost = false;
    pair.client.resume(pair.now, theirs).unwrap();
    pair.carry();
    assert_eq!(pair.client.poll_event(), Some(Event::Disconnected { session: theirs }));
}

#[test]
fn a_client_that_lost_its_session_says_so_when_it_is_pushed_to() {
    let (mut pair, theirs, ours) = Pair::connected(Capabilities::NONE);
    pair.lost = true;
    pair.client.disconnect(pair.now, theirs).unwrap();
    pair.carry();
    pair.lost = false;
    let sent = pair.server.push(pair.now, ours, push(b"x"), true).unwrap();
    pair.carry();
    assert_eq!(pair.server.poll_event(), Some(Event::Disconnected { session: ours }));
    let failed = Event::Failed { push: sent, reason: AbortReason::User(reason::DISCONNECT) };
    assert_eq!(pair.server.poll_event(), Some(failed));
}

#[test]
fn a_client_that_connects_again_has_one_session() {
    let (mut pair, _, first) = Pair::connected(Capabilities::NONE);
    pair.client.connect(pair.now, SERVER.parse().unwrap(), Capabilities::NONE, Headers::NONE).unwrap();
    pair.carry();
    assert_eq!(pair.server.poll_event(), Some(Event::Disconnected { session: first }));
    assert!(matches!(pair.server.poll_event(), Some(Event::Connected { session, .. }) if session != first));
    assert_eq!(pair.server.sessions().count(), 1);
}

#[test]
fn a_server_that_is_not_there_is_told_of() {
    let mut pair = Pair::new();
    pair.lost = true;
    pair.client.connect(pair.now, SERVER.parse().unwrap(), Capabilities::NONE, Headers::NONE).unwrap();
    while pair.pass() {}
    assert!(matches!(pair.client.poll_event(), Some(Event::NotConnected { pdu, .. }) if pdu.is_empty()));
}

#[test]
fn a_request_within_a_session_is_answered_and_one_without_is_refused() {
    let mut pair = Pair::new();
    let mut datagram = Vec::new();
    let mut pdu = Vec::new();
    Pdu::Get(Get { method: 0x40, uri: Text::from("http://a"), headers: Headers::NONE }).write(&mut pdu);
    let invoke = |tid, out: &mut Vec<u8>| {
        out.clear();
        let (trailer, class) = (Trailer::WHOLE, Class::WithResult);
        Packet::Invoke { trailer, again: false, tid, new: false, user_ack: false, class, data: &pdu }
            .write(out);
    };
    invoke(1, &mut datagram);
    let client: SocketAddr = CLIENT.parse().unwrap();
    pair.server.handle_input(pair.now, client, &datagram);
    let mut yes = Vec::new();
    Packet::Ack { verify: true, again: false, tid: 1, sequence: None }.write(&mut yes);
    pair.server.handle_input(pair.now, client, &yes);
    let answers: Vec<_> = std::iter::from_fn(|| pair.server.poll_transmit()).collect();
    let last = Packet::decode(&answers.last().unwrap().payload).unwrap();
    assert!(matches!(last, Packet::Abort { reason: AbortReason::User(reason::DISCONNECT), .. }), "{last:?}");
    assert_eq!(pair.server.poll_event(), None);

    let (mut pair, ..) = Pair::connected(Capabilities::NONE);
    for tid in [0x7000, 0x7001] {
        invoke(tid, &mut datagram);
        pair.server.handle_input(pair.now, client, &datagram);
        Packet::Ack { verify: true, again: false, tid, sequence: None }.write(&mut yes);
        yes.drain(..3);
        pair.server.handle_input(pair.now, client, &yes);
        while pair.server.poll_transmit().is_some() {}
        let Some(Event::Requested { request, .. }) = pair.server.poll_event() else { panic!() };
        let content_type = ContentType::new(MediaType::TEXT_PLAIN);
        let reply = Reply { status: 0x20, content_type, headers: Headers::NONE, data: b"hello" };
        pair.server.reply(pair.now, request, reply).unwrap();
        let answer = pair.server.poll_transmit().unwrap();
        assert!(matches!(Packet::decode(&answer.payload), Ok(Packet::Result { .. })));
    }
}
