//! Events as they happen: what the descriptor makes of them, dial strings, lock step, embedding (RFC 3525 sections 7.1.9, 7.1.14).

use std::sync::Arc;
use std::time::Duration;

use strowger_sansio::Time;

use super::amm::{OFF_HOOK, ON_HOOK, STRICT};
use super::check::COMPLETION;
use super::continuity;
use super::detection::{Detection, Dialling, Occurrence, Reporting};
use super::digit_map::{Collection, Completion, Step};
use super::media::{FlashTiming, Hook, LineIndex, MediaEvent, MediaPlane, Port, StreamHandle};
use super::overload::Load;
use super::owned::{Argument, Choice, Given, Item, argument};
use super::play::End;
use super::termination::{Key, Kind};
use super::{Gateway, Timer};
use crate::message::{BufferControl, StreamId};

const AL: u16 = 9;
const FLASH: u16 = 6;
/// `mindur` and `maxdur` of a flash.
const SHORTEST: u16 = 4;
const LONGEST: u16 = 5;
/// `init` of the hook events: the hook was so when the descriptor came.
const INIT: u16 = 2;
/// `ds` and `Meth` of the completion event.
const DIALLED: u16 = 1;
const METHOD: u16 = 3;
/// `nt/netfail` and its cause.
const NETWORK_FAILURE: Item = Item::new(0xb, 5);
const CAUSE: u16 = 1;

/// `dd`, with the event and the digit map's letter of each key (Annexes E.6.2, E.6.5).
const DD: u16 = 6;
const KEYS: [(char, u16, char); 16] = [
    ('0', 0x10, '0'),
    ('1', 0x11, '1'),
    ('2', 0x12, '2'),
    ('3', 0x13, '3'),
    ('4', 0x14, '4'),
    ('5', 0x15, '5'),
    ('6', 0x16, '6'),
    ('7', 0x17, '7'),
    ('8', 0x18, '8'),
    ('9', 0x19, '9'),
    ('A', 0x1a, 'A'),
    ('B', 0x1b, 'B'),
    ('C', 0x1c, 'C'),
    ('D', 0x1d, 'D'),
    ('*', 0x20, 'E'),
    ('#', 0x21, 'F'),
];

/// The letter of a digit map that an event stands for.
fn letter(item: Item) -> Option<char> {
    let row = KEYS.iter().find(|(_, event, _)| *event == item.item)?;
    (item.package == DD).then_some(row.2)
}

impl Gateway {
    /// Takes what the media saw.
    pub(super) fn see(&mut self, now: Time, event: MediaEvent, media: &mut dyn MediaPlane) {
        let hook = |item: u16| (Item::new(AL, item), vec![Argument::new(INIT, Given::Boolean(false))]);
        match event {
            MediaEvent::OffHook(line) => {
                // What a subscriber does cuts the waiting short (section 9.2).
                self.hasten(now);
                self.on_line(now, line, hook(OFF_HOOK), media);
            }
            MediaEvent::OnHook(line) => self.on_line(now, line, hook(ON_HOOK), media),
            MediaEvent::HookFlash(line) => {
                self.on_line(now, line, (Item::new(AL, FLASH), Vec::new()), media);
            }
            MediaEvent::Digit(port, key) => self.digit(now, port, key, media),
            MediaEvent::DigitEnded(port, key, lasted) => self.digit_ended(now, port, key, lasted, media),
            MediaEvent::Detected { port, item, arguments } => {
                if let Some((key, stream)) = self.at(port) {
                    if item == continuity::COMPLETION {
                        self.end_tests(now, key, media);
                    }
                    // That a progress tone has ended is not told by the plane.
                    self.tone_began(now, key, item, stream, media);
                    let event = self.occurrence(now, item, stream, arguments);
                    self.happened(now, key, event, media);
                }
            }
            MediaEvent::SignalEnded(handle) => self.signal_told(now, handle, End::TimeOut, media),
            MediaEvent::SignalFailed(handle) => self.signal_told(now, handle, End::Other, media),
            MediaEvent::NetworkFailed(handle, cause) => {
                if let Some((key, stream)) = self.at(Port::Stream(handle)) {
                    let arguments = vec![Argument::new(CAUSE, Given::Text(cause.into()))];
                    let event = self.occurrence(now, NETWORK_FAILURE, stream, arguments);
                    self.happened(now, key, event, media);
                }
            }
        }
    }

