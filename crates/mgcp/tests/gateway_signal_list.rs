//! Stories of signal lists: RFC 3660 section 2.8.

mod gateway_support;

use gateway_support::Bench;
use strowger_mgcp::gateway::{EndpointIndex, MediaEvent, MediaFault, SignalOutcome, SignalTarget};
use strowger_mgcp::message::SignalBuf;
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";
const LINE_TARGET: SignalTarget = SignalTarget::Endpoint(EndpointIndex(0));

fn lifted() -> Bench {
    let mut bench = Bench::new();
    bench.off_hook(0);
    bench
}

fn buf(signal: &str) -> SignalBuf {
    SignalBuf::parse(signal).expect("a signal")
}

/// The media have given a brief signal to its end.
fn ended(bench: &mut Bench, signal: &str) {
    let place =
        bench.plane.heard.iter().position(|(_, heard)| heard == signal).expect("a signal that is heard");
    bench.plane.heard.remove(place);
    bench.media(0, MediaEvent::SignalEnded(LINE_TARGET, buf(signal)));
}

#[test]
fn the_signals_of_a_list_are_given_one_after_the_other_and_their_end_is_told_once() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: SL/oc(N), SL/of(N)\nS: sl/s(d/1,l/bz(to=2000),d/2)");
    assert_eq!(bench.good("AUEP", LINE, "F: S").get("S").unwrap(), "sl/s(d/1,l/bz(to=2000),d/2)");
    assert_eq!(bench.plane.heard_on(0), ["d/1"]);
    ended(&mut bench, "d/1");
    assert_eq!(bench.plane.heard_on(0), ["l/bz(to=2000)"]);
    bench.pass(Duration::from_millis(1_999));
    assert_eq!(bench.plane.heard_on(0), ["l/bz(to=2000)"]);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.plane.heard_on(0), ["d/2"]);
    bench.silent();
    ended(&mut bench, "d/2");
    assert_eq!(bench.notified().get("O").unwrap(), "SL/oc(SL/s)");
    assert!(bench.plane.heard.is_empty());
    assert_eq!(bench.good("AUEP", LINE, "F: S").get("S").unwrap(), "");
}

#[test]
fn brief_signals_whose_end_the_media_do_not_tell_take_their_usual_time() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: SL/oc(N)\nS: SL/S(D/1,D/2,D/3)");
    bench.pass(Duration::from_millis(899));
    bench.silent();
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.notified().get("O").unwrap(), "SL/oc(SL/s)");
}

#[test]
fn behind_a_signal_without_end_nothing_comes() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: SL/oc(N)\nS: sl/s(l/ot,d/1)");
    bench.pass_secs(3600);
    assert_eq!(bench.plane.heard_on(0), ["l/ot"]);
    bench.silent();
    bench.good("RQNT", LINE, "X: 2");
    assert!(bench.plane.heard.is_empty(), "another request stops it");
}

#[test]
fn an_event_stops_a_list_after_the_brief_signal_or_in_the_time_out_signal_that_is_being_given() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: D/5(A), SL/oc(N)\nS: sl/s(d/1,l/bz,d/2)");
    bench.media(0, MediaEvent::Digit('5'));
    assert_eq!(bench.plane.heard_on(0), ["d/1"], "a brief signal is given to its end");
    ended(&mut bench, "d/1");
    assert!(bench.plane.heard.is_empty(), "and nothing follows");
    bench.pass_secs(60);
    bench.silent();
    bench.good("RQNT", LINE, "X: 2\nR: D/5(A), SL/oc(N)\nS: sl/s(d/1,l/bz,d/2)");
    ended(&mut bench, "d/1");
    bench.dial(0, "5");
    assert!(bench.plane.heard.is_empty(), "a time-out signal stops at once");
    bench.pass_secs(60);
    bench.silent();
}

#[test]
fn a_list_that_another_request_keeps_goes_on_where_it_is() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: SL/oc(N)\nS: sl/s(d/1,l/bz(to=3000))");
    ended(&mut bench, "d/1");
    bench.pass_secs(2);
    bench.good("RQNT", LINE, "X: 2\nR: SL/oc(N)\nS: sl/s(d/9)");
    assert_eq!(bench.plane.heard_on(0), ["l/bz(to=3000)"]);
    bench.pass_secs(1);
    assert_eq!(bench.notified().get("O").unwrap(), "SL/oc(SL/s)");
}

#[test]
fn a_list_of_which_a_signal_fails_has_failed() {
    for later in [false, true] {
        let mut bench = lifted();
        if !later {
            bench.plane.refuse_signal = Some((EndpointIndex(0), "d/2", MediaFault::Exhausted));
        }
        bench.good("RQNT", LINE, "X: 1\nR: SL/oc(N), SL/of(N)\nS: sl/s(d/1,d/2,d/3)");
        ended(&mut bench, "d/1");
        if later {
            bench.plane.heard.clear();
            bench.media(0, MediaEvent::SignalFailed(LINE_TARGET, buf("d/2")));
        }
        assert_eq!(bench.notified().get("O").unwrap(), "SL/of(SL/s)");
        bench.pass_secs(10);
        assert!(bench.plane.heard.is_empty());
        bench.silent();
    }
}

#[test]
fn a_list_goes_on_behind_a_signal_that_lasts_as_long_as_what_it_plays() {
    let mut bench = Bench::switched_on(gateway_support::config().with_announcements(1));
    bench.come_up();
    let index = bench.gateway.find_endpoint("ann/1").expect("an endpoint");
    bench.good("RQNT", "ann/1", "X: 1\nR: SL/oc(N), A/oc(N)\nS: sl/s(a/ann(one),a/ann(two))");
    for name in ["a/ann(one)", "a/ann(two)"] {
        assert_eq!(bench.plane.heard_on(index.0), [name]);
        bench.silent();
        bench.plane.heard.clear();
        let (target, signal) = (SignalTarget::Endpoint(index), buf(name));
        let parameters = Vec::new();
        let outcome = SignalOutcome::Complete;
        bench.media(index.0, MediaEvent::SignalReported { target, signal, outcome, parameters });
    }
    assert_eq!(bench.notified().get("O").unwrap(), "SL/oc(SL/s)");
}

#[test]
fn what_is_no_list_of_time_out_and_brief_signals_is_refused() {
    let mut bench = lifted();
    for list in [
        "sl/s",
        "sl/s()",
        "sl/s(l/vmwi)",
        "sl/s(d/1,l/vmwi(+))",
        "sl/s(sl/s(d/1))",
        "sl/s(1,2)",
        "sl/s(d/1,d/q)",
        "sl/s(d/1,t/co1)",
        "sl/s(l/hd)",
        "sl/s(d/1,g/rt@1F)",
        "sl/s(d/1,l/bz(to=x))",
        "sl/s(d/1,to=2000)",
    ] {
        bench.refused(538, "RQNT", LINE, &format!("X: 1\nS: {list}"));
    }
    bench.refused(513, "RQNT", LINE, "X: 1\nS: sl/s@*(d/1)");
    bench.on_hook(0);
    bench.refused(402, "RQNT", LINE, "X: 1\nS: sl/s(l/ci(,,),d/1)");
    bench.good("RQNT", LINE, "X: 1\nS: sl/s(l/rs,l/rg)");
    bench.off_hook(0);
    bench.refused(401, "RQNT", LINE, "X: 2\nS: sl/s(l/rg)");
}
