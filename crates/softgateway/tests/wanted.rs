//! Stories of events that are looked for when they are asked for: the packages R and T (RFC 3660 sections 2.10 and 2.3).

mod support;

use strowger_mgcp::gateway::TrunkSignalling;
use strowger_softgateway::{CircuitFrame, SoftGatewayConfig};
use support::{Bench, Loses};

const LINE: &str = "aaln/1";
const CIRCUIT: &str = "ds/a/1";

fn bench() -> Bench {
    Bench::new(|config| {
        let config = config.with_lines(1).with_relays(1).with_trunks("a", 1, TrunkSignalling::Ms);
        SoftGatewayConfig::new(config)
    })
}

/// Lets time pass without a notification.
fn silent(bench: &mut Bench, millis: u64) {
    bench.pass_millis(millis);
    assert_eq!(bench.notified(), None);
}

#[test]
fn a_stream_that_falls_silent_times_out_once_and_counts_from_its_last_packet() {
    let mut bench = bench();
    let party = bench.connect(LINE, "recvonly");
    let id = bench.parties[party].id.clone();
    bench.good(&format!("RQNT {LINE}"), &format!("X: 1\nQ: loop\nR: r/rto@{id}(N)(5)"));
    silent(&mut bench, 8000);
    bench.parties[party].loses = Loses::Everything;
    silent(&mut bench, 4500);
    assert_eq!(bench.await_notified(1000), format!("R/rto@{id}(5)"));
    silent(&mut bench, 10_000);
    // Without a number it is a minute; the report says so, and names the connection though the request named none.
    bench.good(&format!("RQNT {LINE}"), "X: 2\nR: r/rto");
    silent(&mut bench, 59_000);
    assert_eq!(bench.await_notified(2000), format!("R/rto@{id}(60)"));
}

#[test]
fn a_time_out_that_waits_for_a_report_does_not_begin_before_one() {
    let mut bench = bench();
    let party = bench.connect(LINE, "recvonly");
    bench.parties[party].loses = Loses::Everything;
    bench.good(&format!("RQNT {LINE}"), "X: 1\nR: r/rto(N)(2,st=ra)");
    silent(&mut bench, 60_000);
}

#[test]
fn the_first_packet_of_a_stream_is_an_event_whenever_its_connection_was_made() {
    let mut bench = bench();
    bench.good(&format!("RQNT {LINE}"), "X: 1\nQ: loop\nR: r/ma");
    let party = bench.connect(LINE, "recvonly");
    let id = bench.parties[party].id.clone();
    bench.parties[party].loses = Loses::Everything;
    silent(&mut bench, 1000);
    bench.parties[party].loses = Loses::Nothing;
    assert_eq!(bench.await_notified(200), format!("R/ma@{id}"));
    silent(&mut bench, 1000);
    // It has started already.
    bench.good(&format!("RQNT {LINE}"), "X: 2\nR: r/ma");
    silent(&mut bench, 1000);
}

#[test]
fn a_loss_above_the_threshold_is_told_of_once_a_request() {
    let mut bench = bench();
    let party = bench.connect("relay/1", "recvonly");
    let id = bench.parties[party].id.clone();
    // 2 in 100 are lost, which is less than 5 and more than 1.
    bench.parties[party].loses = Loses::OneIn(50);
    bench.good("RQNT relay/1", &format!("X: 1\nR: r/pl@{id}(N)(5000)"));
    silent(&mut bench, 10_000);
    bench.good("RQNT relay/1", &format!("X: 2\nQ: loop\nR: r/pl@{id}(N)(1000)"));
    assert_eq!(bench.await_notified(10_000), format!("R/pl@{id}(1000)"));
    silent(&mut bench, 10_000);
    bench.good("RQNT relay/1", &format!("X: 3\nR: r/pl@{id}(N)(1000)"));
    assert_eq!(bench.await_notified(10_000), format!("R/pl@{id}(1000)"));
}

#[test]
fn what_an_endpoint_cannot_find_is_refused_and_not_forgotten() {
    let mut bench = bench();
    for (endpoint, event) in
        [("relay/1", "r/ji"), ("relay/1", "r/co1"), (LINE, "l/e"), (LINE, "l/aw"), (LINE, "g/pat(N)(3)")]
    {
        bench.refused(512, &format!("RQNT {endpoint}"), &format!("X: 1\nR: {event}"));
    }
    bench.refused(538, &format!("RQNT {LINE}"), "X: 1\nR: r/pl");
    bench.refused(538, &format!("RQNT {LINE}"), "X: 1\nR: r/pl(N)(100001)");
    bench.refused(538, &format!("RQNT {LINE}"), "X: 1\nR: r/rto(N)(0)");
    bench.refused(538, &format!("RQNT {LINE}"), "X: 1\nR: r/rto(N)(5,st=now)");
    bench.refused(538, &format!("RQNT {LINE}"), "X: 1\nR: r/ma(N)(1)");
    // What passes a relay is not heard there.
    let party = bench.connect("relay/1", "sendrecv");
    bench.refused(513, "RQNT relay/1", &format!("X: 1\nS: r/co1@{}", bench.parties[party].id));
    bench.refused(512, &format!("RQNT {CIRCUIT}"), "X: 1\nR: t/sit@*(N)(2)");
}

