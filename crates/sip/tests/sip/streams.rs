//! Connections: which way messages go over them, when they end, and when nobody takes them (RFC 3261 section 18).

use std::net::SocketAddr;

use strowger_sansio::{Duration, SocketId, Time, Transmit};
use strowger_sip::agent::{AgentConfig, Event, Invitation, Local, Peer, PeerId, UserAgent};
use strowger_sip::message::{Message, Name, Status};
use strowger_sip::text::{Frame, Framer};
use strowger_sip::{Limits, Route, Rule, Transport};

use super::pair::{ALICE, BOB, address, audio, invitation, read};
use super::raw::{OFFER, request, response};

const TCP: SocketId = SocketId(4);

/// Bob's user agent, with datagrams and connections at one address; Alice is its peer.
struct Bob {
    now: Time,
    agent: UserAgent,
}

fn config(transport: Transport) -> AgentConfig {
    let local = |transport, socket| Local { transport, socket, address: address(BOB) };
    let locals = vec![local(Transport::Udp, SocketId::MAIN), local(Transport::Tcp, TCP)];
    AgentConfig::new(locals, vec![Peer::new("alice", address(ALICE), transport)])
}

fn tcp(address: SocketAddr) -> Route {
    Route { transport: Transport::Tcp, socket: TCP, address }
}

/// Where Alice connects from.
fn flow() -> Route {
    tcp(SocketAddr::new(address(ALICE).ip(), 40_001))
}

impl Bob {
    fn new(transport: Transport) -> Self {
        Self::with(config(transport))
    }

    fn with(config: AgentConfig) -> Self {
        let now = Time::from_secs(1);
        Self { now, agent: UserAgent::new(now, config, strowger_sansio::Rng::from_number(5)) }
    }

    fn hear(
        &mut self,
        from: Route,
        bytes: impl AsRef<[u8]>,
    ) -> Vec<(SocketId, SocketAddr, Message<'static>)> {
        assert!(self.agent.handle_input(self.now, from, bytes.as_ref()));
        self.sent()
    }

    fn raw(&mut self) -> Vec<Transmit> {
        std::iter::from_fn(|| self.agent.poll_transmit()).collect()
    }

    fn sent(&mut self) -> Vec<(SocketId, SocketAddr, Message<'static>)> {
        self.raw().into_iter().map(|one| (one.socket, one.to, read(&one.payload))).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    fn call(&mut self, diversions: usize) -> Vec<Transmit> {
        let diverted = (0..diversions).map(|number| (format!("555010{}", number % 10), "unconditional"));
        let invitation = Invitation { diversions: diverted.collect(), ..invitation() };
        self.agent.invite(self.now, &invitation).unwrap();
        self.raw()
    }

    /// Lets time pass; what is sent meanwhile.
    fn wait(&mut self, span: Duration) -> Vec<(SocketId, SocketAddr, Message<'static>)> {
        let until = self.now + span;
        let mut sent = Vec::new();
        while let Some(due) = self.agent.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.agent.handle_timeout(self.now);
            sent.append(&mut self.sent());
        }
        self.now = until;
        sent
    }
}

fn over_tcp(message: &str) -> String {
    message.replace("SIP/2.0/UDP", "SIP/2.0/TCP")
}

