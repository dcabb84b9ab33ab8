//! Each rule: the text that breaks it, the place, and the words for it.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::collections::BTreeSet;

use strowger_sdp::{DecodeError, Limits, Rule, decode};

fn error(text: &[u8]) -> DecodeError {
    let small = Limits { bytes: 400, line: 60, media: 2, attributes: 3, formats: 4 };
    decode(text, &small).expect_err(&text.escape_ascii().to_string())
}

/// Text, offset, what stands there, rule.
const CASES: &[(&[u8], usize, &str, Rule)] = &[
    (b"", 0, "nothing", Rule::VersionFirst),
    (b"\r\n", 0, "nothing", Rule::VersionFirst),
    (b"c=IN IP4 192.0.2.1\r\n", 0, "\"c=IN IP4 192.0.2.1\"", Rule::VersionFirst),
    (b"v=1\r\n", 2, "\"1\"", Rule::Version),
    (b"v=00\r\n", 2, "\"00\"", Rule::Version),
    (b"v=\r\n", 2, "nothing", Rule::Version),
    (b"V=0\r\n", 0, "\"V=0\"", Rule::VersionFirst),
    (b"v=0\r\nv=0\r\n", 5, "\"v=0\"", Rule::Repeated),
    (b"v=0\r\nA=x\r\n", 5, "\"A=x\"", Rule::TypeLetter),
    (b"v=0\r\nx=1\r\n", 5, "\"x=1\"", Rule::TypeLetter),
    (b"v=0\r\nhello\r\n", 5, "\"hello\"", Rule::LineForm),
    (b"v=0\r\ns =-\r\n", 5, "\"s =-\"", Rule::LineForm),
    (b"v=0\r\n s=-\r\n", 5, "\" s=-\"", Rule::LineForm),
    (b"v=0\r\ns", 5, "\"s\"", Rule::LineForm),
    (b"v=0\r\n\r\ns=-\r\n", 5, "nothing", Rule::EmptyLine),
    (b"v=0\r\n\r\n\0", 7, "\"\\x00\"", Rule::Nul),
    (b"v=0\r\ns=a\0b\r\n", 8, "\"\\x00\"", Rule::Nul),
    (b"v=0\rs=-\r\n", 3, "\"\\r\"", Rule::LoneReturn),
    (b"v=0\r\ns=-\r", 8, "\"\\r\"", Rule::LoneReturn),
    (b"v=0\r\no=- 1 1 IN IP4\r\n", 7, "\"- 1 1 IN IP4\"", Rule::Origin),
    (b"v=0\r\no=- 1 1 IN IP4 h x\r\n", 7, "\"- 1 1 IN IP4 h x\"", Rule::Origin),
    (b"v=0\r\no=\r\n", 7, "nothing", Rule::Origin),
    (b"v=0\r\no=- 1 1 IN IP4 h\r\no=- 1 1 IN IP4 h\r\n", 23, "\"o=- 1 1 IN IP4 h\"", Rule::Repeated),
    (b"v=0\r\ns=-\r\ns=-\r\n", 10, "\"s=-\"", Rule::Repeated),
    (b"v=0\r\ni=\r\n", 7, "nothing", Rule::EmptyValue),
    (b"v=0\r\nu=\r\n", 7, "nothing", Rule::EmptyValue),
    (b"v=0\r\ne=\r\n", 7, "nothing", Rule::EmptyValue),
    (b"v=0\r\nc=IN IP4\r\n", 13, "nothing", Rule::Connection),
    (b"v=0\r\nc=\r\n", 7, "nothing", Rule::Connection),
    (b"v=0\r\nc=IN(IP4 h\r\n", 7, "\"IN(IP4 h\"", Rule::Connection),
    (b"v=0\r\nc=IN IP4 h h\r\n", 16, "\"h\"", Rule::Connection),
    (b"v=0\r\nc=IN IP4 192.0.2.256\r\n", 14, "\"192.0.2.256\"", Rule::Address),
    (b"v=0\r\nc=IN IP4 192.0.2\r\n", 14, "\"192.0.2\"", Rule::Address),
    (b"v=0\r\nc=IN IP4 192.0.02.1\r\n", 14, "\"192.0.02.1\"", Rule::Address),
    (b"v=0\r\nc=IN IP4 192.0.2.1/127\r\n", 14, "\"192.0.2.1/127\"", Rule::Address),
    (b"v=0\r\nc=IN IP4 233.252.0.1/256\r\n", 14, "\"233.252.0.1/256\"", Rule::Address),
    (b"v=0\r\nc=IN IP4 233.252.0.1/1/0\r\n", 14, "\"233.252.0.1/1/0\"", Rule::Address),
    (b"v=0\r\nc=IN IP4 2001:db8::1\r\n", 14, "\"2001:db8::1\"", Rule::Address),
    (b"v=0\r\nc=IN IP6 192.0.2.1\r\n", 14, "\"192.0.2.1\"", Rule::Address),
    (b"v=0\r\nc=IN IP6 2001:db8::1/3\r\n", 14, "\"2001:db8::1/3\"", Rule::Address),
    (b"v=0\r\nc=IN IP4 h\r\nc=IN IP4 h\r\n", 17, "\"c=IN IP4 h\"", Rule::Repeated),
    (b"v=0\r\nb=AS\r\n", 7, "\"AS\"", Rule::Bandwidth),
    (b"v=0\r\nb=AS:\r\n", 7, "\"AS:\"", Rule::Bandwidth),
    (b"v=0\r\nb=AS:64k\r\n", 7, "\"AS:64k\"", Rule::Bandwidth),
    (b"v=0\r\nb=AS:99999999999999999999\r\n", 7, "\"AS:99999999999999999999\"", Rule::Bandwidth),
    (b"v=0\r\nt=0\r\n", 7, "\"0\"", Rule::Timing),
    (b"v=0\r\nt=0 0 0\r\n", 7, "\"0 0 0\"", Rule::Timing),
    (b"v=0\r\nt=0 -1\r\n", 7, "\"0 -1\"", Rule::Timing),
    (b"v=0\r\nt=0 0\r\nr=7d 1h\r\n", 14, "\"7d 1h\"", Rule::Repeat),
    (b"v=0\r\nt=0 0\r\nr=7d 1h x\r\n", 14, "\"7d 1h x\"", Rule::Repeat),
    (b"v=0\r\nt=0 0\r\nz=1 2 3\r\n", 14, "\"1 2 3\"", Rule::Zone),
    (b"v=0\r\nk=clear\r\n", 7, "\"clear\"", Rule::Key),
    (b"v=0\r\nk=base64:abc\r\n", 7, "\"base64:abc\"", Rule::Key),
    (b"v=0\r\nk=Prompt\r\n", 7, "\"Prompt\"", Rule::Key),
    (b"v=0\r\na=\r\n", 7, "nothing", Rule::AttributeName),
    (b"v=0\r\na=:x\r\n", 7, "\":x\"", Rule::AttributeName),
    (b"v=0\r\na=pt ime:20\r\n", 9, "\" ime:20\"", Rule::AttributeName),
    (b"v=0\r\nm=\r\n", 7, "nothing", Rule::MediaType),
    (b"v=0\r\nm=au/dio 1 RTP/AVP 0\r\n", 7, "\"au/dio 1 RTP/AVP 0\"", Rule::MediaType),
    (b"v=0\r\nm=audio\r\n", 12, "nothing", Rule::Port),
    (b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n", 13, "\"65536 RTP/AVP 0\"", Rule::Port),
    (b"v=0\r\nm=audio -1 RTP/AVP 0\r\n", 13, "\"-1 RTP/AVP 0\"", Rule::Port),
    (b"v=0\r\nm=audio 0x10 RTP/AVP 0\r\n", 13, "\"0x10 RTP/AVP 0\"", Rule::Port),
    (
        b"v=0\r\nm=audio 18446744073709551616 RTP/AVP 0\r\n",
        13,
        "\"18446744073709551616 RTP/AVP 0\"",
        Rule::Port,
    ),
    (b"v=0\r\nm=audio 1/0 RTP/AVP 0\r\n", 15, "\"0 RTP/AVP 0\"", Rule::PortCount),
    (b"v=0\r\nm=audio 1/ RTP/AVP 0\r\n", 15, "\" RTP/AVP 0\"", Rule::PortCount),
    (b"v=0\r\nm=audio 1\r\n", 14, "nothing", Rule::Transport),
    (b"v=0\r\nm=audio 1 RTP//AVP 0\r\n", 15, "\"RTP//AVP 0\"", Rule::Transport),
    (b"v=0\r\nm=audio 1 /AVP 0\r\n", 15, "\"/AVP 0\"", Rule::Transport),
    (b"v=0\r\nm=audio 1 RTP/ 0\r\n", 15, "\"RTP/ 0\"", Rule::Transport),
    (b"v=0\r\nm=audio 1 RTP/AVP\r\n", 22, "nothing", Rule::Format),
    (b"v=0\r\nm=audio 1 RTP/AVP 0 (8)\r\n", 25, "\"(8)\"", Rule::Format),
    (b"v=0\r\nm=audio 1 RTP/AVP 0\r\no=- 1 1 IN IP4 h\r\n", 26, "\"o=- 1 1 IN IP4 h\"", Rule::Level),
    (b"v=0\r\nm=audio 1 RTP/AVP 0\r\nt=0 0\r\n", 26, "\"t=0 0\"", Rule::Level),
    (b"v=0\r\nm=audio 1 RTP/AVP 0\r\nv=0\r\n", 26, "\"v=0\"", Rule::Level),
    (b"v=0\r\nm=audio 1 RTP/AVP 0\r\ni=a\r\ni=b\r\n", 31, "\"i=b\"", Rule::Repeated),
    (
        b"v=0\r\ns=0123456789012345678901234567890123456789012345678901234567890\r\n",
        5,
        "\"s=012345678901234567890123456789...\"",
        Rule::LineSize,
    ),
    (b"v=0\r\nm=a 1 x 1\r\nm=a 1 x 1\r\nm=a 1 x 1\r\n", 27, "\"m=a 1 x 1\"", Rule::MediaCount),
    (b"v=0\r\na=1\r\na=2\r\nm=a 1 x 1\r\na=3\r\na=4\r\n", 31, "\"a=4\"", Rule::AttributeCount),
    (b"v=0\r\nm=a 1 x 1 2 3 4 5\r\n", 5, "\"m=a 1 x 1 2 3 4 5\"", Rule::FormatCount),
    (b"v=0\r\nm=audio 1 RTP/AVP 1 2 3 4 5\r\n", 5, "\"m=audio 1 RTP/AVP 1 2 3 4 5\"", Rule::FormatCount),
];

