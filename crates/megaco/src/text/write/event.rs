//! Events, signals, digit maps and observed events as text.

use super::super::NoSignals;
use super::{Writer, Written};
use crate::error::EncodeError;
use crate::message::{
    Completion, DigitMap, DigitMapValue, Direction, Embedded, EventAction, EventDigitMap, EventSpec, Events,
    EventsOf, NotifyBehaviour, ObservedEvents, Parameter, RequestId, Signal, SignalRequest, SignalType,
    StreamId, Version,
};
use crate::package::{ItemRow, Kind, Side};
use crate::token::Token;

impl Writer<'_> {
    /// Events behind their token.
    pub(super) fn events(&mut self, events: &Events<'_>) -> Written {
        self.events_of(
            events,
            |writer, embedded| writer.embedded(embedded),
            |embedded| embedded.signals.is_some(),
        )
    }

    fn events_of<'a, E: PartialEq>(
        &mut self,
        all: &EventsOf<'a, E>,
        embed: fn(&mut Self, &E) -> Written,
        has_signals: fn(&E) -> bool,
    ) -> Written {
        let Some(request) = all.request else {
            let what = "events without a request's number";
            return if all.events.is_empty() { Ok(()) } else { Err(EncodeError::Illegal { what }) };
        };
        if all.events.is_empty() {
            // A request's number alone has no form in text, and no meaning.
            return Err(EncodeError::Form { what: "a request without events", why: "text has no such form" });
        }
        self.equal();
        self.request(request);
        self.open();
        for event in &all.events {
            self.item();
            let row = self.item_name(Kind::Event, event.name);
            if event.stream.is_none() && event.action.is_plain() && event.parameters.is_empty() {
                continue;
            }
            let action = &event.action;
            if action.is_keep_active && action.embedded.as_ref().is_some_and(has_signals) {
                return Err(EncodeError::Illegal { what: "KeepActive beside embedded signals" });
            }
            self.open();
            self.stream(event.stream);
            self.event_action(action, embed)?;
            self.parameters(row, Side::Request, &event.parameters)?;
            self.close();
        }
        self.close();
        Ok(())
    }

    fn event_action<E>(
        &mut self,
        action: &EventAction<'_, E>,
        embed: fn(&mut Self, &E) -> Written,
    ) -> Written {
        if action.is_keep_active {
            self.item_token(Token::KeepActive);
        }
        match &action.digit_map {
            Some(EventDigitMap::Name(name)) => {
                self.item_equal(Token::DigitMap);
                self.name(*name, None);
            }
            Some(EventDigitMap::Value(value)) => {
                self.item_token(Token::DigitMap);
                self.raw(b"=");
                self.digit_map_value(value)?;
            }
            None => {}
        }
        if let Some(embedded) = &action.embedded {
            self.item_token(Token::Embed);
            self.open();
            embed(self, embedded)?;
            self.close();
        }
        if let Some(notify) = &action.notify {
            self.needs(Version::V3, "the way in which an event is reported")?;
            match notify {
                NotifyBehaviour::Immediate => self.item_token(Token::ImmediateNotify),
                NotifyBehaviour::Never => self.item_token(Token::NeverNotify),
                NotifyBehaviour::Regulated(embedded) => {
                    self.item_token(Token::RegulatedNotify);
                    if let Some(embedded) = embedded {
                        self.open();
                        self.item_token(Token::Embed);
                        self.open();
                        self.embedded(embedded)?;
                        self.close();
                        self.close();
                    }
                }
            }
        }
        if action.is_reset {
            self.needs(Version::V3, "the reset of an events descriptor")?;
            self.item_token(Token::ResetEvents);
        }
        Ok(())
    }

    fn embedded(&mut self, embedded: &Embedded<'_>) -> Written {
        if let Some(signals) = &embedded.signals {
            self.item_token(Token::Signals);
            self.signals(signals)?;
        }
        if let Some(events) = &embedded.events {
            self.item_token(Token::Events);
            let embed = |writer: &mut Self, signals: &Vec<SignalRequest<'_>>| {
                writer.item_token(Token::Signals);
                writer.signals(signals)
            };
            self.events_of(events, embed, |_| true)?;
        }
        if self.is_first {
            return Err(EncodeError::Illegal { what: "an embedded descriptor without anything in it" });
        }
        Ok(())
    }

    fn request(&mut self, request: RequestId) {
        match request {
            RequestId::ALL => self.raw(b"*"),
            other => self.number(other.get()),
        }
    }

    fn stream(&mut self, stream: Option<StreamId>) {
        self.item_number(Token::Stream, stream.map(|stream| stream.0.into()));
    }

    fn parameters(
        &mut self,
        row: Option<&'static ItemRow>,
        side: Side,
        parameters: &[Parameter<'_>],
    ) -> Written {
        for parameter in parameters {
            self.item();
            let kind = self.parameter_name(row, side, parameter.name);
            self.setting(&parameter.setting, kind)?;
        }
        Ok(())
    }

    fn stream_and_parameters(
        &mut self,
        row: Option<&'static ItemRow>,
        side: Side,
        stream: Option<StreamId>,
        parameters: &[Parameter<'_>],
    ) -> Written {
        if stream.is_none() && parameters.is_empty() {
            return Ok(());
        }
        self.open();
        self.stream(stream);
        self.parameters(row, side, parameters)?;
        self.close();
        Ok(())
    }

    pub(super) fn event_buffer(&mut self, events: &[EventSpec<'_>]) -> Written {
        self.item_token(Token::EventBuffer);
        if events.is_empty() {
            return Ok(());
        }
        self.open();
        for event in events {
            self.item();
            let row = self.item_name(Kind::Event, event.name);
            self.stream_and_parameters(row, Side::Request, event.stream, &event.parameters)?;
        }
        self.close();
        Ok(())
    }

    pub(super) fn observed_events(&mut self, observed: &ObservedEvents<'_>) -> Written {
        if observed.events.is_empty() {
            return Err(EncodeError::Illegal { what: "observed events without any" });
        }
        self.item_equal(Token::ObservedEvents);
        self.request(observed.request);
        self.open();
        for event in &observed.events {
            self.item();
            if let Some(time) = event.time {
                self.time(time);
                self.raw(b":");
            }
            let row = self.item_name(Kind::Event, event.name);
            self.stream_and_parameters(row, Side::Observed, event.stream, &event.parameters)?;
        }
        self.close();
        Ok(())
    }

    /// Signals behind their token.
    pub(super) fn signals(&mut self, signals: &[SignalRequest<'_>]) -> Written {
        if signals.is_empty() {
            if self.no_signals == NoSignals::Braces {
                self.braces();
            }
            return Ok(());
        }
        self.open();
        for request in signals {
            self.item();
            match request {
                SignalRequest::Signal(signal) => self.signal(signal)?,
                SignalRequest::List(list) => {
                    if list.signals.is_empty() {
                        return Err(EncodeError::Illegal { what: "a list of signals without any" });
                    }
                    self.token(Token::SignalList);
                    self.equal();
                    self.number(list.id.into());
                    self.open();
                    for signal in &list.signals {
                        self.item();
                        self.signal(signal)?;
                    }
                    self.close();
                }
            }
        }
        self.close();
        Ok(())
    }

    pub(super) fn signal(&mut self, signal: &Signal<'_>) -> Written {
        let row = self.item_name(Kind::Signal, signal.name);
        if *signal == Signal::new(signal.name) {
            return Ok(());
        }
        self.open();
        self.stream(signal.stream);
        if let Some(kind) = signal.kind {
            self.item_equal(Token::SignalType);
            self.token(match kind {
                SignalType::Brief => Token::Brief,
                SignalType::OnOff => Token::OnOff,
                SignalType::TimeOut => Token::TimeOut,
            });
        }
        self.item_number(Token::Duration, signal.duration.map(Into::into));
        if let Some(completion) = signal.completion {
            self.completion(completion)?;
        }
        if signal.is_keep_active {
            self.item_token(Token::KeepActive);
        }
        if let Some(direction) = signal.direction {
            self.needs(Version::V3, "the direction of a signal")?;
            self.item_equal(Token::Direction);
            self.token(match direction {
                Direction::Internal => Token::Internal,
                Direction::External => Token::External,
                Direction::Both => Token::Both,
            });
        }
        if let Some(request) = signal.request {
            self.needs(Version::V3, "the request's number of a signal")?;
            self.item_equal(Token::SignalRequestId);
            self.request(request);
        }
        if let Some(delay) = signal.delay {
            self.needs(Version::V3, "the delay between signals")?;
            self.item_number(Token::Intersignal, Some(delay.into()));
        }
        self.parameters(row, Side::Request, &signal.parameters)?;
        self.close();
        Ok(())
    }

    fn completion(&mut self, completion: Completion) -> Written {
        if completion == Completion::default() {
            return Err(EncodeError::Form {
                what: "a notify completion without any reason",
                why: "the text form wants at least one",
            });
        }
        self.item_equal(Token::NotifyCompletion);
        let mut sign = b'{';
        for one in Completion::EACH {
            if !completion.has(one) {
                continue;
            }
            self.raw(&[sign]);
            sign = b',';
            self.token(match one {
                Completion::TIME_OUT => Token::TimeOut,
                Completion::BY_EVENT => Token::IntByEvent,
                Completion::BY_SIGNALS => Token::IntBySigDescr,
                Completion::OTHER_REASON => Token::OtherReason,
                _ => {
                    self.needs(Version::V3, "the report of each round of a list")?;
                    Token::Iteration
                }
            });
        }
        self.raw(b"}");
        Ok(())
    }

    pub(super) fn digit_map(&mut self, map: &DigitMap<'_>) -> Written {
        self.item_token(Token::DigitMap);
        self.raw(if self.is_pretty && map.name.is_some() { b" = " } else { b"=" });
        if let Some(name) = map.name {
            self.name(name, None);
        }
        match (&map.value, map.name) {
            (Some(value), _) => self.digit_map_value(value),
            (None, Some(_)) => Ok(()),
            (None, None) => Err(EncodeError::Illegal { what: "a digit map without name and value" }),
        }
    }

    fn digit_map_value(&mut self, value: &DigitMapValue<'_>) -> Written {
        self.raw(b"{");
        if value.duration.is_some() {
            self.needs(Version::V2, "the duration timer of a digit map")?;
        }
        for (name, timer) in
            [("T:", value.start), ("S:", value.short), ("L:", value.long), ("Z:", value.duration)]
        {
            if let Some(timer) = timer {
                if timer > 99 {
                    return Err(EncodeError::Illegal { what: "a timer of more than two digits" });
                }
                self.raw(name.as_bytes());
                self.number(timer.into());
                self.raw(b",");
            }
        }
        if value.body.bytes().any(|byte| matches!(byte, b'{' | b'}' | b':' | b';')) {
            return Err(EncodeError::Illegal {
                what: "a digit map with characters that a digit map has not",
            });
        }
        self.raw(value.body.as_bytes());
        self.raw(b"}");
        Ok(())
    }
}
