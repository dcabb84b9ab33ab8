//! What is published of SIP stacks that fell over, as classes: each test carries the identifiers of the records that it stands for.
//!
//! The records name a field and a crash; so each class is every form of that field that could lead there, and what counts is that the
//! message is refused or read, that nothing of it stays, and that the next call is served.

use strowger_sansio::{Duration, SocketId};
use strowger_sip::agent::{AgentConfig, Credentials, Event, Local, Peer, Trust};
use strowger_sip::message::Status;
use strowger_sip::registrar::RegistrarConfig;
use strowger_sip::{Limits, Route, Transport, text};

use super::pair::{ALICE, BOB, address, config, read};
use super::raw::{OFFER, Raw, request};

/// Values as no peer should write them, to stand in the place of another or behind it.
fn odd() -> Vec<String> {
    let short = [
        "",
        " ",
        ";",
        ";;",
        ",",
        ",,",
        ":",
        "@",
        "<",
        ">",
        "<>",
        "<<>>",
        "\"",
        "\"\\",
        "\"\\\"",
        "(",
        "((",
        "=",
        ";=",
        ";=x",
        ";a=",
        "%",
        "%0",
        "%00",
        "[",
        "[]",
        "[::",
        "[::1]:",
        ":0",
        ":65536",
        ":-1",
        ":99999999999999999999",
        "sip:",
        "sip:@",
        "sip:;",
        "sip:a@",
        "sip:a@b:",
        "sip:a@b?",
        "sip:a@b?=&",
        "tel:",
        "SIP/2.0/",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ;branch",
        "SIP / 2.0 / UDP",
        "SIP/2.0/UDP [",
        "-1",
        "2147483648",
        "4294967296",
        "18446744073709551616",
        "\u{ff}",
        "*",
        "$",
        "{}",
    ];
    let long = ["a", "<", "\"", ";a=b", ",", ";", "(", "%41", "[", "sip:"]
        .map(|piece| piece.repeat(60_000 / piece.len()));
    short.into_iter().map(str::to_owned).chain(long).collect()
}

/// A message with a field's value replaced by each odd one, and followed by it.
fn with(message: &str, field: &str) -> Vec<String> {
    let start = message.find(&format!("\r\n{field}: ")).unwrap() + 4 + field.len();
    let end = start + message[start..].find("\r\n").unwrap();
    let around = |value: String| format!("{}{value}{}", &message[..start], &message[end..]);
    odd()
        .iter()
        .flat_map(|odd| [around(odd.clone()), around(format!("{}{odd}", &message[start..end]))])
        .collect()
}

/// Says it to an agent that is fresh: it is answered once or not at all, with no more than twice its length and a little, and the agent
/// serves the next call.
fn survives(config: &AgentConfig, message: &str) -> Vec<u16> {
    let mut raw = Raw::with(config.clone());
    let shown = &message[..message.len().min(400)];
    raw.agent.handle_input(raw.now, Route::udp(address(ALICE)), message.as_bytes());
    let mut statuses = Vec::new();
    while let Some(answer) = raw.agent.poll_transmit() {
        assert_eq!(answer.to.ip(), address(ALICE).ip(), "{shown}");
        assert!(
            answer.payload.len() <= 2 * message.len() + 500,
            "{} for {}: {shown}",
            answer.payload.len(),
            message.len()
        );
        // A refusal may repeat what is wrong with a request, and is read all the same where anything can be read.
        if let Ok(answer) = text::decode(&answer.payload, &Limits::default()) {
            statuses.extend(answer.status().map(Status::code));
        }
    }
    end_all(&mut raw);
    assert_eq!((raw.agent.sessions(), raw.agent.transactions()), (0, 0), "{shown}");
    assert_eq!(raw.statuses(request("OPTIONS", "next", 9, "", "", "")), [200], "{shown}");
    statuses
}

