//! Keys by INFO, both ways: `application/dtmf-relay`, and `application/dtmf` of peers that have that one (RFC 6086 Appendix A calls
//! such bodies the legacy usage of INFO; no RFC has their grammar).
//!
//! Keys of one session go one behind the other, each when the one before is answered: over datagrams two requests may change places,
//! and a number that was pressed would be another one.

use strowger_sansio::Time;

use super::config::Keys;
use super::credentials::Tried;
use super::session::Phase;
use super::{Event, PeerId, Purpose, SessionId, UserAgent};
use crate::message::{Message, Method, Name, Status};
use crate::transaction::ServerId;

/// How many keys of a session wait. 32: more than anybody presses while one request is repeated.
const WAITING: usize = 32;

/// How long a key was pressed, as the peer is told. 160 ms: what it is told by most, and longer than any detector needs.
const PRESSED: u32 = 160;

/// The keys of a session that its peer is to be told of.
#[derive(Debug, Default)]
pub(super) struct Presses {
    waiting: std::collections::VecDeque<char>,
    /// The one that the peer was told of last, and has not answered.
    told: Option<char>,
    /// Whether that was sent again for want of credentials.
    tried: bool,
}

impl UserAgent {
    /// The peer tells of a key.
    pub(super) fn informed(&mut self, now: Time, id: SessionId, server: ServerId, request: &Message<'_>) {
        let kind = request.header.get(&Name::ContentType).unwrap_or_default().trim().to_ascii_lowercase();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let key = match kind.split(';').next().unwrap_or_default().trim() {
            "application/dtmf-relay" => body.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case("signal").then(|| key(value))?
            }),
            "application/dtmf" => key(&body),
            "" if body.is_empty() => None,
            _ => {
                self.transactions.respond_with(now, server, Status::UNSUPPORTED_MEDIA_TYPE);
                return;
            }
        };
        self.transactions.respond_with(now, server, Status::OK);
        if let Some(key) = key {
            self.events.push_back(Event::Dtmf { session: id, key });
        }
    }

    /// Whether keys come from and go to a peer by INFO.
    pub(super) fn takes_keys_by_info(&self, peer: PeerId) -> bool {
        self.peer(peer).is_some_and(|peer| peer.keys == Keys::Info)
    }

    pub(super) fn tell_key(&mut self, now: Time, id: SessionId, key: char) -> bool {
        if !self.sessions.get(&id).is_some_and(|session| self.takes_keys_by_info(session.peer)) {
            return false;
        }
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        if session.ending.is_some() || session.presses.waiting.len() >= WAITING {
            return false;
        }
        session.presses.waiting.push_back(key);
        self.tell_next_key(now, id);
        true
    }

    fn tell_next_key(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let free = session.phase == Phase::Confirmed && session.ending.is_none();
        if !free || session.presses.told.is_some() {
            return;
        }
        session.presses.told = session.presses.waiting.pop_front();
        session.presses.tried = false;
        self.tell_same_key(now, id);
    }

    fn tell_same_key(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (Some(key), (transport, secure)) = (session.presses.told, session.reach()) else { return };
        let Some(dialog) = session.dialog.as_mut() else { return };
        let mut info = dialog.request(Method::Info);
        info.header.push(Name::Contact, self.contact(transport, secure));
        self.introduce(&mut info);
        let body = format!("Signal={key}\r\nDuration={PRESSED}\r\n");
        self.say(now, id, info.with_body("application/dtmf-relay", body.into_bytes()), Purpose::Info(id));
    }

    /// The peer has heard of a key, or has not. One that does not know the dialog any more, or is gone, ends the session (RFC 3261
    /// section 12.2.1.2); one that does not want the key has said so, and the talk goes on.
    pub(super) fn key_told(
        &mut self,
        now: Time,
        id: SessionId,
        status: Status,
        response: Option<&Message<'_>>,
    ) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.phase == Phase::Confirmed)
        else {
            return;
        };
        let challenged = matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED);
        if let Some(response) = response.filter(|_| challenged) {
            let peer = session.peer;
            let tried =
                if std::mem::replace(&mut session.presses.tried, true) { Tried::Yes } else { Tried::No };
            if tried == Tried::No && self.learn_challenge(peer, response, tried) {
                return self.tell_same_key(now, id);
            }
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.presses.told = None;
        }
        if matches!(status, Status::NO_SUCH_CALL | Status::REQUEST_TIMEOUT) {
            self.ended(id, crate::cause::cause_of_status(status), None);
            return self.hang_up(now, id, 16);
        }
        self.tell_next_key(now, id);
    }
}

/// The key of a `Signal`: itself, or its number as the events of RFC 4733 section 3.2 are counted, which some write.
fn key(value: &str) -> Option<char> {
    let value = value.trim();
    let mut symbols = value.chars();
    let key = match (symbols.next()?, symbols.next()) {
        (key, None) => key.to_ascii_uppercase(),
        _ => match value {
            "10" => '*',
            "11" => '#',
            "12" => 'A',
            "13" => 'B',
            "14" => 'C',
            "15" => 'D',
            _ => return None,
        },
    };
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D').then_some(key)
}
