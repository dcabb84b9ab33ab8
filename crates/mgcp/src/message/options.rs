//! Local connection options `L:` (RFC 3435 section 3.2.2.10, with the additions of RFC 3660 sections 2.13 and
//! 2.15), capabilities `A:` (section 3.2.2.3) and bearer information `B:` (section 3.2.2.1).

use std::fmt;

use crate::limits::Limits;
use crate::scan::{
    Fault, Scanner, is_hex, is_option_name, is_option_value, is_package_name, is_space, saturating,
};
use crate::text::Rule;

use super::ConnectionMode;

/// The value of `L:`: options in the order written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct LocalOptions<'a> {
    text: &'a str,
}

/// The value of `A:`: options with lists of what is supported, and `v` and `m` besides.
pub type Capabilities<'a> = LocalOptions<'a>;

/// One option: a name and, mostly, a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalOption<'a> {
    /// The name as written, such as `p`, `fmtp`, `x-thing` or `pkg/thing`.
    pub name: &'a str,
    /// What follows the colon.
    pub value: Option<&'a str>,
}

/// What kind of option a name is, which decides what an unknown one is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind<'a> {
    /// Defined by RFC 3435.
    Base,
    /// Defined by RFC 3660 without a package prefix: the package that must be supported.
    Unprefixed(&'static str),
    /// `x+...`: must be understood, else 525.
    VendorCritical,
    /// `x-...`: may be ignored.
    VendorIgnorable,
    /// `package/...`.
    Package(&'a str),
    /// Any other: unknown, 541.
    Other,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `on`.
    On,
    /// `off`.
    Off,
}

/// A gain, or the gateway's own choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gain {
    /// `auto`.
    Auto,
    /// Decibels.
    Decibels(i16),
}

/// A single value or a range, such as `10` or `10-20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The lowest value.
    pub low: u16,
    /// The highest value.
    pub high: u16,
}

/// How resources are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// `g`: guaranteed service.
    Guaranteed,
    /// `cl`: controlled load.
    ControlledLoad,
    /// `be`: best effort.
    BestEffort,
}

/// What one reading of a list allows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Options,
    Capabilities,
}

impl<'a> LocalOption<'a> {
    fn read(s: &mut Scanner<'a>, list: List) -> Result<Self, Fault> {
        let name = s.take(is_option_name);
        if name.is_empty() {
            return Err(s.fault(Rule::LocalOptions));
        }
        s.space();
        if !s.eat(b':') {
            let option = Self { name, value: None };
            return match option.kind(list) {
                OptionKind::Base => Err(s.fault(Rule::LocalOptionValue)),
                _ => Ok(option),
            };
        }
        s.space();
        let at = s.position();
        let value = read_value(s)?;
        let option = Self { name, value: Some(value) };
        if option.kind(list) == OptionKind::Base {
            option.check_value(list).ok_or(Fault { at, rule: Rule::LocalOptionValue })?;
        }
        Ok(option)
    }

    fn kind(&self, list: List) -> OptionKind<'a> {
        let is = |known: &str| self.name.eq_ignore_ascii_case(known);
        match self.name.as_bytes() {
            [b'x' | b'X', b'+', _, ..] => return OptionKind::VendorCritical,
            [b'x' | b'X', b'-', _, ..] => return OptionKind::VendorIgnorable,
            [byte] => {
                let base = match byte.to_ascii_lowercase() {
                    b'a' | b'p' | b'b' | b'e' | b's' | b't' | b'r' | b'k' => true,
                    b'v' | b'm' => list == List::Capabilities,
                    _ => false,
                };
                return if base { OptionKind::Base } else { OptionKind::Other };
            }
            _ => {}
        }
        if is("gc") || is("nt") {
            return OptionKind::Base;
        }
        if is("fmtp") || is("o-fmtp") {
            return OptionKind::Unprefixed("FM");
        }
        if is("r-dir") || is("r-cnf") || is("r-sh") {
            return OptionKind::Unprefixed("RES");
        }
        match self.name.split_once('/') {
            Some((package, rest)) if is_package_name(package) && !rest.is_empty() => {
                OptionKind::Package(package)
            }
            _ => OptionKind::Other,
        }
    }

    /// What kind of local connection option the name is.
    #[must_use]
    pub fn option_kind(&self) -> OptionKind<'a> {
        self.kind(List::Options)
    }

    /// Whether the value of a base option is legal. Capabilities list several where options have one.
    fn check_value(&self, list: List) -> Option<()> {
        let value = self.value?;
        let mut parts = value.split(';');
        let several = list == List::Capabilities;
        let legal = match self.name.as_bytes() {
            [b'a' | b'A'] => parts.all(|codec| !codec.is_empty() && codec.bytes().all(is_option_name)),
            [b'p' | b'P' | b'b' | b'B'] => Span::parse(value).is_some(),
            [b'e' | b'E' | b's' | b'S'] => Switch::parse(value).is_some(),
            [b't' | b'T'] => {
                let digits = if several { 1..=2 } else { 2..=2 };
                digits.contains(&value.len()) && value.bytes().all(is_hex)
            }
            [b'r' | b'R'] if several => parts.all(|part| Reservation::parse(part).is_some()),
            [b'r' | b'R'] => Reservation::parse(value).is_some(),
            [b'k' | b'K'] => is_encryption(value, several),
            [b'g' | b'G', ..] => several && value == "0" || Gain::parse(value).is_some(),
            [b'n' | b'N', ..] => {
                let word = |part: &str| !part.is_empty() && part.bytes().all(is_option_name);
                if several { parts.all(word) } else { word(value) }
            }
            [b'v' | b'V'] => parts.all(is_package_name),
            [b'm' | b'M'] => parts.all(|part| ConnectionMode::parse(part).is_some()),
            _ => false,
        };
        legal.then_some(())
    }
}

