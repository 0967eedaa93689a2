//! Link arguments for the freestanding program, and the trace that it carries. Without the feature `boot` there is
//! nothing to do.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "boot")]
    boot::prepare();
}

#[cfg(feature = "boot")]
mod boot {
    use std::{env, fs, io::Read, path::Path};

    use ruzstd::decoding::StreamingDecoder;

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

    /// The trace that the program carries, seen from the package's directory.
    const TRACE: &str = "../traces/kernel-fork-cut.bytes.zst";

    /// Tells the linker how to build the program, and unpacks the trace to where the program includes it from.
    pub(crate) fn prepare() {
        let directory = env::var("CARGO_MANIFEST_DIR").expect("set by Cargo");
        unpack(&Path::new(&directory).join(TRACE));
        let script = format!("{directory}/kernel.ld");
        println!("cargo::rerun-if-changed={script}");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{script}");
        for argument in LINK_ARGUMENTS {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }

    fn unpack(trace: &Path) {
        println!("cargo::rerun-if-changed={}", trace.display());
        let packed = fs::read(trace).expect("the trace is part of the project");
        let mut decoder = StreamingDecoder::new(packed.as_slice()).expect("the trace is compressed with zstd");
        let mut bytes = Vec::new();
        decoder.read_to_end(&mut bytes).expect("the trace is whole");
        let out = env::var("OUT_DIR").expect("set by Cargo");
        fs::write(Path::new(&out).join("trace.bytes"), bytes).expect("the output directory can be written");
    }
}
