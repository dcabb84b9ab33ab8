//! The gateways: who registers, who is lost, and what is looked at when one comes back.
//!
//! A gateway that is not there is called where its address is configured: after a restart of the exchange it believes in an association
//! that the exchange has forgotten, and a service change by hand-over lets it register anew with the contexts that it has (RFC 3525
//! section 11.5). One that is there and says nothing is asked for a sign of life by the controller, unless it has agreed to speak up by
//! itself (`root`).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use strowger_megaco::binary::{self, NamePlan};
use strowger_megaco::controller::{Admission, Registration, Service};
use strowger_megaco::message::{
    Action, AuditItem, AuditItems, AuditReturn, Caseless, ContextId, Method, Mid, OwnedMid, ReplyResult,
    TerminationId, Terminations, Version,
};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Coding, Dialect, Form, PeerConfig, PeerId, Source, Transport};
use strowger_megaco::transport::Route;
use strowger_mgcp::agent::{self, Failure, GatewayId};
use strowger_mgcp::message::{ConnectionIdBuf, EndpointNameBuf, RestartMethod};
use strowger_sansio::{Duration, SocketId, Time};

use super::place::Places;
use super::{Ask, Megaco, order};
use crate::access::control::News;
use crate::exchange::{MEGACO_BINARY, MEGACO_TEXT};
use crate::{GatewayEntry, MegacoEncoding, MegacoTransport};

/// What a clock of a gateway is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clock {
    /// It is not there, and is called.
    Call,
    /// It had not read the reply to its registration.
    Early,
    /// It has had the time to register, since the exchange began or its connection ended.
    Absent,
}

/// How long a gateway that is not there counts as one that may come: as long as any answer is waited for (T-MAX).
const EXPECTED: Duration = Duration::from_secs(25);

/// How often a request is given again that has overtaken the reply to the registration, and after how long at first. A gateway that
/// has not read it after that will register again.
const EARLY: (u32, Duration) = (6, Duration::from_millis(200));

/// A gateway.
#[derive(Debug)]
pub(super) struct Association {
    pub(super) peer: PeerId,
    pub(super) domain: String,
    /// The name by which it is to choose the streams of a relay, if it has one.
    pub(super) relay: Option<Box<str>>,
    pub(super) address: IpAddr,
    /// Its name in the name service, if it is found by that.
    pub(super) host: Option<String>,
    /// Where it takes datagrams, in the order in which it is called there; none while its name stands for no address.
    pub(super) addresses: Vec<SocketAddr>,
    /// How often it was called.
    pub(super) turn: usize,
    pub(super) carrier: (Transport, SocketId),
    /// Where it spoke from last.
    socket: Option<SocketId>,
    pub(super) spoke_from: Option<SocketAddr>,
    /// Its connection has ended: what it is to be told waits until it comes back by another.
    pub(super) is_cut: bool,
    /// It was lost while it was cut, and has not registered since.
    pub(super) is_lost: bool,
    /// Its terminations that are in no context, until it has said which are in one.
    pub(super) idle: Vec<EndpointNameBuf>,
    /// What has overtaken the reply to the registration.
    early: Vec<Ask>,
    /// How often something has.
    overtaken: u32,
}

/// A message identifier as it is written in configurations.
fn mid(text: &str) -> Option<OwnedMid> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if name.ends_with(['>', ']']) => (name, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    if let Some(domain) = name.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        return Some(OwnedMid::Domain(domain.into(), port));
    }
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(match address.parse().ok()? {
            IpAddr::V4(address) => OwnedMid::Ip4(address.octets(), port),
            IpAddr::V6(address) => OwnedMid::Ip6(address.octets(), port),
        });
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.@*$".contains(&byte);
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(is_name))
        .then(|| Mid::Device(Caseless::new(text)).into())
}

pub(crate) fn is_message_identifier(text: &str) -> bool {
    mid(text).is_some()
}

/// How often a gateway may say of one request that it is at work on it: one that does so each second is waited for for a minute.
const MOST_PENDINGS: u32 = 60;

