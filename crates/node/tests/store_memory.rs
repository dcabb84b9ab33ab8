//! What a store in a file costs in memory. A process of its own: nothing else may grow while it is measured.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use strowger_node::store::{Embedded, Limits, Outcome, Store, Txn};

/// Octets of the process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    kilobytes * 1024
}

#[test]
fn a_store_in_a_file_does_not_hold_the_file_in_memory() {
    const VALUE: usize = 250_000;
    const VALUES: usize = 800;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("town.redb");
    let store = Embedded::open(&path, Limits { operations: 100, ..Limits::default() }).unwrap();
    let before = resident();
    for block in 0..VALUES / 50 {
        let txn =
            (0..50).fold(Txn::new(), |txn, number| txn.put(format!("cdr/{block}/{number}"), vec![7; VALUE]));
        let Ok(Outcome::Committed(_)) = store.txn(&txn) else { panic!("there is room") };
    }
    let written = (VALUES * VALUE) as u64;
    let grown = resident().saturating_sub(before);
    assert!(grown < written / 2, "{grown} octets of memory for {written} in the file");
    let last = store.get(&format!("cdr/{}/49", VALUES / 50 - 1)).unwrap();
    assert!(last.is_some_and(|entry| entry.value.len() == VALUE));
}
