//! A handset that asks its MMSC in TLS: whom it believes, and what it is not led to.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use strowger_messaging::handset::client::Client;
use strowger_messaging::handset::{FetchPolicy, HostRule, Target};
use strowger_messaging::push::address::Network;
use strowger_messaging::smpp::{Authorities, ServerTls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// An MMSC in TLS that gives each request the same answer; none proves itself.
async fn mmsc(tls: ServerTls, answer: impl Fn(SocketAddr) -> String) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(support::any()).await.unwrap();
    let local = listener.local_addr().unwrap();
    let answer = answer(local);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = tls.acceptor().accept(stream).await else { continue };
            let mut request = Vec::new();
            while !request.windows(4).any(|four| four == b"\r\n\r\n") {
                let mut buffer = [0; 1024];
                match stream.read(&mut buffer).await {
                    Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            // Only the first request is for the message: whoever is led on asks for another.
            let first = request.starts_with(b"GET /m1 ");
            let said = if first { answer.clone() } else { message("led on") };
            let _ = stream.write_all(said.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    local
}

fn message(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn client(to: SocketAddr, authorities: Option<Authorities>) -> (Client, Option<Target>) {
    let policy = FetchPolicy {
        // Named without a scheme, so that only what the test is about forbids anything.
        hosts: HostRule::parse(&to.to_string()).into_iter().collect(),
        networks: Network::parse("127.0.0.1").into_iter().collect(),
        tls: authorities.is_some(),
    };
    let target = policy.admit(format!("https://{to}/m1").as_bytes()).ok();
    let patience = Duration::from_secs(10);
    (Client { policy, from: None, authorities, largest: 10_000, patience, tap: None }, target)
}

#[tokio::test]
async fn a_message_is_fetched_in_tls_from_who_proves_its_name_and_from_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, chain, key) = support::authority(&folder);
    let local = mmsc(ServerTls::new(&chain, &key).unwrap(), |_| message("octets")).await;
    let (believing, target) = client(local, Some(Authorities::read(&ca).unwrap()));
    assert_eq!(believing.get(&target.unwrap()).await, Ok(b"octets".to_vec()));
    let elsewhere = tempfile::tempdir().unwrap();
    let (stranger, target) =
        client(local, Some(Authorities::read(&support::authority(&elsewhere).0).unwrap()));
    let failure = stranger.get(&target.unwrap()).await.unwrap_err();
    assert!(failure.why.contains("certificate"), "{failure:?}");
    assert_eq!(client(local, None).1, None, "nobody could prove anything");
}

#[tokio::test]
async fn nobody_leads_a_handset_out_of_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, chain, key) = support::authority(&folder);
    let tls = ServerTls::new(&chain, &key).unwrap();
    for (to, fetched) in [
        ("/m2", Ok(b"led on".to_vec())),
        ("https://HERE/m2", Ok(b"led on".to_vec())),
        ("http://HERE/m2", Err("a redirection out of TLS")),
    ] {
        let local = mmsc(tls.clone(), |local| moved(&to.replace("HERE", &local.to_string()))).await;
        let (client, target) = client(local, Some(Authorities::read(&ca).unwrap()));
        let got = client.get(&target.unwrap()).await.map_err(|failure| failure.why);
        assert_eq!(got, fetched.map_err(str::to_owned), "{to}");
    }
}
