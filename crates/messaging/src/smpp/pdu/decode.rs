//! Octets -> units. What is beyond a field's size in the specification is read as long as it ends within the unit.

use super::{
    Address, AlertNotification, Bind, BindKind, Body, CancelSm, DESTINATIONS, Destination, HEADER, MultiResp,
    Named, Outbind, Pdu, QueryResp, QuerySm, ReplaceSm, ShortMessage, SubmitMulti, command,
};
use crate::smpp::receipt::MessageState;
use crate::smpp::status::Status;
use crate::smpp::tlv::Tlv;

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
    /// A `submit_multi` is for none, or for more than 254.
    #[error("a message goes to 1 to {DESTINATIONS} destinations, not to {0}")]
    Destinations(u8),
    /// A destination is neither an address nor a list.
    #[error("a destination is 1, an address, or 2, a list, and not {0}")]
    DestinationFlag(u8),
}

impl Fault {
    /// The status that refuses it (section 5.1.3).
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Header => Status::INVALID_COMMAND_LENGTH,
            Self::CutOff(_) | Self::Unterminated(_) => Status::INVALID_MESSAGE_LENGTH,
            Self::Destinations(_) => Status::INVALID_NUMBER_OF_DESTINATIONS,
            Self::DestinationFlag(_) => Status::INVALID_DESTINATION_FLAG,
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
        let rest = self.rest();
        let end = rest.iter().position(|octet| *octet == 0);
        let text = rest.iter().take(end.unwrap_or(rest.len())).copied().map(char::from).collect();
        self.at += end.map_or(rest.len(), |end| end + 1);
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

