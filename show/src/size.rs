//! How wide boxes are.
//!
//! A *box* is a part of a value that can be laid out on one line or, if it must be, over several.
//! Its width is an estimate that the layout is defined by: it is not always what the line comes to.

/// How wide a box is on one line, and whether it is a word there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// In characters; none if it never fits on one line.
    pub(super) width: Option<u32>,
    pub(super) word: Word,
}

/// Whether a box is a bare word on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// It is `0`, `1` or `2`: one of those operations that take several arguments.
    Operation,
}

/// The width that is too wide for a line.
const LINE: u32 = 55;

impl Size {
    /// That of a box which never fits on one line.
    pub(super) const NEVER: Size = Size { width: None, word: Word::No };

    pub(super) fn new(width: usize) -> Size {
        Size { width: Some(u32::try_from(width).unwrap_or(u32::MAX)), word: Word::No }
    }

    /// That of a box made of these, and so many characters besides.
    pub(super) fn of(parts: &[Size], besides: usize) -> Size {
        let besides = Size::new(besides);
        let add = |sum: u32, part: &Size| Some(sum.saturating_add(part.width?));
        let width = besides.width.and_then(|besides| parts.iter().try_fold(besides, add));
        Size { width, word: Word::No }
    }

    /// Whether a box is put on one line.
    pub(super) fn fits(self) -> bool {
        self.is_below(LINE)
    }

    /// Whether a box fits on one line of less than that width.
    pub(super) fn is_below(self, limit: u32) -> bool {
        self.width.is_some_and(|width| width < limit)
    }
}

/// How an application looks on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// `f-x-y`
    Hyphens,
    /// `(f x y)`
    Parentheses,
}

/// The look and the size of an application on one line.
pub(super) fn application(parts: &[Size]) -> (Applied, Size) {
    let is_word = |part: &Size| part.word != Word::No;
    let is_operation = matches!(parts, [function, _] if function.word == Word::Operation);
    if is_operation || parts.iter().all(is_word) {
        (Applied::Hyphens, Size::of(parts, parts.len().saturating_sub(1)))
    } else {
        (Applied::Parentheses, Size::of(parts, 1 + parts.len()))
    }
}

/// If the application of these in a law's body is better written with its last arguments first:
/// how many parts stay behind.
///
/// That is so if it is wide and ends in short arguments, but is not made of such only.
pub(super) fn rotation(parts: &[Size]) -> Option<usize> {
    let total = Size::of(parts, 0);
    if total.width.is_none() || total.is_below(40) {
        return None;
    }
    let short = parts.iter().rev().take_while(|part| part.is_below(10)).count();
    (0 < short && short < parts.len()).then_some(parts.len() - short)
}
