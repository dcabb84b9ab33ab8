//! Trunk circuits: a bearer that a media gateway controls, and a signalling that comes another way (DESIGN: the exchange joins them by
//! circuit).
//!
//! ```text
//!   signalling (ISUP, or whoever knows the circuit)          media gateway (MGCP or Megaco)
//!        |  CircuitEvent: Setup, Answered, Released                   |  streams on ds/1/7
//!        v                                                            v
//!      Exchange::handle_circuit  --->  a leg on the circuit  <---  access::stream
//!        ^  CircuitOrder: Setup, Answered, Release
//! ```
//!
//! The bearer is a physical endpoint as a line's is, and whether its gateway speaks MGCP or Megaco is for `control` to know: so one
//! adapter serves both. The signalling says by the circuit's trunk and code what happens on it and is told in the same way. It owns
//! its own rules: continuity, dual seizure, its timers.
//!
//! Each call on a circuit ends on both sides: who is told `Release` says `Cleared` when the circuit is idle on its side, and who says
//! `Released` is told `Cleared` when the bearer is. Only then is the circuit taken again.
//!
//! On circuits with channel associated signalling the gateway signals too: `cas` speaks for it.
//!
//! The rooms: `leg` (what the switch wants, and what becomes of streams), `continuity` (tests), `restore` (calls that another exchange had), `cas` (RFC 3064) and
//! `signalling` (how that is heard and told), `wiring` (how the exchange reaches them), this file (circuits, their service, what the
//! signalling says).

mod cas;
mod continuity;
mod leg;
mod restore;
mod signalling;
mod wiring;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use strowger_mgcp::agent::{Failure, GatewayId, Outcome};
use strowger_mgcp::message::{EndpointNameBuf, RestartMethod};
use strowger_sdp::AddressPolicy;

use super::gateways::{Gateways, Place};
use super::{Report, Tag, Turn};
use crate::trunk::{
    Cic, CircuitEvent, CircuitFault, CircuitId, CircuitOrder, CircuitSignalling, Continuity, ContinuityResult,
};
use crate::{CallingParty, Cause, Inventory, LegEvent, LegId, LineId, ServiceState, Snapshot, TrunkId};
use cas::Cas;
pub(super) use continuity::Part;
use leg::{Leg, Signalling};

/// A call that comes by a circuit.
#[derive(Clone, Debug)]
pub(crate) struct CircuitArrival {
    pub(crate) line: LineId,
    pub(crate) trunk: TrunkId,
    pub(crate) called: String,
    pub(crate) calling: CallingParty,
}

/// How the bearer of a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearer {
    /// Its gateway is not there, or has taken it out of service.
    Absent,
    /// What an exchange before has left on it is being taken down.
    Clearing,
    Serves,
}

/// Who has a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Nobody,
    Leg(LegId),
    /// A call that is refused: its signalling has not said that it is over.
    Refused,
    /// Its continuity is tested from here …
    Tested(Continuity),
    /// … or from the far end.
    Responding(Continuity),
}

#[derive(Debug)]
struct Circuit {
    id: CircuitId,
    line: LineId,
    place: Arc<Place>,
    bearer: Bearer,
    /// The signalling allows calls on it.
    is_open: bool,
    /// The far end uses it although nobody has it here.
    is_seized: bool,
    taken: Taken,
    /// The signalling that is the gateway's.
    cas: Option<Cas>,
    /// Nobody signals on it.
    is_mute: bool,
    /// Tells the answer to the last request for that from earlier ones.
    request: u64,
    /// Tells the answer to the last clearing from earlier ones.
    serial: u32,
}

impl Circuit {
    fn serves(&self) -> bool {
        self.bearer == Bearer::Serves && self.is_open
    }

    fn is_free_for_calls(&self) -> bool {
        self.serves() && !self.is_seized
    }
}

/// All circuits, and the legs that live on them.
#[derive(Debug)]
pub(super) struct Circuits {
    circuits: Vec<Circuit>,
    by_line: BTreeMap<LineId, usize>,
    by_id: BTreeMap<CircuitId, usize>,
    by_place: BTreeMap<(GatewayId, EndpointNameBuf), LineId>,
    trunks: Vec<(String, TrunkId)>,
    legs: BTreeMap<LegId, Leg>,
    orders: VecDeque<(CircuitId, CircuitOrder)>,
    /// Orders for gateways that signal on their circuits.
    due: VecDeque<(usize, CircuitOrder)>,
    /// Circuits whose endpoints are to be asked for something else than before.
    touched: BTreeSet<usize>,
}

