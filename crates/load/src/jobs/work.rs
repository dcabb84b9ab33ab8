//! The kinds of job, as tables of steps.

use strowger_mgcp::message::{ConnectionMode, LocalOptions, RequestId, RestartMethod, TransactionId, Verb};
use strowger_mgcp::text::CommandBuilder;

use super::{Connection, Job, JobConfig, Place};

/// Which side of MGCP a load plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A call agent, against a gateway.
    Agent,
    /// A gateway, against a call agent.
    Gateway,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// AUEP without requested information.
    Audit,
    /// RQNT that asks for nothing, which is legal on any endpoint.
    NotificationRequest,
    /// CRCX with a description, then DLCX.
    Connection,
    /// A call through two endpoints: CRCX on the first, CRCX on the second towards it, MDCX of the first back, then DLCX of both.
    Call,
    /// NTFY of what the configuration says, with the request identifier that the call agent gave last, or 0.
    Notification,
    /// RSIP with the method `restart`.
    Restart,
}

/// A step: a command, and which endpoint of the place it goes to.
type Step = (Verb, usize);

impl Work {
    const fn table(self) -> &'static [Step] {
        match self {
            Self::Audit => &[(Verb::Auep, 0)],
            Self::NotificationRequest => &[(Verb::Rqnt, 0)],
            Self::Connection => &[(Verb::Crcx, 0), (Verb::Dlcx, 0)],
            Self::Call => {
                &[(Verb::Crcx, 0), (Verb::Crcx, 1), (Verb::Mdcx, 0), (Verb::Dlcx, 0), (Verb::Dlcx, 1)]
            }
            Self::Notification => &[(Verb::Ntfy, 0)],
            Self::Restart => &[(Verb::Rsip, 0)],
        }
    }

    /// Which side it plays.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Notification | Self::Restart => Role::Gateway,
            Self::Audit | Self::NotificationRequest | Self::Connection | Self::Call => Role::Agent,
        }
    }

    /// How many endpoints a job of this kind has.
    #[must_use]
    pub const fn endpoints(self) -> usize {
        match self {
            Self::Call => 2,
            _ => 1,
        }
    }

    pub(super) const fn steps(self) -> usize {
        self.table().len()
    }

    pub(super) fn verb(self, step: usize) -> Verb {
        self.table().get(step).map_or(Verb::Auep, |(verb, _)| *verb)
    }

    pub(super) fn side(self, step: usize) -> usize {
        self.table().get(step).map_or(0, |(_, side)| *side)
    }

    /// Whether what was set up stands for a while before this step.
    pub(super) fn holds_before(self, step: usize) -> bool {
        self.verb(step) == Verb::Dlcx
            && self.table().get(step.wrapping_sub(1)).is_some_and(|(verb, _)| *verb != Verb::Dlcx)
    }

    /// The step that deletes the connection of a side.
    pub(super) fn deletion(self, side: usize) -> Option<usize> {
        self.table().iter().position(|step| *step == (Verb::Dlcx, side))
    }
}

/// The word for a verb in a tally.
pub(super) const fn name(verb: Verb) -> &'static str {
    match verb {
        Verb::Auep => "AUEP",
        Verb::Rqnt => "RQNT",
        Verb::Crcx => "CRCX",
        Verb::Mdcx => "MDCX",
        Verb::Dlcx => "DLCX",
        Verb::Ntfy => "NTFY",
        Verb::Rsip => "RSIP",
        _ => "other",
    }
}

/// The command of a job's step.
pub(super) fn command(id: TransactionId, config: &JobConfig, place: &Place, job: &Job) -> Option<Vec<u8>> {
    let (verb, side) = *config.work.table().get(job.step)?;
    let command = CommandBuilder::new(verb, id, place.endpoints.get(side)?, &config.dialect);
    let connection = || job.connections.get(side).and_then(Option::as_ref);
    let other =
        job.connections.iter().enumerate().find(|(at, _)| *at != side).and_then(|(_, other)| other.as_ref());
    Some(match verb {
        Verb::Crcx => create(command, config, job, other),
        Verb::Mdcx => {
            let command = command.call_id(&job.call).connection_id(&connection()?.id);
            command.mode(ConnectionMode::SendRecv).sdp(&other?.description).finish()
        }
        Verb::Dlcx => command.call_id(&job.call).connection_id(&connection()?.id).finish(),
        // The call identifier is as unique as a request identifier must be.
        Verb::Rqnt => command.request_id(RequestId::parse(job.call.as_str())?).finish(),
        Verb::Ntfy => {
            let request =
                place.request.as_ref().map_or(RequestId::parse("0"), |request| Some(request.as_view()));
            command.request_id(request?).observed_events(&config.observed).finish()
        }
        Verb::Rsip => command.restart_method(RestartMethod::Restart).finish(),
        _ => command.finish(),
    })
}

fn create(command: CommandBuilder<'_>, config: &JobConfig, job: &Job, other: Option<&Connection>) -> Vec<u8> {
    let command = command.call_id(&job.call);
    let command = match LocalOptions::parse("p:20, a:PCMU") {
        Some(options) => command.local_options(options),
        None => command,
    };
    match (config.work, other) {
        (Work::Connection, _) => with_description(command, description(config).as_bytes()),
        (_, Some(other)) => with_description(command, &other.description),
        (_, None) => command.mode(ConnectionMode::RecvOnly).finish(),
    }
}

fn with_description(command: CommandBuilder<'_>, remote: &[u8]) -> Vec<u8> {
    let mut out = command.mode(ConnectionMode::SendRecv).finish();
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(remote);
    out
}

/// The description of our side of a connection.
fn description(config: &JobConfig) -> String {
    let (address, port) = (config.media.ip(), config.media.port());
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    format!(
        "v=0\r\no=- 1 1 IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na=ptime:20\r\n"
    )
}
