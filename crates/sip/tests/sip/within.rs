//! Requests within sessions that cross others, and what a client transaction sends again (RFC 3261 sections 14, 15 and 17.1,
//! RFC 3262, RFC 3311, RFC 4028).

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, InviteFault, SessionId};
use strowger_sip::message::{Message, Name, Status};

use super::pair::{ALICE, BOB, audio, config, credentials, invitation};
use super::raw::{OFFER, Raw, request, response};

fn methods(messages: &[Message<'_>]) -> Vec<String> {
    let name = |message: &Message<'_>| match (message.method(), message.status()) {
        (Some(method), _) => method.to_string(),
        (None, status) => status.map(|status| status.code().to_string()).unwrap_or_default(),
    };
    messages.iter().map(name).collect()
}

fn moved(port: u16) -> String {
    OFFER.replace("m=audio 3000", &format!("m=audio {port}"))
}

fn incoming(raw: &mut Raw) -> SessionId {
    let events = raw.events();
    let [Event::Incoming { session, .. }] = &events[..] else { panic!("{events:?}") };
    *session
}

/// Alice calls with these fields, and is answered. The session, this side's tag, and the answer.
fn talk_with(raw: &mut Raw, more: &str) -> (SessionId, String, Message<'static>) {
    raw.say(request("INVITE", "call", 1, "", more, OFFER));
    let session = incoming(raw);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let answer = raw.heard().remove(0);
    let tag = answer.header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "ack", 1, &tag, "", ""));
    raw.events();
    (session, tag, answer)
}

fn talk(raw: &mut Raw) -> (SessionId, String) {
    let (session, tag, _) = talk_with(raw, "");
    (session, tag)
}

/// The agent calls Alice, who answers.
fn called(raw: &mut Raw) -> (SessionId, Message<'static>) {
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "200 OK", "x", "Contact: <sip:192.0.2.1:5060>\r\n", OFFER));
    raw.events();
    (session, invite)
}

/// A request of Alice's within a call that this side has begun.
fn within(invite: &Message<'_>, method: &str, cseq: u32, body: &str) -> String {
    let header = |name: &Name<'_>| invite.header.get(name).unwrap().to_owned();
    let own = invite.header.from().unwrap().tag().unwrap().to_owned();
    request(method, &format!("w{cseq}"), cseq, &own, "", body)
        .replace("From: <sip:2001@192.0.2.1>;tag=a1", &format!("From: {};tag=x", header(&Name::To)))
        .replace("Call-ID: c1@192.0.2.1", &format!("Call-ID: {}", header(&Name::CallId)))
}

#[test]
fn a_request_that_is_worked_on_is_repeated_each_t2_and_no_faster() {
    let mut config = config(ALICE);
    config.peers[0].probe = Some(Duration::from_secs(600));
    let mut raw = Raw::with(config.clone());
    raw.wait(Duration::from_millis(1));
    let silent = raw.wait(Duration::from_millis(31_900));
    assert_eq!(methods(&silent), vec!["OPTIONS"; 10], "0.5, 1.5, 3.5, then each 4 s");
    let mut raw = Raw::with(config);
    let asked = raw.wait(Duration::from_millis(1)).remove(0);
    let from = strowger_sip::Route::udp(super::pair::address(BOB));
    raw.agent.handle_input(raw.now, from, response(&asked, "100 Trying", "t", "", "").as_bytes());
    assert!(raw.wait(Duration::from_millis(3_990)).is_empty(), "timer E is T2 behind a provisional response");
    assert_eq!(raw.wait(Duration::from_millis(20)).len(), 1);
    assert_eq!(raw.wait(Duration::from_millis(27_900)).len(), 6);
    raw.wait(Duration::from_secs(1));
    assert!(matches!(raw.events()[..], [Event::Reachable { up: false, .. }]), "timer F goes on");
}

