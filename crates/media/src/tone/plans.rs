//! The tone plans, one entry a country: ITU-T E.180 Supplement 2 ("Various tones used in national networks").
//!
//! The Supplement gives frequency and cadence; levels are the E.180 default of -10 dBm0 for one frequency except in North
//! America, where GR-506 (quoted by RFC 3660) gives them. Many networks have several generations of equipment
//! with tones of their own; an entry holds the most common one. Entries marked "unsure" come from secondary lists that differ
//! from one another, and want a check against the Supplement's present issue before a type approval relies on them.

use super::plan::{SignalTone as T, Sit, TonePlan};
use super::shape::{RingCadence, Section, Step, Tone, cycle, modulated, off, on, times};

const STEADY: u32 = 0;
const LEVEL: f64 = -10.0;
const SIT_LEVEL: f64 = -24.0;

const fn tone(sections: &'static [Section]) -> Tone {
    Tone::new(sections)
}

/// One frequency of the European plan, for a time.
const fn e(millis: u32) -> Step {
    on(&[425.0], LEVEL, millis)
}

/// The two frequencies of dial tone in North America and Britain, for a time.
const fn dial(millis: u32) -> Step {
    on(&[350.0, 440.0], -13.0, millis)
}

/// Ringing tone of Britain, for a time.
const fn gb_ring(millis: u32) -> Step {
    on(&[400.0, 450.0], -13.0, millis)
}

/// 400 Hz, for a time.
const fn f400(millis: u32) -> Step {
    on(&[400.0], LEVEL, millis)
}

/// 440 Hz, for a time.
const fn f440(millis: u32) -> Step {
    on(&[440.0], LEVEL, millis)
}

/// 420 Hz, for a time.
const fn f420(millis: u32) -> Step {
    on(&[420.0], LEVEL, millis)
}

/// A segment of the special information tone of North America: 380 ms when long, 274 ms when short.
const fn long(hertz: &'static [f64]) -> Step {
    on(hertz, SIT_LEVEL, 380)
}

const fn short(hertz: &'static [f64]) -> Step {
    on(hertz, SIT_LEVEL, 274)
}

const LOW_1: &[f64] = &[913.8];
const HIGH_1: &[f64] = &[985.2];
const LOW_2: &[f64] = &[1370.6];
const HIGH_2: &[f64] = &[1428.5];
const THIRD: &[f64] = &[1776.7];
const SIT_GAP: Step = off(1000);

const US: TonePlan = TonePlan {
    country: "us",
    ringing: RingCadence::new(&[2000, 4000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[dial(STEADY)])])),
        (T::StutterDial, tone(&[times(3, &[dial(100), off(100)]), cycle(&[dial(STEADY)])])),
        (T::MessageWaiting, tone(&[times(10, &[dial(100), off(100)]), cycle(&[dial(STEADY)])])),
        (T::Confirm, tone(&[times(3, &[dial(100), off(100)])])),
        (T::Ringback, tone(&[cycle(&[on(&[440.0, 480.0], -19.0, 2000), off(4000)])])),
        (T::Busy, tone(&[cycle(&[on(&[480.0, 620.0], -24.0, 500), off(500)])])),
        (T::Congestion, tone(&[cycle(&[on(&[480.0, 620.0], -24.0, 250), off(250)])])),
        // 440 Hz for 300 ms, once more after 10 s.
        (T::CallWaiting, tone(&[times(2, &[on(&[440.0], -13.0, 300), off(9700)])])),
        (
            T::CallerWaiting,
            tone(&[cycle(&[on(&[440.0, 480.0], -19.0, 1800), on(&[440.0], -13.0, 200), off(4000)])]),
        ),
        // SR-2275: the meaning lies in pitch and length of the first two segments.
        (
            T::SpecialInformation(Sit::ReorderIntra),
            tone(&[cycle(&[short(LOW_1), long(HIGH_2), long(THIRD), SIT_GAP])]),
        ),
        (
            T::SpecialInformation(Sit::ReorderInter),
            tone(&[cycle(&[short(HIGH_1), long(LOW_2), long(THIRD), SIT_GAP])]),
        ),
        (
            T::SpecialInformation(Sit::NoCircuitIntra),
            tone(&[cycle(&[long(HIGH_1), long(HIGH_2), long(THIRD), SIT_GAP])]),
        ),
        (
            T::SpecialInformation(Sit::NoCircuitInter),
            tone(&[cycle(&[long(LOW_1), long(LOW_2), long(THIRD), SIT_GAP])]),
        ),
        (
            T::SpecialInformation(Sit::Intercept),
            tone(&[cycle(&[short(LOW_1), short(LOW_2), long(THIRD), SIT_GAP])]),
        ),
        (
            T::SpecialInformation(Sit::VacantCode),
            tone(&[cycle(&[long(HIGH_1), short(LOW_2), long(THIRD), SIT_GAP])]),
        ),
        (
            T::SpecialInformation(Sit::IneffectiveOther),
            tone(&[cycle(&[long(LOW_1), short(HIGH_2), long(THIRD), SIT_GAP])]),
        ),
    ],
};

