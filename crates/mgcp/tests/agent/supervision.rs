//! Signs of life: how the loss of a gateway, and its return, are seen.

use strowger_mgcp::agent::{Failure, GatewayId, GatewayState, Supervision};
use strowger_mgcp::dialect::Dialect;

use crate::stage::{SECOND, Sent, Stage, address, config, create, off_hook};

/// Refuses every command: also an answer.
fn refusing(code: &'static str) -> impl FnMut(&Sent) -> Option<String> {
    move |sent| (sent.word().len() == 4).then(|| format!("{code} {} no\r\n", sent.id()))
}

fn state(stage: &Stage, gateway: u32) -> GatewayState {
    stage.agent.gateway_state(GatewayId(gateway)).unwrap()
}

#[test]
fn a_gateway_that_says_nothing_at_start_is_learnt_by_an_audit() {
    let mut stage = Stage::silent(2);
    stage.scripts.insert(address(1), Box::new(refusing("500")));
    assert_eq!(state(&stage, 1), GatewayState::Unknown);
    stage.run(2 * SECOND);
    let probes = stage.take();
    assert!(probes.iter().all(|sent| sent.word() == "AUEP" && sent.field("F").is_none()), "{probes:?}");
    assert_eq!(stage.story(), ["up 1 false"]);
    assert_eq!((state(&stage, 1), state(&stage, 2)), (GatewayState::Up, GatewayState::Unknown));
    stage.run(20 * SECOND);
    assert_eq!(stage.story(), ["lost 2"]);
}

#[test]
fn first_probes_are_spread_and_not_sent_to_who_has_spoken() {
    let mut stage = Stage::silent(100);
    stage.restart(1);
    stage.take();
    stage.run(2 * SECOND);
    let probes = stage.take();
    assert!(probes.iter().all(|sent| sent.to != address(1)));
    let first: std::collections::BTreeSet<_> = probes.iter().map(|sent| sent.at).collect();
    assert!(first.len() > 90, "{}", first.len());
}

#[test]
fn a_gateway_that_never_speaks_first_is_asked_at_once() {
    let mut stage = Stage::with(config(), 1, Dialect::OSMO);
    stage.scripts.insert(address(1), Box::new(refusing("500")));
    stage.run(SECOND / 2);
    assert_eq!(stage.take().iter().map(Sent::word).collect::<Vec<_>>(), ["AUEP"]);
    assert_eq!(stage.story(), ["up 1 false"]);
}

#[test]
fn a_quiet_gateway_is_asked_for_a_sign_of_life_and_one_that_talks_is_not() {
    let mut stage = Stage::up(2);
    stage.scripts.insert(address(1), Box::new(refusing("200")));
    stage.scripts.insert(address(2), Box::new(refusing("200")));
    for number in 0..12 {
        stage.says(2, &format!("NTFY {} aaln/1@gw2.town MGCP 1.0\r\nX: 0\r\nO: \r\n", number + 1));
        stage.run(10 * SECOND);
    }
    let probes = |gateway| {
        stage.sent.iter().filter(|sent| sent.to == address(gateway) && sent.word() == "AUEP").count()
    };
    assert!((3..=5).contains(&probes(1)), "{}", probes(1));
    assert_eq!(probes(2), 0);
}

#[test]
fn a_gateway_with_commands_under_way_is_not_asked_besides() {
    let mut stage = Stage::up(1);
    stage.run(10 * SECOND);
    stage.take();
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    let command = stage.take().pop().unwrap();
    stage.answers(1, &command, "100", "");
    stage.run(40 * SECOND);
    assert!(stage.take().iter().all(|sent| sent.word() == "RQNT"));
}

