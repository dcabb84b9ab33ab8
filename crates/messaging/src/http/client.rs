//! A small HTTP client: one connection, requests one after the other, each with a deadline.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::base64;
use crate::smpp::ClientTls;

/// The longest answer that is read.
const ANSWER: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not `http://host[:port]/path`.
    #[error("{0} is not a URL of the form http://host[:port]/path")]
    Url(String),
    /// No connection, or it broke.
    #[error("no answer from {0}: {1}")]
    Transport(String, String),
    /// Too late.
    #[error("no answer from {0} in time")]
    Late(String),
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Host and port, as they stand in `Host`.
    pub authority: String,
    /// The host, for the system to resolve.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query.
    pub path: String,
    /// Name and password, when they were in it.
    pub user: Option<(String, String)>,
    /// Whether it is `https`.
    pub secure: bool,
}

impl Url {
    /// Reads a URL of `http`, or of `https`, which needs [`Connection::open_secure`].
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse_either(text: &str) -> Result<Self, ClientError> {
        match text.split_at_checked(8).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("https://")) {
            Some((_, rest)) => Self::parse_rest(text, rest, 443),
            None => Self::parse(text),
        }
    }

    /// Reads `http://[user:password@]host[:port][/path]`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let wrong = || ClientError::Url(text.to_owned());
        let rest = text.split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http://"));
        let (_, rest) = rest.ok_or_else(wrong)?;
        Self::parse_rest(text, rest, 80)
    }

    /// Everything behind the scheme, whose port is `usual`.
    fn parse_rest(text: &str, rest: &str, usual: u16) -> Result<Self, ClientError> {
        let wrong = || ClientError::Url(text.to_owned());
        if text.len() > 2048 || rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong());
        }
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((name.to_owned(), password.to_owned())), authority)
            }
            None => (None, authority),
        };
        let end = authority.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match authority.get(end..).and_then(|rest| rest.find(':')) {
            Some(colon) => {
                let (host, port) = authority.split_at(end + colon);
                (host, port.trim_start_matches(':').parse().map_err(|_| wrong())?)
            }
            None => (authority, usual),
        };
        if host.is_empty() {
            return Err(wrong());
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let (authority, host) = (authority.to_owned(), bare.to_owned());
        Ok(Self { authority, host, port, path, user, secure: usual == 443 })
    }

    /// The addresses behind it.
    ///
    /// # Errors
    /// When the system finds none.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, ClientError> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let failed =
            |error: std::io::Error| ClientError::Transport(self.authority.clone(), error.to_string());
        Ok(found.map_err(failed)?.collect())
    }
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// How.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// What the body is.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// Name and password.
    pub user: Option<(String, String)>,
}

/// The answer to it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// What the body is.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

/// Requests over a stream; its end shows at the next one.
async fn speak<S>(stream: S) -> hyper::Result<SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    authority: String,
    sender: SendRequest<Full<Bytes>>,
    patience: Duration,
}

impl Connection {
    /// Connects to an address, for requests that name `authority` as their host.
    ///
    /// # Errors
    /// When it cannot be connected to within `patience`.
    pub async fn open(address: SocketAddr, authority: &str, patience: Duration) -> Result<Self, ClientError> {
        Self::open_by(address, authority, patience, None).await
    }

    /// The same in TLS, to a host that proves its name.
    ///
    /// # Errors
    /// When it cannot be connected to within `patience`, or does not prove its name.
    pub async fn open_secure(
        address: SocketAddr,
        authority: &str,
        patience: Duration,
        tls: ClientTls,
    ) -> Result<Self, ClientError> {
        Self::open_by(address, authority, patience, Some(tls)).await
    }

    async fn open_by(
        address: SocketAddr,
        authority: &str,
        patience: Duration,
        tls: Option<ClientTls>,
    ) -> Result<Self, ClientError> {
        let failed =
            |error: &dyn std::fmt::Display| ClientError::Transport(authority.to_owned(), error.to_string());
        let opened = async {
            let stream = TcpStream::connect(address).await.map_err(|error| failed(&error))?;
            let _ = stream.set_nodelay(true);
            let Some(tls) = tls else { return speak(stream).await.map_err(|error| failed(&error)) };
            let connector = tokio_rustls::TlsConnector::from(tls.config);
            let stream = connector.connect(tls.name, stream).await.map_err(|error| failed(&error))?;
            speak(stream).await.map_err(|error| failed(&error))
        };
        let late = |_| ClientError::Late(authority.to_owned());
        let sender = tokio::time::timeout(patience, opened).await.map_err(late)??;
        Ok(Self { authority: authority.to_owned(), sender, patience })
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub async fn send(&mut self, call: Call) -> Result<Answer, ClientError> {
        let authority = self.authority.clone();
        let failed =
            |error: &dyn std::fmt::Display| ClientError::Transport(authority.clone(), error.to_string());
        let mut request = hyper::Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("strowger/", env!("CARGO_PKG_VERSION")));
        if let Some(kind) = &call.content_type {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if let Some((name, password)) = &call.user {
            let proof = base64::encode(format!("{name}:{password}").as_bytes());
            request = request.header(header::AUTHORIZATION, format!("Basic {proof}"));
        }
        let request = request.body(Full::new(call.body)).map_err(|error| failed(&error))?;
        let exchange = async {
            self.sender.ready().await.map_err(|error| failed(&error))?;
            let answer = self.sender.send_request(request).await.map_err(|error| failed(&error))?;
            let (head, body) = answer.into_parts();
            let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let content_type = kind.unwrap_or_default().to_owned();
            let body = Limited::new(body, ANSWER).collect().await.map_err(|error| failed(&error))?;
            Ok(Answer { status: head.status, content_type, body: body.to_bytes() })
        };
        tokio::time::timeout(self.patience, exchange)
            .await
            .map_err(|_| ClientError::Late(authority.clone()))?
    }
}
