//! Hash maps with a fast hash function.

/// A hash map for short keys that are looked up often. Its hash function does not resist chosen
/// keys.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
