//! `[[trunk]]` and `[[trunk_group]]`: ways to other networks.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use strowger_exchange::{
    CircuitTrunkEntry, GroupPlace, Joins, Redirects, Referrals, RouteTarget, SipKeys, SipTransport,
    TrunkEntry, TrunkGroupEntry, TrunkName,
};
use toml::Spanned;

use super::circuit::Circuits;
use super::diagnostic::Report;
use super::names;
use super::raw::{Raw, addresses, choice};
use super::reader::{Table, Target, excerpt};
use super::schema::{self, nearest};
use super::secure::Files;
use crate::tls::ClientTls;

/// The words for which contacts are called that a peer sends calls on to.
const REDIRECTS: [(&str, Redirects); 2] = [("own", Redirects::Own), ("refuse", Redirects::Refused)];

/// The words for who joins parties of a peer's that are transferred to each other.
const JOINS: [(&str, Joins); 2] = [("bridge", Joins::Exchange), ("refer", Joins::Peer)];

/// The words for how keys come and go that are pressed in a call.
pub(super) const KEYS: [(&str, SipKeys); 2] = [("rtp", SipKeys::Stream), ("info", SipKeys::Info)];

/// One table.
pub(super) struct Trunk {
    pub(super) id: Option<Spanned<String>>,
    span: Range<usize>,
    channels: Option<Spanned<u64>>,
    transit: Option<Spanned<bool>>,
    group: Option<Spanned<String>>,
    priority: Option<Spanned<u64>>,
    weight: Option<Spanned<u64>>,
    pub(super) sip: Option<Sip>,
    pub(super) circuits: Option<Circuits>,
}

/// One table of a group.
pub(super) struct TrunkGroup {
    id: Option<Spanned<String>>,
    channels: Option<Spanned<u64>>,
}

/// Where trunks and groups of trunks stand in the file, by their ids.
pub(super) struct Places<'r> {
    trunks: BTreeMap<&'r str, Range<usize>>,
    groups: BTreeMap<&'r str, Range<usize>>,
}

/// `sip = { … }` of it.
pub(super) struct Sip {
    address: Option<Spanned<Target>>,
    transport: Option<SipTransport>,
    /// It is there, and could not be read.
    transport_is_illegible: bool,
    domain: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    password: Option<Spanned<String>>,
    register: Option<Spanned<bool>>,
    sources: Vec<Spanned<IpAddr>>,
    media: Vec<Spanned<IpAddr>>,
    probe: Option<Duration>,
    trusted: Option<Spanned<bool>>,
    follows: Option<Redirects>,
    refer: Option<Spanned<bool>>,
    keys: Option<SipKeys>,
    joins: Option<Joins>,
    files: Files,
    proves: Option<Spanned<bool>>,
    sips: Option<Spanned<bool>>,
}

impl Trunk {
    pub(super) fn read(table: &Table<'_>, report: &mut Report) -> Self {
        let circuits = table.table("circuits", &schema::TRUNK_CIRCUITS, report);
        let trunk = Self {
            id: table.required_string("id", report),
            span: table.span.clone(),
            channels: table.integer("channels", 1..=10_000, report),
            transit: table.boolean("transit", report),
            group: table.string("group", report),
            priority: table.integer("priority", 0..=65_535, report),
            weight: table.integer("weight", 0..=65_535, report),
            sip: table.table("sip", &schema::TRUNK_SIP, report).map(|table| Sip::read(&table, report)),
            circuits: circuits.map(|table| Circuits::read(&table, report)),
        };
        match (table.value("sip"), table.value("circuits")) {
            (None, None) => table.missing("sip", report),
            (Some(_), Some(_)) => {
                let expected = "expected one of them: two trunks of one group may lead to the same network";
                report.error(table.key_span("circuits"), "a trunk by SIP and by circuits", expected);
            }
            (None, Some(_)) => {
                if let Some(channels) = &trunk.channels {
                    let expected = "expected the key to be left out: there are as many as `endpoints`";
                    report.error(channels.span(), "channels of a trunk of circuits", expected);
                }
            }
            (Some(_), None) => {}
        }
        trunk
    }

