//! What an ESME asks a centre about messages, and what is answered (SMPP 3.4 sections 4.4 to 4.12).

use super::command;
use super::{Address, Body, ShortMessage};
use crate::smpp::receipt::MessageState;
use crate::smpp::status::Status;
use crate::smpp::tlv::{self, Tlv};

/// The most destinations of a `submit_multi` (section 4.5.1).
pub const DESTINATIONS: usize = 254;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `submit_sm`.
    Submit(Box<ShortMessage>),
    /// `data_sm`: of the message what that unit has room for.
    Data(Box<ShortMessage>),
    /// `submit_multi`.
    Multi(Box<SubmitMulti>),
    /// `query_sm`.
    Query(QuerySm),
    /// `cancel_sm`.
    Cancel(CancelSm),
    /// `replace_sm`.
    Replace(Box<ReplaceSm>),
}

impl Operation {
    /// The unit that asks it.
    #[must_use]
    pub fn into_body(self) -> Body {
        match self {
            Self::Submit(message) => Body::SubmitSm(message),
            Self::Data(message) => Body::DataSm(message),
            Self::Multi(multi) => Body::SubmitMulti(multi),
            Self::Query(query) => Body::QuerySm(query),
            Self::Cancel(cancel) => Body::CancelSm(cancel),
            Self::Replace(replace) => Body::ReplaceSm(replace),
        }
    }

    /// The answer that refuses it.
    #[must_use]
    pub fn refused(&self, status: Status) -> Answer {
        match self {
            Self::Submit(_) => Answer::Submit(Err(status)),
            Self::Data(_) => Answer::Data(Err(status)),
            Self::Multi(_) => Answer::Multi(Err(status)),
            Self::Query(_) => Answer::Query(Err(status)),
            Self::Cancel(_) => Answer::Cancel(Err(status)),
            Self::Replace(_) => Answer::Replace(Err(status)),
        }
    }

    /// The optional parameters, where it has any.
    pub(in crate::smpp) fn tlvs_mut(&mut self) -> Option<&mut Vec<Tlv>> {
        match self {
            Self::Submit(message) | Self::Data(message) => Some(&mut message.tlvs),
            Self::Multi(multi) => Some(&mut multi.message.tlvs),
            Self::Replace(replace) => Some(&mut replace.tlvs),
            Self::Query(_) | Self::Cancel(_) => None,
        }
    }
}

/// What a centre answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `submit_sm_resp`: what the centre calls the message.
    Submit(Result<String, Status>),
    /// `data_sm_resp`.
    Data(Result<String, Status>),
    /// `submit_multi_resp`.
    Multi(Result<MultiResp, Status>),
    /// `query_sm_resp`.
    Query(Result<QueryResp, Status>),
    /// `cancel_sm_resp`.
    Cancel(Result<(), Status>),
    /// `replace_sm_resp`.
    Replace(Result<(), Status>),
}

impl Answer {
    /// The unit that says it. More parameters go where the answer has room for them.
    #[must_use]
    pub fn into_unit(self, tlvs: Vec<Tlv>) -> (Status, Body) {
        let named = |result: Result<String, Status>| match result {
            Ok(id) => (Status::OK, Named { message_id: Some(id), tlvs: tlvs.clone() }),
            Err(status) => (status, Named { message_id: None, tlvs: tlvs.clone() }),
        };
        let plain = |result: Result<(), Status>| result.err().unwrap_or(Status::OK);
        match self {
            Self::Submit(result) => {
                let (status, named) = named(result);
                (status, Body::SubmitSmResp(named))
            }
            Self::Data(result) => {
                let (status, named) = named(result);
                (status, Body::DataSmResp(named))
            }
            Self::Multi(Ok(mut resp)) => {
                resp.tlvs.extend(tlvs);
                (Status::OK, Body::SubmitMultiResp(Some(Box::new(resp))))
            }
            Self::Multi(Err(status)) => (status, Body::SubmitMultiResp(None)),
            Self::Query(Ok(resp)) => (Status::OK, Body::QuerySmResp(Some(resp))),
            Self::Query(Err(status)) => (status, Body::QuerySmResp(None)),
            Self::Cancel(result) => (plain(result), Body::CancelSmResp),
            Self::Replace(result) => (plain(result), Body::ReplaceSmResp),
        }
    }
}

