//! Questions about the names of an analysed text.

use super::{ModuleAnalysis, SessionSnapshot};
use crate::nat_text;
use crate::readable::readable_text;
use crate::sire::Sire;
use show::PrintLimit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends the current evaluation of a session from another thread.
#[derive(Clone, Debug)]
pub struct EvaluationInterrupt {
    timed_out: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
}

impl EvaluationInterrupt {
    /// Ends the evaluation, as cancelled.
    pub fn cancel(&self) {
        self.interrupt.store(true, Ordering::Relaxed);
    }

    /// Ends the evaluation, which has taken too long.
    pub fn end_by_time_limit(&self) {
        self.timed_out.store(true, Ordering::Relaxed);
        self.interrupt.store(true, Ordering::Relaxed);
    }

    /// Takes back a time limit that no evaluation has noticed.
    pub fn clear(&self) {
        self.timed_out.store(false, Ordering::Relaxed);
        self.interrupt.store(false, Ordering::Relaxed);
    }
}

impl ModuleAnalysis {
    /// Returns the snapshot that answers questions about names.
    fn snapshot(&mut self) -> Option<&mut SessionSnapshot> {
        match self.is_executed() {
            true => Some(&mut self.current),
            false => self.last.as_mut(),
        }
    }
}

impl Sire {
    /// Returns the handle that ends evaluations of this session.
    pub fn interrupt_handle(&self) -> EvaluationInterrupt {
        let timed_out = self.session.timed_out.clone();
        EvaluationInterrupt { timed_out, interrupt: self.session.vm.interrupt_flag() }
    }

    /// Asks a question with the names of an analysed text in scope. The names are those of the last
    /// complete analysis; none if there has been none.
    pub fn with_names_of<T>(
        &mut self,
        analysis: &mut ModuleAnalysis,
        question: impl FnOnce(&mut Sire) -> T,
    ) -> Option<T> {
        self.session.library.search_beside(analysis.module.folder.clone());
        let snapshot = analysis.snapshot()?;
        snapshot.exchange(&mut self.session);
        let answer = question(self);
        snapshot.exchange(&mut self.session);
        Some(answer)
    }

    /// Returns the type of a name in scope, or of a name with its qualifier, if it is declared or a
    /// check has inferred it.
    pub fn known_type(&mut self, name: &str) -> Option<String> {
        if let Some(declared) = self.declared_type(name) {
            return Some(declared);
        }
        let binding = self.binding_of(name)?;
        let session = &mut self.session;
        session.types.type_text(&session.vm, &binding)
    }

    /// Returns the value of a name in scope, or of a name with its qualifier, as text for people of at
    /// most about `bytes` bytes.
    pub fn value_text(&self, name: &str, bytes: u64) -> Option<String> {
        let binding = self.binding_of(name)?;
        let limit = self.session.output.limit();
        let limit = PrintLimit { bytes, message_bytes: bytes, ..limit };
        Some(readable_text(self.session.vm.look(&binding.value), limit))
    }

    /// Returns the names of all modules that can be imported, in alphabetical order.
    pub fn module_names(&self) -> Vec<String> {
        self.session.library.names()
    }

    /// Returns the path and the text of a module that can be read. The path of a built-in module
    /// begins with `<library>/`.
    pub fn module_text(&self, name: &str) -> Option<(String, String)> {
        self.session.library.text(name)
    }

    /// Returns the module that a qualifier stands for: an alias, or the name of a module.
    pub fn qualified_module(&self, qualifier: &str) -> String {
        let qualifier = nat_text::from_text(qualifier);
        nat_text::to_text(self.session.state.qualified_module(&qualifier))
    }
}