#[test]
fn the_loss_of_a_quiet_gateway_is_seen_without_traffic_and_so_is_its_return() {
    let mut stage = Stage::up(1);
    stage.run(50 * SECOND);
    assert_eq!(stage.story(), ["lost 1"]);
    stage.run(600 * SECOND);
    assert!(stage.events.is_empty(), "a lost gateway is lost once");
    let before = stage.take();
    assert!(before.len() > 40 && before.len() < 300, "probed all the time, with pauses: {}", before.len());
    stage.scripts.insert(address(1), Box::new(refusing("200")));
    stage.run(20 * SECOND);
    assert_eq!(stage.story(), ["up 1 true"]);
    assert_eq!((stage.agent.pending(), stage.agent.outstanding()), (0, 0));
}

#[test]
fn what_was_asked_of_a_lost_gateway_fails_and_so_does_what_is_asked_later() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    stage.rqnt(1, "aaln/1", off_hook(), 2);
    stage.crcx(1, "aaln/2", create(), 3);
    stage.run(20 * SECOND);
    assert_eq!(
        stage.story(),
        [
            "lost 1",
            "failed 1: the gateway is lost",
            "failed 2: the gateway is lost",
            "failed 3: the gateway is lost",
        ]
    );
    stage.take();
    stage.rqnt(1, "aaln/1", off_hook(), 4);
    assert_eq!(stage.failed(4), Failure::GatewayLost);
    assert!(stage.sent.is_empty());
    assert!(stage.agent.pending() <= 1, "only a probe may be under way");
    stage.restart_disconnected();
    assert_eq!(stage.story(), ["up 1 true", "disconnected *@gw1.town 25"]);
    stage.rqnt(1, "aaln/1", off_hook(), 5);
    assert_eq!(stage.take().last().unwrap().word(), "RQNT");
}

#[test]
fn the_loss_is_declared_when_the_last_repetition_has_had_its_time() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    let mut lost_after = None;
    for tenth in 0..400 {
        stage.run(SECOND / 10);
        if state(&stage, 1) == GatewayState::Lost {
            lost_after = Some(tenth / 10);
            break;
        }
    }
    assert!((8..=20).contains(&lost_after.unwrap()), "{lost_after:?} s");
    assert_eq!(stage.take().iter().filter(|sent| sent.word() == "RQNT").count(), 8);
}

#[test]
fn an_answer_to_nothing_is_no_proof_of_life_but_a_reason_to_ask() {
    let mut stage = Stage::up(1);
    stage.run(50 * SECOND);
    assert_eq!(stage.story(), ["lost 1"]);
    // Between two probes.
    while stage.agent.outstanding() > 0 {
        stage.run(SECOND);
    }
    stage.take();
    stage.says(1, "200 5 OK\r\n");
    assert!(stage.events.is_empty());
    let probe = stage.one();
    assert_eq!(probe.word(), "AUEP");
    stage.answers(1, &probe, "200", "");
    assert_eq!(stage.story(), ["up 1 true"]);
}

#[test]
fn one_dead_endpoint_does_not_lose_the_gateway() {
    let mut stage = Stage::up(1);
    stage.scripts.insert(
        address(1),
        Box::new(|sent: &Sent| {
            let dead = sent.endpoint() == "aaln/1@gw1.town";
            (!dead).then(|| format!("200 {} OK\r\n", sent.id()))
        }),
    );
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    for tag in 2..30 {
        stage.rqnt(1, "aaln/2", off_hook(), tag);
        stage.run(SECOND);
    }
    let story = stage.story();
    assert!(story.contains(&"failed 1: no answer".to_owned()), "{story:?}");
    assert_eq!(story.len(), 29);
    assert_eq!(state(&stage, 1), GatewayState::Up);
}

#[test]
fn supervision_can_be_slow_or_off() {
    let mut config = config();
    config.supervision = Supervision { keep_alive: None, ..Supervision::default() };
    let mut stage = Stage::with(config, 1, Dialect::RFC3435);
    stage.restart(1);
    stage.take();
    stage.run(3600 * SECOND);
    assert!(stage.sent.is_empty());
    assert_eq!(stage.agent.poll_timeout(), None);
}
