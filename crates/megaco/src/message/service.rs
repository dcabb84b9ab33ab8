//! Service changes (RFC 3525 sections 7.1.13 and 7.2.8).

use super::ErrorDescriptor;
use super::address::{Address, Mid};
use super::audit::AuditDescriptor;
use super::ids::{Caseless, Terminations, TimeStamp, Version};
use super::media::Extension;
use super::value::Setting;

/// A service change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange<'a> {
    /// How.
    pub method: Method<'a>,
    /// Where requests go from now on, or which controller to try.
    pub target: Option<ServiceTarget<'a>>,
    /// The version that the sender proposes.
    pub version: Option<Version>,
    /// The profile that it proposes.
    pub profile: Option<Profile<'a>>,
    /// Why.
    pub reason: Reason<'a>,
    /// In how many seconds.
    pub delay: Option<u32>,
    /// When it was sent.
    pub time: Option<TimeStamp>,
    /// Something of a vendor's own.
    pub non_standard: Option<NonStandard<'a>>,
    /// What an audit would find changed (version 2).
    pub info: Option<AuditDescriptor<'a>>,
    /// More of it follows (version 3).
    pub is_incomplete: bool,
}

impl<'a> ServiceChange<'a> {
    /// What every service change says, and nothing more.
    #[must_use]
    pub const fn new(method: Method<'a>, reason: Reason<'a>) -> Self {
        Self {
            method,
            target: None,
            version: None,
            profile: None,
            reason,
            delay: None,
            time: None,
            non_standard: None,
            info: None,
            is_incomplete: false,
        }
    }
}

/// Either an address or a controller, never both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceTarget<'a> {
    /// Where requests go from now on.
    Address(Address<'a>),
    /// The controller to try first.
    Mgc(Mid<'a>),
}

/// The method of a service change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// Another takes over.
    Failover,
    /// At once.
    Forced,
    /// When what goes on has ended.
    Graceful,
    /// Service is back.
    Restart,
    /// The connection was lost and is back.
    Disconnected,
    /// To another controller.
    HandOff,
    /// Something else (text form only).
    Extension(Extension<'a>),
}

/// Why: a decimal code and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'a>(&'a str);

impl<'a> Reason<'a> {
    /// Service restored.
    pub const SERVICE_RESTORED: Self = Self("900 Service Restored");
    /// Cold boot.
    pub const COLD_BOOT: Self = Self("901 Cold Boot");
    /// Warm boot.
    pub const WARM_BOOT: Self = Self("902 Warm Boot");
    /// The controller directed the change.
    pub const MGC_DIRECTED_CHANGE: Self = Self("903 MGC Directed Change");
    /// The controller is about to fail, or failed.
    pub const MGC_IMPENDING_FAILURE: Self = Self("909 MGC Impending Failure");

    /// A reason as it is written: digits, and after a space the text. There must be no double quote in it.
    #[must_use]
    pub fn new(text: &'a str) -> Option<Self> {
        (!text.contains('"')).then_some(Self(text))
    }

    /// The code, when the reason begins with one.
    #[must_use]
    pub fn code(self) -> Option<u16> {
        self.0.split(' ').next().and_then(|code| code.parse().ok())
    }

    /// The whole.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// A profile and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile<'a> {
    /// Its name, 1 to 64 characters.
    pub name: Caseless<'a>,
    /// Its version.
    pub version: Version,
}

/// Something of a vendor's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NonStandard<'a> {
    /// An extension parameter; both forms have it.
    Extension(Extension<'a>, Setting<'a>),
    /// The contents of `NonStandardData` in BER, as they came (binary form only).
    Binary(&'a [u8]),
}

/// The reply to a service change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChangeReply<'a> {
    /// Whose.
    pub terminations: Terminations<'a>,
    /// What became of it.
    pub result: ServiceChangeResult<'a>,
}

/// What became of a service change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceChangeResult<'a> {
    /// It failed.
    Error(ErrorDescriptor<'a>),
    /// It was accepted.
    Accepted {
        /// Where requests go from now on, or which controller to try.
        target: Option<ServiceTarget<'a>>,
        /// The version that is spoken from now on.
        version: Option<Version>,
        /// The profile.
        profile: Option<Profile<'a>>,
        /// When it was sent.
        time: Option<TimeStamp>,
    },
}
