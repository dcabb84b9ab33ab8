//! What was wrong with a message, where, and by which clause; and the return code that says so to the peer.

use std::fmt;

use crate::message::{ReturnCode, TransactionId};

/// A rule of the protocol's text form. Names follow the productions of RFC 3435 Appendix A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The datagram is longer than the limit.
    DatagramLength,
    /// More piggybacked messages than the limit.
    MessageCount,
    /// Header text must be UTF-8 (ASCII outside quoted strings).
    Utf8,
    /// A line must end in CR LF or LF.
    EndOfLine,
    /// The first line must start with a verb or a return code.
    FirstLine,
    /// extensionVerb: a letter and three letters or digits.
    Verb,
    /// transaction-id: 1 to 999 999 999.
    TransactionId,
    /// endpointName.
    EndpointName,
    /// MGCPversion.
    Version,
    /// responseCode and what may follow it.
    ResponseLine,
    /// MGCPParameter: a name, a colon and a value.
    ParameterLine,
    /// More parameter lines than the limit.
    ParameterCount,
    /// A list holds more items than the limit.
    ListLength,
    /// A value that must not be empty is.
    EmptyValue,
    /// quotedString: the closing quote is missing.
    Quote,
    /// Control characters outside quoted strings.
    ControlCharacter,
    /// ResponseAck.
    ResponseAck,
    /// BearerInformation.
    BearerInformation,
    /// CallId: 1 to 32 hexadecimal digits.
    CallId,
    /// ConnectionId: 1 to 32 hexadecimal digits.
    ConnectionId,
    /// NotifiedEntity.
    NotifiedEntity,
    /// RequestIdentifier: 1 to 32 hexadecimal digits.
    RequestIdentifier,
    /// LocalConnectionOptions: the list as such.
    LocalOptions,
    /// The value of one local connection option.
    LocalOptionValue,
    /// Capabilities.
    Capabilities,
    /// ConnectionMode.
    ConnectionMode,
    /// requestedEvent.
    RequestedEvents,
    /// requestedAction.
    RequestedAction,
    /// EmbeddedRequest.
    EmbeddedRequest,
    /// SignalRequest.
    SignalRequests,
    /// ObservedEvents.
    ObservedEvents,
    /// eventName.
    EventName,
    /// eventParameters.
    EventParameters,
    /// Parentheses nest deeper than the limit.
    Nesting,
    /// DigitMap.
    DigitMap,
    /// ConnectionParameters.
    ConnectionParameters,
    /// ReasonCode.
    ReasonCode,
    /// RequestedInfo.
    RequestedInfo,
    /// QuarantineHandling.
    QuarantineHandling,
    /// RestartMethod.
    RestartMethod,
    /// RestartDelay: up to six digits.
    RestartDelay,
    /// PackageList.
    PackageList,
    /// MaxMGCPDatagram: up to nine digits, no leading zero.
    MaxDatagram,
    /// The value of an extension parameter.
    ExtensionParameter,
    /// A rule of the session description.
    SessionDescription(strowger_sdp::Rule),
    /// More session descriptions than a command (one) or a response (two) has.
    SessionDescriptionCount,
}

