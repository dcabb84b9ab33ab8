//! Stories of fax calls, RFC 5347, and of voiceband data, RFC 6498.

mod gateway_support;

use gateway_support::{Bench, Plane, Text, config};
use strowger_mgcp::gateway::{EndpointIndex, FaxHandling, MachineSign, MachineTone, MediaEvent};

const LINE: &str = "aaln/1";
const RELAY: &str = "relay/1";
/// Its place in the list of endpoints.
const AT: u32 = 2;

/// A gateway whose relays carry T.38.
fn bench() -> Bench {
    let plane = Plane { images: [EndpointIndex(2), EndpointIndex(3)].into(), ..Plane::default() };
    let mut bench = Bench::with_plane(config(), plane);
    bench.come_up();
    bench
}

/// A description of audio with some more attributes, or of T.38.
fn audio(attributes: &str) -> String {
    format!(
        "\nv=0\no=- 1 1 IN IP4 127.0.0.7\ns=-\nc=IN IP4 127.0.0.7\nt=0 0\nm=audio 7000 RTP/AVP 0\n{attributes}"
    )
}

fn image() -> String {
    "\nv=0\no=- 1 1 IN IP4 127.0.0.7\ns=-\nc=IN IP4 127.0.0.7\nt=0 0\nm=image 7000 udptl t38\n".to_owned()
}

/// The capability that the other side has T.38, in the letters of RFC 5347 section 2.1.1.
const ABLE: &str = "a=sqn: 0\na=cdsc: 1 audio RTP/AVP 0\na=cdsc: 2 image udptl t38\n";

fn create(bench: &mut Bench, endpoint: &str, options: &str, description: &str) -> (String, Text) {
    let mode = if description.is_empty() { "recvonly" } else { "sendrecv" };
    let body = format!(
        "C: 1\nL: a:PCMU{options}\nM: {mode}\nR: fxr/t38, fxr/nopfax, fxr/gwfax\nX: 1\nQ: loop\n{description}"
    );
    let answer = bench.good("CRCX", endpoint, &body);
    (answer.get("I").expect("a connection identifier"), answer)
}

fn modify(bench: &mut Bench, id: &str, rest: &str) -> Text {
    bench.good("MDCX", RELAY, &format!("C: 1\nI: {id}\n{rest}"))
}

fn hears(bench: &mut Bench, index: u32, tone: MachineTone) {
    bench.media(index, MediaEvent::Machine(MachineSign::Heard(tone)));
}

/// The next notification's events, which is answered.
fn told(bench: &mut Bench) -> String {
    let notify = bench.notified();
    bench.answer(200, &notify);
    notify.get("O").expect("observed events")
}

fn fax_of(bench: &Bench, index: u32) -> (FaxHandling, bool) {
    let handle = bench.view(index).connections[0].handle;
    let spec = &bench.plane.open[&handle].1;
    (spec.fax, spec.muted)
}

#[test]
fn strict_t38_needs_a_remote_side_that_has_it_and_loose_does_not() {
    let mut bench = bench();
    let mut refuse = |endpoint: &str, options: &str, description: &str| {
        let body = format!("C: 1\nL: a:PCMU{options}\nM: recvonly\n{description}");
        bench.refused(532, "CRCX", endpoint, &body);
    };
    refuse(RELAY, ", fxr/fx:t38", &audio(""));
    refuse(RELAY, ", fxr/fx:mypar", &audio(ABLE));
    refuse(RELAY, ", fxr/fx:", "");
    // A line has no T.38 at all.
    refuse(LINE, ", fxr/fx:t38;t38-loose", &audio(ABLE));
    for (options, description, handling) in [
        (", fxr/fx:t38", "", FaxHandling::T38),
        (", FXR/FX:T38", &*audio(ABLE), FaxHandling::T38),
        (", fxr/fx:t38", &*audio(&ABLE.replace("image udptl t38", "IMAGE UDPTL T38")), FaxHandling::T38),
        (", fxr/fx:t38-loose", &*audio(""), FaxHandling::T38),
        (", fxr/fx:t38;gw", &*audio(""), FaxHandling::None),
        (", fxr/fx:gw;t38", &*audio(ABLE), FaxHandling::T38),
        (", fxr/fx:off;t38", &*audio(ABLE), FaxHandling::None),
        ("", &*audio(ABLE), FaxHandling::None),
    ] {
        let (id, answer) = create(&mut bench, RELAY, options, description);
        assert_eq!(fax_of(&bench, AT).0, handling, "{options} {description}");
        let declared =
            answer.0.contains("a=sqn: 0\r\na=cdsc: 1 audio RTP/AVP 0\r\na=cdsc: 2 image udptl t38\r\n");
        assert_eq!(declared, handling == FaxHandling::T38, "{}", answer.0);
        bench.good("DLCX", RELAY, &format!("C: 1\nI: {id}"));
    }
}

