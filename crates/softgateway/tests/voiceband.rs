//! A story of two modems whose lines have agreed on voiceband data (ITU-T V.152, RFC 6498), with real sound.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use strowger_softgateway::SoftGatewayConfig;
use support::Bench;

fn field<'a>(answer: &'a str, start: &str) -> &'a str {
    answer.lines().find_map(|line| line.strip_prefix(start)).unwrap().trim()
}

fn description(answer: &str) -> String {
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn told(bench: &mut Bench, millis: u64) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..millis / 10 {
        bench.pass_millis(10);
        while let Some(events) = bench.notified() {
            all.push(events);
        }
    }
    all.sort();
    all
}

#[test]
fn one_line_hears_the_modem_and_the_other_one_follows_and_both_go_back() {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_lines(2)));
    for line in ["aaln/1", "aaln/2"] {
        bench.step(&format!("{line} off-hook"));
        bench.good(&format!("RQNT {line}"), "X: 1\nQ: loop\nR: vbd/gwvbd, vbd/nopvbd");
    }
    let options = "L: a:G722;PCMU, gpmd/gpmd:\"PCMU vbd=yes\"";
    let one = bench.good("CRCX aaln/1", &format!("C: 1\n{options}\nM: recvonly"));
    let two = bench.good("CRCX aaln/2", &format!("C: 1\n{options}\nM: sendrecv\n\n{}", description(&one)));
    let id = field(&one, "I:");
    bench.good("MDCX aaln/1", &format!("C: 1\nI: {id}\nM: sendrecv\n\n{}", description(&two)));
    assert!(told(&mut bench, 2000).is_empty());
    bench.step("aaln/1 play tone:2100");
    let start = "codec=audio/PCMU,coord=v152ptsw";
    assert_eq!(
        told(&mut bench, 2000),
        [
            format!("VBD/gwvbd(start,rc=ANS,{start})"),
            format!("VBD/gwvbd(start,rc=PTSW,{start},dir=IpToGstn)"),
            // The second line sends its data so too, which the first one sees.
            "VBD/gwvbd(update,rc=PTSW,dir=IpToGstn)".to_owned(),
        ]
    );
    // What the second line hears is the tone, in the format for data.
    bench.step("aaln/2 expect tone:2100");
    bench.step("aaln/1 quiet");
    let stops = told(&mut bench, 10_000);
    assert_eq!(stops.len(), 2, "{stops:?}");
    assert!(stops.iter().all(|stop| stop.starts_with("VBD/gwvbd(stop")), "{stops:?}");
    // Speech again, and another modem.
    bench.step("aaln/2 play tone:2100");
    let starts = told(&mut bench, 2000);
    let is_start = |told: &&String| told.starts_with("VBD/gwvbd(start");
    assert_eq!(starts.iter().filter(is_start).count(), 2, "{starts:?}");
}

#[test]
fn silence_is_suppressed_again_when_the_modem_has_gone() {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_lines(1)));
    bench.step("aaln/1 off-hook");
    let remote = "v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 7000 RTP/AVP 0\n";
    let body = format!("C: 1\nL: p:20, a:PCMU, s:on\nM: sendrecv\nX: 1\nR: g/mt, vbd/nopvbd\n\n{remote}");
    bench.good("CRCX aaln/1", &body);
    let sent = |bench: &mut Bench, millis: u64| {
        bench.sent.clear();
        bench.pass_millis(millis);
        bench.sent.iter().filter(|(_, to, octets)| to.port() == 7000 && octets.len() == 172).count()
    };
    sent(&mut bench, 2000);
    assert_eq!(sent(&mut bench, 2000), 0);
    bench.step("aaln/1 play tone:2100");
    sent(&mut bench, 1000);
    bench.step("aaln/1 quiet");
    assert_eq!(sent(&mut bench, 2000), 100, "the silence of a modem is sent");
    sent(&mut bench, 8000);
    assert_eq!(sent(&mut bench, 2000), 0, "that of people is not");
}
