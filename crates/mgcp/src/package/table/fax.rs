//! The rows of RFC 5347 section 2.2 (facsimile) and RFC 6498 section 4.1 (voiceband data).

use super::row;
use crate::package::Item;

pub(super) const FAX: &[Item] = &[
    row("gwfax", "gateway controlled fax").event(),
    row("nopfax", "no special fax handling").event(),
    row("t38", "T.38 fax relay").event(),
];

pub(super) const VOICEBAND: &[Item] = &[
    row("gwvbd", "gateway controlled voiceband data").event(),
    row("nopvbd", "no negotiated procedure for voiceband data").event(),
];
