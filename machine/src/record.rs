//! The bytes of an event in the log: what the cog was given, and how that ended.
//!
//! ```text
//! +---+------------+---+------------+-----------------+-------+--------------------+
//! | 1 | time       | C | hash if C  | fate            | count | inputs             |
//! +---+------------+---+------------+-----------------+-------+--------------------+
//!   1   8            1   32           1 and more        8
//!
//! fate    0                           the cog gave a new cog and outputs
//!         1  bytes op  bytes arg      it crashed
//!         2  nanoseconds              it took too long
//!         3  reason                   1 stack, 2 memory, 3 loop
//! input   slot  0  bytes              a driver wrote this
//!         slot  1  bytes              a job ended with this
//!         slot  2  hash               a job ended with the value of this hash, which is large: it is
//!                                     computed again
//! bytes   count  bytes
//! ```
//!
//! Numbers are 8 bytes, least first, fates, reasons and kinds of input one. The time is in nanoseconds
//! since 1970 and for people only. C is 1 if the hash of the state *before* the event is there, which
//! a replay compares. Values are seeds.

use crate::codec::Portable;
use crate::error::Abort;
use std::time::Duration;
use vm::Hash;

const VERSION: u8 = 1;

/// What an input is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Payload {
    /// A driver wrote this.
    Written(Portable),
    /// A job ended with this.
    Result(Portable),
    /// A job ended with a value of this hash. It is not in the log, and only there when live.
    Noted(Hash, Option<Portable>),
}

impl Payload {
    /// How many bytes it takes in the log.
    pub(crate) fn len(&self) -> usize {
        match self {
            Payload::Written(value) | Payload::Result(value) => value.len(),
            Payload::Noted(..) => Hash::SIZE,
        }
    }
}

/// Something that happened to the cog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Input {
    /// The worker's slot.
    pub(crate) slot: u64,
    /// What came from it.
    pub(crate) payload: Payload,
}

/// How an event ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// With a new cog.
    Done,
    /// With a crash.
    Crashed { op: Portable, arg: Portable },
    /// By its time limit, after that long.
    TimedOut(Duration),
    /// For another lack.
    Aborted(Abort),
}

/// An event as it is logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    /// The hash of the state before the event, in some events.
    pub(crate) before: Option<Hash>,
    /// How it ended.
    pub(crate) fate: Fate,
    /// What it was.
    pub(crate) inputs: Vec<Input>,
}

impl Event {
    /// The event's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let size: usize = self.inputs.iter().map(|input| 32 + input.payload.len()).sum();
        let mut out = Writer(Vec::with_capacity(128 + size));
        out.byte(VERSION);
        out.number(self.time);
        out.byte(u8::from(self.before.is_some()));
        if let Some(hash) = &self.before {
            out.0.extend(hash.as_bytes());
        }
        out.fate(&self.fate);
        out.number(self.inputs.len() as u64);
        self.inputs.iter().for_each(|input| out.input(input));
        out.0
    }

    /// The event with these bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Event, RecordError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.byte()? != VERSION {
            return reader.wrong("a version this program does not read");
        }
        let time = reader.number()?;
        let before = match reader.byte()? {
            0 => None,
            1 => Some(reader.hash()?),
            _ => return reader.wrong("neither with nor without a hash"),
        };
        let fate = reader.fate()?;
        let count = reader.number()?;
        let mut inputs = Vec::new();
        for _ in 0..count {
            inputs.push(reader.input()?);
        }
        if reader.at < bytes.len() {
            reader.at += 1;
            return reader.wrong("more than an event");
        }
        Ok(Event { time, before, fate, inputs })
    }
}

/// Bytes that are no event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("byte {offset}: {problem}")]
pub(crate) struct RecordError {
    pub(crate) offset: usize,
    pub(crate) problem: &'static str,
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn value(&mut self, value: &Portable) {
        self.number(value.len() as u64);
        self.0.extend(&value.0);
    }

