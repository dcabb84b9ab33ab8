//! Configurations, good and bad: what each says to its author.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::time::Duration;

use strowger_exchange::{
    ControllerLeaves, DialectChoice, Features, FlashControl, GatewayProtocol, HuntOrder, MediaPolicy,
    MegacoEncoding, MegacoEntry, MegacoTransport, NamePlan, NoSignals, Ring, RouteTarget, Service,
};
use strowger_node::admission::Limits;
use strowger_node::config::{Config, Report, Severity, StoreConfig};

fn good(text: &str) -> Config {
    match Config::parse("town.toml", text) {
        Ok((config, report)) => {
            assert_eq!(report.warnings(), 0, "{report}");
            config
        }
        Err(report) => panic!("{report}"),
    }
}

fn bad(text: &str) -> Report {
    Config::parse("town.toml", text).expect_err("this configuration is wrong")
}

/// The findings as `line:column found; expected`.
fn findings(text: &str) -> Vec<String> {
    let rows = bad(text).to_rows();
    rows.iter().map(|row| format!("{}:{} {}; {}", row.line, row.column, row.found, row.expected)).collect()
}

const SMALL: &str = "[listen]\nmgcp = \"127.0.0.1:2727\"\n\n\
    [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"127.0.0.9:2427\"\n";

fn small_and(more: &str) -> String {
    format!("{SMALL}{more}")
}

#[test]
fn a_file_with_only_listen_and_one_gateway_is_valid() {
    let config = good(SMALL);
    assert_eq!(config.inventory.gateways[0].domain, "[127.0.0.9]");
    assert_eq!(config.inventory.gateways[0].dialect, DialectChoice::Auto);
    assert_eq!(config.store, StoreConfig::Memory);
    assert_eq!(config.listen.console, None);
}

#[test]
fn a_gateway_may_be_given_by_the_name_of_its_host() {
    let named = SMALL.replace("127.0.0.9:2427", "GW1.example.net:2427");
    let gateway = &good(&named).inventory.gateways[0];
    assert_eq!(gateway.host.as_deref(), Some("gw1.example.net:2427"));
    assert_eq!(gateway.domain, "gw1.example.net");
    let other = "\n[[gateway]]\nid = \"gw2\"\nprotocol = \"mgcp\"\naddress = \"gw1.example.net:2427\"\n";
    assert!(findings(&format!("{named}{other}"))[0].contains("two gateways are at \"gw1.example.net:2427\""));
    // A name needs a port, and what ends in a number is an address.
    for wrong in ["gw1.example.net", "gw1.example.net:0", "10.0.0.300:2427", "gw 1:2427"] {
        let found = findings(&SMALL.replace("127.0.0.9:2427", wrong));
        assert!(found[0].contains("is not an address"), "{found:?}");
    }
}

#[test]
fn the_example_of_features_is_valid() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/features.toml");
    let (config, report) = Config::load(&path).unwrap();
    assert_eq!(report.diagnostics(), []);
    let inventory = config.inventory;
    assert_eq!(inventory.groups[0].members, ["2001", "2003"]);
    let subscribed: Vec<_> = inventory.subscriptions.keys().map(String::as_str).collect();
    assert_eq!(subscribed, ["2001", "2002", "2004"]);
    assert!(inventory.lines[0].features.call_waiting);
}

#[test]
fn the_example_town_is_valid() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/town.toml");
    let (config, report) = Config::load(&path).unwrap();
    assert_eq!(report.diagnostics(), []);
    let numbers: Vec<_> = config.inventory.lines.iter().map(|line| line.number.as_str()).collect();
    assert_eq!(numbers, ["2001", "2002", "2003", "2004"]);
    assert_eq!(config.inventory.gateways.len(), 2);
    assert_eq!(config.store, StoreConfig::Embedded { path: PathBuf::from("town.redb") });
    assert_eq!(config.inventory.routes[0].to, [RouteTarget::Line("2004".to_owned())]);
    assert_eq!(config.inventory.routes[1].length, Some(7..=7));
}

