//! Both sides of SMPP links against each other, in virtual time.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking")]

mod operations;
mod pair;

use pair::{Pair, START, centre_config, client_config, message};
use strowger_messaging::smpp::centre::{self, Centre};
use strowger_messaging::smpp::client::{self, ClientConfig, Loss, Outcome, Token};
use strowger_messaging::smpp::frame::Framer;
use strowger_messaging::smpp::pdu::{self, BindKind, Body, Named, Pdu, ShortMessage};
use strowger_messaging::smpp::{Status, Tlv, tlv};
use strowger_sansio::Duration;

#[test]
fn a_client_binds_and_its_message_is_accepted_under_the_centres_name() {
    let mut pair = Pair::new();
    pair.turn();
    let bound = client::Event::Bound { centre: "centre".into(), version: Some(0x50) };
    assert_eq!(pair.client_events, [bound]);
    pair.centre_events.clear();
    pair.submit(7);
    let [sequence] = pair.submitted()[..] else { panic!("one submission") };
    pair.answer(sequence, Ok("a1"));
    assert_eq!(pair.outcomes(), [(7, Outcome::Accepted("a1".into()))]);
}

#[test]
fn one_octet_a_read_is_as_good_as_all_at_once() {
    let mut pair = Pair::new();
    pair.step = Some(1);
    pair.turn();
    pair.centre_events.clear();
    pair.submit(1);
    let [sequence] = pair.submitted()[..] else { panic!("one submission") };
    pair.answer(sequence, Ok("x"));
    assert_eq!(pair.outcomes(), [(1, Outcome::Accepted("x".into()))]);
}

#[test]
fn a_full_window_takes_no_more_until_an_answer_comes() {
    let mut pair = Pair::bound();
    for token in 0..4 {
        pair.submit(token);
    }
    assert_eq!(pair.client.capacity(pair.now), 0);
    assert!(pair.client.submit(pair.now, Token(9), message("1")).is_err());
    let first = pair.submitted()[0];
    pair.answer(first, Ok("1"));
    assert_eq!(pair.client.capacity(pair.now), 1);
}

#[test]
fn answers_may_come_in_any_order() {
    let mut pair = Pair::bound();
    pair.submit(1);
    pair.submit(2);
    let submitted = pair.submitted();
    pair.answer(submitted[1], Ok("second"));
    pair.answer(submitted[0], Ok("first"));
    let expected = [(2, Outcome::Accepted("second".into())), (1, Outcome::Accepted("first".into()))];
    assert_eq!(pair.outcomes(), expected);
}

#[test]
fn a_wrong_password_is_tried_again_with_growing_pauses() {
    let mut config = client_config();
    config.bind.password = "guess".into();
    let mut pair = Pair::with(config);
    pair.turn();
    let mut pauses = Vec::new();
    for _ in 0..8 {
        assert_eq!(pair.losses().last(), Some(&Loss::BindRefused(Status::BIND_FAILED)));
        let before = pair.now;
        pair.client_events.clear();
        pair.wait();
        pauses.push(pair.now - before);
    }
    assert!(pauses[0] <= Duration::from_secs(1), "{pauses:?}");
    assert!(pauses[3] > pauses[0] * 3, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(60)), "{pauses:?}");
}

#[test]
fn a_lost_link_tells_what_it_does_not_know_and_comes_back() {
    let mut pair = Pair::bound();
    pair.submit(1);
    pair.submit(2);
    pair.cut();
    assert_eq!(pair.losses(), [Loss::Disconnected]);
    assert_eq!(pair.outcomes(), [(1, Outcome::Unknown), (2, Outcome::Unknown)]);
    assert_eq!(pair.client.capacity(pair.now), 0);
    pair.wait();
    assert!(pair.client.is_bound());
    assert_eq!(pair.client.capacity(pair.now), 4);
}

#[test]
fn a_throttled_link_pauses_halves_its_window_and_opens_it_again() {
    let mut pair = Pair::bound();
    for token in 0..4 {
        pair.submit(token);
    }
    for sequence in pair.submitted() {
        pair.answer(sequence, Err(Status::THROTTLED));
    }
    let refused = pair.outcomes();
    assert_eq!(refused.len(), 4, "each submission has its outcome");
    assert!(refused.iter().all(|(_, outcome)| *outcome == Outcome::Refused(Status::THROTTLED)));
    assert_eq!(pair.client.capacity(pair.now), 0, "it pauses");
    pair.wait();
    assert_eq!(pair.client.capacity(pair.now), 2, "and goes on with half");
    let mut token = 10;
    for _ in 0..10 {
        while pair.client.capacity(pair.now) > 0 {
            pair.submit(token);
            token += 1;
        }
        for sequence in pair.submitted() {
            pair.answer(sequence, Ok("id"));
        }
    }
    assert_eq!(pair.client.capacity(pair.now), 4, "good answers open it");
}

