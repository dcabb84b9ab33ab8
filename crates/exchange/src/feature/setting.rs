//! What can be changed of a line's features while the exchange runs: by its subscriber with a feature code, by
//! an operator or an application.
//!
//! A setting has a name and a value in words, so that a store of one version is read by the next, and a console
//! needs no knowledge of its own. Names never change their meaning; a new meaning gets a new name.

use std::fmt;

use strowger_sansio::Time;

/// When a line's calls are forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forward {
    /// All of them, at once.
    Always,
    /// Those that find the line busy.
    Busy,
    /// Those that nobody answers in time, or that cannot reach the line.
    NoAnswer,
}

impl Forward {
    /// All of them, in the order of their precedence.
    pub const ALL: [Self; 3] = [Self::Always, Self::Busy, Self::NoAnswer];

    /// The word for it in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
        }
    }
}

/// One thing set, with its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Calls are forwarded to this number, or no more.
    Forward(Forward, Option<String>),
    /// A call may wait behind the one that the subscriber is in, where the line may have that at all.
    CallWaiting(bool),
    /// Calls find the line busy.
    DoNotDisturb(bool),
    /// Messages wait: the line's lamp is lit and its dial tone stutters.
    MessageWaiting(bool),
    /// Callers who withhold their numbers are refused.
    RejectAnonymous(bool),
    /// What a speed dial code of one or two digits stands for.
    SpeedDial(String, Option<String>),
    /// The line's number is not shown to those it calls.
    WithholdNumber(bool),
}

/// The names of the settings that are not one of a series, in the order of a console.
pub const NAMES: &[&str] = &[
    "forward-always",
    "forward-busy",
    "forward-no-answer",
    "call-waiting",
    "do-not-disturb",
    "message-waiting",
    "reject-anonymous",
    "withhold-number",
];
/// What the name of a speed dial begins with; its digits follow.
pub const SPEED_DIAL: &str = "speed-dial-";

const ON: &str = "on";
const OFF: &str = "off";

impl Setting {
    /// The name of what is set: `forward-busy`, `speed-dial-2`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Forward(when, _) => format!("forward-{}", when.name()),
            Self::CallWaiting(_) => "call-waiting".to_owned(),
            Self::DoNotDisturb(_) => "do-not-disturb".to_owned(),
            Self::MessageWaiting(_) => "message-waiting".to_owned(),
            Self::RejectAnonymous(_) => "reject-anonymous".to_owned(),
            Self::SpeedDial(slot, _) => format!("{SPEED_DIAL}{slot}"),
            Self::WithholdNumber(_) => "withhold-number".to_owned(),
        }
    }

    /// The value: `on` or `off`, or a number or `off`.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Forward(_, number) | Self::SpeedDial(_, number) => number.as_deref().unwrap_or(OFF),
            Self::CallWaiting(on)
            | Self::DoNotDisturb(on)
            | Self::MessageWaiting(on)
            | Self::RejectAnonymous(on)
            | Self::WithholdNumber(on) => {
                if *on {
                    ON
                } else {
                    OFF
                }
            }
        }
    }

    /// The setting with this name and value.
    ///
    /// # Errors
    /// When there is no setting of this name, or the value is not one of its values.
    pub fn parse(name: &str, value: &str) -> Result<Self, SettingFault> {
        let flag = || match value {
            ON => Ok(true),
            OFF => Ok(false),
            _ => Err(SettingFault::Value { expected: "on or off" }),
        };
        let number = || match value {
            OFF => Ok(None),
            _ if is_dialled(value) => Ok(Some(value.to_owned())),
            _ => Err(SettingFault::Value { expected: "a number, or off" }),
        };
        if let Some(slot) = name.strip_prefix(SPEED_DIAL) {
            let legal = matches!(slot.len(), 1 | 2) && slot.bytes().all(|key| key.is_ascii_digit());
            return if legal {
                Ok(Self::SpeedDial(slot.to_owned(), number()?))
            } else {
                Err(SettingFault::Name(name.to_owned()))
            };
        }
        Ok(match name {
            "forward-always" => Self::Forward(Forward::Always, number()?),
            "forward-busy" => Self::Forward(Forward::Busy, number()?),
            "forward-no-answer" => Self::Forward(Forward::NoAnswer, number()?),
            "call-waiting" => Self::CallWaiting(flag()?),
            "do-not-disturb" => Self::DoNotDisturb(flag()?),
            "message-waiting" => Self::MessageWaiting(flag()?),
            "reject-anonymous" => Self::RejectAnonymous(flag()?),
            "withhold-number" => Self::WithholdNumber(flag()?),
            _ => return Err(SettingFault::Name(name.to_owned())),
        })
    }
}

