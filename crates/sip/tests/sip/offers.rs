//! Offers and answers in all their places: early media, PRACK, hold, glare, refresh (RFC 3262, 3264, 3311, 4028).

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::Event;
use strowger_sip::message::{Message, Name, Status};

use super::pair::{ALICE, BOB, Fate, Pair, audio, config};
use super::raw::{OFFER, Raw, request};

#[test]
fn early_media_are_heard_reliably_and_the_answer_comes_behind_the_prack() {
    let mut pair = Pair::new();
    let alice = pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    pair.sides[BOB].progress(pair.now, bob, Status::SESSION_PROGRESS, Some(&audio(BOB, 4000))).unwrap();
    // The answer waits for the PRACK.
    pair.sides[BOB].answer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.collect();
    assert_eq!(pair.count(BOB, "SIP/2.0 200"), 0);
    pair.run(Duration::from_secs(1));
    let events = pair.take(ALICE);
    let [
        Event::Progress { status: Status::SESSION_PROGRESS, description: Some(_), .. },
        Event::Answered { description, .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(String::from_utf8_lossy(description).contains("m=audio 4000"));
    assert_eq!((pair.count(ALICE, "PRACK"), pair.count(ALICE, "ACK")), (1, 1));
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.settle();
}

#[test]
fn a_lost_prack_is_sent_again_and_the_provisional_response_too() {
    let mut pair = Pair::new();
    let mut lost = 0;
    pair.network(move |_, line| {
        let hit = line.starts_with("SIP/2.0 183") || line.starts_with("PRACK");
        lost += u32::from(hit);
        if hit && lost <= 3 { Fate::IsLost } else { Fate::Arrives }
    });
    let alice = pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    pair.sides[BOB].progress(pair.now, bob, Status::SESSION_PROGRESS, Some(&audio(BOB, 4000))).unwrap();
    pair.run(Duration::from_secs(8));
    pair.sides[BOB].answer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.run(Duration::from_secs(2));
    let progress = |event: &&Event| matches!(event, Event::Progress { status: Status::SESSION_PROGRESS, .. });
    assert_eq!(pair.take(ALICE).iter().filter(progress).count(), 1);
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.settle();
}

#[test]
fn a_provisional_response_that_nobody_acknowledges_ends_the_call() {
    let mut pair = Pair::new();
    pair.network(|_, line| if line.starts_with("PRACK") { Fate::IsLost } else { Fate::Arrives });
    pair.call();
    pair.run(Duration::from_millis(50));
    let bob = pair.incoming();
    pair.sides[BOB].progress(pair.now, bob, Status::SESSION_PROGRESS, Some(&audio(BOB, 4000))).unwrap();
    pair.run(Duration::from_secs(33));
    assert_eq!(pair.count(BOB, "SIP/2.0 504"), 1);
    pair.settle();
}

#[test]
fn hold_and_retrieval_are_new_offers_that_count_their_versions() {
    let mut pair = Pair::new();
    let (alice, bob) = pair.talk();
    assert!(
        !pair.sides[ALICE].offer(pair.now, alice, &audio(ALICE, 3000), Direction::SendRecv),
        "nothing is new"
    );
    assert!(pair.sides[ALICE].offer(pair.now, alice, &audio(ALICE, 3000), Direction::SendOnly));
    pair.run(Duration::from_millis(50));
    let events = pair.take(BOB);
    let [Event::Offered { description, .. }] = &events[..] else { panic!("{events:?}") };
    let text = String::from_utf8_lossy(description).into_owned();
    assert!(text.contains("a=sendonly") && text.contains(" 2 IN IP4 192.0.2.1"), "{text}");
    pair.sides[BOB].answer_offer(pair.now, bob, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    pair.run(Duration::from_millis(100));
    let events = pair.take(ALICE);
    let [Event::Agreed { description, .. }] = &events[..] else { panic!("{events:?}") };
    assert!(String::from_utf8_lossy(description).contains("a=recvonly"));
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.settle();
}

#[test]
fn offers_that_meet_are_both_refused_with_491_and_made_again_one_behind_the_other() {
    let mut pair = Pair::new();
    let (alice, bob) = pair.talk();
    assert!(pair.sides[ALICE].offer(pair.now, alice, &audio(ALICE, 3002), Direction::SendRecv));
    assert!(pair.sides[BOB].offer(pair.now, bob, &audio(BOB, 4002), Direction::SendRecv));
    let (mut agreed, until) = ([0, 0], pair.now + Duration::from_secs(10));
    while pair.step(until) {
        for (side, session, port) in [(ALICE, alice, 3002), (BOB, bob, 4002)] {
            for event in pair.take(side) {
                match event {
                    Event::Offered { .. } => {
                        let own = audio(side, port);
                        pair.sides[side].answer_offer(pair.now, session, &own, Direction::SendRecv).unwrap();
                    }
                    Event::Agreed { .. } => agreed[side] += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(pair.count(ALICE, "SIP/2.0 491") == 1 && pair.count(BOB, "SIP/2.0 491") == 1);
    // Bob, who waits less, offers first; Alice answers with what she wanted to offer, and need not offer it.
    assert!(agreed[BOB] == 1 && agreed[ALICE] <= 1, "{agreed:?}");
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.settle();
}

#[test]
fn a_session_is_refreshed_by_its_caller_at_half_its_interval() {
    let (mut alice, bob) = (config(ALICE), config(BOB));
    alice.session_expires = Some(90);
    let mut pair = Pair::with(alice, bob);
    let (alice, _) = pair.talk();
    pair.run(Duration::from_secs(50));
    assert_eq!(pair.count(ALICE, "INVITE"), 2);
    pair.run(Duration::from_secs(300));
    assert!(pair.count(ALICE, "INVITE") >= 8);
    assert!(pair.take(BOB).is_empty() && pair.sides[BOB].sessions() == 1);
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.settle();
}

#[test]
fn a_session_that_is_not_refreshed_is_ended_by_the_other_side() {
    let (mut alice, bob) = (config(ALICE), config(BOB));
    alice.session_expires = Some(90);
    let mut pair = Pair::with(alice, bob);
    pair.talk();
    pair.network(|side, _| if side == ALICE { Fate::IsLost } else { Fate::Arrives });
    pair.run(Duration::from_secs(65));
    assert!(matches!(pair.take(BOB)[..], [Event::Ended { cause: 102, .. }]));
    pair.network(|_, _| Fate::Arrives);
    pair.settle();
}

#[test]
fn a_session_interval_that_is_too_short_is_asked_for_again() {
    let (mut alice, mut bob) = (config(ALICE), config(BOB));
    (alice.session_expires, alice.min_se) = (Some(90), 90);
    bob.min_se = 600;
    let mut pair = Pair::with(alice, bob);
    let (alice, _) = pair.talk();
    assert_eq!((pair.count(BOB, "SIP/2.0 422"), pair.count(ALICE, "INVITE")), (1, 2));
    pair.run(Duration::from_secs(310));
    assert_eq!(pair.count(ALICE, "INVITE"), 3);
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.settle();
}

#[test]
fn provisional_responses_that_must_be_reliable_wait_for_each_other() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "Require: 100rel\r\n", OFFER));
    let Some(Event::Incoming { session, .. }) = raw.events().pop() else { panic!("no call") };
    raw.agent.progress(raw.now, session, Status::FORWARDED, None).unwrap();
    raw.agent.progress(raw.now, session, Status::RINGING, None).unwrap();
    let heard = raw.heard();
    let [forwarded] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(forwarded.status(), Some(Status::FORWARDED));
    assert!(forwarded.header.lists(&Name::Require, "100rel"));
    let rseq = forwarded.header.number(&Name::RSeq).unwrap();
    let tag = forwarded.header.to().unwrap().tag().unwrap().to_owned();
    let rack = |rseq: u32| format!("RAck: {rseq} 1 INVITE\r\n");
    let heard = raw.say(request("PRACK", "2", 2, &tag, &rack(rseq), ""));
    let statuses: Vec<_> = heard.iter().filter_map(Message::status).collect();
    assert_eq!(statuses, [Status::OK, Status::RINGING]);
    assert_eq!(heard[1].header.number(&Name::RSeq), Some(rseq + 1));
    assert_eq!(raw.statuses(request("PRACK", "3", 3, &tag, &rack(rseq + 1), "")), [200]);
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    assert_eq!(raw.heard()[0].status(), Some(Status::OK));
}

#[test]
fn an_answer_overtakes_what_waits_to_be_said_before_it() {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", "Require: 100rel\r\n", OFFER));
    let Some(Event::Incoming { session, .. }) = raw.events().pop() else { panic!("no call") };
    raw.agent.progress(raw.now, session, Status::FORWARDED, None).unwrap();
    raw.agent.progress(raw.now, session, Status::RINGING, None).unwrap();
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let forwarded = raw.heard().remove(0);
    let rseq = forwarded.header.number(&Name::RSeq).unwrap();
    let tag = forwarded.header.to().unwrap().tag().unwrap().to_owned();
    let prack = request("PRACK", "2", 2, &tag, &format!("RAck: {rseq} 1 INVITE\r\n"), "");
    assert_eq!(raw.statuses(prack), [200, 200], "to PRACK and to INVITE");
}
