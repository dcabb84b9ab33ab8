//! Keys by INFO.

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, Keys, SessionId};
use strowger_sip::message::{Message, Name};

use super::pair::{ALICE, BOB, Fate, Pair, audio, config, credentials, invitation};
use super::raw::{OFFER, Raw, request, response};

/// Both sides tell of keys by INFO.
fn pair() -> Pair {
    let [alice, bob] = [ALICE, BOB].map(|side| {
        let mut config = config(side);
        config.peers[0].keys = Keys::Info;
        config
    });
    Pair::with(alice, bob)
}

fn pressed(events: &[Event]) -> String {
    let key = |event: &Event| match event {
        Event::Dtmf { key, .. } => Some(*key),
        _ => None,
    };
    events.iter().filter_map(key).collect()
}

/// A call of the agent's that its peer has answered.
fn talk(raw: &mut Raw) -> SessionId {
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "200 OK", "t", "Contact: <sip:192.0.2.1>\r\n", OFFER));
    raw.events();
    session
}

fn by_info() -> Raw {
    let mut config = config(BOB);
    config.peers[0].keys = Keys::Info;
    config.peers[0].credentials = Some(credentials());
    Raw::with(config)
}

#[test]
fn keys_come_by_info() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let Some(Event::Incoming { session, .. }) = raw.events().pop() else { panic!("no call") };
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "2", 1, &tag, "", ""));
    raw.events();
    let mut number = 1;
    let mut info = |raw: &mut Raw, kind: &str, body: &str| {
        number += 1;
        let info = request("INFO", &format!("i{number}"), number, &tag, "", body);
        (raw.statuses(info.replace("application/sdp", kind)), pressed(&raw.events()))
    };
    let (relay, plain) = ("application/dtmf-relay", "application/dtmf");
    for (kind, body, key) in [
        (relay, "Signal=5\r\nDuration=160\r\n", "5"),
        (relay, "Signal= *\nDuration= 250", "*"),
        (relay, "signal=11\r\n", "#"),
        (relay, "Signal=c\r\n", "C"),
        (plain, "7", "7"),
        (plain, "10", "*"),
        // What is no key is heard, and nothing.
        (relay, "Signal=flash\r\n", ""),
        (relay, "Duration=160\r\n", ""),
        (plain, "16", ""),
        (plain, "", ""),
    ] {
        assert_eq!(info(&mut raw, kind, body), (vec![200], key.to_owned()), "{kind} {body:?}");
    }
    assert_eq!(info(&mut raw, "text/plain", "5"), (vec![415], String::new()));
    // A number that is not greater than the last is out of order.
    assert_eq!(raw.statuses(request("INFO", "late", 2, &tag, "", "")), [500]);
}

#[test]
fn keys_go_by_info_in_their_order_whatever_is_lost() {
    for lost in 0..8 {
        let mut pair = pair();
        let (alice, _) = pair.talk();
        let mut number = 0;
        pair.network(move |_, first| {
            let of_a_key = first.starts_with("INFO") || first.starts_with("SIP/2.0 200");
            number += u32::from(of_a_key);
            if of_a_key && number == lost + 1 { Fate::IsLost } else { Fate::Arrives }
        });
        for key in "12#A".chars() {
            assert!(pair.sides[ALICE].press(pair.now, alice, key));
        }
        pair.run(Duration::from_secs(5));
        assert_eq!(pressed(&pair.take(BOB)), "12#A", "{lost}");
        pair.sides[ALICE].end(pair.now, alice, 16);
        pair.settle();
    }
}

#[test]
fn a_peer_that_has_keys_in_the_stream_is_told_of_none() {
    let mut pair = Pair::new();
    let (alice, _) = pair.talk();
    assert!(!pair.sides[ALICE].press(pair.now, alice, '5'));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.count(ALICE, "INFO"), 0);
}

#[test]
fn keys_that_go_by_info_are_in_no_description() {
    let mut pair = pair();
    pair.call();
    pair.run(Duration::from_millis(100));
    let seen = |events: &[Event]| {
        let description = events.iter().find_map(|event| match event {
            Event::Incoming { offer, .. } => offer.clone(),
            Event::Answered { description, .. } => Some(description.clone()),
            _ => None,
        });
        String::from_utf8(description.unwrap()).unwrap()
    };
    let events = pair.take(BOB);
    assert!(!seen(&events).contains("telephone-event"), "{}", seen(&events));
    assert!(seen(&events).contains("m=audio 3000 RTP/AVP 0 8\r\n"), "{}", seen(&events));
    let Some(Event::Incoming { session, .. }) = events.first() else { panic!("no call") };
    pair.sides[BOB].answer(pair.now, *session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.run(Duration::from_millis(100));
    let events = pair.take(ALICE);
    assert!(!seen(&events).contains("telephone-event"), "{}", seen(&events));
}

#[test]
fn the_formats_of_keys_that_a_peer_offers_all_the_same_are_not_seen() {
    let mut raw = by_info();
    let offer = OFFER.replace("0 8\r\n", "0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n");
    raw.say(request("INVITE", "1", 1, "", "", &offer));
    let Some(Event::Incoming { session, offer: Some(offer), .. }) = raw.events().pop() else {
        panic!("no call")
    };
    assert!(!String::from_utf8(offer).unwrap().contains("telephone-event"));
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let answer = String::from_utf8(raw.heard()[0].session_description().unwrap().to_vec()).unwrap();
    assert!(!answer.contains("telephone-event"), "{answer}");
}

#[test]
fn a_key_that_is_challenged_is_sent_again_once_and_the_next_follows() {
    let mut raw = by_info();
    let session = talk(&mut raw);
    raw.agent.press(raw.now, session, '1');
    raw.agent.press(raw.now, session, '2');
    let signal = |info: &Message<'_>| String::from_utf8(info.body.to_vec()).unwrap();
    let challenge = "WWW-Authenticate: Digest realm=\"far\", nonce=\"n1\"\r\n";
    let first = raw.heard().remove(0);
    assert_eq!(first.header.get(&Name::ContentType), Some("application/dtmf-relay"));
    assert_eq!(signal(&first), "Signal=1\r\nDuration=160\r\n");
    let again = raw.say(response(&first, "401 Unauthorized", "t", challenge, "")).remove(0);
    assert!(again.header.get(&Name::Authorization).is_some());
    assert_eq!(signal(&again), signal(&first));
    let challenge = challenge.replace("n1", "n2");
    let second = raw.say(response(&again, "401 Unauthorized", "t", &challenge, "")).remove(0);
    assert_eq!(signal(&second), "Signal=2\r\nDuration=160\r\n", "it was not asked for a third time");
    // Who does not want keys talks on.
    assert!(raw.say(response(&second, "415 Unsupported Media Type", "t", "", "")).is_empty());
    assert!(raw.events().is_empty());
}

#[test]
fn a_peer_that_knows_nothing_of_the_dialog_any_more_when_it_is_told_of_a_key_ends_the_call() {
    for answers in [true, false] {
        let mut raw = by_info();
        let session = talk(&mut raw);
        raw.agent.press(raw.now, session, '1');
        let info = raw.heard().remove(0);
        let said = if answers {
            raw.say(response(&info, "481 Call/Transaction Does Not Exist", "t", "", ""))
        } else {
            raw.wait(Duration::from_secs(33))
        };
        let words: Vec<_> =
            said.iter().filter_map(Message::method).map(|method| method.as_str().to_owned()).collect();
        assert_eq!(words.last().map(String::as_str), Some("BYE"), "{words:?}");
        assert!(matches!(raw.events()[..], [Event::Ended { .. }]));
    }
}
