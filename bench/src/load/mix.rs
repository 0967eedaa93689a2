//! Sizes as a kernel asks for them.
#![forbid(unsafe_code)]

use crate::random::Random;

/// A size in bytes and its share of a thousand requests, from the traces in `traces/` (all kernel traces together, the
/// most frequent sizes; the rest is spread over sizes of the same doubling).
const KERNEL: &[(u32, usize)] = &[
    (8, 10),
    (16, 15),
    (24, 60),
    (32, 50),
    (40, 20),
    (48, 10),
    (56, 45),
    (64, 60),
    (72, 15),
    (80, 10),
    (88, 5),
    (96, 35),
    (104, 45),
    (128, 25),
    (136, 10),
    (152, 55),
    (168, 10),
    (184, 5),
    (192, 85),
    (256, 230),
    (576, 5),
    (632, 25),
    (704, 10),
    (776, 8),
    (1104, 5),
    (1184, 8),
    (2080, 4),
    (2592, 2),
    (4096, 130),
    (8392, 3),
];

/// The sum of the shares.
const TOTAL: usize = {
    let (mut n, mut total) = (0, 0);
    while n < KERNEL.len() {
        total += KERNEL[n].1;
        n += 1;
    }
    total
};

/// A size in bytes from the kernel's distribution.
pub(crate) fn kernel_size(random: &mut Random) -> u32 {
    let mut left = random.below(TOTAL);
    for &(size, share) in KERNEL {
        if left < share {
            return size;
        }
        left -= share;
    }
    KERNEL[0].0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_with_their_shares() {
        assert_eq!(TOTAL, 1000);
        let mut random = Random::new(5);
        let pages = (0..100_000).filter(|_| kernel_size(&mut random) == 4096).count();
        assert!((12_000..14_000).contains(&pages), "{pages}");
    }
}
