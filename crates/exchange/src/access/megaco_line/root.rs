//! What a gateway is asked to tell of itself: that it has too much to do (H.248.11, `ocp/mg_overload`), and that nothing was said for
//! long (H.248.14, `it/ito`). Both are events of ROOT.
//!
//! It is asked for what its packages allow, once it has named them. Overload is the controller's: it holds calls back. A gateway that tells of
//! silence is heard at least that often, so it is asked for a sign of life only when it is overdue.

use strowger_megaco::message::{
    Action, AmmDescriptor, AmmRequest, CommandBody, ContextId, Embedded, Event, EventAction, Events,
    ItemName, Name, Parameter, ReplyResult, RequestId, Setting, TerminationId, Value,
};
use strowger_mgcp::agent::GatewayId;
use strowger_sansio::{Duration, Time};

use super::{Ask, Megaco, order};

/// The packages, and the one event that each has.
const OVERLOAD: u16 = 0x51;
const SILENCE: u16 = 0x45;
const THE_EVENT: u16 = 1;
/// The parameter of `it/ito`, in hundredths of a second.
const LONGEST: u16 = 1;

/// How long a gateway that tells of silence may be late: the Notify may have to be repeated.
const GRACE: Duration = Duration::from_secs(5);

/// What a gateway is to watch itself for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    overload: bool,
    silence: bool,
}

impl Wish {
    fn of(packages: &[String]) -> Option<Self> {
        let has = |name: &str| packages.iter().any(|own| own.eq_ignore_ascii_case(name));
        let wish = Self { overload: has("ocp"), silence: has("it") };
        (wish.overload || wish.silence).then_some(wish)
    }

    /// What is asked for when all of this was refused.
    const fn less(self) -> Option<Self> {
        match (self.overload, self.silence) {
            (true, true) => Some(Self { overload: true, silence: false }),
            _ => None,
        }
    }

    fn events(self, patience: Duration) -> Vec<Event<'static, Embedded<'static>>> {
        let event = |package, parameters| Event {
            name: ItemName::of(package, THE_EVENT),
            stream: None,
            action: EventAction::default(),
            parameters,
        };
        let hundredths = i64::try_from(patience.as_millis() / 10).unwrap_or(i64::from(i32::MAX));
        let longest = Setting::One(Value::Integer(hundredths.clamp(1, i64::from(i32::MAX))));
        let longest = Parameter { name: Name::Id(LONGEST), setting: longest };
        let overload = self.overload.then(|| event(OVERLOAD, Vec::new()));
        let silence = self.silence.then(|| event(SILENCE, vec![longest]));
        overload.into_iter().chain(silence).collect()
    }
}

impl Megaco {
    /// A gateway named its packages.
    pub(super) fn learn_root(&mut self, now: Time, gateway: GatewayId, packages: &[String]) {
        if let Some(wish) = Wish::of(packages) {
            self.ask_root(now, gateway, wish);
        }
    }

    pub(super) fn ask_root(&mut self, now: Time, gateway: GatewayId, wish: Wish) {
        let request = Some(RequestId::new(self.next_request()));
        let events = AmmDescriptor::Events(Events { request, events: wish.events(self.patience) });
        let terminations = TerminationId::Root.into();
        let body = CommandBody::Modify(AmmRequest { terminations, descriptors: vec![events], audit: None });
        self.ask(now, gateway, Action::new(ContextId::NULL, [body]), Ask::Root(gateway, wish));
    }

    /// A gateway watches itself, or will not.
    pub(super) fn watches_itself(
        &mut self,
        now: Time,
        gateway: GatewayId,
        wish: Wish,
        result: &ReplyResult<'_>,
    ) {
        let is_refused = match result {
            ReplyResult::Error(_) => true,
            ReplyResult::Actions(replies) => order::error(replies).is_some(),
        };
        if is_refused {
            if let Some(less) = wish.less() {
                self.ask_root(now, gateway, less);
            }
            return;
        }
        if let (true, Some(controller), Some(known)) =
            (wish.silence, &mut self.controller, self.associations.get(&gateway))
        {
            controller.set_speaks_up(known.peer, self.patience + GRACE);
        }
    }
}