/// Ends the calls that have come, and waits until nothing goes on; how many there were.
fn end_all(raw: &mut Raw) -> usize {
    let mut count = 0;
    for event in raw.events() {
        if let Event::Incoming { session, .. } = event {
            raw.agent.end(raw.now, session, 16);
            count += 1;
        }
    }
    let _ = raw.wait(Duration::from_secs(400));
    count
}

#[test]
fn cve_2018_16657_and_cve_2023_27598_a_via_of_any_form_is_read_or_refused() {
    let town = config(BOB);
    for method in ["OPTIONS", "INVITE", "CANCEL", "ACK", "BYE", "REGISTER"] {
        for message in with(&request(method, "1", 1, "", "", ""), "Via") {
            survives(&town, &message);
        }
    }
    // Where the first is nothing, the answer goes where the request came from.
    let empty = "OPTIONS sip:x SIP/2.0\r\nVia:\r\nVia: SIP/2.0/UDP 203.0.113.9\r\n\r\n";
    assert_eq!(survives(&town, empty), [400]);
}

#[test]
fn cve_2020_27507_fields_that_stand_twice_and_tags_without_end_are_refused() {
    let town = config(BOB);
    let message = request("INVITE", "1", 1, "", "", OFFER);
    for field in ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Type", "Content-Length"] {
        let start = message.find(&format!("\r\n{field}: ")).unwrap() + 2;
        let line = &message[start..start + message[start..].find("\r\n").unwrap() + 2];
        let twice = format!("{}{line}{}", &message[..start], &message[start..]);
        assert_eq!(survives(&town, &twice), [400], "{field}");
    }
    for (field, tag) in [("From", ";tag=a1"), ("To", "")] {
        let long = format!("<sip:2001@192.0.2.1>;tag={}", "t".repeat(60_000));
        let start = message.find(&format!("\r\n{field}: ")).unwrap() + 4 + field.len();
        let end = start + message[start..].find("\r\n").unwrap();
        assert!(message[start..end].ends_with(tag));
        let statuses = survives(&town, &format!("{}{long}{}", &message[..start], &message[end..]));
        assert_eq!(statuses, [513], "{field}");
    }
}

#[test]
fn cve_2016_2385_and_cve_2023_27599_to_27601_and_28097_and_28098_any_value_of_any_field_is_read_or_refused() {
    let mut town = config(BOB);
    town.peers.push(Peer::phone("2003", Credentials { user: "2003".into(), password: "secret".into() }));
    town.registrar = Some(RegistrarConfig::new("town"));
    let proof = "Digest username=\"2003\", realm=\"town\", nonce=\"1\", uri=\"sip:192.0.2.2\", response=\"00\", qop=auth, nc=00000001, \
                 cnonce=\"1\", algorithm=MD5";
    let more = format!(
        "Authorization: {proof}\r\nProxy-Authorization: {proof}\r\nExpires: 60\r\nRoute: <sip:192.0.2.2;lr>\r\n\
         Record-Route: <sip:192.0.2.1;lr>\r\nSession-Expires: 1800;refresher=uac\r\nRequire: timer\r\nRAck: 1 1 INVITE\r\n\
         Diversion: <sip:2005@192.0.2.1>;reason=unconditional\r\nReplaces: 1;to-tag=a;from-tag=b\r\n\
         Refer-To: <sip:2009@192.0.2.1>\r\nReason: Q.850;cause=16\r\nAccept: application/sdp\r\n"
    );
    for method in ["REGISTER", "INVITE", "REFER"] {
        let message = request(method, "1", 1, "", &more, OFFER);
        for field in [
            "From",
            "To",
            "Call-ID",
            "CSeq",
            "Contact",
            "Authorization",
            "Proxy-Authorization",
            "Expires",
            "Route",
            "Record-Route",
            "Session-Expires",
            "Require",
            "RAck",
            "Diversion",
            "Replaces",
            "Refer-To",
            "Reason",
            "Accept",
            "Max-Forwards",
            "Content-Type",
            "Content-Length",
        ] {
            for message in with(&message, field) {
                survives(&town, &message);
            }
        }
    }
}

