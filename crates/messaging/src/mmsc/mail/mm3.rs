//! MM3: a message as a mail, and a mail as a message (RFC 4356).
//!
//! The sender of a message is a mailbox of our domain, so that answers and failures come back as messages. The sender of a mail is what the mail
//! says: recipients see a mail address, which is no subscriber's number.

use strowger_mms::Version;
use strowger_mms::message::Priority;

use super::text::{self, Headers};
use super::{MailSettings, SYSTEM};
use crate::http::multipart::{self, Part};
use crate::mmsc::message::{Delivery, Envelope};
use crate::mmsc::mime::{Parts, Transfer};
use crate::mmsc::party::Party;
use crate::mmsc::read::digest;
use crate::mmsc::request::{NewBody, Submission};
use crate::mmsc::routes::Routes;
use crate::smtp::{Mail, Received};

/// Octets of the headers of a mail: relays and their signatures take most of them.
pub const HEADERS: usize = 64 * 1024;
/// Characters of a subject.
const SUBJECT: usize = 1024;
/// Addresses that recipients are shown.
const SHOWN: usize = 100;

/// The mailbox of a party.
fn mailbox(party: &Party, domain: &str) -> Option<String> {
    match party {
        Party::Mail(address) => Some(address.clone()),
        Party::Number(number) | Party::Peer { number, .. } | Party::Application(number) => {
            Some(format!("{number}@{domain}"))
        }
        Party::Host(_) | Party::Nobody(_) => None,
    }
}

/// The addresses of a message as those of a mail; what mail does not know is left out.
pub(super) fn shown(addresses: &[String], settings: &MailSettings) -> Option<String> {
    let routes = Routes::new().mail().domain(&settings.domain);
    let each = addresses.iter().filter_map(|text| {
        let (party, _) = routes.find(text).ok()?;
        mailbox(&party, &settings.domain)
    });
    let all: Vec<_> = each.take(SHOWN).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// A message for a mail address.
#[must_use]
pub fn to_mail(settings: &MailSettings, envelope: &Envelope, delivery: &Delivery, content: &Parts) -> Mail {
    let Party::Mail(to) = &delivery.to else {
        return Mail { from: String::new(), to: String::new(), octets: Vec::new() };
    };
    // A sender who hides is nobody's return path either.
    let sender = envelope.visible_sender().and_then(|party| mailbox(party, &settings.domain));
    let (kind, body) = content.to_mime(&super::super::fresh_name(), Transfer::Base64);
    let importance = match envelope.priority.map(Priority::from_code) {
        Some(Priority::High) => Some("high"),
        Some(Priority::Low) => Some("low"),
        _ => None,
    };
    let undisclosed = || format!("undisclosed@{}", settings.domain);
    let octets = Headers::default()
        .with("From", sender.clone().unwrap_or_else(undisclosed))
        .with(
            "To",
            shown(&envelope.shown_to, settings).unwrap_or_else(|| "undisclosed-recipients:;".to_owned()),
        )
        .maybe("Cc", shown(&envelope.shown_cc, settings))
        .text("Subject", envelope.subject.as_deref())
        .with("Date", text::date(envelope.date))
        .with("Message-ID", format!("<{}>", envelope.id))
        .maybe("Importance", importance)
        .maybe("Auto-Submitted", (envelope.class == "auto").then_some("auto-generated"))
        .with("MIME-Version", "1.0")
        .with("Content-Type", kind)
        .mail(&body);
    Mail { from: sender.unwrap_or_default(), to: to.clone(), octets }
}

/// The content of a mail: of a text in two forms the plain one, which every handset shows.
pub(super) fn content(entity: &Part<'_>) -> Result<Parts, String> {
    let mut content = Parts::of_entity(entity).map_err(|error| error.to_string())?;
    if content.parts.iter().any(|part| part.media == "text/plain" && !part.data.trim_ascii().is_empty()) {
        content.parts.retain(|part| part.media != "text/html");
    }
    content.parts.retain(|part| !part.data.is_empty());
    match content.parts.is_empty() {
        true => Err("the mail is empty".to_owned()),
        false => Ok(content),
    }
}

/// The addresses of a header, those of our domain as numbers.
pub(super) fn written(entity: &Part<'_>, name: &str, settings: &MailSettings) -> Vec<String> {
    let routes = Routes::new().mail().domain(&settings.domain);
    let all = text::addresses(entity.header(name).unwrap_or_default());
    let each = all.iter().filter_map(|text| routes.find(text::bare(text)).ok());
    each.map(|(party, _)| party.address()).take(SHOWN).collect()
}

pub(super) fn subject(entity: &Part<'_>) -> Option<String> {
    let subject = strowger_mms::words::decode(entity.header("Subject")?.as_bytes()).into_owned();
    Some(subject.chars().filter(|c| !c.is_control()).take(SUBJECT).collect())
}

/// A mail as a submission to its recipients, and its body.
///
/// # Errors
/// Why it is not taken, in words.
pub fn from_mail(settings: &MailSettings, mail: &Received) -> Result<(Submission, Vec<u8>), String> {
    let entity = multipart::entity(&mail.octets, HEADERS).map_err(|error| error.to_string())?;
    let named = text::addresses(entity.header("From").unwrap_or_default()).into_iter().next();
    let from = named.as_deref().and_then(Party::mail).or_else(|| Party::mail(&mail.from));
    let from = from.ok_or("the mail says nobody who sent it")?;
    let (content_type, body) = content(&entity)?.to_wsp();
    let automatic =
        entity.header("Auto-Submitted").is_some_and(|word| !word.trim().eq_ignore_ascii_case("no"));
    let priority = match entity.header("Importance").map(|word| word.trim().to_ascii_lowercase()).as_deref() {
        Some("high") => Some(Priority::High.code()),
        Some("low") => Some(Priority::Low.code()),
        _ => None,
    };
    let name = entity.header("Message-ID").map(|id| id.chars().take(SUBJECT).collect::<String>());
    let submission = Submission {
        from,
        transaction: name.unwrap_or_else(|| format!("{SYSTEM}/{:016x}", digest(&mail.octets))),
        // The same mail that comes again by other relays has other headers above it.
        digest: digest(&[content_type.as_slice(), &body, mail.to.join(",").as_bytes()].concat()),
        version: Version::V1_2.code(),
        recipients: mail.to.clone(),
        shown_to: written(&entity, "To", settings),
        shown_cc: written(&entity, "Cc", settings),
        subject: subject(&entity),
        class: if automatic { "auto" } else { "personal" }.to_owned(),
        priority,
        shown: true,
        date: entity.header("Date").and_then(text::read_date),
        delivery_time: None,
        expiry: None,
        delivery_report: false,
        read_report: false,
        content_type,
        further: Vec::new(),
        size: body.len() as u64,
        body: NewBody::Inline(Vec::new()),
        reference: None,
        alias: None,
        linked: None,
    };
    Ok((submission, body))
}
