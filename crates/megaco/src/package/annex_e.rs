//! The packages of RFC 3525 Annex E, in its order, with what versions 2 and 3 added to `root`.

use super::{Access, ItemRow, Package, ParameterRow, Place, Type, key};
use crate::message::SignalType;

pub(super) const fn property(
    name: &'static str,
    id: u16,
    kind: Type,
    place: Place,
    access: Access,
) -> ItemRow {
    ItemRow { place: Some(place), access, ..statistic(name, id, kind) }
}

pub(super) const fn event(
    name: &'static str,
    id: u16,
    parameters: &'static [ParameterRow],
    observed: &'static [ParameterRow],
) -> ItemRow {
    ItemRow { parameters, observed, ..statistic(name, id, Type::None) }
}

pub(super) const fn signal(
    name: &'static str,
    id: u16,
    kind: SignalType,
    parameters: &'static [ParameterRow],
) -> ItemRow {
    ItemRow { signal: Some(kind), parameters, ..statistic(name, id, Type::None) }
}

pub(super) const fn statistic(name: &'static str, id: u16, kind: Type) -> ItemRow {
    ItemRow {
        name,
        id,
        key: key(name.as_bytes()),
        kind,
        place: None,
        access: Access::ReadWrite,
        signal: None,
        parameters: &[],
        observed: &[],
    }
}

pub(super) const fn parameter(name: &'static str, id: u16, kind: Type) -> ParameterRow {
    ParameterRow { name, id, kind }
}

pub(super) const fn empty(name: &'static str, id: u16, version: u8) -> Package {
    Package {
        name,
        id,
        key: key(name.as_bytes()),
        version,
        extends: None,
        is_base: false,
        properties: &[],
        events: &[],
        signals: &[],
        statistics: &[],
    }
}

/// Milliseconds, hertz and counts.
pub(super) const NUMBER: Type = Type::INTEGER;

/// E.1.
pub(super) static G: Package = Package {
    events: &[
        event(
            "cause",
            1,
            &[],
            &[
                parameter(
                    "Generalcause",
                    1,
                    Type::Enumeration(&[("NR", 1), ("UR", 2), ("FT", 3), ("FP", 4), ("IW", 5), ("UN", 6)]),
                ),
                parameter("Failurecause", 2, Type::Octets),
            ],
        ),
        event(
            "sc",
            2,
            &[],
            &[
                parameter("SigID", 1, Type::Signal),
                parameter("Meth", 2, Type::Enumeration(&[("TO", 1), ("EV", 2), ("SD", 3), ("NC", 4)])),
                parameter("SLID", 3, NUMBER),
                // Of version 3 of the protocol; its text was not at hand.
                parameter("RID", 4, NUMBER),
            ],
        ),
    ],
    ..empty("g", 1, 1)
};

const fn root(name: &'static str, id: u16, access: Access) -> ItemRow {
    property(name, id, NUMBER, Place::TerminationState, access)
}

/// E.2; 7 and 8 are of version 2 of the package, 9 to 12 of version 3 of the protocol.
pub(super) static ROOT: Package = Package {
    properties: &[
        property("maxNumberOfContexts", 1, Type::Double, Place::TerminationState, Access::ReadOnly),
        root("maxTerminationsPerContext", 2, Access::ReadOnly),
        root("normalMGExecutionTime", 3, Access::ReadWrite),
        root("normalMGCExecutionTime", 4, Access::ReadWrite),
        root("MGProvisionalResponseTimerValue", 5, Access::ReadWrite),
        root("MGCProvisionalResponseTimerValue", 6, Access::ReadWrite),
        root("MGCOriginatedPendingLimit", 7, Access::ReadWrite),
        root("MGOriginatedPendingLimit", 8, Access::ReadWrite),
        root("MGSegmentationTimerValue", 9, Access::ReadWrite),
        root("MGCSegmentationTimerValue", 0xa, Access::ReadWrite),
        root("MGMaxPDUSize", 0xb, Access::ReadWrite),
        root("MGCMaxPDUSize", 0xc, Access::ReadWrite),
    ],
    ..empty("root", 2, 2)
};

