//! Little-endian numbers at fixed places of a byte slice, also in constants.
//!
//! Each function takes O(1) and panics if the slice ends too early: callers check the length first, once.

/// The four bytes from `at` on.
pub(crate) const fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The eight bytes from `at` on.
pub(crate) const fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u32_at(bytes, at) as u64 | (u32_at(bytes, at + 4) as u64) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_lowest_byte_first() {
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7, 0xf8, 9];
        assert_eq!(u32_at(&bytes, 6), 0x09f8_0706);
        assert_eq!(u64_at(&bytes, 1), 0xf807_0605_0403_0201);
    }
}
