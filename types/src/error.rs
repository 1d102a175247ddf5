//! [`TypeError`]: why a term has no type, in words for a person.

use crate::name::{TypeName, TypeNames};
use crate::term::TermId;

/// Why a definition or an expression has no type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeError {
    /// The part that is wrong.
    pub term: TermId,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Facts, such as both types.
    pub notes: Vec<String>,
    /// What the programmer can do, each a sentence.
    pub help: Vec<String>,
}

/// The root of a type, for [`advice`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeRoot {
    Variable,
    Rigid,
    Function,
    Tuple,
    Named(TypeName),
}

/// Returns what the programmer can do about a value of a type that is found where another one is
/// expected.
pub(crate) fn advice(names: &TypeNames, expected: TypeRoot, found: TypeRoot) -> Option<String> {
    let name_of = |root| match root {
        TypeRoot::Function => "Function",
        TypeRoot::Tuple => "Tuple",
        TypeRoot::Variable | TypeRoot::Rigid => "",
        TypeRoot::Named(name) if names.is_nat(name) => "Nat",
        TypeRoot::Named(name) => &names.get(name).name,
    };
    let text = match (name_of(expected), name_of(found)) {
        ("Any", _) | (_, "Any") => {
            "`(coerce x)` uses a value of the type Any at another type, and the reverse"
        }
        ("Row", "List") => "`(listToRow x)` makes a row of a list; ~[..] is a list, [..] is a row",
        ("List", "Row" | "Tuple") => {
            "`(listFromRow x)` makes a list of a row; ~[..] is a list, [..] is a row"
        }
        ("Row", "Nat") => {
            "a text or number is a nat, not a row: `strLen` is the length of a text, `explode` \
             makes a row of its characters, [x] is a row of x alone"
        }
        ("Row", "Tuple") => "all items of a Row have one type; declare the row's type as a tuple",
        ("Tuple", "Row") => {
            "a Row can have any length; `(idx i row)` is an item, and a pattern [x y] needs a tuple"
        }
        ("Row", "Bar") => {
            "`(barLen x)` is the length of a bar, and `(barToRow x)` makes a row of its bytes"
        }
        ("Row", "Set") => "`(setToRow x)` makes a row of the members of a set",
        ("Row", "Tab") => "`(tabValsRow x)` makes a row of the values of a table",
        ("List", "Set") => "`(setToList x)` makes a list of the members of a set",
        ("Set", "Row") => "`(setFromRow x)` makes a set of a row",
        ("Bar", "Nat") => "`(natBar x)` makes a bar of a text; b#{abc} is a bar, {abc} is a text",
        ("Nat", "Bar") => "`(barNat x)` makes a text of a bar; b#{abc} is a bar, {abc} is a text",
        (_, "Maybe") => "`(maybeCase x none some)` and `(fromSome none x)` take the value out",
        ("Maybe", _) => "`(SOME x)` is an optional value that is there, NONE one that is not",
        (_, "Either") => "`(eitherCase x left right)` takes the value out",
        (_, "Function") => "the function may lack an argument",
        ("Function", _) => {
            "a function is expected here: a definition may lack an argument, or a call may have too many"
        }
        ("Tab", "Set") => {
            "functions of tables begin with `tab`, those of sets with `set`: `setHas`"
        }
        ("Set", "Tab") => {
            "functions of sets begin with `set`, those of tables with `tab`: `tabHas`"
        }
        _ if expected == TypeRoot::Rigid || found == TypeRoot::Rigid => {
            "the declared type promises to work for every type of that variable: declare the type \
             that the code needs"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
