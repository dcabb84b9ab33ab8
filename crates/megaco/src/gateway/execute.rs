//! Actions and commands in their order (RFC 3525 sections 7.2, 8.2.1): what is executed, what is answered, where execution stops.

use strowger_sansio::Time;

use super::context::Context;
use super::event::GatewayEvent;
use super::media::MediaPlane;
use super::report::{ActionReport, CommandReport, ContextReport, Fault, Found, Verb};
use super::target::{is_all, is_choose, to_owned};
use super::termination::Key;
use super::{Gateway, report};
use crate::error::ErrorCode;
use crate::message::{
    Action, AmmRequest, AuditDescriptor, AuditItem, Command, CommandBody, ContextAudit, ContextId,
    ContextProperties, SelectLogic, TerminationId, Terminations,
};
use crate::transaction::PeerId;

/// Where commands are executed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) now: Time,
    pub(super) peer: PeerId,
    /// The context of the action: its number once it has one.
    pub(super) context: ContextId,
}

/// What became of a command.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) reports: Vec<CommandReport>,
    /// Reports of other contexts than the action's, when that is all of them.
    pub(super) elsewhere: Vec<(u32, CommandReport)>,
    pub(super) failed: Option<Fault>,
    /// The termination that Add chose.
    pub(super) chosen: Option<Key>,
}

impl Outcome {
    pub(super) fn failed(verb: Verb, id: &TerminationId<'_>, fault: Fault) -> Self {
        let report = CommandReport::Termination(verb, to_owned(id), vec![Found::Error(fault)]);
        Self { reports: vec![report], failed: Some(fault), ..Self::default() }
    }
}

