//! How messages are made.

use strowger_sansio::Time;

use super::config::{Peer, Trust};
use super::{Caller, PeerId, SUPPORTED, SessionId, UserAgent};
use crate::message::grammar::quote;
use crate::message::{Message, Method, Name, Secure, SipUri, Status, Uri};
use crate::transaction::{ClientId, ServerId};
use crate::transport::{Route, Transport};

/// The methods that are served.
const ALLOWED: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY";
/// And where telephones register.
const ALLOWED_TO_PHONES: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, REGISTER, SUBSCRIBE";

impl UserAgent {
    /// The way to a peer.
    pub(super) fn way(&self, peer: &Peer) -> Option<Route> {
        let local = self.config.local(peer.transport)?;
        Some(Route { transport: peer.transport, socket: local.socket, address: peer.address })
    }

    /// This side's host and port.
    pub(super) fn sent_by(&self, transport: Transport) -> String {
        self.config.local(transport).map(|local| local.address.to_string()).unwrap_or_default()
    }

    /// Where this side is reached. What began with a SIPS URI goes on with one (RFC 3261 section 12.1.1), which says all of its transport.
    pub(super) fn contact(&self, transport: Transport, secure: Secure) -> String {
        let suffix = match (transport, secure) {
            (Transport::Udp, _) | (Transport::Tls, Secure::Sips) => String::new(),
            (other, _) => format!(";transport={other}"),
        };
        let scheme = if secure == Secure::Sips { "sips" } else { "sip" };
        format!("<{scheme}:{}{suffix}>", self.sent_by(transport))
    }

    /// The address in whose name this side calls a peer's users.
    pub(super) fn local_host(&self, peer: &Peer) -> String {
        let own = self.config.local(peer.transport).map(|local| host(local.address.ip()));
        peer.domain.clone().or(own).unwrap_or_default()
    }

