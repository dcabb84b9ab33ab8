//! In which commands the parameters of packages may stand: RFC 3435 section B.2, RFC 3624, RFC 3991, RFC 3992.

use super::redirect::misused;
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::{Command, ParameterCode, ReturnCode, Verb};

/// Commands that may carry a notification request or an endpoint configuration.
const CARRIERS: &[Verb] = &[Verb::Epcf, Verb::Crcx, Verb::Mdcx, Verb::Dlcx, Verb::Rqnt];
/// Those where T may stand.
const REQUESTS: &[Verb] = &[Verb::Crcx, Verb::Mdcx, Verb::Dlcx, Verb::Rqnt];
const CONFIGURATION: &[Verb] = &[Verb::Epcf];
const AUDIT: &[Verb] = &[Verb::Auep];

/// Package, parameter, and the commands that may have it. Parameters of responses alone have none.
const PLACES: &[(&str, &str, &[Verb])] = &[
    ("B", "PR", REQUESTS),
    ("B", "NS", &[]),
    ("BA", "F", AUDIT),
    ("BA", "SE", AUDIT),
    ("BA", "NU", AUDIT),
    ("BA", "Z", &[]),
    ("BA", "X", &[]),
    ("BA", "C", &[]),
    ("BA", "M", &[]),
    ("BA", "S", &[]),
    ("BA", "NE", &[]),
    ("BA", "EL", &[]),
    ("RED", "N", CONFIGURATION),
    ("RED", "NL", CARRIERS),
    ("RED", "EL", CONFIGURATION),
    ("RED", "MP", CONFIGURATION),
    ("RED", "R", CONFIGURATION),
    ("LCK", "LST", CARRIERS),
];
/// The only ones that may be repeated.
const REPEATED: [&str; 2] = ["EL", "MP"];

/// Refuses parameters of packages in commands that cannot have them, and those that are repeated.
pub(super) fn check_places(command: &Command<'_>) -> Result<(), Refusal> {
    for (place, parameter) in command.parameters.extensions().enumerate() {
        let ParameterCode::Package { package, name } = parameter.code else { continue };
        let row = PLACES
            .iter()
            .find(|(of, known, _)| of.eq_ignore_ascii_case(package) && known.eq_ignore_ascii_case(name));
        let Some((of, known, verbs)) = row else { continue };
        if !verbs.contains(&command.verb) {
            return Err(match *of {
                "RED" => misused("this parameter does not belong to this command"),
                _ => refuse(ReturnCode::COMMAND_PARAMETER, "this parameter does not belong to this command"),
            });
        }
        let again = command.parameters.extensions().take(place).any(|before| before.code == parameter.code);
        if again && !(*of == "RED" && REPEATED.contains(known)) {
            return Err(refuse(ReturnCode::COMMAND_PARAMETER, "Repeated parameter"));
        }
    }
    Ok(())
}