impl Gateway {
    /// Executes actions until one fails that was not optional.
    pub(super) fn execute(
        &mut self,
        now: Time,
        peer: PeerId,
        actions: &[Action<'_>],
        media: &mut dyn MediaPlane,
    ) -> Vec<ActionReport> {
        let mut reports = Vec::new();
        for action in actions {
            let scene = Scene { now, peer, context: action.context };
            let (more, failed) = self.act(scene, action, media);
            reports.extend(more);
            if let Some(fault) = failed {
                self.events.push_back(GatewayEvent::Refused { code: fault.code });
                break;
            }
        }
        reports
    }

    fn act(
        &mut self,
        mut scene: Scene,
        action: &Action<'_>,
        media: &mut dyn MediaPlane,
    ) -> (Vec<ActionReport>, Option<Fault>) {
        let mut report = ActionReport::new(action.context);
        match action.context {
            ContextId::CHOOSE => match self.make_context() {
                Ok(id) => scene.context = ContextId::new(id),
                Err(fault) => {
                    report.error = Some(fault);
                    return (vec![report], Some(fault));
                }
            },
            ContextId::NULL | ContextId::ALL => {}
            id if self.contexts.contains_key(&id.get()) => {}
            _ => {
                let fault = ErrorCode::UNKNOWN_CONTEXT.into();
                report.error = Some(fault);
                return (vec![report], Some(fault));
            }
        }
        let context = scene.context.get();
        if let Some(properties) = action.properties.as_deref() {
            if let Err(fault) = self.may_set_attributes(scene.context, properties) {
                report.error = Some(fault);
                self.tidy_context(context);
                return (vec![report], Some(fault));
            }
            self.set_attributes(context, properties);
        }
        let mut others: Vec<ActionReport> = Vec::new();
        let selected = action.audit.as_deref().filter(|_| action.context == ContextId::ALL);
        let selected = selected.map(|audit| self.selected(audit));
        match (action.audit.as_deref(), &selected) {
            (Some(audit), Some(selected)) => others.extend(selected.iter().map(|id| {
                let properties = Some(self.attributes(*id, audit));
                ActionReport { properties, ..ActionReport::new(ContextId::new(*id)) }
            })),
            (Some(audit), None) => report.properties = Some(self.attributes(context, audit)),
            (None, _) => {}
        }
        let (mut failed, mut chosen) = (None, None);
        for command in &action.commands {
            let outcome = self.command(scene, command, media);
            chosen = chosen.or(outcome.chosen);
            report.commands.extend(outcome.reports);
            for (id, command) in outcome.elsewhere {
                if selected.as_ref().is_some_and(|selected| !selected.contains(&id)) {
                    continue;
                }
                let id = ContextId::new(id);
                match others.iter_mut().find(|report| report.context == id) {
                    Some(report) => report.commands.push(command),
                    None => others.push(ActionReport { commands: vec![command], ..ActionReport::new(id) }),
                }
            }
            if outcome.failed.is_some() && !command.is_optional {
                failed = outcome.failed;
                break;
            }
        }
        // A topology may name terminations that the action itself has added (section 7.1.18).
        if let Some(properties) = action.properties.as_deref()
            && failed.is_none()
            && let Err(fault) = self.set_topology(context, properties, chosen)
        {
            report.error = Some(fault);
            failed = Some(fault);
        }
        // What is audited is how it is after what is set (section 7.2.9), which the topology is only now.
        if let (Some(found), Some(audit)) = (&mut report.properties, action.audit.as_deref())
            && audit.is_topology
        {
            found.topology = self.context_report(context).topology;
        }
        if report.commands.is_empty() && report.properties.is_none() && report.error.is_none() {
            // An action that changes attributes alone is answered with its effect (section 7.2.9).
            report.properties =
                action.properties.as_deref().map(|properties| self.effect(context, properties));
        }
        if scene.context.is_specific() {
            let is_left = self.contexts.get(&context).is_some_and(|context| !context.members.is_empty());
            // A context that nobody came into has not been made.
            if action.context != ContextId::CHOOSE || is_left {
                report.context = scene.context;
            }
            self.tidy_context(context);
        }
        let is_empty = report.commands.is_empty() && report.properties.is_none() && report.error.is_none();
        let mut reports = Vec::new();
        if !is_empty || others.is_empty() {
            reports.push(report);
        }
        reports.extend(others);
        (reports, failed)
    }

    /// The contexts that the conditions of an audit hold for; without conditions, all (version 3, inferred from the syntax).
    fn selected(&self, audit: &ContextAudit<'_>) -> Vec<u32> {
        let is_meant = |context: &Context| {
            let conditions = [
                audit.when_priority.map(|priority| priority == context.priority),
                audit.when_emergency.map(|mark| mark == context.is_emergency),
                audit.when_ieps.map(|mark| mark == context.is_ieps),
            ];
            let mut said = conditions.into_iter().flatten().peekable();
            if said.peek().is_none() {
                return true;
            }
            match audit.logic {
                Some(SelectLogic::Or) => said.any(|holds| holds),
                Some(SelectLogic::And) | None => said.all(|holds| holds),
            }
        };
        self.contexts.iter().filter(|(_, context)| is_meant(context)).map(|(id, _)| *id).collect()
    }

    /// What an audit of the context's attributes finds (section 7.2.5); what it was selected by is told with it.
    fn attributes(&self, context: u32, audit: &ContextAudit<'_>) -> ContextReport {
        let all = self.context_report(context);
        ContextReport {
            priority: all.priority.filter(|_| audit.is_priority || audit.when_priority.is_some()),
            emergency: all.emergency.filter(|_| audit.is_emergency || audit.when_emergency.is_some()),
            ieps: all.ieps.filter(|_| audit.is_ieps || audit.when_ieps.is_some()),
            topology: if audit.is_topology { all.topology } else { Vec::new() },
        }
    }

    /// The attributes that an action has set, as they are now.
    fn effect(&self, context: u32, properties: &ContextProperties<'_>) -> ContextReport {
        let all = self.context_report(context);
        ContextReport {
            priority: all.priority.filter(|_| properties.priority.is_some()),
            emergency: all.emergency.filter(|_| properties.emergency.is_some()),
            ieps: all.ieps.filter(|_| properties.ieps.is_some()),
            topology: if properties.topology.is_empty() { Vec::new() } else { all.topology },
        }
    }

    fn command(&mut self, scene: Scene, command: &Command<'_>, media: &mut dyn MediaPlane) -> Outcome {
        let is_union = command.is_wildcard_reply;
        match &command.body {
            CommandBody::Add(request) => {
                let outcome = self.each(Verb::Add, is_union, &request.terminations, |gateway, id| {
                    gateway.add(scene, id, request, media)
                });
                self.note_add(scene.now, media);
                outcome
            }
            CommandBody::Move(request) => {
                self.each(Verb::Move, is_union, &request.terminations, |gateway, id| {
                    gateway.move_here(scene, id, request, media)
                })
            }
            CommandBody::Modify(request) => {
                self.each(Verb::Modify, is_union, &request.terminations, |gateway, id| {
                    gateway.modify(scene, id, request, media)
                })
            }
            CommandBody::Subtract(request) => {
                self.each(Verb::Subtract, is_union, &request.terminations, |gateway, id| {
                    gateway.subtract(scene, id, request.audit.as_ref(), media)
                })
            }
            CommandBody::AuditValue(request) => {
                self.each(Verb::AuditValue, is_union, &request.terminations, |gateway, id| {
                    gateway.audit_value(scene, id, &request.audit, is_union, media)
                })
            }
            CommandBody::AuditCapabilities(request) => {
                self.each(Verb::AuditCapabilities, is_union, &request.terminations, |gateway, id| {
                    gateway.audit_capabilities(scene, id, &request.audit, is_union, media)
                })
            }
            CommandBody::Notify(request) => {
                // Controllers are told; they tell nothing.
                let fault = Fault::from(ErrorCode::UNKNOWN_COMMAND);
                let id = to_owned(&request.terminations.first);
                let reports = vec![CommandReport::Notify(id, Some(fault))];
                Outcome { reports, failed: Some(fault), ..Outcome::default() }
            }
            CommandBody::ServiceChange(terminations, change) => {
                self.ordered_change(scene, &terminations.first, change, is_union, media)
            }
        }
    }

    /// Does a command for each identifier that it names, which is one before version 3, and joins the reports when one is asked for.
    fn each(
        &mut self,
        verb: Verb,
        is_union: bool,
        terminations: &Terminations<'_>,
        mut one: impl FnMut(&mut Self, &TerminationId<'_>) -> Outcome,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for id in terminations.iter() {
            let mut more = one(self, id);
            if is_union && is_all(id) && more.failed.is_none() {
                let reports = std::mem::take(&mut more.reports);
                let elsewhere = std::mem::take(&mut more.elsewhere);
                let all = reports.into_iter().chain(elsewhere.into_iter().map(|(_, report)| report));
                more.reports = union(verb, id, all);
            }
            outcome.reports.extend(more.reports);
            outcome.elsewhere.extend(more.elsewhere);
            outcome.chosen = outcome.chosen.or(more.chosen);
            outcome.failed = outcome.failed.or(more.failed);
        }
        outcome
    }

    fn add(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        request: &AmmRequest<'_>,
        media: &mut dyn MediaPlane,
    ) -> Outcome {
        if !scene.context.is_specific() {
            let why = "Add needs a context of its own";
            return Outcome::failed(Verb::Add, id, Fault::new(ErrorCode::UNKNOWN_ACTION, why));
        }
        let keys = if is_choose(id) {
            self.choose(id).and_then(|found| match found {
                Some(key) => Ok(vec![key]),
                None => self.make_ephemeral(scene.now).map(|key| vec![key]),
            })
        } else {
            self.idle(id)
        };
        let keys = match keys {
            Ok(keys) => keys,
            Err(fault) => return Outcome::failed(Verb::Add, id, fault),
        };
        let chosen = is_choose(id).then(|| keys.first().copied()).flatten();
        let mut outcome = self.on_each(Verb::Add, &keys, |gateway, key| {
            let result = gateway.may_join(key, scene.context.get());
            let result = result.and_then(|()| gateway.join(scene, key, request, media));
            if result.is_err() {
                gateway.unmake(scene.now, key, media);
            }
            result
        });
        outcome.chosen = chosen;
        match outcome.failed {
            // What was to be chosen does not exist.
            Some(fault) if is_choose(id) => Outcome::failed(Verb::Add, id, fault),
            _ => outcome,
        }
    }

    /// Terminations of the null context, for Add.
    fn idle(&self, id: &TerminationId<'_>) -> Result<Vec<Key>, Fault> {
        self.targets(ContextId::NULL, id).map_err(|fault| match fault.code {
            ErrorCode::NOT_IN_CONTEXT => ErrorCode::ALREADY_IN_CONTEXT.into(),
            _ => fault,
        })
    }

    fn move_here(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        request: &AmmRequest<'_>,
        media: &mut dyn MediaPlane,
    ) -> Outcome {
        if !scene.context.is_specific() {
            let why = "Move goes neither to the null context nor to all";
            return Outcome::failed(Verb::Move, id, Fault::new(ErrorCode::UNKNOWN_ACTION, why));
        }
        let keys = match self.targets(ContextId::ALL, id) {
            Ok(keys) => keys,
            Err(fault) => return Outcome::failed(Verb::Move, id, fault),
        };
        self.on_each(Verb::Move, &keys, |gateway, key| {
            if gateway.context_of(key) == scene.context.get() {
                // It goes to another context (section 7.2.4).
                return Err(ErrorCode::ALREADY_IN_CONTEXT.into());
            }
            gateway.may_join(key, scene.context.get())?;
            // Statistics are those of just before the move.
            let audit = request.audit.as_ref();
            let before = audit.filter(|audit| audit.items.has(AuditItem::Statistics));
            let before = before.map(|_| gateway.statistics(scene.now, key, media));
            let mut found = gateway.join(scene, key, request, media)?;
            if let Some(before) = before {
                found.retain(|found| !matches!(found, Found::Statistics(_)));
                found.push(Found::Statistics(before));
            }
            Ok(found)
        })
    }

    fn modify(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        request: &AmmRequest<'_>,
        media: &mut dyn MediaPlane,
    ) -> Outcome {
        let keys = match id {
            TerminationId::Root => Ok(vec![Key::ROOT]),
            _ => self.targets(scene.context, id),
        };
        let keys = match keys {
            Ok(keys) => keys,
            Err(fault) => return Outcome::failed(Verb::Modify, id, fault),
        };
        let outcome =
            self.on_each(Verb::Modify, &keys, |gateway, key| gateway.change(scene, key, request, media));
        self.by_context(scene, outcome, &keys)
    }

    fn subtract(
        &mut self,
        scene: Scene,
        id: &TerminationId<'_>,
        audit: Option<&AuditDescriptor<'_>>,
        media: &mut dyn MediaPlane,
    ) -> Outcome {
        if scene.context == ContextId::NULL {
            let why = "Nothing is subtracted from the null context";
            return Outcome::failed(Verb::Subtract, id, Fault::new(ErrorCode::UNKNOWN_ACTION, why));
        }
        let keys = match self.targets(scene.context, id) {
            Ok(keys) => keys,
            Err(fault) => return Outcome::failed(Verb::Subtract, id, fault),
        };
        let at: Vec<_> = keys.iter().map(|key| self.context_of(*key)).collect();
        let outcome =
            self.on_each(Verb::Subtract, &keys, |gateway, key| gateway.leave(scene, key, audit, media));
        Self::scatter(scene, outcome, &at)
    }

    /// Does something with each termination; a failure of one does not keep the others from it (section 7.2.1).
    pub(super) fn on_each(
        &mut self,
        verb: Verb,
        keys: &[Key],
        mut one: impl FnMut(&mut Self, Key) -> Result<Vec<Found>, Fault>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for key in keys {
            let id = self.id_of(*key);
            let found = one(self, *key).unwrap_or_else(|fault| {
                outcome.failed = outcome.failed.or(Some(fault));
                vec![Found::Error(fault)]
            });
            outcome.reports.push(CommandReport::Termination(verb, id, found));
        }
        outcome
    }

    pub(super) fn id_of(&self, key: Key) -> TerminationId<'static> {
        if key == Key::ROOT { TerminationId::Root } else { report::id_of(self.name_of(key)) }
    }