#[test]
fn what_a_modification_does_not_say_of_faxes_stays_as_far_as_it_can() {
    let mut bench = bench();
    let (id, _) = create(&mut bench, RELAY, ", fxr/fx:t38", "");
    modify(&mut bench, &id, "M: inactive");
    assert_eq!(fax_of(&bench, AT).0, FaxHandling::T38, "nothing was said of it");
    // A remote side without T.38 ends the procedure, but only the one that is asked for again makes the command fail.
    modify(&mut bench, &id, &audio(""));
    assert_eq!(fax_of(&bench, AT).0, FaxHandling::None);
    bench.refused(532, "MDCX", RELAY, &format!("C: 1\nI: {id}\nL: fxr/fx:t38\n{}", audio("")));
    // What was said remotely before does not count (section 2.1.4, rule 5).
    let answer = modify(&mut bench, &id, "L: fxr/fx:t38");
    assert_eq!(fax_of(&bench, AT).0, FaxHandling::T38);
    assert!(answer.0.contains("a=cdsc: 2 image udptl t38"), "{}", answer.0);
    let audit = bench.good("AUCX", RELAY, &format!("I: {id}\nF: L"));
    assert_eq!(audit.get("L").unwrap(), "a:PCMU, FXR/fx:t38");
}

#[test]
fn a_fax_under_control_of_the_call_agent_is_told_muted_changed_and_ended() {
    let mut bench = bench();
    let (id, _) = create(&mut bench, RELAY, ", fxr/fx:t38-loose", &audio(""));
    // A calling tone alone changes nothing.
    hears(&mut bench, AT, MachineTone::Calling);
    bench.silent();
    hears(&mut bench, AT, MachineTone::Preamble);
    assert_eq!(told(&mut bench), "FXR/t38(start)");
    assert_eq!(fax_of(&bench, AT), (FaxHandling::T38, true));
    // Once a fax call, also when it is asked for again.
    bench.good("RQNT", RELAY, "X: 2\nR: fxr/t38\nQ: loop");
    hears(&mut bench, AT, MachineTone::Preamble);
    bench.silent();
    let answer = modify(&mut bench, &id, "L: a:image/t38");
    assert!(answer.0.contains("m=image") && answer.0.contains("a=cdsc: 2 image udptl t38"), "{}", answer.0);
    assert_eq!(fax_of(&bench, AT), (FaxHandling::T38, false));
    modify(&mut bench, &id, &image());
    bench.pass_secs(60);
    bench.silent();
    bench.media(AT, MediaEvent::Machine(MachineSign::Ended));
    assert_eq!(told(&mut bench), "FXR/t38(stop)");
    // The next fax of the call is another one.
    hears(&mut bench, AT, MachineTone::Image);
    assert_eq!(told(&mut bench), "FXR/t38(start)");
    modify(&mut bench, &id, &format!("L: a:PCMU\n{}", audio("")));
    assert_eq!(told(&mut bench), "FXR/t38(stop)");
}

