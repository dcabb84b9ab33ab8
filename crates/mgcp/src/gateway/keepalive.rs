//! Empty notifications as a sign of life, and the change to the next call agent when nobody answers them.
//!
//! RFC 3435 has neither; gateways that speak `MGCP 0.1` do both (see [`Dialect::keepalive_notify`](crate::dialect::Dialect)): each
//! [`Keepalive::interval`] an NTFY without events from all endpoints (`*`) to the call agent that they obey. One that is not heard for
//! [`Keepalive::patience`] is taken for dead: it is told by RSIP `graceful`, should it still listen, that its endpoints leave, and the next of the configured
//! call agents by RSIP `restart` that they are its own.
//!
//! The agent that was given up is told all the same that the gateway lives. When it answers again, the endpoints return to it in the same way, as soon as
//! [`Keepalive::switchback`] lets them: those that are still where they went by themselves, for who has been given another agent by an order stays there.

use std::collections::{BTreeMap, BTreeSet};

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
    /// When endpoints return to a call agent that has been silent.
    pub switchback: Switchback,
}

/// When the endpoints that a silent call agent has lost to another one return to it. These gateways also know a time of day, which an engine without a wall
/// clock does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switchback {
    /// When it answers, and none of them has a connection.
    Graceful,
    /// When it answers.
    Immediate,
    /// When it has answered for so long.
    UptimeDelay(Duration),
    /// When it is told to by the other one (521, or a notified entity).
    Never,
}

/// Where an endpoint is that a silent call agent has lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Away {
    /// The call agent that it left.
    home: PeerId,
    /// The one that it went to.
    host: PeerId,
    left: Time,
}

impl Default for Keepalive {
    /// 15 and 30 s, and no call that is cut off: those of the gateways that have this, by their documentation.
    fn default() -> Self {
        let (interval, patience) = (Duration::from_secs(15), Duration::from_secs(30));
        Self { interval, patience, switchback: Switchback::Graceful }
    }
}

impl Gateway {
    /// Begins to give signs of life, where the dialect has them.
    pub(super) fn begin_keepalive(&mut self, now: Time) {
        if self.dialect.keepalive_notify {
            for agent in &mut self.agents {
                (agent.heard, agent.heard_since) = (now, now);
            }
            self.timers.set(TimerKey::Keepalive, now + self.durations.keepalive.interval);
        }
    }

    /// A call agent has spoken.
    pub(super) fn heard(&mut self, now: Time, peer: PeerId) {
        let patience = self.durations.keepalive.patience;
        for agent in self.agents.iter_mut().filter(|agent| agent.peer == peer) {
            if now.since(agent.heard) >= patience {
                agent.heard_since = now;
            }
            agent.heard = now;
        }
    }

    /// The next signs of life are due.
    pub(super) fn keep_alive(&mut self, now: Time) {
        let Keepalive { interval, patience, .. } = self.durations.keepalive;
        self.timers.set(TimerKey::Keepalive, now + interval);
        self.switch_back(now);
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
        for index in &members {
            let away = self.away.entry(*index).or_insert(Away { home: dead, host: next, left: now });
            away.host = next;
        }
        self.away.retain(|_, away| away.home != away.host);
        self.heard(now, next);
        self.counters.switch_overs += 1;
        self.hand_over(now, &members, next);
    }

    /// Endpoints leave their call agent, which is told, and obey another one, for which they restart.
    fn hand_over(&mut self, now: Time, members: &BTreeSet<EndpointIndex>, to: PeerId) {
        let Some(entity) = self.entity_of(to) else { return };
        self.announce_farewell(now, members, Notice::new(RestartMethod::Graceful));
        for index in members {
            self.leave_procedure(now, *index);
            if let Some(endpoint) = self.endpoint_mut(*index) {
                endpoint.set_entity(entity.clone());
            }
            self.follow_entity(now, *index);
        }
        self.restart_at_once(now, members);
    }

    /// Call agents that have lost endpoints get them back if they live again, and are asked whether they do if not.
    fn switch_back(&mut self, now: Time) {
        if self.durations.keepalive.switchback == Switchback::Never {
            return;
        }
        let Self { away, endpoints, .. } = self;
        away.retain(|index, away| {
            let endpoint = endpoints.get(index.0 as usize);
            endpoint.is_some_and(|endpoint| endpoint.peer() == Some(away.host) && endpoint.service.is_in())
        });
        let mut homes: BTreeMap<PeerId, (Time, BTreeSet<EndpointIndex>)> = BTreeMap::new();
        for (index, away) in away.iter() {
            let (left, members) = homes.entry(away.home).or_insert((away.left, BTreeSet::new()));
            *left = (*left).max(away.left);
            members.insert(*index);
        }
        for (home, (left, members)) in homes {
            if self.may_return(now, home, left, &members) {
                self.away.retain(|index, _| !members.contains(index));
                self.counters.switch_backs += 1;
                self.hand_over(now, &members, home);
            } else {
                self.send_keepalive(now, home);
            }
        }
    }

    fn may_return(&self, now: Time, home: PeerId, left: Time, members: &BTreeSet<EndpointIndex>) -> bool {
        let Keepalive { patience, switchback, .. } = self.durations.keepalive;
        let Some(agent) = self.agents.iter().find(|agent| agent.peer == home) else { return false };
        if agent.heard <= left || now.since(agent.heard) >= patience {
            return false;
        }
        match switchback {
            Switchback::Graceful => members
                .iter()
                .all(|index| self.endpoint(*index).is_none_or(|endpoint| endpoint.connections.is_empty())),
            Switchback::Immediate => true,
            Switchback::UptimeDelay(delay) => now.since(agent.heard_since) >= delay,
            Switchback::Never => false,
        }
    }
}
