//! The device with real sockets on 127.0.0.1.

use super::*;
use crate::device::tests::{CallArg, FIRST, LOCALHOST, SECOND, TestCall, TestCaller, bytes};

/// The longest datagram of UDP over IPv4.
const LONGEST: usize = 65_507;

struct TestDevice {
    device: UdpDevice,
    caller: TestCaller,
}

impl TestDevice {
    fn new() -> TestDevice {
        let reactor = Arc::new(ReactorThread::start().expect("a reactor"));
        TestDevice { device: UdpDevice::new(&reactor), caller: TestCaller::new() }
    }

    fn begin(&self, args: &[CallArg]) -> TestCall {
        self.caller.call(&self.device, FIRST, args)
    }

    fn call(&self, args: &[CallArg]) -> DeviceAnswer {
        self.begin(args).answer()
    }

    /// Opens a socket, and returns its port.
    fn opened(&self, handle: u64) -> u64 {
        let open = [CallArg::Text("open"), CallArg::Nat(LOCALHOST), CallArg::Nat(0)];
        assert_eq!(self.call(&open), DeviceAnswer::just(handle));
        let DeviceAnswer::Nat(port) = self.call(&[CallArg::Text("mine"), CallArg::Nat(handle)])
        else {
            panic!("no port")
        };
        u64::try_from(&port).expect("a port")
    }

    fn give(&self, handle: u64, port: u64, bytes: &[u8]) -> DeviceAnswer {
        let to = [CallArg::Nat(LOCALHOST), CallArg::Nat(port)];
        let [ip, port] = to;
        self.call(&[
            CallArg::Text("give"),
            CallArg::Nat(handle),
            ip,
            port,
            CallArg::Bar(bytes.into()),
        ])
    }
}

fn take(handle: u64) -> [CallArg; 2] {
    [CallArg::Text("take"), CallArg::Nat(handle)]
}

fn datagram(port: u64, content: &[u8]) -> DeviceAnswer {
    DeviceAnswer::Row(vec![LOCALHOST.into(), port.into(), bytes(content)])
}

#[test]
fn datagrams_go_from_socket_to_socket() {
    let device = TestDevice::new();
    let (first, second) = (device.opened(0), device.opened(1));
    let waiting = device.begin(&take(1));
    assert_eq!(device.give(0, second, b"one"), DeviceAnswer::just(3));
    assert_eq!(waiting.answer(), datagram(first, b"one"));
    assert_eq!(device.give(0, second, b""), DeviceAnswer::just(0));
    assert_eq!(device.give(0, second, &[5; LONGEST]), DeviceAnswer::just(65_507));
    assert_eq!(device.call(&take(1)), datagram(first, b""));
    assert_eq!(device.call(&take(1)), datagram(first, &[5; LONGEST]));
    assert_eq!(device.give(0, second, &[5; LONGEST + 1]), DeviceAnswer::ZERO);
}

#[test]
fn a_datagram_whose_take_is_cancelled_answers_the_next() {
    let device = TestDevice::new();
    let (first, second) = (device.opened(0), device.opened(1));
    for content in [b"1", b"2", b"3"] {
        assert_eq!(device.give(0, second, content), DeviceAnswer::just(1));
    }
    let answered = [device.begin(&take(1)), device.begin(&take(1))];
    assert_eq!(answered[1].answer(), datagram(first, b"2"));
    let waiting = device.begin(&take(1));
    assert_eq!(waiting.answer(), datagram(first, b"3"));
    let [one, two] = answered;
    two.cancel();
    one.cancel();
    assert_eq!(device.call(&take(1)), datagram(first, b"1"));
    assert_eq!(device.call(&take(1)), datagram(first, b"2"));
    // One that goes back while another call waits answers it.
    let later = device.begin(&take(1));
    waiting.cancel();
    assert_eq!(later.answer(), datagram(first, b"3"));
    device.call(&[CallArg::Text("shut"), CallArg::Nat(1)]);
    later.cancel();
    assert_eq!(device.call(&take(1)), DeviceAnswer::ZERO);
}

/// A socket of IPv6, and one of IPv4 that cannot reach it.
#[test]
fn datagrams_are_sent_by_ipv6() {
    let device = TestDevice::new();
    // The nat of `::1`, as a text.
    let ip = || CallArg::Text("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u{1}");
    let open = [CallArg::Text("open"), ip(), CallArg::Nat(0)];
    // A system without IPv6 has no such address.
    if device.call(&open) == DeviceAnswer::ZERO {
        return;
    }
    let DeviceAnswer::Nat(port) = device.call(&[CallArg::Text("mine"), CallArg::Nat(0)]) else {
        panic!("no port")
    };
    let port = u64::try_from(&port).expect("a port");
    let give = |handle| {
        let handle = CallArg::Nat(handle);
        [CallArg::Text("give"), handle, ip(), CallArg::Nat(port), CallArg::Bar(b"hello".into())]
    };
    assert_eq!(device.call(&give(0)), DeviceAnswer::just(5));
    let address = DeviceAnswer::Nat(plan::Natural::from(1_u128 << 120));
    let expected = DeviceAnswer::Row(vec![address, port.into(), bytes(b"hello")]);
    assert_eq!(device.call(&take(0)), expected);
    device.opened(1);
    assert_eq!(device.call(&give(1)), DeviceAnswer::ZERO);
}

#[test]
fn a_closed_socket_answers_0() {
    let device = TestDevice::new();
    let port = device.opened(0);
    let (waiting, cancelled) = (device.begin(&take(0)), device.begin(&take(0)));
    let answers = cancelled.answers.clone();
    cancelled.cancel();
    assert!(answers.recv().is_err(), "the reply is dropped");
    for _ in 0..2 {
        assert_eq!(device.call(&[CallArg::Text("shut"), CallArg::Nat(0)]), DeviceAnswer::ZERO);
    }
    assert_eq!(waiting.answer(), DeviceAnswer::ZERO);
    assert_eq!(device.call(&take(0)), DeviceAnswer::ZERO);
    assert_eq!(device.call(&[CallArg::Text("mine"), CallArg::Nat(0)]), DeviceAnswer::ZERO);
    assert_eq!(device.give(0, port, b"x"), DeviceAnswer::ZERO);
    assert_eq!(device.call(&[CallArg::Text("open")]), DeviceAnswer::ZERO);
    assert_eq!(device.call(&[]), DeviceAnswer::ZERO);
}

#[test]
fn sockets_are_closed_when_their_last_driver_ends() {
    let device = TestDevice::new();
    device.opened(0);
    let waiting = device.caller.call(&device.device, SECOND, &take(0));
    device.device.release(FIRST);
    assert!(waiting.answers.is_empty());
    device.device.release(SECOND);
    assert_eq!(waiting.answer(), DeviceAnswer::ZERO);
}
