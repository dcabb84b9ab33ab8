//! What a gateway's error code means, in the words of the lines: the code of RFC 3435 that calls for the same decision.

use strowger_megaco::error::ErrorCode;
use strowger_mgcp::agent::{Failure, Refused};
use strowger_mgcp::message::ReturnCode;

/// Error codes of H.248.8 and the return codes that stand for them. What is not here is a temporary failure.
const CODES: [(ErrorCode, ReturnCode); 37] = [
    (ErrorCode::UNAUTHORISED, ReturnCode::FACILITY),
    (ErrorCode::UNKNOWN_CONTEXT, ReturnCode::CONNECTION_ID),
    (ErrorCode::NO_CONTEXT_ID, ReturnCode::NO_RESOURCES_NOW),
    (ErrorCode::UNKNOWN_TERMINATION, ReturnCode::UNKNOWN_ENDPOINT),
    (ErrorCode::NO_MATCH, ReturnCode::UNKNOWN_ENDPOINT),
    (ErrorCode::NO_TERMINATION_ID, ReturnCode::NO_RESOURCES_NOW),
    (ErrorCode::ALREADY_IN_CONTEXT, ReturnCode::CONNECTION_LIMIT),
    (ErrorCode::CONTEXT_FULL, ReturnCode::CONNECTION_LIMIT),
    (ErrorCode::NOT_IN_CONTEXT, ReturnCode::CONNECTION_ID),
    (ErrorCode::UNKNOWN_PACKAGE, ReturnCode::PACKAGE),
    (ErrorCode::MISSING_REMOTE, ReturnCode::NO_REMOTE_DESCRIPTOR),
    (ErrorCode::UNKNOWN_DESCRIPTOR, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::UNKNOWN_PROPERTY, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::UNKNOWN_PARAMETER, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::DESCRIPTOR_ILLEGAL, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::UNKNOWN_VALUE, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::NO_PROPERTY, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::NO_EVENT, ReturnCode::CANNOT_DETECT),
    (ErrorCode::NO_SIGNAL, ReturnCode::CANNOT_SIGNAL),
    (ErrorCode::NO_PARAMETER_VALUE, ReturnCode::EVENT_PARAMETER),
    (ErrorCode::PROPERTY_ILLEGAL, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::MISSING_PARAMETER, ReturnCode::EVENT_PARAMETER),
    (ErrorCode::SERVICE_UNAVAILABLE, ReturnCode::RESTARTING),
    (ErrorCode::NOT_READY, ReturnCode::RESTARTING),
    (ErrorCode::BEFORE_SERVICE_CHANGE, ReturnCode::RESTARTING),
    (ErrorCode::INSUFFICIENT_RESOURCES, ReturnCode::NO_RESOURCES_NOW),
    (ErrorCode::NO_EVENT_EQUIPMENT, ReturnCode::CANNOT_DETECT),
    (ErrorCode::NO_SIGNAL_EQUIPMENT, ReturnCode::CANNOT_SIGNAL),
    (ErrorCode::UNSUPPORTED_MEDIA, ReturnCode::CODEC_NEGOTIATION),
    (ErrorCode::INVALID_MODE, ReturnCode::MODE),
    (ErrorCode::NO_DIGIT_MAP_SPACE, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::SERVICE_CHANGING, ReturnCode::RESTARTING),
    (ErrorCode::INSUFFICIENT_BANDWIDTH, ReturnCode::NO_BANDWIDTH_NOW),
    (ErrorCode::HARDWARE_FAILURE, ReturnCode::HARDWARE),
    (ErrorCode::PERMANENT_NETWORK_FAILURE, ReturnCode::FACILITY),
    (ErrorCode::COMMAND_ILLEGAL, ReturnCode::COMMAND_PARAMETER),
    (ErrorCode::NOT_IMPLEMENTED, ReturnCode::COMMAND_PARAMETER),
];

/// The refusal that a code is. `hook` is what an unexpected state of the hook means for the order (RFC 3525 Annex E.9.6).
pub(super) fn refused(code: ErrorCode, hook: Option<ReturnCode>) -> Failure {
    let found = CODES.iter().find(|(own, _)| *own == code).map(|(_, meant)| *meant);
    let meant = if code == ErrorCode::HOOK_STATE { hook.or(found) } else { found };
    let meant = meant.unwrap_or(ReturnCode::TRANSIENT);
    let commentary = Some(format!("Megaco {code}"));
    Failure::Refused(Refused { code: meant, category: meant.category(), commentary })
}

#[cfg(test)]
mod tests {
    use strowger_mgcp::message::Category;

    use super::*;

    #[test]
    fn a_code_leads_to_the_decision_that_it_calls_for() {
        let of = |code, hook| refused(code, hook).category();
        for (code, category) in [
            (ErrorCode::UNKNOWN_TERMINATION, Category::ProvisioningMismatch),
            (ErrorCode::UNKNOWN_PACKAGE, Category::ProvisioningMismatch),
            (ErrorCode::UNKNOWN_CONTEXT, Category::StateMismatch),
            (ErrorCode::HARDWARE_FAILURE, Category::ServiceFailure),
            (ErrorCode::NOT_READY, Category::TemporaryFailure),
            (ErrorCode::INTERNAL, Category::TemporaryFailure),
        ] {
            assert_eq!(of(code, None), category, "{code}");
        }
        let hook = refused(ErrorCode::HOOK_STATE, Some(ReturnCode::OFF_HOOK));
        assert!(matches!(hook, Failure::Refused(refused) if refused.code == ReturnCode::OFF_HOOK));
    }
}
