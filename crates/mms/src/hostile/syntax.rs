//! Classes 1 to 5: truncation, integers of variable length, lengths of headers and values, integers.

use super::{Case, Expect, samples};

/// A notification whose fields but one are right: `before`, the octets, and what must follow.
pub(super) fn notification_with(field: &[u8]) -> Vec<u8> {
    let mut out =
        vec![0x8c, 0x82, 0x98, b'T', b'1', 0, 0x8d, 0x92, 0x8a, 0x80, 0x8e, 0x02, 0x27, 0x10, 0x88, 0x05];
    out.extend_from_slice(&[0x81, 0x03, 0x03, 0xf4, 0x80]);
    out.extend_from_slice(field);
    out.extend_from_slice(b"\x83http://mmsc/1\0");
    out
}

pub(super) fn truncated() -> Vec<Case> {
    let mut cases = vec![
        Case::datagram("nothing", Expect::Refused, &[]),
        Case::datagram("one octet", Expect::Refused, &[1]),
    ];
    for (number, datagram) in samples::datagrams().iter().enumerate() {
        for end in 0..datagram.len() {
            let cut = datagram.get(..end).unwrap_or_default();
            cases.push(Case::datagram(format!("sample {number} cut at {end}"), Expect::Either, cut));
        }
    }
    cases
}

/// Integers of variable length: name, octets, whether one of them is legal as an integer.
const UINTVARS: &[(&str, &[u8], bool)] = &[
    ("the largest", &[0x8f, 0xff, 0xff, 0xff, 0x7f], true),
    ("beyond 32 bits", &[0x90, 0x80, 0x80, 0x80, 0x00], false),
    ("all ones", &[0xff, 0xff, 0xff, 0xff, 0x7f], false),
    ("six octets", &[0x81, 0x80, 0x80, 0x80, 0x80, 0x00], false),
    ("leading empty groups", &[0x80, 0x80, 0x80, 0x80, 0x01], true),
    ("more leading empty groups", &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], false),
    ("unterminated", &[0xff, 0xff, 0xff], false),
];

pub(super) fn uintvar() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, octets, _) in UINTVARS {
        let join = |before: &[u8], after: &[u8]| [before, octets, after].concat();
        // None of them is the length of what follows: the numbers are too large, or the content type is too small for one.
        let push = join(&[1, 6], &[0xbe, 0xaf, 0x84]);
        cases
            .push(Case::datagram(format!("length of headers: {name}"), Expect::Refused, &push).relaxed(name));
        let value = notification_with(&join(&[0x89, 0x1f], &[0x80, b'a', 0]));
        cases.push(Case::message(format!("value-length: {name}"), Expect::Refused, &value).relaxed(name));
        let body = join(b"\x8c\x84\x8d\x92\x85\x04\x65\x92\x00\x80\x84\xb3", &[1, 2, 0x83, b'h', b'i']);
        cases.push(Case::message(format!("number of parts: {name}"), Expect::Either, &body));
        let part = join(b"\x8c\x84\x8d\x92\x85\x04\x65\x92\x00\x80\x84\xb3\x01", &[2, 0x83, b'h', b'i']);
        cases.push(Case::message(format!("length of a part: {name}"), Expect::Either, &part));
        let document = join(&[1, 6, 1, 0xae, 2, 5, 0x6a], &[0x05]);
        cases.push(Case::datagram(format!("length of a string table: {name}"), Expect::Either, &document));
        let get = join(&[1, 0x40], b"http://a");
        cases.push(Case::datagram(format!("length of a URI: {name}"), Expect::Refused, &get).relaxed(name));
    }
    cases
}

impl Case {
    /// A number of 1 may be right where the others cannot.
    fn relaxed(mut self, name: &str) -> Self {
        if name == "leading empty groups" {
            self.expect = Expect::Either;
        }
        self
    }
}

