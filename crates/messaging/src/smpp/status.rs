//! Status codes of SMPP (section 5.1.3) as a table: what each is called, and whether the same request may do better later.

use std::fmt;

/// A `command_status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Status(pub u32);

/// What a status means for the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Done.
    Good,
    /// The peer has too much to do: slower, and again. It says nothing about the message.
    Slower,
    /// It may do better later.
    Transient,
    /// It will never do better.
    Permanent,
}

/// Code, name, class.
const TABLE: &[(u32, &str, Class)] = &[
    (0x00, "ESME_ROK", Class::Good),
    (0x01, "ESME_RINVMSGLEN", Class::Permanent),
    (0x02, "ESME_RINVCMDLEN", Class::Permanent),
    (0x03, "ESME_RINVCMDID", Class::Permanent),
    // Bound for the other direction, or not yet: the link, not the message.
    (0x04, "ESME_RINVBNDSTS", Class::Transient),
    (0x05, "ESME_RALYBND", Class::Transient),
    (0x06, "ESME_RINVPRTFLG", Class::Permanent),
    (0x07, "ESME_RINVREGDLVFLG", Class::Permanent),
    (0x08, "ESME_RSYSERR", Class::Transient),
    (0x0a, "ESME_RINVSRCADR", Class::Permanent),
    (0x0b, "ESME_RINVDSTADR", Class::Permanent),
    (0x0c, "ESME_RINVMSGID", Class::Permanent),
    (0x0d, "ESME_RBINDFAIL", Class::Transient),
    (0x0e, "ESME_RINVPASWD", Class::Transient),
    (0x0f, "ESME_RINVSYSID", Class::Transient),
    (0x11, "ESME_RCANCELFAIL", Class::Permanent),
    (0x13, "ESME_RREPLACEFAIL", Class::Permanent),
    (0x14, "ESME_RMSGQFUL", Class::Slower),
    (0x15, "ESME_RINVSERTYP", Class::Permanent),
    (0x33, "ESME_RINVNUMDESTS", Class::Permanent),
    (0x34, "ESME_RINVDLNAME", Class::Permanent),
    (0x40, "ESME_RINVDESTFLAG", Class::Permanent),
    (0x42, "ESME_RINVSUBREP", Class::Permanent),
    (0x43, "ESME_RINVESMCLASS", Class::Permanent),
    (0x44, "ESME_RCNTSUBDL", Class::Permanent),
    // "Submit failed" says nothing: again, within the message's own time.
    (0x45, "ESME_RSUBMITFAIL", Class::Transient),
    (0x48, "ESME_RINVSRCTON", Class::Permanent),
    (0x49, "ESME_RINVSRCNPI", Class::Permanent),
    (0x50, "ESME_RINVDSTTON", Class::Permanent),
    (0x51, "ESME_RINVDSTNPI", Class::Permanent),
    (0x53, "ESME_RINVSYSTYP", Class::Transient),
    (0x54, "ESME_RINVREPFLAG", Class::Permanent),
    (0x55, "ESME_RINVNUMMSGS", Class::Permanent),
    (0x58, "ESME_RTHROTTLED", Class::Slower),
    (0x61, "ESME_RINVSCHED", Class::Permanent),
    (0x62, "ESME_RINVEXPIRY", Class::Permanent),
    (0x63, "ESME_RINVDFTMSGID", Class::Permanent),
    (0x64, "ESME_RX_T_APPN", Class::Transient),
    (0x65, "ESME_RX_P_APPN", Class::Permanent),
    (0x66, "ESME_RX_R_APPN", Class::Permanent),
    (0x67, "ESME_RQUERYFAIL", Class::Transient),
    (0xc0, "ESME_RINVOPTPARSTREAM", Class::Permanent),
    (0xc1, "ESME_ROPTPARNOTALLWD", Class::Permanent),
    (0xc2, "ESME_RINVPARLEN", Class::Permanent),
    (0xc3, "ESME_RMISSINGOPTPARAM", Class::Permanent),
    (0xc4, "ESME_RINVOPTPARAMVAL", Class::Permanent),
    (0xfe, "ESME_RDELIVERYFAILURE", Class::Transient),
    (0xff, "ESME_RUNKNOWNERR", Class::Transient),
    // Version 5.0, table 4-45.
    (0x100, "ESME_RSERTYPUNAUTH", Class::Permanent),
    (0x101, "ESME_RPROHIBITED", Class::Permanent),
    (0x102, "ESME_RSERTYPUNAVAIL", Class::Transient),
    (0x103, "ESME_RSERTYPDENIED", Class::Permanent),
    (0x104, "ESME_RINVDCS", Class::Permanent),
    (0x105, "ESME_RINVSRCADDRSUBUNIT", Class::Permanent),
    (0x106, "ESME_RINVDSTADDRSUBUNIT", Class::Permanent),
    (0x107, "ESME_RINVBCASTFREQINT", Class::Permanent),
    (0x108, "ESME_RINVBCASTALIAS_NAME", Class::Permanent),
    (0x109, "ESME_RINVBCASTAREAFMT", Class::Permanent),
    (0x10a, "ESME_RINVNUMBCAST_AREAS", Class::Permanent),
    (0x10b, "ESME_RINVBCASTCNTTYPE", Class::Permanent),
    (0x10c, "ESME_RINVBCASTMSGCLASS", Class::Permanent),
    (0x10d, "ESME_RBCASTFAIL", Class::Permanent),
    (0x10e, "ESME_RBCASTQUERYFAIL", Class::Permanent),
    (0x10f, "ESME_RBCASTCANCELFAIL", Class::Permanent),
    (0x110, "ESME_RINVBCAST_REP", Class::Permanent),
    (0x111, "ESME_RINVBCASTSRVGRP", Class::Permanent),
    (0x112, "ESME_RINVBCASTCHANIND", Class::Permanent),
];

