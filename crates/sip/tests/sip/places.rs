//! A peer that is known by a name: its places, and what happens when one fails (RFC 3263 section 4.3).

use std::net::SocketAddr;

use strowger_sansio::{Duration, Rng, SocketId, Time, Transmit};
use strowger_sip::agent::{AgentConfig, Event, InviteFault, Local, Peer, PeerId, UserAgent};
use strowger_sip::locate::Destination;
use strowger_sip::message::{Message, Name};
use strowger_sip::{Route, Transport};

use super::pair::{BOB, address, credentials, invitation, read};
use super::raw::response;

const TCP: SocketId = SocketId(4);
const NOWHERE: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0));

struct Town {
    now: Time,
    agent: UserAgent,
}

fn place(transport: Transport, last: u8) -> Destination {
    Destination { transport, address: SocketAddr::from(([198, 51, 100, last], 5060)) }
}

/// Two places over UDP, and one over TCP.
fn places() -> [Destination; 3] {
    [place(Transport::Udp, 1), place(Transport::Udp, 2), place(Transport::Tcp, 3)]
}

impl Town {
    fn new(change: impl FnOnce(&mut Peer)) -> Self {
        let local = |transport, socket| Local { transport, socket, address: address(BOB) };
        let locals = vec![local(Transport::Udp, SocketId::MAIN), local(Transport::Tcp, TCP)];
        let mut peer = Peer::new("carrier", NOWHERE, Transport::Udp);
        peer.domain = Some("carrier.example".into());
        change(&mut peer);
        let now = Time::from_secs(1);
        let config = AgentConfig::new(locals, vec![peer]);
        Self { now, agent: UserAgent::new(now, config, Rng::from_number(9)) }
    }

    fn located(change: impl FnOnce(&mut Peer)) -> Self {
        let mut town = Self::new(change);
        town.agent.handle_located(town.now, PeerId(0), &places());
        town.events();
        town
    }

    fn sent(&mut self) -> Vec<Transmit> {
        std::iter::from_fn(|| self.agent.poll_transmit()).collect()
    }

