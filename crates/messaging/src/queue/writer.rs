//! The thread that writes the queue: whatever has come while a group was on its way to the disk is the next group.
//!
//! One caller alone waits for one write, a thousand callers share one. Callers who had their answer together come back together, but not
//! at once: a group waits for as many as were in the last one and came meanwhile, though for each not longer than half of what the last
//! force took, so that they do not fall into two halves that wait for each other's writes.
//!
//! A group is forced to the disk when somebody is to be told that it is there; ends of messages alone are written without force for up to a
//! second, since after a crash their repetition is the lesser evil and allowed. They wait a moment for a group that is forced.
//!
//! All answers of a group go to the callers' thread together: to wake it for each would cost a system call an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use strowger_sansio::Duration;
use tokio::sync::{mpsc, oneshot};

use super::message::{Ending, Message, Seq, ended_to_row};
use super::store::{QueueStore, Restored, Rows, StoreError};
use crate::clock::Clock;

/// Changes that wait for the disk; who brings more waits.
const WAITING: usize = 4096;
/// Changes in one group.
const GROUP: usize = 8192;
/// How long ends of messages may be unforced.
const UNFORCED: Duration = Duration::from_secs(1);
/// How long ends of messages wait for company.
const LINGER: Duration = Duration::from_millis(10);
/// How long a group waits at most for those who are expected in it, from the first of them on.
const GATHER: Duration = Duration::from_millis(10);
/// What the runtime's timers can tell apart.
const TICK: Duration = Duration::from_millis(1);
/// How long a failing disk is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// How the queue is kept.
#[derive(Clone, Copy, Debug)]
pub struct WriterConfig {
    /// Messages that have not ended.
    pub messages: usize,
    /// Their octets, as [`Message::weight`] has them.
    pub octets: usize,
    /// How long ends are remembered; a name may be used again after that.
    pub remember: Duration,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self { messages: 200_000, octets: 128 << 20, remember: Duration::from_secs(86_400) }
    }
}

/// A push, as it is to be accepted: one message for each recipient.
#[derive(Debug)]
pub struct Push {
    /// The messages; their places are given by the queue.
    pub messages: Vec<Message>,
}

/// Why a push was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The sender has used this name already.
    #[error("a push with this identifier was accepted before")]
    Duplicate,
    /// There is no room now.
    #[error("the queue is full")]
    Full,
    /// The disk fails.
    #[error("the queue cannot be written")]
    Unavailable,
}

type Verdicts = Vec<Result<Seq, Refusal>>;
/// Whom to tell, and what.
type Reply = (oneshot::Sender<Verdicts>, Verdicts);
type After = Box<dyn FnOnce() + Send>;

enum Change {
    Accept(Vec<Push>, oneshot::Sender<Verdicts>),
    Submitted(Seq, String, Vec<String>),
    End { message: Arc<Message>, ending: Ending, submitted: bool, dead: bool, after: Option<After> },
    Noticed(Seq),
    Forget,
}

/// What is full, counted where it is accepted and where it ends.
#[derive(Debug, Default)]
struct Room {
    messages: AtomicUsize,
    octets: AtomicUsize,
}

/// The way to the writer. Clones share it.
#[derive(Clone, Debug)]
pub struct Queue {
    changes: mpsc::Sender<Change>,
    /// The same for those who must not wait: ends are bounded by what was accepted.
    urgent: mpsc::UnboundedSender<Change>,
    store: Arc<QueueStore>,
    room: Arc<Room>,
    config: WriterConfig,
    healthy: Arc<AtomicBool>,
}

impl Change {
    /// Whether somebody waits until it is on disk.
    const fn presses(&self) -> bool {
        match self {
            Self::Accept(..) => true,
            Self::End { after, .. } => after.is_some(),
            Self::Submitted(..) | Self::Noticed(_) | Self::Forget => false,
        }
    }
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Accept(..) => "Accept",
            Self::Submitted(..) => "Submitted",
            Self::End { .. } => "End",
            Self::Noticed(_) => "Noticed",
            Self::Forget => "Forget",
        })
    }
}

/// The thread, to be waited for at the end.
#[derive(Debug)]
pub struct WriterThread {
    thread: JoinHandle<()>,
    ended: oneshot::Receiver<()>,
}

