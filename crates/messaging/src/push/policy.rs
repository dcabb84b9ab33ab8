//! Who may send what to whom. What is not allowed here is refused before it is queued.

use std::net::{IpAddr, SocketAddr};

use super::address::Address;
use super::config::{PushConfig, User};
use super::content::{Content, Danger};
use crate::http::client::Url;

/// Why a push may not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// A host outside the networks that may be pushed to.
    #[error("{0} is outside the networks that may be pushed to")]
    Network(String),
    /// A number that no centre serves.
    #[error("no message centre serves {0}")]
    Number(String),
    /// A name that nobody knows.
    #[error("the user {0} is not known here")]
    User(String),
    /// Hosts cannot be reached from here.
    #[error("there is no bearer for hosts")]
    NoUdp,
    /// A report to somewhere.
    #[error("results may not be reported to {0}")]
    Report(String),
    /// Content that only trusted users may send.
    #[error("{0} may be sent by trusted users only")]
    Content(Danger),
}

/// The place of the bearer for hosts; message centres follow in their order.
pub(super) const UDP: usize = 0;

/// The bearer that an address is reached by, and what it is called there.
///
/// # Errors
/// When there is none, or it may not be used for this.
pub fn route(config: &PushConfig, address: &Address) -> Result<(usize, Address), Denied> {
    match address {
        Address::Host(_) if config.udp.is_none() => Err(Denied::NoUdp),
        Address::Host(host) => match config.networks.iter().any(|network| network.contains(host.ip())) {
            true => Ok((UDP, address.clone())),
            false => Err(Denied::Network(host.ip().to_string())),
        },
        Address::Number(number) => {
            let bearer = bearer_of_number(config, number).ok_or_else(|| Denied::Number(number.clone()))?;
            Ok((bearer, address.clone()))
        }
        Address::User(name) => {
            let known = config.aliases.get(name).and_then(|text| Address::parse(text).ok());
            match known {
                Some(Address::User(_)) | None => Err(Denied::User(name.clone())),
                Some(address) => route(config, &address),
            }
        }
    }
}

fn bearer_of_number(config: &PushConfig, number: &str) -> Option<usize> {
    let serves = |prefix: &String| number.starts_with(prefix.as_str());
    Some(config.centres.iter().position(|centre| centre.prefixes.iter().any(serves))? + 1)
}

/// The bearer of a destination in its one form, which was allowed when it was accepted; none when there is no such bearer any more.
pub(super) fn bearer_of_destination(config: &PushConfig, to: &str) -> Option<usize> {
    match to.parse::<SocketAddr>() {
        Ok(host) => route(config, &Address::Host(host)).ok().map(|(bearer, _)| bearer),
        Err(_) => bearer_of_number(config, to),
    }
}

/// Whether a user may send such content.
///
/// # Errors
/// When it is dangerous and the user is not trusted.
pub fn admit(user: &User, content: &Content) -> Result<(), Denied> {
    match content.danger() {
        Some(danger) if !user.trusted => Err(Denied::Content(danger)),
        _ => Ok(()),
    }
}

/// Whether results may be reported to a URL. A host name is looked up, and its address looked at, when there is something to report.
///
/// # Errors
/// When it is no URL, or leads to where reports may not go.
pub fn report(config: &PushConfig, url: &str) -> Result<(), Denied> {
    let denied = || Denied::Report(url.to_owned());
    let url = Url::parse_either(url).map_err(|_| denied())?;
    if url.secure && config.report_authorities.is_none() {
        return Err(denied());
    }
    let may = |address| config.report_to.iter().any(|network| network.contains(address));
    match url.host.parse::<IpAddr>() {
        Ok(address) if !may(address) => Err(denied()),
        Err(_) if config.report_to.is_empty() => Err(denied()),
        _ => Ok(()),
    }
}