    fn on_line(
        &mut self,
        now: Time,
        line: LineIndex,
        (item, arguments): (Item, Vec<Argument>),
        media: &mut dyn MediaPlane,
    ) {
        let event = self.occurrence(now, item, None, arguments);
        self.happened(now, self.key_of_line(line), event, media);
    }

    pub(super) fn occurrence(
        &self,
        now: Time,
        item: Item,
        stream: Option<StreamId>,
        arguments: Vec<Argument>,
    ) -> Occurrence {
        Occurrence { at: now, stamp: self.clock.stamp(now), item, stream, arguments }
    }

    /// The termination of a port, and the stream when it is one of packets.
    fn at(&self, port: Port) -> Option<(Key, Option<StreamId>)> {
        let is_open = |handle: StreamHandle, known: &Option<(StreamHandle, _, _)>| {
            known.as_ref().is_some_and(|(known, ..)| *known == handle)
        };
        match port {
            Port::Line(line) => Some((self.key_of_line(line), None)),
            Port::Stream(handle) => self.terminations.iter().find_map(|(key, termination)| {
                let mut streams = termination.streams.iter();
                let (id, _) = streams.find(|(_, state)| is_open(handle, &state.open))?;
                Some((*key, Some(StreamId(*id))))
            }),
        }
    }

    fn digit(&mut self, now: Time, port: Port, key: char, media: &mut dyn MediaPlane) {
        let row = KEYS.iter().find(|(known, ..)| *known == key.to_ascii_uppercase());
        let (Some((_, item, _)), Some((at, stream))) = (row, self.at(port)) else { return };
        let event = self.occurrence(now, Item::new(DD, *item), stream, Vec::new());
        self.tone_began(now, at, event.item, stream, media);
        let Some(termination) = self.terminations.get_mut(&at) else { return };
        if let Some(dialling) = &mut termination.watch.dialling
            && dialling.collection.wants_duration(&dialling.plan.map)
        {
            // How long it lasts will say which alternative it is of (section 7.1.14.5, step 3).
            let earlier = dialling.held.replace(event);
            self.timers.cancel(&Timer::Digit(at));
            if let Some(earlier) = earlier {
                self.feed(now, at, earlier, false, media);
            }
            return;
        }
        self.happened(now, at, event, media);
    }

    fn digit_ended(
        &mut self,
        now: Time,
        port: Port,
        key: char,
        lasted: Duration,
        media: &mut dyn MediaPlane,
    ) {
        let Some((at, _)) = self.at(port) else { return };
        let row = KEYS.iter().find(|(known, ..)| *known == key.to_ascii_uppercase());
        if let Some((_, item, _)) = row {
            self.tone_ended(now, at, Item::new(DD, *item), lasted, media);
        }
        let provisioned = self.config.digits;
        let Some(termination) = self.terminations.get_mut(&at) else { return };
        let Some(dialling) = &mut termination.watch.dialling else { return };
        let is_it = dialling.held.as_ref().is_some_and(|event| {
            KEYS.iter().any(|(known, item, _)| *item == event.item.item && *known == key.to_ascii_uppercase())
        });
        let is_long = lasted >= dialling.plan.map.timers(&provisioned).duration;
        if is_it && let Some(event) = dialling.held.take() {
            self.feed(now, at, event, is_long, media);
        }
    }

    /// An event has happened on a termination.
    pub(super) fn happened(&mut self, now: Time, key: Key, event: Occurrence, media: &mut dyn MediaPlane) {
        let limit = self.config.limits.queued_events;
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let watch = &mut termination.watch;
        if termination.buffer == BufferControl::LockStep && watch.is_suspended {
            if watch.buffered.iter().any(|known| known.means(&event)) {
                if watch.queue.len() < limit {
                    watch.queue.push_back(event);
                } else {
                    watch.is_overflown = true;
                }
            }
            return;
        }
        self.process(now, key, event, media);
    }

