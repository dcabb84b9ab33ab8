//! Flows of telephones: several connections of one, told apart by its name and their numbers (RFC 5626).

use strowger_sansio::SocketId;
use strowger_sip::agent::{AgentConfig, Event, Local};
use strowger_sip::message::{Message, Name};
use strowger_sip::{Route, Transport};

use super::pair::invitation;
use super::registrar::{HOME, PHONE, Town, code, place, town_config};

const INSTANCE: &str = "\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"";

fn config() -> AgentConfig {
    let mut config = town_config();
    let udp = config.locals[0].clone();
    config.locals.push(Local { transport: Transport::Tcp, socket: SocketId(1), ..udp });
    config
}

/// A connection of a telephone's.
fn flow(port: u16) -> Route {
    Route { transport: Transport::Tcp, socket: SocketId(1), address: place(7, port) }
}

/// A contact that is a flow.
fn contact(host: u8, number: u32) -> String {
    format!(
        "Contact: <sip:2003@10.0.0.{host};transport=tcp>;+sip.instance={INSTANCE};reg-id={number}\r\nSupported: path, outbound\r\n"
    )
}

fn contacts(answer: &Message<'_>) -> Vec<String> {
    answer.header.list(&Name::Contact).map(str::to_owned).collect()
}

#[test]
fn a_flow_is_a_binding_of_its_own_and_takes_the_place_of_the_one_with_its_number() {
    let mut town = Town::with(config());
    let answer = town.register_by(flow(40_001), &contact(5, 1));
    assert_eq!(code(&answer), 200);
    assert_eq!(answer.header.get(&Name::Require), Some("outbound"));
    assert!(answer.header.lists(&Name::Supported, "outbound"));
    assert_eq!(answer.header.get(&Name::FlowTimer), Some("120"));
    let told = format!("<sip:2003@10.0.0.5;transport=tcp>;expires=3600;+sip.instance={INSTANCE};reg-id=1");
    assert_eq!(contacts(&answer), [told]);
    // The same URI by another flow is another binding …
    assert_eq!(contacts(&town.register_by(flow(40_002), &contact(5, 2))).len(), 2);
    // … and another URI by a flow that is known is the same.
    let answer = town.register_by(flow(40_003), &contact(6, 1));
    assert_eq!(contacts(&answer).len(), 2);
    let routes: Vec<_> = town.agent.bindings(town.now, PHONE).iter().map(|one| one.route).collect();
    assert_eq!(routes, [flow(40_003), flow(40_002)]);
    // When a flow ends the other is left.
    town.events();
    town.agent.handle_disconnected(town.now, flow(40_003), &[]);
    assert_eq!(town.events(), [Event::Moved { peer: PHONE }]);
    assert_eq!(town.contacts(), ["sip:2003@10.0.0.5;transport=tcp"]);
    // It is given up by its number.
    let gone = contact(9, 2).replace("reg-id=2", "reg-id=2;expires=0");
    assert_eq!(contacts(&town.register_by(flow(40_002), &gone)), [] as [String; 0]);
}

#[test]
fn of_two_flows_the_one_is_called_by_that_was_made_last() {
    let mut town = Town::with(config());
    town.register_by(flow(40_001), &contact(5, 1));
    town.now += strowger_sansio::Duration::from_secs(10);
    town.register_by(flow(40_002), &contact(5, 2));
    let mut call = invitation();
    (call.peer, call.called) = (PHONE, "2003".into());
    town.agent.invite_contact(town.now, &call, "sip:2003@10.0.0.5;transport=tcp").unwrap();
    assert_eq!(town.agent.poll_transmit().unwrap().to, place(7, 40_002));
}

#[test]
fn what_only_looks_like_a_flow_is_a_contact_as_any() {
    let mut town = Town::with(config());
    // Without its option, without its name, without a number, or with a number that is none.
    let one = contact(5, 1);
    let cases = [
        one.replace("Supported: path, outbound\r\n", ""),
        one.replace(&format!(";+sip.instance={INSTANCE}"), ""),
        one.replace(";reg-id=1", ""),
        one.replace("reg-id=1", "reg-id=0"),
    ];
    for more in cases {
        let answer = town.register_by(flow(40_001), &more);
        assert_eq!((code(&answer), answer.header.get(&Name::Require)), (200, None), "{more}");
        assert_eq!(contacts(&answer), ["<sip:2003@10.0.0.5;transport=tcp>;expires=3600"]);
    }
    // By datagram nobody knows whether a flow still gets through.
    let mut login = town.login(place(8, 5060), "2003", "secret");
    let answer = town.register(place(8, 5060), &mut login, &contact(6, 1));
    assert_eq!((code(&answer), answer.header.get(&Name::FlowTimer)), (200, None));
}

#[test]
fn a_flow_that_ends_at_a_proxy_is_refused_with_439_and_two_at_once_with_400() {
    let mut town = Town::with(config());
    let via = "Via: SIP/2.0/TCP 10.0.0.77;branch=z9hG4bKp\r\n";
    let answer = town.register_by(flow(40_001), &format!("{}{via}", contact(5, 1)));
    assert_eq!(code(&answer), 439);
    // One that does not ask for it is taken all the same.
    assert_eq!(code(&town.register_by(flow(40_001), &format!("{HOME}{via}"))), 200);
    let two = format!("{}{}", contact(5, 1), contact(6, 2));
    assert_eq!(code(&town.register_by(flow(40_001), &two)), 400);
    // Together with one that is given up it may be.
    let moved = format!("{}{}", contact(5, 1), contact(6, 2).replace("reg-id=2", "reg-id=2;expires=0"));
    assert_eq!(code(&town.register_by(flow(40_001), &moved)), 200);
}
