//! Package managers: how each is recognised, what it calls QEMU, and how it installs without asking.

use std::fmt::Write as _;
use std::io::IsTerminal;

use anyhow::Result;

use super::{answers, run};
use crate::workspace::find_program;

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// Debian, Ubuntu.
    Apt,
    /// Fedora.
    Dnf,
    /// Arch.
    Pacman,
    /// openSUSE.
    Zypper,
    /// Alpine.
    Apk,
    /// Homebrew.
    Brew,
}

impl Manager {
    const ALL: [Self; 6] = [Self::Apt, Self::Dnf, Self::Pacman, Self::Zypper, Self::Apk, Self::Brew];

    /// The package manager of this machine.
    pub(crate) fn find() -> Option<Self> {
        Self::ALL.into_iter().find(|manager| find_program(manager.program()).is_some())
    }

    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Pacman => "pacman",
            Self::Zypper => "zypper",
            Self::Apk => "apk",
            Self::Brew => "brew",
        }
    }

    fn systems(self) -> &'static str {
        match self {
            Self::Apt => "Debian, Ubuntu",
            Self::Dnf => "Fedora",
            Self::Pacman => "Arch",
            Self::Zypper => "openSUSE",
            Self::Apk => "Alpine",
            Self::Brew => "Homebrew",
        }
    }

    /// The package that holds the emulator.
    pub(crate) fn qemu_package(self) -> &'static str {
        match self {
            Self::Apt | Self::Pacman => "qemu-system-x86",
            Self::Dnf => "qemu-system-x86-core",
            Self::Zypper => "qemu-x86",
            Self::Apk => "qemu-system-x86_64",
            Self::Brew => "qemu",
        }
    }

    /// The package that holds the C++ compiler.
    pub(crate) fn cpp_package(self) -> &'static str {
        match self {
            Self::Apt | Self::Apk => "g++",
            Self::Dnf | Self::Zypper => "gcc-c++",
            Self::Pacman | Self::Brew => "gcc",
        }
    }

    /// The package with which the C compiler links 32-bit programs, where that is one package with a settled name.
    pub(crate) fn narrow_package(self) -> Option<&'static str> {
        (self == Self::Apt).then_some("gcc-multilib")
    }

    /// The packages with which big-endian programs are linked and run, where their names are settled.
    pub(crate) fn big_endian_packages(self) -> &'static [&'static str] {
        match self {
            Self::Apt => &["qemu-user", "gcc-s390x-linux-gnu", "libc6-dev-s390x-cross"],
            _ => &[],
        }
    }

    /// What refreshes the list of packages.
    fn refresh(self) -> &'static [&'static str] {
        match self {
            Self::Apt => &["apt-get", "update"],
            Self::Dnf => &["dnf", "makecache"],
            Self::Pacman => &["pacman", "-Sy", "--noconfirm"],
            Self::Zypper => &["zypper", "--non-interactive", "refresh"],
            Self::Apk => &["apk", "update"],
            Self::Brew => &["brew", "update"],
        }
    }

    /// What installs `package` without asking.
    fn command(self, package: &'static str) -> Vec<&'static str> {
        let mut words: Vec<_> = match self {
            Self::Apt => {
                vec![
                    "env",
                    "DEBIAN_FRONTEND=noninteractive",
                    "apt-get",
                    "install",
                    "-y",
                    "--no-install-recommends",
                ]
            }
            Self::Dnf => vec!["dnf", "install", "-y"],
            Self::Pacman => vec!["pacman", "-S", "--needed", "--noconfirm"],
            Self::Zypper => vec!["zypper", "--non-interactive", "install"],
            Self::Apk => vec!["apk", "add"],
            Self::Brew => vec!["brew", "install"],
        };
        words.push(package);
        words
    }

    /// The command that installs `package`, for people.
    pub(crate) fn install_line(self, package: &'static str) -> String {
        let sudo = if self == Self::Brew { "" } else { "sudo " };
        format!("{sudo}{}", self.command(package).join(" "))
    }

    /// Installs `package`; if that fails, once more with a fresh list of packages.
    ///
    /// # Errors
    ///
    /// The package manager fails.
    pub(crate) fn install(self, package: &'static str) -> Result<()> {
        eprintln!("setup: installing {package} with {}", self.program());
        let install = self.command(package);
        if self.run(&install).is_ok() {
            return Ok(());
        }
        self.run(self.refresh())?;
        self.run(&install)
    }

    /// Runs `words`, with `sudo` if that takes another user. Without a terminal nobody could type a password, so none is
    /// asked for.
    fn run(self, words: &[&'static str]) -> Result<()> {
        let mut words = words.to_vec();
        if self != Self::Brew && !is_root() {
            if !std::io::stdin().is_terminal() {
                words.insert(0, "-n");
            }
            words.insert(0, "sudo");
        }
        run(words[0], &words[1..])
    }
}

fn is_root() -> bool {
    answers("sh", &["-c", "test \"$(id -u)\" = 0"])
}

/// Every package manager with its package, a line each.
pub(crate) fn table() -> String {
    let mut out = String::new();
    for manager in Manager::ALL {
        let _ = writeln!(out, "  {:<16} {}", manager.systems(), manager.install_line(manager.qemu_package()));
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::{Manager, table};

    #[test]
    fn every_manager_installs_its_package_without_asking() {
        let silent = ["-y", "-y", "--noconfirm", "--non-interactive", "add", "install"];
        for (manager, word) in Manager::ALL.into_iter().zip(silent) {
            let command = manager.command(manager.qemu_package());
            assert!(command.contains(&word), "{command:?}");
            assert_eq!(command.last(), Some(&manager.qemu_package()));
            assert!(command.contains(&manager.program()) && manager.refresh().contains(&manager.program()));
        }
    }

    #[test]
    fn homebrew_alone_runs_without_sudo() {
        for manager in Manager::ALL {
            assert_eq!(manager.install_line("x").starts_with("sudo "), manager != Manager::Brew);
        }
    }

    #[test]
    fn the_table_names_each_system_and_its_package() {
        let table = table();
        assert_eq!(table.lines().count(), Manager::ALL.len());
        for part in
            ["Debian, Ubuntu", "qemu-system-x86-core", "qemu-x86", "qemu-system-x86_64", "brew install qemu"]
        {
            assert!(table.contains(part), "{table}");
        }
    }
}
