//! The language in which subscribers are told what to do: one command a line.
//!
//! ```text
//! # who      what
//! aaln/1     off-hook
//! aaln/1     expect dial-tone within 3s
//! aaln/1     dial 2002
//! aaln/2     expect ring within 5s
//! aaln/2     off-hook
//!            play tone:1000 for 2s      # the line named last
//! aaln/1     expect tone:1000
//! wait 500ms
//! aaln/1     on-hook
//! ```
//!
//! The same language serves `--control` (commands as they come), `--script` (one after the other, an `expect` waits) and the simulator. It knows no protocol: what a subscriber does is the same under MGCP and Megaco.

mod words;

use std::fmt;
use std::time::Duration;

pub use words::{Action, Bits, CircuitAction, CircuitSign, Progress, Sign, Sound};
use words::{BITS, PROGRESS};

/// How long an `expect` without `within` waits: longer than a call set-up across two gateways takes with lost datagrams.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait that a script may ask for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// The longest command line that is read, in bytes.
pub const LONGEST_LINE: usize = 1024;

/// One command of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A subscriber does something, at once.
    Act {
        /// The line's endpoint: `aaln/1`.
        line: String,
        /// What its subscriber does.
        action: Action,
    },
    /// A subscriber is to notice something.
    Expect {
        /// The line's endpoint.
        line: String,
        /// What is to be noticed.
        sign: Sign,
        /// How long it may take.
        within: Duration,
    },
    /// The operator of the gateway takes endpoints out of service, or brings them back.
    Operate {
        /// The endpoints' local name, perhaps with `*` or a range; `*` alone is the whole gateway.
        endpoints: String,
        /// What is ordered.
        order: Order,
    },
    /// Nothing happens for a while.
    Wait(Duration),
}

/// What an operator orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Out of service now, whatever calls there are.
    Forced,
    /// Out of service after this time; without one no new calls are to be made, and service goes on until another order.
    Graceful(Option<Duration>),
    /// In service, after this time; an order to leave that has not come true is called off.
    InService(Duration),
}

impl Step {
    /// The WAV file that the step needs, if it needs one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Act { action: Action::Play(Sound::File(name), _), .. }
            | Self::Expect { sign: Sign::Sound(Sound::File(name)), .. } => Some(name),
            _ => None,
        }
    }
}

/// Why a command line was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The line in the script, from 1.
    pub line: usize,
    /// What stood there, shortened.
    pub found: String,
    /// What would have been right.
    pub expected: &'static str,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: found `{}`, expected {}", self.line, self.found, self.expected)
    }
}

impl std::error::Error for ScriptError {}

/// Reads commands line by line and remembers which subscriber was named last.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    line: Option<String>,
    number: usize,
}

impl Parser {
    /// A parser before its first line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one line; `None` when it is empty or a comment.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub fn line(&mut self, text: &str) -> Result<Option<Step>, ScriptError> {
        self.number += 1;
        let number = self.number;
        let error = |found: &str, expected| ScriptError {
            line: number,
            found: found.escape_debug().take(60).collect(),
            expected,
        };
        if text.len() > LONGEST_LINE {
            return Err(error(text, "a line of at most 1024 bytes"));
        }
        let text = text.split_once(" #").map_or(text, |(before, _)| before).trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let mut words = Words(text.split_whitespace().collect::<Vec<_>>().into_iter());
        let mut verb = words.next_or("").to_owned();
        if verb == "wait" {
            let wait = words.duration().ok_or_else(|| error(text, "wait DURATION, as 500ms or 2s"))?;
            return words
                .end(Step::Wait(wait))
                .ok_or_else(|| error(text, "nothing after the duration"))
                .map(Some);
        }
        let named = verb.contains('/').then(|| verb.to_ascii_lowercase());
        if named.is_some() {
            verb = words.next_or("").to_owned();
        }
        // What the operator does is for no subscriber: the line named last is not meant, nor changed.
        if let Some(order) = order(&verb, &mut words).map_err(|expected| error(text, expected))? {
            let endpoints = named.unwrap_or_else(|| "*".to_owned());
            let step = Step::Operate { endpoints, order };
            return words.end(step).ok_or_else(|| error(text, "nothing more on this line")).map(Some);
        }
        if named.is_some() {
            self.line = named;
        }
        let line = self.line.clone().ok_or_else(|| error(text, "a line first, as aaln/1"))?;
        let step = step(&verb, line, &mut words).map_err(|expected| error(text, expected))?;
        words.end(step).ok_or_else(|| error(text, "nothing more on this line")).map(Some)
    }

    /// Reads a whole script; each step comes with the number of its line.
    ///
    /// # Errors
    /// The first line that is not a command.
    pub fn script(text: &str) -> Result<Vec<(usize, Step)>, ScriptError> {
        let mut parser = Self::new();
        let mut steps = Vec::new();
        for line in text.lines() {
            if let Some(step) = parser.line(line)? {
                steps.push((parser.number, step));
            }
        }
        Ok(steps)
    }
}

