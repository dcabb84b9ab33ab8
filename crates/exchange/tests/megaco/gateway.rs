//! A media gateway of RFC 3525 for stories: the lines are those of the MGCP gateway, what speaks for them is Megaco.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use strowger_exchange::{
    GatewayEntry, GatewayProtocol, Input, MEGACO_BINARY, MEGACO_TEXT, MegacoEncoding, MegacoEntry, NamePlan,
};
use strowger_megaco::binary;
use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{
    Action, ActionReply, AmmDescriptor, AmmRequest, AuditItems, AuditResult, AuditReturn, Caseless,
    CommandBody, CommandReply, ContextId, Description, EventDigitMap, ItemName, LocalControl, Media, Method,
    Mid, Reason, ReplyResult, ServiceChange, ServiceChangeReply, ServiceChangeResult, Setting, SignalRequest,
    Statistic, StreamMode, StreamParameters, Streams, TerminationId, TerminationReply, Terminations, Value,
    Version,
};
use strowger_megaco::transaction::{
    Coding, Dialect, Event, Form, PeerConfig, PeerId, TransactionIds, TransactionLimits, TransactionTimers,
    Transactions,
};
use strowger_megaco::transport::{Route, Transport};
use strowger_mgcp::message::Verb;
use strowger_sansio::{Duration, Rng, Time};

use crate::mgcp_gateway::{self, port_of};
pub(crate) use crate::mgcp_gateway::{Connection, Endpoint};
use crate::root::Root;
use crate::words::{WORDS, caller, descriptor, parameter, text};

/// The gateways of the town speak Megaco.
pub(crate) fn entry(id: &str, address: SocketAddr, domain: &str) -> GatewayEntry {
    // A relay stays what it is.
    if id == "relay" {
        return GatewayEntry::mgcp(id, address, domain);
    }
    let mid = Some(format!("<{domain}>"));
    GatewayEntry::megaco(id, address, domain, MegacoEntry { mid, ..MegacoEntry::default() })
}

pub(crate) fn input<'b>(gateway: &Gateway, from: SocketAddr, bytes: &'b [u8]) -> Input<'b> {
    if gateway.mouth.is_none() {
        return Input::Mgcp { from, bytes };
    }
    // What begins with a SEQUENCE is BER.
    let socket = if bytes.first() == Some(&0x30) { MEGACO_BINARY } else { MEGACO_TEXT };
    Input::Megaco { route: Route { transport: Transport::Udp, socket, address: from }, bytes }
}

/// A tone as a line of these gateways hears it: there is one tone of special information, whatever the country calls it for.
pub(crate) fn as_heard(tone: &str) -> &str {
    if tone.starts_with("L/sit") { "L/sit(6)" } else { tone }
}

/// What makes of a gateway one of Megaco.
pub(crate) struct Mouth {
    pub(crate) layer: Transactions<()>,
    controller: PeerId,
    /// The context of each line that is in one.
    pub(crate) contexts: BTreeMap<String, u32>,
    pub(crate) last_context: u32,
    /// The controller has answered the registration.
    is_registered: bool,
}

pub(crate) struct Gateway {
    pub(crate) base: mgcp_gateway::Gateway,
    pub(crate) mouth: Option<Box<Mouth>>,
    /// It speaks BER.
    pub(crate) is_binary: bool,
    /// The packages that it tells; whatever is not there it does not know.
    pub(crate) packages: Vec<&'static str>,
    /// Of them, ROOT names its own alone.
    pub(crate) root_names_its_own: bool,
    /// So many requests have overtaken the reply to the registration: nothing is done before that has come.
    pub(crate) early: usize,
    /// The digit maps of the lines.
    pub(crate) maps: BTreeMap<String, String>,
    /// What it watches itself for.
    pub(crate) root: Root,
    /// How often it was asked for a sign of life.
    pub(crate) signs: usize,
    /// It tells its terminations.
    pub(crate) tells_terminations: bool,
    /// What it was told of contexts: priority and emergency.
    pub(crate) attributes: Vec<(Option<u8>, Option<bool>)>,
}