impl WriterThread {
    /// Waits until everything is on disk; all [`Queue`]s must be gone. Given up, it leaves nothing behind that waits.
    pub async fn ended(self) {
        // The other end is dropped with the thread's work, by a fault too.
        let _ = self.ended.await;
        if self.thread.join().is_err() {
            tracing::error!("the queue's writer ended by an internal fault");
        }
    }
}

/// Opens the queue and starts its writer. What is accepted goes to `accepted`, in order, before its sender is told.
///
/// # Errors
/// When the store cannot be read, or there is no thread.
pub fn start(
    store: QueueStore,
    config: WriterConfig,
    accepted: mpsc::UnboundedSender<Vec<Arc<Message>>>,
) -> Result<(Queue, Restored, WriterThread), StoreError> {
    let restored = store.restore()?;
    let store = Arc::new(store);
    let (changes, incoming) = mpsc::channel(WAITING);
    let (urgent, ends) = mpsc::unbounded_channel();
    let room = Arc::new(Room::default());
    let healthy = Arc::new(AtomicBool::new(true));
    let messages = restored.pending.iter().chain(restored.submitted.iter().map(|row| &row.message));
    for message in messages {
        room.messages.fetch_add(1, Ordering::Relaxed);
        room.octets.fetch_add(message.weight(), Ordering::Relaxed);
    }
    let writer = Writer {
        store: Arc::clone(&store),
        remember: config.remember,
        next: restored.next,
        accepted,
        healthy: Arc::clone(&healthy),
        replies: replies(),
        expected: 0,
        forced: None,
        force_took: Duration::ZERO,
        unforced: false,
        behind: false,
    };
    let (done, ended) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("push-queue".to_owned())
        .spawn(move || {
            let _done: oneshot::Sender<()> = done;
            writer.run(incoming, ends);
        })
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let queue = Queue { changes, urgent, store, room, config, healthy };
    Ok((queue, restored, WriterThread { thread, ended }))
}

/// The way to callers on this runtime. Without a runtime each is told directly.
fn replies() -> Option<mpsc::UnboundedSender<Vec<Reply>>> {
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    let (replies, mut group) = mpsc::unbounded_channel();
    runtime.spawn(async move {
        while let Some(group) = group.recv().await {
            tell_all(group);
        }
    });
    Some(replies)
}

fn tell_all(replies: Vec<Reply>) {
    for (reply, verdicts) in replies {
        let _ = reply.send(verdicts);
    }
}

impl Queue {
    /// Accepts pushes: when this returns, those that were accepted survive a crash.
    pub async fn accept(&self, pushes: Vec<Push>) -> Verdicts {
        // The verdicts must stand in the order of the pushes, and only those for whom there is room go on.
        let admitted: Vec<bool> = pushes.iter().map(|push| self.admit(push)).collect();
        let (going, refused): (Vec<_>, Vec<_>) =
            pushes.into_iter().zip(&admitted).partition(|(_, in_)| **in_);
        drop(refused);
        let going: Vec<Push> = going.into_iter().map(|(push, _)| push).collect();
        let count = going.len();
        let weights: Vec<(usize, usize)> = going.iter().map(Push::size).collect();
        let mut verdicts = vec![Err(Refusal::Unavailable); count];
        if count > 0 {
            let (to, from) = oneshot::channel();
            if self.changes.send(Change::Accept(going, to)).await.is_ok()
                && let Ok(given) = from.await
            {
                verdicts = given;
            }
        }
        for (verdict, (messages, octets)) in verdicts.iter().zip(weights) {
            if verdict.is_err() {
                self.release(messages, octets);
            }
        }
        let mut verdicts = verdicts.into_iter();
        let each = |in_: bool| if in_ { verdicts.next() } else { None };
        admitted.into_iter().map(each).map(|verdict| verdict.unwrap_or(Err(Refusal::Full))).collect()
    }

    /// A message is with a centre, which will report on the parts with these names.
    pub fn submitted(&self, seq: Seq, centre: &str, names: Vec<String>) {
        let _ = self.urgent.send(Change::Submitted(seq, centre.to_owned(), names));
    }

