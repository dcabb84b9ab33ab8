//! Requested actions and the embedded notification request (RFC 3435 sections 2.3.3 and 3.2.2.16).

use std::fmt;

use super::{EventList, EventParameters, RequestedEvents, Walk, items};
use crate::message::read_digit_map;
use crate::scan::{Class, Fault, Scanner, cut, is_package_name, trim_end};
use crate::text::Rule;

/// What to do when an event occurs, without the parentheses. An empty list means [`Action::Notify`].
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Actions<'a> {
    text: &'a str,
}

/// One action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// `N`: notify immediately.
    Notify,
    /// `A`: accumulate.
    Accumulate,
    /// `D`: treat according to the digit map.
    DigitMap,
    /// `S`: swap audio.
    Swap,
    /// `I`: ignore.
    Ignore,
    /// `K`: keep signals active.
    KeepSignals,
    /// `E(...)`: process the embedded notification request.
    Embedded(Embedded<'a>),
    /// `package/Action(...)`.
    Package {
        /// The package.
        package: &'a str,
        /// The action.
        action: &'a str,
        /// What stands in parentheses.
        parameters: EventParameters<'a>,
    },
    /// Any other word: no action known to the RFC.
    Other(&'a str),
}

/// The groups of an embedded notification request, in whatever order they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Embedded<'a> {
    /// `R(...)`.
    pub requested_events: Option<RequestedEvents<'a>>,
    /// `S(...)`.
    pub signal_requests: Option<EventList<'a>>,
    /// `D(...)`: without it the current digit map stays.
    pub digit_map: Option<&'a str>,
}

/// The actions of one event as a set, which the rules on combinations (RFC 3435 section 2.3.3) look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionSet(u8);