#[test]
fn every_key_reaches_the_inventory() {
    let config = good(
        r#"
        timers = { ringing = 12.5, probe = 5 }
        capture = { path = "own.pcapng", max_mb = 2, files = 3 }
        limits = { gateway_rate = 300, gateway_burst = 60, peer_rate = 700, peer_burst = 70 }
        store = { kind = "memory" }
        [exchange]
        name = "town"
        country = "DE"
        media = "relay:mgw"
        agent = "192.0.2.1:2727"
        [listen]
        mgcp = "0.0.0.0:2727"
        console = "[::1]:8088"
        [[gateway]]
        id = "mgw"
        protocol = "mgcp"
        address = "[::ffff:192.0.2.9]:2427"
        domain = "mgw"
        dialect = "osmo"
        media = ["192.0.2.10", "192.0.2.11"]
        relay = "rtpbridge/*"
        [[line]]
        number = "+4930555"
        gateway = "mgw"
        endpoint = "aaln/1"
        name = "Straße 1"
        [[route]]
        prefix = "9"
        strip = 1
        add = "+49"
        length = [7, 15]
        to = ["lines", "cause:1"]
        "#,
    );
    let inventory = &config.inventory;
    assert_eq!(inventory.country.code(), "de");
    assert_eq!(inventory.media, MediaPolicy::Relay { gateway: "mgw".to_owned() });
    assert_eq!(inventory.agent_address, Some("192.0.2.1:2727".parse().unwrap()));
    assert_eq!(inventory.gateways[0].address, "192.0.2.9:2427".parse().unwrap(), "one form for one address");
    assert_eq!(inventory.gateways[0].media.len(), 2);
    assert_eq!(inventory.gateways[0].relay.as_ref().unwrap().endpoint, "rtpbridge/*");
    assert_eq!(inventory.timers.ringing.as_millis(), 12_500);
    assert_eq!(inventory.timers.probe.as_secs(), 5);
    assert_eq!(inventory.routes[0].length, Some(7..=15));
    let capture = config.capture.unwrap();
    assert_eq!((capture.max_bytes, capture.files), (2_000_000, 3));
    assert_eq!(
        config.limits,
        Limits { gateway_rate: 300, gateway_burst: 60, peer_rate: 700, peer_burst: 70 }
    );
}

#[test]
fn a_limit_that_is_none_or_stops_calls_is_refused() {
    let text = small_and("[limits]\ngateway_rate = 0\ngateway_burst = 1_000_001\ngateway_brust = 1\n");
    assert_eq!(
        findings(&text),
        [
            "9:16 found the number 0; expected a whole number from 10 to 1000000",
            "10:17 found the number 1000001; expected a whole number from 10 to 1000000",
            "11:1 unknown key `gateway_brust` in [limits]; did you mean `gateway_burst`?",
        ]
    );
}

#[test]
fn staying_awake_is_counted_in_microseconds_and_has_an_end() {
    let awake = |span: &str| SMALL.replace("[listen]\n", &format!("[listen]\nbusy_poll = {span}\n"));
    assert_eq!(good(SMALL).listen.busy_poll, Duration::ZERO);
    assert_eq!(good(&awake("50")).listen.busy_poll, Duration::from_micros(50));
    let expected = "2:13 found the number 1001; expected a whole number from 0 to 1000";
    assert_eq!(findings(&awake("1001")), [expected]);
}

#[test]
fn an_unknown_key_is_told_its_nearest_name() {
    let text = small_and(
        "adress = 1\n[lisen]\n[[line]]\nnumber = \"1\"\ngateway = \"gw1\"\nendpoint = \"a\"\nquux = 1\n",
    );
    assert_eq!(
        findings(&text),
        [
            "8:1 unknown key `adress` in [[gateway]]; did you mean `address`?",
            "9:2 unknown key `lisen` in the file; did you mean `listen`?",
            "14:1 unknown key `quux` in [[line]]; expected one of: number, gateway, endpoint, name, codecs, features, sip",
        ]
    );
}

#[test]
fn a_key_of_a_later_version_is_known_as_such() {
    let text = r#"[listen]
mgcp = "127.0.0.1:2727"
[store]
kind = "etcd"
endpoints = ["127.0.0.1:2379"]
[[gateway]]
id = "gw1"
protocol = "mgcp"
address = "127.0.0.9:2427"
"#;
    let found = findings(text);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|line| line.contains("is not supported by this version yet")), "{found:#?}");
    assert_eq!(
        found[1],
        "5:1 `endpoints` is not supported by this version yet; stores shared by several nodes (etcd) come with a later version: \
         remove it from [store]"
    );
}

