//! Digit maps: the dial plan of RFC 3525 section 7.1.14, matched symbol by symbol by the rules of its section 7.1.14.5.
//!
//! A map is a list of alternatives, each a sequence of positions. The candidate set is kept as it is written there: for each
//! alternative that still stands, the places in it that the dial string may have reached. It is bounded by the length of the map, and
//! each symbol costs at most that. The symbols are `0`-`9` and `A`-`K`; what an event stands for is said by its package
//! (for `dd`: Annex E.6.2).

use std::time::Duration;

/// The longest map that is held; a longer one is refused with 519.
pub(super) const LONGEST: usize = 2048;

/// The timers of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitTimers {
    /// T: until the first digit; none waits for ever.
    pub start: Option<Duration>,
    /// S: when what was dialled is complete and more may come.
    pub short: Duration,
    /// L: when more must come.
    pub long: Duration,
    /// The Z threshold: what lasts longer is a long event.
    pub duration: Duration,
}

impl Default for DigitTimers {
    /// 16 s for the first and for a digit that must come, as section 7.1.14.2 has for an example; 4 s for one that may come; 2 s for a
    /// long digit.
    fn default() -> Self {
        Self {
            start: Some(Duration::from_secs(16)),
            short: Duration::from_secs(4),
            long: Duration::from_secs(16),
            duration: Duration::from_secs(2),
        }
    }
}

/// One position of an alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    symbols: u32,
    /// It may be there any number of times, or not at all (`.`).
    is_repeated: bool,
    /// It wants an event of long duration (`Z`).
    is_long: bool,
    /// The timer specifier that stands before it, for this event and those that follow.
    timing: Option<Timing>,
}

/// An explicit timing specifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timing {
    Short,
    Long,
}

/// A dial plan that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitMap {
    body: Box<str>,
    alternatives: Vec<Vec<Position>>,
    /// What the map itself says of its timers: T and S and L in seconds, Z in tenths of one.
    said: [Option<u8>; 4],
}

/// Why a text is no digit map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDigitMap {
    /// Where, in octets from its start.
    pub offset: usize,
    /// What is expected there.
    pub expected: &'static str,
}

const DIGITS: u32 = 0x3ff;

fn bit(symbol: u8) -> Option<u32> {
    match symbol {
        b'0'..=b'9' => Some(1 << (symbol - b'0')),
        b'A'..=b'K' => Some(1 << (symbol - b'A' + 10)),
        b'a'..=b'k' => Some(1 << (symbol - b'a' + 10)),
        _ => None,
    }
}