impl Status {
    /// No error.
    pub const OK: Self = Self(0x00);
    /// A length that a message cannot have.
    pub const INVALID_MESSAGE_LENGTH: Self = Self(0x01);
    /// A length that a unit cannot have.
    pub const INVALID_COMMAND_LENGTH: Self = Self(0x02);
    /// A command that is not known.
    pub const INVALID_COMMAND: Self = Self(0x03);
    /// A command that the state of the link does not allow.
    pub const INVALID_BIND_STATE: Self = Self(0x04);
    /// Bound already.
    pub const ALREADY_BOUND: Self = Self(0x05);
    /// A fault of the peer's own.
    pub const SYSTEM_ERROR: Self = Self(0x08);
    /// A destination that cannot be.
    pub const INVALID_DESTINATION: Self = Self(0x0b);
    /// No such message.
    pub const INVALID_MESSAGE_ID: Self = Self(0x0c);
    /// The bind failed.
    pub const BIND_FAILED: Self = Self(0x0d);
    /// A wrong password.
    pub const INVALID_PASSWORD: Self = Self(0x0e);
    /// The message cannot be taken back.
    pub const CANCEL_FAILED: Self = Self(0x11);
    /// The message cannot be replaced.
    pub const REPLACE_FAILED: Self = Self(0x13);
    /// A message for nobody, or for too many.
    pub const INVALID_NUMBER_OF_DESTINATIONS: Self = Self(0x33);
    /// No such list of addresses.
    pub const INVALID_LIST: Self = Self(0x34);
    /// A destination that is neither an address nor a list.
    pub const INVALID_DESTINATION_FLAG: Self = Self(0x40);
    /// Optional parameters that the other side does not know.
    pub const PARAMETER_NOT_ALLOWED: Self = Self(0xc1);
    /// Messages to areas are not sent from here.
    pub const BROADCAST_FAILED: Self = Self(0x10d);
    /// Nor asked for.
    pub const BROADCAST_QUERY_FAILED: Self = Self(0x10e);
    /// Nor taken back.
    pub const BROADCAST_CANCEL_FAILED: Self = Self(0x10f);
    /// The queue is full.
    pub const QUEUE_FULL: Self = Self(0x14);
    /// Too fast.
    pub const THROTTLED: Self = Self(0x58);
    /// The receiver cannot take it now.
    pub const TEMPORARY_APP_ERROR: Self = Self(0x64);
    /// The receiver will never take it.
    pub const PERMANENT_APP_ERROR: Self = Self(0x65);

    /// Whether there was no error.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// Its name in the specification.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        TABLE.iter().find(|(code, ..)| *code == self.0).map(|(_, name, _)| *name)
    }

    /// What it means for its request. Codes of a maker's own (0x400 and above) and those that nobody knows may be anything, so
    /// that the message is kept and tried within its time.
    #[must_use]
    pub fn class(self) -> Class {
        TABLE.iter().find(|(code, ..)| *code == self.0).map_or(Class::Transient, |(.., class)| *class)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}
