//! [`TypeError`]: why a term has no type, in words for a person.

use crate::name::TypeName;
use crate::name::TypeNames;
use crate::requirement::PendingRequirement;
use crate::scheme::{Head, Precedence, RowRequirement};
use crate::table::{TypeId, TypeNode, TypeTable};
use crate::term::TermId;
use foldhash::{HashMap, HashMapExt};

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

/// The number of nodes of a type that a message shows.
const SHOWN_MAX: usize = 60;

/// Writes the types of one message. A variable has the same name in all of them.
pub(crate) struct TypeWriter<'t, 'n> {
    table: &'t mut TypeTable<'n>,
    pending: &'t [PendingRequirement],
    /// The names of the declared type's variables.
    rigid_names: &'t [String],
    named: HashMap<TypeId, String>,
}

impl<'t, 'n> TypeWriter<'t, 'n> {
    pub(crate) fn new(
        table: &'t mut TypeTable<'n>,
        pending: &'t [PendingRequirement],
        rigid_names: &'t [String],
    ) -> TypeWriter<'t, 'n> {
        TypeWriter { table, pending, rigid_names, named: HashMap::new() }
    }

    /// Returns the text of a type.
    pub(crate) fn text(&mut self, ty: TypeId) -> String {
        let (mut text, mut budget) = (String::new(), SHOWN_MAX);
        self.write(ty, Precedence::Function, &mut text, &mut budget);
        text
    }

    /// Recurses at most [`SHOWN_MAX`] times.
    fn write(&mut self, ty: TypeId, precedence: Precedence, text: &mut String, left: &mut usize) {
        if *left == 0 {
            text.push_str("..");
            return;
        }
        *left -= 1;
        let id = self.table.find(ty);
        match self.table.node(id).clone() {
            TypeNode::Rigid(index) => match self.rigid_names.get(index as usize) {
                Some(name) => text.push_str(name),
                None => text.push('?'),
            },
            TypeNode::Apply(Head::Tuple, items) => self.write_tuple(&items, text, left),
            TypeNode::Apply(Head::Function, parts) => {
                let in_parentheses = precedence > Precedence::Function;
                if in_parentheses {
                    text.push('(');
                }
                self.write(parts[0], Precedence::Argument, text, left);
                text.push_str(" > ");
                self.write(parts[1], Precedence::Function, text, left);
                if in_parentheses {
                    text.push(')');
                }
            }
            TypeNode::Apply(Head::Named(name), parameters) => {
                let in_parentheses = precedence == Precedence::Parameter && !parameters.is_empty();
                if in_parentheses {
                    text.push('(');
                }
                text.push_str(&self.table.names().get(name).name);
                for parameter in &parameters {
                    text.push(' ');
                    self.write(*parameter, Precedence::Parameter, text, left);
                }
                if in_parentheses {
                    text.push(')');
                }
            }
            TypeNode::Variable(_) | TypeNode::Link(_) => match self.literal_of(id) {
                Some(items) => self.write_tuple(&items, text, left),
                None => text.push_str(&self.variable_name(id)),
            },
        }
    }

    fn write_tuple(&mut self, items: &[TypeId], text: &mut String, left: &mut usize) {
        text.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            self.write(*item, Precedence::Parameter, text, left);
        }
        text.push(']');
    }

    /// Returns the items of the row literal that has this variable as its type.
    fn literal_of(&mut self, variable: TypeId) -> Option<Box<[TypeId]>> {
        self.pending.iter().find_map(|pending| match &pending.requirement {
            RowRequirement::Literal { row, items } if self.table.find(*row) == variable => {
                Some(items.clone())
            }
            _ => None,
        })
    }

    fn variable_name(&mut self, variable: TypeId) -> String {
        if let Some(name) = self.named.get(&variable) {
            return name.clone();
        }
        let taken = |name: &String| self.rigid_names.contains(name);
        let used = self.named.len();
        let mut names = (0..).map(variable_name).filter(|name| !taken(name));
        let name = names.nth(used).unwrap_or_default();
        self.named.insert(variable, name.clone());
        name
    }
}

/// Returns the name of the type variable with this index: `a`, `b` .. `z`, `a1` ..
pub(crate) fn variable_name(index: usize) -> String {
    let letter = char::from(b'a' + (index % 26) as u8);
    match index / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
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
             makes a row of its characters"
        }
        ("Row", "Tuple") => "all items of a Row have one type; declare the row's type as a tuple",
        ("Tuple", "Row") => {
            "a Row can have any length; `(idx i row)` is an item, and a pattern [x y] needs a tuple"
        }
        ("Row", "Bar") => "`(barToRow x)` makes a row of the bytes of a bar",
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
        ("Function", _) => "only a function can be called; the call may have too many arguments",
        _ if expected == TypeRoot::Rigid || found == TypeRoot::Rigid => {
            "the declared type promises to work for every type of that variable: declare the type \
             that the code needs"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
