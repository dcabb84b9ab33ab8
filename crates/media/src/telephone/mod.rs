//! A virtual analogue telephone set on its line, for scripted subscribers: hook switch, bell, display, microphone and earpiece.
//!
//! It knows no protocol. A script works one side of it (lift, hang up, flash, say, and ask what was heard), a gateway the other
//! (ring, show who calls, give 10 ms to the earpiece and take 10 ms from the microphone, see what the hook does).
//!
//! - `hook`: flash and dial, and the line's supervision of the loop.
//! - `ringer`: bursts and cadence of ringing.
//! - `mouthpiece`: what is said.
//! - `earpiece`: what is heard: the recording, and what listens to it.

mod earpiece;
mod hook;
mod mouthpiece;
mod ringer;

use std::collections::VecDeque;
use std::time::Duration;

use strowger_sansio::{BoundedQueue, Time};

use crate::analysis::{Component, ContentMatch, FrequencyWatch, compare, strongest};
use crate::frame::{Frame, SILENCE, level_dbm0};
use crate::limits::Limits;
use crate::tone::{RingPattern, SignalTone, TonePlan};

pub use hook::{HookSupervision, HookTiming, LineEvent};
pub use mouthpiece::Utterance;

use earpiece::Earpiece;
use mouthpiece::Mouthpiece;
use ringer::Ringer;

/// What is looked at for level and frequencies: the newest 250 ms.
const GLANCE: Duration = Duration::from_millis(250);

/// The pulses of a dial: broken and closed, ten times a second, and the pause in which the next digit is wound up.
const PULSE_BREAK: Duration = Duration::from_millis(60);
const PULSE_MAKE: Duration = Duration::from_millis(40);
const WIND_UP: Duration = Duration::from_millis(700);

/// How a set is made.
#[derive(Clone, Debug, PartialEq)]
pub struct TelephoneConfig {
    /// How much of what the earpiece hears is kept, the newest. A second takes 16 kB.
    pub record: Duration,
}

impl Default for TelephoneConfig {
    fn default() -> Self {
        Self { record: Limits::DEFAULT.recording }
    }
}

/// What a set reports to its subscriber.
#[derive(Clone, Debug, PartialEq)]
pub enum TelephoneEvent {
    /// The handset was lifted.
    OffHook,
    /// The handset was put down.
    OnHook,
    /// The bell began a burst.
    RingingStarted,
    /// The bell ended a burst.
    RingingStopped,
    /// A caller was shown.
    CallerShown(String),
    /// All that was to be said has been said.
    MouthpieceDone,
}

/// The set.
#[derive(Debug)]
pub struct Telephone {
    off_hook: bool,
    /// When the break of a flash ends.
    flash_until: Option<Time>,
    /// When the dial breaks and closes the loop, and whether it has broken it.
    dial: VecDeque<(Time, bool)>,
    dial_breaks: bool,
    timing: HookTiming,
    supervision: HookSupervision,
    ringer: Ringer,
    caller: Option<String>,
    mouthpiece: Mouthpiece,
    earpiece: Earpiece,
    events: BoundedQueue<TelephoneEvent>,
}

impl Telephone {
    /// A set with its handset down.
    #[must_use]
    pub fn new(config: &TelephoneConfig) -> Self {
        Self {
            off_hook: false,
            flash_until: None,
            dial: VecDeque::new(),
            dial_breaks: false,
            timing: HookTiming::default(),
            supervision: HookSupervision::new(HookTiming::default()),
            ringer: Ringer::default(),
            caller: None,
            mouthpiece: Mouthpiece::default(),
            earpiece: Earpiece::new(config.record),
            events: BoundedQueue::new(Limits::DEFAULT.telephone_events),
        }
    }

    /// Sets how long a flash is. The line counts as it did.
    pub fn set_hook_timing(&mut self, timing: HookTiming) {
        self.timing = timing;
        self.supervision.set_timing(timing);
    }

    // The subscriber's side.

    /// Lifts the handset. What was recorded before is forgotten.
    pub fn lift(&mut self, now: Time) {
        if self.off_hook {
            return;
        }
        self.off_hook = true;
        self.ringer.reset();
        self.earpiece.lifted();
        self.supervision.handle_input(now, true);
        self.report(TelephoneEvent::OffHook);
    }

    /// Puts the handset down. What was to be said is not said any more; the recording stays.
    pub fn hang_up(&mut self, now: Time) {
        if !self.off_hook {
            return;
        }
        self.off_hook = false;
        self.flash_until = None;
        self.dial.clear();
        self.dial_breaks = false;
        self.caller = None;
        self.mouthpiece.clear();
        self.supervision.handle_input(now, false);
        self.report(TelephoneEvent::OnHook);
    }

