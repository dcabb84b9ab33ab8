//! A registrar: which telephones are where (RFC 3261 section 10.3), and who may say so (section 22).
//!
//! ```text
//!   REGISTER -> Guard -- proven --> Registrar -> Bindings         INVITE to a user -> Bindings -> its telephones
//!                 `--- not proven -> 401, as often as its source may have one
//! ```
//!
//! The rooms: `guard` (challenges, proofs, and the cap of both for each source), `binding` (what is known of a telephone, and the
//! rules by which it changes). The user agent owns a registrar and asks it; see [`crate::agent::AgentConfig::registrar`].
//!
//! What a request without credentials learns is the same for every user, there or not. A telephone is reached where its REGISTER
//! came from, at no other host: a registered user cannot aim calls at a third party. By a connection it is reached as long as that
//! stands: it is the flow that a NAT and a firewall let through, and nobody else can make it again (RFC 5626 section 3).

mod binding;
mod guard;

use std::collections::{BTreeMap, BTreeSet};

use strowger_sansio::{Duration, Rng, Time};

use crate::agent::Credentials;
use crate::auth::Algorithm;
use crate::message::grammar::{number, trim};
use crate::message::{Address, Message, Name, Status, Uri};
use crate::transport::Route;
pub use binding::{Binding, Flow, Quality};
use guard::Acquaintance;
pub(crate) use guard::Guard;
pub use guard::Verdict;

/// What a registrar goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarConfig {
    /// The realm of its users' passwords.
    pub realm: String,
    /// The digests that it asks for, the most wanted first (RFC 8760 section 2.3).
    pub algorithms: Vec<Algorithm>,
    /// The domains whose users it keeps, in lower case: others are refused with 404. When empty: whatever telephones call it.
    pub domains: Vec<String>,
    /// The shortest registration, in seconds: less is refused with 423. 60: a telephone behind a NAT refreshes as often as that.
    pub min_expires: u32,
    /// The longest. 7200: what has been taken away without a word is forgotten by then.
    pub max_expires: u32,
    /// That of a REGISTER which names none. 3600 (RFC 3261 section 10.2.1.1).
    pub default_expires: u32,
    /// The most bindings of one user.
    pub contacts: usize,
    /// How long a nonce may be used. 300 s.
    pub nonce_lifetime: Duration,
    /// The most challenges that one source is sent a second. 10: telephones behind one NAT that begin together.
    pub challenges: u32,
    /// How many more at once. 50.
    pub burst: u32,
    /// The most sources that are counted apart; those beyond share one count.
    pub sources: usize,
    /// The most challenges a second that all are sent who have not registered from where they ask. 1000: ten thousand telephones
    /// that come back from a power cut are there within half a minute.
    pub strangers: u32,
}

impl RegistrarConfig {
    /// The defaults, in this realm.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self {
            realm: realm.to_owned(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            domains: Vec::new(),
            min_expires: 60,
            max_expires: 7200,
            default_expires: 3600,
            contacts: 10,
            nonce_lifetime: Duration::from_secs(300),
            challenges: 10,
            burst: 50,
            sources: 10_000,
            strangers: 1000,
        }
    }
}

/// The option of RFC 5626.
pub(crate) const OUTBOUND: &str = "outbound";

/// How often at least a telephone is to say something on its connection, or send line ends, in seconds: NATs forget one that is silent for
/// longer (RFC 5626 section 4.4.1 names 120 for TCP).
const FLOW_TIMER: u32 = 120;

/// Whether a REGISTER is for a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outbound {
    /// It is not, or not so that it counts.
    Unwanted,
    /// It is.
    Wanted,
}

