//! Kamailio, of Debian's package `kamailio`, as the registrar and proxy of a provider: a trunk registers there and proves who it is, a
//! subscriber on the software gateway calls through it and is called from behind it by SIPp, and what he says comes back by RTP.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use support::capture::check_sip;
use support::kamailio::Kamailio;
use support::process::Running;
use support::sipp::{Echo, has_sipp, own_scenario, sipp};
use support::town::{api, expect, metric};
use support::{loopback, until};

struct Town {
    folder: tempfile::TempDir,
    exchange: Running,
    gateway: Running,
    kamailio: Kamailio,
    /// Where SIPp is, behind Kamailio.
    far: SocketAddr,
    console: SocketAddr,
}

impl Town {
    /// A town whose trunk goes to Kamailio, with this password.
    fn open(algorithm: &str, password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (host, far) = (loopback::host(), loopback::at(5060));
        let kamailio = Kamailio::start(far, algorithm);
        let own = |port| SocketAddr::new(host, port);
        let (agent, sip, console, gateway) = (own(2727), own(5060), own(8088), loopback::at(2427));
        let path = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "[exchange]\nname = \"town\"\n[records]\ncdr = {:?}\n[capture]\npath = {:?}\n\
             [listen]\nmgcp = \"{agent}\"\nsip = \"{sip}\"\nconsole = \"{console}\"\n\
             [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"{gateway}\"\ndomain = \"gw1.town\"\n\
             [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\nname = \"A. Subscriber\"\n\
             [[trunk]]\nid = \"carrier\"\nsip = {{ address = \"{}\", domain = \"{}\", user = \"{}\", \
             password = \"{password}\", register = true }}\n\
             [[route]]\nprefix = \"9\"\nstrip = 1\nlength = 8\nto = [\"trunk:carrier\", \"cause:34\"]\n",
            path("cdr.jsonl"),
            path("town.pcapng"),
            kamailio.address(),
            Kamailio::DOMAIN,
            Kamailio::USER,
        );
        std::fs::write(path("town.toml"), text).unwrap();
        let mut exchange = Running::strowger(["run", "-c", &path("town.toml"), "--json"]);
        exchange.line("ready line", |line| line.contains("\"ready\""));
        let (listen, agent) = (gateway.to_string(), agent.to_string());
        let arguments = ["gateway", "mgcp", "--listen", &listen, "--agent", &agent, "--domain", "gw1.town"];
        let more = ["--max-waiting-delay", "0.05", "--control"];
        let mut gateway = Running::strowger(arguments.into_iter().chain(more));
        gateway.json(&[("event", "registered")]);
        Self { folder, exchange, gateway, kamailio, far, console }
    }

    fn sipp(&self, scenario: &str, echo: &Echo, more: &[&str]) -> Running {
        sipp((self.folder.path(), scenario), (self.far, self.kamailio.address()), echo, more)
    }

    /// The trunk as the console shows it, once it has this status from the registrar.
    fn trunk(&self, status: u16) -> serde_json::Value {
        until(&format!("a registration with {status}"), || {
            let trunk = api(self.console, "trunks")[0].take();
            (trunk["registration"]["status"] == status).then_some(trunk)
        })
    }

    fn record(&self) -> serde_json::Value {
        until("the record of the call", || {
            let text = std::fs::read_to_string(self.folder.path().join("cdr.jsonl")).ok()?;
            serde_json::from_str(text.lines().next()?).ok()
        })
    }

    /// Stops the exchange in order, with Kamailio still there.
    fn close(self) -> (tempfile::TempDir, Kamailio) {
        for process in [self.gateway, self.exchange] {
            let (status, process) = process.terminate();
            process.assert_code(status, 0);
        }
        (self.folder, self.kamailio)
    }
}

fn has_peers() -> bool {
    has_sipp() && Kamailio::is_installed()
}

/// SIPp's own caller, made to keep to the route set as RFC 3261 section 12.2.1.1 has it.
fn caller() -> String {
    let mut scenario = own_scenario("uac");
    for (from, to) in [
        ("<recv response=\"200\" rtd=\"true\">", "<recv response=\"200\" rtd=\"true\" rrs=\"true\">"),
        ("ACK sip:[service]@[remote_ip]:[remote_port]", "ACK [next_url]"),
        ("BYE sip:[service]@[remote_ip]:[remote_port]", "BYE [next_url]"),
        ("CSeq: 1 ACK\n", "CSeq: 1 ACK\n      [routes]\n"),
        ("CSeq: 2 BYE\n", "CSeq: 2 BYE\n      [routes]\n"),
    ] {
        assert_eq!(scenario.matches(from).count(), 1, "{from} in SIPp's scenario");
        scenario = scenario.replace(from, to);
    }
    scenario
}

