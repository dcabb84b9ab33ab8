//! Explanations: what a person sees of a legal message, of an illegal one, and of a hostile one.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use strowger_capture::{Explained, Node, Protocol, explain};

const CRCX: &str = include_str!("pictures/crcx.mgcp");

fn crcx() -> Vec<u8> {
    CRCX.replace('\n', "\r\n").into_bytes()
}

fn walk<'n>(nodes: &'n [Node], visit: &mut impl FnMut(&'n Node)) {
    for node in nodes {
        visit(node);
        walk(&node.children, visit);
    }
}

fn find<'n>(explained: &'n Explained, label: &str) -> Vec<&'n Node> {
    let mut found = Vec::new();
    walk(&explained.nodes, &mut |node| {
        if node.label == label {
            found.push(node);
        }
    });
    found
}

/// What must hold for every explanation.
fn check(explained: &Explained, octets: &[u8]) {
    assert_eq!(explained.length, octets.len());
    walk(&explained.nodes, &mut |node| {
        assert!(node.start <= node.end && node.end <= octets.len(), "{node:?}");
        for child in &node.children {
            assert!(node.start <= child.start && child.end <= node.end, "{child:?} is not within {node:?}");
        }
    });
    for fault in explained.faults.iter().chain(&explained.remarks) {
        assert!(fault.offset <= octets.len(), "{fault:?}");
        assert!(!fault.rule.is_empty());
    }
    let texts = [explained.to_string(), serde_json::to_string(explained).unwrap()];
    for text in texts {
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
    }
}

#[test]
fn a_command_is_shown_field_by_field() {
    let octets = crcx();
    let explained = explain(Protocol::Mgcp, &octets);
    check(&explained, &octets);
    let text = explained.to_string();
    assert_eq!(text, include_str!("pictures/crcx.txt"), "\n{text}");
}

#[test]
fn every_range_shows_the_octets_of_its_field() {
    let octets = crcx();
    let explained = explain(Protocol::Mgcp, &octets);
    let shown = |label: &str| {
        let node = find(&explained, label)[0];
        String::from_utf8(octets[node.start..node.end].to_vec()).unwrap()
    };
    assert_eq!(shown("requestedVerb"), "CRCX");
    assert_eq!(shown("EndpointName"), "aaln/1@gw1.town");
    assert_eq!(shown("ProtocolVersion"), "MGCP 1.0");
    assert_eq!(shown("CallId (C)"), "C: c0ffee");
    assert_eq!(shown("event"), "L/hu(N");
    assert_eq!(shown("action"), "N");
    assert_eq!(shown("connection-address"), "192.0.2.7");
    assert_eq!(shown("port"), "3456");
    assert_eq!(shown("attribute-value"), "96 telephone-event/8000");
}

#[test]
fn piggybacked_messages_are_each_explained() {
    let octets =
        b"200 7 OK\r\n.\r\nNTFY 8 aaln/1@gw1 MGCP 1.0\r\nX: 1\r\nO: L/hu\r\n.\r\n250 9\r\nP: PS=1, JI=27\r\n";
    let explained = explain(Protocol::Mgcp, octets);
    check(&explained, octets);
    assert!(explained.is_legal(), "{explained}");
    let titles: Vec<_> = explained.nodes.iter().map(|node| (node.value.as_str(), node.start)).collect();
    assert_eq!(titles, [("200 7", 0), ("NTFY 8", 13), ("250 9", 59)]);
    assert_eq!(find(&explained, "JI")[0].note.as_deref(), Some("mean jitter in ms"));
}

#[test]
fn an_illegal_message_shows_the_offset_the_rule_and_the_answer() {
    let octets = b"CRCX 12 aaln/1@gw1 MGCP 1.0\r\nC: xyz\r\nM: recvonly\r\n";
    let explained = explain(Protocol::Mgcp, octets);
    check(&explained, octets);
    assert!(!explained.is_legal());
    let fault = &explained.faults[0];
    assert_eq!((fault.offset, fault.found.as_str()), (32, "\"xyz\""));
    assert_eq!(fault.clause, "RFC 3435 section 3.2.2.2");
    assert!(fault.answer.as_deref().unwrap().starts_with("51"), "{fault}");
    assert!(explained.to_string().contains("illegal: offset 32: found \"xyz\"; expected "));
}

#[test]
fn a_parameter_that_a_verb_may_not_have_is_illegal_and_an_unknown_package_is_not() {
    let illegal =
        explain(Protocol::Mgcp, b"NTFY 8 aaln/1@gw1 MGCP 1.0\r\nX: 1\r\nO: L/hu\r\nM: sendrecv\r\n");
    assert!(!illegal.is_legal());
    assert!(illegal.faults[0].answer.as_deref().unwrap().starts_with("539"));
    let legal = explain(Protocol::Mgcp, b"RQNT 8 aaln/1@gw1 MGCP 1.0\r\nX: 1\r\nR: ZZZ/hu\r\n");
    assert!(legal.is_legal(), "{legal}");
    assert!(legal.remarks[0].answer.as_deref().unwrap().starts_with("518"), "{legal}");
}

