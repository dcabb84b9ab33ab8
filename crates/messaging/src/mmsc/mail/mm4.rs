//! MM4: messages, reports and their answers between MMSCs, as mails with `X-Mms-…` headers (3GPP TS 23.140 section 8.4).

use strowger_mms::Version;
use strowger_mms::message::{Priority, ReadStatus, When};

use super::text::{self, Headers, bare, unquoted};
use super::{MailSettings, Peer, mm3};
use crate::http::multipart::Part;
use crate::mmsc::message::{Delivery, Envelope, State};
use crate::mmsc::mime::{Parts, Transfer};
use crate::mmsc::party::Party;
use crate::mmsc::read::digest;
use crate::mmsc::request::{NewBody, Submission};
use crate::smtp::{Mail, Received};

/// The version that is spoken.
const VERSION: &str = "6.10.0";

/// What a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    ForwardReq,
    /// Whether it was taken.
    ForwardRes,
    /// What became of a message.
    DeliveryReportReq,
    /// Whether that was heard.
    DeliveryReportRes,
    /// That one was read.
    ReadReplyReq,
    /// Whether that was heard.
    ReadReplyRes,
}

impl Kind {
    /// All of them with their words, and the answer to each request.
    pub const TABLE: [(Self, &'static str, Option<Self>); 6] = [
        (Self::ForwardReq, "MM4_forward.REQ", Some(Self::ForwardRes)),
        (Self::ForwardRes, "MM4_forward.RES", None),
        (Self::DeliveryReportReq, "MM4_delivery_report.REQ", Some(Self::DeliveryReportRes)),
        (Self::DeliveryReportRes, "MM4_delivery_report.RES", None),
        (Self::ReadReplyReq, "MM4_read_reply_report.REQ", Some(Self::ReadReplyRes)),
        (Self::ReadReplyRes, "MM4_read_reply_report.RES", None),
    ];

    /// What a mail says that it is; none when it is nothing of MM4, or of a kind that is not known.
    #[must_use]
    pub fn of(entity: &Part<'_>) -> Option<Self> {
        let word = unquoted(entity.header("X-Mms-Message-Type")?);
        Self::TABLE.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(word)).map(|(kind, ..)| *kind)
    }

    fn word(self) -> &'static str {
        Self::TABLE.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, word, _)| word)
    }
}

/// What becomes of a request (X-Mms-Request-Status-Code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStatus {
    /// It was done.
    Ok,
    /// For no reason that has a word.
    Unspecified,
    /// It may not be.
    ServiceDenied,
    /// It cannot be read.
    FormatCorrupt,
    /// Nobody has the address.
    AddressUnresolved,
    /// There is no such message.
    MessageNotFound,
    /// The content is not taken.
    ContentNotAccepted,
    /// It is not known what it is.
    UnsupportedMessage,
}

impl RequestStatus {
    /// Their words, and how a message ends that was answered so; one that was taken has not ended.
    const TABLE: [(Self, &'static str, Option<State>); 8] = [
        (Self::Ok, "Ok", None),
        (Self::Unspecified, "Error-unspecified", Some(State::Indeterminate)),
        (Self::ServiceDenied, "Error-service-denied", Some(State::Rejected)),
        (Self::FormatCorrupt, "Error-message-format-corrupt", Some(State::Indeterminate)),
        (Self::AddressUnresolved, "Error-sending-address-unresolved", Some(State::Unreachable)),
        (Self::MessageNotFound, "Error-message-not-found", Some(State::Indeterminate)),
        (Self::ContentNotAccepted, "Error-content-not-accepted", Some(State::Rejected)),
        (Self::UnsupportedMessage, "Error-unsupported-message", Some(State::Indeterminate)),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::TABLE.iter().find(|(status, ..)| *status == self).map_or("", |(_, word, _)| word)
    }

    /// How a message ended that was answered by this word.
    #[must_use]
    pub fn end_of(word: &str) -> Option<State> {
        let found = Self::TABLE.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(unquoted(word)));
        found.map_or(Some(State::Indeterminate), |(.., state)| *state)
    }
}

/// How messages end, in the words of X-Mms-MM-Status-Code; a state that has none is indeterminate.
const STATES: [(State, &str); 5] = [
    (State::Retrieved, "Retrieved"),
    (State::Rejected, "Rejected"),
    (State::Expired, "Expired"),
    (State::Forwarded, "Forwarded"),
    (State::Indeterminate, "Indeterminate"),
];

/// How a message ended, by the word of a report; none when it says "Deferred": it has not.
#[must_use]
pub fn state_of(word: &str) -> Option<State> {
    let word = unquoted(word);
    if word.eq_ignore_ascii_case("Deferred") {
        return None;
    }
    let found = STATES.iter().find(|(_, known)| known.eq_ignore_ascii_case(word));
    Some(found.map_or(State::Indeterminate, |(state, _)| *state))
}

