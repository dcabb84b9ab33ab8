//! What is refused, with which code, and where execution stops (RFC 3525 sections 7.2, 7.3 of RFC 3015, 8.2.1).

use crate::support::{RTP, World};

fn code(reply: &str) -> u16 {
    let place = reply.find("ER=").unwrap_or_else(|| panic!("no error: {reply}"));
    reply[place + 3..place + 6].parse().unwrap()
}

#[test]
fn each_fault_has_its_code() {
    let mut world = World::new();
    world.command("C=${A=aaln/4{M{O{MO=SR}}}}");
    let cases: &[(&str, u16)] = &[
        ("C=99{MF=aaln/1}", 411),
        ("C=-{MF=aaln/9}", 430),
        ("C=-{MF=ds/*}", 431),
        ("C=${A=ds/$}", 432),
        ("C=1{A=aaln/4}", 433),
        ("C=1{MF=aaln/1}", 435),
        ("C=-{MF=aaln/4}", 435),
        ("C=${A=ROOT}", 410),
        ("C=1{S=ROOT}", 410),
        ("C=-{MF=$}", 410),
        ("C=1{S=$}", 410),
        ("C=-{S=aaln/1}", 421),
        ("C=-{A=aaln/1}", 421),
        ("C=1{MV=aaln/1}", 435),
        ("C=-{MF=aaln/1{E=1{ct/cmp}}}", 440),
        ("C=-{MF=aaln/1{E=1{xyz/abc}}}", 440),
        ("C=-{MF=aaln/1{E=1{al/zz}}}", 451),
        ("C=-{MF=aaln/1{SG{al/zz}}}", 452),
        ("C=-{MF=aaln/1{SG{ct/rsp}}}", 440),
        ("C=-{MF=aaln/1{SG{cg/cr}}}", 513),
        ("C=-{MF=aaln/1{E=1{dd/std}}}", 512),
        ("C=-{MF=aaln/1{E=1{dd/ce}}}", 457),
        ("C=-{MF=aaln/1{E=1{dd/*}}}", 457),
        ("C=-{MF=aaln/1{E=1{dd/ce{DM=plan}}}}", 520),
        ("C=-{MF=aaln/1{E=1{dd/ce{DM={(1|)}}}}}", 442),
        ("C=-{MF=aaln/1{E=1{al/of{when=3}}}}", 446),
        ("C=-{MF=aaln/1{E=1{al/of{strict=maybe}}}}", 454),
        ("C=-{MF=aaln/1{SG{cg/dt,dg/d1{SY=TO}}}}", 457),
        ("C=-{MF=aaln/1{SG{SL=1{cg/dt{SY=OO},cg/rt}}}}", 442),
        ("C=-{MF=aaln/1{M{O{tdmc/zz=1}}}}", 450),
        ("C=-{MF=aaln/1{M{TS{tdmc/ec=on}}}}", 455),
        ("C=-{MF=aaln/1{M{O{rtp/jit=1}}}}", 440),
        ("C=-{MF=aaln/1{M{L{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0\n}}}}", 444),
        ("C=-{MF=aaln/1{MD=V90}}", 444),
        ("C=-{MF=ROOT{M{TS{root/maxNumberOfContexts=3}}}}", 534),
        ("C=-{MF=ROOT{M{O{MO=SR}}}}", 447),
        ("C=-{AC=aaln/1{AT{DM}}}", 447),
        ("C=-{AC=aaln/1{AT{PG}}}", 447),
        ("C=-{N=aaln/1{OE=1{al/of}}}", 443),
        ("C=-{SC=ROOT{SV{MT=RS,RE=\"901 Cold Boot\"}}}", 501),
        ("C=${A=${M{L{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 97\n}}}}", 510),
        ("C=${A=${M{L{v=0\nc=IN IP4 192.0.2.77\nm=audio 9 RTP/AVP 0\n}}}}", 510),
        ("C=${A=${M{L{hello\n}}}}", 442),
        ("C=1{TP{aaln/4,aaln/1,OW}}", 435),
    ];
    for (command, expected) in cases {
        let reply = world.command(command);
        assert_eq!(code(&reply), *expected, "{command} {reply}");
        assert_eq!(world.gateway.contexts().count(), 1, "{command} leaves nothing behind");
        assert!(world.plane.streams.is_empty(), "{command} leaves nothing open");
    }
}

#[test]
fn limits_are_told_by_their_codes() {
    let mut world = World::shaped(1, |config| {
        config.limits.contexts = 1;
        config.limits.terminations = 2;
        config.limits.ephemerals = 1;
    });
    world.command(&format!("C=${{A=aaln/1,{RTP}}}"));
    assert_eq!(code(&world.command("C=${A=aaln/2}")), 412);
    assert_eq!(code(&world.command("C=1{A=aaln/2}")), 434);
    assert_eq!(code(&world.command(&format!("C=1{{{RTP}}}"))), 432);
}

#[test]
fn the_first_failure_stops_a_transaction_unless_it_was_optional() {
    let mut world = World::new();
    let reply = world
        .command("C=-{MF=aaln/1{E=1{al/of}},MF=aaln/9,MF=aaln/2{E=1{al/of}}},C=-{MF=aaln/3{E=1{al/of}}}");
    assert_eq!(reply, "C=-{MF=aaln/1,MF=aaln/9{ER=430{\"Unknown TerminationID\"}}}");
    world.off_hook(1);
    world.off_hook(2);
    assert_eq!(world.told().len(), 1, "what stood behind the failure was not done");
    let reply = world.command("C=-{O-MF=aaln/9,MF=aaln/2{E=1{al/on}}}");
    assert_eq!(reply, "C=-{MF=aaln/9{ER=430{\"Unknown TerminationID\"}},MF=aaln/2}");
}

#[test]
fn a_command_that_fails_has_done_nothing() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    let before = world.command("C=1{AV=rtp/1{AT{M}}}");
    // The second stream asks for a format that there is none of.
    let reply = world.command(
        "C=1{MF=rtp/1{M{ST=1{O{MO=RC}},ST=2{L{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 97\n}}},SG{cg/rt}}}",
    );
    assert_eq!(code(&reply), 510);
    assert_eq!(world.command("C=1{AV=rtp/1{AT{M}}}"), before);
    assert!(world.plane.signals.is_empty());
    // The plane has no room: the new termination does not exist.
    world.plane.room = 0;
    assert_eq!(code(&world.command(&format!("C=1{{{RTP}}}"))), 510);
    assert_eq!(world.command("C=1{AV=*{AT{}}}"), "C=1{AV=C{aaln/1,rtp/1}}");
}

#[test]
fn a_wildcard_is_tried_on_each_and_one_answer_is_given_when_asked() {
    let mut world = World::new();
    let reply = world.command("C=-{MF=aaln/*{E=1{al/of}}}");
    assert_eq!(reply, "C=-{MF=aaln/1,MF=aaln/2,MF=aaln/3,MF=aaln/4}");
    assert_eq!(world.command("C=-{W-MF=aaln/*{E=1{al/of}}}"), "C=-{MF=aaln/*}");
    world.off_hook(2);
    // One of four fails; the others do not care.
    let reply = world.command("C=-{MF=aaln/*{E=2{al/of{strict=failWrong}}}}");
    assert_eq!(
        reply,
        "C=-{MF=aaln/1,MF=aaln/2{ER=540{\"Unexpected initial hook state\"}},MF=aaln/3,MF=aaln/4}"
    );
}
