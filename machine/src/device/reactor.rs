//! Reactors: each waits for readiness of its sockets, and notifies their owners.
//!
//! ```text
//! driver's thread: call ─▶ try the operation ─▶ done: answer
//!                                   └─ would block: the call waits at its socket
//! reactor: epoll ─▶ ready() of the socket ─▶ try again for the calls that wait
//! ```
//!
//! Each thread of drivers has a reactor, and polls it when it has nothing else to do, or has not
//! done so for a while. A socket belongs to the reactor of the thread that asked for it, so the
//! bytes of a client reach the driver without another thread between. Sockets that no thread of
//! drivers asked for, such as the listeners, belong to a reactor with a thread of its own
//! ([`ReactorThread`]).
//!
//! Sockets are registered once, for reading and writing, and edge-triggered. No edge is lost: a
//! socket's owner tries the operation under the socket's lock before a call waits, and `ready`
//! takes the same lock, so an edge that comes after the attempt finds the call. `ready` also says
//! what the edge was ([`Readiness`]), so an owner can remember that a socket has no more input and
//! skip an attempt that would fail.
//!
//! No queue leads to a reactor, so none can grow.

use crate::error::SystemError;
use mio::event::{Event, Source};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use parking_lot::Mutex;
use plan::Map;
use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a reactor waits before it notifies the handlers that asked for a retry.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The token of the reactor's waker. Sockets have the tokens after it.
const WAKER: Token = Token(0);

/// The most events of one poll.
const EVENTS: usize = 1024;

/// What an event of a socket, or a retry, says about its input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Readiness {
    /// There may be input, and more may arrive.
    Open,
    /// The input has ended, or the socket has failed: a read finds what is left and then the end.
    /// No event follows.
    Ended,
}

impl Readiness {
    fn of(event: &Event) -> Readiness {
        let has_ended = event.is_read_closed() || event.is_error();
        if has_ended { Readiness::Ended } else { Readiness::Open }
    }
}

/// What is notified when a socket may be ready.
pub(crate) trait ReadinessHandler: Send + Sync {
    /// Tries the operations that wait. It runs on a reactor's thread, and must not block.
    fn ready(self: Arc<Self>, readiness: Readiness);
}

/// A reactor, which its thread polls.
pub(crate) struct Reactor {
    poll: Poll,
    events: Events,
    shared: Arc<ReactorShared>,
    /// When the handlers are notified that asked for a retry.
    retry_at: Option<Instant>,
}

/// A reactor with a thread of its own. Dropping it ends the thread.
pub(crate) struct ReactorThread {
    handle: ReactorHandle,
    is_shut_down: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Registers sockets at a reactor, and wakes its thread. It does not keep the thread running.
#[derive(Clone)]
pub(crate) struct ReactorHandle(Arc<ReactorShared>);

struct ReactorShared {
    registry: Registry,
    waker: Waker,
    handlers: Mutex<Map<Token, Weak<dyn ReadinessHandler>>>,
    next_token: AtomicUsize,
    /// The handlers that asked for a retry.
    retries: Mutex<Vec<Weak<dyn ReadinessHandler>>>,
}

thread_local! {
    /// The reactor that this thread polls.
    static OWN: RefCell<Option<ReactorHandle>> = const { RefCell::new(None) };
}

impl Reactor {
    /// A reactor without sockets.
    ///
    /// # Errors
    /// The system refuses the descriptors.
    pub(crate) fn new() -> Result<Reactor, SystemError> {
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
        });
        let events = Events::with_capacity(EVENTS);
        Ok(Reactor { poll, events, shared, retry_at: None })
    }

    /// The means to register sockets.
    pub(crate) fn handle(&self) -> ReactorHandle {
        ReactorHandle(Arc::clone(&self.shared))
    }

    /// Makes this the reactor of the sockets that the calling thread asks for.
    pub(crate) fn attach_to_thread(&self) {
        OWN.set(Some(self.handle()));
    }

    /// Waits until a socket is ready, the handle wakes the thread, or `timeout` is over; and
    /// notifies the owners of the sockets that are ready. No timeout: waits for as long as it takes.
    pub(crate) fn poll(&mut self, timeout: Option<Duration>) {
        let retry = self.retry_at.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.into_iter().chain(retry).min();
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                // The descriptor and the buffer are valid, so the system has no other error.
                unreachable!("the system cannot wait for sockets: {error}")
            }
            _ => {}
        }
        for event in &self.events {
            let handler = self.shared.handlers.lock().get(&event.token()).and_then(Weak::upgrade);
            if let Some(handler) = handler {
                handler.ready(Readiness::of(event));
            }
        }
        self.events.clear();
        self.retry_at = self.retry();
    }

    /// Notifies the handlers that asked for a retry, if it is time. Returns when the next retry is.
    fn retry(&self) -> Option<Instant> {
        if self.retry_at.is_none() && self.shared.retries.lock().is_empty() {
            return None;
        }
        let now = Instant::now();
        if self.retry_at.is_some_and(|at| at <= now) {
            let retries = std::mem::take(&mut *self.shared.retries.lock());
            for handler in retries.iter().filter_map(Weak::upgrade) {
                handler.ready(Readiness::Open);
            }
        }
        match self.retry_at {
            Some(at) if at > now => Some(at),
            _ if self.shared.retries.lock().is_empty() => None,
            _ => Some(now + RETRY_DELAY),
        }
    }
}

impl ReactorThread {
    /// Starts a reactor and its thread.
    ///
    /// # Errors
    /// The system refuses the descriptors or the thread.
    pub(crate) fn start() -> Result<ReactorThread, SystemError> {
        let mut reactor = Reactor::new()?;
        let (handle, is_shut_down) = (reactor.handle(), Arc::new(AtomicBool::new(false)));
        let is_over = Arc::clone(&is_shut_down);
        let thread = thread::Builder::new()
            .name("pallas-reactor".into())
            .spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    reactor.poll(None);
                }
            })
            .map_err(SystemError::new("start a thread"))?;
        Ok(ReactorThread { handle, is_shut_down, thread: Some(thread) })
    }

    /// The means to register sockets.
    pub(crate) fn handle(&self) -> ReactorHandle {
        self.handle.clone()
    }
}

impl Drop for ReactorThread {
    fn drop(&mut self) {
        self.is_shut_down.store(true, Ordering::SeqCst);
        let is_woken = self.handle.0.waker.wake().is_ok();
        if let Some(thread) = self.thread.take().filter(|_| is_woken) {
            // A panic of the thread loses nothing: it holds no data.
            let _ = thread.join();
        }
    }
}

impl ReactorHandle {
    /// The reactor of the sockets that the calling thread asks for: the one that the thread polls,
    /// if it polls one, else this one.
    pub(crate) fn of_current_thread(&self) -> ReactorHandle {
        OWN.with_borrow(Clone::clone).unwrap_or_else(|| self.clone())
    }

    /// Ends the poll that is under way, or makes the next one end at once.
    pub(crate) fn wake(&self) {
        // The system refuses this for no descriptor that is open.
        let _ = self.0.waker.wake();
    }

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
        // The reactor finds out when the retry is due.
        self.wake();
    }
}
