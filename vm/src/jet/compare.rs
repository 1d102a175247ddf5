//! [`JetCall`]'s comparisons of values whose parts may be unevaluated.

use crate::vm::JetCall;

use plan::{ComparisonObstacle, EvalError, Items, Shape};
use std::cmp::Ordering;

/// The result of a comparison that evaluates nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartialComparison<T> {
    /// The evaluated parts decide.
    Known(T),
    /// The result depends on an unevaluated part, which is on top of the stack now.
    Unevaluated,
    /// The result depends on parts that this comparison does not support.
    Unsupported,
}

impl JetCall<'_> {
    /// Compares the values at two indices, as [`Ref::compare_evaluated`](plan::Ref) does.
    ///
    /// # Errors
    /// [`EvalError::StackOverflow`].
    pub fn compare_evaluated(
        &mut self,
        left: usize,
        right: usize,
    ) -> Result<PartialComparison<Ordering>, EvalError> {
        let order = self.at(left).compare_evaluated(self.at(right));
        self.push_obstacle(order)
    }

    /// Searches the set at index `keys` for the value at index `key`, as
    /// [`Items::search_evaluated`] does.
    ///
    /// # Errors
    /// [`EvalError::StackOverflow`].
    ///
    /// # Panics
    /// If the value at index `keys` is not a set.
    pub fn search_evaluated(
        &mut self,
        key: usize,
        keys: usize,
    ) -> Result<PartialComparison<Result<usize, usize>>, EvalError> {
        let Shape::Set(keys) = self.at(keys).shape() else { panic!("a set is searched") };
        let position = Items::search_evaluated(keys, self.at(key));
        self.push_obstacle(position)
    }

    /// Pushes the unevaluated part that a comparison stopped at, if it did.
    fn push_obstacle<T>(
        &mut self,
        result: Result<T, ComparisonObstacle>,
    ) -> Result<PartialComparison<T>, EvalError> {
        Ok(match result {
            Ok(value) => PartialComparison::Known(value),
            Err(ComparisonObstacle::Unsupported) => PartialComparison::Unsupported,
            Err(ComparisonObstacle::Unevaluated(part)) => {
                self.room_for(8)?;
                self.vm.heap.stack.push_checked(part);
                PartialComparison::Unevaluated
            }
        })
    }
}
