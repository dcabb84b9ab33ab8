//! Trunks to SIP peers (RFC 3261): legs that live in sessions.
//!
//! ```text
//!   Call -> Seized   Alert -> INVITE   18x -> Alerting   200 -> MediaReady, Answered   Connect, tones -> re-INVITE   Release -> BYE, CANCEL
//!   INVITE -> Incoming   OpenMedia -> MediaReady   Play(Ringback) -> 180   Connect -> 200, ACK -> Connected   BYE -> Released
//! ```
//!
//! The user agent below owns the protocol; here its sessions become legs. What a peer describes goes to the other side as it
//! came, and what the other side describes is offered or answered by the user agent's rules. A peer that changes its stream in
//! the middle of a call is answered at once with what is known of the other side, which is told behind that.
//!
//! The rooms: `leg` (what the switch wants of a leg), `restore` (sessions that outlive an exchange), `transfer` (what peers do with REFER),
//! this file (what else they do). Telephones that register live behind the same user agent: see [`super::sip_phone`].

mod leg;
mod restore;
mod transfer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use strowger_sansio::{Duration, Rng, SocketId, Time, Transmit};
use strowger_sdp::{AddressPolicy, AudioDescription, Direction, Hosts};
use strowger_sip::agent::{
    self, AgentConfig, Caller, Credentials, Local, Peer, PeerId, SessionId, Trust, UserAgent,
};
use strowger_sip::locate::Destination;
use strowger_sip::message::{Secure, Status};
use strowger_sip::registrar::RegistrarConfig;
use strowger_sip::{Route, Transport};

use super::Report;
use super::sip_phone::Phones;
use crate::{
    CallId, CallingParty, Cause, Event, Inventory, LegEvent, LegId, LineId, Music, Sdp, ServiceChange,
    ServiceState, Subject, Termination, TrunkId, TrunkRegistration,
};
pub(super) use leg::{Leg, told};

/// The socket for datagrams of SIP.
pub(crate) const SIP_UDP: SocketId = SocketId(3);
/// What stands for all connections of SIP over TCP: the host finds or makes the one to an address.
pub(crate) const SIP_TCP: SocketId = SocketId(4);
/// The same over TLS.
pub(crate) const SIP_TLS: SocketId = SocketId(5);

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From another network, by a trunk.
    Trunk(TrunkId),
    /// From the telephone on this line.
    Phone(LineId),
}

/// A call that comes.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) session: SessionId,
    pub(crate) from: Origin,
    pub(crate) called: String,
    pub(crate) calling: CallingParty,
    offer: Option<Vec<u8>>,
    /// The leg whose place it takes.
    pub(crate) replaces: Option<LegId>,
}

/// All trunks to SIP peers, and the telephones behind the same user agent.
#[derive(Debug)]
pub(crate) struct SipTrunks {
    pub(super) agent: UserAgent,
    ids: Vec<String>,
    pub(super) phones: Phones,
    pub(super) legs: BTreeMap<LegId, Leg>,
    pub(super) sessions: BTreeMap<SessionId, LegId>,
    service: Vec<ServiceState>,
    /// The sessions whose peers wait to hear how a transfer went, by the call that it made.
    transfers: BTreeMap<CallId, SessionId>,
    /// Legs whose peers are to be sent a REFER when nothing else is under way in their sessions.
    pub(super) referring: BTreeSet<LegId>,
}

