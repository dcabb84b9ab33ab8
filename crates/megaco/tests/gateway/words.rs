//! What RFC 3525 section 7 says in single sentences, each for itself.

use strowger_sansio::Duration;

use crate::support::{RTP, World};

#[test]
fn what_is_left_open_of_a_property_is_chosen_and_told() {
    let mut world = World::new();
    world.command("C=${A=aaln/1{M{O{MO=SR}}}}");
    for (open, chosen) in [
        ("tdmc/gain={3,5}", "tdmc/gain=3"),
        ("tdmc/gain=[4:9]", "tdmc/gain=4"),
        ("tdmc/gain>6", "tdmc/gain=7"),
        ("tdmc/gain<6", "tdmc/gain=5"),
        ("tdmc/gain#6", "tdmc/gain=7"),
        ("tdmc/gain=$", "tdmc/gain=0"),
        ("tdmc/ec=$", "tdmc/ec=off"),
    ] {
        let reply = world.command(&format!("C=1{{MF=aaln/1{{M{{O{{MO=SR,{open}}}}}}}}}"));
        assert!(reply.contains(chosen), "{open}: {reply}");
        let audit = world.command("C=1{AV=aaln/1{AT{M}}}");
        assert!(audit.contains(chosen), "{open}: {audit}");
    }
    // What is said fully needs no answer.
    assert_eq!(world.command("C=1{MF=aaln/1{M{O{MO=SR,tdmc/gain=2}}}}"), "C=1{MF=aaln/1}");
}

#[test]
fn a_session_description_has_one_medium() {
    let mut world = World::new();
    let two = "A=${M{O{MO=SR},L{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0\nm=audio $ RTP/AVP 8\n}}}";
    let reply = world.command(&format!("C=${{{two}}}"));
    assert!(reply.contains("ER=442"), "{reply}");
    assert_eq!(world.gateway.contexts().count(), 0);
    // A whole description by RFC 2327 is accepted.
    let whole = "A=${M{O{MO=SR},L{v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 $\r\nt=0 0\r\nm=audio $ RTP/AVP 0\r\n}}}";
    assert!(world.command(&format!("C=${{{whole}}}")).contains("A=rtp/"), "{whole}");
}

#[test]
fn a_termination_that_is_out_of_service_is_neither_added_nor_moved() {
    let mut world = World::new();
    world.command(&format!("C=${{{RTP}}}"));
    world.command("C=-{MF=aaln/1{M{TS{SI=OS}}}}");
    assert!(world.command("C=1{A=aaln/1}").contains("ER=503"));
    world.command("C=1{A=aaln/2,MF=aaln/2{M{TS{SI=OS}}}}");
    let reply = world.command(&format!("C=${{{RTP},MV=aaln/2}}"));
    assert!(reply.contains("MV=aaln/2{ER=503"), "{reply}");
    world.command("C=-{MF=aaln/1{M{TS{SI=IV}}}}");
    assert!(world.command("C=1{A=aaln/1}").contains("A=aaln/1"));
}

#[test]
fn a_signal_has_a_name_without_wildcards_and_several_sound_together() {
    let mut world = World::new();
    assert!(world.command("C=-{MF=aaln/1{SG{cg/*}}}").contains("ER=452"));
    assert!(world.sounds(1).is_empty());
    world.command("C=-{MF=aaln/1{SG{cg/dt,al/ri,dg/d1}}}");
    assert_eq!(world.sounds(1).len(), 3);
}

#[test]
fn a_duration_of_an_on_off_signal_is_ignored() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{SG{cg/dt{SY=OO,DR=10}}}}");
    world.run(Duration::from_secs(600));
    assert_eq!(world.sounds(1).len(), 1);
}

#[test]
fn move_chooses_nothing_and_topologies_choose_whole_names() {
    let mut world = World::new();
    world.command(&format!("C=${{{RTP}}}"));
    assert!(world.command("C=1{MV=$}").contains("ER=410"));
    assert!(world.command("C=1{TP{$,rtp/1,OW},A=aaln/1}").contains("ER=43"), "nothing was chosen");
    assert!(world.command("C=1{TP{rtp/$,aaln/1,OW},A=$}").contains("ER="), "a part of a name is no choice");
}

#[test]
fn the_last_to_move_away_leaves_no_context_behind() {
    let mut world = World::new();
    world.command("C=${A=aaln/1{M{O{MO=SR}}}}");
    world.command("C=${A=aaln/2{M{O{MO=SR}}}}");
    assert_eq!(world.command("C=2{MV=aaln/1}"), "C=2{MV=aaln/1}");
    let contexts: Vec<_> = world.gateway.contexts().map(|context| context.id).collect();
    assert_eq!(contexts, [2]);
    assert!(world.command("C=1{AV=*{AT{}}}").contains("ER=411"));
}

#[test]
fn what_is_subtracted_goes_back_to_what_is_provisioned() {
    let mut world = World::new();
    world.command("C=${A=aaln/1{M{TS{BF=SP},O{MO=SR,tdmc/ec=on}},E=1{al/on},SG{cg/dt{SY=OO}},EB{al/fl}}}");
    world.command("C=1{S=aaln/1{AT{}}}");
    assert!(world.sounds(1).is_empty());
    let audit = world.command("C=-{AV=aaln/1{AT{M,E,SG,EB}}}");
    assert_eq!(audit, "C=-{AV=aaln/1{M{TS{SI=IV,BF=OFF}},E,SG,EB}}");
}

#[test]
fn notifications_name_one_termination_and_the_request_that_asked_for_them() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/*{E=77{al/of}}}");
    world.off_hook(2);
    world.off_hook(4);
    assert_eq!(
        world.told(),
        ["C=-{N=aaln/2{OE=77{al/of{init=off}}}}", "C=-{N=aaln/4{OE=77{al/of{init=off}}}}"]
    );
}

#[test]
fn multiplexers_modems_and_statistics_to_be_set_are_refused_with_their_codes() {
    let mut world = World::of_version(3);
    world.command(&format!("C=${{{RTP}}}"));
    for (descriptor, code) in
        [("MX=H223{a,b}", 444), ("MD=V18", 444), ("MD[V18,V90]", 444), ("SA{nt/os=1}", 460)]
    {
        let reply = world.command(&format!("C=1{{MF=rtp/1{{{descriptor}}}}}"));
        assert!(reply.contains(&format!("MF=rtp/1{{ER={code}")), "{descriptor}: {reply}");
    }
    // An audit of what no termination has is empty and no error.
    let reply = world.command("C=1{AV=rtp/1{AT{MD,MX}}}");
    assert_eq!(reply, "C=1{AV=rtp/1{MX,MD}}");
}
