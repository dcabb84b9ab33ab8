//! The compact form: one line a transaction, with its outcome and how long it took.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::Ladder;
use super::entry::{Entry, EntryKind};
use super::outcome::Outcome;
use crate::escape::shortened;

impl Ladder {
    /// One line for each transaction, stream, remark and message without a transaction, at most `width` characters each:
    /// `   0.020 #4 town > gw1 CRCX 1001 aaln/1@gw1 M:recvonly => 200 OK in 3.1 ms, sent 2 times`.
    #[must_use]
    pub fn to_list(&self, width: usize) -> String {
        let start = self.entries().map(|entry| entry.time).min().unwrap_or_default();
        let outcomes = self.outcomes();
        let mut out = String::new();
        for entry in self.entries() {
            let begins =
                entry.transaction.is_none_or(|number| number == entry.number || self.entry(number).is_none());
            if !begins {
                continue;
            }
            let name = |party: usize| self.parties().get(party).map_or("?", |party| party.name.as_str());
            let way = if entry.kind == EntryKind::Remark {
                name(entry.from).to_owned()
            } else {
                format!("{} > {}", name(entry.from), name(entry.to))
            };
            let seconds = entry.time.since(start).as_secs_f64();
            let head = format!("{seconds:>9.3} #{} {way} ", entry.number);
            let tail = self.tail(entry, &outcomes);
            let room = width.saturating_sub(head.chars().count() + tail.chars().count()).max(24);
            let line = format!("{head}{}{tail}", shortened(&entry.summary, room));
            let _ = writeln!(out, "{}", shortened(&line, width.max(60)));
        }
        out
    }

    /// ` => 200 in 3.1 ms, sent 2 times`.
    fn tail(&self, entry: &Entry, outcomes: &BTreeMap<u64, Outcome>) -> String {
        let Some(outcome) = outcomes.get(&entry.number) else { return self.marks(entry, outcomes) };
        let mut tail = String::new();
        let response = outcome.response.and_then(|number| self.entry(number));
        match (response, outcome.took) {
            (Some(response), Some(took)) => {
                let code = response.summary.split(' ').next().unwrap_or_default();
                let _ = write!(tail, " => {code} in {}", millis(took));
            }
            _ => tail.push_str(" => no answer"),
        }
        if !outcome.provisional.is_empty() {
            tail.push_str(", provisional first");
        }
        if outcome.sent > 1 {
            let _ = write!(tail, ", sent {} times", outcome.sent);
        }
        tail
    }
}

fn millis(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}
