//! The push proxy gateway of a node: one thread for its bearers, its queue's lanes and its HTTP server, beside the exchange and without
//! it.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use strowger_messaging::http::Server;
use strowger_messaging::pap::notify;
use strowger_messaging::push::gateway::Running;
use strowger_messaging::push::{Gateway, PushConfig};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Registry;
use crate::node::{StartError, runtime};

/// How often counts are taken over into the metrics.
const MEASURE: Duration = Duration::from_secs(1);

/// A running gateway.
pub(crate) struct Push {
    local: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Push {
    /// Opens everything that `config` names and starts.
    pub(crate) fn start(config: PushConfig, metrics: &Registry) -> Result<Self, StartError> {
        let runtime = runtime()?;
        // Unset addresses do not come out of the check of a configuration; any free port is as good as none.
        let listen = config.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let (sender, notices) = mpsc::unbounded_channel();
        let (gateway, running, server) = runtime.block_on(async {
            let (gateway, running) = Gateway::start(config, sender).await?;
            let server = Server::start(gateway.clone(), listen, Router::new()).await?;
            Ok::<_, StartError>((gateway, running, server))
        })?;
        let local = server.local();
        let (stop, stopped) = oneshot::channel();
        let metrics = metrics.clone();
        let thread = std::thread::Builder::new()
            .name("push".to_owned())
            .spawn(move || {
                let reports = runtime.spawn(notify::run(gateway.clone(), notices));
                runtime.block_on(serve(&gateway, &metrics, stopped));
                gateway.stop();
                drop(server);
                reports.abort();
                end(&runtime, gateway, running);
            })
            .map_err(|error| StartError::System { what: "thread", error })?;
        Ok(Self { local, stop, thread })
    }

    /// Where pushes are submitted.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Ends the links in order; what has not been delivered stays on disk.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the push gateway ended by an internal fault");
        }
    }
}

/// Takes counts over until it is told to stop.
async fn serve(gateway: &Gateway, metrics: &Registry, mut stopped: oneshot::Receiver<()>) {
    let mut beat = tokio::time::interval(MEASURE);
    let healthy =
        metrics.gauge("strowger_push_queue_healthy", "Whether the queue's disk takes what it is given.", &[]);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            _ = &mut stopped => return,
        }
        for (name, help, value) in gateway.counters().all() {
            match name.ends_with("_total") {
                true => metrics.counter(name, help.trim(), &[]).raise_to(value),
                false => metrics.gauge(name, help.trim(), &[]).set(value as f64),
            }
        }
        healthy.set(f64::from(u8::from(gateway.is_healthy())));
    }
}

/// Waits until everything is on disk. Links get a moment for their last word.
fn end(runtime: &Runtime, gateway: Gateway, running: Running) {
    drop(gateway);
    let ended = async { tokio::time::timeout(Duration::from_secs(10), running.ended()).await };
    if runtime.block_on(ended).is_err() {
        tracing::error!("the push gateway does not end");
    }
}
