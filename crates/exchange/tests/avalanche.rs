//! All gateways of a network return at once, as after a failure of power (RFC 3435 section 4.4.6). Ten thousand of them announce
//! their restart in the same moment, many are too busy for the first commands, and nothing may be lost.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use strowger_exchange::{
    Country, Exchange, Features, GatewayEntry, Input, Inventory, LineAccess, LineEntry, ServiceState,
};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, Time};

const GATEWAYS: usize = 10_000;
const LATENCY: Duration = Duration::from_millis(20);

fn address(gateway: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(gateway).unwrap().to_be_bytes();
    SocketAddr::from(([127, 1, high, low], 2427))
}

fn network() -> Inventory {
    let mut network = Inventory::new("town", Country::default());
    for gateway in 0..GATEWAYS {
        let id = format!("gw{gateway}");
        network.gateways.push(GatewayEntry::mgcp(&id, address(gateway), &format!("{id}.town")));
        let (number, endpoint) = (format!("2{gateway:05}"), "aaln/1".to_owned());
        network.lines.push(LineEntry {
            number,
            access: LineAccess::endpoint(id, endpoint),
            name: None,
            features: Features::NONE,
        });
    }
    network
}

/// How a gateway takes its first commands.
fn refusal(gateway: usize, asked: u32) -> Option<&'static str> {
    match (gateway % 10, asked) {
        (0..3, 0..3) => Some("405"),
        (3, 0..2) => Some("409"),
        _ => None,
    }
}

#[test]
fn ten_thousand_gateways_that_return_at_once_are_all_served() {
    let begun = Time::from_secs(1000);
    let mut exchange = Exchange::new(begun, network(), NodeId(0), Epoch(1), Rng::from_number(1));
    let mut now = begun;
    let mut wire = BTreeMap::<(Time, u64), (SocketAddr, Vec<u8>)>::new();
    let mut sent = 0_u64;
    let (mut asked, mut watched) = (vec![0_u32; GATEWAYS], vec![0_u32; GATEWAYS]);
    let by_address: BTreeMap<_, _> = (0..GATEWAYS).map(|gateway| (address(gateway), gateway)).collect();
    let (mut unanswered, mut most) = (BTreeSet::new(), 0);
    for gateway in 0..GATEWAYS {
        let text = format!("RSIP 1 *@gw{gateway}.town MGCP 1.0\r\nRM: restart\r\n");
        sent += 1;
        wire.insert((now + LATENCY, sent), (address(gateway), text.into_bytes()));
    }
    let mut served = None;
    while now < begun + Duration::from_secs(120) {
        let next = [wire.first_key_value().map(|((at, _), _)| *at), exchange.poll_timeout()];
        now = now.max(next.into_iter().flatten().min().unwrap());
        match wire.first_entry().filter(|entry| entry.key().0 <= now) {
            Some(entry) => {
                let (from, bytes) = entry.remove();
                let text = std::str::from_utf8(&bytes).unwrap();
                if !text.starts_with("RSIP") {
                    unanswered.remove(text.split(' ').nth(1).unwrap().trim());
                }
                exchange.handle_input(now, Input::Mgcp { from, bytes: &bytes });
            }
            None => exchange.handle_timeout(now),
        }
        while let Some(transmit) = exchange.poll_transmit() {
            let gateway = by_address[&transmit.to];
            for message in std::str::from_utf8(&transmit.payload).unwrap().split("\r\n.\r\n") {
                let mut words = message.split(' ');
                let (verb, id) = (words.next().unwrap(), words.next().unwrap());
                if verb.len() != 4 {
                    assert_eq!(verb, "200", "an announcement is answered");
                    continue;
                }
                unanswered.insert(id.to_owned());
                let code = refusal(gateway, asked[gateway]).unwrap_or("200");
                asked[gateway] += 1;
                watched[gateway] += u32::from(code == "200" && verb == "RQNT");
                sent += 1;
                wire.insert((now + LATENCY, sent), (transmit.to, format!("{code} {id} \r\n").into_bytes()));
            }
        }
        most = most.max(unanswered.len());
        if served.is_none() && watched.iter().all(|count| *count > 0) {
            served = Some(now.since(begun));
        }
        while exchange.poll_event().is_some() || exchange.poll_record().is_some() {}
        if served.is_some() && wire.is_empty() {
            break;
        }
    }
    let snapshot = exchange.snapshot();
    let out = snapshot.lines.iter().filter(|line| line.service != ServiceState::InService);
    assert_eq!(out.count(), 0, "all lines serve");
    assert!(watched.iter().all(|count| *count == 1), "each line was asked once and not again");
    assert_eq!((snapshot.transactions, unanswered.len()), (0, 0), "nothing is under way any more");
    assert!(most <= 4096, "{most} commands at a time");
    let counters = exchange.agent_counters();
    assert_eq!((counters.restarts, counters.gateways_lost, counters.failed), (10_000, 0, 0));
    assert_eq!(counters.given_again, 3000 * 3 + 1000 * 2, "each refusal was followed by another try");
    println!(
        "{GATEWAYS} gateways restarted at once: all in service after {:?}, at most {most} commands at a time, {} given again, none lost",
        served.unwrap(),
        counters.given_again,
    );
}
