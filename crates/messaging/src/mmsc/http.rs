//! MM1 over HTTP: handsets post messages and get them (application/vnd.wap.mms-message both ways).
//!
//! A connection has deadlines for each request, a body has a limit, and a source that nobody is known at is told nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use strowger_mms::Limits;
use strowger_mms::message::{ResponseStatus, RetrieveStatus};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::compose::{self, Confirmation};
use super::counters::count;
use super::directory::Directory;
use super::party::Party;
use super::read::{self, Post, Reply};
use super::request::{Answer, NotHanded, Request as Ask, Submitted};
use super::service::Service;
use crate::accept::accept;
use crate::http::server::{Peer, serve};
use crate::push::content::MMS;

/// Octets of headers beside the largest body.
const HEADERS: usize = 16 * 1024;

/// Bounds of the interface.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Octets of one request.
    pub request: usize,
    /// Connections at one time.
    pub connections: usize,
    /// How long a connection may be silent, or take for one request.
    pub patience: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { request: 1024 * 1024 + HEADERS, connections: 1000, patience: Duration::from_secs(30) }
    }
}

/// What the routes share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) service: Service,
    pub(super) directory: Arc<Directory>,
    pub(super) limits: HttpLimits,
}

/// A running interface. It ends when this is dropped.
#[derive(Debug)]
pub struct MmscServer {
    local: SocketAddr,
    task: JoinHandle<()>,
}

impl MmscServer {
    /// Serves `service` at `listener` on the current runtime, with more routes beside those of handsets.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(
        listener: TcpListener,
        service: Service,
        directory: Arc<Directory>,
        limits: HttpLimits,
        more: Router,
    ) -> io::Result<Self> {
        let local = listener.local_addr()?;
        let shared = Shared { service, directory, limits };
        let routes = Router::new()
            .route("/", post(submit))
            .route("/mms", post(submit))
            .route("/{token}", get(fetch).post(submit))
            .with_state(shared)
            .merge(more);
        Ok(Self { local, task: tokio::spawn(listen(listener, routes, limits, |_| true)) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for MmscServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves connections of those who may come; anybody else gets no byte.
pub(super) async fn listen(
    listener: TcpListener,
    routes: Router,
    limits: HttpLimits,
    may_come: impl Fn(SocketAddr) -> bool,
) {
    let serve = |stream, peer| serve(stream, peer, routes.clone(), limits.patience);
    accept(listener, limits.connections, may_come, serve).await;
}

/// Reads a body within its limit and its time.
///
/// # Errors
/// The answer to give: 408, 413 or 400.
pub(super) async fn body(request: Request, limits: &HttpLimits) -> Result<Bytes, Box<Response>> {
    let body = request.into_body();
    // What is announced too long is not waited for.
    if body.size_hint().lower() > limits.request as u64 {
        return Err(Box::new(StatusCode::PAYLOAD_TOO_LARGE.into_response()));
    }
    let body = Limited::new(body, limits.request);
    match tokio::time::timeout(limits.patience, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Box::new(StatusCode::PAYLOAD_TOO_LARGE.into_response()))
        }
        Ok(Err(_)) => Err(Box::new(StatusCode::BAD_REQUEST.into_response())),
        Err(_) => {
            let close = [(header::CONNECTION, "close")];
            Err(Box::new((StatusCode::REQUEST_TIMEOUT, close).into_response()))
        }
    }
}

impl Shared {
    /// Whose request it is.
    fn who(&self, request: &Request) -> Option<Party> {
        let peer = request.extensions().get::<Peer>()?.0.ip();
        let named: Vec<&str> = values(request.headers(), self.directory.header());
        let who = self.directory.identify(peer, &named);
        if who.is_none() {
            count(&self.service.counters().strangers);
            tracing::warn!(%peer, "a request from a source that nobody is known at");
        }
        who
    }
}

fn values<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    if name.is_empty() {
        return Vec::new();
    }
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
}

fn message(status: StatusCode, octets: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, MMS)], Body::from(octets)).into_response()
}

