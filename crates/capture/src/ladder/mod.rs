//! The ladder: what passed between the parties of a call, in order, with the links between entries.
//!
//! Fed by the node, the simulator and the demo alike, one datagram at a time. Rooms:
//!
//! - [`entry`]: [`Entry`], [`Party`] and their parts: plain data, `Serialize`.
//! - `parties`: which address is whose. `mgcp`: transactions, repetitions, summaries. `mms`: pushes, messages of MMS and
//!   short messages. `media`: streams. `call`: one call out of many.
//! - [`outcome`]: [`Outcome`](outcome::Outcome), what became of each command.
//! - [`text`]: the picture. [`list`]: one line a transaction.
//!
//! A ladder is bounded: past [`LadderLimits::entries`] the oldest entry is forgotten, with the memory of its transaction.

pub mod entry;
pub mod list;
pub mod outcome;
pub mod text;

mod call;
mod media;
mod megaco;
mod mgcp;
mod mms;
mod parties;
mod sip;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use strowger_sansio::Time;

use crate::escape::{escape, excerpt, shortened};
use crate::protocol::Protocol;
use entry::{Entry, EntryKind, Fate, Memory, Party, Verdict};
use media::{Formats, StreamKey};
use mgcp::{Transaction, TransactionKey};
use parties::Parties;

/// Bounds of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderLimits {
    /// Entries that are kept: the memory of a ladder is about 500 octets for each.
    pub entries: usize,
    /// Characters of a summary.
    pub summary: usize,
}

impl Default for LadderLimits {
    fn default() -> Self {
        Self {
            // Hours of one gateway, or minutes of a busy exchange; 10 MB at most.
            entries: 20_000,
            // Three lines of a picture.
            summary: 160,
        }
    }
}

/// The model.
#[derive(Clone, Debug)]
pub struct Ladder {
    limits: LadderLimits,
    parties: Parties,
    entries: VecDeque<Entry>,
    next_number: u64,
    forgotten: u64,
    transactions: BTreeMap<TransactionKey, Transaction>,
    streams: BTreeMap<StreamKey, u64>,
    formats: Formats,
}

impl Ladder {
    /// An empty ladder.
    #[must_use]
    pub fn new(limits: LadderLimits) -> Self {
        Self {
            limits,
            parties: Parties::default(),
            entries: VecDeque::new(),
            next_number: 1,
            forgotten: 0,
            transactions: BTreeMap::new(),
            streams: BTreeMap::new(),
            formats: Formats::default(),
        }
    }

    /// Names the party at an address. Several addresses with one name are one party.
    pub fn name_address(&mut self, address: SocketAddr, name: &str) {
        self.parties.name_address(address, name);
    }

    /// Names the party at every port of a host that has no name of its own.
    pub fn name_host(&mut self, host: IpAddr, name: &str) {
        self.parties.name_host(host, name);
    }

    /// Takes a datagram that was sent. Several messages in it become several entries.
    pub fn observe(
        &mut self,
        time: Time,
        from: SocketAddr,
        to: SocketAddr,
        protocol: Protocol,
        octets: &[u8],
    ) {
        self.observe_fate(time, from, to, protocol, octets, Fate::Delivered);
    }

    /// Takes a datagram whose fate is known.
    pub fn observe_fate(
        &mut self,
        time: Time,
        from: SocketAddr,
        to: SocketAddr,
        protocol: Protocol,
        octets: &[u8],
        fate: Fate,
    ) {
        let frame = Frame { time, from, to, octets, fate };
        match protocol {
            Protocol::Mgcp => self.mgcp(&frame),
            Protocol::Megaco => self.megaco(&frame),
            Protocol::Sip => self.sip(&frame),
            Protocol::Sdp => self.description(&frame),
            Protocol::Rtp => self.rtp_packet(&frame),
            Protocol::Rtcp => self.rtcp_packet(&frame),
            Protocol::Push => self.push_datagram(&frame),
            Protocol::Mms => self.mms_message(&frame),
            Protocol::Sms => self.short_message(&frame),
        }
    }

    /// Counts packets of a stream, without looking at each.
    pub fn observe_rtp(
        &mut self,
        time: Time,
        from: SocketAddr,
        to: SocketAddr,
        codec: &str,
        packets: u64,
        octets: u64,
    ) {
        let codec = escape(codec).to_string();
        self.stream(time, from, to, Protocol::Rtp, Some(codec), packets, octets);
    }

