//! The signals of an endpoint: on-off, time-out and brief ones (RFC 3435 sections 2.1.7 and 2.3.3).
//!
//! A list of signals is applied in two steps, so that a request that fails leaves no trace: [`Signals::begin`] starts what is new
//! and can fail, [`Signals::commit`] or [`Signals::abort`] follows. In between, nothing of what was active has been touched.

use std::collections::VecDeque;

use strowger_sansio::Duration;

use super::active::{Active, Next};
use super::event::{Occurrence, Place};
use super::media::{ConnectionHandle, EndpointIndex, MediaFault, SignalOutcome, SignalTarget};
use super::reach::{Reach, TimerKey};
use crate::message::SignalBuf;
use crate::package::HookState;

/// How a requested signal behaves, with what its parameters say about that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Time-out: until stopped, or for this long (none is for ever).
    TimeOut(Option<Duration>),
    /// On-off, to be turned on.
    On,
    /// On-off, to be turned off.
    Off,
    /// Brief: to its own end, after at most this long.
    Brief(Duration),
}

/// A signal that was asked for and found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignalRequest {
    /// As it goes to the media plane; the package is always named and `$` replaced.
    pub(super) signal: SignalBuf,
    /// The package, as the tables spell it.
    pub(super) package: &'static str,
    /// The code, as the tables spell it.
    pub(super) code: &'static str,
    /// The feature key that it is for: each has its own state and label (RFC 3149 section 2.1).
    pub(super) key: Option<u32>,
    /// Where it is applied.
    pub(super) place: Place,
    /// As audits show it.
    pub(super) wire: String,
    /// How it behaves.
    pub(super) course: Course,
    /// The state of the hook that it needs, when it is applied to the endpoint.
    pub(super) hook: Option<HookState>,
    /// The signals of a signal list (RFC 3660 section 2.8), which are given one after the other; none of other signals.
    pub(super) steps: Vec<SignalRequest>,
}

impl SignalRequest {
    /// Whether both are the same signal at the same place, whatever their parameters.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.package == other.package
            && self.code == other.code
            && self.key == other.key
            && self.place == other.place
    }

    /// Whether asking for `other` changes nothing: a feature key can be asked for another state or label.
    fn is_on_as(&self, other: &Self) -> bool {
        self.repeats(other) && (self.key.is_none() || self.signal == other.signal)
    }

    /// The event that tells of its end: `oc` or `of` of its own package, with its name and without its parameters.
    fn outcome(
        &self,
        event: &'static str,
        target: SignalTarget,
        connections: &[(ConnectionHandle, String)],
    ) -> Occurrence {
        let mut name = format!("{}/{}", self.package, self.code);
        if let SignalTarget::Connection(_, handle) = target
            && let Some((_, id)) = connections.iter().find(|(known, _)| *known == handle)
        {
            name.push('@');
            name.push_str(id);
        }
        Occurrence::new(self.package, event).with(name)
    }
}

/// What the plane tells of a signal that has ended.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) outcome: SignalOutcome,
    pub(super) parameters: Vec<String>,
}

/// What [`Signals::begin`] has started.
#[derive(Debug)]
#[must_use = "what was begun must be committed or aborted"]
pub(super) struct Begun {
    timed: Vec<Active>,
    on: Vec<Active>,
    brief: Vec<Active>,
    waiting: VecDeque<SignalRequest>,
    /// The whole new list: time-out signals that are not in it stop.
    list: Vec<SignalRequest>,
}

/// The signals of one endpoint and its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signals {
    timed: Vec<Active>,
    on: Vec<Active>,
    brief: Vec<Active>,
    waiting: VecDeque<SignalRequest>,
    numbers: u32,
}

impl Signals {
    /// Whether none is applied, and none waits to be.
    pub(super) fn is_idle(&self) -> bool {
        self.timed.is_empty() && self.on.is_empty() && self.brief.is_empty() && self.waiting.is_empty()
    }

