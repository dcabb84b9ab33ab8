//! Classes 6 to 10: encoded strings, senders, times, headers, content types.

use super::syntax::notification_with;
use super::{Case, Expect, samples};

fn with(what: &str, expect: Expect, field: &[u8]) -> Case {
    Case::message(what, expect, &notification_with(field))
}

pub(super) fn encoded_string() -> Vec<Case> {
    vec![
        with("a subject of a charset alone", Expect::Refused, &[0x96, 1, 0xea]),
        with("a subject of an unknown charset", Expect::Accepted, b"\x96\x05\x02\x27\x0fa\0"),
        with(
            "a subject of a charset beyond 32 bits",
            Expect::Refused,
            b"\x96\x08\x05\xff\xff\xff\xff\xffa\0",
        ),
        with(
            "a subject of a charset of 30 octets",
            Expect::Refused,
            &[&[0x96, 0x1f, 33, 30][..], &[1; 30], b"a\0"].concat(),
        ),
        with("a subject without NUL", Expect::Refused, b"\x96\x04\xeaabc"),
        with("a subject with NUL inside", Expect::Refused, b"\x96\x06\xeaab\0c\0"),
        with("a subject of one octet too few", Expect::Refused, b"\x96\x04\xeaabc\0"),
        with("a subject of one octet too many", Expect::Refused, b"\x96\x06\xeaabc\0"),
        with("a subject of invalid UTF-8", Expect::Accepted, b"\x96\x05\xeaa\xff\xfe\0"),
        with("a subject of an odd length in UCS-2", Expect::Accepted, b"\x96\x08\x02\x03\xe8\0a\0b\0"),
        with("a subject of half a character in UCS-2", Expect::Refused, b"\x96\x05\x02\x03\xe8\0a"),
        with("a subject of half a surrogate in UTF-16", Expect::Accepted, b"\x96\x07\x02\x03\xf7\xd8\0\0\0"),
        with("an empty subject", Expect::Accepted, &[0x96, 0]),
        with("an empty subject in UTF-8", Expect::Accepted, &[0x96, 2, 0xea, 0]),
        with("a subject with a quoted length in US-ASCII", Expect::Accepted, b"\x96\x1f\x04\x83ab\0"),
        with("a subject of words that are none", Expect::Accepted, b"\x96=?utf-8?B?!!?= =?x?\0"),
        with("a subject of 100,000 octets", Expect::Refused, &[&[0x96][..], &[b'a'; 100_000], &[0]].concat()),
    ]
}

pub(super) fn sender() -> Vec<Case> {
    vec![
        with("a sender of nothing", Expect::Refused, &[0x89, 0]),
        with("an address without an address", Expect::Refused, &[0x89, 1, 0x80]),
        with("a sender to be inserted", Expect::Accepted, &[0x89, 1, 0x81]),
        with("a sender to be inserted, with an address", Expect::Refused, b"\x89\x03\x81a\0"),
        with("a sender of an unknown token", Expect::Refused, b"\x89\x03\x82a\0"),
        with("a sender without token", Expect::Refused, b"\x89\x02a\0"),
        with("an empty address", Expect::Accepted, &[0x89, 2, 0x80, 0]),
        with("an address without NUL", Expect::Refused, b"\x89\x03\x80ab"),
        with("an address with line ends", Expect::Accepted, b"\x89\x08\x80a\r\nb@c\0"),
        with("an address in UTF-8", Expect::Accepted, b"\x89\x06\x80\x04\xeaab\0"),
    ]
}

pub(super) fn time() -> Vec<Case> {
    let mut cases = Vec::new();
    for (token, kind) in [(0x80, "absolute"), (0x81, "relative")] {
        for (what, number, expect) in [
            ("zero", &[1_u8, 0][..], Expect::Accepted),
            ("one octet", &[1, 1], Expect::Accepted),
            ("a short integer", &[0x85], Expect::Accepted),
            ("beyond 32 bits", &[5, 1, 0, 0, 0, 0], Expect::Accepted),
            (
                "beyond a signed 64-bit number",
                &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                Expect::Accepted,
            ),
            ("beyond 64 bits", &[9, 1, 0, 0, 0, 0, 0, 0, 0, 0], Expect::Refused),
            ("no octets", &[0], Expect::Refused),
            ("text", b"soon\0", Expect::Refused),
        ] {
            let value = [&[0x87, number.len() as u8 + 1, token][..], number].concat();
            cases.push(with(&format!("{kind}: {what}"), expect, &value));
        }
        let long = [&[0x87, 0x1f, 32, token, 30][..], &[0xff; 30]].concat();
        cases.push(with(&format!("{kind}: thirty octets"), Expect::Refused, &long));
    }
    cases.push(with("a time of an unknown token", Expect::Refused, &[0x87, 3, 0x82, 1, 1]));
    cases.push(with("a time without token", Expect::Refused, &[0x87, 2, 1, 1]));
    cases
}

