//! One line: its service, what its party does, and what its endpoint has been asked for.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use strowger_mgcp::message::{ConnectionIdBuf, RequestIdBuf, SignalBuf};

use super::watch::{Dial, Lacks, Observed, Talk, Terms, Watch};
use crate::access::Turn;
use crate::access::decision::Fate;
use crate::access::gateways::Place;
use crate::access::signal;
use crate::access::stream::Stream;
use crate::{
    CallId, CallingParty, GatewayProtocol, LegId, LineCondition, LineId, Precedence, ServiceState, Tone,
};

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) number: String,
    pub(super) place: Arc<Place>,
    /// What the records say of it.
    pub(super) service: ServiceState,
    pub(super) standing: Standing,
    pub(super) party: Party,
    /// Whether a flash of the hook means anything.
    pub(super) flash: bool,
    /// The call that waits behind the one that the party is in.
    pub(super) waiting: Option<Waiting>,
    /// Legs of it that are to report their keys.
    pub(super) reporting: BTreeSet<LegId>,
    /// Keys that are to be played in a leg, and the pause behind the last one.
    pub(super) keys: VecDeque<(LegId, char)>,
    pub(super) pauses: bool,
    pub(super) asked: Asked,
    pub(super) lacks: Lacks,
    /// What of it its gateway has said before it was tried.
    pub(super) unable: Lacks,
    /// An order to it was refused so that it must be looked at before it is trusted again.
    pub(super) doubt: Fate,
    /// Whether its lamp for waiting messages is to be lit; none when that was never asked for.
    pub(super) lamp: Option<bool>,
    /// A short ring is due: its calls are forwarded.
    pub(super) reminds: bool,
    /// Connections of calls that are over may be left there: the answers that would have said so did not come.
    pub(super) may_have_left: bool,
    /// Connections of no call that were found beside that of a call.
    pub(super) strays: Vec<ConnectionIdBuf>,
    /// Its gateway answers an audit that asks for the hook.
    pub(super) tells_hook: bool,
    /// Whether the receiver was off the hook when the line was audited, until that is acted upon.
    pub(super) found_off_hook: Option<bool>,
}

/// Whether a line can be commanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It cannot.
    Down,
    /// Its gateway is there: it will be audited, unless its gateway says first that it has restarted.
    Returning,
    /// The same: it is hoped to be audited with others.
    Counting,
    /// What may be left from another time is looked for, and deleted first.
    Sweeping,
    /// It can.
    Up,
    /// It can, but its gateway will take it out of service when its call has ended.
    Withdrawn,
}

/// What the party on a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Party {
    /// On hook, or believed to be.
    Idle,
    /// It has lifted the receiver; the switch is being asked for a call.
    Seizing,
    /// It is invited to dial, or dials.
    Dialling(LegId, Dial),
    /// It is in a call, and hears this or its connection.
    InCall(LegId, Option<Tone>),
    /// On hook; a call to it is being prepared.
    Reserved(LegId),
    /// On hook, being rung.
    Ringing(LegId, CallingParty),
    /// On hook, being rung for a call that it has: lifting the receiver takes it at any time.
    Recalled(LegId, CallingParty),
    /// Its call has ended and the receiver is off the hook.
    Parting(Parting),
}

/// A call that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) leg: LegId,
    /// Who calls, once the leg has its stream: the party hears of it from then on.
    pub(super) calling: Option<CallingParty>,
    /// The party has heard of it.
    pub(super) shown: bool,
}

/// How a party is moved to hang up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parting {
    /// By the tone that says how the call ended.
    Tone(Tone),
    /// By noise.
    Howler,
    /// Not at all any more.
    Lockout,
}

