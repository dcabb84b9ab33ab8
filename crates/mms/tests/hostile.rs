//! The classes of malformed input, each over UDP, in short messages and in parts: every case ends in a clear error or in a
//! legal message, without allocation where a decoder promises none, and leaves memory flat.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_mms::hostile::{
    BETWEEN, Bearer, Case, Class, Expect, LOCATIONS, NAMES, PRESENTATIONS, Pushes, Unfinished, samples,
};
use strowger_mms::multipart::safe_name;
use strowger_mms::sms::{Ports, Reassembly, ReassemblyLimits, Reference, ShortMessage, Taken, segment};
use strowger_mms::wbxml::ServiceIndication;
use strowger_mms::wsp::{MediaType, Pdu, decode_connectionless};
use strowger_mms::{DecodeError, Limits, Message, binary, decode};
use strowger_sansio::Time;

/// What a receiver does with a datagram: everything that it may look at is looked at.
fn receive(datagram: &[u8]) -> Result<(), DecodeError> {
    let limits = Limits::DEFAULT;
    let push = match decode_connectionless(datagram, &limits)?.pdu {
        Pdu::Push(push) => push,
        other => {
            let _ = format!("{other:?}");
            return Ok(());
        }
    };
    let _ = format!("{} {:?} {}", push.content_type, push.headers, push.headers.application());
    if push.content_type.media.is(&MediaType::SI) {
        let indication = ServiceIndication::decode(push.data, &limits)?;
        assert!(ServiceIndication::from_xml(&indication.to_xml(), &limits).is_ok());
        return Ok(());
    }
    let pdu = decode(push.data, &limits)?;
    for (range, field) in pdu.fields_at() {
        assert!(range.start < range.end && range.end <= push.data.len());
        let _ = format!("{}: {field}", field.name());
    }
    let _ = pdu.departures();
    let mut again = Vec::new();
    binary::encode_as_it_is(&Message::from(&pdu), &mut again);
    decode(&again, &limits)
        .unwrap_or_else(|error| panic!("what was read is written, and not read again: {error}"));
    if let Some(parts) = pdu.parts(&limits) {
        for (place, part) in parts?.iter().enumerate() {
            let name = part.file_name(place);
            assert!(
                !name.is_empty() && !name.contains(['/', '\\', ':', '\0']) && !name.starts_with('.'),
                "{name}"
            );
            let _ = part.to_str();
        }
    }
    Ok(())
}

/// What becomes of short messages: datagrams, refusals. A neighbour's message begins before and ends after, and so does another
/// message of the same sender's by another reference.
fn reassemble(messages: &[Vec<u8>]) -> Vec<Result<Vec<u8>, String>> {
    let mut engine = Reassembly::new(ReassemblyLimits {
        octets_per_originator: 1 << 20,
        octets: 1 << 20,
        ..ReassemblyLimits::default()
    });
    let others = [(&b"2002"[..], 1), (&b"+15550100"[..], 200)];
    let neighbours = others.map(|(originator, reference)| {
        (originator, segment(&[7; 200], Ports::PUSH, Reference::narrow(reference)).unwrap())
    });
    let mut out = Vec::new();
    let mut take = |originator: &[u8], user_data: &[u8]| {
        let message = ShortMessage { link: 0, originator, destination: b"2001", pid: 0, dcs: 4, user_data };
        let taken = engine.handle_input(Time::ZERO, &message).map_err(|refused| refused.to_string());
        let whole: Vec<_> =
            std::iter::from_fn(|| engine.poll_event()).map(|datagram| datagram.payload).collect();
        (taken, whole)
    };
    for (originator, parts) in &neighbours {
        assert_eq!(take(originator, &parts[0]).0, Ok(Taken::Waits));
    }
    for user_data in messages {
        let (taken, whole) = take(b"+15550100", user_data);
        out.extend(taken.err().map(Err));
        out.extend(whole.into_iter().map(Ok));
    }
    for (originator, parts) in &neighbours {
        assert_eq!(
            take(originator, &parts[1]),
            (Ok(Taken::Whole), vec![vec![7; 200]]),
            "a neighbour is touched"
        );
    }
    engine.handle_timeout(Time::ZERO + ReassemblyLimits::default().age);
    assert_eq!((engine.unfinished(), engine.octets()), (0, 0), "nothing is left");
    out
}