#[test]
fn a_refusal_that_comes_again_is_acknowledged_again_and_told_once() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let refused = response(&invite, "486 Busy Here", "b", "", "");
    let first = raw.say(&refused);
    assert_eq!(methods(&first), ["ACK"]);
    assert!(matches!(raw.events()[..], [Event::Ended { cause: 17, .. }, Event::Closed { .. }]));
    assert_eq!(raw.say(&refused), first, "its ACK was lost");
    assert!(raw.say(response(&invite, "180 Ringing", "b", "", "")).is_empty());
    assert!(raw.say(response(&invite, "200 OK", "b", "", OFFER)).is_empty());
    raw.wait(Duration::from_secs(31));
    assert_eq!(methods(&raw.say(&refused)), ["ACK"], "timer D is 32 s at least");
    raw.wait(Duration::from_secs(2));
    assert!(raw.say(&refused).is_empty() && raw.events().is_empty());
    assert_eq!(raw.agent.transactions(), 0);
}

#[test]
fn what_this_side_sends_says_how_far_it_may_go_and_what_it_takes() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let get = |message: &Message<'_>, name: &Name<'_>| message.header.get(name).map(str::to_owned);
    assert_eq!(get(&invite, &Name::MaxForwards).as_deref(), Some("70"));
    assert_eq!(get(&invite, &Name::MinSe).as_deref(), Some("90"));
    assert_eq!(get(&invite, &Name::UserAgent).as_deref(), Some("Strowger"));
    let mut config = config(ALICE);
    config.peers[0].probe = Some(Duration::from_secs(600));
    let options = Raw::with(config).wait(Duration::from_millis(1)).remove(0);
    assert_eq!(get(&options, &Name::MaxForwards).as_deref(), Some("70"));
    assert_eq!(get(&options, &Name::Accept).as_deref(), Some("application/sdp"));
    assert_eq!(get(&options, &Name::Contact).as_deref(), Some("<sip:192.0.2.1:5060>"));
    let mut config = super::pair::config(BOB);
    (config.peers[0].credentials, config.peers[0].registers) = (Some(credentials()), true);
    let register = Raw::with(config).wait(Duration::from_millis(1)).remove(0);
    assert_eq!(get(&register, &Name::MaxForwards).as_deref(), Some("70"));
    let mut raw = Raw::new();
    let answer = raw.say(request("OPTIONS", "1", 1, "", "", "")).remove(0);
    assert_eq!(get(&answer, &Name::Server).as_deref(), Some("Strowger"));
    assert_eq!(get(&answer, &Name::UserAgent), None);
}

#[test]
fn a_trying_repeats_the_timestamp_and_no_other_response_does() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "Timestamp: 54\r\n", OFFER));
    let trying = raw.wait(Duration::from_millis(200)).remove(0);
    assert_eq!(trying.status(), Some(Status::TRYING));
    assert_eq!(trying.header.get(&Name::Timestamp), Some("54"));
    let session = incoming(&mut raw);
    raw.agent.progress(raw.now, session, Status::RINGING, None).unwrap();
    assert_eq!(raw.heard()[0].header.get(&Name::Timestamp), None);
}

#[test]
fn a_call_beyond_the_most_sessions_is_turned_away_both_ways_and_told_when_to_return() {
    let mut config = config(BOB);
    config.sessions = 1;
    let mut raw = Raw::with(config);
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    raw.heard();
    assert_eq!(raw.agent.invite(raw.now, &invitation()), Err(InviteFault::TooMany));
    let refused = raw.say(request("INVITE", "1", 1, "", "", OFFER)).remove(0);
    assert_eq!(refused.status(), Some(Status::SERVICE_UNAVAILABLE));
    assert!(refused.header.get(&Name::RetryAfter).is_some_and(|text| text.parse::<u32>().is_ok()));
    assert!(raw.heard().is_empty() && raw.events().is_empty());
    assert_eq!(raw.agent.sessions(), 1);
    raw.agent.end(raw.now, session, 16);
    raw.wait(Duration::from_secs(120));
    assert!(raw.agent.invite(raw.now, &invitation()).is_ok());
}

