//! How a telephone is called: at all its contacts, those that it prefers first (RFC 3261 sections 10.2.1.2 and 16.6).
//!
//! Contacts of the same preference ring together. The first that answers has the call, and the others stop ringing. When
//! all have refused, those of the next preference are tried; in the end the best of the refusals is what the caller hears of
//! (section 16.7).

use std::collections::{BTreeMap, VecDeque};

use strowger_sansio::Time;
use strowger_sip::agent::{Caller, Invitation, PeerId, SessionId};
use strowger_sip::message::Status;
use strowger_sip::registrar::Binding;

use super::super::Report;
use super::super::sip_trunk::{Leg, SipTrunks, told};
use crate::{CallingParty, Cause, LegEvent, LegId, LineId, Ring, Sdp};

/// A telephone that is looked for.
#[derive(Debug)]
pub(in crate::access) struct Search {
    invitation: Invitation,
    /// Sessions at contacts that have not refused, and of which telephone each is where that has said so.
    ringing: Vec<SessionId>,
    instances: BTreeMap<SessionId, String>,
    /// Contacts that are tried behind those, by preference.
    next: VecDeque<Vec<String>>,
    /// The best refusal so far.
    best: Option<Refusal>,
}

/// A refusal, and what it is worth: the smaller of two is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    rank: u16,
    cause: Cause,
}

impl Refusal {
    /// Section 16.7, step 6: one for all contacts before any other, then the lowest class; of a class, what says that somebody is
    /// there before what does not.
    fn new(cause: Cause, status: Option<Status>) -> Self {
        let code = status.map_or(500, Status::code);
        let rank = match code {
            600.. => 0,
            486 => 1,
            401 | 407 | 415 | 420 | 484 | 488 => 2,
            408 | 480 | 404 | 410 => 4,
            400..500 => 3,
            _ => 5,
        };
        Self { rank, cause }
    }

    fn better(self, other: Option<Self>) -> Self {
        other.filter(|other| other.rank <= self.rank).unwrap_or(self)
    }
}

/// Who has taken a call elsewhere is told so (Q.850): non-selected user clearing.
const TAKEN: Cause = Cause::NON_SELECTED_USER_CLEARING;

impl SipTrunks {
    /// Keeps a telephone for a call, if it is somewhere and free; behind the call that it is in, if the call may wait.
    pub(in crate::access) fn reserve(
        &mut self,
        id: LegId,
        line: LineId,
        waits: bool,
        reports: &mut VecDeque<Report>,
    ) {
        let peer = self.phones.peer(line);
        let absent = self.phones.of(line).is_none_or(|phone| phone.contacts.is_empty());
        let cause = if absent {
            Cause::SUBSCRIBER_ABSENT
        } else if !waits && self.is_in_call(peer) {
            Cause::USER_BUSY
        } else {
            let leg = Leg::outgoing(peer, self.phones.termination(line, SessionId(0)));
            self.phones.begin(peer, id);
            self.legs.insert(id, leg);
            return reports.push_back(Report::Leg(id, LegEvent::Seized));
        };
        reports.push_back(Report::Leg(id, LegEvent::Released { cause }));
        reports.push_back(Report::Leg(id, LegEvent::Cleared { statistics: None }));
    }

    /// Whether a telephone has a call.
    fn is_in_call(&self, peer: PeerId) -> bool {
        self.phones.legs_of(peer).any(|leg| self.is_open(leg))
    }

    /// Whether a leg has not ended.
    pub(in crate::access) fn is_open(&self, leg: LegId) -> bool {
        self.legs.get(&leg).is_some_and(|leg| !leg.ended)
    }

    /// Calls a telephone.
    pub(in crate::access) fn ring(
        &mut self,
        now: Time,
        id: LegId,
        calling: &CallingParty,
        remote: Sdp,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let called = self.phones.line(leg.peer).map(|line| self.phones.number(line)).unwrap_or_default();
        let caller =
            Caller { user: calling.number.clone(), name: calling.name.clone(), withheld: calling.withheld };
        let (peer, offer) = (leg.peer, remote.bytes().to_vec());
        let (history, diversions) = (calling.history.clone(), told(&calling.diversions));
        // By the others a line rings as usual, unless its gateway was provisioned otherwise (RFC 3660 section 2.4).
        let ring = match calling.ring {
            Ring::Pattern(number @ 1..=5) => Some(number),
            Ring::Pattern(_) | Ring::Normal => None,
        };
        let invitation = Invitation { peer, called, caller, offer, history, diversions, ring };
        leg.described = Some(remote);
        let mut next: VecDeque<(u16, Vec<String>)> = VecDeque::new();
        let bindings = self.agent.bindings(now, peer);
        let instance = |binding: &Binding| binding.flow.as_ref().map(|flow| flow.instance.clone());
        let is_last = |binding: &&Binding| {
            let same = bindings.iter().filter(|other| instance(other) == instance(binding));
            let last = same.max_by_key(|other| other.expires);
            binding.flow.is_none() || last.is_some_and(|last| std::ptr::eq(*last, *binding))
        };
        // Of several flows of one telephone that is tried which was made or refreshed last (RFC 5626 section 7).
        for binding in bindings.iter().copied().filter(is_last) {
            let (quality, contact) = (binding.quality.thousandths(), binding.contact.clone());
            match next.back_mut().filter(|(same, _)| *same == quality) {
                Some((_, group)) => group.push(contact),
                None => next.push_back((quality, vec![contact])),
            }
        }
        let next = next.into_iter().map(|(_, group)| group).collect();
        let (ringing, instances) = (Vec::new(), BTreeMap::new());
        leg.search = Some(Search { invitation, ringing, instances, next, best: None });
        self.search_on(now, id, reports);
    }

