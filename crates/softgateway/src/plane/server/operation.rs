//! Play, collect and record: RFC 2897 sections 3, 5 and 6, in steps of 10 ms.

use strowger_media::frame::{level_dbm0, samples_in};
use strowger_media::{FRAME_TIME, Frame};
use strowger_mgcp::digitmap::{DialSymbol, DigitMap, MatchState};
use strowger_mgcp::gateway::SignalOutcome;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::package::AudioOperation;
use strowger_mgcp::package::audio::{AudioRequest, Position, Segment, Upkeep};
use strowger_sansio::Duration;

use super::library::{Keep, Library};
use super::playlist::{Playlist, pause};

/// Return codes of section 6.
pub(super) const SUCCESS: u16 = 100;
const SYNTAX: u16 = 325;
const NO_DIGITS: u16 = 326;
const NO_SPEECH: u16 = 327;
const TOO_LONG: u16 = 328;
const NO_MATCH: u16 = 329;
const MAX_ATTEMPTS: u16 = 330;

/// The level from which on a sound is speech, in dBm0.
const SPEECH: f64 = -40.0;
/// The longest recording when the request sets no limit, which it should.
const LONGEST: Duration = Duration::from_secs(60);

/// What comes of 10 ms.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// It goes on.
    Goes,
    /// It is over.
    Done {
        outcome: SignalOutcome,
        /// The return parameters.
        text: String,
        recording: Option<(u32, Vec<i16>, Keep)>,
    },
}

impl Step {
    /// The end of an announcement, of which there is nothing to tell.
    pub(super) fn played() -> Self {
        Self::Done { outcome: SignalOutcome::Complete, text: String::new(), recording: None }
    }
}

