//! The ladder of a call: links, marks, columns, and what hostile input may do to it.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::net::SocketAddr;

use strowger_capture::{EntryKind, Fate, Glyphs, Ladder, LadderLimits, Protocol, TextOptions, Verdict};
use strowger_sansio::Time;

fn agent() -> SocketAddr {
    "127.0.0.1:2727".parse().unwrap()
}

fn gateway(number: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 10 + number], 2427))
}

struct Town {
    ladder: Ladder,
    now: u64,
}

impl Town {
    fn new() -> Self {
        let mut ladder = Ladder::default();
        ladder.name_address(gateway(1), "gw1");
        ladder.name_address(agent(), "town");
        ladder.name_address(gateway(2), "gw2");
        Self { ladder, now: 1_000_000 }
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, text: &str) {
        self.send_fate(from, to, text, Fate::Delivered);
    }

    fn send_fate(&mut self, from: SocketAddr, to: SocketAddr, text: &str, fate: Fate) {
        self.now += 1_500;
        let octets = text.replace('\n', "\r\n");
        self.ladder.observe_fate(
            Time::from_micros(self.now),
            from,
            to,
            Protocol::Mgcp,
            octets.as_bytes(),
            fate,
        );
    }

    fn summaries(&self) -> Vec<String> {
        self.ladder.entries().map(|entry| entry.summary.clone()).collect()
    }
}

const NTFY: &str = "NTFY 2001 aaln/1@gw1.town MGCP 1.0\nX: a1\nO: L/hd\n";
const CRCX: &str =
    "CRCX 1001 aaln/1@gw1.town MGCP 1.0\nC: c0ffee\nL: p:20,a:PCMU\nM: recvonly\nX: a2\nR: L/hu(N)\n";
const CREATED: &str = "200 1001 OK\nI: 1\n\nv=0\no=- 1 1 IN IP4 127.0.0.11\ns=-\nc=IN IP4 127.0.0.11\nt=0 0\nm=audio 16384 RTP/AVP 0 97\na=rtpmap:97 telephone-event/8000\n";

/// A caller lifts, a connection is made with one command lost and one answer lost, both sides talk.
fn a_call() -> Town {
    let mut town = Town::new();
    let (gw1, gw2) = (gateway(1), gateway(2));
    town.ladder.remark(Time::from_micros(town.now), gw1, Protocol::Mgcp, "2001 lifts the handset");
    town.send(gw1, agent(), NTFY);
    town.send(agent(), gw1, "200 2001 OK\n");
    town.send_fate(agent(), gw1, CRCX, Fate::Lost);
    town.now += 200_000;
    town.send(agent(), gw1, CRCX);
    town.send(gw1, agent(), "100 1001 In progress\n");
    town.send_fate(gw1, agent(), CREATED, Fate::Lost);
    town.now += 400_000;
    town.send(agent(), gw1, CRCX);
    town.send(gw1, agent(), CREATED);
    town.send(agent(), gw1, "000 1001\n");
    town.send(agent(), gw2, "CRCX 1002 aaln/1@gw2.town MGCP 1.0\nC: c0ffee\nM: sendrecv\n");
    town.send(gw2, agent(), "500 1002 Unknown endpoint\n");
    let (here, there) = ("127.0.0.11:16384".parse().unwrap(), "127.0.0.12:20000".parse().unwrap());
    for packet in 0..50_u64 {
        town.ladder.observe_rtp(Time::from_micros(town.now + packet * 20_000), there, here, "PCMU", 1, 172);
    }
    let packet = [0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 5, 0, 0, 0];
    town.ladder.observe(Time::from_micros(town.now + 1_000_000), there, here, Protocol::Rtp, &packet);
    town
}

