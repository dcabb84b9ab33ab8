//! Media, modem, mux, packages and statistics; properties and their settings (RFC 3525 sections 7.1.2 to 7.1.8, 7.1.15,
//! 7.1.16).

use super::name::is_name;
use super::scan::{Scanned, Scanner, number, put};
use crate::error::Rule;
use crate::message::{
    AmmDescriptor, BufferControl, Description, Extension, ItemName, LocalControl, Media, Modem, ModemType,
    Mux, MuxType, PackageVersion, Property, Relation, ServiceState, Setting, Statistic, Stream, StreamId,
    StreamMode, StreamParameters, Streams, TerminationState, Value,
};
use crate::package::{ItemRow, Kind, Type, from_text, item_name, package_name};
use crate::token::Token;

impl<'a> Scanner<'a> {
    /// A descriptor behind its token.
    pub(super) fn descriptor(&mut self, token: Token) -> Scanned<AmmDescriptor<'a>> {
        Ok(match token {
            Token::Media => AmmDescriptor::Media(self.media()?),
            Token::Modem => AmmDescriptor::Modem(Box::new(self.modem()?)),
            Token::Mux => AmmDescriptor::Mux(Box::new(self.mux()?)),
            Token::Events => AmmDescriptor::Events(self.events()?),
            Token::EventBuffer => AmmDescriptor::EventBuffer(self.event_buffer()?),
            Token::Signals => AmmDescriptor::Signals(self.signals()?),
            Token::DigitMap => AmmDescriptor::DigitMap(self.digit_map()?),
            Token::Statistics => AmmDescriptor::Statistics(self.statistics()?),
            _ => return self.fault_from(self.at(), Rule::Descriptor),
        })
    }

    fn media(&mut self) -> Scanned<Media<'a>> {
        let mut media = Media::default();
        self.braced(|scanner| {
            let token = scanner.token(Rule::Media)?;
            match token {
                Token::TerminationState if media.state.is_none() => {
                    media.state = Some(scanner.termination_state()?);
                }
                Token::Stream => {
                    scanner.equal()?;
                    let id = StreamId(scanner.number16(Rule::StreamId)?);
                    let mut parameters = StreamParameters::default();
                    scanner.braced(|scanner| {
                        let token = scanner.token(Rule::Media)?;
                        scanner.stream_parameter(token, &mut parameters)
                    })?;
                    let stream = Stream { id, parameters };
                    match &mut media.streams {
                        Streams::None => media.streams = Streams::Many(vec![stream]),
                        Streams::Many(streams) => streams.push(stream),
                        Streams::One(_) => return scanner.fault_from(scanner.at(), Rule::Media),
                    }
                }
                _ => {
                    if matches!(media.streams, Streams::None) {
                        media.streams = Streams::One(Box::default());
                    }
                    let Streams::One(parameters) = &mut media.streams else {
                        return scanner.fault_from(scanner.at(), Rule::Media);
                    };
                    scanner.stream_parameter(token, parameters)?;
                }
            }
            Ok(())
        })?;
        Ok(media)
    }

    fn stream_parameter(&mut self, token: Token, to: &mut StreamParameters<'a>) -> Scanned<()> {
        match token {
            Token::LocalControl if to.control.is_none() => to.control = Some(self.local_control()?),
            Token::Local if to.local.is_none() => to.local = Some(Description::from_sdp(self.octets()?)),
            Token::Remote if to.remote.is_none() => to.remote = Some(Description::from_sdp(self.octets()?)),
            Token::Statistics if to.statistics.is_none() => to.statistics = Some(self.statistics()?),
            Token::LocalControl | Token::Local | Token::Remote | Token::Statistics => {
                return self.fault_from(self.at(), Rule::DescriptorTwice);
            }
            _ => return self.fault_from(self.at(), Rule::Media),
        }
        Ok(())
    }

    fn local_control(&mut self) -> Scanned<LocalControl<'a>> {
        let mut control = LocalControl::default();
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::LocalControl)?;
            let token = Token::find(word);
            let is_second = match token {
                Some(Token::Mode) => control.mode.is_some(),
                Some(Token::ReservedValue) => control.reserve_value.is_some(),
                Some(Token::ReservedGroup) => control.reserve_group.is_some(),
                _ => false,
            };
            if is_second {
                return scanner.fault_in(word, Rule::ParameterTwice);
            }
            match token {
                Some(Token::Mode) => {
                    scanner.equal()?;
                    control.mode = Some(scanner.stream_mode()?);
                }
                Some(Token::ReservedValue) => {
                    scanner.equal()?;
                    control.reserve_value = Some(scanner.on_off()?);
                }
                Some(Token::ReservedGroup) => {
                    scanner.equal()?;
                    control.reserve_group = Some(scanner.on_off()?);
                }
                _ => {
                    scanner.go_back(start);
                    put::<4, _>(&mut control.properties, scanner.property()?);
                }
            }
            Ok(())
        })?;
        Ok(control)
    }

    pub(super) fn stream_mode(&mut self) -> Scanned<StreamMode> {
        let word = self.word(Rule::StreamMode)?;
        Ok(match Token::find(word) {
            Some(Token::SendOnly) => StreamMode::SendOnly,
            Some(Token::ReceiveOnly) => StreamMode::ReceiveOnly,
            Some(Token::SendReceive) => StreamMode::SendReceive,
            Some(Token::Inactive) => StreamMode::Inactive,
            Some(Token::Loopback) => StreamMode::Loopback,
            _ => return self.fault_in(word, Rule::StreamMode),
        })
    }

    pub(super) fn on_off(&mut self) -> Scanned<bool> {
        let word = self.word(Rule::OnOff)?;
        match Token::find(word) {
            Some(Token::On) => Ok(true),
            Some(Token::Off) => Ok(false),
            _ => self.fault_in(word, Rule::OnOff),
        }
    }

    fn termination_state(&mut self) -> Scanned<TerminationState<'a>> {
        let mut state = TerminationState::default();
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::TerminationState)?;
            match Token::find(word) {
                Some(Token::ServiceStates) if state.service.is_none() => {
                    scanner.equal()?;
                    state.service = Some(scanner.service_state()?);
                }
                Some(Token::Buffer) if state.buffer.is_none() => {
                    scanner.equal()?;
                    state.buffer = Some(match scanner.token(Rule::TerminationState)? {
                        Token::Off => BufferControl::Off,
                        Token::LockStep => BufferControl::LockStep,
                        _ => return scanner.fault_from(start, Rule::TerminationState),
                    });
                }
                Some(Token::ServiceStates | Token::Buffer) => {
                    return scanner.fault_in(word, Rule::ParameterTwice);
                }
                _ => {
                    scanner.go_back(start);
                    put::<4, _>(&mut state.properties, scanner.property()?);
                }
            }
            Ok(())
        })?;
        Ok(state)
    }

    pub(super) fn service_state(&mut self) -> Scanned<ServiceState> {
        let word = self.word(Rule::TerminationState)?;
        Ok(match Token::find(word) {
            Some(Token::Test) => ServiceState::Test,
            Some(Token::OutOfService) => ServiceState::OutOfService,
            Some(Token::InService) => ServiceState::InService,
            _ => return self.fault_in(word, Rule::TerminationState),
        })
    }

    /// `package/item`, and what the tables say about it.
    pub(super) fn item_name(&mut self, kind: Kind) -> Scanned<(ItemName<'a>, Option<&'static ItemRow>)> {
        if let Some((package, item, end)) = self.package_and_item()
            && let Some(named) = item_name(kind, package, item)
        {
            self.go_back(end);
            return Ok(named);
        }
        let word = self.text(Rule::ItemName)?;
        let named = word.split_once('/').filter(|(package, item)| is_name(package) && is_name(item));
        match named.and_then(|(package, item)| item_name(kind, package, item)) {
            Some(named) => Ok(named),
            None => self.fault_in(word.as_bytes(), Rule::ItemName),
        }
    }

    pub(super) fn property(&mut self) -> Scanned<Property<'a>> {
        let (name, row) = self.item_name(Kind::Property)?;
        let setting = self.setting(row.map_or(Type::None, |row| row.kind))?;
        Ok(Property { name, setting })
    }

    /// The sign and the value of a property or parameter.
    pub(super) fn setting(&mut self, kind: Type) -> Scanned<Setting<'a>> {
        let relation = match self.peek() {
            Some(b'=') => None,
            Some(b'>') => Some(Relation::Greater),
            Some(b'<') => Some(Relation::Smaller),
            Some(b'#') => Some(Relation::Unequal),
            _ => return self.fault(Rule::Setting),
        };
        let at = self.at();
        self.go_back(at + 1);
        if let Some(relation) = relation {
            return Ok(Setting::Relation(relation, self.value(kind)?));
        }
        match self.peek() {
            Some(b'[') => {
                self.eat(b'[');
                let first = self.value(kind)?;
                if self.eat(b':') {
                    let last = self.value(kind)?;
                    self.expect(b']', Rule::RightBracket)?;
                    return Ok(Setting::Range(Box::new((first, last))));
                }
                self.values(first, kind, b']', Rule::RightBracket).map(Setting::All)
            }
            Some(b'{') => {
                self.eat(b'{');
                let first = self.value(kind)?;
                let mut values = self.values(first, kind, b'}', Rule::RightBrace)?;
                // One of one is that one.
                match (values.pop(), values.is_empty()) {
                    (Some(only), true) => Ok(Setting::from(only)),
                    (last, _) => {
                        values.extend(last);
                        Ok(Setting::Any(values))
                    }
                }
            }
            _ => self.value(kind).map(Setting::from),
        }
    }

    fn value(&mut self, kind: Type) -> Scanned<Value<'a>> {
        self.written().map(|written| from_text(kind.element(), written))
    }

    fn values(&mut self, first: Value<'a>, kind: Type, end: u8, rule: Rule) -> Scanned<Vec<Value<'a>>> {
        let mut values = vec![first];
        while self.eat(b',') {
            values.push(self.value(kind)?);
        }
        self.expect(end, rule)?;
        Ok(values)
    }

    fn statistics(&mut self) -> Scanned<Vec<Statistic<'a>>> {
        let mut statistics = Vec::new();
        if self.peek() != Some(b'{') {
            return Ok(statistics);
        }
        self.braced(|scanner| {
            let (name, row) = scanner.item_name(Kind::Statistic)?;
            let mut value = None;
            if scanner.peek() == Some(b'=') {
                let start = scanner.at();
                let setting = scanner.setting(row.map_or(Type::None, |row| row.kind))?;
                if !matches!(setting, Setting::One(_) | Setting::All(_)) {
                    return scanner.fault_from(start, Rule::Statistics);
                }
                value = Some(setting);
            }
            put::<4, _>(&mut statistics, Statistic { name, value });
            Ok(())
        })?;
        Ok(statistics)
    }

    fn modem(&mut self) -> Scanned<Modem<'a>> {
        let mut types = Vec::new();
        if self.eat(b'[') {
            loop {
                types.push(self.modem_type()?);
                if !self.eat(b',') {
                    break;
                }
            }
            self.expect(b']', Rule::RightBracket)?;
        } else {
            self.expect(b'=', Rule::Modem)?;
            types.push(self.modem_type()?);
        }
        let mut properties = Vec::new();
        if self.peek() == Some(b'{') {
            self.braced(|scanner| {
                properties.push(scanner.property()?);
                Ok(())
            })?;
        }
        Ok(Modem { types, properties, non_standard: None })
    }

    fn modem_type(&mut self) -> Scanned<ModemType<'a>> {
        let word = self.text(Rule::Modem)?;
        Ok(match Token::find(word.as_bytes()) {
            Some(Token::V18) => ModemType::V18,
            Some(Token::V22) => ModemType::V22,
            Some(Token::V22b) => ModemType::V22bis,
            Some(Token::V32) => ModemType::V32,
            Some(Token::V32b) => ModemType::V32bis,
            Some(Token::V34) => ModemType::V34,
            Some(Token::V90) => ModemType::V90,
            Some(Token::V91) => ModemType::V91,
            Some(Token::SynchIsdn) => ModemType::SynchIsdn,
            _ => match Extension::new(word) {
                Some(extension) => ModemType::Extension(extension),
                None => return self.fault_in(word.as_bytes(), Rule::Modem),
            },
        })
    }

    fn mux(&mut self) -> Scanned<Mux<'a>> {
        self.equal()?;
        let word = self.text(Rule::Mux)?;
        let kind = match Token::find(word.as_bytes()) {
            Some(Token::H221) => MuxType::H221,
            Some(Token::H223) => MuxType::H223,
            Some(Token::H226) => MuxType::H226,
            Some(Token::V76) => MuxType::V76,
            Some(Token::Nx64k) => MuxType::Nx64k,
            _ => match Extension::new(word) {
                Some(extension) => MuxType::Extension(extension),
                None => return self.fault_in(word.as_bytes(), Rule::Mux),
            },
        };
        self.expect(b'{', Rule::LeftBrace)?;
        let terminations = self.more_terminations(b'}', Rule::RightBrace)?;
        Ok(Mux { kind, terminations, non_standard: None })
    }

    pub(super) fn package_version(&mut self) -> Scanned<PackageVersion<'a>> {
        let word = self.text(Rule::Packages)?;
        let parts = word.split_once('-').filter(|(package, _)| *package != "*" && is_name(package));
        let read = parts.and_then(|(package, digits)| {
            let version = number(digits.as_bytes(), 5).and_then(|version| u8::try_from(version).ok())?;
            (version <= 99).then(|| PackageVersion { package: package_name(package).0, version })
        });
        match read {
            Some(read) => Ok(read),
            None => self.fault_in(word.as_bytes(), Rule::Packages),
        }
    }
}
