//! The page: one file with everything in it, and each picture as a file of its own.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::charts::DARK;
use crate::boot::protocol::Outcome;
use crate::evidence::matrix::Matrix;
use crate::evidence::report::{legend, reasons, summary};

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

/// Colours and measures of the page. What is wider than the screen, the table, scrolls by itself.
const STYLE: &str = ":root { color-scheme: light dark; --paper: #ffffff; --ink: #111111; --rule: #d8d8d8 } \
    @media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #f0f0f0; --rule: #444444 } } \
    body { background: var(--paper); color: var(--ink); font: 16px/1.5 sans-serif; margin: 0 auto; max-width: 1200px; \
    padding: 0 14px } .figures { display: grid; gap: 32px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)) } \
    figure { margin: 0; min-width: 0 } svg { width: 100%; height: auto } .wide { overflow-x: auto } \
    table { border-collapse: collapse } td, th { border-bottom: 1px solid var(--rule); padding: 3px 10px; text-align: left; \
    white-space: nowrap } td + td { font-family: monospace; font-size: 16px } li { overflow-wrap: anywhere }";

/// `text` with the characters that HTML reads written so that it does not.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The whole page.
pub(super) fn page(matrix: &Matrix, figures: &[(String, Vec<Figure>)]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Allocators for kernels</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE} {DARK}</style>\n</head>\n<body>\n\
         <h1>Allocators for kernels: what to switch on, and why to trust it</h1>\n\
         <p>Blue is a backend of this project, grey another allocator. <code>cargo xtask report</code> makes this page; \
         <code>cargo xtask advise TRACE</code> turns the figures of a trace into a recommendation.</p>\n"
    );
    let _ = write!(out, "<h2>What is proven, and where</h2>\n<p>{}</p>\n", escaped(&legend(matrix)));
    out.push_str(&evidence(matrix));
    for (title, figures) in figures {
        let _ = write!(out, "<h2>{}</h2>\n<div class=\"figures\">\n", escaped(title));
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
        ("skipped, beside whole places", Outcome::Skipped),
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
    use crate::boot::protocol::Outcome;
    use crate::evidence::matrix::Matrix;
    use crate::evidence::matrix::tests::report;

    #[test]
    fn the_page_holds_the_matrix_the_reasons_and_every_picture() {
        let host = vec![report("tlsf", "one", Outcome::Declared, "a < b")];
        let figure = |name: &str| Figure {
            name: name.into(),
            title: name.to_uppercase(),
            about: String::new(),
            svg: "<svg></svg>".into(),
        };
        let page = page(&Matrix::new(host, Vec::new()), &[("boot & all".into(), vec![figure("x"), figure("y")])]);
        assert!(page.contains("<td>Invalid frees (13)</td><td>d</td>"), "{page}");
        assert!(page.contains("1 declared missing") && page.contains("a &lt; b [host]"), "{page}");
        assert!(page.contains("boot &amp; all") && page.matches("<svg>").count() == 2, "{page}");
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
