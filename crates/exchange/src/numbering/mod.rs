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

    /// The E.164 form, with `+`, of what was dialled; none when it is neither an international nor a national
    /// number.
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

    /// Whether what was dialled goes abroad, so that no national number is meant.
    #[must_use]
    pub fn is_international(self, dialled: &str) -> bool {
        dialled.starts_with(self.country.international_prefix())
    }

    /// What is dialled before a country code.
    #[must_use]
    pub const fn international_prefix(self) -> &'static str {
        self.country.international_prefix()
    }

    /// How `number` is dialled: itself, or for an E.164 number its international and, at home, its national form.
    #[must_use]
    pub fn dialled_forms(self, number: &str) -> Vec<DialledForm> {
        self.forms(number, |international, code| international.strip_prefix(code))
    }

    /// How numbers that begin with `prefix` begin when they are dialled.
    #[must_use]
    pub fn dialled_prefixes(self, prefix: &str) -> Vec<DialledForm> {
        self.forms(prefix, |international, code| {
            // What only begins like the country's own code begins every national number.
            international.strip_prefix(code).or_else(|| code.starts_with(international).then_some(""))
        })
    }

    fn forms(
        self,
        number: &str,
        national: impl for<'a> Fn(&'a str, &str) -> Option<&'a str>,
    ) -> Vec<DialledForm> {
        let Some(international) = number.strip_prefix('+') else {
            return vec![DialledForm { text: number.to_owned(), longer_by: 0, way: Way::Plain }];
        };
        let length = |text: &str| i32::try_from(text.len()).unwrap_or(i32::MAX);
        let (abroad, code) = (self.country.international_prefix(), self.country.country_code());
        let text = format!("{abroad}{international}");
        let mut forms = vec![DialledForm { text, longer_by: length(abroad), way: Way::International }];
        if let Some(national) = national(international, code) {
            let prefix = self.country.national_prefix().unwrap_or_default();
            let text = format!("{prefix}{national}");
            // Where the two prefixes collide, the international one counts.
            if !text.starts_with(abroad) {
                forms.push(DialledForm {
                    text,
                    longer_by: length(prefix) - length(code),
                    way: Way::National,
                });
            }
        }
        forms
    }
}

/// One way to dial a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialledForm {
    /// The digits, or the beginning of them.
    pub text: String,
    /// How many digits more it takes than the number has; fewer when negative.
    pub longer_by: i32,
    /// Which way it is.
    pub way: Way,
}

/// How a number is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// As it stands in the plan.
    Plain,
    /// An E.164 number behind the prefix for national calls.
    National,
    /// An E.164 number behind the prefix for international calls.
    International,
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
        let forms = |number| de.dialled_prefixes(number).into_iter().map(|form| (form.text, form.longer_by));
        assert_eq!(de.dialled_forms("+4").len(), 1);
        assert_eq!(de.dialled_forms("+49555").len(), 2);
        let form = |text: &str, longer_by| (text.to_owned(), longer_by);
        assert!(forms("+4930555").eq([form("004930555", 2), form("030555", -1)]));
        assert!(forms("+44555").eq([form("0044555", 2)]));
        assert!(forms("+4").eq([form("004", 2), form("0", -1)]));
        assert!(forms("2001").eq([form("2001", 0)]));
    }
}
