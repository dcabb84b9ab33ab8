//! Connections of TCP in virtual time, between gateways and the exchange.
//!
//! What one end writes reaches the other whole and in order, cut into segments anywhere; a lost segment comes late. While a host is
//! cut off its segments are repeated, until an end has no patience left and gives the connection up. A host that begins anew has
//! forgotten its connections: sometimes it says so, sometimes the other end finds out when it next writes, or by a keep-alive.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_megaco::transport::{Splitter, write_tpkt};
use strowger_sansio::{Duration, Rng, Time};

use crate::network::Link;

/// The longest message that is taken.
const LONGEST: usize = 65_000;
/// How often a segment that did not come through is repeated.
const REPEATED: Duration = Duration::from_secs(1);
/// How long a connection is tried for.
const TRIED: Duration = Duration::from_secs(20);

/// The ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The gateway, which has made it.
    Gateway,
    /// The exchange.
    Exchange,
}

impl End {
    const fn other(self) -> Self {
        match self {
            Self::Gateway => Self::Exchange,
            Self::Exchange => Self::Gateway,
        }
    }
}

/// A connection, by its number.
pub type StreamId = u32;

/// What an end notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The gateway's connection stands.
    Opened(StreamId),
    /// It could not be made.
    Failed(StreamId),
    /// A message has come.
    Message(StreamId, End, Vec<u8>),
    /// It has ended, for this end.
    Ended(StreamId, End),
    /// What came is no TPKT.
    Broken(StreamId, End),
}

/// Who has a connection, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties {
    /// The gateway's place in the inventory.
    pub place: usize,
    /// The controller's place in the gateway's list.
    pub controller: usize,
    /// The gateway's end.
    pub gateway: SocketAddr,
    /// The exchange's end.
    pub exchange: SocketAddr,
}

/// One end.
#[derive(Debug)]
struct Half {
    is_open: bool,
    /// What has come, and is no whole message yet.
    splitter: Splitter,
    /// Segments on their way to it, and when they were written.
    coming: VecDeque<(Time, Vec<u8>)>,
    /// When the last of them is due.
    latest: Time,
}

#[derive(Debug)]
struct Connection {
    parties: Parties,
    gateway: Half,
    exchange: Half,
    /// How long segments are repeated before an end gives up.
    patience: Duration,
}

impl Connection {
    const fn half(&mut self, end: End) -> &mut Half {
        match end {
            End::Gateway => &mut self.gateway,
            End::Exchange => &mut self.exchange,
        }
    }
}

#[derive(Clone, Debug)]
enum Due {
    /// The gateway asks for the connection, since when.
    Asked(Time),
    /// The next segment arrives at an end.
    Segment(End),
    /// An end finds out that the other has forgotten the connection, or has ended it.
    Found(End),
}

/// All connections.
#[derive(Debug)]
pub struct Streams {
    rng: Rng,
    link: Link,
    next: StreamId,
    connections: BTreeMap<StreamId, Connection>,
    due: BTreeMap<(Time, u64), (StreamId, Due)>,
    sequence: u64,
    notices: VecDeque<Notice>,
}

impl Streams {
    /// Connections over paths as bad as this.
    #[must_use]
    pub const fn new(rng: Rng, link: Link) -> Self {
        Self {
            rng,
            link,
            next: 0,
            connections: BTreeMap::new(),
            due: BTreeMap::new(),
            sequence: 0,
            notices: VecDeque::new(),
        }
    }

    /// From now on nothing is lost.
    pub const fn heal(&mut self) {
        self.link = Link::CLEAN;
    }

    /// Who has a connection.
    #[must_use]
    pub fn parties(&self, id: StreamId) -> Option<Parties> {
        self.connections.get(&id).map(|connection| connection.parties)
    }