#[test]
fn a_content_coding_is_refused_and_the_refusal_says_that_none_is_taken() {
    let mut raw = Raw::new();
    let refused = raw.say(request("INVITE", "1", 1, "", "Content-Encoding: gzip\r\n", OFFER)).remove(0);
    assert_eq!(refused.status(), Some(Status::UNSUPPORTED_MEDIA_TYPE));
    assert_eq!(refused.header.get(&Name::AcceptEncoding), Some(""));
    assert!(raw.events().is_empty());
    assert!(raw.statuses(request("INVITE", "2", 2, "", "Content-Encoding: identity\r\n", OFFER)).is_empty());
    incoming(&mut raw);
}

#[test]
fn a_second_change_before_the_first_is_answered_hears_500_and_when_to_return() {
    let mut raw = Raw::new();
    let (session, tag) = talk(&mut raw);
    assert!(raw.say(request("INVITE", "2", 2, &tag, "", &moved(3010))).is_empty());
    assert!(matches!(raw.events()[..], [Event::Offered { .. }]));
    let refused = raw.say(request("INVITE", "3", 3, &tag, "", &moved(3020))).remove(0);
    assert_eq!(refused.status(), Some(Status::SERVER_INTERNAL_ERROR));
    let pause: u32 = refused.header.get(&Name::RetryAfter).unwrap().parse().unwrap();
    assert!(pause <= 10, "RFC 3261 section 14.2: between 0 and 10 seconds");
    raw.agent.answer_offer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let answer = raw.heard().remove(0);
    assert_eq!((answer.status(), answer.header.cseq().unwrap().number), (Some(Status::OK), 2));
}

#[test]
fn a_change_that_crosses_this_sides_own_hears_491() {
    for method in ["INVITE", "UPDATE"] {
        let mut raw = Raw::new();
        let (session, tag) = talk(&mut raw);
        assert!(raw.agent.offer(raw.now, session, &audio(BOB, 4010), Direction::SendRecv));
        assert_eq!(methods(&raw.heard()), ["INVITE"]);
        assert_eq!(raw.statuses(request(method, "2", 2, &tag, "", &moved(3010))), [491], "{method}");
        assert!(raw.events().is_empty());
    }
}

#[test]
fn a_bye_ends_a_change_that_waits_with_487() {
    let mut raw = Raw::new();
    let (_, tag) = talk(&mut raw);
    raw.say(request("INVITE", "2", 2, &tag, "", &moved(3010)));
    raw.events();
    let heard = raw.say(request("BYE", "3", 3, &tag, "", ""));
    let mut statuses = methods(&heard);
    statuses.sort();
    assert_eq!(statuses, ["200", "487"]);
    assert!(matches!(raw.events()[..], [Event::Ended { .. }, Event::Closed { .. }]));
}

#[test]
fn this_side_ends_a_change_of_the_peer_that_waits_with_487_and_says_bye() {
    let mut raw = Raw::new();
    let (session, tag) = talk(&mut raw);
    raw.say(request("INVITE", "2", 2, &tag, "", &moved(3010)));
    raw.agent.end(raw.now, session, 16);
    let mut heard = methods(&raw.heard());
    heard.sort();
    assert_eq!(heard, ["487", "BYE"]);
}

#[test]
fn byes_that_cross_are_both_answered_and_the_call_ends_once() {
    let mut raw = Raw::new();
    let (session, tag) = talk(&mut raw);
    raw.agent.end(raw.now, session, 16);
    let bye = raw.heard().remove(0);
    assert_eq!(raw.statuses(request("BYE", "2", 2, &tag, "", "")), [200]);
    assert!(raw.say(response(&bye, "481 Call/Transaction Does Not Exist", &tag, "", "")).is_empty());
    let closed = raw.events().iter().filter(|event| matches!(event, Event::Closed { .. })).count();
    assert_eq!((closed, raw.agent.sessions()), (1, 0));
}

