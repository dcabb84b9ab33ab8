//! Reports of results to whoever asked for them (`ppg-notify-requested-to`): sent until they are taken, for up to a day, also across
//! restarts, and only to networks that they may go to.

use std::collections::BTreeMap;

use axum::http::Method;
use strowger_sansio::{Duration, Time};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::codes::Code;
use super::message::{Outcome, ResultNotification};
use crate::clock::Clock;
use crate::http::client::{Call, ClientError, Connection, Url};
use crate::push::Gateway;
use crate::push::counters::count;
use crate::push::gateway::Notice;

/// Reports on their way at one time.
const AT_ONCE: usize = 32;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after the first failure; it doubles.
const FIRST: Duration = Duration::from_secs(5);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(600);
/// Attempts: about a day of them.
const ATTEMPTS: u32 = 150;

/// Sends reports until the gateway ends.
pub async fn run(gateway: Gateway, mut notices: mpsc::UnboundedReceiver<Notice>) {
    let clock = Clock::start();
    let mut waiting: BTreeMap<(Time, u64), (Notice, u32)> = BTreeMap::new();
    let mut going: JoinSet<Option<(Notice, u32)>> = JoinSet::new();
    loop {
        let due = waiting.first_key_value().map_or(Time::MAX, |((due, _), _)| *due);
        let timer = tokio::time::sleep_until(clock.instant(due).into());
        let room = going.len() < AT_ONCE;
        let (notice, attempts) = tokio::select! {
            notice = notices.recv(), if room => match notice {
                Some(notice) => (notice, 0),
                None => return,
            },
            () = timer, if room => match waiting.first_entry() {
                Some(entry) if entry.key().0 <= clock.now() => entry.remove(),
                _ => continue,
            },
            Some(sent) = going.join_next() => {
                if let Ok(Some((notice, attempts))) = sent {
                    let pause = (FIRST * 2_u32.pow(attempts.min(10))).min(LONGEST);
                    waiting.insert((clock.now() + pause, notice.seq.0), (notice, attempts + 1));
                }
                continue;
            }
        };
        let gateway = gateway.clone();
        going.spawn(async move {
            match report(&gateway, &notice).await {
                Ok(()) => {
                    count(&gateway.counters().notices);
                    gateway.noticed(notice.seq);
                    None
                }
                Err(error) if attempts < ATTEMPTS => {
                    tracing::debug!(url = notice.url, %error, "a result was not taken and is reported again");
                    Some((notice, attempts))
                }
                Err(error) => {
                    tracing::warn!(url = notice.url, %error, "a result was not taken; it is not reported any more");
                    gateway.noticed(notice.seq);
                    None
                }
            }
        });
    }
}

async fn report(gateway: &Gateway, notice: &Notice) -> Result<(), ClientError> {
    // Forgotten meanwhile: there is nothing to be told.
    let Ok(Some(row)) = gateway.ended(notice.seq) else { return Ok(()) };
    let url = Url::parse_either(&notice.url)?;
    let allowed = |address: &std::net::SocketAddr| gateway.may_report_to(address.ip());
    let Some(address) = url.resolve().await?.into_iter().find(allowed) else {
        return Err(ClientError::Url(notice.url.clone()));
    };
    let message = ResultNotification {
        version: row.version,
        push_id: row.push_id,
        address: row.address,
        sender: gateway.config().name.clone(),
        received: row.accepted,
        event: row.ending.at,
        state: row.ending.state,
        outcome: Outcome { code: Code(row.ending.code), detail: row.ending.detail },
    };
    let mut connection = match url.secure {
        false => Connection::open(address, &url.authority, PATIENCE).await?,
        true => {
            let authorities = gateway.config().report_authorities.as_ref();
            let tls = authorities.and_then(|authorities| authorities.named(&url.host).ok());
            let tls = tls.ok_or_else(|| ClientError::Url(notice.url.clone()))?;
            Connection::open_secure(address, &url.authority, PATIENCE, tls).await?
        }
    };
    let call = Call {
        method: Method::POST,
        path: url.path,
        content_type: Some("application/xml".to_owned()),
        body: message.to_document().into(),
        user: url.user,
    };
    let answer = connection.send(call).await?;
    match answer.status.is_success() {
        true => Ok(()),
        false => Err(ClientError::Transport(url.authority, answer.status.to_string())),
    }
}