/// A subscriber as MMSCs write him to each other.
fn address(party: &Party, domain: &str) -> String {
    match party {
        Party::Mail(address) => address.clone(),
        other => format!("{}@{domain}", other.address()),
    }
}

/// The number of an address: `+15550100/TYPE=PLMN@mmsc`, with or without type and MMSC.
#[must_use]
pub fn number(text: &str) -> Option<Party> {
    let text = bare(text);
    let local = text.split('@').next().unwrap_or(text);
    Party::number(local.strip_suffix("/TYPE=PLMN").unwrap_or(local))
}

/// What all mails of MM4 begin with.
fn begin(settings: &MailSettings, kind: Kind, transaction: &str, id: &str) -> Headers {
    Headers::default()
        .with("X-Mms-3GPP-MMS-Version", VERSION)
        .with("X-Mms-Message-Type", kind.word())
        .with("X-Mms-Transaction-ID", format!("\"{}\"", transaction.replace('"', "")))
        .with("X-Mms-Message-ID", format!("\"{}\"", id.replace('"', "")))
        .with("Sender", settings.system())
        .with("Message-ID", format!("<{}@{}>", super::super::fresh_name(), settings.domain))
}

/// The mailbox of another MMSC itself.
fn system(peer: &Peer) -> String {
    format!("{}@{}", super::SYSTEM, peer.domain)
}

/// MM4_forward.REQ.
#[must_use]
pub fn forward(
    settings: &MailSettings,
    peer: &Peer,
    envelope: &Envelope,
    delivery: &Delivery,
    content: &Parts,
) -> Mail {
    let (kind, body) = content.to_mime(&super::super::fresh_name(), Transfer::Base64);
    let yes = |flag: bool| if flag { "Yes" } else { "No" };
    let sender = envelope.sender().map(|party| address(party, &settings.domain));
    let class = match envelope.class.as_str() {
        "informational" => "Informational",
        "advertisement" => "Advertisement",
        "auto" => "Auto",
        _ => "Personal",
    };
    let priority = match envelope.priority.map(Priority::from_code) {
        Some(Priority::High) => "High",
        Some(Priority::Low) => "Low",
        _ => "Normal",
    };
    let to = address(&delivery.to, &peer.domain);
    let octets = begin(settings, Kind::ForwardReq, &delivery.transaction, &envelope.id)
        .with("From", sender.unwrap_or_else(|| settings.system()))
        .with("To", mm3::shown(&envelope.shown_to, settings).unwrap_or_else(|| to.clone()))
        .maybe("Cc", mm3::shown(&envelope.shown_cc, settings))
        .text("Subject", envelope.subject.as_deref())
        .with("Date", text::date(envelope.date))
        .with("X-Mms-Message-Class", class)
        .with("X-Mms-Priority", priority)
        .with("X-Mms-Expiry", text::date(envelope.expires / 1000))
        .with("X-Mms-Delivery-Report", yes(envelope.delivery_report))
        .with("X-Mms-Read-Reply", yes(envelope.read_report))
        .with("X-Mms-Sender-Visibility", if envelope.shown { "Show" } else { "Hide" })
        .with("X-Mms-Ack-Request", "Yes")
        .with("X-Mms-Originator-System", settings.system())
        .with("MIME-Version", "1.0")
        .with("Content-Type", kind)
        .mail(&body);
    Mail { from: settings.system(), to, octets }
}

/// The answer to a request of `kind` with these headers.
#[must_use]
pub fn answer(
    settings: &MailSettings,
    peer: &Peer,
    request: &Part<'_>,
    kind: Kind,
    status: RequestStatus,
    why: Option<&str>,
) -> Option<Mail> {
    let (.., answer) = *Kind::TABLE.iter().find(|(known, ..)| *known == kind)?;
    let header = |name| unquoted(request.header(name).unwrap_or_default()).to_owned();
    let asked = header("X-Mms-Originator-System");
    // Only to the MMSC that it came from, whatever it says: nobody is sent mail by us that he did not ask for.
    let to = match asked.rsplit_once('@') {
        Some((_, domain)) if domain.eq_ignore_ascii_case(&peer.domain) => asked,
        _ => system(peer),
    };
    let octets = begin(settings, answer?, &header("X-Mms-Transaction-ID"), &header("X-Mms-Message-ID"))
        .with("From", settings.system())
        .with("To", &to)
        .with("Date", text::date(crate::clock::Clock::start().now().as_millis() / 1000))
        .with("X-Mms-Request-Status-Code", status.word())
        .text("X-Mms-Status-Text", why)
        .mail(b"");
    Some(Mail { from: settings.system(), to, octets })
}

/// A report to another MMSC, without what it reports.
fn report(
    settings: &MailSettings,
    peer: &Peer,
    kind: Kind,
    (envelope, delivery): (&Envelope, &Delivery),
    date: u64,
) -> Headers {
    // They know their message by the identifier that they gave it.
    let id = envelope.reference.as_deref().unwrap_or(&envelope.id);
    let to = envelope.from.as_ref().map(|party| address(party, &peer.domain));
    begin(settings, kind, &delivery.transaction, id)
        .with("From", address(&delivery.to, &settings.domain))
        .with("To", to.unwrap_or_else(|| system(peer)))
        .with("Date", text::date(date))
        .with("X-Mms-Ack-Request", "No")
        .with("X-Mms-Originator-System", settings.system())
}

