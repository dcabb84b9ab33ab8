//! Contexts: who is in them, who hears whom (RFC 3525 sections 6.1, 7.1.18).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use strowger_sansio::Time;

use super::Gateway;
use super::media::{Flow, MediaPlane, Port};
use super::report::{ContextReport, Fault, Triple, id_of};
use super::termination::Key;
use crate::error::ErrorCode;
use crate::message::{
    ContextId, ContextProperties, Name, StreamId, StreamMode, TerminationId, TopologyDirection,
};
use crate::package;

/// A context besides the null context.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) members: BTreeSet<Key>,
    pub(super) priority: u8,
    pub(super) is_emergency: bool,
    pub(super) is_ieps: bool,
    /// What the topology forbids: that the second hears the first, on a stream or on all of them. All else is allowed, as between
    /// terminations of which nothing was said.
    pub(super) silenced: BTreeSet<(Key, Key, Option<StreamId>)>,
    /// That the second hears what leaves the context at the first, whoever says it (version 3).
    taps: BTreeSet<(Key, Key, Option<StreamId>)>,
}

impl Context {
    fn silence(&mut self, from: Key, to: Key, stream: Option<StreamId>) {
        self.silenced.insert((from, to, stream));
    }

    fn allow(&mut self, from: Key, to: Key, stream: Option<StreamId>) {
        match stream {
            Some(_) => {
                self.silenced.remove(&(from, to, stream));
            }
            None => self.silenced.retain(|(f, t, _)| (*f, *t) != (from, to)),
        }
    }

    fn passes(&self, from: Key, to: Key, stream: u16) -> bool {
        !self.silenced.contains(&(from, to, None))
            && !self.silenced.contains(&(from, to, Some(StreamId(stream))))
    }

    /// A line of a topology takes the place of what was said of the pair before.
    fn untap(&mut self, one: Key, other: Key, stream: Option<StreamId>) {
        let is_it = |from: Key, to: Key| (from, to) == (one, other) || (from, to) == (other, one);
        self.taps.retain(|(from, to, own)| !is_it(*from, *to) || (stream.is_some() && *own != stream));
    }

    fn is_tapped(&self, from: Key, to: Key, stream: u16) -> bool {
        self.taps.contains(&(from, to, None)) || self.taps.contains(&(from, to, Some(StreamId(stream))))
    }

    pub(super) fn forget(&mut self, key: Key) {
        self.members.remove(&key);
        self.taps.retain(|(from, to, _)| *from != key && *to != key);
        self.silenced.retain(|(from, to, _)| *from != key && *to != key);
    }
}

/// Whether what comes in on a stream passes into the context.
pub(super) const fn receives(mode: StreamMode) -> bool {
    matches!(mode, StreamMode::ReceiveOnly | StreamMode::SendReceive)
}

/// Whether a stream takes what the context has.
pub(super) const fn sends(mode: StreamMode) -> bool {
    matches!(mode, StreamMode::SendOnly | StreamMode::SendReceive)
}

impl Gateway {
    /// A new context.
    pub(super) fn make_context(&mut self) -> Result<u32, Fault> {
        if self.contexts.len() >= self.config.limits.contexts as usize {
            return Err(ErrorCode::NO_CONTEXT_ID.into());
        }
        loop {
            let id = self.next_context;
            self.next_context = if id >= 0xffff_fffd { 1 } else { id + 1 };
            if let Entry::Vacant(place) = self.contexts.entry(id) {
                place.insert(Context::default());
                return Ok(id);
            }
        }
    }

    /// Takes a context away that has nobody left.
    pub(super) fn tidy_context(&mut self, id: u32) {
        if self.contexts.get(&id).is_some_and(|context| context.members.is_empty()) {
            self.contexts.remove(&id);
            self.unsettled.insert(id);
        }
    }

    /// Puts a termination into a context, out of the one that it was in.
    pub(super) fn enter(&mut self, now: Time, key: Key, id: u32) {
        let Some(termination) = self.terminations.get_mut(&key) else { return };
        let former = std::mem::replace(&mut termination.context, id);
        termination.since = now;
        if let Some(context) = self.contexts.get_mut(&former) {
            context.forget(key);
            self.unsettled.insert(former);
            self.tidy_context(former);
        }
        if let Some(context) = self.contexts.get_mut(&id) {
            context.members.insert(key);
            self.unsettled.insert(id);
        }
    }

