//! Where the parts of a certificate or revocation list lie in its DER.

/// A range of octets: half as large as the standard library's, because a certificate has many, and they
/// are moved with it. DER's lengths have 32 bits as this crate reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) const NONE: Self = Self { start: 0, end: 0 };

    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The last of its octets.
    #[inline]
    pub(crate) fn last(self, length: usize) -> Self {
        Self { start: self.end.saturating_sub(length as u32), end: self.end }
    }

    /// Of the octets of another: where that lies.
    #[inline]
    pub(crate) fn within(self, whole: Self) -> Self {
        let place = |place: u32| whole.start.saturating_add(place);
        Self { start: place(self.start), end: place(self.end) }
    }

    /// These of all octets; none if there are not so many.
    #[inline]
    pub(crate) fn of(self, octets: &[u8]) -> &[u8] {
        octets.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}
