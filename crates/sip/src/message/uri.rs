//! SIP and SIPS URIs (RFC 3261 section 19.1), and others as text.

use std::borrow::Cow;
use std::fmt;

use super::grammar::{is_host, number};

/// A URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri<'a> {
    /// `sip:` or `sips:`.
    Sip(SipUri<'a>),
    /// Any other, as it came.
    Other(Cow<'a, str>),
}

/// A SIP or SIPS URI. `==` compares what was written; see [`SipUri::is_equivalent`] for RFC 3261's comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipUri<'a> {
    /// Whether it is a SIPS URI.
    pub secure: Secure,
    /// The user with its password, as it is escaped; none before a host alone.
    pub user: Option<Cow<'a, str>>,
    /// The host: a name, an IPv4 address, or an IPv6 address in brackets.
    pub host: Cow<'a, str>,
    /// The port, when it is named.
    pub port: Option<u16>,
    /// The parameters with the semicolon before each, or nothing.
    pub parameters: Cow<'a, str>,
    /// The headers behind `?`, without it.
    pub headers: Option<Cow<'a, str>>,
}

/// The scheme of a [`SipUri`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secure {
    /// `sip`
    Sip,
    /// `sips`
    Sips,
}

impl<'a> Uri<'a> {
    /// Reads a URI; none when it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let mut letters = scheme.bytes();
        let begins = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic());
        if !begins
            || !letters.all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'))
        {
            return None;
        }
        if scheme.eq_ignore_ascii_case("sip") {
            SipUri::parse_rest(Secure::Sip, rest).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("sips") {
            SipUri::parse_rest(Secure::Sips, rest).map(Self::Sip)
        } else {
            (!rest.is_empty() && rest.bytes().all(is_uri_octet)).then_some(Self::Other(Cow::Borrowed(text)))
        }
    }

    /// The SIP or SIPS URI that it is.
    #[must_use]
    pub const fn as_sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Other(_) => None,
        }
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> Uri<'static> {
        match self {
            Self::Sip(uri) => Uri::Sip(uri.into_owned()),
            Self::Other(text) => Uri::Other(Cow::Owned(text.into_owned())),
        }
    }

    /// The telephone number that it names: the user of a SIP URI without its parameters and password, or the number of a
    /// `tel` URI (RFC 3966), without visual separators, and unescaped. None when there is no user.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        let raw = match self {
            Self::Sip(uri) => uri.user.as_deref()?.split([';', ':']).next().unwrap_or_default(),
            Self::Other(text) => {
                let (scheme, rest) = text.split_once(':')?;
                if !scheme.eq_ignore_ascii_case("tel") {
                    return None;
                }
                rest.split(';').next().unwrap_or_default()
            }
        };
        let plain = unescape(raw)?;
        let is_number = plain.trim_start_matches('+').starts_with(|first: char| first.is_ascii_digit())
            && plain.bytes().all(|octet| octet.is_ascii_digit() || b"+-.()*#".contains(&octet));
        if is_number {
            return Some(plain.chars().filter(|key| !matches!(key, '-' | '.' | '(' | ')')).collect());
        }
        (!plain.is_empty()).then(|| plain.into_owned())
    }
}

