//! Local connection options `L:` (RFC 3435 section 3.2.2.10, with the additions of RFC 3660 sections 2.9 and
//! 2.11), capabilities `A:` (section 3.2.2.3) and bearer information `B:` (section 3.2.2.1).
//!
//! - `grammar`: what decoding steps over. `value`: the values as types. `bearer`: [`BearerInformation`].

mod bearer;
mod grammar;
mod value;

use std::fmt;

pub use bearer::{BearerEncoding, BearerInformation};
pub use value::{FormatParameters, Gain, Reservation, ReservationDirection, ResourceSharing, Span, Switch};

use super::ConnectionMode;
use crate::limits::Limits;
use crate::scan::{Fault, Scanner, cut, is_package_name, trim_end};
use crate::text::Rule;
use grammar::{List, skip_list, skip_option, typed_option};

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

impl<'a> LocalOption<'a> {
    /// An option that was stepped over.
    fn of(text: &'a str) -> Self {
        match cut(text, b':') {
            None => Self { name: text, value: None },
            Some((name, value)) => Self { name: trim_end(name), value: Some(value.trim_ascii()) },
        }
    }

    /// Whether the value is legal as far as its option has a grammar: those of RFC 3435, which decoding has checked,
    /// and those of RFC 3660's packages FM and RES, whose values mean something only where the package is supported.
    #[must_use]
    pub fn has_legal_value(&self) -> bool {
        match (typed_option(self.name.as_bytes(), List::Options), self.value) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(typed), Some(value)) => typed.allows(value, List::Options),
        }
    }

    /// What kind of local connection option the name is.
    #[must_use]
    pub fn option_kind(&self) -> OptionKind<'a> {
        match self.name.as_bytes() {
            [b'x' | b'X', b'+', _, ..] => return OptionKind::VendorCritical,
            [b'x' | b'X', b'-', _, ..] => return OptionKind::VendorIgnorable,
            name => {
                if let Some(typed) = typed_option(name, List::Options) {
                    return typed.package().map_or(OptionKind::Base, OptionKind::Unprefixed);
                }
            }
        }
        match cut(self.name, b'/') {
            Some((package, rest)) if is_package_name(package) && !rest.is_empty() => {
                OptionKind::Package(package)
            }
            _ => OptionKind::Other,
        }
    }
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
        type_of_service(self.value("t")?)
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

    /// `fmtp` and `o-fmtp`: parameters of media formats, in the order written.
    pub fn formats(self) -> impl Iterator<Item = FormatParameters<'a>> + Clone {
        self.iter()
            .filter_map(|option| {
                let optional = option.name.eq_ignore_ascii_case("o-fmtp");
                (optional || option.name.eq_ignore_ascii_case("fmtp")).then_some((option.value?, optional))
            })
            .flat_map(|(value, optional)| FormatParameters::list(value, optional).flatten())
    }

    /// `r-dir`: the direction for which resources are reserved.
    #[must_use]
    pub fn reservation_direction(self) -> Option<ReservationDirection> {
        ReservationDirection::parse(self.value("r-dir")?)
    }

    /// `r-cnf`: the direction for which a reservation is to be confirmed.
    #[must_use]
    pub fn reservation_confirmation(self) -> Option<ReservationDirection> {
        ReservationDirection::parse(self.value("r-cnf")?)
    }

    /// `r-sh`: with whom resources are shared.
    #[must_use]
    pub fn resource_sharing(self) -> Option<ResourceSharing<'a>> {
        ResourceSharing::parse(self.value("r-sh")?)
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

/// The value of `t`.
pub(crate) fn type_of_service(value: &str) -> Option<u8> {
    u8::from_str_radix(value, 16).ok()
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
