//! More of what RFC 3525 sections 6 to 8 and Annex E say in single sentences, each so that nothing else makes its test pass.

use strowger_megaco::gateway::StreamHandle;
use strowger_sansio::Duration;

use crate::support::{RTP, World, number};

const FIRST: StreamHandle = StreamHandle(1);

#[test]
fn a_choice_within_a_level_is_one_that_is_idle_and_in_service() {
    let mut world = World::new();
    world.command("C=${A=aaln/1}");
    world.command("C=-{MF=aaln/2{M{TS{SI=OS}}}}");
    assert_eq!(world.command("C=1{A=aaln/$}"), "C=1{A=aaln/3}");
    assert_eq!(world.command("C=1{A=aaln/$}"), "C=1{A=aaln/4}");
    assert!(world.command("C=1{A=aaln/$}").contains("ER=432"));
}

#[test]
fn a_topology_may_name_what_is_chosen_and_no_part_of_a_name() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    let reply = world.command(&format!("C=1{{TP{{rtp/$,aaln/1,OW}},{RTP}}}"));
    assert!(reply.starts_with("C=1{A=rtp/2") && reply.contains("ER=410"), "{reply}");
    let reply = world.command(&format!("C=1{{TP{{$,aaln/1,OW}},{RTP}}}"));
    assert!(reply.starts_with("C=1{A=rtp/3") && !reply.contains("ER="), "{reply}");
    // Nobody is connected one way to himself.
    for line in ["*,*,OW", "aaln/1,*,OW", "aaln/1,aaln/1,OW"] {
        let reply = world.command(&format!("C=1{{TP{{{line}}}}}"));
        assert!(reply.contains("ER=421"), "{line}: {reply}");
    }
    let audit = world.command("C=1{CA{TP}}");
    assert_eq!(audit, "C=1{TP{rtp/3,aaln/1,OW}}", "what was refused has changed nothing");
}

#[test]
fn a_topology_is_told_as_it_is_after_it_was_changed() {
    let mut world = World::new();
    world.command("C=${A=aaln/1{M{O{MO=SR}}},A=aaln/2{M{O{MO=SR}}}}");
    assert_eq!(world.command("C=1{TP{aaln/1,aaln/2,IS},CA{TP}}"), "C=1{TP{aaln/1,aaln/2,IS}}");
    // Even if a termination of it comes with the same action.
    let reply = world.command("C=1{TP{aaln/3,aaln/2,OW},CA{TP},A=aaln/3{M{O{MO=SR}}}}");
    assert!(reply.contains("TP{aaln/1,aaln/2,IS,aaln/3,aaln/2,OW}"), "{reply}");
    assert_eq!(world.command("C=1{TP{*,*,BW},CA{TP}}").matches("aaln").count(), 0);
}

#[test]
fn attributes_are_those_of_one_context() {
    let mut world = World::of_version(3);
    world.command("C=${PR=7,A=aaln/1}");
    for (context, attribute) in
        [("-", "PR=3"), ("*", "PR=3"), ("-", "EG"), ("*", "TP{*,*,BW}"), ("-", "TP{*,*,BW}")]
    {
        let reply = world.command(&format!("C={context}{{{attribute},MF=aaln/*}}"));
        assert_eq!(
            reply,
            format!("C={context}{{ER=421{{\"Attributes are those of one context\"}}}}"),
            "{attribute}"
        );
    }
    assert_eq!(world.command("C=1{CA{PR}}"), "C=1{PR=7}");
    // No package has properties of contexts; of what cannot be set nothing is left behind.
    assert!(world.command("C=${CT{zz/a=1},A=aaln/2}").contains("ER=440"));
    assert!(world.command("C=${CT{al/a=1},A=aaln/2}").contains("ER=450"));
    // Nor is anything done to contexts that a list may not mean.
    let reply = world.command("C=*{CT{CLT={2,3}},S=*}");
    assert!(reply.contains("ER=501"), "{reply}");
    assert_eq!(world.gateway.contexts().count(), 1);
}

