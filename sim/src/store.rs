//! What the exchange's host has kept: the records that an exchange that begins anew is given.
//!
//! A store holds times of the wall, and the wall's clock may be set between two starts: what is read then is converted by a
//! clock that is not the one by which it was written.

use std::collections::BTreeMap;

use strowger_exchange::{CallId, CallStable, Inventory, Record, Setting};
use strowger_sansio::{Duration, Time};

/// What the wall shows when the run begins: far enough from the origin that a clock can be set back.
const WALL: Duration = Duration::from_secs(1_000_000);

/// A store that never fails.
#[derive(Debug, Default)]
pub(crate) struct Store {
    standing: BTreeMap<CallId, CallStable>,
    settings: Vec<(String, Setting)>,
    /// By how much the wall's clock was set, in seconds.
    set: i64,
}

impl Store {
    /// The wall's clock is set.
    pub(crate) fn set_clock(&mut self, by: i64) {
        self.set = self.set.saturating_add(by);
    }

    /// What the wall shows at the origin of the engines' time, as its clock is set now.
    pub(crate) fn origin(&self) -> Duration {
        let by = Duration::from_secs(self.set.unsigned_abs());
        if self.set < 0 { WALL.saturating_sub(by) } else { WALL + by }
    }

    /// Keeps a record.
    pub(crate) fn keep(&mut self, record: &Record) {
        match record {
            Record::CallStable(stable) | Record::CallChanged(stable) => {
                let origin = self.origin();
                let stamped = with_times(stable, |time| time + origin);
                self.standing.insert(stable.call, stamped);
            }
            Record::CallEnded(ended) => {
                self.standing.remove(&ended.call);
            }
            Record::Setting(change) => self.settings.push((change.line.clone(), change.setting.clone())),
            Record::Service(_) | Record::Registration(_) | Record::Subscriptions(_) => {}
        }
    }

    /// The inventory with all that was set since.
    pub(crate) fn inventory(&self, configured: &Inventory) -> Inventory {
        let mut inventory = configured.clone();
        inventory.settings.extend(self.settings.iter().cloned());
        inventory
    }

    /// The answered calls that have not ended.
    pub(crate) fn take_standing(&mut self) -> Vec<CallStable> {
        let origin = self.origin();
        let read = |stamped: CallStable| {
            with_times(&stamped, |time| Time::ZERO + time.since(Time::ZERO).saturating_sub(origin))
        };
        std::mem::take(&mut self.standing).into_values().map(read).collect()
    }
}

/// A record whose times are those of another clock.
fn with_times(stable: &CallStable, convert: impl Fn(Time) -> Time) -> CallStable {
    let mut converted = stable.clone();
    converted.start = convert(stable.start);
    converted.alerting = stable.alerting.map(&convert);
    converted.answer = convert(stable.answer);
    for transfer in &mut converted.transfers {
        transfer.at = convert(transfer.at);
    }
    converted
}
