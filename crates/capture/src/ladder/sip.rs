//! Messages of SIP: one entry each.

use std::fmt::Write as _;

use strowger_sip::message::{Name, StartLine};
use strowger_sip::{Limits, text};

use super::entry::{EntryKind, Verdict};
use super::{Frame, Ladder, media};
use crate::escape::escape;
use crate::protocol::Protocol;

impl Ladder {
    pub(super) fn sip(&mut self, frame: &Frame<'_>) {
        if text::is_keep_alive(frame.octets) {
            return;
        }
        let limits = Limits::default();
        let message = match text::decode(frame.octets, &limits) {
            Ok(message) => message,
            Err(error) => {
                let mut entry = self.blank(frame, Protocol::Sip, EntryKind::Undecodable);
                entry.verdict = Verdict::Malformed;
                entry.summary = escape(&format!("SIP malformed {error}")).to_string();
                return self.push(entry);
            }
        };
        let number = message.header.get(&Name::CSeq).unwrap_or_default();
        let (kind, verdict, summary) = match &message.start {
            StartLine::Request { method, uri } => {
                (EntryKind::Command, Verdict::Neutral, format!("{method} {uri} ({number})"))
            }
            StartLine::Response { status, phrase } => {
                let verdict = match status.code() {
                    100..=199 => Verdict::Neutral,
                    200..=299 => Verdict::Success,
                    _ => Verdict::Failure,
                };
                (EntryKind::Response, verdict, format!("{} {phrase} ({number})", status.code()))
            }
        };
        let mut entry = self.blank(frame, Protocol::Sip, kind);
        entry.verdict = verdict;
        entry.summary = escape(&summary).to_string();
        if let Some(described) = message.session_description().and_then(|sdp| media::describe(sdp).ok()) {
            let _ = write!(entry.summary, " SDP {described}");
            self.announced(entry.from, &described);
        }
        self.push(entry);
    }
}
