//! `sip = { … }` of a `[[line]]`: a telephone that registers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use strowger_exchange::{Inventory, LineAccess, LineEntry, Notices, PhoneEntry, SipDigest, SipKeys};
use toml::Spanned;

use super::check::refuse;
use super::diagnostic::Report;
use super::names;
use super::raw::{Line, Raw, addresses, choice};
use super::reader::{Table, excerpt};
use super::schema;

/// One telephone.
pub(super) struct Phone {
    user: Option<Spanned<String>>,
    password: Option<Spanned<String>>,
    media: Vec<Spanned<IpAddr>>,
    notices: Option<Notices>,
    keys: Option<SipKeys>,
    span: Range<usize>,
}

/// The words for which telephones are told of waiting messages.
const NOTICES: [(&str, Notices); 2] =
    [("subscribed", Notices::Subscribed), ("unsolicited", Notices::Unsolicited)];

impl Phone {
    /// Reads that of a line, and names what is of no meaning beside it.
    pub(super) fn read(line: &Table<'_>, report: &mut Report) -> Option<Self> {
        line.value("sip")?;
        for key in ["gateway", "endpoint", "codecs"] {
            if line.value(key).is_some() {
                report.error(
                    line.key_span(key),
                    format!("a line with a SIP telephone has no `{key}`"),
                    format!("expected either `{key}` or `sip`"),
                );
            }
        }
        let table = line.table("sip", &schema::LINE_SIP, report)?;
        Some(Self {
            user: table.required_string("user", report),
            password: table.required_string("password", report),
            media: addresses(&table, "media", report),
            notices: choice(&table, "notify", "notify", &NOTICES, &[], report),
            keys: choice(&table, "dtmf", "way of keys", &super::trunk::KEYS, &[], report),
            span: line.key_span("sip"),
        })
    }

    /// What the exchange is told of it.
    pub(super) fn entry(self) -> Option<PhoneEntry> {
        let (user, password) = (self.user?.into_inner(), self.password?.into_inner());
        let media = self.media.into_iter().map(Spanned::into_inner).collect();
        let (keys, notices) = (self.keys.unwrap_or_default(), self.notices.unwrap_or_default());
        Some(PhoneEntry { user, password, media, keys, notices })
    }
}

/// The digests that telephones are asked for.
pub(super) fn digests(table: &Table<'_>, report: &mut Report) -> Vec<SipDigest> {
    let Some(words) = table.strings("digest", report) else { return Vec::new() };
    if words.get_ref().is_empty() {
        report.error(words.span(), "a list of no digests", "expected one at least: digest = [\"md5\"]");
    }
    let read = words.into_inner().into_iter().filter_map(|word| {
        let digest = SipDigest::from_name(word.get_ref());
        if digest.is_none() {
            let found = format!("unknown digest \"{}\"", excerpt(word.get_ref()));
            report.error(word.span(), found, "expected \"sha-256\", \"md5\" or both");
        }
        digest
    });
    read.collect()
}

/// What the exchange is told of them, if the file says anything.
pub(super) fn take_digests(inventory: &mut Inventory, digests: Vec<SipDigest>) {
    if !digests.is_empty() {
        inventory.digests = digests;
    }
}

/// Whether any line is a telephone.
pub(super) fn any(raw: &Raw) -> bool {
    raw.lines.iter().any(|line| line.phone.is_some())
}

/// Users that are none or that two telephones have, and what else telephones need.
pub(super) fn check(raw: &Raw, report: &mut Report) {
    let phones = || raw.lines.iter().filter_map(|line: &Line| line.phone.as_ref());
    let mut users: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for phone in phones() {
        if let Some(user) = &phone.user {
            refuse(user, "user", names::user_fault, report);
            match users.get(user.get_ref().as_str()) {
                Some(first) => super::check::twice(user, "user", first.clone(), report),
                None => {
                    users.insert(user.get_ref(), user.span());
                }
            }
        }
        if let Some(password) = &phone.password
            && password.get_ref().is_empty()
        {
            report.error(
                password.span(),
                "the password is empty",
                "expected one: anybody may try to register",
            );
        }
    }
    let Some(first) = phones().next() else { return };
    if !raw.listen_is_illegible && !super::listen::names(raw, "sip") {
        report.error(
            first.span.clone(),
            "a telephone registers by SIP, and no SIP port is opened",
            "expected `sip = \"127.0.0.1:5060\"` in [listen]",
        );
    }
    let gateways = raw.gateways.iter().filter_map(|gateway| gateway.id.as_ref());
    let trunks = raw.trunks.iter().filter_map(|trunk| trunk.id.as_ref());
    for id in gateways.chain(trunks).filter(|id| id.get_ref() == strowger_exchange::line::SIP) {
        let found = format!("\"{}\" stands for SIP telephones in records", excerpt(id.get_ref()));
        report.error_with(id.span(), found, "expected another id", (first.span.clone(), "a telephone"));
    }
}

/// What the exchange is told of a line.
pub(super) fn line_entry(line: Line) -> Option<LineEntry> {
    let access = match line.phone {
        Some(phone) => LineAccess::Sip(phone.entry()?),
        None => LineAccess::endpoint(line.gateway?.into_inner(), line.endpoint?.into_inner()),
    };
    Some(LineEntry {
        number: line.number?.into_inner(),
        access,
        name: line.name.map(Spanned::into_inner),
        features: line.features,
    })
}