const GB: TonePlan = TonePlan {
    country: "gb",
    ringing: RingCadence::new(&[400, 200, 400, 2000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[dial(STEADY)])])),
        (T::StutterDial, tone(&[cycle(&[dial(750), f440(750)])])),
        (T::Ringback, tone(&[cycle(&[gb_ring(400), off(200), gb_ring(400), off(2000)])])),
        (T::Busy, tone(&[cycle(&[f400(375), off(375)])])),
        (T::Congestion, tone(&[cycle(&[f400(400), off(350), f400(225), off(525)])])),
        (T::NumberUnobtainable, tone(&[cycle(&[f400(STEADY)])])),
        (T::CallWaiting, tone(&[cycle(&[f400(100), off(4000)])])),
    ],
};

const DE: TonePlan = TonePlan {
    country: "de",
    ringing: RingCadence::new(&[1000, 4000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[e(STEADY)])])),
        (T::StutterDial, tone(&[cycle(&[on(&[400.0, 425.0], -13.0, STEADY)])])),
        (T::Ringback, tone(&[cycle(&[e(1000), off(4000)])])),
        (T::Busy, tone(&[cycle(&[e(480), off(480)])])),
        (T::Congestion, tone(&[cycle(&[e(240), off(240)])])),
        (T::CallWaiting, tone(&[cycle(&[e(200), off(200), e(200), off(5000)])])),
        (T::OnHold, tone(&[cycle(&[e(150), off(150), e(150), off(8000)])])),
    ],
};

const FR: TonePlan = TonePlan {
    country: "fr",
    ringing: RingCadence::new(&[1500, 3500]),
    tones: &[
        (T::Dial, tone(&[cycle(&[f440(STEADY)])])),
        // Unsure: 330 and 440 Hz in older lists.
        (T::StutterDial, tone(&[cycle(&[on(&[330.0, 440.0], -13.0, STEADY)])])),
        (T::Ringback, tone(&[cycle(&[f440(1500), off(3500)])])),
        (T::Busy, tone(&[cycle(&[f440(500), off(500)])])),
        (T::Congestion, tone(&[cycle(&[f440(250), off(250)])])),
        (T::CallWaiting, tone(&[cycle(&[f440(300), off(10_000)])])),
    ],
};

const IT: TonePlan = TonePlan {
    country: "it",
    ringing: RingCadence::new(&[1000, 4000]),
    tones: &[
        // Dial tone has a cadence here.
        (T::Dial, tone(&[cycle(&[e(200), off(200), e(600), off(1000)])])),
        (T::StutterDial, tone(&[cycle(&[on(&[470.0], LEVEL, 400), e(400)])])),
        (T::Ringback, tone(&[cycle(&[e(1000), off(4000)])])),
        (T::Busy, tone(&[cycle(&[e(500), off(500)])])),
        (T::Congestion, tone(&[cycle(&[e(200), off(200)])])),
        (T::CallWaiting, tone(&[cycle(&[e(400), off(100), e(250), off(100), e(150), off(14_000)])])),
    ],
};

