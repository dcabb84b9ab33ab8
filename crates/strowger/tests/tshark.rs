//! tshark, from its Debian package, reads every packet of the demo: nothing is malformed, and it has no complaint about MGCP, Megaco,
//! session descriptions or RTP. The same frames are counted by us and by it, so that the test cannot pass on nothing.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use support::process::Running;

/// Runs tshark over a capture and gives one row of fields a frame.
fn tshark(capture: &Path, decode_as: &[String], filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    // No names of hosts or ports are looked up, and no configuration of the user's is read.
    command.args(["-n", "-r"]).arg(capture).env("HOME", capture.parent().unwrap());
    for rule in decode_as {
        command.args(["-d", rule]);
    }
    command.args(["-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn tshark_reads_every_packet_of_the_demo_without_complaint() {
    if !support::has_peer("tshark", "tshark") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("demo.pcapng");
    let mut demo = Running::strowger(["demo", "--pcap", capture.to_str().unwrap()]);
    let status = demo.wait();
    demo.assert_code(status, 0);

    // What MGCP is: all datagrams that begin as its messages do.
    let begins = ["AUEP", "AUCX", "CRCX", "DLCX", "MDCX", "NTFY", "RQNT", "RSIP"];
    let rows = tshark(&capture, &[], "udp", &["frame.number", "udp.srcport", "udp.dstport", "udp.payload"]);
    let payload = |row: &[String]| -> Vec<u8> {
        let text = row[3].replace(':', "");
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let (mut signalling, mut agents, mut media) = (Vec::new(), BTreeSet::new(), Vec::new());
    let (mut megaco, mut controllers) = (Vec::new(), BTreeSet::new());
    let (mut sip, mut speakers) = (Vec::new(), BTreeSet::new());
    for row in &rows {
        let bytes = payload(row);
        // The second gateway of the demo speaks Megaco, in compact text.
        if bytes.starts_with(b"!/") {
            controllers.extend([row[1].clone(), row[2].clone()]);
            megaco.push(bytes);
            continue;
        }
        // And the telephone SIP.
        if bytes.windows(7).any(|part| part == b"SIP/2.0") {
            speakers.extend([row[1].clone(), row[2].clone()]);
            sip.push(bytes);
            continue;
        }
        let is_command = begins.iter().any(|verb| bytes.starts_with(verb.as_bytes()));
        let is_answer = bytes.len() > 4 && bytes[..3].iter().all(u8::is_ascii_digit) && bytes[3] == b' ';
        if is_command || is_answer {
            signalling.push((row, bytes));
        } else {
            media.push(row);
        }
    }
    for (row, _) in &signalling {
        agents.extend([row[1].clone(), row[2].clone()]);
    }
    // Media go to the ports that session descriptions name: RTP to those, RTCP to the next.
    let mut ports = BTreeSet::new();
    for bytes in signalling.iter().map(|(_, bytes)| bytes).chain(&megaco).chain(&sip) {
        let text = String::from_utf8_lossy(bytes);
        ports.extend(
            text.lines()
                .filter_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse::<u16>().ok()),
        );
    }
    assert!((3..=4).contains(&ports.len()), "{ports:?}");
    let mut decode_as: Vec<String> = agents.iter().map(|port| format!("udp.port=={port},mgcp")).collect();
    decode_as.extend(controllers.iter().map(|port| format!("udp.port=={port},megaco")));
    decode_as.extend(speakers.iter().map(|port| format!("udp.port=={port},sip")));
    decode_as.extend(ports.iter().map(|port| format!("udp.port=={port},rtp")));
    decode_as.extend(ports.iter().map(|port| format!("udp.port=={},rtcp", port + 1)));

    let count = |filter: &str| tshark(&capture, &decode_as, filter, &["frame.number"]).len();
    let is_rtp = |row: &&&Vec<String>| row[2].parse().is_ok_and(|port| ports.contains(&port));
    let rtp = media.iter().filter(is_rtp).count();
    assert_eq!(count("mgcp"), signalling.len());
    assert_eq!(count("rtp"), rtp);
    assert_eq!(count("rtcp"), media.len() - rtp);
    let has_description = |bytes: &[u8]| bytes.windows(4).any(|four| four == b"\nv=0");
    let described = signalling.iter().filter(|(_, bytes)| has_description(bytes)).count();
    assert_eq!(count("mgcp && sdp"), described);
    assert_eq!(count("sip"), sip.len());
    let methods =
        ["REGISTER", "INVITE", "ACK", "BYE"].map(|method| count(&format!("sip.Method == \"{method}\"")));
    assert_eq!(methods, [2, 1, 1, 1], "the telephone is asked who it is when it registers");
    assert_eq!(count("megaco"), megaco.len());
    let chosen = megaco.iter().filter(|bytes| has_description(bytes)).count();
    assert!(megaco.len() >= 10 && chosen >= 2, "{} {chosen}", megaco.len());
    // A call has a connection at each gateway, a second of talk each way, and the commands of both telephones.
    assert!(signalling.len() >= 10 && rtp >= 100 && described >= 2, "{} {rtp} {described}", signalling.len());
    // Each answer was found to belong to a command.
    assert!(count("mgcp.rsp && mgcp.reqframe") > 0);

    let complaints = "_ws.malformed || _ws.expert.severity >= \"Warning\" || mgcp.rsp.malformed_parameter || \
                      mgcp.param.invalid";
    // A comment of ours on a packet is shown as an expert's word of its own class.
    let fields =
        ["frame.number", "_ws.expert.group", "_ws.expert.severity", "_ws.expert.message", "_ws.col.Info"];
    let found = tshark(&capture, &decode_as, complaints, &fields);
    assert!(found.is_empty(), "{found:#?}");
    // It does complain when there is cause: a parameter that is none.
    let mut bytes = std::fs::read(&capture).unwrap();
    let at = bytes.windows(5).position(|five| five == b"\r\nX: ").unwrap();
    bytes[at + 2] = b'!';
    let spoilt = folder.path().join("spoilt.pcapng");
    std::fs::write(&spoilt, &bytes).unwrap();
    assert!(!tshark(&spoilt, &decode_as, complaints, &fields).is_empty());
}
