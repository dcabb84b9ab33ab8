//! Stories of circuits with channel associated signalling: RFC 3064. Two circuits are joined back to back, within one gateway or
//! across two.

mod support;

use strowger_mgcp::gateway::TrunkSignalling;
use strowger_sansio::Duration;
use strowger_softgateway::{CircuitFrame, SoftGatewayConfig, TrunkDirection, TrunkOptions, TrunkStart};
use support::{Bench, tone};

const OUT: &str = "ds/o/1";
const IN: &str = "ds/i/1";

fn pair(out: TrunkSignalling, into: TrunkSignalling, options: TrunkOptions) -> Bench {
    Bench::new(|config| {
        let config = config.with_trunks("o", 1, out).with_trunks("i", 1, into);
        let mut config = SoftGatewayConfig::new(config);
        config.crossed.push((OUT.to_owned(), IN.to_owned()));
        config.trunks.insert(OUT.to_owned(), options);
        config.trunks.insert(IN.to_owned(), TrunkOptions { direction: TrunkDirection::Both, ..options });
        config
    })
}

/// Everything that both circuits tell within a time, in order.
fn told(bench: &mut Bench, millis: u64) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..millis / 10 {
        bench.pass_millis(10);
        while let Some(events) = bench.notified() {
            all.push(events);
        }
    }
    all
}

fn request(bench: &mut Bench, trunk: &str, events: &str, signals: &str) {
    let signals = if signals.is_empty() { String::new() } else { format!("\nS: {signals}") };
    bench.good(&format!("RQNT {trunk}"), &format!("X: 7\nQ: loop\nR: {events}{signals}"));
}

fn states(bench: &mut Bench, trunk: &str) -> String {
    let audit = bench.good(&format!("AUEP {trunk}"), "F: ES");
    audit.lines().find_map(|line| line.strip_prefix("ES: ")).unwrap_or_default().to_owned()
}

#[test]
fn a_call_on_mf_trunks_is_seized_dialled_answered_and_released_from_its_origin() {
    for start in [TrunkStart::Wink, TrunkStart::Immediate] {
        let options = TrunkOptions { start, ..TrunkOptions::default() };
        let mut bench = pair(TrunkSignalling::Ms, TrunkSignalling::Ms, options);
        assert_eq!(states(&mut bench, OUT), "MS/rlc");
        request(&mut bench, IN, "ms/inf", "");
        request(&mut bench, OUT, "ms/oc, ms/of", "ms/sup(addr(k0,5,5,5,1,2,3,4,s0))");
        let events = told(&mut bench, 4000);
        assert_eq!(events, ["MS/sup", "MS/inf(K0,5,5,5,1,2,3,4,S0)", "MS/oc(MS/sup)"], "{start:?}");
        assert_eq!(states(&mut bench, IN), "MS/sup");
        request(&mut bench, IN, "ms/inf", "ms/ans");
        assert_eq!(told(&mut bench, 1000), ["MS/ans"]);
        // The origin lets go: release at the other end, which then lets go too.
        request(&mut bench, OUT, "ms/oc", "ms/rel");
        assert_eq!(told(&mut bench, 1000), ["MS/rel(0)"]);
        request(&mut bench, IN, "ms/inf", "ms/rlc");
        assert_eq!(told(&mut bench, 1500), ["MS/rlc"]);
        assert_eq!((states(&mut bench, OUT), states(&mut bench, IN)), ("MS/rlc".into(), "MS/rlc".into()));
    }
}

#[test]
fn the_called_end_can_suspend_and_resume_a_call() {
    let mut bench = pair(TrunkSignalling::Ms, TrunkSignalling::Ms, TrunkOptions::default());
    request(&mut bench, OUT, "ms/oc", "ms/sup(addr(k0,5,s0))");
    told(&mut bench, 3000);
    for (signal, event) in [("ms/ans", "MS/ans"), ("ms/sus", "MS/sus"), ("ms/res", "MS/res")] {
        request(&mut bench, IN, "ms/inf", signal);
        assert_eq!(told(&mut bench, 1000), [event]);
    }
}

