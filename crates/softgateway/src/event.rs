//! What happens on a software gateway, as a person or a script wants to know it.

use std::net::SocketAddr;

use strowger_sansio::{Duration, Time};

use crate::script::{Progress, Sign};

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// On a line.
    Line {
        /// The endpoint's local name: `aaln/1`.
        line: String,
        /// What.
        fact: LineFact,
    },
    /// The call agent knows of endpoints, after a start or a loss.
    Registered {
        /// Their local name, perhaps with `*`.
        endpoints: String,
    },
    /// An endpoint has lost its call agent.
    Disconnected {
        /// The endpoint's local name.
        endpoint: String,
    },
    /// The call agent refused the announcement of a restart.
    RestartRefused {
        /// With this return code.
        code: u16,
    },
    /// A command was refused.
    Refused {
        /// Whose.
        from: SocketAddr,
        /// The command.
        verb: String,
        /// The return code.
        code: u16,
    },
    /// A recording of the announcement servers cannot be read.
    Unreadable {
        /// Its file.
        file: String,
        /// Why.
        why: String,
    },
    /// A datagram of the call agent could not be decoded.
    Malformed {
        /// Where it came from.
        from: SocketAddr,
        /// What was wrong with it.
        why: String,
    },
}

/// What happened on a line, or at the far end of a circuit.
#[derive(Clone, Debug, PartialEq)]
pub enum LineFact {
    /// The handset was lifted; on a circuit, the gateway is off the hook.
    OffHook,
    /// The handset was put down; on a circuit, the gateway is on the hook.
    OnHook,
    /// On a circuit: the gateway has winked.
    Winked,
    /// On a circuit: the gateway has sent a number, with its beginning and end.
    Number(String),
    /// On a circuit: the gateway has opened the wires.
    Opened,
    /// The bell rings.
    Ringing,
    /// The bell has been silent for longer than a cadence is.
    RingingEnded,
    /// The display shows a caller.
    Caller(String),
    /// A feature key shows a state or a label.
    Key {
        /// Its number.
        key: u8,
        /// What it shows.
        shows: String,
    },
    /// The earpiece gives a tone of the country's plan.
    Hears(Progress),
    /// An expectation was met.
    Met {
        /// Its number, as [`SoftGateway::handle_step`](crate::SoftGateway::handle_step) gave it.
        expectation: u64,
        /// What was expected.
        sign: Sign,
        /// After how long.
        after: Duration,
    },
    /// An expectation was not met in time.
    Missed {
        /// Its number.
        expectation: u64,
        /// What was expected.
        sign: Sign,
        /// What was noticed last instead, in words.
        instead: String,
    },
    /// What the earpiece gave, to be written to a file.
    Recording {
        /// The file's name.
        file: String,
        /// 8 kHz linear samples.
        samples: Vec<i16>,
    },
}
