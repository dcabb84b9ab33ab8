//! Bearer information (RFC 3435 section 3.2.2.1).

use std::fmt;

use super::grammar::skip_option;
use super::{LocalOption, options};
use crate::limits::Limits;
use crate::scan::{Fault, Scanner};
use crate::text::Rule;

/// The encoding of voice on the bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerEncoding {
    /// `e:A`.
    ALaw,
    /// `e:mu`.
    MuLaw,
}

/// The value of `B:`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct BearerInformation<'a> {
    text: &'a str,
}

impl<'a> BearerInformation<'a> {
    /// A value whose grammar decoding has checked.
    pub(crate) const fn checked(text: &'a str) -> Self {
        Self { text }
    }

    pub(crate) fn read(s: &mut Scanner<'a>, most: usize) -> Result<Self, Fault> {
        s.space();
        let start = s.position();
        let mut left = most;
        if !s.is_end() {
            loop {
                left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
                let at = s.position();
                skip_option(s, Rule::BearerInformation)?;
                let option = LocalOption::of(s.since(at));
                let base = option.name.eq_ignore_ascii_case("e");
                if base && encoding(option.value).is_none() || !base && !option.name.contains('/') {
                    return Err(Fault { at, rule: Rule::BearerInformation });
                }
                if !s.comma() {
                    break;
                }
            }
        }
        Ok(Self { text: s.since(start) })
    }

    /// Reads bearer attributes; none if they break the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let list = Self::read(&mut s, Limits::DEFAULT.list_items).ok()?;
        s.is_end().then_some(list)
    }

    /// The value as written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// The attributes in order: `e`, and those of packages.
    pub fn iter(self) -> impl Iterator<Item = LocalOption<'a>> + Clone {
        options(self.text)
    }

    /// `e`: the encoding of voice.
    #[must_use]
    pub fn encoding(self) -> Option<BearerEncoding> {
        encoding(self.iter().find(|option| option.name.eq_ignore_ascii_case("e"))?.value)
    }
}

fn encoding(value: Option<&str>) -> Option<BearerEncoding> {
    let value = value?;
    if value.eq_ignore_ascii_case("A") {
        Some(BearerEncoding::ALaw)
    } else if value.eq_ignore_ascii_case("mu") {
        Some(BearerEncoding::MuLaw)
    } else {
        None
    }
}

impl fmt::Display for BearerInformation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for BearerInformation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
