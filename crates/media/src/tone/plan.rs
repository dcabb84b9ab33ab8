//! The tones and ringing of one country, by name.

use std::fmt;
use std::time::Duration;

use super::common::COMMON;
use super::generator::ToneGenerator;
use super::plans::PLANS;
use super::shape::{RingCadence, Tone};

/// Tones by what they tell the subscriber (ITU-T E.182).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalTone {
    /// Dial tone.
    Dial,
    /// Special or recall dial tone: dial, after something was confirmed.
    StutterDial,
    /// Dial tone that says that messages wait.
    MessageWaiting,
    /// Ringing tone: the called line is being rung.
    Ringback,
    /// Busy tone.
    Busy,
    /// Congestion or reorder tone: no way through the network.
    Congestion,
    /// The special information tone, of one of several meanings.
    SpecialInformation(Sit),
    /// Number unobtainable.
    NumberUnobtainable,
    /// Positive indication.
    Confirm,
    /// Negative indication.
    NegativeIndication,
    /// Another call waits: heard by the subscriber who talks.
    CallWaiting,
    /// A distinctive form of it, 2 to 4; others are the plain one.
    CallWaitingPattern(u8),
    /// The called subscriber talks, and knows that this call waits: heard by the caller.
    CallerWaiting,
    /// Off-hook warning, or howler: put the handset down.
    OffHookWarning,
    /// The conversation is recorded.
    RecorderWarning,
    /// Intercept.
    Intercept,
    /// Preemption.
    Preemption,
    /// The call is on hold.
    OnHold,
    /// Comfort: the call is being worked on.
    Comfort,
    /// Somebody joins the conference.
    ConferenceJoin,
    /// Somebody leaves the conference.
    ConferenceDepart,
    /// This station is a pay phone.
    PayPhoneRecognition,
    /// Payment is wanted.
    Pay,
    /// Error: old, and nowhere well defined.
    Error,
    /// Prompt: enter more.
    Prompt,
    /// Enter the calling card's number.
    CallingCard,
    /// Somebody listens: an operator has entered the call.
    Alerting,
    /// Answer: old, and nowhere well defined.
    Answer,
    /// The continuity test tone of 2010 Hz.
    Continuity2010,
    /// The continuity test tone of 1780 Hz.
    Continuity1780,
    /// The milliwatt of 1004 Hz at 0 dBm0.
    Milliwatt,
    /// The older milliwatt, 1000 Hz at 0 dBm0.
    OldMilliwatt,
    /// The newest milliwatt, 1013.8 Hz at 0 dBm0.
    NewestMilliwatt,
    /// The progress tone of the 105 test line: 2225 Hz at -10 dBm0.
    TestLine,
}

/// The meanings of the special information tone in North America (SR-2275 section 6.21.2, as RFC 3660 numbers them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sit {
    /// 1: reorder, within the area.
    ReorderIntra,
    /// 2: reorder, between areas.
    ReorderInter,
    /// 3: no circuit, within the area; the default.
    NoCircuitIntra,
    /// 4: no circuit, between areas.
    NoCircuitInter,
    /// 5: intercept.
    Intercept,
    /// 6: vacant code.
    VacantCode,
    /// 7: ineffective other.
    IneffectiveOther,
}

impl Sit {
    /// The meaning that goes under a number from 1 to 7.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::ReorderIntra,
            2 => Self::ReorderInter,
            3 => Self::NoCircuitIntra,
            4 => Self::NoCircuitInter,
            5 => Self::Intercept,
            6 => Self::VacantCode,
            7 => Self::IneffectiveOther,
            _ => return None,
        })
    }
}

/// How a telephone is rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RingPattern {
    /// As always.
    Normal,
    /// Distinctively: 1 to 5 have a cadence of their own; others are the normal one (RFC 3660 section 2.4).
    Distinctive(u8),
    /// A single short burst: a call was forwarded.
    Splash,
}

/// The tones and ringing of one country.
#[derive(Debug, PartialEq)]
pub struct TonePlan {
    /// The country's ISO 3166 code, in lower case.
    pub(super) country: &'static str,
    /// The tones that differ from the common ones.
    pub(super) tones: &'static [(SignalTone, Tone)],
    /// The normal ringing cadence.
    pub(super) ringing: RingCadence,
}

