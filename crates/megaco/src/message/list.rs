//! Lists that nearly always have one element: transactions of a message, actions of a transaction, commands of an action.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A list that has no memory of its own while it has one element: that stands in the list itself. It is used as a slice, and made from
/// a [`Vec`], an array or an iterator.
///
/// ```
/// use strowger_megaco::message::List;
/// let mut list = List::one(1);
/// list.push(2);
/// assert_eq!(list, [1, 2].into());
/// assert_eq!(list.iter().sum::<i32>(), 3);
/// ```
#[derive(Clone)]
pub struct List<T>(Items<T>);

#[derive(Clone)]
enum Items<T> {
    One(T),
    /// Any number of them. Without elements there is no memory either.
    Many(Vec<T>),
}

impl<T> List<T> {
    /// A list without elements.
    #[must_use]
    pub const fn new() -> Self {
        Self(Items::Many(Vec::new()))
    }

    /// A list of one element.
    #[must_use]
    pub const fn one(element: T) -> Self {
        Self(Items::One(element))
    }

    /// All elements.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self
    }

    /// Puts an element behind the others.
    #[inline(always)]
    pub fn push(&mut self, element: T) {
        match &self.0 {
            Items::Many(all) if all.capacity() == 0 => {
                // Nothing is lost: there is neither element nor memory.
                std::mem::forget(std::mem::replace(&mut self.0, Items::One(element)));
            }
            _ => self.push_another(element),
        }
    }

    /// Puts an element behind the others, and gives it back to be completed where it stands.
    #[inline(always)]
    pub(crate) fn push_mut(&mut self, element: T) -> Option<&mut T> {
        self.push(element);
        self.last_mut()
    }

    /// Takes elements away, so that no more than so many are left.
    pub(crate) fn truncate(&mut self, length: usize) {
        while self.len() > length {
            self.pop();
        }
    }

    #[inline(never)]
    fn push_another(&mut self, element: T) {
        match &mut self.0 {
            Items::Many(all) => all.push(element),
            Items::One(_) => {
                let mut all = Vec::with_capacity(4);
                all.extend(std::mem::take(self));
                all.push(element);
                self.0 = Items::Many(all);
            }
        }
    }

    /// Takes the last element away.
    pub fn pop(&mut self) -> Option<T> {
        match &mut self.0 {
            Items::Many(all) => all.pop(),
            Items::One(_) => std::mem::take(self).into_iter().next(),
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Items::One(element) => std::slice::from_ref(element),
            Items::Many(all) => all,
        }
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Items::One(element) => std::slice::from_mut(element),
            Items::Many(all) => all,
        }
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(all: Vec<T>) -> Self {
        Self(Items::Many(all))
    }
}

impl<T, const N: usize> From<[T; N]> for List<T> {
    fn from(all: [T; N]) -> Self {
        all.into_iter().collect()
    }
}

impl<T> From<List<T>> for Vec<T> {
    fn from(list: List<T>) -> Self {
        match list.0 {
            Items::One(element) => vec![element],
            Items::Many(all) => all,
        }
    }
}

impl<T> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        elements.into_iter().for_each(|element| self.push(element));
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut list = Self::new();
        list.extend(elements);
        list
    }
}

/// The elements of a list, one after another.
#[derive(Clone, Debug)]
pub struct IntoIter<T>(std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>);

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> DoubleEndedIterator for IntoIter<T> {
    fn next_back(&mut self) -> Option<T> {
        self.0.next_back()
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        let (one, many) = match self.0 {
            Items::One(element) => (Some(element), Vec::new()),
            Items::Many(all) => (None, all),
        };
        IntoIter(one.into_iter().chain(many))
    }
}

impl<'l, T> IntoIterator for &'l List<T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'l, T> IntoIterator for &'l mut List<T> {
    type Item = &'l mut T;
    type IntoIter = std::slice::IterMut<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    #[test]
    fn a_list_is_the_same_however_it_was_made() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        for count in 0..6 {
            let all = names(count);
            let mut pushed = List::new();
            all.iter().cloned().for_each(|name| pushed.push(name));
            let collected: List<String> = all.iter().cloned().collect();
            assert_eq!(pushed, collected);
            assert_eq!(pushed, List::from(all.clone()));
            assert_eq!(*pushed, *all);
            assert_eq!(format!("{pushed:?}"), format!("{all:?}"));
            assert_eq!(Vec::from(pushed.clone()), all);
            let mut popped = pushed.clone();
            assert_eq!(popped.pop().as_ref(), all.last());
            assert_eq!(popped.len(), count.saturating_sub(1));
            assert_eq!(pushed.clone().into_iter().rev().collect::<Vec<_>>(), {
                let mut all = all.clone();
                all.reverse();
                all
            });
            for name in &mut pushed {
                name.push('x');
            }
            assert!(pushed.into_iter().eq(all.iter().map(|name| format!("{name}x"))));
        }
    }

    #[test]
    fn an_empty_vector_with_memory_takes_elements_too() {
        let mut list = List::from(Vec::with_capacity(8));
        list.push(1);
        list.push(2);
        assert_eq!(list, [1, 2].into());
    }
}
