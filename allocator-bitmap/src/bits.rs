//! Runs of ones in a 64-bit word.
//!
//! A bit stands for a page, bit 0 for the lowest; one means free.
//!
//! ```text
//!   bit      7 6 5 4 3 2 1 0
//!   word     0 1 1 1 0 1 1 0
//!   & >> 1   0 0 1 1 0 0 1 0      positions where 2 ones begin
//!   & >> 1   0 0 0 1 0 0 0 0      positions where 3 ones begin
//! ```
//!
//! A word whose ones mark where `k` ones begin, and with its copy shifted down by `s <= k`, marks where `k + s`
//! begin: doubling finds runs of any length in at most seven steps.
#![forbid(unsafe_code)]

/// Bits in a word, and so pages that a word stands for.
pub(crate) const WORD_PAGES: usize = 64;

/// The `count` ones from bit `first` on. `count` is at least 1 and `first + count` at most 64.
#[inline]
pub(crate) const fn ones(first: usize, count: usize) -> u64 {
    debug_assert!(count >= 1 && first + count <= WORD_PAGES);
    (u64::MAX >> (WORD_PAGES - count)) << first
}

/// The positions at which `length` ones begin. `length` is 1 to 64.
#[inline]
pub(crate) const fn run_starts(word: u64, length: usize) -> u64 {
    debug_assert!(length >= 1 && length <= WORD_PAGES);
    let mut starts = word;
    let mut marked = 1;
    while marked * 2 <= length {
        starts &= starts >> marked;
        if starts == 0 {
            // Where little is free, mostly after a step or two.
            return 0;
        }
        marked *= 2;
    }
    // The last step may be 0 wide; it is never 64, since `marked` is at least half of `length`.
    starts & (starts >> (length - marked))
}

/// The length of the longest run of ones, or `floor` if none is longer than that.
#[inline]
pub(crate) const fn longest_run_above(word: u64, floor: usize) -> usize {
    if floor >= WORD_PAGES {
        return floor;
    }
    let mut starts = run_starts(word, floor + 1);
    if starts == 0 {
        return floor;
    }
    let mut length = floor + 1;
    let mut step = if length < 32 { length } else { 32 };
    while step > 0 {
        let longer = starts & (starts >> step);
        if longer == 0 {
            step /= 2;
        } else {
            starts = longer;
            length += step;
        }
    }
    length
}

/// The positions whose page number is a multiple of `align_pages`, a power of two up to 64, in a word whose bit 0
/// is such a page.
#[inline]
pub(crate) const fn aligned_positions(align_pages: usize) -> u64 {
    debug_assert!(align_pages.is_power_of_two() && align_pages <= WORD_PAGES);
    // 1, 1 + 2^a, 1 + 2^a + 2^2a …: all ones divided by a group's ones.
    u64::MAX / ones(0, align_pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts_by_counting(word: u64, length: usize) -> u64 {
        (0..=64 - length).filter(|&p| (p..p + length).all(|b| word >> b & 1 == 1)).fold(0, |m, p| m | 1 << p)
    }

    fn longest_by_counting(word: u64) -> usize {
        let (mut best, mut run) = (0, 0);
        for bit in 0..64 {
            run = if word >> bit & 1 == 1 { run + 1 } else { 0 };
            best = best.max(run);
        }
        best
    }

    /// All words of eleven bits, at both ends of a word and in its middle, and their complements.
    fn words() -> impl Iterator<Item = u64> {
        (0..1_u64 << 11).flat_map(|w| [w, w << 53, w << 27, !w, !(w << 53), !(w << 27)])
    }

    #[test]
    fn run_starts_agree_with_counting_for_every_length() {
        for word in words().step_by(3) {
            for length in 1..=64 {
                assert_eq!(run_starts(word, length), starts_by_counting(word, length), "{word:#x} {length}");
            }
        }
    }

    #[test]
    fn the_longest_run_agrees_with_counting_above_every_floor() {
        for word in words() {
            let longest = longest_by_counting(word);
            for floor in 0..=64 {
                assert_eq!(longest_run_above(word, floor), longest.max(floor), "{word:#x} {floor}");
            }
        }
    }

    #[test]
    fn masks_have_exactly_the_bits_asked_for() {
        for first in 0..64 {
            for count in 1..=64 - first {
                let expected = (first..first + count).fold(0, |mask, bit| mask | 1 << bit);
                assert_eq!(ones(first, count), expected);
            }
        }
        for log2 in 0..=6 {
            let expected = (0..64).step_by(1 << log2).fold(0, |mask, bit| mask | 1 << bit);
            assert_eq!(aligned_positions(1 << log2), expected);
        }
    }
}
