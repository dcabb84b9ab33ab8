//! Overload: a gateway that has too much to do says so with every Add (H.248.11, `ocp/mg_overload` on ROOT).
//!
//! What too much is, the host knows. Everything is executed as before: it is the controller that asks for less.

use strowger_sansio::Time;

use super::Gateway;
use super::media::MediaPlane;
use super::owned::Item;
use super::termination::Key;

const OVERLOAD: Item = Item::new(0x51, 1);

/// How much a gateway has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// What it can do.
    #[default]
    Normal,
    /// More than it can do in time.
    Overloaded,
}

impl Gateway {
    /// The host says how much there is to do from now on.
    pub fn set_load(&mut self, load: Load) {
        self.load = load;
    }

    /// How much there is to do, as the host said last.
    #[must_use]
    pub fn load(&self) -> Load {
        self.load
    }

    /// An Add was received.
    pub(super) fn note_add(&mut self, now: Time, media: &mut dyn MediaPlane) {
        if self.load == Load::Overloaded {
            let event = self.occurrence(now, OVERLOAD, None, Vec::new());
            self.happened(now, Key::ROOT, event, media);
        }
    }
}