impl Rule {
    /// What the rule demands, for people.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::DatagramLength => "a datagram within the length limit",
            Self::MessageCount => "fewer messages in one datagram",
            Self::Utf8 => "UTF-8 text",
            Self::EndOfLine => "CR LF or LF at the end of the line",
            Self::FirstLine => "a verb or a three-digit return code",
            Self::Verb => "a verb: a letter and three letters or digits",
            Self::TransactionId => "a transaction identifier from 1 to 999999999",
            Self::EndpointName => "an endpoint name, local@domain",
            Self::Version => "MGCP, major.minor and an optional profile",
            Self::ResponseLine => {
                "code, transaction identifier, optional /package for 8xx, optional commentary"
            }
            Self::ParameterLine => "a parameter name, a colon and a value",
            Self::ParameterCount => "fewer parameter lines",
            Self::ListLength => "a shorter list",
            Self::EmptyValue => "a value",
            Self::Quote => "a closing quote",
            Self::ControlCharacter => "printable text",
            Self::ResponseAck => "transaction identifiers or ranges, separated by commas",
            Self::BearerInformation => "bearer attributes such as e:mu",
            Self::CallId => "1 to 32 hexadecimal digits",
            Self::ConnectionId => "1 to 32 hexadecimal digits",
            Self::NotifiedEntity => "[local@]domain[:port]",
            Self::RequestIdentifier => "1 to 32 hexadecimal digits",
            Self::LocalOptions => "local connection options, name:value, separated by commas",
            Self::LocalOptionValue => "a legal value for this local connection option",
            Self::Capabilities => "capabilities, name:value, separated by commas",
            Self::ConnectionMode => "a connection mode",
            Self::RequestedEvents => "events with optional (actions)(parameters), separated by commas",
            Self::RequestedAction => "actions N, A, D, S, I, K, E(...) or package/action",
            Self::EmbeddedRequest => "up to one each of R(...), S(...) and D(...)",
            Self::SignalRequests => "signals with optional (parameters), separated by commas",
            Self::ObservedEvents => "events with optional (parameters), separated by commas",
            Self::EventName => "[package/]event[@connection]",
            Self::EventParameters => "event parameters and a closing parenthesis",
            Self::Nesting => "fewer nested parentheses",
            Self::DigitMap => "a digit map",
            Self::ConnectionParameters => "NAME=number, separated by commas",
            Self::ReasonCode => "a three-digit reason code, optional /package for 8xx, optional commentary",
            Self::RequestedInfo => "parameter codes, separated by commas",
            Self::QuarantineHandling => "step or loop, process or discard",
            Self::RestartMethod => {
                "graceful, forced, restart, disconnected, cancel-graceful or package/method"
            }
            Self::RestartDelay => "a number of seconds, up to six digits",
            Self::PackageList => "package:version, separated by commas",
            Self::MaxDatagram => "a number of up to nine digits without leading zero",
            Self::ExtensionParameter => "printable text or a quoted string",
            Self::SessionDescription(rule) => rule.text(),
            Self::SessionDescriptionCount => {
                "one session description in a command, at most two in a response"
            }
        }
    }

    /// Where RFC 3435 states the rule; limits of our own have none.
    #[must_use]
    pub const fn clause(self) -> &'static str {
        match self {
            Self::DatagramLength => "RFC 3435 section 3.5.4",
            Self::MessageCount => "RFC 3435 section 3.5.5",
            Self::EndOfLine => "RFC 3435 section 3.1",
            Self::FirstLine => "RFC 3435 Appendix A, MGCPMessage",
            Self::Verb => "RFC 3435 section 3.2.1.1",
            Self::TransactionId => "RFC 3435 section 3.2.1.2",
            Self::EndpointName | Self::NotifiedEntity => "RFC 3435 section 3.2.1.3",
            Self::Version => "RFC 3435 section 3.2.1.4",
            Self::ResponseLine => "RFC 3435 section 3.3",
            Self::ParameterLine | Self::EmptyValue | Self::ExtensionParameter => "RFC 3435 section 3.2.2",
            Self::Utf8 | Self::Quote | Self::ControlCharacter => "RFC 3435 Appendix A, quotedString",
            Self::BearerInformation => "RFC 3435 section 3.2.2.1",
            Self::CallId => "RFC 3435 section 3.2.2.2",
            Self::Capabilities => "RFC 3435 section 3.2.2.3",
            Self::EventName | Self::EventParameters => "RFC 3435 section 3.2.2.4",
            Self::ConnectionId => "RFC 3435 section 3.2.2.5",
            Self::ConnectionMode => "RFC 3435 section 3.2.2.6",
            Self::ConnectionParameters => "RFC 3435 section 3.2.2.7",
            Self::LocalOptions | Self::LocalOptionValue => "RFC 3435 section 3.2.2.10",
            Self::MaxDatagram => "RFC 3435 section 3.2.2.11",
            Self::ObservedEvents => "RFC 3435 section 3.2.2.12",
            Self::PackageList => "RFC 3435 section 3.2.2.13",
            Self::QuarantineHandling => "RFC 3435 section 3.2.2.14",
            Self::ReasonCode => "RFC 3435 section 3.2.2.15",
            Self::RequestedEvents | Self::RequestedAction | Self::EmbeddedRequest => {
                "RFC 3435 section 3.2.2.16"
            }
            Self::RequestedInfo => "RFC 3435 section 3.2.2.17",
            Self::RequestIdentifier => "RFC 3435 section 3.2.2.18",
            Self::ResponseAck => "RFC 3435 section 3.2.2.19",
            Self::RestartMethod => "RFC 3435 section 3.2.2.20",
            Self::RestartDelay => "RFC 3435 Appendix A, RestartDelay",
            Self::SignalRequests => "RFC 3435 section 3.2.2.21",
            Self::DigitMap => "RFC 3435 section 2.1.5",
            Self::SessionDescription(rule) => rule.clause(),
            Self::SessionDescriptionCount => "RFC 3435 Appendix A, MGCPMessage",
            Self::Nesting => "RFC 3435 section 2.3.3",
            Self::ParameterCount | Self::ListLength => "a limit of this implementation",
        }
    }

    /// The return code that tells a peer which rule its command broke (RFC 3435 section 2.4).
    ///
    /// The only place where a fault of the text becomes a return code.
    #[must_use]
    pub const fn return_code(self) -> ReturnCode {
        match self {
            Self::LocalOptionValue => ReturnCode::LOCAL_OPTION_VALUE,
            Self::LocalOptions => ReturnCode::LOCAL_OPTION,
            Self::ConnectionMode => ReturnCode::MODE,
            Self::RequestedAction | Self::EmbeddedRequest => ReturnCode::ACTION,
            Self::EventParameters => ReturnCode::EVENT_PARAMETER,
            Self::EventName => ReturnCode::NO_SUCH_EVENT,

            Self::QuarantineHandling => ReturnCode::QUARANTINE,
            Self::RestartMethod => ReturnCode::RESTART_METHOD,
            Self::SessionDescription(_) => ReturnCode::REMOTE_DESCRIPTOR_ERROR,
            _ => ReturnCode::PROTOCOL_ERROR,
        }
    }

    /// Commentary for the answer: constant text, since an answer never echoes what the peer sent.
    #[must_use]
    pub const fn commentary(self) -> &'static str {
        match self {
            Self::DatagramLength | Self::MessageCount | Self::ParameterCount | Self::ListLength => "Too long",
            Self::Nesting => "Nested too deep",
            Self::Version => "Malformed version",
            Self::TransactionId => "Malformed transaction identifier",
            Self::EndpointName => "Malformed endpoint name",
            Self::SessionDescription(_) | Self::SessionDescriptionCount => "Malformed session description",
            Self::LocalOptions | Self::LocalOptionValue => "Malformed local connection options",
            Self::RequestedEvents | Self::RequestedAction | Self::EmbeddedRequest => {
                "Malformed requested events"
            }
            Self::DigitMap => "Malformed digit map",
            Self::CallId => "Malformed call identifier",
            Self::ConnectionId => "Malformed connection identifier",
            Self::ConnectionMode => "Malformed connection mode",
            _ => "Malformed message",
        }
    }
}

