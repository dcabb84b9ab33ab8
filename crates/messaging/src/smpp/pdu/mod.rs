//! Protocol data units of SMPP 3.4 (sections 3.2 and 4) and 5.0: bytes <-> values. Broadcasts of 5.0 are kept as they come.
//!
//! Here are the units and messages; `operation` has what is asked about messages, [`command`] the numbers, `decode` and `encode` the octets.
//!
//! Text is taken as Latin-1, octet by octet, so that what a peer wrote is what goes out again. A unit whose command is not
//! known is kept as it came. What is beyond a field's size in the specification is read as long as it ends within the unit: peers
//! write longer passwords and identifiers than the specification allows, and a length that is right harms nobody.

pub mod command;

mod decode;
mod encode;
mod operation;

pub use decode::{DecodeError, Fault, decode};
pub use encode::encode;
pub use operation::{
    AlertNotification, Answer, CancelSm, DESTINATIONS, Destination, MultiResp, Named, Operation, Outbind,
    QueryResp, QuerySm, ReplaceSm, SubmitMulti,
};

pub(super) use operation::BROADCASTS;

use super::status::Status;
use super::tlv::{self, Tlv};

/// Octets of the header: length, command, status, sequence number.
pub const HEADER: usize = 16;

/// What a side speaks (`interface_version`, section 5.2.4).
pub mod version {
    /// No optional parameters.
    pub const V3_3: u8 = 0x33;
    /// With them.
    pub const V3_4: u8 = 0x34;
    /// With congestion control and broadcasts.
    pub const V5_0: u8 = 0x50;
}

/// What a link may be used for (section 2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindKind {
    /// From the centre only.
    Receiver,
    /// To the centre only.
    Transmitter,
    /// Both ways.
    #[default]
    Transceiver,
}

impl BindKind {
    /// The command that asks for it.
    #[must_use]
    pub const fn command(self) -> u32 {
        match self {
            Self::Receiver => command::BIND_RECEIVER,
            Self::Transmitter => command::BIND_TRANSMITTER,
            Self::Transceiver => command::BIND_TRANSCEIVER,
        }
    }

    /// Whether messages may go to the centre.
    #[must_use]
    pub const fn transmits(self) -> bool {
        !matches!(self, Self::Receiver)
    }

    /// Whether messages may come from the centre.
    #[must_use]
    pub const fn receives(self) -> bool {
        !matches!(self, Self::Transmitter)
    }
}

/// A number with its type and plan (sections 5.2.5 and 5.2.6).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Type of number: 1 international, 2 national, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan: 1 is E.164.
    pub npi: u8,
    /// Digits, or a name.
    pub digits: String,
}

impl Address {
    /// A number: international in E.164 when it begins with `+`, of unknown type otherwise, a name when it has letters.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.strip_prefix('+') {
            Some(digits) => Self { ton: 1, npi: 1, digits: digits.to_owned() },
            None if text.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#')) => {
                Self { ton: 0, npi: 1, digits: text.to_owned() }
            }
            None => Self { ton: 5, npi: 0, digits: text.to_owned() },
        }
    }
}

/// `bind_*` (section 4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    /// Who binds.
    pub system_id: String,
    /// The proof of it.
    pub password: String,
    /// What kind of system it is.
    pub system_type: String,
    /// 0x34 or 0x50.
    pub interface_version: u8,
    /// Type of the numbers that are served.
    pub ton: u8,
    /// Plan of the numbers that are served.
    pub npi: u8,
    /// The numbers that are served, as an expression.
    pub address_range: String,
}

/// A short message: the body of `submit_sm` and `deliver_sm` (sections 4.4 and 4.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortMessage {
    /// Service type; empty is the default.
    pub service_type: String,
    /// Who sends.
    pub source: Address,
    /// Who is to get it.
    pub destination: Address,
    /// Mode, type and features (section 5.2.12): 0x40 is a user data header, 0x04 a delivery receipt.
    pub esm_class: u8,
    /// GSM's protocol identifier.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority: u8,
    /// When it is to be delivered; empty is now.
    pub schedule: String,
    /// How long it is worth something; empty is the centre's default.
    pub validity: String,
    /// Which receipts are wanted (section 5.2.17).
    pub registered_delivery: u8,
    /// Whether it replaces one that waits.
    pub replace_if_present: u8,
    /// Data coding: 0x04 is octets.
    pub data_coding: u8,
    /// A message that is stored at the centre.
    pub default_message: u8,
    /// Up to 254 octets.
    pub text: Vec<u8>,
    /// Optional parameters in their order.
    pub tlvs: Vec<Tlv>,
}

impl ShortMessage {
    /// The optional parameter with this tag.
    #[must_use]
    pub fn tlv(&self, tag: u16) -> Option<&[u8]> {
        tlv::find(&self.tlvs, tag)
    }

