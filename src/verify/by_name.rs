//! Authorities in an order of their own, found by name in both ways to compare names.

use std::ops::Range;

use crate::certificate::CanonicalName;

/// What lies in a [`ByName`].
pub(super) trait Named {
    fn subject_der(&self) -> &[u8];

    fn canonical_name(&self) -> &CanonicalName;

    /// By the octets of the name first, so that those of one name lie together; equal are those that need to be
    /// there but once.
    fn order(&self) -> impl Ord + use<'_, Self>;
}

/// The places of those with a name, octet by octet, where they lie together in the order of their names.
#[inline]
pub(super) fn of_name<'a, T>(
    items: &'a [T],
    name_der: &[u8],
    subject_der: impl Fn(&'a T) -> &'a [u8],
) -> Range<usize> {
    // Most have one authority or none, whose name need not be ordered.
    if let [] | [_] = items {
        return 0..items.iter().filter(|item| subject_der(item) == name_der).count();
    }
    let one = items.binary_search_by(|item| subject_der(item).cmp(name_der));
    let (before, after) = match one {
        Ok(place) => items.split_at_checked(place).unwrap_or_default(),
        Err(_) => return 0..0,
    };
    let is_namesake = |item: &&'a T| subject_der(item) == name_der;
    let start = before.len() - before.iter().rev().take_while(is_namesake).count();
    let others = after.iter().skip(1).take_while(is_namesake).count();
    start..before.len() + 1 + others
}

#[derive(Debug)]
pub(super) struct ByName<T> {
    /// By [`Named::order`].
    items: Vec<T>,
    /// Places in the above, by canonical name.
    by_canonical_name: Vec<usize>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { items: Vec::new(), by_canonical_name: Vec::new() }
    }
}

impl<T: Named> ByName<T> {
    pub(super) fn new(mut items: Vec<T>) -> Self {
        items.sort_by(|a, b| a.order().cmp(&b.order()));
        items.dedup_by(|a, b| a.order() == b.order());
        let mut by_canonical_name: Vec<_> = (0..items.len()).collect();
        by_canonical_name.sort_by_key(|&place| items.get(place).map(T::canonical_name));
        Self { items, by_canonical_name }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }

    pub(super) fn get(&self, place: usize) -> Option<&T> {
        self.items.get(place)
    }

    /// The places of those with a name, octet by octet.
    pub(super) fn of_name(&self, name_der: &[u8]) -> Range<usize> {
        of_name(&self.items, name_der, T::subject_der)
    }

    /// The places of those with a name as RFC 5280 section 7.1 compares it.
    pub(super) fn of_canonical_name<'a>(
        &'a self,
        wanted: &'a CanonicalName,
    ) -> impl Iterator<Item = usize> + Clone + 'a {
        let name = |place: &usize| self.items.get(*place).map(T::canonical_name);
        let start = self.by_canonical_name.partition_point(|place| name(place) < Some(wanted));
        let rest = self.by_canonical_name.get(start..).unwrap_or_default();
        rest.iter().copied().take_while(move |place| name(place) == Some(wanted))
    }
}