const TRUNK: &str = r#"[listen]
sip = "127.0.0.1:5060"
[[trunk]]
id = "carrier"
channels = 30
transit = true
sip = { address = "127.0.0.20:5060", transport = "udp", domain = "carrier.example", user = "town", password = "secret", register = true, sources = ["127.0.0.21"], media = ["127.0.0.22"], probe = 30, trusted = true }
[[route]]
prefix = "9"
strip = 1
to = ["trunk:carrier", "cause:34"]
"#;

#[test]
fn a_sip_trunk_has_its_address_and_routes_lead_to_it() {
    let config = good(TRUNK);
    assert_eq!(config.listen.sip, Some("127.0.0.1:5060".parse().unwrap()));
    let trunk = &config.inventory.trunks[0];
    assert_eq!(
        (trunk.id.as_str(), trunk.channels, trunk.transit, trunk.trusted),
        ("carrier", 30, true, true)
    );
    assert_eq!(trunk.address, "127.0.0.20:5060".parse().unwrap());
    assert_eq!(trunk.domain.as_deref(), Some("carrier.example"));
    assert!(trunk.register);
    assert_eq!((trunk.user.as_deref(), trunk.password.as_deref()), (Some("town"), Some("secret")));
    assert_eq!(config.inventory.sip[0].address, "127.0.0.1:5060".parse().unwrap());
    assert_eq!(config.inventory.routes[0].to[0].to_string(), "trunk:carrier");
}

#[test]
fn what_is_wrong_with_a_trunk_is_said() {
    let wrong = |from: &str, to: &str| findings(&TRUNK.replace(from, to)).join("\n");
    assert!(
        wrong("to = [\"trunk:carrier\"", "to = [\"trunk:carier\"")
            .contains("did you mean \"trunk:carrier\"?")
    );
    assert!(wrong("user = \"town\", password = \"secret\", ", "").contains("nobody to register"));
    assert!(wrong(", password = \"secret\"", "").contains("a user without a password"));
    assert!(wrong("sip = \"127.0.0.1:5060\"", "mgcp = \"127.0.0.1:2727\"").contains("no SIP port is opened"));
    assert!(wrong("sip = \"127.0.0.1:5060\"", "sip = \"0.0.0.0:5060\"").contains("name none to its peers"));
    let over_tls = wrong("transport = \"udp\"", "transport = \"tls\"");
    assert!(over_tls.contains("has no `ca`") && over_tls.contains("expected `sips ="), "{over_tls}");
    assert!(wrong("probe = 30", "ca = \"ca.pem\"").contains("the trunk has no TLS"));
    assert!(wrong("probe = 30", "sips = true").contains("SIPS URIs without TLS"));
    let listen = "sip = \"127.0.0.1:5060\"\nsips = \"127.0.0.1:5061\"\n";
    assert!(wrong("sip = \"127.0.0.1:5060\"\n", listen).contains("TLS without a certificate"));
    let lone = format!("{listen}[tls]\ncertificate = \"nothing.pem\"\n");
    assert!(wrong("sip = \"127.0.0.1:5060\"\n", &lone).contains("a certificate without its key"));
    let absent = format!("{lone}key = \"nothing.key\"\n");
    assert!(wrong("sip = \"127.0.0.1:5060\"\n", &absent).contains("nothing.pem: "));
    assert!(wrong("probe = 30", "probes = 30").contains("did you mean `probe`?"));
    assert!(wrong("channels = 30", "channels = 0").contains("from 1 to 10000"));
    assert!(wrong("address = \"127.0.0.20:5060\", ", "").contains("has no `address`"));
    assert!(wrong("id = \"carrier\"", "id = \"a b\"").contains("trunk id"));
}

