//! RSIPs that nothing waits for: `graceful`, `cancel-graceful`, `forced`, and a `restart` that is still to come (RFC 3435 section 2.3.12).
//!
//! They are a courtesy, since service changes whether the call agent hears of it or not; but what it answers counts.

use std::collections::BTreeSet;

use strowger_sansio::Time;

use super::media::EndpointIndex;
use super::verb::Origin;
use super::{Gateway, Tag};
use crate::message::{
    EndpointNameBuf, Reason, ReasonCode, Response, RestartMethod, ReturnCode, TransactionId, Verb,
};
use crate::text::CommandBuilder;
use crate::transaction::PeerId;

/// What a courtesy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    method: RestartMethod<'static>,
    delay: Option<u64>,
    reason: Option<ReasonCode>,
    course: Course,
}

/// Whether a courtesy goes to the agent that it was meant for first. A second redirection is not followed: two agents that point at each
/// other would never end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    First,
    Redirected,
}

/// A courtesy without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Courtesy {
    peer: PeerId,
    name: String,
    endpoints: BTreeSet<EndpointIndex>,
    notice: Notice,
}

impl Notice {
    pub(super) const fn new(method: RestartMethod<'static>) -> Self {
        Self { method, delay: None, reason: None, course: Course::First }
    }

    /// With this many seconds until then.
    pub(super) const fn after(mut self, seconds: u64) -> Self {
        self.delay = Some(seconds);
        self
    }

    /// With a reason.
    pub(super) const fn because(mut self, reason: ReasonCode) -> Self {
        self.reason = Some(reason);
        self
    }
}

impl Gateway {
    /// Tells each call agent about its endpoints.
    pub(super) fn announce(&mut self, now: Time, endpoints: &BTreeSet<EndpointIndex>, notice: Notice) {
        for (peer, members) in self.by_agent(endpoints) {
            for name in self.directory.cover(&members, self.ranges_of(peer)) {
                let endpoints =
                    self.directory.all(&name).into_iter().filter(|index| members.contains(index)).collect();
                self.send_courtesy(now, Courtesy { peer, name, endpoints, notice });
            }
        }
    }

    /// As `announce`, to a call agent whose answer changes nothing any more.
    pub(super) fn announce_farewell(
        &mut self,
        now: Time,
        endpoints: &BTreeSet<EndpointIndex>,
        notice: Notice,
    ) {
        let before: BTreeSet<_> = self.courtesies.keys().copied().collect();
        self.announce(now, endpoints, notice);
        self.courtesies.retain(|id, _| before.contains(id));
    }

    fn send_courtesy(&mut self, now: Time, courtesy: Courtesy) {
        let domain = self.domains.first().map_or("", String::as_str);
        let Some(name) = EndpointNameBuf::from_parts(&courtesy.name, domain) else { return };
        let (dialect, Notice { method, delay, reason, .. }) = (self.dialect, courtesy.notice);
        let build = |transaction: TransactionId| {
            let mut command =
                CommandBuilder::new(Verb::Rsip, transaction, &name, &dialect).restart_method(method);
            if let Some(delay) = delay {
                command = command.restart_delay(u32::try_from(delay).unwrap_or(u32::MAX));
            }
            if let Some(reason) = reason {
                command = command.reason(Reason::of(reason));
            }
            command.finish()
        };
        let id = self.transactions.send(now, courtesy.peer, build, Tag::Courtesy);
        self.courtesies.insert(id, courtesy);
        self.counters.restarts += 1;
    }

    /// A courtesy was answered: the answer may name another call agent, or say that a range was not understood.
    pub(super) fn courtesy_answered(&mut self, origin: Origin, response: &Response<'_>) {
        let Some(courtesy) = self.courtesies.remove(&response.transaction_id) else { return };
        let endpoints: Vec<_> = courtesy.endpoints.iter().copied().collect();
        let named = self.apply_entities(origin, &endpoints, response);
        let code = response.code.fold_unknown();
        let Notice { course, .. } = courtesy.notice;
        if self.refuses_range(courtesy.peer, &courtesy.name, code) {
            self.announce(origin.now, &courtesy.endpoints, courtesy.notice);
        } else if code == ReturnCode::REDIRECTED && named && course == Course::First {
            let notice = Notice { course: Course::Redirected, ..courtesy.notice };
            self.announce(origin.now, &courtesy.endpoints, notice);
        }
    }

    /// A courtesy found no answer: endpoints that are still in service have lost their call agent (section 4.4.7).
    pub(super) fn courtesy_unanswered(&mut self, now: Time, id: TransactionId) {
        let Some(courtesy) = self.courtesies.remove(&id) else { return };
        for index in courtesy.endpoints {
            if self.endpoint(index).is_some_and(|endpoint| endpoint.service.is_in()) {
                self.disconnected(now, index);
            }
        }
    }
}
