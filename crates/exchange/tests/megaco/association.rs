//! Gateways that register while they are being commanded, and lines that are not where the exchange thinks.

use std::cell::RefCell;
use std::rc::Rc;

use strowger_exchange::{Cause, Event, GatewayEntry, Input, MEGACO_TEXT, ServiceState, WallClock};
use strowger_megaco::message::{Method, TerminationId};
use strowger_megaco::transport::{Route, Transport};
use strowger_mgcp::message::Verb;
use strowger_sansio::{Duration, SocketId};

use crate::gateway::Connection;
use crate::world::{World, town};

#[test]
fn commands_that_overtake_the_reply_to_a_registration_are_given_again() {
    let mut world = World::new(town());
    for gateway in &mut world.gateways {
        // The packages, and three lines.
        gateway.early = 4;
    }
    world.pass(2);
    assert!(world.exchange.snapshot().lines.iter().all(|line| line.service == ServiceState::InService));
    world.ring("2004", "2001");
    assert_eq!(world.hears("2001"), "L/rg,L/ci(\"\",\"2004\",\"Dave\")", "its packages are known");
    world.end();
}

#[test]
fn a_registration_is_answered_with_the_time_of_day() {
    let mut world = World::new(town());
    let now = world.now;
    // 2024-02-29T23:30:00Z.
    let wall = WallClock { unix: Duration::from_secs(1_709_249_400), utc_offset: 0 };
    world.exchange.set_wall_clock(now, wall);
    let register = "!/1 <gw1.town>\nT=7{C=-{SC=ROOT{SV{MT=RS,RE=\"901 Cold Boot\",V=1}}}}";
    let address = world.gateways[0].address;
    let input = crate::gateway::input(&world.gateways[0], address, register.as_bytes());
    world.exchange.handle_input(now + Duration::from_secs(60), input);
    let answers = std::iter::from_fn(|| world.exchange.poll_transmit());
    let answers: Vec<_> = answers.map(|sent| String::from_utf8_lossy(&sent.payload).into_owned()).collect();
    assert!(
        answers.iter().any(|text| text.contains("P=7") && text.contains("20240229T23310000")),
        "{answers:?}"
    );
}

#[test]
fn a_service_change_beside_a_hook_is_answered_with_it() {
    let mut world = World::running(town());
    let now = world.now;
    let mixed =
        "!/1 <gw1.town>\nT=4000000000{C=-{N=aaln/1{OE=1{al/of}},SC=aaln/2{SV{MT=FO,RE=\"904 Out\"}}}}";
    let address = world.gateways[0].address;
    let input = crate::gateway::input(&world.gateways[0], address, mixed.as_bytes());
    world.exchange.handle_input(now, input);
    let answers = std::iter::from_fn(|| world.exchange.poll_transmit());
    let answers: Vec<_> = answers.map(|sent| String::from_utf8_lossy(&sent.payload).into_owned()).collect();
    let is_whole =
        |text: &String| text.contains("P=4000000000{C=-{N=aaln/1,SC=aaln/2") && !text.contains("ER=");
    assert!(answers.iter().any(is_whole), "{answers:?}");
    assert_eq!(world.line("2002").service, ServiceState::OutOfService);
}

#[test]
fn a_gateway_that_only_ever_says_that_it_is_at_work_is_not_waited_for() {
    let mut world = World::running(town());
    let sent = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&sent);
    world.loses = Box::new(move |bytes| {
        log.borrow_mut().push(String::from_utf8_lossy(bytes).into_owned());
        false
    });
    world.gateways[0].dead = true;
    world.lift("2004");
    world.dial("2004", "2001");
    let add = sent.borrow().iter().find(|text| text.contains("aaln/1")).unwrap().clone();
    let id = add.split("T=").nth(1).unwrap().split('{').next().unwrap().to_owned();
    let repeated = || sent.borrow().iter().filter(|text| text.contains(&format!("T={id}{{"))).count();
    for _ in 0..70 {
        let pending = format!("!/1 <gw1.town>\nPN={id}{{}}");
        let (now, address) = (world.now, world.gateways[0].address);
        let input = crate::gateway::input(&world.gateways[0], address, pending.as_bytes());
        world.exchange.handle_input(now, input);
        world.pass(1);
    }
    let before = repeated();
    world.pass(20);
    assert_eq!(repeated(), before, "it is given up");
    world.hang_up("2004");
}