impl Megaco {
    pub(in crate::access) fn add_gateway(&mut self, now: Time, gateway: GatewayId, entry: &GatewayEntry) {
        let Some(controller) = &mut self.controller else { return };
        let is_binary = entry.megaco.encoding == MegacoEncoding::Binary;
        let socket = if is_binary { MEGACO_BINARY } else { MEGACO_TEXT };
        let transport = match entry.megaco.transport {
            MegacoTransport::Udp => Transport::Udp,
            MegacoTransport::Tcp => Transport::Tcp,
        };
        let carrier = (transport, socket);
        let own = if entry.host.is_some() { &[][..] } else { &[entry.address][..] };
        let places = Places::new(carrier, own);
        let form = match entry.megaco.encoding {
            MegacoEncoding::Compact => Form::Text(Layout::Compact),
            MegacoEncoding::Pretty => Form::Text(Layout::Pretty),
            MegacoEncoding::Binary => Form::Binary,
        };
        let plan = entry.megaco.names.clone().unwrap_or_else(NamePlan::telephones);
        let binary = binary::Options { plan, ..binary::Options::default() };
        let config = PeerConfig {
            coding: Arc::new(Coding { binary, ..Coding::default() }),
            mid: entry.megaco.mid.as_deref().and_then(mid),
            sources: places.sources,
            route: places.route,
            dialect: Dialect { form, no_signals: entry.megaco.no_signals, ..Dialect::default() },
            pending_allowance: Some(MOST_PENDINGS),
            ..PeerConfig::from_source(Source::host(entry.address.ip()))
        };
        let peer = controller.add_gateway(config, Admission::Accept, Version::V1);
        let profiles = entry.megaco.profiles.iter();
        controller.set_profiles(peer, profiles.map(|own| (own.name.as_str().into(), own.version)).collect());
        self.by_peer.insert(peer, gateway);
        self.associations.insert(
            gateway,
            Association {
                peer,
                domain: entry.domain.clone(),
                relay: entry.relay.as_ref().map(|relay| relay.endpoint.as_str().into()),
                address: entry.address.ip(),
                host: entry.host.clone(),
                addresses: places.callable,
                turn: 0,
                carrier,
                socket: None,
                spoke_from: None,
                is_cut: false,
                is_lost: false,
                idle: Vec::new(),
                early: Vec::new(),
                overtaken: 0,
            },
        );
        self.clocks.set((gateway, Clock::Absent), now + EXPECTED);
        self.call_at(gateway, now);
    }

    /// A message of a gateway came. It is where it registered: what comes late by a connection that it has left does not say
    /// that it is there again, and the end of that connection is not its own.
    pub(super) fn heard(&mut self, peer: PeerId, route: Route, registers: bool) {
        let Some(known) = self.by_peer.get(&peer).and_then(|own| self.associations.get_mut(own)) else {
            return;
        };
        if registers || known.socket.is_none() {
            known.socket = Some(route.socket);
        }
        if known.socket == Some(route.socket) {
            known.spoke_from = Some(route.address);
        }
    }

    /// A connection has ended: the gateway that spoke by it is expected to come back by another.
    pub(crate) fn handle_disconnected(&mut self, now: Time, socket: SocketId) {
        let mut all = self.associations.iter_mut();
        let Some((gateway, known)) = all.find(|(_, known)| known.socket == Some(socket)) else { return };
        let (gateway, peer) = (*gateway, known.peer);
        (known.socket, known.is_cut) = (None, true);
        if let Some(controller) = &mut self.controller {
            controller.handle_disconnected(peer);
        }
        self.clocks.set((gateway, Clock::Absent), now + EXPECTED);
        self.drain(now);
    }

    pub(super) fn clock(&mut self, now: Time, gateway: GatewayId, clock: Clock) {
        let (Some(controller), Some(known)) = (&self.controller, self.associations.get(&gateway)) else {
            return;
        };
        let is_there = controller.service(known.peer).is_registered();
        match clock {
            Clock::Early => self.repeat(now, gateway),
            Clock::Absent if is_there && known.is_cut => {
                if let Some(known) = self.associations.get_mut(&gateway) {
                    known.is_lost = true;
                }
                self.gone(now, gateway);
            }
            Clock::Absent if is_there => {}
            // Whoever talked by it when an exchange before died has been waited for long enough.
            Clock::Absent => self.tell(agent::Event::GatewayLost { gateway }),
            Clock::Call if is_there => {}
            Clock::Call => self.call(now, gateway),
        }
    }