const ES: TonePlan = TonePlan {
    country: "es",
    ringing: RingCadence::new(&[1500, 3000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[e(STEADY)])])),
        // Unsure: also given as 1.0 s on, 0.1 s off.
        (T::StutterDial, tone(&[cycle(&[e(1000), off(100)])])),
        (T::Ringback, tone(&[cycle(&[e(1500), off(3000)])])),
        (T::Busy, tone(&[cycle(&[e(200), off(200)])])),
        (T::Congestion, tone(&[cycle(&[e(200), off(200), e(200), off(200), e(200), off(600)])])),
        (T::CallWaiting, tone(&[cycle(&[e(175), off(175), e(175), off(3500)])])),
    ],
};

const NL: TonePlan = TonePlan {
    country: "nl",
    ringing: RingCadence::new(&[1000, 4000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[e(STEADY)])])),
        (T::StutterDial, tone(&[cycle(&[e(500), off(50)])])),
        (T::Ringback, tone(&[cycle(&[e(1000), off(4000)])])),
        (T::Busy, tone(&[cycle(&[e(500), off(500)])])),
        (T::Congestion, tone(&[cycle(&[e(250), off(250)])])),
        (T::CallWaiting, tone(&[cycle(&[e(500), off(9500)])])),
    ],
};

const SE: TonePlan = TonePlan {
    country: "se",
    ringing: RingCadence::new(&[1000, 5000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[e(STEADY)])])),
        (T::StutterDial, tone(&[cycle(&[e(320), off(20)])])),
        (T::Ringback, tone(&[cycle(&[e(1000), off(5000)])])),
        (T::Busy, tone(&[cycle(&[e(250), off(250)])])),
        (T::Congestion, tone(&[cycle(&[e(250), off(750)])])),
        (T::CallWaiting, tone(&[cycle(&[e(200), off(500), e(200), off(9100)])])),
    ],
};

const CH: TonePlan = TonePlan {
    country: "ch",
    ringing: RingCadence::new(&[1000, 4000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[e(STEADY)])])),
        // Unsure: lists agree on 425 and 340 Hz in turn, not on their length.
        (T::StutterDial, tone(&[cycle(&[e(1100), on(&[340.0], LEVEL, 1100)])])),
        (T::Ringback, tone(&[cycle(&[e(1000), off(4000)])])),
        (T::Busy, tone(&[cycle(&[e(500), off(500)])])),
        (T::Congestion, tone(&[cycle(&[e(200), off(200)])])),
        (T::CallWaiting, tone(&[cycle(&[e(200), off(200), e(200), off(4000)])])),
    ],
};

const AT: TonePlan = TonePlan {
    country: "at",
    ringing: RingCadence::new(&[1000, 5000]),
    tones: &[
        // Unsure: 420 Hz in the Supplement, 425 Hz in newer equipment.
        (T::Dial, tone(&[cycle(&[f420(STEADY)])])),
        (T::StutterDial, tone(&[cycle(&[on(&[380.0, 420.0], -13.0, STEADY)])])),
        (T::Ringback, tone(&[cycle(&[f420(1000), off(5000)])])),
        (T::Busy, tone(&[cycle(&[f420(400), off(400)])])),
        (T::Congestion, tone(&[cycle(&[f420(200), off(200)])])),
        (T::CallWaiting, tone(&[cycle(&[f420(40), off(1960)])])),
        (
            T::SpecialInformation(Sit::NoCircuitIntra),
            tone(&[cycle(&[
                on(&[950.0], SIT_LEVEL, 330),
                on(&[1450.0], SIT_LEVEL, 330),
                on(&[1850.0], SIT_LEVEL, 330),
                off(1000),
            ])]),
        ),
    ],
};

