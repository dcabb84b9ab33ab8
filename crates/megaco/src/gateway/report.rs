//! What became of commands, kept until it is written: the replies' own model, which borrows nothing from the request.

use std::sync::Arc;

use super::detection::{Buffered, Detection, Occurrence, map_name, map_value};
use super::digit_map::DigitMap;
use super::owned::{Choice, Item, Quality};
use super::signal::Play;
use crate::error::ErrorCode;
use crate::message::{
    self, ActionReply, AmmDescriptor, AuditItems, AuditResult, AuditReturn, BufferControl, CommandReply,
    ContextId, ContextProperties, Description, ErrorDescriptor, LocalControl, Media, ObservedEvents,
    PackageVersion, RequestId, ServiceChangeReply, ServiceChangeResult, ServiceState, Statistic, Stream,
    StreamId, StreamMode, StreamParameters, Streams, TerminationId, TerminationName, TerminationReply,
    TerminationState, Terminations, TimeStamp, TopologyDirection,
};

/// Why a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    /// What the text of the code does not say.
    pub(super) why: Option<&'static str>,
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Self { code, why: None }
    }
}

impl Fault {
    pub(super) const fn new(code: ErrorCode, why: &'static str) -> Self {
        Self { code, why: Some(why) }
    }

    pub(super) fn describe(self) -> ErrorDescriptor<'static> {
        ErrorDescriptor { code: self.code, text: self.why.or_else(|| self.code.text()) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StateReport {
    pub(super) service: Option<ServiceState>,
    pub(super) buffer: Option<BufferControl>,
    pub(super) qualities: Vec<Quality>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ControlReport {
    pub(super) mode: Option<StreamMode>,
    pub(super) reserve_value: Option<bool>,
    pub(super) reserve_group: Option<bool>,
    pub(super) qualities: Vec<Quality>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StreamReport {
    pub(super) control: Option<ControlReport>,
    pub(super) local: Option<Vec<u8>>,
    pub(super) remote: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MediaReport {
    pub(super) state: Option<StateReport>,
    pub(super) streams: Vec<(StreamId, StreamReport)>,
}

fn properties(qualities: &[Quality]) -> Vec<message::Property<'_>> {
    qualities.iter().map(Quality::to_property).collect()
}

impl MediaReport {
    fn to_message(&self) -> Media<'_> {
        let state = self.state.as_ref().map(|state| TerminationState {
            service: state.service,
            buffer: state.buffer,
            properties: properties(&state.qualities),
        });
        let streams: Vec<_> = self
            .streams
            .iter()
            .map(|(id, stream)| Stream { id: *id, parameters: stream.to_message() })
            .collect();
        let streams = if streams.is_empty() { Streams::None } else { Streams::Many(streams) };
        Media { state, streams }
    }
}

impl StreamReport {
    fn to_message(&self) -> StreamParameters<'_> {
        let control = self.control.as_ref().map(|control| LocalControl {
            mode: control.mode,
            reserve_value: control.reserve_value,
            reserve_group: control.reserve_group,
            properties: properties(&control.qualities),
        });
        let description = |text: &'_ Option<Vec<u8>>| -> Option<Description<'static>> {
            text.as_ref().map(|text| Description::from_sdp(text.clone().into()))
        };
        let (local, remote) = (description(&self.local), description(&self.remote));
        StreamParameters { control, local, remote, statistics: None }
    }
}

/// One thing that a reply says of a termination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Media(Box<MediaReport>),
    Events(Arc<Detection>),
    EventBuffer(Vec<Buffered>),
    Signals(Vec<Play>),
    DigitMap(Option<Box<str>>, Option<Arc<DigitMap>>),
    Statistics(Vec<(Item, Option<Choice>)>),
    Observed(RequestId, Vec<Occurrence>),
    Packages(Vec<(u16, u8)>),
    Error(Fault),
    Empty(AuditItems),
}

impl Found {
    fn to_message(&self) -> AuditReturn<'_> {
        let descriptor = match self {
            Self::Media(media) => AmmDescriptor::Media(media.to_message()),
            Self::Events(detection) => AmmDescriptor::Events(detection.to_message()),
            Self::EventBuffer(buffered) => {
                AmmDescriptor::EventBuffer(buffered.iter().map(Buffered::to_message).collect())
            }
            Self::Signals(plays) => AmmDescriptor::Signals(plays.iter().map(Play::to_message).collect()),
            Self::DigitMap(name, map) => AmmDescriptor::DigitMap(message::DigitMap {
                name: name.as_deref().map(map_name),
                value: map.as_deref().map(map_value),
            }),
            Self::Statistics(list) => {
                let mut statistics = Vec::with_capacity(list.len());
                for (item, value) in list {
                    let value = value.as_ref().map(Choice::to_setting);
                    statistics.push(Statistic { name: item.name(), value });
                }
                AmmDescriptor::Statistics(statistics)
            }
            Self::Observed(request, events) => {
                let events = events.iter().map(Occurrence::to_message).collect();
                return AuditReturn::ObservedEvents(ObservedEvents { request: *request, events });
            }
            Self::Packages(packages) => {
                let one = |(package, version): &(u16, u8)| PackageVersion {
                    package: message::Name::Id(*package),
                    version: *version,
                };
                return AuditReturn::Packages(packages.iter().map(one).collect());
            }
            Self::Error(fault) => return AuditReturn::Error(fault.describe()),
            Self::Empty(items) => return AuditReturn::Empty(*items),
        };
        AuditReturn::Descriptor(descriptor)
    }
}

