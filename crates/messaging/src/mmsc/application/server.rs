//! Where applications connect: `POST /mm7`, and `/v1/mms` for JSON, at an address of its own, apart from that of handsets.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::counters::count;
use super::super::http::{HttpLimits, body, listen};
use super::super::request::{Answer, NewBody, Request as Ask};
use super::super::service::Service;
use super::{Application, Inventory, json, mm7};
use crate::http::auth::Credentials;
use crate::http::server::Peer;

/// What the routes share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) service: Service,
    pub(super) inventory: Arc<Inventory>,
    pub(super) limits: HttpLimits,
}

/// A running interface. It ends when this is dropped.
#[derive(Debug)]
pub struct ApplicationServer {
    local: SocketAddr,
    task: JoinHandle<()>,
}

impl ApplicationServer {
    /// Serves the applications of `inventory` at `listener` on the current runtime.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(
        listener: TcpListener,
        service: Service,
        inventory: Arc<Inventory>,
        limits: HttpLimits,
    ) -> io::Result<Self> {
        let local = listener.local_addr()?;
        let shared = Shared { service, inventory: Arc::clone(&inventory), limits };
        let routes = Router::new()
            .route("/mm7", post(mm7::post))
            .route("/v1/mms", post(json::submit))
            .route("/v1/mms/{id}", get(json::status).delete(json::cancel))
            .with_state(shared);
        let may_come = move |from: SocketAddr| inventory.may_come(from.ip());
        Ok(Self { local, task: tokio::spawn(listen(listener, routes, limits, may_come)) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for ApplicationServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request of an application that is known.
pub(super) struct Known {
    pub(super) application: Application,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// Who somebody says that he is, and what he brings.
fn told(headers: &HeaderMap) -> (Option<Credentials>, String) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    (Credentials::of(text(header::AUTHORIZATION), None), content_type)
}

impl Shared {
    /// Finds out whose request it is, and only then reads its body.
    ///
    /// # Errors
    /// The answer to give: 401, 408, 413 or 400.
    pub(super) async fn known(&self, request: Request) -> Result<Known, Box<Response>> {
        let (credentials, content_type) = told(request.headers());
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        let found = peer.and_then(|from| self.inventory.identify(from, credentials.as_ref())).cloned();
        let Some(application) = found else {
            count(&self.service.counters().strangers);
            tracing::warn!(?peer, "a request of an application that is not known");
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"mms\"")];
            return Err(Box::new((StatusCode::UNAUTHORIZED, challenge).into_response()));
        };
        let body = body(request, &self.limits).await?;
        Ok(Known { application, content_type, body })
    }

    /// Keeps a body that comes with a request, asks, and gives the body up when it was not taken.
    pub(super) async fn ask_with_body(&self, octets: Vec<u8>, ask: impl FnOnce(NewBody) -> Ask) -> Answer {
        let body = match self.service.take(octets).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a body cannot be kept");
                return Answer::Unavailable;
            }
        };
        let file = matches!(body, NewBody::File(_)).then(|| body.clone());
        let answer = self.service.ask(ask(body)).await;
        let taken = matches!(&answer, Answer::Submitted(submitted) if submitted.fresh);
        if let (Some(file), false) = (file, taken) {
            self.service.discard(&file);
        }
        answer
    }
}