#[test]
fn commands_that_were_put_off_are_given_after_another_registration() {
    let mut world = World::running(town());
    world.gateways.iter_mut().for_each(|gateway| gateway.early = 1);
    world.hook("2001", true);
    world.pass_time(Duration::from_millis(30));
    assert_eq!((world.gateways[0].early, world.hears("2001")), (0, String::new()));
    let now = world.now;
    world.gateways[0].change(now, TerminationId::Root, Method::Disconnected, None);
    world.pass(2);
    assert_eq!(world.hears("2001"), "L/dl");
    world.gateways[1].early = 0;
    world.hang_up("2001");
    world.pass(5);
    assert!(world.exchange.snapshot().is_idle());
}

#[test]
fn a_gateway_that_goes_on_saying_that_it_is_not_registered_is_not_asked_for_ever() {
    let mut world = World::new(town());
    world.gateways[0].early = 1_000;
    world.pass(60);
    assert!(world.gateways[0].early > 900, "{}", world.gateways[0].early);
    world.gateways[0].early = 0;
    world.pass(60);
    world.ring("2001", "2004");
    world.end();
}

#[test]
fn what_an_exchange_had_begun_is_found_by_the_next_one_whatever_overtakes_what() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.crash();
    assert_eq!(world.start_again(), []);
    // The gateways have been called, and are about to register.
    world.pass_time(Duration::from_millis(12));
    world.gateways.iter_mut().for_each(|gateway| gateway.early = 5);
    world.pass(10);
    assert!(world.gateways.iter().all(|gateway| gateway.early == 0));
    for gateway in &world.gateways {
        assert_eq!(gateway.connections().count(), 0, "{}", gateway.domain);
    }
    assert_eq!(world.hears("2004"), "");
    world.hang_up("2001");
    world.pass(60);
    assert!(world.exchange.snapshot().is_idle());
}

#[test]
fn what_a_gateway_is_to_be_told_waits_until_it_comes_back_by_another_connection() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    let now = world.now;
    // The first gateway that spoke by this socket.
    world.exchange.handle_disconnected(now, MEGACO_TEXT);
    world.hang_up("2004");
    assert_eq!(world.hears("2001"), "", "it cannot be told");
    world.pass(5);
    assert_eq!(world.states("2001"), []);
    let now = world.now;
    world.gateways[0].change(now, TerminationId::Root, Method::Disconnected, None);
    world.settle();
    assert_eq!(world.hears("2001"), "L/ro");
    assert_eq!(world.states("2001"), []);
    world.end();
}

#[test]
fn a_gateway_that_does_not_come_back_by_another_connection_is_lost() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    let now = world.now;
    world.exchange.handle_disconnected(now, MEGACO_TEXT);
    world.pass(30);
    assert_eq!(world.states("2001"), [ServiceState::Unreachable]);
    assert_eq!(world.ended[0].cause, Cause::NETWORK_OUT_OF_ORDER);
    let now = world.now;
    world.gateways[0].change(now, TerminationId::Root, Method::Disconnected, None);
    world.pass(5);
    assert_eq!(world.states("2001"), [ServiceState::Unreachable, ServiceState::InService]);
    assert_eq!(world.gateways[0].connections().count(), 0, "what it kept is nobody's");
    world.end();
}

#[test]
fn what_comes_late_by_a_connection_that_a_gateway_has_left_does_not_take_it_there() {
    let mut world = World::running(town());
    world.connect("2001", "2004");
    // It restarted behind a cut: of its connection before, a message arrives yet, and then its end.
    let (now, address) = (world.now, world.gateways[0].address);
    let before = Route { transport: Transport::Udp, socket: SocketId(77), address };
    let late = b"!/1 <gw1.town> P=99{C=-{N=aaln/1}}";
    world.exchange.handle_input(now, Input::Megaco { route: before, bytes: late });
    world.exchange.handle_disconnected(now, SocketId(77));
    world.settle();
    world.pass(60);
    assert_eq!(world.states("2001"), []);
    world.hang_up("2004");
    assert_eq!(world.hears("2001"), "L/ro", "it is told");
    world.end();
}

#[test]
fn a_line_that_cannot_be_looked_at_is_cleared_unseen() {
    let mut world = World::running(town());
    world.ring("2001", "2004");
    world.crash();
    world.gateway_of("2004").refuse(Verb::Auep, "aaln/1", 400, 1);
    assert_eq!(world.start_again(), []);
    world.pass(10);
    assert_eq!(world.gateway_of("2004").connections().count(), 0);
    assert_eq!(world.line("2004").service, ServiceState::InService);
}

