//! The test pattern of a digital circuit (`T/tp`, RFC 3660 section 2.3): one octet, sent in every sample of the channel, for the 108 test line.
//!
//! A circuit here carries linear samples, so that the pattern is what the octet stands for in the companding law of the country.

use strowger_media::g711::Law;
use strowger_media::tone::TonePlan;
use strowger_media::{FRAME_SAMPLES, FRAME_TIME, Frame};
use strowger_mgcp::message::{EventParameter, EventParameters};
use strowger_sansio::Duration;

/// The pattern of those who name none.
const USUAL: u8 = 95;
/// How long a pattern must be received to be believed: no voice holds a sample for so long.
const SURE: Duration = Duration::from_millis(100);

/// The octet that a signal or event names.
pub(super) fn octet(parameters: EventParameters<'_>) -> Option<u8> {
    let value = parameters.iter().find_map(|parameter| match parameter {
        EventParameter::Value(number) => Some(number),
        _ => None,
    });
    value.map_or(Some(USUAL), |number| number.parse().ok())
}

/// What an octet is as a sample.
pub(super) fn sample(plan: &TonePlan, octet: u8) -> i16 {
    let law = if ["us", "jp"].contains(&plan.country()) { Law::Mu } else { Law::A };
    law.decode(octet)
}

/// 10 ms of a pattern.
pub(super) const fn frame(sample: i16) -> Frame {
    [sample; FRAME_SAMPLES]
}

/// Looks for one pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct PatternWatch {
    pub(super) octet: u8,
    sample: i16,
    frames: u32,
}

impl PatternWatch {
    pub(super) fn new(plan: &TonePlan, octet: u8) -> Self {
        Self { octet, sample: sample(plan, octet), frames: 0 }
    }

    /// Listens to 10 ms; says whether the pattern has now been there for long enough, once while it lasts.
    pub(super) fn listen(&mut self, frame: &Frame) -> bool {
        let is_it = frame.iter().all(|heard| *heard == self.sample);
        self.frames = if is_it { self.frames.saturating_add(1) } else { 0 };
        FRAME_TIME * self.frames == SURE
    }
}
