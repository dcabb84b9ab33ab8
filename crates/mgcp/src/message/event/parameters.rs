//! Event parameters (RFC 3435 section 3.2.2.4): what stands in parentheses behind an event or signal.

use std::borrow::Cow;
use std::fmt;

use super::{Walk, items};
use crate::limits::Limits;
use crate::scan::{Class, Fault, Scanner, saturating, trim_end};
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
        Self::skip(&mut s, &mut Walk::new(&Limits::DEFAULT)).ok()?;
        s.is_end().then(|| Self::of(text))
    }

    /// Steps over a list. It may be empty, and so may each item: commas say which values are left out.
    pub(super) fn skip(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
        walk.list(s, skip_parameter)
    }

    /// A list that was stepped over.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.trim_ascii() }
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
        items(self.text, skip_parameter, EventParameter::of)
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

impl<'a> EventParameter<'a> {
    /// A parameter that was stepped over.
    fn of(text: &'a str) -> Self {
        if let Some(rest) = text.strip_prefix('"') {
            return Self::Quoted(rest.strip_suffix('"').unwrap_or(rest));
        }
        let Some(at) = text.bytes().position(|byte| matches!(byte, b'=' | b'(')) else {
            return Self::Value(text);
        };
        let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let inner = match rest.strip_prefix('(') {
            Some(group) => group.strip_suffix(')').unwrap_or(group),
            None => rest.strip_prefix('=').unwrap_or(rest),
        };
        Self::Named { name: trim_end(name), values: EventParameters::of(inner) }
    }
}

/// `value`, `"value"`, `name=parameter` or `name(parameters)`. A chain `a=b=c` is a loop here, not a recursion.
///
/// RFC 2897 section 11 separates parameters by spaces (`pa(an=39 it=2)`); such a group is one parameter here.
fn skip_parameter(s: &mut Scanner<'_>, walk: &mut Walk) -> Result<(), Fault> {
    loop {
        if s.peek() == Some(b'"') {
            return s.quoted().map(|_| ());
        }
        if s.pass(Class::EVENT_PARAMETER) == 0 {
            return Ok(());
        }
        if s.spaced(b'(') {
            walk.inside(s, Rule::EventParameters, EventParameters::skip)?;
        } else if s.spaced(b'=') {
            s.space();
            continue;
        }
        let end = s.position();
        s.space();
        let ends = matches!(s.peek(), None | Some(b',' | b')' | b'"' | b'(' | b'='));
        if ends || s.position() == end {
            s.seek(end);
            return Ok(());
        }
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
