//! The controller's end of its associations with gateways (RFC 3525 sections 7.2.8, 11): registration, negotiation of the version,
//! service states, hand-over.
//!
//! A [`Controller`] owns a transaction layer. It answers service changes itself, says what they mean, and hands everything else up:
//! commands of registered gateways, and the ends of the owner's own requests.
//!
//! It asks who has been silent for long whether he is there, and knows from the complaints of overloaded gateways how many calls each can bear:
//! [`Controller::admit`] is to be asked before a call is set up.
//!
//! A gateway may do nothing before it has registered. A restart begins a new life: it may use its transaction numbers anew. Whoever
//! comes back as disconnected has kept its contexts, so its owner is to audit it.

mod event;
mod registration;
mod restrictor;

use std::collections::VecDeque;
use std::time::Duration;

use strowger_sansio::{Rng, Time, Timers, Transmit};

pub use event::{Event, Registration, Service};
pub use registration::done;
pub use restrictor::{Precedence, Restrictor, RestrictorLimits, Verdict};

use crate::error::ErrorCode;
use crate::message::{
    Action, ActionReply, AuditCommand, AuditDescriptor, Command, CommandBody, CommandReply, ContextId,
    ItemName, List, Method, Mid, Name, OwnedMid, Reason, ReplyResult, ServiceChange, ServiceChangeReply,
    ServiceChangeResult, ServiceTarget, TerminationId, Terminations, TimeStamp, TransactionId, Version,
};
use crate::transaction::{
    self, Accepted, Failure, NEWEST, PeerConfig, PeerId, RequestError, Route, Source, Token, TransactionIds,
    TransactionLimits, TransactionTimers, Transactions,
};
use crate::transport::usual_port;
use registration::{accepted, agreed, describe, empty_reply, registration, target_of};

/// What becomes of a gateway that registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// It is taken.
    #[default]
    Accept,
    /// It is sent to another controller (RFC 3525 section 11.2).
    Redirect(OwnedMid),
    /// It is refused with 402.
    Refuse,
}

/// A gateway, as its controller sees it.
#[derive(Clone, Debug)]
struct Gateway {
    service: Service,
    admission: Admission,
    oldest: Version,
    /// Profiles that are spoken with it, the preferred one first.
    profiles: Vec<(Box<str>, Version)>,
    /// When it said something last.
    heard: Time,
    /// It speaks up by itself within this time.
    speaks_up: Option<Duration>,
    /// Since it has complained of overload.
    restrictor: Option<Box<Restrictor>>,
}

/// Whose request it is: the owner's, or one of the controller itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tag<T> {
    Owner(T),
    HandOff,
    /// Whether it is there.
    Probe,
}

/// The event by which a gateway complains that it has too much to do (H.248.11).
const OVERLOAD: (u16, u16) = (0x51, 1);

/// The controller. `T` is the owner's tag for its requests.
#[derive(Debug)]
pub struct Controller<T> {
    transactions: Transactions<Tag<T>>,
    /// By the number of the peer.
    gateways: Vec<Gateway>,
    /// How long a gateway may be silent before it is asked whether it is there.
    patience: Option<Duration>,
    /// When that is to be looked at.
    probes: Timers<PeerId>,
    restrictors: RestrictorLimits,
    events: VecDeque<Event<'static, T>>,
}

impl<T: Clone> Controller<T> {
    /// A controller without gateways.
    #[must_use]
    pub fn new(
        mid: OwnedMid,
        timers: TransactionTimers,
        limits: TransactionLimits,
        ids: TransactionIds,
        rng: Rng,
    ) -> Self {
        let transactions = Transactions::new(mid, timers, limits, ids, rng);
        Self {
            transactions,
            gateways: Vec::new(),
            patience: None,
            probes: Timers::new(),
            restrictors: RestrictorLimits::default(),
            events: VecDeque::new(),
        }
    }

