//! The message types and the values of one octet (MMS ENC): wire enumerations that keep values which are not known.

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $code:literal $item:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$item_doc])* $item,)*
            /// A value that is not known.
            Unknown(u8),
        }

        impl $name {
            /// Every known value.
            pub const ALL: &'static [Self] = &[$(Self::$item,)*];

            /// The value of an octet.
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

            /// Its name, if it is known.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self { $(Self::$item => Some($text),)* Self::Unknown(_) => None }
            }
        }

        /// The name, or the octet in hexadecimal.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "value {:02x}", self.code()),
                }
            }
        }
    };
}

wire_enum! {
    /// The types of messages.
    MessageType {
        /// A message is submitted.
        0x80 SendReq "m-send-req",
        /// The answer.
        0x81 SendConf "m-send-conf",
        /// A message waits to be fetched.
        0x82 NotificationInd "m-notification-ind",
        /// What the receiver does about it.
        0x83 NotifyRespInd "m-notifyresp-ind",
        /// The message that was fetched.
        0x84 RetrieveConf "m-retrieve-conf",
        /// It has arrived.
        0x85 AcknowledgeInd "m-acknowledge-ind",
        /// A report of delivery for the sender.
        0x86 DeliveryInd "m-delivery-ind",
        /// The receiver reports that a message was read.
        0x87 ReadRecInd "m-read-rec-ind",
        /// And the sender hears of it.
        0x88 ReadOrigInd "m-read-orig-ind",
        /// A message that was not fetched is to go to others.
        0x89 ForwardReq "m-forward-req",
        /// The answer.
        0x8a ForwardConf "m-forward-conf",
        /// A message is to be kept in the box.
        0x8b MboxStoreReq "m-mbox-store-req",
        /// The answer.
        0x8c MboxStoreConf "m-mbox-store-conf",
        /// What is in the box?
        0x8d MboxViewReq "m-mbox-view-req",
        /// The answer.
        0x8e MboxViewConf "m-mbox-view-conf",
        /// A message is put into the box.
        0x8f MboxUploadReq "m-mbox-upload-req",
        /// The answer.
        0x90 MboxUploadConf "m-mbox-upload-conf",
        /// Messages are removed from the box.
        0x91 MboxDeleteReq "m-mbox-delete-req",
        /// The answer.
        0x92 MboxDeleteConf "m-mbox-delete-conf",
        /// A message of the box, within other messages.
        0x93 MboxDescr "m-mbox-descr",
        /// Messages that were announced are removed.
        0x94 DeleteReq "m-delete-req",
        /// The answer.
        0x95 DeleteConf "m-delete-conf",
        /// A message that was delivered is taken back.
        0x96 CancelReq "m-cancel-req",
        /// The answer.
        0x97 CancelConf "m-cancel-conf",
    }
}

wire_enum! {
    /// Yes or no.
    YesNo {
        /// Yes.
        0x80 Yes "yes",
        /// No.
        0x81 No "no",
    }
}

