//! Notify transactions over loopback UDP: a gateway and its controller, one thread each, blocking sockets, no batched system calls.
//!
//! `cargo bench -p strowger-megaco --bench loopback` prints transactions a second and the median time of one for each number of
//! outstanding requests.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench has sockets, a clock and threads, and ends at the first fault"
)]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use strowger_megaco::message::{
    Action, ActionReply, Caseless, CommandBody, CommandReply, ContextId, ItemName, Mid, NotifyRequest,
    ObservedEvent, ObservedEvents, ReplyResult, RequestId, TerminationId,
};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{
    Dialect, Event, Form, PeerConfig, PeerId, Route, TransactionIds, TransactionLimits, TransactionTimers,
    Transactions,
};
use strowger_sansio::{Rng, Time};

const SPAN: Duration = Duration::from_secs(3);
const LINE: &str = "00000001/00000010/00000011";

fn layer(name: &str, to: SocketAddr, form: Form, seed: u64) -> (Transactions<Instant>, PeerId) {
    let mut rng = Rng::from_number(seed);
    let ids = TransactionIds::alone(&mut rng);
    let mid = Mid::Domain(Caseless::new(name), None).into();
    let (timers, limits) = (TransactionTimers::default(), TransactionLimits::default());
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
    buffer: Vec<u8>,
}

impl End {
    fn now(&self) -> Time {
        Time::from_nanos(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn flush(&mut self) {
        let now = self.now();
        while let Some(transmit) = self.layer.poll_transmit(now) {
            let _ = self.socket.send_to(&transmit.payload, transmit.to);
        }
    }

    /// Hears one message, if one comes in time; gives back the tags of what was answered.
    fn hear(&mut self) -> Vec<Instant> {
        let now = self.now();
        let mut answered = Vec::new();
        let Ok((length, from)) = self.socket.recv_from(&mut self.buffer) else {
            self.layer.handle_timeout(now);
            return answered;
        };
        let bytes = self.buffer.get(..length).unwrap_or_default();
        let Some(accepted) = self.layer.accept(now, Route::udp(from), bytes) else { return answered };
        for event in self.layer.handle_input(now, &accepted) {
            match event {
                Event::Request { token, actions, .. } => {
                    let answer = |action: &Action<'_>| {
                        let lines =
                            action.commands.iter().map(|command| command.body.terminations().first.clone());
                        let commands = lines.map(|line| CommandReply::Notify(line_of(&line), None)).collect();
                        ActionReply { context: action.context, properties: None, commands, error: None }
                    };
                    let result = ReplyResult::Actions(actions.iter().map(answer).collect());
                    self.layer.respond(now, token, result).unwrap();
                }
                Event::Reply { tag, .. } => answered.push(tag),
                _ => {}
            }
        }
        answered
    }
}

fn line_of(line: &TerminationId<'_>) -> strowger_megaco::message::Terminations<'static> {
    TerminationId::new(line.as_str().to_owned()).unwrap_or(TerminationId::Root).into()
}

fn run(form: Form, outstanding: usize) {
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
    let (other, _) = layer("town", from, form, 1);
    let other = std::thread::spawn(move || {
        let mut end = End { socket: controller, layer: other, start, buffer: vec![0; 65_536] };
        while !stop.load(Ordering::Relaxed) {
            end.hear();
            end.flush();
        }
    });
    let (own, peer) = layer("gw1.town", to, form, 2);
    let mut end = End { socket: gateway, layer: own, start, buffer: vec![0; 65_536] };
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
    over.store(true, Ordering::Relaxed);
    other.join().unwrap();
    times.sort_unstable();
    let rate = times.len() as f64 / SPAN.as_secs_f64();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let repeated = end.layer.counters().retransmissions;
    println!(
        "{form:?}, {outstanding:2} outstanding: {rate:9.0}/s, p50 {:?}, p99 {:?}, {repeated} repeated",
        at(50),
        at(99)
    );
}

fn main() {
    for form in [Form::Text(Layout::Pretty), Form::Text(Layout::Compact), Form::Binary] {
        for outstanding in [1, 32] {
            run(form, outstanding);
        }
    }
}
