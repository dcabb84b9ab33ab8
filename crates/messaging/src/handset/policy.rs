//! What a handset does not do for whoever can send it a push: fetch from anywhere, obey provisioning, load by itself.
//!
//! A notification is a stranger's word until its location is that of an MMSC that the handset was told of: fetching it would tell the
//! stranger its address, and make it a tool against hosts that only it can reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::push::address::Network;

/// The longest location that is looked at.
const LONGEST: usize = 1024;

/// An MMSC that may be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    /// Its name or address, as it stands in locations.
    pub host: String,
    /// Its port; none is any.
    pub port: Option<u16>,
    /// Whether it is fetched from in TLS alone: nobody may lead the handset back to where anybody listens.
    pub secure: bool,
}

impl HostRule {
    /// Reads `host`, `host:port`, `[v6]:port`, or what stands so in a URL; one of `https` means TLS alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let secure = text.strip_prefix("https://");
        let text = secure.or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let authority = text.split('/').next()?;
        let (host, port) = split_authority(authority)?;
        Some(Self { host: host.to_ascii_lowercase(), port, secure: secure.is_some() })
    }
}

/// Where a handset fetches from.
#[derive(Clone, Debug, Default)]
pub struct FetchPolicy {
    /// The MMSCs. Nothing is fetched from anybody else.
    pub hosts: Vec<HostRule>,
    /// Networks that may be connected to although they are not public: an MMSC of a private network is in one.
    pub networks: Vec<Network>,
    /// Whether somebody is known who signs for hosts: without, nothing is fetched by `https`.
    pub tls: bool,
}

/// A location that may be fetched from, as far as its text goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Host and port as they stand in `Host`.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Whether it is asked in TLS.
    pub secure: bool,
}

/// Why a location is not fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// It is too long.
    Long,
    /// It holds a control character, a blank or something that is not ASCII.
    Characters,
    /// Its scheme is neither http nor https.
    Scheme,
    /// It is to be asked in TLS, and nobody is known who signs for hosts.
    Unproved,
    /// It is to be asked without TLS, which the host is not.
    Plain(String),
    /// It has no host, a port that is none, or a user in it.
    Authority,
    /// Its host is none of the MMSCs.
    Host(String),
    /// The host's address is in no network that may be connected to.
    Address(IpAddr),
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long => write!(f, "the location is longer than {LONGEST} characters"),
            Self::Characters => f.write_str("the location holds characters that do not belong into a URL"),
            Self::Scheme => f.write_str("the location is neither of the scheme http nor of https"),
            Self::Unproved => f.write_str("no authority is known that could have signed for a host of https"),
            Self::Plain(host) => write!(f, "{host} is fetched from by https alone"),
            Self::Authority => f.write_str("the location names no host"),
            Self::Host(host) => write!(f, "{host} is not an MMSC that is fetched from"),
            Self::Address(address) => write!(f, "{address} is in no network that may be connected to"),
        }
    }
}

fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    if host.is_empty() {
        return None;
    }
    let port = match port {
        "" => None,
        port if port.bytes().all(|octet| octet.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port > 0)?)
        }
        _ => return None,
    };
    Some((host, port))
}

impl FetchPolicy {
    /// Whether a location may be fetched, as far as its text says.
    ///
    /// # Errors
    /// [`Barred`] when it may not.
    pub fn admit(&self, location: &[u8]) -> Result<Target, Barred> {
        if location.len() > LONGEST {
            return Err(Barred::Long);
        }
        if !location.iter().all(u8::is_ascii_graphic) {
            return Err(Barred::Characters);
        }
        let text = std::str::from_utf8(location).map_err(|_| Barred::Characters)?;
        let (scheme, rest) = text.split_once("://").ok_or(Barred::Scheme)?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err(Barred::Scheme);
        }
        if secure && !self.tls {
            return Err(Barred::Unproved);
        }
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') || path.starts_with('\\') {
            return Err(Barred::Authority);
        }
        let (host, port) = split_authority(authority).ok_or(Barred::Authority)?;
        let (host, port) = (host.to_ascii_lowercase(), port.unwrap_or(if secure { 443 } else { 80 }));
        let named = |rule: &&HostRule| rule.host == host && rule.port.is_none_or(|allowed| allowed == port);
        let mut rules = self.hosts.iter().filter(named).peekable();
        if rules.peek().is_none() {
            return Err(Barred::Host(host));
        }
        if !rules.any(|rule| secure || !rule.secure) {
            return Err(Barred::Plain(host));
        }
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Target { host, port, authority: authority.to_owned(), path, secure })
    }

    /// Whether an address that a name stands for may be connected to: whoever answers the question for a name must not choose a host
    /// behind the handset.
    ///
    /// # Errors
    /// [`Barred`] when it may not.
    pub fn admit_address(&self, address: IpAddr) -> Result<(), Barred> {
        let address = address.to_canonical();
        if is_public(address) || self.networks.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        Err(Barred::Address(address))
    }
}

