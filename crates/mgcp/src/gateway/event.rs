//! Events as they occur and as they are asked for: RFC 3435 sections 2.1.7 and 3.2.2.4.
//!
//! A call agent asks for patterns (`D/[0-9#T]`, `L/all`, `*/hu`, `R/qa@*`); what occurs is one event with its package, its code
//! and, if it was detected on a connection, that connection.

use std::borrow::Cow;
use std::fmt;

use super::media::ConnectionHandle;

/// An event that occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    /// The package, as it will be reported.
    pub(super) package: Cow<'static, str>,
    /// The event code, as it will be reported.
    pub(super) code: Cow<'static, str>,
    /// The connection that it occurred on, and its identifier on the wire.
    pub(super) connection: Option<(ConnectionHandle, String)>,
    /// Parameters in wire form.
    pub(super) parameters: Vec<String>,
}

impl Occurrence {
    /// An event of the endpoint itself, without parameters.
    pub(super) fn new(package: impl Into<Cow<'static, str>>, code: impl Into<Cow<'static, str>>) -> Self {
        Self { package: package.into(), code: code.into(), connection: None, parameters: Vec::new() }
    }

    /// The same with a parameter.
    pub(super) fn with(mut self, parameter: impl Into<String>) -> Self {
        self.parameters.push(parameter.into());
        self
    }

    /// The letter that this event adds to a dial string, when it is one of a digit map's letters (section 2.1.5).
    pub(super) fn letter(&self) -> Option<char> {
        let mut letters = self.code.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Some(letter.to_ascii_uppercase()),
            _ => None,
        }
    }
}

/// The wire form in an `O:` line.
impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.code)?;
        if let Some((_, id)) = &self.connection {
            write!(f, "@{id}")?;
        }
        if !self.parameters.is_empty() {
            write!(f, "({})", self.parameters.join(","))?;
        }
        Ok(())
    }
}

/// Which packages an event name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PackagePattern {
    /// `*`.
    Any,
    /// One package: that of the name, or the endpoint's default.
    Is(String),
}

/// Which events of a package an event name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CodePattern {
    /// `all`.
    All,
    /// One event.
    Is(String),
    /// A range such as `[0-9#T]`, or `x`: the one-letter events in this set of ASCII codes, upper case.
    Letters(u128),
}

/// Where an event must occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the endpoint.
    Endpoint,
    /// On any of its connections (`@*`), now or later.
    AnyConnection,
    /// On this connection.
    Connection(ConnectionHandle),
}

/// An event name as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) package: PackagePattern,
    pub(super) code: CodePattern,
    pub(super) place: Place,
}

impl Pattern {
    /// Whether this event was asked for by this name.
    pub(super) fn matches(&self, event: &Occurrence) -> bool {
        let package = match &self.package {
            PackagePattern::Any => true,
            PackagePattern::Is(name) => name.eq_ignore_ascii_case(&event.package),
        };
        let code = match &self.code {
            CodePattern::All => true,
            CodePattern::Is(code) => code.eq_ignore_ascii_case(&event.code),
            CodePattern::Letters(set) => event.letter().is_some_and(|letter| set & bit(letter) != 0),
        };
        let place = match (&self.place, &event.connection) {
            (Place::Endpoint, None) | (Place::AnyConnection, Some(_)) => true,
            (Place::Connection(wanted), Some((handle, _))) => wanted == handle,
            _ => false,
        };
        package && code && place
    }

    /// How closely the name means its events: an event before a range, a range before all.
    pub(super) fn closeness(&self) -> u8 {
        let code = match self.code {
            CodePattern::All => 0,
            CodePattern::Letters(_) => 2,
            CodePattern::Is(_) => 4,
        };
        code + u8::from(self.package != PackagePattern::Any)
    }

    /// Whether the name means this very event of the endpoint and not a group that holds it.
    pub(super) fn names(&self, package: &str, code: &str) -> bool {
        matches!(&self.package, PackagePattern::Is(name) if name.eq_ignore_ascii_case(package))
            && matches!(&self.code, CodePattern::Is(name) if name.eq_ignore_ascii_case(code))
            && self.place == Place::Endpoint
    }

    /// Whether both names mean the same events, so that one of them is a repetition.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let same_code = match (&self.code, &other.code) {
            (CodePattern::Is(a), CodePattern::Is(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a == b,
        };
        let same_package = match (&self.package, &other.package) {
            (PackagePattern::Is(a), PackagePattern::Is(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a == b,
        };
        same_code && same_package && self.place == other.place
    }
}

/// The place of a letter in a set of letters.
pub(super) fn bit(letter: char) -> u128 {
    match u8::try_from(letter.to_ascii_uppercase()) {
        Ok(code) if code < 128 => 1 << code,
        _ => 0,
    }
}

/// The letters that `0-9*#A-DT`, the inside of a range, means; none when it is not a range of digit-map letters.
pub(super) fn letters(range: &str) -> Option<u128> {
    let mut set = 0;
    let mut rest = range.chars().peekable();
    while let Some(first) = rest.next() {
        let last = if rest.next_if_eq(&'-').is_some() { rest.next()? } else { first };
        let (first, last) = (first.to_ascii_uppercase(), last.to_ascii_uppercase());
        if first > last || !(is_letter(first) && is_letter(last)) {
            return None;
        }
        for letter in first..=last {
            set |= if letter == 'X' { DIGITS } else { bit(letter) };
        }
    }
    (set != 0).then_some(set)
}

fn is_letter(letter: char) -> bool {
    matches!(letter, '0'..='9' | 'A'..='Z' | '*' | '#')
}

/// `0` to `9`: what `x` means.
pub(super) const DIGITS: u128 = 0x3ff << 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(package: &str, code: CodePattern) -> Pattern {
        Pattern { package: PackagePattern::Is(package.to_owned()), code, place: Place::Endpoint }
    }

    #[test]
    fn a_range_means_its_letters_and_no_others() {
        let range = pattern("D", CodePattern::Letters(letters("0-9#T").unwrap()));
        for letter in ["0", "9", "#", "T", "t"] {
            assert!(range.matches(&Occurrence::new("d", letter)), "{letter}");
        }
        for code in ["*", "A", "oc"] {
            assert!(!range.matches(&Occurrence::new("D", code)), "{code}");
        }
        assert!(!range.matches(&Occurrence::new("MF", "1")));
        assert_eq!(letters("x"), Some(DIGITS));
        assert_eq!(letters("A-D"), letters("abcd"));
        assert_eq!(letters("9-0"), None);
        assert_eq!(letters("1-"), None);
        assert_eq!(letters(""), None);
        assert_eq!(letters("?"), None);
    }

    #[test]
    fn an_event_on_a_connection_is_not_one_of_the_endpoint() {
        let mut on_connection = Occurrence::new("R", "qa");
        on_connection.connection = Some((ConnectionHandle(7), "0A3F58".to_owned()));
        let at = |place| Pattern { place, ..pattern("R", CodePattern::Is("QA".to_owned())) };
        assert!(!at(Place::Endpoint).matches(&on_connection));
        assert!(at(Place::AnyConnection).matches(&on_connection));
        assert!(at(Place::Connection(ConnectionHandle(7))).matches(&on_connection));
        assert!(!at(Place::Connection(ConnectionHandle(8))).matches(&on_connection));
        assert_eq!(on_connection.to_string(), "R/qa@0A3F58");
    }

    #[test]
    fn an_operation_complete_event_names_its_signal() {
        assert_eq!(Occurrence::new("G", "oc").with("G/rt@0A3F58").to_string(), "G/oc(G/rt@0A3F58)");
    }
}