const AU: TonePlan = TonePlan {
    country: "au",
    ringing: RingCadence::new(&[400, 200, 400, 2000]),
    tones: &[
        // AS/ACIF S002: 400, 425 and 450 Hz, heard as 425 Hz moved at 25 Hz; older exchanges send 425 x 25.
        (T::Dial, tone(&[cycle(&[modulated(425.0, 25.0, LEVEL, STEADY)])])),
        (T::StutterDial, tone(&[cycle(&[modulated(425.0, 25.0, LEVEL, 100), off(40)])])),
        // Unsure: lists give 400 x 17, 400 x 25 and 413 with 438 Hz.
        (
            T::Ringback,
            tone(&[cycle(&[
                modulated(400.0, 17.0, LEVEL, 400),
                off(200),
                modulated(400.0, 17.0, LEVEL, 400),
                off(2000),
            ])]),
        ),
        (T::Busy, tone(&[cycle(&[e(375), off(375)])])),
        // Every second burst is 10 dB lower, which is all that tells it from busy.
        (T::Congestion, tone(&[cycle(&[e(375), off(375), on(&[425.0], -20.0, 375), off(375)])])),
        (T::CallWaiting, tone(&[cycle(&[e(200), off(200), e(200), off(4400)])])),
        (T::NumberUnobtainable, tone(&[cycle(&[e(2500), off(500)])])),
    ],
};

const JP: TonePlan = TonePlan {
    country: "jp",
    ringing: RingCadence::new(&[1000, 2000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[f400(STEADY)])])),
        (T::StutterDial, tone(&[cycle(&[f400(250), off(250)])])),
        // The modulation lies between 15 and 20 Hz.
        (T::Ringback, tone(&[cycle(&[modulated(400.0, 16.0, LEVEL, 1000), off(2000)])])),
        (T::Busy, tone(&[cycle(&[f400(500), off(500)])])),
        // One tone serves for busy and congestion.
        (T::Congestion, tone(&[cycle(&[f400(500), off(500)])])),
        // Unsure.
        (T::CallWaiting, tone(&[cycle(&[modulated(400.0, 16.0, LEVEL, 500), off(4000)])])),
    ],
};

const IN: TonePlan = TonePlan {
    country: "in",
    ringing: RingCadence::new(&[400, 200, 400, 2000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[modulated(400.0, 25.0, LEVEL, STEADY)])])),
        // Unsure.
        (
            T::StutterDial,
            tone(&[times(3, &[f400(100), off(100)]), cycle(&[modulated(400.0, 25.0, LEVEL, STEADY)])]),
        ),
        (
            T::Ringback,
            tone(&[cycle(&[
                modulated(400.0, 25.0, LEVEL, 400),
                off(200),
                modulated(400.0, 25.0, LEVEL, 400),
                off(2000),
            ])]),
        ),
        (T::Busy, tone(&[cycle(&[f400(750), off(750)])])),
        (T::Congestion, tone(&[cycle(&[f400(250), off(250)])])),
        (T::NumberUnobtainable, tone(&[cycle(&[f400(2500), off(500)])])),
        (T::CallWaiting, tone(&[cycle(&[f400(200), off(100), f400(200), off(7500)])])),
    ],
};

const BR: TonePlan = TonePlan {
    country: "br",
    ringing: RingCadence::new(&[1000, 4000]),
    tones: &[
        (T::Dial, tone(&[cycle(&[e(STEADY)])])),
        // Unsure.
        (T::StutterDial, tone(&[cycle(&[e(1000), off(100)])])),
        (T::Ringback, tone(&[cycle(&[e(1000), off(4000)])])),
        (T::Busy, tone(&[cycle(&[e(250), off(250)])])),
        (T::Congestion, tone(&[cycle(&[e(250), off(250), e(750), off(250)])])),
        (T::CallWaiting, tone(&[cycle(&[e(50), off(1000)])])),
    ],
};

/// The table, North America first.
pub(super) static PLANS: [TonePlan; 14] = [US, GB, DE, FR, IT, ES, NL, SE, CH, AT, AU, JP, IN, BR];
