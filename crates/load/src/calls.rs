//! Whole calls against a call agent: gateways with subscribers who dial, are rung, answer, and hang up.
//!
//! ```text
//!  caller:  off-hook - dial tone - digits .................. ringback ...... both ways ... on-hook ... idle
//!  called:                                  ringing - off-hook ............. both ways ............... idle, on-hook
//!  latency:        |-dial-tone-|          |-post-dial-|    |-cut-through-|          |-release-|
//! ```
//!
//! The gateways are real ones ([`strowger_mgcp::gateway`]), so that any call agent that keeps to RFC 3435 can be loaded; only their
//! media plane is hollow: it gives out addresses and no packet is ever sent. A call is good when both connections flow both ways,
//! each towards the address of the other, and when both are gone after the caller has hung up.
//!
//! With a [number](CallConfig::number) all lines are callers, and it is somebody else who is rung and answers, as a SIP peer behind the call agent:
//! `connect` is measured then, from the last digit until the caller's connection flows both ways, instead of `post-dial` and
//! `cut-through`. Whoever sends early media in both directions is taken to have answered.
//!
//! Limits: callers are the even places of the list of lines, the called lines the odd ones; each pair has one call at a time.

mod plane;

use std::collections::VecDeque;
use std::net::SocketAddr;

use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{
    CallAgent, ConfigError, EndpointIndex, EndpointSpec, Gateway, GatewayConfig, MediaEvent,
};
use strowger_mgcp::transaction::TransactionLimits;
use strowger_sansio::{Duration, Rng, SocketId, Time, Timers, Transmit};
use strowger_sdp::AddressPolicy;

use crate::{Amount, Load, Offer, Pace, Tally};
use plane::{Plane, Sound};

/// A gateway that the load plays.
#[derive(Clone, Debug)]
pub struct LoadGateway {
    /// Where it is; its socket has the number of its place in the list.
    pub address: SocketAddr,
    /// The domain of its endpoint names.
    pub domain: String,
    /// How the call agent wants it to speak.
    pub dialect: Dialect,
}

/// A line on one of the gateways.
#[derive(Clone, Debug)]
pub struct LoadLine {
    /// The place of its gateway in the list.
    pub gateway: usize,
    /// The local endpoint name.
    pub endpoint: String,
    /// What others dial to reach it.
    pub number: String,
}

/// What a [`CallLoad`] does.
#[derive(Clone, Debug)]
pub struct CallConfig {
    /// The call agent.
    pub agent: SocketAddr,
    /// The gateways.
    pub gateways: Vec<LoadGateway>,
    /// The lines: each caller is followed by the line that it calls.
    pub lines: Vec<LoadLine>,
    /// What all lines dial, of somebody who is on none of them; without it each second line is called by the one before.
    pub number: Option<String>,
    /// How calls are offered.
    pub offer: Offer,
    /// How many, or for how long.
    pub amount: Amount,
    /// How long the called line rings.
    pub ring: Duration,
    /// How long they talk.
    pub hold: Duration,
    /// How long a step of the call agent may take before the call has failed.
    pub patience: Duration,
    /// How long the gateways wait before they announce themselves, at most (RFC 3435 section 4.4.6).
    pub restart_delay: Duration,
}

/// How far a pair of lines is in its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No call.
    Idle,
    /// The caller has lifted the receiver.
    Seizing,
    /// The caller has dialled.
    Dialled,
    /// The called line rings.
    Ringing,
    /// The called subscriber has answered.
    Answered,
    /// They talk.
    Talking,
    /// The caller has hung up.
    Releasing,
    /// The call has failed and both have hung up.
    Clearing,
}

/// A caller and the line that it calls.
#[derive(Debug)]
struct Pair {
    caller: Seat,
    /// None of somebody who is not on a line here.
    called: Option<Seat>,
    number: String,
    phase: Phase,
    /// When the phase began.
    since: Time,
    /// When the pair became free.
    freed: Time,
    failure: Option<&'static str>,
}

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seat {
    gateway: usize,
    endpoint: EndpointIndex,
}

/// A gateway and its hollow media.
#[derive(Debug)]
struct Office {
    gateway: Gateway,
    plane: Plane,
    /// By endpoint: the pair that the line is in.
    pairs: Vec<Option<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Ring(usize),
    Hold(usize),
    Patience(usize),
}

