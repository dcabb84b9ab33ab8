//! A gateway for stories. It keeps what RFC 3435 obliges it to: at most once, step mode, glare checks, digit
//! maps, one SDP a connection.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use strowger_exchange::{GatewayEntry, Input};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::digitmap::{DialSymbol, DigitMap, MatchState};
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{
    CallIdBuf, Command, ConnectionIdBuf, ConnectionMode, ConnectionStatistics, EndpointName, EndpointNameBuf,
    Message, ParameterCode, RequestIdBuf, Response, RestartMethod, ReturnCode, SignalBuf, Term,
    TransactionId, Verb,
};
use strowger_mgcp::text::{CommandBuilder, ResponseBuilder, datagram};
use strowger_sansio::{Duration, Time};

/// How often a command of the gateway's own is repeated, and after which pause.
const REPETITIONS: u32 = 8;
const REPETITION: Duration = Duration::from_millis(500);

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) call: String,
    pub(crate) mode: String,
    pub(crate) options: String,
    /// What the exchange was told.
    pub(crate) port: u16,
    /// Where it sends, by its remote description.
    pub(crate) remote: Option<u16>,
}

/// One endpoint.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    pub(crate) off_hook: bool,
    pub(crate) request_id: String,
    /// Requested events as written, without actions.
    pub(crate) events: Vec<String>,
    /// What is being played.
    pub(crate) signals: Vec<String>,
    /// On-off tones that were turned on: nothing but being turned off ends them.
    pub(crate) steady: Vec<String>,
    /// Everything that was ever played, in order.
    pub(crate) heard: Vec<String>,
    pub(crate) map: Option<DigitMap>,
    pub(crate) dialled: String,
    /// Keys that were pressed in a talk, and are not reported yet.
    pub(crate) kept: String,
    /// When a key was played last.
    played: Option<Time>,
    /// A notification was sent: nothing more is, before the next request.
    pub(crate) stepped: bool,
    /// The last request wants each event told, and no step between.
    pub(crate) loops: bool,
    /// What it says of its states (`ES`).
    pub(crate) states: Vec<&'static str>,
    pub(crate) connections: BTreeMap<String, Connection>,
}

/// A refusal that waits for its command.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) verb: Verb,
    pub(crate) endpoint: String,
    pub(crate) code: ReturnCode,
    pub(crate) times: u32,
}

/// A gateway.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) domain: String,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) refusals: Vec<Refusal>,
    /// Commands that it executes, and whose answers never arrive.
    pub(crate) swallowed: Vec<Verb>,
    /// It neither hears nor says anything.
    pub(crate) dead: bool,
    /// The host in its session descriptions.
    pub(crate) media_host: String,
    /// It describes a stream anew when it is modified.
    pub(crate) moves_port: bool,
    /// How many relay endpoints there are …
    pub(crate) relays: usize,
    /// … and whether it is osmo-mgw that has them: `*` is any one, and it knows neither lists of codecs nor `K:`.
    pub(crate) osmo: bool,
    /// It refuses requests that do not fit the hook.
    pub(crate) checks_hook: bool,
    /// It answers audits that ask for the hook.
    pub(crate) tells_hook: bool,
    /// It tells its endpoints, and of each these parameters (`PL`, `A`).
    pub(crate) tells: Option<(&'static str, &'static str)>,
    pub(crate) next_port: u16,
    next_id: u32,
    answers: BTreeMap<TransactionId, Vec<u8>>,
    waiting: BTreeMap<u32, (Vec<u8>, Time, u32)>,
    /// Executed commands, `VERB endpoint`.
    pub(crate) executed: Vec<String>,
    out: Vec<Vec<u8>>,
}

/// Where a gateway of the town is controlled from.
pub(crate) fn entry(id: &str, address: SocketAddr, domain: &str) -> GatewayEntry {
    GatewayEntry::mgcp(id, address, domain)
}

/// A tone as a line of these gateways hears it.
pub(crate) fn as_heard(tone: &str) -> &str {
    tone
}

/// What the exchange is handed of what it sends.
pub(crate) fn input<'b>(_: &Gateway, from: SocketAddr, bytes: &'b [u8]) -> Input<'b> {
    Input::Mgcp { from, bytes }
}

