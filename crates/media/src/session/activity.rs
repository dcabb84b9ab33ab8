//! Whether somebody talks: what decides that a frame need not be sent, and what the other side is to hear instead.
//!
//! The level of the room is followed down at once and up slowly, and talk is what stands well above it. A quiet end of a word is covered by
//! the hangover. Limits: a level only, so that music that is softer than the room's noise is lost.

use std::time::Duration;

use crate::comfort_noise::NoiseLevel;
use crate::frame::{FRAME_TIME, Frame, level_dbm0};

/// Below this level in dBm0 a frame is silence, whatever the room.
const SILENT: f64 = -50.0;
/// By how much talk stands above the room, in dB.
const ABOVE: f64 = 8.0;
/// The loudest and the softest room, in dBm0: louder is taken for talk, or music.
const ROOM: std::ops::RangeInclusive<f64> = -70.0..=-40.0;
/// How fast the room is believed to grow louder, in dB a frame: 3 dB a second, so that no word is taken for it.
const RISE: f64 = 0.03;
/// Frames of silence that are still sent, so that word endings are not cut: 200 ms.
const HANGOVER: u32 = 20;
/// A change of the room's level in dB that is told, how soon at the earliest, and after how long without one.
const TOLD_CHANGE: u8 = 3;
const TOLD_SOONEST: Duration = Duration::from_millis(200);
const TOLD_LATEST: Duration = Duration::from_secs(2);

/// Listens to what is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    room: f64,
    /// The mean power of the silent frames, on the scale of levels.
    silence: f64,
    silent_frames: u32,
    /// What the other side was told last, and how many frames ago.
    told: Option<(NoiseLevel, u32)>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { room: *ROOM.start(), silence: SILENT, silent_frames: 0, told: None }
    }
}

impl Activity {
    /// Listens to a frame; says whether it is silence, and the hangover over.
    pub(super) fn is_over(&mut self, frame: &Frame) -> bool {
        let level = level_dbm0(frame);
        self.room = level.min(self.room + RISE).clamp(*ROOM.start(), *ROOM.end());
        if level >= SILENT.max(self.room + ABOVE) {
            self.silent_frames = 0;
            return false;
        }
        let share = if self.silent_frames == 0 { 1.0 } else { 0.1 };
        self.silence += (level - self.silence) * share;
        self.silent_frames = self.silent_frames.saturating_add(1);
        self.silent_frames > HANGOVER
    }

    /// Something is sent: the next silence is told anew.
    pub(super) const fn speak(&mut self) {
        self.told = None;
    }

    /// A frame is not sent: the level to be told now, if it is time to.
    pub(super) fn tell(&mut self) -> Option<NoiseLevel> {
        let level = NoiseLevel::from_dbm0(self.silence);
        if let Some((told, frames)) = &mut self.told {
            *frames += 1;
            let since = FRAME_TIME * *frames;
            let soon = since >= TOLD_SOONEST && told.distance(level) >= TOLD_CHANGE;
            if !soon && since < TOLD_LATEST {
                return None;
            }
        }
        self.told = Some((level, 0));
        Some(level)
    }
}
