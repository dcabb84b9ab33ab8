//! How messages travel: over UDP one a datagram, over TCP in TPKTs (RFC 1006 section 6, RFC 3525 Annex D.2), over SCTP one a user message.
//!
//! [`Route`] is where a message came from or goes to. [`Framing`] is what a connection does to the octets: a host has one for each
//! socket or connection, and the engines see whole messages alone. SCTP keeps the bounds of messages, as UDP does, so it needs
//! no framing of its own; what it needs beside is [`SCTP_PAYLOAD_PROTOCOL`].

use std::fmt;
use std::net::SocketAddr;

use strowger_sansio::SocketId;

/// The payload protocol identifier of H.248 over SCTP.
pub const SCTP_PAYLOAD_PROTOCOL: u32 = 7;

/// The port of text where none is named (RFC 3525 section 9).
pub const TEXT_PORT: u16 = 2944;
/// The port of the binary form where none is named (RFC 3525 section 9).
pub const BINARY_PORT: u16 = 2945;

/// The port of an address that names none (RFC 3525 section 9), by the form of what is spoken there.
#[must_use]
pub(crate) const fn usual_port(form: crate::transaction::Form) -> u16 {
    match form {
        crate::transaction::Form::Text(_) => TEXT_PORT,
        crate::transaction::Form::Binary => BINARY_PORT,
    }
}

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// May lose, repeat and reorder.
    Udp,
    /// Keeps order and loses nothing while the connection stands.
    Tcp,
    /// As TCP, with messages.
    Sctp,
}

impl Transport {
    /// Whether messages arrive unless the connection fails.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }
}

/// Where a message came from, or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// What carries it.
    pub transport: Transport,
    /// The socket, or the connection, which the host numbers.
    pub socket: SocketId,
    /// The other end.
    pub address: SocketAddr,
}

impl Route {
    /// Over UDP, by the host's main socket.
    #[must_use]
    pub const fn udp(address: SocketAddr) -> Self {
        Self { transport: Transport::Udp, socket: SocketId::MAIN, address }
    }

    /// Over a connection of TCP.
    #[must_use]
    pub const fn tcp(socket: SocketId, address: SocketAddr) -> Self {
        Self { transport: Transport::Tcp, socket, address }
    }
}

/// What stands around messages on the wire.
#[derive(Clone, Debug)]
pub enum Framing {
    /// Nothing: the transport keeps their bounds.
    Message,
    /// TPKT.
    Tpkt(Splitter),
}

impl Framing {
    /// The framing of a transport, for messages of up to `longest` octets.
    #[must_use]
    pub fn new(transport: Transport, longest: usize) -> Self {
        match transport {
            Transport::Tcp => Self::Tpkt(Splitter::new(longest)),
            Transport::Udp | Transport::Sctp => Self::Message,
        }
    }

    /// Writes a message behind what `out` holds.
    ///
    /// # Errors
    /// The message is longer than the framing can say.
    pub fn wrap(&self, message: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
        match self {
            Self::Message => {
                out.extend_from_slice(message);
                Ok(())
            }
            Self::Tpkt(_) => write_tpkt(message, out),
        }
    }
}

/// The version of TPKT.
const TPKT_VERSION: u8 = 3;
/// Version, reserved, length of the whole in two octets.
const TPKT_HEADER: usize = 4;
/// The longest message that a TPKT can carry.
pub const LONGEST_IN_TPKT: usize = 65_535 - TPKT_HEADER;

/// Writes a message as a TPKT behind what `out` holds.
///
/// # Errors
/// The message has more than [`LONGEST_IN_TPKT`] octets, or none.
pub fn write_tpkt(message: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
    let length = message.len() + TPKT_HEADER;
    match u16::try_from(length) {
        Ok(length) if !message.is_empty() => {
            out.extend_from_slice(&[TPKT_VERSION, 0]);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(message);
            Ok(())
        }
        _ => Err(FramingError::Length { length }),
    }
}

/// Messages out of a stream of TPKTs. After an error the stream has no bounds any more: the connection is to be closed.
#[derive(Clone, Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    start: usize,
    longest: usize,
    failed: Option<FramingError>,
}

impl Splitter {
    /// For messages of up to `longest` octets. It never holds more than one message that is not complete and what was
    /// handed in last.
    #[must_use]
    pub const fn new(longest: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, longest, failed: None }
    }

    /// Takes octets as they came.
    pub fn handle_input(&mut self, octets: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(octets);
    }

    /// The next message; none until more octets come.
    ///
    /// # Errors
    /// What stands there is no TPKT, or one that is longer than the limit. It stays so.
    pub fn poll_message(&mut self) -> Result<Option<&[u8]>, FramingError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let length = match header(rest, self.longest) {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.failed = Some(error);
                self.buffer = Vec::new();
                self.start = 0;
                return Err(error);
            }
        };
        if rest.len() < length {
            return Ok(None);
        }
        let from = self.start + TPKT_HEADER;
        self.start += length;
        Ok(self.buffer.get(from..self.start))
    }

    /// Octets that wait for the rest of their message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len() - self.start
    }
}

