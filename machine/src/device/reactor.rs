//! The reactor: one thread that waits for readiness of all sockets and notifies their owners.
//!
//! ```text
//! driver's thread: call ─▶ try the operation ─▶ done: answer
//!                                   └─ would block: the call waits at its socket
//! reactor's thread: epoll ─▶ ready() of the socket ─▶ try again for the calls that wait
//! ```
//!
//! Sockets are registered once, for reading and writing, and edge-triggered. No edge is lost: a
//! socket's owner tries the operation under the socket's lock before a call waits, and `ready`
//! takes the same lock, so an edge that comes after the attempt finds the call.
//!
//! No queue leads to the reactor, so none can grow.

use crate::error::SystemError;
use mio::event::Source;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the reactor waits before it notifies the handlers that asked for a retry.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The token of the reactor's waker. Sockets have the tokens after it.
const WAKER: Token = Token(0);

/// What is notified when a socket may be ready.
pub(crate) trait ReadinessHandler: Send + Sync {
    /// Tries the operations that wait. It runs on the reactor's thread, and must not block.
    fn ready(self: Arc<Self>);
}

/// The reactor. Dropping it ends its thread.
pub(crate) struct Reactor {
    shared: Arc<ReactorShared>,
    thread: Option<JoinHandle<()>>,
}

/// Registers sockets. It does not keep the reactor's thread running.
#[derive(Clone)]
pub(crate) struct ReactorHandle(Arc<ReactorShared>);

struct ReactorShared {
    registry: Registry,
    waker: Waker,
    handlers: Mutex<HashMap<Token, Weak<dyn ReadinessHandler>>>,
    next_token: AtomicUsize,
    /// The handlers that asked for a retry.
    retries: Mutex<Vec<Weak<dyn ReadinessHandler>>>,
    is_shut_down: AtomicBool,
}

impl Reactor {
    /// Starts a reactor.
    ///
    /// # Errors
    /// The system refuses the descriptors or the thread.
    pub(crate) fn start() -> Result<Reactor, SystemError> {
        let refused = |error| SystemError::new("wait for sockets")(error);
        let poll = Poll::new().map_err(refused)?;
        let registry = poll.registry().try_clone().map_err(refused)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(refused)?;
        let shared = Arc::new(ReactorShared {
            registry,
            waker,
            handlers: Mutex::default(),
            next_token: AtomicUsize::new(WAKER.0 + 1),
            retries: Mutex::default(),
            is_shut_down: AtomicBool::new(false),
        });
        let thread_shared = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("pallas-reactor".into())
            .spawn(move || run(poll, &thread_shared))
            .map_err(SystemError::new("start a thread"))?;
        Ok(Reactor { shared, thread: Some(thread) })
    }

    /// The means to register sockets.
    pub(crate) fn handle(&self) -> ReactorHandle {
        ReactorHandle(Arc::clone(&self.shared))
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.shared.is_shut_down.store(true, Ordering::SeqCst);
        let is_woken = self.shared.waker.wake().is_ok();
        if let Some(thread) = self.thread.take().filter(|_| is_woken) {
            // A panic of the thread loses nothing: it holds no data.
            let _ = thread.join();
        }
    }
}

impl ReactorHandle {
    /// Registers a socket. From now on, `handler` is notified when the socket becomes readable or
    /// writable, as long as the handler exists. The token serves to deregister it.
    ///
    /// # Errors
    /// The system refuses to watch the socket.
    pub(crate) fn register(
        &self,
        socket: &mut impl Source,
        handler: Weak<dyn ReadinessHandler>,
    ) -> io::Result<Token> {
        let shared = &*self.0;
        let token = Token(shared.next_token.fetch_add(1, Ordering::Relaxed));
        shared.handlers.lock().insert(token, handler);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = shared.registry.register(socket, token, interest);
        if registered.is_err() {
            shared.handlers.lock().remove(&token);
        }
        registered.map(|()| token)
    }

    /// Ends the notifications about a socket that is about to be closed.
    pub(crate) fn deregister(&self, socket: &mut impl Source, token: Token) {
        self.0.handlers.lock().remove(&token);
        // A socket that cannot be deregistered is so when it is closed.
        let _ = self.0.registry.deregister(socket);
    }

    /// Notifies `handler` after a short time, although no socket may be ready: an operation failed
    /// for a lack of resources, which causes no event when it ends.
    pub(crate) fn retry_later(&self, handler: Weak<dyn ReadinessHandler>) {
        let mut retries = self.0.retries.lock();
        if !retries.iter().any(|waiting| waiting.ptr_eq(&handler)) {
            retries.push(handler);
        }
        drop(retries);
        // Without a wake-up, the retry comes with the next event.
        let _ = self.0.waker.wake();
    }
}

/// The reactor's thread.
fn run(mut poll: Poll, shared: &ReactorShared) {
    let mut events = Events::with_capacity(1024);
    let mut retry_at: Option<Instant> = None;
    loop {
        let timeout = retry_at.map(|at| at.saturating_duration_since(Instant::now()));
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                // The descriptor and the buffer are valid, so the system has no other error.
                unreachable!("the system cannot wait for sockets: {error}")
            }
            _ => {}
        }
        if shared.is_shut_down.load(Ordering::SeqCst) {
            return;
        }
        for event in &events {
            let handler = shared.handlers.lock().get(&event.token()).and_then(Weak::upgrade);
            if let Some(handler) = handler {
                handler.ready();
            }
        }
        events.clear();
        retry_at = retry(shared, retry_at);
    }
}

/// Notifies the handlers that asked for a retry, if it is time. Returns when the next retry is.
fn retry(shared: &ReactorShared, retry_at: Option<Instant>) -> Option<Instant> {
    let now = Instant::now();
    if retry_at.is_some_and(|at| at <= now) {
        let retries = std::mem::take(&mut *shared.retries.lock());
        for handler in retries.iter().filter_map(Weak::upgrade) {
            handler.ready();
        }
    }
    match retry_at {
        Some(at) if at > now => Some(at),
        _ if shared.retries.lock().is_empty() => None,
        _ => Some(now + RETRY_DELAY),
    }
}