fn statuses(sent: &[(SocketId, SocketAddr, Message<'static>)]) -> Vec<u16> {
    sent.iter().filter_map(|(_, _, message)| message.status().map(Status::code)).collect()
}

fn top(message: &Message<'_>) -> String {
    message.header.get(&Name::Via).unwrap_or_default().to_owned()
}

fn ended(events: &[Event]) -> Option<u16> {
    events.iter().find_map(|event| match event {
        Event::Ended { status, .. } => status.map(Status::code),
        _ => None,
    })
}

#[test]
fn a_request_too_large_for_a_datagram_goes_by_tcp_and_by_datagram_where_nobody_takes_that() {
    let mut bob = Bob::new(Transport::Udp);
    let small = bob.call(0);
    assert_eq!((small.len(), small[0].socket), (1, SocketId::MAIN));
    assert!(small[0].payload.len() <= 1300);
    let large = bob.call(14);
    assert_eq!((large.len(), large[0].socket, large[0].to), (1, TCP, address(ALICE)));
    assert!(large[0].payload.len() > 1300);
    let by_tcp = read(&large[0].payload);
    assert!(top(&by_tcp).starts_with("SIP/2.0/TCP 192.0.2.2:5060;"), "{}", top(&by_tcp));
    assert!(bob.wait(Duration::from_millis(400)).is_empty());
    // Whoever has no TCP refuses the connection (RFC 3261 section 18.1.1).
    bob.agent.handle_unsent(bob.now, tcp(address(ALICE)), &large[0].payload);
    let again = bob.sent();
    assert_eq!((again.len(), again[0].0, again[0].1), (1, SocketId::MAIN, address(ALICE)));
    assert_eq!(top(&again[0].2), top(&by_tcp).replace("/TCP", "/UDP"));
    // From here on it is repeated, as datagrams are.
    assert!(bob.wait(Duration::from_millis(1600)).iter().any(|(_, _, one)| top(one) == top(&again[0].2)));
    let ringing = response(&again[0].2, "180 Ringing", "a2", "Contact: <sip:192.0.2.1>\r\n", "");
    bob.hear(Route::udp(address(ALICE)), ringing);
    assert!(bob.events().iter().any(|event| matches!(event, Event::Progress { .. })));
}

#[test]
fn an_acknowledgement_too_large_for_a_datagram_goes_by_tcp_and_by_datagram_where_nobody_takes_that() {
    let mut bob = Bob::new(Transport::Udp);
    let invite = read(&bob.call(0)[0].payload);
    // The proxies on the way make it large.
    let proxy = |number| format!("Record-Route: <sip:192.0.2.1;lr;hop={number:060}>\r\n");
    let routes: String = (0..14).map(proxy).collect();
    let more = format!("Contact: <sip:192.0.2.1>\r\n{routes}");
    let answer = response(&invite, "200 OK", "a2", &more, &String::from_utf8(audio(ALICE, 4000)).unwrap());
    bob.agent.handle_input(bob.now, Route::udp(address(ALICE)), answer.as_bytes());
    let ack = bob.raw();
    assert_eq!((ack.len(), ack[0].socket, ack[0].to), (1, TCP, address(ALICE)));
    assert!(ack[0].payload.starts_with(b"ACK ") && ack[0].payload.len() > 1300);
    assert!(top(&read(&ack[0].payload)).starts_with("SIP/2.0/TCP 192.0.2.2:5060;"));
    // The 2xx comes again, and is acknowledged as before.
    bob.agent.handle_input(bob.now, Route::udp(address(ALICE)), answer.as_bytes());
    assert_eq!(bob.raw(), ack);
    bob.agent.handle_unsent(bob.now, tcp(address(ALICE)), &ack[0].payload);
    let again = bob.raw();
    assert_eq!((again.len(), again[0].socket, again[0].to), (1, SocketId::MAIN, address(ALICE)));
    assert_eq!(top(&read(&again[0].payload)), top(&read(&ack[0].payload)).replace("/TCP", "/UDP"));
    bob.agent.handle_input(bob.now, Route::udp(address(ALICE)), answer.as_bytes());
    assert_eq!(bob.raw(), again, "and stays so");
}

#[test]
fn without_tcp_a_large_request_goes_by_datagram() {
    let mut config = config(Transport::Udp);
    config.locals.truncate(1);
    let sent = Bob::with(config).call(14);
    assert_eq!((sent.len(), sent[0].socket), (1, SocketId::MAIN));
}

#[test]
fn over_a_stream_nothing_is_repeated_but_the_answer_to_an_invite() {
    let mut bob = Bob::new(Transport::Tcp);
    let sent = bob.call(0);
    assert_eq!((sent.len(), sent[0].socket, sent[0].to), (1, TCP, address(ALICE)));
    let invite = read(&sent[0].payload);
    assert!(invite.header.get(&Name::Contact).unwrap().contains(";transport=tcp"), "{invite:?}");
    assert!(bob.wait(Duration::from_secs(31)).is_empty());
    // Timer B is the same (section 17.1.1.2).
    assert!(bob.wait(Duration::from_secs(2)).is_empty());
    assert_eq!(ended(&bob.events()), Some(408));
    let refused = bob.hear(flow(), over_tcp(&request("BYE", "x1", 7, "nobody", "", "")));
    assert_eq!(statuses(&refused), [481]);
    // Timers J and K are zero: nothing is kept.
    bob.wait(Duration::ZERO);
    assert_eq!(bob.agent.transactions(), 0);
    bob.hear(flow(), over_tcp(&request("INVITE", "x2", 1, "", "", OFFER)));
    let Some(Event::Incoming { session, .. }) = bob.events().pop() else { panic!("no call") };
    bob.agent.answer(bob.now, session, &audio(BOB, 4000), strowger_sdp::Direction::SendRecv).unwrap();
    assert_eq!(statuses(&bob.sent()), [200]);
    // Section 13.3.1.4: "even if the transport is reliable".
    let repeated = bob.wait(Duration::from_secs(4));
    assert_eq!(statuses(&repeated), [200, 200, 200]);
    assert!(repeated.iter().all(|(socket, to, _)| (*socket, *to) == (TCP, flow().address)));
}

#[test]
fn over_a_stream_nothing_is_remembered_of_what_is_over() {
    let mut bob = Bob::new(Transport::Tcp);
    // A refusal that is acknowledged: timer I.
    bob.hear(flow(), over_tcp(&request("INVITE", "x1", 1, "", "", OFFER)));
    let Some(Event::Incoming { session, .. }) = bob.events().pop() else { panic!("no call") };
    bob.agent.end(bob.now, session, 17);
    let tag = bob.sent()[0].2.header.to().unwrap().tag().unwrap().to_owned();
    bob.hear(flow(), over_tcp(&request("ACK", "x1", 1, &tag, "", "")));
    bob.wait(Duration::ZERO);
    assert_eq!(bob.agent.transactions(), 0);
    // One that is acknowledged here: timer D.
    let invite = read(&bob.call(0)[0].payload);
    let acks = bob.hear(tcp(address(ALICE)), response(&invite, "486 Busy Here", "t", "", ""));
    assert_eq!(acks.len(), 1);
    bob.wait(Duration::ZERO);
    assert_eq!(bob.agent.transactions(), 0);
    // A BYE that is answered: timer K. The INVITE's transaction waits for other forks (RFC 6026 section 8.4).
    let invite = read(&bob.call(0)[0].payload);
    let contact = "Contact: <sip:192.0.2.1:5060;transport=tcp>\r\n";
    bob.hear(tcp(address(ALICE)), response(&invite, "200 OK", "t", contact, OFFER));
    let Some(Event::Answered { session, .. }) = bob.events().pop() else { panic!("no answer") };
    bob.agent.end(bob.now, session, 16);
    let bye = bob.sent().remove(0).2;
    let ok = response(&bye, "200 OK", "t", "", "").replace(";tag=t;tag=t", ";tag=t");
    bob.hear(tcp(address(ALICE)), ok);
    bob.wait(Duration::ZERO);
    assert_eq!(bob.agent.transactions(), 1);
}

#[test]
fn an_answer_goes_by_the_connection_of_its_request_and_to_its_sent_by_when_that_has_ended() {
    let mut bob = Bob::new(Transport::Tcp);
    let options = |branch: &str| over_tcp(&request("OPTIONS", branch, 1, "", "", ""));
    let answer = bob.hear(flow(), options("o1"));
    assert_eq!((statuses(&answer), answer[0].1), (vec![200], flow().address));
    bob.hear(flow(), over_tcp(&request("INVITE", "i1", 1, "", "", OFFER)));
    let Some(Event::Incoming { session, .. }) = bob.events().pop() else { panic!("no call") };
    bob.agent.handle_disconnected(bob.now, flow(), &[]);
    assert!(bob.sent().is_empty());
    bob.agent.progress(bob.now, session, Status::RINGING, None).unwrap();
    let ringing = bob.raw();
    assert_eq!((ringing.len(), ringing[0].socket, ringing[0].to), (1, TCP, address(ALICE)));
    // What was written, and not sent, goes that way too; what cannot go at all is given up.
    let late = ringing[0].payload.clone();
    let mut bob = Bob::new(Transport::Tcp);
    bob.hear(flow(), over_tcp(&request("INVITE", "i1", 1, "", "", OFFER)));
    bob.agent.handle_disconnected(bob.now, flow(), std::slice::from_ref(&late));
    let again = bob.raw();
    assert_eq!((again.len(), again[0].to, &again[0].payload), (1, address(ALICE), &late));
    bob.agent.handle_unsent(bob.now, tcp(address(ALICE)), &late);
    assert!(bob.raw().is_empty());
}

#[test]
fn a_request_to_which_nobody_has_said_anything_is_sent_once_more_when_its_connection_ends() {
    let mut bob = Bob::new(Transport::Tcp);
    let first = bob.call(0);
    let peer = tcp(address(ALICE));
    bob.agent.handle_disconnected(bob.now, peer, &[first[0].payload.clone()]);
    assert_eq!(bob.raw(), first, "the same, by a new connection");
    bob.agent.handle_disconnected(bob.now, peer, &[]);
    assert!(bob.raw().is_empty(), "and once");
    assert_eq!(ended(&bob.events()), Some(503));
    assert_eq!((bob.agent.sessions(), bob.agent.transactions()), (0, 0));
    // One that is being worked on waits for its answer, which may come by another connection.
    let second = bob.call(0);
    let invite = read(&second[0].payload);
    bob.hear(peer, response(&invite, "180 Ringing", "a2", "Contact: <sip:192.0.2.1>\r\n", ""));
    bob.agent.handle_disconnected(bob.now, peer, &[]);
    assert!(bob.raw().is_empty());
    bob.hear(flow(), response(&invite, "486 Busy Here", "a2", "", ""));
    assert_eq!(ended(&bob.events()), Some(486));
}

#[test]
fn a_request_that_nobody_takes_has_failed_as_by_503() {
    let mut config = config(Transport::Tcp);
    config.peers[0].probe = Some(Duration::from_secs(30));
    config.peers[0].registers = true;
    config.peers[0].credentials = Some(super::pair::credentials());
    let mut bob = Bob::with(config);
    bob.agent.handle_timeout(bob.now);
    let asked = bob.raw();
    assert_eq!(asked.len(), 2, "OPTIONS and REGISTER");
    let called = bob.call(0);
    for one in asked.iter().chain(&called) {
        bob.agent.handle_unsent(bob.now, tcp(address(ALICE)), &one.payload);
    }
    let events = bob.events();
    assert!(events.contains(&Event::Reachable { peer: PeerId(0), up: false }), "{events:?}");
    assert_eq!(ended(&events), Some(503));
    assert_eq!(bob.agent.transactions(), 0);
    // Both are tried again.
    assert_eq!(bob.wait(Duration::from_secs(31)).len(), 2);
}

#[test]
fn a_call_whose_connection_ends_goes_on_at_the_peers_contact() {
    let mut bob = Bob::new(Transport::Tcp);
    bob.hear(flow(), over_tcp(&request("INVITE", "i1", 1, "", "", OFFER)));
    let Some(Event::Incoming { session, .. }) = bob.events().pop() else { panic!("no call") };
    bob.agent.answer(bob.now, session, &audio(BOB, 4000), strowger_sdp::Direction::SendRecv).unwrap();
    let answer = bob.sent();
    let tag = answer[0].2.header.to().unwrap().tag().unwrap().to_owned();
    // The 2xx is lost with its connection, and repeated by another.
    bob.agent.handle_disconnected(bob.now, flow(), &[]);
    let repeated = bob.wait(Duration::from_millis(500));
    assert_eq!((statuses(&repeated), repeated[0].1), (vec![200], address(ALICE)));
    bob.hear(tcp(address(ALICE)), over_tcp(&request("ACK", "a1", 1, &tag, "", "")));
    bob.agent.end(bob.now, session, 16);
    let bye = bob.sent();
    assert_eq!((bye.len(), bye[0].0, bye[0].1), (1, TCP, address(ALICE)));
    assert!(top(&bye[0].2).starts_with("SIP/2.0/TCP "));
    // By a connection that stands, a call ends by that.
    let mut bob = Bob::new(Transport::Tcp);
    bob.hear(flow(), over_tcp(&request("INVITE", "i1", 1, "", "", OFFER)));
    let Some(Event::Incoming { session, .. }) = bob.events().pop() else { panic!("no call") };
    bob.agent.answer(bob.now, session, &audio(BOB, 4000), strowger_sdp::Direction::SendRecv).unwrap();
    let tag = bob.sent()[0].2.header.to().unwrap().tag().unwrap().to_owned();
    bob.hear(flow(), over_tcp(&request("ACK", "a1", 1, &tag, "", "")));
    bob.agent.end(bob.now, session, 16);
    let bye = bob.raw();
    assert_eq!((bye.len(), bye[0].to), (1, flow().address));
    // It ends while nobody has answered the BYE, which goes to the contact then.
    bob.agent.handle_disconnected(bob.now, flow(), &[bye[0].payload.clone()]);
    let again = bob.raw();
    assert_eq!((again.len(), again[0].to, &again[0].payload), (1, address(ALICE), &bye[0].payload));
}

#[test]
fn what_cannot_be_cut_into_messages_is_refused_with_400() {
    let whole = over_tcp(&request("OPTIONS", "o1", 1, "", "", ""));
    let unbounded = whole.replace("Content-Length: 0\r\n", "");
    let contradictory = whole.replace("Content-Length: 0\r\n", "Content-Length: 0\r\nl: 5\r\n");
    for (broken, rule) in [(unbounded, Rule::BodyUnbounded), (contradictory, Rule::ContentLength)] {
        let mut framer = Framer::new(Limits::default());
        framer.push(broken.as_bytes());
        let error = framer.pop().unwrap_err();
        assert_eq!(error.rule, rule);
        let mut bob = Bob::new(Transport::Tcp);
        bob.agent.handle_unframed(bob.now, flow(), framer.held(), error);
        let sent = bob.sent();
        assert_eq!((statuses(&sent), sent[0].1), (vec![400], flow().address));
        assert!(matches!(bob.events()[..], [Event::Malformed { .. }]));
        // Strangers hear nothing.
        let stranger = tcp(SocketAddr::from(([203, 0, 113, 9], 40_001)));
        bob.agent.handle_unframed(bob.now, stranger, framer.held(), error);
        assert!(bob.sent().is_empty());
    }
}

#[test]
fn line_ends_between_messages_are_questions_and_answers() {
    let mut framer = Framer::new(Limits::default());
    framer.push(b"\r\n\r\n");
    assert_eq!(framer.pop(), Ok(Some(Frame::Ping)));
    framer.expect_pong();
    framer.push(b"\r\n");
    assert_eq!((framer.pending(), framer.pop()), (0, Ok(Some(Frame::Pong))));
    // An answer and a question at once.
    framer.expect_pong();
    framer.push(b"\r\n\r\n\r\n");
    assert_eq!(framer.pop(), Ok(Some(Frame::Pong)));
    assert_eq!(framer.pop(), Ok(Some(Frame::Ping)));
    // A line end alone is nothing, and no message that takes its time.
    framer.push(b"\r\n");
    assert_eq!((framer.pop(), framer.pending()), (Ok(None), 0));
    let message = over_tcp(&request("OPTIONS", "o1", 1, "", "", ""));
    framer.push(message.as_bytes());
    assert_eq!(framer.pop(), Ok(Some(Frame::Message(message.into_bytes()))));
    framer.push(b"OPT");
    assert_eq!((framer.pop(), framer.pending()), (Ok(None), 3));
}

#[test]
fn a_response_that_names_another_sent_by_is_nothing() {
    let mut bob = Bob::new(Transport::Udp);
    let sent = bob.call(0);
    let ringing = response(&read(&sent[0].payload), "180 Ringing", "a2", "Contact: <sip:192.0.2.1>\r\n", "");
    let from = Route::udp(address(ALICE));
    for other in ["192.0.2.3:5060", "192.0.2.2:5070", "192.0.2.2"] {
        bob.hear(from, ringing.replace("192.0.2.2:5060;", &format!("{other};")));
        assert!(bob.events().is_empty(), "{other}");
    }
    bob.hear(from, ringing);
    assert!(matches!(bob.events()[..], [Event::Progress { .. }]));
}

#[test]
fn a_contact_that_names_a_transport_is_reached_by_it() {
    let mut bob = Bob::new(Transport::Udp);
    let sent = bob.call(0);
    let invite = read(&sent[0].payload);
    let contact = "Contact: <sip:192.0.2.1:5060;transport=tcp>\r\n";
    let ack = bob.hear(Route::udp(address(ALICE)), response(&invite, "200 OK", "a2", contact, OFFER));
    assert_eq!((ack.len(), ack[0].0, ack[0].1), (1, TCP, address(ALICE)));
    assert!(top(&ack[0].2).starts_with("SIP/2.0/TCP "));
}

#[test]
fn a_call_to_a_sips_uri_goes_on_with_sips_and_one_without_tls_is_416() {
    let mut config = config(Transport::Tls);
    let invite = request("INVITE", "s1", 1, "", "", OFFER).replace("SIP/2.0/UDP", "SIP/2.0/TLS").replacen(
        "INVITE sip:",
        "INVITE sips:",
        1,
    );
    let mut without = Bob::with(config.clone());
    assert_eq!(statuses(&without.hear(Route::udp(address(ALICE)), &invite)), [416]);
    assert_eq!(without.agent.sessions(), 0);
    let tls = SocketId(5);
    let secure = SocketAddr::new(address(BOB).ip(), 5061);
    config.locals.push(Local { transport: Transport::Tls, socket: tls, address: secure });
    config.peers[0].address.set_port(5061);
    config.peers[0].secure = strowger_sip::message::Secure::Sips;
    let mut bob = Bob::with(config);
    let from = Route { transport: Transport::Tls, socket: tls, address: flow().address };
    bob.hear(from, &invite);
    let Some(Event::Incoming { session, .. }) = bob.events().pop() else { panic!("no call") };
    bob.agent.progress(bob.now, session, Status::RINGING, None).unwrap();
    let ringing = bob.sent();
    assert_eq!(ringing[0].2.header.get(&Name::Contact), Some("<sips:192.0.2.2:5061>"));
    // What this side begins with such a peer is so from the beginning.
    let call = bob.call(0);
    let text = String::from_utf8(call[0].payload.clone()).unwrap();
    assert_eq!((call[0].socket, call[0].to), (tls, SocketAddr::new(address(ALICE).ip(), 5061)));
    assert!(
        text.starts_with("INVITE sips:2002@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.2:5061;"),
        "{text}"
    );
    assert!(text.contains("\r\nContact: <sips:192.0.2.2:5061>\r\n"), "{text}");
}

#[test]
fn a_registration_is_made_again_when_its_connection_ends() {
    let mut config = config(Transport::Tcp);
    config.peers[0].registers = true;
    config.peers[0].credentials = Some(super::pair::credentials());
    let mut bob = Bob::with(config);
    let peer = tcp(address(ALICE));
    let mut asked = bob.wait(Duration::ZERO);
    for (stood, pause) in [(600, 1), (2, 30), (600, 1)] {
        let (_, _, register) = asked.pop().unwrap();
        bob.hear(peer, response(&register, "200 OK", "a", "Expires: 3600\r\n", ""));
        assert!(bob.wait(Duration::from_secs(stood)).is_empty());
        bob.agent.handle_disconnected(bob.now, peer, &[]);
        assert!(bob.wait(Duration::from_millis(pause * 1000 - 1)).is_empty());
        asked = bob.wait(Duration::from_millis(1));
        assert_eq!((asked.len(), asked[0].1), (1, peer.address));
        assert_eq!(asked[0].2.method(), Some(&strowger_sip::message::Method::Register));
    }
}