    /// The user data, wherever it stands: in the message or in the parameter `message_payload`.
    #[must_use]
    pub fn user_data(&self) -> &[u8] {
        match self.tlv(tlv::MESSAGE_PAYLOAD) {
            Some(payload) if self.text.is_empty() => payload,
            _ => &self.text,
        }
    }

    /// Whether it is a delivery receipt or an intermediate notification rather than a message (section 5.2.12, bits 5 to 2).
    #[must_use]
    pub fn is_receipt(&self) -> bool {
        matches!(self.esm_class & 0x3c, 0x04 | 0x20)
    }

    /// Whether user data begins with a user data header.
    #[must_use]
    pub fn has_header(&self) -> bool {
        self.esm_class & 0x40 != 0
    }
}

/// The body of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// `bind_receiver`, `bind_transmitter`, `bind_transceiver`.
    Bind(BindKind, Bind),
    /// The answer: the centre's name, when it said it.
    BindResp(BindKind, String, Vec<Tlv>),
    /// `submit_sm`.
    SubmitSm(Box<ShortMessage>),
    /// The answer to it.
    SubmitSmResp(Named),
    /// `deliver_sm`.
    DeliverSm(Box<ShortMessage>),
    /// The answer to it.
    DeliverSmResp,
    /// `data_sm`, of which a message has what that unit has room for.
    DataSm(Box<ShortMessage>),
    /// The answer to it.
    DataSmResp(Named),
    /// `submit_multi`.
    SubmitMulti(Box<SubmitMulti>),
    /// The answer to it; nothing in a refusal.
    SubmitMultiResp(Option<Box<MultiResp>>),
    /// `query_sm`.
    QuerySm(QuerySm),
    /// The answer to it; nothing in a refusal.
    QuerySmResp(Option<QueryResp>),
    /// `cancel_sm`.
    CancelSm(CancelSm),
    /// The answer to it.
    CancelSmResp,
    /// `replace_sm`.
    ReplaceSm(Box<ReplaceSm>),
    /// The answer to it.
    ReplaceSmResp,
    /// `alert_notification`, which has no answer.
    AlertNotification(Box<AlertNotification>),
    /// `outbind`, which has none either.
    Outbind(Outbind),
    /// `enquire_link`.
    EnquireLink,
    /// The answer to it.
    EnquireLinkResp,
    /// `unbind`.
    Unbind,
    /// The answer to it.
    UnbindResp,
    /// `generic_nack`.
    GenericNack,
    /// Another command with its octets.
    Other(u32, Vec<u8>),
}

impl Body {
    /// The command's number.
    #[must_use]
    pub fn command(&self) -> u32 {
        match self {
            Self::Bind(kind, _) => kind.command(),
            Self::BindResp(kind, ..) => kind.command() | command::RESPONSE,
            Self::SubmitSm(_) => command::SUBMIT_SM,
            Self::SubmitSmResp(_) => command::SUBMIT_SM | command::RESPONSE,
            Self::DeliverSm(_) => command::DELIVER_SM,
            Self::DeliverSmResp => command::DELIVER_SM | command::RESPONSE,
            Self::DataSm(_) => command::DATA_SM,
            Self::DataSmResp(_) => command::DATA_SM | command::RESPONSE,
            Self::SubmitMulti(_) => command::SUBMIT_MULTI,
            Self::SubmitMultiResp(_) => command::SUBMIT_MULTI | command::RESPONSE,
            Self::QuerySm(_) => command::QUERY_SM,
            Self::QuerySmResp(_) => command::QUERY_SM | command::RESPONSE,
            Self::CancelSm(_) => command::CANCEL_SM,
            Self::CancelSmResp => command::CANCEL_SM | command::RESPONSE,
            Self::ReplaceSm(_) => command::REPLACE_SM,
            Self::ReplaceSmResp => command::REPLACE_SM | command::RESPONSE,
            Self::AlertNotification(_) => command::ALERT_NOTIFICATION,
            Self::Outbind(_) => command::OUTBIND,
            Self::EnquireLink => command::ENQUIRE_LINK,
            Self::EnquireLinkResp => command::ENQUIRE_LINK | command::RESPONSE,
            Self::Unbind => command::UNBIND,
            Self::UnbindResp => command::UNBIND | command::RESPONSE,
            Self::GenericNack => command::GENERIC_NACK,
            Self::Other(command, _) => *command,
        }
    }
}

/// One protocol data unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    /// Zero in requests.
    pub status: Status,
    /// Joins an answer to its request.
    pub sequence: u32,
    /// What it says.
    pub body: Body,
}

impl Pdu {
    /// A request.
    #[must_use]
    pub const fn request(sequence: u32, body: Body) -> Self {
        Self { status: Status::OK, sequence, body }
    }

    /// An answer.
    #[must_use]
    pub const fn response(sequence: u32, status: Status, body: Body) -> Self {
        Self { status, sequence, body }
    }
}