impl ActionSet {
    /// `N`.
    pub const NOTIFY: Self = Self(1);
    /// `A`.
    pub const ACCUMULATE: Self = Self(2);
    /// `D`.
    pub const DIGIT_MAP: Self = Self(4);
    /// `S`.
    pub const SWAP: Self = Self(8);
    /// `I`.
    pub const IGNORE: Self = Self(16);
    /// `K`.
    pub const KEEP_SIGNALS: Self = Self(32);
    /// `E`.
    pub const EMBEDDED: Self = Self(64);
    /// An action of a package, or an unknown one.
    pub const EXTENSION: Self = Self(128);

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether one more action may join those of this set: each must be combinable with all others, and none
    /// with itself (the table of RFC 3435 section 2.3.3). `N` with `E` also needs loop mode.
    #[must_use]
    pub fn combines_with(self, action: Self) -> bool {
        COMBINATIONS.iter().all(|(one, others)| {
            let joins = !action.contains(*one) || others.contains(self);
            let joined = !self.contains(*one) || others.contains(action);
            joins && joined
        })
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Each action with those that it can be combined with: the table of RFC 3435 section 2.3.3, both halves.
const COMBINATIONS: [(ActionSet, ActionSet); 8] = {
    use ActionSet as A;
    [
        (A::NOTIFY, A(A::SWAP.0 | A::KEEP_SIGNALS.0 | A::EMBEDDED.0)),
        (A::SWAP, A(A::NOTIFY.0 | A::ACCUMULATE.0 | A::IGNORE.0)),
        (A::ACCUMULATE, A(A::SWAP.0 | A::KEEP_SIGNALS.0 | A::EMBEDDED.0)),
        (A::DIGIT_MAP, A::KEEP_SIGNALS),
        (A::KEEP_SIGNALS, A(A::NOTIFY.0 | A::ACCUMULATE.0 | A::DIGIT_MAP.0 | A::EMBEDDED.0 | A::IGNORE.0)),
        (A::EMBEDDED, A(A::NOTIFY.0 | A::ACCUMULATE.0 | A::KEEP_SIGNALS.0)),
        (A::IGNORE, A(A::SWAP.0 | A::KEEP_SIGNALS.0)),
        (A::EXTENSION, A(0)),
    ]
};

impl<'a> Action<'a> {
    /// Steps over an action.
    fn skip(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
        let at = s.position();
        let length = s.pass(Class::WORD);
        match s.taken(at) {
            [] => return Err(s.fault(Rule::RequestedAction)),
            [b'E' | b'e'] if s.peek() != Some(b'/') => {
                if !s.spaced(b'(') {
                    return Err(s.fault(Rule::EmbeddedRequest));
                }
                return walk.inside(s, Rule::EmbeddedRequest, Embedded::read).map(|_| ());
            }
            _ => {}
        }
        if s.peek() == Some(b'/') {
            if !is_package_name(s.since(at)) {
                return Err(Fault { at, rule: Rule::RequestedAction });
            }
            s.skip();
            if s.pass(Class::ALNUM) == 0 {
                return Err(s.fault(Rule::RequestedAction));
            }
        } else if length == 1 {
            return Ok(());
        }
        if s.eat(b'(') { walk.inside(s, Rule::EventParameters, EventParameters::skip) } else { Ok(()) }
    }

    /// An action that was stepped over.
    fn of(text: &'a str) -> Self {
        let (word, inner) = match cut(text, b'(') {
            None => (text, None),
            Some((word, group)) => (trim_end(word), Some(group.strip_suffix(')').unwrap_or(group))),
        };
        match word.as_bytes() {
            [b'N' | b'n'] => Self::Notify,
            [b'A' | b'a'] => Self::Accumulate,
            [b'D' | b'd'] => Self::DigitMap,
            [b'S' | b's'] => Self::Swap,
            [b'I' | b'i'] => Self::Ignore,
            [b'K' | b'k'] => Self::KeepSignals,
            [b'E' | b'e'] => {
                let mut s = Scanner::new(inner.unwrap_or_default());
                s.space();
                Self::Embedded(Embedded::read(&mut s, &mut Walk::again()).unwrap_or_default())
            }
            _ => match cut(word, b'/') {
                None => Self::Other(word),
                Some((package, action)) => {
                    let parameters = EventParameters::of(inner.unwrap_or_default());
                    Self::Package { package, action, parameters }
                }
            },
        }
    }

    /// The set that holds this action alone.
    #[must_use]
    pub const fn as_set(&self) -> ActionSet {
        match self {
            Self::Notify => ActionSet::NOTIFY,
            Self::Accumulate => ActionSet::ACCUMULATE,
            Self::DigitMap => ActionSet::DIGIT_MAP,
            Self::Swap => ActionSet::SWAP,
            Self::Ignore => ActionSet::IGNORE,
            Self::KeepSignals => ActionSet::KEEP_SIGNALS,
            Self::Embedded(_) => ActionSet::EMBEDDED,
            Self::Package { .. } | Self::Other(_) => ActionSet::EXTENSION,
        }
    }
}

/// Steps over something and takes its text.
fn text_of<'a>(
    skip: impl FnOnce(&mut Scanner<'a>, &mut Walk) -> Result<(), Fault>,
) -> impl FnOnce(&mut Scanner<'a>, &mut Walk) -> Result<&'a str, Fault> {
    move |s, walk| {
        let start = s.position();
        skip(s, walk)?;
        Ok(s.since(start))
    }
}

impl<'a> Embedded<'a> {
    /// Steps over the groups and takes their texts.
    fn read(s: &mut Scanner<'a>, walk: &mut Walk) -> Result<Self, Fault> {
        let mut groups = Self::default();
        loop {
            let at = s.position();
            let letter = s.take(Class::ALPHA);
            if !s.spaced(b'(') {
                return Err(s.fault(Rule::EmbeddedRequest));
            }
            let fresh = match letter {
                "R" | "r" => {
                    let list = walk.inside(s, Rule::RequestedEvents, text_of(RequestedEvents::skip))?;
                    groups.requested_events.replace(RequestedEvents::checked(list)).is_none()
                }
                "S" | "s" => {
                    let list = walk.inside(s, Rule::SignalRequests, text_of(EventList::skip))?;
                    groups.signal_requests.replace(EventList::checked(list)).is_none()
                }
                "D" | "d" => {
                    let map = walk.inside(s, Rule::DigitMap, |s, _| read_digit_map(s))?;
                    groups.digit_map.replace(map).is_none()
                }
                _ => false,
            };
            if !fresh {
                return Err(Fault { at, rule: Rule::EmbeddedRequest });
            }
            if !s.comma() {
                return Ok(groups);
            }
        }
    }
}

impl<'a> Actions<'a> {
    /// Steps over a list, which is not empty.
    pub(super) fn skip(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
        walk.list(s, Action::skip)
    }

    /// A list that was stepped over.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.trim_ascii() }
    }

    /// Reads a list; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let mut s = Scanner::new(text);
        Self::skip(&mut s, &mut Walk::new(&crate::limits::Limits::DEFAULT)).ok()?;
        s.is_end().then(|| Self::of(text))
    }

    /// The list as it was written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Whether actions were written; if not, the action is [`Action::Notify`].
    #[must_use]
    pub const fn is_explicit(self) -> bool {
        !self.text.is_empty()
    }

    /// The actions in order: at least one.
    pub fn iter(self) -> impl Iterator<Item = Action<'a>> + Clone {
        let implied = (!self.is_explicit()).then_some(Action::Notify);
        implied.into_iter().chain(items(self.text, Action::skip, Action::of))
    }

    /// The actions as a set.
    #[must_use]
    pub fn as_set(self) -> ActionSet {
        self.iter().fold(ActionSet::default(), |set, action| set.with(action.as_set()))
    }

    /// The embedded notification request, if there is one.
    #[must_use]
    pub fn embedded(self) -> Option<Embedded<'a>> {
        self.iter().find_map(|action| match action {
            Action::Embedded(embedded) => Some(embedded),
            _ => None,
        })
    }
}

impl fmt::Display for Actions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for Actions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_explicit() { self.text } else { "N" })
    }
}
