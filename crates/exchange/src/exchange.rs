//! The exchange as one engine: the switch, its access adapters and the protocol engines below them, with the
//! four kinds of methods of every engine (see [`strowger_sansio`]).

use std::collections::VecDeque;
use std::net::SocketAddr;

use strowger_megaco::transport::Route;
use strowger_mgcp::agent::AgentCounters;
use strowger_mgcp::transaction::TransactionCounters;
use strowger_sansio::{BoundedQueue, Duration, Epoch, NodeId, Rng, SocketId, Time, TokenBucket, Transmit};

use crate::access::{Access, Arrival, DigitMaps, Origin, Report};
use crate::switch::Replacing;
use crate::{
    CallId, CallStable, Cic, CircuitEvent, CircuitFault, CircuitId, CircuitOrder, Command, Continuity, Event,
    Inventory, LineEvent, Plan, Record, Registration, Setting, SettingFault, Snapshot, Subscriptions, Switch,
};

/// What a host hands to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A datagram at the MGCP call agent's port.
    Mgcp {
        /// Where it came from.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A message for the SIP user agent: a datagram, or what was cut out of a stream.
    Sip {
        /// Where it came from. Datagrams come by [`SIP_UDP`]; all connections by [`SIP_TCP`] and [`SIP_TLS`].
        from: strowger_sip::Route,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A message for the Megaco controller, without the framing of its transport.
    Megaco {
        /// Where it came from. Datagrams come by [`MEGACO_TEXT`] or [`MEGACO_BINARY`]; connections have numbers above those.
        route: Route,
        /// Its bytes.
        bytes: &'a [u8],
    },
}

/// What became of a stream of SIP, or of what was to go by one, or by datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SipStream<'a> {
    /// It brought what cannot be cut into messages. The host closes it when what follows from that is sent.
    Unframed {
        /// Where it came from.
        from: strowger_sip::Route,
        /// What came.
        bytes: &'a [u8],
        /// Why it cannot be cut.
        error: strowger_sip::DecodeError,
    },
    /// It has ended.
    Ended {
        /// What it was.
        from: strowger_sip::Route,
        /// Messages that have not gone by it.
        unsent: &'a [Vec<u8>],
    },
    /// A message could not be sent: nobody took the stream.
    Unsent {
        /// Where it was to go.
        to: strowger_sip::Route,
        /// The message.
        bytes: &'a [u8],
    },
    /// Nobody was there for a datagram, as the network says: anybody can forge that.
    Undelivered {
        /// Where it went.
        to: std::net::SocketAddr,
        /// Its beginning.
        quoted: &'a [u8],
    },
}

/// The socket for datagrams of Megaco as text.
pub const MEGACO_TEXT: SocketId = SocketId(1);
/// The socket for datagrams of Megaco in binary form.
pub const MEGACO_BINARY: SocketId = SocketId(2);
/// The socket for datagrams of SIP.
pub const SIP_UDP: SocketId = crate::access::SIP_UDP;
/// All connections of SIP over TCP: the host finds or makes the one to an address.
pub const SIP_TCP: SocketId = crate::access::SIP_TCP;
/// All connections of SIP over TLS.
pub const SIP_TLS: SocketId = crate::access::SIP_TLS;

/// What the engine's clock shows on the wall: the time that callers and telephones are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// Since 1970-01-01T00:00:00Z.
    pub unix: Duration,
    /// Local time minus UTC, in seconds.
    pub utc_offset: i32,
}

/// How many unlisted sources are told of in a second: a flood must not become a flood of events. All are counted.
const UNLISTED_PER_SECOND: u32 = 5;

/// An exchange.
#[derive(Debug)]
pub struct Exchange {
    switch: Switch,
    access: Access,
    events: BoundedQueue<Event>,
    records: VecDeque<Record>,
    unlisted: TokenBucket,
}

