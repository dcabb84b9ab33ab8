//! The console: health, metrics, views and the settings of lines over HTTP, on the one address that the configuration
//! names.
//!
//! It runs on a thread of its own, so that nobody who reads it delays a call: it asks the shard for a snapshot, which costs
//! the shard one short turn. Connections are few and short-lived by rule, so that a slow reader holds nothing.
//!
//! `/health` (and `/health/live`, `/health/ready`), `/metrics`, `/api/calls`, `/api/lines`, `/api/gateways`, `/api/trunks`, `/api/messaging`,
//! `/api/lines/NUMBER/settings`. What can be changed is in `settings`, what can be ordered of circuits in `circuit`.

mod circuit;
mod settings;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::serve::Listener;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, Sleep};

use crate::clock::Clock;
use crate::ledger::LedgerHealth;
use crate::messaging::{MessagingHealth, MessagingWatch};
use crate::metrics::Registry;
use crate::node::{StartError, runtime};
use crate::process;
use crate::shard::Request;
use crate::view::{Directory, Picture, measure};

/// Connections at one time; more wait in the kernel's queue.
const CONNECTIONS: usize = 32;
/// How long a connection may last: a scrape is a matter of milliseconds, and clients open a new one by themselves.
const LIFETIME: Duration = Duration::from_secs(30);
/// How long the shard may take for a snapshot before it counts as stalled.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the console's answers come from.
#[derive(Clone)]
pub(crate) struct Source {
    requests: mpsc::Sender<Request>,
    directory: Arc<Directory>,
    metrics: Registry,
    clock: Clock,
    ledger: LedgerHealth,
    messaging: MessagingWatch,
    ready: Arc<AtomicBool>,
    /// Only those on this host can reach it.
    private: bool,
}

impl Source {
    pub(crate) fn new(
        requests: mpsc::Sender<Request>,
        directory: Directory,
        metrics: Registry,
        clock: Clock,
        ledger: LedgerHealth,
        messaging: MessagingWatch,
        ready: Arc<AtomicBool>,
    ) -> Self {
        let directory = Arc::new(directory);
        Self { requests, directory, metrics, clock, ledger, messaging, ready, private: false }
    }

    async fn look(&self) -> Result<Picture, Stalled> {
        self.ask(Request::Look).await
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Stalled> {
        self.ask_for(PATIENCE, request).await
    }

    async fn ask_for<T>(
        &self,
        patience: Duration,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, Stalled> {
        let (to, from) = oneshot::channel();
        let asked = async {
            self.requests.send(request(to)).await.map_err(|_| Stalled)?;
            from.await.map_err(|_| Stalled)
        };
        tokio::time::timeout(patience, asked).await.map_err(|_| Stalled)?
    }
}

/// The shard did not answer in time.
struct Stalled;

impl IntoResponse for Stalled {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, "the exchange does not answer\n").into_response()
    }
}

/// A running console.
pub(crate) struct Console {
    local: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Console {
    /// Opens `address` and serves it.
    pub(crate) fn start(address: SocketAddr, mut source: Source) -> Result<Self, StartError> {
        let runtime = runtime()?;
        let failed = |error| StartError::Listen { what: "console", address, error };
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        source.private = local.ip().is_loopback();
        let (stop, stopped) = oneshot::channel();
        let listener = Few { listener, permits: Arc::new(Semaphore::new(CONNECTIONS)) };
        let thread = std::thread::Builder::new()
            .name("console".to_owned())
            .spawn(move || runtime.block_on(serve(listener, source, stopped)))
            .map_err(|error| StartError::System { what: "thread", error })?;
        Ok(Self { local, stop, thread })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Closes it; a request under way is cut off.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the console ended by an internal fault");
        }
    }
}

