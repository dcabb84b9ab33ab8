//! Digit maps (RFC 3435 section 2.1.5, grammar in Appendix A) with the letter `P` of package DM1 (RFC 3660 section 2.7).
//!
//! A map is compiled once to a deterministic automaton, so that each key costs one table look-up whatever the map
//! says. The automaton is built only as far as keys can lead: a complete match ends the collection, so nothing follows
//! it. Its size and the work to build it are bounded, because the automaton of a hostile map is exponential in its length.
//!
//! Letters: `0`-`9`, `*`, `#`, `A`-`D`, `T` (a timer), `x` (any of `0`-`9`), ranges in brackets, `.` for any number of the
//! element before it, `P` at the end of an alternative. Case does not matter. The RFC's grammar lets a range be empty by
//! accident (`[` and `]` around nothing); here a range holds at least one symbol.

use std::collections::BTreeMap;
use std::fmt;

use crate::limits::Limits;

/// Something that is matched against a digit map: a key, or the expiry of the digit timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialSymbol(u8);

impl DialSymbol {
    /// The digit timer has expired.
    pub const TIMER: Self = Self(16);

    /// The symbol of a character: `0`-`9`, `*`, `#`, `A`-`D` and `T`, in any case.
    #[must_use]
    pub fn new(character: char) -> Option<Self> {
        let position = SYMBOLS.iter().position(|symbol| *symbol == character.to_ascii_uppercase())?;
        u8::try_from(position).ok().map(Self)
    }

    /// Its character, in upper case.
    #[must_use]
    pub fn character(self) -> char {
        SYMBOLS.get(usize::from(self.0)).copied().unwrap_or('T')
    }

    const fn bit(self) -> u32 {
        1 << self.0
    }
}

const SYMBOLS: [char; 17] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D', 'T'];
const DIGITS: u32 = (1 << 10) - 1;

/// What a dial string is to a digit map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchState {
    /// More symbols may lead to a match.
    Partial {
        /// Whether the timer alone would complete a match: the critical timer then runs (RFC 3660 section 2.2).
        timer_completes: bool,
    },
    /// It matches an alternative.
    Match,
    /// Nothing that follows can lead to a match.
    Impossible,
}

/// Why a digit map cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitMapError {
    /// An extension letter that no supported package defines: return code 537.
    UnknownLetter {
        /// The letter, in upper case.
        letter: char,
        /// Where it stands, in bytes from the start.
        offset: usize,
    },
    /// Not a digit map: return code 510.
    Syntax {
        /// Where, in bytes from the start.
        offset: usize,
        /// What the grammar asks for there.
        expected: &'static str,
    },
    /// Longer or more ramified than this side will hold: return code 502.
    TooComplex,
}

impl fmt::Display for DigitMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLetter { letter, offset } => {
                write!(f, "the letter {letter} at offset {offset} belongs to no supported package")
            }
            Self::Syntax { offset, expected } => write!(f, "at offset {offset}: expected {expected}"),
            Self::TooComplex => f.write_str("the digit map needs more states than are allowed"),
        }
    }
}

impl std::error::Error for DigitMapError {}

/// A compiled digit map.
#[derive(Clone, PartialEq, Eq)]
pub struct DigitMap {
    text: Box<str>,
    states: Box<[State]>,
}

/// One state of the automaton; the first is the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    matched: bool,
    next: [u16; SYMBOLS.len()],
}

/// The target of a symbol that leads nowhere.
const NOWHERE: u16 = u16::MAX;

/// One place of one alternative.
#[derive(Clone, Copy, Debug)]
enum Element {
    One(u32),
    Many(u32),
    End,
    /// The end of an alternative that closes with `P`: it matches when nothing else is left.
    PatientEnd,
}

/// Steps of construction that a map may cost, a state. A plain map costs about one an alternative and symbol.
const STEPS_PER_STATE: usize = 256;

