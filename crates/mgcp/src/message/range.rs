//! Range wildcards within terms of local names: `ds1-[1-2]`, `[1,3,20-24]` (RFC 3435 Appendix E.5).
//!
//! Limits: the range is the only one of its term and stands at its end, as in all examples of the appendix; numbers have no leading
//! zeros, so that each value has one name.

use super::RangeWildcard;

/// A term of a local name that ends in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangedTerm<'a> {
    /// What stands before the range.
    pub prefix: &'a str,
    /// The range.
    pub range: RangeWildcard<'a>,
}

impl<'a> RangedTerm<'a> {
    /// Reads a term; none if it does not end in a range.
    #[must_use]
    pub fn parse(term: &'a str) -> Option<Self> {
        let at = term.find('[')?;
        let (prefix, range) = term.split_at_checked(at)?;
        Some(Self { prefix, range: RangeWildcard::parse(range)? })
    }

    /// Whether a term is one of those that this one stands for.
    #[must_use]
    pub fn covers(self, term: &str) -> bool {
        let Some((prefix, number)) = numbered(term) else { return false };
        prefix.eq_ignore_ascii_case(self.prefix) && self.range.contains(number)
    }

    /// The terms that it stands for, in the order of the range.
    pub fn terms(self) -> impl Iterator<Item = String> + use<'a> {
        let prefix = self.prefix;
        self.range.items().flat_map(|(low, high)| low..=high).map(move |number| format!("{prefix}{number}"))
    }
}

/// A term's number at its end, and what stands before it; none if it has no number that a range can hold.
#[must_use]
pub fn numbered(term: &str) -> Option<(&str, u16)> {
    let at = term.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    let (prefix, digits) = term.split_at_checked(at)?;
    let canonical = digits == "0" || !digits.starts_with('0');
    Some((prefix, digits.parse().ok().filter(|_| canonical)?))
}

/// Whether a local name has a range wildcard.
#[must_use]
pub fn is_ranged(local: &str) -> bool {
    local.contains('[') && local.split('/').any(|term| RangedTerm::parse(term).is_some())
}

/// The local names of a list: commas within ranges separate no names.
pub fn names(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    list.split(move |letter| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .map(str::trim_ascii)
}

/// The local names that one with ranges stands for, the leftmost term changing slowest; none if there are more than `most`.
#[must_use]
pub fn expand(local: &str, most: usize) -> Option<Vec<String>> {
    let mut names = vec![String::new()];
    for (place, term) in local.split('/').enumerate() {
        let values: Vec<String> = match RangedTerm::parse(term) {
            Some(ranged) => ranged.terms().take(most.saturating_add(1)).collect(),
            None => vec![term.to_owned()],
        };
        if names.len().saturating_mul(values.len()) > most {
            return None;
        }
        let slash = if place == 0 { "" } else { "/" };
        names = names
            .iter()
            .flat_map(|name| values.iter().map(move |value| format!("{name}{slash}{value}")))
            .collect();
    }
    Some(names)
}

/// A range wildcard that grows number by number, in ascending order, up to [`RangeWildcard::LONGEST`] characters.
#[derive(Clone, Debug)]
pub struct RangeBuilder {
    /// The items before the last, each with a comma behind it.
    closed: String,
    /// The last item.
    last: (u16, u16),
    count: usize,
}

impl RangeBuilder {
    /// A range of one number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self { closed: String::new(), last: (number, number), count: 1 }
    }

    /// Adds the next number, unless the range would become too long or the number is not greater than the last.
    ///
    /// # Errors
    /// The number, to begin another range with.
    pub fn push(&mut self, number: u16) -> Result<(), u16> {
        let (low, high) = self.last;
        if number <= high {
            return Err(number);
        }
        let joined = if high + 1 == number { (low, number) } else { (number, number) };
        let closed = if high + 1 == number { 0 } else { item(self.last).len() + 1 };
        if self.closed.len() + closed + item(joined).len() + 2 > RangeWildcard::LONGEST {
            return Err(number);
        }
        if closed > 0 {
            self.closed.push_str(&item(self.last));
            self.closed.push(',');
        }
        self.last = joined;
        self.count += 1;
        Ok(())
    }

    /// How many numbers it holds.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The range in brackets; a single number without.
    #[must_use]
    pub fn term(&self) -> String {
        match self.count {
            1 => item(self.last),
            _ => format!("[{}{}]", self.closed, item(self.last)),
        }
    }
}

