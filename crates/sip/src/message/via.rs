//! `Via`: the way that a request came, and its answers go back (RFC 3261 sections 18.2 and 20.42, RFC 3581).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::grammar::{is_host, is_token, number, trim};
use super::parameters::Parameters;

/// What every branch of RFC 3261 begins with (section 8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// One value of a `Via`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport, as it came: `UDP`, `TCP`, `TLS`, …
    pub transport: &'a str,
    /// The host of sent-by.
    pub host: &'a str,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The parameters.
    pub parameters: Parameters<'a>,
}

impl<'a> Via<'a> {
    /// Reads one value; none when it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = trim(text);
        let mut parts = text.splitn(3, '/');
        let (name, version) = (trim(parts.next()?), trim(parts.next()?));
        let rest = trim(parts.next()?);
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return None;
        }
        let at = rest.find(super::grammar::is_space)?;
        let (transport, rest) = rest.split_at(at);
        let end = rest.find(';').unwrap_or(rest.len());
        let (sent_by, parameters) = (trim(rest.get(..end)?), Parameters::parse(rest.get(end..)?)?);
        let colon = match sent_by.rfind(']') {
            Some(bracket) => sent_by.get(bracket..)?.find(':').map(|colon| bracket + colon),
            None => sent_by.find(':'),
        };
        let (host, port) = match colon {
            Some(at) => (trim(sent_by.get(..at)?), Some(number(trim(sent_by.get(at + 1..)?))?)),
            None => (sent_by, None),
        };
        (is_token(transport) && is_host(host)).then_some(Self { transport, host, port, parameters })
    }

    /// The branch.
    #[must_use]
    pub fn branch(&self) -> Option<&'a str> {
        self.parameters.get("branch").filter(|branch| !branch.is_empty())
    }

    /// The branch of an element that speaks RFC 3261: the magic cookie and something behind it.
    #[must_use]
    pub fn rfc3261_branch(&self) -> Option<&'a str> {
        self.branch().filter(|branch| {
            let cookie = branch.get(..MAGIC_COOKIE.len());
            cookie.is_some_and(|cookie| cookie.eq_ignore_ascii_case(MAGIC_COOKIE))
                && branch.len() > MAGIC_COOKIE.len()
        })
    }

    /// Where answers to a request with this `Via` go that came by datagram from `source`: back to where it came from when
    /// `rport` asks for it (RFC 3581 section 4), else to the port of sent-by at the address that it came from (RFC 3261
    /// section 18.2.2). `maddr` is not followed: it would let a sender aim answers at a third host.
    #[must_use]
    pub fn answer_to(&self, source: SocketAddr) -> SocketAddr {
        match self.parameters.get("rport") {
            Some(_) => source,
            None => SocketAddr::new(source.ip(), self.port.unwrap_or(5060)),
        }
    }

    /// The value as the server that took the request from `source` completes it: with `received` where sent-by is another
    /// address or a name (RFC 3261 section 18.2.1), and with the port where `rport` asks for it (RFC 3581 section 4).
    #[must_use]
    pub fn completed(&self, source: SocketAddr) -> String {
        use fmt::Write as _;
        let mut text = format!("SIP/2.0/{} {}", self.transport, self.host);
        if let Some(port) = self.port {
            let _ = write!(text, ":{port}");
        }
        let asked = self.parameters.get("rport").is_some();
        let named = self.host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        for (name, value) in self.parameters.iter() {
            let _ = match value {
                _ if name.eq_ignore_ascii_case("received") => Ok(()),
                _ if name.eq_ignore_ascii_case("rport") => write!(text, ";rport={}", source.port()),
                Some(value) => write!(text, ";{name}={value}"),
                None => write!(text, ";{name}"),
            };
        }
        if asked || named != Some(source.ip()) {
            let _ = write!(text, ";received={}", source.ip());
        }
        text
    }
}

impl fmt::Display for Via<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if self.parameters.is_empty() { Ok(()) } else { write!(f, ";{}", self.parameters.as_str()) }
    }
}
