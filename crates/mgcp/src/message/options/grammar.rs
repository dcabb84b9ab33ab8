//! The grammar of local connection options and capabilities.

use super::value::{
    FormatParameters, Gain, Reservation, ReservationDirection, ResourceSharing, Span, Switch,
};
use crate::message::ConnectionMode;
use crate::scan::{Class, Fault, Scanner, cut, is_package_name};
use crate::text::Rule;

/// What one reading of a list allows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Options,
    Capabilities,
}

/// Steps over a list.
pub(super) fn skip_list(s: &mut Scanner<'_>, most: usize, list: List) -> Result<(), Fault> {
    if s.is_end() {
        return Ok(());
    }
    let mut left = most;
    loop {
        left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
        skip_checked(s, list)?;
        if !s.comma() {
            return Ok(());
        }
    }
}

/// Steps over an option. The values of the options of RFC 3435 are checked.
#[inline]
fn skip_checked(s: &mut Scanner<'_>, list: List) -> Result<(), Fault> {
    let start = s.position();
    if s.pass(Class::OPTION_NAME) == 0 {
        return Err(s.fault(Rule::LocalOptions));
    }
    // What a package adds is only legal or illegal where the package is: that is for the check to say.
    let typed = typed_option(s.taken(start), list).filter(|typed| typed.package().is_none());
    if !s.spaced(b':') {
        return if typed.is_some() { Err(s.fault(Rule::LocalOptionValue)) } else { Ok(()) };
    }
    s.space();
    let at = s.position();
    if typed.is_some_and(|typed| typed.skip_plain(s)) {
        return Ok(());
    }
    skip_value(s)?;
    match typed {
        Some(typed) if !typed.allows(s.since(at), list) => Err(Fault { at, rule: Rule::LocalOptionValue }),
        _ => Ok(()),
    }
}

/// Steps over an option or attribute without a look at its value.
pub(super) fn skip_option(s: &mut Scanner<'_>, rule: Rule) -> Result<(), Fault> {
    if s.pass(Class::OPTION_NAME) == 0 {
        return Err(s.fault(rule));
    }
    if s.spaced(b':') {
        s.space();
        skip_value(s)?;
    }
    Ok(())
}

/// The options whose values have a type: those of RFC 3435, and of RFC 3660's packages FM and RES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Codecs,
    Span,
    Switch,
    Gain,
    TypeOfService,
    Reservation,
    Encryption,
    NetworkType,
    Packages,
    Modes,
    Formats,
    Direction,
    Confirmation,
    Sharing,
}

#[inline]
pub(super) fn typed_option(name: &[u8], list: List) -> Option<Typed> {
    Some(match name {
        [b'a' | b'A'] => Typed::Codecs,
        [b'p' | b'P' | b'b' | b'B'] => Typed::Span,
        [b'e' | b'E' | b's' | b'S'] => Typed::Switch,
        [b't' | b'T'] => Typed::TypeOfService,
        [b'r' | b'R'] => Typed::Reservation,
        [b'k' | b'K'] => Typed::Encryption,
        [b'v' | b'V'] if list == List::Capabilities => Typed::Packages,
        [b'm' | b'M'] if list == List::Capabilities => Typed::Modes,
        [b'g' | b'G', b'c' | b'C'] => Typed::Gain,
        [b'n' | b'N', b't' | b'T'] => Typed::NetworkType,
        [_, _, ..] => return typed_long_option(name),
        _ => return None,
    })
}

#[cold]
fn typed_long_option(name: &[u8]) -> Option<Typed> {
    let known = [
        (&b"fmtp"[..], Typed::Formats),
        (b"o-fmtp", Typed::Formats),
        (b"r-dir", Typed::Direction),
        (b"r-cnf", Typed::Confirmation),
        (b"r-sh", Typed::Sharing),
    ];
    known.into_iter().find(|(word, _)| name.eq_ignore_ascii_case(word)).map(|(_, typed)| typed)
}

