//! The file as it stands: each section read into typed values that keep their places, before anything is compared
//! with anything else.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use strowger_exchange::{
    CallTimers, Codec, Country, DialectChoice, FeaturePlan, Features, GatewayProtocol, MegacoEncoding,
    MegacoProfile, MegacoTransport, NoSignals, RouteTarget, SipDigest,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Report;
use super::features;
use super::mmsc::Mmsc;
use super::phone::Phone;
use super::push::Push;
use super::reader::{Place, Table, excerpt, found};
use super::schema::{self, nearest};
use super::secure::Files;
use super::subscription::{Services, Subscribed};
use super::trunk::{Trunk, TrunkGroup};
use crate::admission::Limits;

/// All sections. A value that could not be read is absent here and named in the report.
#[derive(Default)]
pub(super) struct Raw {
    pub(super) name: Option<Spanned<String>>,
    pub(super) country: Option<Country>,
    pub(super) media: Option<Spanned<Media>>,
    pub(super) codecs: Vec<Codec>,
    pub(super) agent: Option<Spanned<SocketAddr>>,
    /// None when the file does not say.
    pub(super) digests: Vec<SipDigest>,
    pub(super) open: Option<Spanned<bool>>,
    /// The keys of `[listen]`, legible or not.
    pub(super) listen: Option<BTreeSet<&'static str>>,
    /// It is there, and no table.
    pub(super) listen_is_illegible: bool,
    pub(super) mgcp: Option<Spanned<SocketAddr>>,
    pub(super) megaco_text: Option<Spanned<SocketAddr>>,
    pub(super) megaco_binary: Option<Spanned<SocketAddr>>,
    pub(super) sip: Option<Spanned<SocketAddr>>,
    pub(super) sips: Option<Spanned<SocketAddr>>,
    pub(super) tls: Option<Files>,
    pub(super) name_servers: Vec<SocketAddr>,
    pub(super) console: Option<Spanned<SocketAddr>>,
    pub(super) busy_poll: Duration,
    pub(super) store: Option<Store>,
    pub(super) cdr: Option<Spanned<String>>,
    pub(super) capture: Option<Capture>,
    pub(super) limits: Limits,
    pub(super) gateways: Vec<Gateway>,
    pub(super) lines: Vec<Line>,
    pub(super) routes: Vec<Route>,
    pub(super) trunks: Vec<Trunk>,
    pub(super) trunk_groups: Vec<TrunkGroup>,
    pub(super) timers: CallTimers,
    /// None when there was nothing to read.
    pub(super) features: Option<FeaturePlan>,
    pub(super) services: Services,
    pub(super) push: Push,
    pub(super) mmsc: Mmsc,
}

/// `[exchange] media`.
pub(super) enum Media {
    Direct,
    Relay(String),
}

/// `[store]`.
pub(super) struct Store {
    pub(super) kind: StoreKind,
    pub(super) path: Option<Spanned<String>>,
    pub(super) span: Range<usize>,
}

/// `[store] kind`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreKind {
    Embedded,
    Memory,
    /// Not legible; the report has it.
    Unread,
}

/// `[capture]`.
pub(super) struct Capture {
    pub(super) path: Option<Spanned<String>>,
    pub(super) max_mb: Option<Spanned<u64>>,
    pub(super) files: Option<Spanned<u64>>,
}

/// `[[gateway]]`.
pub(super) struct Gateway {
    pub(super) id: Option<Spanned<String>>,
    pub(super) address: Option<Spanned<SocketAddr>>,
    /// A name in the place of the address, with a port.
    pub(super) host: Option<Spanned<String>>,
    pub(super) domain: Option<Spanned<String>>,
    /// None when it could not be read.
    pub(super) protocol: Option<GatewayProtocol>,
    pub(super) dialect: DialectChoice,
    pub(super) mid: Option<Spanned<String>>,
    pub(super) transport: MegacoTransport,
    /// None when it could not be read.
    pub(super) encoding: Option<MegacoEncoding>,
    pub(super) no_signals: NoSignals,
    pub(super) names: Option<Spanned<String>>,
    pub(super) profiles: Vec<MegacoProfile>,
    /// Which keys of one protocol alone are there, and where.
    pub(super) keys: Vec<(&'static str, Range<usize>)>,
    pub(super) span: Range<usize>,
    pub(super) media: Vec<Spanned<IpAddr>>,
    pub(super) relay: Option<Spanned<String>>,
    pub(super) codecs: Vec<Codec>,
}

/// `[[line]]`.
pub(super) struct Line {
    pub(super) number: Option<Spanned<String>>,
    pub(super) gateway: Option<Spanned<String>>,
    pub(super) endpoint: Option<Spanned<String>>,
    pub(super) phone: Option<Phone>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) codecs: Vec<Codec>,
    pub(super) features: Features,
    pub(super) subscribed: Subscribed,
}

