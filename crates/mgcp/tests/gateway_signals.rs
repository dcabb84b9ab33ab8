//! Stories of signals: RFC 3435 sections 2.1.7 and 2.3.3, with the parameters of RFC 3660.

mod gateway_support;

use gateway_support::{Bench, remote};
use strowger_mgcp::gateway::{EndpointIndex, MediaEvent, MediaFault, SignalTarget};
use strowger_mgcp::message::SignalBuf;
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";

fn lifted() -> Bench {
    let mut bench = Bench::new();
    bench.off_hook(0);
    bench
}

#[test]
fn a_time_out_signal_ends_after_its_time_and_says_which_it_was() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: L/oc(N)\nS: L/dl");
    bench.pass(Duration::from_millis(15_999));
    assert_eq!(bench.plane.heard_on(0), ["l/dl"]);
    bench.silent();
    bench.pass(Duration::from_millis(1));
    assert!(bench.plane.heard.is_empty());
    assert_eq!(bench.notified().get("O").unwrap(), "L/oc(L/dl)");
}

#[test]
fn the_time_of_a_signal_can_be_given() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: L/oc(N)\nS: L/dl(to=6000)");
    bench.pass_secs(6);
    assert_eq!(bench.notified().get("O").unwrap(), "L/oc(L/dl)");
    bench.good("RQNT", LINE, "X: 2\nR: L/oc(N)\nS: L/dl(to(0))");
    bench.pass_secs(3600);
    assert_eq!(bench.plane.heard_on(0).len(), 1, "nothing ends it");
    bench.good("RQNT", LINE, "X: 3\nR: L/oc(N)\nS: L/ot");
    bench.pass_secs(3600);
    assert_eq!(bench.plane.heard_on(0), ["l/ot"]);
}

#[test]
fn rings_can_be_counted() {
    let mut bench = Bench::new();
    bench.good("RQNT", LINE, "X: 1\nR: L/oc(N), L/hd(N)\nS: L/rg(rep=3,to=1000)");
    bench.pass(Duration::from_millis(17_999));
    assert_eq!(bench.plane.heard.len(), 1);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.notified().get("O").unwrap(), "L/oc(L/rg)");
}

#[test]
fn a_signal_in_both_lists_goes_on_with_its_time_and_its_parameters() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: L/oc(N)\nS: L/dl(to=10000), L/y");
    bench.pass_secs(8);
    bench.good("RQNT", LINE, "X: 2\nR: L/oc(N)\nS: L/dl(to=60000)");
    assert_eq!(bench.plane.heard_on(0), ["l/dl(to=10000)"]);
    assert_eq!(bench.good("AUEP", LINE, "F: S").get("S").unwrap(), "L/dl(to=10000)");
    bench.pass_secs(2);
    assert_eq!(bench.notified().get("O").unwrap(), "L/oc(L/dl)");
    assert_eq!(bench.gateway.counters().signals_started, 2);
}

#[test]
fn signals_that_are_not_in_the_new_list_stop_and_an_empty_list_stops_all() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nS: L/dl");
    bench.good("RQNT", LINE, "X: 2\nS: L/ro");
    assert_eq!(bench.plane.heard_on(0), ["l/ro"]);
    bench.good("RQNT", LINE, "X: 3");
    assert!(bench.plane.heard.is_empty());
    bench.pass_secs(100);
    bench.silent();
}

#[test]
fn any_requested_event_stops_time_out_signals_whatever_its_action() {
    for actions in ["N", "A", "I", "D", "E(R(L/hu(N)))"] {
        let mut bench = lifted();
        bench.good("RQNT", LINE, &format!("X: 1\nD: (xx)\nR: D/1({actions})\nS: L/dl"));
        bench.dial(0, "2");
        assert_eq!(bench.plane.heard_on(0), ["l/dl"], "nobody asked for 2");
        bench.dial(0, "1");
        assert!(bench.plane.heard.is_empty(), "{actions}");
    }
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: D/1(N,K)\nS: L/dl");
    bench.dial(0, "1");
    assert_eq!(bench.plane.heard_on(0), ["l/dl"]);
}

