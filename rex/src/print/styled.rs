//! Styled text and its width.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

/// Selects plain or coloured output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    None,
    /// Text with escape sequences for an ANSI terminal: runes are yellow, strings green and brackets
    /// magenta.
    Terminal,
}

/// The role of a piece of text, which determines its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TextStyle {
    Plain,
    Rune,
    Text,
    Bracket,
}

impl TextStyle {
    fn style(self, text: &str) -> Style {
        let yellow = AnsiColor::Yellow.on_default();
        match self {
            TextStyle::Plain => Style::new(),
            // These runes are small and hard to see in a normal weight.
            TextStyle::Rune if matches!(text, "-" | "`" | ".") => yellow.bold(),
            TextStyle::Rune => yellow,
            TextStyle::Text => AnsiColor::Green.on_default(),
            TextStyle::Bracket => AnsiColor::Magenta.on_default().bold(),
        }
    }
}

/// Receives the pieces of a line in order.
pub(super) trait StyledSink {
    /// Adds a piece of text without a line feed.
    ///
    /// # Errors
    ///
    /// If the sink takes no more text; printing ends then.
    fn push(&mut self, text: &str, style: TextStyle) -> fmt::Result;
}

/// Writes text with the escape sequences of its style. Returns its width in characters.
pub(super) fn write_styled(
    out: &mut impl Write,
    text: &str,
    style: TextStyle,
    colour: Colour,
) -> Result<usize, fmt::Error> {
    if colour == Colour::None || style == TextStyle::Plain {
        out.write_str(text)?;
    } else {
        let style = style.style(text);
        write!(out, "{style}{text}{style:#}")?;
    }
    Ok(text.chars().count())
}

/// Text for one line or a part of it, with its width in characters. Escape sequences have no width.
pub(super) struct StyledText {
    pub(super) text: String,
    pub(super) width: usize,
    /// The greatest width. A piece that exceeds it is refused.
    max_width: usize,
    colour: Colour,
}

impl StyledText {
    /// Makes an empty text with capacity for most one-line trees, which saves reallocations.
    pub(super) fn new(max_width: usize, colour: Colour) -> StyledText {
        StyledText { text: String::with_capacity(64), width: 0, max_width, colour }
    }
}

impl StyledSink for StyledText {
    fn push(&mut self, text: &str, style: TextStyle) -> fmt::Result {
        self.width += write_styled(&mut self.text, text, style, self.colour)?;
        if self.width > self.max_width { Err(fmt::Error) } else { Ok(()) }
    }
}

/// The width of a line, without its text.
#[derive(Default)]
pub(super) struct LineWidth(pub(super) usize);

impl StyledSink for LineWidth {
    fn push(&mut self, text: &str, _: TextStyle) -> fmt::Result {
        self.0 += text.chars().count();
        Ok(())
    }
}