/// `[[route]]`.
pub(super) struct Route {
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) strip: Option<Spanned<u64>>,
    pub(super) add: Option<Spanned<String>>,
    pub(super) length: Option<Spanned<RangeInclusive<u8>>>,
    pub(super) to: Option<Spanned<Vec<Spanned<RouteTarget>>>>,
}

impl Raw {
    /// Reads the whole file.
    pub(super) fn read(file: &Spanned<DeTable<'_>>, report: &mut Report) -> Self {
        let root = Table::root(file, &schema::ROOT, report);
        let mut raw = Self::default();
        if let Some(table) = root.table("exchange", &schema::EXCHANGE, report) {
            raw.read_exchange(&table, report);
        }
        if let Some(table) = root.table("listen", &schema::LISTEN, report) {
            raw.listen = Some(table.named());
            raw.mgcp = table.address("mgcp", report);
            raw.megaco_text = table.address("megaco_text", report);
            raw.megaco_binary = table.address("megaco_binary", report);
            raw.sip = table.address("sip", report);
            raw.sips = table.address("sips", report);
            raw.console = table.address("console", report);
            let busy_poll = table.integer("busy_poll", BUSY_POLL, report).map(Spanned::into_inner);
            raw.busy_poll = Duration::from_micros(busy_poll.unwrap_or_default());
        }
        raw.listen_is_illegible = raw.listen.is_none() && root.named().contains("listen");
        if let Some(table) = root.table("dns", &schema::DNS, report) {
            raw.name_servers = table.servers("servers", report);
        }
        raw.tls = root.table("tls", &schema::TLS, report).map(|table| Files::read(&table, report));
        raw.store = root.table("store", &schema::STORE, report).map(|table| Store::read(&table, report));
        if let Some(table) = root.table("records", &schema::RECORDS, report) {
            raw.cdr = table.string("cdr", report);
        }
        raw.capture = root.table("capture", &schema::CAPTURE, report).map(|table| Capture {
            path: table.required_string("path", report),
            max_mb: table.integer("max_mb", 1..=1_000_000, report),
            files: table.integer("files", 1..=1000, report),
        });
        if let Some(table) = root.table("limits", &schema::LIMITS, report) {
            raw.limits = read_limits(&table, report);
        }
        if let Some(table) = root.table("timers", &schema::TIMERS, report) {
            raw.timers = read_timers(&table, report);
        }
        raw.features = Some(features::plan(&root, FeaturePlan::of(raw.country.unwrap_or_default()), report));
        raw.services = Services::read(&root, raw.country.unwrap_or_default(), report);
        raw.push = Push::read(&root, report);
        raw.mmsc = Mmsc::read(&root, report);
        let tables = root.tables("gateway", &schema::GATEWAY, report);
        raw.gateways = tables.iter().map(|table| Gateway::read(table, report)).collect();
        let tables = root.tables("line", &schema::LINE, report);
        raw.lines = tables.iter().map(|table| Line::read(table, report)).collect();
        let tables = root.tables("trunk", &schema::TRUNK, report);
        raw.trunks = tables.iter().map(|table| Trunk::read(table, report)).collect();
        let tables = root.tables("trunk_group", &schema::TRUNK_GROUP, report);
        raw.trunk_groups = tables.iter().map(|table| TrunkGroup::read(table, report)).collect();
        let tables = root.tables("route", &schema::ROUTE, report);
        raw.routes = tables.iter().map(|table| Route::read(table, report)).collect();
        raw
    }

