//! The page: one file with everything in it, and each picture as a file of its own.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::charts::DARK;
use crate::advise::recommendation::RELEASES;
use crate::advise::{Advice, Recommendation};
use crate::boot::protocol::{Outcome, Totals};
use crate::evidence::matrix::Matrix;
use crate::evidence::report::{legend, reasons, summary};

/// Where the reader learns what to take.
const CHOICE: &str = "What to switch on";

/// Where the reader learns why to trust it.
const PROOF: &str = "What is proven, and where";

/// A picture with what it shows.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Name of its file, without the ending; unique.
    pub(super) name: String,
    /// What it shows.
    pub(super) title: String,
    /// How to read it.
    pub(super) about: String,
    /// The picture.
    pub(super) svg: String,
}

impl Figure {
    /// Name of its file.
    pub(super) fn file(&self) -> String {
        format!("{}.svg", self.name)
    }
}

/// Pictures under a title.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// What was measured.
    pub(super) title: String,
    /// Who is in no picture, or not in all of them, and why.
    pub(super) missing: Vec<String>,
    /// The pictures.
    pub(super) figures: Vec<Figure>,
}

/// Everything that the page shows.
#[derive(Debug)]
pub(super) struct Contents {
    /// What is proven.
    pub(super) matrix: Matrix,
    /// What each trace advises.
    pub(super) advice: Vec<Advice>,
    /// What is recommended.
    pub(super) recommendation: Recommendation,
    /// The pictures.
    pub(super) groups: Vec<Group>,
    /// Of which code all that is, and on what it was found.
    pub(super) origin: String,
}

/// Colours and measures of the page. What is wider than the screen, the table, scrolls by itself.
const STYLE: &str = ":root { color-scheme: light dark; --paper: #ffffff; --ink: #111111; --rule: #d8d8d8 } \
    @media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #f0f0f0; --rule: #444444 } } \
    body { background: var(--paper); color: var(--ink); font: 16px/1.5 sans-serif; margin: 0 auto; max-width: 1200px; \
    padding: 0 14px } .figures { display: grid; gap: 32px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)) } \
    figure { margin: 0; min-width: 0 } svg { width: 100%; height: auto } .wide { overflow-x: auto } \
    table { border-collapse: collapse } td, th { border-bottom: 1px solid var(--rule); padding: 3px 10px; text-align: left; \
    white-space: nowrap } a { color: inherit } pre { background: color-mix(in srgb, var(--ink) 8%, transparent); overflow-x: auto; \
    padding: 10px 14px } td + td { font-family: monospace; font-size: 16px } li { overflow-wrap: anywhere }";

/// `text` with the characters that HTML reads written so that it does not.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `text` as HTML; what stands between two backquotes is code.
fn words(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let part = |(n, part): (usize, &str)| match n % 2 {
        0 => escaped(part),
        _ => format!("<code>{}</code>", escaped(part)),
    };
    parts.map(part).collect()
}

/// A heading that the list of contents leads to.
fn heading(title: &str) -> String {
    format!("<h2 id=\"{}\">{}</h2>\n", anchor(title), escaped(title))
}

/// `text` as the name of a place in the page and of a file.
pub(super) fn anchor(text: &str) -> String {
    text.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// Lines as a list.
fn list(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| format!("<li>{}</li>\n", escaped(line)));
    format!("<ul>\n{}</ul>\n", lines.collect::<String>())
}

/// The whole page.
pub(super) fn page(contents: &Contents) -> String {
    let Contents { matrix, groups, origin, .. } = contents;
    let titles = [CHOICE, PROOF].into_iter().chain(groups.iter().map(|group| group.title.as_str()));
    let links = titles.map(|title| format!("<li><a href=\"#{}\">{}</a></li>\n", anchor(title), escaped(title)));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Allocators for kernels</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE} {DARK}</style>\n</head>\n<body>\n\
         <h1>Allocators for kernels: what to switch on, and why to trust it</h1>\n<p>{}</p>\n<nav><ul>\n{}</ul></nav>\n\
         {}{}{}<p>{}</p>\n<p>{}</p>\n{}",
        escaped(origin),
        links.collect::<String>(),
        heading(CHOICE),
        recommended(contents),
        heading(PROOF),
        words(&suites(matrix)),
        escaped(&legend(matrix)),
        evidence(matrix),
    );
    out.push_str("<p>In the pictures below, blue is a backend of this project, grey another allocator.</p>\n");
    groups.iter().for_each(|group| out.push_str(&pictures(group)));
    out + "</body>\n</html>\n"
}

/// Pictures under their title, and who is not in them.
fn pictures(Group { title, missing, figures }: &Group) -> String {
    let mut out = heading(title);
    if !missing.is_empty() {
        let _ = write!(out, "<p>Not in every picture:</p>\n{}", list(missing));
    }
    out.push_str("<div class=\"figures\">\n");
    for Figure { name, title, about, svg } in figures {
        let (title, about) = (escaped(title), escaped(about));
        let _ = write!(
            out,
            "<figure id=\"{name}\">\n<h3>{title}</h3>\n{svg}\n<figcaption>{about}</figcaption>\n</figure>\n"
        );
    }
    out + "</div>\n"
}

