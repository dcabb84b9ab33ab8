//! What no single value shows: names that must be unique or must exist, addresses that cannot work together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use strowger_exchange::{
    Codec, CodecPlan, GatewayEntry, GatewayProtocol, Inventory, MediaPolicy, MegacoEntry, NamePlan,
    RelayEntry, RouteEntry, RouteTarget, SipSocket, SipTransport,
};
use toml::Spanned;

use super::diagnostic::Report;
use super::listen;
use super::names::{self, Wildcard};
use super::push::Submitted;
use super::raw::{Gateway, Line, Media, Raw, Route, StoreKind};
use super::reader::excerpt;
use super::schema::nearest;
use super::secure;
use super::subscription;
use super::trunk;
use super::{CaptureConfig, Config, Listen, StoreConfig};

/// The name of an exchange that was not given one.
const NAME: &str = "strowger";
/// How much of the exchange's own signalling is kept when the file does not say.
const CAPTURE_MB: u64 = 64;
const CAPTURE_FILES: u64 = 4;

/// Checks `raw` as a whole and makes a configuration of it, which is good only if the report has no errors.
pub(super) fn check(raw: Raw, report: &mut Report) -> Config {
    let mut inventory = Inventory::new(NAME, raw.country.unwrap_or_default());
    if let Some(name) = &raw.name {
        refuse(name, "exchange name", names::identifier_fault, report);
        inventory.name.clone_from(name.get_ref());
    }
    listen::check(&raw, report);
    let gateways = check_gateways(&raw, report);
    let mut numbers = check_lines(&raw, &gateways, report);
    let lines = raw.lines.iter().map(|line| (line.number.as_ref(), &line.subscribed));
    subscription::check(&raw.services, lines, &mut numbers, report);
    let trunks = trunk::check(&raw, report);
    super::circuit::check(&raw, &gateways, report);
    super::phone::check(&raw, report);
    check_routes(&raw.routes, &numbers, &trunks, report);
    check_media(&raw, &gateways, report);
    let tls = secure::check(raw.sips.as_ref(), listen::names(&raw, "sips"), raw.tls.as_ref(), report);
    let trunk_tls = trunk::tls(&raw, report);
    let store = check_store(&raw, report);
    check_paths(&raw, report);
    let submitted = if raw.mmsc.is_there() { Submitted::ByMmsc } else { Submitted::ByUsers };
    let push = raw.push.check(submitted, report);
    let mmsc = raw.mmsc.check(push.as_ref(), report);

    inventory.agent_address = raw.agent.as_ref().map(|agent| *agent.get_ref());
    inventory.timers = raw.timers;
    super::phone::take_digests(&mut inventory, raw.digests);
    inventory.codecs = codec_plan(raw.codecs, &raw.gateways, &raw.lines);
    inventory.features = raw.features.unwrap_or(inventory.features);
    inventory.media = match raw.media.map(Spanned::into_inner) {
        Some(Media::Relay(gateway)) => MediaPolicy::Relay { gateway },
        Some(Media::Direct) | None => MediaPolicy::Direct,
    };
    inventory.gateways = raw.gateways.into_iter().filter_map(gateway_entry).collect();
    raw.services.fill(&mut inventory);
    for mut line in raw.lines {
        let subscription = line.subscribed.take();
        let Some(entry) = super::phone::line_entry(line) else { continue };
        if let Some(subscription) = subscription {
            inventory.subscriptions.insert(entry.number.clone(), subscription);
        }
        inventory.lines.push(entry);
    }
    let sip = raw.sip.map(Spanned::into_inner);
    // Whoever takes datagrams takes connections (RFC 3261 section 18.2.1).
    let transports = [SipTransport::Udp, SipTransport::Tcp];
    let sockets =
        sip.iter().flat_map(|address| transports.map(|transport| SipSocket { transport, address: *address }));
    inventory.sip.extend(sockets);
    let sips = raw.sips.map(Spanned::into_inner);
    inventory.sip.extend(sips.map(|address| SipSocket { transport: SipTransport::Tls, address }));
    let mut trunks_read = raw.trunks;
    inventory.circuit_trunks = trunk::circuit_entries(&mut trunks_read);
    inventory.trunks = trunks_read.into_iter().filter_map(trunk::entry).collect();
    inventory.trunk_groups = raw.trunk_groups.into_iter().filter_map(trunk::group_entry).collect();
    inventory.routes = raw.routes.into_iter().filter_map(route_entry).collect();
    if report.errors() == 0 {
        // The exchange has the last word: what it refuses and nothing above has found is still an error.
        for fault in inventory.check() {
            report.error(0..0, fault.to_string(), "expected an inventory without contradictions");
        }
    }
    let capture = raw.capture.and_then(|capture| {
        let max_mb = capture.max_mb.map_or(CAPTURE_MB, Spanned::into_inner);
        Some(CaptureConfig {
            path: PathBuf::from(capture.path?.into_inner()),
            max_bytes: max_mb * 1_000_000,
            files: capture.files.map_or(CAPTURE_FILES, Spanned::into_inner),
        })
    });
    Config {
        inventory,
        listen: Listen {
            mgcp: raw.mgcp.map(Spanned::into_inner),
            megaco_text: raw.megaco_text.map(Spanned::into_inner),
            megaco_binary: raw.megaco_binary.map(Spanned::into_inner),
            sip,
            sips,
            console: raw.console.map(Spanned::into_inner),
            busy_poll: raw.busy_poll,
        },
        store,
        cdr: raw.cdr.map(|path| PathBuf::from(path.into_inner())),
        capture,
        limits: raw.limits,
        tls,
        trunk_tls,
        name_servers: raw.name_servers,
        push,
        mmsc,
    }
}