    fn read_exchange(&mut self, table: &Table<'_>, report: &mut Report) {
        self.name = table.string("name", report);
        self.open = table.boolean("open", report);
        self.agent = table.address("agent", report);
        self.codecs = codecs(table, report);
        self.digests = super::phone::digests(table, report);
        self.country = table.string("country", report).and_then(|code| match code.get_ref().parse() {
            Ok(country) => Some(country),
            Err(_) => {
                let codes: Vec<_> = Country::codes().collect();
                let found = format!("unknown country \"{}\"", excerpt(code.get_ref()));
                report.error(code.span(), found, format!("expected one of: {}", codes.join(", ")));
                None
            }
        });
        self.media = table.string("media", report).and_then(|text| {
            let media = match text.get_ref().as_str() {
                "direct" => Media::Direct,
                other => match other.strip_prefix("relay:") {
                    Some(gateway) if !gateway.is_empty() => Media::Relay(gateway.to_owned()),
                    _ => {
                        let found = format!("unknown media policy \"{}\"", excerpt(other));
                        let expected =
                            "expected \"direct\" or \"relay:\" and the id of a gateway with a relay";
                        report.error(text.span(), found, expected);
                        return None;
                    }
                },
            };
            Some(Spanned::new(text.span(), media))
        });
    }
}

impl Store {
    fn read(table: &Table<'_>, report: &mut Report) -> Self {
        let kinds = [("embedded", StoreKind::Embedded), ("memory", StoreKind::Memory)];
        let later = [("etcd", "stores shared by several nodes come")];
        let kind = if table.value("kind").is_none() {
            StoreKind::Embedded
        } else {
            choice(table, "kind", "kind of store", &kinds, &later, report).unwrap_or(StoreKind::Unread)
        };
        Self { kind, path: table.string("path", report), span: table.span.clone() }
    }
}

impl Gateway {
    fn read(table: &Table<'_>, report: &mut Report) -> Self {
        let protocols = [("mgcp", GatewayProtocol::Mgcp), ("megaco", GatewayProtocol::Megaco)];
        if table.value("protocol").is_none() {
            table.missing("protocol", report);
        }
        let protocol = choice(table, "protocol", "protocol", &protocols, &[], report);
        let transports = [("udp", MegacoTransport::Udp), ("tcp", MegacoTransport::Tcp)];
        let encodings = [
            ("compact", MegacoEncoding::Compact),
            ("pretty", MegacoEncoding::Pretty),
            ("binary", MegacoEncoding::Binary),
        ];
        let empty = [("braces", NoSignals::Braces), ("token", NoSignals::Token)];
        let dialects = [
            ("auto", DialectChoice::Auto),
            ("rfc3435", DialectChoice::Rfc3435),
            ("rfc2705", DialectChoice::Rfc2705),
            ("mgcp-0.1", DialectChoice::Mgcp01),
            ("ncs", DialectChoice::Ncs),
            ("tgcp", DialectChoice::Tgcp),
            ("osmo", DialectChoice::Osmo),
        ];
        if table.value("address").is_none() {
            table.missing("address", report);
        }
        let (address, host) = match table.place("address", report) {
            Some(place) => match place.get_ref() {
                Place::Address(address) => (Some(Spanned::new(place.span(), *address)), None),
                Place::Host(host) => (None, Some(Spanned::new(place.span(), host.clone()))),
            },
            None => (None, None),
        };
        Self {
            id: table.required_string("id", report),
            address,
            host,
            domain: table.string("domain", report),
            protocol,
            dialect: choice(table, "dialect", "dialect", &dialects, &[], report).unwrap_or_default(),
            mid: table.string("mid", report),
            transport: choice(table, "transport", "transport", &transports, &[], report).unwrap_or_default(),
            names: table.string("names", report),
            profiles: profiles(table, report),
            no_signals: choice(table, "empty_signals", "form", &empty, &[], report).unwrap_or_default(),
            encoding: match table.value("encoding") {
                Some(_) => choice(table, "encoding", "encoding", &encodings, &[], report),
                None => Some(MegacoEncoding::default()),
            },
            keys: ["dialect", "mid", "transport", "encoding", "empty_signals", "names", "profiles"]
                .into_iter()
                .filter(|key| table.value(key).is_some())
                .map(|key| (key, table.key_span(key)))
                .collect(),
            span: table.span.clone(),
            media: addresses(table, "media", report),
            relay: table.string("relay", report),
            codecs: codecs(table, report),
        }
    }
}

