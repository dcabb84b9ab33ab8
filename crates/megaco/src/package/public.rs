//! Public packages of other Recommendations, under the identifiers that IANA has given them: call-type discrimination (H.248.2), generic
//! announcements (H.248.7), overload (H.248.11), inactivity (H.248.14).
//!
//! The RFCs do not print them. Of call-type discrimination the tables hold the event of its tones and nothing else; tones are words
//! in text, and numbers in the binary form.

use super::annex_e::{NUMBER, empty, event, parameter, signal};
use super::{Package, Type};
use crate::message::SignalType;

/// H.248.2: a tone by which a fax, a modem or a text telephone makes itself known.
pub(super) static CTYP: Package = Package {
    events: &[event("dtone", 1, &[], &[parameter("dtt", 1, Type::Word)])],
    ..empty("ctyp", 0x11, 1)
};

/// To whom an announcement is played: out of the context, into it, or both.
const DIRECTION: Type = Type::Enumeration(&[("ext", 1), ("int", 2), ("both", 3)]);

/// H.248.7: announcements with and without variable parts.
pub(super) static AN: Package = Package {
    signals: &[
        signal(
            "apf",
            1,
            SignalType::TimeOut,
            &[
                parameter("an", 1, NUMBER),
                parameter("noc", 2, NUMBER),
                parameter("av", 3, Type::String),
                parameter("di", 4, DIRECTION),
            ],
        ),
        signal(
            "apv",
            2,
            SignalType::TimeOut,
            &[
                parameter("an", 1, NUMBER),
                parameter("noc", 2, NUMBER),
                parameter("av", 3, Type::String),
                parameter("num", 4, NUMBER),
                parameter("spi", 5, NUMBER),
                parameter("sp", 6, Type::String),
                parameter("di", 7, DIRECTION),
            ],
        ),
    ],
    ..empty("an", 0x1d, 1)
};

/// Hundredths of a second, at least one.
const SILENCE: Type = Type::Integer(1, i32::MAX as i64);

/// H.248.14: the controller has been silent for too long.
pub(super) static IT: Package =
    Package { events: &[event("ito", 1, &[parameter("mit", 1, SILENCE)], &[])], ..empty("it", 0x45, 1) };

/// H.248.11: the gateway was asked to add a termination while it has too much to do.
pub(super) static OCP: Package =
    Package { events: &[event("mg_overload", 1, &[], &[])], ..empty("ocp", 0x51, 1) };