/// The gateways by id.
fn check_gateways<'r>(raw: &'r Raw, report: &mut Report) -> BTreeMap<&'r str, &'r Gateway> {
    let mut ids: BTreeMap<&str, &Gateway> = BTreeMap::new();
    let mut addresses: BTreeMap<SocketAddr, Range<usize>> = BTreeMap::new();
    let mut hosts: BTreeMap<&String, Range<usize>> = BTreeMap::new();
    for gateway in &raw.gateways {
        if let Some(id) = &gateway.id {
            refuse(id, "gateway id", names::identifier_fault, report);
            let first = ids.get(id.get_ref().as_str()).and_then(|first| first.id.as_ref());
            match first.map(Spanned::span) {
                Some(first) => twice(id, "gateway id", first, report),
                None => {
                    ids.insert(id.get_ref(), gateway);
                }
            }
        }
        if let Some(address) = &gateway.address {
            check_address(address, listen::heard_at(gateway, raw), report);
            match addresses.get(address.get_ref()) {
                Some(first) => report.error_with(
                    address.span(),
                    format!("two gateways have the address {}", address.get_ref()),
                    "expected an address of its own: gateways are told apart by it",
                    (first.clone(), "first given here"),
                ),
                None => {
                    addresses.insert(*address.get_ref(), address.span());
                }
            }
        }
        if let Some(host) = &gateway.host {
            match hosts.get(host.get_ref()) {
                Some(first) => report.error_with(
                    host.span(),
                    format!("two gateways are at \"{}\"", excerpt(host.get_ref())),
                    "expected a host name and port of its own: gateways are told apart by them",
                    (Range::clone(first), "first given here"),
                ),
                None => {
                    hosts.insert(host.get_ref(), host.span());
                }
            }
        }
        check_protocol(gateway, report);
        check_megaco(gateway, report);
        if let Some(domain) = &gateway.domain {
            refuse(domain, "domain", names::domain_fault, report);
        }
        if let Some(relay) = &gateway.relay {
            refuse(relay, "relay endpoint", |name| names::endpoint_fault(name, Wildcard::Last), report);
        }
    }
    ids
}

/// Whether what stands with a gateway is of its protocol.
fn check_protocol(gateway: &Gateway, report: &mut Report) {
    // Of an unknown protocol nothing is foreign.
    let Some(protocol) = gateway.protocol else { return };
    let (name, foreign): (_, &[&str]) = match protocol {
        GatewayProtocol::Mgcp => {
            ("MGCP", &["mid", "transport", "encoding", "empty_signals", "names", "profiles"])
        }
        GatewayProtocol::Megaco => ("Megaco", &["dialect"]),
    };
    for (key, span) in gateway.keys.iter().filter(|(key, _)| foreign.contains(key)) {
        let found = format!("`{key}` says nothing of a gateway that speaks {name}");
        report.error(span.clone(), found, "expected the key to be left out");
    }
    if protocol == GatewayProtocol::Megaco
        && let Some(relay) = gateway.relay.as_ref().filter(|relay| !relay.get_ref().ends_with('$'))
    {
        let found = format!("\"{}\" lets a Megaco gateway choose no stream", excerpt(relay.get_ref()));
        report.error(relay.span(), found, "expected the name of its streams with `$` at the end: \"rtp/$\"");
    }
}

