//! Why a command is refused: the code of RFC 3435 section 2.4 and a few words for the operator who reads the trace.

pub(super) use crate::text::Refusal;

use crate::message::ReturnCode;

/// A refusal with these words: constant text, so that no answer carries what the peer sent.
pub(super) fn refuse(code: ReturnCode, commentary: &'static str) -> Refusal {
    Refusal::new(code, commentary)
}
