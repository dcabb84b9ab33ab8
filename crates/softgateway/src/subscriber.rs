//! The subscribers: who lifts, dials, talks and listens at the telephones of a gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use strowger_media::analysis;
use strowger_media::frame::samples_in;
use strowger_media::tone::{SignalTone, Sit};
use strowger_media::{Telephone, TelephoneEvent, Utterance};
use strowger_mgcp::gateway::EndpointIndex;
use strowger_sansio::{Duration, Time};

use crate::event::LineFact;
use crate::plane::Plane;
use crate::script::{Action, Progress, Sign, Sound};

/// The level at which a scripted subscriber plays a tone, in dBm0: that of loud speech, well below what clips.
pub(crate) const TONE_LEVEL: f64 = -12.0;
/// A second of nothing, for a comma among the digits.
const COMMA: Duration = Duration::from_secs(1);
/// A bell that has been silent for this long rings no longer: the longest pause in any country's cadence is 6 s.
const RING_PAUSE: Duration = Duration::from_millis(6_500);
/// How long the earpiece must give a tone before a subscriber is sure of it.
const SURE: Duration = Duration::from_millis(300);
/// How long the earpiece must give nothing before a subscriber calls it silent.
pub(crate) const SILENT: Duration = Duration::from_millis(700);
/// Below this level in dBm0 a line is silent to an ear.
pub(crate) const QUIET: f64 = -45.0;
/// How near a frequency must be, in hertz, to be the one that is meant.
const NEAR: f64 = 15.0;
/// How much of what was heard is compared with a file.
const CONTENT: Duration = Duration::from_secs(4);

/// Sounds by their file names, loaded by the host.
pub(crate) type Sounds = BTreeMap<String, Arc<[i16]>>;