fn item((low, high): (u16, u16)) -> String {
    if low == high { low.to_string() } else { format!("{low}-{high}") }
}

/// Numbers in ascending order as few terms.
#[must_use]
pub fn compress(numbers: &[u16]) -> Vec<String> {
    let mut ranges: Vec<RangeBuilder> = Vec::new();
    for number in numbers {
        match ranges.last_mut().map(|range| range.push(*number)) {
            Some(Ok(())) => {}
            Some(Err(number)) => ranges.push(RangeBuilder::new(number)),
            None => ranges.push(RangeBuilder::new(*number)),
        }
    }
    ranges.iter().map(RangeBuilder::term).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_with_a_range_stands_for_its_numbers_and_no_others() {
        let term = RangedTerm::parse("ds1-[1,3,20-24]").unwrap();
        for covered in ["ds1-1", "DS1-3", "ds1-22"] {
            assert!(term.covers(covered), "{covered}");
        }
        for other in ["ds1-2", "ds1-01", "ds1-", "ds-1", "ds1-25", "ds1-99999", "1"] {
            assert!(!term.covers(other), "{other}");
        }
        assert!(RangedTerm::parse("[1-12]").unwrap().covers("7"));
        for wrong in ["[", "[]", "[2-1]", "[1,]", "[a]", "[1-2]x", "1", "x[1][2]"] {
            assert!(RangedTerm::parse(wrong).is_none(), "{wrong}");
        }
        let long = format!("[{}]", vec!["1"; 64].join(","));
        assert!(RangedTerm::parse(&long).is_none(), "longer than 128 characters");
    }

    #[test]
    fn a_name_with_ranges_is_written_out_from_left_to_right_and_not_without_end() {
        assert_eq!(
            expand("ds/ds1-[1-2]/[1,3]", 10).unwrap(),
            ["ds/ds1-1/1", "ds/ds1-1/3", "ds/ds1-2/1", "ds/ds1-2/3"]
        );
        assert_eq!(expand("aaln/1", 1).unwrap(), ["aaln/1"]);
        assert_eq!(expand("[0-65535]/[0-65535]/[0-65535]", 1000), None);
    }

    #[test]
    fn numbers_become_ranges_of_bounded_length() {
        assert_eq!(compress(&[1, 3, 20, 21, 22, 23, 24]), ["[1,3,20-24]"]);
        assert_eq!(compress(&[7]), ["7"]);
        assert!(compress(&[]).is_empty());
        let odd: Vec<u16> = (0..500).map(|n| 2 * n + 1).collect();
        let ranges = compress(&odd);
        assert!(ranges.len() > 1);
        assert!(ranges.iter().all(|text| text.len() <= RangeWildcard::LONGEST));
        let known = |n: u16| ranges.iter().any(|text| RangeWildcard::parse(text).unwrap().contains(n));
        assert_eq!((0..1200).filter(|n| known(*n)).collect::<Vec<_>>(), odd);
        assert_eq!(compress(&[65_534, 65_535]), ["[65534-65535]"]);
    }

    #[test]
    fn a_range_does_not_go_back() {
        let mut range = RangeBuilder::new(4);
        assert_eq!(range.push(4), Err(4));
        assert_eq!(range.push(3), Err(3));
        assert_eq!(range.push(5), Ok(()));
        assert_eq!((range.count(), range.term()), (2, "[4-5]".to_owned()));
    }
}
