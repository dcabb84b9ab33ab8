//! The sockets of SMTP: a mail that goes out has one deadline; one that comes in has one for each read, and few connections at a time.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::accept::accept;

use super::{Mail, Outcome, Received, SmtpLimits, client, server};

/// How much is read at once.
const READ: usize = 16 * 1024;

/// Brings a mail to a host, which is greeted as `name`.
pub async fn deliver(to: SocketAddr, name: &str, mail: Mail, patience: Duration) -> Outcome {
    let mut session = client::Session::new(name, mail);
    if let Some(outcome) = session.outcome() {
        return outcome.clone();
    }
    let talk = async {
        let mut stream = TcpStream::connect(to).await?;
        let _ = stream.set_nodelay(true);
        let mut buffer = vec![0; READ];
        while session.outcome().is_none() {
            let length = stream.read(&mut buffer).await?;
            match length {
                0 => session.handle_end(),
                length => session.handle_input(buffer.get(..length).unwrap_or_default()),
            }
            if let Some(octets) = session.poll_transmit()
                && let Err(error) = stream.write_all(&octets).await
            {
                // A last word that is not heard changes nothing.
                if session.outcome().is_none() {
                    return Err(error);
                }
            }
        }
        let _ = stream.shutdown().await;
        Ok::<_, io::Error>(())
    };
    let talked = tokio::time::timeout(patience, talk).await;
    let late = match talked {
        Ok(Ok(())) => "no answer".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    session.outcome().cloned().unwrap_or(Outcome::Later(late))
}

/// Says whether a host may bring mail.
type Gate = dyn Fn(IpAddr) -> bool + Send + Sync;
/// Says whether a recipient is one of ours, for mail from a host.
type List = dyn Fn(IpAddr, &str) -> bool + Send + Sync;
/// Says what becomes of a mail from a host.
type Handler = dyn Fn(IpAddr, Received) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync;

/// Who may bring mail, for whom, and what becomes of it.
#[derive(Clone)]
pub struct Postmaster {
    /// What the host calls itself.
    pub name: String,
    /// Whether mail from a host is taken at all: who else comes gets no byte.
    pub may_come: Arc<Gate>,
    /// Whether a recipient is one of ours, for mail from a host.
    pub admits: Arc<List>,
    /// What becomes of a mail; the other side is told when it is settled.
    pub handle: Arc<Handler>,
    /// Bounds.
    pub limits: SmtpLimits,
    /// Connections at one time.
    pub connections: usize,
    /// How long a host may be silent.
    pub patience: Duration,
}

impl std::fmt::Debug for Postmaster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postmaster").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct MailServer {
    local: SocketAddr,
    task: JoinHandle<()>,
}

impl MailServer {
    /// Takes mail at `listener` on the current runtime.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, postmaster: Postmaster) -> io::Result<Self> {
        let local = listener.local_addr()?;
        Ok(Self { local, task: tokio::spawn(listen(listener, postmaster)) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, postmaster: Postmaster) {
    let may_come = |peer: SocketAddr| {
        let may = (postmaster.may_come)(peer.ip());
        if !may {
            tracing::warn!(%peer, "mail from a host that may not bring any");
        }
        may
    };
    let serve = |stream, peer: SocketAddr| {
        let postmaster = postmaster.clone();
        async move {
            if let Err(error) = serve(stream, peer.ip(), &postmaster).await {
                tracing::debug!(%peer, %error, "a mail connection ended");
            }
        }
    };
    accept(listener, postmaster.connections, may_come, serve).await;
}

async fn serve(mut stream: TcpStream, peer: IpAddr, postmaster: &Postmaster) -> io::Result<()> {
    let admits = |to: &str| (postmaster.admits)(peer, to);
    let mut session = server::Session::new(&postmaster.name, postmaster.limits);
    let mut buffer = vec![0; READ];
    loop {
        if let Some(octets) = session.poll_transmit() {
            within(postmaster.patience, stream.write_all(&octets)).await?;
        }
        if session.is_over() {
            return stream.shutdown().await;
        }
        if let Some(mail) = session.poll_mail() {
            let verdict = (postmaster.handle)(peer, mail).await;
            session.handle_verdict(&verdict, &admits);
            continue;
        }
        match within(postmaster.patience, stream.read(&mut buffer)).await? {
            0 => return Ok(()),
            length => session.handle_input(buffer.get(..length).unwrap_or_default(), &admits),
        }
    }
}

async fn within<T>(patience: Duration, doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(patience, doing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
