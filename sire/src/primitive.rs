//! Primitive runes: the runes with a meaning of their own.
//!
//! A macro can take over any rune. Each primitive except `####` therefore has a second spelling with
//! a `#` in front, such as `#=`.

use crate::nat_text::from_short;
use plan::Natural;

/// The meaning of a primitive rune.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Primitive {
    Command(PrimitiveCommand),
    Expression(PrimitiveForm),
}

/// A command of the language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PrimitiveCommand {
    /// `=`: binds names.
    Define,
    /// `*`: runs several commands.
    Sequence,
    /// `####`: begins a module.
    EnterModule,
    /// `^-^`: removes all names from the scope except the given ones.
    Export,
    /// `=?=`: fails unless two values are equal.
    Assert,
    /// `:|`: adds names of another module to the scope.
    Import,
}

/// An expression form of the language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PrimitiveForm {
    /// `|`, `-`: application.
    Apply,
    /// `**`: a function to inline at its calls.
    Inline,
    /// `@`: let.
    Let,
    /// `@@`: a recursive let.
    LetRec,
    /// `^`: a let of the variable `_`, with the value in last position.
    Ket,
    /// `&`: an anonymous function.
    Anonymous,
    /// `?`: a function that is a law.
    Lambda,
    /// `??`: a function that is a pinned law.
    PinnedLambda,
    /// `.`: a reference to a name.
    Reference,
}

impl Primitive {
    /// Returns the meaning of a rune, or `None` if the rune is not primitive.
    pub(crate) fn of(rune: &Natural) -> Option<Primitive> {
        const HASH: u64 = from_short("#");
        let rune = u64::try_from(rune).ok()?;
        if rune == from_short("####") {
            return Some(Primitive::Command(PrimitiveCommand::EnterModule));
        }
        let bare = if rune & 0xff == HASH { rune >> 8 } else { rune };
        let command = COMMANDS.iter().find(|(text, _)| *text == bare);
        let form = || FORMS.iter().find(|(text, _)| *text == bare);
        match command {
            Some((_, command)) => Some(Primitive::Command(*command)),
            None => form().map(|(_, form)| Primitive::Expression(*form)),
        }
    }
}

const COMMANDS: [(u64, PrimitiveCommand); 5] = [
    (from_short("="), PrimitiveCommand::Define),
    (from_short("*"), PrimitiveCommand::Sequence),
    (from_short("^-^"), PrimitiveCommand::Export),
    (from_short("=?="), PrimitiveCommand::Assert),
    (from_short(":|"), PrimitiveCommand::Import),
];

const FORMS: [(u64, PrimitiveForm); 10] = [
    (from_short("|"), PrimitiveForm::Apply),
    (from_short("-"), PrimitiveForm::Apply),
    (from_short("**"), PrimitiveForm::Inline),
    (from_short("@"), PrimitiveForm::Let),
    (from_short("@@"), PrimitiveForm::LetRec),
    (from_short("^"), PrimitiveForm::Ket),
    (from_short("&"), PrimitiveForm::Anonymous),
    (from_short("?"), PrimitiveForm::Lambda),
    (from_short("??"), PrimitiveForm::PinnedLambda),
    (from_short("."), PrimitiveForm::Reference),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat_text::from_text;

    fn meaning(rune: &str) -> Option<Primitive> {
        Primitive::of(&from_text(rune))
    }

    #[test]
    fn a_hash_in_front_changes_nothing() {
        for rune in ["=", "*", "^-^", "=?=", ":|", "|", "-", "**", "@", "@@", "^", "&", "?", "??"] {
            assert!(meaning(rune).is_some(), "{rune}");
            assert_eq!(meaning(rune), meaning(&format!("#{rune}")), "{rune}");
            assert_eq!(meaning(&format!("##{rune}")), None, "{rune}");
        }
        assert_eq!(meaning("####"), Some(Primitive::Command(PrimitiveCommand::EnterModule)));
    }

    #[test]
    fn other_runes_are_not_primitive() {
        for rune in ["", "#", "##", "###", "#####", "+", "||", "&&", ",", "exactly_nine"] {
            assert_eq!(meaning(rune), None, "{rune}");
        }
    }
}
