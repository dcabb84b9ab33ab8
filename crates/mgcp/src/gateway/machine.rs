//! The event machine of an endpoint: RFC 3435 sections 2.3.3 and 4.4.1.
//!
//! Events that occur are looked up in the requested events and then in the persistent ones, and the actions found there are taken. A
//! notification puts the endpoint into the notification state, where events go to quarantine until the call agent has answered
//! (and, in step mode, made a new request).

use std::collections::VecDeque;
use std::sync::Arc;

use strowger_sansio::Duration;

use super::endpoint::{Association, Endpoint, Provisioned};
use super::event::{DIGITS, Occurrence, bit};
use super::reach::{Outbound, Purpose, Reach, TimerKey};
use super::request::{
    Audio, Detect, Embedded, Handling, NotificationRequest, Requested, SignalsOnEvent, find, glare,
};
use super::signals::{Begun, Signals};
use crate::digitmap::{DialString, DialSymbol, DigitMap, MatchState};
use crate::message::{
    ListedEvent, NotificationControl, Quarantine, QuarantineEvents, RequestId, RequestIdBuf, RequestedEvents,
    ReturnCode,
};
use crate::transaction::Bundling;

/// The states of RFC 3435 section 4.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Events are processed as they occur.
    Normal,
    /// A notification is not answered yet.
    Notification,
    /// It was answered, and step mode waits for a request.
    Lockstep,
}

/// What the event machine of one endpoint remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// X of the last request; "0" before the first (section 4.4.1).
    pub(super) request: RequestIdBuf,
    /// N of the last request.
    pub(super) entity: Option<String>,
    pub(super) requested: Vec<Requested>,
    /// Whether the plane looks for any of them (`wanted`).
    pub(super) watched: bool,
    /// Events that the endpoint's packages define as persistent: nothing takes them away (section 2.3.3).
    pub(super) always: Vec<Requested>,
    /// B/PR: those that the call agent, or who provisioned it, wants to be.
    pub(super) persistent: Vec<Requested>,
    pub(super) detect: Vec<Detect>,
    pub(super) quarantine: Quarantine,
    pub(super) digit_map: Option<Arc<DigitMap>>,
    /// Where the dial string stands in the map; none while it is empty.
    dialled: Option<DialString>,
    pub(super) observed: Vec<Occurrence>,
    waiting: VecDeque<Occurrence>,
    pub(super) phase: Phase,
    /// A request came while a notification was unanswered that the next one must not overtake: the answer ends the notification state for
    /// good, whatever the mode.
    renewed: bool,
    /// How many notifications were made.
    serial: u64,
    pub(super) signals: Signals,
    /// The digit that is being held.
    held: Option<char>,
}

impl Machine {
    /// An endpoint in its clean default state.
    pub(super) fn new(digit_map: Option<Arc<DigitMap>>, persistent: Vec<Requested>) -> Self {
        Self {
            request: RequestId::ZERO.to_buf(),
            entity: None,
            requested: Vec::new(),
            watched: false,
            always: Vec::new(),
            persistent,
            detect: Vec::new(),
            quarantine: Quarantine::default(),
            digit_map,
            dialled: None,
            observed: Vec::new(),
            waiting: VecDeque::new(),
            phase: Phase::Normal,
            renewed: false,
            serial: 0,
            signals: Signals::default(),
            held: None,
        }
    }

    /// The wire forms of the events in force, for audits.
    pub(super) fn observed_wire(&self) -> String {
        join(self.observed.iter().map(Occurrence::to_string))
    }

    /// R: the requested events, and the persistent ones of the packages (section 2.3.10). Those of B/PR are not among them (section B.2.1).
    pub(super) fn requested_wire(&self) -> String {
        let is_listed =
            |entry: &Requested| self.requested.iter().any(|other| other.pattern.repeats(&entry.pattern));
        let always = self.always.iter().filter(|entry| !is_listed(entry));
        join(self.requested.iter().chain(always).map(|entry| entry.wire.clone()))
    }

    /// B/PR.
    pub(super) fn persistent_wire(&self) -> String {
        join(self.persistent.iter().map(|entry| entry.wire.clone()))
    }

