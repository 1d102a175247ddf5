//! The listeners of a machine, and the calls that wait for a connection.
//!
//! The port file keeps the port of each listener, one a line, so that the next start of the machine
//! has the same addresses.

use super::connection::{Connection, Connections, Grant};
use crate::console::{Console, ConsoleNotice};
use crate::device::reactor::{ReactorHandle, Readiness, ReadinessHandler};
use crate::device::{CallerId, DeviceAnswer, DeviceReply, address};
use crate::error::ListenError;
use crate::settings::NetworkSettings;
use mio::Token;
use mio::net::{TcpListener, TcpStream};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::{fs, iter};

/// How many connections of one listener may wait until a driver hears for them, unless the system's
/// limit is lower.
const BACKLOG: i32 = 4096;

/// A `hear` that waits.
pub(super) struct HearCall {
    pub(super) caller: CallerId,
    pub(super) reply: DeviceReply,
    /// Set when the call is answered.
    pub(super) grant: Grant,
    /// Watches the connection.
    pub(super) reactor: ReactorHandle,
}

/// The listeners, which are opened when they are first needed.
pub(super) struct Listeners {
    settings: NetworkSettings,
    console: Arc<dyn Console>,
    connections: Arc<Connections>,
    state: Mutex<ListenState>,
}

#[derive(Default)]
struct ListenState {
    /// None before the listeners are opened. Empty if that failed, or after they were closed.
    opened: Option<Vec<OpenListener>>,
    /// The listener that is tried first, so that a busy one does not keep others waiting.
    next: usize,
    /// Waiting calls, by number.
    hears: BTreeMap<u64, HearCall>,
    /// Whether the console knows that connections cannot be accepted for a lack of resources.
    is_lack_reported: bool,
}

struct OpenListener {
    socket: TcpListener,
    reactor: ReactorHandle,
    token: Token,
    address: SocketAddr,
}

impl Listeners {
    /// Listeners that are not opened yet.
    pub(super) fn new(
        settings: &NetworkSettings,
        console: Arc<dyn Console>,
        connections: Arc<Connections>,
    ) -> Listeners {
        let (settings, state) = (settings.clone(), Mutex::default());
        Listeners { settings, console, connections, state }
    }

    /// Opens the listeners.
    ///
    /// # Errors
    /// An address cannot be listened on. No listener is open then, and none will be.
    pub(super) fn open(self: &Arc<Self>) -> Result<(), ListenError> {
        self.open_locked(&mut self.state.lock())
    }

    /// The port of the first listener; 0, if there is none.
    pub(super) fn first_port(self: &Arc<Self>) -> u64 {
        let state = &mut *self.state.lock();
        self.open_or_report(state);
        state.opened.iter().flatten().next().map_or(0, |listener| listener.address.port().into())
    }

    /// Answers a call with the next connection, or makes it wait. Without a listener there will be no
    /// connection.
    pub(super) fn hear(self: &Arc<Self>, number: u64, call: HearCall) {
        let state = &mut *self.state.lock();
        self.open_or_report(state);
        if state.opened.as_ref().is_some_and(Vec::is_empty) {
            return call.reply.never();
        }
        state.hears.insert(number, call);
        self.accept_all(state);
    }

    /// Removes a call that waits. After this, the call's grant does not change.
    pub(super) fn cancel(&self, number: u64) {
        self.state.lock().hears.remove(&number);
    }

    /// Closes the listeners. The calls that wait are never answered.
    pub(super) fn close(&self) {
        let state = &mut *self.state.lock();
        for mut listener in state.opened.replace(Vec::new()).into_iter().flatten() {
            listener.reactor.deregister(&mut listener.socket, listener.token);
        }
        state.hears.clear();
    }

    fn open_or_report(self: &Arc<Self>, state: &mut ListenState) {
        if let Err(error) = self.open_locked(state) {
            self.console.notice(&ConsoleNotice::NotListening(error.to_string()));
        }
    }

    fn open_locked(self: &Arc<Self>, state: &mut ListenState) -> Result<(), ListenError> {
        if state.opened.is_some() {
            return Ok(());
        }
        let kept = self.settings.port_file.as_deref().map(read_ports).unwrap_or_default();
        let default = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let wanted: &[SocketAddr] =
            if self.settings.listen.is_empty() { &default } else { &self.settings.listen };
        // A failure is final: each later call would fail for the same reason.
        state.opened = Some(Vec::new());
        let kept = kept.into_iter().chain(iter::repeat(0));
        let opened: Result<Vec<OpenListener>, ListenError> =
            wanted.iter().zip(kept).map(|(address, kept)| self.bind(*address, kept)).collect();
        let opened = opened?;
        self.keep_ports(&opened);
        // A script that has read the notice finds the port in the file.
        for listener in &opened {
            self.console.notice(&ConsoleNotice::Listening(listener.address));
        }
        state.opened = Some(opened);
        Ok(())
    }

