//! Empty notifications as a sign of life, and the change to the next call agent when nobody answers them.
//!
//! RFC 3435 has neither; gateways that speak `MGCP 0.1` do both (see [`Dialect::keepalive_notify`](crate::dialect::Dialect)): each
//! [`Keepalive::interval`] an NTFY without events from all endpoints (`*`) to the call agent that they obey. One that is not heard for
//! [`Keepalive::patience`] is taken for dead: it is told by RSIP `graceful`, should it still listen, that its endpoints leave, and the next of the configured
//! call agents by RSIP `restart` that they are its own.
//!
//! Limits: endpoints do not return by themselves to an agent that comes back; it redirects them if it wants them (521).

use std::collections::BTreeSet;

use strowger_sansio::{Duration, Time};

use super::courtesy::Notice;
use super::endpoint::{Association, Endpoint};
use super::media::EndpointIndex;
use super::reach::TimerKey;
use super::{Gateway, Tag};
use crate::message::{EndpointNameBuf, ParameterCode, RequestIdBuf, RestartMethod, TransactionId, Verb};
use crate::text::CommandBuilder;
use crate::transaction::PeerId;

/// When call agents are given a sign of life, and taken for dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Between two empty notifications.
    pub interval: Duration,
    /// How long a call agent may be silent.
    pub patience: Duration,
}

impl Default for Keepalive {
    /// 15 and 30 s: those of the gateways that have this, by their documentation.
    fn default() -> Self {
        Self { interval: Duration::from_secs(15), patience: Duration::from_secs(30) }
    }
}

impl Gateway {
    /// Begins to give signs of life, where the dialect has them.
    pub(super) fn begin_keepalive(&mut self, now: Time) {
        if self.dialect.keepalive_notify {
            for agent in &mut self.agents {
                agent.heard = now;
            }
            self.timers.set(TimerKey::Keepalive, now + self.durations.keepalive.interval);
        }
    }

    /// A call agent has spoken.
    pub(super) fn heard(&mut self, now: Time, peer: PeerId) {
        for agent in self.agents.iter_mut().filter(|agent| agent.peer == peer) {
            agent.heard = now;
        }
    }

    /// The next signs of life are due.
    pub(super) fn keep_alive(&mut self, now: Time) {
        let Keepalive { interval, patience } = self.durations.keepalive;
        self.timers.set(TimerKey::Keepalive, now + interval);
        let mut obeyed: Vec<PeerId> = self.endpoints.iter().filter_map(Endpoint::peer).collect();
        obeyed.sort_unstable();
        obeyed.dedup();
        for peer in obeyed {
            let known = |e: &Endpoint| e.peer() == Some(peer) && e.association == Association::Known;
            let is_known = self.endpoints.iter().any(known);
            if !is_known && !self.has_tried(peer) {
                // Nothing may come before the announcement of the restart (RFC 3435 section 4.4.6): the clock does not run yet.
                self.heard(now, peer);
                continue;
            }
            let heard = self.agents.iter().find(|agent| agent.peer == peer).map(|agent| agent.heard);
            if heard.is_some_and(|heard| now.since(heard) >= patience) {
                self.switch_over(now, peer);
            } else if is_known {
                self.send_keepalive(now, peer);
            }
        }
    }

    fn send_keepalive(&mut self, now: Time, peer: PeerId) {
        let all = self.domains.first().and_then(|domain| EndpointNameBuf::from_parts("*", domain));
        let (Some(all), Some(none)) = (all, RequestIdBuf::parse("0")) else { return };
        let dialect = self.dialect;
        let build = |transaction: TransactionId| {
            let command = CommandBuilder::new(Verb::Ntfy, transaction, &all, &dialect).request_id(&none);
            command.clone().parameter(ParameterCode::ObservedEvents, "").unwrap_or(command).finish()
        };
        self.transactions.send(now, peer, build, Tag::Keepalive);
    }

    /// A call agent is taken for dead: its endpoints obey the next one. Where there is no other, it goes on being told that the
    /// gateway lives.
    fn switch_over(&mut self, now: Time, dead: PeerId) {
        let place = self.agents.iter().position(|agent| agent.peer == dead);
        let others =
            self.agents.iter().cycle().skip(place.map_or(0, |place| place + 1)).take(self.agents.len());
        let Some(next) = others.into_iter().find(|agent| agent.peer != dead).map(|agent| agent.peer) else {
            return self.send_keepalive(now, dead);
        };
        let members = |e: &&Endpoint| e.peer() == Some(dead) && e.service.is_in();
        let members: BTreeSet<EndpointIndex> =
            self.endpoints.iter().filter(members).map(|e| e.index).collect();
        self.announce_farewell(now, &members, Notice::new(RestartMethod::Graceful));
        let Some(entity) = self.entity_of(next) else { return };
        self.heard(now, next);
        for index in &members {
            self.leave_procedure(now, *index);
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.set_entity(entity.clone());
            }
            self.follow_entity(now, *index);
        }
        self.counters.switch_overs += 1;
        self.restart_at_once(now, &members);
    }
}
