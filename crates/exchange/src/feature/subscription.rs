//! What a line has, as it was provisioned; what was changed since is laid over it by the desk.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use strowger_sansio::Duration;

use super::setting::{Forward, Setting};

/// The features of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Where all calls are forwarded.
    pub forward_always: Option<String>,
    /// Where calls are forwarded that find the line busy.
    pub forward_busy: Option<String>,
    /// Where calls are forwarded that nobody answers.
    pub forward_no_answer: Option<String>,
    /// How long the line is rung before a call counts as not answered. 20 s: three to four ringing cycles.
    pub no_answer: Duration,
    /// A call may wait, where the line may have that at all.
    pub call_waiting: bool,
    /// Calls find the line busy.
    pub do_not_disturb: bool,
    /// Messages wait.
    pub message_waiting: bool,
    /// Callers who withhold their numbers are refused.
    pub reject_anonymous: bool,
    /// The line's number is not shown to those it calls.
    pub withhold_number: bool,
    /// What speed dial codes stand for.
    pub speed_dial: BTreeMap<String, String>,
    /// The class of service, by its id; none: no restriction.
    pub class: Option<String>,
    /// Where the line calls without dialling.
    pub hot_line: Option<HotLine>,
    /// Further numbers of the line, each with its ringing.
    pub numbers: Vec<(String, Ring)>,
    /// How calls from numbers with these beginnings ring; the longest beginning counts.
    pub rings: Vec<(String, Ring)>,
}

impl Default for Subscription {
    fn default() -> Self {
        Self {
            forward_always: None,
            forward_busy: None,
            forward_no_answer: None,
            no_answer: Duration::from_secs(20),
            call_waiting: true,
            do_not_disturb: false,
            message_waiting: false,
            reject_anonymous: false,
            withhold_number: false,
            speed_dial: BTreeMap::new(),
            class: None,
            hot_line: None,
            numbers: Vec::new(),
            rings: Vec::new(),
        }
    }
}

impl Subscription {
    /// Where calls are forwarded.
    #[must_use]
    pub fn forward(&self, when: Forward) -> Option<&str> {
        match when {
            Forward::Always => self.forward_always.as_deref(),
            Forward::Busy => self.forward_busy.as_deref(),
            Forward::NoAnswer => self.forward_no_answer.as_deref(),
        }
    }

    /// Makes a setting.
    pub fn apply(&mut self, setting: &Setting) {
        match setting {
            Setting::Forward(Forward::Always, number) => self.forward_always.clone_from(number),
            Setting::Forward(Forward::Busy, number) => self.forward_busy.clone_from(number),
            Setting::Forward(Forward::NoAnswer, number) => self.forward_no_answer.clone_from(number),
            Setting::CallWaiting(on) => self.call_waiting = *on,
            Setting::DoNotDisturb(on) => self.do_not_disturb = *on,
            Setting::MessageWaiting(on) => self.message_waiting = *on,
            Setting::RejectAnonymous(on) => self.reject_anonymous = *on,
            Setting::WithholdNumber(on) => self.withhold_number = *on,
            Setting::SpeedDial(slot, Some(number)) => {
                self.speed_dial.insert(slot.clone(), number.clone());
            }
            Setting::SpeedDial(slot, None) => {
                self.speed_dial.remove(slot);
            }
        }
    }

    /// All that can be set, as it is now: each once, and the speed dials that there are.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        let forward = |when: Forward| Setting::Forward(when, self.forward(when).map(str::to_owned));
        let speed_dial = self.speed_dial.iter();
        Forward::ALL
            .into_iter()
            .map(forward)
            .chain([
                Setting::CallWaiting(self.call_waiting),
                Setting::DoNotDisturb(self.do_not_disturb),
                Setting::MessageWaiting(self.message_waiting),
                Setting::RejectAnonymous(self.reject_anonymous),
                Setting::WithholdNumber(self.withhold_number),
            ])
            .chain(speed_dial.map(|(slot, number)| Setting::SpeedDial(slot.clone(), Some(number.clone()))))
    }
}

/// A line that calls by itself when its receiver is lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotLine {
    /// Whom.
    pub number: String,
    /// After so long a dial tone without a digit; at once when zero.
    pub after: Duration,
}

/// How a call rings: the cadences of RFC 3660 section 2.4, `rg` and `r0` to `r7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Ring {
    /// As usual.
    #[default]
    Normal,
    /// By the distinctive pattern of this number, 0 to 7.
    Pattern(u8),
}

impl FromStr for Ring {
    type Err = UnknownRing;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            b"rg" => Ok(Self::Normal),
            [b'r', digit @ b'0'..=b'7'] => Ok(Self::Pattern(digit - b'0')),
            _ => Err(UnknownRing(text.to_owned())),
        }
    }
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("rg"),
            Self::Pattern(number) => write!(f, "r{number}"),
        }
    }
}

/// A ringing that is none of `rg` and `r0` to `r7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRing(pub String);

impl fmt::Display for UnknownRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown ringing \"{}\"; expected \"rg\" or \"r0\" to \"r7\"", self.0.escape_default())
    }
}

impl std::error::Error for UnknownRing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_what_is_told() {
        let mut subscription = Subscription::default();
        let settings = [
            Setting::Forward(Forward::Always, Some("2005".to_owned())),
            Setting::Forward(Forward::Busy, Some("2006".to_owned())),
            Setting::Forward(Forward::NoAnswer, Some("2007".to_owned())),
            Setting::CallWaiting(false),
            Setting::DoNotDisturb(true),
            Setting::MessageWaiting(true),
            Setting::RejectAnonymous(true),
            Setting::WithholdNumber(true),
            Setting::SpeedDial("2".to_owned(), Some("2004".to_owned())),
        ];
        settings.iter().for_each(|setting| subscription.apply(setting));
        assert_eq!(subscription.settings().collect::<Vec<_>>(), settings);
        subscription.apply(&Setting::SpeedDial("2".to_owned(), None));
        assert_eq!(subscription.settings().count(), 8);
    }

    #[test]
    fn a_ringing_is_read_as_it_is_written() {
        for text in ["rg", "r0", "r7"] {
            assert_eq!(text.parse::<Ring>().unwrap().to_string(), text);
        }
        for text in ["", "r", "r8", "r10", "R1", "rs"] {
            assert!(text.parse::<Ring>().is_err(), "{text}");
        }
    }
}
