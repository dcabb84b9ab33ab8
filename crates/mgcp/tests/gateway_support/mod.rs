//! A gateway on a bench: its call agent is the test, its media a record of what it was asked to do, its clock virtual.
#![allow(dead_code, unreachable_pub, reason = "each story file uses its own part of the bench")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use strowger_mgcp::gateway::{
    CallAgent, ConnectionHandle, EndpointIndex, EndpointView, Gateway, GatewayConfig, Hook,
    MediaCapabilities, MediaEvent, MediaFault, MediaPlane, MediaSpec, Progress, SignalTarget,
};
use strowger_mgcp::message::{ConnectionStatistics, SignalBuf};
use strowger_sansio::{Duration, Rng, Time};

/// The only call agent.
pub const AGENT: &str = "127.0.0.1:2727";
/// A source that is nobody's.
pub const STRANGER: &str = "127.0.0.66:2727";

/// Media that remembers what it was asked to do.
#[derive(Default)]
pub struct Plane {
    pub able: MediaCapabilities,
    pub hooks: BTreeMap<EndpointIndex, Hook>,
    pub open: BTreeMap<ConnectionHandle, (EndpointIndex, MediaSpec)>,
    /// Signals that can be heard now, in the order in which they were started.
    pub heard: Vec<(SignalTarget, String)>,
    pub ports: u16,
    pub refuse_open: Option<MediaFault>,
    pub refuse_modify: Option<MediaFault>,
    /// A signal that cannot be generated.
    pub refuse_signal: Option<(EndpointIndex, &'static str, MediaFault)>,
    /// The endpoints that can carry `image/t38`.
    pub images: BTreeSet<EndpointIndex>,
    /// Whether connections take their time, until the test says that they are done.
    pub slow: bool,
    /// Those that do.
    pub settling: BTreeSet<ConnectionHandle>,
    /// Signals that play what has to be fetched.
    pub fetched: Option<&'static str>,
    /// What was asked for.
    pub fetches: Vec<(EndpointIndex, SignalBuf)>,
    /// Connections that can still be opened.
    pub room: Option<u32>,
}

impl Plane {
    /// What is heard on an endpoint itself.
    pub fn heard_on(&self, index: u32) -> Vec<String> {
        let target = SignalTarget::Endpoint(EndpointIndex(index));
        self.heard.iter().filter(|(at, _)| *at == target).map(|(_, signal)| signal.clone()).collect()
    }

    /// Everything that would be different if it had been touched.
    pub fn state(&self) -> String {
        format!("{:?} {:?}", self.open, self.heard)
    }
}

impl MediaPlane for Plane {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.able
    }

    fn carries_images(&self, endpoint: EndpointIndex) -> bool {
        self.images.contains(&endpoint)
    }

