//! Push in short messages: segmentation, headers in any order, re-assembly in bounded memory.

use strowger_mms::Rule;
use strowger_mms::sms::{
    Ports, Reassembly, ReassemblyLimits, Reference, Refused, ShortMessage, Taken, UserData, Width, segment,
};
use strowger_mms::wsp;
use strowger_sansio::{Duration, Time};

use crate::samples::{NOTIFICATION, hex};

fn from<'a>(originator: &'a str, user_data: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage {
        link: 0,
        originator: originator.as_bytes(),
        destination: b"2001",
        pid: 0,
        dcs: 4,
        user_data,
    }
}

#[test]
fn a_notification_that_fits_one_short_message_is_one() {
    let mut datagram = Vec::new();
    wsp::encode_mms_push(1, &hex(NOTIFICATION), &mut datagram);
    let messages = segment(&datagram, Ports::PUSH, Reference::narrow(1)).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0][..7], hex("06 05 04 0B84 23F0"));
    let longest = segment(&[7; 133], Ports::PUSH, Reference::narrow(1)).unwrap();
    assert_eq!((longest.len(), longest[0].len()), (1, 140));
    assert_eq!(segment(&[7; 134], Ports::PUSH, Reference::narrow(1)).unwrap().len(), 2);
}

#[test]
fn a_longer_datagram_is_cut_into_parts_that_fill_their_messages() {
    for (reference, size, head) in [
        (Reference::narrow(7), 128, "0B 05 04 0B84 23F0 00 03 07 03 01"),
        (Reference::wide(0x1234), 127, "0C 05 04 0B84 23F0 08 04 12 34 03 01"),
    ] {
        let payload: Vec<u8> = (0..3 * size).map(|place| place as u8).collect();
        let messages = segment(&payload, Ports::PUSH, reference).unwrap();
        assert_eq!(messages.len(), 3);
        assert!(messages[0].starts_with(&hex(head)));
        assert!(messages.iter().all(|message| message.len() == 140));
        let mut again = Vec::new();
        for (message, part) in messages.iter().zip(1..) {
            let data = UserData::decode(message).unwrap();
            let place = data.concatenation.unwrap();
            assert_eq!((data.ports, place.total, place.part), (Some(Ports::PUSH), 3, part));
            again.extend_from_slice(data.payload);
        }
        assert_eq!(again, payload);
    }
    assert!(segment(&vec![0; 128 * 255], Ports::PUSH, Reference::narrow(1)).is_ok());
    assert!(segment(&vec![0; 128 * 255 + 1], Ports::PUSH, Reference::narrow(1)).is_err());
}

#[test]
fn elements_come_in_any_order_and_others_are_kept() {
    let data = hex("11 70 00 08 04 12 34 02 01 24 01 01 05 04 0b84 23f0 6869");
    let data = UserData::decode(&data).unwrap();
    assert_eq!(data.ports, Some(Ports::PUSH));
    assert_eq!(data.concatenation.unwrap().width, Width::Wide);
    assert_eq!(data.payload, b"hi");
    let others: Vec<_> = data.elements().map(|element| (element.id, element.data.len())).collect();
    assert_eq!(others, [(0x70, 0), (0x24, 1)]);
    let narrow = hex("04 04 02 f0 f1");
    assert_eq!(UserData::decode(&narrow).unwrap().ports, Some(Ports { destination: 240, source: 241 }));
}

#[test]
fn a_malformed_header_is_refused() {
    for (data, rule) in [
        ("", Rule::Ends),
        ("06 05 04 0b84 23", Rule::UdhLength),
        ("ff", Rule::UdhLength),
        ("01 05", Rule::UdhElement),
        ("05 05 04 0b84 23", Rule::UdhElement),
        ("04 05 02 0b84", Rule::UdhElementLength),
        ("05 00 03 01 00 01", Rule::UdhPart),
        ("05 00 03 01 02 00", Rule::UdhPart),
        ("05 00 03 01 02 03", Rule::UdhPart),
        ("0c 05 04 0b84 23f0 05 04 0b84 23f0", Rule::UdhRepeated),
        ("0a 05 04 0b84 23f0 04 02 0102", Rule::UdhRepeated),
        ("0b 00 03 01 02 01 08 04 00 01 02 01", Rule::UdhRepeated),
    ] {
        let error = UserData::decode(&hex(data)).unwrap_err();
        assert_eq!(error.rule, rule, "{data}: {error}");
    }
    assert_eq!(UserData::decode(&[0; 141]).unwrap_err().rule, Rule::UserData);
}

