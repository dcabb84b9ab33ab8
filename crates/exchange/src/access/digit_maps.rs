//! The digit maps of an exchange, by what is to be dialled.

use crate::Digits;

/// What gateways are told to collect, by what is to be dialled.
#[derive(Clone, Debug, Default)]
pub(crate) struct DigitMaps {
    /// Numbers and feature codes.
    pub(crate) plan: String,
    /// These, and the codes that act on a call on hold.
    pub(crate) consultation: String,
    /// Numbers alone.
    pub(crate) numbers: String,
}

impl DigitMaps {
    pub(crate) fn get(&self, digits: Digits) -> &str {
        match digits {
            Digits::Plan => &self.plan,
            Digits::Consultation => &self.consultation,
            Digits::Number => &self.numbers,
            Digits::Free => "(x.[T#])",
            Digits::Choice => "([0-4])",
        }
    }
}
