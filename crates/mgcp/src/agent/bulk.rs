//! Bulk audits (RFC 3624): one answer tells of many endpoints with a letter or two for each.
//!
//! The agent asks for numbers of connections (BA/C) and whether a signal is given (BA/S). Limits: lists that do not fit together are
//! no answer at all.

use super::outcome::{BulkAudit, BulkEntry};
use crate::message::{ParameterCode, Response, range};

/// What is asked for.
pub(super) const QUESTION: &str = "BA/C, BA/S(S)";

/// How many endpoints one answer may tell of: what fits the longest datagram, a letter for each.
const MOST: usize = 65_535;

pub(super) const fn ba(name: &'static str) -> ParameterCode<'static> {
    ParameterCode::Package { package: "BA", name }
}

/// Reads an answer: the lists go on over their lines, whatever stands between (section 2.1.2).
pub(super) fn read(response: &Response<'_>) -> Option<BulkAudit> {
    let mut endpoints = Vec::new();
    for list in response.parameters.all(ba("EL")) {
        for name in range::names(list) {
            // One example of section 2.1.2 repeats the parameter's own name within the list.
            let name = name.split_once(':').map_or(name, |(_, name)| name.trim_ascii());
            endpoints.extend(range::expand(name, MOST.checked_sub(endpoints.len())?)?);
        }
    }
    let letters = |name| -> Vec<char> {
        let lines = response.parameters.all(ba(name));
        lines.flat_map(str::chars).filter(|letter| !letter.is_ascii_whitespace()).collect()
    };
    let (counts, states) = (letters("C"), letters("S"));
    if endpoints.is_empty() || counts.len() != endpoints.len() || states.len() != endpoints.len() {
        return None;
    }
    let mut entries = Vec::with_capacity(endpoints.len());
    for (local, (count, state)) in endpoints.into_iter().zip(counts.into_iter().zip(states)) {
        let connections = match count.to_ascii_uppercase() {
            'Z' => u8::MAX,
            digit => u8::try_from(digit.to_digit(16)?).ok()?,
        };
        let (in_service, signals) = match state.to_ascii_uppercase() {
            'T' => (true, true),
            'F' => (true, false),
            'O' => (false, false),
            _ => return None,
        };
        entries.push(BulkEntry { local, connections, in_service, signals });
    }
    let next = response.parameters.all(ba("NE")).next().filter(|next| !next.is_empty()).map(str::to_owned);
    Some(BulkAudit { entries, next })
}