impl Circuits {
    /// The circuits of an inventory; `channels` are the first lines of all trunks. A circuit whose place is not legal is in no service.
    pub(super) fn new(inventory: &Inventory, gateways: &Gateways, channels: &[u32]) -> Self {
        let mut own = Self {
            circuits: Vec::new(),
            by_line: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_place: BTreeMap::new(),
            trunks: Vec::new(),
            legs: BTreeMap::new(),
            orders: VecDeque::new(),
            due: VecDeque::new(),
            touched: BTreeSet::new(),
        };
        let numbers = (0..).skip(inventory.trunks.len());
        let firsts = channels.iter().skip(inventory.trunks.len());
        for ((entry, number), first) in inventory.circuit_trunks.iter().zip(numbers).zip(firsts) {
            let trunk = TrunkId(number);
            own.trunks.push((entry.id.clone(), trunk));
            for (circuit, line) in entry.circuits.iter().zip((*first..).map(LineId)) {
                let id = CircuitId { trunk, cic: circuit.cic };
                let Some(place) = gateways.circuit_place(trunk, circuit.cic) else { continue };
                let place = Arc::new(place);
                own.by_line.insert(line, own.circuits.len());
                own.by_id.entry(id).or_insert(own.circuits.len());
                let cas = Cas::of(entry.signalling);
                let is_mute = entry.signalling == CircuitSignalling::Nobody;
                own.by_place.insert((place.gateway, place.endpoint.clone()), line);
                own.circuits.push(Circuit {
                    id,
                    line,
                    place,
                    bearer: Bearer::Absent,
                    is_open: cas.is_none() && !is_mute,
                    is_seized: false,
                    taken: Taken::Nobody,
                    cas,
                    is_mute,
                    request: 0,
                    serial: 0,
                });
            }
        }
        own
    }

