//! The linking and the compiling threads, which serve all runtimes of the process.
//!
//! ```text
//! evaluating threads --request--> linking thread --job--> compiling threads
//!                                       ^----compiled unit-----------'
//! ```
//!
//! The linking thread owns the code. It loads code that an earlier run kept, which takes some hundred
//! microseconds, and so does not wait for a unit that takes half a second to compile. Nor do small units: one
//! thread compiles these, and one the large units. The first law that is to be compiled starts the linking
//! thread, and the first whose code is not kept the compiling thread for its size; a process in which no law
//! becomes hot pays nothing. The threads run as long as the process.

use super::cache_directory::cache_directory;
use super::compiler::{CompileJob, CompiledUnit, UnitCompiler};
use super::options::DebugOptions;
use super::pipeline::{PipelineSettings, Trampolines, UnitPipeline};
use super::request::{CompileRequest, PendingTicket, QUEUE, has_pending};
use super::schedule::WaitingJobs;
use super::statistics;
use crate::runtime::compile_shared;
use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};
use vm::native::FrameTable;

/// The stack of each of the threads, in bytes. Passes and Cranelift recurse as deep as blocks are nested.
const THREAD_STACK: usize = 16 << 20;
/// Units of at most this size are small. Most of them compile in less than 10 ms.
const SMALL_UNIT: usize = 100;
/// How often a thread that waits for pending code looks whether it is there.
const POLL_INTERVAL: Duration = Duration::from_micros(200);
/// The count of threads that compile stubs at the start, besides the linking thread.
const STUB_THREADS: usize = 2;

static SHARED: LazyLock<(Arc<FrameTable>, Trampolines)> = LazyLock::new(Default::default);
static MESSAGES: OnceLock<Option<SyncSender<Message>>> = OnceLock::new();

/// Waits until the code that has been requested is compiled and kept for later runs, but no longer than
/// `limit`. Does nothing if no code is kept. A program that ends before its code is ready would be
/// interpreted again in each run.
pub fn finish_pending(limit: Duration) {
    if cache_directory().is_none() {
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

/// What is sent to the linking thread.
pub(super) enum Message {
    /// A unit is wanted.
    Request(CompileRequest),
    /// The compiling thread is done with a unit.
    Compiled(CompiledUnit),
}

/// The queue of the linking thread, which is started now if it does not run. None if the system refused
/// the thread.
pub(super) fn messages() -> Option<&'static SyncSender<Message>> {
    MESSAGES.get_or_init(start).as_ref()
}

fn start() -> Option<SyncSender<Message>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let (frames, trampolines) = shared();
    let cache = cache_directory().map(Path::to_owned);
    let settings = PipelineSettings { frames, trampolines, cache };
    let results = sender.clone();
    spawn("pallas-linker", move || link(settings, &receiver, &results)).then_some(sender)
}

/// Starts a thread. Returns false if the system refuses it.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    std::thread::Builder::new().name(name.into()).stack_size(THREAD_STACK).spawn(work).is_ok()
}

/// Serves requests whose code is kept, hands the others to the compiling threads, and links what that has
/// compiled.
///
/// A panic is a bug in the compiler. It ends compilation, but not the thread, which owns the code.
fn link(settings: PipelineSettings, messages: &Receiver<Message>, results: &SyncSender<Message>) {
    let start = statistics::thread_time();
    let mut pipeline = UnitPipeline::new(settings).ok();
    statistics::note_compiling(start);
    if pipeline.as_ref().is_some_and(|pipeline| !pipeline.has_stubs()) {
        start_stub_threads();
    }
    let (small, large) = (OnceCell::new(), OnceCell::new());
    while let Ok(message) = messages.recv() {
        // Without a pipeline, the request is dropped.
        let Some(working) = &mut pipeline else { continue };
        let ticket = PendingTicket::take();
        let served = catch_unwind(AssertUnwindSafe(|| {
            let job = match message {
                Message::Request(request) => working.look_up(request),
                Message::Compiled(unit) => {
                    working.publish(unit);
                    None
                }
            };
            let Some(job) = job else { return working.keep_stubs() };
            let start = || start_compiler(working.options(), results);
            let compiler = match job.request.size() {
                ..=SMALL_UNIT => small.get_or_init(start),
                _ => large.get_or_init(start),
            };
            if let Some(compiler) = compiler {
                // If the thread has ended, nothing is compiled any more.
                let _ = compiler.send(job);
            }
        }));
        drop(ticket);
        if served.is_err() {
            // Its code may be running, so the pipeline is not dropped.
            std::mem::forget(pipeline.take());
        }
    }
}

/// Starts a compiling thread. None if the system refuses the thread.
fn start_compiler(
    options: &DebugOptions,
    results: &SyncSender<Message>,
) -> Option<Sender<CompileJob>> {
    let (sender, receiver) = channel();
    let (options, results) = (options.clone(), results.clone());
    spawn("pallas-compiler", move || compile(options, &receiver, &results)).then_some(sender)
}

/// Compiles the units of jobs until one of them panics, and sends what comes of them to the linking
/// thread.
fn compile(options: DebugOptions, jobs: &Receiver<CompileJob>, results: &SyncSender<Message>) {
    let start = statistics::thread_time();
    let Ok(mut compiler) = UnitCompiler::new(options) else { return };
    statistics::note_compiling(start);
    let mut waiting = WaitingJobs::new(jobs);
    while let Some(job) = waiting.next() {
        let compiled = catch_unwind(AssertUnwindSafe(|| compiler.serve(job)));
        // A panic is a bug in the compiler. Dropping the jobs wakes the threads that wait.
        let Ok(compiled) = compiled else { return };
        if results.send(Message::Compiled(compiled)).is_err() {
            return;
        }
    }
}

/// Compiles the stubs on some more threads, if there are processors for them: the first hot law waits for
/// the stubs.
fn start_stub_threads() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 2..processors.min(STUB_THREADS + 2) {
        let work = || {
            let start = statistics::thread_time();
            compile_shared();
            statistics::note_compiling(start);
        };
        // If the system refuses the thread, the linking thread compiles the stubs when it needs them.
        let _ = std::thread::Builder::new().name("pallas-stubs".into()).spawn(work);
    }
}
