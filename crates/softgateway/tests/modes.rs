//! Stories of connection modes with real audio: RFC 3435 sections 2.3.5 and Appendix D, continuity tests of RFC 3660 section 2.3.

mod support;

use std::collections::BTreeSet;

use strowger_mgcp::gateway::TrunkSignalling;
use strowger_softgateway::SoftGatewayConfig;
use support::{Bench, found};

/// What the handset, A and B say.
const HANDSET: u32 = 500;
const A: u32 = 1000;
const B: u32 = 1500;
const ALL: [u32; 3] = [HANDSET, A, B];

const MODES: [&str; 7] = ["sendonly", "recvonly", "sendrecv", "confrnce", "inactive", "netwloop", "netwtest"];

fn set(of: &[u32]) -> BTreeSet<u32> {
    of.iter().copied().collect()
}

/// Appendix D, for the network's side of A beside B: what goes out on A.
fn sent(a: &str, b: &str) -> BTreeSet<u32> {
    match (a, b) {
        ("confrnce", "confrnce") => set(&[HANDSET, B]),
        ("sendonly" | "sendrecv" | "confrnce", _) => set(&[HANDSET]),
        ("netwloop", _) => set(&[A]),
        // 1000 Hz is no continuity tone: the transponder answers nothing.
        _ => set(&[]),
    }
}

fn is_heard(mode: &str) -> bool {
    matches!(mode, "recvonly" | "sendrecv" | "confrnce")
}

#[test]
fn each_pair_of_modes_is_mixed_as_appendix_d_says() {
    let swapped = |set: BTreeSet<u32>| -> BTreeSet<u32> {
        set.into_iter()
            .map(|hz| {
                if hz == A {
                    B
                } else if hz == B {
                    A
                } else {
                    hz
                }
            })
            .collect()
    };
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_lines(1)));
    bench.step("aaln/1 off-hook");
    bench.step("aaln/1 play tone:500");
    let (a, b) = (bench.connect("aaln/1", "inactive"), bench.connect("aaln/1", "inactive"));
    bench.parties[a].say(f64::from(A));
    bench.parties[b].say(f64::from(B));
    for one in MODES {
        assert!(bench.mode("aaln/1", a, one).starts_with("200"), "{one}");
        for two in MODES {
            assert!(bench.mode("aaln/1", b, two).starts_with("200"), "{two}");
            bench.pass_millis(700);
            assert_eq!(bench.parties[a].hears(&ALL), sent(one, two), "A in {one} beside {two}");
            assert_eq!(bench.parties[b].hears(&ALL), swapped(sent(two, one)), "B in {two} beside {one}");
            bench.step("aaln/1 record ear.wav");
            let (_, fact) = bench.facts.pop().unwrap();
            let strowger_softgateway::LineFact::Recording { samples, .. } = fact else { panic!("{fact:?}") };
            let ear: Vec<_> =
                [(A, one), (B, two)].iter().filter(|(_, mode)| is_heard(mode)).map(|(hz, _)| *hz).collect();
            assert_eq!(found(&samples, &ALL), set(&ear), "the earpiece beside {one} and {two}");
        }
    }
}

#[test]
fn the_network_test_answers_each_continuity_tone_with_the_other() {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_lines(1)));
    let party = bench.connect("aaln/1", "netwtest");
    for (said, answered) in [(2010, 1780), (1780, 2010)] {
        bench.parties[party].say(f64::from(said));
        bench.pass_millis(700);
        assert_eq!(bench.parties[party].hears(&[2010, 1780]), set(&[answered]));
    }
}

