//! Who may connect, how many connections a host has, and how fast their messages are taken.
//!
//! A host of the inventory has its own places, so that nobody else can take them. Where telephones register from anywhere, others have
//! places in common. A host that sends faster than its share is read more slowly: over a stream nothing is sent again that was dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use strowger_sansio::TokenBucket;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Fate;
use crate::admission::Limits;
use crate::clock::Clock;
use crate::metrics::{Counter, Gauge, Registry};

/// Connections that one host may have: proxies keep one or a few.
const PER_HOST: usize = 16;
/// Connections of all hosts that are not listed, where they may come at all: a town's telephones.
const STRANGERS: usize = 4096;
/// Hosts whose shares are kept.
const HOSTS: usize = 8192;

/// Who may connect.
#[derive(Debug)]
pub(crate) struct Door {
    clock: Clock,
    limits: Limits,
    state: Mutex<State>,
    taken: Counter,
    turned_away: Counter,
    standing: Gauge,
}

#[derive(Debug, Default)]
struct State {
    listed: BTreeSet<IpAddr>,
    /// Which names the certificates of a host may have.
    names: BTreeMap<IpAddr, Vec<ServerName<'static>>>,
    /// Hosts of trunks that need not prove any.
    unproven: BTreeSet<IpAddr>,
    anybody: bool,
    places: BTreeMap<IpAddr, usize>,
    strangers: usize,
    shares: BTreeMap<IpAddr, TokenBucket>,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    door: Arc<Door>,
    host: IpAddr,
    fate: Arc<Fate>,
}

impl Door {
    pub(super) fn new(clock: Clock, limits: Limits, metrics: &Registry) -> Self {
        Self {
            clock,
            limits,
            state: Mutex::default(),
            taken: metrics.counter(
                "strowger_sip_connections_taken_total",
                "Connections of SIP peers taken.",
                &[],
            ),
            turned_away: metrics.counter(
                "strowger_sip_connections_turned_away_total",
                "Connections of hosts that are not listed, or have too many.",
                &[],
            ),
            standing: metrics.gauge("strowger_sip_connections", "Connections of SIP peers that stand.", &[]),
        }
    }

    /// Lists hosts; from here on they may connect.
    pub(crate) fn list(&self, hosts: impl IntoIterator<Item = IpAddr>) {
        if let Ok(mut state) = self.state.lock() {
            state.listed.extend(hosts.into_iter().map(super::canonical));
        }
    }

    /// A host may prove that it has this name.
    pub(crate) fn name(&self, host: IpAddr, name: &ServerName<'static>) {
        if let Ok(mut state) = self.state.lock() {
            let names = state.names.entry(super::canonical(host)).or_default();
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }

    /// The host of a trunk need not prove any name.
    pub(crate) fn trust(&self, host: IpAddr) {
        if let Ok(mut state) = self.state.lock() {
            state.unproven.insert(super::canonical(host));
        }
    }

    /// The names of which a host must prove to have one, where it is asked for that; none when it is a telephone's, or need not.
    pub(super) fn names(&self, host: IpAddr) -> Option<Vec<ServerName<'static>>> {
        let Ok(state) = self.state.lock() else { return Some(Vec::new()) };
        match state.names.get(&host) {
            Some(names) => Some(names.clone()),
            None => (state.listed.contains(&host) && !state.unproven.contains(&host)).then(Vec::new),
        }
    }

    /// Lets hosts connect that are not listed.
    pub(crate) fn open_to_anybody(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.anybody = true;
        }
    }

    /// Gives a host a place for one connection more.
    pub(super) fn place(self: &Arc<Self>, host: IpAddr, fate: &Arc<Fate>) -> Option<Place> {
        let place = self.find_place(host, fate);
        let (count, by) = if place.is_some() { (&self.taken, 1.0) } else { (&self.turned_away, 0.0) };
        count.increment();
        self.standing.set(self.standing.value() + by);
        place
    }

    fn find_place(self: &Arc<Self>, host: IpAddr, fate: &Arc<Fate>) -> Option<Place> {
        let mut state = self.state.lock().ok()?;
        let is_stranger = !state.listed.contains(&host);
        if is_stranger && (!state.anybody || state.strangers >= STRANGERS) {
            return None;
        }
        if state.places.get(&host).is_some_and(|own| *own >= PER_HOST) {
            return None;
        }
        fate.is_stranger.store(is_stranger, Ordering::Relaxed);
        state.takes(host, is_stranger);
        Some(Place { door: Arc::clone(self), host, fate: Arc::clone(fate) })
    }

    /// A telephone has registered by a connection from there, or has no more. While it has, the connection takes no place: there may be
    /// many behind one NAT, and the registrar knows how many there may be.
    pub(super) fn registered(&self, host: IpAddr, fate: &Fate, is_registered: bool) {
        let Ok(mut state) = self.state.lock() else { return };
        let is_news = fate.registered.swap(is_registered, Ordering::Relaxed) != is_registered;
        if !is_news || fate.is_over.load(Ordering::Relaxed) {
            return;
        }
        let is_stranger = fate.is_stranger.load(Ordering::Relaxed);
        match is_registered {
            true => state.gives_back(host, is_stranger),
            false => state.takes(host, is_stranger),
        }
    }

    /// Whether a host may send one message more now.
    pub(super) fn admits(&self, host: IpAddr) -> bool {
        let Ok(mut state) = self.state.lock() else { return false };
        let now = self.clock.now();
        let Limits { peer_rate, peer_burst, .. } = self.limits;
        if state.shares.len() >= HOSTS && !state.shares.contains_key(&host) {
            let State { shares, places, .. } = &mut *state;
            shares.retain(|host, _| places.contains_key(host));
        }
        let share = state.shares.entry(host);
        share.or_insert_with(|| TokenBucket::new(peer_rate, peer_burst, now)).take(now)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.standing.set(self.door.standing.value() - 1.0);
        let Ok(mut state) = self.door.state.lock() else { return };
        self.fate.is_over.store(true, Ordering::Relaxed);
        if !self.fate.registered.load(Ordering::Relaxed) {
            state.gives_back(self.host, self.fate.is_stranger.load(Ordering::Relaxed));
        }
    }
}

