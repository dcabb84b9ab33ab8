//! Which way messages go when the first cannot be had (RFC 3261 sections 18.1.1, 18.2.2 and 18.4).
//!
//! A request that is too large for a datagram goes by a stream, and by datagram after all where nobody takes streams. A response goes
//! by the connection that its request came by; when that has ended, by one to the sender's sent-by. A request that nobody has
//! said anything to is sent once more when its connection ends: its octets may have been lost with it, and a stream repeats
//! nothing. Whoever has it already knows it by its branch.

use std::net::SocketAddr;

use strowger_sansio::{SocketId, Time};

use super::client::State as ClientState;
use super::key::{ClientKey, ServerKey};
use super::{ClientId, Event, Owner, Transactions};
use crate::limits::Limits;
use crate::message::{Message, Method};
use crate::text;
use crate::transport::{self, Route, Transport};

/// The most octets of a request that goes by datagram where the MTU of the path is not known (section 18.1.1).
pub const LARGEST_DATAGRAM: usize = 1300;

/// What carries requests that are too large for datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// What stands for all connections.
    pub socket: SocketId,
    /// This side's host and port, for `Via`.
    pub sent_by: String,
}

/// A request of its own kind, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its way.
    pub route: Route,
    /// Its octets.
    pub bytes: Vec<u8>,
    /// The datagram that it is where nobody takes a connection.
    pub datagram: Option<(Route, Vec<u8>)>,
}

impl Sent {
    /// It goes by datagram from here on, if it was these octets which nobody took on this way. Says whether it does.
    pub fn by_datagram(&mut self, to: Route, bytes: &[u8]) -> bool {
        let datagram = self.datagram.take_if(|_| self.route == to && self.bytes == bytes);
        let is_other = datagram.is_some();
        if let Some((route, bytes)) = datagram {
            (self.route, self.bytes) = (route, bytes);
        }
        is_other
    }
}

impl Transactions {
    /// Lets requests that are too large for datagrams go over TCP.
    #[must_use]
    pub fn with_stream(mut self, stream: Option<Stream>) -> Self {
        self.stream = stream;
        self
    }

    /// The way of a request that is too large for a datagram, and how it is worded then.
    pub(super) fn too_large(
        &self,
        to: Route,
        request: &Message<'static>,
    ) -> Option<(Route, Message<'static>)> {
        let stream = self.stream.as_ref().filter(|_| to.transport == Transport::Udp)?;
        // What stands between names and values is not counted: it is less than a field of the longest header.
        let fields: usize = request.header.iter().map(|field| field.value.len()).sum();
        if fields + request.body.len() < LARGEST_DATAGRAM / 2
            || text::to_bytes(request).len() <= LARGEST_DATAGRAM
        {
            return None;
        }
        let via = request.header.via()?;
        let way = Route { transport: Transport::Tcp, socket: stream.socket, address: to.address };
        Some((way, self.with_via(way, &stream.sent_by, via.branch()?, request.clone())))
    }

    /// A connection has ended: answers go to where their requests' sent-by says. Gives this side's requests on that way which have no final
    /// response, for [`Self::move_to`].
    pub fn handle_disconnected(&mut self, from: Route) -> Vec<ClientId> {
        for server in self.servers.values_mut().filter(|server| server.route == from) {
            if let Some(fallback) = server.fallback.take() {
                server.route = fallback;
            }
        }
        let open = |state| matches!(state, ClientState::Calling | ClientState::Proceeding);
        let clients = self.clients.iter();
        clients.filter(|(_, client)| client.route == from && open(client.state)).map(|(id, _)| *id).collect()
    }

    /// Lets a request go on by another way, and sends it there if nobody has said anything to it. None: there is no other.
    pub fn move_to(&mut self, client: ClientId, to: Option<Route>) {
        let Some(own) = self.clients.get_mut(&client) else { return };
        let unheard = own.state == ClientState::Calling;
        match to.filter(|_| !std::mem::replace(&mut own.again, unheard)) {
            Some(to) => {
                own.route = to;
                let bytes = own.bytes.clone();
                if unheard {
                    self.send_again(to, bytes);
                }
            }
            None if unheard => self.unsent(client),
            None => {}
        }
    }

