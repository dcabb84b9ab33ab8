//! What a person gives to be decoded: the message as text, or its octets as hexadecimal digits.

use std::borrow::Cow;

/// The octets that were meant. Groups of an even number of hexadecimal digits, parted by white space, colons or
/// commas, each with or without `0x`, are octets in hexadecimal; anything else is the message itself.
///
/// No message of a text protocol looks like that: a response of MGCP begins with three digits.
#[must_use]
pub fn octets(given: &[u8]) -> Cow<'_, [u8]> {
    match from_hexadecimal(given) {
        Some(octets) => Cow::Owned(octets),
        None => Cow::Borrowed(given),
    }
}

fn from_hexadecimal(given: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let groups = given.split(|byte| byte.is_ascii_whitespace() || matches!(byte, b':' | b','));
    for group in groups.filter(|group| !group.is_empty()) {
        let group = group.strip_prefix(b"0x").unwrap_or(group);
        let (pairs, rest) = group.as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() {
            return None;
        }
        for [high, low] in pairs {
            octets.push(digit(*high)? << 4 | digit(*low)?);
        }
    }
    (!octets.is_empty()).then_some(octets)
}

fn digit(character: u8) -> Option<u8> {
    u8::try_from(char::from(character).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_in_any_grouping_are_octets() {
        for given in ["763d30", "76 3d 30", "763d 30\n", "76:3D:30", "0x76, 0x3d, 0x30", "  763D\r\n30  "] {
            assert_eq!(&*octets(given.as_bytes()), b"v=0", "{given}");
        }
    }

    #[test]
    fn a_message_is_itself() {
        for given in [
            "v=0\r\n",
            "200 1203 OK",
            "200 12034\r\n",
            "000 1234\r\n",
            "AUEP 1 x MGCP 1.0\r\n",
            "",
            " ",
            "7",
            "0x",
        ] {
            assert!(matches!(octets(given.as_bytes()), Cow::Borrowed(_)), "{given}");
        }
    }
}
