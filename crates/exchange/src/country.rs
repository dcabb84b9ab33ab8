//! What differs from country to country: which codec comes first, which tone stands for which cause, and how a
//! national or international number is dialled.
//!
//! Sources: ITU-T E.180 supplement 2 (tones), E.164 and its list of prefixes, G.711 section 1 (which law
//! where). How a tone sounds is not known here: gateways are asked for tones by their meaning.

use std::fmt;
use std::str::FromStr;

use crate::{Cause, Tone};

/// A country, by its ISO 3166 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(&'static Row);

/// A G.711 law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// PCMU: North America and Japan.
    Mu,
    /// PCMA: elsewhere, and on any line between the two (G.711 section 1).
    A,
}

impl Law {
    /// Its encoding name (RFC 3551 section 6).
    #[must_use]
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Self::Mu => "PCMU",
            Self::A => "PCMA",
        }
    }
}

/// What a flash of the hook does in the middle of two calls. Networks of one country differ: this is what most telephones are
/// labelled for, was not checked against a standard, and can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlashControl {
    /// It acts at once.
    Hook,
    /// It is answered by recall dial tone, and a digit says what is to be done (the register recall `R` of European telephones,
    /// R0 to R4).
    Digit,
}

impl FlashControl {
    /// Both, with their words.
    pub const ALL: [(&'static str, Self); 2] = [("hook", Self::Hook), ("digit", Self::Digit)];
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Row {
    code: &'static str,
    law: Law,
    flash: FlashControl,
    /// The tone of a number that is not in use.
    unallocated: Tone,
    /// The number of the special information tone that says so: the parameter of `L/sit` (RFC 3660 section 2.4).
    vacant_sit: u8,
    /// The tone for the party who is left when the other has hung up.
    released: Tone,
    country_code: &'static str,
    international_prefix: &'static str,
    /// Empty where national numbers are dialled as they are.
    national_prefix: &'static str,
}

const fn row(
    code: &'static str,
    law: Law,
    flash: FlashControl,
    unallocated: Tone,
    released: Tone,
    numbering: [&'static str; 3],
) -> Row {
    let [country_code, international_prefix, national_prefix] = numbering;
    // North America numbers its special information tones by SR-2275 (vacant code is the sixth), the others
    // by E.180.
    let vacant_sit = if matches!(law, Law::Mu) && country_code.len() == 1 { 6 } else { 1 };
    Row {
        code,
        law,
        flash,
        unallocated,
        vacant_sit,
        released,
        country_code,
        international_prefix,
        national_prefix,
    }
}

use FlashControl::{Digit, Hook};
use Law::{A, Mu};
use Tone::{Busy, Congestion, NumberUnobtainable as Nu, SpecialInformation as Sit};

/// Country code, law, flash, unallocated, released, [E.164 code, international prefix, national prefix].
static COUNTRIES: &[Row] = &[
    row("at", A, Digit, Sit, Busy, ["43", "00", "0"]),
    row("au", A, Digit, Nu, Busy, ["61", "0011", "0"]),
    row("be", A, Digit, Sit, Busy, ["32", "00", "0"]),
    // With a carrier's code behind each prefix, which is left to the routes.
    row("br", A, Hook, Sit, Busy, ["55", "00", "0"]),
    row("ca", Mu, Hook, Sit, Congestion, ["1", "011", "1"]),
    row("ch", A, Digit, Sit, Busy, ["41", "00", "0"]),
    row("cz", A, Digit, Sit, Busy, ["420", "00", ""]),
    row("de", A, Digit, Sit, Busy, ["49", "00", "0"]),
    row("dk", A, Digit, Sit, Busy, ["45", "00", ""]),
    row("es", A, Digit, Sit, Busy, ["34", "00", ""]),
    row("fi", A, Digit, Sit, Busy, ["358", "00", "0"]),
    row("fr", A, Digit, Sit, Busy, ["33", "00", "0"]),
    row("gb", A, Digit, Nu, Busy, ["44", "00", "0"]),
    row("ie", A, Digit, Nu, Busy, ["353", "00", "0"]),
    row("in", A, Hook, Nu, Busy, ["91", "00", "0"]),
    row("it", A, Digit, Sit, Busy, ["39", "00", ""]),
    row("jp", Mu, Hook, Busy, Busy, ["81", "010", "0"]),
    row("nl", A, Digit, Sit, Busy, ["31", "00", "0"]),
    row("no", A, Digit, Sit, Busy, ["47", "00", ""]),
    row("nz", A, Digit, Nu, Busy, ["64", "00", "0"]),
    row("pl", A, Digit, Sit, Busy, ["48", "00", ""]),
    row("pt", A, Digit, Sit, Busy, ["351", "00", ""]),
    row("se", A, Digit, Sit, Busy, ["46", "00", "0"]),
    row("us", Mu, Hook, Sit, Congestion, ["1", "011", "1"]),
    row("za", A, Digit, Nu, Busy, ["27", "00", "0"]),
];

static UNITED_STATES: &Row = &row("us", Mu, Hook, Sit, Congestion, ["1", "011", "1"]);

/// North America, whose tones the packages of RFC 3660 take as their examples.
impl Default for Country {
    fn default() -> Self {
        Self(UNITED_STATES)
    }
}

impl Country {
    /// The codes that are known, in their order.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        COUNTRIES.iter().map(|row| row.code)
    }

    /// The ISO 3166 code, in lower case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0.code
    }

    /// The G.711 laws, the preferred one first.
    #[must_use]
    pub const fn laws(self) -> [Law; 2] {
        match self.0.law {
            Law::Mu => [Law::Mu, Law::A],
            Law::A => [Law::A, Law::Mu],
        }
    }

    /// What a flash of the hook does.
    #[must_use]
    pub const fn flash(self) -> FlashControl {
        self.0.flash
    }

    /// The tone that tells a caller, or the party who is left, why the call ended.
    #[must_use]
    pub const fn tone(self, cause: Cause) -> Tone {
        match cause {
            Cause::USER_BUSY => Tone::Busy,
            Cause::UNALLOCATED_NUMBER
            | Cause::NO_ROUTE_TO_TRANSIT_NETWORK
            | Cause::NO_ROUTE_TO_DESTINATION
            | Cause::MISDIALLED_TRUNK_PREFIX
            | Cause::NUMBER_CHANGED => self.0.unallocated,
            Cause::SPECIAL_INFORMATION_TONE => Tone::SpecialInformation,
            Cause::NORMAL_CLEARING | Cause::NORMAL_UNSPECIFIED | Cause::NO_ANSWER => self.0.released,
            _ => Tone::Congestion,
        }
    }

    /// The number of the special information tone for a number that is not in use.
    #[must_use]
    pub const fn vacant_sit(self) -> u8 {
        self.0.vacant_sit
    }

    /// The E.164 country code.
    #[must_use]
    pub const fn country_code(self) -> &'static str {
        self.0.country_code
    }

    /// What is dialled before a country code.
    #[must_use]
    pub const fn international_prefix(self) -> &'static str {
        self.0.international_prefix
    }

