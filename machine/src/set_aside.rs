//! The bytes of an input that was set aside: an event with this input alone exceeded a limit, or
//! the event with this input crashed, and the cog was retried without it.
//!
//! ```text
//! +---+------+-------+------+--------+-------+
//! | 1 | time | after | slot | reason | value |
//! +---+------+-------+------+--------+-------+
//!   1   8      8       8      1        the rest
//! ```
//!
//! Numbers are little-endian. The time is in nanoseconds since 1970; `after` is the sequence of the
//! last event before, which is the event that crashed if that is the reason. Reasons are 1 stack,
//! 2 memory, 3 loop, 4 CPU time, 5 crash. The value, a seed, is what the driver in the slot wrote.

use crate::codec::SeedBytes;
use crate::error::AbortReason;
use std::fmt;

const VERSION: u8 = 1;
/// Length of the fields before the value, in bytes.
const HEAD: usize = 26;

/// Why an input was set aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetAsideReason {
    /// The event with this input alone was aborted, so it has not happened.
    Aborted(AbortReason),
    /// The event with this input crashed, and the cog runs again from the state before.
    Crashed,
}

impl From<AbortReason> for SetAsideReason {
    fn from(reason: AbortReason) -> SetAsideReason {
        SetAsideReason::Aborted(reason)
    }
}

impl fmt::Display for SetAsideReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetAsideReason::Aborted(reason) => reason.fmt(f),
            SetAsideReason::Crashed => f.write_str("the event with it crashed"),
        }
    }
}

/// An input of a driver that was set aside. `pallas start --offer` offers it again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetAsideInput {
    /// When the input was set aside, in nanoseconds since 1970.
    pub time: u64,
    /// The sequence of the last event before the input was set aside.
    pub after: u64,
    /// The slot of the driver.
    pub slot: u64,
    /// Why it was set aside.
    pub reason: SetAsideReason,
    /// What the driver wrote.
    pub(crate) value: SeedBytes,
}

/// The error that the bytes of a set-aside input are unknown to this program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("its contents are unknown to this program")]
pub struct UnknownSetAsideInput;

impl SetAsideInput {
    /// The size of the value, in bytes.
    pub fn size(&self) -> usize {
        self.value.len()
    }

    /// What the driver wrote, a seed.
    pub fn value(&self) -> &[u8] {
        &self.value.0
    }

    /// Encodes the input.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.value.len());
        bytes.push(VERSION);
        for number in [self.time, self.after, self.slot] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.push(match self.reason {
            SetAsideReason::Aborted(AbortReason::Stack) => 1,
            SetAsideReason::Aborted(AbortReason::Memory) => 2,
            SetAsideReason::Aborted(AbortReason::Loop) => 3,
            SetAsideReason::Aborted(AbortReason::Time) => 4,
            SetAsideReason::Crashed => 5,
        });
        bytes.extend(&self.value.0);
        bytes
    }

    /// Decodes an input.
    ///
    /// # Errors
    /// The bytes are not an input of this version.
    pub fn decode(bytes: &[u8]) -> Result<SetAsideInput, UnknownSetAsideInput> {
        let Some((head, value)) = bytes.split_first_chunk::<HEAD>() else {
            return Err(UnknownSetAsideInput);
        };
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&head[at..at + 8]);
            u64::from_le_bytes(number)
        };
        let reason = match (head[0], head[25]) {
            (VERSION, 1) => AbortReason::Stack.into(),
            (VERSION, 2) => AbortReason::Memory.into(),
            (VERSION, 3) => AbortReason::Loop.into(),
            (VERSION, 4) => AbortReason::Time.into(),
            (VERSION, 5) => SetAsideReason::Crashed,
            _ => return Err(UnknownSetAsideInput),
        };
        let value = SeedBytes(value.to_vec());
        Ok(SetAsideInput { time: number(1), after: number(9), slot: number(17), reason, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_inverts_encoding_and_rejects_other_bytes() {
        let aborts =
            [AbortReason::Time, AbortReason::Stack, AbortReason::Memory, AbortReason::Loop];
        let aborts = aborts.map(SetAsideReason::Aborted);
        let reasons = aborts.into_iter().chain([SetAsideReason::Crashed]);
        for (number, reason) in reasons.enumerate() {
            let value = SeedBytes(vec![7; number]);
            let input = SetAsideInput { time: 5, after: 1 << 40, slot: u64::MAX, reason, value };
            let bytes = input.encode();
            assert_eq!(SetAsideInput::decode(&bytes), Ok(input));
            assert!(SetAsideInput::decode(&bytes[..HEAD - 1]).is_err());
            for (at, byte) in [(0, 2), (25, 0), (25, 6)] {
                let mut other = bytes.clone();
                other[at] = byte;
                assert_eq!(SetAsideInput::decode(&other), Err(UnknownSetAsideInput));
            }
        }
    }
}
