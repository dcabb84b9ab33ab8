//! Classes 11 to 14: multipart bodies, short messages, WBXML, and what applications read.

use super::{Case, Expect, part, samples};
use crate::octets::put_size;
use crate::wsp::encode_mms_push;

/// A message that was fetched, with these octets as its body. Bodies are read after the message: the message itself is legal.
fn fetched(body: &[u8]) -> Vec<u8> {
    let mut out = b"\x8c\x84\x98T1\0\x8d\x92\x85\x04\x65\x92\x00\x80\x84\xb3".to_vec();
    out.extend_from_slice(body);
    out
}

pub(super) fn multipart() -> Vec<Case> {
    let case = |what: &str, expect, body: &[u8]| Case::message(what, expect, &fetched(body));
    let deep = (0..2_000).fold(b"\0".to_vec(), |inner, _| {
        let mut out = vec![1, 1];
        put_size(inner.len(), &mut out);
        out.push(0xa3);
        out.extend_from_slice(&inner);
        out
    });
    let many = {
        let mut out = Vec::new();
        put_size(10_000, &mut out);
        out.extend_from_slice(&[1, 0, 0x83].repeat(10_000));
        out
    };
    vec![
        case("no body", Expect::Refused, &[]),
        case("no parts", Expect::Accepted, &[0]),
        case("fewer parts than announced", Expect::Refused, &[3, 1, 2, 0x83, b'h', b'i']),
        case(
            "more parts than announced",
            Expect::Refused,
            &[1, 1, 2, 0x83, b'h', b'i', 1, 2, 0x83, b'h', b'i'],
        ),
        case(
            "four thousand million parts",
            Expect::Refused,
            &[0x8f, 0xff, 0xff, 0xff, 0x7f, 1, 2, 0x83, b'h', b'i'],
        ),
        case("ten thousand parts", Expect::Refused, &many),
        case("headers of a part past its end", Expect::Refused, &[1, 0x7f, 2, 0x83, b'h', b'i']),
        case("headers of a part of length zero", Expect::Refused, &[1, 0, 2, b'h', b'i']),
        case("a part of no octets", Expect::Accepted, &[1, 1, 0, 0x83]),
        case("a part past the end", Expect::Refused, &[1, 1, 3, 0x83, b'h', b'i']),
        case(
            "a part far past the end",
            Expect::Refused,
            &[1, 1, 0x8f, 0xff, 0xff, 0xff, 0x7f, 0x83, b'h', b'i'],
        ),
        case("a content type past the headers", Expect::Refused, &[1, 2, 2, 3, 0x83, b'h', b'i']),
        case("bodies within bodies, 2,000 deep", Expect::Accepted, &deep),
    ]
}

