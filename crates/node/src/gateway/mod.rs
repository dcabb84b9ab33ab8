//! The host of a software gateway: its sockets, its clock, one thread.
//!
//! The thread waits in one poll for signalling, media, orders and the gateway's next deadline. All sockets are bound before the
//! first call, so that a call costs no system call but those that carry its datagrams. What is to be sent goes when the
//! socket that was read is empty, or so much waits that it should not wait longer.
//!
//! - `sockets`: the signalling socket and the pairs for media. `connected`: the call agent's. `connections`: those to Megaco's controllers.
//!   `outbox`: what is to be sent.

mod connected;
mod connections;
mod outbox;
pub(crate) mod sockets;

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use mio::{Events, Poll, Token, Waker};
use strowger_media::wav;
use strowger_sansio::{Duration, Rng, SocketId, Time};
use strowger_softgateway::{Event, Question, SoftGateway, SoftGatewayConfig, Step};

use crate::clock::Clock;
use crate::inbox::{Inbox, Rest};
use crate::signals::Signals;
use crate::unreachable::{self, Unreachable};
use crate::vigil::Vigil;
use connections::{Change, Connections};
use outbox::Outbox;
use sockets::{CONNECTED, Sockets};

/// Samples of the longest recording that is read: ten minutes.
pub const LONGEST_RECORDING: usize = 600 * 8000;
/// How often one socket is read, [`MOST`](crate::inbox::MOST) datagrams each time, before the others have their turn.
const TURN: usize = 4;
/// How long a gateway that is told to stop waits for its last exchanges: longer than a lost datagram takes to be repeated.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a host is asked to open.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Where the gateway listens for commands; media ports are on the same host.
    pub listen: SocketAddr,
    /// Where media ports are taken from; where the system has room when none.
    pub rtp_ports: Option<RangeInclusive<u16>>,
    /// How many connections can be open at the same time.
    pub connections: usize,
    /// The folder with the recordings of its announcement servers.
    pub recordings: Option<PathBuf>,
    /// How long its thread looks for more behind what came before it sleeps: what a wake-up takes is saved by a busy processor.
    pub busy_poll: Duration,
    /// The gateway itself.
    pub gateway: SoftGatewayConfig,
}

/// A datagram that a gateway sent or received, for ladders and captures.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// When.
    pub at: Time,
    /// The sender.
    pub from: SocketAddr,
    /// The receiver.
    pub to: SocketAddr,
    /// Whether it came or went.
    pub direction: Direction,
    /// Which socket it went through.
    pub socket: SocketId,
    /// The bytes.
    pub payload: &'a [u8],
}

/// Whether a datagram came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came.
    Received,
    /// It went.
    Sent,
}

/// What a host tells: everything that its owner wants to see, as it happens. It is called on the gateway's thread.
pub trait Observer: Send {
    /// Something happened on the gateway.
    fn event(&mut self, event: Event);

    /// A step was taken or refused.
    fn step(&mut self, step: &Step, result: Result<Option<u64>, String>) {
        let _ = (step, result);
    }

    /// A datagram came or went.
    fn datagram(&mut self, datagram: Datagram<'_>) {
        let _ = datagram;
    }
}

enum Order {
    Sound(String, Arc<[i16]>),
    Step(Step),
    /// A recording was read, or could not be.
    Recording(String, Result<Arc<[i16]>, String>),
    /// The name of a call agent was looked up.
    Resolved(usize, Vec<SocketAddr>),
    Stop,
}

