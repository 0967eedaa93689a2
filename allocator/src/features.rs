//! Which backends are on, and which of them a kernel gets that names none.
//!
//! The order is fixed for ever: `buddy`, `tlsf`, `slab-package`, `slab`; a published package comes before our engine
//! of its kind, here and among the page backends. The default feature has the lowest rank, so that adding one word to a
//! list of features switches the backend, and adding a second one never surprises: features only add, and whoever wants
//! certainty names the types.
#![forbid(unsafe_code)]

/// The names of the backends that are on: byte backends by rank, then page backends by rank. The first of each
/// is the default.
pub const BACKENDS: &[&str] = &[
    #[cfg(feature = "buddy")]
    "buddy",
    #[cfg(feature = "tlsf")]
    "tlsf",
    #[cfg(feature = "slab-package")]
    "slab-package",
    #[cfg(feature = "slab")]
    "slab",
    #[cfg(feature = "bitmap-package")]
    "bitmap-package",
    #[cfg(feature = "bitmap")]
    "bitmap",
];

/// The lock that is used if no other is named: spins, and leaves interrupts alone.
pub type SpinLock = spin::mutex::SpinMutex<()>;

/// The byte backend of the highest rank that is on.
#[cfg(feature = "buddy")]
pub type DefaultByteAllocator = allocator_buddy::BuddyByteAllocator;
/// The byte backend of the highest rank that is on.
#[cfg(all(feature = "tlsf", not(feature = "buddy")))]
pub type DefaultByteAllocator = allocator_tlsf::TlsfByteAllocator;
/// The byte backend of the highest rank that is on.
#[cfg(all(feature = "slab-package", not(any(feature = "tlsf", feature = "buddy"))))]
pub type DefaultByteAllocator = allocator_slab::package::SlabByteAllocator;
/// The byte backend of the highest rank that is on. As a byte level it needs no page allocator of its own: see
/// [`DefaultByteLevel`].
#[cfg(all(feature = "slab", not(any(feature = "slab-package", feature = "tlsf", feature = "buddy"))))]
pub type DefaultByteAllocator = allocator_slab::SlabByteAllocator;

/// The page backend of the highest rank that is on: the published package, with pages of 4 KiB.
///
/// It has a span of 64 GiB around the first memory it gets: a linear offset that is a multiple of 64 GiB makes that
/// the first 64 GiB of physical memory.
#[cfg(feature = "bitmap-package")]
pub type DefaultPageAllocator =
    allocator_bitmap::package::BitmapPageAllocator<4096, allocator_bitmap::package::BitAlloc16M>;
/// The page backend of the highest rank that is on: our own, with pages of 4 KiB and its records in the memory it is
/// given.
#[cfg(all(feature = "bitmap", not(feature = "bitmap-package")))]
pub type DefaultPageAllocator = allocator_bitmap::BitmapPageAllocator<4096>;

/// The default byte backend as a byte level: it grows by runs of pages.
#[cfg(any(feature = "buddy", feature = "tlsf", feature = "slab-package"))]
pub type DefaultByteLevel = crate::Growing<DefaultByteAllocator>;
/// The default byte backend as a byte level: slabs that stand on the page level itself, and give it back what is unused.
#[cfg(all(feature = "slab", not(any(feature = "slab-package", feature = "tlsf", feature = "buddy"))))]
pub type DefaultByteLevel = allocator_slab::Slabs;

/// The default backends under a [`SpinLock`].
#[cfg(all(
    any(feature = "bitmap", feature = "bitmap-package"),
    any(feature = "buddy", feature = "tlsf", feature = "slab-package", feature = "slab")
))]
pub type DefaultGlobalAllocator = crate::GlobalAllocator<DefaultByteLevel, DefaultPageAllocator, SpinLock>;

/// An owned run of pages of a static [`DefaultGlobalAllocator`].
#[cfg(all(
    any(feature = "bitmap", feature = "bitmap-package"),
    any(feature = "buddy", feature = "tlsf", feature = "slab-package", feature = "slab")
))]
pub type DefaultPageRun = crate::PageRun<'static, DefaultByteLevel, DefaultPageAllocator, SpinLock>;