const MEGACO: &str = r#"[exchange]
name = "town"
[listen]
megaco_text = "127.0.0.1:2944"
[[gateway]]
id = "gw1"
protocol = "megaco"
address = "127.0.0.9:2944"
mid = "<gw1.town>"
domain = "gw1.town"
transport = "tcp"
encoding = "pretty"
empty_signals = "token"
names = "8:bits/8:bits/8:bits"
profiles = ["ResGW/1", "TrunkGW/12"]
[[line]]
number = "2001"
gateway = "gw1"
endpoint = "aaln/1"
"#;

#[test]
fn a_megaco_gateway_has_its_identifier_transport_and_form() {
    let config = good(MEGACO);
    let gateway = &config.inventory.gateways[0];
    assert_eq!(gateway.protocol, GatewayProtocol::Megaco);
    let mid = Some("<gw1.town>".to_owned());
    let names = Some(NamePlan::default());
    let (transport, encoding) = (MegacoTransport::Tcp, MegacoEncoding::Pretty);
    let profiles = vec!["ResGW/1".parse().unwrap(), "TrunkGW/12".parse().unwrap()];
    let no_signals = NoSignals::Token;
    assert_eq!(gateway.megaco, MegacoEntry { mid, transport, encoding, names, no_signals, profiles });
    assert_eq!(config.listen.megaco_text, Some("127.0.0.1:2944".parse().unwrap()));
}

#[test]
fn what_is_of_the_other_protocol_or_no_identifier_is_an_error() {
    let all = |from: &str, to: &str| findings(&MEGACO.replace(from, to));
    assert_eq!(
        all("mid = \"<gw1.town>\"", "mid = \"two words\""),
        [
            "9:7 \"two words\" is no message identifier; expected it as it stands in messages: \"<gw1.town>\", \"[192.0.2.9]:2944\" or a device's name"
        ]
    );
    assert_eq!(
        all("protocol = \"megaco\"", "protocol = \"megacoo\""),
        ["7:12 unknown protocol \"megacoo\"; did you mean \"megaco\"? Expected \"mgcp\", \"megaco\""],
        "of which nothing else is said"
    );
    assert_eq!(
        all("names = \"8:bits/8:bits/8:bits\"", "names = \"65:bits\""),
        [
            "14:9 \"65:bits\" is no plan of names; expected levels with slashes between, each its bits and their form: \"8:aaln,rtp,ds/24:number\" or \"8:bits/8:bits/8:bits\""
        ]
    );
    assert_eq!(
        all("domain = \"gw1.town\"", "relay = \"rtp/1\""),
        [
            "10:9 \"rtp/1\" lets a Megaco gateway choose no stream; expected the name of its streams with `$` at the end: \"rtp/$\""
        ]
    );
    assert_eq!(
        all("TrunkGW/12", "TrunkGW"),
        ["15:24 \"TrunkGW\" is no profile; expected a name and a version: \"ResGW/1\""]
    );
    assert_eq!(
        all("encoding = \"pretty\"", "dialect = \"ncs\""),
        ["12:1 `dialect` says nothing of a gateway that speaks Megaco; expected the key to be left out"]
    );
    assert_eq!(
        all("encoding = \"pretty\"", "encoding = \"binary\""),
        [
            "6:6 gateway \"gw1\" speaks Megaco, and no Megaco port is opened; expected `megaco_binary = \"127.0.0.1:2945\"` in [listen]"
        ]
    );
}

#[test]
fn all_errors_come_at_once_and_in_the_order_of_the_file() {
    let text = small_and(
        r#"
[[gateway]]
id = "gw1"
protocol = "mgpc"
address = "127.0.0.9:2427"

[[line]]
number = "20o1"
gateway = "gw2"
endpoint = "aaln/*"

[[line]]
gateway = "gw1"
endpoint = "aaln/1"

[[line]]
number = "2003"
gateway = "gw1"
endpoint = "AALN/1"
name = 7
"#,
    );
    assert_eq!(
        findings(&text),
        [
            "10:6 gateway id \"gw1\" is given twice; expected each gateway id once",
            "11:12 unknown protocol \"mgpc\"; did you mean \"mgcp\"? Expected \"mgcp\", \"megaco\"",
            "12:11 two gateways have the address 127.0.0.9:2427; expected an address of its own: gateways are told \
             apart by it",
            "15:10 \"20o1\" is no legal number; only digits, '*' and '#', or '+' and digits, can be dialled",
            "16:11 there is no gateway with the id \"gw2\"; did you mean \"gw1\"?",
            "17:12 \"aaln/*\" is no legal endpoint; it must name one endpoint, without '*' or '$'",
            "19:1 [[line]] has no `number`; expected number = \"2001\"",
            "26:12 two lines hang on the endpoint \"AALN/1\"; expected an endpoint of its own",
            "27:8 found the number 7; expected a string: name = \"A. Subscriber\"",
        ]
    );
}

