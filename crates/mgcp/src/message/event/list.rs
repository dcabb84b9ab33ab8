//! Lists of events: requested (`R:`), and signals, observed and detected events, event states (`S:`, `O:`, `T:`,
//! `ES:`), which share one form (RFC 3435 sections 3.2.2.8, 3.2.2.9, 3.2.2.12, 3.2.2.16, 3.2.2.21).

use std::fmt;

use super::{Actions, EventName, EventNameBuf, EventParameters, Walk, items};
use crate::limits::Limits;
use crate::scan::{Class, Fault, Scanner, cut, trim_end};
use crate::text::Rule;

/// The value of `R:`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestedEvents<'a> {
    text: &'a str,
}

/// One requested event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedEvent<'a> {
    /// The event.
    pub name: EventName<'a>,
    /// What to do when it occurs.
    pub actions: Actions<'a>,
    /// Its parameters.
    pub parameters: EventParameters<'a>,
}

/// The value of `S:`, `O:`, `T:` or `ES:`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct EventList<'a> {
    text: &'a str,
}

/// The value of `S:`: signals to apply.
pub type SignalRequests<'a> = EventList<'a>;
/// The value of `O:`: events observed, in order.
pub type ObservedEvents<'a> = EventList<'a>;
/// The value of `T:`: events detected during quarantine.
pub type DetectEvents<'a> = EventList<'a>;
/// The value of `ES:`: events whose states hold.
pub type EventStates<'a> = EventList<'a>;

/// One event or signal of an [`EventList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedEvent<'a> {
    /// The event or signal.
    pub name: EventName<'a>,
    /// Its parameters.
    pub parameters: EventParameters<'a>,
}

impl<'a> RequestedEvent<'a> {
    /// Steps over a requested event.
    #[inline]
    fn skip(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
        EventName::pass(s)?;
        // One plain action, and nothing behind it.
        if let [b'(', letter, b')', b',' | b'\r' | b'\n', ..] = s.rest_bytes()
            && Class::ALPHA.holds(*letter)
            && !matches!(letter, b'E' | b'e')
        {
            s.advance(3);
            return Ok(());
        }
        if s.spaced(b'(') {
            walk.inside(s, Rule::RequestedAction, Actions::skip)?;
            if s.spaced(b'(') {
                walk.inside(s, Rule::EventParameters, EventParameters::skip)?;
            }
        }
        Ok(())
    }

    /// A requested event that was stepped over.
    fn of(text: &'a str) -> Self {
        let Some((name, groups)) = cut(text, b'(') else {
            let name = EventName::of(text);
            return Self { name, actions: Actions::default(), parameters: EventParameters::default() };
        };
        let mut s = Scanner::new(groups);
        s.space();
        // It was stepped over once, so this only finds where the actions end.
        let _ = Actions::skip(&mut s, &mut Walk::again());
        let actions = Actions::of(s.since(0));
        let rest = s.rest().trim_ascii_start();
        let rest = rest.strip_prefix(')').unwrap_or(rest).trim_ascii_start();
        let inner = rest.strip_prefix('(').unwrap_or(rest);
        let parameters = EventParameters::of(inner.strip_suffix(')').unwrap_or(inner));
        Self { name: EventName::of(trim_end(name)), actions, parameters }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(self) -> RequestedEventBuf {
        RequestedEventBuf {
            name: self.name.to_buf(),
            actions: self.actions.as_str().to_owned(),
            parameters: self.parameters.as_str().to_owned(),
        }
    }
}

impl<'a> RequestedEvents<'a> {
    /// A value whose grammar decoding has checked.
    pub(crate) const fn checked(text: &'a str) -> Self {
        Self { text }
    }

    /// Reads a list; none if it breaks the grammar. An empty list is legal.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        Self::skip(&mut s, &mut Walk::new(&Limits::DEFAULT)).ok()?;
        s.is_end().then_some(Self { text })
    }

    /// Steps over a list, which may be empty.
    pub(crate) fn skip(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
        if s.is_end() || s.peek() == Some(b')') { Ok(()) } else { walk.list(s, RequestedEvent::skip) }
    }

    /// The list as it was written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Whether no event is requested.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The events in order.
    pub fn iter(self) -> impl Iterator<Item = RequestedEvent<'a>> + Clone {
        items(self.text, RequestedEvent::skip, RequestedEvent::of)
    }
}

impl<'a> ListedEvent<'a> {
    /// Steps over an event or signal.
    #[inline]
    fn skip(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
        EventName::pass(s)?;
        if s.spaced(b'(') { walk.inside(s, Rule::EventParameters, EventParameters::skip) } else { Ok(()) }
    }

