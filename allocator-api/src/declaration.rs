//! What an allocator says of itself that its calls cannot tell.
#![forbid(unsafe_code)]

/// A promise of the contract that an allocator does not keep.
///
/// A conformance suite still runs the case, expects it to fail, and prints the reason: a gap that is no longer
/// there is a stale declaration, which is an error too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The name of the conformance case that shows the gap.
    pub case: &'static str,
    /// Why it is there, in one line.
    pub why: &'static str,
}

/// The limits and gaps of one allocator type, as data: for suites, reports and kernels that want to check.
///
/// # Examples
///
/// ```
/// use allocator_api::{Declaration, Gap};
///
/// const TOY: Declaration = Declaration {
///     gaps: &[Gap { case: "adjacent_regions_serve_one_request", why: "takes one region only" }],
///     max_regions: Some(1),
///     ..Declaration::without_gaps("toy")
/// };
/// assert!(TOY.gap("adjacent_regions_serve_one_request").is_some());
/// assert!(TOY.gap("size_zero_is_refused").is_none());
/// assert_eq!(TOY.smallest_first_region_bytes, 0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// What to call the allocator in tables, such as `slab-package`.
    pub name: &'static str,
    /// The promises that it does not keep.
    pub gaps: &'static [Gap],
    /// Costs and limits that no case shows, such as an operation whose time grows; a line each.
    pub limits: &'static [&'static str],
    /// Bytes, after trimming, below which the first region is refused with
    /// [`InvalidParam`](crate::AllocError::InvalidParam); 0 where anything usable will do.
    pub smallest_first_region_bytes: usize,
    /// The most regions that do not touch one another; one more is refused with
    /// [`NoMemory`](crate::AllocError::NoMemory). `None`: any number.
    pub max_regions: Option<usize>,
    /// Bytes from the lowest to the highest address that can be managed together. A region outside is refused with
    /// [`InvalidParam`](crate::AllocError::InvalidParam). `None`: the whole address space. For an
    /// [`IdAllocator`](crate::IdAllocator): ids instead of bytes.
    pub span_bytes: Option<usize>,
    /// The most bytes of records that one request may make free, where memory that it takes from a level below joins
    /// what is held: `used` may rise by so much less than the block. 0: a request only adds to `used`.
    pub joined_record_bytes: usize,
    /// Whether regions are read and written by the allocator itself. Where not, they may be mere numbers.
    pub touches_memory: bool,
}

impl Declaration {
    /// An allocator that keeps every promise, without limits, and touches its memory.
    #[must_use]
    pub const fn without_gaps(name: &'static str) -> Self {
        Self {
            name,
            gaps: &[],
            limits: &[],
            smallest_first_region_bytes: 0,
            max_regions: None,
            span_bytes: None,
            joined_record_bytes: 0,
            touches_memory: true,
        }
    }

    /// The gap declared for the conformance case called `case`.
    #[must_use]
    pub fn gap(&self, case: &str) -> Option<Gap> {
        self.gaps.iter().find(|gap| gap.case == case).copied()
    }
}

/// Says what an allocator type does not keep, and where its limits are.
///
/// # Examples
///
/// ```
/// use allocator_api::{Declaration, Declared};
///
/// struct Numbers;
///
/// impl Declared for Numbers {
///     const DECLARATION: Declaration =
///         Declaration { touches_memory: false, ..Declaration::without_gaps("numbers") };
/// }
///
/// fn can_manage_device_memory<A: Declared>() -> bool {
///     !A::DECLARATION.touches_memory
/// }
/// assert!(can_manage_device_memory::<Numbers>());
/// ```
pub trait Declared {
    /// The type's declaration.
    const DECLARATION: Declaration;
}
