//! What the subscribers of a gateway of Megaco do, and what the gateway does by itself.

use strowger_megaco::message::{
    CommandBody, ContextId, ItemName, Method, Name, NotifyRequest, ObservedEvent, ObservedEvents, Parameter,
    RequestId, Setting, TerminationId, Value,
};
use strowger_mgcp::message::{EndpointName, RestartMethod};
use strowger_sansio::Time;

use crate::digit_map;
use crate::gateway::{Gateway, entry};
use crate::words::text;

impl Gateway {
    /// Notifies this, when the line watches for it.
    fn observe(&mut self, now: Time, local: &str, name: (u16, u16), parameters: Vec<Parameter<'static>>) {
        let endpoint = self.base.endpoints.get_mut(local).unwrap();
        let item = ItemName::of(name.0, name.1);
        let event = text(item, strowger_megaco::package::Kind::Event);
        if !endpoint.events.contains(&event) {
            return;
        }
        endpoint.signals.clear();
        endpoint.dialled.clear();
        let request = RequestId::new(endpoint.request_id.parse().unwrap());
        let events = vec![ObservedEvent { time: None, name: item, stream: None, parameters }];
        let observed = ObservedEvents { request, events };
        let terminations = TerminationId::new(local.to_owned()).unwrap().into();
        let own = self.mouth.as_ref().unwrap().contexts.get(local).copied().unwrap_or(0);
        let body = CommandBody::Notify(NotifyRequest { terminations, observed, error: None });
        self.ask(now, ContextId::new(own), body);
    }

    /// A test of continuity is over.
    pub(crate) fn tested(&mut self, now: Time, local: &str, result: u32) {
        let result = Parameter { name: Name::Id(8), setting: Setting::One(Value::Enumeration(result)) };
        self.observe(now, local, (0xa, 5), vec![result]);
    }

    pub(crate) fn hook(&mut self, now: Time, local: &str, off: bool) {
        if self.mouth.is_none() {
            return self.base.hook(now, local, off);
        }
        let endpoint = self.base.endpoints.get_mut(local).unwrap();
        assert_ne!(endpoint.off_hook, off, "the hook of {local} is there already");
        endpoint.off_hook = off;
        self.observe(now, local, (9, if off { 5 } else { 4 }), Vec::new());
    }

    pub(crate) fn flash(&mut self, now: Time, local: &str) {
        if self.mouth.is_none() {
            return self.base.flash(now, local);
        }
        assert!(self.base.endpoints[local].off_hook, "the hook of {local} cannot be flashed");
        self.observe(now, local, (9, 6), Vec::new());
    }

    /// Dials keys; `T` lets the digit timer expire.
    pub(crate) fn dial(&mut self, now: Time, local: &str, keys: &str) {
        if self.mouth.is_none() {
            return self.base.dial(now, local, keys);
        }
        for key in keys.chars() {
            let endpoint = self.base.endpoints.get_mut(local).unwrap();
            if !endpoint.events.iter().any(|event| event == "dd/ce") {
                continue;
            }
            endpoint.signals.clear();
            if key == 'T' {
                self.complete(now, local, 3);
                continue;
            }
            endpoint.dialled.push(key);
            let dialled = endpoint.dialled.replace('*', "E").replace('#', "F");
            match digit_map::state(&self.maps[local], &dialled) {
                digit_map::State::GoesOn => {}
                digit_map::State::Nothing => {
                    // The key that fits nothing is not part of the number (RFC 3525 section 7.1.14.5).
                    endpoint.dialled.pop();
                    self.complete(now, local, 2);
                }
                digit_map::State::Complete => self.complete(now, local, 1),
            }
        }
    }

    /// A key is pressed in a talk.
    pub(crate) fn key(&mut self, now: Time, local: &str, key: char) {
        if self.mouth.is_none() {
            return self.base.key(now, local, key);
        }
        let id = match key {
            '*' => 0x20,
            '#' => 0x21,
            digit => 0x10 + u16::try_from(digit.to_digit(10).unwrap()).unwrap(),
        };
        self.observe(now, local, (6, id), Vec::new());
    }

    fn complete(&mut self, now: Time, local: &str, method: u32) {
        let dialled = self.base.endpoints[local].dialled.replace('*', "E").replace('#', "F");
        let ds = Parameter { name: Name::Id(1), setting: Setting::One(Value::String(dialled.leak())) };
        let method = Parameter { name: Name::Id(3), setting: Setting::One(Value::Enumeration(method)) };
        self.observe(now, local, (6, 4), vec![ds, method]);
        // A map that is complete is not there any more.
        self.base.endpoints.get_mut(local).unwrap().events.retain(|event| event != "dd/ce");
    }

    /// The signal that is being played runs out; at dial tone the start timer of the digit map does so.
    pub(crate) fn signal_ends(&mut self, now: Time, local: &str) {
        if self.mouth.is_none() {
            return self.base.signal_ends(now, local);
        }
        self.base.endpoints.get_mut(local).unwrap().signals.clear();
        if self.base.endpoints[local].events.iter().any(|event| event == "dd/ce") {
            self.complete(now, local, 2);
        }
    }

    pub(crate) fn restart(
        &mut self,
        now: Time,
        pattern: &str,
        method: RestartMethod<'static>,
        delay: Option<u32>,
    ) {
        if self.mouth.is_none() {
            return self.base.restart(now, pattern, method, delay);
        }
        let method = match method {
            RestartMethod::Restart => Method::Restart,
            RestartMethod::Forced => Method::Forced,
            RestartMethod::Graceful => Method::Graceful,
            RestartMethod::Disconnected => Method::Disconnected,
            other => panic!("Megaco has no {other:?}"),
        };
        let delay = delay.filter(|_| method != Method::Disconnected);
        match pattern {
            "*" => self.change(now, TerminationId::Root, method, delay),
            name => self.change(now, TerminationId::new(name.to_owned()).unwrap(), method, delay),
        }
    }

    pub(crate) fn power_cycle(&mut self) {
        self.base.power_cycle();
        let (address, domain) = (self.base.address, self.base.domain.clone());
        let Some(mouth) = &mut self.mouth else { return };
        let entry = entry("gw", address, &domain);
        let mut fresh = Self::in_life(&entry, 0, u64::from(mouth.last_context) + 2).mouth.unwrap();
        // It registers when it is told to.
        while fresh.layer.poll_transmit(Time::from_secs(1000)).is_some() {}
        fresh.last_context = mouth.last_context;
        *mouth = fresh;
    }

    pub(crate) fn notify_as(&mut self, now: Time, name: EndpointName<'_>) {
        self.base.notify_as(now, name);
    }
}
