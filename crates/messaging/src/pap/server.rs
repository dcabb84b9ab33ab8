//! The gateway's side of PAP: `POST /pap` with a control document, alone or as the first part of `multipart/related`.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::codes::Code;
use super::message::{DeliveryMethod, Operation, Outcome, PapError, PushMessage, Quality, document};
use super::version::Version;
use crate::http::base64;
use crate::http::json::code_of;
use crate::http::multipart::{self, Part};
use crate::http::server::{Known, known};
use crate::push::address::Address;
use crate::push::content::Content;
use crate::push::{self, Gateway, User};
use crate::time;
use crate::xml::Element;

/// How much of a bad document is shown to its sender again.
const FRAGMENT: usize = 200;

/// The routes of PAP.
pub fn routes(gateway: Gateway) -> Router {
    Router::new().route("/pap", post(pap)).with_state(gateway)
}

async fn pap(State(gateway): State<Gateway>, request: Request) -> Response {
    let known = match known(&gateway, request).await {
        Ok(known) => known,
        Err(answer) => return *answer,
    };
    let (version, answer) = match take_apart(&known) {
        Ok((version, operation, content)) => {
            let user = &known.user;
            let answer = match operation {
                Operation::Push(push) => submit(&gateway, user, version, push, content.as_ref()).await,
                Operation::Cancel(id, only) => cancel(&gateway, user, &id, &only).await,
                Operation::Status(id, only) => status(&gateway, user, &id, &only).await,
                Operation::Capabilities(query, address) => capabilities(query.as_deref(), &address),
            };
            (version, answer)
        }
        Err(refusal) => (Version::default(), bad_message(&refusal, &known.body)),
    };
    let kind = [(header::CONTENT_TYPE, "application/xml")];
    // The HTTP status says that the document was dealt with; the code in it says how (WAP-247 section 11).
    (StatusCode::ACCEPTED, kind, document(version, answer)).into_response()
}

/// The operation with the version of its answer, and the part that is to be pushed.
fn take_apart(known: &Known) -> Result<(Version, Operation, Option<Part<'_>>), Outcome> {
    let refuse = |fault: String| Outcome { code: Code::BAD_REQUEST, detail: fault };
    let read = |document| {
        Operation::parse_with_version(document).map_err(|error| match error {
            PapError::Version(error) => {
                Outcome { code: Code::VERSION_NOT_SUPPORTED, detail: error.to_string() }
            }
            error => refuse(error.to_string()),
        })
    };
    let kind = known.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !kind.starts_with("multipart/") {
        let (version, operation) = read(&known.body)?;
        return Ok((version, operation, None));
    }
    let parts =
        multipart::parse(&known.content_type, &known.body).map_err(|error| refuse(error.to_string()))?;
    let mut parts = parts.into_iter();
    let control = parts.next().ok_or_else(|| refuse("there is no control document".to_owned()))?;
    let (version, operation) = read(control.body)?;
    Ok((version, operation, parts.next()))
}

fn bad_message(refusal: &Outcome, body: &[u8]) -> Element {
    let fragment = String::from_utf8_lossy(body.get(..body.len().min(FRAGMENT)).unwrap_or_default());
    refusal.on(Element::new("badmessage-response")).with("bad-message-fragment", fragment)
}

async fn submit(
    gateway: &Gateway,
    user: &User,
    version: Version,
    push: PushMessage,
    part: Option<&Part<'_>>,
) -> Element {
    let push_id = push.push_id.clone();
    let mut progress = Progress::new(push.progress_notes);
    let outcome = stages(gateway, user, version, push, part, &mut progress).await;
    let element = Element::new("push-response")
        .with("push-id", push_id)
        .with("sender-address", &gateway.config().name)
        .with("sender-name", "Strowger")
        .with("reply-time", time::stamp(gateway.now()));
    let element = progress.notes.into_iter().fold(element, Element::child);
    element.child(outcome.on(Element::new("response-result")))
}

/// What an initiator who asked for it is told of each stage that its push has come through, the last of which may be where it failed.
struct Progress {
    wanted: bool,
    notes: Vec<Element>,
}