async fn serve(listener: Few, source: Source, stopped: oneshot::Receiver<()>) {
    let routes = Router::new()
        .route("/health", get(health))
        .route("/health/live", get(health))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/calls", get(calls))
        .route("/api/lines", get(lines))
        .route("/api/lines/{number}/settings", get(settings::all))
        .route("/api/lines/{number}/settings/{name}", put(settings::set))
        .route("/api/gateways", get(gateways))
        .route("/api/trunks", get(trunks))
        .route("/api/trunks/{trunk}/circuits/{code}/test", put(circuit::test))
        .route("/api/trunks/{trunk}/circuits/{code}/answer", put(circuit::answer))
        .route("/api/messaging", get(messaging))
        .with_state(source);
    let serving = async move { axum::serve(listener, routes).await };
    tokio::select! {
        result = serving => {
            if let Err(error) = result {
                tracing::error!(%error, "the console has ended");
            }
        }
        _ = stopped => {}
    }
}

/// What `/health` says.
#[derive(Serialize)]
struct Health {
    /// `ok`, `degraded` (it serves calls, and cannot keep records or messages), `stopping` or `stalled`.
    status: &'static str,
    /// Whether the call path runs.
    live: bool,
    /// Whether new calls should come here.
    ready: bool,
    /// Whether records are kept: `ok` or `failing`.
    store: &'static str,
    /// The version of the program.
    version: &'static str,
    /// Calls in progress.
    calls: usize,
    /// Push queue and message store.
    #[serde(flatten)]
    messaging: MessagingHealth,
}

async fn look(source: &Source) -> Health {
    let picture = source.look().await;
    let live = picture.is_ok();
    let stopping = !source.ready.load(Ordering::Relaxed);
    let kept = source.ledger.is_healthy();
    let messaging = source.messaging.look();
    Health {
        status: match (live, stopping, kept && messaging.is_good()) {
            (false, _, _) => "stalled",
            (true, true, _) => "stopping",
            (true, false, false) => "degraded",
            (true, false, true) => "ok",
        },
        live,
        ready: live && !stopping,
        store: if kept { "ok" } else { "failing" },
        version: env!("CARGO_PKG_VERSION"),
        calls: picture.map_or(0, |picture| picture.snapshot.calls.len()),
        messaging,
    }
}

async fn health(State(source): State<Source>) -> Response {
    let health = look(&source).await;
    let status = if health.live { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &health)
}

async fn ready(State(source): State<Source>) -> Response {
    let health = look(&source).await;
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &health)
}

async fn metrics(State(source): State<Source>) -> Result<Response, Stalled> {
    measure(&source.look().await?, &source.metrics);
    process::measure(&source.metrics);
    let text = source.metrics.render();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn calls(State(source): State<Source>) -> Result<Response, Stalled> {
    let snapshot = source.look().await?.snapshot;
    Ok(json(StatusCode::OK, &source.directory.calls(&snapshot, &source.clock.wall())))
}

async fn lines(State(source): State<Source>) -> Result<Response, Stalled> {
    let snapshot = source.look().await?.snapshot;
    Ok(json(StatusCode::OK, &source.directory.lines(&snapshot, &source.clock.wall())))
}

async fn gateways(State(source): State<Source>) -> Result<Response, Stalled> {
    let snapshot = source.look().await?.snapshot;
    Ok(json(StatusCode::OK, &source.directory.gateways(&snapshot)))
}

async fn trunks(State(source): State<Source>) -> Result<Response, Stalled> {
    let snapshot = source.look().await?.snapshot;
    Ok(json(StatusCode::OK, &source.directory.trunks(&snapshot, &source.clock.wall())))
}

async fn messaging(State(source): State<Source>) -> Response {
    json(StatusCode::OK, &source.messaging.look())
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A listener that accepts only so many connections at a time.
struct Few {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Listener for Few {
    type Io = Short;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Short, SocketAddr) {
        loop {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
                // The semaphore is never closed.
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let end = Box::pin(tokio::time::sleep_until(Instant::now() + LIFETIME));
                    return (Short { stream, end, _permit: permit }, peer);
                }
                // No descriptors left, or a peer that has gone: pause, so that the former does not spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends by itself.
struct Short {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Short {
    fn over(&mut self, context: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(context).is_ready()
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the connection has lasted long enough")
}

impl AsyncRead for Short {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.over(context) {
            return Poll::Ready(Err(too_long()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Short {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.over(context) {
            return Poll::Ready(Err(too_long()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
