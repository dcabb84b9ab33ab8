//! Whether messages wait for a telephone: the events `message-summary` (RFC 3842), by the rules of RFC 6665.
//!
//! A telephone subscribes, and is told at once, at each change, and when its time is over. One subscription has one NOTIFY under way
//! at a time, so that none overtakes a later one. Where [`Notices::Unsolicited`] is set, a telephone that has not subscribed is told
//! too, at each place where it is registered: no standard says so, and many telephones expect it.
//!
//! What is told is whether messages wait, without their number: nobody has counted them here.

use std::collections::{BTreeMap, BTreeSet};

use strowger_sansio::Time;

use super::config::Notices;
use super::{PeerId, Purpose, Timer, UserAgent};
use crate::dialog::Dialog;
use crate::message::grammar::{is_token, number, trim};
use crate::message::{Address, Message, Method, Name, Secure, SipUri, Status, Uri, unescape};
use crate::registrar::{Binding, RegistrarConfig};
use crate::transaction::ServerId;
use crate::transport::Route;

/// The package.
const PACKAGE: &str = "message-summary";
/// What its notifications are written in.
const BODY: &str = "application/simple-message-summary";
/// How long a subscription lasts that does not say (RFC 3842 section 3.4 leaves it open; an hour is what telephones ask for).
const LASTS: u32 = 3600;
/// The most subscriptions of one telephone: as many as it has contacts. The one that ends first makes room.
pub(super) const MOST: usize = 10;

/// A subscription. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SummaryId(u64);

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) peer: PeerId,
    pub(super) dialog: Dialog,
    pub(super) route: Route,
    /// `Event`, as its notifications repeat it.
    pub(super) event: String,
    pub(super) until: Time,
    /// The connection of its telephone has ended, and that has not come back by another.
    pub(super) adrift: bool,
    /// A NOTIFY is not answered.
    pub(super) open: bool,
    /// There is something new to say when it is.
    pub(super) news: bool,
    /// Its last word is said, or is to be said next.
    pub(super) over: bool,
}

/// The subscriptions of all telephones, and what they are told.
#[derive(Debug, Default)]
pub(super) struct Summaries {
    waiting: BTreeSet<PeerId>,
    all: BTreeMap<SummaryId, Subscription>,
    /// By `Call-ID` and the tag of this side.
    by_dialog: BTreeMap<(String, String), SummaryId>,
    /// The telephones whose subscriptions are others than those that were told of last.
    pub(super) changed: BTreeSet<PeerId>,
    last: u64,
}

impl Summaries {
    pub(super) fn of(&self, peer: PeerId) -> impl Iterator<Item = (SummaryId, &Subscription)> {
        self.all.iter().filter(move |(_, own)| own.peer == peer).map(|(id, own)| (*id, own))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether something new is to be said.
    pub(super) fn waits(&self, id: SummaryId) -> bool {
        self.all.get(&id).is_some_and(|own| own.news)
    }

    /// A new one; none when its dialog is another's.
    pub(super) fn insert(&mut self, new: Subscription) -> Option<SummaryId> {
        let key = (new.dialog.call_id.clone(), new.dialog.local_tag.clone());
        if self.by_dialog.contains_key(&key) {
            return None;
        }
        self.last += 1;
        let id = SummaryId(self.last);
        self.changed.insert(new.peer);
        self.all.insert(id, new);
        self.by_dialog.insert(key, id);
        Some(id)
    }

    fn remove(&mut self, id: SummaryId) {
        if let Some(own) = self.all.remove(&id) {
            self.changed.insert(own.peer);
            self.by_dialog.remove(&(own.dialog.call_id, own.dialog.local_tag));
        }
    }

    /// A connection has ended: what goes by it waits for its telephone.
    pub(super) fn disconnected(&mut self, from: Route) {
        for own in self.all.values_mut().filter(|own| own.route == from && from.transport.is_reliable()) {
            own.adrift = true;
        }
    }

    /// Whether a telephone at this contact is told already.
    fn covers(&self, peer: PeerId, binding: &Binding) -> bool {
        self.of(peer)
            .any(|(_, own)| !own.over && own.dialog.target.as_sip().is_some_and(|uri| binding.leads_to(uri)))
    }

    /// Subscriptions go where the contact of their telephone is registered. Those that have waited for that.
    fn follow(&mut self, peer: PeerId, bindings: &[Binding]) -> Vec<SummaryId> {
        let mut found = Vec::new();
        for (id, own) in self.all.iter_mut().filter(|(_, own)| own.peer == peer) {
            let target = own.dialog.target.as_sip();
            let at = target.and_then(|target| bindings.iter().find(|binding| binding.leads_to(target)));
            let Some(at) = at.filter(|at| at.route != own.route || own.adrift) else { continue };
            own.route = at.route;
            self.changed.insert(peer);
            if std::mem::take(&mut own.adrift) && own.news {
                found.push(*id);
            }
        }
        found
    }
}

impl UserAgent {
    /// A telephone is registered elsewhere than before: its subscriptions go there, and what they waited for is told.
    pub(super) fn summaries_follow(&mut self, now: Time, peer: PeerId, bindings: &[Binding]) {
        for id in self.summaries.follow(peer, bindings) {
            self.notify_summary(now, id);
        }
    }

