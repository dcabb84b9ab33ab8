//! Who speaks SIP with the exchange: the peer of a trunk, and telephones that register.
#![allow(dead_code, reason = "not every test has a trunk")]

use std::net::{IpAddr, SocketAddr};

use strowger_exchange::{
    Features, Input, Inventory, LineAccess, LineEntry, PhoneEntry, RouteEntry, RouteTarget, SIP_TCP, SIP_UDP,
    SipSocket, SipTransport, TrunkEntry,
};
use strowger_sansio::{Rng, SocketId, Time};
use strowger_sdp::Direction;
use strowger_sip::agent::{
    AgentConfig, Caller, Credentials, Event, Invitation, Keys, Local, Peer, PeerId, Referrals, SessionId,
    UserAgent,
};
use strowger_sip::auth::{Challenge, Known, Secret, Subject};
use strowger_sip::message::{Message, Method, Name, Status};
use strowger_sip::{Limits, Route, Transport, text};

/// Where peers find the exchange.
pub(crate) fn exchange_address() -> SocketAddr {
    "127.0.0.1:5060".parse().unwrap()
}

/// Where the peer is.
pub(crate) fn address() -> SocketAddr {
    "127.0.0.30:5060".parse().unwrap()
}

/// A datagram for the exchange's user agent.
pub(crate) const fn input(from: SocketAddr, bytes: &[u8]) -> Input<'_> {
    Input::Sip { from: Route { transport: Transport::Udp, socket: SIP_UDP, address: from }, bytes }
}

/// The way of a connection to the exchange, or of a datagram: by the port that it comes from.
pub(crate) const fn way(from: SocketAddr) -> Route {
    match from.port() {
        FLOWS.. => Route { transport: Transport::Tcp, socket: SIP_TCP, address: from },
        _ => Route { transport: Transport::Udp, socket: SIP_UDP, address: from },
    }
}

/// From here on ports are those of connections.
pub(crate) const FLOWS: u16 = 40_000;

/// Gives a town a trunk, which numbers with a 9 before them go to.
pub(crate) fn with_trunk(mut town: Inventory) -> Inventory {
    town.sip.push(SipSocket { transport: SipTransport::Udp, address: exchange_address() });
    town.trunks.push(TrunkEntry::sip("carrier", address()));
    town.routes.push(RouteEntry {
        prefix: "9".to_owned(),
        strip: 1,
        add: String::new(),
        length: Some(8..=8),
        to: vec![RouteTarget::Trunk("carrier".to_owned())],
    });
    assert_eq!(town.check(), []);
    town
}

/// Gives a town telephones that register: 2007, 2008 and so on.
pub(crate) fn with_phones(mut town: Inventory, names: &[&str]) -> Inventory {
    if town.sip.is_empty() {
        town.sip.push(SipSocket { transport: SipTransport::Udp, address: exchange_address() });
    }
    for (number, name) in (2007..).zip(names) {
        town.lines.push(LineEntry {
            number: number.to_string(),
            access: LineAccess::Sip(PhoneEntry::new(&format!("desk-{number}"), "secret")),
            name: Some((*name).to_owned()),
            features: Features::default(),
        });
    }
    assert_eq!(town.check(), []);
    town
}

/// Gives a town's telephones connections beside datagrams.
pub(crate) fn over_tcp(mut town: Inventory) -> Inventory {
    town.sip.push(SipSocket { transport: SipTransport::Tcp, address: exchange_address() });
    town
}

pub(crate) struct SipPeer {
    pub(crate) address: SocketAddr,
    /// Where the exchange sees it: the port of its connection, if it has one.
    pub(crate) place: SocketAddr,
    pub(crate) agent: UserAgent,
    pub(crate) events: Vec<Event>,
    /// What came, in the order in which it came.
    pub(crate) heard: Vec<Message<'static>>,
    /// What it says besides its user agent.
    said: Vec<Vec<u8>>,
}

impl SipPeer {
    /// The peer of a trunk.
    pub(crate) fn new(now: Time) -> Self {
        Self::of(now, address(), Peer::new("town", exchange_address(), Transport::Udp))
    }

    /// A telephone at a host of its own, which registers as the user of a number.
    pub(crate) fn phone(now: Time, number: &str, host: u8) -> Self {
        Self::phone_by(now, number, host, Transport::Udp)
    }

