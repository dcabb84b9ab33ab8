//! What a gateway tells its owner.

use std::fmt;
use std::net::SocketAddr;

use crate::error::{DecodeError, EncodeError, ErrorCode};
use crate::message::{ServiceState, Version};
use crate::transaction::TimerConflict;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GatewayEvent {
    /// A controller has taken the gateway.
    Associated {
        /// Its place in the configuration.
        controller: usize,
        /// The version that was agreed on.
        version: Version,
    },
    /// The controller does not answer any more.
    Disconnected {
        /// Its place in the configuration.
        controller: usize,
    },
    /// A controller refused the registration.
    RegistrationRefused {
        /// Its place in the configuration.
        controller: usize,
        /// With this code.
        code: ErrorCode,
    },
    /// A connection to a controller is wanted, for `handle_connected` or `handle_disconnected`.
    Connect {
        /// Its place in the configuration.
        controller: usize,
    },
    /// A controller wants a profile that this gateway does not have: another controller is asked.
    ProfileUnknown {
        /// Its place in the configuration.
        controller: usize,
        /// The profile.
        profile: String,
    },
    /// The connection to a controller that does not answer is to be closed: it may be half open. No `handle_disconnected` is called for it.
    Close {
        /// Its place in the configuration.
        controller: usize,
    },
    /// A command was refused.
    Refused {
        /// The code.
        code: ErrorCode,
    },
    /// The service of a termination has changed.
    ServiceChanged {
        /// Its name.
        termination: String,
        /// How it is now.
        service: ServiceState,
    },
    /// A controller could not read a message.
    MessageError {
        /// Who says so.
        from: SocketAddr,
        /// The code.
        code: ErrorCode,
    },
    /// A message could not be read wholly.
    Malformed {
        /// Where it came from.
        from: SocketAddr,
        /// What was wrong.
        error: DecodeError,
    },
    /// A message could not be written in the controller's version or form; it was told 500, or nothing.
    Unwritable {
        /// Why.
        error: EncodeError,
    },
    /// Events of a termination were lost, since too many waited to be reported.
    EventsLost {
        /// Its name.
        termination: String,
    },
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no controller.
    NoController,
    /// No name of a termination.
    Name(String),
    /// Two terminations have this name.
    Twice(String),
    /// The timers do not fit together.
    Timers(TimerConflict),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoController => f.write_str("a gateway needs a controller"),
            Self::Name(name) => write!(f, "{name:?} is no name of a termination"),
            Self::Twice(name) => write!(f, "two terminations are called {name:?}"),
            Self::Timers(conflict) => write!(f, "the timers do not fit together: {conflict}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A context, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextView {
    /// Its number.
    pub id: u32,
    /// From 0, the lowest, to 15.
    pub priority: u8,
    /// Whether it is an emergency call.
    pub is_emergency: bool,
    /// The names of its terminations.
    pub terminations: Vec<String>,
}

/// A termination, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminationView<'g> {
    /// Its name.
    pub name: &'g str,
    /// Its context; none is the null context.
    pub context: Option<u32>,
    /// Whether it serves.
    pub service: ServiceState,
    /// Whether it exists only while it is in a context.
    pub is_ephemeral: bool,
    /// Signals and lists that are on.
    pub signals: usize,
}
