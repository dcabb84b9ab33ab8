//! Replies of actions and commands as BER.

use super::{SEQUENCE, Writer, Written};
use crate::message::{
    ActionReply, AuditDescriptor, AuditResult, AuditReturn, CommandReply, ServiceChangeReply,
    ServiceChangeResult, ServiceTarget, TerminationReply, Version,
};

impl Writer<'_, '_> {
    pub(super) fn action_reply(&mut self, reply: &ActionReply<'_>) -> Written {
        if reply.properties.is_none() && reply.commands.is_empty() && reply.error.is_none() {
            self.needs(Version::V3, "the reply of an action without anything in it")?;
        }
        let start = self.sink.open(SEQUENCE);
        self.sink.integer(0x80, reply.context.get().into());
        if let Some(error) = &reply.error {
            self.error(0xa1, error);
        }
        if let Some(properties) = &reply.properties {
            self.context_properties(0xa2, properties)?;
        }
        self.list(0xa3, &reply.commands, Self::command_reply)?;
        self.sink.close(start);
        Ok(())
    }

    fn command_reply(&mut self, reply: &CommandReply<'_>) -> Written {
        match reply {
            CommandReply::Add(reply) => self.termination_reply(0xa0, reply),
            CommandReply::Move(reply) => self.termination_reply(0xa1, reply),
            CommandReply::Modify(reply) => self.termination_reply(0xa2, reply),
            CommandReply::Subtract(reply) => self.termination_reply(0xa3, reply),
            CommandReply::AuditCapabilities(result) => self.audit_result(0xa4, result),
            CommandReply::AuditValue(result) => self.audit_result(0xa5, result),
            CommandReply::Notify(terminations, error) => {
                let start = self.sink.open(0xa6);
                self.terminations(terminations)?;
                if let Some(error) = error {
                    self.error(0xa1, error);
                }
                self.sink.close(start);
                Ok(())
            }
            CommandReply::ServiceChange(reply) => self.service_change_reply(reply),
        }
    }

    fn termination_reply(&mut self, tag: u8, reply: &TerminationReply<'_>) -> Written {
        let start = self.sink.open(tag);
        self.terminations(&reply.terminations)?;
        if !reply.audit.is_empty() {
            self.list(0xa1, &reply.audit, Self::audit_return)?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn audit_result(&mut self, tag: u8, result: &AuditResult<'_>) -> Written {
        let choice = self.sink.open(tag);
        match result {
            AuditResult::Context(terminations) => self.any_terminations(0xa0, terminations)?,
            AuditResult::ContextError(error) => self.error(0xa1, error),
            AuditResult::Termination(reply) => {
                let is_one = reply.terminations.others.is_empty();
                let start = self.sink.open(if is_one { 0xa2 } else { 0xa3 });
                if is_one {
                    self.termination(0xa0, &reply.terminations.first)?;
                } else {
                    self.terminations(&reply.terminations)?;
                }
                self.list(0xa1, &reply.audit, Self::audit_return)?;
                self.sink.close(start);
            }
        }
        self.sink.close(choice);
        Ok(())
    }

    fn audit_return(&mut self, found: &AuditReturn<'_>) -> Written {
        match found {
            AuditReturn::Error(error) => {
                self.error(0xa0, error);
                Ok(())
            }
            AuditReturn::Descriptor(descriptor) => self.descriptor(descriptor, 0xa1),
            AuditReturn::ObservedEvents(observed) => self.observed_events(0xa8, observed),
            AuditReturn::Packages(packages) => {
                self.list(0xaa, packages, |writer, package| writer.package_version(SEQUENCE, *package))
            }
            AuditReturn::Empty(items) => {
                self.audit_descriptor(0xab, &AuditDescriptor { items: *items, individual: Vec::new() })
            }
        }
    }

    fn service_change_reply(&mut self, reply: &ServiceChangeReply<'_>) -> Written {
        let start = self.sink.open(0xa7);
        self.terminations(&reply.terminations)?;
        let choice = self.sink.open(0xa1);
        match &reply.result {
            ServiceChangeResult::Error(error) => self.error(0xa0, error),
            ServiceChangeResult::Accepted { target, version, profile, time } => {
                let accepted = self.sink.open(0xa1);
                match target {
                    Some(ServiceTarget::Mgc(mid)) => self.explicit_mid(0xa0, mid),
                    Some(ServiceTarget::Address(address)) => self.address(*address),
                    None => {}
                }
                self.optional(0x82, version.map(|version| version.get().into()));
                if let Some(profile) = profile {
                    self.profile(*profile);
                }
                if let Some(time) = time {
                    self.time(0xa4, *time);
                }
                self.sink.close(accepted);
            }
        }
        self.sink.close(choice);
        self.sink.close(start);
        Ok(())
    }
}
