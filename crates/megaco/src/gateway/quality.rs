//! Loss of quality: streams that lose more packets than a controller wants to bear (RFC 3525 Annex E.11.2, `qualert`).
//!
//! The loss is that of the last few seconds, in per cent of the packets that should have come. It is told when it comes above the threshold,
//! and again when it has been below in between.

use std::time::Duration;

use strowger_sansio::Time;

use super::media::MediaPlane;
use super::owned::{Argument, Choice, Given, Item, argument};
use super::termination::{Key, Kind};
use super::{Gateway, Timer};

/// `nt/qualert` and the same of the package that extends it, and their parameter `th`.
const ALERTS: [Item; 2] = [Item::new(0xb, 6), Item::new(0xc, 6)];
const THRESHOLD: u16 = 1;
/// The threshold of a controller that does not say one.
const PROVISIONED: i64 = 5;
/// The most that the parameter can say.
const MOST: u64 = 99;
/// How long a loss is counted.
const INTERVAL: Duration = Duration::from_secs(5);

/// What a termination's streams had lost and received when it was looked at last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loss {
    lost: u64,
    received: u64,
    is_above: bool,
}

impl Gateway {
    /// An events descriptor took effect: quality is watched, or not any more.
    pub(super) fn watch_quality(&mut self, now: Time, key: Key, media: &dyn MediaPlane) {
        if self.alert_of(key).is_none() {
            self.timers.cancel(&Timer::Quality(key));
        } else if self.timers.deadline(&Timer::Quality(key)).is_none() {
            let carried = self.carried(now, key, media);
            if let Some(termination) = self.terminations.get_mut(&key) {
                let (lost, received) = (carried.packets_lost, carried.packets_received);
                termination.loss = Loss { lost, received, is_above: false };
            }
            self.timers.set(Timer::Quality(key), now + INTERVAL);
        }
    }

    /// The alert that is asked for, and its threshold.
    fn alert_of(&self, key: Key) -> Option<(Item, i64)> {
        let termination = self.terminations.get(&key).filter(|known| known.kind == Kind::Ephemeral)?;
        termination.watch.active.events.iter().find_map(|wanted| {
            let is_it = |alert: &&Item| {
                alert.package == wanted.package && wanted.item.is_none_or(|item| item == alert.item)
            };
            let alert = ALERTS.iter().find(is_it)?;
            let said = argument(&wanted.arguments, THRESHOLD).and_then(Choice::number);
            Some((*alert, said.unwrap_or(PROVISIONED)))
        })
    }

    /// An interval is over.
    pub(super) fn quality_due(&mut self, now: Time, key: Key, media: &mut dyn MediaPlane) {
        let Some((alert, threshold)) = self.alert_of(key) else { return };
        let carried = self.carried(now, key, media);
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let before = termination.loss;
        let lost = carried.packets_lost.saturating_sub(before.lost);
        let expected = carried.packets_received.saturating_sub(before.received).saturating_add(lost);
        let percent = (lost.saturating_mul(100)).checked_div(expected).unwrap_or(0).min(MOST);
        let percent = i64::try_from(percent).unwrap_or(i64::MAX);
        let is_above = percent > threshold;
        termination.loss = Loss { lost: carried.packets_lost, received: carried.packets_received, is_above };
        self.timers.set(Timer::Quality(key), now + INTERVAL);
        if is_above && !before.is_above {
            let arguments = vec![Argument::new(THRESHOLD, Given::Integer(percent))];
            let event = self.occurrence(now, alert, None, arguments);
            self.happened(now, key, event, media);
        }
    }
}