impl From<bool> for YesNo {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

wire_enum! {
    /// Priority.
    Priority {
        /// Low.
        0x80 Low "low",
        /// Normal.
        0x81 Normal "normal",
        /// High.
        0x82 High "high",
    }
}

wire_enum! {
    /// Whether the sender's address is shown.
    SenderVisibility {
        /// It is not.
        0x80 Hide "hide",
        /// It is.
        0x81 Show "show",
    }
}

wire_enum! {
    /// What became of a message, or what its receiver does about it.
    Status {
        /// It expired.
        0x80 Expired "expired",
        /// It was fetched.
        0x81 Retrieved "retrieved",
        /// It was rejected.
        0x82 Rejected "rejected",
        /// It will be fetched later.
        0x83 Deferred "deferred",
        /// The message was not understood: for the management of versions alone.
        0x84 Unrecognised "unrecognised",
        /// It cannot be told.
        0x85 Indeterminate "indeterminate",
        /// It was given on.
        0x86 Forwarded "forwarded",
        /// The receiver cannot be reached.
        0x87 Unreachable "unreachable",
    }
}

wire_enum! {
    /// Whether a message was read.
    ReadStatus {
        /// It was.
        0x80 Read "read",
        /// It was deleted without.
        0x81 DeletedUnread "deleted without being read",
    }
}

wire_enum! {
    /// How much a terminal must be able to do for a message.
    ContentClass {
        /// Text alone.
        0x80 Text "text",
        /// Images of up to 30 kB.
        0x81 ImageBasic "image-basic",
        /// Images of up to 100 kB.
        0x82 ImageRich "image-rich",
        /// Video of up to 100 kB.
        0x83 VideoBasic "video-basic",
        /// Video of up to 300 kB.
        0x84 VideoRich "video-rich",
        /// Images of megapixels.
        0x85 Megapixel "megapixel",
        /// Content with digital rights.
        0x86 ContentBasic "content-basic",
        /// More of it.
        0x87 ContentRich "content-rich",
    }
}

wire_enum! {
    /// What became of a request to cancel.
    CancelStatus {
        /// It was received.
        0x80 Received "cancel request successfully received",
        /// It was corrupted.
        0x81 Corrupted "cancel request corrupted",
    }
}

wire_enum! {
    /// The state of a message in the box.
    MmState {
        /// A draft.
        0x80 Draft "draft",
        /// Sent.
        0x81 Sent "sent",
        /// New.
        0x82 New "new",
        /// Fetched.
        0x83 Retrieved "retrieved",
        /// Forwarded.
        0x84 Forwarded "forwarded",
    }
}

wire_enum! {
    /// What to do with a keyword of a message in the box.
    FlagAction {
        /// Add it.
        0x80 Add "add",
        /// Remove it.
        0x81 Remove "remove",
        /// Show what has it.
        0x82 Filter "filter",
    }
}

wire_enum! {
    /// Whether a reply is paid for.
    ReplyCharging {
        /// The sender will pay.
        0x80 Requested "requested",
        /// The sender will pay for text.
        0x81 RequestedTextOnly "requested text only",
        /// It is accepted.
        0x82 Accepted "accepted",
        /// It is accepted for text.
        0x83 AcceptedTextOnly "accepted text only",
    }
}

wire_enum! {
    /// How a message ought to be fetched.
    RetrievalMode {
        /// When the subscriber says so.
        0x80 Manual "manual",
    }
}

wire_enum! {
    /// What totals and quotas count.
    BoxUnit {
        /// Messages.
        0x80 Messages "messages",
        /// Octets.
        0x81 Octets "octets",
    }
}

wire_enum! {
    /// What became of a request.
    ResponseStatus {
        /// It was granted.
        0x80 Ok "ok",
        /// 1.0: unspecified.
        0x81 Unspecified "unspecified error",
        /// 1.0: service denied.
        0x82 ServiceDenied "service denied",
        /// 1.0: the message is corrupt.
        0x83 FormatCorrupt "message format corrupt",
        /// 1.0: an address is not known.
        0x84 AddressUnresolved "sending address unresolved",
        /// 1.0: there is no such message.
        0x85 MessageNotFound "message not found",
        /// 1.0: the network is at fault.
        0x86 NetworkProblem "network problem",
        /// 1.0: content of this kind is not taken.
        0x87 ContentNotAccepted "content not accepted",
        /// A message of this type or version is not taken.
        0x88 UnsupportedMessage "unsupported message",
        /// For now.
        0xc0 TransientFailure "transient failure",
        /// For now an address is not known.
        0xc1 TransientAddressUnresolved "transient: sending address unresolved",
        /// For now there is no such message.
        0xc2 TransientMessageNotFound "transient: message not found",
        /// For now the network is at fault.
        0xc3 TransientNetworkProblem "transient: network problem",
        /// It was done for some.
        0xc4 PartialSuccess "transient: partial success",
        /// For good.
        0xe0 PermanentFailure "permanent failure",
        /// Service denied.
        0xe1 PermanentServiceDenied "permanent: service denied",
        /// The message is corrupt.
        0xe2 PermanentFormatCorrupt "permanent: message format corrupt",
        /// An address is not known.
        0xe3 PermanentAddressUnresolved "permanent: sending address unresolved",
        /// There is no such message.
        0xe4 PermanentMessageNotFound "permanent: message not found",
        /// Content of this kind is not taken.
        0xe5 PermanentContentNotAccepted "permanent: content not accepted",
        /// The limits of the paid reply are not met.
        0xe6 ReplyChargingLimitsNotMet "permanent: reply charging limits not met",
        /// The reply is not paid for.
        0xe7 ReplyChargingNotAccepted "permanent: reply charging request not accepted",
        /// A message with a paid reply is not given on.
        0xe8 ReplyChargingForwardingDenied "permanent: reply charging forwarding denied",
        /// Replies are not paid for here.
        0xe9 ReplyChargingNotSupported "permanent: reply charging not supported",
        /// The sender cannot be hidden.
        0xea AddressHidingNotSupported "permanent: address hiding not supported",
        /// There is no money left.
        0xeb LackOfPrepaid "permanent: lack of prepaid",
    }
}

impl ResponseStatus {
    /// The same in the words of version 1.0, which has no codes from C0 on.
    #[must_use]
    pub const fn for_version_1_0(self) -> Self {
        match self {
            Self::PermanentServiceDenied | Self::LackOfPrepaid | Self::ServiceDenied => Self::ServiceDenied,
            Self::PermanentFormatCorrupt => Self::FormatCorrupt,
            Self::TransientAddressUnresolved | Self::PermanentAddressUnresolved => Self::AddressUnresolved,
            Self::TransientMessageNotFound | Self::PermanentMessageNotFound => Self::MessageNotFound,
            Self::TransientNetworkProblem => Self::NetworkProblem,
            Self::PermanentContentNotAccepted => Self::ContentNotAccepted,
            other if other.code() < 0xc0 => other,
            _ => Self::Unspecified,
        }
    }

