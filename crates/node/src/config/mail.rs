//! Mail of the MMSC: `mail`, `mail_domain`, `mail_sources` and `smarthost` of `[mmsc]`, and `[[mmsc_peer]]`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;

use strowger_messaging::mmsc::mail::{MailSettings, Peer};
use toml::Spanned;

use super::diagnostic::Report;
use super::mmsc::once;
use super::names;
use super::push::{fault, networks, prefixes};
use super::reader::Table;
use super::schema;

/// The settings with the places of what must fit to something else.
#[derive(Default)]
pub(super) struct MailKeys {
    listen: Option<Spanned<SocketAddr>>,
    domain: Option<Spanned<String>>,
    smarthost: Option<Spanned<SocketAddr>>,
    sources: Option<Range<usize>>,
    settings: MailSettings,
    peers: Vec<(Range<usize>, Option<Spanned<String>>, Peer)>,
}

impl MailKeys {
    /// What stands in `[mmsc]`.
    pub(super) fn read_centre(&mut self, table: &Table<'_>, report: &mut Report) {
        self.listen = table.address("mail", report);
        self.domain = table.string("mail_domain", report);
        if let Some(domain) = &self.domain {
            fault(domain, "domain", names::domain_fault, report);
        }
        self.smarthost = table.address("smarthost", report);
        self.settings.sources = networks(table, "mail_sources", report);
        self.sources = table.value("mail_sources").map(Spanned::span);
    }

    /// The other MMSCs.
    pub(super) fn read_peers(&mut self, root: &Table<'_>, report: &mut Report) {
        for table in root.tables("mmsc_peer", &schema::MMSC_PEER, report) {
            let name = table.required_string("name", report);
            if let Some(name) = &name {
                fault(name, "MMSC name", names::identifier_fault, report);
            }
            let domain = table.required_string("domain", report);
            if let Some(domain) = &domain {
                fault(domain, "domain", names::domain_fault, report);
            }
            let address = table.address("address", report);
            if table.value("address").is_none() {
                table.missing("address", report);
            }
            for key in ["networks", "prefixes"] {
                if table.value(key).is_none() {
                    table.missing(key, report);
                }
            }
            let peer = Peer {
                name: name.as_ref().map(|name| name.get_ref().clone()).unwrap_or_default(),
                domain: domain.map(Spanned::into_inner).unwrap_or_default(),
                // A peer without an address is an error that was told of.
                address: address.map_or_else(|| SocketAddr::from(([0; 4], 0)), Spanned::into_inner),
                networks: networks(&table, "networks", report),
                prefixes: prefixes(&table, report),
            };
            self.peers.push((table.span.clone(), name, peer));
        }
    }

    /// Where the first of the other MMSCs stands.
    pub(super) fn first(&self) -> Option<Range<usize>> {
        self.peers.first().map(|(span, ..)| span.clone())
    }

    /// Checks it as a whole.
    pub(super) fn check(self, report: &mut Report) -> MailSettings {
        let mut names = BTreeMap::new();
        for (_, name, ..) in &self.peers {
            if let Some(name) = name {
                once(&mut names, name.get_ref().clone(), name, "MMSC", report);
            }
        }
        if let Some(listen) = &self.listen
            && self.sources.is_none()
            && self.peers.is_empty()
        {
            let expected = "expected mail_sources = [\"10.0.0.25\"] in [mmsc], or a [[mmsc_peer]]";
            report.error(listen.span(), "nobody may bring mail", expected);
        }
        if self.listen.is_none() {
            let expected = "expected mail = \"127.0.0.1:2525\" in [mmsc]: where mail comes";
            if let Some(peer) = self.first() {
                report.error(peer, "the other MMSC can neither send nor report", expected);
            } else if let Some(sources) = self.sources.clone() {
                report.error(sources, "no mail comes from there", expected);
            }
        }
        let mut settings = self.settings;
        settings.listen = self.listen.map(Spanned::into_inner);
        settings.domain = self.domain.map(Spanned::into_inner).unwrap_or_default();
        settings.smarthost = self.smarthost.map(Spanned::into_inner);
        settings.peers = self.peers.into_iter().map(|(.., peer)| peer).collect();
        settings
    }
}
