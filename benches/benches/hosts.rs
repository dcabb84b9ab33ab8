//! Transactions of Megaco over loopback UDP that the product's own hosts answer: a running exchange (as `strowger run` starts it) that is told of
//! hooks, and a running software gateway (as `strowger gateway megaco` does) that is audited. Rows with `awake` have `busy_poll = 50` there.
//!
//! Who asks is this bench, with the transaction layer of the crate and a socket that it never sleeps at, so that what is measured beside it is the
//! host: its loop, its sockets, its engine. The hooks are of lines that the exchange has and under requests that it has not, so that each is
//! read, looked up and answered, and changes nothing.
//!
//! `cargo bench -p strowger-benches --bench hosts`; a word behind `--` runs only the rows with it in their names.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::error::Error;
use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use strowger_megaco::ErrorCode;
use strowger_megaco::gateway::GatewayConfig;
use strowger_megaco::message::{Action, Body, Caseless, ErrorDescriptor, Mid, ReplyResult, Transaction};
use strowger_megaco::text::{self, Layout};
use strowger_megaco::transaction::{
    Dialect, Event, Form, PeerConfig, PeerId, Route, TransactionIds, TransactionLimits, TransactionTimers,
    Transactions,
};
use strowger_node::clock::Clock;
use strowger_node::gateway::{GatewayHost, HostConfig, Observer};
use strowger_node::{Config, Node};
use strowger_sansio::{Rng, Time};
use strowger_softgateway::{MegacoConfig, SoftGatewayConfig};

type Failure = Box<dyn Error + Send + Sync>;

/// How long a row is measured.
const SPAN: Duration = Duration::from_secs(3);
/// How long a host may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);
/// The lines of the exchange: as many as there are requests outstanding.
const LINES: usize = 32;

struct Nobody;

impl Observer for Nobody {
    fn event(&mut self, _: strowger_softgateway::Event) {}
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Exchange,
    Gateway,
}

#[derive(Clone, Copy)]
struct Load {
    host: Host,
    form: Form,
    outstanding: usize,
    awake: Duration,
}

impl Load {
    fn name(self) -> String {
        let host = if self.host == Host::Exchange { "exchange, Notify" } else { "gateway, AuditValue" };
        let form = match self.form {
            Form::Text(Layout::Pretty) => "pretty",
            Form::Text(_) => "compact",
            Form::Binary => "ber",
        };
        let awake = if self.awake.is_zero() { "" } else { ", awake" };
        format!("{host}, {form}, {} outstanding{awake}", self.outstanding)
    }
}

/// The other side of a host.
struct Client {
    socket: UdpSocket,
    layer: Transactions<(usize, Instant)>,
    peer: PeerId,
    start: Instant,
    inbox: Vec<u8>,
}

/// What came of a look at the socket: which requests were answered, and whether a gateway registered.
#[derive(Default)]
struct Heard {
    answered: Vec<(usize, Instant)>,
    is_registered: bool,
}

const ACCEPTED: &str = "!/1 <town>\nP=1{C=-{SC=ROOT{SV{V=1}}}}";

impl Client {
    fn new(load: Load, socket: UdpSocket, name: &str, to: SocketAddr) -> Self {
        let mut rng = Rng::from_number(2);
        let ids = TransactionIds::alone(&mut rng);
        let mid = Mid::Domain(Caseless::new(name), None).into();
        let (timers, limits) = (TransactionTimers::default(), TransactionLimits::default());
        let mut layer = Transactions::new(mid, timers, limits, ids, rng);
        let dialect = Dialect { form: load.form, ..Dialect::default() };
        let peer = layer.add_peer(PeerConfig { dialect, ..PeerConfig::at(Route::udp(to)) });
        Self { socket, layer, peer, start: Instant::now(), inbox: vec![0; 65_536] }
    }

