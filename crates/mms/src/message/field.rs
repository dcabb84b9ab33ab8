//! The header fields of MMS: one table of codes, names, value syntax and the version that brought them, from which the typed
//! values, their reader and their writer come.

use std::fmt;

use super::codes::{
    CancelStatus, ContentClass, MessageType, MmState, Priority, ReadStatus, ReplyCharging, ResponseStatus,
    RetrievalMode, RetrieveStatus, SenderVisibility, Status, StoreStatus, Version, YesNo,
};
use super::syntax::{read, show, write};
use super::value::{
    BoxSize, Counted, ElementDescriptor, EncodedString, MessageClass, MmFlags, PreviousDate, PreviousSender,
    Sender, When,
};
use crate::error::Fault;
use crate::octets::{Reader, put_text};
use crate::text::Text;
use crate::wsp::content_type::ContentType;

macro_rules! fields {
    ($($(#[$doc:meta])* $code:literal $item:ident $name:literal $since:ident $kind:ident $type:ty;)*) => {
        /// The code of a header field.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FieldCode {
            $($(#[$doc])* $item,)*
            /// A code that is not known: C0 to FF.
            Unknown(u8),
        }

        impl FieldCode {
            /// Every known code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$item,)*];

            /// The code of an octet.
            #[must_use]
            #[inline]
            pub const fn from_code(code: u8) -> Self {
                match code { $($code => Self::$item,)* other => Self::Unknown(other) }
            }

            /// The octet.
            #[must_use]
            #[inline]
            pub const fn code(self) -> u8 {
                match self { $(Self::$item => $code,)* Self::Unknown(code) => code | 0x80 }
            }

            /// The name without `X-Mms-`, if it is known.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self { $(Self::$item => Some($name),)* Self::Unknown(_) => None }
            }

            /// The version that brought it.
            #[must_use]
            pub const fn since(self) -> Option<Version> {
                match self { $(Self::$item => Some(Version::$since),)* Self::Unknown(_) => None }
            }
        }

        /// A header field with its value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Field<'a> {
            $($(#[$doc])* $item($type),)*
            /// A field that is not known, with its value as it is on the wire.
            Unknown {
                /// The code.
                code: u8,
                /// The octets of a well-formed value.
                value: &'a [u8],
            },
            /// A header of an application, both name and value as text.
            Application {
                /// The name.
                name: Text<'a>,
                /// The value.
                value: Text<'a>,
            },
        }

        impl<'a> Field<'a> {
            /// The code; none of an application's header.
            #[must_use]
            pub const fn code(&self) -> Option<FieldCode> {
                match self {
                    $(Self::$item(_) => Some(FieldCode::$item),)*
                    Self::Unknown { code, .. } => Some(FieldCode::from_code(*code)),
                    Self::Application { .. } => None,
                }
            }

            /// The value of a field whose code was read.
            #[inline]
            pub(crate) fn read_value(code: u8, reader: &mut Reader<'a>) -> Result<Self, Fault> {
                match code {
                    $($code => Ok(Self::$item(read::$kind(reader)?)),)*
                    _ => Ok(Self::Unknown { code, value: reader.any_value()? }),
                }
            }

            /// Appends the field with its code or name.
            #[inline]
            pub fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$item(value) => {
                        out.push($code);
                        write::$kind(value, out);
                    })*
                    Self::Unknown { code, value } => {
                        out.push(code | 0x80);
                        out.extend_from_slice(value);
                    }
                    Self::Application { name, value } => {
                        put_text(name.as_bytes(), out);
                        put_text(value.as_bytes(), out);
                    }
                }
            }
        }

        /// The value as text that a person reads.
        impl fmt::Display for Field<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$item(value) => show::$kind(value, f),)*
                    Self::Unknown { value, .. } => show::raw(value, f),
                    Self::Application { value, .. } => fmt::Display::fmt(value, f),
                }
            }
        }
    };
}

