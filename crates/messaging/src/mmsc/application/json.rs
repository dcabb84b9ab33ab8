//! The plain interface for applications: messages as JSON, or as a form with files, and what became of them.
//!
//! `POST /v1/mms` submits, `GET /v1/mms/ID` tells how it stands with each recipient, `DELETE /v1/mms/ID` takes it back.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode as HttpStatus;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use strowger_mms::Charset;
use strowger_mms::message::{ReadStatus, When};

use super::super::message::{Delivery, Envelope};
use super::super::mime::{MimePart, Parts, media_type, tidy};
use super::super::request::{Answer, Request as Ask};
use super::mm7::outcome;
use super::server::{Known, Shared};
use super::submission::Draft;
use crate::http::base64;
use crate::http::json::fresh_id;
use crate::http::multipart;
use crate::http::server::answer;
use crate::mm7::{Status, StatusCode};
use crate::time;

/// The most parts of a form: the message and its files.
const PARTS: usize = 65;

/// One or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// A part, as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonPart {
    #[serde(rename = "type")]
    media: String,
    name: Option<String>,
    id: Option<String>,
    text: Option<String>,
    data: Option<String>,
}

/// A message, as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    id: Option<String>,
    from: Option<String>,
    to: Option<OneOrMany>,
    cc: Option<OneOrMany>,
    bcc: Option<OneOrMany>,
    subject: Option<String>,
    class: Option<String>,
    priority: Option<String>,
    #[serde(default)]
    delivery_report: bool,
    #[serde(default)]
    read_report: bool,
    after: Option<String>,
    before: Option<String>,
    answers: Option<String>,
    #[serde(default)]
    parts: Vec<JsonPart>,
}

/// The answer to a submission or to taking one back.
#[derive(Serialize)]
struct Verdict {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    accepted: bool,
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn verdict(status: Status, id: Option<String>) -> Response {
    let accepted = status.code.is_success();
    let http = match status.code {
        code if code.is_success() => HttpStatus::ACCEPTED,
        StatusCode::RESTRICTED => HttpStatus::FORBIDDEN,
        StatusCode::CONTENT_REFUSED => HttpStatus::PAYLOAD_TOO_LARGE,
        StatusCode::MESSAGE_NOT_FOUND | StatusCode::LINKED_NOT_FOUND => HttpStatus::NOT_FOUND,
        StatusCode::NOT_POSSIBLE => HttpStatus::CONFLICT,
        StatusCode::UNAVAILABLE => HttpStatus::SERVICE_UNAVAILABLE,
        StatusCode::SERVER => HttpStatus::INTERNAL_SERVER_ERROR,
        _ => HttpStatus::BAD_REQUEST,
    };
    let full = status.code == StatusCode::SUCCESS;
    let error = (!full).then(|| status.details.unwrap_or(status.text));
    let verdict = Verdict { id, accepted, code: status.code.0, error };
    answer(http, serde_json::to_vec(&verdict).unwrap_or_default())
}

fn invalid(details: impl Into<String>) -> Status {
    Status::because(StatusCode::VALIDATION, details)
}

/// `POST /v1/mms`.
pub(super) async fn submit(State(shared): State<Shared>, request: Request) -> Response {
    let known = match shared.known(request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    let prepared = draft(&known).and_then(|draft| draft.prepare(&known.application, &shared));
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(status) => return verdict(status, None),
    };
    let mut submission = prepared.submission;
    let asked = shared.ask_with_body(prepared.body, |body| {
        submission.body = body;
        Ask::Submit(Box::new(submission))
    });
    let (status, id) = outcome(asked.await);
    verdict(status, id)
}

fn draft(known: &Known) -> Result<Draft, Status> {
    if media_type(&known.content_type) != "multipart/form-data" {
        return read(&known.body)?.into_draft(Vec::new());
    }
    let parts = multipart::parse_at_most(&known.content_type, &known.body, PARTS)
        .map_err(|error| invalid(error.to_string()))?;
    let named = |part: &multipart::Part<'_>| {
        part.header("Content-Disposition").and_then(|value| multipart::parameter(value, "name"))
    };
    let message = parts.iter().position(|part| named(part).as_deref() == Some("message"));
    let message =
        message.ok_or_else(|| invalid("the form has no field `message` with the message as JSON"))?;
    let mut files = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        if place != message {
            let read = Parts::of_entity(part);
            files
                .extend(read.map_err(|error| Status::because(StatusCode::CORRUPT, error.to_string()))?.parts);
        }
    }
    let message = parts.get(message).map(|part| part.body).unwrap_or_default();
    read(message)?.into_draft(files)
}

fn read(octets: &[u8]) -> Result<Submission, Status> {
    serde_json::from_slice(octets).map_err(|error| invalid(error.to_string()))
}