    /// Whether a leg is one of these.
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.legs.contains_key(&leg)
    }

    /// Whether a channel is a circuit.
    pub(super) fn is_on(&self, line: LineId) -> bool {
        self.by_line.contains_key(&line)
    }

    /// Channels that are circuits and cannot be used from the start.
    pub(super) fn closed(&self) -> impl Iterator<Item = LineId> {
        self.circuits.iter().map(|circuit| circuit.line)
    }

    /// What the signalling is told next.
    pub(super) fn poll_order(&mut self) -> Option<(CircuitId, CircuitOrder)> {
        self.orders.pop_front()
    }

    /// The signalling says what happens on a circuit.
    pub(super) fn handle(
        &mut self,
        turn: &mut Turn<'_>,
        id: CircuitId,
        event: CircuitEvent,
    ) -> Result<(), CircuitFault> {
        let at = *self.by_id.get(&id).ok_or(CircuitFault::Unknown)?;
        let circuit = self.circuits.get_mut(at).ok_or(CircuitFault::Unknown)?;
        match (event, circuit.taken) {
            (CircuitEvent::Open(is_open), _) => {
                circuit.is_open = is_open;
                self.say_service(turn, at, false);
            }
            (CircuitEvent::Test(kind), _) => return self.order_test(turn, at, Some(Part::Test(kind))),
            (CircuitEvent::Respond(kind), _) => {
                return self.order_test(turn, at, kind.map(Part::Respond));
            }
            (CircuitEvent::Setup { called, calling }, Taken::Nobody) => {
                circuit.taken = Taken::Refused;
                if circuit.bearer == Bearer::Serves {
                    let (line, trunk) = (circuit.line, circuit.id.trunk);
                    let arrival = CircuitArrival { line, trunk, called, calling };
                    turn.reports.push_back(Report::OnCircuit(Box::new(arrival)));
                } else {
                    self.tell(id, CircuitOrder::Release { cause: Cause::NETWORK_OUT_OF_ORDER });
                }
            }
            (CircuitEvent::Cleared | CircuitEvent::Released { .. }, Taken::Refused) => {
                circuit.taken = Taken::Nobody;
            }
            (event, Taken::Leg(leg)) => return self.told(turn, leg, event),
            _ => return Err(CircuitFault::Unexpected),
        }
        Ok(())
    }

    /// The switch took a call that came by a circuit.
    pub(super) fn taken(&mut self, line: LineId, call: crate::CallId, leg: LegId) {
        let Some(at) = self.by_line.get(&line).copied() else { return };
        if let Some(circuit) = self.circuits.get_mut(at) {
            circuit.taken = Taken::Leg(leg);
            self.legs.insert(leg, Leg::incoming(at, call));
        }
    }

    /// The switch refused it.
    pub(super) fn refused(&mut self, line: LineId, cause: Cause) {
        let circuit = self.by_line.get(&line).and_then(|at| self.circuits.get(*at));
        if let Some(id) = circuit.map(|circuit| circuit.id) {
            self.tell(id, CircuitOrder::Release { cause });
        }
    }

    /// Tells the switch and, when the bearer has changed, the signalling, whether a circuit can be used.
    fn say_service(&mut self, turn: &mut Turn<'_>, at: usize, is_of_bearer: bool) {
        let Some(circuit) = self.circuits.get(at) else { return };
        turn.reports.push_back(Report::Channel(circuit.line, circuit.is_free_for_calls()));
        if is_of_bearer {
            let (id, serves) = (circuit.id, circuit.bearer == Bearer::Serves);
            self.tell(id, CircuitOrder::Bearer { serves });
        }
    }

    fn set_bearer(&mut self, turn: &mut Turn<'_>, at: usize, bearer: Bearer) {
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        let before = std::mem::replace(&mut circuit.bearer, bearer);
        if (before == Bearer::Serves) != (bearer == Bearer::Serves) {
            self.say_service(turn, at, true);
            self.tested(turn, at, ContinuityResult::BearerLost);
            self.stop_responding(turn, at);
        }
    }

    /// Takes down whatever is on a circuit that nobody has; it serves when that is done.
    fn clear(&mut self, turn: &mut Turn<'_>, at: usize) {
        self.set_bearer(turn, at, Bearer::Clearing);
        let Some(circuit) = self.circuits.get_mut(at) else { return };
        circuit.serial = circuit.serial.wrapping_add(1);
        let tag = Tag::Circuit(circuit.line, circuit.serial);
        let place = &circuit.place;
        turn.agent.delete_connections(turn.now, (place.gateway, &place.endpoint), None, tag);
    }

    pub(super) fn clearing_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        line: LineId,
        serial: u32,
        result: Result<Outcome, Failure>,
    ) {
        let Some(at) = self.by_line.get(&line).copied() else { return };
        let current = |circuit: &&Circuit| circuit.serial == serial && circuit.bearer == Bearer::Clearing;
        let Some(circuit) = self.circuits.get(at).filter(current) else { return };
        match result {
            Ok(_) => self.set_bearer(turn, at, Bearer::Serves),
            // What follows decides for the whole gateway.
            Err(Failure::GatewayLost | Failure::Restarted) => {}
            Err(failure) => {
                super::stream::alarm(turn, &circuit.place, "DLCX", &failure);
                turn.timers.set(super::Timer::Circuit(line), turn.now + turn.settings.timers.probe);
            }
        }
    }

    /// A circuit that could not be cleared is tried again.
    pub(super) fn retry(&mut self, turn: &mut Turn<'_>, line: LineId) {
        if let Some(at) = self.by_line.get(&line).copied()
            && self.circuits.get(at).is_some_and(|circuit| circuit.bearer == Bearer::Clearing)
        {
            self.clear(turn, at);
        }
    }

    fn on(&self, gateway: GatewayId) -> Vec<usize> {
        let own = (0..).zip(&self.circuits).filter(|(_, circuit)| circuit.place.gateway == gateway);
        own.map(|(at, _)| at).collect()
    }

    pub(super) fn gateway_up(&mut self, turn: &mut Turn<'_>, gateway: GatewayId) {
        for at in self.on(gateway) {
            if self.circuits.get(at).is_some_and(|circuit| circuit.bearer == Bearer::Absent)
                && !self.look(turn, at)
            {
                self.clear(turn, at);
            }
        }
    }

    pub(super) fn gateway_lost(&mut self, turn: &mut Turn<'_>, gateway: GatewayId) {
        for at in self.on(gateway) {
            self.set_bearer(turn, at, Bearer::Absent);
            self.lose(turn, at);
        }
    }

    /// A gateway says that endpoints restart, leave service or come into it.
    pub(super) fn restarted(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        endpoints: &EndpointNameBuf,
        method: RestartMethod<'static>,
    ) {
        let pattern = endpoints.as_name();
        for at in self.on(gateway) {
            let covers = |circuit: &Circuit| {
                pattern == circuit.place.endpoint.as_name()
                    || pattern.covers(circuit.place.endpoint.as_name())
            };
            if !self.circuits.get(at).is_some_and(covers) {
                continue;
            }
            match method {
                RestartMethod::Restart => {
                    self.lose(turn, at);
                    self.clear(turn, at);
                }
                RestartMethod::Forced => {
                    self.set_bearer(turn, at, Bearer::Absent);
                    self.lose(turn, at);
                }
                // Calls go on, and none begins.
                RestartMethod::Graceful => self.set_bearer(turn, at, Bearer::Absent),
                _ => {}
            }
        }
    }

    /// The gateway is elsewhere now.
    pub(super) fn moved(&mut self, gateway: GatewayId, peer: IpAddr, policy: &AddressPolicy) {
        for circuit in self.circuits.iter_mut().filter(|circuit| circuit.place.gateway == gateway) {
            circuit.place = Arc::new(circuit.place.moved(peer, policy.clone()));
        }
    }

    pub(super) fn fill(&self, snapshot: &mut Snapshot) {
        let streams = self.legs.values().filter_map(|leg| leg.stream.as_ref());
        snapshot.connections.extend(streams.clone().filter_map(super::stream::Stream::termination));
        snapshot.connections_in_transition += streams.filter(|stream| stream.is_in_transition()).count();
    }

    /// The trunks, each with whether any of its circuits can be used.
    pub(super) fn states(&self) -> impl Iterator<Item = (&str, ServiceState)> {
        self.trunks.iter().map(|(id, trunk)| {
            let mut own = self.circuits.iter().filter(|circuit| circuit.id.trunk == *trunk);
            let serves = own.any(Circuit::serves);
            (id.as_str(), if serves { ServiceState::InService } else { ServiceState::OutOfService })
        })
    }

    /// The bearer of a circuit is lost, and with it the call on it.
    fn lose(&mut self, turn: &mut Turn<'_>, at: usize) {
        let Some(Circuit { taken: Taken::Leg(leg), .. }) = self.circuits.get(at) else { return };
        let leg = *leg;
        if let Some(stream) = self.legs.get_mut(&leg).and_then(|leg| leg.stream.as_mut()) {
            stream.lose(turn, None);
        }
        self.fail(turn, leg, Cause::NETWORK_OUT_OF_ORDER);
        self.check_cleared(turn, leg);
    }

    fn order(&mut self, leg: LegId, order: CircuitOrder) {
        let circuit = self.legs.get(&leg).and_then(|leg| self.circuits.get(leg.circuit));
        if let Some(id) = circuit.map(|circuit| circuit.id) {
            self.tell(id, order);
        }
    }

    /// Gives a leg's last word when its stream is gone and its signalling is over.
    fn check_cleared(&mut self, turn: &mut Turn<'_>, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let gone = leg.stream.as_ref().is_none_or(super::stream::Stream::is_gone);
        if !leg.ended || !gone || matches!(leg.signalling, Signalling::Active | Signalling::Releasing) {
            return;
        }
        if leg.signalling == Signalling::Released {
            self.order(id, CircuitOrder::Cleared);
        }
        let Some(leg) = self.legs.remove(&id) else { return };
        let statistics = leg.stream.as_ref().and_then(super::stream::Stream::statistics);
        if let Some(circuit) = self.circuits.get_mut(leg.circuit) {
            circuit.taken = Taken::Nobody;
        }
        turn.leg(id, LegEvent::Cleared { statistics });
    }
}
