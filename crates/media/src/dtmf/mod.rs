//! Dual-tone multi-frequency signalling: ITU-T Q.23 (the frequencies) and Q.24 (what a receiver must and must not accept).
//!
//! - `digit`: [`Digit`], with its frequencies and its telephone-event code.
//! - `generator`: [`DtmfGenerator`], digits as frames.
//! - `detector`: [`DtmfDetector`], frames as digits.

mod detector;
mod digit;
mod generator;

pub use detector::{DtmfDetector, DtmfEvent};
pub use digit::Digit;
pub use generator::{DtmfGenerator, DtmfLevel, DtmfTiming};