    /// T: the last list, and the persistent events, which are detected in quarantine too (section 2.3.10).
    pub(super) fn detected_wire(&self) -> String {
        let listed =
            |entry: &Requested| self.detect.iter().any(|other| other.pattern.repeats(&entry.pattern));
        let is_wanted =
            |entry: &Requested| self.persistent.iter().any(|other| other.pattern.repeats(&entry.pattern));
        let always = self.always.iter().filter(|entry| !is_wanted(entry));
        let persistent =
            self.persistent.iter().chain(always).filter(|entry| !listed(entry)).filter_map(|entry| {
                let event = RequestedEvents::parse(&entry.wire)?.iter().next()?;
                Some(ListedEvent { name: event.name, parameters: event.parameters }.to_string())
            });
        join(self.detect.iter().map(|entry| entry.wire.clone()).chain(persistent))
    }

    /// What to do with an event: as requested, else as a persistent event.
    fn action(&self, event: &Occurrence) -> Option<&Requested> {
        let persistent = || find(&self.persistent, event).or_else(|| find(&self.always, event));
        find(&self.requested, event).or_else(persistent)
    }

    /// Whether anything is done about an event.
    pub(super) fn takes(&self, event: &Occurrence) -> bool {
        self.action(event).is_some()
    }
}

impl Endpoint {
    /// An event occurs now.
    pub(super) fn occur(&mut self, event: Occurrence, reach: &mut Reach<'_>) {
        match self.machine.phase {
            Phase::Normal => self.process(event, reach),
            Phase::Notification | Phase::Lockstep => self.quarantine(event, reach),
        }
    }

    /// Keeps an event for later, if it is one that must be detected now.
    fn quarantine(&mut self, event: Occurrence, reach: &mut Reach<'_>) {
        let machine = &mut self.machine;
        let action = machine.action(&event).map(|entry| entry.signals);
        if action.is_none() && !machine.detect.iter().any(|entry| entry.pattern.matches(&event)) {
            return;
        }
        if action == Some(SignalsOnEvent::Stop) {
            machine.signals.stop_for_event(self.index, reach);
        }
        // One place is reserved for the event that tells of the overflow.
        let room = reach.limits.quarantined_events.saturating_sub(machine.waiting.len());
        match room {
            0 => reach.counters.events_lost += 1,
            1 => {
                reach.counters.events_lost += 1;
                machine.waiting.push_back(Occurrence::new("B", "qbo"));
            }
            _ => {
                reach.counters.events_quarantined += 1;
                machine.waiting.push_back(event);
            }
        }
    }

    /// Takes the actions that are in force for an event.
    fn process(&mut self, event: Occurrence, reach: &mut Reach<'_>) {
        let Some(entry) = self.machine.action(&event) else { return };
        let (handling, signals, audio) = (entry.handling, entry.signals, entry.audio);
        let embedded = entry.embedded.clone();
        if signals == SignalsOnEvent::Stop {
            self.machine.signals.stop_for_event(self.index, reach);
        }
        if is_digit(&event) {
            reach.timers.cancel(&TimerKey::Digit(self.index));
        }
        if audio == Audio::Swap {
            self.swap_audio(reach);
        }
        match handling {
            Handling::Ignore | Handling::Unreported => {}
            Handling::Accumulate => {
                if self.observe(event, reach) {
                    self.notify(reach);
                }
            }
            Handling::DigitMap => {
                let letter = event.letter();
                let full = self.observe(event, reach);
                if self.dial(letter, reach) || full {
                    self.notify(reach);
                }
            }
            Handling::Notify => {
                self.observe(event, reach);
                self.notify(reach);
            }
        }
        if let Some(embedded) = embedded {
            self.activate(&embedded, reach);
        }
    }

