//! Megaco explained and in ladders.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_capture::{Ladder, MegacoForm, Protocol, Verdict, convert, explain, explain_megaco};
use strowger_megaco::binary::NamePlan;
use strowger_sansio::Time;

const NOTIFY: &[u8] = b"!/1 <gw1.town>\nT=7{C=-{N=aaln/1{OE=4{20260101T12000000:al/of{init=on}}}}}";

#[test]
fn items_have_their_long_tokens_and_their_places() {
    let explained = explain(Protocol::Megaco, NOTIFY);
    assert!(explained.is_legal());
    let transaction = &explained.nodes[2];
    assert_eq!((transaction.label.as_str(), transaction.value.as_str()), ("Transaction", "7"));
    assert_eq!((transaction.start, transaction.end), (15, NOTIFY.len()));
    let notify = &transaction.children[0].children[0];
    assert_eq!((notify.label.as_str(), notify.value.as_str()), ("Notify", "aaln/1"));
    assert_eq!(notify.children[0].label, "ObservedEvents");
}

#[test]
fn tpkt_before_a_message_is_gone_past() {
    let mut packet = vec![3, 0, 0, u8::try_from(NOTIFY.len() + 4).unwrap()];
    packet.extend_from_slice(NOTIFY);
    let explained = explain(Protocol::Megaco, &packet);
    assert!(explained.is_legal(), "{explained}");
    assert_eq!(explained.nodes[0].label, "TPKT");
    assert!(
        convert(&packet, MegacoForm::Pretty, &NamePlan::default())
            .unwrap()
            .starts_with("MEGACO/1 <gw1.town>\n")
    );
}

#[test]
fn a_ladder_tells_requests_from_replies_and_errors() {
    let (gateway, controller) = ("10.0.0.9:2944".parse().unwrap(), "10.0.0.1:2944".parse().unwrap());
    assert_eq!(Protocol::of_ports(40_000, 2944), Some(Protocol::Megaco));
    assert_eq!(Protocol::of_ports(2945, 40_000), Some(Protocol::Megaco));
    let mut ladder = Ladder::default();
    ladder.observe(Time::ZERO, gateway, controller, Protocol::Megaco, NOTIFY);
    ladder.observe(Time::ZERO, controller, gateway, Protocol::Megaco, b"!/1 <mgc>\nP=7{C=-{N=aaln/1}}PN=8{}");
    ladder.observe(
        Time::ZERO,
        controller,
        gateway,
        Protocol::Megaco,
        b"!/1 <mgc>\nP=9{C=-{N=aaln/1{ER=430{}}}}",
    );
    ladder.observe(Time::ZERO, controller, gateway, Protocol::Megaco, b"0\x82garbage");
    let told: Vec<_> = ladder.entries().map(|entry| (entry.summary.as_str(), entry.verdict)).collect();
    assert_eq!(told[0], ("7 Notify aaln/1 in -", Verdict::Neutral));
    assert_eq!(told[1], ("Reply 7 OK", Verdict::Success));
    assert_eq!(told[2], ("Pending 8", Verdict::Neutral));
    assert_eq!(told[3], ("Reply 9 430 Unknown TerminationID", Verdict::Failure));
    assert_eq!(told[4].1, Verdict::Malformed);
}

#[test]
fn a_port_that_a_gateway_has_chosen_is_the_gateways() {
    let (gateway, controller) = ("127.0.0.2:2944".parse().unwrap(), "127.0.0.1:2944".parse().unwrap());
    let mut ladder = Ladder::default();
    ladder.name_address(gateway, "gw1");
    let chosen =
        b"!/1 <gw1.town>\nP=7{C=1{A=rtp/1{M{ST=1{L{\nv=0\nc=IN IP4 127.0.0.2\nm=audio 4000 RTP/AVP 0\n}}}}}}";
    ladder.observe(Time::ZERO, gateway, controller, Protocol::Megaco, chosen);
    let given = b"!/1 <mgc>\nT=9{C=1{MF=rtp/1{M{R{\nv=0\nc=IN IP4 127.0.0.3\nm=audio 5000 RTP/AVP 8\n}}}}}";
    ladder.observe(Time::ZERO, controller, gateway, Protocol::Megaco, given);
    let entries: Vec<_> = ladder.entries().map(|entry| entry.summary.clone()).collect();
    assert_eq!(
        entries,
        ["Reply 7 OK SDP 127.0.0.2:4000 PCMU", "9 Modify rtp/1 in 1 SDP 127.0.0.3:5000 PCMA"]
    );
    let owner = |address: &str| {
        let address = address.parse().unwrap();
        ladder
            .parties()
            .iter()
            .find(|party| party.addresses.contains(&address))
            .map(|party| party.name.as_str())
    };
    assert_eq!((owner("127.0.0.2:4000"), owner("127.0.0.2:4001")), (Some("gw1"), Some("gw1")));
    assert_eq!(owner("127.0.0.3:5000"), None, "nobody has announced it as his own");
}

