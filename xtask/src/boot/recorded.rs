//! Traces of what the kernel itself allocates: from its second and third serial port to files.

use std::fs;
use std::path::{Path, PathBuf};

use allocator_trace::Trace;
use anyhow::{Context, Result};

use super::protocol::Recording;
use super::{Boot, Plan};
use crate::workspace::Workspace;

/// Blocks, then pages, as the names of trace files end.
const ENDINGS: [&str; 2] = ["bytes", "pages"];

/// Where a boot's traces go.
///
/// # Errors
///
/// The directory cannot be created.
pub(super) fn paths(workspace: &Workspace, plan: &Plan) -> Result<[PathBuf; 2]> {
    let directory = workspace.scratch("boot")?;
    Ok(ENDINGS.map(|ending| directory.join(format!("{plan}.{ending}"))))
}

/// What is wrong with the traces of a boot. Empty: each is one, and holds records.
pub(super) fn complaints(traces: &[PathBuf]) -> Vec<String> {
    let unreadable = traces.iter().zip(ENDINGS).filter_map(|(path, unit)| summary(path, unit).err());
    unreadable.map(|error| format!("{error:#}")).collect()
}

/// Copies the traces of a boot to `prefix` with their endings, and says what they hold.
///
/// # Errors
///
/// A trace is none, or cannot be written.
pub(super) fn hand_out(workspace: &Workspace, boot: &Boot, prefix: &Path) -> Result<()> {
    for (path, ending) in paths(workspace, &boot.plan)?.iter().zip(ENDINGS) {
        let target = PathBuf::from(format!("{}.{ending}", prefix.display()));
        fs::copy(path, &target).with_context(|| format!("writing {}", target.display()))?;
        println!("recorded: {}, {}", target.display(), summary(&target, ending)?);
    }
    for Recording { what, lost, .. } in boot.record.recordings.iter().filter(|recording| recording.lost > 0) {
        println!("cut off: the memory for {what} was full, {lost} later events are not in the recording");
    }
    Ok(())
}

/// What a trace of `unit` holds, in words.
fn summary(path: &Path, unit: &str) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let trace = Trace::open(&bytes).with_context(|| format!("{} is no trace", path.display()))?;
    let census = trace.header().census;
    trace
        .check(&mut vec![None; census.slots as usize])
        .with_context(|| format!("{} breaks a rule", path.display()))?;
    anyhow::ensure!(census.records > 0, "{} holds no record", path.display());
    let (records, objects, units) = (census.records, census.peak_objects, census.peak_units);
    Ok(format!("{records} records, at most {objects} objects and {units} {unit} live"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::complaints;

    #[test]
    fn a_trace_that_did_not_come_or_is_cut_off_is_a_complaint() {
        let directory = tempfile::tempdir().unwrap();
        let [missing, cut, empty] = ["missing", "cut", "empty"].map(|name| directory.path().join(name));
        let header =
            allocator_trace::Header::new(allocator_trace::Kind::Bytes, &Default::default(), "").to_bytes();
        fs::write(&cut, &header[..100]).unwrap();
        fs::write(&empty, header).unwrap();
        let mut found = complaints(&[missing, cut]);
        found.extend(complaints(&[empty]));
        assert!(found[0].contains("reading") && found[1].contains("is no trace"), "{found:?}");
        assert!(found[2].contains("holds no record") && found.len() == 3, "{found:?}");
    }
}
