//! [`BoxSize`]: the widths of boxes.
//!
//! A *box* is a part of a value that is laid out on one line if it fits, else on several. Its width
//! is the estimate that defines the layout; the printed line may have another width.

/// The width of a box on one line, and whether it is a word there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BoxSize {
    /// The width in characters; `None` if the box never fits on one line.
    pub(super) width: Option<u32>,
    pub(super) word: WordForm,
}

/// Whether a box is a bare word on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordForm {
    /// It is not a word.
    No,
    /// It is a word.
    Yes,
    /// It is `0`, `1` or `2`: an operation of several arguments.
    Operation,
}

/// The smallest width that does not fit on a line.
const LINE: u32 = 55;

impl BoxSize {
    /// The size of a box that never fits on one line.
    pub(super) const NEVER: BoxSize = BoxSize { width: None, word: WordForm::No };

    pub(super) fn new(width: usize) -> BoxSize {
        BoxSize { width: Some(u32::try_from(width).unwrap_or(u32::MAX)), word: WordForm::No }
    }

    /// The size of a box that consists of these parts and `besides` more characters.
    pub(super) fn of(parts: &[BoxSize], besides: usize) -> BoxSize {
        let besides = BoxSize::new(besides);
        let add = |sum: u32, part: &BoxSize| Some(sum.saturating_add(part.width?));
        let width = besides.width.and_then(|besides| parts.iter().try_fold(besides, add));
        BoxSize { width, word: WordForm::No }
    }

    /// Whether the box fits on one line.
    pub(super) fn fits(self) -> bool {
        self.is_below(LINE)
    }

    /// Whether the box is on one line narrower than `limit`.
    pub(super) fn is_below(self, limit: u32) -> bool {
        self.width.is_some_and(|width| width < limit)
    }
}

/// The style of an application on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApplicationStyle {
    /// `f-x-y`
    Hyphens,
    /// `(f x y)`
    Parentheses,
}

/// The style and the size of an application on one line.
pub(super) fn application(parts: &[BoxSize]) -> (ApplicationStyle, BoxSize) {
    let is_word = |part: &BoxSize| part.word != WordForm::No;
    let is_operation = matches!(parts, [function, _] if function.word == WordForm::Operation);
    if is_operation || parts.iter().all(is_word) {
        (ApplicationStyle::Hyphens, BoxSize::of(parts, parts.len().saturating_sub(1)))
    } else {
        (ApplicationStyle::Parentheses, BoxSize::of(parts, 1 + parts.len()))
    }
}

/// The number of parts of an application in a law's body that come after its last arguments, if
/// those are written first; else `None`.
///
/// They are written first if the application is wide and ends in short arguments, but has other
/// parts too.
pub(super) fn rotation(parts: &[BoxSize]) -> Option<usize> {
    let total = BoxSize::of(parts, 0);
    if total.width.is_none() || total.is_below(40) {
        return None;
    }
    let short = parts.iter().rev().take_while(|part| part.is_below(10)).count();
    (0 < short && short < parts.len()).then_some(parts.len() - short)
}