    /// A request has overtaken the reply to the registration: it is given again. Says whether it is.
    pub(super) fn put_off(&mut self, now: Time, ask: Ask) -> bool {
        let gateway = match ask {
            Ask::Line(id, serial) => match self.loops.get(id).filter(|line| line.serial == serial) {
                Some(line) => line.gateway,
                None => return true,
            },
            Ask::Packages(gateway)
            | Ask::Idle(gateway)
            | Ask::Busy(gateway)
            | Ask::Root(gateway, _)
            | Ask::Contexts(gateway)
            | Ask::Found(gateway, _) => gateway,
            Ask::Sweep => return false,
        };
        let Some(known) = self.associations.get_mut(&gateway) else { return false };
        let is_first = known.early.is_empty();
        if is_first && known.overtaken >= EARLY.0 {
            return false;
        }
        known.early.push(ask);
        if is_first {
            let wait = EARLY.1 * 2_u32.saturating_pow(known.overtaken);
            known.overtaken += 1;
            self.clocks.set((gateway, Clock::Early), now + wait);
        }
        true
    }

    /// Gives again what was put off.
    fn repeat(&mut self, now: Time, gateway: GatewayId) {
        let Some(known) = self.associations.get_mut(&gateway) else { return };
        for ask in std::mem::take(&mut known.early) {
            match ask {
                Ask::Line(id, serial) => {
                    let Some(line) = self.loops.get_mut(id).filter(|line| line.serial == serial) else {
                        continue;
                    };
                    if let Some(running) = line.running.take() {
                        line.queue.push_front(running);
                    }
                    self.start(now, id);
                }
                Ask::Packages(gateway) => self.ask_packages(now, gateway),
                Ask::Idle(gateway) => self.ask_idle(now, gateway),
                Ask::Busy(gateway) => self.ask_busy(now, gateway),
                Ask::Root(gateway, wish) => self.ask_root(now, gateway, wish),
                Ask::Contexts(gateway) => self.ask_contexts(now, gateway),
                Ask::Found(gateway, context) => self.ask_found(now, gateway, context),
                Ask::Sweep => {}
            }
        }
    }

    pub(super) fn tell(&mut self, event: agent::Event<crate::access::Tag>) {
        self.news.push_back(News::agent(event));
    }

    /// The name of all endpoints of a gateway.
    fn all(&self, gateway: GatewayId) -> Option<EndpointNameBuf> {
        EndpointNameBuf::from_parts("*", self.domain(gateway)?)
    }

    fn announce(
        &mut self,
        gateway: GatewayId,
        endpoints: EndpointNameBuf,
        method: RestartMethod<'static>,
        seconds: u32,
    ) {
        let delay = Duration::from_secs(seconds.into());
        self.tell(agent::Event::EndpointsRestarted { gateway, endpoints, method, delay, reason: None });
    }

    pub(super) fn registered(&mut self, now: Time, peer: PeerId, how: Registration, was: Service) {
        let Some(gateway) = self.by_peer.get(&peer).copied() else { return };
        self.clocks.cancel(&(gateway, Clock::Call));
        self.clocks.cancel(&(gateway, Clock::Absent));
        let is_new_life = how == Registration::Restart;
        if is_new_life {
            self.drop_orders(gateway, &Failure::Restarted);
        }
        let was_lost = self.associations.get(&gateway).is_some_and(|known| known.is_lost);
        if is_new_life || !was.is_registered() || was_lost {
            let after_loss = was == Service::Unreachable || was_lost;
            self.tell(agent::Event::GatewayUp { gateway, after_loss });
        }
        if let Some(all) = self.all(gateway) {
            if is_new_life {
                self.announce(gateway, all, RestartMethod::Restart, 0);
            } else if was.is_registered() && !was_lost {
                self.announce(gateway, all, RestartMethod::Disconnected, 0);
            }
        }
        if let Some(known) = self.associations.get_mut(&gateway) {
            (known.is_cut, known.is_lost) = (false, false);
            // Orders of lines are carried out yet; what is asked of the gateway itself is asked anew.
            known.early.retain(|ask| matches!(ask, Ask::Line(..)));
            known.overtaken = 0;
            if !known.early.is_empty() {
                self.clocks.set((gateway, Clock::Early), now + EARLY.1);
            }
        }
        // A gateway that does not answer these is known soon enough by what it refuses.
        self.ask_packages(now, gateway);
        self.ask_idle(now, gateway);
        if !is_new_life {
            self.ask_contexts(now, gateway);
        }
        let own = (0..).zip(&self.loops).filter(|(_, line)| line.gateway == gateway);
        let waiting: Vec<_> = own.filter(|(_, line)| !line.queue.is_empty()).map(|(id, _)| id).collect();
        for id in waiting {
            self.start(now, id);
        }
    }

