//! The shard: one task that owns an exchange with its engines and sockets. No locks are on the call path.
//!
//! A turn of the loop waits for a datagram, a deadline or a request, hands it to the exchange, and then drains what
//! the exchange wants sent, logged and kept. Inputs are taken in batches, with the deadlines looked at in between, so
//! that a flood delays timers by one batch at most. Within a batch each gateway has its turn, and what is more than its
//! share is dropped ([`crate::admission`]). What a batch wants sent leaves together, before anything is logged. `signalling`: the same for SIP. `held`: what is not sent before a
//! record is kept. `flood`: what is refused before it is heard. `circuit`: tests that
//! operators wait for.

mod circuit;
mod flood;
mod held;
mod signalling;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use strowger_capture::{Protocol, Way};
use strowger_exchange::{
    Event, Exchange, Input, MEGACO_BINARY, MEGACO_TEXT, Record, SIP_TCP, SIP_TLS, SIP_UDP, Setting,
    SettingFault,
};
use strowger_megaco::transport::{Route, Transport};
use strowger_sansio::{SocketId, Time, TokenBucket, Transmit};
use strowger_sip::locate::Destination;
use tokio::sync::{mpsc, oneshot};

use crate::admission::{Admission, Datagram, Limits, ROOM, Verdict};
use crate::clock::{Clock, Wall};
use crate::filter::Guard;
use crate::ledger::Ledger;
use crate::log::{EventLog, Throttle};
use crate::megaco::{Arrival, Ports};
use crate::metrics::{Counter, Histogram, Registry};
use crate::names;
use crate::sip;
use crate::socket::{Received, Udp};
use crate::strangers::Shares;
use crate::view::Picture;
use crate::vigil::Vigil;
pub(crate) use circuit::{Order as CircuitOrder, Wish as CircuitWish};
use held::Held;

/// How often the exchange is told what the wall shows: a clock that was set is noticed within a minute.
const WALL: Duration = Duration::from_secs(60);
/// How often a shard that drains looks whether calls are left.
const DRAIN_STEP: Duration = Duration::from_millis(50);
/// Bounds of the histogram of turns in microseconds.
const TURN_BOUNDS: &[u64] = &[10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000];

/// One who looks on: the ladder of a demo, a capture file. It is called on the call path and must not wait.
pub trait Observer: Send {
    /// A datagram came or was sent. Of strangers' datagrams only a few a second are shown.
    fn datagram(&mut self, frame: &Frame<'_>) {
        let _ = frame;
    }

    /// Something happened.
    fn event(&mut self, at: Time, event: &Event) {
        let _ = (at, event);
    }

    /// Something is to be kept.
    fn record(&mut self, record: &Record, wall: &Wall) {
        let _ = (record, wall);
    }
}

/// A datagram as an observer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'f> {
    /// When, on the engines' clock.
    pub at: Time,
    /// The clock, to know the wall's time.
    pub clock: &'f Clock,
    /// Its source.
    pub from: SocketAddr,
    /// Its destination.
    pub to: SocketAddr,
    /// What it speaks.
    pub protocol: Protocol,
    /// Whether it came or was sent.
    pub way: Way,
    /// Its bytes.
    pub bytes: &'f [u8],
}

/// How many datagrams of strangers observers are shown in a second: enough to find a gateway that is configured with a wrong
/// address, too few to push the exchange's own signalling out of a capture.
const STRANGERS: u32 = 10;

/// What others ask of a shard.
#[derive(Debug)]
pub(crate) enum Request {
    /// Everything that is open.
    Look(oneshot::Sender<Picture>),
    /// The settings of the line with this number; none when there is no such line.
    Settings(String, oneshot::Sender<Option<Vec<Setting>>>),
    /// Make a setting of the line with this number.
    Set(String, Setting, oneshot::Sender<Result<(), SettingFault>>),
    /// Something of a circuit, which an operator waits for.
    Circuit(circuit::Order),
    /// The name of a gateway, by its id, stands for these addresses now.
    Resolved(String, Vec<SocketAddr>),
    /// The name of a trunk's peer, by the trunk's id, stands for these places now.
    Located(String, Vec<Destination>),
    /// End when no call is left, or after this patience.
    Stop(Duration),
}

