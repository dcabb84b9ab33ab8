//! Gateways that are too busy: what waits for them, and what does not.

use strowger_mgcp::agent::Failure;
use strowger_mgcp::message::{Category, ReturnCode};

use crate::stage::{SECOND, Stage, create, off_hook};

#[test]
fn a_gateway_that_is_too_busy_is_given_a_pause_and_the_command_again() {
    for code in ["405", "409"] {
        let mut stage = Stage::up(1);
        stage.rqnt(1, "aaln/1", off_hook(), 1);
        let mut gaps = Vec::new();
        for _ in 0..4 {
            let command = stage.one();
            assert_eq!(command.word(), "RQNT");
            stage.answers(1, &command, code, "");
            assert!(stage.sent.is_empty() && stage.events.is_empty(), "not at once, and not given up");
            let before = stage.now;
            while stage.sent.is_empty() {
                stage.run(SECOND / 20);
            }
            gaps.push(stage.sent[0].at.since(before));
        }
        for (gap, pause) in gaps.iter().zip([1, 2, 4, 8]) {
            assert!((pause * SECOND / 2..=pause * SECOND).contains(gap), "{gap:?} of {pause} s");
        }
        let command = stage.one();
        stage.answers(1, &command, "200", "");
        stage.completed(1);
        assert_eq!(stage.agent.counters().given_again, 4);
    }
}

#[test]
fn a_gateway_that_is_too_busy_for_ever_fails_the_command() {
    let mut stage = Stage::up(1);
    stage.rqnt(1, "aaln/1", off_hook(), 1);
    let mut count = 0;
    while stage.events.is_empty() {
        for command in stage.take() {
            count += 1;
            stage.answers(1, &command, "409", "");
        }
        stage.run(SECOND / 4);
    }
    let Failure::Refused(refused) = stage.failed(1) else { panic!("not refused") };
    assert_eq!(
        (refused.code, refused.category, count),
        (ReturnCode::OVERLOAD, Category::TemporaryFailure, 7)
    );
    assert_eq!((stage.agent.pending(), stage.agent.outstanding()), (0, 0));
}

#[test]
fn what_a_call_waits_for_is_not_given_again() {
    let mut stage = Stage::up(1);
    stage.crcx(1, "aaln/1", create(), 1);
    let command = stage.one();
    stage.answers(1, &command, "409", "");
    let Failure::Refused(refused) = stage.failed(1) else { panic!("not refused") };
    assert_eq!(refused.code, ReturnCode::OVERLOAD);
}

#[test]
fn gateways_take_turns_when_all_of_them_want_much() {
    let mut configuration = crate::stage::config();
    configuration.limits.outstanding = 10;
    let mut stage = Stage::with(configuration, 3, strowger_mgcp::dialect::Dialect::RFC3435);
    for gateway in 1..=3 {
        stage.restart(gateway);
    }
    stage.take();
    stage.events.clear();
    for line in 1..=20 {
        for gateway in 1..=3 {
            stage.rqnt(gateway, &format!("aaln/{line}"), off_hook(), line);
        }
    }
    let mut waiting = stage.take();
    assert_eq!(waiting.len(), 10);
    let mut served = Vec::new();
    while !waiting.is_empty() {
        let command = waiting.remove(0);
        let gateway = (1..=3).find(|gateway| command.to == crate::stage::address(*gateway)).unwrap();
        served.push(gateway);
        stage.answers(gateway, &command, "200", "");
        waiting.extend(stage.take());
        assert!(waiting.len() <= 10);
    }
    assert_eq!(served.len(), 60, "nothing is lost");
    for gateway in 1..=3 {
        assert!(served[..30].contains(&gateway), "nobody waits to the end: {served:?}");
    }
}
