//! Machines of another kind, played by this one: 32-bit programs, which the processor runs, and big-endian ones, which an
//! emulator runs. What is missing is told, and installed where that can be done.

use std::process::Command;

use super::manager::Manager;
use super::{answers, has_target, try_install_package, try_install_target};
use crate::workspace::find_program;

/// The 32-bit target.
pub(crate) const NARROW_TARGET: &str = "i686-unknown-linux-gnu";

/// The big-endian target.
pub(crate) const BIG_ENDIAN_TARGET: &str = "s390x-unknown-linux-gnu";

/// Links its programs.
pub(crate) const BIG_ENDIAN_LINKER: &str = "s390x-linux-gnu-gcc";

/// Runs its programs.
pub(crate) const BIG_ENDIAN_EMULATOR: &str = "qemu-s390x";

/// Where the C library of its programs lies: below it, `lib`.
const BIG_ENDIAN_ROOT: &str = "/usr/s390x-linux-gnu";

/// Why no 32-bit program can be built and run here; `None`: it can.
pub(crate) fn narrow_lack() -> Option<String> {
    let linking = "cc links no 32-bit programs (Debian, Ubuntu: apt-get install gcc-multilib)";
    no_target(NARROW_TARGET).or_else(|| (!links_narrow_programs()).then(|| linking.to_owned()))
}

/// Why no big-endian program can be built and run here; `None`: it can.
pub(crate) fn big_endian_lack() -> Option<String> {
    let no_program = |name: &str, package: &str| {
        find_program(name).is_none().then(|| format!("{name} is not installed (Debian, Ubuntu: {package})"))
    };
    no_target(BIG_ENDIAN_TARGET)
        .or_else(|| no_program(BIG_ENDIAN_LINKER, "gcc-s390x-linux-gnu, libc6-dev-s390x-cross"))
        .or_else(|| no_program(BIG_ENDIAN_EMULATOR, "qemu-user"))
        .or_else(|| {
            let linking = "it links nothing (Debian, Ubuntu: libc6-dev-s390x-cross)";
            (!links(BIG_ENDIAN_LINKER)).then(|| format!("{BIG_ENDIAN_LINKER}: {linking}"))
        })
}

fn no_target(target: &str) -> Option<String> {
    (!has_target(target)).then(|| format!("target {target} is not installed (rustup target add {target})"))
}

/// Tells a cargo command how to link and run big-endian programs.
pub(crate) fn for_big_endian(mut command: Command) -> Command {
    let variable = |what| format!("CARGO_TARGET_{}_{what}", BIG_ENDIAN_TARGET.to_uppercase().replace('-', "_"));
    command.env(variable("LINKER"), BIG_ENDIAN_LINKER);
    command.env(variable("RUNNER"), format!("{BIG_ENDIAN_EMULATOR} -L {BIG_ENDIAN_ROOT}"));
    command
}

/// Installs what 32-bit programs need, if it can be done. What failed is printed; the step that needs it says that it was
/// skipped.
pub(crate) fn try_install_narrow() {
    try_install_target(NARROW_TARGET);
    if !links_narrow_programs() {
        Manager::find().and_then(Manager::narrow_package).into_iter().for_each(try_install_package);
    }
}

/// Installs what big-endian programs need; otherwise as [`try_install_narrow`].
pub(crate) fn try_install_big_endian() {
    try_install_target(BIG_ENDIAN_TARGET);
    if big_endian_lack().is_some() {
        let packages = Manager::find().map_or(&[][..], Manager::big_endian_packages);
        packages.iter().copied().for_each(try_install_package);
    }
}

/// Whether the C compiler links 32-bit programs.
fn links_narrow_programs() -> bool {
    links("cc -m32")
}

/// Whether a compiler links programs. The whole chain is tried on the smallest one: a compiler may know the machine and lack its
/// libraries.
fn links(compiler: &str) -> bool {
    answers("sh", &["-c", &format!("printf 'int main(void){{return 0;}}' | {compiler} -x c - -o /dev/null")])
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{for_big_endian, no_target};

    #[test]
    fn cargo_is_told_by_variables_how_to_link_and_run() {
        let command = for_big_endian(Command::new("cargo"));
        let named = |name: &str| command.get_envs().find(|(variable, _)| *variable == name);
        for what in ["LINKER", "RUNNER"] {
            let (_, value) = named(&format!("CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_{what}")).unwrap();
            assert!(value.unwrap().to_string_lossy().contains("s390x"), "{command:?}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_named() {
        assert!(no_target("pdp11-unknown-none").unwrap().contains("rustup target add pdp11-unknown-none"));
    }
}
