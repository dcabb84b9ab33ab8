//! What a handset makes of the messages that it gets: m-retrieve-conf with its parts, m-delivery-ind, m-read-orig-ind.

use std::collections::BTreeSet;

use strowger_mms::message::RetrieveStatus;
use strowger_mms::wsp::ContentType;
use strowger_mms::{Limits, MessageType, Pdu};

use super::engine::Failure;
use super::event::{Event, Part, Received};

/// Characters of a text that are shown; the whole is in the part.
const SHOWN: usize = 200;

/// A digest by which a repeated push is known: FNV-1a, with the ends of its pieces told apart.
pub(super) fn digest(pieces: &[&[u8]]) -> u64 {
    let ends = |piece: &&[u8]| piece.iter().copied().chain([0]).collect::<Vec<u8>>();
    crate::mmsc::read::digest(&pieces.iter().flat_map(ends).collect::<Vec<u8>>())
}

fn failure(again: bool, why: impl Into<String>) -> Failure {
    Failure { again, why: why.into() }
}

/// A message that was fetched, and whether its receipt is to be acknowledged.
pub(super) fn message(bytes: &[u8], limits: &Limits) -> Result<(Received, bool), Failure> {
    let pdu = strowger_mms::decode(bytes, limits).map_err(|error| failure(true, error.to_string()))?;
    if pdu.kind() != MessageType::RetrieveConf {
        return Err(failure(true, format!("{} came instead of the message", pdu.kind())));
    }
    let status = pdu.retrieve_status().map_or(RetrieveStatus::Ok, RetrieveStatus::known);
    if status != RetrieveStatus::Ok {
        let text = pdu.retrieve_text().map(|text| text.to_str().into_owned()).unwrap_or_default();
        let again = matches!(status.code(), 0xc0..=0xdf);
        return Err(failure(again, format!("{status}: {text}")));
    }
    let parts = match pdu.parts(limits) {
        Some(parts) => {
            let parts =
                parts.map_err(|error| failure(false, format!("the parts of the message: {error}")))?;
            let mut names = BTreeSet::new();
            let each = parts.iter().enumerate().map(|(place, part)| {
                let text = part.to_str().map(|text| text.chars().take(SHOWN).collect());
                let name = unique(&part.file_name(place), &mut names);
                to_part(name, &part.content_type, text, part.data)
            });
            each.collect()
        }
        None => match (pdu.content_type(), pdu.body()) {
            (Some(content_type), Some(body)) => vec![to_part("part-1".to_owned(), &content_type, None, body)],
            _ => Vec::new(),
        },
    };
    let received = Received {
        transaction: String::new(),
        id: pdu.message_id().map(|id| id.to_str().into_owned()),
        from: pdu.from().and_then(|from| Some(from.address()?.to_str().into_owned())),
        to: pdu.to().map(|to| to.to_str().into_owned()).collect(),
        subject: pdu.subject().map(|subject| subject.to_str().into_owned()),
        date: pdu.date(),
        parts,
        folder: None,
    };
    // The transaction is there when an acknowledgement is wanted.
    Ok((received, pdu.transaction_id().is_some()))
}

/// No two parts of a message may be one file: not even where letters have no case.
fn unique(name: &str, names: &mut BTreeSet<String>) -> String {
    let mut free = name.to_owned();
    let mut count = 1;
    while !names.insert(free.to_lowercase()) {
        count += 1;
        free = format!("{count}-{name}");
    }
    free
}

fn to_part(name: String, content_type: &ContentType<'_>, text: Option<String>, data: &[u8]) -> Part {
    let media = content_type.media.name().map(|name| name.trim().to_owned()).unwrap_or_default();
    Part { name, media, octets: data.len(), text, data: data.to_vec() }
}

/// A report for a sender.
pub(super) fn report(pdu: &Pdu<'_>) -> Option<Event> {
    let id = pdu.message_id()?.to_str().into_owned();
    if pdu.kind() == MessageType::DeliveryInd {
        let to = pdu.to().next().map(|to| to.to_str().into_owned()).unwrap_or_default();
        return Some(Event::Delivered { id, to, status: pdu.status()?.to_string() });
    }
    let by = pdu.from().and_then(|from| Some(from.address()?.to_str().into_owned())).unwrap_or_default();
    Some(Event::Read { id, by, status: pdu.read_status()?.to_string() })
}
