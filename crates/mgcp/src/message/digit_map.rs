//! The grammar of digit maps (RFC 3435 Appendix A, DigitMap), as far as a message is concerned. Which letters an
//! endpoint knows, and what a map matches, is for [`crate::digitmap`] to say.

use crate::scan::{Class, Fault, Scanner};
use crate::text::Rule;

/// Takes a digit map's text: a string, or strings in parentheses separated by bars.
pub(crate) fn read_digit_map<'a>(s: &mut Scanner<'a>) -> Result<&'a str, Fault> {
    s.space();
    let start = s.position();
    if s.eat(b'(') {
        loop {
            read_string(s)?;
            s.space();
            if s.eat(b')') {
                return Ok(s.since(start));
            }
            if !s.eat(b'|') {
                return Err(s.fault(Rule::DigitMap));
            }
        }
    }
    read_string(s)?;
    Ok(s.since(start))
}

fn read_string(s: &mut Scanner<'_>) -> Result<(), Fault> {
    s.space();
    let start = s.position();
    loop {
        if s.eat(b'[') {
            let letters = s.take(Class::EVENT);
            if letters.is_empty() || !s.eat(b']') {
                return Err(s.fault(Rule::DigitMap));
            }
        } else if s.peek().is_some_and(|byte| Class::DIGIT_MAP.holds(byte)) {
            s.skip();
        } else if s.position() == start {
            return Err(s.fault(Rule::DigitMap));
        } else {
            return Ok(());
        }
        s.eat(b'.');
    }
}
