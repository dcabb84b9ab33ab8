//! Audits: the table of RFC 3525 section 7.2.5, values, capabilities, parts of descriptors.

use crate::support::{RTP, World};

fn busy(version: u8) -> World {
    let mut world = World::of_version(version);
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    world.command("C=${A=aaln/2,A=aaln/3}");
    world
}

#[test]
fn who_is_where_is_found_by_context_and_termination() {
    let mut world = busy(1);
    for (asked, found) in [
        ("C=1{AV=*{AT{}}}", "C=1{AV=C{aaln/1,rtp/1}}"),
        ("C=1{AV=aaln/1{AT{}}}", "C=1{AV=aaln/1}"),
        ("C=-{AV=ROOT{AT{}}}", "C=-{AV=ROOT}"),
        ("C=-{AV=aaln/*{AT{}}}", "C=-{AV=C{aaln/4}}"),
        ("C=-{AV=aaln/4{AT{}}}", "C=-{AV=aaln/4}"),
        ("C=*{AV=*{AT{}}}", "C=1{AV=C{aaln/1,rtp/1}},C=2{AV=C{aaln/2,aaln/3}}"),
        ("C=*{AV=ROOT{AT{}}}", "C=1{AV=ROOT},C=2{AV=ROOT}"),
        ("C=*{AV=aaln/3{AT{}}}", "C=2{AV=aaln/3}"),
    ] {
        assert_eq!(world.command(asked), found, "{asked}");
    }
}

#[test]
fn packages_are_told_of_each_or_of_all_together() {
    let mut world = busy(1);
    let line = "PG{g-1,dg-1,dd-1,cg-1,al-1,tdmc-1,an-1,andisp-1}";
    assert_eq!(world.command("C=1{AV=aaln/1{AT{PG}}}"), format!("C=1{{AV=aaln/1{{{line}}}}}"));
    assert_eq!(world.command("C=1{AV=rtp/1{AT{PG}}}"), "C=1{AV=rtp/1{PG{g-1,cg-1,nt-1,rtp-1,an-1}}}");
    assert_eq!(world.command("C=-{AV=ROOT{AT{PG}}}"), "C=-{AV=ROOT{PG{g-1,root-2,it-1,ocp-1}}}");
    assert_eq!(
        world.command("C=1{W-AV=*{AT{PG}}}"),
        "C=1{AV=*{PG{g-1,dg-1,dd-1,cg-1,al-1,tdmc-1,an-1,andisp-1,nt-1,rtp-1}}}"
    );
    assert_eq!(world.command("C=*{AV=aaln/2{AT{PG}}}"), format!("C=2{{AV=aaln/2{{{line}}}}}"));
}

#[test]
fn what_is_empty_is_told_as_empty() {
    let mut world = busy(1);
    assert_eq!(world.command("C=-{AV=aaln/4{AT{E,SG,EB,DM,OE,SA}}}"), "C=-{AV=aaln/4{E,SG,DM,SA,OE,EB}}");
    world.command("C=-{MF=aaln/4{E=3{al/of,dd/ce{DM={(1)}}},SG{al/ri},EB{al/on}}}");
    assert_eq!(
        world.command("C=-{AV=aaln/4{AT{E,SG,EB}}}"),
        "C=-{AV=aaln/4{E=3{al/of,dd/ce{DM={(1)}}},SG{al/ri},EB{al/on}}}"
    );
}

#[test]
fn a_command_can_ask_for_what_it_has_made() {
    let mut world = World::new();
    let reply = world.command("C=${A=aaln/1{E=1{al/on},AT{E}}}");
    assert_eq!(reply, "C=1{A=aaln/1{E=1{al/on}}}");
    assert_eq!(world.command("C=1{S=aaln/1{AT{E}}}"), "C=1{S=aaln/1{E=1{al/on}}}");
}

#[test]
fn capabilities_are_those_of_the_packages() {
    let mut world = busy(1);
    let events = world.command("C=-{AC=aaln/4{AT{E}}}");
    assert!(events.starts_with("C=-{AC=aaln/4{E=*{g/cause,g/sc,"), "{events}");
    assert!(events.contains("al/on,al/of,al/fl") && !events.contains("dd/std"), "{events}");
    let signals = world.command("C=-{AC=aaln/4{AT{SG}}}");
    assert!(signals.contains("cg/dt") && signals.contains("al/ri"), "{signals}");
    assert!(!signals.contains("cg/cr"), "what the plane has not: {signals}");
    let statistics = world.command("C=1{AC=rtp/1{AT{SA}}}");
    assert_eq!(statistics, "C=1{AC=rtp/1{SA{nt/dur,nt/os,nt/or,rtp/ps,rtp/pr,rtp/pl,rtp/jit,rtp/delay}}}");
    let media = world.command("C=1{AC=rtp/1{AT{M}}}");
    assert_eq!(media.matches("MO=").count(), 5, "{media}");
}

#[test]
fn parts_of_descriptors_are_told_from_version_2_on() {
    let mut world = busy(2);
    assert_eq!(world.command("C=1{AV=aaln/1{AT{M{O{MO}}}}}"), "C=1{AV=aaln/1{M{ST=1{O{MO=SR}}}}}");
    assert_eq!(world.command("C=1{AV=rtp/1{AT{SA{rtp/ps}}}}"), "C=1{AV=rtp/1{SA{rtp/ps=50}}}");
    assert!(world.command("C=1{AV=aaln/1{AT{SA{rtp/ps}}}}").contains("ER=532"));
}

#[test]
fn contexts_are_selected_by_their_attributes_from_version_3_on() {
    let mut world = World::of_version(3);
    world.command("C=${PR=7,A=aaln/1}");
    world.command("C=${PR=7,EG,A=aaln/2}");
    world.command("C=${PR=1,EG,A=aaln/3}");
    for (asked, found) in [
        ("CA{PR=7}", "C=1{PR=7},C=2{PR=7}"),
        ("CA{PR=7,EGV=EG}", "C=2{PR=7,EG}"),
        ("CA{PR=7,EGV=EG,ANDLgc}", "C=2{PR=7,EG}"),
        ("CA{PR=1,EGV=EGO,ORLgc}", "C=1{PR=7,EGO},C=3{PR=1,EG}"),
        ("CA{PR}", "C=1{PR=7},C=2{PR=7},C=3{PR=1}"),
    ] {
        assert_eq!(world.command(&format!("C=*{{{asked}}}")).replace("EGV=", ""), found, "{asked}");
    }
    // Commands for all contexts are done in those.
    let reply = world.command("C=*{CA{PR=1},AV=*{AT{}}}");
    assert!(reply.contains("aaln/3") && !reply.contains("aaln/1"), "{reply}");
}
