//! What may be under way together (RFC 3435 section 4.4.4).

use strowger_mgcp::agent::{AgentLimits, Failure};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::CallIdBuf;

use crate::stage::{SECOND, Stage, call, config, create, off_hook};

#[test]
fn notification_requests_of_an_endpoint_go_one_by_one_also_inside_other_commands() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    let first = stage.one();
    let mut inside = create();
    inside.notification = Some(off_hook());
    stage.crcx(1, "aaln/1", inside, 2);
    stage.rqnt(1, "aaln/1", off_hook(), 3);
    assert!(stage.sent.is_empty());
    stage.answers(1, &first, "200", "");
    let second = stage.one();
    assert_eq!(second.word(), "CRCX");
    stage.answers(1, &second, "403", "");
    let third = stage.one();
    assert_eq!(third.word(), "RQNT");
    stage.answers(1, &third, "200", "");
    assert_eq!(
        stage.story(),
        ["completed 1", "failed 2: refused: 403 No resources at present", "completed 3"]
    );
}

#[test]
fn endpoints_do_not_wait_for_one_another_nor_audits_for_anything() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    stage.rqnt(1, "aaln/2", off_hook(), 2);
    let endpoint = stage.endpoint(1, "aaln/1");
    stage.agent.audit_endpoint(stage.now, strowger_mgcp::agent::GatewayId(1), &endpoint, Vec::new(), 3);
    stage.collect();
    let words: Vec<_> = stage.take().iter().map(|sent| sent.word().to_owned()).collect();
    assert_eq!(words, ["RQNT", "RQNT", "AUEP"]);
}

#[test]
fn a_connection_is_modified_once_at_a_time_and_others_meanwhile() {
    let mut stage = Stage::up(1);
    stage.mdcx(1, "aaln/1", "a", 1);
    let first = stage.one();
    stage.mdcx(1, "aaln/1", "a", 2);
    stage.mdcx(1, "aaln/1", "b", 3);
    assert_eq!(stage.one().field("I"), Some("b"));
    stage.answers(1, &first, "200", "");
    assert_eq!(stage.one().field("I"), Some("a"));
}

#[test]
fn creations_on_one_endpoint_wait_and_on_any_endpoint_do_not() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 1);
    stage.crcx(1, "aaln/1", create(), 2);
    assert_eq!(stage.take().len(), 1);
    for tag in 3..6 {
        let mut with_request = create();
        with_request.notification = Some(off_hook());
        stage.crcx(1, "relay/$", with_request, tag);
    }
    assert_eq!(stage.take().len(), 3);
}

#[test]
fn a_deletion_steps_in_front_and_drops_what_it_makes_pointless() {
    let mut stage = Stage::up(1);
    stage.mdcx(1, "aaln/1", "a", 1);
    let first = stage.one();
    stage.mdcx(1, "aaln/1", "a", 2);
    stage.dlcx(1, "aaln/1", "a", 3);
    assert_eq!(stage.story(), ["failed 2: superseded by a deletion"]);
    let deletion = stage.one();
    assert_eq!(deletion.word(), "DLCX");
    stage.answers(1, &first, "407", "");
    stage.answers(1, &deletion, "250", "");
    assert_eq!(stage.story(), ["failed 1: refused: 407 Aborted", "completed 3"]);
}

#[test]
fn a_creation_under_way_when_all_is_deleted_does_not_survive() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 1);
    let creation = stage.one();
    let other_call = CallIdBuf::parse("99");
    stage.dlcx_all(1, "aaln/1", other_call, 2);
    let of_another_call = stage.one();
    stage.answers(1, &of_another_call, "250", "");
    stage.dlcx_all(1, "aaln/1", Some(call()), 3);
    let deletion = stage.one();
    assert_eq!((deletion.field("C"), deletion.field("I")), (Some("ca11"), None));
    // Deletion overtook creation on the way.
    stage.answers(1, &deletion, "250", "");
    stage.answers(1, &creation, "200", "I: ab\r\n");
    assert_eq!(stage.story(), ["completed 2", "completed 3", "failed 1: superseded by a deletion"]);
    let orphan = stage.one();
    assert_eq!((orphan.word(), orphan.field("I")), ("DLCX", Some("ab")));
}

#[test]
fn nothing_is_created_before_a_deletion_of_all_endpoints_is_answered() {
    let mut stage = Stage::up(2);
    stage.crcx(1, "aaln/1", create(), 1);
    stage.crcx(1, "aaln/1", create(), 2);
    stage.take();
    stage.dlcx_all(1, "aaln/*", None, 3);
    let sweep = stage.one();
    assert_eq!(sweep.endpoint(), "aaln/*@gw1.town");
    assert_eq!(stage.story(), ["failed 2: superseded by a deletion"], "it had not been sent yet");
    stage.crcx(1, "aaln/2", create(), 4);
    stage.crcx(1, "aaln/$", create(), 5);
    stage.mdcx(1, "aaln/3", "a", 6);
    assert!(stage.sent.is_empty());
    stage.crcx(1, "relay/1", create(), 7);
    stage.crcx(2, "aaln/2", create(), 8);
    assert_eq!(stage.take().len(), 2, "not what the pattern stands for");
    stage.answers(1, &sweep, "250", "");
    let released = stage.one().text;
    let mut endpoints: Vec<_> =
        released.split(".\r\n").map(|command| command.split(' ').nth(2).unwrap()).collect();
    endpoints.sort_unstable();
    assert_eq!(endpoints, ["aaln/$@gw1.town", "aaln/2@gw1.town", "aaln/3@gw1.town"]);
}

