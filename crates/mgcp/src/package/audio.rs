//! What an audio server is asked to do: the parameters of RFC 2897 sections 5, 7 and 12.
//!
//! They stand between the parentheses of `AU/pa`, `AU/pc`, `AU/pr` and `AU/es`, separated by spaces where RFC 3435 has commas, so
//! that they have a reader of their own. Units of 100 ms become durations.
//!
//! Limits: segments and keys are bounded by the line that carries them; the selectors behind the closing parenthesis
//! (`pa(an=5)[Lang=eng]`) are no event parameters of RFC 3435 and not read.

use strowger_sansio::Duration;

use super::AudioOperation;

/// What is to be played, collected or recorded. What was not said has its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioRequest {
    /// `an` of a play, `ip` of the others: what is played first.
    pub prompt: Vec<Segment>,
    /// `rp`: after an error.
    pub reprompt: Option<Vec<Segment>>,
    /// `nd` or `ns`: after nothing.
    pub nothing: Option<Vec<Segment>>,
    /// `fa`: when all attempts have failed.
    pub failure: Vec<Segment>,
    /// `sa`: at success.
    pub success: Vec<Segment>,
    /// `ni`: keys and voice do not interrupt the initial prompt.
    pub is_uninterruptible: bool,
    /// `it`: how often; none is for ever.
    pub iterations: Option<u32>,
    /// `iv`: silence between two plays.
    pub interval: Duration,
    /// `du`: at most so long.
    pub duration: Option<Duration>,
    /// `sp`: percent of the speed that a recording has.
    pub speed: i32,
    /// `vl`: decibels above its level.
    pub volume: i32,
    /// `cb`: forget keys that were pressed before.
    pub clears_buffer: bool,
    /// `mx`: at most so many digits.
    pub most: usize,
    /// `mn`: at least so many.
    pub least: usize,
    /// `dp`: a digit map instead.
    pub pattern: Option<String>,
    /// `fdt`: until the first digit.
    pub first_digit: Duration,
    /// `idt`: until the next.
    pub next_digit: Duration,
    /// `edt`: after the last, for the end key.
    pub extra_digit: Option<Duration>,
    /// `prt`: until somebody speaks.
    pub pre_speech: Duration,
    /// `pst`: silence that ends a recording.
    pub post_speech: Duration,
    /// `rlt`: the longest recording.
    pub recording: Option<Duration>,
    /// `rsk`: begin again with the prompt.
    pub restart: Option<String>,
    /// `rik`: begin again without it.
    pub reinput: Option<String>,
    /// `rtk`: end, and say so.
    pub return_key: Option<String>,
    /// `psk`: keys that move within the announcement.
    pub position: Option<(char, Position)>,
    /// `stk`: the key that ends playing.
    pub stop: Option<char>,
    /// `sik`: keys that may begin the input.
    pub start: String,
    /// `eik`: the key that ends it.
    pub end: Option<char>,
    /// `iek`: report that key too.
    pub includes_end: bool,
    /// `na`: attempts.
    pub attempts: u32,
    /// `rpa`: keep the recording.
    pub is_persistent: bool,
    /// `oa`, `ra`, `dpa`: what to do with a provisioned segment.
    pub upkeep: Option<(Upkeep, u32)>,
}

/// What a recording does to a segment that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// `oa`.
    Override,
    /// `ra`.
    Restore,
    /// `dpa`.
    Delete,
}

/// Where a position key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// `fst`.
    First,
    /// `lst`.
    Last,
    /// `prv`.
    Previous,
    /// `nxt`.
    Next,
    /// `cur`.
    Current,
}

/// A part of an announcement (section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What is played.
    pub content: Content,
    /// Which of its provisioned variants, by types and values in lower case (section 9).
    pub selectors: Vec<(String, String)>,
}

/// What a segment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A provisioned recording, with the values of its variables.
    Id(u32, Vec<String>),
    /// A name for one.
    Alias(String, Vec<String>),
    /// `si`: nothing, for so long.
    Silence(Duration),
    /// `ts`: text to be spoken.
    Speech(String),
    /// `dt`: text to be shown.
    Display(String),
    /// `vb`: type, subtype and value.
    Variable(String, String, String),
}