    /// Adds an event to those that the next notification reports. Says whether the list is now full and that is to be notified.
    fn observe(&mut self, event: Occurrence, reach: &mut Reach<'_>) -> bool {
        let full = Occurrence::new("B", "oef");
        let machine = &mut self.machine;
        let asked = machine.action(&full).map(|entry| entry.handling);
        let room = reach.limits.observed_events.saturating_sub(machine.observed.len());
        let reserved = usize::from(matches!(asked, Some(Handling::Notify | Handling::Accumulate)));
        if room > reserved {
            machine.observed.push(event);
            return false;
        }
        reach.counters.events_lost += 1;
        if room == 0 {
            return false;
        }
        machine.observed.push(full);
        asked == Some(Handling::Notify)
    }

    /// Adds a letter to the dial string. Says whether it now matches the map, or no longer can.
    fn dial(&mut self, letter: Option<char>, reach: &mut Reach<'_>) -> bool {
        let machine = &mut self.machine;
        let Some(map) = &machine.digit_map else { return true };
        let Some(symbol) = letter.and_then(DialSymbol::new) else { return true };
        let dialled = machine.dialled.get_or_insert_with(|| map.start());
        let MatchState::Partial { timer_completes } = map.feed(dialled, symbol) else { return true };
        let timed = machine.action(&timer_event()).is_some_and(|entry| entry.handling == Handling::DigitMap);
        if timed && symbol != DialSymbol::TIMER {
            let wait =
                if timer_completes { reach.durations.critical_dial } else { reach.durations.partial_dial };
            reach.timers.set(TimerKey::Digit(self.index), reach.now + wait);
        }
        false
    }

    /// Reports what was observed, and enters the notification state.
    fn notify(&mut self, reach: &mut Reach<'_>) {
        let machine = &mut self.machine;
        machine.serial += 1;
        machine.phase = Phase::Notification;
        reach.timers.cancel(&TimerKey::Digit(self.index));
        let events = machine.observed_wire();
        reach.counters.notifications += 1;
        reach.outbox.push_back(Outbound {
            endpoint: self.index,
            made: reach.now,
            purpose: Purpose::Notify {
                serial: machine.serial,
                request: machine.request.clone(),
                entity: machine.entity.clone(),
                events,
            },
        });
    }

    /// The call agent has answered a notification, or the notification is lost and the agent is back.
    pub(super) fn notification_over(&mut self, serial: u64, reach: &mut Reach<'_>) {
        if self.machine.phase != Phase::Notification || self.machine.serial != serial {
            return;
        }
        self.machine.observed.clear();
        self.machine.dialled = None;
        let renewed = std::mem::take(&mut self.machine.renewed);
        match self.machine.quarantine.notifications {
            NotificationControl::Step if !renewed => {
                self.machine.phase = Phase::Lockstep;
                self.time_lockstep(reach);
            }
            NotificationControl::Step | NotificationControl::Loop => {
                self.machine.phase = Phase::Normal;
                self.drain(reach);
            }
        }
    }

    /// A notification that nobody will answer any more ends with the contact to the call agent: one that was lost while the endpoint
    /// was disconnected, or that there was no room to keep (section 4.4.1).
    pub(super) fn give_up_lost_notification(&mut self, reach: &mut Reach<'_>) {
        let serial = self.machine.serial;
        if self.association == Association::Known && !self.is_pending(serial, reach) {
            self.notification_over(serial, reach);
        }
    }

    /// Begins to measure how long the endpoint has been in lockstep, if it is and the call agent wants to know (RFC 3992 section 2.1).
    pub(super) fn time_lockstep(&self, reach: &mut Reach<'_>) {
        let timer = TimerKey::Lockstep(self.index);
        if self.machine.phase == Phase::Lockstep && self.lockstep > 0 {
            reach.timers.set(timer, reach.now + Duration::from_secs(self.lockstep.into()));
        } else {
            reach.timers.cancel(&timer);
        }
    }

    /// The endpoint has been in lockstep for as long as the call agent allows: it is told, once for each notification.
    pub(super) fn lockstep_lasts(&self, reach: &mut Reach<'_>) {
        if self.machine.phase == Phase::Lockstep {
            let (endpoint, made) = (self.index, reach.now);
            reach.outbox.push_back(Outbound { endpoint, made, purpose: Purpose::Lockstep });
        }
    }