#[test]
fn parts_in_any_order_become_the_datagram() {
    let payload: Vec<u8> = (0..600).map(|place| place as u8).collect();
    let messages = segment(&payload, Ports::PUSH, Reference::narrow(9)).unwrap();
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    for (place, message) in messages.iter().rev().enumerate() {
        let taken = engine.handle_input(Time::ZERO, &from("+15550100", message)).unwrap();
        assert_eq!(taken, if place == messages.len() - 1 { Taken::Whole } else { Taken::Waits });
        if taken == Taken::Waits {
            let again = engine.handle_input(Time::ZERO, &from("+15550100", message));
            assert_eq!(again, Ok(Taken::Duplicate), "the same part again");
        }
    }
    let datagram = engine.poll_event().unwrap();
    assert_eq!((datagram.payload, datagram.parts, datagram.ports), (payload, 5, Some(Ports::PUSH)));
    assert_eq!((engine.unfinished(), engine.octets(), engine.poll_timeout()), (0, 0, None));
}

#[test]
fn senders_references_and_widths_are_kept_apart() {
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    let (one, two) = (vec![1; 200], vec![2; 200]);
    let sets = [
        ("a", segment(&one, Ports::PUSH, Reference::narrow(1)).unwrap()),
        ("b", segment(&two, Ports::PUSH, Reference::narrow(1)).unwrap()),
        ("a", segment(&two, Ports::PUSH, Reference::wide(1)).unwrap()),
        ("a", segment(&two, Ports::PUSH, Reference::narrow(2)).unwrap()),
    ];
    for part in 0..2 {
        for (originator, messages) in &sets {
            engine.handle_input(Time::ZERO, &from(originator, &messages[part])).unwrap();
        }
    }
    let payloads: Vec<_> = std::iter::from_fn(|| engine.poll_event()).map(|whole| whole.payload[0]).collect();
    assert_eq!(payloads, [1, 2, 2, 2]);
}

#[test]
fn a_part_that_contradicts_another_drops_the_message() {
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    let right = segment(&[1; 200], Ports::PUSH, Reference::narrow(1)).unwrap();
    let wrong = segment(&[2; 200], Ports::PUSH, Reference::narrow(1)).unwrap();
    engine.handle_input(Time::ZERO, &from("a", &right[0])).unwrap();
    assert_eq!(engine.handle_input(Time::ZERO, &from("a", &wrong[0])), Err(Refused::Contradiction));
    assert_eq!(engine.unfinished(), 0);
    let other = segment(&[1; 200], Ports { destination: 1, source: 2 }, Reference::narrow(1)).unwrap();
    engine.handle_input(Time::ZERO, &from("a", &right[0])).unwrap();
    assert_eq!(engine.handle_input(Time::ZERO, &from("a", &other[1])), Err(Refused::Mixed));
    // What was right goes on.
    assert_eq!(engine.handle_input(Time::ZERO, &from("a", &right[1])), Ok(Taken::Whole));
}

#[test]
fn an_unfinished_message_is_dropped_when_its_time_is_over() {
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    let parts = segment(&[1; 300], Ports::PUSH, Reference::narrow(1)).unwrap();
    engine.handle_input(Time::ZERO, &from("a", &parts[0])).unwrap();
    engine.handle_input(Time::from_secs(500), &from("a", &parts[1])).unwrap();
    let due = engine.poll_timeout().unwrap();
    assert_eq!(due, Time::from_secs(1100), "each part renews the patience");
    engine.handle_timeout(due - Duration::from_nanos(1));
    assert_eq!(engine.unfinished(), 1);
    engine.handle_timeout(due);
    assert_eq!((engine.unfinished(), engine.octets(), engine.counters().expired), (0, 0, 1));
}

#[test]
fn a_flood_of_unfinished_messages_leaves_memory_flat_and_other_senders_in_peace() {
    let limits = ReassemblyLimits::default();
    let mut engine = Reassembly::new(limits.clone());
    let mut most = 0;
    for number in 0..200_000_u32 {
        let parts = segment(&[number as u8; 200], Ports::PUSH, Reference::wide(number as u16)).unwrap();
        let sender = format!("{}", number % 5_000);
        let _ = engine.handle_input(Time::from_millis(u64::from(number)), &from(&sender, &parts[0]));
        most = most.max(engine.octets());
        assert!(engine.unfinished() <= limits.sets && engine.octets() <= limits.octets);
    }
    assert!(most > 100_000, "the flood was taken in, up to the limit");
    // One sender alone never takes more than his share, so that another's message gets through.
    let mut engine = Reassembly::new(limits.clone());
    let good = segment(&[9; 200], Ports::PUSH, Reference::narrow(1)).unwrap();
    engine.handle_input(Time::ZERO, &from("good", &good[0])).unwrap();
    for number in 0..10_000_u16 {
        let parts = segment(&[1; 200], Ports::PUSH, Reference::wide(number)).unwrap();
        let _ = engine.handle_input(Time::ZERO, &from("bad", &parts[0]));
        assert!(engine.unfinished() <= limits.sets_per_originator + 1);
    }
    assert_eq!(engine.handle_input(Time::ZERO, &from("good", &good[1])), Ok(Taken::Whole));
}

