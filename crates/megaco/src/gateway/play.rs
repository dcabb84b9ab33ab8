//! Signals as they are given: beginning, end, what comes next of a list, and what is told of it (RFC 3525 section 7.1.11, Annex E.1.2).

use std::time::Duration;

use strowger_sansio::Time;

use super::check::kind_of;
use super::continuity;
use super::detection::Occurrence;
use super::media::{MediaPlane, Port, SignalHandle};
use super::owned::{Argument, Given, Item};
use super::signal::{Play, Playing, Replacement, Sound, replace};
use super::termination::Key;
use super::{Gateway, Timer};
use crate::message::{Completion, Direction, SignalType};

/// `g/sc`, and its parameters.
const SIGNAL_COMPLETION: Item = Item::new(1, 2);
const SIGNAL: u16 = 1;
const METHOD: u16 = 2;
const LIST: u16 = 3;
/// The request that the signal was asked for with (version 3; the identifier is inferred).
const REQUEST: u16 = 4;

/// The longest that a brief signal can last, if the plane forgets to tell its end: a list of 32 tones with ten seconds between them.
const BRIEF: Duration = Duration::from_secs(400);

/// How a signal ended: `Meth` of `g/sc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    TimeOut,
    Event,
    Signals,
    Other,
}

impl End {
    const fn number(self) -> u32 {
        match self {
            Self::TimeOut => 1,
            Self::Event => 2,
            Self::Signals => 3,
            Self::Other => 4,
        }
    }

    /// Whether it is to be reported. What ended for another reason is reported in any case (section 7.1.11).
    fn is_reported(self, wanted: Option<Completion>) -> bool {
        match self {
            Self::TimeOut => wanted.is_some_and(|wanted| wanted.has(Completion::TIME_OUT)),
            Self::Event => wanted.is_some_and(|wanted| wanted.has(Completion::BY_EVENT)),
            Self::Signals => wanted.is_some_and(|wanted| wanted.has(Completion::BY_SIGNALS)),
            Self::Other => wanted.is_none_or(|wanted| wanted.has(Completion::OTHER_REASON)),
        }
    }
}

impl Gateway {
    /// A signals descriptor takes effect.
    pub(super) fn play(&mut self, now: Time, key: Key, plays: Vec<Play>, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let Replacement { stop, start } = replace(&mut termination.playing, plays);
        for playing in stop {
            self.stop(now, key, &playing, End::Signals, media);
        }
        for play in start {
            self.begin(
                now,
                key,
                Playing { play, place: 0, handle: None, given: Vec::new(), until: None },
                media,
            );
        }
    }

    /// An event was recognised: what is on ends.
    pub(super) fn interrupt(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        for playing in std::mem::take(&mut termination.playing) {
            self.stop(now, key, &playing, End::Event, media);
        }
    }

    /// What is on ends without a word.
    pub(super) fn silence(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        for playing in std::mem::take(&mut termination.playing) {
            self.release(now, key, &playing, media);
        }
        self.timers.cancel(&Timer::Pause(key));
    }

    fn stop(&mut self, now: Time, key: Key, playing: &Playing, end: End, media: &mut dyn MediaPlane) {
        self.release(now, key, playing, media);
        if let Some(item) = playing.sound().map(|sound| sound.item).filter(|_| end == End::Event) {
            self.note_failed_test(now, key, item, media);
        }
        self.complete(now, key, playing, end, media);
    }

    /// A test has passed: its tones end, and nothing is told of them.
    pub(super) fn end_tests(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let is_test = |playing: &Playing| playing.sound().is_some_and(|sound| sound.item == continuity::TEST);
        let (over, rest) = std::mem::take(&mut termination.playing).into_iter().partition(is_test);
        termination.playing = rest;
        let over: Vec<Playing> = over;
        for playing in over {
            self.release(now, key, &playing, media);
        }
    }

    fn release(&mut self, now: Time, key: Key, playing: &Playing, media: &mut dyn MediaPlane) {
        for (_, handle) in &playing.given {
            media.stop_signal(now, *handle);
            self.signals.remove(handle);
        }
        if let Some(handle) = playing.handle {
            self.timers.cancel(&Timer::Signal(key, handle));
        }
    }