    /// Breaks the loop for the time of a flash; says whether the handset was lifted, so that it could be.
    pub fn flash(&mut self, now: Time) -> bool {
        if self.is_loop_closed() {
            self.flash_until = Some(now + self.timing.sent);
            self.supervision.handle_input(now, false);
        }
        self.off_hook
    }

    /// Dials digits by breaking the loop, after those that are being dialled; says whether that could be: the handset is lifted, and these are digits, not too many.
    pub fn dial_pulses(&mut self, now: Time, digits: &str) -> bool {
        let edges: Option<u32> =
            digits.chars().map(|digit| digit.to_digit(10).map(|d| if d == 0 { 10 } else { d })).sum();
        let room = Limits::DEFAULT.digits * 20;
        let has_room = edges.is_some_and(|edges| self.dial.len() + 2 * edges as usize <= room);
        if !self.off_hook || !has_room {
            return false;
        }
        let mut at = self.dial.back().map_or(now, |(last, _)| (*last).max(now));
        for digit in digits.chars().filter_map(|digit| digit.to_digit(10)) {
            at += WIND_UP;
            for _ in 0..if digit == 0 { 10 } else { digit } {
                self.dial.push_back((at, false));
                self.dial.push_back((at + PULSE_BREAK, true));
                at += PULSE_BREAK + PULSE_MAKE;
            }
        }
        true
    }

    /// Says something after what is being said. More than a subscriber can remember
    /// ([`Limits::utterances`](crate::Limits::utterances)) is not said; [`Self::has_room_to_say`] asks before.
    pub fn say(&mut self, utterance: Utterance) {
        self.mouthpiece.say(utterance);
    }

    /// Whether one thing more can wait to be said.
    #[must_use]
    pub fn has_room_to_say(&self) -> bool {
        self.mouthpiece.has_room()
    }

    /// Says no more of what was to be said.
    pub fn fall_silent(&mut self) {
        self.mouthpiece.clear();
    }

    /// Whether something is being said, or waits to be.
    #[must_use]
    pub fn is_speaking(&self) -> bool {
        !self.mouthpiece.is_idle()
    }

    /// Whether the handset is lifted.
    #[must_use]
    pub const fn is_off_hook(&self) -> bool {
        self.off_hook
    }

    /// Whether the line counts as off-hook: from the moment the handset is lifted until it is known that the loop's break is
    /// no flash.
    #[must_use]
    pub const fn line_is_off_hook(&self) -> bool {
        self.supervision.is_off_hook()
    }

    /// Whether the telephone is being rung: in a burst, or in the pause between two.
    #[must_use]
    pub fn is_ringing(&self, now: Time) -> bool {
        self.ringer.is_ringing(now)
    }

    /// Whether the bell sounds at this moment.
    #[must_use]
    pub const fn bell_sounds(&self) -> bool {
        self.ringer.sounds()
    }

    /// How many bursts the bell has given for this call.
    #[must_use]
    pub const fn bursts(&self) -> u32 {
        self.ringer.bursts()
    }

    /// In which of a country's cadences the bell rings, once it has been heard.
    #[must_use]
    pub fn ring_pattern(&self, now: Time, plan: &TonePlan) -> Option<RingPattern> {
        self.ringer.pattern(now, plan)
    }

    /// Who calls, as the line said it.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// What the earpiece has heard since the handset was lifted, oldest first.
    #[must_use]
    pub fn recording(&self) -> Vec<i16> {
        self.earpiece.tail(Duration::MAX)
    }

    /// The newest part of it, at most this long.
    #[must_use]
    pub fn recording_tail(&self, span: Duration) -> Vec<i16> {
        self.earpiece.tail(span)
    }

    /// Listens for the call progress tones of a country, or no longer. It costs time.
    pub fn listen_for_tones(&mut self, plan: Option<&TonePlan>) {
        self.earpiece.listen_for_tones(plan);
    }

    /// The call progress tone that is heard now, while somebody listens for tones.
    #[must_use]
    pub fn heard_tone(&self) -> Option<SignalTone> {
        self.earpiece.tones()?.heard()
    }

    /// Whether this call progress tone is heard now. Of tones that sound alike in the country, all are.
    #[must_use]
    pub fn hears_tone(&self, signal: SignalTone) -> bool {
        self.earpiece.tones().is_some_and(|tones| tones.hears(signal))
    }