/// `out-of-service [forced | graceful [30s]]` and `in-service [30s]`; none for other verbs.
fn order(verb: &str, words: &mut Words<'_>) -> Result<Option<Order>, &'static str> {
    let rest: Vec<_> = words.0.by_ref().collect();
    let after = |word: &str| Words(vec![word].into_iter()).duration();
    let order = match (verb, rest.as_slice()) {
        ("out-of-service", [] | ["forced"]) => Order::Forced,
        ("out-of-service", ["graceful"]) => Order::Graceful(None),
        ("out-of-service", ["graceful", span]) => {
            Order::Graceful(Some(after(span).ok_or("graceful, or graceful DURATION, as 30s")?))
        }
        ("out-of-service", _) => return Err("forced, graceful, or graceful DURATION, as 30s"),
        ("in-service", []) => Order::InService(Duration::ZERO),
        ("in-service", [span]) => Order::InService(after(span).ok_or("nothing, or DURATION, as 30s")?),
        ("in-service", _) => return Err("nothing, or DURATION, as 30s"),
        _ => {
            *words = Words(rest.into_iter());
            return Ok(None);
        }
    };
    Ok(Some(order))
}

fn step(verb: &str, line: String, words: &mut Words<'_>) -> Result<Step, &'static str> {
    const VERBS: &str = "off-hook, on-hook, flash, dial, pulse, key, play, quiet, record, seize, answer, wink, release, outpulse, caller, cas, expect, out-of-service or in-service";
    let action = match verb {
        "off-hook" => Action::OffHook,
        "on-hook" => Action::OnHook,
        "flash" => Action::Flash,
        "quiet" => Action::Quiet,
        "key" => Action::Key(key(words.some()).ok_or("the number of a feature key, 1 to 99")?),
        "dial" => Action::Dial(digits(words.next_or("")).ok_or("digits 0-9 * # A-D and , for a pause")?),
        "pulse" => Action::Pulse(digits(words.next_or("")).ok_or("digits 0-9")?),
        "seize" => Action::Circuit(CircuitAction::Seize),
        "answer" => Action::Circuit(CircuitAction::Answer),
        "wink" => Action::Circuit(CircuitAction::Wink),
        "release" => Action::Circuit(CircuitAction::Release),
        "caller" => {
            let number = words.some().and_then(digits).ok_or("a number, then perhaps a name")?;
            let name: Vec<_> = words.0.by_ref().collect();
            Action::Circuit(CircuitAction::Caller(number, name.join(" ")))
        }
        "outpulse" => {
            let digits =
                outpulsed(words.next_or("")).ok_or("digits, as 5551234, or names, as K0,5,5,5,S0")?;
            Action::Circuit(CircuitAction::Outpulse(digits))
        }
        "cas" => {
            let word = words.next_or("");
            let bits = BITS.iter().find(|(name, _)| *name == word);
            let (_, bits) = bits.ok_or("off-hook, on-hook, ring, quiet, open or closed")?;
            Action::Circuit(CircuitAction::Cas(*bits))
        }
        "record" => Action::Record(words.some().ok_or("the name of a WAV file to write")?.to_owned()),
        "play" => {
            let sound = sound(words.some()).ok_or("tone:HERTZ (20 to 3900) or a WAV file")?;
            let length = match words.some() {
                None => None,
                Some("for") => Some(words.duration().ok_or("for DURATION, as 2s")?),
                Some(_) => return Err("for DURATION, as 2s"),
            };
            Action::Play(sound, length)
        }
        "expect" => {
            let sign = sign(words).ok_or(
                "ring, ring-end, caller NUMBER, key N TEXT, silence, dial-tone, ringback, busy, congestion, sit, howler, tone:HERTZ or a WAV file, off-hook, on-hook, wink, number DIGITS or open",
            )?;
            let within = match words.some() {
                None => DEFAULT_PATIENCE,
                Some("within") => words.duration().ok_or("within DURATION, as 5s")?,
                Some(_) => return Err("within DURATION, as 5s"),
            };
            return Ok(Step::Expect { line, sign, within });
        }
        _ => return Err(VERBS),
    };
    Ok(Step::Act { line, action })
}

fn sign(words: &mut Words<'_>) -> Option<Sign> {
    let word = words.some()?;
    if let Some((_, tone)) = PROGRESS.iter().find(|(name, _)| *name == word) {
        return Some(Sign::Progress(*tone));
    }
    Some(match word {
        "ring" => Sign::Ring,
        "ring-end" => Sign::RingEnd,
        "silence" => Sign::Silence,
        "caller" => Sign::Caller(words.some()?.to_owned()),
        "key" => Sign::Key(key(words.some())?, words.some()?.to_owned()),
        "off-hook" => Sign::Circuit(CircuitSign::OffHook),
        "on-hook" => Sign::Circuit(CircuitSign::OnHook),
        "wink" => Sign::Circuit(CircuitSign::Wink),
        "open" => Sign::Circuit(CircuitSign::Open),
        "number" => Sign::Circuit(CircuitSign::Number(digits(words.some()?)?)),
        _ => Sign::Sound(sound(Some(word))?),
    })
}

fn sound(word: Option<&str>) -> Option<Sound> {
    let word = word?;
    match word.split_once(':') {
        // Below 4 kHz, half the sampling rate, with room for the filter of a real line.
        Some(("tone", hertz)) => hertz.parse().ok().filter(|hz| (20..=3900).contains(hz)).map(Sound::Tone),
        _ if word.to_ascii_lowercase().ends_with(".wav") => Some(Sound::File(word.to_owned())),
        _ => None,
    }
}

fn key(word: Option<&str>) -> Option<u8> {
    word?.parse().ok().filter(|key| (1..=99).contains(key))
}

fn digits(word: &str) -> Option<String> {
    let legal = |c: char| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d' | ',');
    (!word.is_empty() && word.chars().all(legal)).then(|| word.to_ascii_uppercase())
}

/// `5551234`, `*11#` or `K0,5,5,5,S0`: which digits there are depends on the circuit.
fn outpulsed(word: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '#' | ',');
    (!word.is_empty() && word.chars().all(legal)).then(|| word.to_owned())
}

struct Words<'a>(std::vec::IntoIter<&'a str>);