    /// Starts what is next of a signal or list; a brief or timed signal has an end.
    fn begin(&mut self, now: Time, key: Key, mut playing: Playing, media: &mut dyn MediaPlane) {
        let Some(sound) = playing.sound().cloned() else { return };
        if !self.terminations.contains_key(&key) {
            return;
        }
        let ports = self.ports_of(key, &sound);
        let is_heard_elsewhere = sound.direction() == Direction::Internal && ports.is_empty();
        for port in ports {
            self.give(now, key, port, &sound, &mut playing, media);
        }
        if playing.given.is_empty() && !is_heard_elsewhere {
            self.note_failed_test(now, key, sound.item, media);
            self.complete(now, key, &playing, End::Other, media);
            return;
        }
        let handle = match playing.given.first() {
            Some((_, handle)) => *handle,
            None => self.new_signal(),
        };
        let lasts = match kind_of(&sound) {
            SignalType::OnOff => None,
            SignalType::Brief => Some(BRIEF),
            SignalType::TimeOut => Some(self.lasts(&sound)),
        };
        playing.handle = Some(handle);
        playing.until = lasts.map(|lasts| now + lasts);
        if let Some(until) = playing.until {
            self.timers.set(Timer::Signal(key, handle), until);
        }
        if let Some(termination) = self.terminations.get_mut(&key) {
            termination.playing.push(playing);
        }
    }

    fn new_signal(&mut self) -> SignalHandle {
        let handle = SignalHandle(self.next_handle);
        self.next_handle += 1;
        handle
    }

    fn give(
        &mut self,
        now: Time,
        key: Key,
        port: Port,
        sound: &Sound,
        playing: &mut Playing,
        media: &mut dyn MediaPlane,
    ) {
        let handle = self.new_signal();
        if media.start_signal(now, port, handle, &sound.order()).is_ok() {
            self.signals.insert(handle, key);
            playing.given.push((port, handle));
        }
    }

    /// Where a signal is to be given: out of the context at the termination itself, into the context wherever it is heard there.
    fn ports_of(&self, key: Key, sound: &Sound) -> Vec<Port> {
        let Some(termination) = self.terminations.get(&key) else { return Vec::new() };
        let stream = sound.stream.map_or(0, |stream| stream.0);
        let own = if stream == 0 { termination.any_port() } else { termination.port(stream) };
        let (is_out, is_in) = match sound.direction() {
            Direction::External => (true, false),
            Direction::Internal => (false, true),
            Direction::Both => (true, true),
        };
        let mut ports: Vec<Port> = own.into_iter().filter(|_| is_out).collect();
        if is_in {
            let hearers = self.hearers(key, stream.max(1));
            ports.extend(hearers.into_iter().filter(|port| Some(*port) != own));
        }
        ports
    }

    /// Who is in the context has changed, or who hears whom: signals that are played into it follow.
    pub(super) fn aim_signals(&mut self, now: Time, context: u32, media: &mut dyn MediaPlane) {
        let Some(members) = self.contexts.get(&context).map(|context| context.members.clone()) else {
            return;
        };
        for key in members {
            let Some(termination) = self.terminations.get_mut(&key) else { continue };
            let is_aimed = |playing: &Playing| {
                let sound = playing.sound().filter(|_| playing.handle.is_some());
                sound.is_some_and(|sound| sound.direction() != Direction::External)
            };
            if !termination.playing.iter().any(is_aimed) {
                continue;
            }
            let mut all = std::mem::take(&mut termination.playing);
            for playing in all.iter_mut().filter(|playing| is_aimed(playing)) {
                let Some(sound) = playing.sound().cloned() else { continue };
                let ports = self.ports_of(key, &sound);
                let (stay, over): (Vec<_>, Vec<_>) = std::mem::take(&mut playing.given)
                    .into_iter()
                    .partition(|(port, _)| ports.contains(port));
                for (_, handle) in over {
                    media.stop_signal(now, handle);
                    self.signals.remove(&handle);
                }
                playing.given = stay;
                for port in ports {
                    if playing.given.iter().all(|(known, _)| *known != port) {
                        self.give(now, key, port, &sound, playing, media);
                    }
                }
            }
            if let Some(termination) = self.terminations.get_mut(&key) {
                termination.playing = all;
            }
        }
    }

