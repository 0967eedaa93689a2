//! Size classes: which block size a request is rounded up to, and how many pages a slab of that size takes.
//!
//! Numbers only. A request of `size` bytes at a multiple of `align` is told by its [`last_byte`]: the distance from
//! the block's first byte to the last one that it must have, after rounding the size up to a multiple of the alignment.
//! A class serves a range of such distances.
//!
//! ```text
//!   size    1 … 16 │ … 24 │ … 32 │ … 40 │ … 64 │ … 72 │ … 80 │ … 128 │ … 144 │ … 160 │ … 256 │ … 32768
//!   class      1   │   2  │   3  │   4  │   7  │   8  │   9  │   15  │   16  │   17  │   23  │  79
//!                  steps of 8 up to 64; above, eight steps in each doubling: 8, 16, 32, … 2048 bytes
//! ```
//!
//! # Invariants
//!
//! - Every class size from 64 on is (8 + j) · 2^k with j in 1..=8. A request whose size is a multiple of its alignment gets a
//!   class size that is one too, so that objects laid out one after the other from a page border are all aligned.
//! - Above 64 bytes a class wastes less than an eighth of its size.
#![forbid(unsafe_code)]

/// The number of classes, with class 0, which serves nothing.
pub(crate) const COUNT: usize = 1 + SMALL_CLASSES + DOUBLINGS * STEPS;
/// The largest class size in bytes, inclusive.
pub(crate) const MAX_BYTES: usize = FINE_BYTES << DOUBLINGS;
/// The largest size in bytes, inclusive, whose class is read from a table.
pub(crate) const TABLE_BYTES: usize = 3584;
/// Sizes are rounded up to multiples of so many bytes, as a power of two.
pub(crate) const GRAIN_LOG2: u32 = 3;
/// The unit of slabs: what a slab takes is a multiple of it.
pub(crate) const FRAME_BYTES: usize = 4096;
/// The most objects of a slab, inclusive.
pub(crate) const MAX_OBJECTS: usize = 256;

/// The most frames of a slab, inclusive.
const MAX_FRAMES: usize = 32;
/// Up to here classes are 8 bytes apart.
const FINE_BYTES: usize = 64;
const FINE_LOG2: u32 = FINE_BYTES.ilog2();
/// Classes up to [`FINE_BYTES`]: 16, 24, … 64.
const SMALL_CLASSES: usize = FINE_BYTES / 8 - 1;
const DOUBLINGS: usize = 9;
/// Classes in each doubling above [`FINE_BYTES`].
const STEPS: usize = 8;
const STEPS_LOG2: u32 = STEPS.ilog2();

/// The block size of each class in bytes; 0 for class 0.
pub(crate) const SIZES: [u16; COUNT] = sizes();

/// The frames of a slab of each class.
pub(crate) const SLAB_FRAMES: [u8; COUNT] = slab_frames();

const fn sizes() -> [u16; COUNT] {
    let mut sizes = [0; COUNT];
    let mut class = 1;
    while class < COUNT {
        sizes[class] = if class <= SMALL_CLASSES {
            (8 * (class + 1)) as u16
        } else {
            let step = class - SMALL_CLASSES - 1;
            let doubling = step / STEPS;
            ((STEPS + 1 + step % STEPS) << (doubling + (FINE_LOG2 - STEPS_LOG2) as usize)) as u16
        };
        class += 1;
    }
    sizes
}

const fn slab_frames() -> [u8; COUNT] {
    let mut frames = [0; COUNT];
    let mut class = 1;
    while class < COUNT {
        frames[class] = frames_for(SIZES[class] as usize) as u8;
        class += 1;
    }
    frames
}

/// The largest of the sizes that kernels ask for most, and the fewest objects of a slab of those. With slabs of 16, the class of
/// 256 bytes moved on to the next one so often that the mean operation of forking processes took 5 % more.
const FREQUENT_BYTES: usize = 256;
const FREQUENT_OBJECTS: usize = 17;

/// The fewest frames in which objects of `size` bytes leave less than a thirty-second unused and are four at least, or
/// [`FREQUENT_OBJECTS`] if they are small; for sizes above a frame two objects will do. No more than [`MAX_FRAMES`], which
/// the classes never need. `size` is not 0 and at most [`MAX_BYTES`].
pub(crate) const fn frames_for(size: usize) -> usize {
    let least_objects = if size <= FREQUENT_BYTES {
        FREQUENT_OBJECTS
    } else if size <= FRAME_BYTES {
        4
    } else {
        2
    };
    let mut frames = 1;
    loop {
        let bytes = frames * FRAME_BYTES;
        let objects = bytes / size;
        if frames == MAX_FRAMES || objects >= least_objects && (bytes - objects * size) * 32 <= bytes {
            return frames;
        }
        frames += 1;
    }
}

/// The distance from a block's first byte to the last one that a request needs: the size, rounded up to a multiple of
/// `align`, less one. `usize::MAX` if the size is 0. `align` is a power of two.
#[inline(always)]
pub(crate) const fn last_byte(size: usize, align: usize) -> usize {
    size.wrapping_sub(1) | (align - 1)
}

