//! Stories of voiceband data that both sides have a format for: ITU-T V.152 by RFC 6498, and as the fax procedure of the gateway (RFC 5347).

mod gateway_support;

use gateway_support::Bench;
use strowger_mgcp::gateway::{MachineSign, MachineTone, MediaEvent};

const LINE: &str = "aaln/1";
const DESCRIPTION: &str = "v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 7000 RTP/AVP 8 96\n\
     a=rtpmap:96 PCMU/8000\na=gpmd:96 vbd=yes\n";
const SPEECH: &str =
    "v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 7000 RTP/AVP 8 0\n";

const WANTED: &str = "R: vbd/gwvbd, vbd/nopvbd, fxr/gwfax, fxr/nopfax, fxr/t38";

fn talking(options: &str, description: &str) -> (Bench, String) {
    let mut bench = Bench::new();
    bench.off_hook(0);
    let body = format!("C: 1\nL: {options}\nM: sendrecv\nX: 1\nQ: loop\n{WANTED}\n\n{description}");
    let answer = bench.good("CRCX", LINE, &body);
    (bench, answer.0)
}

fn heard(bench: &mut Bench, sign: MachineSign) -> Vec<String> {
    bench.media(0, MediaEvent::Machine(sign));
    let mut told = Vec::new();
    loop {
        let all = bench.take("NTFY");
        if all.is_empty() {
            return told;
        }
        for text in all {
            told.push(text.get("O").expect("events"));
            bench.answer(200, &text);
        }
    }
}

#[test]
fn a_codec_for_data_has_a_payload_type_of_its_own_and_is_described() {
    let mut bench = Bench::new();
    let body = "C: 1\nM: recvonly\nL: a:PCMU;PCMU, gpmd/gpmd:\"PCMU:2 vbd=yes\"";
    let answer = bench.good("CRCX", LINE, body).0;
    assert!(answer.contains("m=audio 16384 RTP/AVP 0 96\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:96 PCMU/8000\r\na=gpmd:96 vbd=yes\r\n"), "{answer}");
    assert!(!answer.contains("gpmd:0"), "{answer}");
    // Nobody can speak in it.
    bench.refused(534, "CRCX", LINE, "C: 1\nM: recvonly\nL: a:PCMU, gpmd/gpmd:\"PCMU vbd=yes\"");
    // What is no such descriptor takes its codec away.
    for bad in ["PCMU vbd=maybe", "PCMU foo=1", "PCMU vbd=yes;foo=1", "PCMU vbd"] {
        bench.refused(534, "CRCX", LINE, &format!("C: 1\nM: recvonly\nL: a:PCMU, gpmd/gpmd:\"{bad}\""));
        bench.good("CRCX", LINE, &format!("C: 1\nM: recvonly\nL: a:PCMU, gpmd/o-gpmd:\"{bad}\""));
        bench.good("DLCX", LINE, "C: 1");
    }
    let audit = bench.good("AUEP", LINE, "F: A");
    let sets = audit.all("A");
    assert_eq!(sets.len(), 2, "{sets:?}");
    assert!(
        sets[1].contains("GPMD/gpmd:\"PCMU vbd=yes\";\"PCMA vbd=yes\"") && sets[1].contains("s:off"),
        "{sets:?}"
    );
}

#[test]
fn data_are_sent_as_the_far_end_wants_them_and_come_in_as_was_announced() {
    let options = "a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\"";
    let mut bench = Bench::new();
    bench.good("CRCX", LINE, &format!("C: 1\nL: {options}\nM: recvonly"));
    let (_, spec) = bench.plane.open.values().next().expect("a connection").clone();
    assert!(spec.data.is_none(), "the far end is not known yet");
    let number =
        spec.codecs.iter().find(|entry| entry.is_for_data()).expect("a format for data").payload_type;
    let theirs = DESCRIPTION.replace("96", "110");
    let id = bench.good("AUEP", LINE, "F: I").get("I").expect("a connection");
    let answer = bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: sendrecv\n\n{theirs}")).0;
    assert!(!answer.contains("gpmd:110"), "a number that was announced stays: {answer}");
    let (_, spec) = bench.plane.open.values().next().expect("a connection").clone();
    assert_eq!(spec.data.expect("agreed").payload_type, 110);
    assert_eq!(spec.codecs.iter().find(|entry| entry.is_for_data()).expect("still").payload_type, number);
    assert_eq!(spec.send.payload_type, 8);
    // A far end that has no format for data any more ends the agreement.
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\n\n{SPEECH}"));
    let (_, spec) = bench.plane.open.values().next().expect("a connection").clone();
    assert!(spec.data.is_none() && !spec.codecs.iter().any(strowger_sdp::CodecEntry::is_for_data));
}

