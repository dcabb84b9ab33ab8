//! How much SIP is heard of whom: of peers, of telephones, and of those who may be telephones and have not registered.
//!
//! Each host has a share, so that one takes nothing from another; all together have one, so that telephones that are known, and
//! calls, are served whatever strangers send. What comes on top is dropped before it is read. Nothing is kept of a host that
//! has been silent, and hosts beyond those that are told apart share one share: a flood with forged sources costs no memory.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use strowger_exchange::SipStanding;
use strowger_sansio::{Time, TokenBucket};

use crate::admission::Limits;

/// Messages of one host: a second, and at once. A hundred telephones behind one address register with two messages each.
const HOST: (u32, u32) = (50, 200);
/// Messages of all: a second, and at once. What they cost is some 5 % of a processor.
const ALL: (u32, u32) = (2_000, 4_000);
/// Hosts that are told apart.
const HOSTS: usize = 4_096;
/// Hosts of peers and telephones that are told apart.
const KNOWN: usize = 100_000;
/// After this silence a host's share is whole again.
const SILENCE: Duration = Duration::from_secs(4);

/// The shares of all who speak SIP.
#[derive(Debug)]
pub struct Shares {
    limits: Limits,
    known: BTreeMap<IpAddr, TokenBucket>,
    strangers: Strangers,
}

impl Shares {
    /// Nobody has been heard yet. `limits` are those of peers and telephones, by their hosts.
    #[must_use]
    pub fn new(now: Time, limits: Limits) -> Self {
        Self { limits, known: BTreeMap::new(), strangers: Strangers::new(now) }
    }

    /// Whether a message from this host is heard.
    pub fn admit(&mut self, now: Time, standing: SipStanding, host: IpAddr) -> bool {
        match standing {
            SipStanding::Listed | SipStanding::Registered => {
                let Limits { peer_rate, peer_burst, .. } = self.limits;
                if self.known.len() >= KNOWN {
                    // They have moved from place to place; what they had used up is of no account any more.
                    self.known.clear();
                }
                let share = || TokenBucket::new(peer_rate, peer_burst, now);
                self.known.entry(host).or_insert_with(share).take(now)
            }
            SipStanding::Stranger => self.strangers.admit(now, host),
            // It is refused by its address, and counted.
            SipStanding::Unheard => true,
        }
    }
}

#[derive(Debug)]
struct Share {
    bucket: TokenBucket,
    last: Time,
}

/// The shares of all strangers.
#[derive(Debug)]
pub struct Strangers {
    hosts: BTreeMap<IpAddr, Share>,
    others: TokenBucket,
    all: TokenBucket,
}

impl Strangers {
    /// Nobody has been heard yet.
    #[must_use]
    pub fn new(now: Time) -> Self {
        let bucket = |(rate, burst)| TokenBucket::new(rate, burst, now);
        Self { hosts: BTreeMap::new(), others: bucket(HOST), all: bucket(ALL) }
    }

    /// Whether a message from this host is heard.
    pub fn admit(&mut self, now: Time, host: IpAddr) -> bool {
        self.share(now, network(host)).take(now) && self.all.take(now)
    }

    fn share(&mut self, now: Time, host: IpAddr) -> &mut TokenBucket {
        if !self.hosts.contains_key(&host) && self.hosts.len() >= HOSTS {
            self.hosts.retain(|_, share| now.since(share.last) < SILENCE);
            if self.hosts.len() >= HOSTS {
                return &mut self.others;
            }
        }
        let (rate, burst) = HOST;
        let share = self
            .hosts
            .entry(host)
            .or_insert_with(|| Share { bucket: TokenBucket::new(rate, burst, now), last: now });
        share.last = share.last.max(now);
        &mut share.bucket
    }
}

/// Whose messages count together: those of an address, or of what one subscriber is given of IPv6.
fn network(host: IpAddr) -> IpAddr {
    match host.to_canonical() {
        IpAddr::V6(host) => IpAddr::V6(Ipv6Addr::from(u128::from(host) >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const START: Time = Time::from_secs(100);

    fn host(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0xc612_0000 + number))
    }

    #[test]
    fn one_host_takes_nothing_from_another() {
        let mut strangers = Strangers::new(START);
        let heard = (0..100_000).filter(|_| strangers.admit(START, host(1))).count();
        assert_eq!(heard, 200);
        assert!(strangers.admit(START, host(2)));
        // Ten seconds on, at its rate.
        let later = |millis| START + Duration::from_millis(millis);
        let heard = (0..10_000).filter(|millis| strangers.admit(later(*millis), host(1))).count();
        assert!((490..=500).contains(&heard), "{heard}");
    }

    #[test]
    fn all_together_have_their_share_and_a_flood_with_forged_sources_costs_no_memory() {
        let mut strangers = Strangers::new(START);
        let heard = (0..200_000).filter(|number| strangers.admit(START, host(*number))).count();
        assert_eq!(heard, 4_000);
        assert_eq!(strangers.hosts.len(), HOSTS);
        let later = START + SILENCE;
        assert!(strangers.admit(later, host(200_001)), "and is forgotten behind it");
        assert_eq!(strangers.hosts.len(), 1);
    }

    #[test]
    fn the_addresses_of_one_subscriber_count_together() {
        let mut strangers = Strangers::new(START);
        let address = |number: u128| IpAddr::V6(Ipv6Addr::from((0x2001_0db8 << 96) + number));
        let heard = (0..1000).filter(|number| strangers.admit(START, address(*number))).count();
        assert_eq!(heard, 200);
    }
}