#[test]
fn an_error_shows_the_line_and_the_other_place() {
    let text = small_and(
        "[[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\n\
        [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/2\"\n",
    );
    assert_eq!(
        bad(&text).render(false),
        "town.toml:13:10: error: number \"2001\" is given twice\n\
         \x20  |\n\
         13 | number = \"2001\"\n\
         \x20  |          ^^^^^^ expected each number once\n\
         \x209 | number = \"2001\"\n\
         \x20  |          ^^^^^^ first given here\n\n"
    );
}

#[test]
fn addresses_are_addresses() {
    let found = |address: &str| {
        let text = format!(
            "[listen]\nmgcp = \"127.0.0.1:2727\"\n[[gateway]]\nid = \"g\"\nprotocol = \"mgcp\"\naddress = \"{address}\"\n"
        );
        let found = findings(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("6:11 "), "{found:?}");
        found[0].clone()
    };
    assert!(found("127.0.0.9").contains("the port is missing"));
    assert!(found("127.0.0.999:2427").contains("the IP address is not valid"));
    let listening = SMALL.replace("127.0.0.1:2727", "localhost:2727");
    assert!(findings(&listening)[0].contains("names are not looked up"));
    assert!(found("127.0.0.9:70000").contains("the port is not a number"));
    assert!(found("127.0.0.9:0").contains("is not the address of one host"));
    assert!(found("0.0.0.0:2427").contains("is not the address of one host"));
    assert!(found("224.0.0.1:2427").contains("is not the address of one host"));
    assert!(found("127.0.0.1:2727").contains("is the exchange's own address"));
    assert!(found("[::1]:2427").contains("cannot be reached"));
}

#[test]
fn listening_beyond_loopback_needs_a_gateway_or_a_word() {
    let empty = "[listen]\nmgcp = \"0.0.0.0:2727\"\n";
    let found = findings(empty);
    assert!(
        found[0].starts_with("2:8 this listens beyond loopback without one gateway, trunk or telephone"),
        "{found:?}"
    );
    good(&format!("{empty}[exchange]\nopen = true\n"));
    good("[listen]\nmgcp = \"127.0.0.1:2727\"\n");
    good(&SMALL.replace("127.0.0.1:", "0.0.0.0:"));
}

#[test]
fn what_runs_but_surprises_is_a_warning() {
    let text = SMALL.replace("127.0.0.9:", "192.0.2.9:") + "[exchange]\n";
    let (_, report) = Config::parse("town.toml", &text).unwrap();
    assert_eq!((report.errors(), report.warnings()), (0, 1));
    assert_eq!(report.diagnostics()[0].severity, Severity::Warning);
    let text = SMALL.replace("[listen]", "[listen]\nconsole = \"0.0.0.0:8088\"");
    let (_, report) = Config::parse("town.toml", &text).unwrap();
    assert!(report.render(false).contains("warning: the console is reachable beyond loopback"));
}

#[test]
fn a_file_that_opens_nothing_is_an_error() {
    assert!(findings("")[0].contains("nothing is opened"));
    assert!(findings("[listen]\n")[0].contains("nothing is opened"));
    let text = SMALL.replace("mgcp = \"127.0.0.1:2727\"", "console = \"127.0.0.1:8088\"");
    assert!(findings(&text)[0].contains("no MGCP port is opened"));
}

