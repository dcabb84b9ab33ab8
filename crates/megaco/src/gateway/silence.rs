//! Inactivity: a controller that has said nothing for too long (H.248.14, `it/ito` on ROOT).
//!
//! The gateway tells it so. Whoever is there answers, and the silence is over; when nobody does, the transaction layer finds that out, and the
//! gateway looks for a controller as it does after any loss (RFC 3525 section 11.5). Every message of the controller ends a silence.

use std::time::Duration;

use strowger_sansio::Time;

use super::media::MediaPlane;
use super::owned::{Choice, Item, argument};
use super::termination::Key;
use super::{Gateway, Timer};
use crate::transaction::PeerId;

/// `it/ito` and its parameter `mit`, in hundredths of a second.
const INACTIVITY: Item = Item::new(0x45, 1);
const LONGEST: u16 = 1;
const HUNDREDTH: u64 = 10;

impl Gateway {
    /// A peer has said something.
    pub(super) fn heard(&mut self, now: Time, peer: PeerId) {
        if self.association.controller() == Some(peer) {
            self.await_word(now);
        }
    }

    /// Silence is counted from now on, if the controller wants it told.
    pub(super) fn await_word(&mut self, now: Time) {
        match self.longest_silence() {
            Some(silence) => self.timers.set(Timer::Silence, now + silence),
            None => {
                self.timers.cancel(&Timer::Silence);
            }
        }
    }

    fn longest_silence(&self) -> Option<Duration> {
        let active = &self.terminations.get(&Key::ROOT)?.watch.active;
        let mut wanted = active.events.iter().filter(|wanted| wanted.package == INACTIVITY.package);
        let wanted = wanted.find(|wanted| wanted.item.is_none_or(|item| item == INACTIVITY.item))?;
        let said = argument(&wanted.arguments, LONGEST).and_then(Choice::number);
        let said = said.and_then(|number| u64::try_from(number).ok());
        Some(said.map_or(self.config.longest_silence, |number| {
            Duration::from_millis(number.saturating_mul(HUNDREDTH))
        }))
    }

    /// Nothing was said for so long. It is told once: only another word begins another silence.
    pub(super) fn silence_over(&mut self, now: Time, media: &mut dyn MediaPlane) {
        if self.association.controller().is_some() {
            let event = self.occurrence(now, INACTIVITY, None, Vec::new());
            self.happened(now, Key::ROOT, event, media);
        }
    }
}
