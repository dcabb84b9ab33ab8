//! Event names (RFC 3435 section 3.2.2.4).

use std::fmt;

use crate::message::caseless::Caseless;
use crate::message::{ConnectionId, ConnectionIdBuf};
use crate::scan::{Class, Fault, Scanner, cut, is_package_name};
use crate::text::Rule;

/// The name of an event or signal: `[package/]event[@connection]`.
#[derive(Clone, Copy)]
pub struct EventName<'a> {
    /// The package, `*` for all packages, or none for the endpoint's default package.
    pub package: Option<&'a str>,
    /// The event: an identifier, `all`, `*`, `#`, or a range such as `[0-9#T]`.
    pub event: &'a str,
    /// The connection, when it is not on the endpoint itself.
    pub connection: Option<EventConnection<'a>>,
}

/// The connection that an event name points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventConnection<'a> {
    /// `@$`: the connection that this command creates.
    Current,
    /// `@*`: all connections of the endpoint.
    All,
    /// One connection.
    Id(ConnectionId<'a>),
}

/// An owned [`EventConnection`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventConnectionBuf {
    /// `@$`: the connection that this command creates.
    Current,
    /// `@*`: all connections of the endpoint.
    All,
    /// One connection.
    Id(ConnectionIdBuf),
}

impl<'a> EventName<'a> {
    /// Reads a name; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        Self::skip(&mut s).ok()?;
        s.is_end().then(|| Self::of(text))
    }

    /// Steps over a name. Nearly every one is a package of one letter and an event of one or two, as `L/hd` and `D/5`.
    #[inline]
    pub(super) fn pass(s: &mut Scanner<'_>) -> Result<(), Fault> {
        let length = match s.rest_bytes() {
            [package, b'/', event, next, ..] if is_plain(*package, *event) && ends_name(*next) => 3,
            [package, b'/', first, last, next, ..]
                if is_plain(*package, *first) && Class::DIGIT_MAP.holds(*last) && ends_name(*next) =>
            {
                4
            }
            _ => return Self::skip(s),
        };
        s.advance(length);
        Ok(())
    }

    /// Steps over the names at the start of a list that are as plain as that, at most so many of them, each with the comma
    /// and the spaces behind it; says how many.
    #[inline]
    pub(super) fn pass_listed(s: &mut Scanner<'_>, most: usize) -> usize {
        let list = s.rest_bytes();
        let mut rest = list;
        let mut count = 0;
        while count < most {
            let behind = match rest {
                [package, b'/', event, b',', behind @ ..] if is_plain(*package, *event) => behind,
                [package, b'/', first, last, b',', behind @ ..]
                    if is_plain(*package, *first) && Class::DIGIT_MAP.holds(*last) =>
                {
                    behind
                }
                _ => break,
            };
            rest = behind.strip_prefix(b" ").unwrap_or(behind);
            count += 1;
        }
        if count > 0 {
            s.advance(list.len() - rest.len());
            s.space();
        }
        count
    }

    /// Steps over a name of any form.
    #[inline(never)]
    fn skip(s: &mut Scanner<'_>) -> Result<(), Fault> {
        // A package is named by one letter, mostly.
        match s.rest_bytes() {
            [letter, b'/', ..] if Class::ALPHA.holds(*letter) => s.advance(2),
            _ => skip_package(s)?,
        }
        skip_event(s)?;
        if s.eat(b'@') { skip_connection(s) } else { Ok(()) }
    }

    /// The parts of a name that was stepped over.
    pub(super) fn of(text: &'a str) -> Self {
        let (name, connection) = match cut(text, b'@') {
            None => (text, None),
            Some((name, "$")) => (name, Some(EventConnection::Current)),
            Some((name, "*")) => (name, Some(EventConnection::All)),
            Some((name, id)) => (name, ConnectionId::parse(id).map(EventConnection::Id)),
        };
        match cut(name, b'/') {
            None => Self { package: None, event: name, connection },
            Some((package, event)) => Self { package: Some(package), event, connection },
        }
    }

    /// Whether the name is in this package, given the endpoint's default package.
    #[must_use]
    pub fn is_in(self, package: &str, default: &str) -> bool {
        self.package.unwrap_or(default).eq_ignore_ascii_case(package)
    }

    /// Whether this name, as a request, asks for an occurrence of `event` in `package`: the same event, `all` or
    /// `*`, or a range that contains it. `x` in a range, and the event `X` of package D, stand for any digit.
    #[must_use]
    pub fn asks_for(self, package: &str, event: &str, default: &str) -> bool {
        if self.package != Some("*") && !self.is_in(package, default) {
            return false;
        }
        if self.event.eq_ignore_ascii_case(event) || self.event.eq_ignore_ascii_case("all") {
            return true;
        }
        if let Some(range) = self.event.strip_prefix('[') {
            return range_contains(range.trim_end_matches(']'), event);
        }
        let is_digit = event.len() == 1 && event.bytes().all(|byte| byte.is_ascii_digit());
        let names_digits = self.event.eq_ignore_ascii_case("x") && package.eq_ignore_ascii_case("D");
        // `D/*` is the star key; elsewhere `*` is every event.
        let star_is_all = self.event == "*" && !package.eq_ignore_ascii_case("D");
        star_is_all || (names_digits && is_digit)
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(self) -> EventNameBuf {
        EventNameBuf {
            package: self.package.map(Caseless::from),
            event: self.event.into(),
            connection: self.connection.map(|connection| match connection {
                EventConnection::Current => EventConnectionBuf::Current,
                EventConnection::All => EventConnectionBuf::All,
                EventConnection::Id(id) => EventConnectionBuf::Id(id.to_buf()),
            }),
        }
    }
}

