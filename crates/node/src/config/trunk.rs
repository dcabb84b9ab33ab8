//! `[[trunk]]`: ways to other networks.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use strowger_exchange::{SipTransport, TrunkEntry};
use toml::Spanned;

use super::diagnostic::Report;
use super::names;
use super::raw::{Raw, addresses, choice};
use super::reader::{Table, excerpt};
use super::schema::{self, nearest};

/// One table.
pub(super) struct Trunk {
    pub(super) id: Option<Spanned<String>>,
    channels: Option<Spanned<u64>>,
    transit: Option<Spanned<bool>>,
    pub(super) sip: Option<Sip>,
}

/// `sip = { … }` of it.
pub(super) struct Sip {
    pub(super) address: Option<Spanned<SocketAddr>>,
    transport: SipTransport,
    domain: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    password: Option<Spanned<String>>,
    register: Option<Spanned<bool>>,
    sources: Vec<Spanned<IpAddr>>,
    media: Vec<Spanned<IpAddr>>,
    probe: Option<Duration>,
    trusted: Option<Spanned<bool>>,
}

impl Trunk {
    pub(super) fn read(table: &Table<'_>, report: &mut Report) -> Self {
        if table.value("sip").is_none() {
            table.missing("sip", report);
        }
        Self {
            id: table.required_string("id", report),
            channels: table.integer("channels", 1..=10_000, report),
            transit: table.boolean("transit", report),
            sip: table.table("sip", &schema::TRUNK_SIP, report).map(|table| Sip::read(&table, report)),
        }
    }
}

impl Sip {
    fn read(table: &Table<'_>, report: &mut Report) -> Self {
        if table.value("address").is_none() {
            table.missing("address", report);
        }
        let transports = [("udp", SipTransport::Udp)];
        let later = [("tcp", "SIP over TCP comes"), ("tls", "SIP over TLS comes")];
        let sip = Self {
            address: table.address("address", report),
            transport: choice(table, "transport", "transport", &transports, &later, report)
                .unwrap_or(SipTransport::Udp),
            domain: table.string("domain", report),
            user: table.string("user", report),
            password: table.string("password", report),
            register: table.boolean("register", report),
            sources: addresses(table, "sources", report),
            media: addresses(table, "media", report),
            probe: table.seconds("probe", report),
            trusted: table.boolean("trusted", report),
        };
        let lone = match (&sip.user, &sip.password) {
            (Some(user), None) => Some((user.span(), "a user without a password", "password = \"secret\"")),
            (None, Some(password)) => Some((password.span(), "a password without a user", "user = \"town\"")),
            _ => None,
        };
        let registers = sip.register.as_ref().filter(|register| *register.get_ref() && sip.user.is_none());
        if let Some(register) = registers {
            report.error(
                register.span(),
                "nobody to register",
                "expected user = \"town\" and password = \"secret\" beside it",
            );
        }
        if let Some((span, found, expected)) = lone {
            report.error(span, found, format!("expected {expected} beside it"));
        }
        sip
    }
}

/// The trunks' places by id.
pub(super) fn check<'r>(raw: &'r Raw, report: &mut Report) -> BTreeMap<&'r str, Range<usize>> {
    let mut ids: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    if let Some(listen) = &raw.sip
        && listen.get_ref().ip().is_unspecified()
    {
        report.error(
            listen.span(),
            "SIP would listen on all addresses, and name none to its peers",
            "expected the address of this host that peers reach: it stands in every message",
        );
    }
    for trunk in &raw.trunks {
        if let Some(id) = &trunk.id {
            super::check::refuse(id, "trunk id", names::identifier_fault, report);
            let of_gateway = raw.gateways.iter().filter_map(|gateway| gateway.id.as_ref());
            let of_gateway = of_gateway.into_iter().find(|gateway| gateway.get_ref() == id.get_ref());
            let first = ids.get(id.get_ref().as_str()).cloned().or_else(|| of_gateway.map(Spanned::span));
            match first {
                Some(first) => super::check::twice(id, "id", first, report),
                None => {
                    ids.insert(id.get_ref(), id.span());
                }
            }
        }
        let Some(sip) = &trunk.sip else { continue };
        if let Some(address) = &sip.address {
            super::check::check_address(address, raw.sip.as_ref(), report);
        }
        if let Some(domain) = &sip.domain {
            super::check::refuse(domain, "domain", names::domain_fault, report);
        }
        if raw.sip.is_none()
            && let Some(id) = &trunk.id
        {
            let found = format!("trunk \"{}\" speaks SIP, and no SIP port is opened", excerpt(id.get_ref()));
            report.error(id.span(), found, "expected `sip = \"127.0.0.1:5060\"` in [listen]");
        }
    }
    ids
}

/// Whether a route's trunk is there.
pub(super) fn check_target(
    id: &str,
    span: Range<usize>,
    trunks: &BTreeMap<&str, Range<usize>>,
    report: &mut Report,
) {
    if trunks.contains_key(id) {
        return;
    }
    let expected = match nearest(id, trunks.keys().copied()) {
        Some(near) => format!("did you mean \"trunk:{near}\"?"),
        None => "expected the id of a [[trunk]]".to_owned(),
    };
    report.error(span, format!("there is no trunk with the id \"{}\"", excerpt(id)), expected);
}

/// What the exchange is told of it.
pub(super) fn entry(trunk: Trunk) -> Option<TrunkEntry> {
    let sip = trunk.sip?;
    let mut entry = TrunkEntry::sip(&trunk.id?.into_inner(), sip.address?.into_inner());
    entry.transport = sip.transport;
    entry.domain = sip.domain.map(Spanned::into_inner);
    entry.user = sip.user.map(Spanned::into_inner);
    entry.password = sip.password.map(Spanned::into_inner);
    entry.register = sip.register.is_some_and(Spanned::into_inner);
    entry.sources = sip.sources.into_iter().map(Spanned::into_inner).collect();
    entry.media = sip.media.into_iter().map(Spanned::into_inner).collect();
    entry.probe = sip.probe;
    entry.trusted = sip.trusted.is_some_and(Spanned::into_inner);
    entry.transit = trunk.transit.is_some_and(Spanned::into_inner);
    if let Some(channels) = trunk.channels {
        entry.channels = u32::try_from(channels.into_inner()).unwrap_or(entry.channels);
    }
    Some(entry)
}
