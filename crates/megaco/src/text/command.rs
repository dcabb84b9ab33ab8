//! Actions, commands and their replies (RFC 3525 section 7.2; Annex B.2 actionRequest, actionReply).

use super::scan::{Scanned, Scanner, number, put};
use crate::error::{Rule, Scope};
use crate::message::{
    Action, ActionReply, AmmDescriptor, AmmRequest, AuditCommand, AuditDescriptor, AuditItems, AuditResult,
    AuditReturn, Command, CommandBody, CommandReply, ContextId, ContextProperties, List, NotifyRequest,
    StreamId, SubtractRequest, TerminationId, TerminationName, TerminationReply, Terminations, Topology,
    TopologyDirection,
};
use crate::package::Kind;
use crate::token::Token;

impl<'a> Scanner<'a> {
    /// An action, which with a fault may be left behind in part.
    pub(super) fn action(&mut self, into: &mut List<Action<'a>>) -> Scanned<()> {
        self.scope = Scope::Action;
        if self.token(Rule::Action)? != Token::Context {
            return self.fault_from(self.at(), Rule::Action);
        }
        self.equal()?;
        let context = self.context_id()?;
        let action = Action { context, properties: None, audit: None, commands: List::new() };
        let Some(action) = into.push_mut(action) else { return Ok(()) };
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::Command)?;
            match Token::find(word) {
                // Attributes of the context stand before its commands.
                Some(token)
                    if !action.commands.is_empty()
                        && (token == Token::ContextAudit || is_context_property(token)) =>
                {
                    return scanner.fault_in(word, Rule::Command);
                }
                Some(Token::ContextAudit) => {
                    if action.audit.is_some() {
                        return scanner.fault_in(word, Rule::ParameterTwice);
                    }
                    action.audit = Some(Box::new(scanner.context_audit()?));
                }
                Some(token) if is_context_property(token) => {
                    scanner.context_property(token, action.properties.get_or_insert_default())?;
                }
                _ => {
                    scanner.go_back(start);
                    action.commands.push(scanner.command()?);
                }
            }
            Ok(())
        })
    }

    pub(super) fn context_id(&mut self) -> Scanned<ContextId> {
        let word = self.word(Rule::ContextId)?;
        match word {
            b"-" => Ok(ContextId::NULL),
            b"$" => Ok(ContextId::CHOOSE),
            b"*" => Ok(ContextId::ALL),
            digits => match number(digits, 10).map(ContextId::new) {
                // The reserved numbers have signs of their own.
                Some(context) if context.is_specific() => Ok(context),
                _ => self.fault_in(word, Rule::ContextId),
            },
        }
    }

    pub(super) fn context_property(&mut self, token: Token, to: &mut ContextProperties<'a>) -> Scanned<()> {
        let is_second = match token {
            Token::Priority => to.priority.is_some(),
            Token::Emergency | Token::EmergencyOff => to.emergency.is_some(),
            Token::Topology => !to.topology.is_empty(),
            Token::Ieps => to.ieps.is_some(),
            _ => false,
        };
        if is_second {
            return self.fault_from(self.at(), Rule::ParameterTwice);
        }
        match token {
            Token::Priority => to.priority = Some(self.priority()?),
            Token::Emergency => to.emergency = Some(true),
            Token::EmergencyOff => to.emergency = Some(false),
            Token::Topology => to.topology = self.topology()?,
            Token::Ieps => {
                self.equal()?;
                to.ieps = Some(self.on_off()?);
            }
            _ => {
                // ContextAttr holds either properties or a list of contexts.
                self.braced(|scanner| {
                    let start = scanner.at();
                    let word = scanner.word(Rule::ContextProperty)?;
                    if Token::find(word) == Some(Token::ContextList) {
                        scanner.equal()?;
                        return scanner.braced(|scanner| {
                            to.contexts.push(scanner.context_id()?);
                            Ok(())
                        });
                    }
                    scanner.go_back(start);
                    to.properties.push(scanner.property()?);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    pub(super) fn priority(&mut self) -> Scanned<u8> {
        self.equal()?;
        let word = self.word(Rule::Priority)?;
        match number(word, 5) {
            Some(priority @ 0..=15) => Ok(u8::try_from(priority).unwrap_or_default()),
            _ => self.fault_in(word, Rule::Priority),
        }
    }

    fn topology(&mut self) -> Scanned<Vec<Topology<'a>>> {
        let mut triples: Vec<Topology<'a>> = Vec::new();
        self.open()?;
        loop {
            let start = self.at();
            let word = self.word(Rule::Topology)?;
            if Token::find(word) == Some(Token::Stream) && self.peek() == Some(b'=') {
                self.equal()?;
                let stream = StreamId(self.number16(Rule::StreamId)?);
                match triples.last_mut() {
                    Some(triple) if triple.stream.is_none() => triple.stream = Some(stream),
                    _ => return self.fault_from(start, Rule::Topology),
                }
            } else {
                self.go_back(start);
                let from = self.termination()?;
                self.expect(b',', Rule::Topology)?;
                let to = self.termination()?;
                self.expect(b',', Rule::Topology)?;
                let direction = match self.token(Rule::Topology)? {
                    Token::Bothway => TopologyDirection::Bothway,
                    Token::Isolate => TopologyDirection::Isolate,
                    Token::Oneway => TopologyDirection::Oneway,
                    Token::OnewayExternal => TopologyDirection::OnewayExternal,
                    Token::OnewayBoth => TopologyDirection::OnewayBoth,
                    _ => return self.fault_from(start, Rule::Topology),
                };
                triples.push(Topology { from, to, direction, stream: None });
            }
            if !self.eat(b',') {
                self.close()?;
                return Ok(triples);
            }
        }
    }

    pub(super) fn termination(&mut self) -> Scanned<TerminationId<'a>> {
        if let Some((name, end)) = self.path_name() {
            let termination = match name {
                "*" => Some(TerminationId::All),
                "$" => Some(TerminationId::Choose),
                name if name.eq_ignore_ascii_case("root") => Some(TerminationId::Root),
                name => TerminationName::of_legal(name).map(TerminationId::Name),
            };
            if let Some(termination) = termination {
                self.go_back(end);
                return Ok(termination);
            }
        }
        let text = self.text(Rule::TerminationId)?;
        match TerminationId::new(text) {
            Some(termination) => Ok(termination),
            None => self.fault_in(text.as_bytes(), Rule::TerminationId),
        }
    }

    /// One termination, or several in brackets (version 3).
    pub(super) fn terminations(&mut self) -> Scanned<Terminations<'a>> {
        if !self.eat(b'[') {
            return self.termination().map(Terminations::from);
        }
        self.more_terminations(b']', Rule::RightBracket)
    }

    /// Terminations behind an opening sign, up to the closing one.
    pub(super) fn more_terminations(&mut self, end: u8, rule: Rule) -> Scanned<Terminations<'a>> {
        let mut all = Terminations::from(self.termination()?);
        while self.eat(b',') {
            all.others.push(self.termination()?);
        }
        self.expect(end, rule)?;
        Ok(all)
    }

    fn command(&mut self) -> Scanned<Command<'a>> {
        self.scope = Scope::Command;
        let (token, is_optional, is_wildcard_reply) = self.command_token()?;
        self.equal()?;
        let terminations = self.terminations()?;
        let body = match token {
            Token::Add => CommandBody::Add(self.amm_request(terminations)?),
            Token::Move => CommandBody::Move(self.amm_request(terminations)?),
            Token::Modify => CommandBody::Modify(self.amm_request(terminations)?),
            Token::Subtract => {
                CommandBody::Subtract(SubtractRequest { terminations, audit: self.braced_audit()? })
            }
            Token::AuditValue => CommandBody::AuditValue(self.audit_command(terminations)?),
            Token::AuditCapability => CommandBody::AuditCapabilities(self.audit_command(terminations)?),
            Token::Notify => CommandBody::Notify(self.notify(terminations)?),
            Token::ServiceChange => {
                self.open()?;
                let change = self.service_change()?;
                self.close()?;
                CommandBody::ServiceChange(terminations, Box::new(change))
            }
            _ => return self.fault_from(self.at(), Rule::Command),
        };
        Ok(Command { is_optional, is_wildcard_reply, body })
    }

    /// The token of a command behind its marks. In replies the marks are read and mean nothing.
    fn command_token(&mut self) -> Scanned<(Token, bool, bool)> {
        let mut word = self.word(Rule::Command)?;
        let mut marks = [false; 2];
        for (mark, letter) in marks.iter_mut().zip([b'O', b'W']) {
            if let [first, b'-', rest @ ..] = word
                && first.eq_ignore_ascii_case(&letter)
            {
                *mark = true;
                word = if rest.is_empty() { self.word(Rule::Command)? } else { rest };
            }
        }
        match Token::find(word) {
            Some(
                token @ (Token::Add
                | Token::Move
                | Token::Modify
                | Token::Subtract
                | Token::AuditValue
                | Token::AuditCapability
                | Token::Notify
                | Token::ServiceChange),
            ) => Ok((token, marks.first() == Some(&true), marks.last() == Some(&true))),
            _ => self.fault_in(word, Rule::Command),
        }
    }

    fn amm_request(&mut self, terminations: Terminations<'a>) -> Scanned<AmmRequest<'a>> {
        let mut request = AmmRequest { terminations, descriptors: Vec::new(), audit: None };
        if self.peek() != Some(b'{') {
            return Ok(request);
        }
        let mut seen = 0_u16;
        self.braced(|scanner| {
            let token = scanner.token(Rule::Descriptor)?;
            if token == Token::Audit {
                if request.audit.is_some() {
                    return scanner.fault_from(scanner.at(), Rule::DescriptorTwice);
                }
                request.audit = Some(scanner.audit_descriptor()?);
                return Ok(());
            }
            let descriptor = scanner.descriptor(token)?;
            scanner.once(&descriptor, &mut seen)?;
            put::<2, _>(&mut request.descriptors, descriptor);
            Ok(())
        })?;
        Ok(request)
    }

    fn once(&mut self, descriptor: &AmmDescriptor<'a>, seen: &mut u16) -> Scanned<()> {
        let bit = descriptor.bit();
        if *seen & bit != 0 {
            return self.fault_from(self.at(), Rule::DescriptorTwice);
        }
        *seen |= bit;
        Ok(())
    }

    fn braced_audit(&mut self) -> Scanned<Option<AuditDescriptor<'a>>> {
        if self.peek() != Some(b'{') {
            return Ok(None);
        }
        self.open()?;
        if self.token(Rule::Audit)? != Token::Audit {
            return self.fault_from(self.at(), Rule::Audit);
        }
        let audit = self.audit_descriptor()?;
        self.close()?;
        Ok(Some(audit))
    }

    fn audit_command(&mut self, terminations: Terminations<'a>) -> Scanned<AuditCommand<'a>> {
        match self.braced_audit()? {
            Some(audit) => Ok(AuditCommand { terminations, audit }),
            None => self.fault(Rule::DescriptorMissing),
        }
    }

    fn notify(&mut self, terminations: Terminations<'a>) -> Scanned<NotifyRequest<'a>> {
        let mut observed = None;
        let mut error = None;
        self.braced(|scanner| {
            match scanner.token(Rule::Descriptor)? {
                Token::ObservedEvents if observed.is_none() => observed = Some(scanner.observed_events()?),
                Token::Error if error.is_none() => error = Some(scanner.error_descriptor()?),
                Token::ObservedEvents | Token::Error => {
                    return scanner.fault_from(scanner.at(), Rule::DescriptorTwice);
                }
                _ => return scanner.fault_from(scanner.at(), Rule::Descriptor),
            }
            Ok(())
        })?;
        match observed {
            Some(observed) => Ok(NotifyRequest { terminations, observed, error }),
            None => self.fault_from(self.at(), Rule::DescriptorMissing),
        }
    }

    pub(super) fn action_reply(&mut self, token: Token) -> Scanned<ActionReply<'a>> {
        self.scope = Scope::Action;
        if token != Token::Context {
            return self.fault_from(self.at(), Rule::Action);
        }
        self.equal()?;
        let context = self.context_id()?;
        let mut reply = ActionReply { context, properties: None, commands: List::new(), error: None };
        if self.peek() != Some(b'{') {
            return Ok(reply);
        }
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::Command)?;
            match Token::find(word) {
                Some(Token::Error) if reply.error.is_none() => {
                    reply.error = Some(scanner.error_descriptor()?);
                }
                Some(token) if is_context_property(token) => {
                    scanner.context_property(token, reply.properties.get_or_insert_default())?;
                }
                _ => {
                    scanner.go_back(start);
                    reply.commands.push(scanner.command_reply()?);
                }
            }
            Ok(())
        })?;
        Ok(reply)
    }

    fn command_reply(&mut self) -> Scanned<CommandReply<'a>> {
        self.scope = Scope::Command;
        let (token, ..) = self.command_token()?;
        self.equal()?;
        Ok(match token {
            Token::Add => CommandReply::Add(self.termination_reply()?),
            Token::Move => CommandReply::Move(self.termination_reply()?),
            Token::Modify => CommandReply::Modify(self.termination_reply()?),
            Token::Subtract => CommandReply::Subtract(self.termination_reply()?),
            Token::AuditValue => CommandReply::AuditValue(self.audit_result()?),
            Token::AuditCapability => CommandReply::AuditCapabilities(self.audit_result()?),
            Token::Notify => {
                let terminations = self.terminations()?;
                let mut error = None;
                if self.peek() == Some(b'{') {
                    self.open()?;
                    if self.token(Rule::Error)? != Token::Error {
                        return self.fault_from(self.at(), Rule::Error);
                    }
                    error = Some(self.error_descriptor()?);
                    self.close()?;
                }
                CommandReply::Notify(terminations, error)
            }
            _ => CommandReply::ServiceChange(Box::new(self.service_change_reply()?)),
        })
    }

    fn audit_result(&mut self) -> Scanned<AuditResult<'a>> {
        let start = self.peek().map(|_| self.at()).unwrap_or_default();
        if self.peek() != Some(b'[') {
            let word = self.word(Rule::TerminationId)?;
            if Token::find(word) == Some(Token::Context) && self.peek() == Some(b'{') {
                return self.context_result();
            }
            self.go_back(start);
        }
        self.termination_reply().map(AuditResult::Termination)
    }

    /// `Context{ids}` or `Context{Error}`; a termination named `C` with an audit is one of these two.
    fn context_result(&mut self) -> Scanned<AuditResult<'a>> {
        self.expect(b'{', Rule::LeftBrace)?;
        let start = self.at();
        let word = self.word(Rule::TerminationId)?;
        if Token::find(word) == Some(Token::Error) && self.peek() == Some(b'=') {
            let error = self.error_descriptor()?;
            self.expect(b'}', Rule::RightBrace)?;
            return Ok(AuditResult::ContextError(error));
        }
        self.go_back(start);
        self.more_terminations(b'}', Rule::RightBrace).map(AuditResult::Context)
    }

    fn termination_reply(&mut self) -> Scanned<TerminationReply<'a>> {
        let terminations = self.terminations()?;
        let mut audit = Vec::new();
        if self.peek() == Some(b'{') {
            self.braced(|scanner| scanner.audit_return(&mut audit))?;
        }
        Ok(TerminationReply { terminations, audit })
    }

    fn audit_return(&mut self, to: &mut Vec<AuditReturn<'a>>) -> Scanned<()> {
        let token = self.token(Rule::Descriptor)?;
        let is_bare = matches!(self.peek(), Some(b',' | b'}'));
        match (token, is_bare) {
            (Token::Events | Token::EventBuffer | Token::Signals, true) => {}
            (_, true) => {
                if let Some(item) = super::audit::item(token) {
                    let empty = to.iter_mut().find_map(|found| match found {
                        AuditReturn::Empty(items) => Some(items),
                        _ => None,
                    });
                    match empty {
                        Some(items) => *items = items.with(item),
                        None => to.push(AuditReturn::Empty(AuditItems::NONE.with(item))),
                    }
                    return Ok(());
                }
            }
            (Token::Error, false) => {
                to.push(AuditReturn::Error(self.error_descriptor()?));
                return Ok(());
            }
            (Token::ObservedEvents, false) => {
                to.push(AuditReturn::ObservedEvents(self.observed_events()?));
                return Ok(());
            }
            (Token::Packages, false) => {
                let mut packages = Vec::new();
                self.braced(|scanner| {
                    packages.push(scanner.package_version()?);
                    Ok(())
                })?;
                to.push(AuditReturn::Packages(packages));
                return Ok(());
            }
            _ => {}
        }
        let descriptor = self.descriptor(token)?;
        // An audit of capabilities repeats descriptors for alternatives.
        put::<2, _>(to, AuditReturn::Descriptor(descriptor));
        Ok(())
    }

    pub(super) fn statistic_name(&mut self) -> Scanned<crate::message::ItemName<'a>> {
        self.item_name(Kind::Statistic).map(|(name, _)| name)
    }
}

const fn is_context_property(token: Token) -> bool {
    matches!(
        token,
        Token::Priority
            | Token::Emergency
            | Token::EmergencyOff
            | Token::Topology
            | Token::Ieps
            | Token::ContextAttr
    )
}

impl AmmDescriptor<'_> {
    /// A bit for each kind, to see a second one.
    pub(crate) const fn bit(&self) -> u16 {
        1 << match self {
            Self::Media(_) => 0,
            Self::Modem(_) => 1,
            Self::Mux(_) => 2,
            Self::Events(_) => 3,
            Self::EventBuffer(_) => 4,
            Self::Signals(_) => 5,
            Self::DigitMap(_) => 6,
            Self::Statistics(_) => 7,
        }
    }
}