    fn open(
        &mut self,
        _: Time,
        endpoint: EndpointIndex,
        connection: ConnectionHandle,
        spec: &MediaSpec,
    ) -> Result<SocketAddr, MediaFault> {
        if let Some(fault) = self.refuse_open {
            return Err(fault);
        }
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1).ok_or(MediaFault::Exhausted)?;
        }
        if self.slow {
            self.settling.insert(connection);
        }
        self.ports += 2;
        assert!(self.open.insert(connection, (endpoint, spec.clone())).is_none(), "a handle is used twice");
        Ok(SocketAddr::from(([127, 0, 0, 9], 16_382 + self.ports)))
    }

    fn modify(&mut self, _: Time, connection: ConnectionHandle, spec: &MediaSpec) -> Result<(), MediaFault> {
        if let Some(fault) = self.refuse_modify {
            return Err(fault);
        }
        self.open.get_mut(&connection).expect("an open connection").1 = spec.clone();
        if self.slow {
            self.settling.insert(connection);
        }
        Ok(())
    }

    fn close(&mut self, _: Time, connection: ConnectionHandle) -> ConnectionStatistics {
        self.open.remove(&connection).expect("an open connection");
        self.settling.remove(&connection);
        self.ports -= if self.room.is_some() { 0 } else { 2 };
        self.statistics(Time::ZERO, connection)
    }

    fn progress(&self, connection: ConnectionHandle) -> Progress {
        if self.settling.contains(&connection) { Progress::UnderWay } else { Progress::Done }
    }

    fn fetch(&mut self, _: Time, endpoint: EndpointIndex, signal: &SignalBuf) -> Progress {
        let far = self.fetched.is_some_and(|far| signal.to_string().to_ascii_lowercase().starts_with(far));
        if far {
            self.fetches.push((endpoint, signal.clone()));
        }
        if far { Progress::UnderWay } else { Progress::Done }
    }

    fn statistics(&self, _: Time, _: ConnectionHandle) -> ConnectionStatistics {
        ConnectionStatistics {
            packets_sent: 1245,
            octets_sent: 62345,
            packets_received: 780,
            octets_received: 45123,
            packets_lost: 10,
            jitter_ms: 27,
            latency_ms: 48,
            extensions: Vec::new(),
        }
    }

    fn start_signal(&mut self, _: Time, target: SignalTarget, signal: &SignalBuf) -> Result<(), MediaFault> {
        let name = signal.to_string().to_ascii_lowercase();
        if let Some((endpoint, refused, fault)) = self.refuse_signal
            && target.endpoint() == endpoint
            && name.starts_with(refused)
        {
            return Err(fault);
        }
        self.heard.push((target, name));
        Ok(())
    }

    fn stop_signal(&mut self, _: Time, target: SignalTarget, signal: &SignalBuf) {
        let name = signal.to_string().to_ascii_lowercase();
        let place = self.heard.iter().position(|heard| *heard == (target, name.clone()));
        self.heard.remove(place.expect("a signal that is heard"));
    }

    fn hook(&self, endpoint: EndpointIndex) -> Hook {
        self.hooks.get(&endpoint).copied().unwrap_or(Hook::Off)
    }
}

/// One MGCP message as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl Text {
    /// The return code of a response.
    pub fn code(&self) -> u16 {
        self.0.get(..3).and_then(|code| code.parse().ok()).expect("a response")
    }

    /// The verb of a command, or the code of a response.
    pub fn verb(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// The transaction identifier.
    pub fn transaction(&self) -> &str {
        self.0.split([' ', '\r']).nth(1).unwrap_or_default()
    }

    /// The endpoint of a command.
    pub fn endpoint(&self) -> &str {
        self.0.split(' ').nth(2).unwrap_or_default()
    }

    /// The value of a parameter.
    pub fn get(&self, code: &str) -> Option<String> {
        self.all(code).into_iter().next()
    }

    /// The values of a parameter that may be repeated.
    pub fn all(&self, code: &str) -> Vec<String> {
        let header = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let values = header.lines().skip(1).filter_map(|line| line.split_once(':'));
        values.filter(|(name, _)| *name == code).map(|(_, value)| value.trim().to_owned()).collect()
    }

    /// The session descriptions.
    pub fn sdp(&self) -> Vec<&str> {
        self.0.split("\r\n\r\n").skip(1).map(str::trim).collect()
    }
}

/// The gateway, its media and its clock.
pub struct Bench {
    pub now: Time,
    pub gateway: Gateway,
    pub plane: Plane,
    /// What the gateway has sent and nobody has looked at yet.
    pub sent: Vec<(SocketAddr, Text)>,
    /// Commands of the gateway that were taken already.
    seen: BTreeSet<String>,
    next_id: u32,
}

impl Bench {
    /// A gateway of two lines and two relays, all on the hook, that its call agent knows about.
    pub fn new() -> Self {
        let mut bench = Self::switched_on(config());
        bench.come_up();
        bench
    }

    /// A gateway that has just been switched on.
    pub fn switched_on(config: GatewayConfig) -> Self {
        Self::with_plane(config, Plane::default())
    }

    /// The same, with media in some state.
    pub fn with_plane(config: GatewayConfig, plane: Plane) -> Self {
        Self::drawn_from(7, config, plane)
    }

    /// The same, with random numbers of its own.
    pub fn drawn_from(seed: u64, config: GatewayConfig, mut plane: Plane) -> Self {
        for (index, spec) in (0..).zip(&config.endpoints) {
            if spec.name.starts_with("aaln") {
                plane.hooks.entry(EndpointIndex(index)).or_insert(Hook::On);
            }
        }
        let now = Time::from_secs(1000);
        let gateway =
            Gateway::new(now, config, Rng::from_number(seed), &mut plane).expect("a legal configuration");
        let mut bench = Self { now, gateway, plane, sent: Vec::new(), seen: BTreeSet::new(), next_id: 5000 };
        bench.drain();
        bench
    }

