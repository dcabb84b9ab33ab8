//! Replies of actions and commands as text.

use super::{Writer, Written};
use crate::message::{
    ActionReply, AuditResult, AuditReturn, CommandReply, ErrorDescriptor, ServiceChangeResult,
    TerminationReply, Version,
};
use crate::token::Token;

impl Writer<'_> {
    pub(super) fn action_reply(&mut self, reply: &ActionReply<'_>) -> Written {
        self.context(reply.context);
        if reply.properties.is_none() && reply.commands.is_empty() && reply.error.is_none() {
            return self.needs(Version::V3, "the reply of an action without anything in it");
        }
        self.open();
        if let Some(properties) = &reply.properties {
            self.context_properties(properties)?;
        }
        for command in &reply.commands {
            self.item();
            self.command_reply(command)?;
        }
        if let Some(error) = &reply.error {
            self.item();
            self.error(error)?;
        }
        self.close();
        Ok(())
    }

    fn command_reply(&mut self, reply: &CommandReply<'_>) -> Written {
        match reply {
            CommandReply::Add(reply) => self.termination_reply(Token::Add, reply),
            CommandReply::Move(reply) => self.termination_reply(Token::Move, reply),
            CommandReply::Modify(reply) => self.termination_reply(Token::Modify, reply),
            CommandReply::Subtract(reply) => self.termination_reply(Token::Subtract, reply),
            CommandReply::AuditValue(result) => self.audit_result(Token::AuditValue, result),
            CommandReply::AuditCapabilities(result) => self.audit_result(Token::AuditCapability, result),
            CommandReply::Notify(terminations, error) => {
                self.command_start(Token::Notify, terminations)?;
                if let Some(error) = error {
                    self.braced_error(error)?;
                }
                Ok(())
            }
            CommandReply::ServiceChange(reply) => {
                self.command_start(Token::ServiceChange, &reply.terminations)?;
                match &reply.result {
                    ServiceChangeResult::Error(error) => self.braced_error(error),
                    ServiceChangeResult::Accepted {
                        target: None,
                        version: None,
                        profile: None,
                        time: None,
                    } => Ok(()),
                    ServiceChangeResult::Accepted { target, version, profile, time } => {
                        self.open();
                        self.item_token(Token::Services);
                        self.open();
                        self.service_parameters(*target, *version, *profile, *time);
                        self.close();
                        self.close();
                        Ok(())
                    }
                }
            }
        }
    }

    fn braced_error(&mut self, error: &ErrorDescriptor<'_>) -> Written {
        self.open();
        self.item();
        self.error(error)?;
        self.close();
        Ok(())
    }

    fn audit_result(&mut self, token: Token, result: &AuditResult<'_>) -> Written {
        match result {
            AuditResult::Termination(reply) => self.termination_reply(token, reply),
            AuditResult::Context(terminations) => {
                self.token(token);
                self.equal();
                self.token(Token::Context);
                self.raw(b"{");
                self.listed(terminations);
                self.raw(b"}");
                Ok(())
            }
            AuditResult::ContextError(error) => {
                self.token(token);
                self.equal();
                self.token(Token::Context);
                self.braced_error(error)
            }
        }
    }

    fn termination_reply(&mut self, token: Token, reply: &TerminationReply<'_>) -> Written {
        self.command_start(token, &reply.terminations)?;
        if reply.audit.is_empty() {
            return Ok(());
        }
        self.open();
        for found in &reply.audit {
            match found {
                AuditReturn::Descriptor(descriptor) => self.descriptor(descriptor)?,
                AuditReturn::ObservedEvents(observed) => self.observed_events(observed)?,
                AuditReturn::Packages(packages) => self.packages(packages)?,
                AuditReturn::Error(error) => {
                    self.item();
                    self.error(error)?;
                }
                AuditReturn::Empty(items) => self.items(*items),
            }
        }
        self.close();
        Ok(())
    }
}
