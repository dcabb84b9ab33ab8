//! A client's link on tokio: one task, one connection at a time.
//!
//! Submissions are taken from their channel only while the link has capacity, so that a slow or absent centre holds them up there, where
//! [`LinkHandle::ask`] says so at once, and not in memory.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use strowger_sansio::{Duration, Rng, Time};
use tokio::sync::mpsc;

use super::client::{Client, ClientConfig, Delivery, Event, Loss, Outcome, Token};
use super::pdu::{AlertNotification, Operation, ShortMessage};
use super::status::Status;
use super::tls::ClientTls;
use super::transport::{Moved, Transport};
use crate::clock::Clock;

/// How long a connection may take to be made, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// How much is read at once.
const READ: usize = 64 * 1024;
/// Unsent octets past which nothing more is submitted: the centre does not read.
const BACKLOG: usize = 256 * 1024;

/// A link of its owner's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub usize);

/// Where a link leads, and how.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// The centre.
    pub address: SocketAddr,
    /// The session.
    pub client: ClientConfig,
    /// How the centre is proved, where that is wanted.
    pub tls: Option<ClientTls>,
}

/// What a link tells its owner.
#[derive(Debug)]
pub enum LinkEvent {
    /// Messages may go.
    Up {
        /// What the centre calls itself.
        centre: String,
        /// What it speaks, when it says so.
        version: Option<u8>,
    },
    /// They may not.
    Down(Loss),
    /// A submission has its outcome.
    Answered(Token, Outcome),
    /// A submission was never sent.
    Returned(Token),
    /// A message or a receipt; it waits for [`LinkHandle::acknowledge`].
    Incoming(Ticket, Box<ShortMessage>),
    /// A subscriber can be reached again, or not.
    Alert(Box<AlertNotification>),
}

/// Names an incoming message, on one connection of its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    connection: u64,
    delivery: Delivery,
}

enum Control {
    Acknowledge(Ticket, Status),
    Close,
}

/// An owner's end of a link. The link ends when its last handle is dropped.
#[derive(Clone, Debug)]
pub struct LinkHandle {
    submissions: mpsc::Sender<(Token, Operation)>,
    controls: mpsc::UnboundedSender<Control>,
    up: Arc<AtomicBool>,
}

impl LinkHandle {
    /// Whether it is bound.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Hands over what is to be asked; an event follows in any case.
    ///
    /// # Errors
    /// It comes back when the link is not there or has enough.
    pub fn ask(&self, token: Token, operation: Operation) -> Result<(), Operation> {
        if !self.is_up() {
            return Err(operation);
        }
        self.submissions.try_send((token, operation)).map_err(|error| error.into_inner().1)
    }

    /// Answers an incoming message.
    pub fn acknowledge(&self, ticket: Ticket, status: Status) {
        let _ = self.controls.send(Control::Acknowledge(ticket, status));
    }

    /// Ends the link in order.
    pub fn close(&self) {
        let _ = self.controls.send(Control::Close);
    }
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<Transport>> + Send>>;

struct Link {
    id: LinkId,
    address: SocketAddr,
    tls: Option<ClientTls>,
    clock: Clock,
    client: Client,
    submissions: mpsc::Receiver<(Token, Operation)>,
    controls: mpsc::UnboundedReceiver<Control>,
    events: mpsc::UnboundedSender<(LinkId, LinkEvent)>,
    up: Arc<AtomicBool>,
    connecting: Option<Connecting>,
    stream: Option<Transport>,
    connection: u64,
    out: Vec<u8>,
    written: usize,
    ended: bool,
}

/// Starts a link on the current runtime. What happens on it goes to `events`, whose load is bounded by the window.
#[must_use]
pub fn start(
    id: LinkId,
    config: LinkConfig,
    clock: Clock,
    rng: Rng,
    events: mpsc::UnboundedSender<(LinkId, LinkEvent)>,
) -> LinkHandle {
    let (submit, submissions) = mpsc::channel(config.client.window.max(1));
    let (control, controls) = mpsc::unbounded_channel();
    let up = Arc::new(AtomicBool::new(false));
    let link = Link {
        id,
        address: config.address,
        tls: config.tls,
        client: Client::new(config.client, clock.now(), rng),
        clock,
        submissions,
        controls,
        events,
        up: Arc::clone(&up),
        connecting: None,
        stream: None,
        connection: 0,
        out: Vec::new(),
        written: 0,
        ended: false,
    };
    tokio::spawn(link.run());
    LinkHandle { submissions: submit, controls: control, up }
}

enum Wake {
    Connected(io::Result<Transport>),
    Moved(Moved),
    Submission(Option<(Token, Operation)>),
    Control(Option<Control>),
    Timer,
}

impl Link {
    async fn run(mut self) {
        let mut buffer = vec![0; READ];
        self.settle();
        while !self.ended {
            let wake = self.wait(&mut buffer).await;
            let now = self.clock.now();
            match wake {
                Wake::Connected(Ok(stream)) => {
                    self.connecting = None;
                    self.stream = Some(stream);
                    self.connection += 1;
                    self.client.handle_connected(now);
                }
                Wake::Connected(Err(error)) => {
                    tracing::debug!(address = %self.address, %error, "no connection to the message centre");
                    self.connecting = None;
                    self.client.handle_disconnected(now);
                }
                Wake::Moved(Moved::In(Ok(length @ 1..))) => {
                    self.client.handle_input(now, buffer.get(..length).unwrap_or_default());
                }
                Wake::Moved(Moved::Out(Ok(length))) => self.written += length,
                Wake::Moved(_) => self.lost(now),
                Wake::Submission(Some(submission)) => self.submit(now, submission),
                Wake::Control(Some(Control::Acknowledge(ticket, status))) => {
                    if ticket.connection == self.connection && self.stream.is_some() {
                        self.client.acknowledge(ticket.delivery, status);
                    }
                }
                // The owner is gone, or wants us to go.
                Wake::Control(Some(Control::Close) | None) | Wake::Submission(None) => self.client.close(now),
                Wake::Timer => {}
            }
            self.client.handle_timeout(now);
            self.settle();
            self.write(now).await;
            self.settle();
        }
    }