    /// Whether a context has what an action sets: the null context has no attributes, and those of all at once are nobody's. No package has
    /// properties of contexts.
    pub(super) fn may_set_attributes(
        &self,
        context: ContextId,
        properties: &ContextProperties<'_>,
    ) -> Result<(), Fault> {
        if let Some(property) = properties.properties.first() {
            let is_known = matches!(property.name.package(), Name::Id(id) if package::package(id).is_some());
            let code = if is_known { ErrorCode::NO_PROPERTY } else { ErrorCode::UNKNOWN_PACKAGE };
            return Err(code.into());
        }
        // What a list of contexts in a request asks for is not known for certain (version 3): nothing is done to contexts that may not be meant.
        if !properties.contexts.is_empty() {
            return Err(Fault::new(ErrorCode::NOT_IMPLEMENTED, "A list of contexts in a request"));
        }
        let sets = properties.priority.is_some()
            || properties.emergency.is_some()
            || properties.ieps.is_some()
            || !properties.topology.is_empty();
        if sets && !context.is_specific() {
            let why = "Attributes are those of one context";
            return Err(Fault::new(ErrorCode::UNKNOWN_ACTION, why));
        }
        Ok(())
    }

    /// Attributes other than the topology.
    pub(super) fn set_attributes(&mut self, id: u32, properties: &ContextProperties<'_>) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.priority = properties.priority.unwrap_or(context.priority);
        context.is_emergency = properties.emergency.unwrap_or(context.is_emergency);
        context.is_ieps = properties.ieps.unwrap_or(context.is_ieps);
    }

    /// The topology, where `$` is the termination that the action has chosen.
    pub(super) fn set_topology(
        &mut self,
        id: u32,
        properties: &ContextProperties<'_>,
        chosen: Option<Key>,
    ) -> Result<(), Fault> {
        for line in &properties.topology {
            let (from, to) = (self.side(id, &line.from, chosen)?, self.side(id, &line.to, chosen)?);
            let direction = line.direction;
            if direction != TopologyDirection::Bothway
                && direction != TopologyDirection::Isolate
                && from.iter().any(|from| to.contains(from))
            {
                let why = "A oneway connection between a termination and itself";
                return Err(Fault::new(ErrorCode::UNKNOWN_ACTION, why));
            }
            let Some(context) = self.contexts.get_mut(&id) else { continue };
            for from in &from {
                for to in to.iter().filter(|to| *to != from) {
                    context.untap(*from, *to, line.stream);
                    match direction {
                        TopologyDirection::Bothway => {
                            context.allow(*from, *to, line.stream);
                            context.allow(*to, *from, line.stream);
                        }
                        TopologyDirection::Isolate => {
                            context.silence(*from, *to, line.stream);
                            context.silence(*to, *from, line.stream);
                        }
                        TopologyDirection::Oneway => {
                            context.allow(*from, *to, line.stream);
                            context.silence(*to, *from, line.stream);
                        }
                        // What leaves at the first is heard by the second, with or without what enters there. The text of version
                        // 3 was not at hand: so an interception is arranged.
                        TopologyDirection::OnewayExternal | TopologyDirection::OnewayBoth => {
                            if direction == TopologyDirection::OnewayBoth {
                                context.allow(*from, *to, line.stream);
                            } else {
                                context.silence(*from, *to, line.stream);
                            }
                            context.silence(*to, *from, line.stream);
                            context.taps.insert((*from, *to, line.stream));
                        }
                    }
                }
            }
            self.unsettled.insert(id);
        }
        Ok(())
    }

    /// The terminations of one side of a line of a topology.
    fn side(&self, id: u32, name: &TerminationId<'_>, chosen: Option<Key>) -> Result<Vec<Key>, Fault> {
        match name {
            TerminationId::Choose => Ok(vec![chosen.ok_or(ErrorCode::NO_TERMINATION_ID)?]),
            _ => self.targets(ContextId::new(id), name),
        }
    }

    /// What an audit of a context finds.
    pub(super) fn context_report(&self, id: u32) -> ContextReport {
        let Some(context) = self.contexts.get(&id) else { return ContextReport::default() };
        ContextReport {
            priority: Some(context.priority),
            emergency: Some(context.is_emergency),
            ieps: Some(context.is_ieps),
            topology: self.triples(context),
        }
    }