#[test]
fn pauses_grow_while_the_centre_stays_busy() {
    let mut pair = Pair::bound();
    let mut pauses = Vec::new();
    for token in 0..8 {
        pair.submit(token);
        let sequence = pair.submitted()[0];
        pair.answer(sequence, Err(Status::QUEUE_FULL));
        let before = pair.now;
        while pair.client.capacity(pair.now) == 0 {
            pair.wait();
        }
        pauses.push(pair.now - before);
    }
    assert_eq!(pauses[0], Duration::from_millis(100));
    assert_eq!(pauses[1], Duration::from_millis(200));
    assert_eq!(*pauses.last().unwrap(), Duration::from_secs(5));
}

#[test]
fn a_centre_that_answers_nothing_is_asked_and_then_given_up() {
    let mut pair = Pair::bound();
    pair.submit(1);
    // The centre is mute from here on.
    let centre = pair.centre.take();
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.outcomes(), [(1, Outcome::Unknown)]);
    assert!(pair.client.is_bound(), "one late answer is not the end");
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.losses(), [Loss::Silent]);
    drop(centre);
}

#[test]
fn an_idle_link_is_kept_alive_from_both_sides() {
    let mut pair = Pair::bound();
    for _ in 0..20 {
        pair.wait();
    }
    assert!(pair.client.is_bound());
    assert!(pair.now - START > Duration::from_secs(300), "one question in half a minute, not more");
    assert_eq!(pair.losses(), []);
}

#[test]
fn a_link_that_is_closed_unbinds_and_does_not_come_back() {
    let mut pair = Pair::bound();
    pair.client.close(pair.now);
    pair.turn();
    assert_eq!(pair.losses(), [Loss::Closed]);
    assert_eq!(pair.client.poll_timeout(), None);
}

#[test]
fn a_centre_that_unbinds_is_answered_and_bound_again() {
    let mut pair = Pair::bound();
    let now = pair.now;
    pair.centre.as_mut().unwrap().close(now);
    pair.turn();
    assert_eq!(pair.losses(), [Loss::Unbound]);
    pair.wait();
    assert!(pair.client.is_bound());
}

#[test]
fn a_delivered_message_waits_for_its_acknowledgement() {
    let mut pair = Pair::bound();
    let now = pair.now;
    pair.centre.as_mut().unwrap().deliver(now, Token(5), message("99")).unwrap();
    pair.turn();
    let Some(client::Event::Incoming(sequence, delivered)) = pair.client_events.pop() else {
        panic!("a message comes")
    };
    assert_eq!(delivered.text, b"hello");
    assert!(pair.centre_events.is_empty());
    pair.client.acknowledge(sequence, Status::OK);
    pair.turn();
    let answered = centre::Event::Answered(Token(5), Outcome::Accepted(String::new()));
    assert_eq!(pair.centre_events, [answered]);
}

#[test]
fn a_transmitter_gets_no_messages_and_a_receiver_sends_none() {
    let mut pair = Pair::with(ClientConfig { kind: BindKind::Transmitter, ..client_config() });
    pair.turn();
    assert_eq!(pair.centre.as_ref().unwrap().capacity(), 0);
    let mut pair = Pair::with(ClientConfig { kind: BindKind::Receiver, ..client_config() });
    pair.turn();
    assert!(pair.client.is_bound());
    assert_eq!(pair.client.capacity(pair.now), 0);
}

fn unit(status: Status, sequence: u32, body: Body) -> Vec<u8> {
    let mut out = Vec::new();
    pdu::encode(&Pdu { status, sequence, body }, &mut out);
    out
}

/// The units in a stream.
fn units(stream: &[u8]) -> Vec<Pdu> {
    let mut framer = Framer::new(70_000);
    framer.push(stream);
    let mut units = Vec::new();
    while let Some(unit) = framer.pop().unwrap() {
        units.push(pdu::decode(unit).unwrap());
    }
    units
}

#[test]
fn a_length_that_no_unit_has_ends_the_link_with_a_nack() {
    for length in [0_u32, 15, 70_001, u32::MAX] {
        let mut pair = Pair::bound();
        let mut garbage = length.to_be_bytes().to_vec();
        garbage.extend_from_slice(&[0x80; 40]);
        pair.client.handle_input(pair.now, &garbage);
        let nack = pdu::decode(&pair.client.poll_transmit().unwrap()).unwrap();
        assert_eq!((nack.status, nack.body), (Status::INVALID_COMMAND_LENGTH, Body::GenericNack));
        pair.turn();
        assert_eq!(pair.losses(), [Loss::Garbage(length)]);
    }
}

