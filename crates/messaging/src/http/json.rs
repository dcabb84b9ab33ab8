//! The plain interface: pushes as JSON, one or many in a request, and what became of them.
//!
//! `POST /v1/push` takes an object, or an array of up to 5,000 of them, and answers in the same shape when everything that was accepted
//! is on disk. `GET /v1/push/ID` tells how it stands, `DELETE /v1/push/ID` takes it back, `GET /v1/dead` lists what was given up.

use std::borrow::Cow;

use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::base64;
use super::server::{Served, answer, known};
use crate::pap::Version;
use crate::pap::codes::Code;
use crate::push::content::{self, Content};
use crate::push::{self, Accepted, Gateway, Refused, User};
use crate::queue::{Gone, Priority};
use crate::time;

/// The recipients: one or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recipients<'j> {
    One(#[serde(borrow)] Cow<'j, str>),
    Many(#[serde(borrow)] Vec<Cow<'j, str>>),
}

/// A push, as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission<'j> {
    /// The sender's name for it; one is made when it is missing.
    #[serde(borrow, default)]
    id: Option<Cow<'j, str>>,
    #[serde(borrow)]
    to: Recipients<'j>,
    /// The media type of `body` or `text`.
    #[serde(borrow, rename = "type", default)]
    media: Option<Cow<'j, str>>,
    #[serde(borrow, default)]
    application: Option<Cow<'j, str>>,
    /// Octets as Base64.
    #[serde(borrow, default)]
    body: Option<Cow<'j, str>>,
    /// The same as text.
    #[serde(borrow, default)]
    text: Option<Cow<'j, str>>,
    /// An MMS notification in its parts.
    #[serde(borrow, default)]
    mms: Option<content::Notification<'j>>,
    #[serde(borrow, default)]
    after: Option<Cow<'j, str>>,
    #[serde(borrow, default)]
    before: Option<Cow<'j, str>>,
    #[serde(default)]
    confirm: bool,
    #[serde(borrow, default)]
    notify: Option<Cow<'j, str>>,
    /// `low`, `medium` or `high`.
    #[serde(borrow, default)]
    priority: Option<Cow<'j, str>>,
    /// The push that it takes the place of.
    #[serde(borrow, default)]
    replaces: Option<Cow<'j, str>>,
    /// Only where that has not left.
    #[serde(default)]
    pending_only: bool,
}

/// The answer to one push.
#[derive(Serialize)]
struct Verdict<'v> {
    id: &'v str,
    accepted: bool,
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Why a submission is none.
fn bad(error: &str) -> (Code, String) {
    (Code::BAD_REQUEST, error.to_owned())
}

/// The code of PAP for a refusal.
pub(crate) fn code_of(refused: &Refused) -> Code {
    match refused {
        Refused::Recipients(_) | Refused::Address { .. } => Code::ADDRESS_ERROR,
        Refused::Denied(denied) => match denied {
            push::policy::Denied::Number(_) | push::policy::Denied::User(_) => Code::ADDRESS_NOT_FOUND,
            push::policy::Denied::NoUdp => Code::BEARER_NOT_AVAILABLE,
            push::policy::Denied::Network(_)
            | push::policy::Denied::Content(_)
            | push::policy::Denied::Report(_) => Code::FORBIDDEN,
        },
        Refused::Times | Refused::Identifier => Code::BAD_REQUEST,
        Refused::NothingToReplace(_) => Code::PUSH_ID_NOT_FOUND,
        Refused::AllLeft(_) => Code::NOT_POSSIBLE,
        Refused::Rate => Code::SERVICE_UNAVAILABLE,
        Refused::Queue(refusal) => match refusal {
            crate::queue::Refusal::Duplicate => Code::DUPLICATE_PUSH_ID,
            crate::queue::Refusal::Full | crate::queue::Refusal::Unavailable => Code::SERVICE_UNAVAILABLE,
        },
    }
}

