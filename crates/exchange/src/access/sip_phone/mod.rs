//! SIP telephones: lines whose telephones register (RFC 3261 section 10), behind the user agent that the trunks use.
//!
//! ```text
//!   Seize -> Seized   Alert -> INVITE to each contact   180 -> Alerting   200 -> Answered, CANCEL to the others   Released: all have refused
//!   INVITE -> a call of its line, with what was dialled   re-INVITE: on hold -> Held, Retrieved   BYE -> Released
//! ```
//!
//! It is told of waiting messages as it has subscribed to (RFC 3842), how the call rings (`Alert-Info`), and who sent it on.
//!
//! A telephone that is registered nowhere cannot be had: cause 20. What it dials is what its subscriber dials: numbers and
//! feature codes go the way that those of any line go. It may have two calls at a time and one that waits.
//!
//! The rooms: this file (which telephones there are, and where), `ring` (how one is called at all its contacts).

mod ring;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use strowger_sansio::Time;
use strowger_sdp::{AddressPolicy, Hosts};
use strowger_sip::agent::{Credentials, Peer, PeerId, Referrals, SessionId};
use strowger_sip::registrar::{Binding, Quality};

use super::Report;
use super::sip_trunk::{SipTrunks, socket_of};
use crate::line::SIP;
use crate::{
    Contact, Inventory, LegId, LineCalls, LineCommand, LineCondition, LineEvent, LineId, LineView, Record,
    Registration, ServiceChange, ServiceState, Subject, Subscriptions, Termination,
};
pub(super) use ring::Search;

/// One telephone.
#[derive(Debug)]
struct Phone {
    line: LineId,
    number: String,
    user: String,
    service: ServiceState,
    contacts: Vec<Contact>,
}

/// All telephones that register. To the user agent they are the peers behind those of the trunks.
#[derive(Debug)]
pub(super) struct Phones {
    first: u32,
    list: Vec<Phone>,
    by_line: BTreeMap<LineId, usize>,
    /// The legs of each.
    legs: BTreeSet<(PeerId, LegId)>,
}

impl Phones {
    pub(super) fn new(inventory: &Inventory) -> Self {
        let lines = inventory.lines.iter().zip(0..);
        let list = lines.filter_map(|(entry, line)| {
            let user = entry.phone()?.user.clone();
            let (line, number) = (LineId(line), entry.number.clone());
            Some(Phone { line, number, user, service: ServiceState::Unreachable, contacts: Vec::new() })
        });
        let list: Vec<_> = list.collect();
        let by_line = list.iter().enumerate().map(|(at, phone)| (phone.line, at)).collect();
        let first = u32::try_from(inventory.trunks.len()).unwrap_or(u32::MAX);
        Self { first, list, by_line, legs: BTreeSet::new() }
    }

