//! Streams: modes, choices, alternatives and reservations (RFC 3525 sections 7.1.6 to 7.1.8).

use strowger_megaco::gateway::{Flow, LineIndex, Port, StreamHandle};
use strowger_sansio::Duration;

use crate::support::{RTP, World};

const LINE: Port = Port::Line(LineIndex(0));
const STREAM: Port = Port::Stream(StreamHandle(1));

#[test]
fn a_mode_says_which_way_media_flow() {
    let into = Flow { from: STREAM, to: LINE };
    let out = Flow { from: LINE, to: STREAM };
    let around = Flow { from: STREAM, to: STREAM };
    for (mode, flows, ways) in [
        ("SR", vec![out, into], (true, true)),
        ("SO", vec![out], (true, false)),
        ("RC", vec![into], (false, true)),
        ("IN", vec![], (false, false)),
        ("LB", vec![around], (false, false)),
    ] {
        let mut world = World::new();
        world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
        assert_eq!(world.command(&format!("C=1{{MF=rtp/1{{M{{O{{MO={mode}}}}}}}}}")), "C=1{MF=rtp/1}");
        assert_eq!(world.plane.flows[&1], flows, "{mode}");
        let spec = &world.plane.streams[&StreamHandle(1)];
        assert_eq!((spec.sends, spec.receives), ways, "{mode}");
    }
}

#[test]
fn a_local_control_replaces_the_one_before_as_a_whole() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR,tdmc/ec=on,tdmc/gain=2}}}}}},{RTP}}}"));
    let before = "C=1{AV=aaln/1{M{TS{SI=IV,BF=OFF},ST=1{O{MO=SR,tdmc/ec=on,tdmc/gain=2}}}}}";
    assert_eq!(world.command("C=1{AV=aaln/1{AT{M}}}"), before);
    world.command("C=1{MF=aaln/1{M{O{tdmc/gain=3}}}}");
    let after = "C=1{AV=aaln/1{M{TS{SI=IV,BF=OFF},ST=1{O{MO=IN,tdmc/gain=3}}}}}";
    assert_eq!(world.command("C=1{AV=aaln/1{AT{M}}}"), after);
    world.command("C=1{MF=rtp/1{M{O{MO=SR,nt/jit=40}}}}");
    let jitter = world.plane.streams[&StreamHandle(1)].jitter;
    assert_eq!(jitter, Some(Duration::from_millis(40)));
}

/// The Local that is chosen for one that was asked for, with what the local control says beside.
fn chosen(control: &str, local: &str) -> String {
    let mut world = World::new();
    let reply = world.command(&format!("C=${{A=${{M{{O{{MO=IN{control}}},L{{{local}}}}}}}}}"));
    let place = reply.find("L{").unwrap_or_else(|| panic!("{reply}"));
    let text = reply[place + 2..].split('}').next().unwrap();
    text.trim().replace("\r\n", "\n")
}

#[test]
fn of_several_formats_one_is_chosen_unless_values_are_reserved() {
    let asked = "v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 97 8 0\na=rtpmap:97 iLBC/8000\na=ptime:20\n";
    let one = "v=0\nc=IN IP4 192.0.2.9\nm=audio 4002 RTP/AVP 8\na=ptime:20";
    assert_eq!(chosen("", asked), one);
    let both = one.replace("AVP 8", "AVP 8 0");
    assert_eq!(chosen(",RV=ON", asked), both);
    // Keys travel beside speech, whatever is chosen for that.
    let asked = "v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n";
    assert!(chosen("", asked).contains("AVP 0 101\na=rtpmap:101"));
}

#[test]
fn what_is_left_to_the_gateway_is_filled_in() {
    let asked = "v=0\no=- $ $ IN IP4 $\ns=-\nc=IN IP4 $\nt=0 0\nm=audio $ RTP/AVP $\n";
    let filled = "v=0\no=- 0 0 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 4002 RTP/AVP 0";
    assert_eq!(chosen("", asked), filled);
    assert_eq!(chosen("", "m=audio $ RTP/AVP 8\n"), "v=0\nc=IN IP4 192.0.2.9\nm=audio 4002 RTP/AVP 8");
}

#[test]
fn of_several_descriptions_one_is_chosen_unless_groups_are_reserved() {
    let group = |formats: &str| format!("v=0\nc=IN IP4 $\nm=audio $ RTP/AVP {formats}\n");
    let asked = format!("{}{}{}", group("97"), group("8"), group("0"));
    let one = |format: &str| format!("v=0\nc=IN IP4 192.0.2.9\nm=audio 4002 RTP/AVP {format}");
    assert_eq!(chosen("", &asked), one("8"));
    assert_eq!(chosen(",RG=ON", &asked), format!("{}\n{}", one("8"), one("0")));
    // Nothing of it can be done: that is no error where all was to be reserved.
    assert_eq!(chosen(",RG=ON", &group("97")), "");
}

#[test]
fn the_first_local_alternative_that_goes_with_a_remote_one_is_chosen() {
    let mut world = World::new();
    let local = "L{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0\nv=0\nc=IN IP4 $\nm=audio $ RTP/AVP 8\n}";
    let remote = "R{v=0\nc=IN IP4 198.51.100.2\nm=audio 5000 RTP/AVP 97 8\na=rtpmap:97 iLBC/8000\n}";
    let reply = world.command(&format!("C=${{A=${{M{{O{{MO=SR}},{local},{remote}}}}}}}"));
    assert!(reply.contains("audio 4002 RTP/AVP 8\r") && reply.contains("audio 5000 RTP/AVP 8\r"), "{reply}");
    assert!(!reply.contains("iLBC"), "{reply}");
    let spec = &world.plane.streams[&StreamHandle(1)];
    assert_eq!(spec.send.as_ref().map(|entry| entry.payload_type), Some(8));
    // More is reserved first; then one is chosen of it, and the rest released.
    let reply = world.command(&format!("C=1{{MF=rtp/1{{M{{O{{MO=SR,RG=ON}},{local}}}}}}}"));
    assert_eq!(reply.matches("m=audio").count(), 2, "{reply}");
    assert_eq!(world.plane.streams[&StreamHandle(1)].receive.len(), 2);
    world.command(&format!("C=1{{MF=rtp/1{{M{{O{{MO=SR}},{local}}}}}}}"));
    assert_eq!(world.plane.streams[&StreamHandle(1)].receive.len(), 1);
}

#[test]
fn an_empty_description_releases_and_both_end_the_stream() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    world.command("C=1{MF=rtp/1{M{R{v=0\nc=IN IP4 198.51.100.2\nm=audio 5000 RTP/AVP 0\n}}}}");
    world.command("C=1{MF=rtp/1{M{R{}}}}");
    assert_eq!(world.plane.streams[&StreamHandle(1)].remote, None);
    world.command("C=1{MF=rtp/1{M{L{},R{}}}}");
    assert!(world.plane.streams.is_empty());
    assert_eq!(world.plane.flows[&1], []);
    // What was carried is told at the end.
    assert!(world.command("C=1{S=rtp/1}").contains("rtp/ps=50"));
}
