//! Notify transactions over loopback UDP: a gateway and its controller, one thread each, blocking sockets.
//!
//! Each end reads what has come, as much as one system call gives, acts on all of it, and then sends what follows from it in one
//! system call. What it sends to one place at one time travels in shared messages or, where the row says so, in a message for each
//! transaction. Rows with `awake` look for more for 50 us behind what came before they sleep: by what decides that in
//! the hosts too, `busy_poll = 50` there. What whole hosts do with it, `hosts` measures.
//!
//! `cargo bench -p strowger-benches --bench loopback` prints, for each number of outstanding requests, transactions a second by the wall and by
//! the processor time of the busier thread, the times of one, and how many a message carried. An argument behind `--` runs only the rows with that word in their names: `-- pretty`.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench has sockets, a clock and threads, and ends at the first fault"
)]

use std::io::{IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use nix::time::{ClockId, clock_gettime};
use strowger_megaco::message::{
    Action, ActionReply, Caseless, CommandBody, CommandReply, ContextId, ItemName, Mid, NotifyRequest,
    ObservedEvent, ObservedEvents, ReplyResult, RequestId, TerminationId,
};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{
    Dialect, Event, Form, PeerConfig, PeerId, Route, TransactionIds, TransactionLimits, TransactionTimers,
    Transactions,
};
use strowger_node::vigil::Vigil;
use strowger_sansio::{Rng, Time};

const SPAN: Duration = Duration::from_secs(3);
const LINE: &str = "00000001/00000010/00000011";
/// Datagrams of one system call at most.
const MOST: usize = 32;

fn layer(name: &str, to: SocketAddr, load: Load, seed: u64) -> (Transactions<Instant>, PeerId) {
    let Load { form, shared, .. } = load;
    let mut rng = Rng::from_number(seed);
    let ids = TransactionIds::alone(&mut rng);
    let mid = Mid::Domain(Caseless::new(name), None).into();
    let (timers, mut limits) = (TransactionTimers::default(), TransactionLimits::default());
    if !shared {
        limits.bundled = 1;
    }
    let mut layer = Transactions::new(mid, timers, limits, ids, rng);
    let dialect = Dialect { form, ..Dialect::default() };
    let peer = layer.add_peer(PeerConfig { dialect, ..PeerConfig::at(Route::udp(to)) });
    (layer, peer)
}

fn notify() -> Vec<Action<'static>> {
    let Some(line) = TerminationId::new(LINE) else { panic!("a name") };
    let event = ObservedEvent { time: None, name: ItemName::of(9, 5), stream: None, parameters: Vec::new() };
    let observed = ObservedEvents { request: RequestId::new(1), events: vec![event] };
    let body = CommandBody::Notify(NotifyRequest { terminations: line.into(), observed, error: None });
    vec![Action::new(ContextId::NULL, [body])]
}

struct End {
    socket: UdpSocket,
    layer: Transactions<Instant>,
    start: Instant,
    inbox: Vec<u8>,
    headers: MultiHeaders<SockaddrIn>,
    replies: MultiHeaders<SockaddrIn>,
    vigil: Vigil,
}

impl End {
    fn new(socket: UdpSocket, layer: Transactions<Instant>, start: Instant, awake: Duration) -> Self {
        let headers = || MultiHeaders::preallocate(MOST, None);
        let inbox = vec![0; MOST * 2048];
        Self { socket, layer, start, inbox, headers: headers(), replies: headers(), vigil: Vigil::new(awake) }
    }