    /// Starts those signals of a new list that are not active yet.
    ///
    /// `ready` are the connections that signals for all connections apply to: those with a remote description.
    pub(super) fn begin(
        &mut self,
        endpoint: EndpointIndex,
        list: &[SignalRequest],
        ready: &[ConnectionHandle],
        reach: &mut Reach<'_>,
    ) -> Result<Begun, MediaFault> {
        let mut begun = Begun {
            timed: Vec::new(),
            on: Vec::new(),
            brief: Vec::new(),
            waiting: VecDeque::new(),
            list: list.to_vec(),
        };
        // A brief one that has to wait is started when the list has been answered for: whether it can be given is asked before.
        let brief = list.iter().filter(|request| matches!(request.course, Course::Brief(_)));
        let may_wait = !self.brief.is_empty() || brief.clone().count() > 1;
        if may_wait && brief.clone().any(|request| !reach.plane.gives(endpoint, &request.signal)) {
            return Err(MediaFault::Signal);
        }
        for request in list {
            let targets = targets(endpoint, &request.place, ready);
            let known = match request.course {
                Course::TimeOut(_) => self.timed.iter().any(|active| active.request.repeats(request)),
                Course::On => self.on.iter().any(|active| active.request.is_on_as(request)),
                Course::Off => true,
                Course::Brief(_) => false,
            };
            if known {
                continue;
            }
            let busy = |active: &Active| active.targets.iter().any(|target| targets.contains(target));
            if matches!(request.course, Course::Brief(_))
                && (self.brief.iter().any(busy) || begun.brief.iter().any(busy))
            {
                begun.waiting.push_back(request.clone());
                continue;
            }
            match self.start(request, targets, reach) {
                Ok(active) => match request.course {
                    Course::TimeOut(_) => begun.timed.push(active),
                    Course::Brief(_) => begun.brief.push(active),
                    Course::On | Course::Off => begun.on.push(active),
                },
                Err(fault) => {
                    self.abort(begun, reach);
                    return Err(fault);
                }
            }
        }
        Ok(begun)
    }

    /// Undoes what [`Self::begin`] did.
    pub(super) fn abort(&mut self, begun: Begun, reach: &mut Reach<'_>) {
        let Begun { timed, on, brief, .. } = begun;
        for active in timed.into_iter().chain(on).chain(brief) {
            active.stop(reach);
            self.numbers = self.numbers.wrapping_sub(1);
        }
    }

    /// Puts a new list in force: time-out signals that are not in it stop, waiting brief ones are forgotten.
    pub(super) fn commit(&mut self, endpoint: EndpointIndex, begun: Begun, reach: &mut Reach<'_>) {
        let Begun { timed, on, brief, waiting, list } = begun;
        let listed = |active: &Active| list.iter().any(|request| request.repeats(&active.request));
        let (stay, stop): (Vec<_>, Vec<_>) = self.timed.drain(..).partition(listed);
        self.timed = stay;
        for active in stop {
            self.brief.extend(active.give_up(endpoint, reach));
        }
        let off: Vec<_> = list.iter().filter(|request| request.course == Course::Off).collect();
        self.on.retain(|active| {
            let replaced = on.iter().any(|newer| newer.request.repeats(&active.request));
            let stays = !replaced && !off.iter().any(|request| request.repeats(&active.request));
            if !stays {
                active.stop(reach);
            }
            stays
        });
        for active in timed.iter().chain(&brief) {
            active.arm(endpoint, reach);
        }
        reach.counters.signals_started += (timed.len() + on.len() + brief.len()) as u64;
        self.timed.extend(timed);
        self.on.extend(on);
        self.brief.extend(brief);
        self.waiting = waiting;
        self.waiting.truncate(reach.limits.pending_brief_signals);
    }

    /// The subscriber has done the opposite of an on-off signal of the endpoint, which is so turned off.
    pub(super) fn negated(&mut self, package: &str, code: &str) {
        self.on.retain(|active| active.request.package != package || active.request.code != code);
    }

    fn start(
        &mut self,
        request: &SignalRequest,
        targets: Vec<SignalTarget>,
        reach: &mut Reach<'_>,
    ) -> Result<Active, MediaFault> {
        for (done, target) in targets.iter().enumerate() {
            let first = request.steps.first().unwrap_or(request);
            if let Err(fault) = reach.plane.start_signal(reach.now, *target, &first.signal) {
                for started in targets.iter().take(done) {
                    reach.plane.stop_signal(reach.now, *started, &first.signal);
                }
                return Err(fault);
            }
        }
        self.numbers = self.numbers.wrapping_add(1);
        Ok(Active { number: self.numbers, request: request.clone(), targets, step: 0 })
    }

    /// A requested event occurred: time-out signals stop and brief ones that wait are forgotten.
    pub(super) fn stop_for_event(&mut self, endpoint: EndpointIndex, reach: &mut Reach<'_>) {
        self.waiting.clear();
        for active in self.timed.drain(..) {
            self.brief.extend(active.give_up(endpoint, reach));
        }
    }

