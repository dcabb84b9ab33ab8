//! Tones that are the same everywhere, and stand-ins for those that a country's table does not give.
//!
//! Sure: the test tones (ITU-T Q.724, O.22), off-hook warning, calling card, alerting, prompt, recorder warning and the meanings of the
//! special information tone (GR-506, SR-2275 and GR-220 as RFC 3660 quotes them). Where E.182 names a tone and nothing fixes its
//! shape (conference, comfort, pay phone, intercept, preemption), the shape is ours and says so.

use super::plan::{SignalTone, Sit};
use super::shape::{Section, Sound, Step, Tone, cycle, off, on, times};

const STEADY: u32 = 0;
/// The level that E.180 asks of a single frequency.
const LEVEL: f64 = -10.0;
/// The level of the special information tone (E.180 section 6).
const SIT_LEVEL: f64 = -24.0;

const fn tone(sections: &'static [Section]) -> Tone {
    Tone::new(sections)
}

const CALL_WAITING_LEVEL: f64 = -13.0;
const W: &[f64] = &[440.0];

pub(super) const COMMON: &[(SignalTone, Tone)] = &[
    (SignalTone::Dial, tone(&[cycle(&[on(&[425.0], LEVEL, STEADY)])])),
    (
        SignalTone::StutterDial,
        tone(&[times(3, &[on(&[425.0], LEVEL, 100), off(100)]), cycle(&[on(&[425.0], LEVEL, STEADY)])]),
    ),
    (
        SignalTone::MessageWaiting,
        tone(&[times(10, &[on(&[425.0], LEVEL, 100), off(100)]), cycle(&[on(&[425.0], LEVEL, STEADY)])]),
    ),
    (SignalTone::Ringback, tone(&[cycle(&[on(&[425.0], LEVEL, 1000), off(4000)])])),
    (SignalTone::Busy, tone(&[cycle(&[on(&[425.0], LEVEL, 500), off(500)])])),
    (SignalTone::Congestion, tone(&[cycle(&[on(&[425.0], LEVEL, 250), off(250)])])),
    // E.180 section 6: three frequencies in rising order, then a second of silence.
    (
        SignalTone::SpecialInformation(Sit::NoCircuitIntra),
        tone(&[cycle(&[
            on(&[950.0], SIT_LEVEL, 330),
            on(&[1400.0], SIT_LEVEL, 330),
            on(&[1800.0], SIT_LEVEL, 330),
            off(1000),
        ])]),
    ),
    (SignalTone::Confirm, tone(&[times(3, &[on(&[425.0], LEVEL, 100), off(100)])])),
    (
        SignalTone::CallWaiting,
        tone(&[cycle(&[on(&[425.0], LEVEL, 200), off(200), on(&[425.0], LEVEL, 200), off(5000)])]),
    ),
    // GR-506 section 14.2: alternates for distinctive call waiting, 10 s apart.
    (
        SignalTone::CallWaitingPattern(2),
        tone(&[cycle(&[
            on(W, CALL_WAITING_LEVEL, 100),
            off(100),
            on(W, CALL_WAITING_LEVEL, 100),
            off(9700),
        ])]),
    ),
    (
        SignalTone::CallWaitingPattern(3),
        tone(&[cycle(&[
            on(W, CALL_WAITING_LEVEL, 100),
            off(100),
            on(W, CALL_WAITING_LEVEL, 100),
            off(100),
            on(W, CALL_WAITING_LEVEL, 100),
            off(9500),
        ])]),
    ),
    (
        SignalTone::CallWaitingPattern(4),
        tone(&[cycle(&[
            on(W, CALL_WAITING_LEVEL, 100),
            off(100),
            on(W, CALL_WAITING_LEVEL, 300),
            off(100),
            on(W, CALL_WAITING_LEVEL, 100),
            off(9300),
        ])]),
    ),
    // Ours: ringing tone with a short second burst.
    (
        SignalTone::CallerWaiting,
        tone(&[cycle(&[on(&[425.0], LEVEL, 1000), off(200), on(&[425.0], LEVEL, 200), off(3600)])]),
    ),
    (
        SignalTone::OffHookWarning,
        tone(&[cycle(&[on(&[1400.0, 2060.0, 2450.0, 2600.0], -9.5, 100), off(100)])]),
    ),
    (SignalTone::RecorderWarning, tone(&[cycle(&[on(&[1400.0], LEVEL, 500), off(14_500)])])),
    // Supplement 2 gives North America alternating 440 and 620 Hz.
    (SignalTone::Intercept, tone(&[cycle(&[on(&[440.0], -14.0, 250), on(&[620.0], -14.0, 250)])])),
    // Supplement 2, North America: 440 and 620 Hz together; its length is ours.
    (SignalTone::Preemption, tone(&[cycle(&[on(&[440.0, 620.0], -18.0, STEADY)])])),
    // Ours, after the holding tone of Germany in Supplement 2.
    (
        SignalTone::OnHold,
        tone(&[cycle(&[on(&[425.0], -16.0, 150), off(150), on(&[425.0], -16.0, 150), off(8000)])]),
    ),
    // Ours.
    (SignalTone::Comfort, tone(&[cycle(&[on(&[425.0], -20.0, 50), off(950)])])),
    (SignalTone::ConferenceJoin, tone(&[times(1, &[on(&[440.0], -16.0, 150), on(&[620.0], -16.0, 150)])])),
    (SignalTone::ConferenceDepart, tone(&[times(1, &[on(&[620.0], -16.0, 150), on(&[440.0], -16.0, 150)])])),
    (SignalTone::PayPhoneRecognition, tone(&[times(5, &[on(&[900.0], LEVEL, 200), off(200)])])),
    (SignalTone::Pay, tone(&[times(3, &[on(&[400.0], LEVEL, 125), off(125)])])),
    (SignalTone::Error, tone(&[times(1, &[on(&[425.0], LEVEL, 100), off(100), on(&[425.0], LEVEL, 100)])])),
    (SignalTone::Prompt, tone(&[times(1, &[on(&[400.0], LEVEL, 300)])])),
    (
        SignalTone::CallingCard,
        tone(&[times(
            1,
            &[
                on(&[941.0, 1477.0], -10.0, 60),
                Step {
                    sound: Sound::Decaying { hertz: &[350.0, 440.0], level: -10.0, constant: 200.0 },
                    millis: 940,
                },
            ],
        )]),
    ),
    (
        SignalTone::Alerting,
        tone(&[
            times(1, &[on(&[440.0], -13.0, 2000), off(10_000)]),
            cycle(&[on(&[440.0], -13.0, 500), off(10_000)]),
        ]),
    ),
    (SignalTone::Answer, tone(&[times(1, &[on(&[425.0], LEVEL, 300)])])),
    (SignalTone::Continuity2010, tone(&[cycle(&[on(&[2010.0], -12.0, STEADY)])])),
    (SignalTone::Continuity1780, tone(&[cycle(&[on(&[1780.0], -12.0, STEADY)])])),
    (SignalTone::Milliwatt, tone(&[cycle(&[on(&[1004.0], 0.0, STEADY)])])),
    (SignalTone::OldMilliwatt, tone(&[cycle(&[on(&[1000.0], 0.0, STEADY)])])),
    (SignalTone::NewestMilliwatt, tone(&[cycle(&[on(&[1013.8], 0.0, STEADY)])])),
    (SignalTone::TestLine, tone(&[cycle(&[on(&[2225.0], -10.0, STEADY)])])),
];
