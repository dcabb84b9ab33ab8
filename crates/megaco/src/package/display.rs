//! What telephones with a display are told: the analogue display signalling package of ITU-T H.248.23, which the public registry of
//! Megaco packages lists as `andisp`, 0x003c.
//!
//! Text is read and written by names alone. The numbers of the signals and of their parameters count from 1 in the order in which
//! H.248.23 defines them. The kinds of alerting that `data` may ask for before the message (`tas`) are not in the table: such a
//! parameter is kept as it is written.

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
