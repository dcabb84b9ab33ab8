//! `circuits` of a `[[trunk]]`, good and bad: what they say to their author.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use strowger_exchange::CircuitSignalling;
use strowger_node::config::Config;

const SMALL: &str = "[listen]\nmgcp = \"127.0.0.1:2727\"\n\n\
    [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"127.0.0.9:2427\"\n";

fn small_and(more: &str) -> String {
    format!("{SMALL}{more}")
}

fn good(text: &str) -> Config {
    Config::parse("town.toml", text).unwrap_or_else(|report| panic!("{report}")).0
}

/// The findings as `found; expected`.
fn findings(text: &str) -> Vec<String> {
    let report = Config::parse("town.toml", text).expect_err("this configuration is wrong");
    report.to_rows().iter().map(|row| format!("{}; {}", row.found, row.expected)).collect()
}

const CIRCUITS: &str = "
[[trunk]]
id = \"pbx\"
circuits = { gateway = \"gw1\", endpoints = [\"ds/ds1-1/1-3\", \"ds/ds1-2/7\"], signalling = \"mf\", first = 5 }
transit = true

[[route]]
prefix = \"9\"
strip = 1
to = [\"trunk:pbx\"]
";

#[test]
fn a_trunk_of_circuits_names_a_gateway_that_signals_on_them() {
    let config = good(&small_and(CIRCUITS));
    let trunk = &config.inventory.circuit_trunks[0];
    assert_eq!((trunk.id.as_str(), trunk.signalling, trunk.transit), ("pbx", CircuitSignalling::Mf, true));
    let own: Vec<_> = trunk.circuits.iter().map(|own| (own.cic.0, own.endpoint.as_str())).collect();
    assert_eq!(own, [(5, "ds/ds1-1/1"), (6, "ds/ds1-1/2"), (7, "ds/ds1-1/3"), (8, "ds/ds1-2/7")]);
    assert!(config.inventory.trunks.is_empty());
    let dtmf = good(&small_and(&CIRCUITS.replace("\"mf\", first = 5", "\"dtmf\"")));
    let trunk = &dtmf.inventory.circuit_trunks[0];
    assert_eq!((trunk.signalling, trunk.circuits[0].cic.0), (CircuitSignalling::Dtmf, 1));
    // It may stand in a group, beside trunks of another kind.
    let group = "group = \"all\"\npriority = 2\ntransit = true\n\n[[trunk_group]]\nid = \"all\"\n";
    let grouped = good(&small_and(&CIRCUITS.replace("transit = true\n", group)));
    let place = &grouped.inventory.circuit_trunks[0].place;
    assert_eq!((place.group.as_deref(), place.priority, place.weight), (Some("all"), 2, 1));
}

#[test]
fn what_is_wrong_with_circuits_is_said() {
    let wrong = |from: &str, to: &str| findings(&small_and(&CIRCUITS.replace(from, to))).join("\n");
    assert!(wrong("\"gw1\"", "\"gw2\"").contains("did you mean \"gw1\"?"));
    assert!(wrong("\"mf\"", "\"m\"").contains("xpected \"mf\", \"dtmf\", \"none\""));
    assert!(wrong("\"mf\"", "\"isup\"").contains("signalling system 7 comes with a later version"));
    assert!(wrong("1-3", "3-1").contains("\"ds/ds1-1/3-1\" is no range of endpoints"));
    assert!(wrong("1-3", "*").contains("it must name one endpoint"));
    assert!(wrong("ds1-2/7", "ds1-1/2").contains("two circuits or lines are on the endpoint \"ds/ds1-1/2\""));
    assert!(wrong(", signalling = \"mf\"", "").contains("has no `signalling`"));
    assert!(wrong("first = 5", "first = 4094").contains("the codes of circuits end at 4095"));
    assert!(wrong("transit = true", "channels = 4").contains("channels of a trunk of circuits"));
    let both = "sip = { address = \"127.0.0.20:5060\" }";
    assert!(wrong("transit = true", both).contains("a trunk by SIP and by circuits"));
    let line = "\n[[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"DS/ds1-1/1\"\n";
    let found = findings(&small_and(&format!("{CIRCUITS}{line}"))).join("\n");
    assert!(found.contains("on the endpoint \"ds/ds1-1/1\""), "{found}");
    let megaco = "megaco_text = \"127.0.0.1:2944\"\n\n[[gateway]]\nid = \"gw1\"\nprotocol = \"megaco\"\naddress = \"127.0.0.9:2944\"\n";
    let found = findings(&format!("[listen]\n{megaco}{CIRCUITS}")).join("\n");
    assert!(found.contains("nobody signals on circuits of \"gw1\", which speaks Megaco"), "{found}");
    assert!(found.contains("ISUP comes with a later version"), "{found}");
    let tested = CIRCUITS.replace("\"mf\"", "\"none\"");
    let config = good(&format!("[listen]\n{megaco}{tested}"));
    assert_eq!(config.inventory.circuit_trunks[0].signalling, CircuitSignalling::Nobody);
}
