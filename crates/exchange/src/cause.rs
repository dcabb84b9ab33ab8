//! Why a call ended: the cause values of ITU-T Q.850 (and Q.763, which shares them).
//!
//! A cause is seven bits on the wire of every protocol that carries one; here it is the only vocabulary in
//! which the call model, the tones, the records and the metrics speak of an end. The table holds the values
//! with the names of Q.850 section 2.2.7; a value outside it is kept and shown by its number.

use std::fmt;

/// A cause value of Q.850, 0 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(u8);

macro_rules! causes {
    ($($constant:ident = $value:literal, $name:literal;)+) => {
        impl Cause {
            $(#[doc = concat!(stringify!($value), ": ", $name, ".")]
            pub const $constant: Self = Self($value);)+
        }

        /// The table of Q.850, in its order.
        const NAMES: &[(u8, &str)] = &[$(($value, $name)),+];
    };
}

causes! {
    UNALLOCATED_NUMBER = 1, "unallocated (unassigned) number";
    NO_ROUTE_TO_TRANSIT_NETWORK = 2, "no route to specified transit network";
    NO_ROUTE_TO_DESTINATION = 3, "no route to destination";
    SPECIAL_INFORMATION_TONE = 4, "send special information tone";
    MISDIALLED_TRUNK_PREFIX = 5, "misdialled trunk prefix";
    CHANNEL_UNACCEPTABLE = 6, "channel unacceptable";
    CALL_AWARDED = 7, "call awarded and being delivered in an established channel";
    PREEMPTION = 8, "preemption";
    PREEMPTION_CIRCUIT_RESERVED = 9, "preemption, circuit reserved for reuse";
    NUMBER_PORTED = 14, "query on release: ported number";
    NORMAL_CLEARING = 16, "normal call clearing";
    USER_BUSY = 17, "user busy";
    NO_USER_RESPONDING = 18, "no user responding";
    NO_ANSWER = 19, "no answer from user (user alerted)";
    SUBSCRIBER_ABSENT = 20, "subscriber absent";
    CALL_REJECTED = 21, "call rejected";
    NUMBER_CHANGED = 22, "number changed";
    REDIRECTION = 23, "redirection to new destination";
    EXCHANGE_ROUTING_ERROR = 25, "exchange routing error";
    NON_SELECTED_USER_CLEARING = 26, "non-selected user clearing";
    DESTINATION_OUT_OF_ORDER = 27, "destination out of order";
    INVALID_NUMBER_FORMAT = 28, "invalid number format (address incomplete)";
    FACILITY_REJECTED = 29, "facility rejected";
    STATUS_ENQUIRY_RESPONSE = 30, "response to status enquiry";
    NORMAL_UNSPECIFIED = 31, "normal, unspecified";
    NO_CIRCUIT_AVAILABLE = 34, "no circuit/channel available";
    NETWORK_OUT_OF_ORDER = 38, "network out of order";
    PERMANENT_CONNECTION_OUT_OF_SERVICE = 39, "permanent frame mode connection out of service";
    PERMANENT_CONNECTION_OPERATIONAL = 40, "permanent frame mode connection operational";
    TEMPORARY_FAILURE = 41, "temporary failure";
    SWITCHING_EQUIPMENT_CONGESTION = 42, "switching equipment congestion";
    ACCESS_INFORMATION_DISCARDED = 43, "access information discarded";
    REQUESTED_CIRCUIT_NOT_AVAILABLE = 44, "requested circuit/channel not available";
    PRECEDENCE_CALL_BLOCKED = 46, "precedence call blocked";
    RESOURCE_UNAVAILABLE = 47, "resource unavailable, unspecified";
    QUALITY_OF_SERVICE_UNAVAILABLE = 49, "quality of service not available";
    FACILITY_NOT_SUBSCRIBED = 50, "requested facility not subscribed";
    OUTGOING_BARRED_IN_GROUP = 53, "outgoing calls barred within closed user group";
    INCOMING_BARRED_IN_GROUP = 55, "incoming calls barred within closed user group";
    BEARER_NOT_AUTHORIZED = 57, "bearer capability not authorized";
    BEARER_NOT_AVAILABLE = 58, "bearer capability not presently available";
    INCONSISTENT_ACCESS_INFORMATION = 62, "inconsistency in designated outgoing access information";
    SERVICE_UNAVAILABLE = 63, "service or option not available, unspecified";
    BEARER_NOT_IMPLEMENTED = 65, "bearer capability not implemented";
    CHANNEL_TYPE_NOT_IMPLEMENTED = 66, "channel type not implemented";
    FACILITY_NOT_IMPLEMENTED = 69, "requested facility not implemented";
    RESTRICTED_DIGITAL_ONLY = 70, "only restricted digital information bearer capability is available";
    SERVICE_NOT_IMPLEMENTED = 79, "service or option not implemented, unspecified";
    INVALID_CALL_REFERENCE = 81, "invalid call reference value";
    CHANNEL_DOES_NOT_EXIST = 82, "identified channel does not exist";
    NO_SUCH_SUSPENDED_CALL_IDENTITY = 83, "a suspended call exists, but this call identity does not";
    CALL_IDENTITY_IN_USE = 84, "call identity in use";
    NO_CALL_SUSPENDED = 85, "no call suspended";
    SUSPENDED_CALL_CLEARED = 86, "call having the requested call identity has been cleared";
    NOT_MEMBER_OF_GROUP = 87, "user not member of closed user group";
    INCOMPATIBLE_DESTINATION = 88, "incompatible destination";
    NON_EXISTENT_GROUP = 90, "non-existent closed user group";
    INVALID_TRANSIT_NETWORK = 91, "invalid transit network selection";
    INVALID_MESSAGE = 95, "invalid message, unspecified";
    MANDATORY_ELEMENT_MISSING = 96, "mandatory information element is missing";
    MESSAGE_TYPE_NOT_IMPLEMENTED = 97, "message type non-existent or not implemented";
    MESSAGE_NOT_COMPATIBLE = 98, "message not compatible with call state or message type not implemented";
    ELEMENT_NOT_IMPLEMENTED = 99, "information element or parameter non-existent or not implemented";
    INVALID_ELEMENT_CONTENTS = 100, "invalid information element contents";
    MESSAGE_NOT_COMPATIBLE_WITH_STATE = 101, "message not compatible with call state";
    RECOVERY_ON_TIMER_EXPIRY = 102, "recovery on timer expiry";
    PARAMETER_PASSED_ON = 103, "parameter non-existent or not implemented, passed on";
    MESSAGE_DISCARDED = 110, "message with unrecognized parameter, discarded";
    PROTOCOL_ERROR = 111, "protocol error, unspecified";
    INTERWORKING = 127, "interworking, unspecified";
}