impl Default for AudioRequest {
    fn default() -> Self {
        Self {
            prompt: Vec::new(),
            reprompt: None,
            nothing: None,
            failure: Vec::new(),
            success: Vec::new(),
            is_uninterruptible: false,
            iterations: Some(1),
            interval: tenths(10),
            duration: None,
            speed: 100,
            volume: 0,
            clears_buffer: false,
            most: 1,
            least: 1,
            pattern: None,
            first_digit: tenths(50),
            next_digit: tenths(30),
            extra_digit: None,
            pre_speech: tenths(30),
            post_speech: tenths(20),
            recording: None,
            restart: None,
            reinput: None,
            return_key: None,
            position: None,
            stop: None,
            start: "0123456789".to_owned(),
            end: Some('#'),
            includes_end: false,
            attempts: 1,
            is_persistent: false,
            upkeep: None,
        }
    }
}

impl AudioRequest {
    /// Reads what stands between the parentheses; none when it breaks the grammar or lacks what must be there.
    ///
    /// `pr` without `rlt`, which section 5 calls mandatory and whose own examples leave it out, is read.
    #[must_use]
    pub fn parse(operation: AudioOperation, text: &str) -> Option<Self> {
        let mut request = Self::default();
        for token in split(text, |c| c == ' ' || c == '\t') {
            let (name, value) = token.split_once('=')?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if !allowed(operation, &name) {
                return None;
            }
            match operation {
                AudioOperation::End => {
                    matches!(value.to_ascii_lowercase().as_str(), "pa" | "pc" | "pr").then_some(())?;
                }
                _ => request.set(&name, value)?,
            }
        }
        let complete = match operation {
            AudioOperation::Play => !request.prompt.is_empty(),
            AudioOperation::Collect => request.least <= request.most || request.pattern.is_some(),
            AudioOperation::End => text.trim_start().to_ascii_lowercase().starts_with("sg"),
            AudioOperation::Record => true,
        };
        complete.then_some(request)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "an" | "ip" => self.prompt = segments(value)?,
            "rp" => self.reprompt = Some(segments(value)?),
            "nd" | "ns" => self.nothing = Some(segments(value)?),
            "fa" => self.failure = segments(value)?,
            "sa" => self.success = segments(value)?,
            "ni" => self.is_uninterruptible = truth(value)?,
            "it" if value == "-1" => self.iterations = None,
            "it" => self.iterations = Some(number(value)?),
            "iv" => self.interval = span(value)?,
            "du" => self.duration = Some(span(value)?),
            "sp" => self.speed = signed(value).filter(|percent| (25..=400).contains(percent))?,
            "vl" => self.volume = signed(value).filter(|decibels| (-40..=20).contains(decibels))?,
            "cb" => self.clears_buffer = truth(value)?,
            // A maximum below the default minimum would allow nothing, and a minimum above the default maximum too.
            "mx" => self.most = digits(value)?,
            "mn" => {
                self.least = digits(value)?;
                self.most = self.most.max(self.least);
            }
            "dp" if !value.is_empty() => self.pattern = Some(value.to_owned()),
            "fdt" => self.first_digit = span(value)?,
            "idt" => self.next_digit = span(value)?,
            "edt" => self.extra_digit = Some(span(value)?),
            "prt" => self.pre_speech = span(value)?,
            "pst" => self.post_speech = span(value)?,
            "rlt" => self.recording = Some(span(value)?),
            "rsk" => self.restart = Some(keys(value, 3)?),
            "rik" => self.reinput = Some(keys(value, 3)?),
            "rtk" => self.return_key = Some(keys(value, 3)?),
            "psk" => {
                let (key, action) = value.split_once(',')?;
                self.position = Some((key_of(key)?, position(action.trim())?));
            }
            "stk" => self.stop = Some(key_of(value)?),
            "sik" => self.start = keys(value, 12)?,
            "eik" if value.eq_ignore_ascii_case("null") => self.end = None,
            "eik" => self.end = Some(key_of(value)?),
            "iek" => self.includes_end = truth(value)?,
            "na" => self.attempts = number(value).filter(|count| (1..=100).contains(count))?,
            "rpa" => self.is_persistent = truth(value)?,
            "oa" => self.upkeep = Some((Upkeep::Override, number(value)?)),
            "ra" => self.upkeep = Some((Upkeep::Restore, number(value)?)),
            "dpa" => self.upkeep = Some((Upkeep::Delete, number(value)?)),
            _ => return None,
        }
        Some(())
    }

    /// The signal that `es` ends: `pa`, `pc` or `pr`.
    #[must_use]
    pub fn ended(text: &str) -> Option<&str> {
        let (name, signal) = text.split_once('=')?;
        name.trim().eq_ignore_ascii_case("sg").then(|| signal.trim())
    }
}

