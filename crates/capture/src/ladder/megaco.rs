//! Messages of Megaco: one entry for each transaction.

use std::fmt::Write as _;

use strowger_megaco::binary;
use strowger_megaco::message::{
    ActionReply, AmmDescriptor, AuditReturn, Body, CommandBody, CommandReply, ErrorDescriptor, Message,
    ReplyResult, StreamParameters, Streams, Transaction,
};
use strowger_megaco::text;

use super::entry::{EntryKind, Verdict};
use super::{Frame, Ladder, media};
use crate::escape::escape;
use crate::explain::megaco::{is_binary, without_tpkt};
use crate::protocol::Protocol;

impl Ladder {
    pub(super) fn megaco(&mut self, frame: &Frame<'_>) {
        let (text_options, binary_options) = (text::Options::DEFAULT, binary::Options::default());
        let octets = without_tpkt(frame.octets).1;
        let read = if is_binary(octets) {
            binary::decode(octets, &binary_options)
        } else {
            text::decode(octets, &text_options)
        };
        match read {
            Ok(message) => {
                let described = described(&message);
                for ((kind, verdict, summary), ends) in told(&message).into_iter().zip(described) {
                    let mut entry = self.blank(frame, Protocol::Megaco, kind);
                    entry.verdict = verdict;
                    entry.summary = escape(&summary).to_string();
                    for (end, sdp) in ends {
                        let Ok(described) = media::describe(&sdp) else { continue };
                        let _ = write!(entry.summary, " SDP {described}");
                        match end {
                            End::Local => self.announced(entry.from, &described),
                            End::Remote => self.passed_on(&described),
                        }
                    }
                    self.push(entry);
                }
            }
            Err(error) => {
                let mut entry = self.blank(frame, Protocol::Megaco, EntryKind::Undecodable);
                entry.verdict = Verdict::Malformed;
                entry.summary = escape(&format!("Megaco malformed {error}")).to_string();
                self.push(entry);
            }
        }
    }
}

/// Whose end of a stream a description is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Of the gateway that answers.
    Local,
    /// Of somebody else.
    Remote,
}

/// The session descriptions of each transaction that say where media go: those that a gateway has chosen, and those that it is given.
fn described(message: &Message<'_>) -> Vec<Vec<(End, Vec<u8>)>> {
    let Body::Transactions(transactions) = &message.body else { return vec![Vec::new()] };
    transactions.iter().map(ends).collect()
}

fn ends(transaction: &Transaction<'_>) -> Vec<(End, Vec<u8>)> {
    let mut ends = Vec::new();
    let mut look = |descriptor: &AmmDescriptor<'_>, end: End| {
        let AmmDescriptor::Media(media) = descriptor else { return };
        let streams: Vec<&StreamParameters<'_>> = match &media.streams {
            Streams::None => Vec::new(),
            Streams::One(parameters) => vec![parameters],
            Streams::Many(list) => list.iter().map(|stream| &stream.parameters).collect(),
        };
        for parameters in streams {
            let description = if end == End::Local { &parameters.local } else { &parameters.remote };
            ends.extend(
                description
                    .as_ref()
                    .and_then(strowger_megaco::message::Description::to_whole_sdp)
                    .map(|sdp| (end, sdp)),
            );
        }
    };
    match transaction {
        Transaction::Request(request) => {
            for command in request.actions.iter().flat_map(|action| &action.commands) {
                if let CommandBody::Add(request) | CommandBody::Move(request) | CommandBody::Modify(request) =
                    &command.body
                {
                    request.descriptors.iter().for_each(|descriptor| look(descriptor, End::Remote));
                }
            }
        }
        Transaction::Reply(reply) => {
            let ReplyResult::Actions(actions) = &reply.result else { return ends };
            for command in actions.iter().flat_map(|action| &action.commands) {
                if let CommandReply::Add(reply) | CommandReply::Move(reply) | CommandReply::Modify(reply) =
                    command
                {
                    for part in &reply.audit {
                        if let AuditReturn::Descriptor(descriptor) = part {
                            look(descriptor, End::Local);
                        }
                    }
                }
            }
        }
        _ => {}
    }
    ends
}

fn told(message: &Message<'_>) -> Vec<(EntryKind, Verdict, String)> {
    match &message.body {
        Body::Error(error) => vec![(EntryKind::Response, Verdict::Failure, format!("Error {}", error.code))],
        Body::Transactions(transactions) => transactions.iter().map(transaction).collect(),
    }
}

fn transaction(transaction: &Transaction<'_>) -> (EntryKind, Verdict, String) {
    match transaction {
        Transaction::Request(request) => {
            let commands = request.actions.iter().flat_map(|action| {
                action.commands.iter().map(move |command| {
                    let name = command_name(&command.body);
                    format!("{name} {} in {}", command.body.terminations().first, action.context)
                })
            });
            let commands: Vec<String> = commands.take(3).collect();
            (EntryKind::Command, Verdict::Neutral, format!("{} {}", request.id, commands.join(", ")))
        }
        Transaction::Reply(reply) => {
            let error = match &reply.result {
                ReplyResult::Error(error) => Some(*error),
                ReplyResult::Actions(actions) => actions.iter().find_map(failure),
            };
            let verdict = if error.is_some() { Verdict::Failure } else { Verdict::Success };
            let outcome = error.map_or_else(|| "OK".to_owned(), |error| error.code.to_string());
            (EntryKind::Response, verdict, format!("Reply {} {outcome}", reply.id))
        }
        Transaction::Pending(id) => (EntryKind::Response, Verdict::Neutral, format!("Pending {id}")),
        Transaction::Acknowledgement(ranges) => {
            let first = ranges.first().map(|range| range.first.to_string()).unwrap_or_default();
            (EntryKind::Response, Verdict::Neutral, format!("Ack {first}"))
        }
        Transaction::Segment(id, segment) => {
            (EntryKind::Response, Verdict::Neutral, format!("Segment {} of {id}", segment.number))
        }
    }
}

fn failure<'a>(reply: &ActionReply<'a>) -> Option<ErrorDescriptor<'a>> {
    use strowger_megaco::message::{AuditResult, ServiceChangeResult};
    let within = |audit: &[AuditReturn<'a>]| {
        audit.iter().find_map(|found| if let AuditReturn::Error(error) = found { Some(*error) } else { None })
    };
    reply.error.or_else(|| {
        reply.commands.iter().find_map(|command| match command {
            CommandReply::Add(reply)
            | CommandReply::Move(reply)
            | CommandReply::Modify(reply)
            | CommandReply::Subtract(reply) => within(&reply.audit),
            CommandReply::AuditValue(result) | CommandReply::AuditCapabilities(result) => match result {
                AuditResult::Context(_) => None,
                AuditResult::ContextError(error) => Some(*error),
                AuditResult::Termination(reply) => within(&reply.audit),
            },
            CommandReply::Notify(_, error) => *error,
            CommandReply::ServiceChange(reply) => match &reply.result {
                ServiceChangeResult::Error(error) => Some(*error),
                ServiceChangeResult::Accepted { .. } => None,
            },
        })
    })
}

const fn command_name(body: &CommandBody<'_>) -> &'static str {
    match body {
        CommandBody::Add(_) => "Add",
        CommandBody::Move(_) => "Move",
        CommandBody::Modify(_) => "Modify",
        CommandBody::Subtract(_) => "Subtract",
        CommandBody::AuditValue(_) => "AuditValue",
        CommandBody::AuditCapabilities(_) => "AuditCapability",
        CommandBody::Notify(_) => "Notify",
        CommandBody::ServiceChange(..) => "ServiceChange",
    }
}
