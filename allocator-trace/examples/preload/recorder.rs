//! The recorder: started when the library is loaded, written out when the program ends.

use core::{
    cell::UnsafeCell,
    hint, ptr, slice,
    sync::atomic::{AtomicBool, Ordering},
};
use std::{
    env,
    fs::File,
    io::{BufWriter, Write},
    process,
};

use allocator_trace::{Event, Events, Kind, Moment, Recording, records};

/// The variable that names the file.
const VARIABLE: &str = "ALLOCATION_TRACE";

/// Events that there is room for; the system gives memory only for those that come.
const EVENTS: usize = 1 << 24;

/// The recorder of this program.
pub(super) static RECORDER: Recorder = Recorder {
    locked: AtomicBool::new(false),
    state: UnsafeCell::new(State { recording: Recording::EMPTY, threads: [0; 255] }),
};

/// A recording behind a lock that needs nothing of the C library.
pub(super) struct Recorder {
    locked: AtomicBool,
    state: UnsafeCell<State>,
}

// SAFETY: `state` is reached by whoever took the lock, and by nobody else.
unsafe impl Sync for Recorder {}

struct State {
    recording: Recording,
    /// The threads seen so far, in the order in which they came; 0 where there is none yet.
    threads: [libc::pthread_t; 255],
}

impl Recorder {
    /// Records an event.
    pub(super) fn record(&self, event: impl FnOnce(Moment) -> Event) {
        self.record_made(|now| ((), Some(event(now))));
    }

    /// Makes a call that others must not see before its event is recorded.
    pub(super) fn record_made<T>(&self, make: impl FnOnce(Moment) -> (T, Option<Event>)) -> T {
        self.with(|state| {
            let (answer, event) = make(state.moment());
            if let Some(event) = event {
                state.recording.record(|_| event, Moment::default);
            }
            answer
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        self.lock();
        // SAFETY: the lock is held, and `work` neither panics nor comes back here.
        let answer = work(unsafe { &mut *self.state.get() });
        self.unlock();
        answer
    }

    fn lock(&self) {
        while self.locked.swap(true, Ordering::Acquire) {
            hint::spin_loop();
        }
    }

    fn unlock(&self) {
        self.locked.store(false, Ordering::Release);
    }
}

impl State {
    fn moment(&mut self) -> Moment {
        // SAFETY: it has no conditions.
        let this = unsafe { libc::pthread_self() };
        let known = self.threads.iter().position(|&thread| thread == this || thread == 0);
        let cpu = known.unwrap_or(self.threads.len());
        if let Some(thread) = self.threads.get_mut(cpu) {
            *thread = this;
        }
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` may be written to.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        Moment { cpu: cpu as u8, ticks: now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000 }
    }
}

/// Called by the loader.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

/// Called by the loader, behind everything else that runs at the end.
#[used]
#[unsafe(link_section = ".fini_array")]
static FINISH: extern "C" fn() = finish;

extern "C" fn before_fork() {
    RECORDER.lock();
}

extern "C" fn after_fork() {
    RECORDER.unlock();
}

extern "C" fn start() {
    if env::var_os(VARIABLE).is_none() {
        return;
    }
    let (bytes, flags) =
        (EVENTS * size_of::<Event>(), libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    // SAFETY: a new mapping at a place of the system's choice touches no memory that is there.
    let memory = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if memory == libc::MAP_FAILED {
        eprintln!("nothing is recorded: no memory for {EVENTS} events");
        return;
    }
    // SAFETY: the mapping has that many bytes, is aligned to pages, is never taken back, and is all 0, as a blank event is.
    let events = unsafe { slice::from_raw_parts_mut(memory.cast::<Event>(), EVENTS) };
    RECORDER.with(|state| state.recording.start(events));
    // A child has the thread that forked and no other: one that held the lock would never give it back.
    let (before, after): (unsafe extern "C" fn(), unsafe extern "C" fn()) = (before_fork, after_fork);
    // SAFETY: the three functions may run at any fork.
    unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
}

extern "C" fn finish() {
    let Some(events) = RECORDER.with(|state| state.recording.stop()) else { return };
    let Some(prefix) = env::var_os(VARIABLE) else { return };
    let path = format!("{}.{}.bytes", prefix.display(), process::id());
    if let Err(error) = write(&events, &path) {
        eprintln!("cannot write {path}: {error}");
    } else if events.lost() > 0 {
        eprintln!("{path} holds the first {EVENTS} calls; {} came later", events.lost());
    }
}

fn write(events: &Events, path: &str) -> std::io::Result<()> {
    let program = env::args().next().unwrap_or_default();
    let mut file = BufWriter::new(File::create(path)?);
    // The clock counts microseconds.
    records(Kind::Bytes, events.events(), 1).write(&program, |part| file.write_all(part))?;
    file.flush()
}
