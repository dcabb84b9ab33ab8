//! Status codes and the causes of Q.850 (RFC 3398 sections 7.2.4.1 and 8.2.6.1).
//!
//! Causes are numbers here: the crate that makes calls has names for them.

use crate::message::Status;

/// Which status refuses a call for a cause (RFC 3398 section 7.2.4.1).
const STATUS_OF_CAUSE: &[(u8, Status)] = &[
    (1, Status::NOT_FOUND),
    (2, Status::NOT_FOUND),
    (3, Status::NOT_FOUND),
    (17, Status::BUSY_HERE),
    (18, Status::REQUEST_TIMEOUT),
    (19, Status::TEMPORARILY_UNAVAILABLE),
    (20, Status::TEMPORARILY_UNAVAILABLE),
    (21, Status::FORBIDDEN),
    (22, Status::GONE),
    (23, Status::GONE),
    (26, Status::NOT_FOUND),
    (27, Status::BAD_GATEWAY),
    (28, Status::ADDRESS_INCOMPLETE),
    (29, Status::NOT_IMPLEMENTED),
    (31, Status::TEMPORARILY_UNAVAILABLE),
    (34, Status::SERVICE_UNAVAILABLE),
    (38, Status::SERVICE_UNAVAILABLE),
    (41, Status::SERVICE_UNAVAILABLE),
    (42, Status::SERVICE_UNAVAILABLE),
    (47, Status::SERVICE_UNAVAILABLE),
    (55, Status::FORBIDDEN),
    (57, Status::FORBIDDEN),
    (58, Status::SERVICE_UNAVAILABLE),
    (65, Status::NOT_ACCEPTABLE_HERE),
    (70, Status::NOT_ACCEPTABLE_HERE),
    (79, Status::NOT_IMPLEMENTED),
    (87, Status::FORBIDDEN),
    (88, Status::SERVICE_UNAVAILABLE),
    (102, Status::SERVER_TIMEOUT),
    (111, Status::SERVER_INTERNAL_ERROR),
    (127, Status::SERVER_INTERNAL_ERROR),
];

/// Which cause a refusal means (RFC 3398 section 8.2.6.1).
const CAUSE_OF_STATUS: &[(Status, u8)] = &[
    // What is not followed (section 8.2.5).
    (Status::MULTIPLE_CHOICES, 23),
    (Status::MOVED_PERMANENTLY, 23),
    (Status::MOVED_TEMPORARILY, 23),
    (Status::BAD_REQUEST, 41),
    (Status::UNAUTHORIZED, 21),
    (Status::PAYMENT_REQUIRED, 21),
    (Status::FORBIDDEN, 21),
    (Status::NOT_FOUND, 1),
    (Status::METHOD_NOT_ALLOWED, 63),
    (Status::NOT_ACCEPTABLE, 79),
    (Status::PROXY_AUTHENTICATION_REQUIRED, 21),
    (Status::REQUEST_TIMEOUT, 102),
    (Status::GONE, 22),
    (Status::MESSAGE_TOO_LARGE, 127),
    (Status::URI_TOO_LONG, 127),
    (Status::UNSUPPORTED_MEDIA_TYPE, 79),
    (Status::UNSUPPORTED_URI_SCHEME, 127),
    (Status::BAD_EXTENSION, 127),
    (Status::EXTENSION_REQUIRED, 127),
    (Status::INTERVAL_TOO_BRIEF, 127),
    (Status::TEMPORARILY_UNAVAILABLE, 18),
    (Status::NO_SUCH_CALL, 41),
    (Status::LOOP_DETECTED, 25),
    (Status::TOO_MANY_HOPS, 25),
    (Status::ADDRESS_INCOMPLETE, 28),
    (Status::AMBIGUOUS, 1),
    (Status::BUSY_HERE, 17),
    // RFC 3398 leaves 488 to the Warning; without one a bearer capability is what was refused.
    (Status::NOT_ACCEPTABLE_HERE, 65),
    (Status::SERVER_INTERNAL_ERROR, 41),
    (Status::NOT_IMPLEMENTED, 79),
    (Status::BAD_GATEWAY, 38),
    (Status::SERVICE_UNAVAILABLE, 41),
    (Status::SERVER_TIMEOUT, 102),
    (Status::VERSION_NOT_SUPPORTED, 127),
    (Status::SERVER_MESSAGE_TOO_LARGE, 127),
    (Status::BUSY_EVERYWHERE, 17),
    (Status::DECLINE, 21),
    (Status::DOES_NOT_EXIST_ANYWHERE, 1),
    (Status::NOT_ACCEPTABLE_ANYWHERE, 65),
];

/// The status that refuses a call for this cause; 500 for causes that the table does not have. Cause 16 refuses nothing (the
/// table has a line in its place): where a call is not taken for no other reason, that is 480.
#[must_use]
pub fn status_of_cause(cause: u8) -> Status {
    let listed = STATUS_OF_CAUSE.iter().find(|(own, _)| *own == cause).map(|(_, status)| *status);
    match cause {
        16 => Status::TEMPORARILY_UNAVAILABLE,
        _ => listed.unwrap_or(Status::SERVER_INTERNAL_ERROR),
    }
}

/// The cause that a refusal with this status means; 31 for statuses that the table does not have.
#[must_use]
pub fn cause_of_status(status: Status) -> u8 {
    CAUSE_OF_STATUS.iter().find(|(own, _)| *own == status).map_or(31, |(_, cause)| *cause)
}
