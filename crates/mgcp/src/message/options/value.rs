//! The values of local connection options as types.

use crate::message::ConnectionId;
use crate::scan::{Scanner, cut, short_number};

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

impl Switch {
    pub(crate) fn parse(text: &str) -> Option<Self> {
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
    pub(crate) fn parse(text: &str) -> Option<Self> {
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
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [b'g' | b'G'] => Some(Self::Guaranteed),
            [b'c' | b'C', b'l' | b'L'] => Some(Self::ControlledLoad),
            [b'b' | b'B', b'e' | b'E'] => Some(Self::BestEffort),
            _ => None,
        }
    }
}

/// The parameters of a media format: one quoted string of `fmtp` or `o-fmtp` (RFC 3660 section 2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatParameters<'a> {
    /// The media format: a codec's name, or the subtype of a MIME type.
    pub format: &'a str,
    /// Which of several equal codecs in `a:` is meant, counted from one.
    pub order: Option<u16>,
    /// The parameters, with inner quotes still doubled.
    pub parameters: &'a str,
    /// Whether the codec may be used without these parameters (`o-fmtp`).
    pub optional: bool,
}

impl<'a> FormatParameters<'a> {
    /// Reads what stands between the quotes; none without a format's name, or with an order that is no number.
    pub(super) fn parse(inner: &'a str, optional: bool) -> Option<Self> {
        let (name, parameters) = cut(inner.trim_ascii(), b' ').unwrap_or((inner, ""));
        let (format, order) = match cut(name, b':') {
            None => (name, None),
            Some((format, order)) => (format, Some(short_number(order, 4)?)),
        };
        let parameters = parameters.trim_ascii();
        (!format.is_empty()).then_some(Self { format, order, parameters, optional })
    }

    /// The formats of a value: quoted strings between semicolons.
    pub(super) fn list(value: &'a str, optional: bool) -> impl Iterator<Item = Option<Self>> + Clone {
        let mut s = Scanner::new(value);
        let mut more = true;
        std::iter::from_fn(move || {
            if !more {
                return None;
            }
            let Ok(quoted) = s.quoted() else {
                more = false;
                return Some(None);
            };
            let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
            more = s.spaced(b';');
            s.space();
            // Nothing but the next string may follow.
            let ends = more || s.is_end();
            Some(if ends { Self::parse(inner, optional) } else { None })
        })
    }
}

/// For which direction resources are reserved (`r-dir`) or their reservation is confirmed (`r-cnf`), as seen from the
/// gateway (RFC 3660 section 2.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservationDirection {
    /// `none`, of confirmation only.
    None,
    /// `sendonly`.
    SendOnly,
    /// `recvonly`.
    RecvOnly,
    /// `sendrecv`.
    SendRecv,
}

impl ReservationDirection {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let known = [
            ("none", Self::None),
            ("sendonly", Self::SendOnly),
            ("recvonly", Self::RecvOnly),
            ("sendrecv", Self::SendRecv),
        ];
        known.into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, direction)| direction)
    }
}

/// With whom a connection shares its resources (`r-sh`; RFC 3660 section 2.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceSharing<'a> {
    /// `$`: others will share with this connection.
    This,
    /// With another connection.
    With(ConnectionId<'a>),
    /// With none any longer.
    None,
}

impl<'a> ResourceSharing<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        match text {
            "$" => Some(Self::This),
            "" => Some(Self::None),
            id => ConnectionId::parse(id).map(Self::With),
        }
    }
}
