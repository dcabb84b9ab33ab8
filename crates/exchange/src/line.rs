//! Subscribers' lines, as plain data: a number, where its telephone is, and what its subscriber may do.
//!
//! A line is an endpoint of a gateway, or a telephone that speaks SIP and registers. To the call model both are lines.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

pub use strowger_sip::agent::Notices;

use crate::inventory::{illegal_name, is_number};
use crate::{Features, Inventory, InventoryFault, SipKeys};

/// What stands in the place of a gateway where a line is a SIP telephone.
pub const SIP: &str = "sip";

/// A subscriber's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineEntry {
    /// Its directory number: as dialled by its neighbours, or in E.164 form with `+`.
    pub number: String,
    /// Where its telephone is.
    pub access: LineAccess,
    /// What the called party is shown.
    pub name: Option<String>,
    /// What its subscriber may do.
    pub features: Features,
}

/// Where the telephone of a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineAccess {
    /// At an endpoint of a gateway.
    Endpoint {
        /// The gateway's id.
        gateway: String,
        /// The local name there: `aaln/1`.
        endpoint: String,
    },
    /// Wherever it registers from (RFC 3261 section 10).
    Sip(PhoneEntry),
}

impl LineAccess {
    /// At this endpoint of this gateway.
    #[must_use]
    pub fn endpoint(gateway: impl Into<String>, endpoint: impl Into<String>) -> Self {
        Self::Endpoint { gateway: gateway.into(), endpoint: endpoint.into() }
    }
}

/// A telephone that registers.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneEntry {
    /// The user that it registers as.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// Hosts besides its own that its session descriptions may name.
    pub media: Vec<IpAddr>,
    /// Whether it is told of waiting messages without having subscribed.
    pub notices: Notices,
    /// How keys that are pressed in a call come and go.
    pub keys: SipKeys,
}

impl PhoneEntry {
    /// A telephone whose media come from where its signalling comes from.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        let (user, password) = (user.to_owned(), password.to_owned());
        let (keys, notices) = (SipKeys::Stream, Notices::Subscribed);
        Self { user, password, media: Vec::new(), keys, notices }
    }
}

/// The password is not shown.
impl fmt::Debug for PhoneEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, media, keys, notices, .. } = self;
        let mut shown = f.debug_struct("PhoneEntry");
        shown.field("user", user).field("media", media).field("keys", keys).field("notices", notices);
        shown.finish_non_exhaustive()
    }
}

impl LineEntry {
    /// The gateway that it hangs on, or [`SIP`].
    #[must_use]
    pub fn gateway(&self) -> &str {
        match &self.access {
            LineAccess::Endpoint { gateway, .. } => gateway,
            LineAccess::Sip(_) => SIP,
        }
    }

    /// Its endpoint there, or the user that its telephone registers as.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        match &self.access {
            LineAccess::Endpoint { endpoint, .. } => endpoint,
            LineAccess::Sip(phone) => &phone.user,
        }
    }

    /// Its telephone, if that registers.
    #[must_use]
    pub const fn phone(&self) -> Option<&PhoneEntry> {
        match &self.access {
            LineAccess::Endpoint { .. } => None,
            LineAccess::Sip(phone) => Some(phone),
        }
    }
}

impl Inventory {
    /// The numbers of the lines. `ids` are those of the gateways.
    pub(crate) fn check_lines(
        &self,
        ids: &BTreeSet<&str>,
        faults: &mut Vec<InventoryFault>,
    ) -> BTreeSet<&str> {
        let (mut numbers, mut endpoints, mut users) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for line in &self.lines {
            if !is_number(&line.number) {
                faults.push(InventoryFault::BadNumber(line.number.clone()));
            }
            if !numbers.insert(line.number.as_str()) {
                faults.push(InventoryFault::DuplicateNumber(line.number.clone()));
            }
            let (gateway, endpoint) = match &line.access {
                LineAccess::Endpoint { gateway, endpoint } => (gateway, endpoint),
                LineAccess::Sip(phone) => {
                    if phone.user.is_empty() || !users.insert(phone.user.as_str()) {
                        faults.push(InventoryFault::BadUser(phone.user.clone()));
                    }
                    continue;
                }
            };
            if !ids.contains(gateway.as_str()) {
                faults.push(InventoryFault::UnknownGateway(gateway.clone()));
            }
            if let Some(entry) = self.gateways.iter().find(|entry| entry.id == *gateway) {
                faults.extend(illegal_name(endpoint, &entry.domain));
            }
            if !endpoints.insert((gateway.as_str(), endpoint.to_ascii_lowercase())) {
                let (gateway, endpoint) = (gateway.clone(), endpoint.clone());
                faults.push(InventoryFault::DuplicateEndpoint { gateway, endpoint });
            }
        }
        self.check_phones(faults);
        numbers
    }

    fn check_phones(&self, faults: &mut Vec<InventoryFault>) {
        let Some(first) = self.lines.iter().find(|line| line.phone().is_some()) else { return };
        if self.sip.is_empty() {
            faults.push(InventoryFault::NoSocket(first.number.clone()));
        }
        // Records name the place of a party by the id of its gateway or trunk.
        let mut ids =
            self.gateways.iter().map(|gateway| &gateway.id).chain(self.trunks.iter().map(|trunk| &trunk.id));
        if ids.any(|id| id == SIP) {
            faults.push(InventoryFault::ReservedId(SIP.to_owned()));
        }
    }
}