impl SipTrunks {
    pub(super) fn new(now: Time, inventory: &Inventory, rng: Rng) -> Self {
        let locals = inventory.sip.iter().map(|socket| Local {
            transport: socket.transport,
            socket: socket_of(socket.transport),
            address: socket.address,
        });
        let peers = inventory.trunks.iter().map(|entry| {
            let mut peer = Peer::new(&entry.id, entry.address, entry.transport);
            peer.secure = if entry.sips { Secure::Sips } else { Secure::Sip };
            peer.sources.clone_from(&entry.sources);
            peer.domain = entry.domain.clone().or_else(|| entry.name.as_ref().map(|name| name.name.clone()));
            peer.credentials = entry
                .user
                .as_ref()
                .zip(entry.password.as_ref())
                .map(|(user, password)| Credentials { user: user.clone(), password: password.clone() });
            peer.trust = if entry.trusted { Trust::Trusted } else { Trust::Untrusted };
            peer.registers = entry.register && peer.credentials.is_some();
            peer.probe = entry.probe;
            peer.redirects = entry.follows;
            peer.referrals = entry.transfers;
            peer.keys = entry.keys;
            let hosts = if entry.media.is_empty() { Hosts::Any } else { Hosts::PeerAnd(entry.media.clone()) };
            peer.media = AddressPolicy { hosts };
            peer
        });
        let phones = Phones::new(inventory);
        let peers = peers.chain(Phones::peers(inventory));
        let mut config = AgentConfig::new(locals.collect(), peers.collect());
        config.sessions = inventory.limits.calls.saturating_mul(if phones.is_empty() { 2 } else { 4 });
        let registrar = RegistrarConfig::new(&inventory.name);
        let registrar = RegistrarConfig { algorithms: inventory.digests.clone(), ..registrar };
        config.registrar = (!phones.is_empty()).then_some(registrar);
        Self {
            agent: UserAgent::new(now, config, rng),
            ids: inventory.trunks.iter().map(|trunk| trunk.id.clone()).collect(),
            phones,
            legs: BTreeMap::new(),
            sessions: BTreeMap::new(),
            service: inventory
                .trunks
                .iter()
                .map(|entry| match entry.name {
                    // Until it is known where it is.
                    Some(_) => ServiceState::OutOfService,
                    None => ServiceState::InService,
                })
                .collect(),
            transfers: BTreeMap::new(),
            referring: BTreeSet::new(),
        }
    }

    pub(crate) fn agent(&self) -> &UserAgent {
        &self.agent
    }

    /// What the wall's clock shows at `now`, since 1970 in UTC.
    pub(super) const fn set_wall_clock(&mut self, now: Time, unix: Duration) {
        self.agent.set_wall_clock(now, unix);
    }

    /// Takes a message; says whether its sender is listed.
    pub(crate) fn handle_input(&mut self, now: Time, from: Route, bytes: &[u8]) -> bool {
        self.agent.handle_input(now, from, bytes)
    }

    /// The name of a peer was looked up.
    pub(crate) fn handle_located(&mut self, now: Time, trunk: &str, places: &[Destination]) {
        let at = self.ids.iter().position(|id| id == trunk).and_then(|at| u32::try_from(at).ok());
        if let Some(at) = at {
            self.agent.handle_located(now, PeerId(at), places);
        }
    }

