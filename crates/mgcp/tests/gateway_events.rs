//! Stories of the event machine: RFC 3435 sections 2.3.3, 2.3.4 and 4.4.1, and timer T of RFC 3660 section 2.2.

mod gateway_support;

use gateway_support::Bench;
use strowger_mgcp::gateway::{EndpointIndex, GatewayConfig, MediaEvent, MediaFault};
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";

#[test]
fn an_off_hook_is_notified_with_the_request_that_asked_for_it() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "N: ca@exchange.town\nX: 0123AbC\nR: L/hd(N)");
    bench.off_hook(0);
    let ntfy = bench.notified();
    assert_eq!(ntfy.endpoint(), "aaln/1@gw.town");
    assert_eq!(ntfy.get("X").unwrap(), "0123AbC");
    assert_eq!(ntfy.get("O").unwrap(), "L/hd");
    assert_eq!(ntfy.get("N").unwrap(), "ca@exchange.town");
}

#[test]
fn a_notification_names_an_entity_only_when_the_request_did() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: hd");
    bench.off_hook(0);
    let ntfy = bench.notified();
    assert_eq!(ntfy.get("N"), None);
    assert_eq!(ntfy.get("O").unwrap(), "L/hd");
}

#[test]
fn events_that_nobody_asked_for_are_not_reported() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.dial(0, "5");
    bench.media(0, MediaEvent::HookFlash);
    bench.silent();
}

#[test]
fn dial_tone_stops_at_the_first_digit_and_a_match_gives_one_notification_with_all_digits() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    let ntfy = bench.notified();
    bench.answer(200, &ntfy);
    bench.good("RQNT", LINE, "X: 2\nR: L/hu(N), D/[0-9#*T](D)\nD: (2xxx|9xxxxT)\nS: L/dl");
    assert_eq!(bench.plane.heard_on(0), ["l/dl"]);
    bench.dial(0, "2");
    assert!(bench.plane.heard_on(0).is_empty(), "a digit stops dial tone");
    bench.dial(0, "00");
    bench.silent();
    bench.dial(0, "2");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/0,D/0,D/2");
}

#[test]
fn an_impossible_number_is_notified_at_once() {
    let mut bench = off_hook_bench("(2xxx)");
    bench.dial(0, "7");
    assert_eq!(bench.notified().get("O").unwrap(), "D/7");
}

/// A line that is off the hook and collects digits under request 2.
fn off_hook_bench(map: &str) -> Bench {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    let ntfy = bench.notified();
    bench.answer(200, &ntfy);
    bench.good("RQNT", LINE, &format!("X: 2\nR: L/hu(N), D/[0-9#*T](D)\nD: {map}"));
    bench
}

#[test]
fn a_pause_while_digits_are_missing_lasts_t_partial() {
    let mut bench = off_hook_bench("(xxxxxxx|x11T)");
    bench.pass_secs(300);
    bench.silent();
    bench.dial(0, "41");
    bench.pass(Duration::from_millis(15_700));
    bench.silent();
    bench.pass_secs(1);
    assert_eq!(bench.notified().get("O").unwrap(), "D/4,D/1,D/T");
}

#[test]
fn a_pause_when_only_the_timer_is_missing_lasts_t_critical() {
    let mut bench = off_hook_bench("(xxxxxxx|x11T)");
    bench.dial(0, "411");
    bench.pass(Duration::from_millis(3_700));
    bench.silent();
    bench.pass(Duration::from_millis(200));
    assert_eq!(bench.notified().get("O").unwrap(), "D/4,D/1,D/1,D/T");
}

#[test]
fn timer_t_without_the_map_starts_at_once_and_a_digit_ends_it() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](A), D/T(N)");
    bench.pass_secs(3);
    bench.dial(0, "5");
    bench.pass_secs(60);
    bench.silent();
    bench.good("RQNT", LINE, "X: 2\nQ: discard\nR: D/[0-9](A), D/T(N)");
    bench.pass(Duration::from_millis(3_999));
    bench.silent();
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.notified().get("O").unwrap(), "D/T");
}

#[test]
fn without_timer_t_there_is_no_inter_digit_timing() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](D)\nD: (2xxx)");
    bench.dial(0, "2");
    bench.pass_secs(3600);
    bench.silent();
    bench.dial(0, "002");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/0,D/0,D/2");
}

#[test]
fn a_digit_map_is_retained_until_another_one_comes() {
    let mut bench = off_hook_bench("(2xxx)");
    bench.dial(0, "2001");
    let ntfy = bench.notified();
    bench.answer(200, &ntfy);
    bench.good("RQNT", LINE, "X: 3\nR: D/[0-9](D)");
    bench.dial(0, "2002");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/0,D/0,D/2");
}