    /// An event or signal that was stepped over.
    fn of(text: &'a str) -> Self {
        let Some((name, group)) = cut(text, b'(') else {
            return Self { name: EventName::of(text), parameters: EventParameters::default() };
        };
        let parameters = EventParameters::of(group.strip_suffix(')').unwrap_or(group));
        Self { name: EventName::of(trim_end(name)), parameters }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(self) -> SignalBuf {
        SignalBuf { name: self.name.to_buf(), parameters: self.parameters.as_str().to_owned() }
    }
}

impl<'a> EventList<'a> {
    /// A value whose grammar decoding has checked.
    pub(crate) const fn checked(text: &'a str) -> Self {
        Self { text }
    }

    /// Reads a list; none if it breaks the grammar. An empty list is legal.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        Self::skip(&mut s, &mut Walk::new(&Limits::DEFAULT)).ok()?;
        s.is_end().then_some(Self { text })
    }

    /// Steps over a list, which may be empty.
    pub(crate) fn skip(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
        if s.is_end() || s.peek() == Some(b')') {
            return Ok(());
        }
        // Digits that were collected come as a long list of plain names.
        walk.items -= EventName::pass_listed(s, walk.items);
        walk.list(s, ListedEvent::skip)
    }

    /// The list as it was written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Whether the list is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The events or signals in order.
    pub fn iter(self) -> impl Iterator<Item = ListedEvent<'a>> + Clone {
        items(self.text, ListedEvent::skip, ListedEvent::of)
    }
}

/// An owned [`RequestedEvent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedEventBuf {
    name: EventNameBuf,
    actions: String,
    parameters: String,
}

impl RequestedEventBuf {
    /// Reads one requested event, such as `L/hd(N)`; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut events = RequestedEvents::parse(text)?.iter();
        let first = events.next()?;
        events.next().is_none().then(|| first.to_buf())
    }

    /// The event.
    #[must_use]
    pub const fn name(&self) -> &EventNameBuf {
        &self.name
    }

    /// What to do when it occurs.
    #[must_use]
    pub fn actions(&self) -> Actions<'_> {
        Actions::parse(&self.actions).unwrap_or_default()
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> EventParameters<'_> {
        EventParameters::parse(&self.parameters).unwrap_or_default()
    }
}

/// An owned [`ListedEvent`]: a signal to apply, or an event observed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalBuf {
    name: EventNameBuf,
    parameters: String,
}

impl SignalBuf {
    /// Reads one signal, such as `L/rg(rep=3)`; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut signals = EventList::parse(text)?.iter();
        let first = signals.next()?;
        signals.next().is_none().then(|| first.to_buf())
    }

    /// A signal or event from its name and parameters.
    #[must_use]
    pub fn new(name: EventNameBuf, parameters: EventParameters<'_>) -> Self {
        Self { name, parameters: parameters.as_str().to_owned() }
    }

    /// The signal or event.
    #[must_use]
    pub const fn name(&self) -> &EventNameBuf {
        &self.name
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> EventParameters<'_> {
        EventParameters::parse(&self.parameters).unwrap_or_default()
    }

    /// The same signal with the default package filled in where none is named.
    #[must_use]
    pub fn qualified(mut self, default_package: &str) -> Self {
        self.name = self.name.qualified(default_package);
        self
    }
}

impl fmt::Display for RequestedEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_event(f, &self.name, self.actions.as_str(), self.parameters.as_str())
    }
}

impl fmt::Display for RequestedEventBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_event(f, &self.name.as_name(), &self.actions, &self.parameters)
    }
}

fn write_event(
    f: &mut fmt::Formatter<'_>,
    name: &EventName<'_>,
    actions: &str,
    parameters: &str,
) -> fmt::Result {
    write!(f, "{name}")?;
    match (actions, parameters) {
        ("", "") => Ok(()),
        (actions, "") => write!(f, "({actions})"),
        // Parameters need an action list before them, so the implied one is written out.
        ("", parameters) => write!(f, "(N)({parameters})"),
        (actions, parameters) => write!(f, "({actions})({parameters})"),
    }
}

impl fmt::Display for ListedEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_signal(f, &self.name, self.parameters.as_str())
    }
}

impl fmt::Display for SignalBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_signal(f, &self.name.as_name(), &self.parameters)
    }
}

fn write_signal(f: &mut fmt::Formatter<'_>, name: &EventName<'_>, parameters: &str) -> fmt::Result {
    write!(f, "{name}")?;
    if parameters.is_empty() { Ok(()) } else { write!(f, "({parameters})") }
}

impl fmt::Display for RequestedEvents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for RequestedEvents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Display for EventList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for EventList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
