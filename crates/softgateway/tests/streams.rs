//! Stories of the package R (RFC 3660 section 2.10) between two endpoints of a gateway: continuity of the packet network, and changes of what
//! comes in.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use strowger_softgateway::SoftGatewayConfig;
use support::{Bench, Loses};

fn value(answer: &str, name: &str) -> String {
    answer.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}

fn description(answer: &str) -> String {
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Two lines whose connections send to each other; the second has a mode. The first one's identifier, and the second one's.
fn joined(bench: &mut Bench, mode: &str) -> (String, String) {
    let one = bench.good("CRCX aaln/1", "C: 1\nL: a:PCMU;PCMA\nM: inactive");
    let two = bench.good("CRCX aaln/2", &format!("C: 1\nM: {mode}\n\n{}", description(&one)));
    let id = value(&one, "I:");
    bench.good("MDCX aaln/1", &format!("C: 1\nI: {id}\n\n{}", description(&two)));
    (id, value(&two, "I:"))
}

fn lines() -> Bench {
    Bench::new(|config| SoftGatewayConfig::new(config.with_lines(2)))
}

#[test]
fn the_packet_network_is_tested_with_one_tone_or_with_two() {
    for (mode, go, back) in [
        ("netwloop", "co1", "co1"),
        ("netwloop", "co2", "co2"),
        ("netwtest", "co1", "co2"),
        ("netwtest", "co2", "co1"),
    ] {
        let mut bench = lines();
        let (id, _) = joined(&mut bench, mode);
        let request = format!("X: 1\nR: r/co1@{id}, r/co2@{id}, r/oc, r/of\nS: r/{go}@{id}");
        bench.good("RQNT aaln/1", &request);
        assert_eq!(bench.await_notified(2500), format!("R/{back}@{id}"), "{mode} {go}");
    }
}

#[test]
fn a_test_of_the_packet_network_that_nobody_answers_times_out() {
    let mut bench = lines();
    let (id, _) = joined(&mut bench, "inactive");
    bench.good("RQNT aaln/1", &format!("X: 1\nR: r/co1@*, r/oc\nS: r/co1@{id}(to=1000)"));
    assert_eq!(bench.await_notified(1500), format!("R/oc(R/co1@{id})"));
    // The tone is for a connection, and only there.
    bench.refused(513, "RQNT aaln/1", "X: 2\nS: r/co1");
}

#[test]
fn a_test_that_is_stopped_tells_nothing_and_sends_nothing() {
    let mut bench = lines();
    let (id, _) = joined(&mut bench, "netwloop");
    bench.good("RQNT aaln/1", &format!("X: 1\nS: r/co1@{id}"));
    bench.good("RQNT aaln/1", &format!("X: 2\nR: r/co1@{id}, r/oc"));
    bench.pass_millis(4000);
    assert_eq!(bench.notified(), None);
}

#[test]
fn another_codec_and_another_packet_time_are_told_of_each_time() {
    let mut bench = lines();
    let (id, other) = joined(&mut bench, "sendrecv");
    bench.good("RQNT aaln/1", &format!("X: 1\nQ: loop\nR: r/uc@{id}, r/sr@*"));
    bench.pass_millis(1000);
    assert_eq!(bench.notified(), None, "what begins has not changed");
    let to = description(&bench.good("AUCX aaln/2", &format!("I: {other}\nF: RC")));
    let to = to.replace("RTP/AVP 0 8", "RTP/AVP 8 0");
    bench.good("MDCX aaln/2", &format!("C: 1\nI: {other}\nL: a:PCMA;PCMU, p:20\n\n{to}"));
    assert_eq!(bench.await_notified(1000), format!("R/uc@{id}(8)"));
    bench.good("MDCX aaln/2", &format!("C: 1\nI: {other}\nL: p:10"));
    assert_eq!(bench.await_notified(1000), format!("R/sr@{id}(10)"));
    bench.good("MDCX aaln/2", &format!("C: 1\nI: {other}\nL: p:30"));
    assert_eq!(bench.await_notified(1000), format!("R/sr@{id}(30)"));
    bench.refused(538, "RQNT aaln/1", "X: 2\nR: r/uc(N)(8)");
}

#[test]
fn a_bad_stream_is_an_alert_once_a_request() {
    let mut bench = lines();
    let party = bench.connect("aaln/1", "recvonly");
    let id = bench.parties[party].id.clone();
    bench.good("RQNT aaln/1", "X: 1\nQ: loop\nR: r/qa");
    // 2 in 100 are within the threshold.
    bench.parties[party].loses = Loses::OneIn(50);
    bench.pass_millis(10_000);
    assert_eq!(bench.notified(), None);
    bench.parties[party].loses = Loses::OneIn(10);
    assert_eq!(bench.await_notified(20_000), format!("R/qa@{id}"));
    bench.pass_millis(10_000);
    assert_eq!(bench.notified(), None);
    bench.good("RQNT aaln/1", "X: 2\nR: r/qa");
    assert_eq!(bench.await_notified(20_000), format!("R/qa@{id}"));
}

#[test]
fn packets_that_are_refused_on_their_way_are_told_of_once_after_so_many() {
    for (endpoint, asked, count) in [("aaln/1", "(2)", 2), ("relay/1", "", 3), ("aaln/1", "(255)", 255)] {
        let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_lines(1).with_relays(1)));
        let party = bench.connect(endpoint, "sendrecv");
        let id = bench.parties[party].id.clone();
        assert_eq!(bench.gateway.poll_doubtful(), None, "nobody wants to know");
        let parameters = if asked.is_empty() { String::new() } else { format!("(N){asked}") };
        bench.good(&format!("RQNT {endpoint}"), &format!("X: 1\nQ: loop\nR: r/iu@{id}{parameters}"));
        let sockets: Vec<_> = std::iter::from_fn(|| bench.gateway.poll_doubtful()).collect();
        let [rtp, rtcp] = sockets[..] else { panic!("{sockets:?}") };
        let far = bench.parties[party].address;
        let mut refused = |socket, to, code| {
            let now = bench.now;
            bench.gateway.handle_refused(now, socket, to, code);
            bench.pass_millis(10);
            bench.notified()
        };
        // What quotes another address is forged, or old.
        let elsewhere = "10.9.9.9:6000".parse().unwrap();
        assert_eq!((0..300).find_map(|_| refused(rtp, elsewhere, 3)), None);
        let control = std::net::SocketAddr::new(far.ip(), far.port() + 1);
        for sent in 1..count {
            let (socket, to) = if sent % 2 == 0 { (rtcp, control) } else { (rtp, far) };
            assert_eq!(refused(socket, to, 3), None, "{sent} of {count}");
        }
        assert_eq!(refused(rtp, far, 1), Some(format!("R/iu@{id}({count},1)")));
        assert_eq!((0..300).find_map(|_| refused(rtp, far, 3)), None, "once");
    }
}
