//! Stories of parameters of media formats, and of reservations that there are none of: RFC 3660 sections 2.9 and 2.11.

mod gateway_support;

use gateway_support::Bench;

const LINE: &str = "aaln/1";

fn described(options: &str) -> String {
    let mut bench = Bench::new();
    bench.good("CRCX", LINE, &format!("C: 1\nL: {options}\nM: recvonly")).0
}

#[test]
fn telephone_events_are_those_that_are_asked_for() {
    for (options, format) in [
        ("a:PCMU;telephone-event", Some("0-15")),
        ("a:PCMU;telephone-event, fmtp:\"telephone-event 0-11\"", Some("0-11")),
        (
            "a:PCMU;telephone-event, o-fmtp:\"telephone-event 16,70,71\", fmtp:\"telephone-event 0-15\"",
            Some("0-15"),
        ),
        (
            "a:PCMU;telephone-event, o-fmtp:\"telephone-event 12-16\", fmtp:\"telephone-event 0-9\"",
            Some("0-9,12-15"),
        ),
        // What must be there and is not takes the format away.
        ("a:PCMU;telephone-event, fmtp:\"telephone-event 16\"", None),
        ("a:PCMU;telephone-event, fmtp:\"telephone-event 0-16\"", None),
        ("a:PCMU;telephone-event, fmtp:\"telephone-event nonsense\"", None),
    ] {
        let answer = described(options);
        match format {
            Some(events) => {
                assert!(answer.contains(&format!("a=fmtp:101 {events}\r\n")), "{options}: {answer}");
            }
            None => assert!(!answer.contains("telephone-event"), "{options}: {answer}"),
        }
    }
}

#[test]
fn a_codec_with_parameters_that_are_not_known_is_not_supported_unless_they_are_optional() {
    assert!(described("a:PCMU;PCMA, fmtp:\"PCMU foo=1\"").contains("RTP/AVP 8\r\n"));
    assert!(described("a:PCMU;PCMA, o-fmtp:\"PCMU foo=1\"").contains("RTP/AVP 0 8\r\n"));
    assert!(described("a:PCMU;PCMA;PCMU, fmtp:\"PCMU:2 foo=1\"").contains("RTP/AVP 0 8\r\n"));
    let mut bench = Bench::new();
    bench.refused(534, "CRCX", LINE, "C: 1\nL: a:PCMU, fmtp:\"PCMU foo=1\"\nM: recvonly");
    bench.refused(524, "CRCX", LINE, "C: 1\nL: a:PCMU, fmtp:\"PCMU:2 foo=1\"\nM: recvonly");
    let options = "a:PCMU;telephone-event, fmtp:\"telephone-event 0-11\"";
    let id =
        bench.good("CRCX", LINE, &format!("C: 1\nL: {options}\nM: recvonly")).get("I").expect("a connection");
    assert_eq!(bench.good("AUCX", LINE, &format!("I: {id}\nF: L")).get("L").expect("options"), options);
    let audit = bench.good("AUEP", LINE, "F: A").all("A");
    assert!(audit.first().expect("a set").contains("fmtp:\"telephone-event 0-15\""), "{audit:?}");
}

#[test]
fn what_cannot_be_reserved_is_refused() {
    let mut bench = Bench::new();
    for (code, option) in
        [(532, "r:g"), (532, "r:cl"), (541, "r:be, r-dir:sendrecv"), (541, "r-cnf:none"), (541, "r-sh:$")]
    {
        bench.refused(code, "CRCX", LINE, &format!("C: 1\nL: {option}\nM: recvonly"));
    }
    bench.good("CRCX", LINE, "C: 1\nL: r:be\nM: recvonly");
    bench.refused(518, "RQNT", LINE, "X: 1\nR: res/rl");
}