impl Deref for Gateway {
    type Target = mgcp_gateway::Gateway;

    fn deref(&self) -> &mgcp_gateway::Gateway {
        &self.base
    }
}

impl DerefMut for Gateway {
    fn deref_mut(&mut self) -> &mut mgcp_gateway::Gateway {
        &mut self.base
    }
}

const PACKAGES: [&str; 11] = ["g", "root", "al", "cg", "dd", "dg", "nt", "rtp", "andisp", "srvtn", "xcg"];

impl Gateway {
    pub(crate) fn of(entry: &GatewayEntry, lines: usize) -> Self {
        Self::in_life(entry, lines, 1)
    }

    pub(crate) fn in_life(entry: &GatewayEntry, lines: usize, life: u64) -> Self {
        let base = mgcp_gateway::Gateway::new(entry.address, &entry.domain, lines);
        let mouth = (entry.protocol == GatewayProtocol::Megaco).then(|| {
            let mut rng = Rng::from_number(life);
            let ids = TransactionIds::alone(&mut rng);
            let mid = Mid::Domain(Caseless::new(&entry.domain), None).into();
            let timers = TransactionTimers { t_max: Duration::from_secs(5), ..TransactionTimers::default() };
            let mut layer = Transactions::new(mid, timers, TransactionLimits::default(), ids, rng);
            let route = Route::udp(crate::world::exchange_address());
            let mut peer = PeerConfig::at(route);
            if entry.megaco.encoding == MegacoEncoding::Binary {
                let binary = binary::Options { plan: NamePlan::telephones(), ..binary::Options::default() };
                peer.coding = Coding { binary, ..Coding::default() }.into();
                peer.dialect = Dialect { form: Form::Binary, ..Dialect::default() };
            }
            let controller = layer.add_peer(peer);
            let contexts = BTreeMap::new();
            Box::new(Mouth { layer, controller, contexts, last_context: 0, is_registered: false })
        });
        let mut gateway = Self {
            base,
            mouth,
            is_binary: entry.megaco.encoding == MegacoEncoding::Binary,
            packages: PACKAGES.to_vec(),
            root_names_its_own: false,
            early: 0,
            maps: BTreeMap::new(),
            root: Root::default(),
            signs: 0,
            tells_terminations: false,
            attributes: Vec::new(),
        };
        if gateway.is_binary {
            // These have no numbers in the tables, without which there is no name of them in BER.
            gateway.packages.retain(|package| !["srvtn", "xcg"].contains(package));
        }
        gateway.register(Time::from_secs(1000), Method::Restart, None);
        gateway
    }

    fn register(&mut self, now: Time, method: Method<'static>, delay: Option<u32>) {
        if self.mouth.is_some() {
            self.change(now, TerminationId::Root, method, delay);
        }
    }

    pub(crate) fn change(
        &mut self,
        now: Time,
        of: TerminationId<'static>,
        method: Method<'static>,
        delay: Option<u32>,
    ) {
        let reason = if method == Method::Restart { Reason::COLD_BOOT } else { Reason::SERVICE_RESTORED };
        let change = ServiceChange {
            version: (of == TerminationId::Root).then_some(Version::V1),
            delay,
            ..ServiceChange::new(method, reason)
        };
        let body = CommandBody::ServiceChange(of.into(), Box::new(change));
        self.ask(now, ContextId::NULL, body);
    }

    pub(crate) fn ask(&mut self, now: Time, context: ContextId, body: CommandBody<'static>) {
        let mouth = self.mouth.as_mut().unwrap();
        mouth.layer.request(now, mouth.controller, vec![Action::new(context, [body])], ()).unwrap();
    }

