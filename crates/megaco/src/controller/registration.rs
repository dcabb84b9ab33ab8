//! What a registration says, and what the controller's answers are made of (RFC 3525 sections 7.2.8, 11.2, 11.3).

use crate::error::ErrorCode;
use crate::message::{
    Action, Address, Caseless, CommandBody, CommandReply, ErrorDescriptor, Method, Mid, Profile,
    ServiceChange, ServiceChangeReply, ServiceChangeResult, ServiceTarget, TerminationId, Terminations,
    TimeStamp, Version,
};
use crate::transaction::Route;

pub(super) fn describe(code: ErrorCode) -> ErrorDescriptor<'static> {
    ErrorDescriptor { code, text: code.text() }
}

pub(super) fn accepted<'a>(
    target: Option<ServiceTarget<'a>>,
    (version, profile): (Option<Version>, Option<Profile<'a>>),
    time: Option<TimeStamp>,
) -> ServiceChangeResult<'a> {
    ServiceChangeResult::Accepted { target, version, profile, time }
}

/// The profile of an association: the proposed one, if it is among those that are spoken here, or else the preferred one.
pub(super) fn agreed<'p>(
    spoken: &'p [(Box<str>, Version)],
    proposed: Option<Profile<'_>>,
) -> Option<Profile<'p>> {
    let same = proposed.and_then(|proposed| {
        let (name, version) = spoken.iter().find(|(name, _)| Caseless::new(name) == proposed.name)?;
        Some(Profile { name: Caseless::new(name), version: proposed.version.min(*version) })
    });
    let preferred =
        spoken.first().map(|(name, version)| Profile { name: Caseless::new(name), version: *version });
    same.or(preferred)
}

/// The answer to a service change that stands among other commands ([`Event::Commands`](super::Event::Commands)).
#[must_use]
pub fn done(terminations: Terminations<'_>) -> CommandReply<'_> {
    empty_reply(terminations)
}

pub(super) fn empty_reply(terminations: Terminations<'_>) -> CommandReply<'_> {
    let result = accepted(None, (None, None), None);
    CommandReply::ServiceChange(Box::new(ServiceChangeReply { terminations, result }))
}

/// The service change that registers, when it is the first command.
pub(super) fn registration<'m>(actions: &[Action<'m>]) -> Option<ServiceChange<'m>> {
    let first = actions.first()?;
    let [command, ..] = &first.commands[..] else { return None };
    let CommandBody::ServiceChange(terminations, change) = &command.body else { return None };
    let is_registration =
        matches!(change.method, Method::Restart | Method::Disconnected | Method::HandOff | Method::Failover);
    let is_alone = first.commands.len() == 1;
    (terminations.first == TerminationId::Root && is_registration && is_alone)
        .then(|| ServiceChange::clone(change))
}

/// Where requests go: where the registration came from, unless it names a port or an address of that host (RFC 3525 section 7.2.8).
/// Another host is refused: whoever registers could send our requests to a third party.
pub(super) fn target_of(
    route: Route,
    target: Option<&ServiceTarget<'_>>,
    usual: u16,
) -> Result<Route, ErrorCode> {
    let mut address = route.address;
    match target {
        None => return Ok(route),
        Some(ServiceTarget::Address(Address::Port(port))) => address.set_port(*port),
        Some(ServiceTarget::Address(Address::Mid(Mid::Ip4(octets, port))))
            if address.ip() == std::net::IpAddr::from(*octets) =>
        {
            address.set_port(port.unwrap_or(usual));
        }
        Some(ServiceTarget::Address(Address::Mid(Mid::Ip6(octets, port))))
            if address.ip() == std::net::IpAddr::from(*octets) =>
        {
            address.set_port(port.unwrap_or(usual));
        }
        Some(_) => return Err(ErrorCode::INCORRECT_IDENTIFIER),
    }
    if address.port() == 0 {
        // Nobody is there.
        return Err(ErrorCode::INCORRECT_IDENTIFIER);
    }
    Ok(Route { address, ..route })
}
