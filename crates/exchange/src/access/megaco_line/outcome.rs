//! What the reply to an order is to its line: what is known of the context from then on, and what the order's owner hears.

use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{ContextId, ReplyResult, StreamMode};
use strowger_megaco::transaction::{self, RequestError};
use strowger_mgcp::agent::{Audit, Failure, Outcome};
use strowger_mgcp::message::{CallIdBuf, ConnectionMode, ReturnCode};

use super::order::{self, Order};
use super::{Loop, failure, relay};

/// What becomes of an order with a reply.
pub(super) enum Step {
    Done(Box<Outcome>),
    /// It goes on with this.
    Next(Order),
    /// Its line is elsewhere than was thought: what is there goes, then the order is given again.
    Again,
}

/// What is known of an order for which nothing has to be asked.
pub(super) fn at_once(line: &Loop, order: &Order) -> Result<Outcome, Failure> {
    match order {
        Order::Look { connection, fully: false } if line.streams.contains_key(connection) => {
            // Megaco knows no calls: whoever has found the stream may take it down.
            let audit = Audit { call_id: Some(CallIdBuf::from_u128(0)), ..Audit::default() };
            Ok(Outcome { audit: Some(Box::new(audit)), ..success() })
        }
        // There is no context.
        Order::DeleteAll => Ok(success()),
        Order::List => Ok(Outcome { audit: Some(Box::default()), ..success() }),
        _ => Err(failure::refused(ErrorCode::NOT_IN_CONTEXT, None)),
    }
}

/// Reads the reply to an order of a line.
pub(super) fn done(line: &mut Loop, order: &Order, result: &ReplyResult<'_>) -> Result<Step, Failure> {
    let replies = match result {
        ReplyResult::Error(error) => return Err(refused(line, order, error.code)),
        ReplyResult::Actions(replies) => replies,
    };
    let own = line.endpoint.local().to_owned();
    let is_own = |name: &str| name.eq_ignore_ascii_case(&own);
    let named = || {
        order::terminations(replies)
            .filter_map(|(context, termination, parts)| Some((context, order::name(termination)?, parts)))
    };
    if matches!(order, Order::Create { .. }) {
        // Its own termination may have joined a context, whatever came of the stream.
        line.context = named().map(|(context, ..)| context).find(|own| own.is_specific()).or(line.context);
    }
    // Who looks for a termination in all contexts and hears that it is in none of them has found it in the null context.
    let is_looked_for = matches!(order, Order::Find | Order::Seek);
    let is_nowhere =
        |code: &ErrorCode| is_looked_for && [ErrorCode::NOT_IN_CONTEXT, ErrorCode::NO_MATCH].contains(code);
    if let Some(code) = order::error(replies).filter(|code| !is_nowhere(code)) {
        return match order {
            Order::Watch(wish) if code == ErrorCode::NOT_IN_CONTEXT && !wish.is_repeated => Ok(Step::Again),
            _ => Err(refused(line, order, code)),
        };
    }
    let mut outcome = success();
    match order {
        Order::Watch(_) | Order::Sound(_) | Order::Test(_) => {}
        Order::Create { .. } => {
            let Some(stream) = named().find(|(_, name, _)| !is_own(name)) else {
                return Err(Failure::BadAnswer);
            };
            let (context, name, parts) = stream;
            let connection = order::connection(context, name);
            outcome.sdp = order::local(parts);
            outcome.connection_id = Some(connection.clone());
            if line.relay.is_some()
                && let Some(endpoint) = relay::endpoint(context, line.endpoint.domain())
            {
                line.endpoint = endpoint;
                line.is_known = true;
                outcome.specific_endpoints = vec![line.endpoint.clone()];
            }
            line.streams.insert(connection, name.to_owned());
        }
        Order::Modify { .. } => outcome.sdp = named().find_map(|(_, _, parts)| order::local(parts)),
        Order::Delete(connection) => {
            outcome.statistics = named().find_map(|(_, _, parts)| order::statistics(parts));
            line.streams.remove(connection);
            if line.streams.is_empty() {
                line.leave();
            }
        }
        Order::DeleteAll => line.leave(),
        Order::Find | Order::Seek => {
            line.leave();
            line.context = named().map(|(context, ..)| context).find(|context| context.is_specific());
            if line.context.is_some() {
                let is_sought = matches!(order, Order::Seek);
                return Ok(Step::Next(if is_sought { Order::DeleteAll } else { Order::List }));
            }
            outcome.audit = Some(Box::default());
        }
        Order::List => {
            let context = line.context.unwrap_or(ContextId::NULL);
            let streams = named().filter(|(_, name, _)| !is_own(name));
            line.streams =
                streams.map(|(_, name, _)| (order::connection(context, name), name.to_owned())).collect();
            line.is_known = true;
            let connections = line.streams.keys().cloned().collect();
            outcome.audit = Some(Box::new(Audit { connections, ..Audit::default() }));
        }
        Order::Look { .. } => {
            let parts = named().map(|(_, _, parts)| parts).next().unwrap_or_default();
            let mode = order::mode(parts).map(|mode| match mode {
                StreamMode::SendReceive => ConnectionMode::SendRecv,
                StreamMode::ReceiveOnly => ConnectionMode::RecvOnly,
                StreamMode::SendOnly => ConnectionMode::SendOnly,
                StreamMode::Loopback => ConnectionMode::Loopback,
                StreamMode::Inactive => ConnectionMode::Inactive,
            });
            outcome.sdp = order::local(parts);
            outcome.audit = Some(Box::new(Audit { mode, ..Audit::default() }));
        }
    }
    Ok(Step::Done(Box::new(outcome)))
}