pub(super) fn headers() -> Vec<Case> {
    let right = samples::notification();
    let mut cases = vec![
        with("a repeated header", Expect::Accepted, b"\x98T2\0\x98T3\0"),
        with("a header ten thousand times", Expect::Refused, &b"\x97a\0".repeat(10_000)),
        with("an unknown header as a token", Expect::Accepted, &[0xc5, 0x81]),
        with("an unknown header as text", Expect::Accepted, b"\xff\x7f\xe9t\0"),
        with("a class of an empty name behind a quote", Expect::Refused, &[0x8a, 0x7f, 0]),
        with("an unknown header without value", Expect::Either, &[0xc5]),
        with("a header of an application", Expect::Accepted, b"X-a\0b\0"),
        with("a header of an application without value", Expect::Refused, b"X-a\0"),
        with("a header below 20", Expect::Refused, &[0x05, 1]),
        with("a header of 7f", Expect::Refused, &[0x7f, 1]),
        with("a header of NUL", Expect::Refused, &[0]),
        Case::message("no header", Expect::Refused, &[]),
        Case::message("a type alone", Expect::Refused, &[0x8c, 0x82]),
        Case::message("a type without value", Expect::Refused, &[0x8c]),
        Case::message("an unknown type", Expect::Accepted, b"\x8c\xb0\x98T1\0\x8d\x92"),
        Case::message("another major version", Expect::Accepted, b"\x8c\x83\x98T1\0\x8d\xa0\x95\x81"),
        Case::message("a type as text", Expect::Refused, b"\x8cx\0\x98T1\0\x8d\x92"),
        Case::message("the type last", Expect::Accepted, b"\x98T1\0\x95\x81\x8d\x92\x8c\x83"),
        Case::message("two types", Expect::Accepted, b"\x8c\x83\x8c\x82\x98T1\0\x8d\x92\x95\x81"),
    ];
    let pdu = crate::decode(&right, &crate::Limits::DEFAULT);
    let fields: Vec<_> = pdu.iter().flat_map(crate::Pdu::fields_at).collect();
    for (range, field) in &fields {
        let without =
            [right.get(..range.start), right.get(range.end..)].map(Option::unwrap_or_default).concat();
        cases.push(Case::message(format!("without {}", field.name()), Expect::Refused, &without));
    }
    cases
}

pub(super) fn content_type() -> Vec<Case> {
    let message = |content_type: &[u8]| {
        let mut out = b"\x8c\x80\x98T1\0\x8d\x92\x89\x01\x81\x97a@example.net\0\x84".to_vec();
        out.extend_from_slice(content_type);
        out
    };
    let case = |what: &str, expect, content_type: &[u8]| Case::message(what, expect, &message(content_type));
    let long = [&b"x/"[..], &[b'a'; 8_000], &[0]].concat();
    let longer = [&b"x/"[..], &[b'a'; 60_000], &[0]].concat();
    vec![
        case("a media type of 8,000 octets", Expect::Accepted, &long),
        case("a media type of 60,000 octets", Expect::Refused, &longer),
        case("a media type without NUL", Expect::Refused, b"text/plain"),
        case("an empty media type behind a quote", Expect::Refused, &[0x7f, 0]),
        case("words of an error page", Expect::Accepted, b"Sorry, this is not a media type\0"),
        case("a code that nobody registered", Expect::Accepted, &[0xd9]),
        case("a long code that nobody registered", Expect::Accepted, &[3, 2, 0x7f, 0xff]),
        case("a length of zero", Expect::Refused, &[0]),
        case("a parameter past the end of the length", Expect::Refused, &[3, 0x83, 0x81, 0x02, 0x03, 0xe8]),
        case("a parameter without value", Expect::Refused, &[2, 0x83, 0x81]),
        case("an unknown parameter", Expect::Accepted, &[3, 0x83, 0xbf, 0x80]),
        case("an unknown parameter with a length past the end", Expect::Refused, &[4, 0x83, 0xbf, 0x1e, 1]),
        case("quotes within quotes", Expect::Accepted, b"\x08\x83\x85\"\"a\"\"\0"),
        case("a quote alone", Expect::Accepted, b"\x04\x83\x85\"\0"),
        case("a parameter of text without value", Expect::Refused, b"\x06\x83name\0"),
        case("a charset by its name", Expect::Accepted, b"\x08\x83\x81utf-8\0"),
        case("a charset beyond 32 bits", Expect::Refused, &[8, 0x83, 0x81, 5, 0xff, 0xff, 0xff, 0xff, 0xff]),
        case(
            "a quality of nine octets",
            Expect::Refused,
            &[11, 0x83, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ),
        case("a flag with a value", Expect::Refused, &[3, 0x83, 0x90, 0x81]),
    ]
}
