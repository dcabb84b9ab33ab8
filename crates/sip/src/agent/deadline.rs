//! What time does to sessions.

use strowger_sansio::Time;

use super::session::Phase;
use super::{SessionId, Timer, UserAgent};
use crate::message::Status;

impl UserAgent {
    pub(super) fn deadline(&mut self, now: Time, timer: Timer) {
        match timer {
            Timer::Repeat(id) => self.repeat(now, id),
            Timer::Reliable(id) => self.repeat_provisional(now, id),
            // Nobody says what became of the call: it is taken for cancelled (RFC 3261 section 9.1).
            Timer::Cancelled(id) => self.close(now, id),
            Timer::Session(id) => self.session_due(now, id),
            Timer::Resume(id) => self.resume_due(now, id),
            Timer::Glare(id) => self.offer_again(now, id),
            Timer::Ack(client) => {
                self.acks.remove(&client);
                self.by_client.remove(&client);
            }
            Timer::Probe(peer) => self.probe(now, peer),
            Timer::Referral(id) => self.referral_due(now, id),
            Timer::Asking(id) => self.asking_due(id),
            Timer::Relieved(peer) => self.relieved(peer),
            Timer::Bindings => self.bindings_due(now),
            Timer::Register(peer) => self.register(now, peer),
            Timer::Farewell => self.farewell_due(),
            Timer::Rested => self.rested(now),
            Timer::Summary(id) => self.summary_due(now, id),
            Timer::Told(id) if self.summaries.waits(id) => self.notify_summary(now, id),
            // It was told meanwhile, as the telephone has asked.
            Timer::Told(_) => {}
        }
    }

    /// Repeats a 2xx; when nobody acknowledges it in 64 T1 the session ends with BYE (RFC 3261 section 13.3.1.4).
    fn repeat(&mut self, now: Time, id: SessionId) {
        let most = self.config.timing.t2;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(repeat) = &mut session.repeat else { return };
        if now >= repeat.until {
            session.repeat = None;
            let cause = session.ending.unwrap_or(102);
            self.ended(id, 102, None);
            return self.hang_up(now, id, cause);
        }
        repeat.interval = Self::doubled(repeat.interval).min(most);
        let (route, bytes, next) = (repeat.route, repeat.bytes.clone(), now + repeat.interval);
        self.timers.set(Timer::Repeat(id), next.min(repeat.until));
        self.transactions.send_again(route, bytes);
    }

    /// Repeats a reliable provisional response; when nobody acknowledges it in 64 T1 the call is refused (RFC 3262 section 3).
    fn repeat_provisional(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(waiting) = &mut session.reliable else { return };
        if now >= waiting.until {
            let server = session.server.take();
            session.reliable = None;
            if let Some(server) = server {
                self.by_server.remove(&server);
                self.transactions.respond_with(now, server, Status::SERVER_TIMEOUT);
            }
            self.ended(id, 102, None);
            return self.close(now, id);
        }
        waiting.interval = Self::doubled(waiting.interval);
        let (route, bytes, next) = (waiting.route, waiting.bytes.clone(), now + waiting.interval);
        self.timers.set(Timer::Reliable(id), next.min(waiting.until));
        self.transactions.send_again(route, bytes);
    }

    /// Refreshes a session, or ends one that its peer has not refreshed (RFC 4028 section 10).
    fn session_due(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.phase == Phase::Confirmed)
        else {
            return;
        };
        let Some(timer) = session.timer else { return };
        if !timer.ours {
            self.ended(id, 102, None);
            return self.hang_up(now, id, 102);
        }
        self.refresh(now, id);
        // If nothing comes of it there is time for more: it is asked for again in half of what is left.
        let next = strowger_sansio::Duration::from_secs(u64::from(timer.interval / 4).max(1));
        self.timers.set(Timer::Session(id), now + next);
    }
}
