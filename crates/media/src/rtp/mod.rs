//! RTP: RFC 3550 section 5, with the payload types of RFC 3551.
//!
//! - `bursts`: how losses cluster (RFC 3611).
//! - `packet`: bytes to packet and back, without copying.
//! - `reception`: what a receiver knows of a source: Appendices A.1 (validity), A.3 (loss), A.8 (jitter).

mod bursts;
mod packet;
mod reception;

pub use bursts::{BurstSummary, Bursts, GAP_THRESHOLD};
pub use packet::{Csrcs, Extension, HEADER_LEN, RtpError, RtpHeader, RtpPacket, Rule};
pub use reception::{LossReport, Reception, SequenceCheck};

/// Static payload type of mu-law (RFC 3551 table 4).
pub const PCMU: u8 = 0;
/// Static payload type of A-law (RFC 3551 table 4).
pub const PCMA: u8 = 8;
/// Static payload type of G.722 (RFC 3551 table 4); its RTP clock is 8 kHz by an old error that became the rule.
pub const G722: u8 = 9;
/// Static payload type of comfort noise (RFC 3551 table 4, RFC 3389).
pub const COMFORT_NOISE: u8 = 13;
