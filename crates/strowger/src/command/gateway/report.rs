//! What happens on a gateway, as JSON lines for programs or as plain lines for people.

use serde::Serialize;
use strowger_sansio::Time;
use strowger_softgateway::{Event, LineFact, What};

use crate::output::{print, print_json};

/// How events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON object a line.
    Json,
    /// A line of words.
    Plain,
}

/// One line of JSON.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    /// Seconds since the start.
    pub(crate) at: f64,
    pub(crate) event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) what: Option<String>,
    /// Milliseconds that an expectation took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Row {
    pub(crate) fn new(at: Time, event: &'static str) -> Self {
        Self { at: at.as_micros() as f64 / 1e6, event, ..Self::default() }
    }

    /// The row of an event.
    pub(crate) fn of(event: &Event) -> Self {
        match &event.what {
            What::Registered { endpoints } => {
                Self { what: Some(endpoints.clone()), ..Self::new(event.at, "registered") }
            }
            What::Disconnected { endpoint } => {
                Self { line: Some(endpoint.clone()), ..Self::new(event.at, "disconnected") }
            }
            What::RestartRefused { code } => {
                Self { reason: Some(code.to_string()), ..Self::new(event.at, "restart-refused") }
            }
            What::Refused { verb, code, .. } => Self {
                what: Some(verb.clone()),
                reason: Some(code.to_string()),
                ..Self::new(event.at, "refused")
            },
            What::Malformed { from, why } => Self {
                what: Some(from.to_string()),
                reason: Some(why.clone()),
                ..Self::new(event.at, "malformed")
            },
            What::Unreadable { file, why } => Self {
                what: Some(file.clone()),
                reason: Some(why.clone()),
                ..Self::new(event.at, "unreadable")
            },
            What::Line { line, fact } => Self { line: Some(line.clone()), ..Self::of_fact(event.at, fact) },
        }
    }

    fn of_fact(at: Time, fact: &LineFact) -> Self {
        match fact {
            LineFact::OffHook => Self::new(at, "off-hook"),
            LineFact::OnHook => Self::new(at, "on-hook"),
            LineFact::Winked => Self::new(at, "wink"),
            LineFact::Number(digits) => Self { what: Some(digits.clone()), ..Self::new(at, "number") },
            LineFact::Opened => Self::new(at, "open"),
            LineFact::Ringing => Self::new(at, "ring"),
            LineFact::RingingEnded => Self::new(at, "ring-end"),
            LineFact::Caller(text) => Self { what: Some(text.clone()), ..Self::new(at, "caller") },
            LineFact::Key { key, shows } => {
                Self { what: Some(format!("{key} {shows}")), ..Self::new(at, "key") }
            }
            LineFact::Hears(tone) => Self { what: Some(tone.to_string()), ..Self::new(at, "hears") },
            LineFact::Met { sign, after, .. } => Self {
                what: Some(sign.to_string()),
                after_ms: Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
                ..Self::new(at, "met")
            },
            LineFact::Missed { sign, instead, .. } => Self {
                what: Some(sign.to_string()),
                reason: Some(instead.clone()),
                ..Self::new(at, "missed")
            },
            LineFact::Recording { file, .. } => {
                Self { what: Some(file.clone()), ..Self::new(at, "recorded") }
            }
        }
    }

    /// Prints the row.
    pub(crate) fn print(&self, form: Form) {
        if form == Form::Json {
            print_json(self);
            return;
        }
        let mut text = format!("{:10.3}  ", self.at);
        let parts = [self.line.as_deref(), Some(self.event), self.what.as_deref(), self.reason.as_deref()];
        for part in parts.into_iter().flatten() {
            text.push_str(&strowger_capture::escape(part).to_string());
            text.push(' ');
        }
        if let Some(after) = self.after_ms {
            text.push_str(&format!("after {after} ms"));
        }
        print(&format!("{}\n", text.trim_end()));
    }
}
