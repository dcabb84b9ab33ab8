//! Each operation on a link, and what the versions of SMPP make of it.

use strowger_messaging::smpp::centre::{self, Centre};
use strowger_messaging::smpp::client::{self, Outcome, Token};
use strowger_messaging::smpp::pdu::{
    self, Answer, Body, CancelSm, Destination, MultiResp, Operation, QueryResp, QuerySm, ReplaceSm,
    ShortMessage, SubmitMulti, version,
};
use strowger_messaging::smpp::{MessageState, Status, Tlv, tlv};

use crate::pair::{Pair, START, centre_config, client_config, message};
use crate::{unit, units};

impl Pair {
    /// Both sides speak what is given here.
    fn speaking(client: u8, centre: u8) -> Self {
        let mut config = client_config();
        config.bind.interface_version = client;
        let mut pair = Self::with(config);
        pair.centre_version = centre;
        pair.turn();
        assert!(pair.client.is_bound());
        pair.client_events.clear();
        pair.centre_events.clear();
        pair
    }

    /// The client asks, and the centre hears it so.
    fn ask(&mut self, token: u64, operation: Operation) -> (u32, Operation) {
        self.client.ask(self.now, Token(token), operation).unwrap();
        self.turn();
        let Some(centre::Event::Asked(sequence, heard)) = self.centre_events.pop_front() else {
            panic!("something is asked")
        };
        (sequence, heard)
    }

    fn respond(&mut self, sequence: u32, answer: Answer) -> Outcome {
        self.centre.as_mut().unwrap().answer(sequence, answer);
        self.turn();
        self.outcomes().pop().unwrap().1
    }
}

fn multi() -> SubmitMulti {
    SubmitMulti {
        message: ShortMessage { destination: pdu::Address::default(), ..*message("") },
        destinations: vec![
            Destination::Address(pdu::Address::of("+15550100")),
            Destination::List("staff".into()),
        ],
    }
}

#[test]
fn each_operation_is_heard_as_it_was_asked_and_has_its_own_answer() {
    let id = || "a1".to_owned();
    let source = || pdu::Address::of("2948");
    let query = QuerySm { message_id: id(), source: source() };
    let standing = QueryResp {
        message_id: id(),
        final_date: "260101000100000+".into(),
        state: MessageState::Delivered,
        error_code: 0,
    };
    let cancel = CancelSm { message_id: id(), source: source(), ..CancelSm::default() };
    let replace =
        ReplaceSm { message_id: id(), source: source(), text: b"other".to_vec(), ..ReplaceSm::default() };
    let partly = MultiResp {
        message_id: id(),
        refused: vec![(pdu::Address::of("+15550100"), Status::INVALID_DESTINATION)],
        tlvs: Vec::new(),
    };
    let data = ShortMessage { text: Vec::new(), ..*message("+15550100") };
    let data = ShortMessage { tlvs: vec![Tlv { tag: tlv::MESSAGE_PAYLOAD, value: vec![7; 300] }], ..data };
    let mut pair = Pair::bound();
    for (operation, answer, outcome) in [
        (Operation::Data(Box::new(data)), Answer::Data(Ok(id())), Outcome::Accepted(id())),
        (
            Operation::Multi(Box::new(multi())),
            Answer::Multi(Ok(MultiResp { message_id: id(), ..MultiResp::default() })),
            Outcome::Accepted(id()),
        ),
        (
            Operation::Multi(Box::new(multi())),
            Answer::Multi(Ok(partly.clone())),
            Outcome::Partly(Box::new(partly)),
        ),
        (Operation::Query(query), Answer::Query(Ok(standing.clone())), Outcome::Standing(standing)),
        (Operation::Cancel(cancel), Answer::Cancel(Ok(())), Outcome::Accepted(String::new())),
        (Operation::Replace(Box::new(replace)), Answer::Replace(Ok(())), Outcome::Accepted(String::new())),
    ] {
        let (sequence, heard) = pair.ask(1, operation.clone());
        assert_eq!(heard, operation);
        assert_eq!(pair.respond(sequence, answer), outcome);
        let (sequence, heard) = pair.ask(2, operation);
        let refused = pair.respond(sequence, heard.refused(Status::SYSTEM_ERROR));
        assert_eq!(refused, Outcome::Refused(Status::SYSTEM_ERROR));
    }
}

