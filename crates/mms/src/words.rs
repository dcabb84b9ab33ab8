//! RFC 2047 words, which may stand in the plain form of an encoded string: decoded for display; the octets stay as they
//! came.

use std::borrow::Cow;

use crate::charset::Charset;

/// The text for people. What looks like a word and is none stays as it is.
#[must_use]
pub fn decode(octets: &[u8]) -> Cow<'_, str> {
    if memchr::memmem::find(octets, b"=?").is_none() {
        return Charset::ANY.decode(octets);
    }
    let text = Charset::ANY.decode(octets);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    let mut after_word = false;
    while let Some((before, word)) = rest.split_once("=?") {
        match read(word) {
            Some((decoded, behind)) => {
                // White space between two words is no part of the text (RFC 2047 section 6.2).
                if !(after_word && before.chars().all(|character| character.is_ascii_whitespace())) {
                    out.push_str(before);
                }
                out.push_str(&decoded);
                rest = behind;
                after_word = true;
            }
            None => {
                out.push_str(before);
                out.push_str("=?");
                rest = word;
                after_word = false;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `charset?encoding?text?=`, and what follows.
fn read(word: &str) -> Option<(String, &str)> {
    let (charset, rest) = word.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (text, behind) = rest.split_once("?=")?;
    // RFC 2231 section 5: a language may follow the charset.
    let charset = Charset::from_name(charset.split('*').next()?)?;
    let octets = match encoding {
        "B" | "b" => base64(text.as_bytes())?,
        "Q" | "q" => quoted(text.as_bytes())?,
        _ => return None,
    };
    Some((charset.decode(&octets).into_owned(), behind))
}

fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(octets),
            [b'=', high, low, rest @ ..] => {
                let digit = |octet: u8| char::from(octet).to_digit(16);
                octets.push(u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?);
                rest
            }
            [b'=', ..] | [b' ', ..] => return None,
            [b'_', rest @ ..] => {
                octets.push(b' ');
                rest
            }
            [octet, rest @ ..] => {
                octets.push(*octet);
                rest
            }
        };
    }
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = match text {
        [text @ .., b'=', b'='] | [text @ .., b'='] => text,
        text => text,
    };
    let mut octets = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for octet in text {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push((held >> bits) as u8);
        }
    }
    // Six bits alone are no octet.
    (bits < 6).then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded_in_both_encodings() {
        for (raw, text) in [
            ("plain", "plain"),
            ("=?utf-8?B?R3LDvMOfZQ==?=", "Gr\u{fc}\u{df}e"),
            ("=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an?= alle", "Gr\u{fc}\u{df}e an alle"),
            ("=?iso-8859-1?q?=FC?=  =?iso-8859-1?q?=DF?=", "\u{fc}\u{df}"),
            ("a =?iso-8859-1*de?q?=FC?= b", "a \u{fc} b"),
        ] {
            assert_eq!(decode(raw.as_bytes()), text, "{raw}");
        }
    }

    #[test]
    fn what_is_no_word_stays_as_it_is() {
        for raw in [
            "=?",
            "=?utf-8",
            "=?utf-8?B?",
            "=?utf-8?X?a?=",
            "=?no-such?Q?a?=",
            "=?utf-8?B?a?=",
            "=?utf-8?B?!!!!?=",
            "=?utf-8?Q?=4?=",
            "=?utf-8?Q?a b?=",
            "a =?=?=? b",
        ] {
            assert_eq!(decode(raw.as_bytes()), raw);
        }
    }
}
