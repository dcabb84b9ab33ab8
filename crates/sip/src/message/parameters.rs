//! Parameters of header fields: `;name=value` (RFC 3261 section 25.1, generic-param).

use std::borrow::Cow;

use super::grammar::{find_outside, is_host, is_token, quoted_length, trim, unquote};

/// The parameters behind a value, as text that was checked: `;lr;tag=1`, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Parameters<'a>(&'a str);

impl<'a> Parameters<'a> {
    /// No parameters.
    pub const NONE: Self = Self("");

    /// The parameters in `text`, which is empty or begins with a semicolon; none when they are malformed.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = trim(text);
        if text.is_empty() {
            return Some(Self::NONE);
        }
        // A semicolon announces one: what is put behind a last one would make two.
        let parameters = Self(text.strip_prefix(';').filter(|rest| !rest.is_empty())?);
        parameters.pieces().all(is_parameter).then_some(parameters)
    }

    fn pieces(self) -> impl Iterator<Item = &'a str> {
        let mut rest = (!self.0.is_empty()).then_some(self.0);
        std::iter::from_fn(move || {
            let all = rest?;
            let end = find_outside(all, b';');
            rest = end.and_then(|at| all.get(at + 1..));
            Some(all.get(..end.unwrap_or(all.len())).unwrap_or_default())
        })
    }

    /// Names and values, in their order; a parameter without a value has none. Values are as they came: see [`Self::text`].
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.pieces().map(|piece| match piece.split_once('=') {
            Some((name, value)) => (trim(name), Some(trim(value))),
            None => (trim(piece), None),
        })
    }

    /// The value of a parameter, whose name has no case; empty when it has none; none when there is no such parameter.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// What a parameter says, without quotes.
    #[must_use]
    pub fn text(self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).map(unquote)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// They as they came, without the first semicolon.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

fn is_parameter(piece: &str) -> bool {
    let Some((name, value)) = piece.split_once('=') else { return is_token(trim(piece)) };
    let value = trim(value);
    let quoted = quoted_length(value).is_some_and(|length| length == value.len());
    // Beyond token and host, characters that implementations put into tags and values without quotes.
    let lenient =
        |octet: u8| octet > b' ' && octet != 0x7f && !matches!(octet, b'"' | b',' | b';' | b'<' | b'>');
    is_token(trim(name)) && (quoted || is_host(value) || (!value.is_empty() && value.bytes().all(lenient)))
}
