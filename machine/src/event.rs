//! The bytes of an event in the log: the inputs of the cog, and how the event ended.
//!
//! ```text
//! +---+------------+---+------------+-----------------+-------+--------------------+
//! | 1 | time       | C | hash if C  | outcome         | count | inputs             |
//! +---+------------+---+------------+-----------------+-------+--------------------+
//!   1   8            1   32           1 or more         8
//!
//! outcome  0                          the cog returned a new cog and outputs
//!          1  bytes op  bytes arg     it crashed
//!          2  nanoseconds             written by earlier versions: it exceeded its time limit
//!          3  reason                  written by earlier versions: it was aborted: 1 stack,
//!                                     2 memory, 3 loop
//!          4                          no call of the cog: the cog had crashed, and runs again from
//!                                     the state before the crash. There are no inputs
//!          5  hash  bytes program     no call of the cog: the program with this hash took over its
//!                                     state. There are no inputs, and C is 1
//!          6  number  hash            no call of the cog: the state is again the one after the event
//!                                     of this number, which has this hash. There are no inputs
//!          7  bytes op  bytes arg  count  bytes ..
//!                                     it crashed, and these calls were in progress, as texts,
//!                                     innermost first
//! input    slot  0  bytes             a driver wrote this value
//!          slot  1  bytes             a job has this result
//!          slot  2  hash              a job has a result with this hash, which is too large for
//!                                     the log: a replay computes it again
//!          slot  3  id  bytes         a driver wrote this value, which was set aside under this id
//!                                     (16 bytes) and offered again
//! bytes    count  bytes
//! ```
//!
//! Numbers are 8 bytes, little-endian; outcomes, reasons and kinds of input are one byte. The time
//! is in nanoseconds since 1970, for people only: a replay does not use it. C is 1 if the record
//! has the hash of the state *before* the event, which a replay compares. Values are seeds.
//!
//! The calls of a crash are for people only, too: which ones are known depends on what was compiled.
//! Outcome 1 is that of a crash without known calls, as earlier versions wrote it.

use crate::codec::SeedBytes;
use crate::program::UpgradeProgram;
use persist::SetAsideId;
use plan::Hash;
use std::time::Duration;

const VERSION: u8 = 1;

/// The value of an input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum InputPayload {
    /// A driver wrote this.
    Written(SeedBytes),
    /// The result of a job.
    JobResult(SeedBytes),
    /// The hash of a result of a job that is too large for the log. The result itself is there in a
    /// live event only.
    JobResultHash(Hash, Option<SeedBytes>),
    /// A driver wrote this, it was set aside under this id, and it was offered again.
    Offered(SetAsideId, SeedBytes),
}

impl InputPayload {
    /// The size in the log, in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            InputPayload::Written(value) | InputPayload::JobResult(value) => value.len(),
            InputPayload::JobResultHash(..) => Hash::SIZE,
            InputPayload::Offered(id, value) => id.len() + value.len(),
        }
    }
}

/// One input of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EventInput {
    /// The worker's slot.
    pub(crate) slot: u64,
    /// What the worker gave.
    pub(crate) payload: InputPayload,
}

/// How an event ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EventOutcome {
    /// The cog returned a value.
    Succeeded,
    /// It called the nat `op` with `arg`, while these calls were in progress, innermost first. No part
    /// of the state depends on the calls.
    Crashed { op: SeedBytes, arg: SeedBytes, calls: Vec<String> },
    /// An earlier version stopped it after this time, and ended the cog.
    TimedOut(Duration),
    /// An earlier version aborted it for the reason with this number, and ended the cog.
    Aborted(u8),
    /// The cog, which had crashed, runs again from the state before the event that crashed.
    Retried,
    /// This program took over the state of the cog.
    Upgraded(UpgradeProgram),
    /// The state is again the one after an earlier event.
    RolledBack {
        /// The event.
        to: u64,
        /// The hash of the state after it.
        root: Hash,
    },
}

/// An event in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EventRecord {
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    /// The hash of the state before the event, in some events.
    pub(crate) before: Option<Hash>,
    /// How the event ended.
    pub(crate) outcome: EventOutcome,
    pub(crate) inputs: Vec<EventInput>,
}

impl EventRecord {
    /// The inputs that had been set aside.
    pub(crate) fn offered(&self) -> impl Iterator<Item = SetAsideId> {
        self.inputs.iter().filter_map(|input| match input.payload {
            InputPayload::Offered(id, _) => Some(id),
            _ => None,
        })
    }

