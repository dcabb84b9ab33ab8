//! Audits of whole descriptors, of parts of them, and of contexts (RFC 3525 section 7.1.11; versions 2 and 3 from their
//! grammars).

use super::scan::{Scanned, Scanner, put};
use crate::error::Rule;
use crate::message::{
    AuditDescriptor, AuditItem, ContextAudit, IndividualAudit, IndividualControl, IndividualDescription,
    IndividualEvents, IndividualMedia, IndividualProperty, IndividualSignal, IndividualSignals,
    IndividualState, IndividualStream, IndividualStreams, SelectLogic, Selected, StreamId,
};
use crate::package::{Kind, Type};
use crate::token::Token;

/// The whole descriptor that a token names in an audit.
pub(super) const fn item(token: Token) -> Option<AuditItem> {
    Some(match token {
        Token::Mux => AuditItem::Mux,
        Token::Modem => AuditItem::Modem,
        Token::Media => AuditItem::Media,
        Token::Events => AuditItem::Events,
        Token::Signals => AuditItem::Signals,
        Token::DigitMap => AuditItem::DigitMap,
        Token::Statistics => AuditItem::Statistics,
        Token::ObservedEvents => AuditItem::ObservedEvents,
        Token::Packages => AuditItem::Packages,
        Token::EventBuffer => AuditItem::EventBuffer,
        _ => return None,
    })
}

