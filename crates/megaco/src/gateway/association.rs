//! The association with a controller: cold start, redirection, version, loss, hand-off (RFC 3525 sections 9.2, 11.2 to 11.5).
//!
//! There is a list of candidates, each with the method and reason that it is told, and an attempt under way with one of them. What fails goes
//! on to the next; when none is left, the gateway waits a random time and starts again with the primary.

use std::collections::VecDeque;
use std::time::Duration;

use strowger_sansio::Time;

use super::event::GatewayEvent;
use super::media::MediaPlane;
use super::report::Fault;
use super::termination::Key;
use super::{Gateway, Tag, Timer};
use crate::error::ErrorCode;
use crate::message::{
    Action, Address, Caseless, Command, CommandBody, CommandReply, ContextId, Method, Mid, Profile, Reason,
    ReplyResult, ServiceChange, ServiceChangeResult, ServiceTarget, TerminationId, Version,
};
use crate::transaction::{Failure, NEWEST, PeerConfig, PeerId, RequestError, Route};
use crate::transport::usual_port;

/// Redirections that are followed one after another: two controllers that name each other end here.
const MOST_REDIRECTIONS: u8 = 4;
/// Controllers that were learned from redirections.
const MOST_CONTROLLERS: usize = 16;
/// The name that says that there is no profile (H.248.1 version 3).
const NO_PROFILE: &str = "NoProfile";

/// How a gateway registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Restart,
    Failover,
    Disconnected,
    HandOff,
}

impl How {
    const fn method(self) -> Method<'static> {
        match self {
            Self::Restart => Method::Restart,
            Self::Failover => Method::Failover,
            Self::Disconnected => Method::Disconnected,
            Self::HandOff => Method::HandOff,
        }
    }

    const fn reason(self) -> Reason<'static> {
        match self {
            Self::Restart => Reason::COLD_BOOT,
            Self::Failover => Reason::MGC_IMPENDING_FAILURE,
            Self::Disconnected => Reason::SERVICE_RESTORED,
            Self::HandOff => Reason::MGC_DIRECTED_CHANGE,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is under way until the timer.
    Waiting,
    /// A connection is wanted.
    Connecting(PeerId, How),
    /// The registration is on its way.
    Registering(PeerId, How),
    /// There is an association.
    Associated(PeerId),
}

#[derive(Debug)]
pub(super) struct Association {
    state: State,
    /// Who is asked next, and how.
    candidates: VecDeque<(PeerId, How)>,
    /// The controller that was obeyed last.
    former: Option<PeerId>,
    attempt: u64,
    /// The controller said this of a message that may have been the registration.
    doubt: Option<ErrorCode>,
    redirections: u8,
    /// The profile of the association.
    profile: Option<(String, Version)>,
    /// The version that is proposed next: lower than that of the configuration after a refusal with 406.
    version: Option<Version>,
}

impl Association {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Waiting,
            candidates: VecDeque::new(),
            former: None,
            attempt: 0,
            doubt: None,
            redirections: 0,
            profile: None,
            version: None,
        }
    }

    /// The controller that is obeyed.
    pub(super) const fn controller(&self) -> Option<PeerId> {
        match self.state {
            State::Associated(peer) => Some(peer),
            _ => None,
        }
    }
}