    /// Opens a listener. Instead of port 0, it tries the port `kept` of the last run first.
    fn bind(self: &Arc<Self>, wanted: SocketAddr, kept: u16) -> Result<OpenListener, ListenError> {
        let failed = |source| ListenError { address: wanted, source };
        let bind = |port| TcpListener::bind(SocketAddr::new(wanted.ip(), port));
        let mut socket = match (wanted.port(), kept) {
            (0, kept) if kept != 0 => bind(kept).or_else(|_| {
                self.console.notice(&ConsoleNotice::PortInUse(kept));
                bind(0)
            }),
            (port, _) => bind(port),
        }
        .map_err(failed)?;
        // The socket listens already. Listening again sets the length of its queue, which is too short
        // for clients that come all at once.
        rustix::net::listen(&socket, BACKLOG).map_err(|error| failed(error.into()))?;
        let address = socket.local_addr().map_err(failed)?;
        let handler: Weak<Listeners> = Arc::downgrade(self);
        let reactor = self.connections.reactor.of_current_thread();
        let token = reactor.register(&mut socket, handler).map_err(failed)?;
        Ok(OpenListener { socket, reactor, token, address })
    }

    /// Writes the port file, durably.
    fn keep_ports(&self, opened: &[OpenListener]) {
        let Some(path) = &self.settings.port_file else { return };
        let text: String =
            opened.iter().map(|listener| format!("{}\n", listener.address.port())).collect();
        if let Err(error) = write_durably(path, &text) {
            let problem = format!("{}: {error}", path.display());
            self.console.notice(&ConsoleNotice::PortNotKept(problem));
        }
    }

    /// Accepts the connections that have arrived, for the calls that wait.
    fn accept_all(self: &Arc<Self>, state: &mut ListenState) {
        let lack = loop {
            match self.accept_one(state) {
                Ok(true) => {}
                Ok(false) => return,
                Err(lack) => break lack,
            }
        };
        if !std::mem::replace(&mut state.is_lack_reported, true) {
            self.console.notice(&ConsoleNotice::NotAccepting(lack.to_string()));
        }
        // No event tells when the lack ends.
        let handler: Weak<Listeners> = Arc::downgrade(self);
        self.connections.reactor.of_current_thread().retry_later(handler);
    }

    /// Accepts a connection for the call that has waited longest. Returns false if there is no
    /// connection, or no call.
    ///
    /// # Errors
    /// A lack of resources. The call waits, and so does the client, unless the system accepted its
    /// connection and then refused to watch it.
    fn accept_one(&self, state: &mut ListenState) -> Result<bool, AcceptError> {
        let ListenState { opened, next, hears, .. } = &mut *state;
        let listeners = opened.as_deref().unwrap_or_default();
        let Some(call) = hears.first_entry() else { return Ok(false) };
        let Some(permit) = self.connections.permit() else {
            if has_client(listeners) {
                return Err(AcceptError::ConnectionLimit(self.connections.limit()));
            }
            // The reactor notifies this listener of the next client.
            return Ok(false);
        };
        let Some((stream, peer)) = accept(listeners, next)? else { return Ok(false) };
        let caller = (call.get().caller, call.get().reactor.clone());
        let handle = Connection::accepted(&self.connections, stream, permit, caller)?;
        answer(call.remove(), handle, peer);
        tracing::debug!(%peer, "connection accepted");
        Ok(true)
    }
}

/// The resource that a connection lacks.
#[derive(thiserror::Error, Debug)]
enum AcceptError {
    /// The device has as many connections as it may have.
    #[error(
        "{0} are open, which is the limit; a higher limit of open files (`ulimit -n`) allows more"
    )]
    ConnectionLimit(usize),
    /// The system lacks it, for example file descriptors.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl ReadinessHandler for Listeners {
    fn ready(self: Arc<Self>, _: Readiness) {
        self.accept_all(&mut self.state.lock());
    }
}

fn answer(call: HearCall, handle: u64, peer: SocketAddr) {
    // The grant of a call is set once, here.
    let handle = *call.grant.get_or_init(|| handle);
    let [ip, port] = address::answer(peer);
    call.reply.send(DeviceAnswer::Row(vec![handle.into(), ip, port]));
}

/// Accepts a connection from any listener. None if there is none yet.
///
/// # Errors
/// The system lacks a resource, such as a file descriptor. The connection waits in the system.
fn accept(
    listeners: &[OpenListener],
    next: &mut usize,
) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    let mut refused = None;
    for _ in 0..listeners.len() {
        let listener = &listeners[*next % listeners.len()];
        *next = (*next + 1) % listeners.len();
        loop {
            match listener.socket.accept() {
                Ok(accepted) => return Ok(Some(accepted)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // A client gave its connection up.
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
    }
    refused.map_or(Ok(None), Err)
}

/// Whether a client waits at any listener.
fn has_client(listeners: &[OpenListener]) -> bool {
    let poll = |listener: &OpenListener| {
        let readable = PollFd::new(&listener.socket, PollFlags::IN);
        // Without an answer, a retry finds out.
        rustix::event::poll(&mut [readable], Some(&Timespec::default())).is_ok_and(|n| n > 0)
    };
    listeners.iter().any(poll)
}

/// Whether `accept` failed because of one connection, and may succeed with the next.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted)
}

/// Writes a file, which a crash leaves as it was or as it is now.
fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("port.new");
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// The ports in a port file. None are kept if it cannot be read.
fn read_ports(path: &Path) -> Vec<u16> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map_while(|line| line.trim().parse().ok()).collect()
}
