//! When the senders of requests in execution are told that these take long (RFC 3525 Annex D.1.4): a Pending is due for each when it has
//! executed for a while, and again and again until it is answered.
//!
//! Both queues are in the order of time by themselves: every entry has waited equally long. What is answered leaves the ends of its queue
//! at once; in the middle it stays until it is at an end, or until most of the queue is of its kind. So no more is kept than
//! [`SPARE`] entries beyond twice the requests in execution, and nobody is woken for a request that is answered.

use std::collections::VecDeque;

use strowger_sansio::Time;

use super::memory::Key;

/// Entries of answered requests that may stay, besides as many as there are requests in execution.
const SPARE: usize = 16;

/// Requests by the time at which a Pending is due. `is_running` says of a key whether its request is still in execution.
#[derive(Debug, Default)]
pub(super) struct Provisional {
    first: VecDeque<(Time, Key)>,
    again: VecDeque<(Time, Key)>,
}

impl Provisional {
    /// For a request that begins to execute.
    pub(super) fn begin(&mut self, due: Time, key: Key) {
        self.first.push_back((due, key));
    }

    /// For a request whose sender was told.
    pub(super) fn repeat(&mut self, due: Time, key: Key) {
        self.again.push_back((due, key));
    }

    /// When the first is due.
    pub(super) fn next(&self) -> Option<Time> {
        let first = |queue: &VecDeque<(Time, Key)>| queue.front().map(|(due, _)| *due);
        first(&self.first).into_iter().chain(first(&self.again)).min()
    }

    /// A request for which a Pending is due.
    pub(super) fn pop_due(&mut self, now: Time, is_running: impl Fn(Key) -> bool) -> Option<Key> {
        for queue in [&mut self.first, &mut self.again] {
            trim_front(queue, &is_running);
            if queue.front().is_some_and(|(due, _)| *due <= now) {
                let (_, key) = queue.pop_front()?;
                trim_front(queue, &is_running);
                return Some(key);
            }
        }
        None
    }

    /// A request was answered; so many are still in execution.
    pub(super) fn end(&mut self, key: Key, running: usize, is_running: impl Fn(Key) -> bool) {
        for queue in [&mut self.first, &mut self.again] {
            if queue.back().is_some_and(|(_, last)| *last == key) {
                queue.pop_back();
                while queue.back().is_some_and(|(_, last)| !is_running(*last)) {
                    queue.pop_back();
                }
            } else if queue.front().is_some_and(|(_, first)| *first == key) {
                queue.pop_front();
                trim_front(queue, &is_running);
            } else if queue.len() > 2 * running + SPARE {
                queue.retain(|(_, key)| is_running(*key));
            }
        }
    }

    /// Several requests were given up.
    pub(super) fn drop_ended(&mut self, is_running: impl Fn(Key) -> bool) {
        for queue in [&mut self.first, &mut self.again] {
            queue.retain(|(_, key)| is_running(*key));
        }
    }

    /// A request goes on by another number.
    pub(super) fn rename(&mut self, before: Key, after: Key) {
        for (_, key) in self.first.iter_mut().chain(&mut self.again) {
            if *key == before {
                *key = after;
            }
        }
    }
}

/// Drops what is answered from the front.
fn trim_front(queue: &mut VecDeque<(Time, Key)>, is_running: impl Fn(Key) -> bool) {
    while queue.front().is_some_and(|(_, first)| !is_running(*first)) {
        queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::{Key, Provisional, SPARE, Time};

    const WAIT: Duration = Duration::from_millis(100);

    /// A responder: what is in execution, and a clock that moves a microsecond with each request.
    #[derive(Default)]
    struct Responder {
        provisional: Provisional,
        running: BTreeSet<u32>,
        clock: u64,
    }

    fn key(id: u32) -> Key {
        Key::new(1, 0, id)
    }

    impl Responder {
        fn request(&mut self, id: u32) -> Time {
            self.clock += 1;
            let due = Time::from_nanos(self.clock * 1000) + WAIT;
            self.running.insert(id);
            self.provisional.begin(due, key(id));
            due
        }

        fn answer(&mut self, id: u32) {
            self.running.remove(&id);
            let running = &self.running;
            self.provisional.end(key(id), running.len(), |key| running.contains(&key.id()));
        }

        fn kept(&self) -> usize {
            self.provisional.first.len() + self.provisional.again.len()
        }
    }

    #[test]
    fn what_is_answered_is_kept_no_longer_in_whatever_order() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0], [0, 2, 1], [2, 0, 1]] {
            let mut responder = Responder::default();
            let due = [1, 2, 3].map(|id| responder.request(id));
            for (answered, place) in order.into_iter().enumerate() {
                responder.answer(place + 1);
                // Nobody is woken for what is answered.
                let left = order.iter().skip(answered + 1).min();
                assert_eq!(responder.provisional.next(), left.map(|place| due[*place as usize]), "{order:?}");
            }
            assert_eq!(responder.kept(), 0, "{order:?}");
        }
    }

    #[test]
    fn one_that_takes_long_does_not_keep_the_others() {
        let mut responder = Responder::default();
        let due = responder.request(1);
        for id in 2..100_000 {
            // The newest takes a while too, so that what is answered stands between two others.
            responder.request(id);
            if id > 2 {
                responder.answer(id - 1);
            }
            assert!(responder.kept() <= 2 * responder.running.len() + SPARE + 1, "{}", responder.kept());
        }
        assert_eq!(responder.provisional.next(), Some(due));
        let running = responder.running.clone();
        let mut due = || responder.provisional.pop_due(Time::from_secs(1), |key| running.contains(&key.id()));
        assert_eq!([due(), due(), due()], [Some(key(1)), Some(key(99_999)), None]);
    }

    #[test]
    fn who_was_told_is_told_again_until_the_answer() {
        let mut responder = Responder::default();
        let due = responder.request(1);
        assert_eq!(responder.provisional.pop_due(due, |_| true), Some(key(1)));
        responder.provisional.repeat(due + WAIT, key(1));
        assert_eq!(responder.provisional.next(), Some(due + WAIT));
        responder.provisional.rename(key(1), key(7));
        responder.running = [7].into();
        responder.answer(7);
        assert_eq!((responder.provisional.next(), responder.kept()), (None, 0));
    }
}
