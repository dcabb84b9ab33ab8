//! The data messages that a telephone with a display is sent (ETSI EN 300 659-3; in North America GR-30): type, length, parameters, and
//! an octet with which all sum to nothing. What they show is said in the words of MGCP (RFC 3660, `L/ci`), which the plane knows.

use strowger_mgcp::message::{EventParameter, EventParameters};

/// Call set-up, with parameters: the multiple data message format.
const CALL_SETUP: u8 = 0x80;
/// Waiting messages, with parameters.
const WAITING_MESSAGES: u8 = 0x82;
/// Call set-up in the single data message format: the time, then the number.
const SINGLE: u8 = 0x04;
/// The digits of month, day, hour and minute.
const TIME: usize = 8;
/// The most octets of a number and of a name that are sent (EN 300 659-3 section 5.4).
const MOST_NUMBER: usize = 20;
const MOST_NAME: usize = 50;

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DataMessage {
    /// Who calls, as a signal.
    Caller(String),
    /// The lamp for waiting messages.
    Lamp,
}

/// Reads a message; none when it is none, or damaged.
pub(crate) fn read(octets: &[u8]) -> Option<DataMessage> {
    let sum = octets.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
    let [kind, length, rest @ ..] = octets else { return None };
    let (_, body) = rest.split_last().filter(|(_, body)| sum == 0 && body.len() == usize::from(*length))?;
    match *kind {
        CALL_SETUP => parameters(body),
        WAITING_MESSAGES => Some(DataMessage::Lamp),
        SINGLE => {
            let (time, number) = body.split_at_checked(TIME)?;
            Some(DataMessage::Caller(signal(Some(time), &quoted(number), "\"\"")))
        }
        _ => None,
    }
}

/// The message of a caller's time, number and name, as `L/ci` has them: number and name as characters of ASCII, what is private (`P`) or unavailable
/// (`O`) by the reason, and what is left out not at all.
pub(crate) fn write(caller: EventParameters<'_>) -> Vec<u8> {
    let mut parts = caller.iter();
    let mut body = Vec::new();
    let mut put = |kind: u8, value: &[u8]| {
        if let (Ok(length), false) = (u8::try_from(value.len()), value.is_empty()) {
            body.extend([kind, length]);
            body.extend(value);
        }
    };
    if let Some(EventParameter::Value(time)) = parts.next() {
        let digits: Vec<u8> = time.bytes().filter(u8::is_ascii_digit).collect();
        put(1, if digits.len() == TIME { &digits } else { &[] });
    }
    for (known, absent, most) in [(2, 4, MOST_NUMBER), (7, 8, MOST_NAME)] {
        match parts.next() {
            Some(EventParameter::Value(reason))
                if matches!(reason.to_ascii_uppercase().as_str(), "P" | "O") =>
            {
                put(absent, reason.to_ascii_uppercase().as_bytes());
            }
            Some(EventParameter::Value(value)) => put(known, &shown(value, most)),
            Some(EventParameter::Quoted(inner)) => put(known, &shown(&EventParameters::unquote(inner), most)),
            Some(EventParameter::Named { .. }) | None => {}
        }
    }
    let mut message = vec![CALL_SETUP, u8::try_from(body.len()).unwrap_or(u8::MAX)];
    message.extend(body);
    let sum = message.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
    message.push(sum.wrapping_neg());
    message
}

/// What a display can show of a text.
fn shown(text: &str, most: usize) -> Vec<u8> {
    let octet = |letter: char| u8::try_from(letter).ok().filter(|octet| (0x20..0x7f).contains(octet));
    text.chars().take(most).map(|letter| octet(letter).unwrap_or(b'?')).collect()
}

fn parameters(mut body: &[u8]) -> Option<DataMessage> {
    let (mut time, mut number, mut name) = (None, "\"\"".to_owned(), "\"\"".to_owned());
    while let [kind, length, rest @ ..] = body {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        match kind {
            1 => time = Some(value),
            2 => number = quoted(value),
            // Why there is no number, or no name: withheld, or not known.
            4 => number = absence(value)?,
            7 => name = quoted(value),
            8 => name = absence(value)?,
            // What is not known may be skipped.
            _ => {}
        }
        body = after;
    }
    body.is_empty().then(|| DataMessage::Caller(signal(time, &number, &name)))
}