/// What only a gateway that speaks Megaco has, whatever is said of its protocol.
fn check_megaco(gateway: &Gateway, report: &mut Report) {
    if let Some(names) = &gateway.names
        && names.get_ref().parse::<NamePlan>().is_err()
    {
        let found = format!("\"{}\" is no plan of names", excerpt(names.get_ref()));
        report.error(
            names.span(),
            found,
            "expected levels with slashes between, each its bits and their form: \"8:aaln,rtp,ds/24:number\" or \"8:bits/8:bits/8:bits\"",
        );
    }
    if let Some(mid) = &gateway.mid
        && !MegacoEntry::is_legal_mid(mid.get_ref())
    {
        report.error(
            mid.span(),
            format!("\"{}\" is no message identifier", excerpt(mid.get_ref())),
            "expected it as it stands in messages: \"<gw1.town>\", \"[192.0.2.9]:2944\" or a device's name",
        );
    }
}

/// Whether commands can go from the listening socket to a gateway's address.
pub(super) fn check_address(
    address: &Spanned<SocketAddr>,
    listen: Option<&Spanned<SocketAddr>>,
    report: &mut Report,
) {
    let to = *address.get_ref();
    let expected = "expected the address and port where it is spoken to: \"192.0.2.9:2427\"";
    if to.ip().is_unspecified() || to.ip().is_multicast() || to.port() == 0 {
        report.error(address.span(), format!("{to} is not the address of one host"), expected);
        return;
    }
    let Some(listen) = listen else { return };
    let from = *listen.get_ref();
    let place = (listen.span(), "listening here");
    if from == to {
        report.error_with(address.span(), format!("{to} is the exchange's own address"), expected, place);
    } else if from.is_ipv4() != to.is_ipv4() && !(from.is_ipv6() && from.ip().is_unspecified()) {
        report.error_with(
            address.span(),
            format!("{to} cannot be reached from {from}"),
            "expected both IPv4 or both IPv6 (listening on \"[::]:2727\" does both)",
            place,
        );
    } else if from.ip().is_loopback() && !to.ip().is_loopback() {
        report.warning(
            address.span(),
            format!("{to} will hardly be reached from {from}, which is loopback"),
            "expected [listen] to have an address that the gateway can reach",
        );
    }
}

/// The lines' places by number.
fn check_lines<'r>(
    raw: &'r Raw,
    gateways: &BTreeMap<&str, &Gateway>,
    report: &mut Report,
) -> BTreeMap<&'r str, Range<usize>> {
    let mut numbers: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let mut endpoints: BTreeMap<(&str, String), Range<usize>> = BTreeMap::new();
    for line in &raw.lines {
        if let Some(number) = &line.number {
            refuse(number, "number", names::number_fault, report);
            match numbers.get(number.get_ref().as_str()) {
                Some(first) => twice(number, "number", first.clone(), report),
                None => {
                    numbers.insert(number.get_ref(), number.span());
                }
            }
        }
        if let Some(gateway) = &line.gateway
            && !gateways.contains_key(gateway.get_ref().as_str())
        {
            unknown_gateway(gateway.get_ref(), gateway.span(), gateways, report);
        }
        if let Some(endpoint) = &line.endpoint {
            refuse(endpoint, "endpoint", |name| names::endpoint_fault(name, Wildcard::Forbidden), report);
            if let Some(gateway) = &line.gateway {
                let key = (gateway.get_ref().as_str(), endpoint.get_ref().to_lowercase());
                match endpoints.get(&key) {
                    Some(first) => report.error_with(
                        endpoint.span(),
                        format!("two lines hang on the endpoint \"{}\"", excerpt(endpoint.get_ref())),
                        "expected an endpoint of its own",
                        (first.clone(), "first given here"),
                    ),
                    None => {
                        endpoints.insert(key, endpoint.span());
                    }
                }
            }
        }
        if let Some(name) = &line.name {
            refuse(name, "name", names::display_name_fault, report);
        }
    }
    numbers
}

