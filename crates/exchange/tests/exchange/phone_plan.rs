//! What the plan of an exchange is to SIP telephones: relays, classes of service, hot lines, and contacts that are preferred.

use strowger_exchange::{Cause, Contact, HotLine, Registration, ServiceClass, SipTransport};
use strowger_sansio::Duration;

use crate::forwarding::line;
use crate::phones;
use crate::sip_peer::{SipPeer, with_phones};
use crate::world::{World, relayed_town, town};

/// The port that a telephone was told last.
fn told_port(world: &mut World, number: &str) -> u16 {
    let described = world.phone(number).described();
    let port = described.split("m=audio ").nth(1).and_then(|line| line.split(' ').next());
    port.unwrap().parse().unwrap()
}

/// The ports of the relay's connections that flow, and where each sends.
fn relays(world: &World) -> Vec<(u16, Option<u16>)> {
    let connections = world.gateways[2].connections();
    connections.filter(|own| own.mode == "sendrecv").map(|own| (own.port, own.remote)).collect()
}

#[test]
fn a_relay_stands_between_a_telephone_and_a_line() {
    let mut world = phones::world(with_phones(relayed_town(4).0, &["Gwen"]));
    world.gateways[2].relays = 4;
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_rings("2007");
    world.phone_answers("2007");
    let line = world.endpoint("2001").connections.values().next().cloned().unwrap();
    let sides = relays(&world);
    assert_eq!(sides.len(), 2, "{sides:?}");
    let of_phone = told_port(&mut world, "2007");
    assert!(sides.contains(&(of_phone, Some(7000))), "{of_phone}: {sides:?}");
    assert!(sides.contains(&(line.remote.unwrap(), Some(line.port))), "{line:?}: {sides:?}");
    world.hang_up("2001");
    world.end_of_phones();
}

#[test]
fn a_relay_stands_between_two_telephones() {
    let mut world = phones::world(with_phones(relayed_town(4).0, &["Gwen", "Hank"]));
    world.gateways[2].relays = 4;
    let session = world.phone_calls("2007", "2008");
    world.phone_rings("2008");
    world.phone_answers("2008");
    let sides = relays(&world);
    let (one, other) = (told_port(&mut world, "2007"), told_port(&mut world, "2008"));
    assert_ne!(one, other);
    assert!([one, other].iter().all(|port| sides.contains(&(*port, Some(7000)))), "{one} {other}: {sides:?}");
    world.phone_ends("2007", session, 16);
    world.end_of_phones();
}

#[test]
fn a_class_of_service_screens_what_a_telephone_calls() {
    let mut town = with_phones(town(), &["Gwen"]);
    town.classes.push(ServiceClass { barred: vec!["2005".to_owned()], ..ServiceClass::new("local") });
    line(&mut town, "2007").class = Some("local".to_owned());
    assert_eq!(town.check(), []);
    let mut world = phones::world(town);
    world.phone_calls("2007", "2005");
    assert_eq!(world.last("2007"), "403");
    assert_eq!(world.ended[0].cause, Cause::BEARER_NOT_AUTHORIZED);
    assert_eq!(world.hears("2005"), "");
    let session = world.phone_calls("2007", "2004");
    assert!(world.hears("2004").starts_with("L/rg"));
    world.phone_ends("2007", session, 16);
    world.end_of_phones();
}

#[test]
fn a_telephone_on_a_hot_line_calls_one_number_whatever_it_dials() {
    let mut town = with_phones(town(), &["Gwen"]);
    let hot_line = HotLine { number: "2004".to_owned(), after: Duration::ZERO };
    line(&mut town, "2007").hot_line = Some(hot_line);
    assert_eq!(town.check(), []);
    let mut world = phones::world(town);
    for dialled in ["2005", "0"] {
        let session = world.phone_calls("2007", dialled);
        assert!(world.hears("2004").starts_with("L/rg"), "{dialled}: {}", world.hears("2004"));
        assert_eq!(world.hears("2005"), "");
        world.phone_ends("2007", session, 16);
    }
    world.end_of_phones();
}

#[test]
fn contacts_ring_by_their_preference_those_of_the_same_together() {
    let mut world = World::new(with_phones(town(), &["Gwen"]));
    world.pass(5);
    let contact = |(host, quality): (u8, u16)| Contact {
        uri: format!("sip:gwen@127.0.0.{host}:5060"),
        quality,
        call_id: format!("reg-{host}"),
        cseq: 1,
        expires: world.now + Duration::from_secs(3600),
        transport: SipTransport::Udp,
        address: std::net::SocketAddr::from(([127, 0, 0, host], 5060)),
    };
    let contacts = [(41, 500), (42, 1000), (43, 100), (44, 1000)].map(contact).to_vec();
    let (line, user) = ("2007".to_owned(), "desk-2007".to_owned());
    let at = world.now;
    world.exchange.restore_registrations(at, &[Registration { at, line, user, contacts }]);
    for host in 41..45 {
        world.phones.push(SipPeer::silent_phone(at, host));
    }
    world.pass(1);
    world.lift("2001");
    world.dial("2001", "2007");
    let called = |world: &World| -> Vec<bool> {
        world.phones.iter().map(|phone| phone.words().contains(&"INVITE".to_owned())).collect()
    };
    assert_eq!(called(&world), [false, true, false, true], "those with the greatest q");
    let refuses = |world: &mut World, at: usize| {
        let (now, session) = (world.now, world.phones[at].incoming());
        world.phones[at].agent.end(now, session, 17);
        world.settle();
    };
    refuses(&mut world, 1);
    assert_eq!(called(&world), [false, true, false, true], "the other of them rings on");
    refuses(&mut world, 3);
    assert_eq!(called(&world), [true, true, false, true]);
    let now = world.now;
    world.phones[0].answer(now);
    world.settle();
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7000)));
    assert_eq!(called(&world), [true, true, false, true], "whoever is preferred less is left in peace");
    world.hang_up("2001");
    world.end_of_phones();
}
