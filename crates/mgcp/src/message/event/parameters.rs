//! Event parameters (RFC 3435 section 3.2.2.4): what stands in parentheses behind an event or signal.

use std::borrow::Cow;
use std::fmt;

use super::Walk;
use crate::limits::Limits;
use crate::scan::{Fault, Scanner, is_event_parameter, saturating};
use crate::text::Rule;

/// A list of event parameters, without the parentheses.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct EventParameters<'a> {
    text: &'a str,
}

/// One event parameter. `to=6000` and `to(6000)` are the same (RFC 3435 section 3.2.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventParameter<'a> {
    /// A bare value; empty where nothing stands between two commas.
    Value(&'a str),
    /// What stands between quotes, with inner quotes still doubled; see [`unquote`](EventParameters::unquote).
    Quoted(&'a str),
    /// A name with its values.
    Named {
        /// The name.
        name: &'a str,
        /// The values.
        values: EventParameters<'a>,
    },
}

impl<'a> EventParameters<'a> {
    /// Reads a list; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let parameters = Self::read(&mut s, &mut Walk::new(&Limits::DEFAULT)).ok()?;
        s.is_end().then_some(parameters)
    }

    pub(super) fn read(s: &mut Scanner<'a>, walk: &mut Walk) -> Result<Self, Fault> {
        s.space();
        let start = s.position();
        loop {
            read_parameter(s, walk)?;
            if !s.comma() {
                break;
            }
        }
        Ok(Self { text: s.since(start).trim_end_matches([' ', '\t']) })
    }

    /// The list as it was written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The parameters in order.
    pub fn iter(self) -> impl Iterator<Item = EventParameter<'a>> + Clone {
        let mut s = Scanner::new(self.text);
        let mut more = !self.text.is_empty();
        std::iter::from_fn(move || {
            if !more {
                return None;
            }
            let parameter = read_parameter(&mut s, &mut Walk::again()).ok()?;
            more = s.comma();
            Some(parameter)
        })
    }

    /// The values of the parameter with this name.
    #[must_use]
    pub fn named(self, name: &str) -> Option<EventParameters<'a>> {
        self.iter().find_map(|parameter| match parameter {
            EventParameter::Named { name: found, values } if found.eq_ignore_ascii_case(name) => Some(values),
            _ => None,
        })
    }

    /// The number given to the parameter with this name; saturates.
    #[must_use]
    pub fn number(self, name: &str) -> Option<u32> {
        match self.named(name)?.iter().next()? {
            EventParameter::Value(digits)
                if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Some(saturating(digits))
            }
            _ => None,
        }
    }

    /// Whether a bare value or a name of this spelling is in the list.
    #[must_use]
    pub fn contains(self, word: &str) -> bool {
        self.iter().any(|parameter| match parameter {
            EventParameter::Value(value) => value.eq_ignore_ascii_case(word),
            EventParameter::Named { name, .. } => name.eq_ignore_ascii_case(word),
            EventParameter::Quoted(_) => false,
        })
    }

    /// The text of what stood between quotes, with doubled quotes made single.
    #[must_use]
    pub fn unquote(inner: &str) -> Cow<'_, str> {
        if inner.contains('"') { Cow::Owned(inner.replace("\"\"", "\"")) } else { Cow::Borrowed(inner) }
    }
}

/// `value`, `"value"`, `name=parameter` or `name(parameters)`. A chain `a=b=c` is a loop here, not a recursion.
fn read_parameter<'a>(s: &mut Scanner<'a>, walk: &mut Walk) -> Result<EventParameter<'a>, Fault> {
    walk.item(s)?;
    let mut first_name = None;
    let mut start = s.position();
    loop {
        s.space();
        let last = if s.peek() == Some(b'"') {
            let quoted = s.quoted()?;
            EventParameter::Quoted(quoted.get(1..quoted.len() - 1).unwrap_or_default())
        } else {
            let word = s.take(is_event_parameter);
            s.space();
            if !word.is_empty() && s.eat(b'=') {
                if first_name.is_none() {
                    first_name = Some(word);
                    start = s.position();
                }
                continue;
            }
            if !word.is_empty() && s.eat(b'(') {
                let values = walk.inside(s, Rule::EventParameters, EventParameters::read)?;
                EventParameter::Named { name: word, values }
            } else {
                EventParameter::Value(word)
            }
        };
        return Ok(match first_name {
            None => last,
            Some(name) => {
                let text = s.since(start).trim_matches([' ', '\t']);
                EventParameter::Named { name, values: EventParameters { text } }
            }
        });
    }
}

impl fmt::Display for EventParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for EventParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
