//! What a legal command may still be refused for without looking at an endpoint: version, verb, wildcards, the
//! table of parameters, extensions, modes, local connection options, packages and actions (RFC 3435 sections
//! 2.3, 2.4 and 3.2.2).
//!
//! Checks stand in the order in which a reader of the RFC would find the faults, and the first one counts.
//! Whether an endpoint has an event, and everything that depends on its state, is the gateway role's to check.

use std::fmt;

use crate::dialect::{AllWildcard, Dialect};
use crate::message::{
    Action, ActionSet, Actions, Command, ConnectionMode, EventName, LocalOptions, NotificationControl,
    OptionKind, ParameterCode, RequestedEvents, RestartMethod, ReturnCode, Verb,
};
use crate::package::{self, PackageSet};
use crate::text::table::{self, Presence};

/// Why a command is refused: what goes into the answer. The commentary is constant text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The return code.
    pub code: ReturnCode,
    /// A few words for the operator who reads the trace.
    pub commentary: &'static str,
    /// Whether the answer should list the supported packages (`PL:`).
    pub package_list: bool,
    /// The package that defines the code, of codes 800 to 899.
    pub package: Option<&'static str>,
}

impl Refusal {
    /// A refusal; with 518 the answer lists the supported packages.
    #[must_use]
    pub fn new(code: ReturnCode, commentary: &'static str) -> Self {
        Self { code, commentary, package_list: code == ReturnCode::PACKAGE, package: None }
    }

    /// A refusal with a code of this package.
    #[must_use]
    pub fn of_package(package: &'static str, code: ReturnCode, commentary: &'static str) -> Self {
        Self { package: Some(package), ..Self::new(code, commentary) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.commentary)
    }
}

impl std::error::Error for Refusal {}

fn refuse<T>(code: ReturnCode, commentary: &'static str) -> Result<T, Refusal> {
    Err(Refusal::new(code, commentary))
}

/// Checks a command that decoded.
///
/// # Errors
/// Why the command is refused.
pub fn check(command: &Command<'_>, dialect: &Dialect, packages: &PackageSet) -> Result<(), Refusal> {
    if !dialect.accepts(command.version) {
        return refuse(ReturnCode::VERSION, "Incompatible protocol version");
    }
    let is_missing = match command.verb {
        Verb::Other(_) => true,
        Verb::Epcf => !dialect.configuration,
        Verb::Mesg => !dialect.message,
        _ => false,
    };
    if is_missing {
        return refuse(ReturnCode::UNKNOWN_COMMAND, "Unknown command");
    }
    wildcards(command, dialect)?;
    extensions(command, *packages)?;
    presence(command)?;
    mode(command, *packages)?;
    if let Some(options) = command.local_options() {
        local_options(options, *packages)?;
    }
    restart_method(command, *packages)?;
    events(command, Known { packages: *packages, others: dialect.names.packages })
}

/// Which wildcards a verb's endpoint may have (the verbs' own sections in 2.3).
fn wildcards(command: &Command<'_>, dialect: &Dialect) -> Result<(), Refusal> {
    let name = command.endpoint;
    if !name.is_wildcarded() {
        return Ok(());
    }
    let (all, any) = match command.verb {
        Verb::Crcx => (dialect.all_wildcard == AllWildcard::AnyOne, true),
        Verb::Ntfy => (dialect.keepalive_notify, false),
        Verb::Mdcx | Verb::Aucx => (false, false),
        // With a connection named, the endpoint is the one that has it.
        Verb::Dlcx => (command.connection_id().is_none(), false),
        _ => (true, false),
    };
    if name.all() && !all {
        return refuse(ReturnCode::PROTOCOL_ERROR, "Wildcard * not allowed here");
    }
    if name.any() && !any {
        return refuse(ReturnCode::PROTOCOL_ERROR, "Wildcard $ not allowed here");
    }
    Ok(())
}

