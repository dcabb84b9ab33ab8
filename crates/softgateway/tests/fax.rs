//! Stories of faxes through a packet relay: T.38 over UDPTL, octet by octet (RFC 3435 section 2.6, RFC 5347 section 2.1.1).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;

use strowger_softgateway::SoftGatewayConfig;
use support::Bench;

const RELAY: &str = "relay/1";

fn bench() -> Bench {
    Bench::new(|config| SoftGatewayConfig::new(config.with_relays(2).with_lines(1)))
}

fn far(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 7], port))
}

/// A description of T.38 at that port, with these attributes.
fn t38(port: u16, attributes: &str) -> String {
    format!(
        "\nv=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=image {port} udptl t38\n{attributes}"
    )
}

fn audio(port: u16) -> String {
    format!("\nv=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio {port} RTP/AVP 0\n")
}

fn field<'a>(answer: &'a str, start: &str) -> Option<&'a str> {
    answer.lines().find_map(|line| line.strip_prefix(start))
}

/// Creates a connection; its identifier and port.
fn create(bench: &mut Bench, mode: &str, options: &str, description: &str) -> (String, u16, String) {
    let options = if options.is_empty() { String::new() } else { format!("L: {options}\n") };
    let answer = bench.good(&format!("CRCX {RELAY}"), &format!("C: 1\n{options}M: {mode}\n{description}"));
    let media = field(&answer, "m=image ").or(field(&answer, "m=audio ")).unwrap();
    let port = media.split_whitespace().next().unwrap().parse().unwrap();
    (field(&answer, "I: ").unwrap().to_owned(), port, answer)
}

fn modify(bench: &mut Bench, id: &str, rest: &str) -> String {
    bench.good(&format!("MDCX {RELAY}"), &format!("C: 1\nI: {id}\n{rest}"))
}

/// An RTP packet of PCMU.
fn speech(sequence: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 0, 0, sequence, 0, 0, 0, sequence.wrapping_mul(160), 0, 0, 0, 9];
    packet.resize(12 + 160, 0xFF);
    packet
}

#[test]
fn a_fax_passes_a_relay_octet_by_octet_and_is_counted() {
    let mut bench = bench();
    let (a, at_a, answer) = create(&mut bench, "sendrecv", "a:image/t38", &t38(7000, "a=T38FaxVersion:0\n"));
    assert!(answer.contains("udptl t38\r\na=T38FaxVersion:0\r\n"), "{answer}");
    let (b, at_b, _) = create(&mut bench, "sendrecv", "", &t38(7002, ""));
    // Neither is RTP: one is shorter than its header, one of another version, one longer than a frame.
    let datagrams: [&[u8]; 3] = [&[0x00, 0x01, 0x01, 0x06, 0x00, 0x00], &[0xFF; 20], &[0x5A; 600]];
    for datagram in datagrams {
        bench.datagram(far(7000), at_a, datagram);
        bench.datagram(far(7002), at_b, datagram);
    }
    let to = |port: u16, address| {
        datagrams.iter().map(move |octets| (port, address, octets.to_vec())).collect::<Vec<_>>()
    };
    let (one, two): (Vec<_>, Vec<_>) = bench.sent.drain(..).partition(|(port, _, _)| *port == at_b);
    assert_eq!(one, to(at_b, far(7002)));
    assert_eq!(two, to(at_a, far(7000)));
    // There is no RTCP, however long it lasts, and none is taken.
    bench.datagram(far(7001), at_a + 1, &[0x80, 200, 0, 6]);
    bench.pass_millis(30_000);
    assert_eq!(bench.sent, []);
    for id in [a, b] {
        let answer = bench.good(&format!("DLCX {RELAY}"), &format!("C: 1\nI: {id}"));
        assert!(answer.contains("PS=3, OS=626, PR=3, OR=626, PL=0"), "{answer}");
    }
    assert_eq!(bench.sent, []);
}

#[test]
fn a_stranger_s_datagram_does_not_pass() {
    let mut bench = bench();
    let (_, at_a, _) = create(&mut bench, "sendrecv", "a:image/t38", &t38(7000, ""));
    create(&mut bench, "sendrecv", "a:image/t38", &t38(7002, ""));
    bench.datagram(far(7004), at_a, b"stranger");
    bench.datagram("10.0.0.8:7000".parse().unwrap(), at_a, b"stranger");
    assert_eq!(bench.sent, []);
    assert_eq!(bench.gateway.media_counters().wrong_source, 2);
}

#[test]
fn a_connection_that_does_not_send_holds_a_fax_back() {
    let mut bench = bench();
    let (_, at_a, _) = create(&mut bench, "sendrecv", "a:image/t38", &t38(7000, ""));
    let (b, at_b, _) = create(&mut bench, "recvonly", "a:image/t38", &t38(7002, ""));
    bench.datagram(far(7000), at_a, b"held");
    bench.datagram(far(7002), at_b, b"passes");
    assert_eq!(bench.sent, [(at_a, far(7000), b"passes".to_vec())]);
    modify(&mut bench, &b, "M: sendrecv");
    bench.datagram(far(7000), at_a, b"free");
    assert_eq!(bench.sent.last(), Some(&(at_b, far(7002), b"free".to_vec())));
}

