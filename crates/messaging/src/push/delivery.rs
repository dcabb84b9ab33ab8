//! Delivery: the task that owns the lanes and the bearers. What was accepted comes in, what is next goes out, how it ended goes to the
//! queue and to whoever listens.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use strowger_sansio::{Duration, Rng, Time};
use tokio::net::UdpSocket;
use tokio::sync::{broadcast, mpsc};

use super::config::PushConfig;
use super::counters::{Counters, count};
use super::gateway::{Ended, Gateway, Notice, Order, StartError, code_of};
use super::policy::{self, UDP};
use super::sms::{SmsBearer, Step};
use crate::clock::Clock;
use crate::queue::{Bearer, Ending, Gone, LaneEvent, Lanes, Message, Queue, Restored, Seq, State, Verdict};
use crate::smpp::link::{self, LinkConfig, LinkEvent, LinkHandle, LinkId};
use crate::smpp::{BindKind, Class, Outcome, Receipt, ShortMessage, Status};

/// How often what is old is forgotten.
const FORGET: Duration = Duration::from_secs(10);
/// How long the answers of message centres are waited for at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(3);
/// Accepted groups and link events that are looked at before something is sent.
const TURN: usize = 256;

pub(super) struct Core {
    config: Arc<PushConfig>,
    clock: Clock,
    queue: Queue,
    lanes: Lanes,
    udp: Option<UdpSocket>,
    tid: u8,
    datagram: Vec<u8>,
    centres: Vec<SmsBearer>,
    accepted: mpsc::UnboundedReceiver<Vec<Arc<Message>>>,
    links: mpsc::UnboundedReceiver<(LinkId, LinkEvent)>,
    /// Which centre and which of its links a link's number is.
    places: Vec<(usize, usize)>,
    orders: mpsc::UnboundedReceiver<Order>,
    notices: mpsc::UnboundedSender<Notice>,
    ended: broadcast::Sender<Ended>,
    incoming: broadcast::Sender<ShortMessage>,
    counters: Arc<Counters>,
    /// Receipts that are acknowledged when the end that they caused is on disk.
    acknowledgements: BTreeMap<Seq, Box<dyn FnOnce() + Send>>,
    forget_at: Time,
    /// Nothing more is begun; what is with a centre may end until then.
    stop_at: Option<Time>,
}

