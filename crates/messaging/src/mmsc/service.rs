//! The thread that owns an MMSC's engine and its store. Requests that come while the disk is busy make the next group: one commit
//! for all of them, after which their answers leave.
//!
//! When a commit fails, the engine knows more than the disk. Then it is opened anew from the disk, and everybody in that group is told
//! that nothing has happened; a request that is repeated meets either its first self or nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use strowger_sansio::{Duration, Rng, Time};
use tokio::sync::{mpsc, oneshot};

use super::config::MmscConfig;
use super::counters::Counters;
use super::engine::Mmsc;
use super::message::BodyKey;
use super::request::{Answer, Change, Handover, NewBody, Order, OrderId, Request, Taken, Ticket};
use super::store::{MessageStore, StoreError};
use crate::clock::Clock;

/// Requests that wait for the thread; who brings more waits.
const WAITING: usize = 1024;
/// Requests in one group.
const GROUP: usize = 1024;
/// How long a failing disk is left alone.
const PAUSE: Duration = Duration::from_millis(500);

enum Input {
    Ask(Request, oneshot::Sender<Answer>),
    Taken(OrderId, Taken),
    Stop,
}

/// The way to an MMSC. Clones share it.
#[derive(Clone, Debug)]
pub struct Service {
    inputs: mpsc::Sender<Input>,
    store: Arc<MessageStore>,
    counters: Arc<Counters>,
    healthy: Arc<AtomicBool>,
    clock: Clock,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ask(..) => "Ask",
            Self::Taken(..) => "Taken",
            Self::Stop => "Stop",
        })
    }
}

/// The thread, to be waited for at the end.
#[derive(Debug)]
pub struct ServiceThread(JoinHandle<()>);

impl ServiceThread {
    /// Waits until it has ended.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the MMSC ended by an internal fault");
        }
    }
}

/// Where the engine's orders go.
#[derive(Clone, Debug)]
pub struct Outlets {
    /// Pushes.
    pub orders: mpsc::UnboundedSender<Order>,
    /// What applications are handed.
    pub handovers: mpsc::UnboundedSender<Handover>,
}

/// Opens an MMSC on its store and starts its thread. What becomes of each order is told by [`Service::taken`].
///
/// # Errors
/// When the store cannot be read, or the system gives no randomness or thread.
pub fn start(
    config: MmscConfig,
    store: MessageStore,
    outlets: Outlets,
) -> Result<(Service, ServiceThread), StoreError> {
    let clock = Clock::start();
    let store = Arc::new(store);
    let counters = Arc::new(Counters::default());
    let healthy = Arc::new(AtomicBool::new(true));
    let engine = open(&config, &store, &clock, &counters, true)?;
    counters.measure(&engine.population());
    let (inputs, incoming) = mpsc::channel(WAITING);
    let owner = Owner {
        config,
        store: Arc::clone(&store),
        clock,
        engine,
        outlets,
        counters: Arc::clone(&counters),
        healthy: Arc::clone(&healthy),
        asked: BTreeMap::new(),
        next_ticket: 0,
    };
    let spawned = std::thread::Builder::new()
        .name("mmsc".to_owned())
        .spawn(move || owner.run(incoming))
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok((Service { inputs, store, counters, healthy, clock }, ServiceThread(spawned)))
}

fn open(
    config: &MmscConfig,
    store: &MessageStore,
    clock: &Clock,
    counters: &Counters,
    sweep: bool,
) -> Result<Mmsc, StoreError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let found = store.find()?;
    if found.unreadable > 0 {
        tracing::error!(rows = found.unreadable, "messages that cannot be read were set aside");
        counters.unreadable.fetch_add(found.unreadable as u64, Ordering::Relaxed);
    }
    let engine = Mmsc::open(config.clone(), Rng::from_seed(seed), clock.now(), found.next, found.envelopes);
    if sweep {
        // Only at the start: later on, bodies are being written for messages that are not yet there.
        store.sweep(&engine.bodies().collect())?;
    }
    Ok(engine)
}

impl Service {
    /// Asks; the answer comes when what it says is on disk.
    pub async fn ask(&self, request: Request) -> Answer {
        let (to, from) = oneshot::channel();
        if self.inputs.send(Input::Ask(request, to)).await.is_err() {
            return Answer::Unavailable;
        }
        from.await.unwrap_or(Answer::Unavailable)
    }

    /// Takes a body that comes with a submission.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn take(&self, body: Vec<u8>) -> Result<NewBody, StoreError> {
        if body.len() < super::store::FILE_FROM {
            return Ok(NewBody::Inline(body));
        }
        let store = Arc::clone(&self.store);
        let name = crate::mmsc::fresh_name();
        tokio::task::spawn_blocking(move || store.take(body, &name))
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    /// Gives up a body that was not accepted.
    pub fn discard(&self, body: &NewBody) {
        self.store.discard(body);
    }

