//! Events, signals, digit maps, observed events (RFC 3525 sections 7.1.9 to 7.1.12, 7.1.14, 7.1.17).

use super::ids::{RequestId, StreamId, TimeStamp};
use super::value::{ItemName, Name, Parameter};

/// Events to be detected; `E` is what may be embedded into each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsOf<'a, E> {
    /// What reports will say. There must be one unless the list is empty.
    pub request: Option<RequestId>,
    /// The events. None at all ends detection.
    pub events: Vec<Event<'a, E>>,
}

/// The events descriptor.
pub type Events<'a> = EventsOf<'a, Embedded<'a>>;
/// An events descriptor within an event: it embeds signals alone.
pub type SecondEvents<'a> = EventsOf<'a, Vec<SignalRequest<'a>>>;

/// One event to be detected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a, E> {
    /// Which; the item or both may be wildcards.
    pub name: ItemName<'a>,
    /// On which stream.
    pub stream: Option<StreamId>,
    /// What to do when it happens.
    pub action: EventAction<'a, E>,
    /// Its parameters.
    pub parameters: Vec<Parameter<'a>>,
}

/// What to do when an event happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventAction<'a, E> {
    /// Signals go on.
    pub is_keep_active: bool,
    /// The dial plan.
    pub digit_map: Option<EventDigitMap<'a>>,
    /// Signals and events that take the place of the present ones.
    pub embedded: Option<E>,
    /// Whether and how it is reported (version 3).
    pub notify: Option<NotifyBehaviour<'a>>,
    /// Detection starts again with the events as they are (version 3).
    pub is_reset: bool,
}

impl<E> Default for EventAction<'_, E> {
    fn default() -> Self {
        Self { is_keep_active: false, digit_map: None, embedded: None, notify: None, is_reset: false }
    }
}

impl<E: PartialEq> EventAction<'_, E> {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// Signals, events or both that take the place of the present ones; not neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embedded<'a> {
    /// Signals.
    pub signals: Option<Vec<SignalRequest<'a>>>,
    /// Events.
    pub events: Option<Box<SecondEvents<'a>>>,
}

/// A dial plan by its name or itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventDigitMap<'a> {
    /// The name.
    Name(Name<'a>),
    /// The plan.
    Value(DigitMapValue<'a>),
}

/// How an event is reported (version 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyBehaviour<'a> {
    /// At once.
    Immediate,
    /// When regulation allows it.
    Regulated(Option<Box<Embedded<'a>>>),
    /// Not at all.
    Never,
}

/// An event that is buffered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSpec<'a> {
    /// Which.
    pub name: ItemName<'a>,
    /// On which stream.
    pub stream: Option<StreamId>,
    /// Its parameters.
    pub parameters: Vec<Parameter<'a>>,
}

/// Events that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedEvents<'a> {
    /// The request that they answer.
    pub request: RequestId,
    /// At least one.
    pub events: Vec<ObservedEvent<'a>>,
}

/// An event that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedEvent<'a> {
    /// When.
    pub time: Option<TimeStamp>,
    /// Which.
    pub name: ItemName<'a>,
    /// On which stream.
    pub stream: Option<StreamId>,
    /// Its parameters.
    pub parameters: Vec<Parameter<'a>>,
}

/// A signal, or several one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalRequest<'a> {
    /// One.
    Signal(Signal<'a>),
    /// Several.
    List(SignalList<'a>),
}

/// Signals that are played one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalList<'a> {
    /// The list's number.
    pub id: u16,
    /// At least one.
    pub signals: Vec<Signal<'a>>,
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal<'a> {
    /// Which.
    pub name: ItemName<'a>,
    /// On which stream.
    pub stream: Option<StreamId>,
    /// What ends it.
    pub kind: Option<SignalType>,
    /// How long, in hundredths of a second.
    pub duration: Option<u16>,
    /// What end of it is reported.
    pub completion: Option<Completion>,
    /// Events do not end it.
    pub is_keep_active: bool,
    /// Its parameters.
    pub parameters: Vec<Parameter<'a>>,
    /// Whither it is played (version 3).
    pub direction: Option<Direction>,
    /// What reports will say (version 3).
    pub request: Option<RequestId>,
    /// Silence until the next of a list, in hundredths of a second (version 3).
    pub delay: Option<u16>,
}

impl<'a> Signal<'a> {
    /// A signal with everything as it is provisioned.
    #[must_use]
    pub const fn new(name: ItemName<'a>) -> Self {
        Self {
            name,
            stream: None,
            kind: None,
            duration: None,
            completion: None,
            is_keep_active: false,
            parameters: Vec::new(),
            direction: None,
            request: None,
            delay: None,
        }
    }
}

/// What ends a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalType {
    /// It ends by itself, soon.
    Brief,
    /// It lasts until it is stopped.
    OnOff,
    /// It lasts until it is stopped or its time is over.
    TimeOut,
}

/// Whither a signal is played (version 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the context.
    Internal,
    /// Out of the context.
    External,
    /// Both.
    Both,
}

/// Which ends of a signal are reported: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completion(u8);

impl Completion {
    /// Its time was over.
    pub const TIME_OUT: Self = Self(0x80);
    /// An event stopped it.
    pub const BY_EVENT: Self = Self(0x40);
    /// Other signals took its place.
    pub const BY_SIGNALS: Self = Self(0x20);
    /// Something else.
    pub const OTHER_REASON: Self = Self(0x10);
    /// Each round of a list is over (version 3).
    pub const ITERATION: Self = Self(0x08);
    /// All, in the order of their bits.
    pub const EACH: [Self; 5] =
        [Self::TIME_OUT, Self::BY_EVENT, Self::BY_SIGNALS, Self::OTHER_REASON, Self::ITERATION];

    /// The set with others.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of these are in the set.
    #[must_use]
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Bits of the binary form; others than the five are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0xf8)
    }

    /// Bits of the binary form.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// A dial plan, its name, or both (RFC 3525 section 7.1.14); not neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitMap<'a> {
    /// The name.
    pub name: Option<Name<'a>>,
    /// The plan.
    pub value: Option<DigitMapValue<'a>>,
}

/// A dial plan with its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitMapValue<'a> {
    /// Until the first digit, in seconds.
    pub start: Option<u8>,
    /// When more may come, in seconds.
    pub short: Option<u8>,
    /// When more must come, in seconds.
    pub long: Option<u8>,
    /// What is a long digit, in tenths of a second (version 2).
    pub duration: Option<u8>,
    /// The map as it is written.
    pub body: &'a str,
}
