//! Transfer by REFER and by INVITE with `Replaces` (RFC 3515, RFC 3891, RFC 4488).

use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, Referral, Referrals, Replaced, SessionId};
use strowger_sip::message::{Method, Name, Status, Uri};

use super::pair::{ALICE, BOB, Pair, audio, config, invitation};
use super::raw::{OFFER, Raw, request, response};

fn pair() -> Pair {
    let [alice, bob] = [ALICE, BOB].map(|side| {
        let mut config = config(side);
        config.peers[0].referrals = Referrals::Accepted;
        config
    });
    Pair::with(alice, bob)
}

fn uri(text: &'static str) -> Uri<'static> {
    Uri::parse(text).unwrap()
}

fn referral(events: &[Event]) -> Referral {
    let found = events.iter().find_map(|event| match event {
        Event::Referred { referral, .. } => Some((**referral).clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no REFER in {events:?}"))
}

/// What the sender of a REFER hears.
fn told(events: &[Event]) -> Vec<u16> {
    let status = |event: &Event| match event {
        Event::Transferring { status, .. } => Some(status.code()),
        _ => None,
    };
    events.iter().filter_map(status).collect()
}

#[test]
fn a_party_is_sent_to_a_number_and_who_sends_it_hears_how_that_goes() {
    let mut pair = pair();
    let (alice, bob) = pair.talk();
    assert!(pair.sides[ALICE].refer(pair.now, alice, &uri("sip:2005@192.0.2.2"), None));
    assert!(!pair.sides[ALICE].refer(pair.now, alice, &uri("sip:2006@192.0.2.2"), None), "one at a time");
    pair.run(Duration::from_millis(50));
    let asked = referral(&pair.take(BOB));
    assert_eq!((asked.uri.to_string(), asked.replaces), ("sip:2005@192.0.2.2".into(), None));
    assert!(asked.by.unwrap().contains("sip:2001@"));
    pair.sides[BOB].accept_referral(pair.now, bob);
    // The party leaves; its BYE waits until the outcome was told.
    pair.sides[BOB].end(pair.now, bob, 16);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.count(BOB, "SIP/2.0 202"), 1);
    pair.sides[BOB].tell_referral(pair.now, bob, Status::RINGING);
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.count(BOB, "BYE"), 0);
    pair.sides[BOB].tell_referral(pair.now, bob, Status::OK);
    pair.run(Duration::from_millis(100));
    assert_eq!(told(&pair.take(ALICE)), [100, 180, 200]);
    assert_eq!((pair.count(BOB, "NOTIFY"), pair.count(BOB, "BYE")), (3, 1));
    pair.settle();
}

#[test]
fn a_session_is_named_that_is_to_be_replaced() {
    let mut pair = pair();
    let (first, bobs_first) = pair.talk();
    let (second, bobs_second) = pair.talk();
    assert!(pair.sides[ALICE].refer(pair.now, first, &uri("sip:2002@192.0.2.2"), Some(second)));
    pair.run(Duration::from_millis(50));
    let asked = referral(&pair.take(BOB));
    let replaced = asked.replaces.unwrap();
    assert_eq!(pair.sides[BOB].session_to_replace(&replaced), Some(bobs_second));
    let stranger = Replaced { from_tag: "another".into(), ..replaced };
    assert_eq!(pair.sides[BOB].session_to_replace(&stranger), None, "both tags count");
    pair.sides[BOB].refuse_referral(pair.now, bobs_first, Status::DECLINE);
    pair.run(Duration::from_millis(50));
    assert_eq!(told(&pair.take(ALICE)), [603]);
    for session in [first, second] {
        pair.sides[ALICE].end(pair.now, session, 16);
    }
    pair.settle();
}

#[test]
fn who_sends_a_party_away_and_hangs_up_hears_how_it_went() {
    let mut pair = pair();
    let (alice, bob) = pair.talk();
    pair.sides[ALICE].refer(pair.now, alice, &uri("sip:2005@192.0.2.2"), None);
    pair.run(Duration::from_millis(50));
    pair.sides[BOB].accept_referral(pair.now, bob);
    pair.sides[BOB].end(pair.now, bob, 16);
    pair.sides[ALICE].end(pair.now, alice, 16);
    pair.run(Duration::from_secs(1));
    // The sessions are over, and the subscription is not (RFC 5057 section 4.1).
    assert_eq!(pair.sides.each_ref().map(strowger_sip::agent::UserAgent::sessions), [0, 0]);
    assert!(pair.sides[BOB].reports_to(bob));
    let answered = pair.count(ALICE, "SIP/2.0 200");
    pair.sides[BOB].tell_referral(pair.now, bob, Status::RINGING);
    pair.sides[BOB].tell_referral(pair.now, bob, Status::OK);
    pair.run(Duration::from_secs(1));
    assert_eq!((pair.count(BOB, "NOTIFY"), pair.count(ALICE, "SIP/2.0 200") - answered), (3, 2));
    assert!(!pair.sides[BOB].reports_to(bob));
    pair.settle();
    assert_eq!(pair.count(BOB, "BYE"), 0);
    // That was the last word.
    pair.sides[BOB].tell_referral(pair.now, bob, Status::OK);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.count(BOB, "NOTIFY"), 3);
}

#[test]
fn what_is_left_of_a_dialog_behind_its_bye_is_the_subscription_alone() {
    let mut raw = accepting();
    let (session, tag) = talk(&mut raw);
    assert!(raw.say(request("REFER", "3", 2, &tag, "Refer-To: <sip:1@192.0.2.2>\r\n", "")).is_empty());
    raw.agent.accept_referral(raw.now, session);
    let first = raw.heard().remove(1);
    raw.say(response(&first, "200 OK", "a1", "", "").replace(";tag=a1;tag=a1", ";tag=a1"));
    assert_eq!(raw.statuses(request("BYE", "4", 3, &tag, "", "")), [200]);
    assert!(matches!(raw.events().last(), Some(Event::Closed { .. })));
    assert_eq!(raw.statuses(request("BYE", "5", 4, &tag, "", "")), [481]);
    assert_eq!(raw.statuses(request("INVITE", "6", 5, &tag, "", OFFER)), [481]);
    assert_eq!(raw.statuses(request("OPTIONS", "7", 6, &tag, "", "")), [200]);
    assert_eq!(raw.statuses(request("OPTIONS", "8", 6, &tag, "", "")), [500], "numbers rise still");
    // The next word is told by the same dialog.
    raw.agent.tell_referral(raw.now, session, Status::BUSY_HERE);
    let last = raw.heard().remove(0);
    assert_eq!(last.header.get(&Name::From), first.header.get(&Name::From));
    assert_eq!(last.header.cseq().unwrap().number, first.header.cseq().unwrap().number + 1);
    assert_eq!(last.header.get(&Name::SubscriptionState), Some("terminated;reason=noresource"));
    raw.say(response(&last, "200 OK", "a1", "", "").replace(";tag=a1;tag=a1", ";tag=a1"));
    assert_eq!(raw.statuses(request("OPTIONS", "9", 7, &tag, "", "")), [200], "as of anybody");
    assert!(!raw.agent.reports_to(session));
    // One who does not know it any more hears nothing more, and five minutes are enough.
    for (answer, knows) in [("481 Call/Transaction Does Not Exist", false), ("200 OK", true)] {
        let mut raw = accepting();
        let (session, tag) = talk(&mut raw);
        raw.say(request("REFER", "3", 2, &tag, "Refer-To: <sip:1@192.0.2.2>\r\n", ""));
        raw.agent.accept_referral(raw.now, session);
        let first = raw.heard().remove(1);
        assert_eq!(raw.statuses(request("BYE", "4", 3, &tag, "", "")), [200]);
        raw.say(response(&first, answer, "a1", "", "").replace(";tag=a1;tag=a1", ";tag=a1"));
        let heard = raw.wait(Duration::from_secs(299));
        assert!(heard.is_empty(), "{heard:?}");
        let heard = raw.wait(Duration::from_secs(2));
        assert_eq!(!heard.is_empty(), knows, "{answer}");
        raw.wait(Duration::from_secs(60));
        assert!(!raw.agent.reports_to(session));
    }
}

#[test]
fn who_has_sent_a_party_away_in_vain_has_it_back() {
    let mut pair = pair();
    let (alice, bob) = pair.talk();
    pair.sides[ALICE].refer(pair.now, alice, &uri("sip:2005@192.0.2.2"), None);
    pair.run(Duration::from_millis(50));
    pair.sides[BOB].accept_referral(pair.now, bob);
    pair.sides[BOB].end(pair.now, bob, 16);
    assert!(pair.sides[BOB].take_back(bob));
    pair.sides[BOB].tell_referral(pair.now, bob, Status::BUSY_HERE);
    pair.run(Duration::from_secs(60));
    assert_eq!(told(&pair.take(ALICE)), [100, 486]);
    assert_eq!(pair.count(BOB, "BYE"), 0, "they talk on");
    assert!(!pair.sides[BOB].take_back(bob), "there is nothing to be taken back");
    pair.sides[BOB].end(pair.now, bob, 16);
    pair.settle();
}

#[test]
fn a_transfer_of_which_nobody_knows_ends_after_five_minutes() {
    let mut pair = pair();
    let (alice, bob) = pair.talk();
    pair.sides[ALICE].refer(pair.now, alice, &uri("sip:2005@192.0.2.2"), None);
    pair.run(Duration::from_millis(50));
    pair.sides[BOB].accept_referral(pair.now, bob);
    pair.sides[BOB].end(pair.now, bob, 16);
    pair.run(Duration::from_secs(299));
    assert_eq!(pair.count(BOB, "BYE"), 0);
    pair.run(Duration::from_secs(2));
    assert_eq!(told(&pair.take(ALICE)), [100, 408]);
    pair.settle();
}

/// A call that the peer has answered, with the tag of this side and its INVITE's `Call-ID`.
fn talk(raw: &mut Raw) -> (SessionId, String) {
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let session = raw.events().iter().find_map(|event| match event {
        Event::Incoming { session, .. } => Some(*session),
        _ => None,
    });
    let session = session.unwrap();
    raw.agent.answer(raw.now, session, &audio(BOB, 4000), Direction::SendRecv).unwrap();
    let tag = raw.heard()[0].header.to().unwrap().tag().unwrap().to_owned();
    raw.say(request("ACK", "2", 1, &tag, "", ""));
    raw.events();
    (session, tag)
}

fn accepting() -> Raw {
    let mut config = config(BOB);
    config.peers[0].referrals = Referrals::Accepted;
    Raw::with(config)
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut raw = accepting();
    let (session, tag) = talk(&mut raw);
    let mut number = 1;
    let mut refer = |raw: &mut Raw, more: &str| {
        number += 1;
        raw.statuses(request("REFER", &format!("r{number}"), number, &tag, more, ""))
    };
    assert_eq!(refer(&mut raw, ""), [400], "exactly one Refer-To");
    assert_eq!(refer(&mut raw, "Refer-To: <sip:1@192.0.2.2>\r\nRefer-To: <sip:2@192.0.2.2>\r\n"), [400]);
    assert_eq!(refer(&mut raw, "Refer-To: <http://192.0.2.2/>\r\n"), [416]);
    assert_eq!(refer(&mut raw, "Refer-To: <sip:1@192.0.2.2;method=SUBSCRIBE>\r\n"), [501]);
    assert_eq!(refer(&mut raw, "Refer-To: <sip:1@192.0.2.2?Replaces=only-an-id>\r\n"), [400]);
    assert!(!raw.events().iter().any(|event| matches!(event, Event::Referred { .. })));
    assert!(refer(&mut raw, "Refer-To: <sip:1@192.0.2.2>\r\n").is_empty(), "it is for the user to judge");
    assert_eq!(refer(&mut raw, "Refer-To: <sip:2@192.0.2.2>\r\n"), [491], "one at a time");
    raw.agent.refuse_referral(raw.now, session, Status::FORBIDDEN);
    assert_eq!(raw.heard()[0].status(), Some(Status::FORBIDDEN));
}

#[test]
fn a_peer_that_may_not_transfer_is_declined_and_a_refer_of_nothing_too() {
    let mut raw = Raw::new();
    let (_, tag) = talk(&mut raw);
    let more = "Refer-To: <sip:1@192.0.2.2>\r\n";
    assert_eq!(raw.statuses(request("REFER", "3", 2, &tag, more, "")), [603]);
    assert_eq!(raw.statuses(request("REFER", "4", 2, "nobody", more, "")), [481]);
    // Outside of a dialog there is nobody to be sent.
    assert_eq!(raw.statuses(request("REFER", "5", 2, "", more, "")), [403]);
    assert_eq!(raw.statuses(request("REFER", "6", 3, "", "", "")), [400]);
    assert!(raw.events().is_empty());
}

#[test]
fn notifications_say_what_rfc_3515_asks_for() {
    let mut raw = accepting();
    let (session, tag) = talk(&mut raw);
    for (turn, branch) in [(0_u32, "3"), (1, "4")] {
        let refer = request("REFER", branch, 2 + turn, &tag, "Refer-To: <sip:1@192.0.2.2>\r\n", "");
        assert!(raw.say(refer).is_empty());
        raw.agent.accept_referral(raw.now, session);
        let heard = raw.heard();
        assert_eq!(heard[0].status(), Some(Status::ACCEPTED));
        assert!(heard[0].header.contact().is_some());
        let notify = &heard[1];
        assert_eq!(notify.method(), Some(&Method::Notify));
        // The second of a dialog is told from the first by the number of its REFER.
        let event = if turn == 0 { "refer" } else { "refer;id=3" };
        assert_eq!(notify.header.get(&Name::Event), Some(event));
        assert!(notify.header.get(&Name::SubscriptionState).unwrap().starts_with("active;expires="));
        assert_eq!(notify.header.get(&Name::ContentType), Some("message/sipfrag;version=2.0"));
        assert_eq!(&*notify.body, b"SIP/2.0 100 Trying\r\n");
        raw.say(response(notify, "200 OK", "a1", "", "").replace(";tag=a1;tag=a1", ";tag=a1"));
        raw.agent.tell_referral(raw.now, session, Status::BUSY_HERE);
        let last = raw.heard().remove(0);
        assert_eq!(last.header.get(&Name::SubscriptionState), Some("terminated;reason=noresource"));
        assert_eq!(&*last.body, b"SIP/2.0 486 Busy Here\r\n");
        raw.say(response(&last, "200 OK", "a1", "", "").replace(";tag=a1;tag=a1", ";tag=a1"));
        raw.agent.tell_referral(raw.now, session, Status::OK);
        assert!(raw.heard().is_empty(), "that was the last word");
    }
}

#[test]
fn who_wants_to_hear_nothing_hears_nothing() {
    let mut raw = accepting();
    let (session, tag) = talk(&mut raw);
    let more = "Refer-To: <sip:1@192.0.2.2>\r\nRefer-Sub: false\r\nRequire: norefersub\r\n";
    assert!(raw.say(request("REFER", "3", 2, &tag, more, "")).is_empty());
    raw.agent.accept_referral(raw.now, session);
    let heard = raw.heard();
    assert_eq!((heard.len(), heard[0].header.get(&Name::ReferSub)), (1, Some("false")));
    raw.agent.end(raw.now, session, 16);
    raw.agent.tell_referral(raw.now, session, Status::OK);
    let heard = raw.heard();
    assert_eq!(
        heard.iter().map(|one| one.method().unwrap().as_str().to_owned()).collect::<Vec<_>>(),
        ["BYE"]
    );
}

#[test]
fn a_subscription_that_its_owner_does_not_know_is_over() {
    let mut raw = accepting();
    let (session, tag) = talk(&mut raw);
    assert!(raw.say(request("REFER", "3", 2, &tag, "Refer-To: <sip:1@192.0.2.2>\r\n", "")).is_empty());
    raw.agent.accept_referral(raw.now, session);
    let notify = raw.heard().remove(1);
    raw.say(response(&notify, "481 Call/Transaction Does Not Exist", "a1", "", ""));
    raw.agent.tell_referral(raw.now, session, Status::OK);
    assert!(raw.heard().is_empty());
    raw.agent.end(raw.now, session, 16);
    assert_eq!(raw.heard()[0].method(), Some(&Method::Bye));
}

#[test]
fn a_notification_that_nobody_has_asked_for_is_refused() {
    let mut raw = accepting();
    let (_, tag) = talk(&mut raw);
    let more = "Event: refer\r\nSubscription-State: active\r\n";
    assert_eq!(raw.statuses(request("NOTIFY", "3", 2, &tag, more, "")), [481]);
    assert_eq!(raw.statuses(request("NOTIFY", "4", 2, "", more, "")), [481]);
    assert!(raw.events().is_empty());
}

/// An INVITE of another dialog with this `Replaces`.
fn replacing(value: &str) -> String {
    request("INVITE", "x", 1, "", &format!("Require: replaces\r\nReplaces: {value}\r\n"), OFFER)
        .replace("Call-ID: c1@", "Call-ID: c2@")
        .replace(">;tag=a1", ">;tag=a2")
}

#[test]
fn an_invite_may_take_the_place_of_a_session() {
    let mut raw = accepting();
    let (session, tag) = talk(&mut raw);
    raw.say(replacing(&format!("c1@192.0.2.1;to-tag={tag};from-tag=a1")));
    let events = raw.events();
    assert!(
        matches!(&events[..], [Event::Incoming { replaces: Some(old), .. }] if *old == session),
        "{events:?}"
    );
}

#[test]
fn an_invite_that_may_not_take_a_place_is_refused() {
    let good = |tag: &str| format!("c1@192.0.2.1;to-tag={tag};from-tag=a1");
    let cases: [(&str, u16); 4] = [
        ("c9@192.0.2.1;to-tag=b;from-tag=a1", 481),
        ("c1@192.0.2.1;from-tag=a1", 400),
        ("EARLY", 486),
        ("ENDED", 603),
    ];
    for (value, status) in cases {
        let mut raw = accepting();
        let (session, tag) = talk(&mut raw);
        let value = match value {
            "EARLY" => good(&tag) + ";early-only",
            "ENDED" => {
                raw.agent.end(raw.now, session, 16);
                raw.heard();
                good(&tag)
            }
            other => other.to_owned(),
        };
        let heard = raw.statuses(replacing(&value));
        assert_eq!(heard, [status], "{value}");
        assert!(!raw.events().iter().any(|event| matches!(event, Event::Incoming { .. })));
    }
    // A peer that may not transfer, and a session that nobody has answered yet.
    let mut raw = Raw::new();
    let (_, tag) = talk(&mut raw);
    assert_eq!(raw.statuses(replacing(&good(&tag))), [403]);
    let mut raw = accepting();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "180 Ringing", "e1", "Contact: <sip:192.0.2.1>\r\n", ""));
    let (id, from) =
        (invite.header.call_id().unwrap(), invite.header.from().unwrap().tag().unwrap().to_owned());
    // Of a dialog that this side has begun that may be said before the answer (RFC 3891 section 3), of no other.
    assert_eq!(raw.statuses(replacing(&format!("{id};to-tag={from};from-tag=e2"))), [481]);
    let value = format!("{id};to-tag={from};from-tag=e1;early-only");
    let heard = raw.statuses(replacing(&value).replace("z9hG4bK", "z9hG4bKe").replace("c2@", "c3@"));
    assert!(heard.iter().all(|status| *status == 100), "{heard:?}");
    assert!(raw.events().iter().any(|event| matches!(event, Event::Incoming { replaces: Some(_), .. })));
    let mut raw = accepting();
    raw.say(request("INVITE", "1", 1, "", "", OFFER));
    let session = match raw.events().pop() {
        Some(Event::Incoming { session, .. }) => session,
        other => panic!("no call: {other:?}"),
    };
    raw.agent.progress(raw.now, session, Status::RINGING, None).unwrap();
    let tag = raw.heard().pop().unwrap().header.to().unwrap().tag().unwrap().to_owned();
    assert_eq!(raw.statuses(replacing(&good(&tag))), [481]);
}
