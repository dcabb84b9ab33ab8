//! Telephone events in RTP: RFC 4733 sections 2 and 3.
//!
//! - `payload`: the four octets of an event report.
//! - `sender`: events as packets: updates, segments of long events, the final report three times.
//! - `receiver`: packets as events, whatever was lost, repeated or reordered on the way.
//!
//! Limits: no redundancy payload (RFC 2198), no tone payload (section 4).

mod payload;
mod receiver;
mod sender;

pub use payload::EventReport;
pub use receiver::{EventChange, EventReceiver};
pub use sender::{EventSender, OutgoingReport};

/// The longest duration that one report expresses: 8.19 s at 8 kHz (section 2.5.1.3).
pub(crate) const MAX_DURATION: u16 = 0xFFFF;
