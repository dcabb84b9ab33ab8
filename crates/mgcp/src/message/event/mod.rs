//! Events and signals: names, parameters, actions and lists (RFC 3435 sections 2.1.7, 3.2.2.4, 3.2.2.16 and
//! 3.2.2.21).
//!
//! - `name`: [`EventName`], `[package/]event[@connection]`.
//! - `parameters`: [`EventParameters`], what stands in parentheses behind a signal.
//! - `actions`: [`Actions`], with the embedded request of action `E`.
//! - `list`: [`RequestedEvents`] of `R:`; [`EventList`] of `S:`, `O:`, `T:` and `ES:`.
//!
//! The grammar is written once, in functions named `skip`, which step over an item and say what is wrong with it:
//! that is all that decoding needs. Types are then made of text that was stepped over (`of`), without asking again.
//! Lists nest through embedded requests and parameters. One [`Walk`] bounds how deep and how many.

mod actions;
mod list;
mod name;
mod parameters;

pub use actions::{Action, ActionSet, Actions, Embedded};
pub use list::{
    DetectEvents, EventList, EventStates, ListedEvent, ObservedEvents, RequestedEvent, RequestedEventBuf,
    RequestedEvents, SignalBuf, SignalRequests,
};
pub use name::{EventConnection, EventConnectionBuf, EventName, EventNameBuf};
pub use parameters::{EventParameter, EventParameters};

use crate::limits::Limits;
use crate::scan::{Fault, Scanner};
use crate::text::Rule;

/// The items of a list that was stepped over before.
fn items<'a, T>(
    text: &'a str,
    skip: impl Fn(&mut Scanner<'a>, &mut Walk) -> Result<(), Fault> + Clone,
    of: impl Fn(&'a str) -> T + Clone,
) -> impl Iterator<Item = T> + Clone {
    let mut s = Scanner::new(text);
    let mut more = !text.is_empty();
    std::iter::from_fn(move || {
        if !more {
            return None;
        }
        let start = s.position();
        skip(&mut s, &mut Walk::again()).ok()?;
        let item = s.since(start);
        more = s.comma();
        Some(of(item))
    })
}

/// How deep and how many items a value may still be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    depth: u8,
    items: usize,
}

impl Walk {
    /// The deepest nesting whatever the limits say: readers of lists recurse.
    const DEEPEST: u8 = 32;

    pub(crate) fn new(limits: &Limits) -> Self {
        Self { depth: limits.nesting.min(Self::DEEPEST), items: limits.list_items }
    }

    /// For text that was read once under limits.
    const fn again() -> Self {
        Self { depth: Self::DEEPEST, items: usize::MAX }
    }

    /// Reads what stands between parentheses, the opening one being read already.
    fn inside<'a, T>(
        &mut self,
        s: &mut Scanner<'a>,
        rule: Rule,
        read: impl FnOnce(&mut Scanner<'a>, &mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| s.fault(Rule::Nesting))?;
        s.space();
        let inner = read(s, self)?;
        self.depth += 1;
        s.space();
        if s.eat(b')') { Ok(inner) } else { Err(s.fault(rule)) }
    }

    /// Steps over a list whose items are separated by commas.
    #[inline]
    fn list<'a>(
        &mut self,
        s: &mut Scanner<'a>,
        item: impl Fn(&mut Scanner<'a>, &mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        loop {
            self.items = self.items.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
            item(s, self)?;
            if !s.comma() {
                return Ok(());
            }
        }
    }
}