    /// Stops everything: the endpoint leaves service.
    pub(super) fn stop_all(&mut self, endpoint: EndpointIndex, reach: &mut Reach<'_>) {
        self.stop_for_event(endpoint, reach);
        for active in self.on.drain(..).chain(self.brief.drain(..)) {
            active.stop(reach);
            reach.timers.cancel(&TimerKey::Signal(endpoint, active.number));
        }
    }

    /// The time of a signal is over. Gives the `oc` events of a time-out signal.
    pub(super) fn expire(
        &mut self,
        endpoint: EndpointIndex,
        number: u32,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) -> Vec<Occurrence> {
        if let Some(place) = self.timed.iter().position(|active| active.number == number) {
            if let Some(active) = self.timed.get(place) {
                active.stop(reach);
            }
            return self.step_over(endpoint, place, connections, reach);
        }
        if let Some(place) = self.brief.iter().position(|active| active.number == number) {
            let active = self.brief.remove(place);
            active.stop(reach);
            self.next_brief(endpoint, connections, reach);
        }
        Vec::new()
    }

    /// A time-out signal has been given to its end, or one of the signals of a list: the next one follows. Gives the events that tell of the
    /// end of all.
    fn step_over(
        &mut self,
        endpoint: EndpointIndex,
        place: usize,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) -> Vec<Occurrence> {
        let Some(active) = self.timed.get_mut(place) else { return Vec::new() };
        let event = match active.advance(endpoint, reach) {
            Next::Begun => return Vec::new(),
            Next::Over => "oc",
            Next::Failed => "of",
        };
        let active = self.timed.remove(place);
        active.targets.iter().map(|target| active.request.outcome(event, *target, connections)).collect()
    }

    /// The plane says that a brief signal has come to its own end. Gives the events that tell of the end of its list.
    pub(super) fn ended(
        &mut self,
        endpoint: EndpointIndex,
        target: SignalTarget,
        signal: &SignalBuf,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) -> Vec<Occurrence> {
        let ended = |active: &Active| active.is_giving(target, signal);
        if let Some(place) = self.brief.iter().position(ended) {
            let active = self.brief.remove(place);
            reach.timers.cancel(&TimerKey::Signal(endpoint, active.number));
            self.next_brief(endpoint, connections, reach);
            return Vec::new();
        }
        let listed = |active: &Active| active.is_brief_step() && ended(active);
        match self.timed.iter().position(listed) {
            Some(place) => {
                // How long it may take at most is not of interest any more, only the next one's time.
                reach.timers.cancel(&TimerKey::Signal(
                    endpoint,
                    self.timed.get(place).map_or(0, |active| active.number),
                ));
                self.step_over(endpoint, place, connections, reach)
            }
            None => Vec::new(),
        }
    }

    /// The plane says that a signal cannot go on. Gives the `of` event of a time-out signal.
    pub(super) fn failed(
        &mut self,
        endpoint: EndpointIndex,
        target: SignalTarget,
        signal: &SignalBuf,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) -> Option<Occurrence> {
        let failed = |active: &Active| active.is_giving(target, signal);
        let place = self.timed.iter().position(failed);
        if place.is_none() {
            self.ended(endpoint, target, signal, connections, reach);
        }
        self.on.retain(|active| !failed(active));
        let place = place?;
        let active = self.timed.get_mut(place)?;
        let outcome = active.request.outcome("of", target, connections);
        active.targets.retain(|other| *other != target);
        if active.targets.is_empty() {
            reach.timers.cancel(&TimerKey::Signal(endpoint, active.number));
            self.timed.remove(place);
        }
        Some(outcome)
    }

    /// The plane says that a signal has come to its end, and what came of it. Gives the event that tells.
    pub(super) fn reported(
        &mut self,
        endpoint: EndpointIndex,
        target: SignalTarget,
        signal: &SignalBuf,
        report: Report,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) -> Option<Occurrence> {
        let event = match report.outcome {
            SignalOutcome::Complete => "oc",
            SignalOutcome::Failed => "of",
        };
        // An operation of an audio server that AU/es ends is told of even though the new list no longer has it.
        let server = signal.name().package().is_some_and(|package| package.eq_ignore_ascii_case("AU"));
        let place = self.timed.iter().position(|active| active.is_giving(target, signal));
        if let Some(place) = place
            && report.outcome == SignalOutcome::Complete
            && self.timed.get(place).is_some_and(|active| !active.request.steps.is_empty())
        {
            return self.step_over(endpoint, place, connections, reach).pop();
        }
        let mut outcome = None;
        if let Some(place) = place
            && let Some(active) = self.timed.get_mut(place)
        {
            outcome = Some(active.request.outcome(event, target, connections));
            active.targets.retain(|other| *other != target);
            if active.targets.is_empty() {
                reach.timers.cancel(&TimerKey::Signal(endpoint, active.number));
                self.timed.remove(place);
            }
        }
        if server && outcome.as_ref().is_none_or(|outcome| outcome.package == "AU") {
            return Some(Occurrence { parameters: report.parameters, ..Occurrence::new("AU", event) });
        }
        let mut outcome = outcome?;
        outcome.parameters.extend(report.parameters);
        Some(outcome)
    }

