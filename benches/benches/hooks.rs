//! Hooks told over loopback UDP by a running software gateway to a running exchange, in Megaco: both ends are the product's own hosts, as
//! `strowger run` and `strowger gateway megaco` start them, and rows with `awake` have `busy_poll = 50` at both.
//!
//! Subscribers lift and put down their handsets as fast as the exchange answers: each hook is a Notify, and what the exchange wants of the
//! line then is a Modify in the other direction. What is measured is a Notify from the gateway's socket to its reply there. The bench reads each
//! message on the gateway's thread to know which that is, about a microsecond for each, and orders the next hook from a thread of its own.
//!
//! `cargo bench -p strowger-benches --bench hooks`; a word behind `--` runs only the rows with it in their names.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use strowger_megaco::binary::{self, ValueForm};
use strowger_megaco::gateway::GatewayConfig;
use strowger_megaco::message::{Body, Caseless, CommandBody, Mid, Transaction, TransactionId};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Coding, Dialect, Form, PeerConfig, Route};
use strowger_node::clock::Clock;
use strowger_node::gateway::{Datagram, Direction, GatewayHost, HostConfig, Observer};
use strowger_node::{Config, Node};
use strowger_sansio::{Rng, SocketId, Time};
use strowger_softgateway::{Event, MegacoConfig, Parser, SoftGatewayConfig, Step};

type Failure = Box<dyn Error + Send + Sync>;

/// How long a row is measured, behind a first second that is not.
const SPAN: Duration = Duration::from_secs(3);
const WARM: Duration = Duration::from_secs(1);
/// How long the gateway may take to be in service.
const PATIENCE: Duration = Duration::from_secs(20);
/// Names of terminations in binary: `aaln/1` and the streams of the gateway.
const NAMES: &str = "8:aaln,rtp,ds/24:number";

/// A row.
#[derive(Clone, Copy)]
struct Load {
    form: Form,
    lines: u32,
    awake: Duration,
}

impl Load {
    fn name(self) -> String {
        let awake = if self.awake.is_zero() { "" } else { ", awake" };
        format!("{}, {} lines{awake}", self.encoding(), self.lines)
    }

    fn encoding(self) -> &'static str {
        match self.form {
            Form::Text(Layout::Pretty) => "pretty",
            Form::Text(_) => "compact",
            Form::Binary => "binary",
        }
    }
}

/// Sees the gateway's messages: a Notify that leaves, and the reply that comes.
struct Witness {
    coding: Arc<Coding>,
    told: BTreeMap<TransactionId, (Time, String)>,
    answered: Sender<(String, Duration)>,
}

impl Observer for Witness {
    fn event(&mut self, _: Event) {}

    fn datagram(&mut self, datagram: Datagram<'_>) {
        if datagram.socket != SocketId::MAIN {
            return;
        }
        let Ok(message) = self.coding.decode(datagram.payload) else { return };
        let Body::Transactions(transactions) = &message.body else { return };
        for transaction in transactions {
            match (datagram.direction, transaction) {
                (Direction::Sent, Transaction::Request(request)) => {
                    let command = request.actions.first().and_then(|action| action.commands.first());
                    if let Some(CommandBody::Notify(notify)) = command.map(|command| &command.body) {
                        let line = notify.terminations.first.as_str().to_owned();
                        self.told.entry(request.id).or_insert((datagram.at, line));
                    }
                }
                (Direction::Received, Transaction::Reply(reply)) => {
                    if let Some((sent, line)) = self.told.remove(&reply.id) {
                        // The bench may have ended.
                        let _ = self.answered.send((line, datagram.at.since(sent)));
                    }
                }
                _ => {}
            }
        }
    }
}

/// A port that was free a moment ago.
fn free() -> Result<SocketAddr, Failure> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}

fn exchange(load: Load, gateway: SocketAddr) -> Result<(Node, SocketAddr), Failure> {
    let listen = if load.form == Form::Binary { "megaco_binary" } else { "megaco_text" };
    let names = if load.form == Form::Binary { format!("names = \"{NAMES}\"\n") } else { String::new() };
    let mut text = format!(
        "[exchange]\nname = \"town\"\n[listen]\n{listen} = \"127.0.0.1:0\"\nbusy_poll = {}\n[store]\nkind = \"memory\"\n\
         [limits]\ngateway_rate = 1000000\ngateway_burst = 1000000\n\
         [[gateway]]\nid = \"gw1\"\nprotocol = \"megaco\"\naddress = \"{gateway}\"\nmid = \"<gw1.town>\"\n\
         encoding = \"{}\"\n{names}",
        load.awake.as_micros(),
        load.encoding()
    );
    for line in 1..=load.lines {
        text.push_str(&format!(
            "[[line]]\nnumber = \"{}\"\ngateway = \"gw1\"\nendpoint = \"aaln/{line}\"\n",
            2000 + line
        ));
    }
    let (config, _) = Config::parse("bench.toml", &text)?;
    let node = Node::start(config, Vec::new())?;
    let address = if load.form == Form::Binary { node.megaco_binary() } else { node.megaco_text() };
    Ok((node, address.ok_or("no port")?))
}

