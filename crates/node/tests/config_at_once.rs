//! One run tells all that is wrong with a configuration: no fault hides another, and none is told that only follows from one.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_node::config::Config;

/// The findings as `line:column found`.
fn findings(text: &str) -> Vec<String> {
    let report = Config::parse("town.toml", text).expect_err("this configuration is wrong");
    report.to_rows().iter().map(|row| format!("{}:{} {}", row.line, row.column, row.found)).collect()
}

const GATEWAY: &str = "[[gateway]]\nid = \"gw1\"\nprotocol = \"megaco\"\naddress = \"127.0.0.9:2944\"\n";

#[test]
fn a_port_that_is_missing_is_told_beside_any_other_fault() {
    let circuits = "[[trunk]]\nid = \"pbx\"\ncircuits = { gateway = \"gw1\", endpoints = [\"ds/1/1\"], signalling = \"mf\" }\n";
    let text = format!("[listen]\nmgcp = \"127.0.0.1:2727\"\n{GATEWAY}{circuits}");
    assert_eq!(
        findings(&text),
        [
            "4:6 gateway \"gw1\" speaks Megaco, and no Megaco port is opened",
            "9:24 nobody signals on circuits of \"gw1\", which speaks Megaco",
        ]
    );
    // Of each port, and of nobody's name.
    let mgcp = "[[gateway]]\nid = \"gw2\"\nprotocol = \"mgcp\"\naddress = \"127.0.0.8:2427\"\n";
    let binary = format!("{}encoding = \"binary\"\n", GATEWAY.replace("gw1", "gw3").replace("0.9", "0.7"));
    let third = GATEWAY.replace("gw1", "gw4").replace("0.9", "0.6");
    let text = format!("{GATEWAY}{mgcp}{binary}{third}");
    assert_eq!(
        findings(&text),
        [
            "2:6 gateway \"gw1\" speaks Megaco (as does one other), and no Megaco port is opened",
            "6:6 gateway \"gw2\" speaks MGCP, and no MGCP port is opened",
            "10:6 gateway \"gw3\" speaks Megaco, and no Megaco port is opened",
        ]
    );
    let text = GATEWAY.replace("id = \"gw1\"\n", "");
    assert_eq!(
        findings(&text),
        ["1:1 [[gateway]] has no `id`", "1:1 this gateway speaks Megaco, and no Megaco port is opened"]
    );
}

#[test]
fn a_port_that_cannot_be_read_is_told_once() {
    let text = |listen: &str| format!("[listen]\n{listen}\n{GATEWAY}");
    assert_eq!(findings(&text("megaco_text = \"127.0.0.1\"")), ["2:15 \"127.0.0.1\" is not an address"]);
    assert_eq!(
        findings(&text("megaco_txt = \"127.0.0.1:2944\"")),
        ["2:1 unknown key `megaco_txt` in [listen]"]
    );
    assert_eq!(findings(&format!("listen = 3\n{GATEWAY}")), ["1:10 found the number 3"]);
    let wrong = |from: &str, to: &str| findings(&text("mgcp = \"127.0.0.1:2727\"").replace(from, to));
    assert_eq!(wrong("\"megaco\"", "\"megacoo\""), ["5:12 unknown protocol \"megacoo\""]);
    let encoding = wrong("address", "encoding = \"wide\"\naddress");
    assert_eq!(encoding, ["6:12 unknown encoding \"wide\""]);
    let trunk = "[[trunk]]\nid = \"carrier\"\nsip = { address = \"127.0.0.20:5060\" }\n";
    let phone = "[[line]]\nnumber = \"2001\"\nsip = { user = \"2001\", password = \"secret\" }\n";
    let text = format!("[listen]\nsip = \"127.0.0.1\"\n{trunk}{phone}");
    assert_eq!(findings(&text), ["2:7 \"127.0.0.1\" is not an address"]);
}