#[test]
fn what_a_peer_asks_within_a_call_that_is_no_method_of_it_is_answered_too() {
    let mut raw = Raw::new();
    let (_, tag) = talk(&mut raw);
    let about = raw.say(request("OPTIONS", "2", 2, &tag, "", "")).remove(0);
    assert_eq!(about.status(), Some(Status::OK));
    assert!(about.header.lists(&Name::Allow, "INVITE"));
    assert_eq!(raw.statuses(request("OPTIONS", "3", 3, "none", "", "")), [200]);
    assert_eq!(raw.statuses(request("OPTIONS", "4", 1, &tag, "", "")), [500], "numbers rise");
}

#[test]
fn a_prack_of_another_response_number_or_method_is_481_and_acknowledges_nothing() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 7, "", "Require: 100rel\r\n", OFFER));
    let session = incoming(&mut raw);
    raw.agent.progress(raw.now, session, Status::RINGING, Some(&audio(BOB, 4000))).unwrap();
    let ringing = raw.heard().remove(0);
    let rseq: u32 = ringing.header.get(&Name::RSeq).unwrap().parse().unwrap();
    let tag = ringing.header.to().unwrap().tag().unwrap().to_owned();
    for (at, wrong) in
        [format!("{} 7 INVITE", rseq + 1), format!("{rseq} 8 INVITE"), format!("{rseq} 7 UPDATE"), "x".into()]
            .into_iter()
            .enumerate()
    {
        let cseq = 8 + at as u32;
        let prack = request("PRACK", &format!("p{at}"), cseq, &tag, &format!("RAck: {wrong}\r\n"), "");
        assert!(matches!(raw.statuses(prack)[..], [481 | 400]), "{wrong}");
    }
    assert_eq!(raw.wait(Duration::from_millis(500)).len(), 1, "the ringing once more");
    let rack = format!("RAck: {rseq} 7 INVITE\r\n");
    // A PRACK may offer: it is answered as the INVITE was (RFC 3262 section 5).
    let answer = raw.say(request("PRACK", "p9", 20, &tag, &rack, &moved(3010))).remove(0);
    assert_eq!(answer.status(), Some(Status::OK));
    let described = String::from_utf8_lossy(answer.session_description().unwrap()).into_owned();
    assert!(described.contains("m=audio 4000"), "{described}");
    assert_eq!(
        raw.statuses(request("PRACK", "p10", 21, &tag, &rack, "")),
        [481],
        "it is acknowledged already"
    );
    assert!(raw.wait(Duration::from_secs(10)).is_empty());
}

#[test]
fn a_peer_that_refreshes_keeps_the_session_and_is_told_what_was_agreed() {
    let wish = "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n";
    let mut raw = Raw::new();
    let (_, tag, answer) = talk_with(&mut raw, wish);
    assert_eq!(answer.header.get(&Name::SessionExpires), Some("120;refresher=uac"));
    assert!(answer.header.lists(&Name::Require, "timer"), "RFC 4028 section 9: the peer is to refresh");
    assert!(raw.wait(Duration::from_secs(80)).is_empty());
    let refreshed = raw.say(request("UPDATE", "2", 2, &tag, wish, "")).remove(0);
    assert_eq!(refreshed.header.get(&Name::SessionExpires), Some("120;refresher=uac"));
    assert!(raw.wait(Duration::from_secs(80)).is_empty(), "the interval begins anew with the refresh");
    // 120 s less the lesser of 32 s and a third (RFC 4028 section 10).
    assert_eq!(methods(&raw.wait(Duration::from_secs(9)))[0], "BYE");
}

#[test]
fn a_peer_that_cannot_refresh_has_the_session_refreshed_by_this_side() {
    let mut raw = Raw::new();
    let (_, _, answer) = talk_with(&mut raw, "Session-Expires: 60\r\n");
    // Below the least interval, but the peer could not understand a 422 (RFC 4028 section 9).
    assert_eq!(answer.header.get(&Name::SessionExpires), Some("90;refresher=uas"));
    assert!(!answer.header.lists(&Name::Require, "timer"));
    assert!(raw.wait(Duration::from_secs(44)).is_empty());
    assert_eq!(methods(&raw.wait(Duration::from_secs(2)))[0], "INVITE");
}