#[test]
fn dtmf_digits_are_collected_by_a_digit_map_and_speech_passes_both_ways() {
    let mut bench = pair(TrunkSignalling::Dt, TrunkSignalling::Dt, TrunkOptions::default());
    bench.good(&format!("RQNT {IN}"), "X: 7\nQ: loop\nD: 555xxxx\nR: d/[0-9*#T](D)");
    request(&mut bench, OUT, "dt/oc, dt/of", "dt/sup(addr(5,5,5,0,1,2,3))");
    let events = told(&mut bench, 4000);
    assert_eq!(events.first().map(String::as_str), Some("DT/sup"));
    assert_eq!(events.iter().find(|event| event.starts_with("D/")).unwrap(), "D/5,D/5,D/5,D/0,D/1,D/2,D/3");
    let (near, far) = (bench.connect(OUT, "sendrecv"), bench.connect(IN, "sendrecv"));
    bench.parties[near].say(700.0);
    bench.parties[far].say(1200.0);
    bench.pass_millis(800);
    assert!(bench.parties[near].hears(&[700, 1200]).iter().eq(&[1200]));
    assert!(bench.parties[far].hears(&[700, 1200]).iter().eq(&[700]));
}

#[test]
fn a_fax_on_a_circuit_is_carried_as_data_from_its_first_tone_on() {
    let mut bench =
        Bench::new(|config| SoftGatewayConfig::new(config.with_trunks("o", 1, TrunkSignalling::Ms)));
    let circuit = bench.gateway.find_endpoint(OUT).unwrap();
    let description =
        "v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 7000 RTP/AVP 0 13\n";
    bench.good(&format!("CRCX {OUT}"), &format!("C: 1\nL: a:PCMU, s:on\nM: sendrecv\n\n{description}"));
    // What the fax at the other end of the circuit sends in a second: 1100 Hz for a half of it, then nothing.
    let second = |bench: &mut Bench, hertz: f64, sounding: usize| {
        let sound = tone(hertz, Duration::from_secs(1));
        let before = bench.sent.len();
        for (place, samples) in sound.chunks_exact(80).enumerate() {
            let mut frame = CircuitFrame { off_hook: true, ..CircuitFrame::IDLE };
            if place < sounding {
                frame.samples.copy_from_slice(samples);
            }
            bench.gateway.handle_circuit(bench.now, circuit, frame);
            bench.pass_millis(10);
        }
        bench.sent[before..].iter().filter(|(_, to, octets)| to.port() == 7000 && octets.len() == 172).count()
    };
    // A tone of talk does not make a machine: its silence stays suppressed.
    second(&mut bench, 700.0, 50);
    second(&mut bench, 700.0, 0);
    assert_eq!(second(&mut bench, 700.0, 0), 0);
    second(&mut bench, 1100.0, 50);
    second(&mut bench, 1100.0, 0);
    assert_eq!(second(&mut bench, 1100.0, 0), 50, "every 20 ms a packet, though nothing is said");
}

#[test]
fn a_seizure_that_nobody_takes_up_fails_with_a_protocol_error() {
    // The other end is not there: what is sent goes nowhere.
    let mut bench =
        Bench::new(|config| SoftGatewayConfig::new(config.with_trunks("o", 1, TrunkSignalling::Ms)));
    request(&mut bench, OUT, "ms/oc, ms/of", "ms/sup(addr(k0,5,s0))");
    assert_eq!(told(&mut bench, 7000), ["MS/of(MS/sup)", "MS/rel(111)", "MS/rlc"]);
    assert!(bench.circuits.iter().any(|(_, frame)| frame.off_hook));
    assert_eq!(states(&mut bench, OUT), "MS/rlc");
}

