//! One connection: a task that reads messages and writes them, until one side ends it or a deadline does.
//!
//! Whoever begins a message has a time to end it, so that octets that come one by one hold nothing for long. A double line end is
//! answered with a single one (RFC 5626 section 4.4.1). A connection on which nothing is said is ended; one to a peer with whom the
//! exchange is registered is kept by double line ends of its own, since calls come back by it, and one by which a telephone has registered
//! stands as long as the registration may.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strowger_sip::text::{Frame, Framer};
use strowger_sip::{DecodeError, Limits, Transport};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::{ClientTls, ServerTls};

use super::door::{Door, Place};
use super::{Arrival, Connection, End, Fate, WAITING, Way};

/// How long it may take to make a connection: a caller waits for it, and there may be another way.
const MAKING: Duration = Duration::from_secs(4);
/// How long a message may take from its first octet to its last, and the first one of whoever has connected.
const MESSAGE: Duration = Duration::from_secs(20);
/// When a connection ends on which nothing is said. More than 64 T1, as section 18 wants, and than the time between refreshes of a
/// session.
const IDLE: Duration = Duration::from_secs(20 * 60);
/// The same where a telephone has registered, which is reached by this connection alone: more than the longest registration. The system finds out
/// when the other end is gone.
const REGISTERED: Duration = Duration::from_secs(2 * 3600 + 300);
/// How often a connection is kept that must stand: from 95 to 120 s (RFC 5626 section 4.4.1), each connection in its own time.
const KEPT: (u64, u64) = (95, 26);
/// How long the last words may take when a connection is closed.
const PARTING: Duration = Duration::from_secs(5);
/// What is read at once.
const READ: usize = 16 * 1024;

/// A connection to be made, or one that a peer has made.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) way: Way,
    pub(super) number: u64,
    pub(super) to: mpsc::Sender<Arrival>,
    /// To send something of its own.
    pub(super) own: mpsc::WeakSender<Vec<u8>>,
    pub(super) messages: mpsc::Receiver<Vec<u8>>,
    pub(super) door: Arc<Door>,
    /// It must stand, whether anything is said or not.
    pub(super) is_kept: bool,
    /// What becomes of it.
    pub(super) fate: Arc<Fate>,
}

/// Where peers connect.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) listener: TcpListener,
    pub(super) transport: Transport,
    pub(super) tls: Option<ServerTls>,
    /// The number before its first connection's: they are counted in threes, each entrance and this side's own by themselves.
    pub(super) first: u64,
}

/// Lets in who may come.
pub(super) async fn accept(entrance: Entrance, door: Arc<Door>, to: mpsc::Sender<Arrival>) {
    let Entrance { listener, transport, tls, first: mut number } = entrance;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let peer = SocketAddr::new(super::canonical(peer.ip()), peer.port());
        // Nobody else hears anything, not even why.
        let fate = Arc::default();
        let Some(place) = door.place(peer.ip(), &fate) else { continue };
        number += 3;
        let (writer, messages) = mpsc::channel(WAITING);
        let (own, to, door) = (writer.downgrade(), to.clone(), Arc::clone(&door));
        let own = Stream { way: (transport, peer), number, to, own, messages, door, is_kept: false, fate };
        tokio::spawn(own.take(stream, tls.clone(), writer, place));
    }
}

impl Stream {
    /// Makes the connection from `host`, and has it.
    pub(super) async fn make(self, host: IpAddr, tls: Option<ClientTls>) {
        let to = self.way.1;
        let stream = match in_time(connect(host, to)).await {
            Ok(stream) => stream,
            Err(error) => return self.refused(&error).await,
        };
        let local = stream.local_addr().unwrap_or(to);
        match tls {
            None => self.converse(stream, local, None).await,
            Some(ClientTls { config, name, .. }) => {
                match in_time(TlsConnector::from(config).connect(name, stream)).await {
                    Ok(stream) => self.converse(stream, local, None).await,
                    Err(error) => self.refused(&error).await,
                }
            }
        }
    }