    fn ask_packages(&mut self, now: Time, gateway: GatewayId) {
        let body = order::audit(TerminationId::Root, AuditItems::NONE.with(AuditItem::Packages));
        self.ask(now, gateway, Action::new(ContextId::NULL, [body]), Ask::Packages(gateway));
    }

    fn ask_contexts(&mut self, now: Time, gateway: GatewayId) {
        let body = order::audit(TerminationId::Root, AuditItems::NONE);
        self.ask(now, gateway, Action::new(ContextId::ALL, [body]), Ask::Contexts(gateway));
    }

    pub(super) fn ask_found(&mut self, now: Time, gateway: GatewayId, context: ContextId) {
        let body = order::audit(TerminationId::All, AuditItems::NONE);
        self.ask(now, gateway, Action::new(context, [body]), Ask::Found(gateway, context));
    }

    pub(super) fn delayed(&mut self, peer: PeerId, seconds: u32) {
        let Some(gateway) = self.by_peer.get(&peer).copied() else { return };
        if let Some(all) = self.all(gateway) {
            self.announce(gateway, all, RestartMethod::Restart, seconds);
        }
    }

    pub(super) fn lost(&mut self, now: Time, peer: PeerId) {
        let Some(gateway) = self.by_peer.get(&peer).copied() else { return };
        self.gone(now, gateway);
    }

    fn gone(&mut self, now: Time, gateway: GatewayId) {
        // First that it is lost: what becomes of calls is a matter of how far they are, and not of the order that was not answered.
        self.tell(agent::Event::GatewayLost { gateway });
        self.drop_orders(gateway, &Failure::GatewayLost);
        let is_named = self.associations.get(&gateway).is_some_and(|known| known.host.is_some());
        // It may be elsewhere by now.
        self.call_at(gateway, if is_named { now } else { now + self.patience });
    }

    /// The service of terminations changes (RFC 3525 section 7.2.8).
    pub(super) fn service_changed(
        &mut self,
        now: Time,
        peer: PeerId,
        terminations: &Terminations<'_>,
        method: Method<'_>,
        delay: Option<u32>,
    ) {
        let Some(gateway) = self.by_peer.get(&peer).copied() else { return };
        let method = match method {
            Method::Forced => RestartMethod::Forced,
            Method::Graceful => RestartMethod::Graceful,
            Method::Restart => RestartMethod::Restart,
            _ => return,
        };
        for termination in terminations.iter() {
            let local = match termination {
                TerminationId::Root | TerminationId::All => "*",
                TerminationId::Choose => continue,
                TerminationId::Name(name) => name.as_str(),
            };
            if method == RestartMethod::Forced
                && let Some((id, connection)) = self.stream_named(gateway, local)
            {
                self.stream_failed(now, id, connection);
                continue;
            }
            let Some(domain) = self.domain(gateway) else { return };
            // A wildcard within a name means a level of it, as it does there.
            let Some(endpoints) = EndpointNameBuf::from_parts(local, domain) else { continue };
            if *termination == TerminationId::Root && method == RestartMethod::Forced {
                self.drop_orders(gateway, &Failure::Restarted);
            } else if method != RestartMethod::Graceful {
                self.clear(now, gateway, &endpoints);
            }
            self.announce(gateway, endpoints, method, delay.unwrap_or(0));
        }
    }

