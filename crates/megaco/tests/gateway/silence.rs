//! Silence, overload and connections that are dead: what a gateway does about its controller as a whole (H.248.11, H.248.14, RFC 3525
//! section 11.5).

use strowger_megaco::gateway::{GatewayEvent, Load};
use strowger_megaco::transaction::{PeerConfig, Route, Transport};
use strowger_sansio::{Duration, SocketId};

use crate::support::{BOOT, RTP, World, body, mid, route};

const WATCH: &str = "C=-{MF=ROOT{E=9{it/ito{mit=3000}}}}";

#[test]
fn a_controller_that_is_silent_is_told_so_once_and_its_answer_ends_the_silence() {
    let mut world = World::new();
    assert_eq!(world.command(WATCH), "C=-{MF=ROOT}");
    world.run(Duration::from_secs(29));
    // Any word of its is one, and silence is counted anew.
    world.command("C=-{AV=ROOT{AT{}}}");
    world.run(Duration::from_secs(29));
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    world.run(Duration::from_secs(1));
    assert_eq!(world.told(), ["C=-{N=ROOT{OE=9{it/ito}}}"]);
    // The answer was a word.
    world.run(Duration::from_secs(29));
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    world.run(Duration::from_secs(1));
    assert_eq!(world.told(), ["C=-{N=ROOT{OE=9{it/ito}}}"]);
    assert_eq!(world.gateway.controller(), Some(0));
}

#[test]
fn a_controller_that_does_not_answer_for_its_silence_is_lost() {
    let mut world = World::new();
    world.command(WATCH);
    world.run(Duration::from_secs(30 + 45));
    assert!(world.events().contains(&GatewayEvent::Disconnected { controller: 0 }));
    let told = world.sent.iter().filter(|(_, text)| text.contains("it/ito")).count();
    let registrations = world.sent.iter().filter(|(_, text)| text.contains("SC=ROOT{SV{MT=DC")).count();
    assert!(told > 1 && registrations > 0, "{:?}", world.sent);
}

#[test]
fn without_a_time_the_gateways_own_holds_and_an_empty_descriptor_ends_the_watch() {
    let mut world = World::shaped(1, |config| config.longest_silence = Duration::from_secs(7));
    world.command("C=-{MF=ROOT{E=1{it/*}}}");
    world.run(Duration::from_secs(7));
    assert_eq!(world.told(), ["C=-{N=ROOT{OE=1{it/ito}}}"]);
    world.command("C=-{MF=ROOT{E}}");
    world.run(Duration::from_secs(100));
    assert!(world.sent.is_empty(), "{:?}", world.sent);
}

#[test]
fn an_overloaded_gateway_says_so_with_every_add_and_does_it_all_the_same() {
    let mut world = World::new();
    world.command("C=-{MF=ROOT{E=5{ocp/mg_overload}}}");
    world.command("C=${A=aaln/1{M{O{MO=SR}}}}");
    assert!(world.sent.is_empty(), "it is not overloaded yet: {:?}", world.sent);
    world.gateway.set_load(Load::Overloaded);
    let reply = world.command(&format!("C=1{{{RTP}}}"));
    assert!(reply.starts_with("C=1{A=rtp/1"), "{reply}");
    assert_eq!(world.told(), ["C=-{N=ROOT{OE=5{ocp/mg_overload}}}"]);
    world.command("C=1{MF=aaln/1{E=1{al/on}}}");
    assert!(world.sent.is_empty(), "only an Add brings a new call: {:?}", world.sent);
    world.command("C=${A=aaln/2,A=aaln/3}");
    assert_eq!(world.told(), ["C=-{N=ROOT{OE=5{ocp/mg_overload}}}", "C=-{N=ROOT{OE=5{ocp/mg_overload}}}"]);
    world.gateway.set_load(Load::Normal);
    world.command("C=${A=aaln/4}");
    assert!(world.sent.is_empty(), "{:?}", world.sent);
}

/// The controller at a port, over a connection that is not there yet.
fn connected(port: u16, name: &str) -> PeerConfig {
    let route = Route { transport: Transport::Tcp, ..route(port) };
    PeerConfig { mid: Some(mid(name)), route: None, ..PeerConfig::at(route) }
}

#[test]
fn a_connection_on_which_nobody_answers_is_closed_and_the_next_controller_has_one_of_its_own() {
    let mut world = World::started(|config| {
        config.controllers = vec![connected(2944, "town"), connected(2945, "town2")];
    });
    world.run(Duration::from_secs(10));
    assert_eq!(world.events(), [GatewayEvent::Connect { controller: 0 }]);
    let over =
        |socket: u32, port: u16| Route { transport: Transport::Tcp, socket: SocketId(socket), ..route(port) };
    world.connect(0, over(7, 2944));
    let (_, request) = world.sent.remove(0);
    assert_eq!(body(&request), BOOT);
    world.answer_over(over(7, 2944), "town", &request, "C=-{SC=ROOT{SV{V=1}}}");
    world.events();
    // Half open: what is said there is never answered.
    world.hear_over(over(7, 2944), "town", "T=1{C=-{MF=aaln/1{E=1{al/of}}}}");
    world.off_hook(1);
    world.run(Duration::from_secs(45));
    let events = world.events();
    for expected in [
        GatewayEvent::Close { controller: 0 },
        GatewayEvent::Disconnected { controller: 0 },
        GatewayEvent::Connect { controller: 1 },
    ] {
        assert!(events.contains(&expected), "{expected:?}: {events:?}");
    }
    world.sent.clear();
    world.connect(1, over(8, 2945));
    let (port, request) = world.sent.remove(0);
    assert_eq!((port, body(&request).contains("MT=FL")), (2945, true), "{request}");
    world.answer_over(over(8, 2945), "town2", &request, "C=-{SC=ROOT{SV{V=1}}}");
    world.run(Duration::from_secs(1));
    // What the first one never answered is told to the second.
    assert!(
        world.sent.iter().any(|(port, text)| *port == 2945 && text.contains("al/of")),
        "{:?}",
        world.sent
    );
}

#[test]
fn a_connection_that_never_stands_is_given_up_for_the_next_controller() {
    let mut world = World::started(|config| {
        config.controllers = vec![connected(2944, "town"), connected(2945, "town2")];
    });
    world.run(Duration::from_secs(10));
    assert_eq!(world.events(), [GatewayEvent::Connect { controller: 0 }]);
    world.run(Duration::from_secs(30));
    assert_eq!(
        world.events(),
        [GatewayEvent::Close { controller: 0 }, GatewayEvent::Connect { controller: 1 }]
    );
}

#[test]
fn what_is_regulated_is_told_unless_the_gateway_has_too_much_to_do() {
    let mut world = World::shaped(3, |_| {});
    let events = "C=-{MF=aaln/1{E=7{al/of{NBRN{EM{SG{cg/ct}}}}}}}";
    world.command(events);
    world.off_hook(1);
    assert_eq!(world.told(), ["C=-{N=aaln/1{OE=7{al/of{init=off}}}}"]);
    assert!(world.sounds(1).is_empty());
    world.on_hook(1);
    world.gateway.set_load(Load::Overloaded);
    world.command(events);
    assert!(world.command("C=-{AV=aaln/1{AT{E}}}").contains("al/of{NBRN{EM{SG{cg/ct}}}}"));
    world.off_hook(1);
    assert!(world.told().is_empty(), "it is held back");
    assert_eq!(world.sounds(1), [strowger_megaco::gateway::Item::new(7, 0x33)], "he hears that nobody comes");
}
