//! Audits of descriptors, of parts of them, and of contexts as BER.

use super::descriptor::{service_state, stream_mode};
use super::{SEQUENCE, Writer, Written};
use crate::binary::value::item_octets;
use crate::message::{
    AuditDescriptor, ContextAudit, IndividualAudit, IndividualControl, IndividualDescription,
    IndividualMedia, IndividualProperty, IndividualSignal, IndividualSignals, IndividualState,
    IndividualStream, IndividualStreams, ItemName, Property, RequestId, SelectLogic, Selected, StreamId,
    Version,
};

impl Writer<'_, '_> {
    pub(super) fn audit_descriptor(&mut self, tag: u8, audit: &AuditDescriptor<'_>) -> Written {
        let start = self.sink.open(tag);
        if !audit.items.is_empty() {
            self.sink.bits(0x80, audit.items.bits());
        }
        if !audit.individual.is_empty() {
            self.needs(Version::V2, "the audit of a part of a descriptor")?;
            self.list(0xa1, &audit.individual, Self::individual)?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn individual(&mut self, individual: &IndividualAudit<'_>) -> Written {
        match individual {
            IndividualAudit::Media(media) => self.individual_media(media),
            IndividualAudit::Events(events) => {
                let start = self.sink.open(0xa1);
                self.optional(0x80, events.request.map(RequestId::get));
                self.sink.primitive(0x81, &item_octets(events.name)?);
                self.optional(0x82, events.stream.map(|stream| stream.0.into()));
                self.sink.close(start);
                Ok(())
            }
            IndividualAudit::EventBuffer(name, stream) => self.name_and_stream(0xa2, *name, *stream, None),
            IndividualAudit::Signals(signals) => {
                let choice = self.sink.open(0xa3);
                match signals {
                    IndividualSignals::Signal(signal) => self.individual_signal(0xa0, *signal)?,
                    IndividualSignals::List(id, signal) => {
                        let start = self.sink.open(0xa1);
                        self.sink.integer(0x80, (*id).into());
                        if let Some(signal) = signal {
                            self.individual_signal(0xa1, *signal)?;
                        }
                        self.sink.close(start);
                    }
                }
                self.sink.close(choice);
                Ok(())
            }
            IndividualAudit::DigitMap(name) => {
                let start = self.sink.open(0xa4);
                self.map_name(0x80, *name)?;
                self.sink.close(start);
                Ok(())
            }
            IndividualAudit::Statistics(name) => self.name_and_stream(0xa5, *name, None, None),
            IndividualAudit::Packages(package) => self.package_version(0xa6, *package),
        }
    }

    fn name_and_stream(
        &mut self,
        tag: u8,
        name: ItemName<'_>,
        stream: Option<StreamId>,
        request: Option<RequestId>,
    ) -> Written {
        let start = self.sink.open(tag);
        self.sink.primitive(0x80, &item_octets(name)?);
        self.optional(0x81, stream.map(|stream| stream.0.into()));
        if let Some(request) = request {
            self.needs(Version::V3, "the request's number of a signal")?;
            self.sink.integer(0x82, request.get().into());
        }
        self.sink.close(start);
        Ok(())
    }

    fn individual_signal(&mut self, tag: u8, signal: IndividualSignal<'_>) -> Written {
        self.name_and_stream(tag, signal.name, signal.stream, signal.request)
    }

    fn individual_media(&mut self, media: &IndividualMedia<'_>) -> Written {
        let start = self.sink.open(0xa0);
        if let Some(state) = &media.state {
            self.individual_state(state)?;
        }
        match &media.streams {
            IndividualStreams::None => {}
            IndividualStreams::One(stream) => {
                let choice = self.sink.open(0xa1);
                self.individual_stream(0xa0, stream)?;
                self.sink.close(choice);
            }
            IndividualStreams::Many(streams) => {
                let choice = self.sink.open(0xa1);
                self.list(0xa1, streams, |writer, (id, stream)| {
                    let start = writer.sink.open(SEQUENCE);
                    writer.sink.integer(0x80, id.0.into());
                    writer.individual_stream(0xa1, stream)?;
                    writer.sink.close(start);
                    Ok(())
                })?;
                self.sink.close(choice);
            }
        }
        self.sink.close(start);
        Ok(())
    }

    fn individual_state(&mut self, state: &IndividualState<'_>) -> Written {
        let start = self.sink.open(0xa0);
        self.list(0xa0, &state.properties, Self::individual_property)?;
        if state.is_buffer {
            self.sink.null(0x81);
        }
        match state.service {
            Some(Selected::Asked) => self.sink.null(0x82),
            Some(Selected::When(service)) => {
                self.needs(Version::V3, "an audit that selects by service state")?;
                self.sink.primitive(0x83, &[service_state(service)]);
            }
            None => {}
        }
        self.sink.close(start);
        Ok(())
    }

    fn individual_stream(&mut self, tag: u8, stream: &IndividualStream<'_>) -> Written {
        let start = self.sink.open(tag);
        if let Some(control) = &stream.control {
            self.individual_control(control)?;
        }
        for (tag, asked) in [(0xa1, &stream.local), (0xa2, &stream.remote)] {
            if let Some(asked) = asked {
                self.individual_description(tag, asked)?;
            }
        }
        if let Some(name) = stream.statistics {
            self.needs(Version::V3, "an audit of a stream's statistic")?;
            self.name_and_stream(0xa3, name, None, None)?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn individual_description(&mut self, tag: u8, asked: &IndividualDescription) -> Written {
        if *asked == IndividualDescription::default() {
            // In text, where the whole alone can be asked for, this is of version 3.
            self.needs(Version::V3, "an audit of a session description alone")?;
        }
        let start = self.sink.open(tag);
        self.optional(0x80, asked.group.map(Into::into));
        self.list(0xa1, &asked.lines, |writer, tag| {
            let start = writer.sink.open(SEQUENCE);
            let [high, low] = tag.0.to_be_bytes();
            writer.sink.primitive(0x80, &[0, 0, high, low]);
            writer.sink.close(start);
            Ok(())
        })?;
        self.sink.close(start);
        Ok(())
    }

    fn individual_control(&mut self, control: &IndividualControl<'_>) -> Written {
        let start = self.sink.open(0xa0);
        if control.mode == Some(Selected::Asked) {
            self.sink.null(0x80);
        }
        if control.is_reserve_value {
            self.sink.null(0x81);
        }
        if control.is_reserve_group {
            self.sink.null(0x82);
        }
        if !control.properties.is_empty() {
            self.list(0xa3, &control.properties, Self::individual_property)?;
        }
        if let Some(Selected::When(mode)) = control.mode {
            self.needs(Version::V3, "an audit that selects by mode")?;
            self.sink.primitive(0x84, &[stream_mode(mode)]);
        }
        self.sink.close(start);
        Ok(())
    }

    fn individual_property(&mut self, property: &IndividualProperty<'_>) -> Written {
        let start = self.sink.open(SEQUENCE);
        self.sink.primitive(0x80, &item_octets(property.name)?);
        if let Some(when) = &property.when {
            self.needs(Version::V3, "an audit that selects by a property")?;
            self.property(0xa1, &Property { name: property.name, setting: when.clone() })?;
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn context_audit(&mut self, audit: &ContextAudit<'_>) -> Written {
        let start = self.sink.open(0xa2);
        for (tag, is_asked) in
            [(0x80, audit.is_topology), (0x81, audit.is_emergency), (0x82, audit.is_priority)]
        {
            if is_asked {
                self.sink.null(tag);
            }
        }
        let is_selecting =
            audit.when_priority.is_some() || audit.when_emergency.is_some() || audit.when_ieps.is_some();
        if audit.is_ieps || is_selecting || audit.logic.is_some() || !audit.properties.is_empty() {
            self.needs(Version::V3, "an audit of contexts by property or condition")?;
        }
        if audit.is_ieps {
            self.sink.null(0x83);
        }
        if !audit.properties.is_empty() {
            self.list(0xa4, &audit.properties, Self::individual_property)?;
        }
        self.optional(0x85, audit.when_priority.map(Into::into));
        for (tag, when) in [(0x86, audit.when_emergency), (0x87, audit.when_ieps)] {
            if let Some(when) = when {
                self.sink.boolean(tag, when);
            }
        }
        if let Some(logic) = audit.logic {
            let choice = self.sink.open(0xa8);
            self.sink.null(if logic == SelectLogic::And { 0x80 } else { 0x81 });
            self.sink.close(choice);
        }
        self.sink.close(start);
        Ok(())
    }
}
