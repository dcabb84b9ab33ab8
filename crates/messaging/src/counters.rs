//! Numbers for metrics: each is declared once, with its name and meaning.

use std::sync::atomic::{AtomicU64, Ordering};

/// Declares a structure of counters, in the order in which they are shown.
macro_rules! counters {
    ($($(#[doc = $help:literal])+ $name:ident: $metric:literal,)+) => {
        /// Numbers that only grow (`…_total`), and levels.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[doc = $help])+ pub $name: std::sync::atomic::AtomicU64,)+
        }

        impl Counters {
            /// Name, meaning, number; in a fixed order.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                let value = |number: &std::sync::atomic::AtomicU64| number.load(std::sync::atomic::Ordering::Relaxed);
                [$(($metric, concat!($($help),+), value(&self.$name)),)+].into_iter()
            }
        }
    };
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Notes a level.
pub(crate) fn note(counter: &AtomicU64, value: usize) {
    counter.store(value as u64, Ordering::Relaxed);
}