    /// Listens for one frequency in Hz from now on; says whether there was room for one more.
    pub fn watch_frequency(&mut self, hertz: f64) -> bool {
        self.earpiece.watch(hertz)
    }

    /// Listens for no single frequency any more.
    pub fn unwatch_frequencies(&mut self) {
        self.earpiece.unwatch();
    }

    /// For how long a watched frequency has been heard without interruption until now.
    #[must_use]
    pub fn frequency_present_for(&self, hertz: f64) -> Duration {
        self.earpiece.watched(hertz).map_or(Duration::ZERO, FrequencyWatch::present_for)
    }

    /// The longest time for which a watched frequency was heard without interruption.
    #[must_use]
    pub fn frequency_longest(&self, hertz: f64) -> Duration {
        self.earpiece.watched(hertz).map_or(Duration::ZERO, FrequencyWatch::longest)
    }

    /// For how long nothing has been heard.
    #[must_use]
    pub fn quiet_for(&self) -> Duration {
        self.earpiece.quiet_for()
    }

    /// The level of the newest quarter of a second, in dBm0.
    #[must_use]
    pub fn heard_level(&self) -> f64 {
        level_dbm0(&self.earpiece.tail(GLANCE))
    }

    /// The strongest frequencies of the newest quarter of a second, the strongest first.
    #[must_use]
    pub fn heard_frequencies(&self, count: usize) -> Vec<Component> {
        strongest(&self.earpiece.tail(GLANCE), count)
    }

    /// How much of a recording is found in what was heard, and how late. It costs time.
    #[must_use]
    pub fn compare(&self, reference: &[i16]) -> Option<ContentMatch> {
        compare(reference, &self.recording())
    }

    /// The next event for the subscriber.
    pub fn poll_event(&mut self) -> Option<TelephoneEvent> {
        self.events.pop()
    }

    // The line's side.

    /// Ringing current appears on the line, or goes away.
    pub fn ring(&mut self, now: Time, on: bool) {
        // With the loop closed, current trips the ringing and the bell is off the line.
        if !self.off_hook && self.ringer.current(now, on) {
            self.report(if on { TelephoneEvent::RingingStarted } else { TelephoneEvent::RingingStopped });
        }
    }

    /// The line says who calls; more than the display holds is cut.
    pub fn show_caller(&mut self, _now: Time, text: &str) {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(Limits::DEFAULT.display).collect();
        self.caller = Some(shown.clone());
        self.report(TelephoneEvent::CallerShown(shown));
    }

    /// 10 ms into the earpiece.
    pub fn hear(&mut self, _now: Time, frame: &Frame) {
        if self.is_loop_closed() {
            self.earpiece.hear(frame);
        }
    }

    /// 10 ms out of the mouthpiece.
    pub fn speak(&mut self, _now: Time) -> Frame {
        if !self.is_loop_closed() || self.mouthpiece.is_idle() {
            return SILENCE;
        }
        let (frame, done) = self.mouthpiece.frame();
        if done {
            self.report(TelephoneEvent::MouthpieceDone);
        }
        frame
    }

    /// Whether current flows in the loop: the handset is lifted, and neither flash nor dial breaks it.
    #[must_use]
    pub const fn is_loop_closed(&self) -> bool {
        self.off_hook && self.flash_until.is_none() && !self.dial_breaks
    }

    /// Ends the break of a flash, lets the dial run back, and lets the line decide what a break was.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((at, closed)) = self.dial.front().copied().filter(|(at, _)| *at <= now) {
            self.dial.pop_front();
            self.dial_breaks = !closed;
            self.supervision.handle_input(at, closed);
        }
        if let Some(until) = self.flash_until.filter(|until| *until <= now) {
            self.flash_until = None;
            self.supervision.handle_input(until, true);
        }
        self.supervision.handle_timeout(now);
    }

    /// The next thing that the line sees: off-hook at once, on-hook when it is no flash, or a flash.
    pub fn poll_line(&mut self) -> Option<LineEvent> {
        self.supervision.poll_event()
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let dial = self.dial.front().map(|(at, _)| *at);
        self.flash_until.into_iter().chain(dial).chain(self.supervision.poll_timeout()).min()
    }

    /// When a bell that has fallen silent rings no longer, if no burst comes before.
    #[must_use]
    pub fn ringing_over_at(&self) -> Option<Time> {
        self.ringer.over_at()
    }

    fn report(&mut self, event: TelephoneEvent) {
        // A subscriber who never looks misses the newest; the queries above still tell.
        let _ = self.events.push(event);
    }
}
