//! Measurements in parallel, one process a processor, behind a progress bar.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Does `work` for each of `items`, on `workers` threads; answers in the order of the items.
pub(crate) fn each<T: Sync, R: Send>(
    title: &str,
    workers: usize,
    items: &[T],
    name: impl Fn(&T) -> String + Sync,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let bar = bar(title, items.len());
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..workers.min(items.len()) {
            scope.spawn(|| {
                while let Some((n, item)) = claim(&next, items) {
                    bar.set_message(name(item));
                    let answer = work(item);
                    bar.inc(1);
                    // A worker that panicked left the answers whole: each is pushed in one step.
                    answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((n, answer));
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut answers = answers.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    answers.sort_by_key(|&(n, _)| n);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn claim<'i, T>(next: &AtomicUsize, items: &'i [T]) -> Option<(usize, &'i T)> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    Some((n, items.get(n)?))
}

fn bar(title: &str, count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64).with_prefix(title.to_owned());
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {elapsed:>4}  {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How many processes count at once: counts do not depend on it.
pub(crate) fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..50).collect();
        assert_eq!(each("", 4, &items, u32::to_string, |n| n * 2), (0..100).step_by(2).collect::<Vec<_>>());
        assert!(each("", 4, &[], u32::to_string, |n| n * 2).is_empty());
    }
}
