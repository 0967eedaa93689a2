//! Sizes as a kernel asks for them.
#![forbid(unsafe_code)]

use crate::random::Random;

/// A size in bytes and its share of a thousand requests: the most frequent sizes of the kernel traces in `traces/`, with
/// whole pages cut down to a fiftieth, since in memory that is filled they would be most of the bytes. The mean is about
/// 260 bytes.
const KERNEL: &[(u32, usize)] = &[
    (8, 10),
    (16, 20),
    (24, 75),
    (32, 70),
    (40, 30),
    (48, 15),
    (52, 10),
    (56, 55),
    (64, 75),
    (72, 20),
    (80, 15),
    (88, 5),
    (96, 45),
    (104, 50),
    (112, 5),
    (128, 30),
    (136, 10),
    (152, 65),
    (168, 10),
    (184, 10),
    (192, 95),
    (256, 190),
    (576, 5),
    (632, 25),
    (704, 10),
    (776, 10),
    (1104, 5),
    (1184, 10),
    (2080, 3),
    (2592, 2),
    (4096, 20),
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
        assert!((1_800..2_200).contains(&pages), "{pages}");
    }
}