    /// Takes down the contexts of lines that went out of service: their streams are nobody's any more.
    fn clear(&mut self, now: Time, gateway: GatewayId, endpoints: &EndpointNameBuf) {
        let pattern = endpoints.as_name();
        let meant = |line: &super::Loop| {
            line.gateway == gateway && line.context.is_some() && pattern.covers(line.endpoint.as_name())
        };
        let ids: Vec<_> = (0..).zip(&self.loops).filter(|(_, line)| meant(line)).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(line) = self.loops.get_mut(id) {
                line.queue.push_back((order::Order::DeleteAll, None));
            }
            self.start(now, id);
        }
    }

    /// A gateway named its packages.
    pub(super) fn packages(&mut self, now: Time, gateway: GatewayId, result: &ReplyResult<'_>) {
        let ReplyResult::Actions(replies) = result else { return };
        if order::error(replies).is_some() {
            return;
        }
        let told = order::terminations(replies).flat_map(|(_, _, parts)| parts).find_map(|part| match part {
            AuditReturn::Packages(packages) if !packages.is_empty() => Some(packages),
            _ => None,
        });
        let Some(told) = told else { return };
        let packages: Vec<String> = told.iter().filter_map(|own| package_name(own.package)).collect();
        self.learn_root(now, gateway, &packages);
        // Some gateways list what ROOT itself realizes (RFC 3525 section 7.1.16), which says nothing of their lines.
        if !packages.iter().any(|package| package == "al") {
            return;
        }
        self.news.push_back(News::Packages { gateway, packages });
    }

    /// A gateway that has kept its contexts listed them: a line whose context is not among them has lost its streams, and in a
    /// context that no line has it is looked for one.
    pub(super) fn contexts(&mut self, now: Time, gateway: GatewayId, result: &ReplyResult<'_>) {
        let ReplyResult::Actions(replies) = result else { return };
        if order::error(replies).is_some() {
            return;
        }
        let found: Vec<_> =
            replies.iter().map(|reply| reply.context).filter(|own| own.is_specific()).collect();
        let mut known = Vec::new();
        let mut lost = Vec::new();
        for line in self.loops.iter_mut().filter(|line| line.gateway == gateway) {
            match line.context {
                Some(context) if found.contains(&context) => known.push(context),
                Some(_) => {
                    let streams = line.streams.keys().cloned();
                    lost.extend(streams.map(|connection_id| (line.endpoint.clone(), connection_id)));
                    line.leave();
                }
                None => {}
            }
        }
        self.streams_gone(gateway, lost.into_iter());
        for context in found.into_iter().filter(|context| !known.contains(context)) {
            self.suspect(now, gateway, context);
        }
        (0..self.loops.len()).for_each(|id| self.retire(id));
    }

    /// Streams are not there any more.
    pub(super) fn streams_gone(
        &mut self,
        gateway: GatewayId,
        gone: impl Iterator<Item = (EndpointNameBuf, ConnectionIdBuf)>,
    ) {
        for (endpoint, connection_id) in gone {
            let call_id = strowger_mgcp::message::CallIdBuf::from_u128(0);
            self.tell(agent::Event::ConnectionDeletedByGateway {
                gateway,
                endpoint,
                call_id,
                connection_id,
                reason: None,
                statistics: None,
            });
        }
    }

    /// What is in a context that no line has: one with a line's termination is left to the audit of the line.
    pub(super) fn found(
        &mut self,
        now: Time,
        gateway: GatewayId,
        context: ContextId,
        result: &ReplyResult<'_>,
    ) {
        let ReplyResult::Actions(replies) = result else { return };
        if order::error(replies).is_some() {
            return;
        }
        let own = || self.loops.iter().filter(|line| line.gateway == gateway);
        let is_of_a_line = |name: &str| own().any(|line| line.endpoint.local().eq_ignore_ascii_case(name));
        if own().any(|line| line.context == Some(context)) {
            return;
        }
        let mut names = order::terminations(replies).filter_map(|(_, own, _)| order::name(own));
        if names.any(is_of_a_line) {
            return;
        }
        let body = order::Order::DeleteAll;
        let context = Some(context);
        let at = order::At { termination: "*", context, stream: None, is_last: false, is_relay: false };
        for action in body.actions(at).into_iter().flatten() {
            self.ask(now, gateway, action, Ask::Sweep);
        }
    }

    pub(super) fn ask(
        &mut self,
        now: Time,
        gateway: GatewayId,
        action: strowger_megaco::message::Action<'_>,
        ask: Ask,
    ) {
        let (Some(controller), Some(known)) = (&mut self.controller, self.associations.get(&gateway)) else {
            return;
        };
        let _ = controller.request(now, known.peer, vec![action], ask);
    }
}

/// The name of a package, if it has one.
fn package_name(package: strowger_megaco::message::Name<'_>) -> Option<String> {
    use strowger_megaco::message::Name;
    match package {
        Name::Id(id) => strowger_megaco::package::package(id).map(|own| own.name.to_owned()),
        Name::Text(text) => Some(text.as_str().to_owned()),
        Name::All => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_identifiers_are_read_as_they_stand_in_messages() {
        for text in ["<gw1.town>", "<gw1.town>:2944", "[192.0.2.9]", "[192.0.2.9]:2944", "[::1]:2944", "gw1"]
        {
            assert_eq!(mid(text).unwrap().to_string(), text);
        }
        for text in ["[nonsense]", "<gw1>:port", "", "two words"] {
            assert!(mid(text).is_none(), "{text}");
        }
    }
}
