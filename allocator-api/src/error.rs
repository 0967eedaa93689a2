//! Why an operation was refused.
#![forbid(unsafe_code)]

use core::fmt;

/// Why an allocator refused an operation; the allocator is unchanged.
///
/// The enum is exhaustive on purpose: kernels match it without a wildcard, so that a new reason cannot pass
/// unseen. An operation that has more to say has an error type of its own.
///
/// # Examples
///
/// ```
/// use allocator_api::AllocError;
///
/// fn errno(error: AllocError) -> i32 {
///     match error {
///         AllocError::InvalidParam => 22,
///         AllocError::MemoryOverlap => 17,
///         AllocError::NoMemory => 12,
///         AllocError::NotAllocated => 14,
///     }
/// }
/// assert_eq!(errno(AllocError::NoMemory), 12);
/// assert_eq!(AllocError::NoMemory.to_string(), "not enough free memory for the request");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AllocError {
    /// No memory could make this call succeed: a size of 0, an alignment that is not a power of two or is
    /// smaller than a page, a region with nothing usable in it, a second `init`.
    InvalidParam,
    /// The region overlaps memory that the allocator already holds.
    MemoryOverlap,
    /// Not enough free memory (or, where that is documented, not enough room for records).
    NoMemory,
    /// The block, run or id given back is not live here.
    NotAllocated,
}

impl fmt::Display for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidParam => "a parameter is invalid",
            Self::MemoryOverlap => "the region overlaps memory already held",
            Self::NoMemory => "not enough free memory for the request",
            Self::NotAllocated => "what was given back is not allocated here",
        })
    }
}

impl core::error::Error for AllocError {}

/// The result of an operation that can be refused.
pub type AllocResult<T = ()> = Result<T, AllocError>;
