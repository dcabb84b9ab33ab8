//! A town in virtual time: gateways whose lines call each other or a SIP peer, through an exchange of which alone is measured what it uses.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use strowger_exchange::{
    Country, Exchange, Features, GatewayEntry, Input, Inventory, LineAccess, LineEntry, RouteEntry,
    RouteTarget, SIP_UDP, SipSocket, TrunkEntry,
};
use strowger_load::calls::{CallConfig, CallLoad, LoadGateway, LoadLine};
use strowger_load::{Amount, Load as _, Offer};
use strowger_mgcp::dialect::Dialect;
use strowger_sansio::{Epoch, NodeId, Rng, SocketId, Time};
use strowger_sdp::Direction;
use strowger_sip::agent::{AgentConfig, Event, Local, Peer, UserAgent};
use strowger_sip::{Route, Transport};

/// The gateways of each town.
pub(crate) const GATEWAYS: u8 = 20;
/// How long a datagram is under way.
const DELAY: Duration = Duration::from_micros(100);
/// What the SIP peer says of its stream.
const DESCRIPTION: &[u8] =
    b"v=0\r\no=- 1 1 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0 8\r\n";

fn agent() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 2727))
}

/// Where the exchange has SIP.
fn sip() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5060))
}

/// Where its peer is.
fn peer() -> SocketAddr {
    SocketAddr::from(([10, 0, 2, 1], 5060))
}

/// Whom the lines call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// Each other.
    Lines,
    /// A SIP peer, which answers at once.
    Sip,
}

/// What a town is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) lines: u32,
    pub(crate) called: Called,
    pub(crate) offer: Offer,
    pub(crate) amount: Amount,
    pub(crate) hold: Duration,
    /// Memory is counted instead of time.
    pub(crate) counts_memory: bool,
}

/// Where a datagram goes.
#[derive(Clone, Copy, Debug)]
enum To {
    Gateway(usize),
    Peer,
}

type Wire<P> = VecDeque<(Time, P, Vec<u8>)>;

/// An exchange with those who call through it, and what the exchange used.
pub(crate) struct Town {
    pub(crate) exchange: Exchange,
    pub(crate) load: CallLoad,
    peer: UserAgent,
    places: Vec<SocketAddr>,
    now: Time,
    to_exchange: Wire<To>,
    to_others: Wire<To>,
    /// Where datagrams of the exchange are copied to, so that their memory is not counted as kept.
    copied: Vec<u8>,
    pub(crate) busy: Duration,
    pub(crate) kept: i64,
    pub(crate) records: usize,
    counts_memory: bool,
}

impl Town {
    pub(crate) fn new(plan: Plan) -> io::Result<Self> {
        let country: Country = "us".parse().map_err(|_| io::Error::other("no country"))?;
        let mut inventory = Inventory::new("town", country);
        let mut config = CallConfig {
            agent: agent(),
            gateways: Vec::new(),
            lines: Vec::new(),
            number: (plan.called == Called::Sip).then(|| "95550199".to_owned()),
            offer: plan.offer,
            amount: plan.amount,
            ring: Duration::ZERO,
            hold: plan.hold,
            patience: Duration::from_secs(30),
            restart_delay: Duration::from_millis(100),
        };
        for number in 1..=GATEWAYS {
            let (id, domain) = (format!("gw{number}"), format!("gw{number}.town"));
            let address = SocketAddr::from(([10, 0, 1, number], 2427));
            inventory.gateways.push(GatewayEntry::mgcp(&id, address, &domain));
            config.gateways.push(LoadGateway { address, domain, dialect: Dialect::RFC3435 });
        }
        for line in 0..plan.lines {
            let place = line % u32::from(GATEWAYS);
            let (number, gateway) = (format!("2{line:05}"), format!("gw{}", place + 1));
            let endpoint = format!("aaln/{}", line / u32::from(GATEWAYS) + 1);
            inventory.lines.push(LineEntry {
                number: number.clone(),
                access: LineAccess::endpoint(gateway, endpoint.clone()),
                name: None,
                features: Features::default(),
            });
            config.lines.push(LoadLine { gateway: place as usize, endpoint, number });
        }
        if plan.called == Called::Sip {
            inventory.sip.push(SipSocket { transport: Transport::Udp, address: sip() });
            inventory.trunks.push(TrunkEntry { channels: plan.lines, ..TrunkEntry::sip("peer", peer()) });
            inventory.routes.push(RouteEntry {
                prefix: "9".to_owned(),
                strip: 1,
                add: String::new(),
                length: Some(8..=8),
                to: vec![RouteTarget::Trunk("peer".to_owned())],
            });
        }
        let places = config.gateways.iter().map(|gateway| gateway.address).collect();
        let mut exchange = None;
        let kept = allocation_counter::measure(|| {
            exchange = Some(Exchange::new(Time::ZERO, inventory, NodeId(0), Epoch(1), Rng::from_number(3)));
        });
        let local = Local { transport: Transport::Udp, socket: SocketId::MAIN, address: peer() };
        let mut sip_config = AgentConfig::new(vec![local], vec![Peer::new("town", sip(), Transport::Udp)]);
        // It remembers what is over for 32 seconds.
        sip_config.transactions = 1_000_000;
        Ok(Self {
            exchange: exchange.ok_or_else(|| io::Error::other("no exchange"))?,
            load: CallLoad::new(Time::ZERO, config, Rng::from_number(4)).map_err(io::Error::other)?,
            peer: UserAgent::new(Time::ZERO, sip_config, Rng::from_number(5)),
            places,
            now: Time::ZERO,
            to_exchange: VecDeque::new(),
            to_others: VecDeque::new(),
            copied: Vec::with_capacity(1 << 22),
            busy: Duration::ZERO,
            kept: kept.bytes_current,
            records: 0,
            counts_memory: plan.counts_memory,
        })
    }