    pub(super) fn context_of(&self, key: Key) -> u32 {
        self.terminations.get(&key).map_or(0, |termination| termination.context)
    }

    /// Puts the reports of a command for all contexts where each belongs.
    pub(super) fn by_context(&self, scene: Scene, outcome: Outcome, keys: &[Key]) -> Outcome {
        let at: Vec<_> = keys.iter().map(|key| self.context_of(*key)).collect();
        Self::scatter(scene, outcome, &at)
    }

    fn scatter(scene: Scene, mut outcome: Outcome, at: &[u32]) -> Outcome {
        if scene.context == ContextId::ALL {
            let reports = std::mem::take(&mut outcome.reports);
            outcome.elsewhere = at.iter().copied().zip(reports).collect();
        }
        outcome
    }
}

/// One report of all that a wildcard means, without what is there twice (section 7.2.5).
fn union(
    verb: Verb,
    id: &TerminationId<'_>,
    reports: impl Iterator<Item = CommandReport>,
) -> Vec<CommandReport> {
    let mut all: Vec<Found> = Vec::new();
    for report in reports {
        let CommandReport::Termination(_, _, found) = report else { return vec![report] };
        for one in found {
            if let Found::Packages(more) = &one
                && let Some(Found::Packages(known)) =
                    all.iter_mut().find(|known| matches!(known, Found::Packages(_)))
            {
                let new: Vec<_> = more.iter().filter(|package| !known.contains(package)).copied().collect();
                known.extend(new);
            } else if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    vec![CommandReport::Termination(verb, to_owned(id), all)]
}
