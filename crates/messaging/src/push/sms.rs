//! Pushes in short messages: parts, their way through a centre's links one after the other, and the receipts that come back.
//!
//! A push is with one centre at a time and has one part under way, so that its parts arrive in order and a part that was taken is not
//! sent again when a later one fails.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use strowger_mms::sms::{Ports, Reference, segment};
use strowger_sansio::Time;

use super::config::{CentreEntry, SegmentStyle};
use crate::queue::{Message, Priority, Seq, State, Verdict};
use crate::smpp::link::LinkHandle;
use crate::smpp::receipt::canonical;
use crate::smpp::{Address, Class, MessageState, Operation, Outcome, Receipt, ShortMessage, Tlv, Token, tlv};

/// The port that pushes come from (IANA: wap-wsp).
const SOURCE_PORT: u16 = 9200;
/// Receipts that came before the answer that they belong to.
const EARLY: usize = 1000;

/// A push on its way through a centre.
#[derive(Debug)]
struct Job {
    message: Arc<Message>,
    /// How many parts there are, and those that have not gone, the next one first.
    total: usize,
    parts: VecDeque<Operation>,
    /// The part that is next, or under way.
    next: usize,
    /// What the centre calls the parts that it took.
    names: Vec<String>,
    link: usize,
}

/// What came of an answer.
#[derive(Debug)]
pub(super) enum Step {
    /// The next part is under way.
    Goes,
    /// The push has left this room.
    Settled(Seq, Verdict, Vec<String>),
}

/// A message centre with its links.
#[derive(Debug)]
pub(super) struct SmsBearer {
    pub(super) entry: CentreEntry,
    links: Vec<(LinkHandle, usize)>,
    turn: usize,
    jobs: BTreeMap<Seq, Job>,
    /// Names of parts that have not been reported on.
    awaited: BTreeMap<String, Seq>,
    /// The names of a push that have not been reported on, and its number without `+`.
    submitted: BTreeMap<Seq, (Vec<String>, String)>,
    early: VecDeque<(Receipt, String)>,
}

impl SmsBearer {
    pub(super) fn new(entry: CentreEntry, links: Vec<LinkHandle>) -> Self {
        Self {
            entry,
            links: links.into_iter().map(|link| (link, 0)).collect(),
            turn: 0,
            jobs: BTreeMap::new(),
            awaited: BTreeMap::new(),
            submitted: BTreeMap::new(),
            early: VecDeque::new(),
        }
    }

    pub(super) fn link(&self, link: usize) -> Option<&LinkHandle> {
        self.links.get(link).map(|(handle, _)| handle)
    }

    pub(super) fn links(&self) -> impl Iterator<Item = &LinkHandle> {
        self.links.iter().map(|(handle, _)| handle)
    }

    pub(super) fn links_up(&self) -> usize {
        self.links.iter().filter(|(link, _)| link.is_up()).count()
    }

    /// A link with room, each in its turn.
    fn free_link(&mut self) -> Option<usize> {
        let window = self.entry.client.window;
        // A link that only receives stands behind the others.
        let count = self.entry.links.max(1);
        let free = (0..count).map(|step| (self.turn + step) % count).find(|at| {
            self.links.get(*at).is_some_and(|(link, outstanding)| link.is_up() && *outstanding < window)
        })?;
        self.turn = free + 1;
        Some(free)
    }

    /// Whether nothing is with the centre.
    pub(super) fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn has_room(&mut self) -> bool {
        self.free_link().is_some()
    }

    /// Sends a push, the first parts of which may be gone.
    pub(super) fn begin(&mut self, now: Time, message: Arc<Message>, gone: usize) -> Option<Verdict> {
        let parts = match parts(&self.entry, now, &message) {
            Ok(parts) => parts,
            Err(detail) => return Some(Verdict::Refused { detail }),
        };
        let Some(link) = self.free_link() else { return Some(Verdict::Crowded { parts: gone }) };
        let seq = message.seq;
        let total = parts.len();
        let next = gone.min(total.saturating_sub(1));
        let mut parts = VecDeque::from(parts);
        parts.drain(..next);
        self.jobs.insert(seq, Job { message, total, parts, next, names: Vec::new(), link });
        match self.go(seq) {
            true => None,
            false => {
                self.jobs.remove(&seq);
                Some(Verdict::Crowded { parts: gone })
            }
        }
    }