#[test]
fn a_message_for_nobody_or_for_too_many_is_refused_by_its_number() {
    let mut pair = Pair::bound();
    let bytes = unit(Status::OK, 5, Body::SubmitMulti(Box::default()));
    let centre = pair.centre.as_mut().unwrap();
    centre.handle_input(pair.now, &bytes);
    let [refusal] = &units(&centre.poll_transmit().unwrap())[..] else { panic!("one answer") };
    assert_eq!((refusal.status, refusal.sequence), (Status::INVALID_NUMBER_OF_DESTINATIONS, 5));
    let many = vec![Destination::List("x".into()); 300];
    let bytes =
        unit(Status::OK, 6, Body::SubmitMulti(Box::new(SubmitMulti { destinations: many, ..multi() })));
    let Body::SubmitMulti(read) = pdu::decode(&bytes).unwrap().body else { panic!("submit_multi") };
    assert_eq!(read.destinations.len(), pdu::DESTINATIONS, "no more are ever written");
}

#[test]
fn a_message_may_come_by_data_sm_and_is_answered_by_it() {
    let mut pair = Pair::bound();
    let now = pair.now;
    pair.centre.as_mut().unwrap().deliver_data(now, Token(5), message("99")).unwrap();
    pair.turn();
    let Some(client::Event::Incoming(delivery, delivered)) = pair.client_events.pop() else {
        panic!("a message comes")
    };
    assert_eq!(delivered.user_data(), b"hello");
    pair.client.acknowledge(delivery, Status::OK);
    pair.turn();
    let answered = centre::Event::Answered(Token(5), Outcome::Accepted(String::new()));
    assert_eq!(pair.centre_events, [answered]);
}

#[test]
fn an_alert_names_its_subscriber_and_is_not_answered() {
    let mut pair = Pair::bound();
    let alert = pdu::AlertNotification {
        source: pdu::Address::of("+15550100"),
        esme: pdu::Address::of("2948"),
        tlvs: vec![Tlv::octet(tlv::MS_AVAILABILITY_STATUS, 2)],
    };
    pair.centre.as_mut().unwrap().alert(pair.now, alert.clone());
    pair.turn();
    assert!(!alert.is_available());
    assert_eq!(pair.client_events, [client::Event::Alert(Box::new(alert))]);
    assert_eq!(pair.client.poll_transmit(), None);
}

#[test]
fn an_outbind_on_a_link_of_ours_is_passed_over() {
    let mut pair = Pair::bound();
    let outbind = pdu::Outbind { system_id: "centre".into(), password: "secret".into() };
    let mut open = Centre::new(centre_config(), START);
    open.outbind(START, outbind);
    pair.client.handle_input(pair.now, &open.poll_transmit().unwrap());
    assert_eq!(pair.client.poll_transmit(), None);
    assert!(pair.client.is_bound());
}

#[test]
fn the_lower_version_of_both_sides_holds() {
    for (client, centre, agreed) in [
        (version::V5_0, version::V5_0, version::V5_0),
        (version::V5_0, version::V3_4, version::V3_4),
        (version::V3_4, version::V5_0, version::V3_4),
        (version::V3_4, version::V3_3, version::V3_3),
        // Without the parameter in the answer, which a client of 3.3 does not get, nothing higher is assumed.
        (version::V3_3, version::V5_0, version::V3_3),
    ] {
        let pair = Pair::speaking(client, centre);
        assert_eq!(pair.client.version(), agreed, "{client:#x} with {centre:#x}");
        assert_eq!(pair.centre.as_ref().unwrap().version(), agreed, "{client:#x} with {centre:#x}");
    }
}

