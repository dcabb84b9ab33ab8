//! Commands that the media below have not finished: RFC 3435 sections 3.5.6 and 4.4.4.
//!
//! A plane may need time for what it is asked: to settle a connection, or to fetch what a signal plays. The command then waits here, with
//! what it has had opened. A provisional response announces it, with what is known already, unless it ends before that is due. When nothing
//! is missing any more the command is read again, for the endpoint may have changed meanwhile, and carried out as if it had just come.
//!
//! A command that waits can be overtaken: what may do that stands in `verb::overtake`. It has then changed nothing.

use std::collections::BTreeSet;

use strowger_sansio::Time;

use super::connection::Change;
use super::media::{ConnectionHandle, EndpointIndex, MediaFault, MediaPlane, Progress};
use super::prepare::Prepared;
use super::reach::TimerKey;
use super::refusal::{Refusal, refuse};
use super::verb::{Done, Halves, Modification, Origin, Targets};
use super::{Gateway, GatewayEvent};
use crate::message::{Command, Message, ReturnCode, SignalBuf, TransactionId, Verb};
use crate::text;
use crate::transaction::{PeerId, Token};

/// A pending command: who sent it, and its identifier there.
pub(super) type Key = (PeerId, TransactionId);

/// What a command waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    /// A connection that settles.
    Connection(ConnectionHandle),
    /// What a signal of an endpoint plays.
    Signal(EndpointIndex, String),
}

/// What a command has done so far.
#[derive(Debug)]
pub(super) enum Work {
    /// CRCX: the connections are open, and not yet their endpoints'.
    Create(Box<Halves>),
    /// MDCX: the plane may have been told.
    Modify(Box<Modification>),
    /// RQNT or EPCF: nothing.
    Request,
}

/// A command that cannot end yet, as the verbs leave it.
#[derive(Debug)]
pub(super) struct Suspended {
    pub(super) work: Work,
    pub(super) waits: BTreeSet<Wait>,
    /// The provisional response.
    pub(super) provisional: Vec<u8>,
}

/// A command that is under way.
#[derive(Debug)]
pub(super) struct Pending {
    token: Token,
    origin: Origin,
    /// The command, to be read again.
    command: Vec<u8>,
    pub(super) verb: Verb,
    pub(super) targets: Targets,
    pub(super) facets: Facets,
    pub(super) work: Work,
    waits: BTreeSet<Wait>,
    provisional: Vec<u8>,
}

/// What a command carries of which an endpoint should have one outstanding only, encapsulated or not (section 4.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facets {
    request: bool,
    configuration: bool,
}

impl Facets {
    pub(super) fn of(command: &Command<'_>) -> Self {
        Self {
            request: command.request_id().is_some(),
            configuration: command.verb == Verb::Epcf || command.bearer().is_some(),
        }
    }

    /// Whether both have the same.
    pub(super) fn meet(self, other: Self) -> bool {
        (self.request && other.request) || (self.configuration && other.configuration)
    }
}

impl Pending {
    /// The handles of the connections that it makes or changes.
    fn handles(&self) -> Vec<ConnectionHandle> {
        match &self.work {
            Work::Create(halves) => halves.each().map(|(_, half)| half.handle).collect(),
            Work::Modify(modification) => vec![modification.new.handle],
            Work::Request => Vec::new(),
        }
    }

    /// How many connections it makes on an endpoint.
    fn makes(&self, index: EndpointIndex) -> usize {
        match &self.work {
            Work::Create(halves) => halves.each().filter(|(at, _)| *at == index).count(),
            Work::Modify(_) | Work::Request => 0,
        }
    }

    /// Whether it does anything on an endpoint.
    pub(super) fn concerns(&self, index: EndpointIndex) -> bool {
        self.targets.endpoints.contains(&index) || self.makes(index) > 0
    }
}

/// Adds what the signals of a request wait for.
pub(super) fn fetch(
    now: Time,
    index: EndpointIndex,
    prepared: &Prepared,
    plane: &mut dyn MediaPlane,
    waits: &mut BTreeSet<Wait>,
) {
    let embedded = prepared.request.requested.iter().filter_map(|entry| entry.embedded.as_ref());
    let later = embedded.flat_map(|embedded| &embedded.signals);
    let requests = prepared.request.signals.iter().chain(later);
    for request in requests.flat_map(|request| std::iter::once(request).chain(&request.steps)) {
        if plane.fetch(now, index, &request.signal) == Progress::UnderWay {
            waits.insert(Wait::Signal(index, request.signal.to_string()));
        }
    }
}