/// MM4_delivery_report.REQ.
#[must_use]
pub fn delivery_report(
    settings: &MailSettings,
    peer: &Peer,
    envelope: &Envelope,
    delivery: &Delivery,
) -> Mail {
    let word =
        STATES.iter().find(|(state, _)| *state == delivery.state).map_or("Indeterminate", |(_, word)| word);
    let date = delivery.ended.unwrap_or(envelope.accepted) / 1000;
    let octets = report(settings, peer, Kind::DeliveryReportReq, (envelope, delivery), date)
        .with("X-Mms-MM-Status-Code", word)
        .mail(b"");
    Mail { from: settings.system(), to: system(peer), octets }
}

/// MM4_read_reply_report.REQ.
#[must_use]
pub fn read_reply(settings: &MailSettings, peer: &Peer, envelope: &Envelope, delivery: &Delivery) -> Mail {
    let reading = delivery.reading;
    let read = reading.is_some_and(|reading| reading.read_status() == ReadStatus::Read);
    let date = reading.map_or(0, |reading| reading.date);
    let octets = report(settings, peer, Kind::ReadReplyReq, (envelope, delivery), date)
        .with("X-Mms-Read-Status", if read { "Read" } else { "Deleted without being read" })
        .mail(b"");
    Mail { from: settings.system(), to: system(peer), octets }
}

/// The reading in a read reply.
#[must_use]
pub fn reading_of(word: &str) -> ReadStatus {
    if unquoted(word).eq_ignore_ascii_case("Read") { ReadStatus::Read } else { ReadStatus::DeletedUnread }
}

/// MM4_forward.REQ as a submission to its recipients, and its body.
///
/// # Errors
/// What it is to be answered, and why.
pub fn from_mail(
    settings: &MailSettings,
    peer: &Peer,
    mail: &Received,
    entity: &Part<'_>,
) -> Result<(Submission, Vec<u8>), (RequestStatus, String)> {
    let corrupt = |why: &str| (RequestStatus::FormatCorrupt, why.to_owned());
    let header = |name| entity.header(name).map(unquoted).filter(|value| !value.is_empty());
    let transaction = header("X-Mms-Transaction-ID").ok_or_else(|| corrupt("there is no transaction"))?;
    let id = header("X-Mms-Message-ID").ok_or_else(|| corrupt("there is no identifier"))?;
    let from = entity.header("From").and_then(number);
    let Some(Party::Number(number)) = from else {
        return Err((RequestStatus::AddressUnresolved, "the sender is no number".to_owned()));
    };
    if !peer.prefixes.iter().any(|prefix| number.starts_with(prefix)) {
        return Err((RequestStatus::ServiceDenied, format!("{number} is no number of {}", peer.name)));
    }
    let content = mm3::content(entity).map_err(|why| corrupt(&why))?;
    let (content_type, body) = content.to_wsp();
    let is = |name, word: &str| header(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
    let class = header("X-Mms-Message-Class").unwrap_or("personal").to_ascii_lowercase();
    // What a machine made by itself asks for no reports: they would answer each other for ever.
    let asks = class != "auto";
    let expiry = header("X-Mms-Expiry").and_then(|value| match value.parse() {
        Ok(seconds) => Some(When::In(seconds)),
        Err(_) => text::read_date(value).map(When::At),
    });
    let priority = match header("X-Mms-Priority").map(str::to_ascii_lowercase).as_deref() {
        Some("high") => Some(Priority::High.code()),
        Some("low") => Some(Priority::Low.code()),
        _ => None,
    };
    let submission = Submission {
        from: Party::Peer { peer: peer.name.clone(), number },
        transaction: transaction.chars().take(256).collect(),
        digest: digest(
            &[content_type.as_slice(), &body, mail.to.join(",").as_bytes(), id.as_bytes()].concat(),
        ),
        version: Version::V1_2.code(),
        recipients: mail.to.clone(),
        shown_to: mm3::written(entity, "To", settings),
        shown_cc: mm3::written(entity, "Cc", settings),
        subject: mm3::subject(entity),
        class: class.chars().take(64).collect(),
        priority,
        shown: !is("X-Mms-Sender-Visibility", "Hide"),
        date: entity.header("Date").and_then(text::read_date),
        delivery_time: None,
        expiry,
        delivery_report: asks && is("X-Mms-Delivery-Report", "Yes"),
        read_report: asks && is("X-Mms-Read-Reply", "Yes"),
        content_type,
        further: Vec::new(),
        size: body.len() as u64,
        body: NewBody::Inline(Vec::new()),
        reference: Some(id.chars().take(256).collect()),
        alias: None,
        linked: None,
    };
    Ok((submission, body))
}