/// The tones of the packages that extend E.3 and E.4. As a list of one identifier, the wildcard is `*` and 0.
static TONES: Type = Type::Enumeration(&[
    ("*", 0),
    ("d0", 0x10),
    ("d1", 0x11),
    ("d2", 0x12),
    ("d3", 0x13),
    ("d4", 0x14),
    ("d5", 0x15),
    ("d6", 0x16),
    ("d7", 0x17),
    ("d8", 0x18),
    ("d9", 0x19),
    ("da", 0x1a),
    ("db", 0x1b),
    ("dc", 0x1c),
    ("dd", 0x1d),
    ("ds", 0x20),
    ("do", 0x21),
    ("dt", 0x30),
    ("rt", 0x31),
    ("bt", 0x32),
    ("ct", 0x33),
    ("sit", 0x34),
    ("wt", 0x35),
    ("prt", 0x36),
    ("cw", 0x37),
    ("cr", 0x38),
]);

/// E.3.
pub(super) static TONEGEN: Package = Package {
    is_base: true,
    signals: &[signal(
        "pt",
        1,
        SignalType::Brief,
        &[parameter("tl", 1, Type::List(&TONES)), parameter("ind", 2, NUMBER)],
    )],
    ..empty("tonegen", 3, 1)
};

const TONE_LIST: ParameterRow = parameter("tl", 1, Type::List(&TONES));
const TONE: ParameterRow = parameter("tid", 3, TONES);
const TONE_DURATION: ParameterRow = parameter("dur", 2, NUMBER);

/// E.4.
pub(super) static TONEDET: Package = Package {
    is_base: true,
    events: &[
        event("std", 1, &[TONE_LIST], &[TONE]),
        event("etd", 2, &[TONE_LIST], &[TONE, TONE_DURATION]),
        event("ltd", 3, &[TONE_LIST, TONE_DURATION], &[TONE]),
    ],
    ..empty("tonedet", 4, 1)
};

const fn brief(name: &'static str, id: u16) -> ItemRow {
    signal(name, id, SignalType::Brief, &[])
}

/// E.5.
pub(super) static DG: Package = Package {
    extends: Some(&TONEGEN),
    signals: &[
        brief("d0", 0x10),
        brief("d1", 0x11),
        brief("d2", 0x12),
        brief("d3", 0x13),
        brief("d4", 0x14),
        brief("d5", 0x15),
        brief("d6", 0x16),
        brief("d7", 0x17),
        brief("d8", 0x18),
        brief("d9", 0x19),
        brief("ds", 0x20),
        brief("do", 0x21),
        brief("da", 0x1a),
        brief("db", 0x1b),
        brief("dc", 0x1c),
        brief("dd", 0x1d),
    ],
    ..empty("dg", 5, 1)
};

const fn bare(name: &'static str, id: u16) -> ItemRow {
    event(name, id, &[], &[])
}

/// E.6.
pub(super) static DD: Package = Package {
    extends: Some(&TONEDET),
    events: &[
        event(
            "ce",
            4,
            &[],
            &[
                parameter("ds", 1, Type::String),
                parameter("Meth", 3, Type::Enumeration(&[("UM", 1), ("PM", 2), ("FM", 3)])),
            ],
        ),
        bare("d0", 0x10),
        bare("d1", 0x11),
        bare("d2", 0x12),
        bare("d3", 0x13),
        bare("d4", 0x14),
        bare("d5", 0x15),
        bare("d6", 0x16),
        bare("d7", 0x17),
        bare("d8", 0x18),
        bare("d9", 0x19),
        bare("ds", 0x20),
        bare("do", 0x21),
        bare("da", 0x1a),
        bare("db", 0x1b),
        bare("dc", 0x1c),
        bare("dd", 0x1d),
    ],
    ..empty("dd", 6, 1)
};

