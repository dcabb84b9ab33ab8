//! What is asked for: whole descriptors, individual properties, attributes of contexts (RFC 3525 section 7.1.11; H.248.1
//! versions 2 and 3 from their syntax).

use super::ids::{RequestId, StreamId};
use super::media::{PackageVersion, ServiceState, StreamMode};
use super::sdp::Tag;
use super::value::{ItemName, Name, Setting};

/// A descriptor that an audit asks for as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditItem {
    /// Multiplexed terminations.
    Mux,
    /// Modem.
    Modem,
    /// Streams and state.
    Media,
    /// What is detected.
    Events,
    /// What is played.
    Signals,
    /// Dial plans.
    DigitMap,
    /// Statistics.
    Statistics,
    /// Events in the buffer.
    ObservedEvents,
    /// Packages.
    Packages,
    /// What is buffered.
    EventBuffer,
}

impl AuditItem {
    /// All, in the order of their bits.
    pub const ALL: [Self; 10] = [
        Self::Mux,
        Self::Modem,
        Self::Media,
        Self::Events,
        Self::Signals,
        Self::DigitMap,
        Self::Statistics,
        Self::ObservedEvents,
        Self::Packages,
        Self::EventBuffer,
    ];
}

/// A set of descriptors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditItems(u16);

impl AuditItems {
    /// None.
    pub const NONE: Self = Self(0);

    /// Bits of the binary form, the first of them highest; others than the ten are dropped.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0xffc0)
    }

    /// Bits of the binary form.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, item: AuditItem) -> Self {
        Self(self.0 | Self::bit(item))
    }

    /// Whether it is in the set.
    #[must_use]
    pub const fn has(self, item: AuditItem) -> bool {
        self.0 & Self::bit(item) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of the set.
    pub fn iter(self) -> impl Iterator<Item = AuditItem> {
        AuditItem::ALL.into_iter().filter(move |item| self.has(*item))
    }

    const fn bit(item: AuditItem) -> u16 {
        0x8000 >> item as u16
    }
}

impl FromIterator<AuditItem> for AuditItems {
    fn from_iter<I: IntoIterator<Item = AuditItem>>(items: I) -> Self {
        items.into_iter().fold(Self::NONE, Self::with)
    }
}

/// What is asked for. Nothing at all asks for the terminations' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditDescriptor<'a> {
    /// Whole descriptors.
    pub items: AuditItems,
    /// Parts of them (version 2).
    pub individual: Vec<IndividualAudit<'a>>,
}

/// A part of a descriptor (version 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndividualAudit<'a> {
    /// Of streams and state.
    Media(Box<IndividualMedia<'a>>),
    /// Of what is detected.
    Events(IndividualEvents<'a>),
    /// Of what is buffered.
    EventBuffer(ItemName<'a>, Option<StreamId>),
    /// Of what is played.
    Signals(IndividualSignals<'a>),
    /// A dial plan.
    DigitMap(Name<'a>),
    /// A statistic.
    Statistics(ItemName<'a>),
    /// A package.
    Packages(PackageVersion<'a>),
}

/// A part of the media descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndividualMedia<'a> {
    /// Of the state.
    pub state: Option<IndividualState<'a>>,
    /// Of the streams.
    pub streams: IndividualStreams<'a>,
}

/// Parts of streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IndividualStreams<'a> {
    /// None.
    #[default]
    None,
    /// Of stream 1.
    One(IndividualStream<'a>),
    /// Of streams with numbers.
    Many(Vec<(StreamId, IndividualStream<'a>)>),
}

/// A part of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndividualStream<'a> {
    /// Of the local control.
    pub control: Option<IndividualControl<'a>>,
    /// The local description (version 3).
    pub local: Option<IndividualDescription>,
    /// The remote description (version 3).
    pub remote: Option<IndividualDescription>,
    /// A statistic of the stream (version 3).
    pub statistics: Option<ItemName<'a>>,
}

/// A session description, or lines of it. Text has the whole only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndividualDescription {
    /// Of which group.
    pub group: Option<u16>,
    /// Which lines; none at all means the whole.
    pub lines: Vec<Tag>,
}

/// A part of the local control.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndividualControl<'a> {
    /// The mode, or terminations with this mode (version 3).
    pub mode: Option<Selected<StreamMode>>,
    /// The reservation of values.
    pub is_reserve_value: bool,
    /// The reservation of groups.
    pub is_reserve_group: bool,
    /// Properties.
    pub properties: Vec<IndividualProperty<'a>>,
}

/// What is asked for, or what selects who is asked (version 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected<T> {
    /// It is asked for.
    Asked,
    /// Only those where it is so.
    When(T),
}

/// A property that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndividualProperty<'a> {
    /// Which.
    pub name: ItemName<'a>,
    /// Only those where it is so (version 3).
    pub when: Option<Setting<'a>>,
}

/// A part of the termination state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndividualState<'a> {
    /// Properties.
    pub properties: Vec<IndividualProperty<'a>>,
    /// How events are buffered.
    pub is_buffer: bool,
    /// Whether it serves, or terminations that do so (version 3).
    pub service: Option<Selected<ServiceState>>,
}

/// An event that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndividualEvents<'a> {
    /// Of which request.
    pub request: Option<RequestId>,
    /// Which.
    pub name: ItemName<'a>,
    /// On which stream (binary form only).
    pub stream: Option<StreamId>,
}

/// A signal that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndividualSignal<'a> {
    /// Which.
    pub name: ItemName<'a>,
    /// On which stream.
    pub stream: Option<StreamId>,
    /// Of which request (version 3).
    pub request: Option<RequestId>,
}

/// A signal or a list that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndividualSignals<'a> {
    /// A signal.
    Signal(IndividualSignal<'a>),
    /// A list, or a signal of it.
    List(u16, Option<IndividualSignal<'a>>),
}

/// What of a context is asked for (RFC 3525 section 7.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextAudit<'a> {
    /// The topology.
    pub is_topology: bool,
    /// The emergency mark.
    pub is_emergency: bool,
    /// The priority.
    pub is_priority: bool,
    /// The mark of the emergency preparedness scheme (version 3).
    pub is_ieps: bool,
    /// Properties (version 3).
    pub properties: Vec<IndividualProperty<'a>>,
    /// Only contexts of this priority (version 3).
    pub when_priority: Option<u8>,
    /// Only contexts with this emergency mark (version 3).
    pub when_emergency: Option<bool>,
    /// Only contexts with this mark of the emergency preparedness scheme (version 3).
    pub when_ieps: Option<bool>,
    /// Whether one of the conditions is enough (version 3).
    pub logic: Option<SelectLogic>,
}

/// How conditions are joined (version 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectLogic {
    /// All must hold.
    And,
    /// One must hold.
    Or,
}
