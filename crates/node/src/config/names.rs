//! The syntax of the names that a configuration may hold, with what is wrong in words.
//!
//! Endpoint names: RFC 3435 section 3.2.1.3 and Appendix A (`LocalEndpointName`, `DomainName`).

use std::net::IpAddr;

use strowger_mgcp::message::EndpointNameBuf;

/// Whether a local endpoint name may hold a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcard {
    /// It names one endpoint.
    Forbidden,
    /// Its last term may be `$` (any one) or `*` (any one, for osmo-mgw).
    Last,
}

/// Why `name` cannot be an identifier of ours: an exchange or a gateway.
pub(super) fn identifier_fault(name: &str) -> Option<&'static str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name {
        "" => Some("it is empty"),
        _ if name.len() > 64 => Some("it has more than 64 characters"),
        _ if !name.chars().all(legal) => Some("only letters, digits, '-', '_' and '.' can stand in it"),
        _ => None,
    }
}

/// Why `name` cannot be the user that a telephone registers as: it stands in addresses and in digests as it is.
pub(super) fn user_fault(name: &str) -> Option<&'static str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$".contains(c);
    match name {
        "" => Some("it is empty"),
        _ if name.len() > 64 => Some("it has more than 64 characters"),
        _ if !name.chars().all(legal) => Some("only letters, digits and -_.!~*'()&=+$ can stand in it"),
        _ => None,
    }
}

/// Why `name` cannot be the local name of an endpoint.
pub(super) fn endpoint_fault(name: &str, wildcard: Wildcard) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > 255 {
        return Some("it has more than 255 characters");
    }
    if name.contains('@') {
        return Some("the domain is given by the gateway: expected the part before '@'");
    }
    let terms: Vec<&str> = name.split('/').collect();
    for (index, term) in terms.iter().enumerate() {
        let last = index + 1 == terms.len();
        match *term {
            "" => return Some("a term between slashes is empty"),
            "*" | "$" if last && wildcard == Wildcard::Last => {}
            _ if term.contains(['*', '$']) && wildcard == Wildcard::Last => {
                return Some("a wildcard can only be the whole last term");
            }
            _ if term.contains(['*', '$']) => return Some("it must name one endpoint, without '*' or '$'"),
            _ if !term.chars().all(|c| c.is_ascii_graphic()) => {
                return Some("only visible ASCII characters can stand in it");
            }
            _ => {}
        }
    }
    let legal = EndpointNameBuf::from_parts(name, "gw").is_some();
    (!legal).then_some("a character of it cannot stand in the name of an endpoint (RFC 3435 section 3.2.1.3)")
}

/// Why `name` cannot be the domain of endpoint names.
pub(super) fn domain_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > 255 {
        return Some("it has more than 255 characters");
    }
    if let Some(inner) = name.strip_prefix('[') {
        let address = inner.strip_suffix(']').map(str::parse::<IpAddr>);
        return (!matches!(address, Some(Ok(_)))).then_some("an address in brackets is not an IP address");
    }
    let body = name.strip_prefix('#').unwrap_or(name);
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let legal =
        !body.is_empty() && body.chars().all(legal) && EndpointNameBuf::from_parts("*", name).is_some();
    (!legal).then_some("only letters, digits, '-' and '.' can stand in it")
}

/// Why `number` cannot be dialled.
pub(super) fn number_fault(number: &str) -> Option<&'static str> {
    let (body, international) = match number.strip_prefix('+') {
        Some(rest) => (rest, true),
        None => (number, false),
    };
    let legal = |c: char| c.is_ascii_digit() || !international && matches!(c, '*' | '#');
    match body {
        "" => Some("it is empty"),
        _ if body.len() > 32 => Some("it has more than 32 digits"),
        _ if !body.chars().all(legal) => Some("only digits, '*' and '#', or '+' and digits, can be dialled"),
        _ => None,
    }
}

/// Why `name` cannot be shown to the called party.
pub(super) fn display_name_fault(name: &str) -> Option<&'static str> {
    if name.chars().count() > 64 {
        return Some("it has more than 64 characters");
    }
    name.chars().any(char::is_control).then_some("control characters cannot stand in it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_of_a_line_is_one_endpoint() {
        for good in ["aaln/1", "AALN/S1/12", "ds/ds1-3/6", "card23/21", "a"] {
            assert_eq!(endpoint_fault(good, Wildcard::Forbidden), None, "{good}");
        }
        for bad in
            ["", "aaln/", "/1", "aaln//1", "aaln/*", "aaln/$", "aaln/1@gw1", "aaln 1", "ln\u{e9}/1", "a\t"]
        {
            assert!(endpoint_fault(bad, Wildcard::Forbidden).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_relay_may_end_in_a_wildcard() {
        for good in ["relay/$", "rtpbridge/*", "relay/1", "$"] {
            assert_eq!(endpoint_fault(good, Wildcard::Last), None, "{good}");
        }
        for bad in ["*/1", "relay/a*", "relay/$/1"] {
            assert!(endpoint_fault(bad, Wildcard::Last).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_domain_is_a_name_a_number_or_an_address_in_brackets() {
        for good in ["gw1.town", "[127.0.0.9]", "[2001:db8::9]", "#12", "gw1"] {
            assert_eq!(domain_fault(good), None, "{good}");
        }
        for bad in ["", "gw 1", "[127.0.0.9", "[127.0.0]", "gw1.town:2427", "#", "a@b"] {
            assert!(domain_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_number_is_what_can_be_dialled() {
        for good in ["2001", "*21#", "+12125550100"] {
            assert_eq!(number_fault(good), None, "{good}");
        }
        for bad in ["", "+", "20 01", "+1*2", "2001x"] {
            assert!(number_fault(bad).is_some(), "{bad}");
        }
    }
}