#[test]
fn agreed_data_are_gateway_controlled_and_so_is_the_fax() {
    for options in [
        "a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\"",
        "a:PCMA;PCMU, gpmd/o-gpmd:\"PCMU vbd=yes\", fxr/fx:gw",
        "a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\", fxr/fx:gw[audio/PCMU]",
        // Nothing is said against it.
        "p:20",
    ] {
        let (mut bench, answer) = talking(options, DESCRIPTION);
        assert!(answer.contains("a=gpmd:96 vbd=yes"), "{options}: {answer}");
        let told = heard(&mut bench, MachineSign::Heard(MachineTone::Answer));
        let start = "VBD/gwvbd(start,rc=ANS,codec=audio/PCMU,coord=v152ptsw)";
        assert_eq!(told, ["FXR/gwfax(start)", start], "{options}");
        let told = heard(&mut bench, MachineSign::Heard(MachineTone::Preamble));
        assert_eq!(told, ["VBD/gwvbd(update,rc=V21flag)"]);
        assert_eq!(heard(&mut bench, MachineSign::Ended), ["FXR/gwfax(stop)", "VBD/gwvbd(stop)"]);
        assert!(heard(&mut bench, MachineSign::Ended).is_empty(), "one stop for each start");
    }
}

#[test]
fn the_far_end_can_switch_to_data_and_back() {
    let (mut bench, _) = talking("a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\"", DESCRIPTION);
    let start = "VBD/gwvbd(start,rc=PTSW,codec=audio/PCMU,coord=v152ptsw,dir=IpToGstn)";
    assert_eq!(heard(&mut bench, MachineSign::Switched), ["FXR/gwfax(start)", start]);
    assert_eq!(heard(&mut bench, MachineSign::SwitchedBack), ["FXR/gwfax(stop)", "VBD/gwvbd(stop,rc=PTSW)"]);
}

#[test]
fn without_an_agreement_nothing_is_negotiated() {
    for (options, description) in [
        ("a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\"", SPEECH),
        ("a:PCMA;PCMU", DESCRIPTION),
        ("a:PCMA;PCMU, fxr/fx:gw", DESCRIPTION),
    ] {
        let (mut bench, answer) = talking(options, description);
        assert!(!answer.contains("gpmd"), "{answer}");
        let told = heard(&mut bench, MachineSign::Heard(MachineTone::Calling));
        assert_eq!(told, ["FXR/nopfax(start)", "VBD/nopvbd(start,rc=CNG)"], "{options}");
    }
    // The call agent forbids the procedure, or names a means that there is not.
    for fx in ["off", "gw[image/t38];off"] {
        let options = format!("a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\", fxr/fx:{fx}");
        let (mut bench, _) = talking(&options, DESCRIPTION);
        let told = heard(&mut bench, MachineSign::Heard(MachineTone::Calling));
        let start = "VBD/gwvbd(start,rc=CNG,codec=audio/PCMU,coord=v152ptsw)";
        assert_eq!(told, ["FXR/nopfax(start)", start], "{fx}");
    }
    let mut bench = Bench::new();
    let options = "a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\", fxr/fx:gw[image/t38]";
    bench.refused(532, "CRCX", LINE, &format!("C: 1\nL: {options}\nM: recvonly\n\n{DESCRIPTION}"));
}

#[test]
fn another_description_ends_the_procedure_under_way() {
    let (mut bench, _) = talking("a:PCMA;PCMU, gpmd/gpmd:\"PCMU vbd=yes\"", DESCRIPTION);
    heard(&mut bench, MachineSign::Heard(MachineTone::Answer));
    let id = bench.good("AUEP", LINE, "F: I").get("I").expect("a connection");
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\n\n{SPEECH}"));
    let told: Vec<_> = bench.take("NTFY").iter().map(|text| text.get("O").expect("events")).collect();
    assert_eq!(told, ["VBD/gwvbd(stop,rc=MC)"]);
}
