//! Transactions as a whole: what became of each command.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::Ladder;
use super::entry::{Entry, EntryKind, Fate, Verdict};

/// What became of one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The number of the command's entry.
    pub command: u64,
    /// How often the command was sent.
    pub sent: usize,
    /// The numbers of the provisional responses.
    pub provisional: Vec<u64>,
    /// The number of the first final response that arrived; none while there is no answer.
    #[serde(rename = "final")]
    pub response: Option<u64>,
    /// How that response turned out.
    pub verdict: Verdict,
    /// From the first sending of the command to that response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took: Option<Duration>,
}

impl Ladder {
    /// Every command that is still remembered, with its outcome, in the order of the commands.
    #[must_use]
    pub fn transactions(&self) -> Vec<Outcome> {
        self.outcomes().into_values().collect()
    }

    /// The same by command, in one pass over the entries.
    pub(super) fn outcomes(&self) -> BTreeMap<u64, Outcome> {
        let mut outcomes = BTreeMap::new();
        for entry in self.entries() {
            let Some(command) = entry.transaction else { continue };
            if command == entry.number {
                let begun = Outcome {
                    command,
                    sent: 1,
                    provisional: Vec::new(),
                    response: None,
                    verdict: Verdict::Neutral,
                    took: None,
                };
                outcomes.insert(command, (begun, entry.time));
            } else if let Some((outcome, since)) = outcomes.get_mut(&command) {
                add(outcome, entry, entry.time.since(*since));
            }
        }
        outcomes.into_iter().map(|(command, (outcome, _))| (command, outcome)).collect()
    }
}

fn add(outcome: &mut Outcome, entry: &Entry, after: Duration) {
    match (entry.kind, entry.verdict) {
        (EntryKind::Command, _) => outcome.sent += 1,
        (_, Verdict::Provisional) if entry.repeats.is_none() => outcome.provisional.push(entry.number),
        (_, Verdict::Success | Verdict::Failure)
            if outcome.response.is_none() && entry.fate == Fate::Delivered =>
        {
            outcome.response = Some(entry.number);
            outcome.verdict = entry.verdict;
            outcome.took = Some(after);
        }
        _ => {}
    }
}