impl State {
    fn takes(&mut self, host: IpAddr, is_stranger: bool) {
        self.strangers += usize::from(is_stranger);
        *self.places.entry(host).or_default() += 1;
    }

    fn gives_back(&mut self, host: IpAddr, is_stranger: bool) {
        self.strangers = self.strangers.saturating_sub(usize::from(is_stranger));
        if let Some(own) = self.places.get_mut(&host) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.places.remove(&host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_trunks_prove_a_name_unless_all_of_theirs_need_not_and_telephones_prove_none() {
        let door = Door::new(Clock::start(), Limits::default(), &Registry::new());
        let [trunk, open, phone] = [1, 2, 3].map(|host| IpAddr::from([192, 0, 2, host]));
        let name = ServerName::try_from("carrier.example").unwrap();
        door.list([trunk, open]);
        assert_eq!(door.names(trunk), Some(Vec::new()), "it has none that it could prove");
        door.name(trunk, &name);
        door.trust(open);
        assert_eq!((door.names(trunk), door.names(open)), (Some(vec![name.clone()]), None));
        assert_eq!(door.names(phone), None);
        // One trunk at a host that must is enough.
        door.name(open, &name);
        assert!(door.names(open).is_some());
    }

    #[test]
    fn a_host_has_its_places_and_strangers_have_none_of_them() {
        let door = Arc::new(Door::new(Clock::start(), Limits::default(), &Registry::new()));
        let place = |host| door.place(host, &Arc::default());
        let [listed, stranger] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        assert!(place(listed).is_none());
        door.list([listed]);
        let places: Vec<_> = std::iter::from_fn(|| place(listed)).collect();
        assert_eq!(places.len(), PER_HOST);
        assert!(place(stranger).is_none());
        door.open_to_anybody();
        let hosts = (0..u32::MAX).map(|host| IpAddr::from((0x0a00_0000 + host).to_be_bytes()));
        let strangers: Vec<_> = hosts.map_while(place).collect();
        assert_eq!(strangers.len(), STRANGERS);
        assert!(place(stranger).is_none());
        drop(places);
        assert!(place(listed).is_some(), "whoever comes, a listed host has its places");
        drop(strangers);
        assert!(place(stranger).is_some());
        assert!(door.standing.value().abs() < f64::EPSILON);
    }

    #[test]
    fn many_telephones_behind_one_nat_have_room_and_who_only_connects_has_not() {
        let door = Arc::new(Door::new(Clock::start(), Limits::default(), &Registry::new()));
        door.open_to_anybody();
        let office = IpAddr::from([192, 0, 2, 3]);
        let mut standing = Vec::new();
        for _ in 0..100 {
            let fate = Arc::new(Fate::default());
            standing.push((door.place(office, &fate).unwrap(), Arc::clone(&fate)));
            door.registered(office, &fate, true);
            door.registered(office, &fate, true);
        }
        let silent: Vec<_> = std::iter::from_fn(|| door.place(office, &Arc::default())).collect();
        assert_eq!(silent.len(), PER_HOST);
        // One whose registration is over takes a place again.
        drop(silent);
        door.registered(office, &standing[0].1, false);
        let silent: Vec<_> = std::iter::from_fn(|| door.place(office, &Arc::default())).collect();
        assert_eq!(silent.len(), PER_HOST - 1);
        let fates: Vec<_> = standing.iter().map(|(_, fate)| Arc::clone(fate)).collect();
        drop((standing, silent));
        // What is told of them when they have ended changes nothing.
        fates.iter().for_each(|fate| door.registered(office, fate, false));
        let state = door.state.lock().unwrap();
        assert_eq!((state.strangers, state.places.len()), (0, 0));
    }
}
