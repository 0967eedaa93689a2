//! Tables: printed, and written as Markdown and as comma-separated values.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table as Printed, presets::ASCII_MARKDOWN};

/// A table with a title; columns of figures are aligned to the right.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// What it shows, and in which unit.
    pub(crate) title: String,
    /// Names of the columns.
    pub(crate) columns: Vec<String>,
    /// Rows, as long as the columns.
    pub(crate) rows: Vec<Vec<String>>,
    /// What a reader has to know.
    pub(crate) notes: Vec<String>,
}

impl Table {
    /// No rows yet.
    pub(crate) fn new(title: &str, columns: Vec<String>) -> Self {
        Self { title: title.to_owned(), columns, rows: Vec::new(), notes: Vec::new() }
    }

    /// As Markdown, which is legible as it stands.
    pub(crate) fn markdown(&self) -> String {
        let mut printed = Printed::new();
        printed.load_style(ASCII_MARKDOWN).set_header(&self.columns);
        for row in &self.rows {
            printed.add_row(row);
        }
        for (n, column) in printed.column_iter_mut().enumerate() {
            if self.rows.iter().all(|row| is_figure(&row[n])) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut out = format!("### {}\n\n{printed}\n", self.title);
        if !self.notes.is_empty() {
            out.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(out, "- {note}");
        }
        out
    }

    /// As comma-separated values.
    pub(crate) fn csv(&self) -> String {
        let quoted = |cell: &String| {
            if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
        };
        let lines = [&self.columns].into_iter().chain(&self.rows);
        lines.map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n").collect()
    }
}

/// Whether a cell holds a figure, or stands for one.
fn is_figure(cell: &str) -> bool {
    cell.chars().next().is_none_or(|first| first.is_ascii_digit() || "·–-".contains(first))
}

/// Writes the tables as `NAME.md`, and each as `NAME-N.csv`, into `directory`, and prints where.
///
/// # Errors
///
/// A file cannot be written.
pub(crate) fn write(directory: &Path, name: &str, head: &str, tables: &[Table]) -> Result<()> {
    let text = tables.iter().fold(format!("{head}\n"), |text, table| text + "\n" + &table.markdown());
    std::fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    let write = |file: String, text: &str| {
        let path = directory.join(file);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    write(format!("{name}.md"), &text)?;
    for (n, table) in tables.iter().enumerate() {
        write(format!("{name}-{}.csv", n + 1), &table.csv())?;
    }
    println!("written to {}", directory.join(format!("{name}.md")).display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Table, write};

    fn table() -> Table {
        let mut table = Table::new("Costs", vec!["what".into(), "figure".into()]);
        table.rows.push(vec!["a, b".into(), "1.5".into()]);
        table.notes.push("measured".into());
        table
    }

    #[test]
    fn a_table_is_legible_as_markdown() {
        let text = table().markdown();
        assert!(text.starts_with("### Costs\n\n| what | figure |\n|"), "{text}");
        assert!(text.contains("| a, b |    1.5 |") && text.ends_with("\n- measured\n"), "{text}");
    }

    #[test]
    fn files_hold_the_text_and_the_figures() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "t", "head", &[table()]).unwrap();
        let read = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(read("t.md").starts_with("head\n") && read("t.md").contains("### Costs"));
        assert_eq!(read("t-1.csv"), "what,figure\n\"a, b\",1.5\n");
    }
}
