//! Reads typed values out of a parsed TOML tree, with the place of each, and reports instead of stopping.
//!
//! The tree is walked by hand because serde stops at the first error and knows no places across values.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use strowger_capture::escape;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::diagnostic::Report;
use super::schema::{Key, Section};

/// The longest timer in seconds: a day.
const LONGEST_TIMER: f64 = 86_400.0;
/// How much of a wrong value an error repeats.
const EXCERPT: usize = 40;

/// Where a trunk leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To an address.
    Address(SocketAddr),
    /// To a name, at a port if one is given.
    Name(String, Option<u16>),
}

/// Where a gateway is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this address.
    Address(SocketAddr),
    /// Where the name service says, with a port.
    Host(String),
}

/// One table of the file whose keys have been checked against its section of the schema.
pub(super) struct Table<'t> {
    table: &'t DeTable<'t>,
    section: &'static Section,
    /// The place to name when a key is missing.
    pub(super) span: Range<usize>,
}

impl<'t> Table<'t> {
    /// Opens `value` as the table `section`; unknown keys and keys of later versions are reported here.
    pub(super) fn open(
        value: &'t Spanned<DeValue<'t>>,
        section: &'static Section,
        report: &mut Report,
    ) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            report.error(value.span(), found(value), format!("expected the table {}", section.title));
            return None;
        };
        check_keys(table, section, report);
        Some(Self { table, section, span: value.span() })
    }

    /// As [`Self::open`], for a table that has been opened before.
    pub(super) fn checked(value: &'t Spanned<DeValue<'t>>, section: &'static Section) -> Self {
        static NOTHING: std::sync::OnceLock<DeTable<'static>> = std::sync::OnceLock::new();
        let table = value.get_ref().as_table().unwrap_or_else(|| NOTHING.get_or_init(DeTable::new));
        Self { table, section, span: value.span() }
    }

    /// Opens the whole file.
    pub(super) fn root(
        file: &'t Spanned<DeTable<'t>>,
        section: &'static Section,
        report: &mut Report,
    ) -> Self {
        check_keys(file.get_ref(), section, report);
        Self { table: file.get_ref(), section, span: 0..0 }
    }

    /// The keys that are there, legible or not, and those that unknown ones were meant to be: of none of them is it said that it is
    /// missing.
    pub(super) fn named(&self) -> BTreeSet<&'static str> {
        self.table.iter().filter_map(|(name, _)| self.section.meant(name.get_ref())).collect()
    }

    /// The value of `key`, untyped.
    pub(super) fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        debug_assert!(self.section.keys.iter().any(|known| known.name == key), "{key} is not in the schema");
        self.table.get(key)
    }

    /// The place of the key itself.
    pub(super) fn key_span(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or(self.span.clone(), |(name, _)| name.span())
    }

    /// A string, if the key is there.
    pub(super) fn string(&self, key: &str, report: &mut Report) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            report.error(value.span(), found(value), format!("expected a string: {}", self.example(key)));
        }
        text.map(|text| Spanned::new(value.span(), text.to_owned()))
    }

    /// A string that must be there.
    pub(super) fn required_string(&self, key: &str, report: &mut Report) -> Option<Spanned<String>> {
        if self.value(key).is_none() {
            self.missing(key, report);
            return None;
        }
        self.string(key, report)
    }

    /// Reports that `key` is missing.
    pub(super) fn missing(&self, key: &str, report: &mut Report) {
        let expected = format!("expected {}", self.example(key));
        report.error(self.span.clone(), format!("{} has no `{key}`", self.section.title), expected);
    }

    /// A whole number in `range`, if the key is there.
    pub(super) fn integer(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<u64>,
        report: &mut Report,
    ) -> Option<Spanned<u64>> {
        let value = self.value(key)?;
        let number = value.get_ref().as_integer().and_then(|digits| {
            // A number written with a sign or beyond u64 is not in any range of ours.
            u64::from_str_radix(digits.as_str().trim_start_matches('+'), digits.radix()).ok()
        });
        match number {
            Some(number) if range.contains(&number) => Some(Spanned::new(value.span(), number)),
            _ => {
                let expected = format!("expected a whole number from {} to {}", range.start(), range.end());
                report.error(value.span(), found(value), expected);
                None
            }
        }
    }

    /// Seconds, whole or with a fraction, if the key is there.
    pub(super) fn seconds(&self, key: &str, report: &mut Report) -> Option<Duration> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(digits) => digits.to_string().parse::<f64>().ok(),
            DeValue::Float(digits) => digits.as_str().parse().ok(),
            _ => None,
        };
        let legal = number.filter(|seconds| (0.01..=LONGEST_TIMER).contains(seconds));
        if legal.is_none() {
            let expected = format!("expected seconds, from 0.01 to {LONGEST_TIMER}: {}", self.example(key));
            report.error(value.span(), found(value), expected);
        }
        legal.map(Duration::from_secs_f64)
    }

    /// `true` or `false`, if the key is there.
    pub(super) fn boolean(&self, key: &str, report: &mut Report) -> Option<Spanned<bool>> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            report.error(value.span(), found(value), "expected true or false");
        }
        flag.map(|flag| Spanned::new(value.span(), flag))
    }

    /// An IP address and port, if the key is there.
    pub(super) fn address(&self, key: &str, report: &mut Report) -> Option<Spanned<SocketAddr>> {
        let text = self.string(key, report)?;
        let parsed = parse_address(text.get_ref());
        match parsed {
            Ok(address) => Some(Spanned::new(text.span(), canonical(address))),
            Err(reason) => {
                let expected = format!("{reason}; expected an IP address and port: {}", self.example(key));
                report.error(
                    text.span(),
                    format!("\"{}\" is not an address", excerpt(text.get_ref())),
                    expected,
                );
                None
            }
        }
    }

    /// An IP address or the name of a host, with a port, if the key is there.
    pub(super) fn place(&self, key: &str, report: &mut Report) -> Option<Spanned<Place>> {
        let text = self.string(key, report)?;
        let is_name = |text: &str| {
            let name =
                text.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
            name.is_some_and(|(name, _)| is_host_name(name))
        };
        if is_name(text.get_ref()) {
            return Some(Spanned::new(text.span(), Place::Host(text.get_ref().to_ascii_lowercase())));
        }
        let address = self.address(key, report)?;
        Some(Spanned::new(address.span(), Place::Address(*address.get_ref())))
    }

    /// An IP address and port, or a name with or without one, if the key is there.
    pub(super) fn target(&self, key: &str, report: &mut Report) -> Option<Spanned<Target>> {
        let text = self.string(key, report)?;
        let (name, port) = match text.get_ref().rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse::<u16>().ok().filter(|port| *port > 0))),
            None => (text.get_ref().as_str(), None),
        };
        if port != Some(None) && is_host_name(name) {
            let target = Target::Name(name.to_ascii_lowercase(), port.flatten());
            return Some(Spanned::new(text.span(), target));
        }
        let address = self.address(key, report)?;
        Some(Spanned::new(address.span(), Target::Address(*address.get_ref())))
    }

    /// Addresses of name servers, with their port when it is not 53.
    pub(super) fn servers(&self, key: &str, report: &mut Report) -> Vec<SocketAddr> {
        let mut servers = Vec::new();
        for text in self.strings(key, report).map(Spanned::into_inner).unwrap_or_default() {
            let alone = text.get_ref().parse().map(|ip: IpAddr| SocketAddr::new(ip, 53));
            match alone.or_else(|_| text.get_ref().parse()) {
                Ok(server) => servers.push(server),
                Err(_) => report.error(
                    text.span(),
                    format!("\"{}\" is not the address of a name server", excerpt(text.get_ref())),
                    format!("expected {}", self.example(key)),
                ),
            }
        }
        servers
    }

    /// Strings in an array, if the key is there.
    pub(super) fn strings(&self, key: &str, report: &mut Report) -> Option<Spanned<Vec<Spanned<String>>>> {
        let value = self.value(key)?;
        let expected = || format!("expected strings in brackets: {}", self.example(key));
        let Some(items) = value.get_ref().as_array() else {
            report.error(value.span(), found(value), expected());
            return None;
        };
        let mut out = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str() {
                Some(text) => out.push(Spanned::new(item.span(), text.to_owned())),
                None => report.error(item.span(), found(item), expected()),
            }
        }
        Some(Spanned::new(value.span(), out))
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&self, key: &str, section: &'static Section, report: &mut Report) -> Vec<Table<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items): Option<&DeArray<'_>> = value.get_ref().as_array() else {
            let expected = format!("expected {} with double brackets", section.title);
            report.error(self.key_span(key), found(value), expected);
            return Vec::new();
        };
        items.iter().filter_map(|item| Table::open(item, section, report)).collect()
    }

    /// The table `[key]`.
    pub(super) fn table(
        &self,
        key: &str,
        section: &'static Section,
        report: &mut Report,
    ) -> Option<Table<'t>> {
        Table::open(self.value(key)?, section, report)
    }

    /// How `key` is written.
    pub(super) fn example(&self, key: &str) -> &'static str {
        self.section.keys.iter().find(|known| known.name == key).map_or("", |known| known.example)
    }
}

