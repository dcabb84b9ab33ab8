//! What passed: one ladder and one capture for signalling and media, and the records of the exchange.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strowger_capture::{Capture, Ladder, LadderLimits, Protocol, Way};
use strowger_exchange::Record;
use strowger_node::clock::{Clock, Wall};
use strowger_node::gateway::{Datagram, Direction};
use strowger_node::ledger::CallDetail;
use strowger_node::{Frame, Observer};
use strowger_sansio::SocketId;

/// Everything that was seen.
pub(super) struct Seen {
    pub(super) ladder: Ladder,
    pub(super) capture: Vec<u8>,
    /// The call detail records, in their order.
    pub(super) cdrs: Vec<CallDetail>,
}

struct State {
    ladder: Ladder,
    capture: Option<Capture<Vec<u8>>>,
    cdrs: Vec<CallDetail>,
}

/// A tap that the exchange's and the gateways' threads share.
#[derive(Clone)]
pub(super) struct Tap {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl Tap {
    pub(super) fn new(clock: Clock) -> Self {
        let origin = clock.wall().unix(strowger_sansio::Time::ZERO);
        // Writing to memory does not fail.
        let capture = Capture::new(Vec::new(), "demo", origin).ok();
        let ladder = Ladder::new(LadderLimits::default());
        Self { clock, state: Arc::new(Mutex::new(State { ladder, capture, cdrs: Vec::new() })) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn name(&self, address: SocketAddr, name: &str) {
        self.lock().ladder.name_address(address, name);
    }

    /// Puts a subscriber's doing beside the gateway that the telephone hangs on.
    pub(super) fn remark(&self, at: SocketAddr, protocol: Protocol, text: &str) {
        let now = self.clock.now();
        self.lock().ladder.remark(now, at, protocol, text);
    }

    fn see(&self, from: SocketAddr, to: SocketAddr, protocol: Protocol, bytes: &[u8]) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.ladder.observe(now, from, to, protocol, bytes);
        if let Some(capture) = &mut state.capture {
            let _ = capture.udp(now, from, to, bytes, Way::Unknown, None);
        }
    }

    /// A datagram of a gateway. Signalling is seen at the exchange; media is seen where it arrives.
    pub(super) fn media(&self, datagram: &Datagram<'_>) {
        if datagram.socket == SocketId::MAIN || datagram.direction == Direction::Sent {
            return;
        }
        let protocol = if datagram.to.port().is_multiple_of(2) { Protocol::Rtp } else { Protocol::Rtcp };
        self.see(datagram.from, datagram.to, protocol, datagram.payload);
    }

    /// A datagram has arrived where no gateway is.
    pub(super) fn arrived(&self, (from, to): (SocketAddr, SocketAddr), protocol: Protocol, bytes: &[u8]) {
        self.see(from, to, protocol, bytes);
    }

    /// How many call detail records have been written.
    pub(super) fn records(&self) -> usize {
        self.lock().cdrs.len()
    }

    pub(super) fn seen(&self) -> Seen {
        let mut state = self.lock();
        let capture = state.capture.take().and_then(|capture| capture.finish().ok()).unwrap_or_default();
        Seen { ladder: state.ladder.clone(), capture, cdrs: state.cdrs.clone() }
    }
}

impl Observer for Tap {
    fn datagram(&mut self, frame: &Frame<'_>) {
        self.see(frame.from, frame.to, frame.protocol, frame.bytes);
    }

    fn record(&mut self, record: &Record, wall: &Wall) {
        if let Record::CallEnded(ended) = record {
            self.lock().cdrs.push(CallDetail::new(ended, wall));
        }
    }
}
