//! A timer of the kernel. It is checked at the kernel's clock tick (4 ms at 250 Hz).

use std::ffi::c_int;
use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::ptr::null_mut;
use std::time::Duration;

/// A timer that runs until it is dropped. It is not `Send`: it belongs to the thread that started it.
pub(in crate::sampling) struct ThreadTimer(libc::timer_t);

impl ThreadTimer {
    /// Starts a timer that sends the signal to the calling thread after each period of its CPU time.
    ///
    /// # Errors
    /// If the system has no such timer.
    pub(in crate::sampling) fn start(signal: c_int, period: Duration) -> io::Result<ThreadTimer> {
        // SAFETY: zeros are a valid event, whose fields are set below.
        let mut event: libc::sigevent = unsafe { zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
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
        let timer = ThreadTimer(unsafe { timer.assume_init() });
        // SAFETY: zeros are a valid time.
        let mut times: libc::itimerspec = unsafe { zeroed() };
        times.it_interval.tv_sec = period.as_secs() as libc::time_t;
        times.it_interval.tv_nsec = period.subsec_nanos().into();
        times.it_value = times.it_interval;
        // SAFETY: the timer exists, and the pointer is valid for the call.
        match unsafe { libc::timer_settime(timer.0, 0, &raw const times, null_mut()) } {
            0 => Ok(timer),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for ThreadTimer {
    fn drop(&mut self) {
        // SAFETY: the timer exists, and is deleted once.
        let deleted = unsafe { libc::timer_delete(self.0) };
        debug_assert_eq!(deleted, 0);
    }
}
