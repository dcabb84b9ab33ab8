//! The classes of malformed input, each over UDP, in short messages and in parts: every case ends in a clear error or in a
//! legal message, without allocation where a decoder promises none, and leaves memory flat.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_mms::hostile::{
    Bearer, Case, Class, Expect, LOCATIONS, NAMES, PRESENTATIONS, Pushes, Unfinished, samples,
};
use strowger_mms::multipart::safe_name;
use strowger_mms::sms::{Reassembly, ReassemblyLimits, ShortMessage};
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

/// The datagrams that come out of short messages.
fn reassemble(messages: &[Vec<u8>]) -> Vec<Result<Vec<u8>, String>> {
    let mut engine = Reassembly::new(ReassemblyLimits {
        octets_per_originator: 1 << 20,
        octets: 1 << 20,
        ..ReassemblyLimits::default()
    });
    let mut out = Vec::new();
    for user_data in messages {
        let message = ShortMessage {
            link: 0,
            originator: b"+15550100",
            destination: b"2001",
            pid: 0,
            dcs: 4,
            user_data,
        };
        if let Err(refused) = engine.handle_input(Time::ZERO, &message) {
            out.push(Err(refused.to_string()));
        }
        out.extend(std::iter::from_fn(|| engine.poll_event()).map(|datagram| Ok(datagram.payload)));
    }
    assert_eq!((engine.unfinished(), engine.octets()), (0, 0), "nothing is left");
    out
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

#[test]
fn every_malformed_datagram_ends_in_an_error_or_in_a_legal_message() {
    let mut count = 0;
    for class in Class::ALL {
        let cases = class.cases();
        assert!(cases.len() >= 3, "{class:?}");
        for case in cases.iter().filter(|case| !case.is_user_data) {
            judge(case, Bearer::Udp, receive(&case.octets).map_err(|error| error.to_string()));
            count += 1;
        }
    }
    assert!(count > 5_000, "{count}");
}

#[test]
fn every_malformed_datagram_in_short_messages_ends_the_same_way() {
    for class in Class::ALL {
        for case in class.cases() {
            for bearer in [Bearer::ShortMessage, Bearer::Parts] {
                let messages = case.over(bearer);
                assert!(messages.iter().all(|message| message.len() <= 141), "{}", case.what);
                let datagrams = reassemble(&messages);
                assert_eq!(datagrams.len(), 1, "{} over {bearer:?}", case.what);
                let outcome = match &datagrams[0] {
                    Ok(octets) if case.is_user_data => {
                        let _ = receive(octets);
                        Ok(())
                    }
                    // What is longer than short messages carry comes cut, and may be read otherwise.
                    Ok(octets) if *octets != case.octets => {
                        let _ = receive(octets);
                        continue;
                    }
                    Ok(octets) => receive(octets).map_err(|error| error.to_string()),
                    Err(refused) => Err(refused.clone()),
                };
                judge(&case, bearer, outcome);
            }
        }
    }
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
fn a_flood_of_messages_that_are_never_finished_leaves_memory_flat() {
    let limits = ReassemblyLimits::default();
    let mut engine = Reassembly::new(limits.clone());
    let (mut most, mut at_half) = (0, 0);
    let count = 1_000_000;
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
    assert!(most <= limits.octets && most == at_half, "{most} octets, {at_half} at half of the flood");
    assert!(engine.unfinished() <= limits.sets);
    // The flood is over: a message gets through at once, and in time nothing is left of the rest.
    let good = strowger_mms::sms::segment(
        &[7; 200],
        strowger_mms::sms::Ports::PUSH,
        strowger_mms::sms::Reference::narrow(1),
    );
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