#[test]
fn a_fax_whose_media_nobody_changes_fails_and_sound_passes_again() {
    let mut bench = bench();
    let (id, _) = create(&mut bench, RELAY, ", fxr/fx:t38-loose", &audio(""));
    hears(&mut bench, AT, MachineTone::Preamble);
    assert_eq!(told(&mut bench), "FXR/t38(start)");
    // It has changed, but nobody has said where the other side takes T.38.
    modify(&mut bench, &id, "L: a:image/t38");
    bench.pass_secs(34);
    bench.silent();
    bench.pass_secs(2);
    assert_eq!(told(&mut bench), "FXR/t38(failure)");
    modify(&mut bench, &id, &format!("L: a:PCMU\n{}", audio("")));
    bench.silent();
    hears(&mut bench, AT, MachineTone::Preamble);
    assert_eq!(told(&mut bench), "FXR/t38(start)");
    assert_eq!(fax_of(&bench, AT), (FaxHandling::T38, true));
    bench.pass_secs(36);
    assert_eq!(told(&mut bench), "FXR/t38(failure)");
    assert_eq!(fax_of(&bench, AT), (FaxHandling::T38, false));
}

#[test]
fn the_call_agent_can_abort_a_fax_and_fall_back_to_sound() {
    let mut bench = bench();
    let (id, _) = create(&mut bench, RELAY, ", fxr/fx:t38-loose", &audio(""));
    hears(&mut bench, AT, MachineTone::Preamble);
    assert_eq!(told(&mut bench), "FXR/t38(start)");
    let before = bench.plane.open.values().next().unwrap().1.codecs.clone();
    modify(&mut bench, &id, "L: fxr/fx:off");
    assert_eq!(told(&mut bench), "FXR/t38(stop)");
    assert_eq!(fax_of(&bench, AT), (FaxHandling::None, false));
    assert_eq!(bench.plane.open.values().next().unwrap().1.codecs, before);
    hears(&mut bench, AT, MachineTone::Preamble);
    assert_eq!(told(&mut bench), "FXR/nopfax(start)");
    bench.pass_secs(60);
    bench.silent();
}

#[test]
fn a_fax_without_a_procedure_is_told_once_and_its_end_is_not() {
    let mut bench = bench();
    for options in ["", ", fxr/fx:off", ", fxr/fx:gw", ", fxr/fx:t38;gw"] {
        let (id, _) = create(&mut bench, LINE, options, &audio(""));
        hears(&mut bench, 0, MachineTone::Answer);
        bench.silent();
        hears(&mut bench, 0, MachineTone::Calling);
        assert_eq!(told(&mut bench), "FXR/nopfax(start)");
        hears(&mut bench, 0, MachineTone::Preamble);
        bench.media(0, MediaEvent::Machine(MachineSign::Ended));
        bench.silent();
        hears(&mut bench, 0, MachineTone::Preamble);
        assert_eq!(told(&mut bench), "FXR/nopfax(start)");
        bench.good("DLCX", LINE, &format!("C: 1\nI: {id}"));
        bench.silent();
    }
}

#[test]
fn a_fax_ends_with_its_connection() {
    let mut bench = bench();
    let (id, _) = create(&mut bench, RELAY, ", fxr/fx:t38-loose", &audio(""));
    hears(&mut bench, AT, MachineTone::Preamble);
    assert_eq!(told(&mut bench), "FXR/t38(start)");
    bench.good("DLCX", RELAY, &format!("C: 1\nI: {id}"));
    assert_eq!(told(&mut bench), "FXR/t38(stop)");
    // Without a connection there is no fax call.
    hears(&mut bench, AT, MachineTone::Preamble);
    bench.silent();
    bench.pass_secs(60);
    bench.silent();
}

