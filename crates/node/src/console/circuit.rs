//! `PUT /api/trunks/TRUNK/circuits/CODE/test` and `…/answer`: an operator has the continuity of a circuit tested, or has it answer the tests
//! of its far end.
//!
//! Both are `PUT`, and for those on this host alone, for the reasons that settings are (`settings`).

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use strowger_capture::escape;
use strowger_exchange::{Cic, CircuitFault, Continuity, UnknownAnswer};

use super::settings::may_change;
use super::{Source, Stalled, json};
use crate::shard::{CircuitOrder, CircuitWish, Request};

/// How long a result is waited for: the exchange has one within 15 s.
const RESULT: Duration = Duration::from_secs(20);

/// What came of a test.
#[derive(Serialize)]
struct Row {
    trunk: String,
    circuit: u16,
    /// `passed` or `failed`.
    result: &'static str,
    reason: String,
}

pub(super) async fn test(
    State(source): State<Source>,
    Path((trunk, code)): Path<(String, String)>,
    headers: HeaderMap,
    value: String,
) -> Result<Response, Stalled> {
    if let Some(refusal) = refused(&source, &headers) {
        return Ok(refusal);
    }
    let (circuit, answer) = match (number(&code), value.trim().parse::<Continuity>()) {
        (Some(circuit), Ok(answer)) => (circuit, answer),
        (None, _) => return Ok(refusal(CircuitFault::Unknown)),
        (_, Err(error)) => return Ok(bad_request(error)),
    };
    let of = trunk.clone();
    let asked = source.ask_for(RESULT, |to| {
        Request::Circuit(CircuitOrder { trunk: of, circuit, wish: CircuitWish::Test(answer, to) })
    });
    Ok(match asked.await? {
        Ok(result) => {
            let word = if result.passed() { "passed" } else { "failed" };
            let reason = escape(&result.to_string()).to_string();
            json(StatusCode::OK, &Row { trunk, circuit: circuit.0, result: word, reason })
        }
        Err(fault) => refusal(fault),
    })
}

pub(super) async fn answer(
    State(source): State<Source>,
    Path((trunk, code)): Path<(String, String)>,
    headers: HeaderMap,
    value: String,
) -> Result<Response, Stalled> {
    if let Some(refusal) = refused(&source, &headers) {
        return Ok(refusal);
    }
    let answer = match value.trim() {
        "off" => Ok(None),
        word => word.parse::<Continuity>().map(Some),
    };
    let (circuit, answer) = match (number(&code), answer) {
        (Some(circuit), Ok(answer)) => (circuit, answer),
        (None, _) => return Ok(refusal(CircuitFault::Unknown)),
        (_, Err(error)) => return Ok(bad_request(error)),
    };
    let asked = source
        .ask(|to| Request::Circuit(CircuitOrder { trunk, circuit, wish: CircuitWish::Answer(answer, to) }));
    Ok(match asked.await? {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(fault) => refusal(fault),
    })
}

fn refused(source: &Source, headers: &HeaderMap) -> Option<Response> {
    let reason = "circuits are tested from the exchange's own host, by its address\n";
    (!may_change(source, headers)).then(|| (StatusCode::FORBIDDEN, reason).into_response())
}

fn number(code: &str) -> Option<Cic> {
    code.parse().ok().map(Cic)
}

fn bad_request(error: UnknownAnswer) -> Response {
    (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response()
}

fn refusal(fault: CircuitFault) -> Response {
    let status = match fault {
        CircuitFault::Unknown => StatusCode::NOT_FOUND,
        CircuitFault::Unexpected | CircuitFault::Taken | CircuitFault::OutOfService => StatusCode::CONFLICT,
    };
    (status, format!("{fault}\n")).into_response()
}
