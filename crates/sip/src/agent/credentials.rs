//! Who this side is, when a peer asks (RFC 3261 section 22.2 and 22.3).

use super::{PeerId, UserAgent};
use crate::auth::{Challenge, Known, Secret, Subject};
use crate::message::{Message, Name, StartLine};

impl UserAgent {
    /// Keeps what a response challenges with. Says whether it is worth another try: it can be answered, and is not the refusal
    /// of what was just sent.
    pub(super) fn learn_challenge(&mut self, peer: PeerId, response: &Message<'_>) -> bool {
        if self.peer(peer).is_none_or(|peer| peer.credentials.is_none()) {
            return false;
        }
        let ways = [
            (Name::WwwAuthenticate, Name::Authorization),
            (Name::ProxyAuthenticate, Name::ProxyAuthorization),
        ];
        let found = ways
            .into_iter()
            .find_map(|(asks, field)| Some((Challenge::strongest(&response.header, &asks)?, field)));
        let Some((challenge, field)) = found else { return false };
        let known = self.challenges.get(&peer);
        let refused = known.is_some_and(|known| {
            known.count > 0
                && known.challenge.nonce == challenge.nonce
                && known.challenge.realm == challenge.realm
        });
        if refused && !challenge.stale {
            return false;
        }
        self.challenges.insert(peer, Known { challenge, field, count: 0 });
        true
    }

    /// Gives a request credentials for what its peer has challenged this side with last.
    pub(super) fn authorize_at_once(&mut self, peer: PeerId, request: &mut Message<'static>) {
        let Some(credentials) = self.peer(peer).and_then(|peer| peer.credentials.clone()) else { return };
        let cnonce = self.token();
        let Some(known) = self.challenges.get_mut(&peer) else { return };
        let StartLine::Request { method, uri } = &request.start else { return };
        let (method, uri) = (method.to_string(), uri.to_string());
        let secret = Secret { user: &credentials.user, password: &credentials.password };
        let value = known.answer(secret, Subject { method: &method, uri: &uri }, &cnonce);
        request.header.set(&known.field.clone(), value);
    }
}
