//! The gateway as those see it who submit pushes and ask for them.
//!
//! Whoever submits ([`Gateway::push`]) is answered when the queue has the push on disk. The task of `delivery` gets it from there, sends
//! what is next, and tells the queue how it ended. After a crash it gets what had not ended from the queue's file and goes on.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use strowger_sansio::{Duration, Time, TokenBucket};
use tokio::net::UdpSocket;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::address::{Address, AddressError, PUSH_PORT};
use super::config::{PushConfig, User};
use super::content::Content;
use super::counters::Counters;
use super::delivery::Core;
use super::policy::{self, Denied};
use crate::clock::Clock;
use crate::pap::Version;
use crate::queue::{
    self, Ending, Found, Gone, Known, Message, Priority, Push, Queue, QueueStore, Refusal, Replaced, Seq,
    State, StoreError, WriterThread,
};
use crate::smpp::ShortMessage;

/// Events that a slow listener may be behind.
const EVENTS: usize = 4096;

/// A push, as it is submitted.
#[derive(Clone, Debug)]
pub struct Request {
    /// The sender's name for it.
    pub push_id: String,
    /// The recipients, each in any of the forms of [`Address::parse`].
    pub to: Vec<String>,
    /// What they get.
    pub content: Content,
    /// When it may go, in milliseconds since 1970; none is now.
    pub not_before: Option<u64>,
    /// When it is worth nothing any more.
    pub expires: Option<u64>,
    /// Whether delivery is to be confirmed where the bearer can do so.
    pub confirm: bool,
    /// Where the result is to be reported to (HTTP).
    pub notify: Option<String>,
    /// In which version of PAP.
    pub version: Version,
    /// Whether others have their turn before it.
    pub priority: Priority,
    /// The earlier push that it takes the place of, with those recipients that both have.
    pub replaces: Option<Replacement>,
}

/// A push of the same sender that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The sender's name for it.
    pub push_id: String,
    /// What happens to recipients that have got it already.
    pub gone: Gone,
}

/// It is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The place of its first message.
    pub first: Seq,
}

/// Why a push was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No address, or too many.
    #[error("a push has 1 to {0} recipients")]
    Recipients(usize),
    /// An address cannot be read.
    #[error("{address}: {fault}")]
    Address {
        /// As it was written.
        address: String,
        /// What is wrong.
        fault: AddressError,
    },
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Its time has passed, or ends before it begins.
    #[error("the push would expire before it may be delivered")]
    Times,
    /// The identifier is empty or too long.
    #[error("an identifier has 1 to 255 characters, none of them a control character")]
    Identifier,
    /// The user sends too much.
    #[error("more pushes a second than this user may send")]
    Rate,
    /// There is no push to be replaced.
    #[error("there is no push {0} to be replaced")]
    NothingToReplace(String),
    /// The push to be replaced has left for all recipients.
    #[error("the push {0} has left for all recipients")]
    AllLeft(String),
    /// The queue did not take it.
    #[error(transparent)]
    Queue(#[from] Refusal),
}

/// How one recipient's message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The recipient, as the sender wrote it.
    pub address: String,
    /// The state.
    pub state: State,
    /// PAP's code.
    pub code: u16,
    /// Why, in words.
    pub detail: String,
    /// Since when, in milliseconds since 1970; none while it has not ended.
    pub at: Option<u64>,
}

/// A message ended: what listeners get.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The message.
    pub message: Arc<Message>,
    /// How it ended.
    pub ending: Ending,
}

/// A result to be reported to whoever sent a push.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its place.
    pub seq: Seq,
    /// Where to.
    pub url: String,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be opened.
    #[error("{what} {address} cannot be opened: {error}")]
    Listen {
        /// For what.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The queue cannot be opened.
    #[error("the push queue {path} cannot be opened: {error}")]
    Queue {
        /// The file.
        path: String,
        /// Why.
        error: StoreError,
    },
    /// The system gives no randomness.
    #[error("the system gave no randomness")]
    Randomness,
}

/// What the task is told.
pub(super) enum Order {
    /// Takes messages back.
    Cancel(Vec<Seq>, oneshot::Sender<Vec<bool>>),
    /// Ends.
    Stop,
}

