//! The device with real sockets on 127.0.0.1. Calls are made as drivers make them; nothing waits for
//! a time.

use super::*;
use crate::console::ConsoleNotice;
use crate::device::tests::{
    CallArg, FIRST, LOCALHOST, Notices, SECOND, TestCall, TestCaller, bytes,
};
use rustix::process::{Resource, Rlimit};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;

/// A device, and what it reports.
struct TestDevice {
    device: TcpDevice,
    notices: Arc<Notices>,
    caller: TestCaller,
}

impl TestDevice {
    fn new() -> TestDevice {
        TestDevice::with(&NetworkSettings::default()).expect("a free port")
    }

    fn with(settings: &NetworkSettings) -> Result<TestDevice, ListenError> {
        let notices = Arc::<Notices>::default();
        let reactor = Arc::new(ReactorThread::start().expect("a reactor"));
        let console: Arc<dyn Console> = Arc::clone(&notices) as _;
        let device = TcpDevice::start(settings, &reactor, console)?;
        Ok(TestDevice { device, notices, caller: TestCaller::new() })
    }

    fn begin_as(&self, caller: CallerId, args: &[CallArg]) -> TestCall {
        self.caller.call(&self.device, caller, args)
    }

    fn begin(&self, args: &[CallArg]) -> TestCall {
        self.begin_as(FIRST, args)
    }

    fn call(&self, args: &[CallArg]) -> DeviceAnswer {
        self.begin(args).answer()
    }

    fn port(&self) -> u16 {
        let DeviceAnswer::Nat(port) = self.call(&[CallArg::Text("mine")]) else {
            panic!("no port")
        };
        u16::try_from(&port).expect("a port")
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).expect("the device listens")
    }

    /// A client, and the handle of the device's end of the connection.
    fn accepted_as(&self, caller: CallerId) -> (TcpStream, u64) {
        let client = self.connect();
        let heard = self.begin_as(caller, &[CallArg::Text("hear")]).answer();
        let DeviceAnswer::Row(parts) = heard else { panic!("{heard:?}") };
        let port = client.local_addr().expect("an address").port();
        assert_eq!(parts[1..], [LOCALHOST.into(), u64::from(port).into()]);
        let DeviceAnswer::Nat(handle) = &parts[0] else { panic!("{parts:?}") };
        (client, u64::try_from(handle).expect("a handle"))
    }

    fn accepted(&self) -> (TcpStream, u64) {
        self.accepted_as(FIRST)
    }

    fn take(&self, handle: u64) -> DeviceAnswer {
        self.call(&take(handle))
    }
}

fn take(handle: u64) -> [CallArg; 2] {
    [CallArg::Text("take"), CallArg::Nat(handle)]
}

fn give(handle: u64, bytes: &[u8]) -> [CallArg; 3] {
    [CallArg::Text("give"), CallArg::Nat(handle), CallArg::Bar(bytes.into())]
}

fn shut(handle: u64) -> [CallArg; 2] {
    [CallArg::Text("shut"), CallArg::Nat(handle)]
}

fn open(port: u16) -> [CallArg; 3] {
    [CallArg::Text("open"), CallArg::Nat(LOCALHOST), CallArg::Nat(port.into())]
}

/// Everything that the client can read.
fn read_all(client: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    client.read_to_end(&mut read).expect("it can be read");
    read
}

#[test]
fn a_client_and_a_driver_exchange_bytes() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    assert_eq!(handle, 0);
    client.write_all(b"hello").expect("sent");
    assert_eq!(device.take(handle), bytes(b"hello"));
    assert_eq!(device.call(&give(handle, b"")), DeviceAnswer::just(0));
    assert_eq!(device.call(&give(handle, b"world")), DeviceAnswer::just(5));
    assert_eq!(device.call(&shut(handle)), DeviceAnswer::ZERO);
    assert_eq!(read_all(&mut client), b"world");
    assert_eq!(device.accepted().1, 1);
}

#[test]
fn hear_says_that_it_has_no_answer_if_the_device_does_not_listen() {
    let device = TestDevice::new();
    device.device.listeners.close();
    assert_eq!(device.port(), 0);
    let heard = device.begin(&[CallArg::Text("hear")]);
    assert!(heard.answers.recv().is_err(), "the reply is gone");
}

