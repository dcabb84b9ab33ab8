//! How a gateway finds a controller, keeps it, and finds another one (RFC 3525 sections 9.2, 11.2 to 11.5).

use strowger_megaco::gateway::{GatewayConfig, GatewayEvent};
use strowger_megaco::message::Version;
use strowger_sansio::Duration;

use crate::support::{BOOT, World, body, controller};

const OK: &str = "C=-{SC=ROOT{SV{V=1}}}";

fn two() -> World {
    let mut world = World::started(|config| config.controllers.push(controller(2945, "town2")));
    world.wait();
    world
}

#[test]
fn it_registers_after_a_random_wait_and_agrees_on_a_version() {
    let mut world = World::started(|_| {});
    assert!(world.sent.is_empty());
    world.wait();
    let (port, request) = world.sent.remove(0);
    assert_eq!((port, body(&request)), (2944, BOOT));
    // Nothing is done for a controller that has not taken it.
    assert!(world.command("C=-{AV=ROOT{AT{}}}").starts_with("ER=505"));
    world.answer(2944, &request, "C=-{SC=ROOT{SV{V=2}}}");
    let version = Version::V2;
    assert_eq!(world.events(), [GatewayEvent::Associated { controller: 0, version }]);
    assert_eq!(world.command("C=-{AV=ROOT{AT{}}}"), "C=-{AV=ROOT}");
}

#[test]
fn a_subscriber_who_lifts_the_handset_ends_the_wait() {
    let mut world = World::started(|_| {});
    world.off_hook(1);
    world.run(Duration::ZERO);
    assert_eq!(body(&world.sent[0].1), BOOT);
}

#[test]
fn it_goes_where_the_controller_sends_it_but_not_in_circles() {
    let mut world = two();
    for turn in 0..5 {
        let (port, request) = world.sent.remove(0);
        assert_eq!(port, if turn % 2 == 0 { 2944 } else { 2945 }, "{turn}");
        let other = if port == 2944 { "town2" } else { "town" };
        world.answer(port, &request, &format!("C=-{{SC=ROOT{{SV{{MG=<{other}>}}}}}}"));
    }
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    world.run(Duration::from_secs(20));
    assert!(!world.sent.is_empty(), "it tries again later");
}

#[test]
fn a_version_that_is_refused_is_lowered() {
    let mut world = World::started(|_| {});
    world.wait();
    let (_, request) = world.sent.remove(0);
    world.answer(2944, &request, "C=-{SC=ROOT{ER=406{}}}");
    let (_, request) = world.sent.remove(0);
    assert_eq!(body(&request), BOOT.replace("V=3", "V=2"));
    world.answer(2944, &request, OK);
    assert_eq!(world.gateway.controller(), Some(0));
}

#[test]
fn who_refuses_or_is_silent_is_followed_by_the_next() {
    let mut world = two();
    let (_, request) = world.sent.remove(0);
    world.answer(2944, &request, "C=-{SC=ROOT{ER=402{}}}");
    world.run(Duration::from_secs(3));
    assert_eq!(world.sent.remove(0).0, 2945);
    // Nobody answers there: after T-MAX it waits, and begins again with the primary.
    world.run(Duration::from_secs(45));
    assert!(world.sent.iter().any(|(port, _)| *port == 2944));
}

#[test]
fn a_controller_that_is_lost_is_replaced_and_what_it_did_not_answer_goes_to_the_next() {
    let mut world = two();
    let (_, request) = world.sent.remove(0);
    world.answer(2944, &request, OK);
    world.command("C=${A=aaln/1{M{O{MO=SR}},E=1{al/on}}}");
    world.off_hook(1);
    world.on_hook(1);
    // The Notify is repeated in vain.
    world.run(Duration::from_secs(40));
    let place = world.sent.iter().position(|(port, _)| *port == 2945).unwrap();
    let (_, request) = world.sent.remove(place);
    assert_eq!(body(&request), "C=-{SC=ROOT{SV{MT=FL,V=3,RE=\"909 MGC Impending Failure\"}}}");
    world.sent.clear();
    world.answer(2945, &request, OK);
    assert_eq!(world.gateway.controller(), Some(1));
    assert_eq!(world.gateway.contexts().count(), 1, "contexts outlive their controller");
    // Whoever is not its controller is told so.
    assert!(world.command("C=1{S=*}").starts_with("ER=504"));
}