    /// Messages wait for a telephone, or do not any more. It is told if that is news.
    pub fn tell_messages(&mut self, now: Time, peer: PeerId, waiting: bool) {
        let summaries = &mut self.summaries;
        let is_news = if waiting { summaries.waiting.insert(peer) } else { summaries.waiting.remove(&peer) };
        if !is_news {
            return;
        }
        let ids: Vec<_> = self.summaries.of(peer).filter(|(_, own)| !own.over).map(|(id, _)| id).collect();
        for id in ids {
            self.notify_summary(now, id);
        }
        self.tell_contacts(now, peer);
        self.settle(now);
    }

    /// Tells a telephone that has not subscribed at each of its contacts.
    pub(super) fn tell_contacts(&mut self, now: Time, peer: PeerId) {
        if self.peer(peer).is_none_or(|peer| peer.notices != Notices::Unsolicited) {
            return;
        }
        let bindings = self.bindings(now, peer).into_iter();
        let bindings: Vec<Binding> =
            bindings.filter(|binding| !self.summaries.covers(peer, binding)).cloned().collect();
        for binding in &bindings {
            self.notify_contact(now, peer, binding);
        }
    }

    fn notify_contact(&mut self, now: Time, peer: PeerId, binding: &Binding) {
        let Some(uri) = Uri::parse(&binding.contact).map(Uri::into_owned) else { return };
        let Some(own) = self.peer(peer).cloned() else { return };
        let local = self.local_host(&super::Peer { transport: binding.route.transport, ..own.clone() });
        let user = own.phone.as_ref().map(|phone| phone.user.clone()).unwrap_or_default();
        let account = SipUri::new(Some(&user), &local, None);
        let (tag, call_id) = (self.token(), self.token());
        let mut notify = Message::request(Method::Notify, uri);
        let header = &mut notify.header;
        header.push(Name::MaxForwards, "70");
        header.push(Name::From, format!("<{account}>;tag={tag}"));
        header.push(Name::To, format!("<{account}>"));
        header.push(Name::CallId, format!("{call_id}@{local}"));
        header.push(Name::CSeq, "1 NOTIFY");
        header.push(Name::Event, PACKAGE);
        header.push(Name::SubscriptionState, "terminated;reason=noresource");
        header.push(Name::Contact, self.contact(binding.route.transport, Secure::Sip));
        self.introduce(&mut notify);
        let notify = notify.with_body(BODY, self.summary(peer, &account.to_string()));
        let sent_by = self.sent_by(binding.route.transport);
        let client = self.transactions.request(now, binding.route, &sent_by, notify);
        self.by_client.insert(client, Purpose::Notice);
    }

    /// The body of RFC 3842 section 5.
    fn summary(&self, peer: PeerId, account: &str) -> Vec<u8> {
        let waits = if self.summaries.waiting.contains(&peer) { "yes" } else { "no" };
        format!("Messages-Waiting: {waits}\r\nMessage-Account: {account}\r\n").into_bytes()
    }