    pub(crate) fn transmit(&mut self, now: Time) -> Option<Vec<u8>> {
        let Some(mouth) = &mut self.mouth else { return self.base.transmit(now) };
        for notice in self.root.notices() {
            let actions = vec![Action::new(ContextId::NULL, [notice])];
            mouth.layer.request(now, mouth.controller, actions, ()).unwrap();
        }
        let sent = mouth.layer.poll_transmit(now).map(|transmit| transmit.payload);
        sent.filter(|bytes| !self.base.dead && !swallows(&self.base.swallowed, bytes))
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        let Some(mouth) = &self.mouth else { return self.base.timeout() };
        [mouth.layer.poll_timeout(), self.root.timeout()].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Time) {
        let Some(mouth) = &mut self.mouth else { return self.base.handle_timeout(now) };
        mouth.layer.handle_timeout(now);
        self.root.handle_timeout(now);
        let mut lost = false;
        while let Some(event) = mouth.layer.poll_event() {
            lost |= matches!(event, Event::Lost { .. });
        }
        if lost {
            let how = if mouth.is_registered { Method::Disconnected } else { Method::Restart };
            self.register(now, how, None);
        }
    }

    pub(crate) fn receive(&mut self, now: Time, bytes: &[u8]) {
        let Some(mouth) = &mut self.mouth else { return self.base.receive(now, bytes) };
        if self.base.dead {
            return;
        }
        self.root.heard(now);
        let route = Route::udp(crate::world::exchange_address());
        let Some(accepted) = mouth.layer.accept(now, route, bytes) else {
            panic!("what is this? {}", String::from_utf8_lossy(bytes));
        };
        for event in mouth.layer.handle_input(now, &accepted) {
            match event {
                Event::Request { token, .. } if self.early > 0 => {
                    self.early -= 1;
                    let mouth = self.mouth.as_mut().unwrap();
                    let refusal = ReplyResult::Error(descriptor(ErrorCode::BEFORE_SERVICE_CHANGE));
                    mouth.layer.respond(now, token, refusal).unwrap();
                }
                Event::Request { token, actions, .. } => {
                    let mut again = false;
                    let mut failed = false;
                    let mut replies = Vec::new();
                    for action in actions {
                        match self.listed(&action) {
                            Some(contexts) => replies.extend(contexts),
                            None => replies.extend(self.act(action, &mut failed, &mut again)),
                        }
                    }
                    let mouth = self.mouth.as_mut().unwrap();
                    mouth.layer.respond(now, token, ReplyResult::Actions(replies.into())).unwrap();
                    if again {
                        self.register(now, Method::HandOff, None);
                    }
                }
                Event::Reply { result: ReplyResult::Actions(replies), .. } => {
                    let is_registration = |reply: &CommandReply<'_>| {
                        matches!(reply, CommandReply::ServiceChange(reply)
                            if reply.terminations.first == TerminationId::Root
                                && matches!(reply.result, ServiceChangeResult::Accepted { .. }))
                    };
                    if replies.iter().flat_map(|action| &action.commands).any(is_registration) {
                        self.mouth.as_mut().unwrap().is_registered = true;
                    }
                }
                // Whoever is not known must register.
                Event::Reply { result: ReplyResult::Error(_), .. } => {
                    self.register(now, Method::Disconnected, None);
                }
                other => panic!("what is this? {other:?}: {}", String::from_utf8_lossy(bytes)),
            }
        }
    }

    /// Its contexts, one reply each, when it is asked for them: ROOT in all contexts (RFC 3525 section 7.2.5).
    fn listed<'m>(&self, action: &Action<'m>) -> Option<Vec<ActionReply<'m>>> {
        let [command] = action.commands.as_slice() else { return None };
        let CommandBody::AuditValue(audit) = &command.body else { return None };
        let is_asked = action.context == ContextId::ALL && audit.terminations.first == TerminationId::Root;
        let contexts = &self.mouth.as_ref().unwrap().contexts;
        let reply = |context: u32| {
            let own =
                CommandReply::AuditValue(AuditResult::Termination(reply(&audit.terminations, Vec::new())));
            let context = ContextId::new(context);
            ActionReply { context, properties: None, commands: vec![own].into(), error: None }
        };
        (is_asked && !contexts.is_empty()).then(|| contexts.values().copied().map(reply).collect())
    }

    fn act<'m>(
        &mut self,
        action: Action<'m>,
        failed: &mut bool,
        again: &mut bool,
    ) -> Option<ActionReply<'m>> {
        if *failed {
            return None;
        }
        self.attributes.extend(action.properties.map(|told| (told.priority, told.emergency)));
        let mut context = action.context;
        let mut commands = Vec::new();
        for command in action.commands {
            match self.execute(&mut context, command.body, again) {
                Ok(reply) => commands.extend(reply),
                Err((code, wrap)) => {
                    *failed = true;
                    commands.push(wrap(code));
                    break;
                }
            }
        }
        Some(ActionReply { context, properties: None, commands: commands.into(), error: None })
    }

    /// A refusal that is due.
    pub(crate) fn refuses(&mut self, verb: Verb, local: &str) -> Option<ErrorCode> {
        let due = self.base.refusals.iter_mut().find(|refusal| {
            refusal.times > 0 && refusal.verb == verb && local.starts_with(&refusal.endpoint)
        })?;
        due.times -= 1;
        Some(match due.code.get() {
            403 | 404 => ErrorCode::INSUFFICIENT_RESOURCES,
            501 | 502 => ErrorCode::PERMANENT_NETWORK_FAILURE,
            529 => ErrorCode::HARDWARE_FAILURE,
            500 => ErrorCode::UNKNOWN_TERMINATION,
            515 => ErrorCode::NOT_IN_CONTEXT,
            518 | 522 => ErrorCode::UNKNOWN_PACKAGE,
            512 => ErrorCode::NO_EVENT_EQUIPMENT,
            513 => ErrorCode::NO_SIGNAL_EQUIPMENT,
            _ => ErrorCode::INTERNAL,
        })
    }

    /// The line whose stream has this name.
    pub(crate) fn line_of(&self, stream: &str) -> Option<(String, String)> {
        let id = stream_id(self.is_binary, stream)?;
        let found = self.base.endpoints.iter().find(|(_, endpoint)| endpoint.connections.contains_key(&id));
        found.map(|(local, _)| (local.clone(), id))
    }
}

