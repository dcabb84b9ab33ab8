//! The ports of Megaco: datagrams and connections, as text and in binary form (RFC 3525 section 9).
//!
//! A port named in `[listen]` is opened for UDP and for TCP. A connection is served by two tasks of its own, which split and
//! write TPKTs; the shard sees whole messages, each with the number of its connection. Only hosts of the inventory are let in, each
//! with a few connections, and each host has its share of messages: what is more is dropped, and retransmission recovers it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use strowger_exchange::{MEGACO_BINARY, MEGACO_TEXT};
use strowger_megaco::transport::{Framing, Route, Transport};
use strowger_sansio::{SocketId, Time, TokenBucket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::admission::Limits;
use crate::metrics::Registry;
use crate::socket::Udp;

/// Connections that one host may have: one for each virtual gateway on it that is likely, and those that are not known to be dead.
const CONNECTIONS: usize = 16;
/// Messages that wait for the shard, of all connections; past it their hosts wait.
const ARRIVALS: usize = 1024;
/// Messages that wait for one connection; past it the connection is given up.
const WAITING: usize = 1024;
/// The longest message that is taken: more than the longest that the exchange asks for.
const LONGEST: usize = 65_000;
/// What is read at once.
const READ: usize = 16 * 1024;
/// Numbers below are those of the sockets for datagrams.
const FIRST_CONNECTION: u32 = 16;

/// What a connection brings.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// It is there; what is to be sent goes here.
    Connected(SocketId, SocketAddr, mpsc::Sender<Vec<u8>>),
    /// A message, and where the connection ends here.
    Message(Route, SocketAddr, Vec<u8>),
    /// It has ended.
    Ended(SocketId),
}

/// The ports, open.
#[derive(Debug)]
pub(crate) struct Ports {
    /// Datagrams of text.
    pub(crate) text: Option<Udp>,
    /// Datagrams in binary form.
    pub(crate) binary: Option<Udp>,
    /// What comes by connections.
    pub(crate) arrivals: mpsc::Receiver<Arrival>,
    connections: BTreeMap<SocketId, (SocketAddr, mpsc::Sender<Vec<u8>>)>,
    listeners: Vec<(TcpListener, Door)>,
    hosts: Hosts,
    /// The hosts that the names of gateways stand for, by the gateways' ids.
    named: BTreeMap<String, Vec<IpAddr>>,
    limits: Limits,
    shares: BTreeMap<IpAddr, TokenBucket>,
}

/// Who may connect, by host: how many gateways are there.
type Hosts = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// Who lets connections in.
#[derive(Clone, Debug)]
struct Door {
    to: mpsc::Sender<Arrival>,
    hosts: Hosts,
}

/// What is to be opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) text: Option<SocketAddr>,
    pub(crate) binary: Option<SocketAddr>,
}