impl Gateway {
    /// Keeps a command until the plane is done, and sees to it that the call agent knows.
    pub(super) fn suspend(
        &mut self,
        origin: Origin,
        token: Token,
        command: &Command<'_>,
        targets: Targets,
        suspended: Suspended,
    ) {
        let key = (token.peer(), token.transaction_id());
        let Suspended { work, waits, provisional } = suspended;
        let lead = self.lead(origin.now, command.verb, ReturnCode::IN_PROGRESS, &targets.endpoints);
        let mut announced = lead;
        if !announced.is_empty() {
            announced.extend_from_slice(b".\r\n");
        }
        announced.extend_from_slice(&provisional);
        // A repetition is answered at once, whatever the timer says.
        self.transactions.prepare_provisional(&token, announced.clone());
        let mut bytes = Vec::new();
        text::encode(&Message::Command(*command), &mut bytes);
        let facets = Facets::of(command);
        self.timers
            .set(TimerKey::Provisional(key.0, key.1), origin.now + self.durations.protocol.provisional);
        self.counters.pending += 1;
        let pending = Pending {
            token,
            origin,
            command: bytes,
            verb: command.verb,
            targets,
            facets,
            work,
            waits,
            provisional: announced,
        };
        self.pending.insert(key, pending);
    }

    /// A command takes longer than its sender should wait without a word.
    pub(super) fn announce_pending(&mut self, key: Key) {
        if let Some(pending) = self.pending.get(&key) {
            self.transactions.provisional(&pending.token, pending.provisional.clone());
        }
    }

