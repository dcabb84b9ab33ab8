//! The machines of RFC 3261 section 17 by the clock, and what requests must and must not have (sections 8, 12 and RFC 4028).

use std::collections::BTreeSet;

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, SessionId};
use strowger_sip::message::{MAGIC_COOKIE, Message, Name, Status, Uri};

use super::pair::{BOB, audio, config, credentials, invitation};
use super::raw::{OFFER, Raw, request, response};

const CONTACT: &str = "Contact: <sip:192.0.2.1:5060>\r\n";

/// A call of the agent's that is answered: its session, its INVITE, and what was said behind the answer.
fn answered(raw: &mut Raw) -> (SessionId, Message<'static>, Vec<Message<'static>>) {
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let said = raw.say(response(&invite, "200 OK", "t", CONTACT, OFFER));
    (session, invite, said)
}

/// A call of the peer's that is answered and acknowledged: its session, its INVITE's 200, and the tag of this side.
fn taken(raw: &mut Raw, more: &str) -> (SessionId, Message<'static>, String) {
    raw.say(request("INVITE", "1", 1, "", more, OFFER));
    let Some(Event::Incoming { session, .. }) = raw.events().pop() else { panic!("no call") };
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let ok = raw.heard().remove(0);
    let tag = ok.header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "2", 1, &tag, "", ""));
    raw.events();
    (session, ok, tag)
}

/// When something is sent within this time, in milliseconds from now.
fn times(raw: &mut Raw, span: Duration) -> Vec<u128> {
    let (began, until, mut times) = (raw.now, raw.now + span, Vec::new());
    while let Some(due) = raw.agent.poll_timeout().filter(|due| *due <= until) {
        raw.now = raw.now.max(due);
        raw.agent.handle_timeout(raw.now);
        times.extend(raw.heard().iter().map(|_| raw.now.since(began).as_millis()));
    }
    raw.now = until;
    times
}

#[test]
fn every_request_has_what_it_must_have() {
    let mut config = config(BOB);
    (config.peers[0].credentials, config.peers[0].registers) = (Some(credentials()), true);
    config.peers[0].probe = Some(Duration::from_secs(60));
    let mut raw = Raw::with(config);
    let mut said = raw.wait(Duration::from_millis(1));
    let (session, invite, mut more) = answered(&mut raw);
    said.append(&mut more);
    raw.agent.refer(raw.now, session, &Uri::parse("sip:2005@192.0.2.1").unwrap(), None);
    raw.agent.offer(raw.now, session, &audio(BOB, 4002), Direction::SendRecv);
    raw.agent.end(raw.now, session, 16);
    said.append(&mut raw.heard());
    // One that is taken back while it rings, reliably.
    let second = raw.agent.invite(raw.now, &invitation()).unwrap();
    let ringing = raw.heard().remove(0);
    let reliable = format!("{CONTACT}Require: 100rel\r\nRSeq: 1\r\n");
    said.append(&mut raw.say(response(&ringing, "180 Ringing", "r", &reliable, "")));
    raw.agent.end(raw.now, second, 16);
    let cancel = raw.heard().remove(0);
    assert_eq!(cancel.header.get(&Name::Via), ringing.header.get(&Name::Via), "by its branch it is known");
    assert_eq!(cancel.uri().map(ToString::to_string), ringing.uri().map(ToString::to_string));
    said.extend([invite, ringing]);
    let mut methods = BTreeSet::new();
    let mut branches = BTreeSet::new();
    for message in said.iter().chain([&cancel]) {
        let Some(method) = message.method() else { continue };
        methods.insert(method.to_string());
        // Section 8.1.1: these six, and each once.
        for name in [Name::Via, Name::MaxForwards, Name::From, Name::To, Name::CallId, Name::CSeq] {
            assert_eq!(message.header.all(&name).count(), 1, "{method} {name}");
        }
        assert_eq!(message.header.get(&Name::MaxForwards), Some("70"), "{method}");
        assert_eq!(message.header.cseq().unwrap().method, *method);
        assert!(message.header.from().unwrap().tag().is_some(), "{method}");
        let via = message.header.via().unwrap();
        assert!(via.branch().unwrap().starts_with(MAGIC_COOKIE) && via.parameters.get("rport").is_some());
        if method.as_str() != "CANCEL" {
            assert!(branches.insert(via.branch().unwrap().to_owned()), "{method}: a branch of its own");
        }
        if matches!(method.as_str(), "INVITE" | "REFER" | "REGISTER") {
            assert_eq!(message.header.all(&Name::Contact).count(), 1, "{method}");
        }
    }
    let wanted = ["ACK", "BYE", "CANCEL", "INVITE", "OPTIONS", "PRACK", "REFER", "REGISTER"];
    assert_eq!(methods.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_response_with_a_second_via_was_for_somebody_else() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let own = response(&invite, "486 Busy Here", "t", "", "");
    let two = own.replacen("\r\nFrom:", "\r\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKo\r\nFrom:", 1);
    assert!(raw.say(&two).is_empty() && raw.events().is_empty(), "not even an ACK");
    assert_eq!(raw.say(&own).len(), 1);
    assert!(matches!(raw.events()[..], [Event::Ended { cause: 17, .. }, Event::Closed { .. }]));
}

#[test]
fn a_refusal_that_comes_again_is_acknowledged_again_for_32_seconds() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let busy = response(&invite, "486 Busy Here", "t", "", "");
    let ack = raw.say(&busy).remove(0);
    // It belongs to the transaction (section 17.1.1.3).
    assert_eq!(ack.header.get(&Name::Via), invite.header.get(&Name::Via));
    assert_eq!(ack.header.to().unwrap().tag(), Some("t"));
    raw.wait(Duration::from_millis(31_900));
    assert_eq!(raw.say(&busy), [ack], "timer D");
    raw.wait(Duration::from_millis(200));
    assert!(raw.say(&busy).is_empty());
    assert_eq!(raw.agent.transactions(), 0);
}

