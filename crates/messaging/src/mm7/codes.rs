//! What became of a request (3GPP TS 23.140 section 8.7.8.3).

use std::fmt;

/// A status code; the first digit tells the class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub u16);

/// The codes, with the words that go with them.
const TABLE: &[(u16, &str)] = &[
    (1000, "Success"),
    (1100, "Partial success"),
    (2000, "Client error"),
    (2001, "Operation restricted"),
    (2002, "Address error"),
    (2003, "Address not found"),
    (2004, "Multimedia content refused"),
    (2005, "Message ID not found"),
    (2006, "Linked ID not found"),
    (2007, "Message format corrupt"),
    (3000, "Server error"),
    (3001, "Not possible"),
    (3002, "Message rejected"),
    (3003, "Multiple addresses not supported"),
    (4000, "General service error"),
    (4001, "Improper identification"),
    (4002, "Unsupported version"),
    (4003, "Unsupported operation"),
    (4004, "Validation error"),
    (4005, "Service error"),
    (4006, "Service unavailable"),
    (4007, "Service denied"),
];

impl StatusCode {
    /// The request was executed.
    pub const SUCCESS: Self = Self(1000);
    /// It was executed for some of the recipients.
    pub const PARTIAL: Self = Self(1100);
    /// The sender is not permitted to ask for this.
    pub const RESTRICTED: Self = Self(2001);
    /// An address is none, or is nobody's.
    pub const ADDRESS: Self = Self(2002);
    /// The content is of a kind or a size that is not taken.
    pub const CONTENT_REFUSED: Self = Self(2004);
    /// There is no such message.
    pub const MESSAGE_NOT_FOUND: Self = Self(2005);
    /// The message that is answered is not known.
    pub const LINKED_NOT_FOUND: Self = Self(2006);
    /// The parts of the message cannot be read.
    pub const CORRUPT: Self = Self(2007);
    /// The server failed.
    pub const SERVER: Self = Self(3000);
    /// It is too late.
    pub const NOT_POSSIBLE: Self = Self(3001);
    /// The server does not take the message.
    pub const REJECTED: Self = Self(3002);
    /// The sender is not who he says.
    pub const IDENTIFICATION: Self = Self(4001);
    /// A version that is not spoken.
    pub const VERSION: Self = Self(4002);
    /// A request that is not served.
    pub const OPERATION: Self = Self(4003);
    /// The request does not fit the schema.
    pub const VALIDATION: Self = Self(4004);
    /// Later perhaps.
    pub const UNAVAILABLE: Self = Self(4006);

    /// The words that go with it.
    #[must_use]
    pub fn text(self) -> &'static str {
        let known = TABLE.iter().find(|(code, _)| *code == self.0);
        // A code that is not known counts as the general one of its class.
        let class = || TABLE.iter().find(|(code, _)| *code == self.0 / 1000 * 1000);
        known.or_else(class).map_or("Unknown", |(_, text)| text)
    }

    /// Whether the request was executed, if only in part.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 / 1000 == 1
    }

    /// Whether the same request may succeed at another time: the server's troubles pass, the client's do not.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(self.0, 3000 | 4000 | 4005 | 4006)
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.text())
    }
}

impl fmt::Debug for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_nobody_knows_has_the_words_of_its_class() {
        assert_eq!(StatusCode(1000).text(), "Success");
        assert_eq!(StatusCode(2777).text(), "Client error");
        assert_eq!(StatusCode(9).text(), "Unknown");
        assert!(StatusCode(1199).is_success() && !StatusCode(2000).is_success());
        assert!(StatusCode::UNAVAILABLE.may_pass() && !StatusCode::RESTRICTED.may_pass());
    }
}
