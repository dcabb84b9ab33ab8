//! Local connection options `L:` (RFC 3435 section 3.2.2.10, with the additions of RFC 3660 sections 2.13 and
//! 2.15), capabilities `A:` (section 3.2.2.3) and bearer information `B:` (section 3.2.2.1).

use std::fmt;

use crate::limits::Limits;
use crate::scan::{Class, Fault, Scanner, cut, is_package_name, short_number, trim_end};
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
    /// Steps over an option. The values of base options are checked.
    #[inline]
    fn skip(s: &mut Scanner<'_>, list: List) -> Result<(), Fault> {
        let start = s.position();
        if s.pass(Class::OPTION_NAME) == 0 {
            return Err(s.fault(Rule::LocalOptions));
        }
        let base = base_option(s.taken(start), list);
        if !s.spaced(b':') {
            return if base.is_some() { Err(s.fault(Rule::LocalOptionValue)) } else { Ok(()) };
        }
        s.space();
        let at = s.position();
        if base.is_some_and(|base| base.skip_plain(s)) {
            return Ok(());
        }
        skip_value(s)?;
        match base {
            Some(base) if !base.allows(s.since(at), list) => Err(Fault { at, rule: Rule::LocalOptionValue }),
            _ => Ok(()),
        }
    }

    /// An option that was stepped over.
    fn of(text: &'a str) -> Self {
        match cut(text, b':') {
            None => Self { name: text, value: None },
            Some((name, value)) => Self { name: trim_end(name), value: Some(value.trim_ascii()) },
        }
    }

    /// What kind of local connection option the name is.
    #[must_use]
    pub fn option_kind(&self) -> OptionKind<'a> {
        let is = |known: &str| self.name.eq_ignore_ascii_case(known);
        match self.name.as_bytes() {
            [b'x' | b'X', b'+', _, ..] => return OptionKind::VendorCritical,
            [b'x' | b'X', b'-', _, ..] => return OptionKind::VendorIgnorable,
            name if base_option(name, List::Options).is_some() => return OptionKind::Base,
            _ => {}
        }
        if is("fmtp") || is("o-fmtp") {
            return OptionKind::Unprefixed("FM");
        }
        if is("r-dir") || is("r-cnf") || is("r-sh") {
            return OptionKind::Unprefixed("RES");
        }
        match cut(self.name, b'/') {
            Some((package, rest)) if is_package_name(package) && !rest.is_empty() => {
                OptionKind::Package(package)
            }
            _ => OptionKind::Other,
        }
    }
}

fn skip_list(s: &mut Scanner<'_>, most: usize, list: List) -> Result<(), Fault> {
    if s.is_end() {
        return Ok(());
    }
    let mut left = most;
    loop {
        left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
        LocalOption::skip(s, list)?;
        if !s.comma() {
            return Ok(());
        }
    }
}

/// The options that RFC 3435 defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Codecs,
    Span,
    Switch,
    Gain,
    TypeOfService,
    Reservation,
    Encryption,
    NetworkType,
    Packages,
    Modes,
}

#[inline]
fn base_option(name: &[u8], list: List) -> Option<Base> {
    Some(match name {
        [b'a' | b'A'] => Base::Codecs,
        [b'p' | b'P' | b'b' | b'B'] => Base::Span,
        [b'e' | b'E' | b's' | b'S'] => Base::Switch,
        [b't' | b'T'] => Base::TypeOfService,
        [b'r' | b'R'] => Base::Reservation,
        [b'k' | b'K'] => Base::Encryption,
        [b'v' | b'V'] if list == List::Capabilities => Base::Packages,
        [b'm' | b'M'] if list == List::Capabilities => Base::Modes,
        [b'g' | b'G', b'c' | b'C'] => Base::Gain,
        [b'n' | b'N', b't' | b'T'] => Base::NetworkType,
        _ => return None,
    })
}

impl Base {
    /// Steps over the plain forms of the commonest values, up to a comma or the end of the line. If it is another
    /// form, or an illegal one, nothing is taken.
    #[inline]
    fn skip_plain(self, s: &mut Scanner<'_>) -> bool {
        let start = s.position();
        let plain = match self {
            Self::Codecs => loop {
                if s.pass(Class::OPTION_NAME) == 0 {
                    break false;
                }
                if !s.eat(b';') {
                    break true;
                }
            },
            Self::Span => (1..=4).contains(&s.pass(Class::DIGIT)),
            Self::Switch => {
                let length = match s.rest_bytes() {
                    [b'o', b'n', ..] => 2,
                    [b'o', b'f', b'f', ..] => 3,
                    _ => 0,
                };
                s.advance(length);
                length > 0
            }
            _ => false,
        };
        if plain && matches!(s.peek(), Some(b',' | b'\r' | b'\n')) {
            return true;
        }
        s.seek(start);
        false
    }