pub(super) fn short_message() -> Vec<Case> {
    let push = {
        let mut out = Vec::new();
        encode_mms_push(1, &samples::notification(), &mut out);
        out
    };
    let case = |what: &str, expect, header: &[u8]| {
        let mut out = vec![header.len() as u8];
        out.extend_from_slice(header);
        out.extend_from_slice(&push);
        Case::user_data(what, expect, &out)
    };
    const PORTS: [u8; 6] = [0x05, 4, 0x0b, 0x84, 0x23, 0xf0];
    let ports = |more: &[u8]| [&PORTS[..], more].concat();
    let mut cases = vec![
        case("a total of zero", Expect::Refused, &ports(&[0, 3, 1, 0, 1])),
        case("part zero", Expect::Refused, &ports(&[0, 3, 1, 2, 0])),
        case("a part beyond the total", Expect::Refused, &ports(&[0, 3, 1, 2, 3])),
        case("a wide reference, part zero", Expect::Refused, &ports(&[8, 4, 0, 1, 2, 0])),
        case("concatenation of the wrong length", Expect::Refused, &ports(&[0, 2, 1, 2])),
        case("ports of the wrong length", Expect::Refused, &[5, 3, 0x0b, 0x84, 0x23]),
        case("an element past the header", Expect::Refused, &[5, 9, 0x0b, 0x84, 0x23, 0xf0]),
        case("an element without length", Expect::Refused, &ports(&[0x24])),
        case("two elements of ports", Expect::Refused, &ports(&PORTS)),
        case("ports of both widths", Expect::Refused, &ports(&[4, 2, 1, 2])),
        case("concatenation of both widths", Expect::Refused, &ports(&[0, 3, 1, 2, 1, 8, 4, 0, 1, 2, 1])),
        case("ports of zero", Expect::Accepted, &[5, 4, 0, 0, 0, 0]),
        case("no elements", Expect::Accepted, &[]),
        case("concatenation before ports", Expect::Accepted, &[&[0, 3, 1, 1, 1][..], &PORTS].concat()),
        Case::user_data("nothing", Expect::Refused, &[]),
        Case::user_data("a header past the end", Expect::Refused, &[0x40, 5, 4, 0x0b, 0x84, 0x23, 0xf0]),
        Case::user_data("141 octets", Expect::Refused, &[0; 141]),
    ];
    let after = |what: &str, expect, before: Vec<u8>, octets: &[u8]| Case {
        before: vec![before],
        ..Case::user_data(what, expect, octets)
    };
    cases.extend([
        after(
            "a part again with other octets",
            Expect::Refused,
            part(7, 2, 1, b"one"),
            &part(7, 2, 1, b"two"),
        ),
        after("a part with another total", Expect::Accepted, part(8, 2, 1, b"one"), &part(8, 3, 2, b"two")),
        after(
            "a part with other ports",
            Expect::Refused,
            part(9, 2, 1, b"one"),
            &[&[11, 5, 4, 0, 1, 0, 2, 0, 3, 9, 2, 2][..], b"two"].concat(),
        ),
        after("a part again, longer", Expect::Refused, part(10, 2, 1, b"one"), &part(10, 2, 1, b"one more")),
        after("a part of no octets", Expect::Accepted, part(11, 2, 1, b""), &part(11, 2, 2, b"")),
    ]);
    for length in 0..=u8::MAX {
        let mut octets = vec![length];
        octets.extend_from_slice(&PORTS);
        octets.extend_from_slice(push.get(..100.min(push.len())).unwrap_or_default());
        cases.push(Case::user_data(format!("a header of {length} octets"), Expect::Either, &octets));
    }
    cases
}

pub(super) fn wbxml() -> Vec<Case> {
    // A push of a service indication, whose octets are these.
    let case = |what: &str, expect, document: &[u8]| {
        Case::datagram(what, expect, &[&[1, 6, 1, 0xae][..], document].concat())
    };
    const HEAD: [u8; 4] = [2, 5, 0x6a, 0];
    let body = |body: &[u8]| [&HEAD[..], body].concat();
    vec![
        case("nothing", Expect::Refused, &[]),
        case("no element", Expect::Refused, &HEAD),
        case("an unknown version", Expect::Refused, &[9, 5, 0x6a, 0, 5]),
        case("an unknown public identifier", Expect::Either, &[2, 0x7f, 0x6a, 0, 5]),
        case("a public identifier past the table", Expect::Refused, &[2, 0, 5, 0x6a, 0, 5]),
        case("a table past the end", Expect::Refused, &[2, 5, 0x6a, 0x8f, 0xff, 0xff, 0xff, 0x7f, 5]),
        case("a reference past the table", Expect::Refused, &body(&[0x45, 0x83, 0x7f, 1])),
        case(
            "a reference to a string without end",
            Expect::Refused,
            &[2, 5, 0x6a, 2, b'a', b'a', 0x45, 0x83, 0, 1],
        ),
        case("a literal without table", Expect::Refused, &body(&[0x44, 0, 1])),
        case("a huge opaque", Expect::Refused, &body(&[0x45, 0xc3, 0x8f, 0xff, 0xff, 0xff, 0x7f, 1])),
        case("a string without end", Expect::Refused, &body(&[0x45, 0x03, b'a', b'a'])),
        case("an entity beyond Unicode", Expect::Refused, &body(&[0x45, 2, 0x84, 0x80, 0x80, 0, 1])),
        case("an entity that is NUL", Expect::Refused, &body(&[0x45, 2, 0, 1])),
        case("an entity that is half a character", Expect::Refused, &body(&[0x45, 2, 0x83, 0xb0, 0, 1])),
        case("an entity beyond 32 bits", Expect::Refused, &body(&[0x45, 2, 0xff, 0xff, 0xff, 0xff, 0x7f, 1])),
        case("a storm of pages", Expect::Refused, &body(&[0; 20_000])),
        case("great depth", Expect::Refused, &body(&[0x45; 20_000])),
        case("many elements", Expect::Either, &body(&[&[0x45][..], &[0x06; 20_000], &[1]].concat())),
        case("attributes without end", Expect::Refused, &body(&[&[0xc5][..], &[0x0b; 1_000]].concat())),
        case("a value before its attribute", Expect::Refused, &body(&[0x85, 0x03, b'a', 0, 1])),
        case("an end too many", Expect::Refused, &body(&[0x05, 1])),
        case("two elements", Expect::Refused, &body(&[0x05, 0x05])),
        case("a character set of two octets", Expect::Refused, &[2, 5, 0x87, 0x68, 0, 5]),
    ]
}