    /// Its place in its group.
    fn place(&self) -> GroupPlace {
        let small = |number: &Option<Spanned<u64>>| {
            number.as_ref().and_then(|number| u16::try_from(*number.get_ref()).ok())
        };
        let usual = GroupPlace::default();
        GroupPlace {
            group: self.group.as_ref().map(|group| group.get_ref().clone()),
            priority: small(&self.priority).unwrap_or(usual.priority),
            weight: small(&self.weight).unwrap_or(usual.weight),
        }
    }
}

impl TrunkGroup {
    pub(super) fn read(table: &Table<'_>, report: &mut Report) -> Self {
        Self {
            id: table.required_string("id", report),
            channels: table.integer("channels", 1..=1_000_000, report),
        }
    }
}

impl Sip {
    fn read(table: &Table<'_>, report: &mut Report) -> Self {
        if table.value("address").is_none() {
            table.missing("address", report);
        }
        let transports = [("udp", SipTransport::Udp), ("tcp", SipTransport::Tcp), ("tls", SipTransport::Tls)];
        let mut sip = Self {
            address: table.target("address", report),
            transport: choice(table, "transport", "transport", &transports, &[], report),
            domain: table.string("domain", report),
            user: table.string("user", report),
            password: table.string("password", report),
            register: table.boolean("register", report),
            sources: addresses(table, "sources", report),
            media: addresses(table, "media", report),
            probe: table.seconds("probe", report),
            trusted: table.boolean("trusted", report),
            refer: table.boolean("refer", report),
            transport_is_illegible: false,
            joins: choice(table, "transfer", "way to transfer", &JOINS, &[], report),
            keys: choice(table, "dtmf", "way of keys", &KEYS, &[], report),
            follows: choice(table, "redirect", "redirect", &REDIRECTS, &[], report),
            files: Files::read(table, report).of(table.string("tls_name", report)),
            proves: table.boolean("client_certificate", report),
            sips: table.boolean("sips", report),
        };
        sip.transport_is_illegible = sip.transport.is_none() && table.value("transport").is_some();
        sip.check_tls(table, report);
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

impl Sip {
    /// A peer over TLS proves who it is to authorities that are named: one that proves nothing may be anybody.
    fn check_tls(&self, table: &Table<'_>, report: &mut Report) {
        let over_tls = self.may_use_tls();
        if self.transport == Some(SipTransport::Tls) && table.value("ca").is_none() {
            table.missing("ca", report);
        }
        if let Some(file) = self.files.any().filter(|_| !over_tls) {
            report.error(file.span(), "the trunk has no TLS", "expected transport = \"tls\" beside it");
        }
        if let Some(proves) = self.proves.as_ref().filter(|_| !over_tls) {
            report.error(proves.span(), "the trunk has no TLS", "expected transport = \"tls\" beside it");
        }
        if let Some(sips) = self.sips.as_ref().filter(|sips| !over_tls && *sips.get_ref()) {
            report.error(sips.span(), "SIPS URIs without TLS", "expected transport = \"tls\" beside it");
        }
    }
}

impl Sip {
    /// It does, or the name service may say so.
    fn may_use_tls(&self) -> bool {
        let named =
            self.address.as_ref().is_some_and(|address| matches!(address.get_ref(), Target::Name(..)));
        self.transport == Some(SipTransport::Tls) || named && self.transport.is_none()
    }
}

/// Whom connections over TLS to trunks are to end at: each is called by its domain, or by its address.
pub(super) fn tls(raw: &Raw, report: &mut Report) -> BTreeMap<String, ClientTls> {
    let over_tls = raw.trunks.iter().filter_map(|trunk| Some((trunk.id.as_ref()?, trunk.sip.as_ref()?)));
    let over_tls = over_tls.filter(|(_, sip)| sip.may_use_tls());
    let mut all = BTreeMap::new();
    for (id, sip) in over_tls {
        let host = sip.address.as_ref().map(|address| match address.get_ref() {
            Target::Address(address) => address.ip().to_string(),
            Target::Name(name, _) => name.clone(),
        });
        let name = sip.domain.as_ref().map(|domain| domain.get_ref().clone()).or(host).unwrap_or_default();
        let asks = raw.tls.as_ref().is_some_and(Files::asks);
        if let Some(proves) = sip.proves.as_ref().filter(|proves| *proves.get_ref() && !asks) {
            let expected = "expected ca = \"carrier-ca.pem\" in [tls]: the authorities of certificates of those that connect";
            report.error(proves.span(), "nobody says which certificates are good", expected);
        }
        if let Some(tls) = sip.files.client(raw.tls.as_ref(), &name, report) {
            let proves = sip.proves.as_ref().is_none_or(|proves| *proves.get_ref());
            all.insert(id.get_ref().clone(), if proves { tls } else { tls.unproven() });
        }
    }
    all
}

/// The places of trunks and groups by their ids.
pub(super) fn check<'r>(raw: &'r Raw, report: &mut Report) -> Places<'r> {
    let groups = check_groups(raw, report);
    let is_named = |port| raw.listen_is_illegible || super::listen::names(raw, port);
    let mut ids: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for listen in
        [&raw.sip, &raw.sips].into_iter().flatten().filter(|listen| listen.get_ref().ip().is_unspecified())
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
        match &trunk.group {
            Some(group) if !groups.contains_key(group.get_ref().as_str()) => {
                let id = group.get_ref();
                let expected = match nearest(id, groups.keys().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "expected the id of a [[trunk_group]]".to_owned(),
                };
                let found = format!("there is no group of trunks with the id \"{}\"", excerpt(id));
                report.error(group.span(), found, expected);
            }
            Some(_) => {}
            None => {
                for lone in [&trunk.priority, &trunk.weight].into_iter().flatten() {
                    let expected = "expected `group = \"carriers\"` beside it";
                    report.error(lone.span(), "a place in no group", expected);
                }
            }
        }
        let Some(sip) = &trunk.sip else { continue };
        if let Some(address) = &sip.address
            && let Target::Address(to) = address.get_ref()
        {
            super::check::check_address(&Spanned::new(address.span(), *to), raw.sip.as_ref(), report);
        }
        if let Some(domain) = &sip.domain {
            super::check::refuse(domain, "domain", names::domain_fault, report);
        }
        let (open, expected) = match sip.transport.unwrap_or(SipTransport::Udp) {
            SipTransport::Tls => (is_named("sips"), "expected `sips = \"127.0.0.1:5061\"` in [listen]"),
            SipTransport::Udp | SipTransport::Tcp => {
                (is_named("sip"), "expected `sip = \"127.0.0.1:5060\"` in [listen]")
            }
        };
        if !open && !sip.transport_is_illegible {
            let (span, who) = match &trunk.id {
                Some(id) => (id.span(), format!("trunk \"{}\"", excerpt(id.get_ref()))),
                None => (trunk.span.clone(), "this trunk".to_owned()),
            };
            report.error(span, format!("{who} speaks SIP, and no SIP port is opened"), expected);
        }
    }
    Places { trunks: ids, groups }
}

