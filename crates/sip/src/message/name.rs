//! Names of header fields, with their compact forms (RFC 3261 sections 7.3.3 and 20, and the extensions' own).

use std::borrow::Cow;
use std::fmt;

macro_rules! names {
    ($($name:ident = $text:literal $(, $compact:literal)?;)*) => {
        /// The name of a header field. Case and compact form do not matter; names that are not known are kept as they came.
        #[derive(Clone, Debug)]
        pub enum Name<'a> {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// Another one.
            Other(Cow<'a, str>),
        }

        impl<'a> Name<'a> {
            /// The names that are known, in the order of the table.
            pub const KNOWN: &'static [Name<'static>] = &[$(Name::$name,)*];

            /// The name in this token.
            #[must_use]
            pub fn new(text: &'a str) -> Self {
                if let [letter] = text.as_bytes() {
                    match letter.to_ascii_lowercase() {
                        $($($compact => return Self::$name,)?)*
                        _ => {}
                    }
                }
                // The length goes first: it leaves one or two candidates.
                $(if text.len() == $text.len() && text.eq_ignore_ascii_case($text) { return Self::$name; })*
                Self::Other(Cow::Borrowed(text))
            }

            /// The long form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// The same, owned.
            #[must_use]
            pub fn into_owned(self) -> Name<'static> {
                match self {
                    $(Self::$name => Name::$name,)*
                    Self::Other(text) => Name::Other(Cow::Owned(text.into_owned())),
                }
            }
        }
    };
}

names! {
    Via = "Via", b'v';
    From = "From", b'f';
    To = "To", b't';
    CallId = "Call-ID", b'i';
    CSeq = "CSeq";
    Contact = "Contact", b'm';
    MaxForwards = "Max-Forwards";
    ContentLength = "Content-Length", b'l';
    ContentType = "Content-Type", b'c';
    Route = "Route";
    RecordRoute = "Record-Route";
    Allow = "Allow";
    Supported = "Supported", b'k';
    Require = "Require";
    UserAgent = "User-Agent";
    Accept = "Accept";
    AcceptEncoding = "Accept-Encoding";
    AcceptLanguage = "Accept-Language";
    AlertInfo = "Alert-Info";
    AllowEvents = "Allow-Events", b'u';
    AuthenticationInfo = "Authentication-Info";
    Authorization = "Authorization";
    CallInfo = "Call-Info";
    ContentDisposition = "Content-Disposition";
    ContentEncoding = "Content-Encoding", b'e';
    ContentLanguage = "Content-Language";
    Date = "Date";
    Diversion = "Diversion";
    ErrorInfo = "Error-Info";
    Event = "Event", b'o';
    Expires = "Expires";
    FlowTimer = "Flow-Timer";
    HistoryInfo = "History-Info";
    Identity = "Identity", b'y';
    InReplyTo = "In-Reply-To";
    MimeVersion = "MIME-Version";
    MinExpires = "Min-Expires";
    MinSe = "Min-SE";
    Organization = "Organization";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    Path = "Path";
    Priority = "Priority";
    Privacy = "Privacy";
    ProxyAuthenticate = "Proxy-Authenticate";
    ProxyAuthorization = "Proxy-Authorization";
    ProxyRequire = "Proxy-Require";
    RAck = "RAck";
    Reason = "Reason";
    ReferSub = "Refer-Sub";
    ReferTo = "Refer-To", b'r';
    ReferredBy = "Referred-By", b'b';
    RemotePartyId = "Remote-Party-ID";
    Replaces = "Replaces";
    ReplyTo = "Reply-To";
    RetryAfter = "Retry-After";
    RSeq = "RSeq";
    Server = "Server";
    ServiceRoute = "Service-Route";
    SessionExpires = "Session-Expires", b'x';
    Subject = "Subject", b's';
    SubscriptionState = "Subscription-State";
    Timestamp = "Timestamp";
    Unsupported = "Unsupported";
    Warning = "Warning";
    WwwAuthenticate = "WWW-Authenticate";
}

impl Name<'_> {
    /// Whether a message has this field once at most, with one value (RFC 3261 section 7.3.1 and the grammar).
    #[must_use]
    pub const fn is_single(&self) -> bool {
        matches!(
            self,
            Self::From
                | Self::To
                | Self::CallId
                | Self::CSeq
                | Self::MaxForwards
                | Self::ContentLength
                | Self::ContentType
                | Self::ContentDisposition
                | Self::Event
                | Self::Expires
                | Self::MinExpires
                | Self::MinSe
                | Self::MimeVersion
                | Self::RAck
                | Self::RSeq
                | Self::ReferSub
                | Self::ReferTo
                | Self::ReferredBy
                | Self::Replaces
                | Self::RetryAfter
                | Self::SessionExpires
                | Self::SubscriptionState
        )
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Name<'_>) -> bool {
        match (self, other) {
            (Self::Other(own), Name::Other(theirs)) => own.eq_ignore_ascii_case(theirs),
            (Self::Other(_), _) | (_, Name::Other(_)) => false,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Eq for Name<'_> {}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
