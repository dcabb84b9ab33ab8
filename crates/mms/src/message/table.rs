//! Which header field may, must or must not stand in which message (MMS ENC, the tables of section 6), as one table.

use super::codes::MessageType;
use super::field::FieldCode;

/// Whether a field stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Mandatory,
    /// It may.
    Optional,
    /// It must under a condition that the table cannot tell.
    Conditional,
    /// It must not.
    Forbidden,
}

/// A row for each field, in the order of the codes; a column for each message, in the order of its types:
///
/// ```text
/// SR send.req          SC send.conf          NI notification.ind   NR notifyresp.ind   RC retrieve.conf     AI acknowledge.ind
/// DI delivery.ind      RR read-rec.ind       RO read-orig.ind      FR forward.req      FC forward.conf
/// and of the box: store.req store.conf view.req view.conf upload.req upload.conf delete.req delete.conf descr,
/// then delete.req delete.conf cancel.req cancel.conf
/// ```
///
/// M mandatory, O optional, C conditional, `.` forbidden. Small letters are as far as is known: no published reading of the
/// standard was found that says so. They never refuse a message.
#[rustfmt::skip]
pub const PRESENCE: [(FieldCode, &str); 63] = [
    //                                  SSNNRADRRFF ssvvuuddd ddcc
    //                                  RCIRCIIRORC rcrcrcrce rcrc
    (FieldCode::Bcc,                   "O........O.........o...."),
    (FieldCode::Cc,                    "O...O....O.........o...."),
    (FieldCode::ContentLocation,       ".oM......Momooo.omoomo.."),
    (FieldCode::ContentType,           "M...M.........co...c...."),
    (FieldCode::Date,                  "O...M.MoMO.........o...."),
    (FieldCode::DeliveryReport,        "o.o.o....o.........o...."),
    (FieldCode::DeliveryTime,          "o........o.........o...."),
    (FieldCode::Expiry,                "o.M......o.........o...."),
    (FieldCode::From,                  "M.O.O..MMM.........o...."),
    (FieldCode::MessageClass,          "O.M.o..............o...."),
    (FieldCode::MessageId,             ".O..C.MMM.O........o...."),
    (FieldCode::MessageType,           "MMMMMMmmmMMmmmmmmmmmmmmm"),
    (FieldCode::MmsVersion,            "MMMMMMMMMMMmmmmmmmmmmmmm"),
    (FieldCode::MessageSize,           "..M................o...."),
    (FieldCode::Priority,              "o.o.o..............o...."),
    (FieldCode::ReadReport,            "o...o....o.........o...."),
    (FieldCode::ReportAllowed,         "...O.O...o.............."),
    (FieldCode::ResponseStatus,        ".M........M...m...m..m.."),
    (FieldCode::ResponseText,          ".O........o...o...o..o.."),
    (FieldCode::SenderVisibility,      "o......................."),
    (FieldCode::Status,                "...M..M................."),
    (FieldCode::Subject,               "O.O.O..............o...."),
    (FieldCode::To,                    "O...O.MMMO.........o...."),
    (FieldCode::TransactionId,         "MMMMCM...MMmmmmmmmm.mmmm"),
    (FieldCode::RetrieveStatus,        "....O..................."),
    (FieldCode::RetrieveText,          "....O..................."),
    (FieldCode::ReadStatus,            ".......MM..............."),
    (FieldCode::ReplyCharging,         "o.o.o....o.........o...."),
    (FieldCode::ReplyChargingDeadline, "o.o.o....o.........o...."),
    (FieldCode::ReplyChargingId,       "o.o.o....o.........o...."),
    (FieldCode::ReplyChargingSize,     "o.o.o....o.........o...."),
    (FieldCode::PreviouslySentBy,      "....o..............o...."),
    (FieldCode::PreviouslySentDate,    "....o..............o...."),
    (FieldCode::Store,                 "o........o.............."),
    (FieldCode::MmState,               "o...o....o.o.oooo..o...."),
    (FieldCode::MmFlags,               "o...o....o.o.oooo..o...."),
    (FieldCode::StoreStatus,           ".c........c.m...m......."),
    (FieldCode::StoreStatusText,       ".o........o.o...o......."),
    (FieldCode::Stored,                "..o....................."),
    (FieldCode::Attributes,            ".............oo....o...."),
    (FieldCode::Totals,                ".............o.........."),
    (FieldCode::MboxTotals,            "..............o........."),
    (FieldCode::Quotas,                ".............o.........."),
    (FieldCode::MboxQuotas,            "..............o........."),
    (FieldCode::MessageCount,          "..............o........."),
    (FieldCode::Content,               "...................o...."),
    (FieldCode::Start,                 ".............oo........."),
    (FieldCode::AdditionalHeaders,     "...................o...."),
    (FieldCode::DistributionIndicator, "..o.o..................."),
    (FieldCode::ElementDescriptor,     "..o....................."),
    (FieldCode::Limit,                 ".............oo........."),
    (FieldCode::RecommendedRetrievalMode,     "..o....................."),
    (FieldCode::RecommendedRetrievalModeText, "..o....................."),
    (FieldCode::StatusText,            "......o................."),
    (FieldCode::ApplicId,              "o.o.o.ooo..............."),
    (FieldCode::ReplyApplicId,         "o.o.o.ooo..............."),
    (FieldCode::AuxApplicInfo,         "o.o.o.ooo..............."),
    (FieldCode::ContentClass,          "O.o.o..............o...."),
    (FieldCode::DrmContent,            "o.o.o..............o...."),
    (FieldCode::AdaptationAllowed,     "o......................."),
    (FieldCode::ReplaceId,             "o.o.o..............o...."),
    (FieldCode::CancelId,              "......................m."),
    (FieldCode::CancelStatus,          ".......................m"),
];