fn check_groups<'r>(raw: &'r Raw, report: &mut Report) -> BTreeMap<&'r str, Range<usize>> {
    let mut ids: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for id in raw.trunk_groups.iter().filter_map(|group| group.id.as_ref()) {
        super::check::refuse(id, "group id", names::identifier_fault, report);
        match ids.get(id.get_ref().as_str()) {
            Some(first) => super::check::twice(id, "id", first.clone(), report),
            None => {
                ids.insert(id.get_ref(), id.span());
            }
        }
        let of_it = |trunk: &&Trunk| trunk.group.as_ref().is_some_and(|own| own.get_ref() == id.get_ref());
        if !raw.trunks.iter().any(|trunk| of_it(&trunk)) {
            let found = format!("the group \"{}\" has no trunks", excerpt(id.get_ref()));
            report.error(id.span(), found, "expected `group` with this id in a [[trunk]]");
        }
    }
    ids
}

impl Places<'_> {
    /// Whether a route's trunk, or group of trunks, is there.
    pub(super) fn check_target(&self, target: &Spanned<RouteTarget>, report: &mut Report) {
        let (id, places, what, word) = match target.get_ref() {
            RouteTarget::Trunk(id) => (id, &self.trunks, "trunk", "trunk"),
            RouteTarget::TrunkGroup(id) => (id, &self.groups, "group of trunks", "trunks"),
            RouteTarget::Lines | RouteTarget::Line(_) | RouteTarget::Release(_) => return,
        };
        if places.contains_key(id.as_str()) {
            return;
        }
        let expected = match nearest(id, places.keys().copied()) {
            Some(near) => format!("did you mean \"{word}:{near}\"?"),
            None if word == "trunk" => "expected the id of a [[trunk]]".to_owned(),
            None => "expected the id of a [[trunk_group]]".to_owned(),
        };
        report.error(target.span(), format!("there is no {what} with the id \"{}\"", excerpt(id)), expected);
    }
}

