//! Contents by which a block can be told from every other.
//!
//! Every 8 bytes of a block hold a word that depends on the object's id, on the record with which it was born, and on
//! the place within the block; the last, shorter piece holds the first bytes of its word. A block that another one
//! overlaps, a stale block of the same id, and a copy that is shifted all differ from what is expected.
//!
//! Costs are O(bytes).

/// The contents of one object.
///
/// # Examples
///
/// ```
/// use kernel::pattern::Pattern;
///
/// let mut block = [0; 21];
/// Pattern::new(7, 1).fill(&mut block);
/// assert!(Pattern::new(7, 1).matches(&block));
/// assert!(!Pattern::new(8, 1).matches(&block));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pattern(u64);

const WORD_BYTES: usize = 8;

/// Odd, with bits in every byte: its multiples run through all words (2^64 divided by the golden ratio).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Pattern {
    /// The contents of the object `id` that was born with the record number `birth`.
    #[must_use]
    pub const fn new(id: u32, birth: u32) -> Self {
        Self(mixed((id as u64) << 32 | birth as u64))
    }

    /// Writes the contents.
    pub fn fill(self, block: &mut [u8]) {
        let (words, rest) = block.as_chunks_mut::<WORD_BYTES>();
        let count = words.len();
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.word(index);
        }
        rest.copy_from_slice(&self.word(count)[..rest.len()]);
    }

    /// Whether a block has the contents, to the last byte.
    #[must_use]
    pub fn matches(self, block: &[u8]) -> bool {
        let (words, rest) = block.as_chunks::<WORD_BYTES>();
        words.iter().enumerate().all(|(index, word)| *word == self.word(index))
            && *rest == self.word(words.len())[..rest.len()]
    }

    const fn word(self, index: usize) -> [u8; WORD_BYTES] {
        self.0.wrapping_add((index as u64).wrapping_mul(STEP)).to_ne_bytes()
    }
}

/// A word in which every bit depends on every bit of `seed`: two rounds of "multiply, then fold the upper half in".
const fn mixed(seed: u64) -> u64 {
    let once = seed.wrapping_add(1).wrapping_mul(STEP);
    let twice = (once ^ once >> 32).wrapping_mul(STEP);
    twice ^ twice >> 32
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{collections::HashSet, vec};

    use super::*;

    #[test]
    fn a_change_of_any_byte_is_seen_at_every_length() {
        for len in 1..40 {
            let mut block = vec![0; len];
            Pattern::new(3, 4).fill(&mut block);
            assert!(Pattern::new(3, 4).matches(&block));
            for at in 0..len {
                block[at] ^= 0x10;
                assert!(!Pattern::new(3, 4).matches(&block), "byte {at} of {len}");
                block[at] ^= 0x10;
            }
        }
    }

    #[test]
    fn ids_births_and_places_make_different_words() {
        let patterns = (0..64).flat_map(|id| (0..64).map(move |birth| Pattern::new(id, birth)));
        let words = patterns.flat_map(|pattern| (0..8).map(move |index| pattern.word(index)));
        let distinct: HashSet<_> = words.clone().collect();
        assert_eq!(distinct.len(), words.count());
        let first_bytes: HashSet<_> = (0..4096).map(|id| Pattern::new(id, 0).word(0)[0]).collect();
        assert_eq!(first_bytes.len(), 256);
    }
}
