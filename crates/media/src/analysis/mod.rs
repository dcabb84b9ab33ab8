//! What is it that is heard? Frequencies, call progress tones, and whether it is what the other side said.
//!
//! - `fft`: the transform that the other rooms share.
//! - `spectrum`: the strongest frequencies of a stretch of sound.
//! - `watch`: [`FrequencyWatch`], whether one frequency is there and for how long.
//! - `bank`: which of a country's sounds fills a short window.
//! - `recogniser`: [`ToneRecogniser`], which call progress tone is heard.
//! - `correlation`: [`compare`], how much of a recording is found in what was heard, and how late.
//!
//! All of it is for the side that listens: nothing here runs for a call that nobody examines.

mod bank;
mod correlation;
mod fft;
mod recogniser;
mod spectrum;
mod watch;

pub use correlation::{ContentMatch, compare};
pub use recogniser::ToneRecogniser;
pub use spectrum::{Component, strongest};
pub use watch::FrequencyWatch;
