//! Calls between two user agents: set-up, refusal, taking back, hanging up, whatever the network does.

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::Event;
use strowger_sip::message::Status;

use super::pair::{ALICE, BOB, Fate, Pair, audio, invitation};

fn is_ended(events: &[Event], wanted: u8) -> bool {
    events.iter().any(|event| matches!(event, Event::Ended { cause, .. } if *cause == wanted))
}

fn is_closed(events: &[Event]) -> bool {
    events.iter().filter(|event| matches!(event, Event::Closed { .. })).count() == 1
}

#[test]
fn a_call_rings_is_answered_and_is_hung_up_by_the_caller() {
    let mut pair = Pair::new();
    let alice = pair.call();
    pair.run(Duration::from_millis(50));
    let events = pair.take(BOB);
    let [Event::Incoming { session: bob, called, caller, offer: Some(offer), .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(called, "2002");
    assert_eq!((caller.user.as_deref(), caller.name.as_deref()), (Some("2001"), Some("A. \"Lice\"")));
    assert!(String::from_utf8_lossy(offer).contains("m=audio 3000 RTP/AVP 0 8 96\r\n"));
    let bob = *bob;
    pair.ring(bob);
    assert!(matches!(
        pair.take(ALICE)[..],
        [Event::Progress { status: Status::RINGING, description: None, .. }]
    ));
    pair.sides[BOB].answer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.run(Duration::from_millis(50));
    let events = pair.take(ALICE);
    let [Event::Answered { description, .. }] = &events[..] else { panic!("{events:?}") };
    assert!(String::from_utf8_lossy(description).contains("m=audio 4000 RTP/AVP 0 8 96\r\n"));
    assert!(matches!(pair.take(BOB)[..], [Event::Confirmed { description: None, .. }]));
    pair.run(Duration::from_secs(60));
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.run(Duration::from_millis(100));
    assert!(matches!(pair.take(ALICE)[..], [Event::Closed { .. }]));
    let events = pair.take(BOB);
    assert!(is_ended(&events, 16) && is_closed(&events), "{events:?}");
    pair.settle();
    assert_eq!(pair.count(ALICE, "INVITE"), 1);
    assert_eq!(pair.count(BOB, "SIP/2.0 200"), 2);
}

#[test]
fn the_called_party_hangs_up() {
    let mut pair = Pair::new();
    let (_, bob) = pair.talk();
    pair.sides[BOB].end(pair.now, bob, 16);
    pair.run(Duration::from_millis(100));
    assert!(is_ended(&pair.take(ALICE), 16));
    pair.settle();
}

#[test]
fn a_busy_party_refuses_with_486_and_its_cause_arrives() {
    let mut pair = Pair::new();
    pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    pair.sides[BOB].end(pair.now, bob, 17);
    pair.run(Duration::from_millis(100));
    let events = pair.take(ALICE);
    assert!(matches!(
        events[..],
        [Event::Ended { cause: 17, status: Some(Status::BUSY_HERE), .. }, Event::Closed { .. }]
    ));
    pair.settle();
}

#[test]
fn a_caller_who_gives_up_while_it_rings_sends_cancel() {
    let mut pair = Pair::new();
    let alice = pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    pair.ring(bob);
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.count(ALICE, "CANCEL"), 1);
    assert_eq!(pair.count(BOB, "SIP/2.0 487"), 1);
    assert!(is_ended(&pair.take(BOB), 16));
    assert!(is_closed(&pair.take(ALICE)));
    pair.settle();
}

#[test]
fn a_caller_who_gives_up_at_once_waits_for_the_first_response_before_it_cancels() {
    let mut pair = Pair::new();
    let alice = pair.call();
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.count(ALICE, "CANCEL"), 0);
    // The server says 100 after 200 ms by itself.
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.count(ALICE, "CANCEL"), 1);
    pair.settle();
    assert!(is_ended(&pair.take(BOB), 16));
}

#[test]
fn an_answer_that_crosses_a_cancel_is_acknowledged_and_hung_up() {
    let mut pair = Pair::new();
    let alice = pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    pair.ring(bob);
    pair.sides[BOB].answer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.run(Duration::from_secs(1));
    assert_eq!((pair.count(ALICE, "CANCEL"), pair.count(ALICE, "ACK"), pair.count(ALICE, "BYE")), (1, 1, 1));
    let events = pair.take(ALICE);
    assert!(!events.iter().any(|event| matches!(event, Event::Answered { .. })), "{events:?}");
    pair.settle();
}

