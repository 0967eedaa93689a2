//! The page in a browser: whether every picture is drawn and legible, on a wide and on a narrow screen, light and dark.
//!
//! A page around it holds it in a frame of the width in question, measures, and tells the result in its title. The frame
//! is what makes a narrow screen: browsers do not make their windows that narrow.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;
use crate::workspace::find_program;

/// Names of the browser.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Its package, where it is one.
pub(super) const PACKAGE: &str = "chromium";

/// Widths of screens, in pixels.
const WIDTHS: [u32; 2] = [1280, 390];

/// Text smaller than so many pixels is not legible.
const LEAST_TEXT: f64 = 10.0;

/// Ink and paper whose contrast is less are not legible.
const LEAST_CONTRAST: f64 = 7.0;

/// How long a browser may take for a look.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The browser, if there is one.
pub(super) fn find() -> Option<&'static str> {
    BROWSERS.into_iter().find(|name| find_program(name).is_some())
}

/// What the browser measured.
#[derive(Debug, PartialEq, Deserialize)]
struct Look {
    /// Pictures that take room and have something drawn in them.
    drawn: usize,
    /// Pixels that the page is wider than its screen.
    beyond: f64,
    /// Smallest text in a picture, pixels.
    text: f64,
    /// Least contrast of text and paper.
    contrast: f64,
    /// Whether the page is dark.
    dark: bool,
}

/// The script that measures. Text in a picture shrinks with it; contrast is WCAG's ratio.
const MEASURE: &str = r#"
const doc = document.querySelector('iframe').contentDocument;
const numbers = c => (c.match(/[\d.]+/g) || []).map(Number);
const light = c => { const [r, g, b] = numbers(c).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const style = e => doc.defaultView.getComputedStyle(e);
const paper = light(style(doc.body).backgroundColor);
const ratio = c => { const l = light(c); return (Math.max(l, paper) + 0.05) / (Math.min(l, paper) + 0.05); };
const svgs = [...doc.querySelectorAll('figure svg')];
const texts = [...doc.querySelectorAll('figure svg text')];
const shown = e => { const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0; };
const answer = {
  drawn: svgs.filter(s => shown(s) && [...s.querySelectorAll('rect, polyline, path')].some(shown)).length,
  beyond: Math.max(0, doc.documentElement.scrollWidth - doc.documentElement.clientWidth),
  text: Math.min(...texts.map(t => parseFloat(style(t).fontSize) * Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b))),
  contrast: Math.min(ratio(style(doc.body).color), ...texts.map(t => ratio(style(t).fill))),
  dark: paper < 0.2 };
document.title = 'measured ' + JSON.stringify(answer);
"#;