/// Each class of bad input, and the clause that is broken.
#[test]
fn each_fault_has_its_clause_its_range_and_what_a_receiver_answers() {
    let deep = format!("!/1 <gw1>\nT=1{{C=1{{MF=a{}", "{".repeat(20_000));
    let long = format!("!/1 <gw1>\nT=1{{C=1{{MF={}}}}}", "x".repeat(40_000));
    let headers = [&[0x30, 0x80][..]; 5_000].concat();
    let cases: [(&[u8], &str, Option<&str>); 12] = [
        (b"no message at all", "Annex B.2", None),
        (b"!/12345 <gw1>\nT=1{C=-{MF=a}}", "Annex B.2", None),
        (b"!/1 <gw1>\nT=7{C=-{Sing=a}}", "Annex B.2", Some("error 443 .. in the reply to 7")),
        (b"!/1 <gw1>\nT=7{C=-{AV=a}}", "", Some("error 442 .. in the reply to 7")),
        (
            b"!/1 <gw1>\nT=7{C=-{MF=a{E=1{al}}}}",
            "Annex B.2, pkgdName",
            Some("error 442 .. in the reply to 7"),
        ),
        (b"!/1 <gw1>\nT=0{C=-{MF=a}}", "", Some("error 403 .. in a reply to 0")),
        (b"!/1 <gw1>\nT=7{MF=a{C=-}}", "", Some("error 422 .. in the reply to 7")),
        (deep.as_bytes(), "", Some("in the reply to 1")),
        (long.as_bytes(), "", Some("in the reply to 1")),
        (&headers, "", None),
        (b"\x30\x03\x02\x01", "", None),
        (b"\x30\x82\xff\xff\x00", "", None),
    ];
    for (octets, clause, answer) in cases {
        let explained = explain(Protocol::Megaco, octets);
        let shown = String::from_utf8_lossy(octets.get(..60).unwrap_or(octets)).into_owned();
        assert!(!explained.is_legal(), "{shown}");
        for fault in &explained.faults {
            assert!(fault.offset + fault.length <= octets.len(), "{shown}: {fault}");
            assert!(!fault.clause.is_empty() && !fault.rule.is_empty(), "{shown}: {fault}");
            // Where something is missing there are no octets: what stands there instead is told.
            assert!(fault.length > 0 || !fault.found.is_empty(), "{shown}: {fault}");
        }
        let first = &explained.faults[0];
        assert!(first.clause.contains(clause), "{shown}: {first}");
        let told = first.answer.as_deref();
        assert!(
            answer.is_none_or(
                |wanted| told.is_some_and(|told| wanted.split(" .. ").all(|part| told.contains(part)))
            ),
            "{shown}: {first}"
        );
    }
}

#[test]
fn octets_of_terminations_have_the_names_of_the_plan() {
    let plan: NamePlan = "8:aaln,rtp/16:number".parse().unwrap();
    let message = b"!/1 <gw1.town>\nT=7{C=-{MF=aaln/300}}";
    let ber = convert(message, MegacoForm::Ber, &plan).unwrap();
    let octets = strowger_capture::octets(ber.as_bytes());
    assert!(explain_megaco(&octets, &plan).to_string().contains("aaln/300"));
    let back = convert(&octets, MegacoForm::Compact, &plan).unwrap();
    assert_eq!(back.trim_end().as_bytes(), message);
}