#[test]
fn a_conference_of_four_hears_everybody_but_oneself_without_wrapping_round() {
    const VOICES: [u32; 4] = [600, 1000, 1500, 2100];
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_conferences(1)));
    let parties: Vec<_> = VOICES
        .iter()
        .map(|hertz| {
            let party = bench.connect("cnf/1", "confrnce");
            bench.parties[party].say(f64::from(*hertz));
            party
        })
        .collect();
    bench.pass_millis(800);
    for (party, own) in parties.iter().zip(VOICES) {
        let others: Vec<_> = VOICES.into_iter().filter(|hertz| *hertz != own).collect();
        assert_eq!(bench.parties[*party].hears(&VOICES), set(&others), "the one who says {own}");
    }
    // One only listens, one is silent: what is left is heard by those who may.
    bench.mode("cnf/1", parties[0], "sendonly");
    bench.mode("cnf/1", parties[1], "inactive");
    bench.pass_millis(800);
    assert_eq!(bench.parties[0].hears(&VOICES), set(&[1500, 2100]));
    assert_eq!(bench.parties[1].hears(&VOICES), set(&[]));
    assert_eq!(bench.parties[2].hears(&VOICES), set(&[2100]));
}

#[test]
fn a_bridge_takes_sixty_four_and_refuses_the_next() {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_conferences(1)));
    for _ in 0..64 {
        bench.connect("cnf/1", "confrnce");
    }
    bench.refused(540, "CRCX cnf/1", "C: 1\nM: inactive");
    bench.pass_millis(100);
    let deleted = bench.good("DLCX cnf/1", "C: 1");
    assert!(deleted.starts_with("250"));
}

#[test]
fn modes_that_an_endpoint_has_not_got_are_refused_and_not_announced() {
    let mut bench = Bench::new(|config| {
        SoftGatewayConfig::new(
            config.with_lines(1).with_relays(1).with_conferences(1).with_announcements(1).with_trunks(
                "ds1-1",
                1,
                TrunkSignalling::Ms,
            ),
        )
    });
    for (endpoint, refused) in [
        ("aaln/1", &["conttest"][..]),
        ("relay/1", &["loopback", "conttest"]),
        ("cnf/1", &["loopback", "conttest"]),
        ("ann/1", &["loopback", "conttest"]),
        ("ds/ds1-1/1", &[]),
    ] {
        let audit = bench.good(&format!("AUEP {endpoint}"), "F: A");
        let modes = audit.lines().find_map(|line| line.split_once("m:")).unwrap().1.to_owned();
        for mode in ["loopback", "conttest"] {
            let has = !refused.contains(&mode);
            assert_eq!(modes.split(';').any(|known| known.trim() == mode), has, "{endpoint}: {audit}");
            if has {
                bench.good(&format!("CRCX {endpoint}"), &format!("C: 9\nM: {mode}"));
                bench.good(&format!("DLCX {endpoint}"), "C: 9");
            } else {
                bench.refused(517, &format!("CRCX {endpoint}"), &format!("C: 9\nM: {mode}"));
            }
        }
    }
}

/// Two circuits back to back: one asks, the other answers by its connection's mode or by a signal.
fn crossed() -> Bench {
    Bench::new(|config| {
        let mut config = SoftGatewayConfig::new(config.with_trunks("1", 2, TrunkSignalling::Ms));
        config.crossed.push(("ds/1/1".to_owned(), "ds/1/2".to_owned()));
        config
    })
}

#[test]
fn a_continuity_test_passes_when_the_return_tone_has_come_and_gone() {
    for (mode, go, back) in
        [("loopback", "co1", "co1"), ("conttest", "co1", "co2"), ("conttest", "co2", "co1")]
    {
        let mut bench = crossed();
        bench.good("CRCX ds/1/2", &format!("C: 1\nM: {mode}"));
        bench.good("RQNT ds/1/1", &format!("X: 1\nR: t/co1, t/co2, t/oc, t/of\nS: t/{go}"));
        assert_eq!(bench.await_notified(2000), format!("T/{back}"), "{mode} {go}");
    }
}

#[test]
fn a_continuity_test_without_an_answer_times_out() {
    let mut bench = crossed();
    bench.good("RQNT ds/1/1", "X: 1\nR: t/co1, t/co2, t/oc, t/of\nS: t/co1(to=1000)");
    assert_eq!(bench.await_notified(2000), "T/oc(T/co1)");
}