impl Ports {
    /// Opens the ports. To be called within the runtime that drives them.
    ///
    /// # Errors
    /// Which key of `[listen]` cannot be had, where, and why.
    pub(crate) fn open(
        addresses: Addresses,
        now: Time,
        hosts: Vec<IpAddr>,
        limits: Limits,
        metrics: &Registry,
    ) -> Result<Self, (&'static str, SocketAddr, io::Error)> {
        let (to, arrivals) = mpsc::channel(ARRIVALS);
        let bucket = || TokenBucket::new(limits.gateway_rate, limits.gateway_burst, now);
        let shares = hosts.iter().map(|host| (*host, bucket())).collect();
        let mut counts = BTreeMap::new();
        hosts.into_iter().for_each(|host| *counts.entry(host).or_default() += 1);
        let hosts = Hosts::new(Mutex::new(counts));
        let door = Door { to, hosts: Arc::clone(&hosts) };
        let mut listeners = Vec::new();
        let mut open = |what: &'static str, address: Option<SocketAddr>| {
            let Some(address) = address else { return Ok(None) };
            let bound = Udp::bind(address, what, metrics).and_then(|udp| {
                let listener = std::net::TcpListener::bind(udp.local())?;
                listener.set_nonblocking(true)?;
                listeners.push((TcpListener::from_std(listener)?, door.clone()));
                Ok(udp)
            });
            bound.map(Some).map_err(|error| (what, address, error))
        };
        let text = open("megaco_text", addresses.text)?;
        let binary = open("megaco_binary", addresses.binary)?;
        let (connections, named) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { text, binary, arrivals, connections, listeners, hosts, named, limits, shares })
    }

    /// The name of a gateway stands for these hosts now: they may send and connect, and those that it stood for before may not, unless others
    /// are there.
    pub(crate) fn resolved(&mut self, now: Time, gateway: &str, addresses: &[SocketAddr]) {
        let mut found: Vec<_> = addresses.iter().map(|address| address.ip().to_canonical()).collect();
        found.sort_unstable();
        found.dedup();
        let before = self.named.insert(gateway.to_owned(), found.clone()).unwrap_or_default();
        let Ok(mut hosts) = self.hosts.lock() else { return };
        let (rate, burst) = (self.limits.gateway_rate, self.limits.gateway_burst);
        for host in found {
            *hosts.entry(host).or_default() += 1;
            self.shares.entry(host).or_insert_with(|| TokenBucket::new(rate, burst, now));
        }
        for host in before {
            if let Some(count) = hosts.get_mut(&host) {
                *count -= 1;
                if *count == 0 {
                    hosts.remove(&host);
                    self.shares.remove(&host);
                }
            }
        }
    }

    /// Where the ports are.
    pub(crate) fn locals(&self) -> Addresses {
        Addresses { text: self.text.as_ref().map(Udp::local), binary: self.binary.as_ref().map(Udp::local) }
    }

    /// Begins to let connections in. To be called once, within the runtime.
    pub(crate) fn serve(&mut self) {
        for (place, (listener, door)) in (0..).zip(std::mem::take(&mut self.listeners)) {
            tokio::spawn(accept(listener, door, FIRST_CONNECTION + place));
        }
    }

    /// Whether a host may send one message more; hosts that are not in the inventory have no share, and are not answered.
    pub(crate) fn admits(&mut self, now: Time, host: IpAddr) -> bool {
        self.shares.get_mut(&host).is_none_or(|share| share.take(now))
    }

    /// Notes a connection, or its end.
    pub(crate) fn connected(&mut self, socket: SocketId, peer: SocketAddr, writer: mpsc::Sender<Vec<u8>>) {
        self.connections.insert(socket, (peer, writer));
    }

    /// A connection has ended.
    pub(crate) fn ended(&mut self, socket: SocketId) {
        self.connections.remove(&socket);
    }

    /// The socket for datagrams that has this number.
    pub(crate) fn datagrams(&mut self, socket: SocketId) -> Option<&mut Udp> {
        match socket {
            MEGACO_TEXT => self.text.as_mut(),
            MEGACO_BINARY => self.binary.as_mut(),
            _ => None,
        }
    }

    /// Sends a message by a connection. One that takes nothing any more is given up: its gateway comes back by another.
    pub(crate) fn send(&mut self, socket: SocketId, message: Vec<u8>) {
        if let Some((_, writer)) = self.connections.get(&socket)
            && writer.try_send(message).is_err()
        {
            self.connections.remove(&socket);
        }
    }

    /// Sends the datagrams that wait.
    pub(crate) fn flush(&mut self) {
        self.text.iter_mut().chain(&mut self.binary).for_each(Udp::flush);
    }

    /// Whether all datagrams have been handed to the system.
    pub(crate) fn is_flushed(&self) -> bool {
        self.text.iter().chain(&self.binary).all(Udp::is_flushed)
    }
}

/// Lets in who may come.
async fn accept(listener: TcpListener, door: Door, first: u32) {
    let open = Arc::new(Mutex::new(BTreeMap::<IpAddr, usize>::new()));
    // Both listeners count in steps of two, so that no number is given twice.
    let mut number = first;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if !door.hosts.lock().is_ok_and(|hosts| hosts.contains_key(&peer.ip())) {
            continue;
        }
        {
            let Ok(mut open) = open.lock() else { return };
            let own = open.entry(peer.ip()).or_default();
            if *own >= CONNECTIONS {
                continue;
            }
            *own += 1;
        }
        number = number.wrapping_add(2).max(FIRST_CONNECTION + 2);
        let (socket, to, open) = (SocketId(number), door.to.clone(), open.clone());
        tokio::spawn(async move {
            converse(stream, socket, peer, &to).await;
            let _ = to.send(Arrival::Ended(socket)).await;
            if let Ok(mut open) = open.lock()
                && let Some(own) = open.get_mut(&peer.ip())
            {
                *own -= 1;
            }
        });
    }
}

/// A connection, until one side ends it.
async fn converse(stream: TcpStream, socket: SocketId, peer: SocketAddr, to: &mpsc::Sender<Arrival>) {
    let Ok(local) = stream.local_addr() else { return };
    // A message is as small as a datagram, and somebody waits for it.
    let _ = stream.set_nodelay(true);
    // Without, a gateway that lost its power is missed by its inactivity alone.
    let _ = crate::keepalive::watch(&stream);
    let (mut reader, mut writer) = stream.into_split();
    let (sender, mut messages) = mpsc::channel::<Vec<u8>>(WAITING);
    if to.send(Arrival::Connected(socket, peer, sender)).await.is_err() {
        return;
    }
    let writing = async move {
        let framing = Framing::new(Transport::Tcp, LONGEST);
        let mut out = Vec::new();
        while let Some(message) = messages.recv().await {
            out.clear();
            if framing.wrap(&message, &mut out).is_err() {
                continue;
            }
            if writer.write_all(&out).await.is_err() {
                break;
            }
        }
    };
    let reading = async {
        let Framing::Tpkt(mut splitter) = Framing::new(Transport::Tcp, LONGEST) else { return };
        let mut buffer = vec![0; READ];
        loop {
            let Ok(length @ 1..) = reader.read(&mut buffer).await else { return };
            splitter.handle_input(buffer.get(..length).unwrap_or_default());
            loop {
                match splitter.poll_message() {
                    Ok(Some(message)) => {
                        let route = Route::tcp(socket, peer);
                        if to.send(Arrival::Message(route, local, message.to_vec())).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%peer, ?error, "a connection has lost its bounds");
                        return;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
}
