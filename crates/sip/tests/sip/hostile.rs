//! Input that means harm: refused with the right status or not answered, and nothing has changed.

use strowger_sip::error::Rule;
use strowger_sip::text::{Frame, Framer, decode, is_keep_alive};
use strowger_sip::{Limits, text};

use super::raw::{OFFER, Raw, request};

fn rule(bytes: impl AsRef<[u8]>) -> Rule {
    let limits = Limits::default();
    let refused = decode(bytes.as_ref(), &limits).and_then(|message| text::check(&message, &limits));
    refused.unwrap_err().rule
}

fn options() -> String {
    request("OPTIONS", "1", 1, "", "", "")
}

#[test]
fn each_fault_is_named_by_its_rule_and_answered_with_its_status() {
    let long = "a".repeat(70_000);
    let cases: [(String, Rule, u16); 25] = [
        (
            options().replace("sip:2002@192.0.2.2 ", &format!("sip:{}@x ", "9".repeat(3000))),
            Rule::UriSize,
            414,
        ),
        (
            options().replace("sip:2002@192.0.2.2 ", &format!("sip:{}@x ", "9".repeat(60_000))),
            Rule::UriSize,
            414,
        ),
        (options().replace("\r\n\r\n", &format!("\r\n\r\n{long}")), Rule::MessageSize, 413),
        (options().replace("Contact", &format!("X: {}\r\nContact", "y".repeat(9000))), Rule::FieldSize, 513),
        (options().replace("Contact", &format!("{}Contact", "X: y\r\n".repeat(200))), Rule::FieldCount, 513),
        (options().replace("Content-Length: 0", "Content-Length: 9"), Rule::BodyShort, 400),
        (
            options().replace("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"),
            Rule::ContentLength,
            400,
        ),
        (options().replace("Content-Length: 0", "Content-Length: 0\r\nl: 5"), Rule::ContentLength, 400),
        (options().replace("Content-Length: 0", "Content-Length: -1"), Rule::ContentLength, 400),
        (
            options().replace("Content-Length: 0", "Content-Length: 99999999999999999999"),
            Rule::ContentLength,
            400,
        ),
        (options().replace("Content-Length: 0", "Content-Length: 0, 0"), Rule::ContentLength, 400),
        (options().replace("Max-Forwards: 70\r\n", "Max-Forwards: 70\n"), Rule::LineEnd, 400),
        (options().replace("Max-Forwards: 70", "Max-Forwards: 7\r0"), Rule::LineEnd, 400),
        (options().replace("Max-Forwards: 70", "Max-Forwards: 7\u{0}0"), Rule::Control, 400),
        (options().replace("Max-Forwards: 70", "Max-Forwards 70"), Rule::FieldForm, 400),
        (options().replace("Max-Forwards: 70", "Max Forwards: 70"), Rule::FieldForm, 400),
        (options().replace("SIP/2.0\r\nVia", "SIP/2.0\r\n folded\r\nVia"), Rule::Continuation, 400),
        (options().replace("From: ", "From: <sip:x@y>;tag=2\r\nFrom: "), Rule::Repeated, 400),
        (options().replace("CSeq: 1 OPTIONS", "CSeq: 2147483648 OPTIONS"), Rule::Range, 400),
        (options().replace("CSeq: 1 OPTIONS", "CSeq: one OPTIONS"), Rule::Value, 400),
        (options().replace("Call-ID: c1@192.0.2.1", "Call-ID: c1@@x"), Rule::Value, 400),
        (options().replace("\r\nCall-ID", ";\r\nCall-ID"), Rule::NameAddress, 400),
        (options().replace("sip:2002@192.0.2.2 ", "http://x/ "), Rule::Scheme, 416),
        (options().replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), Rule::Version, 505),
        (
            options().replace("branch=z9hG4bK1", &format!("branch=z9hG4bK1{}", ", SIP/2.0/UDP x".repeat(80))),
            Rule::ValueCount,
            400,
        ),
    ];
    for (text, expected, status) in cases {
        let shown = &text[..text.len().min(300)];
        assert_eq!(rule(&text), expected, "{shown}");
        let mut raw = Raw::new();
        assert_eq!(raw.statuses(&text), [status], "{shown}");
        assert!(raw.agent.transactions() == 0 && raw.agent.sessions() == 0, "{shown}");
    }
}

