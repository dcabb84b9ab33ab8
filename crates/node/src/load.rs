//! The host of a load engine: its sockets, its clock, the caller's thread, and the signals that stop it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use strowger_load::Load;
use strowger_sansio::{Duration, SocketId, Time};

use crate::clock::Clock;
use crate::gateway::sockets;
use crate::signals::Signals;

/// The largest UDP datagram.
const DATAGRAM: usize = 65_535;
/// How many datagrams of one socket are read before the others have their turn.
const BATCH: usize = 64;
/// The answers to all that a large window has outstanding must fit.
const BUFFER: usize = 8 * 1024 * 1024;
/// What a signal wakes the poll with: no socket has such a place.
const WAKE: Token = Token(usize::MAX);

/// Sockets for a load, bound before it begins.
#[derive(Debug)]
pub struct LoadHost {
    poll: Poll,
    sockets: Vec<UdpSocket>,
}

impl LoadHost {
    /// Binds a socket to each address; the load knows them by their places. Port 0 is any free port.
    ///
    /// # Errors
    /// The address that cannot be bound.
    pub fn bind(addresses: &[SocketAddr]) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut sockets = Vec::with_capacity(addresses.len());
        for (place, address) in addresses.iter().enumerate() {
            let socket = sockets::socket(*address, BUFFER).map_err(|error| {
                io::Error::new(error.kind(), format!("{address} cannot be opened: {error}"))
            })?;
            let mut socket = UdpSocket::from_std(socket);
            poll.registry().register(&mut socket, Token(place), Interest::READABLE)?;
            sockets.push(socket);
        }
        Ok(Self { poll, sockets })
    }

    /// Where the socket of a place is.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self, place: usize) -> io::Result<SocketAddr> {
        let socket = self.sockets.get(place).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        socket.local_addr()
    }

    /// Drives the load until it is done, or until `limit` has passed: a load that has lost its peer ends by itself, but late.
    ///
    /// The first signal to stop (SIGINT, SIGTERM, SIGHUP) lets it begin nothing more and end what it has begun; the second
    /// gives that up. Either way there is a tally.
    ///
    /// # Errors
    /// What the system says of the sockets, or of the signals.
    pub fn run(&mut self, clock: Clock, load: &mut dyn Load, limit: Duration) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; DATAGRAM];
        let mut unread: Vec<usize> = Vec::new();
        let end = clock.now() + limit;
        let signals = hear_signals(Waker::new(self.poll.registry(), WAKE)?)?;
        let mut heard = 0;
        self.drain(load);
        while !load.is_done() {
            let now = clock.now();
            if signals.load(Ordering::Acquire) > heard {
                heard += 1;
                if heard > 1 {
                    break;
                }
                load.stop(now);
                continue;
            }
            if now >= end {
                break;
            }
            let wait = match load.poll_timeout() {
                _ if !unread.is_empty() => Duration::ZERO,
                Some(due) => due.min(end).since(now),
                None => end.since(now),
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let mut ready = std::mem::take(&mut unread);
            for event in events.iter().filter(|event| event.token() != WAKE) {
                if !ready.contains(&event.token().0) {
                    ready.push(event.token().0);
                }
            }
            for place in ready {
                if self.read(clock.now(), place, &mut buffer, load) {
                    unread.push(place);
                }
            }
            let now = clock.now();
            if load.poll_timeout().is_some_and(|due| due <= now) {
                load.handle_timeout(now);
                self.drain(load);
            }
        }
        Ok(())
    }

    /// Reads what has come to a socket; true when there may be more.
    fn read(&self, now: Time, place: usize, buffer: &mut [u8], load: &mut dyn Load) -> bool {
        let Some(socket) = self.sockets.get(place) else { return false };
        for _ in 0..BATCH {
            match socket.recv_from(buffer) {
                Ok((length, from)) => {
                    let id = SocketId(u32::try_from(place).unwrap_or(u32::MAX));
                    load.handle_input(now, id, from, buffer.get(..length).unwrap_or_default());
                    self.drain(load);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // The answer of a host that did not want our last datagram: the load's own timers deal with silence.
                Err(_) => {}
            }
        }
        true
    }

    fn drain(&self, load: &mut dyn Load) {
        while let Some(transmit) = load.poll_transmit() {
            let socket = usize::try_from(transmit.socket.0).ok().and_then(|place| self.sockets.get(place));
            // A datagram that cannot be sent is a datagram lost.
            let _ = socket.map(|socket| socket.send_to(&transmit.payload, transmit.to));
        }
    }
}

/// Counts the signals to stop from now on, and wakes the poll at each.
fn hear_signals(waker: Waker) -> io::Result<Arc<AtomicUsize>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _within = runtime.enter();
        Signals::new()?
    };
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            loop {
                signals.next().await;
                counted.fetch_add(1, Ordering::Release);
                // Without the poll there is nobody to wake.
                if waker.wake().is_err() {
                    return;
                }
            }
        });
    })?;
    Ok(count)
}