#[test]
fn responses_join_the_command_that_they_answer() {
    let town = a_call();
    let links: Vec<_> =
        town.ladder.entries().map(|entry| (entry.number, entry.transaction, entry.repeats)).collect();
    assert_eq!(
        links,
        [
            (1, None, None),
            (2, Some(2), None),
            (3, Some(2), None),
            (4, Some(4), None),
            (5, Some(4), Some(4)),
            (6, Some(4), None),
            (7, Some(4), None),
            (8, Some(4), Some(4)),
            (9, Some(4), Some(7)),
            (10, Some(4), None),
            (11, Some(11), None),
            (12, Some(11), None),
            (13, None, None),
        ]
    );
    let outcomes = town.ladder.transactions();
    let told: Vec<_> =
        outcomes.iter().map(|outcome| (outcome.command, outcome.sent, outcome.response)).collect();
    assert_eq!(told, [(2, 1, Some(3)), (4, 3, Some(9)), (11, 1, Some(12))]);
    assert_eq!(outcomes[1].provisional, [6]);
    assert_eq!(outcomes[2].verdict, Verdict::Failure);
    assert_eq!(outcomes[0].took.unwrap().as_micros(), 1_500);
}

#[test]
fn the_picture_shows_the_call_within_a_hundred_columns() {
    let picture = a_call().ladder.to_text(&TextOptions::default());
    let expected = include_str!("pictures/call.txt");
    assert_eq!(picture, expected, "\n{picture}");
    assert!(picture.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn the_list_shows_each_transaction_in_a_line() {
    let list = a_call().ladder.to_list(100);
    assert_eq!(list, include_str!("pictures/list.txt"), "\n{list}");
    assert!(list.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn media_has_the_column_of_the_gateway_that_announced_it() {
    let town = a_call();
    let stream = town.ladder.entries().find(|entry| entry.kind == EntryKind::Stream).unwrap();
    assert_eq!(town.ladder.parties()[stream.to].name, "gw1");
    assert_eq!(town.ladder.parties()[stream.from].name, "127.0.0.12:20000");
    assert_eq!(stream.stream.as_ref().unwrap().packets, 51);
    assert_eq!(stream.summary, "RTP PCMU, telephone-event 51 packets, 1.00 s");
}

#[test]
fn a_call_can_be_taken_out_of_the_ladder() {
    let mut town = Town::new();
    let (gw1, gw2) = (gateway(1), gateway(2));
    let mut id = 100;
    let mut ask = |town: &mut Town, from, to, line: &str| {
        id += 1;
        let (verb, rest) = line.split_once(' ').unwrap();
        town.send(from, to, &format!("{verb} {id} {rest}"));
        town.send(to, from, &format!("200 {id} OK\n"));
    };
    let on = |line: u8, gateway: u8| format!("aaln/{line}@gw{gateway}.town MGCP 1.0\n");
    let crcx =
        |call: &str, line: u8, gateway: u8| format!("CRCX {}C: {call}\nM: inactive\n", on(line, gateway));
    let dlcx = |call: &str, line: u8, gateway: u8| format!("DLCX {}C: {call}\n", on(line, gateway));
    let ntfy = |line: u8, gateway: u8, event: &str| format!("NTFY {}X: 1\nO: {event}\n", on(line, gateway));

    ask(&mut town, gw1, agent(), &ntfy(1, 1, "L/hd"));
    ask(&mut town, agent(), gw1, &crcx("aaa1", 1, 1));
    ask(&mut town, agent(), gw1, &dlcx("aaa1", 1, 1));
    let first_of_call = town.ladder.entries().len() as u64 + 1;
    ask(&mut town, gw1, agent(), &ntfy(1, 1, "L/hd"));
    ask(&mut town, agent(), gw1, &crcx("C0FFEE", 1, 1));
    // Another line of the same gateway has nothing to do with it.
    ask(&mut town, gw1, agent(), &ntfy(2, 1, "L/hd"));
    ask(&mut town, agent(), gw1, &crcx("bbb2", 2, 1));
    ask(&mut town, agent(), gw2, &crcx("c0ffee", 1, 2));
    ask(&mut town, gw2, agent(), &ntfy(1, 2, "L/hd"));
    town.ladder.remark(Time::from_micros(town.now), gw2, Protocol::Mgcp, "2002 answers");
    ask(&mut town, agent(), gw1, &dlcx("c0ffee", 1, 1));
    ask(&mut town, gw1, agent(), &ntfy(1, 1, "L/hd"));

    let call = town.ladder.of_call("c0ffee");
    let told: Vec<_> = call
        .entries()
        .filter(|entry| entry.kind != EntryKind::Response)
        .map(|entry| &entry.summary)
        .collect();
    assert_eq!(call.entries().next().unwrap().number, first_of_call);
    assert_eq!(
        told,
        [
            "NTFY 104 aaln/1@gw1.town O:L/hd",
            "CRCX 105 aaln/1@gw1.town M:inactive",
            "CRCX 108 aaln/1@gw2.town M:inactive",
            "NTFY 109 aaln/1@gw2.town O:L/hd",
            "2002 answers",
            "DLCX 110 aaln/1@gw1.town",
        ]
    );
    assert!(call.transactions().iter().all(|outcome| outcome.verdict == Verdict::Success));
    assert_eq!(town.ladder.of_call("dead").entries().len(), 0);
}

#[test]
fn a_call_on_any_endpoint_goes_on_with_the_one_that_was_chosen() {
    let mut town = Town::new();
    town.send(agent(), gateway(1), "CRCX 1 relay/$@gw1.town MGCP 1.0\nC: 77\nM: inactive\n");
    town.send(gateway(1), agent(), "200 1 OK\nI: 9\nZ: Relay/4@gw1.town\n");
    town.send(agent(), gateway(1), "AUEP 2 relay/4@gw1.town MGCP 1.0\n");
    town.send(agent(), gateway(1), "DLCX 3 relay/4@gw1.town MGCP 1.0\nC: 77\nI: 9\n");
    let call = town.ladder.of_call("77");
    let endpoints: Vec<_> = call.entries().map(|entry| entry.endpoint.as_deref().unwrap()).collect();
    assert_eq!(endpoints, ["relay/$@gw1.town", "relay/4@gw1.town", "relay/4@gw1.town", "relay/4@gw1.town"]);
}

#[test]
fn piggybacked_messages_are_entries_of_their_own() {
    let mut town = Town::new();
    town.send(
        gateway(1),
        agent(),
        "200 2005 OK\n.\nNTFY 2006 aaln/1@gw1.town MGCP 1.0\nX: a1\nO: L/hu\n.\nBAD! 7 x MGCP 1.0\n",
    );
    let entries: Vec<_> = town.ladder.entries().collect();
    assert_eq!(entries.len(), 3);
    for (index, entry) in entries.iter().enumerate() {
        let place = entry.piggyback.unwrap();
        assert_eq!((place.place, place.of), (index + 1, 3));
    }
    assert_eq!(entries[0].summary, "200 2005 OK (no such command)");
    assert_eq!(entries[1].summary, "NTFY 2006 aaln/1@gw1.town O:L/hu");
    assert_eq!((entries[2].kind, entries[2].verdict), (EntryKind::Undecodable, Verdict::Malformed));
}

#[test]
fn an_identifier_that_comes_again_with_other_content_is_another_transaction() {
    let mut town = Town::new();
    town.send(gateway(1), agent(), NTFY);
    town.send(gateway(2), agent(), NTFY);
    town.send(gateway(1), agent(), &NTFY.replace("L/hd", "L/hu"));
    town.send(gateway(1), agent(), &NTFY.replace("L/hd", "l/HU"));
    town.send(agent(), gateway(2), "200 2001 OK\n");
    let links: Vec<_> = town.ladder.entries().map(|entry| entry.transaction).collect();
    assert_eq!(links[..3], [Some(1), Some(2), Some(3)]);
    assert_eq!(links[4], Some(2));
}

#[test]
fn an_answer_from_another_address_joins_its_command() {
    let mut town = Town::new();
    let other = "127.0.0.50:2427".parse().unwrap();
    town.send(agent(), gateway(1), "AUEP 5 *@gw1.town MGCP 1.0\n");
    town.send(other, agent(), "200 5 OK\nZ: aaln/1@gw1.town\nZ: aaln/2@gw1.town\n");
    let answer = town.ladder.entries().last().unwrap();
    assert_eq!(answer.transaction, Some(1));
    assert_eq!(answer.summary, "200 5 OK (AUEP 5) Z:aaln/1@gw1.town Z:aaln/2@gw1.town");
}

#[test]
fn what_a_peer_says_cannot_forge_lines_or_drive_the_terminal() {
    let mut town = Town::new();
    town.ladder.name_address("127.0.0.13:2427".parse().unwrap(), "evil\x1b[2J\r\nname");
    let evil = "127.0.0.13:2427".parse().unwrap();
    town.send(evil, agent(), "200 9 \x1b]0;owned\x07 OK\n");
    town.send(evil, agent(), "NTFY 10 aaln/1@x MGCP 1.0\nX: 1\nO: X/y(\"\x1b[31m\nforged line\")\n");
    town.ladder.observe(Time::ZERO, evil, agent(), Protocol::Sdp, b"v=0\r\n\x1b[2J\x07\r\n");
    town.ladder.remark(Time::ZERO, evil, Protocol::Mgcp, "a\nb\x08");
    town.ladder.observe_rtp(Time::ZERO, evil, agent(), "PC\x1bMU", 1, 1);
    let outputs = [
        town.ladder.to_text(&TextOptions::default()),
        town.ladder.to_list(100),
        serde_json::to_string(&town.ladder).unwrap(),
    ];
    for output in outputs {
        assert!(output.chars().all(|character| character == '\n' || !character.is_control()), "{output:?}");
        assert!(!output.contains("\nb") && !output.contains("\nforged"), "{output}");
    }
    assert_eq!(town.summaries().len(), 5);
}

#[test]
fn the_oldest_entries_are_forgotten_and_the_rest_keeps_its_links() {
    let mut ladder = Ladder::new(LadderLimits { entries: 10, ..LadderLimits::default() });
    for id in 1..=20 {
        let text = format!("AUEP {id} aaln/1@gw1.town MGCP 1.0\r\n");
        ladder.observe(Time::ZERO, agent(), gateway(1), Protocol::Mgcp, text.as_bytes());
    }
    assert_eq!((ladder.entries().len(), ladder.forgotten()), (10, 10));
    assert_eq!(ladder.entry(10), None);
    assert_eq!(ladder.entry(11).unwrap().number, 11);
    ladder.observe(Time::ZERO, gateway(1), agent(), Protocol::Mgcp, b"200 5 OK\r\n");
    ladder.observe(Time::ZERO, gateway(1), agent(), Protocol::Mgcp, b"200 15 OK\r\n");
    let links: Vec<_> = ladder.entries().rev().take(2).map(|entry| entry.transaction).collect();
    assert_eq!(links, [Some(15), None]);
    assert!(ladder.to_text(&TextOptions::default()).contains("12 older entries forgotten"));
}

#[test]
fn many_parties_and_long_names_still_fit() {
    let mut ladder = Ladder::default();
    for number in 0..40 {
        ladder.name_address(gateway(number), &format!("a-gateway-with-a-long-name-{number}"));
        let text = format!("RSIP {} *@gw{number}.town MGCP 1.0\r\nRM: restart\r\n", u32::from(number) + 1);
        ladder.observe(Time::ZERO, gateway(number), agent(), Protocol::Mgcp, text.as_bytes());
    }
    for width in [0, 60, 80, 100, 200] {
        for glyphs in [Glyphs::Ascii, Glyphs::Unicode] {
            let picture = ladder.to_text(&TextOptions { width, glyphs });
            assert!(picture.lines().all(|line| line.chars().count() <= width.max(60)), "{picture}");
        }
        assert!(ladder.to_list(width).lines().all(|line| line.chars().count() <= width.max(60)));
    }
}

#[test]
fn json_has_what_a_program_needs() {
    let json = serde_json::to_value(&a_call().ladder).unwrap();
    let entry = &json["entries"][6];
    assert_eq!(entry["number"], 7);
    assert_eq!(entry["kind"], "response");
    assert_eq!(entry["verdict"], "success");
    assert_eq!(entry["fate"], "lost");
    assert_eq!(entry["transaction"], 4);
    assert_eq!(entry["call"], "c0ffee");
    assert_eq!(entry["protocol"], "mgcp");
    assert_eq!(entry["from_address"], "127.0.0.11:2427");
    assert!(entry["time_us"].as_u64().unwrap() > 1_000_000);
    assert!(entry.get("repeats").is_none());
    assert_eq!(json["entries"][12]["stream"]["packets"], 51);
    assert_eq!(json["parties"][0]["name"], "gw1");
    assert_eq!(json["forgotten"], 0);
}
