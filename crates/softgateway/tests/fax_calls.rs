//! Stories of faxes that are heard: on a line, on a circuit, and among the packets of a relay (RFC 5347).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::f64::consts::TAU;
use std::net::SocketAddr;

use strowger_media::frame::{sine_peak, to_sample};
use strowger_media::g711::Law;
use strowger_mgcp::gateway::TrunkSignalling;
use strowger_sansio::Duration;
use strowger_softgateway::{CircuitFrame, SoftGatewayConfig};
use support::{Bench, tone};

const RELAY: &str = "relay/1";
const CIRCUIT: &str = "ds/a/1";

fn bench() -> Bench {
    Bench::new(|config| {
        SoftGatewayConfig::new(config.with_relays(1).with_lines(1).with_trunks("a", 1, TrunkSignalling::Ms))
    })
}

fn far(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 7], port))
}

fn description(media: &str) -> String {
    format!("\nv=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm={media}\n")
}

fn field<'a>(answer: &'a str, start: &str) -> &'a str {
    answer.lines().find_map(|line| line.strip_prefix(start)).unwrap()
}

/// The flags by which a fax is known: six ones between two zeros, by the upper channel of V.21, in packets of 20 ms.
fn preamble(packets: usize) -> Vec<Vec<u8>> {
    let (mut phase, mut clock, mut bit) = (0.0_f64, 0.0, 0_u32);
    let samples: Vec<u8> = (0..packets * 160)
        .map(|_| {
            let one = !matches!(bit % 8, 0 | 7);
            phase += TAU * if one { 1650.0 } else { 1850.0 } / 8000.0;
            clock += 300.0 / 8000.0;
            if clock >= 1.0 {
                clock -= 1.0;
                bit += 1;
            }
            Law::Mu.encode(to_sample(sine_peak(-12.0) * phase.sin()))
        })
        .collect();
    let packet = |(place, payload): (usize, &[u8])| {
        let [high, low] = u16::try_from(place).unwrap().to_be_bytes();
        let time = u32::try_from(place * 160).unwrap().to_be_bytes();
        let mut packet = vec![0x80, 0, high, low];
        packet.extend(time);
        packet.extend([0, 0, 0, 9]);
        packet.extend_from_slice(payload);
        packet
    };
    samples.chunks_exact(160).enumerate().map(packet).collect()
}

fn connect(bench: &mut Bench, port: u16, request: &str) -> (String, u16) {
    let body = format!(
        "C: 1\nL: a:PCMU, fxr/fx:t38-loose\nM: sendrecv\n{request}{}",
        description(&format!("audio {port} RTP/AVP 0"))
    );
    let answer = bench.good(&format!("CRCX {RELAY}"), &body);
    assert!(answer.contains("a=cdsc: 2 image udptl t38"), "{answer}");
    let at = field(&answer, "m=audio ").split_whitespace().next().unwrap().parse().unwrap();
    (field(&answer, "I: ").to_owned(), at)
}

#[test]
fn a_relay_hears_a_fax_mutes_it_changes_to_t38_and_tells_its_end() {
    let mut bench = bench();
    let (a, at_a) = connect(&mut bench, 7000, "R: fxr/t38\nX: 1\nQ: loop\n");
    let (b, at_b) = connect(&mut bench, 7002, "");
    let packets = preamble(40);
    let mut passed = 0;
    for packet in &packets {
        bench.datagram(far(7000), at_a, packet);
        bench.pass_millis(20);
        passed = bench.sent.iter().filter(|(port, to, _)| *port == at_b && to.port() == 7002).count();
    }
    assert_eq!(bench.notified().as_deref(), Some("FXR/t38(start)"));
    // A fifth of a second is enough to know it, and nothing passes from then on.
    assert!((10..16).contains(&passed), "{passed}");
    bench.sent.clear();
    for (id, port) in [(&a, 7000), (&b, 7002)] {
        let body =
            format!("C: 1\nI: {id}\nL: a:image/t38\n{}", description(&format!("image {port} udptl t38")));
        bench.good(&format!("MDCX {RELAY}"), &body);
    }
    for _ in 0..10 {
        bench.datagram(far(7000), at_a, b"a page");
        bench.datagram(far(7002), at_b, b"its confirmation");
        bench.pass_millis(1000);
    }
    assert_eq!(bench.notified(), None, "one fax call, one start");
    let octets: usize = bench.sent.iter().map(|(_, _, octets)| octets.len()).sum();
    assert_eq!((bench.sent.len(), octets), (20, 10 * (6 + 16)));
    assert_eq!(bench.await_notified(9_000), "FXR/t38(stop)");
    bench.datagram(far(7000), at_a, b"the next fax");
    assert_eq!(bench.notified().as_deref(), Some("FXR/t38(start)"));
}