#[test]
fn nothing_moves_to_the_null_context_or_to_where_it_is() {
    let mut world = World::new();
    world.command("C=${A=aaln/1}");
    world.command("C=${A=aaln/2}");
    assert!(world.command("C=-{MV=aaln/1}").contains("MV=aaln/1{ER=421"));
    assert!(world.command("C=1{MV=aaln/3}").contains("MV=aaln/3{ER=435"), "out of the null context");
    assert!(world.command("C=2{MV=ROOT}").contains("ER=410"));
    assert!(world.command("C=1{MV=aaln/1}").contains("MV=aaln/1{ER=433"));
    assert_eq!(world.command("C=*{AV=*{AT{}}}"), "C=1{AV=C{aaln/1}},C=2{AV=C{aaln/2}}");
}

#[test]
fn what_moves_tells_what_it_carried_before() {
    let mut world = World::new();
    world.command("C=${A=aaln/1{M{O{MO=SR}}},A=aaln/2{M{O{MO=SR}}}}");
    world.run(Duration::from_secs(3));
    let reply = world.command("C=${MV=aaln/1{AT{SA}}}");
    assert!(reply.starts_with("C=2{MV=aaln/1{SA{tdmc/dur=3000,"), "{reply}");
}

#[test]
fn statistics_are_not_reset_by_being_told_but_by_leaving() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    for seconds in 1..=2 {
        world.run(Duration::from_secs(1));
        let reply = world.command("C=1{AV=aaln/1{AT{SA}}}");
        assert!(reply.contains(&format!("tdmc/dur={seconds}000,")), "{reply}");
    }
    world.command("C=1{S=aaln/1}");
    world.run(Duration::from_secs(5));
    let reply = world.command("C=1{A=aaln/1{AT{SA}}}");
    assert!(reply.contains("tdmc/dur=0,"), "{reply}");
}

#[test]
fn subtract_of_all_from_all_leaves_nothing() {
    let mut world = World::new();
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}}}},{RTP}}}"));
    world.command("C=${A=aaln/2,A=aaln/3}");
    let reply = world.command("C=*{S=*{AT{}}}");
    assert_eq!(reply, "C=1{S=aaln/1,S=rtp/1},C=2{S=aaln/2,S=aaln/3}");
    assert!(world.plane.streams.is_empty() && world.gateway.contexts().count() == 0);
    assert_eq!(world.command("C=-{AV=*{AT{}}}"), "C=-{AV=C{aaln/1,aaln/2,aaln/3,aaln/4}}");
}

#[test]
fn a_failure_of_one_that_a_wildcard_means_stops_what_follows() {
    let mut world = World::new();
    world.off_hook(2);
    let strict = "MF=aaln/*{E=2{al/of{strict=failWrong}}}";
    let reply = world.command(&format!("C=-{{{strict},MF=aaln/1{{SG{{al/ri}}}}}}"));
    assert!(reply.contains("MF=aaln/4") && reply.matches("MF=aaln/1").count() == 1, "{reply}");
    assert!(world.sounds(1).is_empty());
    let reply = world.command(&format!("C=-{{O-{strict},MF=aaln/1{{SG{{al/ri}}}}}}"));
    assert_eq!(reply.matches("MF=aaln/1").count(), 2, "{reply}");
    assert_eq!(world.sounds(1).len(), 1);
}

#[test]
fn a_new_description_takes_the_place_of_the_whole_one_before() {
    let mut world = World::new();
    world.command(&format!("C=${{{RTP}}}"));
    let remote = |more: &str| {
        format!("C=1{{MF=rtp/1{{M{{R{{v=0\nc=IN IP4 198.51.100.2\nm=audio 5000 RTP/AVP 0\n{more}}}}}}}}}")
    };
    world.command(&remote("a=ptime:30\n"));
    assert_eq!(world.plane.streams[&FIRST].packetization, Duration::from_millis(30));
    let reply = world.command(&remote(""));
    assert!(!reply.contains("ptime"), "{reply}");
    assert_eq!(world.plane.streams[&FIRST].packetization, Duration::from_millis(20));
    assert!(!world.command("C=1{AV=rtp/1{AT{M}}}").contains("ptime"));
    // Of the local side, too.
    let local =
        |format: &str| format!("C=1{{MF=rtp/1{{M{{L{{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP {format}\n}}}}}}}}");
    world.command(&local("8 101\na=rtpmap:101 telephone-event/8000"));
    assert!(world.plane.streams[&FIRST].receive.len() > 1);
    world.command(&local("8"));
    assert_eq!(world.plane.streams[&FIRST].receive.len(), 1);
}

