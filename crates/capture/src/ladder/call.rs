//! One call out of many.
//!
//! Few messages name their call: off-hook, digits, ringing and tones belong to it only by the endpoint and the moment.

use std::collections::BTreeSet;

use super::Ladder;
use super::entry::{Entry, EntryKind};

impl Ladder {
    /// A copy that holds only one call: what names it (in either case); what else happened on its endpoints since the call
    /// before it there and before its own end; the remarks on its parties in that time, and the streams between them.
    #[must_use]
    pub fn of_call(&self, call: &str) -> Self {
        let names =
            |entry: &Entry| entry.call.as_deref().is_some_and(|named| named.eq_ignore_ascii_case(call));
        let own: Vec<&Entry> = self.entries().filter(|entry| names(entry)).collect();
        let (Some(first), Some(last)) = (own.first().copied(), own.last().copied()) else {
            return self.narrowed(|_| false);
        };
        let endpoints: BTreeSet<&str> = own.iter().filter_map(|entry| entry.endpoint.as_deref()).collect();
        let parties: BTreeSet<usize> = own.iter().flat_map(|entry| [entry.from, entry.to]).collect();
        let on_its_endpoints =
            |entry: &Entry| entry.endpoint.as_deref().is_some_and(|name| endpoints.contains(name));
        let before = self
            .entries()
            .take_while(|entry| entry.number < first.number)
            .filter(|entry| entry.call.is_some() && on_its_endpoints(entry))
            .last()
            .map_or(0, |entry| entry.number);
        // Transactions that began in that time belong to it with all their responses.
        let within = |number: u64| before < number && number <= last.number;
        self.narrowed(|entry| match entry.kind {
            EntryKind::Stream => {
                parties.contains(&entry.from) && parties.contains(&entry.to) && entry.time <= last.time
            }
            EntryKind::Remark => parties.contains(&entry.from) && within(entry.number),
            _ => {
                let begun = entry.transaction.unwrap_or(entry.number);
                names(entry) || (on_its_endpoints(entry) && entry.call.is_none() && within(begun))
            }
        })
    }
}