    /// Encodes the event.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let size: usize = self.inputs.iter().map(|input| 32 + input.payload.len()).sum();
        let mut out = EventEncoder(Vec::with_capacity(128 + size));
        out.byte(VERSION);
        out.number(self.time);
        out.byte(u8::from(self.before.is_some()));
        if let Some(hash) = &self.before {
            out.0.extend(hash.as_bytes());
        }
        out.outcome(&self.outcome);
        out.number(self.inputs.len() as u64);
        self.inputs.iter().for_each(|input| out.input(input));
        out.0
    }

    /// Decodes an event.
    ///
    /// # Errors
    /// The bytes are not an event of this version.
    pub(crate) fn decode(bytes: &[u8]) -> Result<EventRecord, EventDecodeError> {
        let mut decoder = EventDecoder { bytes, at: 0 };
        if decoder.byte()? != VERSION {
            return decoder.invalid("the version is unknown to this program");
        }
        let time = decoder.number()?;
        let before = match decoder.byte()? {
            0 => None,
            1 => Some(decoder.hash()?),
            _ => return decoder.invalid("the flag of the hash is neither 0 nor 1"),
        };
        let outcome = decoder.outcome()?;
        if matches!(outcome, EventOutcome::Upgraded(_)) && before.is_none() {
            return decoder.invalid("an upgrade has no hash of the state before it");
        }
        let count = decoder.number()?;
        let mut inputs = Vec::new();
        for _ in 0..count {
            inputs.push(decoder.input()?);
        }
        if decoder.at < bytes.len() {
            decoder.at += 1;
            return decoder.invalid("there is data after the event");
        }
        Ok(EventRecord { time, before, outcome, inputs })
    }
}

/// Why bytes are not an event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("byte {offset}: {problem}")]
pub(crate) struct EventDecodeError {
    /// Position of the problem, in bytes.
    pub(crate) offset: usize,
    pub(crate) problem: &'static str,
}

struct EventEncoder(Vec<u8>);

impl EventEncoder {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn value(&mut self, value: &SeedBytes) {
        self.number(value.len() as u64);
        self.0.extend(&value.0);
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        for text in texts {
            self.number(text.len() as u64);
            self.0.extend(text.as_bytes());
        }
    }

    fn outcome(&mut self, outcome: &EventOutcome) {
        match outcome {
            EventOutcome::Succeeded => self.byte(0),
            EventOutcome::Crashed { op, arg, calls } => {
                self.byte(if calls.is_empty() { 1 } else { 7 });
                self.value(op);
                self.value(arg);
                if !calls.is_empty() {
                    self.texts(calls);
                }
            }
            EventOutcome::TimedOut(after) => {
                self.byte(2);
                self.number(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
            }
            EventOutcome::Aborted(reason) => {
                self.byte(3);
                self.byte(*reason);
            }
            EventOutcome::Retried => self.byte(4),
            EventOutcome::Upgraded(program) => {
                self.byte(5);
                self.0.extend(program.hash.as_bytes());
                self.value(&program.seed);
            }
            EventOutcome::RolledBack { to, root } => {
                self.byte(6);
                self.number(*to);
                self.0.extend(root.as_bytes());
            }
        }
    }

    fn input(&mut self, input: &EventInput) {
        self.number(input.slot);
        match &input.payload {
            InputPayload::Written(value) => {
                self.byte(0);
                self.value(value);
            }
            InputPayload::JobResult(value) => {
                self.byte(1);
                self.value(value);
            }
            InputPayload::JobResultHash(hash, _) => {
                self.byte(2);
                self.0.extend(hash.as_bytes());
            }
            InputPayload::Offered(id, value) => {
                self.byte(3);
                self.0.extend(id);
                self.value(value);
            }
        }
    }
}

struct EventDecoder<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> EventDecoder<'b> {
    /// The error that the byte just decoded is invalid.
    fn invalid<T>(&self, problem: &'static str) -> Result<T, EventDecodeError> {
        Err(EventDecodeError { offset: self.at - 1, problem })
    }

    fn take(&mut self, count: u64) -> Result<&'b [u8], EventDecodeError> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(count).ok().and_then(|count| rest.get(..count));
        let taken =
            taken.ok_or(EventDecodeError { offset: self.at, problem: "the record ends here" })?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EventDecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, EventDecodeError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn number(&mut self) -> Result<u64, EventDecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn hash(&mut self) -> Result<Hash, EventDecodeError> {
        Ok(Hash(self.array()?))
    }

    fn value(&mut self) -> Result<SeedBytes, EventDecodeError> {
        let count = self.number()?;
        Ok(SeedBytes(self.take(count)?.to_vec()))
    }

    /// A list of one or more texts.
    fn texts(&mut self) -> Result<Vec<String>, EventDecodeError> {
        let count = self.number()?;
        if count == 0 {
            return self.invalid("the crash has no calls");
        }
        let mut texts = Vec::new();
        for _ in 0..count {
            let length = self.number()?;
            match std::str::from_utf8(self.take(length)?) {
                Ok(text) => texts.push(text.to_owned()),
                Err(_) => return self.invalid("the text of a call is not UTF-8"),
            }
        }
        Ok(texts)
    }

