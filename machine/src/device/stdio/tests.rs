//! The device with pipes in memory.

use super::*;
use crate::device::tests::{CallArg, FIRST, TestCaller, bytes};
use std::io;

/// An output that is closed.
struct ClosedOutput;

impl Write for ClosedOutput {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_are_taken_one_by_one_and_long_ones_in_parts() {
    let mut input = b"one\n\n".to_vec();
    input.extend([b'x'; PART_LIMIT + 1]);
    input.extend(b"\nlast");
    let device = ConsoleDevice::start(io::Cursor::new(input), io::sink()).expect("threads");
    let caller = TestCaller::new();
    let take = || caller.call(&device, FIRST, &[CallArg::Text("take")]).answer();
    assert_eq!([take(), take()], [bytes(b"one\n"), bytes(b"\n")]);
    assert_eq!([take(), take()], [bytes(&[b'x'; PART_LIMIT]), bytes(b"x\n")]);
    assert_eq!([take(), take(), take()], [bytes(b"last"), bytes(b""), bytes(b"")]);
}

#[test]
fn a_line_whose_take_is_cancelled_answers_the_next() {
    let input = io::Cursor::new(b"1\n2\n3\n".to_vec());
    let device = ConsoleDevice::start(input, io::sink()).expect("threads");
    let caller = TestCaller::new();
    let begin = || caller.call(&device, FIRST, &[CallArg::Text("take")]);
    let [one, two, three] = [begin(), begin(), begin()];
    let answers = [one.answer(), two.answer(), three.answer()];
    assert_eq!(answers, [bytes(b"1\n"), bytes(b"2\n"), bytes(b"3\n")]);
    two.cancel();
    one.cancel();
    assert_eq!(begin().answer(), bytes(b"1\n"));
    assert_eq!(begin().answer(), bytes(b"2\n"));
    three.cancel();
    assert_eq!([begin().answer(), begin().answer()], [bytes(b"3\n"), bytes(b"")]);
}

#[test]
fn bytes_are_given_in_parts() {
    let device = ConsoleDevice::start(io::empty(), io::sink()).expect("threads");
    let closed = ConsoleDevice::start(io::empty(), ClosedOutput).expect("threads");
    let caller = TestCaller::new();
    let give = |size: usize| [CallArg::Text("give"), CallArg::Bar(vec![7; size])];
    let answer = |device, args: &[CallArg]| caller.call(device, FIRST, args).answer();
    assert_eq!(answer(&device, &give(0)), DeviceAnswer::just(0));
    assert_eq!(answer(&device, &give(5)), DeviceAnswer::just(5));
    assert_eq!(answer(&device, &give(PART_LIMIT + 5)), DeviceAnswer::just(PART_LIMIT as u64));
    assert_eq!(answer(&closed, &give(5)), DeviceAnswer::ZERO);
    for malformed in [&[][..], &[CallArg::Text("give")], &[CallArg::Text("take"), CallArg::Nat(0)]]
    {
        assert_eq!(answer(&device, malformed), DeviceAnswer::ZERO);
    }
}
