//! The connections of a gateway to its controllers: TCP with TPKTs (RFC 1006, RFC 3525 Annex D.2), one for each controller.
//!
//! The gateway says which connection it wants; the host opens it without waiting, splits what comes into messages, and says when it stands
//! and when it has ended. A connection has a number of its own, which is never used again: what comes late for an old one finds nobody.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};
use strowger_megaco::transport::{Framing, Route, Transport};
use strowger_sansio::SocketId;

use crate::inbox::Rest;
use crate::keepalive;

/// The longest message that is taken: more than a datagram can carry.
const LONGEST: usize = 65_531;
/// What is read at once.
const READ: usize = 16 * 1024;
/// Octets that wait for a controller that takes none: past it the connection is given up.
const WAITING: usize = 1024 * 1024;

/// What there is to tell the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A connection to a controller stands.
    Established(usize, Route),
    /// The connection to a controller has ended, or could not be made.
    Ended(usize),
}

/// A connection that is there or on the way.
#[derive(Debug)]
struct Connection {
    controller: usize,
    to: SocketAddr,
    local: SocketAddr,
    stream: TcpStream,
    is_established: bool,
    framing: Framing,
    /// Framed messages, and how much of them has gone.
    waiting: Vec<u8>,
    gone: usize,
}

/// All connections of a gateway.
#[derive(Debug)]
pub(super) struct Connections {
    /// Where they begin.
    host: IpAddr,
    next: u32,
    open: BTreeMap<SocketId, Connection>,
    changes: Vec<Change>,
    buffer: Vec<u8>,
}

impl Connections {
    /// None yet, from this host; their numbers begin with `first`.
    pub(super) fn new(host: IpAddr, first: u32) -> Self {
        Self { host, next: first, open: BTreeMap::new(), changes: Vec::new(), buffer: Vec::new() }
    }

    /// Begins a connection, instead of any that there was to this controller. How it goes is told as a [`Change`].
    pub(super) fn open(&mut self, registry: &Registry, controller: usize, to: SocketAddr) {
        self.close(controller);
        let id = SocketId(self.next);
        match self.connect(registry, id, controller, to) {
            Ok(connection) => {
                self.next += 1;
                self.open.insert(id, connection);
            }
            Err(_) => self.changes.push(Change::Ended(controller)),
        }
    }

    fn connect(
        &self,
        registry: &Registry,
        id: SocketId,
        controller: usize,
        to: SocketAddr,
    ) -> io::Result<Connection> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        // A message is as small as a datagram, and somebody waits for it.
        socket.set_tcp_nodelay(true)?;
        keepalive::watch(&socket)?;
        if !self.host.is_unspecified() {
            socket.bind(&SocketAddr::new(self.host, 0).into())?;
        }
        match socket.connect(&to.into()) {
            Err(error) if !is_under_way(&error) => return Err(error),
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        let token = Token(usize::try_from(id.0).map_err(io::Error::other)?);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Connection {
            controller,
            to,
            local: SocketAddr::new(self.host, 0),
            stream,
            is_established: false,
            framing: Framing::new(Transport::Tcp, LONGEST),
            waiting: Vec::new(),
            gone: 0,
        })
    }

    /// Closes the connection to a controller, if there is one. Nothing is told of it.
    pub(super) fn close(&mut self, controller: usize) {
        self.open.retain(|_, connection| connection.controller != controller);
    }

    /// Whether a number is that of a connection.
    pub(super) fn has(&self, id: SocketId) -> bool {
        self.open.contains_key(&id)
    }

    /// Where a connection begins and ends.
    pub(super) fn ends(&self, id: SocketId) -> Option<(SocketAddr, SocketAddr)> {
        self.open.get(&id).map(|connection| (connection.local, connection.to))
    }

    /// What has changed, once.
    pub(super) fn poll_change(&mut self) -> Option<Change> {
        if self.changes.is_empty() { None } else { Some(self.changes.remove(0)) }
    }

    /// Finds out whether a connection that is on the way stands, and sends what waits.
    pub(super) fn advance(&mut self, id: SocketId) {
        let Some(connection) = self.open.get_mut(&id) else { return };
        let advanced = connection.establish();
        match advanced {
            Ok(Some(route)) => {
                let route = Route { socket: id, ..route };
                self.changes.push(Change::Established(connection.controller, route));
            }
            Ok(None) => {}
            Err(_) => return self.end(id),
        }
        if connection.flush().is_err() {
            self.end(id);
        }
    }

    /// Reads what has come, once; says whether there may be more. The messages are then to be had by [`Self::take`].
    pub(super) fn read(&mut self, id: SocketId) -> Rest {
        let Some(connection) = self.open.get_mut(&id).filter(|connection| connection.is_established) else {
            return Rest::None;
        };
        self.buffer.resize(READ, 0);
        match connection.stream.read(&mut self.buffer) {
            Ok(length @ 1..) => {
                if let Framing::Tpkt(splitter) = &mut connection.framing {
                    splitter.handle_input(self.buffer.get(..length).unwrap_or_default());
                }
                Rest::Some
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Rest::None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Rest::Some,
            Ok(_) | Err(_) => {
                self.end(id);
                Rest::None
            }
        }
    }

    /// The next whole message that was read, and where it came from. A stream that is not TPKT ends the connection.
    pub(super) fn take(&mut self, id: SocketId) -> Option<(Route, Vec<u8>)> {
        let connection = self.open.get_mut(&id)?;
        let route = Route::tcp(id, connection.to);
        let Framing::Tpkt(splitter) = &mut connection.framing else { return None };
        match splitter.poll_message() {
            Ok(message) => message.map(|message| (route, message.to_vec())),
            Err(_) => {
                self.end(id);
                None
            }
        }
    }

    /// Sends a message, or as much of it as the other end takes now. What cannot be framed is not sent.
    pub(super) fn send(&mut self, id: SocketId, message: &[u8]) {
        let Some(connection) = self.open.get_mut(&id) else { return };
        if connection.framing.wrap(message, &mut connection.waiting).is_err() {
            return;
        }
        if connection.flush().is_err() || connection.waiting.len() > WAITING {
            self.end(id);
        }
    }

    fn end(&mut self, id: SocketId) {
        if let Some(connection) = self.open.remove(&id) {
            self.changes.push(Change::Ended(connection.controller));
        }
    }
}

impl Connection {
    /// The way to the controller, once: when the connection is found to stand.
    fn establish(&mut self) -> io::Result<Option<Route>> {
        if self.is_established {
            return Ok(None);
        }
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected || is_under_way(&error) => Ok(None),
            Err(error) => Err(error),
            Ok(_) => {
                self.is_established = true;
                self.local = self.stream.local_addr()?;
                // Who calls a free port of his own host can get himself.
                if self.local == self.to {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                Ok(Some(Route::tcp(SocketId::MAIN, self.to)))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.is_established && self.gone < self.waiting.len() {
            match self.stream.write(self.waiting.get(self.gone..).unwrap_or_default()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.gone += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.waiting.drain(..self.gone);
        self.gone = 0;
        Ok(())
    }
}

/// What the system says of a connection that is not there yet.
fn is_under_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32)
}
