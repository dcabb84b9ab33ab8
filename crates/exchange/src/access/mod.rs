//! Access: the adapters between the call model's words and the protocols of the things that calls live on.
//!
//! ```text
//!   switch -- LegCommand, ContextCommand --> mgcp_line, mgcp_relay -- operations --> mgcp::agent --> datagrams
//!   switch <- LegEvent, ContextEvent ------- mgcp_line, mgcp_relay <- outcomes, notifications -- mgcp::agent
//! ```
//!
//! The rooms: `news` (what gateways say, handed to the adapters), `gateways` (what the inventory says of each gateway), `census` (what each gateway says of itself), `decision` (what a refusal means), `stream` (the life of one connection, the
//! same for a line and a relay), `signal` (tones by country as signals of the packages, caller
//! identification), `mgcp_line` (subscribers' lines), `mgcp_relay` (contexts on packet relays), `circuit_trunk` (trunk circuits), `sip_trunk` and `sip_phone` (legs in sessions). An adapter
//! asks the agent for operations, each with a [`Tag`], and says what happened in [`Report`]s, which the
//! exchange hands to the switch.

mod census;
mod circuit_trunk;
mod control;
mod decision;
mod digit_maps;
mod gateways;
mod megaco_line;
mod mgcp_line;
mod mgcp_relay;
mod news;
mod signal;
mod sip_phone;
mod sip_trunk;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use strowger_megaco::message::TimeStamp;
use strowger_megaco::transport::Route;
use strowger_mgcp::agent::{self, GatewayId};
use strowger_sansio::{Epoch, NodeId, Rng, Time, Timers};

use crate::{
    CallId, CallStable, CallTimers, Cause, ContextCommand, ContextEvent, ContextId, Country, Event,
    Inventory, LegCommand, LegEvent, LegId, LineCommand, LineEvent, LineId, LineView, Record, ReferTo,
    Registration, RestoredCall, ServiceChange, ServiceState, Side, Snapshot, StreamRole, Subject,
    Subscriptions, TrunkId, TrunkView, WallClock,
};
use census::Census;
use circuit_trunk::{CircuitArrival, Circuits};
use control::Control;
pub(crate) use digit_maps::DigitMaps;
use gateways::Gateways;
pub(crate) use megaco_line::{connection as stream_connection, is_message_identifier};
use mgcp_line::Lines;
use mgcp_relay::Relays;
use sip_trunk::SipTrunks;
pub(crate) use sip_trunk::{Arrival, Origin, SIP_TCP, SIP_TLS, SIP_UDP};

/// The call agent as the adapters use it.
pub(crate) type Agent = agent::Agent<Tag>;

/// Whose operation it is, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A line is told what to watch for and what to play. The number tells its requests apart.
    Watch(LineId, u64),
    /// A line is asked for connections that nobody knows.
    Audit(LineId, u64),
    /// A line that serves is asked where its receiver is; with the number of the request that it has carried out.
    Hook(LineId, u64),
    /// Such connections are deleted.
    Sweep(LineId, u64),
    /// A connection that nobody knows, by its place among those of the line, is asked for its call, or deleted.
    Stray(LineId, u32),
    /// A connection is created, modified, audited or deleted.
    Stream(Owner, Order),
    /// All connections of a relay are deleted.
    RelaySweep(GatewayId),
    /// A gateway is asked for its endpoints and what they can do. The number tells one time from the next.
    Census(GatewayId, u32, census::Inquiry),
    /// Lines are asked together for their connections. The number tells such questions apart.
    Count(u64),
    /// A circuit is cleared. The number tells one time from the next.
    Circuit(LineId, u32),
    /// A circuit with a call that was taken over is asked for its connections. The number tells one time from the next.
    Look(LineId, u32),
    /// Ringing tone is given by a circuit, or ended.
    Tone(LineId),
    /// A circuit is told what to watch for and what to signal. The number tells its requests apart.
    Signalling(LineId, u64),
    /// A circuit is asked which of its states hold.
    States(LineId),
    /// A relay is asked for what is no context's. The number tells one survey from the next.
    Survey(u32, mgcp_relay::Question),
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// A leg's.
    Leg(LegId),
    /// That of a side of a context.
    Context(ContextId, Side),
}

