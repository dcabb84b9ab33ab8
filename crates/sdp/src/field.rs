//! The values of lines: `o=`, `c=`, `b=`, `t=`, `a=` and `m=` (RFC 8866 sections 5.2 to 5.14).
//!
//! Megaco's Local and Remote descriptors, and what derives from them, put `$` (choose a value) and `*` (any value) where a
//! number or an address stands (RFC 3525 section 7.1.8); [`Wild`] keeps them apart from values.

use std::fmt;
use std::net::IpAddr;

use crate::class::{self, DIGIT, NAME, TOKEN, VISIBLE};
use crate::error::Rule;
use crate::line::field;

/// A value, or a wildcard in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wild<T> {
    /// A value.
    Value(T),
    /// `$`: the receiver is asked to choose.
    Choose,
    /// `*`: all values.
    All,
}

impl<T> Wild<T> {
    /// The value, if it is no wildcard.
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Choose | Self::All => None,
        }
    }

    /// Reads a wildcard, or hands the octets to `parse`.
    pub(crate) fn parse<'a>(bytes: &'a [u8], parse: impl FnOnce(&'a [u8]) -> Option<T>) -> Option<Self> {
        match bytes {
            b"$" => Some(Self::Choose),
            b"*" => Some(Self::All),
            _ => parse(bytes).map(Self::Value),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Wild<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Choose => f.write_str("$"),
            Self::All => f.write_str("*"),
        }
    }
}

/// The `o=` line (section 5.2).
///
/// The two numbers are kept as text: RFC 3435's own examples have letters in them, and MGCP lets a reader ignore the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user's login, or `-`.
    pub username: &'a [u8],
    /// The session's identifier.
    pub session_id: &'a [u8],
    /// The version of the description.
    pub version: &'a [u8],
    /// `IN`, or `LOCAL` in MGCP.
    pub network: &'a [u8],
    /// `IP4`, `IP6`, or `EPN` in MGCP.
    pub address_type: &'a [u8],
    /// The address of the machine.
    pub address: &'a [u8],
}

impl<'a> Origin<'a> {
    /// Reads the value of an `o=` line.
    #[must_use]
    pub fn parse(mut value: &'a [u8]) -> Option<Self> {
        let v = &mut value;
        let origin = Self {
            username: field(v),
            session_id: field(v),
            version: field(v),
            network: field(v),
            address_type: field(v),
            address: field(v),
        };
        (!origin.address.is_empty() && field(v).is_empty()).then_some(origin)
    }

    /// The session identifier as a number, when it is one.
    #[must_use]
    pub fn session_number(&self) -> Option<u64> {
        class::number(self.session_id)
    }

    /// The version as a number, when it is one.
    #[must_use]
    pub fn version_number(&self) -> Option<u64> {
        class::number(self.version)
    }
}

/// The address of a `c=` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// An address, with the time to live and the number of groups when it is a multicast one.
    Ip {
        /// The address.
        ip: IpAddr,
        /// Time to live (IPv4 multicast only).
        ttl: Option<u8>,
        /// Number of consecutive groups (multicast only).
        count: Option<u32>,
    },
    /// A domain name.
    Name(&'a str),
    /// An address of another network: MGCP's `LOCAL` names an endpoint here (RFC 3435 section 3.4.2).
    Other(&'a [u8]),
}

/// The `c=` line (section 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// `IN`, or `LOCAL` in MGCP; `$` in Megaco.
    pub network: &'a str,
    /// `IP4`, `IP6`, or `EPN` in MGCP; `$` in Megaco.
    pub address_type: &'a str,
    /// The address.
    pub host: Wild<Host<'a>>,
}

impl<'a> Connection<'a> {
    /// Reads the value of a `c=` line.
    #[must_use]
    pub fn parse(mut value: &'a [u8]) -> Option<Self> {
        let v = &mut value;
        let (network, address_type, address) = (field(v), field(v), field(v));
        if !class::all(network, TOKEN) || !class::all(address_type, TOKEN) || !class::all(address, VISIBLE) {
            return None;
        }
        let host = Wild::parse(address, |address| match (network, address_type) {
            (b"IN", b"IP4") => ip4(address),
            (b"IN", b"IP6") => ip6(address),
            // Fields after the address may be added by the address type: they stay in the bytes, unread.
            _ => Some(Host::Other(address)),
        })?;
        if network == b"IN" && !field(v).is_empty() {
            return None;
        }
        Some(Self { network: class::ascii(network), address_type: class::ascii(address_type), host })
    }