/// The class of a request; `None` if it needs more than [`MAX_BYTES`], or nothing.
#[inline]
pub(crate) const fn class_of(last_byte: usize) -> Option<usize> {
    if last_byte >= MAX_BYTES {
        return None;
    }
    if last_byte < FINE_BYTES {
        let grains = last_byte >> GRAIN_LOG2;
        return Some(if grains == 0 { 1 } else { grains });
    }
    let log2 = last_byte.ilog2();
    let step = (last_byte >> (log2 - STEPS_LOG2)) % STEPS;
    Some(SMALL_CLASSES + 1 + (log2 - FINE_LOG2) as usize * STEPS + step)
}

/// The smallest [`last_byte`] that `class` serves. `class` is not 0.
pub(crate) const fn first_of(class: usize) -> usize {
    if class == 1 { 0 } else { SIZES[class - 1] as usize }
}

/// The inverse of an odd number modulo 2^`usize::BITS`: `odd * inverse(odd) == 1`.
///
/// Newton's iteration; each step doubles the number of right bits, of which an odd number is its own inverse in three.
pub(crate) const fn inverse(odd: usize) -> usize {
    let mut inverse = odd;
    let mut right_bits = 3;
    while right_bits < usize::BITS {
        inverse = inverse.wrapping_mul(2_usize.wrapping_sub(odd.wrapping_mul(inverse)));
        right_bits *= 2;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write, string::String};

    use super::*;

    /// The table of the crate's documentation, computed.
    fn table() -> String {
        let mut table = String::from(
            "| object bytes | slab KiB | objects | bytes behind them | of the slab |\n|--:|--:|--:|--:|--:|\n",
        );
        for (size, frames) in SIZES.into_iter().zip(SLAB_FRAMES).skip(1) {
            let (size, slab) = (usize::from(size), usize::from(frames) * FRAME_BYTES);
            let per_mille = (slab % size * 1000).div_ceil(slab);
            let (whole, tenth) = (per_mille / 10, per_mille % 10);
            writeln!(table, "| {size} | {} | {} | {} | {whole}.{tenth} % |", slab >> 10, slab / size, slab % size)
                .unwrap();
        }
        table
    }

    #[test]
    fn the_documented_table_is_the_computed_one() {
        let documented = include_str!("classes.md");
        assert!(documented == table(), "classes.md should be:\n{}", table());
    }

    #[test]
    fn one_slab_of_each_class_takes_what_the_documentation_says() {
        let frames: usize = SLAB_FRAMES.into_iter().map(usize::from).sum();
        assert_eq!(frames * FRAME_BYTES, 1484 << 10);
        let most = SLAB_FRAMES.into_iter().max();
        assert_eq!(most, Some(16));
    }

    #[test]
    fn each_size_gets_the_smallest_class_that_holds_it() {
        for size in 1..=MAX_BYTES {
            let class = class_of(last_byte(size, 1)).unwrap();
            assert!((1..COUNT).contains(&class), "{size}");
            assert!(SIZES[class] as usize >= size, "{size} in {}", SIZES[class]);
            assert!(size > SIZES[class - 1] as usize || class == 1, "{size} in {}", SIZES[class]);
            assert!(first_of(class) < size && size <= SIZES[class] as usize);
        }
        assert_eq!(class_of(last_byte(MAX_BYTES + 1, 1)), None);
        assert_eq!(class_of(last_byte(0, 64)), None);
    }

    #[test]
    fn a_class_size_is_a_multiple_of_every_alignment_asked_for() {
        for align_log2 in 0..=MAX_BYTES.ilog2() {
            let align = 1 << align_log2;
            for size in 1..=MAX_BYTES {
                let last = last_byte(size, align);
                assert_eq!(last + 1, size.next_multiple_of(align));
                let class = class_of(last).unwrap();
                assert!((SIZES[class] as usize).is_multiple_of(align), "{size} at {align}");
            }
        }
    }

    #[test]
    fn above_64_bytes_less_than_an_eighth_is_wasted() {
        for size in 65..=MAX_BYTES {
            let class_size = SIZES[class_of(size - 1).unwrap()] as usize;
            assert!((class_size - size) * 8 < class_size, "{size} in {class_size}");
        }
    }

    #[test]
    fn a_slab_wastes_at_most_a_thirty_second_and_is_small() {
        for class in 1..COUNT {
            let (size, bytes) = (SIZES[class] as usize, SLAB_FRAMES[class] as usize * FRAME_BYTES);
            assert!((bytes % size) * 32 <= bytes, "{size}");
            assert!(bytes / size >= 2 && bytes <= 32 * FRAME_BYTES && bytes / size <= MAX_OBJECTS, "{size}");
        }
    }

    #[test]
    fn an_inverse_times_its_number_is_one() {
        for odd in (1..10_000).step_by(2) {
            assert_eq!(odd_product(odd), 1, "{odd}");
        }
    }

    fn odd_product(odd: usize) -> usize {
        odd.wrapping_mul(inverse(odd))
    }
}