    fn later(&mut self, at: Time, id: StreamId, due: Due) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), (id, due));
    }

    /// How long a segment is on its way: lost ones are repeated, ever later.
    fn takes(&mut self) -> Duration {
        let mut takes = self.link.delay + self.rng.duration(Duration::ZERO, self.link.jitter);
        let mut repeated = Duration::from_millis(200);
        while self.rng.chance(self.link.loss) {
            takes += repeated;
            repeated *= 2;
        }
        takes
    }

    /// A gateway wants a connection.
    pub fn open(&mut self, now: Time, parties: Parties) -> StreamId {
        self.next += 1;
        let id = self.next;
        let half = || {
            let splitter = Splitter::new(LONGEST);
            Half { is_open: false, splitter, coming: VecDeque::new(), latest: now }
        };
        let patience = self.rng.duration(Duration::from_secs(10), Duration::from_secs(60));
        self.connections.insert(id, Connection { parties, gateway: half(), exchange: half(), patience });
        let at = now + self.takes() + self.takes();
        self.later(at, id, Due::Asked(now));
        id
    }

    /// An end writes a message. One that it has closed, or that is gone, takes nothing.
    pub fn send(&mut self, now: Time, id: StreamId, from: End, message: &[u8]) {
        let to = from.other();
        let Some(connection) = self.connections.get_mut(&id).filter(|own| {
            let half = if from == End::Gateway { &own.gateway } else { &own.exchange };
            half.is_open
        }) else {
            return;
        };
        if !connection.half(to).is_open {
            let at = now + self.takes() + self.takes();
            return self.later(at, id, Due::Found(from));
        }
        let mut octets = Vec::new();
        // What is too long for a TPKT is too long for a datagram as well: nobody sends it.
        let _ = write_tpkt(message, &mut octets);
        while !octets.is_empty() {
            let length = octets.len() as u64;
            let cut = if self.rng.chance(0.7) { length } else { 1 + self.rng.below(length) };
            let rest = octets.split_off(usize::try_from(cut).unwrap_or(octets.len()).min(octets.len()));
            let segment = std::mem::replace(&mut octets, rest);
            let arrival = now + self.takes();
            let Some(half) = self.connections.get_mut(&id).map(|own| own.half(to)) else { return };
            half.latest = half.latest.max(arrival);
            half.coming.push_back((now, segment));
            let at = half.latest;
            self.later(at, id, Due::Segment(to));
        }
    }

    /// A host begins anew and has forgotten its connections: those of a gateway, or all that the exchange has.
    pub fn forget(&mut self, now: Time, place: Option<usize>) {
        let own = if place.is_some() { End::Gateway } else { End::Exchange };
        let is_meant =
            |connection: &&mut Connection| place.is_none_or(|place| connection.parties.place == place);
        let mut told = Vec::new();
        for (id, connection) in &mut self.connections {
            let mut one = Some(connection).filter(is_meant);
            let Some(connection) = one.as_mut() else { continue };
            connection.half(own).is_open = false;
            if connection.half(own.other()).is_open {
                told.push(*id);
            }
        }
        // Connections that were being made are made for nobody.
        self.due.retain(|_, (id, due)| {
            let connection = self.connections.get(id);
            let is_meant = place.is_some() && connection.is_some_and(|one| Some(one.parties.place) == place);
            !(is_meant && matches!(due, Due::Asked(_)))
        });
        for id in told {
            let after = if self.rng.chance(0.5) {
                self.takes()
            } else {
                self.rng.duration(Duration::from_secs(1), Duration::from_secs(45))
            };
            let latest = self.connections.get_mut(&id).map_or(now, |one| one.half(own.other()).latest);
            self.later(latest.max(now + after), id, Due::Found(own.other()));
        }
    }

    /// When [`Self::receive`] has something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let due = self.due.first_key_value().map(|((at, _), _)| *at);
        if self.notices.is_empty() { due } else { Some(Time::ZERO) }
    }

    /// Takes the next thing that is noticed by `now`; `is_cut` says whether a gateway is cut off.
    pub fn receive(&mut self, now: Time, is_cut: impl Fn(usize) -> bool) -> Option<Notice> {
        loop {
            if let Some(notice) = self.notices.pop_front() {
                return Some(notice);
            }
            let ((at, _), _) = self.due.first_key_value()?;
            if *at > now {
                return None;
            }
            let (_, (id, due)) = self.due.pop_first()?;
            let place = self.connections.get(&id)?.parties.place;
            self.happen(now, id, &due, is_cut(place));
        }
    }

    fn happen(&mut self, now: Time, id: StreamId, due: &Due, is_cut: bool) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match *due {
            Due::Asked(since) if is_cut && now.since(since) < TRIED => {
                self.later(now + REPEATED, id, Due::Asked(since));
            }
            Due::Asked(_) if is_cut => {
                self.notices.push_back(Notice::Failed(id));
            }
            Due::Asked(_) => {
                (connection.gateway.is_open, connection.exchange.is_open) = (true, true);
                self.notices.push_back(Notice::Opened(id));
            }
            Due::Segment(to) if is_cut => {
                let patience = connection.patience;
                let written = connection.half(to).coming.front().map(|(written, _)| *written);
                if written.is_some_and(|written| now.since(written) > patience) {
                    connection.half(to).coming.clear();
                    self.end(id, to.other());
                } else if written.is_some() {
                    self.later(now + REPEATED, id, Due::Segment(to));
                }
            }
            Due::Segment(to) => {
                let half = connection.half(to);
                let Some((_, segment)) = half.coming.pop_front().filter(|_| half.is_open) else { return };
                half.splitter.handle_input(&segment);
                loop {
                    match half.splitter.poll_message() {
                        Ok(Some(message)) => {
                            self.notices.push_back(Notice::Message(id, to, message.to_vec()));
                        }
                        Ok(None) => break,
                        Err(_) => {
                            self.notices.push_back(Notice::Broken(id, to));
                            break;
                        }
                    }
                }
            }
            Due::Found(end) => self.end(id, end),
        }
    }

    /// An end has no connection any more; the other finds out by itself.
    fn end(&mut self, id: StreamId, end: End) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let half = connection.half(end);
        if !std::mem::take(&mut half.is_open) {
            return;
        }
        self.notices.push_back(Notice::Ended(id, end));
        let latest = connection.half(end.other()).latest;
        if connection.half(end.other()).is_open {
            let after = self.rng.duration(Duration::from_millis(50), Duration::from_secs(45));
            self.later(latest + after, id, Due::Found(end.other()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn parties() -> Parties {
        let at = |port: u16| SocketAddr::from(([10, 0, 0, 1], port));
        Parties { place: 0, controller: 0, gateway: at(40_000), exchange: at(2944) }
    }

    /// Everything that is noticed until `end`; the gateway is cut off while `cut` says so.
    fn notices(streams: &mut Streams, end: Time, cut: std::ops::Range<Time>) -> Vec<Notice> {
        let mut all = Vec::new();
        let now = Cell::new(Time::ZERO);
        while let Some(due) = streams.poll_timeout().filter(|due| *due <= end) {
            now.set(now.get().max(due));
            all.extend(streams.receive(now.get(), |_| cut.contains(&now.get())));
        }
        all
    }

    fn opened(link: Link) -> (Streams, StreamId) {
        let mut streams = Streams::new(Rng::from_number(7), link);
        let id = streams.open(Time::ZERO, parties());
        let nobody = Time::MAX..Time::MAX;
        assert_eq!(notices(&mut streams, Time::from_secs(30), nobody), [Notice::Opened(id)]);
        (streams, id)
    }

    #[test]
    fn messages_come_whole_and_in_order_over_a_path_that_loses_and_is_cut() {
        let bad = Link { loss: 0.3, jitter: Duration::from_millis(50), ..Link::CLEAN };
        let (mut streams, id) = opened(bad);
        let mut expected = Vec::new();
        for number in 0..100_u8 {
            let message = vec![number; 40];
            streams.send(
                Time::from_secs(31) + Duration::from_millis(u64::from(number) * 20),
                id,
                End::Gateway,
                &message,
            );
            expected.push(Notice::Message(id, End::Exchange, message));
        }
        let cut = Time::from_secs(32)..Time::from_secs(36);
        assert_eq!(notices(&mut streams, Time::from_secs(60), cut), expected);
    }

    #[test]
    fn an_end_that_cannot_be_reached_is_given_up_and_the_other_finds_out() {
        let (mut streams, id) = opened(Link::CLEAN);
        streams.send(Time::from_secs(31), id, End::Exchange, b"!/1");
        let cut = Time::from_secs(31)..Time::from_secs(100);
        let ended = [Notice::Ended(id, End::Exchange), Notice::Ended(id, End::Gateway)];
        assert_eq!(notices(&mut streams, Time::from_secs(200), cut), ended);
    }

    #[test]
    fn a_connection_of_a_host_that_began_anew_ends_at_the_other_end_alone() {
        let (mut streams, id) = opened(Link::CLEAN);
        streams.forget(Time::from_secs(31), Some(0));
        streams.send(Time::from_secs(31), id, End::Exchange, b"!/1");
        let nobody = Time::MAX..Time::MAX;
        let ended = [Notice::Ended(id, End::Exchange)];
        assert_eq!(notices(&mut streams, Time::from_secs(100), nobody), ended);
    }

    #[test]
    fn a_gateway_that_is_cut_off_gets_no_connection() {
        let mut streams = Streams::new(Rng::from_number(7), Link::CLEAN);
        let id = streams.open(Time::ZERO, parties());
        let always = Time::ZERO..Time::MAX;
        assert_eq!(notices(&mut streams, Time::from_secs(60), always), [Notice::Failed(id)]);
    }
}
