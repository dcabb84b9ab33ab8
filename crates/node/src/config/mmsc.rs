//! `[mmsc]`, `[[subscriber]]`: the multimedia messaging service centre.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use strowger_messaging::http::client::Url;
use strowger_messaging::mmsc::{MmscConfig, MmscSettings, Party, Subscriber};
use strowger_messaging::push::{Address, PushConfig, policy};
use toml::Spanned;

use super::application::Applications;
use super::diagnostic::Report;
use super::mail::MailKeys;
use super::names;
use super::push::{fault, networks, to_network};
use super::reader::{Table, excerpt};
use super::schema;

/// Two weeks in seconds.
const LONGEST: u64 = 14 * 86_400;
/// Octets of the largest message that can be allowed: it is held in memory while it comes in and goes out.
const LARGEST: u64 = 100 * 1024 * 1024;
/// Octets of the headers beside the largest content.
const HEADERS: usize = 16 * 1024;
/// The longest content location: a notification with a longer one fits no handset.
const BASE: usize = 100;

/// A subscriber with the places of what must fit to something else.
struct Entry {
    span: Range<usize>,
    number: Option<Spanned<String>>,
    networks: Vec<Spanned<String>>,
    /// Whether it has the key, legible or not.
    has_networks: bool,
    push: Option<Spanned<SocketAddr>>,
}

/// The sections with the places of what must fit to something else.
#[derive(Default)]
pub(super) struct Mmsc {
    settings: MmscSettings,
    /// `[mmsc]`, if it is there.
    span: Option<Range<usize>>,
    /// Its keys that are there, legible or not.
    named: BTreeSet<&'static str>,
    /// And the tables of the file.
    tables: BTreeSet<&'static str>,
    listen: Option<Spanned<SocketAddr>>,
    base: Option<Spanned<String>>,
    pub(super) store: Option<Spanned<String>>,
    header: Option<Spanned<String>>,
    proxies: Option<Range<usize>>,
    subscribers: Vec<Entry>,
    applications_listen: Option<Spanned<SocketAddr>>,
    applications: Applications,
    mail: MailKeys,
}

impl Mmsc {
    pub(super) fn read(root: &Table<'_>, report: &mut Report) -> Self {
        let mut mmsc = Self { tables: root.named(), ..Self::default() };
        if let Some(table) = root.table("mmsc", &schema::MMSC, report) {
            mmsc.span = Some(root.key_span("mmsc"));
            mmsc.named = table.named();
            mmsc.read_centre(&table, report);
        }
        for table in root.tables("subscriber", &schema::SUBSCRIBER, report) {
            mmsc.read_subscriber(&table, report);
        }
        mmsc.applications = Applications::read(root, report);
        mmsc.mail.read_peers(root, report);
        mmsc
    }

    /// Whether there is anything of it in the file.
    pub(super) fn is_there(&self) -> bool {
        self.span.is_some() || self.tables.contains("mmsc")
    }

    fn read_centre(&mut self, table: &Table<'_>, report: &mut Report) {
        if let Some(name) = table.string("name", report) {
            fault(&name, "MMSC name", names::identifier_fault, report);
            self.settings.engine.name = name.into_inner();
        }
        self.listen = table.address("listen", report);
        self.base = table.string("base", report);
        self.applications_listen = table.address("applications", report);
        self.mail.read_centre(table, report);
        self.store = table.string("store", report);
        self.settings.proxies = networks(table, "proxies", report);
        self.proxies = table.value("proxies").map(Spanned::span);
        self.header = table.string("header", report);
        read_times(table, &mut self.settings.engine, report);
        read_limits(table, &mut self.settings.engine, report);
        let limits = &mut self.settings.limits;
        limits.request = self.settings.engine.message_octets + HEADERS;
        if let Some(connections) = table.integer("connections", 1..=100_000, report) {
            limits.connections = to_usize(connections.into_inner());
        }
        if let Some(patience) = table.seconds("patience", report) {
            limits.patience = patience;
        }
    }

    fn read_subscriber(&mut self, table: &Table<'_>, report: &mut Report) {
        let number = table.required_string("number", report);
        if let Some(number) = &number {
            let not_one = |text: &str| {
                Party::number(text).is_none().then_some("expected digits, with + when it is international")
            };
            fault(number, "number", not_one, report);
        }
        let mut kept = Vec::new();
        if let Some(texts) = table.strings("networks", report) {
            kept = texts.into_inner();
            kept.retain(|text| to_network(text, report).is_some());
        }
        let push = table.address("push", report);
        let (span, has_networks) = (table.span.clone(), table.named().contains("networks"));
        self.subscribers.push(Entry { span, number, networks: kept, has_networks, push });
    }