/// Whether a REGISTER is for a flow, or what it is refused with (RFC 5626 section 6). Flows are connections: of datagrams nobody knows
/// whether they still get through without asking by STUN, which is not spoken here.
fn outbound(from: Route, request: &Message<'_>) -> Result<Outbound, Status> {
    let header = &request.header;
    let contacts = header.list(&Name::Contact).filter_map(Address::parse);
    let flows = contacts.filter(|contact| Flow::of(contact.parameters).is_some());
    let flows: Vec<bool> = flows.map(|flow| flow.parameters.get("expires") != Some("0")).collect();
    let knows = [Name::Supported, Name::Require].iter().any(|name| header.lists(name, OUTBOUND));
    if flows.is_empty() || !knows || !from.transport.is_reliable() {
        return Ok(Outbound::Unwanted);
    }
    if flows.iter().filter(|is_made| **is_made).count() > 1 {
        return Err(Status::BAD_REQUEST);
    }
    // It has come by a proxy, whose flow it would be: one that knows this would have said so in Path, which is not kept to here.
    if header.list(&Name::Via).count() > 1 {
        return Err(Status::FIRST_HOP_LACKS_OUTBOUND);
    }
    Ok(Outbound::Wanted)
}

/// A user: its place among those that the registrar was given.
pub type User = usize;

/// What a REGISTER is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: Status,
    /// Fields besides those of every response.
    pub fields: Vec<(Name<'static>, String)>,
    /// What it has done to the bindings.
    pub change: Change,
}

/// What a REGISTER has done to the bindings of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// They last longer, or less long, and that is all.
    Refreshed,
    /// There are more or fewer, or they are elsewhere now.
    Moved,
}

impl Reply {
    fn refused(status: Status) -> Self {
        Self { status, fields: Vec::new(), change: Change::Nothing }
    }
}

/// The bindings of all users.
#[derive(Debug)]
pub struct Registrar {
    config: RegistrarConfig,
    users: Vec<Credentials>,
    by_name: BTreeMap<String, User>,
    /// By user.
    bindings: Vec<Vec<Binding>>,
    /// Whose bindings are reached by a route.
    by_route: BTreeMap<Route, Vec<User>>,
    /// When the first binding of each user expires.
    due: BTreeSet<(Time, User)>,
    guard: Guard,
}

impl Registrar {
    /// A registrar of these users, none of whom is anywhere. `rng` must be seeded from a secret. Of users with the same name the
    /// first counts.
    #[must_use]
    pub fn new(now: Time, config: RegistrarConfig, users: Vec<Credentials>, rng: Rng) -> Self {
        let mut by_name = BTreeMap::new();
        for (at, user) in users.iter().enumerate() {
            by_name.entry(user.user.clone()).or_insert(at);
        }
        let guard = Guard::new(now, &config, users.len(), rng);
        let bindings = users.iter().map(|_| Vec::new()).collect();
        let (by_route, due) = (BTreeMap::new(), BTreeSet::new());
        Self { config, users, by_name, bindings, by_route, due, guard }
    }

    /// Judges who has sent a request.
    pub fn judge(&mut self, now: Time, from: Route, request: &Message<'_>) -> Verdict {
        let (users, names) = (&self.users, &self.by_name);
        let password = |name: &str| {
            let at = names.get(name)?;
            Some((*at, users.get(*at)?.password.as_str()))
        };
        let known = match self.by_route.get(&from) {
            Some(_) => Acquaintance::Registered,
            None => Acquaintance::Stranger,
        };
        self.guard.judge(now, (from.address.ip(), known), request, password)
    }

    /// A tag for answers that are not remembered: always the same for the same request (RFC 3261 section 8.2.7).
    #[must_use]
    pub fn tag(&self, request: &Message<'_>) -> String {
        self.guard.tag(request)
    }