    fn now(&self) -> Time {
        Time::from_nanos(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn flush(&mut self) {
        let now = self.now();
        while let Some(out) = self.layer.poll_transmit(now) {
            // What is lost is sent again.
            let _ = self.socket.send_to(&out.payload, out.to);
        }
    }

    /// Takes what has come, and answers what is asked.
    fn look(&mut self) -> Result<Heard, Failure> {
        let mut heard = Heard::default();
        let now = self.now();
        if self.layer.poll_timeout().is_some_and(|due| due <= now) {
            self.layer.handle_timeout(now);
        }
        while let Ok((length, from)) = self.socket.recv_from(&mut self.inbox) {
            let bytes = self.inbox.get(..length).unwrap_or_default();
            let Some(accepted) = self.layer.accept(now, Route::udp(from), bytes) else { continue };
            for event in self.layer.handle_input(now, &accepted) {
                match event {
                    Event::Reply { tag, .. } => heard.answered.push(tag),
                    Event::Request { token, actions, .. } if is_registration(&actions) => {
                        let message = text::decode(ACCEPTED.as_bytes(), &text::Options::DEFAULT)?;
                        let Body::Transactions(transactions) = message.body else { continue };
                        for transaction in transactions {
                            if let Transaction::Reply(reply) = transaction {
                                self.layer.respond(now, token, reply.result)?;
                                heard.is_registered = true;
                                break;
                            }
                        }
                    }
                    Event::Request { token, .. } => {
                        let error = ErrorDescriptor { code: ErrorCode::NOT_IMPLEMENTED, text: None };
                        self.layer.respond(now, token, ReplyResult::Error(error))?;
                    }
                    _ => {}
                }
            }
        }
        self.flush();
        Ok(heard)
    }

    fn ask(&mut self, text: &str, place: usize) -> Result<(), Failure> {
        let message = text::decode(text.as_bytes(), &text::Options::DEFAULT)?;
        let Body::Transactions(transactions) = message.body else { return Err("no request".into()) };
        let Some(Transaction::Request(request)) = transactions.into_iter().next() else {
            return Err("no request".into());
        };
        let now = self.now();
        self.layer.request(now, self.peer, request.actions, (place, Instant::now()))?;
        Ok(())
    }
}

fn is_registration(actions: &[Action<'_>]) -> bool {
    use strowger_megaco::message::CommandBody;
    let first = actions.first().and_then(|action| action.commands.first());
    first.is_some_and(|command| matches!(command.body, CommandBody::ServiceChange(..)))
}

/// A running host.
enum Running {
    Exchange(Box<Node>),
    Gateway(GatewayHost),
}

fn free() -> Result<UdpSocket, Failure> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn exchange(load: Load) -> Result<(Client, Running), Failure> {
    let socket = free()?;
    let listen = if load.form == Form::Binary { "megaco_binary" } else { "megaco_text" };
    let encoding = if load.form == Form::Binary { "binary" } else { "compact" };
    let mut config = format!(
        "[exchange]\nname = \"town\"\n[listen]\n{listen} = \"127.0.0.1:0\"\nbusy_poll = {}\n[store]\nkind = \"memory\"\n\
         [limits]\ngateway_rate = 1000000\ngateway_burst = 1000000\n[[gateway]]\nid = \"gw1\"\nprotocol = \"megaco\"\n\
         address = \"{}\"\nmid = \"<gw1.town>\"\nencoding = \"{encoding}\"\n",
        load.awake.as_micros(),
        socket.local_addr()?
    );
    for line in 1..=LINES {
        let number = 2000 + line;
        writeln!(
            config,
            "[[line]]\nnumber = \"{number}\"\ngateway = \"gw1\"\nendpoint = \"{}\"",
            name(line)
        )?;
    }
    let node = Node::start(Config::parse("bench.toml", &config)?.0, Vec::new())?;
    let to = if load.form == Form::Binary { node.megaco_binary() } else { node.megaco_text() };
    let mut client = Client::new(load, socket, "gw1.town", to.ok_or("no port")?);
    client.ask("!/1 <gw1.town>\nT=1{C=-{SC=ROOT{SV{MT=RS,RE=\"901 Cold Boot\",V=1}}}}", 0)?;
    client.flush();
    let end = Instant::now() + PATIENCE;
    while client.look()?.answered.is_empty() {
        if Instant::now() > end {
            return Err("the exchange does not answer a registration".into());
        }
    }
    Ok((client, Running::Exchange(Box::new(node))))
}

fn gateway(load: Load) -> Result<(Client, Running), Failure> {
    let socket = free()?;
    let at = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    let mid = Mid::Domain(Caseless::new("gw1.town"), None).into();
    let dialect = Dialect { form: load.form, ..Dialect::default() };
    let controller = PeerConfig { dialect, ..PeerConfig::at(Route::udp(socket.local_addr()?)) };
    let mut config = GatewayConfig::new(mid).with_lines(2).with_controller(controller);
    config.waiting_delay = Duration::ZERO;
    let host = HostConfig {
        listen: at,
        rtp_ports: None,
        connections: 8,
        recordings: None,
        busy_poll: load.awake,
        gateway: SoftGatewayConfig::megaco(MegacoConfig { gateway: config, since_1970: None }),
    };
    let mut client = Client::new(load, socket, "town", at);
    let host = GatewayHost::start(host, Clock::start(), Rng::from_number(1), Box::new(Nobody))?;
    let end = Instant::now() + PATIENCE;
    while !client.look()?.is_registered {
        if Instant::now() > end {
            return Err("the gateway does not register".into());
        }
    }
    Ok((client, Running::Gateway(host)))
}

/// The name of a line in the form that the binary one has without a plan.
fn name(line: usize) -> String {
    format!("00000001/00000010/{line:08b}")
}

fn run(load: Load) -> Result<(), Failure> {
    let (mut client, host) = match load.host {
        Host::Exchange => exchange(load)?,
        Host::Gateway => gateway(load)?,
    };
    let request = |place: usize| match load.host {
        Host::Exchange => {
            format!("!/1 <gw1.town>\nT=1{{C=-{{N={}{{OE=4000000{{al/on}}}}}}}}", name(place + 1))
        }
        Host::Gateway => "!/1 <town>\nT=1{C=-{AV=ROOT{AT{}}}}".to_owned(),
    };
    let requests: Vec<String> = (0..load.outstanding).map(request).collect();
    for (place, request) in requests.iter().enumerate() {
        client.ask(request, place)?;
    }
    client.flush();
    let (began, mut times) = (Instant::now(), Vec::with_capacity(1 << 20));
    while began.elapsed() < SPAN {
        for (place, asked) in client.look()?.answered {
            times.push(asked.elapsed());
            if let Some(request) = requests.get(place) {
                client.ask(request, place)?;
            }
        }
        client.flush();
    }
    times.sort_unstable();
    let of = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let rate = times.len() as f64 / SPAN.as_secs_f64();
    println!("{:50} {rate:9.0}/s, p50 {:?}, p99 {:?}", load.name(), of(50), of(99));
    match host {
        Running::Exchange(node) => drop(node.stop(Duration::ZERO)),
        Running::Gateway(host) => host.stop()?,
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for host in [Host::Exchange, Host::Gateway] {
        for form in [Form::Text(Layout::Pretty), Form::Text(Layout::Compact), Form::Binary] {
            for awake in [Duration::ZERO, Duration::from_micros(50)] {
                for outstanding in [1, LINES] {
                    let load = Load { host, form, outstanding, awake };
                    if wanted.as_ref().is_none_or(|wanted| load.name().contains(wanted)) {
                        run(load)?;
                    }
                }
            }
        }
    }
    Ok(())
}