#[test]
fn routes_fit_together() {
    let text = small_and(
        r#"[[line]]
number = "2001"
gateway = "gw1"
endpoint = "aaln/1"
[[route]]
prefix = "9"
strip = 2
length = 40
to = ["line:2O01", "line:2002", "nowhere", 5]
[[route]]
prefix = "9"
to = []
[[route]]
prefix = "555"
length = 2
add = "x"
"#,
    );
    assert_eq!(
        findings(&text),
        [
            "14:9 2 digits are stripped from a prefix of 1; expected at most 1",
            "15:10 found the number 40; expected the digits of the whole number, 1 to 32: length = 11, or from and \
             to: length = [7, 15]",
            "16:7 unknown route target \"line:2O01\"; expected \"lines\", \"line:NUMBER\", \"trunk:ID\", \"trunks:ID\" or \"cause:VALUE\" with a \
             value of Q.850",
            "16:20 there is no line with the number \"2002\"; did you mean \"line:2001\"?",
            "16:33 unknown route target \"nowhere\"; expected \"lines\", \"line:NUMBER\", \"trunk:ID\", \"trunks:ID\" or \"cause:VALUE\" with a \
             value of Q.850",
            "16:44 found the number 5; expected strings in brackets: to = [\"lines\"]",
            "18:10 prefix \"9\" is given twice; expected each prefix once",
            "19:6 the route has no target; expected a target: to = [\"lines\"]",
            "20:1 [[route]] has no `to`; expected to = [\"lines\"]",
            "22:10 the whole number is shorter than its prefix; expected at least 3",
            "23:7 \"x\" is no legal number to add; only digits, '*' and '#', or '+' and digits, can be dialled",
        ]
    );
}

#[test]
fn a_relay_is_named_by_its_gateway() {
    let media = |media: &str| findings(&small_and(&format!("[exchange]\nmedia = \"{media}\"\n")))[0].clone();
    assert!(media("relay:gw2").contains("there is no gateway with the id \"gw2\"; did you mean \"gw1\"?"));
    assert!(media("relay:gw1").contains("the gateway \"gw1\" has no relay"));
    assert!(media("relay:").contains("unknown media policy"));
    assert!(media("proxy").contains("unknown media policy"));
    good(&small_and("relay = \"relay/$\"\n[exchange]\nmedia = \"relay:gw1\"\n"));
}

#[test]
fn stores_and_files_are_told_apart() {
    let found = |more: &str| findings(&small_and(more)).join("\n");
    assert!(found("[store]\n").contains("the embedded store has no `path`"));
    assert!(found("[store]\nkind = \"memory\"\npath = \"x\"\n").contains("a store in memory has no path"));
    assert!(found("[store]\nkind = \"embeded\"\npath = \"x\"\n").contains("did you mean \"embedded\"?"));
    assert!(found("[store]\npath = \"x\"\n[records]\ncdr = \"x\"\n").contains("path \"x\" is given twice"));
    assert!(found("[capture]\npath = \"\"\nmax_mb = 0\n").contains("from 1 to 1000000"));
    assert!(found("[timers]\nringing = -1\n").contains("expected seconds, from 0.01"));
    assert!(found("[timers]\nringing = \"long\"\n").contains("expected seconds, from 0.01"));
}

#[test]
fn a_wrong_kind_of_table_is_told_how_it_is_written() {
    assert_eq!(
        findings("listen = 5\n[gateway]\nid = \"gw1\"\n"),
        [
            "1:10 found the number 5; expected the table [listen]",
            "2:2 found a table; expected [[gateway]] with double brackets",
        ]
    );
}

#[test]
fn broken_syntax_is_shown_at_its_place_and_not_followed_by_false_errors() {
    let report = bad("[listen]\nmgcp = 127.0.0.1:2727\nconsole = \"x\n[[gateway]\n");
    let rows = report.to_rows();
    assert!(rows.len() >= 2, "{report}");
    assert_eq!(rows[0].line, 2, "{report}");
    assert!(rows.iter().all(|row| !row.found.contains("opened")), "{report}");
    assert!(rows.iter().all(|row| !row.found.is_empty() && !row.expected.is_empty()), "{report}");
}

#[test]
fn text_from_the_file_cannot_write_to_the_terminal() {
    let report = bad("[listen]\nmgcp = \"\\u001b[2J\"\n\"\\u001b]0;x\\u0007\" = 1\n");
    assert!(!report.render(false).contains('\x1b'), "{report}");
    let report = Config::parse_bytes("t", b"[listen]\nmgcp = \"\xff\x1b[2J\"\n").err().unwrap();
    assert!(report.render(false).starts_with("t:2:9: error: not UTF-8 text"), "{report}");
    assert!(!report.render(false).contains('\x1b'));
}

