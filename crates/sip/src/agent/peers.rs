//! Whether peers are there: OPTIONS as a question that anybody answers (RFC 3261 section 11).

use strowger_sansio::{Duration, Time};

use super::{Event, Peer, PeerId, Purpose, Timer, UserAgent};
use crate::locate::Destination;
use crate::message::{Message, Method, Name, SipUri, Status, Uri};
use crate::transport::Route;

/// How much longer a place rests than it takes to find out that it still does not answer.
const REST_BEYOND: Duration = Duration::from_secs(5);

/// What is known of a peer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Presence {
    up: Option<bool>,
    /// It has too much to do, and has said how long.
    busy: bool,
}

/// For how long a peer is believed that it has too much to do: one answer does not close a trunk for a day.
const BUSY: Duration = Duration::from_secs(300);

/// Who is at the other end of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A peer of the configuration.
    Listed,
    /// A telephone that has registered from there.
    Registered,
    /// Somebody who may be a telephone, and must prove it.
    Stranger,
    /// Somebody who is never heard.
    Unheard,
}

impl UserAgent {
    /// Who is at the other end of a way. A host may ask before it spends anything on what comes by it.
    #[must_use]
    pub fn who_is_at(&self, now: Time, from: Route) -> Standing {
        let registered = |phones: &super::phones::Phones| phones.is_there(now, from);
        match &self.phones {
            _ if self.peer_of(from).is_some() => Standing::Listed,
            Some(phones) if registered(phones) => Standing::Registered,
            Some(_) => Standing::Stranger,
            None => Standing::Unheard,
        }
    }

    /// Whose request this is: who is at this very address, or else who may send from this host. Telephones are told by what they
    /// prove.
    pub(super) fn peer_of(&self, from: Route) -> Option<PeerId> {
        let peers = || self.listed.iter().filter_map(|id| Some((self.config.peer(*id)?, *id)));
        let placed = |peer: &Peer, is: &dyn Fn(std::net::SocketAddr) -> bool| {
            is(peer.address) || peer.destinations.iter().any(|place| is(place.address))
        };
        let exact = peers().find(|(peer, _)| placed(peer, &|address| address == from.address));
        let ip = from.address.ip().to_canonical();
        let host = |peer: &Peer| {
            placed(peer, &|address| address.ip().to_canonical() == ip)
                || peer.sources.iter().chain(&peer.former).any(|source| source.to_canonical() == ip)
        };
        exact.or_else(|| peers().find(|(peer, _)| host(peer))).map(|(_, id)| id)
    }

    /// Whether a peer is worth a call: it is not known to be gone, and has not said that it takes no calls for some time.
    #[must_use]
    pub fn is_reachable(&self, peer: PeerId) -> bool {
        let at = usize::try_from(peer.0).unwrap_or(usize::MAX);
        let nowhere = self.places(peer).is_empty() && self.peer(peer).is_none_or(|peer| peer.phone.is_none());
        !nowhere && self.presence.get(at).is_some_and(|presence| presence.up != Some(false) && !presence.busy)
    }

    /// Asks each place of a peer.
    pub(super) fn probe(&mut self, now: Time, id: PeerId) {
        let Some(pause) = self.peer(id).and_then(|peer| peer.probe) else { return };
        self.timers.set(Timer::Probe(id), now + pause);
        for place in self.places(id) {
            self.probe_at(now, id, place);
        }
    }

    fn probe_at(&mut self, now: Time, id: PeerId, place: Destination) {
        let Some(peer) = self.peer(id).cloned() else { return };
        let peer = Peer { transport: place.transport, address: place.address, ..peer };
        let Some(route) = self.way(&peer) else { return };
        let host = peer.domain.clone().unwrap_or_else(|| super::compose::host(peer.address.ip()));
        let port = peer.destinations.is_empty().then(|| peer.address.port());
        let target = SipUri { secure: peer.secure, ..SipUri::new(None, &host, port) };
        let to = format!("<{target}>");
        let mut request = Message::request(Method::Options, Uri::Sip(target));
        let (tag, call_id, local) = (self.token(), self.token(), self.local_host(&peer));
        let header = &mut request.header;
        header.push(Name::MaxForwards, "70");
        header.push(Name::From, format!("<sip:{local}>;tag={tag}"));
        header.push(Name::To, to);
        header.push(Name::CallId, format!("{call_id}@{local}"));
        header.push(Name::CSeq, "1 OPTIONS");
        header.push(Name::Contact, self.contact(route.transport, peer.secure));
        header.push(Name::Accept, "application/sdp");
        self.introduce(&mut request);
        let sent_by = self.sent_by(route.transport);
        let client = self.transactions.request(now, route, &sent_by, request);
        self.by_client.insert(client, Purpose::Probe(id, place));
    }

    /// Any answer shows that somebody is there, but for one that says otherwise.
    pub(super) fn probe_answered(&mut self, now: Time, id: PeerId, place: Destination, status: Status) {
        let up =
            !matches!(status, Status::SERVICE_UNAVAILABLE | Status::REQUEST_TIMEOUT | Status::SERVER_TIMEOUT);
        if !up {
            return self.probe_failed(now, id, place);
        }
        self.place_works(id, place);
        self.found(id, true);
    }

    pub(super) fn probe_failed(&mut self, now: Time, id: PeerId, place: Destination) {
        // It rests until it has been asked again, and has had the time to answer.
        let pause = self.peer(id).and_then(|peer| peer.probe).unwrap_or_default();
        let rest = pause + self.config.timing.timeout() + REST_BEYOND;
        let up = self.place_failed(now, id, place, Some(rest));
        self.found(id, up);
    }

    /// A peer has refused a call with 503 and said when it will take calls again: until then it has none (RFC 3261 section
    /// 21.5.4).
    pub(super) fn overloaded(&mut self, now: Time, id: PeerId, response: &Message<'_>) {
        // Behind the number there may be a comment and parameters.
        let value = response.header.get(&Name::RetryAfter).unwrap_or_default();
        let digits = value.find(|octet: char| !octet.is_ascii_digit()).unwrap_or(value.len());
        let Some(seconds) = value.get(..digits).and_then(|digits| digits.parse::<u64>().ok()) else { return };
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        let Some(presence) = self.presence.get_mut(at).filter(|_| seconds > 0) else { return };
        presence.busy = true;
        self.timers.set(Timer::Relieved(id), now + Duration::from_secs(seconds).min(BUSY));
    }

    pub(super) fn relieved(&mut self, id: PeerId) {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        if let Some(presence) = self.presence.get_mut(at) {
            presence.busy = false;
        }
    }

    pub(super) fn found(&mut self, id: PeerId, up: bool) {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        let Some(presence) = self.presence.get_mut(at) else { return };
        if presence.up.replace(up) != Some(up) {
            self.events.push_back(Event::Reachable { peer: id, up });
        }
    }
}
