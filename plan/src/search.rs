//! Search for a key among the keys of a set.

use crate::error::EvalError;
use crate::order::try_compare;
use crate::tree::Items;
use crate::value_ref::Ref;
use std::cmp::Ordering;

impl Items<'_> {
    /// Searches these items, which are the keys of a set, for a key in normal form. Returns the
    /// index of the key, or else (`Err`) that of the first key above it.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`]: comparing keys of any size is interruptible.
    ///
    /// # Panics
    /// If the comparison reaches a part of the key that is not evaluated.
    pub fn search(self, key: Ref<'_>) -> Result<Result<usize, usize>, EvalError> {
        match key.word.as_direct() {
            Some(nat) => Ok(self.search_nat(nat)),
            None => self.search_any(key),
        }
    }

    fn search_any(self, key: Ref<'_>) -> Result<Result<usize, usize>, EvalError> {
        if self.are_in_heap_of(key)
            && let Ok(position) = self.search_evaluated(key)
        {
            return Ok(position);
        }
        let mut failure = None;
        let position = self.binary_search_by(|other| {
            if failure.is_some() {
                return Ordering::Equal;
            }
            try_compare(other, key).unwrap_or_else(|error| {
                failure = Some(error);
                Ordering::Equal
            })
        });
        failure.map_or(Ok(position), Err)
    }
}
