//! The error codes (RFC 3015 section 7.3, and those that packages and later versions brought).

use std::fmt;

macro_rules! codes {
    ($($name:ident = $code:literal, $text:literal;)+) => {
        impl ErrorCode {
            $(
                #[doc = concat!($text, ".")]
                pub const $name: Self = Self($code);
            )+

            /// The text of the standard.
            #[must_use]
            pub const fn text(self) -> Option<&'static str> {
                match self.0 { $($code => Some($text),)+ _ => None }
            }

            /// All codes that have a text.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

/// An error code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(u16);

impl ErrorCode {
    /// A code as it came; text has up to four digits.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{} {text}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

codes! {
    BAD_REQUEST = 400, "Bad request";
    PROTOCOL_ERROR = 401, "Protocol error";
    UNAUTHORISED = 402, "Unauthorized";
    SYNTAX_TRANSACTION = 403, "Syntax error in transaction request";
    VERSION_NOT_SUPPORTED = 406, "Version not supported";
    INCORRECT_IDENTIFIER = 410, "Incorrect identifier";
    UNKNOWN_CONTEXT = 411, "The transaction refers to an unknown ContextID";
    NO_CONTEXT_ID = 412, "No ContextIDs available";
    TOO_MANY_TRANSACTIONS = 413, "Number of transactions in message exceeds maximum";
    UNKNOWN_ACTION = 421, "Unknown action or illegal combination of actions";
    SYNTAX_ACTION = 422, "Syntax error in action";
    UNKNOWN_TERMINATION = 430, "Unknown TerminationID";
    NO_MATCH = 431, "No TerminationID matched a wildcard";
    NO_TERMINATION_ID = 432, "Out of TerminationIDs or no TerminationID available";
    ALREADY_IN_CONTEXT = 433, "TerminationID is already in a context";
    CONTEXT_FULL = 434, "Max number of terminations in a context exceeded";
    NOT_IN_CONTEXT = 435, "TerminationID is not in specified context";
    UNKNOWN_PACKAGE = 440, "Unsupported or unknown package";
    MISSING_REMOTE = 441, "Missing Remote or Local descriptor";
    SYNTAX_COMMAND = 442, "Syntax error in command";
    UNKNOWN_COMMAND = 443, "Unsupported or unknown command";
    UNKNOWN_DESCRIPTOR = 444, "Unsupported or unknown descriptor";
    UNKNOWN_PROPERTY = 445, "Unsupported or unknown property";
    UNKNOWN_PARAMETER = 446, "Unsupported or unknown parameter";
    DESCRIPTOR_ILLEGAL = 447, "Descriptor not legal in this command";
    DESCRIPTOR_TWICE = 448, "Descriptor appears twice in a command";
    UNKNOWN_VALUE = 449, "Unsupported or unknown parameter or property value";
    NO_PROPERTY = 450, "No such property in this package";
    NO_EVENT = 451, "No such event in this package";
    NO_SIGNAL = 452, "No such signal in this package";
    NO_STATISTIC = 453, "No such statistic in this package";
    NO_PARAMETER_VALUE = 454, "No such parameter value in this package";
    PROPERTY_ILLEGAL = 455, "Property illegal in this descriptor";
    PARAMETER_TWICE = 456, "Parameter or property appears twice in this descriptor";
    MISSING_PARAMETER = 457, "Missing parameter in signal or event";
    UNEXPECTED_REQUEST = 458, "Unexpected event or request ID";
    SEGMENTS_MISSING = 459, "Segments not received";
    STATISTIC_STREAM = 460, "Unable to set statistic on stream";
    MULTIPLEX_FAILURE = 471, "Implied Add for multiplex failure";
    INTERNAL = 500, "Internal gateway error";
    NOT_IMPLEMENTED = 501, "Not implemented";
    NOT_READY = 502, "Not ready";
    SERVICE_UNAVAILABLE = 503, "Service unavailable";
    UNAUTHORISED_ENTITY = 504, "Command received from unauthorized entity";
    BEFORE_SERVICE_CHANGE = 505, "Transaction request received before a ServiceChange reply has been received";
    TOO_MANY_PENDING = 506, "Number of TransactionPending exceeded";
    INSUFFICIENT_RESOURCES = 510, "Insufficient resources";
    NO_EVENT_EQUIPMENT = 512, "Media gateway unequipped to detect requested event";
    NO_SIGNAL_EQUIPMENT = 513, "Media gateway unequipped to generate requested signals";
    NO_ANNOUNCEMENT = 514, "Media gateway cannot send the specified announcement";
    UNSUPPORTED_MEDIA = 515, "Unsupported media type";
    INVALID_MODE = 517, "Unsupported or invalid mode";
    EVENT_BUFFER_FULL = 518, "Event buffer full";
    NO_DIGIT_MAP_SPACE = 519, "Out of space to store digit map";
    NO_DIGIT_MAP = 520, "Media gateway does not have a digit map";
    SERVICE_CHANGING = 521, "Termination is ServiceChanging";
    TOPOLOGY_UNSUPPORTED = 522, "Functionality requested in topology triple not supported";
    INSUFFICIENT_BANDWIDTH = 526, "Insufficient bandwidth";
    HARDWARE_FAILURE = 529, "Internal hardware failure in media gateway";
    TEMPORARY_NETWORK_FAILURE = 530, "Temporary network failure";
    PERMANENT_NETWORK_FAILURE = 531, "Permanent network failure";
    AUDITED_MISSING = 532, "Audited property, statistic, event or signal does not exist";
    RESPONSE_TOO_LONG = 533, "Response exceeds maximum transport PDU size";
    READ_ONLY = 534, "Illegal write of read-only property";
    HOOK_STATE = 540, "Unexpected initial hook state";
    COMMAND_ILLEGAL = 542, "Command is not allowed on this termination";
    DOES_NOT_EXIST = 581, "Does not exist";
}
