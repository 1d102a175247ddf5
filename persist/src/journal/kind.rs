//! The kinds of journals: where their segments are and what their frames are called.

/// The maximum first sequence of a segment. Counting on from it cannot overflow.
const LAST_FIRST: u64 = u64::MAX >> 1;

/// A kind of journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JournalKind {
    /// The directory of the segments.
    pub(crate) dir: &'static str,
    /// The extension of a segment's file name, with the dot.
    pub(crate) extension: &'static str,
    /// The first bytes of every segment.
    pub(crate) magic: [u8; 8],
    /// The name of one data frame in error messages.
    pub(crate) item: &'static str,
}

impl JournalKind {
    /// The event log.
    pub(crate) const LOG: Self =
        Self { dir: "log", extension: ".log", magic: *b"PALLASLG", item: "event" };

    /// The catalogue of pins.
    pub(crate) const CATALOGUE: Self =
        Self { dir: "catalogue", extension: ".cat", magic: *b"PALLASCT", item: "group" };

    /// Returns the path of the segment whose first sequence is `first`.
    pub(crate) fn segment_name(&self, first: u64) -> String {
        format!("{}/{first:020}{}", self.dir, self.extension)
    }

    /// Parses a file name (without directory) and returns the first sequence of that segment.
    pub(crate) fn first_sequence(&self, name: &str) -> Option<u64> {
        let digits = name.strip_suffix(self.extension)?;
        let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let first: u64 = is_number.then(|| digits.parse().ok())??;
        (1..=LAST_FIRST).contains(&first).then_some(first)
    }
}
