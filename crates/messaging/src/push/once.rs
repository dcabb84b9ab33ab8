//! One push by a gateway that exists for it alone: for the command line, and for programs that are no gateway.

use strowger_sansio::Duration;
use tokio::sync::{broadcast, mpsc};

use super::config::{PushConfig, User};
use super::gateway::{Ended, Gateway, Refused, Request, StartError};
use crate::queue::State;

/// Why a push had no end.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    /// The system gave no runtime.
    #[error("the system gave no runtime: {0}")]
    System(#[from] std::io::Error),
    /// The gateway did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It is not allowed, or not possible.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nothing came of it in time.
    #[error("not delivered within {0:?}: {1}")]
    Late(Duration, &'static str),
}

/// Delivers one push to one recipient, and waits for its end.
///
/// # Errors
/// When it does not come to an end.
pub fn deliver(config: PushConfig, request: Request, patience: Duration) -> Result<Ended, OnceError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (notices, _unread) = mpsc::unbounded_channel();
        let centres = !config.centres.is_empty();
        let (gateway, running) = Gateway::start(config, notices).await?;
        let mut ends = gateway.listen();
        let user = User { name: "strowger".to_owned(), trusted: true, ..User::default() };
        let ended = async {
            for verdict in gateway.push(&user, vec![request]).await {
                verdict?;
            }
            loop {
                match ends.recv().await {
                    Ok(ended) => return Ok(ended),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => {
                        return Err(OnceError::Late(patience, "closed"));
                    }
                }
            }
        };
        let outcome = tokio::time::timeout(patience, ended).await;
        let links = gateway.counters().links.load(std::sync::atomic::Ordering::Relaxed);
        gateway.stop();
        drop(gateway);
        let _ = tokio::time::timeout(patience, running.ended()).await;
        // A push that never left for want of a centre says less by its state than by the reason.
        let expired = |ended: &Ended| centres && links == 0 && ended.ending.state == State::Expired;
        match outcome {
            Ok(Ok(ended)) if !expired(&ended) => Ok(ended),
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => {
                let why = match (centres, links) {
                    (true, 0) => "the message centre was not reached, or refused the bind",
                    _ => "no word about its end",
                };
                Err(OnceError::Late(patience, why))
            }
        }
    })
}