/// Whether this can be the number that a call is sent on to: digits, or `+` and digits; 32 at most.
fn is_dialled(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=32).contains(&digits.len()) && digits.bytes().all(|key| key.is_ascii_digit())
}

/// Why a setting was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingFault {
    /// There is no setting of this name.
    Name(String),
    /// The value is none of the setting's.
    Value {
        /// What would be.
        expected: &'static str,
    },
    /// There is no line with this number.
    Line(String),
    /// The number leads nowhere.
    Unreachable(String),
    /// The line may not call this number, so that it may not have calls sent there either.
    Barred(String),
    /// The number is the line's own.
    Own(String),
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(f, "there is no setting \"{}\"; there are", name.escape_default())?;
                NAMES.iter().try_for_each(|name| write!(f, " {name},"))?;
                write!(f, " {SPEED_DIAL}DIGITS")
            }
            Self::Value { expected } => write!(f, "expected {expected}"),
            Self::Line(number) => {
                write!(f, "there is no line with the number \"{}\"", number.escape_default())
            }
            Self::Unreachable(number) => write!(f, "the number {number} leads nowhere"),
            Self::Barred(number) => write!(f, "the line may not call {number}"),
            Self::Own(number) => write!(f, "{number} is the line's own number"),
        }
    }
}

impl std::error::Error for SettingFault {}

/// A setting was made: what must be kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// When.
    pub at: Time,
    /// The line's number.
    pub line: String,
    /// What, with its new value.
    pub setting: Setting,
    /// Who.
    pub by: SetBy,
}

/// Who made a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetBy {
    /// The subscriber, with a feature code.
    Subscriber,
    /// An operator or an application.
    Operator,
}

impl SetBy {
    /// The word for it in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Operator => "operator",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_as_it_is_written() {
        let settings = [
            Setting::Forward(Forward::Always, Some("2005".to_owned())),
            Setting::Forward(Forward::Busy, None),
            Setting::Forward(Forward::NoAnswer, Some("+12025550123".to_owned())),
            Setting::CallWaiting(true),
            Setting::DoNotDisturb(true),
            Setting::MessageWaiting(true),
            Setting::RejectAnonymous(false),
            Setting::WithholdNumber(true),
            Setting::SpeedDial("2".to_owned(), Some("2004".to_owned())),
            Setting::SpeedDial("20".to_owned(), None),
        ];
        for setting in settings {
            assert_eq!(Setting::parse(&setting.name(), setting.value()), Ok(setting));
        }
        for name in NAMES {
            assert_eq!(Setting::parse(name, "off").unwrap().name(), *name);
        }
    }

    #[test]
    fn what_is_no_setting_is_said_so() {
        assert_eq!(Setting::parse("forward", "2005"), Err(SettingFault::Name("forward".to_owned())));
        for slot in ["", "x", "100"] {
            assert!(matches!(
                Setting::parse(&format!("{SPEED_DIAL}{slot}"), "2005"),
                Err(SettingFault::Name(_))
            ));
        }
        for value in ["", "yes", "2005"] {
            assert!(matches!(Setting::parse("do-not-disturb", value), Err(SettingFault::Value { .. })));
        }
        for value in ["", "on", "20x5", "*72", "+", &"2".repeat(33)] {
            assert!(matches!(Setting::parse("forward-busy", value), Err(SettingFault::Value { .. })));
        }
        let told = Setting::parse("dnd", "on").unwrap_err().to_string();
        assert!(told.contains("\"dnd\"") && told.contains(" do-not-disturb,"), "{told}");
    }
}
