//! [`EntryCell`]: the cell in which the address of a law's compiled code is published.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The cell in which the address of a law's compiled code is published. It holds 0 until there is
/// code, and again when the law is dead. Clones share the cell.
#[derive(Clone, Debug, Default)]
pub struct EntryCell(Arc<AtomicUsize>);

impl EntryCell {
    /// The address of the code, if it is published.
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
    /// The address is that of a function which follows the
    /// [convention](super#the-convention-of-compiled-code) and computes the law for which the
    /// compiler got the entry. The function stays in memory until the entry is passed to
    /// [`Compiler::forget`](crate::native::Compiler::forget).
    pub unsafe fn publish(&self, address: usize) {
        self.0.store(address, Ordering::Release);
    }

    /// Withdraws the code: later loads of the cell find none.
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }

    /// The address of the cell, which compiled code loads. It is valid as long as a clone exists.
    pub fn cell_address(&self) -> usize {
        Arc::as_ptr(&self.0).expose_provenance()
    }

    /// Whether there is another reference to the cell.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether both are the same cell.
    pub fn is_same(&self, other: &EntryCell) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