    /// Something became of a stream.
    pub(crate) fn handle_stream(&mut self, now: Time, fault: crate::SipStream<'_>) {
        match fault {
            crate::SipStream::Unframed { from, bytes, error } => {
                self.agent.handle_unframed(now, from, bytes, error);
            }
            crate::SipStream::Ended { from, unsent } => self.agent.handle_disconnected(now, from, unsent),
            crate::SipStream::Unsent { to, bytes } => self.agent.handle_unsent(now, to, bytes),
            crate::SipStream::Undelivered { to, quoted } => {
                let to = Route { transport: Transport::Udp, socket: SIP_UDP, address: to };
                self.agent.handle_undelivered(now, to, quoted);
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Time) {
        if self.agent.poll_timeout().is_some_and(|due| due <= now) {
            self.agent.handle_timeout(now);
        }
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.agent.poll_transmit()
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.agent.poll_timeout()
    }

    /// Whether a leg is one of these.
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.legs.contains_key(&leg)
    }

    /// The switch took a call: its session is this leg. `first`: the first channel of its trunk.
    pub(super) fn taken(&mut self, arrival: Arrival, leg: LegId, line: LineId, first: Option<u32>) {
        let Arrival { session, from, offer, .. } = arrival;
        let (peer, termination) = match from {
            Origin::Trunk(trunk) => {
                let first = first.unwrap_or(line.0);
                (PeerId(trunk.0), self.termination(trunk, line, first, session))
            }
            Origin::Phone(line) => (self.phones.peer(line), self.phones.termination(line, session)),
        };
        self.sessions.insert(session, leg);
        self.phones.begin(peer, leg);
        self.legs.insert(leg, Leg::incoming(session, peer, termination, offer.as_deref().map(Sdp::new)));
    }

    /// The switch refused a call.
    pub(super) fn refused(&mut self, now: Time, session: SessionId, cause: Cause) {
        self.agent.end(now, session, cause.value());
    }

    fn termination(&self, trunk: TrunkId, line: LineId, first: u32, session: SessionId) -> Termination {
        let gateway =
            usize::try_from(trunk.0).ok().and_then(|at| self.ids.get(at)).cloned().unwrap_or_default();
        let endpoint = format!("channel/{}", line.0.saturating_sub(first) + 1);
        Termination { gateway, endpoint, connection: session.0.to_string() }
    }

    /// Makes reports of what peers have done; says whether there was anything.
    pub(super) fn hear(&mut self, now: Time, reports: &mut VecDeque<Report>) -> bool {
        let mut heard = false;
        while let Some(event) = self.agent.poll_event() {
            heard = true;
            self.event(now, event, reports);
        }
        self.refer_on(now, reports);
        heard
    }

    fn event(&mut self, now: Time, event: agent::Event, reports: &mut VecDeque<Report>) {
        match event {
            agent::Event::Incoming { session, peer, called, caller, offer, replaces, history, .. } => {
                let calling = CallingParty { history, ..calling(&caller) };
                let replaces = replaces.and_then(|session| self.sessions.get(&session).copied());
                let from = self.phones.line(peer).map_or(Origin::Trunk(TrunkId(peer.0)), Origin::Phone);
                let arrival = Arrival { session, from, called, calling, offer, replaces };
                reports.push_back(Report::Incoming(Box::new(arrival)));
            }
            agent::Event::Progress { session, status, description } => {
                self.with_leg(session, reports, |leg, say| {
                    // Of several telephones that ring none is heard before one is lifted.
                    let description = description.filter(|_| leg.open.len() == 1);
                    if let Some(description) = description {
                        leg.describes(&description, say);
                        say(LegEvent::Progress);
                    }
                    if status == Status::RINGING && !std::mem::replace(&mut leg.alerting, true) {
                        say(LegEvent::Alerting);
                    }
                });
            }
            agent::Event::Answered { session, description } => {
                self.found(now, session);
                self.keep(session, reports);
                self.with_leg(session, reports, |leg, say| {
                    leg.describes(&description, say);
                    leg.answered = true;
                    say(LegEvent::Answered);
                });
            }
            agent::Event::Confirmed { session, description } => {
                if let Some(leg) = self.acknowledged(session) {
                    return self.fail(now, leg, Cause::NORMAL_CLEARING, reports);
                }
                self.with_leg(session, reports, |leg, say| {
                    let local = description.as_deref().map(Sdp::new);
                    if local.is_some() {
                        leg.remote.clone_from(&local);
                    }
                    say(LegEvent::Connected { local });
                });
            }
            agent::Event::Offered { session, description } => {
                self.offered(now, session, &description, reports);
            }
            agent::Event::Agreed { session, description } => {
                self.keep(session, reports);
                self.with_leg(session, reports, |leg, say| {
                    let local = leg.renewed(&description);
                    say(LegEvent::Connected { local });
                });
            }
            agent::Event::Refused { session, .. } => {
                self.with_leg(session, reports, |_, say| say(LegEvent::Connected { local: None }));
            }
            agent::Event::Dtmf { session, key } => {
                self.with_leg(session, reports, |_, say| say(LegEvent::Dtmf(key)));
            }
            agent::Event::Referred { session, referral } => {
                self.referred(now, session, &referral, reports);
            }
            agent::Event::Ended { session, cause, status } => {
                let cause = Cause::new(cause).unwrap_or(Cause::NORMAL_UNSPECIFIED);
                if self.searches(now, session, (cause, status), reports) {
                    return;
                }
                self.with_leg(session, reports, |leg, say| {
                    if !std::mem::replace(&mut leg.ended, true) {
                        say(LegEvent::Released { cause });
                    }
                });
            }
            agent::Event::Closed { session } => {
                // It may want to hear how its transfer goes, although it has hung up.
                let listens = self.agent.reports_to(session);
                self.transfers.retain(|_, own| *own != session || listens);
                let Some(id) = self.sessions.remove(&session) else { return };
                let Some(leg) = self.legs.get_mut(&id) else { return };
                leg.open.retain(|open| *open != session);
                if leg.open.is_empty() && leg.search.is_none() {
                    self.forget(id);
                    reports.push_back(Report::Leg(id, LegEvent::Cleared { statistics: None }));
                }
            }
            agent::Event::Reachable { peer, up } => self.reachable(now, peer, up, reports),
            agent::Event::Moved { peer } | agent::Event::Refreshed { peer } => {
                let bindings = self.agent.bindings(now, peer);
                self.phones.moved(now, peer, bindings, reports);
            }
            agent::Event::FarewellUnheard { peer } => {
                let trunk = self.name(peer);
                reports.push_back(Report::Event(Event::FarewellUnheard { trunk }));
            }
            agent::Event::Subscribed { peer } => self.subscribed(now, peer, reports),
            agent::Event::Transferring { session, status, accepted } => {
                let word = transfer::word(status, accepted);
                self.with_leg(session, reports, |_, say| {
                    if let Some(word) = word {
                        say(word);
                    }
                });
            }
            agent::Event::Malformed { peer, error } => {
                let trunk =
                    self.phones.line(peer).map_or_else(|| self.name(peer), |line| self.phones.number(line));
                reports.push_back(Report::Event(Event::MalformedSip { trunk, error: error.to_string() }));
            }
        }
    }

    /// A peer describes its stream anew: it is answered with what the other side said last, and that is told.
    fn offered(&mut self, now: Time, session: SessionId, description: &[u8], reports: &mut VecDeque<Report>) {
        let known = self.sessions.get(&session).and_then(|id| Some((*id, self.legs.get_mut(id)?)));
        let Some((id, leg)) = known else {
            return self.agent.refuse_offer(now, session, Status::NOT_ACCEPTABLE_HERE);
        };
        let Some(described) = leg.described.clone() else {
            return self.agent.refuse_offer(now, session, Status::REQUEST_PENDING);
        };
        let direction = leg.direction;
        if self.agent.answer_offer(now, session, described.bytes(), direction).is_err() {
            return self.agent.refuse_offer(now, session, Status::NOT_ACCEPTABLE_HERE);
        }
        if let Some(kept) = self.agent.standing(session) {
            leg.keeps(kept, &mut |event| reports.push_back(Report::Leg(id, event)));
        }
        if let Some(local) = leg.renewed(description) {
            reports.push_back(Report::Leg(id, LegEvent::Connected { local: Some(local) }));
        }
        let music = held(description);
        if std::mem::replace(&mut leg.holds, music.is_some()) != leg.holds || music.is_some() {
            let event = music.map_or(LegEvent::Retrieved, |music| LegEvent::Held { music });
            reports.push_back(Report::Leg(id, event));
        }
    }

    /// The leg whose call was nothing but a word to the exchange.
    fn acknowledged(&self, session: SessionId) -> Option<LegId> {
        let id = self.sessions.get(&session)?;
        self.legs.get(id).filter(|leg| leg.acknowledged).map(|_| *id)
    }

    /// Tells what must be kept of a session, if that is not what was kept before.
    fn keep(&mut self, session: SessionId, reports: &mut VecDeque<Report>) {
        if let Some(kept) = self.agent.standing(session) {
            self.with_leg(session, reports, |leg, say| leg.keeps(kept, say));
        }
    }

    fn with_leg(
        &mut self,
        session: SessionId,
        reports: &mut VecDeque<Report>,
        act: impl FnOnce(&mut Leg, &mut dyn FnMut(LegEvent)),
    ) {
        let Some(id) = self.sessions.get(&session).copied() else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        act(leg, &mut |event| reports.push_back(Report::Leg(id, event)));
    }

    fn reachable(&mut self, now: Time, peer: PeerId, up: bool, reports: &mut VecDeque<Report>) {
        let to = if up { ServiceState::InService } else { ServiceState::OutOfService };
        let subject = Subject::Trunk(self.name(peer));
        let Some(state) = usize::try_from(peer.0).ok().and_then(|at| self.service.get_mut(at)) else {
            return;
        };
        let from = std::mem::replace(state, to);
        if from != to {
            let change = ServiceChange { at: now, subject, from, to };
            reports.push_back(Report::Record(crate::Record::Service(change)));
        }
    }

    fn name(&self, peer: PeerId) -> String {
        usize::try_from(peer.0).ok().and_then(|at| self.ids.get(at)).cloned().unwrap_or_default()
    }

    /// The trunks: names, service states, and how the registrations with their peers stand.
    pub(super) fn states(&self) -> impl Iterator<Item = (&str, ServiceState, Option<TrunkRegistration>)> {
        let registration = |peer: u32| {
            let state = self.agent.registration(PeerId(peer))?;
            Some(TrunkRegistration { until: state.until, status: state.status.map(Status::code) })
        };
        let states = self.ids.iter().zip(self.service.iter().copied()).zip(0..);
        states.map(move |((id, service), peer)| (id.as_str(), service, registration(peer)))
    }

    /// Gives up what peers keep of this exchange.
    pub(crate) fn leave(&mut self, now: Time) {
        self.agent.unregister(now);
    }
}

/// The socket of a transport.
pub(crate) const fn socket_of(transport: Transport) -> SocketId {
    match transport {
        Transport::Udp => SIP_UDP,
        Transport::Tcp => SIP_TCP,
        Transport::Tls => SIP_TLS,
    }
}

fn calling(caller: &Caller) -> CallingParty {
    CallingParty {
        number: caller.user.clone(),
        name: caller.name.clone(),
        withheld: caller.withheld,
        ..CallingParty::default()
    }
}

/// Whether a description puts the call on hold, and what is sent meanwhile (RFC 3264 section 8.4).
fn held(description: &[u8]) -> Option<Music> {
    let session = strowger_sdp::decode(description, &strowger_sdp::Limits::default()).ok()?;
    let audio = session.media().find_map(|media| AudioDescription::from_media(&media).ok())?;
    match audio.direction {
        Direction::Inactive => Some(Music::None),
        // The way of RFC 2543: nothing may be sent to where nobody is.
        _ if audio.is_held_by_address() => Some(Music::None),
        Direction::SendOnly => Some(Music::Sent),
        Direction::SendRecv | Direction::RecvOnly => None,
    }
}

/// A stream that is sent by nobody and to nobody, in the codecs of an offer.
fn silence(offer: Option<&Sdp>) -> Sdp {
    let limits = strowger_sdp::Limits::default();
    let session = offer.and_then(|offer| strowger_sdp::decode(offer.bytes(), &limits).ok());
    let audio = session
        .and_then(|session| session.media().find_map(|media| AudioDescription::from_media(&media).ok()));
    let Some(audio) = audio else { return placeholder() };
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 9));
    let mut silent = AudioDescription::new(nowhere, audio.codecs);
    silent.direction = Direction::Inactive;
    Sdp::new(&silent.to_bytes())
}

/// Where nobody is, to be described for a caller who has not described itself yet: its streams are held (RFC 3264 section 8.4).
fn placeholder() -> Sdp {
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 9));
    let codecs = vec![strowger_sdp::CodecEntry::pcmu(), strowger_sdp::CodecEntry::pcma()];
    let mut held = strowger_sdp::AudioDescription::new(nowhere, codecs);
    held.direction = Direction::Inactive;
    Sdp::new(&held.to_bytes())
}
