//! Proofs by a solver: claims about arithmetic, in the files `proofs/*.smt2` of the members, for all values.
//!
//! ```text
//!   definitions                                    stand before every claim
//!   ; The claim in words.
//!   (push 1)
//!     what is presumed    (set-info :status sat)   (check-sat)      it is about something
//!     (assert (not …))    (set-info :status unsat) (check-sat)      it holds
//!   (pop 1)
//! ```
//!
//! Every question goes to a solver of its own, which is many times faster than one that has to remember: the file as a
//! whole is good SMT-LIB too, for those who want to try a solver on it by hand.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::setup;
use crate::steps::{Log, Outcome};
use crate::workspace::{Workspace, find_program};

/// The solver; its package has its name everywhere.
pub(crate) const SOLVER: &str = "z3";

/// Seconds that one question may take; the hardest takes about twenty.
const SECONDS: u32 = 600;

/// The line that asks.
const ASK: &str = "(check-sat)";

/// A claim of a file.
#[derive(Debug, PartialEq, Eq)]
struct Claim {
    /// What it says.
    words: String,
    /// The questions, each a whole text for the solver, with the answers that are expected.
    questions: Vec<(String, String)>,
}

/// Has the solver answer every question of every file.
pub(crate) fn run(workspace: &Workspace, log: &mut Log) -> Outcome {
    if find_program(SOLVER).is_none() {
        return Outcome::Skipped(format!("{SOLVER} is not installed{}", setup::advice(SOLVER)));
    }
    Outcome::of(prove_all(workspace, log))
}

fn prove_all(workspace: &Workspace, log: &mut Log) -> Result<(), String> {
    let files = files(workspace);
    if files.is_empty() {
        return Err("no member has a file of proofs".to_owned());
    }
    let mut failures = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.strip_prefix(workspace.root()).unwrap_or(&file).display().to_string();
        for claim in claims(&text).map_err(|why| format!("{name}: {why}"))? {
            let verdict = prove(&claim, ask);
            let told = verdict.as_ref().map_or_else(String::as_str, |()| "holds");
            log.say(&format!("{name}: {} {told}", claim.words));
            failures.extend(verdict.err().map(|why| format!("{name}: {} {why}", claim.words)));
        }
    }
    failures.into_iter().next().map_or(Ok(()), Err)
}

/// Every file of proofs, by name.
fn files(workspace: &Workspace) -> Vec<PathBuf> {
    let directories = workspace.members().iter().filter_map(|member| member.manifest_path.parent());
    let entries = directories.filter_map(|directory| fs::read_dir(directory.join("proofs")).ok()).flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = paths.filter(|path| is_proof(path)).collect();
    files.sort();
    files
}

fn is_proof(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "smt2")
}

/// The claims of a text.
///
/// # Errors
///
/// There is none, one has no words, or one does not ask whether it holds.
fn claims(text: &str) -> Result<Vec<Claim>, String> {
    let mut parts = text.split("(push 1)");
    let definitions = parts.next().unwrap_or_default();
    let mut words = words_at_end(definitions);
    let mut claims = Vec::new();
    for part in parts {
        let (body, rest) = part.split_once("(pop 1)").ok_or_else(|| format!("`{words}` does not end"))?;
        let claim = Claim { questions: questions(definitions, body), words };
        if claim.words.is_empty() || claim.questions.last().is_none_or(|(_, expected)| expected != "unsat") {
            return Err(format!(
                "`{}` is no claim: it says nothing, or does not ask whether it holds",
                claim.words
            ));
        }
        claims.push(claim);
        words = words_at_end(rest);
    }
    if claims.is_empty() { Err("there is no claim".to_owned()) } else { Ok(claims) }
}

/// The comment that a text ends with, right before what comes next, in one line.
fn words_at_end(text: &str) -> String {
    let comment = text.lines().rev().map_while(|line| line.strip_prefix(';'));
    let mut lines: Vec<&str> = comment.map(str::trim).collect();
    lines.reverse();
    lines.join(" ")
}

