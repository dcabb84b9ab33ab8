//! Registering with peers: an address of record there is bound to this side's contact, and kept so until this side is about to
//! stop (RFC 3261 section 10.2). The way for calls that a registrar names is kept to (RFC 3608).

use strowger_sansio::{Duration, Time};

use super::credentials::Tried;
use super::{Event, PeerId, Purpose, Timer, UserAgent};
use crate::locate::Destination;
use crate::message::{Address, Message, Method, Name, SipUri, Status, Uri};

/// How long a binding is wanted when the peer says nothing else. An hour, as section 10.2 suggests.
const EXPIRES: u32 = 3600;

/// How soon a registration that failed is tried again, and how late at most: each time twice as late.
const RETRY: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// How long farewells are waited for: as long as a REGISTER, its challenge and its answer take on a bad line. Who stops does not wait for
/// the deaf.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection that has lasted as long was not ended for what was said by it.
const STOOD: Duration = Duration::from_secs(30);

/// How many proxies a registrar may name for calls. More than any network has in a row.
const SERVICE_ROUTES: usize = 8;

/// How a registration with a peer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RegistrationState {
    /// Until when the peer keeps it, unless it is refreshed before; none: it keeps none.
    pub until: Option<Time>,
    /// What the peer has said last, that was no challenge; none: nothing yet, or nothing to the last request.
    pub status: Option<Status>,
}

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
    state: RegistrationState,
    /// The way for calls: values of `Route`.
    service_route: Vec<String>,
    /// It is being given up.
    leaves: bool,
    /// When the peer last said that it has the binding.
    confirmed: Option<Time>,
}

impl UserAgent {
    /// Gives all registrations up (RFC 3261 section 10.2.2): this side is about to stop. They are not made again.
    pub fn unregister(&mut self, now: Time) {
        let held: Vec<PeerId> = self
            .registrations
            .iter()
            .filter(|(_, own)| own.state.until.is_some())
            .map(|(id, _)| *id)
            .collect();
        for peer in
            self.config.peers.iter().zip(0..).filter(|(peer, _)| peer.registers).map(|(_, id)| PeerId(id))
        {
            self.timers.cancel(&Timer::Register(peer));
        }
        if !held.is_empty() {
            self.timers.set(Timer::Farewell, now + FAREWELL);
        }
        for id in held {
            if let Some(own) = self.registrations.get_mut(&id) {
                (own.leaves, own.again) = (true, 0);
            }
            self.send_register(now, id);
        }
    }

    /// The farewells have been waited for long enough: peers that have not answered forget the registration in its time.
    pub(super) fn farewell_due(&mut self) {
        for (peer, own) in self.registrations.iter_mut().filter(|(_, own)| own.leaves) {
            if own.state.until.take().is_some() {
                self.events.push_back(Event::FarewellUnheard { peer: *peer });
            }
        }
    }

