//! Connections: what a creation must bring, and that none is left behind that nobody waits for.

use strowger_mgcp::agent::{ConnectionOptions, Event, Failure};
use strowger_mgcp::message::{ConnectionMode, EndpointNameBuf};

use crate::stage::{SDP, SECOND, Sent, Stage, address, create, off_hook};

#[test]
fn a_connection_is_created_with_options_description_and_notification_request() {
    let mut stage = Stage::up(1);
    let mut request = create();
    request.mode = ConnectionMode::SendRecv;
    request.options = Some(ConnectionOptions {
        codecs: vec!["PCMU".to_owned(), "PCMA".to_owned()],
        packetization: Some(20),
        echo_cancellation: Some(true),
        silence_suppression: Some(false),
        others: vec!["t:b8".to_owned()],
    });
    request.sdp = Some(SDP.as_bytes().to_vec());
    request.notification = Some(off_hook());
    stage.crcx(1, "aaln/1", request, 5);
    let command = stage.one();
    assert_eq!(
        (command.word(), command.field("C"), command.field("M")),
        ("CRCX", Some("ca11"), Some("sendrecv"))
    );
    assert_eq!(command.field("L"), Some("p:20, a:PCMU;PCMA, e:on, s:off, t:b8"));
    assert_eq!((command.field("R"), command.field("N")), (Some("L/hd(N)"), Some("ca@town.example:2727")));
    assert!(command.text.ends_with(&format!("\r\n\r\n{SDP}")));
    stage.answers(1, &command, "200", &format!("I: FDE2\r\n\r\n{SDP}"));
    let outcome = stage.completed(5);
    assert_eq!(outcome.connection_id.unwrap().as_str(), "FDE2");
    assert_eq!(outcome.sdp.unwrap(), SDP.as_bytes());
    // The request inside is the endpoint's current one now.
    let request = command.field("X").unwrap();
    stage.says(1, &format!("NTFY 60 aaln/1@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), ["notify aaln/1@gw1.town"]);
}

#[test]
fn a_creation_on_any_endpoint_learns_which() {
    let mut stage = Stage::up(1);
    let mut request = create();
    request.notification = Some(off_hook());
    stage.crcx(1, "relay/$", request, 5);
    let command = stage.one();
    assert_eq!(command.endpoint(), "relay/$@gw1.town");
    stage.answers(1, &command, "200", "I: 1\r\nZ: relay/7@gw1.town\r\n");
    let outcome = stage.completed(5);
    assert_eq!(outcome.specific_endpoint(), EndpointNameBuf::parse("relay/7@gw1.town").as_ref());
    let request = command.field("X").unwrap();
    stage.says(1, &format!("NTFY 60 relay/7@gw1.town MGCP 1.0\r\nX: {request}\r\nO: R/qa\r\n"));
    assert_eq!(stage.story(), ["notify relay/7@gw1.town"]);
}

#[test]
fn a_connection_between_two_endpoints_of_a_gateway_has_two_identifiers() {
    let mut stage = Stage::up(1);
    let mut request = create();
    request.second_endpoint = Some(stage.endpoint(1, "aaln/2"));
    stage.crcx(1, "aaln/1", request, 5);
    let command = stage.one();
    assert_eq!(command.field("Z2"), Some("aaln/2@gw1.town"));
    stage.answers(1, &command, "200", "I: 1\r\nI2: 2\r\nZ2: aaln/2@gw1.town\r\n");
    let outcome = stage.completed(5);
    assert_eq!(outcome.second_connection_id.unwrap().as_str(), "2");
    assert_eq!(outcome.second_endpoint, EndpointNameBuf::parse("aaln/2@gw1.town"));
}

#[test]
fn a_positive_answer_without_a_connection_is_none_and_the_connection_is_cleared_by_its_call() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let command = stage.one();
    stage.answers(1, &command, "200", "");
    assert_eq!(stage.failed(5), Failure::BadAnswer);
    let cleared = stage.one();
    assert_eq!((cleared.word(), cleared.endpoint()), ("DLCX", "aaln/1@gw1.town"));
    assert_eq!((cleared.field("C"), cleared.field("I")), (Some("ca11"), None));
    stage.answers(1, &cleared, "250", "");
    assert!(stage.events.is_empty());
    assert_eq!(stage.agent.pending(), 0);
}

#[test]
fn an_any_endpoint_creation_whose_answer_names_no_endpoint_fails() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "relay/$", create(), 5);
    let command = stage.one();
    stage.answers(1, &command, "200", "I: 1\r\n");
    assert_eq!(stage.failed(5), Failure::BadAnswer);
}

#[test]
fn a_provisional_answer_tells_the_connection_early_and_the_final_one_is_acknowledged() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let command = stage.one();
    stage.answers(1, &command, "100", &format!("I: 1\r\n\r\n{SDP}"));
    let Event::Proceeding { tag: 5, outcome } = stage.event() else { panic!() };
    assert_eq!(outcome.connection_id.unwrap().as_str(), "1");
    assert_eq!(outcome.sdp.unwrap(), SDP.as_bytes());
    stage.run(4 * SECOND);
    assert!(stage.sent.is_empty(), "LONGTRAN has not passed");
    stage.answers(1, &command, "200", &format!("K:\r\nI: 1\r\n\r\n{SDP}"));
    assert_eq!(stage.completed(5).connection_id.unwrap().as_str(), "1");
    let acknowledgement = stage.one();
    assert_eq!((acknowledgement.word(), acknowledgement.id()), ("000", command.id()));
    assert_eq!(stage.agent.counters().provisional_mismatches, 0);
}

