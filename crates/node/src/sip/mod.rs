//! The ports of SIP: datagrams, and connections over TCP and TLS (RFC 3261 section 18).
//!
//! ```text
//!   listener -- accept --> stream (a task each) -- Arrival --> shard -- messages --> exchange
//!   trunk    <- connect -- stream               <- Streams --- shard <- messages --- exchange
//! ```
//!
//! A connection is known by the address of its other end. Whoever is to be sent something is sent it by the connection that stands, or else
//! one is made; what could not be sent is given back to the engine, which knows another way or ends what it was for. `door`: who may
//! connect, and how often. `stream`: one connection.

mod door;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use strowger_exchange::{SIP_TCP, SIP_TLS};
use strowger_sip::locate::Destination;
use strowger_sip::{DecodeError, Route, Transport};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::admission::Limits;
use crate::clock::Clock;
use crate::metrics::{Counter, Registry};
use crate::socket::Udp;
pub(crate) use door::Door;
use stream::{Entrance, Stream};

use crate::tls::{ClientTls, ServerTls};

/// Messages that wait for the shard, of all connections; past it their peers wait.
const ARRIVALS: usize = 1024;
/// Messages that wait for one connection; past it the connection is given up.
const WAITING: usize = 1024;
/// Connections of this side's at a time: more than trunks have addresses.
const OUTGOING: usize = 4096;
/// How long nothing is tried again where nobody took a connection: calls are not to wait for it one by one.
const REFUSED: Duration = Duration::from_secs(5);

/// Which connection: what carries it, and its other end.
pub(crate) type Way = (Transport, SocketAddr);

/// What a connection brings.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A peer has made it.
    Connected(Way, Connection),
    /// A message, and where the connection ends here.
    Message(Way, SocketAddr, Vec<u8>),
    /// What cannot be cut into messages. Nothing more is read of it.
    Unframed(Way, SocketAddr, Vec<u8>, DecodeError),
    /// It has ended, or could not be made; with its number and what it has not sent.
    Ended(Way, u64, End, Vec<Vec<u8>>),
}

/// What is known of a trunk before its places are.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Whom connections over TLS to it are to end at.
    pub(crate) tls: Option<ClientTls>,
    /// Whether connections to it must stand.
    pub(crate) is_kept: bool,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It stood.
    Closed,
    /// It never did.
    Refused,
}

/// A connection, as the shard knows it.
#[derive(Debug)]
pub(crate) struct Connection {
    number: u64,
    local: SocketAddr,
    writer: mpsc::Sender<Vec<u8>>,
    task: Option<AbortHandle>,
    /// What becomes of it.
    fate: Arc<Fate>,
    /// What came to be sent when it had ended, and the shard did not know yet.
    late: Vec<Vec<u8>>,
}

/// What the shard and the task of a connection tell each other of it.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    /// It is made.
    stands: AtomicBool,
    /// A telephone has registered by it.
    registered: AtomicBool,
    /// It has a place among those of hosts that are not listed.
    is_stranger: AtomicBool,
    /// It has ended.
    is_over: AtomicBool,
}

/// What became of a message that was to be sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It is on its way, or the end of its connection will say what it is.
    Waits,
    /// There is no way.
    Not(Vec<u8>),
    /// The connection takes nothing any more and was given up, with what waited for it.
    GivenUp(Vec<Vec<u8>>),
}

/// The ports, open.
#[derive(Debug)]
pub(crate) struct Ports {
    /// Datagrams.
    pub(crate) udp: Option<Udp>,
    /// What comes by connections.
    pub(crate) arrivals: mpsc::Receiver<Arrival>,
    to: mpsc::Sender<Arrival>,
    open: BTreeMap<Way, Connection>,
    refused: BTreeMap<Way, Instant>,
    /// Where connections must stand: calls come back by them.
    kept: BTreeSet<SocketAddr>,
    /// Whom a connection over TLS to there is to end at.
    tls: BTreeMap<SocketAddr, ClientTls>,
    /// Trunks, by their ids, whose places are not known beforehand.
    named: BTreeMap<String, Named>,
    entrances: Vec<Entrance>,
    secure: Option<SocketAddr>,
    door: Arc<Door>,
    last: u64,
    counts: Counts,
}

#[derive(Debug)]
struct Counts {
    made: Counter,
    failed: Counter,
    given_up: Counter,
}

