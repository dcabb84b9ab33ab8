//! Who is who: addresses to parties.
//!
//! An address belongs to the party that was named for it; else to the party whose own session description announced it
//! (so that media has the same column as the signalling that set it up); else to the party named for its host; else to
//! a party of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::entry::Party;
use crate::escape::escape;

/// Parties and the ways to them.
#[derive(Clone, Debug, Default)]
pub(super) struct Parties {
    pub(super) list: Vec<Party>,
    by_address: BTreeMap<SocketAddr, usize>,
    by_host: BTreeMap<IpAddr, usize>,
}

impl Parties {
    /// Addresses that are remembered. Beyond it, new ones are the last party's: a ladder with more is not read by anyone.
    const MOST: usize = 4_096;
    /// Columns that a picture can hold at all.
    const MOST_PARTIES: usize = 64;

    /// The party with this name, which is made when there is none.
    fn named(&mut self, name: &str) -> usize {
        let name = escape(name).to_string();
        if let Some(known) = self.list.iter().position(|party| party.name == name) {
            return known;
        }
        self.add(name)
    }

    fn add(&mut self, name: String) -> usize {
        if self.list.len() < Self::MOST_PARTIES {
            self.list.push(Party { name, addresses: Vec::new() });
        }
        self.list.len() - 1
    }

    pub(super) fn name_address(&mut self, address: SocketAddr, name: &str) {
        let party = self.named(name);
        self.by_address.insert(address, party);
        self.note(party, address);
    }

    pub(super) fn name_host(&mut self, host: IpAddr, name: &str) {
        let party = self.named(name);
        self.by_host.insert(host, party);
    }

    /// An address that a party announced for its media.
    pub(super) fn learn(&mut self, party: usize, address: SocketAddr) {
        if self.by_address.len() < Self::MOST && !self.by_address.contains_key(&address) {
            self.by_address.insert(address, party);
            self.note(party, address);
        }
    }

    /// The party of an address.
    pub(super) fn of(&mut self, address: SocketAddr) -> usize {
        if let Some(known) = self.by_address.get(&address) {
            return *known;
        }
        let party = match self.by_host.get(&address.ip()) {
            Some(named) => *named,
            None => self.add(address.to_string()),
        };
        self.learn(party, address);
        party
    }

    fn note(&mut self, party: usize, address: SocketAddr) {
        if let Some(party) = self.list.get_mut(party)
            && !party.addresses.contains(&address)
        {
            party.addresses.push(address);
        }
    }
}