/// The gateway refused: what is known not to be there is forgotten, and what an order left behind is taken down.
fn refused(line: &mut Loop, order: &Order, code: ErrorCode) -> Failure {
    match (order, code) {
        (_, ErrorCode::UNKNOWN_CONTEXT) => line.leave(),
        (Order::Delete(connection), ErrorCode::NOT_IN_CONTEXT | ErrorCode::UNKNOWN_TERMINATION) => {
            line.streams.remove(connection);
        }
        _ => {}
    }
    if line.context.is_some() && line.streams.is_empty() && !order.is_deletion() {
        line.queue.push_front((Order::DeleteAll, None));
    }
    let hook = match order {
        Order::Watch(wish) => Some(wish.hook()),
        _ => None,
    };
    match (order, code) {
        // Which of the two is not there is all the same: the stream is gone.
        (
            Order::Delete(_) | Order::Modify { .. } | Order::Look { .. },
            ErrorCode::UNKNOWN_TERMINATION | ErrorCode::NO_MATCH,
        ) => failure::refused(ErrorCode::NOT_IN_CONTEXT, hook),
        _ => failure::refused(code, hook),
    }
}

pub(super) fn not_sent(error: &RequestError) -> Failure {
    match error {
        RequestError::NoRoute => Failure::GatewayLost,
        RequestError::Outstanding { .. } => Failure::TooMany,
        // The binary form has no number for a name of ours.
        RequestError::Encode(_) => failure::refused(ErrorCode::NO_SIGNAL, None),
        _ => Failure::IllegalValue,
    }
}

pub(super) const fn not_answered(reason: transaction::Failure) -> Failure {
    match reason {
        transaction::Failure::Withdrawn => Failure::Restarted,
        transaction::Failure::Unreadable => Failure::BadAnswer,
        _ => Failure::Unanswered,
    }
}

fn success() -> Outcome {
    Outcome {
        code: ReturnCode::OK,
        connection_id: None,
        second_connection_id: None,
        specific_endpoints: Vec::new(),
        second_endpoint: None,
        sdp: None,
        remote_sdp: None,
        statistics: None,
        audit: None,
        bulk: None,
    }
}