impl Line {
    fn read(table: &Table<'_>, report: &mut Report) -> Self {
        // What a telephone that registers lacks of a gateway is no error.
        let analogue = table.value("sip").is_none();
        let mut place = |key| {
            if analogue { table.required_string(key, report) } else { table.string(key, report) }
        };
        let (gateway, endpoint) = (place("gateway"), place("endpoint"));
        Self {
            number: table.required_string("number", report),
            gateway,
            endpoint,
            phone: Phone::read(table, report),
            name: table.string("name", report),
            codecs: codecs(table, report),
            features: features::of_line(table, report),
            subscribed: Subscribed::read(table, report),
        }
    }
}

impl Route {
    fn read(table: &Table<'_>, report: &mut Report) -> Self {
        if table.value("to").is_none() {
            table.missing("to", report);
        }
        let to = table.strings("to", report).map(|targets| {
            let span = targets.span();
            let read = targets.into_inner().into_iter().filter_map(|target| read_target(&target, report));
            Spanned::new(span, read.collect())
        });
        Self {
            prefix: table.required_string("prefix", report),
            strip: table.integer("strip", 0..=32, report),
            add: table.string("add", report),
            length: read_length(table, report),
            to,
        }
    }
}

fn read_target(text: &Spanned<String>, report: &mut Report) -> Option<Spanned<RouteTarget>> {
    let word = text.get_ref();
    if let Ok(target) = word.parse() {
        return Some(Spanned::new(text.span(), target));
    }
    let found = format!("unknown route target \"{}\"", excerpt(word));
    report.error(
        text.span(),
        found,
        "expected \"lines\", \"line:NUMBER\", \"trunk:ID\", \"trunks:ID\" or \"cause:VALUE\" with a value of Q.850",
    );
    None
}

/// `length = 11` or `length = [7, 15]`.
fn read_length(table: &Table<'_>, report: &mut Report) -> Option<Spanned<RangeInclusive<u8>>> {
    let value = table.value("length")?;
    let digits = |value: &Spanned<DeValue<'_>>| -> Option<u8> {
        let number = value.get_ref().as_integer()?;
        u8::from_str_radix(number.as_str(), number.radix()).ok().filter(|count| (1..=32).contains(count))
    };
    let range = match value.get_ref().as_array() {
        None => digits(value).map(|count| count..=count),
        Some(pair) => match (pair.first(), pair.get(1), pair.len()) {
            (Some(low), Some(high), 2) => {
                digits(low).zip(digits(high)).filter(|(low, high)| low <= high).map(|(low, high)| low..=high)
            }
            _ => None,
        },
    };
    if range.is_none() {
        let expected =
            "expected the digits of the whole number, 1 to 32: length = 11, or from and to: length = [7, 15]";
        report.error(value.span(), found(value), expected);
    }
    range.map(|range| Spanned::new(value.span(), range))
}

fn read_timers(table: &Table<'_>, report: &mut Report) -> CallTimers {
    let mut timers = CallTimers::default();
    let mut read = |key: &str, timer: &mut Duration| {
        if let Some(value) = table.seconds(key, report) {
            *timer = value;
        }
    };
    read("first_digit", &mut timers.first_digit);
    read("dialling", &mut timers.dialling);
    read("setup", &mut timers.setup);
    read("ringing", &mut timers.ringing);
    read("transfer", &mut timers.transfer);
    read("returning", &mut timers.returning);
    read("busy_tone", &mut timers.busy_tone);
    read("failure_tone", &mut timers.failure_tone);
    read("howler", &mut timers.howler);
    read("record", &mut timers.record);
    read("retry", &mut timers.retry);
    read("probe", &mut timers.probe);
    timers
}

/// Microseconds: a thread that finds nothing within a thousand would find nothing by being awake for longer.
const BUSY_POLL: RangeInclusive<u64> = 0..=1000;