    /// Lets the restart procedure run to its end.
    pub fn come_up(&mut self) {
        // Answered at once: an agent that takes its time is spared further commands (section 4.4.8).
        let mut answered = 0;
        for _ in 0..6000 {
            self.pass(Duration::from_millis(100));
            for rsip in self.take("RSIP") {
                self.answer(200, &rsip);
                answered += 1;
            }
        }
        assert!(answered > 0);
        assert!(self.gateway.endpoints().all(|endpoint| endpoint.associated));
        while self.gateway.poll_event().is_some() {}
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.gateway.poll_transmit() {
            let text = String::from_utf8(transmit.payload).expect("text");
            for message in text.split("\r\n.\r\n") {
                let message =
                    if message.ends_with("\r\n") { message.to_owned() } else { format!("{message}\r\n") };
                self.sent.push((transmit.to, Text(message)));
            }
        }
    }

    /// Gives the gateway a datagram, from the call agent.
    pub fn give(&mut self, text: &str) {
        self.give_from(AGENT, text);
    }

    /// Gives the gateway a datagram.
    pub fn give_from(&mut self, from: &str, text: &str) {
        let bytes = text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
        self.gateway.handle_input(self.now, from.parse().expect("an address"), &bytes, &mut self.plane);
        self.drain();
    }

    /// Gives the gateway a datagram that need not be text, and takes the answers to it.
    pub fn give_bytes(&mut self, from: &str, bytes: &[u8]) -> Vec<Text> {
        self.gateway.handle_input(self.now, from.parse().expect("an address"), bytes, &mut self.plane);
        self.drain();
        self.sent.drain(..).map(|(_, text)| text).collect()
    }

    /// A fresh transaction identifier.
    pub fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Sends a command of the call agent and takes its answer. `body` is the parameter lines, and an empty line before a description.
    pub fn command(&mut self, verb: &str, endpoint: &str, body: &str) -> Text {
        let id = self.id();
        self.command_with(id, verb, endpoint, body)
    }

    /// The same with a transaction identifier.
    pub fn command_with(&mut self, id: u32, verb: &str, endpoint: &str, body: &str) -> Text {
        self.give(&format!("{verb} {id} {endpoint}@gw.town MGCP 1.0\n{body}\n"));
        let is_answer =
            |(_, text): &(SocketAddr, Text)| text.transaction() == id.to_string() && text.verb().len() == 3;
        let place = self.sent.iter().position(is_answer).expect("an answer");
        let (to, answer) = self.sent.remove(place);
        assert_eq!(to.to_string(), AGENT);
        answer
    }

    /// A command that must succeed.
    pub fn good(&mut self, verb: &str, endpoint: &str, body: &str) -> Text {
        let answer = self.command(verb, endpoint, body);
        assert!(matches!(answer.code(), 200 | 250), "{verb} {body}: {}", answer.0);
        answer
    }

    /// A command that must be refused with this code, and must have changed nothing.
    pub fn refused(&mut self, code: u16, verb: &str, endpoint: &str, body: &str) -> Text {
        let (before, media) = (self.gateway.snapshot(), self.plane.state());
        let answer = self.command(verb, endpoint, body);
        assert_eq!(answer.code(), code, "{verb} {endpoint} {body}: {}", answer.0);
        assert_eq!(self.gateway.snapshot(), before, "{verb} {body} has changed the state");
        assert_eq!(self.plane.state(), media, "{verb} {body} has changed the media");
        answer
    }

    /// Commands of the gateway with this verb, as they were sent, with their retransmissions.
    pub fn take_all(&mut self, verb: &str) -> Vec<Text> {
        let (taken, left): (Vec<_>, Vec<_>) = self.sent.drain(..).partition(|(_, text)| text.verb() == verb);
        self.sent = left;
        taken.into_iter().map(|(_, text)| text).collect()
    }

    /// Commands of the gateway with this verb, each once.
    pub fn take(&mut self, verb: &str) -> Vec<Text> {
        let all = self.take_all(verb);
        all.into_iter().filter(|text| self.seen.insert(text.0.clone())).collect()
    }

