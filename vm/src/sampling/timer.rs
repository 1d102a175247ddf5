//! [`SamplingTimer`]: sends SIGPROF to the thread that started it, as it uses CPU time; the handler
//! of the signal; and the search for a jet among the frames of Rust.
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
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::{MaybeUninit, zeroed};
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
    timer: libc::timer_t,
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
        // SAFETY: zeros are a valid event, whose fields are set below.
        let mut event: libc::sigevent = unsafe { zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        // SAFETY: the call has no conditions.
        event.sigev_notify_thread_id = unsafe { libc::gettid() };
        let mut timer = MaybeUninit::uninit();
        // SAFETY: both pointers are valid for the call.
        let made = unsafe {
            libc::timer_create(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut event, timer.as_mut_ptr())
        };
        if made != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has succeeded, so it has written the timer.
        let timer = unsafe { timer.assume_init() };
        let target = Box::new(TimerTarget(sampler));
        CURRENT.set(&raw const *target);
        let started = SamplingTimer { timer, _target: target };
        let period = period.max(PERIOD_MIN);
        // SAFETY: zeros are a valid time.
        let mut times: libc::itimerspec = unsafe { zeroed() };
        times.it_interval.tv_sec = period.as_secs() as libc::time_t;
        times.it_interval.tv_nsec = period.subsec_nanos().into();
        times.it_value = times.it_interval;
        // SAFETY: the timer exists, and the pointer is valid for the call.
        match unsafe { libc::timer_settime(timer, 0, &raw const times, null_mut()) } {
            0 => Ok(started),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for SamplingTimer {
    fn drop(&mut self) {
        // The timer is not `Send`, so this is the thread that started it.
        CURRENT.set(null());
        // SAFETY: the timer exists, and is deleted once.
        let deleted = unsafe { libc::timer_delete(self.timer) };
        debug_assert_eq!(deleted, 0);
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
    // SAFETY: `errno` is the thread's own.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the kernel passes a valid context.
    let registers = unsafe { registers(context.cast()) };
    target.0.take_time_sample(&registers);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// The registers of the interrupted code.
///
/// # Safety
/// `context` is the one that the kernel passes to a handler.
unsafe fn registers(context: *const libc::ucontext_t) -> MachineRegisters {
    // SAFETY: by this function's contract.
    let machine = unsafe { &(*context).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    {
        let register = |number: c_int| machine.gregs[number as usize] as usize;
        MachineRegisters {
            program_counter: register(libc::REG_RIP),
            frame_pointer: register(libc::REG_RBP),
            stack_pointer: register(libc::REG_RSP),
        }
    }
    #[cfg(target_arch = "aarch64")]
    MachineRegisters {
        program_counter: machine.pc as usize,
        frame_pointer: machine.regs[29] as usize,
        stack_pointer: machine.sp as usize,
    }
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
/// `limit` of the stack. `jets` are the addresses of the functions, ascending.
pub(super) fn innermost_jet(jets: &[(usize, u32)], limit: usize) -> Option<u32> {
    let mut search = JetSearch { jets, limit, frames: 0, found: None };
    // SAFETY: the walk reads the frames of this thread by the tables of the functions that are on
    // its stack. It ends at the first function without a table, which compiled code is; `visit`
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
