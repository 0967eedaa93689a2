//! Link arguments for the freestanding program, and the trace that it carries. Without the feature `boot` there is
//! nothing to do.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "boot")]
    boot::prepare();
}

#[cfg(feature = "boot")]
mod boot {
    /// No start files and no libraries of the host, no position independence; pages of 4 KiB, and neither a build
    /// id nor a part that is made read-only by a loader.
    const LINK_ARGUMENTS: [&str; 10] = [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,-n",
        "-Wl,--build-id=none",
        "-Wl,-z,max-page-size=4096",
        "-Wl,-z,norelro",
        "-Wl,-z,noexecstack",
        "-Wl,--gc-sections",
    ];

    /// Tells the linker how to build the program.
    pub(crate) fn prepare() {
        let directory = std::env::var("CARGO_MANIFEST_DIR").expect("set by Cargo");
        let script = format!("{directory}/kernel.ld");
        println!("cargo::rerun-if-changed={script}");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{script}");
        for argument in LINK_ARGUMENTS {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }
}