/// Why a subscriber cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionError {
    /// There is no such line on this gateway.
    NoLine(String),
    /// There is no such endpoint on this gateway.
    NoEndpoint(String),
    /// The host has not loaded this file.
    NoSound(String),
    /// The handset is already, or not, lifted.
    Hook(&'static str),
    /// The far end of the circuit cannot do this.
    Circuit(&'static str),
}

impl std::fmt::Display for ActionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoLine(line) => write!(f, "this gateway has no line {line}"),
            Self::NoEndpoint(name) => write!(f, "this gateway has no endpoint {name}"),
            Self::NoSound(file) => write!(f, "{file} is not loaded"),
            Self::Hook(why) | Self::Circuit(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ActionError {}

/// A sign that somebody waits for.
#[derive(Clone, Debug)]
struct Expectation {
    number: u64,
    sign: Sign,
    since: Time,
    until: Time,
    next_look: Time,
    /// How often there was a look already.
    looks: usize,
}

/// One subscriber.
#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    expectations: Vec<Expectation>,
    ringing: bool,
    last_current: Option<Time>,
    hears: Option<Progress>,
}

impl Subscriber {
    /// Does something at the telephone. A recording comes back as the fact that it is.
    pub(crate) fn act(
        now: Time,
        plane: &mut Plane,
        index: EndpointIndex,
        action: &Action,
        sounds: &Sounds,
    ) -> Result<Option<LineFact>, ActionError> {
        let Some(telephone) = plane.telephone(index) else { return Err(ActionError::NoLine(String::new())) };
        let lifted = telephone.is_off_hook();
        match action {
            Action::OffHook if lifted => return Err(ActionError::Hook("the handset is lifted already")),
            Action::OffHook => plane.with_telephone(now, index, |telephone| telephone.lift(now)),
            Action::Record(file) => {
                let samples = telephone.recording();
                return Ok(Some(LineFact::Recording { file: file.clone(), samples }));
            }
            // A feature key needs no handset.
            Action::Key(key) => plane.press_key(index, *key),
            Action::Circuit(_) => return Err(ActionError::Circuit("this is for circuits, as ds/a/1")),
            _ if !lifted => return Err(ActionError::Hook("the handset is not lifted")),
            Action::OnHook => plane.with_telephone(now, index, |telephone| telephone.hang_up(now)),
            Action::Flash => plane.with_telephone(now, index, |telephone| {
                telephone.flash(now);
            }),
            Action::Pulse(digits) => {
                let mut fits = false;
                plane.with_telephone(now, index, |telephone| {
                    telephone.fall_silent();
                    fits = telephone.dial_pulses(now, digits);
                });
                if !fits {
                    return Err(ActionError::Hook("a rotary dial has 0 to 9, and no room for so many"));
                }
            }
            Action::Quiet => plane.with_telephone(now, index, Telephone::fall_silent),
            Action::Dial(keys) => plane.with_telephone(now, index, |telephone| {
                telephone.fall_silent();
                for (place, part) in keys.split(',').enumerate() {
                    if place > 0 {
                        telephone.say(Utterance::Silence(COMMA));
                    }
                    telephone.say(Utterance::keys(part));
                }
            }),
            Action::Play(sound, length) => {
                let utterance = match sound {
                    Sound::Tone(hertz) => {
                        Utterance::Tone { hertz: f64::from(*hertz), level: TONE_LEVEL, duration: *length }
                    }
                    Sound::File(name) => Utterance::Samples(cut(find(sounds, name)?, *length)),
                };
                plane.with_telephone(now, index, |telephone| {
                    telephone.fall_silent();
                    telephone.say(utterance);
                });
            }
        }
        Ok(None)
    }

    /// Begins to wait for a sign.
    pub(crate) fn expect(&mut self, now: Time, number: u64, sign: Sign, within: Duration) {
        self.expectations.push(Expectation {
            number,
            sign,
            since: now,
            until: now + within,
            next_look: now,
            looks: 0,
        });
    }

    /// When an expectation runs out, or the bell has been silent for long.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let ring_end = self.last_current.filter(|_| self.ringing).map(|last| last + RING_PAUSE);
        self.expectations.iter().map(|expectation| expectation.until).chain(ring_end).min()
    }

    /// Notices what the telephone did and gives, and what came of the expectations.
    pub(crate) fn notice(
        &mut self,
        now: Time,
        plane: &mut Plane,
        index: EndpointIndex,
        sounds: &Sounds,
    ) -> Vec<LineFact> {
        let mut facts = Vec::new();
        while let Some(event) = plane.poll_telephone(index) {
            match event {
                TelephoneEvent::OffHook => {
                    self.stop_ringing(&mut facts);
                    facts.push(LineFact::OffHook);
                }
                TelephoneEvent::OnHook => {
                    self.hears = None;
                    facts.push(LineFact::OnHook);
                }
                TelephoneEvent::RingingStarted => {
                    if !self.ringing {
                        facts.push(LineFact::Ringing);
                    }
                    self.ringing = true;
                    self.last_current = None;
                }
                TelephoneEvent::RingingStopped => self.last_current = Some(now),
                TelephoneEvent::CallerShown(text) => facts.push(LineFact::Caller(text)),
                TelephoneEvent::MouthpieceDone => {}
            }
        }
        while let Some((key, shows)) = plane.poll_key(index) {
            facts.push(LineFact::Key { key, shows });
        }
        if self.ringing && self.last_current.is_some_and(|last| now.since(last) >= RING_PAUSE) {
            self.stop_ringing(&mut facts);
        }
        let Some(telephone) = plane.telephone(index) else { return facts };
        // The earpiece of a handset on its hook is still, whatever it gave last.
        let hears = progress(telephone).filter(|_| telephone.is_off_hook());
        if hears != self.hears {
            self.hears = hears;
            facts.extend(hears.map(LineFact::Hears));
        }
        self.judge(now, telephone, (plane, index), sounds, &mut facts);
        facts
    }

    fn stop_ringing(&mut self, facts: &mut Vec<LineFact>) {
        if std::mem::take(&mut self.ringing) {
            self.last_current = None;
            facts.push(LineFact::RingingEnded);
        }
    }

    fn judge(
        &mut self,
        now: Time,
        telephone: &Telephone,
        (plane, index): (&Plane, EndpointIndex),
        sounds: &Sounds,
        facts: &mut Vec<LineFact>,
    ) {
        let waiting = std::mem::take(&mut self.expectations);
        for mut expectation in waiting {
            let over = now >= expectation.until;
            let due = over || expectation.look_again(now);
            let Expectation { number, sign, since, looks, .. } = expectation.clone();
            let is_met = match &sign {
                Sign::Key(key, text) => plane.shows_key(index, *key, text),
                sign => due && self.is_met(sign, looks, telephone, sounds),
            };
            if is_met {
                facts.push(LineFact::Met { expectation: number, sign, after: now - since });
            } else if over {
                let instead = self.instead(telephone);
                facts.push(LineFact::Missed { expectation: number, sign, instead });
            } else {
                self.expectations.push(expectation);
            }
        }
    }

    fn is_met(&self, sign: &Sign, look: usize, telephone: &Telephone, sounds: &Sounds) -> bool {
        match sign {
            Sign::Ring => self.ringing,
            Sign::RingEnd => !self.ringing,
            Sign::Caller(number) => {
                telephone.caller().is_some_and(|text| text.split_whitespace().next() == Some(number.as_str()))
            }
            Sign::Progress(tone) => {
                MEANINGS.iter().any(|(signal, meaning)| meaning == tone && telephone.hears_tone(*signal))
            }
            // What only a circuit shows.
            Sign::Circuit(_) | Sign::Key(..) => false,
            Sign::Silence => telephone.is_off_hook() && telephone.quiet_for() >= SILENT,
            Sign::Sound(Sound::Tone(hertz)) => gives_tone(&telephone.recording_tail(SURE), f64::from(*hertz)),
            Sign::Sound(Sound::File(name)) => {
                let tail = telephone.recording_tail(CONTENT);
                find(sounds, name).is_ok_and(|said| gives_recording(&tail, &said, look))
            }
        }
    }

    /// What was noticed instead, in words.
    fn instead(&self, telephone: &Telephone) -> String {
        if !telephone.is_off_hook() {
            return String::from(if self.ringing {
                "the telephone rings"
            } else {
                "the telephone is silent"
            });
        }
        if let Some(tone) = progress(telephone) {
            return format!("hears {tone}");
        }
        if telephone.quiet_for() >= SILENT {
            return String::from("hears nothing");
        }
        let heard: Vec<_> = telephone
            .heard_frequencies(2)
            .iter()
            .map(|component| format!("{:.0} Hz at {:.0} dBm0", component.hertz, component.level))
            .collect();
        if heard.is_empty() { String::from("hears noise") } else { format!("hears {}", heard.join(" and ")) }
    }
}

