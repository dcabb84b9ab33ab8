//! The grammar of every parameter's value, by its code.

use crate::limits::Limits;
use crate::message::{
    BearerInformation, CallId, ConnectionId, ConnectionMode, ConnectionParameters, EndpointName, EventList,
    LocalOptions, NotifiedEntity, PackageList, ParameterCode, Quarantine, Reason, RequestId, RequestedEvents,
    RequestedInfo, ResponseAck, RestartMethod, Walk, read_digit_map,
};
use crate::scan::{Fault, Scanner, is_hex};
use crate::text::Rule;

/// Checks a value against the grammar of its parameter.
#[inline]
pub(crate) fn check(code: ParameterCode<'_>, value: &str, limits: &Limits) -> Result<(), Fault> {
    if value.is_empty() {
        return may_be_empty(code).ok_or(Fault { at: 0, rule: Rule::EmptyValue });
    }
    let mut s = Scanner::new(value);
    let most = limits.list_items;
    let rule = match code {
        ParameterCode::CallId => return hex_id(value, CallId::parse(value).is_some(), Rule::CallId),
        ParameterCode::RequestIdentifier => {
            return hex_id(value, RequestId::parse(value).is_some(), Rule::RequestIdentifier);
        }
        ParameterCode::ConnectionId | ParameterCode::SecondConnectionId => {
            connection_ids(&mut s, most)?;
            Rule::ConnectionId
        }
        ParameterCode::ConnectionMode => {
            ConnectionMode::read(&mut s)?;
            Rule::ConnectionMode
        }
        ParameterCode::LocalConnectionOptions => {
            LocalOptions::read(&mut s, most)?;
            Rule::LocalOptions
        }
        ParameterCode::NotifiedEntity => {
            NotifiedEntity::read(&mut s)?;
            Rule::NotifiedEntity
        }
        ParameterCode::RequestedEvents => {
            RequestedEvents::read(&mut s, &mut Walk::new(limits))?;
            Rule::RequestedEvents
        }
        ParameterCode::SignalRequests => event_list(&mut s, limits, Rule::SignalRequests)?,
        ParameterCode::ObservedEvents => event_list(&mut s, limits, Rule::ObservedEvents)?,
        ParameterCode::DetectEvents | ParameterCode::EventStates => {
            event_list(&mut s, limits, Rule::SignalRequests)?
        }
        ParameterCode::DigitMap => {
            read_digit_map(&mut s)?;
            Rule::DigitMap
        }
        ParameterCode::SpecificEndpointId | ParameterCode::SecondEndpointId => {
            EndpointName::read(&mut s)?;
            Rule::EndpointName
        }
        ParameterCode::QuarantineHandling => {
            Quarantine::read(&mut s)?;
            Rule::QuarantineHandling
        }
        _ => return rarer(code, s, limits),
    };
    s.end(rule)
}

/// The parameters that no call needs.
fn rarer(code: ParameterCode<'_>, mut s: Scanner<'_>, limits: &Limits) -> Result<(), Fault> {
    let most = limits.list_items;
    let rule = match code {
        ParameterCode::ResponseAck => {
            ResponseAck::read(&mut s, most)?;
            Rule::ResponseAck
        }
        ParameterCode::BearerInformation => {
            BearerInformation::read(&mut s, most)?;
            Rule::BearerInformation
        }
        ParameterCode::Capabilities => {
            LocalOptions::read_capabilities(&mut s, most)?;
            Rule::Capabilities
        }
        ParameterCode::ConnectionParameters => {
            ConnectionParameters::read(&mut s, most)?;
            Rule::ConnectionParameters
        }
        ParameterCode::RequestedInfo => {
            RequestedInfo::read(&mut s, most)?;
            Rule::RequestedInfo
        }
        ParameterCode::PackageList => {
            PackageList::read(&mut s, most)?;
            Rule::PackageList
        }
        ParameterCode::ReasonCode => {
            return Reason::read(&mut s).map(|_| ());
        }
        ParameterCode::RestartMethod => {
            RestartMethod::read(&mut s)?;
            Rule::RestartMethod
        }
        ParameterCode::RestartDelay => {
            s.number(6, Rule::RestartDelay)?;
            Rule::RestartDelay
        }
        ParameterCode::MaxMgcpDatagram => {
            if s.peek() == Some(b'0') {
                return Err(s.fault(Rule::MaxDatagram));
            }
            s.number(9, Rule::MaxDatagram)?;
            Rule::MaxDatagram
        }
        // On the wire these are session descriptions, never parameters.
        ParameterCode::RemoteConnectionDescriptor | ParameterCode::LocalConnectionDescriptor => {
            return Err(s.fault(Rule::ParameterLine));
        }
        _ => return extension(s),
    };
    s.end(rule)
}

fn may_be_empty(code: ParameterCode<'_>) -> Option<()> {
    let never = matches!(
        code,
        ParameterCode::CallId
            | ParameterCode::ConnectionMode
            | ParameterCode::ReasonCode
            | ParameterCode::SecondEndpointId
            | ParameterCode::SecondConnectionId
            | ParameterCode::QuarantineHandling
            | ParameterCode::RestartMethod
            | ParameterCode::RestartDelay
            | ParameterCode::MaxMgcpDatagram
    );
    (!never).then_some(())
}

fn hex_id(value: &str, legal: bool, rule: Rule) -> Result<(), Fault> {
    let at = value.bytes().position(|byte| !is_hex(byte)).unwrap_or(32);
    if legal { Ok(()) } else { Err(Fault { at, rule }) }
}

fn connection_ids(s: &mut Scanner<'_>, most: usize) -> Result<(), Fault> {
    let mut left = most;
    loop {
        left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
        let at = s.position();
        let id = s.take(is_hex);
        if ConnectionId::parse(id).is_none() {
            return Err(Fault { at, rule: Rule::ConnectionId });
        }
        if !s.comma() {
            return Ok(());
        }
    }
}

fn event_list(s: &mut Scanner<'_>, limits: &Limits, rule: Rule) -> Result<Rule, Fault> {
    EventList::read(s, &mut Walk::new(limits), rule)?;
    Ok(rule)
}

/// parameterString, where bytes above ASCII are let through: it is not ours to interpret.
fn extension(mut s: Scanner<'_>) -> Result<(), Fault> {
    if s.peek() == Some(b'"') {
        s.quoted()?;
        return s.end(Rule::ExtensionParameter);
    }
    s.take(|byte| byte == b'\t' || byte >= 0x20);
    s.end(Rule::ControlCharacter)
}