/// What becomes of a case that is user data of short messages: their header is refused, or it is not; where it stands between the parts
/// of a message, that message comes.
fn user_data(case: &Case, bearer: Bearer) -> Result<(), String> {
    let mut outcomes = reassemble(&case.over(bearer));
    if bearer == Bearer::Parts {
        let between = outcomes.iter().position(|outcome| outcome.as_deref() == Ok(BETWEEN));
        let _ =
            outcomes.remove(between.unwrap_or_else(|| panic!("{}: the parts around it are lost", case.what)));
    }
    for datagram in outcomes.iter().flatten() {
        let _ = receive(datagram);
    }
    outcomes.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
}

fn judge(case: &Case, bearer: Bearer, outcome: Result<(), String>) {
    let right = match case.expect {
        Expect::Refused => outcome.is_err(),
        Expect::Accepted => outcome.is_ok(),
        Expect::Either => true,
    };
    assert!(right, "{:?} over {bearer:?}: {outcome:?}, expected {:?}", case.what, case.expect);
    if let Err(error) = outcome {
        assert!(!error.is_empty());
    }
}

/// How often a class came by a bearer, and how often it was refused.
#[derive(Debug, Default)]
struct Came {
    cases: usize,
    refused: usize,
    /// The fewest and the most datagrams or short messages that one case took.
    fewest: usize,
    most: usize,
}

fn come(class: Class, bearer: Bearer) -> Came {
    let mut came = Came { fewest: usize::MAX, ..Came::default() };
    for case in class.cases() {
        let messages = case.over(bearer);
        came.cases += 1;
        came.fewest = came.fewest.min(messages.len());
        came.most = came.most.max(messages.len());
        let outcome = if bearer == Bearer::Udp {
            receive(&case.octets).map_err(|error| error.to_string())
        } else if case.is_user_data {
            user_data(&case, bearer)
        } else {
            assert!(messages.iter().all(|message| message.len() <= 140), "{}", case.what);
            match reassemble(&messages).as_slice() {
                // What is longer than short messages carry comes cut, and may be read otherwise.
                [Ok(octets)] if *octets != case.octets => {
                    let _ = receive(octets);
                    continue;
                }
                [Ok(octets)] => receive(octets).map_err(|error| error.to_string()),
                other => panic!("{} over {bearer:?}: {other:?}", case.what),
            }
        };
        came.refused += usize::from(outcome.is_err());
        // As a datagram, user data of a short message are what happens to be in them.
        if !(case.is_user_data && bearer == Bearer::Udp) {
            judge(&case, bearer, outcome);
        }
    }
    came
}

#[test]
fn each_class_comes_by_each_bearer_and_ends_clearly_with_its_neighbours_untouched() {
    let mut all = 0;
    for class in Class::ALL {
        for bearer in Bearer::ALL {
            let came = come(class, bearer);
            assert!(came.cases >= 3, "{class:?} over {bearer:?}: {came:?}");
            // A replay is legal each time: who takes it twice is another matter.
            assert!(came.refused > 0 || class == Class::Flood, "{class:?} over {bearer:?}: {came:?}");
            let fits = match bearer {
                Bearer::Udp => came.most == 1,
                Bearer::ShortMessage => came.fewest == 1,
                Bearer::Parts => came.most > 1,
            };
            assert!(fits, "{class:?} over {bearer:?}: {came:?}");
            all += came.cases;
        }
    }
    assert!(all > 15_000, "{all}");
}

#[test]
fn every_sample_is_received_and_departs_from_nothing() {
    for datagram in samples::datagrams() {
        let Pdu::Push(push) = decode_connectionless(&datagram, &Limits::DEFAULT).unwrap().pdu else {
            panic!()
        };
        if push.content_type.media.is(&MediaType::MMS) {
            let pdu = decode(push.data, &Limits::DEFAULT).unwrap();
            assert_eq!(pdu.departures(), [], "{pdu:?}");
        }
    }
}

#[test]
fn a_sample_with_any_octet_changed_is_read_or_refused() {
    for datagram in samples::datagrams() {
        for at in 0..datagram.len() {
            let mut changed = datagram.clone();
            for octet in
                [0x00, 0x01, 0x1e, 0x1f, 0x20, 0x7f, 0x80, 0x81, 0xff, datagram[at] ^ 1, datagram[at] ^ 0x80]
            {
                changed[at] = octet;
                if let Err(error) = receive(&changed) {
                    assert!(error.offset <= changed.len() && error.range().end <= changed.len(), "{error:?}");
                }
            }
        }
    }
}