/// Calls among the lines of gateways, through one call agent.
#[derive(Debug)]
pub struct CallLoad {
    offices: Vec<Office>,
    pairs: Vec<Pair>,
    free: VecDeque<usize>,
    timers: Timers<Timer>,
    config: CallConfig,
    /// None until the call agent watches all lines.
    pace: Option<Pace>,
    associated: usize,
    /// Lines that the call agent has not been seen to watch yet.
    unwatched: Vec<Seat>,
    began: Time,
    tally: Tally,
    now: Time,
    /// The office that was last asked for a datagram, so that all have their turn.
    turn: usize,
}

impl CallLoad {
    /// Gateways that have just been switched on. Calls begin when the call agent watches all of their lines.
    ///
    /// # Errors
    /// A domain or an endpoint that cannot be named so.
    pub fn new(now: Time, config: CallConfig, mut rng: Rng) -> Result<Self, ConfigError> {
        let mut offices = Vec::with_capacity(config.gateways.len());
        for (number, spec) in config.gateways.iter().enumerate() {
            let lines = config.lines.iter().filter(|line| line.gateway == number);
            offices.push(office(now, &config, spec, lines, rng.fork())?);
        }
        let mut load = Self {
            offices,
            pairs: Vec::new(),
            free: VecDeque::new(),
            timers: Timers::new(),
            config,
            pace: None,
            associated: 0,
            unwatched: Vec::new(),
            began: now,
            tally: Tally::default(),
            now,
            turn: 0,
        };
        load.pair_up(now);
        load.turn_over(now);
        Ok(load)
    }

    /// How many of the gateways are known to the call agent.
    #[must_use]
    pub fn associated(&self) -> usize {
        self.associated
    }

    fn pair_up(&mut self, now: Time) {
        let mut counts = vec![0_u32; self.offices.len()];
        let mut seats = Vec::with_capacity(self.config.lines.len());
        for line in &self.config.lines {
            let Some(count) = counts.get_mut(line.gateway) else { continue };
            seats
                .push((Seat { gateway: line.gateway, endpoint: EndpointIndex(*count) }, line.number.clone()));
            *count += 1;
        }
        match self.config.number.clone() {
            Some(number) => {
                for (caller, _) in seats {
                    self.add_pair(now, caller, None, number.clone());
                }
            }
            None => {
                for two in seats.chunks_exact(2) {
                    let [(caller, _), (called, number)] = two else { continue };
                    self.add_pair(now, *caller, Some(*called), number.clone());
                }
            }
        }
    }

    fn add_pair(&mut self, now: Time, caller: Seat, called: Option<Seat>, number: String) {
        let place = self.pairs.len();
        for seat in [Some(caller), called].into_iter().flatten() {
            self.unwatched.push(seat);
            let office = self.offices.get_mut(seat.gateway);
            if let Some(slot) = office.and_then(|office| office.pairs.get_mut(seat.endpoint.0 as usize)) {
                *slot = Some(place);
            }
        }
        let (phase, since, freed, failure) = (Phase::Idle, now, now, None);
        self.pairs.push(Pair { caller, called, number, phase, since, freed, failure });
        self.free.push_back(place);
    }

    fn in_progress(&self) -> usize {
        self.pairs.len() - self.free.len()
    }

    /// Something happens on a line.
    fn act(&mut self, now: Time, seat: Seat, event: MediaEvent) {
        let Some(office) = self.offices.get_mut(seat.gateway) else { return };
        match event {
            MediaEvent::OffHook => office.plane.set_hook(seat.endpoint, strowger_mgcp::gateway::Hook::Off),
            MediaEvent::OnHook => office.plane.set_hook(seat.endpoint, strowger_mgcp::gateway::Hook::On),
            _ => {}
        }
        office.gateway.handle_media_event(now, seat.endpoint, event, &mut office.plane);
    }

