//! The messaging of a node: push proxy gateway and MMSC on one thread for their bearers, queues and HTTP servers, beside the exchange and
//! without it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use serde::Serialize;
use strowger_messaging::http::Server;
use strowger_messaging::mmsc::{MmscHost, MmscSettings};
use strowger_messaging::pap::notify;
use strowger_messaging::push::gateway::Running;
use strowger_messaging::push::{Gateway, PushConfig};
use strowger_messaging::queue::Depth;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::metrics::Registry;
use crate::node::{StartError, runtime};

/// How often counts are taken over into the metrics.
const MEASURE: Duration = Duration::from_secs(1);
/// After how long without a measurement the thread counts as stalled.
const STALLED: Duration = Duration::from_secs(10);

/// A running push gateway, perhaps with an MMSC.
pub(crate) struct Messaging {
    push: Option<SocketAddr>,
    mmsc: Option<SocketAddr>,
    applications: Option<SocketAddr>,
    mail: Option<SocketAddr>,
    health: watch::Receiver<Measured>,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

/// What runs on the thread.
struct Parts {
    gateway: Gateway,
    running: Running,
    server: Option<Server>,
    mmsc: Option<MmscHost>,
    /// Reports results to those who asked.
    reports: JoinHandle<()>,
}

/// The figures of a push queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PushHealth {
    /// `ok`, `failing` (its disk does not take what it is given) or `stalled`.
    status: &'static str,
    /// Messages that have not ended.
    waiting: u64,
    /// Seconds since the oldest of them was accepted.
    oldest_s: Option<u64>,
    /// Messages that cannot be delivered and were given up.
    poisoned: u64,
    /// Links to message centres that are bound.
    links_up: u64,
    /// Message centres.
    centres: usize,
}

/// The figures of an MMSC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MmscHealth {
    /// `ok`, `failing` or `stalled`.
    status: &'static str,
    /// Messages in the store.
    messages: u64,
    /// Messages that somebody still has to fetch.
    waiting: u64,
    /// Seconds since the oldest of them was accepted.
    oldest_s: Option<u64>,
    /// Octets of their contents.
    octets: u64,
    /// Rows of the store that could not be read and were set aside.
    poisoned: u64,
    /// Subscribers of the configuration.
    subscribers: usize,
}

/// The messaging of a node as the console shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct MessagingHealth {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) push: Option<PushHealth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mmsc: Option<MmscHealth>,
}

impl MessagingHealth {
    /// Whether everything that is accepted can be kept and goes on.
    pub(crate) fn is_good(&self) -> bool {
        self.push.as_ref().is_none_or(|push| push.status == "ok")
            && self.mmsc.as_ref().is_none_or(|mmsc| mmsc.status == "ok")
    }
}

/// Figures, and when they were taken.
struct Measured {
    at: Instant,
    health: MessagingHealth,
}

/// Where the console finds the figures.
#[derive(Clone, Default)]
pub(crate) struct MessagingWatch(Option<watch::Receiver<Measured>>);

impl MessagingWatch {
    /// The last figures.
    pub(crate) fn look(&self) -> MessagingHealth {
        let Some(health) = &self.0 else { return MessagingHealth::default() };
        let measured = health.borrow();
        let mut health = measured.health.clone();
        if measured.at.elapsed() > STALLED {
            if let Some(push) = &mut health.push {
                push.status = "stalled";
            }
            if let Some(mmsc) = &mut health.mmsc {
                mmsc.status = "stalled";
            }
        }
        health
    }
}

impl Messaging {
    /// Opens everything that the settings name and starts.
    pub(crate) fn start(
        push: PushConfig,
        mmsc: Option<MmscSettings>,
        metrics: &Registry,
    ) -> Result<Self, StartError> {
        let runtime = runtime()?;
        let subscribers = mmsc.as_ref().map_or(0, |mmsc| mmsc.subscribers.len());
        let parts = runtime.block_on(Parts::open(push, mmsc))?;
        let (push, mmsc) =
            (parts.server.as_ref().map(Server::local), parts.mmsc.as_ref().map(MmscHost::local));
        let applications = parts.mmsc.as_ref().and_then(MmscHost::applications);
        let mail = parts.mmsc.as_ref().and_then(MmscHost::mail);
        let first = runtime.block_on(parts.measure(subscribers));
        let (tell, health) = watch::channel(Measured { at: Instant::now(), health: first });
        let (stop, stopped) = oneshot::channel();
        let metrics = metrics.clone();
        let thread = thread::Builder::new()
            .name("messaging".to_owned())
            .spawn(move || parts.run(&runtime, &metrics, subscribers, &tell, stopped))
            .map_err(|error| StartError::System { what: "thread", error })?;
        Ok(Self { push, mmsc, applications, mail, health, stop, thread })
    }

    /// Where pushes are submitted.
    pub(crate) const fn push(&self) -> Option<SocketAddr> {
        self.push
    }

    /// Where handsets submit and fetch messages.
    pub(crate) const fn mmsc(&self) -> Option<SocketAddr> {
        self.mmsc
    }

    /// Where applications submit messages.
    pub(crate) const fn applications(&self) -> Option<SocketAddr> {
        self.applications
    }