    fn go(&mut self, seq: Seq) -> bool {
        let Some(job) = self.jobs.get_mut(&seq) else { return false };
        let (Some(part), Some((link, outstanding))) = (job.parts.pop_front(), self.links.get_mut(job.link))
        else {
            return false;
        };
        let went = link.ask(Token(seq.0), part).is_ok();
        *outstanding += usize::from(went);
        went
    }

    /// A part has its outcome; none when the link never sent it.
    pub(super) fn answered(&mut self, seq: Seq, link: usize, outcome: Option<Outcome>) -> Step {
        if let Some((_, outstanding)) = self.links.get_mut(link) {
            *outstanding = outstanding.saturating_sub(1);
        }
        let Some(job) = self.jobs.get_mut(&seq) else { return Step::Goes };
        let verdict = match outcome {
            Some(Outcome::Accepted(name)) => {
                job.names.push(canonical(&name));
                job.next += 1;
                match job.next < job.total {
                    true if self.go(seq) => return Step::Goes,
                    true => None,
                    false => Some(Verdict::Delivered),
                }
            }
            Some(Outcome::Refused(status)) => match status.class() {
                Class::Slower => None,
                Class::Permanent => Some(Verdict::Refused { detail: status.to_string() }),
                Class::Transient | Class::Good => {
                    Some(Verdict::Failed { parts: job.next, detail: status.to_string() })
                }
            },
            // Nothing of the kind was asked: whatever it is, it is no answer to a message.
            Some(Outcome::Unknown | Outcome::Partly(_) | Outcome::Standing(_)) => Some(Verdict::Failed {
                parts: job.next,
                detail: "no answer of the message centre".to_owned(),
            }),
            None => None,
        };
        let Some(job) = self.jobs.remove(&seq) else { return Step::Goes };
        let verdict = verdict.unwrap_or(Verdict::Crowded { parts: job.next });
        if verdict != Verdict::Delivered || !job.message.confirm || !self.entry.receipts {
            return Step::Settled(seq, verdict, Vec::new());
        }
        // Parts of an earlier attempt have lost their names with it: they are taken for delivered with the others.
        Step::Settled(seq, Verdict::Submitted { parts: job.names.len() }, job.names)
    }

    /// The parts with these names will be reported on.
    pub(super) fn await_receipts(&mut self, seq: Seq, number: &str, names: Vec<String>) {
        for name in &names {
            self.awaited.insert(name.clone(), seq);
        }
        self.submitted.insert(seq, (names, number.trim_start_matches('+').to_owned()));
    }

    /// A receipt that came before its message was known to be with the centre.
    pub(super) fn early_receipt(&mut self) -> Option<(Receipt, String)> {
        for _ in 0..self.early.len() {
            let (receipt, number) = self.early.pop_front()?;
            if self.find(&receipt, &number).is_some() {
                return Some((receipt, number));
            }
            self.early.push_back((receipt, number));
        }
        None
    }

    /// Keeps a receipt that fits nothing yet.
    pub(super) fn keep_early(&mut self, receipt: Receipt, number: String) {
        if self.early.len() >= EARLY {
            self.early.pop_front();
        }
        self.early.push_back((receipt, number));
    }

    /// Whose part a receipt is for; the part is off the list then. What is left of the push's names comes with it.
    pub(super) fn settle(&mut self, receipt: &Receipt, number: &str) -> Option<(Seq, State, Vec<String>)> {
        let (name, seq) = self.find(receipt, number)?;
        self.awaited.remove(&name);
        let state = match receipt.state {
            MessageState::Delivered | MessageState::Accepted => State::Delivered,
            MessageState::Expired => State::Expired,
            MessageState::Deleted | MessageState::Skipped => State::Aborted,
            MessageState::Rejected => State::Rejected,
            _ => State::Undeliverable,
        };
        let (names, _) = self.submitted.get_mut(&seq)?;
        names.retain(|known| *known != name);
        let left = names.clone();
        if left.is_empty() || state != State::Delivered {
            self.forget(seq);
        }
        Some((seq, state, left))
    }

    /// Nobody waits for receipts of this push any more. True when somebody did.
    pub(super) fn forget(&mut self, seq: Seq) -> bool {
        let Some((names, _)) = self.submitted.remove(&seq) else { return false };
        for name in names {
            self.awaited.remove(&name);
        }
        true
    }

