//! Who this side is, when a peer asks (RFC 3261 sections 22.2 and 22.3).
//!
//! A peer may ask for several realms: its registrar's, its proxies', and those of whoever is behind it. Each is remembered,
//! so that the next request has credentials for all of them.

use super::{PeerId, UserAgent};
use crate::auth::{Challenge, Known, Secret, Subject};
use crate::message::{Message, Name, StartLine};

/// How many realms of one peer are remembered: its own, and a few behind it.
const REALMS: usize = 4;

/// The fields that ask, and those that answer.
const WAYS: [(Name<'static>, Name<'static>); 2] =
    [(Name::WwwAuthenticate, Name::Authorization), (Name::ProxyAuthenticate, Name::ProxyAuthorization)];

/// The credentials of a request, which its ACK has, too (RFC 3261 section 13.2.2.4).
pub(super) type Proof = Vec<(Name<'static>, String)>;

/// Whether a request was sent again with credentials already, for the challenge before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// It was not: what it had were credentials for an older challenge, or none.
    No,
    /// It was: a challenge of the same realm refuses them.
    Yes,
}

impl UserAgent {
    /// Keeps what a response challenges with. Says whether it is worth another try: it can be answered, and is not the refusal
    /// of what was just sent.
    pub(super) fn learn_challenge(&mut self, peer: PeerId, response: &Message<'_>, tried: Tried) -> bool {
        if self.peer(peer).is_none_or(|peer| peer.credentials.is_none()) {
            return false;
        }
        let known = self.challenges.entry(peer).or_default();
        let mut learned = false;
        for (asks, field) in WAYS {
            for challenge in Challenge::of_realms(&response.header, &asks) {
                let own = |known: &Known| known.field == field && known.challenge.realm == challenge.realm;
                let place = known.iter().position(own);
                let sent = place.and_then(|at| known.get(at)).is_some_and(|known| known.count > 0);
                if sent && tried == Tried::Yes && !challenge.stale {
                    return false;
                }
                if let Some(at) = place {
                    known.remove(at);
                } else if known.len() >= REALMS {
                    known.remove(0);
                }
                known.push(Known { challenge, field: field.clone(), count: 0 });
                learned = true;
            }
        }
        learned
    }

    /// Gives a request credentials for what its peer has challenged this side with.
    pub(super) fn authorize_at_once(&mut self, peer: PeerId, request: &mut Message<'static>) {
        let Some(credentials) = self.peer(peer).and_then(|peer| peer.credentials.clone()) else { return };
        if !self.challenges.contains_key(&peer) {
            return;
        }
        let cnonce = self.token();
        let StartLine::Request { method, uri } = &request.start else { return };
        let (method, uri) = (method.to_string(), uri.to_string());
        for (_, field) in &WAYS {
            request.header.remove(field);
        }
        for known in self.challenges.entry(peer).or_default() {
            let secret = Secret { user: &credentials.user, password: &credentials.password };
            let value = known.answer(secret, Subject { method: &method, uri: &uri }, &cnonce);
            request.header.push(known.field.clone(), value);
        }
    }
}

/// The credentials that a request has.
pub(super) fn proof(request: &Message<'_>) -> Proof {
    let fields = WAYS.into_iter().flat_map(|(_, field)| {
        let values: Vec<String> = request.header.all(&field).map(str::to_owned).collect();
        values.into_iter().map(move |value| (field.clone(), value))
    });
    fields.collect()
}
