//! An announcement server: recordings by name, played to the connections of an endpoint (`A/ann`, RFC 3660 section 2.12), and the
//! play, collect and record operations of RFC 2897.
//!
//! - `library`: the recordings. `words`: what variables are. `playlist`: what is played, a frame at a time. `operation`: play, collect and record.
//!
//! What is played on the endpoint goes out on all connections that send; what comes in on them is listened to.

mod library;
mod operation;
mod playlist;
mod words;

use std::sync::Arc;

use strowger_media::dtmf::DtmfDetector;
use strowger_media::frame::mix_into;
use strowger_media::{Frame, SILENCE};
use strowger_mgcp::gateway::{MediaEvent, MediaFault, SignalOutcome, SignalTarget};
use strowger_mgcp::message::{EventParameter, EventParameters, SignalBuf};
use strowger_mgcp::package::AudioOperation;
use strowger_mgcp::package::audio::{AudioRequest, Upkeep};

use super::line::digits;
pub(super) use library::{Keep, Library};
use operation::{Operation, Step};
pub(super) use playlist::Playlist;
use playlist::files_of;

/// Signals that one endpoint gives at a time: one on itself and one on each connection that it can have, and some to spare.
const MOST_SIGNALS: usize = 32;

/// A signal that is being given.
#[derive(Debug)]
struct Playing {
    target: SignalTarget,
    signal: SignalBuf,
    what: Work,
}

#[derive(Debug)]
enum Work {
    /// `A/ann`.
    Announcement(Playlist),
    /// `AU/pa`, `AU/pc`, `AU/pr`.
    Operation(Box<Operation>),
}

/// One endpoint of an announcement server.
#[derive(Debug, Default)]
pub(super) struct Server {
    playing: Vec<Playing>,
    detector: DtmfDetector,
    /// Keys that nobody has collected yet.
    typed: String,
    events: Vec<MediaEvent>,
    /// What was recorded: its number and samples.
    recorded: Vec<(u32, Vec<i16>, Keep)>,
}

impl Server {
    /// Whether nothing is played.
    pub(super) fn is_idle(&self) -> bool {
        self.playing.is_empty() && self.events.is_empty()
    }

    /// Whether a signal is one that a server can give.
    pub(super) fn gives(library: &Library, signal: &SignalBuf) -> bool {
        let is =
            |known: &str| signal.name().package().is_some_and(|package| package.eq_ignore_ascii_case(known));
        // What is not there for an operation of RFC 2897 is told by its event.
        is("AU") || (is("A") && recordings(signal, library).iter().all(|name| library.has(name)))
    }