/// Which command a reply is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Move,
    Modify,
    Subtract,
    AuditValue,
    AuditCapabilities,
}

/// What became of one command, on one termination or on all that a wildcard means.
#[derive(Clone, Debug)]
pub(super) enum CommandReport {
    Termination(Verb, TerminationId<'static>, Vec<Found>),
    /// The names that an audit found.
    Names(Verb, Vec<TerminationId<'static>>),
    Notify(TerminationId<'static>, Option<Fault>),
    ServiceChange(TerminationId<'static>, Result<Option<TimeStamp>, Fault>),
}

impl CommandReport {
    fn to_message(&self) -> CommandReply<'_> {
        match self {
            Self::Termination(verb, id, found) => {
                let reply = TerminationReply {
                    terminations: id.clone().into(),
                    audit: found.iter().map(Found::to_message).collect(),
                };
                match verb {
                    Verb::Add => CommandReply::Add(reply),
                    Verb::Move => CommandReply::Move(reply),
                    Verb::Modify => CommandReply::Modify(reply),
                    Verb::Subtract => CommandReply::Subtract(reply),
                    Verb::AuditValue => CommandReply::AuditValue(AuditResult::Termination(reply)),
                    Verb::AuditCapabilities => {
                        CommandReply::AuditCapabilities(AuditResult::Termination(reply))
                    }
                }
            }
            Self::Names(verb, names) => {
                let mut names = names.iter().cloned();
                let first = names.next().unwrap_or(TerminationId::All);
                let result = AuditResult::Context(Terminations { first, others: names.collect() });
                if *verb == Verb::AuditCapabilities {
                    CommandReply::AuditCapabilities(result)
                } else {
                    CommandReply::AuditValue(result)
                }
            }
            Self::Notify(id, fault) => CommandReply::Notify(id.clone().into(), fault.map(Fault::describe)),
            Self::ServiceChange(id, result) => {
                let result = match result {
                    Ok(time) => ServiceChangeResult::Accepted {
                        target: None,
                        version: None,
                        profile: None,
                        time: *time,
                    },
                    Err(fault) => ServiceChangeResult::Error(fault.describe()),
                };
                let reply = ServiceChangeReply { terminations: id.clone().into(), result };
                CommandReply::ServiceChange(Box::new(reply))
            }
        }
    }
}

/// A line of a topology: who, whom, which way, on which stream.
pub(super) type Triple =
    (TerminationId<'static>, TerminationId<'static>, TopologyDirection, Option<StreamId>);

/// What an audit of a context found.
#[derive(Clone, Debug, Default)]
pub(super) struct ContextReport {
    pub(super) priority: Option<u8>,
    pub(super) emergency: Option<bool>,
    pub(super) ieps: Option<bool>,
    pub(super) topology: Vec<Triple>,
}

/// What became of an action.
#[derive(Clone, Debug)]
pub(super) struct ActionReport {
    pub(super) context: ContextId,
    pub(super) properties: Option<ContextReport>,
    pub(super) commands: Vec<CommandReport>,
    pub(super) error: Option<Fault>,
}

impl ActionReport {
    pub(super) const fn new(context: ContextId) -> Self {
        Self { context, properties: None, commands: Vec::new(), error: None }
    }

    pub(super) fn to_message(&self) -> ActionReply<'_> {
        let properties = self.properties.as_ref().map(|found| {
            let topology = found.topology.iter().map(|(from, to, direction, stream)| message::Topology {
                from: from.clone(),
                to: to.clone(),
                direction: *direction,
                stream: *stream,
            });
            Box::new(ContextProperties {
                priority: found.priority,
                emergency: found.emergency,
                ieps: found.ieps,
                topology: topology.collect(),
                ..ContextProperties::default()
            })
        });
        ActionReply {
            context: self.context,
            properties,
            commands: self.commands.iter().map(CommandReport::to_message).collect(),
            error: self.error.map(Fault::describe),
        }
    }
}

/// The name of a termination of the table as an identifier.
pub(super) fn id_of(name: &str) -> TerminationId<'static> {
    TerminationName::new(name.to_owned()).map_or(TerminationId::All, TerminationId::Name)
}
