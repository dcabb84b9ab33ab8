//! From which messages it is learned how a peer speaks, and in which form each is answered.

use strowger_megaco::message::{ErrorDescriptor, Message, ReplyResult, Version};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Coding, Form, Route, Transport};
use strowger_megaco::{ErrorCode, binary, text};
use strowger_sansio::SocketId;

use crate::spoken;
use crate::support::{CONTROLLER, Habit, World};

const PRETTY: &str = "MEGACO/2 <gw1.town>\nTransaction=9{Context=-{Notify=00000001/00000010/00000011{\
    ObservedEvents=1{20260101T12000000:al/of}}}}";

fn binary_of(text: &str) -> Vec<u8> {
    let options = text::Options::default();
    let message: Message<'_> = text::decode(text.as_bytes(), &options).unwrap();
    let mut octets = Vec::new();
    binary::encode(&message, &Coding::default().binary, &mut octets).unwrap();
    octets
}

fn world() -> World {
    World::plain(Transport::Udp)
}

fn own(world: &World) -> strowger_megaco::transaction::Dialect {
    let own = &world.sides[CONTROLLER];
    own.layer.dialect_of(own.peer)
}

const COMPACT: Form = Form::Text(Layout::Compact);

#[test]
fn how_a_peer_speaks_is_learned_from_a_message_that_could_be_read() {
    let mut world = world();
    world.deliver(CONTROLLER, PRETTY.as_bytes());
    assert_eq!(own(&world), spoken(Form::Text(Layout::Pretty), Version::V2));
    world.deliver(CONTROLLER, &binary_of(&PRETTY.replace("=9{", "=10{")));
    assert_eq!(own(&world), spoken(Form::Binary, Version::V2));
}

#[test]
fn nothing_is_learned_from_what_cannot_be_read_though_it_is_answered_as_it_was_spoken() {
    let usual = spoken(COMPACT, Version::V1);
    let answered = |bytes: &[u8]| {
        let mut world = world();
        world.deliver(CONTROLLER, bytes);
        assert_eq!(own(&world), usual, "{bytes:?}");
        assert_eq!(world.sides[CONTROLLER].sent.len(), 1, "{bytes:?}");
        world.sides[CONTROLLER].sent[0].clone()
    };
    // A body that is none, a request of which only the number can be read, and one of which a command can.
    let nothing = answered(b"MEGACO/2 <gw1.town>\nwhat is this?");
    assert!(nothing.starts_with(b"MEGACO/2 <town>\n"), "{}", String::from_utf8_lossy(&nothing));
    let request = answered(b"MEGACO/2 <gw1.town>\nTransaction=9{Context=-{Sing=a}}");
    assert!(request.starts_with(b"MEGACO/2 <town>\nReply = 9"), "{}", String::from_utf8_lossy(&request));
    let part = answered(PRETTY.replace("}}}}", "}},Sing=a}}").as_bytes());
    assert!(part.starts_with(b"MEGACO/1 <town>\nReply = 9"), "{}", String::from_utf8_lossy(&part));
    // A binary message with a fault at its end, and what is cut and may be anything.
    let octets = binary_of(PRETTY);
    let spoilt = |place: usize| [&octets[..place], &[0xff], &octets[place + 1..]].concat();
    let coding = Coding::default();
    let damaged = (0..octets.len()).rev().map(spoilt).find(|octets| coding.decode(octets).is_err()).unwrap();
    assert_eq!(answered(&damaged)[0], 0x30);
    assert!(answered(&octets[..octets.len() - 1]).starts_with(b"!/1 <town>\nER=400"));
    // A version that nobody speaks is refused in the form in which it came.
    let later = answered(b"MEGACO/9 <gw1.town>\nTransaction=9{Context=-{}}");
    assert!(later.starts_with(b"MEGACO/1 <town>\nError"), "{}", String::from_utf8_lossy(&later));
}

#[test]
fn nothing_is_learned_from_another_address_or_under_another_name() {
    let mut world = world();
    let elsewhere = Route::udp("192.0.2.1:2945".parse().unwrap());
    let over_tcp = Route::tcp(SocketId::MAIN, "192.0.2.1:2944".parse().unwrap());
    for route in [elsewhere, over_tcp, Route::udp("192.0.2.9:2944".parse().unwrap())] {
        world.deliver_from(CONTROLLER, route, PRETTY.as_bytes());
    }
    world.deliver(CONTROLLER, PRETTY.replace("gw1.town", "gw2.town").as_bytes());
    assert_eq!(own(&world), spoken(COMPACT, Version::V1));
    assert!(world.sides[CONTROLLER].sent.is_empty());
}

#[test]
fn a_request_that_takes_long_is_answered_in_its_own_form() {
    let mut world = world();
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.deliver(CONTROLLER, PRETTY.as_bytes());
    let compact = PRETTY.replace("MEGACO/2", "!/2").replace("=9{", "=10{");
    world.deliver(CONTROLLER, compact.as_bytes());
    let side = &mut world.sides[CONTROLLER];
    for token in std::mem::take(&mut side.kept) {
        let error = ErrorDescriptor { code: ErrorCode::INTERNAL, text: None };
        let result = ReplyResult::Error(error);
        side.layer.respond(world.now, token, result).unwrap();
    }
    world.flush(CONTROLLER);
    assert!(
        world.text(CONTROLLER, 0).starts_with("MEGACO/2 <town>\nReply = 9"),
        "{}",
        world.text(CONTROLLER, 0)
    );
    assert!(world.text(CONTROLLER, 1).starts_with("!/2 <town>\nP=10"), "{}", world.text(CONTROLLER, 1));
}