/// A short excerpt of what stood where a rule was broken.
pub type Found = strowger_sansio::Excerpt<24>;

/// A message that is not MGCP, or not legal MGCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where, in bytes from the start of what was decoded.
    pub offset: usize,
    /// What stood there.
    pub found: Found,
    /// The rule that it broke.
    pub rule: Rule,
    /// The transaction identifier, if the first line gave one: without it, no answer is possible.
    pub transaction_id: Option<TransactionId>,
    /// Whether the message was a response: those are never answered.
    pub is_response: bool,
}

impl DecodeError {
    /// The return code that answers the command; see [`Rule::return_code`].
    #[must_use]
    pub const fn return_code(&self) -> ReturnCode {
        self.rule.return_code()
    }

    /// Constant commentary for the answer; see [`Rule::commentary`].
    #[must_use]
    pub const fn commentary(&self) -> &'static str {
        self.rule.commentary()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, found, rule, .. } = self;
        match rule {
            Rule::SessionDescription(rule) => {
                write!(f, "at byte {offset}: found {found}, but {} ({})", rule.text(), rule.clause())
            }
            rule => {
                write!(f, "at byte {offset}: expected {}, found {found} ({})", rule.expected(), rule.clause())
            }
        }
    }
}

impl std::error::Error for DecodeError {}
