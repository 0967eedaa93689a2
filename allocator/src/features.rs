//! Which backends are on, and which of them a kernel gets that names none.
//!
//! The order is fixed for ever: `buddy` before `tlsf` before `slab`. The default feature has the lowest rank,
//! so that adding one word to a list of features switches the backend, and adding a second one never surprises:
//! features only add, and whoever wants certainty names the types.
#![forbid(unsafe_code)]

/// The names of the backends that are on: byte backends by rank, then page backends by rank. The first of each
/// is the default.
pub const BACKENDS: &[&str] = &[
    #[cfg(feature = "buddy")]
    "buddy",
    #[cfg(feature = "tlsf")]
    "tlsf",
    #[cfg(feature = "slab")]
    "slab",
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
#[cfg(all(feature = "slab", not(any(feature = "tlsf", feature = "buddy"))))]
pub type DefaultByteAllocator = allocator_slab::SlabByteAllocator;

/// The page backend of the highest rank that is on, with pages of 4 KiB and a span of 64 GiB.
///
/// The first region chooses the span: the 64 GiB between two multiples of 64 GiB in which it lies. So give
/// memory maps a linear offset that is a multiple of 64 GiB; with another, memory within 64 GiB of the first
/// may lie outside the span, and be skipped ([`MapReport::skipped_bytes`](crate::MapReport::skipped_bytes)).
#[cfg(feature = "bitmap")]
pub type DefaultPageAllocator =
    allocator_bitmap::package::BitmapPageAllocator<4096, allocator_bitmap::package::BitAlloc16M>;

/// The default byte backend as a byte level.
#[cfg(any(feature = "buddy", feature = "tlsf", feature = "slab"))]
pub type DefaultByteLevel = crate::Growing<DefaultByteAllocator>;

/// The default backends under a [`SpinLock`].
#[cfg(all(feature = "bitmap", any(feature = "buddy", feature = "tlsf", feature = "slab")))]
pub type DefaultGlobalAllocator = crate::GlobalAllocator<DefaultByteLevel, DefaultPageAllocator, SpinLock>;