#[test]
fn requests_are_repeated_at_their_times() {
    // INVITE: doubled without end (timer A), until timer B.
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    raw.heard();
    assert_eq!(times(&mut raw, Duration::from_secs(40)), [500, 1500, 3500, 7500, 15_500, 31_500]);
    // Any other: doubled up to T2 (timer E), until timer F.
    let mut raw = Raw::new();
    let (session, _, _) = answered(&mut raw);
    raw.agent.end(raw.now, session, 16);
    raw.heard();
    let e = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(times(&mut raw, Duration::from_secs(40)), e);
    // A provisional response slows it down at once.
    let mut raw = Raw::new();
    let (session, _, _) = answered(&mut raw);
    raw.agent.end(raw.now, session, 16);
    let bye = raw.heard().remove(0);
    raw.say(response(&bye, "100 Trying", "t", "", "").replace(";tag=t;tag=t", ";tag=t"));
    assert_eq!(times(&mut raw, Duration::from_secs(10)), [4000, 8000]);
    // What answers it again is taken for 5 s, and then it is forgotten (timer K); the INVITE's own is Accepted for 32 s.
    let before = raw.agent.transactions();
    raw.say(response(&bye, "200 OK", "t", "", "").replace(";tag=t;tag=t", ";tag=t"));
    raw.wait(Duration::from_millis(4900));
    assert_eq!(raw.agent.transactions(), before);
    raw.wait(Duration::from_millis(200));
    assert_eq!(raw.agent.transactions(), before - 1);
}

#[test]
fn a_request_that_comes_again_is_answered_from_memory_for_32_seconds() {
    let mut raw = Raw::new();
    let (_, _, tag) = taken(&mut raw, "");
    let bye = request("BYE", "3", 2, &tag, "", "");
    let first = raw.say(&bye);
    assert_eq!(first[0].status(), Some(Status::OK));
    assert!(matches!(raw.events().last(), Some(Event::Closed { .. })));
    raw.wait(Duration::from_millis(31_900));
    assert_eq!(raw.say(&bye), first, "though the dialog is gone");
    raw.wait(Duration::from_millis(200));
    assert_eq!(raw.statuses(&bye), [481], "timer J");
}

#[test]
fn a_request_whose_number_is_not_greater_is_refused_and_changes_nothing() {
    let mut raw = Raw::new();
    let (_, _, tag) = taken(&mut raw, "");
    assert_eq!(raw.statuses(request("OPTIONS", "3", 7, &tag, "", "")), [200], "gaps are no fault");
    for (number, branch) in [(7, "4"), (6, "5")] {
        let moved = OFFER.replace("m=audio 3000", "m=audio 3010");
        assert_eq!(raw.statuses(request("INVITE", branch, number, &tag, "", &moved)), [500]);
        assert_eq!(raw.statuses(request("BYE", &format!("{branch}b"), number, &tag, "", "")), [500]);
    }
    assert!(raw.events().is_empty());
    assert_eq!(raw.statuses(request("BYE", "6", 8, &tag, "", "")), [200]);
}

