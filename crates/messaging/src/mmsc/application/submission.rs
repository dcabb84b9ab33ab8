//! What an application asks, checked against what it may, in the engine's words: the same rules for both interfaces.

use strowger_mms::message::{Priority, When, YesNo};
use strowger_mms::{Field, Text, Version};

use super::super::message::Envelope;
use super::super::mime::Parts;
use super::super::party::Party;
use super::super::read::digest;
use super::super::request::{NewBody, Submission};
use super::super::routes::Routes;
use super::Application;
use super::server::Shared;
use crate::mm7::{Status, StatusCode};

/// Characters of a transaction identifier, a reference or a subject.
const TEXT: usize = 1024;
/// The digest of what has no content yet.
const SEED: &[u8] = b"mms";

/// A message of an application, before it is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) transaction: String,
    /// What tells this request from another with the same transaction identifier, beside the content.
    pub(super) fingerprint: Vec<u8>,
    pub(super) sender: Option<String>,
    pub(super) to: Vec<String>,
    pub(super) cc: Vec<String>,
    pub(super) bcc: Vec<String>,
    /// Addresses that are shown among the recipients and get nothing.
    pub(super) shown_only: Vec<String>,
    pub(super) subject: Option<String>,
    pub(super) class: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) date: Option<u64>,
    pub(super) earliest: Option<When>,
    pub(super) expiry: Option<When>,
    pub(super) delivery_report: bool,
    pub(super) read_report: bool,
    pub(super) linked: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) distribution: Option<bool>,
    pub(super) applic_id: Option<String>,
    pub(super) reply_applic_id: Option<String>,
    pub(super) aux_applic_info: Option<String>,
    pub(super) content: Parts,
}

/// A submission, and its body apart from it.
pub(super) struct Prepared {
    pub(super) submission: Submission,
    pub(super) body: Vec<u8>,
}

impl Draft {
    /// Looks at it: who sends, to whom, how often, and what.
    ///
    /// # Errors
    /// What to answer.
    pub(super) fn prepare(self, application: &Application, shared: &Shared) -> Result<Prepared, Status> {
        if self.transaction.is_empty() || self.transaction.chars().count() > TEXT {
            return Err(Status::because(
                StatusCode::VALIDATION,
                "the transaction has no name, or too long a one",
            ));
        }
        let alias = self.alias(application)?;
        let recipients = [self.to.as_slice(), &self.cc, &self.bcc].concat();
        for text in &recipients {
            // What is no address at all is for the engine to say.
            if let Ok((party, _)) = Routes::new().mail().find(text)
                && !application.may_send_to(&party)
            {
                let details = format!("{party} is none of your recipients");
                return Err(Status::because(StatusCode::RESTRICTED, details));
            }
        }
        if self.content.parts.is_empty() {
            return Err(Status::because(StatusCode::VALIDATION, "the message has no content"));
        }
        if !shared.inventory.allow(shared.service.now(), application, recipients.len()) {
            let details = "too many messages in a short time";
            return Err(Status::because(StatusCode::UNAVAILABLE, details));
        }
        let (content_type, body) = self.content.to_wsp();
        let digest = digest(&[SEED, &self.fingerprint, &content_type, &body].concat());
        let class = self.class.as_deref().unwrap_or("personal").to_ascii_lowercase();
        // What a machine made by itself asks for no reports (MMS ENC, X-Mms-Message-Class).
        let asks = class != "auto";
        let submission = Submission {
            from: application.party(),
            alias,
            digest,
            version: Version::V1_2.code(),
            shown_to: [self.to.as_slice(), &self.shown_only].concat(),
            shown_cc: self.cc.clone(),
            recipients,
            class,
            priority: self.priority.as_deref().and_then(priority).map(Priority::code),
            shown: true,
            date: self.date,
            delivery_time: self.earliest,
            expiry: self.expiry,
            delivery_report: asks && self.delivery_report,
            read_report: asks && self.read_report,
            content_type,
            further: self.further(),
            body: NewBody::Inline(Vec::new()),
            size: body.len() as u64,
            reference: self.reference,
            linked: self.linked,
            subject: self.subject.map(|subject| subject.chars().take(TEXT).collect()),
            transaction: self.transaction,
        };
        Ok(Prepared { submission, body })
    }

    /// As whom it is sent.
    fn alias(&self, application: &Application) -> Result<Option<Party>, Status> {
        let Some(sender) = &self.sender else { return Ok(application.own_number()) };
        if sender == application.name() {
            return Ok(application.own_number());
        }
        let sender = Party::number(sender)
            .ok_or_else(|| Status::because(StatusCode::ADDRESS, "the sender's address is no number"))?;
        match application.may_send_as(&sender) {
            true => Ok(Some(sender)),
            false => {
                let details = format!("{sender} is none of your senders");
                Err(Status::because(StatusCode::RESTRICTED, details))
            }
        }
    }

    /// Headers for the handset.
    fn further(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let texts = [
            self.applic_id.as_deref().map(|text| Field::ApplicId(Text::from(text))),
            self.reply_applic_id.as_deref().map(|text| Field::ReplyApplicId(Text::from(text))),
            self.aux_applic_info.as_deref().map(|text| Field::AuxApplicInfo(Text::from(text))),
        ];
        if let Some(may) = self.distribution {
            let word = if may { YesNo::Yes } else { YesNo::No };
            Field::DistributionIndicator(word).write(&mut out);
        }
        for field in texts.into_iter().flatten() {
            field.write(&mut out);
        }
        out
    }
}

/// The priority by its word.
fn priority(word: &str) -> Option<Priority> {
    match word.to_ascii_lowercase().as_str() {
        "low" => Some(Priority::Low),
        "normal" => Some(Priority::Normal),
        "high" => Some(Priority::High),
        _ => None,
    }
}

/// The word of a priority.
pub(super) fn priority_word(code: u8) -> Option<&'static str> {
    match Priority::from_code(code) {
        Priority::Low => Some("Low"),
        Priority::Normal => Some("Normal"),
        Priority::High => Some("High"),
        _ => None,
    }
}

/// The sender of a message as an application is told.
pub(super) fn sender_of(envelope: &Envelope) -> String {
    envelope.visible_sender().map(ToString::to_string).unwrap_or_default()
}