#[test]
fn a_deletion_of_all_that_fails_for_the_moment_is_given_again_and_nothing_is_created_before_it() {
    let mut stage = Stage::up(1);
    stage.dlcx_all(1, "aaln/*", None, 1);
    let mut ids = Vec::new();
    for _ in 0..3 {
        // It is repeated until it is answered.
        let sweep = stage.take().remove(0);
        assert_eq!(sweep.word(), "DLCX");
        ids.push(sweep.id());
        stage.answers(1, &sweep, "400", "");
        if ids.len() == 1 {
            stage.crcx(1, "aaln/2", create(), 2);
        }
        assert!(stage.sent.is_empty() && stage.events.is_empty(), "{:?}", stage.events);
        stage.run(SECOND);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each time as a new transaction");
    let sweep = stage.take().remove(0);
    stage.answers(1, &sweep, "250", "");
    assert_eq!(stage.story(), ["completed 1"]);
    assert_eq!(stage.one().word(), "CRCX");
    // One that cannot be at all is not.
    stage.dlcx_all(1, "ann/*", None, 3);
    let sweep = stage.one();
    stage.answers(1, &sweep, "500", "");
    assert!(stage.story().last().unwrap().starts_with("failed 3"));
    // And none for ever.
    stage.dlcx_all(1, "cnf/*", None, 4);
    for attempt in 0..20 {
        let sweep = stage.take().into_iter().find(|sent| sent.word() == "DLCX");
        let Some(sweep) = sweep else { panic!("attempt {attempt}") };
        stage.answers(1, &sweep, "400", "");
        if stage.story().iter().any(|event| event.starts_with("failed 4")) {
            assert_eq!(attempt, 6);
            return;
        }
        stage.run(SECOND);
    }
    panic!("it goes on");
}

#[test]
fn what_the_agent_deletes_for_itself_is_deleted_in_spite_of_refusals_and_restarts() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 1);
    let command = stage.one();
    stage.answers(1, &command, "200", "");
    let cleared = stage.one();
    assert_eq!((cleared.word(), cleared.field("C")), ("DLCX", Some("ca11")));
    stage.answers(1, &cleared, "400", "");
    stage.run(SECOND);
    let again = stage.take().remove(0);
    assert_eq!((again.word(), again.field("C")), ("DLCX", Some("ca11")));
    // It has announced its restart before it was asked for the connection.
    stage.says(1, "RSIP 777 *@gw1.town MGCP 1.0\r\nRM: restart\r\n");
    stage.take();
    assert_eq!(stage.agent.pending(), 1);
    stage.answers(1, &again, "400", "");
    stage.run(SECOND);
    let last = stage.take().remove(0);
    assert_eq!(last.word(), "DLCX");
    stage.answers(1, &last, "250", "");
    assert_eq!(stage.agent.pending(), 0);
}

#[test]
fn the_queue_of_an_endpoint_is_bounded_and_deletions_get_through() {
    let mut config = config();
    config.limits = AgentLimits { operations_per_endpoint: 3, ..AgentLimits::default() };
    let mut stage = Stage::with(config, 1, Dialect::RFC3435);
    stage.restart(1);
    stage.events.clear();
    for tag in 0..4 {
        stage.rqnt(1, "aaln/1", off_hook(), tag);
    }
    assert_eq!(stage.failed(3), Failure::TooMany);
    for tag in 4..8 {
        stage.dlcx(1, "aaln/1", "a", tag);
    }
    assert_eq!(stage.failed(7), Failure::TooMany);
}

#[test]
fn a_gateway_has_only_so_many_commands_without_an_answer() {
    let mut config = config();
    config.limits = AgentLimits { outstanding_per_gateway: 4, ..AgentLimits::default() };
    let mut stage = Stage::with(config, 1, Dialect::RFC3435);
    stage.restart(1);
    stage.take();
    stage.events.clear();
    for tag in 0..10 {
        stage.rqnt(1, &format!("aaln/{tag}"), off_hook(), tag);
    }
    let mut order = Vec::new();
    let mut waiting = stage.take();
    assert_eq!(waiting.len(), 4);
    while !waiting.is_empty() {
        let command = waiting.remove(0);
        order.push(command.endpoint().to_owned());
        stage.answers(1, &command, "200", "");
        waiting.extend(stage.take());
        assert!(waiting.len() <= 4);
    }
    let expected: Vec<_> = (0..10).map(|tag| format!("aaln/{tag}@gw1.town")).collect();
    assert_eq!(order, expected, "and in the order in which they were asked for");
    assert_eq!(stage.events.len(), 10);
}

#[test]
fn commands_to_the_same_gateway_at_the_same_moment_share_a_datagram_only_if_asked_for_together() {
    let mut stage = Stage::up(1);
    let endpoint = stage.endpoint(1, "aaln/1");
    let other = stage.endpoint(1, "aaln/2");
    let gateway = strowger_mgcp::agent::GatewayId(1);
    stage.agent.notification_request(stage.now, gateway, &endpoint, off_hook(), 1);
    stage.agent.notification_request(stage.now, gateway, &other, off_hook(), 2);
    stage.collect();
    let datagram = stage.one();
    assert_eq!(datagram.text.matches("RQNT").count(), 2);
    assert!(datagram.text.contains("\r\n.\r\nRQNT "));
    // A repetition goes alone.
    stage.run(SECOND / 4);
    assert!(stage.take().iter().all(|sent| sent.text.matches("RQNT").count() >= 1));
}