#[test]
fn a_file_that_is_not_there_is_an_error_in_words() {
    let error = Config::load(&PathBuf::from("/nonexistent/town.toml")).err().unwrap();
    assert!(error.to_string().starts_with("/nonexistent/town.toml cannot be read: "), "{error}");
}

#[test]
fn no_text_makes_it_panic() {
    // Every prefix of a rich file, and every byte of it replaced by characters that matter to the syntax.
    let text = include_str!("../../../examples/town.toml");
    let body = &text[text.find("[exchange]").unwrap()..];
    for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
        let _ = Config::parse("t", &body[..end]);
    }
    for at in (0..body.len()).step_by(3) {
        for byte in [b'"', b'[', b'=', b'\n', 0, 0xff, b'7'] {
            let mut bytes = body.as_bytes().to_vec();
            bytes[at] = byte;
            if let Err(report) = Config::parse_bytes("t", &bytes) {
                assert!(!report.render(false).is_empty());
            }
        }
    }
}

#[test]
fn codecs_are_read_by_their_words_and_unknown_ones_are_told() {
    let line = "[[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\ncodecs = [\"PCMA\"]\n";
    let config = good(&small_and(&format!("[exchange]\ncodecs = [\"g722\", \"pcmu\"]\n{line}")));
    let codecs = config.inventory.codecs;
    let names = |line| codecs.encoding_names(config.inventory.country, "gw1", line);
    assert_eq!((names(None), names(Some("2001"))), (vec!["G722".into(), "PCMU".into()], vec!["PCMA".into()]));
    let findings = findings(&small_and("[exchange]\ncodecs = [\"pcmx\"]\n"));
    assert!(findings[0].to_string().contains("unknown codec \"pcmx\""), "{findings:?}");
    let findings = self::findings(&small_and("[exchange]\ncodecs = []\n"));
    assert_eq!(findings.len(), 1, "{findings:?}");
}

#[test]
fn features_are_read_and_what_is_not_named_is_as_in_the_country() {
    let line = "[[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\n";
    let config = good(&small_and(&format!("{line}features = {{ transfer = false, call_waiting = true }}\n")));
    let features = config.inventory.lines[0].features;
    assert_eq!(features, Features { transfer: false, ..Features::ALL });
    assert_eq!(config.inventory.features.blind_transfer.as_deref(), Some("*98"));
    let config = good(&small_and(
        "[exchange]\ncountry = \"de\"\n[features]\ncancel_call_waiting = \"*70\"\ncontroller_leaves = \"join\"\n",
    ));
    assert_eq!(config.inventory.features.codes().collect::<Vec<_>>(), ["*70"]);
    assert_eq!(config.inventory.features.controller_leaves, ControllerLeaves::JoinsTheOthers);
    assert_eq!(config.inventory.features.flash, FlashControl::Digit);
    let config = good(&small_and(
        "[exchange]\ncountry = \"de\"\n[features]\nflash = \"hook\"\nrecall_ring = \"r1\"\n",
    ));
    assert_eq!(config.inventory.features.flash, FlashControl::Hook);
    assert_eq!(config.inventory.features.recall_ring, Ring::Pattern(1));
    let config = good(&small_and("[features]\nblind_transfer = \"\"\n"));
    assert_eq!(config.inventory.features.blind_transfer, None);
    let findings = findings(&small_and(
        "[features]\nblind_transfer = \"x\"\ncontroller_leaves = \"stay\"\nflash = \"R\"\nrecall_ring = \"r8\"\n",
    ));
    assert_eq!(findings.len(), 4, "{findings:?}");
}

const LINES: &str = "[[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\n\
    [[line]]\nnumber = \"2002\"\ngateway = \"gw1\"\nendpoint = \"aaln/2\"\n";

