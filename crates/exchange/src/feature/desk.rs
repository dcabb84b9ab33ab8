//! The features of all lines as they are now, and what follows from them for a call.
//!
//! The switch asks; nothing here knows a call. What a subscriber or an operator sets is kept by the host; what a
//! line merely remembers (its last caller, the last number it called, how its hunt group was used) is not, and
//! is gone with the exchange.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use strowger_sansio::Duration;

use super::class::ServiceClass;
use super::code::{Codes, Dialled, Feature, Service};
use super::group::{GroupEntry, GroupId, History};
use super::setting::{Forward, Setting, SettingFault};
use super::subscription::{Ring, Subscription};
use crate::{Cause, Digits, Inventory, LineId, Plan, Precedence, Resolution, Target, Tone};

/// The state of the features of an exchange.
#[derive(Debug)]
pub(crate) struct Desk {
    codes: Codes,
    emergency: Vec<String>,
    /// How often a call may be forwarded.
    pub(crate) most_diversions: usize,
    lines: Vec<Line>,
    ids: BTreeMap<String, LineId>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Line {
    features: Subscription,
    /// Whether a call may wait at all, by its class of service.
    may_wait: bool,
    class: Option<Arc<ServiceClass>>,
    last_called: Option<String>,
    last_caller: Option<LastCaller>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum LastCaller {
    Shown(String),
    Withheld,
}

#[derive(Debug)]
struct Group {
    entry: GroupEntry,
    members: Vec<LineId>,
    history: History,
}

/// How a line that was seized is invited to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Invitation {
    /// By this tone.
    Dial { prompt: Tone, patience: Option<Duration> },
    /// Not at all: it calls this number.
    Call(String),
}

/// Where a caller is in what he dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// He begins.
    First,
    /// He has dialled the code of a service, which wants more.
    Behind(Service),
    /// What he dialled last was a code, and is done.
    Done,
}

/// What follows from what was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// More is wanted.
    Prompt(Stage, Digits),
    /// This number is called; with the number of the caller withheld or shown, when that was asked for.
    Call { number: String, withheld: Option<bool> },
    /// A setting is made.
    Set(Setting),
    /// A feature that was asked for is active, or is not.
    Answer(bool),
    /// It cannot be.
    Refuse(Cause),
}

/// What a line's features make of a call for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// It is rung.
    Ring,
    /// The call goes on to this number.
    Forward(String),
    /// It is not to be had.
    Refuse(Cause),
}

/// A search for a free member of a group.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) group: GroupId,
    left: VecDeque<usize>,
    current: Option<usize>,
    /// The reason why the members so far could not be had that tells a caller most.
    pub(crate) cause: Option<Cause>,
}

impl Search {
    /// Notes why a member could not be had: nobody answering tells more than busy, and busy more than a fault.
    pub(crate) fn note(&mut self, cause: Cause) {
        let weight = |cause| match cause {
            Cause::NO_ANSWER => 2,
            Cause::USER_BUSY => 1,
            _ => 0,
        };
        if self.cause.is_none_or(|known| weight(cause) > weight(known)) {
            self.cause = Some(cause);
        }
    }

    /// Whether there are members to try.
    pub(crate) fn goes_on(&self) -> bool {
        !self.left.is_empty()
    }
}

impl Desk {
    pub(crate) fn new(inventory: &Inventory) -> Self {
        let classes: BTreeMap<&str, Arc<ServiceClass>> = inventory
            .classes
            .iter()
            .rev()
            .map(|class| (class.id.as_str(), Arc::new(class.clone())))
            .collect();
        let mut ids = BTreeMap::new();
        for (line, id) in inventory.lines.iter().zip(0..) {
            ids.entry(line.number.clone()).or_insert(LineId(id));
        }
        let lines = inventory.lines.iter().map(|line| {
            let features = inventory.subscriptions.get(&line.number).cloned().unwrap_or_default();
            let class = features.class.as_deref().and_then(|class| classes.get(class)).cloned();
            let may_wait = line.features.call_waiting;
            Line { features, may_wait, class, last_called: None, last_caller: None }
        });
        let mut desk = Self {
            codes: inventory.codes.clone(),
            emergency: inventory.emergency.clone(),
            most_diversions: inventory.limits.diversions,
            lines: lines.collect(),
            groups: inventory.groups.iter().map(|entry| Group::new(entry, &ids)).collect(),
            ids,
        };
        for (number, setting) in &inventory.settings {
            if let Some(line) = desk.ids.get(number).copied()
                && let Some(line) = desk.line_mut(line)
            {
                line.features.apply(setting);
            }
        }
        desk
    }