impl DigitMap {
    /// Compiles a map.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn compile(text: &str, limits: &Limits) -> Result<Self, DigitMapError> {
        if text.len() > limits.digit_map_bytes {
            return Err(DigitMapError::TooComplex);
        }
        let (elements, starts) = Reader { text: text.as_bytes(), offset: 0 }.read()?;
        let most = limits.digit_map_states.min(usize::from(NOWHERE));
        let states = Construction::new(&elements, most).run(&starts)?;
        Ok(Self { text: text.into(), states: states.into() })
    }

    /// The map as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A matcher before the first key.
    #[must_use]
    pub fn start(&self) -> DialString {
        DialString { state: 0, begun: false }
    }

    /// What a dial string is to the map. The RFC matches after each symbol, so the empty dial string never matches,
    /// even where the map could derive it, as `(x.)` does.
    #[must_use]
    pub fn state_of(&self, dialled: DialString) -> MatchState {
        let Some(state) = self.states.get(usize::from(dialled.state)) else {
            return MatchState::Impossible;
        };
        if state.matched && dialled.begun {
            return MatchState::Match;
        }
        let timer = state.next[usize::from(DialSymbol::TIMER.0)];
        let timer_completes = self.states.get(usize::from(timer)).is_some_and(|after| after.matched);
        MatchState::Partial { timer_completes }
    }

    /// Adds a symbol to a dial string and says what the whole now is.
    pub fn feed(&self, dialled: &mut DialString, symbol: DialSymbol) -> MatchState {
        dialled.begun = true;
        dialled.state = self
            .states
            .get(usize::from(dialled.state))
            .and_then(|state| state.next.get(usize::from(symbol.0)))
            .copied()
            .unwrap_or(NOWHERE);
        self.state_of(*dialled)
    }

    /// What a whole dial string is to the map, and after how many symbols that was known.
    #[must_use]
    pub fn dial(&self, symbols: impl IntoIterator<Item = DialSymbol>) -> (MatchState, usize) {
        let mut dialled = self.start();
        let mut verdict = self.state_of(dialled);
        let mut fed = 0;
        for symbol in symbols {
            verdict = self.feed(&mut dialled, symbol);
            fed += 1;
            if !matches!(verdict, MatchState::Partial { .. }) {
                break;
            }
        }
        (verdict, fed)
    }

    /// How many states the automaton has.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states.len()
    }
}

impl fmt::Debug for DigitMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigitMap({:?}, {} states)", self.text, self.states.len())
    }
}

/// How far a dial string has come in a map: the RFC's "current dial string", without the string. It belongs to the
/// map that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialString {
    state: u16,
    begun: bool,
}

/// Reads the text of a map into places: the alternatives one behind the other, each closed by its end.
struct Reader<'a> {
    text: &'a [u8],
    offset: usize,
}

impl Reader<'_> {
    fn read(mut self) -> Result<(Vec<Element>, Vec<usize>), DigitMapError> {
        let mut elements = Vec::new();
        let mut starts = Vec::new();
        self.skip_space();
        let listed = self.take(b'(');
        loop {
            starts.push(elements.len());
            self.alternative(&mut elements)?;
            if !(listed && self.take(b'|')) {
                break;
            }
        }
        if listed && !self.take(b')') {
            return self.syntax("a symbol, `|` or `)`");
        }
        self.skip_space();
        if self.offset < self.text.len() {
            return self.syntax("the end of the digit map");
        }
        Ok((elements, starts))
    }

    fn alternative(&mut self, elements: &mut Vec<Element>) -> Result<(), DigitMapError> {
        let first = elements.len();
        self.skip_space();
        while let Some(byte) = self.peek() {
            if matches!(byte, b'|' | b')' | b' ' | b'\t') {
                break;
            }
            let start = self.offset;
            let set = self.position()?;
            if set == 0 {
                // The letter P. It is not matched by a key, so something must stand before it and nothing behind it.
                self.skip_space();
                let closed = matches!(self.peek(), None | Some(b'|' | b')'));
                if elements.len() == first || !closed {
                    return Err(DigitMapError::Syntax {
                        offset: start,
                        expected: "P only at the end of an entry",
                    });
                }
                elements.push(Element::PatientEnd);
                return Ok(());
            }
            elements.push(if self.take(b'.') { Element::Many(set) } else { Element::One(set) });
        }
        self.skip_space();
        if elements.len() == first {
            return self.syntax("a digit, *, #, A-D, T, x or [");
        }
        elements.push(Element::End);
        Ok(())
    }

    /// One symbol, or a range; the empty set stands for `P`.
    fn position(&mut self) -> Result<u32, DigitMapError> {
        if !self.take(b'[') {
            return self.letter();
        }
        let mut set = 0;
        while !self.take(b']') {
            let start = self.offset;
            let low = self.peek();
            set |= match self.letter()? {
                0 => return Err(DigitMapError::Syntax { offset: start, expected: "no P within a range" }),
                letter => letter,
            };
            if self.peek() == Some(b'-') {
                self.offset += 1;
                let (Some(low @ b'0'..=b'9'), Some(high @ b'0'..=b'9')) = (low, self.peek()) else {
                    return self.syntax("a digit on both sides of the hyphen");
                };
                if low > high {
                    return self.syntax("a subrange that ascends");
                }
                self.offset += 1;
                set |= (low..=high).fold(0, |set, digit| set | 1 << (digit - b'0'));
            }
        }
        if set == 0 { self.syntax("at least one symbol within the range") } else { Ok(set) }
    }

    fn letter(&mut self) -> Result<u32, DigitMapError> {
        let Some(byte) = self.peek() else {
            return self.syntax("a symbol");
        };
        let letter = char::from(byte).to_ascii_uppercase();
        let set = match letter {
            'X' => DIGITS,
            'P' => 0,
            'E'..='Z' if letter != 'T' => {
                return Err(DigitMapError::UnknownLetter { letter, offset: self.offset });
            }
            _ => match DialSymbol::new(letter) {
                Some(symbol) => symbol.bit(),
                None => return self.syntax("a digit, *, #, A-D, T, x or ["),
            },
        };
        self.offset += 1;
        Ok(set)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.offset).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.offset += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.offset += 1;
        }
    }

    fn syntax<T>(&self, expected: &'static str) -> Result<T, DigitMapError> {
        Err(DigitMapError::Syntax { offset: self.offset, expected })
    }
}