    fn now(&self) -> Time {
        Time::from_nanos(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Sends what there is to send.
    fn flush(&mut self) {
        let now = self.now();
        loop {
            let out: Vec<_> = std::iter::from_fn(|| self.layer.poll_transmit(now)).take(MOST).collect();
            if let [one] = out.as_slice() {
                let _ = self.socket.send_to(&one.payload, one.to);
                continue;
            }
            let parts: Vec<_> = out.iter().map(|out| [IoSlice::new(&out.payload)]).collect();
            let to: Vec<_> = out.iter().map(|out| address(out.to)).collect();
            if out.is_empty() {
                return;
            }
            let _ = sendmmsg(self.socket.as_raw_fd(), &mut self.replies, &parts, &to, [], MsgFlags::empty());
        }
    }

    /// Hears what comes, if anything does in time; gives back the tags of what was answered.
    fn hear(&mut self) -> Vec<Instant> {
        let mut answered = Vec::new();
        let socket = self.socket.as_raw_fd();
        let came = loop {
            let now = self.now();
            let looks = self.vigil.lasts(now);
            let flags = if looks { MsgFlags::MSG_DONTWAIT } else { MsgFlags::MSG_WAITFORONE };
            let mut parts: Vec<_> = self.inbox.chunks_mut(2048).map(|part| [IoSliceMut::new(part)]).collect();
            let came = recvmmsg(socket, &mut self.headers, parts.iter_mut(), flags, None);
            let came: Vec<_> =
                came.map(|came| came.map(|one| (one.address, one.bytes)).collect()).unwrap_or_default();
            if !(looks && came.is_empty()) {
                break came;
            }
        };
        let now = self.now();
        if came.is_empty() {
            self.layer.handle_timeout(now);
        } else {
            self.vigil.came(now);
        }
        for ((from, length), place) in came.into_iter().zip(self.inbox.chunks(2048)) {
            let Some(from) = from.map(|from| SocketAddr::V4(SocketAddrV4::new(from.ip(), from.port())))
            else {
                continue;
            };
            let bytes = place.get(..length).unwrap_or_default();
            let Some(accepted) = self.layer.accept(now, Route::udp(from), bytes) else { continue };
            for event in self.layer.handle_input(now, &accepted) {
                match event {
                    Event::Request { token, actions, .. } => {
                        let result = ReplyResult::Actions(actions.iter().map(answer).collect());
                        self.layer.respond(now, token, result).unwrap();
                    }
                    Event::Reply { tag, .. } => answered.push(tag),
                    _ => {}
                }
            }
        }
        answered
    }
}

fn answer<'a>(action: &Action<'a>) -> ActionReply<'a> {
    let lines = action.commands.iter().map(|command| command.body.terminations().first.clone());
    let commands = lines.map(|line| CommandReply::Notify(line.into(), None)).collect();
    ActionReply { context: action.context, properties: None, commands, error: None }
}

fn address(to: SocketAddr) -> Option<SockaddrIn> {
    match to {
        SocketAddr::V4(to) => Some(SockaddrIn::from(to)),
        SocketAddr::V6(_) => None,
    }
}

/// What this thread has used of a processor.
fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// A row.
#[derive(Clone, Copy, Debug)]
struct Load {
    form: Form,
    outstanding: usize,
    /// Whether transactions share messages.
    shared: bool,
    awake: Duration,
}

impl Load {
    fn name(&self) -> String {
        let form = match self.form {
            Form::Text(Layout::Pretty) => "pretty",
            Form::Text(_) => "compact",
            Form::Binary => "ber",
        };
        let shared = if self.shared { "" } else { ", one a message" };
        let awake = if self.awake.is_zero() { "" } else { ", awake" };
        format!("{form}, {} outstanding{shared}{awake}", self.outstanding)
    }
}

fn run(load: Load) {
    let Load { outstanding, awake, .. } = load;
    let bind = || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        socket
    };
    let (gateway, controller) = (bind(), bind());
    let (to, from) = (controller.local_addr().unwrap(), gateway.local_addr().unwrap());
    let start = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let (other, _) = layer("town", from, load, 1);
    let other = std::thread::spawn(move || {
        let mut end = End::new(controller, other, start, awake);
        while !stop.load(Ordering::Relaxed) {
            end.hear();
            end.flush();
        }
        used()
    });
    let (own, peer) = layer("gw1.town", to, load, 2);
    let mut end = End::new(gateway, own, start, awake);
    let before = used();
    let mut times = Vec::with_capacity(4 << 20);
    let mut missing = outstanding;
    while start.elapsed() < SPAN {
        let now = end.now();
        for _ in 0..missing {
            end.layer.request(now, peer, notify(), Instant::now()).unwrap();
        }
        end.flush();
        let answered = end.hear();
        missing = answered.len();
        times.extend(answered.into_iter().map(|sent| sent.elapsed()));
    }
    let busy = used() - before;
    over.store(true, Ordering::Relaxed);
    let busy = busy.max(other.join().unwrap());
    times.sort_unstable();
    let rate = times.len() as f64 / SPAN.as_secs_f64();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let counters = end.layer.counters();
    let (repeated, messages) = (counters.retransmissions, counters.messages.max(1));
    println!(
        "{:37} {rate:9.0}/s, {:9.0}/s of a core, p50 {:?}, p99 {:?}, {:.1} a message, {repeated} repeated",
        load.name(),
        times.len() as f64 / busy.as_secs_f64(),
        at(50),
        at(99),
        counters.transactions as f64 / messages as f64,
    );
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for form in [Form::Text(Layout::Pretty), Form::Text(Layout::Compact), Form::Binary] {
        for awake in [Duration::ZERO, Duration::from_micros(50)] {
            for (outstanding, shared) in [(1, true), (32, false), (32, true)] {
                let load = Load { form, outstanding, shared, awake };
                if wanted.as_ref().is_none_or(|wanted| load.name().contains(wanted)) {
                    run(load);
                }
            }
        }
    }
}
