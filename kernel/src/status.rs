//! How a run ends: a word for the console and a number for the machine's exit device.
//!
//! The exit device turns a value `v` written to it into the exit status `2·v + 1` of the emulator. The values start
//! at 0x10 so that no status is one that the emulator uses itself.

/// How a run ends.
///
/// # Complexity
///
/// Every method is O(1).
///
/// # Examples
///
/// ```
/// use kernel::status::Status;
///
/// assert_eq!(Status::StackOverflow.word(), "stack-overflow");
/// assert_eq!(2 * Status::Ok.exit_value() + 1, 33);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Status {
    /// Everything passed.
    Ok = 0x10,
    /// A check did not pass.
    Failed = 0x11,
    /// A panic.
    Panic = 0x12,
    /// An exception of the processor.
    Exception = 0x13,
    /// The stack ran into its guard page.
    StackOverflow = 0x14,
    /// An allocation that cannot fail was refused.
    OutOfMemory = 0x15,
}

impl Status {
    /// The value for the exit device.
    #[must_use]
    pub const fn exit_value(self) -> u32 {
        self as u32
    }

    /// The word for the console.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Panic => "panic",
            Self::Exception => "exception",
            Self::StackOverflow => "stack-overflow",
            Self::OutOfMemory => "out-of-memory",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn each_status_has_the_exit_status_that_the_runner_expects() {
        let expected = [
            (Status::Ok, 33, "ok"),
            (Status::Failed, 35, "failed"),
            (Status::Panic, 37, "panic"),
            (Status::Exception, 39, "exception"),
            (Status::StackOverflow, 41, "stack-overflow"),
            (Status::OutOfMemory, 43, "out-of-memory"),
        ];
        for (status, exit_status, word) in expected {
            assert_eq!(2 * status.exit_value() + 1, exit_status);
            assert_eq!(status.word(), word);
        }
    }
}