/// Which backends to switch on, how, and why: trace by trace.
fn recommended(contents: &Contents) -> String {
    let Contents { matrix, advice, recommendation: Recommendation { words: choice, line, chosen }, .. } = contents;
    let proof = |name: &String| {
        let of_it = matrix.all().into_iter().filter(|(_, report)| report.backend == *name);
        let Totals { passed, declared, failed, skipped } = Totals::of(of_it.map(|(_, report)| report.outcome));
        let counts = format!("{passed} passed, {declared} declared missing, {failed} broken, {skipped} not tried");
        let warning = if failed > 0 { "<strong>It breaks promises.</strong> " } else { "" };
        format!("<li><code>{name}</code>: {warning}Its cases, at all places: {counts}.</li>\n")
    };
    let reason = |Advice { trace, why, out, .. }: &Advice| {
        let out = if out.is_empty() { String::new() } else { format!(" Out: {}.", out.join("; ")) };
        format!("<li><b>{}</b>. {}</li>\n", escaped(trace), escaped(&format!("{why}{out}")))
    };
    let in_manifest = line.as_ref().map_or_else(String::new, |line| {
        format!(
            "<p>In the Cargo.toml of your kernel:</p>\n<pre>[dependencies]\n{}</pre>\n<p>{}</p>\n",
            escaped(line),
            words(RELEASES)
        )
    });
    format!(
        "<p>Recommended for the recordings on this page: {}.</p>\n<ul>\n{}</ul>\n<p>What is declared missing or was not \
         tried stands below, with its reason.</p>\n{in_manifest}<p>Why, recording by recording:</p>\n<ul>\n{}</ul>\n\
         <p>The backend of the least cost is recommended: instructions × memory² × worst^¼, each as a multiple of the least; of \
         several recordings, the costs are multiplied, and who could not replay one of them is out. Each engine was measured \
         alone, on one region and without a lock; the worst operation is that of the slowest by the clock.</p>\n\
         <p>Your kernel may allocate otherwise, and deadlines may matter more: record it (traces/README.md tells how), \
         and <code>cargo xtask advise TRACE</code> recommends for that recording, <code>--prefer worst</code> by its worst \
         operation.</p>\n",
        words(choice),
        chosen.iter().map(proof).collect::<String>(),
        advice.iter().map(reason).collect::<String>()
    )
}

/// How many cases there are, suite by suite.
fn suites(matrix: &Matrix) -> String {
    let cases = matrix.cases();
    let count = |suite: &str| cases.iter().filter(|case| case.suite == suite).count();
    format!(
        "{} cases try each allocator of blocks, {} each of pages, {} each of identifiers, the same ones at every place. What a \
         backend cannot keep it declares, and a case shows it. `cargo xtask evidence --setup` makes this table.",
        count("bytes"),
        count("pages"),
        count("ids")
    )
}

