//! Where peers are that are known by names, which of those places is tried, and which is not for a while (RFC 3263 section 4.3).
//!
//! A place that does not answer, cannot be reached, or says 503 is passed over until it has rested, as long as another is there. A
//! request that failed there is made again at the next one, as a transaction of its own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use strowger_sansio::{Duration, Time};

use super::config::Peer;
use super::session::Phase;
use super::{PeerId, SessionId, Timer, UserAgent};
use crate::locate::Destination;
use crate::message::{Message, Name};
use crate::transport::Route;

/// How long a place is passed over that does not say for how long.
const REST: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is believed: an hour.
const LONGEST: u32 = 3600;

impl UserAgent {
    /// The name of a peer was looked up: these are its places, the best first. Nothing changes for what goes on already.
    pub fn handle_located(&mut self, now: Time, id: PeerId, destinations: &[Destination]) {
        let Some(peer) = self.config.peer_mut(id).filter(|peer| peer.destinations != destinations) else {
            return;
        };
        let were = std::mem::replace(&mut peer.destinations, destinations.to_vec());
        let was_nowhere = were.is_empty();
        let (probed, registers) = (peer.probe.is_some(), peer.registers);
        let calls = self.sessions.values().filter(|session| session.peer == id);
        let talked_to: BTreeSet<IpAddr> = calls.map(|session| session.route.address.ip()).collect();
        peer.former.extend(were.iter().map(|place| place.address.ip()));
        peer.former.retain(|ip| talked_to.contains(ip));
        peer.former.sort_unstable();
        peer.former.dedup();
        self.down.retain(|(of, place), _| *of != id || destinations.contains(place));
        if was_nowhere && probed {
            self.timers.set(Timer::Probe(id), now);
        }
        if was_nowhere && registers {
            self.timers.set(Timer::Register(id), now);
        }
        self.tell_presence(id);
        self.settle(now);
    }

    /// The places of a peer.
    pub(super) fn places(&self, id: PeerId) -> Vec<Destination> {
        match self.peer(id) {
            Some(peer) if !peer.destinations.is_empty() => peer.destinations.clone(),
            Some(peer) if !peer.address.ip().is_unspecified() => {
                vec![Destination { transport: peer.transport, address: peer.address }]
            }
            _ => Vec::new(),
        }
    }

    /// A peer at the place that is to be tried: the first that does not rest, or else the first.
    pub(super) fn placed(&self, id: PeerId) -> Option<Peer> {
        let places = self.places(id);
        let place = places.iter().find(|place| !self.rests(id, **place)).or_else(|| places.first())?;
        Some(Peer { transport: place.transport, address: place.address, ..self.peer(id)?.clone() })
    }

    pub(super) fn rests(&self, id: PeerId, place: Destination) -> bool {
        self.down.contains_key(&(id, place))
    }

    /// A place has failed, and rests. Says whether another does not.
    pub(super) fn place_failed(
        &mut self,
        now: Time,
        id: PeerId,
        place: Destination,
        rest: Option<Duration>,
    ) -> bool {
        let places = self.places(id);
        if places.contains(&place) {
            self.down.insert((id, place), now + rest.unwrap_or(REST));
            self.await_rest();
        }
        places.iter().any(|place| !self.rests(id, *place))
    }

    pub(super) fn place_works(&mut self, id: PeerId, place: Destination) {
        self.down.remove(&(id, place));
    }

    /// Places have rested.
    pub(super) fn rested(&mut self, now: Time) {
        self.down.retain(|_, until| *until > now);
        self.await_rest();
    }

    fn await_rest(&mut self) {
        match self.down.values().min() {
            Some(until) => self.timers.set(Timer::Rested, *until),
            None => {
                self.timers.cancel(&Timer::Rested);
            }
        }
    }

    /// A peer is there as long as one of its places is.
    pub(super) fn tell_presence(&mut self, id: PeerId) {
        let places = self.places(id);
        let up = places.iter().any(|place| !self.rests(id, *place));
        self.found(id, up);
    }

    /// Makes a call again at another place of its peer's, if one is there and the peer has not begun to work on it.
    pub(super) fn call_elsewhere(
        &mut self,
        now: Time,
        id: SessionId,
        response: Option<&Message<'_>>,
    ) -> bool {
        let Some(session) = self.sessions.get(&id) else { return false };
        let begun = session.ending.is_some()
            || !session.early.is_empty()
            || session.dialog.is_some()
            || session.redirection.is_some();
        let (peer, route) = (session.peer, session.route);
        let Some(mut request) = session.invite.clone().filter(|_| !begun) else { return false };
        if self.places(peer).len() < 2 {
            return false;
        }
        let place = Destination { transport: route.transport, address: route.address };
        let rest = response.and_then(|response| response.header.number(&Name::RetryAfter));
        let rest = rest.map(|rest| Duration::from_secs(u64::from(rest.clamp(1, LONGEST))));
        if !self.place_failed(now, peer, place, rest) {
            return false;
        }
        let Some((way, secure)) = self.placed(peer).and_then(|peer| Some((self.way(&peer)?, peer.secure)))
        else {
            return false;
        };
        request.header.set(&Name::Contact, self.contact(way.transport, secure));
        if let Some(session) = self.sessions.get_mut(&id) {
            (session.route, session.phase, session.client) = (way, Phase::Calling, None);
        }
        self.send_invite(now, id, *request);
        true
    }
}

/// The place that a request went to.
pub(super) const fn place_of(route: Route) -> Destination {
    Destination { transport: route.transport, address: route.address }
}