    /// What a receiver makes of a code: those that it does not know mean failure, for now up to DF and for good from E0 on.
    #[must_use]
    pub const fn known(self) -> Self {
        match self {
            Self::Unknown(code) if code >= 0xc0 && code < 0xe0 => Self::TransientFailure,
            Self::Unknown(_) => Self::PermanentFailure,
            known => known,
        }
    }

    /// Whether the request was granted.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Whether to try again makes sense.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self.code(), 0xc0..=0xdf)
    }
}

wire_enum! {
    /// What became of a retrieval.
    RetrieveStatus {
        /// Here it is.
        0x80 Ok "ok",
        /// For now.
        0xc0 TransientFailure "transient failure",
        /// For now there is no such message.
        0xc1 TransientMessageNotFound "transient: message not found",
        /// For now the network is at fault.
        0xc2 TransientNetworkProblem "transient: network problem",
        /// For good.
        0xe0 PermanentFailure "permanent failure",
        /// Service denied.
        0xe1 PermanentServiceDenied "permanent: service denied",
        /// There is no such message.
        0xe2 PermanentMessageNotFound "permanent: message not found",
        /// The terminal could not show it.
        0xe3 PermanentContentUnsupported "permanent: content unsupported",
    }
}

impl RetrieveStatus {
    /// What a receiver makes of a code: those that it does not know mean failure, for now up to DF and for good from E0 on.
    #[must_use]
    pub const fn known(self) -> Self {
        match self {
            Self::Unknown(code) if code >= 0xc0 && code < 0xe0 => Self::TransientFailure,
            Self::Unknown(_) => Self::PermanentFailure,
            known => known,
        }
    }
}

