//! The MMSC and mail: MM3, messages to and from mail addresses (RFC 4356), and MM4, messages to and from other MMSCs (3GPP TS 23.140
//! section 8.4), both by SMTP.
//!
//! - [`text`]: headers. [`mm3`] and [`mm4`]: mails as values, both ways. [`incoming`]: what is brought here. [`outgoing`]: what is
//!   handed over, which the engine keeps and repeats as it does for applications.
//!
//! The text of TS 23.140 was not at hand: fields are those of release 6 as they are published in use, read without regard to case, and those
//! that are not known are passed over.

pub mod incoming;
pub mod mm3;
pub mod mm4;
pub mod outgoing;
pub mod text;

use std::net::{IpAddr, SocketAddr};

use super::routes::Routes;
use crate::push::address::Network;

/// The mailbox of an MMSC itself, to which answers and reports of other MMSCs go.
pub const SYSTEM: &str = "mm4";

/// Another MMSC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name here.
    pub name: String,
    /// Its domain: messages go to `NUMBER/TYPE=PLMN@DOMAIN`.
    pub domain: String,
    /// Where it takes mail.
    pub address: SocketAddr,
    /// From where its mail comes.
    pub networks: Vec<Network>,
    /// Beginnings of its subscribers' numbers: nobody else is believed to send from there, and it is believed nothing else.
    pub prefixes: Vec<String>,
}

/// What the MMSC does with mail.
#[derive(Clone, Debug, Default)]
pub struct MailSettings {
    /// The domain whose mailboxes are numbers here.
    pub domain: String,
    /// Where mail comes (TCP, SMTP).
    pub listen: Option<SocketAddr>,
    /// Where mail goes; without it none goes.
    pub smarthost: Option<SocketAddr>,
    /// From where mail for subscribers comes, besides other MMSCs.
    pub sources: Vec<Network>,
    /// The other MMSCs.
    pub peers: Vec<Peer>,
}

impl MailSettings {
    /// The routes with those to mail and to other MMSCs.
    #[must_use]
    pub fn route(&self, routes: Routes) -> Routes {
        let routes = if self.domain.is_empty() { routes } else { routes.domain(&self.domain) };
        let routes = if self.smarthost.is_some() { routes.mail() } else { routes };
        self.peers.iter().fold(routes, |routes, peer| {
            peer.prefixes.iter().fold(routes, |routes, prefix| routes.peer(prefix, &peer.name))
        })
    }

    /// The MMSC whose mail comes from there.
    #[must_use]
    pub fn peer_at(&self, from: IpAddr) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.networks.iter().any(|network| network.contains(from)))
    }

    /// The MMSC with this name.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.name == name)
    }

    /// Whether mail for subscribers comes from there.
    #[must_use]
    pub fn is_source(&self, from: IpAddr) -> bool {
        self.sources.iter().any(|network| network.contains(from))
    }

    /// The mailbox of the MMSC itself.
    #[must_use]
    pub fn system(&self) -> String {
        format!("{SYSTEM}@{}", self.domain)
    }
}