/// What is done to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Create,
    Modify,
    Audit,
    Delete,
}

/// What the adapters' deadlines are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The tone that a line hears after its call has lasted long enough.
    Party(LineId),
    /// The next key is played on a line.
    Key(LineId),
    /// A line that refused an order is tried again.
    Retry(LineId),
    /// A connection that could not be deleted is tried again.
    Stream(Owner),
    /// A circuit that could not be cleared is tried again.
    Circuit(LineId),
    /// The signalling of a circuit has waited long enough.
    Signalling(LineId),
    /// The result of a test of continuity has.
    Test(LineId),
}

/// What the adapters say to the exchange.
#[derive(Debug)]
pub(crate) enum Report {
    /// A caller seized this line.
    Seizure(LineId),
    /// A line reports.
    Line(LineId, LineEvent),
    /// A leg reports.
    Leg(LegId, LegEvent),
    /// A context reports.
    Context(ContextId, ContextEvent),
    /// Something to be kept.
    Record(Record),
    /// A call comes by a trunk, or from a telephone.
    Incoming(Box<Arrival>),
    /// The peer of a leg transfers who it talks to.
    Referred(LegId, ReferTo),
    /// A call comes by a circuit.
    OnCircuit(Box<CircuitArrival>),
    /// Whether calls may be sent by a channel of a trunk.
    Channel(LineId, bool),
    /// Something to be seen.
    Event(Event),
}

/// What every line and relay goes by.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) timers: CallTimers,
    pub(crate) country: Country,
    pub(crate) digit_maps: DigitMaps,
    pub(crate) mismatches: u32,
    pub(crate) session_description: usize,
    /// What the wall clock showed when.
    pub(crate) wall: Option<(Time, WallClock)>,
}

/// What an adapter has at hand while it handles one thing.
pub(crate) struct Turn<'a> {
    pub(crate) now: Time,
    pub(crate) agent: &'a mut Control,
    pub(crate) timers: &'a mut Timers<Timer>,
    pub(crate) reports: &'a mut VecDeque<Report>,
    pub(crate) settings: &'a Settings,
}

impl Turn<'_> {
    pub(crate) fn line(&mut self, line: LineId, event: LineEvent) {
        self.reports.push_back(Report::Line(line, event));
    }

    pub(crate) fn leg(&mut self, leg: LegId, event: LegEvent) {
        self.reports.push_back(Report::Leg(leg, event));
    }

    pub(crate) fn context(&mut self, context: ContextId, event: ContextEvent) {
        self.reports.push_back(Report::Context(context, event));
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.reports.push_back(Report::Event(event));
    }

    /// Changes a service state, and records it if it is another than before; says whether it is.
    pub(crate) fn service(
        &mut self,
        state: &mut ServiceState,
        to: ServiceState,
        subject: impl FnOnce() -> Subject,
    ) -> bool {
        let from = std::mem::replace(state, to);
        if from != to {
            let change = ServiceChange { at: self.now, subject: subject(), from, to };
            self.reports.push_back(Report::Record(Record::Service(change)));
        }
        from != to
    }
}

/// All access adapters, and the agent below them.
#[derive(Debug)]
pub(crate) struct Access {
    agent: Control,
    gateways: Gateways,
    lines: Lines,
    relays: Relays,
    circuits: Circuits,
    sip: SipTrunks,
    /// The first channel of each trunk, and behind them the first line that is none.
    channels: Vec<u32>,
    census: Census,
    settings: Settings,
    timers: Timers<Timer>,
    reports: VecDeque<Report>,
}

