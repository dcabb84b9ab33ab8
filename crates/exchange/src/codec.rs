//! Which codecs gateways are asked for, the most wanted first: the `a:` of local connection options (RFC 3435 section 3.2.2.10).
//!
//! A gateway answers with those of them that it has, and with those that the other party has too once it knows them (section
//! 2.6); the exchange itself never reads a codec. A list says what may be spoken, and so it says also what may not: two
//! gateways whose lists have nothing in common have no call with each other.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{Country, Law};

/// A codec, by its word in configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Codec(&'static Row);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Row {
    word: &'static str,
    encoding: &'static str,
}

const fn row(word: &'static str, encoding: &'static str) -> Row {
    Row { word, encoding }
}

/// Speech codecs with their RTP encoding names (RFC 3551 section 6 and the registry of media subtypes).
static CODECS: &[Row] = &[
    row("g722", "G722"),
    row("g723", "G723"),
    row("g726-16", "G726-16"),
    row("g726-24", "G726-24"),
    row("g726-32", "G726-32"),
    row("g726-40", "G726-40"),
    row("g728", "G728"),
    row("g729", "G729"),
    row("gsm", "GSM"),
    row("ilbc", "iLBC"),
    row("opus", "opus"),
    row("pcma", "PCMA"),
    row("pcmu", "PCMU"),
];

impl Codec {
    /// The words that are known, in their order.
    pub fn words() -> impl Iterator<Item = &'static str> {
        CODECS.iter().map(|row| row.word)
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.0.word
    }

    /// Its RTP encoding name.
    #[must_use]
    pub const fn encoding_name(self) -> &'static str {
        self.0.encoding
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = CODECS.iter().find(|row| row.word.eq_ignore_ascii_case(word));
        found.map(Self).ok_or_else(|| UnknownCodec(word.to_owned()))
    }
}

/// A codec that is not in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCodec(pub String);

impl fmt::Display for UnknownCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown codec \"{}\"; expected one of", self.0.escape_default())?;
        Codec::words().try_for_each(|word| write!(f, " {word}"))
    }
}

impl std::error::Error for UnknownCodec {}

/// The codecs of an exchange, of its gateways and of its lines: the closest list counts. Empty ones are none.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CodecPlan {
    /// Of the exchange; when empty, G.711 with the law of its country first.
    pub exchange: Vec<Codec>,
    /// Of gateways, by their ids.
    pub gateways: BTreeMap<String, Vec<Codec>>,
    /// Of lines, by their numbers.
    pub lines: BTreeMap<String, Vec<Codec>>,
}

impl CodecPlan {
    /// The encoding names of what a line, or a relay, is asked for.
    #[must_use]
    pub fn encoding_names(&self, country: Country, gateway: &str, line: Option<&str>) -> Vec<String> {
        let line = line.and_then(|number| self.lines.get(number));
        let lists = [line, self.gateways.get(gateway), Some(&self.exchange)];
        match lists.into_iter().flatten().find(|list| !list.is_empty()) {
            Some(list) => list.iter().map(|codec| codec.encoding_name().to_owned()).collect(),
            None => country.laws().map(Law::encoding_name).map(str::to_owned).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_without_repetition() {
        let words: Vec<_> = Codec::words().collect();
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]));
        for word in words {
            assert_eq!(word.parse::<Codec>().unwrap().to_string(), word);
        }
        assert!("g711".parse::<Codec>().unwrap_err().to_string().contains(" pcma"));
    }

    #[test]
    fn the_closest_list_counts() {
        let codecs = |words: &[&str]| words.iter().map(|word| word.parse().unwrap()).collect::<Vec<Codec>>();
        let mut plan = CodecPlan::default();
        let germany: Country = "de".parse().unwrap();
        let names = |plan: &CodecPlan, line| plan.encoding_names(germany, "gw1", line).join(";");
        assert_eq!(names(&plan, Some("2001")), "PCMA;PCMU");
        plan.exchange = codecs(&["g722", "pcma"]);
        assert_eq!(names(&plan, Some("2001")), "G722;PCMA");
        plan.gateways.insert("gw1".to_owned(), codecs(&["pcmu"]));
        plan.lines.insert("2001".to_owned(), codecs(&["g729", "pcmu"]));
        assert_eq!((names(&plan, Some("2001")), names(&plan, None)), ("G729;PCMU".into(), "PCMU".into()));
        plan.lines.insert("2001".to_owned(), Vec::new());
        assert_eq!(names(&plan, Some("2001")), "PCMU");
    }
}
