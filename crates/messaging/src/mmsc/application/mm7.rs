//! The MMSC's side of MM7: `POST /mm7` with an envelope, alone or as the root of `multipart/related` (TS 23.140 section 8.7.8).

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode as HttpStatus, header};
use axum::response::{IntoResponse as _, Response};
use strowger_mms::message::ResponseStatus;

use super::super::mime::Parts;
use super::super::request::{Answer, Replacement, Request as Ask};
use super::Application;
use super::server::{Known, Shared};
use super::submission::Draft;
use crate::http::multipart::{self, Part};
use crate::mm7::message::Recipient;
use crate::mm7::{
    Cancel, Content, Dialect, Message, Operation, Replace, Sender, Soap, Status, StatusCode, Submit, XML,
};
use crate::xml::XmlLimits;

/// The most parts of a request: the envelope, the content, and parts that the content refers to.
const PARTS: usize = 65;

/// `POST /mm7`.
pub(super) async fn post(State(shared): State<Shared>, request: Request) -> Response {
    let known = match shared.known(request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    let attachments = match take_apart(&known) {
        Ok(found) => found,
        Err(status) => return fault(String::new(), Dialect::default(), status),
    };
    let soap = match Soap::parse(attachments.envelope, &XmlLimits::default()) {
        Ok(soap) => soap,
        Err(error) => {
            tracing::info!(application = known.application.name(), %error, "a request of MM7 was refused");
            return fault(error.transaction, error.dialect, error.status);
        }
    };
    let Soap { transaction, dialect, message } = soap;
    let application = &known.application;
    let (to, outcome) = match message {
        Message::Submit(submit) => {
            let outcome = self::submit(&shared, application, &transaction, *submit, &attachments).await;
            (Operation::Submit, outcome)
        }
        Message::Cancel(request) => (Operation::Cancel, cancel(&shared, application, request).await),
        Message::Replace(request) => {
            (Operation::Replace, replace(&shared, application, *request, &attachments).await)
        }
        Message::Deliver(_) | Message::DeliveryReport(_) | Message::ReadReply(_) => {
            return fault(
                transaction,
                dialect,
                Status::because(StatusCode::OPERATION, "an MMSC sends these"),
            );
        }
        Message::Response { .. } | Message::Fault(_) => {
            return fault(transaction, dialect, Status::because(StatusCode::OPERATION, "nothing was asked"));
        }
    };
    let (status, id) = outcome.unwrap_or_else(|status| (status, None));
    if status.code == StatusCode::IDENTIFICATION {
        return fault(transaction, dialect, status);
    }
    answer(HttpStatus::OK, &Soap { transaction, dialect, message: Message::Response { to, status, id } })
}

type Outcome = Result<(Status, Option<String>), Status>;

/// The parts of a request.
struct Attachments<'b> {
    envelope: &'b [u8],
    parts: Vec<Part<'b>>,
}

fn take_apart(known: &Known) -> Result<Attachments<'_>, Status> {
    let kind = known.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !kind.starts_with("multipart/") {
        return Ok(Attachments { envelope: &known.body, parts: Vec::new() });
    }
    let mut parts = multipart::parse_at_most(&known.content_type, &known.body, PARTS)
        .map_err(|error| Status::because(StatusCode::VALIDATION, error.to_string()))?;
    // RFC 2387 section 3.2: the root is the part that `start` names, else the first.
    let start = multipart::parameter(&known.content_type, "start");
    let named = start.and_then(|start| parts.iter().position(|part| is_named(part, &start)));
    let root = parts.remove(named.unwrap_or(0));
    Ok(Attachments { envelope: root.body, parts })
}

/// Whether a part has this Content-ID, with or without angle brackets and in URL form or not.
fn is_named(part: &Part<'_>, wanted: &str) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
    part.header("Content-ID").is_some_and(|id| bare(id) == bare(wanted))
}

impl Attachments<'_> {
    /// What `href` names (RFC 2392), or what there is when the request names nothing.
    fn content(&self, content: Option<&Content>) -> Result<Parts, Status> {
        let corrupt = |error: &dyn std::fmt::Display| Status::because(StatusCode::CORRUPT, error.to_string());
        let found = match content {
            None => return Ok(Parts::default()),
            Some(content) => {
                let id = content.href.strip_prefix("cid:").unwrap_or(&content.href);
                let named = self.parts.iter().find(|part| {
                    is_named(part, id) || part.header("Content-Location").is_some_and(|place| place == id)
                });
                named.ok_or_else(|| {
                    let id: String = id.chars().take(80).collect();
                    corrupt(&format!("no part has the Content-ID {}", id.escape_default()))
                })?
            }
        };
        Parts::of_entity(found).map_err(|error| corrupt(&error))
    }
}

/// Whether an application is who it says, beyond its secret.
fn check(application: &Application, sender: &Sender) -> Result<(), Status> {
    let differs = |ours: &Option<String>, theirs: &Option<String>| matches!((ours, theirs), (Some(ours), Some(theirs)) if ours != theirs);
    if differs(&application.vaspid, &sender.vaspid) || differs(&application.vasid, &sender.vasid) {
        let details = "VASPID or VASID is not that of this account";
        return Err(Status::because(StatusCode::IDENTIFICATION, details));
    }
    Ok(())
}