    /// Lets what has happened in the gateways have its consequences, until nothing more follows.
    fn turn_over(&mut self, now: Time) {
        self.now = now;
        loop {
            let mut touched = Vec::new();
            for office in &mut self.offices {
                while let Some(event) = office.gateway.poll_event() {
                    if matches!(event, strowger_mgcp::gateway::GatewayEvent::Associated { .. }) {
                        self.associated += 1;
                    }
                }
                touched.extend(
                    office
                        .plane
                        .touched()
                        .filter_map(|endpoint| office.pairs.get(endpoint.0 as usize).copied().flatten()),
                );
            }
            if touched.is_empty() {
                break;
            }
            for pair in touched {
                self.go_on(now, pair);
            }
        }
        if self.pace.is_none() && self.is_ready() {
            self.pace = Some(Pace::new(now, self.config.offer, self.config.amount));
        }
        self.offer(now);
        let sent = self.offices.iter().map(|office| office.gateway.transaction_counters().retransmissions);
        self.tally.set_retransmissions(sent.sum());
    }

    /// Whether the call agent watches all lines. That it knows their gateways is not enough: a line is in service when it has done
    /// what it was asked for first, and a call to it before is refused.
    fn is_ready(&mut self) -> bool {
        let watched = |offices: &[Office], seat: &Seat| {
            offices.get(seat.gateway).is_some_and(|office| office.gateway.is_watching(seat.endpoint))
        };
        while self.unwatched.last().is_some_and(|seat| watched(&self.offices, seat)) {
            self.unwatched.pop();
        }
        self.unwatched.is_empty()
    }

    fn offer(&mut self, now: Time) {
        loop {
            let busy = self.in_progress();
            let Some(pace) = &mut self.pace else { return };
            let Some(due) = pace.due(now, busy).filter(|due| *due <= now) else { return };
            let Some(place) = self.free.pop_front() else { return };
            pace.offer();
            let Some(pair) = self.pairs.get_mut(place) else { return };
            if pair.freed > due {
                self.tally.hold_back();
            }
            let caller = pair.caller;
            self.tally.begin(now, busy + 1);
            self.enter(now, place, Phase::Seizing);
            self.act(now, caller, MediaEvent::OffHook);
        }
    }

    fn enter(&mut self, now: Time, place: usize, phase: Phase) {
        let Some(pair) = self.pairs.get_mut(place) else { return };
        (pair.phase, pair.since) = (phase, now);
        match phase {
            Phase::Idle | Phase::Talking => {
                self.timers.cancel(&Timer::Patience(place));
            }
            _ => self.timers.set(Timer::Patience(place), now + self.config.patience),
        }
    }

    fn sound(&self, seat: Seat) -> Option<Sound> {
        self.offices.get(seat.gateway)?.plane.sound(seat.endpoint)
    }

    fn is_open(&self, seat: Seat) -> bool {
        self.offices.get(seat.gateway).is_some_and(|office| office.plane.is_open(seat.endpoint))
    }

    /// Whether both lines talk to each other, or the caller to somebody.
    fn is_through(&self, caller: Seat, called: Option<Seat>) -> bool {
        let path = |seat: Seat| self.offices.get(seat.gateway)?.plane.path(seat.endpoint);
        match (path(caller), called) {
            (Some(_), None) => true,
            (Some(here), Some(called)) => {
                path(called).is_some_and(|there| here.remote == there.local && there.remote == here.local)
            }
            _ => false,
        }
    }

    /// Something has changed on a line of this pair.
    fn go_on(&mut self, now: Time, place: usize) {
        let Some(pair) = self.pairs.get(place) else { return };
        let (caller, called, phase) = (pair.caller, pair.called, pair.phase);
        let took = now.since(pair.since);
        let is_open = |load: &Self| called.is_some_and(|called| load.is_open(called));
        if matches!(phase, Phase::Seizing | Phase::Dialled | Phase::Ringing | Phase::Answered)
            && let Some(Sound::Refusal(why)) = self.sound(caller)
        {
            return self.fail(now, place, why);
        }
        match phase {
            Phase::Seizing if self.sound(caller) == Some(Sound::DialTone) => {
                self.tally.measure("dial-tone", took);
                let digits = pair.number.clone();
                self.enter(now, place, Phase::Dialled);
                for digit in digits.chars() {
                    self.act(now, caller, MediaEvent::Digit(digit));
                }
            }
            Phase::Dialled if called.is_none() && self.is_through(caller, None) => {
                self.tally.measure("connect", took);
                self.enter(now, place, Phase::Talking);
                self.timers.set(Timer::Hold(place), now + self.config.hold);
            }
            Phase::Dialled if called.and_then(|called| self.sound(called)) == Some(Sound::Ringing) => {
                self.tally.measure("post-dial", took);
                self.enter(now, place, Phase::Ringing);
                self.timers.set(Timer::Ring(place), now + self.config.ring);
            }
            Phase::Answered if self.is_through(caller, called) => {
                self.tally.measure("cut-through", took);
                self.enter(now, place, Phase::Talking);
                self.timers.set(Timer::Hold(place), now + self.config.hold);
            }
            Phase::Talking if !self.is_open(caller) || called.is_some() && !is_open(self) => {
                self.fail(now, place, "the call was cut off");
            }
            Phase::Releasing | Phase::Clearing if !self.is_open(caller) && !is_open(self) => {
                if phase == Phase::Releasing {
                    self.tally.measure("release", took);
                    if let Some(called) = called {
                        self.act(now, called, MediaEvent::OnHook);
                    }
                }
                self.end(now, place);
            }
            _ => {}
        }
    }