impl Expectation {
    /// Whether it is time to listen: comparing with a file is work, so it is done a few times a second, and then with one part
    /// of the file. More would hold up the gateway's media.
    fn look_again(&mut self, now: Time) -> bool {
        if !matches!(self.sign, Sign::Sound(_)) {
            return true;
        }
        let due = now >= self.next_look;
        if due {
            self.looks += 1;
            let pause = match self.sign {
                Sign::Sound(Sound::File(_)) => Duration::from_millis(250),
                _ => Duration::from_millis(50),
            };
            self.next_look = now + pause;
        }
        due
    }
}

/// The tones that a subscriber knows by name.
const MEANINGS: [(SignalTone, Progress); 10] = [
    (SignalTone::Dial, Progress::Dial),
    // Recall dial tone, and that which says that a message waits, invite to dial as well.
    (SignalTone::StutterDial, Progress::Dial),
    (SignalTone::MessageWaiting, Progress::Dial),
    (SignalTone::Ringback, Progress::Ringback),
    (SignalTone::Busy, Progress::Busy),
    (SignalTone::Congestion, Progress::Congestion),
    (SignalTone::SpecialInformation(Sit::NoCircuitIntra), Progress::SpecialInformation),
    (SignalTone::SpecialInformation(Sit::Intercept), Progress::SpecialInformation),
    (SignalTone::SpecialInformation(Sit::VacantCode), Progress::SpecialInformation),
    (SignalTone::OffHookWarning, Progress::Howler),
];

fn progress(telephone: &Telephone) -> Option<Progress> {
    let heard = telephone.heard_tone()?;
    MEANINGS.iter().find(|(signal, _)| *signal == heard).map(|(_, meaning)| *meaning)
}

/// Whether a sine of this frequency is the loudest thing in all parts of what was heard.
pub(crate) fn gives_tone(heard: &[i16], hertz: f64) -> bool {
    if (heard.len() as u64) < samples_in(SURE) {
        return false;
    }
    heard.chunks_exact(heard.len() / 3).all(|part| {
        let loudest = analysis::strongest(part, 1);
        loudest.iter().any(|component| (component.hertz - hertz).abs() < NEAR && component.level > QUIET)
    })
}

/// Whether a second of the recording, or all of it if it is shorter, has been heard. Each look is for another second; one
/// that was heard can be found for as long as [`CONTENT`] reaches back, so of a long recording some are found, if not each.
fn gives_recording(heard: &[i16], said: &[i16], look: usize) -> bool {
    let second = usize::try_from(samples_in(Duration::from_secs(1))).unwrap_or(usize::MAX);
    let parts = said.len().div_ceil(second).max(1);
    let part = said.chunks(second).nth(look % parts);
    part.is_some_and(|part| analysis::compare(part, heard).is_some_and(|found| found.is_heard()))
}

pub(crate) fn find(sounds: &Sounds, name: &str) -> Result<Arc<[i16]>, ActionError> {
    sounds.get(name).cloned().ok_or_else(|| ActionError::NoSound(name.to_owned()))
}

pub(crate) fn cut(samples: Arc<[i16]>, length: Option<Duration>) -> Arc<[i16]> {
    let most = length.map_or(usize::MAX, |length| usize::try_from(samples_in(length)).unwrap_or(usize::MAX));
    match samples.get(..most) {
        Some(part) => part.into(),
        None => samples,
    }
}

#[cfg(test)]
mod tests {
    use strowger_media::speech::SpeechNoise;
    use strowger_sansio::Rng;

    use super::*;

    #[test]
    fn a_long_recording_is_looked_for_a_second_at_a_time() {
        let talk = |seed, seconds: usize| -> Vec<i16> {
            let mut talk = SpeechNoise::new(Rng::from_number(seed), -12.0);
            (0..seconds * 8000).map(|_| talk.sample()).collect()
        };
        let (said, other) = (talk(1, 12), talk(2, 12));
        // What was heard last: from the fifth second to the eighth.
        let heard = &said[5 * 8000..9 * 8000];
        let looks: Vec<_> = (0..24).filter(|look| gives_recording(heard, &said, *look)).collect();
        assert_eq!(looks, [5, 6, 7, 8, 17, 18, 19, 20]);
        assert!((0..12).all(|look| !gives_recording(heard, &other, look)));
        assert!((0..3).all(|look| !gives_recording(heard, &[], look)));
    }
}
