//! The gateway's HTTP server: at most so many connections, each with deadlines for reading a request, its body, and for being read.
//!
//! Who comes from an address that no user may come from is hung up on without a byte.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::auth::{self, Credentials};
use super::json;
use crate::accept::accept;
use crate::push::counters::count;
use crate::push::{Gateway, User};

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
#[error("push {address} cannot be opened: {error}")]
pub struct ServerError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub error: io::Error,
}

/// The address that a connection came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    local: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `gateway` at `address` on the current runtime. More routes may be served beside the gateway's own.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub async fn start(gateway: Gateway, address: SocketAddr, more: Router) -> Result<Self, ServerError> {
        let failed = |error| ServerError { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let routes = Router::new()
            .route("/v1/push", post(json::push))
            .route("/v1/push/{id}", get(json::status).delete(json::cancel))
            .route("/v1/dead", get(json::dead))
            .with_state(gateway.clone())
            .merge(crate::pap::server::routes(gateway.clone()))
            .merge(more);
        let task = tokio::spawn(listen(listener, gateway, routes));
        Ok(Self { local, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, gateway: Gateway, routes: Router) {
    let limits = gateway.config().limits;
    let may_come = |peer: SocketAddr| {
        let may = auth::may_come(&gateway.config().users, peer.ip());
        if !may {
            count(&gateway.counters().unauthorised);
        }
        may
    };
    let serve = |stream, peer| serve(stream, peer, routes.clone(), limits.patience);
    accept(listener, limits.connections, may_come, serve).await;
}

/// Serves one connection, whose requests carry the [`Peer`] that it came from.
pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr, routes: Router, patience: Duration) {
    let routes = TowerToHyperService::new(routes);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        routes.call(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Patient { stream, patience, timer: None }), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "a connection ended");
    }
}

/// A stream that gives a reader who does not read only so long.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(context, bytes) {
            self.timer = None;
            return Poll::Ready(written);
        }
        let patience = self.patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A request whose sender is known, with its body.
pub(crate) struct Known {
    pub(crate) user: User,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

/// Finds out who sent a request, and reads its body.
///
/// # Errors
/// The answer to give: 401, 408, 413 or 400.
pub(crate) async fn known(gateway: &Gateway, request: Request) -> Result<Known, Box<Response>> {
    let (head, body) = request.into_parts();
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let credentials = Credentials::of(text(header::AUTHORIZATION), head.uri.query());
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let peer = head.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let users = &gateway.config().users;
    let user = peer.and_then(|from| auth::identify(users, from, credentials.as_ref())).cloned();
    let Some(user) = user else {
        count(&gateway.counters().unauthorised);
        tracing::warn!(?peer, "a push request without a known user");
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"push\"")];
        return Err(Box::new((StatusCode::UNAUTHORIZED, challenge).into_response()));
    };
    let limits = gateway.config().limits;
    // What is announced too long is not waited for.
    if body.size_hint().lower() > limits.request as u64 {
        return Err(Box::new(StatusCode::PAYLOAD_TOO_LARGE.into_response()));
    }
    let body = http_body_util::Limited::new(body, limits.request);
    match tokio::time::timeout(limits.patience, body.collect()).await {
        Ok(Ok(body)) => Ok(Known { user, content_type, body: body.to_bytes() }),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Box::new(StatusCode::PAYLOAD_TOO_LARGE.into_response()))
        }
        Ok(Err(_)) => Err(Box::new(StatusCode::BAD_REQUEST.into_response())),
        Err(_) => {
            let close = [(header::CONNECTION, "close")];
            Err(Box::new((StatusCode::REQUEST_TIMEOUT, close).into_response()))
        }
    }
}

/// The gateway that answers a request.
pub(super) type Served = State<Gateway>;

/// A body of JSON.
pub(crate) fn answer(status: StatusCode, body: Vec<u8>) -> Response {
    let typed = [(header::CONTENT_TYPE, "application/json")];
    (status, typed, Body::from(body)).into_response()
}
