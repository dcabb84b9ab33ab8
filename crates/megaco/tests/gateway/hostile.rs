//! Bad input: the code of the standard at the level where the fault is, no change of anything, and nothing to strangers (RFC 3525 section
//! 8.2.2 and the codes of RFC 3015 section 7.3).

use std::net::SocketAddr;

use strowger_megaco::transaction::{Route, Transport};
use strowger_sansio::Duration;

use crate::support::{RTP, World, route};

/// A gateway with a call, and all that can be seen of it from outside.
fn busy() -> World {
    let mut world = World::of_version(2);
    world.command(&format!("C=${{A=aaln/1{{M{{O{{MO=SR}}}},E=1{{al/on}}}},{RTP}}}"));
    world.command("C=-{MF=aaln/2{E=2{al/of},SG{cg/dt{SY=OO}}}}");
    world
}

fn seen(world: &mut World) -> String {
    let audits =
        ["C=*{AV=*{AT{M,E,SG,OE,EB,DM}}}", "C=-{AV=*{AT{M,E,SG,OE,EB,DM}}}", "C=-{AV=ROOT{AT{M,E,PG}}}"];
    let mut all: Vec<_> = audits.iter().map(|audit| world.command(audit)).collect();
    all.push(format!("{:?}", world.gateway.contexts().collect::<Vec<_>>()));
    all.push(format!("{:?} {:?} {:?}", world.plane.streams, world.plane.signals, world.plane.flows));
    all.join("\n")
}

/// What it answers to a message, transaction by transaction.
fn answers(world: &mut World, message: &[u8]) -> Vec<String> {
    world.sent.clear();
    world.hear_octets(route(2944), message);
    std::mem::take(&mut world.sent).into_iter().map(|(_, text)| text).collect()
}

/// A request whose number is yet to be put in the place of `#`.
fn request(body: &str) -> Vec<u8> {
    format!("!/2 <town>\nT=#{{{body}}}").into_bytes()
}

/// The number in the place of `#`.
fn numbered(octets: &[u8], number: usize) -> Vec<u8> {
    match octets.iter().position(|octet| *octet == b'#') {
        Some(place) => {
            let number = number.to_string();
            [&octets[..place], number.as_bytes(), &octets[place + 1..]].concat()
        }
        None => octets.to_vec(),
    }
}

#[test]
fn each_class_of_fault_is_answered_at_its_level_and_changes_nothing() {
    let headers = [&[0x30, 0x80][..]; 30_000].concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        // The message.
        ("octets that are nothing", b"\xff\xfe\x00\x01".to_vec(), "ER=400{"),
        ("a message of another protocol", b"AUEP 1 aaln/1@gw1 MGCP 1.0\r\n".to_vec(), "ER=400{"),
        ("a version that there is not", b"!/9 <town>\nT=7{C=-{S=*}}".to_vec(), "ER=406{"),
        ("no transaction", b"!/2 <town>\n".to_vec(), "ER=400{"),
        (
            "braces without end",
            [&b"!/2 <town>\nT=7{C=-{MF=aaln/1"[..], &vec![b'{'; 100_000]].concat(),
            "ER=400{",
        ),
        ("constructed headers without end", headers, "ER=400{"),
        ("a length beyond the end", b"\x30\x82\xff\xff\xa1".to_vec(), "ER=400{"),
        // The transaction.
        ("a transaction of another kind", b"!/2 <town>\nQ=7{C=-{S=*}}".to_vec(), "P=0{ER=403{"),
        ("transaction 0", b"!/2 <town>\nT=0{C=-{MF=aaln/1}}".to_vec(), "P=0{ER=403{"),
        ("a number that is too great", b"!/2 <town>\nT=4294967296{C=-{MF=aaln/1}}".to_vec(), "P=0{ER=403{"),
        // The action.
        ("a command where the action should be", request("MF=aaln/1"), "P=#{ER=422{"),
        ("a context that is no number", request("C=x{MF=aaln/1}"), "P=#{ER=422{"),
        ("a priority that there is not", request("C=1{PR=16,MF=aaln/1}"), "P=#{C=1{ER=422{"),
        ("a context that there is not", request("C=99{S=*}"), "P=#{C=99{ER=411{"),
        // The command.
        ("a command that there is not", request("C=1{Sing=aaln/1}"), "P=#{C=1{ER=443{"),
        ("a name of 64 kB", request(&format!("C=-{{MF={}}}", "x".repeat(60_000))), "P=#{C=-{ER=442{"),
        ("a termination that there is not", request("C=-{MF=aaln/77}"), "P=#{C=-{MF=aaln/77{ER=430{"),
        ("no descriptor where one must be", request("C=1{AV=aaln/1}"), "P=#{C=1{ER=442{"),
        ("a descriptor that there is not", request("C=1{MF=aaln/1{Zap}}"), "P=#{C=1{ER=444{"),
        ("a descriptor twice", request("C=1{MF=aaln/1{SG{},SG{}}}"), "P=#{C=1{ER=448{"),
        ("events without their number", request("C=1{MF=aaln/1{E{al/on}}}"), "P=#{C=1{ER=442{"),
        ("an item without a package", request("C=1{MF=aaln/1{E=1{on}}}"), "P=#{C=1{ER=442{"),
        ("a package that there is not", request("C=1{MF=aaln/1{E=1{zz/on}}}"), "P=#{C=1{MF=aaln/1{ER=440{"),
        ("an event that there is not", request("C=1{MF=aaln/1{E=1{al/zz}}}"), "P=#{C=1{MF=aaln/1{ER=451{"),
        ("a signal that there is not", request("C=1{MF=aaln/1{SG{al/zz}}}"), "P=#{C=1{MF=aaln/1{ER=452{"),
        ("a property that there is not", request("C=1{MF=rtp/1{M{O{nt/zz=1}}}}"), "P=#{C=1{MF=rtp/1{ER=450{"),
        (
            "a value that there is not",
            request("C=1{MF=aaln/1{E=1{al/on{strict=7}}}}"),
            "P=#{C=1{MF=aaln/1{ER=454{",
        ),
        ("a mode that there is not", request("C=1{MF=aaln/1{M{O{MO=Loud}}}}"), "P=#{C=1{ER=517{"),
        ("a service change without a method", request("C=-{SC=ROOT{SV{RE=\"901 x\"}}}"), "P=#{C=-{ER=442{"),
        ("a notification of a controller", request("C=1{N=aaln/1{OE=1{al/on}}}"), "P=#{C=1{N=aaln/1{ER=443{"),
        ("the root where it is illegal", request("C=1{S=ROOT}"), "P=#{C=1{S=ROOT{ER=410{"),
        ("an octet that no text has", request("C=1{MF=\x01}"), "P=#{C=1{ER=442{"),
    ];
    let mut world = busy();
    let before = seen(&mut world);
    for (number, (what, message, answer)) in (100_000..).zip(cases) {
        let answer = answer.replace('#', &number.to_string());
        let answers = answers(&mut world, &numbered(&message, number));
        assert!(
            answers.len() == 1 && answers[0].starts_with(&answer),
            "{what}: expected {answer}, {answers:?}"
        );
        assert_eq!(seen(&mut world), before, "{what} changes nothing");
        // Errors of whole messages have a rate of their own.
        world.run(Duration::from_secs(1));
    }
}