    /// Does what a REGISTER of this user wants (RFC 3261 section 10.3, from step 4). Either all of it is done, or nothing.
    pub fn register(&mut self, now: Time, user: User, from: Route, request: &Message<'_>) -> Reply {
        let header = &request.header;
        let asked = header.to().and_then(|to| user_and_host(&to.uri));
        let Some((name, host)) = asked else { return Reply::refused(Status::FORBIDDEN) };
        // The same for users that are there and for others: nobody learns who is (steps 4 and 5).
        if self.by_name.get(&name) != Some(&user) {
            return Reply::refused(Status::FORBIDDEN);
        }
        if !self.config.domains.is_empty() && !self.config.domains.contains(&host) {
            return Reply::refused(Status::NOT_FOUND);
        }
        let (Some(call_id), Some(cseq)) = (header.call_id(), header.cseq().map(|cseq| cseq.number)) else {
            return Reply::refused(Status::BAD_REQUEST);
        };
        let Some(kept) = self.bindings.get(user) else { return Reply::refused(Status::FORBIDDEN) };
        let known: Vec<Binding> = kept.iter().filter(|binding| binding.expires > now).cloned().collect();
        let contacts: Vec<&str> = header.list(&Name::Contact).collect();
        let whole = header.get(&Name::Expires).map(|text| number::<u32>(trim(text)).unwrap_or(3600));
        let order = (call_id, cseq);
        let outbound = match outbound(from, request) {
            Ok(outbound) => outbound,
            Err(status) => return Reply::refused(status),
        };
        let next = if contacts.contains(&"*") {
            if contacts.len() > 1 || whole != Some(0) {
                return Reply::refused(Status::BAD_REQUEST);
            }
            if !known.iter().all(|binding| binding.yields(order)) {
                return Reply::refused(Status::SERVER_INTERNAL_ERROR);
            }
            Vec::new()
        } else {
            match self.updated(now, known, &contacts, (whole, order, outbound), (from, request)) {
                Ok(next) => next,
                Err(reply) => return reply,
            }
        };
        let is_new =
            |new: &Binding| !kept.iter().any(|old| old.contact == new.contact && old.route == new.route);
        let change = if next.len() != kept.len() || next.iter().any(is_new) {
            Change::Moved
        } else if next == *kept {
            Change::Nothing
        } else {
            Change::Refreshed
        };
        let mut fields: Vec<_> = next.iter().map(|binding| (Name::Contact, binding.to_value(now))).collect();
        if outbound == Outbound::Wanted {
            fields.push((Name::Require, OUTBOUND.to_owned()));
            fields.push((Name::FlowTimer, FLOW_TIMER.to_string()));
        }
        self.put(user, next);
        Reply { status: Status::OK, fields, change }
    }

    /// The bindings of a user are these from now on.
    fn put(&mut self, user: User, next: Vec<Binding>) {
        let Some(place) = self.bindings.get_mut(user) else { return };
        let first = |all: &[Binding]| all.iter().map(|binding| binding.expires).min();
        let (before, after) = (first(place), first(&next));
        let replaced = std::mem::replace(place, next.clone());
        if let Some(at) = before {
            self.due.remove(&(at, user));
        }
        self.due.extend(after.map(|at| (at, user)));
        for binding in replaced {
            if let Some(users) = self.by_route.get_mut(&binding.route) {
                users.retain(|own| *own != user);
                if users.is_empty() {
                    self.by_route.remove(&binding.route);
                }
            }
        }
        for binding in next {
            let users = self.by_route.entry(binding.route).or_default();
            if !users.contains(&user) {
                users.push(user);
            }
        }
    }

