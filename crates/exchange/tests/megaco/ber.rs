//! Gateways that speak Megaco in binary form (RFC 3525 Annex A), in the stories that must not depend on it.

use strowger_exchange::{Inventory, MegacoEncoding};

use crate::keys::{by_info, world};

/// The gateways of a town speak BER.
fn binary(mut town: Inventory) -> Inventory {
    for gateway in &mut town.gateways {
        gateway.megaco.encoding = MegacoEncoding::Binary;
    }
    town
}

#[test]
fn keys_go_between_a_line_on_a_binary_gateway_and_a_telephone_by_info() {
    let mut world = world(binary(by_info()));
    world.lift("2001");
    world.dial("2001", "2007");
    world.phone_answers("2007");
    assert!(world.talks_with_phone("2001", "2007"));
    // From the line to the telephone, each of them, and back.
    world.press_keys("2001", "159*0#");
    world.pass(4);
    assert_eq!(world.phone("2007").keys(), "159*0#");
    let (now, session) = (world.now, world.phone("2007").incoming());
    for key in "7#".chars() {
        assert!(world.phone("2007").agent.press(now, session, key));
    }
    world.pass(4);
    assert_eq!(world.keys_heard("2001"), "7#");
    world.phone_ends("2007", session, 16);
    world.hang_up("2001");
    world.end_of_phones();
}
