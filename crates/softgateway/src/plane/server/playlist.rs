//! Recordings and silences one after the other, a frame at a time, at their own or another speed and level.

use std::sync::Arc;

use strowger_media::frame::samples_in;
use strowger_media::{Frame, SILENCE};
use strowger_mgcp::package::audio::Segment;
use strowger_sansio::Duration;

use super::library::Library;

/// A part of what is played.
#[derive(Clone, Debug)]
enum Part {
    Samples(Arc<[i16]>),
    Silence(u64),
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Self::Samples(samples) => samples.len() as u64,
            Self::Silence(count) => *count,
        }
    }

    fn sample(&self, at: u64) -> i16 {
        match self {
            Self::Samples(samples) => {
                usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0)
            }
            Self::Silence(_) => 0,
        }
    }
}

/// What is played.
#[derive(Clone, Debug)]
pub(super) struct Playlist {
    parts: Vec<Part>,
    part: usize,
    /// Position in the part, in hundredths of a sample.
    at: u64,
    /// Percent of the speed.
    speed: u64,
    gain: f64,
}

impl Playlist {
    /// One recording.
    pub(super) fn of(samples: Arc<[i16]>) -> Self {
        Self { parts: vec![Part::Samples(samples)], part: 0, at: 0, speed: 100, gain: 1.0 }
    }

    /// The segments of an announcement. What fails is the return code of RFC 2897 section 6.
    pub(super) fn resolve(
        segments: &[Segment],
        library: &Library,
        speed: i32,
        volume: i32,
    ) -> Result<Self, u16> {
        let mut parts = Vec::with_capacity(segments.len());
        for segment in segments {
            parts.push(match segment {
                Segment::Id(number, variables) if variables.is_empty() => {
                    Part::Samples(library.find(&format!("{number}.wav")).ok_or(301_u16)?)
                }
                Segment::Alias(name, variables) if variables.is_empty() => {
                    Part::Samples(library.find(name).ok_or(309_u16)?)
                }
                Segment::Silence(span) => Part::Silence(samples_in(*span)),
                // Recordings have no variables in them, and nothing here speaks text or shows it.
                Segment::Id(..) | Segment::Alias(..) => return Err(312),
                Segment::Variable(..) => return Err(304),
                Segment::Speech(_) | Segment::Display(_) => return Err(300),
            });
        }
        let speed = u64::try_from(speed).unwrap_or(100);
        Ok(Self { parts, part: 0, at: 0, speed, gain: 10_f64.powf(f64::from(volume) / 20.0) })
    }

    /// Whether there is nothing to play.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Back to the start.
    pub(super) fn rewind(&mut self) {
        self.go_to(0);
    }

    /// To the start of a segment.
    pub(super) fn go_to(&mut self, part: usize) {
        self.part = part.min(self.parts.len().saturating_sub(1));
        self.at = 0;
    }

    /// The segment that is played, and how many there are.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.part, self.parts.len())
    }

    /// The next 10 ms; none when all has been played.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        self.parts.get(self.part)?;
        let mut frame = SILENCE;
        for sample in &mut frame {
            let Some(part) = self.parts.get(self.part) else { break };
            let value = f64::from(part.sample(self.at / 100)) * self.gain;
            *sample = strowger_media::frame::to_sample(value);
            self.at += self.speed;
            if self.at / 100 >= part.len() {
                self.part += 1;
                self.at = 0;
            }
        }
        Some(frame)
    }
}

/// The name of the recording that a segment plays.
pub(super) fn recording_of(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Id(number, _) => Some(format!("{number}.wav")),
        Segment::Alias(name, _) => Some(name.clone()),
        _ => None,
    }
}

/// Silence of a length.
pub(super) fn pause(length: Duration) -> Playlist {
    Playlist { parts: vec![Part::Silence(samples_in(length))], part: 0, at: 0, speed: 100, gain: 1.0 }
}
