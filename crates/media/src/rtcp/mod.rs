//! RTCP: RFC 3550 section 6.
//!
//! - `packet`: compound packets read, after the checks of Appendix A.2.
//! - `build`: compound packets written.
//! - `extended`: extended reports (RFC 3611), VoIP metrics among them.
//! - `schedule`: when the next report is due: sections 6.2 and 6.3, Appendix A.7.
//! - `ntp`: the 64-bit wall clock of reports.

mod build;
mod extended;
mod ntp;
mod packet;
mod schedule;

pub use build::{CompoundBuilder, SenderInfo};
pub use extended::{EXTENDED_REPORT, ExtendedBlock, UNKNOWN, VoipMetrics};
pub use ntp::NtpTime;
pub(crate) use ntp::{span, units};
pub use packet::{
    Chunk, Chunks, Compound, Leaving, ReportBlock, ReportBlocks, RtcpError, RtcpPacket, RtcpRule, SdesItem,
};
pub use schedule::{Membership, Schedule};

/// Packet type of a sender report.
pub const SENDER_REPORT: u8 = 200;
/// Packet type of a receiver report.
pub const RECEIVER_REPORT: u8 = 201;
/// Packet type of a source description.
pub const SOURCE_DESCRIPTION: u8 = 202;
/// Packet type of a goodbye.
pub const GOODBYE: u8 = 203;
/// Packet type of an application-defined packet.
pub const APPLICATION: u8 = 204;
/// Item type of the canonical name in a source description.
pub const CNAME: u8 = 1;
