//! What gateways say on their own, and how it is answered.

use strowger_mgcp::agent::{Event, GatewayId};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{ReasonCode, RestartMethod};

use crate::stage::{SDP, SECOND, Stage, address, config, create, off_hook};

#[test]
fn a_restart_is_answered_with_the_agents_name_and_reported_once_although_repeated() {
    let mut stage = Stage::silent(1);
    let rsip = "RSIP 7 aaln/*@gw1.town MGCP 1.0\r\nRM: restart\r\n";
    stage.says(1, rsip);
    stage.says(1, rsip);
    let answers = stage.take();
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|a| a.text == "200 7 OK\r\nN: ca@town.example:2727\r\n"), "{answers:?}");
    assert_eq!(stage.story(), ["up 1 false", "restart aaln/*@gw1.town 0"]);
}

#[test]
fn a_gateway_that_has_restarted_may_use_its_identifiers_again() {
    let mut stage = Stage::up(1);
    let lift = |stage: &mut Stage, id: u32| {
        let request = stage.watch(1, "aaln/1");
        stage.says(1, &format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd\r\n"));
        assert_eq!(stage.one().text, format!("200 {id} OK\r\n"));
        stage.story()
    };
    let heard = lift(&mut stage, 50);
    assert_eq!(heard, ["notify aaln/1@gw1.town"]);
    for (life, restart) in [(1, 51), (2, 52), (3, 53)] {
        stage.says(1, &format!("RSIP {restart} aaln/*@gw1.town MGCP 1.0\r\nRM: restart\r\n"));
        stage.one();
        assert_eq!(stage.story(), ["restart aaln/*@gw1.town 0"]);
        assert_eq!(lift(&mut stage, 50), heard, "life {life}");
    }
    // A late copy of what began a former life does not end this one.
    stage.says(1, "RSIP 51 aaln/*@gw1.town MGCP 1.0\r\nRM: restart\r\n");
    assert_eq!(stage.one().word(), "200");
    assert!(stage.story().is_empty());
}

#[test]
fn the_restart_of_one_endpoint_of_several_makes_no_copy_a_new_command() {
    let mut stage = Stage::up(1);
    stage.watch(1, "aaln/1");
    let request = stage.watch(1, "aaln/2");
    let notify = format!("NTFY 50 aaln/2@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd\r\n");
    stage.says(1, &notify);
    stage.says(1, "RSIP 51 aaln/1@gw1.town MGCP 1.0\r\nRM: restart\r\n");
    stage.says(1, &notify);
    let notifies = |told: &String| told.starts_with("notify");
    assert_eq!(stage.story().iter().filter(|told| notifies(told)).count(), 1);
}

#[test]
fn every_restart_method_is_reported_with_its_delay_and_reason() {
    let mut stage = Stage::up(1);
    let methods = [
        ("graceful", "RD: 300\r\nE: 901 shutdown\r\n", 300),
        ("forced", "RD: 5\r\n", 0),
        ("restart", "RD: 20\r\n", 20),
        ("disconnected", "RD: 77\r\n", 77),
        ("cancel-graceful", "", 0),
    ];
    for (number, (method, rest, delay)) in methods.into_iter().enumerate() {
        stage.says(1, &format!("RSIP {} *@gw1.town MGCP 1.0\r\nRM: {method}\r\n{rest}", number + 1));
        assert_eq!(stage.one().word(), "200");
        let Event::EndpointsRestarted { method: told, delay: after, reason, .. } = stage.event() else {
            panic!("{method}")
        };
        assert_eq!(told, RestartMethod::ALL.into_iter().find(|m| m.keyword() == method).unwrap());
        assert_eq!(after, delay * SECOND, "{method}");
        assert_eq!(reason, (method == "graceful").then_some(ReasonCode::OUT_OF_SERVICE));
    }
}

#[test]
fn a_report_of_lockstep_is_answered_and_told_and_voids_nothing() {
    let mut stage = Stage::up(1);
    let request = stage.watch(1, "aaln/1");
    stage.rqnt(1, "aaln/1", off_hook(), 7);
    stage.take();
    stage.says(1, "RSIP 60 aaln/1@gw1.town MGCP 1.0\r\nRM: lck/Lockstep\r\n");
    assert_eq!(stage.one().text, "200 60 OK\r\n");
    assert_eq!(stage.story(), ["lockstep aaln/1@gw1.town"], "what is under way goes on");
    stage.says(1, &format!("NTFY 61 aaln/1@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), ["notify aaln/1@gw1.town"]);
    stage.take();
    // Another method of a package is none that this agent knows.
    stage.says(1, "RSIP 62 aaln/1@gw1.town MGCP 1.0\r\nRM: LCK/step\r\n");
    assert_eq!(stage.one().word(), "536");
}

#[test]
fn an_avalanche_of_restarts_brings_every_gateway_up_with_one_answer_each() {
    let mut stage = Stage::silent(400);
    for round in 0..3 {
        for gateway in 1..=400 {
            stage.restart(gateway);
        }
        assert_eq!(stage.take().len(), 400, "round {round}");
    }
    assert_eq!(stage.agent.counters().gateways_up, 400);
    assert_eq!(stage.agent.counters().restarts, 400);
    assert_eq!(stage.events.len(), 800);
    // All have spoken, so nobody is probed before the keep-alive interval is nearly over.
    stage.run(14 * SECOND);
    assert!(stage.sent.is_empty());
}

#[test]
fn a_repeated_notification_is_passed_on_once_and_answered_twice() {
    let mut stage = Stage::up(1);
    let request = stage.watch(1, "aaln/1");
    let notify = format!("NTFY 50 aaln/1@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd, D/1(x=2)\r\n");
    stage.says(1, &notify);
    stage.says(1, &notify);
    let answers: Vec<_> = stage.take().into_iter().map(|sent| sent.text).collect();
    assert_eq!(answers, ["200 50 OK\r\n", "200 50 OK\r\n"]);
    let Event::Notify { gateway, endpoint, request_id, events } = stage.event() else { panic!() };
    assert_eq!((gateway, endpoint.as_str()), (GatewayId(1), "aaln/1@gw1.town"));
    assert_eq!(request_id.as_str(), request);
    let events: Vec<_> = events.iter().map(ToString::to_string).collect();
    assert_eq!(events, ["L/hd", "D/1(x=2)"]);
}

#[test]
fn a_notification_of_a_request_that_is_not_current_is_answered_and_not_passed_on() {
    let mut stage = Stage::up(2);
    let old = stage.watch(1, "aaln/1");
    let current = stage.watch(1, "aaln/1");
    let other = stage.watch(1, "aaln/2");
    for (number, request) in [old.as_str(), other.as_str(), "0", "abcdef"].into_iter().enumerate() {
        let id = 50 + number;
        stage.says(1, &format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd\r\n"));
        assert_eq!(stage.one().text, format!("200 {id} OK\r\n"));
    }
    assert_eq!(stage.story(), [""; 0]);
    assert_eq!(stage.agent.counters().stale_notifications, 4);
    stage.says(1, &format!("NTFY 60 AALN/1@GW1.TOWN MGCP 1.0\r\nX: {}\r\nO: hd\r\n", current.to_uppercase()));
    let Event::Notify { endpoint, .. } = stage.event() else { panic!() };
    assert_eq!(endpoint, stage.endpoint(1, "aaln/1"), "names and identifiers know no case");
}

#[test]
fn persistent_events_before_the_first_request_carry_zero() {
    let mut stage = Stage::up(1);
    stage.says(1, "NTFY 50 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n");
    assert_eq!(stage.story(), ["notify aaln/1@gw1.town"]);
    stage.watch(1, "aaln/1");
    stage.says(1, "NTFY 51 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n");
    assert_eq!(stage.story(), [""; 0]);
    // After a restart the request is forgotten.
    stage.says(1, "RSIP 52 *@gw1.town MGCP 1.0\r\nRM: restart\r\n");
    stage.events.clear();
    stage.says(1, "NTFY 53 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n");
    assert_eq!(stage.story(), ["notify aaln/1@gw1.town"]);
}

#[test]
fn a_notification_may_overtake_the_answer_to_its_request() {
    let mut stage = Stage::up(1);
    let old = stage.watch(1, "aaln/1");
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let command = stage.one();
    let new = command.field("X").unwrap().to_owned();
    stage.says(1, &format!("NTFY 50 aaln/1@gw1.town MGCP 1.0\r\nX: {old}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), ["notify aaln/1@gw1.town"], "the old request holds until the new one does");
    stage.says(1, &format!("NTFY 51 aaln/1@gw1.town MGCP 1.0\r\nX: {new}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), ["notify aaln/1@gw1.town"]);
    stage.says(1, &format!("NTFY 52 aaln/1@gw1.town MGCP 1.0\r\nX: {old}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), [""; 0], "now the new one holds");
    stage.answers(1, &command, "200", "");
    assert_eq!(stage.story(), ["completed 5"]);
}

#[test]
fn a_request_of_all_endpoints_is_current_for_each() {
    let mut stage = Stage::up(1);
    let own = stage.watch(1, "aaln/2");
    let request = stage.watch(1, "aaln/*");
    stage.says(1, &format!("NTFY 50 aaln/2@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), ["notify aaln/2@gw1.town"]);
    stage.says(1, &format!("NTFY 51 aaln/2@gw1.town MGCP 1.0\r\nX: {own}\r\nO: L/hd\r\n"));
    assert_eq!(stage.story(), [""; 0]);
}

#[test]
fn an_empty_notification_is_a_sign_of_life_and_nothing_else() {
    let mut stage = Stage::silent(1);
    stage.says(1, "NTFY 50 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: \r\n");
    assert_eq!(stage.one().word(), "200");
    assert_eq!(stage.story(), ["up 1 false"]);
    assert_eq!(stage.agent.counters().empty_notifications, 1);
}

#[test]
fn a_connection_that_a_gateway_deletes_is_reported_with_reason_and_statistics() {
    let mut stage = Stage::up(1);
    stage.says(
        1,
        "DLCX 50 aaln/1@gw1.town MGCP 1.0\r\nC: A3C4\r\nI: FDE2\r\nE: 902 link down\r\nP: PS=12, OS=345, PL=6\r\n",
    );
    assert_eq!(stage.one().text, "250 50 Connection deleted\r\n");
    let Event::ConnectionDeletedByGateway { call_id, connection_id, reason, statistics, .. } = stage.event()
    else {
        panic!()
    };
    assert_eq!((call_id.as_str(), connection_id.as_str()), ("A3C4", "FDE2"));
    assert_eq!(reason, Some(ReasonCode::LOWER_LAYER));
    let statistics = statistics.unwrap();
    assert_eq!((statistics.packets_sent, statistics.octets_sent, statistics.packets_lost), (12, 345, 6));
    stage.says(1, "DLCX 51 aaln/1@gw1.town MGCP 1.0\r\nC: A3C4\r\n");
    assert_eq!(stage.one().word(), "510");
    stage.says(1, "DLCX 52 *@gw1.town MGCP 1.0\r\n");
    assert_eq!(stage.one().word(), "510");
    assert!(stage.events.is_empty());
}

#[test]
fn what_a_gateway_may_not_say_is_refused_with_the_precise_code() {
    let mut stage = Stage::up(1);
    let cases = [
        ("504", "XPRB 1 aaln/1@gw1.town MGCP 1.0\r\n"),
        ("504", "CRCX 2 aaln/1@gw1.town MGCP 1.0\r\nC: 1\r\nM: sendrecv\r\n"),
        ("504", "RQNT 3 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\n"),
        ("504", "AUEP 4 aaln/1@gw1.town MGCP 1.0\r\n"),
        ("500", "RSIP 5 *@gw2.town MGCP 1.0\r\nRM: restart\r\n"),
        ("500", "NTFY 6 aaln/1@gw11.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n"),
        ("536", "RSIP 7 *@gw1.town MGCP 1.0\r\nRM: explode\r\n"),
        ("510", "RSIP 8 $@gw1.town MGCP 1.0\r\nRM: restart\r\n"),
        ("510", "RSIP 9 *@gw1.town MGCP 1.0\r\n"),
        ("510", "NTFY 10 *@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n"),
        ("510", "NTFY 11 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\n"),
        ("511", "NTFY 12 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\nX+NEW: 1\r\n"),
        ("518", "RSIP 13 *@gw1.town MGCP 1.0\r\nRM: restart\r\nFOO/BAR: 1\r\n"),
        ("528", "RSIP 14 *@gw1.town MGCP 3.0\r\nRM: restart\r\n"),
        ("539", "RSIP 15 *@gw1.town MGCP 1.0\r\nRM: restart\r\nM: sendrecv\r\n"),
    ];
    for (number, (code, text)) in cases.into_iter().enumerate() {
        stage.says(1, text);
        let answer = stage.one();
        assert_eq!((answer.word(), answer.id() as usize), (code, number + 1), "{text}");
        assert_eq!(answer.field("PL").is_some(), code == "518");
    }
    assert!(stage.events.is_empty());
    assert_eq!(stage.agent.counters().foreign_domain, 2);
    stage.says(1, "MESG 20 aaln/1@gw1.town MGCP 1.0\r\n");
    assert_eq!(stage.one().word(), "200");
}

#[test]
fn a_stranger_gets_no_byte_whatever_it_sends() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let command = stage.one();
    let inputs = [
        "RSIP 5 *@gw1.town MGCP 1.0\r\nRM: restart\r\n".to_owned(),
        "RSIP 6".to_owned(),
        format!("200 {} OK\r\n", command.id()),
        "\0\0\0".to_owned(),
    ];
    for input in &inputs {
        stage.arrives(address(77), input.as_bytes());
    }
    // The right host is not the right port.
    let mut port = address(1);
    port.set_port(4000);
    stage.arrives(port, inputs[2].as_bytes());
    assert!(stage.sent.is_empty() && stage.events.is_empty());
    assert_eq!(stage.agent.counters().unlisted, 5);
}

#[test]
fn a_gateways_datagram_of_several_messages_is_answered_in_order() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    let id = stage.one().id();
    let text = format!(
        "RSIP 40 *@gw1.town MGCP 1.0\r\nRM: disconnected\r\nRD: 9\r\n.\r\n200 {id} OK\r\n.\r\nNTFY 41 aaln/1@gw1.town MGCP 1.0\r\nX: 77\r\nO: L/hu\r\n"
    );
    stage.says(1, &text);
    assert_eq!(stage.story(), ["disconnected *@gw1.town 9", "completed 5"]);
    let answer = stage.one().text;
    assert_eq!(answer, "200 40 OK\r\nN: ca@town.example:2727\r\n.\r\n200 41 OK\r\n");
}

#[test]
fn a_gateway_that_reads_one_message_a_datagram_gets_one() {
    let mut stage = Stage::with(config(), 1, Dialect::OSMO);
    stage.restart(1);
    stage.take();
    stage.says(1, "NTFY 41 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hu\r\n");
    stage.says(1, "NTFY 42 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n.\r\nNTFY 43 aaln/2@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n");
    assert_eq!(stage.take().len(), 3);
}

#[test]
fn a_notification_of_four_thousand_octets_is_heard_in_any_case() {
    let mut stage = Stage::up(1);
    let request = stage.watch(1, "aaln/1");
    let keys = vec!["D/5"; 900];
    let text = format!(
        "ntfy 50 AALN/1@GW1.TOWN mgcp 1.0\r\nx: {}\r\no: l/HD, {}\r\n",
        request.to_ascii_uppercase(),
        keys.join(", ")
    );
    assert!(text.len() > 4000);
    stage.says(1, &text);
    assert_eq!(stage.one().word(), "200");
    let Some(Event::Notify { events, .. }) = stage.events.pop() else { panic!("not a notification") };
    assert_eq!((events.len(), events[0].to_string().to_ascii_uppercase()), (901, "L/HD".to_owned()));
}

#[test]
fn a_gateway_may_answer_in_small_letters() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 5);
    let command = stage.one();
    stage.answers(1, &command, "200", &format!("i: fde2\r\n\r\n{SDP}"));
    assert_eq!(stage.completed(5).connection_id.unwrap().as_str(), "fde2");
    stage.dlcx(1, "aaln/1", "FDE2", 7);
    let command = stage.one();
    stage.answers(1, &command, "250", "p: ps=12, pl=1\r\n");
    let statistics = stage.completed(7).statistics.unwrap();
    assert_eq!((statistics.packets_sent, statistics.packets_lost), (12, 1));
}
