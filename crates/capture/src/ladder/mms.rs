//! Pushes, messages of MMS and short messages: one entry each.

use strowger_mms::sms::{Ports, UserData};
use strowger_mms::wsp::{Connectionless, MediaType, Pdu, decode_connectionless};
use strowger_mms::{DecodeError, Limits, MessageType, decode};

use super::entry::{EntryKind, Verdict};
use super::{Frame, Ladder};
use crate::escape::escape;
use crate::protocol::Protocol;

impl Ladder {
    /// A datagram of connectionless WSP.
    pub(super) fn push_datagram(&mut self, frame: &Frame<'_>) {
        let told = push(frame.octets);
        self.told(frame, Protocol::Push, told);
    }

    /// A message of MMS, as HTTP carries it.
    pub(super) fn mms_message(&mut self, frame: &Frame<'_>) {
        let told = message(frame.octets);
        self.told(frame, Protocol::Mms, told);
    }

    /// The user data of a short message.
    pub(super) fn short_message(&mut self, frame: &Frame<'_>) {
        let told = short(frame.octets);
        self.told(frame, Protocol::Sms, told);
    }

    fn told(&mut self, frame: &Frame<'_>, protocol: Protocol, told: Result<Told, DecodeError>) {
        let mut entry = self.blank(frame, protocol, EntryKind::Command);
        match told {
            Ok(told) => {
                entry.kind = if told.answer { EntryKind::Response } else { EntryKind::Command };
                entry.verdict = told.verdict;
                entry.summary = escape(&told.text).to_string();
            }
            Err(error) => {
                entry.kind = EntryKind::Undecodable;
                entry.verdict = Verdict::Malformed;
                entry.summary = escape(&format!("{protocol} malformed at {error}")).to_string();
            }
        }
        self.push(entry);
    }
}

/// What is told of a message.
struct Told {
    text: String,
    answer: bool,
    verdict: Verdict,
}

impl Told {
    fn new(text: String) -> Self {
        Self { text, answer: false, verdict: Verdict::Neutral }
    }
}

fn push(octets: &[u8]) -> Result<Told, DecodeError> {
    let Connectionless { pdu, .. } = decode_connectionless(octets, &Limits::DEFAULT)?;
    match pdu {
        Pdu::Push(push) if push.content_type.media.is(&MediaType::MMS) => {
            let told = message(push.data)?;
            Ok(Told { text: format!("Push {}", told.text), ..told })
        }
        Pdu::Push(push) => {
            Ok(Told::new(format!("Push {}, {} octets", push.content_type.media, push.data.len())))
        }
        Pdu::Get(get) => Ok(Told::new(format!("{} {}", pdu.name(), get.uri))),
        Pdu::Post(post) => Ok(Told::new(format!("{} {}", pdu.name(), post.uri))),
        Pdu::Reply(reply) => {
            let status = strowger_mms::wsp::table::http_status(reply.status);
            let shown = status.map_or_else(|| format!("{:02x}", reply.status), |status| status.to_string());
            let verdict = match status {
                Some(200..=299) => Verdict::Success,
                Some(400..) => Verdict::Failure,
                _ => Verdict::Neutral,
            };
            Ok(Told { text: format!("Reply {shown}"), answer: true, verdict })
        }
        _ => Ok(Told::new(pdu.name().to_owned())),
    }
}

/// `m-notification-ind T1 from +15550100/TYPE=PLMN, http://mmsc/1`.
fn message(octets: &[u8]) -> Result<Told, DecodeError> {
    let pdu = decode(octets, &Limits::DEFAULT)?;
    let mut told = Told::new(pdu.kind().to_string());
    if let Some(id) = pdu.transaction_id() {
        told.text.push_str(&format!(" {id}"));
    }
    if let Some(from) = pdu.from().and_then(|from| from.address()) {
        told.text.push_str(&format!(" from {from}"));
    }
    for to in pdu.to().take(2) {
        told.text.push_str(&format!(" to {to}"));
    }
    if let Some(location) = pdu.content_location() {
        told.text.push_str(&format!(", {location}"));
    }
    if let Some(status) = pdu.response_status() {
        told.text.push_str(&format!(", {status}"));
        told.verdict = if status.is_ok() { Verdict::Success } else { Verdict::Failure };
    }
    if let Some(status) = pdu.status() {
        told.text.push_str(&format!(", {status}"));
    }
    if let Some(body) = pdu.body() {
        told.text.push_str(&format!(", {} octets", body.len()));
    }
    told.answer = matches!(
        pdu.kind(),
        MessageType::SendConf
            | MessageType::NotifyRespInd
            | MessageType::RetrieveConf
            | MessageType::AcknowledgeInd
            | MessageType::ForwardConf
            | MessageType::DeleteConf
            | MessageType::CancelConf
    );
    Ok(told)
}

fn short(octets: &[u8]) -> Result<Told, DecodeError> {
    let data = UserData::decode(octets)?;
    let place = data.concatenation.filter(|place| place.total > 1);
    if let Some(place) = place {
        return Ok(Told::new(format!(
            "SMS part {} of {}, reference {}",
            place.part, place.total, place.reference
        )));
    }
    match data.ports {
        Some(ports) if ports.destination == Ports::PUSH.destination => {
            let told = push(data.payload)?;
            Ok(Told { text: format!("SMS {}", told.text), ..told })
        }
        Some(ports) => {
            Ok(Told::new(format!("SMS to port {}, {} octets", ports.destination, data.payload.len())))
        }
        None => Ok(Told::new(format!("SMS of {} octets", data.payload.len()))),
    }
}