/// How a shard ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calls that were open when it ended.
    pub calls_left: usize,
    /// Records that could not be kept.
    pub records_lost: u64,
}

/// What a shard owns.
pub(crate) struct Shard {
    clock: Clock,
    exchange: Exchange,
    mgcp: Option<Udp>,
    megaco: Ports,
    /// The ids of gateways of Megaco that are known by their names.
    megaco_names: BTreeSet<String>,
    sip: sip::Ports,
    sip_shares: Shares,
    ledger: Ledger,
    held: Held,
    tests: circuit::Tests,
    observers: Vec<Box<dyn Observer>>,
    admission: Admission,
    guard: Guard,
    /// Which strangers' datagrams observers are shown.
    strangers: TokenBucket,
    requests: mpsc::Receiver<Request>,
    /// To ask itself: what was looked up for it comes so.
    own: mpsc::WeakSender<Request>,
    limits: Limits,
    log: EventLog,
    counts: Counts,
    /// When each input of a batch was taken.
    taken: Vec<Time>,
    vigil: Vigil,
    floods: Throttle,
    filters: Throttle,
    /// When to stop, calls or not; none while it runs.
    deadline: Option<Instant>,
}

struct Counts {
    turns: Histogram,
    timers: Counter,
    excess: Counter,
    filters: Counter,
}

/// The parts that a shard is made of.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) exchange: Exchange,
    pub(crate) mgcp: Option<Udp>,
    pub(crate) megaco: Ports,
    /// The ids of gateways of Megaco that are known by their names.
    pub(crate) megaco_names: BTreeSet<String>,
    pub(crate) sip: sip::Ports,
    pub(crate) ledger: Ledger,
    pub(crate) observers: Vec<Box<dyn Observer>>,
    /// The gateways' addresses.
    pub(crate) listed: Vec<SocketAddr>,
    /// How much each of them may send.
    pub(crate) limits: Limits,
    /// How long it looks for more behind what came before it sleeps.
    pub(crate) busy_poll: Duration,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) own: mpsc::WeakSender<Request>,
}

/// How long the ledger may take to write what waits when the shard has ended.
const LEDGER_PATIENCE: Duration = Duration::from_secs(10);

impl Shard {
    pub(crate) fn new(parts: Parts, metrics: &Registry) -> Self {
        let Parts {
            clock,
            exchange,
            mgcp,
            megaco,
            megaco_names,
            sip,
            ledger,
            observers,
            listed,
            limits,
            busy_poll,
            requests,
            own,
        } = parts;
        let admission = Admission::new(clock.now(), listed, limits);
        let guard = Guard::new(clock.now(), limits.gateway_rate);
        let strangers = TokenBucket::new(STRANGERS, STRANGERS, clock.now());
        let counts = Counts {
            turns: metrics.histogram(
                "strowger_turn_seconds",
                "Time from taking an input to having sent what follows from it.",
                TURN_BOUNDS,
            ),
            timers: metrics.counter("strowger_timer_turns_total", "Turns that a deadline caused.", &[]),
            excess: metrics.counter(
                "strowger_gateway_datagrams_dropped_total",
                "Datagrams dropped because their gateway sent more than its share.",
                &[],
            ),
            filters: metrics.counter(
                "strowger_socket_filters_total",
                "Filters set in the kernel before the MGCP socket, which was flooded.",
                &[],
            ),
        };
        let log = EventLog::new(metrics);
        Self {
            clock,
            exchange,
            mgcp,
            megaco,
            megaco_names,
            sip,
            sip_shares: Shares::new(clock.now(), limits),
            ledger,
            held: Held::default(),
            tests: circuit::Tests::default(),
            observers,
            admission,
            guard,
            strangers,
            requests,
            own,
            limits,
            log,
            counts,
            taken: Vec::with_capacity(ROOM),
            vigil: Vigil::new(busy_poll),
            floods: Throttle::default(),
            filters: Throttle::default(),
            deadline: None,
        }
    }

