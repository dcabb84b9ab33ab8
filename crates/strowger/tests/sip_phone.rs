//! baresip, of Debian's package `baresip-core`, as a telephone of the exchange: it registers, calls a subscriber on the software gateway
//! and is called by him, and each hears what the other says.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use strowger_media::FRAME_SAMPLES;
use strowger_media::analysis::FrequencyWatch;
use support::baresip::{Account, Baresip, has_baresip};
use support::process::Running;
use support::town::{await_kept, expect};
use support::{capture, loopback, until};

struct Town {
    folder: tempfile::TempDir,
    exchange: Option<Running>,
    gateway: Running,
    sip: SocketAddr,
    console: SocketAddr,
}

impl Town {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = loopback::host();
        let (agent, sip, console) =
            (SocketAddr::new(host, 2727), SocketAddr::new(host, 5060), SocketAddr::new(host, 8088));
        let gateway = loopback::at(2427);
        let path = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "[exchange]\nname = \"town\"\ndigest = [\"md5\"]\n[records]\ncdr = {:?}\n[capture]\npath = {:?}\n\
             [store]\nkind = \"embedded\"\npath = {:?}\n\
             [listen]\nmgcp = \"{agent}\"\nsip = \"{sip}\"\nconsole = \"{console}\"\n\
             [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"{gateway}\"\ndomain = \"gw1.town\"\n\
             [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\nname = \"A. Subscriber\"\n\
             [[line]]\nnumber = \"2003\"\nname = \"C. Subscriber\"\n\
             sip = {{ user = \"2003\", password = \"secret\", media = [\"127.0.0.1\"] }}\n",
            path("cdr.jsonl"),
            path("town.pcapng"),
            path("town.redb"),
        );
        std::fs::write(path("town.toml"), text).unwrap();
        let exchange = Self::exchange(&folder);
        let (listen, agent) = (gateway.to_string(), agent.to_string());
        let arguments = ["gateway", "mgcp", "--listen", &listen, "--agent", &agent, "--domain", "gw1.town"];
        let more = ["--max-waiting-delay", "0.05", "--control"];
        let mut gateway = Running::strowger(arguments.into_iter().chain(more));
        gateway.json(&[("event", "registered")]);
        Self { folder, exchange: Some(exchange), gateway, sip, console }
    }

    fn exchange(folder: &tempfile::TempDir) -> Running {
        let config = folder.path().join("town.toml");
        let mut exchange = Running::strowger(["run", "-c", config.to_str().unwrap(), "--json"]);
        exchange.line("ready line", |line| line.contains("\"ready\""));
        exchange
    }

    fn telephone(&self, password: &str) -> Baresip {
        let account = Account { user: "2003", password, registrar: self.sip, says: 700 };
        Baresip::start(&self.folder.path().join("telephone"), &account)
    }

    /// What the console says of the telephone's line.
    fn line(&self) -> serde_json::Value {
        self.row("2003")
    }

    fn row(&self, number: &str) -> serde_json::Value {
        let rows = support::get_json(self.console, "/api/lines");
        rows.as_array().unwrap().iter().find(|row| row["number"] == number).unwrap().clone()
    }

    fn await_line(&self, service: &str) -> serde_json::Value {
        until(&format!("line 2003 {service}"), || Some(self.line()).filter(|row| row["service"] == service))
    }

    fn records(&self, count: usize) -> Vec<serde_json::Value> {
        until("the records of the calls", || {
            let text = std::fs::read_to_string(self.folder.path().join("cdr.jsonl")).ok()?;
            let rows: Option<Vec<_>> = text.lines().map(|line| serde_json::from_str(line).ok()).collect();
            rows.filter(|rows| rows.len() == count)
        })
    }

    fn close(self) -> tempfile::TempDir {
        for process in [self.gateway].into_iter().chain(self.exchange) {
            let (status, process) = process.terminate();
            process.assert_code(status, 0);
        }
        self.folder
    }
}