/// What the stream of a connection is called: `RTP/` and its port in hexadecimal digits, as its connection is named. In BER it must be a
/// number of the plan.
pub(crate) fn stream_name(is_binary: bool, id: &str) -> String {
    match is_binary {
        true => format!("rtp/{}", u32::from_str_radix(id, 16).unwrap()),
        false => format!("RTP/{}", id.to_ascii_lowercase()),
    }
}

fn stream_id(is_binary: bool, name: &str) -> Option<String> {
    let id = name.to_ascii_lowercase().strip_prefix("rtp/")?.to_owned();
    if is_binary { Some(format!("{:X}", id.parse::<u32>().ok()?)) } else { Some(id.to_ascii_uppercase()) }
}

/// Whether a message has the answer to a command of a kind whose answers never arrive.
fn swallows(verbs: &[Verb], bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let is_of = |verb: &Verb| {
        let token = match verb {
            Verb::Crcx => "A=",
            Verb::Mdcx | Verb::Rqnt => "MF=",
            Verb::Dlcx => "S=",
            Verb::Auep => "AV=",
            other => panic!("no command for {other:?}"),
        };
        text.contains("P=") && ["{", ","].iter().any(|before| text.contains(&format!("{before}{token}")))
    };
    verbs.iter().any(is_of)
}

type Refused<'m> = (ErrorCode, Box<dyn FnOnce(ErrorCode) -> CommandReply<'m> + 'm>);