impl Exchange {
    /// An exchange that begins to put the gateways of `inventory` into service at once. An entry that
    /// contradicts another ([`Inventory::check`]) is as if it were not there.
    ///
    /// `node` and `epoch` choose the range of its transaction identifiers; `rng` must be seeded from a secret.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "the inventory is the exchange's from here on")]
    pub fn new(now: Time, inventory: Inventory, node: NodeId, epoch: Epoch, mut rng: Rng) -> Self {
        let switch = Switch::new(&inventory, rng.fork());
        let plan = switch.plan();
        let digit_maps = DigitMaps {
            plan: plan.digit_map().to_owned(),
            consultation: plan.consultation_map().to_owned(),
            numbers: plan.number_map().to_owned(),
        };
        let access = Access::new(now, &inventory, digit_maps, node, epoch, rng);
        let mut switch = switch;
        access.closed_channels().for_each(|line| switch.set_channel(line, false));
        Self {
            switch,
            access,
            events: BoundedQueue::new(inventory.limits.events),
            records: VecDeque::new(),
            unlisted: TokenBucket::new(UNLISTED_PER_SECOND, UNLISTED_PER_SECOND, now),
        }
    }

    /// Tells what the clock shows on the wall at `now`. To be repeated when the host's clock is set or its
    /// offset changes.
    pub fn set_wall_clock(&mut self, now: Time, wall: WallClock) {
        self.access.set_wall_clock(now, wall);
    }

    /// Makes a setting of the line with this number, as an operator or an application wants it.
    ///
    /// # Errors
    /// Why it cannot be; nothing has changed then.
    pub fn set(&mut self, now: Time, line: &str, setting: &Setting) -> Result<(), SettingFault> {
        let made = self.switch.set(now, line, setting);
        self.settle(now);
        made
    }

    /// The settings of a line as they are now; none when there is no line with this number.
    #[must_use]
    pub fn settings(&self, line: &str) -> Option<Vec<Setting>> {
        self.switch.settings(line).map(Iterator::collect)
    }

    /// Takes over the answered calls of an exchange that has died: their gateways are asked whether they still stand, and they
    /// go on, or end at `alive`, when that exchange last gave a sign of life. To be called before anything else.
    ///
    /// Gives the calls that are not taken over: their lines or streams are not where the records say.
    #[must_use = "a call that is not taken over needs a last record"]
    pub fn restore(&mut self, now: Time, standing: &[CallStable], alive: Time) -> Vec<CallId> {
        let alive = alive.min(now);
        let stood = |call: CallId| standing.iter().any(|stable| stable.call == call);
        let order = crate::switch::in_order(standing).into_iter();
        let refused = order.filter(|stable| !self.take_over(now, stable, alive, stood));
        let refused = refused.map(|stable| stable.call).collect();
        self.switch.restored();
        // A telephone that is where it was says so no more, nor does a trunk; who waits for one is given back to it now.
        for line in self.access.present().collect::<Vec<_>>() {
            self.switch.handle_line(now, line, LineEvent::Serves);
        }
        self.settle(now);
        refused
    }

    fn take_over(
        &mut self,
        now: Time,
        stable: &CallStable,
        alive: Time,
        stood: impl Fn(CallId) -> bool,
    ) -> bool {
        // A call that nobody had answered is in no record.
        if stable.joined.is_some_and(|joined| stable.awaited.is_none() || stood(joined.call)) {
            return self.switch.restore_account(stable, alive);
        }
        let lines = self.switch.lines_of(stable);
        if lines.is_empty() || !self.access.can_restore(stable, &lines) {
            return false;
        }
        let restored = match stable.awaited {
            Some(_) => self.switch.restore_waiting(now, stable, alive),
            None => self.switch.restore(stable, alive),
        };
        let Some(restored) = restored else { return false };
        self.access.restore(now, stable, &restored);
        true
    }

    /// Tells where telephones were registered when an exchange before this one last knew it, unless that is over. To be called
    /// before [`Self::restore`].
    pub fn restore_registrations(&mut self, now: Time, registrations: &[Registration]) {
        for registration in registrations {
            self.access.restore_registration(now, registration);
        }
        self.settle(now);
    }