    /// Has a connection that a peer has made.
    async fn take(
        self,
        stream: TcpStream,
        tls: Option<ServerTls>,
        writer: mpsc::Sender<Vec<u8>>,
        place: Place,
    ) {
        let Ok(local) = stream.local_addr() else { return };
        let fate = Arc::clone(&self.fate);
        let (number, task, late) = (self.number, None, Vec::new());
        let connection = Connection { number, local, writer, task, late, fate };
        if prepare(&stream).is_err() {
            return;
        }
        let Some(ServerTls { config, clients }) = tls else {
            if self.to.send(Arrival::Connected(self.way, connection)).await.is_ok() {
                self.converse(stream, local, Some(place)).await;
            }
            return;
        };
        let stream = match in_time(TlsAcceptor::from(config).accept(stream)).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::info!(peer = %self.way.1, %error, "a peer and the exchange do not agree on TLS");
                return;
            }
        };
        // A telephone proves by its password who it is. What comes from the host of a trunk would be taken for the trunk's.
        if let Some(names) = self.door.names(self.way.1.ip())
            && !clients.prove(stream.get_ref().1.peer_certificates(), names.iter())
        {
            tracing::warn!(peer = %self.way.1, "a peer at the host of a trunk has not proven the trunk's name");
            return;
        }
        if self.to.send(Arrival::Connected(self.way, connection)).await.is_ok() {
            self.converse(stream, local, Some(place)).await;
        }
    }

    async fn refused(mut self, error: &io::Error) {
        tracing::info!(peer = %self.way.1, transport = %self.way.0, %error, "a connection cannot be made");
        let unsent = rest(&mut self.messages);
        let _ = self.to.send(Arrival::Ended(self.way, self.number, End::Refused, unsent)).await;
    }

    /// Has the connection until it ends, and says so.
    async fn converse<S: AsyncRead + AsyncWrite>(
        mut self,
        stream: S,
        local: SocketAddr,
        place: Option<Place>,
    ) {
        self.fate.stands.store(true, Ordering::Relaxed);
        let (mut reader, writer) = tokio::io::split(stream);
        let began = Instant::now();
        let said = AtomicU64::new(0);
        let mut waits = Waits { messages: &mut self.messages, began, said: &said };
        let heard = Heard {
            way: self.way,
            local,
            to: &self.to,
            own: &self.own,
            door: &self.door,
            began,
            said: &said,
            taken: place.is_some(),
            kept: self.is_kept.then(|| Duration::from_secs(KEPT.0 + self.number % KEPT.1)),
            fate: &self.fate,
        };
        let unsent = {
            let mut writing = std::pin::pin!(waits.write(writer));
            tokio::select! {
                unsent = &mut writing => unsent,
                broken = heard.read(&mut reader) => {
                    if let Some((bytes, error)) = broken {
                        // What follows from it is said before the connection ends; the shard lets go of it then. Octets that nobody has
                        // read would take the answer away with them.
                        let _ = self.to.send(Arrival::Unframed(self.way, local, bytes, error)).await;
                        let _ = timeout(PARTING, async { tokio::join!(writing, ignore(&mut reader)) }).await;
                    }
                    None
                }
            }
        };
        let mut left: Vec<_> = unsent.into_iter().collect();
        left.append(&mut rest(&mut self.messages));
        drop(place);
        let _ = self.to.send(Arrival::Ended(self.way, self.number, End::Closed, left)).await;
    }
}

/// What waits to be written.
struct Waits<'s> {
    messages: &'s mut mpsc::Receiver<Vec<u8>>,
    began: Instant,
    said: &'s AtomicU64,
}

impl Waits<'_> {
    /// Writes until the shard lets go of the connection, or it cannot; gives the message that was not written whole.
    async fn write(&mut self, mut writer: impl AsyncWrite + Unpin) -> Option<Vec<u8>> {
        while let Some(message) = self.messages.recv().await {
            let written = async {
                writer.write_all(&message).await?;
                writer.flush().await
            };
            if written.await.is_err() {
                return Some(message);
            }
            note(self.said, self.began);
        }
        let _ = timeout(PARTING, writer.shutdown()).await;
        None
    }
}

/// What is heard on a connection, and by whom.
struct Heard<'s> {
    way: Way,
    local: SocketAddr,
    to: &'s mpsc::Sender<Arrival>,
    own: &'s mpsc::WeakSender<Vec<u8>>,
    door: &'s Door,
    began: Instant,
    said: &'s AtomicU64,
    taken: bool,
    kept: Option<Duration>,
    fate: &'s Fate,
}

