//! What a gateway wants sent, until the end of a turn: datagrams of one socket that follow each other leave in one burst.

use std::io;
use std::net::SocketAddr;

use strowger_sansio::{SocketId, Transmit};

use super::sockets::Sockets;
use crate::burst::{self, BURST, Way};

/// How often an error of earlier datagrams may come in the way of one: more are those of a storm.
const REFUSALS: u32 = 16;

/// Datagrams that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Vec<Transmit>,
}

impl Outbox {
    pub(super) fn push(&mut self, transmit: Transmit) {
        self.waiting.push(transmit);
    }

    /// Whether what waits should not wait for more.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= BURST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends everything in its order. What cannot be sent is lost, and told to `lost`; so is an error that belongs to an earlier datagram, as `lost` then says,
    /// after which the same one is tried again.
    pub(super) fn send(
        &mut self,
        sockets: &Sockets,
        mut lost: impl FnMut(SocketId, SocketAddr, &io::Error) -> bool,
    ) {
        let mut rest = self.waiting.as_slice();
        let mut refusals = 0;
        while let [first, ..] = rest {
            let way = sockets.way(first);
            let is_alike = |other: &&Transmit| other.socket == first.socket && sockets.way(other) == way;
            let count = rest.iter().take_while(is_alike).count();
            let Some((same, others)) = rest.split_at_checked(count) else { break };
            let socket = match way {
                Way::Connected => sockets.connected(),
                Way::Named => sockets.get(first.socket).map(|(socket, _)| socket),
            };
            let done = match socket.map(|socket| burst::send(socket, way, same)) {
                Some(Ok(sent)) => sent,
                Some(Err(error)) => {
                    let earlier = lost(first.socket, first.to, &error);
                    let earlier = earlier || error.kind() == io::ErrorKind::ConnectionRefused;
                    let earlier = earlier && refusals < REFUSALS;
                    refusals += u32::from(earlier);
                    usize::from(!earlier)
                }
                None => count,
            };
            rest = rest.get(done..).unwrap_or(others);
        }
        self.waiting.clear();
    }
}
