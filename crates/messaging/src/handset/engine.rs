//! [`Handset`], the engine: pushes in, fetches and acknowledgements out, events for whoever looks.
//!
//! Nothing grows with what comes: a rate before anything is parsed, a bounded number of messages under way, and a memory of what was
//! seen that forgets the oldest. What is dropped for want of room is not remembered, so that the MMSC's next notification finds it new.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use strowger_mms::message::{CancelStatus, ResponseStatus, Status};
use strowger_mms::sms::{Datagram, Reassembly, ReassemblyLimits, ShortMessage};
use strowger_mms::wbxml::{self, Load, ServiceIndication, ServiceLoading};
use strowger_mms::wsp::{ApplicationId, MediaType, Pdu, Push, decode_connectionless};
use strowger_mms::{Field, Limits, Message, MessageType, Text, Version};
use strowger_sansio::{Duration, Time, Timers, TokenBucket};

use super::event::{Event, Received};
use super::policy::{FetchPolicy, Target};
use super::receive;
use crate::push::address::Network;

/// Pushes that are remembered.
const SEEN: usize = 4096;
/// Events that wait to be taken.
const EVENTS: usize = 1024;

/// What a handset does about a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handling {
    /// Fetches the message at once.
    #[default]
    Immediate,
    /// Says that it will fetch it later, and does.
    Deferred(Duration),
    /// Does not want it.
    Reject,
}

/// How a handset behaves.
#[derive(Clone, Debug)]
pub struct HandsetConfig {
    /// Where it fetches from.
    pub policy: FetchPolicy,
    /// Where it sends what it sends: the MMSC of its settings.
    pub mmsc: Option<String>,
    /// Who may send datagrams; empty is anybody.
    pub sources: Vec<Network>,
    /// What it does about notifications.
    pub handling: Handling,
    /// Whether senders may be told.
    pub report_allowed: bool,
    /// Octets of the largest message that it takes.
    pub largest: u64,
    /// Messages under way at one time.
    pub under_way: usize,
    /// Pushes a second; more are dropped unread.
    pub rate: u32,
    /// How many come at once after a pause.
    pub burst: u32,
    /// Pauses before a failed request is repeated; after the last it is given up.
    pub retries: Vec<Duration>,
}

impl Default for HandsetConfig {
    fn default() -> Self {
        Self {
            policy: FetchPolicy::default(),
            mmsc: None,
            sources: Vec::new(),
            handling: Handling::default(),
            report_allowed: true,
            largest: 4 * 1024 * 1024,
            under_way: 64,
            rate: 100,
            burst: 500,
            retries: [2, 10, 60].map(Duration::from_secs).to_vec(),
        }
    }
}

/// Names a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What the host is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `GET`; [`Handset::handle_fetched`] follows.
    Fetch {
        /// Its name.
        job: JobId,
        /// From where. The addresses behind the host are still to be admitted.
        target: Target,
    },
    /// `POST`; [`Handset::handle_posted`] follows.
    Post {
        /// Its name.
        job: JobId,
        /// To where.
        target: Target,
        /// The message.
        pdu: Vec<u8>,
    },
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether to try again makes sense.
    pub again: bool,
    /// What happened.
    pub why: String,
}

/// Counts of what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pushes that came.
    pub pushes: u64,
    /// Those that were dropped unread as too many came, or from a source that may not send.
    pub dropped: u64,
    /// Those that had come before.
    pub repeated: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Those that could not be read.
    pub malformed: u64,
    /// Messages that were fetched.
    pub received: u64,
    /// Events that nobody took in time.
    pub events_lost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Saying that it will be fetched later.
    Deferring,
    /// Until then.
    Waiting,
    Fetching,
    /// Saying that it is there, or that it is not wanted.
    Answering(Status),
}

#[derive(Debug)]
struct Job {
    transaction: String,
    key: u64,
    target: Target,
    step: Step,
    failures: usize,
    version: Version,
}