    /// The topology, pair by pair; what is both ways goes without saying.
    fn triples(&self, context: &Context) -> Vec<Triple> {
        let name = |key: Key| id_of(self.name_of(key));
        let mut lines = Vec::new();
        for (from, to, stream) in &context.taps {
            let is_both = !context.silenced.contains(&(*from, *to, *stream));
            let direction =
                if is_both { TopologyDirection::OnewayBoth } else { TopologyDirection::OnewayExternal };
            lines.push((name(*from), name(*to), direction, *stream));
        }
        let is_tapped = |one: &Key, other: &Key, stream: &Option<StreamId>| {
            let has = |from: &Key, to: &Key| context.taps.contains(&(*from, *to, *stream));
            has(one, other) || has(other, one)
        };
        for (from, to, stream) in &context.silenced {
            if is_tapped(from, to, stream) {
                continue;
            }
            let is_mutual = context.silenced.contains(&(*to, *from, *stream));
            match is_mutual {
                true if from < to => {
                    lines.push((name(*from), name(*to), TopologyDirection::Isolate, *stream));
                }
                true => {}
                // The first does not reach the second: the second alone is heard.
                false => lines.push((name(*to), name(*from), TopologyDirection::Oneway, *stream)),
            }
        }
        lines
    }

    /// Tells the plane who hears whom where that has changed.
    pub(super) fn settle_contexts(&mut self, now: Time, media: &mut dyn MediaPlane) {
        while let Some(id) = self.unsettled.pop_first() {
            let (ports, flows) = self.flows(id);
            media.connect(now, id, &ports, &flows);
            self.aim_signals(now, id, media);
        }
    }

    /// Where what comes in at a termination is heard: at the others of its context that take what the context has, and to whom the topology lets
    /// it.
    pub(super) fn hearers(&self, key: Key, stream: u16) -> Vec<Port> {
        let id = self.context_of(key);
        let Some(context) = self.contexts.get(&id) else { return Vec::new() };
        let others = context.members.iter().filter(|other| **other != key);
        let hears = others.filter_map(|other| {
            let termination = self.terminations.get(other)?;
            let state = termination.streams.get(&stream)?;
            (sends(state.mode()) && context.passes(key, *other, stream)).then(|| termination.port(stream))?
        });
        hears.collect()
    }

    fn flows(&self, id: u32) -> (Vec<Port>, Vec<Flow>) {
        let Some(context) = self.contexts.get(&id) else { return (Vec::new(), Vec::new()) };
        // The ends of each stream: whose, where, in which mode.
        let mut streams: BTreeMap<u16, Vec<(Key, Port, StreamMode)>> = BTreeMap::new();
        let mut ports = BTreeSet::new();
        for key in &context.members {
            let Some(termination) = self.terminations.get(key) else { continue };
            for (stream, state) in &termination.streams {
                let Some(port) = termination.port(*stream) else { continue };
                ports.insert(port);
                streams.entry(*stream).or_default().push((*key, port, state.mode()));
            }
        }
        let mut flows = BTreeSet::new();
        for (stream, ends) in &streams {
            for (from, source, mode) in ends {
                if *mode == StreamMode::Loopback {
                    flows.insert(Flow { from: *source, to: *source });
                }
                let hearers = ends.iter().filter(|(to, _, other)| {
                    to != from && receives(*mode) && sends(*other) && context.passes(*from, *to, *stream)
                });
                flows.extend(hearers.map(|(_, sink, _)| Flow { from: *source, to: *sink }));
            }
            for (tapped, leaves, _) in ends {
                let taps = ends.iter().filter(|(to, _, mode)| {
                    to != tapped && sends(*mode) && context.is_tapped(*tapped, *to, *stream)
                });
                for (_, tap, _) in taps {
                    let heard = flows.iter().filter(|flow| flow.to == *leaves && flow.from != *tap);
                    let heard: Vec<_> =
                        heard.filter(|flow| flow.from != flow.to).map(|flow| flow.from).collect();
                    flows.extend(heard.into_iter().map(|from| Flow { from, to: *tap }));
                }
            }
        }
        (ports.into_iter().collect(), flows.into_iter().collect())
    }
}
