//! The digit map of the plan: what gateways are told to collect (RFC 3435 section 2.1.5).
//!
//! The lines, the routes and the service codes are laid into one tree of keys. Each way through it is one
//! alternative, and alternatives that differ in one place are joined. A number that is complete but also
//! begins a longer one is followed by the timer `T`, or ended early by `#`; a number that cannot become one
//! of the plan is reported at the first key that says so. When the exact map would be longer than gateways
//! must hold, its last positions are widened to any digit, and the exchange tells unallocated numbers apart
//! afterwards.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::Way;
use super::pattern::{Ending, Keys, Pattern, merge};

/// A run of lengths up to this many is written out; a longer one becomes open (`x.`).
const WRITTEN_LENGTHS: usize = 8;

/// The collection of all numbers that can be dialled.
#[derive(Clone, Debug, Default)]
pub struct DigitMap {
    root: Node,
}

#[derive(Clone, Debug, Default)]
struct Node {
    next: BTreeMap<char, Node>,
    /// A number ends here.
    ends: bool,
    /// From here on numbers have these lengths, unless a longer prefix says otherwise.
    lengths: Option<Lengths>,
    /// The prefix for international calls: no national number goes on behind it.
    abroad: bool,
}

impl Node {
    /// Whether a number of the plan goes through here.
    fn leads_on(&self) -> bool {
        self.ends || self.lengths.is_some() || self.next.values().any(Self::leads_on)
    }
}

/// How long the numbers behind a prefix are, prefix included.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    least: usize,
    /// Unknown when absent.
    most: Option<usize>,
    /// They are national numbers.
    national: bool,
}

impl DigitMap {
    /// Adds a whole number.
    pub fn add_number(&mut self, number: &str) {
        self.node(number).ends = true;
    }

    /// Adds a prefix, with the lengths of the whole numbers behind it when they are known.
    pub fn add_prefix(&mut self, prefix: &str, way: Way, lengths: Option<RangeInclusive<usize>>) {
        let service_code = prefix.contains(['*', '#']);
        let (least, most) = match lengths {
            Some(range) => ((*range.start()).max(prefix.len()), Some(*range.end())),
            None => (prefix.len() + usize::from(!service_code), None),
        };
        self.node(prefix).lengths = Some(Lengths { least, most, national: way == Way::National });
    }

    /// Marks the prefix for international calls.
    pub fn set_international_prefix(&mut self, prefix: &str) {
        self.node(prefix).abroad = true;
    }

    fn node(&mut self, path: &str) -> &mut Node {
        path.chars().fold(&mut self.root, |node, key| node.next.entry(key).or_default())
    }

    /// The map in the notation of RFC 3435, at most `limit` octets long where that can be.
    #[must_use]
    pub fn text(&self, limit: usize) -> String {
        let mut patterns = Vec::new();
        walk(&self.root, &mut Vec::new(), None, &mut patterns);
        if patterns.is_empty() {
            // Nothing can be reached: the first key says so.
            return "(x|*|#)".to_owned();
        }
        let exact = merge(patterns.clone());
        let text = Alternatives(&exact).to_string();
        if text.len() <= limit {
            return text;
        }
        let longest = patterns.iter().map(|pattern| pattern.keys.len()).max().unwrap_or(0);
        let mut widest = text;
        for kept in (0..longest).rev() {
            let widened = widen(&patterns, kept);
            widest = Alternatives(&widened).to_string();
            if widest.len() <= limit {
                break;
            }
        }
        widest
    }
}

fn walk(node: &Node, path: &mut Vec<Keys>, inherited: Option<Lengths>, out: &mut Vec<Pattern>) {
    let inherited = inherited.filter(|inherited| !(node.abroad && inherited.national));
    let lengths = node.lengths.or(inherited);
    let ends_here =
        lengths.is_some_and(|l| l.least <= path.len() && l.most.is_none_or(|most| path.len() <= most));
    let goes_on = lengths.is_some_and(|l| l.most.is_none_or(|most| most > path.len()));
    if (node.ends || ends_here) && !path.is_empty() {
        let ambiguous = goes_on || node.next.values().any(Node::leads_on);
        let ending = if ambiguous { Ending::Timed } else { Ending::Exact };
        out.push(Pattern { keys: path.clone(), ending });
    }
    let mut others = Keys::DIGITS;
    for (key, next) in &node.next {
        others = others.without(Keys::one(*key));
        path.push(Keys::one(*key));
        // Behind a prefix there are digits only.
        walk(next, path, lengths.filter(|_| key.is_ascii_digit()), out);
        path.pop();
    }
    if let Some(lengths) = lengths
        && goes_on
        && !others.is_empty()
    {
        path.push(others);
        tails(path, lengths, out);
        path.pop();
    }
}

