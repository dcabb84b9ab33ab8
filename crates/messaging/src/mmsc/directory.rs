//! Who is at which address, in both directions: the sender of a request, bound from the network and never from what he writes, and the
//! bearer address of a subscriber who is to be notified.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::party::Party;
use crate::push::address::Network;

/// What is known of one subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The telephone number.
    pub number: String,
    /// Where requests of this subscriber come from: addresses, or ranges that belong to him alone.
    pub networks: Vec<String>,
    /// Where datagrams reach the handset; none when it is notified by short message.
    pub push: Option<SocketAddr>,
}

/// The inventory of subscribers.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    hosts: BTreeMap<IpAddr, Party>,
    /// The longest prefix first.
    ranges: Vec<(u8, Network, Party)>,
    push: BTreeMap<Party, SocketAddr>,
    proxies: Vec<Network>,
    header: String,
}

impl Directory {
    /// An inventory. In requests from `proxies`, which are trusted to have put it there themselves, `header` names the subscriber.
    #[must_use]
    pub fn new(subscribers: &[Subscriber], proxies: Vec<Network>, header: &str) -> Self {
        let mut directory = Self { proxies, header: header.to_owned(), ..Self::default() };
        for subscriber in subscribers {
            let Some(party) = Party::number(&subscriber.number) else { continue };
            for text in &subscriber.networks {
                if let Ok(host) = text.parse::<IpAddr>() {
                    directory.hosts.insert(host.to_canonical(), party.clone());
                } else if let Some(network) = Network::parse(text) {
                    let bits = text.rsplit('/').next().and_then(|bits| bits.parse().ok()).unwrap_or(0);
                    directory.ranges.push((bits, network, party.clone()));
                }
            }
            if let Some(push) = subscriber.push {
                directory.push.insert(party, push);
            }
        }
        directory.ranges.sort_by_key(|(bits, ..)| std::cmp::Reverse(*bits));
        directory
    }

    /// The header that proxies name subscribers by.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Whether a host is trusted to name subscribers.
    #[must_use]
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(peer))
    }

    /// Whose request it is that came from `peer` with these values of the header; none when nobody is known there. A header from a host
    /// that is no proxy is not looked at, and one that is there twice names nobody: the second may be the subscriber's own.
    #[must_use]
    pub fn identify(&self, peer: IpAddr, named: &[&str]) -> Option<Party> {
        if self.is_proxy(peer) {
            return match named {
                [one] => Party::number(one),
                _ => None,
            };
        }
        let peer = peer.to_canonical();
        self.hosts.get(&peer).cloned().or_else(|| {
            let found = self.ranges.iter().find(|(_, network, _)| network.contains(peer));
            found.map(|(.., party)| party.clone())
        })
    }

    /// Where pushes to a party go, in the words of the push gateway; none to whom there is no push.
    #[must_use]
    pub fn push_address(&self, party: &Party) -> Option<String> {
        match (self.push.get(party), party) {
            (Some(address), _) => Some(address.to_string()),
            (None, Party::Number(number)) => Some(number.clone()),
            (None, Party::Host(host)) => Some(host.to_string()),
            (None, Party::Application(_) | Party::Mail(_) | Party::Peer { .. } | Party::Nobody(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let subscriber = |number: &str, networks: &[&str], push: Option<&str>| Subscriber {
            number: number.to_owned(),
            networks: networks.iter().map(|text| (*text).to_owned()).collect(),
            push: push.map(|text| text.parse().unwrap()),
        };
        let subscribers = [
            subscriber("+15550100", &["10.0.0.1"], Some("10.0.0.1:2948")),
            subscriber("+15550101", &["10.0.0.0/24", "2001:db8:1::/64"], None),
            subscriber("+15550102", &["10.0.0.8/29"], None),
        ];
        Directory::new(&subscribers, vec![Network::parse("192.0.2.1").unwrap()], "X-MSISDN")
    }

    fn who(peer: &str, named: &[&str]) -> Option<String> {
        directory().identify(peer.parse().unwrap(), named).map(|party| party.to_string())
    }

    #[test]
    fn a_request_belongs_to_the_narrowest_range_that_it_comes_from() {
        assert_eq!(who("10.0.0.1", &[]).as_deref(), Some("+15550100"));
        assert_eq!(who("10.0.0.9", &[]).as_deref(), Some("+15550102"));
        assert_eq!(who("10.0.0.77", &[]).as_deref(), Some("+15550101"));
        assert_eq!(who("2001:db8:1::7", &[]).as_deref(), Some("+15550101"));
        assert_eq!(who("::ffff:10.0.0.1", &[]).as_deref(), Some("+15550100"));
        assert_eq!(who("10.0.1.1", &[]), None);
    }

    #[test]
    fn a_header_names_a_subscriber_only_when_a_proxy_put_it_there() {
        assert_eq!(who("192.0.2.1", &["+15550109"]).as_deref(), Some("+15550109"));
        assert_eq!(who("192.0.2.1", &["15550109"]).as_deref(), Some("15550109"));
        assert_eq!(who("192.0.2.1", &[]), None);
        assert_eq!(who("192.0.2.1", &["+15550109", "+15550100"]), None);
        assert_eq!(who("192.0.2.1", &["nobody"]), None);
        assert_eq!(who("10.0.0.1", &["+15550109"]).as_deref(), Some("+15550100"));
    }

    #[test]
    fn handsets_on_the_network_get_datagrams_and_others_short_messages() {
        let directory = directory();
        let to = |number: &str| directory.push_address(&Party::Number(number.to_owned()));
        assert_eq!(to("+15550100").as_deref(), Some("10.0.0.1:2948"));
        assert_eq!(to("+15550101").as_deref(), Some("+15550101"));
        assert_eq!(directory.push_address(&Party::Application("news".to_owned())), None);
    }
}