/// `POST /`: m-send-req and everything else that handsets send.
async fn submit(State(shared): State<Shared>, request: Request) -> Response {
    let typed = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = typed.and_then(|typed| typed.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(MMS) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Some(who) = shared.who(&request) else { return stranger(&shared, request).await };
    let octets = match body(request, &shared.limits).await {
        Ok(octets) => octets,
        Err(answer) => return *answer,
    };
    let limits = Limits { bytes: shared.limits.request, ..Limits::default() };
    match read::post(&octets, &who, &limits) {
        Post::Ask(ask, reply) => ask_for(&shared, ask, reply).await,
        Post::Answer(answer, why) => {
            count(&shared.service.counters().malformed);
            tracing::info!(%who, why, "a request was refused");
            message(StatusCode::OK, answer)
        }
        Post::Discard(why) => {
            count(&shared.service.counters().malformed);
            tracing::info!(%who, why, "a request was discarded");
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

/// A sender whom nobody knows is told so in his own words, and learns nothing else.
async fn stranger(shared: &Shared, request: Request) -> Response {
    let limits = HttpLimits { request: HEADERS.max(shared.limits.request), ..shared.limits };
    let Ok(octets) = body(request, &limits).await else { return StatusCode::FORBIDDEN.into_response() };
    let nobody = Party::Number(String::new());
    match read::post(&octets, &nobody, &Limits { bytes: limits.request, ..Limits::default() }) {
        Post::Ask(_, Reply::Confirm { kind, version, transaction, store }) => {
            let status = ResponseStatus::PermanentAddressUnresolved;
            let confirmation = Confirmation { kind, version, transaction: &transaction, status, store };
            message(StatusCode::OK, confirmation.encode(Some("nobody is known at this address"), None))
        }
        _ => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn ask_for(shared: &Shared, mut ask: Ask, reply: Reply) -> Response {
    let mut kept = None;
    if let Ask::Submit(submission) = &mut ask {
        let super::request::NewBody::Inline(octets) = &mut submission.body else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        match shared.service.take(std::mem::take(octets)).await {
            Ok(body) => {
                if let super::request::NewBody::File(_) = &body {
                    kept = Some(body.clone());
                }
                submission.body = body;
            }
            Err(error) => {
                tracing::error!(%error, "a body cannot be kept");
                return confirm(&Answer::Unavailable, &reply);
            }
        }
    }
    let answer = shared.service.ask(ask).await;
    // A message that is not taken, or was taken before, leaves no file.
    let taken = matches!(&answer, Answer::Submitted(Submitted { fresh: true, .. }));
    if let (Some(body), false) = (kept, taken) {
        shared.service.discard(&body);
    }
    confirm(&answer, &reply)
}

fn confirm(answer: &Answer, reply: &Reply) -> Response {
    let (kind, version, transaction, store) = match reply {
        Reply::Confirm { kind, version, transaction, store } => (*kind, *version, transaction, *store),
        Reply::Deleted { version, transaction, locations } => {
            let Answer::Deleted(there) = answer else {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            };
            let messages: Vec<_> = locations.iter().map(String::as_str).zip(there.iter().copied()).collect();
            return message(StatusCode::OK, compose::deletion(*version, transaction, &messages));
        }
        Reply::Nothing => {
            return match answer {
                // Who repeats what is over changes nothing by it, and need not be alarmed.
                Answer::Done | Answer::NotFound | Answer::TooLate => StatusCode::OK.into_response(),
                _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            };
        }
    };
    let (status, text, id) = match answer {
        Answer::Submitted(submitted) => {
            (submitted.status, submitted.text.as_deref(), submitted.id.as_deref())
        }
        _ => (ResponseStatus::TransientFailure, Some("the store is not available"), None),
    };
    let confirmation = Confirmation { kind, version, transaction, status, store };
    message(StatusCode::OK, confirmation.encode(text, id))
}

/// `GET /TOKEN`: m-retrieve-conf.
async fn fetch(State(shared): State<Shared>, Path(token): Path<String>, request: Request) -> Response {
    let Some(by) = shared.who(&request) else { return StatusCode::FORBIDDEN.into_response() };
    match shared.service.ask(Ask::Retrieve { by, token }).await {
        Answer::Handed(handed) => match shared.service.body(handed.body).await {
            Ok(Some(mut body)) => {
                let mut octets = handed.head;
                octets.append(&mut body);
                message(StatusCode::OK, octets)
            }
            Ok(None) => over(&shared),
            Err(error) => {
                tracing::error!(%error, "a body cannot be read");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        },
        Answer::NotHanded(NotHanded::Over) => over(&shared),
        Answer::NotHanded(NotHanded::Unknown) => StatusCode::NOT_FOUND.into_response(),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Handsets read the body of a good answer only, so the status of the retrieval tells.
fn over(shared: &Shared) -> Response {
    let text = "the message is no longer available";
    let status = RetrieveStatus::PermanentMessageNotFound;
    message(StatusCode::OK, compose::no_retrieval(status, text, shared.service.now_secs()))
}