async fn submit(
    shared: &Shared,
    application: &Application,
    transaction: &str,
    request: Submit,
    attachments: &Attachments<'_>,
) -> Outcome {
    check(application, &request.sender)?;
    if request.reply_charging {
        return Err(Status::because(StatusCode::REJECTED, "replies are not paid for here"));
    }
    let content = attachments.content(request.content.as_ref())?;
    let all = [&request.recipients.to, &request.recipients.cc, &request.recipients.bcc];
    let written = |group: &[Recipient], only: bool| -> Vec<String> {
        let fits = group.iter().filter(|recipient| recipient.display_only == only);
        fits.map(|recipient| recipient.address.written()).collect()
    };
    let draft = Draft {
        transaction: transaction.to_owned(),
        fingerprint: attachments.envelope.to_vec(),
        sender: request.sender.address.map(|address| address.as_str().to_owned()),
        to: written(&request.recipients.to, false),
        cc: written(&request.recipients.cc, false),
        bcc: written(&request.recipients.bcc, false),
        shown_only: all.iter().flat_map(|group| written(group, true)).collect(),
        subject: request.subject,
        class: request.class,
        priority: request.priority,
        date: match request.time {
            Some(strowger_mms::message::When::At(at)) => Some(at),
            _ => None,
        },
        earliest: request.earliest,
        expiry: request.expiry,
        delivery_report: request.delivery_report,
        read_report: request.read_reply,
        linked: request.linked,
        reference: None,
        distribution: request.distribution,
        applic_id: request.applic_id,
        reply_applic_id: request.reply_applic_id,
        aux_applic_info: request.aux_applic_info,
        content,
    };
    let prepared = draft.prepare(application, shared)?;
    let mut submission = prepared.submission;
    let asked = shared.ask_with_body(prepared.body, |body| {
        submission.body = body;
        Ask::Submit(Box::new(submission))
    });
    Ok(outcome(asked.await))
}

async fn cancel(shared: &Shared, application: &Application, request: Cancel) -> Outcome {
    check(application, &request.sender)?;
    let ask = Ask::Cancel { by: application.party(), id: request.id };
    Ok(outcome(shared.service.ask(ask).await))
}

async fn replace(
    shared: &Shared,
    application: &Application,
    request: Replace,
    attachments: &Attachments<'_>,
) -> Outcome {
    check(application, &request.sender)?;
    let content = attachments.content(request.content.as_ref())?;
    let mut replacement = Replacement {
        by: application.party(),
        id: request.id,
        content: None,
        delivery_time: request.earliest,
        read_report: request.read_reply,
    };
    let answer = if content.parts.is_empty() {
        shared.service.ask(Ask::Replace(Box::new(replacement))).await
    } else {
        let (content_type, octets) = content.to_wsp();
        let size = octets.len() as u64;
        let asked = shared.ask_with_body(octets, |body| {
            replacement.content = Some((content_type, body, size));
            Ask::Replace(Box::new(replacement))
        });
        asked.await
    };
    let (status, _) = outcome(answer);
    Ok((status, None))
}

/// What the engine answered, in the codes of MM7.
pub(super) fn outcome(answer: Answer) -> (Status, Option<String>) {
    let because = |code, details: Option<String>| Status { details, ..Status::of(code) };
    match answer {
        Answer::Submitted(submitted) => {
            let code = match submitted.status {
                ResponseStatus::Ok => StatusCode::SUCCESS,
                ResponseStatus::PartialSuccess => StatusCode::PARTIAL,
                ResponseStatus::PermanentContentNotAccepted => StatusCode::CONTENT_REFUSED,
                ResponseStatus::PermanentFormatCorrupt => StatusCode::VALIDATION,
                ResponseStatus::PermanentAddressUnresolved => StatusCode::ADDRESS,
                ResponseStatus::PermanentMessageNotFound => StatusCode::LINKED_NOT_FOUND,
                ResponseStatus::TransientFailure => StatusCode::UNAVAILABLE,
                _ => StatusCode::REJECTED,
            };
            (because(code, submitted.text), submitted.id)
        }
        Answer::Done => (Status::of(StatusCode::SUCCESS), None),
        Answer::NotFound => (Status::of(StatusCode::MESSAGE_NOT_FOUND), None),
        Answer::TooLate => {
            let details = "every recipient has it, or it has ended";
            (Status::because(StatusCode::NOT_POSSIBLE, details), None)
        }
        Answer::Unavailable => (Status::of(StatusCode::UNAVAILABLE), None),
        _ => (Status::of(StatusCode::SERVER), None),
    }
}

/// SOAP 1.1 section 6.2: a fault comes with the status 500, whosever fault it is.
fn fault(transaction: String, dialect: Dialect, status: Status) -> Response {
    answer(HttpStatus::INTERNAL_SERVER_ERROR, &Soap { transaction, dialect, message: Message::Fault(status) })
}

fn answer(status: HttpStatus, soap: &Soap) -> Response {
    let typed = [(header::CONTENT_TYPE, format!("{XML}; charset=utf-8"))];
    (status, typed, Body::from(soap.to_document())).into_response()
}
