//! The grammar of every parameter's value, by its code.

use crate::limits::Limits;
use crate::message::{
    BearerInformation, CallId, ConnectionId, ConnectionMode, ConnectionParameters, EndpointName, EventList,
    Known, LocalOptions, NotifiedEntity, PackageList, Quarantine, Reason, RequestId, RequestedEvents,
    RequestedInfo, ResponseAck, RestartMethod, Walk, read_digit_map,
};
use crate::scan::{Class, Fault, Scanner};
use crate::text::Rule;

/// Checks a value against the grammar of its parameter.
#[inline]
pub(crate) fn check(known: Known, value: &str, limits: &Limits) -> Result<(), Fault> {
    if value.is_empty() {
        return may_be_empty(known).ok_or(Fault { at: 0, rule: Rule::EmptyValue });
    }
    let mut s = Scanner::new(value);
    let most = limits.list_items;
    let rule = match known {
        Known::CallId => return hex_id(value, CallId::parse(value).is_some(), Rule::CallId),
        Known::RequestIdentifier => {
            return hex_id(value, RequestId::parse(value).is_some(), Rule::RequestIdentifier);
        }
        Known::ConnectionId | Known::SecondConnectionId => {
            connection_ids(&mut s, most)?;
            Rule::ConnectionId
        }
        Known::ConnectionMode => {
            ConnectionMode::read(&mut s)?;
            Rule::ConnectionMode
        }
        Known::LocalConnectionOptions => {
            LocalOptions::read(&mut s, most)?;
            Rule::LocalOptions
        }
        Known::NotifiedEntity => {
            NotifiedEntity::read(&mut s)?;
            Rule::NotifiedEntity
        }
        Known::RequestedEvents => {
            RequestedEvents::skip(&mut s, &mut Walk::new(limits))?;
            Rule::RequestedEvents
        }
        Known::SignalRequests => {
            EventList::skip(&mut s, &mut Walk::new(limits))?;
            Rule::SignalRequests
        }
        Known::ObservedEvents => {
            EventList::skip(&mut s, &mut Walk::new(limits))?;
            Rule::ObservedEvents
        }
        Known::DetectEvents | Known::EventStates => {
            EventList::skip(&mut s, &mut Walk::new(limits))?;
            Rule::SignalRequests
        }
        Known::DigitMap => {
            read_digit_map(&mut s)?;
            Rule::DigitMap
        }
        Known::SpecificEndpointId | Known::SecondEndpointId => {
            EndpointName::read(&mut s)?;
            Rule::EndpointName
        }
        Known::QuarantineHandling => {
            Quarantine::read(&mut s)?;
            Rule::QuarantineHandling
        }
        _ => return rarer(known, s, limits),
    };
    s.end(rule)
}

/// The parameters that no call needs.
fn rarer(known: Known, mut s: Scanner<'_>, limits: &Limits) -> Result<(), Fault> {
    let most = limits.list_items;
    let rule = match known {
        Known::ResponseAck => {
            ResponseAck::read(&mut s, most)?;
            Rule::ResponseAck
        }
        Known::BearerInformation => {
            BearerInformation::read(&mut s, most)?;
            Rule::BearerInformation
        }
        Known::Capabilities => {
            LocalOptions::read_capabilities(&mut s, most)?;
            Rule::Capabilities
        }
        Known::ConnectionParameters => {
            ConnectionParameters::read(&mut s, most)?;
            Rule::ConnectionParameters
        }
        Known::RequestedInfo => {
            RequestedInfo::read(&mut s, most)?;
            Rule::RequestedInfo
        }
        Known::PackageList => {
            PackageList::read(&mut s, most)?;
            Rule::PackageList
        }
        Known::ReasonCode => {
            return Reason::read(&mut s).map(|_| ());
        }
        Known::RestartMethod => {
            RestartMethod::read(&mut s)?;
            Rule::RestartMethod
        }
        Known::RestartDelay => {
            s.number(6, Rule::RestartDelay)?;
            Rule::RestartDelay
        }
        Known::MaxMgcpDatagram => {
            if s.peek() == Some(b'0') {
                return Err(s.fault(Rule::MaxDatagram));
            }
            s.number(9, Rule::MaxDatagram)?;
            Rule::MaxDatagram
        }
        // On the wire these are session descriptions, never parameters.
        Known::RemoteConnectionDescriptor | Known::LocalConnectionDescriptor => {
            return Err(s.fault(Rule::ParameterLine));
        }
        _ => return Err(s.fault(Rule::ParameterLine)),
    };
    s.end(rule)
}

fn may_be_empty(known: Known) -> Option<()> {
    let never = matches!(
        known,
        Known::CallId
            | Known::ConnectionMode
            | Known::ReasonCode
            | Known::SecondEndpointId
            | Known::SecondConnectionId
            | Known::QuarantineHandling
            | Known::RestartMethod
            | Known::RestartDelay
            | Known::MaxMgcpDatagram
    );
    (!never).then_some(())
}

fn hex_id(value: &str, legal: bool, rule: Rule) -> Result<(), Fault> {
    let at = value.bytes().position(|byte| !Class::HEX.holds(byte)).unwrap_or(32);
    if legal { Ok(()) } else { Err(Fault { at, rule }) }
}

fn connection_ids(s: &mut Scanner<'_>, most: usize) -> Result<(), Fault> {
    let mut left = most;
    loop {
        left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
        let at = s.position();
        let id = s.take(Class::HEX);
        if ConnectionId::parse(id).is_none() {
            return Err(Fault { at, rule: Rule::ConnectionId });
        }
        if !s.comma() {
            return Ok(());
        }
    }
}

/// parameterString, where bytes above ASCII are let through: it is not ours to interpret.
pub(crate) fn check_extension(value: &str) -> Result<(), Fault> {
    let mut s = Scanner::new(value);
    if s.peek() == Some(b'"') {
        s.quoted()?;
        return s.end(Rule::ExtensionParameter);
    }
    let printable = |byte: u8| byte == b'\t' || byte >= 0x20;
    match value.bytes().position(|byte| !printable(byte)) {
        None => Ok(()),
        Some(at) => Err(Fault { at, rule: Rule::ControlCharacter }),
    }
}
