//! [`StackTable`]: different stacks and their weights, in memory that is allocated once.

use super::raw_stack::RawStack;
use profile::sampled::ExecutionKind;

/// The number of words for stacks: 8 MB, which the system grants as they are used.
const WORDS: usize = 1 << 20;
/// The number of slots of the index. The most stacks are three quarters of it.
const SLOTS: usize = 1 << 16;

/// The words before those of a stack: its hash, its weight, its number of samples, its length with
/// the kind and whether it is truncated.
const HEADER: usize = 4;

/// The stacks of all samples of a profile.
pub(super) struct StackTable {
    /// Stacks, one after the other, each with its header.
    words: Box<[u64]>,
    /// The number of words in use.
    used: usize,
    /// A hash table with linear probing: 0, or one more than where a stack's header begins.
    index: Box<[u32]>,
    stacks: usize,
    /// The weight of samples for which there was no room.
    pub(super) dropped: u64,
}

/// A stack in the table.
pub(super) struct TableEntry<'t> {
    pub(super) kind: ExecutionKind,
    pub(super) is_truncated: bool,
    pub(super) weight: u64,
    pub(super) samples: u64,
    /// See [`RawStack`].
    pub(super) frames: &'t [u64],
}

impl StackTable {
    pub(super) fn new() -> StackTable {
        let words = vec![0; WORDS].into_boxed_slice();
        let index = vec![0; SLOTS].into_boxed_slice();
        StackTable { words, used: 0, index, stacks: 0, dropped: 0 }
    }

    /// Adds a sample. Allocates nothing.
    pub(super) fn add(&mut self, kind: ExecutionKind, stack: &RawStack, weight: u64) {
        let frames = stack.frames();
        let facts =
            (frames.len() as u64) << 8 | (kind as u64) << 1 | u64::from(stack.is_truncated());
        let hash = hash(facts, frames);
        let mut slot = hash as usize % SLOTS;
        loop {
            let at = self.index[slot] as usize;
            if at == 0 {
                break;
            }
            let header = at - 1;
            let body = header + HEADER;
            if self.words[header] == hash
                && self.words[header + 3] == facts
                && self.words[body..body + frames.len()] == *frames
            {
                self.words[header + 1] += weight;
                self.words[header + 2] += 1;
                return;
            }
            slot = (slot + 1) % SLOTS;
        }
        let end = self.used + HEADER + frames.len();
        if end > WORDS || self.stacks >= SLOTS / 4 * 3 {
            self.dropped += weight;
            return;
        }
        self.words[self.used..self.used + HEADER].copy_from_slice(&[hash, weight, 1, facts]);
        self.words[self.used + HEADER..end].copy_from_slice(frames);
        self.index[slot] = self.used as u32 + 1;
        self.used = end;
        self.stacks += 1;
    }

    /// The stacks, in the order in which they were first seen.
    pub(super) fn entries(&self) -> impl Iterator<Item = TableEntry<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let [_, weight, samples, facts] = *self.words[..self.used].get(at..at + HEADER)? else {
                return None;
            };
            let body = at + HEADER;
            at = body + (facts >> 8) as usize;
            let kind = ExecutionKind::ALL[(facts >> 1 & 3) as usize];
            let is_truncated = facts & 1 == 1;
            Some(TableEntry { kind, is_truncated, weight, samples, frames: &self.words[body..at] })
        })
    }
}

/// FNV-1a by words. (Fowler, Noll, Vo)
fn hash(first: u64, words: &[u64]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for word in std::iter::once(&first).chain(words) {
        hash = (hash ^ word).wrapping_mul(0x0100_0000_01b3);
        hash ^= hash >> 29;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(frames: &[u64]) -> RawStack {
        let mut stack = RawStack::new();
        frames.iter().for_each(|frame| stack.push(0, *frame));
        stack
    }

    #[test]
    fn equal_stacks_are_one() {
        let mut table = StackTable::new();
        table.add(ExecutionKind::Compiled, &stack(&[1, 2]), 10);
        table.add(ExecutionKind::Compiled, &stack(&[1, 3]), 20);
        table.add(ExecutionKind::Jet, &stack(&[1, 2]), 40);
        table.add(ExecutionKind::Compiled, &stack(&[1, 2]), 80);
        let entries: Vec<_> = table.entries().map(|it| (it.kind, it.weight, it.samples)).collect();
        assert_eq!(
            entries,
            [
                (ExecutionKind::Compiled, 90, 2),
                (ExecutionKind::Compiled, 20, 1),
                (ExecutionKind::Jet, 40, 1)
            ]
        );
        assert_eq!(table.entries().nth(1).map(|it| it.frames.to_vec()), Some(vec![1, 3]));
    }

    #[test]
    fn a_full_table_counts_what_it_drops() {
        let mut table = StackTable::new();
        let frames: Vec<u64> = (1..=100).collect();
        for number in 0..60_000 {
            let mut frames = frames.clone();
            frames[0] = 1_000_000 + number;
            table.add(ExecutionKind::Interpreter, &stack(&frames), 1);
        }
        let kept = table.entries().count() as u64;
        assert_eq!(kept, (WORDS / (HEADER + 100)) as u64);
        assert_eq!(kept + table.dropped, 60_000);
    }
}
