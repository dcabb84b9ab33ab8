//! `/api/lines/NUMBER/settings`: what is set for a line, and `PUT` of one of it.
//!
//! The console asks nobody for a password, so that it changes something only for those on its own host: it must listen on
//! loopback, and be called by its address. A page in a browser there cannot do that unnoticed: `PUT` is not sent
//! across origins without being asked for first, and a name that somebody has pointed at this host is no address.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use strowger_exchange::{Setting, SettingFault};

use super::{Source, Stalled, json};
use crate::shard::Request;

/// The longest value: a number has 32 digits.
const VALUE: usize = 64;

pub(super) async fn all(
    State(source): State<Source>,
    Path(number): Path<String>,
) -> Result<Response, Stalled> {
    let line = number.clone();
    Ok(match source.ask(|to| Request::Settings(line, to)).await? {
        Some(settings) => {
            let rows: BTreeMap<_, _> =
                settings.iter().map(|setting| (setting.name(), setting.value().to_owned())).collect();
            json(StatusCode::OK, &rows)
        }
        None => refusal(&SettingFault::Line(number)),
    })
}

pub(super) async fn set(
    State(source): State<Source>,
    Path((number, name)): Path<(String, String)>,
    headers: HeaderMap,
    value: String,
) -> Result<Response, Stalled> {
    if !may_change(&source, &headers) {
        let reason = "settings are made on the exchange's own host, by its address\n";
        return Ok((StatusCode::FORBIDDEN, reason).into_response());
    }
    let value = value.trim();
    let parsed = if value.len() > VALUE {
        Err(SettingFault::Value { expected: "at most 64 characters" })
    } else {
        Setting::parse(&name, value)
    };
    let made = match parsed {
        Ok(setting) => source.ask(|to| Request::Set(number, setting, to)).await?,
        Err(fault) => Err(fault),
    };
    Ok(match made {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(fault) => refusal(&fault),
    })
}

fn refusal(fault: &SettingFault) -> Response {
    let status = match fault {
        SettingFault::Line(_) | SettingFault::Name(_) => StatusCode::NOT_FOUND,
        SettingFault::Value { .. } => StatusCode::BAD_REQUEST,
        SettingFault::Unreachable(_) | SettingFault::Barred(_) | SettingFault::Own(_) => StatusCode::CONFLICT,
    };
    (status, format!("{fault}\n")).into_response()
}

/// Whether who asks may change something: he is on this host, and means it.
pub(super) fn may_change(source: &Source, headers: &HeaderMap) -> bool {
    source.private && by_address(headers)
}

/// Whether the host was called by its address, or as `localhost`.
fn by_address(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_an_address() {
        let by = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, header::HeaderValue::from_static(host));
            by_address(&headers)
        };
        assert!(by("127.0.0.1:8088") && by("[::1]:8088") && by("localhost:8088") && by("127.0.0.1"));
        assert!(!by("evil.example:8088") && !by("console") && !by("") && !by_address(&HeaderMap::new()));
    }
}