fn absence(value: &[u8]) -> Option<String> {
    match value {
        b"P" | b"O" => Some(String::from_utf8_lossy(value).into_owned()),
        _ => None,
    }
}

/// A quoted string; what is no character of ASCII becomes a space.
fn quoted(value: &[u8]) -> String {
    let shown = |octet: &u8| if (0x20..0x7f).contains(octet) { char::from(*octet) } else { ' ' };
    let text: String = value.iter().map(shown).collect();
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn signal(time: Option<&[u8]>, number: &str, name: &str) -> String {
    let digits = time.filter(|time| time.len() == TIME && time.iter().all(u8::is_ascii_digit));
    let time = digits.map(|time| {
        let parts: Vec<_> = time.chunks(2).map(String::from_utf8_lossy).collect();
        parts.join("/")
    });
    format!("L/ci({},{number},{name})", time.as_deref().unwrap_or("\"\""))
}

#[cfg(test)]
mod tests {
    use strowger_mgcp::message::SignalBuf;

    use super::*;

    fn message(mut octets: Vec<u8>) -> Vec<u8> {
        let length = u8::try_from(octets.len() - 2).unwrap();
        octets[1] = length;
        let sum = octets.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
        octets.push(sum.wrapping_neg());
        octets
    }

    fn caller(octets: &[u8]) -> Option<DataMessage> {
        read(&message(octets.to_vec()))
    }

    fn shows(text: &str) -> Option<DataMessage> {
        Some(DataMessage::Caller(text.to_owned()))
    }

    #[test]
    fn a_call_is_shown_with_time_number_and_name() {
        let whole = b"\x80\0\x01\x0802292330\x02\x042001\x07\x08Al \"Ace\"";
        assert_eq!(caller(whole), shows("L/ci(02/29/23/30,\"2001\",\"Al \"\"Ace\"\"\")"));
        assert_eq!(caller(b"\x80\0\x04\x01P\x08\x01P"), shows("L/ci(\"\",P,P)"));
        assert_eq!(caller(b"\x80\0\x04\x01O"), shows("L/ci(\"\",O,\"\")"));
        assert_eq!(caller(b"\x04\x00022923302001"), shows("L/ci(02/29/23/30,\"2001\",\"\")"));
        assert_eq!(caller(b"\x82\0\x0b\x01\xff"), Some(DataMessage::Lamp));
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let told = |signal: &str| {
            let signal = SignalBuf::parse(signal).unwrap();
            read(&write(signal.parameters()))
        };
        for whole in [
            "L/ci(02/29/23/30,\"5550142\",\"Al \"\"Ace\"\"\")",
            "L/ci(02/29/23/30,P,P)",
            "L/ci(\"\",O,\"\")",
            "L/ci(\"\",\"\",\"Ann\")",
        ] {
            assert_eq!(told(whole), shows(whole));
        }
        assert_eq!(told("L/ci(,,)"), shows("L/ci(\"\",\"\",\"\")"));
        assert_eq!(
            told("L/ci(1,2001,\"Zo\u{eb}\")"),
            shows("L/ci(\"\",\"2001\",\"Zo?\")"),
            "an incomplete time is none"
        );
        let long = format!("L/ci(\"\",\"{}\",\"{}\")", "5".repeat(300), "x".repeat(300));
        let cut = format!("L/ci(\"\",\"{}\",\"{}\")", "5".repeat(20), "x".repeat(50));
        assert_eq!(told(&long), shows(&cut));
    }

    #[test]
    fn what_is_damaged_is_not_shown() {
        let whole = message(b"\x80\0\x02\x042001".to_vec());
        assert!(read(&whole).is_some());
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x10;
            assert_eq!(read(&damaged), None, "{place}");
            assert_eq!(read(&whole[..place]), None, "{place}");
        }
        assert_eq!(caller(b"\x80\0\x02\x092001"), None, "a parameter that goes beyond the end");
        assert_eq!(caller(b"\x80\0\x04\x01X"), None);
        assert_eq!(caller(b"\x04\x002001"), None, "no room for the time");
    }
}