pub(super) fn headers_length() -> Vec<Case> {
    let message = samples::notification();
    let mut cases = Vec::new();
    for length in 0..=0x7f_u8 {
        let mut datagram = vec![1, 6, length, 0xbe, 0xaf, 0x84];
        datagram.extend_from_slice(&message);
        let expect = match length {
            3 => Expect::Accepted,
            0 => Expect::Refused,
            // The message or a part of it is taken for headers of the push, or a header for a message.
            _ => Expect::Either,
        };
        cases.push(Case::datagram(format!("headers of {length} octets"), expect, &datagram));
    }
    for (what, octets) in [
        ("longer than the datagram", &[1, 6, 0x7f, 0xbe, 0xaf, 0x84][..]),
        ("much longer than the datagram", &[1, 6, 0x8f, 0xff, 0xff, 0xff, 0x7f, 0xbe]),
        ("ending within a header", &[1, 6, 2, 0xbe, 0xaf, 0x84]),
        ("too small for a content type", &[1, 6, 2, 0x03, 0x02, 0x03, 0x0a]),
        ("missing", &[1, 6]),
    ] {
        cases.push(Case::datagram(format!("headers {what}"), Expect::Refused, octets));
    }
    cases
}

pub(super) fn value_length() -> Vec<Case> {
    let with = |what: &str, expect, field: &[u8]| Case::message(what, expect, &notification_with(field));
    vec![
        with("a sender of length zero", Expect::Refused, &[0x89, 0]),
        with("text where a length belongs", Expect::Refused, b"\x89+1555\0"),
        with("a quoted length of zero", Expect::Refused, &[0x89, 0x1f, 0]),
        with("a quoted length without need", Expect::Accepted, b"\x89\x1f\x08\x80+15550\0"),
        with("a length one too short", Expect::Refused, b"\x89\x07\x80+15550\0"),
        with("a length one too long", Expect::Refused, b"\x89\x09\x80+15550\0"),
        with("a length that swallows the rest", Expect::Refused, b"\x89\x1f\x7f\x80+15550\0"),
        with("an inner length past the outer one", Expect::Refused, b"\x89\x05\x80\x09\xeaab\0"),
        with("an unknown header with a length past the end", Expect::Refused, &[0xc5, 0x1e, 1]),
        with(
            "an unknown header with a quoted length past the end",
            Expect::Refused,
            &[0xc5, 0x1f, 0xff, 0x7f, 1],
        ),
        with("an unknown header with a length of zero", Expect::Accepted, &[0xc5, 0]),
        with("a time of length zero", Expect::Refused, &[0x87, 0]),
        with("a time of a token alone", Expect::Refused, &[0x87, 1, 0x80]),
        with("octets left within a time", Expect::Refused, &[0x87, 6, 0x80, 3, 1, 2, 3, 4]),
    ]
}

pub(super) fn integer() -> Vec<Case> {
    let with = |what: String, expect, field: &[u8]| Case::message(what, expect, &notification_with(field));
    let mut cases = vec![
        with("a date of no octets".to_owned(), Expect::Refused, &[0x85, 0]),
        with("a date as a short integer".to_owned(), Expect::Accepted, &[0x85, 0x81]),
        with("a date as text".to_owned(), Expect::Refused, b"\x85today\0"),
        with("a date with a quoted length".to_owned(), Expect::Refused, &[0x85, 0x1f, 1, 1]),
        with("a token as a long integer".to_owned(), Expect::Refused, &[0x86, 1, 0x80]),
        with("a token below 80".to_owned(), Expect::Refused, &[0x86, 0x7f]),
        with("a token as text".to_owned(), Expect::Refused, b"\x86yes\0"),
    ];
    for length in 1..=31_u8 {
        let ones: Vec<u8> = [&[0x85, length][..], &vec![0xff; usize::from(length)]].concat();
        let expect = if length <= 8 { Expect::Accepted } else { Expect::Refused };
        cases.push(with(format!("a date of {length} octets of ones"), expect, &ones));
        let zeros: Vec<u8> = [&[0x85, length][..], &vec![0; usize::from(length)]].concat();
        let expect = if length <= 30 { Expect::Accepted } else { Expect::Refused };
        cases.push(with(format!("a date of {length} octets of zeros"), expect, &zeros));
    }
    cases
}