    /// They as the user agent knows them, in the same order.
    pub(super) fn peers(inventory: &Inventory) -> impl Iterator<Item = Peer> {
        inventory.lines.iter().filter_map(|line| {
            let entry = line.phone()?;
            let user = Credentials { user: entry.user.clone(), password: entry.password.clone() };
            let mut peer = Peer::phone(&line.number, user);
            let hosts =
                if entry.media.is_empty() { Hosts::Peer } else { Hosts::PeerAnd(entry.media.clone()) };
            peer.media = AddressPolicy { hosts };
            peer.notices = entry.notices;
            (peer.keys, peer.referrals) = (entry.keys, Referrals::Accepted);
            Some(peer)
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn at(&self, peer: PeerId) -> Option<usize> {
        let at = usize::try_from(peer.0.checked_sub(self.first)?).ok()?;
        (at < self.list.len()).then_some(at)
    }

    fn of(&self, line: LineId) -> Option<&Phone> {
        self.list.get(*self.by_line.get(&line)?)
    }

    /// Whether a peer is a telephone.
    pub(super) fn has(&self, peer: PeerId) -> bool {
        self.at(peer).is_some()
    }

    /// Whether a line's telephone is one of these.
    pub(super) fn serve(&self, line: LineId) -> bool {
        self.by_line.contains_key(&line)
    }

    /// The line of a telephone.
    pub(super) fn line(&self, peer: PeerId) -> Option<LineId> {
        Some(self.list.get(self.at(peer)?)?.line)
    }

    /// The telephone of a line, which has one.
    pub(super) fn peer(&self, line: LineId) -> PeerId {
        let at = self.by_line.get(&line).and_then(|at| u32::try_from(*at).ok()).unwrap_or(u32::MAX);
        PeerId(self.first.saturating_add(at))
    }

    /// The number of a line, which has one.
    pub(super) fn number(&self, line: LineId) -> String {
        self.of(line).map(|phone| phone.number.clone()).unwrap_or_default()
    }

    /// A telephone has this leg from now on.
    pub(super) fn begin(&mut self, peer: PeerId, leg: LegId) {
        if self.has(peer) {
            self.legs.insert((peer, leg));
        }
    }

    /// A leg is over.
    pub(super) fn end(&mut self, peer: PeerId, leg: LegId) {
        self.legs.remove(&(peer, leg));
    }

    /// The legs that a telephone has.
    pub(super) fn legs_of(&self, peer: PeerId) -> impl Iterator<Item = LegId> {
        self.legs.range((peer, LegId(0))..=(peer, LegId(u64::MAX))).map(|(_, leg)| *leg)
    }

    pub(super) fn termination(&self, line: LineId, session: SessionId) -> Termination {
        let endpoint = self.of(line).map(|phone| phone.user.clone()).unwrap_or_default();
        Termination { gateway: SIP.to_owned(), endpoint, connection: session.0.to_string() }
    }

    /// A telephone is elsewhere, or for another time.
    pub(super) fn moved(
        &mut self,
        now: Time,
        peer: PeerId,
        bindings: Vec<&Binding>,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(phone) = self.at(peer).and_then(|at| self.list.get_mut(at)) else { return };
        phone.contacts = bindings.into_iter().map(contact).collect();
        let contacts = phone.contacts.clone();
        let (line, user) = (phone.number.clone(), phone.user.clone());
        let registration = Registration { at: now, line, user, contacts };
        reports.push_back(Report::Record(Record::Registration(registration)));
        phone.set_service(now, reports);
    }

    /// The lines whose telephones are somewhere.
    pub(super) fn in_service(&self) -> impl Iterator<Item = LineId> {
        let there = self.list.iter().filter(|phone| phone.service == ServiceState::InService);
        there.map(|phone| phone.line)
    }

    /// They, as others see them. `is_open`: whether a leg has not ended.
    pub(super) fn views(&self, is_open: impl Fn(LegId) -> bool) -> impl Iterator<Item = (LineId, LineView)> {
        self.list.iter().map(move |phone| {
            let mut legs = self.legs_of(self.peer(phone.line));
            let condition = if legs.any(&is_open) { LineCondition::InCall } else { LineCondition::Idle };
            let view = LineView {
                number: phone.number.clone(),
                service: phone.service,
                condition,
                // The switch knows them.
                calls: LineCalls::default(),
                contacts: Some(phone.contacts.clone()),
            };
            (phone.line, view)
        })
    }
}

impl Phone {
    fn set_service(&mut self, now: Time, reports: &mut VecDeque<Report>) {
        let registered = !self.contacts.is_empty();
        let to = if registered { ServiceState::InService } else { ServiceState::Unreachable };
        let from = std::mem::replace(&mut self.service, to);
        if from == to {
            return;
        }
        let change = ServiceChange { at: now, subject: Subject::Line(self.number.clone()), from, to };
        reports.push_back(Report::Record(Record::Service(change)));
        if registered {
            reports.push_back(Report::Line(self.line, LineEvent::Serves));
        }
    }
}

impl SipTrunks {
    /// A word to a telephone that belongs to no call.
    pub(super) fn line_command(&mut self, now: Time, line: LineId, command: LineCommand) {
        match command {
            LineCommand::MessageWaiting(on) => {
                let peer = self.phones.peer(line);
                self.agent.tell_messages(now, peer, on);
            }
            // It cannot be rung without being called.
            LineCommand::Remind => {}
        }
    }

    /// What a telephone has subscribed to is to be kept.
    pub(in crate::access) fn subscribed(&mut self, now: Time, peer: PeerId, reports: &mut VecDeque<Report>) {
        let Some(phone) = self.phones.at(peer).and_then(|at| self.phones.list.get(at)) else { return };
        let (line, user) = (phone.number.clone(), phone.user.clone());
        let kept = Subscriptions { at: now, line, user, all: self.agent.subscriptions(peer) };
        reports.push_back(Report::Record(Record::Subscriptions(kept)));
    }

    /// Goes on with what a telephone had subscribed to before a restart. What nobody can go on with is ended.
    pub(super) fn restore_subscriptions(
        &mut self,
        now: Time,
        kept: &Subscriptions,
        reports: &mut VecDeque<Report>,
    ) {
        let is_its = |phone: &&Phone| phone.number == kept.line && phone.user == kept.user;
        let peer = self.phones.list.iter().find(is_its).map(|phone| self.phones.peer(phone.line));
        for one in &kept.all {
            match peer {
                Some(peer) => {
                    self.agent.restore_subscription(now, peer, one);
                }
                None => self.agent.end_subscription(now, one),
            }
        }
        if peer.is_none() {
            let none = Subscriptions { at: now, all: Vec::new(), ..kept.clone() };
            reports.push_back(Report::Record(Record::Subscriptions(none)));
        }
    }

    /// Puts the contacts back that a telephone had before a restart.
    pub(super) fn restore_contacts(
        &mut self,
        now: Time,
        registration: &Registration,
        reports: &mut VecDeque<Report>,
    ) {
        let is_its = |phone: &&Phone| phone.number == registration.line && phone.user == registration.user;
        let Some(phone) = self.phones.list.iter().find(is_its) else { return };
        let (line, peer) = (phone.line, self.phones.peer(phone.line));
        // Connections have ended with the exchange that had them; who came by one will come again.
        let stands = |contact: &&Contact| !contact.transport.is_reliable();
        for contact in registration.contacts.iter().filter(stands).filter_map(binding) {
            self.agent.restore_binding(now, peer, contact);
        }
        let contacts: Vec<_> = self.agent.bindings(now, peer).into_iter().map(contact).collect();
        let Some(phone) = self.phones.by_line.get(&line).and_then(|at| self.phones.list.get_mut(*at)) else {
            return;
        };
        if !registration.contacts.is_empty() && contacts.len() != registration.contacts.len() {
            // What was kept says otherwise.
            phone.service = ServiceState::InService;
            let bindings = self.agent.bindings(now, peer);
            return self.phones.moved(now, peer, bindings, reports);
        }
        phone.contacts = contacts;
        phone.set_service(now, reports);
    }
}

fn contact(binding: &Binding) -> Contact {
    Contact {
        uri: binding.contact.clone(),
        quality: binding.quality.thousandths(),
        call_id: binding.call_id.clone(),
        cseq: binding.cseq,
        expires: binding.expires,
        transport: binding.route.transport,
        address: binding.route.address,
    }
}

fn binding(contact: &Contact) -> Option<Binding> {
    let Contact { transport, address, .. } = *contact;
    Some(Binding {
        contact: contact.uri.clone(),
        quality: Quality::of(contact.quality)?,
        call_id: contact.call_id.clone(),
        cseq: contact.cseq,
        expires: contact.expires,
        route: strowger_sip::Route { transport, socket: socket_of(transport), address },
        // Flows are connections, which end with the exchange that had them.
        flow: None,
    })
}