/// The body of `submit_sm_resp` and `data_sm_resp` (sections 4.4.2 and 4.7.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// What the centre calls the message; none in a refusal.
    pub message_id: Option<String>,
    /// Optional parameters: `data_sm_resp` has some, from version 5.0 on any answer.
    pub tlvs: Vec<Tlv>,
}

impl Named {
    /// A message's name, without parameters.
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self { message_id: Some(id.to_owned()), tlvs: Vec::new() }
    }

    /// How busy the centre is, in percent, when it says so (version 5.0 section 4.8.4.18).
    #[must_use]
    pub fn congestion(&self) -> Option<u8> {
        tlv::find(&self.tlvs, tlv::CONGESTION_STATE)?.first().copied()
    }
}

/// `query_sm` (section 4.8): what has become of a message?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuerySm {
    /// What the centre calls it.
    pub message_id: String,
    /// Who sent it: must be the same as then.
    pub source: Address,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResp {
    /// What the centre calls the message.
    pub message_id: String,
    /// When it came to its end; empty while it has not.
    pub final_date: String,
    /// The state.
    pub state: MessageState,
    /// The network's reason when it was not delivered.
    pub error_code: u8,
}

/// `cancel_sm` (section 4.9): takes back one message by its name, or with an empty name all of a service between two addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelSm {
    /// The service; empty when the message is named.
    pub service_type: String,
    /// What the centre calls the message.
    pub message_id: String,
    /// Who sent it.
    pub source: Address,
    /// Who is to get it.
    pub destination: Address,
}

/// `replace_sm` (section 4.10): other text and times for a message that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplaceSm {
    /// What the centre calls it.
    pub message_id: String,
    /// Who sent it.
    pub source: Address,
    /// When it is to be delivered; empty leaves it as it is.
    pub schedule: String,
    /// How long it is worth something; empty leaves it as it is.
    pub validity: String,
    /// Which receipts are wanted.
    pub registered_delivery: u8,
    /// A message that is stored at the centre.
    pub default_message: u8,
    /// Up to 254 octets.
    pub text: Vec<u8>,
    /// Version 5.0: optional parameters.
    pub tlvs: Vec<Tlv>,
}

/// Whom a `submit_multi` is for (section 4.5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A number.
    Address(Address),
    /// A list that the centre keeps.
    List(String),
}

/// `submit_multi` (section 4.5): one message to many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmitMulti {
    /// The message; its own destination is not used.
    pub message: ShortMessage,
    /// 1 to [`DESTINATIONS`].
    pub destinations: Vec<Destination>,
}

/// The answer to it (section 4.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultiResp {
    /// What the centre calls the message.
    pub message_id: String,
    /// Those who will not get it, and why.
    pub refused: Vec<(Address, Status)>,
    /// Version 5.0: optional parameters.
    pub tlvs: Vec<Tlv>,
}

/// `alert_notification` (section 4.12): a subscriber whom a message did not reach can be reached again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertNotification {
    /// The subscriber.
    pub source: Address,
    /// Who is told.
    pub esme: Address,
    /// `ms_availability_status` (section 5.3.2.30).
    pub tlvs: Vec<Tlv>,
}

impl AlertNotification {
    /// Whether the subscriber can be reached: without the parameter the alert itself says so.
    #[must_use]
    pub fn is_available(&self) -> bool {
        tlv::find(&self.tlvs, tlv::MS_AVAILABILITY_STATUS).is_none_or(|value| value.first() == Some(&0))
    }
}

/// `outbind` (section 4.1.7): a centre that has messages asks an ESME that it connected to, to bind as receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbind {
    /// The centre.
    pub system_id: String,
    /// Its proof.
    pub password: String,
}

/// Commands of version 5.0 that send messages to areas, and how each is refused (version 5.0 sections 4.4 and 4.7.6).
pub(in crate::smpp) const BROADCASTS: &[(u32, Status)] = &[
    (command::BROADCAST_SM, Status::BROADCAST_FAILED),
    (command::QUERY_BROADCAST_SM, Status::BROADCAST_QUERY_FAILED),
    (command::CANCEL_BROADCAST_SM, Status::BROADCAST_CANCEL_FAILED),
];
