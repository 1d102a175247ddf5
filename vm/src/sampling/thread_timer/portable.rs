//! A thread that sends the signal.
//!
//! # Safety
//!
//! The invariant: *the sending thread ends before the thread that it sends to*. The timer is not
//! `Send`, so it is dropped on the thread that started it, and the drop waits for the sending thread.

use std::ffi::c_int;
use std::io;
use std::marker::PhantomData;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A timer that runs until it is dropped.
pub(in crate::sampling) struct ThreadTimer {
    /// The sending thread ends when this is dropped.
    stop: Option<Sender<()>>,
    sending: Option<JoinHandle<()>>,
    /// It is not `Send`.
    _owner: PhantomData<*const ()>,
}

/// The thread that gets the signals.
struct SignalTarget(libc::pthread_t);

// SAFETY: the identity of a thread may be used by any thread while the thread exists.
unsafe impl Send for SignalTarget {}

impl SignalTarget {
    /// Sends a signal. The thread exists (the module's invariant).
    fn send(&self, signal: c_int) {
        // SAFETY: the thread exists, and any number may be passed as a signal.
        let _ = unsafe { libc::pthread_kill(self.0, signal) };
    }
}

impl ThreadTimer {
    /// Starts a timer that sends the signal to the calling thread after each period.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub(in crate::sampling) fn start(signal: c_int, period: Duration) -> io::Result<ThreadTimer> {
        // SAFETY: the call has no conditions.
        let target = SignalTarget(unsafe { libc::pthread_self() });
        let (stop, stopped) = channel();
        let send = move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                target.send(signal);
            }
        };
        let sending = thread::Builder::new().name("sampling timer".into()).spawn(send)?;
        Ok(ThreadTimer { stop: Some(stop), sending: Some(sending), _owner: PhantomData })
    }
}

impl Drop for ThreadTimer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(sending) = self.sending.take() {
            // The thread does not panic.
            let _ = sending.join();
        }
    }
}
