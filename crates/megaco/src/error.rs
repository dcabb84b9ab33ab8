//! What was wrong with a message, where, by which clause, and the error code that says so to the peer (RFC 3525 sections
//! 7.3 and 8.2.2).

use std::fmt;

use crate::message::TransactionId;

mod code;

pub use code::ErrorCode;

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident: $expected:literal, $clause:literal, $code:ident;)+) => {
        /// A rule of the protocol that a message broke.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What the rule demands, for people.
            #[must_use]
            pub const fn expected(self) -> &'static str {
                match self { $(Self::$name => $expected,)+ }
            }

            /// Where the rule is written; limits of our own have no clause.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause,)+ }
            }

            /// The code that says so to the peer, without regard to where in the message it was.
            #[must_use]
            pub const fn code(self) -> ErrorCode {
                match self { $(Self::$name => ErrorCode::$code,)+ }
            }
        }
    };
}

rules! {
    /// The message is longer than the limit.
    MessageLength: "a message within the length limit", "a limit of this implementation", BAD_REQUEST;
    /// More items than the limit.
    ItemCount: "fewer items in one message", "a limit of this implementation", BAD_REQUEST;
    /// Deeper than the limit.
    Depth: "less nesting", "a limit of this implementation", BAD_REQUEST;
    /// The message ends too early.
    Ends: "more of the message", "RFC 3525 Annex B.2", SYNTAX_COMMAND;
    /// Something stands behind the end.
    Trailing: "the end of the message", "RFC 3525 Annex B.2, message", BAD_REQUEST;
    /// `MEGACO/version` or `!/version`.
    Start: "MEGACO or ! and a version", "RFC 3525 Annex B.2, message", BAD_REQUEST;
    /// Version.
    Version: "a version of one or two digits", "RFC 3525 Annex B.2, Version", VERSION_NOT_SUPPORTED;
    /// authenticationHeader.
    Authentication: "an authentication header: index, sequence number and 12 to 32 octets of data", "RFC 3525 section 10.2", BAD_REQUEST;
    /// SEP.
    Separator: "white space or a comment", "RFC 3525 Annex B.2, SEP", BAD_REQUEST;
    /// mId.
    Mid: "a message identifier: [address], <domain>, MTP{..} or a device name", "RFC 3525 Annex B.2, mId", BAD_REQUEST;
    /// transactionList.
    Transaction: "a transaction, reply, pending or acknowledgement", "RFC 3525 Annex B.2, transactionList", SYNTAX_TRANSACTION;
    /// TransactionID.
    TransactionId: "a transaction's number from 1 to 4294967295", "RFC 3525 Annex B.2, TransactionID", SYNTAX_TRANSACTION;
    /// transactionAck.
    Acknowledgement: "a transaction's number, or two with a hyphen, the lower first", "RFC 3525 Annex B.2, transactionAck", SYNTAX_TRANSACTION;
    /// The segment of a reply.
    Segment: "a transaction's number, / and a segment's number from 1 on, and /END behind the last", "H.248.1 version 3, segmentReply", SYNTAX_TRANSACTION;
    /// actionRequest and actionReply.
    Action: "Context = and a context", "RFC 3525 Annex B.2, actionRequest", SYNTAX_ACTION;
    /// ContextID.
    ContextId: "a context's number, -, $ or *", "RFC 3525 Annex B.2, ContextID", SYNTAX_ACTION;
    /// contextProperty and contextAuditProperties.
    ContextProperty: "an attribute of a context", "RFC 3525 Annex B.2, contextProperty", SYNTAX_ACTION;
    /// priority.
    Priority: "a priority from 0 to 15", "RFC 3525 Annex A.2, ContextRequest", SYNTAX_ACTION;
    /// topologyTriple.
    Topology: "two terminations and a direction", "RFC 3525 Annex B.2, topologyTriple", SYNTAX_ACTION;
    /// An action without anything in it.
    EmptyAction: "an attribute, an audit or a command", "RFC 3525 Annex B.2, actionRequest", SYNTAX_ACTION;
    /// commandRequest and commandReply.
    Command: "one of the eight commands", "RFC 3525 Annex B.2, commandRequest", UNKNOWN_COMMAND;
    /// TerminationID.
    TerminationId: "a termination: ROOT, *, $ or a name of up to 64 characters", "RFC 3525 Annex B.2, TerminationID", SYNTAX_COMMAND;
    /// The identifier of a termination, its wildcards, or the plan for its name.
    TerminationPlan: "a termination identifier of 1 to 8 octets with wildcards that fit its levels", "RFC 3525 Annex A.1", INCORRECT_IDENTIFIER;
    /// `=`.
    Equal: "=", "RFC 3525 Annex B.2, EQUAL", SYNTAX_COMMAND;
    /// `{`.
    LeftBrace: "{", "RFC 3525 Annex B.2, LBRKT", SYNTAX_COMMAND;
    /// `}` or `,`.
    RightBrace: ", or }", "RFC 3525 Annex B.2, RBRKT", SYNTAX_COMMAND;
    /// `]` or `,`.
    RightBracket: ", or ]", "RFC 3525 Annex B.2, RSBRKT", SYNTAX_COMMAND;
    /// An item behind a comma, or within braces.
    Item: "an item", "RFC 3525 Annex B.2, COMMA", SYNTAX_COMMAND;
    /// A descriptor that there is not.
    Descriptor: "a descriptor that this command has", "RFC 3525 Annex B.2, ammParameter", UNKNOWN_DESCRIPTOR;
    /// A descriptor twice.
    DescriptorTwice: "each descriptor once", "RFC 3525 Annex B.2, ammParameter", DESCRIPTOR_TWICE;
    /// The descriptor that the command must have.
    DescriptorMissing: "the descriptor that this command must have", "RFC 3525 section 7.2", SYNTAX_COMMAND;
    /// A parameter twice.
    ParameterTwice: "each parameter once", "RFC 3525 Annex B.2, at-most-once", PARAMETER_TWICE;
    /// mediaParm.
    Media: "streams, or a local control, local and remote descriptor, and one termination state", "RFC 3525 Annex B.2, mediaParm", SYNTAX_COMMAND;
    /// StreamID.
    StreamId: "a stream's number from 0 to 65535", "RFC 3525 Annex B.2, StreamID", SYNTAX_COMMAND;
    /// localParm.
    LocalControl: "Mode, ReservedValue, ReservedGroup or a property", "RFC 3525 Annex B.2, localParm", SYNTAX_COMMAND;
    /// streamModes.
    StreamMode: "SendOnly, ReceiveOnly, SendReceive, Inactive or Loopback", "RFC 3525 Annex B.2, streamModes", INVALID_MODE;
    /// ON or OFF.
    OnOff: "ON or OFF", "RFC 3525 Annex B.2, reservedValueMode", SYNTAX_COMMAND;
    /// octetString.
    Description: "a session description up to an unescaped }, without octets of zero", "RFC 3525 Annex B.2, octetString", SYNTAX_COMMAND;
    /// terminationStateParm.
    TerminationState: "ServiceStates, Buffer or a property", "RFC 3525 Annex B.2, terminationStateParm", SYNTAX_COMMAND;
    /// pkgdName.
    ItemName: "a package and an item, or * for all items", "RFC 3525 Annex B.2, pkgdName", SYNTAX_COMMAND;
    /// NAME.
    Name: "a name: a letter and up to 63 letters, digits and _", "RFC 3525 Annex B.2, NAME", SYNTAX_COMMAND;
    /// parmValue.
    Setting: "= or a relation, and a value, a list or a range", "RFC 3525 Annex B.2, parmValue", SYNTAX_COMMAND;
    /// VALUE.
    Value: "a word or text in quotes", "RFC 3525 Annex B.2, VALUE", SYNTAX_COMMAND;
    /// quotedString.
    Quote: "text that ends with a quote", "RFC 3525 Annex B.2, quotedString", SYNTAX_COMMAND;
    /// UINT16.
    Number16: "a number from 0 to 65535", "RFC 3525 Annex B.2, UINT16", SYNTAX_COMMAND;
    /// UINT32.
    Number32: "a number from 0 to 4294967295", "RFC 3525 Annex B.2, UINT32", SYNTAX_COMMAND;
    /// RequestID.
    RequestId: "a request's number or *", "RFC 3525 Annex B.2, RequestID", SYNTAX_COMMAND;
    /// requestedEvent and eventParameter.
    Event: "a parameter of an event", "RFC 3525 Annex B.2, eventParameter", SYNTAX_COMMAND;
    /// Events without a request identifier.
    RequestMissing: "a request's number, since there are events", "RFC 3525 section 7.1.9", SYNTAX_COMMAND;
    /// KeepActive and embedded signals.
    KeepActive: "either KeepActive or embedded signals", "RFC 3525 section 7.1.9", SYNTAX_COMMAND;
    /// embedFirst and embedSig.
    Embed: "signals, events or both", "RFC 3525 Annex B.2, embedWithSig", SYNTAX_COMMAND;
    /// signalParm and sigParameter.
    Signal: "a parameter of a signal", "RFC 3525 Annex B.2, sigParameter", SYNTAX_COMMAND;
    /// notificationReason.
    Completion: "TimeOut, IntByEvent, IntBySigDescr or OtherReason", "RFC 3525 Annex B.2, notificationReason", SYNTAX_COMMAND;
    /// TimeStamp.
    TimeStamp: "a time, yyyymmddThhmmssss", "RFC 3525 Annex B.2, TimeStamp", SYNTAX_COMMAND;
    /// digitMapDescriptor.
    DigitMap: "a digit map's name, the map in braces, or both", "RFC 3525 Annex B.2, digitMapDescriptor", SYNTAX_COMMAND;
    /// Timer.
    Timer: "a timer of one or two digits", "RFC 3525 Annex B.2, Timer", SYNTAX_COMMAND;
    /// modemType.
    Modem: "a modem's type, or several in brackets", "RFC 3525 Annex B.2, modemType", SYNTAX_COMMAND;
    /// MuxType.
    Mux: "H221, H223, H226, V76 or an extension", "RFC 3525 Annex B.2, MuxType", SYNTAX_COMMAND;
    /// auditItem.
    Audit: "a descriptor, or a part of one", "RFC 3525 Annex B.2, auditItem", SYNTAX_COMMAND;
    /// serviceChangeParm.
    ServiceChange: "a parameter of a service change", "RFC 3525 Annex B.2, serviceChangeParm", SYNTAX_COMMAND;
    /// serviceChangeMethod.
    Method: "Failover, Forced, Graceful, Restart, Disconnected, HandOff or an extension", "RFC 3525 Annex B.2, serviceChangeMethod", SYNTAX_COMMAND;
    /// serviceChangeMethod and serviceChangeReason are REQUIRED.
    MethodMissing: "a method and a reason", "RFC 3525 Annex B.2, serviceChangeDescriptor", SYNTAX_COMMAND;
    /// serviceChangeAddress and serviceChangeMgcId.
    Target: "either ServiceChangeAddress or MgcIdToTry", "RFC 3525 section 7.2.8", SYNTAX_COMMAND;
    /// serviceChangeProfile.
    Profile: "a name, / and a version", "RFC 3525 Annex B.2, serviceChangeProfile", SYNTAX_COMMAND;
    /// packagesItem.
    Packages: "a package's name, a hyphen and its version", "RFC 3525 Annex B.2, packagesItem", SYNTAX_COMMAND;
    /// statisticsParameter.
    Statistics: "a statistic and its value", "RFC 3525 Annex B.2, statisticsParameter", SYNTAX_COMMAND;
    /// errorDescriptor.
    Error: "Error = a code of one to four digits { text in quotes, or nothing }", "RFC 3525 Annex B.2, errorDescriptor", SYNTAX_COMMAND;
    /// extensionParameter.
    Extension: "X- or X+ and up to six letters or digits", "RFC 3525 Annex B.2, extensionParameter", SYNTAX_COMMAND;
    /// A tag or length that is not BER.
    Ber: "an identifier octet and a length within what contains it", "X.690 section 8.1", SYNTAX_COMMAND;
    /// The type of an element.
    BerType: "an element of the type that Annex A prints here", "RFC 3525 Annex A.2", SYNTAX_COMMAND;
    /// The members of a sequence.
    BerMember: "the members that Annex A prints here, in their order", "RFC 3525 Annex A.2", SYNTAX_COMMAND;
    /// A value out of its range.
    BerRange: "a value within the range that Annex A prints here", "RFC 3525 Annex A.2", SYNTAX_COMMAND;
    /// Characters of a string.
    BerText: "text of the characters that the type has", "RFC 3525 Annex A.2", SYNTAX_COMMAND;
}