    fn find(&self, receipt: &Receipt, number: &str) -> Option<(String, Seq)> {
        let candidates = self.entry.ids.candidates(&receipt.message_id);
        let mut fitting = candidates.into_iter().filter_map(|name| {
            let seq = *self.awaited.get(&name)?;
            let (_, awaited) = self.submitted.get(&seq)?;
            same_number(awaited, number).then_some((name, seq))
        });
        fitting.next()
    }
}

/// Centres write numbers in national or international form as they please: the end tells.
fn same_number(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one.ends_with(other) || other.ends_with(one)
}

/// A push as short messages.
fn parts(entry: &CentreEntry, now: Time, message: &Message) -> Result<Vec<Operation>, String> {
    let reference = match entry.wide_reference {
        true => Reference::wide(u16::try_from(message.seq.0 & 0xffff).unwrap_or_default()),
        false => Reference::narrow(u8::try_from(message.seq.0 & 0xff).unwrap_or_default()),
    };
    // Over short messages the transaction identifier may be any; the place tells repeated pushes apart.
    let mut datagram = Vec::with_capacity(1 + message.payload.len());
    datagram.push(u8::try_from(message.seq.0 & 0x7f).unwrap_or_default());
    datagram.extend_from_slice(&message.payload);
    let ports = Ports { destination: message.port, source: SOURCE_PORT };
    let whole = ShortMessage {
        service_type: entry.service_type.clone(),
        source: Address::of(&entry.source),
        destination: Address::of(&message.to),
        esm_class: 0x43,
        // Above 0 a GSM centre sends it before others (section 5.2.14).
        priority: u8::from(message.priority == Priority::High),
        data_coding: 0x04,
        validity: validity(now, message.expires),
        registered_delivery: u8::from(message.confirm && entry.receipts),
        ..ShortMessage::default()
    };
    let port_tlvs =
        [Tlv::number(tlv::SOURCE_PORT, ports.source), Tlv::number(tlv::DESTINATION_PORT, ports.destination)];
    let submit = |message| Operation::Submit(Box::new(message));
    match entry.style {
        SegmentStyle::Header => {
            let mut parts = segment(&datagram, ports, reference).map_err(|error| error.to_string())?;
            let last = parts.pop().unwrap_or_default();
            let with_data = parts.into_iter().map(|text| {
                let more = vec![Tlv::octet(tlv::MORE_MESSAGES_TO_SEND, 1)];
                submit(ShortMessage { text, tlvs: more, ..whole.clone() })
            });
            let mut parts: Vec<_> = with_data.collect();
            parts.push(submit(ShortMessage { text: last, ..whole }));
            Ok(parts)
        }
        SegmentStyle::Payload | SegmentStyle::Data => {
            let mut tlvs = port_tlvs.to_vec();
            tlvs.push(Tlv { tag: tlv::MESSAGE_PAYLOAD, value: datagram });
            let message = ShortMessage { esm_class: 0x03, tlvs, ..whole };
            Ok(vec![match entry.style {
                SegmentStyle::Data => Operation::Data(Box::new(message)),
                _ => submit(message),
            }])
        }
        SegmentStyle::Parameters => {
            let chunks = datagram.chunks(140);
            let total = u8::try_from(chunks.len())
                .map_err(|_| format!("{} octets are more than 255 short messages carry", datagram.len()))?;
            let with_data = chunks.zip(1..=total).map(|(chunk, place)| {
                let mut tlvs = port_tlvs.to_vec();
                if total > 1 {
                    tlvs.push(Tlv::number(tlv::SAR_MSG_REF_NUM, reference.number));
                    tlvs.push(Tlv::octet(tlv::SAR_TOTAL_SEGMENTS, total));
                    tlvs.push(Tlv::octet(tlv::SAR_SEGMENT_SEQNUM, place));
                }
                submit(ShortMessage { esm_class: 0x03, text: chunk.to_vec(), tlvs, ..whole.clone() })
            });
            Ok(with_data.collect())
        }
    }
}

/// What is left of a message's time, in the relative form (SMPP 3.4 section 7.1.1.2): `YYMMDDhhmmss000R`.
fn validity(now: Time, expires: u64) -> String {
    let seconds = (Time::from_millis(expires) - now).as_secs().max(1);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (months, days) = (days / 30, days % 30);
    let (years, months) = ((months / 12).min(99), months % 12);
    format!("{years:02}{months:02}{days:02}{:02}{:02}{:02}000R", rest / 3600, rest / 60 % 60, rest % 60)
}
