//! The sections of the MMSC: what runs, and what is said about what does not.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_messaging::mmsc::application::Interface;
use strowger_node::Config;
use strowger_node::config::Severity;

const GOOD: &str = r#"
[mmsc]
name = "mmsc.town"
listen = "127.0.0.1:8190"
base = "http://10.0.0.1:8190/"
store = "mmsc"
proxies = ["10.0.0.2"]
header = "X-MSISDN"
lifetime = 600
largest = 307200
patience = 2.5

[push]
udp = "127.0.0.1:0"
networks = ["10.0.0.0/8"]
store = "push.redb"

[[smsc]]
id = "one"
address = "127.0.0.1:2775"
prefixes = ["+1555"]

[[subscriber]]
number = "2001"
networks = ["10.0.0.21", "10.1.0.0/29"]
push = "10.0.0.21:2948"

[[subscriber]]
number = "+15550101"
networks = ["10.0.0.22"]
"#;

/// What is said about a file, and where.
fn said(text: &str, severity: Severity) -> Vec<(usize, String)> {
    let report = match Config::parse("mmsc.toml", text) {
        Ok((_, report)) | Err(report) => report,
    };
    let rows = report.to_rows().into_iter();
    rows.filter(|row| row.severity == severity).map(|row| (row.line, row.found)).collect()
}

/// The same with mail and another MMSC.
const MAIL: &str = r#"
mail = "127.0.0.1:2525"
mail_domain = "mms.town"
mail_sources = ["10.0.0.25"]
smarthost = "10.0.0.25:25"
"#;

const PEER: &str = r#"
[[mmsc_peer]]
name = "other"
domain = "mmsc.other.example"
address = "192.0.2.9:25"
networks = ["192.0.2.9"]
prefixes = ["+1556"]
"#;

fn with_mail(mail: &str, peer: &str) -> String {
    GOOD.replacen("store = \"mmsc\"\n", &format!("store = \"mmsc\"\n{mail}"), 1) + peer
}

#[test]
fn mail_and_other_mmscs_are_read_and_whoever_may_not_come_is_told_of() {
    let (config, report) = Config::parse("mmsc.toml", &with_mail(MAIL, PEER)).unwrap();
    assert_eq!(report.warnings(), 0, "{}", report.render(false));
    let mail = config.mmsc.unwrap().mail;
    assert_eq!(mail.domain, "mms.town");
    assert_eq!(mail.smarthost, Some("10.0.0.25:25".parse().unwrap()));
    assert!(mail.is_source("10.0.0.25".parse().unwrap()) && !mail.is_source("10.0.0.26".parse().unwrap()));
    let peer = mail.peer_at("192.0.2.9".parse().unwrap()).unwrap();
    assert_eq!((peer.name.as_str(), peer.domain.as_str()), ("other", "mmsc.other.example"));
    assert_eq!(peer.prefixes, ["+1556"]);
    let listen = "mail = \"127.0.0.1:2525\"\n";
    for (text, found) in [
        (with_mail(listen, ""), "nobody may bring mail"),
        (with_mail("", PEER), "the other MMSC can neither send nor report"),
        (with_mail("mail_sources = [\"10.0.0.25\"]\n", ""), "no mail comes from there"),
        (with_mail(listen, &PEER.repeat(2)), "MMSC \"other\" is given twice"),
        (with_mail(listen, &PEER.replace("+1556", "x")), "\"x\" does not begin a number"),
        (
            with_mail(listen, &PEER.replace("mmsc.other", "mmsc other")),
            "\"mmsc other.example\" is no legal domain",
        ),
        (PEER.to_owned(), "there is no table [mmsc]"),
    ] {
        let errors = said(&text, Severity::Error);
        assert!(errors.iter().any(|(_, said)| said == found), "{found}: {errors:?}");
    }
}

#[test]
fn an_mmsc_and_a_way_to_its_subscribers_are_enough() {
    let (config, report) = Config::parse("mmsc.toml", GOOD).unwrap();
    assert_eq!(report.warnings(), 0, "{}", report.render(false));
    let mmsc = config.mmsc.unwrap();
    assert_eq!(
        (mmsc.engine.name.as_str(), mmsc.engine.base.as_str()),
        ("mmsc.town", "http://10.0.0.1:8190/")
    );
    assert_eq!((mmsc.engine.expiry.as_secs(), mmsc.engine.message_octets), (600, 307_200));
    assert!(mmsc.limits.request > 307_200, "headers come beside the content");
    assert_eq!(mmsc.limits.patience.as_millis(), 2_500);
    assert!(mmsc.proxies[0].contains("10.0.0.2".parse().unwrap()));
    assert_eq!((mmsc.header.as_str(), mmsc.subscribers.len()), ("X-MSISDN", 2));
    assert_eq!(mmsc.subscribers[0].networks, ["10.0.0.21", "10.1.0.0/29"]);
    assert!(config.push.unwrap().listen.is_none(), "nobody else submits pushes");
}