#[test]
fn a_call_changes_to_t38_one_side_after_the_other_and_back() {
    let mut bench = bench();
    let (a, at_a, _) = create(&mut bench, "sendrecv", "a:PCMU", &audio(7000));
    let (b, at_b, _) = create(&mut bench, "sendrecv", "a:PCMU", &audio(7002));
    bench.datagram(far(7000), at_a, &speech(1));
    assert_eq!(bench.sent.pop().map(|(port, to, _)| (port, to)), Some((at_b, far(7002))));
    // The options alone change the stream, but the far end has not said where it takes T.38.
    let answer = modify(&mut bench, &a, "L: a:image/t38");
    assert!(answer.contains(&format!("m=image {at_a} udptl t38\r\na=T38FaxVersion:0")), "{answer}");
    bench.datagram(far(7000), at_a, b"early");
    bench.datagram(far(7002), at_b, &speech(1));
    assert_eq!(bench.sent, []);
    // The description of one side reaches the other; its options need not be repeated.
    modify(&mut bench, &a, &t38(7000, "a=T38FaxVersion:3\na=T38FaxMaxDatagram:400\n"));
    let answer = modify(&mut bench, &b, &t38(7002, "a=T38FaxVersion:1\n"));
    let told = format!("m=image {at_b} udptl t38\r\na=T38FaxVersion:3\r\na=T38FaxMaxDatagram:400\r\n");
    assert!(answer.contains(&told), "{answer}");
    let answer = modify(&mut bench, &a, "M: sendrecv");
    assert!(answer.contains("a=T38FaxVersion:1\r\n"), "{answer}");
    bench.datagram(far(7000), at_a, b"fax");
    assert_eq!(bench.sent.pop(), Some((at_b, far(7002), b"fax".to_vec())));
    for (id, port) in [(&a, 7000), (&b, 7002)] {
        let answer = modify(&mut bench, id, &format!("L: a:PCMU\n{}", audio(port)));
        assert!(answer.contains("RTP/AVP 0\r\n"), "{answer}");
    }
    bench.datagram(far(7000), at_a, &speech(2));
    let (port, to, octets) = bench.sent.pop().unwrap();
    assert_eq!((port, to, octets.len()), (at_b, far(7002), 172));
}

#[test]
fn a_relay_cannot_make_audio_of_a_fax() {
    let mut bench = bench();
    let (a, _, _) = create(&mut bench, "sendrecv", "a:image/t38", &t38(7000, ""));
    bench.refused(534, &format!("CRCX {RELAY}"), &format!("C: 1\nM: sendrecv\n{}", audio(7002)));
    bench.refused(534, &format!("CRCX {RELAY}"), "C: 1\nL: a:PCMU\nM: inactive");
    // Nothing is open that was refused, and what was open goes on.
    create(&mut bench, "sendrecv", "", &t38(7002, ""));
    bench.refused(534, &format!("MDCX {RELAY}"), &format!("C: 1\nI: {a}\nL: a:PCMU\n{}", t38(7000, "")));
    let other = "relay/2";
    bench.good(&format!("CRCX {other}"), &format!("C: 2\nM: sendrecv\n{}", audio(7004)));
    bench.refused(534, &format!("CRCX {other}"), "C: 2\nL: a:image/t38\nM: inactive");
}

#[test]
fn the_options_choose_between_two_streams_of_a_description() {
    let mut bench = bench();
    let both = format!("{}m=image 7002 udptl t38\n", audio(7000));
    for (options, stream) in [
        ("", "m=audio"),
        ("a:PCMU;image/t38", "m=audio"),
        ("a:image/t38;PCMU", "m=image"),
        ("a:IMAGE/T38", "m=image"),
        ("a:G729;image/t38", "m=image"),
    ] {
        let (id, _, answer) = create(&mut bench, "sendrecv", options, &both);
        assert!(answer.contains(stream), "{options}\n{answer}");
        bench.good(&format!("DLCX {RELAY}"), &format!("C: 1\nI: {id}"));
    }
}

#[test]
fn a_line_has_no_t38_and_a_relay_says_that_it_has() {
    let mut bench = bench();
    bench.refused(534, "CRCX aaln/1", "C: 1\nL: a:image/t38\nM: inactive");
    bench.refused(505, "CRCX aaln/1", &format!("C: 1\nM: inactive\n{}", t38(7000, "")));
    bench.refused(505, &format!("CRCX {RELAY}"), &format!("C: 1\nM: inactive\n{}", t38(0, "")));
    let answer = bench.good("AUEP relay/1", "F: A");
    assert!(answer.contains(";image/t38,"), "{answer}");
    assert!(!bench.good("AUEP aaln/1", "F: A").contains("image"));
    // A half that a line would have to take.
    bench.refused(534, &format!("CRCX {RELAY}"), "C: 1\nL: a:image/t38\nM: sendrecv\nZ2: aaln/1@gw1.town");
}

#[test]
fn an_address_that_may_not_be_sent_to_is_refused_for_t38_as_for_audio() {
    let mut bench = bench();
    for address in ["127.0.0.1", "224.0.0.1", "255.255.255.255"] {
        let description = t38(7000, "").replace("10.0.0.7", address);
        bench.refused(505, &format!("CRCX {RELAY}"), &format!("C: 1\nM: sendrecv\n{description}"));
    }
}

#[test]
fn a_fax_passes_two_relays_of_one_gateway() {
    let mut bench = bench();
    let answer =
        bench.good(&format!("CRCX {RELAY}"), "C: 1\nL: a:image/t38\nM: sendrecv\nZ2: relay/2@gw1.town");
    assert!(answer.contains("m=image"), "{answer}");
    let (_, at_a, _) = create(&mut bench, "sendrecv", "a:image/t38", &t38(7000, ""));
    let body = format!("C: 1\nL: a:image/t38\nM: sendrecv\n{}", t38(7002, ""));
    let answer = bench.good("CRCX relay/2", &body);
    let at_b: u16 = field(&answer, "m=image ").unwrap().split_whitespace().next().unwrap().parse().unwrap();
    bench.datagram(far(7000), at_a, b"through two");
    assert_eq!(bench.sent, [(at_b, far(7002), b"through two".to_vec())]);
}
