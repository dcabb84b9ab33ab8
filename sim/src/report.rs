//! How a run went: what was run, what was done in it, and what broke.

use std::collections::BTreeMap;
use std::fmt;

use strowger_sansio::Duration;

use crate::invariants::Violation;
use crate::network::Fate;
use crate::options::Options;

/// How a run went.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub options: Options,
    /// What broke; empty when all held.
    pub violations: Vec<Violation>,
    /// Calls that were begun.
    pub calls: usize,
    /// Calls that were answered.
    pub answered: usize,
    /// Parties who were found to hear the other one.
    pub heard: usize,
    /// How often exchange and gateways were found to know the same connections, of which there were some.
    pub compared: usize,
    /// Answered calls that outlived their exchange.
    pub restored: usize,
    /// How often subscribers did what goes beyond a plain call, by its name.
    pub features: BTreeMap<&'static str, usize>,
    /// What the network did.
    pub fate: Fate,
    /// How long it took in virtual time.
    pub took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.options)?;
        writeln!(
            f,
            "{} calls, {} answered, {} ears checked, {} comparisons, {} datagrams ({} lost, {} doubled), {:.0} s",
            self.calls,
            self.answered,
            self.heard,
            self.compared,
            self.fate.sent,
            self.fate.lost,
            self.fate.duplicated,
            self.took.as_secs_f64()
        )?;
        if !self.features.is_empty() {
            let features: Vec<_> =
                self.features.iter().map(|(name, count)| format!("{count} {name}")).collect();
            writeln!(f, "{}", features.join(", "))?;
        }
        if self.violations.is_empty() {
            return f.write_str("all invariants held");
        }
        for violation in &self.violations {
            writeln!(f, "VIOLATION {violation}")?;
        }
        Ok(())
    }
}

/// What a subscriber did beyond a plain call.
pub(crate) fn feature(event: &strowger_exchange::Event) -> Option<&'static str> {
    use strowger_exchange::Event;
    match event {
        Event::Held { .. } => Some("holds"),
        Event::Retrieved { .. } => Some("returns"),
        Event::ThreeWay { .. } => Some("three-way calls"),
        Event::Transferred { .. } => Some("transfers"),
        Event::TransferFailed { .. } => Some("transfers in vain"),
        Event::Diverted { .. } => Some("diversions"),
        _ => None,
    }
}