#[test]
fn cve_2018_7286_calls_whose_connection_ends_at_once_leave_nothing() {
    let local = |transport, socket| Local { transport, socket, address: address(BOB) };
    let locals = vec![local(Transport::Udp, SocketId::MAIN), local(Transport::Tcp, SocketId(4))];
    let mut raw =
        Raw::with(AgentConfig::new(locals, vec![Peer::new("alice", address(ALICE), Transport::Tcp)]));
    let mut calls = 0;
    for connection in 0..200_u16 {
        let from = std::net::SocketAddr::new(address(ALICE).ip(), 40_000 + connection);
        let from = Route { transport: Transport::Tcp, socket: SocketId(4), address: from };
        for number in 0..5 {
            let invite = request("INVITE", &format!("b{connection}-{number}"), 1, "", "", OFFER)
                .replace("SIP/2.0/UDP", "SIP/2.0/TCP")
                .replace("Call-ID: c1", &format!("Call-ID: c{connection}-{number}"));
            raw.agent.handle_input(raw.now, from, invite.as_bytes());
            calls += 1;
        }
        raw.agent.handle_disconnected(raw.now, from, &[]);
    }
    let _ = raw.heard();
    assert_eq!(end_all(&mut raw), calls, "each is a call still: its answer may go by another connection");
    assert_eq!((raw.agent.sessions(), raw.agent.transactions()), (0, 0));
}

#[test]
fn cve_2020_28361_and_cve_2016_9938_no_spelling_of_a_field_gets_past_who_may_say_it() {
    // What is taken from a trusted peer and left of another, however it is written; and whether a reader of the same message finds it.
    let spellings = [
        "P-Asserted-Identity: ",
        "P-Asserted-Identity : ",
        "P-Asserted-Identity\t:",
        "p-asserted-identity:\r\n ",
        "P-ASSERTED-IDENTITY \t :\t",
    ];
    for (trust, expected) in [(Trust::Trusted, "2009"), (Trust::Untrusted, "2001")] {
        let mut town = config(BOB);
        town.peers[0].trust = trust;
        for spelling in spellings {
            let line = format!("{spelling}<sip:2009@192.0.2.1>\r\n");
            let mut raw = Raw::with(town.clone());
            let _ = raw.say(request("INVITE", "1", 1, "", &line, OFFER));
            let callers: Vec<_> = raw
                .events()
                .into_iter()
                .filter_map(|event| match event {
                    Event::Incoming { caller, .. } => caller.user,
                    _ => None,
                })
                .collect();
            assert_eq!(callers, [expected], "{spelling:?}");
        }
    }
}

#[test]
fn cve_2025_57767_a_proof_for_another_realm_is_no_proof_and_no_fault() {
    let mut town = config(BOB);
    town.peers.push(Peer::phone("2003", Credentials { user: "2003".into(), password: "secret".into() }));
    town.registrar = Some(RegistrarConfig::new("town"));
    for realm in ["other", "", "TOWN", "town.example"] {
        let more = format!(
            "Authorization: Digest username=\"2003\", realm=\"{realm}\", nonce=\"n\", uri=\"sip:192.0.2.2\", response=\"0\", qop=auth, \
             nc=00000001, cnonce=\"c\"\r\n"
        );
        let register =
            request("REGISTER", "1", 1, "", &more, "").replace("sip:2002@192.0.2.2>", "sip:2003@192.0.2.2>");
        let mut raw = Raw::with(town.clone());
        let stranger = Route::udp(std::net::SocketAddr::from(([198, 51, 100, 7], 5060)));
        raw.agent.handle_input(raw.now, stranger, register.as_bytes());
        let answer = raw.agent.poll_transmit().unwrap();
        assert_eq!(read(&answer.payload).status(), Some(Status::UNAUTHORIZED), "{realm}");
        assert!(raw.events().is_empty() && raw.agent.transactions() == 0, "{realm}");
    }
}