impl Gateway {
    /// A gateway of an inventory.
    pub(crate) fn of(entry: &GatewayEntry, lines: usize) -> Self {
        Self::new(entry.address, &entry.domain, lines)
    }

    pub(crate) fn new(address: SocketAddr, domain: &str, lines: usize) -> Self {
        let endpoints = (1..=lines).map(|line| (format!("aaln/{line}"), Endpoint::default()));
        Self {
            address,
            domain: domain.to_owned(),
            endpoints: endpoints.collect(),
            refusals: Vec::new(),
            swallowed: Vec::new(),
            dead: false,
            media_host: address.ip().to_string(),
            moves_port: false,
            relays: 0,
            osmo: false,
            checks_hook: true,
            tells_hook: true,
            tells: None,
            next_port: 20_000,
            next_id: 1,
            answers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            executed: Vec::new(),
            out: Vec::new(),
        }
    }

    /// The next command of this kind is refused, so many times.
    pub(crate) fn refuse(&mut self, verb: Verb, endpoint: &str, code: u16, times: u32) {
        let code = ReturnCode::new(code).unwrap();
        self.refusals.push(Refusal { verb, endpoint: endpoint.to_owned(), code, times });
    }

    pub(crate) fn stop_refusing(&mut self) {
        self.refusals.clear();
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.endpoints.values().flat_map(|endpoint| endpoint.connections.values())
    }

