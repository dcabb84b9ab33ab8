//! Bounds on what a peer can make an engine do or keep.

use std::collections::VecDeque;
use std::fmt;

use crate::Time;

/// A rate limit: `rate` units a second, with bursts of up to `burst`.
///
/// It counts in nanoseconds of credit, so that it neither drifts nor overflows.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    nanos_per_token: u64,
    capacity: u64,
    credit: u64,
    last: Time,
}

impl TokenBucket {
    /// A full bucket. A `rate` of zero never refills.
    #[must_use]
    pub fn new(rate_per_second: u32, burst: u32, now: Time) -> Self {
        let nanos_per_token = match rate_per_second {
            0 => u64::MAX,
            rate => 1_000_000_000 / u64::from(rate),
        };
        let capacity = nanos_per_token.saturating_mul(u64::from(burst));
        Self { nanos_per_token, capacity, credit: capacity, last: now }
    }

    /// Takes one token if there is one.
    pub fn take(&mut self, now: Time) -> bool {
        if self.nanos_per_token != u64::MAX {
            let earned = now.as_nanos().saturating_sub(self.last.as_nanos());
            self.credit = self.credit.saturating_add(earned).min(self.capacity);
        }
        self.last = self.last.max(now);
        match self.credit.checked_sub(self.nanos_per_token) {
            Some(rest) => {
                self.credit = rest;
                true
            }
            None => false,
        }
    }

    /// Puts back a token that was taken for nothing.
    pub fn give_back(&mut self) {
        self.credit = self.credit.saturating_add(self.nanos_per_token).min(self.capacity);
    }
}

/// A first-in first-out queue that refuses instead of growing.
#[derive(Clone, Debug)]
pub struct BoundedQueue<T> {
    items: VecDeque<T>,
    capacity: usize,
}

impl<T> BoundedQueue<T> {
    /// An empty queue for at most `capacity` items. Memory is taken as it fills.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { items: VecDeque::new(), capacity }
    }

    /// Appends an item.
    ///
    /// # Errors
    /// The item comes back when the queue is full.
    pub fn push(&mut self, item: T) -> Result<(), QueueFull<T>> {
        if self.items.len() >= self.capacity {
            return Err(QueueFull(item));
        }
        self.items.push_back(item);
        Ok(())
    }

    /// Takes the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// The oldest item, left in place.
    #[must_use]
    pub fn peek(&self) -> Option<&T> {
        self.items.front()
    }

    /// The items, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// Drops all items.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether no item waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// The queue was full; here is what did not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFull<T>(pub T);

impl<T> fmt::Display for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is full")
    }
}

impl<T: fmt::Debug> std::error::Error for QueueFull<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_allows_its_burst_and_then_its_rate() {
        let start = Time::from_secs(5);
        let mut bucket = TokenBucket::new(10, 3, start);
        assert_eq!((0..5).filter(|_| bucket.take(start)).count(), 3);
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(100)));
        let later = start + Duration::from_secs(3600);
        assert_eq!((0..100).filter(|_| bucket.take(later)).count(), 3);
    }

    #[test]
    fn a_clock_that_steps_back_earns_nothing() {
        let mut bucket = TokenBucket::new(1, 1, Time::from_secs(10));
        assert!(bucket.take(Time::from_secs(10)));
        assert!(!bucket.take(Time::from_secs(1)));
        assert!(!bucket.take(Time::from_secs(10)));
        assert!(bucket.take(Time::from_secs(11)));
    }

    #[test]
    fn a_bucket_with_no_rate_gives_nothing() {
        let mut bucket = TokenBucket::new(0, 0, Time::ZERO);
        assert!(!bucket.take(Time::MAX));
    }

    #[test]
    fn a_full_queue_gives_the_item_back() {
        let mut queue = BoundedQueue::new(1);
        queue.push('a').unwrap();
        assert_eq!(queue.push('b'), Err(QueueFull('b')));
        assert_eq!(queue.pop(), Some('a'));
        assert!(queue.is_empty());
    }
}
