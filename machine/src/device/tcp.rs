//! `%tcp`: connections to other processes.
//!
//! ```text
//! [%tcp %mine]           the port of the first listener; 0, if there is none
//! [%tcp %hear]           [handle ip port]: the next connection that a client makes
//! [%tcp %open ip port]   (0 handle): a connection to a server; 0, if it cannot be made
//! [%tcp %take handle]    a bar of 1 to 4,096 bytes; an empty bar at the end, or if the handle names
//!                        no connection
//! [%tcp %give handle b]  (0 n): the first n bytes of the bar b are on their way; 0, if the
//!                        connection is closed
//! [%tcp %shut handle]    0; the connection is closed
//! ```
//!
//! Addresses are nats: see `address`. 127.0.0.1 is 16777343.
//! Waiting calls of one kind at one connection are answered in the order in which they were made.
//! The end of the input closes the connection. (Prototype: lib/Server/Hardware/TCP.hs)
//!
//! Back-pressure: bytes are read when a driver takes them, and written when it gives them. What is
//! in between is in the system's buffers, except at most 64 KiB of each `give` that waits. A
//! connection is accepted when a driver hears for one.
//!
//! The number of open connections is limited, so that enough file descriptors are left for the
//! machine's store. At the limit, clients wait in the system's queue, and `open` is answered 0.

mod connection;
mod listeners;
mod request;

use super::reactor::ReactorThread;
use super::{CallerId, CancelCall, Device, DeviceAnswer, DeviceReply};
use crate::console::Console;
use crate::error::ListenError;
use crate::settings::NetworkSettings;
use connection::{Connection, Connections, Grant, TakeReceipt};
use listeners::{HearCall, Listeners};
use plan::Ref;
use request::TcpRequest;
use rustix::process::Resource;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// File descriptors that connections leave for the store, the devices and the runtime. A machine
/// that listens has about 30 open; more are open for a moment during a snapshot or a collection.
const RESERVED_DESCRIPTORS: usize = 128;

/// The limit of connections: the process's limit of open files, without the reserved ones; half of
/// it if it is so low that less would remain.
fn default_connection_limit() -> usize {
    let files = rustix::process::getrlimit(Resource::Nofile).current;
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    files.saturating_sub(RESERVED_DESCRIPTORS).max(files / 2)
}

/// The device of TCP connections.
pub(crate) struct TcpDevice {
    listeners: Arc<Listeners>,
    connections: Arc<Connections>,
    next_number: AtomicU64,
    _reactor: Arc<ReactorThread>,
}

impl TcpDevice {
    /// Creates the device. It listens at once on the addresses in the settings. If there are none,
    /// it listens on 127.0.0.1 when a driver first calls `mine` or `hear`.
    ///
    /// # Errors
    /// An address in the settings cannot be listened on.
    pub(crate) fn start(
        settings: &NetworkSettings,
        reactor: &Arc<ReactorThread>,
        console: Arc<dyn Console>,
    ) -> Result<TcpDevice, ListenError> {
        let limit = settings.max_connections.unwrap_or_else(default_connection_limit);
        let connections = Arc::new(Connections::new(reactor.handle(), limit));
        let listeners = Arc::new(Listeners::new(settings, console, Arc::clone(&connections)));
        if !settings.listen.is_empty() {
            listeners.open()?;
        }
        let next_number = AtomicU64::new(0);
        Ok(TcpDevice { listeners, connections, next_number, _reactor: Arc::clone(reactor) })
    }

    /// The number of open connections.
    pub(crate) fn open_connections(&self) -> Arc<AtomicUsize> {
        self.connections.open_count()
    }

    fn hear(&self, caller: CallerId, number: u64, reply: DeviceReply) -> CancelCall {
        let grant = Grant::default();
        let reactor = self.connections.reactor.of_current_thread();
        let call = HearCall { caller, reply, grant: Arc::clone(&grant), reactor };
        self.listeners.hear(number, call);
        let (listeners, connections) = (Arc::clone(&self.listeners), Arc::clone(&self.connections));
        Box::new(move || {
            listeners.cancel(number);
            connections.revoke(&grant);
        })
    }

    fn open(
        &self,
        caller: CallerId,
        address: SocketAddr,
        reply: DeviceReply,
    ) -> Option<CancelCall> {
        let grant = Grant::default();
        let connection =
            Connection::open(&self.connections, caller, address, reply, Arc::clone(&grant))?;
        let connections = Arc::clone(&self.connections);
        Some(Box::new(move || {
            connection.cancel_open(&connections);
            connections.revoke(&grant);
        }))
    }

    fn take(
        &self,
        caller: CallerId,
        handle: u64,
        number: u64,
        reply: DeviceReply,
    ) -> Option<CancelCall> {
        let Some(connection) = self.connections.table.find(handle, caller) else {
            reply.send(DeviceAnswer::Bytes(Vec::new()));
            return None;
        };
        let receipt = TakeReceipt::default();
        let is_pending = connection.take(&self.connections, number, reply, Arc::clone(&receipt));
        let cancel = move || connection.cancel_take(number, &receipt);
        is_pending.then(|| Box::new(cancel) as CancelCall)
    }

    fn give(
        &self,
        caller: CallerId,
        handle: u64,
        bytes: &[u8],
        number: u64,
        reply: DeviceReply,
    ) -> Option<CancelCall> {
        let Some(connection) = self.connections.table.find(handle, caller) else {
            reply.send(DeviceAnswer::ZERO);
            return None;
        };
        let waits = connection.give(&self.connections, bytes, number, reply);
        waits.then(|| Box::new(move || connection.cancel_give(number)) as CancelCall)
    }
}

impl Device for TcpDevice {
    fn name(&self) -> &'static str {
        "tcp"
    }

    fn call(&self, caller: CallerId, args: &[Ref<'_>], reply: DeviceReply) -> Option<CancelCall> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        match TcpRequest::parse(args) {
            Some(TcpRequest::Mine) => reply.send(self.listeners.first_port().into()),
            Some(TcpRequest::Hear) => return Some(self.hear(caller, number, reply)),
            Some(TcpRequest::Open(address)) => return self.open(caller, address, reply),
            Some(TcpRequest::Take { handle }) => return self.take(caller, handle, number, reply),
            Some(TcpRequest::Give { handle, bytes }) => {
                return self.give(caller, handle, bytes, number, reply);
            }
            Some(TcpRequest::Shut { handle }) => {
                self.connections.close(handle);
                reply.send(DeviceAnswer::ZERO);
            }
            None => reply.send(DeviceAnswer::ZERO),
        }
        None
    }

    fn release(&self, caller: CallerId) {
        for connection in self.connections.table.release(caller) {
            connection.close(&self.connections);
        }
    }
}

impl Drop for TcpDevice {
    fn drop(&mut self) {
        self.listeners.close();
        for connection in self.connections.table.clear() {
            connection.close(&self.connections);
        }
    }
}

#[cfg(test)]
mod tests;
