//! Floods of MGCP: the filter in the kernel that thins them out (see [`crate::filter`]).

use super::Shard;
use crate::filter::{self, Filter, MOST_RANGES};

impl Shard {
    /// Sets the filter that what came asks for.
    pub(super) fn judge_flood(&mut self) {
        let Some(filter) = self.guard.judge(self.clock.now()).cloned() else { return };
        if filter.is_open() {
            tracing::info!("the flood is over, and everything is heard again");
        } else {
            self.counts.filters.increment();
            if let Some(suppressed) = self.filters.admit() {
                let (strangers, gateways) = (filter.strangers, filter.sources.len());
                tracing::warn!(strangers, gateways, suppressed, "a flood is thinned out before it is heard");
            }
        }
        self.set_filter(&filter);
    }

    pub(super) fn set_filter(&self, filter: &Filter) {
        let Some(udp) = &self.mgcp else { return };
        if filter.is_open() {
            // One that was never set is not there to be taken away.
            let _ = udp.filter(None);
            return;
        }
        let mut most = MOST_RANGES;
        loop {
            let program = filter::program(filter, &filter::ranges(self.admission.hosts(), most));
            match udp.filter(Some(&program)) {
                Ok(()) => return,
                // The system has room for shorter ones, or none; what a filter leaves is refused behind it.
                Err(_) if most > 1 => most /= 4,
                Err(error) => {
                    tracing::debug!(%error, "no filter");
                    return;
                }
            }
        }
    }
}