    /// How often a verb was executed.
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.executed.iter().filter(|line| line.starts_with(verb)).count()
    }

    pub(crate) fn receive(&mut self, now: Time, bytes: &[u8]) {
        if self.dead {
            return;
        }
        for message in datagram(bytes, &Limits::default()) {
            match message.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(bytes))) {
                Message::Command(command) => self.command(now, &command),
                Message::Response(response) => self.response(&response),
            }
        }
    }

    pub(crate) fn transmit(&mut self, _: Time) -> Option<Vec<u8>> {
        if self.dead {
            self.out.clear();
        }
        if self.out.is_empty() { None } else { Some(self.out.remove(0)) }
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        self.waiting.values().map(|(_, at, _)| *at).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Time) {
        for (bytes, at, count) in self.waiting.values_mut().filter(|(_, at, _)| *at <= now) {
            (*at, *count) = (now + REPETITION, *count + 1);
            self.out.push(bytes.clone());
        }
        // A restart is announced until it is heard; a gateway that is not heard otherwise is disconnected,
        // and announces that.
        let given_up = |bytes: &[u8], count: u32| count >= REPETITIONS && !bytes.starts_with(b"RSIP");
        let before = self.waiting.len();
        self.waiting.retain(|_, (bytes, _, count)| !given_up(bytes, *count));
        if self.waiting.len() < before {
            self.restart(now, "*", RestartMethod::Disconnected, Some(4));
        }
    }

    fn response(&mut self, response: &Response<'_>) {
        self.waiting.remove(&response.transaction_id.get());
    }

    fn command(&mut self, now: Time, command: &Command<'_>) {
        let id = command.transaction_id;
        if let Some(answer) = self.answers.get(&id) {
            return self.out.push(answer.clone());
        }
        let info = if asks_for_the_hook_alone(command) { " ES" } else { "" };
        self.executed.push(format!("{}{info} {}", command.verb.as_str(), command.endpoint.local()));
        let answer = self.execute(now, command);
        if !self.swallowed.contains(&command.verb) {
            self.out.push(answer.clone());
            self.answers.insert(id, answer);
        } else {
            // Duplicates of it are swallowed too.
            self.answers.insert(id, b"000 0\r\n".to_vec());
        }
    }

    fn execute(&mut self, now: Time, command: &Command<'_>) -> Vec<u8> {
        let id = command.transaction_id;
        let simple = |code| ResponseBuilder::new(code, id).finish();
        let local = command.endpoint.local().to_ascii_lowercase();
        let due = |refusal: &&mut Refusal| {
            refusal.times > 0 && refusal.verb == command.verb && local.starts_with(&refusal.endpoint)
        };
        if let Some(refusal) = self.refusals.iter_mut().find(due) {
            refusal.times -= 1;
            return simple(refusal.code);
        }
        if self.osmo && command.parameters.get(ParameterCode::ResponseAck).is_some() {
            return simple(ReturnCode::COMMAND_PARAMETER);
        }
        match command.verb {
            Verb::Crcx => self.create(command, &local),
            Verb::Dlcx if self.osmo && local.contains('*') => simple(ReturnCode::OK),
            Verb::Dlcx => self.delete(command, &local),
            Verb::Auep if self.osmo => simple(ReturnCode::UNKNOWN_ENDPOINT),
            Verb::Auep if self.is_idle_relay(&local) => simple(ReturnCode::OK),
            Verb::Auep if local == "*" && self.tells.is_none() => simple(ReturnCode::OK),
            Verb::Auep if command.parameters.contains(ba("F")) => self.count_all(command),
            Verb::Auep if local.contains(['*', '[']) => self.list(command),
            _ => match self.endpoints.get_mut(&local) {
                None => simple(ReturnCode::UNKNOWN_ENDPOINT),
                Some(endpoint) => match command.verb {
                    Verb::Rqnt => simple(self.request(now, command, &local)),
                    Verb::Auep if command.parameters.get(ParameterCode::RequestedInfo) == Some("A, PL") => {
                        let answer = ResponseBuilder::new(ReturnCode::OK, id);
                        let Some((packages, abilities)) = self.tells else { return answer.finish() };
                        let answer = answer.parameter(ParameterCode::Capabilities, abilities).unwrap();
                        answer.parameter(ParameterCode::PackageList, packages).unwrap().finish()
                    }
                    Verb::Auep if !self.tells_hook && asks_for_the_hook(command) => {
                        simple(ReturnCode::PROTOCOL_ERROR)
                    }
                    Verb::Auep if asks_for_the_hook_alone(command) && local.starts_with("ds/") => {
                        let states: Vec<_> =
                            endpoint.states.iter().map(|state| SignalBuf::parse(state).unwrap()).collect();
                        ResponseBuilder::new(ReturnCode::OK, id).event_states(&states).finish()
                    }
                    Verb::Auep => {
                        let ids = endpoint.connections.keys();
                        let ids: Vec<_> = ids.map(|id| ConnectionIdBuf::parse(id).unwrap()).collect();
                        let ids: Vec<_> = ids.iter().map(ConnectionIdBuf::as_view).collect();
                        let on = endpoint.steady.iter().flat_map(|signal| SignalBuf::parse(signal));
                        let on = on.collect::<Vec<_>>();
                        let answer =
                            ResponseBuilder::new(ReturnCode::OK, id).connection_ids(&ids).signal_list(&on);
                        let hook = SignalBuf::parse(if endpoint.off_hook { "L/hd" } else { "L/hu" }).unwrap();
                        match asks_for_the_hook(command) {
                            true => answer.event_states(&[hook]).finish(),
                            false => answer.finish(),
                        }
                    }
                    Verb::Mdcx => self.modify(command, &local),
                    Verb::Aucx => self.audit(command, &local),
                    other => panic!("a call agent does not send {other:?}"),
                },
            },
        }
    }

    /// Relays that have never been used are not among the endpoints.
    fn is_idle_relay(&self, local: &str) -> bool {
        let number = local.strip_prefix("relay/").and_then(|number| number.parse::<usize>().ok());
        !self.endpoints.contains_key(local) && number.is_some_and(|n| (1..=self.relays).contains(&n))
    }

    /// How many connections each of the endpoints has, and whether it gives an on-off signal; of three at a time.
    fn count_all(&self, command: &Command<'_>) -> Vec<u8> {
        let start = command.parameters.get(ba("SE"));
        let named = |name: &&String| {
            let name = EndpointNameBuf::from_parts(name, &self.domain).unwrap();
            command.endpoint.covers(name.as_name())
        };
        let meant =
            self.endpoints.keys().filter(named).skip_while(|name| start.is_some_and(|at| at != *name));
        let meant: Vec<_> = meant.collect();
        let mut answer = ResponseBuilder::new(ReturnCode::OK, command.transaction_id);
        for name in meant.iter().take(3) {
            let endpoint = &self.endpoints[*name];
            let state = if endpoint.steady.is_empty() { "F" } else { "T" };
            answer = answer.parameter(ba("EL"), name).unwrap();
            answer = answer.parameter(ba("C"), &format!("{:X}", endpoint.connections.len())).unwrap();
            answer = answer.parameter(ba("S"), state).unwrap();
        }
        match meant.get(3) {
            Some(next) => answer.parameter(ba("NE"), next).unwrap().finish(),
            None => answer.finish(),
        }
    }

    /// The names of all endpoints that a wildcard means.
    fn list(&self, command: &Command<'_>) -> Vec<u8> {
        let relays = (1..=self.relays).map(|relay| format!("relay/{relay}"));
        let names = self.endpoints.keys().cloned().chain(relays).collect::<BTreeSet<_>>();
        let names = names.iter().map(|name| EndpointNameBuf::from_parts(name, &self.domain).unwrap());
        let in_range = |name: &EndpointNameBuf| {
            let mut terms = command.endpoint.terms().zip(name.as_name().terms());
            terms.all(|(wanted, own)| match (wanted.range(), own) {
                (Some(range), Term::Name(own)) => own.parse().is_ok_and(|number| range.contains(number)),
                _ => wanted == own,
            })
        };
        let meant: Vec<_> =
            names.filter(|name| command.endpoint.covers(name.as_name()) || in_range(name)).collect();
        let answer = ResponseBuilder::new(ReturnCode::OK, command.transaction_id);
        meant.iter().fold(answer, |answer, name| answer.specific_endpoint(name.as_name())).finish()
    }

    fn request(&mut self, now: Time, command: &Command<'_>, local: &str) -> ReturnCode {
        let events: Vec<String> = command
            .requested_events()
            .iter()
            .flat_map(|events| events.iter())
            .map(|event| event.name.to_string().to_ascii_lowercase())
            .collect();
        let signals: Vec<String> =
            command.signal_requests().iter().flat_map(|s| s.iter()).map(|s| s.to_string()).collect();
        let endpoint = self.endpoints.get_mut(local).unwrap();
        let wants = |name: &str| events.iter().any(|event| event == name);
        let plays = |name: &str| signals.iter().any(|signal| signal.starts_with(name));
        if self.checks_hook && endpoint.off_hook && (wants("l/hd") || plays("L/rg")) {
            return ReturnCode::OFF_HOOK;
        }
        let tones = ["L/dl", "L/bz", "L/ro", "L/sit", "L/ot", "G/rt"];
        // A circuit has no hook.
        let is_line = !local.starts_with("ds/");
        if self.checks_hook
            && is_line
            && !endpoint.off_hook
            && (wants("l/hu") || tones.iter().any(|tone| plays(tone)))
        {
            return ReturnCode::ON_HOOK;
        }
        if let Some(map) = command.digit_map() {
            endpoint.map = Some(DigitMap::compile(map, &Limits::default()).unwrap());
        }
        endpoint.request_id = command.request_id().unwrap().as_str().to_owned();
        endpoint.events = events;
        endpoint.heard.extend(signals.iter().cloned());
        let (steady, passing): (Vec<_>, Vec<_>) =
            signals.into_iter().partition(|signal| signal.contains("/ht"));
        for signal in steady {
            let name = signal.trim_end_matches("(-)").to_owned();
            endpoint.steady.retain(|known| *known != name);
            if !signal.ends_with("(-)") {
                endpoint.steady.push(name);
            }
        }
        endpoint.signals = passing;
        endpoint.dialled.clear();
        endpoint.stepped = false;
        endpoint.loops = command
            .parameters
            .get(ParameterCode::QuarantineHandling)
            .is_some_and(|handling| handling.contains("loop"));
        if endpoint.signals.iter().any(|signal| signal.starts_with("D/")) {
            // A tone and its silence take 95 ms at least; what comes sooner waits, and may be dropped.
            let soon = endpoint.played.replace(now).is_some_and(|at| now.since(at).as_millis() < 95);
            assert!(!soon, "a key comes before the last is over");
        }
        self.report_key(now, local);
        ReturnCode::OK
    }

    fn sdp(&self, port: u16) -> Vec<u8> {
        let host = &self.media_host;
        format!(
            "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n\
             a=ptime:20\r\n"
        )
        .into_bytes()
    }

    fn create(&mut self, command: &Command<'_>, local: &str) -> Vec<u8> {
        let id = command.transaction_id;
        let any = if self.osmo { "rtpbridge/*" } else { "relay/$" };
        let place = if local == any {
            let free = (1..=self.relays).map(|relay| format!("{}{relay}", &any[..any.len() - 1]));
            let mut free = free.filter(|r| self.endpoints.get(r).is_none_or(|e| e.connections.is_empty()));
            let Some(place) = free.next() else {
                return ResponseBuilder::new(ReturnCode::NO_ENDPOINT_AVAILABLE, id).finish();
            };
            place
        } else {
            local.to_owned()
        };
        let mode = command.mode().unwrap().keyword().to_owned();
        if mode == "sendrecv" && command.sdp.is_none() {
            return ResponseBuilder::new(ReturnCode::NO_REMOTE_DESCRIPTOR, id).finish();
        }
        self.next_port += 2;
        let port = self.next_port;
        let connection = Connection {
            call: command.call_id().unwrap().as_str().to_owned(),
            mode,
            options: command
                .parameters
                .get(ParameterCode::LocalConnectionOptions)
                .unwrap_or_default()
                .to_owned(),
            port,
            remote: command.sdp.map(port_of),
        };
        let connection_id = format!("{port:X}");
        if local != any && !self.endpoints.contains_key(local) {
            return ResponseBuilder::new(ReturnCode::UNKNOWN_ENDPOINT, id).finish();
        }
        self.endpoints
            .entry(place.clone())
            .or_default()
            .connections
            .insert(connection_id.clone(), connection);
        let (connection_id, sdp) = (ConnectionIdBuf::parse(&connection_id).unwrap(), self.sdp(port));
        let mut answer = ResponseBuilder::new(ReturnCode::OK, id).connection_id(connection_id.as_view());
        let specific = EndpointNameBuf::from_parts(&place, &self.domain).unwrap();
        if local == any {
            answer = answer.specific_endpoint(specific.as_name());
        }
        answer.sdp(&sdp).finish()
    }

    fn modify(&mut self, command: &Command<'_>, local: &str) -> Vec<u8> {
        let id = command.transaction_id;
        let connection_id = command.connection_id().unwrap().as_str().to_ascii_uppercase();
        let moved = self.moves_port.then(|| {
            self.next_port += 2;
            self.next_port
        });
        let endpoint = self.endpoints.get_mut(local).unwrap();
        let Some(connection) = endpoint.connections.get_mut(&connection_id) else {
            return ResponseBuilder::new(ReturnCode::CONNECTION_ID, id).finish();
        };
        assert_eq!(connection.call, command.call_id().unwrap().as_str());
        if let Some(mode) = command.mode() {
            connection.mode = mode.keyword().to_owned();
        }
        if let Some(sdp) = command.sdp {
            connection.remote = Some(port_of(sdp));
        }
        let answer = ResponseBuilder::new(ReturnCode::OK, id);
        match moved {
            Some(port) => {
                self.moves_port = false;
                connection.port = port;
                let sdp = self.sdp(port);
                answer.sdp(&sdp).finish()
            }
            None => answer.finish(),
        }
    }

    fn audit(&self, command: &Command<'_>, local: &str) -> Vec<u8> {
        let id = command.transaction_id;
        let connection = command.connection_id().unwrap().as_str().to_ascii_uppercase();
        let Some(connection) = self.endpoints[local].connections.get(&connection) else {
            return ResponseBuilder::new(ReturnCode::CONNECTION_ID, id).finish();
        };
        let call = CallIdBuf::parse(&connection.call).unwrap();
        let sdp = self.sdp(connection.port);
        let answer = ResponseBuilder::new(ReturnCode::OK, id).call_id(call.as_view());
        let asked: Vec<_> = command.requested_info().iter().flat_map(|info| info.iter()).collect();
        if !asked.contains(&ParameterCode::ConnectionMode) {
            return answer.finish();
        }
        answer.mode(ConnectionMode::parse(&connection.mode).unwrap()).sdp(&sdp).finish()
    }

    fn delete(&mut self, command: &Command<'_>, local: &str) -> Vec<u8> {
        let id = command.transaction_id;
        let done = |code| ResponseBuilder::new(code, id);
        if let Some(connection) = command.connection_id() {
            let connection = connection.as_str().to_ascii_uppercase();
            let endpoint = self.endpoints.get_mut(local).unwrap();
            if endpoint.connections.remove(&connection).is_none() {
                return done(ReturnCode::CONNECTION_ID).finish();
            }
            let statistics =
                ConnectionStatistics { packets_sent: 100, packets_received: 99, ..Default::default() };
            return done(ReturnCode::CONNECTION_DELETED).connection_parameters(&statistics).finish();
        }
        let call = command.call_id().map(|call| call.as_str().to_owned());
        let pattern = command.endpoint;
        for (name, endpoint) in &mut self.endpoints {
            let name = EndpointNameBuf::from_parts(name, &self.domain).unwrap();
            if pattern.covers(name.as_name()) {
                endpoint.connections.retain(|_, c| call.as_ref().is_some_and(|call| *call != c.call));
            }
        }
        done(ReturnCode::OK).finish()
    }

    fn send(&mut self, now: Time, build: impl FnOnce(TransactionId) -> Vec<u8>) {
        let id = self.next_id;
        self.next_id += 1;
        let bytes = build(TransactionId::new(id).unwrap());
        self.waiting.insert(id, (bytes.clone(), now + REPETITION, 0));
        self.out.push(bytes);
    }

    /// Notifies these events, if the endpoint may.
    fn notify(&mut self, now: Time, local: &str, events: &[String]) {
        let domain = self.domain.clone();
        let endpoint = self.endpoints.get_mut(local).unwrap();
        if endpoint.stepped || endpoint.request_id.is_empty() {
            return;
        }
        endpoint.stepped = !endpoint.loops;
        endpoint.signals.clear();
        endpoint.dialled.clear();
        let request = RequestIdBuf::parse(&endpoint.request_id).unwrap();
        let observed: Vec<_> = events.iter().map(|event| SignalBuf::parse(event).unwrap()).collect();
        let name = EndpointNameBuf::from_parts(local, &domain).unwrap();
        self.send(now, |id| {
            let command = CommandBuilder::new(Verb::Ntfy, id, name.as_name(), &Dialect::RFC3435);
            command.request_id(request.as_view()).observed_events(&observed).finish()
        });
    }

    /// A circuit has seen this.
    pub(crate) fn tell(&mut self, now: Time, local: &str, events: &[&str]) {
        let events: Vec<_> = events.iter().map(|event| (*event).to_owned()).collect();
        self.notify(now, local, &events);
    }

    fn watches(&self, local: &str, event: &str) -> bool {
        self.endpoints[local].events.iter().any(|watched| watched == event)
    }

    pub(crate) fn hook(&mut self, now: Time, local: &str, off: bool) {
        let endpoint = self.endpoints.get_mut(local).unwrap();
        assert_ne!(endpoint.off_hook, off, "the hook of {local} is there already");
        endpoint.off_hook = off;
        let event = if off { "L/hd" } else { "L/hu" };
        if self.watches(local, &event.to_ascii_lowercase()) {
            let dialled = self.endpoints[local].dialled.chars().map(|key| format!("D/{key}"));
            let events: Vec<_> = dialled.chain([event.to_owned()]).collect();
            self.notify(now, local, &events);
        }
    }

    /// Flashes the hook.
    pub(crate) fn flash(&mut self, now: Time, local: &str) {
        assert!(self.endpoints[local].off_hook, "the hook of {local} cannot be flashed");
        if self.watches(local, "l/hf") {
            self.notify(now, local, &["L/hf".to_owned()]);
        }
    }

    /// Dials keys; `T` lets the digit timer expire.
    pub(crate) fn dial(&mut self, now: Time, local: &str, keys: &str) {
        for key in keys.chars() {
            let endpoint = self.endpoints.get_mut(local).unwrap();
            if endpoint.stepped || !endpoint.events.iter().any(|event| event == "d/[0-9*#t]") {
                continue;
            }
            endpoint.signals.clear();
            endpoint.dialled.push(key);
            let dialled = endpoint.dialled.clone();
            let symbols = dialled.chars().map(|key| DialSymbol::new(key).unwrap());
            let (state, _) = endpoint.map.as_ref().unwrap().dial(symbols);
            if !matches!(state, MatchState::Partial { .. }) {
                let events: Vec<_> = dialled.chars().map(|key| format!("D/{key}")).collect();
                self.notify(now, local, &events);
            }
        }
    }

    /// A key is pressed in a talk.
    pub(crate) fn key(&mut self, now: Time, local: &str, key: char) {
        if self.endpoints[local].events.iter().any(|event| event == "d/[0-9*#]") {
            self.endpoints.get_mut(local).unwrap().kept.push(key);
            self.report_key(now, local);
        }
    }

    /// Reports the first of the keys that are kept, if they are asked for.
    fn report_key(&mut self, now: Time, local: &str) {
        let endpoint = self.endpoints.get_mut(local).unwrap();
        if !endpoint.events.iter().any(|event| event == "d/[0-9*#]") {
            endpoint.kept.clear();
        } else if !endpoint.stepped && !endpoint.kept.is_empty() {
            let key = endpoint.kept.remove(0);
            self.notify(now, local, &[format!("D/{key}")]);
        }
    }

    /// The signal that is being played runs out.
    pub(crate) fn signal_ends(&mut self, now: Time, local: &str) {
        let ended = std::mem::take(&mut self.endpoints.get_mut(local).unwrap().signals);
        if self.watches(local, "l/oc") {
            self.notify(now, local, &[format!("L/oc({})", ended[0])]);
        }
    }

    pub(crate) fn restart(
        &mut self,
        now: Time,
        pattern: &str,
        method: RestartMethod<'static>,
        delay: Option<u32>,
    ) {
        let name = EndpointNameBuf::from_parts(pattern, &self.domain).unwrap();
        self.send(now, |id| {
            let command =
                CommandBuilder::new(Verb::Rsip, id, name.as_name(), &Dialect::RFC3435).restart_method(method);
            match delay {
                Some(seconds) => command.restart_delay(seconds).finish(),
                None => command.finish(),
            }
        });
    }

    /// Forgets everything, as a gateway that was switched off and on.
    pub(crate) fn power_cycle(&mut self) {
        for endpoint in self.endpoints.values_mut() {
            let off_hook = endpoint.off_hook;
            *endpoint = Endpoint { off_hook, ..Endpoint::default() };
        }
        self.answers.clear();
        self.waiting.clear();
        self.out.clear();
    }

    /// Gives up a connection by itself.
    pub(crate) fn drop_connection(&mut self, now: Time, local: &str) {
        let endpoint = self.endpoints.get_mut(local).unwrap();
        let (connection, state) = endpoint.connections.pop_first().unwrap();
        let name = EndpointNameBuf::from_parts(local, &self.domain).unwrap();
        let connection = ConnectionIdBuf::parse(&connection).unwrap();
        let call = strowger_mgcp::message::CallIdBuf::parse(&state.call).unwrap();
        self.send(now, |id| {
            CommandBuilder::new(Verb::Dlcx, id, name.as_name(), &Dialect::RFC3435)
                .call_id(call.as_view())
                .connection_id(connection.as_view())
                .finish()
        });
    }

    /// A notification for an endpoint that the exchange does not know.
    pub(crate) fn notify_as(&mut self, now: Time, name: EndpointName<'_>) {
        let hook = [SignalBuf::parse("L/hd").unwrap()];
        let request = RequestIdBuf::parse("0").unwrap();
        self.send(now, |id| {
            let command = CommandBuilder::new(Verb::Ntfy, id, name, &Dialect::RFC3435);
            command.request_id(request.as_view()).observed_events(&hook).finish()
        });
    }
}

fn asks_for_the_hook(command: &Command<'_>) -> bool {
    let asked = command.requested_info();
    asked.iter().flat_map(|info| info.iter()).any(|code| code == ParameterCode::EventStates)
}

fn asks_for_the_hook_alone(command: &Command<'_>) -> bool {
    command.verb == Verb::Auep && command.parameters.get(ParameterCode::RequestedInfo) == Some("ES")
}

fn ba(name: &'static str) -> ParameterCode<'static> {
    ParameterCode::Package { package: "BA", name }
}

pub(crate) fn port_of(sdp: &[u8]) -> u16 {
    let text = String::from_utf8(sdp.to_vec()).unwrap();
    let line = text.lines().find(|line| line.starts_with("m=audio")).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}
