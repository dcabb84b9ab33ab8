//! What a peer sees of the transactions, and of the rules for requests, message by message.

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, SessionId};
use strowger_sip::message::{Name, Status};
use strowger_sip::{Route, agent::PeerId};

use super::pair::{ALICE, BOB, audio, config, credentials, invitation};
use super::raw::{OFFER, Raw, request, response};

fn incoming(raw: &mut Raw) -> SessionId {
    let events = raw.events();
    let [Event::Incoming { session, .. }] = &events[..] else { panic!("{events:?}") };
    *session
}

#[test]
fn a_repeated_invite_is_answered_from_memory_and_is_one_call() {
    let mut raw = Raw::new();
    let invite = request("INVITE", "1", 1, "", "", OFFER);
    assert!(raw.statuses(&invite).is_empty());
    let heard = raw.wait(Duration::from_millis(250));
    assert_eq!(heard[0].status(), Some(Status::TRYING));
    assert_eq!(raw.statuses(&invite), [100]);
    let session = incoming(&mut raw);
    raw.agent.progress(raw.now, session, Status::RINGING, None).unwrap();
    raw.heard();
    assert_eq!(raw.statuses(&invite), [180]);
    raw.agent.end(raw.now, session, 17);
    raw.heard();
    assert_eq!(raw.statuses(&invite), [486]);
    let repeated = raw.wait(Duration::from_millis(1600));
    assert_eq!(repeated.len(), 2, "timer G repeats it after 0.5 and 1.5 s");
    raw.say(request("ACK", "1", 1, "x", "", ""));
    assert!(raw.wait(Duration::from_secs(60)).is_empty());
    assert_eq!(raw.agent.transactions(), 0);
}

#[test]
fn a_refusal_that_nobody_acknowledges_is_repeated_for_64_t1() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let session = incoming(&mut raw);
    raw.agent.end(raw.now, session, 17);
    raw.heard();
    // 0.5, 1.5, 3.5, then every 4 s up to 31.5.
    assert_eq!(raw.wait(Duration::from_secs(32)).len(), 10);
    assert_eq!(raw.agent.transactions(), 0);
}

#[test]
fn an_ack_of_another_tag_than_that_of_the_answer_is_nothing() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let session = incoming(&mut raw);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "2", 1, "other", "", ""));
    assert!(raw.events().is_empty());
    raw.say(request("ACK", "2", 1, &tag, "", ""));
    assert!(matches!(raw.events()[..], [Event::Confirmed { .. }]));
}

#[test]
fn the_same_request_by_another_way_is_a_loop() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    assert_eq!(raw.statuses(request("INVITE", "2", 1, "", "", OFFER)), [482]);
}

#[test]
fn a_cancel_of_nothing_and_a_bye_of_nothing_are_481() {
    let mut raw = Raw::new();
    assert_eq!(raw.statuses(request("CANCEL", "9", 1, "", "", "")), [481]);
    assert_eq!(raw.statuses(request("BYE", "10", 2, "none", "", "")), [481]);
    assert_eq!(raw.statuses(request("BYE", "11", 2, "", "", "")), [481]);
    assert!(raw.say(request("ACK", "12", 1, "none", "", "")).is_empty());
}

#[test]
fn requests_that_cannot_be_served_say_what_can() {
    let mut raw = Raw::new();
    let answer = &raw.say(request("SUBSCRIBE", "1", 1, "", "", ""))[0];
    assert_eq!(answer.status(), Some(Status::METHOD_NOT_ALLOWED));
    assert!(answer.header.lists(&Name::Allow, "PRACK"));
    assert_eq!(raw.statuses(request("HAIL", "2", 1, "", "", "")), [501]);
    let answer = &raw.say(request("INVITE", "3", 1, "", "Require: 100rel, sec-agree\r\n", OFFER))[0];
    assert_eq!(answer.status(), Some(Status::BAD_EXTENSION));
    assert_eq!(answer.header.get(&Name::Unsupported), Some("sec-agree"));
    let answer = &raw.say(request("OPTIONS", "4", 1, "", "", ""))[0];
    assert_eq!(answer.status(), Some(Status::OK));
    assert!(
        answer.header.lists(&Name::Supported, "timer")
            && answer.header.lists(&Name::Accept, "application/sdp")
    );
    assert_eq!(raw.statuses(request("INVITE", "5", 9, "", "Accept: text/plain\r\n", OFFER)), [406]);
    let text = request("INVITE", "6", 10, "", "", OFFER).replace("application/sdp", "text/plain");
    assert_eq!(raw.statuses(text), [415]);
    assert!(raw.events().is_empty());
}