/// For how long a frequency is heard without a pause.
fn heard(samples: &[i16], hertz: f64) -> Duration {
    let mut watch = FrequencyWatch::new(hertz);
    samples.as_chunks::<FRAME_SAMPLES>().0.iter().for_each(|frame| watch.listen(frame));
    watch.longest()
}

#[test]
fn baresip_registers_calls_a_subscriber_and_is_called_by_him() {
    if !has_baresip() {
        return;
    }
    let mut town = Town::open();
    assert_eq!(town.line()["service"], "unreachable");
    let mut telephone = town.telephone("secret");
    let row = town.await_line("in-service");
    assert_eq!(row["gateway"], "sip", "{row:#}");
    assert!(row["contacts"][0]["uri"].as_str().unwrap().starts_with("sip:2003"), "{row:#}");
    // The telephone calls.
    telephone.say("dial", "2001");
    expect(&mut town.gateway, "aaln/1", "ring");
    telephone.event("CALL_RINGING");
    town.gateway.say("aaln/1 off-hook");
    telephone.event("CALL_ESTABLISHED");
    town.gateway.say("aaln/1 play tone:1900");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    telephone.listen(2);
    telephone.say("hangup", "");
    telephone.event("CALL_CLOSED");
    expect(&mut town.gateway, "aaln/1", "congestion");
    town.gateway.say("aaln/1 on-hook");
    until("line 2001", || (town.row("2001")["condition"] == "idle").then_some(()));
    // And is called.
    town.gateway.say("aaln/1 off-hook");
    expect(&mut town.gateway, "aaln/1", "dial-tone");
    town.gateway.say("aaln/1 dial 2003");
    let call = telephone.event("CALL_INCOMING");
    assert!(call["peeruri"].as_str().unwrap().contains("2001"), "{call:#}");
    assert_eq!(call["peerdisplayname"], "A. Subscriber", "{call:#}");
    expect(&mut town.gateway, "aaln/1", "ringback");
    telephone.say("accept", "");
    telephone.event("CALL_ESTABLISHED");
    town.gateway.say("aaln/1 play tone:1900");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    telephone.listen(2);
    town.gateway.say("aaln/1 on-hook");
    telephone.event("CALL_CLOSED");
    let records = town.records(2);
    for (record, (calling, called)) in records.iter().zip([("2003", "2001"), ("2001", "2003")]) {
        assert_eq!(record["calling"]["number"], calling, "{record:#}");
        assert_eq!(record["called"]["number"], called, "{record:#}");
        assert_eq!((&record["cause"], &record["dialled"]), (&16.into(), &called.into()), "{record:#}");
    }
    for samples in telephone.heard() {
        let long = heard(&samples, 1900.0);
        assert!(long >= Duration::from_secs(1), "{long:?} of the subscriber in {} samples", samples.len());
    }
    telephone.quit();
    town.await_line("unreachable");
    let folder = town.close();
    capture::check_sip(folder.path(), &["REGISTER", "INVITE", "ACK", "BYE"]);
}

#[test]
fn baresip_with_another_password_is_nobody() {
    if !has_baresip() {
        return;
    }
    let town = Town::open();
    let mut telephone = town.telephone("guessed");
    telephone.complains("401");
    assert_eq!(town.line()["service"], "unreachable");
    telephone.quit();
    town.close();
}

#[test]
fn baresip_is_where_it_was_when_the_exchange_has_died_and_started_again() {
    if !has_baresip() {
        return;
    }
    let mut town = Town::open();
    let mut telephone = town.telephone("secret");
    town.await_line("in-service");
    await_kept(town.console);
    town.exchange.take().unwrap().cut();
    town.exchange = Some(Town::exchange(&town.folder));
    assert_eq!(town.line()["service"], "in-service", "at once");
    until("line 2001", || (town.row("2001")["service"] == "in-service").then_some(()));
    town.gateway.say("aaln/1 off-hook");
    expect(&mut town.gateway, "aaln/1", "dial-tone");
    town.gateway.say("aaln/1 dial 2003");
    telephone.event("CALL_INCOMING");
    town.gateway.say("aaln/1 on-hook");
    telephone.event("CALL_CLOSED");
    telephone.quit();
    town.close();
}