    /// Goes on with what telephones had subscribed to when an exchange before this one last knew it: they are told how it is now. To be
    /// called behind [`Self::restore_registrations`].
    pub fn restore_subscriptions(&mut self, now: Time, kept: &[Subscriptions]) {
        for one in kept {
            self.access.restore_subscriptions(now, one);
        }
        self.settle(now);
    }

    /// The exchange is about to be stopped: who lifts a receiver now hears congestion, calls go on until they end, and the peers of
    /// trunks are told that nobody is registered with them any more.
    pub fn drain(&mut self, now: Time) {
        self.switch.refuse_new_calls();
        self.access.sip_mut().leave(now);
        self.settle(now);
    }

    /// Whether nothing of it need be waited for: no call is open, and no peer has still to answer a farewell.
    #[must_use]
    pub fn has_drained(&self) -> bool {
        self.switch.calls().next().is_none() && !self.access.sip().agent().is_leaving()
    }

    /// Takes a datagram.
    pub fn handle_input(&mut self, now: Time, input: Input<'_>) {
        if let Input::Sip { from, bytes } = input {
            let is_listed = self.access.sip_mut().handle_input(now, from, bytes);
            return self.taken_in(now, from.address, is_listed);
        }
        let control = self.access.control_mut();
        let (from, is_listed) = match input {
            Input::Mgcp { from, bytes } => {
                let before = control.agent().counters().unlisted;
                control.agent_mut().handle_input(now, from, bytes);
                (from, control.agent().counters().unlisted == before)
            }
            Input::Megaco { route, bytes } => {
                let is_listed = self.access.handle_megaco(now, route, bytes);
                return self.taken_in(now, route.address, is_listed);
            }
            Input::Sip { .. } => return,
        };
        self.taken_in(now, from, is_listed);
    }

    fn taken_in(&mut self, now: Time, from: SocketAddr, is_listed: bool) {
        if !is_listed && self.unlisted.take(now) {
            self.tell(Event::UnlistedSource { from });
        }
        self.settle(now);
    }

    /// The name of a gateway, by its id, was looked up: the addresses that it stands for, in the order in which they are to be tried; none when
    /// they could not be found out. The host does this at the start and at each [`Event::Resolve`].
    pub fn handle_resolved(&mut self, now: Time, gateway: &str, addresses: &[SocketAddr]) {
        self.access.handle_resolved(now, gateway, addresses);
        self.settle(now);
    }

    /// The network reports that a datagram of MGCP to `to` was not delivered, and quotes its beginning. It is a hint to try another address of the
    /// gateway, and believed only if it quotes a command that has no answer.
    pub fn handle_undelivered(&mut self, now: Time, to: SocketAddr, quoted: &[u8]) {
        self.access.control_mut().agent_mut().handle_undelivered(now, to, quoted);
        self.settle(now);
    }