#[test]
fn an_old_centre_gets_no_parameters_and_what_needs_them_is_refused_here() {
    let mut pair = Pair::speaking(version::V3_4, version::V3_3);
    let hint =
        ShortMessage { tlvs: vec![Tlv::octet(tlv::MORE_MESSAGES_TO_SEND, 1)], ..*message("+15550100") };
    let (sequence, heard) = pair.ask(1, Operation::Submit(Box::new(hint)));
    assert_eq!(heard, Operation::Submit(message("+15550100")));
    pair.respond(sequence, Answer::Submit(Ok("1".into())));
    let ports =
        ShortMessage { tlvs: vec![Tlv::number(tlv::DESTINATION_PORT, 2948)], ..*message("+15550100") };
    let refused = [
        (Operation::Submit(Box::new(ports)), Status::PARAMETER_NOT_ALLOWED),
        (Operation::Data(message("+15550100")), Status::INVALID_COMMAND),
    ];
    for (operation, status) in refused {
        pair.client.ask(pair.now, Token(2), operation).unwrap();
        pair.turn();
        assert_eq!(pair.outcomes(), [(2, Outcome::Refused(status))]);
        assert_eq!(pair.centre_events, []);
    }
}

#[test]
fn a_centre_that_says_how_busy_it_is_gets_less_before_it_refuses() {
    let mut pair = Pair::speaking(version::V5_0, version::V5_0);
    let mut round = |congestion: u8| {
        pair.centre.as_mut().unwrap().set_congestion(Some(congestion));
        let count = pair.client.capacity(pair.now);
        (0..count as u64).for_each(|token| pair.submit(token));
        for sequence in pair.submitted() {
            pair.answer(sequence, Ok("1"));
        }
        pair.outcomes();
        pair.client.capacity(pair.now)
    };
    assert_eq!(round(50), 4, "there is room");
    assert_eq!(round(95), 3, "a window of busy answers takes one place");
    assert_eq!(round(99), 2);
    assert_eq!(round(85), 2, "as it should be");
    assert_eq!(round(10), 3, "and opens again");
    assert_eq!(round(100), 0, "a pause");
    pair.wait();
    assert_eq!(pair.client.capacity(pair.now), 1, "and half of what was outstanding");
    let mut old = Pair::speaking(version::V3_4, version::V5_0);
    old.centre.as_mut().unwrap().set_congestion(Some(100));
    old.submit(1);
    let sequence = old.submitted()[0];
    old.answer(sequence, Ok("1"));
    assert_eq!(old.client.capacity(old.now), 4, "who speaks 3.4 is not told");
}

#[test]
fn messages_to_areas_are_refused_each_in_its_own_way_or_as_unknown() {
    let broadcasts = [
        (pdu::command::BROADCAST_SM, Status::BROADCAST_FAILED),
        (pdu::command::QUERY_BROADCAST_SM, Status::BROADCAST_QUERY_FAILED),
        (pdu::command::CANCEL_BROADCAST_SM, Status::BROADCAST_CANCEL_FAILED),
    ];
    for (number, status) in broadcasts {
        let mut new = Pair::speaking(version::V5_0, version::V5_0);
        let ask = unit(Status::OK, 8, Body::Other(number, vec![0; 40]));
        let answer = |pair: &mut Pair| {
            let centre = pair.centre.as_mut().unwrap();
            centre.handle_input(pair.now, &ask);
            units(&centre.poll_transmit().unwrap()).remove(0)
        };
        let refusal = answer(&mut new);
        assert_eq!(refusal.body, Body::Other(number | pdu::command::RESPONSE, Vec::new()));
        assert_eq!((refusal.status, refusal.sequence), (status, 8));
        let mut old = Pair::speaking(version::V3_4, version::V5_0);
        let refusal = answer(&mut old);
        assert_eq!((refusal.status, refusal.body), (Status::INVALID_COMMAND, Body::GenericNack));
    }
}
