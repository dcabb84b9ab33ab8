//! The command line as scripts know it: exit codes, what goes where, help with examples.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn strowger(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
    command.args(arguments).env_remove("STROWGER_LOG").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    strowger(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn town() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/town.toml")
}

/// A configuration file with this text, and its folder.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("town.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn each_command_has_help_with_an_example() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = text(&help.stdout);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"run") && commands.contains(&"check"), "{help}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        for flag in ["--help", "-h"] {
            let help = run(&[command, flag]);
            assert_eq!(help.status.code(), Some(0), "{command}");
            let help = text(&help.stdout);
            let example = help.split_once("Example").map(|(_, rest)| rest).unwrap_or_default();
            assert!(example.contains(&format!("strowger {command}")), "{command} {flag}: {help}");
        }
    }
}

#[test]
fn wrong_use_is_code_2_and_says_so_on_standard_error() {
    for arguments in
        [&[][..], &["nonsense"], &["check"], &["check", "--config"], &["run", "-c", "x", "--drain", "soon"]]
    {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert_ne!(text(&output.stderr), "", "{arguments:?}");
    }
    for command in ["check", "run"] {
        let output = run(&[command, "-c", "/nonexistent/town.toml"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("/nonexistent/town.toml cannot be read: "));
    }
    let output = run(&["run", "-c", town().to_str().unwrap(), "--log", "=,="]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn a_good_configuration_is_code_0() {
    let output = run(&["check", "-c", town().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = ": good: exchange \"town\" with 2 gateways, 4 lines and 3 routes\n";
    assert!(text(&output.stdout).ends_with(expected), "{}", text(&output.stdout));
    assert_eq!(text(&output.stderr), "");
    assert!(!text(&output.stdout).contains('\x1b'), "no colour into a pipe");
}

#[test]
fn a_configuration_is_told_with_its_trunks_and_telephones() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("town.toml");
    let trunk = "[listen]\nsip = \"127.0.0.1:5060\"\n[[trunk]]\nid = \"carrier\"\nsip = { address = \"127.0.0.20:5060\" }\n";
    std::fs::write(&file, trunk).unwrap();
    let output = run(&["check", "-c", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = " with 0 gateways, 0 lines and 0 routes, 1 trunk\n";
    assert!(text(&output.stdout).ends_with(expected), "{}", text(&output.stdout));
    let telephone = "[[line]]\nnumber = \"2003\"\nsip = { user = \"2003\", password = \"secret\" }\n";
    std::fs::write(&file, format!("{trunk}{telephone}")).unwrap();
    let output = run(&["check", "-c", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = " with 0 gateways, 1 line and 0 routes, 1 trunk, 1 telephone\n";
    assert!(text(&output.stdout).ends_with(expected), "{}", text(&output.stdout));
}

const WRONG: &str = "[listen]\nmgcp = \"127.0.0.1:2727\"\n[[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\n\
    adress = \"127.0.0.9:2427\"\n[[line]]\nnumber = \"2001\"\ngateway = \"gw2\"\nendpoint = \"aaln/1\"\n";

#[test]
fn a_bad_configuration_is_code_1_with_all_its_errors() {
    let (_folder, path) = file(WRONG);
    let output = run(&["check", "-c", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    let name = path.display();
    for expected in [
        format!("{name}:3:1: error: [[gateway]] has no `address`"),
        format!("{name}:6:1: error: unknown key `adress` in [[gateway]]"),
        format!("{name}:9:11: error: there is no gateway with the id \"gw2\""),
        "6 | adress = \"127.0.0.9:2427\"\n  | ^^^^^^ did you mean `address`?".to_owned(),
        "did you mean \"gw1\"?".to_owned(),
    ] {
        assert!(complaint.contains(&expected), "{expected:?} in\n{complaint}");
    }
    assert!(text(&output.stdout).ends_with(": not good: 3 errors\n"));
    let output = run(&["run", "-c", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("did you mean `address`?"));
}

#[test]
fn the_findings_as_json_are_the_findings() {
    let (_folder, path) = file(WRONG);
    let output = run(&["check", "--json", "-c", path.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), ""));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&verdict["good"], &verdict["errors"]), (&Value::Bool(false), &3.into()));
    let finding = &verdict["findings"][1];
    assert_eq!((&finding["line"], &finding["column"]), (&6.into(), &1.into()));
    assert_eq!(finding["expected"], "did you mean `address`?");
    let output = run(&["check", "--json", "-c", town().to_str().unwrap()]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&verdict["good"], &verdict["findings"]), (&Value::Bool(true), &Value::Array(Vec::new())));
}

#[test]
fn colour_is_for_terminals_or_those_who_ask() {
    let (_folder, path) = file(WRONG);
    let output =
        strowger(&["check", "-c", path.to_str().unwrap()]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(text(&output.stderr).contains("\x1b[1;31merror:"));
    let mut plain = strowger(&["check", "-c", path.to_str().unwrap()]);
    let output = plain.env("CLICOLOR_FORCE", "0").env("NO_COLOR", "1").output().unwrap();
    assert!(!text(&output.stderr).contains('\x1b') && !text(&output.stdout).contains('\x1b'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (_folder, path) = file(WRONG);
    let mut child = strowger(&["check", "--json", "-c", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!((child.wait().unwrap().code(), complaint.as_str()), (Some(1), ""));
}

fn decode(proto: &str, flags: &[&str], message: &[u8]) -> Output {
    let arguments = [&["decode", "-", "--proto", proto], flags].concat();
    let mut command = strowger(&arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A program that refuses its arguments, or an input that is too long, is gone before it has read everything.
    if let Err(error) = child.stdin.take().unwrap().write_all(message) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
    child.wait_with_output().unwrap()
}

const CRCX: &[u8] = b"CRCX 1204 aaln/1@gw1.town MGCP 1.0\r\nC: A3C47F21456789F0\r\nL: p:10, a:PCMU\r\nM: recvonly\r\n\r\n\
    v=0\r\no=- 25678 753849 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 3456 RTP/AVP 0\r\n";

#[test]
fn a_legal_message_is_explained_field_by_field() {
    let output = decode("mgcp", &[], CRCX);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let explained = text(&output.stdout);
    for part in ["CRCX", "1204", "aaln/1@gw1.town", "recvonly", "PCMU", "127.0.0.1", "RFC 3435"] {
        assert!(explained.contains(part), "{part} in\n{explained}");
    }
    let description = &CRCX[CRCX.windows(3).position(|part| part == b"v=0").unwrap()..];
    let output = decode("sdp", &[], description);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn text_and_hexadecimal_digits_are_the_same_message() {
    let plain = decode("mgcp", &["--json"], CRCX);
    let hex: Vec<String> = CRCX.iter().map(|octet| format!("{octet:02x}")).collect();
    for form in [hex.concat(), hex.join(" "), hex.join(":").to_uppercase() + "\n"] {
        let output = decode("mgcp", &["--json"], form.as_bytes());
        assert_eq!(text(&output.stdout), text(&plain.stdout));
    }
    let explained: Value = serde_json::from_slice(&plain.stdout).unwrap();
    assert_eq!((&explained["protocol"], &explained["length"]), (&"mgcp".into(), &CRCX.len().into()));
    assert_eq!(explained["faults"], Value::Array(Vec::new()));
}

#[test]
fn a_message_of_sip_from_an_editor_is_read_with_the_line_ends_of_the_wire() {
    let pasted = "OPTIONS sip:town.test SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\nMax-Forwards: 70\n\
        From: <sip:a@town.test>;tag=1\nTo: <sip:town.test>\nCall-ID: 1\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n";
    let output = decode("sip", &[], pasted.as_bytes());
    let explained = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{explained}");
    assert!(explained.contains("remark: offset 0") && explained.contains("CR LF"), "{explained}");
    let wire: String = pasted.bytes().map(|octet| format!("{octet:02x}")).collect();
    let output = decode("sip", &[], wire.as_bytes());
    assert_eq!(output.status.code(), Some(1), "the octets of a wire are judged as they are");
}

#[test]
fn an_illegal_message_is_code_1_with_the_reason() {
    let output = decode("mgcp", &[], b"CRCX 1204 aaln/1@gw1.town MGCP 1.0\r\nC: hello\r\nM: recvonly\r\n");
    assert_eq!(output.status.code(), Some(1));
    let explained = text(&output.stdout);
    assert!(explained.contains("illegal: offset 39") && explained.contains("510"), "{explained}");
    for (proto, message) in [
        ("mgcp", &b""[..]),
        ("mgcp", b"GET / HTTP/1.1\r\n\r\n"),
        ("mgcp", b"\x00\xff\x1b[2J"),
        ("mgcp", b"AUEP 0 aaln/1@gw1.town MGCP 1.0\r\n"),
        ("sdp", b"v=1\r\n"),
        ("sdp", b"m=audio none\r\n"),
        ("rtp", b"00"),
    ] {
        for flags in [&[][..], &["--json"]] {
            let output = decode(proto, flags, message);
            assert_eq!(output.status.code(), Some(1), "{}: {}", message.escape_ascii(), text(&output.stdout));
            assert!(!text(&output.stdout).contains('\x1b'));
            assert_eq!(text(&output.stderr), "");
        }
    }
    let output = decode("mgcp", &["--json"], b"AUEP 0 aaln/1@gw1.town MGCP 1.0\r\n");
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(explained["faults"][0]["rule"].is_string(), "{explained}");
}

#[test]
fn endless_input_is_refused_and_not_kept() {
    let output = decode("mgcp", &[], &vec![b'A'; 1_100_000]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("longer than any message"));
}

/// A configuration on free ports.
fn free(folder: &Path) -> PathBuf {
    let path = folder.join("town.toml");
    let text = format!(
        "[listen]\nmgcp = \"127.0.0.1:0\"\nconsole = \"127.0.0.1:0\"\n[store]\npath = {:?}\n\
         [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"127.0.0.9:2427\"\n",
        folder.join("town.redb")
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[cfg(unix)]
#[test]
fn an_exchange_says_when_it_is_ready_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = free(folder.path());
    for (epoch, signal) in [(0, "TERM"), (1, "INT")] {
        let mut child = strowger(&["run", "--json", "-c", path.to_str().unwrap()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["ready"], true);
        let mut console = std::net::TcpStream::connect(ready["console"].as_str().unwrap()).unwrap();
        console.write_all(b"GET /health/ready HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        console.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("\"status\":\"ok\""), "{answer}");

        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{log}");
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let opened = lines.iter().find(|line| line["message"] == "store opened").unwrap();
        assert_eq!(opened["epoch"], epoch);
        assert!(lines.iter().any(|line| line["signal"] == format!("SIG{signal}")), "{log}");
        assert_eq!(lines.last().unwrap()["message"], "stopped");
    }
}

#[test]
fn an_exchange_that_cannot_open_its_port_is_code_1() {
    let holder = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let (_folder, path) = file(&format!("[listen]\nmgcp = \"{address}\"\n"));
    let output = run(&["run", "-c", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains(&format!("mgcp {address} cannot be opened")),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(text(&output.stdout), "", "it was never ready");
}

#[test]
fn a_message_of_megaco_goes_from_any_form_to_any_other() {
    let wild = b"megaco/1 <gw1.town> ; a comment\nTransaction=7{c=-{mf=00000001/00000000/*{sg{cg/dt}}}}";
    let compact = decode("megaco", &["--to", "compact"], wild);
    assert_eq!(compact.status.code(), Some(0), "{}", text(&compact.stderr));
    assert_eq!(text(&compact.stdout), "!/1 <gw1.town>\nT=7{C=-{MF=00000001/00000000/*{SG{cg/dt}}}}\n");
    let ber = decode("megaco", &["--to", "ber"], &compact.stdout);
    assert_eq!(ber.status.code(), Some(0), "{}", text(&ber.stderr));
    let pretty = decode("megaco", &["--to", "pretty"], &ber.stdout);
    assert!(
        text(&pretty.stdout).contains("\t\t\tSignals {\n\t\t\t\tcg/dt\n\t\t\t}"),
        "{}",
        text(&pretty.stdout)
    );
    assert_eq!(decode("megaco", &["--to", "compact"], &pretty.stdout).stdout, compact.stdout);
    let explained = text(&decode("megaco", &[], &ber.stdout).stdout);
    assert!(explained.contains("Modify: 00000001/00000000/*"), "{explained}");
}

#[test]
fn every_fault_of_a_message_of_megaco_has_its_place_clause_and_answer() {
    let message = b"!/1 <gw1.town>\nT=7{C=-{MF=aaln/1{E=4{al/of,al},Zap,SG{cg/dt}},Fly=b}}";
    for flags in [&[][..], &["--to", "ber"]] {
        let output = decode("megaco", flags, message);
        assert_eq!(output.status.code(), Some(1));
        let explained = text(&output.stdout);
        for part in [
            "offset 43..45: found \"al}",
            "Annex B.2, pkgdName",
            "444",
            "443",
            "in the reply to 7",
            "Signals",
        ] {
            assert!(explained.contains(part), "{part} in\n{explained}");
        }
    }
    let unmapped = decode("megaco", &["--to", "ber"], b"!/1 <gw1.town>\nT=7{C=-{MF=aaln/1}}");
    assert_eq!(unmapped.status.code(), Some(1));
    assert!(text(&unmapped.stderr).contains("aaln/1"), "{}", text(&unmapped.stderr));
    assert_eq!(decode("mgcp", &["--to", "ber"], CRCX).status.code(), Some(2));
}

#[test]
fn a_plan_of_names_says_what_the_octets_of_a_termination_are_called() {
    let plan = ["--names", "8:aaln,rtp/16:number"];
    let message = b"!/1 <gw1.town>\nT=7{C=-{MF=aaln/300}}";
    let ber = decode("megaco", &[&plan[..], &["--to", "ber"]].concat(), message);
    assert_eq!(ber.status.code(), Some(0), "{}", text(&ber.stderr));
    assert!(text(&ber.stdout).contains("00012c"), "{}", text(&ber.stdout));
    let explained = text(&decode("megaco", &plan, &ber.stdout).stdout);
    assert!(explained.contains("Modify: aaln/300"), "{explained}");
    let without = text(&decode("megaco", &[], &ber.stdout).stdout);
    assert!(without.contains("Modify: 00000000/00000001/00101100"), "{without}");
    assert_eq!(decode("megaco", &["--names", "8:"], message).status.code(), Some(2));
    assert_eq!(decode("mgcp", &plan, CRCX).status.code(), Some(2));
}
