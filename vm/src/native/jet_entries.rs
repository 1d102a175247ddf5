//! [`JetEntries`]: the table in which compiled code finds the code of jets that it calls as values;
//! and [`JetCalls`], the counts of such calls.
//!
//! A jet's pin that is called as a known function needs no code: compiled code evaluates the
//! arguments and computes the operation, or calls the native implementation. But a pin that is a
//! value, perhaps in an app with some of its arguments, is called like every other function. When
//! compiled code has called it often, the compiler makes code of one call of the jet, in the same
//! convention as the code of a law. The pins of the heap find it here, by the number of their jet;
//! frozen pins find it in [`FrozenEntries`](super::frozen::FrozenEntries).
//!
//! The code is tied to the law's decoded code. A full collection may drop it, so it empties the
//! table; the law's decoded code holds the entry, from which the table is filled again.

/// The number of words of the table. Jets with larger numbers are called through the interpreter.
pub(super) const TABLE_SIZE: usize = 1 << 10;

/// The number of calls after which the entry of a jet that is being compiled is checked again.
const RECHECK_INTERVAL: u32 = 64;

/// The addresses of the code of jets, by the number of the jet plus one; 0 without code.
pub(super) struct JetEntries(Box<[usize; TABLE_SIZE]>);

impl Default for JetEntries {
    fn default() -> JetEntries {
        JetEntries(Box::new([0; TABLE_SIZE]))
    }
}

impl JetEntries {
    /// Stores the address of the code of a jet, if the table has a slot for it.
    pub(super) fn set(&mut self, jet: u32, entry: usize) {
        if let Some(slot) = self.0.get_mut(jet as usize + 1) {
            *slot = entry;
        }
    }

    /// The address of the code of a jet, if the table has it.
    pub(super) fn get(&self, jet: u32) -> Option<usize> {
        self.0.get(jet as usize + 1).copied().filter(|entry| *entry > 0)
    }

    /// Empties the table.
    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// The numbers of calls of jets that compiled code made through the interpreter, by the number of
/// the jet.
#[derive(Default)]
pub(super) struct JetCalls(Vec<u32>);

impl JetCalls {
    /// Counts a call. Whether there have been `threshold` calls, after which the count continues a
    /// few calls below it.
    pub(super) fn count(&mut self, jet: u32, threshold: u32) -> bool {
        let jet = jet as usize;
        if self.0.len() <= jet {
            self.0.resize(jet + 1, 0);
        }
        self.0[jet] += 1;
        let is_due = self.0[jet] >= threshold;
        if is_due {
            self.0[jet] = threshold.saturating_sub(RECHECK_INTERVAL);
        }
        is_due
    }
}