impl Ports {
    /// Opens the ports. To be called within the runtime that drives them.
    ///
    /// # Errors
    /// Which key of `[listen]` cannot be had, where, and why.
    pub(crate) fn open(
        address: Option<SocketAddr>,
        secure: Option<(SocketAddr, ServerTls)>,
        clock: Clock,
        limits: Limits,
        metrics: &Registry,
    ) -> Result<Self, (&'static str, SocketAddr, io::Error)> {
        let (to, arrivals) = mpsc::channel(ARRIVALS);
        let mut entrances = Vec::new();
        let mut udp = None;
        if let Some(address) = address {
            let (bound, listener) = both(address, metrics).map_err(|error| ("sip", address, error))?;
            entrances.push(Entrance { listener, transport: Transport::Tcp, tls: None, first: 1 });
            udp = Some(bound);
        }
        let secure = match secure {
            Some((address, tls)) => {
                let bound = listen(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
                let (local, listener) = bound.map_err(|error| ("sips", address, error))?;
                entrances.push(Entrance { listener, transport: Transport::Tls, tls: Some(tls), first: 2 });
                Some(local)
            }
            None => None,
        };
        let count = |name, help| metrics.counter(name, help, &[]);
        let counts = Counts {
            made: count("strowger_sip_connections_made_total", "Connections made to SIP peers."),
            failed: count(
                "strowger_sip_connections_failed_total",
                "Connections that SIP peers did not take.",
            ),
            given_up: count(
                "strowger_sip_connections_given_up_total",
                "Connections given up because their SIP peers took nothing any more.",
            ),
        };
        let door = Arc::new(Door::new(clock, limits, metrics));
        let (open, refused) = (BTreeMap::new(), BTreeMap::new());
        let (kept, tls, named) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self {
            udp,
            arrivals,
            to,
            open,
            refused,
            kept,
            tls,
            named,
            entrances,
            secure,
            door,
            last: 0,
            counts,
        })
    }

