//! The stage: an agent with some gateways of which the test plays the part.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use strowger_mgcp::agent::{
    Agent, AgentConfig, CreateConnection, DeleteConnection, Event, Failure, GatewayConfig, GatewayId,
    ModifyConnection, NotificationRequest, Outcome,
};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{
    CallIdBuf, ConnectionIdBuf, ConnectionMode, EndpointNameBuf, NotifiedEntityBuf, RequestedEventBuf,
};
use strowger_sansio::{Epoch, NodeId, Rng, Time};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A datagram that the agent sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Time,
    pub(crate) to: SocketAddr,
    pub(crate) text: String,
}

impl Sent {
    /// The first word: verb, or return code.
    pub(crate) fn word(&self) -> &str {
        self.text.split(' ').next().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.text.split(' ').nth(1).unwrap().trim().parse().unwrap()
    }

    pub(crate) fn endpoint(&self) -> &str {
        self.text.split(' ').nth(2).unwrap()
    }

    /// The value of a parameter.
    pub(crate) fn field(&self, code: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        head.lines().skip(1).find_map(|line| line.strip_prefix(code)?.strip_prefix(':')).map(str::trim)
    }
}

pub(crate) type Script = Box<dyn FnMut(&Sent) -> Option<String>>;

pub(crate) struct Stage {
    pub(crate) now: Time,
    pub(crate) agent: Agent<u32>,
    pub(crate) events: Vec<Event<u32>>,
    /// Sent and not yet looked at.
    pub(crate) sent: Vec<Sent>,
    /// How many datagrams were ever sent.
    pub(crate) total: usize,
    /// Gateways that answer by themselves, at once.
    pub(crate) scripts: BTreeMap<SocketAddr, Script>,
}

pub(crate) fn address(gateway: u32) -> SocketAddr {
    SocketAddr::from(([127, 0, (gateway / 200) as u8 + 1, (gateway % 200) as u8], 2427))
}

pub(crate) fn domain(gateway: u32) -> String {
    format!("gw{gateway}.town")
}

pub(crate) fn config() -> AgentConfig {
    AgentConfig::new(NotifiedEntityBuf::parse("ca@town.example:2727"))
}

impl Stage {
    /// Gateways 1 to `count`, none of which has spoken.
    pub(crate) fn silent(count: u32) -> Self {
        Self::with(config(), count, Dialect::RFC3435)
    }

    pub(crate) fn with(config: AgentConfig, count: u32, dialect: Dialect) -> Self {
        let mut stage = Self {
            now: Time::from_secs(100),
            agent: Agent::new(config, NodeId(3), Epoch(5), Rng::from_number(42)),
            events: Vec::new(),
            sent: Vec::new(),
            total: 0,
            scripts: BTreeMap::new(),
        };
        for number in 1..=count {
            let gateway =
                GatewayConfig::new(GatewayId(number), vec![address(number)], &domain(number), dialect);
            stage.agent.add_gateway(stage.now, gateway).unwrap();
        }
        stage
    }

    /// Gateways 1 to `count`, all up, with nothing left to look at.
    pub(crate) fn up(count: u32) -> Self {
        let mut stage = Self::silent(count);
        for number in 1..=count {
            stage.restart(number);
        }
        stage.sent.clear();
        stage.events.clear();
        stage
    }

    pub(crate) fn restart(&mut self, gateway: u32) {
        let text = format!("RSIP {} *@{} MGCP 1.0\r\nRM: restart\r\n", 900_000 + gateway, domain(gateway));
        self.says(gateway, &text);
    }

    /// Gateway 1 has been cut off and is back.
    pub(crate) fn restart_disconnected(&mut self) {
        self.says(1, "RSIP 800000 *@gw1.town MGCP 1.0\r\nRM: disconnected\r\nRD: 25\r\n");
    }

    /// A gateway sends a datagram.
    pub(crate) fn says(&mut self, gateway: u32, text: &str) {
        self.arrives(address(gateway), text.as_bytes());
    }

    pub(crate) fn arrives(&mut self, from: SocketAddr, bytes: &[u8]) {
        self.agent.handle_input(self.now, from, bytes);
        self.collect();
    }

