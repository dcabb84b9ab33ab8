//! Calls that a peer sends elsewhere: 300, 301 and 302 with contacts (RFC 3261 sections 8.1.3.4 and 21.3).
//!
//! Whoever is called pays nothing, and the trunk's owner does: contacts are followed to the peer's own hosts, where the call was
//! sent anyway, and to nobody else. A contact is tried once, and a call has few of them, so that peers that send calls to each
//! other end them.

use std::collections::VecDeque;
use std::net::IpAddr;

use strowger_sansio::Time;

use super::config::{Peer, Redirects};
use super::session::Phase;
use super::{SessionId, UserAgent};
use crate::message::{Address, Message, Name, Secure, SipUri, StartLine, Status, Uri};
use crate::registrar::Quality;
use crate::transport::{PORT, Route, Transport};

/// How many contacts of one call are tried. More than a user has telephones.
const CONTACTS: usize = 8;

/// The contacts of a call that was sent elsewhere.
#[derive(Debug, Default)]
pub(super) struct Redirection {
    /// Those that are to be tried, in this order.
    waiting: VecDeque<SipUri<'static>>,
    /// Those that were, or are going to be.
    known: Vec<SipUri<'static>>,
}

impl UserAgent {
    /// Calls the next contact of a call that was refused or sent elsewhere; says whether there is one.
    pub(super) fn follow(
        &mut self,
        now: Time,
        id: SessionId,
        status: Status,
        response: Option<&Message<'static>>,
    ) -> bool {
        let Some(session) = self.sessions.get(&id) else { return false };
        let known = || self.peer(session.peer).cloned();
        let Some(peer) = self.placed(session.peer).or_else(known) else { return false };
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.ending.is_none()) else {
            return false;
        };
        let Some(mut request) = session.invite.clone() else { return false };
        let StartLine::Request { uri: Uri::Sip(called), .. } = &request.start else { return false };
        let moved = matches!(
            status,
            Status::MULTIPLE_CHOICES | Status::MOVED_PERMANENTLY | Status::MOVED_TEMPORARILY
        );
        let response = response.filter(|_| moved && peer.redirects == Redirects::Own && peer.phone.is_none());
        if let Some(response) = response {
            let redirection = session.redirection.get_or_insert_with(|| {
                Box::new(Redirection { known: vec![called.clone()], ..Redirection::default() })
            });
            redirection.add(&peer, response);
        }
        // Who says 6xx knows that nobody will take it (section 21.6).
        if status.code() >= 600 {
            return false;
        }
        let Some(next) = session.redirection.as_mut().and_then(|own| own.waiting.pop_front()) else {
            return false;
        };
        session.route = reached_at(&next, &peer, session.route);
        session.phase = Phase::Calling;
        session.early.clear();
        session.forget_attempts();
        let number = request.header.cseq().map(|cseq| cseq.number).unwrap_or_default() + 1;
        request.header.set(&Name::CSeq, format!("{number} INVITE"));
        if let StartLine::Request { uri, .. } = &mut request.start {
            *uri = Uri::Sip(next);
        }
        self.send_invite(now, id, *request);
        true
    }
}

impl Redirection {
    /// Puts the contacts of a response before those that wait, the preferred ones first.
    fn add(&mut self, peer: &Peer, response: &Message<'_>) {
        let contacts = response.header.list(&Name::Contact).filter_map(Address::parse);
        let mut contacts: Vec<_> = contacts
            .filter_map(|contact| {
                let quality = contact.parameters.get("q").map_or(Some(Quality::default()), Quality::parse)?;
                Some((quality, target(contact.uri, peer)?))
            })
            .collect();
        contacts.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
        let mut place = 0;
        for (_, uri) in contacts {
            let tried = self.known.iter().any(|known| known.is_equivalent(&uri));
            if !tried && self.known.len() <= CONTACTS {
                self.known.push(uri.clone());
                self.waiting.insert(place, uri);
                place += 1;
            }
        }
    }
}

/// What a contact is called by, if this peer may send a call there.
fn target(uri: Uri<'_>, peer: &Peer) -> Option<SipUri<'static>> {
    let Uri::Sip(uri) = uri else { return None };
    let own = peer.transport.to_string();
    let by_transport = uri.parameter("transport").is_none_or(|name| name.eq_ignore_ascii_case(&own));
    let by_same_way = by_transport && (uri.secure == Secure::Sip || peer.transport == Transport::Tls);
    let other_request = uri.parameter("method").is_some_and(|method| method != "INVITE");
    if !by_same_way || other_request || uri.parameter("maddr").is_some() || !is_own(&uri, peer) {
        return None;
    }
    // What a peer would have put into the header of the request is left out (section 19.1.5).
    Some(SipUri { headers: None, ..uri.into_owned() })
}

fn address(uri: &SipUri<'_>) -> Option<IpAddr> {
    uri.host.trim_matches(['[', ']']).parse::<IpAddr>().ok()
}

/// Whether a contact is at a host of the peer itself.
fn is_own(uri: &SipUri<'_>, peer: &Peer) -> bool {
    match address(uri) {
        Some(ip) => {
            let places = peer.destinations.iter().map(|place| place.address.ip());
            let hosts = std::iter::once(peer.address.ip()).chain(places).chain(peer.sources.iter().copied());
            hosts.into_iter().any(|host| host.to_canonical() == ip.to_canonical())
        }
        None => peer.domain.as_ref().is_some_and(|domain| domain.eq_ignore_ascii_case(&uri.host)),
    }
}

/// Where a contact is. A connection stays the one that there is.
fn reached_at(uri: &SipUri<'_>, peer: &Peer, before: Route) -> Route {
    match address(uri) {
        Some(ip) if !before.transport.is_reliable() => {
            before.to(std::net::SocketAddr::new(ip, uri.port.unwrap_or(PORT)))
        }
        Some(_) => before,
        None => before.to(peer.address),
    }
}