#[test]
fn on_off_signals_stay_until_they_are_turned_off() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: D/1(A)\nS: L/vmwi, L/dl");
    bench.dial(0, "1");
    bench.good("RQNT", LINE, "X: 2\nS: L/vmwi(+)");
    assert_eq!(bench.plane.heard_on(0), ["l/vmwi"]);
    bench.good("RQNT", LINE, "X: 3");
    assert_eq!(bench.good("AUEP", LINE, "F: S").get("S").unwrap(), "L/vmwi");
    bench.good("RQNT", LINE, "X: 4\nS: L/vmwi(-)");
    bench.good("RQNT", LINE, "X: 5\nS: L/vmwi(-)");
    assert!(bench.plane.heard.is_empty());
}

#[test]
fn brief_signals_end_by_themselves_and_wait_for_one_another() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: L/hu(N)\nS: D/1, D/2");
    assert_eq!(bench.plane.heard_on(0), ["d/1"]);
    assert_eq!(bench.good("AUEP", LINE, "F: S").get("S").unwrap(), "D/2");
    bench.media(0, MediaEvent::SignalEnded(line(), SignalBuf::parse("d/1").unwrap()));
    bench.plane.heard.clear();
    bench.pass(Duration::from_millis(1));
    // The plane said that the first one is over, so the second one began at once.
    assert_eq!(bench.gateway.counters().signals_started, 2);
    assert_eq!(bench.good("AUEP", LINE, "F: S").get("S").unwrap(), "");
}

fn line() -> SignalTarget {
    SignalTarget::Endpoint(EndpointIndex(0))
}

#[test]
fn a_brief_signal_that_plays_is_not_stopped_and_one_that_waits_is_forgotten() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: D/5(A)\nS: L/z, G/cf");
    bench.dial(0, "5");
    assert_eq!(bench.plane.heard_on(0), ["l/z"]);
    bench.pass_secs(5);
    assert!(bench.plane.heard.is_empty(), "the waiting one was cancelled by the event");
    bench.good("RQNT", LINE, "X: 2\nS: L/z, G/cf");
    bench.good("RQNT", LINE, "X: 3\nS: L/p");
    assert_eq!(bench.plane.heard_on(0), ["l/z"]);
    bench.pass_secs(1);
    assert_eq!(bench.plane.heard_on(0), ["l/p"], "the new list replaced the waiting one");
    bench.pass_secs(1);
    assert!(bench.plane.heard.is_empty());
}

#[test]
fn signals_on_the_endpoint_and_on_each_connection_are_different_signals() {
    let mut bench = lifted();
    let first = bench.good("CRCX", LINE, &format!("C: 1\nM: sendrecv\n{}", remote(4000, "0")));
    let second = bench.good("CRCX", LINE, &format!("C: 2\nM: sendrecv\n{}", remote(4002, "0")));
    let (first, second) = (first.get("I").unwrap(), second.get("I").unwrap());
    bench.good("RQNT", LINE, &format!("X: 1\nR: G/oc(N)\nS: G/rt, G/rt@{first}, G/rt@{second}(to=5000)"));
    assert_eq!(bench.plane.heard.len(), 3);
    bench.pass_secs(5);
    assert_eq!(bench.notified().get("O").unwrap(), format!("G/oc(G/rt@{second})"));
    bench.refused(510, "RQNT", LINE, "X: 2\nS: L/dl, L/dl(to=9000)");
}

#[test]
fn a_signal_on_a_connection_that_is_deleted_has_failed() {
    let mut bench = lifted();
    let id = bench.good("CRCX", LINE, &format!("C: 1\nM: sendrecv\n{}", remote(4000, "0"))).get("I").unwrap();
    bench.good("RQNT", LINE, &format!("X: 1\nR: G/of(N)\nS: G/rt@{id}"));
    bench.good("DLCX", LINE, &format!("C: 1\nI: {id}"));
    assert_eq!(bench.notified().get("O").unwrap(), format!("G/of(G/rt@{id})"));
    assert!(bench.plane.heard.is_empty());
}

#[test]
fn a_deletion_that_carries_a_new_list_lets_no_signal_fail() {
    let mut bench = lifted();
    let id = bench.good("CRCX", LINE, &format!("C: 1\nM: sendrecv\n{}", remote(4000, "0"))).get("I").unwrap();
    bench.good("RQNT", LINE, &format!("X: 1\nR: G/of(N)\nS: G/rt@{id}"));
    bench.good("DLCX", LINE, &format!("C: 1\nI: {id}\nX: 2\nR: G/of(N)\nS: L/ro"));
    bench.silent();
    assert_eq!(bench.plane.heard_on(0), ["l/ro"]);
}

