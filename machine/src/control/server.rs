//! [`ControlServer`]: the machine's end of the control socket.

use super::SOCKET_NAME;
use super::message::{ControlAnswer, ControlOperation, ControlRequest, VERSION};
use crate::mailbox::Address;
use crate::message::{ControlMessage, list_calls, request_upgrade};
use crate::metrics::MetricsRecorder;
use crate::platform::SocketPath;
use crate::program::UpgradeProgram;
use crate::sampling::request_profile;
use crate::upgrade_check::UpgradeCheck;
use parking_lot::Mutex;
use persist::{Seq, SetAsideId, Store, StoreView};
use rustix::net::{Shutdown, shutdown};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown as StreamShutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fs, mem};

/// The most clients at a time.
pub(super) const MAX_CLIENTS: usize = 16;

/// The longest request, in bytes.
const MAX_REQUEST: u64 = 1 << 20;

/// About the most bytes of records in one answer.
const MAX_EVENTS: usize = 1 << 20;

/// How long a client without a view may take for its next request, and for reading an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a view lasts after the last request.
const VIEW_LIFETIME: Duration = Duration::from_secs(3600);

/// How long the server waits after an error of the system before it accepts again.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The parts of a machine that clients ask for. They do not keep the store open.
#[derive(Clone)]
pub(crate) struct ControlledMachine {
    pub(crate) store: Weak<Store>,
    pub(crate) metrics: Arc<MetricsRecorder>,
    /// The messages to the event loop.
    pub(crate) control: Address<ControlMessage>,
}

/// The server. Dropping it disconnects all clients and removes the socket.
pub(crate) struct ControlServer {
    shared: Arc<ServerState>,
    accepting: Option<JoinHandle<()>>,
}

struct ServerState {
    listener: UnixListener,
    path: PathBuf,
    machine: ControlledMachine,
    is_stopping: AtomicBool,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    next: u64,
    /// The connected clients: their sockets, by which they are disconnected.
    connected: BTreeMap<u64, UnixStream>,
    /// The threads of clients, also of those that have gone.
    threads: Vec<JoinHandle<()>>,
}

impl ControlServer {
    /// Makes the socket in the directory of a store, with access for this user only, and serves it.
    /// Replaces a socket that was left there: the store's lock shows that nothing serves it.
    ///
    /// # Errors
    /// The socket cannot be made, or a thread cannot be started.
    pub(crate) fn start(directory: &Path, machine: ControlledMachine) -> io::Result<ControlServer> {
        // The socket gets its name when its mode is set, so that no other user can connect before.
        let draft_name = format!("{SOCKET_NAME}.new");
        let draft = SocketPath::new(directory, &draft_name)?;
        match fs::remove_file(draft.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(draft.path())?;
        let path = directory.join(SOCKET_NAME);
        fs::set_permissions(draft.path(), fs::Permissions::from_mode(0o600))?;
        fs::rename(directory.join(draft_name), &path)?;
        let (is_stopping, clients) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(ServerState { listener, path, machine, is_stopping, clients });
        let accepting = Arc::clone(&shared);
        let accepting = thread::Builder::new()
            .name("pallas-control".into())
            .spawn(move || accepting.accept_all())?;
        Ok(ControlServer { shared, accepting: Some(accepting) })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // Whether or not it can be removed, the next start replaces it.
        let _ = fs::remove_file(&self.shared.path);
        // This ends a thread that waits in `accept`.
        let _ = shutdown(&self.shared.listener, Shutdown::Both);
        if let Some(accepting) = self.accepting.take() {
            // The thread does not panic.
            let _ = accepting.join();
        }
        let clients = mem::take(&mut *self.shared.clients.lock());
        for socket in clients.connected.values() {
            // It may have been closed by the client.
            let _ = socket.shutdown(StreamShutdown::Both);
        }
        for thread in clients.threads {
            // A panic of the thread has been reported by the hook.
            let _ = thread.join();
        }
    }
}

impl ServerState {
    /// Accepts clients until the server stops.
    fn accept_all(self: &Arc<Self>) {
        while !self.is_stopping.load(Ordering::SeqCst) {
            match self.listener.accept() {
                Ok((stream, _)) => self.serve(stream),
                // The listener is shut down, or the system lacks a resource.
                Err(_) if self.is_stopping.load(Ordering::SeqCst) => {}
                Err(_) => thread::sleep(ACCEPT_RETRY),
            }
        }
    }

