//! Replays the kept corpus of each fuzz target, and every message of the crates' own corpora, with every prefix.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn replay(folder: &str, check: fn(&[u8])) {
    let mut count = 0;
    let folder = root().join(folder);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for end in 0..=bytes.len() {
            check(&bytes[..end]);
        }
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x20;
            check(&changed);
        }
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn the_corpus_of_mgcp_holds() {
    replay("fuzz/corpus/mgcp", strowger_fuzz_checks::mgcp);
    replay("crates/mgcp/tests/corpus", strowger_fuzz_checks::mgcp);
}

#[test]
fn the_corpus_of_sdp_holds() {
    replay("fuzz/corpus/sdp", strowger_fuzz_checks::sdp);
}

#[test]
fn the_corpus_of_digit_maps_holds() {
    replay("fuzz/corpus/digit_map", strowger_fuzz_checks::digit_map);
}

#[test]
fn the_corpus_of_rtp_holds() {
    replay("fuzz/corpus/rtp", strowger_fuzz_checks::rtp);
}