#[test]
fn a_signal_for_all_connections_begins_on_later_ones_too() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: G/oc(A)\nS: G/rt@*");
    assert!(bench.plane.heard.is_empty());
    assert_eq!(bench.good("AUEP", LINE, "F: S").get("S").unwrap(), "G/rt@*");
    let id = bench.good("CRCX", LINE, "C: 1\nM: recvonly").get("I").unwrap();
    assert!(bench.plane.heard.is_empty(), "it has nowhere to go yet");
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\n{}", remote(4000, "0")));
    bench.good("CRCX", LINE, &format!("C: 2\nM: sendrecv\n{}", remote(4002, "0")));
    assert_eq!(bench.plane.heard.len(), 2);
    bench.good("DLCX", LINE, &format!("C: 1\nI: {id}"));
    assert_eq!(bench.plane.heard.len(), 1);
    bench.good("RQNT", LINE, "X: 2");
    assert!(bench.plane.heard.is_empty());
}

#[test]
fn ringback_in_its_old_form_is_ringback_on_a_connection() {
    let mut bench = lifted();
    let body = format!("C: 1\nM: inactive\nX: 1\nR: G/oc(N)\nS: G/rbk($)\n{}", remote(4000, "0"));
    let id = bench.good("CRCX", LINE, &body).get("I").unwrap();
    assert_eq!(bench.plane.heard[0].1, format!("g/rt@{id}"));
    bench.pass_secs(180);
    assert_eq!(bench.notified().get("O").unwrap(), format!("G/oc(G/rt@{id})"));
    bench.refused(538, "RQNT", LINE, "X: 2\nS: G/rbk");
}

#[test]
fn a_signal_that_the_media_cannot_go_on_with_has_failed() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nR: L/of(N)\nS: L/dl");
    bench.media(0, MediaEvent::SignalFailed(line(), SignalBuf::parse("l/dl").unwrap()));
    assert_eq!(bench.notified().get("O").unwrap(), "L/of(L/dl)");
}

#[test]
fn signals_need_the_right_state_of_the_hook() {
    let mut bench = Bench::new();
    for signal in ["L/bz", "L/dl", "L/mwi", "L/ot", "L/sl", "L/wt", "L/wt4", "G/cf", "G/rt", "D/5"] {
        bench.refused(402, "RQNT", LINE, &format!("X: 1\nS: {signal}"));
    }
    bench.good("RQNT", LINE, "X: 1\nS: L/r7, L/ci(09/14/17/26,\"555 0123\",\"John Doe\"), L/rs");
    bench.off_hook(0);
    for signal in ["L/rg", "L/r0", "L/r7"] {
        bench.refused(401, "RQNT", LINE, &format!("X: 1\nS: {signal}"));
    }
    bench.good("RQNT", LINE, "X: 1\nS: L/bz");
}

#[test]
fn each_fault_of_a_signal_has_its_code() {
    let mut bench = lifted();
    let mut refuse = |code, signal: &str| {
        bench.refused(code, "RQNT", LINE, &format!("X: 1\nS: {signal}"));
    };
    refuse(518, "foo/bar");
    refuse(518, "XML/xml");
    refuse(538, "KY/ks");
    refuse(538, "KY/ks(100,en)");
    refuse(538, "KY/ks(5,lit)");
    refuse(538, "KY/ls(5)");
    refuse(513, "KY/fk1");
    refuse(522, "KY/fk100");
    refuse(538, "BP/beep(5)");
    refuse(513, "FXR/gwfax");
    // A tone for the network is for a connection.
    refuse(513, "R/co1");
    refuse(522, "L/nothing");
    refuse(513, "L/hd");
    refuse(522, "L/all");
    refuse(538, "L/dl(to=soon)");
    refuse(538, "L/dl(loud)");
    refuse(538, "L/rs(to=5)");
    refuse(538, "L/rg(rep=0)");
    refuse(538, "L/rg(rep=256)");
    refuse(538, "L/sit(8)");
    refuse(538, "L/s");
    refuse(538, "L/s(1000)");
    refuse(538, "L/sl(del=10001)");
    refuse(538, "D/dd");
    refuse(538, "D/dd(dg=X)");
    refuse(538, "D/dd(dg=5,to=49)");
    refuse(513, "L/dl@*");
    refuse(515, "G/rt@DEADBEEF");
    bench.good("RQNT", LINE, "X: 1\nS: L/sit, L/s(999), L/sl(del=1500), D/dd(dg=5,to=60000)");
}

