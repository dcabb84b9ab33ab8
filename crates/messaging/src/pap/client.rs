//! The initiator's side of PAP: a push as `multipart/related`, and other operations, to a gateway's URL.

use axum::http::Method;
use strowger_sansio::Duration;

use super::message::{Operation, Outcome, PapError};
use crate::http::client::{Answer, Call, ClientError, Connection, Url};
use crate::http::multipart::{self, Part};

/// Why an operation has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// No answer.
    #[error(transparent)]
    Http(#[from] ClientError),
    /// An answer without a document of PAP.
    #[error("the gateway answers {status}, and {fault}")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the document.
        fault: PapError,
    },
}

/// What is pushed.
#[derive(Clone, Debug)]
pub struct Entity<'e> {
    /// Its media type.
    pub media: &'e str,
    /// The application that it is for, as `x-wap-application:mms.ua`.
    pub application: Option<&'e str>,
    /// Its octets.
    pub body: &'e [u8],
}

/// The content type and the body of an operation; a push has an entity.
#[must_use]
pub fn to_http(operation: &Operation, entity: Option<&Entity<'_>>) -> (String, Vec<u8>) {
    let control = operation.to_document();
    let Some(entity) = entity else { return ("application/xml".to_owned(), control.into_bytes()) };
    let mut boundary = "strowger-push".to_owned();
    let within = |boundary: &str| {
        let mark = format!("--{boundary}");
        memchr::memmem::find(entity.body, mark.as_bytes()).is_some() || control.contains(&mark)
    };
    while within(&boundary) {
        boundary.push('x');
    }
    let mut headers = vec![("Content-Type".to_owned(), entity.media.to_owned())];
    if let Some(application) = entity.application {
        headers.push(("X-Wap-Application-Id".to_owned(), application.to_owned()));
    }
    let first = Part {
        headers: vec![("Content-Type".to_owned(), "application/xml".to_owned())],
        body: control.as_bytes(),
    };
    let body = multipart::write(&boundary, &[first, Part { headers, body: entity.body }]);
    (format!("multipart/related; boundary=\"{boundary}\"; type=\"application/xml\""), body)
}

/// Sends an operation to a gateway, and reads what it answers.
///
/// # Errors
/// When there is no answer of PAP in time.
pub async fn send(
    url: &Url,
    operation: &Operation,
    entity: Option<&Entity<'_>>,
    patience: Duration,
) -> Result<(Outcome, Answer), SubmitError> {
    let addresses = url.resolve().await?;
    let first = addresses.first().ok_or_else(|| ClientError::Url(url.authority.clone()))?;
    let mut connection = Connection::open(*first, &url.authority, patience).await?;
    let (content_type, body) = to_http(operation, entity);
    let call = Call {
        method: Method::POST,
        path: url.path.clone(),
        content_type: Some(content_type),
        body: body.into(),
        user: url.user.clone(),
    };
    let answer = connection.send(call).await?;
    let status = answer.status.as_u16();
    let outcome = Outcome::parse(&answer.body).map_err(|fault| SubmitError::Answer { status, fault })?;
    Ok((outcome, answer))
}

/// [`send`] for programs without a runtime.
///
/// # Errors
/// As [`send`], and when the system gives no runtime.
pub fn send_and_wait(
    url: &Url,
    operation: &Operation,
    entity: Option<&Entity<'_>>,
    patience: Duration,
) -> Result<(Outcome, Answer), SubmitError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let failed = |error: std::io::Error| ClientError::Transport("the system".to_owned(), error.to_string());
    built.map_err(failed)?.block_on(send(url, operation, entity, patience))
}
