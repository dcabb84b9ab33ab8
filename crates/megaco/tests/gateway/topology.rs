//! Who hears whom in a context of three (RFC 3525 section 7.1.18), and terminations that move.

use strowger_megaco::gateway::{Flow, LineIndex, Port};

use crate::support::World;

fn three(version: u8) -> World {
    let mut world = World::of_version(version);
    world.command("C=${A=aaln/1{M{O{MO=SR}}},A=aaln/2{M{O{MO=SR}}},A=aaln/3{M{O{MO=SR}}}}");
    world
}

/// Who is heard by whom in context 1, as `12` for the second hearing the first.
fn heard(world: &World) -> String {
    let name = |port| match port {
        Port::Line(LineIndex(line)) => (line + 1).to_string(),
        Port::Stream(_) => "?".to_owned(),
    };
    let flow = |flow: &Flow| format!("{}{}", name(flow.from), name(flow.to));
    world.plane.flows[&1].iter().map(flow).collect::<Vec<_>>().join(" ")
}

#[test]
fn everybody_hears_everybody_until_it_is_said_otherwise() {
    let mut world = three(1);
    assert_eq!(heard(&world), "12 13 21 23 31 32");
    world.command("C=1{TP{aaln/1,aaln/2,IS}}");
    assert_eq!(heard(&world), "13 23 31 32");
    world.command("C=1{TP{aaln/1,aaln/2,OW}}");
    assert_eq!(heard(&world), "12 13 23 31 32");
    world.command("C=1{TP{aaln/3,*,IS}}");
    assert_eq!(heard(&world), "12");
    assert_eq!(world.command("C=1{CA{TP}}"), "C=1{TP{aaln/1,aaln/3,IS,aaln/1,aaln/2,OW,aaln/2,aaln/3,IS}}");
    world.command("C=1{TP{*,*,BW}}");
    assert_eq!(heard(&world), "12 13 21 23 31 32");
}

#[test]
fn a_topology_can_name_what_its_own_action_chooses() {
    let mut world = three(1);
    let rtp = "A=${M{O{MO=SR},L{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0\n}}}";
    world.command(&format!("C=1{{TP{{$,aaln/*,OW}},{rtp}}}"));
    // What it brings in all hear; it hears nobody.
    assert_eq!(heard(&world), "12 13 21 23 31 32 ?1 ?2 ?3");
}

#[test]
fn a_termination_moves_with_what_it_has() {
    let mut world = three(1);
    world.command("C=1{MF=aaln/3{E=5{al/on}}}");
    let reply = world.command("C=${MV=aaln/3{AT{SA}}}");
    assert!(reply.starts_with("C=2{MV=aaln/3{SA{tdmc/dur="), "{reply}");
    assert_eq!(heard(&world), "12 21");
    world.off_hook(3);
    world.on_hook(3);
    assert_eq!(world.told(), ["C=2{N=aaln/3{OE=5{al/on{init=off}}}}"]);
    // The last one leaves nothing behind.
    world.command("C=1{MV=aaln/3}");
    assert_eq!(world.gateway.contexts().map(|context| context.id).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_topology_is_for_one_stream_from_version_2_on() {
    let mut world = World::of_version(2);
    let two = "M{ST=1{O{MO=SR}},ST=2{O{MO=SR}}}";
    world.command(&format!("C=${{A=aaln/1{{{two}}},A=aaln/2{{{two}}}}}"));
    world.command("C=1{TP{aaln/1,aaln/2,IS,ST=2}}");
    assert_eq!(heard(&world), "12 21", "the other stream joins them still");
    world.command("C=1{TP{aaln/1,aaln/2,IS,ST=1}}");
    assert_eq!(heard(&world), "");
}

#[test]
fn attributes_of_a_context_are_kept_and_told() {
    let mut world = World::new();
    world.command("C=${PR=7,EG,A=aaln/1}");
    assert_eq!(world.command("C=1{CA{EG,PR}}"), "C=1{PR=7,EG}");
    let context = world.gateway.contexts().next().unwrap();
    assert_eq!((context.priority, context.is_emergency), (7, true));
    // What is audited is how it is after what is set, and what is set alone is told as it is then.
    assert_eq!(world.command("C=1{PR=3,CA{EG,PR}}"), "C=1{PR=3,EG}");
    assert_eq!(world.command("C=1{PR=9}"), "C=1{PR=9}");
    world.command("C=1{A=aaln/2}");
    assert_eq!(world.command("C=1{TP{aaln/1,aaln/2,IS}}"), "C=1{TP{aaln/1,aaln/2,IS}}");
    assert_eq!(world.command("C=1{TP{aaln/1,aaln/2,BW},MF=aaln/1}"), "C=1{MF=aaln/1}");
}

#[test]
fn what_leaves_at_a_termination_can_be_heard_by_another_one_alone_or_with_what_enters() {
    let mut world = three(3);
    // The third hears what the second says to the first, and is heard by nobody.
    world.command("C=1{TP{aaln/1,aaln/3,OWE,aaln/2,aaln/3,IS}}");
    assert_eq!(heard(&world), "12 21 23");
    assert_eq!(world.command("C=1{CA{TP}}"), "C=1{TP{aaln/1,aaln/3,OWE,aaln/2,aaln/3,IS}}");
    // Both ways of the first.
    world.command("C=1{TP{aaln/1,aaln/3,OWB}}");
    assert_eq!(heard(&world), "12 13 21 23");
    assert_eq!(world.command("C=1{CA{TP}}"), "C=1{TP{aaln/1,aaln/3,OWB,aaln/2,aaln/3,IS}}");
    // What was said of the pair before is replaced.
    world.command("C=1{TP{aaln/1,aaln/3,OW}}");
    assert_eq!(heard(&world), "12 13 21");
    world.command("C=1{TP{aaln/1,aaln/3,OWB}}");
    world.command("C=1{TP{aaln/3,aaln/1,BW}}");
    assert_eq!(heard(&world), "12 13 21 31");
    // Nothing leaves where a mode lets nothing out.
    world.command("C=1{TP{aaln/1,aaln/3,OWE}}");
    world.command("C=1{MF=aaln/1{M{O{MO=RC}}}}");
    assert_eq!(heard(&world), "12");
    world.command("C=1{S=aaln/1}");
    assert_eq!(heard(&world), "");
}

#[test]
fn a_call_of_the_preparedness_scheme_is_marked_from_version_3_on() {
    let mut world = World::of_version(3);
    world.command("C=${IEPS=ON,PR=15,A=aaln/1}");
    assert_eq!(world.command("C=1{CA{IEPS}}"), "C=1{IEPS=ON}");
    assert_eq!(world.command("C=1{IEPS=OFF,CA{IEPS,PR}}"), "C=1{PR=15,IEPS=OFF}");
    world.command("C=${IEPS=ON,A=aaln/2}");
    assert_eq!(world.command("C=*{CA{IEPS=ON}}"), "C=2{IEPS=ON}");
}
