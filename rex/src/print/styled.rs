//! Styled text and its width.

use std::fmt::Write;

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

/// Text for one line or a part of it, with its width in characters. Escape sequences have no width.
#[derive(Debug, Default)]
pub(super) struct StyledText {
    pub(super) text: String,
    pub(super) width: usize,
}

impl StyledText {
    /// Makes an empty text with capacity for most one-line trees, which saves reallocations.
    pub(super) fn new() -> StyledText {
        StyledText { text: String::with_capacity(64), width: 0 }
    }

    pub(super) fn push(&mut self, text: &str, style: TextStyle, colour: Colour) {
        self.width += text.chars().count();
        if colour == Colour::None || style == TextStyle::Plain {
            self.text.push_str(text);
        } else {
            let style = style.style(text);
            write!(self.text, "{style}{text}{style:#}").expect("writing to a String does not fail");
        }
    }

    pub(super) fn push_spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
        self.width += count;
    }

    pub(super) fn append(&mut self, other: &StyledText) {
        self.text.push_str(&other.text);
        self.width += other.width;
    }
}