#[test]
fn each_fault_of_an_event_has_its_code() {
    let mut bench = lifted();
    let mut refuse = |code, event: &str| {
        bench.refused(code, "RQNT", LINE, &format!("X: 1\nR: {event}"));
        bench.refused(code, "RQNT", LINE, &format!("X: 1\nR: D/5(E(R({event})))"));
        if !event.contains('(') {
            bench.refused(code, "RQNT", LINE, &format!("X: 1\nT: {event}"));
        }
    };
    refuse(518, "foo/bar");
    refuse(522, "L/nothing");
    refuse(522, "D/[0-9E]");
    refuse(522, "*/nothing");
    refuse(512, "L/dl");
    refuse(512, "L/hu@*");
    refuse(515, "G/ld@DEADBEEF");
    refuse(538, "L/hu(N)(5)");
    refuse(538, "G/pat(N)");
    refuse(538, "G/pat(N)(1000)");
    refuse(538, "D/dd(N)(to=39)");
    bench.refused(510, "RQNT", LINE, "X: 1\nR: L/hu(N), L/hu(A)");
    bench.refused(510, "RQNT", LINE, "X: 1\nR: L/hu(N), hu(A)");
    bench.good("RQNT", LINE, "X: 1\nR: */hu, D/[0-9*#A-DT](A), G/pat(N)(7), G/ft, G/oc, G/ld@*");
}

#[test]
fn a_plane_that_cannot_play_something_is_not_asked_for_the_rest() {
    let mut bench = lifted();
    bench.good("RQNT", LINE, "X: 1\nS: L/dl");
    bench.plane.refuse_signal = Some((EndpointIndex(0), "l/z", MediaFault::Signal));
    bench.refused(513, "RQNT", LINE, "X: 2\nS: L/ro, L/vmwi, L/z");
    assert_eq!(bench.plane.heard_on(0), ["l/dl"]);
    bench.plane.refuse_signal = Some((EndpointIndex(0), "l/z", MediaFault::Announcement));
    bench.refused(514, "RQNT", LINE, "X: 2\nS: L/z");
}

#[test]
fn each_feature_key_has_a_state_and_a_label_of_its_own_that_can_be_changed() {
    let mut bench = lifted();
    let heard = |bench: &Bench| {
        let mut heard = bench.plane.heard_on(0);
        heard.sort();
        heard
    };
    bench.good("RQNT", LINE, "X: 1\nS: KY/ks(1,id), KY/ks(2,rg), KY/ls(1,2200)");
    assert_eq!(heard(&bench), ["ky/ks(1,id)", "ky/ks(2,rg)", "ky/ls(1,2200)"]);
    // What is not in the list stays, and what is asked for otherwise changes.
    bench.good("RQNT", LINE, "X: 2\nS: KY/ks(2,cn), KY/ks(1,id)");
    assert_eq!(heard(&bench), ["ky/ks(1,id)", "ky/ks(2,cn)", "ky/ls(1,2200)"]);
    bench.refused(510, "RQNT", LINE, "X: 3\nS: KY/ks(2,cn), KY/ks(2,id)");
    bench.good("RQNT", LINE, "X: 3\nS: KY/ls(1,-)");
    assert_eq!(heard(&bench), ["ky/ks(1,id)", "ky/ks(2,cn)"]);
}

#[test]
fn a_forced_hook_can_be_forced_again_when_the_subscriber_has_undone_it() {
    let mut bench = lifted();
    bench.on_hook(0);
    for request in 1..3 {
        bench.good("RQNT", LINE, &format!("X: {request}\nS: BP/hd"));
        assert_eq!(bench.plane.heard_on(0).len(), request, "it is asked of the telephone each time");
        bench.good("RQNT", LINE, &format!("X: {request}\nS: BP/hd"));
        assert_eq!(bench.plane.heard_on(0).len(), request, "but not twice while it holds");
        bench.off_hook(0);
        bench.on_hook(0);
    }
}
