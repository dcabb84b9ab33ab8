//! What the queue holds: a message on its way to one recipient, and how it is written on disk.

use std::fmt;

use crate::pap::Version;

/// The place of a message in the order of acceptance; never given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What becomes of a message: the message states of PAP (WAP-247 section 9), and how each is told there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet delivered.
    Pending,
    /// With the recipient, as far as its bearer can say.
    Delivered,
    /// It cannot be delivered.
    Undeliverable,
    /// Its time ran out before it left.
    Expired,
    /// The recipient's side broke it off.
    Aborted,
    /// Its time ran out after it had left, without a word about it.
    Timeout,
    /// Whoever sent it took it back.
    Cancelled,
    /// It was refused.
    Rejected,
}

/// State, octet on disk, word.
const STATES: &[(State, u8, &str)] = &[
    (State::Pending, 0, "pending"),
    (State::Delivered, 1, "delivered"),
    (State::Undeliverable, 2, "undeliverable"),
    (State::Expired, 3, "expired"),
    (State::Aborted, 4, "aborted"),
    (State::Timeout, 5, "timeout"),
    (State::Cancelled, 6, "cancelled"),
    (State::Rejected, 7, "rejected"),
];

impl State {
    /// Its word in PAP and everywhere else.
    #[must_use]
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(state, ..)| *state == self).map_or("unknown", |(.., word)| *word)
    }

    /// The state with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        STATES.iter().find(|(.., known)| *known == word).map(|(state, ..)| *state)
    }

    fn octet(self) -> u8 {
        STATES.iter().find(|(state, ..)| *state == self).map_or(0, |(_, octet, _)| *octet)
    }

    fn of_octet(octet: u8) -> Option<Self> {
        STATES.iter().find(|(_, known, _)| *known == octet).map(|(state, ..)| *state)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How much a message presses, as its sender says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Less than others.
    Low,
    /// As most.
    #[default]
    Medium,
    /// Before others.
    High,
}

/// Priority, number on disk, word in PAP.
const PRIORITIES: &[(Priority, u64, &str)] =
    &[(Priority::Medium, 0, "medium"), (Priority::Low, 1, "low"), (Priority::High, 2, "high")];

impl Priority {
    /// Its word in PAP.
    #[must_use]
    pub fn word(self) -> &'static str {
        PRIORITIES.iter().find(|(priority, ..)| *priority == self).map_or("medium", |(.., word)| *word)
    }

    /// The priority with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        PRIORITIES.iter().find(|(.., known)| *known == word).map(|(priority, ..)| *priority)
    }

    fn number(self) -> u64 {
        PRIORITIES.iter().find(|(priority, ..)| *priority == self).map_or(0, |(_, number, _)| *number)
    }

    fn of_number(number: u64) -> Option<Self> {
        PRIORITIES.iter().find(|(_, known, _)| *known == number).map(|(priority, ..)| *priority)
    }
}

/// An earlier message to the same destination that a message takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its place.
    pub seq: Seq,
    /// What happens when it has left already.
    pub gone: Gone,
}

/// What becomes of a message when the one that it is to replace has left (WAP-247 `replace-method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gone {
    /// It goes all the same (`all`).
    #[default]
    Send,
    /// It is not sent (`pending-only`).
    Drop,
}

/// One message to one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its place.
    pub seq: Seq,
    /// Who sent it: the name of a push user.
    pub owner: String,
    /// What its sender calls it; unique for the sender.
    pub push_id: String,
    /// The recipient as the sender wrote it.
    pub address: String,
    /// The destination in one form: `+15550100` or `192.0.2.9:2948`. Messages to one destination keep their order.
    pub to: String,
    /// The push as it goes out: the WSP unit without its transaction identifier.
    pub payload: Vec<u8>,
    /// The port at the recipient.
    pub port: u16,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted: u64,
    /// When it may go, in the same.
    pub not_before: u64,
    /// When it is worth nothing any more, in the same.
    pub expires: u64,
    /// Whether its delivery is to be confirmed by the bearer.
    pub confirm: bool,
    /// Where its end is to be reported to.
    pub notify: Option<String>,
    /// The version of PAP that its sender speaks, in which its end is reported.
    pub version: Version,
    /// Whether others have their turn before it.
    pub priority: Priority,
    /// The message that it takes the place of.
    pub replaces: Option<Replaced>,
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The state that it is left in.
    pub state: State,
    /// The status code of PAP.
    pub code: u16,
    /// Why, in words.
    pub detail: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// Where a message is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRow {
    /// Who sent it.
    pub owner: String,
    /// What its sender called it.
    pub push_id: String,
    /// The recipient as the sender wrote it.
    pub address: String,
    /// When it was accepted.
    pub accepted: u64,
    /// The version of PAP that its sender speaks.
    pub version: Version,
    /// How it ended.
    pub ending: Ending,
}

/// Writes a row.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn octets(&mut self, octets: &[u8]) -> &mut Self {
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(octets);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.octets(text.as_bytes())
    }
}

/// Reads a row; none where it is cut off.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn octets(&mut self) -> Option<&'b [u8]> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.octets()?.to_vec()).ok()
    }
}

