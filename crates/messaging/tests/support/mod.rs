//! What the gateway's tests share: a gateway on loopback, its clients, a host that is pushed to, a message centre.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod phone;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use serde_json::Value;
use strowger_messaging::http::Server;
use strowger_messaging::http::client::{Answer, Call, Connection};
use strowger_messaging::push::address::Network;
use strowger_messaging::push::gateway::{Notice, Running};
use strowger_messaging::push::{CentreEntry, Gateway, PushConfig, SegmentStyle, User};
use strowger_messaging::smpp::simulator::{Behaviour, Simulator};
use strowger_messaging::smpp::{Bind, CentreConfig, ClientConfig, IdForm};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Any free port of loopback.
pub(crate) fn any() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Waits for something that has no event, with a deadline.
pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not in {PATIENCE:?}: {what}"));
}

/// The only user: `pi` with the password `secret`, from loopback.
pub(crate) fn user() -> User {
    User {
        name: "pi".into(),
        password: Some("secret".into()),
        networks: vec![Network::parse("127.0.0.0/8").unwrap()],
        ..User::default()
    }
}

/// A gateway that pushes to loopback.
pub(crate) fn config() -> PushConfig {
    PushConfig {
        name: "ppg.town".into(),
        udp: Some(any()),
        networks: vec![Network::parse("127.0.0.0/8").unwrap()],
        users: vec![user()],
        ..PushConfig::default()
    }
}

/// A centre for all numbers.
pub(crate) fn centre(address: SocketAddr) -> CentreEntry {
    let bind = Bind {
        system_id: "town".into(),
        password: "secret".into(),
        interface_version: 0x34,
        ..Bind::default()
    };
    CentreEntry {
        id: "smsc1".into(),
        address,
        tls: None,
        links: 1,
        pair: false,
        client: ClientConfig {
            bind,
            reconnect_first: Duration::from_millis(50),
            response_timeout: Duration::from_secs(2),
            throttle_first: Duration::from_millis(10),
            ..ClientConfig::default()
        },
        prefixes: vec![String::new()],
        source: "2948".into(),
        service_type: String::new(),
        style: SegmentStyle::Header,
        wide_reference: false,
        receipts: true,
        ids: IdForm::Auto,
    }
}

/// A message centre that lets `town` in.
pub(crate) async fn simulator(behaviour: Behaviour) -> Simulator {
    let config = CentreConfig { accounts: vec![("town".into(), "secret".into())], ..CentreConfig::default() };
    Simulator::start(any(), config, behaviour).await.unwrap()
}

/// A gateway with its server.
pub(crate) struct Town {
    pub(crate) gateway: Gateway,
    pub(crate) server: Server,
    pub(crate) notices: Option<mpsc::UnboundedReceiver<Notice>>,
    running: Running,
}

impl Town {
    pub(crate) async fn start(config: PushConfig) -> Self {
        let (sender, notices) = mpsc::unbounded_channel();
        let (gateway, running) = Gateway::start(config, sender).await.unwrap();
        let server = Server::start(gateway.clone(), any(), Router::new()).await.unwrap();
        Self { gateway, server, notices: Some(notices), running }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let address = self.server.local();
        Connection::open(address, &address.to_string(), PATIENCE).await.unwrap()
    }

    pub(crate) async fn links_up(&self) {
        let up = || self.gateway.counters().links.load(std::sync::atomic::Ordering::Relaxed);
        until("a link", async || up() > 0).await;
    }

    /// Ends in order.
    pub(crate) async fn stop(self) {
        self.gateway.stop();
        drop(self.server);
        drop(self.gateway);
        self.running.ended().await;
    }
}

/// A request of the user.
pub(crate) fn call(method: Method, path: &str, body: &Value) -> Call {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Call {
        method,
        path: path.into(),
        content_type: Some("application/json".into()),
        body,
        user: Some(("pi".into(), "secret".into())),
    }
}

/// Sends a request and reads the answer as JSON.
pub(crate) async fn ask(connection: &mut Connection, call: Call) -> (StatusCode, Value) {
    let answer: Answer = connection.send(call).await.unwrap();
    let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    (answer.status, value)
}

/// A host that is pushed to.
pub(crate) struct Host(pub(crate) UdpSocket);

impl Host {
    pub(crate) async fn start() -> Self {
        Self(UdpSocket::bind(any()).await.unwrap())
    }

    pub(crate) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub(crate) async fn datagram(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_535];
        let received = tokio::time::timeout(PATIENCE, self.0.recv_from(&mut buffer)).await;
        let (length, _) = received.expect("a datagram in time").unwrap();
        buffer.truncate(length);
        buffer
    }
}

/// An authority, and a certificate that it signed for 127.0.0.1 and smsc.town, as files.
pub(crate) fn authority(folder: &tempfile::TempDir) -> (PathBuf, PathBuf, PathBuf) {
    let issuer_key = rcgen::KeyPair::generate().unwrap();
    let mut issuer = rcgen::CertificateParams::new(Vec::new()).unwrap();
    issuer.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = issuer.self_signed(&issuer_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "smsc.town".to_owned()];
    let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer, &issuer_key).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    (write("ca.pem", issuer.pem()), write("own.pem", own.pem()), write("key.pem", key.serialize_pem()))
}