    /// Where mail comes.
    pub(crate) const fn mail(&self) -> Option<SocketAddr> {
        self.mail
    }

    /// Its figures, for the console.
    pub(crate) fn watch(&self) -> MessagingWatch {
        MessagingWatch(Some(self.health.clone()))
    }

    /// Ends the links in order; what has not been delivered stays on disk.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the messaging ended by an internal fault");
        }
    }
}

impl Parts {
    async fn open(push: PushConfig, mmsc: Option<MmscSettings>) -> Result<Self, StartError> {
        let (sender, notices) = mpsc::unbounded_channel();
        let listen = push.listen;
        let (gateway, running) = Gateway::start(push, sender).await?;
        let server = match listen {
            Some(listen) => Some(Server::start(gateway.clone(), listen, Router::new()).await?),
            None => None,
        };
        let mmsc = match mmsc {
            Some(settings) => Some(MmscHost::start(settings, gateway.clone()).await?),
            None => None,
        };
        let reports = tokio::spawn(notify::run(gateway.clone(), notices));
        Ok(Self { gateway, running, server, mmsc, reports })
    }

    fn run(
        self,
        runtime: &Runtime,
        metrics: &Registry,
        subscribers: usize,
        tell: &watch::Sender<Measured>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let mut beat = runtime.block_on(async { tokio::time::interval(MEASURE) });
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = beat.tick() => {}
                    _ = &mut stopped => return,
                }
                let health = self.measure(subscribers).await;
                self.count(metrics, &health);
                tell.send_replace(Measured { at: Instant::now(), health });
            }
        });
        self.end(runtime);
    }

    async fn measure(&self, subscribers: usize) -> MessagingHealth {
        let counters = self.gateway.counters();
        let (depth, read) = match self.gateway.depth().await {
            Ok(depth) => (depth, true),
            Err(error) => {
                tracing::error!(%error, "the push queue cannot be read");
                (Depth::default(), false)
            }
        };
        let now = self.gateway.now() / 1000;
        let age = |at: u64| now.saturating_sub(at);
        let push = PushHealth {
            status: status(read && self.gateway.is_healthy()),
            waiting: depth.waiting,
            oldest_s: depth.oldest.map(|at| age(at / 1000)),
            poisoned: depth.given_up,
            links_up: counters.links.load(Ordering::Relaxed),
            centres: self.gateway.config().centres.len(),
        };
        let mmsc = self.mmsc.as_ref().map(|mmsc| {
            let counters = mmsc.service().counters();
            let value = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
            MmscHealth {
                status: status(mmsc.service().is_healthy()),
                messages: value(&counters.messages),
                waiting: value(&counters.waiting),
                oldest_s: Some(value(&counters.oldest)).filter(|at| *at > 0).map(age),
                octets: value(&counters.octets),
                poisoned: value(&counters.unreadable),
                subscribers,
            }
        });
        MessagingHealth { push: Some(push), mmsc }
    }

    /// Takes counts over into the metrics.
    fn count(&self, metrics: &Registry, health: &MessagingHealth) {
        let mmsc = self.mmsc.as_ref().map(|mmsc| Arc::clone(mmsc.service().counters()));
        let all = self.gateway.counters().all().chain(mmsc.iter().flat_map(|counters| counters.all()));
        for (name, help, value) in all {
            match name.ends_with("_total") {
                true => metrics.counter(name, help.trim(), &[]).raise_to(value),
                false => metrics.gauge(name, help.trim(), &[]).set(value as f64),
            }
        }
        let gauge = |name, help, value| metrics.gauge(name, help, &[]).set(value);
        let healthy = |status| f64::from(u8::from(status == "ok"));
        if let Some(push) = &health.push {
            let help = "Whether the queue's disk takes what it is given.";
            gauge("strowger_push_queue_healthy", help, healthy(push.status));
            let help = "When the oldest message that waits was accepted, in seconds since 1970; 0 when there is none.";
            let at = push.oldest_s.map_or(0, |age| (self.gateway.now() / 1000).saturating_sub(age));
            gauge("strowger_push_oldest_timestamp_seconds", help, at as f64);
            let help = "Messages that cannot be delivered and are kept to be looked at.";
            gauge("strowger_push_poisoned", help, push.poisoned as f64);
        }
        if let Some(mmsc) = &health.mmsc {
            let help = "Whether the message store's disk takes what it is given.";
            gauge("strowger_mmsc_store_healthy", help, healthy(mmsc.status));
        }
    }

    /// Waits until everything is on disk. Links get a moment for their last word.
    fn end(self, runtime: &Runtime) {
        let Self { gateway, running, server, mmsc, reports } = self;
        drop(server);
        reports.abort();
        let ended = async {
            if let Some(mmsc) = mmsc {
                mmsc.stop().await;
            }
            gateway.stop();
            drop(gateway);
            tokio::time::timeout(Duration::from_secs(10), running.ended()).await
        };
        if runtime.block_on(ended).is_err() {
            tracing::error!("the push gateway does not end");
        }
    }
}

const fn status(good: bool) -> &'static str {
    if good { "ok" } else { "failing" }
}