impl Submission<'_> {
    fn into_request(self, gateway: &Gateway, push_id: String) -> Result<push::Request, (Code, String)> {
        let most = gateway.config().limits.octets;
        let content = match (&self.mms, &self.body, &self.text) {
            (Some(notification), None, None) if self.media.is_none() => {
                Content::notification(notification, most)
            }
            (None, Some(body), None) => {
                let octets = base64::decode(body).ok_or_else(|| bad("`body` is not Base64"))?;
                let media = self.media.as_deref().unwrap_or_default();
                Content::new(media, self.application.as_deref(), &octets, most)
            }
            (None, None, Some(text)) => {
                let media = self.media.as_deref().unwrap_or_default();
                Content::new(media, self.application.as_deref(), text.as_bytes(), most)
            }
            _ => return Err(bad("expected `mms`, or `type` with either `body` or `text`")),
        };
        let content = content.map_err(|error| (Code::TRANSFORMATION_FAILURE, error.to_string()))?;
        let moment = |text: Option<Cow<'_, str>>, name: &str| match text {
            None => Ok(None),
            Some(text) => match time::parse(&text) {
                Some(moment) => Ok(Some(moment)),
                None => Err(bad(&format!("`{name}` is not a time as 2026-01-31T12:00:00Z"))),
            },
        };
        let to = match self.to {
            Recipients::One(one) => vec![one.into_owned()],
            Recipients::Many(many) => many.into_iter().map(Cow::into_owned).collect(),
        };
        let priority = match self.priority.as_deref() {
            None => Priority::default(),
            Some(word) => {
                Priority::of_word(word).ok_or_else(|| bad("`priority` is not low, medium or high"))?
            }
        };
        let gone = if self.pending_only { Gone::Drop } else { Gone::Send };
        let replaces = self.replaces.map(|old| push::Replacement { push_id: old.into_owned(), gone });
        Ok(push::Request {
            push_id,
            to,
            content,
            not_before: moment(self.after, "after")?,
            expires: moment(self.before, "before")?,
            confirm: self.confirm,
            notify: self.notify.map(Cow::into_owned),
            version: Version::default(),
            priority,
            replaces,
        })
    }
}

/// A name that nobody has given before: 128 random bits.
#[must_use]
pub fn fresh_id() -> String {
    let mut bits = [0; 16];
    // Without randomness the name is not fresh, and refused as a duplicate at its second use.
    let _ = getrandom::fill(&mut bits);
    format!("{:032x}", u128::from_ne_bytes(bits))
}

/// `POST /v1/push`.
pub(super) async fn push(gateway: Served, request: Request) -> Response {
    let known = match known(&gateway, request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    let many = known.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let parsed: Result<Vec<Submission<'_>>, _> = match many {
        true => serde_json::from_slice(&known.body),
        false => serde_json::from_slice(&known.body).map(|one| vec![one]),
    };
    let submissions = match parsed {
        Ok(submissions) => submissions,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, Code::BAD_REQUEST, &error.to_string()),
    };
    let most = gateway.config().limits.batch;
    if submissions.len() > most {
        let text = format!("a request has up to {most} pushes");
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, Code::BAD_REQUEST, &text);
    }
    let (ids, verdicts) = submit(&gateway, &known.user, submissions).await;
    let rows: Vec<Verdict<'_>> =
        ids.iter().zip(verdicts).map(|(id, verdict)| to_verdict(id, verdict)).collect();
    let good = rows.iter().all(|row| row.accepted);
    match rows.as_slice() {
        [row] if !many => {
            let status = if good { StatusCode::ACCEPTED } else { http_status(row.code) };
            answer(status, serde_json::to_vec(row).unwrap_or_default())
        }
        rows => {
            let status = if good { StatusCode::ACCEPTED } else { StatusCode::MULTI_STATUS };
            answer(status, serde_json::to_vec(rows).unwrap_or_default())
        }
    }
}

type Outcome = Result<Accepted, (Code, String)>;

async fn submit(
    gateway: &Gateway,
    user: &User,
    submissions: Vec<Submission<'_>>,
) -> (Vec<String>, Vec<Outcome>) {
    let mut ids = Vec::with_capacity(submissions.len());
    let mut requests = Vec::with_capacity(submissions.len());
    let mut early = Vec::with_capacity(submissions.len());
    for mut submission in submissions {
        let id = submission.id.take().map_or_else(fresh_id, Cow::into_owned);
        ids.push(id.clone());
        match submission.into_request(gateway, id) {
            Ok(request) => {
                requests.push(request);
                early.push(None);
            }
            Err(refused) => early.push(Some(refused)),
        }
    }
    let mut verdicts = gateway.push(user, requests).await.into_iter();
    let settle = |refused: Option<(Code, String)>| match refused {
        Some(refused) => Err(refused),
        None => match verdicts.next() {
            Some(Ok(accepted)) => Ok(accepted),
            Some(Err(refused)) => Err((code_of(&refused), refused.to_string())),
            None => Err((Code::INTERNAL_ERROR, String::new())),
        },
    };
    (ids, early.into_iter().map(settle).collect())
}