    fn end(&mut self, now: Time, place: usize) {
        self.enter(now, place, Phase::Idle);
        let Some(pair) = self.pairs.get_mut(place) else { return };
        pair.freed = now;
        match pair.failure.take() {
            None => self.tally.finish(now),
            Some(why) => self.tally.fail(now, why),
        }
        self.free.push_back(place);
    }

    /// A call goes wrong: both hang up, and the pair is free when its connections are gone.
    fn fail(&mut self, now: Time, place: usize, why: &'static str) {
        let Some(pair) = self.pairs.get_mut(place) else { return };
        pair.failure.get_or_insert(why);
        let (caller, called) = (pair.caller, pair.called);
        self.timers.cancel(&Timer::Ring(place));
        self.timers.cancel(&Timer::Hold(place));
        self.enter(now, place, Phase::Clearing);
        for seat in [Some(caller), called].into_iter().flatten() {
            let off =
                self.offices.get(seat.gateway).is_some_and(|office| office.plane.is_off_hook(seat.endpoint));
            if off {
                self.act(now, seat, MediaEvent::OnHook);
            }
        }
        self.go_on(now, place);
    }

    fn due(&mut self, now: Time, timer: Timer) {
        match timer {
            Timer::Ring(place) => {
                let Some(pair) = self.pairs.get(place).filter(|pair| pair.phase == Phase::Ringing) else {
                    return;
                };
                let Some(called) = pair.called else { return };
                self.enter(now, place, Phase::Answered);
                self.act(now, called, MediaEvent::OffHook);
            }
            Timer::Hold(place) => {
                let Some(pair) = self.pairs.get(place).filter(|pair| pair.phase == Phase::Talking) else {
                    return;
                };
                let caller = pair.caller;
                self.enter(now, place, Phase::Releasing);
                self.act(now, caller, MediaEvent::OnHook);
            }
            Timer::Patience(place) => {
                let Some(pair) = self.pairs.get(place) else { return };
                let why = match pair.phase {
                    Phase::Seizing => "no dial tone",
                    Phase::Dialled if pair.called.is_none() => "not connected",
                    Phase::Dialled => "not rung",
                    Phase::Answered => "no path both ways",
                    Phase::Releasing => "not released",
                    Phase::Clearing => {
                        // Its connections stay: the pair is not used again.
                        return self.give_up(now, place);
                    }
                    Phase::Idle | Phase::Ringing | Phase::Talking => return,
                };
                self.fail(now, place, why);
            }
        }
    }

    /// A failed call that the call agent does not clear away: the pair makes no more calls.
    fn give_up(&mut self, now: Time, place: usize) {
        let Some(pair) = self.pairs.get_mut(place) else { return };
        let why = pair.failure.take().unwrap_or("not released");
        self.tally.fail(now, why);
        self.pairs.swap_remove(place);
        self.renumber(place);
    }