#[test]
fn circuits_without_a_gateway_have_their_other_faults_told() {
    let text = "[listen]\nconsole = \"127.0.0.1:8088\"\n[[trunk]]\n\
        circuits = { endpoints = [\"ds/1/*\"], signalling = \"mf\", first = 4095 }\n\
        [[trunk]]\nsip = { address = \"127.0.0.20:5060\" }\n";
    assert_eq!(
        findings(text),
        [
            "3:1 [[trunk]] has no `id`",
            "4:12 circuits of a [[trunk]] has no `gateway`",
            "4:27 \"ds/1/*\" is no legal endpoint",
            "5:1 [[trunk]] has no `id`",
            "5:1 this trunk speaks SIP, and no SIP port is opened",
        ]
    );
}

#[test]
fn groups_and_classes_without_a_name_have_their_other_faults_told() {
    let text = "[listen]\nconsole = \"127.0.0.1:8088\"\n[[class]]\noutgoing = 5\n[[group]]\nmembers = [\"2009\"]\noverflow = 7\n";
    assert_eq!(
        findings(text),
        [
            "3:1 [[class]] has no `id`",
            "4:12 found the number 5",
            "5:1 [[group]] has no `number`",
            "6:12 there is no line with the number \"2009\"",
            "7:12 found the number 7",
        ]
    );
}

#[test]
fn a_name_that_the_protocol_does_not_allow_has_its_place() {
    let text = "[listen]\nmgcp = \"127.0.0.1:2727\"\n[[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\n\
        address = \"127.0.0.9:2427\"\ndomain = \"gw_1\"\n";
    assert_eq!(findings(text), ["7:10 \"gw_1\" is no legal domain"]);
}

#[test]
fn a_push_gateway_that_nobody_can_use_is_told_so_beside_any_other_fault() {
    let text = "[exchange]\ncountry = \"zz\"\n[push]\n";
    assert_eq!(
        findings(text),
        [
            "2:11 unknown country \"zz\"",
            "3:2 pushes cannot be submitted: [push] has no `listen`",
            "3:2 nobody may push",
            "3:2 pushes have nowhere to go",
            "3:2 accepted pushes are kept in memory",
        ]
    );
    let text = "[push]\nlisten = 5\nudp = 6\n[[push_usr]]\nname = \"a\"\n";
    assert_eq!(
        findings(text),
        [
            "1:2 accepted pushes are kept in memory",
            "2:10 found the number 5",
            "3:7 found the number 6",
            "4:3 unknown key `push_usr` in the file",
        ]
    );
}

#[test]
fn a_message_centre_that_nobody_can_use_is_told_so_beside_any_other_fault() {
    let text = "[exchange]\ncountry = \"zz\"\n[mmsc]\n[[application]]\nname = \"news\"\npassword = \"secret\"\n\
        [[subscriber]]\nnumber = \"+15550100\"\n";
    let found = findings(text);
    for own in [
        "2:11 unknown country \"zz\"",
        "3:2 handsets cannot be notified: there is no table [push]",
        "3:2 handsets cannot come: [mmsc] has no `listen`",
        "4:1 the application can neither come nor be reached",
        "7:1 the subscriber can neither send nor fetch",
    ] {
        assert!(found.iter().any(|found| found == own), "{own}: {found:?}");
    }
    let alone = findings("[exchange]\ncountry = \"zz\"\n[mmsc]\n");
    assert!(alone.iter().any(|found| found == "3:2 nobody can send or fetch messages"), "{alone:?}");
    let illegible = "push = 3\n[mmsc]\nlisten = 1\napplications = 2\nproxies = 3\nheader = \"X-MSISDN\"\n[[application]]\nname = \"news\"\n\
        password = \"secret\"\n[[subscriber]]\nnumber = \"+15550100\"\nnetworks = 4\n";
    let found = findings(illegible);
    assert!(
        found.iter().all(|found| found.contains("found the number") || found.contains("in memory")),
        "{found:?}"
    );
}