    fn lasts(&self, sound: &Sound) -> Duration {
        match sound.duration {
            Some(hundredths) => Duration::from_millis(u64::from(hundredths) * 10),
            None => self.config.duration_of(sound.item),
        }
    }

    /// The time of a signal is over.
    pub(super) fn signal_over(
        &mut self,
        now: Time,
        key: Key,
        handle: SignalHandle,
        media: &mut dyn MediaPlane,
    ) {
        self.ended(now, key, handle, End::TimeOut, media);
    }

    /// The plane says that a signal has come to its own end, or could not go on.
    pub(super) fn signal_told(
        &mut self,
        now: Time,
        handle: SignalHandle,
        end: End,
        media: &mut dyn MediaPlane,
    ) {
        if let Some(key) = self.signals.get(&handle).copied() {
            self.ended(now, key, handle, end, media);
        }
    }

    fn ended(&mut self, now: Time, key: Key, handle: SignalHandle, end: End, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        // Of what is given in several places the first end is that of all.
        let is_it = |playing: &Playing| {
            playing.handle == Some(handle) || playing.given.iter().any(|(_, given)| *given == handle)
        };
        let place = termination.playing.iter().position(is_it);
        let Some(place) = place else { return };
        let mut playing = termination.playing.remove(place);
        self.release(now, key, &playing, media);
        playing.handle = None;
        playing.given.clear();
        if let Some(item) = playing.sound().map(|sound| sound.item) {
            self.note_failed_test(now, key, item, media);
        }
        let pause = playing.sound().and_then(|sound| sound.delay);
        let is_last = playing.place + 1 >= playing.play.sounds().len();
        if is_last || end == End::Other {
            self.complete(now, key, &playing, end, media);
            return;
        }
        playing.place += 1;
        match pause.filter(|pause| *pause > 0) {
            Some(pause) => {
                let until = now + Duration::from_millis(u64::from(pause) * 10);
                playing.until = Some(until);
                if let Some(termination) = self.terminations.get_mut(&key) {
                    termination.playing.push(playing);
                }
                let due = self.timers.deadline(&Timer::Pause(key)).map_or(until, |known| known.min(until));
                self.timers.set(Timer::Pause(key), due);
            }
            None => self.begin(now, key, playing, media),
        }
    }

    /// The silence between two signals of a list is over (version 3).
    pub(super) fn pause_over(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let is_due =
            |playing: &Playing| playing.handle.is_none() && playing.until.is_some_and(|due| due <= now);
        let (due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut termination.playing).into_iter().partition(is_due);
        let next =
            rest.iter().filter(|playing| playing.handle.is_none()).filter_map(|playing| playing.until).min();
        termination.playing = rest;
        if let Some(next) = next {
            self.timers.set(Timer::Pause(key), next);
        }
        for playing in due {
            self.begin(now, key, playing, media);
        }
    }

    /// Tells the end of a signal or list, if somebody wants to know.
    fn complete(&mut self, now: Time, key: Key, playing: &Playing, end: End, media: &mut dyn MediaPlane) {
        let Some(sound) = playing.sound() else { return };
        if !end.is_reported(sound.completion) {
            return;
        }
        let mut arguments = vec![
            Argument::new(SIGNAL, Given::Item(sound.item)),
            Argument::new(METHOD, Given::Enumeration(end.number())),
        ];
        if let Some(list) = playing.list() {
            arguments.push(Argument::new(LIST, Given::Integer(i64::from(list))));
        }
        if let Some(request) = sound.request {
            arguments.push(Argument::new(REQUEST, Given::Integer(request.get().into())));
        }
        let stream = sound.stream;
        let event =
            Occurrence { at: now, stamp: self.clock.stamp(now), item: SIGNAL_COMPLETION, stream, arguments };
        self.happened(now, key, event, media);
    }
}