fn check_routes(
    routes: &[Route],
    numbers: &BTreeMap<&str, Range<usize>>,
    trunks: &trunk::Places<'_>,
    report: &mut Report,
) {
    let mut prefixes: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for route in routes {
        if let Some(prefix) = &route.prefix {
            refuse(prefix, "prefix", names::number_fault, report);
            match prefixes.get(prefix.get_ref().as_str()) {
                Some(first) => twice(prefix, "prefix", first.clone(), report),
                None => {
                    prefixes.insert(prefix.get_ref(), prefix.span());
                }
            }
            let digits = prefix.get_ref().len();
            if let Some(strip) = &route.strip
                && usize::try_from(*strip.get_ref()).is_ok_and(|strip| strip > digits)
            {
                let found = format!("{} digits are stripped from a prefix of {digits}", strip.get_ref());
                let expected = format!("expected at most {digits}");
                report.error_with(strip.span(), found, expected, (prefix.span(), "the prefix"));
            }
            if let Some(length) = &route.length
                && usize::from(*length.get_ref().end()) < digits
            {
                let found = "the whole number is shorter than its prefix";
                let expected = format!("expected at least {digits}");
                report.error_with(length.span(), found, expected, (prefix.span(), "the prefix"));
            }
        }
        if let Some(add) = &route.add
            && !add.get_ref().is_empty()
        {
            refuse(add, "number to add", names::number_fault, report);
        }
        check_targets(route, numbers, trunks, report);
    }
}

fn check_targets(
    route: &Route,
    numbers: &BTreeMap<&str, Range<usize>>,
    trunks: &trunk::Places<'_>,
    report: &mut Report,
) {
    let Some(to) = &route.to else { return };
    for target in to.get_ref() {
        trunks.check_target(target, report);
        if let RouteTarget::Line(number) = target.get_ref()
            && !numbers.contains_key(number.as_str())
        {
            let expected = match nearest(number, numbers.keys().copied()) {
                Some(near) => format!("did you mean \"line:{near}\"?"),
                None => "expected the number of a [[line]]".to_owned(),
            };
            report.error(
                target.span(),
                format!("there is no line with the number \"{}\"", excerpt(number)),
                expected,
            );
        }
    }
    // Targets that could not be read are in the report already; an empty list is an error of its own.
    if to.get_ref().is_empty() && !report.has_within(&to.span()) {
        report.error(to.span(), "the route has no target", "expected a target: to = [\"lines\"]");
    }
}

fn check_media(raw: &Raw, gateways: &BTreeMap<&str, &Gateway>, report: &mut Report) {
    let Some(media) = &raw.media else { return };
    let Media::Relay(id) = media.get_ref() else { return };
    match gateways.get(id.as_str()) {
        None => unknown_gateway(id, media.span(), gateways, report),
        Some(gateway) if gateway.relay.is_none() => {
            let related = gateway.id.as_ref().map_or(media.span(), Spanned::span);
            report.error_with(
                media.span(),
                format!("the gateway \"{id}\" has no relay"),
                "expected the id of a gateway that has a `relay` endpoint",
                (related, "add here: relay = \"relay/$\""),
            );
        }
        Some(_) => {}
    }
}

fn check_store(raw: &Raw, report: &mut Report) -> StoreConfig {
    let Some(store) = &raw.store else { return StoreConfig::Memory };
    match (store.kind, &store.path) {
        (StoreKind::Embedded, Some(path)) => StoreConfig::Embedded { path: PathBuf::from(path.get_ref()) },
        (StoreKind::Embedded, None) => {
            let expected = "expected path = \"town.redb\", or kind = \"memory\" to keep nothing";
            report.error(store.span.clone(), "the embedded store has no `path`", expected);
            StoreConfig::Memory
        }
        (StoreKind::Memory, Some(path)) => {
            report.error(
                path.span(),
                "a store in memory has no path",
                "expected kind = \"embedded\", or no path",
            );
            StoreConfig::Memory
        }
        (StoreKind::Memory, None) | (StoreKind::Unread, _) => StoreConfig::Memory,
    }
}

