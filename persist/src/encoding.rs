//! Building blocks of all file formats: little-endian fields, truncated checks, the store's id.

/// The identity of one store. Every file of the store contains it.
pub(crate) type StoreId = [u8; 16];

/// A BLAKE3 hash, truncated to its first 16 bytes.
pub(crate) type Checksum = [u8; 16];

/// Truncates a BLAKE3 hash to the bytes that are stored.
pub(crate) fn truncate_check(hash: &blake3::Hash) -> Checksum {
    array(hash.as_bytes(), 0)
}

/// Computes the unkeyed check of some bytes.
pub(crate) fn check(bytes: &[u8]) -> Checksum {
    truncate_check(&blake3::hash(bytes))
}

/// Copies `N` bytes from offset `at`.
///
/// # Panics
/// If `bytes` ends before `at + N`.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// Reads a little-endian `u32` at offset `at`. Panics like [`array()`].
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

/// Reads a little-endian `u64` at offset `at`. Panics like [`array()`].
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}
