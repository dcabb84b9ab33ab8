//! What a SIP telephone does beyond plain calls: hold, a second call, feature codes, hunt groups.

use strowger_exchange::{Event, Forward, Ring, Setting};
use strowger_sansio::Duration;
use strowger_sdp::Direction;
use strowger_sip::message::Name;

use crate::phones::world;
use crate::sip_peer::with_phones;
use crate::world::{World, all, town};

#[test]
fn a_line_puts_a_telephone_on_hold_and_returns() {
    let mut world = world(with_phones(all(), &["Gwen"]));
    world.phone_calls("2007", "2001");
    world.lift("2001");
    world.flash("2001");
    assert!(world.phone("2007").described().contains("a=sendonly"));
    world.phone_accepts("2007");
    world.flash("2001");
    assert!(!world.phone("2007").described().contains("a=sendonly"));
    world.phone_accepts("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_telephone_puts_a_line_on_hold_and_returns() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    let session = world.phone_calls("2007", "2001");
    world.lift("2001");
    let held = |world: &World| {
        world.events.iter().filter(|event| matches!(event, Event::Held { by, .. } if by == "2007")).count()
    };
    // With music of its own the telephone is heard.
    world.phone_turns("2007", session, Direction::SendOnly);
    assert_eq!((world.hears("2001").as_str(), held(&world)), ("", 1));
    assert_eq!(world.line("2007").calls.held, world.line("2001").calls.active);
    world.phone_turns("2007", session, Direction::SendRecv);
    assert!(world.talks_with_phone("2001", "2007"));
    assert_eq!((world.line("2007").calls.held, held(&world)), (None, 1));
    // Without any the line hears that it waits.
    world.phone_turns("2007", session, Direction::Inactive);
    assert_ne!(world.hears("2001"), "");
    world.phone_turns("2007", session, Direction::SendRecv);
    assert_eq!(world.hears("2001"), "");
    assert!(world.talks_with_phone("2001", "2007"));
    world.phone_ends("2007", session, 16);
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_call_waits_for_a_telephone_which_takes_it_and_changes_between_the_two() {
    let mut inventory = with_phones(town(), &["Gwen"]);
    inventory.lines.last_mut().unwrap().features.call_waiting = true;
    let mut world = world(inventory);
    world.exchange.set(world.now, "2007", &Setting::CallWaiting(true)).unwrap();
    let first = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.lift("2004");
    world.dial("2004", "2007");
    world.phone_rings("2007");
    assert_eq!(world.hears("2004"), "G/rt");
    assert!(world.line("2007").calls.waiting.is_some());
    // A third finds it busy.
    world.lift("2005");
    world.dial("2005", "2007");
    assert_eq!(world.hears("2005"), "L/bz");
    world.hang_up("2005");
    world.phone_turns("2007", first, Direction::SendOnly);
    world.phone_answers("2007");
    assert!(world.talks_with_phone("2004", "2007"));
    let calls = world.line("2007").calls;
    assert_eq!(
        (calls.active, calls.held),
        (world.line("2004").calls.active, world.line("2001").calls.active)
    );
    let second = world.phone("2007").incoming();
    world.phone_turns("2007", second, Direction::SendOnly);
    world.phone_turns("2007", first, Direction::SendRecv);
    let calls = world.line("2007").calls;
    assert_eq!(
        (calls.active, calls.held),
        (world.line("2001").calls.active, world.line("2004").calls.active)
    );
    world.phone_ends("2007", first, 16);
    world.phone_turns("2007", second, Direction::SendRecv);
    assert!(world.talks_with_phone("2004", "2007"));
    world.phone_ends("2007", second, 16);
    world.hang_up("2001");
    world.hang_up("2004");
    world.end_of_phones();
}

#[test]
fn a_telephone_consults_and_has_two_calls_and_no_third() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    let first = world.phone_calls("2007", "2001");
    world.lift("2001");
    world.phone_turns("2007", first, Direction::SendOnly);
    let second = world.phone_calls("2007", "2004");
    world.lift("2004");
    assert!(world.talks_with_phone("2004", "2007"));
    let calls = world.line("2007").calls;
    assert!(calls.active.is_some() && calls.held.is_some());
    world.phone_calls("2007", "2005");
    assert_eq!(world.last("2007"), "503");
    world.phone_ends("2007", second, 16);
    world.phone_turns("2007", first, Direction::SendRecv);
    assert!(world.talks_with_phone("2001", "2007"));
    world.phone_ends("2007", first, 16);
    world.hang_up("2001");
    world.hang_up("2004");
    world.end_of_phones();
}

#[test]
fn a_telephone_dials_feature_codes_as_a_whole() {
    let mut inventory = with_phones(town(), &["Gwen", "Hugh"]);
    inventory.codes = strowger_exchange::Codes::of(inventory.country);
    let mut world = world(inventory);
    // What is done is acknowledged by an answer that ends at once.
    let forwards = |world: &World| {
        let settings = world.exchange.settings("2007").unwrap();
        settings.into_iter().find_map(|setting| match setting {
            Setting::Forward(Forward::Always, to) => Some(to),
            _ => None,
        })
    };
    world.phone_calls("2007", "*722004");
    assert_eq!(forwards(&world), Some(Some("2004".to_owned())));
    assert_eq!(world.phone("2007").words(), ["200", "BYE"]);
    assert_eq!(world.ended[0].answer, None, "nobody pays for it");
    world.lift("2001");
    world.dial("2001", "2007");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.hang_up("2001");
    world.phone_calls("2007", "*73");
    assert_eq!(forwards(&world), Some(None));
    // Half of one is too short, and what cannot be is refused.
    for (dialled, status) in [("*72", "484"), ("*722999", "404"), ("*99", "404")] {
        world.phone_calls("2007", dialled);
        assert_eq!(world.last("2007"), status, "{dialled}");
    }
    world.phone_calls("2008", "*69");
    assert_eq!(world.last("2008"), "501", "nobody has called it");
    // The number withheld for one call, and the last caller called back.
    let session = world.phone_calls("2007", "*672001");
    assert_eq!(world.hears("2001"), "L/rg,L/ci(\"\",P,P)");
    world.phone_ends("2007", session, 16);
    world.lift("2001");
    world.dial("2001", "2008");
    world.hang_up("2001");
    let session = world.phone_calls("2008", "*69");
    assert_eq!(world.hears("2001"), "L/rg,L/ci(\"\",\"2008\",\"Hugh\")");
    world.phone_ends("2008", session, 16);
    world.end_of_phones();
}

#[test]
fn a_telephone_that_does_not_want_to_be_known_is_not() {
    let mut world = world(with_phones(town(), &["Gwen", "Hugh"]));
    world.exchange.set(world.now, "2008", &Setting::WithholdNumber(true)).unwrap();
    let session = world.phone_calls("2008", "2007");
    let from = world.phone("2007").heard[0].header.get(&Name::From).unwrap().to_owned();
    assert!(from.starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>"), "{from}");
    world.phone_ends("2008", session, 16);
    world.end_of_phones();
}

#[test]
fn telephones_are_members_of_hunt_groups() {
    let mut inventory = with_phones(town(), &["Gwen"]);
    inventory.groups.push(strowger_exchange::GroupEntry {
        ring: Duration::from_secs(10),
        ..strowger_exchange::GroupEntry::new("2100", &["2007", "2004"])
    });
    assert_eq!(inventory.check(), []);
    let mut world = world(inventory);
    world.lift("2001");
    world.dial("2001", "2100");
    assert_eq!(world.phone("2007").words(), ["INVITE"]);
    world.phone_rings("2007");
    world.patiently(|world| world.hears("2004").starts_with("L/rg"));
    assert_eq!(world.phone("2007").words(), ["INVITE", "CANCEL", "ACK"]);
    world.hang_up("2001");
    // One that is registered nowhere is passed over.
    world.phones.clear();
    world.pass(3601);
    world.lift("2001");
    world.dial("2001", "2100");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_telephone_shows_that_messages_wait_when_a_lines_lamp_would_be_lit() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    for number in 1..=2 {
        world.phone("2007").subscribe("message-summary", number);
        world.settle();
    }
    assert_eq!(world.phone("2007").words(), ["401", "200", "NOTIFY"]);
    assert!(world.phone("2007").told().unwrap().starts_with("Messages-Waiting: no\r\n"));
    // The same word that lights the lamp of a line on a gateway.
    for (on, lamp, told) in [(true, "L/vmwi(+)", "yes"), (false, "L/vmwi(-)", "no")] {
        for line in ["2001", "2007"] {
            world.exchange.set(world.now, line, &Setting::MessageWaiting(on)).unwrap();
        }
        world.settle();
        assert_eq!(world.hears("2001"), lamp);
        let body = world.phone("2007").told().unwrap();
        assert_eq!(body, format!("Messages-Waiting: {told}\r\nMessage-Account: sip:desk-2007@127.0.0.1\r\n"));
    }
    // Nobody says anything of others' presence.
    for number in 3..=4 {
        world.phone("2007").subscribe("presence", number);
        world.settle();
    }
    assert_eq!(world.last("2007"), "489");
    // Calls go as ever.
    world.lift("2001");
    world.dial("2001", "2007");
    assert_eq!(world.last("2007"), "INVITE");
    world.hang_up("2001");
    world.pass(3700);
    let last =
        world.phone("2007").heard.iter().rev().find(|one| one.header.get(&Name::SubscriptionState).is_some());
    let state = last.unwrap().header.get(&Name::SubscriptionState).unwrap().to_owned();
    assert_eq!(state, "terminated;reason=timeout");
    world.end_of_phones();
}

#[test]
fn messages_that_wait_from_the_start_are_told_to_whoever_subscribes_or_registers() {
    let mut inventory = with_phones(town(), &["Gwen"]);
    let line = inventory.lines.last_mut().unwrap();
    let strowger_exchange::LineAccess::Sip(phone) = &mut line.access else { panic!("no telephone") };
    phone.notices = strowger_exchange::Notices::Unsolicited;
    inventory.subscriptions.insert(
        "2007".to_owned(),
        strowger_exchange::Subscription { message_waiting: true, ..Default::default() },
    );
    let mut world = World::new(inventory);
    world.pass(5);
    world.phones.push(crate::sip_peer::SipPeer::phone(world.now, "2007", 41));
    world.pass(2);
    assert_eq!(world.phone("2007").words(), ["401", "200", "NOTIFY"]);
    assert!(world.phone("2007").told().unwrap().starts_with("Messages-Waiting: yes\r\n"));
}

#[test]
fn a_telephone_is_told_how_a_call_rings() {
    let mut inventory = with_phones(town(), &["Gwen"]);
    let rings = vec![("2001".to_owned(), Ring::Pattern(3)), ("2002".to_owned(), Ring::Pattern(0))];
    let subscription = strowger_exchange::Subscription { rings, ..Default::default() };
    inventory.subscriptions.insert("2007".to_owned(), subscription);
    let mut world = world(inventory);
    for (caller, alert) in [("2001", Some("<http://127.0.0.1/Bellcore-dr3>")), ("2002", None), ("2004", None)]
    {
        world.forget();
        world.lift(caller);
        world.dial(caller, "2007");
        assert_eq!(world.phone("2007").heard[0].header.get(&Name::AlertInfo), alert, "{caller}");
        world.hang_up(caller);
    }
    world.end_of_phones();
}

#[test]
fn a_telephone_is_told_who_sent_a_call_on() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    for (line, when, to) in [("2002", Forward::Always, "2004"), ("2004", Forward::Busy, "2007")] {
        world.exchange.set(world.now, line, &Setting::Forward(when, Some(to.to_owned()))).unwrap();
    }
    world.lift("2004");
    world.lift("2001");
    world.dial("2001", "2002");
    let invite = world.phone("2007").heard[0].clone();
    let all = |name: &Name<'_>| invite.header.all(name).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        all(&Name::Diversion),
        ["<sip:2004@127.0.0.1>;reason=user-busy", "<sip:2002@127.0.0.1>;reason=unconditional"]
    );
    let history = all(&Name::HistoryInfo);
    assert_eq!(history.len(), 3, "{history:?}");
    assert!(history[0].starts_with("<sip:2002@127.0.0.1?Reason=") && history[0].ends_with(";index=1"));
    assert_eq!(history[2], "<sip:2007@127.0.0.1>;index=1.1.1;mp=1.1");
    // Who calls is who began the call.
    assert!(invite.header.get(&Name::From).unwrap().starts_with("\"Alice\" <sip:2001@127.0.0.1>"));
    world.hang_up("2001");
    world.hang_up("2004");
    world.end_of_phones();
}