    /// The same, by a transport.
    pub(crate) fn phone_by(now: Time, number: &str, host: u8, transport: Transport) -> Self {
        let mut peer = Peer::new("town", exchange_address(), transport);
        peer.credentials = Some(Credentials { user: format!("desk-{number}"), password: "secret".into() });
        peer.registers = true;
        Self::of(now, SocketAddr::from(([127, 0, 0, host], 5060)), peer)
    }

    /// A telephone at a host of its own that does not say where it is: somebody else does.
    pub(crate) fn silent_phone(now: Time, host: u8) -> Self {
        let peer = Peer::new("town", exchange_address(), Transport::Udp);
        Self::of(now, SocketAddr::from(([127, 0, 0, host], 5060)), peer)
    }

    fn of(now: Time, address: SocketAddr, mut peer: Peer) -> Self {
        // It may tell keys by INFO, whether that is of use or not.
        (peer.keys, peer.referrals) = (Keys::Info, Referrals::Accepted);
        let local = Local { transport: peer.transport, socket: SocketId::MAIN, address };
        let place = match peer.transport {
            Transport::Udp => address,
            Transport::Tcp | Transport::Tls => SocketAddr::new(address.ip(), FLOWS),
        };
        let config = AgentConfig::new(vec![local], vec![peer]);
        let seed = match address.ip() {
            IpAddr::V4(host) => u64::from(host.octets()[3]) - 23,
            IpAddr::V6(_) => 0,
        };
        let agent = UserAgent::new(now, config, Rng::from_number(seed));
        Self { address, place, agent, events: Vec::new(), heard: Vec::new(), said: Vec::new() }
    }

    /// The way to the exchange.
    fn way(&self) -> Route {
        Route { transport: way(self.place).transport, ..Route::udp(exchange_address()) }
    }

    /// Its connection has ended; the next one has another port.
    pub(crate) fn disconnected(&mut self, now: Time) {
        let way = self.way();
        self.place.set_port(self.place.port() + 1);
        self.agent.handle_disconnected(now, way, &[]);
    }

    /// Nobody takes a connection that this was to go by.
    pub(crate) fn unsent(&mut self, now: Time, bytes: &[u8]) {
        let way = self.way();
        self.agent.handle_unsent(now, way, bytes);
        self.collect();
    }

    /// The description of its stream.
    pub(crate) fn audio(&self, port: u16) -> Vec<u8> {
        let host = self.address.ip().to_string();
        String::from_utf8(audio(port)).unwrap().replace("127.0.0.30", &host).into_bytes()
    }

    /// Subscribes to what an event says; with the login that the last 401 to it asked for, if one came.
    pub(crate) fn subscribe(&mut self, event: &str, number: u32) {
        let user = self.agent.config().peers[0].credentials.as_ref().unwrap().user.clone();
        let (uri, transport) = (format!("sip:{user}@127.0.0.1"), self.way().transport);
        let asked = self.heard.iter().rev().find(|message| message.status() == Some(Status::UNAUTHORIZED));
        let challenge = asked.and_then(|asked| Challenge::strongest(&asked.header, &Name::WwwAuthenticate));
        let login = challenge.map(|challenge| {
            let mut known = Known { challenge, field: Name::Authorization, count: 0 };
            let secret = Secret { user: &user, password: "secret" };
            let subject = Subject { method: "SUBSCRIBE", uri: &uri };
            format!("Authorization: {}\r\n", known.answer(secret, subject, "c"))
        });
        let request = format!(
            "SUBSCRIBE {uri} SIP/2.0\r\nVia: SIP/2.0/{2} {0};rport;branch=z9hG4bKsub{number}\r\nMax-Forwards: 70\r\n\
             From: <{uri}>;tag=s{number}\r\nTo: <{uri}>\r\nCall-ID: sub{number}@{0}\r\nCSeq: {number} SUBSCRIBE\r\n\
             Contact: <sip:{user}@{0}{3}>\r\nEvent: {event}\r\n{1}Content-Length: 0\r\n\r\n",
            self.address,
            login.unwrap_or_default(),
            transport.to_string().to_uppercase(),
            if transport == Transport::Udp { "" } else { ";transport=tcp" }
        );
        self.said.push(request.into_bytes());
    }

