//! Continuity tests of circuits (RFC 3525 Annex E.10).
//!
//! The plane sends the tone of `ct/ct`, reflects or answers with `ct/rsp`, and says when it hears the answer, which ends the test with success.
//! A test that ends otherwise has failed: its time is over, an event interrupts it, or it could not begin or go on. One that the controller ends has no result.

use strowger_sansio::Time;

use super::Gateway;
use super::media::MediaPlane;
use super::owned::{Argument, Given, Item};
use super::termination::Key;

/// `ct/ct`, `ct/cmp` and its parameter `res`.
pub(super) const TEST: Item = Item::new(0xa, 3);
pub(super) const COMPLETION: Item = Item::new(0xa, 5);
const RESULT: u16 = 8;
const FAILURE: u32 = 0;

impl Gateway {
    /// A signal could not begin, could not go on, was interrupted by an event, or lasted as long as it was to.
    pub(super) fn note_failed_test(&mut self, now: Time, key: Key, item: Item, media: &mut dyn MediaPlane) {
        if item == TEST {
            let arguments = vec![Argument::new(RESULT, Given::Enumeration(FAILURE))];
            let event = self.occurrence(now, COMPLETION, None, arguments);
            self.happened(now, key, event, media);
        }
    }
}