/// Parameters that RFC 3435 does not define (section 3.2.2): `X+` must be understood, `X-` need not be.
fn extensions(command: &Command<'_>, packages: PackageSet) -> Result<(), Refusal> {
    for parameter in command.parameters.extensions() {
        match parameter.code {
            ParameterCode::Vendor { critical: true, .. } => {
                return refuse(ReturnCode::UNKNOWN_EXTENSION, "Unrecognized extension");
            }
            ParameterCode::Package { package, name } => match packages.resolve(Some(package)) {
                None => return refuse(ReturnCode::PACKAGE, "Unsupported package in a parameter"),
                Some(known) if known.parameters.iter().any(|one| one.eq_ignore_ascii_case(name)) => {}
                Some(_) => return refuse(ReturnCode::COMMAND_PARAMETER, "Unknown parameter of a package"),
            },
            ParameterCode::Unknown(_) => {
                return refuse(ReturnCode::COMMAND_PARAMETER, "Unknown parameter");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The table of section 3.2.2, with its notes.
fn presence(command: &Command<'_>) -> Result<(), Refusal> {
    let Command { verb, parameters, .. } = command;
    if parameters.repeats() {
        return refuse(ReturnCode::COMMAND_PARAMETER, "Repeated parameter");
    }
    if parameters.present_bits() & table::forbidden_bits(*verb) != 0 {
        return refuse(ReturnCode::COMMAND_PARAMETER, "Parameter not allowed in this command");
    }
    let described = table::in_command(*verb, ParameterCode::RemoteConnectionDescriptor);
    if command.sdp.is_some() && described == Presence::Forbidden {
        return refuse(ReturnCode::COMMAND_PARAMETER, "Session description not allowed in this command");
    }
    if table::mandatory_bits(*verb) & !parameters.present_bits() != 0 {
        let missing = table::mandatory(*verb).find(|code| !parameters.contains(*code));
        return refuse(ReturnCode::PROTOCOL_ERROR, missing.map_or("Missing parameter", missing_text));
    }
    let requests = [ParameterCode::RequestedEvents, ParameterCode::SignalRequests];
    if requests.iter().any(|code| parameters.contains(*code)) && command.request_id().is_none() {
        return refuse(ReturnCode::PROTOCOL_ERROR, missing_text(ParameterCode::RequestIdentifier));
    }
    // Values that an audit may leave empty mean nothing where they are mandatory.
    let named = [ParameterCode::ConnectionId, ParameterCode::RequestIdentifier];
    if named.iter().any(|code| parameters.get(*code) == Some("")) {
        return refuse(ReturnCode::PROTOCOL_ERROR, "Empty identifier");
    }
    if command.connection_ids().nth(1).is_some() {
        return refuse(ReturnCode::PROTOCOL_ERROR, "More than one connection identifier");
    }
    let configures =
        || parameters.contains(ParameterCode::BearerInformation) || parameters.extensions().next().is_some();
    if *verb == Verb::Epcf && !configures() {
        return refuse(ReturnCode::PROTOCOL_ERROR, missing_text(ParameterCode::BearerInformation));
    }
    Ok(())
}

const fn missing_text(code: ParameterCode<'_>) -> &'static str {
    match code {
        ParameterCode::BearerInformation => "Missing bearer information",
        ParameterCode::CallId => "Missing call identifier",
        ParameterCode::ConnectionId => "Missing connection identifier",
        ParameterCode::ConnectionMode => "Missing connection mode",
        ParameterCode::ObservedEvents => "Missing observed events",
        ParameterCode::RequestedInfo => "Missing requested information",
        ParameterCode::RequestIdentifier => "Missing request identifier",
        ParameterCode::RestartMethod => "Missing restart method",
        _ => "Missing parameter",
    }
}

fn mode(command: &Command<'_>, packages: PackageSet) -> Result<(), Refusal> {
    match command.mode() {
        Some(ConnectionMode::Package { package, .. }) if packages.resolve(Some(package)).is_none() => {
            refuse(ReturnCode::PACKAGE, "Unsupported package in the mode")
        }
        // No package of the table adds a mode.
        Some(ConnectionMode::Package { .. } | ConnectionMode::Other(_)) => {
            refuse(ReturnCode::MODE, "Unsupported mode")
        }
        _ => Ok(()),
    }
}

/// Options that are unknown (section 3.2.2.10), and base options given twice.
fn local_options(options: LocalOptions<'_>, packages: PackageSet) -> Result<(), Refusal> {
    let mut has_formats = false;
    // The first letters of what came before: most names begin with one of their own.
    let mut letters = 0_u32;
    for (place, option) in options.iter().enumerate() {
        match option.option_kind() {
            OptionKind::Base => {
                let letter = 1 << (option.name.bytes().next().unwrap_or(0) & 0x1f);
                let is_new = letters & letter == 0;
                letters |= letter;
                let mut before = options.iter().take(place);
                if !is_new && before.any(|other| other.name.eq_ignore_ascii_case(option.name)) {
                    return refuse(
                        ReturnCode::LOCAL_OPTIONS_INCONSISTENT,
                        "Repeated local connection option",
                    );
                }
            }
            OptionKind::Unprefixed(package) if packages.contains(package) => {
                if !option.has_legal_value() {
                    return refuse(ReturnCode::LOCAL_OPTION_VALUE, "Malformed local connection options");
                }
                has_formats = true;
            }
            OptionKind::VendorIgnorable => {}
            OptionKind::VendorCritical => {
                return refuse(
                    ReturnCode::LOCAL_OPTION_EXTENSION,
                    "Unknown local connection option extension",
                );
            }
            OptionKind::Package(package) => {
                let Some(known) = packages.resolve(Some(package)) else {
                    return refuse(
                        ReturnCode::PACKAGE,
                        "Unsupported package in the local connection options",
                    );
                };
                let name = option.name.split_once('/').map_or("", |(_, name)| name);
                if !known.options.iter().any(|one| one.eq_ignore_ascii_case(name)) {
                    return refuse(ReturnCode::LOCAL_OPTION, "Unknown local connection option of a package");
                }
            }
            OptionKind::Unprefixed(_) | OptionKind::Other => {
                return refuse(ReturnCode::LOCAL_OPTION, "Unknown local connection option");
            }
        }
    }
    if has_formats { ordered_formats(options) } else { Ok(()) }
}

/// As many codecs as there are payload types: who lists more has a place for none of them.
const MOST_CODECS: usize = 128;

/// Formats that say which of several equal codecs they mean (RFC 3660 section 2.9).
fn ordered_formats(options: LocalOptions<'_>) -> Result<(), Refusal> {
    let codecs = options.codecs();
    let mut left = MOST_CODECS;
    for format in options.formats() {
        let Some(order) = format.order else { continue };
        let Some(fewer) = left.checked_sub(1) else {
            return refuse(ReturnCode::LOCAL_OPTION_VALUE, "More media formats than payload types");
        };
        left = fewer;
        // The MIME subtype alone names the format; an order counts equal names in `a:`.
        let subtype = |codec: &str| {
            codec.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(format.format))
        };
        let listed = codecs.clone().into_iter().flatten().take(MOST_CODECS);
        let count = listed.filter(|codec| subtype(codec)).count();
        if order == 0 || usize::from(order) > count {
            return refuse(
                ReturnCode::LOCAL_OPTIONS_INCONSISTENT,
                "Media format for a codec that is not listed",
            );
        }
    }
    Ok(())
}

fn restart_method(command: &Command<'_>, packages: PackageSet) -> Result<(), Refusal> {
    let Some(RestartMethod::Package { package, method }) = command.restart_method() else { return Ok(()) };
    match packages.resolve(Some(package)) {
        None => refuse(ReturnCode::PACKAGE, "Unsupported package in the restart method"),
        Some(known) if known.restart_methods.iter().any(|one| one.eq_ignore_ascii_case(method)) => Ok(()),
        Some(_) => refuse(ReturnCode::RESTART_METHOD, "Unknown restart method"),
    }
}

/// Packages, signals given twice and combinations of actions. What a gateway has observed is not for an agent to
/// refuse, so `O:` is let through.
/// The packages that events may be of: the endpoint's, and those that only the dialect has.
#[derive(Clone, Copy)]
struct Known {
    packages: PackageSet,
    others: &'static [&'static str],
}

fn events(command: &Command<'_>, packages: Known) -> Result<(), Refusal> {
    let loops = command.quarantine().unwrap_or_default().notifications == NotificationControl::Loop;
    if let Some(requested) = command.requested_events() {
        requested_events(requested, packages, Level::Outer { loops })?;
    }
    if let Some(signals) = command.signal_requests() {
        signal_requests(signals, packages)?;
    }
    for event in command.detect_events().unwrap_or_default().iter() {
        event_package(event.name, packages)?;
    }
    Ok(())
}

/// How deep a list of requested events stands: one level of embedding is supported (section 2.3.3).
#[derive(Clone, Copy)]
enum Level {
    Outer { loops: bool },
    Embedded,
}

fn requested_events(list: RequestedEvents<'_>, packages: Known, level: Level) -> Result<(), Refusal> {
    for event in list.iter() {
        event_package(event.name, packages)?;
        if !event.actions.is_explicit() {
            continue;
        }
        actions(event.actions, level)?;
        let Some(embedded) = event.actions.embedded() else {
            continue;
        };
        if let Some(inner) = embedded.requested_events {
            requested_events(inner, packages, Level::Embedded)?;
        }
        if let Some(signals) = embedded.signal_requests {
            signal_requests(signals, packages)?;
        }
    }
    Ok(())
}

fn actions(actions: Actions<'_>, level: Level) -> Result<(), Refusal> {
    let mut set = ActionSet::default();
    for action in actions.iter() {
        if matches!(action, Action::Package { .. } | Action::Other(_)) {
            return refuse(ReturnCode::ACTION, "Unknown action");
        }
        if !set.combines_with(action.as_set()) {
            return refuse(ReturnCode::ACTION, "Illegal combination of actions");
        }
        set = set.with(action.as_set());
    }
    match level {
        Level::Embedded if set.contains(ActionSet::EMBEDDED) => {
            refuse(ReturnCode::ACTION, "Embedded request within an embedded request")
        }
        // With one notification allowed, the embedded request could never notify.
        Level::Outer { loops: false } if set.contains(ActionSet::NOTIFY.with(ActionSet::EMBEDDED)) => {
            refuse(ReturnCode::ACTION, "Actions N and E together need loop mode")
        }
        _ => Ok(()),
    }
}

fn signal_requests(list: crate::message::EventList<'_>, packages: Known) -> Result<(), Refusal> {
    for signal in list.iter() {
        event_package(signal.name, packages)?;
        // Ranges and wildcards are for events that are requested (section 3.2.2.4).
        let name = signal.name;
        if name.package == Some("*") || name.event.starts_with('[') || name.event.eq_ignore_ascii_case("all")
        {
            return refuse(ReturnCode::NO_SUCH_EVENT, "A signal cannot be a wildcard");
        }
    }
    Ok(())
}

fn event_package(name: EventName<'_>, known: Known) -> Result<(), Refusal> {
    match name.package {
        None | Some("*") => Ok(()),
        Some(package) if known.packages.contains(package) && package::find(package).is_some() => Ok(()),
        Some(package) if known.others.iter().any(|other| other.eq_ignore_ascii_case(package)) => Ok(()),
        Some(_) => refuse(ReturnCode::PACKAGE, "Unsupported package"),
    }
}
