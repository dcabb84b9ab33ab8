//! Media, modem, mux, packages, statistics and properties as BER.

use super::{SEQUENCE, Writer, Written};
use crate::binary::value::{id, item_octets, write, write_setting, write_text};
use crate::error::EncodeError;
use crate::message::{
    AmmDescriptor, BufferControl, Description, LineRef, LineValueRef, LocalControl, Media, Modem, ModemType,
    Mux, MuxType, PackageVersion, Property, ServiceState, Setting, Statistic, StreamMode, StreamParameters,
    Streams, TerminationState, Version,
};
use crate::package::{self, Kind, Type};

/// The number of a mode.
pub(super) const fn stream_mode(mode: StreamMode) -> u8 {
    match mode {
        StreamMode::SendOnly => 0,
        StreamMode::ReceiveOnly => 1,
        StreamMode::SendReceive => 2,
        StreamMode::Inactive => 3,
        StreamMode::Loopback => 4,
    }
}

/// The number of a service state.
pub(super) const fn service_state(state: ServiceState) -> u8 {
    match state {
        ServiceState::Test => 0,
        ServiceState::OutOfService => 1,
        ServiceState::InService => 2,
    }
}

impl Writer<'_, '_> {
    /// A descriptor with the tags of commands, which begin at `first` with media.
    pub(super) fn descriptor(&mut self, descriptor: &AmmDescriptor<'_>, first: u8) -> Written {
        match descriptor {
            AmmDescriptor::Media(media) => self.media(first, media),
            AmmDescriptor::Modem(modem) => self.modem(first + 1, modem),
            AmmDescriptor::Mux(mux) => self.mux(first + 2, mux),
            AmmDescriptor::Events(events) => self.events(first + 3, events),
            AmmDescriptor::EventBuffer(events) => self.list(first + 4, events, Self::event_spec),
            AmmDescriptor::Signals(signals) => self.signals(first + 5, signals),
            AmmDescriptor::DigitMap(map) => self.digit_map(first + 6, map),
            AmmDescriptor::Statistics(statistics) => {
                if statistics.is_empty() {
                    self.needs(Version::V3, "a statistics descriptor without anything in it")?;
                }
                self.statistics(first + 8, statistics)
            }
        }
    }

    fn media(&mut self, tag: u8, media: &Media<'_>) -> Written {
        let start = self.sink.open(tag);
        if let Some(state) = &media.state {
            self.termination_state(state)?;
        }
        match &media.streams {
            Streams::None => {}
            Streams::One(parameters) => {
                let choice = self.sink.open(0xa1);
                self.stream_parameters(0xa0, parameters)?;
                self.sink.close(choice);
            }
            Streams::Many(streams) => {
                let choice = self.sink.open(0xa1);
                self.list(0xa1, streams, |writer, stream| {
                    let start = writer.sink.open(SEQUENCE);
                    writer.sink.integer(0x80, stream.id.0.into());
                    writer.stream_parameters(0xa1, &stream.parameters)?;
                    writer.sink.close(start);
                    Ok(())
                })?;
                self.sink.close(choice);
            }
        }
        self.sink.close(start);
        Ok(())
    }

