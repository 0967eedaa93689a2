//! The contract, case by case, for the facade as a whole: each byte level over each page level, seen as one byte
//! allocator.
#![cfg(all(
    any(feature = "bitmap", feature = "bitmap-package"),
    any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")
))]

mod scripts;
#[cfg(feature = "slab")]
mod slabs_level;
#[expect(unreachable_pub, reason = "the fuzz targets take the file as it is")]
mod two_levels;
mod whole;

/// Our page engine with its records in the value.
#[cfg(feature = "bitmap")]
type Bitmap = allocator::BitmapPageAllocator<4096, allocator::bitmap::Inline<0x8000>>;
#[cfg(feature = "bitmap-package")]
type Package = allocator::bitmap::package::BitmapPageAllocator<4096, allocator::bitmap::package::BitAlloc16M>;

#[cfg(feature = "slab-package")]
type SlabPackage = allocator::Growing<allocator::slab::package::SlabByteAllocator>;
#[cfg(feature = "tlsf")]
type Tlsf = allocator::Growing<allocator::TlsfByteAllocator>;
#[cfg(feature = "buddy")]
type Buddy = allocator::Growing<allocator::BuddyByteAllocator>;

macro_rules! suite {
    ($byte:literal, $page:literal, $name:ident, $level:ty, $pages:ty) => {
        #[cfg(all(feature = $byte, feature = $page))]
        allocator_conformance::byte_suite!($name, crate::whole::Whole<$level, $pages>);
    };
}

suite!("slab", "bitmap", slab_over_bitmap, allocator::Slabs, crate::Bitmap);
suite!("slab-package", "bitmap", slab_package_over_bitmap, crate::SlabPackage, crate::Bitmap);
suite!("tlsf", "bitmap", tlsf_over_bitmap, crate::Tlsf, crate::Bitmap);
suite!("buddy", "bitmap", buddy_over_bitmap, crate::Buddy, crate::Bitmap);
suite!("slab", "bitmap-package", slab_over_package, allocator::Slabs, crate::Package);
suite!("slab-package", "bitmap-package", slab_package_over_package, crate::SlabPackage, crate::Package);
suite!("tlsf", "bitmap-package", tlsf_over_package, crate::Tlsf, crate::Package);
suite!("buddy", "bitmap-package", buddy_over_package, crate::Buddy, crate::Package);

// The layer that records keeps what its level keeps.
#[cfg(all(feature = "trace", feature = "tlsf"))]
allocator_conformance::byte_suite!(recorded_tlsf, allocator::Recorded<allocator::TlsfByteAllocator>);
#[cfg(all(feature = "trace", feature = "bitmap"))]
allocator_conformance::page_suite!(recorded_bitmap, allocator::Recorded<allocator::BitmapPageAllocator<4096>>);