/// A value up to the next comma, with quoted strings kept whole.
fn read_value<'a>(s: &mut Scanner<'a>) -> Result<&'a str, Fault> {
    let start = s.position();
    loop {
        if s.peek() == Some(b'"') {
            s.quoted()?;
        } else if s.take(is_option_value).is_empty() {
            // Spaces in an unquoted value are no part of the grammar, but around a semicolon they do occur.
            if !(s.peek() == Some(b';') || s.peek().is_some_and(is_space)) {
                break;
            }
            s.skip();
        }
    }
    Ok(s.since(start).trim_end_matches([' ', '\t']))
}

fn is_encryption(value: &str, several: bool) -> bool {
    let (method, key) = match value.split_once(':') {
        Some((method, key)) => (method, Some(key)),
        None => (value, None),
    };
    let known = ["clear", "base64", "uri"].iter().any(|known| known.eq_ignore_ascii_case(method));
    match key {
        Some(key) => known && !key.is_empty(),
        // Capabilities name the methods alone, separated by semicolons.
        None => several || method.eq_ignore_ascii_case("prompt"),
    }
}

impl Switch {
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("on") {
            Some(Self::On)
        } else if text.eq_ignore_ascii_case("off") {
            Some(Self::Off)
        } else {
            None
        }
    }
}

impl Gain {
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("auto") {
            return Some(Self::Auto);
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let legal = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = i16::try_from(saturating(digits)).ok()?;
        legal.then_some(Self::Decibels(sign * number))
    }
}

impl Span {
    /// Reads `low` or `low-high`, each of up to four digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| {
            let legal = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            legal.then(|| saturating(digits)).and_then(|wide| u16::try_from(wide).ok())
        };
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let span = Self { low: number(low)?, high: number(high)? };
        (span.low <= span.high).then_some(span)
    }
}

impl Reservation {
    fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [b'g' | b'G'] => Some(Self::Guaranteed),
            [b'c' | b'C', b'l' | b'L'] => Some(Self::ControlledLoad),
            [b'b' | b'B', b'e' | b'E'] => Some(Self::BestEffort),
            _ => None,
        }
    }
}

impl<'a> LocalOptions<'a> {
    /// A value whose grammar decoding has checked.
    pub(crate) const fn checked(text: &'a str) -> Self {
        Self { text }
    }