#[test]
fn what_is_not_a_request_is_never_answered() {
    let mut world = busy();
    let before = seen(&mut world);
    for message in [
        &b"!/2 <town>\nER=400{}"[..],
        b"!/2 <town>\nP=5{C=1{Zap}}",
        b"!/2 <town>\nP=5{C=1{MF=aaln/1}}",
        b"!/2 <town>\nP=x{C=1{MF=aaln/1}}",
        b"!/2 <town>\nPN=5{}",
        b"!/2 <town>\nPN=x{}",
        b"!/2 <town>\nK{5,7-9}",
        b"!/2 <town>\nK{9-3}",
    ] {
        assert_eq!(answers(&mut world, message), [""; 0], "{}", message.escape_ascii());
        assert_eq!(seen(&mut world), before);
    }
}

#[test]
fn a_stranger_gets_nothing_whatever_he_says_and_neither_does_a_borrowed_name() {
    let mut world = busy();
    let before = seen(&mut world);
    world.sent.clear();
    let elsewhere = Route::udp(SocketAddr::from(([203, 0, 113, 7], 2944)));
    let connected = Route { transport: Transport::Tcp, ..route(2944) };
    let bodies = ["C=1{S=*}", "C=-{SC=ROOT{SV{MT=HO,RE=\"903 x\",MG=<evil>}}}", "C=-{Sing=x}", "?"];
    for from in [elsewhere, route(2999), connected] {
        for body in bodies {
            world.hear_octets(from, &numbered(&request(body), 100_000));
        }
        world.hear_octets(from, b"?");
        world.hear_octets(from, b"\x30\x80");
    }
    // His own name from the controller's address is no better.
    for body in bodies {
        world.hear_octets(route(2944), format!("!/2 <evil>\nT=9{{{body}}}").as_bytes());
    }
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    assert_eq!(seen(&mut world), before);
}

#[test]
fn a_storm_of_wildcards_is_one_reply_of_bounded_length() {
    let mut world = busy();
    let before = seen(&mut world);
    let mut number = 100_000;
    for (command, count) in
        [("AV=*{AT{M,E,SG,SA,PG}}", 2_500), ("W-AV=*{AT{M,E,SG,SA,PG}}", 2_000), ("MF=*", 12_000)]
    {
        for context in ["*", "-"] {
            let storm = vec![command; count].join(",");
            number += 1;
            let message = numbered(&request(&format!("C={context}{{{storm}}}")), number);
            assert!(message.len() < 65_000, "{}", message.len());
            let answers = answers(&mut world, &message);
            let longest: usize = answers.iter().map(String::len).sum();
            assert!(!answers.is_empty() && longest < 65_000, "{command}: {longest}");
            world.now += Duration::from_secs(60);
            assert_eq!(seen(&mut world), before, "{command}");
        }
    }
}

#[test]
fn commands_in_the_wrong_order_are_refused_and_what_stood_before_is_done() {
    let mut world = World::of_version(2);
    // A termination that is subtracted before it was added; what is behind it is not done.
    let reply = world.command("C=${S=aaln/1,A=aaln/1}");
    assert!(reply.starts_with("C=${S=aaln/1{ER=435{") && !reply.contains("A="), "{reply}");
    assert_eq!(world.gateway.contexts().count(), 0);
    // The same one twice.
    let reply = world.command("C=${A=aaln/1,A=aaln/1}");
    assert!(reply.starts_with("C=2{A=aaln/1,A=aaln/1{ER=433{"), "{reply}");
    // A command in front of the attributes of its context is none of the grammar.
    let reply = world.command("C=2{MF=aaln/1,PR=3}");
    assert!(reply.contains("ER=44") || reply.contains("ER=422"), "{reply}");
    assert_eq!(world.gateway.contexts().next().unwrap().priority, 0);
}