    /// A gateway answers a command of the agent.
    pub(crate) fn answers(&mut self, gateway: u32, command: &Sent, code: &str, rest: &str) {
        self.says(gateway, &format!("{code} {} \r\n{rest}", command.id()));
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(next) = self.agent.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(next);
            self.agent.handle_timeout(self.now);
            self.collect();
        }
        self.now = end;
    }

    pub(crate) fn collect(&mut self) {
        loop {
            while let Some(event) = self.agent.poll_event() {
                self.events.push(event);
            }
            let Some(transmit) = self.agent.poll_transmit() else { return };
            let text = String::from_utf8(transmit.payload).unwrap();
            let sent = Sent { at: self.now, to: transmit.to, text };
            self.total += 1;
            let answer = self.scripts.get_mut(&sent.to).and_then(|script| script(&sent));
            let to = sent.to;
            self.sent.push(sent);
            if let Some(answer) = answer {
                self.agent.handle_input(self.now, to, answer.as_bytes());
            }
        }
    }

    /// The only datagram that was sent since the last look.
    pub(crate) fn one(&mut self) -> Sent {
        assert_eq!(self.sent.len(), 1, "{:#?}", self.sent);
        self.sent.pop().unwrap()
    }

    /// The datagrams sent since the last look.
    pub(crate) fn take(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The only event since the last look.
    pub(crate) fn event(&mut self) -> Event<u32> {
        assert_eq!(self.events.len(), 1, "{:#?}", self.events);
        self.events.pop().unwrap()
    }

    pub(crate) fn completed(&mut self, expected: u32) -> Outcome {
        match self.event() {
            Event::Completed { tag, outcome } if tag == expected => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn failed(&mut self, expected: u32) -> Failure {
        match self.event() {
            Event::Failed { tag, failure } if tag == expected => failure,
            other => panic!("{other:?}"),
        }
    }

    /// Events since the last look, in short.
    pub(crate) fn story(&mut self) -> Vec<String> {
        std::mem::take(&mut self.events)
            .into_iter()
            .map(|event| match event {
                Event::Completed { tag, .. } => format!("completed {tag}"),
                Event::Failed { tag, failure } => format!("failed {tag}: {failure}"),
                Event::Proceeding { tag, .. } => format!("proceeding {tag}"),
                Event::Notify { endpoint, .. } => format!("notify {endpoint}"),
                Event::GatewayUp { gateway, after_loss } => format!("up {} {after_loss}", gateway.0),
                Event::GatewayLost { gateway } => format!("lost {}", gateway.0),
                Event::EndpointsRestarted { endpoints, method, delay, .. } => {
                    format!("{method} {endpoints} {}", delay.as_secs())
                }
                Event::ConnectionDeletedByGateway { endpoint, .. } => format!("deleted {endpoint}"),
                Event::Lockstep { endpoints, .. } => format!("lockstep {endpoints}"),
                Event::Resolve { name, .. } => format!("resolve {name}"),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    pub(crate) fn endpoint(&self, gateway: u32, local: &str) -> EndpointNameBuf {
        self.agent.endpoint(GatewayId(gateway), local).unwrap()
    }

    pub(crate) fn rqnt(&mut self, gateway: u32, local: &str, request: NotificationRequest, tag: u32) {
        let endpoint = self.endpoint(gateway, local);
        self.agent.notification_request(self.now, GatewayId(gateway), &endpoint, request, tag);
        self.collect();
    }

    pub(crate) fn crcx(&mut self, gateway: u32, local: &str, create: CreateConnection, tag: u32) {
        let endpoint = self.endpoint(gateway, local);
        self.agent.create_connection(self.now, GatewayId(gateway), &endpoint, create, tag);
        self.collect();
    }

    pub(crate) fn mdcx(&mut self, gateway: u32, local: &str, connection: &str, tag: u32) {
        let endpoint = self.endpoint(gateway, local);
        let modify = ModifyConnection {
            call_id: call(),
            connection_id: ConnectionIdBuf::parse(connection).unwrap(),
            mode: Some(ConnectionMode::SendRecv),
            options: None,
            sdp: None,
            notification: None,
        };
        self.agent.modify_connection(self.now, GatewayId(gateway), &endpoint, modify, tag);
        self.collect();
    }

    pub(crate) fn dlcx(&mut self, gateway: u32, local: &str, connection: &str, tag: u32) {
        let endpoint = self.endpoint(gateway, local);
        let connection_id = ConnectionIdBuf::parse(connection).unwrap();
        let delete = DeleteConnection { call_id: call(), connection_id, notification: None };
        self.agent.delete_connection(self.now, GatewayId(gateway), &endpoint, delete, tag);
        self.collect();
    }

    pub(crate) fn dlcx_all(&mut self, gateway: u32, local: &str, call: Option<CallIdBuf>, tag: u32) {
        let endpoint = self.endpoint(gateway, local);
        self.agent.delete_connections(self.now, GatewayId(gateway), &endpoint, call, tag);
        self.collect();
    }

    /// An endpoint with a notification request that was carried out; its identifier.
    pub(crate) fn watch(&mut self, gateway: u32, local: &str) -> String {
        self.rqnt(gateway, local, off_hook(), 0);
        let command = self.sent.pop().unwrap();
        self.answers(gateway, &command, "200", "");
        self.events.clear();
        command.field("X").unwrap().to_owned()
    }
}

pub(crate) fn call() -> CallIdBuf {
    CallIdBuf::parse("ca11").unwrap()
}

/// A request for the off-hook event.
pub(crate) fn off_hook() -> NotificationRequest {
    NotificationRequest {
        events: vec![RequestedEventBuf::parse("L/hd(N)").unwrap()],
        ..NotificationRequest::default()
    }
}

pub(crate) fn create() -> CreateConnection {
    CreateConnection {
        call_id: call(),
        mode: ConnectionMode::RecvOnly,
        options: None,
        sdp: None,
        second_endpoint: None,
        notification: None,
    }
}

pub(crate) const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