    /// Whether a value is legal. Capabilities list several where options have one.
    #[inline]
    fn allows(self, value: &str, list: List) -> bool {
        let mut parts = Parts(Some(value));
        let several = list == List::Capabilities;
        let word = |part: &str| !part.is_empty() && Class::OPTION_NAME.holds_all(part);
        match self {
            Self::Codecs => parts.all(word),
            Self::Span => Span::parse(value).is_some(),
            Self::Switch => Switch::parse(value).is_some(),
            Self::Gain => several && value == "0" || Gain::parse(value).is_some(),
            Self::TypeOfService => {
                let digits = if several { 1..=2 } else { 2..=2 };
                digits.contains(&value.len()) && Class::HEX.holds_all(value)
            }
            Self::Reservation if several => parts.all(|part| Reservation::parse(part).is_some()),
            Self::Reservation => Reservation::parse(value).is_some(),
            Self::Encryption => is_encryption(value, several),
            Self::NetworkType if several => parts.all(word),
            Self::NetworkType => word(value),
            Self::Packages => parts.all(is_package_name),
            Self::Modes => parts.all(|part| ConnectionMode::parse(part).is_some()),
        }
    }
}

/// The parts of a value, between semicolons.
struct Parts<'a>(Option<&'a str>);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.take()?;
        match cut(rest, b';') {
            None => Some(rest),
            Some((part, more)) => {
                self.0 = Some(more);
                Some(part)
            }
        }
    }
}

/// Steps over a value up to the next comma: parts between semicolons, each of which may be or hold quoted strings.
/// Only the value as a whole may be empty.
fn skip_value(s: &mut Scanner<'_>) -> Result<(), Fault> {
    let whole = s.position();
    loop {
        let start = s.position();
        while s.pass(Class::OPTION_VALUE) > 0 || s.peek() == Some(b'"') {
            if s.peek() == Some(b'"') {
                s.quoted()?;
            }
        }
        let empty = s.position() == start;
        let more = s.spaced(b';');
        if empty && (more || start > whole) {
            return Err(s.fault(Rule::LocalOptionValue));
        }
        if !more {
            return Ok(());
        }
        s.space();
    }
}

fn is_encryption(value: &str, several: bool) -> bool {
    let (method, key) = match cut(value, b':') {
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
        let number = i16::try_from(short_number(digits, 4)?).ok()?;
        Some(Self::Decibels(sign * number))
    }
}

impl Span {
    /// Reads `low` or `low-high`, each of up to four digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (low, high) = cut(text, b'-').unwrap_or((text, text));
        let span = Self { low: short_number(low, 4)?, high: short_number(high, 4)? };
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
        skip_list(&mut s, Limits::DEFAULT.list_items, List::Options).ok()?;
        s.is_end().then_some(Self { text })
    }

    /// Reads capabilities; none if they break the grammar.
    #[must_use]
    pub fn parse_capabilities(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        skip_list(&mut s, Limits::DEFAULT.list_items, List::Capabilities).ok()?;
        s.is_end().then_some(Self { text })
    }

    /// Steps over options.
    #[inline]
    pub(crate) fn skip(s: &mut Scanner<'_>, most: usize) -> Result<(), Fault> {
        skip_list(s, most, List::Options)
    }

    /// Steps over capabilities.
    pub(crate) fn skip_capabilities(s: &mut Scanner<'_>, most: usize) -> Result<(), Fault> {
        skip_list(s, most, List::Capabilities)
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
        options(self.text)
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

/// Steps over an option or attribute without a look at its value.
fn skip_option(s: &mut Scanner<'_>, rule: Rule) -> Result<(), Fault> {
    if s.pass(Class::OPTION_NAME) == 0 {
        return Err(s.fault(rule));
    }
    if s.spaced(b':') {
        s.space();
        skip_value(s)?;
    }
    Ok(())
}

/// The options of a list that was stepped over before.
fn options(text: &str) -> impl Iterator<Item = LocalOption<'_>> + Clone {
    let mut s = Scanner::new(text);
    let mut more = !text.is_empty();
    std::iter::from_fn(move || {
        if !more {
            return None;
        }
        let start = s.position();
        skip_option(&mut s, Rule::LocalOptions).ok()?;
        let option = LocalOption::of(s.since(start));
        more = s.comma();
        Some(option)
    })
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