impl Progress {
    const fn new(wanted: bool) -> Self {
        Self { wanted, notes: Vec::new() }
    }

    /// A stage is over.
    fn note<T>(&mut self, gateway: &Gateway, stage: &str, ended: &Result<T, Outcome>) {
        if self.wanted {
            let note = ended.as_ref().err().map_or(Code::OK, |outcome| outcome.code).text();
            let element = Element::new("progress-note").with("stage", stage).with("note", note);
            self.notes.push(element.with("time", time::stamp(gateway.now())));
        }
    }
}

/// A push stage by stage: what the initiator demands, what is to be sent, and the queue.
async fn stages(
    gateway: &Gateway,
    user: &User,
    version: Version,
    push: PushMessage,
    part: Option<&Part<'_>>,
    progress: &mut Progress,
) -> Outcome {
    let checked = check(gateway, &push);
    progress.note(gateway, "validation", &checked);
    let converted = match checked {
        Err(outcome) => return outcome,
        Ok(()) => convert(gateway, part),
    };
    progress.note(gateway, "transformation", &converted);
    let accepted = match converted {
        Err(outcome) => return outcome,
        Ok(content) => match gateway.push(user, vec![request(version, push, content)]).await.pop() {
            Some(Ok(_)) => Ok(()),
            Some(Err(refused)) => Err(Outcome { code: code_of(&refused), detail: refused.to_string() }),
            None => Err(Outcome::of(Code::INTERNAL_ERROR)),
        },
    };
    progress.note(gateway, "acceptance", &accepted);
    accepted.err().unwrap_or(Outcome::of(Code::ACCEPTED))
}

fn check(gateway: &Gateway, push: &PushMessage) -> Result<(), Outcome> {
    check_network(&gateway.config().network_types, &push.quality)?;
    let read = push.addresses.iter().filter_map(|address| Address::parse(address).ok());
    read.into_iter().try_for_each(|address| check_quality(&push.quality, &address))
}

/// The content of a push as it goes over the air.
fn convert(gateway: &Gateway, part: Option<&Part<'_>>) -> Result<Content, Outcome> {
    let refuse = |code, detail: &str| Outcome { code, detail: detail.to_owned() };
    let part = part.ok_or_else(|| refuse(Code::BAD_REQUEST, "there is no content"))?;
    let decoded;
    let body = match part.header("Content-Transfer-Encoding") {
        Some(encoding) if encoding.eq_ignore_ascii_case("base64") => {
            let text = String::from_utf8_lossy(part.body);
            let wrong = || refuse(Code::BAD_REQUEST, "the content is not Base64");
            decoded = base64::decode(text.trim()).ok_or_else(wrong)?;
            &decoded
        }
        _ => part.body,
    };
    let media = part.header("Content-Type").unwrap_or_default();
    let application = part.header("X-Wap-Application-Id");
    let content = Content::new(media, application, body, gateway.config().limits.octets);
    content.map_err(|error| Outcome { code: Code::TRANSFORMATION_FAILURE, detail: error.to_string() })
}

fn request(version: Version, push: PushMessage, content: Content) -> push::Request {
    let confirm =
        matches!(push.quality.delivery, DeliveryMethod::Confirmed | DeliveryMethod::PreferConfirmed);
    push::Request {
        push_id: push.push_id,
        to: push.addresses,
        content,
        not_before: push.after,
        expires: push.before,
        confirm,
        notify: push.notify,
        version,
        priority: push.quality.priority,
        replaces: push.replaces,
    }
}

/// Whether phones are in the network that an initiator demands.
fn check_network(there: &[String], quality: &Quality) -> Result<(), Outcome> {
    let wanted = quality.network.as_deref().filter(|network| !network.eq_ignore_ascii_case("any"));
    let fits =
        |wanted: &str| there.is_empty() || there.iter().any(|known| known.eq_ignore_ascii_case(wanted));
    match wanted {
        Some(wanted) if quality.network_required && !fits(wanted) => {
            Err(Outcome::of(Code::NETWORK_NOT_AVAILABLE))
        }
        _ => Ok(()),
    }
}