/// Locations that a receiver must not follow.
pub const LOCATIONS: &[&str] = &[
    "file:///etc/passwd",
    "http://127.0.0.1/1",
    "http://127.1/1",
    "http://2130706433/1",
    "http://0x7f.0.0.1/1",
    "http://[::1]/1",
    "http://[::ffff:127.0.0.1]/1",
    "http://169.254.169.254/latest/meta-data",
    "http://[fe80::1]/1",
    "http://localhost/1",
    "http://0.0.0.0/1",
    "http://user:secret@mmsc.example/1",
    "http://mmsc.example/1\r\nHost: other.example",
    "http://mmsc.example/\u{7f}1",
    "gopher://mmsc.example/1",
    "javascript:alert(1)",
    "//mmsc.example/1",
    "",
    "http://",
    "http:///1",
    "http://mmsc.example:99999/1",
];

/// Presentations that a reader must not choke on.
pub const PRESENTATIONS: &[&str] = &[
    "<!DOCTYPE smil [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><smil>&b;</smil>",
    "<!DOCTYPE smil SYSTEM \"file:///etc/passwd\"><smil/>",
    "<smil",
    "<smil><body><par><img src=\"../../../etc/passwd\"/></par></body></smil>",
    "<smil><body><par><img src=\"http://other.example/track\"/></par></body></smil>",
    "<smil>&nosuch;</smil>",
    "<smil><body></par></body></smil>",
];

/// Names of parts that would leave their folder.
pub const NAMES: &[&str] = &[
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\boot.ini",
    "C:\\boot.ini",
    "..",
    ".",
    "a/../../b",
    "\u{202e}gpj.exe",
    "con:",
];

pub(super) fn application() -> Vec<Case> {
    let mut cases = Vec::new();
    for location in LOCATIONS {
        let mut message =
            b"\x8c\x82\x98T1\0\x8d\x92\x8a\x80\x8e\x02\x27\x10\x88\x05\x81\x03\x03\xf4\x80\x83".to_vec();
        message.extend_from_slice(location.as_bytes());
        message.push(0);
        // The octets are legal; where they lead is for the receiver's policy to refuse.
        cases.push(Case::message(format!("location {location:?}"), Expect::Accepted, &message));
    }
    let long = format!("http://mmsc.example/{}", "a".repeat(20_000));
    let mut message =
        b"\x8c\x82\x98T1\0\x8d\x92\x8a\x80\x8e\x02\x27\x10\x88\x05\x81\x03\x03\xf4\x80\x83".to_vec();
    message.extend_from_slice(long.as_bytes());
    message.push(0);
    cases.push(Case::message("a very long location", Expect::Refused, &message));
    let none = crate::wsp::HeadersBuf::new();
    for presentation in PRESENTATIONS {
        let smil = crate::wsp::ContentTypeBuf::new("application/smil");
        let body = crate::multipart::PartsBuf::new()
            .with(&smil.as_content_type(), &none.as_headers(), presentation.as_bytes())
            .finish();
        cases.push(Case::message(
            format!("presentation {presentation:?}"),
            Expect::Accepted,
            &fetched(&body),
        ));
    }
    for name in NAMES {
        let text = crate::wsp::ContentTypeBuf::new("text/plain").named(name);
        let headers = none.clone().content_location(name).content_id(name);
        let body = crate::multipart::PartsBuf::new()
            .with(&text.as_content_type(), &headers.as_headers(), b"x")
            .finish();
        cases.push(Case::message(format!("name {name:?}"), Expect::Accepted, &fetched(&body)));
    }
    cases
}
