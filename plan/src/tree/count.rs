//! Searching ascending words by counting the smaller ones.
//!
//! The comparisons of a count do not depend on each other, so they take half the time of a binary
//! search among as few words as nodes and leaves have, where each step waits for the one before.

use crate::word::Word;

/// The most words that are counted one by one.
const COUNTED_MAX: usize = 16;

/// Returns the number of words, which are ascending by their bits, whose bits are less than `bound`.
#[inline]
pub(super) fn count_below(words: &[Word], bound: u64) -> usize {
    if words.len() <= COUNTED_MAX {
        return count_each_below(words, bound);
    }
    let (chunks, rest) = words.as_chunks::<8>();
    let mut below = 0;
    for chunk in chunks {
        below += usize::from(chunk[7].raw() < bound);
    }
    let next = chunks.get(below).map_or(rest, <[Word; 8]>::as_slice);
    8 * below + count_each_below(next, bound)
}

#[inline(always)]
fn count_each_below(words: &[Word], bound: u64) -> usize {
    let mut below = 0;
    for word in words {
        below += usize::from(word.raw() < bound);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_a_binary_search() {
        for len in 0..80_u64 {
            let words: Vec<Word> = (0..len).map(|index| Word::direct(3 * index)).collect();
            for bound in 0..3 * len + 2 {
                let expected = words.partition_point(|word| word.raw() < bound);
                assert_eq!(count_below(&words, bound), expected, "{bound} among {len}");
            }
        }
    }
}
