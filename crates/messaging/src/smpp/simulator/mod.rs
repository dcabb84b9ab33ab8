//! A message centre for tests and demonstrations: binds, takes messages, hands them to subscribers inside the program, sends receipts,
//! and misbehaves as it is told.
//!
//! Here are its connections; `mailroom` is what they share: messages, subscribers, and what is answered.

mod mailroom;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strowger_sansio::{Duration, Time};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::centre::{Centre, CentreConfig, Event};
use super::client::{Outcome, Token};
use super::pdu::{AlertNotification, Answer, ShortMessage};
use super::status::Status;
use super::tls::ServerTls;
use crate::clock::Clock;
use mailroom::{Fate, Mailroom};

/// Messages and receipts that wait for a client.
const OUTGOING: usize = 100_000;

/// How the centre behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// How long a submission waits for its answer.
    pub latency: Duration,
    /// Every so many submissions one is refused with `ESME_RTHROTTLED`.
    pub throttle_every: Option<u64>,
    /// Every so many submissions one gets no answer and is not delivered.
    pub drop_every: Option<u64>,
    /// Numbers whose messages are refused, and how.
    pub refuse: BTreeMap<String, Status>,
    /// How long after the answer a receipt is sent, to those who asked for one.
    pub receipt_after: Duration,
    /// Answers name messages in hexadecimal, receipts in decimal.
    pub hex_identifiers: bool,
    /// Receipts say it in words only, without parameters.
    pub receipts_as_text: bool,
    /// How long a message waits before it is delivered: it can be asked for, replaced and taken back meanwhile.
    pub hold: Duration,
    /// Messages and receipts go to clients by `data_sm`.
    pub by_data: bool,
    /// How busy the centre says it is, to those who speak 5.0.
    pub congestion: Option<u8>,
    /// Lists of numbers that `submit_multi` may name.
    pub lists: BTreeMap<String, Vec<String>>,
}

/// What the centre has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Clients that have bound.
    pub binds: u64,
    /// Messages that it took.
    pub accepted: u64,
    /// Messages that it refused because of the load.
    pub throttled: u64,
    /// Messages that it refused for good.
    pub refused: u64,
    /// Messages that it did not answer.
    pub dropped: u64,
    /// Receipts that clients have acknowledged.
    pub receipts: u64,
    /// Messages that were taken back.
    pub cancelled: u64,
    /// Messages that were replaced.
    pub replaced: u64,
    /// Questions after messages.
    pub queries: u64,
}

/// What goes to a client.
#[derive(Debug)]
enum Post {
    Message(Box<ShortMessage>),
    Alert(AlertNotification),
}

/// A running centre. It ends when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    local: SocketAddr,
    clock: Clock,
    shared: Arc<Mutex<Mailroom>>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Listens on `address` and serves clients on the current runtime.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub async fn start(address: SocketAddr, config: CentreConfig, behaviour: Behaviour) -> io::Result<Self> {
        Self::start_with(address, config, behaviour, None).await
    }

    /// The same, in TLS where it is given.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub async fn start_with(
        address: SocketAddr,
        config: CentreConfig,
        behaviour: Behaviour,
        tls: Option<ServerTls>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        let clock = Clock::start();
        let shared = Arc::new(Mutex::new(Mailroom::new(behaviour)));
        let task = tokio::spawn(accept(listener, config, clock, Arc::clone(&shared), tls));
        Ok(Self { local, clock, shared, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Connects a subscriber: what is sent to `number` (digits, without `+`) comes out here. Messages to numbers without a subscriber
    /// are taken and reported undeliverable.
    #[must_use]
    pub fn subscribe(&self, number: &str) -> mpsc::Receiver<ShortMessage> {
        lock(&self.shared).subscribe(number)
    }

    /// Behaves otherwise from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        lock(&self.shared).behave(behaviour);
    }

    /// What it has done until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        lock(&self.shared).counts()
    }

    /// A subscriber sends a message to a client. False when no client receives.
    pub fn originate(&self, message: ShortMessage) -> bool {
        lock(&self.shared).post(None, self.clock.now(), Post::Message(Box::new(message)))
    }

    /// Tells a client that a subscriber can be reached again. False when no client receives.
    pub fn alert(&self, alert: AlertNotification) -> bool {
        lock(&self.shared).post(None, self.clock.now(), Post::Alert(alert))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The guarded values are whole at any time.
fn lock(shared: &Mutex<Mailroom>) -> MutexGuard<'_, Mailroom> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(
    listener: TcpListener,
    config: CentreConfig,
    clock: Clock,
    shared: Arc<Mutex<Mailroom>>,
    tls: Option<ServerTls>,
) {
    let mut links = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let (config, shared, tls) = (config.clone(), Arc::clone(&shared), tls.clone());
                links.spawn(async move {
                    match tls {
                        None => serve(stream, config, clock, shared).await,
                        Some(tls) => match tokio_rustls::TlsAcceptor::from(tls.config).accept(stream).await {
                            Ok(stream) => serve(stream, config, clock, shared).await,
                            Err(error) => tracing::debug!(%error, "a client did not come through TLS"),
                        },
                    }
                });
            }
            Some(_) = links.join_next() => {}
        }
    }
}