    /// The address, when it is given as one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Wild::Value(Host::Ip { ip, .. }) => Some(ip),
            _ => None,
        }
    }
}

/// `address[/ttl[/count]]`, or a domain name.
fn ip4(text: &[u8]) -> Option<Host<'_>> {
    let (head, tail) = cut(text, b'/');
    let Some(ip) = octets(head) else {
        // A name that ends in a number would be a broken address, not a name (RFC 1123 section 2.1).
        let last = head.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let named = tail.is_none() && class::all(head, NAME) && !class::all(last, DIGIT);
        return named.then(|| Host::Name(class::ascii(head)));
    };
    let mut host = (None, None);
    if let Some(tail) = tail {
        if ip[0] & 0xf0 != 0xe0 {
            return None;
        }
        let (ttl, count) = cut(tail, b'/');
        host.0 = Some(u8::try_from(class::number(ttl)?).ok()?);
        host.1 = groups(count)?;
    }
    Some(Host::Ip { ip: IpAddr::from(ip), ttl: host.0, count: host.1 })
}

/// `address[/count]`, or a domain name.
fn ip6(text: &[u8]) -> Option<Host<'_>> {
    let (head, tail) = cut(text, b'/');
    let Ok(ip) = class::ascii(head).parse::<std::net::Ipv6Addr>() else {
        let last = head.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let named = tail.is_none() && class::all(head, NAME) && !class::all(last, DIGIT);
        return named.then(|| Host::Name(class::ascii(head)));
    };
    if tail.is_some() && !ip.is_multicast() {
        return None;
    }
    Some(Host::Ip { ip: IpAddr::V6(ip), ttl: None, count: groups(tail)? })
}

/// The number of multicast groups: absent, or a positive number.
#[allow(clippy::option_option, reason = "outside: is it legal; inside: is it there")]
fn groups(text: Option<&[u8]>) -> Option<Option<u32>> {
    match text {
        None => Some(None),
        Some(text) => class::number(text)
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| *count > 0)
            .map(Some),
    }
}

/// Four decimal octets without leading zeros.
#[inline]
pub(crate) fn octets(text: &[u8]) -> Option<[u8; 4]> {
    let mut rest = text;
    let mut address = [0; 4];
    for (index, octet) in address.iter_mut().enumerate() {
        let mut value: u32 = 0;
        let mut digits = 0;
        while let [byte, tail @ ..] = rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 || digits == 3 || (digits == 1 && value == 0) {
                break;
            }
            value = value * 10 + u32::from(digit);
            digits += 1;
            rest = tail;
        }
        if digits == 0 {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
        rest = match (index, rest) {
            (3, []) => rest,
            (0..=2, [b'.', tail @ ..]) => tail,
            _ => return None,
        };
    }
    Some(address)
}

/// The text before the first `mark`, and the text after it if there is one.
#[inline]
pub(crate) fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

/// A `b=` line (section 5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth<'a> {
    /// `CT`, `AS`, `TIAS`, `RS`, `RR`, ...
    pub kind: &'a str,
    /// Kilobits a second for `CT` and `AS`; other types have their own units.
    pub value: Wild<u64>,
}

impl<'a> Bandwidth<'a> {
    /// Reads the value of a `b=` line.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (kind, number) = cut(value, b':');
        let value = Wild::parse(number?, class::number)?;
        class::all(kind, TOKEN).then(|| Self { kind: class::ascii(kind), value })
    }
}

/// A `t=` line (section 5.9): seconds since 1900, 0 for without bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The start.
    pub start: Wild<u64>,
    /// The stop.
    pub stop: Wild<u64>,
}

impl Timing {
    /// Reads the value of a `t=` line.
    #[must_use]
    pub fn parse(mut value: &[u8]) -> Option<Self> {
        let v = &mut value;
        let start = Wild::parse(field(v), class::number)?;
        let stop = Wild::parse(field(v), class::number)?;
        field(v).is_empty().then_some(Self { start, stop })
    }
}

/// An `a=` line (section 5.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name; case-significant, except MGCP's own `MGCPlocalcx`.
    pub name: &'a str,
    /// What follows the colon. Some gateways leave it empty.
    pub value: Option<&'a [u8]>,
    /// Offset of the `a` in the description.
    pub offset: usize,
}