/// A running gateway. Dropping it stops the gateway at once; [`Self::stop`] lets it say good-bye.
#[derive(Debug)]
pub struct GatewayHost {
    orders: Sender<Order>,
    waker: Arc<Waker>,
    address: SocketAddr,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl GatewayHost {
    /// Binds the sockets and starts the gateway on a thread of its own.
    ///
    /// # Errors
    /// A socket that cannot be bound, or a system without threads to spare.
    pub fn start(
        config: HostConfig,
        clock: Clock,
        rng: Rng,
        observer: Box<dyn Observer>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let (sockets, ports) =
            Sockets::bind(poll.registry(), config.listen, config.rtp_ports.as_ref(), config.connections)?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(sockets.len()))?);
        let (_, address) = sockets.get(SocketId::MAIN).ok_or_else(|| io::Error::other("no sockets"))?;
        let (orders, receiver) = mpsc::channel();
        let gateway = SoftGateway::new(clock.now(), config.gateway, ports, rng).map_err(io::Error::other)?;
        let errands = Errands { orders: orders.clone(), waker: waker.clone(), folder: config.recordings };
        let outbox = Outbox::default();
        // The numbers below are those of the sockets, of the waker and of the call agent's socket.
        let first = u32::try_from(sockets.len() + 2).map_err(io::Error::other)?;
        let connections = Connections::new(config.listen.ip(), first);
        let unreachable = Unreachable::default();
        let vigil = Vigil::new(config.busy_poll);
        let worker = Worker {
            poll,
            vigil,
            sockets,
            connections,
            outbox,
            unreachable,
            doubtful: BTreeSet::new(),
            gateway,
            clock,
            orders: receiver,
            errands,
            observer,
        };
        let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || worker.run())?;
        Ok(Self { orders, waker, address, thread: Some(thread) })
    }

    /// Where it listens for commands.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives a subscriber something to do. What becomes of it is told to the observer.
    pub fn step(&self, step: Step) {
        self.order(Order::Step(step));
    }

    /// Gives the samples of a WAV file under the name that steps use.
    pub fn add_sound(&self, name: &str, samples: Arc<[i16]>) {
        self.order(Order::Sound(name.to_owned(), samples));
    }

    /// Lets the gateway announce that it goes, and waits until it is gone.
    ///
    /// # Errors
    /// What ended the gateway before.
    pub fn stop(mut self) -> io::Result<()> {
        self.order(Order::Stop);
        self.join()
    }

    fn order(&self, order: Order) {
        // A gateway that has ended takes no orders; `stop` says why it ended.
        if self.orders.send(order).is_ok() {
            let _ = self.waker.wake();
        }
    }

    fn join(&mut self) -> io::Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the gateway's thread panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for GatewayHost {
    fn drop(&mut self) {
        self.order(Order::Stop);
        let _ = self.join();
    }
}

/// What became of what was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    All,
    /// The system refused some of it.
    Refused,
}

/// What the gateway's thread owns.
struct Worker {
    poll: Poll,
    vigil: Vigil,
    sockets: Sockets,
    connections: Connections,
    outbox: Outbox,
    unreachable: Unreachable,
    /// Media sockets whose errors the gateway wants to know of.
    doubtful: BTreeSet<SocketId>,
    gateway: SoftGateway,
    clock: Clock,
    orders: Receiver<Order>,
    errands: Errands,
    observer: Box<dyn Observer>,
}

/// What blocks, on a thread for each errand: the system's name service and the disk. The gateway asks for one thing once at a time.
struct Errands {
    orders: Sender<Order>,
    waker: Arc<Waker>,
    folder: Option<PathBuf>,
}

impl Errands {
    fn ask(&self, question: Question) {
        let Question { agent, name } = question;
        // Without a thread there is no answer; the gateway takes the question as lost and asks again later.
        let _ = self.go("resolver", move || {
            Order::Resolved(agent, name.to_socket_addrs().map(Iterator::collect).unwrap_or_default())
        });
    }

    /// Reads a recording. Its name is one of those that the folder was found to have, and not a peer's.
    fn read(&self, file: String) {
        let path = self.folder.as_ref().map(|folder| folder.join(&file));
        let name = file.clone();
        let started = self.go("recording", move || {
            let read = path.ok_or_else(|| "there is no folder of recordings".to_owned());
            let read = read.and_then(|path| samples(&path));
            Order::Recording(name, read)
        });
        if let Err(error) = started
            && self.orders.send(Order::Recording(file, Err(error.to_string()))).is_ok()
        {
            let _ = self.waker.wake();
        }
    }

    fn go(&self, name: &str, errand: impl FnOnce() -> Order + Send + 'static) -> io::Result<()> {
        let (orders, waker) = (self.orders.clone(), self.waker.clone());
        let errand = move || {
            if orders.send(errand()).is_ok() {
                let _ = waker.wake();
            }
        };
        std::thread::Builder::new().name(name.into()).spawn(errand).map(drop)
    }
}

fn samples(path: &Path) -> Result<Arc<[i16]>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    wav::decode(&bytes, LONGEST_RECORDING).map(Into::into).map_err(|error| error.to_string())
}