    /// How long a gateway may be silent before it is asked whether it is there (an audit of ROOT that asks for nothing); one that does not
    /// answer is [`Event::Unreachable`]. By default none is asked. It holds for gateways that register from now on.
    pub fn set_patience(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// A gateway has agreed to speak up by itself when nothing was said for long (H.248.14): until it registers anew it is asked
    /// whether it is there only when it has been silent for longer than this.
    pub fn set_speaks_up(&mut self, gateway: PeerId, within: Duration) {
        if let Some(known) = self.gateways.get_mut(gateway.index())
            && known.service.is_registered()
            && self.patience.is_some()
        {
            known.speaks_up = Some(within);
            self.probes.set(gateway, known.heard + within);
        }
    }

    /// How calls are held back of gateways that complain from now on.
    pub fn set_restrictors(&mut self, limits: RestrictorLimits) {
        self.restrictors = limits;
    }

    /// The profiles that are spoken with a gateway, the preferred one first. One of them that it proposes is confirmed, in the lower
    /// version; otherwise the preferred one is named. Without any, none is named (RFC 3525 section 7.2.8).
    pub fn set_profiles(&mut self, gateway: PeerId, profiles: Vec<(Box<str>, Version)>) {
        if let Some(known) = self.gateways.get_mut(gateway.index()) {
            known.profiles = profiles;
        }
    }

    /// Whether a call may be set up that will have the gateway add terminations. It counts as one when it may (H.248.11).
    pub fn admit(&mut self, now: Time, gateway: PeerId, precedence: Precedence) -> Verdict {
        let restrictor = self.gateways.get_mut(gateway.index()).and_then(|known| known.restrictor.as_mut());
        restrictor.map_or(Verdict::Admitted, |restrictor| restrictor.admit(now, precedence))
    }

    /// What holds back calls of a gateway, once it has complained.
    #[must_use]
    pub fn restrictor(&self, gateway: PeerId) -> Option<&Restrictor> {
        self.gateways.get(gateway.index())?.restrictor.as_deref()
    }

    /// Adds a gateway, which may register from now on and speaks no version before `oldest`.
    pub fn add_gateway(&mut self, config: PeerConfig, admission: Admission, oldest: Version) -> PeerId {
        self.gateways.push(Gateway {
            service: Service::Unregistered,
            admission,
            oldest,
            profiles: Vec::new(),
            heard: Time::ZERO,
            speaks_up: None,
            restrictor: None,
        });
        self.transactions.add_peer(config)
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &transaction::TransactionCounters {
        self.transactions.counters()
    }

    /// How a gateway stands.
    #[must_use]
    pub fn service(&self, gateway: PeerId) -> Service {
        self.gateways.get(gateway.index()).map_or(Service::Unregistered, |known| known.service)
    }

    /// The version that is spoken with a gateway.
    ///
    /// # Panics
    /// When the gateway is not of this engine.
    #[must_use]
    pub fn version(&self, gateway: PeerId) -> Version {
        self.transactions.dialect_of(gateway).version
    }

    /// Whose message it is; see [`Transactions::accept`].
    pub fn accept<'b>(&mut self, now: Time, route: Route, bytes: &'b [u8]) -> Option<Accepted<'b>> {
        self.transactions.accept(now, route, bytes)
    }