#[test]
fn a_driver_opens_a_connection_to_a_server() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = server.local_addr().expect("an address").port();
    let device = TestDevice::new();
    assert_eq!(device.call(&open(port)), DeviceAnswer::just(0));
    let (mut client, _) = server.accept().expect("the connection");
    assert_eq!(device.call(&give(0, b"request")), DeviceAnswer::just(7));
    let mut request = [0; 7];
    client.read_exact(&mut request).expect("the request");
    client.write_all(&request).expect("sent");
    assert_eq!(device.take(0), bytes(b"request"));
    drop(server);
    assert_eq!(device.call(&open(port)), DeviceAnswer::ZERO, "no server listens any more");
}

#[test]
fn an_answer_to_take_has_at_most_4096_bytes_and_none_at_the_end() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    let sent: Vec<u8> = (0..10_000_u32).map(|number| number as u8).collect();
    client.write_all(&sent).expect("sent");
    client.shutdown(Shutdown::Write).expect("ended");
    let mut taken = Vec::new();
    loop {
        let DeviceAnswer::Bytes(part) = device.take(handle) else { panic!("no bytes") };
        assert!(part.len() <= 4096);
        if part.is_empty() {
            break;
        }
        taken.extend(part);
    }
    assert_eq!(taken, sent);
    // The end of the input has closed the connection.
    assert_eq!(device.take(handle), bytes(b""));
    assert_eq!(device.call(&give(handle, b"late")), DeviceAnswer::ZERO);
    assert_eq!(device.call(&shut(handle)), DeviceAnswer::ZERO);
    assert_eq!(read_all(&mut client), b"");
}

#[test]
fn bytes_and_the_end_of_the_input_are_found_after_a_socket_was_drained() {
    let device = TestDevice::new();
    for _ in 0..100 {
        let (mut client, handle) = device.accepted();
        client.write_all(b"a").expect("the device listens");
        assert_eq!(device.take(handle), bytes(b"a"));
        let waiting = device.begin(&take(handle));
        client.write_all(b"b").expect("the device listens");
        client.shutdown(Shutdown::Write).expect("it is open");
        assert_eq!(waiting.answer(), bytes(b"b"));
        assert_eq!(device.take(handle), bytes(b""));
    }
}

#[test]
fn waiting_takes_are_answered_in_order_and_by_shut() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    let takes: Vec<TestCall> = (0..4).map(|_| device.begin(&take(handle))).collect();
    for (call, byte) in takes.iter().zip(0..3) {
        client.write_all(&[byte]).expect("sent");
        assert_eq!(call.answer(), bytes(&[byte]));
    }
    assert_eq!(device.call(&shut(handle)), DeviceAnswer::ZERO);
    assert_eq!(takes[3].answer(), bytes(b""));
    assert_eq!(device.call(&shut(handle)), DeviceAnswer::ZERO, "a second time");
}

#[test]
fn a_cancelled_take_leaves_the_bytes_to_the_next() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    let cancelled = device.begin(&take(handle));
    let answers = cancelled.answers.clone();
    cancelled.cancel();
    assert!(answers.recv().is_err(), "the reply is dropped");
    client.write_all(b"x").expect("sent");
    assert_eq!(device.take(handle), bytes(b"x"));
}

#[test]
fn bytes_of_a_take_that_is_cancelled_after_its_answer_go_to_the_next() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    let takes: Vec<TestCall> = (0..3).map(|_| device.begin(&take(handle))).collect();
    for (call, byte) in takes.iter().zip(0..3) {
        client.write_all(&[byte]).expect("sent");
        assert_eq!(call.answer(), bytes(&[byte]));
    }
    client.write_all(&[3]).expect("sent");
    // The second driver got its answer; the others never do.
    let [first, _second, third]: [TestCall; 3] = takes.try_into().ok().expect("three calls");
    third.cancel();
    first.cancel();
    for byte in [0, 2, 3] {
        assert_eq!(device.take(handle), bytes(&[byte]));
    }
    // A call that is answered at once, and one that waits for the bytes that come back.
    client.write_all(b"x").expect("sent");
    let answered = device.begin(&take(handle));
    assert_eq!(answered.answer(), bytes(b"x"));
    let waiting = device.begin(&take(handle));
    answered.cancel();
    assert_eq!(waiting.answer(), bytes(b"x"));
    // The bytes of a connection that is closed are gone.
    assert_eq!(device.call(&shut(handle)), DeviceAnswer::ZERO);
    waiting.cancel();
    assert_eq!(device.take(handle), bytes(b""));
}