    /// What is dialled before a national number; none where it is dialled as it is.
    #[must_use]
    pub const fn national_prefix(self) -> Option<&'static str> {
        if self.0.national_prefix.is_empty() { None } else { Some(self.0.national_prefix) }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let found = COUNTRIES.iter().find(|row| row.code.eq_ignore_ascii_case(code));
        found.map(Self).ok_or_else(|| UnknownCountry(code.to_owned()))
    }
}

/// A country code that is not in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCountry(pub String);

impl fmt::Display for UnknownCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown country \"{}\"; expected one of", self.0.escape_default())?;
        COUNTRIES.iter().try_for_each(|row| write!(f, " {}", row.code))
    }
}

impl std::error::Error for UnknownCountry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_country_is_the_one_of_the_table() {
        assert_eq!("us".parse(), Ok(Country::default()));
        assert_eq!("US".parse(), Ok(Country::default()));
    }

    #[test]
    fn the_table_is_in_order_without_repetition() {
        let codes: Vec<_> = Country::codes().collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_unknown_country_is_told_which_ones_there_are() {
        let error = "xx".parse::<Country>().unwrap_err().to_string();
        assert!(error.contains("\"xx\"") && error.contains(" de "), "{error}");
    }

    #[test]
    fn countries_differ_in_the_tone_of_a_vacant_number() {
        let tone = |code: &str, cause| code.parse::<Country>().unwrap().tone(cause);
        assert_eq!(tone("us", Cause::UNALLOCATED_NUMBER), Tone::SpecialInformation);
        assert_eq!(tone("gb", Cause::UNALLOCATED_NUMBER), Tone::NumberUnobtainable);
        assert_eq!(tone("us", Cause::NORMAL_CLEARING), Tone::Congestion);
        assert_eq!(tone("de", Cause::NORMAL_CLEARING), Tone::Busy);
        assert_eq!(tone("de", Cause::SWITCHING_EQUIPMENT_CONGESTION), Tone::Congestion);
    }

    #[test]
    fn the_law_of_the_country_comes_first() {
        assert_eq!("jp".parse::<Country>().unwrap().laws(), [Law::Mu, Law::A]);
        assert_eq!("de".parse::<Country>().unwrap().laws(), [Law::A, Law::Mu]);
        assert_eq!("us".parse::<Country>().unwrap().vacant_sit(), 6);
        assert_eq!("jp".parse::<Country>().unwrap().vacant_sit(), 1);
    }
}
