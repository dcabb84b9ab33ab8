//! A million pushes: whoever sends them, the gateway's memory stays as it is.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use strowger_messaging::push::{Content, Refused, Request};
use strowger_messaging::queue::{Priority, Refusal};
use support::{Host, Town, centre, config, user};

/// Octets of memory that this process holds now.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn request(content: &Content, id: usize, to: &str) -> Request {
    Request {
        push_id: format!("p{id}"),
        to: vec![to.to_owned()],
        content: content.clone(),
        not_before: None,
        expires: None,
        confirm: false,
        notify: None,
        version: strowger_messaging::pap::Version::default(),
        priority: Priority::default(),
        replaces: None,
    }
}

#[tokio::test]
async fn a_million_pushes_leave_memory_flat() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start().await;
    let mut settings = config();
    settings.store = Some(folder.path().join("push.redb"));
    settings.queue.messages = 10_000;
    // Nobody is there: what is for telephone numbers waits.
    settings.centres = vec![centre("127.0.0.1:9".parse().unwrap())];
    let town = Town::start(settings).await;
    let content = Content::new("text/plain", None, &[b'x'; 100], 32_000).unwrap();
    let mut counts = [0_usize; 2];
    let mut before = 0;
    for batch in 0..1_000 {
        if batch == 20 {
            // The queue is full, its caches and buffers have their size.
            before = resident();
        }
        let numbers = batch * 1_000..(batch + 1) * 1_000;
        let requests = numbers.map(|id| request(&content, id, &format!("+1555{id:07}"))).collect();
        for verdict in town.gateway.push(&user(), requests).await {
            match verdict {
                Ok(_) => counts[0] += 1,
                Err(Refused::Queue(Refusal::Full)) => counts[1] += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert_eq!(counts, [10_000, 990_000], "what has no room is told so");
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} octets more");
    drop(host);
    town.stop().await;
}

#[tokio::test]
async fn what_is_delivered_takes_disk_and_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start().await;
    let mut settings = config();
    settings.store = Some(folder.path().join("push.redb"));
    settings.lanes.rate = 1_000_000;
    settings.queue.messages = 2_000;
    let town = Town::start(settings).await;
    let content = Content::new("text/plain", None, &[b'x'; 100], 32_000).unwrap();
    let mut before = 0;
    for batch in 0..60 {
        if batch == 20 {
            before = resident();
        }
        let requests: Vec<_> =
            (0..1_000).map(|at| request(&content, batch * 1_000 + at, &host.address())).collect();
        for verdict in town.gateway.push(&user(), requests).await {
            verdict.unwrap();
        }
        support::until("room", async || {
            let waiting = town.gateway.counters().all().find(|(name, ..)| name.ends_with("waiting"));
            waiting.unwrap().2 <= 1_000
        })
        .await;
    }
    let grown = resident().saturating_sub(before);
    // The cache of the file's pages has a bound of 64 MiB.
    assert!(grown < 96 << 20, "{grown} octets more");
    town.stop().await;
}