/// Whether an address is one of the public internet (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && b & 0xc0 == 64;
            let reserved =
                a == 0 || a >= 240 || (a == 192 && b == 0 && c == 0) || (a == 198 && b & 0xfe == 18);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || v4 == Ipv4Addr::BROADCAST
                || shared
                || reserved)
        }
        IpAddr::V6(v6) => {
            let global = v6.segments()[0] & 0xe000 == 0x2000;
            let documentation = v6.segments()[0] == 0x2001 && v6.segments()[1] == 0x0db8;
            // 6to4 and NAT64 lead to IPv4 hosts that would have to be looked at in turn.
            let wrapped = v6.segments()[0] == 0x2002;
            global && !documentation && !wrapped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> FetchPolicy {
        FetchPolicy {
            hosts: vec![
                HostRule::parse("http://mmsc.example:8190/").unwrap(),
                HostRule::parse("10.0.0.1").unwrap(),
                HostRule::parse("[2001:db8::1]:80").unwrap(),
                HostRule::parse("mmsc").unwrap(),
            ],
            networks: vec![Network::parse("10.0.0.0/24").unwrap()],
            tls: false,
        }
    }

    #[test]
    fn a_location_of_https_needs_somebody_who_signs_and_a_host_of_https_is_not_asked_without() {
        let mut policy = policy();
        policy.hosts.push(HostRule::parse("https://safe.example/").unwrap());
        let admit = |policy: &FetchPolicy, text: &str| policy.admit(text.as_bytes());
        assert_eq!(admit(&policy, "https://safe.example/1"), Err(Barred::Unproved));
        policy.tls = true;
        let target = admit(&policy, "HTTPS://safe.example/1").unwrap();
        assert_eq!((target.port, target.secure), (443, true));
        assert_eq!(admit(&policy, "http://safe.example/1"), Err(Barred::Plain("safe.example".to_owned())));
        assert_eq!(admit(&policy, "https://evil.example/1"), Err(Barred::Host("evil.example".to_owned())));
        // A host that was named without a scheme is asked either way.
        for (text, port, secure) in [("http://mmsc/1", 80, false), ("https://mmsc/1", 443, true)] {
            let target = admit(&policy, text).unwrap();
            assert_eq!((target.port, target.secure), (port, secure), "{text}");
        }
        assert_eq!(
            admit(&policy, "https://mmsc.example/a"),
            Err(Barred::Host("mmsc.example".to_owned())),
            "another port"
        );
    }

    #[test]
    fn a_location_of_a_known_mmsc_is_fetched() {
        for (text, path, port) in [
            ("http://mmsc.example:8190/a?b#c", "/a?b", 8190),
            ("HTTP://MMSC.Example:8190", "/", 8190),
            ("http://10.0.0.1/x", "/x", 80),
            ("http://10.0.0.1:8080?x", "/?x", 8080),
            ("http://[2001:db8::1]/m", "/m", 80),
            ("http://mmsc/1", "/1", 80),
        ] {
            let target = policy().admit(text.as_bytes()).unwrap_or_else(|barred| panic!("{text}: {barred}"));
            assert_eq!((target.path.as_str(), target.port), (path, port), "{text}");
        }
    }

    #[test]
    fn a_location_of_anybody_else_is_not() {
        let long = format!("http://mmsc/{}", "a".repeat(2000));
        for (text, barred) in [
            ("file:///etc/passwd", Barred::Scheme),
            ("https://mmsc/1", Barred::Unproved),
            ("gopher://mmsc/1", Barred::Scheme),
            ("mmsc/1", Barred::Scheme),
            ("", Barred::Scheme),
            ("http://mmsc.example:8191/a", Barred::Host("mmsc.example".to_owned())),
            ("http://mmsc.example.evil.example:8190/", Barred::Host("mmsc.example.evil.example".to_owned())),
            ("http://127.0.0.1/", Barred::Host("127.0.0.1".to_owned())),
            ("http://evil.example\\@mmsc/", Barred::Authority),
            ("http://mmsc@evil.example/", Barred::Authority),
            ("http://mmsc:99999/", Barred::Authority),
            ("http://mmsc:+80/", Barred::Authority),
            ("http:///1", Barred::Authority),
            ("http://[::1", Barred::Authority),
            ("http://mmsc/1\r\nHost: evil", Barred::Characters),
            ("http://mmsc/ 1", Barred::Characters),
            ("http://mm\u{441}c/", Barred::Characters),
            (long.as_str(), Barred::Long),
        ] {
            assert_eq!(policy().admit(text.as_bytes()), Err(barred), "{text}");
        }
    }

    #[test]
    fn a_name_must_not_lead_into_a_network_behind_the_handset() {
        let allowed = |text: &str| policy().admit_address(text.parse().unwrap()).is_ok();
        for text in ["8.8.8.8", "10.0.0.7", "2a00:1450::1", "::ffff:10.0.0.7"] {
            assert!(allowed(text), "{text}");
        }
        for text in [
            "127.0.0.1",
            "10.0.1.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "2001:db8::1",
        ] {
            assert!(!allowed(text), "{text}");
        }
    }
}
