//! Return codes (RFC 3435 section 2.4), reason codes (section 2.5) and RFC 3661's categories.

use std::fmt;

/// What a call agent should make of a return code (RFC 3661 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// The command went well, or is under way.
    Normal,
    /// The code has a behaviour of its own: no general rule.
    Specific,
    /// The endpoint cannot serve until it restarts: take it out of hunting.
    ServiceFailure,
    /// Gateway and call agent are configured differently: tell the operator.
    ProvisioningMismatch,
    /// This call fails, the next may not.
    TemporaryFailure,
    /// Gateway and call agent disagree on the endpoint's state: audit, then ask again.
    StateMismatch,
    /// The remote session description is at fault.
    RemoteDescriptor,
}

macro_rules! return_codes {
    ($( $number:literal $name:ident $category:ident $text:literal; )*) => {
        impl ReturnCode {
            $(
                #[doc = concat!($text, " (", stringify!($number), ").")]
                pub const $name: Self = Self($number);
            )*

            /// Every return code that RFC 3435 defines, in its order.
            pub const ALL: &'static [Self] = &[$( Self($number) ),*];

            /// The code's meaning in a few words, which also serve as commentary; none of codes not defined.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $number => Some($text), )*
                    _ => None,
                }
            }

            const fn known_category(self) -> Option<Category> {
                match self.0 {
                    $( $number => Some(Category::$category), )*
                    _ => None,
                }
            }
        }
    };
}

/// A three-digit return code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReturnCode(u16);

return_codes! {
    0 RESPONSE_ACK Normal "Response acknowledged";
    100 IN_PROGRESS Normal "In progress";
    101 QUEUED Normal "Queued";
    200 OK Normal "OK";
    250 CONNECTION_DELETED Normal "Connection deleted";
    400 TRANSIENT TemporaryFailure "Transient error";
    401 OFF_HOOK StateMismatch "Already off-hook";
    402 ON_HOOK StateMismatch "Already on-hook";
    403 NO_RESOURCES_NOW TemporaryFailure "No resources at present";
    404 NO_BANDWIDTH_NOW TemporaryFailure "No bandwidth at present";
    405 RESTARTING TemporaryFailure "Restarting";
    406 TRANSACTION_TIMEOUT TemporaryFailure "Transaction timed out";
    407 ABORTED Specific "Aborted";
    409 OVERLOAD TemporaryFailure "Overload";
    410 NO_ENDPOINT_AVAILABLE Specific "No endpoint available";
    500 UNKNOWN_ENDPOINT ProvisioningMismatch "Unknown endpoint";
    501 NOT_READY ServiceFailure "Endpoint not ready";
    502 NO_RESOURCES ServiceFailure "Insufficient resources";
    503 ALL_OF_TOO_COMPLICATED ProvisioningMismatch "Wildcard too complicated";
    504 UNKNOWN_COMMAND ProvisioningMismatch "Unknown command";
    505 UNSUPPORTED_REMOTE_DESCRIPTOR RemoteDescriptor "Unsupported remote descriptor";
    506 OPTIONS_AND_DESCRIPTOR RemoteDescriptor "Options and remote descriptor exclude each other";
    507 UNSUPPORTED_FUNCTIONALITY ProvisioningMismatch "Unsupported functionality";
    508 QUARANTINE ProvisioningMismatch "Unsupported quarantine handling";
    509 REMOTE_DESCRIPTOR_ERROR RemoteDescriptor "Error in remote descriptor";
    510 PROTOCOL_ERROR ProvisioningMismatch "Protocol error";
    511 UNKNOWN_EXTENSION ProvisioningMismatch "Unrecognized extension";
    512 CANNOT_DETECT ProvisioningMismatch "Cannot detect event";
    513 CANNOT_SIGNAL ProvisioningMismatch "Cannot generate signal";
    514 CANNOT_ANNOUNCE ProvisioningMismatch "Cannot send announcement";
    515 CONNECTION_ID StateMismatch "Incorrect connection identifier";
    516 CALL_ID StateMismatch "Incorrect call identifier";
    517 MODE ProvisioningMismatch "Unsupported mode";
    518 PACKAGE ProvisioningMismatch "Unsupported package";
    519 NO_DIGIT_MAP StateMismatch "No digit map";
    520 RESTARTING_ENDPOINT ServiceFailure "Endpoint is restarting";
    521 REDIRECTED Specific "Redirected";
    522 NO_SUCH_EVENT ProvisioningMismatch "No such event or signal";
    523 ACTION ProvisioningMismatch "Unknown or illegal action";
    524 LOCAL_OPTIONS_INCONSISTENT ProvisioningMismatch "Inconsistent local connection options";
    525 LOCAL_OPTION_EXTENSION ProvisioningMismatch "Unknown local connection option extension";
    526 NO_BANDWIDTH ProvisioningMismatch "Insufficient bandwidth";
    527 NO_REMOTE_DESCRIPTOR RemoteDescriptor "Missing remote descriptor";
    528 VERSION ProvisioningMismatch "Incompatible protocol version";
    529 HARDWARE ServiceFailure "Hardware failure";
    530 CAS_PROTOCOL Specific "CAS signalling protocol error";
    531 FACILITY ServiceFailure "Facility failure";
    532 LOCAL_OPTION_VALUE ProvisioningMismatch "Unsupported local connection option value";
    533 RESPONSE_TOO_LARGE Specific "Response too large";
    534 CODEC_NEGOTIATION ProvisioningMismatch "Codec negotiation failed";
    535 PACKETIZATION Specific "Unsupported packetization period";
    536 RESTART_METHOD ProvisioningMismatch "Unknown restart method";
    537 DIGIT_MAP_LETTER ProvisioningMismatch "Unknown digit map extension";
    538 EVENT_PARAMETER ProvisioningMismatch "Event or signal parameter error";
    539 COMMAND_PARAMETER ProvisioningMismatch "Unsupported command parameter";
    540 CONNECTION_LIMIT StateMismatch "Connection limit reached";
    541 LOCAL_OPTION ProvisioningMismatch "Unsupported local connection option";
}