#[test]
fn a_caller_without_an_offer_is_offered_and_answers_in_its_ack() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", ""));
    let session = incoming(&mut raw);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let heard = raw.heard();
    assert!(heard[0].session_description().is_some());
    let tag = heard[0].header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "2", 1, &tag, "", OFFER));
    assert!(matches!(&raw.events()[..], [Event::Confirmed { description: Some(_), .. }]));
}

#[test]
fn other_streams_than_the_first_audio_stream_are_answered_with_port_0_in_their_places() {
    let mut raw = Raw::new();
    let offer = format!(
        "{}m=audio 3004 RTP/AVP 0\r\n",
        OFFER.replace("m=audio", "m=video 3002 RTP/AVP 31\r\nm=audio")
    );
    raw.say(request("INVITE", "1", 1, "", "", &offer));
    let session = incoming(&mut raw);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let answer = raw.heard();
    let text = String::from_utf8_lossy(answer[0].session_description().unwrap()).into_owned();
    let streams: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(streams, ["m=video 0 RTP/AVP 31", "m=audio 4000 RTP/AVP 0 8", "m=audio 0 RTP/AVP 0"]);
}

#[test]
fn a_description_that_points_at_this_host_is_refused() {
    let mut raw = Raw::new();
    let loopback = OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 127.0.0.1");
    assert_eq!(raw.statuses(request("INVITE", "1", 1, "", "", &loopback)), [488]);
    let refused = OFFER.replace("m=audio 3000", "m=audio 0");
    assert_eq!(raw.statuses(request("INVITE", "2", 2, "", "", &refused)), [488]);
    assert_eq!(raw.statuses(request("INVITE", "3", 3, "", "", "v=0\r\nnonsense")), [400]);
}

#[test]
fn whoever_is_not_listed_hears_nothing() {
    let mut raw = Raw::new();
    let stranger = Route::udp("198.51.100.7:5060".parse().unwrap());
    assert!(!raw.agent.handle_input(raw.now, stranger, request("OPTIONS", "1", 1, "", "", "").as_bytes()));
    assert!(!raw.agent.handle_input(raw.now, stranger, b"rubbish"));
    assert!(raw.heard().is_empty() && raw.events().is_empty());
    assert_eq!(raw.agent.counters().unlisted, 2);
}

#[test]
fn only_the_first_fork_that_answers_has_the_call_and_the_others_hear_bye() {
    let mut raw = Raw::with(config(BOB));
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let contact = "Contact: <sip:192.0.2.1:5060>\r\n";
    raw.say(response(&invite, "180 Ringing", "f1", contact, ""));
    raw.say(response(&invite, "180 Ringing", "f2", contact, ""));
    let acks = raw.say(response(&invite, "200 OK", "f2", contact, OFFER));
    assert_eq!(acks.len(), 1);
    let both = raw.say(response(&invite, "200 OK", "f1", contact, OFFER));
    let methods: Vec<_> = both.iter().map(|message| message.method().unwrap().to_string()).collect();
    assert_eq!(methods, ["ACK", "BYE"]);
    assert_eq!(both[1].header.to().unwrap().tag(), Some("f1"));
    // A repeated 2xx is acknowledged again.
    assert_eq!(raw.say(response(&invite, "200 OK", "f2", contact, OFFER)).len(), 1);
    let answered: Vec<_> =
        raw.events().into_iter().filter(|event| matches!(event, Event::Answered { .. })).collect();
    assert_eq!(answered.len(), 1);
    raw.agent.end(raw.now, session, 16);
}