    /// A body; none when it is not there any more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn body(&self, key: BodyKey) -> Result<Option<Vec<u8>>, StoreError> {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || store.body(key))
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    /// Tells what became of a push.
    pub async fn taken(&self, id: OrderId, taken: Taken) {
        let _ = self.inputs.send(Input::Taken(id, taken)).await;
    }

    /// Ends the thread; what was answered is on disk.
    pub async fn stop(&self) {
        let _ = self.inputs.send(Input::Stop).await;
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Whether the disk took the last group.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// The time of the engine, which counts from 1970.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now_secs(&self) -> u64 {
        self.clock.now().as_millis() / 1000
    }
}

struct Owner {
    config: MmscConfig,
    store: Arc<MessageStore>,
    clock: Clock,
    engine: Mmsc,
    outlets: Outlets,
    counters: Arc<Counters>,
    healthy: Arc<AtomicBool>,
    asked: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    next_ticket: u64,
}

impl Owner {
    fn run(mut self, mut incoming: mpsc::Receiver<Input>) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
            tracing::error!("no runtime for the MMSC");
            return;
        };
        // What an earlier run had left due goes at once, and not with the next thing that happens.
        self.settle();
        loop {
            let first = runtime.block_on(self.wait(&mut incoming));
            let go_on = self.turn(first, &mut incoming);
            self.settle();
            if !go_on {
                return;
            }
        }
    }

    async fn wait(&self, incoming: &mut mpsc::Receiver<Input>) -> Option<Input> {
        match self.engine.poll_timeout() {
            Some(at) => {
                let deadline = self.clock.instant(at).into();
                tokio::time::timeout_at(deadline, incoming.recv())
                    .await
                    .map_or(None, |input| Some(input.unwrap_or(Input::Stop)))
            }
            None => Some(incoming.recv().await.unwrap_or(Input::Stop)),
        }
    }

    /// Takes what there is. False at the end.
    fn turn(&mut self, first: Option<Input>, incoming: &mut mpsc::Receiver<Input>) -> bool {
        let now = self.clock.now();
        self.engine.handle_timeout(now);
        let mut next = first;
        let mut taken = 0;
        loop {
            match next {
                Some(Input::Ask(request, to)) => {
                    let ticket = Ticket(self.next_ticket);
                    self.next_ticket += 1;
                    self.asked.insert(ticket, to);
                    self.engine.handle_request(now, ticket, request);
                }
                Some(Input::Taken(id, taken)) => self.engine.handle_taken(now, id, taken),
                Some(Input::Stop) => return false,
                None => return true,
            }
            taken += 1;
            if taken == GROUP {
                return true;
            }
            next = incoming.try_recv().ok();
        }
    }

    /// Writes what is to be written, and only then says and sends what follows from it.
    fn settle(&mut self) {
        let changes: Vec<Change> = std::iter::from_fn(|| self.engine.poll_change()).collect();
        if !changes.is_empty()
            && let Err(error) = self.store.write(&changes)
        {
            self.recover(&changes, &error);
            return;
        }
        self.healthy.store(true, Ordering::Relaxed);
        while let Some(event) = self.engine.poll_event() {
            self.counters.count(&event);
        }
        // Who gets an answer finds counted what it says.
        self.counters.measure(&self.engine.population());
        while let Some((ticket, answer)) = self.engine.poll_answer() {
            if let Some(to) = self.asked.remove(&ticket) {
                let _ = to.send(answer);
            }
        }
        let now = self.clock.now();
        while let Some(order) = self.engine.poll_order(now) {
            let _ = self.outlets.orders.send(order);
        }
        while let Some(handover) = self.engine.poll_handover(now) {
            let _ = self.outlets.handovers.send(handover);
        }
    }

    /// The disk failed: what is on it counts, and nobody is told otherwise.
    fn recover(&mut self, changes: &[Change], error: &StoreError) {
        if self.healthy.swap(false, Ordering::Relaxed) {
            tracing::error!(%error, "the message store cannot be written");
        }
        for change in changes {
            if let Change::PutBody(_, body) = change {
                self.store.discard(body);
            }
        }
        for (_, to) in std::mem::take(&mut self.asked) {
            let _ = to.send(Answer::Unavailable);
        }
        loop {
            match open(&self.config, &self.store, &self.clock, &self.counters, false) {
                Ok(engine) => {
                    self.engine = engine;
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "the message store cannot be read");
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }
}
