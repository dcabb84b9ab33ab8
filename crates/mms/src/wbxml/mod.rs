//! WBXML (1.1 to 1.3) and the documents of push.
//!
//! - [`document`]: [`Document`], checked once, then read as a run of [`Token`]s. [`table`]: public identifiers, tags, attributes.
//! - [`push`]: [`ServiceIndication`], [`ServiceLoading`], [`CacheOperation`], [`EmailNotification`], from and to WBXML and XML.
//!   `element`: the small trees behind them.
//! - [`is_provisioning`]: what a handset must not take from a stranger.

pub mod document;
pub mod push;
pub mod table;

mod element;

pub use document::{Document, Name, Piece, PublicId, Token};
pub use push::{
    CacheOperation, EmailNotification, Invalidate, Load, ServiceIndication, ServiceLoading, Signal,
};
pub use table::Language;

use crate::wsp::{ContentType, MediaType};

/// Whether a push would provision the handset (OMA client provisioning): by its media type, or by the public identifier of its
/// document under another type. Such a push redirects all traffic and must be authenticated, or be refused.
#[must_use]
pub fn is_provisioning(content_type: &ContentType<'_>, data: &[u8]) -> bool {
    let media = &content_type.media;
    if media.is(&MediaType::PROVISIONING) || media.is(&MediaType::named("text/vnd.wap.connectivity-xml")) {
        return true;
    }
    // Version 1.1 to 1.3, and the number of the document type.
    let is_document = media.is(&MediaType::named("application/vnd.wap.wbxml"))
        || media.name().is_some_and(|name| name.to_ascii_lowercase().contains("wbxml"));
    is_document && matches!(data, [1..=3, number, ..] if u32::from(*number) == table::PROVISIONING)
}
