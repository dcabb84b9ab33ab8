//! Hunt groups: several lines behind one number.

use std::fmt;
use std::str::FromStr;

use strowger_sansio::Duration;

/// A hunt group of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// The pilot number: what is dialled to reach the group.
    pub number: String,
    /// The numbers of the lines in it, in their order.
    pub members: Vec<String>,
    /// Which member is tried first.
    pub order: HuntOrder,
    /// How long a member is rung before the next is. 20 s, as a single line's no answer.
    pub ring: Duration,
    /// Where a call goes that no member takes.
    pub overflow: Option<String>,
}

impl GroupEntry {
    /// A group that is hunted from its first member, with the usual patience and no overflow.
    #[must_use]
    pub fn new(number: &str, members: &[&str]) -> Self {
        Self {
            number: number.to_owned(),
            members: members.iter().map(|member| (*member).to_owned()).collect(),
            order: HuntOrder::Linear,
            ring: Duration::from_secs(20),
            overflow: None,
        }
    }
}

/// A hunt group: its place in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// Which member of a group is tried first; the others follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum HuntOrder {
    /// Always the first of the list, then by the list.
    #[default]
    Linear,
    /// The one behind the member that was rung last, then on around the list.
    Circular,
    /// The one that has answered the fewest of the group's calls; of equals the one whose last is longest ago.
    LeastUsed,
}

impl HuntOrder {
    /// All of them, with their words.
    pub const ALL: [(&'static str, Self); 3] =
        [("linear", Self::Linear), ("circular", Self::Circular), ("least-used", Self::LeastUsed)];
}

impl FromStr for HuntOrder {
    type Err = UnknownOrder;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, order)| *order).ok_or_else(|| UnknownOrder(text.to_owned()))
    }
}

/// An order that is none of [`HuntOrder::ALL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOrder(pub String);

impl fmt::Display for UnknownOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown order \"{}\"; expected linear, circular or least-used", self.0.escape_default())
    }
}

impl std::error::Error for UnknownOrder {}

/// What a group remembers of its calls; forgotten at a restart of the exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// The member that was rung last.
    last_rung: Option<usize>,
    /// For each member: calls answered, and the place of the last among all of the group's.
    answered: Vec<(u64, u64)>,
    answers: u64,
}

impl History {
    pub(super) fn new(members: usize) -> Self {
        Self { last_rung: None, answered: vec![(0, 0); members], answers: 0 }
    }

    /// The members' places in the order in which they are to be tried now.
    pub(super) fn order(&self, order: HuntOrder) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.answered.len()).collect();
        match order {
            HuntOrder::Linear => {}
            HuntOrder::Circular => {
                if let Some(last) = self.last_rung.filter(|last| *last < places.len()) {
                    places.rotate_left(last + 1);
                }
            }
            HuntOrder::LeastUsed => places.sort_by_key(|place| self.answered.get(*place).copied()),
        }
        places
    }

    pub(super) fn rung(&mut self, member: usize) {
        self.last_rung = Some(member);
    }

    pub(super) fn answered(&mut self, member: usize) {
        self.answers += 1;
        if let Some((count, last)) = self.answered.get_mut(member) {
            *count += 1;
            *last = self.answers;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_begins_where_it_should() {
        let mut history = History::new(3);
        assert_eq!(history.order(HuntOrder::LeastUsed), [0, 1, 2]);
        assert_eq!(history.order(HuntOrder::Circular), [0, 1, 2]);
        history.rung(1);
        history.answered(1);
        assert_eq!(history.order(HuntOrder::Linear), [0, 1, 2]);
        assert_eq!(history.order(HuntOrder::Circular), [2, 0, 1]);
        assert_eq!(history.order(HuntOrder::LeastUsed), [0, 2, 1]);
        for member in [0, 2, 0] {
            history.rung(member);
            history.answered(member);
        }
        assert_eq!(history.order(HuntOrder::Circular), [1, 2, 0]);
        assert_eq!(history.order(HuntOrder::LeastUsed), [1, 2, 0], "of equals the longest ago");
    }

    #[test]
    fn an_order_is_read_by_its_word() {
        assert_eq!("least-used".parse(), Ok(HuntOrder::LeastUsed));
        assert!("random".parse::<HuntOrder>().unwrap_err().to_string().contains("\"random\""));
    }
}
