//! Points 7 and 8: where blocks stand.
#![forbid(unsafe_code)]

use allocator_api::{ByteAllocator, ConstEmpty};

use super::subject::{Subject, layout};
use crate::verdict::Step;

/// Hands in `bytes` from the start of the ground.
fn with_memory<A: ByteAllocator + ConstEmpty>(s: &mut Subject<'_, A>, bytes: usize) -> Step {
    let start = s.at(0);
    s.must_add(start, bytes)
}

/// Gives every live block back, the oldest first.
fn give_all_back<A: ByteAllocator + ConstEmpty>(s: &mut Subject<'_, A>) -> Step {
    while s.live().len() > 0 {
        s.dealloc(0)?;
    }
    Ok(())
}

/// Three blocks of each kind are live together, so that one that is aligned by chance is followed by one that is not.
pub(super) fn every_alignment_is_honoured<A: ByteAllocator + ConstEmpty>(s: &mut Subject<'_, A>) -> Step {
    with_memory(s, 15 << 20)?;
    for size in [1, 8, 24, 64, 100, 1000, 4096, 5000, 70_000] {
        for align_log2 in 0..=20 {
            for _ in 0..3 {
                s.must_alloc(layout(size, 1 << align_log2)?)?;
            }
            give_all_back(s)?;
        }
    }
    Ok(())
}

/// Blocks of one size after another stand side by side; each is filled with a byte of its own and looked at again when
/// all are there.
pub(super) fn every_byte_of_a_block_is_usable<A: ByteAllocator + ConstEmpty>(s: &mut Subject<'_, A>) -> Step {
    with_memory(s, 4 << 20)?;
    for size in 1..=300 {
        s.must_alloc(layout(size, 1)?)?;
    }
    for size_log2 in 9..=16 {
        for size in [(1 << size_log2) - 1, 1 << size_log2, (1 << size_log2) + 1] {
            s.must_alloc(layout(size, 8)?)?;
        }
    }
    s.expect_all_contents()?;
    give_all_back(s)
}