    /// Takes a message. `time` is the time of day for the replies to registrations.
    pub fn handle_input<'m>(
        &mut self,
        now: Time,
        time: Option<TimeStamp>,
        accepted: &'m Accepted<'m>,
    ) -> Vec<Event<'m, T>> {
        let mut events = Vec::new();
        if let Some(known) = self.gateways.get_mut(accepted.peer().index()) {
            known.heard = now;
        }
        for event in self.transactions.handle_input(now, accepted) {
            match event {
                transaction::Event::Request { token, route, version, actions } => {
                    events.extend(self.take_request(now, time, (token, route, version), actions));
                }
                transaction::Event::Reply { tag: Tag::HandOff | Tag::Probe, .. } => {}
                transaction::Event::Reply { peer, transaction, tag: Tag::Owner(tag), result, .. } => {
                    events.push(Event::Reply { gateway: peer, transaction, tag, result });
                }
                transaction::Event::Assembled { peer, transaction, tag: Tag::Owner(tag), reply, .. } => {
                    events.push(Event::Assembled { gateway: peer, transaction, tag, reply });
                }
                transaction::Event::MessageError { peer, error } => {
                    events.push(Event::MessageError { gateway: peer, error });
                }
                transaction::Event::Malformed { peer, error } => {
                    events.push(Event::Malformed { gateway: peer, error });
                }
                _ => {}
            }
        }
        self.drain();
        events
    }

    /// Sends commands to a gateway that is registered.
    ///
    /// # Errors
    /// Why they are not sent.
    pub fn request<'a>(
        &mut self,
        now: Time,
        gateway: PeerId,
        actions: impl Into<List<Action<'a>>>,
        tag: T,
    ) -> Result<TransactionId, RequestError> {
        if !self.service(gateway).is_registered() {
            return Err(RequestError::NoRoute);
        }
        self.transactions.request(now, gateway, actions, Tag::Owner(tag))
    }

    /// Sends a gateway to another controller (RFC 3525 section 11.5). It stays registered here until it is gone.
    ///
    /// # Errors
    /// Why that is not sent.
    pub fn hand_off(
        &mut self,
        now: Time,
        gateway: PeerId,
        to: Mid<'_>,
    ) -> Result<TransactionId, RequestError> {
        if !self.service(gateway).is_registered() {
            return Err(RequestError::NoRoute);
        }
        self.send_hand_off(now, gateway, to)
    }

    /// Calls a gateway that may believe in an association that is forgotten here: it is sent to this controller, and so registers
    /// anew with the contexts that it has (RFC 3525 section 11.5). For a gateway whose route is configured; nobody hears of the end.
    ///
    /// # Errors
    /// Why that is not sent.
    pub fn call(&mut self, now: Time, gateway: PeerId) -> Result<TransactionId, RequestError> {
        let own = self.transactions.mid().clone();
        self.send_hand_off(now, gateway, own.as_mid())
    }

    fn send_hand_off(
        &mut self,
        now: Time,
        gateway: PeerId,
        to: Mid<'_>,
    ) -> Result<TransactionId, RequestError> {
        let change = ServiceChange {
            target: Some(ServiceTarget::Mgc(to)),
            ..ServiceChange::new(Method::HandOff, Reason::MGC_DIRECTED_CHANGE)
        };
        let body = CommandBody::ServiceChange(TerminationId::Root.into(), Box::new(change));
        let actions = vec![Action::new(ContextId::NULL, [body])];
        self.transactions.request(now, gateway, actions, Tag::HandOff)
    }

    /// Answers commands that were handed up.
    ///
    /// # Errors
    /// What of the reply cannot be written in the gateway's version; the gateway gets 500 then.
    pub fn respond(
        &mut self,
        now: Time,
        token: Token,
        result: ReplyResult<'_>,
    ) -> Result<(), crate::EncodeError> {
        self.transactions.respond(now, token, result)
    }

    /// The commands will take long: the gateway is told so.
    pub fn defer(&mut self, now: Time, token: &Token) {
        self.transactions.defer(now, token);
        self.drain();
    }

    /// The name of a gateway stands for other addresses now: it may speak from these sources, and is called there. One that is
    /// registered is also still heard where it is.
    pub fn relocate(&mut self, gateway: PeerId, sources: &[Source], route: Option<Route>) {
        let is_registered = self.service(gateway).is_registered();
        self.transactions.relocate(gateway, sources, route, is_registered);
    }

    /// A connection has ended. Requests that go by it wait for another.
    pub fn handle_disconnected(&mut self, gateway: PeerId) {
        self.transactions.set_route(gateway, None);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.transactions.handle_timeout(now);
        while let Some(gateway) = self.probes.pop_due(now) {
            self.look_after(now, gateway);
        }
        self.drain();
    }

    /// The next message to be sent.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Transmit> {
        self.transactions.poll_transmit(now)
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event<'static, T>> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.transactions.poll_timeout(), self.probes.next()].into_iter().flatten().min()
    }

    /// A gateway that has been silent for too long is asked whether it is there.
    fn look_after(&mut self, now: Time, gateway: PeerId) {
        let Some(known) = self.gateways.get(gateway.index()).filter(|known| known.service.is_registered())
        else {
            return;
        };
        let (Some(patience), heard) = (known.speaks_up.or(self.patience), known.heard) else { return };
        let mut due = heard + patience;
        if due <= now {
            let audit =
                AuditCommand { terminations: TerminationId::Root.into(), audit: AuditDescriptor::default() };
            let actions = vec![Action::new(ContextId::NULL, [CommandBody::AuditValue(audit)])];
            // Without a way there, its connection is known to have ended, and it is awaited.
            let _ = self.transactions.request(now, gateway, actions, Tag::Probe);
            due = now + patience;
        }
        self.probes.set(gateway, due);
    }

    /// Whether commands of a gateway complain of overload.
    fn note_overload(&mut self, now: Time, gateway: PeerId, actions: &[Action<'_>]) {
        let complaints =
            actions.iter().flat_map(|action| &action.commands).filter_map(|command| match &command.body {
                CommandBody::Notify(notify) if notify.terminations.first == TerminationId::Root => {
                    Some(&notify.observed.events)
                }
                _ => None,
            });
        let is_complaint = |name: ItemName<'_>| {
            (name.package(), name.item()) == (Name::Id(OVERLOAD.0), Name::Id(OVERLOAD.1))
        };
        let count = complaints.flatten().filter(|event| is_complaint(event.name)).count();
        let limits = self.restrictors;
        let Some(known) = self.gateways.get_mut(gateway.index()).filter(|_| count > 0) else { return };
        let restrictor = known.restrictor.get_or_insert_with(|| Box::new(Restrictor::new(now, limits)));
        (0..count).for_each(|_| restrictor.handle_overload(now));
    }

    fn drain(&mut self) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                transaction::Event::Lost { peer } if self.service(peer).is_registered() => {
                    self.set_service(peer, Service::Unreachable);
                    self.events.push_back(Event::Unreachable { gateway: peer });
                }
                transaction::Event::Failed { peer, transaction, tag: Tag::Owner(tag), reason } => {
                    self.events.push_back(Event::Failed { gateway: peer, transaction, tag, reason });
                }
                _ => {}
            }
        }
    }

    fn set_service(&mut self, gateway: PeerId, service: Service) {
        if let Some(known) = self.gateways.get_mut(gateway.index()) {
            known.service = service;
        }
    }

    fn take_request<'m>(
        &mut self,
        now: Time,
        time: Option<TimeStamp>,
        (token, route, version): (Token, Route, Version),
        actions: List<Action<'m>>,
    ) -> Vec<Event<'m, T>> {
        let gateway = token.peer();
        if let Some(change) = registration(&actions) {
            return self.register(now, time, (token, route, version), &change, actions.len());
        }
        if !self.service(gateway).is_registered() {
            // Nothing comes before the registration (RFC 3525 section 9.1, rule 6).
            self.answer(now, token, ReplyResult::Error(describe(ErrorCode::UNAUTHORISED_ENTITY)));
            return Vec::new();
        }
        let is_change = |command: &Command<'_>| matches!(command.body, CommandBody::ServiceChange(..));
        if !actions.iter().all(|action| action.commands.iter().all(is_change)) {
            self.note_overload(now, gateway, &actions);
            // Service changes may stand among other commands: they are told first, and answered with the others.
            let mut events = Vec::new();
            for command in actions.iter().flat_map(|action| &action.commands) {
                let CommandBody::ServiceChange(terminations, change) = &command.body else { continue };
                self.note_change(gateway, terminations, change);
                let terminations = terminations.clone();
                let (method, delay, reason) = (change.method, change.delay, change.reason);
                events.push(Event::ServiceChanged { gateway, terminations, method, delay, reason });
            }
            events.push(Event::Commands { gateway, token, actions });
            return events;
        }
        let (mut replies, mut events) = (Vec::new(), Vec::new());
        for action in actions {
            let context = action.context;
            let mut commands = Vec::new();
            for command in action.commands {
                let CommandBody::ServiceChange(terminations, change) = command.body else { continue };
                commands.push(empty_reply(terminations.clone()));
                self.note_change(gateway, &terminations, &change);
                let (method, delay) = (change.method, change.delay);
                events.push(Event::ServiceChanged {
                    gateway,
                    terminations,
                    method,
                    delay,
                    reason: change.reason,
                });
            }
            replies.push(ActionReply { context, properties: None, commands: commands.into(), error: None });
        }
        self.answer(now, token, ReplyResult::Actions(replies.into()));
        events
    }

    fn note_change(&mut self, gateway: PeerId, terminations: &Terminations<'_>, change: &ServiceChange<'_>) {
        if terminations.first != TerminationId::Root {
            return;
        }
        match change.method {
            Method::Forced => self.set_service(gateway, Service::OutOfService),
            Method::Graceful => self.set_service(gateway, Service::Retiring),
            _ => {}
        }
    }

    /// A registration (RFC 3525 sections 11.2, 11.3).
    fn register<'m>(
        &mut self,
        now: Time,
        time: Option<TimeStamp>,
        (mut token, route, header): (Token, Route, Version),
        change: &ServiceChange<'m>,
        actions: usize,
    ) -> Vec<Event<'m, T>> {
        let gateway = token.peer();
        let Some(known) = self.gateways.get(gateway.index()) else { return Vec::new() };
        let offered = change.version.unwrap_or(header);
        let version = offered.min(NEWEST);
        let refused = |code| ServiceChangeResult::Error(describe(code));
        let (admission, profiles) = (known.admission.clone(), known.profiles.clone());
        let was = known.service;
        let usual = usual_port(self.transactions.dialect_of(gateway).form);
        let mut target = None;
        let result = match &admission {
            Admission::Refuse => refused(ErrorCode::UNAUTHORISED),
            // A gateway that is one action ahead of its registration is told to wait for it.
            _ if actions > 1 => refused(ErrorCode::NOT_IMPLEMENTED),
            _ if version < known.oldest => refused(ErrorCode::VERSION_NOT_SUPPORTED),
            Admission::Redirect(other) => {
                accepted(Some(ServiceTarget::Mgc(other.as_mid())), (None, None), time)
            }
            Admission::Accept => match target_of(route, change.target.as_ref(), usual) {
                Ok(route) => {
                    target = Some(route);
                    let profile = agreed(&profiles, change.profile);
                    // The first answer has a version, whether one was offered or not (Annex B.2).
                    accepted(None, (Some(version), profile), time)
                }
                Err(code) => refused(code),
            },
        };
        let is_new_life = change.method == Method::Restart;
        if is_new_life && target.is_some() {
            self.transactions.begin_life(&mut token);
            // What the gateway was asked before it forgot it will not be answered.
            self.transactions.fail_outstanding(gateway, Failure::Withdrawn);
        }
        let terminations = TerminationId::Root.into();
        let reply = CommandReply::ServiceChange(Box::new(ServiceChangeReply { terminations, result }));
        let commands = List::one(reply);
        let action = ActionReply { context: ContextId::NULL, properties: None, commands, error: None };
        self.answer(now, token, ReplyResult::Actions(List::one(action)));
        let Some(target) = target else { return vec![Event::Refused { gateway }] };
        self.transactions.set_version(gateway, version);
        self.transactions.set_route(gateway, Some(target));
        self.set_service(gateway, Service::InService);
        if let Some(known) = self.gateways.get_mut(gateway.index()) {
            known.speaks_up = None;
        }
        if let Some(patience) = self.patience {
            self.probes.set(gateway, now + patience);
        }
        let how = match change.method {
            Method::Disconnected => Registration::Disconnected,
            Method::HandOff => Registration::HandOff,
            Method::Failover => Registration::Failover,
            _ => Registration::Restart,
        };
        let (reason, profile) = (change.reason, change.profile);
        let mut events = vec![Event::Registered { gateway, how, was, version, reason, profile }];
        if let Some(delay) = change.delay.filter(|delay| *delay > 0) {
            events.push(Event::Delayed { gateway, seconds: delay });
        }
        events
    }

    fn answer(&mut self, now: Time, token: Token, result: ReplyResult<'_>) {
        // What is answered here can be said in every version.
        let _ = self.transactions.respond(now, token, result);
    }
}