#[test]
fn all_remote_groups_are_reserved_and_told() {
    let mut world = World::new();
    let side = |name: &str, address: &str, port: &str| {
        let group = |format| format!("v=0\nc=IN IP4 {address}\nm=audio {port} RTP/AVP {format}\n");
        format!("{name}{{{}{}{}}}", group("97"), group("8"), group("0"))
    };
    let (local, remote) = (side("L", "$", "$"), side("R", "198.51.100.2", "5000"));
    let reply = world.command(&format!("C=${{A=${{M{{O{{MO=SR,RG=ON}},{local},{remote}}}}}}}"));
    assert_eq!(reply.matches("m=audio 4002").count(), 2, "{reply}");
    assert_eq!(reply.matches("m=audio 5000").count(), 2, "{reply}");
    assert_eq!(world.plane.streams[&FIRST].receive.len(), 2);
    let reply = world.command(&format!("C=1{{MF=rtp/1{{M{{O{{MO=SR}},{local},{remote}}}}}}}"));
    assert_eq!(reply.matches("m=audio").count(), 2, "{reply}");
    assert_eq!(world.plane.streams[&FIRST].receive.len(), 1, "what is too much is released");
}

#[test]
fn a_buffered_event_is_told_with_the_time_at_which_it_was_detected() {
    let mut world = World::new();
    world.gateway.set_clock(world.now, Duration::from_secs(1_078_012_800));
    world.command("C=-{MF=aaln/1{M{TS{BF=SP}},E=1{al/of},EB{al/on}}}");
    world.off_hook(1);
    world.told();
    world.run(Duration::from_secs(10));
    world.on_hook(1);
    world.run(Duration::from_secs(20));
    assert!(world.told().is_empty());
    world.command("C=-{MF=aaln/1{E=2{al/on}}}");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=2{20040229T00001000:al/on{init=off}}}}"]);
}

#[test]
fn what_is_under_way_is_completed_and_what_comes_later_is_the_new_descriptors() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{al/of,al/on}}}");
    world.off_hook(1);
    world.on_hook(1);
    let (_, request) = world.sent.remove(0);
    assert!(request.contains("OE=1{al/of"), "{request}");
    world.command("C=-{MF=aaln/1{E=2{al/of}}}");
    world.off_hook(1);
    assert!(world.sent.is_empty(), "the first is not answered: {:?}", world.sent);
    world.hear(2944, "town", &format!("P={}{{C=-{{N=aaln/1}}}}", number(&request)));
    // What was detected before goes with the number that asked for it, and by itself.
    assert_eq!(
        world.told(),
        ["C=-{N=aaln/1{OE=1{al/on{init=off}}}}", "C=-{N=aaln/1{OE=2{al/of{init=off}}}}"]
    );
}

#[test]
fn a_map_that_is_taken_away_is_used_by_who_collects_and_by_nobody_after() {
    let mut world = World::new();
    let using = "C=-{MF=aaln/1{E=1{dd/ce{DM=plan}}}}";
    // What is created has a value.
    assert!(world.command("C=-{MF=aaln/1{DM=plan}}").contains("ER=520"));
    world.command("C=-{MF=aaln/1{DM=plan{(12)}}}");
    assert_eq!(world.command(using), "C=-{MF=aaln/1}");
    world.dial(1, "1");
    assert_eq!(world.command("C=-{MF=aaln/1{DM=plan{}}}"), "C=-{MF=aaln/1}");
    assert_eq!(world.command("C=-{AV=aaln/1{AT{DM}}}"), "C=-{AV=aaln/1{DM}}");
    world.dial(1, "2");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{dd/ce{ds=\"12\",Meth=UM}}}}"]);
    assert!(world.command(using).contains("ER=520"));
}