/// Files that are written must be told apart.
fn check_paths(raw: &Raw, report: &mut Report) {
    let store = raw.store.as_ref().and_then(|store| store.path.as_ref());
    let capture = raw.capture.as_ref().and_then(|capture| capture.path.as_ref());
    let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let messaging = [raw.push.store.as_ref(), raw.mmsc.store.as_ref()];
    for path in [store, raw.cdr.as_ref(), capture].into_iter().chain(messaging).flatten() {
        if path.get_ref().is_empty() {
            report.error(path.span(), "the path is empty", "expected the name of a file or folder");
        } else if let Some(first) = seen.get(path.get_ref().as_str()) {
            twice(path, "path", first.clone(), report);
        } else {
            seen.insert(path.get_ref(), path.span());
        }
    }
}

pub(super) fn refuse(
    text: &Spanned<String>,
    what: &str,
    fault: impl Fn(&str) -> Option<&'static str>,
    report: &mut Report,
) {
    if let Some(reason) = fault(text.get_ref()) {
        report.error(text.span(), format!("\"{}\" is no legal {what}", excerpt(text.get_ref())), reason);
    }
}

pub(super) fn twice(text: &Spanned<String>, what: &str, first: Range<usize>, report: &mut Report) {
    let found = format!("{what} \"{}\" is given twice", excerpt(text.get_ref()));
    report.error_with(text.span(), found, format!("expected each {what} once"), (first, "first given here"));
}

pub(super) fn unknown_gateway(
    id: &str,
    span: Range<usize>,
    gateways: &BTreeMap<&str, &Gateway>,
    report: &mut Report,
) {
    let expected = match nearest(id, gateways.keys().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "expected the id of a [[gateway]]".to_owned(),
    };
    report.error(span, format!("there is no gateway with the id \"{}\"", excerpt(id)), expected);
}

fn codec_plan(exchange: Vec<Codec>, gateways: &[Gateway], lines: &[Line]) -> CodecPlan {
    let named = |name: &Option<Spanned<String>>, codecs: &Vec<Codec>| {
        let name = name.as_ref()?.get_ref().clone();
        (!codecs.is_empty()).then(|| (name, codecs.clone()))
    };
    CodecPlan {
        exchange,
        gateways: gateways.iter().filter_map(|gateway| named(&gateway.id, &gateway.codecs)).collect(),
        lines: lines.iter().filter_map(|line| named(&line.number, &line.codecs)).collect(),
    }
}

fn gateway_entry(gateway: Gateway) -> Option<GatewayEntry> {
    let id = gateway.id?.into_inner();
    let domain = gateway.domain.map(Spanned::into_inner);
    // Without a domain of its own a gateway is known by its address (RFC 3435 section 2.1.2), or by the name of its host.
    let entry = match (gateway.address, gateway.host) {
        (_, Some(host)) => {
            let host = host.into_inner();
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            GatewayEntry::mgcp_named(&id, &host, domain.as_deref().unwrap_or(name))
        }
        (address, None) => {
            let address = address?.into_inner();
            GatewayEntry::mgcp(&id, address, &domain.unwrap_or_else(|| format!("[{}]", address.ip())))
        }
    };
    let mid = gateway.mid.map(Spanned::into_inner);
    Some(GatewayEntry {
        protocol: gateway.protocol?,
        megaco: MegacoEntry {
            mid,
            transport: gateway.transport,
            encoding: gateway.encoding?,
            no_signals: gateway.no_signals,
            names: gateway.names.and_then(|names| names.get_ref().parse().ok()),
            profiles: gateway.profiles,
        },
        dialect: gateway.dialect,
        media: gateway.media.into_iter().map(Spanned::into_inner).collect(),
        relay: gateway.relay.map(|endpoint| RelayEntry { endpoint: endpoint.into_inner() }),
        ..entry
    })
}

fn route_entry(route: Route) -> Option<RouteEntry> {
    Some(RouteEntry {
        prefix: route.prefix?.into_inner(),
        strip: usize::try_from(route.strip.map_or(0, Spanned::into_inner)).unwrap_or(usize::MAX),
        add: route.add.map(Spanned::into_inner).unwrap_or_default(),
        length: route.length.map(Spanned::into_inner),
        to: route.to?.into_inner().into_iter().map(Spanned::into_inner).collect(),
    })
}
