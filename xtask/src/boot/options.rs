//! The command line of `cargo xtask boot`.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::backend::{Backends, ByteBackend, ByteChoice, PageBackend};
use super::memory::MachineMemory;
use super::scenario::{Provocation, Scenario};
use super::{Plan, Verdict, boot_all, recorded, report};
use crate::setup;
use crate::workspace::Workspace;

/// Boots the kernel in QEMU on the backends chosen, and reports what they did.
///
/// Builds one kernel for each backend, boots each under a time limit and ends with one table: a row a boot with
/// the cases of the conformance suite, the figures of the replayed trace and the bytes kept at the end. Below it
/// stands what a backend declares that it does not do. A boot passes only if all of its results are there and right;
/// otherwise the command ends with status 1 and prints the end of the serial log.
///
/// Needs: qemu-system-x86_64 (package names: Debian, Ubuntu, Arch `qemu-system-x86`; Fedora `qemu-system-x86-core`;
/// openSUSE `qemu-x86`; Alpine `qemu-system-x86_64`; Homebrew `qemu`). With `--setup` it is installed if it is missing.
///
/// Takes: half a minute for the first kernel, seconds for each further one, and about ten seconds a boot.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask boot --setup                          every backend, on a machine with 512 MiB
  cargo xtask boot --backend tlsf --log             one backend, with what the kernel prints
  cargo xtask boot --memory 64M,512M,6G             every backend, on three machines
  cargo xtask boot --backend slab --provoke all     failures that the kernel has to recognise
  cargo xtask boot --backend slab --record mine     what the kernel allocates, as mine.bytes and mine.pages

The serial logs stay under target/xtask/boot/.")]
pub(crate) struct Options {
    /// Byte backend
    #[arg(long, value_enum, default_value = "all")]
    backend: ByteChoice,
    /// Page backend; without it bitmap and, if every byte backend boots, bitmap-lent once
    #[arg(long, value_enum)]
    page_backend: Option<PageBackend>,
    /// Memory of the machine, 64M to 8G; several are separated by commas
    #[arg(long, value_name = "SIZE", value_delimiter = ',', default_value = "512M")]
    memory: Vec<MachineMemory>,
    /// Provoke a failure instead of the normal run and check how it is reported
    #[arg(long, value_enum, value_name = "NAME")]
    provoke: Option<Provocation>,
    /// Record what the kernel allocates: FILE.bytes and FILE.pages, for `cargo xtask replay`
    #[arg(long, value_name = "FILE", conflicts_with = "provoke")]
    record: Option<PathBuf>,
    /// Install QEMU if it is missing
    #[arg(long)]
    setup: bool,
    /// Print what the kernels print, one boot after the other
    #[arg(long)]
    log: bool,
}

impl Options {
    /// Runs the command. `false`: a boot failed.
    ///
    /// # Errors
    ///
    /// The emulator is missing, or no boot could be done.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        if self.setup {
            setup::install_qemu()?;
        }
        let plans = self.plans();
        ensure!(self.record.is_none() || plans.len() == 1, "--record: choose one --backend and one --memory");
        let boots = boot_all(workspace, &plans, self.log)?;
        report::print(&boots);
        if boots.iter().all(|boot| matches!(boot.verdict, Verdict::Skipped(_))) {
            bail!("every boot was skipped");
        }
        if let (Some(prefix), [boot]) = (&self.record, boots.as_slice())
            && boot.verdict == Verdict::Passed
        {
            recorded::hand_out(workspace, boot, prefix)?;
        }
        Ok(boots.iter().all(|boot| !matches!(boot.verdict, Verdict::Failed(_))))
    }

    fn scenarios(&self) -> Vec<Scenario> {
        match (self.provoke, &self.record) {
            (Some(provoked), _) => Scenario::provoked(provoked),
            (None, Some(_)) => vec![Scenario::Recorded],
            (None, None) => vec![Scenario::Normal],
        }
    }

    fn backends(&self) -> Vec<Backends> {
        let page = self.page_backend.unwrap_or(PageBackend::Bitmap);
        let with_lent = self.page_backend.is_none() && self.backend == ByteChoice::All;
        let lent = with_lent.then_some(Backends { byte: ByteBackend::Slab, page: PageBackend::BitmapLent });
        self.backend.backends().into_iter().map(|byte| Backends { byte, page }).chain(lent).collect()
    }

    fn plans(&self) -> Vec<Plan> {
        let scenarios = self.scenarios();
        let mut plans = Vec::new();
        for backends in self.backends() {
            for &memory in &self.memory {
                plans.extend(scenarios.iter().map(|&scenario| Plan { backends, memory, scenario }));
            }
        }
        plans
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Options;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn plans(args: &[&str]) -> Result<Vec<String>, String> {
        let line = Line::try_parse_from([&["boot"], args].concat()).map_err(|error| error.to_string())?;
        Ok(line.options.plans().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_options_every_backend_boots_at_512_mib() {
        let of_bitmap = ["slab", "slab-package", "buddy", "tlsf"].map(|byte| format!("{byte}+bitmap-512M"));
        let plans_of = |args| plans(args).unwrap();
        assert_eq!(plans_of(&[]), [&of_bitmap[..], &["slab+bitmap-lent-512M".to_owned()]].concat());
        assert_eq!(plans_of(&["--page-backend", "bitmap"]), of_bitmap);
        assert_eq!(plans_of(&["--page-backend=bitmap-lent", "--backend=tlsf"]), ["tlsf+bitmap-lent-512M"]);
    }

    #[test]
    fn sizes_come_with_commas_or_one_by_one() {
        let expected = ["tlsf+bitmap-64M", "tlsf+bitmap-6G"];
        assert_eq!(plans(&["--backend", "tlsf", "--memory", "64M,6G"]).unwrap(), expected);
        assert_eq!(plans(&["--backend", "tlsf", "--memory", "64M", "--memory", "6G"]).unwrap(), expected);
    }

    #[test]
    fn a_provocation_takes_the_place_of_the_normal_run() {
        assert_eq!(plans(&["--backend=slab", "--provoke=panic"]).unwrap(), ["slab+bitmap-512M-panic"]);
        assert_eq!(plans(&["--backend=slab", "--provoke=all"]).unwrap().len(), 5);
    }

    #[test]
    fn a_recording_takes_the_place_of_the_normal_run() {
        assert_eq!(plans(&["--backend=slab", "--record=x"]).unwrap(), ["slab+bitmap-512M-record"]);
        assert!(plans(&["--backend=slab", "--record=x", "--provoke=panic"]).is_err());
    }

    #[test]
    fn a_size_out_of_range_is_refused_with_the_range() {
        let refusal = plans(&["--memory", "32M"]).unwrap_err();
        assert!(refusal.contains("32M") && refusal.contains("64M to 8G"), "{refusal}");
    }
}