/// Gives as much as the system takes, until a call waits. Returns the bytes given and that call.
fn fill(device: &TestDevice, handle: u64) -> (u64, TestCall) {
    let mut given = 0;
    loop {
        let call = device.begin(&give(handle, &[7; 1 << 20]));
        match call.answers.try_recv() {
            Ok(DeviceAnswer::Just(count)) => {
                let DeviceAnswer::Nat(count) = *count else { panic!("no count") };
                given += u64::try_from(&count).expect("a count");
            }
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return (given, call),
        }
    }
}

#[test]
fn a_give_to_a_slow_reader_waits_and_is_then_partial() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    let (given, waiting) = fill(&device, handle);
    assert!(given > 0);
    let reader = std::thread::spawn(move || read_all(&mut client).len() as u64);
    let DeviceAnswer::Just(count) = waiting.answer() else { panic!("closed") };
    let DeviceAnswer::Nat(count) = *count else { panic!("no count") };
    let count = u64::try_from(&count).expect("a count");
    assert!((1..=1 << 16).contains(&count), "no more than a waiting call keeps");
    assert_eq!(device.call(&shut(handle)), DeviceAnswer::ZERO);
    assert_eq!(reader.join().expect("read"), given + count);
}

#[test]
fn a_give_that_waits_ends_with_the_connection() {
    let device = TestDevice::new();
    let (client, handle) = device.accepted();
    let (_, mut waiting) = fill(&device, handle);
    drop(client);
    // The system may have taken more bytes before it noticed.
    while waiting.answer() != DeviceAnswer::ZERO {
        waiting = device.begin(&give(handle, b"x"));
    }
    assert_eq!(device.take(handle), bytes(b""));
}

#[test]
fn the_end_of_the_input_leaves_a_waiting_give_its_time() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    let (given, waiting) = fill(&device, handle);
    client.shutdown(Shutdown::Write).expect("ended");
    assert_eq!(device.take(handle), bytes(b""));
    assert_eq!(device.call(&give(handle, b"late")), DeviceAnswer::ZERO);
    let read = read_all(&mut client).len() as u64;
    let DeviceAnswer::Just(count) = waiting.answer() else { panic!("closed") };
    assert_eq!(*count, (read - given).into());
}

#[test]
fn connections_are_closed_when_their_last_driver_ends() {
    let device = TestDevice::new();
    let (mut own, _) = device.accepted();
    let (mut shared, handle) = device.accepted();
    let waiting = device.begin_as(SECOND, &take(handle));
    device.device.release(FIRST);
    assert_eq!(read_all(&mut own), b"");
    shared.write_all(b"still open").expect("sent");
    assert_eq!(waiting.answer(), bytes(b"still open"));
    device.device.release(SECOND);
    assert_eq!(read_all(&mut shared), b"");
    assert_eq!(device.take(handle), bytes(b""));
}

#[test]
fn a_connection_whose_driver_never_learns_its_handle_is_closed() {
    let device = TestDevice::new();
    let mut client = device.connect();
    let heard = device.begin(&[CallArg::Text("hear")]);
    heard.answer();
    heard.cancel();
    assert_eq!(read_all(&mut client), b"");
    // The same for a connection to a server.
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let opened = device.begin(&open(server.local_addr().expect("an address").port()));
    opened.answer();
    opened.cancel();
    assert_eq!(read_all(&mut server.accept().expect("the connection").0), b"");
}

#[test]
fn a_cancelled_hear_takes_no_connection() {
    let device = TestDevice::new();
    device.port();
    device.begin(&[CallArg::Text("hear")]).cancel();
    let (mut client, handle) = device.accepted();
    assert_eq!(handle, 0);
    client.write_all(b"x").expect("sent");
    assert_eq!(device.take(handle), bytes(b"x"));
}

#[test]
fn a_thousand_idle_connections_and_one_that_talks() {
    const IDLE: u64 = 1000;
    let limit = rustix::process::getrlimit(Resource::Nofile);
    // Each connection has two ends in this process.
    let wanted = Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(Resource::Nofile, wanted).expect("below the maximum");
    let device = TestDevice::new();
    let hears: Vec<TestCall> = (0..IDLE).map(|_| device.begin(&[CallArg::Text("hear")])).collect();
    let clients: Vec<TcpStream> = (0..IDLE).map(|_| device.connect()).collect();
    hears.iter().for_each(|call| assert!(matches!(call.answer(), DeviceAnswer::Row(_))));
    let takes: Vec<TestCall> = (0..IDLE).map(|handle| device.begin(&take(handle))).collect();
    let (mut client, handle) = device.accepted();
    for round in 0..100 {
        client.write_all(&[round]).expect("sent");
        assert_eq!(device.take(handle), bytes(&[round]));
    }
    drop(clients);
    takes.iter().for_each(|call| assert_eq!(call.answer(), bytes(b"")));
}

