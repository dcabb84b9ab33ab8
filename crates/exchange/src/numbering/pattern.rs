//! One alternative of a digit map: a string of key sets and how it ends (RFC 3435 section 2.1.5).

use std::collections::BTreeMap;
use std::fmt;

/// The keys that a position accepts: `0` to `9`, `*` and `#`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Keys(u16);

impl Keys {
    const KEYS: &'static str = "0123456789*#";
    /// `x` of a digit map.
    pub(super) const DIGITS: Self = Self(0x3ff);

    /// The set of one key; empty for what is not a key.
    pub(super) fn one(key: char) -> Self {
        Self(Self::KEYS.find(key).map_or(0, |bit| 1 << bit))
    }

    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// `x` in place of a set of digits; sets with `*` or `#` stay.
    pub(super) const fn generalised(self) -> Self {
        if self.0 & !Self::DIGITS.0 == 0 { Self::DIGITS } else { self }
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::DIGITS {
            return f.write_str("x");
        }
        let bit = |index: u32| self.0 >> index & 1 == 1;
        if self.0.count_ones() == 1 {
            return Self::KEYS
                .chars()
                .zip(0..)
                .try_for_each(|(key, index)| if bit(index) { write!(f, "{key}") } else { Ok(()) });
        }
        f.write_str("[")?;
        let mut index = 0;
        while index < 10 {
            let first = index;
            while index < 10 && bit(index) {
                index += 1;
            }
            match index - first {
                0 => index += 1,
                1 => write!(f, "{first}")?,
                2 => write!(f, "{first}{}", index - 1)?,
                _ => write!(f, "{first}-{}", index - 1)?,
            }
        }
        for (key, index) in [("*", 10), ("#", 11)] {
            if bit(index) {
                f.write_str(key)?;
            }
        }
        f.write_str("]")
    }
}

/// How an alternative ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    /// With its last key.
    Exact,
    /// A longer number begins the same: with a pause or with `#`.
    Timed,
    /// After any number of further digits, with a pause or with `#`.
    Open,
}

/// One alternative.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    pub(super) keys: Vec<Keys>,
    pub(super) ending: Ending,
}

impl Pattern {
    /// Whether a number that matches `self` can be the beginning of one that matches `other`.
    pub(super) fn begins(&self, other: &Self) -> bool {
        let longer = match other.ending {
            Ending::Exact | Ending::Timed => other.keys.len() > self.keys.len(),
            Ending::Open => other.keys.len() >= self.keys.len(),
        };
        longer && self.keys.iter().zip(&other.keys).all(|(a, b)| a.meets(*b))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.iter().try_for_each(|keys| write!(f, "{keys}"))?;
        f.write_str(match self.ending {
            Ending::Exact => "",
            Ending::Timed => "[T#]",
            Ending::Open => "x.[T#]",
        })
    }
}

/// Joins alternatives that differ in one position only, until none do. Exact: what matched before matches
/// after, and no more.
pub(super) fn merge(mut patterns: Vec<Pattern>) -> Vec<Pattern> {
    patterns.sort();
    patterns.dedup();
    let longest = patterns.iter().map(|pattern| pattern.keys.len()).max().unwrap_or(0);
    loop {
        let before = patterns.len();
        for position in (0..longest).rev() {
            patterns = merge_at(patterns, position);
        }
        if patterns.len() == before {
            patterns.sort();
            return patterns;
        }
    }
}

fn merge_at(patterns: Vec<Pattern>, position: usize) -> Vec<Pattern> {
    let mut shorter = Vec::new();
    let mut joined: BTreeMap<Pattern, Keys> = BTreeMap::new();
    for mut pattern in patterns {
        match pattern.keys.get_mut(position) {
            Some(keys) => {
                let here = std::mem::replace(keys, Keys(0));
                let entry = joined.entry(pattern).or_insert(Keys(0));
                *entry = entry.union(here);
            }
            None => shorter.push(pattern),
        }
    }
    let joined = joined.into_iter().map(|(mut pattern, keys)| {
        if let Some(place) = pattern.keys.get_mut(position) {
            *place = keys;
        }
        pattern
    });
    shorter.extend(joined);
    shorter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Pattern {
        Pattern { keys: text.chars().map(Keys::one).collect(), ending: Ending::Exact }
    }

    #[test]
    fn key_sets_are_written_shortly() {
        let set = |keys: &str| keys.chars().fold(Keys(0), |set, key| set.union(Keys::one(key))).to_string();
        assert_eq!(set("7"), "7");
        assert_eq!(set("#"), "#");
        assert_eq!(set("0123456789"), "x");
        assert_eq!(set("1235"), "[1-35]");
        assert_eq!(set("12579*#"), "[12579*#]");
        assert_eq!(set("0123456789*"), "[0-9*]");
    }

    #[test]
    fn a_full_block_of_numbers_becomes_one_alternative() {
        let block = (0..1000).map(|number| exact(&format!("2{number:03}"))).collect();
        let merged = merge(block);
        assert_eq!(merged.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2xxx"]);
    }

    #[test]
    fn merging_adds_no_number() {
        let merged = merge(["2001", "2002", "2103", "31"].map(exact).to_vec());
        let text: Vec<_> = merged.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["200[12]", "2103", "31"]);
    }
}
