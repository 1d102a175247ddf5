//! The compiler's thread, and what all runtimes of a process share.
//!
//! The thread is started by the first law that is to be compiled, and first makes the stubs: so a
//! process without hot laws pays nothing. It is there as long as the process.

use super::worker::{self, Birth, Request};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use vm::native::FrameTable;

/// Laws that may wait for the thread.
const QUEUE: usize = 64;
/// Its stack, in bytes: passes and Cranelift recurse as deeply as blocks are nested.
const THREAD_STACK: usize = 16 << 20;

pub(super) type Trampolines = Arc<OnceLock<Vec<usize>>>;

static SHARED: LazyLock<(Arc<FrameTable>, Trampolines)> = LazyLock::new(Default::default);
static QUEUE_TO: OnceLock<Option<SyncSender<Request>>> = OnceLock::new();
static KEPT_IN: OnceLock<PathBuf> = OnceLock::new();
/// How often something has ended: a runtime, or laws that had code.
static ENDS: AtomicUsize = AtomicUsize::new(0);
/// The entries of laws that are gone, for the thread to free their code.
static LOST: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// Requests that wait for the thread, or that it is at.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
/// Whether there was no room for code when it was last asked for, and nothing has ended since.
static FULL: AtomicBool = AtomicBool::new(false);

/// Has machine code kept in a directory, which need not exist, from run to run. Only the first call
/// in a process counts, and only before the first law is compiled.
pub fn keep_code_in(directory: &Path) {
    // A second call is one too many.
    let _ = KEPT_IN.set(directory.to_owned());
}

pub(super) fn shared() -> (Arc<FrameTable>, Trampolines) {
    SHARED.clone()
}

/// Where requests go; nothing, if no thread could be had.
pub(super) fn queue() -> Option<&'static SyncSender<Request>> {
    QUEUE_TO.get_or_init(start).as_ref()
}

/// Whether a request would find room in the queue: one that would not need not be made.
pub(super) fn has_room() -> bool {
    UNDER_WAY.load(Ordering::Relaxed) < QUEUE
}

/// What a request holds as long as it is there, by which they are counted.
pub(super) struct Place;

impl Place {
    pub(super) fn take() -> Place {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        Place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

fn start() -> Option<SyncSender<Request>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let (frames, trampolines) = shared();
    let birth = Birth { frames, trampolines, kept_in: KEPT_IN.get().cloned() };
    let thread = std::thread::Builder::new()
        .name("pallas-compiler".into())
        .stack_size(THREAD_STACK)
        .spawn(move || worker::run(birth, &receiver));
    thread.ok().map(|_| sender)
}

/// Where the address of a law's code appears.
pub(super) type Entry = Arc<AtomicUsize>;

/// Notes that a runtime has ended, or that laws are gone.
pub(super) fn note_end(laws: Vec<Entry>) {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).extend(laws);
    ENDS.fetch_add(1, Ordering::Release);
    FULL.store(false, Ordering::Relaxed);
}

/// How often that was noted.
pub(super) fn ends() -> usize {
    ENDS.load(Ordering::Acquire)
}

/// The entries of laws that were noted since this was last asked.
pub(super) fn take_lost() -> Vec<Entry> {
    std::mem::take(&mut *LOST.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Notes that there is no room for more code.
pub(super) fn note_full() {
    FULL.store(true, Ordering::Relaxed);
}

/// Whether there is no use in asking for code now.
pub(super) fn is_full() -> bool {
    FULL.load(Ordering::Relaxed)
}
