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

/// Numbers in ascending order as the inside of ranges, each no longer than [`RangeWildcard::LONGEST`] with its brackets: for each
/// range its text and how many numbers it holds.
#[must_use]
pub fn compress(numbers: &[u16]) -> Vec<(String, usize)> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let mut ranges: Vec<(String, usize)> = Vec::new();
    for (low, high) in runs {
        let item = if low == high { low.to_string() } else { format!("{low}-{high}") };
        let count = usize::from(high - low) + 1;
        match ranges.last_mut() {
            Some((text, held)) if text.len() + item.len() + 3 <= RangeWildcard::LONGEST => {
                text.push(',');
                text.push_str(&item);
                *held += count;
            }
            _ => ranges.push((item, count)),
        }
    }
    ranges.into_iter().map(|(text, count)| (format!("[{text}]"), count)).collect()
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
        assert_eq!(compress(&[1, 3, 20, 21, 22, 23, 24]), [("[1,3,20-24]".to_owned(), 7)]);
        assert_eq!(compress(&[]), []);
        let odd: Vec<u16> = (0..500).map(|n| 2 * n + 1).collect();
        let ranges = compress(&odd);
        assert!(ranges.len() > 1);
        assert!(ranges.iter().all(|(text, _)| text.len() <= RangeWildcard::LONGEST));
        assert_eq!(ranges.iter().map(|(_, count)| count).sum::<usize>(), 500);
        let known: Vec<u16> = odd
            .iter()
            .copied()
            .filter(|n| ranges.iter().any(|(text, _)| RangeWildcard::parse(text).unwrap().contains(*n)))
            .collect();
        assert_eq!(known, odd);
        assert_eq!(compress(&[65_534, 65_535]), [("[65534-65535]".to_owned(), 2)]);
    }
}