    /// Whether a registration is being given up, and its peer has not said that it is: for a second at most.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.registrations.values().any(|own| own.leaves && own.state.until.is_some())
    }

    /// How the registration with a peer stands; none when there is none to be.
    #[must_use]
    pub fn registration(&self, peer: PeerId) -> Option<RegistrationState> {
        self.peer(peer).filter(|peer| peer.registers)?;
        Some(self.registrations.get(&peer).map(|own| own.state).unwrap_or_default())
    }

    /// The way for calls to a peer that its registrar has named (RFC 3608 section 5).
    pub(super) fn service_route(&self, peer: PeerId) -> &[String] {
        self.registrations.get(&peer).map(|own| own.service_route.as_slice()).unwrap_or_default()
    }

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
            state: RegistrationState::default(),
            service_route: Vec::new(),
            leaves: false,
            confirmed: None,
        });
        self.registrations.insert(id, Registration { again: 0, ..registration });
        self.send_register(now, id);
    }

    fn send_register(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.placed(id) else { return };
        let (Some(route), Some(user)) =
            (self.way(&peer), peer.credentials.as_ref().map(|known| known.user.clone()))
        else {
            return;
        };
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        registration.number += 1;
        let Registration { call_id, tag, number, expires, leaves, .. } = registration.clone();
        let expires = if leaves { 0 } else { expires };
        let host = peer.domain.clone().unwrap_or_else(|| super::compose::host(peer.address.ip()));
        let secure = peer.secure;
        let record = SipUri { secure, ..SipUri::new(Some(&user), &host, None) };
        let registrar = SipUri { secure, ..SipUri::new(None, &host, None) };
        let mut request = Message::request(Method::Register, Uri::Sip(registrar));
        let (contact, local) = (self.contact(route.transport, peer.secure), self.local_host(&peer));
        let header = &mut request.header;
        header.push(Name::MaxForwards, "70");
        header.push(Name::From, format!("<{record}>;tag={tag}"));
        header.push(Name::To, format!("<{record}>"));
        header.push(Name::CallId, format!("{call_id}@{local}"));
        header.push(Name::CSeq, format!("{number} REGISTER"));
        header.push(Name::Contact, contact.replacen(':', &format!(":{user}@"), 1));
        header.push(Name::Expires, expires.to_string());
        self.introduce(&mut request);
        self.authorize_at_once(id, &mut request);
        let sent_by = self.sent_by(route.transport);
        let client = self.transactions.request(now, route, &sent_by, request);
        self.by_client.insert(client, Purpose::Register(id, super::places::place_of(route)));
    }

    /// The connection to a place of a peer has ended, by which its calls would have come (RFC 5626 section 4.5): the registration is made
    /// again soon, and later with a peer that lets no connection stand.
    pub(super) fn register_again(&mut self, now: Time, id: PeerId) {
        let Some(registration) = self.registrations.get(&id) else { return };
        let Some(confirmed) = registration.confirmed else { return };
        let stood = now.since(confirmed) >= STOOD;
        let wait = if stood { Duration::from_secs(1) } else { STOOD };
        self.timers.set(Timer::Register(id), now + wait);
    }

    /// What a peer says to a registration.
    pub(super) fn registered(
        &mut self,
        now: Time,
        (id, place): (PeerId, Destination),
        status: Status,
        response: &Message<'static>,
    ) {
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        let first = registration.again < 3;
        registration.again += 1;
        match status {
            _ if registration.leaves && !matches!(status.code(), 401 | 407) => {
                registration.state = RegistrationState { until: None, status: Some(status) };
            }
            _ if status.is_success() => {
                let granted = granted(response, registration.expires);
                (registration.retry, registration.confirmed) = (RETRY.0, Some(now));
                let until = Some(now + Duration::from_secs(u64::from(granted)));
                registration.state = RegistrationState { until, status: Some(status) };
                registration.service_route = service_route(response);
                // Half of it, but for a long one: the answer to a refresh may take 32 s, and be wanted twice.
                let after = granted.saturating_sub(120).max(granted / 2).max(5);
                self.timers.set(Timer::Register(id), now + Duration::from_secs(u64::from(after)));
                self.place_works(id, place);
                self.found(id, true);
            }
            Status::SERVICE_UNAVAILABLE => self.not_registered_there(now, (id, place), Some(status)),
            Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED if first => {
                let tried = if registration.again > 1 { Tried::Yes } else { Tried::No };
                if self.learn_challenge(id, response, tried) {
                    self.send_register(now, id);
                } else {
                    self.not_registered(now, id, Some(status));
                }
            }
            Status::INTERVAL_TOO_BRIEF if first => {
                match response.header.number(&Name::MinExpires).filter(|least| *least <= 86_400) {
                    Some(least) => {
                        registration.expires = least;
                        self.send_register(now, id);
                    }
                    None => self.not_registered(now, id, Some(status)),
                }
            }
            _ => self.not_registered(now, id, Some(status)),
        }
    }

    /// A place has failed: the registration is made at another, if one is there.
    pub(super) fn not_registered_there(
        &mut self,
        now: Time,
        (id, place): (PeerId, Destination),
        status: Option<Status>,
    ) {
        if self.places(id).len() > 1 && self.place_failed(now, id, place, None) {
            return self.send_register(now, id);
        }
        self.not_registered(now, id, status);
    }

    /// It is tried again, later each time.
    pub(super) fn not_registered(&mut self, now: Time, id: PeerId, status: Option<Status>) {
        self.found(id, false);
        let Some(registration) = self.registrations.get_mut(&id) else { return };
        registration.state = RegistrationState { until: None, status };
        if registration.leaves {
            return;
        }
        let wait = registration.retry;
        registration.retry = wait.saturating_mul(2).min(RETRY.1);
        // What failed with a challenge is asked for anew.
        self.challenges.remove(&id);
        self.timers.set(Timer::Register(id), now + wait);
    }
}

/// The proxies that calls are to go by. Those that route strictly could not be kept to, and are none (RFC 3608 section 6.1).
fn service_route(response: &Message<'_>) -> Vec<String> {
    let all: Vec<&str> = response.header.list(&Name::ServiceRoute).collect();
    let is_loose = |value: &&str| {
        let address = Address::parse(value);
        address.is_some_and(|address| address.uri.as_sip().is_some_and(|uri| uri.parameter("lr").is_some()))
    };
    if all.len() > SERVICE_ROUTES || !all.iter().all(is_loose) {
        return Vec::new();
    }
    all.into_iter().map(str::to_owned).collect()
}

/// How long the peer keeps the binding: what it says of this side's contact, or of all (section 10.2.4).
fn granted(response: &Message<'_>, wanted: u32) -> u32 {
    let of_contact =
        response.header.contact().and_then(|contact| contact.parameters.get("expires")?.parse().ok());
    of_contact.or_else(|| response.header.number(&Name::Expires)).unwrap_or(wanted).min(86_400)
}
