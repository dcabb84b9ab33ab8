//! Datagrams that wait to be sent, and piggybacking (RFC 3435 section 3.5.5).
//!
//! Messages to one address that are queued one after the other travel in one datagram when the peer is known to take that:
//! in order, and as one. Peers that read only the first message of a datagram get one datagram for each.

use std::collections::VecDeque;
use std::net::SocketAddr;

use strowger_sansio::Transmit;

/// The line between two messages of one datagram.
pub(super) const SEPARATOR: &[u8] = b".\r\n";

/// Whether a message may share its datagram with the one queued before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bundling {
    /// Every message has its own datagram.
    Separate,
    /// Messages to one address, queued without another between, share a datagram while they fit.
    Piggyback,
}

#[derive(Clone, Debug)]
pub(super) struct Outbox {
    queue: VecDeque<(Bundling, Transmit)>,
    max_datagram: usize,
}

impl Outbox {
    pub(super) fn new(max_datagram: usize) -> Self {
        Self { queue: VecDeque::new(), max_datagram }
    }

    pub(super) fn push(&mut self, to: SocketAddr, payload: Vec<u8>, bundling: Bundling) {
        self.queue.push_back((bundling, Transmit::new(to, payload)));
    }

    pub(super) fn pop(&mut self) -> Option<Transmit> {
        let (bundling, mut first) = self.queue.pop_front()?;
        if bundling == Bundling::Separate {
            return Some(first);
        }
        while let Some((Bundling::Piggyback, next)) = self.queue.front() {
            let joined = first.payload.len() + SEPARATOR.len() + next.payload.len();
            if next.to != first.to || joined > self.max_datagram {
                break;
            }
            append(&mut first.payload, &next.payload);
            self.queue.pop_front();
        }
        Some(first)
    }
}

/// Appends a message to a datagram, behind a separator line when it is not the first.
pub(super) fn append(datagram: &mut Vec<u8>, message: &[u8]) {
    if !datagram.is_empty() {
        if !datagram.ends_with(b"\n") {
            datagram.extend_from_slice(b"\r\n");
        }
        datagram.extend_from_slice(SEPARATOR);
    }
    datagram.extend_from_slice(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn neighbours_to_one_address_share_a_datagram_while_they_fit() {
        let mut outbox = Outbox::new(20);
        outbox.push(address(1), b"200 1\r\n".to_vec(), Bundling::Piggyback);
        outbox.push(address(1), b"200 2\r\n".to_vec(), Bundling::Piggyback);
        outbox.push(address(1), b"200 3\r\n".to_vec(), Bundling::Piggyback);
        outbox.push(address(2), b"200 4\r\n".to_vec(), Bundling::Piggyback);
        outbox.push(address(2), b"200 5\r\n".to_vec(), Bundling::Separate);
        let sent: Vec<_> = std::iter::from_fn(|| outbox.pop()).map(|t| (t.to.port(), t.payload)).collect();
        let expected: [(u16, &[u8]); 4] =
            [(1, b"200 1\r\n.\r\n200 2\r\n"), (1, b"200 3\r\n"), (2, b"200 4\r\n"), (2, b"200 5\r\n")];
        assert_eq!(sent.len(), expected.len());
        assert!(sent.iter().zip(expected).all(|((port, bytes), (p, b))| *port == p && bytes == b));
    }

    #[test]
    fn a_message_without_a_line_end_gets_one_before_the_separator() {
        let mut datagram = Vec::new();
        append(&mut datagram, b"200 1");
        append(&mut datagram, b"200 2\r\n");
        assert_eq!(datagram, b"200 1\r\n.\r\n200 2\r\n");
    }
}