/// SIPp's own called party, made to give the route set back (section 12.1.1).
fn called() -> String {
    own_scenario("uas").replace("[last_CSeq:]\n", "[last_CSeq:]\n      [last_Record-Route:]\n")
}

#[test]
fn a_subscriber_calls_through_a_proxy_that_asks_who_he_is() {
    if !has_peers() {
        return;
    }
    let mut town = Town::open("MD5", Kamailio::PASSWORD);
    town.kamailio.await_note("registered town");
    assert_eq!(town.kamailio.notes("challenged REGISTER"), 1);
    let trunk = town.trunk(200);
    assert_eq!((&trunk["id"], &trunk["service"]), (&"carrier".into(), &"in-service".into()), "{trunk}");
    assert_eq!((&trunk["channels"], &trunk["taken"]), (&100.into(), &0.into()), "{trunk}");
    assert!(
        trunk["registration"]["registered"] == true && trunk["registration"]["until"].is_string(),
        "{trunk}"
    );
    assert_eq!(metric(town.console, "strowger_trunk_registered{trunk=\"carrier\"}"), 1);
    let echo = Echo::at(town.far.ip());
    let mut sipp = town.sipp(&called(), &echo, &[]);
    town.gateway.say("aaln/1 off-hook");
    expect(&mut town.gateway, "aaln/1", "dial-tone");
    town.gateway.say("aaln/1 dial 95550102");
    // The scenario answers at once; who speaks while he dials is not understood.
    until("a packet from who calls", || (echo.packets.load(Ordering::Relaxed) > 0).then_some(()));
    town.gateway.say("aaln/1 play tone:700");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    echo.assert_heard();
    town.gateway.say("aaln/1 on-hook");
    let record = town.record();
    assert_eq!(record["cause"], 16, "{record:#}");
    assert_eq!(
        (&record["called"]["number"], &record["called"]["gateway"]),
        (&"5550102".into(), &"carrier".into())
    );
    let status = sipp.wait();
    sipp.assert_code(status, 0);
    assert_eq!(town.kamailio.notes("challenged INVITE"), 1);
    assert_eq!(town.kamailio.notes("called by town"), 1);
    for method in ["ACK", "BYE"] {
        assert_eq!(town.kamailio.notes(&format!("within {method}")), 1, "{method} went another way");
    }
    let (folder, kamailio) = town.close();
    // Who stops says that he is not there any more.
    kamailio.await_note("removed town");
    check_sip(folder.path(), &["REGISTER", "INVITE", "ACK", "BYE"]);
}

#[test]
fn a_subscriber_is_called_from_behind_the_registrar() {
    if !has_peers() {
        return;
    }
    let mut town = Town::open("SHA-256", Kamailio::PASSWORD);
    town.kamailio.await_note("registered town");
    let echo = Echo::at(town.far.ip());
    let mut sipp = town.sipp(&caller(), &echo, &["-s", "2001", "-d", "4000"]);
    expect(&mut town.gateway, "aaln/1", "ring");
    town.gateway.say("aaln/1 off-hook");
    town.gateway.say("aaln/1 play tone:700");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    echo.assert_heard();
    let status = sipp.wait();
    sipp.assert_code(status, 0);
    town.gateway.say("aaln/1 on-hook");
    let record = town.record();
    assert_eq!((&record["cause"], &record["dialled"]), (&16.into(), &"2001".into()), "{record:#}");
    assert_eq!(record["calling"]["gateway"], "carrier", "{record:#}");
    let (folder, _kamailio) = town.close();
    check_sip(folder.path(), &["REGISTER", "INVITE", "ACK", "BYE"]);
}

#[test]
fn a_trunk_with_a_wrong_password_is_passed_over() {
    if !has_peers() {
        return;
    }
    let mut town = Town::open("SHA-256", "wrong");
    let trunk = town.trunk(401);
    assert_eq!(
        (&trunk["service"], &trunk["registration"]["registered"]),
        (&"out-of-service".into(), &false.into())
    );
    assert_eq!(town.kamailio.notes("challenged REGISTER"), 2);
    town.gateway.say("aaln/1 off-hook");
    expect(&mut town.gateway, "aaln/1", "dial-tone");
    town.gateway.say("aaln/1 dial 95550102");
    let record = town.record();
    assert_eq!(record["cause"], 34, "{record:#}");
    assert_eq!(town.kamailio.notes("registered"), 0);
    assert_eq!(town.kamailio.notes("challenged INVITE"), 0, "nothing was called");
    town.gateway.say("aaln/1 on-hook");
    let (folder, _kamailio) = town.close();
    check_sip(folder.path(), &["REGISTER"]);
}
