//! Gateways that speak Megaco (RFC 3525): what the lines' adapter asks of an endpoint, as contexts and terminations.
//!
//! ```text
//!   mgcp_line: create, modify, delete, watch, audit          outcomes, observations, gateways up and lost
//!        | orders, one by one for each line                            ^
//!        v                                                             |
//!   Modify A0 {Events, Signals}, Add A0, Add $, Modify, Subtract  -- megaco::controller --  replies, Notify, ServiceChange
//! ```
//!
//! A line is a physical termination. With the first stream it joins a context and with the last it leaves it. Its orders are carried
//! out one after the other (RFC 3525 section 9.1): each of them says where the termination is, and that is known when the one
//! before has been answered.
//!
//! The rooms: `order` (commands and replies), `outcome` (what a reply is to a line), `words` (events, signals, digit maps), `failure` (error codes), `relay` (contexts of streams alone), `census` (what a gateway has), `place` (where gateways are), `association` (the
//! gateways: who is there), `root` (what a gateway watches itself for: overload, silence).

mod association;
mod census;
mod failure;
mod order;
mod outcome;
mod place;
mod relay;
mod root;
mod words;

use std::collections::{BTreeMap, VecDeque};

use strowger_megaco::controller::{self, Controller, Event, Verdict};
use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{
    Action, ActionReply, Caseless, Command, CommandBody, CommandReply, ContextId, ErrorDescriptor, List, Mid,
    NotifyRequest, ReplyResult, TimeStamp,
};
use strowger_megaco::transaction::{
    PeerId, RequestError, Token, TransactionCounters, TransactionIds, TransactionLimits, TransactionTimers,
};
use strowger_megaco::transport::Route;
use strowger_mgcp::agent::{self, CreateConnection, Failure, GatewayId, ModifyConnection, Outcome};
use strowger_mgcp::message::{ConnectionIdBuf, ConnectionMode, EndpointNameBuf, ParameterCode, RequestIdBuf};
use strowger_sansio::{Duration, Epoch, NodeId, Rng, Time, Timers, Transmit};

use super::Tag;
use super::circuit_trunk::Part;
use super::control::News;
use super::mgcp_line::{Terms, Watch};
use crate::{GatewayProtocol, Inventory, Precedence};
pub(crate) use association::is_message_identifier;
use association::{Association, Clock};
pub(crate) use order::connection;
use order::{At, Order};
use outcome::{Step, at_once, done, not_answered, not_sent};
use words::Wish;

/// Orders that may wait on one line: more than a subscriber can cause.
const WAITING: usize = 64;

/// A line, by its place.
type LoopId = usize;

/// What a request to a gateway is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// The order of a line that is under way.
    Line(LoopId, u64),
    /// Which packages it has.
    Packages(GatewayId),
    /// That it watches itself for this.
    Root(GatewayId, root::Wish),
    /// Which terminations are in no context, and then which are in one.
    Idle(GatewayId),
    Busy(GatewayId),
    /// Which contexts it has.
    Contexts(GatewayId),
    /// What is in a context that is no line's.
    Found(GatewayId, ContextId),
    /// One that is nobody's goes.
    Sweep,
}

/// The termination of a line, or a context of a relay.
#[derive(Debug)]
struct Loop {
    gateway: GatewayId,
    endpoint: EndpointNameBuf,
    /// Of a relay: the name by which its streams are chosen. It has no termination of its own.
    relay: Option<Box<str>>,
    /// It is nobody's, and may be another context of a relay.
    is_free: bool,
    context: Option<ContextId>,
    /// Whether that is known: a gateway that was lost may hold what nobody here knows.
    is_known: bool,
    /// Its streams: the terminations that are in the context beside it.
    streams: BTreeMap<ConnectionIdBuf, String>,
    queue: VecDeque<(Order, Option<Tag>)>,
    running: Option<(Order, Option<Tag>)>,
    /// Tells the reply to the running order from late ones.
    serial: u64,
}