impl DigitMap {
    /// Reads a map's body and takes the timers that were said beside it: T, S and L in seconds, Z in tenths of a second.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(body: &str, said: [Option<u8>; 4]) -> Result<Self, NoDigitMap> {
        let mut reader = Reader { text: body.as_bytes(), offset: 0 };
        let alternatives = reader.map()?;
        Ok(Self { body: body.into(), alternatives, said })
    }

    /// As it was written.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    pub(super) const fn said(&self) -> [Option<u8>; 4] {
        self.said
    }

    /// The timers in force, where `provisioned` stands for what the map does not say. T of 0 is no start timer.
    #[must_use]
    pub fn timers(&self, provisioned: &DigitTimers) -> DigitTimers {
        let seconds = |said: u8| Duration::from_secs(u64::from(said));
        let [start, short, long, duration] = self.said;
        DigitTimers {
            start: match start {
                Some(0) => None,
                Some(said) => Some(seconds(said)),
                None => provisioned.start,
            },
            short: short.map_or(provisioned.short, seconds),
            long: long.map_or(provisioned.long, seconds),
            duration: duration
                .map_or(provisioned.duration, |tenths| Duration::from_millis(u64::from(tenths) * 100)),
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    offset: usize,
}

impl Reader<'_> {
    fn map(&mut self) -> Result<Vec<Vec<Position>>, NoDigitMap> {
        let mut alternatives = Vec::new();
        self.skip_space();
        let is_list = self.take(b'(');
        loop {
            alternatives.push(self.alternative()?);
            if !(is_list && self.take(b'|')) {
                break;
            }
        }
        if is_list && !self.take(b')') {
            return self.expected("a symbol, | or )");
        }
        self.skip_space();
        if self.offset < self.text.len() {
            return self.expected("the end of the map");
        }
        Ok(alternatives)
    }

    fn alternative(&mut self) -> Result<Vec<Position>, NoDigitMap> {
        let mut positions = Vec::new();
        let mut timing = None;
        self.skip_space();
        while let Some(byte) = self.peek() {
            match byte {
                b'|' | b')' | b' ' | b'\t' | b'\r' | b'\n' => break,
                b'S' | b's' => timing = Some(Timing::Short),
                b'L' | b'l' => timing = Some(Timing::Long),
                _ => {
                    positions.push(self.position(timing)?);
                    continue;
                }
            }
            self.offset += 1;
            // Repetition of what is no event means nothing, but the grammar has it.
            self.take(b'.');
        }
        self.skip_space();
        if positions.is_empty() { self.expected("0-9, A-K, x, [, S, L or Z") } else { Ok(positions) }
    }

    fn position(&mut self, timing: Option<Timing>) -> Result<Position, NoDigitMap> {
        let is_long = self.take(b'Z') || self.take(b'z');
        let symbols = if self.take(b'[') { self.set()? } else { self.symbol()? };
        let is_repeated = self.take(b'.');
        Ok(Position { symbols, is_repeated, is_long, timing })
    }

    fn symbol(&mut self) -> Result<u32, NoDigitMap> {
        let symbols = match self.peek() {
            Some(b'x' | b'X') => Some(DIGITS),
            Some(byte) => bit(byte),
            None => None,
        };
        let Some(symbols) = symbols else { return self.expected("0-9, A-K or x") };
        self.offset += 1;
        Ok(symbols)
    }

    /// What stands behind `[`. Ranges of letters are not in the grammar, but section 7.1.14.3 speaks of them.
    fn set(&mut self) -> Result<u32, NoDigitMap> {
        let mut set = 0;
        while !self.take(b']') {
            let low = self.symbol()?;
            if !self.take(b'-') {
                set |= low;
                continue;
            }
            let high = self.symbol()?;
            if low > high || low.count_ones() != 1 || high.count_ones() != 1 {
                return self.expected("a range that ascends");
            }
            set |= (high << 1) - low;
        }
        if set == 0 { self.expected("a symbol within the brackets") } else { Ok(set) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.offset).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.offset += usize::from(is_there);
        is_there
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.offset += 1;
        }
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, NoDigitMap> {
        Err(NoDigitMap { offset: self.offset, expected })
    }
}

/// How a collection of digits ended (Annex E.6.2, `Meth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Unambiguous match.
    Unambiguous,
    /// Partial match.
    Partial,
    /// Full match.
    Full,
}

impl Completion {
    /// The number of the enumeration.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Unambiguous => 1,
            Self::Partial => 2,
            Self::Full => 3,
        }
    }
}

/// What a symbol did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// More may come.
    Goes,
    /// It is over, and the symbol is part of it.
    Ends(Completion),
    /// It is over, and the symbol is no part of it.
    Rejects(Completion),
}

/// The digits that were collected so far, and what may still become of them.
#[derive(Clone, Debug)]
pub struct Collection {
    dialled: String,
    /// Places in alternatives: the alternative, and how many of its positions lie behind.
    candidates: Vec<(u16, u16)>,
}

impl Collection {
    /// A collection before its first digit (step 1).
    #[must_use]
    pub fn new(map: &DigitMap) -> Self {
        let mut candidates = Vec::new();
        for (alternative, positions) in (0..).zip(&map.alternatives) {
            reach(&mut candidates, positions, alternative, 0);
        }
        Self { dialled: String::new(), candidates }
    }

    /// The current dial string.
    #[must_use]
    pub fn dialled(&self) -> &str {
        &self.dialled
    }

    /// Whether the duration of the next event matters (step 3).
    #[must_use]
    pub fn wants_duration(&self, map: &DigitMap) -> bool {
        self.places(map).any(|position| position.is_long)
    }