#[test]
fn a_digit_map_cannot_be_used_before_there_is_one() {
    let mut bench = Bench::new();
    bench.refused(519, "RQNT", LINE, "X: 1\nR: D/[0-9](D)");
    bench.refused(519, "RQNT", LINE, "X: 1\nR: L/hd(E(R(D/[0-9](D))))");
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(E(R(D/[0-9](D)),D(2xxx)))");
    bench.refused(537, "RQNT", LINE, "X: 1\nR: D/[0-9](D)\nD: (2xxZ)");
    bench.refused(510, "RQNT", LINE, "X: 1\nR: D/[0-9](D)\nD: (2xx");
}

#[test]
fn accumulated_events_are_reported_in_the_order_in_which_they_occurred() {
    let mut bench = off_hook_bench("(xxxx)");
    bench.good("RQNT", LINE, "X: 3\nR: L/hf(A), D/[0-9](D)");
    bench.dial(0, "12");
    bench.media(0, MediaEvent::HookFlash);
    bench.dial(0, "34");
    assert_eq!(bench.notified().get("O").unwrap(), "D/1,D/2,L/hf,D/3,D/4");
}

#[test]
fn an_event_that_is_no_digit_spoils_the_map_when_it_is_treated_by_it() {
    let mut bench = off_hook_bench("(xxxx)");
    bench.good("RQNT", LINE, "X: 3\nR: L/hf(D), D/[0-9](D)");
    bench.dial(0, "1");
    bench.media(0, MediaEvent::HookFlash);
    assert_eq!(bench.notified().get("O").unwrap(), "D/1,L/hf");
}

#[test]
fn an_on_hook_while_a_notification_is_pending_waits_for_the_next_request() {
    let mut bench = off_hook_bench("(2xxx)");
    bench.dial(0, "2002");
    let digits = bench.notified();
    bench.on_hook(0);
    bench.silent();
    bench.answer(200, &digits);
    bench.silent();
    assert_eq!(bench.good("AUEP", LINE, "F: B/NS").get("B/NS").unwrap(), "ls");
    // The line is on the hook already, so the event itself cannot be asked for any more: a persistent one can.
    bench.refused(402, "RQNT", LINE, "X: 3\nR: L/hu(N)");
    bench.good("RQNT", LINE, "X: 3\nB/PR: L/hu(N)");
    let hung_up = bench.notified();
    assert_eq!(hung_up.get("O").unwrap(), "L/hu");
    assert_eq!(hung_up.get("X").unwrap(), "3");
}

#[test]
fn quarantined_events_can_be_discarded() {
    let mut bench = off_hook_bench("(2xxx)");
    bench.dial(0, "2002");
    let digits = bench.notified();
    bench.dial(0, "99");
    bench.answer(200, &digits);
    bench.good("RQNT", LINE, "X: 3\nQ: discard\nR: D/[0-9](D), L/hu(N)");
    bench.dial(0, "2001");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/0,D/0,D/1");
}

#[test]
fn quarantined_events_are_processed_under_the_new_request() {
    let mut bench = off_hook_bench("(2xxx)");
    bench.dial(0, "2002");
    let digits = bench.notified();
    bench.dial(0, "20");
    bench.answer(200, &digits);
    bench.good("RQNT", LINE, "X: 3\nR: D/[0-9](D), L/hu(N)");
    bench.dial(0, "03");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/0,D/0,D/3");
}

#[test]
fn digits_collected_before_a_new_request_are_processed_again_unless_they_are_discarded() {
    let mut bench = off_hook_bench("(2xxx)");
    bench.dial(0, "20");
    bench.good("RQNT", LINE, "X: 3\nR: D/[0-9](D)");
    bench.dial(0, "02");
    let ntfy = bench.notified();
    assert_eq!(ntfy.get("O").unwrap(), "D/2,D/0,D/0,D/2");
    bench.answer(200, &ntfy);
    bench.good("RQNT", LINE, "X: 4\nR: D/[0-9](D)");
    bench.dial(0, "29");
    bench.good("RQNT", LINE, "X: 5\nQ: discard\nR: D/[0-9](D)");
    bench.dial(0, "2001");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/0,D/0,D/1");
}

#[test]
fn in_loop_mode_each_answer_lets_the_next_notification_go() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nQ: loop\nR: D/[0-9](N)");
    bench.dial(0, "123");
    let first = bench.notified();
    assert_eq!(first.get("O").unwrap(), "D/1");
    bench.answer(200, &first);
    let second = bench.notified();
    assert_eq!(second.get("O").unwrap(), "D/2");
    bench.answer(200, &second);
    assert_eq!(bench.notified().get("O").unwrap(), "D/3");
}

