//! [`JetEntries`]: the table in which compiled code finds the code of jets that it calls as values.
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

use super::PARAMETERS_MAX;
use crate::law::JetEvaluation;
use crate::vm::Vm;
use plan::raw::{Word, WordKind, is_frozen};

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
    fn set(&mut self, jet: u32, entry: usize) {
        if let Some(slot) = self.0.get_mut(jet as usize + 1) {
            *slot = entry;
        }
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
    fn count(&mut self, jet: u32, threshold: u32) -> bool {
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

impl Vm {
    /// Counts a call that compiled code makes through the interpreter, if the function is a jet's
    /// pin or an app of one. Finds or requests the jet's code if it is called often.
    pub(super) fn count_call_of_jet(&mut self, function: Word) {
        let function = self.heap.resolve(function);
        let pin = match function.kind() {
            WordKind::Pin => function,
            WordKind::App => self.heap.load(function, 0),
            _ => return,
        };
        if pin.kind() != WordKind::Pin {
            return;
        }
        let Some(jet) = self.jet_of_pin(pin) else { return };
        let native = &mut self.heap.host.native;
        if native.jet_calls.count(jet, native.threshold) {
            self.find_code_of_jet(pin, jet);
        }
    }

    /// Stores the code of a jet where compiled code finds it, or requests it.
    #[cold]
    fn find_code_of_jet(&mut self, pin: Word, jet: u32) {
        let declared = self.jets.get(jet);
        let is_compiled = declared.arity() <= PARAMETERS_MAX
            && JetEvaluation::of(declared) != JetEvaluation::General
            && !self.jets.observes_fallbacks();
        if !is_compiled {
            return;
        }
        if let Some(entry) = self.jet_entry(pin) {
            let native = &mut self.heap.host.native;
            native.jets.set(jet, entry);
            if is_frozen(pin.address()) {
                native.set_entry_of_frozen(pin, entry);
            }
        }
    }
}