    fn places<'m>(&'m self, map: &'m DigitMap) -> impl Iterator<Item = &'m Position> {
        self.candidates.iter().filter_map(|(alternative, place)| {
            map.alternatives.get(usize::from(*alternative))?.get(usize::from(*place))
        })
    }

    /// Whether an alternative is satisfied by what was dialled.
    #[must_use]
    pub fn is_complete(&self, map: &DigitMap) -> bool {
        let is_end = |(alternative, place): &(u16, u16)| {
            map.alternatives
                .get(usize::from(*alternative))
                .is_some_and(|positions| positions.len() == usize::from(*place))
        };
        !self.dialled.is_empty() && self.candidates.iter().any(is_end)
    }

    /// How long the next digit is waited for (step 2); none is for ever.
    #[must_use]
    pub fn patience(&self, map: &DigitMap, timers: &DigitTimers) -> Option<Duration> {
        if self.dialled.is_empty() {
            return timers.start;
        }
        let said: Vec<_> = self.places(map).filter_map(|position| position.timing).collect();
        let is_short = match said.first() {
            Some(_) => said.iter().all(|timing| *timing == Timing::Short),
            None => self.is_complete(map),
        };
        Some(if is_short { timers.short } else { timers.long })
    }

    /// Takes a symbol (steps 3 to 6). `is_long` says whether the event lasted longer than the threshold.
    pub fn feed(&mut self, map: &DigitMap, symbol: char, is_long: bool) -> Step {
        let was_complete = self.is_complete(map);
        let symbols = u8::try_from(symbol).ok().and_then(bit).unwrap_or(0);
        let meets = |position: &Position| position.symbols & symbols != 0;
        let is_satisfied_long =
            is_long && self.places(map).any(|position| position.is_long && meets(position));
        let mut next = Vec::new();
        for (alternative, place) in &self.candidates {
            let Some(positions) = map.alternatives.get(usize::from(*alternative)) else { continue };
            let Some(position) = positions.get(usize::from(*place)) else { continue };
            let duration_fits = if is_satisfied_long { position.is_long } else { !position.is_long };
            if meets(position) && duration_fits {
                // A repeated position may take the next event as well.
                let after = if position.is_repeated { *place } else { *place + 1 };
                reach(&mut next, positions, *alternative, after);
            }
        }
        if next.is_empty() {
            return Step::Rejects(if was_complete { Completion::Full } else { Completion::Partial });
        }
        self.candidates = next;
        if is_satisfied_long {
            self.dialled.push('Z');
        }
        self.dialled.push(symbol.to_ascii_uppercase());
        let goes_on = self.places(map).next().is_some();
        if goes_on { Step::Goes } else { Step::Ends(Completion::Unambiguous) }
    }

    /// The timer has expired.
    #[must_use]
    pub fn expire(&self, map: &DigitMap) -> Completion {
        if self.is_complete(map) { Completion::Full } else { Completion::Partial }
    }
}