impl Heard<'_> {
    /// Reads until the connection ends or a deadline has passed; gives what cannot be cut into messages.
    async fn read(&self, reader: &mut (impl AsyncRead + Unpin)) -> Option<(Vec<u8>, DecodeError)> {
        let mut framer = Framer::new(Limits::DEFAULT);
        let mut buffer = vec![0; READ];
        // Whoever connects has something to say.
        let mut whole_by = self.taken.then(|| self.began + MESSAGE);
        let mut is_silent = true;
        let mut kept_at = self.kept.map(|kept| Instant::now() + kept);
        loop {
            let until = whole_by.unwrap_or_else(|| self.idle_at());
            let until = kept_at.map_or(until, |at| at.min(until));
            let length = match timeout_at(until, reader.read(&mut buffer)).await {
                Ok(Ok(length @ 1..)) => length,
                Ok(_) => return None,
                Err(_) if kept_at.is_some_and(|at| at <= Instant::now()) => {
                    kept_at = self.kept.map(|kept| Instant::now() + kept);
                    framer.expect_pong();
                    self.say(b"\r\n\r\n");
                    continue;
                }
                // Something was said by this side meanwhile.
                Err(_) if whole_by.is_none() && Instant::now() < self.idle_at() => continue,
                Err(_) => {
                    tracing::debug!(peer = %self.way.1, "a connection has run out of time");
                    return None;
                }
            };
            framer.push(buffer.get(..length).unwrap_or_default());
            loop {
                match framer.pop() {
                    Ok(Some(frame)) => {
                        is_silent &= !matches!(frame, Frame::Message(_));
                        whole_by = whole_by.filter(|_| is_silent);
                        self.heard(frame).await?;
                    }
                    Ok(None) => break,
                    Err(error) => return Some((framer.held().to_vec(), error)),
                }
            }
            if framer.pending() > 0 {
                whole_by.get_or_insert_with(|| Instant::now() + MESSAGE);
            }
        }
    }

    fn idle_at(&self) -> Instant {
        let idle = if self.fate.registered.load(Ordering::Relaxed) { REGISTERED } else { IDLE };
        self.began + Duration::from_millis(self.said.load(Ordering::Relaxed)) + idle
    }

    async fn heard(&self, frame: Frame) -> Option<()> {
        note(self.said, self.began);
        match frame {
            Frame::Message(bytes) => {
                while !self.door.admits(self.way.1.ip()) {
                    sleep(Duration::from_millis(10)).await;
                }
                self.to.send(Arrival::Message(self.way, self.local, bytes)).await.ok()
            }
            // One who asks so fast that there is no room for an answer gets none.
            Frame::Ping => {
                self.say(b"\r\n");
                Some(())
            }
            Frame::Pong => Some(()),
        }
    }

    fn say(&self, ends: &[u8]) {
        let _ = self.own.upgrade().map(|own| own.try_send(ends.to_vec()));
    }
}

/// Takes what comes, for nobody.
async fn ignore(reader: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = vec![0; READ];
    while matches!(reader.read(&mut buffer).await, Ok(1..)) {}
}

/// Something was said just now.
fn note(said: &AtomicU64, began: Instant) {
    let after = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    said.store(after, Ordering::Relaxed);
}

/// What waits for a connection that takes nothing any more.
fn rest(messages: &mut mpsc::Receiver<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.close();
    let all = std::iter::from_fn(|| messages.try_recv().ok());
    all.filter(|message| !strowger_sip::text::is_keep_alive(message)).collect()
}

/// What is not done in time is an error, too.
async fn in_time<T>(doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(MAKING, doing).await?
}

async fn connect(host: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Peers know this side by its address.
    if host.is_ipv4() == to.is_ipv4() && !host.is_unspecified() {
        socket.bind(SocketAddr::new(host, 0))?;
    }
    let stream = socket.connect(to).await?;
    prepare(&stream)?;
    Ok(stream)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    // A message is as small as a datagram, and somebody waits for it.
    stream.set_nodelay(true)?;
    // A host that lost its power ends nothing.
    crate::keepalive::watch(stream)
}

#[cfg(test)]
mod tests;
