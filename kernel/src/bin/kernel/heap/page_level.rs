//! The page level that the features choose, what each allocator of its type needs before it takes memory, and the allocator
//! of identifiers that comes with it.
//!
//! | feature | page level | its records |
//! |---|---|---|
//! | `bitmap`, `bitmap-package` | `DefaultPageAllocator` | it finds room for them |
//! | `bitmap-lent` | our engine with `Lent` records | for the heap: a piece of the memory map; for the suite: a static |

/// The allocator of identifiers that comes with the page level.
#[cfg(not(feature = "bitmap-package"))]
pub(crate) type IdLevel = allocator::bitmap::BitmapIdAllocator<allocator::bitmap::Inline<0x1_0000>>;

/// The allocator of identifiers that comes with the page level.
#[cfg(feature = "bitmap-package")]
pub(crate) type IdLevel = allocator::bitmap::package::BitmapIdAllocator<allocator::bitmap::package::BitAlloc4K>;

#[cfg(not(feature = "bitmap-lent"))]
mod chosen {
    /// The type of the page level.
    pub(crate) type PageLevel = allocator::DefaultPageAllocator;

    /// It needs nothing.
    pub(crate) fn set_up(_pages: &mut PageLevel) {}
}

#[cfg(feature = "bitmap-lent")]
mod chosen {
    use core::cell::UnsafeCell;

    use allocator::{BitmapPageAllocator, bitmap::Lent};

    /// The type of the page level.
    pub(crate) type PageLevel = BitmapPageAllocator<4096, Lent>;

    /// Room for the records of 64 GiB, which the suite manages as mere numbers.
    struct Room(UnsafeCell<[u64; 0x5_8000]>);

    // SAFETY: the kernel runs on one processor, and the suite uses one allocator at a time.
    unsafe impl Sync for Room {}

    static ROOM: Room = Room(UnsafeCell::new([0; _]));

    /// Lends the room to an allocator of the suite.
    pub(crate) fn set_up(pages: &mut PageLevel) {
        // SAFETY: only the suite calls this, for a new allocator, when it uses the one before no more.
        let room = unsafe { &mut *ROOM.0.get() };
        assert!(pages.lend(room).is_ok(), "an allocator without memory takes the room");
    }
}

pub(crate) use chosen::{PageLevel, set_up};
