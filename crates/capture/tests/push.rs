//! Explanations and ladder entries of WAP Push, MMS and short messages.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_capture::{EntryKind, Explained, Ladder, Node, Protocol, Verdict, explain};
use strowger_mms::hostile::{Class, Expect};
use strowger_sansio::Time;

const NOTIFICATION: &str = "8c82 985431 00 8d92 8915 80 2b31353535303130302f545950453d504c4d4e00 8a80 8e022710 \
     8805 81 0303f480 83 687474703a2f2f6d6d73632f3100";
const SI: &str =
    "02056a0045c60d036578616d706c650085036d0011036131000ac3042024010110c304203606300701034869000101";

fn hex(text: &str) -> Vec<u8> {
    strowger_capture::octets(text.as_bytes()).into_owned()
}

fn push(message: &str) -> Vec<u8> {
    [hex("01 06 03 be af84"), hex(message)].concat()
}

fn find<'n>(nodes: &'n [Node], label: &str) -> Vec<&'n Node> {
    let mut found = Vec::new();
    for node in nodes {
        if node.label == label {
            found.push(node);
        }
        found.extend(find(&node.children, label));
    }
    found
}

fn value<'n>(explained: &'n Explained, label: &str) -> &'n str {
    match find(&explained.nodes, label).as_slice() {
        [node, ..] => &node.value,
        [] => panic!("no {label} in\n{explained}"),
    }
}

#[test]
fn a_push_of_a_notification_is_shown_field_by_field() {
    let octets = push(NOTIFICATION);
    let explained = explain(Protocol::Push, &octets);
    let text = explained.to_string();
    assert!(explained.is_legal() && explained.remarks.is_empty(), "{text}");
    assert_eq!(text, include_str!("pictures/notification.txt"), "\n{text}");
    for node in find(&explained.nodes, "Content-Location (83)") {
        assert_eq!(&octets[node.start + 1..node.end - 1], b"http://mmsc/1");
    }
}

#[test]
fn a_message_with_parts_shows_its_parts_and_under_which_name_they_are_kept() {
    let octets = hex("8c84 98543100 8d92 8b6d31406d6d736300 850465920080 9608ea4772c3bcc39f00 \
         8418b3896170706c69636174696f6e2f736d696c008a3c733e00 01 1202 0a8381ea85742e74787400 8e2e2e2f2e2e2f7400 6869");
    let explained = explain(Protocol::Mms, &octets);
    assert_eq!(find(&explained.nodes, "part").len(), 0, "a length is wrong on purpose\n{explained}");
    assert_eq!(explained.faults[0].rule, "text ends with NUL");
    let octets = hex("8c84 98543100 8d92 8b6d31406d6d736300 850465920080 9608ea4772c3bcc39f00 \
         8418b3896170706c69636174696f6e2f736d696c008a3c733e00 01 1102 0a8381ea85742e74787400 8e2e2e2f7400 6869");
    let explained = explain(Protocol::Mms, &octets);
    assert!(explained.is_legal(), "{explained}");
    assert_eq!(value(&explained, "Subject (96)"), "Gr\u{fc}\u{df}");
    let text = find(&explained.nodes, "text")[0];
    assert_eq!((text.value.as_str(), text.note.as_deref()), ("hi", Some("kept as t.txt")));
    assert_eq!(&octets[text.start..text.end], b"hi");
}

#[test]
fn an_illegal_push_shows_the_range_the_rule_and_what_was_read_before() {
    let mut octets = push(NOTIFICATION);
    let at = octets.iter().position(|octet| *octet == 0x88).unwrap();
    octets[at + 2] = 0x82;
    let explained = explain(Protocol::Push, &octets);
    assert!(!explained.is_legal());
    assert_eq!(value(&explained, "Message-Size (8E)"), "10000");
    let node = find(&explained.nodes, "at fault: Expiry")[0];
    assert_eq!((node.start, node.end, node.value.as_str()), (at + 2, at + 3, "82"));
    assert!(
        explained.to_string().contains("a time holds 80 or 81 and a long integer (MMS ENC 7, Expiry)"),
        "{explained}"
    );
    let cut = explain(Protocol::Push, &octets[..20]);
    assert!(cut.to_string().contains("illegal: offset "), "{cut}");
    let missing = explain(Protocol::Mms, &hex("8c82 98543100 8d92"));
    assert!(missing.faults[0].answer.as_deref().unwrap().contains("Content-Location"), "{missing}");
}