#[test]
fn what_cannot_be_read_is_refused_and_the_link_goes_on() {
    let mut pair = Pair::bound();
    // deliver_sm whose texts have no end, then a command that nobody knows.
    let mut cut = unit(Status::OK, 77, Body::Other(0x05, vec![b'x'; 9]));
    cut.extend(unit(Status::OK, 78, Body::Other(0x777, Vec::new())));
    pair.client.handle_input(pair.now, &cut);
    let nacks: Vec<_> = units(&pair.client.poll_transmit().unwrap())
        .into_iter()
        .map(|nack| {
            assert_eq!(nack.body, Body::GenericNack);
            (nack.sequence, nack.status)
        })
        .collect();
    assert_eq!(nacks, [(77, Status::INVALID_MESSAGE_LENGTH), (78, Status::INVALID_COMMAND)]);
    assert!(pair.client.is_bound());
}

#[test]
fn an_answer_to_nothing_is_passed_over() {
    let mut pair = Pair::bound();
    let stray = unit(Status::OK, 4_000, Body::SubmitSmResp(Named::of("x")));
    pair.client.handle_input(pair.now, &stray);
    pair.turn();
    assert_eq!(pair.client_events, []);
}

#[test]
fn an_answer_of_another_kind_takes_nothing_from_a_message_that_waits_for_its_own() {
    let bind = Body::BindResp(BindKind::Transceiver, "centre".to_owned(), Vec::new());
    for wrong in [Body::EnquireLinkResp, Body::UnbindResp, bind] {
        let mut pair = Pair::bound();
        pair.submit(7);
        let [sequence] = pair.submitted()[..] else { panic!("one submission") };
        let other = unit(Status::OK, sequence, wrong.clone());
        pair.client.handle_input(pair.now, &other);
        assert_eq!(pair.outcomes(), [], "{wrong:?}");
        pair.answer(sequence, Ok("a1"));
        assert_eq!(pair.outcomes(), [(7, Outcome::Accepted("a1".into()))], "{wrong:?}");
    }
}

#[test]
fn a_stranger_is_cut_off_when_it_does_not_bind() {
    let mut centre = Centre::new(centre_config(), START);
    let submit = unit(Status::OK, 1, Body::SubmitSm(message("1")));
    centre.handle_input(START, &submit);
    let refusal = pdu::decode(&centre.poll_transmit().unwrap()).unwrap();
    assert_eq!(refusal.status, Status::INVALID_BIND_STATE);
    assert_eq!(centre.poll_event(), None);
    centre.handle_timeout(START + Duration::from_secs(10));
    assert_eq!(centre.poll_event(), Some(centre::Event::Disconnect));
}

#[test]
fn a_refusal_has_no_body_and_an_answer_without_its_last_nul_is_read() {
    assert_eq!(unit(Status::THROTTLED, 3, Body::SubmitSmResp(Named::default())).len(), 16);
    let mut short = unit(Status::OK, 3, Body::SubmitSmResp(Named::of("abc")));
    short.pop();
    short[3] -= 1;
    let read = pdu::decode(&short).unwrap();
    assert_eq!(read.body, Body::SubmitSmResp(Named::of("abc")));
}

#[test]
fn optional_parameters_are_kept_in_their_order() {
    let tlvs = vec![Tlv::octet(tlv::MORE_MESSAGES_TO_SEND, 1), Tlv { tag: 0x1400, value: vec![1, 2, 3] }];
    let sent = ShortMessage { tlvs: tlvs.clone(), ..*message("+15550100") };
    let bytes = unit(Status::OK, 1, Body::SubmitSm(Box::new(sent.clone())));
    let Body::SubmitSm(read) = pdu::decode(&bytes).unwrap().body else { panic!("submit_sm") };
    assert_eq!(*read, sent);
    assert_eq!(read.tlv(0x1400), Some(&[1, 2, 3][..]));
}

#[test]
fn every_prefix_of_a_unit_waits_and_every_octet_may_be_wrong() {
    let mut sent = *message("+15550100");
    sent.tlvs = vec![Tlv::text(tlv::RECEIPTED_MESSAGE_ID, "12")];
    let good = unit(Status::OK, 9, Body::DeliverSm(Box::new(sent)));
    for at in 0..good.len() {
        for value in 0..=255 {
            let mut wrong = good.clone();
            wrong[at] = value;
            // Read or refused with a place inside it, and never more than was there.
            if let Err(error) = pdu::decode(&wrong) {
                assert!(error.offset <= wrong.len());
            }
        }
        assert!(pdu::decode(&good[..at]).is_err(), "cut off at {at}");
    }
}