/// Where in the message's structure something is: what an answer can be about (RFC 3525 section 8.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The message as a whole.
    #[default]
    Message,
    /// A transaction.
    Transaction,
    /// An action.
    Action,
    /// A command.
    Command,
}

/// A short excerpt of what stood where a rule was broken.
pub type Found = strowger_sansio::Excerpt<24>;

/// A message that is not Megaco, or not legal Megaco.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// How many bytes are at fault; 0 when something is missing.
    pub length: usize,
    /// What stood there.
    pub found: Found,
    /// The rule that it broke.
    pub rule: Rule,
    /// What an answer is about.
    pub scope: Scope,
    /// The transaction, where it could be read.
    pub transaction: Option<TransactionId>,
    /// Whether it is a request that is at fault: nothing else is answered.
    pub is_request: bool,
}

impl DecodeError {
    /// The code of the answer: by where the fault is, unless the rule has a code that says more (RFC 3525 section 8.2.2).
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        let code = self.rule.code();
        match self.scope {
            Scope::Message if code.get() == ErrorCode::SYNTAX_COMMAND.get() => ErrorCode::BAD_REQUEST,
            Scope::Transaction if code.get() == ErrorCode::SYNTAX_COMMAND.get() => {
                ErrorCode::SYNTAX_TRANSACTION
            }
            Scope::Action if code.get() == ErrorCode::SYNTAX_COMMAND.get() => ErrorCode::SYNTAX_ACTION,
            _ => code,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, found, rule, .. } = self;
        write!(f, "at byte {offset}: expected {}, found {found} ({})", rule.expected(), rule.clause())
    }
}