    /// Step 7 of section 10.3.
    fn updated(
        &self,
        now: Time,
        mut next: Vec<Binding>,
        contacts: &[&str],
        (whole, order, outbound): (Option<u32>, (&str, u32), Outbound),
        (from, request): (Route, &Message<'_>),
    ) -> Result<Vec<Binding>, Reply> {
        for text in contacts {
            let contact = Address::parse(text).ok_or_else(|| Reply::refused(Status::BAD_REQUEST))?;
            let Uri::Sip(uri) = contact.uri else { return Err(Reply::refused(Status::BAD_REQUEST)) };
            // What is malformed counts as an hour (section 10.2.1.1).
            let own = contact.parameters.get("expires").map(|text| number::<u32>(text).unwrap_or(3600));
            let wanted = own.or(whole).unwrap_or(self.config.default_expires);
            if wanted > 0 && wanted < self.config.min_expires {
                let least = (Name::MinExpires, self.config.min_expires.to_string());
                let status = Status::INTERVAL_TOO_BRIEF;
                return Err(Reply { status, fields: vec![least], change: Change::Nothing });
            }
            let quality = match contact.parameters.get("q") {
                None => Quality::default(),
                Some(text) => Quality::parse(text).ok_or_else(|| Reply::refused(Status::BAD_REQUEST))?,
            };
            let flow = Flow::of(contact.parameters).filter(|_| outbound == Outbound::Wanted);
            let place = next.iter().position(|known| match &flow {
                // Whatever URI it has by now (RFC 5626 section 6).
                Some(_) => known.flow == flow,
                None => known.flow.is_none() && known.is_of(&uri),
            });
            if let Some(known) = place.and_then(|at| next.get(at))
                && !known.yields(order)
            {
                return Err(Reply::refused(Status::SERVER_INTERNAL_ERROR));
            }
            if wanted == 0 {
                if let Some(at) = place {
                    next.remove(at);
                }
                continue;
            }
            let span = Duration::from_secs(u64::from(wanted.min(self.config.max_expires)));
            let route = binding::reached_at(&uri, from, request);
            let (contact, (call_id, cseq)) = (uri.to_string(), order);
            let new = Binding {
                contact,
                quality,
                call_id: call_id.to_owned(),
                cseq,
                expires: now + span,
                route,
                flow,
            };
            let room = next.len() < self.config.contacts;
            match place.and_then(|at| next.get_mut(at)) {
                Some(known) => *known = new,
                None if room => next.push(new),
                None => {
                    let why = "399 strowger \"There are too many contacts of this user\"".to_owned();
                    let fields = vec![(Name::Warning, why)];
                    return Err(Reply { status: Status::FORBIDDEN, fields, change: Change::Nothing });
                }
            }
        }
        Ok(next)
    }

    /// Puts a binding back that was there before: behind a restart. One that has expired is not.
    pub fn restore(&mut self, now: Time, user: User, binding: Binding) {
        if binding.expires > now
            && let Some(known) = self.bindings.get(user)
            && known.len() < self.config.contacts
            && !known.iter().any(|other| other.contact == binding.contact && other.flow == binding.flow)
        {
            let next = known.iter().cloned().chain([binding]).collect();
            self.put(user, next);
        }
    }

    /// Where a user is: what was preferred comes first.
    #[must_use]
    pub fn bindings(&self, now: Time, user: User) -> Vec<&Binding> {
        let all = self.bindings.get(user).map(Vec::as_slice).unwrap_or_default();
        let mut live: Vec<&Binding> = all.iter().filter(|binding| binding.expires > now).collect();
        live.sort_by_key(|binding| std::cmp::Reverse(binding.quality));
        live
    }

    /// The user who has registered from there; none when nobody has.
    #[must_use]
    pub fn user_at(&self, now: Time, from: Route) -> Option<User> {
        let is_there = |binding: &Binding| binding.route == from && binding.expires > now;
        let all = |user: &User| self.bindings.get(*user).map(Vec::as_slice).unwrap_or_default();
        self.by_route.get(&from)?.iter().find(|user| all(user).iter().any(is_there)).copied()
    }

    /// Forgets what has expired; the users whose bindings these were.
    pub fn expire(&mut self, now: Time) -> Vec<User> {
        let mut of = Vec::new();
        while let Some((_, user)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            let kept = self.bindings.get(user).into_iter().flatten().filter(|binding| binding.expires > now);
            let kept = kept.cloned().collect();
            self.put(user, kept);
            of.push(user);
        }
        of
    }

    /// A connection has ended: who has registered by it is not reached by it any more, and nobody else is known to be where the contact
    /// says. The users whose bindings are forgotten.
    pub fn disconnected(&mut self, from: Route) -> Vec<User> {
        let of = self.by_route.get(&from).filter(|_| from.transport.is_reliable()).cloned();
        let of = of.unwrap_or_default();
        for user in of.iter().copied() {
            let kept = self.bindings.get(user).into_iter().flatten().filter(|binding| binding.route != from);
            let kept = kept.cloned().collect();
            self.put(user, kept);
        }
        of
    }

    /// When the next binding expires.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }
}

/// The user, unescaped, and the host in lower case that a SIP URI names.
fn user_and_host(uri: &Uri<'_>) -> Option<(String, String)> {
    let sip = uri.as_sip()?;
    let raw = sip.user.as_deref()?.split([';', ':']).next().unwrap_or_default();
    Some((crate::message::unescape(raw)?.into_owned(), sip.host.to_ascii_lowercase()))
}