    async fn wait(&mut self, buffer: &mut [u8]) -> Wake {
        let now = self.clock.now();
        let due = self.client.poll_timeout().unwrap_or(now + Duration::from_secs(3600));
        let timer = tokio::time::sleep_until(self.clock.instant(due).into());
        let room = self.client.capacity(now) > 0 && self.out.len() - self.written < BACKLOG;
        let (stream, out) = (self.stream.as_mut(), self.out.get(self.written..).unwrap_or_default());
        tokio::select! {
            connected = async {
                match self.connecting.as_mut() {
                    Some(connecting) => connecting.await,
                    None => std::future::pending().await,
                }
            } => Wake::Connected(connected),
            moved = async {
                match stream {
                    Some(stream) => poll_fn(|context| stream.poll(context, buffer, out)).await,
                    None => std::future::pending().await,
                }
            } => Wake::Moved(moved),
            control = self.controls.recv() => Wake::Control(control),
            submission = self.submissions.recv(), if room => Wake::Submission(submission),
            () = timer => Wake::Timer,
        }
    }

    /// A submission, and what has come behind it.
    fn submit(&mut self, now: Time, first: (Token, Operation)) {
        let mut next = Some(first);
        while let Some((token, operation)) = next.take() {
            if self.client.ask(now, token, operation).is_err() {
                self.tell(LinkEvent::Returned(token));
            }
            if self.client.capacity(now) > 0 {
                next = self.submissions.try_recv().ok();
            }
        }
    }

    /// Writes as much as the connection takes at once.
    async fn write(&mut self, now: Time) {
        while self.written < self.out.len() {
            let (Some(stream), Some(out)) = (self.stream.as_mut(), self.out.get(self.written..)) else {
                break;
            };
            match poll_fn(|context| Poll::Ready(stream.poll_out(context, out))).await {
                Poll::Ready(Ok(length)) => self.written += length,
                Poll::Pending => return,
                Poll::Ready(Err(_)) => {
                    self.lost(now);
                    return;
                }
            }
        }
        self.out.clear();
        self.written = 0;
    }

    fn lost(&mut self, now: Time) {
        self.stream = None;
        self.client.handle_disconnected(now);
    }

    /// Takes what the session wants to send and to say.
    fn settle(&mut self) {
        self.client.transmit_into(&mut self.out);
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Connect => {
                    let connect = Transport::connect(self.address, self.tls.clone());
                    self.connecting = Some(Box::pin(async move {
                        tokio::time::timeout(CONNECT, connect).await.unwrap_or_else(|late| Err(late.into()))
                    }));
                }
                Event::Disconnect => self.disconnect(),
                Event::Bound { centre, version } => {
                    self.up.store(true, Ordering::Relaxed);
                    self.tell(LinkEvent::Up { centre, version });
                }
                Event::Lost(loss) => {
                    self.up.store(false, Ordering::Relaxed);
                    self.return_unsent();
                    self.ended = loss == Loss::Closed;
                    self.tell(LinkEvent::Down(loss));
                }
                Event::Answered(token, outcome) => self.tell(LinkEvent::Answered(token, outcome)),
                Event::Alert(alert) => self.tell(LinkEvent::Alert(alert)),
                Event::Incoming(delivery, message) => {
                    let ticket = Ticket { connection: self.connection, delivery };
                    self.tell(LinkEvent::Incoming(ticket, message));
                }
            }
        }
    }

    /// Closes the connection; a last word goes out if the kernel takes it at once.
    fn disconnect(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            let mut context = Context::from_waker(Waker::noop());
            let _ = stream.poll_out(&mut context, self.out.get(self.written..).unwrap_or_default());
            let _ = stream.poll_out(&mut context, &[]);
        }
        self.out.clear();
        self.written = 0;
        self.connecting = None;
    }

    fn return_unsent(&mut self) {
        while let Ok((token, _)) = self.submissions.try_recv() {
            self.tell(LinkEvent::Returned(token));
        }
    }

    fn tell(&self, event: LinkEvent) {
        let _ = self.events.send((self.id, event));
    }
}
