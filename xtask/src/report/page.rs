//! The page: one file with everything in it, and each picture as a file of its own.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::charts::DARK;
use crate::advise::{Advice, Facade, Recommendation};
use crate::boot::protocol::Outcome;
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
pub(super) type Group = (String, Vec<Figure>);

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

/// The name of the place where `title` stands.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// The whole page.
pub(super) fn page(matrix: &Matrix, advice: &[Advice], facade: &Facade, groups: &[Group]) -> String {
    let titles = [CHOICE, PROOF].into_iter().chain(groups.iter().map(|(title, _)| title.as_str()));
    let links = titles.map(|title| format!("<li><a href=\"#{}\">{}</a></li>\n", anchor(title), escaped(title)));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Allocators for kernels</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE} {DARK}</style>\n</head>\n<body>\n\
         <h1>Allocators for kernels: what to switch on, and why to trust it</h1>\n<nav><ul>\n{}</ul></nav>\n\
         {}{}{}<p>The same suite, {} cases, tries every backend at each place. What a backend cannot keep it declares, and a case \
         shows it. <code>cargo xtask evidence --setup</code> makes this table.</p>\n<p>{}</p>\n{}",
        links.collect::<String>(),
        heading(CHOICE),
        recommended(advice, facade),
        heading(PROOF),
        matrix.cases().len(),
        escaped(&legend(matrix)),
        evidence(matrix),
    );
    out.push_str("<p>In the pictures below, blue is a backend of this project, grey another allocator.</p>\n");
    for (title, figures) in groups {
        let _ = writeln!(out, "{}<div class=\"figures\">", heading(title));
        for Figure { name, title, about, svg } in figures {
            let (title, about) = (escaped(title), escaped(about));
            let _ = write!(
                out,
                "<figure id=\"{name}\">\n<h3>{title}</h3>\n{svg}\n<figcaption>{about}</figcaption>\n</figure>\n"
            );
        }
        out.push_str("</div>\n");
    }
    out + "</body>\n</html>\n"
}

/// Which backends to switch on, how, and why: trace by trace.
fn recommended(advice: &[Advice], facade: &Facade) -> String {
    let Recommendation { words: choice, line } = Recommendation::of(advice, facade);
    let reason =
        |Advice { trace, why, .. }: &Advice| format!("<li><b>{}</b>. {}</li>\n", escaped(trace), escaped(why));
    format!(
        "<p>Recommended for the recordings on this page: {}. In the Cargo.toml of your kernel:</p>\n<pre>[dependencies]\n{}</pre>\n\
         <ul>\n{}</ul>\n<p>Your kernel may allocate otherwise: record it (traces/README.md tells how), and \
         <code>cargo xtask advise TRACE</code> recommends for that recording.</p>\n",
        words(&choice),
        escaped(&line),
        advice.iter().map(reason).collect::<String>()
    )
}

/// The matrix by points, and the reasons.
fn evidence(matrix: &Matrix) -> String {
    let table = summary(matrix);
    let row = |cell: &str, cells: &[String]| -> String {
        let cells = cells.iter().map(|text| format!("<{cell}>{}</{cell}>", escaped(&text.replace('`', ""))));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let list = |lines: &[String]| -> String {
        let lines = lines.iter().map(|line| format!("<li>{}</li>\n", escaped(line)));
        format!("<ul>\n{}</ul>\n", lines.collect::<String>())
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
pub(super) fn write_pictures<'f>(directory: &Path, figures: impl Iterator<Item = &'f Figure>) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    for figure in figures {
        let path = directory.join(figure.file());
        std::fs::write(&path, alone(&figure.svg)).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Figure, alone, page};
    use crate::advise::Advice;
    use crate::advise::recommendation::tests::facade;
    use crate::boot::protocol::Outcome;
    use crate::evidence::matrix::Matrix;
    use crate::evidence::matrix::tests::report;

    #[test]
    fn the_page_holds_the_advice_the_matrix_the_reasons_and_every_picture() {
        let host = vec![report("tlsf", "one", Outcome::Declared, "a < b")];
        let figure = |name: &str| Figure {
            name: name.into(),
            title: name.to_uppercase(),
            about: String::new(),
            svg: "<svg></svg>".into(),
        };
        let [trace, level, best, why] = ["boot", "bytes", "tlsf", "It is < 5."].map(str::to_owned);
        let advice = [Advice { trace, level, best, why }];
        let groups = [("boot & all".into(), vec![figure("x"), figure("y")])];
        let page = page(&Matrix::new(host, Vec::new()), &advice, &facade(), &groups);
        assert!(page.contains("<td>Invalid frees (13)</td><td>d</td>"), "{page}");
        assert!(page.contains("1 declared missing") && page.contains("a &lt; b [host]"), "{page}");
        assert!(page.contains("<a href=\"#boot---all\">boot &amp; all</a>"), "{page}");
        assert!(page.contains("<h2 id=\"boot---all\">boot &amp; all</h2>"), "{page}");
        assert_eq!(page.matches("<svg>").count(), 2, "{page}");
        assert!(
            page.contains("<code>tlsf</code> for bytes") && page.contains("features = [&quot;tlsf&quot;] }</pre>"),
            "{page}"
        );
        assert!(page.contains("suite, 1 cases,"), "{page}");
        assert!(page.contains("<li><b>boot</b>. It is &lt; 5.</li>"), "{page}");
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