#[test]
fn a_party_that_answers_and_hangs_up_at_once_waits_for_the_ack() {
    let mut pair = Pair::new();
    pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    pair.sides[BOB].answer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.sides[BOB].end(pair.now, bob, 16);
    pair.collect();
    assert_eq!(pair.count(BOB, "BYE"), 0);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.count(BOB, "BYE"), 1);
    assert!(is_ended(&pair.take(ALICE), 16));
    pair.settle();
}

#[test]
fn nobody_there_is_a_timeout_after_64_t1() {
    let mut pair = Pair::new();
    pair.network(|_, _| Fate::IsLost);
    pair.call();
    pair.run(Duration::from_millis(31_900));
    assert!(pair.take(ALICE).is_empty());
    pair.run(Duration::from_millis(200));
    assert!(is_ended(&pair.take(ALICE), 102));
    // T1, then doubled: 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s.
    assert_eq!(pair.count(ALICE, "INVITE"), 7);
    pair.settle();
}

#[test]
fn whatever_is_lost_or_doubled_once_the_call_stands_and_ends() {
    for lost in 0..16 {
        for fate in [Fate::IsLost, Fate::IsDoubled] {
            let mut pair = Pair::new();
            let mut number = 0;
            pair.network(move |_, _| {
                number += 1;
                if number == lost + 1 { fate } else { Fate::Arrives }
            });
            let alice = pair.call();
            pair.run(Duration::from_secs(2));
            let bob = pair.incoming();
            pair.ring(bob);
            pair.sides[BOB].answer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
            pair.run(Duration::from_secs(10));
            let (alice_heard, bob_heard) = (pair.take(ALICE), pair.take(BOB));
            let answered = alice_heard.iter().filter(|event| matches!(event, Event::Answered { .. })).count();
            let confirmed = bob_heard.iter().filter(|event| matches!(event, Event::Confirmed { .. })).count();
            assert_eq!((answered, confirmed), (1, 1), "{fate:?} {lost}: {alice_heard:?} {bob_heard:?}");
            pair.sides[ALICE].end(pair.now, alice, 16);
            pair.run(Duration::from_secs(40));
            assert!(is_ended(&pair.take(BOB), 16), "{fate:?} {lost}");
            assert!(is_closed(&pair.take(ALICE)), "{fate:?} {lost}");
            pair.settle();
        }
    }
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_with_bye() {
    let mut pair = Pair::new();
    pair.network(|_, line| if line.starts_with("ACK") { Fate::IsLost } else { Fate::Arrives });
    pair.call();
    pair.run(Duration::from_millis(100));
    let bob = pair.incoming();
    pair.sides[BOB].answer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.run(Duration::from_secs(33));
    assert!(is_ended(&pair.take(BOB), 102));
    // 0, 0.5, 1.5, 3.5, 7.5 and every 4 s from there to 31.5 s; and the answer to BYE's own.
    assert_eq!(pair.count(BOB, "SIP/2.0 200"), 11);
    assert_eq!(pair.count(BOB, "BYE"), 1);
    pair.settle();
}

#[test]
fn a_description_without_a_common_codec_is_refused_with_488() {
    let mut pair = Pair::new();
    pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    let g722 = b"v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 9\r\n";
    let refused = pair.sides[BOB].answer(pair.now, bob, g722, Direction::SendRecv);
    assert_eq!(refused, Err(strowger_sip::offer::OfferFault::NoCommonCodec));
    pair.sides[BOB].end(pair.now, bob, 65);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.count(BOB, "SIP/2.0 488"), 1);
    pair.settle();
}

#[test]
fn a_caller_who_does_not_want_to_be_known_is_not() {
    let mut pair = Pair::new();
    let mut invitation = invitation();
    invitation.caller.withheld = true;
    pair.sides[ALICE].invite(pair.now, &invitation).unwrap();
    pair.run(Duration::from_millis(50));
    let events = pair.take(BOB);
    let [Event::Incoming { caller, session, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((caller.user.as_deref(), caller.name.as_deref(), caller.withheld), (None, None, true));
    let session = *session;
    pair.sides[BOB].end(pair.now, session, 17);
    pair.settle();
}
