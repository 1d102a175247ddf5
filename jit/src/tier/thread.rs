//! The compiling thread, which serves all runtimes of the process.
//!
//! The first law that is to be compiled starts the thread. A process in which no law becomes hot pays
//! nothing. The thread runs as long as the process.

use super::pipeline::{PipelineSettings, Trampolines, UnitPipeline};
use super::request::{CompileRequest, PendingTicket, QUEUE, has_pending};
use super::statistics;
use crate::runtime::compile_shared;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};
use vm::native::FrameTable;

/// The stack of the thread, in bytes. Passes and Cranelift recurse as deep as blocks are nested.
const THREAD_STACK: usize = 16 << 20;
/// How often a thread that waits for the compiling thread looks whether it has finished.
const POLL_INTERVAL: Duration = Duration::from_micros(200);
/// The count of threads that compile stubs at the start, besides the compiling thread.
const STUB_THREADS: usize = 2;

static SHARED: LazyLock<(Arc<FrameTable>, Trampolines)> = LazyLock::new(Default::default);
static REQUESTS: OnceLock<Option<SyncSender<CompileRequest>>> = OnceLock::new();
static CACHE_DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// Keeps machine code from run to run in a directory, which need not exist. Only the first call in a
/// process has an effect, and only before the first law is compiled.
pub fn set_cache_directory(directory: &Path) {
    // A later call changes nothing.
    let _ = CACHE_DIRECTORY.set(directory.to_owned());
}

/// Waits until the code that has been requested is compiled and kept for later runs, but no longer than
/// `limit`. Does nothing if no code is kept. A program that ends before its code is ready would be
/// interpreted again in each run.
pub fn finish_pending(limit: Duration) {
    if CACHE_DIRECTORY.get().is_none() {
        return;
    }
    let end = Instant::now() + limit;
    while has_pending() && Instant::now() < end {
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// The frame table and the trampolines of all code of the process.
pub(super) fn shared() -> (Arc<FrameTable>, Trampolines) {
    SHARED.clone()
}

/// The queue of the compiling thread, which is started now if it does not run. None if the system refused
/// the thread.
pub(super) fn requests() -> Option<&'static SyncSender<CompileRequest>> {
    REQUESTS.get_or_init(start).as_ref()
}

fn start() -> Option<SyncSender<CompileRequest>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let (frames, trampolines) = shared();
    let cache = CACHE_DIRECTORY.get().cloned();
    let settings = PipelineSettings { frames, trampolines, cache };
    let thread = std::thread::Builder::new()
        .name("pallas-compiler".into())
        .stack_size(THREAD_STACK)
        .spawn(move || run(settings, &receiver));
    thread.ok().map(|_| sender)
}

/// Serves requests until no sender is left.
///
/// A panic is a bug in the compiler. It ends compilation, but not the thread, which owns the code.
fn run(settings: PipelineSettings, requests: &Receiver<CompileRequest>) {
    let start = statistics::thread_time();
    let mut pipeline = UnitPipeline::new(settings).ok();
    statistics::note_start(start);
    if pipeline.as_ref().is_some_and(|pipeline| !pipeline.has_stubs()) {
        start_stub_threads();
    }
    let mut is_broken = false;
    let mut waiting = Vec::new();
    while let Some(mut request) = next(requests, &mut waiting) {
        let done = request.done.take();
        // The work on a request includes keeping the stubs.
        let _ticket = PendingTicket::take();
        if let Some(pipeline) = pipeline.as_mut().filter(|_| !is_broken) {
            is_broken = catch_unwind(AssertUnwindSafe(|| pipeline.serve(request))).is_err();
        }
        if let Some(done) = done {
            // The thread that waited may have ended.
            let _ = done.send(());
        }
        if let Some(pipeline) = pipeline.as_mut().filter(|_| !is_broken) {
            pipeline.keep_stubs();
        }
    }
}

/// Takes the smallest of the waiting requests, which are listed with their sizes: it costs least and so
/// pays off soonest. Waits if there is none. None if no sender is left.
fn next(
    requests: &Receiver<CompileRequest>,
    waiting: &mut Vec<(usize, CompileRequest)>,
) -> Option<CompileRequest> {
    let sized = |request: CompileRequest| (request.size(), request);
    if waiting.is_empty() {
        waiting.push(sized(requests.recv().ok()?));
    }
    waiting.extend(requests.try_iter().map(sized));
    let (smallest, _) = waiting.iter().enumerate().min_by_key(|(_, (size, _))| *size)?;
    Some(waiting.remove(smallest).1)
}

/// Compiles the stubs on some more threads, if there are processors for them: the first hot law waits for
/// the stubs.
fn start_stub_threads() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 2..processors.min(STUB_THREADS + 2) {
        let work = || {
            let start = statistics::thread_time();
            compile_shared();
            statistics::note_start(start);
        };
        // If the system refuses the thread, the compiling thread compiles the stubs when it needs them.
        let _ = std::thread::Builder::new().name("pallas-stubs".into()).spawn(work);
    }
}
