//! A node: opens what the configuration names, starts the shard and the console on threads of their own, and stops them
//! in order.
//!
//! Opening is all or nothing: a node that cannot do all that its configuration says does not start.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use strowger_exchange::{Exchange, GatewayProtocol, SipTransport};
use strowger_sansio::{Epoch, NodeId, Rng};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::config::{Config, StoreConfig};
use crate::console::{Console, Source};
use crate::dns;
use crate::ledger::{Ledger, LedgerError, Restored, Settings};
use crate::megaco::{Addresses, Ports};
use crate::messaging::{Messaging, MessagingWatch};
use crate::metrics::Registry;
use crate::names;
use crate::recording;
use crate::shard::{Observer, Parts, Request, Shard, Summary};
use crate::signals::Signals;
use crate::sip;
use crate::socket::Udp;
use crate::store::{self, Embedded, Memory, Store, StoreError};
use crate::view::{Directory, Picture};

/// Requests that wait for the shard: the console's few connections, and a stop.
const REQUESTS: usize = 64;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be opened.
    #[error("{what} {address} cannot be opened: {error}")]
    Listen {
        /// Which key of `[listen]`.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The store could not be opened.
    #[error("the store {path} cannot be opened: {error}")]
    Store {
        /// The file.
        path: String,
        /// Why.
        error: StoreError,
    },
    /// The capture file could not be opened.
    #[error("the capture {path} cannot be opened: {error}")]
    Capture {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// What the store holds could not be settled.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The push gateway did not start.
    #[error(transparent)]
    Push(#[from] strowger_messaging::push::StartError),
    /// Nor its server.
    #[error(transparent)]
    PushServer(#[from] strowger_messaging::http::ServerError),
    /// The MMSC did not start.
    #[error(transparent)]
    Mmsc(#[from] strowger_messaging::mmsc::MmscError),
    /// The system gave no randomness, thread or runtime.
    #[error("the system gave no {what}: {error}")]
    System {
        /// What.
        what: &'static str,
        /// What it said.
        error: std::io::Error,
    },
}

/// Why a node is no longer there.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A thread ended by a fault of ours; the log has its message.
    #[error("the shard ended by an internal fault")]
    Fault,
    /// The system's signals cannot be waited for.
    #[error("signals cannot be waited for")]
    Signals,
}

/// A running node.
pub struct Node {
    mgcp: Option<SocketAddr>,
    megaco: Addresses,
    sip: Option<SocketAddr>,
    sips: Option<SocketAddr>,
    console: Option<Console>,
    messaging: Option<Messaging>,
    requests: mpsc::Sender<Request>,
    thread: Option<JoinHandle<Summary>>,
    capture: Option<JoinHandle<()>>,
    ended: oneshot::Receiver<()>,
    restored: Restored,
    metrics: Registry,
    ready: Arc<AtomicBool>,
}

impl Node {
    /// Opens everything and starts. Observers are called on the call path, in this order.
    ///
    /// # Errors
    /// When an address, the store, a file or a resource of the system cannot be had. Nothing is left open then.
    pub fn start(config: Config, mut observers: Vec<Box<dyn Observer>>) -> Result<Self, StartError> {
        let metrics = Registry::new();
        let clock = Clock::with_past();
        let runtime = runtime()?;
        let mgcp = open_mgcp(&config, &runtime, &metrics)?;
        let mut megaco = open_megaco(&config, &runtime, &clock, &metrics)?;
        let megaco_locals = megaco.locals();
        let sip = open_sip(&config, &runtime, &clock, &metrics)?;
        let (sip_local, sips_local) = (sip.local(), sip.secure());
        let (mut ledger, restored) = open_ledger(&config, &metrics)?;
        let health = ledger.health();
        let local = mgcp.as_ref().map(Udp::local);
        let capture = match &config.capture {
            Some(capture) => {
                let names = party_names(&config, local);
                let (recorder, thread) = recording::start(capture, names, clock, &metrics)?;
                observers.push(Box::new(recorder));
                Some(thread)
            }
            None => None,
        };
        let (push, mmsc) = (config.push, config.mmsc);
        let messaging = match (push.is_some(), mmsc.is_some()) {
            (false, false) => None,
            _ => Some(Messaging::start(push.unwrap_or_default(), mmsc, &metrics)?),
        };
        let watch = messaging.as_ref().map_or_else(MessagingWatch::default, Messaging::watch);
        let directory = Directory::new(&config.inventory);
        let mut inventory = config.inventory;
        let placed = inventory
            .gateways
            .iter()
            .filter(|gateway| gateway.host.is_none() && gateway.protocol == GatewayProtocol::Mgcp);
        let mut listed: Vec<SocketAddr> = placed.map(|gateway| gateway.address).collect();
        let named: Vec<_> = inventory
            .gateways
            .iter()
            .filter_map(|gateway| Some((gateway.id.clone(), gateway.host.clone()?, gateway.protocol)))
            .collect();
        let megaco_names = named.iter().filter(|(.., protocol)| *protocol == GatewayProtocol::Megaco);
        let megaco_names = megaco_names.map(|(gateway, ..)| gateway.clone()).collect();
        if inventory.agent_address.is_none() {
            // Bound to one address, the agent can name it; bound to all, gateways go by where commands come from.
            inventory.agent_address = local.filter(|address| !address.ip().is_unspecified());
        }
        for socket in &mut inventory.sip {
            // A port of 0 was chosen by the system.
            let local = if socket.transport == SipTransport::Tls { sips_local } else { sip_local };
            socket.address = local.unwrap_or(socket.address);
        }
        let searches = dns::Search::all(&inventory, &config.trunk_tls, &config.name_servers)?;
        inventory.settings.clone_from(&restored.settings);
        let epoch = epoch(&restored, &config.store, &clock);
        let mut exchange = Exchange::new(clock.now(), inventory, NodeId(0), epoch, secret()?);
        // Before calls are taken over: whether their gateways are where they were is asked of their addresses.
        for (gateway, host, protocol) in named {
            let addresses = names::look_up(&gateway, &host);
            match protocol {
                GatewayProtocol::Mgcp => listed.extend(&addresses),
                GatewayProtocol::Megaco => megaco.resolved(clock.now(), &gateway, &addresses),
            }
            exchange.handle_resolved(clock.now(), &gateway, &addresses);
        }
        // Where telephones register, anybody may be one.
        let anywhere = strowger_sip::Route::udp(SocketAddr::from(([255, 255, 255, 255], 9)));
        if exchange.knows_sip_peer(anywhere) {
            sip.door().open_to_anybody();
        }
        restore_registrations(&mut exchange, &restored, &clock);
        restore_calls(&mut exchange, &mut ledger, &restored, &clock);
        let (sender, requests) = mpsc::channel(REQUESTS);
        let own = sender.downgrade();
        for search in searches {
            runtime.spawn(search.go_on(own.clone()));
        }
        let ready = Arc::new(AtomicBool::new(true));
        let source =
            Source::new(sender.clone(), directory, metrics.clone(), clock, health, watch, Arc::clone(&ready));
        let console = match config.listen.console {
            Some(address) => Some(Console::start(address, source)?),
            None => None,
        };
        let parts = Parts {
            clock,
            exchange,
            mgcp,
            megaco,
            megaco_names,
            sip,
            ledger,
            observers,
            listed,
            limits: config.limits,
            busy_poll: config.listen.busy_poll,
            requests,
            own,
        };
        let shard = Shard::new(parts, &metrics);
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("shard".to_owned())
            .spawn(move || {
                let summary = runtime.block_on(shard.run());
                // Dropped on a panic too: either way the owner wakes.
                drop(end);
                // A name that is being looked up is not waited for.
                runtime.shutdown_background();
                summary
            })
            .map_err(|error| StartError::System { what: "thread", error })?;
        Ok(Self {
            mgcp: local,
            megaco: megaco_locals,
            sip: sip_local,
            sips: sips_local,
            console,
            messaging,
            requests: sender,
            thread: Some(thread),
            capture,
            ended,
            restored,
            metrics,
            ready,
        })
    }

    /// The address of the MGCP call agent.
    #[must_use]
    pub fn mgcp(&self) -> Option<SocketAddr> {
        self.mgcp
    }

    /// Where gateways of Megaco as text are heard, over UDP and TCP.
    #[must_use]
    pub fn megaco_text(&self) -> Option<SocketAddr> {
        self.megaco.text
    }

    /// Where those of Megaco in binary form are.
    #[must_use]
    pub fn megaco_binary(&self) -> Option<SocketAddr> {
        self.megaco.binary
    }

    /// Where SIP peers are heard, by datagrams and over TCP.
    #[must_use]
    pub fn sip(&self) -> Option<SocketAddr> {
        self.sip
    }

    /// Where they are heard over TLS.
    #[must_use]
    pub fn sips(&self) -> Option<SocketAddr> {
        self.sips
    }

    /// The address of the console.
    #[must_use]
    pub fn console(&self) -> Option<SocketAddr> {
        self.console.as_ref().map(Console::local)
    }

    /// Where pushes are submitted.
    #[must_use]
    pub fn push(&self) -> Option<SocketAddr> {
        self.messaging.as_ref().and_then(Messaging::push)
    }

    /// Where handsets submit and fetch messages.
    #[must_use]
    pub fn mmsc(&self) -> Option<SocketAddr> {
        self.messaging.as_ref().and_then(Messaging::mmsc)
    }

    /// Where applications submit messages.
    #[must_use]
    pub fn applications(&self) -> Option<SocketAddr> {
        self.messaging.as_ref().and_then(Messaging::applications)
    }

    /// Where mail comes.
    #[must_use]
    pub fn mail(&self) -> Option<SocketAddr> {
        self.messaging.as_ref().and_then(Messaging::mail)
    }

    /// What the store held at the start.
    #[must_use]
    pub fn restored(&self) -> &Restored {
        &self.restored
    }

    /// The node's metrics.
    #[must_use]
    pub fn metrics(&self) -> &Registry {
        &self.metrics
    }

    /// Everything that is open and counted. Blocks for one turn of the shard; not to be called from a runtime's task.
    ///
    /// # Errors
    /// When the shard has ended.
    pub fn look(&self) -> Result<Picture, NodeError> {
        let (to, from) = oneshot::channel();
        self.requests.blocking_send(Request::Look(to)).map_err(|_| NodeError::Fault)?;
        from.blocking_recv().map_err(|_| NodeError::Fault)
    }

    /// Asks the shard to end when no call is left, at the latest after `patience`. Asked again, the shorter patience holds.
    pub fn begin_stop(&self, patience: Duration) {
        self.ready.store(false, Ordering::Relaxed);
        // A shard that has ended needs no request; a full queue is one of snapshots, which are answered at once.
        let _ = self.requests.try_send(Request::Stop(patience));
    }

    /// Waits until the shard has ended, by a stop or by itself.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Runs until the process is told to stop (SIGINT, SIGTERM, SIGHUP) or the shard ends by itself; then as
    /// [`Self::stop`]. A second signal ends the patience. `ready` is called when signals are caught, and not before: whoever is told by it
    /// may send one at once.
    ///
    /// # Errors
    /// When the shard ended by a fault, or signals cannot be waited for.
    pub fn run_until_signal(
        mut self,
        patience: Duration,
        ready: impl FnOnce(&Self),
    ) -> Result<Summary, NodeError> {
        let runtime = runtime().map_err(|_| NodeError::Signals)?;
        runtime.block_on(async {
            let mut signals = Signals::new().map_err(|_| NodeError::Signals)?;
            ready(&self);
            tokio::select! {
                () = self.ended() => return Ok(()),
                name = signals.next() => tracing::info!(signal = name, ?patience, "stopping"),
            }
            self.begin_stop(patience);
            tokio::select! {
                () = self.ended() => {}
                name = signals.next() => {
                    tracing::warn!(signal = name, "stopping at once");
                    self.begin_stop(Duration::ZERO);
                    self.ended().await;
                }
            }
            Ok(())
        })?;
        self.stop(Duration::ZERO)
    }

    /// Stops: lets calls end for up to `patience`, writes what is to be kept, closes everything.
    ///
    /// # Errors
    /// When the shard had ended by a fault.
    pub fn stop(mut self, patience: Duration) -> Result<Summary, NodeError> {
        self.begin_stop(patience);
        let summary = match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| NodeError::Fault),
            None => Err(NodeError::Fault),
        };
        // The recorder has ended with the shard; its thread writes what it still has.
        if let Some(thread) = self.capture.take()
            && thread.join().is_err()
        {
            tracing::error!("the capture ended by an internal fault");
        }
        if let Some(messaging) = self.messaging.take() {
            messaging.stop();
        }
        if let Some(console) = self.console.take() {
            console.stop();
        }
        summary
    }
}

/// Tells the exchange where telephones are registered, and what they have subscribed to.
fn restore_registrations(exchange: &mut Exchange, restored: &Restored, clock: &Clock) {
    let wall = clock.wall();
    let known = restored.registrations.iter().map(|(line, entry)| entry.to_record(line, &wall));
    exchange.restore_registrations(wall.now(), &known.collect::<Vec<_>>());
    let told = restored.subscriptions.iter().map(|(line, entry)| entry.to_record(line, &wall));
    exchange.restore_subscriptions(wall.now(), &told.collect::<Vec<_>>());
}

/// Lets the exchange take over the calls that stood when the process before died; those that it cannot get their last record.
fn restore_calls(exchange: &mut Exchange, ledger: &mut Ledger, restored: &Restored, clock: &Clock) {
    let wall = clock.wall();
    let alive = restored.alive.unwrap_or_default();
    let records: Vec<_> = restored.standing.iter().map(|entry| entry.to_record(&wall)).collect();
    let legible: Vec<_> = records.iter().flatten().cloned().collect();
    let refused = exchange.restore(wall.now(), &legible, wall.time(alive));
    let refused: BTreeSet<_> = refused.into_iter().collect();
    for (entry, record) in restored.standing.iter().zip(&records) {
        if record.as_ref().is_none_or(|record| refused.contains(&record.call)) {
            tracing::warn!(call = entry.call, "a call was interrupted when the exchange died");
            ledger.interrupted(entry.clone(), alive);
        }
    }
}

/// The names that a capture gives to hosts: those that a host bears alone.
fn party_names(config: &Config, local: Option<SocketAddr>) -> Vec<(IpAddr, String)> {
    let gateways = &config.inventory.gateways;
    let placed = gateways.iter().filter(|gateway| gateway.host.is_none());
    let mut names: Vec<(IpAddr, String)> =
        placed.map(|gateway| (gateway.address.ip(), gateway.id.clone())).collect();
    let trunks = config.inventory.trunks.iter().filter(|trunk| trunk.name.is_none());
    names.extend(trunks.map(|trunk| (trunk.address.ip(), trunk.id.clone())));
    names.extend(local.map(|local| (local.ip(), config.inventory.name.clone())));
    let alone = |host: IpAddr| names.iter().filter(|(other, _)| *other == host).count() == 1;
    names.iter().filter(|(host, _)| alone(*host)).cloned().collect()
}

fn open_ledger(config: &Config, metrics: &Registry) -> Result<(Ledger, Restored), StartError> {
    let limits = store::Limits::default();
    let store: Arc<dyn Store> = match &config.store {
        StoreConfig::Memory => Arc::new(Memory::new(limits)),
        StoreConfig::Embedded { path } => {
            let opened = Embedded::open(path, limits);
            Arc::new(opened.map_err(|error| StartError::Store { path: path.display().to_string(), error })?)
        }
    };
    let settings = Settings { cdr: config.cdr.clone(), ..Settings::for_store(&config.store) };
    Ok(Ledger::open(store, &settings, metrics)?)
}

fn open_mgcp(
    config: &Config,
    runtime: &tokio::runtime::Runtime,
    metrics: &Registry,
) -> Result<Option<Udp>, StartError> {
    let Some(address) = config.listen.mgcp else { return Ok(None) };
    let _within = runtime.enter();
    let bound = Udp::bind(address, "mgcp", metrics).map(|mut udp| {
        udp.hear_errors();
        udp
    });
    bound.map(Some).map_err(|error| StartError::Listen { what: "mgcp", address, error })
}

fn open_sip(
    config: &Config,
    runtime: &tokio::runtime::Runtime,
    clock: &Clock,
    metrics: &Registry,
) -> Result<sip::Ports, StartError> {
    let _within = runtime.enter();
    let secure = config.listen.sips.zip(config.tls.clone());
    let opened = sip::Ports::open(config.listen.sip, secure, *clock, config.limits, metrics);
    let mut ports = opened.map_err(|(what, address, error)| StartError::Listen { what, address, error })?;
    for trunk in &config.inventory.trunks {
        let tls = config.trunk_tls.get(&trunk.id);
        ports.door().list(trunk.sources.iter().copied());
        if let Some(tls) = tls {
            trunk.sources.iter().for_each(|source| ports.prove(*source, tls));
        }
        if trunk.name.is_some() {
            ports.expect(&trunk.id, sip::Named { tls: tls.cloned(), is_kept: trunk.register });
            continue;
        }
        ports.door().list([trunk.address.ip()]);
        ports.keep(trunk.register.then_some(trunk.address));
        if let Some(tls) = tls {
            ports.trust(trunk.address, tls);
        }
    }
    Ok(ports)
}

fn open_megaco(
    config: &Config,
    runtime: &tokio::runtime::Runtime,
    clock: &Clock,
    metrics: &Registry,
) -> Result<Ports, StartError> {
    let gateways = config.inventory.gateways.iter();
    let spoken =
        gateways.filter(|gateway| gateway.protocol == GatewayProtocol::Megaco && gateway.host.is_none());
    let hosts = spoken.map(|gateway| gateway.address.ip()).collect();
    let addresses = Addresses { text: config.listen.megaco_text, binary: config.listen.megaco_binary };
    let _within = runtime.enter();
    let opened = Ports::open(addresses, clock.now(), hosts, config.limits, metrics);
    opened.map_err(|(what, address, error)| StartError::Listen { what, address, error })
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| StartError::System { what: "runtime", error })
}

/// The epoch that a durable store counts; without one, the clock's: two starts within T-HIST of a peer must not
/// draw transaction identifiers from one range.
fn epoch(restored: &Restored, store: &StoreConfig, clock: &Clock) -> Epoch {
    match store {
        StoreConfig::Embedded { .. } => restored.epoch(),
        StoreConfig::Memory => Epoch(clock.wall().now_unix().as_secs()),
    }
}

/// A generator that nobody outside can predict.
pub(crate) fn secret() -> Result<Rng, StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| StartError::System {
        what: "randomness",
        error: std::io::Error::other(error.to_string()),
    })?;
    Ok(Rng::from_seed(seed))
}
