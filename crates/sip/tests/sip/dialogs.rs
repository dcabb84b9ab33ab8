//! Which dialog a request is of, where its requests go, and what a response repeats (RFC 3261 sections 8.2.6, 12 and 17.2).

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, SessionId};
use strowger_sip::message::{Message, Name, Status};

use super::pair::{BOB, audio, invitation};
use super::raw::{OFFER, Raw, request, response};

const ROUTES: &str = "Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n";

fn routes(message: &Message<'_>, name: &Name<'_>) -> Vec<String> {
    message.header.list(name).map(str::to_owned).collect()
}

fn session_of(raw: &mut Raw) -> SessionId {
    let events = raw.events();
    let [Event::Incoming { session, .. }] = &events[..] else { panic!("{events:?}") };
    *session
}

/// Alice calls and is answered: the session, the answer, and its tag.
fn talk(raw: &mut Raw, more: &str) -> (SessionId, Message<'static>, String) {
    raw.say(request("INVITE", "call", 5, "", more, OFFER));
    let session = session_of(raw);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let answer = raw.heard().remove(0);
    let tag = answer.header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "ack", 5, &tag, "", ""));
    raw.events();
    (session, answer, tag)
}

#[test]
fn a_request_with_the_tag_of_somebody_else_is_of_no_dialog() {
    let mut raw = Raw::new();
    let (_, _, tag) = talk(&mut raw, "");
    let bye = request("BYE", "2", 6, &tag, "", "");
    assert_eq!(raw.statuses(bye.replace(";tag=a1", ";tag=a2")), [481]);
    assert_eq!(raw.statuses(bye.replace(";tag=a1", "").replace("bK2", "bK3")), [481]);
    assert_eq!(raw.statuses(bye.replace("c1@", "c2@").replace("bK2", "bK4")), [481]);
    assert!(raw.events().is_empty());
    assert_eq!(raw.agent.sessions(), 1);
    assert_eq!(raw.statuses(bye.replace("bK2", "bK5")), [200]);
}

#[test]
fn a_number_that_was_used_or_is_below_is_refused_and_changes_nothing() {
    let mut raw = Raw::new();
    let (_, _, tag) = talk(&mut raw, "");
    for cseq in [5, 4, 1] {
        assert_eq!(raw.statuses(request("BYE", &format!("b{cseq}"), cseq, &tag, "", "")), [500], "{cseq}");
    }
    assert!(raw.events().is_empty());
    assert_eq!(raw.statuses(request("BYE", "b6", 6, &tag, "", "")), [200]);
}

#[test]
fn the_way_of_a_call_that_came_is_kept_in_its_order() {
    let mut raw = Raw::new();
    let (session, answer, _) = talk(&mut raw, ROUTES);
    assert_eq!(routes(&answer, &Name::RecordRoute), ["<sip:p1.example;lr>", "<sip:p2.example;lr>"]);
    raw.agent.end(raw.now, session, 16);
    let bye = raw.heard().remove(0);
    assert_eq!(routes(&bye, &Name::Route), ["<sip:p1.example;lr>", "<sip:p2.example;lr>"]);
    assert_eq!(bye.uri().unwrap().to_string(), "sip:192.0.2.1:5060");
    assert_eq!(bye.header.get(&Name::MaxForwards), Some("70"));
}

#[test]
fn the_way_of_a_call_that_was_made_is_taken_backwards() {
    let mut raw = Raw::new();
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let more = format!("{ROUTES}Contact: <sip:bob@192.0.2.1:5070;method=INVITE?Subject=x>\r\n");
    let ack = raw.say(response(&invite, "200 OK", "x", &more, OFFER)).remove(0);
    let backwards = ["<sip:p2.example;lr>", "<sip:p1.example;lr>"];
    assert_eq!(routes(&ack, &Name::Route), backwards);
    assert_eq!(ack.uri().unwrap().to_string(), "sip:bob@192.0.2.1:5070", "section 19.1.1, table 1");
    raw.agent.end(raw.now, session, 16);
    assert_eq!(routes(&raw.heard()[0], &Name::Route), backwards);
}

#[test]
fn a_proxy_that_routes_strictly_is_the_request_uri_and_the_contact_comes_last() {
    let mut raw = Raw::new();
    let more = "Record-Route: <sip:old.example>, <sip:p2.example;lr>\r\n";
    let (session, _, _) = talk(&mut raw, more);
    raw.agent.end(raw.now, session, 16);
    let bye = raw.heard().remove(0);
    assert_eq!(bye.uri().unwrap().to_string(), "sip:old.example");
    assert_eq!(routes(&bye, &Name::Route), ["<sip:p2.example;lr>", "<sip:192.0.2.1:5060>"]);
}