/// Whether what an initiator demands can be had for an address. What it only prefers is no reason to refuse.
fn check_quality(quality: &Quality, address: &Address) -> Result<(), Outcome> {
    let host = matches!(address, Address::Host(_));
    if host && quality.delivery == DeliveryMethod::Confirmed {
        return Err(Outcome::of(Code::DELIVERY_METHOD_NOT_POSSIBLE));
    }
    let bearer = quality.bearer.as_deref().unwrap_or("Any").to_ascii_uppercase();
    // Everything but short messages is packets for us: who asks for a circuit gets the network that is there.
    let short = matches!(bearer.as_str(), "SMS" | "USSD" | "GUTS");
    let fits = bearer == "ANY" || (bearer == "SMS" && !host) || (!short && host);
    match quality.bearer_required && !fits {
        true => Err(Outcome::of(Code::BEARER_NOT_AVAILABLE)),
        false => Ok(()),
    }
}

/// Whether an initiator means this recipient: none named is all.
fn is_meant(only: &[String], address: &str) -> bool {
    let same = |text: &String| {
        text == address
            || matches!((Address::parse(text), Address::parse(address)), (Ok(one), Ok(other)) if one == other)
    };
    only.is_empty() || only.iter().any(same)
}

fn address(value: &str) -> Element {
    Element::new("address").with("address-value", value)
}

async fn cancel(gateway: &Gateway, user: &User, id: &str, only: &[String]) -> Element {
    let element = Element::new("cancel-response").with("push-id", id);
    let results = match gateway.cancel(user, id, |address| is_meant(only, address)).await {
        Ok(Some(results)) => results,
        Ok(None) => {
            return element.child(Outcome::of(Code::PUSH_ID_NOT_FOUND).on(Element::new("cancel-result")));
        }
        Err(error) => {
            let outcome = Outcome { code: Code::SERVICE_UNAVAILABLE, detail: error.to_string() };
            return element.child(outcome.on(Element::new("cancel-result")));
        }
    };
    if results.is_empty() {
        return element.child(Outcome::of(Code::ADDRESS_NOT_FOUND).on(Element::new("cancel-result")));
    }
    results.into_iter().fold(element, |element, (recipient, done)| {
        let code = if done { Code::OK } else { Code::CANCELLATION_NOT_POSSIBLE };
        element.child(Outcome::of(code).on(Element::new("cancel-result")).child(address(&recipient)))
    })
}

async fn status(gateway: &Gateway, user: &User, id: &str, only: &[String]) -> Element {
    let element = Element::new("statusquery-response").with("push-id", id);
    let unknown = |code| {
        let result = Element::new("statusquery-result").with("message-state", "unknown");
        Outcome::of(code).on(result)
    };
    let standings = match gateway.status(user, id).await {
        Ok(Some(standings)) => standings,
        Ok(None) => return element.child(unknown(Code::PUSH_ID_NOT_FOUND)),
        Err(_) => return element.child(unknown(Code::SERVICE_UNAVAILABLE)),
    };
    let meant: Vec<_> = standings.into_iter().filter(|standing| is_meant(only, &standing.address)).collect();
    if meant.is_empty() {
        return element.child(unknown(Code::ADDRESS_NOT_FOUND));
    }
    meant.into_iter().fold(element, |element, standing| {
        let result = Element::new("statusquery-result")
            .maybe("event-time", standing.at.map(time::stamp).as_deref())
            .with("message-state", standing.state.word());
        let outcome = Outcome { code: Code(standing.code), detail: standing.detail };
        element.child(outcome.on(result).child(address(&standing.address)))
    })
}

/// Nothing is kept about clients: the answer is that, and not a guess.
fn capabilities(query: Option<&str>, client: &str) -> Element {
    let element = Element::new("ccq-response").maybe("query-id", query);
    Outcome::of(Code::CAPABILITIES_NOT_AVAILABLE).on(element).child(address(client))
}