    /// To be called when [`Self::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.access.handle_timeout(now);
        self.switch.handle_timeout(now);
        self.settle(now);
    }

    /// A message to send: a datagram, or for the socket of a connection a message that its framing goes around.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.access.control_mut().poll_transmit().or_else(|| self.access.sip_mut().poll_transmit())
    }

    /// The name of a trunk's peer was looked up: these are its places, the best first ([`strowger_sip::locate`]).
    pub fn handle_located(&mut self, now: Time, trunk: &str, places: &[strowger_sip::locate::Destination]) {
        self.access.sip_mut().handle_located(now, trunk, places);
        self.settle(now);
    }

    /// Something became of a stream of SIP, beside the messages that it brings.
    pub fn handle_sip_stream(&mut self, now: Time, what: SipStream<'_>) {
        self.access.sip_mut().handle_stream(now, what);
        self.settle(now);
    }

    /// The signalling of a circuit says what happens on it.
    ///
    /// # Errors
    /// It cannot: nothing has changed then.
    pub fn handle_circuit(
        &mut self,
        now: Time,
        circuit: CircuitId,
        event: CircuitEvent,
    ) -> Result<(), CircuitFault> {
        let handled = self.access.handle_circuit(now, circuit, event);
        self.settle(now);
        handled
    }

    /// Tests the continuity of a circuit for an operator: that with the code `circuit` of the trunk with the id `trunk`, whose far end answers
    /// so. What comes of it is [`Event::CircuitTested`], within 15 seconds.
    ///
    /// # Errors
    /// There is no such circuit, it has a call or a test, or it is out of service: nothing has changed then.
    pub fn test_circuit(
        &mut self,
        now: Time,
        (trunk, circuit): (&str, Cic),
        answer: Continuity,
    ) -> Result<(), CircuitFault> {
        let asked = self.access.test_circuit(now, (trunk, circuit), answer);
        self.settle(now);
        asked
    }

    /// Has a circuit answer the tests of its far end for an operator, until this comes with nothing.
    ///
    /// # Errors
    /// There is no such circuit, it has a call or a test, it is out of service, or it did not answer any tests: nothing has changed then.
    pub fn answer_circuit_tests(
        &mut self,
        now: Time,
        (trunk, circuit): (&str, Cic),
        answer: Option<Continuity>,
    ) -> Result<(), CircuitFault> {
        let asked = self.access.answer_tests(now, (trunk, circuit), answer);
        self.settle(now);
        asked
    }

    /// What the signalling of a circuit is told.
    pub fn poll_circuit(&mut self) -> Option<(CircuitId, CircuitOrder)> {
        self.access.poll_circuit()
    }

    /// A connection of Megaco has ended.
    pub fn handle_disconnected(&mut self, now: Time, socket: SocketId) {
        self.access.control_mut().megaco_mut().handle_disconnected(now, socket);
        self.settle(now);
    }

    /// Something that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Something to be kept.
    pub fn poll_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// Whether a registration or subscription is among what is to be kept: what is to be sent says to a telephone that it is.
    #[must_use]
    pub fn has_registration(&self) -> bool {
        let is_one = |record: &Record| matches!(record, Record::Registration(_) | Record::Subscriptions(_));
        self.records.iter().any(is_one)
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.access.poll_timeout(), self.switch.poll_timeout()].into_iter().flatten().min()
    }

    /// Everything that is open.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            calls: self.switch.calls().collect(),
            legs: self.switch.open_legs(),
            ..Snapshot::default()
        };
        self.access.fill(&mut snapshot);
        for (id, line) in self.access.line_ids().zip(&mut snapshot.lines) {
            line.calls = self.switch.calls_of(id);
        }
        for (id, trunk) in (0..).map(crate::TrunkId).zip(&mut snapshot.trunks) {
            trunk.taken = self.switch.taken_channels(id);
        }
        snapshot
    }

    /// The dialling plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        self.switch.plan()
    }

    /// Who is at the other end of a way that SIP messages come by. A host may ask before it spends anything on them.
    #[must_use]
    pub fn sip_standing(&self, now: Time, from: strowger_sip::Route) -> strowger_sip::agent::Standing {
        self.access.sip().agent().who_is_at(now, from)
    }

    /// Whether SIP messages from there are heard. A host may ask before it spends anything on them.
    #[must_use]
    pub fn knows_sip_peer(&self, from: strowger_sip::Route) -> bool {
        self.access.sip().agent().knows(from)
    }

    /// What the SIP user agent has counted.
    #[must_use]
    pub fn sip_counters(&self) -> &strowger_sip::agent::Counters {
        self.access.sip().agent().counters()
    }

    /// What the call agent has counted.
    #[must_use]
    pub fn agent_counters(&self) -> &AgentCounters {
        self.access.control().agent().counters()
    }

    /// What its transaction layer has counted.
    #[must_use]
    pub fn transaction_counters(&self) -> &TransactionCounters {
        self.access.control().agent().transaction_counters()
    }

    /// What the transaction layer of the Megaco controller has counted; none where no gateway speaks Megaco.
    #[must_use]
    pub fn megaco_counters(&self) -> Option<&strowger_megaco::transaction::TransactionCounters> {
        self.access.control().megaco().counters()
    }

    /// Lets everything that has happened have its consequences: gateways' words go up, the switch's words go
    /// down, and when nobody has anything to say any more, lines are told what they should do now.
    fn settle(&mut self, now: Time) {
        loop {
            let mut busy = self.access.hear_agent(now);
            while let Some(report) = self.access.poll_report() {
                busy = true;
                self.report(now, report);
            }
            while let Some(command) = self.switch.poll_command() {
                busy = true;
                match command {
                    Command::Leg { call, leg, command } => self.access.leg_command(now, call, leg, command),
                    Command::Context { call, context, command } => {
                        self.access.context_command(now, call, context, command);
                    }
                    Command::Line { line, command } => self.access.line_command(now, line, command),
                }
            }
            if !busy && !self.access.flush(now) {
                break;
            }
        }
        self.access.control_mut().megaco_mut().collect(now);
        while let Some(event) = self.switch.poll_event() {
            self.access.sip_mut().call_event(now, &event);
            self.tell(event);
        }
        self.records.extend(std::iter::from_fn(|| self.switch.poll_record()));
    }

    fn report(&mut self, now: Time, report: Report) {
        match report {
            Report::Seizure(line) => match self.switch.handle_seizure(now, line) {
                Ok((call, leg)) => self.access.seizure_taken(now, line, call, leg),
                Err(cause) => self.access.seizure_refused(now, line, cause),
            },
            Report::Line(line, event) => self.switch.handle_line(now, line, event),
            Report::Leg(leg, event) => self.switch.handle_leg(now, leg, event),
            Report::Context(context, event) => self.switch.handle_context(now, context, event),
            Report::Referred(leg, to) => match self.switch.handle_referral(now, leg, &to) {
                Ok((call, answered)) => self.access.transferred(now, leg, call, answered),
                Err(cause) => self.access.not_transferred(now, leg, cause),
            },
            Report::Incoming(arrival) if arrival.replaces.is_some() => {
                let by = match arrival.from {
                    Origin::Trunk(trunk) => Replacing::Trunk(trunk),
                    Origin::Phone(line) => Replacing::Line(line),
                };
                let taken = self.switch.handle_replacement(now, by, &arrival.calling, arrival.replaces);
                match taken {
                    Ok((leg, line)) => self.access.arrival_taken(*arrival, leg, line),
                    Err(cause) => self.access.arrival_refused(now, &arrival, cause),
                }
            }
            Report::Incoming(arrival) => {
                let Arrival { from, called, calling, .. } = &*arrival;
                let taken = match *from {
                    Origin::Trunk(trunk) => self
                        .switch
                        .handle_incoming(now, (trunk, None), called, calling)
                        .map(|(_, leg, line)| (leg, line)),
                    // Who calls is the line's subscriber, whatever the telephone says of itself.
                    Origin::Phone(line) => self
                        .switch
                        .handle_call(now, line, called, calling.withheld)
                        .map(|(_, leg)| (leg, line)),
                };
                match taken {
                    Ok((leg, line)) => self.access.arrival_taken(*arrival, leg, line),
                    Err(cause) => self.access.arrival_refused(now, &arrival, cause),
                }
            }
            Report::OnCircuit(arrival) => {
                let by = (arrival.trunk, Some(arrival.line));
                match self.switch.handle_incoming(now, by, &arrival.called, &arrival.calling) {
                    Ok((call, leg, line)) => self.access.circuit_taken(line, call, leg),
                    Err(cause) => self.access.circuit_refused(arrival.line, cause),
                }
            }
            Report::Channel(line, is_open) => self.switch.set_channel(line, is_open),
            Report::Record(record) => self.records.push_back(record),
            Report::Event(event) => self.tell(event),
        }
    }

    /// Events that nobody fetches are dropped, the latest first: what happened before is what explains the rest.
    fn tell(&mut self, event: Event) {
        let _ = self.events.push(event);
    }
}