#[test]
fn the_old_controller_is_told_that_it_was_lost() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{al/of}}}");
    world.off_hook(1);
    world.run(Duration::from_secs(60));
    let is_registration = |(_, text): &&(u16, String)| text.contains("SC=ROOT");
    let request = world.sent.iter().find(is_registration).unwrap().1.clone();
    assert_eq!(body(&request), "C=-{SC=ROOT{SV{MT=DC,V=3,RE=\"900 Service Restored\"}}}");
    assert!(world.events().contains(&GatewayEvent::Disconnected { controller: 0 }));
}

#[test]
fn a_hand_off_is_answered_and_followed() {
    let mut world = two();
    let (_, request) = world.sent.remove(0);
    world.answer(2944, &request, OK);
    let reply = world.command("C=-{SC=ROOT{SV{MT=HO,RE=\"903 MGC Directed Change\",MG=<town2>}}}");
    assert!(reply.starts_with("C=-{SC=ROOT"), "{reply}");
    world.run(Duration::from_millis(1));
    let (port, request) = world.sent.remove(0);
    assert_eq!(port, 2945);
    assert_eq!(body(&request), "C=-{SC=ROOT{SV{MT=HO,V=3,RE=\"903 MGC Directed Change\"}}}");
    world.answer(2945, &request, OK);
    assert_eq!(world.gateway.controller(), Some(1));
}

#[test]
fn a_profile_is_proposed_and_one_that_it_does_not_have_makes_no_association() {
    let own = |config: &mut GatewayConfig| config.profile = Some(("ResGW".to_owned(), Version::V2));
    for (reply, agreed) in [
        ("V=1", Some(("ResGW", Version::V2))),
        ("PF=resgw/1,V=1", Some(("resgw", Version::V1))),
        ("PF=NoProfile/1,V=1", Some(("NoProfile", Version::V1))),
        ("PF=TrunkGW/1,V=1", None),
    ] {
        let mut world = World::started(own);
        world.wait();
        let (_, request) = world.sent.remove(0);
        assert!(body(&request).contains("PF=ResGW/2"), "{request}");
        world.answer(2944, &request, &format!("C=-{{SC=ROOT{{SV{{{reply}}}}}}}"));
        assert_eq!(world.gateway.profile(), agreed, "{reply}");
        assert_eq!(world.gateway.controller().is_some(), agreed.is_some());
        if agreed.is_none() {
            let profile = "TrunkGW".to_owned();
            assert_eq!(world.events(), [GatewayEvent::ProfileUnknown { controller: 0, profile }]);
            world.run(Duration::from_secs(20));
            assert!(!world.sent.is_empty(), "it tries again later");
        }
    }
}

#[test]
fn an_error_of_a_message_is_a_refusal_unless_the_registration_is_answered_all_the_same() {
    // A repetition that came after the controller had agreed on another version.
    let mut world = World::started(|_| {});
    world.wait();
    let (_, request) = world.sent.remove(0);
    world.hear(2944, "town", "ER=406{}");
    world.run(Duration::from_millis(500));
    world.answer(2944, &request, "C=-{SC=ROOT{SV{V=2}}}");
    assert_eq!(world.gateway.controller(), Some(0));
    world.sent.clear();
    world.run(Duration::from_secs(10));
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    // The registration itself: a lower version is offered.
    let mut world = World::started(|_| {});
    world.wait();
    world.sent.clear();
    world.hear(2944, "town", "ER=406{}");
    world.run(Duration::from_millis(2_500));
    let lower = BOOT.replace("V=3", "V=2");
    assert!(world.sent.iter().any(|(_, text)| body(text) == lower), "{:?}", world.sent);
}

#[test]
fn a_controller_that_knows_of_no_association_is_registered_with_anew() {
    let mut world = World::new();
    world.command("C=-{MF=aaln/1{E=1{al/of}}}");
    world.off_hook(1);
    let (_, request) = world.sent.remove(0);
    world.answer(2944, &request, "ER=504{}");
    let (_, request) = world.sent.remove(0);
    assert_eq!(body(&request), "C=-{SC=ROOT{SV{MT=DC,V=3,RE=\"900 Service Restored\"}}}");
    world.answer(2944, &request, OK);
    assert_eq!(world.gateway.controller(), Some(0));
    // The controller audits what it had forgotten; that it did not want to know is not told again.
    world.run(Duration::from_secs(10));
    assert!(world.sent.is_empty(), "{:?}", world.sent);
}
