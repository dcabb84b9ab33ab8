//! What the ladder holds: entries, and the parties between which they pass.

use std::net::SocketAddr;

use serde::{Serialize, Serializer};
use strowger_sansio::Time;

use super::media::StreamKey;
use super::mgcp::TransactionKey;
use crate::protocol::Protocol;

/// One message of one protocol between two parties, or one stream of media, or a remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 1; never used again, also when old entries are forgotten.
    pub number: u64,
    /// When it was sent; of a stream, when its first packet was.
    #[serde(rename = "time_us", serialize_with = "micros")]
    pub time: Time,
    /// The sender: an index into [`Ladder::parties`](super::Ladder::parties).
    pub from: usize,
    /// The receiver; the sender itself for a remark.
    pub to: usize,
    /// The sender's address.
    pub from_address: SocketAddr,
    /// The receiver's address.
    pub to_address: SocketAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// What it is.
    pub kind: EntryKind,
    /// One line of text, escaped.
    pub summary: String,
    /// What became of it, or what it says became of a request.
    pub verdict: Verdict,
    /// Whether it reached its receiver.
    pub fate: Fate,
    /// The number of the entry that began the transaction: its own for a command sent for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<u64>,
    /// The number of the entry that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u64>,
    /// Its place among the messages of its datagram, when there were several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piggyback: Option<Piggyback>,
    /// The endpoint that the transaction is about, in lower case and escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The call that it names, escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The figures of a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// Octets of the datagram that it came in; of a stream, of all its packets.
    pub octets: u64,
    /// What is remembered beside the entry for as long as it is kept.
    #[serde(skip)]
    pub(super) memory: Memory,
}

/// A record beside an entry, to be forgotten with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    None,
    Transaction(TransactionKey),
    Stream(StreamKey),
}

fn micros<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_micros())
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A command or request.
    Command,
    /// A response, or the acknowledgement of one.
    Response,
    /// A session description on its own.
    Description,
    /// A stream of media in one direction, as one entry.
    Stream,
    /// Something that happened at one party, told by whoever feeds the ladder.
    Remark,
    /// Octets that could not be decoded.
    Undecodable,
}

/// What an entry says about how things went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing yet, or nothing at all.
    Neutral,
    /// A command is being executed.
    Provisional,
    /// A command was executed.
    Success,
    /// A command was refused or failed.
    Failure,
    /// The message breaks the rules of its protocol.
    Malformed,
}

/// Whether a datagram arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It did, or nobody knows better.
    Delivered,
    /// It was lost on the way: only a simulated network knows.
    Lost,
}

/// The place of a message in its datagram (RFC 3435 section 3.5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Piggyback {
    /// From 1.
    pub place: usize,
    /// How many there are.
    pub of: usize,
}

/// A stream in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// The format's name, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// Packets so far.
    pub packets: u64,
    /// When the last one was sent.
    #[serde(rename = "last_us", serialize_with = "micros")]
    pub last: Time,
}

/// One side: a gateway, an exchange, a phone. It has one column, whatever ports it uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Party {
    /// Its name, escaped; its first address as long as nobody named it.
    pub name: String,
    /// The addresses seen or named.
    pub addresses: Vec<SocketAddr>,
}