    /// Something that commands may wait for is there, or will not come.
    pub(super) fn settled(
        &mut self,
        now: Time,
        wait: &Wait,
        fault: Option<MediaFault>,
        plane: &mut dyn MediaPlane,
    ) {
        if let (Wait::Connection(handle), None) = (wait, fault)
            && plane.progress(*handle) == Progress::UnderWay
        {
            // Word of something that it was asked before the last.
            return;
        }
        let waiting = self.pending.iter().filter(|(_, pending)| pending.waits.contains(wait));
        let keys: Vec<Key> = waiting.map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(fault) = fault {
                let text = "the media plane cannot do this with the connection";
                self.fail(now, key, &refuse(fault.return_code(), text), plane);
                continue;
            }
            let Some(pending) = self.pending.get_mut(&key) else { continue };
            pending.waits.remove(wait);
            if pending.waits.is_empty() {
                self.conclude(now, key, plane);
            }
        }
    }

    /// Carries out a command that has all it needs.
    fn conclude(&mut self, now: Time, key: Key, plane: &mut dyn MediaPlane) {
        let Some(pending) = self.take_pending(key) else { return };
        let Pending { token, origin, command: bytes, verb, targets, work, .. } = pending;
        let origin = Origin { now, ..origin };
        let limits = self.codec;
        let result = match text::decode(&bytes, &limits) {
            Ok(Message::Command(command)) => self.finish(origin, &command, &targets, work, plane),
            // It was read once, so it can be read again.
            _ => {
                self.undo(now, work, plane);
                Err(refuse(ReturnCode::TRANSIENT, "the command cannot be read again"))
            }
        };
        self.part(now, plane);
        let (code, response) = self.outcome(key.1, result, targets.endpoints.first().copied());
        self.reply(origin, token, verb, &targets.endpoints, code, response);
    }

    fn finish(
        &mut self,
        origin: Origin,
        command: &Command<'_>,
        targets: &Targets,
        work: Work,
        plane: &mut dyn MediaPlane,
    ) -> Result<Done, Refusal> {
        match work {
            Work::Create(halves) => self.finish_late_creation(origin, command, targets, *halves, plane),
            Work::Modify(modification) => {
                self.finish_late_modification(origin, command, targets, *modification, plane)
            }
            Work::Request => self.finish_request(origin, command, targets, plane),
        }
    }

    /// Ends a pending command without success; what it has had done is undone.
    pub(super) fn fail(&mut self, now: Time, key: Key, refusal: &Refusal, plane: &mut dyn MediaPlane) {
        let Some(pending) = self.take_pending(key) else { return };
        let Pending { token, origin, verb, targets, work, .. } = pending;
        self.undo(now, work, plane);
        let first = targets.endpoints.first().copied();
        let (code, response) = self.outcome(key.1, Err(*refusal), first);
        self.reply(Origin { now, ..origin }, token, verb, &targets.endpoints, code, response);
    }

    /// Aborts a pending command (407).
    pub(super) fn abort_pending(&mut self, now: Time, key: Key, plane: &mut dyn MediaPlane) {
        self.counters.aborted += 1;
        self.fail(now, key, &aborted(), plane);
    }

    /// Aborts a pending command that has a connection in hand.
    pub(super) fn abort_on(&mut self, now: Time, handle: ConnectionHandle, plane: &mut dyn MediaPlane) {
        let holds = |pending: &Pending| pending.handles().contains(&handle);
        for key in self.pending_keys(holds) {
            self.abort_pending(now, key, plane);
        }
    }

    /// Aborts what is pending on an endpoint that leaves service or is reset.
    pub(super) fn abort_at(&mut self, now: Time, index: EndpointIndex, plane: &mut dyn MediaPlane) {
        for key in self.pending_keys(|pending| pending.concerns(index)) {
            self.abort_pending(now, key, plane);
        }
    }

    /// Aborts a creation, and gives its connections to their endpoints all the same, because the command that aborts it deletes them.
    pub(super) fn abort_for_deletion(
        &mut self,
        now: Time,
        key: Key,
        plane: &mut dyn MediaPlane,
    ) -> Vec<(EndpointIndex, ConnectionHandle)> {
        if !self.pending.get(&key).is_some_and(|pending| matches!(pending.work, Work::Create(_))) {
            self.abort_pending(now, key, plane);
            return Vec::new();
        }
        let Some(pending) = self.take_pending(key) else { return Vec::new() };
        let Pending { token, origin, verb, targets, work, .. } = pending;
        let origin = Origin { now, ..origin };
        self.counters.aborted += 1;
        let mut given = Vec::new();
        if let Work::Create(halves) = work {
            given.extend(halves.each().map(|(index, half)| (index, half.handle)));
            self.add_halves(origin, targets.naming, *halves, plane);
        }
        let (code, response) = self.outcome(key.1, Err(aborted()), targets.endpoints.first().copied());
        self.reply(origin, token, verb, &targets.endpoints, code, response);
        given
    }

    /// A command has executed too long, and was answered so: its response can no longer be sent.
    pub(super) fn abandon(&mut self, now: Time, key: Key, plane: &mut dyn MediaPlane) {
        if let Some(pending) = self.take_pending(key) {
            self.counters.refused += 1;
            let from = pending.origin.from;
            let (verb, code) = (pending.verb, ReturnCode::TRANSACTION_TIMEOUT);
            self.note(GatewayEvent::Refused { from, verb, code });
            self.undo(now, pending.work, plane);
        }
    }

    /// Takes back what a command has had done.
    pub(super) fn undo(&mut self, now: Time, work: Work, plane: &mut dyn MediaPlane) {
        match work {
            Work::Create(halves) => {
                halves.close(now, plane);
                for (index, _) in halves.each() {
                    self.note_free(index);
                }
            }
            Work::Modify(modification) => {
                let Modification { index, new, moved } = *modification;
                let Some(endpoint) = self.endpoint_mut(index) else { return };
                let known = endpoint.connections.iter_mut().find(|known| known.handle == new.handle);
                if let Some(old) = known {
                    old.change = Change::None;
                    if moved {
                        // It ran like this a moment ago, so it can again.
                        let _ = plane.modify(now, old.handle, &old.spec);
                    }
                }
            }
            Work::Request => {}
        }
    }

    fn take_pending(&mut self, key: Key) -> Option<Pending> {
        self.timers.cancel(&TimerKey::Provisional(key.0, key.1));
        self.pending.remove(&key)
    }

    /// The pending commands that are meant, in the order of their identifiers.
    pub(super) fn pending_keys(&self, is_meant: impl Fn(&Pending) -> bool) -> Vec<Key> {
        self.pending.iter().filter(|(_, pending)| is_meant(pending)).map(|(key, _)| *key).collect()
    }

    /// Connections that pending commands make on an endpoint.
    pub(super) fn pending_connections(&self, index: EndpointIndex) -> usize {
        self.pending.values().map(|pending| pending.makes(index)).sum()
    }

    /// Connections that are open and not yet their endpoints'.
    pub(super) fn unfinished_connections(&self) -> usize {
        let open = |pending: &Pending| match &pending.work {
            Work::Create(halves) => halves.each().count(),
            Work::Modify(_) | Work::Request => 0,
        };
        self.pending.values().map(open).sum()
    }

    /// What a plane fetched for a signal is there, or will not come.
    pub(super) fn fetched(
        &mut self,
        now: Time,
        index: EndpointIndex,
        signal: &SignalBuf,
        plane: &mut dyn MediaPlane,
    ) {
        self.settled(now, &Wait::Signal(index, signal.to_string()), None, plane);
    }
}

fn aborted() -> Refusal {
    refuse(ReturnCode::ABORTED, "another command or event has overtaken this one")
}
