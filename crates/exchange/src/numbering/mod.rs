//! Numbers as people dial them and numbers as the world knows them (E.164), and the way between the two.
//!
//! - [`Numbering`]: the dialled forms of a number and the E.164 form of what was dialled, by country.
//! - [`DigitMap`]: what gateways are given so that they collect exactly the digits of the plan.

mod digit_map;
mod pattern;

pub use digit_map::DigitMap;

use crate::Country;

/// The dialling rules of a country (E.164 sections 6 and 7, E.123 for the `+`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    country: Country,
}

impl Numbering {
    /// The rules of `country`.
    #[must_use]
    pub const fn new(country: Country) -> Self {
        Self { country }
    }

    /// The E.164 form, with `+`, of what was dialled; none when it is neither an international nor a national number.
    #[must_use]
    pub fn e164(self, dialled: &str) -> Option<String> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(number) = dialled.strip_prefix('+') {
            return digits(number).then(|| dialled.to_owned());
        }
        if !digits(dialled) {
            return None;
        }
        if let Some(number) = dialled.strip_prefix(self.country.international_prefix()) {
            return digits(number).then(|| format!("+{number}"));
        }
        let national = match self.country.national_prefix() {
            Some(prefix) => dialled.strip_prefix(prefix)?,
            None => dialled,
        };
        digits(national).then(|| format!("+{}{national}", self.country.country_code()))
    }

    /// How `number` is dialled: itself, or for an E.164 number (or the beginning of one) its international and, at home, its
    /// national form.
    #[must_use]
    pub fn dialled_forms(self, number: &str) -> Vec<String> {
        let Some(international) = number.strip_prefix('+') else {
            return vec![number.to_owned()];
        };
        let mut forms = vec![format!("{}{international}", self.country.international_prefix())];
        if let Some(national) = international.strip_prefix(self.country.country_code()) {
            forms.push(format!("{}{national}", self.country.national_prefix().unwrap_or_default()));
        }
        forms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbering(code: &str) -> Numbering {
        Numbering::new(code.parse().unwrap())
    }

    #[test]
    fn what_was_dialled_becomes_an_international_number() {
        let de = numbering("de");
        assert_eq!(de.e164("0044555123").as_deref(), Some("+44555123"));
        assert_eq!(de.e164("030555123").as_deref(), Some("+4930555123"));
        assert_eq!(de.e164("+4930555123").as_deref(), Some("+4930555123"));
        assert_eq!(de.e164("2001"), None);
        assert_eq!(de.e164("*21#"), None);
        assert_eq!(de.e164("+"), None);
        assert_eq!(numbering("us").e164("12025550123").as_deref(), Some("+12025550123"));
        assert_eq!(numbering("us").e164("01149555123").as_deref(), Some("+49555123"));
        assert_eq!(numbering("dk").e164("55512345").as_deref(), Some("+4555512345"));
    }

    #[test]
    fn an_international_number_is_dialled_in_two_ways_at_home() {
        let de = numbering("de");
        assert_eq!(de.dialled_forms("+4930555"), ["004930555", "030555"]);
        assert_eq!(de.dialled_forms("+44555"), ["0044555"]);
        assert_eq!(de.dialled_forms("2001"), ["2001"]);
    }
}