#[test]
fn who_refreshes_a_session_is_agreed_as_both_sides_can() {
    for (more, expires, requires, refreshes) in [
        // A caller that knows timers refreshes, unless it wants the other side to.
        ("Supported: timer\r\nSession-Expires: 120\r\n", Some("120;refresher=uac"), true, false),
        (
            "Supported: timer\r\nSession-Expires: 120;refresher=uas\r\n",
            Some("120;refresher=uas"),
            false,
            true,
        ),
        // For one that does not know them a proxy has asked: nothing is required of it, and it refreshes nothing.
        ("Session-Expires: 120\r\n", Some("120;refresher=uas"), false, true),
        // Nor is one that does not know them refused for an interval that is too short.
        ("Session-Expires: 60\r\n", Some("90;refresher=uas"), false, true),
        ("", None, false, false),
    ] {
        let mut raw = Raw::new();
        let (_, ok, _) = taken(&mut raw, more);
        assert_eq!(ok.header.get(&Name::SessionExpires), expires, "{more}");
        assert_eq!(ok.header.lists(&Name::Require, "timer"), requires, "{more}");
        let heard = raw.wait(Duration::from_secs(61));
        let sent: Vec<_> = heard.iter().filter_map(Message::method).map(ToString::to_string).collect();
        assert_eq!(sent.contains(&"INVITE".to_owned()), refreshes, "{more}: {sent:?}");
        // What nobody refreshes ends a third before its time, or half a minute (section 10).
        let is_over = |raw: &mut Raw| raw.events().iter().any(|event| matches!(event, Event::Ended { .. }));
        if requires {
            raw.wait(Duration::from_secs(26));
            assert!(!is_over(&mut raw));
            raw.wait(Duration::from_secs(2));
            assert!(is_over(&mut raw), "120 s less 32");
        }
    }
    let mut raw = Raw::new();
    let brief = request("INVITE", "1", 1, "", "Supported: timer\r\nSession-Expires: 89\r\n", OFFER);
    let answer = raw.say(brief).remove(0);
    assert_eq!(
        (answer.status(), answer.header.get(&Name::MinSe)),
        (Some(Status::SESSION_INTERVAL_TOO_SMALL), Some("90"))
    );
}

#[test]
fn reliable_responses_are_acknowledged_in_their_order_and_each_once() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let mut hears = |rseq: u32| {
        let more = format!("{CONTACT}Require: 100rel\r\nRSeq: {rseq}\r\n");
        let said = raw.say(response(&invite, "183 Session Progress", "t", &more, ""));
        said.iter().filter_map(|one| one.header.get(&Name::RAck).map(str::to_owned)).collect::<Vec<_>>()
    };
    // The first may have any number; behind it each is one more than the last (RFC 3262 section 4).
    assert_eq!(hears(5), ["5 1 INVITE"]);
    assert!(hears(7).is_empty(), "one is missing");
    assert!(hears(5).is_empty(), "it was acknowledged");
    assert_eq!(hears(6), ["6 1 INVITE"]);
    assert_eq!(hears(7), ["7 1 INVITE"]);
}

#[test]
fn an_invite_that_comes_again_behind_its_answer_is_absorbed_for_32_seconds() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let Some(Event::Incoming { session, .. }) = raw.events().pop() else { panic!("no call") };
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    // The user repeats the 2xx by its own clock, and not for each (RFC 6026 section 8.7).
    assert!(raw.say(request("INVITE", "1", 1, "", "", OFFER)).is_empty() && raw.events().is_empty());
    raw.say(request("ACK", "2", 1, &tag, "", ""));
    raw.events();
    raw.wait(Duration::from_millis(31_900));
    assert!(raw.say(request("INVITE", "1", 1, "", "", OFFER)).is_empty() && raw.events().is_empty());
    assert_eq!((raw.agent.sessions(), raw.agent.transactions()), (1, 1));
    raw.wait(Duration::from_millis(200));
    assert_eq!(raw.agent.transactions(), 0, "timer L");
}

#[test]
fn an_acknowledged_refusal_takes_its_ack_for_5_seconds() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let Some(Event::Incoming { session, .. }) = raw.events().pop() else { panic!("no call") };
    raw.agent.end(raw.now, session, 17);
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "1", 1, &tag, "", ""));
    raw.events();
    // The INVITE, late, is no new call.
    assert!(raw.say(request("INVITE", "1", 1, "", "", OFFER)).is_empty() && raw.events().is_empty());
    raw.wait(Duration::from_millis(4900));
    assert_eq!(raw.agent.transactions(), 1);
    raw.wait(Duration::from_millis(200));
    assert_eq!(raw.agent.transactions(), 0, "timer I");
}

#[test]
fn what_is_not_understood_is_told_with_what_is() {
    let mut raw = Raw::new();
    let text = request("INVITE", "1", 1, "", "", OFFER).replace("application/sdp", "text/plain");
    let answer = raw.say(text).remove(0);
    assert_eq!(
        (answer.status(), answer.header.get(&Name::Accept)),
        (Some(Status::UNSUPPORTED_MEDIA_TYPE), Some("application/sdp"))
    );
    let packed = raw.say(request("INVITE", "2", 2, "", "Content-Encoding: gzip\r\n", OFFER)).remove(0);
    assert_eq!(packed.status(), Some(Status::UNSUPPORTED_MEDIA_TYPE));
    assert!(packed.header.get(&Name::AcceptEncoding).is_some());
    let scheme =
        request("INVITE", "3", 3, "", "", OFFER).replace("INVITE sip:2002@192.0.2.2", "INVITE nobody:2002");
    assert_eq!(raw.statuses(scheme), [416]);
    assert!(!raw.events().iter().any(|event| matches!(event, Event::Incoming { .. })));
}
