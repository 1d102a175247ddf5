//! `%udp`: datagrams. The prototype has no such device; the calls are like those of `%tcp`.
//!
//! ```text
//! [%udp %open ip port]           (0 handle): a socket with this address; 0, if it cannot have it.
//!                                Port 0 stands for any free port
//! [%udp %mine handle]            the port of the socket; 0, if the handle names none
//! [%udp %take handle]            [ip port bytes]: the next datagram and its sender; 0, if the
//!                                handle names no socket
//! [%udp %give handle ip port b]  (0 n): a datagram with the n bytes of the bar b is on its way; 0,
//!                                if it cannot be sent, for example because it is too long
//! [%udp %shut handle]            0; the socket is closed
//! ```
//!
//! Addresses are those of `%tcp`. A datagram that answers a `take` whose driver did not get the answer
//! answers the next one. The handles of `%udp` and of `%tcp` are numbered separately.
//!
//! Back-pressure: the system's buffer of a socket keeps what drivers have not taken, and drops what
//! does not fit. A `give` that waits keeps its datagram, of at most 64 KiB.

use super::handles::HandleTable;
use super::reactor::{ReactorHandle, ReactorThread, Readiness, ReadinessHandler};
use super::take_queue::TakeQueue;
use super::{CallerId, CancelCall, Device, DeviceAnswer, DeviceReply, address};
use mio::Token;
use mio::net::UdpSocket;
use parking_lot::Mutex;
use plan::Ref;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// The longest datagram of UDP over IPv6: 65,535 bytes less the header of UDP. The system refuses
/// one over IPv4 that is longer than 65,507 bytes.
const LONGEST_DATAGRAM: usize = 65_527;

/// The device of datagrams.
pub(crate) struct UdpDevice {
    sockets: Arc<Sockets>,
    next_number: AtomicU64,
    _reactor: Arc<ReactorThread>,
}

/// The sockets of a machine.
struct Sockets {
    /// Watches the sockets that no thread with a reactor of its own asks for.
    reactor: ReactorHandle,
    table: HandleTable<DatagramSocket>,
}

struct DatagramSocket {
    port: u16,
    io: Mutex<DatagramIo>,
}

#[derive(Default)]
struct DatagramIo {
    /// None when the socket is closed.
    socket: Option<WatchedSocket>,
    takes: TakeQueue,
    /// Waiting calls, by number.
    gives: BTreeMap<u64, (DeviceReply, SocketAddr, Box<[u8]>)>,
}

/// A socket, and the reactor that watches it.
struct WatchedSocket {
    socket: UdpSocket,
    reactor: ReactorHandle,
    token: Token,
}

/// A call of `%udp`.
enum UdpRequest<'h> {
    Open(SocketAddr),
    Mine { handle: u64 },
    Take { handle: u64 },
    Give { handle: u64, to: SocketAddr, bytes: &'h [u8] },
    Shut { handle: u64 },
}