#[test]
fn a_start_timer_of_zero_waits_for_ever() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{dd/ce{DM={T:0,S:2,L:6,(12)}}}}}");
    world.run(Duration::from_secs(3_600));
    assert!(world.told().is_empty());
    world.dial(1, "1");
    world.run(Duration::from_secs(7));
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=1{dd/ce{ds=\"1\",Meth=PM}}}}"], "the other timers run");
}

#[test]
fn a_service_change_names_all_or_one_and_chooses_none() {
    let mut world = World::new();
    assert!(world.command("C=-{SC=${SV{MT=FO,RE=\"905 Out\"}}}").contains("ER=410"));
    assert!(world.command("C=-{SC=aaln/${SV{MT=FO,RE=\"905 Out\"}}}").contains("ER=410"));
    assert_eq!(world.command("C=-{AV=aaln/1{AT{M}}}"), "C=-{AV=aaln/1{M{TS{SI=IV,BF=OFF}}}}");
    // Each that a wildcard means has its answer, or all together one.
    let reply = world.command("C=-{SC=aaln/*{SV{MT=FO,RE=\"905 Out\"}}}");
    assert_eq!(reply, "C=-{SC=aaln/1,SC=aaln/2,SC=aaln/3,SC=aaln/4}");
    assert_eq!(world.command("C=-{W-SC=aaln/*{SV{MT=RS,RE=\"900 Back\"}}}"), "C=-{SC=aaln/*}");
}

#[test]
fn a_hook_that_is_on_counts_or_fails_or_does_not() {
    let mut world = World::new();
    assert_eq!(world.command("C=-{MF=aaln/1{E=1{al/on{strict=exact}}}}"), "C=-{MF=aaln/1}");
    assert!(world.told().is_empty());
    assert!(world.command("C=-{MF=aaln/1{E=2{al/on{strict=failWrong}}}}").contains("ER=540"));
    assert_eq!(world.command("C=-{MF=aaln/1{E=3{al/on{strict=state}}}}"), "C=-{MF=aaln/1}");
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=3{al/on{init=on}}}}"]);
    world.off_hook(1);
    world.on_hook(1);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=3{al/on{init=off}}}}"]);
}

#[test]
fn what_is_embedded_or_buffered_must_be_possible_too() {
    let mut world = World::new();
    for (descriptor, code) in [
        ("E=1{al/of{EM{SG{cg/cr}}}}", 513),
        ("E=1{al/of{EM{E=2{dd/std}}}}", 512),
        ("E=1{al/of{EM{E=2{al/on{EM{SG{cg/cr}}}}}}}", 513),
        ("EB{dd/std}", 512),
    ] {
        let reply = world.command(&format!("C=-{{MF=aaln/1{{{descriptor}}}}}"));
        assert!(reply.contains(&format!("ER={code}")), "{descriptor}: {reply}");
    }
    assert_eq!(world.command("C=-{AV=aaln/1{AT{E,EB}}}"), "C=-{AV=aaln/1{E,EB}}");
}

#[test]
fn the_root_tells_its_limits_and_what_was_set() {
    let mut world = World::of_version(2);
    let limits = "root/maxNumberOfContexts=10000,root/maxTerminationsPerContext=32";
    assert_eq!(world.command("C=-{AV=ROOT{AT{M}}}"), format!("C=-{{AV=ROOT{{M{{TS{{{limits}}}}}}}}}"));
    world.command("C=-{MF=ROOT{M{TS{root/normalMGExecutionTime=500}}}}");
    let set = format!("C=-{{AV=ROOT{{M{{TS{{{limits},root/normalMGExecutionTime=500}}}}}}}}");
    assert_eq!(world.command("C=-{AV=ROOT{AT{M}}}"), set);
    let part = world.command("C=-{AV=ROOT{AT{M{TS{root/maxNumberOfContexts}}}}}");
    assert_eq!(part, "C=-{AV=ROOT{M{TS{root/maxNumberOfContexts=10000}}}}");
    let able = world.command("C=-{AC=ROOT{AT{M}}}");
    assert!(
        able.contains("root/normalMGExecutionTime=[0:4294967295]") && !able.contains("maxNumber"),
        "{able}"
    );
}

