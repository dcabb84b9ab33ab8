//! Registering with peers: an address of record there is bound to this side's contact, and kept so (RFC 3261 section 10.2).

use strowger_sansio::{Duration, Time};

use super::{PeerId, Purpose, Timer, UserAgent};
use crate::message::{Message, Method, Name, SipUri, Status, Uri};

/// How long a binding is wanted when the peer says nothing else. An hour, as section 10.2 suggests.
const EXPIRES: u32 = 3600;

/// How soon a registration that failed is tried again, and how late at most: each time twice as late.
const RETRY: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// A registration with one peer.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    call_id: String,
    tag: String,
    number: u32,
    expires: u32,
    /// The last request was sent again with credentials, or with a longer time.
    again: u8,
    retry: Duration,
}

impl UserAgent {
    /// Registers with a peer, or refreshes that.
    pub(super) fn register(&mut self, now: Time, id: PeerId) {
        let known = self.registrations.get(&id).cloned();
        let registration = known.unwrap_or_else(|| Registration {
            call_id: self.token(),
            tag: self.token(),
            number: 0,
            expires: EXPIRES,
            again: 0,
            retry: RETRY.0,
        });
        self.registrations.insert(id, Registration { again: 0, ..registration });
        self.send_register(now, id);
    }

    fn send_register(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.peer(id).cloned() else { return };
        let (Some(route), Some(user)) =
            (self.way(&peer), peer.credentials.as_ref().map(|known| known.user.clone()))
        else {
            return;
        };
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        registration.number += 1;
        let Registration { call_id, tag, number, expires, .. } = registration.clone();
        let host = peer.domain.clone().unwrap_or_else(|| super::compose::host(peer.address.ip()));
        let record = SipUri::new(Some(&user), &host, None);
        let mut request = Message::request(Method::Register, Uri::Sip(SipUri::new(None, &host, None)));
        let (contact, local) = (self.contact(route.transport), self.local_host(&peer));
        let header = &mut request.header;
        header.push(Name::MaxForwards, "70");
        header.push(Name::From, format!("<{record}>;tag={tag}"));
        header.push(Name::To, format!("<{record}>"));
        header.push(Name::CallId, format!("{call_id}@{local}"));
        header.push(Name::CSeq, format!("{number} REGISTER"));
        header.push(Name::Contact, contact.replacen("sip:", &format!("sip:{user}@"), 1));
        header.push(Name::Expires, expires.to_string());
        self.introduce(&mut request);
        self.authorize_at_once(id, &mut request);
        let sent_by = self.sent_by(route.transport);
        let client = self.transactions.request(now, route, &sent_by, request);
        self.by_client.insert(client, Purpose::Register(id));
    }

    /// What a peer says to a registration.
    pub(super) fn registered(&mut self, now: Time, id: PeerId, status: Status, response: &Message<'static>) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        let first = registration.again < 3;
        registration.again += 1;
        match status {
            _ if status.is_success() => {
                let granted = granted(response, registration.expires);
                registration.retry = RETRY.0;
                // Half of it, but for a long one: the answer to a refresh may take 32 s, and be wanted twice.
                let after = granted.saturating_sub(120).max(granted / 2).max(5);
                self.timers.set(Timer::Register(id), now + Duration::from_secs(u64::from(after)));
                self.found(id, true);
            }
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED if first => {
                if self.learn_challenge(id, response) {
                    self.send_register(now, id);
                } else {
                    self.not_registered(now, id);
                }
            }
            Status::INTERVAL_TOO_BRIEF if first => {
                match response.header.number(&Name::MinExpires).filter(|least| *least <= 86_400) {
                    Some(least) => {
                        registration.expires = least;
                        self.send_register(now, id);
                    }
                    None => self.not_registered(now, id),
                }
            }
            _ => self.not_registered(now, id),
        }
    }

    /// It is tried again, later each time.
    pub(super) fn not_registered(&mut self, now: Time, id: PeerId) {
        self.found(id, false);
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        let wait = registration.retry;
        registration.retry = wait.saturating_mul(2).min(RETRY.1);
        // What failed with a challenge is asked for anew.
        self.challenges.remove(&id);
        self.timers.set(Timer::Register(id), now + wait);
    }
}

/// How long the peer keeps the binding: what it says of this side's contact, or of all (section 10.2.4).
fn granted(response: &Message<'_>, wanted: u32) -> u32 {
    let of_contact =
        response.header.contact().and_then(|contact| contact.parameters.get("expires")?.parse().ok());
    of_contact.or_else(|| response.header.number(&Name::Expires)).unwrap_or(wanted).min(86_400)
}