/// The length that a header says, once it is there. The version is looked at as soon as it came, so that a peer that speaks
/// something else is not waited for.
fn header(octets: &[u8], longest: usize) -> Result<Option<usize>, FramingError> {
    match octets {
        [] => Ok(None),
        [version, ..] if *version != TPKT_VERSION => Err(FramingError::Version { found: *version }),
        [_, _, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let is_legal = length > TPKT_HEADER && length - TPKT_HEADER <= longest;
            if is_legal { Ok(Some(length)) } else { Err(FramingError::Length { length }) }
        }
        _ => Ok(None),
    }
}

/// A stream that is not TPKT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramingError {
    /// The first octet is not 3.
    Version {
        /// What it is.
        found: u8,
    },
    /// Shorter than a header and an octet, or longer than the limit.
    Length {
        /// The length, header included.
        length: usize,
    },
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { found } => {
                write!(f, "expected a TPKT of version 3, found {found} (RFC 1006 section 6)")
            }
            Self::Length { length } => {
                write!(f, "a TPKT of {length} octets is empty or above the limit (RFC 1006 section 6)")
            }
        }
    }
}

impl std::error::Error for FramingError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(splitter: &mut Splitter) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        while let Some(message) = splitter.poll_message().unwrap() {
            messages.push(message.to_vec());
        }
        messages
    }

    #[test]
    fn the_length_of_a_tpkt_counts_its_header() {
        let mut out = Vec::new();
        write_tpkt(b"abc", &mut out).unwrap();
        assert_eq!(out, b"\x03\x00\x00\x07abc");
        assert_eq!(write_tpkt(&[], &mut out), Err(FramingError::Length { length: 4 }));
        let most = vec![0; LONGEST_IN_TPKT];
        assert_eq!(write_tpkt(&most, &mut out), Ok(()));
        assert!(write_tpkt(&vec![0; LONGEST_IN_TPKT + 1], &mut out).is_err());
    }

    #[test]
    fn what_is_no_tpkt_ends_the_stream_at_its_first_octet() {
        let mut splitter = Splitter::new(100);
        splitter.handle_input(b"\x03\x00\x00\x05a!");
        assert_eq!(splitter.poll_message(), Ok(Some(&b"a"[..])));
        assert_eq!(splitter.poll_message(), Err(FramingError::Version { found: b'!' }));
        splitter.handle_input(b"\x03\x00\x00\x05a");
        assert_eq!(splitter.poll_message(), Err(FramingError::Version { found: b'!' }), "it stays so");
        assert_eq!(splitter.waiting(), 0);
    }

    #[test]
    fn a_length_without_content_or_above_the_limit_is_refused_before_it_is_waited_for() {
        for (header, length) in
            [(b"\x03\x00\x00\x04", 4), (b"\x03\x00\x00\x00", 0), (b"\x03\x00\x00\x69", 105)]
        {
            let mut splitter = Splitter::new(100);
            splitter.handle_input(header);
            assert_eq!(splitter.poll_message(), Err(FramingError::Length { length }));
        }
        let mut splitter = Splitter::new(100);
        splitter.handle_input(b"\x03\x00\x00\x68");
        assert_eq!(splitter.poll_message(), Ok(None));
    }

    #[test]
    fn datagrams_and_messages_of_sctp_have_nothing_around_them() {
        for transport in [Transport::Udp, Transport::Sctp] {
            let mut out = Vec::new();
            Framing::new(transport, 100).wrap(b"abc", &mut out).unwrap();
            assert_eq!(out, b"abc");
        }
    }

    proptest! {
        #[test]
        fn a_stream_cut_anywhere_gives_the_same_messages(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 0..12),
            cuts in proptest::collection::vec(1_usize..40, 1..30),
        ) {
            let framing = Framing::new(Transport::Tcp, 100);
            let mut stream = Vec::new();
            for message in &messages {
                framing.wrap(message, &mut stream).unwrap();
            }
            let Framing::Tpkt(mut splitter) = framing else { panic!("TCP has TPKT") };
            let (mut rest, mut read) = (&stream[..], Vec::new());
            for cut in cuts.iter().cycle() {
                let (part, more) = rest.split_at((*cut).min(rest.len()));
                splitter.handle_input(part);
                read.extend(all(&mut splitter));
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(read, messages);
            prop_assert_eq!(splitter.waiting(), 0);
        }
    }
}
