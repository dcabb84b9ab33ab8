//! Character sets by their number in the IANA registry (MIBenum), and text from and to those that messages use.

use std::borrow::Cow;
use std::fmt;

/// A character set: its MIBenum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Charset(pub u32);

/// The registry, as far as messages use it: number, name, and the other names that are seen.
const REGISTRY: &[(u32, &str, &[&str])] = &[
    (0, "*", &[]),
    (3, "us-ascii", &["ascii", "ansi_x3.4-1968", "iso646-us"]),
    (4, "iso-8859-1", &["latin1", "iso_8859-1", "l1"]),
    (5, "iso-8859-2", &["latin2", "iso_8859-2"]),
    (6, "iso-8859-3", &["iso_8859-3"]),
    (7, "iso-8859-4", &["iso_8859-4"]),
    (8, "iso-8859-5", &["iso_8859-5"]),
    (9, "iso-8859-6", &["iso_8859-6"]),
    (10, "iso-8859-7", &["iso_8859-7"]),
    (11, "iso-8859-8", &["iso_8859-8"]),
    (12, "iso-8859-9", &["iso_8859-9"]),
    (17, "shift_jis", &["sjis"]),
    (18, "euc-jp", &[]),
    (36, "ks_c_5601-1987", &[]),
    (38, "euc-kr", &[]),
    (39, "iso-2022-jp", &[]),
    (106, "utf-8", &["utf8"]),
    (111, "iso-8859-15", &["latin9"]),
    (113, "gbk", &[]),
    (1000, "iso-10646-ucs-2", &["ucs-2", "ucs2"]),
    (1013, "utf-16be", &[]),
    (1014, "utf-16le", &[]),
    (1015, "utf-16", &[]),
    (2025, "gb2312", &[]),
    (2026, "big5", &[]),
    (2084, "koi8-r", &[]),
    (2250, "windows-1250", &[]),
    (2251, "windows-1251", &[]),
    (2252, "windows-1252", &[]),
];

impl Charset {
    /// Any character set: a sender that does not say.
    pub const ANY: Self = Self(0);
    /// US-ASCII.
    pub const ASCII: Self = Self(3);
    /// ISO 8859-1.
    pub const LATIN1: Self = Self(4);
    /// UTF-8.
    pub const UTF8: Self = Self(106);
    /// UCS-2, most significant octet first unless a byte order mark says otherwise.
    pub const UCS2: Self = Self(1000);
    /// UTF-16, most significant octet first.
    pub const UTF16BE: Self = Self(1013);
    /// UTF-16, least significant octet first.
    pub const UTF16LE: Self = Self(1014);
    /// UTF-16, with or without a byte order mark.
    pub const UTF16: Self = Self(1015);

    /// Its preferred name for MIME, if it is known.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        REGISTRY.iter().find(|(number, ..)| *number == self.0).map(|(_, name, _)| *name)
    }

    /// The character set with this name, in either case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        REGISTRY
            .iter()
            .find(|(_, known, others)| is(known) || others.iter().any(|other| is(other)))
            .map(|(number, ..)| Self(*number))
    }

    /// Whether a NUL octet may be a part of a character, so that NUL cannot end a text.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::UCS2 | Self::UTF16 | Self::UTF16BE | Self::UTF16LE)
    }

    /// Text from octets; what cannot be read becomes U+FFFD. Octets in a character set that is not converted here are
    /// read as UTF-8 where they are, else as ISO 8859-1: something to look at, and every octet told apart.
    #[must_use]
    pub fn decode(self, octets: &[u8]) -> Cow<'_, str> {
        match self {
            Self::UTF8 => String::from_utf8_lossy(octets),
            Self::ASCII => match std::str::from_utf8(octets) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(
                    octets
                        .iter()
                        .map(|octet| if octet.is_ascii() { char::from(*octet) } else { '\u{fffd}' })
                        .collect(),
                ),
            },
            Self::LATIN1 => latin1(octets),
            Self::UCS2 | Self::UTF16 | Self::UTF16BE | Self::UTF16LE => Cow::Owned(self.wide(octets)),
            _ => match std::str::from_utf8(octets) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => latin1(octets),
            },
        }
    }

    fn wide(self, octets: &[u8]) -> String {
        let (little, octets) = match (self, octets) {
            (Self::UCS2 | Self::UTF16, [0xff, 0xfe, rest @ ..]) => (true, rest),
            (Self::UCS2 | Self::UTF16, [0xfe, 0xff, rest @ ..]) => (false, rest),
            _ => (self == Self::UTF16LE, octets),
        };
        let (pairs, odd) = octets.as_chunks::<2>();
        let units = pairs
            .iter()
            .map(|pair| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
        let mut text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect();
        if !odd.is_empty() {
            text.push('\u{fffd}');
        }
        text
    }

    /// Octets of a text; none when the character set lacks a character, or is not converted here.
    #[must_use]
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        let wide = |put: fn(u16) -> [u8; 2]| Some(text.encode_utf16().flat_map(put).collect());
        match self {
            Self::UTF8 | Self::ANY => Some(text.as_bytes().to_vec()),
            Self::ASCII => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::LATIN1 => text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect(),
            Self::UCS2 if text.chars().any(|character| u32::from(character) > 0xffff) => None,
            Self::UCS2 | Self::UTF16 | Self::UTF16BE => wide(u16::to_be_bytes),
            Self::UTF16LE => wide(u16::to_le_bytes),
            _ => None,
        }
    }
}

/// Text whose characters are the octets themselves.
fn latin1(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(octets.iter().copied().map(char::from).collect()),
    }
}

/// The name, or the number where it has none.
impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "charset {}", self.0),
        }
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_in_each_charset_that_is_converted() {
        for (charset, text) in [
            (Charset::UTF8, "Gr\u{fc}\u{df}e \u{1f600}"),
            (Charset::ASCII, "hello"),
            (Charset::LATIN1, "Gr\u{fc}\u{df}e"),
            (Charset::UCS2, "\u{4f60}\u{597d}"),
            (Charset::UTF16, "\u{1f600}"),
            (Charset::UTF16LE, "\u{1f600}a"),
        ] {
            assert_eq!(charset.decode(&charset.encode(text).unwrap()), text, "{charset}");
        }
        assert_eq!(Charset::ASCII.encode("\u{fc}"), None);
        assert_eq!(Charset::LATIN1.encode("\u{20ac}"), None);
        assert_eq!(Charset::UCS2.encode("\u{1f600}"), None);
        assert_eq!(Charset(2026).encode("a"), None);
    }

    #[test]
    fn octets_that_are_no_text_show_as_replacements_and_never_fail() {
        assert_eq!(Charset::UTF8.decode(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(Charset::ASCII.decode(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(Charset::UCS2.decode(&[0, b'a', 0]), "a\u{fffd}");
        assert_eq!(Charset::UTF16.decode(&[0xd8, 0]), "\u{fffd}");
        assert_eq!(Charset::UTF16.decode(&[0xff, 0xfe, b'a', 0]), "a");
        assert_eq!(Charset(2026).decode(b"\xa4"), "\u{a4}");
    }

    #[test]
    fn names_are_found_in_either_case_and_shown_in_one() {
        assert_eq!(Charset::from_name("UTF-8"), Some(Charset::UTF8));
        assert_eq!(Charset::from_name("Latin1"), Some(Charset::LATIN1));
        assert_eq!(Charset::UCS2.to_string(), "iso-10646-ucs-2");
        assert_eq!(Charset(9999).to_string(), "charset 9999");
    }
}
