//! Finding a key among the keys of a set.

use crate::error::EvalError;
use crate::order::try_compare;
use crate::tree::Items;
use crate::view::Ref;
use std::cmp::Ordering;

impl Items<'_> {
    /// Where a key in normal form is among these, which are the keys of a set: its index, or else
    /// (`Err`) the index of the first key above it.
    ///
    /// # Errors
    /// [`EvalError::Interrupted`]: keys may be of any size.
    ///
    /// # Panics
    /// If the key has something unevaluated in it that has to be looked at.
    pub fn search(self, key: Ref<'_>) -> Result<Result<usize, usize>, EvalError> {
        match key.word.as_direct() {
            Some(nat) => Ok(self.search_nat(nat)),
            None => self.search_any(key),
        }
    }

    fn search_any(self, key: Ref<'_>) -> Result<Result<usize, usize>, EvalError> {
        let mut stopped = None;
        let place = self.binary_search_by(|other| {
            if stopped.is_some() {
                return Ordering::Equal;
            }
            try_compare(other, key).unwrap_or_else(|stop| {
                stopped = Some(stop);
                Ordering::Equal
            })
        });
        stopped.map_or(Ok(place), Err)
    }
}