    /// Serves a client on a thread of its own, or refuses it.
    fn serve(self: &Arc<Self>, mut stream: UnixStream) {
        let mut clients = self.clients.lock();
        clients.threads.retain(|thread| !thread.is_finished());
        // A client that is refused or has gone sees the end of the connection.
        if clients.connected.len() >= MAX_CLIENTS {
            let _ = answer(&mut stream, &ControlAnswer::Error("too many clients".into()));
            return;
        }
        let Ok(socket) = stream.try_clone() else { return };
        clients.next += 1;
        let number = clients.next;
        clients.connected.insert(number, socket);
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name("pallas-client".into()).spawn(move || {
            // An error of the connection ends the service of this client, and nothing else.
            let _ = serve_client(&shared.machine, stream);
            shared.clients.lock().connected.remove(&number);
        });
        match thread {
            Ok(thread) => clients.threads.push(thread),
            Err(_) => drop(clients.connected.remove(&number)),
        }
    }
}

/// Answers the requests of a client until it disconnects, or is silent for too long.
fn serve_client(machine: &ControlledMachine, mut stream: UnixStream) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut view = None;
    loop {
        stream.set_read_timeout(Some(if view.is_some() { VIEW_LIFETIME } else { PATIENCE }))?;
        let mut line = Vec::new();
        let length = requests.by_ref().take(MAX_REQUEST).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        let reply = match parse(&line) {
            Ok(operation) => machine.perform(operation, &mut view),
            Err(problem) => ControlAnswer::Error(problem),
        };
        answer(&mut stream, &reply)?;
        if !line.ends_with(b"\n") {
            return Ok(());
        }
    }
}

fn parse(line: &[u8]) -> Result<ControlOperation, String> {
    let unknown = |error: serde_json::Error| format!("the request is not understood: {error}");
    let request: serde_json::Value = serde_json::from_slice(line).map_err(unknown)?;
    match request.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        _ => return Err(format!("the machine speaks version {VERSION} of the protocol")),
    }
    let request: ControlRequest = serde_json::from_value(request).map_err(unknown)?;
    Ok(request.operation)
}

fn answer(stream: &mut UnixStream, answer: &ControlAnswer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}

impl ControlledMachine {
    fn perform(&self, operation: ControlOperation, view: &mut Option<StoreView>) -> ControlAnswer {
        self.try_perform(operation, view).unwrap_or_else(ControlAnswer::Error)
    }

    fn try_perform(
        &self,
        operation: ControlOperation,
        view: &mut Option<StoreView>,
    ) -> Result<ControlAnswer, String> {
        let store = || self.store.upgrade().ok_or("the machine is stopping");
        match operation {
            ControlOperation::View => {
                *view = None;
                let made = StoreView::new(&*store()?).map_err(|error| error.to_string())?;
                let files = made.files().to_vec();
                *view = Some(made);
                Ok(ControlAnswer::View(files))
            }
            ControlOperation::Confirm if view.is_some() => Ok(ControlAnswer::Confirmed),
            ControlOperation::Confirm => Err("this connection has no view".into()),
            ControlOperation::Metrics => {
                Ok(ControlAnswer::Metrics(self.metrics.read().to_prometheus()))
            }
            ControlOperation::Calls => Ok(ControlAnswer::Calls(list_calls(&self.control))),
            ControlOperation::Events { after } => events_after(&*store()?, after),
            ControlOperation::Profile { seconds, allocation_interval } => {
                let profile = request_profile(&self.control, seconds, allocation_interval)?;
                Ok(ControlAnswer::Profile(profile))
            }
            ControlOperation::Upgrade { file, program, rehearsed, max_lag } => {
                let hash = program.parse().map_err(|_| "a hash of a program is expected")?;
                let seed = fs::read(&file)
                    .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
                let check = match max_lag {
                    Some(max_lag) => UpgradeCheck::Rehearsed { at: rehearsed, max_lag },
                    None => UpgradeCheck::Forced,
                };
                let program = UpgradeProgram::from_seed(hash, seed);
                let report = request_upgrade(&self.control, program, check)?;
                Ok(ControlAnswer::Upgraded((&report).into()))
            }
            ControlOperation::Discard { ids } => {
                let ids: Option<Vec<SetAsideId>> = ids.iter().map(|id| parse_id(id)).collect();
                let ids = ids.ok_or("an id is 32 hexadecimal digits")?;
                let removed = store()?.remove_set_aside(&ids).map_err(|error| error.to_string())?;
                Ok(ControlAnswer::Discarded(removed))
            }
        }
    }
}

/// Reads the durable events after one, up to the size of an answer.
fn events_after(store: &Store, after: u64) -> Result<ControlAnswer, String> {
    let mut events = Vec::new();
    let mut size = 0;
    if after < store.durable().0 {
        let records = store.records_from(Seq(after).next()).map_err(|error| error.to_string())?;
        for record in records {
            let record = record.map_err(|error| error.to_string())?;
            size += record.payload.len();
            events.push((record.seq.0, to_hex(&record.payload)));
            if size >= MAX_EVENTS {
                break;
            }
        }
    }
    Ok(ControlAnswer::Events(events))
}

/// Bytes as hexadecimal digits.
fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Parses the id of an input that was set aside.
fn parse_id(text: &str) -> Option<SetAsideId> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(number.to_be_bytes())
}
