//! Protocol data units of SMPP 3.4 (sections 3.2 and 4), and what version 5.0 kept of them: bytes <-> values.
//!
//! Text is taken as Latin-1, octet by octet, so that what a peer wrote is what goes out again. A unit whose command is not
//! known is kept as it came. What is beyond a field's size in the specification is read as long as it ends within the unit: peers
//! write longer passwords and identifiers than the specification allows, and a length that is right harms nobody.

use super::status::Status;
use super::tlv::{self, Tlv};

/// Octets of the header: length, command, status, sequence number.
pub const HEADER: usize = 16;

/// What a unit asks or answers, by number (section 5.1.2.1).
pub mod command {
    /// Set in every answer.
    pub const RESPONSE: u32 = 0x8000_0000;
    /// Cannot be told what it was.
    pub const GENERIC_NACK: u32 = 0x8000_0000;
    /// Binds to receive only.
    pub const BIND_RECEIVER: u32 = 0x0000_0001;
    /// Binds to transmit only.
    pub const BIND_TRANSMITTER: u32 = 0x0000_0002;
    /// Asks for the state of a message.
    pub const QUERY_SM: u32 = 0x0000_0003;
    /// A message to the centre.
    pub const SUBMIT_SM: u32 = 0x0000_0004;
    /// A message or a receipt from the centre.
    pub const DELIVER_SM: u32 = 0x0000_0005;
    /// Ends a session.
    pub const UNBIND: u32 = 0x0000_0006;
    /// Replaces a message.
    pub const REPLACE_SM: u32 = 0x0000_0007;
    /// Takes a message back.
    pub const CANCEL_SM: u32 = 0x0000_0008;
    /// Binds for both directions.
    pub const BIND_TRANSCEIVER: u32 = 0x0000_0009;
    /// The centre asks to be bound to.
    pub const OUTBIND: u32 = 0x0000_000b;
    /// Is the other side there?
    pub const ENQUIRE_LINK: u32 = 0x0000_0015;
    /// A message to several addresses.
    pub const SUBMIT_MULTI: u32 = 0x0000_0021;
    /// A subscriber can be reached again.
    pub const ALERT_NOTIFICATION: u32 = 0x0000_0102;
    /// A message, in either direction, without the fields that are rarely used.
    pub const DATA_SM: u32 = 0x0000_0103;
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
        self.tlvs.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value.as_slice())
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
    /// The centre's identifier of the message; none in a refusal.
    SubmitSmResp(Option<String>),
    /// `deliver_sm`.
    DeliverSm(Box<ShortMessage>),
    /// The answer to it.
    DeliverSmResp,
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

/// Why a unit could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at octet {offset} of command {command:#010x}: {fault}")]
pub struct DecodeError {
    /// The command, as far as it could be told.
    pub command: u32,
    /// The sequence number, to refuse it by.
    pub sequence: u32,
    /// Where.
    pub offset: usize,
    /// What.
    pub fault: Fault,
}

/// What is wrong with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header is not whole, or does not fit the length of the unit.
    #[error("no header of 16 octets with the length of the unit")]
    Header,
    /// A field ends beyond the unit.
    #[error("`{0}` is cut off")]
    CutOff(&'static str),
    /// A text has no end.
    #[error("`{0}` has no NUL at its end")]
    Unterminated(&'static str),
}

impl Fault {
    /// The status that refuses it (section 5.1.3).
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Header => Status::INVALID_COMMAND_LENGTH,
            Self::CutOff(_) | Self::Unterminated(_) => Status::INVALID_MESSAGE_LENGTH,
        }
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    command: u32,
    sequence: u32,
}

impl<'b> Reader<'b> {
    const fn error(&self, fault: Fault) -> DecodeError {
        DecodeError { command: self.command, sequence: self.sequence, offset: self.at, fault }
    }

    fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, length: usize, field: &'static str) -> Result<&'b [u8], DecodeError> {
        let taken = self.rest().get(..length).ok_or(self.error(Fault::CutOff(field)))?;
        self.at += length;
        Ok(taken)
    }

    fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.take(1, field)?.first().copied().unwrap_or_default())
    }

    fn number(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        let pair = self.take(2, field)?;
        Ok(pair.iter().fold(0, |number, octet| number << 8 | u16::from(*octet)))
    }

    fn text(&mut self, field: &'static str) -> Result<String, DecodeError> {
        let rest = self.rest();
        let end = rest.iter().position(|octet| *octet == 0).ok_or(self.error(Fault::Unterminated(field)))?;
        self.at += end + 1;
        Ok(rest.iter().take(end).copied().map(char::from).collect())
    }

    /// A text that may lack its NUL at the end of the unit, as some centres write their identifiers.
    fn last_text(&mut self) -> String {
        let text = self.rest().iter().copied().take_while(|octet| *octet != 0).map(char::from).collect();
        self.at = self.bytes.len();
        text
    }

    fn address(&mut self, field: &'static str) -> Result<Address, DecodeError> {
        Ok(Address { ton: self.octet(field)?, npi: self.octet(field)?, digits: self.text(field)? })
    }

    fn tlvs(&mut self) -> Result<Vec<Tlv>, DecodeError> {
        let mut tlvs = Vec::new();
        while !self.rest().is_empty() {
            let tag = self.number("tag")?;
            let length = self.number("length")?;
            let value = self.take(usize::from(length), "value")?.to_vec();
            tlvs.push(Tlv { tag, value });
        }
        Ok(tlvs)
    }

    fn bind(&mut self) -> Result<Bind, DecodeError> {
        Ok(Bind {
            system_id: self.text("system_id")?,
            password: self.text("password")?,
            system_type: self.text("system_type")?,
            interface_version: self.octet("interface_version")?,
            ton: self.octet("addr_ton")?,
            npi: self.octet("addr_npi")?,
            address_range: self.text("address_range")?,
        })
    }

    fn short_message(&mut self) -> Result<Box<ShortMessage>, DecodeError> {
        let mut message = ShortMessage {
            service_type: self.text("service_type")?,
            source: self.address("source_addr")?,
            destination: self.address("destination_addr")?,
            esm_class: self.octet("esm_class")?,
            protocol_id: self.octet("protocol_id")?,
            priority: self.octet("priority_flag")?,
            schedule: self.text("schedule_delivery_time")?,
            validity: self.text("validity_period")?,
            registered_delivery: self.octet("registered_delivery")?,
            replace_if_present: self.octet("replace_if_present_flag")?,
            data_coding: self.octet("data_coding")?,
            default_message: self.octet("sm_default_msg_id")?,
            ..ShortMessage::default()
        };
        let length = self.octet("sm_length")?;
        message.text = self.take(usize::from(length), "short_message")?.to_vec();
        message.tlvs = self.tlvs()?;
        Ok(Box::new(message))
    }

    fn body(&mut self, status: Status) -> Result<Body, DecodeError> {
        const BIND_RX: u32 = command::BIND_RECEIVER | command::RESPONSE;
        const BIND_TX: u32 = command::BIND_TRANSMITTER | command::RESPONSE;
        const BIND_TRX: u32 = command::BIND_TRANSCEIVER | command::RESPONSE;
        const SUBMIT: u32 = command::SUBMIT_SM | command::RESPONSE;
        const DELIVER: u32 = command::DELIVER_SM | command::RESPONSE;
        const ENQUIRE: u32 = command::ENQUIRE_LINK | command::RESPONSE;
        const UNBIND: u32 = command::UNBIND | command::RESPONSE;
        Ok(match self.command {
            command::BIND_RECEIVER => Body::Bind(BindKind::Receiver, self.bind()?),
            command::BIND_TRANSMITTER => Body::Bind(BindKind::Transmitter, self.bind()?),
            command::BIND_TRANSCEIVER => Body::Bind(BindKind::Transceiver, self.bind()?),
            BIND_RX => self.bind_resp(BindKind::Receiver, status)?,
            BIND_TX => self.bind_resp(BindKind::Transmitter, status)?,
            BIND_TRX => self.bind_resp(BindKind::Transceiver, status)?,
            command::SUBMIT_SM => Body::SubmitSm(self.short_message()?),
            // A refusal may come without a body (section 4.4.2).
            SUBMIT if self.rest().is_empty() => Body::SubmitSmResp(None),
            SUBMIT => Body::SubmitSmResp(Some(self.last_text())),
            command::DELIVER_SM => Body::DeliverSm(self.short_message()?),
            DELIVER => Body::DeliverSmResp,
            command::ENQUIRE_LINK => Body::EnquireLink,
            ENQUIRE => Body::EnquireLinkResp,
            command::UNBIND => Body::Unbind,
            UNBIND => Body::UnbindResp,
            command::GENERIC_NACK => Body::GenericNack,
            other => Body::Other(other, self.rest().to_vec()),
        })
    }

    fn bind_resp(&mut self, kind: BindKind, status: Status) -> Result<Body, DecodeError> {
        // A refusal may come without a body, and some centres write none at all.
        if self.rest().is_empty() || (!status.is_ok() && !self.rest().contains(&0)) {
            return Ok(Body::BindResp(kind, String::new(), Vec::new()));
        }
        let system_id = self.text("system_id")?;
        Ok(Body::BindResp(kind, system_id, self.tlvs()?))
    }
}

