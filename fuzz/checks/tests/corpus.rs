//! Replays the kept corpus of each fuzz target, and every message of the crates' own corpora, with every prefix and every change of
//! a single octet.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use strowger_fuzz_checks::corpus::Target;

fn replay(target: Target) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let check = target.check();
    for folder in target.folders() {
        let folder = root.join(folder);
        let mut count = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for end in 0..=bytes.len() {
                check(&bytes[..end]);
            }
            for place in 0..bytes.len() {
                let mut changed = bytes.clone();
                for other in 1..=255 {
                    changed[place] = bytes[place] ^ other;
                    check(&changed);
                }
            }
            count += 1;
        }
        assert!(count > 0, "{} is empty", folder.display());
    }
}

#[test]
fn the_corpus_of_mgcp_holds() {
    replay(Target::Mgcp);
}

#[test]
fn the_corpus_of_sdp_holds() {
    replay(Target::Sdp);
}

#[test]
fn the_corpus_of_digit_maps_holds() {
    replay(Target::DigitMap);
}

#[test]
fn the_corpus_of_rtp_holds() {
    replay(Target::Rtp);
}

#[test]
fn the_corpus_of_sip_holds() {
    replay(Target::Sip);
}

#[test]
fn the_corpus_of_mms_holds() {
    replay(Target::Mms);
}

#[test]
fn the_corpus_of_smpp_holds() {
    replay(Target::Smpp);
}

#[test]
fn the_corpus_of_pap_holds() {
    replay(Target::Pap);
}
