//! Recordings and silences one after the other, a frame at a time, at their own or another speed and level.

use std::sync::Arc;

use strowger_media::frame::samples_in;
use strowger_media::{Frame, SILENCE};
use strowger_mgcp::package::audio::{Content, Segment};
use strowger_sansio::Duration;

use super::library::Library;
use super::words::{Utterance, utterances};

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
pub(in crate::plane) struct Playlist {
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
    pub(in crate::plane) fn of(samples: Arc<[i16]>) -> Self {
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
            let selectors = &segment.selectors;
            parts.push(match &segment.content {
                Content::Id(number, values) if library.overriding(*number).is_some() => {
                    // It has no variables.
                    let samples = library.overriding(*number).filter(|_| values.is_empty());
                    Part::Samples(samples.ok_or(312_u16)?)
                }
                Content::Id(number, values) => {
                    Part::Samples(recording(&number.to_string(), 301, values, selectors, library)?)
                }
                Content::Alias(name, values) => {
                    Part::Samples(recording(name, 309, values, selectors, library)?)
                }
                Content::Silence(span) => Part::Silence(samples_in(*span)),
                Content::Variable(kind, subtype, value) => {
                    let mut samples = Vec::new();
                    speak(kind, subtype, value, selectors, library, &mut samples)?;
                    Part::Samples(samples.into())
                }
                // Nothing here speaks text or shows it.
                Content::Speech(_) | Content::Display(_) => return Err(300),
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
    pub(in crate::plane) fn rewind(&mut self) {
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
    pub(in crate::plane) fn frame(&mut self) -> Option<Frame> {
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

/// A recording with its variables behind it (RFC 2897 section 8).
fn recording(
    name: &str,
    missing: u16,
    values: &[String],
    selectors: &[(String, String)],
    library: &Library,
) -> Result<Arc<[i16]>, u16> {
    let variant = library.choose(name, selectors, missing)?;
    let samples = library.find(&variant.key).ok_or(missing)?;
    match (values.len(), variant.variables.len()) {
        (0, 0) => return Ok(samples),
        (_, 0) => return Err(312),
        // One "null" plays the recording without any of them.
        (1, _) if values.first().is_some_and(|value| value.eq_ignore_ascii_case("null")) => {
            return Ok(samples);
        }
        (given, known) if given > known => return Err(310),
        (given, known) if given < known => return Err(311),
        _ => {}
    }
    let mut samples = samples.to_vec();
    for ((kind, subtype), value) in variant.variables.iter().zip(values) {
        if !value.eq_ignore_ascii_case("null") {
            speak(kind, subtype, value, selectors, library, &mut samples)?;
        }
    }
    Ok(samples.into())
}

/// Appends the words of a variable. A word that nobody recorded is a mistake of provisioning.
fn speak(
    kind: &str,
    subtype: &str,
    value: &str,
    selectors: &[(String, String)],
    library: &Library,
    samples: &mut Vec<i16>,
) -> Result<(), u16> {
    for part in utterances(kind, subtype, value)? {
        match part {
            Utterance::Word(word) => {
                let variant = library.choose(word, selectors, 323)?;
                samples.extend_from_slice(&library.find(&variant.key).ok_or(323_u16)?);
            }
            Utterance::Pause(span) => {
                let count = usize::try_from(samples_in(span)).unwrap_or(0);
                samples.resize(samples.len().saturating_add(count), 0);
            }
        }
    }
    Ok(())
}

/// The files that a segment needs, as far as there are any.
pub(super) fn files_of(segment: &Segment, library: &Library) -> Vec<String> {
    let selectors = &segment.selectors;
    let chosen = |name: &str| library.choose(name, selectors, 0).ok();
    let words = |kind: &str, subtype: &str, value: &str| -> Vec<String> {
        let said = utterances(kind, subtype, value).unwrap_or_default().into_iter();
        let words = said.filter_map(|part| match part {
            Utterance::Word(word) => Some(word),
            Utterance::Pause(_) => None,
        });
        words.filter_map(|word| chosen(word).map(|variant| variant.key)).collect()
    };
    let (name, values) = match &segment.content {
        Content::Id(number, values) => (number.to_string(), values),
        Content::Alias(name, values) => (name.clone(), values),
        Content::Variable(kind, subtype, value) => return words(kind, subtype, value),
        Content::Silence(_) | Content::Speech(_) | Content::Display(_) => return Vec::new(),
    };
    let Some(variant) = chosen(&name) else { return Vec::new() };
    let spoken =
        variant.variables.iter().zip(values).flat_map(|((kind, subtype), value)| words(kind, subtype, value));
    std::iter::once(variant.key.clone()).chain(spoken).collect()
}

/// Silence of a length.
pub(super) fn pause(length: Duration) -> Playlist {
    Playlist { parts: vec![Part::Silence(samples_in(length))], part: 0, at: 0, speed: 100, gain: 1.0 }
}