/// What the exchange is told of those that are circuits.
pub(super) fn circuit_entries(trunks: &mut Vec<Trunk>) -> Vec<CircuitTrunkEntry> {
    let of_circuits = trunks.extract_if(.., |trunk| trunk.circuits.is_some());
    let entries = of_circuits.filter_map(|trunk| {
        let (place, transit) = (trunk.place(), trunk.transit.is_some_and(Spanned::into_inner));
        super::circuit::entry(trunk.id?.into_inner(), transit, place, trunk.circuits?)
    });
    entries.collect()
}

/// What the exchange is told of one by SIP.
pub(super) fn entry(trunk: Trunk) -> Option<TrunkEntry> {
    let place = trunk.place();
    let sip = trunk.sip?;
    let id = trunk.id?.into_inner();
    let transport = sip.transport;
    let mut entry = match sip.address?.into_inner() {
        Target::Address(address) => TrunkEntry::sip(&id, address),
        Target::Name(name, port) => TrunkEntry::named(&id, TrunkName { name, port, transport }),
    };
    entry.transport = transport.unwrap_or(entry.transport);
    entry.sips = sip.sips.is_some_and(Spanned::into_inner);
    entry.domain = sip.domain.map(Spanned::into_inner);
    entry.user = sip.user.map(Spanned::into_inner);
    entry.password = sip.password.map(Spanned::into_inner);
    entry.register = sip.register.is_some_and(Spanned::into_inner);
    entry.sources = sip.sources.into_iter().map(Spanned::into_inner).collect();
    entry.media = sip.media.into_iter().map(Spanned::into_inner).collect();
    entry.probe = sip.probe;
    entry.trusted = sip.trusted.is_some_and(Spanned::into_inner);
    entry.transit = trunk.transit.is_some_and(Spanned::into_inner);
    GroupPlace { group: entry.group, priority: entry.priority, weight: entry.weight } = place;
    if sip.refer.is_some_and(|refer| !refer.into_inner()) {
        entry.transfers = Referrals::Refused;
    }
    entry.joins = sip.joins.unwrap_or(entry.joins);
    entry.keys = sip.keys.unwrap_or(entry.keys);
    entry.follows = sip.follows.unwrap_or(entry.follows);
    if let Some(channels) = trunk.channels {
        entry.channels = u32::try_from(channels.into_inner()).unwrap_or(entry.channels);
    }
    Some(entry)
}

/// What the exchange is told of a group.
pub(super) fn group_entry(group: TrunkGroup) -> Option<TrunkGroupEntry> {
    let channels = group.channels.and_then(|channels| u32::try_from(channels.into_inner()).ok());
    Some(TrunkGroupEntry { id: group.id?.into_inner(), channels })
}