impl<'h> UdpRequest<'h> {
    /// The call with these arguments; None if it is malformed.
    fn parse(args: &[Ref<'h>]) -> Option<UdpRequest<'h>> {
        let name = args.first()?.as_nat()?.bytes();
        match (name.as_slice(), &args[1..]) {
            (b"open", [ip, port]) => Some(UdpRequest::Open(address::parse(*ip, *port)?)),
            (b"mine", [handle]) => Some(UdpRequest::Mine { handle: address::handle(*handle)? }),
            (b"take", [handle]) => Some(UdpRequest::Take { handle: address::handle(*handle)? }),
            (b"give", [handle, ip, port, bytes]) => {
                let (handle, to) = (address::handle(*handle)?, address::parse(*ip, *port)?);
                Some(UdpRequest::Give { handle, to, bytes: bytes.as_bar()? })
            }
            (b"shut", [handle]) => Some(UdpRequest::Shut { handle: address::handle(*handle)? }),
            _ => None,
        }
    }
}

impl UdpDevice {
    /// Creates the device.
    pub(crate) fn new(reactor: &Arc<ReactorThread>) -> UdpDevice {
        let sockets = Sockets { reactor: reactor.handle(), table: HandleTable::default() };
        let next_number = AtomicU64::new(0);
        UdpDevice { sockets: Arc::new(sockets), next_number, _reactor: Arc::clone(reactor) }
    }

    fn take(&self, caller: CallerId, handle: u64, reply: DeviceReply) -> Option<CancelCall> {
        let Some(socket) = self.sockets.table.find(handle, caller) else {
            reply.send(DeviceAnswer::ZERO);
            return None;
        };
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let io = &mut *socket.io.lock();
        let receipt = io.takes.add(number, reply);
        io.answer_takes();
        let socket = Arc::clone(&socket);
        Some(Box::new(move || socket.io.lock().takes.cancel(number, &receipt)))
    }

    fn give(
        &self,
        caller: CallerId,
        (handle, to, bytes): (u64, SocketAddr, &[u8]),
        reply: DeviceReply,
    ) -> Option<CancelCall> {
        let socket = self.sockets.table.find(handle, caller);
        let Some(socket) = socket.filter(|_| bytes.len() <= LONGEST_DATAGRAM) else {
            reply.send(DeviceAnswer::ZERO);
            return None;
        };
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let io = &mut *socket.io.lock();
        io.gives.insert(number, (reply, to, bytes.into()));
        io.answer_gives();
        let waiting = Arc::clone(&socket);
        io.gives
            .contains_key(&number)
            .then(|| Box::new(move || drop(waiting.io.lock().gives.remove(&number))) as CancelCall)
    }
}

impl Device for UdpDevice {
    fn name(&self) -> &'static str {
        "udp"
    }

    fn call(&self, caller: CallerId, args: &[Ref<'_>], reply: DeviceReply) -> Option<CancelCall> {
        match UdpRequest::parse(args) {
            Some(UdpRequest::Open(address)) => {
                return Sockets::open(&self.sockets, caller, address, reply);
            }
            Some(UdpRequest::Mine { handle }) => {
                let socket = self.sockets.table.find(handle, caller);
                reply.send(socket.map_or(0, |socket| u64::from(socket.port)).into());
            }
            Some(UdpRequest::Take { handle }) => return self.take(caller, handle, reply),
            Some(UdpRequest::Give { handle, to, bytes }) => {
                return self.give(caller, (handle, to, bytes), reply);
            }
            Some(UdpRequest::Shut { handle }) => {
                if let Some(socket) = self.sockets.table.remove(handle) {
                    socket.close();
                }
                reply.send(DeviceAnswer::ZERO);
            }
            None => reply.send(DeviceAnswer::ZERO),
        }
        None
    }

    fn release(&self, caller: CallerId) {
        for socket in self.sockets.table.release(caller) {
            socket.close();
        }
    }
}

impl Drop for UdpDevice {
    fn drop(&mut self) {
        for socket in self.sockets.table.clear() {
            socket.close();
        }
    }
}

impl Sockets {
    fn open(
        sockets: &Arc<Sockets>,
        caller: CallerId,
        address: SocketAddr,
        reply: DeviceReply,
    ) -> Option<CancelCall> {
        let Ok(handle) = sockets.bind(caller, address) else {
            reply.send(DeviceAnswer::ZERO);
            return None;
        };
        reply.send(DeviceAnswer::just(handle));
        // If the call is cancelled, its driver has not learned the handle.
        let sockets = Arc::clone(sockets);
        Some(Box::new(move || {
            if let Some(socket) = sockets.table.remove(handle) {
                socket.close();
            }
        }))
    }

    fn bind(&self, caller: CallerId, address: SocketAddr) -> io::Result<u64> {
        let mut bound = UdpSocket::bind(address)?;
        let port = bound.local_addr()?.port();
        let socket = Arc::new(DatagramSocket { port, io: Mutex::default() });
        let handler: Weak<DatagramSocket> = Arc::downgrade(&socket);
        let reactor = self.reactor.of_current_thread();
        let token = reactor.register(&mut bound, handler)?;
        socket.io.lock().socket = Some(WatchedSocket { socket: bound, reactor, token });
        Ok(self.table.insert(socket, caller))
    }
}

impl DatagramSocket {
    /// Closes the socket, and answers the calls that wait.
    fn close(&self) {
        let io = &mut *self.io.lock();
        if let Some(mut watched) = io.socket.take() {
            watched.reactor.deregister(&mut watched.socket, watched.token);
        }
        io.answer_takes();
        io.answer_gives();
    }
}

impl ReadinessHandler for DatagramSocket {
    fn ready(self: Arc<Self>, _: Readiness) {
        let io = &mut *self.io.lock();
        io.answer_takes();
        io.answer_gives();
    }
}

impl DatagramIo {
    /// Answers the waiting `take`s while datagrams arrive, or all of them if the socket is closed.
    fn answer_takes(&mut self) {
        if self.takes.is_empty() {
            return;
        }
        let Some(WatchedSocket { socket, .. }) = &self.socket else {
            return self.takes.end(&DeviceAnswer::ZERO);
        };
        let mut buffer = vec![0; LONGEST_DATAGRAM];
        while !self.takes.is_empty() {
            match socket.recv_from(&mut buffer) {
                Ok((count, from)) => {
                    let [ip, port] = address::answer(from);
                    let bytes = DeviceAnswer::Bytes(buffer[..count].to_vec());
                    // A call waits, so the answer does not come back.
                    let _ = self.takes.answer(DeviceAnswer::Row(vec![ip, port, bytes]));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // An error that an earlier datagram caused, which the system reports once.
                Err(_) => {}
            }
        }
    }

    /// Answers the waiting `give`s while the socket has room, or all of them if it is closed.
    fn answer_gives(&mut self) {
        while let Some((number, (reply, to, bytes))) = self.gives.pop_first() {
            let sent = match &self.socket {
                Some(watched) => watched.socket.send_to(&bytes, to),
                None => Err(ErrorKind::NotConnected.into()),
            };
            match sent {
                Ok(count) => reply.send(DeviceAnswer::just(count as u64)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.gives.insert(number, (reply, to, bytes));
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    self.gives.insert(number, (reply, to, bytes));
                }
                Err(_) => reply.send(DeviceAnswer::ZERO),
            }
        }
    }
}

#[cfg(test)]
mod tests;