/// First parts of as many messages, each of another sender, one a step; and what the engine holds at most.
fn flood(engine: &mut Reassembly, link: u32, began: Time, step: Duration, count: u32) -> usize {
    let mut most = 0;
    for number in 0..count {
        let parts = segment(&[number as u8; 200], Ports::PUSH, Reference::wide(number as u16)).unwrap();
        let sender = format!("+1555{number:07}");
        let now = began + step * number;
        engine.handle_timeout(now);
        let _ = engine.handle_input(now, &ShortMessage { link, ..from(&sender, &parts[0]) });
        most = most.max(engine.octets());
        assert!(engine.unfinished() <= ReassemblyLimits::default().sets);
    }
    most
}

#[test]
fn what_was_begun_is_not_lost_to_a_million_forged_senders() {
    let limits = ReassemblyLimits::default();
    let mut engine = Reassembly::new(limits.clone());
    let good = segment(&[9; 200], Ports::PUSH, Reference::narrow(1)).unwrap();
    engine.handle_input(Time::ZERO, &from("good", &good[0])).unwrap();
    // A million in two seconds, by the same link: there is no room for all, and what speaks stays.
    let most = flood(&mut engine, 0, Time::ZERO, Duration::from_micros(2), 1_000_000);
    assert!(most > 100_000 && most <= limits.octets, "{most}");
    assert_eq!(engine.handle_input(Time::from_secs(2), &from("good", &good[1])), Ok(Taken::Whole));
    assert_eq!(engine.poll_event().unwrap().payload, [9; 200]);
}

#[test]
fn a_message_in_the_middle_of_a_flood_of_forged_senders_arrives() {
    let step = Duration::from_millis(1);
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    let good = segment(&[9; 200], Ports::PUSH, Reference::narrow(1)).unwrap();
    let mut now = Time::ZERO;
    // A million in a thousand seconds, and every hundred seconds an honest message whose second part comes two seconds later.
    for _ in 0..10 {
        flood(&mut engine, 0, now, step, 98_000);
        now += step * 98_000;
        assert_eq!(
            engine.handle_input(now, &from("good", &good[0])),
            Ok(Taken::Waits),
            "there is room at once"
        );
        flood(&mut engine, 0, now, step, 2_000);
        now += step * 2_000;
        assert_eq!(
            engine.handle_input(now, &from("good", &good[1])),
            Ok(Taken::Whole),
            "it has not given way"
        );
        assert!(engine.poll_event().is_some());
    }
}

#[test]
fn a_flood_by_one_link_leaves_the_others_their_room() {
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    let good = segment(&[9; 8_000], Ports::PUSH, Reference::narrow(1)).unwrap();
    let by = |link, part| ShortMessage { link, ..from("good", part) };
    // At any rate: whoever comes by the other link displaces the flood, and however long his message takes, it holds.
    let mut now = Time::ZERO;
    for part in &good {
        flood(&mut engine, 0, now, Duration::from_micros(1), 20_000);
        now += Duration::from_secs(60);
        assert!(engine.handle_input(now, &by(1, part)).is_ok());
    }
    assert_eq!(engine.poll_event().unwrap().payload, [9; 8_000]);
    assert!(engine.counters().displaced > 0);
    // And the same sender by another link is another sender: nobody contradicts what he has not begun.
    engine.handle_input(now, &by(1, &good[0])).unwrap();
    let forged = segment(&[8; 8_000], Ports::PUSH, Reference::narrow(1)).unwrap();
    assert_eq!(engine.handle_input(now, &by(0, &forged[0])), Ok(Taken::Waits));
}

#[test]
fn who_has_most_under_way_gives_way_to_who_has_less() {
    let limits = ReassemblyLimits { sets: 24, ..ReassemblyLimits::default() };
    let mut engine = Reassembly::new(limits);
    let parts = |number| segment(&[number as u8; 200], Ports::PUSH, Reference::wide(number)).unwrap();
    for sender in ["a", "b", "c"] {
        for number in 0..8 {
            engine.handle_input(Time::ZERO, &from(sender, &parts(number)[0])).unwrap();
        }
    }
    assert_eq!(engine.handle_input(Time::ZERO, &from("a", &parts(8)[0])), Err(Refused::OriginatorLimit));
    // Others come, each with one message: the three give until all have about the same.
    for number in 0..21_u16 {
        let sender = format!("d{number}");
        assert_eq!(
            engine.handle_input(Time::ZERO, &from(&sender, &parts(1)[0])),
            Ok(Taken::Waits),
            "{sender}"
        );
    }
    assert_eq!((engine.unfinished(), engine.counters().displaced), (24, 21));
    assert_eq!(
        engine.handle_input(Time::ZERO, &from("e", &parts(1)[0])),
        Err(Refused::TotalLimit),
        "all have one"
    );
    // Who has been silent for longer than the parts of a message lie apart gives way then.
    let later = Time::ZERO + ReassemblyLimits::default().grace;
    assert_eq!(engine.handle_input(later, &from("e", &parts(1)[0])), Ok(Taken::Waits));
    // What was displaced left nothing behind.
    engine.handle_timeout(Time::from_secs(10_000));
    assert_eq!((engine.unfinished(), engine.octets(), engine.poll_timeout()), (0, 0, None));
}
