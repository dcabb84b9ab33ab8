//! What concerns one peer leaves the others alone, and the bounds of what is kept (RFC 3435 sections 3.5 and 4.3).

use std::net::SocketAddr;
use std::time::Duration;

use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Message, TransactionId};
use strowger_mgcp::text;
use strowger_mgcp::transaction::{
    Bundling, PeerConfig, PeerId, ProtocolTimers, Received, TimerConflict, Token, TransactionLimits,
};
use strowger_sansio::Time;

use crate::pair::{Pair, Service, Weather, address};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn targets(pair: &Pair) -> Vec<SocketAddr> {
    pair.sent_by(0).iter().map(|sent| sent.to).collect()
}

/// Side 0 sends a command to another of its peers.
fn command_to(pair: &mut Pair, peer: PeerId, tag: u32) -> TransactionId {
    let build = |id: TransactionId| format!("AUEP {id} aaln/{tag}@gw2.town MGCP 1.0\r\n").into_bytes();
    let id = pair.sides[0].transactions.send(pair.now, peer, build, tag);
    pair.flush();
    id
}

/// Hands a command to side 1, which does not answer it yet.
fn executes(pair: &mut Pair, from: SocketAddr, bytes: &[u8]) -> Token {
    let message = text::datagram(bytes, &Limits::default()).next().unwrap().unwrap();
    match pair.sides[1].transactions.receive(pair.now, from, &message) {
        Received::Execute(token) => token,
        other => unreachable!("{other:?}"),
    }
}

fn receives(pair: &mut Pair, from: SocketAddr, bytes: &[u8]) -> Received<u32> {
    let message: Message<'_> = text::datagram(bytes, &Limits::default()).next().unwrap().unwrap();
    pair.sides[1].transactions.receive(pair.now, from, &message)
}