/// The state of a line's notification requests. One is under way at a time; when it is answered, the next is
/// what the line wants then.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What the endpoint has been asked for last, as far as that still holds.
    pub(super) watch: Option<Watch>,
    /// The identifier of that request.
    pub(super) request_id: Option<RequestIdBuf>,
    /// It has no answer yet.
    pub(super) pending: bool,
    /// A key was to be played with it.
    pub(super) plays: bool,
    /// A request failed: nothing is asked before the retry.
    pub(super) resting: bool,
    /// Requests and audits so far: tells late answers from current ones.
    pub(super) serial: u64,
    /// On-off signals that the endpoint may be giving, and those of them that the last request turns off.
    pub(super) steady: Steady,
    /// Nothing has told where the receiver is since the line came up.
    pub(super) hook_unknown: bool,
    /// Refusals in a row for a state that the exchange does not believe in, without a success between.
    pub(super) mismatches: u32,
}

/// What of the on-off signals an endpoint has been told: it keeps on giving them until it is told not to (RFC 3435 section
/// 2.1.7), whatever else it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Steady {
    on: BTreeSet<&'static str>,
    turned_off: BTreeSet<&'static str>,
}

impl Steady {
    /// Turns off in a request what is on and not wanted any more.
    pub(super) fn complete(&mut self, signals: &mut Vec<SignalBuf>) {
        let wanted =
            |name: &&&str| signals.iter().any(|signal| signal.name().to_string().eq_ignore_ascii_case(name));
        let wanted: BTreeSet<_> = signal::ON_OFF.iter().filter(wanted).copied().collect();
        self.turned_off = self.on.difference(&wanted).copied().collect();
        signals.extend(self.turned_off.iter().filter_map(|name| SignalBuf::parse(&format!("{name}(-)"))));
        // Whether a request was carried out is not known before its answer.
        self.on.extend(wanted);
    }

    /// An audit found these signals.
    pub(super) fn found(&mut self, signals: impl Iterator<Item = String>) {
        for found in signals {
            self.on.extend(signal::ON_OFF.iter().filter(|name| found.eq_ignore_ascii_case(name)));
        }
    }

    /// The request was carried out.
    pub(super) fn done(&mut self) {
        self.on.retain(|name| !self.turned_off.contains(name));
        self.turned_off.clear();
    }
}

impl Asked {
    /// Nothing of what was asked holds any more, but that an endpoint that was cut off may still give its on-off signals.
    pub(super) fn forget(&mut self) {
        let (serial, steady) = (self.serial + 1, std::mem::take(&mut self.steady));
        *self = Self { serial, steady, ..Self::default() };
    }
}

impl Line {
    pub(super) fn new(id: LineId, number: String, flash: bool, place: Place) -> Self {
        let tells_hook = place.protocol == GatewayProtocol::Mgcp;
        Self {
            id,
            number,
            place: Arc::new(place),
            service: ServiceState::Unknown,
            standing: Standing::Down,
            party: Party::Idle,
            flash,
            waiting: None,
            reporting: BTreeSet::new(),
            keys: VecDeque::new(),
            pauses: false,
            asked: Asked::default(),
            lacks: Lacks::new(),
            unable: Lacks::new(),
            doubt: Fate::Serves,
            lamp: None,
            reminds: false,
            may_have_left: false,
            strays: Vec::new(),
            tells_hook,
            found_off_hook: None,
        }
    }

    /// The leg that the party is in.
    pub(super) const fn leg(&self) -> Option<LegId> {
        match &self.party {
            Party::Dialling(leg, _)
            | Party::InCall(leg, _)
            | Party::Reserved(leg)
            | Party::Ringing(leg, _)
            | Party::Recalled(leg, _) => Some(*leg),
            Party::Idle | Party::Seizing | Party::Parting(_) => None,
        }
    }

    /// Whether the party is off the hook in this leg.
    pub(super) fn talks(&self, leg: LegId) -> bool {
        matches!(&self.party, Party::Dialling(own, _) | Party::InCall(own, _) if *own == leg)
    }

    /// What the party in a call hears, and whether its keys are of interest.
    fn talk(&self, leg: LegId, tone: Option<Tone>) -> Talk {
        let is_heard = tone.is_none();
        let key = self.keys.front().filter(|(own, _)| *own == leg && is_heard && !self.pauses);
        Talk { tone, keys: is_heard && self.reporting.contains(&leg), key: key.map(|(_, key)| *key) }
    }