    fn line(&self, line: LineId) -> Option<&Line> {
        self.lines.get(usize::try_from(line.0).ok()?)
    }

    fn line_mut(&mut self, line: LineId) -> Option<&mut Line> {
        self.lines.get_mut(usize::try_from(line.0).ok()?)
    }

    /// The line with a number.
    pub(crate) fn line_of(&self, number: &str) -> Option<LineId> {
        self.ids.get(number).copied()
    }

    pub(crate) fn features(&self, line: LineId) -> Option<&Subscription> {
        Some(&self.line(line)?.features)
    }

    /// The lines for which messages wait.
    pub(crate) fn waiting(&self) -> Vec<LineId> {
        let waits = |(line, _): &(&Line, u32)| line.features.message_waiting;
        self.lines.iter().zip(0..).filter(waits).map(|(_, id)| LineId(id)).collect()
    }

    /// How a line that was seized is invited.
    pub(crate) fn invitation(&self, line: LineId) -> Invitation {
        let features = self.features(line);
        let hot = features.and_then(|features| features.hot_line.as_ref());
        match hot {
            Some(hot) if hot.after.is_zero() => Invitation::Call(hot.number.clone()),
            _ => Invitation::Dial {
                prompt: match features {
                    Some(features) if features.message_waiting => Tone::MessageWaitingDial,
                    _ => Tone::Dial,
                },
                patience: hot.map(|hot| hot.after),
            },
        }
    }

    /// What follows from what a line has dialled.
    pub(crate) fn read(&self, plan: &Plan, line: LineId, stage: Stage, dialled: &str) -> Step {
        let call = |number: &str, withheld| Step::Call { number: number.to_owned(), withheld };
        let bare = dialled.strip_suffix('#').unwrap_or(dialled);
        match stage {
            Stage::First => {
                let hot = self.features(line).and_then(|features| features.hot_line.as_ref());
                if let (Some(hot), true) = (hot, dialled.is_empty()) {
                    return call(&hot.number, None);
                }
                let code = self.codes.read(dialled).filter(|_| {
                    dialled.starts_with(['*', '#'])
                        || !matches!(plan.resolve(dialled), Resolution::Hunt { .. })
                });
                code.map_or_else(|| call(dialled, None), |code| self.serve(line, &code))
            }
            Stage::Behind(_) if bare.is_empty() => Step::Refuse(Cause::INVALID_NUMBER_FORMAT),
            Stage::Behind(Service::WithholdNumber) => call(dialled, Some(true)),
            Stage::Behind(Service::ShowNumber) => call(dialled, Some(false)),
            Stage::Behind(service @ Service::SpeedDialSet(slot)) => {
                match bare.split_at_checked(slot.digits()) {
                    Some((slot, number)) if !number.is_empty() => {
                        self.serve(line, &Dialled { service, slot: Some(slot), number: Some(number) })
                    }
                    _ => Step::Refuse(Cause::INVALID_NUMBER_FORMAT),
                }
            }
            Stage::Behind(service) => self.serve(line, &Dialled { service, slot: None, number: Some(bare) }),
            Stage::Done => Step::Refuse(Cause::NORMAL_CLEARING),
        }
    }

    /// Whether a code was dialled, with all that belongs to it.
    pub(crate) fn is_code(&self, dialled: &str) -> bool {
        self.codes.read(dialled).is_some()
    }

    /// Whether a code was dialled behind which more is dialled.
    pub(crate) fn wants_more(&self, dialled: &str) -> bool {
        self.codes.read(dialled).is_some_and(|code| {
            let without = code.number.is_none();
            match code.service {
                Service::ForwardOn(_) | Service::SpeedDialSet(_) => without,
                Service::WithholdNumber | Service::ShowNumber => true,
                _ => false,
            }
        })
    }

