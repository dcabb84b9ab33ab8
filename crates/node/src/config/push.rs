//! `[push]`, `[[smsc]]`, `[[push_user]]`: the push proxy gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use strowger_messaging::push::address::{Address, Network};
use strowger_messaging::push::{CentreEntry, PushConfig, SegmentStyle, User};
use strowger_messaging::smpp::{Authorities, BindKind, ClientConfig, ClientTls, IdForm};
use toml::Spanned;

use super::diagnostic::Report;
use super::names;
use super::raw::choice;
use super::reader::{Table, excerpt, found};
use super::schema;

/// The longest system identifier and password of SMPP 3.4 (section 5.2): 16 and 9 octets with their ends.
const SYSTEM_ID: usize = 15;
const PASSWORD: usize = 8;
const SYSTEM_TYPE: usize = 12;
/// Two weeks in seconds.
const LONGEST: u64 = 14 * 86_400;

/// Who submits pushes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Submitted {
    /// Those who may push alone.
    ByUsers,
    /// The MMSC of the same file too.
    ByMmsc,
}

/// The sections with the places of what must fit to something else.
#[derive(Default)]
pub(super) struct Push {
    config: PushConfig,
    /// `[push]`, if it is there.
    span: Option<Range<usize>>,
    /// Its keys that are there, legible or not.
    named: BTreeSet<&'static str>,
    /// And the tables of the file.
    tables: BTreeSet<&'static str>,
    listen: Option<Spanned<SocketAddr>>,
    udp: Option<Spanned<SocketAddr>>,
    pub(super) store: Option<Spanned<String>>,
    centres: Vec<(Range<usize>, Option<Spanned<String>>)>,
    users: Vec<(Range<usize>, Option<Spanned<String>>)>,
}

impl Push {
    pub(super) fn read(root: &Table<'_>, report: &mut Report) -> Self {
        let mut push = Self { tables: root.named(), ..Self::default() };
        if let Some(table) = root.table("push", &schema::PUSH, report) {
            push.span = Some(root.key_span("push"));
            push.named = table.named();
            push.read_gateway(&table, report);
        }
        for table in root.tables("smsc", &schema::SMSC, report) {
            push.read_centre(&table, report);
        }
        for table in root.tables("push_user", &schema::PUSH_USER, report) {
            push.read_user(&table, report);
        }
        push
    }

    /// Whether there is anything of it in the file.
    pub(super) fn is_there(&self) -> bool {
        self.span.is_some() || self.tables.contains("push")
    }

    fn read_gateway(&mut self, table: &Table<'_>, report: &mut Report) {
        let config = &mut self.config;
        if let Some(name) = table.string("name", report) {
            fault(&name, "gateway name", names::identifier_fault, report);
            config.name = name.into_inner();
        }
        self.listen = table.address("listen", report);
        self.udp = table.address("udp", report);
        config.networks = networks(table, "networks", report);
        config.report_to = networks(table, "report_to", report);
        config.report_authorities = table.string("report_ca", report).and_then(|ca| authorities(&ca, report));
        if let Some(types) = table.strings("network_types", report) {
            config.network_types = types.into_inner().into_iter().map(Spanned::into_inner).collect();
        }
        self.store = table.string("store", report);
        let mut seconds = |key, range, place: &mut Duration| {
            if let Some(value) = table.integer(key, range, report) {
                *place = Duration::from_secs(value.into_inner());
            }
        };
        seconds("lifetime", 1..=LONGEST, &mut config.lifetime);
        seconds("longest_lifetime", 1..=LONGEST, &mut config.longest_lifetime);
        seconds("remember", 1..=LONGEST, &mut config.queue.remember);
        seconds("retry", 1..=3_600, &mut config.lanes.retry_first);
        seconds("retry_longest", 1..=86_400, &mut config.lanes.retry_longest);
        if let Some(rate) = table.integer("rate", 1..=1_000_000, report) {
            config.lanes.rate = u32::try_from(rate.into_inner()).unwrap_or(u32::MAX);
        }
        if let Some(most) = table.integer("messages", 1..=10_000_000, report) {
            config.queue.messages = usize::try_from(most.into_inner()).unwrap_or(usize::MAX);
        }
        config.aliases = aliases(table, report);
    }

