//! Stand-in sound for what did not arrive: the last 20 ms again, fading to silence over 60 ms.
//!
//! Longer repetition sounds like a machine; a hole without it sounds like a click.

use crate::frame::Frame;

/// Samples of memory: 20 ms, two periods of a deep voice.
const MEMORY: usize = 160;
/// Samples after which nothing is left: 60 ms.
const FADE: i32 = 480;

#[derive(Clone, Debug)]
pub(super) struct Concealment {
    memory: [i16; MEMORY],
    /// How many samples have been made up since the last that was heard.
    made_up: i32,
}

impl Default for Concealment {
    fn default() -> Self {
        Self { memory: [0; MEMORY], made_up: FADE }
    }
}

impl Concealment {
    /// Remembers a frame that was heard.
    pub(super) fn heard(&mut self, frame: &Frame) {
        self.memory.rotate_left(frame.len());
        let (_, newest) = self.memory.split_at_mut(MEMORY - frame.len());
        newest.copy_from_slice(frame);
        self.made_up = 0;
    }

    /// Fills `frame` from the sample `from` on; says whether there was anything left to fill it with.
    pub(super) fn fill(&mut self, frame: &mut Frame, from: usize) -> bool {
        let audible = self.made_up < FADE;
        for sample in frame.iter_mut().skip(from) {
            if self.made_up >= FADE {
                break;
            }
            let position = usize::try_from(self.made_up).unwrap_or(0) % MEMORY;
            let source = self.memory.get(position).copied().unwrap_or(0);
            let faded = i32::from(source) * (FADE - self.made_up) / FADE;
            *sample = i16::try_from(faded).unwrap_or(0);
            self.made_up += 1;
        }
        audible
    }
}