impl Access {
    pub(crate) fn new(
        now: Time,
        inventory: &Inventory,
        digit_maps: DigitMaps,
        node: NodeId,
        epoch: Epoch,
        mut rng: Rng,
    ) -> Self {
        // An exchange without SIP draws the numbers that it always drew.
        let speaks_sip =
            !inventory.trunks.is_empty() || inventory.lines.iter().any(|line| line.phone().is_some());
        let of_sip = if speaks_sip { rng.fork() } else { Rng::from_number(0) };
        let sip = SipTrunks::new(now, inventory, of_sip);
        let mut next = u32::try_from(inventory.lines.len()).unwrap_or(u32::MAX);
        let mut channels = vec![next];
        for (_, count, _) in inventory.all_trunks() {
            next = next.saturating_add(count);
            channels.push(next);
        }
        let mut agent = Control::new(inventory, node, epoch, rng);
        let gateways = Gateways::new(now, inventory, &mut agent);
        let settings = Settings {
            timers: inventory.timers.clone(),
            country: inventory.country,
            digit_maps,
            mismatches: inventory.limits.mismatches,
            session_description: inventory.limits.session_description,
            wall: None,
        };
        Self {
            lines: Lines::new(inventory, &gateways),
            relays: Relays::new(inventory, &gateways),
            circuits: Circuits::new(inventory, &gateways, &channels),
            sip,
            channels,
            census: Census::default(),
            agent,
            gateways,
            settings,
            timers: Timers::new(),
            reports: VecDeque::new(),
        }
    }

    pub(crate) const fn control(&self) -> &Control {
        &self.agent
    }

    pub(crate) const fn control_mut(&mut self) -> &mut Control {
        &mut self.agent
    }

    pub(crate) const fn set_wall_clock(&mut self, now: Time, wall: WallClock) {
        self.settings.wall = Some((now, wall));
        self.sip.set_wall_clock(now, wall.unix);
    }

    /// Whether an answered call's lines and relay are there, and nothing else is on them.
    pub(crate) fn can_restore(&self, stable: &CallStable, lines: &[(Side, LineId)]) -> bool {
        let mut relay = stable
            .streams
            .iter()
            .filter(|stream| matches!(stream.role, StreamRole::RelayCalling | StreamRole::RelayCalled));
        let by_sip = |line| channel(&self.channels, line).is_some() || self.sip.phones.serve(line);
        let (sessions, lines): (Vec<_>, Vec<_>) = lines.iter().copied().partition(|(_, line)| by_sip(*line));
        self.lines.can_restore(&self.settings, stable, &lines)
            && sessions.iter().all(|(side, line)| match self.circuits.is_on(*line) {
                true => self.circuits.can_restore(&self.settings, stable, *side, *line),
                false => SipTrunks::can_restore(stable, *side),
            })
            && relay.all(|stream| self.relays.adopt(&self.settings, None, stable, stream).is_some())
    }

    /// The switch took over an answered call.
    pub(crate) fn restore(&mut self, now: Time, stable: &CallStable, restored: &RestoredCall) {
        self.turn(now, |lines, _, turn| lines.restore(turn, stable, restored));
        for leg in restored.legs.into_iter().flatten() {
            let channel = channel(&self.channels, leg.line);
            if self.circuits.is_on(leg.line) {
                self.by_circuits(now, |circuits, turn| circuits.restore(turn, stable, leg));
            } else if channel.is_some() || self.sip.phones.serve(leg.line) {
                self.sip.restore(now, stable, leg, channel, &mut self.reports);
            }
        }
        if let Some(context) = restored.context {
            self.relays.restore(&self.settings, stable, context);
        }
    }

    /// A message of Megaco came; says whether it is from an address of the inventory.
    pub(crate) fn handle_megaco(&mut self, now: Time, route: Route, bytes: &[u8]) -> bool {
        let since_1970 = self.settings.wall.map(|(then, wall)| wall.unix + now.since(then));
        let time = since_1970.and_then(TimeStamp::of);
        self.agent.megaco_mut().handle_input(now, time, route, bytes)
    }

    /// The name of a gateway stands for these addresses now.
    pub(crate) fn handle_resolved(&mut self, now: Time, gateway: &str, addresses: &[SocketAddr]) {
        // One that has registered is where it is, whatever its name stands for by now, and so are its streams.
        let here = self.gateways.number(gateway).and_then(|number| self.agent.megaco().place(number));
        let here = here.filter(|_| !addresses.is_empty());
        let known: Vec<_> = here.into_iter().chain(addresses.iter().copied()).collect();
        let Some((number, peer, policy)) = self.gateways.moved(gateway, &known) else { return };
        self.lines.moved(number, peer, &policy);
        self.relays.moved(number, peer, &policy);
        self.circuits.moved(number, peer, &policy);
        self.agent.handle_resolved(now, number, addresses);
    }

