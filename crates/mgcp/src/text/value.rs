//! The grammar of every parameter's value, by its code.

use crate::limits::Limits;
use crate::message::{
    BearerInformation, ConnectionMode, ConnectionParameters, EndpointName, EventList, Known, LocalOptions,
    NotifiedEntity, PackageList, Quarantine, Reason, RequestedEvents, RequestedInfo, ResponseAck,
    RestartMethod, Walk, read_digit_map,
};
use crate::scan::{Class, Fault, Scanner};
use crate::text::Rule;
use crate::text::lines::Lines;

/// Checks a value that stands alone against the grammar of its parameter.
pub(crate) fn check(known: Known, value: &str, limits: &Limits) -> Result<(), Fault> {
    if value.is_empty() {
        return may_be_empty(known).ok_or(Fault { at: 0, rule: Rule::EmptyValue });
    }
    let mut s = Scanner::new(value);
    match skip(known, &mut s, limits) {
        None => rarer(known, s, limits),
        Some(checked) => s.end(checked?),
    }
}

/// Checks the value that the lines have come to, and takes the rest of its line. Says where the value ends.
#[inline]
pub(crate) fn take(known: Known, lines: &mut Lines<'_>, limits: &Limits) -> Result<usize, Fault> {
    let start = lines.position();
    if matches!(lines.s.peek(), Some(b'\r' | b'\n')) {
        may_be_empty(known).ok_or(Fault { at: start, rule: Rule::EmptyValue })?;
        lines.end_of_line(Rule::ControlCharacter)?;
        return Ok(start);
    }
    let Some(checked) = skip(known, &mut lines.s, limits) else {
        let value = take_opaque(lines)?;
        return match rarer(known, Scanner::new(value), limits) {
            Ok(()) => Ok(start + value.len()),
            Err(fault) => Err(fault.behind(start)),
        };
    };
    let rule = checked?;
    let mut end = lines.position();
    // Spaces behind an option without a value were taken with its colon.
    while end > start && matches!(lines.s.at(end - 1), b' ' | b'\t') {
        end -= 1;
    }
    lines.end_of_line(rule)?;
    Ok(end)
}

/// As [`take`], of an extension.
pub(crate) fn take_extension(lines: &mut Lines<'_>) -> Result<usize, Fault> {
    let start = lines.position();
    let value = take_opaque(lines)?;
    match check_extension(value) {
        Ok(()) => Ok(start + value.len()),
        Err(fault) => Err(fault.behind(start)),
    }
}

fn take_opaque<'a>(lines: &mut Lines<'a>) -> Result<&'a str, Fault> {
    let end = lines.s.text().len();
    lines.value().ok_or(Fault { at: end, rule: Rule::EndOfLine })
}

/// Steps over a value of the parameters that calls need, and says which rule is broken if something else follows
/// it; nothing of other parameters. What is stepped over ends with its line by itself, but in quoted strings.
#[inline]
fn skip(known: Known, s: &mut Scanner<'_>, limits: &Limits) -> Option<Result<Rule, Fault>> {
    let (stepped, rule) = match known {
        Known::CallId => (skip_hex(s, Rule::CallId), Rule::CallId),
        Known::RequestIdentifier => (skip_hex(s, Rule::RequestIdentifier), Rule::RequestIdentifier),
        Known::ConnectionId | Known::SecondConnectionId => {
            (skip_connection_ids(s, limits.list_items), Rule::ConnectionId)
        }
        Known::ConnectionMode => (ConnectionMode::skip(s), Rule::ConnectionMode),
        Known::LocalConnectionOptions => (LocalOptions::skip(s, limits.list_items), Rule::LocalOptions),
        Known::NotifiedEntity => (NotifiedEntity::skip(s), Rule::NotifiedEntity),
        Known::RequestedEvents => (RequestedEvents::skip(s, &mut Walk::new(limits)), Rule::RequestedEvents),
        Known::SignalRequests | Known::DetectEvents | Known::EventStates => {
            (EventList::skip(s, &mut Walk::new(limits)), Rule::SignalRequests)
        }
        Known::ObservedEvents => (EventList::skip(s, &mut Walk::new(limits)), Rule::ObservedEvents),
        Known::DigitMap => (read_digit_map(s).map(|_| ()), Rule::DigitMap),
        Known::SpecificEndpointId | Known::SecondEndpointId => (EndpointName::skip(s), Rule::EndpointName),
        Known::QuarantineHandling => (Quarantine::read(s).map(|_| ()), Rule::QuarantineHandling),
        _ => return None,
    };
    Some(stepped.map(|()| rule))
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
            LocalOptions::skip_capabilities(&mut s, most)?;
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

#[inline]
fn skip_hex(s: &mut Scanner<'_>, rule: Rule) -> Result<(), Fault> {
    let at = s.position();
    match s.pass(Class::HEX) {
        1..=32 => Ok(()),
        0 => Err(Fault { at, rule }),
        _ => Err(Fault { at: at + 32, rule }),
    }
}

fn skip_connection_ids(s: &mut Scanner<'_>, most: usize) -> Result<(), Fault> {
    let mut left = most;
    loop {
        left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
        skip_hex(s, Rule::ConnectionId)?;
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
