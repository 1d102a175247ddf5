//! The TCP connections of a machine: their sockets and the calls that wait at them.
//!
//! All operations run under the connection's lock, on the thread of the driver that calls or on that
//! of the connection's reactor (see `reactor` for why no readiness is missed).
//!
//! A `take` may be answered and then cancelled before its driver gets the answer. The bytes of such
//! an answer go back to the front of the connection, in the order in which they came.

use crate::device::handles::HandleTable;
use crate::device::reactor::{ReactorHandle, Readiness, ReadinessHandler};
use crate::device::{CallerId, DeviceAnswer, DeviceReply};
use mio::Token;
use mio::net::TcpStream;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// The most bytes of one answer to `take`.
const TAKE_LIMIT: usize = 4096;
/// The most bytes that a `give` keeps while it waits. The driver gives the others again.
const GIVE_LIMIT: usize = 64 << 10;

/// The connections of a machine.
pub(super) struct Connections {
    /// Watches the connections that no thread with a reactor of its own asks for.
    pub(super) reactor: ReactorHandle,
    pub(super) table: HandleTable<Connection>,
    /// How many connections may be open at the same time.
    limit: usize,
    /// How many are.
    open: Arc<AtomicUsize>,
}

/// The right to open one connection. It ends when this value is dropped.
pub(super) struct ConnectionPermit(Arc<Connections>);

/// The handle of the connection that answers a call, once there is one.
pub(super) type Grant = Arc<OnceLock<u64>>;

/// The bytes that a `take` was answered with, once it is answered.
pub(super) type TakeReceipt = Arc<OnceLock<Vec<u8>>>;

/// A connection, from the attempt to make it until it is closed.
pub(super) struct Connection {
    connections: Weak<Connections>,
    /// Set when the connection is made.
    handle: OnceLock<u64>,
    io: Mutex<ConnectionIo>,
}

#[derive(Default)]
struct ConnectionIo {
    /// None when the connection is closed.
    socket: Option<ConnectionSocket>,
    /// The call that makes this connection, until it is answered.
    opening: Option<OpenCall>,
    /// Whether the input has ended while a `give` waits. The connection takes no more calls.
    has_ended: bool,
    /// The bytes of answers that no driver got, by the numbers of the calls. They come before those
    /// in the socket.
    returned: BTreeMap<u64, Vec<u8>>,
    /// What is known about the input in the socket.
    input: SocketInput,
    /// Waiting calls and their numbers, in the order in which they were made.
    takes: VecDeque<(u64, DeviceReply, TakeReceipt)>,
    gives: VecDeque<(u64, DeviceReply, Box<[u8]>)>,
}

/// What is known about the input in a socket. A socket that is [`Drained`](SocketInput::Drained) is
/// not read: most requests arrive in one piece, and the attempt to read the next one at once would
/// be a system call in vain.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum SocketInput {
    /// There may be some.
    #[default]
    Unknown,
    /// There was none after the last read: an event follows when some arrives, or when it ends.
    Drained,
    /// It has ended or failed, so no event follows.
    Ended,
}

struct ConnectionSocket {
    stream: TcpStream,
    /// The reactor that watches the stream, and the stream's token there.
    reactor: ReactorHandle,
    token: Token,
    _permit: ConnectionPermit,
}

struct OpenCall {
    caller: CallerId,
    reply: DeviceReply,
    grant: Grant,
}