/// The range of both limits: a gateway that may send less than ten a second cannot set up a call, and a million is no limit.
const LIMIT: RangeInclusive<u64> = 10..=1_000_000;

fn read_limits(table: &Table<'_>, report: &mut Report) -> Limits {
    let mut limits = Limits::default();
    let mut read = |key: &str, limit: &mut u32| {
        let value = table.integer(key, LIMIT, report).map(Spanned::into_inner);
        if let Some(value) = value.and_then(|value| u32::try_from(value).ok()) {
            *limit = value;
        }
    };
    read("gateway_rate", &mut limits.gateway_rate);
    read("gateway_burst", &mut limits.gateway_burst);
    read("peer_rate", &mut limits.peer_rate);
    read("peer_burst", &mut limits.peer_burst);
    limits
}

/// Codecs by their words, the most wanted first.
fn codecs(table: &Table<'_>, report: &mut Report) -> Vec<Codec> {
    let Some(words) = table.strings("codecs", report) else { return Vec::new() };
    if words.get_ref().is_empty() {
        report.error(words.span(), "a list of no codecs", "expected one at least: codecs = [\"pcmu\"]");
    }
    let read = words.into_inner().into_iter().filter_map(|word| match word.get_ref().parse::<Codec>() {
        Ok(codec) => Some(codec),
        Err(_) => {
            let all: Vec<_> = Codec::words().collect();
            let expected = match nearest(word.get_ref(), Codec::words()) {
                Some(near) => format!("did you mean \"{near}\"? Expected some of: {}", all.join(", ")),
                None => format!("expected some of: {}", all.join(", ")),
            };
            report.error(word.span(), format!("unknown codec \"{}\"", excerpt(word.get_ref())), expected);
            None
        }
    });
    read.collect()
}

/// Profiles of Megaco.
fn profiles(table: &Table<'_>, report: &mut Report) -> Vec<MegacoProfile> {
    let Some(texts) = table.strings("profiles", report) else { return Vec::new() };
    let read = texts.into_inner().into_iter().filter_map(|text| {
        let profile = text.get_ref().parse();
        if profile.is_err() {
            let found = format!("\"{}\" is no profile", excerpt(text.get_ref()));
            report.error(text.span(), found, "expected a name and a version: \"ResGW/1\"");
        }
        profile.ok()
    });
    read.collect()
}

/// IP addresses without ports.
pub(super) fn addresses(table: &Table<'_>, key: &str, report: &mut Report) -> Vec<Spanned<IpAddr>> {
    let Some(texts) = table.strings(key, report) else { return Vec::new() };
    let read = texts.into_inner().into_iter().filter_map(|text| match text.get_ref().parse::<IpAddr>() {
        Ok(address) => Some(Spanned::new(text.span(), address.to_canonical())),
        Err(_) => {
            let found = format!("\"{}\" is not an IP address", excerpt(text.get_ref()));
            report.error(text.span(), found, "expected an IP address without a port: \"192.0.2.9\"");
            None
        }
    });
    read.collect()
}

/// One word of a list; words that a later version knows are told apart from unknown ones.
pub(super) fn choice<T: Copy>(
    table: &Table<'_>,
    key: &str,
    what: &str,
    words: &[(&str, T)],
    later: &[(&str, &str)],
    report: &mut Report,
) -> Option<T> {
    let text = table.string(key, report)?;
    let word = text.get_ref().as_str();
    if let Some((_, value)) = words.iter().find(|(known, _)| *known == word) {
        return Some(*value);
    }
    let all: Vec<_> = words.iter().map(|(known, _)| format!("\"{known}\"")).collect();
    let all = all.join(", ");
    if let Some((_, subject)) = later.iter().find(|(known, _)| *known == word) {
        let found = format!("{what} \"{word}\" is not supported by this version yet");
        report.error(text.span(), found, format!("{subject} with a later version; expected {all}"));
        return None;
    }
    let expected = match nearest(word, words.iter().map(|(known, _)| *known)) {
        Some(near) => format!("did you mean \"{near}\"? Expected {all}"),
        None => format!("expected {all}"),
    };
    report.error(text.span(), format!("unknown {what} \"{}\"", excerpt(word)), expected);
    None
}