/// The subset construction, within its bounds.
struct Construction<'a> {
    elements: &'a [Element],
    most: usize,
    steps: usize,
    numbers: BTreeMap<Vec<u16>, u16>,
    sets: Vec<Vec<u16>>,
}

impl<'a> Construction<'a> {
    fn new(elements: &'a [Element], most: usize) -> Self {
        let steps = most.saturating_mul(STEPS_PER_STATE);
        Self { elements, most, steps, numbers: BTreeMap::new(), sets: Vec::new() }
    }

    fn run(mut self, starts: &[usize]) -> Result<Vec<State>, DigitMapError> {
        self.number(starts.to_vec())?;
        let mut states = Vec::new();
        while let Some(set) = self.sets.get(states.len()).cloned() {
            let matched = self.matched(&set);
            let mut next = [NOWHERE; SYMBOLS.len()];
            if !matched || states.is_empty() {
                for (symbol, target) in (0..).zip(&mut next) {
                    let reached = self.step(&set, 1 << symbol);
                    if !reached.is_empty() {
                        *target = self.number(reached)?;
                    }
                }
            }
            states.push(State { matched, next });
        }
        Ok(states)
    }

    /// An alternative at its end is a match, unless it closes with `P` and another one is still on its way.
    fn matched(&self, set: &[u16]) -> bool {
        let mut patient = false;
        let mut waiting = false;
        for place in set {
            match self.elements.get(usize::from(*place)) {
                Some(Element::End) => return true,
                Some(Element::PatientEnd) => patient = true,
                Some(Element::One(_) | Element::Many(_)) => waiting = true,
                None => {}
            }
        }
        patient && !waiting
    }

    fn step(&self, set: &[u16], symbol: u32) -> Vec<usize> {
        set.iter()
            .filter_map(|place| match self.elements.get(usize::from(*place))? {
                Element::One(symbols) if symbols & symbol != 0 => Some(usize::from(*place) + 1),
                Element::Many(symbols) if symbols & symbol != 0 => Some(usize::from(*place)),
                _ => None,
            })
            .collect()
    }

    /// The number of the state of these places and all that are reached from them without a symbol.
    fn number(&mut self, places: Vec<usize>) -> Result<u16, DigitMapError> {
        let mut closed = Vec::with_capacity(places.len());
        // Places ascend, so one that a walk has passed need not be walked from again.
        for mut place in places {
            loop {
                let number = u16::try_from(place).map_err(|_| DigitMapError::TooComplex)?;
                if closed.last().is_some_and(|last| *last >= number) {
                    break;
                }
                closed.push(number);
                self.steps = self.steps.checked_sub(SYMBOLS.len()).ok_or(DigitMapError::TooComplex)?;
                match self.elements.get(place) {
                    Some(Element::Many(_)) => place += 1,
                    _ => break,
                }
            }
        }
        if let Some(number) = self.numbers.get(&closed) {
            return Ok(*number);
        }
        let number = u16::try_from(self.sets.len()).map_err(|_| DigitMapError::TooComplex)?;
        if self.sets.len() >= self.most {
            return Err(DigitMapError::TooComplex);
        }
        self.numbers.insert(closed.clone(), number);
        self.sets.push(closed);
        Ok(number)
    }
}

/// Whether a map waits for the timer anywhere: a plan without it is matched by keys alone.
#[must_use]
pub fn uses_timer(map: &DigitMap) -> bool {
    map.states.iter().any(|state| state.next[usize::from(DialSymbol::TIMER.0)] != NOWHERE)
}

#[cfg(test)]
mod tests;
