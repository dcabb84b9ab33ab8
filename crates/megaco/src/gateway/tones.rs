//! Tones that are asked for by lists: that one begins, ends, or lasts for long (RFC 3525 Annex E.4, as Annexes E.6 and E.8 extend it).
//!
//! A tone is an event of its own package as well: these come beside it. A list that holds `*` means every tone of the package. An event with
//! a wildcard in its name asks for none of them, as it has no list.

use std::time::Duration;

use strowger_sansio::Time;

use super::media::MediaPlane;
use super::owned::{Argument, Choice, Given, Item, argument};
use super::termination::{Key, Kind};
use super::{Gateway, Timer};
use crate::message::StreamId;

/// The events, and their parameters.
const STARTS: u16 = 1;
const ENDS: u16 = 2;
const LASTS: u16 = 3;
const LIST: u16 = 1;
const DURATION: u16 = 2;
const TONE: u16 = 3;
/// The packages that have tones to be detected.
const DETECTORS: [u16; 2] = [6, 8];
/// The number of `*` in a list.
const ANY: i64 = 0;

/// The package of progress tones, and its tones (Annex E.8).
const PROGRESS: u16 = 8;
const PROGRESS_TONES: std::ops::RangeInclusive<u16> = 0x30..=0x38;

/// A tone that is being heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sounding {
    tone: Item,
    stream: Option<StreamId>,
    since: Time,
}

impl Gateway {
    /// A tone began.
    pub(super) fn tone_began(
        &mut self,
        now: Time,
        key: Key,
        tone: Item,
        stream: Option<StreamId>,
        media: &mut dyn MediaPlane,
    ) {
        if !DETECTORS.contains(&tone.package) {
            return;
        }
        if let Some(termination) = self.terminations.get_mut(&key) {
            termination.watch.sounding = Some(Sounding { tone, stream, since: now });
        }
        let wants_start = self.wants(key, STARTS, tone).next().is_some();
        self.await_long_tone(now, key, Duration::ZERO);
        if wants_start {
            self.tell_tone(now, key, (STARTS, tone), stream, None, media);
        }
    }

    /// Another descriptor took effect: the plane listens for the progress tones that it names.
    pub(super) fn listen_for_tones(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let Kind::Physical(_, line) = termination.kind else { return };
        let events = termination.watch.active.events.iter().filter(|wanted| wanted.package == PROGRESS);
        let mut tones: Vec<u16> = events
            .flat_map(|wanted| match wanted.item {
                None => PROGRESS_TONES.collect(),
                Some(tone) if PROGRESS_TONES.contains(&tone) => vec![tone],
                Some(_) => {
                    let list = argument(&wanted.arguments, LIST)
                        .map(|list| list.values().iter().filter_map(Given::number).collect::<Vec<_>>());
                    let list = list.unwrap_or_default();
                    let is_in = |tone: &u16| list.contains(&ANY) || list.contains(&i64::from(*tone));
                    PROGRESS_TONES.filter(is_in).collect()
                }
            })
            .collect();
        tones.sort_unstable();
        tones.dedup();
        if termination.watch.listens_for != tones {
            media.want_tones(now, line, &tones);
            termination.watch.listens_for = tones;
        }
    }

    /// It ended after so long.
    pub(super) fn tone_ended(
        &mut self,
        now: Time,
        key: Key,
        tone: Item,
        lasted: Duration,
        media: &mut dyn MediaPlane,
    ) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let Some(sounding) = termination.watch.sounding.take_if(|sounding| sounding.tone == tone) else {
            return;
        };
        self.timers.cancel(&Timer::Tone(key));
        if self.wants(key, ENDS, tone).next().is_some() {
            self.tell_tone(now, key, (ENDS, tone), sounding.stream, Some(lasted), media);
        }
    }

    /// It has lasted for as long as somebody wants to know.
    pub(super) fn tone_lasts(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let sounding = self.terminations.get(&key).and_then(|known| known.watch.sounding);
        let Some(Sounding { tone, stream, since }) = sounding else { return };
        self.await_long_tone(now, key, now.since(since));
        self.tell_tone(now, key, (LASTS, tone), stream, None, media);
    }

    /// Another descriptor took effect while a tone is being heard.
    pub(super) fn look_at_tone(&mut self, now: Time, key: Key) {
        let sounding = self.terminations.get(&key).and_then(|known| known.watch.sounding);
        if let Some(sounding) = sounding {
            self.await_long_tone(now, key, now.since(sounding.since));
        }
    }

    /// Waits until the tone has lasted for longer than this and as long as is asked for.
    fn await_long_tone(&mut self, now: Time, key: Key, already: Duration) {
        let Some(sounding) = self.terminations.get(&key).and_then(|known| known.watch.sounding) else {
            return;
        };
        let wanted = self.wants(key, LASTS, sounding.tone).filter(|wanted| *wanted > already).min();
        match wanted {
            Some(wanted) => self.timers.set(Timer::Tone(key), now.max(sounding.since + wanted)),
            None => {
                self.timers.cancel(&Timer::Tone(key));
            }
        }
    }

    /// The durations of active events of this kind that a tone is of.
    fn wants(&self, key: Key, event: u16, tone: Item) -> impl Iterator<Item = Duration> {
        let active = self.terminations.get(&key).map(|known| &known.watch.active.events);
        let is_of = move |list: &Choice| {
            let numbers = list.values().iter().filter_map(Given::number);
            numbers.into_iter().any(|number| number == ANY || number == i64::from(tone.item))
        };
        active.into_iter().flatten().filter_map(move |wanted| {
            let is_it = wanted.package == tone.package && wanted.item == Some(event);
            argument(&wanted.arguments, LIST).filter(|list| is_it && is_of(list))?;
            let millis = argument(&wanted.arguments, DURATION).and_then(Choice::number).unwrap_or(0);
            Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
        })
    }

    fn tell_tone(
        &mut self,
        now: Time,
        key: Key,
        (event, tone): (u16, Item),
        stream: Option<StreamId>,
        lasted: Option<Duration>,
        media: &mut dyn MediaPlane,
    ) {
        let mut arguments = vec![Argument::new(TONE, Given::Enumeration(tone.item.into()))];
        if let Some(lasted) = lasted {
            let millis = i64::try_from(lasted.as_millis()).unwrap_or(i64::MAX);
            arguments.push(Argument::new(DURATION, Given::Integer(millis)));
        }
        let event = self.occurrence(now, Item::new(tone.package, event), stream, arguments);
        self.happened(now, key, event, media);
    }
}
