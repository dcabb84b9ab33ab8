//! Audits of descriptors, of parts of them, and of contexts as text.

use super::{Writer, Written};
use crate::error::EncodeError;
use crate::message::{
    AuditDescriptor, AuditItem, AuditItems, ContextAudit, IndividualAudit, IndividualControl,
    IndividualDescription, IndividualMedia, IndividualProperty, IndividualSignal, IndividualSignals,
    IndividualState, IndividualStream, IndividualStreams, RequestId, SelectLogic, Selected, Signal, Version,
};
use crate::package::{Kind, Type};
use crate::token::Token;

const fn token(item: AuditItem) -> Token {
    match item {
        AuditItem::Mux => Token::Mux,
        AuditItem::Modem => Token::Modem,
        AuditItem::Media => Token::Media,
        AuditItem::Events => Token::Events,
        AuditItem::Signals => Token::Signals,
        AuditItem::DigitMap => Token::DigitMap,
        AuditItem::Statistics => Token::Statistics,
        AuditItem::ObservedEvents => Token::ObservedEvents,
        AuditItem::Packages => Token::Packages,
        AuditItem::EventBuffer => Token::EventBuffer,
    }
}

impl Writer<'_> {
    pub(super) fn items(&mut self, items: AuditItems) {
        for item in items.iter() {
            self.item_token(token(item));
        }
    }

    pub(super) fn audit_descriptor(&mut self, audit: &AuditDescriptor<'_>) -> Written {
        self.item_token(Token::Audit);
        self.open();
        self.audit_items(audit)?;
        self.close();
        Ok(())
    }

    /// The items of an audit, within braces.
    pub(super) fn audit_items(&mut self, audit: &AuditDescriptor<'_>) -> Written {
        self.items(audit.items);
        for individual in &audit.individual {
            self.needs(Version::V2, "the audit of a part of a descriptor")?;
            self.individual(individual)?;
        }
        Ok(())
    }

    fn individual(&mut self, individual: &IndividualAudit<'_>) -> Written {
        match individual {
            IndividualAudit::Media(media) => self.individual_media(media),
            IndividualAudit::Events(events) => {
                if events.stream.is_some() {
                    return Err(EncodeError::Form {
                        what: "the stream of an audited event",
                        why: "text has no place for it",
                    });
                }
                self.item_token(Token::Events);
                if let Some(request) = events.request {
                    self.equal();
                    match request {
                        RequestId::ALL => self.raw(b"*"),
                        other => self.number(other.get()),
                    }
                }
                self.open();
                self.item();
                self.item_name(Kind::Event, events.name);
                self.close();
                Ok(())
            }
            IndividualAudit::EventBuffer(name, stream) => {
                self.item_token(Token::EventBuffer);
                self.open();
                self.item();
                self.item_name(Kind::Event, *name);
                if let Some(stream) = stream {
                    self.open();
                    self.item_number(Token::Stream, Some(stream.0.into()));
                    self.close();
                }
                self.close();
                Ok(())
            }
            IndividualAudit::Signals(signals) => {
                self.item_token(Token::Signals);
                self.open();
                self.item();
                match signals {
                    IndividualSignals::Signal(signal) => self.individual_signal(*signal)?,
                    IndividualSignals::List(id, signal) => {
                        self.token(Token::SignalList);
                        self.equal();
                        self.number((*id).into());
                        if let Some(signal) = signal {
                            self.open();
                            self.item();
                            self.individual_signal(*signal)?;
                            self.close();
                        }
                    }
                }
                self.close();
                Ok(())
            }
            IndividualAudit::DigitMap(name) => {
                self.item_equal(Token::DigitMap);
                self.name(*name, None);
                Ok(())
            }
            IndividualAudit::Statistics(name) => {
                self.item_token(Token::Statistics);
                self.open();
                self.item();
                self.item_name(Kind::Statistic, *name);
                self.close();
                Ok(())
            }
            IndividualAudit::Packages(package) => self.packages(std::slice::from_ref(package)),
        }
    }

    fn individual_signal(&mut self, signal: IndividualSignal<'_>) -> Written {
        let IndividualSignal { name, stream, request } = signal;
        self.signal(&Signal { stream, request, ..Signal::new(name) })
    }

    fn individual_media(&mut self, media: &IndividualMedia<'_>) -> Written {
        self.item_token(Token::Media);
        self.open();
        if let Some(state) = &media.state {
            self.individual_state(state)?;
        }
        match &media.streams {
            IndividualStreams::None => {}
            IndividualStreams::One(stream) => self.individual_stream(stream)?,
            IndividualStreams::Many(streams) => {
                for (id, stream) in streams {
                    self.item_equal(Token::Stream);
                    self.number(id.0.into());
                    self.open();
                    self.individual_stream(stream)?;
                    self.close_some()?;
                }
            }
        }
        self.close_some()
    }

    fn close_some(&mut self) -> Written {
        if self.is_first {
            return Err(EncodeError::Form {
                what: "an audit of a part without saying which",
                why: "the text form wants at least one item",
            });
        }
        self.close();
        Ok(())
    }

    fn individual_state(&mut self, state: &IndividualState<'_>) -> Written {
        self.item_token(Token::TerminationState);
        self.open();
        match state.service {
            Some(Selected::Asked) => self.item_token(Token::ServiceStates),
            Some(Selected::When(service)) => {
                self.needs(Version::V3, "an audit that selects by service state")?;
                self.item_equal(Token::ServiceStates);
                self.service_state(service);
            }
            None => {}
        }
        if state.is_buffer {
            self.item_token(Token::Buffer);
        }
        self.individual_properties(&state.properties)?;
        self.close_some()
    }

    fn individual_stream(&mut self, stream: &IndividualStream<'_>) -> Written {
        if let Some(control) = &stream.control {
            self.individual_control(control)?;
        }
        for (asked, token) in [(&stream.local, Token::Local), (&stream.remote, Token::Remote)] {
            let Some(asked) = asked else { continue };
            self.needs(Version::V3, "an audit of a session description alone")?;
            if *asked != IndividualDescription::default() {
                return Err(EncodeError::Form {
                    what: "an audit of lines of a session description",
                    why: "text has the whole only",
                });
            }
            self.item_token(token);
        }
        if let Some(name) = stream.statistics {
            self.needs(Version::V3, "an audit of a stream's statistic")?;
            self.item_token(Token::Statistics);
            self.open();
            self.item();
            self.item_name(Kind::Statistic, name);
            self.close();
        }
        Ok(())
    }

    fn individual_control(&mut self, control: &IndividualControl<'_>) -> Written {
        self.item_token(Token::LocalControl);
        self.open();
        match control.mode {
            Some(Selected::Asked) => self.item_token(Token::Mode),
            Some(Selected::When(mode)) => {
                self.needs(Version::V3, "an audit that selects by mode")?;
                self.item_equal(Token::Mode);
                self.stream_mode(mode);
            }
            None => {}
        }
        if control.is_reserve_value {
            self.item_token(Token::ReservedValue);
        }
        if control.is_reserve_group {
            self.item_token(Token::ReservedGroup);
        }
        self.individual_properties(&control.properties)?;
        self.close_some()
    }

    fn individual_properties(&mut self, properties: &[IndividualProperty<'_>]) -> Written {
        for property in properties {
            self.item();
            let row = self.item_name(Kind::Property, property.name);
            if let Some(when) = &property.when {
                self.needs(Version::V3, "an audit that selects by a property")?;
                self.setting(when, row.map_or(Type::None, |row| row.kind))?;
            }
        }
        Ok(())
    }

    pub(super) fn context_audit(&mut self, audit: &ContextAudit<'_>) -> Written {
        self.item_token(Token::ContextAudit);
        self.open();
        for (is_asked, token) in [
            (audit.is_topology, Token::Topology),
            (audit.is_emergency, Token::Emergency),
            (audit.is_priority, Token::Priority),
        ] {
            if is_asked {
                self.item_token(token);
            }
        }
        let is_selecting =
            audit.when_priority.is_some() || audit.when_emergency.is_some() || audit.when_ieps.is_some();
        if audit.is_ieps || is_selecting || audit.logic.is_some() || !audit.properties.is_empty() {
            self.needs(Version::V3, "an audit of contexts by property or condition")?;
        }
        if audit.is_ieps {
            self.item_token(Token::Ieps);
        }
        self.individual_properties(&audit.properties)?;
        self.item_number(Token::Priority, audit.when_priority.map(Into::into));
        if let Some(emergency) = audit.when_emergency {
            self.item_equal(Token::EmergencyValue);
            self.token(if emergency { Token::Emergency } else { Token::EmergencyOff });
        }
        if let Some(ieps) = audit.when_ieps {
            self.item_equal(Token::Ieps);
            self.token(if ieps { Token::On } else { Token::Off });
        }
        match audit.logic {
            Some(SelectLogic::And) => self.item_token(Token::AndLogic),
            Some(SelectLogic::Or) => self.item_token(Token::OrLogic),
            None => {}
        }
        self.close_some()
    }
}
