//! What the exchange's host has kept: the records that an exchange that begins anew is given.

use std::collections::BTreeMap;

use strowger_exchange::{CallId, CallStable, Inventory, Record, Setting};

/// A store that never fails.
#[derive(Debug, Default)]
pub(crate) struct Store {
    standing: BTreeMap<CallId, CallStable>,
    settings: Vec<(String, Setting)>,
}

impl Store {
    /// Keeps a record.
    pub(crate) fn keep(&mut self, record: &Record) {
        match record {
            Record::CallStable(stable) | Record::CallChanged(stable) => {
                self.standing.insert(stable.call, (**stable).clone());
            }
            Record::CallEnded(ended) => {
                self.standing.remove(&ended.call);
            }
            Record::Setting(change) => self.settings.push((change.line.clone(), change.setting.clone())),
            Record::Service(_) => {}
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
        std::mem::take(&mut self.standing).into_values().collect()
    }
}