#[test]
fn a_change_of_the_contact_is_followed_and_a_bye_changes_none() {
    for method in ["INVITE", "UPDATE"] {
        let mut raw = Raw::new();
        let (session, _, tag) = talk(&mut raw, "");
        let change = request(method, "2", 6, &tag, "", OFFER);
        let answered = raw.statuses(change.replace("<sip:192.0.2.1:5060>", "<sip:elsewhere@192.0.2.1:5090>"));
        assert_eq!(answered, [200], "{method}");
        raw.say(request("ACK", "3", 6, &tag, "", ""));
        raw.events();
        raw.agent.end(raw.now, session, 16);
        let bye = raw.heard().remove(0);
        assert_eq!(bye.uri().unwrap().to_string(), "sip:elsewhere@192.0.2.1:5090", "{method}");
    }
    let mut raw = Raw::new();
    let (session, _, tag) = talk(&mut raw, "");
    raw.say(request("OPTIONS", "2", 6, &tag, "", "").replace("<sip:192.0.2.1:5060>", "<sip:192.0.2.1:5090>"));
    raw.agent.end(raw.now, session, 16);
    let byes = raw.heard();
    assert_eq!(byes.last().unwrap().uri().unwrap().to_string(), "sip:192.0.2.1:5060");
}

#[test]
fn a_response_repeats_all_vias_and_completes_the_first_alone() {
    let mut raw = Raw::new();
    let invite = request("INVITE", "1", 1, "", ROUTES, OFFER).replacen(
        "Max-Forwards",
        "Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKfar\r\nMax-Forwards",
        1,
    );
    let invite = invite.replace("192.0.2.1:5060;branch", "client.example:5060;branch");
    raw.say(&invite);
    let session = session_of(&mut raw);
    raw.agent.progress(raw.now, session, Status::RINGING, None).unwrap();
    let ringing = raw.heard().remove(0);
    let vias = routes(&ringing, &Name::Via);
    assert_eq!(vias.len(), 2);
    assert!(vias[0].contains("received=192.0.2.1"), "{vias:?}");
    assert_eq!(vias[1], "SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKfar");
    assert_eq!(routes(&ringing, &Name::RecordRoute).len(), 2, "what makes a dialog repeats the way");
    raw.agent.end(raw.now, session, 17);
    let refused = raw.heard().remove(0);
    assert_eq!(refused.status(), Some(Status::BUSY_HERE));
    assert!(routes(&refused, &Name::RecordRoute).is_empty(), "a refusal makes none");
}

#[test]
fn a_tag_is_added_where_there_is_none_and_not_to_a_trying() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let trying = raw.wait(Duration::from_millis(200)).remove(0);
    assert_eq!(trying.status(), Some(Status::TRYING));
    assert_eq!(trying.header.get(&Name::To), Some("<sip:2002@192.0.2.2>"));
    assert!(trying.header.get(&Name::RecordRoute).is_none());
    let lost = raw.say(request("BYE", "2", 2, "gone", "", "")).remove(0);
    assert_eq!(lost.header.get(&Name::To), Some("<sip:2002@192.0.2.2>;tag=gone"));
}

#[test]
fn an_answered_request_is_remembered_for_64_t1_and_forgotten_then() {
    let mut raw = Raw::new();
    let (_, _, tag) = talk(&mut raw, "");
    let bye = request("BYE", "9", 6, &tag, "", "");
    assert_eq!(raw.statuses(&bye), [200]);
    raw.events();
    raw.wait(Duration::from_millis(31_900));
    assert_eq!(raw.statuses(&bye), [200], "timer J: from memory");
    raw.wait(Duration::from_millis(200));
    assert_eq!(raw.statuses(&bye), [481], "it is a new request, of nothing");
}

#[test]
fn an_invite_that_comes_again_when_it_was_answered_is_no_second_call() {
    let mut raw = Raw::new();
    let (session, _, _) = talk(&mut raw, "");
    let invite = request("INVITE", "call", 5, "", "", OFFER);
    raw.wait(Duration::from_secs(31));
    assert!(raw.say(&invite).is_empty(), "timer L: the 2xx is repeated by the user agent alone");
    assert!(raw.events().is_empty());
    raw.agent.end(raw.now, session, 16);
}

#[test]
fn an_acknowledgement_that_comes_again_is_swallowed() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let session = session_of(&mut raw);
    raw.agent.end(raw.now, session, 17);
    let refused = raw.heard().remove(0);
    let tag = refused.header.to().unwrap().tag().unwrap().to_owned();
    raw.events();
    let ack = request("ACK", "1", 1, &tag, "", "");
    assert!(raw.say(&ack).is_empty());
    assert!(raw.wait(Duration::from_millis(4_900)).is_empty(), "timer G has stopped");
    assert_eq!(raw.agent.transactions(), 1, "timer I absorbs what is on its way");
    assert!(raw.say(&ack).is_empty() && raw.events().is_empty());
    raw.wait(Duration::from_millis(200));
    assert_eq!(raw.agent.transactions(), 0);
}
