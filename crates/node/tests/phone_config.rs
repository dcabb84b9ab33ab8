//! Configurations with SIP telephones: what each says to its author.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_node::config::Config;

fn good(text: &str) -> Config {
    match Config::parse("town.toml", text) {
        Ok((config, report)) => {
            assert_eq!(report.warnings(), 0, "{report}");
            config
        }
        Err(report) => panic!("{report}"),
    }
}

/// The findings as `line:column found; expected`.
fn findings(text: &str) -> Vec<String> {
    let rows = Config::parse("town.toml", text).expect_err("this configuration is wrong").to_rows();
    rows.iter().map(|row| format!("{}:{} {}; {}", row.line, row.column, row.found, row.expected)).collect()
}

const PHONE: &str = r#"[listen]
mgcp = "127.0.0.1:2727"
sip = "127.0.0.1:5060"
[[gateway]]
id = "gw1"
protocol = "mgcp"
address = "127.0.0.9:2427"
[[line]]
number = "2001"
gateway = "gw1"
endpoint = "aaln/1"
[[line]]
number = "2003"
name = "C. Subscriber"
sip = { user = "desk-3", password = "secret", media = ["127.0.0.40"] }
features = { call_waiting = true, forward_busy = "2001" }
"#;

#[test]
fn a_line_may_be_a_telephone_that_registers() {
    let config = good(PHONE);
    let line = &config.inventory.lines[1];
    assert_eq!((line.number.as_str(), line.gateway(), line.endpoint()), ("2003", "sip", "desk-3"));
    let phone = line.phone().unwrap();
    assert_eq!((phone.user.as_str(), phone.password.as_str()), ("desk-3", "secret"));
    assert_eq!(phone.media, ["127.0.0.40".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(phone.notices, strowger_exchange::Notices::Subscribed);
    let told = good(&PHONE.replace("media = [", "notify = \"unsolicited\", media = ["));
    let told = told.inventory.lines[1].phone().unwrap().notices;
    assert_eq!(told, strowger_exchange::Notices::Unsolicited);
    let found = findings(&PHONE.replace("media = [", "notify = \"always\", media = ["));
    assert!(found[0].contains("unknown notify \"always\""), "{found:?}");
    assert!(line.features.call_waiting && config.inventory.lines[0].phone().is_none());
    assert!(!format!("{config:?}").contains("secret"), "a password is shown");
    use strowger_exchange::SipDigest::{Md5, Sha256};
    assert_eq!(config.inventory.digests, [Sha256, Md5]);
    let old = good(&format!("[exchange]\ndigest = [\"MD5\"]\n{PHONE}"));
    assert_eq!(old.inventory.digests, [Md5]);
    let found = findings(&format!("[exchange]\ndigest = [\"sha1\"]\n{PHONE}"));
    assert!(found[0].starts_with("2:11 unknown digest \"sha1\""), "{found:?}");
    // A telephone is somebody to listen for.
    let beyond = "[listen]\nsip = \"192.0.2.1:5060\"\n[[line]]\nnumber = \"2003\"\nsip = { user = \"2003\", password = \"s\" }\n";
    good(beyond);
}

#[test]
fn a_telephone_or_a_trunk_may_have_its_keys_by_info() {
    use strowger_exchange::SipKeys;
    let of = |text: &str| good(text).inventory.lines[1].phone().unwrap().keys;
    assert_eq!(of(PHONE), SipKeys::Stream);
    let by = |word: &str| PHONE.replace("user =", &format!("dtmf = \"{word}\", user ="));
    assert_eq!((of(&by("info")), of(&by("rtp"))), (SipKeys::Info, SipKeys::Stream));
    let found = findings(&by("inband"));
    assert_eq!(found, ["15:16 unknown way of keys \"inband\"; expected \"rtp\", \"info\""]);
    let trunk = "[[trunk]]\nid = \"carrier\"\nsip = { address = \"127.0.0.20:5060\", dtmf = \"info\" }\n";
    assert_eq!(good(&format!("{PHONE}{trunk}")).inventory.trunks[0].keys, SipKeys::Info);
}

#[test]
fn a_trunk_may_join_its_own_parties_by_itself() {
    use strowger_exchange::Joins;
    let trunk = |more: &str| {
        format!("{PHONE}[[trunk]]\nid = \"carrier\"\nsip = {{ address = \"127.0.0.20:5060\"{more} }}\n")
    };
    for (more, joins) in [
        ("", Joins::Exchange),
        (", transfer = \"bridge\"", Joins::Exchange),
        (", transfer = \"refer\"", Joins::Peer),
    ] {
        assert_eq!(good(&trunk(more)).inventory.trunks[0].joins, joins, "{more}");
    }
    let found = findings(&trunk(", transfer = \"reefer\""));
    assert!(found[0].contains("unknown way to transfer \"reefer\"; did you mean \"refer\"?"), "{found:?}");
}

#[test]
fn what_is_wrong_with_a_telephone_is_said_with_its_place() {
    let wrong = |from: &str, to: &str| findings(&PHONE.replace(from, to)).join("\n");
    assert_eq!(
        wrong(", password = \"secret\"", ""),
        "15:7 sip of a [[line]] has no `password`; expected password = \"secret\""
    );
    assert!(wrong("user = \"desk-3\", ", "").contains("has no `user`"));
    assert!(wrong("desk-3", "desk 3").starts_with("15:16 \"desk 3\" is no legal user"));
    assert!(wrong("secret", "").contains("the password is empty"));
    assert!(wrong("media =", "medai =").contains("did you mean `media`?"));
    assert!(
        wrong("sip = \"127.0.0.1:5060\"\n", "")
            .contains("no SIP port is opened; expected `sip = \"127.0.0.1:5060\"`")
    );
    let both = wrong("name = \"C. Subscriber\"", "gateway = \"gw1\"\nendpoint = \"aaln/2\"");
    assert!(both.contains("14:1 a line with a SIP telephone has no `gateway`"), "{both}");
    assert!(both.contains("15:1 a line with a SIP telephone has no `endpoint`"), "{both}");
    assert!(wrong("id = \"gw1\"", "id = \"sip\"").contains("stands for SIP telephones"));
    let again =
        format!("{PHONE}[[line]]\nnumber = \"2004\"\nsip = {{ user = \"desk-3\", password = \"x\" }}\n");
    assert!(
        findings(&again)[0].starts_with("19:16 user \"desk-3\" is given twice"),
        "{:?}",
        findings(&again)
    );
}