fn is_host_name(name: &str) -> bool {
    // What ends in a number is an address (RFC 3696 section 2), if perhaps a wrong one.
    let last = name.rsplit('.').next().unwrap_or_default();
    super::names::domain_fault(name).is_none()
        && !name.contains([':', '[', '#'])
        && last.chars().any(|letter| !letter.is_ascii_digit())
}

fn check_keys(table: &DeTable<'_>, section: &'static Section, report: &mut Report) {
    for (name, value) in table {
        let key = name.get_ref().as_ref();
        match section.keys.iter().find(|known| known.name == key) {
            Some(Key { later: Some(what), .. }) => report.error(
                name.span(),
                format!("`{key}` is not supported by this version yet"),
                format!("{what} come with a later version: remove it from {}", section.title),
            ),
            Some(_) => {}
            None => {
                let _ = value;
                let expected = match section.nearest(key) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("expected one of: {}", section.names()),
                };
                report.error(
                    name.span(),
                    format!("unknown key `{}` in {}", excerpt(key), section.title),
                    expected,
                );
            }
        }
    }
}

/// What a wrong value is, in words.
pub(super) fn found(value: &Spanned<DeValue<'_>>) -> String {
    match value.get_ref() {
        DeValue::String(text) => format!("found the string \"{}\"", excerpt(text)),
        DeValue::Integer(number) => format!("found the number {}", excerpt(&number.to_string())),
        DeValue::Float(number) => format!("found the number {}", excerpt(number.as_str())),
        DeValue::Boolean(flag) => format!("found {flag}"),
        DeValue::Datetime(_) => "found a date or time".to_owned(),
        DeValue::Array(_) => "found an array".to_owned(),
        DeValue::Table(_) => "found a table".to_owned(),
    }
}

/// The beginning of a text, harmless on a terminal.
pub(super) fn excerpt(text: &str) -> String {
    let (shown, rest) = match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), "…"),
        None => (text, ""),
    };
    format!("{}{rest}", escape(shown))
}

/// One form for one address: an IPv4 address mapped into IPv6 is that IPv4 address.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err("the port is missing");
    }
    let Some((host, port)) = text.rsplit_once(':') else { return Err("the port is missing") };
    if port.parse::<u16>().is_err() {
        return Err("the port is not a number from 1 to 65535");
    }
    let numeric = !host.is_empty() && host.chars().all(|c| c.is_ascii_digit() || c == '.');
    if numeric || host.contains(':') {
        return Err("the IP address is not valid");
    }
    Err("names are not looked up, as a forged answer would name the peer")
}