#[test]
fn subscriptions_groups_classes_and_codes_are_read() {
    let config = good(&small_and(&format!(
        "{LINES}features = {{ forward_busy = \"2100\", class = \"local\", no_answer = 12, hot_line = \"2001\", \
         hot_line_after = 5, speed_dial = {{ 2 = \"2001\" }}, numbers = {{ 2012 = \"r2\" }}, do_not_disturb = true }}\n\
         [[class]]\nid = \"local\"\nallowed = [\"2\"]\n[[group]]\nnumber = \"2100\"\nmembers = [\"2001\", \
         \"2002\"]\norder = \"circular\"\noverflow = \"2001\"\n[features]\nemergency = [\"112\"]\n[features.codes]\n\
         redial = \"*07\"\ncall_return = \"\"\n"
    )));
    let inventory = &config.inventory;
    assert_eq!(inventory.check(), []);
    let two = &inventory.subscriptions["2002"];
    assert_eq!((two.forward_busy.as_deref(), two.class.as_deref()), (Some("2100"), Some("local")));
    assert_eq!(two.no_answer.as_secs(), 12);
    assert_eq!(two.hot_line.as_ref().map(|hot| hot.after.as_secs()), Some(5));
    assert!(two.do_not_disturb && two.speed_dial["2"] == "2001" && two.numbers[0].0 == "2012");
    assert!(!inventory.subscriptions.contains_key("2001"), "it has what all have");
    assert_eq!(inventory.groups[0].order, HuntOrder::Circular);
    assert_eq!(inventory.emergency, ["112"]);
    let code =
        |service| inventory.codes.iter().find(|(known, _)| *known == service).map(|(_, p)| p.to_string());
    assert_eq!(code(Service::Redial).as_deref(), Some("*07"));
    assert_eq!(code(Service::CallReturn), None);
    assert_eq!(code(Service::DoNotDisturb(true)).as_deref(), Some("*78"), "as in the country");
}

#[test]
fn what_is_wrong_in_features_has_its_place_and_the_nearest_name() {
    let told = |text: &str| {
        let findings = findings(&small_and(text)).join("\n");
        findings.split_once(' ').map(|(_, told)| told.to_owned()).unwrap_or_default()
    };
    let line =
        |features: &str| told(&format!("{LINES}features = {{ {features} }}\n[[class]]\nid = \"local\"\n"));
    for (features, expected) in [
        (
            "forward_bussy = \"2001\"",
            "unknown key `forward_bussy` in features of a [[line]]; did you mean `forward_busy`?",
        ),
        ("class = \"lokal\"", "there is no class of service with the id \"lokal\"; did you mean \"local\"?"),
        ("forward_always = \"2002\"", "the line forwards to itself; expected another number"),
        (
            "speed_dial = { 200 = \"2001\" }",
            "no speed dial; expected one or two digits and a number: { 2 = \"2004\" }",
        ),
        ("numbers = { 2001 = \"r1\" }", "number \"2001\" is given twice; expected each number once"),
        (
            "rings = { 2001 = \"r9\" }",
            "unknown ringing \"r9\"; expected \"rg\" (as usual) or \"r0\" to \"r7\"",
        ),
    ] {
        assert_eq!(line(features), expected);
    }
    let group = |rest: &str| told(&format!("{LINES}[[group]]\nnumber = \"2100\"\n{rest}\n"));
    for (rest, expected) in [
        ("members = [\"2003\"]", "there is no line with the number \"2003\"; did you mean \"2001\"?"),
        ("members = [\"2001\"]\norder = \"linaer\"", "unknown order \"linaer\"; did you mean \"linear\"?"),
        ("members = []", "the group has no members; expected members = [\"2001\"]"),
        (
            "members = [\"2001\"]\noverflow = \"2100\"",
            "the group overflows into itself; expected another number",
        ),
    ] {
        assert_eq!(group(rest), expected);
    }
    let code = |code: &str| told(&format!("[features.codes]\n{code}\n"));
    for (text, expected) in [
        ("redail = \"*66\"", "unknown key `redail` in [features.codes]; did you mean `redial`?"),
        (
            "redial = \"*69\"",
            "`call_return` and `redial` have the same code; expected another code, or \"\" for none",
        ),
        (
            "redial = \"*66N\"",
            "\"*66N\" cannot be the code `redial`; no number belongs to this code: expected it without N",
        ),
    ] {
        assert_eq!(code(text), expected);
    }
}