impl Worker {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut inbox = Inbox::new();
        let mut leave_at = None;
        // Sockets that had more to read than their turn allowed.
        let mut unread: Vec<SocketId> = Vec::new();
        let mut ready: Vec<SocketId> = Vec::new();
        let mut now = self.clock.now();
        self.drain(now);
        loop {
            let due = [self.due(now), leave_at].into_iter().flatten().min();
            let sleeps = unread.is_empty() && !self.vigil.lasts(now);
            let wait = if sleeps { due.map(|due| due.since(now)) } else { Some(Duration::ZERO) };
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            std::mem::swap(&mut ready, &mut unread);
            // The poll names each socket once; only what was left over can come twice.
            let left_over = ready.len();
            for event in &events {
                if let Some(id) = self.socket_of(event.token())
                    && ready.iter().take(left_over).all(|other| *other != id)
                {
                    ready.push(id);
                }
            }
            // What is due is looked at by this time too: all that follows takes less than the poll is exact to.
            now = self.clock.now();
            if !ready.is_empty() {
                self.vigil.came(now);
            }
            for (place, socket) in ready.drain(..).enumerate() {
                if place > 0 {
                    now = self.clock.now();
                }
                if self.read(now, socket, &mut inbox) == Rest::Some {
                    unread.push(socket);
                }
            }
            while let Ok(order) = self.orders.try_recv() {
                match order {
                    Order::Sound(name, samples) => self.gateway.add_sound(&name, samples),
                    Order::Step(step) => self.take(&step),
                    Order::Recording(file, read) => {
                        let now = self.clock.now();
                        self.gateway.handle_announcement(now, &file, read);
                        self.drain(now);
                    }
                    Order::Resolved(agent, found) => {
                        let now = self.clock.now();
                        self.gateway.handle_resolved(now, agent, &found);
                        self.drain(now);
                    }
                    Order::Stop if leave_at.is_none() => {
                        let now = self.clock.now();
                        self.gateway.shut_down(now);
                        self.drain(now);
                        leave_at = Some(now + FAREWELL);
                    }
                    Order::Stop => {}
                }
            }
            if leave_at.is_some_and(|at| at <= now || self.gateway.is_quiet()) {
                return Ok(());
            }
        }
    }

    /// The token of the connected socket; the one before is that of the waker.
    fn connected_token(&self) -> Token {
        Token(self.sockets.len() + 1)
    }

    fn socket_of(&self, token: Token) -> Option<SocketId> {
        if token == self.connected_token() {
            return Some(CONNECTED);
        }
        let id = SocketId(u32::try_from(token.0).ok()?);
        (token.0 < self.sockets.len() || self.connections.has(id)).then_some(id)
    }

    /// Does what is due; says when there is more to do.
    fn due(&mut self, now: Time) -> Option<Time> {
        let due = self.gateway.poll_timeout();
        if due.is_none_or(|due| due > now) {
            return due;
        }
        self.gateway.handle_timeout(now);
        self.drain(now);
        self.gateway.poll_timeout()
    }

    /// Reads what has come to a socket, and sends what follows from it; says whether there may be more to read. One time holds for the
    /// whole turn: it lasts less than the tenths of a millisecond that jitter is told in.
    fn read(&mut self, now: Time, id: SocketId, inbox: &mut Inbox) -> Rest {
        let rest = self.read_turn(now, id, inbox);
        self.send_all(now);
        rest
    }

    fn read_turn(&mut self, now: Time, place: SocketId, inbox: &mut Inbox) -> Rest {
        if self.connections.has(place) {
            return self.converse(now, place);
        }
        let id = if place == CONNECTED { SocketId::MAIN } else { place };
        self.hear_refusals(now, place);
        for _ in 0..TURN {
            let Some((socket, to)) = self.sockets.get(place) else { return Rest::None };
            match inbox.receive(socket, to) {
                Ok(rest) => {
                    while let Some((from, payload)) = inbox.take() {
                        self.observe(now, id, Direction::Received, (from, payload));
                        self.gateway.handle_input(now, id, from, payload);
                        self.collect(now);
                        if self.outbox.is_full() {
                            self.send(now);
                        }
                    }
                    if rest == Rest::None {
                        return Rest::None;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Rest::None,
                // The answer of a host that did not want one of our datagrams. Of media nobody needs to know.
                Err(_) if id == SocketId::MAIN => {
                    let _ = self.unreachable.take(now, socket, |to| self.gateway.handle_unreachable(now, to));
                    self.collect(now);
                }
                Err(_) => {}
            }
        }
        Rest::Some
    }

    /// Tells the gateway what the network says of media that it wants to know of.
    fn hear_refusals(&mut self, now: Time, id: SocketId) {
        if !self.doubtful.contains(&id) {
            return;
        }
        // A storm of them waits for the next turn.
        for _ in 0..TURN {
            let Some((socket, _)) = self.sockets.get(id) else { return };
            let Some((to, code)) = unreachable::next_refusal(socket) else { break };
            if let Some(code) = code {
                self.gateway.handle_refused(now, id, to, code);
                self.collect(now);
            }
        }
    }

    /// What a connection has: it stands, takes more, brings messages, or has ended.
    fn converse(&mut self, now: Time, id: SocketId) -> Rest {
        self.connections.advance(id);
        self.collect(now);
        for _ in 0..TURN {
            let rest = self.connections.read(id);
            while let Some((route, message)) = self.connections.take(id) {
                self.observe(now, id, Direction::Received, (route.address, &message));
                self.gateway.handle_message(now, route, &message);
                self.collect(now);
            }
            // A connection that has ended is told, though it brought no message.
            self.collect(now);
            if rest == Rest::None {
                return Rest::None;
            }
        }
        Rest::Some
    }

    fn observe(
        &mut self,
        at: Time,
        socket: SocketId,
        direction: Direction,
        (other, payload): (SocketAddr, &[u8]),
    ) {
        let own = self.sockets.get(socket).map(|(_, own)| own);
        let Some(own) = own.or_else(|| self.connections.ends(socket).map(|(own, _)| own)) else { return };
        let (from, to) = if direction == Direction::Sent { (own, other) } else { (other, own) };
        self.observer.datagram(Datagram { at, from, to, direction, socket, payload });
    }

    fn take(&mut self, step: &Step) {
        let now = self.clock.now();
        let result = self.gateway.handle_step(now, step).map_err(|error| error.to_string());
        self.observer.step(step, result);
        self.drain(now);
    }

    /// Takes everything out of the gateway and sends what there is to send.
    fn drain(&mut self, now: Time) {
        self.collect(now);
        self.send_all(now);
    }

    /// Sends what there is to send.
    fn send_all(&mut self, now: Time) {
        while !self.outbox.is_empty() {
            if self.send(now) == Sent::Refused {
                // It may try elsewhere.
                self.collect(now);
            }
        }
    }

    /// Takes everything out of the gateway. What it wants sent waits for [`Self::send`].
    fn collect(&mut self, now: Time) {
        loop {
            self.collect_messages(now);
            while let Some(controller) = self.gateway.poll_close() {
                self.connections.close(controller);
            }
            while let Some((controller, to)) = self.gateway.poll_connect() {
                self.connections.open(self.poll.registry(), controller, to);
            }
            let Some(change) = self.connections.poll_change() else { break };
            match change {
                Change::Established(controller, route) => {
                    self.gateway.handle_connection(now, controller, Some(route));
                }
                Change::Ended(controller) => self.gateway.handle_connection(now, controller, None),
            }
        }
        while let Some(id) = self.gateway.poll_doubtful() {
            if let Some((socket, local)) = self.sockets.get(id).filter(|_| self.doubtful.insert(id)) {
                unreachable::enable(socket, local);
            }
        }
        while let Some(question) = self.gateway.poll_question() {
            self.errands.ask(question);
        }
        while let Some(file) = self.gateway.poll_announcement() {
            self.errands.read(file);
        }
        while let Some(event) = self.gateway.poll_event() {
            self.observer.event(event);
        }
    }

    fn collect_messages(&mut self, now: Time) {
        while let Some(transmit) = self.gateway.poll_transmit() {
            self.observe(now, transmit.socket, Direction::Sent, (transmit.to, &transmit.payload));
            if self.connections.has(transmit.socket) {
                self.connections.send(transmit.socket, &transmit.payload);
                continue;
            }
            if transmit.socket == SocketId::MAIN {
                self.unreachable.note(transmit.to, &transmit.payload);
                let token = self.connected_token();
                self.sockets.note(self.poll.registry(), token, transmit.to);
            }
            self.outbox.push(transmit);
        }
    }

    /// A datagram that cannot be sent is a datagram lost: signalling repeats it, media goes on without it.
    fn send(&mut self, now: Time) -> Sent {
        let Self { outbox, sockets, unreachable, gateway, .. } = self;
        let mut sent = Sent::All;
        outbox.send(sockets, |id, to, error| {
            sent = Sent::Refused;
            if id != SocketId::MAIN {
                return false;
            }
            let mut earlier = false;
            for (socket, _) in [id, CONNECTED].into_iter().filter_map(|id| sockets.get(id)) {
                earlier |= unreachable.take(now, socket, |to| gateway.handle_unreachable(now, to));
            }
            // What the network told of an earlier datagram looks like an error of this one.
            let is_lost =
                matches!(error.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable);
            if is_lost && !earlier {
                gateway.handle_unreachable(now, to);
            }
            earlier
        });
        sent
    }
}

/// The word to stop: SIGINT, SIGTERM or SIGHUP, which end the process no more from the moment that this is made.
pub struct Stop {
    runtime: tokio::runtime::Runtime,
    signals: Signals,
}

impl Stop {
    /// Listens for the signals. To be made before anybody is told that the program is there.
    ///
    /// # Errors
    /// A system that has no room for another reactor.
    pub fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _within = runtime.enter();
            Signals::new()?
        };
        Ok(Self { runtime, signals })
    }

    /// Waits for the first of them, and gives its name.
    #[must_use]
    pub fn wait(mut self) -> &'static str {
        self.runtime.block_on(self.signals.next())
    }
}