wire_enum! {
    /// What became of a request to keep a message.
    StoreStatus {
        /// It is kept.
        0x80 Success "success",
        /// For now it is not.
        0xc0 TransientFailure "transient failure",
        /// For now the network is at fault.
        0xc1 TransientNetworkProblem "transient: network problem",
        /// For good.
        0xe0 PermanentFailure "permanent failure",
        /// Service denied.
        0xe1 PermanentServiceDenied "permanent: service denied",
        /// The message is corrupt.
        0xe2 PermanentFormatCorrupt "permanent: message format corrupt",
        /// There is no such message.
        0xe3 PermanentMessageNotFound "permanent: message not found",
        /// The box is full.
        0xe4 PermanentMmboxFull "permanent: mmbox full",
    }
}

impl StoreStatus {
    /// What a receiver makes of a code: those that it does not know mean failure, for now up to DF and for good from E0 on.
    #[must_use]
    pub const fn known(self) -> Self {
        match self {
            Self::Unknown(code) if code >= 0xc0 && code < 0xe0 => Self::TransientFailure,
            Self::Unknown(_) => Self::PermanentFailure,
            known => known,
        }
    }
}

/// The version of a message: three bits of major, four of minor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

impl Version {
    /// 1.0.
    pub const V1_0: Self = Self(0x90);
    /// 1.1.
    pub const V1_1: Self = Self(0x91);
    /// 1.2.
    pub const V1_2: Self = Self(0x92);
    /// 1.3.
    pub const V1_3: Self = Self(0x93);

    /// The version of an octet.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code | 0x80)
    }

    /// The octet.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The major version.
    #[must_use]
    pub const fn major(self) -> u8 {
        (self.0 & 0x7f) >> 4
    }

    /// The minor version; none when only the major one is given.
    #[must_use]
    pub const fn minor(self) -> Option<u8> {
        match self.0 & 0x0f {
            0x0f => None,
            minor => Some(minor),
        }
    }

    /// Whether messages of this version are read here: those of major version 1, of whatever minor one.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        self.major() == 1
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.minor() {
            Some(minor) => write!(f, "{}.{minor}", self.major()),
            None => write!(f, "{}", self.major()),
        }
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_a_major_and_a_minor_number() {
        assert_eq!((Version::V1_2.major(), Version::V1_2.minor()), (1, Some(2)));
        assert_eq!(Version::from_code(0x9f).to_string(), "1");
        assert!(Version::from_code(0x9e).is_supported());
        assert!(!Version::from_code(0xa0).is_supported());
    }

    #[test]
    fn a_code_that_is_not_known_means_failure_of_its_range() {
        assert_eq!(RetrieveStatus::from_code(0xdf).known(), RetrieveStatus::TransientFailure);
        assert_eq!(RetrieveStatus::from_code(0xff).known(), RetrieveStatus::PermanentFailure);
        assert_eq!(RetrieveStatus::from_code(0x90).known(), RetrieveStatus::PermanentFailure);
        assert_eq!(ResponseStatus::from_code(0xc7).known(), ResponseStatus::TransientFailure);
        assert_eq!(StoreStatus::from_code(0xe9).known(), StoreStatus::PermanentFailure);
        assert_eq!(ResponseStatus::from_code(0xc7).code(), 0xc7, "the octet is kept for the log");
    }

    #[test]
    fn a_peer_of_version_1_0_never_gets_a_code_that_it_does_not_know() {
        for code in 0x80..=0xff {
            let status = ResponseStatus::from_code(code);
            let old = status.for_version_1_0().code();
            assert!((0x80..0xc0).contains(&old), "{status} becomes {old:02x}");
            assert_eq!(old == 0x80, status.is_ok(), "{status}");
        }
    }

    #[test]
    fn every_octet_comes_back_from_its_value() {
        for code in 0x80..=0xff {
            assert_eq!(MessageType::from_code(code).code(), code);
            assert_eq!(Status::from_code(code).code(), code);
            assert_eq!(ResponseStatus::from_code(code).code(), code);
        }
    }
}