const fn timed(name: &'static str, id: u16) -> ItemRow {
    signal(name, id, SignalType::TimeOut, &[])
}

/// E.7.
pub(super) static CG: Package = Package {
    extends: Some(&TONEGEN),
    signals: &[
        timed("dt", 0x30),
        timed("rt", 0x31),
        timed("bt", 0x32),
        timed("ct", 0x33),
        timed("sit", 0x34),
        timed("wt", 0x35),
        timed("prt", 0x36),
        timed("cw", 0x37),
        timed("cr", 0x38),
    ],
    ..empty("cg", 7, 1)
};

/// E.8.
pub(super) static CD: Package = Package {
    extends: Some(&TONEDET),
    events: &[
        bare("dt", 0x30),
        bare("rt", 0x31),
        bare("bt", 0x32),
        bare("ct", 0x33),
        bare("sit", 0x34),
        bare("wt", 0x35),
        bare("prt", 0x36),
        bare("cw", 0x37),
        bare("cr", 0x38),
    ],
    ..empty("cd", 8, 1)
};

const STRICT: &[ParameterRow] =
    &[parameter("strict", 1, Type::Enumeration(&[("exact", 0), ("state", 1), ("failWrong", 2)]))];
const INIT: &[ParameterRow] = &[parameter("init", 2, Type::Boolean)];

/// E.9.
pub(super) static AL: Package = Package {
    events: &[
        event("on", 4, STRICT, INIT),
        event("of", 5, STRICT, INIT),
        event("fl", 6, &[parameter("mindur", 4, NUMBER), parameter("maxdur", 5, NUMBER)], &[]),
    ],
    signals: &[signal(
        "ri",
        2,
        SignalType::TimeOut,
        &[parameter("cad", 6, Type::List(&NUMBER)), parameter("freq", 7, NUMBER)],
    )],
    ..empty("al", 9, 1)
};

/// E.10.
pub(super) static CT: Package = Package {
    events: &[event(
        "cmp",
        5,
        &[],
        &[parameter("res", 8, Type::Enumeration(&[("success", 1), ("failure", 0)]))],
    )],
    signals: &[timed("ct", 3), signal("rsp", 4, SignalType::OnOff, &[])],
    ..empty("ct", 0xa, 1)
};

const PERCENT: Type = Type::Integer(0, 99);

/// E.11.
pub(super) static NT: Package = Package {
    properties: &[property("jit", 7, NUMBER, Place::LocalControl, Access::ReadWrite)],
    events: &[
        event("netfail", 5, &[], &[parameter("cs", 1, Type::String)]),
        event("qualert", 6, &[parameter("th", 1, PERCENT)], &[parameter("th", 1, PERCENT)]),
    ],
    statistics: &[
        statistic("dur", 1, Type::Double),
        statistic("os", 2, Type::Double),
        statistic("or", 3, Type::Double),
    ],
    ..empty("nt", 0xb, 1)
};

/// E.12. Encoding names have no numbers: they stay words.
pub(super) static RTP: Package = Package {
    extends: Some(&NT),
    events: &[event("pltrans", 1, &[], &[parameter("rtppltype", 1, Type::List(&Type::Word))])],
    statistics: &[
        statistic("ps", 4, Type::Double),
        statistic("pr", 5, Type::Double),
        statistic("pl", 6, Type::Fraction),
        statistic("jit", 7, Type::Double),
        statistic("delay", 8, Type::Double),
    ],
    ..empty("rtp", 0xc, 1)
};

/// E.13.
pub(super) static TDMC: Package = Package {
    extends: Some(&NT),
    properties: &[
        property("ec", 8, Type::Boolean, Place::LocalControl, Access::ReadWrite),
        property("gain", 0xa, NUMBER, Place::LocalControl, Access::ReadWrite),
    ],
    ..empty("tdmc", 0xd, 1)
};