    fn outcome(&mut self) -> Result<EventOutcome, EventDecodeError> {
        match self.byte()? {
            0 => Ok(EventOutcome::Succeeded),
            kind @ (1 | 7) => {
                let (op, arg) = (self.value()?, self.value()?);
                let calls = if kind == 7 { self.texts()? } else { Vec::new() };
                Ok(EventOutcome::Crashed { op, arg, calls })
            }
            2 => Ok(EventOutcome::TimedOut(Duration::from_nanos(self.number()?))),
            3 => match self.byte()? {
                reason @ 1..=3 => Ok(EventOutcome::Aborted(reason)),
                _ => self.invalid("unknown reason of an abort"),
            },
            4 => Ok(EventOutcome::Retried),
            5 => {
                let hash = self.hash()?;
                Ok(EventOutcome::Upgraded(UpgradeProgram { hash, seed: self.value()? }))
            }
            6 => Ok(EventOutcome::RolledBack { to: self.number()?, root: self.hash()? }),
            _ => self.invalid("unknown outcome"),
        }
    }

    fn input(&mut self) -> Result<EventInput, EventDecodeError> {
        let slot = self.number()?;
        let payload = match self.byte()? {
            0 => InputPayload::Written(self.value()?),
            1 => InputPayload::JobResult(self.value()?),
            2 => InputPayload::JobResultHash(self.hash()?, None),
            3 => InputPayload::Offered(self.array()?, self.value()?),
            _ => return self.invalid("unknown kind of input"),
        };
        Ok(EventInput { slot, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<EventRecord> {
        let value = |bytes: &[u8]| SeedBytes(bytes.to_vec());
        let outcomes = [
            EventOutcome::Succeeded,
            EventOutcome::Crashed { op: value(b"op"), arg: value(b""), calls: Vec::new() },
            EventOutcome::Crashed {
                op: value(b"op"),
                arg: value(b"arg"),
                calls: vec!["inner  (3 times)".into(), "äußerst".into()],
            },
            EventOutcome::TimedOut(Duration::from_secs(30)),
            EventOutcome::Aborted(1),
            EventOutcome::Aborted(2),
            EventOutcome::Aborted(3),
            EventOutcome::Retried,
            EventOutcome::Upgraded(UpgradeProgram { hash: Hash([5; 32]), seed: value(b"program") }),
            EventOutcome::RolledBack { to: 1 << 40, root: Hash([6; 32]) },
        ];
        let inputs = [
            EventInput { slot: 0, payload: InputPayload::Written(value(b"one")) },
            EventInput { slot: u64::MAX, payload: InputPayload::JobResult(value(b"")) },
            EventInput { slot: 3, payload: InputPayload::JobResultHash(Hash([7; 32]), None) },
            EventInput { slot: 4, payload: InputPayload::Offered([9; 16], value(b"two")) },
        ];
        let event = |(number, outcome): (usize, EventOutcome)| EventRecord {
            time: 1_764_000_000_000_000_000,
            before: (number % 2 == 0 || matches!(outcome, EventOutcome::Upgraded(_)))
                .then_some(Hash([number as u8; 32])),
            outcome,
            inputs: inputs[..number.min(inputs.len())].to_vec(),
        };
        outcomes.into_iter().enumerate().map(event).collect()
    }

    #[test]
    fn decoding_inverts_encoding() {
        for event in samples() {
            assert_eq!(EventRecord::decode(&event.encode()), Ok(event));
        }
    }

    /// A crash as the versions before wrote it: the bytes are spelled out, so that they stay readable.
    #[test]
    fn the_record_of_a_crash_of_earlier_versions_is_read_and_written_as_it_was() {
        let mut bytes = vec![1];
        bytes.extend(5_u64.to_le_bytes());
        bytes.extend([0, 1]);
        bytes.extend([&2_u64.to_le_bytes()[..], b"op", &1_u64.to_le_bytes(), b"a"].concat());
        bytes.extend(0_u64.to_le_bytes());
        let value = |bytes: &[u8]| SeedBytes(bytes.to_vec());
        let outcome =
            EventOutcome::Crashed { op: value(b"op"), arg: value(b"a"), calls: Vec::new() };
        let event = EventRecord { time: 5, before: None, outcome, inputs: Vec::new() };
        assert_eq!(EventRecord::decode(&bytes), Ok(event.clone()));
        assert_eq!(event.encode(), bytes);
    }

    #[test]
    fn truncated_and_extended_records_are_errors() {
        for event in samples() {
            let bytes = event.encode();
            for length in 0..bytes.len() {
                assert!(
                    EventRecord::decode(&bytes[..length]).is_err(),
                    "{event:?} truncated to {length}"
                );
            }
            let longer = [&bytes[..], &[0]].concat();
            let error = EventRecord::decode(&longer).expect_err("data after the event");
            assert_eq!(error.offset, bytes.len());
        }
    }

    #[test]
    fn flipped_bytes_never_panic_or_decode_to_the_same_event() {
        for event in samples() {
            let bytes = event.encode();
            for index in 0..bytes.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[index] ^= flip;
                    if let Ok(other) = EventRecord::decode(&damaged) {
                        assert_ne!(other, event);
                    }
                }
            }
        }
    }
}