impl Loop {
    fn at<'a>(&'a self, order: &Order) -> At<'a> {
        let connection = match order {
            Order::Modify { connection, .. } | Order::Delete(connection) | Order::Look { connection, .. } => {
                Some(connection)
            }
            _ => None,
        };
        At {
            termination: self.relay.as_deref().unwrap_or(self.endpoint.local()),
            is_relay: self.relay.is_some(),
            context: self.context,
            stream: connection.and_then(|own| self.streams.get(own)).map(String::as_str),
            is_last: self.streams.len() == 1,
        }
    }

    /// Its context is gone, with all that was in it.
    fn leave(&mut self) {
        (self.context, self.is_known) = (None, true);
        self.streams.clear();
    }
}

/// The controller, its gateways, and the lines on them.
#[derive(Debug)]
pub(crate) struct Megaco {
    /// None where no gateway speaks Megaco.
    controller: Option<Controller<Ask>>,
    associations: BTreeMap<GatewayId, Association>,
    by_peer: BTreeMap<PeerId, GatewayId>,
    loops: Vec<Loop>,
    by_endpoint: BTreeMap<(GatewayId, EndpointNameBuf), LoopId>,
    /// Places of loops that are nobody's.
    free: Vec<LoopId>,
    suspects: Vec<relay::Suspect>,
    /// Requests to watch so far.
    requests: u32,
    clocks: Timers<(GatewayId, Clock)>,
    /// How long a gateway may be silent before it is asked for a sign of life, and how often one that is not there is called.
    patience: Duration,
    news: VecDeque<News>,
    out: VecDeque<Transmit>,
}

/// Who an order is for.
type Place<'a> = (GatewayId, &'a EndpointNameBuf);

impl Megaco {
    pub(super) fn new(inventory: &Inventory, node: NodeId, epoch: Epoch, rng: &mut Rng) -> Self {
        let is_spoken = inventory.gateways.iter().any(|entry| entry.protocol == GatewayProtocol::Megaco);
        let controller = is_spoken.then(|| {
            let mut rng = rng.fork();
            let mid = Mid::Domain(Caseless::new(&inventory.name), None).into();
            let ids = TransactionIds::shared(node, epoch, &mut rng);
            let (timers, limits) = (TransactionTimers::default(), TransactionLimits::default());
            let mut controller = Controller::new(mid, timers, limits, ids, rng);
            controller.set_patience(Some(inventory.timers.probe));
            controller
        });
        Self {
            controller,
            associations: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            loops: Vec::new(),
            by_endpoint: BTreeMap::new(),
            free: Vec::new(),
            suspects: Vec::new(),
            requests: 0,
            clocks: Timers::new(),
            patience: inventory.timers.probe,
            news: VecDeque::new(),
            out: VecDeque::new(),
        }
    }

    pub(super) fn serves(&self, gateway: GatewayId) -> bool {
        self.associations.contains_key(&gateway)
    }

    /// The domain of a gateway's endpoint names; none when it is not of this protocol.
    pub(super) fn domain(&self, gateway: GatewayId) -> Option<&str> {
        self.associations.get(&gateway).map(|known| known.domain.as_str())
    }

    /// What the transaction layer has counted.
    pub(crate) fn counters(&self) -> Option<&TransactionCounters> {
        self.controller.as_ref().map(Controller::counters)
    }

    /// Orders that have no answer.
    pub(super) fn pending(&self) -> usize {
        let of = |line: &Loop| line.queue.len() + usize::from(line.running.is_some());
        self.loops.iter().map(of).sum()
    }