/// The matrix by points, and the reasons.
fn evidence(matrix: &Matrix) -> String {
    let table = summary(matrix);
    let row = |cell: &str, cells: &[String]| -> String {
        let cells = cells.iter().map(|text| format!("<{cell}>{}</{cell}>", escaped(&text.replace('`', ""))));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let rows: String = table.rows.iter().map(|cells| row("td", cells)).collect();
    let mut out = format!("<div class=\"wide\"><table>\n{}{rows}</table></div>\n", row("th", &table.columns));
    out.push_str(&list(&table.notes));
    let kinds = [
        ("broken", Outcome::Failed),
        ("declared missing", Outcome::Declared),
        ("skipped at a place where others ran", Outcome::Skipped),
    ];
    for (title, outcome) in kinds {
        let lines = reasons(matrix, outcome);
        if !lines.is_empty() {
            let _ =
                write!(out, "<details><summary>{} {title}</summary>\n{}</details>\n", lines.len(), list(&lines));
        }
    }
    out
}

/// The picture as a file of its own, which is light or dark as its reader is.
fn alone(svg: &str) -> String {
    let (head, rest) = svg.split_once('>').unwrap_or((svg, ""));
    format!("{head}><style>{DARK}</style>{rest}")
}

/// Writes the pictures into `directory`, as files of their own.
///
/// # Errors
///
/// A file cannot be written.
pub(super) fn write_pictures(directory: &Path, figures: &[&Figure]) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    for figure in figures {
        let path = directory.join(figure.file());
        std::fs::write(&path, alone(&figure.svg)).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// The names of the pictures that lie in `directory`.
///
/// # Errors
///
/// There is no such directory, or no picture in it.
pub(super) fn shown_pictures(directory: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<String>>>()?;
    names.retain(|name| name.ends_with(".svg"));
    ensure!(!names.is_empty(), "{} holds no picture to renew", directory.display());
    Ok(names)
}

/// Writes the pictures of these names into `directory` anew, and says which.
///
/// # Errors
///
/// One is not made any more; then none is written.
pub(super) fn renew_pictures(directory: &Path, names: &[String], figures: &[&Figure]) -> Result<()> {
    let figure = |name: &String| {
        let figure = figures.iter().find(|figure| figure.file() == *name).copied();
        figure.with_context(|| format!("{name} in {} is none of the pictures made here", directory.display()))
    };
    let renewed: Vec<&Figure> = names.iter().map(figure).collect::<Result<_>>()?;
    write_pictures(directory, &renewed)?;
    names.iter().for_each(|name| println!("renewed: {}", directory.join(name).display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Contents, Figure, Group, alone, page, renew_pictures, shown_pictures};
    use crate::advise::Recommendation;
    use crate::advise::recommendation::tests::{advice, facade};
    use crate::boot::protocol::Outcome;
    use crate::evidence::matrix::Matrix;
    use crate::evidence::matrix::tests::report;

    fn contents(outcome: Outcome) -> Contents {
        let figure = |name: &str| Figure {
            name: name.into(),
            title: name.to_uppercase(),
            about: String::new(),
            svg: "<svg></svg>".into(),
        };
        let group = Group {
            title: "boot & all".into(),
            missing: vec!["peer: refuses <9>".into()],
            figures: vec![figure("x"), figure("y")],
        };
        let advice = vec![advice("bytes", &[("tlsf", 1.0)])];
        Contents {
            matrix: Matrix::new(vec![report("tlsf", "one", outcome, "a < b")], Vec::new()),
            recommendation: Recommendation::of(&advice, &facade()),
            advice,
            groups: vec![group],
            origin: "Of commit 5.".into(),
        }
    }

    /// Asserts that the page has each of `parts`.
    fn assert_has(page: &str, parts: &[&str]) {
        parts.iter().for_each(|part| assert!(page.contains(part), "no `{part}` in {page}"));
    }

    #[test]
    fn the_page_holds_the_matrix_its_reasons_every_picture_and_who_is_in_none() {
        let page = page(&contents(Outcome::Declared));
        assert_has(&page, &["<td>Invalid frees (13)</td><td>d</td>", "1 declared missing", "a &lt; b [host]"]);
        assert_has(
            &page,
            &["<a href=\"#boot---all\">boot &amp; all</a>", "<h2 id=\"boot---all\">boot &amp; all</h2>"],
        );
        assert_has(
            &page,
            &["<li>peer: refuses &lt;9&gt;</li>", "Of commit 5.", "1 cases try each allocator of blocks"],
        );
        assert_eq!(page.matches("<svg>").count(), 2, "{page}");
    }

    #[test]
    fn the_page_says_what_to_switch_on_and_what_is_proven_of_it() {
        let page = page(&contents(Outcome::Declared));
        assert_has(&page, &["<code>tlsf</code> for bytes", "features = [&quot;tlsf&quot;] }</pre>"]);
        assert_has(
            &page,
            &["<li><b>boot</b>. It is &lt; 5.</li>", "0 passed, 1 declared missing, 0 broken, 0 not tried"],
        );
        assert!(!page.contains("breaks promises"), "{page}");
        assert_has(
            &super::page(&contents(Outcome::Failed)),
            &["<strong>It breaks promises.</strong>", "1 broken"],
        );
    }

    #[test]
    fn pictures_are_renewed_where_they_lie_and_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        let groups = contents(Outcome::Passed).groups;
        let figures: Vec<&Figure> = groups[0].figures.iter().collect();
        let directory = directory.path();
        let renew = || shown_pictures(directory).and_then(|names| renew_pictures(directory, &names, &figures));
        assert!(renew().unwrap_err().to_string().contains("no picture to renew"));
        let shown = directory.join("x.svg");
        std::fs::write(&shown, "old").unwrap();
        renew().unwrap();
        assert!(std::fs::read_to_string(&shown).unwrap().starts_with("<svg"));
        assert_eq!(std::fs::read_dir(directory).unwrap().count(), 1);
        std::fs::write(&shown, "old").unwrap();
        std::fs::write(directory.join("gone.svg"), "old").unwrap();
        assert!(renew().unwrap_err().to_string().contains("gone.svg"));
        assert_eq!(std::fs::read_to_string(&shown).unwrap(), "old");
        assert!(shown_pictures(&directory.join("nowhere")).is_err());
    }

    #[test]
    fn a_picture_of_its_own_brings_its_dark_style() {
        let svg = alone("<svg width=\"5\"><rect/></svg>");
        assert!(
            svg.starts_with("<svg width=\"5\"><style>@media") && svg.ends_with("</style><rect/></svg>"),
            "{svg}"
        );
    }
}