#[test]
fn what_cannot_run_is_shown_at_its_place() {
    let without = |line: &str| GOOD.replace(line, "");
    let with = |line: &str, other: &str| GOOD.replace(line, other);
    for (text, line, found) in [
        (without("listen = \"127.0.0.1:8190\"\n"), 2, "[mmsc] has no `listen`"),
        (
            with("listen = \"127.0.0.1", "listen = \"0.0.0.0")
                .replace("base = \"http://10.0.0.1:8190/\"\n", ""),
            4,
            "no address that a handset can fetch from",
        ),
        (with("8190/\"", "8190\""), 5, "begins no content location"),
        (with("http://10.0.0.1", "ftp://10.0.0.1"), 5, "begins no content location"),
        (with("http://10", "http://a@10"), 5, "begins no content location"),
        (without("header = \"X-MSISDN\"\n"), 7, "no `header` names subscribers"),
        (without("proxies = [\"10.0.0.2\"]\n"), 7, "nobody is trusted"),
        (with("X-MSISDN", "X MSISDN"), 8, "is no name of a header"),
        (with("lifetime = 600", "lifetime = 0"), 9, "found the number 0"),
        (with("lifetime = 600", "lifetime = 2000000"), 2, "messages are kept for 2000000 s"),
        (with("largest = 307200", "larges = 1"), 10, "unknown key `larges`"),
        (with("number = \"2001\"", "number = \"anna\""), 24, "is no legal number"),
        (with("\"10.1.0.0/29\"", "\"10.1.0.0/33\""), 25, "is not a network"),
        (with("networks = [\"10.0.0.22\"]", "networks = [\"10.0.0.21/32\"]"), 30, "is given twice"),
        (with("+15550101", "2001"), 29, "subscriber number \"2001\" is given twice"),
        (with("2001\"", "+1-555-0101\""), 29, "is given twice"),
        (with("store = \"push.redb\"", "store = \"mmsc\""), 6, "is given twice"),
        ("[[subscriber]]\nnumber = \"2001\"\n".to_owned(), 1, "there is no table [mmsc]"),
        ("[mmsc]\nlisten = \"127.0.0.1:0\"\n".to_owned(), 1, "nobody can send or fetch"),
        (
            "[mmsc]\nlisten = \"127.0.0.1:0\"\n[[subscriber]]\nnumber = \"1\"\nnetworks = [\"10.0.0.1\"]\n"
                .to_owned(),
            1,
            "there is no table [push]",
        ),
    ] {
        let errors = said(&text, Severity::Error);
        assert!(
            errors.iter().any(|(at, said)| *at == line && said.contains(found)),
            "expected {found:?} in line {line}: {errors:?}"
        );
    }
}

#[test]
fn who_can_push_must_still_be_told_where_pushes_are_taken() {
    let text = format!("{GOOD}[[push_user]]\nname = \"pi\"\npassword = \"secret\"\n");
    let errors = said(&text, Severity::Error);
    assert!(errors.iter().any(|(_, said)| said.contains("[push] has no `listen`")), "{errors:?}");
}

#[test]
fn what_runs_and_is_unwise_is_warned_of() {
    let text = GOOD.replace("store = \"mmsc\"\n", "");
    let text = text.replace("networks = [\"10.0.0.0/8\"]", "networks = [\"10.0.0.22\"]");
    let text = text.replace("+15550101", "2009");
    let text = text.replace("proxies = [\"10.0.0.2\"]\nheader = \"X-MSISDN\"\n", "");
    let text = format!("{text}[[subscriber]]\nnumber = \"+15550102\"\n");
    let warnings = said(&text, Severity::Warning);
    for part in [
        "accepted messages are kept in memory",
        "10.0.0.21 is outside the networks",
        "no message centre serves 2009",
        "can neither send nor fetch",
    ] {
        assert!(warnings.iter().any(|(_, said)| said.contains(part)), "{part}: {warnings:?}");
    }
}

const APPLICATION: &str = r#"
[[application]]
name = "news"
password = "secret"
numbers = ["8000"]
senders = ["+1555*"]
url = "http://mmsc:word@127.0.0.1:9000/in"
version = "5.6.0"
"#;

#[test]
fn an_application_is_what_its_section_says() {
    let text = GOOD.replace("[push]", "applications = \"127.0.0.1:8191\"\n[push]") + APPLICATION;
    let (config, report) = Config::parse("mmsc.toml", &text).unwrap();
    assert_eq!(report.warnings(), 0, "{}", report.render(false));
    let mmsc = config.mmsc.unwrap();
    assert_eq!(mmsc.applications_listen, Some("127.0.0.1:8191".parse().unwrap()));
    let [news] = mmsc.applications.as_slice() else { panic!("one application") };
    assert_eq!((news.name(), news.user.password.as_deref()), ("news", Some("secret")));
    assert_eq!(
        (news.numbers.as_slice(), news.senders.as_slice()),
        (&["8000".to_owned()][..], &["+1555*".to_owned()][..])
    );
    let callback = news.callback.as_ref().unwrap();
    assert_eq!((callback.url.path.as_str(), callback.url.port), ("/in", 9000));
    let Interface::Mm7(dialect) = &callback.interface else { panic!("{:?}", callback.interface) };
    assert_eq!(dialect.version, "5.6.0");
}

#[test]
fn what_is_wrong_with_an_application_is_shown_at_its_place() {
    // Lines 32 and on of both together.
    for (from, into, line, found) in [
        ("password = \"secret\"\n", "", 32, "anybody could be this application"),
        ("8000", "eight", 35, "is not a number"),
        ("8000", "2001", 35, "\"2001\" is given twice"),
        ("+1555*", "*", 36, "is not a number"),
        ("http://mmsc", "https://mmsc", 37, "cannot be posted to"),
        ("5.6.0", "4.2", 38, "MM7 4.2 is not spoken"),
        ("version", "versoin", 38, "unknown key `versoin`"),
        ("url = \"http://mmsc:word@127.0.0.1:9000/in\"\n", "", 32, "can neither come nor be reached"),
    ] {
        let application = APPLICATION.replace(from, into);
        assert_ne!(application, APPLICATION, "{from}");
        let errors = said(&format!("{GOOD}{application}"), Severity::Error);
        assert!(
            errors.iter().any(|(at, said)| *at == line && said.contains(found)),
            "expected {found:?} in line {line}: {errors:?}"
        );
    }
    let errors = said(APPLICATION, Severity::Error);
    assert!(errors.iter().any(|(_, said)| said.contains("there is no table [mmsc]")), "{errors:?}");
}