    /// A SUBSCRIBE, of whoever has proven to have sent it.
    pub(super) fn subscribe(
        &mut self,
        now: Time,
        server: ServerId,
        (peer, from): (Option<PeerId>, Route),
        request: &Message<'static>,
    ) {
        if !self.serves(now, server, &Method::Subscribe, request) {
            return;
        }
        let header = &request.header;
        let wanted = header.get(&Name::Event).and_then(event);
        let phone = peer.filter(|peer| self.peer(*peer).is_some_and(|peer| peer.phone.is_some()));
        let (Some(event), Some(peer)) = (wanted, phone) else {
            return self.refuse_with(now, server, Status::BAD_EVENT, (Name::AllowEvents, PACKAGE.to_owned()));
        };
        let mut accepted = header.list(&Name::Accept).peekable();
        if accepted.peek().is_some() && !accepted.any(takes) {
            return self.refuse_with(now, server, Status::NOT_ACCEPTABLE, (Name::Accept, BODY.to_owned()));
        }
        let limits = self.config.registrar.clone().unwrap_or_else(|| RegistrarConfig::new(""));
        let expires = header.get(&Name::Expires).map_or(LASTS, |text| number(trim(text)).unwrap_or(LASTS));
        if expires > 0 && expires < limits.min_expires {
            let least = (Name::MinExpires, limits.min_expires.to_string());
            return self.refuse_with(now, server, Status::INTERVAL_TOO_BRIEF, least);
        }
        let expires = expires.min(limits.max_expires);
        let subscribed = match header.to().and_then(|to| to.tag().map(str::to_owned)) {
            Some(tag) => self.subscribed_again((peer, &tag), from, request),
            None => self.subscribed((peer, event), server, from, request),
        };
        let id = match subscribed {
            Ok(id) => id,
            Err(status) => {
                self.transactions.respond_with(now, server, status);
                return;
            }
        };
        let reach = (from.transport, super::compose::wants_secure(request));
        if let Some(mut response) = self.dialog_response(server, Status::OK, reach) {
            response.header.push(Name::Expires, expires.to_string());
            self.transactions.respond(now, server, &response);
        }
        let until = now + strowger_sansio::Duration::from_secs(u64::from(expires));
        if let Some(own) = self.summaries.all.get_mut(&id) {
            (own.until, own.over) = (until, expires == 0);
        }
        self.summaries.changed.insert(peer);
        match expires {
            0 => {
                self.timers.cancel(&Timer::Summary(id));
            }
            _ => self.timers.set(Timer::Summary(id), until),
        }
        self.notify_summary(now, id);
    }

    /// A new subscription, which takes the place of an older one of the same telephone.
    fn subscribed(
        &mut self,
        (peer, event): (PeerId, String),
        server: ServerId,
        from: Route,
        request: &Message<'static>,
    ) -> Result<SummaryId, Status> {
        // Nobody is told of another's messages.
        let user = request.uri().and_then(Uri::as_sip).and_then(|uri| uri.user.as_deref());
        let user = user.and_then(unescape);
        let own = |peer: &super::Peer| {
            let names = [Some(&peer.name), peer.phone.as_ref().map(|phone| &phone.user)];
            user.as_ref().is_none_or(|user| names.into_iter().flatten().any(|name| name == user))
        };
        if !self.peer(peer).is_some_and(own) {
            return Err(Status::FORBIDDEN);
        }
        let tag = self.transactions.tag(server).unwrap_or_default().to_owned();
        let dialog = Dialog::of_request(request, &tag).ok_or(Status::BAD_REQUEST)?;
        let is_same = |old: &Subscription| match (old.dialog.target.as_sip(), dialog.target.as_sip()) {
            (Some(old), Some(new)) => old.is_equivalent(new),
            _ => false,
        };
        let mut gone: Vec<_> =
            self.summaries.of(peer).filter(|(_, old)| is_same(old)).map(|(id, _)| id).collect();
        if gone.is_empty() && self.summaries.of(peer).count() >= MOST {
            gone.extend(self.summaries.of(peer).min_by_key(|(_, own)| own.until).map(|(id, _)| id));
        }
        for id in gone {
            self.timers.cancel(&Timer::Summary(id));
            self.summaries.remove(id);
        }
        let (until, adrift, open, news, over) = (Time::ZERO, false, false, false, false);
        let new = Subscription { peer, dialog, route: from, event, until, adrift, open, news, over };
        // Tags are drawn so that no two are the same.
        self.summaries.insert(new).ok_or(Status::SERVER_INTERNAL_ERROR)
    }