#[inline]
fn is_plain(package: u8, event: u8) -> bool {
    Class::ALPHA.holds(package) && Class::DIGIT_MAP.holds(event)
}

/// Whether a name ends before this byte for certain.
#[inline]
fn ends_name(byte: u8) -> bool {
    matches!(byte, b',' | b'(' | b')' | b'\r' | b'\n')
}

/// A package and its slash, or nothing if there is no slash.
fn skip_package(s: &mut Scanner<'_>) -> Result<(), Fault> {
    let start = s.position();
    s.pass(Class::EVENT);
    let end = s.position();
    if !s.eat(b'/') {
        s.seek(start);
        return Ok(());
    }
    let package = s.text().get(start..end).unwrap_or_default();
    if package == "*" || is_package_name(package) {
        Ok(())
    } else {
        Err(Fault { at: start, rule: Rule::EventName })
    }
}

/// An identifier, or a range in brackets. Hyphens stand neither first nor last.
#[inline]
fn skip_event(s: &mut Scanner<'_>) -> Result<(), Fault> {
    let start = s.position();
    if s.peek() == Some(b'[') {
        return skip_range(s);
    }
    let hyphen = match s.pass(Class::EVENT) {
        0 => true,
        length => s.at(start) == b'-' || s.at(start + length - 1) == b'-',
    };
    if hyphen { Err(Fault { at: start, rule: Rule::EventName }) } else { Ok(()) }
}

fn skip_range(s: &mut Scanner<'_>) -> Result<(), Fault> {
    s.skip();
    if s.pass(Class::EVENT) > 0 && s.eat(b']') { Ok(()) } else { Err(s.fault(Rule::EventName)) }
}

fn skip_connection(s: &mut Scanner<'_>) -> Result<(), Fault> {
    if s.eat(b'$') || s.eat(b'*') {
        return Ok(());
    }
    let at = s.position();
    if (1..=32).contains(&s.pass(Class::HEX)) { Ok(()) } else { Err(Fault { at, rule: Rule::ConnectionId }) }
}

fn range_contains(range: &str, event: &str) -> bool {
    let &[symbol] = event.as_bytes() else {
        return false;
    };
    let symbol = symbol.to_ascii_uppercase();
    let mut letters = range.bytes().map(|byte| byte.to_ascii_uppercase()).peekable();
    while let Some(low) = letters.next() {
        let mut high = low;
        if letters.next_if_eq(&b'-').is_some() {
            high = letters.next().unwrap_or(low);
        }
        if (low..=high).contains(&symbol) || (low == b'X' && symbol.is_ascii_digit()) {
            return true;
        }
    }
    false
}

impl PartialEq for EventName<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same_package = match (self.package, other.package) {
            (None, None) => true,
            (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
            _ => false,
        };
        same_package && self.event.eq_ignore_ascii_case(other.event) && self.connection == other.connection
    }
}

impl Eq for EventName<'_> {}

impl fmt::Display for EventConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("$"),
            Self::All => f.write_str("*"),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(package) = self.package {
            write!(f, "{package}/")?;
        }
        f.write_str(self.event)?;
        match &self.connection {
            Some(connection) => write!(f, "@{connection}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An owned [`EventName`]: keeps its spelling; ordered, hashed and equal without regard to case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventNameBuf {
    package: Option<Caseless>,
    event: Caseless,
    connection: Option<EventConnectionBuf>,
}

impl EventNameBuf {
    /// Reads a name; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        EventName::parse(text).map(EventName::to_buf)
    }

    /// The borrowed form.
    #[must_use]
    pub fn as_name(&self) -> EventName<'_> {
        EventName {
            package: self.package(),
            event: self.event.as_str(),
            connection: self.connection.as_ref().map(|connection| match connection {
                EventConnectionBuf::Current => EventConnection::Current,
                EventConnectionBuf::All => EventConnection::All,
                EventConnectionBuf::Id(id) => EventConnection::Id(id.as_view()),
            }),
        }
    }

    /// The package, if it is named.
    #[must_use]
    pub fn package(&self) -> Option<&str> {
        self.package.as_ref().map(Caseless::as_str)
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &str {
        self.event.as_str()
    }

    /// The connection, if it is not on the endpoint itself.
    #[must_use]
    pub const fn connection(&self) -> Option<&EventConnectionBuf> {
        self.connection.as_ref()
    }

    /// The same name with the default package filled in where none is named.
    #[must_use]
    pub fn qualified(mut self, default_package: &str) -> Self {
        if self.package.is_none() {
            self.package = Some(default_package.into());
        }
        self
    }

    /// The same event on a connection, or on the endpoint itself.
    #[must_use]
    pub fn on(mut self, connection: Option<EventConnectionBuf>) -> Self {
        self.connection = connection;
        self
    }
}

impl fmt::Display for EventNameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_name(), f)
    }
}

impl fmt::Debug for EventNameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