fn answers(pair: &Pair) -> Vec<String> {
    pair.sent_by(1).iter().map(|sent| sent.text().split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_peer_that_is_unreachable_moves_no_command_of_another() {
    let mut pair = Pair::new(1);
    pair.weather = Weather::DEAD;
    let other = pair.sides[0]
        .transactions
        .add_peer(PeerConfig { others: vec![address(8)], ..PeerConfig::at(address(7)) });
    let own = pair.command(0, 1);
    command_to(&mut pair, other, 2);
    let now = pair.now;
    pair.sides[0].transactions.handle_unreachable(now, address(2));
    pair.flush();
    assert_eq!(targets(&pair), [address(2), address(7)]);
    // A report that quotes the command of one peer says nothing of the place of another.
    let quoted = pair.sent_by(0)[0].bytes.clone();
    assert!(!pair.sides[0].transactions.handle_undelivered(now, address(7), &quoted));
    pair.flush();
    assert_eq!(targets(&pair), [address(2), address(7)]);
    pair.sides[0].transactions.handle_unreachable(now, address(7));
    pair.flush();
    assert_eq!(targets(&pair), [address(2), address(7), address(8)]);
    assert!(pair.sides[0].transactions.is_outstanding(own));
}

#[test]
fn nothing_moves_that_is_worked_on_or_whose_time_is_over() {
    let mut pair = Pair::new(2);
    pair.configure(|config| config.others = vec![address(8)]);
    pair.sides[1].service = Service::Announced(25 * SECOND);
    pair.command(0, 1);
    pair.run(SECOND);
    let before = pair.sent_by(0).len();
    let now = pair.now;
    pair.sides[0].transactions.handle_unreachable(now, address(2));
    pair.flush();
    assert_eq!(pair.sent_by(0).len(), before, "the gateway has said that it works on it");
    let mut pair = Pair::new(2);
    pair.weather = Weather::DEAD;
    pair.command(0, 1);
    pair.run(20 * SECOND + 10 * MS);
    pair.configure(|config| config.others = vec![address(8)]);
    let before = pair.sent_by(0).len();
    let now = pair.now;
    pair.sides[0].transactions.handle_unreachable(now, address(2));
    pair.flush();
    assert_eq!(pair.sent_by(0).len(), before, "T-MAX is over");
}

#[test]
fn the_answer_of_the_name_service_for_one_peer_hastens_no_command_of_another() {
    let mut pair = Pair::new(3);
    pair.weather = Weather::DEAD;
    let named = PeerConfig { name: Some("gw2.town".into()), address: None, ..PeerConfig::at(address(7)) };
    let other = pair.sides[0].transactions.add_peer(named);
    command_to(&mut pair, other, 2);
    pair.command(0, 1);
    assert_eq!(targets(&pair), [address(2)]);
    pair.resolved(&[address(9)]);
    assert_eq!(targets(&pair), [address(2)], "a fresh command is not moved by it either");
    let now = pair.now;
    pair.sides[0].transactions.handle_resolved(now, other, &[address(7)]);
    pair.flush();
    assert_eq!(targets(&pair), [address(2), address(7)]);
}

#[test]
fn a_name_that_cannot_be_resolved_takes_nothing_away() {
    let mut pair = Pair::new(3);
    pair.configure(|config| config.name = Some("gw1.town".into()));
    pair.resolved(&[address(9)]);
    pair.resolved(&[]);
    pair.inject(address(9), 0, b"AUEP 5 aaln/1@gw1.town MGCP 1.0\r\n");
    assert_eq!(
        pair.sides[0].transactions.counters().unlisted,
        0,
        "what was found before is still its address"
    );
    // Another name is another host.
    pair.configure(|config| config.name = Some("gw9.town".into()));
    pair.inject(address(9), 0, b"AUEP 6 aaln/1@gw1.town MGCP 1.0\r\n");
    assert_eq!(pair.sides[0].transactions.counters().unlisted, 1);
}

#[test]
fn a_name_brings_eight_addresses_at_most_and_only_such_as_a_host_can_have() {
    let mut pair = Pair::new(3);
    pair.configure(|config| config.name = Some("gw1.town".into()));
    let odd = ["0.0.0.0:2427", "255.255.255.255:2427", "224.0.1.1:2427", "127.0.0.99:0", "[::]:2427"];
    let mut found: Vec<SocketAddr> = odd.iter().map(|text| text.parse().unwrap()).collect();
    found.extend((20..30).map(address));
    pair.resolved(&found);
    for text in odd {
        pair.inject(text.parse().unwrap(), 0, b"AUEP 5 aaln/1@gw1.town MGCP 1.0\r\n");
    }
    assert_eq!(pair.sides[0].transactions.counters().unlisted, 5);
    for host in 20..30 {
        pair.inject(address(host), 0, format!("AUEP {host} aaln/1@gw1.town MGCP 1.0\r\n").as_bytes());
    }
    assert_eq!(pair.sides[0].transactions.counters().unlisted, 7, "the ninth and the tenth");
}

#[test]
fn what_is_configured_anew_forgets_which_address_answered_and_listens_to_no_port_by_chance() {
    let mut pair = Pair::new(4);
    pair.configure(|config| (config.address, config.others) = (Some(address(8)), vec![address(2)]));
    pair.command(0, 1);
    pair.run(60 * SECOND);
    pair.command(0, 2);
    assert_eq!(pair.sent_by(0).last().unwrap().to, address(2), "which answered last");
    pair.run(SECOND);
    pair.configure(|config| config.others = vec![address(2), SocketAddr::new(address(5).ip(), 0)]);
    pair.command(0, 3);
    assert_eq!(pair.sent_by(0).last().unwrap().to, address(8), "as it is configured");
    let strange = SocketAddr::new(address(5).ip(), 4999);
    pair.inject(strange, 0, b"AUEP 5 aaln/1@gw1.town MGCP 1.0\r\n");
    assert_eq!(pair.sides[0].transactions.counters().unlisted, 0);
    pair.configure(|config| config.others = vec![address(2)]);
    pair.inject(strange, 0, b"AUEP 6 aaln/1@gw1.town MGCP 1.0\r\n");
    assert_eq!(pair.sides[0].transactions.counters().unlisted, 1);
}

#[test]
fn an_answer_from_a_place_that_is_only_listened_to_makes_it_no_target() {
    let mut pair = Pair::new(4);
    pair.configure(|config| config.others = vec![SocketAddr::new(address(8).ip(), 0)]);
    pair.weather = Weather::DEAD;
    let id = pair.command(0, 1);
    let elsewhere = SocketAddr::new(address(8).ip(), 5555);
    pair.inject(elsewhere, 0, format!("200 {id} OK\r\n").as_bytes());
    assert_eq!(pair.sides[0].completed.get(&1), Some(&1));
    pair.command(0, 2);
    assert_eq!(pair.sent_by(0).last().unwrap().to, address(2));
}

#[test]
fn messages_that_travel_separately_share_no_datagram() {
    let mut pair = Pair::new(5);
    pair.configure(|config| config.bundling = Bundling::Separate);
    let (now, peer) = (pair.now, pair.sides[0].peer);
    for tag in 1..=3 {
        let build = |id: TransactionId| format!("AUEP {id} aaln/{tag}@gw1.town MGCP 1.0\r\n").into_bytes();
        pair.sides[0].transactions.send(now, peer, build, tag);
    }
    pair.flush();
    assert_eq!(pair.sent_by(0).len(), 3);
    pair.configure(|config| config.bundling = Bundling::Piggyback);
    for tag in 4..=6 {
        let build = |id: TransactionId| format!("AUEP {id} aaln/{tag}@gw1.town MGCP 1.0\r\n").into_bytes();
        pair.sides[0].transactions.send(now, peer, build, tag);
    }
    pair.flush();
    assert_eq!(pair.sent_by(0).len(), 4);
}

#[test]
fn the_final_answer_goes_where_the_latest_copy_of_the_command_came_from() {
    let mut pair = Pair::new(6);
    let side = &mut pair.sides[1];
    let mut config = side.transactions.peer(side.peer).clone();
    config.others = vec![address(11)];
    side.transactions.configure_peer(side.peer, config);
    let notify = b"NTFY 31 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n";
    let token = executes(&mut pair, address(1), notify);
    assert!(matches!(receives(&mut pair, address(11), notify), Received::Answered(_)));
    let now = pair.now;
    pair.sides[1].transactions.respond(now, token, b"200 31 OK\r\n".to_vec());
    pair.flush();
    let to: Vec<_> = pair.sent_by(1).iter().map(|sent| sent.to).collect();
    assert_eq!(to, [address(11)], "RFC 3435 section 3.5: to the source of the command");
    assert!(pair.sent_by(1)[0].text().contains("200 31 OK"), "with the provisional one before it");
}

#[test]
fn a_damaged_copy_of_a_command_that_executes_gets_no_answer_of_its_own() {
    let mut pair = Pair::new(6);
    let good = b"NTFY 31 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n";
    let bad = b"NTFY 31 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L//hd(\r\n";
    let token = executes(&mut pair, address(1), good);
    pair.inject(address(1), 1, bad);
    assert!(answers(&pair).is_empty());
    let now = pair.now;
    pair.sides[1].transactions.respond(now, token, b"200 31 OK\r\n".to_vec());
    pair.flush();
    pair.inject(address(1), 1, bad);
    assert_eq!(answers(&pair), ["200 31"], "its own answer stands");
    pair.inject(address(1), 1, &bad.iter().map(|o| if *o == b'3' { b'4' } else { *o }).collect::<Vec<_>>());
    assert_eq!(answers(&pair).len(), 2, "a damaged command that never came whole is refused");
}

#[test]
fn a_command_that_executes_when_its_gateway_begins_a_new_life_still_has_its_limit() {
    let mut pair = Pair::new(7);
    let rsip = b"RSIP 77 *@gw1.town MGCP 1.0\r\nRM: restart\r\n";
    let token = executes(&mut pair, address(1), rsip);
    let now = pair.now;
    pair.sides[1].transactions.begin_life(now, &token);
    // An identifier of its former life is a new command in the new one.
    pair.run(60 * SECOND);
    assert_eq!(answers(&pair)[0], "406 77", "RFC 3435 section 3.5.6");
    assert_eq!(pair.sides[1].transactions.counters().execution_timeouts, 1);
    drop(token);
}

#[test]
fn a_late_copy_of_a_restart_is_known_in_the_life_that_it_began() {
    let mut pair = Pair::new(7);
    let rsip = b"RSIP 77 *@gw1.town MGCP 1.0\r\nRM: restart\r\n";
    let token = executes(&mut pair, address(1), rsip);
    let now = pair.now;
    pair.sides[1].transactions.begin_life(now, &token);
    pair.sides[1].transactions.respond(now, token, b"200 77 OK\r\n".to_vec());
    let second = executes(&mut pair, address(1), b"RSIP 78 *@gw1.town MGCP 1.0\r\nRM: restart\r\n");
    pair.sides[1].transactions.begin_life(now, &second);
    pair.sides[1].transactions.respond(now, second, b"200 78 OK\r\n".to_vec());
    assert!(matches!(receives(&mut pair, address(1), rsip), Received::Answered(_)), "it ends no life");
    // Other commands of its former life may come again with the same number.
    let _ = executes(&mut pair, address(1), b"NTFY 77 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n");
}

#[test]
fn sixteen_answers_are_confirmed_at_most_and_the_oldest_are_let_go() {
    let mut pair = Pair::new(8);
    let mut ids = Vec::new();
    for tag in 1..=20 {
        ids.push(pair.command(0, tag));
        pair.run(100 * MS);
    }
    let (now, peer) = (pair.now, pair.sides[0].peer);
    let confirmed = pair.sides[0].transactions.confirmations(now, peer, 100);
    let firsts: Vec<_> = confirmed.iter().map(|range| range.first).collect();
    assert_eq!(firsts, ids[4..], "in the order in which they came");
    assert!(pair.sides[0].transactions.confirmations(now, peer, 100).is_empty(), "each once");
    pair.command(0, 21);
    pair.run(30 * SECOND + 20 * MS);
    let now = pair.now;
    assert!(pair.sides[0].transactions.confirmations(now, peer, 100).is_empty(), "T-HIST is over");
}

#[test]
fn acknowledgements_are_awaited_by_so_many_answers_and_by_no_more() {
    let limits = TransactionLimits { awaiting_acknowledgement: 1, ..TransactionLimits::default() };
    let mut pair = Pair::with(9, &ProtocolTimers::default(), &limits);
    for id in [31, 32] {
        let notify = format!("NTFY {id} aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n");
        let token = executes(&mut pair, address(1), notify.as_bytes());
        pair.sides[1].transactions.provisional(&token, format!("100 {id} Wait\r\n").into_bytes());
        let now = pair.now;
        pair.sides[1].transactions.respond(now, token, format!("200 {id} OK\r\n").into_bytes());
    }
    pair.weather = Weather::DEAD;
    pair.run(60 * SECOND);
    let counted =
        |wanted: &str| pair.sent_by(1).iter().filter(|sent| sent.text().starts_with(wanted)).count();
    assert!((5..=7).contains(&counted("200 31")), "repeated until T-MAX or Max2");
    assert_eq!(counted("200 32"), 0, "it went behind the first in one datagram, once");
    assert!(pair.sent_by(1)[0].text().contains("200 32 OK\r\nK:\r\n"));
    let last = pair.sent_by(1).last().unwrap().at;
    assert!(last - Time::from_secs(1000) <= 20 * SECOND, "T-MAX");
}

#[test]
fn timers_that_do_not_fit_together_are_named_at_their_edges() {
    let good = ProtocolTimers::default;
    let conflict = |timers: ProtocolTimers| timers.check().err();
    assert_eq!(conflict(good()), None);
    let t = good();
    for (edge, beyond, named) in [
        (
            ProtocolTimers { t_hist: t.t_max + MS, longtran: t.t_max, execution: t.t_max, ..good() },
            ProtocolTimers { t_hist: t.t_max, longtran: 5 * SECOND, execution: 5 * SECOND, ..good() },
            TimerConflict::HistoryBelowMaximum,
        ),
        (
            ProtocolTimers { longtran: t.t_hist - MS, ..good() },
            ProtocolTimers { longtran: t.t_hist, ..good() },
            TimerConflict::LongTransactionAboveHistory,
        ),
        (
            ProtocolTimers { execution: t.t_hist, ..good() },
            ProtocolTimers { execution: t.t_hist + MS, ..good() },
            TimerConflict::ExecutionAboveHistory,
        ),
        (
            ProtocolTimers { rto_min: t.rto_initial, ..good() },
            ProtocolTimers { rto_min: t.rto_initial + MS, ..good() },
            TimerConflict::InitialOutOfBounds,
        ),
        (
            ProtocolTimers { rto_initial: t.rto_max, ..good() },
            ProtocolTimers { rto_initial: t.rto_max + MS, ..good() },
            TimerConflict::InitialOutOfBounds,
        ),
        (
            ProtocolTimers { rto_max: t.t_max, ..good() },
            ProtocolTimers { rto_max: t.t_max + MS, ..good() },
            TimerConflict::RetransmissionAboveMaximum,
        ),
        (
            ProtocolTimers { rto_min: MS, ..good() },
            ProtocolTimers { rto_min: Duration::ZERO, ..good() },
            TimerConflict::ZeroRetransmission,
        ),
        (
            ProtocolTimers { max1: t.max2 - 1, ..good() },
            ProtocolTimers { max1: t.max2, ..good() },
            TimerConflict::SuspicionAboveDisconnection,
        ),
        (
            ProtocolTimers { tdinit: t.tdmax, ..good() },
            ProtocolTimers { tdinit: t.tdmax + MS, ..good() },
            TimerConflict::DisconnectedOutOfBounds,
        ),
    ] {
        assert_eq!(conflict(edge), None, "{named:?}");
        assert_eq!(conflict(beyond), Some(named));
    }
}

#[test]
fn a_command_that_is_directed_to_another_agent_is_timed_and_counted_there() {
    let mut pair = Pair::new(10);
    pair.weather = Weather::DEAD;
    let other = pair.sides[0].transactions.add_peer(PeerConfig::at(address(7)));
    let id = pair.command(0, 1);
    pair.run(MS);
    let now = pair.now;
    pair.sides[0].transactions.redirect(now, id, other);
    pair.flush();
    assert_eq!(targets(&pair), [address(2), address(7)]);
    assert_eq!(pair.sent_by(0)[0].bytes, pair.sent_by(0)[1].bytes, "unchanged");
    pair.sides[0].transactions.redirect(now, id, other);
    pair.flush();
    assert_eq!(pair.sent_by(0).len(), 2, "it is directed there already");
    pair.run(199 * MS);
    assert_eq!(pair.sent_by(0).len(), 2);
    pair.run(2 * MS);
    assert_eq!(targets(&pair)[2..], [address(7)], "its timer began anew with the new agent");
    // Who had it before is not heard any more.
    pair.inject(address(2), 0, format!("200 {id} OK\r\n").as_bytes());
    assert!(pair.sides[0].completed.is_empty());
    assert_eq!(pair.sides[0].transactions.counters().wrong_peer, 1);
    pair.run(70 * SECOND);
    assert_eq!(pair.sides[0].timed_out.get(&1), Some(&1), "twice T-HIST from its first transmission");
}
