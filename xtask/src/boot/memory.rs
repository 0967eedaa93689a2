//! Sizes of a machine's memory: read from the command line, printed, and compared with what this machine has free.

use std::fmt;
use std::str::FromStr;

const MIB: u64 = 1 << 20;

/// Memory of the machine that is booted: whole MiB, from 64 MiB to 8 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MachineMemory {
    mib: u64,
}

impl MachineMemory {
    /// The least that the kernel and its suite fit in.
    pub(crate) const MIN_MIB: u64 = 64;
    /// The most that the kernel maps.
    pub(crate) const MAX_MIB: u64 = 8 << 10;

    /// The size of `mib` MiB.
    ///
    /// # Errors
    ///
    /// It is out of range; the text names the range.
    pub(crate) fn from_mib(mib: u64) -> Result<Self, String> {
        if (Self::MIN_MIB..=Self::MAX_MIB).contains(&mib) {
            Ok(Self { mib })
        } else {
            Err("the kernel boots with 64M to 8G".to_owned())
        }
    }

    /// The size in bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.mib * MIB
    }

    /// Why this machine cannot lend so much; `None` if it can, or if it does not say.
    ///
    /// The emulator commits memory when the kernel first writes to it, so it takes far less than it asks for. A
    /// machine whose free memory is below the request may still refuse it.
    pub(crate) fn refusal(self) -> Option<String> {
        let available = available_bytes(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
        (available < self.bytes())
            .then(|| format!("{self} asked, {} of this machine's memory is available", Bytes(available)))
    }
}

impl FromStr for MachineMemory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size: write 64M, 512M, 6G");
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (digits, unit) = text.split_at(unit_at);
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        let mib_each = match unit {
            "M" | "m" => 1,
            "G" | "g" => 1024,
            _ => return Err(wrong()),
        };
        Self::from_mib(count.saturating_mul(mib_each))
    }
}

impl fmt::Display for MachineMemory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mib.is_multiple_of(1024) {
            write!(out, "{}G", self.mib / 1024)
        } else {
            write!(out, "{}M", self.mib)
        }
    }
}

/// The figure behind `MemAvailable:` in the text of `/proc/meminfo`, in bytes.
fn available_bytes(meminfo: &str) -> Option<u64> {
    let kib = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?.trim().strip_suffix(" kB")?;
    Some(kib.trim().parse::<u64>().ok()? << 10)
}

/// Bytes, printed in the largest binary unit that leaves a whole digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        let Some((shift, unit)) = units.into_iter().find(|(shift, _)| self.0 >> shift != 0) else {
            return write!(out, "{} B", self.0);
        };
        let tenths = (u128::from(self.0) * 10) >> shift;
        write!(out, "{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, MachineMemory, available_bytes};

    #[test]
    fn sizes_read_in_both_units_and_print_as_read() {
        for (text, bytes) in [("64M", 64 << 20), ("512M", 512 << 20), ("6G", 6 << 30), ("8G", 8 << 30)] {
            let memory: MachineMemory = text.parse().unwrap();
            assert_eq!((memory.bytes(), memory.to_string()), (bytes, text.to_owned()));
        }
        assert_eq!("1024m".parse::<MachineMemory>().unwrap().to_string(), "1G");
    }

    #[test]
    fn the_range_is_inclusive_at_both_ends() {
        for text in ["63M", "8193M", "9G", "0G", "18446744073709551615G"] {
            assert_eq!(text.parse::<MachineMemory>(), Err("the kernel boots with 64M to 8G".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_named() {
        for text in ["", "M", "64", "64K", "-64M", "64 M", "1.5G", "64MB"] {
            let refusal = text.parse::<MachineMemory>().unwrap_err();
            assert!(refusal.contains(&format!("`{text}` is no size")), "{refusal}");
        }
    }

    #[test]
    fn available_memory_is_found_in_meminfo() {
        let text = "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(available_bytes(text), Some(2 << 20));
        assert_eq!(available_bytes("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn bytes_print_in_the_unit_that_fits() {
        let printed =
            [0, 1023, 1024, 1536, (1 << 20) - 1, 5 << 30, u64::MAX].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(
            printed,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1023.9 KiB", "5.0 GiB", "17179869183.9 GiB"]
                .map(str::to_owned)
        );
    }
}
