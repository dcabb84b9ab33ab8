//! One gateway with lines `aaln/1` to `aaln/4`, its controller `<town>`, and a plane that writes down what it was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use strowger_megaco::gateway::{
    Flow, Gateway, GatewayConfig, GatewayEvent, Hook, Item, LineIndex, MediaCapabilities, MediaEvent,
    MediaFault, MediaPlane, Port, SignalHandle, SignalOrder, StreamHandle, StreamSpec, StreamStatistics,
};
use strowger_megaco::message::{Caseless, Mid, OwnedMid};
use strowger_megaco::transaction::{PeerConfig, Route};
use strowger_sansio::{Duration, Rng, Time};

/// What the plane was asked.
pub(crate) struct Plane {
    pub(crate) able: MediaCapabilities,
    pub(crate) streams: BTreeMap<StreamHandle, StreamSpec>,
    pub(crate) signals: BTreeMap<SignalHandle, (Port, Item)>,
    pub(crate) flows: BTreeMap<u32, Vec<Flow>>,
    pub(crate) off_hook: BTreeSet<LineIndex>,
    /// What each stream has lost, and received.
    pub(crate) losses: (u64, u64),
    /// Streams that it can open yet.
    pub(crate) room: usize,
    /// It has detectors of tones.
    pub(crate) hears_tones: bool,
}

impl MediaPlane for Plane {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.able
    }

    fn open(&mut self, _: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<SocketAddr, MediaFault> {
        self.room = self.room.checked_sub(1).ok_or(MediaFault::Insufficient)?;
        assert!(self.streams.insert(stream, spec.clone()).is_none(), "a handle is used once");
        let port = 4000 + 2 * u16::try_from(stream.0).unwrap();
        Ok(SocketAddr::from(([192, 0, 2, 9], port)))
    }

    fn modify(&mut self, _: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<(), MediaFault> {
        assert!(self.streams.insert(stream, spec.clone()).is_some(), "it is open");
        Ok(())
    }

    fn close(&mut self, _: Time, stream: StreamHandle) -> StreamStatistics {
        assert!(self.streams.remove(&stream).is_some(), "it is open");
        self.room += 1;
        self.statistics(Time::ZERO, stream)
    }

    fn statistics(&self, _: Time, _: StreamHandle) -> StreamStatistics {
        StreamStatistics {
            packets_sent: 50,
            packets_received: self.losses.1,
            octets_sent: 8000,
            octets_received: 7200,
            packets_lost: self.losses.0,
            jitter_ms: 3,
            latency_ms: 12,
        }
    }

    fn connect(&mut self, _: Time, context: u32, ports: &[Port], flows: &[Flow]) {
        if ports.is_empty() {
            self.flows.remove(&context);
        } else {
            self.flows.insert(context, flows.to_vec());
        }
    }

    fn can_signal(&self, _: Port, order: &SignalOrder) -> bool {
        order.item.item != 0x38
    }

    fn can_detect(&self, _: Port, item: Item) -> bool {
        self.hears_tones || !([6, 8].contains(&item.package) && item.item < 4)
    }

    fn start_signal(
        &mut self,
        _: Time,
        port: Port,
        signal: SignalHandle,
        order: &SignalOrder,
    ) -> Result<(), MediaFault> {
        assert!(self.signals.insert(signal, (port, order.item)).is_none(), "a handle is used once");
        Ok(())
    }

    fn stop_signal(&mut self, _: Time, signal: SignalHandle) {
        assert!(self.signals.remove(&signal).is_some(), "it is on");
    }

    fn hook(&self, line: LineIndex) -> Hook {
        if self.off_hook.contains(&line) { Hook::Off } else { Hook::On }
    }
}

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) plane: Plane,
    pub(crate) now: Time,
    next: u32,
    /// Messages by the port that they went to, without their headers.
    pub(crate) sent: Vec<(u16, String)>,
    pub(crate) version: u8,
}

pub(crate) fn mid(name: &str) -> OwnedMid {
    Mid::Domain(Caseless::new(name), None).into()
}

