//! What a line may do in the middle of a call, and the codes by which its subscriber asks for it. What is done is
//! done by [`crate::switch`].

use crate::{Country, FlashControl, Ring};

/// What the subscriber of a line may do in the middle of a call: its class of service.
///
/// By default everything but call waiting: a line that is in a call is busy until its subscriber wants it
/// otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Put a call on hold by a flash of the hook and dial another number.
    pub hold: bool,
    /// Join the held party and the consulted one by hanging up, or the held party and a number by the code.
    pub transfer: bool,
    /// Talk with both by a flash in the consultation.
    pub three_way: bool,
    /// Hear in a call that another one waits, and take it by a flash.
    pub call_waiting: bool,
}

impl Features {
    /// A line without any.
    pub const NONE: Self = Self { hold: false, transfer: false, three_way: false, call_waiting: false };

    /// Every one.
    pub const ALL: Self = Self { hold: true, transfer: true, three_way: true, call_waiting: true };

    /// Whether a flash of the hook can mean anything.
    #[must_use]
    pub const fn flash(self) -> bool {
        self.hold || self.call_waiting
    }
}

impl Default for Features {
    fn default() -> Self {
        Self { hold: true, transfer: true, three_way: true, call_waiting: false }
    }
}

/// What becomes of a three-way call whose controller hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ControllerLeaves {
    /// Both calls end: nobody talks on at the controller's expense.
    #[default]
    EndsAll,
    /// The other two are joined, as by a transfer, when the controller may transfer.
    JoinsTheOthers,
}

/// The codes of an exchange and what else its features go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeaturePlan {
    /// Dialled at recall dial tone: the number that follows gets the held party.
    pub blind_transfer: Option<String>,
    /// Dialled at dial tone or recall dial tone: no call waits as long as this subscriber is off the hook.
    pub cancel_call_waiting: Option<String>,
    /// What becomes of a three-way call without its controller.
    pub controller_leaves: ControllerLeaves,
    /// What a flash of the hook does.
    pub flash: FlashControl,
    /// How a telephone rings for a call that its party has still: on hold, or transferred in vain. The tables of countries have no cadence for
    /// that, so that it is the fourth of GR-506 section 14, short, long, short, everywhere.
    pub recall_ring: Ring,
}

impl FeaturePlan {
    /// What subscribers of a country know. North America: `*98` and `*70`; elsewhere these two have
    /// no code that is the same in all networks, and there is none until the configuration names it.
    #[must_use]
    pub fn of(country: Country) -> Self {
        let north_america = country.country_code() == "1";
        let code = |code: &str| north_america.then(|| code.to_owned());
        Self {
            blind_transfer: code("*98"),
            cancel_call_waiting: code("*70"),
            controller_leaves: ControllerLeaves::default(),
            flash: country.flash(),
            recall_ring: Ring::Pattern(4),
        }
    }

    /// The codes that there are.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        [&self.blind_transfer, &self.cancel_call_waiting].into_iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_country() {
        let of = |code: &str| {
            FeaturePlan::of(code.parse().unwrap()).codes().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of("us"), ["*98", "*70"]);
        assert_eq!(of("de"), Vec::<String>::new());
    }

    #[test]
    fn a_flash_means_nothing_on_a_line_without_features() {
        assert!(!Features::NONE.flash());
        assert!(Features { call_waiting: true, ..Features::NONE }.flash());
        assert!(Features::default().flash() && !Features::default().call_waiting);
    }
}