impl<'a> Words<'a> {
    fn some(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn next_or(&mut self, otherwise: &'a str) -> &'a str {
        self.0.next().unwrap_or(otherwise)
    }

    /// `250ms`, `2s`, `1.5s`, `3m`.
    fn duration(&mut self) -> Option<Duration> {
        let word = self.0.next()?;
        let split = word.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = word.split_at(split);
        let seconds: f64 = match unit {
            "ms" => number.parse::<f64>().ok()? / 1000.0,
            "s" => number.parse().ok()?,
            "m" => number.parse::<f64>().ok()? * 60.0,
            _ => return None,
        };
        Duration::try_from_secs_f64(seconds).ok().filter(|d| *d <= LONGEST_WAIT)
    }

    fn end<T>(&mut self, value: T) -> Option<T> {
        self.0.next().is_none().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Step {
        Parser::new().line(text).unwrap().unwrap()
    }

    fn act(action: Action) -> Step {
        Step::Act { line: "aaln/1".into(), action }
    }

    #[test]
    fn each_command_has_its_words() {
        assert_eq!(one("aaln/1 off-hook"), act(Action::OffHook));
        assert_eq!(one("AALN/1 on-hook"), act(Action::OnHook));
        assert_eq!(one("aaln/1 dial *21,2002#"), act(Action::Dial("*21,2002#".into())));
        assert_eq!(
            one("aaln/1 play tone:1000 for 1.5s"),
            act(Action::Play(Sound::Tone(1000), Some(Duration::from_millis(1500))))
        );
        assert_eq!(one("aaln/1 play hello.wav"), act(Action::Play(Sound::File("hello.wav".into()), None)));
        assert_eq!(
            one("aaln/1 expect dial-tone within 250ms"),
            Step::Expect {
                line: "aaln/1".into(),
                sign: Sign::Progress(Progress::Dial),
                within: Duration::from_millis(250)
            }
        );
        let circuit = |action| Step::Act { line: "ds/a/1".into(), action: Action::Circuit(action) };
        assert_eq!(one("ds/a/1 seize"), circuit(CircuitAction::Seize));
        assert_eq!(
            one("ds/a/1 outpulse K0,5,5,5,S0"),
            circuit(CircuitAction::Outpulse("K0,5,5,5,S0".into()))
        );
        assert_eq!(one("ds/a/1 cas ring"), circuit(CircuitAction::Cas(Bits::Ring)));
        assert_eq!(
            one("ds/a/1 expect number 5551234"),
            Step::Expect {
                line: "ds/a/1".into(),
                sign: Sign::Circuit(CircuitSign::Number("5551234".into())),
                within: DEFAULT_PATIENCE
            }
        );
        assert_eq!(one("wait 2m"), Step::Wait(Duration::from_secs(120)));
    }

    #[test]
    fn what_the_operator_does_is_for_the_whole_gateway_or_for_the_endpoints_on_its_line() {
        let operate = |endpoints: &str, order| Step::Operate { endpoints: endpoints.into(), order };
        let half = Duration::from_secs(30);
        assert_eq!(one("out-of-service"), operate("*", Order::Forced));
        assert_eq!(one("out-of-service graceful"), operate("*", Order::Graceful(None)));
        assert_eq!(one("aaln/* out-of-service graceful 30s"), operate("aaln/*", Order::Graceful(Some(half))));
        assert_eq!(one("aaln/[1-2] out-of-service forced"), operate("aaln/[1-2]", Order::Forced));
        assert_eq!(one("in-service"), operate("*", Order::InService(Duration::ZERO)));
        assert_eq!(one("relay/1 in-service 30s"), operate("relay/1", Order::InService(half)));
        let steps = Parser::script("aaln/1 off-hook\naaln/* in-service\non-hook\n").unwrap();
        assert_eq!(steps[2].1, Step::Act { line: "aaln/1".into(), action: Action::OnHook });
    }

    #[test]
    fn a_command_without_a_line_is_for_the_line_named_last() {
        let steps = Parser::script("# a call\n\naaln/2 off-hook # lift\ndial 2001\n").unwrap();
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[1], (4, Step::Act { line: "aaln/2".into(), action: Action::Dial("2001".into()) }));
    }

    #[test]
    fn what_is_not_a_command_is_refused_with_what_was_expected() {
        for (text, expected) in [
            ("off-hook", "a line first"),
            ("aaln/1", "off-hook"),
            ("aaln/1 jump", "off-hook"),
            ("aaln/1 dial", "digits"),
            ("aaln/1 dial 20x", "digits"),
            ("aaln/1 play tone:99999", "tone:HERTZ"),
            ("aaln/1 play tone:1000 for ever", "for DURATION"),
            ("aaln/1 expect music", "ring"),
            ("ds/a/1 cas busy", "off-hook"),
            ("ds/a/1 outpulse 5-5", "digits"),
            ("aaln/1 expect ring soon", "within DURATION"),
            ("aaln/1 off-hook now", "nothing more"),
            ("out-of-service soon", "graceful"),
            ("out-of-service graceful soon", "graceful DURATION"),
            ("in-service 1 2", "DURATION"),
            ("wait", "wait DURATION"),
            ("wait -1s", "wait DURATION"),
            ("wait 1e99s", "wait DURATION"),
            ("wait 2h", "wait DURATION"),
        ] {
            let error = Parser::new().line(text).unwrap_err();
            assert!(error.expected.contains(expected), "{text}: {error}");
            assert_eq!(error.line, 1);
        }
    }

    #[test]
    fn a_line_without_end_is_refused_and_not_repeated() {
        let error = Parser::new().line(&"x".repeat(1 << 20)).unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