    pub(super) fn start(
        &mut self,
        library: &mut Library,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<(), MediaFault> {
        if self.playing.len() >= MOST_SIGNALS {
            return Err(MediaFault::Exhausted);
        }
        let package = signal.name().package().unwrap_or_default().to_ascii_lowercase();
        let symbol = signal.name().event().to_ascii_lowercase();
        let text = signal.parameters().as_str();
        let what = match (package.as_str(), symbol.as_str()) {
            ("a", "ann") => {
                let name = announcement(signal.parameters()).ok_or(MediaFault::Announcement)?;
                let samples = library.find(&name).ok_or(MediaFault::Announcement)?;
                Work::Announcement(Playlist::of(samples))
            }
            ("au", "es") => {
                self.end(AudioRequest::ended(text).unwrap_or_default());
                self.events.push(MediaEvent::SignalEnded(target, signal.clone()));
                return Ok(());
            }
            ("au", symbol) => {
                let kind = match symbol {
                    "pa" => AudioOperation::Play,
                    "pc" => AudioOperation::Collect,
                    "pr" => AudioOperation::Record,
                    _ => return Err(MediaFault::Signal),
                };
                let request = AudioRequest::parse(kind, text).ok_or(MediaFault::Signal)?;
                let upkeep = match request.upkeep {
                    Some((Upkeep::Restore, segment)) => Some(library.restore(segment)),
                    Some((Upkeep::Delete, number)) => Some(library.delete(number)),
                    Some((Upkeep::Override, _)) | None => None,
                };
                // Nothing is played or recorded then.
                if let Some(done) = upkeep {
                    let (outcome, code) = match done {
                        Ok(()) => (SignalOutcome::Complete, operation::SUCCESS),
                        Err(code) => (SignalOutcome::Failed, code),
                    };
                    self.report(target, signal.clone(), outcome, format!("rc={code}"));
                    return Ok(());
                }
                if request.clears_buffer {
                    self.typed.clear();
                }
                let typed = std::mem::take(&mut self.typed);
                match Operation::new(kind, request, library, &typed) {
                    Ok(operation) => Work::Operation(Box::new(operation)),
                    // RFC 2897 section 6 tells of what is not there by an event, not by the answer.
                    Err(code) => {
                        self.report(target, signal.clone(), SignalOutcome::Failed, format!("rc={code}"));
                        return Ok(());
                    }
                }
            }
            _ => return Err(MediaFault::Signal),
        };
        self.playing.push(Playing { target, signal: signal.clone(), what });
        Ok(())
    }

    pub(super) fn stop(&mut self, target: SignalTarget, signal: &SignalBuf) {
        self.playing.retain(|playing| playing.target != target || playing.signal != *signal);
    }

    /// Drops the signals of a connection that is closed.
    pub(super) fn forget(&mut self, target: SignalTarget) {
        self.playing.retain(|playing| playing.target != target);
    }

    /// `AU/es`: ends operations of this kind with what they have.
    fn end(&mut self, symbol: &str) {
        let mut over = Vec::new();
        self.playing.retain_mut(|playing| {
            let Work::Operation(operation) = &mut playing.what else { return true };
            if !playing.signal.name().event().eq_ignore_ascii_case(symbol) {
                return true;
            }
            over.push((playing.target, playing.signal.clone(), operation.end()));
            false
        });
        for (target, signal, step) in over {
            self.finish(target, signal, step);
        }
    }

    fn report(&mut self, target: SignalTarget, signal: SignalBuf, outcome: SignalOutcome, text: String) {
        self.events.push(MediaEvent::SignalReported { target, signal, outcome, parameters: vec![text] });
    }

    /// Gives what an operation that is over has to tell.
    fn finish(&mut self, target: SignalTarget, signal: SignalBuf, step: Step) {
        match step {
            Step::Goes => {}
            Step::Done { outcome, text, recording } => {
                self.recorded.extend(recording);
                self.report(target, signal, outcome, text);
            }
        }
    }

    /// Listens to 10 ms of what the connections bring in.
    pub(super) fn listen(&mut self, frame: &Frame) {
        let events: Vec<_> = digits(&mut self.detector, frame).collect();
        for event in events {
            let MediaEvent::Digit(key) = event else { continue };
            let mut taken = false;
            for playing in &mut self.playing {
                if let Work::Operation(operation) = &mut playing.what {
                    taken |= operation.key(key);
                }
            }
            if !taken && self.typed.len() < 64 {
                self.typed.push(key);
            }
        }
        for playing in &mut self.playing {
            if let Work::Operation(operation) = &mut playing.what {
                operation.hear(frame);
            }
        }
    }

    /// The next 10 ms for a target.
    pub(super) fn frame(&mut self, target: SignalTarget) -> Option<Frame> {
        let mut sum: Option<Frame> = None;
        let mut over = Vec::new();
        self.playing.retain_mut(|playing| {
            if playing.target != target {
                return true;
            }
            let (frame, step) = match &mut playing.what {
                Work::Announcement(list) => match list.frame() {
                    Some(frame) => (Some(frame), Step::Goes),
                    None => (None, Step::played()),
                },
                Work::Operation(operation) => operation.frame(),
            };
            if let Some(frame) = frame {
                mix_into(sum.get_or_insert(SILENCE), &frame);
            }
            match step {
                Step::Goes => true,
                done => {
                    over.push((playing.target, playing.signal.clone(), done));
                    false
                }
            }
        });
        for (target, signal, step) in over {
            match step {
                Step::Done { text, .. } if text.is_empty() => {
                    self.events.push(MediaEvent::SignalReported {
                        target,
                        signal,
                        outcome: SignalOutcome::Complete,
                        parameters: Vec::new(),
                    });
                }
                step => self.finish(target, signal, step),
            }
        }
        sum
    }

    /// What has happened since this was asked last.
    pub(super) fn take_events(&mut self) -> Vec<MediaEvent> {
        std::mem::take(&mut self.events)
    }

    /// What was recorded since this was asked last.
    pub(super) fn take_recorded(&mut self) -> Vec<(u32, Arc<[i16]>, Keep)> {
        self.recorded.drain(..).map(|(number, samples, keep)| (number, samples.into(), keep)).collect()
    }
}

/// The recordings that a signal of an announcement server plays.
pub(super) fn recordings(signal: &SignalBuf, library: &Library) -> Vec<String> {
    let package = signal.name().package().unwrap_or_default().to_ascii_lowercase();
    let symbol = signal.name().event().to_ascii_lowercase();
    let kind = match (package.as_str(), symbol.as_str()) {
        ("a", "ann") => return announcement(signal.parameters()).into_iter().collect(),
        ("au", "pa") => AudioOperation::Play,
        ("au", "pc") => AudioOperation::Collect,
        ("au", "pr") => AudioOperation::Record,
        _ => return Vec::new(),
    };
    let request = AudioRequest::parse(kind, signal.parameters().as_str()).unwrap_or_default();
    let AudioRequest { prompt, reprompt, nothing, failure, success, .. } = &request;
    let more = reprompt.iter().chain(nothing).flatten();
    prompt
        .iter()
        .chain(more)
        .chain(failure)
        .chain(success)
        .flat_map(|segment| files_of(segment, library))
        .collect()
}

/// How often a recording is to be given: the number behind its name, which is of no package and comes from Megaco; once, without one.
pub(super) fn times(signal: &SignalBuf) -> u32 {
    let second = signal.parameters().iter().nth(1);
    match second {
        Some(EventParameter::Value(times)) => times.parse().unwrap_or(1),
        _ => 1,
    }
}

/// The name of a recording: what stands behind the last slash of a URL, whatever its scheme. The URL may hold what event
/// parameters split at, so that the whole list is looked at.
fn announcement(parameters: EventParameters<'_>) -> Option<String> {
    let first = match parameters.iter().next()? {
        EventParameter::Quoted(inner) => EventParameters::unquote(inner).into_owned(),
        EventParameter::Value(value) => value.to_owned(),
        EventParameter::Named { .. } => parameters.as_str().to_owned(),
    };
    let name = first.rsplit('/').next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}