#[test]
fn a_telephone_is_not_shown_who_does_not_want_to_be_known() {
    let mut world = world(with_phones(town(), &["Gwen"]));
    world.exchange.set(world.now, "2001", &Setting::WithholdNumber(true)).unwrap();
    world.lift("2001");
    world.dial("2001", "2007");
    let invite = world.phone("2007").heard[0].clone();
    let from = invite.header.get(&Name::From).unwrap();
    assert!(from.starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), "{from}");
    assert_eq!(invite.header.get(&Name::Privacy), Some("id"));
    let written = String::from_utf8(strowger_sip::text::to_bytes(&invite)).unwrap();
    assert!(!written.contains("sip:2001") && !written.contains("Alice"), "{written}");
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn two_telephones_that_a_line_joins_are_sent_no_refer_and_stay_a_call_of_the_exchange() {
    let mut world = world(with_phones(all(), &["Gwen", "Hal"]));
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_answers("2007");
    world.flash("2001");
    world.phone_accepts("2007");
    world.dial("2001", "2008");
    world.phone_answers("2008");
    world.hang_up("2001");
    for _ in 0..3 {
        world.phone_accepts("2007");
        world.phone_accepts("2008");
    }
    world.pass(10);
    for number in ["2007", "2008"] {
        let words = world.phone(number).words();
        assert!(!words.iter().any(|word| word == "REFER" || word == "BYE"), "{number}: {words:?}");
    }
    // Who hangs up is in the record, and the other hears it from the exchange.
    let session = world.phone("2007").incoming();
    world.phone_ends("2007", session, 16);
    assert_eq!(world.last("2008"), "BYE");
    let world = world.end_of_phones();
    assert_eq!(world.record_of("2001", "2008").transfers.len(), 1);
}