#[test]
fn in_step_mode_one_request_gives_one_notification() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](N)");
    bench.dial(0, "12");
    let first = bench.notified();
    bench.answer(200, &first);
    bench.silent();
    bench.good("RQNT", LINE, "X: 2\nR: D/[0-9](N)");
    let second = bench.notified();
    assert_eq!((second.get("X").unwrap(), second.get("O").unwrap()), ("2".into(), "D/2".into()));
}

#[test]
fn a_refused_notification_is_answered_all_the_same() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nQ: loop\nR: D/[0-9](N)");
    bench.dial(0, "12");
    let first = bench.notified();
    bench.answer(500, &first);
    assert_eq!(bench.notified().get("O").unwrap(), "D/2");
    assert_eq!(bench.gateway.counters().notifications_failed, 1);
}

#[test]
fn a_new_request_ends_the_notification_state_and_later_notifications_do_not_overtake() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](N)");
    bench.dial(0, "1");
    let first = bench.notified();
    bench.good("RQNT", LINE, "X: 2\nR: D/[0-9](N)");
    bench.media(0, MediaEvent::Digit('2'));
    // The datagram repeats the unanswered notification before the new one.
    let both: Vec<_> = bench.take_all("NTFY").into_iter().map(|ntfy| ntfy.get("O").unwrap()).collect();
    assert_eq!(both, ["D/1", "D/2"]);
    bench.answer(200, &first);
    assert_eq!(bench.good("AUEP", LINE, "F: B/NS").get("B/NS").unwrap(), "ns");
}

#[test]
fn events_of_the_detect_list_are_kept_during_quarantine_only() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: D/1(N)\nT: D/[0-9]");
    bench.dial(0, "5");
    bench.dial(0, "1");
    let ntfy = bench.notified();
    assert_eq!(ntfy.get("O").unwrap(), "D/1");
    bench.dial(0, "67");
    bench.media(0, MediaEvent::HookFlash);
    bench.answer(200, &ntfy);
    bench.good("RQNT", LINE, "X: 2\nR: D/[0-9](A), D/#(N), L/oc(A)");
    bench.dial(0, "#");
    assert_eq!(bench.notified().get("O").unwrap(), "D/6,D/7,D/#");
}

#[test]
fn a_break_that_could_be_either_is_a_one_where_a_number_is_dialled_and_a_flash_elsewhere() {
    let mut bench = Bench::new();
    bench.off_hook(0);
    for (request, told) in [
        ("R: L/hu(N), L/hf(N), D/[0-9#](N)", "L/hf"),
        ("R: L/hu(N), D/[0-9#](N)", "D/1"),
        ("R: L/hu(N), L/hf(N)", "L/hf"),
        ("R: L/hu(N), D/[0-9#](N)\nT: L/hf", "D/1"),
        ("R: L/hu(N), D/[2-9](N)", ""),
    ] {
        bench.good("RQNT", LINE, &format!("X: 1\n{request}"));
        bench.media(0, MediaEvent::HookBreak);
        let all = bench.take("NTFY");
        let observed: Vec<_> = all.iter().filter_map(|ntfy| ntfy.get("O")).collect();
        let expected = Some(told).filter(|told| !told.is_empty());
        assert_eq!(observed, expected.into_iter().collect::<Vec<_>>(), "{request}");
        all.iter().for_each(|ntfy| bench.answer(200, ntfy));
    }
}

