//! The tones of telephone networks: ITU-T E.180 with its Supplement 2, E.182, and GR-506 as RFC 3660 quotes it.
//!
//! - `shape`: what a tone is: frequencies, levels and cadence.
//! - `plan`: [`TonePlan`], the tones and ringing of one country.
//! - `plans`: the table, one entry a country.
//! - `common`: tones that are the same everywhere, or that a country's entry does not give.
//! - `generator`: [`ToneGenerator`], a tone as frames.
//! - `oscillator`: sines.

mod common;
mod generator;
mod oscillator;
mod plan;
mod plans;
mod shape;

pub use generator::ToneGenerator;
pub use oscillator::Oscillator;
pub use plan::{RingPattern, SignalTone, Sit, TonePlan};
pub use shape::{RingCadence, Section, Sound, Step, Tone};
