//! The sixteen digits: ITU-T Q.23 table 1, and the event codes of RFC 4733 table 3.

use std::fmt;

/// The frequencies of the low group, in Hz, top row first.
pub(super) const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// The frequencies of the high group, in Hz, left column first.
pub(super) const HIGH: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// The keypad, row by row.
const KEYPAD: [[u8; 4]; 4] = [[1, 2, 3, 12], [4, 5, 6, 13], [7, 8, 9, 14], [10, 0, 11, 15]];

/// The digits in the order of their event codes.
const LETTERS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// A digit: `0` to `9`, `*`, `#`, `A` to `D`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

impl Digit {
    /// The digit that a character stands for; letters in either case.
    #[must_use]
    pub fn from_char(letter: char) -> Option<Self> {
        let wanted = letter.to_ascii_uppercase();
        Self::all().find(|digit| digit.letter() == wanted)
    }

    /// The digit of a telephone event, 0 to 15.
    #[must_use]
    pub const fn from_event(code: u8) -> Option<Self> {
        if code < 16 { Some(Self(code)) } else { None }
    }

    /// All digits, in the order of their event codes.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).map(Self)
    }

    /// The character.
    #[must_use]
    pub fn letter(self) -> char {
        LETTERS.get(usize::from(self.0)).copied().unwrap_or('?')
    }

    /// The code of its telephone event (RFC 4733 section 3.2).
    #[must_use]
    pub const fn event(self) -> u8 {
        self.0
    }

    /// Its row and column on the keypad.
    pub(super) fn place(self) -> (usize, usize) {
        let of = |row: &[u8; 4]| row.iter().position(|code| *code == self.0);
        KEYPAD.iter().enumerate().find_map(|(r, row)| of(row).map(|c| (r, c))).unwrap_or((0, 0))
    }

    /// The digit in a row and column of the keypad.
    pub(super) fn at(row: usize, column: usize) -> Option<Self> {
        KEYPAD.get(row)?.get(column).map(|code| Self(*code))
    }

    /// Its low and high frequency in Hz (Q.23).
    #[must_use]
    pub fn frequencies(self) -> (f64, f64) {
        let (row, column) = self.place();
        (LOW.get(row).copied().unwrap_or(0.0), HIGH.get(column).copied().unwrap_or(0.0))
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digit({})", self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_codes_and_frequencies_are_those_of_the_standards() {
        let row = |letters: &str| {
            letters.chars().map(|c| Digit::from_char(c).unwrap().frequencies().0).collect::<Vec<_>>()
        };
        assert_eq!(
            [row("123A"), row("456B"), row("789C"), row("*0#D")].concat(),
            [
                697.0, 697.0, 697.0, 697.0, 770.0, 770.0, 770.0, 770.0, 852.0, 852.0, 852.0, 852.0, 941.0,
                941.0, 941.0, 941.0
            ]
        );
        let column: Vec<_> = "147*".chars().map(|c| Digit::from_char(c).unwrap().frequencies().1).collect();
        assert_eq!(column, [1209.0; 4]);
        let codes: Vec<_> = "09*#AD".chars().map(|c| Digit::from_char(c).unwrap().event()).collect();
        assert_eq!(codes, [0, 9, 10, 11, 12, 15]);
        assert_eq!(Digit::from_char('d'), Digit::from_event(15));
        assert_eq!(Digit::from_char('x'), None);
        assert_eq!(Digit::from_event(16), None);
    }

    #[test]
    fn every_digit_has_a_place_of_its_own() {
        for digit in Digit::all() {
            let (row, column) = digit.place();
            assert_eq!(Digit::at(row, column), Some(digit));
        }
    }
}
