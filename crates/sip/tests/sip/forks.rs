//! What a caller makes of provisional responses, of keys, and of a 2xx that comes again (RFC 3261 section 13.2.2, RFC 3262
//! section 4, RFC 6086).

use strowger_sansio::{Duration, Rng};
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, Keys, PeerId, UserAgent};
use strowger_sip::message::{Message, Name, Status};

use super::pair::{BOB, audio, config, invitation};
use super::raw::{OFFER, Raw, request, response};

const CONTACT: &str = "Contact: <sip:192.0.2.1:5060>\r\n";

fn methods(messages: &[Message<'_>]) -> Vec<String> {
    messages.iter().filter_map(|message| message.method().map(ToString::to_string)).collect()
}

fn progress(events: &[Event]) -> Vec<Status> {
    let status = |event: &Event| match event {
        Event::Progress { status, .. } => Some(*status),
        _ => None,
    };
    events.iter().filter_map(status).collect()
}

#[test]
fn a_trying_is_told_to_nobody_and_ringing_is() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "100 Trying", "x", "", ""));
    assert!(raw.events().is_empty());
    assert!(raw.wait(Duration::from_secs(5)).is_empty(), "timer A has stopped");
    raw.say(response(&invite, "180 Ringing", "x", "", ""));
    assert_eq!(progress(&raw.events()), [Status::RINGING]);
}

#[test]
fn only_what_must_be_acknowledged_is_and_each_in_its_turn() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let rings =
        |tag: &str, more: &str| response(&invite, "180 Ringing", tag, &format!("{CONTACT}{more}"), "");
    assert!(raw.say(rings("x", "RSeq: 7\r\n")).is_empty(), "it does not ask for it");
    assert!(raw.say(rings("x", "Require: 100rel\r\n")).is_empty(), "it has no number");
    let reliable = |number: u32| format!("Require: 100rel\r\nRSeq: {number}\r\n");
    let prack = raw.say(rings("x", &reliable(7)));
    assert_eq!(methods(&prack), ["PRACK"]);
    assert_eq!(
        prack[0].header.get(&Name::RAck).unwrap(),
        format!("7 {} INVITE", invite.header.cseq().unwrap().number)
    );
    raw.events();
    for number in [7, 9, 6] {
        assert!(raw.say(rings("x", &reliable(number))).is_empty(), "{number} is not its turn");
        assert!(raw.events().is_empty());
    }
    assert_eq!(methods(&raw.say(rings("x", &reliable(8)))), ["PRACK"]);
    // Another fork has numbers of its own.
    assert_eq!(methods(&raw.say(rings("y", &reliable(40)))), ["PRACK"]);
}

#[test]
fn sixteen_forks_are_known_and_those_beyond_are_not_followed() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    for fork in 1..=20 {
        raw.say(response(&invite, "180 Ringing", &format!("f{fork}"), CONTACT, ""));
    }
    assert_eq!(progress(&raw.events()).len(), 16);
    raw.say(response(&invite, "180 Ringing", "f3", CONTACT, ""));
    assert_eq!(progress(&raw.events()).len(), 1, "one that is known is heard again");
    // Whoever answers has the call all the same.
    assert_eq!(methods(&raw.say(response(&invite, "200 OK", "f20", CONTACT, OFFER))), ["ACK"]);
    assert!(raw.events().iter().any(|event| matches!(event, Event::Answered { .. })));
}

#[test]
fn a_2xx_that_comes_again_to_who_has_restarted_is_acknowledged_and_no_other() {
    let mut raw = Raw::new();
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let answer = response(&invite, "200 OK", "x", CONTACT, OFFER);
    raw.say(&answer);
    let kept = raw.agent.standing(session).unwrap();
    raw.agent = UserAgent::new(raw.now, config(BOB), Rng::from_number(77));
    let own = audio(BOB, 4000);
    raw.agent.restore(raw.now, PeerId(0), &kept, (&own, OFFER.as_bytes()), Direction::SendRecv).unwrap();
    raw.heard();
    let again = raw.say(&answer);
    assert_eq!(methods(&again), ["ACK"]);
    assert_eq!(again[0].header.cseq().unwrap().number, invite.header.cseq().unwrap().number);
    assert!(raw.say(answer.replace(";tag=x", ";tag=y")).is_empty(), "another fork's");
    assert!(
        raw.say(answer.replace("200 OK", "486 Busy Here")).is_empty(),
        "a refusal belongs to its transaction"
    );
    let number = invite.header.cseq().unwrap().number;
    let ahead = answer.replace(&format!("CSeq: {number} "), &format!("CSeq: {} ", number + 10_000_000));
    assert!(raw.say(ahead).is_empty(), "what was never asked");
}

#[test]
fn the_numbers_of_keys_are_those_of_rfc_4733() {
    let mut config = config(BOB);
    config.peers[0].keys = Keys::Info;
    let mut raw = Raw::with(config);
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let Some(Event::Incoming { session, .. }) = raw.events().pop() else { panic!("no call") };
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "2", 1, &tag, "", ""));
    raw.events();
    let bodies = ["10", "11", "12", "13", "14", "15", "d", "16", "", "E", "**", "100"];
    let mut keys = String::new();
    for (at, value) in bodies.iter().enumerate() {
        let cseq = 2 + at as u32;
        let body = format!("Signal={value}\r\nDuration=100\r\n");
        let info = request("INFO", &format!("i{cseq}"), cseq, &tag, "", &body);
        assert_eq!(raw.statuses(info.replace("application/sdp", "application/dtmf-relay")), [200], "{value}");
        keys.extend(raw.events().iter().filter_map(|event| match event {
            Event::Dtmf { key, .. } => Some(*key),
            _ => None,
        }));
    }
    assert_eq!(keys, "*#ABCDD");
}

#[test]
fn keys_wait_for_the_one_before_and_are_refused_beyond_what_can_wait() {
    let mut config = config(BOB);
    config.peers[0].keys = Keys::Info;
    let mut raw = Raw::with(config);
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    assert!(raw.agent.press(raw.now, session, '1'));
    assert!(raw.heard().is_empty(), "nobody has answered yet");
    raw.say(response(&invite, "200 OK", "x", CONTACT, OFFER));
    raw.events();
    assert!(raw.agent.press(raw.now, session, '2'));
    assert_eq!(methods(&raw.heard()), ["INFO"], "one at a time");
    let taken = (0..100).filter(|_| raw.agent.press(raw.now, session, '3')).count();
    assert!((30..=33).contains(&taken), "{taken}");
    raw.agent.end(raw.now, session, 16);
    assert!(!raw.agent.press(raw.now, session, '4'), "the call is over");
}

#[test]
fn the_ack_of_a_refusal_is_its_invites_with_the_to_of_the_refusal() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let ack = raw.say(response(&invite, "486 Busy Here", "busy", "", "")).remove(0);
    assert_eq!(ack.header.to().unwrap().tag(), Some("busy"));
    for name in [Name::From, Name::CallId, Name::Via] {
        assert_eq!(ack.header.get(&name), invite.header.get(&name), "{name}");
    }
    assert_eq!(ack.uri().unwrap().to_string(), invite.uri().unwrap().to_string());
    assert_eq!(ack.header.cseq().unwrap().number, invite.header.cseq().unwrap().number);
}
