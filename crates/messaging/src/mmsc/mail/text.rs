//! Headers of mail (RFC 5322, RFC 2047): written so that nobody's text can begin another header, read within bounds.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

use crate::http::base64;

/// Characters of a value that is written.
const VALUE: usize = 900;
/// Octets in a word of RFC 2047: with its frame in Base64 it has up to 75 characters.
const WORD: usize = 42;

/// The headers of a mail that is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(String);

impl Headers {
    /// With a header whose value is plain.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let value: String = value.as_ref().chars().filter(|c| !c.is_control()).take(VALUE).collect();
        let _ = write!(self.0, "{name}: {}\r\n", value.trim());
        self
    }

    /// The same if there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a text for people, as words of RFC 2047 where it is not plain.
    #[must_use]
    pub fn text(self, name: &str, text: Option<&str>) -> Self {
        let Some(text) = text else { return self };
        let plain = text.chars().all(|c| c.is_ascii_graphic() || c == ' ') && !text.contains("=?");
        if plain && text.len() <= VALUE {
            return self.with(name, text);
        }
        let mut words = Vec::new();
        let mut word = String::new();
        for c in text.chars().filter(|c| !c.is_control()).take(VALUE) {
            if word.len() + c.len_utf8() > WORD {
                words.push(std::mem::take(&mut word));
            }
            word.push(c);
        }
        words.push(word);
        let words: Vec<_> =
            words.iter().map(|word| format!("=?utf-8?B?{}?=", base64::encode(word.as_bytes()))).collect();
        let mut headers = self;
        // Each word on a line of its own (RFC 2047 section 2).
        let _ = write!(headers.0, "{name}: {}\r\n", words.join("\r\n "));
        headers
    }

    /// The mail with these headers and a body.
    #[must_use]
    pub fn mail(self, body: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), b"\r\n", body].concat()
    }
}

/// A moment as RFC 5322 section 3.3 has it, in UTC.
#[must_use]
pub fn date(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let moment = moment.unwrap_or(Timestamp::UNIX_EPOCH);
    DateTimePrinter::new().timestamp_to_string(&moment).unwrap_or_default()
}

/// The other way round; none when it is no time, or before 1970.
#[must_use]
pub fn read_date(text: &str) -> Option<u64> {
    let moment = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    u64::try_from(moment.as_second()).ok()
}

/// The addresses of a header, apart at commas that are not within quotes or angle brackets.
#[must_use]
pub fn addresses(value: &str) -> Vec<String> {
    let (mut all, mut one, mut quoted, mut bracket) = (Vec::new(), String::new(), false, false);
    for c in value.chars() {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => bracket = true,
            '>' if !quoted => bracket = false,
            ',' if !quoted && !bracket => {
                all.push(std::mem::take(&mut one));
                continue;
            }
            _ => {}
        }
        one.push(c);
    }
    all.push(one);
    all.into_iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}

/// An address without a name and angle brackets.
#[must_use]
pub fn bare(address: &str) -> &str {
    let address = address.trim();
    match address.rsplit_once('<') {
        Some((_, rest)) => rest.trim_end().trim_end_matches('>'),
        None => address,
    }
}

/// A value without the quotes that some write around it.
#[must_use]
pub fn unquoted(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::multipart;

    #[test]
    fn a_text_comes_back_whatever_is_in_it_and_writes_no_other_header() {
        for text in [
            "Hi",
            "Gr\u{fc}\u{df}e aus \u{6771}\u{4eac}, eine ganz lange Nachricht \u{1f600} mit vielen Worten",
            "a\r\nX-Evil: 1",
            "=?utf-8?Q?x?=",
            "",
        ] {
            let octets = Headers::default().text("Subject", Some(text)).with("X-Last", "1").mail(b"body");
            let mail = multipart::entity(&octets, 10_000).unwrap();
            let read = strowger_mms::words::decode(mail.header("Subject").unwrap().as_bytes()).into_owned();
            assert_eq!(read, text.replace(['\r', '\n'], ""), "{}", String::from_utf8_lossy(&octets));
            assert_eq!((mail.headers.len(), mail.body), (2, b"body".as_slice()));
            assert!(octets.split(|octet| *octet == b'\n').all(|line| line.len() < 100));
        }
        let octets = Headers::default().with("A", "b\r\nC: d").mail(b"");
        assert_eq!(octets, b"A: bC: d\r\n\r\n");
    }

    #[test]
    fn dates_and_addresses_are_read_as_they_stand_in_mails() {
        assert_eq!(read_date(&date(1_700_000_000)), Some(1_700_000_000));
        assert_eq!(read_date("Tue, 14 Nov 2023 23:13:20 +0100"), Some(1_700_000_000));
        assert_eq!(read_date("yesterday"), None);
        assert_eq!(addresses("a@b, \"C, D\" <c@d>,, <e@f>"), ["a@b", "\"C, D\" <c@d>", "<e@f>"]);
        assert_eq!((bare("\"C\" <c@d>"), bare(" a@b "), unquoted("\"x\"")), ("c@d", "a@b", "x"));
    }
}