    /// Reads options; none if they break the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let list = Self::read(&mut s, Limits::DEFAULT.list_items).ok()?;
        s.is_end().then_some(list)
    }

    /// Reads capabilities; none if they break the grammar.
    #[must_use]
    pub fn parse_capabilities(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let list = Self::read_capabilities(&mut s, Limits::DEFAULT.list_items).ok()?;
        s.is_end().then_some(list)
    }

    pub(crate) fn read(s: &mut Scanner<'a>, most: usize) -> Result<Self, Fault> {
        Self::read_list(s, most, List::Options)
    }

    pub(crate) fn read_capabilities(s: &mut Scanner<'a>, most: usize) -> Result<Self, Fault> {
        Self::read_list(s, most, List::Capabilities)
    }

    fn read_list(s: &mut Scanner<'a>, most: usize, list: List) -> Result<Self, Fault> {
        s.space();
        let start = s.position();
        let mut left = most;
        if !s.is_end() {
            loop {
                left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
                LocalOption::read(s, list)?;
                if !s.comma() {
                    break;
                }
            }
        }
        Ok(Self { text: s.since(start).trim_end_matches([' ', '\t']) })
    }

    /// The options as they were written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The options in order.
    pub fn iter(self) -> impl Iterator<Item = LocalOption<'a>> + Clone {
        let mut s = Scanner::new(self.text);
        let mut more = !self.text.is_empty();
        std::iter::from_fn(move || {
            if !more {
                return None;
            }
            let option = LocalOption::read(&mut s, List::Capabilities).ok()?;
            more = s.comma();
            Some(option)
        })
    }

    /// The first option with this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<LocalOption<'a>> {
        self.iter().find(|option| option.name.eq_ignore_ascii_case(name))
    }

    fn value(self, name: &str) -> Option<&'a str> {
        self.get(name)?.value
    }

    /// `a`: codecs in order of preference.
    #[must_use]
    pub fn codecs(self) -> Option<impl Iterator<Item = &'a str> + Clone> {
        Some(self.value("a")?.split(';').map(str::trim_ascii))
    }

    /// `p`: packetization period in milliseconds.
    #[must_use]
    pub fn packetization(self) -> Option<Span> {
        Span::parse(self.value("p")?)
    }

    /// `b`: bandwidth in kilobits a second.
    #[must_use]
    pub fn bandwidth(self) -> Option<Span> {
        Span::parse(self.value("b")?)
    }

    /// `e`: echo cancellation.
    #[must_use]
    pub fn echo_cancellation(self) -> Option<Switch> {
        Switch::parse(self.value("e")?)
    }

    /// `gc`: gain control.
    #[must_use]
    pub fn gain(self) -> Option<Gain> {
        Gain::parse(self.value("gc")?)
    }

    /// `s`: silence suppression.
    #[must_use]
    pub fn silence_suppression(self) -> Option<Switch> {
        Switch::parse(self.value("s")?)
    }

    /// `t`: the type-of-service byte. The two digits are read as the plain byte: RFC 3435 section 3.2.2.10 has
    /// its bits in the reverse order, which deployed peers do not follow.
    #[must_use]
    pub fn type_of_service(self) -> Option<u8> {
        u8::from_str_radix(self.value("t")?, 16).ok()
    }

    /// `r`: resource reservation.
    #[must_use]
    pub fn reservation(self) -> Option<Reservation> {
        Reservation::parse(self.value("r")?)
    }

    /// `k`: the encryption method and key, as in SDP.
    #[must_use]
    pub fn encryption(self) -> Option<&'a str> {
        self.value("k")
    }

    /// `nt`: the type of network: `IN`, `ATM`, `LOCAL` or another.
    #[must_use]
    pub fn network_type(self) -> Option<&'a str> {
        self.value("nt")
    }

    /// `v` of capabilities: supported packages, the default one first.
    #[must_use]
    pub fn packages(self) -> Option<impl Iterator<Item = &'a str> + Clone> {
        Some(self.value("v")?.split(';'))
    }

    /// `m` of capabilities: supported modes.
    #[must_use]
    pub fn modes(self) -> Option<impl Iterator<Item = ConnectionMode<'a>> + Clone> {
        Some(self.value("m")?.split(';').filter_map(ConnectionMode::parse))
    }
}

impl fmt::Display for LocalOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for LocalOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

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
                let option = read_attribute(s)?;
                let base = option.name.eq_ignore_ascii_case("e");
                if base && encoding(option.value).is_none() || !base && !option.name.contains('/') {
                    return Err(Fault { at, rule: Rule::BearerInformation });
                }
                if !s.comma() {
                    break;
                }
            }
        }
        Ok(Self { text: s.since(start).trim_end_matches([' ', '\t']) })
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
        let mut s = Scanner::new(self.text);
        let mut more = !self.text.is_empty();
        std::iter::from_fn(move || {
            if !more {
                return None;
            }
            let option = read_attribute(&mut s).ok()?;
            more = s.comma();
            Some(option)
        })
    }

    /// `e`: the encoding of voice.
    #[must_use]
    pub fn encoding(self) -> Option<BearerEncoding> {
        encoding(self.iter().find(|option| option.name.eq_ignore_ascii_case("e"))?.value)
    }
}

fn read_attribute<'a>(s: &mut Scanner<'a>) -> Result<LocalOption<'a>, Fault> {
    let name = s.take(is_option_name);
    if name.is_empty() {
        return Err(s.fault(Rule::BearerInformation));
    }
    s.space();
    let mut value = None;
    if s.eat(b':') {
        s.space();
        value = Some(read_value(s)?);
    }
    Ok(LocalOption { name, value })
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