    /// The switch took a seizure.
    pub(crate) fn seizure_taken(&mut self, now: Time, line: LineId, call: CallId, leg: LegId) {
        self.turn(now, |lines, _, turn| lines.seizure_taken(turn, line, call, leg));
    }

    /// The switch refused a seizure.
    pub(crate) fn seizure_refused(&mut self, now: Time, line: LineId, cause: Cause) {
        self.turn(now, |lines, _, turn| lines.seizure_refused(turn, line, cause));
    }

    pub(crate) fn leg_command(&mut self, now: Time, call: CallId, leg: LegId, command: LegCommand) {
        let is_on_a_circuit = match &command {
            LegCommand::Seize { line, .. }
            | LegCommand::Wait { line, .. }
            | LegCommand::Call { line, .. } => self.circuits.is_on(*line),
            _ => self.circuits.has(leg),
        };
        if is_on_a_circuit {
            return self.by_circuits(now, |circuits, turn| circuits.command(turn, call, leg, command));
        }
        let by_sip = match &command {
            LegCommand::Call { .. } => true,
            LegCommand::Seize { line, .. }
            | LegCommand::Wait { line, .. }
            | LegCommand::Consult { line, .. }
            | LegCommand::Keep { line, .. } => {
                self.sip.phones.serve(*line) || channel(&self.channels, *line).is_some()
            }
            _ => self.sip.has(leg),
        };
        if by_sip {
            let Self { sip, channels, reports, .. } = self;
            return sip.command(now, leg, command, &|line| channel(channels, line), reports);
        }
        self.turn(now, |lines, _, turn| lines.command(turn, call, leg, command));
    }

    pub(crate) fn line_command(&mut self, now: Time, line: LineId, command: LineCommand) {
        if self.sip.phones.serve(line) {
            return self.sip.line_command(now, line, command);
        }
        self.turn(now, |lines, _, _| lines.line_command(line, command));
    }

    pub(crate) fn context_command(
        &mut self,
        now: Time,
        call: CallId,
        context: ContextId,
        command: ContextCommand,
    ) {
        self.turn(now, |_, relays, turn| relays.command(turn, call, context, command));
    }

    pub(crate) const fn sip(&self) -> &SipTrunks {
        &self.sip
    }

    pub(crate) const fn sip_mut(&mut self) -> &mut SipTrunks {
        &mut self.sip
    }

    /// The switch took a call that came by a trunk, or from a telephone.
    pub(crate) fn arrival_taken(&mut self, arrival: Arrival, leg: LegId, line: LineId) {
        let first = channel(&self.channels, line).map(|(_, first)| first);
        self.sip.taken(arrival, leg, line, first);
    }

    /// The switch transferred who a leg talked to: this call says how that goes.
    pub(crate) fn transferred(&mut self, now: Time, leg: LegId, call: CallId, answered: bool) {
        self.sip.transferred(now, leg, call, answered);
    }

    /// The switch did not.
    pub(crate) fn not_transferred(&mut self, now: Time, leg: LegId, cause: Cause) {
        self.sip.not_transferred(now, leg, cause);
    }

    /// The switch refused such a call.
    pub(crate) fn arrival_refused(&mut self, now: Time, arrival: &Arrival, cause: Cause) {
        self.sip.refused(now, arrival.session, cause);
    }