    fn read_centre(&mut self, table: &Table<'_>, report: &mut Report) {
        let id = table.required_string("id", report);
        if let Some(id) = &id {
            fault(id, "smsc id", names::identifier_fault, report);
        }
        if table.value("address").is_none() {
            table.missing("address", report);
        }
        let address = table.address("address", report);
        let mut client = ClientConfig::default();
        client.bind.system_id = text(table, "system_id", SYSTEM_ID, report);
        client.bind.password = text(table, "password", PASSWORD, report);
        client.bind.system_type = text(table, "system_type", SYSTEM_TYPE, report);
        let versions = [("3.4", 0x34), ("5.0", 0x50)];
        client.bind.interface_version =
            choice(table, "version", "version", &versions, &[], report).unwrap_or(0x34);
        let kinds =
            [("transceiver", (BindKind::Transceiver, false)), ("pair", (BindKind::Transmitter, true))];
        let (kind, pair) = choice(table, "bind", "bind", &kinds, &[], report).unwrap_or_default();
        client.kind = kind;
        if let Some(window) = table.integer("window", 1..=10_000, report) {
            client.window = usize::try_from(window.into_inner()).unwrap_or(1);
        }
        if let Some(timeout) = table.seconds("timeout", report) {
            client.response_timeout = timeout;
        }
        if let Some(enquire) = table.seconds("enquire", report) {
            client.enquire_after = enquire;
        }
        let links = table.integer("links", 1..=64, report).map_or(1, Spanned::into_inner);
        let styles = [
            ("header", SegmentStyle::Header),
            ("payload", SegmentStyle::Payload),
            ("data", SegmentStyle::Data),
            ("parameters", SegmentStyle::Parameters),
        ];
        let forms = [
            ("auto", IdForm::Auto),
            ("same", IdForm::Same),
            ("hex-decimal", IdForm::HexThenDecimal),
            ("decimal-hex", IdForm::DecimalThenHex),
        ];
        let tls = tls(table, address.as_ref().map(Spanned::get_ref), report);
        self.centres.push((table.span.clone(), id.clone()));
        self.config.centres.push(CentreEntry {
            id: id.map(Spanned::into_inner).unwrap_or_default(),
            address: address.map_or(SocketAddr::from(([0, 0, 0, 0], 0)), Spanned::into_inner),
            tls,
            links: usize::try_from(links).unwrap_or(1),
            pair,
            client,
            prefixes: prefixes(table, report),
            source: table.string("source", report).map(Spanned::into_inner).unwrap_or_default(),
            service_type: text(table, "service_type", 5, report),
            style: choice(table, "segments", "kind of segments", &styles, &[], report).unwrap_or_default(),
            wide_reference: table.boolean("wide_reference", report).is_some_and(|wide| *wide.get_ref()),
            receipts: table.boolean("receipts", report).is_none_or(|receipts| *receipts.get_ref()),
            ids: choice(table, "message_ids", "form of identifiers", &forms, &[], report).unwrap_or_default(),
        });
    }

    fn read_user(&mut self, table: &Table<'_>, report: &mut Report) {
        let name = table.required_string("name", report);
        if let Some(name) = &name {
            fault(name, "user name", names::identifier_fault, report);
        }
        let rate = table.integer("rate", 1..=1_000_000, report).map(Spanned::into_inner);
        self.users.push((table.span.clone(), name.clone()));
        self.config.users.push(User {
            name: name.map(Spanned::into_inner).unwrap_or_default(),
            password: table.string("password", report).map(Spanned::into_inner),
            networks: networks(table, "networks", report),
            trusted: table.boolean("trusted", report).is_some_and(|trusted| *trusted.get_ref()),
            rate: rate.and_then(|rate| u32::try_from(rate).ok()),
        });
    }

