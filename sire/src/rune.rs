//! The runes that have a meaning without any macro.
//!
//! All but `####` may also be written with a `#` in front, for when a macro has taken the rune.

use crate::name::small;
use vm::Natural;

/// What a rune means without any macro.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Primitive {
    Command(Command),
    Expression(Expression),
}

/// What a command does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// `=`: binds names.
    Define,
    /// `*`: several commands.
    Each,
    /// `####`: begins a module.
    Enter,
    /// `^-^`: drops all but some names.
    Filter,
    /// `=?=`: fails unless two values are equal.
    Assert,
    /// `:|`: takes names from another module.
    Import,
}

/// How an expression is formed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expression {
    /// `|`, `-`
    Apply,
    /// `**`
    Inline,
    /// `@`
    Let,
    /// `@@`
    LetRec,
    /// `^`: a let whose value comes last, and is `_`.
    Ket,
    /// `&`
    Anonymous,
    /// `?`
    Lambda,
    /// `??`
    PinnedLambda,
    /// `.`
    Reference,
}

impl Primitive {
    /// What that rune means.
    pub(crate) fn of(rune: &Natural) -> Option<Primitive> {
        const HASH: u64 = small("#");
        let rune = u64::try_from(rune).ok()?;
        if rune == small("####") {
            return Some(Primitive::Command(Command::Enter));
        }
        let bare = if rune & 0xff == HASH { rune >> 8 } else { rune };
        let command = COMMANDS.iter().find(|(text, _)| *text == bare);
        let expression = || EXPRESSIONS.iter().find(|(text, _)| *text == bare);
        match command {
            Some((_, command)) => Some(Primitive::Command(*command)),
            None => expression().map(|(_, form)| Primitive::Expression(*form)),
        }
    }
}

const COMMANDS: [(u64, Command); 5] = [
    (small("="), Command::Define),
    (small("*"), Command::Each),
    (small("^-^"), Command::Filter),
    (small("=?="), Command::Assert),
    (small(":|"), Command::Import),
];

const EXPRESSIONS: [(u64, Expression); 10] = [
    (small("|"), Expression::Apply),
    (small("-"), Expression::Apply),
    (small("**"), Expression::Inline),
    (small("@"), Expression::Let),
    (small("@@"), Expression::LetRec),
    (small("^"), Expression::Ket),
    (small("&"), Expression::Anonymous),
    (small("?"), Expression::Lambda),
    (small("??"), Expression::PinnedLambda),
    (small("."), Expression::Reference),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::of_text;

    fn meaning(rune: &str) -> Option<Primitive> {
        Primitive::of(&of_text(rune))
    }

    #[test]
    fn a_hash_in_front_changes_nothing() {
        for rune in ["=", "*", "^-^", "=?=", ":|", "|", "-", "**", "@", "@@", "^", "&", "?", "??"] {
            assert!(meaning(rune).is_some(), "{rune}");
            assert_eq!(meaning(rune), meaning(&format!("#{rune}")), "{rune}");
            assert_eq!(meaning(&format!("##{rune}")), None, "{rune}");
        }
        assert_eq!(meaning("####"), Some(Primitive::Command(Command::Enter)));
    }

    #[test]
    fn other_runes_mean_nothing() {
        for rune in ["", "#", "##", "###", "#####", "+", "||", "&&", ",", "exactly_nine"] {
            assert_eq!(meaning(rune), None, "{rune}");
        }
    }
}
