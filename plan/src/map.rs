//! Tables by a hash that is fast rather than hard to foresee.

/// A table whose keys are short and looked up often.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
