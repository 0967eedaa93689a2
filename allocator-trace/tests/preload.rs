//! The example that records any program, on a program.
#![cfg(all(feature = "alloc", target_os = "linux", target_env = "gnu"))]

use std::{env, fs, path::PathBuf, process::Command};

use allocator_trace::{Operation, Trace};

/// The library, which cargo builds along with the tests.
fn library() -> PathBuf {
    let this = env::current_exe().expect("a test knows its file");
    let profile = this.parent().and_then(|tests| tests.parent()).expect("it lies in the profile's directory");
    let library = profile.join("examples/libpreload.so");
    assert!(
        library.is_file(),
        "{} is missing: `cargo test --package allocator-trace` builds it",
        library.display()
    );
    library
}

#[test]
#[cfg_attr(not(target_pointer_width = "64"), ignore = "the programs of a 64-bit system load no 32-bit library")]
fn what_a_program_allocates_is_a_lawful_trace_of_each_process() {
    let prefix = env::temp_dir().join(format!("preload-test-{}", std::process::id()));
    let mut command = Command::new("sh");
    command.args(["-c", "ls / > /dev/null; ls / > /dev/null; exit 0"]);
    command.env("LD_PRELOAD", library()).env("ALLOCATION_TRACE", &prefix);
    assert!(command.status().expect("there is a shell").success());
    let directory = fs::read_dir(env::temp_dir()).expect("it can be read");
    let name = prefix.file_name().expect("it has one").to_string_lossy().into_owned();
    let files = directory.map(|entry| entry.expect("it can be read").path());
    let ours: Vec<PathBuf> = files.filter(|file| file.to_string_lossy().contains(&name)).collect();
    assert!(ours.len() >= 2, "two programs, and a shell that may end by _exit: {ours:?}");
    for file in ours {
        let bytes = fs::read(&file).expect("it was written");
        fs::remove_file(&file).expect("it is ours");
        let trace = Trace::open(&bytes).expect("it was written whole");
        let census = trace.header().census;
        assert_eq!(trace.check(&mut vec![None; census.slots as usize]), Ok(()));
        let frees = trace
            .records()
            .filter(|record| matches!(record, Ok(r) if matches!(r.operation, Operation::Free { .. })));
        assert!(census.allocs > 20 && frees.count() > 0, "{}: {census:?}", trace.header().source());
    }
}