#[test]
fn voiceband_data_are_told_with_their_reasons_from_their_first_tone_to_their_end() {
    let mut bench = bench();
    let body = format!("C: 1\nM: sendrecv\nR: vbd/nopvbd, vbd/gwvbd\nX: 1\nQ: loop\n{}", audio(""));
    let id = bench.good("CRCX", LINE, &body).get("I").unwrap();
    for (tone, event) in [
        (MachineTone::Calling, "VBD/nopvbd(start,rc=CNG)"),
        (MachineTone::Answer, "VBD/nopvbd(update,rc=ANS)"),
        (MachineTone::AnswerReversed, "VBD/nopvbd(update,rc=/ANS)"),
        (MachineTone::Preamble, "VBD/nopvbd(update,rc=V21flag)"),
    ] {
        hears(&mut bench, 0, tone);
        assert_eq!(told(&mut bench), event);
    }
    bench.media(0, MediaEvent::Machine(MachineSign::Ended));
    assert_eq!(told(&mut bench), "VBD/nopvbd(stop)");
    bench.media(0, MediaEvent::Machine(MachineSign::Ended));
    bench.silent();
    hears(&mut bench, 0, MachineTone::Answer);
    assert_eq!(told(&mut bench), "VBD/nopvbd(start,rc=ANS)");
    bench.good("DLCX", LINE, &format!("C: 1\nI: {id}"));
    assert_eq!(told(&mut bench), "VBD/nopvbd(stop)");
    hears(&mut bench, 0, MachineTone::Answer);
    bench.silent();
    // What takes no parameters when it is asked for, and what is no signal.
    bench.refused(538, "RQNT", LINE, "X: 2\nR: vbd/nopvbd(N)(start)");
    bench.refused(513, "RQNT", LINE, "X: 2\nS: vbd/gwvbd");
    bench.refused(518, "RQNT", RELAY, "X: 2\nR: vbd/nopvbd");
}

#[test]
fn a_media_descriptor_gives_its_codec_to_data_or_takes_it_away_unless_it_is_optional() {
    let mut bench = bench();
    let mut refuse = |code, options: &str| {
        bench.refused(code, "CRCX", LINE, &format!("C: 1\nL: {options}\nM: recvonly"));
    };
    refuse(534, "a:PCMU, gpmd/gpmd:\"PCMU vbd=yes\"");
    refuse(534, "a:PCMU;PCMA, gpmd/gpmd:\"PCMU vbd=yes\";\"PCMA vbd=yes\"");
    refuse(524, "a:PCMU, gpmd/gpmd:\"PCMA vbd=yes\"");
    refuse(524, "a:PCMU, gpmd/gpmd:\"PCMU:2 vbd=yes\"");
    refuse(524, "a:PCMU, gpmd/gpmd:\"PCMU:0 vbd=yes\"");
    refuse(524, "gpmd/o-gpmd:\"PCMU vbd=yes\"");
    refuse(532, "a:PCMU, gpmd/gpmd:\"PCMU\"");
    refuse(532, "a:PCMU, gpmd/gpmd:\"PCMU:x vbd=yes\"");
    refuse(541, "a:PCMU, gpmd/vbd:\"PCMU vbd=yes\"");
    for (options, format) in [
        ("a:PCMU;PCMA, gpmd/gpmd:\"PCMU vbd=yes\"", "RTP/AVP 96 8\r\n"),
        ("a:PCMA;PCMU;PCMU, gpmd/gpmd:\"pcmu:2 vbd=yes\"", "RTP/AVP 8 0 96\r\n"),
        ("a:PCMU;PCMA, gpmd/gpmd:\"PCMU other=yes\"", "RTP/AVP 8\r\n"),
        ("a:PCMU, gpmd/o-gpmd:\"PCMU other=yes\"", "RTP/AVP 0\r\n"),
        ("a:PCMU, gpmd/gpmd:\"PCMU vbd=no\"", "RTP/AVP 0\r\n"),
    ] {
        let answer = bench.good("CRCX", LINE, &format!("C: 1\nL: {options}\nM: recvonly"));
        assert!(answer.0.contains(format), "{options}: {}", answer.0);
        let id = answer.get("I").unwrap();
        let audit = bench.good("AUCX", LINE, &format!("I: {id}\nF: L"));
        assert_eq!(audit.get("L").unwrap(), options);
        bench.good("DLCX", LINE, &format!("C: 1\nI: {id}"));
    }
}