#[test]
fn what_a_termination_state_leaves_out_goes_back_to_its_default() {
    let mut world = World::of_version(2);
    world.command("C=-{MF=ROOT{M{TS{root/normalMGExecutionTime=500}}}}");
    world.command("C=-{MF=ROOT{M{TS{root/MGOriginatedPendingLimit=9}}}}");
    let audit = world.command("C=-{AV=ROOT{AT{M}}}");
    assert!(
        audit.contains("MGOriginatedPendingLimit=9") && !audit.contains("normalMGExecutionTime"),
        "{audit}"
    );
    world.command("C=-{MF=aaln/1{M{TS{BF=SP}}}}");
    world.command("C=-{MF=aaln/1{M{TS{SI=OS}}}}");
    assert_eq!(world.command("C=-{AV=aaln/1{AT{M}}}"), "C=-{AV=aaln/1{M{TS{SI=OS,BF=OFF}}}}");
    // The service state is the operator's as well, and stays when nothing is said of it.
    world.command("C=-{MF=aaln/1{M{TS{BF=SP}}}}");
    assert_eq!(world.command("C=-{AV=aaln/1{AT{M}}}"), "C=-{AV=aaln/1{M{TS{SI=OS,BF=SP}}}}");
}

#[test]
fn the_capabilities_tell_the_names_of_active_events_as_observed_ones() {
    let mut world = World::new();
    assert_eq!(world.command("C=-{AC=aaln/1{AT{OE}}}"), "C=-{AC=aaln/1{OE}}");
    world.command("C=-{MF=aaln/1{E=7{al/of{strict=exact},al/fl}}}");
    assert_eq!(world.command("C=-{AC=aaln/1{AT{OE}}}"), "C=-{AC=aaln/1{OE=7{al/of,al/fl}}}");
}

#[test]
fn a_controller_that_pends_beyond_the_limit_is_not_waited_for() {
    let mut world = World::of_version(2);
    world.command("C=-{MF=ROOT{M{TS{root/MGCOriginatedPendingLimit=2}}}}");
    world.command("C=-{MF=aaln/1{E=1{al/of,al/on}}}");
    world.off_hook(1);
    let (_, request) = world.sent.remove(0);
    for _ in 0..2 {
        world.hear(2944, "town", &format!("PN={}{{}}", number(&request)));
    }
    world.on_hook(1);
    assert!(world.sent.is_empty(), "it is waited for: {:?}", world.sent);
    world.hear(2944, "town", &format!("PN={}{{}}", number(&request)));
    world.run(Duration::from_secs(1));
    assert!(!world.sent.is_empty(), "it is not waited for any more");
}

#[test]
fn a_choice_is_within_what_the_property_can_have() {
    let mut world = World::new();
    world.command("C=${A=aaln/1}");
    for open in ["tdmc/gain>4294967295", "tdmc/gain<-2147483648"] {
        let reply = world.command(&format!("C=1{{MF=aaln/1{{M{{O{{{open}}}}}}}}}"));
        assert!(reply.contains("ER=454"), "{open}: {reply}");
    }
}

#[test]
fn a_registration_has_the_time_of_day_and_requests_go_to_the_address_of_its_answer() {
    let mut world = World::started(|_| {});
    world.gateway.set_clock(world.now, Duration::from_secs(1_078_012_800));
    world.wait();
    let (_, request) = world.sent.remove(0);
    assert!(request.contains(",20040229T0000"), "{request}");
    world.answer(2944, &request, "C=-{SC=ROOT{SV{AD=5000,V=1}}}");
    world.command("C=-{MF=aaln/1{E=1{al/of}}}");
    world.off_hook(1);
    assert_eq!(world.sent[0].0, 5000, "{:?}", world.sent);
    // Answers go to where the question came from.
    world.sent.clear();
    world.hear(2944, "town", "T=900{C=-{AV=ROOT{AT{}}}}");
    assert_eq!(world.sent[0].0, 2944, "{:?}", world.sent);
}
