//! Transfers that a peer asks for (RFC 3515): who it talks to is sent to another of its own calls, or to a number that its calls may
//! go to.
//!
//! The peer's session stays until it has been told how that went, though its leg is out of the call. When nobody takes the party, the
//! switch looks for the channel of who has transferred it: the session that is still there has the party back.
//!
//! And those that a peer is asked for, when two of its own parties are to be joined.

use std::collections::VecDeque;
use std::sync::Arc;

use strowger_sansio::Time;
use strowger_sip::agent::{Referral, SessionId};
use strowger_sip::cause::{cause_of_status, status_of_cause};
use strowger_sip::message::{Status, Uri};

use super::leg::Leg;
use super::{Report, SipTrunks};
use crate::{CallId, Cause, Event, LegEvent, LegId, LineId, ReferTo, Referred, TrunkId};

impl SipTrunks {
    /// A peer sends who it talks to elsewhere.
    pub(super) fn referred(
        &mut self,
        now: Time,
        session: SessionId,
        referral: &Referral,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(id) = self.sessions.get(&session).copied() else {
            return self.agent.refuse_referral(now, session, Status::DECLINE);
        };
        if let Some(replaced) = &referral.replaces {
            let other = self.agent.session_to_replace(replaced).and_then(|other| self.sessions.get(&other));
            match other.copied().filter(|other| *other != id) {
                Some(other) => reports.push_back(Report::Referred(id, ReferTo::Leg(other))),
                // It would be called, and say so (RFC 3891 section 3).
                None if self.is_here(session, &referral.uri) => {
                    self.agent.accept_referral(now, session);
                    self.agent.tell_referral(now, session, Status::NO_SUCH_CALL);
                }
                None => self.agent.refuse_referral(now, session, Status::FORBIDDEN),
            }
            return;
        }
        match referral.uri.number().filter(|_| self.is_here(session, &referral.uri)) {
            Some(number) => reports.push_back(Report::Referred(id, ReferTo::Number(number))),
            None => self.agent.refuse_referral(now, session, Status::FORBIDDEN),
        }
    }

    /// Whether a URI is one of this exchange's users, or a number wherever it is.
    fn is_here(&self, session: SessionId, uri: &Uri<'_>) -> bool {
        let Some(sip) = uri.as_sip() else { return true };
        let config = self.agent.config();
        let own = |host: &str| config.locals.iter().any(|local| local.address.ip().to_string() == host);
        let trunk = self.sessions.get(&session).and_then(|id| self.legs.get(id)).map(|leg| leg.peer);
        let peer = trunk.and_then(|peer| config.peers.get(usize::try_from(peer.0).ok()?));
        let domain = peer.and_then(|peer| peer.domain.as_ref());
        own(sip.host.trim_matches(['[', ']']))
            || domain.is_some_and(|own| own.eq_ignore_ascii_case(&sip.host))
    }

    /// The switch has made a transfer: this call says how it goes.
    pub(in crate::access) fn transferred(&mut self, now: Time, leg: LegId, call: CallId, answered: bool) {
        let Some(session) = self.legs.get(&leg).and_then(|leg| leg.session) else { return };
        self.agent.accept_referral(now, session);
        if answered {
            self.agent.tell_referral(now, session, Status::OK);
        } else {
            self.transfers.insert(call, session);
        }
    }

    /// The switch makes no transfer.
    pub(in crate::access) fn not_transferred(&mut self, now: Time, leg: LegId, cause: Cause) {
        if let Some(session) = self.legs.get(&leg).and_then(|leg| leg.session) {
            self.agent.refuse_referral(now, session, status_of_cause(cause.value()));
        }
    }

    /// What the switch says of a call: a peer that has asked for it is told.
    pub(crate) fn call_event(&mut self, now: Time, event: &Event) {
        let (call, status) = match event {
            Event::Alerting { call } => (*call, Status::RINGING),
            Event::Answered { call } => (*call, Status::OK),
            Event::Ended { call, cause, .. } => (*call, status_of_cause(cause.value())),
            _ => return,
        };
        let Some(session) = self.transfers.get(&call).copied() else { return };
        if !status.is_provisional() {
            self.transfers.remove(&call);
        }
        self.agent.tell_referral(now, session, status);
    }

    /// A party is given back to who has transferred it by this channel: the session is still there, or there is nobody.
    pub(super) fn give_back(
        &mut self,
        id: LegId,
        (trunk, line, first): (TrunkId, LineId, u32),
        reports: &mut VecDeque<Report>,
    ) {
        let place = self.termination(trunk, line, first, SessionId(0));
        let is_on = |leg: &Leg| {
            leg.ended
                && (&leg.termination.gateway, &leg.termination.endpoint) == (&place.gateway, &place.endpoint)
        };
        let before = self.legs.iter().find(|(_, leg)| is_on(leg));
        let found = before.and_then(|(before, leg)| Some((*before, leg.session?)));
        let Some((before, session)) = found.filter(|(_, session)| self.agent.take_back(*session)) else {
            reports.push_back(Report::Leg(id, LegEvent::Released { cause: Cause::NETWORK_OUT_OF_ORDER }));
            reports.push_back(Report::Leg(id, LegEvent::Cleared { statistics: None }));
            return;
        };
        if let Some(mut leg) = self.legs.remove(&before) {
            leg.ended = false;
            self.legs.insert(id, leg);
        }
        self.sessions.insert(session, id);
        reports.push_back(Report::Leg(before, LegEvent::Cleared { statistics: None }));
        reports.push_back(Report::Leg(id, LegEvent::Seized));
        if let Some(kept) = self.agent.standing(session) {
            reports.push_back(Report::Leg(id, LegEvent::Signalled(Arc::new(kept))));
        }
    }

    /// Sends the REFERs that are due: those whose sessions wait for nothing else.
    pub(super) fn refer_on(&mut self, now: Time, reports: &mut VecDeque<Report>) {
        for id in self.referring.clone() {
            let Some(leg) = self.legs.get(&id).filter(|leg| !leg.ended) else {
                self.referring.remove(&id);
                continue;
            };
            let (Some(session), Some(to)) = (leg.session, leg.refer.clone()) else { continue };
            let other = match &to {
                ReferTo::Leg(other) => self.legs.get(other).and_then(|other| other.session),
                ReferTo::Number(_) => None,
            };
            if ![Some(session), other].into_iter().flatten().all(|own| self.agent.is_settled(own)) {
                continue;
            }
            let target = match &to {
                ReferTo::Leg(_) => other.and_then(|other| self.agent.target(other)),
                ReferTo::Number(number) => self.agent.uri_at(leg.peer, number),
            };
            self.referring.remove(&id);
            if !target.is_some_and(|target| self.agent.refer(now, session, &target, other)) {
                reports.push_back(Report::Leg(id, LegEvent::Referred(Referred::Refused)));
            }
        }
    }
}

/// What a leg says of what its peer has told of a transfer; nothing while that goes on.
pub(super) fn word(status: Status, accepted: bool) -> Option<LegEvent> {
    let word = match status {
        _ if status.is_provisional() => return None,
        _ if !accepted => Referred::Refused,
        _ if status.is_success() => Referred::Done,
        _ => {
            let cause = Cause::new(cause_of_status(status)).unwrap_or(Cause::NORMAL_UNSPECIFIED);
            Referred::Failed(cause)
        }
    };
    Some(LegEvent::Referred(word))
}
