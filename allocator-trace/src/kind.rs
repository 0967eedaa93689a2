//! What a trace's objects are.

use crate::TraceError;

/// What a trace's objects are, and so what a record's size means.
///
/// # Examples
///
/// ```
/// use allocator_trace::Kind;
///
/// assert_eq!(Kind::Bytes.units(24), Ok(24));
/// assert_eq!(Kind::PageOrders { page_log2: 12 }.units(3), Ok(8));
/// assert_eq!(Kind::PageRuns { page_log2: 12 }.units(3), Ok(3));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Blocks; a size is in bytes.
    Bytes,
    /// Runs of 2^n pages; a size is n.
    PageOrders {
        /// Bytes of a page, as a power of two.
        page_log2: u8,
    },
    /// Runs of any number of pages; a size is that number.
    PageRuns {
        /// Bytes of a page, as a power of two.
        page_log2: u8,
    },
}

impl Kind {
    /// The fields `kind` and `shift` of a header.
    pub(crate) const fn fields(self) -> (u16, u32) {
        match self {
            Self::Bytes => (0, 0),
            Self::PageOrders { page_log2 } => (1, page_log2 as u32),
            Self::PageRuns { page_log2 } => (2, page_log2 as u32),
        }
    }

    /// The kind that a header's fields mean.
    ///
    /// # Errors
    ///
    /// - [`TraceError::Kind`]: there is no such kind.
    /// - [`TraceError::Shift`]: its unit is too large for an address, or a byte of a size other than 1.
    pub(crate) const fn from_fields(kind: u16, shift: u32) -> Result<Self, TraceError> {
        let kind = match kind {
            0 if shift == 0 => return Ok(Self::Bytes),
            0 => return Err(TraceError::Shift(shift)),
            1 => Self::PageOrders { page_log2: shift as u8 },
            2 => Self::PageRuns { page_log2: shift as u8 },
            other => return Err(TraceError::Kind(other)),
        };
        if shift < 32 { Ok(kind) } else { Err(TraceError::Shift(shift)) }
    }

    /// Bytes of a unit, as a power of two.
    #[must_use]
    pub const fn unit_log2(self) -> u8 {
        match self {
            Self::Bytes => 0,
            Self::PageOrders { page_log2 } | Self::PageRuns { page_log2 } => page_log2,
        }
    }

    /// The bytes or pages that the size of an alloc or realloc stands for.
    ///
    /// # Errors
    ///
    /// - [`TraceError::Size`]: no object has that size: none at all, or an order above 31.
    pub const fn units(self, size: u32) -> Result<u32, TraceError> {
        match self {
            Self::PageOrders { .. } if size < u32::BITS => Ok(1 << size),
            Self::Bytes | Self::PageRuns { .. } if size > 0 => Ok(size),
            _ => Err(TraceError::Size(size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_survives_the_way_through_the_header() {
        for kind in [Kind::Bytes, Kind::PageOrders { page_log2: 12 }, Kind::PageRuns { page_log2: 31 }] {
            let (number, shift) = kind.fields();
            assert_eq!(Kind::from_fields(number, shift), Ok(kind));
            assert_eq!(u32::from(kind.unit_log2()), shift);
        }
    }

    #[test]
    fn other_kinds_and_units_are_refused() {
        assert_eq!(Kind::from_fields(3, 0), Err(TraceError::Kind(3)));
        assert_eq!(Kind::from_fields(0, 12), Err(TraceError::Shift(12)));
        assert_eq!(Kind::from_fields(1, 32), Err(TraceError::Shift(32)));
        assert_eq!(Kind::from_fields(2, 256 + 12), Err(TraceError::Shift(268)));
    }

    #[test]
    fn a_size_of_nothing_and_an_order_beyond_the_word_are_refused() {
        let (orders, runs) = (Kind::PageOrders { page_log2: 12 }, Kind::PageRuns { page_log2: 12 });
        assert_eq!([orders.units(0), orders.units(31)], [Ok(1), Ok(1 << 31)]);
        assert_eq!(orders.units(32), Err(TraceError::Size(32)));
        assert_eq!([Kind::Bytes.units(0), runs.units(0)], [Err(TraceError::Size(0)); 2]);
    }
}
