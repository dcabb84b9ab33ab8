//! Content locations: where a notification leads, and whether a receiver may follow. A notification is written by anybody who
//! reaches UDP 2948; following it tells that person the handset's address and makes the handset ask whom he likes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a receiver may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationPolicy {
    /// The hosts that are allowed, as names or addresses; nobody else is. A host that is listed is allowed whatever address it
    /// is.
    pub hosts: Vec<String>,
    /// Octets of a location.
    pub longest: usize,
}

impl LocationPolicy {
    /// Only these hosts.
    #[must_use]
    pub fn only(hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { hosts: hosts.into_iter().map(Into::into).collect(), ..Self::public() }
    }

    /// Any host of the public network: for tests and tools; a handset lists its MMSC.
    #[must_use]
    pub fn public() -> Self {
        Self { hosts: Vec::new(), longest: 1024 }
    }
}

/// A location that a receiver may follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// Whether over TLS.
    pub secure: bool,
    /// The host: a name, or an address without brackets.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// The path with its query; at least `/`.
    pub path: &'a str,
}

/// Why a receiver does not follow a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocationFault {
    /// It is longer than the policy allows.
    Long,
    /// A character that no location has: a control character, white space within it, or one that is not ASCII.
    Character,
    /// A scheme other than `http` and `https`.
    Scheme,
    /// A user name or a password.
    Credentials,
    /// A host that is none.
    Host,
    /// A port that is none.
    Port,
    /// An address that is not of the public network, and is not listed.
    Address,
    /// A host that is not listed.
    NotListed,
}

impl fmt::Display for LocationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Long => "the location is too long",
            Self::Character => "the location has a character that no location has",
            Self::Scheme => "the scheme is neither http nor https",
            Self::Credentials => "the location names a user",
            Self::Host => "the host is neither a name nor an address",
            Self::Port => "the port is no number from 1 to 65535",
            Self::Address => "the address is not of the public network",
            Self::NotListed => "the host is not one of those that are allowed",
        })
    }
}

impl std::error::Error for LocationFault {}

/// Reads a location and judges it. White space in front, which deployed centres write, is no fault.
///
/// # Errors
/// [`LocationFault`]: the receiver does not follow.
pub fn check<'a>(octets: &'a [u8], policy: &LocationPolicy) -> Result<Location<'a>, LocationFault> {
    let octets = octets.trim_ascii();
    if octets.len() > policy.longest {
        return Err(LocationFault::Long);
    }
    if !octets.iter().all(u8::is_ascii_graphic) {
        return Err(LocationFault::Character);
    }
    let text = std::str::from_utf8(octets).map_err(|_| LocationFault::Character)?;
    let (scheme, rest) = text.split_once("://").ok_or(LocationFault::Scheme)?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err(LocationFault::Scheme),
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if path.starts_with('\\') {
        return Err(LocationFault::Host);
    }
    if authority.contains('@') {
        return Err(LocationFault::Credentials);
    }
    let (host, port) = host_and_port(authority)?;
    let port = match port {
        None => {
            if secure {
                443
            } else {
                80
            }
        }
        Some(port) => match port.parse::<u16>() {
            Ok(number @ 1..) if port.bytes().all(|octet| octet.is_ascii_digit()) => number,
            _ => return Err(LocationFault::Port),
        },
    };
    judge(host, policy)?;
    // A fragment is not sent.
    let path = path.split('#').next().unwrap_or_default();
    Ok(Location { secure, host, port, path: if path.is_empty() { "/" } else { path } })
}

fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), LocationFault> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or(LocationFault::Host)?;
        return match behind.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if behind.is_empty() => Ok((host, None)),
            None => Err(LocationFault::Host),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn judge(host: &str, policy: &LocationPolicy) -> Result<(), LocationFault> {
    let address = host.parse::<IpAddr>().ok();
    if address.is_none() && !is_name(host) {
        return Err(LocationFault::Host);
    }
    let same = |listed: &String| match (listed.parse::<IpAddr>().ok(), address) {
        (Some(one), Some(other)) => one == other,
        _ => listed.trim_end_matches('.').eq_ignore_ascii_case(host.trim_end_matches('.')),
    };
    if policy.hosts.iter().any(same) {
        return Ok(());
    }
    if !policy.hosts.is_empty() {
        return Err(LocationFault::NotListed);
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let local = name == "localhost" || name.ends_with(".localhost") || name.ends_with(".local");
    if local || address.is_some_and(|address| !is_public(address)) {
        return Err(LocationFault::Address);
    }
    Ok(())
}

/// Letters, digits, hyphens and points; not something that a resolver would take for a number of some kind.
fn is_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let number =
        last.bytes().all(|octet| octet.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    host.len() <= 253 && host.split('.').all(label) && !number
}

/// Whether an address is of the public network. An address that a receiver connects to in the end is to be asked, too: a name
/// may lead anywhere.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || first == 0
        || first >= 240
        // Shared between carriers and their subscribers (RFC 6598).
        || first == 100 && second & 0xc0 == 64)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let first = address.segments()[0];
    // Global unicast (RFC 4291), but for what carries an IPv4 address within it.
    first & 0xe000 == 0x2000 && first != 0x2002 && !(first == 0x2001 && address.segments()[1] == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_leads_only_where_the_policy_allows() {
        let public = LocationPolicy::public();
        for (text, host, port, path) in [
            ("http://mmsc.example/1", "mmsc.example", 80, "/1"),
            (" http://mmsc/1", "mmsc", 80, "/1"),
            ("HTTPS://mmsc.example:8443?id=1#x", "mmsc.example", 8443, "?id=1"),
            ("https://[2606:4700::1]", "2606:4700::1", 443, "/"),
            ("http://198.51.100.1:8002/a", "198.51.100.1", 8002, "/a"),
        ] {
            let location = check(text.as_bytes(), &public).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!((location.host, location.port, location.path), (host, port, path));
        }
        for (text, fault) in [
            ("file:///etc/passwd", LocationFault::Scheme),
            ("gopher://mmsc.example/1", LocationFault::Scheme),
            ("javascript:alert(1)", LocationFault::Scheme),
            ("//mmsc.example/1", LocationFault::Scheme),
            ("", LocationFault::Scheme),
            ("http://", LocationFault::Host),
            ("http:///1", LocationFault::Host),
            ("http://127.0.0.1/1", LocationFault::Address),
            ("http://127.1/1", LocationFault::Host),
            ("http://2130706433/1", LocationFault::Host),
            ("http://0x7f.0.0.1/1", LocationFault::Host),
            ("http://a.0x7f/1", LocationFault::Host),
            ("http://[::1]/1", LocationFault::Address),
            ("http://[::ffff:127.0.0.1]/1", LocationFault::Address),
            ("http://[2002:7f00:1::]/1", LocationFault::Address),
            ("http://[::1/1", LocationFault::Host),
            ("http://169.254.169.254/latest/meta-data", LocationFault::Address),
            ("http://10.0.0.1/", LocationFault::Address),
            ("http://100.64.0.1/", LocationFault::Address),
            ("http://[fe80::1]/1", LocationFault::Address),
            ("http://localhost/1", LocationFault::Address),
            ("http://a.localhost./1", LocationFault::Address),
            ("http://0.0.0.0/1", LocationFault::Address),
            ("http://user:secret@mmsc.example/1", LocationFault::Credentials),
            ("http://mmsc.example\\@other.example/1", LocationFault::Host),
            ("http://mmsc.example/1\r\nHost: other.example", LocationFault::Character),
            ("http://mmsc.example/\u{7f}1", LocationFault::Character),
            ("http://mmsc.ex\u{e4}mple/1", LocationFault::Character),
            ("http://mmsc.example:99999/1", LocationFault::Port),
            ("http://mmsc.example:+80/1", LocationFault::Port),
            ("http://mmsc.example:0/1", LocationFault::Port),
            ("http://mm sc/1", LocationFault::Character),
            ("http://mmsc..example/1", LocationFault::Host),
        ] {
            assert_eq!(check(text.as_bytes(), &public), Err(fault), "{text:?}");
        }
        let long = format!("http://mmsc.example/{}", "a".repeat(2_000));
        assert_eq!(check(long.as_bytes(), &public), Err(LocationFault::Long));
        let listed = LocationPolicy::only(["127.0.0.1", "MMSC.example"]);
        assert!(check(b"http://127.0.0.1:8002/1", &listed).is_ok(), "what is listed is allowed");
        assert!(check(b"http://mmsc.example./1", &listed).is_ok());
        assert_eq!(check(b"http://other.example/1", &listed), Err(LocationFault::NotListed));
        assert_eq!(check(b"http://127.0.0.2/1", &listed), Err(LocationFault::NotListed));
    }
}