#[test]
fn a_final_answer_that_contradicts_the_provisional_one_is_counted_and_counts() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let command = stage.one();
    stage.answers(1, &command, "100", "I: 1\r\n");
    stage.events.clear();
    stage.answers(1, &command, "200", "I: 2\r\n");
    assert_eq!(stage.completed(5).connection_id.unwrap().as_str(), "2");
    assert_eq!(stage.agent.counters().provisional_mismatches, 1);
}

#[test]
fn a_bare_provisional_answer_is_nobodys_business() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let command = stage.one();
    stage.answers(1, &command, "101", "");
    assert!(stage.events.is_empty());
    stage.answers(1, &command, "403", "");
    assert_eq!(stage.story(), ["failed 5: refused: 403 No resources at present"]);
}

#[test]
fn deleting_a_connection_brings_its_statistics() {
    let mut stage = Stage::up(1);
    stage.dlcx(1, "aaln/1", "FDE2", 5);
    let command = stage.one();
    assert_eq!(
        (command.word(), command.field("C"), command.field("I")),
        ("DLCX", Some("ca11"), Some("FDE2"))
    );
    stage.answers(1, &command, "250", "P: PS=1245, OS=62345, PR=780, OR=45123, PL=10, JI=27, LA=48\r\n");
    let statistics = stage.completed(5).statistics.unwrap();
    assert_eq!((statistics.packets_received, statistics.packets_lost, statistics.jitter_ms), (780, 10, 27));
}

/// Everything of a gateway is answered but commands with this word for this endpoint.
fn deaf_for(word: &'static str, endpoint: &'static str) -> impl FnMut(&Sent) -> Option<String> {
    move |sent| {
        let deaf = sent.word() == word && sent.endpoint() == endpoint;
        (!deaf && sent.word().len() == 4).then(|| format!("200 {} OK\r\n", sent.id()))
    }
}

#[test]
fn a_creation_without_answer_fails_alone_when_the_gateway_answers_elsewhere_and_is_cleared() {
    let mut stage = Stage::up(1);
    stage.scripts.insert(address(1), Box::new(deaf_for("CRCX", "aaln/1@gw1.town")));
    stage.crcx(1, "aaln/1", create(), 5);
    stage.run(SECOND);
    stage.rqnt(1, "aaln/2", off_hook(), 6);
    stage.run(20 * SECOND);
    assert_eq!(stage.story(), ["completed 6", "failed 5: no answer"]);
    let cleared: Vec<_> = stage.take().into_iter().filter(|sent| sent.word() == "DLCX").collect();
    assert_eq!(cleared.len(), 1);
    assert_eq!((cleared[0].field("C"), cleared[0].field("I")), (Some("ca11"), None));
    assert_eq!((stage.agent.pending(), stage.agent.outstanding()), (0, 0));
}

#[test]
fn a_connection_whose_answer_comes_too_late_is_deleted() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "relay/$", create(), 5);
    let command = stage.one();
    stage.run(20 * SECOND);
    assert_eq!(stage.story(), ["lost 1", "failed 5: the gateway is lost"]);
    stage.restart_disconnected();
    stage.take();
    stage.answers(1, &command, "200", "I: ab\r\nZ: relay/7@gw1.town\r\n");
    let deleted = stage.one();
    assert_eq!((deleted.word(), deleted.endpoint()), ("DLCX", "relay/7@gw1.town"));
    assert_eq!((deleted.field("C"), deleted.field("I")), (Some("ca11"), Some("ab")));
    stage.answers(1, &command, "200", "I: ab\r\nZ: relay/7@gw1.town\r\n");
    assert!(stage.sent.is_empty(), "once");
    stage.answers(1, &deleted, "250", "");
    assert_eq!(stage.agent.pending(), 0);
}

#[test]
fn a_restart_voids_what_was_under_way_on_its_endpoints_only() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let void = stage.one();
    stage.crcx(1, "ds/1", create(), 6);
    let kept = stage.one();
    stage.mdcx(1, "aaln/2", "1", 7);
    stage.mdcx(1, "aaln/2", "1", 8);
    stage.take();
    stage.says(1, "RSIP 40 aaln/*@gw1.town MGCP 1.0\r\nRM: forced\r\n");
    assert_eq!(
        stage.story(),
        [
            "failed 5: the endpoint restarted",
            "failed 7: the endpoint restarted",
            "failed 8: the endpoint restarted",
            "forced aaln/*@gw1.town 0",
        ]
    );
    stage.take();
    // The command may have been carried out in the new life.
    stage.answers(1, &void, "200", "I: ab\r\n");
    let deleted = stage.one();
    assert_eq!((deleted.word(), deleted.field("I")), ("DLCX", Some("ab")));
    stage.answers(1, &kept, "200", "I: cd\r\n");
    assert_eq!(stage.story(), ["completed 6"]);
}

#[test]
fn a_disconnection_voids_nothing() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let command = stage.one();
    stage.says(1, "RSIP 40 *@gw1.town MGCP 1.0\r\nRM: disconnected\r\nRD: 40\r\n");
    stage.answers(1, &command, "200", "I: ab\r\n");
    assert_eq!(stage.story(), ["disconnected *@gw1.town 40", "completed 5"]);
}