    /// Runs until it is told to stop and has drained, or nobody is left who could tell it.
    pub(crate) async fn run(mut self) -> Summary {
        let mut wall_due = Instant::now();
        self.megaco.serve();
        self.sip.serve();
        loop {
            if Instant::now() >= wall_due {
                let wall = self.clock.wall();
                self.exchange.set_wall_clock(self.clock.now(), wall.for_exchange());
                wall_due = Instant::now() + WALL;
            }
            self.run_due_timers();
            self.release();
            self.drain();
            self.judge_flood();
            if self.has_drained() {
                break;
            }
            let mut until = wall_due;
            if let Some(timeout) = self.exchange.poll_timeout() {
                until = until.min(self.clock.instant(timeout));
            }
            if let Some(due) = self.guard.due() {
                until = until.min(self.clock.instant(due));
            }
            if let Some(due) = self.held.due() {
                until = until.min(due);
            }
            if let Some(deadline) = self.deadline {
                until = until.min(deadline).min(Instant::now() + DRAIN_STEP);
            }
            let is_awake = self.vigil.lasts(self.clock.now());
            let mut came = true;
            tokio::select! {
                is_open = ready(self.mgcp.as_ref()) => if is_open { self.receive() } else { break },
                is_open = ready(self.megaco.text.as_ref()) => if is_open { self.receive_megaco(MEGACO_TEXT) } else { break },
                is_open = ready(self.megaco.binary.as_ref()) => if is_open { self.receive_megaco(MEGACO_BINARY) } else { break },
                is_open = ready(self.sip.udp.as_ref()) => if is_open { self.receive_sip() } else { break },
                () = self.ledger.keeps(), if !self.held.is_empty() => came = false,
                Some(arrival) = self.megaco.arrivals.recv() => self.arrived(arrival),
                Some(arrival) = self.sip.arrivals.recv() => self.sip_arrived(arrival),
                request = self.requests.recv() => match request {
                    Some(request) => self.answer(request),
                    None => break,
                },
                () = tokio::time::sleep_until(until.into()) => came = false,
                () = tokio::task::yield_now(), if is_awake => came = false,
            }
            if came {
                self.vigil.came(self.clock.now());
            }
        }
        let calls_left = self.exchange.snapshot().calls.len();
        let records_lost = self.ledger.close(LEDGER_PATIENCE);
        Summary { calls_left, records_lost }
    }

    fn run_due_timers(&mut self) {
        let now = self.clock.now();
        if self.exchange.poll_timeout().is_some_and(|timeout| timeout <= now) {
            self.counts.timers.increment();
            self.exchange.handle_timeout(now);
        }
    }

    /// Hears which datagrams were not delivered.
    fn hear_errors(&mut self) {
        for _ in 0..ROOM {
            let Some((to, quoted)) = self.mgcp.as_mut().and_then(Udp::take_error) else { return };
            self.exchange.handle_undelivered(self.clock.now(), to, &quoted);
        }
    }

