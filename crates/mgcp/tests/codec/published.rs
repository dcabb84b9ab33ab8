//! What is published of broken MGCP decoders, as classes: each test carries the identifiers of the records that it stands for.
//!
//! The records say little about the octets. What they name is an endless loop, an address of nothing that is followed, and a
//! crash; so each class is every input that could lead there in a decoder of this text.

use crate::probe::probe;
use crate::samples::samples;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::text::{datagram, decode};

/// A datagram as long as they come, of one thing again and again.
fn long(start: &str, again: &str) -> Vec<u8> {
    let mut text = start.to_owned();
    while text.len() + again.len() <= 65_507 {
        text.push_str(again);
    }
    text.into_bytes()
}

#[test]
fn cve_2005_1464_nothing_that_is_empty_or_repeated_keeps_the_decoder() {
    // Whatever could be stepped over without a step: ends, separators and brackets with nothing between them.
    let heads = [
        "",
        "\n",
        "AUEP 5 a@b MGCP 1.0\n",
        "RQNT 5 a@b MGCP 1.0\nX: 1\nR: ",
        "RQNT 5 a@b MGCP 1.0\nX: 1\nS: ",
        "200 5 OK\n\n",
    ];
    let nothings = [
        "\n", "\r", "\r\n", ".", ".\n", "\n.\n", ",", ", ", ";", ":", "/", "@", "(", ")", "()", "[", "]",
        "[]", "\"", "\"\"", "=", " ", "\t", "|", "-", "$", "*", "\0", "(,)", "E()", "E(R())", "a:", "v=0\n",
        "v=0\n\n", "m=\n", "=\n",
    ];
    for head in heads {
        for nothing in nothings {
            let bytes = long(head, nothing);
            // A message takes at least a line of the datagram, and its end is found.
            let messages = datagram(&bytes, &Limits::DEFAULT).take(Limits::DEFAULT.messages + 2).count();
            assert!(messages <= Limits::DEFAULT.messages + 1, "{head:?} {nothing:?}");
        }
    }
}

#[test]
fn cve_2005_1468_a_message_may_lack_any_of_its_parts() {
    for (name, bytes) in samples() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Any word, any line, any value, and all behind any place of a line.
        let words: Vec<_> = text.split_inclusive([' ', '\n', ':', ',', '/', '(', '@']).collect();
        for left_out in 0..words.len() {
            let rest: String =
                words.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, w)| *w).collect();
            probe(rest.as_bytes(), &Limits::DEFAULT);
            let empty: String = words
                .iter()
                .enumerate()
                .map(|(at, word)| if at == left_out { &word[word.len() - 1..] } else { *word })
                .collect();
            probe(empty.as_bytes(), &Limits::DEFAULT);
        }
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        for left_out in 0..lines.len() {
            let rest: String =
                lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, l)| *l).collect();
            probe(rest.as_bytes(), &Limits::DEFAULT);
        }
        assert!(!lines.is_empty(), "{name}");
    }
}

#[test]
fn cve_2005_1470_and_cve_2010_0601_no_part_is_too_long_to_be_refused() {
    let within = |start: &str, end: &str| {
        let mut bytes = long(start, "A");
        bytes.truncate(65_507 - end.len());
        bytes.extend_from_slice(end.as_bytes());
        bytes
    };
    let parts = [
        ("", " 5 aaln/1@gw MGCP 1.0\r\n"),
        ("AUEP 5 ", "@gw MGCP 1.0\r\n"),
        ("AUEP 5 aaln/1@", " MGCP 1.0\r\n"),
        ("AUEP 5 aaln/1@gw ", " 1.0\r\n"),
        ("AUEP 5 aaln/1@gw MGCP 1.0 ", "\0\r\n"),
        ("AUEP 5 aaln/1@gw MGCP 1.0\r\nX-", "/: 1\r\n"),
        ("CRCX 5 aaln/1@gw MGCP 1.0\r\nC: ", "\r\nM: recvonly\r\n"),
        ("CRCX 5 aaln/1@gw MGCP 1.0\r\nC: 1\r\nM: recvonly\r\nN: ca@", ":2727\r\n"),
        ("CRCX 5 aaln/1@gw MGCP 1.0\r\nC: 1\r\nM: recvonly\r\nN: ca@[", "]\r\n"),
        ("CRCX 5 aaln/1@gw MGCP 1.0\r\nC: 1\r\nM: recvonly\r\nL: p:", "\r\n"),
        ("RQNT 5 aaln/1@gw MGCP 1.0\r\nX: 1\r\nR: L/hd@", "\r\n"),
        ("RQNT 5 aaln/1@gw MGCP 1.0\r\nX: 1\r\nD: (", "-)\r\n"),
        ("800 5 /", "- no\r\n"),
        ("200 5 OK\r\nI: ", "\r\n"),
        ("200 5 OK\r\nP: PS=", "\r\n"),
        ("200 5 OK\r\n\r\nv=", "\r\n"),
        ("200 5 OK\r\n\r\nv=0\r\nc=IN IP4 ", "\r\n"),
        ("200 5 OK\r\n\r\nv=0\r\nm=audio ", " RTP/AVP 0\r\n"),
    ];
    for (start, end) in parts {
        let bytes = within(start, end);
        assert_eq!(bytes.len(), 65_507);
        let error = decode(&bytes, &Limits::DEFAULT).unwrap_err();
        assert!(error.to_string().len() < 300, "{start}: an error holds no input of any length");
    }
}
