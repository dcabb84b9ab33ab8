//! What a gateway's refusal means, by its category (RFC 3661 section 2): for the call, for the line, for the operator.
//!
//! Codes of one category are treated alike, whatever they say; those that have a row of their own are the ones that the RFC
//! gives no category, and those that tell a caller something more exact.

use strowger_mgcp::agent::Failure;
use strowger_mgcp::message::{Category, ReturnCode};

use crate::Cause;

/// What becomes of a line whose order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing: the call fails, and the line serves on.
    Serves,
    /// What the exchange and the gateway believe of it differs: it is audited when it is free.
    Suspect,
    /// It is taken out of hunting until its gateway announces it anew, or an audit finds it in service.
    Broken,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// Why the call ends, if one depends on the order.
    pub(super) cause: Cause,
    pub(super) line: Fate,
    /// Whether an operator must know.
    pub(super) alarm: bool,
}

const fn decision(cause: Cause, line: Fate, alarm: bool) -> Decision {
    Decision { cause, line, alarm }
}

/// RFC 3661 section 2.1. The normal codes are here for completeness: they fail nothing.
const CATEGORIES: [(Category, Decision); 6] = [
    (Category::Normal, decision(Cause::NORMAL_UNSPECIFIED, Fate::Serves, false)),
    (Category::ServiceFailure, decision(Cause::DESTINATION_OUT_OF_ORDER, Fate::Broken, true)),
    (Category::ProvisioningMismatch, decision(Cause::DESTINATION_OUT_OF_ORDER, Fate::Serves, true)),
    (Category::TemporaryFailure, decision(Cause::TEMPORARY_FAILURE, Fate::Serves, false)),
    (Category::StateMismatch, decision(Cause::TEMPORARY_FAILURE, Fate::Suspect, true)),
    (Category::RemoteDescriptor, decision(Cause::INCOMPATIBLE_DESTINATION, Fate::Serves, false)),
];

/// Codes without a category (section 2.2), each with a decision of its own, and codes with a more exact cause.
const CODES: [(u16, Decision); 11] = [
    (403, decision(Cause::NO_CIRCUIT_AVAILABLE, Fate::Serves, false)),
    (404, decision(Cause::NO_CIRCUIT_AVAILABLE, Fate::Serves, false)),
    // We, or a later command, aborted it.
    (407, decision(Cause::TEMPORARY_FAILURE, Fate::Serves, false)),
    (409, decision(Cause::SWITCHING_EQUIPMENT_CONGESTION, Fate::Serves, false)),
    (410, decision(Cause::NO_CIRCUIT_AVAILABLE, Fate::Serves, false)),
    // An answer to an RSIP: as an answer to a command it makes no sense.
    (521, decision(Cause::PROTOCOL_ERROR, Fate::Serves, true)),
    (530, decision(Cause::TEMPORARY_FAILURE, Fate::Serves, false)),
    // What was asked for does not fit a datagram: to be asked for in parts.
    (533, decision(Cause::TEMPORARY_FAILURE, Fate::Serves, false)),
    (534, decision(Cause::INCOMPATIBLE_DESTINATION, Fate::Serves, true)),
    (535, decision(Cause::INCOMPATIBLE_DESTINATION, Fate::Serves, true)),
    (540, decision(Cause::NO_CIRCUIT_AVAILABLE, Fate::Suspect, true)),
];

/// What a code means. `category` is that of the code as its gateway's dialect has it.
fn of(code: ReturnCode, category: Category) -> Decision {
    let by_code = CODES.iter().find(|(own, _)| *own == code.get());
    let by_category = || CATEGORIES.iter().find(|(own, _)| *own == category);
    match by_code.map(|(_, row)| *row).or_else(|| by_category().map(|(_, row)| *row)) {
        Some(row) => row,
        None => decision(Cause::TEMPORARY_FAILURE, Fate::Serves, false),
    }
}

/// What a failure means.
pub(super) fn decide(failure: &Failure) -> Decision {
    match failure {
        Failure::Refused(refused) => of(refused.code, refused.category),
        // The loss and the restart are told by themselves, and change the line's state themselves.
        Failure::GatewayLost | Failure::Restarted => {
            decision(Cause::NETWORK_OUT_OF_ORDER, Fate::Serves, false)
        }
        Failure::UnknownEndpoint => decision(Cause::DESTINATION_OUT_OF_ORDER, Fate::Serves, true),
        Failure::BadAnswer => decision(Cause::PROTOCOL_ERROR, Fate::Serves, true),
        Failure::TooMany => decision(Cause::SWITCHING_EQUIPMENT_CONGESTION, Fate::Serves, true),
        Failure::Unanswered => decision(Cause::TEMPORARY_FAILURE, Fate::Serves, true),
        _ => decision(Cause::TEMPORARY_FAILURE, Fate::Serves, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: u16) -> Decision {
        let code = ReturnCode::new(code).unwrap();
        of(code, code.category())
    }

    #[test]
    fn each_category_has_its_decision() {
        for (codes, cause, line, alarm) in [
            (vec![400, 405, 406], Cause::TEMPORARY_FAILURE, Fate::Serves, false),
            (vec![501, 502, 520, 529, 531], Cause::DESTINATION_OUT_OF_ORDER, Fate::Broken, true),
            (
                vec![500, 503, 504, 510, 512, 513, 518, 539, 541],
                Cause::DESTINATION_OUT_OF_ORDER,
                Fate::Serves,
                true,
            ),
            (vec![401, 402, 515, 516, 519], Cause::TEMPORARY_FAILURE, Fate::Suspect, true),
            (vec![505, 506, 509, 527], Cause::INCOMPATIBLE_DESTINATION, Fate::Serves, false),
        ] {
            for code in codes {
                assert_eq!(row(code), decision(cause, line, alarm), "{code}");
            }
        }
    }

    #[test]
    fn each_code_without_a_category_has_a_row() {
        let without = (100..=999).filter_map(ReturnCode::new).filter(|code| code.name().is_some());
        for code in without.filter(|code| code.category() == Category::Specific) {
            assert!(CODES.iter().any(|(own, _)| *own == code.get()), "{code}");
        }
    }

    #[test]
    fn an_unknown_code_is_treated_as_the_one_that_it_folds_to() {
        assert_eq!(row(499), row(400));
        assert_eq!(row(599), row(510));
    }
}
