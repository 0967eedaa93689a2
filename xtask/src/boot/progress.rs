//! What is seen while kernels are built and booted: one line each, on the terminal only.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The lines of all that runs now.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    lines: MultiProgress,
}

impl Progress {
    /// A new line that begins with `name`.
    pub(crate) fn line(&self, name: String) -> ProgressLine {
        let style = ProgressStyle::with_template("{spinner} {prefix:<34} {elapsed:>4}  {wide_msg}");
        let bar = self.lines.add(ProgressBar::new_spinner().with_prefix(name));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(120));
        ProgressLine { bar }
    }

    /// Prints a line that stays, above those that change. Without a terminal it goes to the error output all the same.
    pub(crate) fn say(&self, text: &str) {
        self.lines.suspend(|| eprintln!("{text}"));
    }

    /// Prints a line of a log to the output.
    pub(crate) fn print(&self, text: &str) {
        self.lines.suspend(|| println!("{text}"));
    }
}

/// One line; it goes away when it is dropped.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
}

impl ProgressLine {
    /// Shows what is done now.
    pub(crate) fn show(&self, doing: String) {
        self.bar.set_message(doing);
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
