//! The digit map and the routing must agree: what a gateway collects by the map is what the exchange can route.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_exchange::{
    Cause, Country, Features, GatewayEntry, Inventory, LineAccess, LineEntry, Plan, Resolution, RouteEntry,
    RouteTarget,
};
use strowger_mgcp::digitmap::{DialSymbol, DigitMap, MatchState};
use strowger_mgcp::limits::Limits;
use strowger_sansio::Rng;

/// A plan of short numbers, so that they collide often.
fn draw_inventory(rng: &mut Rng) -> Inventory {
    let country: Country = rng.pick(&["us", "de", "dk", "gb"]).unwrap().parse().unwrap();
    let mut town = Inventory::new("town", country);
    town.gateways.push(GatewayEntry::mgcp("gw1", "127.0.0.9:2427".parse().unwrap(), "gw1.town"));
    for line in 0..rng.below(12) {
        let plus = if rng.chance(0.1) { "+" } else { "" };
        let number = format!("{plus}{}", draw_number(rng, 1, 5));
        let endpoint = format!("aaln/{line}");
        town.lines.push(LineEntry {
            number,
            access: LineAccess::endpoint("gw1", endpoint),
            name: None,
            features: Features::default(),
        });
    }
    for _ in 0..rng.below(5) {
        let first = *rng.pick(&["", "", "", "*", "+"]).unwrap();
        let prefix = format!("{first}{}", draw_number(rng, 1, 3));
        let least = u8::try_from(prefix.len() as u64 + rng.below(3)).unwrap();
        let length = rng.chance(0.6).then(|| least..=least + u8::try_from(rng.below(4)).unwrap());
        let to = vec![RouteTarget::Release(Cause::CALL_REJECTED)];
        town.routes.push(RouteEntry { prefix, strip: 0, add: String::new(), length, to });
    }
    town
}

fn draw_number(rng: &mut Rng, least: u64, most: u64) -> String {
    let length = least + rng.below(most - least + 1);
    (0..length).map(|_| *rng.pick(&['0', '1', '2', '4']).unwrap()).collect()
}

fn symbols(text: &str) -> Vec<DialSymbol> {
    text.chars().map(|key| DialSymbol::new(key).unwrap()).collect()
}

/// Dials key by key as a gateway does: the state, and how many keys it took.
fn dial(map: &DigitMap, keys: &str) -> (MatchState, usize) {
    map.dial(symbols(keys))
}

#[test]
fn what_the_map_collects_is_what_can_be_routed() {
    let mut rng = Rng::from_number(1);
    let mut outcomes = [0; 4];
    for round in 0..3000 {
        let inventory = draw_inventory(&mut rng);
        if inventory.lines.is_empty() && inventory.routes.is_empty() {
            continue;
        }
        let plan = Plan::new(&inventory);
        let text = plan.digit_map();
        let map =
            DigitMap::compile(text, &Limits::default()).unwrap_or_else(|e| panic!("{round}: {text}: {e}"));
        for _ in 0..40 {
            let star = if rng.chance(0.1) { "*" } else { "" };
            let keys = format!("{star}{}", draw_number(&mut rng, 1, 9));
            let (state, used) = dial(&map, &keys);
            let dialled = &keys[..used];
            let resolution = plan.resolve(dialled);
            let context =
                format!("{round}: {text} after {dialled}: {state:?}, {resolution:?}\n{inventory:?}");
            match state {
                MatchState::Match => assert!(matches!(resolution, Resolution::Hunt { .. }), "{context}"),
                MatchState::Impossible => assert_eq!(resolution, Resolution::Unallocated, "{context}"),
                MatchState::Partial { timer_completes: true } => {
                    assert!(matches!(resolution, Resolution::Hunt { .. }), "{context}");
                }
                MatchState::Partial { timer_completes: false } => {
                    assert_eq!(resolution, Resolution::Incomplete, "{context}");
                }
            }
            outcomes[match state {
                MatchState::Match => 0,
                MatchState::Impossible => 1,
                MatchState::Partial { timer_completes: true } => 2,
                MatchState::Partial { timer_completes: false } => 3,
            }] += 1;
        }
    }
    assert!(outcomes.iter().all(|count| *count > 1000), "{outcomes:?}");
}

#[test]
fn every_line_can_be_dialled_through_a_widened_map() {
    let mut town = Inventory::new("town", Country::default());
    town.gateways.push(GatewayEntry::mgcp("gw1", "127.0.0.9:2427".parse().unwrap(), "gw1.town"));
    let mut rng = Rng::from_number(2);
    for line in 0..2000 {
        let number = format!("2{}{line:04}", rng.below(10));
        let endpoint = format!("aaln/{line}");
        town.lines.push(LineEntry {
            number,
            access: LineAccess::endpoint("gw1", endpoint),
            name: None,
            features: Features::default(),
        });
    }
    town.lines[7].number = "27".to_owned();
    let plan = Plan::new(&town);
    assert!(plan.digit_map().len() <= town.limits.digit_map);
    let map = DigitMap::compile(plan.digit_map(), &Limits::default()).unwrap();
    for line in &town.lines {
        let (state, used) = dial(&map, &line.number);
        assert_eq!(used, line.number.len());
        let short = matches!(state, MatchState::Partial { timer_completes: true });
        assert!(state == MatchState::Match || short, "{}: {state:?}", line.number);
    }
}
