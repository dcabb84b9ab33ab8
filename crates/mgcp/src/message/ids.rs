//! Identifiers: of transactions, calls, connections and notification requests (RFC 3435 sections 3.2.1.2,
//! 2.1.3.1, 2.1.3.2 and 3.2.2.18).

use std::fmt;

use super::caseless::Caseless;
use crate::scan::Class;

/// A transaction's identifier: 1 to 999 999 999, compared as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(u32);

impl TransactionId {
    /// The smallest.
    pub const MIN: Self = Self(1);

    /// The largest.
    pub const MAX: Self = Self(999_999_999);

    /// An identifier from its number, if it is in range.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number >= 1 && number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_hex_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && Class::HEX.holds_all(text)
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $view:ident, $(#[$buf_doc:meta])* $buf:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 32 hexadecimal digits, compared as a string without regard to case: `1` is not `01`.
        #[derive(Clone, Copy)]
        pub struct $view<'a>(&'a str);

        impl<'a> $view<'a> {
            /// Reads an identifier; none if it is not 1 to 32 hexadecimal digits.
            #[must_use]
            pub fn parse(text: &'a str) -> Option<Self> {
                is_hex_id(text).then_some(Self(text))
            }

            /// The identifier as it was written.
            #[must_use]
            pub const fn as_str(self) -> &'a str {
                self.0
            }

            /// An owned copy.
            #[must_use]
            pub fn to_buf(self) -> $buf {
                $buf(Caseless::from(self.0))
            }
        }

        impl PartialEq for $view<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(other.0)
            }
        }

        impl Eq for $view<'_> {}

        impl PartialEq<$buf> for $view<'_> {
            fn eq(&self, other: &$buf) -> bool {
                self.0.eq_ignore_ascii_case(other.0.as_str())
            }
        }

        impl fmt::Display for $view<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }

        impl fmt::Debug for $view<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }

        $(#[$buf_doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $buf(Caseless);

        impl $buf {
            /// An identifier of 128 bits, as 32 digits: from a random number it cannot be guessed.
            #[must_use]
            pub fn from_u128(number: u128) -> Self {
                Self(Caseless::from(hexadecimal(number)))
            }

            /// Reads an identifier; none if it is not 1 to 32 hexadecimal digits.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $view::parse(text).map($view::to_buf)
            }

            /// The borrowed form.
            #[must_use]
            pub fn as_view(&self) -> $view<'_> {
                $view(self.0.as_str())
            }

            /// The identifier as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl<'a> From<&'a $buf> for $view<'a> {
            fn from(owned: &'a $buf) -> Self {
                owned.as_view()
            }
        }

        impl PartialEq<$view<'_>> for $buf {
            fn eq(&self, other: &$view<'_>) -> bool {
                other == self
            }
        }

        impl fmt::Display for $buf {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0.as_str())
            }
        }

        impl fmt::Debug for $buf {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0.as_str())
            }
        }
    };
}

/// All 32 digits of a number.
fn hexadecimal(number: u128) -> String {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut text = [0; 32];
    for ([high, low], byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(number.to_be_bytes()) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 0xf));
    }
    std::str::from_utf8(&text).unwrap_or_default().to_owned()
}

hex_id! {
    /// The name of a call, given by the call agent to all connections of one call.
    CallId,
    /// An owned [`CallId`].
    CallIdBuf
}

hex_id! {
    /// The name of a connection, given by the gateway.
    ConnectionId,
    /// An owned [`ConnectionId`].
    ConnectionIdBuf
}

hex_id! {
    /// The name of a notification request, which its notifications carry.
    RequestId,
    /// An owned [`RequestId`].
    RequestIdBuf
}

impl RequestId<'static> {
    /// Reserved for persistent events before the first notification request.
    pub const ZERO: Self = Self("0");
}

impl RequestIdBuf {
    /// Whether it is the reserved `0` of persistent events before the first notification request.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.as_str() == "0"
    }
}
