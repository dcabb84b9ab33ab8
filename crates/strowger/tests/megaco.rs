//! An exchange, an MGCP gateway and a Megaco gateway as separate processes: lines of both protocols call each other and talk, in each form
//! of Megaco.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;

use support::process::Running;
use support::town::expect;
use support::{loopback, until};

struct Town {
    folder: tempfile::TempDir,
    exchange: Running,
    /// With 2001, of MGCP.
    first: Running,
    /// With 2002, of Megaco.
    second: Running,
}

impl Town {
    /// `encoding`: what the configuration calls it, and what the gateway's option does.
    fn open(encoding: (&str, &str)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = loopback::host();
        let (agent, controller) = (SocketAddr::new(host, 2727), SocketAddr::new(host, 2944));
        let gateways = [loopback::at(2427), loopback::at(2944)];
        let port = if encoding.0 == "binary" { "megaco_binary" } else { "megaco_text" };
        let path = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "[exchange]\nname = \"town\"\n[records]\ncdr = {:?}\n[listen]\nmgcp = \"{agent}\"\n{port} = \"{controller}\"\n\
             [[gateway]]\nid = \"gw1\"\nprotocol = \"mgcp\"\naddress = \"{}\"\ndomain = \"gw1.town\"\n\
             [[gateway]]\nid = \"gw2\"\nprotocol = \"megaco\"\naddress = \"{}\"\nmid = \"<gw2.town>\"\n\
             domain = \"gw2.town\"\nencoding = \"{}\"\n\
             [[line]]\nnumber = \"2001\"\ngateway = \"gw1\"\nendpoint = \"aaln/1\"\n\
             [[line]]\nnumber = \"2002\"\ngateway = \"gw2\"\nendpoint = \"aaln/1\"\n",
            path("cdr.jsonl"),
            gateways[0],
            gateways[1],
            encoding.0,
        );
        std::fs::write(path("town.toml"), text).unwrap();
        let mut exchange = Running::strowger(["run", "-c", &path("town.toml"), "--json"]);
        exchange.line("ready line", |line| line.contains("\"ready\""));
        let gateway = |protocol: &str, listen: SocketAddr, more: &[&str]| {
            let listen = listen.to_string();
            let arguments =
                ["gateway", protocol, "--listen", &listen, "--max-waiting-delay", "0.05", "--control"];
            let mut gateway = Running::strowger(arguments.iter().chain(more));
            gateway.json(&[("event", "registered")]);
            gateway
        };
        let (agent, controller) = (agent.to_string(), controller.to_string());
        let first = gateway("mgcp", gateways[0], &["--agent", &agent, "--domain", "gw1.town"]);
        let megaco = ["--mgc", &controller, "--mid", "gw2.town", "--encoding", encoding.1];
        let second = gateway("megaco", gateways[1], &megaco);
        Self { folder, exchange, first, second }
    }

    /// One calls the other, who answers; both talk, and the caller hangs up.
    fn call(&mut self, is_back: bool) {
        let (calling, called, number) = match is_back {
            false => (&mut self.first, &mut self.second, "2002"),
            true => (&mut self.second, &mut self.first, "2001"),
        };
        calling.say("aaln/1 off-hook");
        expect(calling, "aaln/1", "dial-tone");
        calling.say(&format!("aaln/1 dial {number}"));
        expect(called, "aaln/1", "ring");
        expect(calling, "aaln/1", "ringback");
        called.say("aaln/1 off-hook");
        calling.say("aaln/1 play tone:700");
        expect(called, "aaln/1", "tone:700");
        called.say("aaln/1 play tone:1900");
        expect(calling, "aaln/1", "tone:1900");
        calling.say("aaln/1 on-hook");
        called.say("aaln/1 on-hook");
    }

    fn records(&self, count: usize) -> Vec<serde_json::Value> {
        until("the records of the calls", || {
            let text = std::fs::read_to_string(self.folder.path().join("cdr.jsonl")).ok()?;
            let rows: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            (rows.len() == count).then_some(rows)
        })
    }
}

#[test]
fn lines_of_mgcp_and_megaco_call_each_other_in_every_form() {
    for encoding in [("compact", "compact"), ("pretty", "pretty"), ("binary", "ber")] {
        let mut town = Town::open(encoding);
        for (is_back, count) in [(false, 1), (true, 2)] {
            town.call(is_back);
            // Who was called has hung up as well when the record is there.
            town.records(count);
        }
        for record in town.records(2) {
            assert_eq!(record["cause"], 16, "{encoding:?}: {record:#}");
            let media = record["media"].as_array().unwrap();
            assert_eq!(media.len(), 2, "{record:#}");
            for end in media {
                assert!(
                    end["statistics"]["packets_received"].as_u64().unwrap() > 10,
                    "{encoding:?}: {end:#}"
                );
            }
        }
        for process in [town.first, town.second, town.exchange] {
            let (status, process) = process.terminate();
            process.assert_code(status, 0);
        }
    }
}
