//! What the targets try: every byte backend, every page backend and every id allocator, each in one line.

/// Calls a macro of this crate with what is given and, behind it, every byte backend: its type, and how it fits blocks.
#[macro_export]
macro_rules! with_byte_backends {
    ($then:ident! { $($head:tt)* }) => {
        $crate::$then! { $($head)*
            ::allocator::BuddyByteAllocator, Fit::Buddies { smallest_bytes: 8 };
            ::allocator::TlsfByteAllocator, Fit::Gaps { margin_bytes: 64, waste_divisor: 16, keeps_padding: true };
            ::allocator::SlabByteAllocator, Fit::Unknown;
            ::allocator::slab::package::SlabByteAllocator, Fit::Unknown;
        }
    };
}

/// Calls a macro of this crate with what is given and, behind it, every page backend, with pages of several sizes.
#[macro_export]
macro_rules! with_page_backends {
    ($then:ident! { $($head:tt)* }) => {
        $crate::$then! { $($head)*
            ::allocator_bitmap::BitmapPageAllocator<4096>, Fit::Unknown;
            ::allocator_bitmap::BitmapPageAllocator<512>, Fit::Unknown;
            ::allocator_bitmap::package::BitmapPageAllocator<4096, BitAlloc64K>, Fit::Unknown;
            ::allocator_bitmap::package::BitmapPageAllocator<512, BitAlloc4K>, Fit::Unknown;
            ::allocator_bitmap::package::BitmapPageAllocator<{ 2 << 20 }, BitAlloc4K>, Fit::Unknown;
        }
    };
}

/// Calls a macro of this crate with what is given and, behind it, every byte level.
#[macro_export]
macro_rules! with_byte_levels {
    ($then:ident! { $($head:tt)* }) => {
        $crate::$then! { $($head)*
            ::allocator::Growing<::allocator::BuddyByteAllocator>;
            ::allocator::Growing<::allocator::TlsfByteAllocator>;
            ::allocator::Growing<::allocator::slab::package::SlabByteAllocator>;
            ::allocator::Slabs;
        }
    };
}

/// Calls a macro of this crate with what is given and, behind it, every id allocator.
#[macro_export]
macro_rules! with_id_allocators {
    ($then:ident! { $($head:tt)* }) => {
        $crate::$then! { $($head)*
            ::allocator_bitmap::BitmapIdAllocator<Inline<4000>>, Fit::Unknown;
            ::allocator_bitmap::package::BitmapIdAllocator<BitAlloc4K>, Fit::Unknown;
        }
    };
}

/// [`choose!`](crate::choose), on the facade over each byte level: with our page level and with the package.
#[macro_export]
macro_rules! choose_facade {
    ($input:expr, $run:path; $($level:ty;)+) => {
        $crate::choose! { $input, $run;
            $($crate::two_levels::TwoLevels<$level, ::allocator_bitmap::BitmapPageAllocator<4096>>, Fit::Unknown;)+
            $($crate::two_levels::TwoLevels<
                $level,
                ::allocator_bitmap::package::BitmapPageAllocator<4096, BitAlloc64K>,
            >, Fit::Unknown;)+
        }
    };
}

/// Calls a function with a slot and an arena for each allocator type, and with how it fits blocks.
#[macro_export]
macro_rules! watch_each {
    ($watch:path; $($allocator:ty, $fit:expr;)+) => {$({
        static SLOT: ::allocator_conformance::Slot<$allocator> = ::allocator_conformance::Slot::new();
        static ARENA: ::allocator_conformance::Arena = ::allocator_conformance::Arena::new();
        $watch(&SLOT, &ARENA, $fit);
    })+};
}