    /// A message could not be sent: nobody took the connection, or it ended before.
    pub fn handle_unsent(&mut self, now: Time, to: Route, bytes: &[u8]) {
        let Ok(message) = text::decode(bytes, &Limits::default()) else { return };
        match message.method() {
            // Whoever waits for it says again what it acknowledges.
            Some(Method::Ack) => {}
            Some(_) => {
                let client =
                    ClientKey::of(&message.header).and_then(|key| self.client_keys.get(&key).copied());
                if let Some(client) = client {
                    self.request_unsent(now, client, to);
                }
            }
            None => {
                let server =
                    ServerKey::of_response(&message.header).and_then(|key| self.server_keys.get(&key));
                let Some(server) = server.and_then(|id| self.servers.get_mut(id)) else { return };
                let other = if server.route == to { server.fallback.take() } else { Some(server.route) };
                if let Some(other) = other {
                    server.route = other;
                    self.send_again(other, bytes.to_vec());
                }
            }
        }
    }

    /// The network says that nobody was there for a datagram (section 18.4: an ICMP error); `quoted` is its beginning. Anybody can forge that.
    /// It is believed of a request that nobody has answered, and whose branch is quoted: who is not on the way does not know it.
    pub fn handle_undelivered(&mut self, now: Time, to: Route, quoted: &[u8]) {
        let Some(branch) = quoted_branch(quoted) else { return };
        let is_it = |client: &super::client::Client| {
            let via = client.request.header.via();
            via.is_some_and(|via| via.branch() == Some(branch)) && client.bytes.starts_with(quoted)
        };
        let found = self.clients.iter().find(|(_, client)| client.route == to && is_it(client));
        if let Some(id) = found.map(|(id, _)| *id) {
            self.request_unsent(now, id, to);
        }
    }

    fn request_unsent(&mut self, now: Time, id: ClientId, to: Route) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        // It may have gone another way meanwhile.
        if client.route != to || client.state != ClientState::Calling {
            return;
        }
        match client.by_datagram(&self.timing, now) {
            Some(wants) => {
                let route = client.route;
                self.follow(Owner::Client(id), route, wants);
            }
            None => self.unsent(id),
        }
    }

    fn unsent(&mut self, client: ClientId) {
        self.counters.unsent += 1;
        self.forget_client(client);
        self.events.push_back(Event::Unsent { client });
    }
}

/// The branch that the beginning of a request has, when it is there as a whole.
fn quoted_branch(quoted: &[u8]) -> Option<&str> {
    let begins = memchr::memmem::find(quoted, b"branch=")? + b"branch=".len();
    let rest = quoted.get(begins..)?;
    let length = rest.iter().position(|octet| b";,\r".contains(octet))?;
    std::str::from_utf8(rest.get(..length)?).ok().filter(|branch| !branch.is_empty())
}

/// A `Via` of this side's.
pub(super) fn via(transport: Transport, sent_by: &str, branch: &str) -> String {
    format!("SIP/2.0/{} {sent_by};rport;branch={branch}", transport.name())
}

/// Where the answers to a request go that came by a connection which has ended: to the port of its sent-by, at the address that it came
/// from (section 18.2.2).
pub(super) fn answer_anew(request: &Message<'_>, from: Route) -> Option<Route> {
    let via = request.header.via().filter(|_| from.transport.is_reliable())?;
    let port = via.port.unwrap_or(match from.transport {
        Transport::Tls => transport::TLS_PORT,
        Transport::Tcp | Transport::Udp => transport::PORT,
    });
    let other = from.to(SocketAddr::new(from.address.ip(), port));
    (other != from).then_some(other)
}