impl Gateway {
    /// Whether a controller may command now.
    pub(super) fn may_command(&self, peer: PeerId, actions: &[Action<'_>]) -> Result<(), Fault> {
        let is_hand_off = |command: &Command<'_>| matches!(&command.body, CommandBody::ServiceChange(_, change) if change.method == Method::HandOff);
        match self.association.state {
            State::Associated(current) if current == peer => Ok(()),
            // A controller that takes over under the same identity says so (section 11.5).
            State::Associated(_) if actions.iter().all(|action| action.commands.iter().all(is_hand_off)) => {
                Ok(())
            }
            State::Associated(_) => Err(ErrorCode::UNAUTHORISED_ENTITY.into()),
            _ => Err(ErrorCode::BEFORE_SERVICE_CHANGE.into()),
        }
    }

    /// Local activity ends the waiting for the first registration (section 9.2).
    pub(super) fn hasten(&mut self, now: Time) {
        if self.association.state == State::Waiting && self.timers.deadline(&Timer::Association).is_some() {
            self.timers.set(Timer::Association, now);
        }
    }

    /// The association's timer: the next candidate, or a new round.
    pub(super) fn associate(&mut self, now: Time) {
        match self.association.state {
            State::Associated(_) => {}
            State::Registering(peer, how) => {
                if let Some(code) = self.association.doubt.take() {
                    self.refused(now, peer, how, code);
                }
            }
            State::Connecting(peer, _) => {
                self.events.extend(self.place_of(peer).map(|controller| GatewayEvent::Close { controller }));
                self.next(now);
            }
            State::Waiting => {
                if self.association.candidates.is_empty() {
                    self.begin_round();
                }
                self.next(now);
            }
        }
    }

    /// Everybody of the list, the primary first; the one that was obeyed last is told that it was lost.
    fn begin_round(&mut self) {
        let former = self.association.former;
        let how = |peer: PeerId| match former {
            None => How::Restart,
            Some(former) if former == peer => How::Disconnected,
            Some(_) => How::Failover,
        };
        self.association.candidates = self.controllers.iter().map(|peer| (*peer, how(*peer))).collect();
        self.association.version = None;
        self.association.redirections = 0;
    }

    fn next(&mut self, now: Time) {
        let Some((peer, how)) = self.association.candidates.pop_front() else {
            self.association.state = State::Waiting;
            let least = self.config.retry_delay;
            let wait = self.rng.duration(least, self.config.waiting_delay.max(least));
            self.timers.set(Timer::Association, now + wait);
            return;
        };
        self.register(now, peer, how);
    }

    fn register(&mut self, now: Time, peer: PeerId, how: How) {
        self.timers.cancel(&Timer::Association);
        if self.transactions.route_of(peer).is_none() {
            self.association.state = State::Connecting(peer, how);
            self.timers.set(Timer::Association, now + self.config.timers.t_max);
            self.events.extend(self.place_of(peer).map(|controller| GatewayEvent::Connect { controller }));
            return;
        }
        self.association.attempt += 1;
        self.association.doubt = None;
        self.association.state = State::Registering(peer, how);
        let offered = self.association.version.unwrap_or(self.config.version);
        // The first message is written in a version that everybody reads; what is spoken later is agreed on.
        self.transactions.forget_version(peer, Version::V1);
        let profile = self.config.profile.as_ref();
        let profile = profile.map(|(name, version)| Profile { name: Caseless::new(name), version: *version });
        let change = ServiceChange {
            version: Some(offered),
            profile,
            time: self.clock.stamp(now),
            ..ServiceChange::new(how.method(), how.reason())
        };
        let body = CommandBody::ServiceChange(TerminationId::Root.into(), Box::new(change));
        let actions = vec![Action::new(ContextId::NULL, [body])];
        let tag = Tag::Register(self.association.attempt);
        if let Err(error) = self.transactions.request(now, peer, actions, tag) {
            if let RequestError::Encode(error) = error {
                self.events.push_back(GatewayEvent::Unwritable { error });
            }
            self.next(now);
        }
    }

    /// A connection that was wanted stands.
    pub(super) fn reached(&mut self, now: Time, controller: usize) {
        let peer = self.controllers.get(controller).copied();
        if let State::Connecting(wanted, how) = self.association.state
            && Some(wanted) == peer
        {
            self.register(now, wanted, how);
        }
    }

    /// A controller does not answer, or its connection has ended.
    pub(super) fn lost(&mut self, now: Time, peer: PeerId) {
        match self.association.state {
            State::Associated(current) if current == peer => {
                self.events
                    .extend(self.place_of(peer).map(|controller| GatewayEvent::Disconnected { controller }));
                self.association.former = Some(peer);
                self.begin_round();
                // Whoever failed is asked last (section 11.5).
                let candidates = &mut self.association.candidates;
                if let Some(place) = candidates.iter().position(|(candidate, _)| *candidate == peer)
                    && let Some(failed) = candidates.remove(place)
                {
                    candidates.push_back(failed);
                }
                self.next(now);
            }
            State::Connecting(current, _) if current == peer => self.later(now),
            State::Registering(current, _) if current == peer => {
                self.association.attempt += 1;
                self.later(now);
            }
            _ => {}
        }
    }

    /// Nobody answers at the other end of a connection: it may be half open, and the next registration there needs one that is not.
    pub(super) fn give_up_connection(&mut self, peer: PeerId) {
        if self.transactions.route_of(peer).is_some_and(|route| route.transport.is_reliable()) {
            self.transactions.set_route(peer, None);
            self.events.extend(self.place_of(peer).map(|controller| GatewayEvent::Close { controller }));
        }
    }

    /// The next candidate, after a breath: what fails at once would fail in a circle.
    fn later(&mut self, now: Time) {
        self.association.state = State::Waiting;
        if self.association.candidates.is_empty() {
            self.next(now);
        } else {
            self.timers.set(Timer::Association, now + self.config.retry_delay);
        }
    }

    /// A request of ours will not be answered.
    pub(super) fn failed(&mut self, now: Time, tag: &Tag, reason: Failure) {
        match tag {
            Tag::Register(attempt) => {
                let is_current = *attempt == self.association.attempt;
                if is_current && matches!(self.association.state, State::Registering(..)) {
                    self.association.state = State::Waiting;
                    self.next(now);
                }
            }
            Tag::Notify(key) if matches!(reason, Failure::TimedOut | Failure::Disconnected) => {
                self.untold(*key);
            }
            Tag::Notify(key) => self.told(now, *key),
            Tag::ServiceChange => {}
        }
    }

    /// A controller could not read a message, maybe the registration. It may have been a repetition of it, whose first copy is about to be
    /// answered: that is waited for a little.
    pub(super) fn refused_message(&mut self, now: Time, peer: PeerId, code: ErrorCode) {
        if let State::Registering(current, _) = self.association.state
            && current == peer
            && self.association.doubt.is_none()
        {
            self.association.doubt = Some(code);
            self.timers.set(Timer::Association, now + self.config.retry_delay);
        }
    }

    pub(super) fn take_reply(
        &mut self,
        now: Time,
        peer: PeerId,
        tag: &Tag,
        result: &ReplyResult<'_>,
        media: &mut dyn MediaPlane,
    ) {
        match tag {
            Tag::Register(attempt) if *attempt == self.association.attempt => {
                if let State::Registering(current, how) = self.association.state
                    && current == peer
                {
                    self.registered(now, peer, how, result, media);
                }
            }
            Tag::Register(_) | Tag::ServiceChange => {}
            Tag::Notify(key) => {
                // A controller that knows of no association has forgotten it, or given this gateway up while it was cut off.
                let is_forgotten = matches!(result, ReplyResult::Error(error) if error.code == ErrorCode::UNAUTHORISED_ENTITY);
                if is_forgotten {
                    self.lost(now, peer);
                }
                self.told(now, *key);
            }
        }
    }

    fn registered(
        &mut self,
        now: Time,
        peer: PeerId,
        how: How,
        result: &ReplyResult<'_>,
        _: &mut dyn MediaPlane,
    ) {
        let Accepted { target, version, profile } = match outcome(result) {
            Ok(accepted) => accepted,
            Err(code) => return self.refused(now, peer, how, code),
        };
        let profile = profile.map(|profile| (profile.name.as_str().to_owned(), profile.version));
        if let Some((name, _)) = &profile
            && !self.speaks(name)
        {
            // The controller wants another profile than this gateway has: there can be no association.
            let controller = self.place_of(peer).unwrap_or_default();
            let profile = name.clone();
            self.events.push_back(GatewayEvent::ProfileUnknown { controller, profile });
            return self.later(now);
        }
        match target {
            Some(ServiceTarget::Mgc(mid)) => return self.redirected(now, peer, how, mid),
            Some(ServiceTarget::Address(address)) => {
                let usual = usual_port(self.transactions.dialect_of(peer).form);
                let route =
                    self.transactions.route_of(peer).and_then(|route| at_address(route, address, usual));
                self.transactions.set_route(peer, route);
            }
            None => {}
        }
        let offered = self.association.version.unwrap_or(self.config.version);
        let version = version.unwrap_or(offered).min(offered).min(NEWEST);
        self.transactions.set_version(peer, version);
        let former = self.association.former.replace(peer);
        self.association.state = State::Associated(peer);
        self.association.profile = profile.or_else(|| self.config.profile.clone());
        self.association.redirections = 0;
        self.association.candidates.clear();
        self.timers.cancel(&Timer::Association);
        if let Some(former) = former.filter(|former| *former != peer) {
            // What the former controller did not answer goes to the new one (section 11.5).
            self.transactions.hand_over(now, former, peer);
        }
        self.events
            .extend(self.place_of(peer).map(|controller| GatewayEvent::Associated { controller, version }));
        self.tell_all(now);
    }

    /// Whether a profile is this gateway's, or that there is none.
    fn speaks(&self, profile: &str) -> bool {
        let own = self.config.profile.as_ref().map(|(own, _)| own.as_str());
        own.unwrap_or(NO_PROFILE).eq_ignore_ascii_case(profile) || profile.eq_ignore_ascii_case(NO_PROFILE)
    }

    /// The profile of the association, when there is one.
    #[must_use]
    pub fn profile(&self) -> Option<(&str, Version)> {
        self.association.controller()?;
        self.association.profile.as_ref().map(|(name, version)| (name.as_str(), *version))
    }

    fn refused(&mut self, now: Time, peer: PeerId, how: How, code: ErrorCode) {
        self.events.extend(
            self.place_of(peer).map(|controller| GatewayEvent::RegistrationRefused { controller, code }),
        );
        let offered = self.association.version.unwrap_or(self.config.version);
        let lower = offered.get().checked_sub(1).filter(|lower| *lower > 0).and_then(Version::new);
        match lower {
            Some(lower) if code == ErrorCode::VERSION_NOT_SUPPORTED => {
                self.association.version = Some(lower);
                self.register(now, peer, how);
            }
            _ => {
                self.association.version = None;
                self.later(now);
            }
        }
    }

    /// The controller names another one, which is asked before any other (section 7.2.8).
    fn redirected(&mut self, now: Time, peer: PeerId, how: How, to: Mid<'_>) {
        self.association.redirections += 1;
        let other = self.controller_of(peer, to);
        match other.filter(|_| self.association.redirections <= MOST_REDIRECTIONS) {
            Some(other) => self.register(now, other, how),
            None => self.later(now),
        }
    }

    /// The controller hands the gateway over (section 11.5): it is answered, then the other one is told.
    pub(super) fn hand_off(&mut self, now: Time, peer: PeerId, to: Option<Mid<'_>>) -> Result<(), Fault> {
        let other = match to {
            Some(mid) => self.controller_of(peer, mid),
            None => Some(peer),
        };
        let why = "The controller to try is not known here";
        let other = other.ok_or(Fault::new(ErrorCode::INCORRECT_IDENTIFIER, why))?;
        let former = self.association.controller().or(self.association.former);
        self.association.former = former;
        self.begin_round();
        self.association.candidates.retain(|(candidate, _)| *candidate != other);
        self.association.candidates.push_front((other, How::HandOff));
        self.association.state = State::Waiting;
        // Once the answer is on its way.
        self.timers.set(Timer::Association, now);
        Ok(())
    }

    /// The controller that an identifier means. One with an address that nobody configured is learned, and reached as the one that named it.
    fn controller_of(&mut self, by: PeerId, mid: Mid<'_>) -> Option<PeerId> {
        let address = address_of(mid, usual_port(self.transactions.dialect_of(by).form));
        let known = self.controllers.iter().copied().find(|peer| {
            let configured = self.transactions.mid_of(*peer).is_some_and(|known| known.as_mid() == mid);
            let route = self.transactions.route_of(*peer);
            configured || (address.is_some() && route.map(|route| route.address) == address)
        });
        if known.is_some() {
            return known;
        }
        let route = self.transactions.route_of(by)?;
        let address = address.filter(|_| self.controllers.len() < MOST_CONTROLLERS)?;
        let model = self.config.controllers.get(self.place_of(by)?)?.clone();
        let at = PeerConfig::at(Route { address, ..route });
        let is_connected = route.transport.is_reliable();
        let config =
            PeerConfig { mid: None, sources: at.sources, route: at.route.filter(|_| !is_connected), ..model };
        let peer = self.transactions.add_peer(config.clone());
        self.config.controllers.push(config);
        self.controllers.push(peer);
        Some(peer)
    }

    /// Where a controller speaks from, for a host that has to connect to it.
    #[must_use]
    pub fn address_of_controller(&self, controller: usize) -> Option<std::net::SocketAddr> {
        let config = self.config.controllers.get(controller)?;
        let source = config.sources.first()?;
        let route = config.route.map(|route| route.address);
        route.or_else(|| Some(std::net::SocketAddr::new(source.address, source.port?)))
    }

    fn place_of(&self, peer: PeerId) -> Option<usize> {
        self.controllers.iter().position(|known| *known == peer)
    }

    /// Sends a service change of terminations, while there is a controller to tell.
    pub(super) fn tell_service(
        &mut self,
        now: Time,
        key: Key,
        (method, reason, delay): (Method<'_>, Reason<'_>, Option<Duration>),
    ) {
        let Some(peer) = self.association.controller() else { return };
        let change = ServiceChange {
            delay: delay.map(|delay| u32::try_from(delay.as_secs()).unwrap_or(u32::MAX)),
            time: self.clock.stamp(now),
            ..ServiceChange::new(method, reason)
        };
        let body = CommandBody::ServiceChange(self.id_of(key).into(), Box::new(change));
        let context = ContextId::new(self.context_of(key));
        let actions = vec![Action::new(context, [body])];
        // What cannot be sent now is found by the audit after the next registration.
        let _ = self.transactions.request(now, peer, actions, Tag::ServiceChange);
    }
}

/// What a controller said to a registration that it took.
#[derive(Clone, Copy, Debug)]
struct Accepted<'a> {
    target: Option<ServiceTarget<'a>>,
    version: Option<Version>,
    profile: Option<Profile<'a>>,
}

