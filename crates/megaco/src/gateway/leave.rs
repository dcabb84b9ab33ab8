//! Subtract: a termination leaves its context, and what it did there is told (RFC 3525 sections 7.1.15, 7.2.3).

use strowger_sansio::Time;

use super::Gateway;
use super::execute::Scene;
use super::media::{MediaPlane, StreamStatistics};
use super::owned::{Choice, Given, Item};
use super::report::{Fault, Found};
use super::termination::{Key, Kind, Termination};
use super::{Timer, service};
use crate::message::{AuditDescriptor, AuditItem};

const NT: u16 = 0xb;
const RTP: u16 = 0xc;
const TDMC: u16 = 0xd;

/// Octets a second of a channel of 64 kbit/s, each way.
const CHANNEL: u64 = 8000;

impl Gateway {
    /// Subtracts one termination.
    pub(super) fn leave(
        &mut self,
        scene: Scene,
        key: Key,
        audit: Option<&AuditDescriptor<'_>>,
        media: &mut dyn MediaPlane,
    ) -> Result<Vec<Found>, Fault> {
        // Without an audit the statistics are told; an empty one asks for silence.
        let wants_statistics = audit.is_none_or(|audit| audit.items.has(AuditItem::Statistics));
        let statistics = self.statistics(scene.now, key, media);
        let mut found = Vec::new();
        if wants_statistics && !statistics.is_empty() {
            found.push(Found::Statistics(statistics));
        }
        if let Some(audit) = audit {
            let mut others = audit.clone();
            others.items = others.items.iter().filter(|item| *item != AuditItem::Statistics).collect();
            found.extend(self.found(scene, key, &others, media)?);
        }
        self.withdraw(scene.now, key, media);
        Ok(found)
    }

    /// Takes a termination out of its context, without a word.
    pub(super) fn withdraw(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        self.silence(now, key, media);
        self.close_streams(now, key, media);
        self.enter(now, key, 0);
        let kind = self.terminations.get(&key).map(|termination| termination.kind);
        if kind == Some(Kind::Ephemeral) {
            self.remove(now, key, media);
            return;
        }
        if let Some(termination) = self.terminations.get_mut(&key) {
            termination.revert();
            if termination.is_leaving {
                self.end_service(now, key, service::Why::Left);
            }
        }
    }

    /// Ends an ephemeral termination.
    pub(super) fn remove(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        self.silence(now, key, media);
        self.close_streams(now, key, media);
        let own = [Timer::Digit, Timer::Tone, Timer::Pause, Timer::Leaving, Timer::Quality, Timer::Returning];
        for timer in own {
            self.timers.cancel(&timer(key));
        }
        if let Some(termination) = self.terminations.remove(&key) {
            self.names.remove(termination.name.to_ascii_lowercase().as_str());
            self.ephemerals = self.ephemerals.saturating_sub(1);
        }
    }

    /// The statistics of a termination, as its packages have them; none outside of a context.
    pub(super) fn statistics(
        &self,
        now: Time,
        key: Key,
        media: &dyn MediaPlane,
    ) -> Vec<(Item, Option<Choice>)> {
        let Some(termination) = self.terminations.get(&key).filter(|known| known.context != 0) else {
            return Vec::new();
        };
        let carried = self.carried(now, key, media);
        list(now, termination, &carried)
    }
}

fn list(now: Time, termination: &Termination, carried: &StreamStatistics) -> Vec<(Item, Option<Choice>)> {
    let number = |number: u64| Choice::One(Given::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
    let duration = u64::try_from(now.since(termination.since).as_millis()).unwrap_or(u64::MAX);
    let row = |package: u16, item: u16, value: Choice| (Item::new(package, item), Some(value));
    match termination.kind {
        Kind::Root => Vec::new(),
        Kind::Physical(..) => {
            // A channel carries as many octets as it lasts, whatever is in them.
            let octets = duration.saturating_mul(CHANNEL) / 1000;
            vec![row(TDMC, 1, number(duration)), row(TDMC, 2, number(octets)), row(TDMC, 3, number(octets))]
        }
        Kind::Ephemeral => {
            let expected = carried.packets_received.saturating_add(carried.packets_lost);
            // A per cent with a fraction of 32 bits.
            let lost = (carried.packets_lost.saturating_mul(100) << 32).checked_div(expected).unwrap_or(0);
            vec![
                row(NT, 1, number(duration)),
                row(NT, 2, number(carried.octets_sent)),
                row(NT, 3, number(carried.octets_received)),
                row(RTP, 4, number(carried.packets_sent)),
                row(RTP, 5, number(carried.packets_received)),
                row(RTP, 6, Choice::One(Given::Fraction(lost))),
                row(RTP, 7, number(carried.jitter_ms)),
                row(RTP, 8, number(carried.latency_ms)),
            ]
        }
    }
}
