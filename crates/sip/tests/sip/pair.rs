//! Two user agents and the network between them, in virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use strowger_sansio::{Duration, Rng, SocketId, Time};
use strowger_sdp::Direction;
use strowger_sip::agent::{
    AgentConfig, Caller, Credentials, Event, Invitation, Local, Peer, PeerId, SessionId, UserAgent,
};
use strowger_sip::message::{Message, Status};
use strowger_sip::{Limits, Route, Transport, text};

pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;

/// How long a datagram takes.
const WAY: Duration = Duration::from_millis(10);

pub(crate) fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if side == ALICE { 1 } else { 2 }], 5060))
}

/// What happens to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    IsLost,
    IsDoubled,
}

type Network = Box<dyn FnMut(usize, &str) -> Fate>;

pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) sides: [UserAgent; 2],
    /// Arrivals: when, in which order they were sent, to whom, what.
    flying: BTreeMap<(Time, u64), (usize, Vec<u8>)>,
    sent: u64,
    /// What was sent, by whom: the first line.
    pub(crate) log: Vec<(Time, usize, String)>,
    fate: Network,
    pub(crate) events: [Vec<Event>; 2],
}

pub(crate) fn config(side: usize) -> AgentConfig {
    let local = Local { transport: Transport::Udp, socket: SocketId::MAIN, address: address(side) };
    let peer = Peer::new("other", address(1 - side), Transport::Udp);
    AgentConfig::new(vec![local], vec![peer])
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(config(ALICE), config(BOB))
    }

    pub(crate) fn with(alice: AgentConfig, bob: AgentConfig) -> Self {
        let agent = |config, seed| UserAgent::new(Time::from_secs(1), config, Rng::from_number(seed));
        Self {
            now: Time::from_secs(1),
            sides: [agent(alice, 1), agent(bob, 2)],
            flying: BTreeMap::new(),
            sent: 0,
            log: Vec::new(),
            fate: Box::new(|_, _| Fate::Arrives),
            events: [Vec::new(), Vec::new()],
        }
    }

    /// Decides what happens to datagrams, by who sends them and their first line.
    pub(crate) fn network(&mut self, fate: impl FnMut(usize, &str) -> Fate + 'static) {
        self.fate = Box::new(fate);
    }

    /// Takes what the agents have to say.
    pub(crate) fn collect(&mut self) {
        for side in [ALICE, BOB] {
            while let Some(datagram) = self.sides[side].poll_transmit() {
                check_wire(&datagram.payload);
                let first =
                    String::from_utf8_lossy(&datagram.payload).lines().next().unwrap_or_default().to_owned();
                self.log.push((self.now, side, first.clone()));
                if datagram.to != address(1 - side) {
                    continue;
                }
                let copies = match (self.fate)(side, &first) {
                    Fate::Arrives => 1,
                    Fate::IsLost => 0,
                    Fate::IsDoubled => 2,
                };
                for copy in 0..copies {
                    self.sent += 1;
                    let at = self.now + WAY * (copy + 1);
                    self.flying.insert((at, self.sent), (1 - side, datagram.payload.clone()));
                }
            }
            while let Some(event) = self.sides[side].poll_event() {
                self.events[side].push(event);
            }
        }
    }

    /// Lets something that an agent says or hears happen; false when nothing will.
    pub(crate) fn step(&mut self, until: Time) -> bool {
        self.collect();
        let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
        let deadline = self.sides.iter().filter_map(UserAgent::poll_timeout).min();
        let Some(next) = [arrival, deadline].into_iter().flatten().min().filter(|next| *next <= until) else {
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let (_, (to, bytes)) = self.flying.pop_first().unwrap();
            let from = Route::udp(address(1 - to));
            assert!(self.sides[to].handle_input(self.now, from, &bytes));
        } else {
            self.sides.iter_mut().for_each(|side| side.handle_timeout(self.now));
        }
        self.collect();
        true
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
        self.now = until;
    }

    /// Runs until nothing more can happen.
    pub(crate) fn settle(&mut self) {
        self.run(Duration::from_secs(300));
        assert_eq!(self.sides.each_ref().map(UserAgent::sessions), [0, 0], "sessions are left");
        assert_eq!(self.sides.each_ref().map(UserAgent::transactions), [0, 0], "transactions are left");
    }

    /// The events of a side since the last time.
    pub(crate) fn take(&mut self, side: usize) -> Vec<Event> {
        self.collect();
        std::mem::take(&mut self.events[side])
    }

    /// How often a side has sent messages that begin so.
    pub(crate) fn count(&self, side: usize, begins: &str) -> usize {
        self.log.iter().filter(|(_, who, line)| *who == side && line.starts_with(begins)).count()
    }

    pub(crate) fn call(&mut self) -> SessionId {
        let invitation = invitation();
        let session = self.sides[ALICE].invite(self.now, &invitation).unwrap();
        self.collect();
        session
    }

    /// A call that both sides have.
    pub(crate) fn talk(&mut self) -> (SessionId, SessionId) {
        let alice = self.call();
        self.run(Duration::from_millis(100));
        let bob = self.incoming();
        self.sides[BOB].answer(self.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
        self.run(Duration::from_millis(100));
        self.take(ALICE);
        self.take(BOB);
        (alice, bob)
    }

    /// The session of Bob's call.
    pub(crate) fn incoming(&mut self) -> SessionId {
        let events = self.take(BOB);
        let incoming = events.iter().find_map(|event| match event {
            Event::Incoming { session, .. } => Some(*session),
            _ => None,
        });
        incoming.unwrap_or_else(|| panic!("no call in {events:?}"))
    }

    pub(crate) fn ring(&mut self, bob: SessionId) {
        self.sides[BOB].progress(self.now, bob, Status::RINGING, None).unwrap();
        self.run(Duration::from_millis(100));
    }
}

/// What is sent must be what is accepted.
fn check_wire(bytes: &[u8]) {
    let limits = Limits::default();
    let message =
        text::decode(bytes, &limits).unwrap_or_else(|error| panic!("{error}: {}", bytes.escape_ascii()));
    if let Err(error) = text::check(&message, &limits) {
        panic!("{error}: {}", bytes.escape_ascii());
    }
}

pub(crate) fn invitation() -> Invitation {
    Invitation {
        peer: PeerId(0),
        called: "2002".into(),
        caller: Caller { user: Some("2001".into()), name: Some("A. \"Lice\"".into()), withheld: false },
        offer: audio(ALICE, 3000),
        history: None,
        diversions: Vec::new(),
        ring: None,
    }
}

/// A description of a telephone's stream, in MGCP's frugal form.
pub(crate) fn audio(side: usize, port: u16) -> Vec<u8> {
    let host = address(side).ip();
    format!(
        "v=0\r\nc=IN IP4 {host}\r\nm=audio {port} RTP/AVP 0 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:20\r\n"
    )
    .into_bytes()
}

pub(crate) fn credentials() -> Credentials {
    Credentials { user: "town".into(), password: "secret".into() }
}

pub(crate) fn read(bytes: &[u8]) -> Message<'static> {
    text::decode(bytes, &Limits::default()).unwrap().into_owned()
}