    /// Where datagrams and connections are taken.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.udp.as_ref().map(Udp::local)
    }

    /// Where connections over TLS are taken.
    pub(crate) fn secure(&self) -> Option<SocketAddr> {
        self.secure
    }

    /// A connection over TLS to there is to end at this peer.
    pub(crate) fn trust(&mut self, address: SocketAddr, tls: &ClientTls) {
        self.prove(address.ip(), tls);
        self.tls.insert(address, tls.clone());
    }

    /// A connection from that host must prove the name of this peer, or need not.
    pub(crate) fn prove(&self, host: IpAddr, tls: &ClientTls) {
        if tls.proves { self.door.name(host, &tls.name) } else { self.door.trust(host) }
    }

    /// Who may connect.
    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    /// Keeps connections to there.
    pub(crate) fn keep(&mut self, peers: impl IntoIterator<Item = SocketAddr>) {
        self.kept.extend(peers);
    }

    /// A trunk is known by a name.
    pub(crate) fn expect(&mut self, trunk: &str, named: Named) {
        self.named.insert(trunk.to_owned(), named);
    }

    /// It is known where such a trunk is.
    pub(crate) fn located(&mut self, trunk: &str, places: &[Destination]) {
        let Some(Named { tls, is_kept }) = self.named.get(trunk).cloned() else { return };
        self.door.list(places.iter().map(|place| place.address.ip()));
        for place in places {
            self.keep(is_kept.then_some(place.address));
            if let Some(tls) = tls.as_ref().filter(|_| place.transport == Transport::Tls) {
                self.trust(place.address, tls);
            }
        }
    }

    /// Begins to let connections in. To be called once, within the runtime.
    pub(crate) fn serve(&mut self) {
        for entrance in std::mem::take(&mut self.entrances) {
            tokio::spawn(stream::accept(entrance, Arc::clone(&self.door), self.to.clone()));
        }
    }

    /// Notes a connection that a peer has made. One that had the same ends before is forgotten.
    pub(crate) fn connected(&mut self, way: Way, connection: Connection) {
        self.open.insert(way, connection);
    }

    /// Whether a telephone has registered by a connection.
    pub(crate) fn note_registered(&self, way: Way, is_registered: bool) {
        if let Some(connection) = self.open.get(&way) {
            self.door.registered(way.1.ip(), &connection.fate, is_registered);
        }
    }

    /// A connection has ended; gives what was not sent. None when another stands in its place.
    pub(crate) fn ended(
        &mut self,
        way: Way,
        number: u64,
        end: End,
        mut unsent: Vec<Vec<u8>>,
    ) -> Option<Vec<Vec<u8>>> {
        if self.open.get(&way).is_none_or(|own| own.number != number) {
            return None;
        }
        let connection = self.open.remove(&way)?;
        unsent.extend(connection.late);
        if end == End::Refused {
            self.counts.failed.increment();
            let now = Instant::now();
            self.refused.retain(|_, since| now.duration_since(*since) < REFUSED);
            self.refused.insert(way, now);
        }
        Some(unsent)
    }

    /// Lets a connection end when what waits is written.
    pub(crate) fn close(&mut self, way: Way) {
        self.open.remove(&way);
    }

    /// Where the connection to there ends here.
    pub(crate) fn local_of(&self, way: Way) -> Option<SocketAddr> {
        let listening = if way.0 == Transport::Tls { self.secure } else { self.local() };
        self.open.get(&way).map(|connection| connection.local).or(listening)
    }

    /// Sends a message by the connection that stands, or makes one.
    pub(crate) fn send(&mut self, way: Way, message: Vec<u8>) -> Sent {
        use mpsc::error::TrySendError;
        if let Some(connection) = self.open.get_mut(&way) {
            return match connection.writer.try_send(message) {
                Ok(()) => Sent::Waits,
                Err(TrySendError::Closed(message)) if connection.late.len() < WAITING => {
                    connection.late.push(message);
                    Sent::Waits
                }
                Err(TrySendError::Closed(message)) => Sent::Not(message),
                Err(TrySendError::Full(message)) => {
                    let given_up = self.open.remove(&way);
                    if let Some(task) = given_up.and_then(|connection| connection.task) {
                        task.abort();
                    }
                    self.counts.given_up.increment();
                    Sent::GivenUp(vec![message])
                }
            };
        }
        let refused = self.refused.get(&way).is_some_and(|since| since.elapsed() < REFUSED);
        let made = if refused { None } else { self.connect(way) };
        match made {
            Some(connection) => {
                // A channel that was just made has room.
                let _ = connection.writer.try_send(message);
                self.open.insert(way, connection);
                Sent::Waits
            }
            None => Sent::Not(message),
        }
    }

    fn connect(&mut self, way: Way) -> Option<Connection> {
        let tls = self.tls.get(&way.1).cloned();
        let (local, tls) = match way.0 {
            Transport::Tls => (self.secure?, Some(tls?)),
            Transport::Tcp | Transport::Udp => (self.local()?, None),
        };
        if self.open.len() >= OUTGOING {
            return None;
        }
        self.counts.made.increment();
        self.last += 3;
        let (writer, messages) = mpsc::channel(WAITING);
        let fate = Arc::new(Fate::default());
        let stream = Stream {
            way,
            number: self.last,
            to: self.to.clone(),
            own: writer.downgrade(),
            messages,
            door: Arc::clone(&self.door),
            is_kept: self.kept.contains(&way.1),
            fate: Arc::clone(&fate),
        };
        let task = tokio::spawn(stream.make(local.ip(), tls)).abort_handle();
        let (number, task, late) = (self.last, Some(task), Vec::new());
        Some(Connection { number, local, writer, task, late, fate })
    }

    /// Whether all has been handed to the system that can be.
    pub(crate) fn is_flushed(&self) -> bool {
        // Whoever has not taken the connection yet may never do so.
        let stands = |own: &Connection| own.fate.stands.load(Ordering::Relaxed) && !own.writer.is_closed();
        let waits = |own: &Connection| own.writer.capacity() < own.writer.max_capacity() && stands(own);
        self.udp.iter().all(Udp::is_flushed) && !self.open.values().any(waits)
    }
}

/// What a message that came, or is to go, by a connection is to the engine.
pub(crate) const fn route((transport, address): Way) -> Route {
    let socket = match transport {
        Transport::Tls => SIP_TLS,
        Transport::Tcp | Transport::Udp => SIP_TCP,
    };
    Route { transport, socket, address }
}

/// Datagrams and connections at one address: whoever takes the one takes the other (RFC 3261 section 18.2.1).
fn both(address: SocketAddr, metrics: &Registry) -> io::Result<(Udp, TcpListener)> {
    let mut tries = 0;
    loop {
        let mut udp = Udp::bind(address, "sip", metrics)?;
        udp.hear_errors();
        match listen(udp.local()) {
            Ok(listener) => return Ok((udp, listener)),
            // The port that the system chose for datagrams may be taken for connections.
            Err(error) if address.port() == 0 && error.kind() == io::ErrorKind::AddrInUse && tries < 16 => {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// An address as it is listed.
fn canonical(host: IpAddr) -> IpAddr {
    host.to_canonical()
}