impl<'a> Attribute<'a> {
    /// Reads the value of an `a=` line that begins at `offset`.
    #[must_use]
    pub fn parse(value: &'a [u8], offset: usize) -> Option<Self> {
        let (name, value) = cut(value, b':');
        class::all(name, TOKEN).then(|| Self { name: class::ascii(name), value, offset })
    }

    /// Offset of the value in the description; of the line's end when there is no value.
    #[must_use]
    pub fn value_offset(&self) -> usize {
        self.offset + 2 + self.name.len() + usize::from(self.value.is_some())
    }
}

/// An `m=` line (section 5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaLine<'a> {
    /// `audio`, `image`, ...
    pub media: &'a str,
    /// The port; 0 for a stream that is refused or, in MGCP, `LOCAL`.
    pub port: Wild<u16>,
    /// The number of ports, if it is written.
    pub port_count: Option<u32>,
    /// `RTP/AVP`, `LOCAL`, ...
    pub transport: &'a str,
    formats: &'a [u8],
}

impl<'a> MediaLine<'a> {
    /// Reads the value of an `m=` line.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        Self::parse_counted(value).map(|(line, _)| line)
    }

    /// Reads the value of an `m=` line; says how many formats it lists.
    #[inline]
    pub(crate) fn parse_counted(mut value: &'a [u8]) -> Option<(Self, usize)> {
        let v = &mut value;
        let (media, port, transport) = (field(v), field(v), field(v));
        let (port, port_count) = cut(port, b'/');
        let port = Wild::parse(port, |port| u16::try_from(class::number(port)?).ok())?;
        let port_count = groups(port_count)?;
        let formats = *v;
        let mut count = 0;
        loop {
            let format = field(v);
            if format.is_empty() {
                break;
            }
            if !class::all(format, TOKEN) {
                return None;
            }
            count += 1;
        }
        if !class::all(media, TOKEN) || !is_transport(transport) || count == 0 {
            return None;
        }
        let (media, transport) = (class::ascii(media), class::ascii(transport));
        Some((Self { media, port, port_count, transport, formats }, count))
    }

    /// The formats, in order of preference: payload types for RTP.
    pub fn formats(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.formats;
        std::iter::from_fn(move || match field(&mut rest) {
            [] => None,
            format => Some(class::ascii(format)),
        })
    }
}

/// `token *("/" token)`.
#[inline]
fn is_transport(text: &[u8]) -> bool {
    let mut after_slash = true;
    for byte in text {
        let slash = *byte == b'/';
        if (slash && after_slash) || !(slash || class::is(*byte, TOKEN)) {
            return false;
        }
        after_slash = slash;
    }
    !after_slash
}

/// Which part of the value of an `m=` line is wrong, and where in the value; only called when one is.
#[cold]
pub(crate) fn diagnose_media(value: &[u8]) -> (usize, Rule) {
    let mut rest = value;
    let mut next = || {
        let text = field(&mut rest);
        (text, value.len() - rest.len() - text.len())
    };
    let (media, at) = next();
    if !class::all(media, TOKEN) {
        return (at, Rule::MediaType);
    }
    let (text, at) = next();
    let (port, count) = cut(text, b'/');
    if Wild::parse(port, |port| u16::try_from(class::number(port)?).ok()).is_none() {
        return (at, Rule::Port);
    }
    if groups(count).is_none() {
        return (at + port.len() + 1, Rule::PortCount);
    }
    let (transport, at) = next();
    if !is_transport(transport) {
        return (at, Rule::Transport);
    }
    loop {
        let (format, at) = next();
        if !class::all(format, TOKEN) {
            return (at, Rule::Format);
        }
    }
}

/// Which part of the value of a `c=` line is wrong, and where in the value; only called when one is.
#[cold]
pub(crate) fn diagnose_connection(value: &[u8]) -> (usize, Rule) {
    let mut rest = value;
    let mut next = || {
        let text = field(&mut rest);
        (text, value.len() - rest.len() - text.len())
    };
    for class in [TOKEN, TOKEN, VISIBLE] {
        let (text, at) = next();
        if !class::all(text, class) {
            return (at, Rule::Connection);
        }
        if class == VISIBLE && Connection::parse(value.get(..at + text.len()).unwrap_or_default()).is_none() {
            return (at, Rule::Address);
        }
    }
    (next().1, Rule::Connection)
}