#[test]
fn each_fault_is_named_with_its_place_and_its_rule() {
    for (text, offset, found, rule) in CASES {
        let error = error(text);
        let shown = text.escape_ascii();
        assert_eq!((error.rule, error.offset), (*rule, *offset), "{shown}: {error}");
        assert_eq!(error.found.to_string(), *found, "{shown}");
    }
}

#[test]
fn a_description_longer_than_the_limit_is_refused_before_it_is_read() {
    let error = error(&[b'x'; 401]);
    assert_eq!((error.rule, error.offset), (Rule::Size, 400));
}

#[test]
fn every_rule_has_a_case_a_text_and_a_clause() {
    let mut shown: BTreeSet<_> = CASES.iter().map(|case| case.3).collect();
    shown.insert(Rule::Size);
    for rule in Rule::ALL {
        assert!(shown.contains(rule), "{rule:?} has no case");
        assert!(rule.clause().starts_with("RFC 8866 section") || rule.clause().starts_with("local limit"));
        assert!(!rule.text().is_empty());
    }
}

#[test]
fn an_error_shown_to_people_holds_no_control_octet() {
    let error = error(b"v=0\r\n\x1b[2J\x07\xffx\r\n");
    let text = error.to_string();
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{text}");
    assert!(text.contains("\\x1b[2J\\x07\\xff"), "{text}");
    assert!(text.starts_with("offset 5: found "), "{text}");
    assert!(text.ends_with("(RFC 8866 section 5)"), "{text}");
}

#[test]
fn a_text_of_the_greatest_size_costs_one_pass_whatever_it_holds() {
    // Each of these would take minutes if any line made the reader look at the rest again.
    let limits = Limits {
        bytes: 4_000_000,
        line: 4_000_000,
        media: 1_000_000,
        attributes: 1_000_000,
        formats: 2_000_000,
    };
    for unit in [&b"\r\n"[..], b"\n", b"\t", b"a=b\n", b"m=a 1 x 1\n", b"\r\r", b" ", b"\0"] {
        let text = [b"v=0\ns=", unit.repeat(2_000_000 / unit.len()).as_slice()].concat();
        if let Ok(session) = decode(&text, &limits) {
            assert_eq!(session.as_bytes().len(), text.len());
        }
    }
    let formats = [b"v=0\nm=audio 1 RTP/AVP", b" 0".repeat(1_000_000).as_slice()].concat();
    assert!(decode(&formats, &limits).is_ok());
}
