//! Keys that are pressed in a talk, where a side is told of them by its signalling and not by its stream: INFO of SIP peers
//! (`dtmf = "info"`).
//!
//! A party on a gateway reports its keys only while there is such a party at the other side of its call, and both are at their
//! receivers: a gateway that must look for keys has work with that, and keys on hold are nobody's. Keys that come by signalling are
//! played to who is on a gateway; who speaks SIP is told by INFO, too, or not at all: that its peer takes keys in the stream means
//! that they are there already.

use std::collections::BTreeMap;

use super::Switch;
use super::call::{Call, Leg};
use crate::{Flow, Inventory, LegCommand, LegId, LineId, SipKeys};

/// How keys come from and go to who speaks SIP.
#[derive(Debug)]
pub(super) struct Keys {
    phones: BTreeMap<LineId, SipKeys>,
    /// By trunk; those of circuits have none.
    trunks: Vec<SipKeys>,
    /// Whether there is anybody whose signalling tells keys.
    any: bool,
}

impl Keys {
    pub(super) fn new(inventory: &Inventory) -> Self {
        let lines = inventory.lines.iter().zip(0..);
        let phones: BTreeMap<_, _> =
            lines.filter_map(|(line, id)| Some((LineId(id), line.phone()?.keys))).collect();
        let trunks: Vec<_> = inventory.trunks.iter().map(|trunk| trunk.keys).collect();
        let any = phones.values().chain(&trunks).any(|keys| *keys == SipKeys::Info);
        Self { phones, trunks, any }
    }
}

impl Switch {
    /// How keys come from who is on a line, if it speaks SIP.
    fn keys_of(&self, line: LineId) -> Option<SipKeys> {
        let by_trunk = || self.keys.trunks.get(self.trunks.place_of(line)?).copied();
        self.keys.phones.get(&line).copied().or_else(by_trunk)
    }

    /// The parties on gateways report their keys as long as somebody must be told of them.
    pub(super) fn ask_for_keys(&mut self, call: &mut Call) {
        if !self.keys.any {
            return;
        }
        for leg in [Some(call.calling), call.called].into_iter().flatten() {
            let wanted = other_side(call, leg).is_some_and(|peer| {
                let own = call.legs.iter().find(|own| own.id == leg).and_then(|own| self.keys_of(own.line));
                own.is_none() && self.keys_of(peer.1) == Some(SipKeys::Info)
            });
            let id = call.id;
            let Some(own) = call.leg(leg).filter(|own| own.is_live()) else { continue };
            if std::mem::replace(&mut own.reports_keys, wanted) != wanted {
                self.command(id, leg, LegCommand::ReportKeys(wanted));
            }
        }
    }

    /// A party has pressed a key.
    pub(super) fn pressed(&mut self, call: &Call, leg: LegId, key: char) {
        let Some(own) = call.legs.iter().find(|own| own.id == leg) else { return };
        let told = own.reports_keys || self.keys_of(own.line) == Some(SipKeys::Info);
        let Some((peer, line)) = other_side(call, leg).filter(|_| told) else { return };
        if self.keys_of(line) != Some(SipKeys::Stream) {
            self.command(call.id, peer, LegCommand::Key(key));
        }
    }
}

/// Who is at the other side of a leg, when the two hear each other.
fn other_side(call: &Call, leg: LegId) -> Option<(LegId, LineId)> {
    let hears = |leg: &Leg| leg.is_live() && leg.flows() != Flow::Rest && !leg.silent && !leg.recalled;
    let own = call.legs.iter().find(|own| own.id == leg)?;
    let peer = call.peer(leg)?;
    (call.is_answered() && hears(own) && hears(peer)).then_some((peer.id, peer.line))
}
