//! The sections of the push gateway: what runs, and what is said about what does not.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_messaging::push::SegmentStyle;
use strowger_messaging::smpp::{BindKind, IdForm};
use strowger_node::Config;
use strowger_node::config::Severity;

const GOOD: &str = r#"
[push]
listen = "127.0.0.1:0"
udp = "127.0.0.1:0"
networks = ["127.0.0.0/8", "10.1.2.3"]
store = "push.redb"
lifetime = 60
aliases = { ann = "+15550100" }

[[smsc]]
id = "one"
address = "127.0.0.1:2775"
system_id = "town"
password = "secret"
prefixes = ["+1555"]
bind = "pair"
links = 2
window = 7
segments = "parameters"
message_ids = "hex-decimal"

[[push_user]]
name = "mmsc"
password = "secret"
"#;

/// What is wrong with a file, and where.
fn errors(text: &str) -> Vec<(usize, String)> {
    match Config::parse("push.toml", text) {
        Ok(_) => Vec::new(),
        Err(report) => {
            let rows = report.to_rows().into_iter();
            rows.filter(|row| row.severity == Severity::Error).map(|row| (row.line, row.found)).collect()
        }
    }
}

#[test]
fn a_file_with_push_sections_alone_is_good_and_means_what_it_says() {
    let (config, report) = Config::parse("push.toml", GOOD).unwrap();
    assert_eq!(report.warnings(), 0, "{}", report.render(false));
    let push = config.push.unwrap();
    assert_eq!(push.lifetime.as_secs(), 60);
    assert!(push.networks[1].contains("10.1.2.3".parse().unwrap()));
    assert_eq!(push.aliases["ann"], "+15550100");
    assert!(push.network_types.is_empty() && push.report_authorities.is_none());
    let [centre] = &push.centres[..] else { panic!("one centre") };
    assert_eq!((centre.links, centre.pair, centre.client.window), (2, true, 7));
    assert_eq!((centre.client.kind, centre.style), (BindKind::Transmitter, SegmentStyle::Parameters));
    assert_eq!(centre.ids, IdForm::HexThenDecimal);
    assert!(config.listen.mgcp.is_none());
}

#[test]
fn what_cannot_run_is_shown_at_its_place() {
    let without = |line: &str| GOOD.replace(line, "");
    let with = |line: &str, other: &str| GOOD.replace(line, other);
    for (text, line, found) in [
        (without("listen = \"127.0.0.1:0\"\n"), 2, "[push] has no `listen`"),
        (without("prefixes = [\"+1555\"]\n"), 10, "no number leads to"),
        (with("networks = [\"127", "networks = [\"327"), 5, "is not a network"),
        (with("prefixes = [\"+1555\"]", "prefixes = [\"+1 555\"]"), 15, "does not begin a number"),
        (with("window = 7", "window = 0"), 18, "found the number 0"),
        (with("window = 7", "windows = 7"), 18, "unknown key `windows`"),
        (with("bind = \"pair\"", "bind = \"pear\""), 16, "unknown bind"),
        (
            with("password = \"secret\"\nprefixes", "password = \"secret-secret\"\nprefixes"),
            14,
            "does not fit",
        ),
        (with("ann = \"+15550100\"", "ann = \"bob\""), 8, "bob"),
        (GOOD.to_owned() + "[[push_user]]\nname = \"mmsc\"\npassword = \"x\"\n", 26, "given twice"),
        (GOOD.to_owned() + "[[push_user]]\nname = \"other\"\n", 25, "neither password nor networks"),
        ("[[smsc]]\nid = \"x\"\naddress = \"127.0.0.1:1\"\n".to_owned(), 1, "there is no table [push]"),
        ("[push]\nlisten = \"127.0.0.1:0\"\nudp = \"127.0.0.1:0\"\n".to_owned(), 1, "nobody may push"),
    ] {
        let errors = errors(&text);
        assert!(
            errors.iter().any(|(at, said)| *at == line && said.contains(found)),
            "expected {found:?} in line {line}: {errors:?}"
        );
    }
}

#[test]
fn networks_and_authorities_of_the_gateway_are_read() {
    let with = |line: &str| GOOD.replace("lifetime = 60", &format!("lifetime = 60\n{line}"));
    let (config, _) = Config::parse("push.toml", &with("network_types = [\"GSM\", \"DECT\"]")).unwrap();
    assert_eq!(config.push.unwrap().network_types, ["GSM", "DECT"]);
    let errors = errors(&with("report_ca = \"not-there.pem\""));
    assert!(errors.iter().any(|(at, said)| *at == 8 && said.contains("not-there.pem")), "{errors:?}");
}

#[test]
fn a_link_with_tls_needs_an_authority_that_can_be_read() {
    let with = |lines: &str| GOOD.replace("links = 2", lines);
    for (lines, line, found) in [
        ("links = 2\ntls = true", 10, "`ca`"),
        ("links = 2\nca = \"ca.pem\"", 18, "the link has no TLS"),
        ("links = 2\ntls = true\nca = \"not-there.pem\"", 19, "not-there.pem"),
    ] {
        let errors = errors(&with(lines));
        assert!(
            errors.iter().any(|(at, said)| *at == line && said.contains(found)),
            "expected {found:?} in line {line}: {errors:?}"
        );
    }
}

#[test]
fn what_runs_and_is_unwise_is_warned_of() {
    let exposed = GOOD.replace("listen = \"127.0.0.1:0\"", "listen = \"192.0.2.1:80\"");
    let exposed = exposed.replace("networks = [\"127.0.0.0/8\", \"10.1.2.3\"]\n", "");
    let exposed = exposed.replace("store = \"push.redb\"\n", "");
    let (_, report) = Config::parse("push.toml", &exposed).unwrap();
    let found: Vec<_> = report.to_rows().into_iter().map(|row| row.found).collect();
    for part in ["in the clear", "no host may be pushed to", "kept in memory"] {
        assert!(found.iter().any(|found| found.contains(part)), "{part}: {found:?}");
    }
}