fn coding() -> Result<Coding, Failure> {
    let plan = NAMES.parse().map_err(|_| "no plan of names")?;
    let binary = binary::Options { plan, values: ValueForm::Wrapped, ..binary::Options::default() };
    Ok(Coding { binary, ..Coding::default() })
}

fn gateway(
    load: Load,
    at: SocketAddr,
    controller: SocketAddr,
    answered: Sender<(String, Duration)>,
) -> Result<GatewayHost, Failure> {
    let coding = Arc::new(coding()?);
    let dialect = Dialect { form: load.form, ..Dialect::default() };
    let peer = PeerConfig { dialect, coding: Arc::clone(&coding), ..PeerConfig::at(Route::udp(controller)) };
    let mid = Mid::Domain(Caseless::new("gw1.town"), None).into();
    let mut config = GatewayConfig::new(mid).with_lines(load.lines).with_controller(peer);
    config.waiting_delay = Duration::ZERO;
    let host = HostConfig {
        listen: at,
        rtp_ports: None,
        connections: 8,
        recordings: None,
        busy_poll: load.awake,
        gateway: SoftGatewayConfig::megaco(MegacoConfig { gateway: config, since_1970: None }),
    };
    let witness = Witness { coding, told: BTreeMap::new(), answered };
    Ok(GatewayHost::start(host, Clock::start(), Rng::from_number(1), Box::new(witness))?)
}

fn step(text: &str) -> Result<Step, Failure> {
    Ok(Parser::new().line(text).map_err(|error| error.to_string())?.ok_or("no step")?)
}

fn run(load: Load) -> Result<(), Failure> {
    let (to, answers) = mpsc::channel();
    let at = free()?;
    let (node, controller) = exchange(load, at)?;
    let host = gateway(load, at, controller, to)?;
    let names: Vec<String> = (1..=load.lines).map(|line| format!("aaln/{line}")).collect();
    let mut hooks: BTreeMap<String, [Step; 2]> = BTreeMap::new();
    for name in &names {
        hooks.insert(name.clone(), [step(&format!("{name} off-hook"))?, step(&format!("{name} on-hook"))?]);
    }
    let mut lifted: BTreeMap<String, bool> = BTreeMap::new();
    let mut turn = |name: &str| {
        let is_off = lifted.entry(name.to_owned()).or_default();
        if let Some(own) = hooks.get(name) {
            host.step(if *is_off { own[1].clone() } else { own[0].clone() });
            *is_off = !*is_off;
        }
    };
    // A line is watched some time behind the gateway's registration; a handset that is lifted before is told of when it is.
    names.iter().for_each(|name| turn(name));
    let first = answers.recv_timeout(PATIENCE).map_err(|_| "the exchange has not taken the gateway")?;
    turn(&first.0);
    let warm = Instant::now() + WARM;
    let mut times = Vec::with_capacity(1 << 20);
    let (mut began, mut over) = (None, warm + SPAN);
    while Instant::now() < over {
        let Ok((name, took)) = answers.recv_timeout(Duration::from_millis(200)) else { continue };
        turn(&name);
        if Instant::now() < warm {
            continue;
        }
        if began.is_none() {
            began = Some(Instant::now());
            over = Instant::now() + SPAN;
        }
        times.push(took);
    }
    let span = began.map_or(SPAN, |began| began.elapsed());
    times.sort_unstable();
    let of = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "{:28} {:9.0} hooks/s, a Notify p50 {:?}, p99 {:?}",
        load.name(),
        times.len() as f64 / span.as_secs_f64(),
        of(50),
        of(99)
    );
    host.stop()?;
    node.stop(Duration::ZERO)?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for form in [Form::Text(Layout::Pretty), Form::Text(Layout::Compact), Form::Binary] {
        for awake in [Duration::ZERO, Duration::from_micros(50)] {
            for lines in [1, 32] {
                let load = Load { form, lines, awake };
                if wanted.as_ref().is_none_or(|wanted| load.name().contains(wanted)) {
                    run(load)?;
                }
            }
        }
    }
    Ok(())
}