    /// A SUBSCRIBE within a subscription: it lasts longer, or is ended.
    fn subscribed_again(
        &mut self,
        (peer, tag): (PeerId, &str),
        from: Route,
        request: &Message<'static>,
    ) -> Result<SummaryId, Status> {
        let call_id = request.header.call_id().unwrap_or_default();
        let id = self.summaries.by_dialog.get(&(call_id.to_owned(), tag.to_owned())).copied();
        let id = id.ok_or(Status::NO_SUCH_CALL)?;
        let known = self.summaries.all.get_mut(&id);
        let own = known.filter(|own| own.peer == peer && !own.over && own.dialog.has(request));
        let own = own.ok_or(Status::NO_SUCH_CALL)?;
        own.dialog.accept(request).map_err(|_| Status::SERVER_INTERNAL_ERROR)?;
        own.dialog.refresh(request);
        (own.route, own.adrift) = (from, false);
        Ok(id)
    }

    /// Tells how it is.
    pub(super) fn notify_summary(&mut self, now: Time, id: SummaryId) {
        let Some(own) = self.summaries.all.get_mut(&id) else { return };
        if own.adrift || std::mem::replace(&mut own.open, true) {
            own.news = true;
            return;
        }
        own.news = false;
        let (peer, route) = (own.peer, own.route);
        let mut notify = own.dialog.request(Method::Notify);
        let state = match own.over {
            true => "terminated;reason=timeout".to_owned(),
            false => format!("active;expires={}", own.until.since(now).as_secs()),
        };
        notify.header.push(Name::Event, own.event.clone());
        notify.header.push(Name::SubscriptionState, state);
        let local = own.dialog.local.clone();
        notify.header.push(Name::Contact, self.contact(route.transport, Secure::Sip));
        self.introduce(&mut notify);
        let account = Address::parse(&local).map(|own| own.uri.to_string()).unwrap_or_default();
        let notify = notify.with_body(BODY, self.summary(peer, &account));
        let to = self.next_hop(route, &notify);
        let sent_by = self.sent_by(to.transport);
        let client = self.transactions.request(now, to, &sent_by, notify);
        self.by_client.insert(client, Purpose::Summary(id));
    }

    /// A NOTIFY was answered, or nobody has. Who does not know the subscription any more, or is gone, has none (RFC 6665 section 4.2.2).
    pub(super) fn summary_answered(&mut self, now: Time, id: SummaryId, status: Option<Status>) {
        let Some(own) = self.summaries.all.get_mut(&id) else { return };
        own.open = false;
        let stays = status.is_some_and(|status| {
            status.is_success() || status.code() / 100 == 5 && status != Status::NOT_IMPLEMENTED
        });
        if own.adrift && status.is_none() {
            // It was lost with the connection.
            own.news = true;
            return;
        }
        let (news, over) = (own.news, own.over);
        if !stays || over && !news {
            self.timers.cancel(&Timer::Summary(id));
            self.summaries.remove(id);
        } else if news {
            self.notify_summary(now, id);
        }
    }

    /// The time of a subscription is over.
    pub(super) fn summary_due(&mut self, now: Time, id: SummaryId) {
        let Some(own) = self.summaries.all.get_mut(&id) else { return };
        own.over = true;
        if own.adrift {
            return self.summaries.remove(id);
        }
        self.summaries.changed.insert(own.peer);
        self.notify_summary(now, id);
    }
}

/// `Event` of the package, with its `id`; none when it is another package's.
fn event(value: &str) -> Option<String> {
    let mut parts = value.split(';').map(trim);
    if !parts.next()?.eq_ignore_ascii_case(PACKAGE) {
        return None;
    }
    let id = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        trim(name).eq_ignore_ascii_case("id").then(|| trim(value)).filter(|id| is_token(id))
    });
    Some(id.map_or_else(|| PACKAGE.to_owned(), |id| format!("{PACKAGE};id={id}")))
}

/// Whether a range of `Accept` takes the body.
fn takes(range: &str) -> bool {
    let range = trim(range.split(';').next().unwrap_or_default()).to_ascii_lowercase();
    matches!(range.as_str(), "*/*" | "application/*") || range == BODY
}
