//! Media, modem, mux, packages, statistics, properties and settings as text.

use super::{Writer, Written};
use crate::error::EncodeError;
use crate::message::{
    AmmDescriptor, BufferControl, Description, ItemName, LineValueRef, LocalControl, Media, Modem, ModemType,
    Mux, MuxType, Name, PackageVersion, Property, Relation, ServiceState, Setting, Statistic, StreamMode,
    StreamParameters, Streams, TerminationState, Value, Version,
};
use crate::package::{self, Kind, Type, write_name, write_value};
use crate::token::Token;

impl Writer<'_> {
    pub(super) fn descriptor(&mut self, descriptor: &AmmDescriptor<'_>) -> Written {
        match descriptor {
            AmmDescriptor::Media(media) => self.media(media),
            AmmDescriptor::Modem(modem) => self.modem(modem),
            AmmDescriptor::Mux(mux) => self.mux(mux),
            AmmDescriptor::Events(events) => {
                self.item_token(Token::Events);
                self.events(events)
            }
            AmmDescriptor::EventBuffer(events) => self.event_buffer(events),
            AmmDescriptor::Signals(signals) => {
                self.item_token(Token::Signals);
                self.signals(signals)
            }
            AmmDescriptor::DigitMap(map) => self.digit_map(map),
            AmmDescriptor::Statistics(statistics) => self.statistics(statistics),
        }
    }

    fn media(&mut self, media: &Media<'_>) -> Written {
        self.item_token(Token::Media);
        self.open();
        if let Some(state) = &media.state {
            self.termination_state(state)?;
        }
        match &media.streams {
            Streams::None => {}
            Streams::One(parameters) => self.stream_parameters(parameters)?,
            Streams::Many(streams) => {
                for stream in streams {
                    self.item_equal(Token::Stream);
                    self.number(stream.id.0.into());
                    self.open();
                    self.stream_parameters(&stream.parameters)?;
                    self.close_full("a stream without anything in it")?;
                }
            }
        }
        self.close_full("a media descriptor without anything in it")
    }

    /// Closes braces in which the grammar wants at least one item.
    fn close_full(&mut self, what: &'static str) -> Written {
        if self.is_first {
            return Err(EncodeError::Form { what, why: "the text form wants at least one item" });
        }
        self.close();
        Ok(())
    }

    fn stream_parameters(&mut self, parameters: &StreamParameters<'_>) -> Written {
        if let Some(control) = &parameters.control {
            self.local_control(control)?;
        }
        if let Some(local) = &parameters.local {
            self.item_token(Token::Local);
            self.description(local)?;
        }
        if let Some(remote) = &parameters.remote {
            self.item_token(Token::Remote);
            self.description(remote)?;
        }
        if let Some(statistics) = &parameters.statistics {
            self.needs(Version::V3, "statistics of a stream")?;
            self.statistics(statistics)?;
        }
        Ok(())
    }

    fn local_control(&mut self, control: &LocalControl<'_>) -> Written {
        self.item_token(Token::LocalControl);
        self.open();
        if let Some(mode) = control.mode {
            self.item_equal(Token::Mode);
            self.stream_mode(mode);
        }
        for (token, reserve) in
            [(Token::ReservedValue, control.reserve_value), (Token::ReservedGroup, control.reserve_group)]
        {
            if let Some(reserve) = reserve {
                self.item_equal(token);
                self.token(if reserve { Token::On } else { Token::Off });
            }
        }
        self.properties(&control.properties)?;
        self.close_full("a local control without anything in it")
    }

    pub(super) fn stream_mode(&mut self, mode: StreamMode) {
        self.token(match mode {
            StreamMode::SendOnly => Token::SendOnly,
            StreamMode::ReceiveOnly => Token::ReceiveOnly,
            StreamMode::SendReceive => Token::SendReceive,
            StreamMode::Inactive => Token::Inactive,
            StreamMode::Loopback => Token::Loopback,
        });
    }

    fn description(&mut self, description: &Description<'_>) -> Written {
        self.raw(if self.is_pretty { b" {\n" } else { b"{\n" });
        if let Some(text) = description.as_text() {
            self.escaped(text);
            if !text.is_empty() && !text.ends_with(b"\n") {
                self.raw(b"\n");
            }
        } else {
            let mut is_begun = false;
            for line in description.lines() {
                let line =
                    line.map_err(|_| EncodeError::Illegal { what: "a line of a session description" })?;
                let (Some(letter), LineValueRef::Text(value)) = (line.tag.letter(), line.value) else {
                    return Err(EncodeError::Form {
                        what: "a property of Annex C in a session description",
                        why: "text has SDP only",
                    });
                };
                // Blocks are told apart by their first lines (section 7.1.8).
                if line.is_first && is_begun && letter != b'v' {
                    self.raw(b"v=0\r\n");
                }
                is_begun = true;
                self.out.extend_from_slice(&[letter, b'=']);
                self.escaped(value);
                self.raw(b"\r\n");
            }
        }
        self.raw(b"}");
        Ok(())
    }

    /// Text in which `}` is escaped.
    fn escaped(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some((before, after)) =
            memchr::memchr(b'}', rest).and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?)))
        {
            self.raw(before);
            self.raw(b"\\}");
            rest = after;
        }
        self.raw(rest);
        if rest.ends_with(b"\\") {
            // It would escape the brace that ends the descriptor.
            self.raw(b"\n");
        }
    }

    fn termination_state(&mut self, state: &TerminationState<'_>) -> Written {
        self.item_token(Token::TerminationState);
        self.open();
        if let Some(service) = state.service {
            self.item_equal(Token::ServiceStates);
            self.service_state(service);
        }
        if let Some(buffer) = state.buffer {
            self.item_equal(Token::Buffer);
            self.token(match buffer {
                BufferControl::Off => Token::Off,
                BufferControl::LockStep => Token::LockStep,
            });
        }
        self.properties(&state.properties)?;
        self.close_full("a termination state without anything in it")
    }

    pub(super) fn service_state(&mut self, state: ServiceState) {
        self.token(match state {
            ServiceState::Test => Token::Test,
            ServiceState::OutOfService => Token::OutOfService,
            ServiceState::InService => Token::InService,
        });
    }

    /// The name of a package or an item of it.
    pub(super) fn name(&mut self, name: Name<'_>, known: Option<&'static str>) {
        write_name(name, known, self.out);
    }

    fn package(&mut self, package: Name<'_>) -> Option<&'static package::Package> {
        let known = if let Name::Id(id) = package { package::package(id) } else { None };
        self.name(package, known.map(|known| known.name));
        known
    }

    /// A package and an item; what the tables say about it.
    pub(super) fn item_name(&mut self, kind: Kind, name: ItemName<'_>) -> Option<&'static package::ItemRow> {
        let package = self.package(name.package());
        self.raw(b"/");
        let row = if let Name::Id(id) = name.item() {
            package.and_then(|known| known.item(kind, id))
        } else {
            None
        };
        self.name(name.item(), row.map(|row| row.name));
        row
    }

    /// The name of a parameter of an event or signal; its type.
    pub(super) fn parameter_name(
        &mut self,
        row: Option<&'static package::ItemRow>,
        side: package::Side,
        name: Name<'_>,
    ) -> Type {
        let known = if let Name::Id(id) = name { row.and_then(|row| row.parameter(side, id)) } else { None };
        self.name(name, known.map(|known| known.name));
        known.map_or(Type::None, |known| known.kind)
    }

    pub(super) fn properties(&mut self, properties: &[Property<'_>]) -> Written {
        for property in properties {
            self.item();
            let row = self.item_name(Kind::Property, property.name);
            self.setting(&property.setting, row.map_or(Type::None, |row| row.kind))?;
        }
        Ok(())
    }

    pub(super) fn setting(&mut self, setting: &Setting<'_>, kind: Type) -> Written {
        let kind = kind.element();
        match setting {
            Setting::Relation(relation, value) => {
                self.raw(&[Relation::sign(*relation)]);
                return self.value(value, kind);
            }
            _ => self.raw(b"="),
        }
        match setting {
            Setting::One(value) | Setting::Relation(_, value) => self.value(value, kind),
            Setting::Choose => {
                self.raw(b"$");
                Ok(())
            }
            Setting::Range(range) => {
                let (first, last) = range.as_ref();
                self.raw(b"[");
                self.value(first, kind)?;
                self.raw(b":");
                self.value(last, kind)?;
                self.raw(b"]");
                Ok(())
            }
            Setting::All(values) => self.values(values, kind, b"[", b"]"),
            Setting::Any(values) if values.len() < 2 => {
                Err(EncodeError::Illegal { what: "a choice of one or none" })
            }
            Setting::Any(values) => self.values(values, kind, b"{", b"}"),
        }
    }

    fn values(&mut self, values: &[Value<'_>], kind: Type, open: &[u8], close: &[u8]) -> Written {
        if values.is_empty() {
            return Err(EncodeError::Illegal { what: "a list without values" });
        }
        for (place, value) in values.iter().enumerate() {
            self.raw(if place == 0 { open } else { b"," });
            self.value(value, kind)?;
        }
        self.raw(close);
        Ok(())
    }

    fn value(&mut self, value: &Value<'_>, kind: Type) -> Written {
        match value {
            Value::String(text) => self.quoted(text),
            Value::Item(_) => {
                self.raw(b"\"");
                write_value(value, kind, self.out)?;
                self.raw(b"\"");
                Ok(())
            }
            Value::Octets(octets) if octets.is_empty() => {
                Err(EncodeError::Form { what: "a value of no octets", why: "text has no empty words" })
            }
            _ => write_value(value, kind, self.out),
        }
    }

    fn statistics(&mut self, statistics: &[Statistic<'_>]) -> Written {
        self.item_token(Token::Statistics);
        if statistics.is_empty() {
            return self.needs(Version::V3, "a statistics descriptor without anything in it");
        }
        self.open();
        for statistic in statistics {
            self.item();
            let row = self.item_name(Kind::Statistic, statistic.name);
            match &statistic.value {
                Some(setting @ (Setting::One(_) | Setting::All(_))) => {
                    self.setting(setting, row.map_or(Type::None, |row| row.kind))?;
                }
                Some(_) => {
                    return Err(EncodeError::Illegal { what: "a statistic that is no value and no list" });
                }
                None => {}
            }
        }
        self.close();
        Ok(())
    }

    fn modem(&mut self, modem: &Modem<'_>) -> Written {
        self.item_token(Token::Modem);
        match modem.types.as_slice() {
            [] => return Err(EncodeError::Illegal { what: "a modem without type" }),
            [only] => {
                self.equal();
                self.modem_type(*only);
            }
            types => {
                for (place, kind) in types.iter().enumerate() {
                    self.raw(if place == 0 { b"[" } else { b"," });
                    self.modem_type(*kind);
                }
                self.raw(b"]");
            }
        }
        if modem.non_standard.is_some() {
            return Err(EncodeError::Form {
                what: "non-standard data of a modem",
                why: "text has no place for it",
            });
        }
        if !modem.properties.is_empty() {
            self.open();
            self.properties(&modem.properties)?;
            self.close();
        }
        Ok(())
    }

    fn modem_type(&mut self, kind: ModemType<'_>) {
        self.token(match kind {
            ModemType::V18 => Token::V18,
            ModemType::V22 => Token::V22,
            ModemType::V22bis => Token::V22b,
            ModemType::V32 => Token::V32,
            ModemType::V32bis => Token::V32b,
            ModemType::V34 => Token::V34,
            ModemType::V90 => Token::V90,
            ModemType::V91 => Token::V91,
            ModemType::SynchIsdn => Token::SynchIsdn,
            ModemType::Extension(extension) => return self.raw(extension.as_str().as_bytes()),
        });
    }

    fn mux(&mut self, mux: &Mux<'_>) -> Written {
        self.item_equal(Token::Mux);
        match mux.kind {
            MuxType::H221 => self.token(Token::H221),
            MuxType::H223 => self.token(Token::H223),
            MuxType::H226 => self.token(Token::H226),
            MuxType::V76 => self.token(Token::V76),
            MuxType::Nx64k => {
                self.needs(Version::V2, "a multiplex of 64 kbit/s channels")?;
                self.token(Token::Nx64k);
            }
            MuxType::Extension(extension) => self.raw(extension.as_str().as_bytes()),
        }
        if mux.non_standard.is_some() {
            return Err(EncodeError::Form {
                what: "non-standard data of a mux",
                why: "text has no place for it",
            });
        }
        self.raw(b"{");
        self.listed(&mux.terminations);
        self.raw(b"}");
        Ok(())
    }

    pub(super) fn packages(&mut self, packages: &[PackageVersion<'_>]) -> Written {
        self.item_token(Token::Packages);
        if packages.is_empty() {
            return Ok(());
        }
        self.open();
        for package in packages {
            self.item();
            self.package_version(*package);
        }
        self.close();
        Ok(())
    }

    pub(super) fn package_version(&mut self, package: PackageVersion<'_>) {
        self.package(package.package);
        self.raw(b"-");
        self.number(package.version.into());
    }
}