/// What an operation is at.
#[derive(Debug)]
enum Phase {
    /// It plays a prompt; whether that can be interrupted.
    Prompt(Playlist, Interruptible),
    /// Between two plays.
    Pause(Playlist),
    /// It waits for keys, for this long since the last one.
    Collecting(Duration),
    /// It waits for somebody to speak.
    Waiting(Duration),
    /// It records.
    Recording,
    /// It plays the last announcement, and will then be done.
    Ending(Playlist, SignalOutcome, String),
    /// Nothing more to play.
    Over(SignalOutcome, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interruptible {
    Yes,
    No,
}

/// The announcements of an operation.
#[derive(Debug)]
struct Announcements {
    prompt: Playlist,
    reprompt: Playlist,
    nothing: Playlist,
    failure: Playlist,
    success: Playlist,
}

/// One operation on its way.
#[derive(Debug)]
pub(super) struct Operation {
    kind: AudioOperation,
    request: AudioRequest,
    lists: Announcements,
    map: Option<DigitMap>,
    phase: Phase,
    attempt: u32,
    plays: u32,
    /// For how long it has played in all.
    played: Duration,
    digits: String,
    /// Keys that may become a command sequence.
    command: String,
    interrupted_by: Option<char>,
    interrupted_after: Option<Duration>,
    voice_interrupted: bool,
    recording: Vec<i16>,
    /// What becomes of it.
    keep: Keep,
    number: u32,
    /// How many of the newest samples recorded are silence.
    silent: u64,
}

impl Operation {
    /// An operation before its first frame. `typed` are keys that were pressed before.
    pub(super) fn new(
        kind: AudioOperation,
        request: AudioRequest,
        library: &mut Library,
        typed: &str,
    ) -> Result<Self, u16> {
        let keep = match request.upkeep {
            Some((Upkeep::Override, segment)) => Keep::InPlaceOf(segment),
            _ if request.is_persistent => Keep::Persistent,
            _ => Keep::Temporary,
        };
        library.may_keep(keep)?;
        let list = |segments: &[Segment]| Playlist::resolve(segments, library, request.speed, request.volume);
        let prompt = list(&request.prompt)?;
        let reprompt = request.reprompt.as_deref().map_or_else(|| Ok(prompt.clone()), list)?;
        let nothing = request.nothing.as_deref().map_or_else(|| Ok(reprompt.clone()), list)?;
        let lists = Announcements {
            nothing,
            reprompt,
            failure: list(&request.failure)?,
            success: list(&request.success)?,
            prompt,
        };
        let map = match &request.pattern {
            Some(text) => Some(DigitMap::compile(text, &Limits::DEFAULT).map_err(|_| SYNTAX)?),
            None => None,
        };
        let interruptible = if request.is_uninterruptible { Interruptible::No } else { Interruptible::Yes };
        let mut operation = Self {
            kind,
            phase: Phase::Prompt(lists.prompt.clone(), interruptible),
            request,
            lists,
            map,
            attempt: 1,
            plays: 0,
            played: Duration::ZERO,
            digits: String::new(),
            command: String::new(),
            interrupted_by: None,
            interrupted_after: None,
            voice_interrupted: false,
            recording: Vec::new(),
            keep,
            number: if kind == AudioOperation::Record { library.reserve() } else { 0 },
            silent: 0,
        };
        for key in typed.chars() {
            operation.key(key);
        }
        Ok(operation)
    }

    /// Ends it with what it has: `AU/es`.
    pub(super) fn end(&mut self) -> Step {
        let text = self.success_text();
        self.done(SignalOutcome::Complete, text)
    }

    fn done(&mut self, outcome: SignalOutcome, text: String) -> Step {
        let samples = std::mem::take(&mut self.recording);
        let kept = outcome == SignalOutcome::Complete && !samples.is_empty();
        Step::Done { outcome, text, recording: kept.then_some((self.number, samples, self.keep)) }
    }

    /// The next 10 ms.
    pub(super) fn frame(&mut self) -> (Option<Frame>, Step) {
        self.played += FRAME_TIME;
        if self.kind == AudioOperation::Play && self.request.duration.is_some_and(|most| self.played > most) {
            let step = self.end();
            return (None, step);
        }
        let phase = std::mem::replace(&mut self.phase, Phase::Recording);
        let mut frame = None;
        self.phase = match phase {
            Phase::Prompt(mut list, interruptible) => match list.frame() {
                Some(sound) => {
                    frame = Some(sound);
                    Phase::Prompt(list, interruptible)
                }
                None => self.after_prompt(),
            },
            Phase::Pause(mut list) => match list.frame() {
                Some(_) => Phase::Pause(list),
                None => Phase::Prompt(self.lists.prompt.clone(), Interruptible::Yes),
            },
            Phase::Collecting(waited) => self.collect(waited + FRAME_TIME),
            Phase::Waiting(waited) if waited >= self.request.pre_speech => self.failed(NO_SPEECH),
            Phase::Waiting(waited) => Phase::Waiting(waited + FRAME_TIME),
            Phase::Recording => self.recorded(),
            Phase::Ending(mut list, outcome, text) => match list.frame() {
                Some(sound) => {
                    frame = Some(sound);
                    Phase::Ending(list, outcome, text)
                }
                None => Phase::Over(outcome, text),
            },
            over @ Phase::Over(..) => over,
        };
        match &self.phase {
            Phase::Over(outcome, text) => {
                let (outcome, text) = (*outcome, text.clone());
                (frame, self.done(outcome, text))
            }
            _ => (frame, Step::Goes),
        }
    }

    fn after_prompt(&mut self) -> Phase {
        match self.kind {
            AudioOperation::Collect => {
                // Keys that came during a prompt that they could not interrupt.
                if self.digits.is_empty() { Phase::Collecting(Duration::ZERO) } else { self.judge() }
            }
            AudioOperation::Record => Phase::Waiting(Duration::ZERO),
            AudioOperation::Play | AudioOperation::End => {
                self.plays += 1;
                match self.request.iterations {
                    Some(most) if self.plays >= most => self.succeeded(),
                    _ => Phase::Pause(pause(self.request.interval)),
                }
            }
        }
    }

    // Collecting.

    /// Takes a key; says whether the operation wants keys at all.
    pub(super) fn key(&mut self, key: char) -> bool {
        if self.kind == AudioOperation::Play || matches!(self.phase, Phase::Ending(..) | Phase::Over(..)) {
            return false;
        }
        if let Some((position, action)) = self.request.position
            && position == key
            && let Phase::Prompt(list, _) = &mut self.phase
        {
            let (at, count) = list.place();
            list.go_to(match action {
                Position::First => 0,
                Position::Last => count.saturating_sub(1),
                Position::Previous => at.saturating_sub(1),
                Position::Next => at + 1,
                Position::Current => at,
            });
            return true;
        }
        if self.request.stop == Some(key) && matches!(self.phase, Phase::Prompt(..)) {
            self.phase = self.after_prompt();
            return true;
        }
        self.command.push(key);
        if let Some(phase) = self.command() {
            self.phase = phase;
            return true;
        }
        if self.sequences().any(|known| known.starts_with(&self.command)) {
            return true;
        }
        for key in std::mem::take(&mut self.command).chars() {
            self.input(key);
        }
        true
    }

    fn sequences(&self) -> impl Iterator<Item = &String> {
        let request = &self.request;
        [&request.restart, &request.reinput, &request.return_key].into_iter().flatten()
    }

    /// What a complete command sequence does.
    fn command(&mut self) -> Option<Phase> {
        let is = |sequence: &Option<String>| sequence.as_ref() == Some(&self.command);
        let (restart, reinput) = (is(&self.request.restart), is(&self.request.reinput));
        let leaves = is(&self.request.return_key);
        if !restart && !reinput && !leaves {
            return None;
        }
        let sequence = std::mem::take(&mut self.command);
        if leaves {
            let text = format!("rc={SUCCESS} ik={sequence} na={}", self.attempt);
            self.recording.clear();
            return Some(Phase::Over(SignalOutcome::Complete, text));
        }
        self.digits.clear();
        self.recording.clear();
        Some(match (restart, self.kind) {
            (true, _) => Phase::Prompt(self.lists.prompt.clone(), Interruptible::Yes),
            (false, AudioOperation::Record) => Phase::Waiting(Duration::ZERO),
            (false, _) => Phase::Collecting(Duration::ZERO),
        })
    }

    /// Takes a key that is no command.
    fn input(&mut self, key: char) {
        let ends = self.request.end == Some(key);
        if self.kind == AudioOperation::Record {
            // An end key cuts a recording off; other keys are part of what is recorded.
            if ends && matches!(self.phase, Phase::Recording) {
                self.phase = self.succeeded();
            }
            return;
        }
        if self.digits.is_empty() && !ends && !self.request.start.contains(key) {
            return;
        }
        match self.phase {
            Phase::Prompt(_, Interruptible::No) => {
                if self.digits.len() < self.request.most.max(1) {
                    self.digits.push(key);
                }
                return;
            }
            Phase::Prompt(..) => {
                self.interrupted_by = Some(key);
                self.interrupted_after = Some(self.played);
            }
            _ => {}
        }
        if ends {
            if self.request.includes_end {
                self.digits.push(key);
            }
            let enough = self.digits.len() - usize::from(self.request.includes_end) >= self.request.least;
            let matches =
                self.map.as_ref().map_or(enough, |map| state(map, &self.digits) == MatchState::Match);
            self.phase = match (matches, self.digits.is_empty()) {
                (true, _) => self.succeeded(),
                (false, true) => self.failed(NO_DIGITS),
                (false, false) => self.failed(NO_MATCH),
            };
            return;
        }
        self.digits.push(key);
        self.phase = self.judge();
    }

    /// What the digits are by now.
    fn judge(&mut self) -> Phase {
        if let Some(map) = &self.map {
            return match state(map, &self.digits) {
                MatchState::Match => self.succeeded(),
                MatchState::Impossible => self.failed(NO_MATCH),
                MatchState::Partial { .. } => Phase::Collecting(Duration::ZERO),
            };
        }
        match (self.digits.len() >= self.request.most, self.request.extra_digit) {
            (true, None) => self.succeeded(),
            _ => Phase::Collecting(Duration::ZERO),
        }
    }

    /// Waits for keys.
    fn collect(&mut self, waited: Duration) -> Phase {
        let full = self.map.is_none() && self.digits.len() >= self.request.most;
        let patience = match (self.digits.is_empty(), full, self.request.extra_digit) {
            (true, ..) => self.request.first_digit,
            (false, true, Some(extra)) => extra,
            _ => self.request.next_digit,
        };
        if waited < patience {
            return Phase::Collecting(waited);
        }
        // Half a command sequence is input after all.
        let half = std::mem::take(&mut self.command);
        self.digits.push_str(&half);
        let timed = self.map.as_ref().map(|map| {
            let symbols = self.digits.chars().chain(['T']).filter_map(DialSymbol::new);
            map.dial(symbols).0 == MatchState::Match
        });
        if self.digits.is_empty() {
            self.failed(NO_DIGITS)
        } else if timed.unwrap_or(self.digits.len() >= self.request.least) {
            self.succeeded()
        } else {
            self.failed(NO_MATCH)
        }
    }

    // Recording.

    /// Hears 10 ms.
    pub(super) fn hear(&mut self, frame: &Frame) {
        if self.kind != AudioOperation::Record {
            return;
        }
        let speaks = level_dbm0(frame) > SPEECH;
        match self.phase {
            Phase::Prompt(_, Interruptible::Yes) if speaks => {
                self.voice_interrupted = true;
                self.interrupted_after = Some(self.played);
                self.phase = Phase::Recording;
            }
            Phase::Waiting(_) if speaks => self.phase = Phase::Recording,
            Phase::Recording => {}
            _ => return,
        }
        self.silent = if speaks { 0 } else { self.silent + frame.len() as u64 };
        self.recording.extend_from_slice(frame);
    }

    /// Whether the recording is complete.
    fn recorded(&mut self) -> Phase {
        let longest = samples_in(self.request.recording.unwrap_or(LONGEST));
        if self.silent >= samples_in(self.request.post_speech) {
            let speech = (self.recording.len() as u64).saturating_sub(self.silent);
            self.recording.truncate(usize::try_from(speech).unwrap_or(usize::MAX));
            return self.succeeded();
        }
        if self.recording.len() as u64 - self.silent > longest {
            self.recording.clear();
            return self.failed(TOO_LONG);
        }
        Phase::Recording
    }

    // Outcomes.

    fn success_text(&self) -> String {
        let mut text = format!("rc={SUCCESS}");
        let mut add = |part: String| {
            text.push(' ');
            text.push_str(&part);
        };
        if self.kind == AudioOperation::Play {
            return text;
        }
        if self.voice_interrupted {
            add("vi=true".to_owned());
        }
        if let Some(key) = self.interrupted_by {
            add(format!("ik={key}"));
        }
        if let Some(after) = self.interrupted_after {
            add(format!("ap={}", after.as_millis() / 100));
        }
        add(format!("na={}", self.attempt));
        match self.kind {
            AudioOperation::Collect if !self.digits.is_empty() => add(format!("dc={}", self.digits)),
            AudioOperation::Record if !self.recording.is_empty() => add(format!("ri={}", self.number)),
            _ => {}
        }
        text
    }

    fn succeeded(&mut self) -> Phase {
        let text = self.success_text();
        self.ending(self.lists.success.clone(), SignalOutcome::Complete, text)
    }

    fn ending(&self, list: Playlist, outcome: SignalOutcome, text: String) -> Phase {
        if list.is_empty() { Phase::Over(outcome, text) } else { Phase::Ending(list, outcome, text) }
    }

    /// An attempt has failed: another one, or the end.
    fn failed(&mut self, code: u16) -> Phase {
        self.digits.clear();
        self.silent = 0;
        if self.attempt < self.request.attempts {
            self.attempt += 1;
            let list = match code {
                NO_DIGITS | NO_SPEECH => &self.lists.nothing,
                _ => &self.lists.reprompt,
            };
            let mut list = list.clone();
            list.rewind();
            return Phase::Prompt(list, Interruptible::Yes);
        }
        let code = if self.request.attempts > 1 { MAX_ATTEMPTS } else { code };
        self.ending(self.lists.failure.clone(), SignalOutcome::Failed, format!("rc={code}"))
    }
}

fn state(map: &DigitMap, digits: &str) -> MatchState {
    map.dial(digits.chars().filter_map(DialSymbol::new)).0
}