#[test]
fn two_ends_that_seize_at_once_both_give_way() {
    let mut bench = pair(TrunkSignalling::Ms, TrunkSignalling::Ms, TrunkOptions::default());
    for trunk in [OUT, IN] {
        request(&mut bench, trunk, "ms/oc, ms/of", "ms/sup(addr(k0,5,s0))");
    }
    let events = told(&mut bench, 3000);
    assert_eq!(events.iter().filter(|event| *event == "MS/rel(44)").count(), 2, "{events:?}");
    assert_eq!(events.iter().filter(|event| *event == "MS/rlc").count(), 2, "{events:?}");
}

#[test]
fn a_one_way_circuit_is_blocked_by_the_end_that_is_called() {
    let options = TrunkOptions { direction: TrunkDirection::Outgoing, ..TrunkOptions::default() };
    let mut bench = pair(TrunkSignalling::Ms, TrunkSignalling::Ms, options);
    request(&mut bench, OUT, "ms/bl", "");
    request(&mut bench, IN, "ms/inf", "ms/bl");
    assert_eq!(told(&mut bench, 1000), ["MS/bl"]);
    assert_eq!(states(&mut bench, OUT), "MS/bl");
    bench.refused(403, &format!("RQNT {OUT}"), "X: 8\nS: ms/sup(addr(k0,5,s0))");
    request(&mut bench, IN, "ms/inf", "ms/rel");
    assert_eq!(told(&mut bench, 1000), ["MS/rlc"]);
    assert_eq!(states(&mut bench, OUT), "MS/rlc");
}

#[test]
fn feature_group_d_sends_caller_and_address_and_gets_its_winks() {
    let mut bench = pair(TrunkSignalling::Md, TrunkSignalling::Md, TrunkOptions::default());
    request(&mut bench, IN, "md/inf", "");
    let setup = "md/sup(ct(nda),id(k0,0,5,5,5,0,1,s0),addr(k0,5,5,5,0,2,s0))";
    request(&mut bench, OUT, "md/oc, md/of, md/swk(N,K)", setup);
    let events = told(&mut bench, 5000);
    let expected =
        ["MD/sup", "MD/swk", "MD/inf(K0,0,5,5,5,0,1,S0)", "MD/inf(K0,5,5,5,0,2,S0)", "MD/oc(MD/sup)"];
    assert_eq!(events, expected);
    request(&mut bench, IN, "md/inf", "md/awk");
    assert_eq!(told(&mut bench, 1000), ["MD/awk"]);
    request(&mut bench, IN, "md/inf", "md/ans");
    assert_eq!(told(&mut bench, 1000), ["MD/ans"]);
}

#[test]
fn a_basic_trunk_rings_its_pbx_which_lifts_flashes_and_hangs_up() {
    let mut bench = pair(TrunkSignalling::Bl, TrunkSignalling::Do, TrunkOptions::default());
    assert_eq!((states(&mut bench, OUT), states(&mut bench, IN)), ("BL/hu".into(), "DO/rlc".into()));
    request(&mut bench, OUT, "bl/hd", "bl/rg");
    assert_eq!(told(&mut bench, 500), ["DO/rg"]);
    assert_eq!(states(&mut bench, IN), "DO/rg");
    request(&mut bench, IN, "do/oc", "do/hd");
    assert_eq!(told(&mut bench, 500), ["BL/hd"]);
    bench.refused(401, &format!("RQNT {OUT}"), "X: 9\nS: bl/rg");
    bench.refused(401, &format!("RQNT {OUT}"), "X: 9\nR: bl/hd");
    request(&mut bench, IN, "do/oc", "do/hf");
    assert_eq!(told(&mut bench, 1500), ["BL/hf"]);
    request(&mut bench, IN, "do/oc", "do/hu");
    assert_eq!(told(&mut bench, 2000), ["BL/hu"]);
    bench.refused(402, &format!("RQNT {OUT}"), "X: 9\nS: bl/dl");
}