    pub(crate) fn handle_timeout(&mut self, now: Time) {
        self.agent.handle_timeout(now);
        self.sip.handle_timeout(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Stream(Owner::Leg(leg)) if self.circuits.has(leg) => {
                    self.by_circuits(now, |circuits, turn| circuits.stream_retry(turn, leg));
                    continue;
                }
                Timer::Circuit(line) => {
                    self.by_circuits(now, |circuits, turn| circuits.retry(turn, line));
                    continue;
                }
                Timer::Test(line) => {
                    self.by_circuits(now, |circuits, turn| circuits.test_timeout(turn, line));
                    continue;
                }
                Timer::Signalling(line) => {
                    self.by_circuits(now, |circuits, turn| circuits.signalling_timeout(turn, line));
                    continue;
                }
                _ => {}
            }
            self.turn(now, |lines, relays, turn| match timer {
                Timer::Circuit(_) | Timer::Signalling(_) | Timer::Test(_) => {}
                Timer::Party(line) => lines.party_timeout(turn, line),
                Timer::Key(line) => lines.next_key(line),
                Timer::Retry(line) => lines.retry(turn, line),
                Timer::Stream(Owner::Leg(leg)) => lines.stream_retry(turn, leg),
                Timer::Stream(Owner::Context(context, side)) => relays.stream_retry(turn, context, side),
            });
        }
    }

    /// Tells lines that want something else than before; says whether there were any. To be called when
    /// everything that has happened has had its consequences, so that a line is told once.
    pub(crate) fn flush(&mut self, now: Time) -> bool {
        let mut told = self.census.ask(now, &self.gateways, &mut self.agent);
        self.turn(now, |lines, _, turn| told |= lines.flush(turn));
        self.by_circuits(now, Circuits::flush) || told
    }

    pub(crate) fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        [self.agent.poll_timeout(), self.sip.poll_timeout(), self.timers.next()].into_iter().flatten().min()
    }

    pub(crate) fn fill(&self, snapshot: &mut Snapshot) {
        snapshot.transactions = self.agent.pending();
        self.lines.fill(snapshot);
        self.relays.fill(snapshot);
        self.circuits.fill(snapshot);
        snapshot.lines = self.views().map(|(_, view)| view).collect();
        let view = |gateway| (self.census.view(gateway), self.agent.megaco().view(gateway));
        snapshot.gateways = self.gateways.views(view).collect();
        let channels = self
            .channels
            .windows(2)
            .map(|pair| pair.last().zip(pair.first()).map_or(0, |(end, first)| end - first));
        let circuits = self.circuits.states().map(|(id, service)| (id, service, None));
        let states = self.sip.states().chain(circuits);
        let trunks = states.zip(channels).map(|((id, service, registration), channels)| TrunkView {
            id: id.to_owned(),
            service,
            channels,
            registration,
            // The switch knows them.
            taken: 0,
        });
        snapshot.trunks = trunks.collect();
    }

    /// The lines, in the order of their views.
    pub(crate) fn line_ids(&self) -> impl Iterator<Item = LineId> {
        self.views().map(|(id, _)| id)
    }

    fn views(&self) -> impl Iterator<Item = (LineId, LineView)> {
        let phones = self.sip.phones.views(|leg| self.sip.is_open(leg));
        let views: BTreeMap<_, _> = self.lines.ids().zip(self.lines.views()).chain(phones).collect();
        views.into_iter()
    }

    /// Puts the contacts back that a telephone had before a restart.
    pub(crate) fn restore_registration(&mut self, now: Time, registration: &Registration) {
        self.sip.restore_contacts(now, registration, &mut self.reports);
    }

    /// Goes on with what a telephone had subscribed to before a restart.
    pub(crate) fn restore_subscriptions(&mut self, now: Time, kept: &Subscriptions) {
        self.sip.restore_subscriptions(now, kept, &mut self.reports);
    }

    /// The lines of telephones that are registered, and the channels of trunks: they serve, and do not say so.
    pub(crate) fn present(&self) -> impl Iterator<Item = LineId> {
        let first = self.channels.first().copied().unwrap_or_default();
        let channels = first..self.channels.last().copied().unwrap_or_default();
        channels.map(LineId).chain(self.sip.phones.in_service())
    }

    fn turn(&mut self, now: Time, act: impl FnOnce(&mut Lines, &mut Relays, &mut Turn<'_>)) {
        let Self { agent, lines, relays, settings, timers, reports, .. } = self;
        act(lines, relays, &mut Turn { now, agent, timers, reports, settings });
    }
}

/// The trunk that a channel is of, and its first channel.
fn channel(channels: &[u32], line: LineId) -> Option<(TrunkId, u32)> {
    let at = channels.partition_point(|first| *first <= line.0).checked_sub(1)?;
    // Behind the last trunk there are no more.
    (at + 1 < channels.len()).then_some(())?;
    Some((TrunkId(u32::try_from(at).ok()?), *channels.get(at)?))
}
