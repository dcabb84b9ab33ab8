//! The life of a call as RFC 3525 Appendix I tells it, and what is executed of a transaction.

use strowger_megaco::gateway::{Flow, LineIndex, Port, StreamHandle};
use strowger_sansio::Duration;

use crate::support::{RTP, World};

#[test]
fn a_line_and_a_stream_make_a_context_and_leave_none() {
    let mut world = World::new();
    let reply = world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    let local = "L{\nv=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 4002 RTP/AVP 0\r\n}";
    assert_eq!(reply, format!("C=1{{A=aaln/1,A=rtp/1{{M{{ST=1{{{local}}}}}}}}}"));
    // Nothing is sent before the other end is known, but who would be heard is settled.
    let stream = Port::Stream(StreamHandle(1));
    let line = Port::Line(LineIndex(0));
    let both = [Flow { from: line, to: stream }, Flow { from: stream, to: line }];
    assert_eq!(world.plane.flows[&1], both);
    assert_eq!(world.plane.streams[&StreamHandle(1)].remote, None);

    let remote = "R{v=0\nc=IN IP4 198.51.100.2\nm=audio 5000 RTP/AVP 0\na=ptime:30\n}";
    let reply = world.command(&format!("C=1{{MF=rtp/1{{M{{{remote}}}}}}}"));
    let chosen = "R{\nv=0\r\nc=IN IP4 198.51.100.2\r\nm=audio 5000 RTP/AVP 0\r\na=ptime:30\r\n}";
    assert_eq!(reply, format!("C=1{{MF=rtp/1{{M{{ST=1{{{chosen}}}}}}}}}"));
    let spec = &world.plane.streams[&StreamHandle(1)];
    assert_eq!(spec.remote, Some("198.51.100.2:5000".parse().unwrap()));
    assert_eq!(spec.packetization, Duration::from_millis(30));
    assert!(spec.sends && spec.receives, "the mode stays when nothing is said of it");

    world.run(Duration::from_secs(2));
    let reply = world.command("C=1{S=*}");
    let line = "S=aaln/1{SA{tdmc/dur=2000,tdmc/os=16000,tdmc/or=16000}}";
    let stream =
        "S=rtp/1{SA{nt/dur=2000,nt/os=8000,nt/or=7200,rtp/ps=50,rtp/pr=45,rtp/pl=10,rtp/jit=3,rtp/delay=12}}";
    assert_eq!(reply, format!("C=1{{{line},{stream}}}"));
    assert!(world.plane.flows.is_empty() && world.plane.streams.is_empty());
    assert_eq!(world.gateway.contexts().count(), 0);
    assert_eq!(world.command("C=-{AV=*{AT{}}}"), "C=-{AV=C{aaln/1,aaln/2,aaln/3,aaln/4}}");
}