    /// Starts the brief signals whose turn has come.
    fn next_brief(
        &mut self,
        endpoint: EndpointIndex,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) {
        let ready: Vec<_> = connections.iter().map(|(handle, _)| *handle).collect();
        let mut still_waiting = VecDeque::new();
        while let Some(request) = self.waiting.pop_front() {
            let targets = targets(endpoint, &request.place, &ready);
            let busy = |active: &Active| active.targets.iter().any(|target| targets.contains(target));
            let behind = still_waiting.iter().any(|other: &SignalRequest| other.place == request.place);
            if behind || self.brief.iter().any(busy) {
                still_waiting.push_back(request);
            } else if let Ok(active) = self.start(&request, targets, reach) {
                active.arm(endpoint, reach);
                reach.counters.signals_started += 1;
                self.brief.push(active);
            }
        }
        self.waiting = still_waiting;
    }

    /// A connection can now carry signals: those for all connections begin on it too. Gives the `of` events of those that cannot.
    pub(super) fn connection_ready(
        &mut self,
        target: SignalTarget,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) -> Vec<Occurrence> {
        let mut failures = Vec::new();
        for active in self.timed.iter_mut().chain(self.on.iter_mut()) {
            if active.request.place != Place::AnyConnection || active.targets.contains(&target) {
                continue;
            }
            match reach.plane.start_signal(reach.now, target, &active.request.signal) {
                Ok(()) => active.targets.push(target),
                Err(_) => failures.push(active.request.outcome("of", target, connections)),
            }
        }
        failures
    }

    /// A connection is about to go: its signals stop. Gives the `of` events of its time-out signals (section 2.1.7).
    pub(super) fn connection_gone(
        &mut self,
        target: SignalTarget,
        connections: &[(ConnectionHandle, String)],
        reach: &mut Reach<'_>,
    ) -> Vec<Occurrence> {
        let mut failures = Vec::new();
        let gone = Place::Connection(match target {
            SignalTarget::Connection(_, handle) => handle,
            SignalTarget::Endpoint(_) => return failures,
        });
        self.waiting.retain(|request| request.place != gone);
        for active in self.timed.iter_mut().chain(self.on.iter_mut()).chain(self.brief.iter_mut()) {
            if !active.targets.contains(&target) {
                continue;
            }
            reach.plane.stop_signal(reach.now, target, &active.giving().signal);
            active.targets.retain(|other| *other != target);
            if matches!(active.request.course, Course::TimeOut(_)) {
                failures.push(active.request.outcome("of", target, connections));
            }
        }
        let endpoint = target.endpoint();
        for list in [&mut self.timed, &mut self.on, &mut self.brief] {
            list.retain(|active| {
                let stays = !active.targets.is_empty() || active.request.place == Place::AnyConnection;
                if !stays {
                    reach.timers.cancel(&TimerKey::Signal(endpoint, active.number));
                }
                stays
            });
        }
        failures
    }

    /// Whether a time-out or on-off signal is active on the endpoint itself.
    pub(super) fn sounds_on_endpoint(&self) -> bool {
        self.timed.iter().chain(&self.on).any(|active| active.request.place == Place::Endpoint)
    }

    /// What an audit shows: active time-out signals, on-off signals that are on, brief signals that wait (section 2.3.10).
    pub(super) fn audit(&self) -> String {
        let active = self.timed.iter().chain(&self.on).map(|active| active.request.wire.as_str());
        let wires: Vec<_> = active.chain(self.waiting.iter().map(|request| request.wire.as_str())).collect();
        wires.join(", ")
    }
}

fn targets(endpoint: EndpointIndex, place: &Place, ready: &[ConnectionHandle]) -> Vec<SignalTarget> {
    match place {
        Place::Endpoint => vec![SignalTarget::Endpoint(endpoint)],
        Place::Connection(handle) => vec![SignalTarget::Connection(endpoint, *handle)],
        Place::AnyConnection => {
            ready.iter().map(|handle| SignalTarget::Connection(endpoint, *handle)).collect()
        }
    }
}
