//! [`OldSpaceLoan`]: another thread's right to read old objects of a heap.
//!
//! A value in normal form is never written to again, and old objects do not move in young
//! collections. So another thread may read such a value, once all of it is old, while the heap's
//! thread goes on: it evaluates, allocates and collects the nursery. A full collection waits until
//! the loan ends, and so does the end of the heap.
//!
//! # Why this is sound
//!
//! The borrower reads the objects that are reachable from values in normal form. All of them are
//! old or frozen when the loan begins ([`RawHeap::lend_old`](super::RawHeap::lend_old) promotes the
//! nursery), and the heap's thread wrote them before it started the borrower's thread.
//!
//! - *Nothing moves or is freed*: only full collections and the end of the heap do that.
//! - *Values are not written*: evaluation writes values into thunks, and into apps, rows and tables
//!   that are not marked as normal. The value has neither. A young collection writes to objects that
//!   it copies and to remembered ones. The remembered set is empty when the loan begins, because
//!   nothing is young, and an object enters it only when a value is written into it.
//!   The owner of a row or table writes to old nodes of it, but not to those that it owned before the
//!   loan: their numbers no longer count ([`super::ownership`]).
//! - *Headers are not written*: they change with the layout of a thunk, with the mark of a value
//!   that becomes normal, with an object's entry into the remembered set, and where an owned value is
//!   disowned, which leaves numbers from before the loan as they are.
//! - *Some raw words are written*, and the borrower keeps to this list:
//!   - the code word of a law, which the borrower does not read;
//!   - the hash, the flags and the frozen copy of a pin, which both threads write, by the protocol
//!     of [`crate::pin`];
//!   - the bytes behind those of a bar that shares a buffer, and the buffer's count of bytes in
//!     use: the borrower reads the bytes of the bar only.
//!
//! The borrower reads through a heap of its own, which owns no object of the value: its interrupt,
//! its pin spaces and the damage that it finds there are not those of the lender.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;

/// The lender's side of a loan. Dropping it waits until the borrower has ended.
#[derive(Default)]
pub(super) struct OldSpaceLender(Option<Arc<LoanState>>);

/// The borrower's side of a loan, which ends when it is dropped.
#[must_use = "the loan ends when it is dropped"]
pub(crate) struct OldSpaceLoan(Arc<LoanState>);

#[derive(Default)]
struct LoanState {
    has_ended: Mutex<bool>,
    end: Condvar,
}

impl OldSpaceLender {
    /// Begins a loan. Waits for the end of the one before.
    pub(super) fn lend(&mut self) -> OldSpaceLoan {
        self.wait();
        let state = Arc::new(LoanState::default());
        self.0 = Some(Arc::clone(&state));
        OldSpaceLoan(state)
    }

    /// Whether there is a loan that has not ended.
    pub(super) fn is_lent(&self) -> bool {
        self.0.as_ref().is_some_and(|state| !*state.has_ended.lock())
    }

    /// Waits until no loan is left.
    pub(super) fn wait(&mut self) {
        if let Some(state) = self.0.take() {
            state.end.wait_while(&mut state.has_ended.lock(), |has_ended| !*has_ended);
        }
    }
}

impl Drop for OldSpaceLender {
    fn drop(&mut self) {
        self.wait();
    }
}

impl Drop for OldSpaceLoan {
    fn drop(&mut self) {
        *self.0.has_ended.lock() = true;
        self.0.end.notify_all();
    }
}
