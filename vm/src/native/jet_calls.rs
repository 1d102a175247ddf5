//! Calls of jets that compiled code makes through the interpreter, because the jet is a value: after
//! many calls the jet gets code of its own (see [`jet_entries`](super::jet_entries)).

use super::PARAMETERS_MAX;
use crate::law::JetEvaluation;
use crate::vm::Vm;
use plan::raw::{Word, WordKind, is_frozen};

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