    fn fate(&mut self, fate: &Fate) {
        match fate {
            Fate::Done => self.byte(0),
            Fate::Crashed { op, arg } => {
                self.byte(1);
                self.value(op);
                self.value(arg);
            }
            Fate::TimedOut(after) => {
                self.byte(2);
                self.number(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
            }
            Fate::Aborted(abort) => {
                self.byte(3);
                self.byte(match abort {
                    Abort::Stack => 1,
                    Abort::Memory => 2,
                    Abort::Loop => 3,
                });
            }
        }
    }

    fn input(&mut self, input: &Input) {
        self.number(input.slot);
        match &input.payload {
            Payload::Written(value) => {
                self.byte(0);
                self.value(value);
            }
            Payload::Result(value) => {
                self.byte(1);
                self.value(value);
            }
            Payload::Noted(hash, _) => {
                self.byte(2);
                self.0.extend(hash.as_bytes());
            }
        }
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    /// Says that the byte just read is wrong.
    fn wrong<T>(&self, problem: &'static str) -> Result<T, RecordError> {
        Err(RecordError { offset: self.at - 1, problem })
    }

    fn take(&mut self, count: u64) -> Result<&'b [u8], RecordError> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(count).ok().and_then(|count| rest.get(..count));
        let taken =
            taken.ok_or(RecordError { offset: self.at, problem: "the record ends here" })?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, RecordError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn number(&mut self) -> Result<u64, RecordError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn hash(&mut self) -> Result<Hash, RecordError> {
        Ok(Hash(self.array()?))
    }

    fn value(&mut self) -> Result<Portable, RecordError> {
        let count = self.number()?;
        Ok(Portable(self.take(count)?.to_vec()))
    }

    fn fate(&mut self) -> Result<Fate, RecordError> {
        match self.byte()? {
            0 => Ok(Fate::Done),
            1 => Ok(Fate::Crashed { op: self.value()?, arg: self.value()? }),
            2 => Ok(Fate::TimedOut(Duration::from_nanos(self.number()?))),
            3 => match self.byte()? {
                1 => Ok(Fate::Aborted(Abort::Stack)),
                2 => Ok(Fate::Aborted(Abort::Memory)),
                3 => Ok(Fate::Aborted(Abort::Loop)),
                _ => self.wrong("no reason for an end"),
            },
            _ => self.wrong("no way for an event to end"),
        }
    }

    fn input(&mut self) -> Result<Input, RecordError> {
        let slot = self.number()?;
        let payload = match self.byte()? {
            0 => Payload::Written(self.value()?),
            1 => Payload::Result(self.value()?),
            2 => Payload::Noted(self.hash()?, None),
            _ => return self.wrong("no kind of input"),
        };
        Ok(Input { slot, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Event> {
        let value = |bytes: &[u8]| Portable(bytes.to_vec());
        let fates = [
            Fate::Done,
            Fate::Crashed { op: value(b"op"), arg: value(b"") },
            Fate::TimedOut(Duration::from_secs(30)),
            Fate::Aborted(Abort::Stack),
            Fate::Aborted(Abort::Memory),
            Fate::Aborted(Abort::Loop),
        ];
        let inputs = [
            Input { slot: 0, payload: Payload::Written(value(b"one")) },
            Input { slot: u64::MAX, payload: Payload::Result(value(b"")) },
            Input { slot: 3, payload: Payload::Noted(Hash([7; 32]), None) },
        ];
        let event = |(number, fate): (usize, Fate)| Event {
            time: 1_764_000_000_000_000_000,
            before: (number % 2 == 0).then_some(Hash([number as u8; 32])),
            fate,
            inputs: inputs[..number.min(inputs.len())].to_vec(),
        };
        fates.into_iter().enumerate().map(event).collect()
    }

    #[test]
    fn events_come_back_as_they_were() {
        for event in samples() {
            assert_eq!(Event::decode(&event.encode()), Ok(event));
        }
    }

    #[test]
    fn every_cut_and_every_addition_is_noticed() {
        for event in samples() {
            let bytes = event.encode();
            for length in 0..bytes.len() {
                assert!(Event::decode(&bytes[..length]).is_err(), "{event:?} cut to {length}");
            }
            let longer = [&bytes[..], &[0]].concat();
            let error = Event::decode(&longer).expect_err("there is something after it");
            assert_eq!(error.offset, bytes.len());
        }
    }

    #[test]
    fn no_flipped_byte_panics() {
        for event in samples() {
            let bytes = event.encode();
            for index in 0..bytes.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[index] ^= flip;
                    if let Ok(other) = Event::decode(&damaged) {
                        assert_ne!(other, event);
                    }
                }
            }
        }
    }
}
