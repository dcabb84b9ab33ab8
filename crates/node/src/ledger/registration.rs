//! Where telephones are registered, as it is kept: a start of the exchange finds them where they were.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use strowger_exchange::{Contact, Registration, SipTransport};

use crate::clock::{Wall, parse_stamp};

/// What the keys of registrations begin with.
pub(super) const REGISTRATION: &str = "registration/";

/// The key of a line's registration.
pub(super) fn registration_key(line: &str) -> String {
    format!("{REGISTRATION}{line}")
}

/// Where the telephone of a line is registered; the line is in the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationEntry {
    /// The user that it registers as.
    pub user: String,
    /// Since when it is so: RFC 3339, UTC.
    pub since: String,
    /// Its contacts.
    #[serde(default)]
    pub contacts: Vec<ContactEntry>,
}

/// One contact of a telephone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactEntry {
    /// Its URI.
    pub uri: String,
    /// How much it is preferred: `q`, in thousandths.
    pub quality: u16,
    /// The `Call-ID` of the REGISTER that made it …
    pub call_id: String,
    /// … and the number of that.
    pub cseq: u32,
    /// When it ends: RFC 3339, UTC, to the nanosecond.
    pub expires: String,
    /// How it is reached: `udp`, `tcp` or `tls` …
    pub transport: String,
    /// … and where.
    pub address: String,
}

const TRANSPORTS: [SipTransport; 3] = [SipTransport::Udp, SipTransport::Tcp, SipTransport::Tls];

impl RegistrationEntry {
    /// The record with wall times.
    #[must_use]
    pub fn new(record: &Registration, wall: &Wall) -> Self {
        let contacts = record.contacts.iter().map(|contact| ContactEntry {
            uri: contact.uri.clone(),
            quality: contact.quality,
            call_id: contact.call_id.clone(),
            cseq: contact.cseq,
            expires: wall.exact_stamp(contact.expires),
            transport: contact.transport.to_string(),
            address: contact.address.to_string(),
        });
        Self { user: record.user.clone(), since: wall.stamp(record.at), contacts: contacts.collect() }
    }

    /// The record on the engines' clock, of the contacts that are legible.
    #[must_use]
    pub fn to_record(&self, line: &str, wall: &Wall) -> Registration {
        let contacts = self.contacts.iter().filter_map(|contact| {
            Some(Contact {
                uri: contact.uri.clone(),
                quality: contact.quality,
                call_id: contact.call_id.clone(),
                cseq: contact.cseq,
                expires: wall.time(parse_stamp(&contact.expires)?),
                transport: TRANSPORTS.into_iter().find(|own| own.to_string() == contact.transport)?,
                address: contact.address.parse::<SocketAddr>().ok()?,
            })
        });
        let (line, user) = (line.to_owned(), self.user.clone());
        Registration { at: wall.now(), line, user, contacts: contacts.collect() }
    }
}