impl Submission {
    fn into_draft(self, files: Vec<MimePart>) -> Result<Draft, Status> {
        let moment = |text: Option<String>, name: &str| {
            let Some(text) = text else { return Ok(None) };
            let millis = time::parse(&text);
            millis
                .map(|millis| Some(When::At(millis / 1000)))
                .ok_or_else(|| invalid(format!("`{name}` is not a time as 2026-01-31T12:00:00Z")))
        };
        let word = |text: &Option<String>, name: &str, words: &[&str]| match text {
            Some(text) if !words.contains(&text.as_str()) => {
                Err(invalid(format!("`{name}` is none of {}", words.join(", "))))
            }
            _ => Ok(()),
        };
        word(&self.class, "class", &["personal", "informational", "advertisement", "auto"])?;
        word(&self.priority, "priority", &["low", "normal", "high"])?;
        let addresses = |group: Option<OneOrMany>| group.map(OneOrMany::into_vec).unwrap_or_default();
        let (to, cc, bcc) = (addresses(self.to), addresses(self.cc), addresses(self.bcc));
        if to.is_empty() && cc.is_empty() && bcc.is_empty() {
            return Err(invalid("nobody is named in `to`, `cc` or `bcc`"));
        }
        let mut parts = self.parts.into_iter().map(JsonPart::into_part).collect::<Result<Vec<_>, _>>()?;
        parts.extend(files);
        if parts.len() >= PARTS {
            return Err(invalid(format!("a message has at most {} parts", PARTS - 1)));
        }
        let (earliest, expiry) = (moment(self.after, "after")?, moment(self.before, "before")?);
        // A second request with the same name is the same message, whatever else it says differently in its layout.
        let fingerprint = format!("{:?}", (&self.from, &to, &cc, &bcc, &self.subject, earliest, expiry));
        Ok(Draft {
            transaction: self.id.clone().unwrap_or_else(fresh_id),
            fingerprint: fingerprint.into_bytes(),
            sender: self.from,
            to,
            cc,
            bcc,
            subject: self.subject,
            class: self.class,
            priority: self.priority,
            earliest,
            expiry,
            delivery_report: self.delivery_report,
            read_report: self.read_report,
            linked: self.answers,
            reference: self.id,
            content: Parts { parts },
            ..Draft::default()
        })
    }
}

impl JsonPart {
    fn into_part(self) -> Result<MimePart, Status> {
        let (charset, data) = match (self.text, self.data) {
            (Some(text), None) => (Some(Charset::UTF8), text.into_bytes()),
            (None, Some(data)) => {
                (None, base64::decode(&data).ok_or_else(|| invalid("`data` of a part is not Base64"))?)
            }
            _ => return Err(invalid("a part has either `text` or `data`")),
        };
        let name = self.name.as_deref().and_then(tidy);
        Ok(MimePart {
            charset: charset.or_else(|| {
                let named = multipart::parameter(&self.media, "charset");
                named.and_then(|name| Charset::from_name(&name))
            }),
            media: media_type(&self.media),
            location: name.clone(),
            name,
            id: self.id.as_deref().and_then(tidy),
            data,
        })
    }
}

/// How a message stands.
#[derive(Serialize)]
struct Standing {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    accepted: String,
    expires: String,
    recipients: Vec<Recipient>,
}

#[derive(Serialize)]
struct Recipient {
    address: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<&'static str>,
}

/// The word of a reading.
pub(super) fn reading_word(status: ReadStatus) -> &'static str {
    match status {
        ReadStatus::Read => "read",
        _ => "deleted",
    }
}

fn standing(envelope: &Envelope) -> Standing {
    let recipient = |delivery: &Delivery| Recipient {
        address: delivery.to.to_string(),
        state: delivery.state.word(),
        at: delivery.ended.map(time::stamp),
        read: delivery.reading.map(|reading| reading_word(reading.read_status())),
    };
    Standing {
        id: envelope.id.clone(),
        reference: envelope.reference.clone(),
        accepted: time::stamp(envelope.accepted),
        expires: time::stamp(envelope.expires),
        recipients: envelope.deliveries.iter().map(recipient).collect(),
    }
}

/// `GET /v1/mms/ID`.
pub(super) async fn status(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let known = match shared.known(request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    match shared.service.ask(Ask::Look { by: Some(known.application.party()), id }).await {
        Answer::Known(envelope) => {
            answer(HttpStatus::OK, serde_json::to_vec(&standing(&envelope)).unwrap_or_default())
        }
        other => {
            let (status, id) = outcome(other);
            verdict(status, id)
        }
    }
}

/// `DELETE /v1/mms/ID`.
pub(super) async fn cancel(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let known = match shared.known(request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    let answer = shared.service.ask(Ask::Cancel { by: known.application.party(), id: id.clone() }).await;
    let (status, _) = outcome(answer);
    verdict(status, Some(id))
}