    /// A message ended. `after` runs once that is safely on disk.
    pub fn end(
        &self,
        message: Arc<Message>,
        ending: Ending,
        submitted: bool,
        dead: bool,
        after: Option<Box<dyn FnOnce() + Send>>,
    ) {
        self.release(1, message.weight());
        let _ = self.urgent.send(Change::End { message, ending, submitted, dead, after });
    }

    /// A result was reported, or nobody wants it any more.
    pub fn noticed(&self, seq: Seq) {
        let _ = self.urgent.send(Change::Noticed(seq));
    }

    /// Forgets what is old.
    pub fn forget(&self) {
        let _ = self.urgent.send(Change::Forget);
    }

    /// What is on disk.
    #[must_use]
    pub fn store(&self) -> &Arc<QueueStore> {
        &self.store
    }

    /// Whether the disk took the last group.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Messages that have not ended.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.room.messages.load(Ordering::Relaxed)
    }

    fn admit(&self, push: &Push) -> bool {
        let (messages, octets) = push.size();
        let before = self.room.messages.fetch_add(messages, Ordering::Relaxed);
        let weight = self.room.octets.fetch_add(octets, Ordering::Relaxed);
        let fits = before + messages <= self.config.messages && weight + octets <= self.config.octets;
        if !fits {
            self.release(messages, octets);
        }
        fits
    }

    fn release(&self, messages: usize, octets: usize) {
        self.room.messages.fetch_sub(messages, Ordering::Relaxed);
        self.room.octets.fetch_sub(octets, Ordering::Relaxed);
    }
}

impl Push {
    fn size(&self) -> (usize, usize) {
        (self.messages.len(), self.messages.iter().map(Message::weight).sum())
    }
}

struct Writer {
    store: Arc<QueueStore>,
    remember: Duration,
    next: u64,
    accepted: mpsc::UnboundedSender<Vec<Arc<Message>>>,
    healthy: Arc<AtomicBool>,
    replies: Option<mpsc::UnboundedSender<Vec<Reply>>>,
    /// Callers in the last group, and those who came while it was written.
    expected: usize,
    forced: Option<Instant>,
    /// How long the last force took.
    force_took: Duration,
    /// Something has been written without force.
    unforced: bool,
    /// There is more to be forgotten than one group had room for.
    behind: bool,
}

