//! What a person gives to be decoded: the message as text, or its octets as hexadecimal digits.

use std::borrow::Cow;

use super::tree::Fault;
use crate::protocol::Protocol;

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

/// The octets that were meant for a protocol, as by [`octets`], and a remark when lines had to be ended.
///
/// Text from an editor or a terminal ends its lines with LF alone. SIP takes CR LF only (RFC 3261 section 7), so that
/// such text without any CR is read as if each LF were CR LF; offsets count what was read. Hexadecimal digits are the
/// octets of the wire and stay as they are. The other protocols of text take LF by itself.
#[must_use]
pub fn octets_of(protocol: Protocol, given: &[u8]) -> (Cow<'_, [u8]>, Option<Fault>) {
    let octets = octets(given);
    let pasted = matches!(octets, Cow::Borrowed(_)) && octets.contains(&b'\n') && !octets.contains(&b'\r');
    if protocol != Protocol::Sip || !pasted {
        return (octets, None);
    }
    let ended = octets.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    let remark = Fault {
        offset: 0,
        length: 0,
        found: String::new(),
        rule: "lines that ended in LF alone are read with CR LF, as they must be on the wire".to_owned(),
        clause: "RFC 3261 section 7".to_owned(),
        answer: None,
    };
    (Cow::Owned(ended), Some(remark))
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
    fn text_of_sip_without_any_cr_gets_its_line_ends_and_octets_of_the_wire_do_not() {
        let (octets, remark) = octets_of(Protocol::Sip, b"SIP/2.0 200 OK\nl: 0\n\n");
        assert_eq!(&*octets, b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n");
        assert!(remark.is_some_and(|remark| remark.rule.contains("CR LF")));
        let hex = b"5349502f322e3020323030204f4b0a6c3a20300a0a";
        for given in [&b"SIP/2.0 200 OK\r\nl: 0\n\r\n"[..], b"SIP/2.0 200 OK", hex] {
            let (taken, remark) = octets_of(Protocol::Sip, given);
            assert_eq!((taken, remark), (super::octets(given), None));
        }
        let (taken, remark) = octets_of(Protocol::Sdp, b"v=0\ns=-\n");
        assert_eq!((&*taken, remark), (&b"v=0\ns=-\n"[..], None));
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