impl std::error::Error for DecodeError {}

/// A rule broken at a place; [`DecodeError`] adds what the message says there. It is behind a pointer because it is rare: in every result
/// there would else be room for it, and code that hands it on.
#[derive(Clone, Debug)]
pub(crate) struct Fault(Box<Broken>);

/// What is behind the pointer.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) at: usize,
    pub(crate) length: usize,
    pub(crate) rule: Rule,
}

impl Fault {
    #[cold]
    pub(crate) fn new(at: usize, length: usize, rule: Rule) -> Self {
        Self(Box::new(Broken { at, length, rule }))
    }
}

impl std::ops::Deref for Fault {
    type Target = Broken;

    fn deref(&self) -> &Broken {
        &self.0
    }
}

/// Why a message cannot be written in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message's version has no such thing.
    Newer {
        /// What.
        what: &'static str,
        /// The version that brought it.
        needs: u8,
        /// The version of the message.
        version: u8,
    },
    /// The form has no way to say it.
    Form {
        /// What.
        what: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// A name for which the tables have no identifier, or which no plan maps.
    Unmapped {
        /// What kind of name.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A value that is not legal where it stands.
    Illegal {
        /// What.
        what: &'static str,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { what, needs, version } => {
                write!(f, "{what} came with version {needs}; the message is of version {version}")
            }
            Self::Form { what, why } => write!(f, "{what} cannot be written: {why}"),
            Self::Unmapped { what, name } => {
                write!(f, "the {what} \"{}\" has no identifier", name.as_bytes().escape_ascii())
            }
            Self::Illegal { what } => write!(f, "{what} is not legal"),
        }
    }
}

impl std::error::Error for EncodeError {}