struct Session {
    centre: Centre,
    clock: Clock,
    shared: Arc<Mutex<Mailroom>>,
    system_id: String,
    outgoing: mpsc::Sender<(Time, Post)>,
    /// Answers in the order of their time.
    answers: VecDeque<(Time, u32, Answer)>,
    /// Deliveries in the order of their coming, with the earliest time of each.
    deliveries: VecDeque<(Time, Post)>,
    over: bool,
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    config: CentreConfig,
    clock: Clock,
    shared: Arc<Mutex<Mailroom>>,
) {
    let (outgoing, mut incoming) = mpsc::channel(OUTGOING);
    let mut session = Session {
        centre: Centre::new(config, clock.now()),
        clock,
        shared,
        system_id: String::new(),
        outgoing,
        answers: VecDeque::new(),
        deliveries: VecDeque::new(),
        over: false,
    };
    let mut buffer = vec![0; 64 * 1024];
    let mut out = Vec::new();
    while !session.over {
        session.turn(&mut out);
        if !out.is_empty() {
            if stream.write_all(&out).await.is_err() || stream.flush().await.is_err() {
                break;
            }
            out.clear();
        }
        if session.over {
            break;
        }
        let due = session.due();
        tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(length @ 1..) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    session.centre.handle_input(session.clock.now(), bytes);
                }
                _ => session.centre.handle_disconnected(),
            },
            delivery = incoming.recv() => session.deliveries.extend(delivery),
            () = tokio::time::sleep_until(session.clock.instant(due).into()) => {}
        }
    }
}

impl Session {
    /// Does what is due, and takes what is to be sent.
    fn turn(&mut self, out: &mut Vec<u8>) {
        let now = self.clock.now();
        self.centre.handle_timeout(now);
        let shared = Arc::clone(&self.shared);
        let mut room = lock(&shared);
        self.centre.set_congestion(room.behaviour().congestion);
        while let Some(event) = self.centre.poll_event() {
            match event {
                Event::Bound { system_id, kind } => {
                    room.bound(&system_id, kind.receives().then_some(&self.outgoing));
                    self.system_id = system_id;
                }
                Event::Asked(sequence, operation) => match room.judge(now, operation, &self.system_id) {
                    Fate::Silence => {}
                    Fate::Answer(answer) => {
                        self.answers.push_back((now + room.behaviour().latency, sequence, answer));
                    }
                },
                Event::Answered(_, Outcome::Accepted(_)) => room.acknowledged(),
                Event::Answered(..) => {}
                Event::Disconnect => self.over = true,
            }
        }
        room.deliver_due(now);
        while self.answers.front().is_some_and(|(due, ..)| *due <= now) {
            if let Some((_, sequence, answer)) = self.answers.pop_front() {
                self.centre.answer(sequence, answer);
            }
        }
        while self.centre.capacity() > 0 && self.deliveries.front().is_some_and(|(due, _)| *due <= now) {
            match self.deliveries.pop_front() {
                Some((_, Post::Message(message))) => {
                    let _ = match room.behaviour().by_data {
                        true => self.centre.deliver_data(now, Token(0), message),
                        false => self.centre.deliver(now, Token(0), message),
                    };
                }
                Some((_, Post::Alert(alert))) => self.centre.alert(now, alert),
                None => {}
            }
        }
        self.centre.transmit_into(out);
    }

    fn due(&self) -> Time {
        let answer = self.answers.front().map(|(due, ..)| *due);
        let delivery = self.deliveries.front().map(|(due, _)| *due).filter(|_| self.centre.capacity() > 0);
        let held = lock(&self.shared).next_delivery();
        let due = [answer, delivery, held, self.centre.poll_timeout()].into_iter().flatten().min();
        due.unwrap_or(Time::MAX)
    }
}