impl Core {
    pub(super) fn new(
        gateway: &Gateway,
        queue: Queue,
        udp: Option<UdpSocket>,
        accepted: mpsc::UnboundedReceiver<Vec<Arc<Message>>>,
        orders: mpsc::UnboundedReceiver<Order>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Result<Self, StartError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| StartError::Randomness)?;
        let mut rng = Rng::from_seed(seed);
        let (tell, links) = mpsc::unbounded_channel();
        let mut places = Vec::new();
        let mut centres = Vec::new();
        for (centre, entry) in gateway.config.centres.iter().enumerate() {
            let transmitting = entry.links.max(1);
            let handles = (0..transmitting + usize::from(entry.pair)).map(|at| {
                let id = LinkId(places.len());
                places.push((centre, at));
                let mut config = LinkConfig {
                    address: entry.address,
                    client: entry.client.clone(),
                    tls: entry.tls.clone(),
                };
                if entry.pair {
                    let receives = at >= transmitting;
                    config.client.kind = if receives { BindKind::Receiver } else { BindKind::Transmitter };
                }
                link::start(id, config, gateway.clock, rng.fork(), tell.clone())
            });
            let handles = handles.collect();
            centres.push(SmsBearer::new(entry.clone(), handles));
        }
        let now = gateway.clock.now();
        Ok(Self {
            config: Arc::clone(&gateway.config),
            clock: gateway.clock,
            queue,
            lanes: Lanes::new(gateway.config.lanes),
            udp,
            tid: 0,
            datagram: Vec::new(),
            centres,
            accepted,
            links,
            places,
            orders,
            notices,
            ended: gateway.ended.clone(),
            incoming: gateway.incoming.clone(),
            counters: Arc::clone(&gateway.counters),
            acknowledgements: BTreeMap::new(),
            forget_at: now + FORGET,
            stop_at: None,
        })
    }

    /// The bearer of a message: its destination is in one form already. What can no longer be routed waits at the first
    /// centre, as the settings may come back before its time ends.
    fn bearer(&self, message: &Message) -> Bearer {
        Bearer(policy::bearer_of_destination(&self.config, &message.to).unwrap_or(usize::MAX))
    }

    pub(super) fn restore(&mut self, restored: Restored) {
        let now = self.clock.now();
        let (pending, submitted) = (restored.pending.len(), restored.submitted.len());
        for row in restored.submitted {
            let bearer = self.bearer(&row.message);
            if let Some(centre) = self.centres.iter_mut().find(|centre| centre.entry.id == row.centre) {
                centre.await_receipts(row.message.seq, &row.message.to, row.names.clone());
            }
            self.lanes.handle_submitted(Arc::new(row.message), bearer, row.names.len());
        }
        for mut message in restored.pending {
            let bearer = self.bearer(&message);
            if let Some(replaced) = &mut message.replaces
                && !self.has_left(replaced.seq)
            {
                // It was taken back in the earlier run, or is now.
                replaced.gone = Gone::Send;
            }
            self.lanes.handle_accepted(now, Arc::new(message), bearer);
        }
        for (seq, url) in restored.notices {
            let _ = self.notices.send(Notice { seq, url });
        }
        if pending + submitted > 0 {
            tracing::info!(pending, submitted, "pushes of an earlier run go on");
        }
    }

    /// Whether a message of an earlier run has left, as far as the disk knows.
    fn has_left(&self, seq: Seq) -> bool {
        let delivered = || {
            let row = self.queue.store().ended(seq).ok().flatten();
            row.is_some_and(|row| row.ending.state == State::Delivered)
        };
        self.lanes.is_submitted(seq) || delivered()
    }

    pub(super) async fn run(mut self) {
        let mut groups = Vec::new();
        let mut events = Vec::new();
        while !self.is_over() {
            let due = self.lanes.poll_timeout().unwrap_or(Time::MAX).min(self.forget_at);
            let due = due.min(self.stop_at.unwrap_or(Time::MAX));
            let timer = tokio::time::sleep_until(self.clock.instant(due).into());
            tokio::select! {
                // The queue's writer has ended: nothing that happens now could be kept.
                count = self.accepted.recv_many(&mut groups, TURN) => if count == 0 { break },
                _ = self.links.recv_many(&mut events, TURN), if !self.centres.is_empty() => {}
                order = self.orders.recv(), if self.stop_at.is_none() => self.order(order),
                () = timer => {}
            }
            let now = self.clock.now();
            for message in groups.drain(..).flatten() {
                let bearer = self.bearer(&message);
                self.lanes.handle_accepted(now, message, bearer);
            }
            for (link, event) in events.drain(..) {
                self.link_event(now, link, event);
            }
            self.lanes.handle_timeout(now);
            if self.forget_at <= now {
                self.forget_at = now + FORGET;
                self.queue.forget();
            }
            self.settle(now);
            if self.stop_at.is_none() {
                self.dispatch(now);
                self.settle(now);
            }
        }
        for centre in &self.centres {
            centre.links().for_each(LinkHandle::close);
        }
    }

    fn order(&mut self, order: Option<Order>) {
        match order {
            Some(Order::Cancel(places, reply)) => {
                let now = self.clock.now();
                let cancelled = places.into_iter().map(|seq| self.lanes.handle_cancel(now, seq)).collect();
                let _ = reply.send(cancelled);
            }
            Some(Order::Stop) | None => self.stop_at = self.stop_at.or(Some(self.clock.now() + LAST_ANSWERS)),
        }
    }

    /// Told to stop, and nothing is with a centre whose answer would tell whether it is to be sent again.
    fn is_over(&self) -> bool {
        let idle = || self.centres.iter().all(SmsBearer::is_idle);
        self.stop_at.is_some_and(|at| idle() || at <= self.clock.now())
    }

    /// Sends what is next, as far as the bearers have room.
    fn dispatch(&mut self, now: Time) {
        while self.udp.is_some() {
            let Some(message) = self.lanes.poll_dispatch(Bearer(UDP)) else { break };
            let verdict = self.send(&message);
            self.lanes.handle_verdict(now, message.seq, verdict);
        }
        for at in 0..self.centres.len() {
            while let Some(centre) = self.centres.get_mut(at)
                && centre.has_room()
            {
                let Some(message) = self.lanes.poll_dispatch(Bearer(at + 1)) else { break };
                let (seq, gone) = (message.seq, self.lanes.parts(message.seq));
                if let Some(verdict) = centre.begin(now, message, gone) {
                    self.lanes.handle_verdict(now, seq, verdict);
                }
            }
        }
    }

    /// One datagram: nobody confirms it, so that what the kernel took is delivered as far as anybody can say.
    fn send(&mut self, message: &Message) -> Verdict {
        let (Some(socket), Ok(to)) = (&self.udp, message.to.parse::<SocketAddr>()) else {
            return Verdict::Refused { detail: "no host can be reached".to_owned() };
        };
        self.tid = self.tid.wrapping_add(1);
        self.datagram.clear();
        self.datagram.push(self.tid);
        self.datagram.extend_from_slice(&message.payload);
        match socket.try_send_to(&self.datagram, to) {
            Ok(_) => {
                count(&self.counters.datagrams);
                Verdict::Delivered
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Verdict::Crowded { parts: 0 },
            // An earlier datagram's rejection is told at the next sending.
            Err(error) => Verdict::Failed { parts: 0, detail: error.to_string() },
        }
    }

    fn link_event(&mut self, now: Time, link: LinkId, event: LinkEvent) {
        let Some((at, number)) = self.places.get(link.0).copied() else { return };
        let Some(centre) = self.centres.get_mut(at) else { return };
        let id = centre.entry.id.clone();
        match event {
            LinkEvent::Up { centre: name, version } => {
                tracing::info!(smsc = id, link = number, name, version, "bound to the message centre");
            }
            LinkEvent::Down(loss) => tracing::warn!(smsc = id, link = number, %loss, "link is down"),
            LinkEvent::Answered(token, outcome) => {
                match &outcome {
                    Outcome::Accepted(_) => count(&self.counters.submitted),
                    Outcome::Refused(status) if status.class() == Class::Slower => {
                        count(&self.counters.throttled);
                    }
                    _ => {}
                }
                let step = centre.answered(Seq(token.0), number, Some(outcome));
                self.step(now, at, step);
            }
            LinkEvent::Returned(token) => {
                let step = centre.answered(Seq(token.0), number, None);
                self.step(now, at, step);
            }
            LinkEvent::Alert(alert) => {
                // Whether the centre writes international numbers with + is its own affair.
                if alert.is_available() {
                    self.lanes.handle_reachable(now, &format!("+{}", alert.source.digits));
                    self.lanes.handle_reachable(now, &alert.source.digits);
                }
            }
            LinkEvent::Incoming(ticket, message) => {
                let Some(handle) = centre.link(number).cloned() else { return };
                if message.is_receipt() {
                    let acknowledge = move |status| handle.acknowledge(ticket, status);
                    self.receipt(at, &message, Box::new(acknowledge));
                } else {
                    let heard = self.incoming.send(*message).is_ok();
                    let status = if heard { Status::OK } else { Status::PERMANENT_APP_ERROR };
                    handle.acknowledge(ticket, status);
                }
            }
        }
        let up: usize = self.centres.iter().map(SmsBearer::links_up).sum();
        self.counters.links.store(up as u64, Ordering::Relaxed);
    }

    fn step(&mut self, now: Time, at: usize, step: Step) {
        let Step::Settled(seq, verdict, names) = step else { return };
        if let (Verdict::Submitted { .. }, Some(centre)) = (&verdict, self.centres.get_mut(at))
            && let Some(message) = self.lanes.message(seq)
        {
            self.queue.submitted(seq, &centre.entry.id, names.clone());
            centre.await_receipts(seq, &message.to, names);
        }
        if let Verdict::Failed { detail, .. } = &verdict {
            count(&self.counters.retries);
            tracing::debug!(seq = seq.0, detail, "a push failed and is repeated");
        }
        self.lanes.handle_verdict(now, seq, verdict);
        while let Some((receipt, number)) = self.centres.get_mut(at).and_then(SmsBearer::early_receipt) {
            self.match_receipt(at, receipt, number, Box::new(|| {}));
        }
    }

    fn receipt(&mut self, at: usize, message: &ShortMessage, acknowledge: Box<dyn FnOnce(Status) + Send>) {
        match Receipt::of(message) {
            None => {
                count(&self.counters.unmatched);
                acknowledge(Status::OK);
            }
            Some(receipt) if !receipt.state.is_final() => acknowledge(Status::OK),
            Some(receipt) => {
                let number = message.source.digits.clone();
                self.match_receipt(at, receipt, number, Box::new(move || acknowledge(Status::OK)));
            }
        }
    }

    /// A receipt is acknowledged when what it says is on disk; one that fits nothing yet may be ahead of its message's answer.
    fn match_receipt(
        &mut self,
        at: usize,
        receipt: Receipt,
        number: String,
        acknowledge: Box<dyn FnOnce() + Send>,
    ) {
        let Some(centre) = self.centres.get_mut(at) else { return };
        match centre.settle(&receipt, &number) {
            None => {
                count(&self.counters.unmatched);
                centre.keep_early(receipt, number);
                acknowledge();
            }
            Some((seq, state, left)) => {
                count(&self.counters.receipts);
                if left.is_empty() || state != State::Delivered {
                    self.acknowledgements.insert(seq, acknowledge);
                } else {
                    self.queue.submitted(seq, &centre.entry.id, left);
                    acknowledge();
                }
                let detail = receipt.error.map(|error| format!("{} (error {error})", receipt.state.word()));
                self.lanes.handle_report(seq, state, detail.unwrap_or_default());
            }
        }
    }

    /// Tells of the messages that ended.
    fn settle(&mut self, now: Time) {
        while let Some(LaneEvent::Ended { message, state, detail }) = self.lanes.poll_event() {
            let seq = message.seq;
            let forgotten = self.centres.iter_mut().any(|centre| centre.forget(seq));
            let after = self.acknowledgements.remove(&seq);
            let submitted = forgotten || after.is_some() || message.confirm;
            match state {
                State::Delivered => count(&self.counters.delivered),
                State::Cancelled => count(&self.counters.cancelled),
                _ => count(&self.counters.failed),
            }
            let dead = matches!(state, State::Undeliverable | State::Rejected);
            if dead {
                tracing::warn!(
                    push_id = message.push_id,
                    to = message.to,
                    detail,
                    "a push cannot be delivered"
                );
            }
            let ending = Ending { state, code: code_of(state), detail, at: now.as_millis() };
            let notice = message.notify.clone().map(|url| Notice { seq, url });
            let after = match notice {
                None => after,
                // The report must be on disk before it is sent, and the row that it is made from.
                Some(notice) => {
                    let notices = self.notices.clone();
                    Some(Box::new(move || {
                        if let Some(after) = after {
                            after();
                        }
                        let _ = notices.send(notice);
                    }) as Box<dyn FnOnce() + Send>)
                }
            };
            if self.ended.receiver_count() > 0 {
                let ended = Ended { message: Arc::clone(&message), ending: ending.clone() };
                let _ = self.ended.send(ended);
            }
            self.queue.end(message, ending, submitted, dead, after);
        }
    }
}