impl Typed {
    /// The package that defines the option; none of those of RFC 3435.
    pub(super) const fn package(self) -> Option<&'static str> {
        match self {
            Self::Formats => Some("FM"),
            Self::Direction | Self::Confirmation | Self::Sharing => Some("RES"),
            _ => None,
        }
    }

    /// Steps over the plain forms of the commonest values, up to a comma or the end of the line. If it is another
    /// form, or an illegal one, nothing is taken.
    #[inline]
    fn skip_plain(self, s: &mut Scanner<'_>) -> bool {
        let start = s.position();
        let plain = match self {
            Self::Codecs => loop {
                if s.pass(Class::OPTION_NAME) == 0 {
                    break false;
                }
                if !s.eat(b';') {
                    break true;
                }
            },
            Self::Span => (1..=4).contains(&s.pass(Class::DIGIT)),
            Self::Switch => {
                let length = match s.rest_bytes() {
                    [b'o', b'n', ..] => 2,
                    [b'o', b'f', b'f', ..] => 3,
                    _ => 0,
                };
                s.advance(length);
                length > 0
            }
            _ => false,
        };
        if plain && matches!(s.peek(), Some(b',' | b'\r' | b'\n')) {
            return true;
        }
        s.seek(start);
        false
    }

    /// Whether a value is legal. Capabilities list several where options have one.
    #[inline]
    pub(super) fn allows(self, value: &str, list: List) -> bool {
        let mut parts = Parts(Some(value));
        let several = list == List::Capabilities;
        let word = |part: &str| !part.is_empty() && Class::OPTION_NAME.holds_all(part);
        match self {
            Self::Codecs => parts.all(word),
            Self::Span => Span::parse(value).is_some(),
            Self::Switch => Switch::parse(value).is_some(),
            Self::Gain => several && value == "0" || Gain::parse(value).is_some(),
            Self::TypeOfService => {
                let digits = if several { 1..=2 } else { 2..=2 };
                digits.contains(&value.len()) && Class::HEX.holds_all(value)
            }
            Self::Reservation if several => parts.all(|part| Reservation::parse(part).is_some()),
            Self::Reservation => Reservation::parse(value).is_some(),
            Self::Encryption => is_encryption(value, several),
            Self::NetworkType if several => parts.all(word),
            Self::NetworkType => word(value),
            Self::Packages => parts.all(is_package_name),
            Self::Modes => parts.all(|part| ConnectionMode::parse(part).is_some()),
            Self::Formats => FormatParameters::list(value, false).all(|format| format.is_some()),
            Self::Direction => {
                ReservationDirection::parse(value).is_some_and(|d| d != ReservationDirection::None)
            }
            Self::Confirmation => ReservationDirection::parse(value).is_some(),
            Self::Sharing => ResourceSharing::parse(value).is_some(),
        }
    }
}

/// The parts of a value, between semicolons.
struct Parts<'a>(Option<&'a str>);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.take()?;
        match cut(rest, b';') {
            None => Some(rest),
            Some((part, more)) => {
                self.0 = Some(more);
                Some(part)
            }
        }
    }
}

/// Steps over a value up to the next comma: parts between semicolons, each of which may be or hold quoted strings.
/// Only the value as a whole may be empty.
fn skip_value(s: &mut Scanner<'_>) -> Result<(), Fault> {
    let whole = s.position();
    loop {
        let start = s.position();
        while s.pass(Class::OPTION_VALUE) > 0 || s.peek() == Some(b'"') {
            if s.peek() == Some(b'"') {
                s.quoted()?;
            }
        }
        let empty = s.position() == start;
        let more = s.spaced(b';');
        if empty && (more || start > whole) {
            return Err(s.fault(Rule::LocalOptionValue));
        }
        if !more {
            return Ok(());
        }
        s.space();
    }
}

fn is_encryption(value: &str, several: bool) -> bool {
    let (method, key) = match cut(value, b':') {
        Some((method, key)) => (method, Some(key)),
        None => (value, None),
    };
    let known = ["clear", "base64", "uri"].iter().any(|known| known.eq_ignore_ascii_case(method));
    match key {
        Some(key) => known && !key.is_empty(),
        // Capabilities name the methods alone, separated by semicolons.
        None => several || method.eq_ignore_ascii_case("prompt"),
    }
}