/// The table of section 5, with what section 12 adds to `pr`.
const PARAMETERS: [(&str, &[AudioOperation]); 37] = {
    use AudioOperation::{Collect, End, Play, Record};
    const BOTH: &[AudioOperation] = &[Collect, Record];
    const ALL: &[AudioOperation] = &[Play, Collect, Record];
    [
        ("an", &[Play]),
        ("ip", BOTH),
        ("rp", BOTH),
        ("nd", &[Collect]),
        ("ns", &[Record]),
        ("fa", BOTH),
        ("sa", BOTH),
        ("ni", BOTH),
        ("it", &[Play]),
        ("iv", &[Play]),
        ("du", &[Play]),
        ("sp", ALL),
        ("vl", ALL),
        ("cb", BOTH),
        ("mx", &[Collect]),
        ("mn", &[Collect]),
        ("dp", &[Collect]),
        ("fdt", &[Collect]),
        ("idt", &[Collect]),
        ("edt", &[Collect]),
        ("prt", &[Record]),
        ("pst", &[Record]),
        ("rlt", &[Record]),
        ("rsk", BOTH),
        ("rik", BOTH),
        ("rtk", BOTH),
        ("psk", BOTH),
        ("stk", BOTH),
        ("sik", &[Collect]),
        ("eik", BOTH),
        ("iek", &[Collect]),
        ("na", BOTH),
        ("rpa", &[Record]),
        ("oa", &[Record]),
        ("ra", &[Record]),
        ("dpa", &[Record]),
        ("sg", &[End]),
    ]
};

fn allowed(operation: AudioOperation, name: &str) -> bool {
    PARAMETERS.iter().any(|(known, of)| *known == name && of.contains(&operation))
}

