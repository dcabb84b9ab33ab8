//! Sessions that an exchange goes on with after the one that had them has died (DESIGN section 6: it speaks first).
//!
//! The peer is asked by a re-INVITE whether it still has the session. Until it has answered, the leg has not said `Connected`; a
//! peer that does not know the session any more, or is gone, ends the call.

use std::collections::VecDeque;

use strowger_sansio::Time;
use strowger_sdp::Direction;
use strowger_sip::agent::{PeerId, SessionId};

use super::leg::Leg;
use super::{Report, SipTrunks, placeholder};
use crate::{CallStable, Cause, Flow, LegEvent, RestoredLeg, Sdp, Side, StreamRole, Termination, TrunkId};

impl SipTrunks {
    /// Whether what was kept of a side's session is enough to go on with it.
    pub(in crate::access) fn can_restore(stable: &CallStable, side: Side) -> bool {
        let own = stable.streams.iter().find(|stream| stream.role == StreamRole::of(side));
        own.is_some_and(|own| own.session.is_some())
            && (stable.awaited.is_some() || other(stable, side).is_some())
    }

    /// A leg of an answered call, as it was: at a channel of a trunk, or at a telephone.
    pub(in crate::access) fn restore(
        &mut self,
        now: Time,
        stable: &CallStable,
        RestoredLeg { leg: id, line, side, .. }: RestoredLeg,
        channel: Option<(TrunkId, u32)>,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(own) = stable.streams.iter().find(|stream| stream.role == StreamRole::of(side)) else {
            return;
        };
        let other = other(stable, side);
        let held = other.is_none_or(|(_, flow)| flow == Flow::Rest);
        let direction = if held { Direction::SendOnly } else { Direction::SendRecv };
        // Who waits is connected to nobody.
        let described = other.map_or_else(placeholder, |(local, _)| local.clone());
        let kept = own.session.as_deref();
        let descriptions = (described.bytes(), own.local.bytes());
        let (peer, now_at) = match channel {
            Some((trunk, first)) => (PeerId(trunk.0), self.termination(trunk, line, first, SessionId(0))),
            None => (self.phones.peer(line), self.phones.termination(line, SessionId(0))),
        };
        let session = kept.and_then(|kept| self.agent.restore(now, peer, kept, descriptions, direction));
        let termination = Termination { connection: own.termination.connection.clone(), ..now_at };
        self.phones.begin(peer, id);
        let streams = (own.local.clone(), described);
        self.legs.insert(id, Leg::restored(session, peer, termination, streams, direction));
        match session {
            Some(session) => {
                self.sessions.insert(session, id);
            }
            None => {
                let cause = Cause::NETWORK_OUT_OF_ORDER;
                reports.push_back(Report::Leg(id, LegEvent::Released { cause }));
                reports.push_back(Report::Leg(id, LegEvent::Cleared { statistics: None }));
                self.forget(id);
            }
        }
    }
}

/// What the other side of the call described to this one, and how its party wants the call.
fn other(stable: &CallStable, side: Side) -> Option<(&Sdp, Flow)> {
    let find = |role: StreamRole| stable.streams.iter().find(|stream| stream.role == role);
    let relay = match side {
        Side::Calling => StreamRole::RelayCalling,
        Side::Called => StreamRole::RelayCalled,
    };
    let party = find(StreamRole::of(side.other()))?;
    let described = find(relay).unwrap_or(party);
    Some((&described.local, party.flow))
}
