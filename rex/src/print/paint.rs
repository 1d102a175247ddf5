//! Pieces of output that know how wide they look, and the colours they may have.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

/// Whether printed text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    None,
    /// With escape sequences for an ANSI terminal: runes yellow, strings green, brackets magenta.
    Terminal,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Rune,
    Text,
    Bracket,
}

impl Paint {
    fn style(self, text: &str) -> Style {
        let yellow = AnsiColor::Yellow.on_default();
        match self {
            Paint::Plain => Style::new(),
            // Runes made of little ink would drown otherwise.
            Paint::Rune if matches!(text, "-" | "`" | ".") => yellow.bold(),
            Paint::Rune => yellow,
            Paint::Text => AnsiColor::Green.on_default(),
            Paint::Bracket => AnsiColor::Magenta.on_default().bold(),
        }
    }
}

/// Text for (a part of) one line, with its width in characters, escape sequences not counted.
#[derive(Debug, Default)]
pub(super) struct Phrase {
    pub(super) text: String,
    pub(super) width: usize,
}

impl Phrase {
    /// Nothing, with room for what most phrases are.
    pub(super) fn with_room() -> Phrase {
        Phrase { text: String::with_capacity(64), width: 0 }
    }

    pub(super) fn push(&mut self, text: &str, paint: Paint, colour: Colour) {
        self.width += text.chars().count();
        if colour == Colour::None || paint == Paint::Plain {
            self.text.push_str(text);
        } else {
            let style = paint.style(text);
            write!(self.text, "{style}{text}{style:#}").expect("a string takes what is written");
        }
    }

    pub(super) fn push_spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
        self.width += count;
    }

    pub(super) fn append(&mut self, other: &Phrase) {
        self.text.push_str(&other.text);
        self.width += other.width;
    }
}
