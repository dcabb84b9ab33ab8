//! baresip, of Debian's package `baresip-core`, as a telephone of the exchange: it registers, calls a subscriber on the software gateway
//! and is called by him, and each hears what the other says.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use strowger_media::FRAME_SAMPLES;
use strowger_media::analysis::FrequencyWatch;
use strowger_sip::auth::{Challenge, Known, Secret, Subject};
use strowger_sip::message::{Message, Name, Status};
use strowger_sip::{Limits, text};
use support::baresip::{Account, Baresip, has_baresip};
use support::process::Running;
use support::town::{await_kept, expect};
use support::{capture, loopback, until};

struct Town {
    transport: &'static str,
    folder: tempfile::TempDir,
    exchange: Option<Running>,
    gateway: Running,
    sip: SocketAddr,
    console: SocketAddr,
}

impl Town {
    fn open() -> Self {
        Self::over("udp")
    }

    /// A town whose telephone speaks SIP over this.
    fn over(transport: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = loopback::host();
        let (agent, sip, console) =
            (SocketAddr::new(host, 2727), SocketAddr::new(host, 5060), SocketAddr::new(host, 8088));
        let gateway = loopback::at(2427);
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (sip, secure) = match transport {
            "tls" => {
                certify(folder.path(), host);
                let secure = SocketAddr::new(host, 5061);
                let (certificate, key) = (path("town.pem"), path("town.key"));
                let tls = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
                (secure, format!("sips = \"{secure}\"\n{tls}"))
            }
            _ => (sip, String::new()),
        };
        let text = format!(
            "[exchange]\nname = \"town\"\ndigest = [\"md5\"]\n[records]\ncdr = {:?}\n[capture]\npath = {:?}\n\
             [store]\nkind = \"embedded\"\npath = {:?}\n\
             [listen]\nmgcp = \"{agent}\"\nsip = \"{host}:5060\"\nconsole = \"{console}\"\n{secure}\
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
        Self { transport, folder, exchange: Some(exchange), gateway, sip, console }
    }

    fn exchange(folder: &tempfile::TempDir) -> Running {
        let config = folder.path().join("town.toml");
        let mut exchange = Running::strowger(["run", "-c", config.to_str().unwrap(), "--json"]);
        exchange.line("ready line", |line| line.contains("\"ready\""));
        exchange
    }

    fn telephone(&self, password: &str) -> Baresip {
        self.telephone_that(password, false)
    }

    /// A telephone that asks whether messages wait, or does not.
    fn telephone_that(&self, password: &str, asks_for_messages: bool) -> Baresip {
        let authority = self.folder.path().join("ca.pem");
        let account = Account {
            user: "2003",
            password,
            registrar: self.sip,
            transport: self.transport,
            asks_for_messages,
            authority: (self.transport == "tls").then_some(authority.as_path()),
            says: 700,
        };
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

    fn calls(&self) -> serde_json::Value {
        support::get_json(self.console, "/api/calls")
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

/// An authority, and what it has signed for the exchange at this host.
fn certify(folder: &Path, host: IpAddr) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "authority");
    let authority = authority.self_signed(&key).unwrap();
    let own_key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec![host.to_string()]).unwrap();
    let own = own.signed_by(&own_key, &authority, &key).unwrap();
    let files = [("ca.pem", authority.pem()), ("town.pem", own.pem()), ("town.key", own_key.serialize_pem())];
    for (name, pem) in files {
        std::fs::write(folder.join(name), pem).unwrap();
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
    if has_baresip() {
        let folder = calls_and_is_called(Town::open());
        capture::check_sip(folder.path(), &["REGISTER", "INVITE", "ACK", "BYE"]);
    }
}

#[test]
fn baresip_does_so_over_tcp_by_the_connection_that_it_made() {
    if has_baresip() {
        let folder = calls_and_is_called(Town::over("tcp"));
        capture::check_sip(folder.path(), &["REGISTER", "INVITE", "ACK", "BYE"]);
    }
}

#[test]
fn baresip_does_so_over_tls() {
    if has_baresip() {
        calls_and_is_called(Town::over("tls"));
    }
}

/// The telephone registers, calls and is called, and both hear each other each time.
fn calls_and_is_called(mut town: Town) -> tempfile::TempDir {
    assert_eq!(town.line()["service"], "unreachable");
    let mut telephone = town.telephone("secret");
    let row = town.await_line("in-service");
    assert_eq!(row["gateway"], "sip", "{row:#}");
    assert!(row["contacts"][0]["uri"].as_str().unwrap().starts_with("sip:2003"), "{row:#}");
    assert_eq!(row["contacts"][0]["transport"], town.transport, "{row:#}");
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
    town.close()
}

#[test]
fn baresip_shows_that_messages_wait() {
    if !has_baresip() {
        return;
    }
    let town = Town::open();
    let mut telephone = town.telephone_that("secret", true);
    let mut told = |waits: &str| {
        let words = format!("Messages-Waiting: {waits}");
        // What it was told when it subscribed may come before it is listened to.
        while !telephone.event("MWI_NOTIFY")["param"].as_str().unwrap().starts_with(&words) {}
    };
    for (value, waits) in [("on", "yes"), ("off", "no")] {
        let address = town.console;
        let put = format!(
            "PUT /api/lines/2003/settings/message-waiting HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{value}",
            value.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(put.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
        told(waits);
    }
    telephone.quit();
    let folder = town.close();
    capture::check_sip(folder.path(), &["REGISTER", "SUBSCRIBE", "NOTIFY"]);
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

#[test]
fn a_call_of_baresip_over_tcp_survives_the_death_of_its_exchange() {
    if !has_baresip() {
        return;
    }
    let mut town = Town::over("tcp");
    let mut telephone = town.telephone("secret");
    town.await_line("in-service");
    telephone.say("dial", "2001");
    expect(&mut town.gateway, "aaln/1", "ring");
    town.gateway.say("aaln/1 off-hook");
    telephone.event("CALL_ESTABLISHED");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    await_kept(town.console);
    town.exchange.take().unwrap().cut();
    town.exchange = Some(Town::exchange(&town.folder));
    // It was registered by a connection that has ended, and makes another when it has something to say.
    assert_eq!(town.line()["service"], "unreachable");
    telephone.say("hold", "");
    until("the call again", || (town.calls()[0]["phase"] == "talking").then_some(()));
    telephone.say("resume", "");
    expect(&mut town.gateway, "aaln/1", "tone:700");
    telephone.say("hangup", "");
    expect(&mut town.gateway, "aaln/1", "congestion");
    town.gateway.say("aaln/1 on-hook");
    let records = town.records(1);
    assert_eq!(
        (&records[0]["calling"]["number"], &records[0]["cause"]),
        (&"2003".into(), &16.into()),
        "{records:#?}"
    );
    telephone.quit();
    town.close();
}

#[test]
fn a_telephone_that_has_its_200_is_there_although_the_exchange_dies_at_that_moment() {
    let mut town = Town::open();
    for round in 1..=5 {
        let socket = loopback::peer(5060);
        let asked = ask(&socket, town.sip, "REGISTER", 1, "");
        let challenge = Challenge::strongest(&asked.header, &Name::WwwAuthenticate).unwrap();
        let mut known = Known { challenge, field: Name::Authorization, count: 0 };
        let secret = Secret { user: "2003", password: "secret" };
        let proof = known.answer(secret, Subject { method: "REGISTER", uri: "sip:town" }, "c");
        let done = ask(&socket, town.sip, "REGISTER", 2, &format!("Authorization: {proof}\r\n"));
        town.exchange.take().unwrap().cut();
        assert_eq!(done.status(), Some(Status::OK), "{done:?}");
        town.exchange = Some(Town::exchange(&town.folder));
        let row = town.line();
        assert_eq!(row["service"], "in-service", "{row:#}");
        assert_eq!(row["contacts"].as_array().unwrap().len(), round, "{row:#}");
    }
    town.close();
}

/// A request of 2003's from its own host; what it is answered with.
fn ask(socket: &UdpSocket, to: SocketAddr, method: &str, number: u32, more: &str) -> Message<'static> {
    let own = socket.local_addr().unwrap();
    let request = format!(
        "{method} sip:town SIP/2.0\r\nVia: SIP/2.0/UDP {own};rport;branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:2003@town>;tag=1\r\nTo: <sip:2003@town>\r\nCall-ID: {own}\r\nCSeq: {number} {method}\r\n\
         Contact: <sip:2003@{own}>\r\n{more}Content-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), to).unwrap();
    let mut buffer = [0; 4000];
    let length = socket.recv(&mut buffer).unwrap();
    text::decode(&buffer[..length], &Limits::default()).unwrap().into_owned()
}
