//! Addresses (MMS ENC section 8): `+15550100/TYPE=PLMN`, `192.0.2.1/TYPE=IPv4`, mail addresses, short codes.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address<'a> {
    /// A telephone number: digits, with `-` and `.` among them, and `+` in front of an international one.
    Plmn(Cow<'a, str>),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// An address of another type, with its escapes resolved.
    Other {
        /// The value.
        value: Cow<'a, str>,
        /// The type.
        kind: Cow<'a, str>,
    },
    /// A mail address, perhaps with a name in front: `user@host`, `"A Name" <user@host>`.
    Mail(Cow<'a, str>),
    /// A numeric short code; it may begin with `+`, `*` or `#`.
    ShortCode(Cow<'a, str>),
    /// An alphanumeric short code.
    Alphanumeric(Cow<'a, str>),
}

impl<'a> Address<'a> {
    /// Reads an address; none when it is of no form.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Some((value, kind)) = text.rsplit_once("/TYPE=") {
            return Self::typed(value, kind);
        }
        if text.is_empty() || text.chars().any(char::is_control) {
            return None;
        }
        let text = Cow::Borrowed(text);
        if text.contains('@') {
            return (!text.starts_with('@') && !text.ends_with('@')).then_some(Self::Mail(text));
        }
        let digits = text.strip_prefix(['+', '*', '#']).unwrap_or(&text);
        if !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return Some(Self::ShortCode(text));
        }
        let plain =
            |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b' ' | b'.' | b'-' | b'_' | b'&');
        text.bytes().all(plain).then_some(Self::Alphanumeric(text))
    }

    fn typed(value: &'a str, kind: &'a str) -> Option<Self> {
        match kind {
            "PLMN" => is_number(value).then_some(Self::Plmn(Cow::Borrowed(value))),
            "IPv4" => value.parse().ok().map(Self::Ipv4),
            "IPv6" => value.parse().ok().map(Self::Ipv6),
            _ => {
                let name = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'_';
                if kind.is_empty() || !kind.bytes().all(name) {
                    return None;
                }
                Some(Self::Other { value: unescape(value)?, kind: Cow::Borrowed(kind) })
            }
        }
    }

    /// A telephone number; none when it is none.
    #[must_use]
    pub fn number(number: &'a str) -> Option<Self> {
        is_number(number).then_some(Self::Plmn(Cow::Borrowed(number)))
    }

    /// The digits of a telephone number, without what stands between them: what a bearer dials.
    #[must_use]
    pub fn digits(&self) -> Option<String> {
        let (Self::Plmn(number) | Self::ShortCode(number)) = self else { return None };
        Some(number.chars().filter(|character| !matches!(character, '-' | '.')).collect())
    }
}

fn is_number(value: &str) -> bool {
    let rest = value.strip_prefix('+').unwrap_or(value);
    rest.bytes().any(|octet| octet.is_ascii_digit())
        && rest.bytes().all(|octet| octet.is_ascii_digit() || matches!(octet, b'-' | b'.'))
}

/// `%HH` for octets outside letters, digits and `+ - . % _`.
fn unescape(value: &str) -> Option<Cow<'_, str>> {
    if value.is_empty() || value.chars().any(char::is_control) {
        return None;
    }
    if !value.contains('%') {
        return Some(Cow::Borrowed(value));
    }
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, rest @ ..] => {
                let digit = |octet: u8| char::from(octet).to_digit(16);
                octets.push(u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?);
                rest
            }
            [b'%', ..] => return None,
            [octet, rest @ ..] => {
                octets.push(*octet);
                rest
            }
        };
    }
    String::from_utf8(octets).ok().map(Cow::Owned)
}

/// As it is written into a message.
impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plmn(number) => write!(f, "{number}/TYPE=PLMN"),
            Self::Ipv4(address) => write!(f, "{address}/TYPE=IPv4"),
            // Eight groups of four digits.
            Self::Ipv6(address) => {
                for (place, group) in address.segments().into_iter().enumerate() {
                    write!(f, "{}{group:04x}", if place == 0 { "" } else { ":" })?;
                }
                f.write_str("/TYPE=IPv6")
            }
            Self::Other { value, kind } => {
                for octet in value.bytes() {
                    match octet {
                        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'+' | b'-' | b'.' | b'_' => {
                            write!(f, "{}", char::from(octet))?;
                        }
                        _ => write!(f, "%{octet:02X}")?,
                    }
                }
                write!(f, "/TYPE={kind}")
            }
            Self::Mail(text) | Self::ShortCode(text) | Self::Alphanumeric(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_address_is_read_and_written() {
        for (text, written) in [
            ("+15550100/TYPE=PLMN", None),
            ("555-01.00/TYPE=PLMN", None),
            ("192.0.2.1/TYPE=IPv4", None),
            ("2001:db8::1/TYPE=IPv6", Some("2001:0db8:0000:0000:0000:0000:0000:0001/TYPE=IPv6")),
            ("a%20b%2Fc/TYPE=user_1", None),
            ("user@example.net", None),
            ("\"A Name\" <user@example.net>", None),
            ("2001", None),
            ("*2001", None),
            ("#21", None),
            ("Strowger 1", None),
        ] {
            let address = Address::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(address.to_string(), written.unwrap_or(text));
            assert_eq!(Address::parse(&address.to_string()).as_ref(), Some(&address));
        }
    }

    #[test]
    fn what_is_of_no_form_is_no_address() {
        for text in [
            "",
            "+/TYPE=PLMN",
            "a/TYPE=PLMN",
            "192.0.2.300/TYPE=IPv4",
            "1:2/TYPE=IPv6",
            "a/TYPE=",
            "/TYPE=x",
            "%2/TYPE=x",
            "%ff/TYPE=x",
            "@example.net",
            "user@",
            "a\r\nb",
            "a/b",
            "+15550100/TYPE=PLMN\n",
        ] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_number_is_dialled_without_what_stands_between_its_digits() {
        assert_eq!(Address::parse("+1.555-0100/TYPE=PLMN").unwrap().digits().as_deref(), Some("+15550100"));
        assert_eq!(Address::parse("user@example.net").unwrap().digits(), None);
    }
}