    /// Puts down something that happened at one party: a subscriber lifts the handset, a node dies.
    pub fn remark(&mut self, time: Time, at: SocketAddr, protocol: Protocol, text: &str) {
        let frame = Frame { time, from: at, to: at, octets: &[], fate: Fate::Delivered };
        let mut entry = self.blank(&frame, protocol, EntryKind::Remark);
        entry.summary = escape(text).to_string();
        self.push(entry);
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator + Clone {
        self.entries.iter()
    }

    /// The entry with this number, unless it was forgotten.
    #[must_use]
    pub fn entry(&self, number: u64) -> Option<&Entry> {
        let first = self.entries.front()?.number;
        // Numbers have gaps in a ladder that was narrowed.
        let guess =
            usize::try_from(number.checked_sub(first)?).ok()?.min(self.entries.len().saturating_sub(1));
        match self.entries.get(guess) {
            Some(entry) if entry.number == number => Some(entry),
            _ => {
                let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
                self.entries.get(at)
            }
        }
    }

    /// The parties, in the order in which they were named or seen.
    #[must_use]
    pub fn parties(&self) -> &[Party] {
        &self.parties.list
    }

    /// How many entries were forgotten.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A copy that holds only the entries that `keep` picks, with their numbers.
    #[must_use]
    pub fn narrowed(&self, keep: impl Fn(&Entry) -> bool) -> Self {
        let mut narrowed = self.clone();
        narrowed.entries.retain(keep);
        narrowed
    }

    /// An entry with everything filled in that does not depend on the protocol.
    fn blank(&mut self, frame: &Frame<'_>, protocol: Protocol, kind: EntryKind) -> Entry {
        Entry {
            number: self.next_number,
            time: frame.time,
            from: self.parties.of(frame.from),
            to: self.parties.of(frame.to),
            from_address: frame.from,
            to_address: frame.to,
            protocol,
            kind,
            summary: String::new(),
            verdict: Verdict::Neutral,
            fate: frame.fate,
            transaction: None,
            repeats: None,
            piggyback: None,
            endpoint: None,
            call: None,
            stream: None,
            octets: frame.octets.len() as u64,
            memory: Memory::None,
        }
    }

    fn push(&mut self, mut entry: Entry) {
        entry.summary = shortened(&entry.summary, self.limits.summary);
        self.next_number += 1;
        self.entries.push_back(entry);
        while self.entries.len() > self.limits.entries.max(1) {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let Some(old) = self.entries.pop_front() else { return };
        self.forgotten += 1;
        match old.memory {
            Memory::None => {}
            Memory::Transaction(key) => {
                // The identifier may have been used again since.
                if self.transactions.get(&key).is_some_and(|transaction| transaction.command == old.number) {
                    self.transactions.remove(&key);
                }
            }
            Memory::Stream(key) => {
                self.streams.remove(&key);
            }
        }
    }

    fn entry_mut(&mut self, number: u64) -> Option<&mut Entry> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get_mut(at)
    }

    fn description(&mut self, frame: &Frame<'_>) {
        let mut entry = self.blank(frame, Protocol::Sdp, EntryKind::Description);
        match media::describe(frame.octets) {
            Ok(described) => {
                self.announced(entry.from, &described);
                entry.summary = format!("SDP {described}");
            }
            Err(error) => {
                entry.kind = EntryKind::Undecodable;
                entry.verdict = Verdict::Malformed;
                let found = excerpt(error.found.as_bytes(), strowger_sdp::Found::LONGEST);
                entry.summary =
                    format!("SDP malformed at {}: found {found}, but {}", error.offset, error.rule);
            }
        }
        self.push(entry);
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self::new(LadderLimits::default())
    }
}

/// A datagram as it was handed in.
struct Frame<'a> {
    time: Time,
    from: SocketAddr,
    to: SocketAddr,
    octets: &'a [u8],
    fate: Fate,
}

impl Serialize for Ladder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut ladder = serializer.serialize_struct("Ladder", 3)?;
        ladder.serialize_field("parties", self.parties())?;
        ladder.serialize_field("forgotten", &self.forgotten())?;
        ladder.serialize_field("entries", &self.entries)?;
        ladder.end()
    }
}