    /// The only message that is sent.
    fn one(&mut self) -> (SocketAddr, Message<'static>) {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        (sent[0].to, read(&sent[0].payload))
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    fn call(&mut self) -> (SocketAddr, Message<'static>) {
        self.agent.invite(self.now, &invitation()).unwrap();
        self.one()
    }

    fn answer(&mut self, to: &Message<'_>, from: Destination, status: &str, more: &str) {
        let socket = if from.transport == Transport::Tcp { TCP } else { SocketId::MAIN };
        let route = Route { transport: from.transport, socket, address: from.address };
        assert!(self.agent.handle_input(self.now, route, response(to, status, "c", more, "").as_bytes()));
    }

    fn wait(&mut self, span: Duration) -> Vec<Transmit> {
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

fn identity(request: &Message<'_>) -> [String; 3] {
    [Name::CallId, Name::CSeq, Name::From].map(|name| request.header.get(&name).unwrap().to_owned())
}

fn branch(request: &Message<'_>) -> String {
    request.header.via().unwrap().branch().unwrap().to_owned()
}

fn ended(events: &[Event]) -> Vec<u16> {
    let status = |event: &Event| match event {
        Event::Ended { status, .. } => status.map(strowger_sip::message::Status::code),
        _ => None,
    };
    events.iter().filter_map(status).collect()
}

#[test]
fn a_peer_whose_name_is_not_known_yet_cannot_be_called() {
    let mut town = Town::new(|peer| peer.probe = Some(Duration::from_secs(30)));
    town.agent.handle_timeout(town.now);
    assert!(town.sent().is_empty() && !town.agent.is_reachable(PeerId(0)));
    assert_eq!(town.agent.invite(town.now, &invitation()), Err(InviteFault::Unreachable));
    let stranger = Route::udp(places()[0].address);
    assert!(!town.agent.knows(stranger));
    town.agent.handle_located(town.now, PeerId(0), &places());
    assert!(town.agent.is_reachable(PeerId(0)) && town.agent.knows(stranger));
    // It is asked at once, at each of its places.
    let asked = town.wait(Duration::ZERO);
    assert_eq!(asked.iter().map(|one| one.to).collect::<Vec<_>>(), places().map(|place| place.address));
    assert!(asked.iter().all(|one| one.payload.starts_with(b"OPTIONS sip:carrier.example SIP/2.0\r\n")));
}

#[test]
fn a_call_whose_datagram_nobody_was_there_for_is_made_at_the_next_place_at_once() {
    let mut town = Town::located(|_| {});
    let [first, second, _] = places();
    town.agent.invite(town.now, &invitation()).unwrap();
    let sent = town.sent().remove(0);
    let way = Route::udp(first.address);
    let invite = String::from_utf8(sent.payload.clone()).unwrap();
    let branch = branch(&read(&sent.payload));
    let quoted = invite.get(..invite.find(&branch).unwrap() + branch.len()).unwrap().to_owned();
    let forged = invite.replace(&branch, "z9hG4bKguess");
    // Of another place, with another branch, or without all of it: that may be said by anybody.
    for (to, quoted) in
        [(Route::udp(second.address), invite.as_str()), (way, &forged), (way, &quoted), (way, &invite[..24])]
    {
        town.agent.handle_undelivered(town.now, to, quoted.as_bytes());
        assert!(town.sent().is_empty(), "{quoted}");
    }
    town.agent.handle_undelivered(town.now, way, invite.get(..quoted.len() + 2).unwrap().as_bytes());
    let (to, again) = town.one();
    assert_eq!((to, again.method().unwrap().as_str()), (second.address, "INVITE"));
    // Where somebody works on it, an error says nothing.
    town.answer(&again, second, "180 Ringing", "Contact: <sip:198.51.100.2>\r\n");
    let bytes = strowger_sip::text::to_bytes(&again);
    town.agent.handle_undelivered(town.now, Route::udp(second.address), &bytes);
    assert!(town.sent().is_empty() && ended(&town.events()).is_empty());
}

#[test]
fn a_call_to_a_peer_at_one_place_that_is_not_there_has_failed_at_once_as_by_503() {
    let mut town = Town::new(|peer| peer.address = places()[0].address);
    town.agent.invite(town.now, &invitation()).unwrap();
    let sent = town.sent().remove(0);
    town.agent.handle_undelivered(town.now, Route::udp(sent.to), &sent.payload);
    assert_eq!(ended(&town.events()), [503]);
    assert_eq!((town.agent.sessions(), town.agent.transactions()), (0, 0));
}

#[test]
fn a_call_that_one_place_cannot_serve_is_made_at_the_next() {
    let mut town = Town::located(|_| {});
    let [first, second, third] = places();
    let (to, invite) = town.call();
    assert_eq!(to, first.address);
    town.answer(&invite, first, "503 Service Unavailable", "Retry-After: 100\r\n");
    let sent = town.sent();
    let [ack, again] = &sent[..] else { panic!("{sent:?}") };
    assert!(ack.to == first.address && ack.payload.starts_with(b"ACK "));
    let again = (again.to, read(&again.payload));
    assert_eq!(again.0, second.address);
    assert_eq!(identity(&again.1), identity(&invite), "the same request");
    assert_ne!(branch(&again.1), branch(&invite), "as a transaction of its own");
    // Nobody says anything there: timer B. The third place is reached over TCP.
    let sent = town.wait(Duration::from_secs(32));
    let last = sent.last().unwrap();
    assert_eq!((last.to, last.socket), (third.address, TCP));
    let over_tcp = read(&last.payload);
    assert_eq!(identity(&over_tcp), identity(&invite));
    assert!(over_tcp.header.get(&Name::Contact).unwrap().contains(";transport=tcp"));
    assert_eq!(ended(&town.events()), [] as [u16; 0]);
    // It takes no connection.
    let way = Route { transport: Transport::Tcp, socket: TCP, address: third.address };
    town.agent.handle_unsent(town.now, way, &last.payload);
    assert_eq!(ended(&town.events()), [503]);
    assert_eq!(town.agent.sessions(), 0);
    // Until they have rested all are as good as each other; the second has rested first.
    assert_eq!(town.call().0, first.address);
    town.wait(Duration::from_secs(61));
    assert_eq!(town.call().0, second.address);
    town.wait(Duration::from_secs(40));
    assert_eq!(town.call().0, first.address);
}

#[test]
fn a_call_that_is_refused_or_worked_on_stays_where_it_is() {
    let mut town = Town::located(|_| {});
    let [first, ..] = places();
    let (_, invite) = town.call();
    town.answer(&invite, first, "486 Busy Here", "");
    assert_eq!(town.sent().len(), 1, "the ACK");
    assert_eq!(ended(&town.events()), [486]);
    let (to, invite) = town.call();
    assert_eq!(to, first.address);
    town.answer(&invite, first, "180 Ringing", "Contact: <sip:198.51.100.1>\r\n");
    town.answer(&invite, first, "503 Service Unavailable", "");
    assert_eq!(town.sent().len(), 1, "the ACK");
    assert_eq!(ended(&town.events()), [503]);
    // One that is taken back is not made again.
    let session = town.agent.invite(town.now, &invitation()).unwrap();
    let (_, invite) = town.one();
    town.agent.end(town.now, session, 16);
    town.answer(&invite, first, "503 Service Unavailable", "");
    assert_eq!(town.sent().len(), 1, "the ACK");
}

#[test]
fn a_peer_is_there_as_long_as_one_of_its_places_is() {
    let mut town = Town::located(|peer| peer.probe = Some(Duration::from_secs(30)));
    let [first, second, third] = places();
    let asked = town.wait(Duration::ZERO);
    let question =
        |place: Destination| read(&asked.iter().find(|one| one.to == place.address).unwrap().payload);
    town.answer(&question(first), first, "503 Service Unavailable", "");
    town.answer(&question(second), second, "200 OK", "");
    town.answer(&question(third), third, "503 Service Unavailable", "");
    assert!(town.agent.is_reachable(PeerId(0)) && town.events().is_empty());
    assert_eq!(town.call().0, second.address, "the first does not work");
    // Now nobody answers.
    town.wait(Duration::from_secs(63));
    assert!(!town.agent.is_reachable(PeerId(0)));
    assert!(town.events().contains(&Event::Reachable { peer: PeerId(0), up: false }));
    // One comes back.
    let asked = town.wait(Duration::from_secs(30));
    let again =
        asked.iter().rfind(|one| one.to == first.address && one.payload.starts_with(b"OPTIONS")).unwrap();
    town.answer(&read(&again.payload), first, "200 OK", "");
    assert!(town.events().contains(&Event::Reachable { peer: PeerId(0), up: true }));
    assert_eq!(town.call().0, first.address);
}

#[test]
fn a_registration_is_made_where_it_can_be() {
    let mut town = Town::located(|peer| {
        peer.registers = true;
        peer.credentials = Some(credentials());
    });
    let [first, second, _] = places();
    let asked = town.wait(Duration::ZERO);
    assert_eq!((asked.len(), asked[0].to), (1, first.address));
    town.answer(&read(&asked[0].payload), first, "503 Service Unavailable", "");
    let (to, register) = town.one();
    assert_eq!(to, second.address);
    town.answer(&register, second, "200 OK", "Expires: 600\r\n");
    assert!(!town.events().contains(&Event::Reachable { peer: PeerId(0), up: false }));
    assert_eq!(town.call().0, second.address);
}

#[test]
fn a_name_that_leads_elsewhere_moves_new_calls_alone() {
    let mut town = Town::located(|_| {});
    let [first, ..] = places();
    let (_, invite) = town.call();
    let moved = [place(Transport::Udp, 9)];
    town.agent.handle_located(town.now, PeerId(0), &moved);
    // What comes from the old place is still for the call that is there.
    assert_eq!(town.call().0, moved[0].address);
    let from = Route::udp(first.address);
    let ringing = response(&invite, "180 Ringing", "c", "Contact: <sip:198.51.100.1>\r\n", "");
    assert!(town.agent.handle_input(town.now, from, ringing.as_bytes()));
}