/// The far end plays a signal of the package T into the circuit, made by another circuit of another gateway.
fn plays(signal: &str, millis: u64) -> Vec<strowger_softgateway::CircuitFrame> {
    let mut far = bench();
    far.good(&format!("RQNT {CIRCUIT}"), &format!("X: 1\nS: t/{signal}"));
    far.pass_millis(millis);
    far.circuits.into_iter().map(|(_, frame)| frame).collect()
}

#[test]
fn each_tone_of_a_circuit_is_found_and_taken_for_no_other() {
    let wanted = "t/om, t/nm, t/mm, t/tl, t/ro, t/zz, t/sit(N)(2), t/as, t/co1, t/co2";
    for (signal, events) in [
        ("om", &["T/om"][..]),
        ("nm", &["T/nm"]),
        ("mm", &["T/mm"]),
        ("tl", &["T/tl"]),
        ("ro", &["T/ro"]),
        // One is an alias of the other.
        ("zz", &["T/zz", "T/sit(2)"]),
        ("sit(2)", &["T/zz", "T/sit(2)"]),
        ("sit(3)", &[]),
    ] {
        let mut bench = bench();
        let circuit = bench.gateway.find_endpoint(CIRCUIT).unwrap();
        bench.good(&format!("RQNT {CIRCUIT}"), &format!("X: 1\nQ: loop\nR: {wanted}"));
        let mut told = Vec::new();
        for frame in plays(signal, 2500) {
            bench.gateway.handle_circuit(bench.now, circuit, frame);
            bench.pass_millis(10);
            told.extend(bench.notified());
        }
        assert_eq!(told, events, "{signal}");
    }
}

#[test]
fn a_busy_tone_and_speech_are_no_tone_that_was_asked_for() {
    let mut bench = bench();
    let circuit = bench.gateway.find_endpoint(CIRCUIT).unwrap();
    bench.good(&format!("RQNT {CIRCUIT}"), "X: 1\nR: t/om, t/nm, t/mm, t/tl, t/ro, t/zz, t/sit(N)(3)");
    for frame in plays("bz", 4000) {
        bench.gateway.handle_circuit(bench.now, circuit, frame);
        silent(&mut bench, 10);
    }
    // A tone between the test tones is none.
    for samples in support::tone(1040.0, std::time::Duration::from_secs(2)).chunks_exact(80) {
        let mut frame = strowger_softgateway::CircuitFrame::IDLE;
        frame.samples.copy_from_slice(samples);
        bench.gateway.handle_circuit(bench.now, circuit, frame);
        silent(&mut bench, 10);
    }
}

#[test]
fn an_answer_is_told_of_in_both_packages() {
    let mut bench = bench();
    let request = "X: 1\nQ: loop\nR: t/as, ms/oc\nS: ms/sup(addr(k0,5,s0))";
    bench.good(&format!("RQNT {CIRCUIT}"), request);
    bench.step("ds/a/1 expect off-hook");
    bench.pass_millis(600);
    bench.step("ds/a/1 wink");
    assert_eq!(bench.await_notified(3000), "MS/oc(MS/sup)");
    bench.step("ds/a/1 answer");
    let (one, other) = (bench.await_notified(1000), bench.await_notified(1000));
    assert_eq!([one, other], ["MS/ans", "T/as"]);
}

#[test]
fn a_name_for_all_events_has_each_of_them_looked_for_that_needs_no_parameter() {
    for name in ["t/all", "*/all", "*/nm"] {
        let mut bench = bench();
        bench.good(&format!("RQNT {CIRCUIT}"), &format!("X: 1\nQ: loop\nR: {name}"));
        let circuit = bench.gateway.find_endpoint(CIRCUIT).unwrap();
        let tone = support::tone(1004.0, std::time::Duration::from_secs(1));
        let mut heard = Vec::new();
        for samples in tone.chunks_exact(80) {
            let mut frame = CircuitFrame { off_hook: true, ..CircuitFrame::IDLE };
            frame.samples.copy_from_slice(samples);
            bench.gateway.handle_circuit(bench.now, circuit, frame);
            bench.pass_millis(10);
            heard.extend(bench.notified());
        }
        assert!(heard.contains(&"T/nm".to_owned()), "{name}: {heard:?}");
    }
}

#[test]
fn all_events_of_streams_are_looked_for_on_all_connections() {
    let mut bench = bench();
    let party = bench.connect(LINE, "recvonly");
    let id = bench.parties[party].id.clone();
    bench.parties[party].loses = Loses::Everything;
    // The size of the play-out buffer is nothing that this is about.
    bench.good(&format!("RQNT {LINE}"), "X: 1\nQ: loop\nR: r/all@*(N), r/ji@*(I)");
    silent(&mut bench, 1000);
    bench.parties[party].loses = Loses::Nothing;
    assert_eq!(bench.await_notified(200), format!("R/ma@{id}"));
    silent(&mut bench, 1000);
    bench.parties[party].loses = Loses::Everything;
    silent(&mut bench, 58_000);
    // The usual minute.
    assert_eq!(bench.await_notified(4000), format!("R/rto@{id}(60)"));
}