impl Cause {
    /// The cause with this value; none above 127.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        if value <= 127 { Some(Self(value)) } else { None }
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The definition of Q.850; none for a value that it does not define.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let row = NAMES.binary_search_by_key(&self.0, |(value, _)| *value).ok()?;
        NAMES.get(row).map(|(_, name)| *name)
    }

    /// The class, which is what a receiver that does not know the value goes by (Q.850 section 2.2.5).
    #[must_use]
    pub const fn class(self) -> CauseClass {
        match self.0 {
            0..=31 => CauseClass::Normal,
            32..=47 => CauseClass::ResourceUnavailable,
            48..=63 => CauseClass::ServiceUnavailable,
            64..=79 => CauseClass::ServiceNotImplemented,
            80..=95 => CauseClass::InvalidMessage,
            96..=111 => CauseClass::ProtocolError,
            _ => CauseClass::Interworking,
        }
    }
}

/// `17 user busy`.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The class of a cause: its three upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CauseClass {
    /// 0 to 31: the call went as calls go.
    Normal,
    /// 32 to 47: something needed was not there.
    ResourceUnavailable,
    /// 48 to 63: the service cannot be had now, or not by this user.
    ServiceUnavailable,
    /// 64 to 79: the service does not exist here.
    ServiceNotImplemented,
    /// 80 to 95: a message made no sense.
    InvalidMessage,
    /// 96 to 111: a message broke the protocol.
    ProtocolError,
    /// 112 to 127: the reason was lost in another network.
    Interworking,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_it_can_be_searched() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (value, name) in NAMES {
            assert_eq!(Cause::new(*value).unwrap().name(), Some(*name));
        }
    }

    #[test]
    fn a_value_that_q850_does_not_define_keeps_its_number_and_class() {
        let cause = Cause::new(45).unwrap();
        assert_eq!(cause.name(), None);
        assert_eq!(cause.to_string(), "45");
        assert_eq!(cause.class(), CauseClass::ResourceUnavailable);
        assert_eq!(Cause::new(128), None);
    }

    #[test]
    fn a_cause_is_shown_with_its_name() {
        assert_eq!(Cause::USER_BUSY.to_string(), "17 user busy");
        assert_eq!(Cause::USER_BUSY.class(), CauseClass::Normal);
        assert_eq!(Cause::INTERWORKING.class(), CauseClass::Interworking);
    }
}