pub(crate) fn reply<'m>(of: &Terminations<'m>, audit: Vec<AuditReturn<'m>>) -> TerminationReply<'m> {
    TerminationReply { terminations: of.clone(), audit }
}

impl Gateway {
    fn execute<'m>(
        &mut self,
        context: &mut ContextId,
        body: CommandBody<'m>,
        again: &mut bool,
    ) -> Result<Vec<CommandReply<'m>>, Refused<'m>> {
        let of = body.terminations().clone();
        let named = of.first.as_str().to_ascii_lowercase();
        let wrapped = |wrap: fn(TerminationReply<'m>) -> CommandReply<'m>| {
            let of = of.clone();
            move |code: ErrorCode| -> Refused<'m> {
                (code, Box::new(move |code| wrap(reply(&of, vec![AuditReturn::Error(descriptor(code))]))))
            }
        };
        match body {
            CommandBody::Modify(request) if named == "root" => {
                let watched = self.root.watch(&request, &self.packages);
                watched
                    .map(|()| vec![CommandReply::Modify(reply(&of, Vec::new()))])
                    .map_err(wrapped(CommandReply::Modify))
            }
            CommandBody::Add(request) => self.add(context, request).map_err(wrapped(CommandReply::Add)),
            CommandBody::Modify(request) => {
                self.modify(*context, &named, request).map_err(wrapped(CommandReply::Modify))
            }
            CommandBody::Subtract(_) => {
                self.subtract(*context, &named, &of).map_err(wrapped(CommandReply::Subtract))
            }
            CommandBody::AuditValue(command) => {
                let is_sign = named == "root" && command.audit.items == AuditItems::NONE;
                self.signs += usize::from(is_sign && *context == ContextId::NULL);
                let wrap = |own| CommandReply::AuditValue(AuditResult::Termination(own));
                self.audit(context, &named, &of).map_err(wrapped(wrap))
            }
            CommandBody::ServiceChange(terminations, change) => {
                assert_eq!(change.method, Method::HandOff);
                *again = self.mouth.as_ref().unwrap().is_registered;
                let result =
                    ServiceChangeResult::Accepted { target: None, version: None, profile: None, time: None };
                Ok(vec![CommandReply::ServiceChange(Box::new(ServiceChangeReply { terminations, result }))])
            }
            other => panic!("a controller does not send {other:?}"),
        }
    }

    fn add<'m>(
        &mut self,
        context: &mut ContextId,
        request: AmmRequest<'m>,
    ) -> Result<Vec<CommandReply<'m>>, ErrorCode> {
        let parameters = request.descriptors.into_iter().find_map(speech).expect("a stream");
        self.root.added();
        let mouth = self.mouth.as_mut().unwrap();
        let chosen = request.terminations.first.as_str();
        if *context == ContextId::CHOOSE && chosen.contains('$') {
            // A relay: streams alone.
            let free = (1..=self.base.relays).map(|number| format!("relay/{number}"));
            let mut free = free.filter(|local| !mouth.contexts.contains_key(local));
            self.base.executed.push("CRCX relay/$".to_owned());
            let refusal =
                self.base.refusals.iter().position(|own| own.times > 0 && own.endpoint == "relay/$");
            if let Some(refusal) = refusal {
                self.base.refusals[refusal].times -= 1;
                return Err(ErrorCode::INSUFFICIENT_RESOURCES);
            }
            let local = free.next().ok_or(ErrorCode::NO_CONTEXT_ID)?;
            mouth.last_context += 1;
            *context = ContextId::new(mouth.last_context);
            mouth.contexts.insert(local.clone(), mouth.last_context);
            self.base.endpoints.entry(local).or_default();
        } else if let TerminationId::Name(name) = &request.terminations.first
            && !chosen.contains('$')
        {
            let local = name.as_str().to_ascii_lowercase();
            self.base.executed.push(format!("Add {local}"));
            if !self.base.endpoints.contains_key(&local) {
                return Err(ErrorCode::UNKNOWN_TERMINATION);
            }
            if mouth.contexts.contains_key(&local) {
                return Err(ErrorCode::ALREADY_IN_CONTEXT);
            }
            assert_eq!(parameters.control.unwrap().mode, Some(StreamMode::SendReceive), "the line flows");
            assert_eq!(*context, ContextId::CHOOSE, "a line joins a context with its first stream");
            mouth.last_context += 1;
            *context = ContextId::new(mouth.last_context);
            mouth.contexts.insert(local, mouth.last_context);
            return Ok(vec![CommandReply::Add(reply(&request.terminations, Vec::new()))]);
        }
        let mouth = self.mouth.as_mut().unwrap();
        let found = mouth.contexts.iter().find(|(_, own)| **own == context.get());
        let local = found.ok_or(ErrorCode::UNKNOWN_CONTEXT)?.0.clone();
        self.base.executed.push(format!("CRCX {local}"));
        if let Some(code) = self.refuses(Verb::Crcx, &local) {
            return Err(code);
        }
        let wish = String::from_utf8(parameters.local.unwrap().to_sdp().unwrap().into_owned()).unwrap();
        assert!(wish.contains("c=IN IP4 $") && wish.contains("m=audio $ RTP/AVP "), "{wish}");
        self.base.next_port += 2;
        let port = self.base.next_port;
        let connection = Connection {
            call: context.to_string(),
            mode: word(parameters.control.unwrap().mode.unwrap()).to_owned(),
            options: wish,
            port,
            remote: parameters.remote.map(|remote| port_of(&remote.to_sdp().unwrap())),
        };
        let endpoint = self.base.endpoints.get_mut(&local).unwrap();
        endpoint.connections.insert(format!("{port:X}"), connection);
        self.mix(&local);
        let name = TerminationId::new(stream_name(self.is_binary, &format!("{port:X}"))).unwrap();
        Ok(vec![CommandReply::Add(reply(&name.into(), vec![self.media(port, None)]))])
    }

    pub(crate) fn media<'m>(&self, port: u16, mode: Option<StreamMode>) -> AuditReturn<'m> {
        let host = &self.base.media_host;
        let text = format!("v=0\nc=IN IP4 {host}\nm=audio {port} RTP/AVP 0\na=ptime:20\n");
        let local = Some(Description::from_sdp(text.into_bytes().into()));
        let control = mode.map(|mode| LocalControl { mode: Some(mode), ..LocalControl::default() });
        let parameters = StreamParameters { control, local, ..StreamParameters::default() };
        let streams = Streams::One(Box::new(parameters));
        AuditReturn::Descriptor(AmmDescriptor::Media(Media { state: None, streams }))
    }

    fn modify<'m>(
        &mut self,
        context: ContextId,
        named: &str,
        request: AmmRequest<'m>,
    ) -> Result<Vec<CommandReply<'m>>, ErrorCode> {
        let of = request.terminations.clone();
        let Some((local, id)) = self.line_of(named) else {
            return self
                .watch(context, named, request)
                .map(|()| vec![CommandReply::Modify(reply(&of, Vec::new()))]);
        };
        self.base.executed.push(format!("MDCX {local}"));
        if let Some(code) = self.refuses(Verb::Mdcx, &local) {
            return Err(code);
        }
        let own = self.mouth.as_ref().unwrap().contexts.get(&local);
        if own != Some(&context.get()) {
            return Err(ErrorCode::NOT_IN_CONTEXT);
        }
        let parameters = request.descriptors.into_iter().find_map(speech).expect("a stream");
        let moved = std::mem::take(&mut self.base.moves_port).then(|| {
            self.base.next_port += 2;
            self.base.next_port
        });
        let connection = self.base.endpoints.get_mut(&local).unwrap().connections.get_mut(&id).unwrap();
        if let Some(mode) = parameters.control.and_then(|control| control.mode) {
            connection.mode = word(mode).to_owned();
        }
        if let Some(remote) = parameters.remote {
            connection.remote = Some(port_of(&remote.to_sdp().unwrap()));
        }
        if let Some(port) = moved {
            connection.port = port;
        }
        self.mix(&local);
        let media = moved.map(|port| self.media(port, None)).into_iter().collect();
        Ok(vec![CommandReply::Modify(reply(&of, media))])
    }

    /// Streams of one context that flow are heard in one another: the stories call that a conference.
    fn mix(&mut self, local: &str) {
        if local.starts_with("relay/") {
            return;
        }
        let endpoint = self.base.endpoints.get_mut(local).unwrap();
        let flows = |own: &&mut Connection| ["sendrecv", "confrnce"].contains(&own.mode.as_str());
        let is_mixed = endpoint.connections.values_mut().filter(flows).count() > 1;
        for own in endpoint.connections.values_mut().filter(flows) {
            own.mode = if is_mixed { "confrnce" } else { "sendrecv" }.to_owned();
        }
    }

    /// Events and signals of a line.
    fn watch(&mut self, context: ContextId, local: &str, request: AmmRequest<'_>) -> Result<(), ErrorCode> {
        if let Some(code) = self.refuses(Verb::Rqnt, local) {
            return Err(code);
        }
        let own = self.mouth.as_ref().unwrap().contexts.get(local).copied().unwrap_or(0);
        if own != context.get() {
            return Err(ErrorCode::NOT_IN_CONTEXT);
        }
        let packages = self.packages.clone();
        let endpoint = self.base.endpoints.get_mut(local).ok_or(ErrorCode::UNKNOWN_TERMINATION)?;
        let (mut events, mut signals, mut map, mut id) = (Vec::new(), Vec::new(), None, 0);
        for descriptor in request.descriptors {
            match descriptor {
                AmmDescriptor::Events(own) => {
                    id = own.request.unwrap().get();
                    for event in own.events {
                        let name = text(event.name, strowger_megaco::package::Kind::Event);
                        let is_hook = matches!(name.as_str(), "al/on" | "al/of");
                        let strict = Setting::One(Value::Enumeration(2));
                        assert_eq!(event.parameters.iter().any(|own| own.setting == strict), is_hook);
                        if is_hook && (name == "al/of") == endpoint.off_hook {
                            return Err(ErrorCode::HOOK_STATE);
                        }
                        if let Some(EventDigitMap::Value(value)) = event.action.digit_map {
                            map = Some(value.body.to_owned());
                        }
                        events.push(name);
                    }
                }
                AmmDescriptor::Signals(own) => {
                    for signal in own {
                        let SignalRequest::Signal(signal) = signal else { panic!("a list") };
                        let name = text(signal.name, strowger_megaco::package::Kind::Signal);
                        if !packages.contains(&name.split('/').next().unwrap()) {
                            return Err(ErrorCode::UNKNOWN_PACKAGE);
                        }
                        signals.extend(match name.as_str() {
                            "andisp/dwa" => {
                                let Some(Value::Integer(pattern)) = parameter(&signal.parameters, "pattern")
                                else {
                                    panic!("no pattern")
                                };
                                let ring = if *pattern == 1 {
                                    "L/rg".to_owned()
                                } else {
                                    format!("L/r{}", pattern - 2)
                                };
                                vec![ring, caller(&signal.parameters)]
                            }
                            "andisp/data" => vec![caller(&signal.parameters)],
                            "al/ri" if signal.duration == Some(50) => vec!["L/rs".to_owned()],
                            "cg/dt" if signal.duration != Some(1600) => {
                                vec![format!("L/dl(to={}0)", signal.duration.unwrap())]
                            }
                            name if name.starts_with("dg/") => {
                                let key = name.trim_start_matches("dg/d");
                                let key = ["s", "o"]
                                    .iter()
                                    .position(|own| *own == key)
                                    .map_or(key, |at| ["*", "#"][at]);
                                vec![format!("D/{}", key.to_ascii_uppercase())]
                            }
                            name => {
                                let known = WORDS.iter().find(|(own, _)| *own == name);
                                vec![known.unwrap_or_else(|| panic!("what is {name}?")).1.to_owned()]
                            }
                        });
                    }
                }
                other => panic!("a line is not told {other:?}"),
            }
        }
        endpoint.events = events;
        if let Some(map) = map {
            self.maps.insert(local.to_owned(), map);
        }
        endpoint.request_id = id.to_string();
        endpoint.heard.extend(signals.iter().cloned());
        endpoint.signals = signals;
        endpoint.dialled.clear();
        Ok(())
    }

    fn subtract<'m>(
        &mut self,
        context: ContextId,
        named: &str,
        of: &Terminations<'m>,
    ) -> Result<Vec<CommandReply<'m>>, ErrorCode> {
        let mouth = self.mouth.as_mut().unwrap();
        let found = mouth.contexts.iter().find(|(_, own)| **own == context.get());
        let local = found.ok_or(ErrorCode::UNKNOWN_CONTEXT)?.0.clone();
        self.base.executed.push(format!("DLCX {local}"));
        if let Some(code) = self.refuses(Verb::Dlcx, &local) {
            return Err(code);
        }
        let endpoint = self.base.endpoints.get_mut(&local).unwrap();
        let leaves = named == local || named == "*";
        if named == "*" {
            endpoint.connections.clear();
        }
        let mut statistics = Vec::new();
        if let Some(id) = stream_id(self.is_binary, named) {
            endpoint.connections.remove(&id).ok_or(ErrorCode::NOT_IN_CONTEXT)?;
            let figure = |package, item, number| Statistic {
                name: ItemName::of(package, item),
                value: Some(Setting::One(Value::Integer(number))),
            };
            let figures = vec![figure(0xc, 4, 100), figure(0xc, 5, 99), figure(0xb, 2, 16000)];
            statistics.push(AuditReturn::Descriptor(AmmDescriptor::Statistics(figures)));
        }
        if local.starts_with("relay/") {
            if endpoint.connections.is_empty() {
                self.mouth.as_mut().unwrap().contexts.remove(&local);
            }
        } else if !leaves {
            self.mix(&local);
        } else {
            assert!(endpoint.connections.is_empty(), "the line leaves streams behind");
            // It is as it was provisioned: it watches for nothing, and is silent.
            endpoint.events.clear();
            endpoint.signals.clear();
            self.mouth.as_mut().unwrap().contexts.remove(&local);
        }
        Ok(vec![CommandReply::Subtract(reply(of, statistics))])
    }
}

fn speech(descriptor: AmmDescriptor<'_>) -> Option<StreamParameters<'_>> {
    let AmmDescriptor::Media(media) = descriptor else { return None };
    match media.streams {
        Streams::One(parameters) => Some(*parameters),
        Streams::Many(mut streams) => streams.pop().map(|stream| stream.parameters),
        Streams::None => None,
    }
}

const MODES: [(StreamMode, &str); 4] = [
    (StreamMode::SendReceive, "sendrecv"),
    (StreamMode::ReceiveOnly, "recvonly"),
    (StreamMode::SendOnly, "sendonly"),
    (StreamMode::Inactive, "inactive"),
];

fn word(mode: StreamMode) -> &'static str {
    MODES.iter().find(|(own, _)| *own == mode).unwrap().1
}

pub(crate) fn mode(word: &str) -> StreamMode {
    let word = if word == "confrnce" { "sendrecv" } else { word };
    MODES.iter().find(|(_, own)| *own == word).unwrap().0
}