/// A running gateway. Clones share it.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub(super) config: Arc<PushConfig>,
    pub(super) clock: Clock,
    queue: Queue,
    orders: mpsc::UnboundedSender<Order>,
    pub(super) ended: broadcast::Sender<Ended>,
    pub(super) incoming: broadcast::Sender<ShortMessage>,
    pub(super) counters: Arc<Counters>,
    rates: Arc<std::sync::Mutex<BTreeMap<String, TokenBucket>>>,
    udp: Option<SocketAddr>,
}

/// What of a gateway has to be waited for at its end.
#[derive(Debug)]
pub struct Running {
    task: tokio::task::JoinHandle<()>,
    writer: WriterThread,
}

impl Running {
    /// Waits until everything is on disk; [`Gateway::stop`] must have been called, and all handles dropped.
    pub async fn ended(self) {
        if self.task.await.is_err() {
            tracing::error!("the push gateway ended by an internal fault");
        }
        self.writer.ended().await;
    }
}

impl Gateway {
    /// Opens the queue and the bearers and starts on the current runtime. Results that are to be reported go to `notices`.
    ///
    /// # Errors
    /// When something cannot be opened.
    pub async fn start(
        config: PushConfig,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Result<(Self, Running), StartError> {
        let clock = Clock::start();
        let shown = config.store.as_ref().map_or("in memory".to_owned(), |path| path.display().to_string());
        let failed = |error| StartError::Queue { path: shown.clone(), error };
        let store = match &config.store {
            Some(path) => QueueStore::open(path).map_err(failed)?,
            None => QueueStore::in_memory().map_err(failed)?,
        };
        let udp = match config.udp {
            None => None,
            Some(address) => {
                let failed = |error| StartError::Listen { what: "udp", address, error };
                Some(UdpSocket::bind(address).await.map_err(failed)?)
            }
        };
        let local = udp.as_ref().and_then(|socket| socket.local_addr().ok());
        let (accept, accepted) = mpsc::unbounded_channel();
        let (queue, restored, writer) = queue::start(store, config.queue, accept).map_err(failed)?;
        let (orders, incoming_orders) = mpsc::unbounded_channel();
        let config = Arc::new(config);
        let counters = Arc::new(Counters::default());
        let gateway = Self {
            config: Arc::clone(&config),
            clock,
            queue: queue.clone(),
            orders,
            ended: broadcast::channel(EVENTS).0,
            incoming: broadcast::channel(EVENTS).0,
            counters: Arc::clone(&counters),
            rates: Arc::default(),
            udp: local,
        };
        let mut core = Core::new(&gateway, queue, udp, accepted, incoming_orders, notices)?;
        core.restore(restored);
        let task = tokio::spawn(core.run());
        Ok((gateway, Running { task, writer }))
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Arc<PushConfig> {
        &self.config
    }

    /// Where datagrams leave from.
    #[must_use]
    pub const fn udp(&self) -> Option<SocketAddr> {
        self.udp
    }

    /// The time, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now().as_millis()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        self.counters.waiting.store(self.queue.waiting() as u64, Ordering::Relaxed);
        &self.counters
    }

    /// Whether the queue's disk takes what it is given.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.queue.is_healthy()
    }