    /// Processes quarantined events until one of them notifies.
    fn drain(&mut self, reach: &mut Reach<'_>) {
        while self.machine.phase == Phase::Normal {
            let Some(event) = self.machine.waiting.pop_front() else { return };
            self.process(event, reach);
        }
    }

    /// Puts a notification request in force whose signals have begun.
    pub(super) fn commit_request(
        &mut self,
        request: NotificationRequest,
        begun: Begun,
        reach: &mut Reach<'_>,
    ) {
        // A peer that takes one message a datagram could get the next notification before this one (section 4.4.1, step f).
        let stays = reach.bundling == Bundling::Separate
            && self.machine.phase == Phase::Notification
            && self.is_pending(self.machine.serial, reach);
        let machine = &mut self.machine;
        machine.request = request.id;
        machine.entity = request.entity;
        machine.requested = request.requested;
        machine.quarantine = request.quarantine;
        if request.digit_map.is_some() {
            machine.digit_map = request.digit_map;
        }
        if let Some(detect) = request.detect {
            machine.detect = detect;
        }
        if machine.phase == Phase::Notification {
            machine.observed.clear();
        }
        match machine.quarantine.events {
            QuarantineEvents::Discard => {
                machine.observed.clear();
                machine.waiting.clear();
            }
            QuarantineEvents::Process => {
                let newer = std::mem::take(&mut machine.waiting);
                machine.waiting = machine.observed.drain(..).chain(newer).collect();
            }
        }
        machine.renewed = stays;
        reach.timers.cancel(&TimerKey::Lockstep(self.index));
        if !stays {
            machine.phase = Phase::Normal;
        }
        machine.signals.commit(self.index, begun, reach);
        self.tell_wanted(reach);
        self.restart_dialling(reach);
        self.drain(reach);
    }

    /// Clears the dial string, and starts timer T when it is not tied to the map (RFC 3660 section 2.2).
    fn restart_dialling(&mut self, reach: &mut Reach<'_>) {
        self.machine.dialled = None;
        reach.timers.cancel(&TimerKey::Digit(self.index));
        let timer = find(&self.machine.requested, &timer_event()).map(|entry| entry.handling);
        if timer.is_some_and(|handling| handling != Handling::DigitMap) {
            let end = reach.now + reach.durations.critical_dial;
            reach.timers.set(TimerKey::Digit(self.index), end);
        }
    }

    /// Puts an embedded request in force; tells with B/enf if that cannot be done.
    fn activate(&mut self, embedded: &Embedded, reach: &mut Reach<'_>) {
        match self.begin_embedded(embedded, reach) {
            Ok(begun) => {
                self.machine.requested.clone_from(&embedded.requested);
                self.tell_wanted(reach);
                if embedded.digit_map.is_some() {
                    self.machine.digit_map.clone_from(&embedded.digit_map);
                }
                self.machine.signals.commit(self.index, begun, reach);
                self.restart_dialling(reach);
            }
            Err(code) => {
                let failure = Occurrence::new("B", "enf").with(code.get().to_string());
                // The failed request itself is the place where this event is asked for (RFC 3435 section B.1).
                match find(&embedded.requested, &failure).map(|entry| entry.handling) {
                    Some(Handling::Notify) if self.machine.phase == Phase::Normal => {
                        self.observe(failure, reach);
                        self.notify(reach);
                    }
                    Some(Handling::Accumulate) if self.machine.phase == Phase::Normal => {
                        self.observe(failure, reach);
                    }
                    _ => self.occur(failure, reach),
                }
            }
        }
    }

    fn begin_embedded(&mut self, embedded: &Embedded, reach: &mut Reach<'_>) -> Result<Begun, ReturnCode> {
        let hook = reach.plane.hook(self.index);
        let refusal = glare(&embedded.requested, hook)
            .or_else(|| embedded.signals.iter().find_map(|signal| signal.hook_refusal(hook)));
        if let Some(code) = refusal {
            return Err(code);
        }
        let wants_map = |entry: &Requested| entry.handling == Handling::DigitMap;
        let has_map = embedded.digit_map.is_some() || self.machine.digit_map.is_some();
        if embedded.requested.iter().any(wants_map) && !has_map {
            return Err(ReturnCode::NO_DIGIT_MAP);
        }
        self.begin_signals(&embedded.signals, None, reach)
    }