/// What a controller said to a registration.
fn outcome<'a>(result: &ReplyResult<'a>) -> Result<Accepted<'a>, ErrorCode> {
    let actions = match result {
        ReplyResult::Error(error) => return Err(error.code),
        ReplyResult::Actions(actions) => actions,
    };
    if let Some(error) = actions.iter().find_map(|action| action.error) {
        return Err(error.code);
    }
    let reply = actions.iter().flat_map(|action| &action.commands).find_map(|command| match command {
        CommandReply::ServiceChange(reply) => Some(&reply.result),
        _ => None,
    });
    match reply {
        Some(ServiceChangeResult::Accepted { target, version, profile, .. }) => {
            Ok(Accepted { target: *target, version: *version, profile: *profile })
        }
        Some(ServiceChangeResult::Error(error)) => Err(error.code),
        None => Err(ErrorCode::PROTOCOL_ERROR),
    }
}

fn address_of(mid: Mid<'_>, usual: u16) -> Option<std::net::SocketAddr> {
    let port = |port: Option<u16>| port.unwrap_or(usual);
    match mid {
        Mid::Ip4(octets, number) => Some((octets, port(number)).into()),
        Mid::Ip6(octets, number) => Some((octets, port(number)).into()),
        Mid::Domain(..) | Mid::Device(_) | Mid::Mtp(_) => None,
    }
}

/// Where requests go from now on: another port of the same host, since a controller that sends them to another would make the gateway
/// speak to a third party.
fn at_address(route: Route, address: Address<'_>, usual: u16) -> Option<Route> {
    let mut to = route.address;
    match address {
        Address::Port(port) => to.set_port(port),
        Address::Mid(mid) => match address_of(mid, usual) {
            Some(address) if address.ip() == to.ip() => to = address,
            _ => {}
        },
    }
    Some(Route { address: to, ..route })
}
