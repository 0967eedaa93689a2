//! What a boot is to show: the normal run, or one of the failures that the kernel provokes on request.

use std::fmt;

use clap::ValueEnum;

/// What `--provoke` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provocation {
    /// The kernel panics.
    Panic,
    /// It touches an address that is not mapped.
    PageFault,
    /// It recurses until it hits the guard page below its stack.
    StackOverflow,
    /// It allocates until a request is refused.
    OutOfMemory,
    /// It frees a block that was never handed out; the run has to report that and go on.
    InvalidFree,
    /// Each of them, one boot each.
    All,
}

/// What a boot is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// All checks, to a good end.
    Normal,
    /// All checks, with what the kernel allocates recorded and sent, to a good end.
    Recorded,
    /// All checks, with an invalid free reported among them, to a good end.
    InvalidFree,
    /// A failure, recognised and reported.
    Failing(Failure),
}

/// A failure that ends the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A panic.
    Panic,
    /// A page fault outside the stack's guard page.
    PageFault,
    /// A page fault on the stack's guard page.
    StackOverflow,
    /// A refused allocation that `alloc` cannot do without.
    OutOfMemory,
}

impl Failure {
    const ALL: [Self; 4] = [Self::Panic, Self::PageFault, Self::StackOverflow, Self::OutOfMemory];
}

impl Scenario {
    /// The scenarios that `chosen` stands for.
    pub(crate) fn provoked(chosen: Provocation) -> Vec<Self> {
        match chosen {
            Provocation::Panic => vec![Self::Failing(Failure::Panic)],
            Provocation::PageFault => vec![Self::Failing(Failure::PageFault)],
            Provocation::StackOverflow => vec![Self::Failing(Failure::StackOverflow)],
            Provocation::OutOfMemory => vec![Self::Failing(Failure::OutOfMemory)],
            Provocation::InvalidFree => vec![Self::InvalidFree],
            Provocation::All => {
                let failing = Failure::ALL.into_iter().map(Self::Failing);
                failing.chain([Self::InvalidFree]).collect()
            }
        }
    }

    /// The word on the kernel's command line that asks for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Recorded => "record",
            Self::InvalidFree => "invalid-free",
            Self::Failing(Failure::Panic) => "panic",
            Self::Failing(Failure::PageFault) => "page-fault",
            Self::Failing(Failure::StackOverflow) => "stack-overflow",
            Self::Failing(Failure::OutOfMemory) => "out-of-memory",
        }
    }

    /// Whether a failure is to happen. What records is another kernel, but its run is the normal one.
    pub(crate) fn is_provoked(self) -> bool {
        !matches!(self, Self::Normal | Self::Recorded)
    }

    /// The kernel's command line.
    pub(crate) fn command_line(self) -> Option<String> {
        self.is_provoked().then(|| format!("provoke={}", self.word()))
    }

    /// The status in the kernel's last line.
    pub(crate) fn end_status(self) -> &'static str {
        match self {
            Self::Normal | Self::Recorded | Self::InvalidFree => "ok",
            Self::Failing(Failure::Panic) => "panic",
            Self::Failing(Failure::PageFault) => "exception",
            Self::Failing(Failure::StackOverflow) => "stack-overflow",
            Self::Failing(Failure::OutOfMemory) => "out-of-memory",
        }
    }

    /// What the kernel has to tell people about it, in the log.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Normal | Self::Recorded => "memory map of the firmware",
            Self::InvalidFree => "invalid free of a block",
            Self::Failing(Failure::Panic) => "panicked at",
            Self::Failing(Failure::PageFault) => "exception 14 (page fault)",
            Self::Failing(Failure::StackOverflow) => "is in the guard page",
            Self::Failing(Failure::OutOfMemory) => "bytes were refused",
        }
    }

    /// The exit code of QEMU: its exit device turns a written `value` into `value << 1 | 1`, so none of them is 0, which
    /// a machine that resets itself ends with.
    pub(crate) fn exit_code(self) -> i32 {
        let written = match self {
            Self::Normal | Self::Recorded | Self::InvalidFree => 0x10,
            Self::Failing(Failure::Panic) => 0x12,
            Self::Failing(Failure::PageFault) => 0x13,
            Self::Failing(Failure::StackOverflow) => 0x14,
            Self::Failing(Failure::OutOfMemory) => 0x15,
        };
        written << 1 | 1
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::{Provocation, Scenario};

    #[test]
    fn all_provocations_are_five_with_a_command_line_each() {
        let words: Vec<_> =
            Scenario::provoked(Provocation::All).into_iter().filter_map(Scenario::command_line).collect();
        let expected = ["panic", "page-fault", "stack-overflow", "out-of-memory", "invalid-free"];
        assert_eq!(words, expected.map(|word| format!("provoke={word}")));
    }

    #[test]
    fn a_failing_boot_never_shares_the_exit_code_or_the_status_of_a_good_one() {
        assert_eq!(Scenario::Normal.exit_code(), 33);
        let provoked = Scenario::provoked(Provocation::All);
        let codes: Vec<_> = provoked.iter().map(|scenario| scenario.exit_code()).collect();
        assert_eq!(codes, [37, 39, 41, 43, 33]);
        assert_eq!(provoked.iter().filter(|scenario| scenario.end_status() == "ok").count(), 1);
    }
}