    /// Whether a gateway can bear one call more; it counts as one then (H.248.11).
    pub(super) fn admits(&mut self, now: Time, gateway: GatewayId, precedence: Precedence) -> bool {
        let (Some(controller), Some(known)) = (&mut self.controller, self.associations.get(&gateway)) else {
            return true;
        };
        let precedence = match precedence {
            Precedence::Ordinary => controller::Precedence::Ordinary,
            Precedence::Priority => controller::Precedence::Priority,
            Precedence::Standing | Precedence::Urgent => controller::Precedence::Emergency,
        };
        controller.admit(now, known.peer, precedence) == Verdict::Admitted
    }

    pub(super) fn create(
        &mut self,
        now: Time,
        place: Place<'_>,
        (create, precedence): (&CreateConnection, Precedence),
        tag: Tag,
    ) {
        let options = create.options.as_ref();
        let codecs = options.map(|options| options.codecs.as_slice()).unwrap_or_default();
        let is_ip6 = self.associations.get(&place.0).is_some_and(|known| known.address.is_ipv6());
        let packetization = options.and_then(|options| options.packetization);
        let order = Order::Create {
            precedence,
            mode: order::mode_of(create.mode),
            local: order::local_wish(codecs, packetization, is_ip6),
            remote: create.sdp.clone(),
        };
        self.submit(now, place, order, tag);
    }

    pub(super) fn modify(&mut self, now: Time, place: Place<'_>, modify: ModifyConnection, tag: Tag) {
        let ModifyConnection { connection_id: connection, mode, sdp: remote, .. } = modify;
        let mode = order::mode_of(mode.unwrap_or(ConnectionMode::Inactive));
        self.submit(now, place, Order::Modify { connection, mode, remote }, tag);
    }

    pub(super) fn delete(&mut self, now: Time, place: Place<'_>, connection: ConnectionIdBuf, tag: Tag) {
        self.submit(now, place, Order::Delete(connection), tag);
    }

    pub(super) fn delete_all(&mut self, now: Time, place: Place<'_>, tag: Tag) {
        self.submit(now, place, Order::DeleteAll, tag);
    }

    const fn next_request(&mut self) -> u32 {
        // 0 and the highest number mean something else.
        self.requests = if self.requests >= u32::MAX - 1 { 1 } else { self.requests + 1 };
        self.requests
    }

    pub(super) fn watch(
        &mut self,
        now: Time,
        place: Place<'_>,
        watch: &Watch,
        terms: &Terms<'_>,
        tag: Tag,
    ) -> RequestIdBuf {
        let wish = Wish::new(self.next_request(), watch, terms);
        let name = request_name(wish.request);
        self.submit(now, place, Order::Watch(Box::new(wish)), tag);
        name
    }

    /// Gives ringing tone for so long, or ends it.
    pub(super) fn ring_back(&mut self, now: Time, place: Place<'_>, lasts: Option<Duration>, tag: Tag) {
        let signals = lasts.map(words::ringing_tone).into_iter().collect();
        self.submit(now, place, Order::Sound(signals), tag);
    }

    /// The part of a circuit in a test of continuity (RFC 3525 Annex E.10): how the far end answers, the gateway is provisioned to know.
    pub(super) fn test_continuity(&mut self, now: Time, place: Place<'_>, part: Part, tag: Tag) {
        let order = match part {
            Part::Test(_) => Order::Test(self.next_request()),
            Part::Respond(_) => Order::Sound(vec![words::responding()]),
            Part::Rest | Part::Stop(_) => Order::Sound(Vec::new()),
        };
        self.submit(now, place, order, tag);
    }

    pub(super) fn audit_line(&mut self, now: Time, place: Place<'_>, tag: Tag) {
        self.submit(now, place, Order::Find, tag);
    }

