//! Counts, in tests, how often code runs that is there for [samples](crate::sampling) alone.

/// Counts that such code has run.
#[inline(always)]
pub(crate) fn note_sampling_step() {
    #[cfg(test)]
    STEPS.set(STEPS.get() + 1);
}

#[cfg(test)]
thread_local! {
    /// How often this thread has run such code.
    pub(crate) static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}