impl<'a> Scanner<'a> {
    /// What stands in braces behind the token.
    pub(super) fn audit_descriptor(&mut self) -> Scanned<AuditDescriptor<'a>> {
        let mut audit = AuditDescriptor::default();
        self.open()?;
        if self.peek() == Some(b'}') {
            self.close()?;
            return Ok(audit);
        }
        self.items(|scanner| {
            let token = scanner.token(Rule::Audit)?;
            scanner.audit_item(token, &mut audit)
        })?;
        Ok(audit)
    }

    /// An item of an audit behind its token.
    pub(super) fn audit_item(&mut self, token: Token, to: &mut AuditDescriptor<'a>) -> Scanned<()> {
        let Some(item) = item(token) else { return self.fault_from(self.at(), Rule::Audit) };
        if matches!(self.peek(), Some(b',' | b'}') | None) {
            to.items = to.items.with(item);
            return Ok(());
        }
        if let Some(individual) = self.individual(token)? {
            put::<1, _>(&mut to.individual, individual);
        } else {
            to.items = to.items.with(item);
        }
        Ok(())
    }

    fn individual(&mut self, token: Token) -> Scanned<Option<IndividualAudit<'a>>> {
        Ok(Some(match token {
            Token::Media => IndividualAudit::Media(Box::new(self.individual_media()?)),
            Token::Events => {
                let request = if self.eat(b'=') { Some(self.request_id()?) } else { None };
                self.open()?;
                let (name, _) = self.item_name(Kind::Event)?;
                self.close()?;
                IndividualAudit::Events(IndividualEvents { request, name, stream: None })
            }
            Token::EventBuffer => {
                self.open()?;
                let (name, _) = self.item_name(Kind::Event)?;
                let mut stream = None;
                if self.peek() == Some(b'{') {
                    self.open()?;
                    if self.token(Rule::Audit)? != Token::Stream {
                        return self.fault_from(self.at(), Rule::Audit);
                    }
                    self.equal()?;
                    stream = Some(StreamId(self.number16(Rule::StreamId)?));
                    self.close()?;
                }
                self.close()?;
                IndividualAudit::EventBuffer(name, stream)
            }
            Token::Signals => {
                self.open()?;
                if self.peek() == Some(b'}') {
                    self.close()?;
                    return Ok(None);
                }
                let signals = self.individual_signals()?;
                self.close()?;
                IndividualAudit::Signals(signals)
            }
            Token::DigitMap => {
                self.equal()?;
                IndividualAudit::DigitMap(self.map_name()?)
            }
            Token::Statistics => {
                self.open()?;
                let name = self.statistic_name()?;
                self.close()?;
                IndividualAudit::Statistics(name)
            }
            Token::Packages => {
                self.open()?;
                let package = self.package_version()?;
                self.close()?;
                IndividualAudit::Packages(package)
            }
            _ => return self.fault_from(self.at(), Rule::Audit),
        }))
    }

    fn individual_signals(&mut self) -> Scanned<IndividualSignals<'a>> {
        self.space();
        let start = self.at();
        let word = self.word(Rule::ItemName)?;
        if Token::find(word) == Some(Token::SignalList) && self.peek() == Some(b'=') {
            self.equal()?;
            let id = self.number16(Rule::Number16)?;
            let mut signal = None;
            if self.peek() == Some(b'{') {
                self.open()?;
                signal = Some(self.individual_signal()?);
                self.close()?;
            }
            return Ok(IndividualSignals::List(id, signal));
        }
        self.go_back(start);
        self.individual_signal().map(IndividualSignals::Signal)
    }

    fn individual_signal(&mut self) -> Scanned<IndividualSignal<'a>> {
        let start = self.at();
        let signal = self.signal()?;
        let only = IndividualSignal { name: signal.name, stream: signal.stream, request: signal.request };
        let plain = crate::message::Signal {
            stream: only.stream,
            request: only.request,
            ..crate::message::Signal::new(only.name)
        };
        if signal == plain { Ok(only) } else { self.fault_from(start, Rule::Audit) }
    }

    fn individual_media(&mut self) -> Scanned<IndividualMedia<'a>> {
        let mut media = IndividualMedia::default();
        self.braced(|scanner| {
            let token = scanner.token(Rule::Media)?;
            match token {
                Token::TerminationState if media.state.is_none() => {
                    media.state = Some(scanner.individual_state()?);
                }
                Token::Stream => {
                    scanner.equal()?;
                    let id = StreamId(scanner.number16(Rule::StreamId)?);
                    let mut stream = IndividualStream::default();
                    scanner.braced(|scanner| {
                        let token = scanner.token(Rule::Media)?;
                        scanner.individual_stream(token, &mut stream)
                    })?;
                    match &mut media.streams {
                        IndividualStreams::None => {
                            media.streams = IndividualStreams::Many(vec![(id, stream)]);
                        }
                        IndividualStreams::Many(streams) => streams.push((id, stream)),
                        IndividualStreams::One(_) => return scanner.fault_from(scanner.at(), Rule::Media),
                    }
                }
                _ => {
                    if matches!(media.streams, IndividualStreams::None) {
                        media.streams = IndividualStreams::One(IndividualStream::default());
                    }
                    let IndividualStreams::One(stream) = &mut media.streams else {
                        return scanner.fault_from(scanner.at(), Rule::Media);
                    };
                    scanner.individual_stream(token, stream)?;
                }
            }
            Ok(())
        })?;
        Ok(media)
    }

    fn individual_stream(&mut self, token: Token, to: &mut IndividualStream<'a>) -> Scanned<()> {
        match token {
            Token::LocalControl if to.control.is_none() => to.control = Some(self.individual_control()?),
            Token::Local if matches!(self.peek(), Some(b',' | b'}')) => {
                to.local = Some(IndividualDescription::default());
            }
            Token::Remote if matches!(self.peek(), Some(b',' | b'}')) => {
                to.remote = Some(IndividualDescription::default());
            }
            Token::Statistics if to.statistics.is_none() => {
                self.open()?;
                to.statistics = Some(self.statistic_name()?);
                self.close()?;
            }
            _ => return self.fault_from(self.at(), Rule::Media),
        }
        Ok(())
    }

    fn individual_control(&mut self) -> Scanned<IndividualControl<'a>> {
        let mut control = IndividualControl::default();
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::LocalControl)?;
            match Token::find(word) {
                Some(Token::Mode) if control.mode.is_none() => {
                    control.mode = Some(if scanner.eat(b'=') {
                        Selected::When(scanner.stream_mode()?)
                    } else {
                        Selected::Asked
                    });
                }
                Some(Token::ReservedValue) => control.is_reserve_value = true,
                Some(Token::ReservedGroup) => control.is_reserve_group = true,
                _ => {
                    scanner.go_back(start);
                    control.properties.push(scanner.individual_property()?);
                }
            }
            Ok(())
        })?;
        Ok(control)
    }

    fn individual_state(&mut self) -> Scanned<IndividualState<'a>> {
        let mut state = IndividualState::default();
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::TerminationState)?;
            match Token::find(word) {
                Some(Token::ServiceStates) if state.service.is_none() => {
                    state.service = Some(if scanner.eat(b'=') {
                        Selected::When(scanner.service_state()?)
                    } else {
                        Selected::Asked
                    });
                }
                Some(Token::Buffer) => state.is_buffer = true,
                _ => {
                    scanner.go_back(start);
                    state.properties.push(scanner.individual_property()?);
                }
            }
            Ok(())
        })?;
        Ok(state)
    }

    fn individual_property(&mut self) -> Scanned<IndividualProperty<'a>> {
        let (name, row) = self.item_name(Kind::Property)?;
        let mut when = None;
        if !matches!(self.peek(), Some(b',' | b'}') | None) {
            when = Some(self.setting(row.map_or(Type::None, |row| row.kind))?);
        }
        Ok(IndividualProperty { name, when })
    }

    /// What of a context is asked for, behind the token.
    pub(super) fn context_audit(&mut self) -> Scanned<ContextAudit<'a>> {
        let mut audit = ContextAudit::default();
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::ContextProperty)?;
            let is_asked = matches!(scanner.peek(), Some(b',' | b'}') | None);
            match (Token::find(word), is_asked) {
                (Some(Token::Topology), true) => audit.is_topology = true,
                (Some(Token::Emergency), true) => audit.is_emergency = true,
                (Some(Token::Priority), true) => audit.is_priority = true,
                (Some(Token::Ieps), true) => audit.is_ieps = true,
                (Some(Token::AndLogic), true) => audit.logic = Some(SelectLogic::And),
                (Some(Token::OrLogic), true) => audit.logic = Some(SelectLogic::Or),
                (Some(Token::Priority), false) => audit.when_priority = Some(scanner.priority()?),
                (Some(Token::Ieps), false) => {
                    scanner.equal()?;
                    audit.when_ieps = Some(scanner.on_off()?);
                }
                (Some(Token::EmergencyValue), false) => {
                    scanner.equal()?;
                    audit.when_emergency = Some(match scanner.token(Rule::ContextProperty)? {
                        Token::Emergency => true,
                        Token::EmergencyOff => false,
                        _ => return scanner.fault_from(start, Rule::ContextProperty),
                    });
                }
                (Some(Token::ContextAttr), false) => {
                    scanner.braced(|scanner| {
                        audit.properties.push(scanner.individual_property()?);
                        Ok(())
                    })?;
                }
                _ => {
                    scanner.go_back(start);
                    audit.properties.push(scanner.individual_property()?);
                }
            }
            Ok(())
        })?;
        Ok(audit)
    }
}