#[test]
fn a_challenged_call_is_made_again_with_credentials_once() {
    let mut config = config(BOB);
    config.peers[0].credentials = Some(credentials());
    let mut raw = Raw::with(config);
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let challenge = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n\
                     WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth\"\r\n";
    let heard = raw.say(response(&invite, "401 Unauthorized", "s", challenge, ""));
    let methods: Vec<_> = heard.iter().map(|message| message.method().unwrap().to_string()).collect();
    assert_eq!(methods, ["ACK", "INVITE"]);
    let again = &heard[1];
    let value = again.header.get(&Name::Authorization).unwrap().to_owned();
    assert!(
        value.contains("algorithm=SHA-256")
            && value.contains("nonce=\"n2\"")
            && value.contains("nc=00000001")
    );
    let proof = strowger_sip::auth::Proof::parse(&value).unwrap();
    assert!(
        proof.holds("secret", "INVITE") && !proof.holds("wrong", "INVITE") && !proof.holds("secret", "BYE")
    );
    assert_eq!(again.header.call_id(), invite.header.call_id());
    assert_eq!(again.header.cseq().unwrap().number, 2);
    let refused = raw.say(response(again, "401 Unauthorized", "s", challenge, ""));
    assert_eq!(refused.len(), 1, "the same challenge again: the password is wrong");
    let events = raw.events();
    assert!(matches!(events[..], [Event::Ended { cause: 21, .. }, Event::Closed { .. }]), "{events:?}");
}

#[test]
fn a_peer_that_is_asked_and_does_not_answer_is_out_of_service_until_it_does() {
    let mut config = config(ALICE);
    config.peers[0].probe = Some(Duration::from_secs(60));
    let mut raw = Raw::with(config);
    let asked = raw.wait(Duration::from_secs(33));
    assert!(asked.len() > 5 && asked.iter().all(|message| message.method().unwrap().as_str() == "OPTIONS"));
    assert!(matches!(raw.events()[..], [Event::Reachable { peer: PeerId(0), up: false }]));
    assert!(!raw.agent.is_reachable(PeerId(0)));
    let asked = raw.wait(Duration::from_secs(27)).pop().unwrap();
    // Alice's peer is Bob.
    let answer = response(&asked, "404 Not Found", "b", "", "");
    raw.agent.handle_input(raw.now, Route::udp(super::pair::address(BOB)), answer.as_bytes());
    assert!(raw.events().contains(&Event::Reachable { peer: PeerId(0), up: true }));
    assert!(raw.agent.is_reachable(PeerId(0)));
}