#[test]
fn a_fault_in_a_session_description_has_its_place_in_the_whole_message() {
    let octets = b"MDCX 12 aaln/1@gw1 MGCP 1.0\r\nC: 1\r\nI: 2\r\n\r\nv=0\r\nc=IN IP4 192.0.2.300\r\n";
    let explained = explain(Protocol::Mgcp, octets);
    check(&explained, octets);
    let fault = &explained.faults[0];
    assert_eq!(&octets[fault.offset..fault.offset + 9], b"192.0.2.3");
    assert_eq!(fault.clause, "RFC 8866 section 5.7");
}

#[test]
fn both_descriptions_of_an_audit_are_told_apart() {
    let octets = b"200 5 OK\r\nM: inactive\r\n\r\nv=0\r\ns=-\r\n\r\nv=0\r\n";
    let explained = explain(Protocol::Mgcp, octets);
    check(&explained, octets);
    assert_eq!(find(&explained, "LocalConnectionDescriptor").len(), 1);
    assert_eq!(find(&explained, "RemoteConnectionDescriptor")[0].note.as_deref(), Some("there is none"));
}

#[test]
fn a_description_is_shown_line_by_line_with_what_departs_from_the_standard() {
    let octets = b"v=0\no=- A1 1 IN IP4 h.example\ns=-\nc=LOCAL EPN aaln/1\nt=0 0\nm=audio $ RTP/AVP 0 96\na=ptime:0\n";
    let explained = explain(Protocol::Sdp, octets);
    check(&explained, octets);
    assert!(explained.is_legal());
    assert_eq!(find(&explained, "port")[0].note.as_deref(), Some("the receiver chooses"));
    assert_eq!(find(&explained, "fmt")[0].note.as_deref(), Some("PCMU/8000"));
    assert_eq!(find(&explained, "connection-address")[0].value, "aaln/1");
    let remarks: Vec<_> = explained.remarks.iter().map(|remark| remark.offset).collect();
    assert_eq!(remarks.len(), 3, "{explained}");
    assert!(remarks.is_sorted());
}

#[test]
fn packets_of_media_show_their_headers() {
    let rtp = [0x90, 0x80, 0, 7, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6];
    let explained = explain(Protocol::Rtp, &rtp);
    check(&explained, &rtp);
    assert!(explained.is_legal());
    assert_eq!(find(&explained, "payload type")[0].note.as_deref(), Some("PCMU"));
    assert_eq!((find(&explained, "payload")[0].start, find(&explained, "payload")[0].end), (20, 22));
    let report = [0x80, 201, 0, 1, 0xde, 0xad, 0xbe, 0xef, 0x81, 203, 0, 1, 0xde, 0xad, 0xbe, 0xef];
    let explained = explain(Protocol::Rtcp, &report);
    check(&explained, &report);
    assert!(explained.is_legal());
    assert_eq!(explained.nodes.len(), 2);
    for protocol in [Protocol::Rtp, Protocol::Rtcp] {
        assert!(!explain(protocol, b"").is_legal());
        assert!(!explain(protocol, &[0; 20]).is_legal());
        for packet in [&rtp[..], &report] {
            for cut in 0..packet.len() {
                check(&explain(protocol, &packet[..cut]), &packet[..cut]);
            }
            for at in 0..packet.len() {
                let mut changed = packet.to_vec();
                for octet in 0..=u8::MAX {
                    changed[at] = octet;
                    check(&explain(protocol, &changed), &changed);
                }
            }
        }
    }
}

#[test]
fn no_message_however_broken_gets_out_of_hand() {
    let octets = crcx();
    for cut in 0..octets.len() {
        check(&explain(Protocol::Mgcp, &octets[..cut]), &octets[..cut]);
        check(&explain(Protocol::Sdp, &octets[cut..]), &octets[cut..]);
    }
    let mut changed = octets.clone();
    for at in 0..octets.len() {
        for octet in *b"\0\x1b\n\r .:(),/@\"$*\xff" {
            changed[at] = octet;
            check(&explain(Protocol::Mgcp, &changed), &changed);
        }
        changed[at] = octets[at];
    }
    for unit in ["\r\n.\r\n", "(", "L/hd(E(R(", "\x1b[2J", "v=0\n", "a=\u{202e}x\n", "200 1\n.\n"] {
        for protocol in Protocol::ALL {
            let long = unit.repeat(60_000 / unit.len()).into_bytes();
            check(&explain(*protocol, &long), &long);
        }
    }
}

#[test]
fn json_leaves_out_what_is_not_there() {
    let json = serde_json::to_value(explain(Protocol::Mgcp, b"200 7\r\n")).unwrap();
    assert_eq!(json["protocol"], "mgcp");
    assert_eq!(json["faults"], serde_json::json!([]));
    let code = &json["nodes"][0]["children"][0];
    assert_eq!((&code["label"], &code["value"]), (&"responseCode".into(), &"200".into()));
    assert_eq!((&code["start"], &code["end"]), (&0.into(), &3.into()));
    assert!(code.get("children").is_none());
}
