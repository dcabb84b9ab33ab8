//! MESG, the command for whatever extensions want to tell: RFC 3435 section B.3.
//!
//! It never disturbs the rest: no answer means nothing, and what the call agent does not understand is not sent to it again.

use std::collections::BTreeSet;
use std::fmt;

use strowger_sansio::Time;

use super::endpoint::Association;
use super::entity::MessageSupport;
use super::media::EndpointIndex;
use super::{Gateway, Tag};
use crate::message::{ParameterCode, Response, ReturnCode, TransactionId, Verb};
use crate::text::CommandBuilder;

/// A MESG without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SentMessage {
    endpoint: EndpointIndex,
    /// Its parameters, in lower case.
    parameters: BTreeSet<String>,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFault {
    /// There is no such endpoint, or it is out of service.
    Endpoint,
    /// The call agent does not know about the endpoint at the moment.
    Contact,
    /// The dialect has no MESG; or the call agent has refused it, or one of these parameters, and is still the same.
    NotSupported,
    /// A parameter is no extension, or its value breaks the grammar.
    Parameter,
}

impl fmt::Display for MessageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Endpoint => "no such endpoint in service",
            Self::Contact => "the call agent is not in contact",
            Self::NotSupported => "the call agent does not understand it",
            Self::Parameter => "this is no parameter of a message",
        })
    }
}

impl std::error::Error for MessageFault {}

impl Gateway {
    /// Sends a message of an endpoint, with extension parameters: names (`X-Foo`, `pkg/par`) and values.
    ///
    /// # Errors
    /// Why nothing was sent.
    pub fn send_message(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        parameters: &[(&str, &str)],
    ) -> Result<(), MessageFault> {
        let state = self.endpoint(endpoint).filter(|state| state.service.is_in());
        let state = state.ok_or(MessageFault::Endpoint)?;
        if !self.dialect.message {
            return Err(MessageFault::NotSupported);
        }
        if state.association != Association::Known {
            return Err(MessageFault::Contact);
        }
        let names: BTreeSet<_> = parameters.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        match &state.messages {
            MessageSupport::Unknown => {}
            MessageSupport::Without(refused) if refused.is_disjoint(&names) => {}
            MessageSupport::Without(_) | MessageSupport::None => return Err(MessageFault::NotSupported),
        }
        let (peer, name) = (state.peer(), self.full_name(endpoint, state.domain));
        let (Some(peer), Some(name)) = (peer, name) else { return Err(MessageFault::Contact) };
        let dialect = self.dialect;
        let compose = |transaction: TransactionId| {
            let command = CommandBuilder::new(Verb::Mesg, transaction, &name, &dialect);
            parameters.iter().try_fold(command, |command, (name, value)| {
                let code = ParameterCode::parse(name).filter(|code| code.index().is_none())?;
                command.parameter(code, value).ok()
            })
        };
        let _legal = compose(TransactionId::MAX).ok_or(MessageFault::Parameter)?;
        let build = |transaction| compose(transaction).map(CommandBuilder::finish).unwrap_or_default();
        let id = self.transactions.send(now, peer, build, Tag::Message);
        self.messages.insert(id, SentMessage { endpoint, parameters: names });
        Ok(())
    }

    /// A message was answered: what was not understood is not sent again until the notified entity is another.
    pub(super) fn message_answered(&mut self, response: &Response<'_>) {
        let Some(SentMessage { endpoint, parameters }) = self.messages.remove(&response.transaction_id)
        else {
            return;
        };
        let Some(state) = self.endpoint_mut(endpoint) else { return };
        match response.code.fold_unknown() {
            ReturnCode::UNKNOWN_COMMAND => state.messages = MessageSupport::None,
            ReturnCode::COMMAND_PARAMETER | ReturnCode::UNKNOWN_EXTENSION | ReturnCode::PACKAGE => {
                match &mut state.messages {
                    MessageSupport::None => {}
                    MessageSupport::Without(refused) => refused.extend(parameters),
                    MessageSupport::Unknown => state.messages = MessageSupport::Without(parameters),
                }
            }
            _ => {}
        }
    }
}