#[test]
fn an_fxo_trunk_calls_through_a_pbx_line_and_is_released_by_it() {
    let mut bench = pair(TrunkSignalling::Do, TrunkSignalling::Bl, TrunkOptions::default());
    bench.good(&format!("RQNT {IN}"), "X: 7\nQ: loop\nD: xxxx\nR: bl/hd, d/[0-9](D)");
    request(&mut bench, OUT, "do/oc, do/of", "do/sup(addr(2,0,0,2))");
    let events = told(&mut bench, 3000);
    assert_eq!(events, ["BL/hd", "D/2,D/0,D/0,D/2", "DO/oc(DO/sup)"]);
    request(&mut bench, IN, "bl/hu", "bl/rel");
    assert_eq!(told(&mut bench, 300), ["DO/rel"]);
    request(&mut bench, OUT, "do/oc", "do/hu");
    let mut events = told(&mut bench, 2500);
    events.sort();
    assert_eq!(events, ["BL/hu", "DO/rlc"]);
}

#[test]
fn an_operator_trunk_sends_the_caller_when_the_operator_answers() {
    // The other end is an MF trunk whose wink is the operator's, and whose answer asks for the caller.
    let mut bench = pair(TrunkSignalling::Mo, TrunkSignalling::Ms, TrunkOptions::default());
    request(&mut bench, IN, "ms/inf", "");
    request(&mut bench, OUT, "mo/oc, mo/of, mo/swk(N,K), mo/ans(N,K)", "mo/sup(id(k0,5,5,s0),addr(k0,0,s0))");
    assert_eq!(told(&mut bench, 2500), ["MS/sup", "MO/swk", "MS/inf(K0,0,S0)"]);
    request(&mut bench, IN, "ms/inf", "ms/ans");
    assert_eq!(told(&mut bench, 2500), ["MO/ans", "MO/oc(MO/sup)"]);
    // The operator has the caller rung: a short on-hook, which is no release.
    request(&mut bench, OUT, "mo/orbk", "");
    for _ in 0..2 {
        request(&mut bench, IN, "ms/inf", "ms/sus");
        assert!(told(&mut bench, 150).is_empty());
        request(&mut bench, IN, "ms/inf", "ms/res");
        assert_eq!(told(&mut bench, 500), ["MO/orbk"]);
    }
}

#[test]
fn a_circuit_reaches_from_one_gateway_to_another() {
    let gateway =
        || Bench::new(|config| SoftGatewayConfig::new(config.with_trunks("o", 1, TrunkSignalling::Ms)));
    let (mut near, mut far) = (gateway(), gateway());
    far.good(&format!("RQNT {OUT}"), "X: 7\nQ: loop\nR: ms/inf");
    near.good(&format!("RQNT {OUT}"), "X: 7\nQ: loop\nR: ms/oc\nS: ms/sup(addr(k0,2,0,0,1,s0))");
    let mut events = Vec::new();
    for _ in 0..400 {
        for (from, to) in [(0, 1), (1, 0)] {
            let [a, b] = [&mut near, &mut far];
            let (source, sink) = if from < to { (a, b) } else { (b, a) };
            source.pass_millis(10);
            let index = sink.gateway.find_endpoint(OUT).unwrap();
            for (_, frame) in source.circuits.drain(..) {
                sink.gateway.handle_circuit(sink.now, index, frame);
            }
            events.extend(source.notified());
        }
    }
    assert_eq!(events, ["MS/sup", "MS/inf(K0,2,0,0,1,S0)", "MS/oc(MS/sup)"]);
}