#[test]
fn a_refresh_without_an_interval_ends_the_timer() {
    let mut raw = Raw::new();
    let (_, tag, _) = talk_with(&mut raw, "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n");
    let answer = raw.say(request("UPDATE", "2", 2, &tag, "", "")).remove(0);
    assert_eq!(answer.header.get(&Name::SessionExpires), None);
    assert!(raw.wait(Duration::from_secs(600)).is_empty());
    assert_eq!(raw.agent.sessions(), 1);
}

#[test]
fn who_does_not_want_to_be_known_is_not_shown_however_it_says_so() {
    let shown = |change: &dyn Fn(String) -> String, more: &str| {
        let mut raw = Raw::new();
        raw.say(change(request("INVITE", "1", 1, "", more, OFFER)));
        let events = raw.events();
        let [Event::Incoming { caller, .. }] = &events[..] else { panic!("{events:?}") };
        (caller.withheld, caller.user.clone())
    };
    let same = |text: String| text;
    assert_eq!(shown(&same, ""), (false, Some("2001".into())));
    for wish in ["id", "user", "header", "session; ID"] {
        assert!(shown(&same, &format!("Privacy: {wish}\r\n")).0, "{wish}");
    }
    assert!(!shown(&same, "Privacy: none\r\n").0);
    let host = |text: String| text.replace("From: <sip:2001@192.0.2.1>", "From: <sip:x@Anonymous.invalid>");
    assert_eq!(shown(&host, ""), (true, None));
    let user = |text: String| text.replace("From: <sip:2001@192.0.2.1>", "From: <sip:Anonymous@192.0.2.1>");
    assert_eq!(shown(&user, ""), (true, None));
}

#[test]
fn an_answer_without_a_usable_description_ends_the_call_with_bye() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let contact = "Contact: <sip:192.0.2.1:5060>\r\n";
    let heard = raw.say(response(&invite, "200 OK", "x", contact, ""));
    assert_eq!(methods(&heard), ["ACK", "BYE"]);
    assert!(matches!(raw.events()[..], [Event::Ended { cause: 65, .. }]));
    // The same of who was offered, and answers in its ACK.
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", ""));
    let session = incoming(&mut raw);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    assert_eq!(methods(&raw.say(request("ACK", "2", 1, &tag, "", ""))), ["BYE"]);
    assert!(matches!(raw.events()[..], [Event::Ended { cause: 65, .. }]));
}

#[test]
fn a_change_that_is_taken_back_or_not_understood_leaves_what_was_agreed() {
    let mut raw = Raw::new();
    let (session, tag) = talk(&mut raw);
    raw.say(request("INVITE", "2", 2, &tag, "", &moved(3010)));
    raw.events();
    let mut heard = raw.statuses(request("CANCEL", "2", 2, &tag, "", ""));
    heard.sort_unstable();
    assert_eq!(heard, [200, 487]);
    assert!(raw.events().is_empty(), "the call stands");
    assert_eq!(raw.statuses(request("INVITE", "3", 3, &tag, "", "v=0\r\nnonsense")), [400]);
    // Both sides may offer again.
    assert!(raw.agent.offer(raw.now, session, &audio(BOB, 4010), Direction::SendRecv));
    assert_eq!(methods(&raw.heard()), ["INVITE"]);
}

#[test]
fn a_change_of_the_callee_reaches_the_caller_and_is_acknowledged() {
    let mut raw = Raw::new();
    let (session, invite) = called(&mut raw);
    assert!(raw.say(within(&invite, "INVITE", 1, &moved(3010))).is_empty());
    assert!(matches!(raw.events()[..], [Event::Offered { .. }]));
    raw.agent.answer_offer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    assert_eq!(methods(&raw.heard()), ["200"]);
    assert_eq!(methods(&raw.wait(Duration::from_millis(500))), ["200"], "until its ACK comes");
    raw.say(within(&invite, "ACK", 1, ""));
    assert!(raw.wait(Duration::from_secs(40)).is_empty());
}