#[test]
fn clients_wait_while_there_are_as_many_connections_as_allowed() {
    let settings = NetworkSettings { max_connections: Some(2), ..Default::default() };
    let device = TestDevice::with(&settings).expect("a free port");
    let (_first, first) = device.accepted();
    let (mut second, _) = device.accepted();
    let hear = device.begin(&[CallArg::Text("hear")]);
    // The listener is the first notice. No client waits yet.
    assert_eq!(device.notices.0.lock().len(), 1);
    let mut clients = [device.connect(), device.connect()];
    // The call tries to accept a connection on this thread.
    let next = device.begin(&[CallArg::Text("hear")]);
    // Neither is a connection to a server possible.
    assert_eq!(device.call(&open(device.port())), DeviceAnswer::ZERO);
    second.write_all(b"x").expect("sent");
    assert_eq!(device.take(1), bytes(b"x"));
    assert!(hear.answers.try_recv().is_err());
    assert_eq!(device.call(&shut(first)), DeviceAnswer::ZERO);
    let DeviceAnswer::Row(heard) = hear.answer() else { panic!("no row") };
    assert_eq!(heard[0], 2_u64.into());
    assert!(next.answers.try_recv().is_err());
    clients[0].write_all(b"y").expect("sent");
    assert_eq!(device.take(2), bytes(b"y"));
    let [ConsoleNotice::Listening(_), ConsoleNotice::NotAccepting(problem)] =
        &device.notices.0.lock().clone()[..]
    else {
        panic!("one notice")
    };
    assert!(problem.starts_with("2 are open, which is the limit"), "{problem}");
}

#[test]
fn malformed_calls_are_answered_0() {
    let device = TestDevice::new();
    let (_client, handle) = device.accepted();
    let (text, nat, bar) = (CallArg::Text, CallArg::Nat, || CallArg::Bar(b"x".into()));
    for args in [
        vec![],
        vec![CallArg::Row(vec![])],
        vec![text("nonsense")],
        vec![text("mine"), nat(0)],
        vec![text("hear"), nat(0)],
        vec![text("take")],
        vec![text("take"), bar()],
        vec![text("give"), nat(handle)],
        vec![text("give"), nat(handle), nat(5)],
        vec![text("give"), bar(), bar()],
        vec![text("shut"), CallArg::Row(vec![])],
        vec![text("open"), nat(LOCALHOST), nat(1 << 16)],
        vec![text("open"), nat(1 << 32), nat(80)],
        vec![text("open"), nat(LOCALHOST)],
    ] {
        assert_eq!(device.call(&args), DeviceAnswer::ZERO, "{args:?}");
    }
    // Handles that name nothing.
    assert_eq!(device.take(u64::MAX), bytes(b""));
    assert_eq!(device.take(99), bytes(b""));
    assert_eq!(device.call(&give(99, b"x")), DeviceAnswer::ZERO);
    assert_eq!(device.call(&shut(99)), DeviceAnswer::ZERO);
}

#[test]
fn random_calls_are_survived() {
    let device = TestDevice::new();
    let mut random = fastrand::Rng::with_seed(15);
    let names = ["mine", "hear", "take", "give", "shut", "wait", ""];
    let mut arg = move || match random.u8(..6) {
        0 => CallArg::Nat(random.u64(..4)),
        1 => CallArg::Nat(random.u64(..)),
        2 => CallArg::Bar((0..random.usize(..9)).map(|_| random.u8(..)).collect()),
        3 => CallArg::Row(vec![CallArg::Nat(random.u64(..3))]),
        _ => CallArg::Text(names[random.usize(..names.len())]),
    };
    let mut calls = Vec::new();
    for round in 0..5_000 {
        let args: Vec<CallArg> = (0..round % 5).map(|_| arg()).collect();
        calls.push(device.begin(&args));
        if round % 7 == 0 {
            calls.swap_remove(round % calls.len()).cancel();
        }
    }
    device.device.release(FIRST);
}

