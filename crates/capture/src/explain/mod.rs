//! Messages explained: each field with its name, value, octets and clause; or the rule that is broken, and where.
//!
//! This is `strowger decode -`. Rooms: [`tree`], the outcome; `sdp`, `mgcp` with `values` and `names`, `megaco`, `sip`, `media`, `push` with `mms` and `wbxml`: one
//! reader for each protocol; [`input`]: what a person pastes, text or hexadecimal digits, as octets.

pub mod input;
pub mod tree;

mod media;
pub mod megaco;
mod mgcp;
mod mms;
mod names;
mod push;
mod sdp;
mod sip;
mod values;
mod wbxml;

use crate::protocol::Protocol;
use tree::Explained;

/// Explains one message, or one datagram of several.
#[must_use]
pub fn explain(protocol: Protocol, octets: &[u8]) -> Explained {
    match protocol {
        Protocol::Mgcp => mgcp::explain(octets),
        Protocol::Megaco => megaco::explain_megaco(octets, &strowger_megaco::binary::NamePlan::default()),
        Protocol::Sip => sip::explain(octets),
        Protocol::Sdp => sdp::explain(octets),
        Protocol::Rtp => media::explain_rtp(octets),
        Protocol::Rtcp => media::explain_rtcp(octets),
        Protocol::Push => push::explain(octets),
        Protocol::Mms => mms::explain(octets),
        Protocol::Sms => push::explain_sms(octets),
    }
}

/// Where a part that was borrowed from the whole stands in it.
fn place(whole: &[u8], part: &[u8]) -> Option<std::ops::Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}