/// One handset.
#[derive(Debug)]
pub struct Handset {
    config: HandsetConfig,
    limits: Limits,
    bucket: TokenBucket,
    reassembly: Reassembly,
    seen: BTreeSet<u64>,
    seen_order: VecDeque<u64>,
    jobs: BTreeMap<JobId, Job>,
    next: u64,
    timers: Timers<JobId>,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    counters: Counters,
}

impl Handset {
    /// A handset that has seen nothing.
    #[must_use]
    pub fn new(config: HandsetConfig, now: Time) -> Self {
        Self {
            bucket: TokenBucket::new(config.rate, config.burst, now),
            limits: Limits {
                bytes: usize::try_from(config.largest).unwrap_or(usize::MAX).saturating_add(16 * 1024),
                ..Limits::default()
            },
            config,
            reassembly: Reassembly::new(ReassemblyLimits::default()),
            seen: BTreeSet::new(),
            seen_order: VecDeque::new(),
            jobs: BTreeMap::new(),
            next: 0,
            timers: Timers::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// A datagram came to port 2948.
    pub fn handle_datagram(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        self.counters.pushes += 1;
        let sources = &self.config.sources;
        let admitted = sources.is_empty() || sources.iter().any(|network| network.contains(from.ip()));
        if !admitted || !self.bucket.take(now) {
            self.counters.dropped += 1;
            return;
        }
        self.push(now, bytes, None);
    }

    /// A short message came.
    pub fn handle_short_message(&mut self, now: Time, message: &ShortMessage<'_>) {
        self.counters.pushes += 1;
        if !self.bucket.take(now) {
            self.counters.dropped += 1;
            return;
        }
        self.reassembly.handle_timeout(now);
        if let Err(refused) = self.reassembly.handle_input(now, message) {
            self.malformed(&refused.to_string());
        }
        while let Some(Datagram { ports, payload, parts, .. }) = self.reassembly.poll_event() {
            match ports.map(|ports| ports.destination) {
                Some(2948) => self.push(now, &payload, Some(parts)),
                Some(port) => {
                    self.refuse(&format!("a short message to port {port}"), "only pushes to 2948 are taken");
                }
                None => self.refuse("a short message without ports", "only pushes to 2948 are taken"),
            }
        }
    }

    /// A fetch has ended.
    pub fn handle_fetched(&mut self, now: Time, job: JobId, result: Result<Vec<u8>, Failure>) {
        let fetched = match result {
            Ok(body) => receive::message(&body, &self.limits),
            Err(failure) => Err(failure),
        };
        let Some(known) = self.jobs.get_mut(&job).filter(|known| known.step == Step::Fetching) else {
            return;
        };
        match fetched {
            Ok((received, wanted)) => {
                known.failures = 0;
                let transaction = known.transaction.clone();
                // A notification is always answered; a message that was deferred is acknowledged if that is wanted.
                let wanted = wanted || !matches!(self.config.handling, Handling::Deferred(_));
                self.counters.received += 1;
                self.tell(Event::Received(Received { transaction, ..received }));
                self.answer(job, Status::Retrieved, wanted);
            }
            Err(failure) => self.failed(now, job, &failure),
        }
    }

    /// A post has ended.
    pub fn handle_posted(&mut self, now: Time, job: JobId, result: Result<Vec<u8>, Failure>) {
        let Some(known) = self.jobs.get_mut(&job) else { return };
        match (result, known.step) {
            (Ok(_), Step::Deferring) => {
                known.step = Step::Waiting;
                known.failures = 0;
                let pause = match self.config.handling {
                    Handling::Deferred(pause) => pause,
                    _ => Duration::ZERO,
                };
                self.timers.set(job, now + pause);
            }
            (Ok(_), Step::Answering(status)) => {
                let transaction = known.transaction.clone();
                self.jobs.remove(&job);
                if status == Status::Retrieved {
                    self.tell(Event::Acknowledged { transaction });
                }
            }
            (Err(failure), Step::Deferring | Step::Answering(_)) => self.failed(now, job, &failure),
            _ => {}
        }
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.reassembly.handle_timeout(now);
        while let Some(job) = self.timers.pop_due(now) {
            let Some(known) = self.jobs.get_mut(&job) else { continue };
            match known.step {
                Step::Waiting | Step::Fetching => {
                    known.step = Step::Fetching;
                    let target = known.target.clone();
                    self.actions.push_back(Action::Fetch { job, target });
                }
                Step::Deferring => self.answer_again(job, Status::Deferred),
                Step::Answering(status) => self.answer_again(job, status),
            }
        }
    }

    /// What is to be done.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.timers.next(), self.reassembly.poll_timeout()].into_iter().flatten().min()
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// How much is kept: pushes that are remembered, messages under way, octets of unfinished short messages.
    #[must_use]
    pub fn kept(&self) -> (usize, usize, usize) {
        (self.seen.len(), self.jobs.len(), self.reassembly.octets())
    }

    /// Whether no message is under way.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.jobs.is_empty() && self.actions.is_empty()
    }

    /// No short message follows: those that wait for others are told of, and dropped.
    pub fn give_up_parts(&mut self) {
        let messages = self.reassembly.unfinished();
        if messages > 0 {
            self.reassembly = Reassembly::new(ReassemblyLimits::default());
            let whose = if messages == 1 { "a message" } else { "messages" };
            self.malformed(&format!("parts of {whose} came without the others ({messages} unfinished)"));
        }
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() >= EVENTS {
            self.counters.events_lost += 1;
            return;
        }
        self.events.push_back(event);
    }

    fn refuse(&mut self, what: &str, why: &str) {
        self.counters.refused += 1;
        self.tell(Event::Refused { what: what.to_owned(), why: why.to_owned() });
    }

    fn malformed(&mut self, why: &str) {
        self.counters.malformed += 1;
        self.tell(Event::Malformed { why: why.to_owned() });
    }

    /// Whether something with this key came before; from now on it has.
    fn is_known(&mut self, key: u64) -> bool {
        if !self.seen.insert(key) {
            self.counters.repeated += 1;
            return true;
        }
        self.seen_order.push_back(key);
        if self.seen_order.len() > SEEN
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        false
    }

    /// It is as if it had not come: there was no room, or it could not be fetched.
    fn forget(&mut self, key: u64) {
        self.seen.remove(&key);
    }

    fn push(&mut self, now: Time, bytes: &[u8], parts: Option<u8>) {
        let push = match decode_connectionless(bytes, &self.limits) {
            Ok(unit) => match unit.pdu {
                Pdu::Push(push) => push,
                other => return self.refuse(other.name(), "only connectionless pushes are taken"),
            },
            Err(error) => return self.malformed(&error.to_string()),
        };
        if wbxml::is_provisioning(&push.content_type, push.data) {
            return self.refuse("OMA client provisioning", "settings are not taken from a push");
        }
        let media = push.content_type.media;
        let mms = media.is(&MediaType::MMS);
        if mms && push.headers.application().is(&ApplicationId::MMS) {
            self.message(now, push.data, parts);
        } else if mms {
            self.refuse("an MMS message", "it is not addressed to the MMS application");
        } else {
            self.other(&push);
        }
    }

    /// A push that is not about a message.
    fn other(&mut self, push: &Push<'_>) {
        let media = push.content_type.media;
        if media.is(&MediaType::SI) || media.is(&MediaType::named("application/vnd.wap.sic")) {
            match ServiceIndication::decode(push.data, &self.limits) {
                Ok(si) => self.tell(Event::Indication { text: si.text, href: si.href }),
                Err(error) => self.malformed(&error.to_string()),
            }
        } else if media.is(&MediaType::SL) || media.is(&MediaType::named("application/vnd.wap.slc")) {
            match ServiceLoading::decode(push.data, &self.limits) {
                Ok(sl) if sl.action == Load::ExecuteHigh => {
                    self.refuse("a service loading (execute-high)", "nothing is loaded without being asked");
                }
                Ok(_) => self.refuse("a service loading", "nothing is loaded by a push"),
                Err(error) => self.malformed(&error.to_string()),
            }
        } else {
            let name = media.name().unwrap_or_default().into_owned();
            self.refuse(&format!("a push of {name}"), "no application takes it");
        }
    }

    /// An MMS message came: a notification or a report.
    fn message(&mut self, now: Time, bytes: &[u8], parts: Option<u8>) {
        let pdu = match strowger_mms::decode(bytes, &self.limits) {
            Ok(pdu) => pdu,
            Err(error) => return self.malformed(&error.to_string()),
        };
        match pdu.kind() {
            MessageType::NotificationInd => self.notification(now, &pdu, parts),
            MessageType::DeliveryInd | MessageType::ReadOrigInd => {
                if self.is_known(receive::digest(&[bytes])) {
                    return;
                }
                if let Some(event) = receive::report(&pdu) {
                    self.tell(event);
                }
            }
            MessageType::CancelReq => self.cancellation(bytes, &pdu),
            kind => self.refuse(&kind.to_string(), "no handset takes it as a push"),
        }
    }

    /// m-cancel-req: a message that was fetched is taken back. Each request is answered, as the last answer may have been lost; what
    /// becomes of the message is for whoever looks.
    fn cancellation(&mut self, bytes: &[u8], pdu: &strowger_mms::Pdu<'_>) {
        let home = self.config.mmsc.as_ref().and_then(|url| self.config.policy.admit(url.as_bytes()).ok());
        let (Some(transaction), Some(target)) = (pdu.transaction_id(), home) else {
            return self.refuse("an MMS cancellation", "there is nobody to answer, or nothing to answer to");
        };
        let status = if pdu.cancel_id().is_some() { CancelStatus::Received } else { CancelStatus::Corrupted };
        let version = if pdu.version().is_supported() { pdu.version() } else { Version::V1_3 };
        let transaction = transaction.to_str();
        let message = Message::cancel_conf(&transaction, status).version(version);
        let mut pdu_of_answer = Vec::new();
        strowger_mms::binary::encode_as_it_is(&message, &mut pdu_of_answer);
        let job = JobId(self.next);
        self.next += 1;
        self.actions.push_back(Action::Post { job, target, pdu: pdu_of_answer });
        if self.is_known(receive::digest(&[bytes])) {
            return;
        }
        match pdu.cancel_id() {
            Some(id) => self.tell(Event::Cancelled { id: id.to_str().into_owned() }),
            None => self.malformed("m-cancel-req names no message"),
        }
    }

    fn notification(&mut self, now: Time, pdu: &strowger_mms::Pdu<'_>, parts: Option<u8>) {
        let text = |text: Option<Text<'_>>| text.map(|text| text.to_str().into_owned()).unwrap_or_default();
        let (transaction, location) = (text(pdu.transaction_id()), pdu.content_location());
        let octets = location.map(|location| location.as_bytes()).unwrap_or_default();
        let key = receive::digest(&[transaction.as_bytes(), octets]);
        if self.is_known(key) {
            return;
        }
        let target = match self.config.policy.admit(octets) {
            Ok(target) => target,
            Err(barred) => return self.refuse("an MMS notification", &barred.to_string()),
        };
        if self.jobs.len() >= self.config.under_way {
            self.counters.dropped += 1;
            self.forget(key);
            return;
        }
        let size = pdu.message_size().unwrap_or_default();
        self.tell(Event::Notified {
            transaction: transaction.clone(),
            from: pdu.from().and_then(|from| Some(from.address()?.to_str().into_owned())),
            subject: pdu.subject().map(|subject| subject.to_str().into_owned()),
            size,
            location: text(location),
            short_messages: parts,
        });
        let job = JobId(self.next);
        self.next += 1;
        let version = if pdu.version().is_supported() { pdu.version() } else { Version::V1_2 };
        let step = Step::Fetching;
        self.jobs
            .insert(job, Job { transaction: transaction.clone(), key, target, step, failures: 0, version });
        if !pdu.version().is_supported() {
            self.refuse("an MMS notification", &format!("version {} is not spoken", pdu.version()));
            return self.answer(job, Status::Unrecognised, true);
        }
        if size > self.config.largest {
            self.refuse("an MMS message", &format!("{size} octets are more than are taken"));
            return self.answer(job, Status::Rejected, true);
        }
        match self.config.handling {
            Handling::Immediate => self.timers.set(job, now),
            Handling::Deferred(_) => {
                if let Some(known) = self.jobs.get_mut(&job) {
                    known.step = Step::Deferring;
                }
                self.answer_again(job, Status::Deferred);
            }
            Handling::Reject => self.answer(job, Status::Rejected, true),
        }
        self.handle_timeout(now);
    }

    /// Says what became of a message, if somebody wants to know.
    fn answer(&mut self, job: JobId, status: Status, wanted: bool) {
        let Some(known) = self.jobs.get_mut(&job) else { return };
        known.step = Step::Answering(status);
        if !wanted {
            self.jobs.remove(&job);
            return;
        }
        self.answer_again(job, status);
    }

    /// m-notifyresp-ind, or m-acknowledge-ind for a message that was deferred before.
    fn answer_again(&mut self, job: JobId, status: Status) {
        let Some(known) = self.jobs.get(&job) else { return };
        let deferred = matches!(self.config.handling, Handling::Deferred(_));
        let allowed = Field::ReportAllowed(self.config.report_allowed.into());
        let transaction = Field::TransactionId(Text::from(known.transaction.as_str()));
        let message = if deferred && status == Status::Retrieved {
            Message::new(MessageType::AcknowledgeInd).version(known.version).with(transaction).with(allowed)
        } else {
            Message::new(MessageType::NotifyRespInd)
                .version(known.version)
                .with(transaction)
                .with(Field::Status(status))
                .with(allowed)
        };
        let mut pdu = Vec::new();
        strowger_mms::binary::encode_as_it_is(&message, &mut pdu);
        // To the MMSC of the settings; a handset without any says it where it fetched.
        let home = self.config.mmsc.as_ref().and_then(|url| self.config.policy.admit(url.as_bytes()).ok());
        let target = home.unwrap_or_else(|| Target { path: "/".to_owned(), ..known.target.clone() });
        self.actions.push_back(Action::Post { job, target, pdu });
    }

    fn failed(&mut self, now: Time, job: JobId, failure: &Failure) {
        let Some(known) = self.jobs.get_mut(&job) else { return };
        let pause = self.config.retries.get(known.failures).filter(|_| failure.again).copied();
        known.failures += 1;
        if let Some(pause) = pause {
            self.timers.set(job, now + pause);
            return;
        }
        let (transaction, key, fetching) =
            (known.transaction.clone(), known.key, known.step == Step::Fetching);
        self.jobs.remove(&job);
        if fetching && failure.again {
            // The MMSC will notify again, and it may work then.
            self.forget(key);
        }
        self.tell(Event::Failed { transaction, why: failure.why.clone() });
    }
}

/// Whether an answer to m-send-req is good, and the identifier that the message was given.
///
/// # Errors
/// Why it is not, in words.
pub fn sent(answer: &[u8]) -> Result<String, String> {
    let pdu = strowger_mms::decode(answer, &Limits::default()).map_err(|error| error.to_string())?;
    let status = pdu.response_status().unwrap_or(ResponseStatus::Unspecified);
    match pdu.message_id() {
        Some(id) if status.is_ok() || status == ResponseStatus::PartialSuccess => {
            Ok(id.to_str().into_owned())
        }
        _ => {
            let text = pdu.response_text().map(|text| text.to_str().into_owned()).unwrap_or_default();
            Err(format!("{status}: {text}"))
        }
    }
}
