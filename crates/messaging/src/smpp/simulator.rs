//! A message centre for tests and demonstrations: binds, takes messages, hands them to subscribers inside the program, sends receipts,
//! and misbehaves as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strowger_sansio::{Duration, Time};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::centre::{Centre, CentreConfig, Event};
use super::client::Token;
use super::pdu::{Address, ShortMessage};
use super::receipt::{MessageState, Receipt};
use super::status::Status;
use crate::clock::Clock;

/// Messages that wait at a subscriber; what comes on top is refused.
const MAILBOX: usize = 100_000;
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
}

#[derive(Default)]
struct Shared {
    behaviour: Behaviour,
    counts: Counts,
    last_id: u64,
    submissions: u64,
    subscribers: BTreeMap<String, mpsc::Sender<ShortMessage>>,
    /// Links that receive, by the name that bound them.
    receivers: Vec<(String, mpsc::Sender<(Time, ShortMessage)>)>,
}

/// A running centre. It ends when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    local: SocketAddr,
    clock: Clock,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Listens on `address` and serves clients on the current runtime.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub async fn start(address: SocketAddr, config: CentreConfig, behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        let clock = Clock::start();
        let shared = Arc::new(Mutex::new(Shared { behaviour, ..Shared::default() }));
        let task = tokio::spawn(accept(listener, config, clock, Arc::clone(&shared)));
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
        let (sender, receiver) = mpsc::channel(MAILBOX);
        lock(&self.shared).subscribers.insert(number.to_owned(), sender);
        receiver
    }

    /// Behaves otherwise from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        lock(&self.shared).behaviour = behaviour;
    }

    /// What it has done until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        lock(&self.shared).counts
    }

    /// A subscriber sends a message to a client. False when no client receives.
    pub fn originate(&self, message: ShortMessage) -> bool {
        let now = self.clock.now();
        let shared = lock(&self.shared);
        let receiver = shared.receivers.iter().find(|(_, sender)| !sender.is_closed());
        receiver.is_some_and(|(_, sender)| sender.try_send((now, message)).is_ok())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The guarded values are whole at any time.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, config: CentreConfig, clock: Clock, shared: Arc<Mutex<Shared>>) {
    let mut links = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                links.spawn(serve(stream, config.clone(), clock, Arc::clone(&shared)));
            }
            Some(_) = links.join_next() => {}
        }
    }
}

/// What is to be done with a submission.
enum Fate {
    Answer(Result<String, Status>),
    Silence,
}

struct Session {
    centre: Centre,
    clock: Clock,
    shared: Arc<Mutex<Shared>>,
    system_id: String,
    outgoing: mpsc::Sender<(Time, ShortMessage)>,
    /// Answers in the order of their time.
    answers: VecDeque<(Time, u32, Result<String, Status>)>,
    /// Deliveries in the order of their coming, with the earliest time of each.
    deliveries: VecDeque<(Time, ShortMessage)>,
    over: bool,
}

async fn serve(mut stream: TcpStream, config: CentreConfig, clock: Clock, shared: Arc<Mutex<Shared>>) {
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
            if stream.write_all(&out).await.is_err() {
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
        while let Some(event) = self.centre.poll_event() {
            match event {
                Event::Bound { system_id, kind } => {
                    let mut shared = lock(&self.shared);
                    shared.counts.binds += 1;
                    if kind.receives() {
                        shared.receivers.retain(|(_, sender)| !sender.is_closed());
                        shared.receivers.push((system_id.clone(), self.outgoing.clone()));
                    }
                    drop(shared);
                    self.system_id = system_id;
                }
                Event::Submitted(sequence, message) => self.submitted(now, sequence, &message),
                Event::Answered(_, super::client::Outcome::Accepted(_)) => {
                    lock(&self.shared).counts.receipts += 1;
                }
                Event::Answered(..) => {}
                Event::Disconnect => self.over = true,
            }
        }
        while self.answers.front().is_some_and(|(due, ..)| *due <= now) {
            if let Some((_, sequence, answer)) = self.answers.pop_front() {
                self.centre.answer(sequence, answer);
            }
        }
        while self.centre.capacity() > 0 && self.deliveries.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, message)) = self.deliveries.pop_front() {
                let _ = self.centre.deliver(now, Token(0), Box::new(message));
            }
        }
        while let Some(bytes) = self.centre.poll_transmit() {
            out.extend_from_slice(&bytes);
        }
    }

    fn due(&self) -> Time {
        let answer = self.answers.front().map(|(due, ..)| *due);
        let delivery = self.deliveries.front().map(|(due, _)| *due).filter(|_| self.centre.capacity() > 0);
        let due = [answer, delivery, self.centre.poll_timeout()].into_iter().flatten().min();
        due.unwrap_or(Time::MAX)
    }

    fn submitted(&mut self, now: Time, sequence: u32, message: &ShortMessage) {
        let mut shared = lock(&self.shared);
        let latency = shared.behaviour.latency;
        match shared.judge(now, message, &self.system_id) {
            Fate::Silence => {}
            Fate::Answer(answer) => self.answers.push_back((now + latency, sequence, answer)),
        }
    }
}

impl Shared {
    fn judge(&mut self, now: Time, message: &ShortMessage, system_id: &str) -> Fate {
        self.submissions += 1;
        let each = |every: Option<u64>| every.is_some_and(|every| self.submissions.is_multiple_of(every));
        if each(self.behaviour.throttle_every) {
            self.counts.throttled += 1;
            return Fate::Answer(Err(Status::THROTTLED));
        }
        if each(self.behaviour.drop_every) {
            self.counts.dropped += 1;
            return Fate::Silence;
        }
        if let Some(status) = self.behaviour.refuse.get(&message.destination.digits) {
            self.counts.refused += 1;
            return Fate::Answer(Err(*status));
        }
        let state = match self.subscribers.get(&message.destination.digits) {
            Some(subscriber) => match subscriber.try_send(message.clone()) {
                Ok(()) => MessageState::Delivered,
                Err(mpsc::error::TrySendError::Full(_)) => return Fate::Answer(Err(Status::QUEUE_FULL)),
                Err(mpsc::error::TrySendError::Closed(_)) => MessageState::Undeliverable,
            },
            None => MessageState::Undeliverable,
        };
        self.counts.accepted += 1;
        self.last_id += 1;
        let id = self.last_id;
        if message.registered_delivery & 0x03 == 1
            || (message.registered_delivery & 0x03 == 2 && state != MessageState::Delivered)
        {
            self.report(now, message, id, state, system_id);
        }
        Fate::Answer(Ok(if self.behaviour.hex_identifiers { format!("{id:X}") } else { id.to_string() }))
    }

    fn report(&self, now: Time, message: &ShortMessage, id: u64, state: MessageState, system_id: &str) {
        let receipt = Receipt { message_id: id.to_string(), state, error: None };
        let mut text = ShortMessage {
            source: Address { ton: message.destination.ton, ..message.destination.clone() },
            destination: message.source.clone(),
            esm_class: 0x04,
            text: receipt.to_text("2601010000", "2601010001").into_bytes(),
            ..ShortMessage::default()
        };
        if !self.behaviour.receipts_as_text {
            text.tlvs = receipt.to_tlvs();
        }
        let due = now + self.behaviour.latency + self.behaviour.receipt_after;
        let receiver = self.receivers.iter().find(|(name, sender)| name == system_id && !sender.is_closed());
        if let Some((_, sender)) = receiver {
            let _ = sender.try_send((due, text));
        }
    }
}