    /// Answers a NOTIFY of what it has subscribed to.
    fn notified(&mut self, notify: &Message<'_>) {
        let field = |name: &Name<'_>| notify.header.get(name).unwrap_or_default().to_owned();
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
            field(&Name::Via),
            field(&Name::From),
            field(&Name::To),
            field(&Name::CallId),
            field(&Name::CSeq)
        );
        self.said.push(answer.into_bytes());
    }

    /// What it was told last of its messages.
    pub(crate) fn told(&self) -> Option<String> {
        let notified = self.heard.iter().rev().find(|message| message.method() == Some(&Method::Notify));
        notified.map(|notify| String::from_utf8(notify.body.to_vec()).unwrap())
    }

    pub(crate) fn hear(&mut self, now: Time, bytes: &[u8]) {
        let message = text::decode(bytes, &Limits::default()).unwrap().into_owned();
        let is_summary =
            message.header.get(&Name::Event).is_some_and(|event| event.starts_with("message-summary"));
        if message.method() == Some(&Method::Notify) && is_summary {
            self.notified(&message);
            return self.heard.push(message);
        }
        self.heard.push(text::decode(bytes, &Limits::default()).unwrap().into_owned());
        let way = self.way();
        assert!(self.agent.handle_input(now, way, bytes));
        self.collect();
    }

    pub(crate) fn transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let own = self.agent.poll_transmit().map(|datagram| datagram.payload).or_else(|| self.said.pop());
        own.map(|bytes| (self.place, bytes))
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        self.agent.poll_timeout()
    }

    pub(crate) fn handle_timeout(&mut self, now: Time) {
        if self.timeout().is_some_and(|due| due <= now) {
            self.agent.handle_timeout(now);
            self.collect();
        }
    }

    fn collect(&mut self) {
        self.events.extend(std::iter::from_fn(|| self.agent.poll_event()));
    }

    /// The session of the call that came last.
    pub(crate) fn incoming(&self) -> SessionId {
        let incoming = self.events.iter().rev().find_map(|event| match event {
            Event::Incoming { session, .. } => Some(*session),
            _ => None,
        });
        incoming.unwrap()
    }

    /// Calls a number of the exchange from 5550102.
    pub(crate) fn call(&mut self, now: Time, number: &str) -> SessionId {
        self.call_by(now, number, &[])
    }

    /// The same for a call that these have sent on, the last first.
    pub(crate) fn call_by(&mut self, now: Time, number: &str, by: &[(&str, &'static str)]) -> SessionId {
        let invitation = Invitation {
            peer: PeerId(0),
            called: number.to_owned(),
            caller: Caller { user: Some("5550102".into()), name: Some("Far Away".into()), withheld: false },
            offer: self.audio(7000),
            history: None,
            diversions: by.iter().map(|(number, reason)| ((*number).to_owned(), *reason)).collect(),
            ring: None,
        };
        self.agent.invite(now, &invitation).unwrap()
    }

    /// The keys that it was told of by INFO.
    pub(crate) fn keys(&self) -> String {
        let key = |event: &Event| match event {
            Event::Dtmf { key, .. } => Some(*key),
            _ => None,
        };
        self.events.iter().filter_map(key).collect()
    }

    pub(crate) fn ring(&mut self, now: Time) {
        let session = self.incoming();
        self.agent.progress(now, session, Status::RINGING, None).unwrap();
    }

    pub(crate) fn answer(&mut self, now: Time) {
        let session = self.incoming();
        let audio = self.audio(7000);
        self.agent.answer(now, session, &audio, Direction::SendRecv).unwrap();
    }

    /// The requests and statuses that came, in words.
    pub(crate) fn words(&self) -> Vec<String> {
        let word = |message: &Message<'_>| match (message.method(), message.status()) {
            (Some(method), _) => method.to_string(),
            (None, status) => status.map(|status| status.code().to_string()).unwrap_or_default(),
        };
        self.heard.iter().map(word).collect()
    }

    /// The description that came last.
    pub(crate) fn described(&self) -> String {
        let mut described = self.heard.iter().rev().filter_map(|message| message.session_description());
        String::from_utf8(described.next().unwrap().to_vec()).unwrap()
    }
}

/// The description of the peer's stream.
pub(crate) fn audio(port: u16) -> Vec<u8> {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.30\r\ns=-\r\nc=IN IP4 127.0.0.30\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    )
    .into_bytes()
}
