//! A handset's HTTP: one request a connection, to an address that the policy admits, with a limit and a deadline. Redirections are
//! followed only where the policy would let the handset go by itself.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::engine::Failure;
use super::host::Passed;
use super::policy::{Barred, FetchPolicy, Target};
use crate::push::content::MMS;
use crate::smpp::{Authorities, ClientTls};

/// Redirections of one request.
const REDIRECTIONS: usize = 3;

/// How requests are made.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where they may go.
    pub policy: FetchPolicy,
    /// Who signs for the hosts that are asked in TLS.
    pub authorities: Option<Authorities>,
    /// The address that they come from; none is the system's choice.
    pub from: Option<IpAddr>,
    /// Octets of the largest answer.
    pub largest: usize,
    /// How long one request may take.
    pub patience: Duration,
    /// Where what passes is shown.
    pub tap: Option<mpsc::UnboundedSender<Passed>>,
}

enum Answer {
    Body(Vec<u8>),
    Elsewhere(Target),
}

fn failure(again: bool, why: impl Into<String>) -> Failure {
    Failure { again, why: why.into() }
}

/// A failure that may be gone at the next attempt.
fn broken(why: &dyn std::fmt::Display) -> Failure {
    failure(true, why.to_string())
}

/// HTTP over a stream, and the task that does it.
async fn speak<S>(stream: S) -> Result<(SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    Ok((sender, tokio::spawn(connection)))
}

impl Client {
    /// Fetches.
    ///
    /// # Errors
    /// [`Failure`] when there is no good answer.
    pub async fn get(&self, target: &Target) -> Result<Vec<u8>, Failure> {
        let mut target = target.clone();
        for _ in 0..=REDIRECTIONS {
            match self.once(Method::GET, &target, Vec::new()).await? {
                Answer::Body(body) => return Ok(body),
                Answer::Elsewhere(next) => target = next,
            }
        }
        Err(failure(false, "too many redirections"))
    }

    /// Posts a message; the answer may be empty.
    ///
    /// # Errors
    /// [`Failure`] when there is no good answer.
    pub async fn post(&self, target: &Target, pdu: Vec<u8>) -> Result<Vec<u8>, Failure> {
        match self.once(Method::POST, target, pdu).await? {
            Answer::Body(body) => Ok(body),
            Answer::Elsewhere(_) => Err(failure(false, "a post is not sent elsewhere")),
        }
    }

    async fn once(&self, method: Method, target: &Target, body: Vec<u8>) -> Result<Answer, Failure> {
        let done = tokio::time::timeout(self.patience, self.exchange(method, target, body)).await;
        done.unwrap_or_else(|_| Err(failure(true, "no answer in time")))
    }

    async fn exchange(&self, method: Method, target: &Target, body: Vec<u8>) -> Result<Answer, Failure> {
        let address = self.resolve(target).await?;
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(|error| broken(&error))?;
        if let Some(from) = self.from {
            socket.bind(SocketAddr::new(from, 0)).map_err(|error| broken(&error))?;
        }
        let stream = socket.connect(address).await.map_err(|error| broken(&error))?;
        let _ = stream.set_nodelay(true);
        let (mut sender, running) = match self.tls(target)? {
            None => speak(stream).await?,
            Some(tls) => {
                let connector = tokio_rustls::TlsConnector::from(tls.config);
                // Who proves nothing today may do so tomorrow, when the certificate has been renewed.
                speak(connector.connect(tls.name, stream).await.map_err(|error| broken(&error))?).await?
            }
        };
        let mut request = Request::builder()
            .method(method.clone())
            .uri(target.path.as_str())
            .header(header::HOST, &target.authority)
            .header(header::USER_AGENT, concat!("Strowger/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, MMS);
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, MMS);
        }
        self.show(|| match method {
            Method::POST => Passed::Sent(body.clone()),
            _ => Passed::Asked(target.path.clone()),
        });
        let request =
            request.body(Full::new(Bytes::from(body))).map_err(|error| failure(false, error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            running.abort();
            let location = answer.headers().get(header::LOCATION).map(|value| value.as_bytes().to_vec());
            return self.elsewhere(target, &location.unwrap_or_default());
        }
        if !status.is_success() {
            running.abort();
            let again = status.is_server_error()
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
            return Err(failure(again, format!("the MMSC says {status}")));
        }
        let read = Limited::new(answer.into_body(), self.largest).collect().await;
        running.abort();
        match read {
            Ok(body) => {
                let body = body.to_bytes().to_vec();
                if !body.is_empty() {
                    self.show(|| Passed::Came(body.clone()));
                }
                Ok(Answer::Body(body))
            }
            Err(error) if error.is::<LengthLimitError>() => {
                Err(failure(false, format!("the answer is longer than {} octets", self.largest)))
            }
            Err(error) => Err(broken(&error)),
        }
    }

    /// How a host proves itself; none where it need not.
    fn tls(&self, target: &Target) -> Result<Option<ClientTls>, Failure> {
        if !target.secure {
            return Ok(None);
        }
        let authorities =
            self.authorities.as_ref().ok_or_else(|| failure(false, Barred::Unproved.to_string()))?;
        authorities.named(&target.host).map(Some).map_err(|error| failure(false, error.to_string()))
    }

    fn show(&self, passed: impl FnOnce() -> Passed) {
        if let Some(tap) = &self.tap {
            let _ = tap.send(passed());
        }
    }

    fn elsewhere(&self, from: &Target, location: &[u8]) -> Result<Answer, Failure> {
        // A path on the same host; anything else must be a whole location that the policy admits.
        if let [b'/', rest @ ..] = location
            && rest.first() != Some(&b'/')
            && location.iter().all(u8::is_ascii_graphic)
        {
            let path = String::from_utf8_lossy(location).into_owned();
            return Ok(Answer::Elsewhere(Target { path, ..from.clone() }));
        }
        let target = self
            .policy
            .admit(location)
            .map_err(|barred| failure(false, format!("a redirection: {barred}")))?;
        if from.secure && !target.secure {
            return Err(failure(false, "a redirection out of TLS"));
        }
        Ok(Answer::Elsewhere(target))
    }

    /// The first address behind a host; all of them must be admitted, as the one who names them may name them in any order.
    async fn resolve(&self, target: &Target) -> Result<SocketAddr, Failure> {
        let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|error| broken(&error))?.collect();
        for address in &found {
            self.policy.admit_address(address.ip()).map_err(|barred| failure(false, barred.to_string()))?;
        }
        let fits = |address: &&SocketAddr| self.from.is_none_or(|from| from.is_ipv4() == address.is_ipv4());
        found.iter().find(fits).copied().ok_or_else(|| failure(true, "the host has no address"))
    }
}