impl<'a> SipUri<'a> {
    /// `sip:user@host:port`.
    #[must_use]
    pub fn new(user: Option<&str>, host: &str, port: Option<u16>) -> SipUri<'static> {
        let user = user.map(|user| Cow::Owned(escape_user(user)));
        let (host, parameters) = (Cow::Owned(host.to_owned()), Cow::Borrowed(""));
        SipUri { secure: Secure::Sip, user, host, port, parameters, headers: None }
    }

    fn parse_rest(secure: Secure, rest: &'a str) -> Option<Self> {
        // A question mark or a semicolon may stand in the user.
        let (user, hosts) = match rest.rsplit_once('@') {
            // An at sign behind the host part would be one that is not escaped in a header.
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, rest),
        };
        if user
            .is_some_and(|user| user.is_empty() || user.starts_with(':') || !user.bytes().all(is_user_octet))
        {
            return None;
        }
        let (before, headers) = match hosts.split_once('?') {
            Some((before, headers)) => (before, Some(headers)),
            None => (hosts, None),
        };
        let at = before.find(';').unwrap_or(before.len());
        let (host_port, parameters) = before.split_at(at);
        let colon = match host_port.rfind(']') {
            Some(bracket) => host_port.get(bracket..)?.find(':').map(|colon| bracket + colon),
            None => host_port.find(':'),
        };
        let (host, port) = match colon {
            Some(at) => (host_port.get(..at)?, Some(number(host_port.get(at + 1..)?)?)),
            None => (host_port, None),
        };
        let well_formed =
            |text: &str| text.bytes().all(is_uri_octet) && !text.contains('<') && !text.contains('>');
        let parameters_are = parameters.is_empty()
            || parameters
                .split(';')
                .skip(1)
                .all(|parameter| !parameter.is_empty() && !parameter.starts_with('='));
        if !is_host(host) || !well_formed(parameters) || !parameters_are {
            return None;
        }
        if headers.is_some_and(|headers| headers.is_empty() || !well_formed(headers)) {
            return None;
        }
        Some(Self {
            secure,
            user: user.map(Cow::Borrowed),
            host: Cow::Borrowed(host),
            port,
            parameters: Cow::Borrowed(parameters),
            headers: headers.map(Cow::Borrowed),
        })
    }

    /// The value of a parameter, whose name has no case; empty when it has none; none when there is no such parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.split(';').skip(1).find_map(|parameter| {
            let (own, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The same with this parameter behind the others.
    #[must_use]
    pub fn with_parameter(mut self, parameter: &str) -> Self {
        self.parameters = Cow::Owned(format!("{};{parameter}", self.parameters));
        self
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> SipUri<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        SipUri {
            secure: self.secure,
            user: self.user.map(own),
            host: own(self.host),
            port: self.port,
            parameters: own(self.parameters),
            headers: self.headers.map(own),
        }
    }

    /// Whether two URIs are equivalent (RFC 3261 section 19.1.4).
    #[must_use]
    pub fn is_equivalent(&self, other: &SipUri<'_>) -> bool {
        let same = |own: &str, theirs: &str, caseless: bool| match (unescape(own), unescape(theirs)) {
            (Some(own), Some(theirs)) if caseless => own.eq_ignore_ascii_case(&theirs),
            (Some(own), Some(theirs)) => own == theirs,
            _ => own == theirs,
        };
        let user = match (self.user.as_deref(), other.user.as_deref()) {
            (Some(own), Some(theirs)) => same(own, theirs, false),
            (None, None) => true,
            _ => false,
        };
        let listed = |uri: &SipUri<'_>| -> Vec<(String, String)> {
            let pairs = uri.parameters.split(';').skip(1).map(|parameter| {
                let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                (name.to_ascii_lowercase(), value.to_ascii_lowercase())
            });
            pairs.collect()
        };
        let (own, theirs) = (listed(self), listed(other));
        let agrees = |one: &[(String, String)], two: &[(String, String)]| {
            one.iter().all(|(name, value)| match two.iter().find(|(other, _)| other == name) {
                Some((_, other)) => same(value, other, true),
                // These must be in both or in neither; any other may be missing.
                None => !matches!(name.as_str(), "user" | "ttl" | "method" | "maddr" | "transport"),
            })
        };
        let headers = |uri: &SipUri<'_>| {
            let mut list: Vec<String> =
                uri.headers.iter().flat_map(|all| all.split('&')).map(str::to_ascii_lowercase).collect();
            list.sort();
            list
        };
        self.secure == other.secure
            && user
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.port == other.port
            && agrees(&own, &theirs)
            && agrees(&theirs, &own)
            && headers(self) == headers(other)
    }
}

/// What a URI may be made of, apart from quotes and brackets.
const fn is_uri_octet(octet: u8) -> bool {
    octet > b' '
        && octet < 0x7f
        && !matches!(octet, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

const fn is_user_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
        || matches!(octet, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/' | b':' | b'%' | b'#')
}

/// Without `%hh`; none when what stands there is not UTF-8. A percent sign that begins no escape is one.
#[must_use]
pub fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(text.into());
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let digit = |at: usize| others.get(at).and_then(|octet| char::from(*octet).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                octets.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = others.get(2..).unwrap_or_default();
            }
            _ => {
                octets.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8(octets).ok().map(Cow::Owned)
}

/// A user part that says `text`.
fn escape_user(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        let plain = octet.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&octet);
        if plain {
            escaped.push(char::from(octet));
        } else {
            let _ = write!(escaped, "%{octet:02X}");
        }
    }
    escaped
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => fmt::Display::fmt(uri, f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for SipUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.secure {
            Secure::Sip => "sip:",
            Secure::Sips => "sips:",
        })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.parameters)?;
        self.headers.as_ref().map_or(Ok(()), |headers| write!(f, "?{headers}"))
    }
}