#[test]
fn a_registration_answers_the_challenge_and_is_kept() {
    let mut config = config(BOB);
    (config.peers[0].credentials, config.peers[0].registers) = (Some(credentials()), true);
    config.peers[0].domain = Some("carrier.example".into());
    let mut raw = Raw::with(config);
    let first = raw.wait(Duration::from_millis(1)).remove(0);
    assert_eq!(first.uri().unwrap().to_string(), "sip:carrier.example");
    assert_eq!(first.header.get(&Name::To), Some("<sip:town@carrier.example>"));
    assert_eq!(first.header.get(&Name::Contact), Some("<sip:town@192.0.2.2:5060>"));
    let challenge = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"\r\n";
    let again = raw.say(response(&first, "401 Unauthorized", "s", challenge, "")).remove(0);
    let proof = strowger_sip::auth::Proof::parse(again.header.get(&Name::Authorization).unwrap()).unwrap();
    assert!(proof.holds("secret", "REGISTER"));
    assert_eq!((again.header.call_id(), again.header.cseq().unwrap().number), (first.header.call_id(), 2));
    let longer =
        raw.say(response(&again, "423 Interval Too Brief", "s", "Min-Expires: 7200\r\n", "")).remove(0);
    assert_eq!(longer.header.get(&Name::Expires), Some("7200"));
    let granted = "Contact: <sip:town@192.0.2.2:5060>;expires=600\r\n";
    assert!(raw.say(response(&longer, "200 OK", "s", granted, "")).is_empty());
    assert!(raw.events().contains(&Event::Reachable { peer: PeerId(0), up: true }));
    assert!(raw.wait(Duration::from_secs(479)).is_empty());
    let refreshed = raw.wait(Duration::from_secs(1)).remove(0);
    assert!(refreshed.header.get(&Name::Authorization).unwrap().contains("nc=00000003"));
    // What the registrar calls is the contact; whom it is for stands in To.
    let call = request("INVITE", "1", 1, "", "", OFFER).replace("INVITE sip:2002@", "INVITE sip:town@");
    raw.say(call);
    assert!(
        raw.events().iter().any(|event| matches!(event, Event::Incoming { called, .. } if called == "2002"))
    );
}

#[test]
fn a_registration_that_is_refused_is_tried_again_later_each_time() {
    let mut config = config(BOB);
    (config.peers[0].credentials, config.peers[0].registers) = (Some(credentials()), true);
    let mut raw = Raw::with(config);
    let mut first = raw.wait(Duration::from_millis(1)).remove(0);
    for wait in [10, 20, 40] {
        assert!(raw.say(response(&first, "403 Forbidden", "s", "", "")).is_empty());
        assert!(!raw.agent.is_reachable(PeerId(0)));
        assert!(raw.wait(Duration::from_secs(wait - 1)).is_empty());
        first = raw.wait(Duration::from_secs(1)).remove(0);
    }
    let challenge = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"\r\n";
    let second = raw.say(response(&first, "401 Unauthorized", "s", challenge, "")).remove(0);
    let wrong = raw.say(response(&second, "401 Unauthorized", "s", challenge, ""));
    assert!(wrong.is_empty(), "the password is wrong: it is not sent at once again");
}

#[test]
fn an_update_moves_a_stream_and_one_that_says_nothing_refreshes() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let session = incoming(&mut raw);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "2", 1, &tag, "", ""));
    raw.events();
    assert_eq!(raw.statuses(request("UPDATE", "3", 2, &tag, "", "")), [200]);
    let same = raw.say(request("UPDATE", "4", 3, &tag, "", OFFER)).remove(0);
    assert!(same.session_description().is_some(), "what says nothing new is answered as before");
    assert!(raw.events().is_empty());
    let moved = OFFER.replace("m=audio 3000", "m=audio 3010");
    assert!(raw.say(request("UPDATE", "5", 4, &tag, "", &moved)).is_empty());
    assert!(matches!(&raw.events()[..], [Event::Offered { .. }]));
    // Another one while the first waits: 500 with Retry-After (RFC 3311 section 5.2).
    assert_eq!(raw.statuses(request("UPDATE", "6", 5, &tag, "", &moved)), [500]);
    raw.agent.answer_offer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let answer = raw.heard().remove(0);
    assert_eq!((answer.status(), answer.header.cseq().unwrap().number), (Some(Status::OK), 4));
    assert!(answer.session_description().is_some());
}

#[test]
fn a_contact_that_is_no_sip_uri_makes_no_dialog() {
    let mut raw = Raw::new();
    let odd = "Contact: <tel:+15550102>\r\n";
    let invite = request("INVITE", "1", 1, "", "", OFFER).replace("Contact: <sip:192.0.2.1:5060>\r\n", odd);
    assert_eq!(raw.statuses(invite), [400]);
    assert!(raw.events().is_empty());
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "200 OK", "t", odd, OFFER));
    assert!(matches!(raw.events()[..], [Event::Ended { cause: 111, .. }, Event::Closed { .. }]));
}