    fn stream_parameters(&mut self, tag: u8, parameters: &StreamParameters<'_>) -> Written {
        let start = self.sink.open(tag);
        if let Some(control) = &parameters.control {
            self.local_control(control)?;
        }
        if let Some(local) = &parameters.local {
            self.description(0xa1, local)?;
        }
        if let Some(remote) = &parameters.remote {
            self.description(0xa2, remote)?;
        }
        if let Some(statistics) = &parameters.statistics {
            self.needs(Version::V3, "statistics of a stream")?;
            self.statistics(0xa3, statistics)?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn local_control(&mut self, control: &LocalControl<'_>) -> Written {
        let start = self.sink.open(0xa0);
        if let Some(mode) = control.mode {
            self.sink.primitive(0x80, &[stream_mode(mode)]);
        }
        for (tag, reserve) in [(0x81, control.reserve_value), (0x82, control.reserve_group)] {
            if let Some(reserve) = reserve {
                self.sink.boolean(tag, reserve);
            }
        }
        self.properties(0xa3, &control.properties)?;
        self.sink.close(start);
        Ok(())
    }

    fn termination_state(&mut self, state: &TerminationState<'_>) -> Written {
        let start = self.sink.open(0xa0);
        self.properties(0xa0, &state.properties)?;
        if let Some(buffer) = state.buffer {
            self.sink.primitive(0x81, &[u8::from(buffer == BufferControl::LockStep)]);
        }
        if let Some(service) = state.service {
            self.sink.primitive(0x82, &[service_state(service)]);
        }
        self.sink.close(start);
        Ok(())
    }

    fn properties(&mut self, tag: u8, properties: &[Property<'_>]) -> Written {
        self.list(tag, properties, |writer, property| writer.property(SEQUENCE, property))
    }

    pub(super) fn property(&mut self, tag: u8, property: &Property<'_>) -> Written {
        let start = self.sink.open(tag);
        self.sink.primitive(0x80, &item_octets(property.name)?);
        let kind = package::item(Kind::Property, property.name).map_or(Type::None, |row| row.kind);
        let form = self.form();
        write_setting(&mut self.sink, &property.setting, kind, form)?;
        self.sink.close(start);
        Ok(())
    }

    fn description(&mut self, tag: u8, description: &Description<'_>) -> Written {
        let start = self.sink.open(tag);
        let groups = self.sink.open(0xa0);
        let mut group = None;
        for line in description.lines() {
            let Ok(line) = line else {
                return Err(EncodeError::Form {
                    what: "a line of a session description that is not of SDP's form",
                    why: "binary has tags for the lines of SDP",
                });
            };
            if line.is_first {
                if let Some(group) = group {
                    self.sink.close(group);
                }
                group = Some(self.sink.open(SEQUENCE));
            }
            self.line(line)?;
        }
        if let Some(group) = group {
            self.sink.close(group);
        }
        self.sink.close(groups);
        self.sink.close(start);
        Ok(())
    }

    fn line(&mut self, line: LineRef<'_, '_>) -> Written {
        let start = self.sink.open(SEQUENCE);
        let [high, low] = line.tag.0.to_be_bytes();
        self.sink.primitive(0x80, &[0, 0, high, low]);
        let form = self.form();
        match line.value {
            LineValueRef::Text(text) => {
                let values = self.sink.open(0xa1);
                write_text(&mut self.sink, text, form);
                self.sink.close(values);
            }
            LineValueRef::Setting(setting) => write_setting(&mut self.sink, setting, Type::None, form)?,
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn statistics(&mut self, tag: u8, statistics: &[Statistic<'_>]) -> Written {
        self.list(tag, statistics, |writer, statistic| {
            let start = writer.sink.open(SEQUENCE);
            writer.sink.primitive(0x80, &item_octets(statistic.name)?);
            let kind = package::item(Kind::Statistic, statistic.name).map_or(Type::None, |row| row.kind);
            let form = writer.form();
            match &statistic.value {
                None => {}
                Some(Setting::One(value)) => {
                    let values = writer.sink.open(0xa1);
                    write(&mut writer.sink, value, kind, form)?;
                    writer.sink.close(values);
                }
                Some(Setting::All(list)) if list.len() > 1 => {
                    let values = writer.sink.open(0xa1);
                    list.iter().try_for_each(|value| write(&mut writer.sink, value, kind, form))?;
                    writer.sink.close(values);
                }
                Some(_) => {
                    return Err(EncodeError::Illegal { what: "a statistic that is no value and no list" });
                }
            }
            writer.sink.close(start);
            Ok(())
        })
    }

    fn modem(&mut self, tag: u8, modem: &Modem<'_>) -> Written {
        if modem.types.is_empty() {
            return Err(EncodeError::Illegal { what: "a modem without type" });
        }
        let start = self.sink.open(tag);
        self.list(0xa0, &modem.types, |writer, kind| {
            let number = match kind {
                ModemType::V18 => 0,
                ModemType::V22 => 1,
                ModemType::V22bis => 2,
                ModemType::V32 => 3,
                ModemType::V32bis => 4,
                ModemType::V34 => 5,
                ModemType::V90 => 6,
                ModemType::V91 => 7,
                ModemType::SynchIsdn => 8,
                ModemType::Extension(_) => {
                    return Err(EncodeError::Form {
                        what: "a modem of an extension",
                        why: "binary has no name for it",
                    });
                }
            };
            writer.sink.primitive(0x0a, &[number]);
            Ok(())
        })?;
        self.properties(0xa1, &modem.properties)?;
        if let Some(non_standard) = &modem.non_standard {
            self.non_standard(0xa2, non_standard)?;
        }
        self.sink.close(start);
        Ok(())
    }

    fn mux(&mut self, tag: u8, mux: &Mux<'_>) -> Written {
        let number = match mux.kind {
            MuxType::H221 => 0,
            MuxType::H223 => 1,
            MuxType::H226 => 2,
            MuxType::V76 => 3,
            MuxType::Nx64k => {
                self.needs(Version::V2, "a multiplex of 64 kbit/s channels")?;
                4
            }
            MuxType::Extension(_) => {
                return Err(EncodeError::Form {
                    what: "a mux of an extension",
                    why: "binary has no name for it",
                });
            }
        };
        let start = self.sink.open(tag);
        self.sink.primitive(0x80, &[number]);
        self.any_terminations(0xa1, &mux.terminations)?;
        if let Some(non_standard) = &mux.non_standard {
            self.non_standard(0xa2, non_standard)?;
        }
        self.sink.close(start);
        Ok(())
    }

    pub(super) fn package_version(&mut self, tag: u8, package: PackageVersion<'_>) -> Written {
        let start = self.sink.open(tag);
        self.sink.primitive(0x80, &id("package", package.package)?.to_be_bytes());
        self.sink.integer(0x81, package.version.into());
        self.sink.close(start);
        Ok(())
    }
}