/// The columns of the table.
const COLUMNS: usize = 24;

/// What the table says, each column as bits: bit 0 is code 80.
struct Masks {
    /// What is mandatory by a published reading: without any of these a message is refused.
    required: [u64; COLUMNS],
    /// What is mandatory.
    mandatory: [u64; COLUMNS],
    conditional: [u64; COLUMNS],
    optional: [u64; COLUMNS],
}

const MASKS: Masks = masks();

#[allow(clippy::indexing_slicing, reason = "computed at build time: out of bounds does not build")]
const fn masks() -> Masks {
    let empty = [0; COLUMNS];
    let mut masks = Masks { required: empty, mandatory: empty, conditional: empty, optional: empty };
    let mut row = 0;
    while row < PRESENCE.len() {
        let bit = 1_u64 << (PRESENCE[row].0.code() & 0x3f);
        let cells = PRESENCE[row].1.as_bytes();
        assert!(cells.len() == COLUMNS, "a row has a cell for each message");
        let mut column = 0;
        while column < COLUMNS {
            match cells[column] {
                b'M' => {
                    masks.required[column] |= bit;
                    masks.mandatory[column] |= bit;
                }
                b'm' => masks.mandatory[column] |= bit,
                b'C' | b'c' => masks.conditional[column] |= bit,
                b'O' | b'o' => masks.optional[column] |= bit,
                _ => {}
            }
            column += 1;
        }
        row += 1;
    }
    masks
}

fn column(kind: MessageType) -> Option<usize> {
    usize::from(kind.code()).checked_sub(0x80).filter(|column| *column < COLUMNS)
}

/// Whether a field stands in a message. Fields and messages that are not known have no rule: optional.
#[must_use]
pub fn presence(kind: MessageType, field: FieldCode) -> Presence {
    let (Some(column), 0x80..=0xbf) = (column(kind), field.code()) else { return Presence::Optional };
    let bit = 1 << (field.code() & 0x3f);
    let has = |masks: &[u64; COLUMNS]| masks.get(column).is_some_and(|mask| mask & bit != 0);
    if has(&MASKS.mandatory) {
        Presence::Mandatory
    } else if has(&MASKS.conditional) {
        Presence::Conditional
    } else if has(&MASKS.optional) {
        Presence::Optional
    } else {
        Presence::Forbidden
    }
}

/// Whether a published reading of the standard, or what deployed receivers insist on, confirms the cell of the table.
#[must_use]
pub fn is_confirmed(kind: MessageType, field: FieldCode) -> bool {
    let row = PRESENCE.iter().find(|(code, _)| *code == field);
    let cell = column(kind).and_then(|column| row?.1.as_bytes().get(column));
    cell.is_some_and(u8::is_ascii_uppercase)
}

/// The fields without which a message is refused, as bits from code 80.
#[inline]
pub(crate) fn required(kind: MessageType) -> u64 {
    column(kind).and_then(|column| MASKS.required.get(column)).copied().unwrap_or_default()
}

/// The fields that are not forbidden, as bits from code 80.
pub(crate) fn allowed(kind: MessageType) -> u64 {
    let of = |masks: &[u64; COLUMNS]| column(kind).and_then(|column| masks.get(column)).copied();
    match (of(&MASKS.mandatory), of(&MASKS.conditional), of(&MASKS.optional)) {
        (Some(mandatory), Some(conditional), Some(optional)) => mandatory | conditional | optional,
        // Of a message that is not known nothing is known.
        _ => u64::MAX,
    }
}

/// The fields that are mandatory, as bits from code 80.
pub(crate) fn mandatory(kind: MessageType) -> u64 {
    column(kind).and_then(|column| MASKS.mandatory.get(column)).copied().unwrap_or_default()
}

/// Whether a message may have a body, which then begins behind its content type.
#[inline]
#[must_use]
pub const fn has_body(kind: MessageType) -> bool {
    matches!(
        kind,
        MessageType::SendReq
            | MessageType::RetrieveConf
            | MessageType::MboxViewConf
            | MessageType::MboxUploadReq
            | MessageType::MboxDescr
            | MessageType::Unknown(_)
    )
}