/// The controller at a port of one host.
pub(crate) fn controller(port: u16, name: &str) -> PeerConfig {
    PeerConfig { mid: Some(mid(name)), ..PeerConfig::at(route(port)) }
}

pub(crate) fn route(port: u16) -> Route {
    Route::udp(SocketAddr::from(([192, 0, 2, 1], port)))
}

pub(crate) const BOOT: &str = "C=-{SC=ROOT{SV{MT=RS,V=3,RE=\"901 Cold Boot\"}}}";

impl World {
    /// A gateway that was just started.
    pub(crate) fn started(shape: impl FnOnce(&mut GatewayConfig)) -> Self {
        let mut config =
            GatewayConfig::new(mid("gw1.town")).with_lines(4).with_controller(controller(2944, "town"));
        config.waiting_delay = Duration::from_secs(10);
        shape(&mut config);
        let now = Time::from_secs(1);
        let plane = Plane {
            able: MediaCapabilities::default(),
            streams: BTreeMap::new(),
            signals: BTreeMap::new(),
            flows: BTreeMap::new(),
            off_hook: BTreeSet::new(),
            losses: (5, 45),
            room: 8,
            hears_tones: false,
        };
        let gateway = Gateway::new(now, config, Rng::from_number(7)).unwrap();
        Self { gateway, plane, now, next: 1, sent: Vec::new(), version: 1 }
    }

    /// A gateway whose controller has taken it.
    pub(crate) fn new() -> Self {
        Self::of_version(1)
    }

    pub(crate) fn of_version(version: u8) -> Self {
        Self::shaped(version, |_| {})
    }

    pub(crate) fn shaped(version: u8, shape: impl FnOnce(&mut GatewayConfig)) -> Self {
        let mut world = Self::started(shape);
        world.wait();
        let (port, request) = world.sent.remove(0);
        assert_eq!((port, body(&request)), (2944, BOOT));
        world.answer(2944, &request, &format!("C=-{{SC=ROOT{{SV{{V={version}}}}}}}"));
        world.version = version;
        world.sent.clear();
        world
    }

    /// Lets the controller at a port say something, in whatever version was agreed on.
    pub(crate) fn hear(&mut self, port: u16, name: &str, text: &str) {
        self.hear_over(route(port), name, text);
    }

    /// The same from anywhere.
    pub(crate) fn hear_over(&mut self, from: Route, name: &str, text: &str) {
        let text = format!("!/{} <{name}>\n{text}", self.version);
        self.hear_octets(from, text.as_bytes());
    }

    /// Octets of any kind from anywhere.
    pub(crate) fn hear_octets(&mut self, from: Route, octets: &[u8]) {
        self.gateway.handle_input(self.now, from, octets, &mut self.plane);
        self.flush();
    }

    /// The reply of the controller at a port to a request.
    pub(crate) fn answer(&mut self, port: u16, request: &str, reply: &str) {
        let name = if port == 2944 { "town" } else { "town2" };
        self.hear(port, name, &format!("P={}{{{reply}}}", number(request)));
    }

    /// A connection to a controller stands.
    pub(crate) fn connect(&mut self, controller: usize, over: Route) {
        self.gateway.handle_connected(self.now, controller, over, &mut self.plane);
        self.flush();
    }

    /// The reply of a controller that is anywhere.
    pub(crate) fn answer_over(&mut self, from: Route, name: &str, request: &str, reply: &str) {
        self.hear_over(from, name, &format!("P={}{{{reply}}}", number(request)));
    }

    /// What the gateway answers to actions.
    pub(crate) fn command(&mut self, actions: &str) -> String {
        let id = self.next;
        self.next += 1;
        let before = self.sent.len();
        self.hear(2944, "town", &format!("T={id}{{{actions}}}"));
        let start = format!("P={id}{{");
        let place = self.sent.iter().skip(before).position(|(_, text)| text.starts_with(&start));
        let (_, reply) = self.sent.remove(before + place.unwrap_or_else(|| panic!("no reply to {actions}")));
        reply[start.len()..reply.len() - 1].to_owned()
    }