    /// Takes a batch of datagrams and serves what is admitted of it, by turns.
    fn receive(&mut self) {
        self.hear_errors();
        let Some(udp) = &mut self.mgcp else { return };
        udp.flush();
        let to = udp.local();
        for _ in 0..ROOM {
            let (from, bytes) = match udp.try_receive() {
                Received::Datagram { from, bytes } => (from, bytes),
                Received::Nothing => continue,
                Received::Empty => break,
            };
            let now = self.clock.now();
            match self.admission.offer(now, from, bytes) {
                Verdict::Waits => self.guard.served(from),
                Verdict::Dropped => {
                    self.guard.dropped(from);
                    self.counts.excess.increment();
                    if let Some(suppressed) = self.floods.admit() {
                        tracing::warn!(gateway = %from, suppressed, "a gateway sends more than its share");
                    }
                }
                Verdict::Stranger => {
                    self.guard.stranger();
                    let protocol = Protocol::Mgcp;
                    let frame =
                        Frame { at: now, clock: &self.clock, from, to, protocol, way: Way::In, bytes };
                    if self.strangers.take(now) {
                        self.observers.iter_mut().for_each(|observer| observer.datagram(&frame));
                    }
                    // It is refused by its address and counted; there is nothing to send.
                    self.exchange.handle_input(now, Input::Mgcp { from, bytes });
                }
            }
        }
        while let Some(Datagram { from, bytes }) = self.admission.take() {
            let now = self.clock.now();
            self.taken.push(now);
            let (protocol, way) = (Protocol::Mgcp, Way::In);
            let frame = Frame { at: now, clock: &self.clock, from, to, protocol, way, bytes: &bytes };
            for observer in &mut self.observers {
                observer.datagram(&frame);
            }
            self.exchange.handle_input(now, Input::Mgcp { from, bytes: &bytes });
            self.collect();
        }
        self.flush();
        let now = self.clock.now();
        for taken in self.taken.drain(..) {
            self.counts.turns.observe(now.since(taken));
        }
        self.tell();
    }

    /// Takes a batch of datagrams of Megaco.
    fn receive_megaco(&mut self, socket: SocketId) {
        for _ in 0..ROOM {
            let Some(udp) = self.megaco.datagrams(socket) else { return };
            udp.flush();
            let to = udp.local();
            let (from, bytes) = match udp.try_receive() {
                Received::Datagram { from, bytes } => (from, bytes.to_vec()),
                Received::Nothing => continue,
                Received::Empty => break,
            };
            self.hear_megaco(Route { transport: Transport::Udp, socket, address: from }, to, &bytes);
        }
        self.flush();
        self.tell();
    }