#[test]
fn what_a_trunk_cannot_send_is_refused() {
    let mut bench = pair(TrunkSignalling::Ms, TrunkSignalling::Do, TrunkOptions::default());
    for (code, trunk, signal) in [
        (538, OUT, "ms/sup"),
        (538, OUT, "ms/sup(addr(k0,5,x9,s0))"),
        (538, OUT, "ms/sup(id(k0,5,s0))"),
        (538, OUT, "ms/sup(addr(5),addr(6))"),
        (513, OUT, "ms/inf(k0,5,s0)"),
        (522, OUT, "ms/swk"),
        (518, OUT, "md/cwk"),
        (538, IN, "do/sup(addr(k0,5,s0))"),
        (513, IN, "do/hf"),
        (513, IN, "do/rg"),
    ] {
        bench.refused(code, &format!("RQNT {trunk}"), &format!("X: 1\nS: {signal}"));
    }
    bench.refused(512, &format!("RQNT {IN}"), "X: 1\nR: do/hd");
}

#[test]
fn events_that_a_package_makes_persistent_stay_whatever_list_of_others_comes() {
    let mut bench = pair(TrunkSignalling::Ms, TrunkSignalling::Ms, TrunkOptions::default());
    let told_of = |bench: &mut Bench, code: &str| {
        let audit = bench.good(&format!("AUEP {IN}"), &format!("F: {code}"));
        let start = format!("{code}: ");
        audit.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().to_owned()
    };
    assert_eq!(told_of(&mut bench, "B/PR"), "", "none was asked for");
    let always = told_of(&mut bench, "R");
    assert!(always.contains("MS/sup") && always.contains("MS/rel"), "{always}");
    // A list of others, and none: neither takes those of the package away.
    for list in ["B/qbo(N)", ""] {
        bench.good(&format!("RQNT {IN}"), &format!("X: 7\nQ: loop\nR: ms/inf, ms/rlc(I)\nB/PR: {list}"));
        assert_eq!(told_of(&mut bench, "B/PR"), list);
        let requested = told_of(&mut bench, "R");
        assert!(requested.starts_with("ms/inf,ms/rlc(I),"), "{requested}");
        assert!(requested.contains("MS/sup") && !requested.contains("B/qbo"), "{requested}");
        assert_eq!(requested.matches("rlc").count(), 1, "{requested}");
    }
    request(&mut bench, OUT, "ms/oc", "ms/sup(addr(k0,5,s0))");
    let events = told(&mut bench, 3000);
    assert_eq!(events.first().map(String::as_str), Some("MS/sup"));
}

#[test]
fn a_circuit_gives_the_far_end_ringing_tone() {
    let mut bench = pair(TrunkSignalling::Dt, TrunkSignalling::Dt, TrunkOptions::default());
    let far = bench.connect(OUT, "sendrecv");
    bench.good(&format!("RQNT {IN}"), "X: 7\nS: g/rt");
    bench.pass_millis(1000);
    assert!(bench.parties[far].hears(&[440, 480]).iter().eq(&[440, 480]));
    bench.good(&format!("RQNT {IN}"), "X: 8");
    bench.pass_millis(1000);
    assert!(bench.parties[far].hears(&[440, 480]).is_empty());
}

#[test]
fn a_fax_on_a_circuit_is_an_event() {
    let mut bench =
        Bench::new(|config| SoftGatewayConfig::new(config.with_trunks("o", 1, TrunkSignalling::Ms)));
    let circuit = bench.gateway.find_endpoint(OUT).unwrap();
    bench.connect(OUT, "sendrecv");
    request(&mut bench, OUT, "g/ft, g/mt", "");
    let mut heard = Vec::new();
    for (hertz, sounding) in [(1100.0, 50), (1100.0, 0), (2100.0, 100)] {
        let sound = tone(hertz, Duration::from_secs(1));
        for (place, samples) in sound.chunks_exact(80).enumerate() {
            let mut frame = CircuitFrame { off_hook: true, ..CircuitFrame::IDLE };
            if place < sounding {
                frame.samples.copy_from_slice(samples);
            }
            bench.gateway.handle_circuit(bench.now, circuit, frame);
            bench.pass_millis(10);
            heard.extend(bench.notified());
        }
    }
    let of_machines: Vec<_> = heard.iter().filter(|event| event.starts_with("G/")).collect();
    assert_eq!(of_machines, ["G/ft", "G/mt"], "{heard:?}");
}
