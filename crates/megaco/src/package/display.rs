//! What telephones with a display are told: the analogue display signalling package of ITU-T H.248.23, `andisp`.
//!
//! Text is read and written by names alone. The numbers matter to BER, and the text of H.248.23 was not at hand: 0x003c for the package is
//! what one public summary of the registry says; that signals and their parameters count from 1 in this order is taken on trust until a
//! gateway of another make confirms it. The kinds of alerting that `data` may ask for before the message (`tas`) are not in the table:
//! such a parameter is kept as it is written.

use super::annex_e::{empty, parameter, signal};
use super::{Package, Type};
use crate::message::SignalType;

/// The package.
pub(super) static ANDISP: Package = Package {
    signals: &[
        signal(
            "dwa",
            1,
            SignalType::TimeOut,
            &[parameter("ddb", 1, Type::Octets), parameter("pattern", 2, Type::Integer(1, 256))],
        ),
        signal("data", 2, SignalType::Brief, &[parameter("ddb", 1, Type::Octets)]),
    ],
    ..empty("andisp", 0x3c, 1)
};
