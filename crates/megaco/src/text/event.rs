//! Events, signals, digit maps, observed events (RFC 3525 sections 7.1.9 to 7.1.12, 7.1.14, 7.1.17).

use super::name::is_name;
use super::scan::{Scanned, Scanner, number, put};
use crate::error::Rule;
use crate::message::{
    Caseless, Completion, DigitMap, DigitMapValue, Direction, Embedded, Event, EventAction, EventDigitMap,
    EventSpec, Events, EventsOf, Name, NotifyBehaviour, ObservedEvent, ObservedEvents, Parameter, RequestId,
    SecondEvents, Signal, SignalList, SignalRequest, SignalType, StreamId, TimeStamp,
};
use crate::package::{ItemRow, Kind, Side, foreign};
use crate::token::Token;

/// Reads what is embedded into an event, behind the token.
type ReadEmbedded<'a, E> = fn(&mut Scanner<'a>) -> Scanned<E>;

impl<'a> Scanner<'a> {
    pub(super) fn events(&mut self) -> Scanned<Events<'a>> {
        self.events_of(Self::embedded, |embedded| embedded.signals.is_some())
    }

    fn second_events(&mut self) -> Scanned<SecondEvents<'a>> {
        self.events_of(Self::embedded_signals, |_| true)
    }

    fn events_of<E: PartialEq>(
        &mut self,
        read: ReadEmbedded<'a, E>,
        has_signals: fn(&E) -> bool,
    ) -> Scanned<EventsOf<'a, E>> {
        let mut all = EventsOf { request: None, events: Vec::new() };
        if self.peek() == Some(b'{') {
            return self.fault(Rule::RequestMissing);
        }
        if !self.eat(b'=') {
            return Ok(all);
        }
        all.request = Some(self.request_id()?);
        self.braced(|scanner| {
            let (name, row) = scanner.item_name(Kind::Event)?;
            let mut event =
                Event { name, stream: None, action: EventAction::default(), parameters: Vec::new() };
            if scanner.peek() == Some(b'{') {
                scanner.braced(|scanner| scanner.event_parameter(&mut event, row, read))?;
                if event.action.is_keep_active && event.action.embedded.as_ref().is_some_and(has_signals) {
                    return scanner.fault_from(scanner.at(), Rule::KeepActive);
                }
            }
            put::<1, _>(&mut all.events, event);
            Ok(())
        })?;
        Ok(all)
    }

    fn event_parameter<E>(
        &mut self,
        event: &mut Event<'a, E>,
        row: Option<&'static ItemRow>,
        read: ReadEmbedded<'a, E>,
    ) -> Scanned<()> {
        let start = self.at();
        let word = self.word(Rule::Event)?;
        let action = &mut event.action;
        match Token::find(word) {
            Some(Token::KeepActive) if self.ends_item() => action.is_keep_active = true,
            Some(Token::Stream) if event.stream.is_none() => {
                self.equal()?;
                event.stream = Some(StreamId(self.number16(Rule::StreamId)?));
            }
            Some(Token::DigitMap) if action.digit_map.is_none() => {
                // The widespread peer leaves `=` out before a map in braces.
                if self.peek() != Some(b'{') {
                    self.equal()?;
                }
                action.digit_map = Some(self.event_digit_map()?);
            }
            Some(Token::Embed) if action.embedded.is_none() && self.peek() == Some(b'{') => {
                self.open()?;
                action.embedded = Some(read(self)?);
            }
            Some(Token::ImmediateNotify) if action.notify.is_none() && self.ends_item() => {
                action.notify = Some(NotifyBehaviour::Immediate);
            }
            Some(Token::NeverNotify) if action.notify.is_none() && self.ends_item() => {
                action.notify = Some(NotifyBehaviour::Never);
            }
            Some(Token::RegulatedNotify) if action.notify.is_none() => {
                action.notify = Some(NotifyBehaviour::Regulated(self.regulated()?));
            }
            Some(Token::ResetEvents) if self.ends_item() => action.is_reset = true,
            Some(Token::Stream | Token::DigitMap | Token::Embed) => {
                return self.fault_in(word, Rule::ParameterTwice);
            }
            _ => {
                self.go_back(start);
                put::<1, _>(&mut event.parameters, self.parameter(row, Side::Request, Rule::Event)?);
            }
        }
        Ok(())
    }

    fn ends_item(&mut self) -> bool {
        matches!(self.peek(), Some(b',' | b'}') | None)
    }

    fn regulated(&mut self) -> Scanned<Option<Box<Embedded<'a>>>> {
        if self.peek() != Some(b'{') {
            return Ok(None);
        }
        self.open()?;
        if self.token(Rule::Embed)? != Token::Embed {
            return self.fault_from(self.at(), Rule::Embed);
        }
        self.open()?;
        let embedded = self.embedded()?;
        self.close()?;
        Ok(Some(Box::new(embedded)))
    }

    /// Signals, events or both behind `Embed {`.
    fn embedded(&mut self) -> Scanned<Embedded<'a>> {
        let mut embedded = Embedded { signals: None, events: None };
        self.items(|scanner| {
            match scanner.token(Rule::Embed)? {
                Token::Signals if embedded.signals.is_none() => embedded.signals = Some(scanner.signals()?),
                Token::Events if embedded.events.is_none() => {
                    embedded.events = Some(Box::new(scanner.second_events()?));
                }
                _ => return scanner.fault_from(scanner.at(), Rule::Embed),
            }
            Ok(())
        })?;
        Ok(embedded)
    }

    /// Signals alone behind `Embed {`.
    fn embedded_signals(&mut self) -> Scanned<Vec<SignalRequest<'a>>> {
        if self.token(Rule::Embed)? != Token::Signals {
            return self.fault_from(self.at(), Rule::Embed);
        }
        let signals = self.signals()?;
        self.close()?;
        Ok(signals)
    }

    pub(super) fn request_id(&mut self) -> Scanned<RequestId> {
        let word = self.word(Rule::RequestId)?;
        if word == b"*" {
            return Ok(RequestId::ALL);
        }
        match number(word, 10).map(RequestId::new) {
            Some(request) if request != RequestId::ALL => Ok(request),
            _ => self.fault_in(word, Rule::RequestId),
        }
    }

    /// A parameter of an event or signal.
    fn parameter(&mut self, row: Option<&'static ItemRow>, side: Side, rule: Rule) -> Scanned<Parameter<'a>> {
        let text = self.text(rule)?;
        if text == "*" || !is_name(text) {
            return self.fault_in(text.as_bytes(), rule);
        }
        let (id, kind) = ItemRow::parameter_name(row, side, text);
        let name = id.map_or(Name::Text(Caseless::new(text)), Name::Id);
        Ok(Parameter { name, setting: self.setting(kind)? })
    }

    /// `{ Stream = n, parameters }` of buffered and observed events.
    fn stream_and_parameters(
        &mut self,
        row: Option<&'static ItemRow>,
        side: Side,
    ) -> Scanned<(Option<StreamId>, Vec<Parameter<'a>>)> {
        let mut stream = None;
        let mut parameters = Vec::new();
        if self.peek() != Some(b'{') {
            return Ok((stream, parameters));
        }
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.word(Rule::Event)?;
            if Token::find(word) != Some(Token::Stream) {
                scanner.go_back(start);
                put::<4, _>(&mut parameters, scanner.parameter(row, side, Rule::Event)?);
            } else if stream.is_some() {
                return scanner.fault_in(word, Rule::ParameterTwice);
            } else {
                scanner.equal()?;
                stream = Some(StreamId(scanner.number16(Rule::StreamId)?));
            }
            Ok(())
        })?;
        Ok((stream, parameters))
    }

    pub(super) fn event_buffer(&mut self) -> Scanned<Vec<EventSpec<'a>>> {
        let mut events = Vec::new();
        if self.peek() != Some(b'{') {
            return Ok(events);
        }
        self.braced(|scanner| {
            let (name, row) = scanner.item_name(Kind::Event)?;
            let (stream, parameters) = scanner.stream_and_parameters(row, Side::Request)?;
            put::<1, _>(&mut events, EventSpec { name, stream, parameters });
            Ok(())
        })?;
        Ok(events)
    }

    pub(super) fn observed_events(&mut self) -> Scanned<ObservedEvents<'a>> {
        self.equal()?;
        let request = self.request_id()?;
        let mut events = Vec::new();
        self.braced(|scanner| {
            scanner.space();
            let start = scanner.at();
            let word = scanner.word(Rule::ItemName)?;
            let mut time = None;
            if scanner.eat(b':') {
                time = time_stamp(word);
                if time.is_none() {
                    return scanner.fault_from(start, Rule::TimeStamp);
                }
            } else {
                scanner.go_back(start);
            }
            let (name, row) = scanner.item_name(Kind::Event)?;
            let (stream, parameters) = scanner.stream_and_parameters(row, Side::Observed)?;
            put::<1, _>(&mut events, ObservedEvent { time, name, stream, parameters });
            Ok(())
        })?;
        Ok(ObservedEvents { request, events })
    }

    pub(super) fn signals(&mut self) -> Scanned<Vec<SignalRequest<'a>>> {
        let mut signals = Vec::new();
        if self.peek() != Some(b'{') {
            return Ok(signals);
        }
        self.open()?;
        if self.peek() == Some(b'}') {
            self.close()?;
            return Ok(signals);
        }
        self.items(|scanner| {
            scanner.space();
            let start = scanner.at();
            let word = scanner.word(Rule::ItemName)?;
            if Token::find(word) == Some(Token::SignalList) && scanner.peek() == Some(b'=') {
                scanner.equal()?;
                let id = scanner.number16(Rule::Number16)?;
                let mut list = Vec::new();
                scanner.braced(|scanner| {
                    list.push(scanner.signal()?);
                    Ok(())
                })?;
                signals.push(SignalRequest::List(SignalList { id, signals: list }));
            } else {
                scanner.go_back(start);
                put::<1, _>(&mut signals, SignalRequest::Signal(scanner.signal()?));
            }
            Ok(())
        })?;
        Ok(signals)
    }

    pub(super) fn signal(&mut self) -> Scanned<Signal<'a>> {
        let (name, row) = self.item_name(Kind::Signal)?;
        let mut signal = Signal::new(name);
        if self.peek() == Some(b'{') {
            self.braced(|scanner| scanner.signal_parameter(&mut signal, row))?;
        }
        Ok(signal)
    }

    fn signal_parameter(&mut self, signal: &mut Signal<'a>, row: Option<&'static ItemRow>) -> Scanned<()> {
        let start = self.at();
        let word = self.word(Rule::Signal)?;
        // Words from before version 3 are parameters of packages too: those of the signal's own package go first.
        let is_own =
            |row: &ItemRow| row.parameters.iter().any(|own| own.name.as_bytes().eq_ignore_ascii_case(word));
        let token = match Token::find(word) {
            Some(Token::Direction | Token::SignalRequestId) if row.is_some_and(is_own) => None,
            token => token,
        };
        let is_second = match token {
            Some(Token::Stream) => signal.stream.is_some(),
            Some(Token::SignalType) => signal.kind.is_some(),
            Some(Token::Duration) => signal.duration.is_some(),
            Some(Token::NotifyCompletion) => signal.completion.is_some(),
            Some(Token::Direction) => signal.direction.is_some(),
            Some(Token::SignalRequestId) => signal.request.is_some(),
            Some(Token::Intersignal) => signal.delay.is_some(),
            Some(Token::KeepActive) if self.ends_item() => {
                signal.is_keep_active = true;
                return Ok(());
            }
            _ => {
                self.go_back(start);
                put::<1, _>(&mut signal.parameters, self.parameter(row, Side::Request, Rule::Signal)?);
                return Ok(());
            }
        };
        if is_second {
            return self.fault_in(word, Rule::ParameterTwice);
        }
        self.equal()?;
        match token {
            Some(Token::Stream) => signal.stream = Some(StreamId(self.number16(Rule::StreamId)?)),
            Some(Token::SignalType) => {
                signal.kind = Some(match self.token(Rule::Signal)? {
                    Token::OnOff => SignalType::OnOff,
                    Token::TimeOut => SignalType::TimeOut,
                    Token::Brief => SignalType::Brief,
                    _ => return self.fault_from(start, Rule::Signal),
                });
            }
            Some(Token::Duration) => signal.duration = Some(self.number16(Rule::Number16)?),
            Some(Token::NotifyCompletion) => signal.completion = Some(self.completion()?),
            Some(Token::Direction) => {
                signal.direction = Some(match self.token(Rule::Signal)? {
                    Token::Internal => Direction::Internal,
                    Token::External => Direction::External,
                    Token::Both => Direction::Both,
                    _ => return self.fault_from(start, Rule::Signal),
                });
            }
            Some(Token::SignalRequestId) => signal.request = Some(self.request_id()?),
            _ => signal.delay = Some(self.number16(Rule::Number16)?),
        }
        Ok(())
    }

    fn completion(&mut self) -> Scanned<Completion> {
        let mut set = Completion::default();
        self.braced(|scanner| {
            set = set.with(match scanner.token(Rule::Completion)? {
                Token::TimeOut => Completion::TIME_OUT,
                Token::IntByEvent => Completion::BY_EVENT,
                Token::IntBySigDescr => Completion::BY_SIGNALS,
                Token::OtherReason => Completion::OTHER_REASON,
                Token::Iteration => Completion::ITERATION,
                _ => return scanner.fault_from(scanner.at(), Rule::Completion),
            });
            Ok(())
        })?;
        Ok(set)
    }

    pub(super) fn digit_map(&mut self) -> Scanned<DigitMap<'a>> {
        self.equal()?;
        let mut map = DigitMap { name: None, value: None };
        if self.peek() != Some(b'{') {
            map.name = Some(self.map_name()?);
        }
        if self.peek() == Some(b'{') {
            map.value = Some(self.digit_map_value()?);
        }
        Ok(map)
    }

    pub(super) fn map_name(&mut self) -> Scanned<Name<'a>> {
        let name = self.text(Rule::DigitMap)?;
        if name == "*" || !is_name(name) {
            return self.fault_in(name.as_bytes(), Rule::DigitMap);
        }
        Ok(foreign(name))
    }

    fn event_digit_map(&mut self) -> Scanned<EventDigitMap<'a>> {
        if self.peek() == Some(b'{') {
            return self.digit_map_value().map(EventDigitMap::Value);
        }
        self.map_name().map(EventDigitMap::Name)
    }

    /// Timers and the map, in braces.
    fn digit_map_value(&mut self) -> Scanned<DigitMapValue<'a>> {
        self.expect(b'{', Rule::DigitMap)?;
        let start = self.at();
        let inner = self.until(b'}', Rule::DigitMap)?;
        let Ok(mut text) = std::str::from_utf8(inner) else { return self.fault_from(start, Rule::DigitMap) };
        let mut timers = [None; 4];
        let mut next = 0;
        loop {
            text = text.trim_ascii();
            let Some((name, rest)) = text.split_once(':') else { break };
            let place =
                ["T", "S", "L", "Z"].iter().position(|known| name.trim_ascii().eq_ignore_ascii_case(known));
            let (digits, rest) = rest.split_once(',').unwrap_or((rest, ""));
            let timer = number(digits.trim_ascii().as_bytes(), 2).and_then(|timer| u8::try_from(timer).ok());
            match (place.filter(|place| *place >= next), timer) {
                (Some(place), Some(timer)) => {
                    next = place + 1;
                    timers.iter_mut().skip(place).take(1).for_each(|slot| *slot = Some(timer));
                }
                _ => return self.fault_from(start, Rule::Timer),
            }
            text = rest;
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"()[]|.-*# \t\r\n".contains(&byte);
        if !text.bytes().all(legal) {
            return self.fault_from(start, Rule::DigitMap);
        }
        let [start, short, long, duration] = timers;
        Ok(DigitMapValue { start, short, long, duration, body: text })
    }
}

pub(super) fn time_stamp(word: &[u8]) -> Option<TimeStamp> {
    match word.split_at_checked(8)? {
        (date, [b'T' | b't', time @ ..]) => TimeStamp::new(date, time),
        _ => None,
    }
}