/// The numbers that begin with `path` and go on with any digits to one of the lengths.
fn tails(path: &[Keys], lengths: Lengths, out: &mut Vec<Pattern>) {
    let least = lengths.least.max(path.len());
    let of_length = |length: usize, ending| {
        let mut keys = path.to_vec();
        keys.resize(length, Keys::DIGITS);
        Pattern { keys, ending }
    };
    match lengths.most {
        Some(most) if most < least + WRITTEN_LENGTHS => {
            for length in least..=most {
                out.push(of_length(length, if length < most { Ending::Timed } else { Ending::Exact }));
            }
        }
        _ => out.push(of_length(least, Ending::Open)),
    }
}

/// The alternatives with every digit after the first `kept` widened to any digit. What then begins another is
/// timed.
fn widen(patterns: &[Pattern], kept: usize) -> Vec<Pattern> {
    let widened = patterns.iter().map(|pattern| {
        let keys = pattern.keys.iter().enumerate();
        let keys = keys.map(|(place, keys)| if place < kept { *keys } else { keys.generalised() }).collect();
        Pattern { keys, ending: pattern.ending }
    });
    let mut widened = merge(widened.collect());
    let timed: Vec<bool> = widened
        .iter()
        .map(|pattern| pattern.ending == Ending::Exact && widened.iter().any(|other| pattern.begins(other)))
        .collect();
    for (pattern, timed) in widened.iter_mut().zip(timed) {
        if timed {
            pattern.ending = Ending::Timed;
        }
    }
    merge(widened)
}

struct Alternatives<'a>(&'a [Pattern]);

impl fmt::Display for Alternatives<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pattern) in self.0.iter().enumerate() {
            write!(f, "{}{pattern}", if index == 0 { "(" } else { "|" })?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(numbers: &[&str], prefixes: &[(&str, Option<RangeInclusive<usize>>)]) -> String {
        let mut map = DigitMap::default();
        for (prefix, lengths) in prefixes {
            map.add_prefix(prefix, Way::Plain, lengths.clone());
        }
        for number in numbers {
            map.add_number(number);
        }
        map.text(2048)
    }

    #[test]
    fn lines_are_collected_exactly() {
        assert_eq!(map(&["2001", "2002", "2003", "2010"], &[]), "(200[1-3]|2010)");
    }

    #[test]
    fn an_empty_plan_reports_the_first_key() {
        assert_eq!(map(&[], &[]), "(x|*|#)");
    }

    #[test]
    fn a_number_that_begins_a_longer_one_waits_for_a_pause() {
        assert_eq!(map(&["20", "2001"], &[]), "(20[T#]|2001)");
    }

    #[test]
    fn a_prefix_of_unknown_length_ends_by_pause_or_by_hash() {
        assert_eq!(map(&[], &[("9", None)]), "(9xx.[T#])");
        assert_eq!(map(&[], &[("*21*", None)]), "(*21*[T#]|*21*xx.[T#])");
    }

    #[test]
    fn a_prefix_of_known_length_ends_by_itself() {
        assert_eq!(map(&[], &[("9", Some(4..=4))]), "(9xxx)");
        assert_eq!(map(&[], &[("0", Some(1..=1))]), "(0)");
        assert_eq!(map(&[], &[("*69", Some(3..=3))]), "(*69)");
        assert_eq!(map(&[], &[("9", Some(3..=5))]), "(9xx[T#]|9xxx[T#]|9xxxx)");
    }

    #[test]
    fn a_longer_prefix_takes_its_numbers_out_of_the_shorter() {
        assert_eq!(map(&[], &[("9", Some(3..=3)), ("91", Some(5..=5))]), "(91xxx|9[02-9]x)");
    }

    #[test]
    fn a_line_inside_a_route_is_reached_by_a_pause() {
        assert_eq!(map(&["911"], &[("9", Some(5..=5))]), "(911[T#]|9xxxx)");
    }

    #[test]
    fn a_map_that_would_be_too_long_is_widened() {
        let mut map = DigitMap::default();
        for number in (0..10_000).filter(|number| number % 7 != 3) {
            map.add_number(&format!("2{number:04}"));
        }
        map.add_number("31");
        map.add_prefix("9", Way::Plain, None);
        let text = map.text(400);
        assert!(text.len() <= 400, "{text}");
        assert_eq!(map.text(30), "(2xxxx|31|9xx.[T#])");
        assert!(map.text(1 << 20).len() > 2048);
    }

    #[test]
    fn widened_numbers_that_begin_others_are_timed() {
        let mut map = DigitMap::default();
        for number in ["2013", "2157", "2248", "20391", "21735"] {
            map.add_number(number);
        }
        assert_eq!(map.text(20), "(2xxx[T#]|2xxxx)");
    }
}
