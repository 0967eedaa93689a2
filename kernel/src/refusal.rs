//! Telling a panic for want of memory from any other.
//!
//! When an allocation that cannot fail is refused, `alloc` panics with a fixed text that names the size. The text alone
//! could come from anybody; together with the size that the heap refused last, it is taken for what it is.

use core::fmt::{self, Display, Write};

/// Longer than the text with the largest size in it.
const MAX_BYTES: usize = 64;

/// Whether `message` is what `alloc` says when an allocation of `refused_bytes` is refused.
///
/// O(length of the message).
///
/// # Examples
///
/// ```
/// use kernel::refusal::is_refusal;
///
/// assert!(is_refusal("memory allocation of 512 bytes failed", 512));
/// assert!(!is_refusal("memory allocation of 512 bytes failed", 64));
/// assert!(!is_refusal("index out of bounds", 512));
/// ```
#[must_use]
pub fn is_refusal(message: impl Display, refused_bytes: usize) -> bool {
    let mut text = Text { bytes: [0; MAX_BYTES], len: 0 };
    if write!(text, "{message}").is_err() {
        return false;
    }
    let size =
        text.as_str().strip_prefix("memory allocation of ").and_then(|rest| rest.strip_suffix(" bytes failed"));
    size.and_then(|size| size.parse().ok()) == Some(refused_bytes)
}

/// The beginning of a text; writing more than there is room for is an error.
struct Text {
    bytes: [u8; MAX_BYTES],
    len: usize,
}

impl Text {
    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_refusal;

    #[test]
    fn the_largest_size_has_room() {
        let message = format_args!("memory allocation of {} bytes failed", usize::MAX);
        assert!(is_refusal(message, usize::MAX));
    }

    #[test]
    fn messages_that_only_resemble_it_are_others() {
        for message in [
            "memory allocation of  bytes failed",
            "memory allocation of 8 bytes failed, says somebody",
            "a memory allocation of 8 bytes failed",
            "memory allocation of 8 bytes failed and this text has no room in the buffer any more",
        ] {
            assert!(!is_refusal(message, 8), "{message}");
        }
    }
}
