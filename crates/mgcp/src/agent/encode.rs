//! Operations as commands (RFC 3435 section 2.3).

use super::bulk;
use super::operation::{ConnectionOptions, NotificationRequest, Request, join};
use super::outcome::Failure;
use crate::dialect::{AllWildcard, Dialect};
use crate::message::{
    EndpointNameBuf, EventList, LocalOptions, NotifiedEntityBuf, ParameterCode, RequestedEventBuf,
    RequestedInfo, SignalBuf, TransactionId, TransactionRange, Verb,
};
use crate::text::CommandBuilder;

/// What a command holds besides the operation.
pub(super) struct Context<'a> {
    pub(super) dialect: &'a Dialect,
    pub(super) notified_entity: Option<&'a NotifiedEntityBuf>,
    pub(super) confirmed: &'a [TransactionRange],
}

/// Checks the parts of an operation that are free text.
pub(super) fn check(request: &Request, endpoint: &EndpointNameBuf, dialect: &Dialect) -> Result<(), Failure> {
    let options = match request {
        Request::Create(create) => create.options.as_ref(),
        Request::Modify(modify) => modify.options.as_ref(),
        _ => None,
    };
    if options.is_some_and(|options| LocalOptions::parse(&options.to_string()).is_none()) {
        return Err(Failure::IllegalValue);
    }
    let map = request.notification().and_then(|notification| notification.digit_map.as_deref());
    if let Some(map) = map {
        let scratch = CommandBuilder::new(Verb::Rqnt, TransactionId::MAX, endpoint, dialect);
        if scratch.digit_map(map).is_err() {
            return Err(Failure::IllegalValue);
        }
    }
    Ok(())
}

/// The bytes of a command.
pub(super) fn command(
    context: &Context<'_>,
    id: TransactionId,
    endpoint: &EndpointNameBuf,
    request: &Request,
) -> Vec<u8> {
    let verb = match request {
        Request::Create(_) => Verb::Crcx,
        Request::Modify(_) => Verb::Mdcx,
        Request::Delete(_) | Request::DeleteAll(_) => Verb::Dlcx,
        Request::Notification(_) => Verb::Rqnt,
        Request::AuditEndpoint(_) | Request::AuditMany(_) | Request::Probe => Verb::Auep,
        Request::AuditConnection(..) => Verb::Aucx,
    };
    let any_one =
        (context.dialect.all_wildcard == AllWildcard::AnyOne).then(|| endpoint.local().replace('$', "*"));
    let renamed = any_one.and_then(|local| EndpointNameBuf::from_parts(&local, endpoint.domain()));
    let mut command = CommandBuilder::new(verb, id, renamed.as_ref().unwrap_or(endpoint), context.dialect);
    if !context.confirmed.is_empty() {
        command = command.response_ack(context.confirmed);
    }
    let entity = context.notified_entity.filter(|_| !verb.is_audit() && context.dialect.notification);
    match request {
        Request::Create(create) => {
            command = command.call_id(&create.call_id);
            command = with_entity(command, entity);
            command = with_options(command, create.options.as_ref(), context.dialect).mode(create.mode);
            if let Some(second) = &create.second_endpoint {
                command = command.second_endpoint(second);
            }
            command = with_notification(command, create.notification.as_ref(), context.dialect);
            with_sdp(command, create.sdp.as_deref()).finish()
        }
        Request::Modify(modify) => {
            command = command.call_id(&modify.call_id).connection_id(&modify.connection_id);
            command = with_entity(command, entity);
            command = with_options(command, modify.options.as_ref(), context.dialect);
            if let Some(mode) = modify.mode {
                command = command.mode(mode);
            }
            command = with_notification(command, modify.notification.as_ref(), context.dialect);
            with_sdp(command, modify.sdp.as_deref()).finish()
        }
        Request::Delete(delete) => {
            command = command.call_id(&delete.call_id).connection_id(&delete.connection_id);
            command = with_entity(command, entity);
            with_notification(command, delete.notification.as_ref(), context.dialect).finish()
        }
        Request::DeleteAll(call) => {
            if let Some(call) = call {
                command = command.call_id(call);
            }
            with_entity(command, entity).finish()
        }
        Request::Notification(notification) => {
            with_notification(with_entity(command, entity), Some(notification), context.dialect).finish()
        }
        Request::AuditEndpoint(info) => with_info(command, info).finish(),
        Request::AuditMany(start) => {
            let asked = start.iter().map(|start| ("SE", start.as_str())).chain([("F", bulk::QUESTION)]);
            for (name, value) in asked {
                command = command.clone().parameter(bulk::ba(name), value).unwrap_or(command);
            }
            command.finish()
        }
        Request::AuditConnection(connection, info) => {
            with_info(command.connection_id(connection), info).finish()
        }
        Request::Probe => command.finish(),
    }
}

