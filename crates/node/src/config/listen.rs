//! `[listen]`: what is opened, whether that is wise, and who would not be heard.

use std::net::SocketAddr;
use std::ops::Range;

use strowger_exchange::{GatewayProtocol, MegacoEncoding};
use toml::Spanned;

use super::diagnostic::Report;
use super::raw::{Gateway, Raw};
use super::reader::excerpt;

/// Whether what is opened is what is needed.
pub(super) fn check(raw: &Raw, report: &mut Report) {
    check_unheard(raw, report);
    // Of whom a port is missing for, that is said already.
    let has_users = !raw.gateways.is_empty() || !raw.trunks.is_empty() || super::phone::any(raw);
    if raw.listen.as_ref().is_none_or(|named| named.iter().all(|key| *key == "busy_poll"))
        && !has_users
        && !raw.listen_is_illegible
        && !raw.push.is_there()
        && !raw.mmsc.is_there()
    {
        report.error(
            0..0,
            "nothing is opened",
            "expected at least `mgcp = \"127.0.0.1:2727\"` in a table [listen]",
        );
    }
    let addresses = [
        (&raw.mgcp, "mgcp"),
        (&raw.megaco_text, "megaco_text"),
        (&raw.megaco_binary, "megaco_binary"),
        (&raw.sip, "sip"),
        (&raw.sips, "sips"),
        (&raw.console, "console"),
    ];
    for (address, key) in addresses {
        if let Some(address) = address
            && address.get_ref().ip().is_multicast()
        {
            report.error(
                address.span(),
                format!("{key} would listen on a multicast address"),
                "expected an address of this host",
            );
        }
    }
    let gateways = signalling(raw).filter(|_| raw.gateways.is_empty());
    for address in
        gateways.chain(raw.sip.as_ref().filter(|_| raw.trunks.is_empty() && !super::phone::any(raw)))
    {
        let open = raw.open.as_ref().is_some_and(|open| *open.get_ref());
        if !address.get_ref().ip().is_loopback() && !open {
            report.error(
                address.span(),
                "this listens beyond loopback without one gateway, trunk or telephone to answer",
                "expected a [[gateway]] or [[trunk]], a loopback address, or `open = true` in [exchange] if that is meant",
            );
        }
    }
    if let Some(console) = &raw.console
        && !console.get_ref().ip().is_loopback()
    {
        report.warning(
            console.span(),
            "the console is reachable beyond loopback",
            "it asks nobody for a password: who can reach it sees all calls",
        );
    }
}

/// Where gateways are heard.
fn signalling(raw: &Raw) -> impl Iterator<Item = &Spanned<SocketAddr>> {
    [&raw.mgcp, &raw.megaco_text, &raw.megaco_binary].into_iter().flatten()
}

/// A port for signalling, as `[listen]` calls it, who speaks there, and what is expected.
const PORTS: [(&str, &str, &str); 3] = [
    ("mgcp", "MGCP", "expected `mgcp = \"127.0.0.1:2727\"` in [listen]"),
    ("megaco_binary", "Megaco", "expected `megaco_binary = \"127.0.0.1:2945\"` in [listen]"),
    ("megaco_text", "Megaco", "expected `megaco_text = \"127.0.0.1:2944\"` in [listen]"),
];

/// The port that a gateway is heard at; none if what it speaks could not be read.
fn port(gateway: &Gateway) -> Option<&'static str> {
    Some(match (gateway.protocol?, gateway.encoding) {
        (GatewayProtocol::Mgcp, _) => "mgcp",
        (GatewayProtocol::Megaco, encoding) => match encoding? {
            MegacoEncoding::Binary => "megaco_binary",
            MegacoEncoding::Compact | MegacoEncoding::Pretty => "megaco_text",
        },
    })
}

/// Where a gateway is heard.
pub(super) fn heard_at<'r>(gateway: &Gateway, raw: &'r Raw) -> Option<&'r Spanned<SocketAddr>> {
    match port(gateway)? {
        "mgcp" => raw.mgcp.as_ref(),
        "megaco_binary" => raw.megaco_binary.as_ref(),
        _ => raw.megaco_text.as_ref(),
    }
}

/// Whether a port stands in the file, right or wrong: of one that could not be read it is not said that it is missing.
pub(super) fn names(raw: &Raw, key: &str) -> bool {
    raw.listen.as_ref().is_some_and(|named| named.contains(key))
}

/// For each port that is missing, the first gateway that would not be heard.
fn check_unheard(raw: &Raw, report: &mut Report) {
    if raw.listen_is_illegible {
        return;
    }
    for (key, name, expected) in PORTS {
        let mut unheard =
            raw.gateways.iter().filter(|gateway| port(gateway) == Some(key) && !names(raw, key));
        let Some(first) = unheard.next() else { continue };
        let (span, who): (Range<usize>, _) = match &first.id {
            Some(id) => (id.span(), format!("gateway \"{}\"", excerpt(id.get_ref()))),
            None => (first.span.clone(), "this gateway".to_owned()),
        };
        let others = match unheard.count() {
            0 => String::new(),
            1 => " (as does one other)".to_owned(),
            more => format!(" (as do {more} others)"),
        };
        report.error(span, format!("{who} speaks {name}{others}, and no {name} port is opened"), expected);
    }
}