impl Connections {
    /// The number of open connections.
    pub(super) fn open_count(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.open)
    }

    /// No connections. At most `limit` can be open at the same time.
    pub(super) fn new(reactor: ReactorHandle, limit: usize) -> Connections {
        Connections { reactor, table: HandleTable::default(), limit, open: Arc::default() }
    }

    /// How many connections may be open at the same time.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// The right to open a connection. None if the limit is reached.
    pub(super) fn permit(self: &Arc<Self>) -> Option<ConnectionPermit> {
        let more = |open| (open < self.limit).then_some(open + 1);
        // The count orders nothing else.
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(ConnectionPermit(Arc::clone(self)))
    }

    /// Closes the connection with this handle, if there is one.
    pub(super) fn close(&self, handle: u64) {
        if let Some(connection) = self.table.remove(handle) {
            connection.close(self);
        }
    }

    /// Closes the connection of a call that was cancelled before its driver learned the handle.
    pub(super) fn revoke(&self, grant: &Grant) {
        if let Some(handle) = grant.get() {
            self.close(*handle);
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// Begins to make a connection to a server. Returns None if that fails at once; the call is
    /// answered then.
    pub(super) fn open(
        connections: &Arc<Connections>,
        caller: CallerId,
        address: SocketAddr,
        reply: DeviceReply,
        grant: Grant,
    ) -> Option<Arc<Connection>> {
        let permit = connections.permit();
        let opened = permit.map(|permit| (permit, TcpStream::connect(address)));
        let Some((permit, Ok(stream))) = opened else {
            reply.send(DeviceAnswer::ZERO);
            return None;
        };
        let connection = Connection::new(connections);
        let mut io = connection.io.lock();
        let reactor = connections.reactor.of_current_thread();
        if io.register(stream, permit, reactor, &connection).is_err() {
            reply.send(DeviceAnswer::ZERO);
            return None;
        }
        io.opening = Some(OpenCall { caller, reply, grant });
        drop(io);
        Some(connection)
    }

    /// Takes over a connection that a client has made, gives it a handle for the caller, and has a
    /// reactor watch it.
    ///
    /// # Errors
    /// The system refuses to watch the socket.
    pub(super) fn accepted(
        connections: &Arc<Connections>,
        stream: TcpStream,
        permit: ConnectionPermit,
        (caller, reactor): (CallerId, ReactorHandle),
    ) -> io::Result<u64> {
        let connection = Connection::new(connections);
        connection.io.lock().register(stream, permit, reactor, &connection)?;
        Ok(connection.grant_handle(connections, caller))
    }

    fn new(connections: &Arc<Connections>) -> Arc<Connection> {
        Arc::new(Connection {
            connections: Arc::downgrade(connections),
            handle: OnceLock::new(),
            io: Mutex::default(),
        })
    }

    fn grant_handle(self: &Arc<Self>, connections: &Connections, caller: CallerId) -> u64 {
        let handle = connections.table.insert(Arc::clone(self), caller);
        // No other thread knows the handle yet, so none can need it.
        *self.handle.get_or_init(|| handle)
    }

    /// Answers a `take`, or makes it wait. Sets the receipt when it answers with bytes. Returns
    /// whether the call can be cancelled: it waits, or was answered with bytes.
    pub(super) fn take(
        &self,
        connections: &Connections,
        number: u64,
        reply: DeviceReply,
        receipt: TakeReceipt,
    ) -> bool {
        let io = &mut *self.io.lock();
        if io.is_closed() {
            reply.send(DeviceAnswer::Bytes(Vec::new()));
            return false;
        }
        io.takes.push_back((number, reply, Arc::clone(&receipt)));
        self.answer_takes(io, connections);
        // If the last call waits, it is this one.
        !io.takes.is_empty() || receipt.get().is_some()
    }

    /// Answers a `give`, or makes it wait. Returns whether it waits.
    pub(super) fn give(
        &self,
        connections: &Connections,
        bytes: &[u8],
        number: u64,
        reply: DeviceReply,
    ) -> bool {
        let io = &mut *self.io.lock();
        if io.is_closed() {
            reply.send(DeviceAnswer::ZERO);
            return false;
        }
        // Later bytes must not overtake those that wait.
        let written = if io.gives.is_empty() { io.write(bytes) } else { Ok(None) };
        match written {
            Ok(Some(count)) => {
                reply.send(count_answer(count));
                false
            }
            Ok(None) => {
                io.gives.push_back((number, reply, bytes[..bytes.len().min(GIVE_LIMIT)].into()));
                true
            }
            Err(_) => {
                reply.send(DeviceAnswer::ZERO);
                self.close_locked(io, connections);
                false
            }
        }
    }

    /// Removes a waiting `take`, or takes back the bytes with which it was answered.
    pub(super) fn cancel_take(&self, number: u64, receipt: &TakeReceipt) {
        let io = &mut *self.io.lock();
        if let Some(index) = io.takes.iter().position(|(waiting, ..)| *waiting == number) {
            io.takes.remove(index);
            return;
        }
        if let (Some(bytes), Some(connections)) = (receipt.get(), self.connections.upgrade())
            && !io.is_closed()
        {
            io.returned.insert(number, bytes.clone());
            self.answer_takes(io, &connections);
        }
    }

    /// Removes a waiting `give`.
    pub(super) fn cancel_give(&self, number: u64) {
        let io = &mut *self.io.lock();
        io.gives.retain(|(waiting, ..)| *waiting != number);
        if io.has_ended
            && io.gives.is_empty()
            && let Some(connections) = self.connections.upgrade()
        {
            self.close_locked(io, &connections);
        }
    }

    /// Gives up the attempt to make the connection, if it is not made yet.
    pub(super) fn cancel_open(&self, connections: &Connections) {
        let io = &mut *self.io.lock();
        if io.opening.take().is_some() {
            self.close_locked(io, connections);
        }
    }

    /// Closes the connection, and answers the calls that wait.
    pub(super) fn close(&self, connections: &Connections) {
        self.close_locked(&mut self.io.lock(), connections);
    }

    fn close_locked(&self, io: &mut ConnectionIo, connections: &Connections) {
        if let Some(mut socket) = io.socket.take() {
            socket.reactor.deregister(&mut socket.stream, socket.token);
        }
        io.returned.clear();
        if let Some(handle) = self.handle.get() {
            connections.table.remove(*handle);
        }
        io.end_takes();
        let gives = std::mem::take(&mut io.gives).into_iter().map(|(_, reply, _)| reply);
        for reply in gives.chain(io.opening.take().map(|call| call.reply)) {
            reply.send(DeviceAnswer::ZERO);
        }
    }

    /// Answers the call that makes this connection, when the connection is made or failed.
    fn finish_opening(self: &Arc<Self>, io: &mut ConnectionIo, connections: &Connections) {
        let Some(ConnectionSocket { stream, .. }) = &io.socket else { return };
        let is_made = match (stream.take_error(), stream.peer_addr()) {
            (Ok(None), Ok(_)) => true,
            (Ok(None), Err(error)) if error.kind() == ErrorKind::NotConnected => return,
            _ => false,
        };
        if !is_made {
            return self.close_locked(io, connections);
        }
        if let Some(OpenCall { caller, reply, grant }) = io.opening.take() {
            let handle = *grant.get_or_init(|| self.grant_handle(connections, caller));
            reply.send(DeviceAnswer::just(handle));
        }
    }

    /// Answers the waiting `take`s while input is available.
    fn answer_takes(&self, io: &mut ConnectionIo, connections: &Connections) {
        while !io.takes.is_empty() {
            match io.read() {
                Ok(None) => return,
                Ok(Some(bytes)) if !bytes.is_empty() => {
                    if let Some((_, reply, receipt)) = io.takes.pop_front() {
                        // A call is answered once, and its receipt is set once, here.
                        let bytes = receipt.get_or_init(|| bytes).clone();
                        reply.send(DeviceAnswer::Bytes(bytes));
                    }
                }
                // The end of the input; so is an error, for example a reset by the peer.
                _ if io.gives.is_empty() => self.close_locked(io, connections),
                _ => {
                    io.has_ended = true;
                    io.end_takes();
                }
            }
        }
    }

    /// Answers the waiting `give`s while the socket has room.
    fn answer_gives(&self, io: &mut ConnectionIo, connections: &Connections) {
        while let Some((number, reply, bytes)) = io.gives.pop_front() {
            match io.write(&bytes) {
                Ok(None) => {
                    io.gives.push_front((number, reply, bytes));
                    return;
                }
                Ok(Some(count)) => reply.send(count_answer(count)),
                Err(_) => {
                    reply.send(DeviceAnswer::ZERO);
                    return self.close_locked(io, connections);
                }
            }
        }
        if io.has_ended {
            self.close_locked(io, connections);
        }
    }
}

impl ReadinessHandler for Connection {
    fn ready(self: Arc<Self>, readiness: Readiness) {
        let Some(connections) = self.connections.upgrade() else { return };
        let io = &mut *self.io.lock();
        io.note(readiness);
        if io.opening.is_some() {
            self.finish_opening(io, &connections);
        }
        self.answer_takes(io, &connections);
        self.answer_gives(io, &connections);
    }
}

impl ConnectionIo {
    /// Whether calls are answered as for a handle that names nothing.
    fn is_closed(&self) -> bool {
        self.socket.is_none() || self.has_ended
    }

    /// Answers the waiting `take`s as at the end of the input.
    fn end_takes(&mut self) {
        for (_, reply, _) in std::mem::take(&mut self.takes) {
            reply.send(DeviceAnswer::Bytes(Vec::new()));
        }
    }

    fn register(
        &mut self,
        mut stream: TcpStream,
        permit: ConnectionPermit,
        reactor: ReactorHandle,
        connection: &Arc<Connection>,
    ) -> io::Result<()> {
        // Drivers give whole messages: waiting for more bytes would only delay them. A socket that
        // cannot be set so works nevertheless.
        let _ = stream.set_nodelay(true);
        let handler: Weak<Connection> = Arc::downgrade(connection);
        let token = reactor.register(&mut stream, handler)?;
        self.socket = Some(ConnectionSocket { stream, reactor, token, _permit: permit });
        Ok(())
    }

    /// Notes what an event says about the input.
    fn note(&mut self, readiness: Readiness) {
        self.input = match readiness {
            Readiness::Open if self.input == SocketInput::Ended => SocketInput::Ended,
            Readiness::Open => SocketInput::Unknown,
            Readiness::Ended => SocketInput::Ended,
        };
    }

    /// Reads what there is. None if there is nothing yet.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some((_, bytes)) = self.returned.pop_first() {
            return Ok(Some(bytes));
        }
        let Some(ConnectionSocket { stream, .. }) = &mut self.socket else {
            return Ok(Some(Vec::new()));
        };
        if self.input == SocketInput::Drained {
            return Ok(None);
        }
        let mut buffer = [0; TAKE_LIMIT];
        let count = would_block_as_none(|| stream.read(&mut buffer))?;
        // A read that does not fill the buffer has taken all bytes. If the input has ended as well,
        // the event says so: it comes before the read, or follows.
        if self.input == SocketInput::Unknown && count.is_none_or(|count| count < TAKE_LIMIT) {
            self.input = SocketInput::Drained;
        }
        Ok(count.map(|count| buffer[..count].to_vec()))
    }

    /// Writes the bytes that the socket has room for. None if it has no room.
    fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let Some(ConnectionSocket { stream, .. }) = &mut self.socket else {
            return Err(ErrorKind::NotConnected.into());
        };
        would_block_as_none(|| stream.write(bytes))
    }
}

/// Calls `operation` until it is not interrupted. None if it would block.
fn would_block_as_none(
    mut operation: impl FnMut() -> io::Result<usize>,
) -> io::Result<Option<usize>> {
    loop {
        match operation() {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The answer to a `give` that has sent this many bytes.
fn count_answer(count: usize) -> DeviceAnswer {
    DeviceAnswer::just(count as u64)
}
