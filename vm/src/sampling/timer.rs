//! [`SamplingTimer`]: takes samples of the thread that started it, in a handler of SIGPROF; and the
//! search for a jet among the frames of Rust. A [`ThreadTimer`] sends the signal.
//!
//! # Safety
//!
//! The handler runs between two instructions of any thread of the process. Its invariants:
//!
//! - *It allocates nothing and takes no lock.* The table of samples was allocated before. Unwinding
//!   looks functions up without a lock (glibc from 2.35 on, with the unwinder of GCC 12); before,
//!   under a lock of the loader that its owner may take again and holds for a short time.
//! - *It uses only a sampler that exists.* [`CURRENT`] is set by the thread itself, to a sampler that
//!   the timer keeps alive, and is cleared before the timer releases it. A signal that arrives later
//!   finds null.
//! - *It changes nothing that interrupted code sees*, except the sampler: `errno` is restored.
//! - *It does not unwind.* What it calls does not panic for any contents of the stacks; if it did,
//!   the process would end.

use super::raw_stack::MachineRegisters;
use super::signal_context::registers;
use super::thread_timer::ThreadTimer;
use crate::native::stack_switch;
use plan::platform::{errno, set_errno};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::zeroed;
use std::ptr::{null, null_mut};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

thread_local! {
    /// The sampler of this thread. It has no destructor, so a handler may read it at any time.
    static CURRENT: Cell<*const TimerTarget> = const { Cell::new(null()) };
}

/// The least period of a timer.
const PERIOD_MIN: Duration = Duration::from_micros(100);

/// The most frames of Rust that are searched for a jet.
const RUST_FRAMES: usize = 64;

/// What takes the samples. The handler calls it between two instructions, so it allocates nothing,
/// takes no lock and does not panic.
pub(super) trait TimedSampler {
    /// Records a sample of the code with these registers.
    fn take_time_sample(&self, registers: &MachineRegisters);
}

/// A sampler at an address that one word holds.
struct TimerTarget(Rc<dyn TimedSampler>);

/// A timer that runs. Dropping it ends the samples.
pub(super) struct SamplingTimer {
    /// Dropped first: it sends the signals.
    _timer: ThreadTimer,
    /// Keeps alive what the handler uses.
    _target: Box<TimerTarget>,
}

impl SamplingTimer {
    /// Starts the timer of this thread: the sampler gets a sample after each period of its CPU time.
    ///
    /// # Errors
    /// See [`Vm::start_sampling`](crate::Vm::start_sampling).
    pub(super) fn start(
        sampler: Rc<dyn TimedSampler>,
        period: Duration,
    ) -> io::Result<SamplingTimer> {
        if !CURRENT.get().is_null() {
            return Err(io::Error::other("another profile is being taken on this thread"));
        }
        install_handler()?;
        // The unwinder may load what it needs at its first use.
        let _ = innermost_jet(&[], usize::MAX);
        let target = Box::new(TimerTarget(sampler));
        CURRENT.set(&raw const *target);
        match ThreadTimer::start(libc::SIGPROF, period.max(PERIOD_MIN)) {
            Ok(timer) => Ok(SamplingTimer { _timer: timer, _target: target }),
            Err(error) => {
                CURRENT.set(null());
                Err(error)
            }
        }
    }
}

impl Drop for SamplingTimer {
    fn drop(&mut self) {
        // The timer is not `Send`, so this is the thread that started it.
        CURRENT.set(null());
    }
}

/// Installs the handler, once per process. It stays: a signal may arrive after a timer is deleted.
///
/// # Errors
/// If something else in the process handles the signal.
fn install_handler() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), &'static str>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        // SAFETY: zeros are a valid action; the pointers are valid; the handler has the signature
        // that the flag demands, and the module's invariants make it safe at any time.
        unsafe {
            let mut before: libc::sigaction = zeroed();
            if libc::sigaction(libc::SIGPROF, null(), &raw mut before) != 0 {
                return Err("the system refuses a handler of SIGPROF");
            }
            if before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN {
                return Err("something else in this process handles SIGPROF");
            }
            let mut ours: libc::sigaction = zeroed();
            ours.sa_sigaction = on_signal as *const () as usize;
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            match libc::sigaction(libc::SIGPROF, &raw const ours, null_mut()) {
                0 => Ok(()),
                _ => Err("the system refuses a handler of SIGPROF"),
            }
        }
    });
    installed.map_err(io::Error::other)
}

/// Handles the signal: takes a sample, if the thread has a sampler.
///
/// # Safety
/// The kernel calls it with a valid `context`.
unsafe extern "C" fn on_signal(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the sampler exists (the module's invariant).
    let Some(target) = (unsafe { CURRENT.get().as_ref() }) else { return };
    let errno = errno();
    // SAFETY: the kernel passes a valid context.
    let registers = unsafe { registers(context) };
    target.0.take_time_sample(&registers);
    set_errno(errno);
}

/// The CPU time of this thread, in nanoseconds.
pub(super) fn thread_cpu_time() -> u64 {
    // SAFETY: zeros are a valid time.
    let mut time: libc::timespec = unsafe { zeroed() };
    // SAFETY: the pointer is valid for the call, which a handler may make.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The unwinder's position in a stack.
#[repr(C)]
struct UnwindContext {
    _opaque: [u8; 0],
}

// The interface of the unwinder that the standard library links (Itanium C++ ABI, exception
// handling, level I).
unsafe extern "C" {
    fn _Unwind_Backtrace(
        visit: extern "C" fn(*mut UnwindContext, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetRegionStart(context: *mut UnwindContext) -> usize;
    fn _Unwind_GetCFA(context: *mut UnwindContext) -> usize;
}

/// Continue with the next frame, and end the walk.
const GO_ON: c_int = 0;
const STOP: c_int = 5;

/// A search for a jet.
struct JetSearch<'j> {
    jets: &'j [(usize, u32)],
    /// Frames at this address of the stack and above are not searched.
    limit: usize,
    frames: usize,
    found: Option<u32>,
}

/// The jet whose native function the innermost frame of Rust is of, among those below address
/// `limit` of the stack. `jets` are the addresses of the functions, ascending. Finds none while the
/// thread switches stacks.
pub(super) fn innermost_jet(jets: &[(usize, u32)], limit: usize) -> Option<u32> {
    if stack_switch::is_in_progress() {
        return None;
    }
    let mut search = JetSearch { jets, limit, frames: 0, found: None };
    // SAFETY: the walk reads the frames of this thread by the tables of the functions that are on
    // its stack, which are exact except where it switches stacks. It ends at the first function without a table, which compiled code is; `visit`
    // gets the search back.
    unsafe { _Unwind_Backtrace(visit, (&raw mut search).cast()) };
    search.found
}

/// Looks at one frame.
extern "C" fn visit(context: *mut UnwindContext, search: *mut c_void) -> c_int {
    // SAFETY: `innermost_jet` passes its search, which nothing else uses meanwhile; the unwinder
    // passes its context.
    let (search, start, frame) = unsafe {
        let search = &mut *search.cast::<JetSearch<'_>>();
        (search, _Unwind_GetRegionStart(context), _Unwind_GetCFA(context))
    };
    search.frames += 1;
    if frame >= search.limit || search.frames > RUST_FRAMES {
        return STOP;
    }
    match search.jets.binary_search_by_key(&start, |(address, _)| *address) {
        Ok(index) => {
            search.found = Some(search.jets[index].1);
            STOP
        }
        Err(_) => GO_ON,
    }
}