/// Splits outside of parentheses and brackets.
fn split(text: &str, at: impl Fn(char) -> bool) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (place, c) in text.char_indices() {
        match c {
            '(' | '<' | '[' => depth += 1,
            ')' | '>' | ']' => depth = depth.saturating_sub(1),
            c if depth == 0 && at(c) => {
                parts.extend(text.get(start..place));
                start = place + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn segments(text: &str) -> Option<Vec<Segment>> {
    let list: Option<Vec<_>> = split(text, |c| c == ',').into_iter().map(|one| segment(one.trim())).collect();
    list.filter(|list| !list.is_empty())
}

fn segment(text: &str) -> Option<Segment> {
    let (text, selectors) = match text.split_once('[') {
        None => (text, Vec::new()),
        Some((text, rest)) => (text.trim_end(), selectors(rest.strip_suffix(']')?)?),
    };
    Some(Segment { content: content(text)?, selectors })
}

/// `Lang=dan,gender=female`: each type once. The language has two names in the RFC's own examples.
fn selectors(text: &str) -> Option<Vec<(String, String)>> {
    let mut list: Vec<(String, String)> = Vec::new();
    for pair in text.split(',') {
        let (kind, value) = pair.split_once('=')?;
        let mut kind = kind.trim().to_ascii_lowercase();
        if kind == "language" {
            "lang".clone_into(&mut kind);
        }
        let value = value.trim().to_ascii_lowercase();
        if kind.is_empty() || value.is_empty() || list.iter().any(|(known, _)| *known == kind) {
            return None;
        }
        list.push((kind, value));
    }
    Some(list)
}

fn content(text: &str) -> Option<Content> {
    if let Some((kind, rest)) = text.split_once('(') {
        let inner = rest.strip_suffix(')')?;
        return match kind.to_ascii_lowercase().as_str() {
            "si" => Some(Content::Silence(span(inner)?)),
            "ts" => Some(Content::Speech(inner.to_owned())),
            "dt" => Some(Content::Display(inner.to_owned())),
            "vb" => {
                let mut parts = inner.splitn(3, ',').map(|part| part.trim().to_owned());
                Some(Content::Variable(parts.next()?, parts.next()?, parts.next()?))
            }
            _ => None,
        };
    }
    let (name, variables) = match text.split_once('<') {
        None => (text, Vec::new()),
        Some((name, rest)) => {
            let inner = rest.strip_suffix('>')?;
            (name, inner.split(',').map(|value| value.trim().to_owned()).collect())
        }
    };
    match name.strip_prefix('/') {
        Some(rest) => {
            let alias = rest.strip_suffix('/').filter(|alias| !alias.is_empty())?;
            Some(Content::Alias(alias.to_owned(), variables))
        }
        None => Some(Content::Id(number(name)?, variables)),
    }
}

const fn tenths(count: u64) -> Duration {
    Duration::from_millis(count * 100)
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A time in units of 100 ms; an hour is more than anybody waits.
fn span(text: &str) -> Option<Duration> {
    number(text).filter(|count| *count <= 36_000).map(|count| tenths(u64::from(count)))
}

fn digits(text: &str) -> Option<usize> {
    number(text).filter(|count| (1..=64).contains(count)).and_then(|count| usize::try_from(count).ok())
}

fn signed(text: &str) -> Option<i32> {
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#')
}

fn keys(text: &str, most: usize) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= most && text.chars().all(is_key);
    fits.then(|| text.to_owned())
}

fn key_of(text: &str) -> Option<char> {
    let mut keys = text.trim().chars();
    let key = keys.next().filter(|key| is_key(*key))?;
    keys.next().is_none().then_some(key)
}

fn position(text: &str) -> Option<Position> {
    Some(match text.to_ascii_lowercase().as_str() {
        "fst" => Position::First,
        "lst" => Position::Last,
        "prv" => Position::Previous,
        "nxt" => Position::Next,
        "cur" => Position::Current,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of section 11 that are event parameters of RFC 3435.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for (operation, text) in [
            (AudioOperation::Play, "an=39"),
            (AudioOperation::Play, "an=39,40,47"),
            (AudioOperation::Play, "an=40<3999>"),
            (AudioOperation::Play, "an=113<3999,10151998>"),
            (AudioOperation::Play, "an=vb(mny,usd,1153)"),
            (AudioOperation::Play, "an=/not-in-service/"),
            (AudioOperation::Play, "an=27 sp=90 vl=-5 it=3 iv=20"),
            (AudioOperation::Play, "an=5[Lang=eng],6,7[Language=fra]"),
            (AudioOperation::Collect, "ip=21 rp=109 nd=102 fa=81 sa=72 na=3"),
            (AudioOperation::Collect, "ip=43 cb=true mn=3 mx=3 na=2"),
            (AudioOperation::Collect, "ip=33 mn=11 mx=11 sik=01 rsk=*11 rtk=*12 na=3"),
            (AudioOperation::Record, "ip=6 prt=50 pst=70 na=2"),
            (AudioOperation::End, "sg=pa"),
        ] {
            assert!(AudioRequest::parse(operation, text).is_some(), "{text}");
        }
    }

    #[test]
    fn values_are_what_they_mean() {
        let play =
            AudioRequest::parse(AudioOperation::Play, "an=27,si(30),/busy/ vl=-5 it=-1 iv=20").unwrap();
        let segment = |content| Segment { content, selectors: Vec::new() };
        let busy = segment(Content::Alias("busy".to_owned(), Vec::new()));
        let recording = segment(Content::Id(27, Vec::new()));
        assert_eq!(play.prompt, [recording, segment(Content::Silence(tenths(30))), busy]);
        let chosen =
            AudioRequest::parse(AudioOperation::Play, "an=5[Language=FRA,gender=female],vb(wkd,null,1)")
                .unwrap();
        let pair = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        assert_eq!(chosen.prompt[0].selectors, [pair("lang", "fra"), pair("gender", "female")]);
        assert_eq!(chosen.prompt[1].selectors, []);
        assert_eq!((play.volume, play.iterations, play.interval), (-5, None, Duration::from_secs(2)));
        let collect = AudioRequest::parse(AudioOperation::Collect, "mx=4 fdt=80 eik=null").unwrap();
        assert_eq!((collect.least, collect.most, collect.end), (1, 4, None));
        assert_eq!(collect.first_digit, Duration::from_secs(8));
    }

    #[test]
    fn what_the_operation_does_not_take_or_the_grammar_does_not_allow_is_refused() {
        for (operation, text) in [
            (AudioOperation::Play, ""),
            (AudioOperation::Play, "ip=3"),
            (AudioOperation::Play, "an=x"),
            (AudioOperation::Play, "an=4294967296"),
            (AudioOperation::Play, "an=3[Lang]"),
            (AudioOperation::Play, "an=3[Lang=eng,language=fra]"),
            (AudioOperation::Play, "an=3[Lang=eng"),
            (AudioOperation::Play, "an=3 it=often"),
            (AudioOperation::Play, "an=3 du=36001"),
            (AudioOperation::Collect, "mx=65"),
            (AudioOperation::Collect, "mn=5 mx=3"),
            (AudioOperation::Collect, "rsk=*123"),
            (AudioOperation::Collect, "ni=perhaps"),
            (AudioOperation::Record, "mx=3"),
            (AudioOperation::End, ""),
            (AudioOperation::End, "sg=ann"),
        ] {
            assert_eq!(AudioRequest::parse(operation, text), None, "{text}");
        }
    }
}