    /// Tries the next contacts; without any the telephone cannot be had.
    fn search_on(&mut self, now: Time, id: LegId, reports: &mut VecDeque<Report>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(search) = &mut leg.search else { return };
        while let Some(group) = search.next.pop_front() {
            for contact in group {
                // One that has gone in this very moment is not tried.
                let Ok(session) = self.agent.invite_contact(now, &search.invitation, &contact) else {
                    continue;
                };
                let bindings = self.agent.bindings(now, search.invitation.peer);
                let own = bindings.into_iter().filter(|binding| binding.contact == contact);
                let own = own.max_by_key(|binding| binding.expires).and_then(|own| own.flow.as_ref());
                search.instances.extend(own.map(|flow| (session, flow.instance.clone())));
                search.ringing.push(session);
                leg.open.push(session);
                self.sessions.insert(session, id);
            }
            if !search.ringing.is_empty() {
                return;
            }
        }
        let cause = search.best.map_or(Cause::SUBSCRIBER_ABSENT, |best| best.cause);
        self.fail(now, id, cause, reports);
    }

    /// One of the telephones that ring has refused, or could not be reached. Says whether this was one of them.
    pub(in crate::access) fn searches(
        &mut self,
        now: Time,
        session: SessionId,
        (cause, status): (Cause, Option<Status>),
        reports: &mut VecDeque<Report>,
    ) -> bool {
        let Some(id) = self.sessions.get(&session).copied() else { return false };
        let Some(search) = self.legs.get_mut(&id).and_then(|leg| leg.search.as_mut()) else { return false };
        search.ringing.retain(|ringing| *ringing != session);
        // Its connection has ended, and nobody has come back by another.
        let is_gone = status == Some(Status::SERVICE_UNAVAILABLE)
            && self.agent.bindings(now, search.invitation.peer).is_empty();
        let (cause, status) = match is_gone {
            true => (Cause::SUBSCRIBER_ABSENT, Some(Status::TEMPORARILY_UNAVAILABLE)),
            false => (cause, status),
        };
        // The flow has failed, and the telephone has another: it was not asked yet (RFC 5626 section 5.3).
        let instance = search.instances.remove(&session);
        if status == Some(Status::SERVICE_UNAVAILABLE) {
            let bindings = self.agent.bindings(now, search.invitation.peer).into_iter();
            let of_it =
                |binding: &&Binding| binding.flow.as_ref().map(|flow| &flow.instance) == instance.as_ref();
            let other = bindings.filter(|_| instance.is_some()).filter(of_it).max_by_key(|own| own.expires);
            if let Some(other) = other {
                search.next.push_front(vec![other.contact.clone()]);
            }
        }
        let refusal = Refusal::new(cause, status);
        search.best = Some(refusal.better(search.best));
        if refusal.rank == 0 {
            // It is refused for all.
            search.next.clear();
            for other in std::mem::take(&mut search.ringing) {
                self.agent.end(now, other, cause.value());
            }
        }
        if search.ringing.is_empty() {
            self.search_on(now, id, reports);
        }
        true
    }

    /// One of the telephones that ring has answered: the others stop.
    pub(in crate::access) fn found(&mut self, now: Time, session: SessionId) {
        let Some(leg) = self.sessions.get(&session).and_then(|id| self.legs.get_mut(id)) else { return };
        let Some(search) = leg.search.take() else { return };
        leg.session = Some(session);
        leg.termination.connection = session.0.to_string();
        for other in search.ringing.into_iter().filter(|other| *other != session) {
            self.agent.end(now, other, TAKEN.value());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_refusals_the_one_is_told_that_says_most() {
        let refusal = |code, cause| Refusal::new(Cause::new(cause).unwrap(), Status::new(code));
        let best = |codes: &[(u16, u8)]| {
            let mut best = None;
            for (code, cause) in codes {
                best = Some(refusal(*code, *cause).better(best));
            }
            best.unwrap().cause.value()
        };
        assert_eq!(best(&[(408, 102), (486, 17), (503, 41)]), 17);
        assert_eq!(best(&[(486, 17), (603, 21)]), 21);
        assert_eq!(best(&[(480, 18), (404, 1)]), 18, "the first of two that say the same");
        assert_eq!(best(&[(503, 41), (480, 18)]), 18);
    }
}
