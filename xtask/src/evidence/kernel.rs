//! What booted kernels tell of the promises.

use super::matrix::Report;
use crate::boot::protocol::{Case, Outcome};
use crate::boot::{Boot, Verdict};

/// How each case of `asked` ended in the kernels: for each, what the first boot with that backend tells, or the first one in
/// which it failed.
pub(super) fn reports(asked: &[Report], boots: &[Boot]) -> Vec<Report> {
    asked
        .iter()
        .map(|asked| {
            let (outcome, why) = ended(asked, boots);
            Report { outcome, why, ..asked.clone() }
        })
        .collect()
}

fn ended(asked: &Report, boots: &[Boot]) -> (Outcome, String) {
    let of_level = |boot: &&Boot| {
        let backends = boot.plan.backends;
        match asked.suite.as_str() {
            "bytes" => backends.byte.name() == asked.backend,
            "pages" | "ids" => backends.page.name() == asked.backend,
            _ => false,
        }
    };
    let ended: Vec<_> = boots.iter().filter(of_level).map(|boot| in_boot(asked, boot)).collect();
    let failed = ended.iter().find(|(outcome, _)| *outcome == Outcome::Failed);
    let no_boot =
        || (Outcome::Skipped, format!("no kernel runs the cases of {} with {}", asked.suite, asked.backend));
    failed.or_else(|| ended.first()).cloned().unwrap_or_else(no_boot)
}

fn in_boot(asked: &Report, boot: &Boot) -> (Outcome, String) {
    let is_asked = |case: &&Case| case.suite.name() == asked.suite && case.name == asked.case;
    match (boot.record.cases.iter().find(is_asked), &boot.verdict) {
        (Some(case), _) => (case.outcome, case.why.clone()),
        (None, Verdict::Skipped(why)) => (Outcome::Skipped, why.clone()),
        (None, Verdict::Failed(complaints)) => (Outcome::Failed, complaints.first().cloned().unwrap_or_default()),
        (None, Verdict::Passed) => (Outcome::Failed, "the kernel tells nothing of it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::reports;
    use crate::boot::backend::{Backends, ByteBackend, PageBackend};
    use crate::boot::protocol::Outcome;
    use crate::boot::{Boot, Plan, Verdict, scenario::Scenario};
    use crate::evidence::matrix::Report;
    use crate::evidence::matrix::tests::report;

    fn boot(byte: ByteBackend, verdict: Verdict, log: &str) -> Boot {
        let backends = Backends { byte, page: PageBackend::Bitmap };
        Boot::of_log(Plan { backends, memory: "512M".parse().unwrap(), scenario: Scenario::Normal }, verdict, log)
    }

    fn ended(asked: &Report, boots: &[Boot]) -> (Outcome, String) {
        let report = reports(std::slice::from_ref(asked), boots).remove(0);
        (report.outcome, report.why)
    }

    #[test]
    fn a_case_is_as_the_kernel_with_its_backend_tells() {
        let log = r#"#> case suite=bytes name=one outcome=declared why="not here""#;
        let boots = [boot(ByteBackend::Slab, Verdict::Passed, ""), boot(ByteBackend::Tlsf, Verdict::Passed, log)];
        let asked = report("tlsf", "one", Outcome::Passed, "");
        assert_eq!(ended(&asked, &boots), (Outcome::Declared, "not here".into()));
        let untold = report("slab", "one", Outcome::Passed, "");
        assert_eq!(ended(&untold, &boots).0, Outcome::Failed);
    }

    #[test]
    fn one_kernel_in_which_a_page_case_failed_decides() {
        let line = |outcome| format!(r#"#> case suite=pages name=one outcome={outcome} why="x""#);
        let boots = [
            boot(ByteBackend::Slab, Verdict::Passed, &line("passed")),
            boot(ByteBackend::Tlsf, Verdict::Passed, &line("failed")),
        ];
        let asked = Report { suite: "pages".into(), ..report("bitmap", "one", Outcome::Passed, "") };
        assert_eq!(ended(&asked, &boots), (Outcome::Failed, "x".into()));
    }

    #[test]
    fn ids_are_asked_of_the_kernel_with_their_page_level() {
        let log = "#> case suite=ids name=one outcome=passed";
        let asked = Report { suite: "ids".into(), ..report("bitmap", "one", Outcome::Skipped, "") };
        assert_eq!(ended(&asked, &[boot(ByteBackend::Slab, Verdict::Passed, log)]).0, Outcome::Passed);
    }

    #[test]
    fn a_kernel_that_did_not_come_so_far_says_why_and_so_does_one_that_is_not_there() {
        let asked = report("slab", "one", Outcome::Passed, "");
        let with = |verdict| ended(&asked, &[boot(ByteBackend::Slab, verdict, "")]);
        assert_eq!(with(Verdict::Skipped("small".into())), (Outcome::Skipped, "small".into()));
        assert_eq!(with(Verdict::Failed(vec!["reset".into()])), (Outcome::Failed, "reset".into()));
        assert_eq!(ended(&asked, &[]).0, Outcome::Skipped);
    }
}