    /// Something came by a connection.
    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Connected(socket, peer, writer) => self.megaco.connected(socket, peer, writer),
            Arrival::Message(route, to, bytes) => self.hear_megaco(route, to, &bytes),
            Arrival::Ended(socket) => {
                self.megaco.ended(socket);
                self.exchange.handle_disconnected(self.clock.now(), socket);
            }
        }
    }

    fn hear_megaco(&mut self, route: Route, to: SocketAddr, bytes: &[u8]) {
        let now = self.clock.now();
        if !self.megaco.admits(now, route.address.ip()) {
            self.counts.excess.increment();
            if let Some(suppressed) = self.floods.admit() {
                tracing::warn!(gateway = %route.address, suppressed, "a gateway sends more than its share");
            }
            return;
        }
        let (from, protocol, way) = (route.address, Protocol::Megaco, Way::In);
        let frame = Frame { at: now, clock: &self.clock, from, to, protocol, way, bytes };
        for observer in &mut self.observers {
            observer.datagram(&frame);
        }
        self.exchange.handle_input(now, Input::Megaco { route, bytes });
        self.collect();
        self.counts.turns.observe(self.clock.now().since(now));
    }

    /// Takes everything out of the exchange: first what others wait for, then what is only told.
    fn drain(&mut self) {
        self.collect();
        self.flush();
        self.tell();
    }

    fn flush(&mut self) {
        if let Some(udp) = &mut self.mgcp {
            udp.flush();
        }
        if let Some(udp) = &mut self.sip.udp {
            udp.flush();
        }
        self.megaco.flush();
    }

    /// Takes what the exchange wants sent; it leaves with the next [`Self::flush`].
    fn collect(&mut self) {
        while let Some(transmit) = self.exchange.poll_transmit() {
            self.send(transmit);
        }
    }

    fn send(&mut self, transmit: Transmit) {
        if matches!(transmit.socket, SIP_TCP | SIP_TLS) {
            return self.send_by_stream(transmit);
        }
        let (udp, protocol) = match transmit.socket {
            SocketId::MAIN => (self.mgcp.as_mut(), Protocol::Mgcp),
            SIP_UDP => (self.sip.udp.as_mut(), Protocol::Sip),
            socket => (self.megaco.datagrams(socket), Protocol::Megaco),
        };
        let local = udp.as_ref().map(|udp| udp.local());
        let frame = Frame {
            at: self.clock.now(),
            clock: &self.clock,
            from: local.unwrap_or(transmit.to),
            to: transmit.to,
            protocol,
            way: Way::Out,
            bytes: &transmit.payload,
        };
        for observer in &mut self.observers {
            observer.datagram(&frame);
        }
        match udp {
            Some(udp) => udp.send(transmit.to, transmit.payload),
            None => self.megaco.send(transmit.socket, transmit.payload),
        }
    }

    /// Takes what is to be logged and kept.
    fn tell(&mut self) {
        while let Some(event) = self.exchange.poll_event() {
            if let Event::Resolve { gateway, name } = &event {
                self.look_up(gateway.clone(), name.clone());
            }
            self.tests.event(&event);
            self.log.event(&event);
            let at = self.clock.now();
            for observer in &mut self.observers {
                observer.event(at, &event);
            }
        }
        while let Some(record) = self.exchange.poll_record() {
            let wall = self.clock.wall();
            self.log.record(&record);
            for observer in &mut self.observers {
                observer.record(&record, &wall);
            }
            self.ledger.record(record, wall);
        }
    }

    fn answer(&mut self, request: Request) {
        match request {
            Request::Look(to) => {
                if let Some(udp) = &self.mgcp {
                    udp.count_kernel_drops();
                }
                // One who does not wait any more needs no answer.
                let _ = to.send(Picture::of(&self.exchange));
            }
            Request::Settings(line, to) => {
                let _ = to.send(self.exchange.settings(&line));
            }
            Request::Set(line, setting, to) => {
                // What must be kept and sent of it is drained in this turn of the loop.
                let _ = to.send(self.exchange.set(self.clock.now(), &line, &setting));
            }
            Request::Circuit(order) => self.order_circuit(order),
            Request::Resolved(gateway, addresses) => {
                let now = self.clock.now();
                if self.megaco_names.contains(&gateway) {
                    if !addresses.is_empty() {
                        self.megaco.resolved(now, &gateway, &addresses);
                    }
                } else {
                    self.admission.list(now, addresses.iter().copied(), self.limits);
                    if !self.guard.filter().is_open() {
                        self.set_filter(self.guard.filter());
                    }
                }
                self.exchange.handle_resolved(now, &gateway, &addresses);
            }
            Request::Located(trunk, places) => self.located(&trunk, &places),
            Request::Stop(patience) => {
                self.exchange.drain(self.clock.now());
                let deadline = Instant::now() + patience;
                // A second request may shorten the patience and never extends it.
                self.deadline = Some(self.deadline.map_or(deadline, |old| old.min(deadline)));
            }
        }
    }

    /// Has a name looked up, beside the call path. Whoever the answer does not reach asks again.
    fn look_up(&self, gateway: String, name: String) {
        let own = self.own.clone();
        tokio::task::spawn_blocking(move || {
            let addresses = names::look_up(&gateway, &name);
            if let Some(own) = own.upgrade() {
                let _ = own.blocking_send(Request::Resolved(gateway, addresses));
            }
        });
    }

    fn has_drained(&self) -> bool {
        let Some(deadline) = self.deadline else { return false };
        let flushed =
            self.mgcp.iter().all(Udp::is_flushed) && self.sip.is_flushed() && self.megaco.is_flushed();
        Instant::now() >= deadline || flushed && self.held.is_empty() && self.exchange.has_drained()
    }
}

/// Waits for a socket, and says whether that can be done at all. A shard without a socket waits for its timers and requests alone.
async fn ready(udp: Option<&Udp>) -> bool {
    let Some(udp) = udp else { return std::future::pending().await };
    let ready = udp.ready().await;
    if let Err(error) = &ready {
        tracing::error!(%error, "the socket cannot be waited for");
    }
    ready.is_ok()
}
