//! The notified entity of an endpoint: where its commands go (RFC 3435 section 2.1.4, RFC 3991 section 2.1).
//!
//! `N` names the first agent, `RED/NL` those that are tried after it. What an agent has refused of MESG (RFC 3435 section B.3) belongs
//! to it as well: another agent is asked anew.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::endpoint::Endpoint;
use crate::transaction::PeerId;

/// Where the commands of an endpoint go: RFC 3435 section 2.1.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entity {
    /// A configured call agent, with the name that it was given.
    Named(PeerId, String),
    /// Set to empty: the source of the last successful non-audit command.
    Source(Option<(PeerId, SocketAddr)>),
}

impl Entity {
    /// What an audit shows.
    pub(super) fn audit(&self) -> String {
        match self {
            Self::Named(_, name) => name.clone(),
            Self::Source(None) => String::new(),
            Self::Source(Some((_, address))) => address_name(*address),
        }
    }
}

/// An address in the form of an entity's name: `[192.0.2.1]:2727`.
pub(super) fn address_name(address: SocketAddr) -> String {
    format!("[{}]:{}", address.ip(), address.port())
}

/// One name of a list of notified entities, and who that is.
pub(super) type Alternate = (PeerId, String);

/// What the notified entity does not understand about MESG.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum MessageSupport {
    /// It has not refused any.
    #[default]
    Unknown,
    /// It refused messages with these parameters, in lower case.
    Without(BTreeSet<String>),
    /// It does not know the command.
    None,
}

impl Endpoint {
    /// The call agent that gets the endpoint's commands: that of N, else the first of the list, else who sent the last command.
    pub(super) fn peer(&self) -> Option<PeerId> {
        match &self.entity {
            Entity::Named(peer, _) => Some(*peer),
            Entity::Source(source) => {
                self.alternates.first().map(|(peer, _)| *peer).or(source.map(|(peer, _)| peer))
            }
        }
    }

    /// Who is tried when `silent` does not answer: the next of the list.
    pub(super) fn peer_after(&self, silent: PeerId) -> Option<PeerId> {
        let named = match &self.entity {
            Entity::Named(peer, _) => Some(*peer),
            Entity::Source(_) => None,
        };
        let list = named.into_iter().chain(self.alternates.iter().map(|(peer, _)| *peer));
        list.skip_while(|peer| *peer != silent).find(|peer| *peer != silent)
    }

    /// Has a new notified entity.
    pub(super) fn set_entity(&mut self, entity: Entity) {
        let before = self.peer();
        self.entity = entity;
        self.note_agent(before);
    }

    /// Has a new list of further notified entities.
    pub(super) fn set_alternates(&mut self, alternates: Vec<Alternate>) {
        let before = self.peer();
        self.alternates = alternates;
        self.note_agent(before);
    }

    fn note_agent(&mut self, before: Option<PeerId>) {
        if self.peer() != before {
            self.messages = MessageSupport::Unknown;
        }
    }

    /// RED/NL of an audit; N is not part of it (RFC 3991 section 2.1).
    pub(super) fn alternates_wire(&self) -> String {
        self.alternates.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ")
    }
}