    /// What was told since it was asked last, and answers it.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let (mut told, mut seen) = (Vec::new(), BTreeSet::new());
        while !self.sent.is_empty() {
            let (port, request) = self.sent.remove(0);
            assert!(request.starts_with("T="), "{request}");
            if !seen.insert(number(&request).to_owned()) {
                // It was repeated, as nobody answers while time passes.
                continue;
            }
            told.push(body(&request).to_owned());
            let context = body(&request).split('{').next().unwrap().to_owned();
            let command = body(&request)[context.len() + 1..].split('{').next().unwrap();
            let reply = format!("{context}{{{command}}}");
            self.answer(port, &request, &reply);
        }
        told
    }

    pub(crate) fn happen(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::OffHook(line) => {
                self.plane.off_hook.insert(line);
            }
            MediaEvent::OnHook(line) => {
                self.plane.off_hook.remove(&line);
            }
            _ => {}
        }
        self.gateway.handle_media_event(self.now, event, &mut self.plane);
        self.flush();
    }

    pub(crate) fn off_hook(&mut self, line: u32) {
        self.happen(MediaEvent::OffHook(LineIndex(line - 1)));
    }

    pub(crate) fn on_hook(&mut self, line: u32) {
        self.happen(MediaEvent::OnHook(LineIndex(line - 1)));
    }

    pub(crate) fn dial(&mut self, line: u32, digits: &str) {
        let port = Port::Line(LineIndex(line - 1));
        for key in digits.chars() {
            self.happen(MediaEvent::Digit(port, key));
            self.run(Duration::from_millis(80));
            self.happen(MediaEvent::DigitEnded(port, key, Duration::from_millis(80)));
            self.run(Duration::from_millis(80));
        }
    }

    /// The signals that are on at a line.
    pub(crate) fn sounds(&self, line: u32) -> Vec<Item> {
        let port = Port::Line(LineIndex(line - 1));
        self.plane.signals.values().filter(|(at, _)| *at == port).map(|(_, item)| *item).collect()
    }

    pub(crate) fn events(&mut self) -> Vec<GatewayEvent> {
        std::iter::from_fn(|| self.gateway.poll_event()).collect()
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.gateway.poll_transmit(self.now) {
            let text = String::from_utf8(transmit.payload).unwrap();
            let (header, rest) = text.split_at(text.find(['\n', ' ']).unwrap());
            assert!(header.starts_with("!/"), "{text}");
            let rest = rest.trim_start().trim_start_matches("<gw1.town>").trim_start();
            for transaction in transactions(rest) {
                // Acknowledgements travel with what is sent anyway.
                if !transaction.starts_with("K{") {
                    self.sent.push((transmit.to.port(), transaction.to_owned()));
                }
            }
        }
    }

    /// Runs until the gateway says something.
    pub(crate) fn wait(&mut self) {
        while self.sent.is_empty() {
            self.run(Duration::from_millis(1));
        }
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.gateway.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.gateway.handle_timeout(self.now, &mut self.plane);
            self.flush();
        }
        self.now = end;
    }
}

/// The transactions of a message.
fn transactions(mut text: &str) -> Vec<&str> {
    let mut list = Vec::new();
    while !text.is_empty() {
        let (mut depth, mut is_quoted) = (0, false);
        let end = text.find(|letter| {
            is_quoted ^= letter == '"';
            depth += i32::from(letter == '{' && !is_quoted) - i32::from(letter == '}' && !is_quoted);
            letter == '}' && depth == 0
        });
        let (one, rest) = text.split_at(end.unwrap() + 1);
        list.push(one);
        text = rest.trim_start();
    }
    list
}

/// The transaction's number of a request.
pub(crate) fn number(request: &str) -> &str {
    request.strip_prefix("T=").unwrap().split('{').next().unwrap()
}

/// The actions of a request.
pub(crate) fn body(request: &str) -> &str {
    &request[request.find('{').unwrap() + 1..request.len() - 1]
}

/// An Add of an RTP termination to a context that gets a context and an address.
pub(crate) const RTP: &str = "A=${M{O{MO=SR},L{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0\n}}}";