impl TonePlan {
    /// The plan of a country by its ISO 3166 code, in any case.
    #[must_use]
    pub fn of(country: &str) -> Option<&'static Self> {
        PLANS.iter().find(|plan| plan.country.eq_ignore_ascii_case(country))
    }

    /// All plans.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        PLANS.iter()
    }

    /// The plan of North America.
    #[must_use]
    pub fn north_america() -> &'static Self {
        &PLANS[0]
    }

    /// The country's ISO 3166 code, in lower case.
    #[must_use]
    pub const fn country(&self) -> &'static str {
        self.country
    }

    /// A tone of the country; the common one where the country's table gives none.
    #[must_use]
    pub fn tone(&self, signal: SignalTone) -> Tone {
        let signal = match signal {
            SignalTone::CallWaitingPattern(0 | 1 | 5..) => SignalTone::CallWaiting,
            other => other,
        };
        // These are other tones by another name, unless the country says otherwise.
        let alias = match signal {
            SignalTone::NumberUnobtainable | SignalTone::NegativeIndication => SignalTone::Congestion,
            SignalTone::SpecialInformation(_) => SignalTone::SpecialInformation(Sit::NoCircuitIntra),
            SignalTone::MessageWaiting => SignalTone::StutterDial,
            other => other,
        };
        let places = [(self.tones, signal), (self.tones, alias), (COMMON, signal), (COMMON, alias)];
        let find = |(tones, wanted): (&[(SignalTone, Tone)], SignalTone)| {
            tones.iter().find(|(name, _)| *name == wanted).map(|(_, tone)| *tone)
        };
        places.into_iter().find_map(find).unwrap_or(Tone::new(&[]))
    }

    /// A cadence of ringing.
    #[must_use]
    pub const fn ringing(&self, pattern: RingPattern) -> RingCadence {
        match pattern {
            // GR-506 section 14: the five distinctive patterns of North America, which others took over.
            RingPattern::Distinctive(1) => RingCadence::new(&[2000, 4000]),
            RingPattern::Distinctive(2) => RingCadence::new(&[800, 400, 800, 4000]),
            RingPattern::Distinctive(3) => RingCadence::new(&[400, 200, 400, 200, 800, 4000]),
            RingPattern::Distinctive(4) => RingCadence::new(&[300, 200, 1000, 200, 300, 4000]),
            RingPattern::Distinctive(5) | RingPattern::Splash => {
                RingCadence { spans: &[500, 100], once: true }
            }
            RingPattern::Normal | RingPattern::Distinctive(_) => self.ringing,
        }
    }

    /// Recall dial tone with a pause of `delay` between what confirms and the dial tone.
    #[must_use]
    pub fn stutter_dial_after(&self, delay: Duration) -> ToneGenerator {
        let mut generator = ToneGenerator::new(self.tone(SignalTone::Confirm));
        generator.then_silence(delay);
        generator.then(self.tone(SignalTone::Dial));
        generator
    }
}

impl fmt::Display for SignalTone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dial => "dial tone",
            Self::StutterDial => "stutter dial tone",
            Self::MessageWaiting => "message waiting tone",
            Self::Ringback => "ringback tone",
            Self::Busy => "busy tone",
            Self::Congestion => "congestion tone",
            Self::SpecialInformation(_) => "special information tone",
            Self::NumberUnobtainable => "number unobtainable tone",
            Self::Confirm => "confirmation tone",
            Self::NegativeIndication => "negative indication tone",
            Self::CallWaiting | Self::CallWaitingPattern(_) => "call waiting tone",
            Self::CallerWaiting => "caller waiting tone",
            Self::OffHookWarning => "off-hook warning tone",
            Self::RecorderWarning => "recorder warning tone",
            Self::Intercept => "intercept tone",
            Self::Preemption => "preemption tone",
            Self::OnHold => "hold tone",
            Self::Comfort => "comfort tone",
            Self::ConferenceJoin => "conference join tone",
            Self::ConferenceDepart => "conference depart tone",
            Self::PayPhoneRecognition => "pay phone recognition tone",
            Self::Pay => "pay tone",
            Self::Error => "error tone",
            Self::Prompt => "prompt tone",
            Self::CallingCard => "calling card tone",
            Self::Alerting => "alerting tone",
            Self::Answer => "answer tone",
            Self::Continuity2010 => "continuity tone of 2010 Hz",
            Self::Continuity1780 => "continuity tone of 1780 Hz",
            Self::Milliwatt => "milliwatt of 1004 Hz",
            Self::OldMilliwatt => "milliwatt of 1000 Hz",
            Self::NewestMilliwatt => "milliwatt of 1013.8 Hz",
            Self::TestLine => "test line tone of 2225 Hz",
        })
    }
}