#[test]
fn documents_of_push_are_shown_with_their_names() {
    let octets = [hex("01 06 01 ae"), hex(SI)].concat();
    let explained = explain(Protocol::Push, &octets);
    assert!(explained.is_legal(), "{explained}");
    assert_eq!(value(&explained, "element"), "si");
    assert_eq!(value(&explained, "attribute"), "href=http://www.");
    assert_eq!(value(&explained, "text"), "Hi");
    let provisioning = [hex("01 06 01 b6"), hex("030b6a0045c6560187070603")].concat();
    let explained = explain(Protocol::Push, &provisioning);
    assert!(
        explained.is_legal() && explained.remarks[0].answer.as_deref().unwrap().contains("refusal"),
        "{explained}"
    );
}

#[test]
fn a_short_message_shows_its_header_and_its_push() {
    let octets = [hex("06 05 04 0b84 23f0"), push(NOTIFICATION)].concat();
    let explained = explain(Protocol::Sms, &octets);
    assert!(explained.is_legal(), "{explained}");
    assert_eq!(value(&explained, "destination port"), "2948");
    assert_eq!(value(&explained, "Transaction-Id (98)"), "T1");
    let part = explain(Protocol::Sms, &hex("0b 05 04 0b84 23f0 00 03 07 02 01 0106"));
    assert!(part.is_legal() && part.remarks.len() == 1, "{part}");
    assert_eq!(value(&part, "concatenation"), "part 1 of 2");
    let bad = explain(Protocol::Sms, &hex("05 00 03 01 02 03"));
    assert_eq!(bad.faults[0].clause, "3GPP TS 23.040 9.2.3.24.1", "{bad}");
}

#[test]
fn a_ladder_tells_what_a_push_is() {
    let (gateway, handset) = ("127.0.0.1:9200".parse().unwrap(), "127.0.0.2:2948".parse().unwrap());
    let mut ladder = Ladder::default();
    ladder.observe(Time::ZERO, gateway, handset, Protocol::Push, &push(NOTIFICATION));
    ladder.observe(
        Time::ZERO,
        handset,
        gateway,
        Protocol::Mms,
        &hex("8c81 98543100 8d92 9280 8b6d31406d6d736300"),
    );
    ladder.observe(
        Time::ZERO,
        gateway,
        handset,
        Protocol::Sms,
        &hex("0b 05 04 0b84 23f0 00 03 07 02 01 0106"),
    );
    ladder.observe(Time::ZERO, gateway, handset, Protocol::Push, b"\x01\x06\x7f");
    let entries: Vec<_> = ladder.entries().collect();
    assert_eq!(entries[0].summary, "Push m-notification-ind T1 from +15550100/TYPE=PLMN, http://mmsc/1");
    assert_eq!((entries[1].kind, entries[1].verdict), (EntryKind::Response, Verdict::Success));
    assert_eq!(entries[1].summary, "m-send-conf T1, ok");
    assert_eq!(entries[2].summary, "SMS part 1 of 2, reference 7");
    assert_eq!((entries[3].kind, entries[3].verdict), (EntryKind::Undecodable, Verdict::Malformed));
}

#[test]
fn registered_ports_tell_the_protocol() {
    assert_eq!(Protocol::of_ports(9200, 2948), Some(Protocol::Push));
    assert_eq!(Protocol::of_ports(40_000, 2948), Some(Protocol::Push));
    assert_eq!(Protocol::of_ports(2727, 2427), Some(Protocol::Mgcp));
    assert_eq!(Protocol::of_ports(40_000, 40_001), None);
}

#[test]
fn every_malformed_case_is_explained_within_its_octets() {
    fn within(nodes: &[Node], length: usize) {
        for node in nodes {
            assert!(node.start <= node.end && node.end <= length, "{node:?} of {length}");
            within(&node.children, length);
        }
    }
    for class in Class::ALL {
        for case in class.cases() {
            let protocol = if case.is_user_data { Protocol::Sms } else { Protocol::Push };
            let explained = explain(protocol, &case.octets);
            within(&explained.nodes, case.octets.len());
            assert!(explained.faults.iter().all(|fault| fault.offset <= case.octets.len()), "{}", case.what);
            let refused = !explained.is_legal();
            match case.expect {
                // What is wrong beside the messages before it does not show in the one.
                _ if !case.before.is_empty() => {}
                Expect::Refused => assert!(refused, "{}: {explained}", case.what),
                Expect::Accepted => assert!(!refused, "{}: {explained}", case.what),
                Expect::Either => {}
            }
            let text = explained.to_string();
            assert!(
                text.chars().all(|character| character == '\n' || !character.is_control()),
                "{}",
                case.what
            );
        }
    }
}