#[test]
fn transponder_and_loop_can_also_be_signals() {
    for (signal, off, back) in
        [("t/ct(in=co1,out=co2,+)", "t/ct(-)", "T/co2"), ("t/lb(+)", "t/lb(-)", "T/co1")]
    {
        let mut bench = crossed();
        bench.good("RQNT ds/1/2", &format!("X: 1\nS: {signal}"));
        let test = "X: 1\nR: t/co1, t/co2, t/oc, t/of\nS: t/co1(to=1500)";
        bench.good("RQNT ds/1/1", test);
        assert_eq!(bench.await_notified(2000), back);
        bench.good("RQNT ds/1/2", &format!("X: 2\nS: {off}"));
        bench.pass_millis(200);
        bench.good("RQNT ds/1/1", &test.replace("X: 1", "X: 2"));
        assert_eq!(bench.await_notified(2000), "T/oc(T/co1)", "{signal} was turned off");
    }
    for signal in
        ["t/ct(in=co1,out=co1,+)", "t/ct(in=co1)", "t/ct", "t/ct(in=dl,out=co2)", "t/ct(in=co1,in=co2)"]
    {
        crossed().refused(538, "RQNT ds/1/2", &format!("X: 1\nS: {signal}"));
    }
}

#[test]
fn each_test_tone_of_a_circuit_has_its_own_frequency() {
    for (signal, hertz, level) in
        [("nm", 1004.0, 0.0), ("om", 1000.0, 0.0), ("mm", 1013.8, 0.0), ("tl", 2225.0, -10.0)]
    {
        let mut bench =
            Bench::new(|config| SoftGatewayConfig::new(config.with_trunks("1", 1, TrunkSignalling::Ms)));
        bench.good("RQNT ds/1/1", &format!("X: 1\nS: t/{signal}"));
        bench.pass_millis(1000);
        let sent: Vec<i16> = bench.circuits.iter().flat_map(|(_, frame)| frame.samples).collect();
        let tone = strowger_media::analysis::strongest(&sent, 1)[0];
        let is_it = (tone.hertz - hertz).abs() < 2.0 && (tone.level - level).abs() < 1.0;
        assert!(is_it, "{signal}: {} Hz, {} dBm0", tone.hertz, tone.level);
    }
}

#[test]
fn a_test_pattern_comes_back_from_a_loop() {
    for (signal, event, told) in [
        ("t/tp", "t/tp", "T/tp(95)"),
        ("t/tp(0)", "t/tp(N)(0)", "T/tp(0)"),
        ("t/tp(85,to=1000)", "t/tp(N)(84)", "T/oc(T/tp)"),
    ] {
        let mut bench = crossed();
        bench.good("CRCX ds/1/2", "C: 1\nM: loopback");
        bench.good("RQNT ds/1/1", &format!("X: 1\nR: {event}, t/oc, t/of\nS: {signal}"));
        assert_eq!(bench.await_notified(2000), told, "{signal}");
    }
    let mut bench = crossed();
    bench.good("RQNT ds/1/1", "X: 1\nR: t/tp, t/oc\nS: t/tp");
    assert_eq!(bench.await_notified(4000), "T/oc(T/tp)", "nothing returns it");
    for signal in ["t/tp(256)", "t/tp(1,2)", "t/tp(x)"] {
        bench.refused(538, "RQNT ds/1/1", &format!("X: 2\nS: {signal}"));
    }
    bench.refused(538, "RQNT ds/1/1", "X: 2\nR: t/tp(N)(256)");
}

#[test]
fn what_comes_on_a_circuit_that_is_looped_or_answers_by_tones_reaches_no_connection() {
    for signal in ["t/lb", "t/ct(in=co1,out=co2)"] {
        let mut bench = crossed();
        let party = bench.connect("ds/1/1", "sendrecv");
        bench.good("RQNT ds/1/2", "X: 1\nS: t/nm(to=0)");
        bench.pass_millis(500);
        assert_eq!(bench.parties[party].hears(&[1004]).len(), 1);
        bench.parties[party].say(700.0);
        bench.good("RQNT ds/1/1", &format!("X: 1\nS: {signal}"));
        bench.pass_millis(500);
        assert!(bench.parties[party].hears(&[1004]).is_empty(), "{signal}");
        let other = bench.connect("ds/1/2", "recvonly");
        bench.pass_millis(500);
        assert!(bench.parties[other].hears(&[700]).is_empty(), "{signal}: nor the other way");
    }
}
