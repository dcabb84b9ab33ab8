//! The mutator makes the same messages again, changes them in every way it knows, and leaves enough of them legal to reach what
//! lies behind the first check; and the first thousands hold.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::path::Path;

use strowger_fuzz_checks::corpus::{Corpus, Target};
use strowger_fuzz_checks::mutate::Mutator;

fn corpus(target: Target) -> Corpus {
    Corpus::read(target, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

#[test]
fn the_same_seed_and_block_give_the_same_messages() {
    let corpus = corpus(Target::Mgcp);
    let messages = |seed, block| {
        let mut mutator = Mutator::new(&corpus);
        mutator.begin(seed, block);
        (0..500).map(|_| mutator.make().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(messages(1, 7), messages(1, 7));
    assert_ne!(messages(1, 7), messages(1, 8));
    assert_ne!(messages(1, 7), messages(2, 7));
}

#[test]
fn changed_messages_hold_and_many_of_them_are_still_accepted() {
    for (target, count, accepted_at_least) in [
        (Target::Mgcp, 60_000, 0.2),
        (Target::Sdp, 60_000, 0.2),
        (Target::DigitMap, 5_000, 0.1),
        (Target::Rtp, 5_000, 0.2),
        (Target::Sip, 30_000, 0.1),
        (Target::Mms, 30_000, 0.1),
    ] {
        let corpus = corpus(target);
        let mut mutator = Mutator::new(&corpus);
        mutator.begin(1, 0);
        let (mut accepted, mut longest) = (0, 0);
        for _ in 0..count {
            let message = mutator.make();
            longest = longest.max(message.len());
            accepted += usize::from(target.check()(message) > 0);
        }
        let share = accepted as f64 / f64::from(count);
        assert!((accepted_at_least..0.9).contains(&share), "{}: {share} accepted", target.name());
        assert!(longest > 2000, "{}: the longest has {longest} octets", target.name());
        assert!(mutator.changes().iter().all(|times| *times > 100), "{:?}", mutator.changes());
    }
}