#[test]
fn an_embedded_request_gives_dial_tone_without_asking_the_call_agent() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(A,E(R(D/[0-9#T](D),L/hu(N)),S(L/dl),D(2xxx)))");
    bench.off_hook(0);
    bench.silent();
    assert_eq!(bench.plane.heard_on(0), ["l/dl"]);
    let audit = bench.good("AUEP", LINE, "F: R,D,S,X");
    assert_eq!(audit.get("R").unwrap(), "D/[0-9#T](D),L/hu(N)");
    assert_eq!(audit.get("D").unwrap(), "2xxx");
    assert_eq!(audit.get("S").unwrap(), "L/dl");
    assert_eq!(audit.get("X").unwrap(), "1");
    bench.dial(0, "2001");
    let ntfy = bench.notified();
    assert_eq!(ntfy.get("X").unwrap(), "1");
    assert_eq!(ntfy.get("O").unwrap(), "L/hd,D/2,D/0,D/0,D/1");
}

#[test]
fn an_embedded_request_without_a_digit_map_uses_the_one_of_before() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N), D/[0-9](D)\nD: (31xx)");
    bench.good("RQNT", LINE, "X: 2\nR: L/hd(E(R(D/[0-9#T](D),L/hu(N)),S(L/dl)))");
    bench.off_hook(0);
    bench.silent();
    bench.dial(0, "3");
    bench.silent();
    bench.dial(0, "100");
    assert_eq!(bench.notified().get("O").unwrap(), "D/3,D/1,D/0,D/0");
}

#[test]
fn an_embedded_request_that_fails_is_an_event() {
    let mut bench = Bench::new();
    // Ringing needs the handset on the hook, and the trigger is that it was lifted.
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(E(R(L/hu(N),B/enf(N)),S(L/rg)))");
    bench.off_hook(0);
    assert_eq!(bench.notified().get("O").unwrap(), "B/enf(401)");
    assert!(bench.plane.heard.is_empty());
}

#[test]
fn notify_and_embed_together_need_loop_mode() {
    let mut bench = Bench::new();
    bench.refused(523, "RQNT", LINE, "X: 1\nR: L/hd(N,E(S(L/dl)))");
    bench.good("RQNT", LINE, "X: 1\nQ: loop\nR: L/hd(N,E(R(D/[0-9](N)),S(L/dl)))");
    bench.off_hook(0);
    let first = bench.notified();
    assert_eq!(first.get("O").unwrap(), "L/hd");
    bench.answer(200, &first);
    bench.dial(0, "4");
    assert_eq!(bench.notified().get("O").unwrap(), "D/4");
}

#[test]
fn only_the_combinations_of_the_table_are_legal() {
    let mut bench = Bench::new();
    let base = "X: 1\nQ: loop\nD: (xx)\nR: L/hd";
    let legal = [
        "N",
        "N,S",
        "N,K",
        "N,E(S(L/dl))",
        "S,A",
        "S,I",
        "A,K",
        "A,E(S(L/dl))",
        "D,K",
        "K,E(S(L/dl))",
        "K,I",
    ];
    for actions in legal {
        bench.good("RQNT", LINE, &format!("{base}({actions})"));
    }
    let illegal =
        ["N,A", "N,D", "N,I", "A,D", "A,I", "D,S", "D,I", "D,E(S(L/dl))", "S,K", "I,E(S(L/dl))", "N,N", "Y"];
    for actions in illegal {
        bench.refused(523, "RQNT", LINE, &format!("{base}({actions})"));
    }
    bench.refused(523, "RQNT", LINE, "X: 1\nR: L/hd(E(R(L/hu(E(S(L/dl))))))");
}

#[test]
fn an_ignored_event_stops_signals_unless_they_are_kept() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(I)\nS: L/rg");
    bench.off_hook(0);
    assert!(bench.plane.heard.is_empty());
    bench.silent();
    bench.good("RQNT", LINE, "X: 2\nR: D/1(K,I)\nS: L/dl");
    bench.dial(0, "1");
    assert_eq!(bench.plane.heard_on(0), ["l/dl"]);
}

#[test]
fn a_glare_is_refused_in_both_directions() {
    let mut bench = Bench::new();
    bench.refused(402, "RQNT", LINE, "X: 1\nR: L/hu(N)");
    bench.refused(402, "RQNT", LINE, "X: 1\nR: L/hf(A)");
    bench.off_hook(0);
    bench.refused(401, "RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.refused(401, "RQNT", LINE, "X: 1\nR: L/hd(E(S(L/dl)))");
    // Detecting and persisting are no requests for a transition, and neither is a group.
    bench.good("RQNT", LINE, "X: 1\nT: L/hd\nB/PR: L/hd(N), L/hu(N)\nR: L/all(A)");
}

#[test]
fn persistent_events_are_reported_before_the_first_request_with_identifier_zero() {
    let mut config = gateway_support::config();
    config.endpoints[0].persistent_events = Some("L/hd(N), L/hu(N)".to_owned());
    let mut bench = Bench::switched_on(config);
    bench.come_up();
    bench.off_hook(0);
    let ntfy = bench.notified();
    assert_eq!((ntfy.get("X").unwrap(), ntfy.get("O").unwrap()), ("0".into(), "L/hd".into()));
    let audit = bench.good("AUEP", LINE, "F: X,B/PR,R");
    assert_eq!(audit.get("X").unwrap(), "0");
    assert_eq!(audit.get("B/PR").unwrap(), "L/hd(N),L/hu(N)");
    assert_eq!(audit.get("R").unwrap(), "");
}

#[test]
fn a_requested_action_replaces_the_persistent_one_for_the_life_of_the_request() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nB/PR: L/hd(N), L/hu(N)\nR: L/hd(I)");
    bench.off_hook(0);
    bench.silent();
    bench.on_hook(0);
    assert_eq!(bench.notified().get("O").unwrap(), "L/hu");
    bench.good("RQNT", LINE, "X: 2");
    bench.off_hook(0);
    assert_eq!(bench.take("NTFY").pop().unwrap().get("O").unwrap(), "L/hd");
}