    /// The URI of a user of a peer's.
    pub(super) fn user_at(&self, peer: &Peer, user: &str) -> SipUri<'static> {
        let remote = match &peer.phone {
            Some(_) => self.local_host(peer),
            None => peer.domain.clone().unwrap_or_else(|| host(peer.address.ip())),
        };
        let port = peer
            .domain
            .is_none()
            .then(|| peer.address.port())
            .filter(|_| peer.phone.is_none())
            .filter(|port| *port != default_port(peer.transport));
        SipUri { secure: peer.secure, ..SipUri::new(Some(user), &remote, port) }
    }

    /// The first INVITE of a session.
    pub(super) fn make_invite(&mut self, peer: &Peer, called: &str, caller: &Caller) -> Message<'static> {
        let mut target = self.user_at(peer, called);
        let to = format!("<{target}>");
        // The name service has chosen the transport of a peer that is known by a name, and is free to choose another.
        if peer.transport == Transport::Tcp && peer.destinations.is_empty() {
            target = target.with_parameter("transport=tcp");
        }
        let mut request = Message::request(Method::Invite, Uri::Sip(target));
        let (tag, call_id) = (self.token(), self.token());
        let local = self.local_host(peer);
        let header = &mut request.header;
        header.push(Name::MaxForwards, "70");
        let identity = caller.user.as_ref().map(|user| {
            let uri = SipUri::new(Some(user), &local, None);
            match &caller.name {
                Some(name) => format!("{} <{uri}>", quote(name)),
                None => format!("<{uri}>"),
            }
        });
        let from = match (&identity, caller.withheld) {
            (Some(identity), false) => identity.clone(),
            // RFC 3323 section 4.1.1.3.
            _ => "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned(),
        };
        header.push(Name::From, format!("{from};tag={tag}"));
        header.push(Name::To, to);
        header.push(Name::CallId, format!("{call_id}@{local}"));
        header.push(Name::CSeq, "1 INVITE");
        header.push(Name::Contact, self.contact(peer.transport, peer.secure));
        if caller.withheld {
            header.push(Name::Privacy, "id");
        }
        if let Some(identity) = identity.filter(|_| peer.trust == Trust::Trusted) {
            header.push(Name::PAssertedIdentity, identity);
        }
        self.introduce(&mut request);
        request
    }

    const fn allowed(&self) -> &'static str {
        if self.phones.is_some() { ALLOWED_TO_PHONES } else { ALLOWED }
    }

    /// What every request says of this side that may begin or change a session.
    pub(super) fn introduce(&self, message: &mut Message<'static>) {
        message.header.push(Name::Allow, self.allowed());
        message.header.push(Name::Supported, SUPPORTED.join(", "));
        let product = if message.method().is_some() { Name::UserAgent } else { Name::Server };
        message.header.push(product, self.config.product.clone());
    }

    /// `Session-Expires` and `Min-SE` of a request (RFC 4028 section 7.1).
    pub(super) fn ask_for_timer(&self, request: &mut Message<'static>, interval: Option<u32>) {
        if let Some(interval) = interval {
            request.header.push(Name::SessionExpires, interval.to_string());
            request.header.push(Name::MinSe, self.config.min_se.to_string());
        }
    }

    /// Sends a request within a session's dialog.
    pub(super) fn send_within(
        &mut self,
        now: Time,
        id: SessionId,
        request: Message<'static>,
    ) -> Option<ClientId> {
        let session = self.sessions.get(&id)?;
        let to = self.next_hop(session.route, &request);
        let sent_by = self.sent_by(to.transport);
        Some(self.transactions.request(now, to, &sent_by, request))
    }

    /// Where a request of a dialog goes: to the first `Route`, or its Request-URI, when they name an address; else to where the
    /// peer is (RFC 3261 section 8.1.2). A peer that is not the one that was called is never sent anything.
    pub(super) fn next_hop(&self, route: Route, request: &Message<'_>) -> Route {
        let first = request.header.list(&Name::Route).next().and_then(crate::message::Address::parse);
        let uri = match &first {
            Some(address) => Some(&address.uri),
            None => request.uri(),
        };
        let Some(to) = uri.and_then(|uri| self.address_of(uri, route)) else { return route };
        // A connection to that host is kept to, whichever port it has there: it stands, and another may not be let in.
        let same = to.transport == route.transport && to.address.ip() == route.address.ip();
        if route.transport.is_reliable() && same { route } else { to }
    }

    /// Where a URI leads that names an address of a listed peer: by the transport that it names, or else as `route` goes. Nothing that went
    /// over TLS goes without.
    pub(super) fn address_of(&self, uri: &Uri<'_>, route: Route) -> Option<Route> {
        let uri = uri.as_sip()?;
        let ip = uri.host.trim_matches(['[', ']']).parse().ok()?;
        let named = uri.parameter("transport").and_then(Transport::of_parameter);
        let secure = uri.secure == Secure::Sips || route.transport == Transport::Tls;
        let transport = if secure { Transport::Tls } else { named.unwrap_or(route.transport) };
        let socket = match transport == route.transport {
            true => route.socket,
            false => self.config.local(transport)?.socket,
        };
        let address = std::net::SocketAddr::new(ip, uri.port.unwrap_or(default_port(transport)));
        let to = Route { transport, socket, address };
        self.peer_of(to).map(|_| to)
    }

    /// A response with a contact, within which a dialog stands.
    pub(super) fn dialog_response(
        &self,
        server: ServerId,
        status: Status,
        (transport, secure): (Transport, Secure),
    ) -> Option<Message<'static>> {
        let mut response = self.transactions.make_response(server, status)?;
        response.header.push(Name::Contact, self.contact(transport, secure));
        self.introduce(&mut response);
        Some(response)
    }

    /// `Reason` with a cause of Q.850 (RFC 3326). Whoever rang beside the one that has answered (26: non-selected user clearing) is told in words
    /// of SIP too (section 2): it has missed no call.
    pub(super) fn reason(cause: u8) -> String {
        match cause {
            26 => "SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26".to_owned(),
            _ => format!("Q.850;cause={cause}"),
        }
    }

    /// What an OPTIONS is answered with (RFC 3261 section 11.2).
    pub(super) fn describe_self(&mut self, now: Time, server: ServerId) {
        if let Some(mut response) = self.transactions.make_response(server, Status::OK) {
            self.introduce(&mut response);
            response.header.push(Name::Accept, "application/sdp");
            self.transactions.respond(now, server, &response);
        }
    }

    /// A request whose method is not served: 405 when SIP knows it, else 501.
    pub(super) fn not_allowed(&mut self, now: Time, server: ServerId, method: &Method<'_>) {
        let known = !matches!(method, Method::Other(_));
        let status = if known { Status::METHOD_NOT_ALLOWED } else { Status::NOT_IMPLEMENTED };
        if let Some(mut response) = self.transactions.make_response(server, status) {
            response.header.push(Name::Allow, self.allowed());
            self.transactions.respond(now, server, &response);
        }
    }

    /// Refuses a request with a status and one field more.
    pub(super) fn refuse_with(
        &mut self,
        now: Time,
        server: ServerId,
        status: Status,
        field: (Name<'static>, String),
    ) {
        if let Some(mut response) = self.transactions.make_response(server, status) {
            response.header.push(field.0, field.1);
            self.transactions.respond(now, server, &response);
        }
    }

    /// What every request is refused for that this side cannot serve (RFC 3261 section 8.2). Says whether it can.
    pub(super) fn serves(
        &mut self,
        now: Time,
        server: ServerId,
        method: &Method<'_>,
        request: &Message<'_>,
    ) -> bool {
        if let Some(options) = super::unsupported(request) {
            self.refuse_with(now, server, Status::BAD_EXTENSION, (Name::Unsupported, options));
            return false;
        }
        let header = &request.header;
        let encoded =
            header.list(&Name::ContentEncoding).any(|coding| !coding.eq_ignore_ascii_case("identity"));
        if encoded && !request.body.is_empty() {
            self.refuse_with(
                now,
                server,
                Status::UNSUPPORTED_MEDIA_TYPE,
                (Name::AcceptEncoding, String::new()),
            );
            return false;
        }
        let offers = matches!(method, Method::Invite | Method::Update | Method::Prack);
        let optional =
            header.get(&Name::ContentDisposition).is_some_and(|text| text.contains("handling=optional"));
        if offers && !request.body.is_empty() && request.session_description().is_none() && !optional {
            let accept = (Name::Accept, "application/sdp".to_owned());
            self.refuse_with(now, server, Status::UNSUPPORTED_MEDIA_TYPE, accept);
            return false;
        }
        let mut accepted = header.list(&Name::Accept).peekable();
        let takes = |range: &str| {
            let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(range.as_str(), "application/sdp" | "application/*" | "*/*")
        };
        if *method == Method::Invite && accepted.peek().is_some() && !accepted.any(takes) {
            let warning = "399 strowger \"An answer would be application/sdp\"".to_owned();
            self.refuse_with(now, server, Status::NOT_ACCEPTABLE, (Name::Warning, warning));
            return false;
        }
        true
    }

    pub(super) fn peer(&self, id: PeerId) -> Option<&Peer> {
        self.config.peer(id)
    }
}

/// Whether a request that begins a dialog wants SIPS for it: by its Request-URI, or by the first `Record-Route`, or else by `Contact`
/// (RFC 3261 section 12.1.1).
pub(super) fn wants_secure(request: &Message<'_>) -> Secure {
    let header = &request.header;
    let first = |name| header.list(name).next().and_then(crate::message::Address::parse);
    let last = first(&Name::RecordRoute).or_else(|| first(&Name::Contact));
    let uris = [request.uri(), last.as_ref().map(|last| &last.uri)];
    let is_secure = |uri: &Uri<'_>| uri.as_sip().is_some_and(|uri| uri.secure == Secure::Sips);
    if uris.into_iter().flatten().any(is_secure) { Secure::Sips } else { Secure::Sip }
}

/// An address as a host of a URI.
pub(super) fn host(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => crate::transport::PORT,
        Transport::Tls => crate::transport::TLS_PORT,
    }
}