#[test]
fn a_line_in_a_context_that_nobody_knows_comes_back_from_it() {
    let mut world = World::running(town());
    let gateway = world.gateway_of("2001");
    gateway.mouth.as_mut().unwrap().contexts.insert("aaln/1".to_owned(), 77);
    let stray = Connection {
        call: "77".to_owned(),
        mode: "sendrecv".to_owned(),
        options: String::new(),
        port: 0x4e20,
        remote: None,
    };
    gateway.base.endpoints.get_mut("aaln/1").unwrap().connections.insert("4E20".to_owned(), stray);
    world.lift("2001");
    assert_eq!(world.hears("2001"), "L/dl");
    assert_eq!(world.gateway_of("2001").connections().count(), 0);
    world.dial("2001", "2004");
    world.lift("2004");
    assert!(world.talk("2001", "2004"));
    world.end();
}

#[test]
fn a_gateway_is_found_by_the_name_of_its_host_wherever_that_is() {
    let mut inventory = town();
    let megaco = inventory.gateways[1].megaco.clone();
    inventory.gateways[1] = GatewayEntry::megaco_named("gw2", "gw2.example:2427", "gw2.town", megaco);
    assert_eq!(inventory.check(), []);
    let mut world = World::new(inventory);
    let asked = |world: &mut World| {
        let asks = Event::Resolve { gateway: "gw2".to_owned(), name: "gw2.example:2427".to_owned() };
        let before = world.events.len();
        world.events.retain(|event| *event != asks);
        world.events.len() < before
    };
    world.gateways[1].address = "127.0.0.30:2427".parse().unwrap();
    world.gateways[1].media_host = "127.0.0.30".to_owned();
    world.pass(60);
    assert!(asked(&mut world));
    assert_ne!(world.line("2004").service, ServiceState::InService, "nobody knows where it is");
    // Its name has two addresses, and nobody is at the first.
    let [elsewhere, there] = ["127.0.0.29:2427", "127.0.0.30:2427"].map(|text| text.parse().unwrap());
    let now = world.now;
    world.exchange.handle_resolved(now, "gw2", &[elsewhere, there]);
    world.pass(120);
    assert_eq!(world.line("2004").service, ServiceState::InService);
    world.connect("2001", "2004");
    world.hang_up("2001");
    world.hang_up("2004");
    // The name goes elsewhere while it serves: it is heard where it is.
    let now = world.now;
    world.exchange.handle_resolved(now, "gw2", &[elsewhere]);
    world.connect("2004", "2001");
    world.hang_up("2001");
    world.hang_up("2004");
    // It moves; where it was, nobody is heard any more.
    let moved = "127.0.0.31:2427".parse().unwrap();
    world.gateways[1].address = moved;
    world.gateways[1].media_host = "127.0.0.31".to_owned();
    world.pass(120);
    assert!(asked(&mut world));
    assert_ne!(world.line("2004").service, ServiceState::InService);
    let now = world.now;
    world.exchange.handle_resolved(now, "gw2", &[moved]);
    world.patiently(|world| world.line("2004").service == ServiceState::InService);
    world.gateways[1].address = there;
    world.hook("2004", true);
    world.pass(1);
    assert_eq!(world.hears("2004"), "", "it is not heard from there");
    world.gateways[1].address = moved;
    world.pass(5);
    assert_eq!(world.hears("2004"), "L/dl");
    world.hang_up("2004");
    world.end();
}

#[test]
fn terminations_are_compared_with_the_inventory_and_contexts_are_counted() {
    use strowger_exchange::{EndpointsView, MegacoView};
    let mut world = World::new(town());
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    world.gateways[0].tells_terminations = true;
    world.gateways[0].base.endpoints.remove("aaln/3");
    world.gateways[0].base.endpoints.insert("aaln/9".to_owned(), crate::gateway::Endpoint::default());
    world.pass(5);
    let expected = EndpointsView { listed: 3, missing: names(&["aaln/3"]), unlisted: names(&["aaln/9"]) };
    let told = |event: &&Event| matches!(event, Event::EndpointsListed { gateway, .. } if gateway == "gw1");
    assert_eq!(world.events.iter().filter(told).count(), 1);
    let view = |world: &World, place: usize| world.exchange.snapshot().gateways[place].clone();
    assert_eq!(view(&world, 0).endpoints, Some(expected));
    assert_eq!(view(&world, 1).endpoints, None, "it cannot say");
    world.connect("2001", "2004");
    let one = MegacoView { contexts: 1, streams: 1, is_overloaded: false };
    assert_eq!((view(&world, 0).megaco, view(&world, 1).megaco), (Some(one), Some(one)));
    // It comes back with its contexts: what is in them is counted too, and streams are no terminations of the inventory.
    let now = world.now;
    world.gateways[0].change(now, TerminationId::Root, Method::Disconnected, None);
    world.pass(5);
    assert_eq!(view(&world, 0).endpoints.unwrap().listed, 3);
    world.hang_up("2001");
    world.hang_up("2004");
    world.pass(1);
    assert_eq!(view(&world, 0).megaco, Some(MegacoView::default()));
}