    /// Checks it as a whole, with the push gateway that notifies, and makes settings of it.
    pub(super) fn check(self, push: Option<&PushConfig>, report: &mut Report) -> Option<MmscSettings> {
        let numbers = self.check_subscribers(report);
        let Some(span) = self.span.clone() else {
            let stray = self.subscribers.first().map(|entry| entry.span.clone());
            let stray = stray.or(self.applications.first()).or(self.mail.first());
            if let Some(stray) = stray.filter(|_| !self.tables.contains("mmsc")) {
                report.error(stray, "there is no table [mmsc]", "expected [mmsc] with `listen`");
            }
            return None;
        };
        self.check_listen(&span, report);
        self.check_proxies(&span, report);
        match push {
            Some(push) => self.check_ways(push, report),
            None if !self.tables.contains("push") => {
                let expected = "expected [push] with `udp` and `networks`, or with a [[smsc]]";
                report.error(span.clone(), "handsets cannot be notified: there is no table [push]", expected);
            }
            None => {}
        }
        if self.store.is_none() {
            report.warning(span, "accepted messages are kept in memory", "expected store = \"mmsc\"");
        }
        let mut settings = self.settings;
        settings.listen = self.listen.map(Spanned::into_inner);
        settings.store = self.store.map(|folder| PathBuf::from(folder.into_inner()));
        settings.header = self.header.map(Spanned::into_inner).unwrap_or_default();
        settings.engine.base = self.base.map(Spanned::into_inner).unwrap_or_default();
        settings.applications = self.applications.check(
            self.applications_listen.as_ref(),
            self.named.contains("applications"),
            &numbers,
            report,
        );
        settings.mail = self.mail.check(report);
        settings.applications_listen = self.applications_listen.map(Spanned::into_inner);
        settings.subscribers = self.subscribers.into_iter().filter_map(Entry::into_subscriber).collect();
        Some(settings)
    }

    fn check_listen(&self, span: &Range<usize>, report: &mut Report) {
        match &self.listen {
            None if !self.named.contains("listen") => {
                let expected = "expected listen = \"127.0.0.1:8190\"";
                report.error(span.clone(), "handsets cannot come: [mmsc] has no `listen`", expected);
            }
            Some(listen) if self.base.is_none() && listen.get_ref().ip().is_unspecified() => report.error(
                listen.span(),
                format!("{} is no address that a handset can fetch from", listen.get_ref()),
                "expected `base` in [mmsc]: base = \"http://192.0.2.1:8190/\"",
            ),
            _ => {}
        }
        let engine = &self.settings.engine;
        if engine.expiry > engine.longest_expiry {
            let found = format!("messages are kept for {} s", engine.expiry.as_secs());
            let expected =
                format!("expected `lifetime` up to `longest_lifetime`: {}", engine.longest_expiry.as_secs());
            report.error(span.clone(), found, expected);
        }
        let Some(base) = &self.base else { return };
        let text = base.get_ref();
        let whole =
            text.ends_with('/') && text.len() <= BASE && text.bytes().all(|octet| octet.is_ascii_graphic());
        let http = text.starts_with("http://") || text.starts_with("https://");
        let plain = text.replacen("https://", "http://", 1);
        if !whole || !http || text.contains(['?', '#', '@']) || Url::parse(&plain).is_err() {
            report.error(
                base.span(),
                format!("\"{}\" begins no content location", excerpt(text)),
                format!("expected a URL of up to {BASE} characters that ends with a slash: \"http://192.0.2.1:8190/\""),
            );
        }
    }

    fn check_proxies(&self, span: &Range<usize>, report: &mut Report) {
        if let Some(header) = &self.header {
            let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
            if header.get_ref().is_empty() || !header.get_ref().bytes().all(legal) {
                let found = format!("\"{}\" is no name of a header", excerpt(header.get_ref()));
                report.error(header.span(), found, "expected letters, digits and '-': \"X-MSISDN\"");
            }
        }
        match (&self.proxies, &self.header) {
            (Some(proxies), None) => {
                let expected = "expected header = \"X-MSISDN\", with the number that the proxy puts there";
                report.error(
                    proxies.clone(),
                    "proxies are trusted, and no `header` names subscribers",
                    expected,
                );
            }
            (None, Some(header)) => {
                let expected = "expected proxies = [\"192.0.2.7\"]: those that put it there themselves";
                report.error(header.span(), "nobody is trusted to name subscribers in a header", expected);
            }
            (None, None)
                if !self.tables.contains("subscriber")
                    && !self.tables.contains("application")
                    && !self.named.contains("proxies")
                    && !self.named.contains("header") =>
            {
                let expected = "expected a [[subscriber]], or `proxies` with `header` in [mmsc]";
                report.error(span.clone(), "nobody can send or fetch messages", expected);
            }
            _ => {}
        }
    }

