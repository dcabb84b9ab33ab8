//! `[[application]]`: programs that send and take multimedia messages.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;

use strowger_messaging::http::client::Url;
use strowger_messaging::mm7::Dialect;
use strowger_messaging::mmsc::Party;
use strowger_messaging::mmsc::application::{Application, Callback, Interface};
use strowger_messaging::push::User;
use toml::Spanned;

use super::diagnostic::Report;
use super::mmsc::once;
use super::names;
use super::push::{fault, networks};
use super::raw::choice;
use super::reader::{Table, excerpt};
use super::schema;

/// Characters of a VASPID or VASID.
const IDENTIFIER: usize = 64;

/// One of them: its place, its name, whether it has a `url`, legible or not.
type Entry = (Range<usize>, Option<Spanned<String>>, bool, Application);

/// The applications with the places of what must fit to something else.
#[derive(Default)]
pub(super) struct Applications {
    entries: Vec<Entry>,
    numbers: Vec<Spanned<String>>,
}

impl Applications {
    pub(super) fn read(root: &Table<'_>, report: &mut Report) -> Self {
        let mut applications = Self::default();
        for table in root.tables("application", &schema::APPLICATION, report) {
            applications.read_one(&table, report);
        }
        applications
    }

    /// Where the first of them stands.
    pub(super) fn first(&self) -> Option<Range<usize>> {
        self.entries.first().map(|(span, ..)| span.clone())
    }

    fn read_one(&mut self, table: &Table<'_>, report: &mut Report) {
        let name = table.required_string("name", report);
        if let Some(name) = &name {
            fault(name, "application name", names::identifier_fault, report);
        }
        let rate = |key, report: &mut Report| {
            table.integer(key, 0..=1_000_000, report).and_then(|rate| u32::try_from(rate.into_inner()).ok())
        };
        let numbers = numbers(table, "numbers", Form::Whole, report);
        self.numbers.extend(numbers.iter().cloned());
        let user = User {
            name: name.as_ref().map(|name| name.get_ref().clone()).unwrap_or_default(),
            password: table.string("password", report).map(Spanned::into_inner),
            networks: networks(table, "networks", report),
            ..User::default()
        };
        if user.password.is_none() && user.networks.is_empty() {
            report.error(
                table.span.clone(),
                "anybody could be this application",
                "expected `password`, or `networks` that it comes from",
            );
        }
        let bare = |texts: Vec<Spanned<String>>| texts.into_iter().map(Spanned::into_inner).collect();
        let application = Application {
            user,
            vaspid: identifier(table, "vaspid", report),
            vasid: identifier(table, "vasid", report),
            senders: bare(self::numbers(table, "senders", Form::Beginning, report)),
            recipients: bare(self::numbers(table, "recipients", Form::Beginning, report)),
            numbers: bare(numbers),
            rate: rate("rate", report).unwrap_or_default(),
            burst: rate("burst", report).unwrap_or(60),
            callback: callback(table, report),
        };
        self.entries.push((table.span.clone(), name, table.named().contains("url"), application));
    }

    /// Checks them as a whole. `listens`: there is a place where they come, even if it could not be read.
    pub(super) fn check(
        self,
        listen: Option<&Spanned<SocketAddr>>,
        listens: bool,
        subscribers: &BTreeMap<String, Range<usize>>,
        report: &mut Report,
    ) -> Vec<Application> {
        let (mut seen, mut numbers) = (BTreeMap::new(), subscribers.clone());
        for (span, name, has_url, application) in &self.entries {
            if let Some(name) = name {
                once(&mut seen, name.get_ref().clone(), name, "application", report);
            }
            if !listens && !has_url {
                let expected = "expected applications = \"127.0.0.1:8191\" in [mmsc], or `url` here";
                report.error(span.clone(), "the application can neither come nor be reached", expected);
            }
            if !has_url && !application.numbers.is_empty() {
                report.warning(
                    span.clone(),
                    "messages to the numbers of the application wait until they expire",
                    "expected url = \"http://127.0.0.1:9000/mms\": where they are handed over",
                );
            }
        }
        for number in &self.numbers {
            if let Some(party) = Party::number(number.get_ref()) {
                once(&mut numbers, party.to_string(), number, "number", report);
            }
        }
        if let (Some(listen), true) = (listen, self.entries.is_empty()) {
            report.warning(listen.span(), "no application may come there", "expected an [[application]]");
        }
        self.entries.into_iter().map(|(_, _, _, application)| application).collect()
    }
}

/// What a number may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// The beginning of numbers, with or without `*` behind.
    Beginning,
}

fn numbers(table: &Table<'_>, key: &str, form: Form, report: &mut Report) -> Vec<Spanned<String>> {
    let mut kept = table.strings(key, report).map(Spanned::into_inner).unwrap_or_default();
    kept.retain(|text| {
        let bare = text.get_ref().strip_suffix('*').filter(|_| form == Form::Beginning);
        let good = Party::number(bare.unwrap_or(text.get_ref())).is_some();
        if !good {
            let found = format!("\"{}\" is not a number", excerpt(text.get_ref()));
            report.error(text.span(), found, "expected digits, with + when it is international");
        }
        good
    });
    kept
}

fn identifier(table: &Table<'_>, key: &str, report: &mut Report) -> Option<String> {
    let text = table.string(key, report)?;
    if text.get_ref().is_empty() || text.get_ref().chars().count() > IDENTIFIER {
        let expected = format!("expected up to {IDENTIFIER} characters");
        report.error(text.span(), format!("\"{}\" is no identifier", excerpt(text.get_ref())), expected);
        return None;
    }
    Some(text.into_inner())
}

fn callback(table: &Table<'_>, report: &mut Report) -> Option<Callback> {
    let interfaces = [("mm7", true), ("json", false)];
    let mm7 = choice(table, "interface", "interface", &interfaces, &[], report).unwrap_or(true);
    let mut dialect = Dialect::default();
    if let Some(version) = table.string("version", report) {
        dialect.version.clone_from(version.get_ref());
        if !dialect.is_spoken()
            || !version.get_ref().bytes().all(|octet| octet.is_ascii_digit() || octet == b'.')
        {
            let found = format!("MM7 {} is not spoken", excerpt(version.get_ref()));
            report.error(version.span(), found, "expected a version of release 5 or 6: \"6.8.0\"");
        }
    }
    let url = table.string("url", report)?;
    match Url::parse(url.get_ref()) {
        Ok(parsed) => {
            let interface = if mm7 { Interface::Mm7(dialect) } else { Interface::Json };
            Some(Callback { url: parsed, interface })
        }
        Err(_) => {
            let found = format!("\"{}\" cannot be posted to", excerpt(url.get_ref()));
            report.error(url.span(), found, "expected \"http://[user:password@]host[:port]/path\"");
            None
        }
    }
}