/// Adds a place, and those behind it that need no event.
fn reach(candidates: &mut Vec<(u16, u16)>, positions: &[Position], alternative: u16, from: u16) {
    let mut place = from;
    loop {
        if !candidates.contains(&(alternative, place)) {
            candidates.push((alternative, place));
        }
        match positions.get(usize::from(place)) {
            Some(position) if position.is_repeated => place += 1,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of section 7.1.14.9.
    const EXAMPLE: &str = "(0| 00|[1-7]xxx|8xxxxxxx|Fxxxxxxx|Exx|91xxxxxxxxxx|9011x.)";

    fn map(body: &str) -> DigitMap {
        DigitMap::read(body, [None; 4]).unwrap()
    }

    /// What became of digits; capital letters behind a tilde are long events.
    fn dial(map: &DigitMap, digits: &str) -> (Collection, Step) {
        let mut collection = Collection::new(map);
        let mut step = Step::Goes;
        let mut is_long = false;
        for symbol in digits.chars() {
            if symbol == '~' {
                is_long = true;
                continue;
            }
            assert_eq!(step, Step::Goes, "{digits}");
            step = collection.feed(map, symbol, is_long);
            is_long = false;
        }
        (collection, step)
    }

    #[test]
    fn the_plan_of_the_rfc_ends_where_it_says() {
        let map = map(EXAMPLE);
        let unambiguous = Step::Ends(Completion::Unambiguous);
        for digits in ["00", "2345", "81234567", "F1234567", "E12", "911234567890"] {
            let (collection, step) = dial(&map, digits);
            assert_eq!((step, collection.dialled()), (unambiguous, digits));
        }
        let (collection, step) = dial(&map, "0");
        assert_eq!((step, collection.expire(&map)), (Step::Goes, Completion::Full));
        // The event that nothing admits is no part of the dial string.
        let (collection, step) = dial(&map, "05");
        assert_eq!((step, collection.dialled()), (Step::Rejects(Completion::Full), "0"));
        let (collection, step) = dial(&map, "23F");
        assert_eq!((step, collection.dialled()), (Step::Rejects(Completion::Partial), "23"));
        let (collection, step) = dial(&map, "901144123456");
        assert_eq!((step, collection.expire(&map)), (Step::Goes, Completion::Full));
        assert_eq!(dial(&map, "23").0.expire(&map), Completion::Partial);
        assert_eq!(Collection::new(&map).expire(&map), Completion::Partial);
    }

    #[test]
    fn the_timers_follow_the_candidates() {
        let timers = DigitTimers::default();
        let seconds = |body: &str, digits: &str| {
            let map = map(body);
            dial(&map, digits).0.patience(&map, &timers).map(|patience| patience.as_secs())
        };
        assert_eq!(seconds(EXAMPLE, ""), Some(16));
        assert_eq!(seconds(EXAMPLE, "0"), Some(4));
        assert_eq!(seconds(EXAMPLE, "23"), Some(16));
        assert_eq!(seconds(EXAMPLE, "9011"), Some(4), "a terminal dot uses the short timer");
        // Explicit timing overrides, the long one wins a conflict, and it ends with its candidate.
        assert_eq!(seconds("(12S34)", "12"), Some(4));
        assert_eq!(seconds("(12S34|1256)", "12"), Some(4));
        assert_eq!(seconds("(12S34|12L56)", "12"), Some(16));
        assert_eq!(seconds("(12S345|12678)", "126"), Some(16));
        assert_eq!(seconds("(12L.|12)", "1"), Some(16));
        let said = DigitMap::read("(11)", [Some(0), Some(1), Some(2), Some(3)]).unwrap();
        let timers = said.timers(&timers);
        assert_eq!(Collection::new(&said).patience(&said, &timers), None);
        assert_eq!(timers.duration, Duration::from_millis(300));
    }

    #[test]
    fn a_long_event_selects_the_alternatives_that_ask_for_one() {
        let map = map("(Z1x|12|1Z3)");
        assert!(Collection::new(&map).wants_duration(&map));
        let (collection, step) = dial(&map, "~1");
        assert_eq!((collection.dialled(), step), ("Z1", Step::Goes));
        let (collection, step) = dial(&map, "12");
        assert_eq!((collection.dialled(), step), ("12", Step::Ends(Completion::Unambiguous)));
        let (collection, step) = dial(&map, "1~3");
        assert_eq!((collection.dialled(), step), ("1Z3", Step::Ends(Completion::Unambiguous)));
        // A long event where a short one does: its duration is irrelevant.
        let (collection, step) = dial(&map, "1~2");
        assert_eq!((collection.dialled(), step), ("12", Step::Ends(Completion::Unambiguous)));
    }

    #[test]
    fn dots_sets_and_ranges_are_read() {
        let map = map(" ( 1[2-46A-C]. | 9 ) ");
        assert_eq!(dial(&map, "19").1, Step::Rejects(Completion::Full));
        assert_eq!(dial(&map, "126AC").1, Step::Goes);
        assert_eq!(dial(&map, "1D").1, Step::Rejects(Completion::Full));
        assert_eq!(dial(&map, "9").1, Step::Ends(Completion::Unambiguous));
        for wrong in ["", "()", "(1", "1)", "(1||2)", "[]", "[3-1]", "[x-1]", "(Y)", "1[", "S", "12 3", "."] {
            assert!(DigitMap::read(wrong, [None; 4]).is_err(), "{wrong}");
        }
    }
}