/// Looks at `page`, which has `figures` pictures, in every width and scheme; the pictures of the screen go to `scratch`.
///
/// # Errors
///
/// What is not in order, each complaint once.
pub(super) fn check(browser: &str, page: &Path, figures: usize, scratch: &Path) -> Result<(), String> {
    let mut complaints = Vec::new();
    for width in WIDTHS {
        for dark in [false, true] {
            let name = format!("{width}-{}", if dark { "dark" } else { "light" });
            let seen = look(browser, page, scratch, width, dark).map_err(|error| format!("{name}: {error:#}"))?;
            complaints.extend(wrong(&seen, figures, dark).into_iter().map(|what| format!("{name}: {what}")));
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
}

/// What is not as it should be.
fn wrong((look, console): &(Look, Vec<String>), figures: usize, dark: bool) -> Vec<String> {
    let mut found: Vec<String> = console.iter().map(|line| format!("the console says {line}")).collect();
    let mut unless = |good: bool, what: String| found.extend((!good).then_some(what));
    unless(look.drawn == figures, format!("{} of {figures} pictures are drawn", look.drawn));
    unless(look.beyond <= 0.0, format!("the page is {} pixels too wide", look.beyond));
    unless(look.text >= LEAST_TEXT, format!("text of {:.1} pixels", look.text));
    unless(look.contrast >= LEAST_CONTRAST, format!("a contrast of {:.1}", look.contrast));
    unless(look.dark == dark, format!("dark is {}", look.dark));
    found
}

/// One look; and what the console said.
fn look(browser: &str, page: &Path, scratch: &Path, width: u32, dark: bool) -> Result<(Look, Vec<String>)> {
    let scheme = if dark { "dark" } else { "light" };
    let text = std::fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))?;
    let frame = scratch.join(format!("frame-{width}.html"));
    std::fs::write(&frame, frame_around(&text, width))?;
    let profile = scratch.join("profile");
    let command = |mode: String| {
        let mut command = Command::new(browser);
        // A sandbox within a container, or for the superuser, is not to be had; the page is our own.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]);
        command.args(["--enable-logging=stderr", "--virtual-time-budget=4000", "--window-size=1300,2400"]);
        command.arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)));
        command.arg(format!("--user-data-dir={}", profile.display())).arg(mode);
        command.arg(format!("file://{}", frame.display()));
        command
    };
    let picture = scratch.join(format!("{width}-{scheme}.png"));
    run(command(format!("--screenshot={}", picture.display())), scratch)?;
    let (dom, said) = run(command("--dump-dom".to_owned()), scratch)?;
    let told = dom.split_once("<title>measured ").and_then(|(_, rest)| rest.split_once("</title>"));
    let (measured, _) = told.context("the browser measured nothing")?;
    let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    Ok((serde_json::from_str(measured)?, console))
}

/// A page with `page` in a frame.
fn frame_around(page: &str, width: u32) -> String {
    let inner = page.replace('&', "&amp;").replace('"', "&quot;");
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title></title><link rel=\"icon\" href=\"data:,\"></head><body style=\"margin:0\">\
         <iframe style=\"border:0;width:{width}px;height:2400px\" srcdoc=\"{inner}\"></iframe>\
         <script>window.onload = () => {{ {MEASURE} }};</script></body></html>"
    )
}

/// What a browser wrote to its output and to its log.
fn run(mut command: Command, scratch: &Path) -> Result<(String, String)> {
    let (out, err) = (scratch.join("browser.out"), scratch.join("browser.err"));
    command.stdout(File::create(&out)?).stderr(File::create(&err)?);
    let status = process::within(TIME_LIMIT, &mut command)?;
    anyhow::ensure!(status.success(), "the browser ended with {status}");
    let read = |path: &Path| Ok::<_, anyhow::Error>(String::from_utf8_lossy(&std::fs::read(path)?).into_owned());
    Ok((read(&out)?, read(&err)?))
}

#[cfg(test)]
mod tests {
    use super::{Look, frame_around, wrong};

    fn good() -> Look {
        Look { drawn: 3, beyond: 0.0, text: 11.0, contrast: 9.0, dark: true }
    }

    #[test]
    fn each_thing_that_is_wrong_is_told() {
        let told = |look, console: &[&str]| wrong(&(look, console.iter().map(|&s| s.into()).collect()), 3, true);
        assert!(told(good(), &[]).is_empty());
        assert_eq!(told(good(), &["oh"]), ["the console says oh"]);
        for look in [
            Look { drawn: 2, ..good() },
            Look { beyond: 1.0, ..good() },
            Look { text: 9.0, ..good() },
            Look { contrast: 3.0, ..good() },
            Look { dark: false, ..good() },
        ] {
            assert_eq!(told(look, &[]).len(), 1);
        }
    }

    #[test]
    fn the_page_is_quoted_in_its_frame() {
        let frame = frame_around("<p title=\"a & b\">", 390);
        assert!(
            frame.contains("width:390px") && frame.contains("srcdoc=\"<p title=&quot;a &amp; b&quot;>\""),
            "{frame}"
        );
    }
}