    fn process(&mut self, now: Time, key: Key, event: Occurrence, media: &mut dyn MediaPlane) {
        let dialling = self.terminations.get(&key).and_then(|known| known.watch.dialling.as_ref());
        let is_symbol = dialling.is_some_and(|dialling| dialling.package == event.item.package)
            && letter(event.item).is_some();
        if is_symbol {
            self.feed(now, key, event, false, media);
        } else {
            self.recognise(now, key, event, media);
        }
    }

    /// A digit that is collected.
    fn feed(&mut self, now: Time, key: Key, event: Occurrence, is_long: bool, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let Some(symbol) = letter(event.item) else { return };
        let watch = &mut termination.watch;
        let Some(dialling) = &mut watch.dialling else {
            return self.recognise(now, key, event, media);
        };
        let step = dialling.collection.feed(&dialling.plan.map, symbol, is_long);
        if let Step::Rejects(completion) = step {
            // It is not recognised until the completion was (section 7.1.14.7).
            self.complete_digits(now, key, completion, media);
            return self.happened(now, key, event, media);
        }
        let is_enabled = watch
            .active
            .events
            .iter()
            .any(|wanted| wanted.item != Some(COMPLETION.item) && wanted.means(&event));
        let keeps = watch.active.events.iter().any(|wanted| wanted.plan.is_some() && wanted.is_keep_active);
        if is_enabled {
            self.recognise(now, key, event, media);
        } else if !keeps {
            self.interrupt(now, key, media);
        }
        match step {
            Step::Ends(completion) => self.complete_digits(now, key, completion, media),
            _ => self.wait_for_digit(now, key),
        }
    }

    /// Waits for the next digit (section 7.1.14.5, step 2).
    fn wait_for_digit(&mut self, now: Time, key: Key) {
        let dialling = self.terminations.get(&key).and_then(|known| known.watch.dialling.as_ref());
        let patience = dialling.and_then(|dialling| {
            let timers = dialling.plan.map.timers(&self.config.digits);
            dialling.collection.patience(&dialling.plan.map, &timers)
        });
        match patience {
            Some(patience) => self.timers.set(Timer::Digit(key), now + patience),
            None => {
                self.timers.cancel(&Timer::Digit(key));
            }
        }
    }

    /// No digit came in time.
    pub(super) fn digits_over(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let dialling = self.terminations.get(&key).and_then(|known| known.watch.dialling.as_ref());
        if let Some(dialling) = dialling {
            let completion = dialling.collection.expire(&dialling.plan.map);
            self.complete_digits(now, key, completion, media);
        }
    }

    fn complete_digits(&mut self, now: Time, key: Key, completion: Completion, media: &mut dyn MediaPlane) {
        self.timers.cancel(&Timer::Digit(key));
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let Some(dialling) = termination.watch.dialling.take() else { return };
        let arguments = vec![
            Argument::new(DIALLED, Given::Text(dialling.collection.dialled().into())),
            Argument::new(METHOD, Given::Enumeration(completion.number())),
        ];
        let event = self.occurrence(now, COMPLETION, None, arguments);
        self.recognise(now, key, event, media);
    }

    /// What the active descriptor has to do with an event that is in it; an event that is not has no effect.
    fn recognise(&mut self, now: Time, key: Key, event: Occurrence, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let active = termination.watch.active.clone();
        let Some(wanted) = active.find(&event) else { return };
        let request = active.request;
        let is_held_back = wanted.reporting == Reporting::Regulated && self.load() == Load::Overloaded;
        if wanted.reporting != Reporting::Never
            && !is_held_back
            && let Some(request) = request
        {
            self.notice(now, key, request, event);
        }
        let instead = wanted.instead.as_deref().filter(|_| is_held_back);
        let (signals, events) = match instead {
            Some(instead) => (&instead.signals, &instead.events),
            None => (&wanted.signals, &wanted.events),
        };
        if let Some(signals) = signals {
            self.play(now, key, signals.clone(), media);
        } else if !wanted.is_keep_active {
            self.interrupt(now, key, media);
        }
        // What was interrupted may itself have been an event that brought a new descriptor.
        let is_same =
            self.terminations.get(&key).is_some_and(|known| Arc::ptr_eq(&known.watch.active, &active));
        if !is_same {
            return;
        }
        if let Some(events) = events {
            self.activate(now, key, events, media);
        } else if wanted.is_reset {
            self.activate(now, key, &active, media);
        } else if let Some(termination) = self.terminations.get_mut(&key) {
            termination.watch.is_suspended = termination.buffer == BufferControl::LockStep;
        }
    }