    fn serve(&self, line: LineId, code: &Dialled<'_>) -> Step {
        let Some(line) = self.line(line) else { return Step::Refuse(Cause::FACILITY_REJECTED) };
        let behind = |digits| Step::Prompt(Stage::Behind(code.service), digits);
        let call = |number: Option<&String>, otherwise| match number {
            Some(number) => Step::Call { number: number.clone(), withheld: None },
            None => Step::Refuse(otherwise),
        };
        match code.service {
            Service::ForwardOn(when) => match code.number {
                Some(number) => Step::Set(Setting::Forward(when, Some(number.to_owned()))),
                None => behind(Digits::Number),
            },
            Service::ForwardOff(when) => Step::Set(Setting::Forward(when, None)),
            Service::Query(feature) => Step::Answer(line.has(feature)),
            Service::CallWaiting(_) if !line.may_wait => Step::Refuse(Cause::FACILITY_NOT_SUBSCRIBED),
            Service::CallWaiting(on) => Step::Set(Setting::CallWaiting(on)),
            Service::DoNotDisturb(on) => Step::Set(Setting::DoNotDisturb(on)),
            Service::RejectAnonymous(on) => Step::Set(Setting::RejectAnonymous(on)),
            Service::WithholdNumber | Service::ShowNumber => behind(Digits::Number),
            Service::CallReturn => match &line.last_caller {
                Some(LastCaller::Shown(number)) => call(Some(number), Cause::FACILITY_REJECTED),
                Some(LastCaller::Withheld) | None => Step::Refuse(Cause::FACILITY_REJECTED),
            },
            Service::Redial => call(line.last_called.as_ref(), Cause::FACILITY_REJECTED),
            Service::SpeedDialSet(_) => match (code.slot, code.number) {
                (Some(slot), Some(number)) => {
                    Step::Set(Setting::SpeedDial(slot.to_owned(), Some(number.to_owned())))
                }
                _ => behind(Digits::Free),
            },
            Service::SpeedDial(_) => {
                let number = code.slot.and_then(|slot| line.features.speed_dial.get(slot));
                call(number, Cause::UNALLOCATED_NUMBER)
            }
        }
    }

    fn is_emergency(&self, number: &str) -> bool {
        let number = number.strip_suffix('#').unwrap_or(number);
        self.emergency.iter().any(|emergency| emergency == number)
    }

    /// Whose call it is that a line, or somebody elsewhere, makes to a number.
    pub(crate) fn precedence(&self, line: Option<LineId>, number: &str) -> Precedence {
        let class = line.and_then(|line| self.line(line)?.class.as_ref());
        match class.is_some_and(|class| class.priority) {
            _ if self.is_emergency(number) => Precedence::Urgent,
            true => Precedence::Priority,
            false => Precedence::Ordinary,
        }
    }

    /// Whether a line may call a number: an emergency number always.
    ///
    /// # Errors
    /// The cause to end the call with.
    pub(crate) fn permit(&self, plan: &Plan, line: LineId, number: &str) -> Result<(), Cause> {
        let number = number.strip_suffix('#').unwrap_or(number);
        if self.is_emergency(number) {
            return Ok(());
        }
        let Some(class) = self.line(line).and_then(|line| line.class.as_ref()) else { return Ok(()) };
        let international = plan.e164(number);
        let forms: Vec<&str> = std::iter::once(number).chain(international.as_deref()).collect();
        if class.permits(&forms) { Ok(()) } else { Err(Cause::BEARER_NOT_AUTHORIZED) }
    }