fn with_entity<'s>(command: CommandBuilder<'s>, entity: Option<&NotifiedEntityBuf>) -> CommandBuilder<'s> {
    match entity {
        Some(entity) => command.notified_entity(entity.as_view()),
        None => command,
    }
}

fn with_options<'s>(
    command: CommandBuilder<'s>,
    options: Option<&ConnectionOptions>,
    dialect: &Dialect,
) -> CommandBuilder<'s> {
    let text = match options {
        Some(options) if !dialect.codec_list && options.codecs.len() > 1 => {
            let first = options.codecs.iter().take(1).cloned().collect();
            ConnectionOptions { codecs: first, ..options.clone() }.to_string()
        }
        Some(options) => options.to_string(),
        None => return command,
    };
    match LocalOptions::parse(&text).filter(|options| !options.is_empty()) {
        Some(options) => command.local_options(options),
        None => command,
    }
}

/// An empty list is written where it replaces one: in RQNT the absence of `R:` and `S:` means the same, but not every gateway
/// has read that.
fn with_notification<'s>(
    mut command: CommandBuilder<'s>,
    notification: Option<&NotificationRequest>,
    dialect: &Dialect,
) -> CommandBuilder<'s> {
    let Some(notification) = notification else { return command };
    if let Some(id) = &notification.request_id {
        command = command.request_id(id);
    }
    if let Some(map) = &notification.digit_map {
        command = command.clone().digit_map(map).unwrap_or(command);
    }
    let events: Vec<_> = notification.events.iter().map(|event| event_for(event, dialect)).collect();
    let signals: Vec<_> = notification.signals.iter().map(|signal| signal_for(signal, dialect)).collect();
    command = command.requested_event_list(&events).signal_list(&signals);
    if let Some(quarantine) = notification.quarantine {
        command = command.quarantine(quarantine);
    }
    match EventList::parse(&dialect.to_peer(&join(notification.detect.iter())))
        .filter(|list| !list.is_empty())
    {
        Some(list) => command.detect_events(list),
        None => command,
    }
}

/// An event in the peer's name for it.
fn event_for(event: &RequestedEventBuf, dialect: &Dialect) -> RequestedEventBuf {
    RequestedEventBuf::parse(&dialect.to_peer(&event.to_string())).unwrap_or_else(|| event.clone())
}

/// A signal in the peer's name for it, without a time-out where the peer knows none.
fn signal_for(signal: &SignalBuf, dialect: &Dialect) -> SignalBuf {
    let mut text = dialect.to_peer(&signal.to_string());
    if !dialect.signal_timeouts
        && let Some((name, parameters)) = text.split_once('(')
        && parameters.starts_with("to=")
        && !parameters.contains(',')
    {
        text = name.to_owned();
    }
    SignalBuf::parse(&text).unwrap_or_else(|| signal.clone())
}

fn with_info<'s>(command: CommandBuilder<'s>, info: &[ParameterCode<'static>]) -> CommandBuilder<'s> {
    match RequestedInfo::parse(&join(info.iter())).filter(|info| !info.is_empty()) {
        Some(info) => command.requested_info(info),
        None => command,
    }
}

fn with_sdp<'s>(command: CommandBuilder<'s>, sdp: Option<&'s [u8]>) -> CommandBuilder<'s> {
    match sdp {
        Some(sdp) => command.sdp(sdp),
        None => command,
    }
}