    /// An events descriptor takes effect.
    pub(super) fn activate(
        &mut self,
        now: Time,
        key: Key,
        detection: &Arc<Detection>,
        media: &mut dyn MediaPlane,
    ) {
        self.timers.cancel(&Timer::Digit(key));
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let watch = &mut termination.watch;
        watch.active = detection.clone();
        watch.is_suspended = false;
        if detection.events.is_empty() {
            watch.queue.clear();
        }
        watch.dialling = detection.events.iter().find_map(|wanted| {
            let plan = wanted.plan.clone()?;
            let collection = Collection::new(&plan.map);
            Some(Dialling { plan, package: wanted.package, collection, held: None })
        });
        let kind = termination.kind;
        self.look_at_tone(now, key);
        self.wait_for_digit(now, key);
        if key == Key::ROOT {
            self.await_word(now);
        }
        self.watch_quality(now, key, media);
        self.listen_for_tones(now, key, media);
        self.time_flash(now, key, detection, media);
        self.look_at_hook(now, key, kind, detection, media);
        self.work_queue(now, key, media);
    }

    /// How long a flash is, as long as one is asked for (Annex E.9.2).
    fn time_flash(&mut self, now: Time, key: Key, detection: &Detection, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let Kind::Physical(_, line) = termination.kind else { return };
        let mut events = detection.events.iter().filter(|wanted| wanted.package == AL);
        let wanted = events.find(|wanted| wanted.item == Some(FLASH));
        let said = |id: u16| {
            let number = argument(&wanted?.arguments, id).and_then(Choice::number)?;
            u64::try_from(number).ok().map(Duration::from_millis)
        };
        let flash = FlashTiming { shortest: said(SHORTEST), longest: said(LONGEST) };
        if std::mem::replace(&mut termination.flash, flash) != flash {
            media.set_flash(now, line, flash);
        }
    }

    /// Hook events that count if the hook is already so (Annex E.9.2).
    fn look_at_hook(
        &mut self,
        now: Time,
        key: Key,
        kind: Kind,
        detection: &Arc<Detection>,
        media: &mut dyn MediaPlane,
    ) {
        const STATE: i64 = 1;
        let Kind::Physical(_, line) = kind else { return };
        let asks = detection.events.iter().filter(|wanted| wanted.package == AL).find_map(|wanted| {
            let strict = argument(&wanted.arguments, STRICT).and_then(Choice::number);
            let item = wanted.item.filter(|_| strict == Some(STATE))?;
            let is_so = match item {
                ON_HOOK => media.hook(line) == Hook::On,
                OFF_HOOK => media.hook(line) == Hook::Off,
                _ => false,
            };
            is_so.then_some(item)
        });
        if let Some(item) = asks {
            let arguments = vec![Argument::new(INIT, Given::Boolean(true))];
            let event = self.occurrence(now, Item::new(AL, item), None, arguments);
            self.happened(now, key, event, media);
        }
    }

    /// Events that waited in lock step: the first that the new descriptor lists is acted on, others are dropped (section 7.1.9, case 1).
    fn work_queue(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        loop {
            let Some(termination) = self.terminations.get_mut(&key) else { return };
            if termination.watch.is_suspended {
                return;
            }
            let Some(event) = termination.watch.queue.pop_front() else { return };
            self.process(now, key, event, media);
        }
    }
}
