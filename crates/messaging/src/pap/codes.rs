//! Status codes of PAP (WAP-247 section 9.13): the first digit is the class.

use std::fmt;

/// A code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u16);

macro_rules! codes {
    ($($(#[doc = $help:literal])+ $name:ident = $code:literal, $text:literal;)+) => {
        impl Code {
            $($(#[doc = $help])+ pub const $name: Self = Self($code);)+
        }

        /// Code and words, in the order of the numbers.
        pub const CODES: &[(Code, &str)] = &[$((Code::$name, $text),)+];
    };
}

codes! {
    /// Done.
    OK = 1000, "OK";
    /// Taken over for delivery.
    ACCEPTED = 1001, "Accepted for Processing";
    /// Cannot be understood.
    BAD_REQUEST = 2000, "Bad Request";
    /// Not allowed.
    FORBIDDEN = 2001, "Forbidden";
    /// The address is none.
    ADDRESS_ERROR = 2002, "Address Error";
    /// The address is nobody's.
    ADDRESS_NOT_FOUND = 2003, "Address Not Found";
    /// No push with this identifier.
    PUSH_ID_NOT_FOUND = 2004, "Push ID Not Found";
    /// The client cannot do what was assumed.
    CAPABILITIES_MISMATCH = 2005, "Capabilities Mismatch";
    /// The client cannot do what was demanded.
    CAPABILITIES_NOT_SUPPORTED = 2006, "Required Capabilities Not Supported";
    /// The identifier was used before.
    DUPLICATE_PUSH_ID = 2007, "Duplicate Push ID";
    /// It has left, or has ended.
    CANCELLATION_NOT_POSSIBLE = 2008, "Cancellation Not Possible";
    /// A fault of the gateway.
    INTERNAL_ERROR = 3000, "Internal Server Error";
    /// The gateway does not do this.
    NOT_IMPLEMENTED = 3001, "Not Implemented";
    /// Another version.
    VERSION_NOT_SUPPORTED = 3002, "Version Not Supported";
    /// It cannot be done.
    NOT_POSSIBLE = 3003, "Not Possible";
    /// Capabilities are not compared.
    CAPABILITY_MATCHING_NOT_SUPPORTED = 3004, "Capability Matching Not Supported";
    /// One address only.
    MULTIPLE_ADDRESSES_NOT_SUPPORTED = 3005, "Multiple Addresses Not Supported";
    /// The content cannot be brought into the form of the air.
    TRANSFORMATION_FAILURE = 3006, "Transformation Failure";
    /// The delivery method that was demanded cannot be had.
    DELIVERY_METHOD_NOT_POSSIBLE = 3007, "Specified Delivery Method Not Possible";
    /// Nothing is known of the client.
    CAPABILITIES_NOT_AVAILABLE = 3008, "Capabilities Not Available";
    /// The network that was demanded cannot be had.
    NETWORK_NOT_AVAILABLE = 3009, "Required Network Not Available";
    /// The bearer that was demanded cannot be had.
    BEARER_NOT_AVAILABLE = 3010, "Required Bearer Not Available";
    /// A push cannot be replaced by another.
    REPLACEMENT_NOT_SUPPORTED = 3011, "Replacement Not Supported";
    /// It could not be delivered.
    SERVICE_FAILURE = 4000, "Service Failure";
    /// Not now.
    SERVICE_UNAVAILABLE = 4001, "Service Unavailable";
    /// The client broke it off.
    CLIENT_ABORTED = 5000, "Mobile Client Aborted";
    /// The client wants no push now.
    USER_PENDING_ABORT = 5028, "User Pending Abort";
}

impl Code {
    /// Its words.
    #[must_use]
    pub fn text(self) -> &'static str {
        CODES.iter().find(|(code, _)| *code == self).map_or("Unknown", |(_, text)| text)
    }

    /// Whether it was done, or taken over.
    #[must_use]
    pub const fn is_good(self) -> bool {
        self.0 / 1000 == 1
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.text())
    }
}