    /// Checks it as a whole and makes settings of it. Nobody need be able to submit pushes where an MMSC does.
    pub(super) fn check(mut self, submitted: Submitted, report: &mut Report) -> Option<PushConfig> {
        self.check_names(report);
        let Some(span) = self.span.clone() else {
            let stray = self.centres.iter().chain(&self.users).map(|(span, _)| span.clone()).next();
            if let Some(stray) = stray.filter(|_| !self.tables.contains("push")) {
                report.error(stray, "there is no table [push]", "expected [push] with `listen`");
            }
            return None;
        };
        let (listens, has_users) = (self.named.contains("listen"), self.tables.contains("push_user"));
        let alone = submitted == Submitted::ByUsers || listens || has_users;
        if alone && !listens {
            let expected = "expected listen = \"127.0.0.1:8089\"";
            report.error(span.clone(), "pushes cannot be submitted: [push] has no `listen`", expected);
        }
        if alone && !has_users {
            report.error(span.clone(), "nobody may push", "expected a [[push_user]]");
        }
        for (user, (span, _)) in self.config.users.iter().zip(&self.users) {
            if user.password.as_ref().is_none_or(String::is_empty) && user.networks.is_empty() {
                let found = format!("the user \"{}\" has neither password nor networks", excerpt(&user.name));
                report.error(
                    span.clone(),
                    found,
                    "expected password = \"…\", networks = [\"192.0.2.7\"], or both",
                );
            }
        }
        if !self.named.contains("udp") && !self.tables.contains("smsc") {
            let expected = "expected `udp` in [push] with `networks`, or a [[smsc]]";
            report.error(span.clone(), "pushes have nowhere to go", expected);
        }
        if let Some(udp) = &self.udp
            && self.config.networks.is_empty()
        {
            let found = "no host may be pushed to";
            report.warning(
                udp.span(),
                found,
                "expected networks = [\"10.0.0.0/8\"]: those that phones are in",
            );
        }
        if let Some(listen) = &self.listen
            && !listen.get_ref().ip().is_loopback()
        {
            let found = "passwords cross the network in the clear";
            report.warning(listen.span(), found, "put it behind a proxy with TLS, or into a private network");
        }
        self.check_centres(report);
        if self.config.store.is_none() && self.store.is_none() {
            report.warning(span, "accepted pushes are kept in memory", "expected store = \"push.redb\"");
        }
        self.config.listen = self.listen.map(Spanned::into_inner);
        self.config.udp = self.udp.map(Spanned::into_inner);
        self.config.store = self.store.map(|path| PathBuf::from(path.into_inner()));
        Some(self.config)
    }

    fn check_centres(&self, report: &mut Report) {
        for (centre, (span, _)) in self.config.centres.iter().zip(&self.centres) {
            if centre.prefixes.is_empty() {
                let found = format!("no number leads to the message centre \"{}\"", excerpt(&centre.id));
                report.error(
                    span.clone(),
                    found,
                    "expected prefixes = [\"+1555\"], or [\"\"] for all numbers",
                );
            }
        }
    }

    fn check_names(&self, report: &mut Report) {
        for (rows, what) in [(&self.centres, "smsc id"), (&self.users, "push_user name")] {
            let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
            for name in rows.iter().filter_map(|(_, name)| name.as_ref()) {
                match seen.get(name.get_ref().as_str()) {
                    Some(first) => {
                        let found = format!("{what} \"{}\" is given twice", excerpt(name.get_ref()));
                        let place = (first.clone(), "first given here");
                        report.error_with(name.span(), found, format!("expected each {what} once"), place);
                    }
                    None => {
                        seen.insert(name.get_ref(), name.span());
                    }
                }
            }
        }
    }
}

/// Reports what `fault` finds in a text.
pub(super) fn fault(
    text: &Spanned<String>,
    what: &str,
    fault: impl Fn(&str) -> Option<&'static str>,
    report: &mut Report,
) {
    if let Some(reason) = fault(text.get_ref()) {
        report.error(text.span(), format!("\"{}\" is no legal {what}", excerpt(text.get_ref())), reason);
    }
}

