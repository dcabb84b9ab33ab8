//! Methods (RFC 3261 section 7.1, with those of RFC 3262, 3265, 3311, 3428, 3515, 3903 and 6086).

use std::borrow::Cow;
use std::fmt;

use super::grammar::is_token;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A method. Methods are case-sensitive; those that are not known are kept.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method<'a> {
            $($(#[$doc])* $name,)*
            /// Another one: a token.
            Other(Cow<'a, str>),
        }

        impl<'a> Method<'a> {
            /// The methods that are known.
            pub const KNOWN: &'static [Method<'static>] = &[$(Method::$name,)*];

            /// The method with this name; none when it is not a token.
            #[must_use]
            pub fn new(text: &'a str) -> Option<Self> {
                Some(match text {
                    $($text => Self::$name,)*
                    _ if is_token(text) => Self::Other(Cow::Borrowed(text)),
                    _ => return None,
                })
            }

            /// Its name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// The same, owned.
            #[must_use]
            pub fn into_owned(self) -> Method<'static> {
                match self {
                    $(Self::$name => Method::$name,)*
                    Self::Other(text) => Method::Other(Cow::Owned(text.into_owned())),
                }
            }
        }
    };
}

methods! {
    /// Begins a session, or changes one (RFC 3261 sections 13 and 14).
    Invite = "INVITE";
    /// Acknowledges the final response to an INVITE (section 17.1.1.3).
    Ack = "ACK";
    /// Ends a session (section 15).
    Bye = "BYE";
    /// Takes back a request (section 9).
    Cancel = "CANCEL";
    /// Asks what a peer can do, and whether it is there (section 11).
    Options = "OPTIONS";
    /// Binds an address of record to contacts (section 10).
    Register = "REGISTER";
    /// Acknowledges a reliable provisional response (RFC 3262).
    Prack = "PRACK";
    /// Changes a session, also before it is answered (RFC 3311).
    Update = "UPDATE";
    /// Carries information within a session (RFC 6086).
    Info = "INFO";
    /// Asks the peer to send a request to somebody else (RFC 3515).
    Refer = "REFER";
    /// Asks for notifications (RFC 6665).
    Subscribe = "SUBSCRIBE";
    /// Notifies (RFC 6665).
    Notify = "NOTIFY";
    /// Publishes state (RFC 3903).
    Publish = "PUBLISH";
    /// Carries an instant message (RFC 3428).
    Message = "MESSAGE";
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