    /// Numbers and addresses must tell subscribers apart. The numbers.
    fn check_subscribers(&self, report: &mut Report) -> BTreeMap<String, Range<usize>> {
        let mut numbers: BTreeMap<String, Range<usize>> = BTreeMap::new();
        let mut places: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        for entry in &self.subscribers {
            let party = entry.number.as_ref().and_then(|number| Party::number(number.get_ref()));
            if let (Some(number), Some(party)) = (&entry.number, party) {
                once(&mut numbers, party.to_string(), number, "subscriber number", report);
            }
            for network in &entry.networks {
                // One address in two forms is one address.
                let text = network.get_ref().as_str();
                let place = text.strip_suffix("/32").or_else(|| text.strip_suffix("/128")).unwrap_or(text);
                once(&mut places, place, network, "subscriber's network", report);
            }
            if !entry.has_networks && !self.named.contains("proxies") {
                report.warning(
                    entry.span.clone(),
                    "the subscriber can neither send nor fetch",
                    "expected networks = [\"10.0.0.7\"]: where requests come from",
                );
            }
        }
        numbers
    }

    /// Whether the push gateway has a way to each subscriber.
    fn check_ways(&self, push: &PushConfig, report: &mut Report) {
        for entry in &self.subscribers {
            let (to, span) = match (&entry.push, &entry.number) {
                (Some(host), _) => (Some(Address::Host(*host.get_ref())), host.span()),
                (None, Some(number)) => (Address::parse(number.get_ref()).ok(), number.span()),
                (None, None) => continue,
            };
            let Some(to) = to else { continue };
            if let Err(denied) = policy::route(push, &to) {
                report.warning(
                    span,
                    format!("the subscriber is never notified: {denied}"),
                    "expected `push` in a network of [push], or a [[smsc]] with the number's prefix",
                );
            }
        }
    }
}

impl Entry {
    fn into_subscriber(self) -> Option<Subscriber> {
        Some(Subscriber {
            number: self.number?.into_inner(),
            networks: self.networks.into_iter().map(Spanned::into_inner).collect(),
            push: self.push.map(Spanned::into_inner),
        })
    }
}

fn read_times(table: &Table<'_>, engine: &mut MmscConfig, report: &mut Report) {
    let mut seconds = |key, longest, place: &mut Duration| {
        if let Some(value) = table.integer(key, 1..=longest, report) {
            *place = Duration::from_secs(value.into_inner());
        }
    };
    seconds("lifetime", LONGEST * 4, &mut engine.expiry);
    seconds("longest_lifetime", LONGEST * 4, &mut engine.longest_expiry);
    seconds("shortest_lifetime", LONGEST, &mut engine.shortest_expiry);
    seconds("remember", LONGEST * 4, &mut engine.remember);
    seconds("retry", 3_600, &mut engine.retry_first);
    seconds("retry_longest", 86_400, &mut engine.retry_longest);
}

fn read_limits(table: &Table<'_>, engine: &mut MmscConfig, report: &mut Report) {
    let mut number = |key, range: std::ops::RangeInclusive<u64>| {
        table.integer(key, range, report).map(Spanned::into_inner)
    };
    let mut size = |key, most, place: &mut usize| {
        if let Some(value) = number(key, 1..=most) {
            *place = to_usize(value);
        }
    };
    size("largest", LARGEST, &mut engine.message_octets);
    size("recipients", 10_000, &mut engine.recipients);
    size("messages", 10_000_000, &mut engine.messages);
    size("subscriber_messages", 1_000_000, &mut engine.subscriber_messages);
    if let Some(octets) = number("subscriber_octets", 1..=1 << 40) {
        engine.subscriber_octets = octets;
    }
    let mut rate = |key, place: &mut u32| {
        if let Some(value) = number(key, 0..=1_000_000) {
            *place = u32::try_from(value).unwrap_or(u32::MAX);
        }
    };
    rate("rate", &mut engine.sender_rate);
    rate("burst", &mut engine.sender_burst);
    rate("report_rate", &mut engine.report_rate);
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Reports what was there before.
pub(super) fn once<K: Ord>(
    seen: &mut BTreeMap<K, Range<usize>>,
    key: K,
    text: &Spanned<String>,
    what: &str,
    report: &mut Report,
) {
    match seen.get(&key) {
        Some(first) => {
            let found = format!("{what} \"{}\" is given twice", excerpt(text.get_ref()));
            let place = (first.clone(), "first given here");
            report.error_with(text.span(), found, format!("expected each {what} once"), place);
        }
        None => {
            seen.insert(key, text.span());
        }
    }
}