/// The flags of a row: the port in the first sixteen bits, then whether to confirm, what is replaced, two bits of
/// priority and two of the version of PAP.
mod flag {
    pub(super) const CONFIRM: u64 = 1 << 16;
    /// The place of the replaced message is the last thing in the row.
    pub(super) const REPLACES: u64 = 1 << 17;
    pub(super) const PENDING_ONLY: u64 = 1 << 18;
    pub(super) const PRIORITY: u32 = 20;
    pub(super) const VERSION: u32 = 22;
}

impl Message {
    /// As it is on disk; its place is its key there.
    #[must_use]
    pub fn to_row(&self) -> Vec<u8> {
        let mut row = Writer(Vec::with_capacity(160 + self.payload.len()));
        row.number(self.accepted).number(self.not_before).number(self.expires);
        let mut flags = u64::from(self.port) | self.priority.number() << flag::PRIORITY;
        flags |= self.version.number() << flag::VERSION;
        for (set, flag) in [
            (self.confirm, flag::CONFIRM),
            (self.replaces.is_some(), flag::REPLACES),
            (self.replaces.is_some_and(|replaced| replaced.gone == Gone::Drop), flag::PENDING_ONLY),
        ] {
            flags |= if set { flag } else { 0 };
        }
        row.number(flags);
        row.text(&self.owner).text(&self.push_id).text(&self.address).text(&self.to);
        row.octets(&self.payload).text(self.notify.as_deref().unwrap_or_default());
        if let Some(replaced) = self.replaces {
            row.number(replaced.seq.0);
        }
        row.0
    }

    /// The other way round; none when the row is not one.
    #[must_use]
    pub fn of_row(seq: Seq, row: &[u8]) -> Option<Self> {
        let mut row = Reader(row);
        let (accepted, not_before, expires) = (row.number()?, row.number()?, row.number()?);
        let flags = row.number()?;
        let (owner, push_id, address, to) = (row.text()?, row.text()?, row.text()?, row.text()?);
        let payload = row.octets()?.to_vec();
        let notify = Some(row.text()?).filter(|notify| !notify.is_empty());
        let port = u16::try_from(flags & 0xffff).ok()?;
        let confirm = flags & flag::CONFIRM != 0;
        let priority = Priority::of_number(flags >> flag::PRIORITY & 0x3)?;
        let version = Version::of_number(flags >> flag::VERSION & 0x3)?;
        let replaces = match flags & flag::REPLACES {
            0 => None,
            _ => {
                let gone = if flags & flag::PENDING_ONLY == 0 { Gone::Send } else { Gone::Drop };
                Some(Replaced { seq: Seq(row.number()?), gone })
            }
        };
        Some(Self {
            seq,
            owner,
            push_id,
            address,
            to,
            payload,
            port,
            accepted,
            not_before,
            expires,
            confirm,
            notify,
            version,
            priority,
            replaces,
        })
    }

    /// What memory it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = [&self.owner, &self.push_id, &self.address, &self.to];
        let texts: usize = texts.iter().map(|text| text.len()).sum();
        400 + texts + self.payload.len() + self.notify.as_ref().map_or(0, String::len)
    }
}

/// Where the version of PAP stands in the row of an ended message, above code and state.
const ENDED_VERSION: u32 = 24;

/// How a message ended, as a row.
#[must_use]
pub(super) fn ended_to_row(message: &Message, ending: &Ending) -> Vec<u8> {
    let mut row = Writer(Vec::with_capacity(96));
    row.number(message.accepted).number(ending.at);
    let version = message.version.number() << ENDED_VERSION;
    row.number(u64::from(ending.code) | u64::from(ending.state.octet()) << 16 | version);
    row.text(&message.owner).text(&message.push_id).text(&message.address).text(&ending.detail);
    row.0
}

impl EndedRow {
    /// Reads a row.
    #[must_use]
    pub fn of_row(row: &[u8]) -> Option<Self> {
        let mut row = Reader(row);
        let (accepted, at, codes) = (row.number()?, row.number()?, row.number()?);
        let (owner, push_id, address, detail) = (row.text()?, row.text()?, row.text()?, row.text()?);
        let state = State::of_octet(u8::try_from(codes >> 16 & 0xff).ok()?)?;
        let version = Version::of_number(codes >> ENDED_VERSION & 0x3)?;
        let ending = Ending { state, code: u16::try_from(codes & 0xffff).ok()?, detail, at };
        Some(Self { owner, push_id, address, accepted, version, ending })
    }
}

/// The centre's names of a message's parts, as a row.
#[must_use]
pub(super) fn names_to_row(centre: &str, names: &[String]) -> Vec<u8> {
    let mut row = Writer::default();
    row.text(centre);
    for name in names {
        row.text(name);
    }
    row.0
}

/// The other way round.
#[must_use]
pub(super) fn names_of_row(row: &[u8]) -> Option<(String, Vec<String>)> {
    let mut row = Reader(row);
    let centre = row.text()?;
    let mut names = Vec::new();
    while !row.0.is_empty() {
        names.push(row.text()?);
    }
    Some((centre, names))
}
