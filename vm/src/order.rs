//! Equality and the total order of values.

use crate::Ref;
use std::cmp::Ordering;

/// Compares two values in normal form.
pub(crate) fn compare(_a: Ref<'_>, _b: Ref<'_>) -> Ordering {
    Ordering::Less
}