fn to_verdict(id: &str, outcome: Outcome) -> Verdict<'_> {
    match outcome {
        Ok(_) => Verdict { id, accepted: true, code: Code::ACCEPTED.0, error: None },
        Err((code, error)) => Verdict { id, accepted: false, code: code.0, error: Some(error) },
    }
}

fn http_status(code: u16) -> StatusCode {
    match Code(code) {
        Code::FORBIDDEN => StatusCode::FORBIDDEN,
        Code::DUPLICATE_PUSH_ID => StatusCode::CONFLICT,
        Code::ADDRESS_NOT_FOUND => StatusCode::NOT_FOUND,
        Code::SERVICE_UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
        Code::INTERNAL_ERROR => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn refusal(status: StatusCode, code: Code, error: &str) -> Response {
    let verdict = Verdict { id: "", accepted: false, code: code.0, error: Some(error.to_owned()) };
    answer(status, serde_json::to_vec(&verdict).unwrap_or_default())
}

/// How a push stands.
#[derive(Serialize)]
struct Report<'r> {
    id: &'r str,
    recipients: Vec<Recipient>,
}

#[derive(Serialize)]
struct Recipient {
    address: String,
    state: &'static str,
    code: u16,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

/// `GET /v1/push/ID`.
pub(super) async fn status(gateway: Served, Path(id): Path<String>, request: Request) -> Response {
    let known = match known(&gateway, request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    match gateway.status(&known.user, &id).await {
        Ok(Some(standings)) => {
            let recipients = standings.into_iter().map(|standing| Recipient {
                address: standing.address,
                state: standing.state.word(),
                code: standing.code,
                detail: standing.detail,
                at: standing.at.map(time::stamp),
            });
            let report = Report { id: &id, recipients: recipients.collect() };
            answer(StatusCode::OK, serde_json::to_vec(&report).unwrap_or_default())
        }
        Ok(None) => refusal(StatusCode::NOT_FOUND, Code::PUSH_ID_NOT_FOUND, "no such push"),
        Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, Code::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// `DELETE /v1/push/ID`.
pub(super) async fn cancel(gateway: Served, Path(id): Path<String>, request: Request) -> Response {
    let known = match known(&gateway, request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    match gateway.cancel(&known.user, &id, |_| true).await {
        Ok(Some(cancelled)) if cancelled.iter().any(|(_, done)| *done) => {
            let gone = cancelled.iter().filter(|(_, done)| *done).count();
            let body = serde_json::json!({ "id": id, "cancelled": gone, "of": cancelled.len() });
            answer(StatusCode::OK, body.to_string().into_bytes())
        }
        Ok(Some(_)) => {
            refusal(StatusCode::CONFLICT, Code::CANCELLATION_NOT_POSSIBLE, "it has left, or has ended")
        }
        Ok(None) => refusal(StatusCode::NOT_FOUND, Code::PUSH_ID_NOT_FOUND, "no such push"),
        Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, Code::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// The most rows of a list.
const ROWS: usize = 1000;

/// `GET /v1/dead`: the user's own pushes that were given up, the latest first.
pub(super) async fn dead(gateway: Served, request: Request) -> Response {
    let known = match known(&gateway, request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    match gateway.dead(ROWS) {
        Ok(messages) => {
            let own = messages.into_iter().filter(|message| message.owner == known.user.name);
            let rows: Vec<_> = own
                .map(|message| {
                    serde_json::json!({
                        "id": message.push_id,
                        "address": message.address,
                        "accepted": time::stamp(message.accepted),
                        "push": base64::encode(&message.payload),
                    })
                })
                .collect();
            answer(StatusCode::OK, serde_json::to_vec(&rows).unwrap_or_default())
        }
        Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, Code::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}