    /// The parameters of an answer, as far as they can be read: what else stands there harms nobody.
    fn tlvs_of_answer(&mut self) -> Vec<Tlv> {
        let start = self.at;
        self.tlvs().unwrap_or_else(|_| {
            self.at = start;
            Vec::new()
        })
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
            ..ShortMessage::default()
        };
        self.rest_of_message(&mut message)?;
        Ok(Box::new(message))
    }

    /// Everything behind the addresses.
    fn rest_of_message(&mut self, message: &mut ShortMessage) -> Result<(), DecodeError> {
        message.esm_class = self.octet("esm_class")?;
        message.protocol_id = self.octet("protocol_id")?;
        message.priority = self.octet("priority_flag")?;
        message.schedule = self.text("schedule_delivery_time")?;
        message.validity = self.text("validity_period")?;
        message.registered_delivery = self.octet("registered_delivery")?;
        message.replace_if_present = self.octet("replace_if_present_flag")?;
        message.data_coding = self.octet("data_coding")?;
        message.default_message = self.octet("sm_default_msg_id")?;
        message.text = self.octets("short_message")?;
        message.tlvs = self.tlvs()?;
        Ok(())
    }

    /// Octets behind one octet of length.
    fn octets(&mut self, field: &'static str) -> Result<Vec<u8>, DecodeError> {
        let length = self.octet("sm_length")?;
        Ok(self.take(usize::from(length), field)?.to_vec())
    }

    fn data(&mut self) -> Result<Box<ShortMessage>, DecodeError> {
        Ok(Box::new(ShortMessage {
            service_type: self.text("service_type")?,
            source: self.address("source_addr")?,
            destination: self.address("destination_addr")?,
            esm_class: self.octet("esm_class")?,
            registered_delivery: self.octet("registered_delivery")?,
            data_coding: self.octet("data_coding")?,
            tlvs: self.tlvs()?,
            ..ShortMessage::default()
        }))
    }

    fn multi(&mut self) -> Result<Box<SubmitMulti>, DecodeError> {
        let mut message = ShortMessage {
            service_type: self.text("service_type")?,
            source: self.address("source_addr")?,
            ..ShortMessage::default()
        };
        let count = self.octet("number_of_dests")?;
        if !(1..=DESTINATIONS).contains(&usize::from(count)) {
            return Err(self.error(Fault::Destinations(count)));
        }
        let mut destinations = Vec::new();
        for _ in 0..count {
            destinations.push(match self.octet("dest_flag")? {
                1 => Destination::Address(self.address("destination_addr")?),
                2 => Destination::List(self.text("dl_name")?),
                flag => return Err(self.error(Fault::DestinationFlag(flag))),
            });
        }
        self.rest_of_message(&mut message)?;
        Ok(Box::new(SubmitMulti { message, destinations }))
    }

    fn multi_resp(&mut self) -> Result<MultiResp, DecodeError> {
        let message_id = self.text("message_id")?;
        let count = self.octet("no_unsuccess")?;
        let mut refused = Vec::new();
        for _ in 0..count {
            let address = self.address("destination_addr")?;
            let code = self.take(4, "error_status_code")?;
            let code = code.iter().fold(0_u32, |number, octet| number << 8 | u32::from(*octet));
            refused.push((address, Status(code)));
        }
        Ok(MultiResp { message_id, refused, tlvs: self.tlvs_of_answer() })
    }

    fn query_resp(&mut self) -> Result<QueryResp, DecodeError> {
        Ok(QueryResp {
            message_id: self.text("message_id")?,
            final_date: self.text("final_date")?,
            state: MessageState::of_code(self.octet("message_state")?).unwrap_or(MessageState::Unknown),
            error_code: self.octet("error_code")?,
        })
    }

    fn replace(&mut self) -> Result<Box<ReplaceSm>, DecodeError> {
        Ok(Box::new(ReplaceSm {
            message_id: self.text("message_id")?,
            source: self.address("source_addr")?,
            schedule: self.text("schedule_delivery_time")?,
            validity: self.text("validity_period")?,
            registered_delivery: self.octet("registered_delivery")?,
            default_message: self.octet("sm_default_msg_id")?,
            text: self.octets("short_message")?,
            tlvs: self.tlvs()?,
        }))
    }

    /// A name and parameters. A refusal may come without a body (section 4.4.2).
    fn named(&mut self, status: Status) -> Named {
        if self.rest().is_empty() {
            return Named::default();
        }
        let id = Some(self.last_text()).filter(|id| status.is_ok() || !id.is_empty());
        Named { message_id: id, tlvs: self.tlvs_of_answer() }
    }

    fn body(&mut self, status: Status) -> Result<Body, DecodeError> {
        match self.command & command::RESPONSE {
            0 => self.request(),
            _ => self.answer(status),
        }
    }

    fn request(&mut self) -> Result<Body, DecodeError> {
        Ok(match self.command {
            command::BIND_RECEIVER => Body::Bind(BindKind::Receiver, self.bind()?),
            command::BIND_TRANSMITTER => Body::Bind(BindKind::Transmitter, self.bind()?),
            command::BIND_TRANSCEIVER => Body::Bind(BindKind::Transceiver, self.bind()?),
            command::SUBMIT_SM => Body::SubmitSm(self.short_message()?),
            command::DELIVER_SM => Body::DeliverSm(self.short_message()?),
            command::DATA_SM => Body::DataSm(self.data()?),
            command::SUBMIT_MULTI => Body::SubmitMulti(self.multi()?),
            command::QUERY_SM => Body::QuerySm(QuerySm {
                message_id: self.text("message_id")?,
                source: self.address("source_addr")?,
            }),
            command::CANCEL_SM => Body::CancelSm(CancelSm {
                service_type: self.text("service_type")?,
                message_id: self.text("message_id")?,
                source: self.address("source_addr")?,
                destination: self.address("destination_addr")?,
            }),
            command::REPLACE_SM => Body::ReplaceSm(self.replace()?),
            command::ALERT_NOTIFICATION => Body::AlertNotification(Box::new(AlertNotification {
                source: self.address("source_addr")?,
                esme: self.address("esme_addr")?,
                tlvs: self.tlvs()?,
            })),
            command::OUTBIND => Body::Outbind(Outbind {
                system_id: self.text("system_id")?,
                password: self.text("password")?,
            }),
            command::ENQUIRE_LINK => Body::EnquireLink,
            command::UNBIND => Body::Unbind,
            other => Body::Other(other, self.rest().to_vec()),
        })
    }

    fn answer(&mut self, status: Status) -> Result<Body, DecodeError> {
        let empty = self.rest().is_empty() || !status.is_ok();
        Ok(match self.command & !command::RESPONSE {
            command::BIND_RECEIVER => self.bind_resp(BindKind::Receiver, status)?,
            command::BIND_TRANSMITTER => self.bind_resp(BindKind::Transmitter, status)?,
            command::BIND_TRANSCEIVER => self.bind_resp(BindKind::Transceiver, status)?,
            command::SUBMIT_SM => Body::SubmitSmResp(self.named(status)),
            command::DATA_SM => Body::DataSmResp(self.named(status)),
            command::SUBMIT_MULTI if empty => Body::SubmitMultiResp(None),
            command::SUBMIT_MULTI => Body::SubmitMultiResp(Some(Box::new(self.multi_resp()?))),
            command::QUERY_SM if empty => Body::QuerySmResp(None),
            command::QUERY_SM => Body::QuerySmResp(Some(self.query_resp()?)),
            command::CANCEL_SM => Body::CancelSmResp,
            command::REPLACE_SM => Body::ReplaceSmResp,
            command::DELIVER_SM => Body::DeliverSmResp,
            command::ENQUIRE_LINK => Body::EnquireLinkResp,
            command::UNBIND => Body::UnbindResp,
            0 => Body::GenericNack,
            _ => Body::Other(self.command, self.rest().to_vec()),
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
