//! The feature keys of a business telephone: what their lamps and labels show (RFC 3149 section 2.1).

use std::collections::{BTreeMap, VecDeque};

use strowger_mgcp::message::{EventParameter, EventParameters, SignalBuf};

/// Changes of keys that wait to be noticed: each key with its lamp and its label.
const MOST_CHANGES: usize = 198;
/// Characters of a label that are shown.
const LABEL: usize = 32;

/// What one key shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Face {
    state: Option<String>,
    label: Option<String>,
}

/// The keys of a telephone.
#[derive(Debug, Default)]
pub(super) struct Keys {
    faces: BTreeMap<u8, Face>,
    changes: VecDeque<(u8, String)>,
}

impl Keys {
    /// Shows what a signal of the package KY says; none when it is no such signal.
    pub(super) fn show(&mut self, signal: &SignalBuf) -> Option<()> {
        let (key, text) = parts(signal)?;
        *self.place(key, signal)? = Some(text.clone());
        if self.changes.len() < MOST_CHANGES {
            self.changes.push_back((key, text));
        }
        Some(())
    }

    /// Shows no longer what a signal said, if nothing else has taken its place.
    pub(super) fn clear(&mut self, signal: &SignalBuf) {
        let Some((key, text)) = parts(signal) else { return };
        if let Some(shown) = self.place(key, signal)
            && *shown == Some(text)
        {
            *shown = None;
        }
    }

    /// Whether a key shows this state or label.
    pub(super) fn shows(&self, key: u8, text: &str) -> bool {
        let face = self.faces.get(&key);
        face.is_some_and(|face| [&face.state, &face.label].iter().any(|shown| shown.as_deref() == Some(text)))
    }

    /// The next key that shows something new.
    pub(super) fn poll(&mut self) -> Option<(u8, String)> {
        self.changes.pop_front()
    }

    fn place(&mut self, key: u8, signal: &SignalBuf) -> Option<&mut Option<String>> {
        let symbol = signal.name().event();
        let face = self.faces.entry(key).or_default();
        match () {
            () if symbol.eq_ignore_ascii_case("ks") => Some(&mut face.state),
            () if symbol.eq_ignore_ascii_case("ls") => Some(&mut face.label),
            () => None,
        }
    }
}

/// The key of a signal and what it is to show.
fn parts(signal: &SignalBuf) -> Option<(u8, String)> {
    let mut parameters = signal.parameters().iter();
    let EventParameter::Value(key) = parameters.next()? else { return None };
    let text = match parameters.next()? {
        EventParameter::Value(text) => text.to_owned(),
        EventParameter::Quoted(inner) => EventParameters::unquote(inner).into_owned(),
        EventParameter::Named { .. } => return None,
    };
    let shown = text.chars().filter(|letter| !letter.is_control()).take(LABEL).collect();
    Some((key.parse().ok()?, shown))
}