#[test]
fn a_relay_that_is_not_asked_about_faxes_passes_them_on() {
    let mut bench = bench();
    let mut ports = Vec::new();
    for port in [7000, 7002] {
        let body = format!("C: 1\nM: sendrecv\n{}", description(&format!("audio {port} RTP/AVP 0")));
        let answer = bench.good(&format!("CRCX {RELAY}"), &body);
        assert!(!answer.contains("cdsc"), "{answer}");
        ports.push(field(&answer, "m=audio ").split_whitespace().next().unwrap().parse().unwrap());
    }
    for packet in preamble(40) {
        bench.datagram(far(7000), ports[0], &packet);
    }
    assert_eq!(bench.sent.len(), 40);
    bench.good(&format!("RQNT {RELAY}"), "X: 1\nR: fxr/nopfax");
    for packet in preamble(80).iter().skip(40) {
        bench.datagram(far(7000), ports[0], packet);
    }
    assert_eq!(bench.notified().as_deref(), Some("FXR/nopfax(start)"));
    assert_eq!(bench.sent.len(), 80);
}

#[test]
fn a_fax_on_a_line_is_told_once_a_call() {
    let mut bench = bench();
    bench.step("aaln/1 off-hook");
    let body = format!(
        "C: 1\nL: a:PCMU, fxr/fx:t38;gw\nM: sendrecv\nX: 1\nQ: loop\nR: fxr/nopfax\n{}",
        description("audio 7000 RTP/AVP 0")
    );
    bench.good("CRCX aaln/1", &body);
    for told in [Some("FXR/nopfax(start)"), None] {
        bench.step("aaln/1 play tone:1100 for 500ms");
        bench.pass_millis(5_500);
        assert_eq!(bench.notified().as_deref(), told);
    }
    // Both sides have been silent for so long that the machine must be gone.
    bench.pass_millis(9_000);
    bench.step("aaln/1 play tone:1100 for 500ms");
    bench.pass_millis(1_000);
    assert_eq!(bench.notified().as_deref(), Some("FXR/nopfax(start)"));
    bench.step("aaln/1 on-hook");
    bench.pass_millis(1_000);
    bench.step("aaln/1 off-hook");
    bench.step("aaln/1 play tone:1100 for 500ms");
    bench.pass_millis(1_000);
    assert_eq!(bench.notified().as_deref(), Some("FXR/nopfax(start)"));
}

#[test]
fn a_fax_on_a_circuit_is_told() {
    let mut bench = bench();
    let circuit = bench.gateway.find_endpoint(CIRCUIT).unwrap();
    let body = format!(
        "C: 1\nL: a:PCMU\nM: sendrecv\nX: 1\nQ: loop\nR: fxr/nopfax\n{}",
        description("audio 7000 RTP/AVP 0")
    );
    bench.good(&format!("CRCX {CIRCUIT}"), &body);
    for (place, samples) in tone(1100.0, Duration::from_secs(1)).chunks_exact(80).enumerate() {
        let mut frame = CircuitFrame { off_hook: true, ..CircuitFrame::IDLE };
        if place < 50 {
            frame.samples.copy_from_slice(samples);
        }
        bench.gateway.handle_circuit(bench.now, circuit, frame);
        bench.pass_millis(10);
    }
    // The seizure of the circuit is an event by itself.
    assert_eq!(bench.notified().as_deref(), Some("MS/sup"));
    assert_eq!(bench.notified().as_deref(), Some("FXR/nopfax(start)"));
}

#[test]
fn a_modem_on_the_line_is_told_as_voiceband_data() {
    let mut bench = bench();
    bench.step("aaln/1 off-hook");
    let body = format!(
        "C: 1\nL: a:PCMU\nM: sendrecv\nX: 1\nQ: loop\nR: vbd/nopvbd\n{}",
        description("audio 7000 RTP/AVP 0")
    );
    bench.good("CRCX aaln/1", &body);
    bench.step("aaln/1 play tone:2100 for 1s");
    bench.pass_millis(2_000);
    assert_eq!(bench.notified().as_deref(), Some("VBD/nopvbd(start,rc=ANS)"));
    assert_eq!(bench.await_notified(9_000), "VBD/nopvbd(stop)");
}