fields! {
    /// A hidden recipient.
    0x81 Bcc "Bcc" V1_0 encoded EncodedString<'a>;
    /// A recipient of a copy.
    0x82 Cc "Cc" V1_0 encoded EncodedString<'a>;
    /// Where the message is.
    0x83 ContentLocation "Content-Location" V1_0 counted_text Counted<Text<'a>>;
    /// What the body is.
    0x84 ContentType "Content-Type" V1_0 content_type ContentType<'a>;
    /// When the message was sent, in seconds since 1970.
    0x85 Date "Date" V1_0 date u64;
    /// Whether a report of delivery is wanted.
    0x86 DeliveryReport "Delivery-Report" V1_0 token YesNo;
    /// When the message is to be delivered.
    0x87 DeliveryTime "Delivery-Time" V1_0 when When;
    /// When it expires.
    0x88 Expiry "Expiry" V1_0 when When;
    /// The sender.
    0x89 From "From" V1_0 sender Sender<'a>;
    /// The class.
    0x8a MessageClass "Message-Class" V1_0 class MessageClass<'a>;
    /// The identifier that the network gave the message.
    0x8b MessageId "Message-ID" V1_0 text Text<'a>;
    /// The type of the message.
    0x8c MessageType "Message-Type" V1_0 token MessageType;
    /// The version of MMS.
    0x8d MmsVersion "MMS-Version" V1_0 token Version;
    /// The size of the message in octets.
    0x8e MessageSize "Message-Size" V1_0 size u64;
    /// The priority.
    0x8f Priority "Priority" V1_0 token Priority;
    /// Whether a report of reading is wanted; Read-Reply in version 1.0.
    0x90 ReadReport "Read-Report" V1_0 token YesNo;
    /// Whether reports of delivery may be sent.
    0x91 ReportAllowed "Report-Allowed" V1_0 token YesNo;
    /// What became of the request.
    0x92 ResponseStatus "Response-Status" V1_0 counted_token Counted<ResponseStatus>;
    /// The same in words.
    0x93 ResponseText "Response-Text" V1_0 encoded EncodedString<'a>;
    /// Whether the sender's address is shown.
    0x94 SenderVisibility "Sender-Visibility" V1_0 token SenderVisibility;
    /// What became of the message.
    0x95 Status "Status" V1_0 token Status;
    /// The subject.
    0x96 Subject "Subject" V1_0 encoded EncodedString<'a>;
    /// A recipient.
    0x97 To "To" V1_0 encoded EncodedString<'a>;
    /// What a request and its answer have in common.
    0x98 TransactionId "Transaction-Id" V1_0 text Text<'a>;
    /// What became of the retrieval.
    0x99 RetrieveStatus "Retrieve-Status" V1_1 token RetrieveStatus;
    /// The same in words.
    0x9a RetrieveText "Retrieve-Text" V1_1 encoded EncodedString<'a>;
    /// Whether the message was read.
    0x9b ReadStatus "Read-Status" V1_1 token ReadStatus;
    /// Whether a reply is paid for.
    0x9c ReplyCharging "Reply-Charging" V1_1 token ReplyCharging;
    /// Until when.
    0x9d ReplyChargingDeadline "Reply-Charging-Deadline" V1_1 when When;
    /// For which message.
    0x9e ReplyChargingId "Reply-Charging-ID" V1_1 text Text<'a>;
    /// Up to which size.
    0x9f ReplyChargingSize "Reply-Charging-Size" V1_1 size u64;
    /// Who sent or forwarded the message before.
    0xa0 PreviouslySentBy "Previously-Sent-By" V1_1 previous_sender PreviousSender<'a>;
    /// And when.
    0xa1 PreviouslySentDate "Previously-Sent-Date" V1_1 previous_date PreviousDate;
    /// Whether the message is to be kept in the box.
    0xa2 Store "Store" V1_2 token YesNo;
    /// Its state there.
    0xa3 MmState "MM-State" V1_2 token MmState;
    /// Its keywords there.
    0xa4 MmFlags "MM-Flags" V1_2 flags MmFlags<'a>;
    /// What became of the request to keep it.
    0xa5 StoreStatus "Store-Status" V1_2 token StoreStatus;
    /// The same in words.
    0xa6 StoreStatusText "Store-Status-Text" V1_2 encoded EncodedString<'a>;
    /// Whether the message is in the box.
    0xa7 Stored "Stored" V1_2 token YesNo;
    /// A field that the view of the box is to show.
    0xa8 Attributes "Attributes" V1_2 token FieldCode;
    /// Whether totals are wanted.
    0xa9 Totals "Totals" V1_2 token YesNo;
    /// A total of the box.
    0xaa MboxTotals "Mbox-Totals" V1_2 box_size BoxSize;
    /// Whether quotas are wanted.
    0xab Quotas "Quotas" V1_2 token YesNo;
    /// A quota of the box.
    0xac MboxQuotas "Mbox-Quotas" V1_2 box_size BoxSize;
    /// How many messages there are.
    0xad MessageCount "Message-Count" V1_2 integer u64;
    /// The content of a message in the box, as it is on the wire.
    0xae Content "Content" V1_2 raw &'a [u8];
    /// With which message the view begins.
    0xaf Start "Start" V1_2 integer u64;
    /// Further headers of a message in the box, as they are on the wire.
    0xb0 AdditionalHeaders "Additional-Headers" V1_2 raw &'a [u8];
    /// Whether the message may be given on.
    0xb1 DistributionIndicator "Distribution-Indicator" V1_2 token YesNo;
    /// What a part of the message is.
    0xb2 ElementDescriptor "Element-Descriptor" V1_2 element ElementDescriptor<'a>;
    /// How many messages the view shows.
    0xb3 Limit "Limit" V1_2 integer u64;
    /// How the message ought to be fetched.
    0xb4 RecommendedRetrievalMode "Recommended-Retrieval-Mode" V1_3 token RetrievalMode;
    /// And why.
    0xb5 RecommendedRetrievalModeText "Recommended-Retrieval-Mode-Text" V1_3 encoded EncodedString<'a>;
    /// The status in words.
    0xb6 StatusText "Status-Text" V1_3 encoded EncodedString<'a>;
    /// The application that the message is for.
    0xb7 ApplicId "Applic-ID" V1_3 text Text<'a>;
    /// The application that an answer goes to.
    0xb8 ReplyApplicId "Reply-Applic-ID" V1_3 text Text<'a>;
    /// What the application needs besides.
    0xb9 AuxApplicInfo "Aux-Applic-Info" V1_3 text Text<'a>;
    /// What a terminal must be able to do.
    0xba ContentClass "Content-Class" V1_3 token ContentClass;
    /// Whether the content has digital rights.
    0xbb DrmContent "DRM-Content" V1_3 token YesNo;
    /// Whether the network may adapt the content.
    0xbc AdaptationAllowed "Adaptation-Allowed" V1_3 token YesNo;
    /// The message that this one replaces.
    0xbd ReplaceId "Replace-ID" V1_3 text Text<'a>;
    /// The message that is taken back.
    0xbe CancelId "Cancel-ID" V1_3 text Text<'a>;
    /// What became of that.
    0xbf CancelStatus "Cancel-Status" V1_3 token CancelStatus;
}

/// The name, or the octet in hexadecimal.
impl fmt::Display for FieldCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "header {:02x}", self.code()),
        }
    }
}

impl<'a> Field<'a> {
    /// The next field.
    #[inline]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        match reader.peek() {
            Some(code @ 0x80..) => {
                reader.skip(1);
                Self::read_value(code, reader)
            }
            Some(0x20..=0x7e) => {
                let name = Text::of(reader.text()?);
                Ok(Self::Application { name, value: Text::of(reader.text()?) })
            }
            _ => Err(Fault::at(reader.offset(), crate::error::Rule::HeaderName)),
        }
    }

    /// The name of the field for people.
    #[must_use]
    pub fn name(&self) -> std::borrow::Cow<'a, str> {
        match (self, self.code()) {
            (Self::Application { name, .. }, _) => name.to_str(),
            (_, Some(code)) => match code.name() {
                Some(name) => std::borrow::Cow::Borrowed(name),
                None => std::borrow::Cow::Owned(code.to_string()),
            },
            (_, None) => std::borrow::Cow::Borrowed(""),
        }
    }
}
