//! Notify: what was observed goes to the controller, one command of a termination at a time (RFC 3525 sections 7.2.7, 9.1).

use std::collections::VecDeque;

use strowger_sansio::Time;

use super::detection::Occurrence;
use super::event::GatewayEvent;
use super::report::Fault;
use super::termination::Key;
use super::{Gateway, Tag};
use crate::error::ErrorCode;
use crate::message::{Action, CommandBody, ContextId, NotifyRequest, ObservedEvents, RequestId};
use crate::transaction::RequestError;

/// What waits to be told of a termination.
#[derive(Debug, Default)]
pub(super) struct Notices {
    queue: VecDeque<(RequestId, Occurrence)>,
    /// What is on its way: over UDP a second command could overtake it.
    told: Vec<(RequestId, Occurrence)>,
    is_outstanding: bool,
}

impl Gateway {
    /// Something is to be told.
    pub(super) fn notice(&mut self, now: Time, key: Key, request: RequestId, event: Occurrence) {
        let limit = self.config.limits.queued_notices;
        let notices = self.notices.entry(key).or_default();
        if notices.queue.len() >= limit {
            let termination = self.name_of(key).to_owned();
            self.events.push_back(GatewayEvent::EventsLost { termination });
            return;
        }
        notices.queue.push_back((request, event));
        self.tell(now, key);
    }

    /// Sends what waits of a termination, as far as it goes with one request.
    fn tell(&mut self, now: Time, key: Key) {
        let Some(peer) = self.association.controller() else { return };
        let Some(notices) = self.notices.get_mut(&key) else { return };
        let Some((request, _)) = notices.queue.front().filter(|_| !notices.is_outstanding) else { return };
        let request = *request;
        let Some(termination) = self.terminations.get_mut(&key) else {
            self.notices.remove(&key);
            return;
        };
        let is_overflown = std::mem::take(&mut termination.watch.is_overflown);
        let context = ContextId::new(termination.context);
        let first = self.id_of(key);
        let Some(notices) = self.notices.get_mut(&key) else { return };
        let same = notices.queue.iter().take_while(|(other, _)| *other == request).count();
        let told: Vec<_> = notices.queue.drain(..same).collect();
        notices.is_outstanding = true;
        let events = told.iter().map(|(_, event)| event.to_message()).collect();
        let observed = ObservedEvents { request, events };
        let error = is_overflown.then(|| Fault::from(ErrorCode::EVENT_BUFFER_FULL).describe());
        let body = CommandBody::Notify(NotifyRequest { terminations: first.into(), observed, error });
        let actions = vec![Action::new(context, [body])];
        let sent = self.transactions.request(now, peer, actions, Tag::Notify(key));
        let Some(notices) = self.notices.get_mut(&key) else { return };
        match sent {
            Ok(_) => notices.told = told,
            Err(error) => {
                notices.is_outstanding = false;
                if error == RequestError::NoRoute {
                    told.into_iter().rev().for_each(|notice| notices.queue.push_front(notice));
                }
                if let RequestError::Encode(error) = error {
                    self.events.push_back(GatewayEvent::Unwritable { error });
                }
            }
        }
    }

    /// Nobody answered a Notify: what it told waits for the next association.
    pub(super) fn untold(&mut self, key: Key) {
        if let Some(notices) = self.notices.get_mut(&key) {
            notices.is_outstanding = false;
            notices.told.drain(..).rev().for_each(|notice| notices.queue.push_front(notice));
        }
    }

    /// The controller has answered a Notify, or will not.
    pub(super) fn told(&mut self, now: Time, key: Key) {
        if let Some(notices) = self.notices.get_mut(&key) {
            notices.is_outstanding = false;
            notices.told.clear();
            if notices.queue.is_empty() {
                self.notices.remove(&key);
            } else {
                self.tell(now, key);
            }
        }
    }

    /// There is a controller again: what waited is told.
    pub(super) fn tell_all(&mut self, now: Time) {
        let keys: Vec<_> = self.notices.keys().copied().collect();
        keys.into_iter().for_each(|key| self.tell(now, key));
    }
}
