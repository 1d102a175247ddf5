//! [`LawFingerprint`]: what a law is known by in later runs of a program.

/// A number that two laws rarely have in common, and a law has in every run. It is computed from the law's name
/// and the sizes of its code, since the hash of the law costs more than it may save.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LawFingerprint(pub u64);

impl LawFingerprint {
    /// The fingerprint of a law that these numbers describe.
    pub(crate) fn of(numbers: impl Iterator<Item = u64>) -> LawFingerprint {
        // The golden ratio: a multiplicative hash.
        let mix = |hash: u64, number: u64| {
            (hash.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        LawFingerprint(numbers.fold(1, mix))
    }

    /// What the law's lazy entry is known by.
    pub(crate) fn of_lazy_entry(self) -> LawFingerprint {
        LawFingerprint(!self.0)
    }
}