#[test]
fn a_flood_of_distinct_pushes_leaves_memory_flat() {
    let mut pushes = Pushes::default();
    let first = pushes.next().unwrap();
    let second = pushes.next().unwrap();
    assert_ne!(first, second);
    // What is decoded is borrowed: a decoder that allocates nothing keeps nothing.
    let datagrams: Vec<_> = Pushes::default().take(100_000).collect();
    let counted = allocation_counter::measure(|| {
        for datagram in &datagrams {
            let Ok(read) = decode_connectionless(datagram, &Limits::DEFAULT) else { panic!() };
            let Pdu::Push(push) = read.pdu else { panic!() };
            let Ok(pdu) = decode(push.data, &Limits::DEFAULT) else { panic!() };
            assert!(pdu.transaction_id().is_some() && pdu.content_location().is_some());
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn a_flood_of_distinct_pushes_in_short_messages_leaves_nothing() {
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    for (number, datagram) in Pushes::default().take(100_000).enumerate() {
        for user_data in &segment(&datagram, Ports::PUSH, Reference::wide(number as u16)).unwrap() {
            let message = ShortMessage {
                link: 0,
                originator: b"+15550100",
                destination: b"2001",
                pid: 0,
                dcs: 4,
                user_data,
            };
            assert_eq!(engine.handle_input(Time::ZERO, &message), Ok(Taken::Whole));
        }
        assert_eq!(engine.poll_event().unwrap().payload, datagram);
        assert_eq!((engine.unfinished(), engine.octets()), (0, 0));
    }
}

#[test]
fn a_flood_of_messages_that_are_never_finished_leaves_memory_flat() {
    let limits = ReassemblyLimits::default();
    let mut engine = Reassembly::new(limits.clone());
    let (mut most, mut at_half) = (0, 0);
    let count = 1_000_000;
    let counted = allocation_counter::measure(|| {
        for (number, (originator, user_data)) in Unfinished::from_senders(70_000).take(count).enumerate() {
            let message = ShortMessage {
                link: 0,
                originator: originator.as_bytes(),
                destination: b"2001",
                pid: 0,
                dcs: 4,
                user_data: &user_data,
            };
            let now = Time::from_millis(number as u64);
            if engine.poll_timeout().is_some_and(|due| due <= now) {
                engine.handle_timeout(now);
            }
            let _ = engine.handle_input(now, &message);
            most = most.max(engine.octets());
            if number == count / 2 {
                at_half = most;
            }
        }
    });
    // The octets that are told are those of the parts: with all that is kept about them the heap holds eight times as much at most.
    assert!(counted.bytes_max < 8 * limits.octets as u64, "{counted:?}");
    assert!(most <= limits.octets && most == at_half, "{most} octets, {at_half} at half of the flood");
    assert!(engine.unfinished() <= limits.sets);
    // The flood is over: a message gets through at once, and in time nothing is left of the rest.
    let good = segment(&[7; 200], Ports::PUSH, Reference::narrow(1));
    let now = Time::from_secs(10_000);
    engine.handle_timeout(now);
    for user_data in good.unwrap() {
        let message = ShortMessage {
            link: 0,
            originator: b"2002",
            destination: b"2001",
            pid: 0,
            dcs: 4,
            user_data: &user_data,
        };
        engine.handle_input(now, &message).unwrap();
    }
    assert_eq!(engine.poll_event().unwrap().payload, [7; 200]);
    assert_eq!((engine.unfinished(), engine.octets()), (0, 0));
}

#[test]
fn names_never_leave_their_folder_and_presentations_declare_nothing() {
    for name in NAMES {
        let safe = safe_name(name);
        assert!(!safe.contains(['/', '\\', ':']) && !safe.starts_with('.'), "{name:?} became {safe:?}");
    }
    for presentation in &PRESENTATIONS[..1] {
        let read: Result<Vec<_>, _> =
            strowger_mms::xml::Reader::new(presentation, &Limits::DEFAULT).collect();
        assert!(read.is_err(), "{presentation}");
    }
    assert!(LOCATIONS.len() > 10);
}