    /// The only notification that was sent.
    pub fn notified(&mut self) -> Text {
        let mut all = self.take("NTFY");
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// No notification was sent.
    pub fn silent(&mut self) {
        let all = self.take("NTFY");
        assert!(all.is_empty(), "{all:?}");
    }

    /// Answers a command of the gateway.
    pub fn answer(&mut self, code: u16, command: &Text) {
        self.give(&format!("{code} {} OK\n", command.transaction()));
    }

    /// The media have done what a connection was asked.
    pub fn settle(&mut self, handle: ConnectionHandle) {
        self.plane.settling.remove(&handle);
        let (endpoint, _) = self.plane.open.get(&handle).expect("an open connection");
        let endpoint = endpoint.0;
        self.media(endpoint, MediaEvent::Settled(handle));
    }

    /// The media cannot do what a connection was asked.
    pub fn settling_fails(&mut self, handle: ConnectionHandle, fault: MediaFault) {
        self.plane.settling.remove(&handle);
        let (endpoint, _) = self.plane.open.get(&handle).expect("an open connection");
        let endpoint = endpoint.0;
        self.media(endpoint, MediaEvent::SettlingFailed(handle, fault));
    }

    /// The responses with this transaction identifier, as they were sent.
    pub fn answers(&mut self, id: u32) -> Vec<Text> {
        let is_answer = |text: &Text| text.transaction() == id.to_string() && text.verb().len() == 3;
        let (taken, left): (Vec<_>, Vec<_>) = self.sent.drain(..).partition(|(_, text)| is_answer(text));
        self.sent = left;
        taken.into_iter().map(|(_, text)| text).collect()
    }

    /// The only response with this transaction identifier.
    pub fn answered(&mut self, id: u32) -> Text {
        let mut all = self.answers(id);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Sends a command that is not answered at once, and gives its transaction identifier.
    pub fn begin(&mut self, verb: &str, endpoint: &str, body: &str) -> u32 {
        let id = self.id();
        self.give(&format!("{verb} {id} {endpoint}@gw.town MGCP 1.0\n{body}\n"));
        assert!(self.answers(id).is_empty(), "{verb} {body} was answered at once");
        id
    }

    /// Lets time pass, with everything that is due in between.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.gateway.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.gateway.handle_timeout(self.now, &mut self.plane);
            self.drain();
        }
        self.now = end;
    }

    /// Lets seconds pass.
    pub fn pass_secs(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Something happens at an endpoint.
    pub fn media(&mut self, index: u32, event: MediaEvent) {
        self.gateway.handle_media_event(self.now, EndpointIndex(index), event, &mut self.plane);
        self.drain();
    }

    /// A subscriber lifts the handset.
    pub fn off_hook(&mut self, index: u32) {
        self.plane.hooks.insert(EndpointIndex(index), Hook::Off);
        self.media(index, MediaEvent::OffHook);
    }

    /// A subscriber puts the handset down.
    pub fn on_hook(&mut self, index: u32) {
        self.plane.hooks.insert(EndpointIndex(index), Hook::On);
        self.media(index, MediaEvent::OnHook);
    }

    /// A subscriber presses keys, each for 100 ms with 100 ms between.
    pub fn dial(&mut self, index: u32, keys: &str) {
        for key in keys.chars() {
            self.media(index, MediaEvent::Digit(key));
            self.pass(Duration::from_millis(100));
            self.media(index, MediaEvent::DigitEnded(key, Duration::from_millis(100)));
            self.pass(Duration::from_millis(100));
        }
    }

    /// What is known about an endpoint.
    pub fn view(&self, index: u32) -> EndpointView {
        self.gateway.endpoints().find(|endpoint| endpoint.index == EndpointIndex(index)).expect("an endpoint")
    }
}

/// Two lines and two relays under one call agent.
pub fn config() -> GatewayConfig {
    GatewayConfig::new("gw.town", CallAgent::at(AGENT.parse().expect("an address")))
        .with_lines(2)
        .with_relays(2)
}

/// A description of somebody else.
pub fn remote(port: u16, formats: &str) -> String {
    format!(
        "\nv=0\no=- 1 1 IN IP4 127.0.0.7\ns=-\nc=IN IP4 127.0.0.7\nt=0 0\nm=audio {port} RTP/AVP {formats}\n\
         a=rtpmap:96 telephone-event/8000\n"
    )
}