    /// The leg in which these keys were pressed, if they are reported in one.
    pub(super) fn keys_of(&self, observed: &Observed) -> Option<LegId> {
        match &self.party {
            Party::InCall(leg, _) if !observed.digits.is_empty() => {
                self.reporting.contains(leg).then_some(*leg)
            }
            _ => None,
        }
    }

    /// Keys that were pressed for a leg that the party has not in hand any more are not played.
    pub(super) fn forget_keys(&mut self) {
        let hand = match &self.party {
            Party::InCall(leg, None) => Some(*leg),
            _ => None,
        };
        self.keys.retain(|(leg, _)| Some(*leg) == hand);
    }

    /// What the endpoint should be doing; none for a line that cannot be commanded.
    pub(super) fn wanted(&self) -> Option<Watch> {
        if !matches!(self.standing, Standing::Up | Standing::Withdrawn) {
            return None;
        }
        Some(match &self.party {
            Party::Idle | Party::Seizing | Party::Reserved(_) => {
                Watch::Seizure { lamp: self.lamp, reminds: self.reminds }
            }
            Party::Dialling(_, dial) => Watch::Digits(*dial),
            Party::InCall(leg, tone) => {
                let talk = self.talk(*leg, *tone);
                match self.waiting.as_ref().and_then(|waiting| waiting.calling.as_ref()) {
                    Some(calling) => Watch::Waiting(talk, calling.clone()),
                    None => Watch::End(talk),
                }
            }
            Party::Ringing(_, calling) | Party::Recalled(_, calling) => Watch::Answer(calling.clone()),
            Party::Parting(Parting::Tone(tone)) => Watch::End(Some(*tone).into()),
            Party::Parting(Parting::Howler) => Watch::End(Some(Tone::Howler).into()),
            Party::Parting(Parting::Lockout) => Watch::End(None.into()),
        })
    }

    /// Whether the receiver is off the hook, as far as is known.
    pub(super) const fn is_off_hook(&self) -> bool {
        matches!(self.party, Party::Dialling(..) | Party::InCall(..) | Party::Parting(_))
    }

    /// What a request depends on beside what is wanted.
    pub(super) fn terms<'a>(&'a self, turn: &Turn<'a>) -> Terms<'a> {
        let shown = self.waiting.as_ref().is_some_and(|waiting| waiting.shown);
        let protocol = self.place.protocol;
        Terms {
            now: turn.now,
            settings: turn.settings,
            protocol,
            lacks: &self.lacks,
            flash: self.flash,
            shown,
        }
    }

    /// The request that must be sent now, if any.
    pub(super) fn due(&self) -> Option<Watch> {
        let quiet = self.asked.pending || self.asked.resting;
        self.wanted().filter(|wanted| !quiet && self.asked.watch.as_ref() != Some(wanted))
    }

    pub(super) const fn condition(&self) -> LineCondition {
        match self.party {
            Party::Idle => LineCondition::Idle,
            Party::Parting(_) => LineCondition::OffHook,
            _ => LineCondition::InCall,
        }
    }
}

/// A leg that lives on a line.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) line: LineId,
    pub(super) call: CallId,
    /// Whose call it is, as far as the leg was told.
    pub(super) precedence: Precedence,
    pub(super) stream: Option<Stream>,
    /// What the party hears when it has the leg in hand.
    pub(super) tone: Option<Tone>,
    /// Who calls, for the ringing that follows the connection; only of a called leg.
    pub(super) alert: Option<CallingParty>,
    /// It has released, or was told to: when its connection is gone, it is cleared.
    pub(super) ended: bool,
}

impl Leg {
    pub(super) const fn new(line: LineId, call: CallId) -> Self {
        let precedence = Precedence::Ordinary;
        Self { line, call, precedence, stream: None, tone: None, alert: None, ended: false }
    }
}