    /// Lets the exchange do something, and takes from it what it has to give.
    fn exchange(&mut self, act: impl FnOnce(&mut Exchange)) {
        self.copied.clear();
        let mut sent = [(SocketAddr::from(([0, 0, 0, 0], 0)), 0_usize); 4096];
        let (mut count, mut records) = (0, 0);
        let (exchange, copied) = (&mut self.exchange, &mut self.copied);
        let work = || {
            act(exchange);
            while let Some(transmit) = exchange.poll_transmit() {
                copied.extend_from_slice(&transmit.payload);
                if let Some(slot) = sent.get_mut(count) {
                    *slot = (transmit.to, transmit.payload.len());
                }
                count += 1;
            }
            while exchange.poll_event().is_some() {}
            while exchange.poll_record().is_some() {
                records += 1;
            }
        };
        if self.counts_memory {
            self.kept += allocation_counter::measure(work).bytes_current;
        } else {
            let start = Instant::now();
            work();
            self.busy += start.elapsed();
        }
        assert!(count <= sent.len(), "more datagrams at once than there is room for");
        self.records += records;
        let mut rest = self.copied.as_slice();
        for (to, length) in sent.iter().take(count) {
            let (payload, behind) = rest.split_at(*length);
            rest = behind;
            let place = self.places.iter().position(|place| place == to).map(To::Gateway);
            if let Some(to) = place.or((*to == peer()).then_some(To::Peer)) {
                self.to_others.push_back((self.now + DELAY, to, payload.to_vec()));
            }
        }
    }

    /// What the SIP peer has to say, and what it does about calls: it answers them.
    fn turn_of_the_peer(&mut self) {
        while let Some(event) = self.peer.poll_event() {
            if let Event::Incoming { session, .. } = event {
                let answered = self.peer.answer(self.now, session, DESCRIPTION, Direction::SendRecv);
                assert!(answered.is_ok(), "{answered:?}");
            }
        }
        while let Some(transmit) = self.peer.poll_transmit() {
            self.to_exchange.push_back((self.now + DELAY, To::Peer, transmit.payload));
        }
    }

    /// One step of virtual time; false when nothing is due before `until`.
    fn step(&mut self, until: Time) -> bool {
        while let Some(transmit) = self.load.poll_transmit() {
            let from = To::Gateway(transmit.socket.0 as usize);
            self.to_exchange.push_back((self.now + DELAY, from, transmit.payload));
        }
        self.turn_of_the_peer();
        let first = |queue: &Wire<To>| queue.front().map(|(at, _, _)| *at);
        let due = [
            first(&self.to_exchange),
            first(&self.to_others),
            self.load.poll_timeout(),
            self.peer.poll_timeout(),
            self.exchange.poll_timeout(),
        ];
        let Some(next) = due.into_iter().flatten().min().filter(|next| *next <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        while let Some((_, from, bytes)) = arrived(&mut self.to_exchange, now) {
            let route = Route { transport: Transport::Udp, socket: SIP_UDP, address: peer() };
            let input = match from {
                To::Peer => Input::Sip { from: route, bytes: &bytes },
                To::Gateway(place) => {
                    let Some(from) = self.places.get(place).copied() else { continue };
                    Input::Mgcp { from, bytes: &bytes }
                }
            };
            self.exchange(|exchange| exchange.handle_input(now, input));
        }
        while let Some((_, to, bytes)) = arrived(&mut self.to_others, now) {
            match to {
                To::Gateway(place) => self.load.handle_input(now, SocketId(place as u32), agent(), &bytes),
                To::Peer => {
                    self.peer.handle_input(now, Route::udp(sip()), &bytes);
                }
            }
        }
        if self.load.poll_timeout().is_some_and(|due| due <= now) {
            self.load.handle_timeout(now);
        }
        if self.peer.poll_timeout().is_some_and(|due| due <= now) {
            self.peer.handle_timeout(now);
        }
        if self.exchange.poll_timeout().is_some_and(|due| due <= now) {
            self.exchange(|exchange| exchange.handle_timeout(now));
        }
        true
    }

    pub(crate) fn run_until_done(&mut self) {
        while !self.load.is_done() && self.step(Time::MAX) {}
    }

    pub(crate) fn run_until(&mut self, until: Time) {
        while self.step(until) {}
    }
}

/// The next datagram that has arrived.
fn arrived<P>(wire: &mut Wire<P>, now: Time) -> Option<(Time, P, Vec<u8>)> {
    let due = wire.front().is_some_and(|(at, _, _)| *at <= now);
    if due { wire.pop_front() } else { None }
}