/// The questions of a claim, each with all that stands before it, and the answers expected.
fn questions(definitions: &str, body: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = body.split(ASK).collect();
    let (_, asked) = parts.split_last().unwrap_or((&"", &[]));
    let question = |at: usize| {
        let status =
            parts[at].rsplit_once(":status").map_or("", |(_, status)| status.trim().trim_end_matches(')'));
        (format!("{definitions}{}{ASK}\n", parts[..=at].concat()), status.to_owned())
    };
    (0..asked.len()).map(question).collect()
}

/// Whether `ask` answers as expected.
///
/// # Errors
///
/// It does not, or not at all; the text says what it said.
fn prove(claim: &Claim, ask: impl Fn(&str) -> Result<String, String>) -> Result<(), String> {
    for (question, expected) in &claim.questions {
        let answer = ask(question)?;
        if answer != *expected {
            return Err(format!("does not hold: {SOLVER} says `{answer}`, not `{expected}`"));
        }
    }
    Ok(())
}

/// What the solver says.
///
/// # Errors
///
/// It does not start, or breaks off.
fn ask(question: &str) -> Result<String, String> {
    let in_words = |error: std::io::Error| format!("was not asked: {error}");
    let mut command = Command::new(SOLVER);
    command.args(["-smt2", "-in", &format!("-T:{SECONDS}")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut solver = command.spawn().map_err(in_words)?;
    if let Some(mut input) = solver.stdin.take() {
        input.write_all(question.as_bytes()).map_err(in_words)?;
    }
    let output = solver.wait_with_output().map_err(in_words)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Claim, claims, files, prove};
    use crate::workspace::Workspace;

    const TEXT: &str = "(set-logic QF_BV)\n; Text.\n\n; Adding 0\n; changes nothing.\n(push 1)\n(assert a)\n\
        (set-info :status sat)\n(check-sat)\n(assert b)\n(set-info :status unsat)\n(check-sat)\n(pop 1)\n";

    #[test]
    fn a_claim_asks_its_questions_after_the_definitions() {
        let first = "(set-logic QF_BV)\n; Text.\n\n; Adding 0\n; changes nothing.\n\n(assert a)\n(set-info :status sat)\n(check-sat)\n";
        let read = claims(TEXT).unwrap();
        let [Claim { words, questions }] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(words, "Adding 0 changes nothing.");
        assert_eq!(questions[0], (first.to_owned(), "sat".to_owned()));
        let (second, expected) = &questions[1];
        assert!(second.contains("(assert a)") && second.contains("(assert b)"), "{second}");
        assert_eq!((second.matches("(check-sat)").count(), expected.as_str()), (1, "unsat"));
    }

    #[test]
    fn what_claims_nothing_is_found() {
        assert!(claims("(set-logic QF_BV)\n").is_err());
        assert!(claims(&TEXT.replace("(pop 1)", "")).is_err());
        assert!(claims(&TEXT.replace("; Adding 0\n; changes nothing.\n", "\n")).is_err());
        assert!(claims(&TEXT.replace("unsat", "sat")).is_err());
    }

    #[test]
    fn every_file_of_the_workspace_claims_something() {
        let files = files(&Workspace::open().unwrap());
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            let read = claims(&std::fs::read_to_string(&file).unwrap()).unwrap();
            for Claim { words, questions } in read {
                let expected: Vec<&str> = questions.iter().map(|(_, expected)| expected.as_str()).collect();
                assert_eq!(expected, ["sat", "unsat"], "{}: {words}", file.display());
            }
        }
    }

    #[test]
    fn an_answer_other_than_the_expected_one_is_a_failure() {
        let claim = &claims(TEXT).unwrap()[0];
        let right = |question: &str| Ok(if question.contains("(assert b)") { "unsat" } else { "sat" }.to_owned());
        assert_eq!(prove(claim, right), Ok(()));
        for wrong in ["sat", "unsat", "unknown", "timeout", "(error \"line 1\")\nunsat", ""] {
            assert!(
                prove(claim, |_| Ok(wrong.to_owned())).is_err_and(|why| why.contains("does not hold")),
                "{wrong}"
            );
        }
        assert_eq!(prove(claim, |_| Err("was not asked".to_owned())), Err("was not asked".to_owned()));
    }
}