/// Who may sign the certificates of those that results are reported to.
fn authorities(ca: &Spanned<String>, report: &mut Report) -> Option<Authorities> {
    let read = Authorities::read(Path::new(ca.get_ref()));
    if let Err(error) = &read {
        report.error(ca.span(), error.to_string(), "expected a file of certificates in PEM");
    }
    read.ok()
}

/// `tls`, `ca` and `tls_name`: the authority must be there, as a centre that proves nothing may be anybody.
fn tls(table: &Table<'_>, address: Option<&SocketAddr>, report: &mut Report) -> Option<ClientTls> {
    let wanted = table.boolean("tls", report).is_some_and(|tls| *tls.get_ref());
    let ca = table.string("ca", report);
    let name = table.string("tls_name", report);
    if !wanted {
        for key in [&ca, &name].into_iter().flatten() {
            report.error(key.span(), "the link has no TLS", "expected tls = true beside it");
        }
        return None;
    }
    let Some(ca) = ca else {
        table.missing("ca", report);
        return None;
    };
    let name = name.map_or_else(
        || address.map(|address| address.ip().to_string()).unwrap_or_default(),
        Spanned::into_inner,
    );
    match ClientTls::new(Path::new(ca.get_ref()), &name) {
        Ok(tls) => Some(tls),
        Err(error) => {
            let expected = "expected a file of certificates in PEM, and the name that the centre's own has";
            report.error(ca.span(), error.to_string(), expected);
            None
        }
    }
}

/// A text that SMPP has room for.
fn text(table: &Table<'_>, key: &str, most: usize, report: &mut Report) -> String {
    let Some(text) = table.string(key, report) else { return String::new() };
    if text.get_ref().len() > most || !text.get_ref().is_ascii() {
        let found = format!("\"{}\" does not fit", excerpt(text.get_ref()));
        report.error(
            text.span(),
            found,
            format!("expected up to {most} characters of ASCII: SMPP has no more"),
        );
    }
    text.into_inner()
}

pub(super) fn networks(table: &Table<'_>, key: &str, report: &mut Report) -> Vec<Network> {
    let Some(texts) = table.strings(key, report) else { return Vec::new() };
    texts.get_ref().iter().filter_map(|text| to_network(text, report)).collect()
}

/// One network, or a report that it is none.
pub(super) fn to_network(text: &Spanned<String>, report: &mut Report) -> Option<Network> {
    let network = Network::parse(text.get_ref());
    if network.is_none() {
        let found = format!("\"{}\" is not a network", excerpt(text.get_ref()));
        report.error(text.span(), found, "expected an IP address, or one with a length: \"10.0.0.0/8\"");
    }
    network
}

/// Beginnings of numbers.
pub(super) fn prefixes(table: &Table<'_>, report: &mut Report) -> Vec<String> {
    let Some(texts) = table.strings("prefixes", report) else { return Vec::new() };
    for text in texts.get_ref() {
        let digits = text.get_ref().strip_prefix('+').unwrap_or(text.get_ref());
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            let found = format!("\"{}\" does not begin a number", excerpt(text.get_ref()));
            report.error(
                text.span(),
                found,
                "expected digits, with + where numbers are international: \"+1555\"",
            );
        }
    }
    texts.into_inner().into_iter().map(Spanned::into_inner).collect()
}

/// `aliases = { ann = "+15550100" }`.
fn aliases(table: &Table<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let mut aliases = BTreeMap::new();
    let Some(value) = table.value("aliases") else { return aliases };
    let Some(entries) = value.get_ref().as_table() else {
        report.error(value.span(), found(value), format!("expected {}", table.example("aliases")));
        return aliases;
    };
    for (name, value) in entries {
        let text = value.get_ref().as_str().unwrap_or_default();
        match Address::parse(text) {
            Ok(Address::Number(_) | Address::Host(_)) => {
                aliases.insert(name.get_ref().to_string(), text.to_owned());
            }
            _ => report.error(value.span(), found(value), "expected a number or an IP address"),
        }
    }
    aliases
}