    pub(super) fn audit_connection(
        &mut self,
        now: Time,
        place: Place<'_>,
        connection: ConnectionIdBuf,
        info: &[ParameterCode<'static>],
        tag: Tag,
    ) {
        let fully = info != [ParameterCode::CallId];
        self.submit(now, place, Order::Look { connection, fully }, tag);
    }

    fn submit(&mut self, now: Time, (gateway, endpoint): Place<'_>, order: Order, tag: Tag) {
        let known = self.by_endpoint.get(&(gateway, endpoint.clone())).copied();
        let id = known.unwrap_or_else(|| self.new_loop(gateway, endpoint));
        let Some(line) = self.loops.get_mut(id) else { return };
        if line.queue.len() >= WAITING {
            return self.finish(Some(tag), Err(Failure::TooMany));
        }
        line.queue.push_back((order, Some(tag)));
        self.start(now, id);
        self.retire(id);
    }

    fn finish(&mut self, tag: Option<Tag>, result: Result<Outcome, Failure>) {
        let Some(tag) = tag else { return };
        self.news.push_back(News::agent(match result {
            Ok(outcome) => agent::Event::Completed { tag, outcome },
            Err(failure) => agent::Event::Failed { tag, failure },
        }));
    }

    /// Sends the next order of a line, if none is under way.
    fn start(&mut self, now: Time, id: LoopId) {
        loop {
            let Some(line) = self.loops.get_mut(id).filter(|line| line.running.is_none()) else { return };
            if self.associations.get(&line.gateway).is_some_and(|known| known.is_cut && !known.is_lost) {
                return;
            }
            let Some((order, tag)) = line.queue.pop_front() else { return };
            let is_unseen = !line.is_known && line.relay.is_some() && line.context.is_some();
            let (order, tag) = match order {
                Order::DeleteAll if !line.is_known && line.context.is_none() && line.relay.is_none() => {
                    (Order::Seek, tag)
                }
                Order::DeleteAll | Order::List => (order, tag),
                // A context that an exchange before has left: what is in it must be known first.
                _ if is_unseen => {
                    line.queue.push_front((order, tag));
                    (Order::List, None)
                }
                _ => (order, tag),
            };
            let gateway = line.gateway;
            line.serial += 1;
            let ask = Ask::Line(id, line.serial);
            let is_quick = matches!(order, Order::Look { fully: false, .. });
            let Some(actions) = order.actions(line.at(&order)).filter(|_| !is_quick) else {
                let result = at_once(line, &order);
                self.finish(tag, result);
                continue;
            };
            let Some(known) = self.associations.get(&gateway) else { return };
            let sent = match &mut self.controller {
                Some(controller) => controller.request(now, known.peer, actions, ask),
                None => Err(RequestError::NoRoute),
            };
            match sent {
                Ok(_) => {
                    line.running = Some((order, tag));
                    return;
                }
                Err(error) => self.finish(tag, Err(not_sent(&error))),
            }
        }
    }

    /// A message came; says whether it is from an address of the inventory.
    /// `time` is the time of day for the answer to a registration.
    pub(crate) fn handle_input(
        &mut self,
        now: Time,
        time: Option<TimeStamp>,
        route: Route,
        bytes: &[u8],
    ) -> bool {
        let Some(controller) = &mut self.controller else { return false };
        let before = controller.counters().unlisted;
        let Some(accepted) = controller.accept(now, route, bytes) else {
            return controller.counters().unlisted == before;
        };
        let was_overloaded = is_overloaded(controller, accepted.peer());
        let events = controller.handle_input(now, time, &accepted);
        let peer = accepted.peer();
        let is_overloaded = !was_overloaded && is_overloaded(controller, peer);
        self.heard(peer, route, events.iter().any(|event| matches!(event, Event::Registered { .. })));
        if is_overloaded && let Some(gateway) = self.by_peer.get(&peer) {
            self.news.push_back(News::Overloaded { gateway: *gateway });
        }
        for event in events {
            self.event(now, event);
        }
        self.drain(now);
        true
    }

    fn drain(&mut self, now: Time) {
        while let Some(event) = self.controller.as_mut().and_then(Controller::poll_event) {
            self.event(now, event);
        }
    }

    fn event(&mut self, now: Time, event: Event<'_, Ask>) {
        match event {
            Event::Registered { gateway, how, was, .. } => self.registered(now, gateway, how, was),
            Event::Delayed { gateway, seconds } => self.delayed(gateway, seconds),
            Event::ServiceChanged { gateway, terminations, method, delay, .. } => {
                self.service_changed(now, gateway, &terminations, method, delay);
            }
            Event::Commands { gateway, token, actions } => self.commands(now, gateway, token, actions),
            Event::Reply { tag, result, .. } => self.reply(now, tag, &result),
            Event::Assembled { tag, reply, .. } => self.reply(now, tag, &reply.result()),
            Event::Failed { tag: Ask::Line(id, serial), reason, .. } => {
                self.settled(now, id, serial, |_, _| Err(not_answered(reason)));
            }
            Event::Unreachable { gateway } => self.lost(now, gateway),
            _ => {}
        }
    }

    fn reply(&mut self, now: Time, ask: Ask, result: &ReplyResult<'_>) {
        if order::is_early(result) && self.put_off(now, ask) {
            return;
        }
        match ask {
            Ask::Line(id, serial) => self.settled(now, id, serial, |line, order| done(line, order, result)),
            Ask::Packages(gateway) => self.packages(now, gateway, result),
            Ask::Root(gateway, wish) => self.watches_itself(now, gateway, wish, result),
            Ask::Idle(gateway) => self.idle(now, gateway, result),
            Ask::Busy(gateway) => self.busy(gateway, result),
            Ask::Contexts(gateway) => self.contexts(now, gateway, result),
            Ask::Found(gateway, context) => self.found(now, gateway, context, result),
            Ask::Sweep => {}
        }
    }

    /// The running order of a line has come to its end, or to its next step.
    fn settled(
        &mut self,
        now: Time,
        id: LoopId,
        serial: u64,
        read: impl FnOnce(&mut Loop, &Order) -> Result<Step, Failure>,
    ) {
        let Some(line) = self.loops.get_mut(id).filter(|line| line.serial == serial) else { return };
        let Some((order, tag)) = line.running.take() else { return };
        let was_in = line.context;
        let begins = was_in.is_none() && line.relay.is_some() && matches!(order, Order::Create { .. });
        match read(line, &order) {
            Ok(Step::Done(outcome)) => self.finish(tag, Ok(*outcome)),
            Ok(Step::Next(next)) => line.queue.push_front((next, tag)),
            Ok(Step::Again) => self.elsewhere(id, order, tag),
            Err(failure) => self.finish(tag, Err(failure)),
        }
        if begins {
            self.begun(now, id, serial);
        }
        let Some(line) = self.loops.get_mut(id) else { return };
        // A termination that leaves its context is as it was provisioned (RFC 3525 section 7.1.5): it watches for nothing.
        let is_told = line.queue.iter().any(|(order, _)| matches!(order, Order::Watch(_)));
        if was_in.is_some() && line.context.is_none() && line.relay.is_none() && !is_told {
            let (gateway, endpoint) = (line.gateway, line.endpoint.clone());
            self.news.push_back(News::Forgotten { gateway, endpoint });
        }
        self.start(now, id);
        self.retire(id);
    }

    /// The termination of a line is not in the context where it was thought to be: whatever is in one or the other is nobody's.
    fn elsewhere(&mut self, id: LoopId, mut order: Order, tag: Option<Tag>) {
        let Some(line) = self.loops.get_mut(id) else { return };
        if let Order::Watch(wish) = &mut order {
            wish.is_repeated = true;
        }
        line.queue.push_front((order, tag));
        line.queue.push_front((Order::Seek, None));
        if line.context.is_some() {
            line.queue.push_front((Order::DeleteAll, None));
        }
        let (gateway, endpoint) = (line.gateway, line.endpoint.clone());
        let streams: Vec<_> = line.streams.keys().cloned().collect();
        self.streams_gone(gateway, streams.into_iter().map(|stream| (endpoint.clone(), stream)));
    }

    /// Commands of a gateway: what its lines observed. Others are not for it to give (RFC 3525 section 7.2).
    fn commands(&mut self, now: Time, peer: PeerId, token: Token, actions: List<Action<'_>>) {
        let gateway = self.by_peer.get(&peer).copied();
        let mut replies = List::new();
        for Action { context, commands, .. } in actions {
            let mut reply = ActionReply { context, properties: None, commands: List::new(), error: None };
            for Command { body, .. } in commands {
                let notify = match body {
                    CommandBody::Notify(notify) => notify,
                    CommandBody::ServiceChange(terminations, _) => {
                        reply.commands.push(controller::done(terminations));
                        continue;
                    }
                    _ => {
                        let code = ErrorCode::UNKNOWN_COMMAND;
                        reply.error = Some(ErrorDescriptor { code, text: code.text() });
                        break;
                    }
                };
                if let Some(gateway) = gateway {
                    self.notified(gateway, &notify);
                }
                reply.commands.push(CommandReply::Notify(notify.terminations, None));
            }
            replies.push(reply);
        }
        if let Some(controller) = &mut self.controller {
            // What cannot be said in the gateway's version was answered with 500.
            let _ = controller.respond(now, token, ReplyResult::Actions(replies));
        }
    }

    fn notified(&mut self, gateway: GatewayId, notify: &NotifyRequest<'_>) {
        let Some(name) = order::name(&notify.terminations.first) else { return };
        let Some(endpoint) =
            self.domain(gateway).and_then(|domain| EndpointNameBuf::from_parts(name, domain))
        else {
            return;
        };
        let observed = words::observed(&notify.observed.events);
        let request = request_name(notify.observed.request.get());
        self.news.push_back(News::Observed { gateway, endpoint, request, observed });
    }

    /// Ends all orders of a gateway's lines so; whether their contexts are gone too.
    fn drop_orders(&mut self, gateway: GatewayId, failure: &Failure) {
        let mut ended = Vec::new();
        for line in self.loops.iter_mut().filter(|line| line.gateway == gateway) {
            line.serial += 1;
            let orders = line.running.take().into_iter().chain(std::mem::take(&mut line.queue));
            ended.extend(orders.map(|(_, tag)| tag));
            line.leave();
            line.is_known = matches!(failure, Failure::Restarted);
        }
        for tag in ended {
            self.finish(tag, Err(failure.clone()));
        }
        self.suspects.retain(|suspect| suspect.gateway != gateway);
        (0..self.loops.len()).for_each(|id| self.retire(id));
    }

    pub(super) fn handle_timeout(&mut self, now: Time) {
        if let Some(controller) = &mut self.controller {
            controller.handle_timeout(now);
        }
        self.drain(now);
        while let Some((gateway, clock)) = self.clocks.pop_due(now) {
            self.clock(now, gateway, clock);
        }
        self.drain(now);
    }

    /// Takes what is to be sent, when everything that has happened has had its consequences: so they share messages.
    pub(crate) fn collect(&mut self, now: Time) {
        let Some(controller) = &mut self.controller else { return };
        self.out.extend(std::iter::from_fn(|| controller.poll_transmit(now)));
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        let controller = self.controller.as_ref().and_then(Controller::poll_timeout);
        [controller, self.clocks.next()].into_iter().flatten().min()
    }
}

/// Whether calls of a gateway are held back.
fn is_overloaded(controller: &Controller<Ask>, peer: PeerId) -> bool {
    controller.restrictor(peer).is_some_and(|restrictor| restrictor.rate().is_some())
}

/// The name of a request to watch, by its number.
fn request_name(number: u32) -> RequestIdBuf {
    RequestIdBuf::from_u128(number.into())
}
