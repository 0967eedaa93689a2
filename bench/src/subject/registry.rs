//! Every subject by name. A new engine is one line here.
#![forbid(unsafe_code)]

use super::{
    Subject,
    hosted::Glibc,
    limit::{FreeLists, Nothing, Stacks},
    ours::{Bytes, Mapped, Pages, Recording},
    packages::{Buddy, Rlsf, Slab},
    page_peers::{Bitmap, BuddySlabPages, Frames},
    peers::{BuddySlab, Dlmalloc, GoodMemory, LinkedList, Talc},
};
#[cfg(feature = "hosted")]
use super::{hosted::Jemalloc, mimalloc::Mimalloc};
use crate::script::{Level, PAGE_BYTES};
use allocator_bitmap::{BitmapPageAllocator, package};

/// Whose a subject is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A backend of this workspace.
    Ours,
    /// A backend of this workspace under a layer of the facade.
    Layer,
    /// A `no_std` package from the registry.
    Peer,
    /// An allocator that needs an operating system and takes its memory from there.
    Hosted,
    /// The least that an allocator can do.
    Limit,
}

/// A subject's line in the registry.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Entry {
    /// Unique name.
    pub(crate) name: &'static str,
    /// Whose it is.
    pub(crate) kind: Kind,
    /// Bytes or pages.
    pub(crate) level: Level,
    /// What a reader of a table should know.
    pub(crate) note: &'static str,
}

/// Does something with a subject whose type is known only by name.
pub(crate) trait Visitor {
    /// What comes out.
    type Output;
    /// Does it with `S`.
    fn visit<S: Subject>(self) -> Self::Output;
}

macro_rules! registry {
    ($($(#[$cfg:meta])? $name:literal $kind:ident $level:ident $type:ty, $note:literal;)*) => {
        /// Every subject, in the order of the tables.
        pub(crate) const ENTRIES: &[Entry] = &[
            $($(#[$cfg])? Entry { name: $name, kind: Kind::$kind, level: Level::$level, note: $note },)*
        ];

        /// Lets `visitor` see the subject called `name`; `None` if there is none.
        pub(crate) fn visit<V: Visitor>(name: &str, memory_bytes: usize, visitor: V) -> Option<V::Output> {
            match name {
                // The package's map has a fixed capacity; the smallest that holds the memory is the fair choice.
                "bitmap-allocator" if memory_bytes > (1 << 24) * PAGE_BYTES => {
                    Some(visitor.visit::<Bitmap<bitmap_allocator::BitAlloc256M>>())
                }
                "bitmap-allocator" if memory_bytes > (1 << 20) * PAGE_BYTES => {
                    Some(visitor.visit::<Bitmap<bitmap_allocator::BitAlloc16M>>())
                }
                "bitmap-package" if memory_bytes > (1 << 24) * PAGE_BYTES => {
                    Some(visitor.visit::<Pages<package::BitmapPageAllocator<PAGE_BYTES, bitmap_allocator::BitAlloc256M>>>())
                }
                "bitmap-package" if memory_bytes > (1 << 20) * PAGE_BYTES => {
                    Some(visitor.visit::<Pages<package::BitmapPageAllocator<PAGE_BYTES, bitmap_allocator::BitAlloc16M>>>())
                }
                NOTHING => Some(visitor.visit::<Nothing>()),
                $($(#[$cfg])? $name => Some(visitor.visit::<$type>()),)*
                _ => None,
            }
        }
    };
}

/// The subject that does nothing; in no table.
pub(crate) const NOTHING: &str = "nothing";

registry! {
    "slab" Ours Bytes Bytes<allocator_slab::SlabByteAllocator, Mapped>, "our engine, on a page allocator of its own";
    "slab-package" Ours Bytes Bytes<allocator_slab::package::SlabByteAllocator>, "over the package slab_allocator";
    "buddy" Ours Bytes Bytes<allocator_buddy::BuddyByteAllocator>, "over the package buddy_system_allocator";
    "tlsf" Ours Bytes Bytes<allocator_tlsf::TlsfByteAllocator>, "over the package rlsf";
    "slab + recorder" Layer Bytes Recording<allocator_slab::SlabByteAllocator>, "slab under the layer that records each call";
    "slab_allocator" Peer Bytes Slab, "ax_slab_allocator 0.4";
    "buddy_system_allocator" Peer Bytes Buddy, "0.13";
    "rlsf" Peer Bytes Rlsf, "0.2.3";
    "talc" Peer Bytes Talc, "5";
    "linked_list_allocator" Peer Bytes LinkedList, "0.10";
    "good_memory_allocator" Peer Bytes GoodMemory, "0.1";
    "dlmalloc" Peer Bytes Dlmalloc, "0.2";
    "buddy-slab-allocator" Peer Bytes BuddySlab, "0.6; its two levels, without its locks";
    #[cfg(feature = "hosted")]
    "mimalloc" Hosted Bytes Mimalloc, "2; own memory";
    #[cfg(feature = "hosted")]
    "jemalloc" Hosted Bytes Jemalloc, "5; own memory";
    "glibc" Hosted Bytes Glibc, "the C library's malloc; own memory";
    "free lists" Limit Bytes FreeLists, "no merging, no checks, no statistics";
    "bitmap" Ours Pages Pages<BitmapPageAllocator<PAGE_BYTES>, Mapped>, "our engine, records in the region";
    "bitmap-package" Ours Pages Pages<package::BitmapPageAllocator<PAGE_BYTES>>, "over the package bitmap-allocator; the smallest map that holds the memory";
    "bitmap-allocator" Peer Pages Bitmap<bitmap_allocator::BitAlloc1M>, "0.4.6; the smallest map that holds the memory";
    "buddy-slab pages" Peer Pages BuddySlabPages, "0.6; runs are powers of two";
    "FrameAllocator" Peer Pages Frames, "buddy_system_allocator 0.13; runs are powers of two; records on the host's heap";
    "stacks" Limit Pages Stacks, "page numbers, a stack for each length of run";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        for (n, entry) in ENTRIES.iter().enumerate() {
            assert!(ENTRIES[n + 1..].iter().all(|other| other.name != entry.name), "{}", entry.name);
        }
    }
}