impl Writer {
    fn run(mut self, mut incoming: mpsc::Receiver<Change>, mut ends: mpsc::UnboundedReceiver<Change>) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
            tracing::error!("no runtime for the queue's writer");
            return;
        };
        let mut group = Vec::new();
        while runtime.block_on(self.gather(&mut group, &mut incoming, &mut ends)) {
            self.write(&mut group, &incoming);
        }
        // What ended last is forced too: a start after an orderly end repeats nothing.
        self.unforced = true;
        self.forced = None;
        self.write(&mut group, &incoming);
    }

    /// Waits for changes, and takes what there is. False when there will be none.
    async fn gather(
        &self,
        group: &mut Vec<Change>,
        incoming: &mut mpsc::Receiver<Change>,
        ends: &mut mpsc::UnboundedReceiver<Change>,
    ) -> bool {
        if self.behind {
            group.extend(ends.try_recv().or_else(|_| incoming.try_recv()));
            return true;
        }
        let first = tokio::select! {
            biased;
            change = ends.recv() => match change {
                // One way is closed with the other; what is left there is still to be written.
                None => incoming.recv().await,
                change => change,
            },
            change = incoming.recv() => match change {
                None => ends.recv().await,
                change => change,
            },
            () = tokio::time::sleep(UNFORCED), if self.unforced => return true,
        };
        let Some(first) = first else { return false };
        group.push(first);
        self.fill(group, incoming, ends).await;
        true
    }

    /// Adds what there is to a group, and what is worth waiting for.
    async fn fill(
        &self,
        group: &mut Vec<Change>,
        incoming: &mut mpsc::Receiver<Change>,
        ends: &mut mpsc::UnboundedReceiver<Change>,
    ) {
        let mut company = Company::new(self.expected, self.force_took, Instant::now());
        group.iter().for_each(|change| company.joined(change, Instant::now()));
        while group.len() < GROUP {
            let change = match ends.try_recv().or_else(|_| incoming.try_recv()) {
                Ok(change) => change,
                Err(_) => {
                    let left = company.waits_until().saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return;
                    }
                    let next = async {
                        tokio::select! {
                            Some(change) = ends.recv() => Some(change),
                            Some(change) = incoming.recv() => Some(change),
                            else => None,
                        }
                    };
                    let Ok(Some(change)) = tokio::time::timeout(left, next).await else { return };
                    change
                }
            };
            company.joined(&change, Instant::now());
            group.push(change);
        }
    }

    /// Writes a group, again and again where it must not be lost.
    fn write(&mut self, group: &mut Vec<Change>, incoming: &mpsc::Receiver<Change>) {
        loop {
            match self.try_write(group) {
                Ok(verdicts) => {
                    // Those who came meanwhile, and those who are answered now and may come again: counted before they can.
                    if !verdicts.is_empty() {
                        self.expected = verdicts.len() + incoming.len();
                    }
                    self.healthy.store(true, Ordering::Relaxed);
                    self.tell(group, verdicts);
                    return;
                }
                Err(error) => {
                    if self.healthy.swap(false, Ordering::Relaxed) {
                        tracing::error!(%error, "the push queue cannot be written");
                    }
                    // Who wants to be accepted is told by the loss of his channel; what happened to accepted messages is kept
                    // until it can be written.
                    group.retain(|change| !matches!(change, Change::Accept(..)));
                    if group.is_empty() {
                        return;
                    }
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    fn try_write(&mut self, group: &[Change]) -> Result<Vec<Verdicts>, StoreError> {
        let changes = self.store.begin()?;
        let mut next = self.next;
        let mut verdicts = Vec::new();
        let mut forget = self.behind;
        let mut behind = false;
        let mut force = self.forced.is_none_or(|forced| forced.elapsed() >= UNFORCED);
        {
            let mut rows = changes.rows()?;
            for change in group {
                match change {
                    Change::Accept(pushes, _) => {
                        let accepted = pushes.iter().map(|push| accept(push, &mut rows, &mut next));
                        verdicts.push(accepted.collect::<Result<Verdicts, StoreError>>()?);
                        force = true;
                    }
                    Change::Submitted(seq, centre, names) => rows.submit(*seq, centre, names)?,
                    Change::End { message, ending, submitted, dead, after } => {
                        end(&mut rows, message, ending, *submitted, *dead)?;
                        force |= after.is_some() || message.notify.is_some();
                    }
                    Change::Noticed(seq) => rows.noticed(*seq)?,
                    Change::Forget => forget = true,
                }
            }
            if next != self.next {
                rows.set_next(next)?;
            }
            if forget {
                let until = Clock::start().now() - self.remember;
                behind = rows.forget(until.as_millis(), GROUP)? >= GROUP;
            }
        }
        let begun = Instant::now();
        changes.commit(force)?;
        self.next = next;
        self.behind = behind;
        self.unforced = !force;
        if force {
            self.forced = Some(Instant::now());
            self.force_took = begun.elapsed();
        }
        Ok(verdicts)
    }

    /// The group is on disk: those who wait for that hear of it, the messages go to their lanes first.
    fn tell(&mut self, group: &mut Vec<Change>, verdicts: Vec<Verdicts>) {
        let mut verdicts = verdicts.into_iter();
        let (mut messages, mut replies, mut afters) = (Vec::new(), Vec::new(), Vec::new());
        for change in group.drain(..) {
            match change {
                Change::Accept(pushes, reply) => {
                    let verdicts = verdicts.next().unwrap_or_default();
                    for (push, verdict) in pushes.into_iter().zip(&verdicts) {
                        let Ok(Seq(first)) = verdict else { continue };
                        let numbered = push.messages.into_iter().zip(*first..);
                        messages.extend(
                            numbered.map(|(message, seq)| Arc::new(Message { seq: Seq(seq), ..message })),
                        );
                    }
                    replies.push((reply, verdicts));
                }
                Change::End { after: Some(after), .. } => afters.push(after),
                Change::End { .. } | Change::Submitted(..) | Change::Noticed(_) | Change::Forget => {}
            }
        }
        if !messages.is_empty() {
            let _ = self.accepted.send(messages);
        }
        match &self.replies {
            _ if replies.is_empty() => {}
            None => tell_all(replies),
            Some(way) => {
                // Without its runtime nobody waits any more.
                let _ = way.send(replies);
            }
        }
        afters.into_iter().for_each(|after| after());
    }
}

/// Whom a group waits for.
struct Company {
    /// Callers that were in the last group, and those that have come since.
    expected: usize,
    callers: usize,
    /// Somebody waits until the group is on disk.
    pressed: bool,
    /// How long one caller may come behind another.
    gap: Duration,
    begun: Instant,
    /// When the first caller came, and the last.
    first: Option<Instant>,
    last: Instant,
}

impl Company {
    fn new(expected: usize, force_took: Duration, now: Instant) -> Self {
        // A disk that is quicker than the timers is not worth waiting for.
        let gap = if force_took < TICK * 2 { Duration::ZERO } else { (force_took / 2).min(GATHER) };
        Self { expected, callers: 0, pressed: false, gap, begun: now, first: None, last: now }
    }

    fn joined(&mut self, change: &Change, now: Instant) {
        self.pressed |= change.presses();
        if matches!(change, Change::Accept(..)) {
            self.callers += 1;
            self.first.get_or_insert(now);
            self.last = now;
        }
    }

    /// Until when somebody else is waited for. Ends of messages wait for callers; callers for each other, and for as long as they come
    /// one soon after the other: they were all answered at one moment.
    fn waits_until(&self) -> Instant {
        match self.first {
            Some(first) if self.callers < self.expected => (self.last + self.gap).min(first + GATHER),
            Some(first) => first,
            None if self.pressed => self.begun,
            None => self.begun + LINGER,
        }
    }
}

fn accept(push: &Push, rows: &mut Rows<'_>, next: &mut u64) -> Result<Result<Seq, Refusal>, StoreError> {
    let Some(first) = push.messages.first() else { return Ok(Ok(Seq(*next))) };
    let recipients = u32::try_from(push.messages.len()).unwrap_or(u32::MAX);
    if !rows.claim(&first.owner, &first.push_id, *next, recipients)? {
        return Ok(Err(Refusal::Duplicate));
    }
    let seq = Seq(*next);
    for message in &push.messages {
        rows.put(Seq(*next), &message.to_row())?;
        *next += 1;
    }
    Ok(Ok(seq))
}

fn end(
    rows: &mut Rows<'_>,
    message: &Message,
    ending: &Ending,
    submitted: bool,
    dead: bool,
) -> Result<(), StoreError> {
    let row = ended_to_row(message, ending);
    rows.end(message.seq, &row, submitted, message.notify.as_deref())?;
    if dead {
        rows.bury(message.seq, &message.to_row())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn accept() -> Change {
        Change::Accept(Vec::new(), oneshot::channel().0)
    }

    #[test]
    fn a_caller_alone_waits_for_nobody_and_ends_wait_for_a_caller() {
        let begun = Instant::now();
        let mut company = Company::new(1, 20 * MS, begun);
        company.joined(&Change::Forget, begun);
        assert_eq!(company.waits_until(), begun + LINGER);
        company.joined(&accept(), begun + MS);
        assert!(company.waits_until() <= begun + MS);
    }

    #[test]
    fn callers_who_were_answered_together_are_waited_for_one_behind_the_other() {
        let begun = Instant::now();
        let mut company = Company::new(3, 8 * MS, begun);
        // Ends come first, and use up nothing of the callers' time.
        company.joined(&Change::Forget, begun);
        company.joined(&accept(), begun + 5 * MS);
        assert_eq!(company.waits_until(), begun + 9 * MS);
        company.joined(&accept(), begun + 8 * MS);
        assert_eq!(company.waits_until(), begun + 12 * MS);
        company.joined(&accept(), begun + 11 * MS);
        assert!(company.waits_until() <= begun + 11 * MS, "all have come");
    }

    #[test]
    fn nobody_waits_longer_than_ten_milliseconds_nor_for_a_quick_disk() {
        let begun = Instant::now();
        let mut slow = Company::new(100, Duration::from_secs(1), begun);
        (0..9).for_each(|late| slow.joined(&accept(), begun + late * MS));
        assert_eq!(slow.waits_until(), begun + GATHER);
        let mut quick = Company::new(100, MS, begun);
        quick.joined(&accept(), begun);
        assert!(quick.waits_until() <= begun);
    }
}