    /// A digit begins: the digit itself, and the timers of those who wait for its duration.
    pub(super) fn digit_begins(&mut self, letter: char, reach: &mut Reach<'_>) {
        let letter = letter.to_ascii_uppercase();
        self.machine.held = Some(letter);
        reach.timers.set(TimerKey::LongDigit(self.index), reach.now + reach.durations.long_digit);
        if let Some(exceeds) = self.tone_duration(letter).and_then(|asked| asked) {
            reach.timers.set(TimerKey::ToneDuration(self.index), reach.now + exceeds);
        }
        self.occur(Occurrence::new("D", letter.to_string()), reach);
    }

    /// A digit ends.
    pub(super) fn digit_ends(&mut self, letter: char, lasted: Duration, reach: &mut Reach<'_>) {
        let letter = letter.to_ascii_uppercase();
        self.machine.held = None;
        reach.timers.cancel(&TimerKey::LongDigit(self.index));
        reach.timers.cancel(&TimerKey::ToneDuration(self.index));
        if self.tone_duration(letter) == Some(None) {
            let millis = lasted.as_millis().min(60_000) / 10 * 10;
            self.occur(tone_event(letter, millis), reach);
        }
    }

    /// A digit has been held for the time of D/L.
    pub(super) fn digit_is_long(&mut self, reach: &mut Reach<'_>) {
        if self.machine.held.is_some() {
            self.occur(Occurrence::new("D", "L"), reach);
        }
    }

    /// A digit has been held for the time that D/dd asked for.
    pub(super) fn digit_has_lasted(&mut self, reach: &mut Reach<'_>) {
        let Some(letter) = self.machine.held else { return };
        if let Some(Some(exceeds)) = self.tone_duration(letter) {
            self.occur(tone_event(letter, exceeds.as_millis()), reach);
        }
    }

    /// Timer T runs out.
    pub(super) fn dialling_pauses(&mut self, reach: &mut Reach<'_>) {
        self.occur(timer_event(), reach);
    }

    /// What D/dd asks about this digit: nothing, its full duration, or when it exceeds one.
    fn tone_duration(&self, letter: char) -> Option<Option<Duration>> {
        let asked = self.machine.action(&Occurrence::new("D", "dd"))?.duration?;
        (asked.tones & bit(letter) != 0).then_some(asked.exceeds)
    }

    /// Forgets requests, events and signals: the endpoint goes out of service, or comes back in its clean default state.
    pub(super) fn reset_machine(&mut self, reach: &mut Reach<'_>) {
        self.machine.signals.stop_all(self.index, reach);
        for key in [TimerKey::Digit, TimerKey::LongDigit, TimerKey::ToneDuration, TimerKey::Lockstep]
            .map(|key| key(self.index))
        {
            reach.timers.cancel(&key);
        }
        let Provisioned { digit_map, persistent, .. } = self.provisioned.clone();
        let serial = self.machine.serial;
        let watched = self.machine.watched;
        let always = std::mem::take(&mut self.machine.always);
        self.machine = Machine { serial, watched, always, ..Machine::new(digit_map, persistent) };
        self.tell_wanted(reach);
    }
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",")
}

fn timer_event() -> Occurrence {
    Occurrence::new("D", "T")
}

fn tone_event(letter: char, millis: u128) -> Occurrence {
    Occurrence::new("D", "dd").with(format!("dg={letter}")).with(format!("to={millis}"))
}

/// Whether an event is a DTMF digit, which restarts or cancels timer T.
fn is_digit(event: &Occurrence) -> bool {
    const TONES: [char; 6] = ['*', '#', 'A', 'B', 'C', 'D'];
    event.package.eq_ignore_ascii_case("D")
        && event.letter().is_some_and(|letter| bit(letter) & DIGITS != 0 || TONES.contains(&letter))
}