    /// Makes a setting of a line.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn set(&mut self, plan: &Plan, line: LineId, setting: &Setting) -> Result<(), SettingFault> {
        if let Setting::Forward(_, Some(number)) | Setting::SpeedDial(_, Some(number)) = setting {
            let Resolution::Hunt { targets, .. } = plan.resolve(number) else {
                return Err(SettingFault::Unreachable(number.clone()));
            };
            let forward = matches!(setting, Setting::Forward(..));
            if forward && targets == [Target::Line(line)] {
                return Err(SettingFault::Own(number.clone()));
            }
            if forward && self.permit(plan, line, number).is_err() {
                return Err(SettingFault::Barred(number.clone()));
            }
        }
        if let Some(line) = self.line_mut(line) {
            line.features.apply(setting);
        }
        Ok(())
    }

    /// What a line's features make of a call for it.
    pub(crate) fn incoming(&self, line: LineId, withheld: bool) -> Incoming {
        let Some(line) = self.line(line) else { return Incoming::Ring };
        match line.refusal(withheld) {
            Some(Cause::USER_BUSY) | None => {}
            Some(cause) => return Incoming::Refuse(cause),
        }
        if let Some(number) = &line.features.forward_always {
            return Incoming::Forward(number.clone());
        }
        line.refusal(withheld).map_or(Incoming::Ring, Incoming::Refuse)
    }

    /// Where calls go on to that a line cannot take for this reason.
    pub(crate) fn forward(&self, line: LineId, cause: Cause) -> Option<(Forward, String)> {
        let when = match cause {
            Cause::USER_BUSY => Forward::Busy,
            Cause::NO_ANSWER
            | Cause::NO_USER_RESPONDING
            | Cause::SUBSCRIBER_ABSENT
            | Cause::DESTINATION_OUT_OF_ORDER
            | Cause::NETWORK_OUT_OF_ORDER => Forward::NoAnswer,
            _ => return None,
        };
        let number = self.features(line)?.forward(when)?;
        Some((when, number.to_owned()))
    }

    /// How long a line is rung before its calls are forwarded; none when they are not.
    pub(crate) fn no_answer(&self, line: LineId) -> Option<Duration> {
        let features = self.features(line)?;
        features.forward_no_answer.as_ref().map(|_| features.no_answer)
    }

    /// How a call from `caller` for `called`, a number of the line's, rings.
    pub(crate) fn ring(&self, line: LineId, called: &str, caller: Option<&str>) -> Ring {
        let Some(features) = self.features(line) else { return Ring::Normal };
        if let Some((_, ring)) = features.numbers.iter().find(|(number, _)| number == called) {
            return *ring;
        }
        let fits = |(beginning, _): &&(String, Ring)| {
            caller.is_some_and(|caller| caller.starts_with(beginning.as_str()))
        };
        let longest = features.rings.iter().filter(fits).max_by_key(|(beginning, _)| beginning.len());
        longest.map(|(_, ring)| *ring).unwrap_or_default()
    }

    /// Whether a call may wait for a line.
    pub(crate) fn lets_wait(&self, line: LineId) -> bool {
        self.line(line).is_some_and(|line| line.has(Feature::CallWaiting))
    }

    /// Whether a line withholds its number.
    pub(crate) fn withholds(&self, line: LineId) -> bool {
        self.features(line).is_some_and(|features| features.withhold_number)
    }

    /// A line has called a number.
    pub(crate) fn has_called(&mut self, line: LineId, number: &str) {
        if let Some(line) = self.line_mut(line) {
            line.last_called = Some(number.to_owned());
        }
    }

    /// A line has been called, whether it was free or not.
    pub(crate) fn was_called(&mut self, line: LineId, by: &str, withheld: bool) {
        if let Some(line) = self.line_mut(line) {
            let shown = || LastCaller::Shown(by.to_owned());
            line.last_caller = Some(if withheld { LastCaller::Withheld } else { shown() });
        }
    }

    pub(crate) fn group(&self, group: GroupId) -> Option<&GroupEntry> {
        Some(&self.groups.get(usize::try_from(group.0).ok()?)?.entry)
    }

    fn group_mut(&mut self, group: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(usize::try_from(group.0).ok()?)
    }

    /// Begins the search for a free member of a group.
    pub(crate) fn search(&self, group: GroupId) -> Option<Search> {
        let known = self.groups.get(usize::try_from(group.0).ok()?)?;
        let left = known.history.order(known.entry.order).into();
        Some(Search { group, left, current: None, cause: None })
    }

    /// The next member that takes calls. Forwarding is a member's own affair and not that of its group; one who is
    /// not to be disturbed is passed over.
    pub(crate) fn next_member(&self, search: &mut Search, withheld: bool) -> Option<LineId> {
        let group = self.groups.get(usize::try_from(search.group.0).ok()?)?;
        while let Some(place) = search.left.pop_front() {
            let Some(id) = group.members.get(place).copied() else { continue };
            let Some(line) = self.line(id) else { continue };
            match line.refusal(withheld) {
                None => {
                    search.current = Some(place);
                    return Some(id);
                }
                Some(cause) => search.note(cause),
            }
        }
        None
    }

    /// The member that was found is being rung.
    pub(crate) fn member_rung(&mut self, search: &Search) {
        if let (Some(member), Some(group)) = (search.current, self.group_mut(search.group)) {
            group.history.rung(member);
        }
    }

    /// It has answered.
    pub(crate) fn member_answered(&mut self, search: &Search) {
        if let (Some(member), Some(group)) = (search.current, self.group_mut(search.group)) {
            group.history.answered(member);
        }
    }
}

impl Line {
    /// Whether a feature is active.
    fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::Forward(when) => self.features.forward(when).is_some(),
            Feature::CallWaiting => self.may_wait && self.features.call_waiting,
            Feature::DoNotDisturb => self.features.do_not_disturb,
            Feature::RejectAnonymous => self.features.reject_anonymous,
        }
    }

    /// Why the line takes no call, whatever it does.
    fn refusal(&self, withheld: bool) -> Option<Cause> {
        if self.class.as_ref().is_some_and(|class| !class.incoming) {
            return Some(Cause::BEARER_NOT_AUTHORIZED);
        }
        if withheld && self.features.reject_anonymous {
            return Some(Cause::CALL_REJECTED);
        }
        self.features.do_not_disturb.then_some(Cause::USER_BUSY)
    }
}

impl Group {
    fn new(entry: &GroupEntry, lines: &BTreeMap<String, LineId>) -> Self {
        let members: Vec<_> = entry.members.iter().filter_map(|member| lines.get(member).copied()).collect();
        Self { entry: entry.clone(), history: History::new(members.len()), members }
    }
}
