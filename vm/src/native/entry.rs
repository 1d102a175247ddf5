//! [`CodeEntry`]: where the address of a law's compiled code appears.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The cell in which the address of a law's compiled code appears: 0 until there is code, and again when
/// the law is gone. Clones are the same cell.
#[derive(Clone, Debug, Default)]
pub struct CodeEntry(Arc<AtomicUsize>);

impl CodeEntry {
    /// The address of the code, if there is some.
    #[inline(always)]
    pub fn address(&self) -> Option<usize> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            address => Some(address),
        }
    }

    /// Publishes code: from now on calls of the law run it.
    ///
    /// # Safety
    /// The address is that of a function which keeps to the
    /// [convention](super#the-convention-of-compiled-code) and is that of the law for which the compiler was
    /// given the entry. It stays until the entry is handed to [`Compiler::forget`](super::Compiler::forget).
    pub unsafe fn publish(&self, address: usize) {
        self.0.store(address, Ordering::Release);
    }

    /// Withdraws the code: code that looks here from now on finds none.
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }

    /// The address of the cell, where compiled code looks. It stays as long as there is a clone.
    pub fn cell_address(&self) -> usize {
        Arc::as_ptr(&self.0).expose_provenance()
    }

    /// Whether both are the same cell.
    pub fn is_same(&self, other: &CodeEntry) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