#[test]
fn the_port_is_kept_for_the_next_start() {
    let folder = tempfile::tempdir().expect("a directory");
    let port_file = Some(folder.path().join("tcp.port"));
    let settings = NetworkSettings { port_file: port_file.clone(), ..Default::default() };
    let start = || TestDevice::with(&settings).expect("a free port");
    let read = |path: &Option<PathBuf>| {
        std::fs::read_to_string(path.as_ref().expect("a path")).expect("the port file")
    };
    let first = start();
    let port = first.port();
    assert_eq!(read(&port_file), format!("{port}\n"));
    drop(first);
    let second = start();
    assert_eq!(second.port(), port);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert_eq!(*second.notices.0.lock(), [ConsoleNotice::Listening(address)]);
    // A second machine finds the port in use.
    let third = start();
    assert_ne!(third.port(), port);
    assert_eq!(third.notices.0.lock()[0], ConsoleNotice::PortInUse(port));
    assert_eq!(read(&port_file), format!("{}\n", third.port()));
    std::fs::write(port_file.as_ref().expect("a path"), "nonsense").expect("written");
    assert_ne!(start().port(), 0);
}

#[test]
fn listeners_of_the_settings_are_open_from_the_start_on() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = NetworkSettings { listen: vec![address, address], ..Default::default() };
    let device = TestDevice::with(&settings).expect("free ports");
    let notices = device.notices.0.lock().clone();
    let [ConsoleNotice::Listening(first), ConsoleNotice::Listening(second)] = notices[..] else {
        panic!("{notices:?}")
    };
    assert_eq!(device.port(), first.port());
    // Connections come from both.
    let _clients = [second, first].map(|at| TcpStream::connect(at).expect("it listens"));
    for handle in 0..2_u64 {
        let DeviceAnswer::Row(heard) = device.call(&[CallArg::Text("hear")]) else {
            panic!("no row")
        };
        assert_eq!(heard[0], handle.into());
    }
    let taken = TestDevice::with(&NetworkSettings { listen: vec![first], ..Default::default() });
    let error = taken.err().expect("the address is in use").to_string();
    assert!(error.starts_with(&format!("cannot listen on {first}: ")), "{error}");
}

/// The nat of `::1`, as a text.
const LOCALHOST_6: CallArg = CallArg::Text("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u{1}");

/// A listener of IPv6, and a connection to it.
#[test]
fn connections_are_made_by_ipv6() {
    // A system without IPv6 has no such address.
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return;
    }
    let listen = vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let settings = NetworkSettings { listen, ..Default::default() };
    let device = TestDevice::with(&settings).expect("a free port");
    let port = device.port();
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    assert_eq!(*device.notices.0.lock(), [ConsoleNotice::Listening(address)]);
    let call = [CallArg::Text("open"), LOCALHOST_6, CallArg::Nat(port.into())];
    let opened = device.begin(&call);
    let DeviceAnswer::Row(heard) = device.call(&[CallArg::Text("hear")]) else { panic!("no row") };
    let DeviceAnswer::Just(opened) = opened.answer() else { panic!("not connected") };
    let handles = [&heard[0], &*opened].map(|handle| match handle {
        DeviceAnswer::Nat(handle) => u64::try_from(handle).expect("a handle"),
        other => panic!("{other:?}"),
    });
    assert_eq!(heard[1], DeviceAnswer::Nat(plan::Natural::from(1_u128 << 120)));
    assert_eq!(device.call(&give(handles[0], b"hello")), DeviceAnswer::just(5));
    assert_eq!(device.take(handles[1]), bytes(b"hello"));
}

/// A listener on all addresses has clients of both kinds.
#[test]
fn a_client_of_ipv4_at_a_listener_of_ipv6_has_its_own_address() {
    let listen = vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))];
    let settings = NetworkSettings { listen, ..Default::default() };
    // A system without IPv6 has no such address.
    let Ok(device) = TestDevice::with(&settings) else { return };
    let (_client, handle) = device.accepted();
    assert_eq!(handle, 0);
}

#[test]
fn a_device_that_is_dropped_closes_everything() {
    let device = TestDevice::new();
    let (mut client, handle) = device.accepted();
    let (take, hear) = (device.begin(&take(handle)), device.begin(&[CallArg::Text("hear")]));
    let port = device.port();
    drop(device);
    assert_eq!(read_all(&mut client), b"");
    assert_eq!(take.answer(), bytes(b""));
    assert!(hear.answers.recv().is_err());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}