#[test]
fn every_rule_has_a_text_a_clause_and_a_status() {
    for rule in Rule::ALL {
        assert!(!rule.text().is_empty() && !rule.clause().is_empty());
        assert!((400..=599).contains(&rule.status().code()), "{rule:?}");
    }
}

#[test]
fn what_cannot_be_answered_is_not() {
    let mut raw = Raw::new();
    let cases: [&[u8]; 8] = [
        b"",
        b"rubbish",
        b"\xff\xfe\xfd",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"ACK broken\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\r\n",
        b"SIP/2.0 999 No\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: broken\r\n\r\n",
        b"INVITE",
    ];
    for bytes in cases {
        assert!(raw.say(bytes).is_empty(), "{}", bytes.escape_ascii());
    }
}

#[test]
fn an_answer_is_hardly_longer_than_what_it_answers() {
    let mut raw = Raw::new();
    for text in [options(), options().replace("SIP/2.0\r\nVia", "SIP/9.0\r\nVia")] {
        raw.agent.handle_input(raw.now, strowger_sip::Route::udp(super::pair::address(0)), text.as_bytes());
        let answer = raw.agent.poll_transmit().unwrap();
        assert!(answer.payload.len() < text.len() + 400, "{} for {}", answer.payload.len(), text.len());
    }
}

#[test]
fn white_space_before_the_colon_and_folds_are_understood() {
    let odd = options()
        .replace("Max-Forwards: 70", "Max-Forwards \t :\r\n \t 70")
        .replace("CSeq: 1 OPTIONS", "cseq:1\r\n   OPTIONS")
        .replace("Call-ID:", "i :");
    let mut raw = Raw::new();
    assert_eq!(raw.statuses(odd), [200]);
}

#[test]
fn keep_alives_are_heard_and_not_answered() {
    for bytes in [&b"\r\n\r\n"[..], b"\r\n", b"\0", b"jaK", b"\0\0\0\0"] {
        assert!(is_keep_alive(bytes));
        let mut raw = Raw::new();
        assert!(raw.say(bytes).is_empty() && raw.events().is_empty());
    }
}

#[test]
fn a_flood_of_calls_is_refused_beyond_the_limit_and_the_open_ones_live() {
    let mut config = super::pair::config(super::pair::BOB);
    (config.sessions, config.transactions) = (3, 6);
    let mut raw = Raw::with(config);
    let mut statuses = Vec::new();
    for number in 0..20 {
        let invite = request("INVITE", &format!("b{number}"), 1, "", "", OFFER)
            .replace("Call-ID: c1", &format!("Call-ID: c{number}"));
        statuses.extend(raw.statuses(invite));
    }
    assert_eq!(statuses, [503; 17]);
    assert_eq!(raw.agent.sessions(), 3);
    // Three refusals have transactions, the others are sent without any.
    assert_eq!(raw.agent.transactions(), 6);
}

#[test]
fn a_stream_is_cut_where_messages_end_however_its_octets_come() {
    let text = format!("\r\n{}{}\r\n\r\n", request("INVITE", "1", 1, "", "", OFFER), options());
    for piece in [1, 2, 3, 7, 100, text.len()] {
        let mut framer = Framer::new(Limits::default());
        let mut frames = Vec::new();
        for part in text.as_bytes().chunks(piece) {
            framer.push(part);
            while let Some(frame) = framer.pop().unwrap() {
                frames.push(frame);
            }
        }
        let [Frame::Message(invite), Frame::Message(options), Frame::Ping] = &frames[..] else {
            panic!("{piece}: {frames:?}")
        };
        assert!(invite.ends_with(OFFER.as_bytes()) && options.starts_with(b"OPTIONS"));
        assert_eq!(framer.pending(), 0);
    }
}

#[test]
fn a_stream_that_cannot_be_framed_is_given_up() {
    let cases = [
        options().replace("Content-Length: 0\r\n", ""),
        options().replace("Content-Length: 0", "Content-Length: nine"),
        options().replace("Content-Length: 0", "Content-Length: 4000000000"),
        "X".repeat(40_000),
    ];
    for text in cases {
        let mut framer = Framer::new(Limits::default());
        framer.push(text.as_bytes());
        assert!(framer.pop().is_err(), "{}", &text[..100]);
    }
}