#[test]
fn a_full_list_of_observed_events_says_so() {
    let mut config = gateway_support::config();
    config.limits.observed_events = 4;
    let mut bench = Bench::switched_on(config);
    bench.come_up();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](A), D/#(N), B/oef(A)");
    bench.dial(0, "12345#");
    assert_eq!(bench.notified().get("O").unwrap(), "D/1,D/2,D/3,B/oef");
    bench.good("RQNT", LINE, "X: 2\nQ: discard\nR: D/[0-9](A), B/oef(N)");
    bench.dial(0, "1234");
    assert_eq!(bench.take("NTFY").pop().unwrap().get("O").unwrap(), "D/1,D/2,D/3,B/oef");
}

#[test]
fn a_full_quarantine_keeps_the_oldest_events_and_says_so() {
    let mut config = gateway_support::config();
    config.limits.quarantined_events = 3;
    let mut bench = Bench::switched_on(config);
    bench.come_up();
    bench.good("RQNT", LINE, "X: 1\nR: D/[0-9](N)");
    bench.dial(0, "1");
    let ntfy = bench.notified();
    bench.dial(0, "23456");
    bench.answer(200, &ntfy);
    bench.good("RQNT", LINE, "X: 2\nR: D/[0-9](A), B/qbo(N)");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/3,B/qbo");
    assert_eq!(bench.gateway.counters().events_lost, 3);
}

#[test]
fn a_key_held_long_is_an_event_of_its_own() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: D/#(A), D/L(N)");
    bench.media(0, MediaEvent::Digit('#'));
    bench.pass(Duration::from_millis(1999));
    bench.silent();
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.notified().get("O").unwrap(), "D/#,D/L");
    bench.good("RQNT", LINE, "X: 2\nR: D/dd(N)(dg=#,to=2500)");
    bench.media(0, MediaEvent::Digit('#'));
    bench.pass_secs(3);
    assert_eq!(bench.take("NTFY").pop().unwrap().get("O").unwrap(), "D/dd(dg=#,to=2500)");
    bench.good("RQNT", LINE, "X: 3\nR: D/dd");
    bench.media(0, MediaEvent::Digit('5'));
    bench.media(0, MediaEvent::DigitEnded('5', Duration::from_millis(1234)));
    assert_eq!(bench.take("NTFY").pop().unwrap().get("O").unwrap(), "D/dd(dg=5,to=1230)");
}

#[test]
fn a_request_for_all_lines_is_carried_out_by_all_or_by_none() {
    let mut bench = Bench::new();
    bench.good("RQNT", "aaln/*", "X: 1\nR: L/hd(N)");
    assert!(bench.view(0).request == "1" && bench.view(1).request == "1");
    bench.off_hook(1);
    bench.notified();
    bench.refused(401, "RQNT", "aaln/*", "X: 2\nR: L/hd(N)\nS: L/vmwi");
    bench.plane.refuse_signal = Some((EndpointIndex(1), "l/ht", MediaFault::Signal));
    bench.refused(513, "RQNT", "aaln/*", "X: 2\nS: L/vmwi, L/y, L/z, L/ht");
}

#[test]
fn a_digit_map_for_many_lines_is_compiled_once() {
    let town = GatewayConfig { endpoints: Vec::new(), ..gateway_support::config() }.with_lines(200);
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    let body = "X: 1\nD: (2xxx|9x.T)\nR: L/hd(E(R(D/[0-9](D)),S(L/dl),D([2-8]xxx)))";
    bench.good("RQNT", "aaln/*", body);
    assert_eq!(bench.gateway.counters().digit_maps, 2, "the outer and the embedded one");
    // A call agent that says the same each time costs nothing more.
    bench.good("RQNT", LINE, "X: 2\nD: (2xxx|9x.T)\nR: L/hd(N)");
    assert_eq!(bench.gateway.counters().digit_maps, 2);
    bench.off_hook(7);
    bench.dial(7, "2345");
    assert_eq!(bench.notified().get("O").unwrap(), "D/2,D/3,D/4,D/5");
}