    /// Messages as they end, from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Ended> {
        self.ended.subscribe()
    }

    /// Messages that subscribers send through the message centres, from now on. While nobody listens they are refused.
    #[must_use]
    pub fn incoming(&self) -> broadcast::Receiver<ShortMessage> {
        self.incoming.subscribe()
    }

    /// Submits pushes of one user; the verdicts are in their order. What is accepted survives a crash.
    pub async fn push(&self, user: &User, requests: Vec<Request>) -> Vec<Result<Accepted, Refused>> {
        let mut verdicts = Vec::with_capacity(requests.len());
        let mut pushes = Vec::with_capacity(requests.len());
        for request in requests {
            match self.prepare_with_replaced(user, request).await {
                Ok(push) => {
                    pushes.push(push);
                    verdicts.push(None);
                }
                Err(refused) => verdicts.push(Some(refused)),
            }
        }
        let accepted = match pushes.is_empty() {
            true => Vec::new(),
            false => self.queue.accept(pushes).await,
        };
        self.give_back(user, accepted.iter().filter(|verdict| verdict.is_err()).count());
        let mut accepted = accepted.into_iter();
        let mut settle = |verdict: Option<Refused>| match verdict {
            Some(refused) => Err(refused),
            None => match accepted.next() {
                Some(Ok(first)) => Ok(Accepted { first }),
                Some(Err(refusal)) => Err(refusal.into()),
                None => Err(Refusal::Unavailable.into()),
            },
        };
        let verdicts: Vec<_> = verdicts.into_iter().map(&mut settle).collect();
        let good = verdicts.iter().filter(|verdict| verdict.is_ok()).count() as u64;
        self.counters.accepted.fetch_add(good, Ordering::Relaxed);
        self.counters.refused.fetch_add(verdicts.len() as u64 - good, Ordering::Relaxed);
        verdicts
    }

    async fn prepare_with_replaced(&self, user: &User, request: Request) -> Result<Push, Refused> {
        let Some(replacement) = request.replaces.clone() else { return self.prepare(user, request, &[]) };
        let Replacement { push_id, gone } = replacement;
        let found = self.look(user, &push_id).await.map_err(|_| Refused::Queue(Refusal::Unavailable))?;
        let Some((_, rows)) = found else { return Err(Refused::NothingToReplace(push_id)) };
        let pending = rows.into_iter().filter_map(|row| match row {
            Found::Pending(message) => Some((message.to, Replaced { seq: message.seq, gone })),
            Found::Ended(_) => None,
        });
        let pending: Vec<_> = pending.collect();
        self.prepare(user, request, &pending)
    }

    /// A request as messages; `pending` are those that may be replaced, by their destinations.
    fn prepare(
        &self,
        user: &User,
        request: Request,
        pending: &[(String, Replaced)],
    ) -> Result<Push, Refused> {
        let now = self.clock.now();
        let named = (1..=255).contains(&request.push_id.len());
        if !named || request.push_id.chars().any(char::is_control) {
            return Err(Refused::Identifier);
        }
        let most = self.config.limits.recipients;
        if request.to.is_empty() || request.to.len() > most {
            return Err(Refused::Recipients(most));
        }
        policy::admit(user, &request.content)?;
        if let Some(url) = &request.notify {
            policy::report(&self.config, url)?;
        }
        let accepted = now.as_millis();
        let not_before = request.not_before.unwrap_or(accepted);
        let longest = accepted + to_millis(self.config.longest_lifetime);
        let expires = request.expires.unwrap_or(not_before.max(accepted) + to_millis(self.config.lifetime));
        if expires <= accepted || expires <= not_before || not_before >= longest {
            return Err(Refused::Times);
        }
        let mut messages = Vec::with_capacity(request.to.len());
        let mut payload = request.content.into_payload();
        let last = request.to.len();
        for (text, number) in request.to.into_iter().zip(1..) {
            let address =
                Address::parse(&text).map_err(|fault| Refused::Address { address: text.clone(), fault })?;
            let (_, reached) = policy::route(&self.config, &address)?;
            let port = if let Address::Host(host) = &reached { host.port() } else { PUSH_PORT };
            let to = reached.to_string();
            let replaces = pending.iter().find(|(known, _)| *known == to).map(|(_, replaced)| *replaced);
            let pending_only = request.replaces.as_ref().is_some_and(|old| old.gone == Gone::Drop);
            if pending_only && replaces.is_none() {
                continue;
            }
            let payload = if number == last { std::mem::take(&mut payload) } else { payload.clone() };
            messages.push(Message {
                seq: Seq::default(),
                owner: user.name.clone(),
                push_id: request.push_id.clone(),
                address: text,
                to,
                payload,
                port,
                accepted,
                not_before,
                expires: expires.min(longest),
                confirm: request.confirm,
                notify: request.notify.clone(),
                version: request.version,
                priority: request.priority,
                replaces,
            });
        }
        if let (true, Some(old)) = (messages.is_empty(), request.replaces) {
            return Err(Refused::AllLeft(old.push_id));
        }
        if !self.within_rate(user, now) {
            return Err(Refused::Rate);
        }
        Ok(Push { messages })
    }

    fn within_rate(&self, user: &User, now: Time) -> bool {
        let Some(rate) = user.rate else { return true };
        let mut rates = self.rates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bucket = rates.entry(user.name.clone()).or_insert_with(|| TokenBucket::new(rate, rate, now));
        bucket.take(now)
    }

    /// What the queue did not take is not counted: whoever repeats a push has not sent more.
    fn give_back(&self, user: &User, pushes: usize) {
        if user.rate.is_none() || pushes == 0 {
            return;
        }
        let mut rates = self.rates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bucket) = rates.get_mut(&user.name) {
            (0..pushes).for_each(|_| bucket.give_back());
        }
    }

    /// How a push stands, recipient by recipient; none when the user has sent no such push, or it was forgotten.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn status(&self, user: &User, push_id: &str) -> Result<Option<Vec<Standing>>, StoreError> {
        let Some((_, rows)) = self.look(user, push_id).await? else { return Ok(None) };
        let standing = |found: Found| match found {
            Found::Ended(row) => Standing {
                address: row.address,
                state: row.ending.state,
                code: row.ending.code,
                detail: row.ending.detail,
                at: Some(row.ending.at),
            },
            Found::Pending(message) => Standing {
                address: message.address,
                state: State::Pending,
                code: code_of(State::Pending),
                detail: String::new(),
                at: None,
            },
        };
        Ok(Some(rows.into_iter().map(standing).collect()))
    }

    /// Takes a push back, from those recipients whose address `meant` says yes to. For each of them, whether it was still there; none
    /// when the push is not known.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn cancel(
        &self,
        user: &User,
        push_id: &str,
        meant: impl Fn(&str) -> bool,
    ) -> Result<Option<Vec<(String, bool)>>, StoreError> {
        let Some((known, rows)) = self.look(user, push_id).await? else { return Ok(None) };
        let addresses = rows.into_iter().map(|found| match found {
            Found::Ended(row) => row.address,
            Found::Pending(message) => message.address,
        });
        let chosen = addresses.zip(known.first.0..).filter(|(address, _)| meant(address));
        let (addresses, places): (Vec<_>, Vec<_>) = chosen.map(|(address, seq)| (address, Seq(seq))).unzip();
        let (to, from) = oneshot::channel();
        let _ = self.orders.send(Order::Cancel(places, to));
        let cancelled = from.await.unwrap_or_default();
        Ok(Some(addresses.into_iter().zip(cancelled).collect()))
    }

    async fn look(&self, user: &User, push_id: &str) -> Result<Option<(Known, Vec<Found>)>, StoreError> {
        let store = Arc::clone(self.queue.store());
        let (owner, push_id) = (user.name.clone(), push_id.to_owned());
        let looked = tokio::task::spawn_blocking(move || store.look(&owner, &push_id)).await;
        looked.unwrap_or_else(|_| Err(StoreError::Unavailable("no thread".to_owned())))
    }

    /// Whether reports may go to this address.
    #[must_use]
    pub fn may_report_to(&self, address: IpAddr) -> bool {
        self.config.report_to.iter().any(|network| network.contains(address))
    }

    /// How the message at a place ended, for whoever reports it.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn ended(&self, seq: Seq) -> Result<Option<queue::EndedRow>, StoreError> {
        self.queue.store().ended(seq)
    }

    /// A result was reported, or is given up.
    pub fn noticed(&self, seq: Seq) {
        self.queue.noticed(seq);
    }

    /// What waits in the queue, and what was given up.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn depth(&self) -> Result<queue::Depth, StoreError> {
        let store = Arc::clone(self.queue.store());
        let looked = tokio::task::spawn_blocking(move || store.depth()).await;
        looked.unwrap_or_else(|_| Err(StoreError::Unavailable("no thread".to_owned())))
    }

    /// The latest messages that were given up.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn dead(&self, most: usize) -> Result<Vec<Message>, StoreError> {
        self.queue.store().dead(most)
    }

    /// Ends the links in order, and the task. What waits stays on disk.
    pub fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
    }
}

fn to_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// PAP's code for a state.
pub(super) const fn code_of(state: State) -> u16 {
    match state {
        State::Pending => 1001,
        State::Delivered => 1000,
        State::Undeliverable | State::Rejected | State::Expired | State::Timeout => 4000,
        State::Aborted => 5000,
        State::Cancelled => 1000,
    }
}