    /// The pair that was the last one has moved to this place.
    fn renumber(&mut self, place: usize) {
        let last = self.pairs.len();
        for office in &mut self.offices {
            for slot in &mut office.pairs {
                match *slot {
                    Some(of) if of == place => *slot = None,
                    Some(of) if of == last => *slot = Some(place),
                    _ => {}
                }
            }
        }
        for free in &mut self.free {
            if *free == last {
                *free = place;
            }
        }
        for timer in [Timer::Ring, Timer::Hold, Timer::Patience] {
            self.timers.cancel(&timer(place));
            if let Some(at) = self.timers.deadline(&timer(last)) {
                self.timers.cancel(&timer(last));
                self.timers.set(timer(place), at);
            }
        }
    }
}

fn office<'l>(
    now: Time,
    config: &CallConfig,
    spec: &LoadGateway,
    lines: impl Iterator<Item = &'l LoadLine>,
    rng: Rng,
) -> Result<Office, ConfigError> {
    let mut gateway = GatewayConfig::new(spec.domain.clone(), CallAgent::at(config.agent));
    gateway.aliases.push(format!("[{}]", spec.address.ip()));
    gateway.endpoints.extend(lines.map(|line| EndpointSpec::line(line.endpoint.clone())));
    gateway.dialect = spec.dialect;
    gateway.timers.protocol.mwd = config.restart_delay;
    // One call agent gives all the commands of a long load.
    gateway.transactions = TransactionLimits { memory: 2 << 30, ..gateway.transactions };
    gateway.media = AddressPolicy::default();
    let count = gateway.endpoints.len();
    let mut plane = Plane::new(spec.address.ip(), count);
    let gateway = Gateway::new(now, gateway, rng, &mut plane)?;
    Ok(Office { gateway, plane, pairs: vec![None; count] })
}

impl Load for CallLoad {
    fn handle_input(&mut self, now: Time, socket: SocketId, from: SocketAddr, bytes: &[u8]) {
        if let Some(office) = self.offices.get_mut(socket.0 as usize) {
            office.gateway.handle_input(now, from, bytes, &mut office.plane);
        }
        self.turn_over(now);
    }

    fn handle_timeout(&mut self, now: Time) {
        for office in &mut self.offices {
            if office.gateway.poll_timeout().is_some_and(|due| due <= now) {
                office.gateway.handle_timeout(now, &mut office.plane);
            }
        }
        while let Some(timer) = self.timers.pop_due(now) {
            self.due(now, timer);
        }
        // Call agents that never answer would be waited for for ever.
        if self.pace.is_none() && now.since(self.began) > self.config.patience + self.config.restart_delay {
            let mut pace = Pace::new(now, self.config.offer, self.config.amount);
            pace.stop();
            let accepted =
                self.associated >= self.offices.iter().filter(|office| !office.pairs.is_empty()).count();
            self.tally.fail(
                now,
                if accepted { "not all lines are watched" } else { "not all gateways were accepted" },
            );
            self.pace = Some(pace);
        }
        self.turn_over(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        for _ in 0..self.offices.len() {
            let turn = self.turn;
            if let Some(transmit) =
                self.offices.get_mut(turn).and_then(|office| office.gateway.poll_transmit())
            {
                let socket = SocketId(u32::try_from(turn).unwrap_or(u32::MAX));
                return Some(Transmit { socket, ..transmit });
            }
            self.turn = (turn + 1) % self.offices.len();
        }
        None
    }

    fn poll_timeout(&self) -> Option<Time> {
        let next = match &self.pace {
            None => {
                Some(self.began + self.config.patience + self.config.restart_delay + Duration::from_millis(1))
            }
            Some(_) if self.free.is_empty() => None,
            Some(pace) => pace.due(self.now, self.in_progress()),
        };
        let gateways = self.offices.iter().filter_map(|office| office.gateway.poll_timeout()).min();
        [gateways, self.timers.next(), next].into_iter().flatten().min()
    }

    fn stop(&mut self, now: Time) {
        let CallConfig { offer, amount, .. } = self.config;
        self.pace.get_or_insert_with(|| Pace::new(now, offer, amount)).stop();
    }

    fn is_done(&self) -> bool {
        let over = self.pace.as_ref().is_some_and(|pace| pace.is_over(self.now));
        // The call agent is owed no answer, and the last receiver's notification is acknowledged.
        let quiet = || {
            self.associated < self.offices.len()
                || self.offices.iter().all(|office| office.gateway.outstanding() == 0)
        };
        over && self.in_progress() == 0 && quiet()
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}
