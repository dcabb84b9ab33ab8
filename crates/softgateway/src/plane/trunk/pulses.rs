//! Digits that are dialled on a circuit by breaking its loop: dial pulses (RFC 3064 sections 2.2 and 2.3: the packages DT and BL are for trunks with
//! DTMF or dial pulses).
//!
//! Times are in frames of 10 ms, by which bits of circuits are looked at: dials of 8 to 12 pulses a second break the loop for 40 to 80 ms. A digit is over
//! when the loop has been closed for longer than between two pulses.

/// Times in frames of 10 ms.
type Frames = u32;
const BREAK: std::ops::RangeInclusive<Frames> = 3..=9;
const OVER: Frames = 18;
/// The most pulses of a digit: those of zero.
const MOST: u32 = 10;

/// Counts the pulses of one end of a circuit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pulses {
    count: u32,
    closed: bool,
    frames: Frames,
}

impl Pulses {
    /// The loop in these 10 ms; gives the digit that is over, `0` to `9`.
    pub(super) fn follow(&mut self, closed: bool) -> Option<char> {
        if closed == self.closed {
            self.frames = self.frames.saturating_add(1);
            return self.over();
        }
        // A break as long as a pulse was one; any other was a flash, or the end of the call.
        if closed && BREAK.contains(&self.frames) {
            self.count += 1;
        } else if closed {
            self.count = 0;
        }
        (self.closed, self.frames) = (closed, 1);
        None
    }

    fn over(&mut self) -> Option<char> {
        if self.count == 0 || (self.closed && self.frames < OVER) {
            return None;
        }
        if !self.closed {
            if self.frames > *BREAK.end() {
                self.count = 0;
            }
            return None;
        }
        let digit = std::mem::take(&mut self.count);
        (digit <= MOST).then(|| char::from_digit(digit % MOST, 10)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled(digits: &str, (open, shut): (usize, usize)) -> String {
        let mut loops = vec![true; 50];
        for digit in digits.chars() {
            let count = digit.to_digit(10).map(|digit| if digit == 0 { 10 } else { digit }).unwrap();
            for _ in 0..count {
                loops.extend(std::iter::repeat_n(false, open).chain(std::iter::repeat_n(true, shut)));
            }
            loops.extend(std::iter::repeat_n(true, 60));
        }
        let mut pulses = Pulses::default();
        loops.into_iter().filter_map(|closed| pulses.follow(closed)).collect()
    }

    #[test]
    fn digits_of_slow_and_fast_dials_are_counted() {
        for dial in [(6, 4), (5, 3), (8, 4), (4, 4)] {
            assert_eq!(dialled("5550142987361", dial), "5550142987361", "{dial:?}");
        }
    }

    #[test]
    fn a_wink_a_flash_and_a_fault_of_the_line_are_no_digits() {
        for (open, shut) in [(1, 30), (2, 30), (20, 30), (50, 30)] {
            assert_eq!(dialled("1", (open, shut)), "");
        }
        assert_eq!(dialled("00", (6, 4)), "00");
        let mut pulses = Pulses::default();
        let eleven = (0..11).flat_map(|_| [false; 6].into_iter().chain([true; 4])).chain([true; 60]);
        assert_eq!(
            [true; 30].into_iter().chain(eleven).filter_map(|closed| pulses.follow(closed)).next(),
            None
        );
    }
}