impl ReturnCode {
    /// A code that a package defines: 800 to 899. Numbers outside become the nearest of these.
    #[must_use]
    pub const fn of_package(number: u16) -> Self {
        match number {
            0..800 => Self(800),
            800..900 => Self(number),
            _ => Self(899),
        }
    }

    /// A code from its number; none above 999.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number <= 999 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether it acknowledges a response (0xx).
    #[must_use]
    pub const fn is_response_ack(self) -> bool {
        self.0 < 100
    }

    /// Whether the final response is still to come (1xx).
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        self.0 >= 100 && self.0 < 200
    }

    /// Whether the command was carried out (2xx).
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >= 200 && self.0 < 300
    }

    /// Whether the command failed.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >= 300
    }

    /// Whether a package defines the code (8xx), so that the package's name follows the transaction identifier.
    #[must_use]
    pub const fn is_package_specific(self) -> bool {
        self.0 >= 800 && self.0 < 900
    }

    /// What an unknown code counts as (RFC 3435 section 2.4): 0xx as 000, 1xx as 100, 2xx as 200, 3xx as 521,
    /// 4xx as 400, all others as 510. A known code is itself.
    #[must_use]
    pub const fn fold_unknown(self) -> Self {
        if self.name().is_some() {
            return self;
        }
        match self.0 / 100 {
            0 => Self::RESPONSE_ACK,
            1 => Self::IN_PROGRESS,
            2 => Self::OK,
            3 => Self::REDIRECTED,
            4 => Self::TRANSIENT,
            _ => Self::PROTOCOL_ERROR,
        }
    }

    /// RFC 3661's category, of the code it folds to when it is unknown. The RFC's summary table and its text
    /// disagree on 405 and 510; the text counts.
    #[must_use]
    pub const fn category(self) -> Category {
        match self.fold_unknown().known_category() {
            Some(category) => category,
            None => Category::Specific,
        }
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl fmt::Debug for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {}", self.0, self.name().unwrap_or("unknown"))
    }
}

/// A three-digit reason code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonCode(u16);

impl ReasonCode {
    /// The endpoint is in its normal state: only as an answer to an audit.
    pub const NORMAL: Self = Self(0);
    /// The endpoint malfunctions.
    pub const MALFUNCTIONING: Self = Self(900);
    /// The endpoint was taken out of service.
    pub const OUT_OF_SERVICE: Self = Self(901);
    /// Lower-layer connectivity was lost.
    pub const LOWER_LAYER: Self = Self(902);
    /// The reservation of resources was lost.
    pub const RESERVATION_LOST: Self = Self(903);
    /// Someone intervened by hand.
    pub const MANUAL: Self = Self(904);
    /// A facility failed, such as a DS0.
    pub const FACILITY: Self = Self(905);

    /// A code from its number; none above 999.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number <= 999 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The code's meaning; none of codes that RFC 3435 does not define.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "Normal",
            900 => "Endpoint malfunctioning",
            901 => "Endpoint taken out of service",
            902 => "Loss of lower layer connectivity",
            903 => "QoS resource reservation was lost",
            904 => "Manual intervention",
            905 => "Facility failure",
            _ => return None,
        })
    }

    /// Whether a package defines the code (8xx).
    #[must_use]
    pub const fn is_package_specific(self) -> bool {
        self.0 >= 800 && self.0 < 900
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl fmt::Debug for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {}", self.0, self.name().unwrap_or("unknown"))
    }
}