/// Reads one unit, which fills `bytes`.
///
/// # Errors
/// The first field that does not fit.
pub fn decode(bytes: &[u8]) -> Result<Pdu, DecodeError> {
    let word = |at: usize| {
        let word = bytes.get(at..at + 4)?;
        Some(word.iter().fold(0_u32, |number, octet| number << 8 | u32::from(*octet)))
    };
    let header = (word(0), word(4), word(8), word(12));
    let (Some(length), Some(command), Some(status), Some(sequence)) = header else {
        let fault = Fault::Header;
        return Err(DecodeError { command: 0, sequence: 0, offset: 0, fault });
    };
    let mut reader = Reader { bytes, at: HEADER, command, sequence };
    if usize::try_from(length) != Ok(bytes.len()) {
        return Err(reader.error(Fault::Header));
    }
    let status = Status(status);
    let body = reader.body(status)?;
    Ok(Pdu { status, sequence, body })
}

/// Appends a unit. Texts are cut at the sizes of the specification, so that what goes out is always legal.
pub fn encode(pdu: &Pdu, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&pdu.body.command().to_be_bytes());
    out.extend_from_slice(&pdu.status.0.to_be_bytes());
    out.extend_from_slice(&pdu.sequence.to_be_bytes());
    match &pdu.body {
        Body::Bind(_, bind) => encode_bind(bind, out),
        // Both answers have no body when they refuse.
        Body::BindResp(_, system_id, tlvs) => {
            if pdu.status.is_ok() {
                text(system_id, 16, out);
                tlv::encode(tlvs, out);
            }
        }
        Body::SubmitSm(message) | Body::DeliverSm(message) => encode_message(message, out),
        Body::SubmitSmResp(message_id) => {
            if let Some(id) = message_id {
                text(id, 65, out);
            }
        }
        // The message identifier is there and unused (section 4.6.2).
        Body::DeliverSmResp => out.push(0),
        Body::Other(_, bytes) => out.extend_from_slice(bytes),
        Body::EnquireLink | Body::EnquireLinkResp | Body::Unbind | Body::UnbindResp | Body::GenericNack => {}
    }
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length);
    }
}

fn encode_bind(bind: &Bind, out: &mut Vec<u8>) {
    text(&bind.system_id, 16, out);
    text(&bind.password, 9, out);
    text(&bind.system_type, 13, out);
    out.extend_from_slice(&[bind.interface_version, bind.ton, bind.npi]);
    text(&bind.address_range, 41, out);
}

fn encode_message(message: &ShortMessage, out: &mut Vec<u8>) {
    text(&message.service_type, 6, out);
    for address in [&message.source, &message.destination] {
        out.extend_from_slice(&[address.ton, address.npi]);
        text(&address.digits, 21, out);
    }
    out.extend_from_slice(&[message.esm_class, message.protocol_id, message.priority]);
    text(&message.schedule, 17, out);
    text(&message.validity, 17, out);
    out.extend_from_slice(&[
        message.registered_delivery,
        message.replace_if_present,
        message.data_coding,
        message.default_message,
    ]);
    let octets = message.text.get(..message.text.len().min(254)).unwrap_or_default();
    out.push(u8::try_from(octets.len()).unwrap_or(254));
    out.extend_from_slice(octets);
    tlv::encode(&message.tlvs, out);
}

/// A text with its NUL, in at most `size` octets.
fn text(text: &str, size: usize, out: &mut Vec<u8>) {
    let octets = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).take_while(|c| *c != 0);
    out.extend(octets.take(size.saturating_sub(1)));
    out.push(0);
}
